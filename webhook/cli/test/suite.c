#include "cli/test/suite.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "cli/input.h"
#include "cli/test/expect.h"
#include "cli/test/suite_keys.h"
#include "kube/names.h"

#include <stdio.h>
#include <string.h>

/* What is being read: the suite and where to say what is wrong. */
struct reading {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *file;
    bool failed; /* since it was last cleared */
};

static void complain(struct reading *reading, struct yaml_mark mark, const char *code,
                     const char *text)
{
    reading->failed = true;
    diag_add(reading->diagnostics, DIAG_ERROR, (struct place){reading->file, mark}, code, "%s",
             text);
}

static void check_keys(struct reading *reading, const cJSON *object, const struct key *rows)
{
    const char *const *keys = key_names(reading->arena, rows, KEY_NO_VERBS);
    if (!json_is_object(object))
        return;
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], child->string) != 0)
            i++;
        if (keys[i] != NULL)
            continue;
        const char *nearest = name_nearest(child->string, keys);
        complain(reading, yaml_key_mark(child), "unknown-key",
                 nearest == NULL
                     ? arena_printf(reading->arena, "unknown key \"%s\"", child->string)
                     : arena_printf(reading->arena, "unknown key \"%s\", did you mean \"%s\"?",
                                    child->string, nearest));
    }
}

/* The member, if it is absent or of the type that `is` asks for; else a complaint and NULL. */
static const cJSON *typed(struct reading *reading, const cJSON *object, const char *key,
                          bool (*is)(const cJSON *node), const char *type)
{
    const cJSON *member = json_get(object, key);
    if (member == NULL || is(member))
        return member;
    complain(reading, yaml_value_mark(member), "wrong-type",
             arena_printf(reading->arena, "%s must be %s, but is a JSON %s", key, type,
                          json_type_name(member)));
    return NULL;
}

static const char *text_of(struct reading *reading, const cJSON *object, const char *key)
{
    return json_string(typed(reading, object, key, json_is_string, "a string"));
}

/* A list of strings, ends with NULL; NULL if absent. */
static const char **texts_of(struct reading *reading, const cJSON *object, const char *key)
{
    const cJSON *list = typed(reading, object, key, json_is_array, "a list of strings");
    if (list == NULL)
        return NULL;
    const char **texts = arena_array(reading->arena, json_count(list) + 1, sizeof *texts);
    size_t count = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        if (json_is_string(item))
            texts[count++] = json_string(item);
        else
            complain(reading, yaml_value_mark(item), "wrong-type",
                     arena_printf(reading->arena, "%s must be a list of strings", key));
    }
    return texts;
}

static const char *beside(struct reading *reading, const char *path)
{
    const char *slash = strrchr(reading->file, '/');
    if (slash == NULL || path[0] == '/')
        return path;
    return arena_printf(reading->arena, "%.*s%s", (int)(slash + 1 - reading->file), reading->file,
                        path);
}

/* ---- objects ------------------------------------------------------------------------------ */

struct reading_object {
    struct reading *reading;
    struct yaml_mark mark;
    cJSON *object;
    bool is_review;
    size_t count;
};

static void take_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct reading_object *read = context;
    (void)arena;
    read->count++;
    if (read->object == NULL)
        read->object = json_dup(read->reading->arena, item->object);
    read->is_review = item->is_review;
}

static void take_problem(void *context, const struct input_problem *problem)
{
    struct reading_object *read = context;
    struct arena *arena = read->reading->arena;
    const char *text =
        problem->line == 0
            ? arena_printf(arena, "%s: %s", problem->file, problem->text)
            : arena_printf(arena, "%s:%u: %s", problem->file, problem->line, problem->text);
    complain(read->reading, read->mark, "unreadable-object", text);
}

/* The object in the file that `value` names. */
static cJSON *read_object(struct reading *reading, const cJSON *value, bool review)
{
    struct reading_object read = {.reading = reading, .mark = yaml_value_mark(value)};
    const char *path = beside(reading, json_string(value));
    struct input_visitor visitor = {&read, take_object, take_problem};
    size_t before = reading->diagnostics->count;
    input_walk(&path, 1, &visitor);
    if (reading->diagnostics->count != before)
        return NULL;
    if (read.count != 1) {
        complain(reading, read.mark, "unreadable-object",
                 arena_printf(reading->arena, "%s holds %zu objects, not one", path, read.count));
        return NULL;
    }
    if (read.is_review != review) {
        complain(reading, read.mark, "unreadable-object",
                 review ? "this is no AdmissionReview" : "an AdmissionReview belongs in `review`");
        return NULL;
    }
    return read.object;
}

