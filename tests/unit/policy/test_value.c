/* Values: comparison tables by type, what holds, what a view shows. */
#include "policy/value.h"
#include "tests/unit/engine.h"

/* ---- comparing -------------------------------------------------------------------------- */

static void check_order(enum value_type type, const char *a, const char *b, enum value_order want)
{
    engine_begin();
    const enum value_order got = value_compare(type, engine_json(a), engine_json(b));
    if (got != want)
        TEST_FAIL("type %d: %s and %s: %d, want %d", (int)type, a, b, (int)got, (int)want);
    const enum value_order turned = want == VALUE_LESS   ? VALUE_MORE
                                    : want == VALUE_MORE ? VALUE_LESS
                                                         : want;
    const enum value_order back = value_compare(type, engine_json(b), engine_json(a));
    if (back != turned)
        TEST_FAIL("type %d: %s and %s turned round: %d, want %d", (int)type, a, b, (int)back,
                  (int)turned);
}

struct order_row {
    const char *a, *b;
    enum value_order want;
};

static void check_orders(enum value_type type, const struct order_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_order(type, rows[i].a, rows[i].b, rows[i].want);
}
#define CHECK_ORDERS(type, rows) check_orders(type, rows, sizeof(rows) / sizeof *(rows))

TEST(quantities_compare_by_value)
{
    static const struct order_row rows[] = {
        {"\"0.5\"", "\"500m\"", VALUE_SAME},   {"\"1Gi\"", "\"1024Mi\"", VALUE_SAME},
        {"1", "\"1000m\"", VALUE_SAME},        {"\"1G\"", "\"1Gi\"", VALUE_LESS},
        {"\"1e3\"", "\"1k\"", VALUE_SAME},     {"0.1", "\"100m\"", VALUE_SAME},
        {"\"-1\"", "0", VALUE_LESS},           {"\"1\"", "\"much\"", VALUE_INCOMPARABLE},
        {"\"1\"", "true", VALUE_INCOMPARABLE}, {"\"1\"", "{}", VALUE_INCOMPARABLE},
        {"\"100Mi\"", "\"99Mi\"", VALUE_MORE}, {"\"\"", "\"1\"", VALUE_INCOMPARABLE},
    };
    CHECK_ORDERS(VALUE_QUANTITY, rows);
}

TEST(whole_numbers_compare_also_from_text)
{
    static const struct order_row rows[] = {
        {"1", "2", VALUE_LESS},
        {"9007199254740993", "9007199254740992", VALUE_MORE},
        {"\"5\"", "5", VALUE_SAME},
        {"\"-5\"", "5", VALUE_LESS},
        {"\"5x\"", "5", VALUE_INCOMPARABLE},
        {"\"\"", "0", VALUE_INCOMPARABLE},
        {"\"-\"", "0", VALUE_INCOMPARABLE},
        {"true", "1", VALUE_INCOMPARABLE},
    };
    CHECK_ORDERS(VALUE_INT, rows);
}

TEST(a_percentage_is_no_number_but_nothing_is_nothing)
{
    static const struct order_row rows[] = {
        {"\"25%\"", "\"50%\"", VALUE_LESS},
        {"\"0%\"", "0", VALUE_SAME},
        {"\"25%\"", "1", VALUE_INCOMPARABLE},
        {"\"0%\"", "1", VALUE_INCOMPARABLE},
        {"3", "2", VALUE_MORE},
        {"\"http\"", "\"http\"", VALUE_SAME},
        {"\"http\"", "\"dns\"", VALUE_INCOMPARABLE},
        {"\"http\"", "80", VALUE_INCOMPARABLE},
        {"\"0\"", "0", VALUE_INCOMPARABLE},
        {"\"-5%\"", "\"5%\"", VALUE_INCOMPARABLE},
        {"\"100%\"", "\"0100%\"", VALUE_SAME},
        {"\"5%%\"", "\"5%\"", VALUE_INCOMPARABLE},
        {"\"%\"", "0", VALUE_INCOMPARABLE},
        {"\"9223372036854775806%\"", "\"9223372036854775807%\"", VALUE_LESS},
        {"\"9223372036854775808%\"", "\"99999999999999999999%\"", VALUE_INCOMPARABLE},
    };
    CHECK_ORDERS(VALUE_INT_OR_PERCENT, rows);
}

TEST(durations_are_gos)
{
    static const struct order_row rows[] = {
        {"\"1h30m\"", "\"90m\"", VALUE_SAME},
        {"\"1.5h\"", "\"90m\"", VALUE_SAME},
        {"\"500ms\"", "\"1s\"", VALUE_LESS},
        {"\"0\"", "\"0s\"", VALUE_SAME},
        {"\"-1s\"", "\"1s\"", VALUE_LESS},
        {"\"+1s\"", "\"1s\"", VALUE_SAME},
        {"\"1us\"", "\"1000ns\"", VALUE_SAME},
        {"\"\xc2\xb5s\"", "\"1us\"", VALUE_INCOMPARABLE},
        {"\"1\"", "\"1s\"", VALUE_INCOMPARABLE},
        {"\"1d\"", "\"24h\"", VALUE_INCOMPARABLE},
        {"\"0x10s\"", "\"16s\"", VALUE_INCOMPARABLE},
        {"\"1e3s\"", "\"1000s\"", VALUE_INCOMPARABLE},
        {"\"s\"", "\"1s\"", VALUE_INCOMPARABLE},
        {"\"\"", "\"0\"", VALUE_INCOMPARABLE},
        {"90", "\"90s\"", VALUE_INCOMPARABLE},
    };
    CHECK_ORDERS(VALUE_DURATION, rows);
}

