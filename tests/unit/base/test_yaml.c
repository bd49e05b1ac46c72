#include "base/limits.h"
#include "base/yaml.h"
#include "tests/unit/test.h"

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

/* All documents as compact JSON with a blank between, or "ERR CODE TEXT". */
static const char *read_bytes(const char *text, size_t length, enum yaml_dialect dialect)
{
    struct yaml_documents documents;
    struct err err = {0};
    struct buf buf;
    int rc = yaml_parse(&arena, text, length, dialect, &documents, &err);
    buf_init(&buf, &arena, 16 * LIMIT_MIB);
    if (rc != 0)
        buf_printf(&buf, "%s %s", err_label(rc), err.text);
    for (size_t i = 0; rc == 0 && i < documents.count; i++) {
        buf_add_string(&buf, i > 0 ? " " : "");
        json_write(&buf, documents.roots[i]);
    }
    return buf.data;
}

static const char *read_text(const char *text, enum yaml_dialect dialect)
{
    fresh();
    return read_bytes(text, strlen(text), dialect);
}

struct row {
    const char *text, *want;
};

static void check_rows(const struct row *rows, size_t count, enum yaml_dialect dialect)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = read_text(rows[i].text, dialect);
        if (strcmp(got, rows[i].want) != 0)
            TEST_FAIL("%s\n  is   %s\n  want %s", rows[i].text, got, rows[i].want);
    }
}
#define CHECK_ROWS(rows, dialect) check_rows(rows, sizeof rows / sizeof rows[0], dialect)

/* What sigs.k8s.io/yaml 1.6.0 makes of the same text. */
TEST(yaml_reads_scalars_as_kubectl_does)
{
    static const struct row rows[] = {
        {"[yes, Yes, YES, on, On, ON, y, Y, true, True, TRUE]",
         "[true,true,true,true,true,true,true,true,true,true,true]"},
        {"[no, No, NO, off, Off, OFF, n, N, false, False, FALSE]",
         "[false,false,false,false,false,false,false,false,false,false,false]"},
        {"[~, null, Null, NULL, ]", "[null,null,null,null]"},
        {"[yEs, nO, tRUE, nULL, oN]", "[\"yEs\",\"nO\",\"tRUE\",\"nULL\",\"oN\"]"},
        {"[0, -0, +1, 007, 0777, 08, 0o17, 0b11, -0b11, 0x1F, 0xfg]",
         "[0,0,1,7,511,8,15,3,-3,31,\"0xfg\"]"},
        {"[1_000, 0x_1F, _1, 1_, 1_0.5]", "[1000,31,\"_1\",1,10.5]"},
        {"[9007199254740993, 18446744073709551615, -9223372036854775808]",
         "[9007199254740993,18446744073709551615,-9223372036854775808]"},
        {"[18446744073709551616, 1e400, -1e400]", "[18446744073709552000,\"1e400\",\"-1e400\"]"},
        {"[1.10, 1., .5, +.5, -.5, 1e3, 1E3, 1.5e-3, 1e21, 1e20, 1e-6, 1e-7]",
         "[1.1,1,0.5,0.5,-0.5,1000,1000,0.0015,1e+21,100000000000000000000,0.000001,1e-7]"},
        {"[0.1, 3.141592653589793, 1e23, 5e-324]", "[0.1,3.141592653589793,1e+23,5e-324]"},
        {"['yes', \"0777\", '', !!str 12, ! 12]", "[\"yes\",\"0777\",\"\",\"12\",\"12\"]"},
        {"[12:30, 2001-01-01, 1.2.3, 10.0.0.1, 500m, 1Gi, 1e, ., -, +, =]",
         "[\"12:30\",\"2001-01-01\",\"1.2.3\",\"10.0.0.1\",\"500m\",\"1Gi\",\"1e\",\".\",\"-\","
         "\"+\",\"=\"]"},
        {"[!!int \"3\", !!float 3, !!bool \"yes\", !!null \"\"]", "[3,3,true,null]"},
        {"{yes: 1, 1: 2, 1.5: 3, 0x10: 4, 1000000.5: 5, x: 6}",
         "{\"true\":1,\"1\":2,\"1.5\":3,\"16\":4,\"1.0000005e+06\":5,\"x\":6}"},
    };
    CHECK_ROWS(rows, YAML_KUBECTL);
}