/* An object: inline, or the path of one. */
static const cJSON *object_of(struct reading *reading, const cJSON *parent, const char *key)
{
    const cJSON *value = json_get(parent, key);
    if (value == NULL || json_is_object(value))
        return value;
    if (json_is_string(value))
        return read_object(reading, value, false);
    complain(reading, yaml_value_mark(value), "wrong-type",
             arena_printf(reading->arena, "%s must be a path or an object", key));
    return NULL;
}

/* ---- cases -------------------------------------------------------------------------------- */

/* The case's own value, else the suite's default. */
static const cJSON *own_or_default(const cJSON *node, const cJSON *defaults, const char *key)
{
    return json_get(node, key) != NULL ? node : defaults;
}

static void read_operation(struct reading *reading, const cJSON *node,
                           struct judge_question *question)
{
    const char *const *names = key_operations;
    static const enum operation values[] = {OPERATION_CREATE, OPERATION_UPDATE, OPERATION_DELETE,
                                            OPERATION_CONNECT};
    const char *text = text_of(reading, node, "operation");
    for (size_t i = 0; text != NULL && names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            question->operation = values[i];
            return;
        }
    }
    if (text != NULL)
        complain(reading, yaml_value_mark(json_get(node, "operation")), "bad-value",
                 "operation is CREATE, UPDATE, DELETE or CONNECT");
}

static void read_question(struct reading *reading, const cJSON *node, const cJSON *defaults,
                          struct judge_question *question)
{
    question->object = object_of(reading, node, "object");
    question->old_object = object_of(reading, node, "old");
    question->options = typed(reading, node, "options", json_is_object, "a map");
    read_operation(reading, own_or_default(node, defaults, "operation"), question);
    question->resource = text_of(reading, node, "resource");
    question->subresource = text_of(reading, node, "subresource");
    question->name = text_of(reading, node, "requestName");
    question->user = text_of(reading, own_or_default(node, defaults, "user"), "user");
    question->groups = texts_of(reading, own_or_default(node, defaults, "groups"), "groups");
    question->name_space =
        text_of(reading, own_or_default(node, defaults, "namespace"), "namespace");
    if (question->name_space == NULL)
        question->name_space = "default";
}

static void read_expect(struct reading *reading, struct suite_case *suite_case)
{
    const char *const *verdicts = suite_verdicts;
    const cJSON *expect = typed(reading, suite_case->node, "expect", json_is_object, "a map");
    suite_case->expect = expect;
    if (expect == NULL)
        return;
    check_keys(reading, expect, suite_keys_expect);
    const char *verdict = text_of(reading, expect, "verdict");
    size_t i = 0;
    while (verdict != NULL && verdicts[i] != NULL && strcmp(verdicts[i], verdict) != 0)
        i++;
    if (verdict == NULL || verdicts[i] == NULL)
        complain(reading, yaml_key_mark(expect), "bad-value",
                 "expect needs a verdict: allowed, patched, denied or not-judged");
    static const char *const lists[] = {"violations", "warned", "audited", "changes", "warnings"};
    for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
        (void)texts_of(reading, expect, lists[i]);
    (void)text_of(reading, expect, "message");
    const cJSON *object = json_get(expect, "object");
    if (json_is_string(object)) {
        suite_case->expect_path = beside(reading, json_string(object));
        suite_case->expect_object = read_object(reading, object, false);
    } else {
        suite_case->expect_object = object_of(reading, expect, "object");
    }
}

static int64_t read_now(struct reading *reading, const cJSON *node, int64_t fallback)
{
    struct err err;
    int64_t now = fallback;
    const char *text = text_of(reading, node, "now");
    if (text != NULL && judge_parse_time(text, &now, &err) < 0)
        complain(reading, yaml_value_mark(json_get(node, "now")), "bad-value", err.text);
    return now;
}

