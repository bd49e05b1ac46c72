#include "base/limits.h"
#include "cli/output/sarif.h"
#include "cli/output/workflow.h"
#include "tests/unit/test.h"

#include <unistd.h>

static struct arena arena;

/* The log that the remarks make, read back. */
static const cJSON *log_of(const struct remark *remarks, size_t count)
{
    static const struct remark_rule rules[] = {
        {.id = "p/one", .title = "One.", .help = "At most 1.", .level = REMARK_ERROR},
        {.id = "p/two", .title = "Two.", .help = "\"2\"", .level = REMARK_NOTE}};
    struct sarif sarif;
    struct buf text;
    struct err err;
    cJSON *log;
    if (arena.cap_bytes == 0) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
    }
    arena_reset(&arena, LIMIT_MIB);
    sarif_init(&sarif, rules, 2);
    for (size_t i = 0; i < count; i++)
        sarif_add(&sarif, &remarks[i]);
    buf_init(&text, &arena, 16 * LIMIT_MIB);
    CHECK_INT(sarif_write(&sarif, "review", count > 0, &text, &err), 0);
    sarif_done(&sarif);
    CHECK_INT(json_parse(&arena, text.data, text.length, &json_limits_review, &log, &err), 0);
    return json_get(json_get(log, "runs")->child, "results");
}

static const cJSON *result(const cJSON *results, unsigned index)
{
    const cJSON *at = results->child;
    while (index-- > 0)
        at = at->next;
    return at;
}

static const cJSON *place_of(const cJSON *one)
{
    return json_get(json_get(one, "locations")->child, "physicalLocation");
}

static const char *fingerprint(const cJSON *one)
{
    return json_string(json_path(one, "partialFingerprints", "proctorFinding/v1", NULL));
}

TEST(a_log_without_results_is_whole)
{
    CHECK_INT(json_count(log_of(NULL, 0)), 0);
}

TEST(a_result_names_its_rule_and_its_place)
{
    const struct remark remark = {.level = REMARK_WARNING,
                                  .rule = "p/two",
                                  .file = "./a b/\xc3\xa4#%.yaml",
                                  .mark = {7, 3},
                                  .subject = "Pod x",
                                  .text = "spec.a: \"b\"\x1b"};
    const cJSON *one = result(log_of(&remark, 1), 0);
    const cJSON *place = place_of(one);
    int64_t number;
    CHECK_STRING(json_get_string(one, "ruleId"), "p/two");
    CHECK(json_int64(json_get(one, "ruleIndex"), &number) && number == 1);
    CHECK_STRING(json_get_string(one, "level"), "warning");
    CHECK_STRING(json_string(json_path(one, "message", "text", NULL)), "spec.a: \"b\"\x1b");
    CHECK_STRING(json_string(json_path(place, "artifactLocation", "uri", NULL)),
                 "a%20b/%C3%A4%23%25.yaml");
    CHECK_STRING(json_string(json_path(place, "artifactLocation", "uriBaseId", NULL)), "%SRCROOT%");
    CHECK(json_int64(json_path(place, "region", "startLine", NULL), &number) && number == 7);
    CHECK(json_int64(json_path(place, "region", "startColumn", NULL), &number) && number == 3);
}

TEST(files_outside_of_the_folder_have_uris_of_their_own)
{
    char here[4096];
    char inside[5000];
    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(inside, sizeof inside, "%s/Makefile", here);
    const struct remark remarks[] = {
        {.rule = "p/one", .file = "/etc/passwd", .text = "x"},
        {.rule = "p/one", .file = inside, .text = "x"},
        {.rule = "p/one", .file = "tests/../Makefile", .text = "x"},
        {.rule = "p/one", .text = "x"},
    };
    const cJSON *results = log_of(remarks, 4);
    const cJSON *first = json_get(place_of(result(results, 0)), "artifactLocation");
    CHECK_STRING(json_get_string(first, "uri"), "file:///etc/passwd");
    CHECK(json_get(first, "uriBaseId") == NULL);
    CHECK(json_get(place_of(result(results, 0)), "region") == NULL);
    for (unsigned i = 1; i < 3; i++)
        CHECK_STRING(
            json_string(json_path(place_of(result(results, i)), "artifactLocation", "uri", NULL)),
            "Makefile");
    CHECK(json_get(result(results, 3), "locations") == NULL);
}

