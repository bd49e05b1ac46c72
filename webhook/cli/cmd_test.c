/* proctor test: runs the policies' suites. */
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/diff.h"
#include "cli/expect.h"
#include "cli/files.h"
#include "cli/policies.h"
#include "cli/report.h"
#include "cli/suite.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUITE_BYTES (256 * LIMIT_MIB)

struct test_run {
    struct cli *cli;
    bool json, update, verbose;
    const char *filter; /* NULL: all */
    int64_t now;
    struct arena arena; /* of the suite that runs */
    size_t suites, passed, failed, updated, errors;
    size_t printed; /* cases, in JSON */
    /* the suite that runs */
    const char *file;
    char *text;
    size_t length;
    struct policy_set *set;
};

/* ---- what is printed ---------------------------------------------------------------------- */

static void fail_suite(struct test_run *run, const char *file, const char *text)
{
    run->errors++;
    cli_print_visible(run->cli->err, file);
    fputs(file[0] != '\0' ? ": error: " : "error: ", run->cli->err);
    cli_print_visible(run->cli->err, text);
    fputc('\n', run->cli->err);
}

static void print_name(struct test_run *run, const struct suite *suite,
                       const struct suite_case *suite_case, const char *word,
                       enum cli_colour colour)
{
    fprintf(run->cli->out, "%s%s%s ", cli_paint(run->cli, colour), word,
            cli_paint(run->cli, CLI_PLAIN));
    cli_print_visible(run->cli->out, suite->file);
    fprintf(run->cli->out, ":%u: ", suite_case->mark.line);
    cli_print_visible(run->cli->out, suite_case->name);
    fputc('\n', run->cli->out);
}

static void print_json_case(struct test_run *run, const struct suite *suite,
                            const struct suite_case *suite_case, const char *failure,
                            const cJSON *wanted, const cJSON *got)
{
    cJSON *object = json_new_object(&run->arena);
    json_add(&run->arena, object, "suite", json_new_string(&run->arena, suite->name));
    json_add(&run->arena, object, "file", json_new_string(&run->arena, suite->file));
    json_add(&run->arena, object, "line", json_new_int(&run->arena, suite_case->mark.line));
    json_add(&run->arena, object, "case", json_new_string(&run->arena, suite_case->name));
    json_add(&run->arena, object, "passed", json_new_bool(&run->arena, failure == NULL));
    if (failure != NULL) {
        json_add(&run->arena, object, "failure", json_new_string(&run->arena, failure));
        if (wanted != NULL)
            json_add(&run->arena, object, "expected", json_dup(&run->arena, wanted));
        if (got != NULL)
            json_add(&run->arena, object, "got", json_dup(&run->arena, got));
    }
    struct buf text;
    buf_init(&text, &run->arena, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, object);
    fprintf(run->cli->out, "%s%s", run->printed++ == 0 ? "{\"cases\": [\n" : ",\n", text.data);
}

static void print_diff(struct test_run *run, const cJSON *wanted, const cJSON *got)
{
    struct buf sides[2], diff;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&sides[i], &run->arena, LIMIT_INPUT_FILE_BYTES);
        yaml_write(&sides[i], i == 0 ? wanted : got);
    }
    buf_init(&diff, &run->arena, LIMIT_INPUT_FILE_BYTES);
    diff_write(&run->arena, &(struct diff_side){"expected", sides[0].data},
               &(struct diff_side){"got", sides[1].data}, run->cli->colour, &diff);
    for (const char *line = diff.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(run->cli->out, "    %.*s\n", (int)length, line);
        line += length;
        line += *line == '\n';
    }
}

static void pass(struct test_run *run, const struct suite *suite,
                 const struct suite_case *suite_case)
{
    run->passed++;
    if (run->json)
        print_json_case(run, suite, suite_case, NULL, NULL, NULL);
    else if (run->verbose)
        print_name(run, suite, suite_case, "ok", CLI_GREEN);
}

static void fail(struct test_run *run, const struct suite *suite,
                 const struct suite_case *suite_case, const char *failure, const cJSON *wanted,
                 const cJSON *got)
{
    run->failed++;
    if (run->json) {
        print_json_case(run, suite, suite_case, failure, wanted, got);
        return;
    }
    print_name(run, suite, suite_case, "FAILED", CLI_RED);
    report_lines(run->cli->out, "    ", failure);
    if (wanted != NULL && got != NULL)
        print_diff(run, wanted, got);
}

/* ---- update ------------------------------------------------------------------------------- */

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
    fail_suite(run, suite_case->expect_path, err.text);
    return false;
}

