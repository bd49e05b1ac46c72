/* A deploy's body: what is taken from it, and every fault as a cause. */
#include "base/limits.h"
#include "recorder/deploy_internal.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct err err;
static const cJSON *causes;
static struct deploy_spec spec;

static int read_body(const char *body)
{
    static bool installed;
    if (!installed)
        arena_install_cjson_hooks();
    installed = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    memset(&err, 0, sizeof err);
    causes = NULL;
    return deploy_read(&arena, body, strlen(body), &spec, &causes, &err);
}

static const char *cause_of(const char *field)
{
    for (const cJSON *cause = causes != NULL ? causes->child : NULL; cause != NULL;
         cause = cause->next)
        if (strcmp(json_get_string(cause, "field"), field) == 0)
            return json_get_string(cause, "message");
    return "";
}

/* The body has one fault, at that field, that is told with these words. */
static void refuses(const char *body, const char *field, const char *words)
{
    const int rc = read_body(body);
    if (rc != -ERR_REFUSED)
        TEST_FAIL("returns %d for %.200s", rc, body);
    if (json_count(causes) != 1)
        TEST_FAIL("%zu causes of %.200s", json_count(causes), body);
    if (strstr(cause_of(field), words) == NULL)
        TEST_FAIL("%.200s\n  %s: \"%s\"\n  want \"%s\"", body,
                  json_get_string(causes->child, "field"),
                  json_get_string(causes->child, "message"), words);
    CHECK(json_get_string(causes->child, "reason") != NULL);
    CHECK(err.text[0] != '\0');
}

TEST(a_body_that_only_names_an_image_gets_the_defaults)
{
    CHECK_INT(read_body("{\"image\":\"registry.example/a:v1\"}"), 0);
    CHECK_STRING(spec.image, "registry.example/a:v1");
    CHECK(spec.project == NULL && spec.container == NULL && spec.strategy == NULL);
    CHECK(spec.host == NULL && spec.change_cause == NULL && spec.env == NULL);
    CHECK_INT(spec.env_count, 0);
    CHECK_INT(spec.port, 0);
    CHECK_INT(spec.replicas, -1);
    CHECK(spec.expose && spec.rollback_on_failure && !spec.env_replace);
    CHECK(spec.health_delay_seconds >= 0 && spec.health_retries > 0);
    CHECK(spec.health_interval_seconds > 0);
}

#define WHOLE                                                                                      \
    "{\"image\":\"r.example/a@sha256:"                                                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"container\":\"web\","    \
    "\"environment\":{\"A\":\"b\",\"EMPTY\":\"\",\"GONE\":null,\"LINES\":\"x\\ny\"},"              \
    "\"replaceEnvironment\":true,\"strategy\":\"Recreate\",\"port\":8080,\"replicas\":0,"          \
    "\"host\":\"a.example\",\"expose\":false,\"changeCause\":\"M\\u00e4rz\","                      \
    "\"health\":{\"delaySeconds\":0,\"retries\":7,\"intervalSeconds\":2},"                         \
    "\"rollbackOnFailure\":false}"

static void check_whole(void)
{
    CHECK_STRING(spec.container, "web");
    CHECK_INT(spec.env_count, 4);
    CHECK_STRING(spec.env[0].name, "A");
    CHECK_STRING(spec.env[0].value, "b");
    CHECK_STRING(spec.env[1].value, "");
    CHECK(spec.env[2].value == NULL);
    CHECK_STRING(spec.env[3].value, "x\ny");
    CHECK(spec.env_replace && !spec.expose && !spec.rollback_on_failure);
    CHECK_STRING(spec.strategy, "Recreate");
    CHECK_INT(spec.port, 8080);
    CHECK_INT(spec.replicas, 0);
    CHECK_STRING(spec.host, "a.example");
    CHECK_STRING(spec.change_cause, "M\xc3\xa4rz");
    CHECK_INT(spec.health_delay_seconds, 0);
    CHECK_INT(spec.health_retries, 7);
    CHECK_INT(spec.health_interval_seconds, 2);
}