TEST(yaml_merges_as_kubectl_does)
{
    static const struct row rows[] = {
        {"x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3\n",
         "{\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":3}}"},
        {"x: &x {a: 1}\nz: {a: 0, <<: *x}\n", "{\"x\":{\"a\":1},\"z\":{\"a\":1}}"},
        {"- &a {k: 1, l: 1}\n- &b {k: 2, m: 2}\n- <<: [*a, *b]\n",
         "[{\"k\":1,\"l\":1},{\"k\":2,\"m\":2},{\"m\":2,\"k\":1,\"l\":1}]"},
        {"{'<<': 1}", "{\"<<\":1}"},
        {"<<: 1\n",
         "bad_yaml 1:5: << takes an object or a list of objects (write the members out)"},
        {"<<: []\na: 1\n", "{\"a\":1}"},
        {"a: &a x\nb: *a\n*a : 1\n", "{\"a\":\"x\",\"b\":\"x\",\"x\":1}"},
    };
    CHECK_ROWS(rows, YAML_KUBECTL);
}

TEST(yaml_refuses_in_kubectl_objects)
{
    static const struct row rows[] = {
        {"a: .inf", "bad_yaml 1:4: .inf is no number that JSON has (quote it)"},
        {"a: 1\nb: 2\na: 3\n", "bad_yaml 3:1: the key a stands twice in one object (remove one)"},
        {"yes: 1\n'true': 2\n",
         "bad_yaml 2:1: the key true stands twice in one object (remove one)"},
        {"? [a]\n: 1\n", "bad_yaml 1:3: a key must be a text, not a list or an object (quote it)"},
        {"~: 1\n", "bad_yaml 1:1: the key is null, not a text (quote it)"},
        {"a: !foo x", "bad_yaml 1:4: the tag !foo is not read here (remove it)"},
        {"a: !!binary eA==",
         "bad_yaml 1:4: the tag tag:yaml.org,2002:binary is not read here (remove it)"},
        {"a: !!int x", "bad_yaml 1:4: the tag tag:yaml.org,2002:int is not read here (remove it)"},
        {"a: &a [*a]", "bad_yaml 1:8: the alias *a stands inside what it names (write it out)"},
        {"a: *b", "bad_yaml 1:4: no anchor &b before this alias (add it)"},
        {"&a x\n---\n*a\n", "bad_yaml 3:1: no anchor &a before this alias (add it)"},
        {"a: \"\\0\"", "bad_yaml 1:4: a NUL character in a text (remove it)"},
    };
    CHECK_ROWS(rows, YAML_KUBECTL);
}

TEST(yaml_reads_policies)
{
    static const struct row rows[] = {
        {"a: 1.10\nb: -3\nc: 2026-12-31\nd: \"yes\"\ne: true\nf:\ng: null\nh: 9007199254740993\n",
         "{\"a\":1.10,\"b\":-3,\"c\":\"2026-12-31\",\"d\":\"yes\",\"e\":true,\"f\":null,\"g\":null,"
         "\"h\":9007199254740993}"},
        {"{\"a\": [1, \"\\u00e9\", null], \"b\": {}}", "{\"a\":[1,\"\xc3\xa9\",null],\"b\":{}}"},
        {"\xef\xbb\xbf"
         "a: 1\r\nb: |\r\n  x\r\n  y\r\n",
         "{\"a\":1,\"b\":\"x\\ny\\n\"}"},
        {"a: 1\n---\n---\n# none\n---\nb: 2\n...\n", "{\"a\":1} {\"b\":2}"},
        {"", ""},
        {"# only a comment\n", ""},
        {"a: &x [1]\nb: *x\n", "{\"a\":[1],\"b\":[1]}"},
        {"8080: x\n", "{\"8080\":\"x\"}"},
    };
    CHECK_ROWS(rows, YAML_POLICY);
}