static void write_updates(struct test_run *run, const struct suite *suite, cJSON *const *fresh)
{
    struct buf text;
    struct err err;
    size_t refused = 0;
    buf_init(&text, &run->arena, LIMIT_INPUT_FILE_BYTES);
    if (!suite_rewrite(&run->arena, suite, fresh, &text, &refused)) {
        const struct suite_case *suite_case = &suite->cases[refused];
        fail_suite(run, suite->file,
                   arena_printf(&run->arena,
                                "line %u: \"%s\" is written in one line, {...}: --update needs "
                                "`expect:` on a line of its own; the file is left as it is",
                                suite_case->mark.line, suite_case->name));
    } else if (files_replace(suite->file, text.data, text.length, &err) < 0) {
        fail_suite(run, suite->file, err.text);
    }
}

/* ---- cases -------------------------------------------------------------------------------- */

static const char *find_failure(struct test_run *run, const struct suite_case *suite_case,
                                const struct judgement *judgement, const cJSON *wanted,
                                const cJSON *got)
{
    if (judgement->second_patch != NULL)
        return arena_printf(&run->arena,
                            "no fixed point: judged again, it is changed once more: %s",
                            judgement->second_patch);
    if (suite_case->expect == NULL)
        return "there is no `expect` in this case; --update writes one";
    return json_equal(wanted, got) ? NULL : "it came out otherwise:";
}

static void run_case(struct test_run *run, const struct suite *suite,
                     const struct suite_case *suite_case, cJSON **ret_fresh)
{
    struct judgement judgement;
    struct err err;
    if (suite_judge(&run->arena, run->set, suite_case, &judgement, &err) < 0) {
        fail(run, suite, suite_case, err.text, NULL, NULL);
        return;
    }
    cJSON *wanted = expect_wanted(&run->arena, suite_case->expect, suite_case->expect_object);
    cJSON *got = expect_got(&run->arena, suite_case->expect, suite_case->expect_object, &judgement);
    const char *failure = find_failure(run, suite_case, &judgement, wanted, got);
    if (failure == NULL) {
        pass(run, suite, suite_case);
    } else if (run->update && judgement.second_patch == NULL) {
        if (!update_object(run, suite_case, got))
            return;
        *ret_fresh = fresh_expect(run, suite_case, got);
        run->updated++;
        if (!run->json)
            print_name(run, suite, suite_case, "updated", CLI_YELLOW);
        pass(run, suite, suite_case);
    } else {
        fail(run, suite, suite_case, failure, wanted, got);
    }
}

static void run_cases(struct test_run *run, const struct suite *suite)
{
    cJSON **fresh = arena_array(&run->arena, suite->case_count + 1, sizeof(cJSON *));
    size_t updated = run->updated;
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct suite_case *suite_case = &suite->cases[i];
        if (suite_case->broken)
            continue;
        if (run->filter == NULL || strstr(suite_case->name, run->filter) != NULL)
            run_case(run, suite, suite_case, &fresh[i]);
    }
    if (run->updated > updated)
        write_updates(run, suite, fresh);
}

/* ---- suites ------------------------------------------------------------------------------- */

static void print_diagnostics(struct test_run *run, struct diagnostics *diagnostics)
{
    struct buf text;
    buf_init(&text, &run->arena, LIMIT_MIB);
    diag_sort(diagnostics);
    diag_write(diagnostics, &text);
    report_lines(run->cli->err, "", text.data);
    run->errors += diagnostics->error_count;
}

static void run_suite(void *context)
{
    struct test_run *run = context;
    struct diagnostics diagnostics;
    struct suite suite;
    struct err err;
    diag_init(&diagnostics, &run->arena);
    if (suite_load(&run->arena, run->file, run->text, run->length, run->now, &diagnostics, &suite,
                   &err) < 0) {
        fail_suite(run, "", err.text);
        return;
    }
    run->suites++;
    print_diagnostics(run, &diagnostics);
    run->set = policies_load(run->cli, suite.policies, NULL, run->now);
    if (run->set == NULL) {
        fail_suite(run, run->file, "its policies cannot be loaded, so no case was run");
        return;
    }
    size_t passed = run->passed, failed = run->failed;
    run_cases(run, &suite);
    if (run->json)
        return;
    cli_print_visible(run->cli->out, suite.file);
    fprintf(run->cli->out, ": %zu passed, %zu failed\n", run->passed - passed,
            run->failed - failed);
}