TEST(a_whole_body_is_read_and_survives_its_memo)
{
    struct deploy_memo memo = {.history_id = "h", .uid = "u", .generation = 7, .resume = true};
    static const char *const groups[] = {"students", "a \"b\"", NULL};
    struct deploy_memo back;
    CHECK_INT(read_body(WHOLE), 0);
    check_whole();
    memo.spec = spec;
    memo.spec.project = "student-1";
    memo.caller = (struct caller){.user = "ann", .groups = groups};
    const char *answer = deploy_memo_write(&arena, &memo, "{\"detail\":\"fine\"}");
    answer = deploy_memo_write(&arena, &memo, answer);
    memset(&spec, 0, sizeof spec);
    CHECK_INT(deploy_memo_read(&arena, answer, &back, &err), 0);
    spec = back.spec;
    check_whole();
    CHECK_STRING(back.spec.project, "student-1");
    CHECK_STRING(back.history_id, "h");
    CHECK_STRING(back.caller.user, "ann");
    CHECK_STRING(back.caller.groups[1], "a \"b\"");
    CHECK(back.caller.groups[2] == NULL);
    CHECK_STRING(back.caller.groups_json, "[\"students\",\"a \\\"b\\\"\"]");
    CHECK_INT(back.generation, 7);
    CHECK(back.resume && !back.new_template);
    CHECK(strstr(answer, "\"detail\":\"fine\"") != NULL);
    CHECK_INT(deploy_memo_read(&arena, "{\"detail\":\"fine\"}", &back, &err), -ERR_JSON);
    CHECK_INT(deploy_memo_read(&arena, NULL, &back, &err), -ERR_JSON);
    CHECK_INT(deploy_memo_read(&arena, "{\"deploy\":{}}", &back, &err), -ERR_JSON);
    CHECK_INT(deploy_memo_read(&arena, "{\"deploy\":7}", &back, &err), -ERR_JSON);
}

TEST(null_is_not_given)
{
    CHECK_INT(read_body("{\"image\":\"a:v1\",\"environment\":null,\"port\":null,\"host\":null,"
                        "\"health\":null,\"expose\":null,\"strategy\":null}"),
              0);
    CHECK(spec.expose);
}

#define I "{\"image\":\"a:v1\","