TEST(yaml_refuses_in_policies_what_readers_disagree_on)
{
    static const char *const unclear[] = {
        "yes",  "No",   "on",    "OFF",  "y",     "N",         "~",     "Null", "True",   "FALSE",
        "0777", "08",   "1_000", "0x1F", "0o17",  "0b1",       "+1",    "1e3",  "1.5e+3", ".5",
        "1.",   ".inf", "-.Inf", ".NaN", "12:30", "1:02:03.5", "-1:30", "=",    "00",
    };
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "a: %s\n", unclear[i]);
        const char *got = read_text(text, YAML_POLICY);
        if (strncmp(got, "bad_yaml 1:4: ", 14) != 0 || strchr(got, '(') == NULL)
            TEST_FAIL("%s  is %s", text, got);
        snprintf(text, sizeof text, "%s: a\n", unclear[i]);
        got = read_text(text, YAML_POLICY);
        if (strncmp(got, "bad_yaml 1:1: ", 14) != 0)
            TEST_FAIL("%s  is %s", text, got);
        snprintf(text, sizeof text, "a: '%s'\n", unclear[i]);
        CHECK(strncmp(read_text(text, YAML_POLICY), "{\"a\":\"", 6) == 0);
    }
    static const struct row rows[] = {
        {"a: {<<: {b: 1}}", "bad_yaml 1:5: << means different things to different YAML readers "
                            "(write the members out: merge keys are not read here)"},
        {"true: 1", "bad_yaml 1:1: the key is true, not a text (quote it)"},
        {"a: !!int 1", "bad_yaml 1:4: the tag tag:yaml.org,2002:int is not read here (remove it)"},
    };
    CHECK_ROWS(rows, YAML_POLICY);
}

TEST(yaml_says_where_the_text_is_broken)
{
    static const struct row rows[] = {
        {"a:\n\t- b\n", "bad_yaml 2:1: a tab cannot indent (use blanks)"},
        {"a: b: c\n", "bad_yaml 1:5: a ':' where no key can stand (check the indentation, or "
                      "quote the value)"},
        {"a: \"x\n", "bad_yaml 2:1: a quoted text does not end (close the quote)"},
        {"a: @x\n", "bad_yaml 1:4: a character that cannot begin a value (quote the value)"},
        {"a: [1, 2\nb: 3\n", "bad_yaml 2:2: ',' or ']' is missing"},
        {"a: 1\n  b: 2\n", "bad_yaml 2:4: a ':' where no key can stand (check the indentation, or "
                           "quote the value)"},
        {"a: x\n b\nc\n", "bad_yaml 4:1: a key without ':' after it (add it, or check quotes)"},
        {"b: ok\na: \xff\n", "bad_yaml 2:4: not UTF-8 (save the file as UTF-8)"},
        {"\xc3\xa9: \xc0\x80\n", "bad_yaml 1:4: not UTF-8 (save the file as UTF-8)"},
        {"a: \x01\n", "bad_yaml 1:4: a control character (remove it, or write it as an escape)"},
    };
    CHECK_ROWS(rows, YAML_POLICY);
    fresh();
    CHECK_STRING(read_bytes("a: \0b", 5, YAML_POLICY),
                 "bad_yaml 1:4: a control character (remove it, or write it as an escape)");
}

static const char *repeated(const char *before, const char *unit, size_t count, const char *after)
{
    struct buf buf;
    buf_init(&buf, fresh(), 64 * LIMIT_MIB);
    buf_add_string(&buf, before);
    for (size_t i = 0; i < count; i++)
        buf_add_string(&buf, unit);
    buf_add_string(&buf, after);
    return buf.data;
}

static int read_code(const char *text)
{
    struct yaml_documents documents;
    return yaml_parse(&arena, text, strlen(text), YAML_KUBECTL, &documents, NULL);
}

