/* The schema table against real API servers: what they sent must pass unchanged, what they made
 * of a file must be what schema_default makes of it.
 */
#include "base/limits.h"
#include "kube/schema.h"
#include "tests/unit/test.h"

#include <dirent.h>

#define REVIEWS "tests/reviews"
#define DEFAULTS "tests/unit/kube/defaults"

static struct arena arena;

/* Every test works in a fresh arena. */
static void begin(void)
{
    static bool ready;
    if (!ready)
        arena_install_cjson_hooks();
    ready = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    arena_use(&arena);
}

static cJSON *parse(const char *text, size_t length)
{
    struct err err;
    cJSON *root = NULL;
    if (json_parse(&arena, text, length, &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

static cJSON *parse_text(const char *text)
{
    return parse(text, strlen(text));
}

static cJSON *parse_file(const char *path)
{
    size_t length;
    char *text = test_read_file(path, &length);
    cJSON *root = parse(text, length);
    free(text);
    return root;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Calls check(path) for each file of `folder` with that end; returns how many there were. */
static int each_file(const char *folder, const char *end, void (*check)(const char *path))
{
    struct dirent **entries;
    const int total = scandir(folder, &entries, NULL, alphasort);
    if (total < 0)
        TEST_FAIL("no folder %s", folder);
    static char paths[512][512];
    int count = 0;
    for (int i = 0; i < total; i++) {
        if (ends_with(entries[i]->d_name, end) && count < 512)
            snprintf(paths[count++], sizeof(paths[0]), "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    for (int i = 0; i < count; i++) {
        begin();
        check(paths[i]);
    }
    return count;
}

static const char *pretty(const cJSON *node)
{
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    json_write_pretty(&buf, node);
    return buf.data;
}

static const struct schema_kind *kind_of(const cJSON *object)
{
    const char *version = json_get_string(object, "apiVersion");
    const char *slash = strchr(version, '/');
    const char *group =
        slash == NULL ? "" : arena_strndup(&arena, version, (size_t)(slash - version));
    return schema_kind_find(group, slash == NULL ? version : slash + 1,
                            json_get_string(object, "kind"));
}

static int fixed_points;

static void check_fixed_point(const char *path, const cJSON *object)
{
    if (object == NULL)
        return;
    const struct schema_kind *kind = kind_of(object);
    if (kind == NULL)
        return;
    struct err err;
    cJSON *copy = json_dup(&arena, object);
    if (schema_check(kind, object, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (schema_default(&arena, kind, copy, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (!json_equal(object, copy))
        TEST_FAIL("%s is changed from\n%s\nto\n%s", path, pretty(object), pretty(copy));
    fixed_points++;
}

static void check_review(const char *path)
{
    const cJSON *request = json_get(parse_file(path), "request");
    CHECK(request != NULL);
    check_fixed_point(path, json_get(request, "object"));
    check_fixed_point(path, json_get(request, "oldObject"));
}

TEST(reviews_of_1_30_are_fixed_points)
{
    fixed_points = 0;
    CHECK(each_file(REVIEWS "/v1.30.14", ".json", check_review) > 40);
    CHECK(fixed_points > 40);
}

TEST(reviews_of_1_36_are_fixed_points)
{
    fixed_points = 0;
    CHECK(each_file(REVIEWS "/v1.36.3", ".json", check_review) > 200);
    CHECK(fixed_points > 200);
}

/* All differences in one go: the first line that differs says more than "not equal". */
static void check_default(const char *path)
{
    char out[512];
    snprintf(out, sizeof(out), "%.*s.out.json", (int)(strlen(path) - strlen(".in.json")), path);
    cJSON *object = parse_file(path);
    const cJSON *want = parse_file(out);
    const struct schema_kind *kind = kind_of(object);
    CHECK(kind != NULL);
    struct err err;
    if (schema_default(&arena, kind, object, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (!json_equal(object, want))
        TEST_FAIL("%s becomes\n%s\nwant\n%s", path, pretty(object), pretty(want));
    if (schema_default(&arena, kind, object, &err) < 0 || !json_equal(object, want))
        TEST_FAIL("%s: the second time is not the same", path);
}

TEST(files_become_what_the_api_server_made_of_them)
{
    CHECK(each_file(DEFAULTS, ".in.json", check_default) > 70);
}

TEST_MAIN