TEST(texts_and_booleans_are_the_same_or_not)
{
    static const struct order_row texts[] = {
        {"\"a\"", "\"a\"", VALUE_SAME},
        {"\"a\"", "\"A\"", VALUE_INCOMPARABLE},
        {"\"1\"", "1", VALUE_SAME}, /* a number is put in as its text */
        {"\"\xc3\xa9\"", "\"e\xcc\x81\"", VALUE_INCOMPARABLE},
    };
    static const struct order_row bools[] = {
        {"true", "true", VALUE_SAME},
        {"true", "false", VALUE_INCOMPARABLE},
        {"true", "\"true\"", VALUE_INCOMPARABLE},
        {"false", "0", VALUE_INCOMPARABLE},
    };
    CHECK_ORDERS(VALUE_STRING, texts);
    CHECK_ORDERS(VALUE_BOOL, bools);
    CHECK_ORDERS(VALUE_AUTO, bools);
}

/* ---- holding ---------------------------------------------------------------------------- */

static const struct schema_node *node_at(const char *kind, const char *const *names)
{
    const struct schema_node *node = &schema_kind_find("", "v1", kind)->root;
    for (; *names != NULL; names++)
        node = strcmp(*names, "*") == 0 ? node->item : schema_member(node, *names);
    CHECK(node != NULL);
    return node;
}

static bool holds(const struct schema_node *node, const char *found, const char *wanted,
                  bool exactly)
{
    return value_holds(VALUE_AUTO, node, false, found != NULL ? engine_json(found) : NULL,
                       engine_json(wanted), exactly);
}

TEST(of_a_map_only_the_wanted_keys_count_unless_exactly)
{
    engine_begin();
    CHECK(holds(NULL, "{\"a\":1,\"b\":2}", "{\"a\":1}", false));
    CHECK(!holds(NULL, "{\"a\":1,\"b\":2}", "{\"a\":1}", true));
    CHECK(holds(NULL, "{\"a\":1,\"b\":null}", "{\"a\":1}", true));
    CHECK(!holds(NULL, "{\"a\":2}", "{\"a\":1}", false));
    CHECK(!holds(NULL, "{}", "{\"a\":1}", false));
    CHECK(!holds(NULL, NULL, "{}", false));
    CHECK(!holds(NULL, "[]", "{}", false));
    CHECK(holds(NULL, "{\"a\":1}", "{}", false));
    CHECK(!holds(NULL, "\"x\"", "{}", false));
    CHECK(!holds(NULL, "{}", "\"x\"", false));
}

TEST(zeros_that_the_api_omits_are_absent)
{
    static const char *const pod[] = {"spec", NULL};
    engine_begin();
    const struct schema_node *spec = node_at("Pod", pod);
    CHECK(holds(spec, "{}", "{\"hostNetwork\":false}", false));
    CHECK(holds(spec, "{\"hostNetwork\":false}", "{}", true));
    CHECK(!holds(spec, "{\"hostNetwork\":true}", "{\"hostNetwork\":false}", false));
    CHECK(!holds(spec, "{}", "{\"enableServiceLinks\":false}", false));
    CHECK(value_holds(VALUE_AUTO, NULL, true, NULL, engine_json("0"), false));
    CHECK(!value_holds(VALUE_AUTO, NULL, false, NULL, engine_json("0"), false));
}

TEST(lists_compare_in_order_or_by_their_key)
{
    static const char *const ports[] = {"spec", "ports", NULL};
    static const char *const args[] = {"spec", "containers", "*", "args", NULL};
    engine_begin();
    const struct schema_node *list = node_at("Pod", args);
    CHECK(holds(list, "[\"a\",\"b\"]", "[\"a\",\"b\"]", false));
    CHECK(!holds(list, "[\"b\",\"a\"]", "[\"a\",\"b\"]", false));
    CHECK(holds(list, "[\"1\",\"b\"]", "[1,\"b\"]", false)); /* put in as its text */
    CHECK(!holds(list, "[\"1\",\"b\"]", "[2,\"b\"]", false));
    CHECK(!holds(list, "[\"a\",\"b\",\"c\"]", "[\"a\",\"b\"]", false));
    list = node_at("Service", ports);
#define TCP "{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":1}"
#define UDP "{\"port\":80,\"protocol\":\"UDP\",\"targetPort\":2}"
    CHECK(holds(list, "[" TCP "," UDP "]", "[{\"port\":80,\"protocol\":\"UDP\"},{\"port\":80}]",
                false));
    CHECK(!holds(list, "[" TCP "," UDP "]", "[{\"port\":80},{\"port\":81}]", false));
    CHECK(!holds(list, "[" UDP ",{\"port\":9}]",
                 "[{\"port\":80,\"protocol\":\"UDP\"},{\"port\":80}]", false));
    CHECK(holds(list, "[" TCP "]", "[{\"port\":80,\"targetPort\":1}]", true));
    CHECK(!holds(list, "[" UDP "]", "[{\"port\":80,\"targetPort\":2}]", true));
}