TEST(yaml_holds_its_limits)
{
    CHECK_INT(read_code(repeated("", "- ", LIMIT_YAML_DEPTH, "x\n")), 0);
    CHECK_INT(read_code(repeated("", "- ", LIMIT_YAML_DEPTH + 1, "x\n")), -ERR_LIMIT);
    CHECK_INT(read_code(repeated("", "[", 100000, "")), -ERR_LIMIT);
    CHECK_INT(read_code(repeated("- &a x\n", "- *a\n", LIMIT_YAML_ALIASES, "")), 0);
    CHECK_INT(read_code(repeated("- &a x\n", "- *a\n", LIMIT_YAML_ALIASES + 1, "")), -ERR_LIMIT);
    /* The list itself is a node, too. */
    CHECK_INT(read_code(repeated("", "- x\n", LIMIT_YAML_NODES - 1, "")), 0);
    CHECK_INT(read_code(repeated("", "- x\n", LIMIT_YAML_NODES, "")), -ERR_LIMIT);
    CHECK_INT(read_code(repeated("", "--- x\n", LIMIT_YAML_DOCUMENTS, "")), 0);
    CHECK_INT(read_code(repeated("", "--- x\n", LIMIT_YAML_DOCUMENTS + 1, "")), -ERR_LIMIT);
}

TEST(yaml_stops_a_billion_laughs)
{
    struct buf buf;
    buf_init(&buf, fresh(), LIMIT_MIB);
    buf_add_string(&buf, "- &a0 [x]\n");
    for (int i = 1; i < 9; i++)
        buf_printf(&buf, "- &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i - 1, i - 1,
                   i - 1, i - 1, i - 1, i - 1, i - 1);
    CHECK_INT(read_code(buf.data), -ERR_LIMIT);
}

TEST(yaml_gives_up_when_the_arena_is_full)
{
    static struct arena small;
    struct yaml_documents documents = {NULL, 77};
    const char *text = repeated("", "- a long enough text\n", 50000, "");
    arena_init(&small, LIMIT_MIB);
    CHECK_INT(yaml_parse(&small, text, strlen(text), YAML_POLICY, &documents, NULL),
              -ERR_NO_MEMORY);
    CHECK(documents.count == 77);
    arena_done(&small);
}

TEST(yaml_marks_values_and_keys)
{
    static const char text[] = "spec:\n  replicas: 3\n  list:\n  - \xc3\xa9: x\n";
    struct yaml_documents documents;
    CHECK_INT(yaml_parse(fresh(), text, strlen(text), YAML_POLICY, &documents, NULL), 0);
    const cJSON *spec = json_get(documents.roots[0], "spec");
    const cJSON *replicas = json_get(spec, "replicas");
    const cJSON *inner = json_get(json_get(spec, "list")->child, "\xc3\xa9");
    CHECK(yaml_key_mark(spec).line == 1 && yaml_key_mark(spec).column == 1);
    CHECK(yaml_value_mark(spec).line == 2 && yaml_value_mark(spec).column == 3);
    CHECK(yaml_key_mark(replicas).line == 2 && yaml_key_mark(replicas).column == 3);
    CHECK(yaml_value_mark(replicas).line == 2 && yaml_value_mark(replicas).column == 13);
    CHECK(yaml_key_mark(inner).line == 4 && yaml_key_mark(inner).column == 5);
    CHECK(yaml_value_mark(inner).line == 4 && yaml_value_mark(inner).column == 8);
    CHECK(json_is_number(replicas) && json_is_object(spec));
    const cJSON *foreign = json_dup(&arena, spec);
    CHECK(yaml_value_mark(foreign).line == 0 && yaml_key_mark(foreign).line == 0);
    CHECK(yaml_value_mark(NULL).line == 0);
}

static const char *written(const cJSON *node)
{
    struct buf buf;
    buf_init(&buf, &arena, 16 * LIMIT_MIB);
    yaml_write(&buf, node);
    return buf.data;
}