TEST(each_field_says_what_is_wrong_with_it)
{
    static const char *const rows[][3] = {
        {"{}", "image", "missing"},
        {"{\"image\":null}", "image", "missing"},
        {"{\"image\":7}", "image", "a string, not a number"},
        {"{\"image\":\"\"}", "image", "empty"},
        {"{\"image\":\"a:v1\\u001b[31m\"}", "image", "no image's name"},
        {"{\"image\":\"a b:v1\"}", "image", "no image's name"},
        {"{\"image\":\"r.example/UPPER:v1\"}", "image", "no image's name"},
        {I "\"imgae\":\"x\"}", "imgae", "did you mean image?"},
        {I "\"Port\":1}", "Port", "did you mean port?"},
        {I "\"replacEnvironment\":true}", "replacEnvironment", "did you mean replaceEnvironment?"},
        {I "\"zzzzzz\":1}", "zzzzzz", "unknown"},
        {I "\"\\u001b[2J\":1}", "?[2J", "unknown"},
        {I "\"container\":\"A_b\"}", "container", "small letters"},
        {I "\"container\":[]}", "container", "a string, not an array"},
        {I "\"environment\":[]}", "environment", "an object"},
        {I "\"environment\":\"A=b\"}", "environment", "an object"},
        {I "\"environment\":{\"1A\":\"x\"}}", "environment.1A", "does not begin with a digit"},
        {I "\"environment\":{\"\":\"x\"}}", "environment.", "a variable's name"},
        {I "\"environment\":{\"A=B\":\"x\"}}", "environment.A=B", "a variable's name"},
        {I "\"environment\":{\"A\\nB\":\"x\"}}", "environment.A B", "a variable's name"},
        {I "\"environment\":{\"A\":1}}", "environment.A", "write it in quotes"},
        {I "\"environment\":{\"A\":{}}}", "environment.A", "a string, not an object"},
        {I "\"replaceEnvironment\":\"yes\"}", "replaceEnvironment", "true or false"},
        {I "\"strategy\":\"BlueGreen\"}", "strategy",
         "BlueGreen is not there yet: RollingUpdate or Recreate"},
        {I "\"strategy\":\"recreate\"}", "strategy", "did you mean Recreate?"},
        {I "\"strategy\":\"RolingUpdate\"}", "strategy", "did you mean RollingUpdate?"},
        {I "\"strategy\":\"x\"}", "strategy", "must be RollingUpdate or Recreate"},
        {I "\"strategy\":1}", "strategy", "a string"},
        {I "\"port\":0}", "port", "from 1 to 65535"},
        {I "\"port\":-1}", "port", "from 1 to 65535"},
        {I "\"port\":65536}", "port", "from 1 to 65535"},
        {I "\"port\":80.5}", "port", "whole number"},
        {I "\"port\":1e999}", "port", "whole number"},
        {I "\"port\":99999999999999999999999}", "port", "whole number"},
        {I "\"port\":\"8000\"}", "port", "a whole number, not a string"},
        {I "\"replicas\":-1}", "replicas", "from 0 to 100"},
        {I "\"replicas\":101}", "replicas", "from 0 to 100"},
        {I "\"host\":\"*.example\"}", "host", "one host name"},
        {I "\"host\":\"A.example\"}", "host", "one host name"},
        {I "\"host\":\"a..example\"}", "host", "one host name"},
        {I "\"host\":\"a.example/x\"}", "host", "one host name"},
        {I "\"host\":\"a.example.\"}", "host", "one host name"},
        {I "\"expose\":1}", "expose", "true or false"},
        {I "\"changeCause\":\"a\\nb\"}", "changeCause", "one line"},
        {I "\"changeCause\":\"a\\u202eb\"}", "changeCause", "one line"},
        {I "\"health\":5}", "health", "an object"},
        {I "\"health\":{\"delay\":5}}", "health.delay", "unknown"},
        {I "\"health\":{\"retry\":5}}", "health.retry", "unknown"},
        {I "\"health\":{\"delaySecond\":5}}", "health.delaySecond",
         "did you mean health.delaySeconds?"},
        {I "\"health\":{\"delaySeconds\":601}}", "health.delaySeconds", "from 0 to 600"},
        {I "\"health\":{\"retries\":-1}}", "health.retries", "from 0 to 60"},
        {I "\"health\":{\"intervalSeconds\":0}}", "health.intervalSeconds", "from 1 to 300"},
        {I "\"rollbackOnFailure\":\"true\"}", "rollbackOnFailure", "true or false"},
        {"[]", "", "an object"},
        {"\"x\"", "", "an object"},
        {"7", "", "an object"},
        {"null", "", "an object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuses(rows[i][0], rows[i][1], rows[i][2]);
}

TEST(all_faults_are_told_at_once)
{
    CHECK_INT(read_body("{\"image\":\"A B\",\"port\":-1,\"strategy\":\"x\",\"hots\":\"a\","
                        "\"environment\":{\"1\":\"x\",\"B\":2},\"health\":{\"retries\":99}}"),
              -ERR_REFUSED);
    CHECK_INT(json_count(causes), 7);
    CHECK(strstr(cause_of("hots"), "did you mean host?") != NULL);
    CHECK(strstr(err.text, "and 6 more") != NULL);
}

TEST(what_is_no_json_is_an_error_of_its_own)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "{\"image\":\"a\",}",
                                         "{\"image\":NaN}",
                                         "{}x",
                                         "{'image':1}",
                                         "{\"image\":\"a\",\"image\":\"b\"}",
                                         "{\"port\":-}",
                                         "{\"image\":\"\\u0000\"}",
                                         "{\"image\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (read_body(bodies[i]) != -ERR_JSON)
            TEST_FAIL("taken: %s", bodies[i]);
}

/* {"image":"a:v1","environment":{"V0":"x","V1":"x",...}} */
static const char *many_variables(size_t count, size_t value_bytes)
{
    static char *text;
    const size_t room = 100 + count * (value_bytes + 40);
    free(text);
    text = malloc(room);
    char *value = malloc(value_bytes + 1);
    memset(value, 'x', value_bytes);
    value[value_bytes] = '\0';
    size_t length = (size_t)snprintf(text, room, "{\"image\":\"a:v1\",\"environment\":{");
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, room - length, "%s\"V%zu\":\"%s\"",
                                   i > 0 ? "," : "", i, value);
    snprintf(text + length, room - length, "}}");
    free(value);
    return text;
}

TEST(an_environment_has_bounds)
{
    CHECK_INT(read_body(many_variables(DEPLOY_ENV_MOST, 1)), 0);
    CHECK_INT(spec.env_count, DEPLOY_ENV_MOST);
    refuses(many_variables(DEPLOY_ENV_MOST + 1, 1), "environment", "has 501 variables");
    refuses(many_variables(10000, 1), "environment", "has 10000 variables");
    CHECK_INT(read_body(many_variables(1, 32768)), 0);
    refuses(many_variables(1, 32769), "environment.V0", "at most 32768 bytes");
    refuses(many_variables(20, 32768), "environment", "bytes in all");
}

TEST(so_many_faults_are_summed_up)
{
    struct buf body;
    struct arena own;
    arena_init(&own, 64 * LIMIT_MIB);
    buf_init(&body, &own, LIMIT_MIB);
    buf_add_string(&body, "{\"image\":\"a:v1\"");
    for (size_t i = 0; i < 1000; i++)
        buf_printf(&body, ",\"none%zu\":1", i);
    buf_add_string(&body, "}");
    CHECK_INT(read_body(body.data), -ERR_REFUSED);
    CHECK_INT(json_count(causes), LIMIT_CAUSES + 1);
    CHECK(strstr(cause_of(""), "936 more") != NULL);
    arena_done(&own);
}

