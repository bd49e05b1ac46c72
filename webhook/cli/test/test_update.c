/* proctor test --update: what came out becomes what is expected. */
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/files.h"
#include "cli/test/test_run.h"

#include <string.h>

/* The block as people write it: without empty sets, and with a path where one stood. */
static cJSON *fresh_expect(struct test_run *run, const struct suite_case *suite_case,
                           const cJSON *got)
{
    cJSON *fresh = json_new_object(&run->arena);
    for (const cJSON *child = got->child; child != NULL; child = child->next) {
        bool empty = json_is_array(child) && child->child == NULL;
        if (empty && json_get(suite_case->expect, child->string) == NULL)
            continue;
        bool path = strcmp(child->string, "object") == 0 && suite_case->expect_path != NULL;
        const cJSON *value = path ? json_get(suite_case->expect, "object") : child;
        json_add(&run->arena, fresh, child->string, json_dup(&run->arena, value));
    }
    return fresh;
}

static bool update_object(struct test_run *run, const struct suite_case *suite_case,
                          const cJSON *got)
{
    const cJSON *object = json_get(got, "object");
    struct err err;
    struct buf text;
    if (suite_case->expect_path == NULL || object == NULL ||
        json_equal(object, suite_case->expect_object))
        return true;
    buf_init(&text, &run->arena, LIMIT_INPUT_FILE_BYTES);
    yaml_write(&text, object);
    if (files_replace(suite_case->expect_path, text.data, text.length, &err) == 0)
        return true;
    test_fail_suite(run, suite_case->expect_path, err.text);
    return false;
}

static void write_updates(struct test_run *run, cJSON *const *fresh)
{
    const struct suite *suite = run->suite;
    struct buf text;
    struct err err;
    size_t refused = 0;
    buf_init(&text, &run->arena, LIMIT_INPUT_FILE_BYTES);
    if (!suite_rewrite(&run->arena, suite, fresh, &text, &refused)) {
        const struct suite_case *suite_case = &suite->cases[refused];
        test_fail_suite(run, suite->file,
                        arena_printf(&run->arena,
                                     "line %u: \"%s\" is written in one line, {...}: --update "
                                     "needs `expect:` on a line of its own; the file is left as "
                                     "it is",
                                     suite_case->mark.line, suite_case->name));
    } else if (files_replace(suite->file, text.data, text.length, &err) < 0) {
        test_fail_suite(run, suite->file, err.text);
    }
}

void test_update(struct test_run *run, bool *updated)
{
    const struct suite *suite = run->suite;
    cJSON **fresh = arena_array(&run->arena, suite->case_count + 1, sizeof(cJSON *));
    size_t count = 0;
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct case_result *result = &run->cases.results[i];
        if (result->outcome != CASE_FAILED || !result->updatable ||
            !update_object(run, &suite->cases[i], result->got))
            continue;
        fresh[i] = fresh_expect(run, &suite->cases[i], result->got);
        updated[i] = true;
        count++;
    }
    run->updated += count;
    if (count > 0)
        write_updates(run, fresh);
}
