/* RFC 6901 section 5, RFC 6902 with its appendix, and the published conformance tables. */
#include "base/limits.h"
#include "kube/pointer.h"
#include "tests/unit/test.h"

static struct arena arena;

static cJSON *parse(const char *text)
{
    static bool installed;
    cJSON *root = NULL;
    struct err err = {0};
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        installed = true;
    }
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) != 0)
        TEST_FAIL("%s: %s", text, err.text);
    return root;
}

static const char *written(const cJSON *node)
{
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    json_write(&buf, node);
    return buf.data;
}

TEST(pointer_gets_the_table_of_rfc_6901)
{
    static const char *const rows[][2] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
    };
    cJSON *root = parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
                        "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    CHECK(pointer_get(root, "") == root);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_STRING(written(pointer_get(root, rows[i][0])), rows[i][1]);
}

TEST(pointer_gets_nothing_where_nothing_is)
{
    static const char *const rows[] = {"foo",
                                       "/foo/2",
                                       "/foo/-",
                                       "/foo/01",
                                       "/foo/1e0",
                                       "/foo/-1",
                                       "/foo/ 1",
                                       "/foo/1/x",
                                       "/none",
                                       "/m~2n",
                                       "/m~",
                                       "/FOO",
                                       "//",
                                       "/foo/",
                                       "/foo/+1",
                                       "/foo/4294967296",
                                       "/foo/18446744073709551616"};
    cJSON *root = parse("{\"foo\":[\"bar\",\"baz\"],\"m~2n\":1,\"m~\":2}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (pointer_get(root, rows[i]) != NULL)
            TEST_FAIL("%s found something", rows[i]);
}

TEST(pointer_finds_null_and_decodes_tilde_once)
{
    cJSON *root = parse("{\"a\":null,\"~1\":1,\"/\":2}");
    CHECK(pointer_get(root, "/a") != NULL);
    CHECK_STRING(written(pointer_get(root, "/~01")), "1");
    CHECK_STRING(written(pointer_get(root, "/~1")), "2");
}

TEST(pointer_adds_what_it_gets)
{
    static const char *const keys[] = {"", "a/b", "m~n", "~1", "/~/~", "plain"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        cJSON *root = parse("{}");
        struct buf buf;
        json_add(&arena, root, keys[i], json_new_int(&arena, 7));
        buf_init(&buf, &arena, 100);
        pointer_add_token(&buf, keys[i]);
        CHECK(pointer_get(root, buf.data) == root->child);
    }
}

/* want NULL: the patch must fail. */
static const struct {
    const char *doc, *patch, *want;
} patches[] = {
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]"},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":3}]", "[1,2,3]"},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]", "[0,1,2]"},
    {"[]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]", "[0]"},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/3\",\"value\":3}]", NULL},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":3}]", NULL},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/1e0\",\"value\":3}]", NULL},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/-1\",\"value\":3}]", NULL},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", NULL},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", "[1]"},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/0\"},{\"op\":\"remove\",\"path\":\"/0\"}]", "[]"},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", "null"},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":[]}]", "[]"},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":1}]", NULL},
    {"{\"a\":1,\"b\":2}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{}}]", "{\"a\":{},\"b\":2}"},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a\"}]", NULL},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/a\"}]", "{\"a\":1}"},
    {"{\"a\":1,\"ab\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab/c\"}]",
     "{\"ab\":{\"c\":1}}"},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"\"}]", "1"},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}"},
    {"{}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", NULL},
    {"{\"a\":[1]}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/0\"}]", "{\"a\":[[1],1]}"},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "{\"a\":1}"},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":10e-1}]", "{\"a\":1}"},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"1\"}]", NULL},
    {"{\"a\":9007199254740993}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":9007199254740992}]",
     NULL},
    {"{\"a\":{\"x\":1,\"y\":2}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":2,\"x\":1}}]",
     "{\"a\":{\"x\":1,\"y\":2}}"},
    {"{\"a\":{\"x\":null}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{}}]", NULL},
    {"{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}"},
    {"{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL},
    {"{}", "[{\"op\":\"add\",\"value\":1}]", NULL},
    {"{}", "[{\"path\":\"/a\",\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"Add\",\"path\":\"/a\",\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":\"/~\",\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":7,\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL},
    {"{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", NULL},
    {"{}", "[7]", NULL},
    {"{}", "{}", NULL},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a~1b~0\",\"value\":1,\"more\":2}]", "{\"a/b~\":1}"},
    {"{}", "[]", "{}"},
};