TEST(yaml_writes_as_kubectl_prints)
{
    static const struct row rows[] = {
        {"{spec: {args: [-c, 'yes', 'a: b', ' x', '', '12:30', 10.0.0.1], e: {}, l: []}}",
         "spec:\n  args:\n  - -c\n  - \"yes\"\n  - 'a: b'\n  - ' x'\n  - \"\"\n  - \"12:30\"\n"
         "  - 10.0.0.1\n  e: {}\n  l: []\n"},
        {"[[1, [true]], {a: [null], b: {c: 1.5}}]",
         "- - 1\n  - - true\n- a:\n  - null\n  b:\n    c: 1.5\n"},
        {"{a: \"l1\\nl2\\n\", b: \"l1\\nl2\", c: \"l1\\n\\n\", d: \"\\tx\\n\", e: \"it's: \"}",
         "a: |\n  l1\n  l2\nb: |-\n  l1\n  l2\nc: |+\n  l1\n\nd: \"\\tx\\n\"\ne: 'it''s: '\n"},
        {"{'yes': '0777', '1e3': '1_000', 'null': '~', '2001-01-01': '<<'}",
         "\"yes\": \"0777\"\n\"1e3\": \"1_000\"\n\"null\": \"~\"\n\"2001-01-01\": \"<<\"\n"},
        {"x", "x\n"},
        {"{}", "{}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct yaml_documents documents;
        CHECK_INT(
            yaml_parse(fresh(), rows[i].text, strlen(rows[i].text), YAML_KUBECTL, &documents, NULL),
            0);
        CHECK_STRING(written(documents.roots[0]), rows[i].want);
    }
}

/* ---- every tree that is written is read back ---------------------------------------------- */

static unsigned long long seed;

static unsigned pick(unsigned count)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % count;
}

static const char *make_text(void)
{
    static const char *const pieces[] = {
        "a",
        "yes",
        "no",
        "1",
        "0",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        ":",
        ": ",
        " #",
        "#",
        "-",
        "- ",
        "---",
        "...",
        "?",
        "? ",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "e3",
        ".",
        "_",
        "0x",
        "~",
        "null",
        "=",
        "<<",
        "+",
        "\xc3\xa9",
        "\x01",
        "\r",
        "\xc2\x85",
        "\xe2\x80\xa8",
        "\xef\xbb\xbf",
        "\xf0\x9f\x98\x80",
        "\xef\xbf\xbf",
        "\x7f",
        "12:30",
        "2001-01-01",
        "word",
        "Word and more",
    };
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    for (unsigned i = pick(5); i > 0; i--)
        buf_add_string(&buf, pieces[pick(sizeof pieces / sizeof pieces[0])]);
    if (pick(200) == 0)
        for (unsigned i = 0; i < 400; i++)
            buf_add_string(&buf, "long ");
    return buf.data;
}

static cJSON *make_tree(unsigned depth)
{
    static const char *const numbers[] = {"0", "-1", "1.5", "9007199254740993", "0.001"};
    const unsigned kind = pick(depth > 0 ? 7 : 4);
    if (kind == 0)
        return json_new_number_text(&arena, numbers[pick(5)]);
    if (kind == 1)
        return json_new_bool(&arena, pick(2) == 0);
    if (kind < 4)
        return json_new_string(&arena, make_text());
    cJSON *tree = kind == 4 ? json_new_array(&arena) : json_new_object(&arena);
    for (unsigned i = pick(5); i > 0; i--) {
        const char *key = make_text();
        if (kind == 4)
            json_append(tree, make_tree(depth - 1));
        else if (json_find(tree, key) == NULL)
            json_add(&arena, tree, key, make_tree(depth - 1));
    }
    return tree;
}

TEST(yaml_reads_back_what_it_wrote)
{
    for (seed = 1; seed < 20001; seed++) {
        const unsigned long long start = seed;
        struct yaml_documents documents;
        struct err err = {0};
        fresh();
        const cJSON *tree = make_tree(4);
        const char *text = written(tree);
        const enum yaml_dialect dialect = start % 2 == 0 ? YAML_POLICY : YAML_KUBECTL;
        if (yaml_parse(&arena, text, strlen(text), dialect, &documents, &err) != 0)
            TEST_FAIL("seed %llu: %s\n%s", start, err.text, text);
        if (documents.count != 1 || !json_equal(documents.roots[0], tree))
            TEST_FAIL("seed %llu: not the same tree\n%s", start, text);
        seed = start;
    }
}

TEST_MAIN