/* An object of a cluster is in no file. */
TEST(a_result_without_a_file_names_its_subject)
{
    const struct remark remark = {.rule = "p/one", .subject = "Pod x", .text = "x"};
    const cJSON *locations = json_get(result(log_of(&remark, 1), 0), "locations");
    CHECK_INT(json_count(locations), 1);
    CHECK(json_get(locations->child, "physicalLocation") == NULL);
    CHECK_STRING(json_get_string(json_get(locations->child, "logicalLocations")->child,
                                 "fullyQualifiedName"),
                 "Pod x");
}

TEST(a_fingerprint_does_not_know_the_line)
{
    const struct remark remarks[] = {
        {.rule = "p/one", .file = "a", .mark = {1, 1}, .subject = "Pod x", .text = "1"},
        {.rule = "p/one", .file = "a", .mark = {9, 2}, .subject = "Pod y", .text = "2"},
        {.rule = "p/two", .file = "a", .mark = {1, 1}, .subject = "Pod x", .text = "3"},
        {.rule = "p/one", .file = "b", .mark = {1, 1}, .subject = "Pod x", .text = "4"},
        {.rule = "p/one", .file = "a", .mark = {5, 5}, .subject = "Pod x", .text = "5"}};
    const cJSON *results = log_of(remarks, 5);
    char first[40];
    snprintf(first, sizeof first, "%s", fingerprint(result(results, 0)));
    CHECK_INT(strlen(first), 34);
    CHECK_STRING(first + 32, ":1");
    for (unsigned i = 1; i < 4; i++)
        CHECK(strcmp(fingerprint(result(results, i)), first) != 0);
    first[33] = '2'; /* the same twice in one file */
    CHECK_STRING(fingerprint(result(results, 4)), first);
    const struct remark moved = {
        .rule = "p/one", .file = "a", .mark = {77, 1}, .subject = "Pod x", .text = "other"};
    first[33] = '1';
    CHECK_STRING(fingerprint(result(log_of(&moved, 1), 0)), first);
}

TEST(what_is_let_pass_says_why)
{
    const struct remark remarks[] = {{.rule = "p/one", .text = "x"},
                                     {.rule = "p/one", .text = "x", .accepted = "LAB-31"}};
    const cJSON *results = log_of(remarks, 2);
    CHECK_INT(json_count(json_get(result(results, 0), "suppressions")), 0);
    CHECK_STRING(
        json_get_string(json_get(result(results, 1), "suppressions")->child, "justification"),
        "LAB-31");
}

TEST(what_a_manifest_holds_makes_no_link)
{
    const struct remark remarks[] = {{.rule = "p/one", .text = "[here](http://x)"},
                                     {.rule = "p/one", .text = "spec.containers[0] (p/one)"}};
    const cJSON *results = log_of(remarks, 2);
    CHECK_STRING(json_string(json_path(result(results, 0), "message", "text", NULL)),
                 "\\[here\\](http://x)");
    CHECK_STRING(json_string(json_path(result(results, 1), "message", "text", NULL)),
                 "spec.containers[0] (p/one)");
}

TEST(what_has_no_rule_is_about_the_run)
{
    const struct remark remark = {.file = "a.yaml", .text = "cannot be read"};
    const cJSON *results = log_of(&remark, 1);
    CHECK_INT(json_count(results), 0);
}

TEST(a_workflow_command_is_one_line)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_MIB);
    workflow_write(&text, &(struct remark){.level = REMARK_ERROR,
                                           .rule = "p/one",
                                           .file = "a,b:c%.yaml",
                                           .mark = {3, 5},
                                           .text = "50%, a: b\r\n::error::c"});
    workflow_write(&text, &(struct remark){.level = REMARK_WARNING, .text = "x"});
    workflow_write(&text, &(struct remark){.level = REMARK_NOTE, .file = "a", .text = ""});
    workflow_write(&text, &(struct remark){.rule = "r", .mark = {3, 0}, .text = "x"});
    CHECK_STRING(text.data, "::error file=a%2Cb%3Ac%25.yaml,line=3,col=5,title=p/one::50%25, a: b"
                            "%0D%0A::error::c\n"
                            "::warning::x\n"
                            "::notice file=a::\n"
                            "::error line=3,title=r::x\n");
    buf_done(&text);
}

TEST_MAIN