static void read_case(struct reading *reading, const cJSON *node, const cJSON *defaults,
                      int64_t now, struct suite_case *suite_case)
{
    reading->failed = false;
    suite_case->node = node;
    suite_case->mark = yaml_value_mark(node);
    suite_case->name = "";
    if (!json_is_object(node)) {
        complain(reading, suite_case->mark, "wrong-type", "a case is a map");
        suite_case->broken = true;
        return;
    }
    check_keys(reading, node, suite_keys_case);
    const char *name = text_of(reading, node, "name");
    if (name == NULL || name[0] == '\0')
        complain(reading, suite_case->mark, "no-name", "a case needs a name");
    else
        suite_case->name = name;
    suite_case->now = read_now(reading, node, now);
    const cJSON *review = typed(reading, node, "review", json_is_string, "a path");
    if (review != NULL)
        suite_case->review = read_object(reading, review, true);
    else
        read_question(reading, node, defaults, &suite_case->question);
    read_expect(reading, suite_case);
    suite_case->broken = reading->failed;
}

/* ---- the file ----------------------------------------------------------------------------- */

bool suite_is_one(const char *text)
{
    return strstr(text, "PolicySuite") != NULL;
}

static bool is_suite(const cJSON *root)
{
    const char *version = json_get_string(root, "apiVersion");
    const char *kind = json_get_string(root, "kind");
    return version != NULL && kind != NULL && strcmp(version, "proctor.dev/v1") == 0 &&
           strcmp(kind, "PolicySuite") == 0;
}

static void read_policies(struct reading *reading, const cJSON *spec, struct suite *suite)
{
    suite->policies = texts_of(reading, spec, "policies");
    if (suite->policies == NULL) {
        suite->policies = arena_array(reading->arena, 2, sizeof *suite->policies);
        suite->policies[0] = "policy.yaml";
    }
    for (size_t i = 0; suite->policies[i] != NULL; i++)
        suite->policies[i] = beside(reading, suite->policies[i]);
}

static void read_spec(struct reading *reading, const cJSON *root, int64_t now, struct suite *suite)
{
    check_keys(reading, root, keys_document);
    const char *name = json_string(json_path(root, "metadata", "name", NULL));
    suite->name = name != NULL ? name : suite->file;
    const cJSON *spec = json_get(root, "spec");
    check_keys(reading, spec, suite_keys_spec);
    const cJSON *defaults = typed(reading, spec, "defaults", json_is_object, "a map");
    check_keys(reading, defaults, suite_keys_defaults);
    read_policies(reading, spec, suite);
    now = read_now(reading, spec, now);
    const cJSON *cases = typed(reading, spec, "cases", json_is_array, "a list");
    if (json_count(cases) == 0)
        complain(reading, yaml_value_mark(root), "no-cases", "there are no cases in this suite");
    suite->cases = arena_array(reading->arena, json_count(cases) + 1, sizeof *suite->cases);
    for (const cJSON *node = cases != NULL ? cases->child : NULL; node != NULL; node = node->next)
        read_case(reading, node, defaults, now, &suite->cases[suite->case_count++]);
}

int suite_load(struct arena *arena, const char *file, char *text, size_t length, int64_t now,
               struct diagnostics *diagnostics, struct suite *ret_suite, struct err *reterr)
{
    struct reading reading = {.arena = arena, .diagnostics = diagnostics, .file = file};
    struct suite suite = {.file = file, .text = text, .length = length};
    struct yaml_documents documents;
    int r = yaml_parse(arena, text, length, YAML_POLICY, &documents, reterr);
    if (r < 0) {
        /* "LINE:COLUMN: text" already. */
        char copy[sizeof reterr->text];
        snprintf(copy, sizeof copy, "%s", reterr->text);
        return err_set(reterr, ERR_POLICY, "%s:%s", file, copy);
    }
    if (documents.count != 1 || !is_suite(documents.roots[0]))
        return err_set(reterr, ERR_POLICY,
                       "%s: not one document of apiVersion proctor.dev/v1, kind PolicySuite", file);
    read_spec(&reading, documents.roots[0], now, &suite);
    *ret_suite = suite;
    return 0;
}

int suite_judge(struct arena *arena, const struct policy_set *set,
                const struct suite_case *suite_case, struct judgement *ret_judgement,
                struct err *reterr)
{
    const struct judge_settings settings = {.set = set, .now = suite_case->now};
    const cJSON *review = suite_case->review;
    if (review == NULL) {
        cJSON *made = NULL;
        int r = judge_make_review(arena, &suite_case->question, &made, reterr);
        if (r < 0)
            return r;
        review = made;
    }
    return judge_review(arena, &settings, review, ret_judgement, reterr);
}