TEST(exactly_leaves_the_apis_own_defaults_aside)
{
    static const char *const probe[] = {"spec", "containers", "*", "readinessProbe", NULL};
    engine_begin();
    const struct schema_node *node = node_at("Pod", probe);
    CHECK(holds(node, "{\"tcpSocket\":{\"port\":1},\"periodSeconds\":10}",
                "{\"tcpSocket\":{\"port\":1}}", true));
    CHECK(!holds(node, "{\"tcpSocket\":{\"port\":1},\"periodSeconds\":11}",
                 "{\"tcpSocket\":{\"port\":1}}", true));
}

/* ---- views ------------------------------------------------------------------------------ */

static bool add_seen(void *context, cJSON *seen)
{
    struct buf *text = context;
    buf_add_char(text, '<');
    if (seen != NULL)
        json_write(text, seen);
    buf_add_char(text, '>');
    return true;
}

static void check_view(enum field_view view, const char *value, const char *want, bool unreadable)
{
    static const struct path nowhere = {.root = FIELD_OBJECT};
    struct target target = {.path = &nowhere};
    struct buf text;
    bool got;
    engine_begin();
    target.value = value != NULL ? engine_json(value) : NULL;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    CHECK(value_view(&engine_arena, view, &target, add_seen, &text, &got));
    CHECK_STRING(text.data, want);
    CHECK_INT(got, unreadable);
}

TEST(views_show_what_they_say)
{
    check_view(VIEW_NONE, "5", "<5>", false);
    check_view(VIEW_NONE, "null", "<>", false);
    check_view(VIEW_NONE, NULL, "<>", false);
    check_view(VIEW_KEYS, "{\"a\":1,\"b\":null,\"c\":2}", "<\"a\"><\"c\">", false);
    check_view(VIEW_KEYS, NULL, "", false);
    check_view(VIEW_COUNT, NULL, "<0>", false);
    check_view(VIEW_COUNT, "[]", "<0>", false);
    check_view(VIEW_COUNT, "[1,null,2]", "<2>", false);
    check_view(VIEW_COUNT, "{\"a\":1,\"b\":null}", "<1>", false);
    check_view(VIEW_COUNT, "\"text\"", "<0>", false);
}

TEST(images_are_seen_as_the_runtime_reads_them)
{
    check_view(VIEW_REGISTRY, "\"nginx\"", "<\"docker.io\">", false);
    check_view(VIEW_REPOSITORY, "\"nginx\"", "<\"library/nginx\">", false);
    check_view(VIEW_TAG, "\"nginx\"", "<\"latest\">", false);
    check_view(VIEW_DIGEST, "\"nginx\"", "<>", false);
    check_view(VIEW_REGISTRY, "\"r.example:5000/a/b:v1\"", "<\"r.example:5000\">", false);
    check_view(VIEW_TAG, "\"r.example:5000/a/b:v1\"", "<\"v1\">", false);
    check_view(VIEW_TAG, NULL, "<>", false);
    check_view(VIEW_REGISTRY, "\"NOT AN IMAGE\"", "", true);
    check_view(VIEW_REGISTRY, "\"\"", "", true);
    check_view(VIEW_REGISTRY, "5", "", true);
}

/* ---- words ------------------------------------------------------------------------------ */

TEST(values_in_words_are_cut_and_clean)
{
    struct buf text;
    engine_begin();
    buf_init(&text, &engine_arena, LIMIT_MIB);
    value_write_plain(engine_json("{\"tcpSocket\":{\"port\":8000},\"periodSeconds\":5}"), 60,
                      &text);
    CHECK_STRING(text.data, "tcpSocket.port 8000, periodSeconds 5");
    buf_clear(&text);
    value_write_plain(engine_json("{\"a\":{},\"b\":\"\",\"c\":[1]}"), 60, &text);
    CHECK_STRING(text.data, "a {}, b \"\", c [1]");
    buf_clear(&text);
    value_write_plain(NULL, 60, &text);
    CHECK_STRING(text.data, "unset");
    buf_clear(&text);
    value_write_plain(engine_json("\"a\\u0007b\\nc\""), 60, &text);
    CHECK(strpbrk(text.data, "\a\n") == NULL);
    buf_clear(&text);
    value_write(engine_json("\"0123456789\""), 5, &text);
    CHECK_STRING(text.data, "\"0123...");
}

TEST_MAIN