TEST(long_texts_are_refused_and_not_repeated)
{
    char *body = malloc(200000), *text = malloc(100001);
    memset(text, 'a', 100000);
    text[100000] = '\0';
    static const char *const fields[] = {"image", "container", "host", "changeCause", "strategy"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        snprintf(body, 200000, "{\"%s\":\"%s\"%s}", fields[i], text,
                 i > 0 ? ",\"image\":\"a:v1\"" : "");
        CHECK_INT(read_body(body), -ERR_REFUSED);
        CHECK_INT(json_count(causes), 1);
        CHECK_STRING(json_get_string(causes->child, "field"), fields[i]);
        CHECK(strlen(json_get_string(causes->child, "message")) < 300);
    }
    snprintf(body, 200000, "{\"image\":\"a:v1\",\"%s\":1}", text);
    CHECK_INT(read_body(body), -ERR_REFUSED);
    CHECK(strlen(json_get_string(causes->child, "field")) < 300);
    free(body);
    free(text);
}

TEST(a_project_has_a_name_that_a_service_can_have)
{
    static const char *const good[] = {"student-1", "a", "prj-1-api"};
    static const char *const bad[] = {
        "",      "1a",
        "-a",    "a-",
        "A",     "a.b",
        "a b",   "a/b",
        "a\n",   "../x",
        "a';--", "\x1b",
        "a\xff", "a234567890123456789012345678901234567890123456789012345678901234"};
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(deploy_judge_project(&arena, good[i]) == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (deploy_judge_project(&arena, bad[i]) == NULL)
            TEST_FAIL("taken: %s", bad[i]);
}

/* ---- bodies that nobody thought of -------------------------------------------------------- */

static uint64_t seed = 88172645463325252ULL;

static size_t roll(size_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % sides);
}

static void add_random_value(struct buf *buf, unsigned depth)
{
    static const char *const values[] = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "-1",
                                         "8000",
                                         "1e400",
                                         "-0.0",
                                         "1e-400",
                                         "\"\"",
                                         "\"a:v1\"",
                                         "\"registry.example/a:v1\"",
                                         "\"Recreate\"",
                                         "\"BlueGreen\"",
                                         "\"\\ud83d\\ude00\"",
                                         "\"\\u001b[2J\"",
                                         "\"'; DROP TABLE x;--\"",
                                         "\"a.example\"",
                                         "9223372036854775808",
                                         "\"\\r\\nX: y\"",
                                         "[]",
                                         "{}"};
    if (depth > 0 && roll(4) == 0) {
        const bool list = roll(2) == 0;
        buf_add_char(buf, list ? '[' : '{');
        for (size_t i = 0, count = roll(4); i < count; i++) {
            buf_add_string(buf, i > 0 ? "," : "");
            if (!list)
                buf_printf(buf, "\"k%zu\":", i);
            add_random_value(buf, depth - 1);
        }
        buf_add_char(buf, list ? ']' : '}');
        return;
    }
    buf_add_string(buf, values[roll(sizeof values / sizeof values[0])]);
}

static void add_random_body(struct buf *buf)
{
    static const char *const names[] = {
        "image",    "container",   "environment",       "replaceEnvironment",
        "strategy", "port",        "replicas",          "host",
        "expose",   "changeCause", "rollbackOnFailure", "health",
        "x",        "\\u0007bell"};
    const bool fine = roll(2) == 0;
    buf_add_string(buf, fine ? "{\"image\":\"a:v1\"" : "{\"y\":1");
    for (size_t i = fine ? 1 : 0; i < sizeof names / sizeof names[0]; i++) {
        if (roll(fine ? 12 : 3) != 0)
            continue;
        buf_printf(buf, ",\"%s\":", names[i]);
        add_random_value(buf, 3);
    }
    buf_add_char(buf, '}');
}

static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

TEST(any_body_gives_a_spec_or_causes_that_can_be_shown)
{
    struct arena own;
    size_t taken = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        struct buf body;
        arena_init(&own, LIMIT_MIB);
        buf_init(&body, &own, LIMIT_MIB / 2);
        add_random_body(&body);
        const int rc = read_body(body.data);
        if (rc != 0 && rc != -ERR_REFUSED)
            TEST_FAIL("%s: %s", err.text, body.data);
        taken += rc == 0;
        refused += rc != 0;
        CHECK(rc == 0 ? spec.image != NULL : json_count(causes) > 0);
        for (const cJSON *cause = causes != NULL ? causes->child : NULL; cause != NULL;
             cause = cause->next)
            CHECK(is_visible(json_get_string(cause, "message")) &&
                  is_visible(json_get_string(cause, "field")));
        CHECK(is_visible(err.text));
        arena_done(&own);
    }
    CHECK(taken > 1000 && refused > 1000);
}

TEST_MAIN