static void run_file(void *context, const char *path, bool in_folder)
{
    struct test_run *run = context;
    struct err err;
    run->text = NULL;
    if (files_read(path, &run->text, &run->length, &err) < 0) {
        fail_suite(run, path, err.text);
        return;
    }
    /* What lies beside suites is policies; only a file that was named must be a suite. */
    if (!in_folder || suite_is_one(run->text)) {
        run->file = path;
        run->set = NULL;
        arena_reset(&run->arena, LIMIT_MIB);
        if (!arena_try(&run->arena, run_suite, run))
            fail_suite(run, path, "running it takes too much memory");
        policy_set_unref(run->set);
    }
    free(run->text);
}

static void fail_path(void *context, const char *path, const char *text)
{
    fail_suite(context, path, text);
}

/* ---- the command -------------------------------------------------------------------------- */

static int finish(struct test_run *run)
{
    FILE *out = run->cli->out;
    if (run->suites == 0 && run->errors == 0)
        fail_suite(run, "", "no suite (kind PolicySuite) was found");
    else if (run->passed + run->failed == 0 && run->errors == 0)
        fail_suite(run, "", "no case was run: none has that in its name");
    if (run->json)
        fprintf(out, "%s], \"passed\": %zu, \"failed\": %zu, \"errors\": %zu}\n",
                run->printed == 0 ? "{\"cases\": [" : "\n", run->passed, run->failed, run->errors);
    else if (run->updated > 0)
        fprintf(out, "%zu case%s updated: read the difference before you keep it\n", run->updated,
                run->updated == 1 ? "" : "s");
    if (!run->json)
        fprintf(out, "%zu passed, %zu failed\n", run->passed, run->failed);
    if (run->errors > 0) {
        fprintf(run->cli->err, "%zu error%s: the result is incomplete\n", run->errors,
                run->errors == 1 ? "" : "s");
        return CLI_ERROR;
    }
    return run->failed > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

static int run_tests(struct cli *cli)
{
    struct test_run run = {.cli = cli};
    run.json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    run.update = cli_flag_bool(cli, "update");
    run.verbose = cli_flag_bool(cli, "verbose");
    run.filter = cli_flag_string(cli, "filter");
    run.now = time(NULL);
    arena_init(&run.arena, SUITE_BYTES);
    struct files_visitor visitor = {&run, "cases", run_file, fail_path};
    if (cli->argument_count == 0)
        files_find("policies", &visitor);
    for (size_t i = 0; i < cli->argument_count; i++)
        files_find(cli->arguments[i], &visitor);
    int code = finish(&run);
    arena_done(&run.arena);
    return code;
}

static const struct cli_flag flags[] = {
    {.name = "output",
     .letter = 'o',
     .value = "text|json",
     .fallback = "text",
     .help = "how to print"},
    {.name = "update", .help = "write what came out into the suites' expect blocks"},
    {.name = "filter", .value = "TEXT", .help = "only cases with this in their name"},
    {.name = "verbose", .letter = 'v', .help = "also name the cases that pass"},
    {0}};

const struct command cmd_test = {
    .name = "test",
    .summary = "run the suites that lie beside the policies",
    .usage = "[flags] [DIR|SUITE]...",
    .help =
        "Finds the suites (kind PolicySuite) in the folders given, by default `policies`, and\n"
        "runs their cases: each object is filled in as Kubernetes does it, mutated, filled in\n"
        "again and validated, and the verdict, the violations and the changes are compared with\n"
        "what the case expects.  A case that the policies would change a second time fails.\n"
        "\n"
        "A case:\n"
        "  - name: five replicas become one\n"
        "    object: cases/replicas-5.yaml        # or the object itself\n"
        "    # old:, operation:, resource:, subresource:, options:, requestName:, user:,\n"
        "    # groups:, namespace:, now:, or review: a recorded AdmissionReview\n"
        "    expect:\n"
        "      verdict: patched                   # allowed, patched, denied, not-judged\n"
        "      violations: []                     # \"policy/rule field\"; warned, audited alike\n"
        "      changes: [student-deployments/one-replica spec.replicas]\n"
        "      # warnings: whole texts; message: a part of it; object: what must be in it\n"
        "\n"
        "Examples:\n"
        "  proctor test policies/student-deployments\n"
        "  proctor test --filter replicas -v\n"
        "  proctor test --update policies && git diff policies\n"
        "\n"
        "Exits with 0 if all passed, 1 if a case failed, 2 if a suite or its policies could not\n"
        "be read.  The last line is \"N passed, N failed\".\n",
    .flags = flags,
    .run = run_tests,
};
