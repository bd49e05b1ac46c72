#include "base/json.h"
#include "base/limits.h"
#include "tests/unit/test.h"

#include <stdint.h>

static struct arena arena;

static struct arena *fresh(void)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 256 * LIMIT_MIB);
        installed = true;
    }
    arena_reset(&arena, LIMIT_MIB);
    return &arena;
}

static int parse_bytes(const char *text, size_t length, cJSON **ret_root, struct err *err)
{
    return json_parse(&arena, text, length, &json_limits_review, ret_root, err);
}

static cJSON *parse(const char *text)
{
    cJSON *root = NULL;
    struct err err = {0};
    if (parse_bytes(text, strlen(text), &root, &err) != 0)
        TEST_FAIL("%s: %s", text, err.text);
    return root;
}

static const char *written(const cJSON *node)
{
    struct buf buf;
    buf_init(&buf, &arena, 64 * LIMIT_MIB);
    json_write(&buf, node);
    return buf.data;
}

/* What comes out of what goes in. */
TEST(json_reads_and_writes)
{
    static const char *const rows[][2] = {
        {"[]", "[]"},
        {" { } \n", "{}"},
        {"[ ]", "[]"},
        {"null", "null"},
        {"\"\"", "\"\""},
        {"[ true , false,null ]", "[true,false,null]"},
        {"\t{\"a\" :\r\n[ ] , \"b\": { }}", "{\"a\":[],\"b\":{}}"},
        {"[[[[]],{}]]", "[[[[]],{}]]"},
        {"9007199254740993", "9007199254740993"},
        {"[1.10,1E400,-1.50e-3,0.1,1e3,-0.0]", "[1.10,1E400,-1.50e-3,0.1,1e3,-0.0]"},
        {"[123456789012345678901234567890, -9223372036854775808]",
         "[123456789012345678901234567890,-9223372036854775808]"},
        {"{\"a]1.5\":[1.5,\"2.5,\\\"\",{\"x\":[],\"y\":2.50}],\"b\":3.50}",
         "{\"a]1.5\":[1.5,\"2.5,\\\"\",{\"x\":[],\"y\":2.50}],\"b\":3.50}"},
        {"[{},1.50,[],{\"a\":[[],1.50]},\"\",1.50]", "[{},1.50,[],{\"a\":[[],1.50]},\"\",1.50]"},
        {"\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80/\""},
        {"\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"",
         "\"\\\"\\\\\\u0008\\u000c\\n\\u000d\\u0009\\u0001\""},
        {"\"\x7f\xc2\x80\xe2\x80\xa8\"", "\"\\u007f\\u0080\\u2028\""},
        {"{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}"},
        {"{\"\":0,\" \":1}", "{\"\":0,\" \":1}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh();
        CHECK_STRING(written(parse(rows[i][0])), rows[i][1]);
    }
}

static void check_error(const char *text, size_t length, const char *want)
{
    cJSON *root = NULL;
    struct err err = {0};
    fresh();
    int rc = parse_bytes(text, length, &root, &err);
    if (rc != -ERR_JSON || root != NULL || strcmp(err.text, want) != 0)
        TEST_FAIL("%s\n  is   %d %s\n  want %s", text, rc, err.text, want);
}

TEST(json_refuses_with_the_byte)
{
    static const char *const rows[][2] = {
        {"", "the text ends early at byte 0"},
        {"  ", "the text ends early at byte 2"},
        {"[", "the text ends early at byte 1"},
        {"[1", "the text ends early at byte 2"},
        {"[1,", "the text ends early at byte 3"},
        {"[1,]", "not a JSON value at byte 3"},
        {"[,1]", "not a JSON value at byte 1"},
        {"[1 2]", "',' or the end of an object or list is missing at byte 3"},
        {"[1}", "',' or the end of an object or list is missing at byte 2"},
        {"{", "an object's key is missing at byte 1"},
        {"{a:1}", "an object's key is missing at byte 1"},
        {"{1:1}", "an object's key is missing at byte 1"},
        {"{\"a\"}", "':' is missing after a key at byte 4"},
        {"{\"a\" 1}", "':' is missing after a key at byte 5"},
        {"{\"a\":}", "not a JSON value at byte 5"},
        {"{\"a\":1,}", "an object's key is missing at byte 7"},
        {"{\"a\":1]", "',' or the end of an object or list is missing at byte 6"},
        {"1 2", "something follows the end of the document at byte 2"},
        {"{}}", "something follows the end of the document at byte 2"},
        {"[]// x", "something follows the end of the document at byte 2"},
        {"/* x */[]", "not a JSON value at byte 0"},
        {"\xef\xbb\xbf[]", "not a JSON value at byte 0"},
        {"nul", "not a JSON value at byte 0"},
        {"True", "not a JSON value at byte 0"},
        {"nullx", "something follows the end of the document at byte 4"},
        {"NaN", "not a JSON value at byte 0"},
        {"Infinity", "not a JSON value at byte 0"},
        {"+1", "not a JSON value at byte 0"},
        {"-", "not a JSON value at byte 1"},
        {"-a", "not a JSON value at byte 1"},
        {".5", "not a JSON value at byte 0"},
        {"01", "a number with a leading zero at byte 1"},
        {"-012", "a number with a leading zero at byte 2"},
        {"1.", "a number that ends in a point at byte 2"},
        {"1.e3", "a number that ends in a point at byte 2"},
        {"1e", "a number without an exponent at byte 2"},
        {"1e+", "a number without an exponent at byte 3"},
        {"0x10", "something follows the end of the document at byte 1"},
        {"'a'", "not a JSON value at byte 0"},
        {"\"a", "a string does not end at byte 2"},
        {"\"a\\", "a string does not end at byte 3"},
        {"\"\\x\"", "an unknown escape in a string at byte 2"},
        {"\"\\u12g4\"", "\\u without four hexadecimal digits at byte 2"},
        {"\"\\u12", "\\u without four hexadecimal digits at byte 2"},
        {"\"\\u0000\"", "a NUL character in a string at byte 2"},
        {"\"\\ud800\"", "half of a surrogate pair in a string at byte 7"},
        {"\"\\ud800\\u0041\"", "half of a surrogate pair in a string at byte 7"},
        {"\"\\ud800\\ud800\"", "half of a surrogate pair in a string at byte 7"},
        {"\"\\udc00\"", "half of a surrogate pair in a string at byte 2"},
        {"\"\t\"", "a control character in a string at byte 1"},
        {"\"\n\"", "a control character in a string at byte 1"},
        {"\"\x80\"", "not UTF-8 at byte 1"},
        {"\"\xc0\x80\"", "not UTF-8 at byte 1"},
        {"\"\xed\xa0\x80\"", "not UTF-8 at byte 1"},
        {"\"\xf4\x90\x80\x80\"", "not UTF-8 at byte 1"},
        {"\"\xe2\x82\"", "not UTF-8 at byte 1"},
        {"{\"\xff\":1}", "not UTF-8 at byte 2"},
        {"[\f1]", "not a JSON value at byte 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_error(rows[i][0], strlen(rows[i][0]), rows[i][1]);
    check_error("\"a\0b\"", 5, "a NUL byte at byte 2");
    check_error("[]\0", 3, "something follows the end of the document at byte 2");
    check_error("\"\\\0\"", 4, "an unknown escape in a string at byte 2");
}

TEST(json_refuses_keys_that_stand_twice)
{
    check_error("{\"a\":1,\"a\":2}", 13, "the key \"a\" stands twice in one object");
    check_error("{\"a\":1,\"\\u0061\":2}", 18, "the key \"a\" stands twice in one object");
    check_error("{\"\":1,\"\":2}", 11, "the key \"\" stands twice in one object");
    check_error("[{\"x\":{\"b\":1,\"b\":1}}]", 21, "the key \"b\" stands twice in one object");
    check_error("{\"\x1b\":1}", 7, "a control character in a string at byte 2");
    check_error("{\"\\u001b\":1,\"\\u001b\":2}", 23, "the key \"?\" stands twice in one object");
}

TEST(json_finds_twins_in_large_objects)
{
    for (unsigned twin = 0; twin < 40; twin++) {
        struct buf buf;
        struct err err = {0};
        cJSON *root;
        buf_init(&buf, fresh(), LIMIT_MIB);
        buf_add_char(&buf, '{');
        for (unsigned i = 0; i < 40; i++)
            buf_printf(&buf, "\"key%u\":%u,", i, i);
        buf_printf(&buf, "\"\\u006bey%u\":0}", twin);
        CHECK_INT(parse_bytes(buf.data, buf.length, &root, &err), -ERR_JSON);
        char want[80];
        snprintf(want, sizeof want, "the key \"key%u\" stands twice in one object", twin);
        CHECK_STRING(err.text, want);
    }
}

static int parse_repeated(const char *before, const char *unit, size_t count, const char *after,
                          const char *end, size_t end_count)
{
    struct buf buf;
    cJSON *root;
    buf_init(&buf, fresh(), 16 * LIMIT_MIB);
    buf_add_string(&buf, before);
    for (size_t i = 0; i < count; i++)
        buf_add_string(&buf, unit);
    buf_add_string(&buf, after);
    for (size_t i = 0; i < end_count; i++)
        buf_add_string(&buf, end);
    return parse_bytes(buf.data, buf.length, &root, NULL);
}

TEST(json_holds_its_limits)
{
    const size_t depth = LIMIT_JSON_DEPTH, nodes = LIMIT_JSON_NODES;
    CHECK_INT(parse_repeated("", "[", depth, "", "]", depth), 0);
    CHECK_INT(parse_repeated("", "[", depth + 1, "", "]", depth + 1), -ERR_LIMIT);
    CHECK_INT(parse_repeated("", "{\"a\":", depth, "1", "}", depth), 0);
    CHECK_INT(parse_repeated("", "{\"a\":", depth + 1, "1", "}", depth + 1), -ERR_LIMIT);
    /* The list counts, and so does the 0. */
    CHECK_INT(parse_repeated("[", "0,", nodes - 2, "0]", "", 0), 0);
    CHECK_INT(parse_repeated("[", "0,", nodes - 1, "0]", "", 0), -ERR_LIMIT);
    CHECK_INT(parse_repeated("", "[", 1000000, "", "", 0), -ERR_LIMIT);
    CHECK_INT(parse_repeated("", "1", 60, "", "", 0), 0);
    CHECK_INT(parse_repeated("", "1", 61, "", "", 0), -ERR_JSON);
}

TEST(json_knows_exact_case_and_null)
{
    fresh();
    const cJSON *root = parse("{\"Name\":1,\"name\":\"x\",\"gone\":null,\"deep\":{\"er\":[2]}}");
    CHECK_STRING(json_get_string(root, "name"), "x");
    CHECK(json_get_string(root, "Name") == NULL);
    CHECK(json_get(root, "NAME") == NULL && json_get(root, "gone") == NULL);
    CHECK(json_is_null(json_find(root, "gone")) && json_find(root, "gone") != NULL);
    CHECK(json_is_array(json_path(root, "deep", "er", NULL)));
    CHECK(json_path(root, "deep", "none", "er", NULL) == NULL);
    CHECK(json_path(root, "name", "er", NULL) == NULL);
    CHECK(json_get(NULL, "a") == NULL && json_string(NULL) == NULL && json_count(NULL) == 0);
    CHECK_INT(json_count(root), 4);
    CHECK_STRING(json_type_name(json_get(root, "deep")), "object");
    CHECK_STRING(json_type_name(NULL), "null");
}

TEST(json_knows_whole_numbers)
{
    static const struct {
        const char *text;
        bool whole;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"9007199254740993", true, 9007199254740993},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"1.0", true, 1},
        {"1e3", true, 1000},
        {"1.5", false, 0},
        {"1e400", false, 0},
        {"\"1\"", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 77;
        fresh();
        if (json_int64(parse(rows[i].text), &value) != rows[i].whole)
            TEST_FAIL("%s", rows[i].text);
        CHECK_INT(value, rows[i].whole ? rows[i].value : 77);
    }
}

TEST(json_equal_looks_at_values)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"1", "1.0", true},
        {"1e3", "1000", true},
        {"9007199254740993", "9007199254740992", false},
        {"0.1", "0.10", true},
        {"1", "\"1\"", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":null}", "{\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{}", "[]", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"[1,null]", "[1]", false},
        {"true", "false", false},
        {"\"a\"", "\"A\"", false},
        {"null", "null", true},
        {"{\"a\":[{\"b\":[]}]}", "{\"a\":[{\"b\":[]}]}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh();
        const cJSON *a = parse(rows[i].a), *b = parse(rows[i].b);
        if (json_equal(a, b) != rows[i].equal || json_equal(b, a) != rows[i].equal)
            TEST_FAIL("%s and %s", rows[i].a, rows[i].b);
    }
}