TEST(patch_does_each_row)
{
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        cJSON *root = parse(patches[i].doc);
        struct err err = {0};
        int rc = patch_apply(&arena, &root, parse(patches[i].patch), &err);
        if ((rc == 0) != (patches[i].want != NULL))
            TEST_FAIL("%s on %s: rc %d %s", patches[i].patch, patches[i].doc, rc, err.text);
        if (rc == 0)
            CHECK_STRING(written(root), patches[i].want);
        else
            CHECK_INT(rc, -ERR_JSON);
    }
}

TEST(patch_names_the_operation_that_failed)
{
    cJSON *root = parse("{}");
    struct err err = {0};
    int rc = patch_apply(&arena, &root,
                         parse("[{\"op\":\"add\",\"path\":\"/a\",\"value\":1},"
                               "{\"op\":\"remove\",\"path\":\"/b\"}]"),
                         &err);
    CHECK_INT(rc, -ERR_JSON);
    CHECK_STRING(err.text, "operation 1: nothing at /b");
}

TEST(patch_copies_its_values)
{
    cJSON *root = parse("{}");
    cJSON *patch = parse("[{\"op\":\"add\",\"path\":\"/a\",\"value\":[]},"
                         "{\"op\":\"add\",\"path\":\"/a/-\",\"value\":1}]");
    const char *before = written(patch);
    CHECK_INT(patch_apply(&arena, &root, patch, NULL), 0);
    CHECK_STRING(written(root), "{\"a\":[1]}");
    CHECK_STRING(written(patch), before);
}

/* RFC 6902 leaves objects unordered, and null members count here. */
static bool same_text(const cJSON *got, const cJSON *want)
{
    return json_equal(got, want) && strlen(written(got)) == strlen(written(want));
}

static void run_record(const char *path, size_t index, const cJSON *record)
{
    cJSON *root = json_dup(&arena, json_find(record, "doc"));
    const cJSON *want = json_find(record, "expected");
    const bool fails = json_find(record, "error") != NULL;
    struct err err = {0};
    int rc = patch_apply(&arena, &root, json_find(record, "patch"), &err);
    if ((rc != 0) != fails)
        TEST_FAIL("%s, record %zu: %s: %s", path, index, written(record), err.text);
    if (rc == 0 && want != NULL && !same_text(root, want))
        TEST_FAIL("%s, record %zu: %s: is %s", path, index, written(record), written(root));
}

/* A record with two "op" members never reaches patch_apply: the parser refuses it. */
static void refuse_record(const char *path, size_t index, const cJSON *record)
{
    const char *text = written(record);
    cJSON *root;
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, NULL) != -ERR_JSON)
        TEST_FAIL("%s, record %zu: %s was parsed", path, index, text);
}

static size_t run_table(const char *path)
{
    size_t index = 0, ran = 0;
    char *text = test_read_file(path, NULL);
    parse("{}"); /* the arena */
    /* Bare cJSON: the tables hold the duplicate keys that json_parse refuses. */
    struct arena *before = arena_use(&arena);
    const cJSON *table = cJSON_Parse(text);
    arena_use(before);
    free(text);
    CHECK(json_is_array(table));
    for (const cJSON *record = table->child; record != NULL; record = record->next, index++) {
        const bool disabled = json_is_true(json_find(record, "disabled"));
        if (json_find(record, "patch") == NULL)
            continue;
        if (disabled && json_find(record, "error") != NULL)
            refuse_record(path, index, record);
        else
            run_record(path, index, record);
        ran++;
    }
    return ran;
}

TEST(patch_passes_the_published_table)
{
    CHECK_INT(run_table("tests/cases/json-patch/tests.json"), 78);
}

TEST(patch_passes_the_table_of_rfc_6902)
{
    CHECK_INT(run_table("tests/cases/json-patch/spec_tests.json"), 17);
}

TEST_MAIN
