/* Every cap of base/limits.h at its value and one past it, through the code that enforces it.
 * Bodies and bytes in flight are the server's: tests/unit/net and the tests on the wire. */
#include "admit/admit.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "cli/files.h"
#include "kube/schema.h"
#include "policy/load.h"
#include "policy/pattern.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1795262400 /* 2026-11-21T12:00:00Z */

static struct arena arena;

static void begin(void)
{
    arena_install_cjson_hooks();
    arena_done(&arena);
    arena_init(&arena, 512 * LIMIT_MIB);
}

static struct buf new_buf(void)
{
    struct buf buf;
    buf_init(&buf, &arena, 256 * LIMIT_MIB);
    return buf;
}

static void add_times(struct buf *buf, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_add_string(buf, text);
}

/* ---- JSON ------------------------------------------------------------------------------- */

static int parse_json(const struct buf *text)
{
    cJSON *root;
    struct err err;
    return json_parse(&arena, text->data, text->length, &json_limits_review, &root, &err);
}

static int json_of_nodes(size_t nodes)
{
    struct buf text = new_buf();
    buf_add_string(&text, "[0");
    add_times(&text, ",0", nodes - 2);
    buf_add_char(&text, ']');
    return parse_json(&text);
}

static int json_of_depth(size_t depth)
{
    struct buf text = new_buf();
    add_times(&text, "[", depth);
    add_times(&text, "]", depth);
    return parse_json(&text);
}

TEST(json_nodes_and_depth)
{
    begin();
    CHECK_INT(json_of_nodes(LIMIT_JSON_NODES), 0);
    CHECK_INT(json_of_nodes(LIMIT_JSON_NODES + 1), -ERR_LIMIT);
    CHECK_INT(json_of_depth(LIMIT_JSON_DEPTH), 0);
    CHECK_INT(json_of_depth(LIMIT_JSON_DEPTH + 1), -ERR_LIMIT);
}

/* ---- the arena -------------------------------------------------------------------------- */

static void fill(void *context)
{
    for (;;)
        arena_alloc(context, 1000);
}

TEST(arena_bytes)
{
    struct arena full;
    arena_init(&full, LIMIT_ARENA_BYTES);
    CHECK(!arena_try(&full, fill, &full));
    CHECK(full.used_bytes <= LIMIT_ARENA_BYTES);
    CHECK(full.used_bytes > LIMIT_ARENA_BYTES - 2000);
    arena_done(&full);
}

TEST(arena_keeps_its_first_block)
{
    struct arena small, large;
    arena_init(&small, LIMIT_ARENA_BYTES);
    arena_init(&large, LIMIT_ARENA_BYTES);
    arena_alloc(&small, LIMIT_ARENA_FIRST_BLOCK - 64);
    arena_alloc(&large, LIMIT_ARENA_FIRST_BLOCK + 1);
    arena_reset(&small, LIMIT_ARENA_FIRST_BLOCK);
    arena_reset(&large, LIMIT_ARENA_FIRST_BLOCK);
    CHECK(small.first != NULL);
    CHECK(large.first == NULL);
    arena_done(&small);
}

/* ---- policies --------------------------------------------------------------------------- */

/* Loads or returns NULL; *ret_text are the findings. */
static struct policy_set *load(const char *path, const char *text, size_t length,
                               const char **ret_text)
{
    const struct policy_load_options options = {.now = NOW};
    const char *const paths[] = {path, NULL};
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    struct err err;
    diag_init(&diagnostics, &arena);
    const int rc =
        path != NULL ? policy_load(paths, &options, &diagnostics, &set, &err)
                     : policy_load_text("p.yaml", text, length, &options, &diagnostics, &set, &err);
    struct buf shown = new_buf();
    buf_printf(&shown, "%d %s\n", rc, rc != 0 ? err.text : "");
    diag_write(&diagnostics, &shown);
    *ret_text = shown.data;
    return rc == 0 ? set : NULL;
}

static bool loads(const char *path, const struct buf *text, const char *complaint)
{
    const char *shown;
    struct policy_set *set =
        load(path, text != NULL ? text->data : NULL, text != NULL ? text->length : 0, &shown);
    if (set == NULL && strstr(shown, complaint) == NULL)
        TEST_FAIL("it complains of something else: %.400s", shown);
    policy_set_unref(set);
    return set != NULL;
}