TEST(json_unlinks_any_child)
{
    for (int gone = 0; gone < 3; gone++) {
        fresh();
        cJSON *list = parse("[0,1,2]");
        cJSON *child = list->child;
        for (int i = 0; i < gone; i++)
            child = child->next;
        json_unlink(list, child);
        json_append(list, child);
        static const char *const want[] = {"[1,2,0]", "[0,2,1]", "[0,1,2]"};
        CHECK_STRING(written(list), want[gone]);
    }
    cJSON *one = parse("[0]");
    json_unlink(one, one->child);
    json_append(one, json_new_bool(&arena, true));
    CHECK_STRING(written(one), "[true]");
}

TEST(json_assigns_in_place)
{
    fresh();
    cJSON *root = parse("{\"a\":1,\"b\":2}");
    json_assign(&arena, json_get(root, "a"), parse("[1.50]"));
    CHECK_STRING(written(root), "{\"a\":[1.50],\"b\":2}");
}

TEST(json_sorts_members_and_keeps_equals_in_order)
{
    size_t count;
    fresh();
    cJSON *object = json_new_object(&arena);
    for (int i = 0; i < 101; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", (i * 37) % 50);
        json_add(&arena, object, key, json_new_int(&arena, i));
    }
    cJSON **members = json_sort_members(&arena, object, &count);
    CHECK_INT(count, 101);
    for (size_t i = 1; i < count; i++) {
        const int order = strcmp(members[i - 1]->string, members[i]->string);
        CHECK(order < 0 || (order == 0 && members[i - 1]->valueint < members[i]->valueint));
    }
    json_sort_members(&arena, parse("{}"), &count);
    CHECK_INT(count, 0);
}

TEST(json_writes_for_people)
{
    struct buf buf;
    buf_init(&buf, fresh(), 1000);
    json_write_pretty(&buf, parse("{\"a\":[1,{}],\"b\":[]}"));
    CHECK_STRING(buf.data, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

/* ---- what is written is read back --------------------------------------------------------- */

static unsigned long long seed;

static unsigned pick(unsigned count)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % count;
}

static const char *make_text(void)
{
    static const char *const pieces[] = {
        "a", "\"", "\\",  "/", "\n", "\x01", "\x7f", "\xc3\xa9", "\xe2\x80\xa8", "\xf0\x9f\x98\x80",
        "{", "]",  "1.5", ","};
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    for (unsigned i = pick(5); i > 0; i--)
        buf_add_string(&buf, pieces[pick(sizeof pieces / sizeof pieces[0])]);
    return buf.data;
}

static cJSON *make_tree(unsigned depth)
{
    static const char *const numbers[] = {"0",   "-1",    "1.50",  "9007199254740993",
                                          "1e3", "1E400", "-0.10", "123456789012345"};
    const unsigned kind = pick(depth > 0 ? 7 : 4);
    if (kind == 0)
        return json_new_number_text(&arena, numbers[pick(8)]);
    if (kind == 1)
        return json_new_bool(&arena, pick(2) == 0);
    if (kind < 4)
        return json_new_string(&arena, make_text());
    cJSON *tree = kind == 4 ? json_new_array(&arena) : json_new_object(&arena);
    for (unsigned i = pick(18); i > 0; i--) {
        const char *key = make_text();
        if (kind == 4)
            json_append(tree, make_tree(depth - 1));
        else if (json_find(tree, key) == NULL)
            json_add(&arena, tree, key, make_tree(depth - 1));
    }
    return tree;
}

TEST(json_reads_back_what_it_wrote)
{
    for (unsigned long long start = 1; start < 3000; start++) {
        struct buf pretty;
        seed = start;
        fresh();
        const cJSON *tree = make_tree(3);
        const char *text = written(tree);
        const cJSON *again = parse(text);
        buf_init(&pretty, &arena, 16 * LIMIT_MIB);
        json_write_pretty(&pretty, tree);
        if (!json_equal(tree, again) || strcmp(written(again), text) != 0 ||
            strcmp(written(parse(pretty.data)), text) != 0 ||
            strcmp(written(json_dup(&arena, tree)), text) != 0)
            TEST_FAIL("seed %llu: %s", start, text);
    }
}

/* cJSON's own reader is the judge where it is right: well-formed text without long numbers. */
TEST(json_trees_are_those_of_cjson)
{
    static const char *const texts[] = {
        "{\"a\":[1,-2,0,-0,true,false,null,{},[],\"\"],\"b\":{\"c\":\"d\"}}",
        " [ 1 , 2147483647 , -2147483648 , 2147483648 , 1e3 , -0.5 , 1E-2 ] ",
        ("\"\\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0041 \\u00e9 \\u20ac \\ud83d\\ude00 \xc3\xa9 "
         "\xf0\x9f\x98\x80\""),
        "{\"\\u0061b\":\"\\u007f\",\"\":{\"\":[[[\"x\"]]]}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena own;
        struct err err;
        cJSON *root;
        arena_init(&own, LIMIT_MIB);
        CHECK(json_parse(&own, texts[i], strlen(texts[i]), &json_limits_review, &root, &err) == 0);
        arena_use(&own);
        const cJSON *other = cJSON_Parse(texts[i]);
        CHECK(cJSON_Compare(root, other, true));
        CHECK_STRING(cJSON_PrintUnformatted(root), cJSON_PrintUnformatted(other));
        arena_use(NULL);
        arena_done(&own);
    }
}

static cJSON *numbered(unsigned count, bool backwards)
{
    cJSON *object = json_new_object(&arena);
    for (unsigned i = 0; i < count; i++) {
        const unsigned number = backwards ? count - 1 - i : i;
        json_add(&arena, object, arena_printf(&arena, "key-%u", number),
                 json_new_int(&arena, number));
    }
    return object;
}

/* More members than are looked up one by one. */
TEST(large_objects_are_equal_in_any_order)
{
    fresh();
    cJSON *a = numbered(5000, false), *b = numbered(5000, true);
    CHECK(json_equal(a, b) && json_equal(b, a));
    cJSON *null = json_new_object(&arena);
    null->type = cJSON_NULL;
    json_add(&arena, a, "nothing", null);
    CHECK(json_equal(a, b) && json_equal(b, a));
    json_assign(&arena, json_find(b, "key-17"), json_new_int(&arena, 18));
    CHECK(!json_equal(a, b) && !json_equal(b, a));
    json_assign(&arena, json_find(b, "key-17"), json_new_int(&arena, 17));
    CHECK(json_equal(a, b));
    json_unlink(b, json_find(b, "key-4711"));
    json_add(&arena, b, "key-5000", json_new_int(&arena, 4711));
    CHECK(!json_equal(a, b) && !json_equal(b, a));
}

TEST_MAIN