static void add_policy_head(struct buf *text, size_t number)
{
    buf_printf(text,
               "---\n{apiVersion: proctor.dev/v1, kind: Policy, metadata: {name: p%zu}, spec: "
               "{title: t, match: {resources: [deployments.apps], namespaces: [n%zu]}, rules: [",
               number, number);
}

static void add_rule(struct buf *text, size_t number, const char *rest)
{
    buf_printf(text, "{id: r%zu, why: it is so, %s},\n", number, rest);
}

static struct policy_set *set_of_rule(const char *mode, const char *rule)
{
    struct buf text = new_buf();
    const char *shown;
    buf_printf(&text,
               "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n"
               "  title: t\n  match: {resources: [deployments.apps]}\n  mode: %s\n"
               "  rules:\n  - {id: r, why: it is so, %s}\n",
               mode, rule);
    struct policy_set *set = load(NULL, text.data, text.length, &shown);
    if (set == NULL)
        TEST_FAIL("%s", shown);
    return set;
}

static bool loads_rules(size_t count)
{
    struct buf text = new_buf();
    add_policy_head(&text, 0);
    for (size_t i = 0; i < count; i++)
        add_rule(&text, i, "field: \"metadata.labels.a\", forbidden: true");
    buf_add_string(&text, "]}}\n");
    return loads(NULL, &text, "too-many");
}

TEST(rules_per_policy)
{
    begin();
    CHECK(loads_rules(LIMIT_RULES_PER_POLICY));
    CHECK(!loads_rules(LIMIT_RULES_PER_POLICY + 1));
}

static void write_file(const char *folder, size_t number, const struct buf *text)
{
    FILE *file = fopen(arena_printf(&arena, "%s/%04zu.yaml", folder, number), "w");
    CHECK(file != NULL);
    fwrite(text->data, 1, text->length, file);
    fclose(file);
}

static void write_policies(const char *folder, size_t first, size_t count)
{
    struct buf text = new_buf();
    for (size_t i = first; i < first + count; i++) {
        add_policy_head(&text, i);
        add_rule(&text, 0, "field: spec.replicas, max: 1");
        buf_add_string(&text, "]}}\n");
    }
    write_file(folder, first, &text);
}

static void remove_file(const char *folder, size_t number)
{
    unlink(arena_printf(&arena, "%s/%04zu.yaml", folder, number));
}

static const char *new_folder(void)
{
    char *folder = arena_strdup(&arena, "/tmp/proctor-limits-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    return folder;
}

TEST(policies)
{
    begin();
    const char *folder = new_folder();
    const size_t file = 2000;
    for (size_t first = 0; first < LIMIT_POLICIES; first += file)
        write_policies(folder, first, file);
    CHECK(loads(folder, NULL, ""));
    write_policies(folder, LIMIT_POLICIES, 1);
    CHECK(!loads(folder, NULL, "too-many"));
    for (size_t first = 0; first <= LIMIT_POLICIES; first += file)
        remove_file(folder, first);
    rmdir(folder);
}

TEST(policy_file_bytes)
{
    begin();
    const char *folder = new_folder();
    struct buf text = new_buf();
    add_policy_head(&text, 0);
    add_rule(&text, 0, "field: spec.replicas, max: 1");
    buf_add_string(&text, "]}}\n#");
    add_times(&text, "x", LIMIT_POLICY_FILE_BYTES - text.length);
    write_file(folder, 0, &text);
    CHECK(loads(folder, NULL, ""));
    buf_add_char(&text, 'x');
    write_file(folder, 0, &text);
    CHECK(!loads(folder, NULL, "too-large"));
    remove_file(folder, 0);
    rmdir(folder);
}

TEST(policy_set_bytes)
{
    begin();
    struct policy_set *set = set_of_rule("enforce", "field: spec.replicas, max: 1");
    CHECK_INT(set->arena.cap_bytes, LIMIT_POLICY_SET_BYTES);
    policy_set_unref(set);
    /* Past the cap it is refused before a byte of it is read. */
    const char *shown;
    CHECK(load(NULL, "", LIMIT_POLICY_SET_BYTES, &shown) == NULL);
    CHECK(strstr(shown, "MiB of memory") != NULL);
}

static int parse_field(size_t steps)
{
    struct buf text = new_buf();
    struct field *field;
    struct err err;
    buf_add_char(&text, 'a');
    add_times(&text, ".a", steps - 1);
    return field_parse(&arena, text.data, &field, &err);
}

/* Eight steps are kept for what an alias stands for. */
TEST(field_steps)
{
    begin();
    CHECK_INT(parse_field(LIMIT_FIELD_STEPS - 8), 0);
    CHECK_INT(parse_field(LIMIT_FIELD_STEPS - 8 + 1), -ERR_POLICY);
}

/* ---- patterns --------------------------------------------------------------------------- */

static int compile_pattern(size_t bytes)
{
    struct buf text = new_buf();
    struct pattern *pattern = NULL;
    struct err err;
    add_times(&text, "a", bytes);
    const int rc = pattern_compile(&arena, text.data, &pattern, &err);
    pattern_free(pattern);
    return rc;
}

TEST(pattern_bytes)
{
    begin();
    CHECK_INT(compile_pattern(LIMIT_REGEX_PATTERN_BYTES), 0);
    CHECK_INT(compile_pattern(LIMIT_REGEX_PATTERN_BYTES + 1), -ERR_POLICY);
}

static enum pattern_result try_pattern(const char *text, size_t letters, const char *end)
{
    struct buf subject = new_buf();
    add_times(&subject, "a", letters);
    buf_add_string(&subject, end);
    return pattern_match_once(&arena, text, subject.data);
}

/* The work grows with 2^letters: some are under the limit, some more are past it. */
TEST(pattern_work)
{
    begin();
    struct pattern *pattern;
    struct err err;
    CHECK(LIMIT_REGEX_MATCH < 1U << 24);
    CHECK_INT(try_pattern("^(a|aa)+$", 8, "b"), PATTERN_NO);
    CHECK_INT(try_pattern("^(a|aa)+$", 40, "b"), PATTERN_LIMIT);
    CHECK_INT(pattern_compile(&arena, "^(a|aa)+$", &pattern, &err), 0);
    CHECK_INT(pattern_match(pattern, &arena, "aaaaaaaab", NULL), PATTERN_NO);
    CHECK_INT(
        pattern_match(pattern, &arena, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NULL),
        PATTERN_LIMIT);
    pattern_free(pattern);
}

/* Every turn of (?:a|b)* is a level to come back to. */
TEST(pattern_depth)
{
    begin();
    CHECK_INT(try_pattern("^(?:a|b)*c", LIMIT_REGEX_DEPTH / 4, "c"), PATTERN_YES);
    CHECK_INT(try_pattern("^(?:a|b)*c", LIMIT_REGEX_DEPTH + 1, "c"), PATTERN_LIMIT);
}

/* A level that remembers 200 groups takes 3 KiB: the heap ends before the depth does. */
TEST(pattern_heap)
{
    begin();
    struct buf text = new_buf();
    add_times(&text, "()", 200);
    buf_add_string(&text, "(?:a|b)*c");
    const size_t levels = LIMIT_REGEX_HEAP_KIB / 3;
    CHECK_INT(try_pattern(text.data, levels / 10, "c"), PATTERN_YES);
    CHECK_INT(try_pattern("^(?:a|b)*c", levels, "c"), PATTERN_YES);
    CHECK_INT(try_pattern(text.data, levels, "c"), PATTERN_LIMIT);
}

/* ---- YAML ------------------------------------------------------------------------------- */

static int parse_yaml(const struct buf *text)
{
    struct yaml_documents documents;
    struct err err;
    return yaml_parse(&arena, text->data, text->length, YAML_POLICY, &documents, &err);
}

static int yaml_of_depth(size_t depth)
{
    struct buf text = new_buf();
    add_times(&text, "[", depth);
    add_times(&text, "]", depth);
    return parse_yaml(&text);
}

static int yaml_of_aliases(size_t count)
{
    struct buf text = new_buf();
    buf_add_string(&text, "- &a 1\n");
    add_times(&text, "- *a\n", count);
    return parse_yaml(&text);
}

static int yaml_of_nodes(size_t count)
{
    struct buf text = new_buf();
    add_times(&text, "- 1\n", count - 1);
    return parse_yaml(&text);
}

static int yaml_of_documents(size_t count)
{
    struct buf text = new_buf();
    add_times(&text, "---\na\n", count);
    return parse_yaml(&text);
}

TEST(yaml)
{
    begin();
    CHECK_INT(yaml_of_depth(LIMIT_YAML_DEPTH), 0);
    CHECK_INT(yaml_of_depth(LIMIT_YAML_DEPTH + 1), -ERR_LIMIT);
    CHECK_INT(yaml_of_aliases(LIMIT_YAML_ALIASES), 0);
    CHECK_INT(yaml_of_aliases(LIMIT_YAML_ALIASES + 1), -ERR_LIMIT);
    CHECK_INT(yaml_of_nodes(LIMIT_YAML_NODES), 0);
    CHECK_INT(yaml_of_nodes(LIMIT_YAML_NODES + 1), -ERR_LIMIT);
    CHECK_INT(yaml_of_documents(LIMIT_YAML_DOCUMENTS), 0);
    CHECK_INT(yaml_of_documents(LIMIT_YAML_DOCUMENTS + 1), -ERR_LIMIT);
}

/* ---- files ------------------------------------------------------------------------------ */

static int read_file_of(off_t bytes)
{
    char path[] = "/tmp/proctor-limits-XXXXXX";
    char *text = NULL;
    size_t length = 0;
    struct err err;
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(ftruncate(fd, bytes) == 0);
    close(fd);
    const int rc = files_read(path, &text, &length, &err);
    unlink(path);
    if (rc == 0)
        free(text);
    return rc;
}

TEST(input_file_bytes)
{
    CHECK_INT(read_file_of((off_t)LIMIT_INPUT_FILE_BYTES), 0);
    CHECK_INT(read_file_of((off_t)LIMIT_INPUT_FILE_BYTES + 1), -ERR_TOO_LARGE);
}

/* ---- a review's answer ------------------------------------------------------------------ */

static struct buf deployment_of(size_t containers, const char *rest)
{
    struct buf text = new_buf();
    buf_add_string(&text,
                   "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                   "\"request\":{\"uid\":\"u\",\"operation\":\"CREATE\",\"namespace\":\"n\","
                   "\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},"
                   "\"resource\":{\"group\":\"apps\",\"version\":\"v1\","
                   "\"resource\":\"deployments\"},\"userInfo\":{\"username\":\"x\"},"
                   "\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
                   "\"metadata\":{\"name\":\"d\"},\"spec\":{\"template\":{\"spec\":"
                   "{\"containers\":[");
    for (size_t i = 0; i < containers; i++)
        buf_printf(&text, "%s{\"name\":\"c%zu\"%s}", i > 0 ? "," : "", i, rest);
    buf_add_string(&text, "]}}}}}}");
    return text;
}

/* The webhook's call, with its cap on memory; the answer is in `arena`. */
static int ask(const struct policy_set *set, enum admit_phase phase, const struct buf *body,
               struct arena *judged, struct verdict *ret_verdict)
{
    struct admit_request request;
    struct buf answer = new_buf();
    bool answered;
    struct err err;
    const int rc = admit_answer(set, phase, body->data, body->length, NOW, judged, &answer,
                                &request, ret_verdict, &answered, &err);
    CHECK(answered);
    CHECK(rc == 0 || strstr(answer.data, "\"allowed\":false") != NULL);
    return rc;
}

TEST(patch_operations)
{
    begin();
    struct verdict verdict;
    struct arena judged;
    struct policy_set *set =
        set_of_rule("enforce", "field: \"$containers.imagePullPolicy\", set: Always");
    arena_init(&judged, LIMIT_ARENA_BYTES);
    /* One operation more is the annotation that tells of them. */
    struct buf body = deployment_of(LIMIT_PATCH_OPERATIONS - 1, "");
    CHECK_INT(ask(set, ADMIT_MUTATE, &body, &judged, &verdict), 0);
    CHECK_INT(verdict.operation_count, LIMIT_PATCH_OPERATIONS);
    arena_done(&judged);
    body = deployment_of(LIMIT_PATCH_OPERATIONS, "");
    CHECK_INT(ask(set, ADMIT_MUTATE, &body, &judged, &verdict), -ERR_LIMIT);
    CHECK(!verdict.allowed && verdict.patch == NULL);
    arena_done(&judged);
    policy_set_unref(set);
}

TEST(a_review_that_needs_more_than_its_arena)
{
    begin();
    struct verdict verdict;
    struct arena judged;
    struct policy_set *set = set_of_rule("enforce", "field: \"$containers.image\", required: true");
    arena_init(&judged, LIMIT_ARENA_BYTES);
    struct buf rest = new_buf();
    buf_add_string(&rest, ",\"args\":[\"\"");
    add_times(&rest, ",\"\"", 90);
    buf_add_char(&rest, ']');
    struct buf body = deployment_of(1000, rest.data);
    CHECK_INT(ask(set, ADMIT_MUTATE, &body, &judged, &verdict), 0);
    CHECK(judged.used_bytes <= LIMIT_ARENA_BYTES);
    arena_done(&judged);
    /* As many values again, each with some bytes of text. */
    rest = new_buf();
    buf_add_string(&rest, ",\"args\":[\"\"");
    add_times(&rest, ",\"0123456789012345678901234567890123456789012345678901234567890\"", 90);
    buf_add_string(&rest, "],\"image\":\"");
    add_times(&rest, "x", 90);
    buf_add_char(&rest, '"');
    body = deployment_of(1000, rest.data);
    policy_set_unref(set);
    set = set_of_rule("enforce", "field: \"$containers\", unique: true");
    CHECK_INT(ask(set, ADMIT_VALIDATE, &body, &judged, &verdict), -ERR_LIMIT);
    CHECK(!verdict.allowed);
    CHECK(judged.used_bytes <= LIMIT_ARENA_BYTES);
    arena_done(&judged);
    policy_set_unref(set);
}

static int causes_of(const struct policy_set *set, size_t containers, const char **ret_last)
{
    struct verdict verdict;
    struct buf body = deployment_of(containers, "");
    CHECK_INT(ask(set, ADMIT_VALIDATE, &body, &arena, &verdict), 0);
    const cJSON *causes = json_get(verdict.details, "causes");
    *ret_last = json_get_string(causes->child->prev, "message");
    return (int)json_count(causes);
}

TEST(causes)
{
    begin();
    const char *last;
    struct policy_set *set = set_of_rule("enforce", "field: \"$containers.image\", required: true");
    CHECK_INT(causes_of(set, LIMIT_CAUSES, &last), LIMIT_CAUSES);
    CHECK(strstr(last, "Required value") == last);
    CHECK_INT(causes_of(set, LIMIT_CAUSES + 1, &last), LIMIT_CAUSES + 1);
    CHECK_STRING(last, "and 1 more");
    CHECK_INT(causes_of(set, LIMIT_CAUSES * 2, &last), LIMIT_CAUSES + 1);
    causes_of(set, LIMIT_RULE_VIOLATIONS, &last);
    CHECK_STRING(last, "and 192 more");
    causes_of(set, LIMIT_RULE_VIOLATIONS + 1, &last);
    CHECK_STRING(last, "and at least 192 more");
    policy_set_unref(set);
}

static size_t warnings_of(const struct policy_set *set, size_t containers, size_t *ret_runes,
                          size_t *ret_longest, const char **ret_last)
{
    struct verdict verdict;
    struct buf body = deployment_of(containers, "");
    CHECK_INT(ask(set, ADMIT_VALIDATE, &body, &arena, &verdict), 0);
    *ret_runes = *ret_longest = 0;
    for (size_t i = 0; i < verdict.warning_count; i++) {
        const size_t runes = utf8_runes(verdict.warnings[i]);
        *ret_runes += runes;
        *ret_longest = runes > *ret_longest ? runes : *ret_longest;
    }
    *ret_last = verdict.warnings[verdict.warning_count - 1];
    return verdict.warning_count;
}

TEST(warnings)
{
    begin();
    size_t runes, longest;
    const char *last;
    struct buf message = new_buf();
    buf_add_string(&message, "field: \"$containers.image\", required: true, message: \"");
    add_times(&message, "0123456789", 30);
    buf_add_char(&message, '"');
    struct policy_set *set = set_of_rule("warn", message.data);
    const size_t fit = (LIMIT_WARNING_RUNES_TOTAL - 40) / LIMIT_WARNING_RUNES;
    CHECK_INT(warnings_of(set, fit, &runes, &longest, &last), fit);
    CHECK_INT(longest, LIMIT_WARNING_RUNES);
    CHECK(strstr(last, " more") == NULL);
    CHECK_INT(warnings_of(set, fit + 1, &runes, &longest, &last), fit + 1);
    CHECK_STRING(last, "and 1 more");
    CHECK_INT(warnings_of(set, 1000, &runes, &longest, &last), fit + 1);
    CHECK(runes <= LIMIT_WARNING_RUNES_TOTAL);
    CHECK(longest <= LIMIT_WARNING_RUNES);
    policy_set_unref(set);
}

TEST_MAIN
