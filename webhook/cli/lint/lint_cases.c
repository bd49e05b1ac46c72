#include "cli/lint/lint_cases.h"

#include "base/limits.h"
#include "cli/files.h"
#include "cli/test/suite.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SUITE_BYTES (256 * LIMIT_MIB)

/* What the suites show of one rule. */
struct shown {
    bool passing;
    bool failing;
};

struct cases {
    struct arena arena; /* of one suite */
    const struct policy_set *set;
    struct shown *rules; /* by rule->order */
    bool *policies;      /* by policy->order: some suite loads it */
    struct diagnostics *diagnostics;
    int64_t now;
    const char *file;
    char *text;
    size_t length;
};

/* ---- one case ----------------------------------------------------------------------------- */

static bool is_expected(const cJSON *expect, const char *full_id)
{
    static const char *const lists[] = {"violations", "warned", "audited", "changes"};
    const size_t length = strlen(full_id);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const cJSON *list = json_get(expect, lists[i]);
        for (const cJSON *node = list != NULL ? list->child : NULL; node != NULL;
             node = node->next) {
            const char *text = json_string(node);
            if (text != NULL && strncmp(text, full_id, length) == 0 && text[length] == ' ')
                return true;
        }
    }
    return false;
}

static const struct schema_kind *kind_of_object(struct arena *arena, const cJSON *object)
{
    const char *version = json_get_string(object, "apiVersion");
    const char *kind = json_get_string(object, "kind");
    if (version == NULL || kind == NULL)
        return NULL;
    const char *slash = strchr(version, '/');
    const char *group =
        slash != NULL ? arena_strndup(arena, version, (size_t)(slash - version)) : "";
    return schema_kind_find(group, slash != NULL ? slash + 1 : version, kind);
}

/* NULL for a kind that the schema lacks, and for options (CONNECT). */
static const struct schema_kind *kind_of_case(struct arena *arena, const struct suite_case *one)
{
    if (one->review != NULL) {
        const cJSON *kind = json_path(one->review, "request", "kind", NULL);
        const char *group = json_get_string(kind, "group");
        const char *version = json_get_string(kind, "version");
        const char *name = json_get_string(kind, "kind");
        return group != NULL && version != NULL && name != NULL
                   ? schema_kind_find(group, version, name)
                   : NULL;
    }
    return kind_of_object(arena, one->question.object != NULL ? one->question.object
                                                              : one->question.old_object);
}

static bool is_judged(const struct suite_case *one)
{
    const char *verdict = json_get_string(one->expect, "verdict");
    return verdict != NULL && strcmp(verdict, "not-judged") != 0;
}

static void read_case(struct cases *cases, const struct suite_case *one, const bool *loaded)
{
    const struct schema_kind *kind = kind_of_case(&cases->arena, one);
    const bool judged = is_judged(one);
    for (size_t i = 0; i < cases->set->policy_count; i++)
        for (size_t r = 0; r < cases->set->policies[i].rule_count; r++) {
            const struct rule *rule = &cases->set->policies[i].rules[r];
            struct shown *shown = &cases->rules[rule->order];
            const bool applies =
                rule->field == NULL || field_paths(rule->field, field_kind_index(kind))->count > 0;
            if (is_expected(one->expect, rule->full_id))
                shown->failing = true;
            else if (judged && applies && loaded[i])
                shown->passing = true;
        }
}

/* ---- one suite ---------------------------------------------------------------------------- */

/* Whether `file` is what `path` names, or lies in it. */
static bool is_in(const char *file, const char *path)
{
    char real_file[PATH_MAX], real_path[PATH_MAX];
    if (realpath(file, real_file) == NULL || realpath(path, real_path) == NULL)
        return false;
    const size_t length = strlen(real_path);
    return strncmp(real_file, real_path, length) == 0 &&
           (real_file[length] == '\0' || real_file[length] == '/');
}

static void warn_of_suite(struct cases *cases, const char *file, const char *words)
{
    const struct place place = {file, {0, 0}};
    diag_add(cases->diagnostics, DIAG_WARNING, place, "bad-suite", "%s", words);
}

static void read_suite(void *context)
{
    struct cases *cases = context;
    struct diagnostics own;
    struct suite suite;
    struct err err;
    diag_init(&own, &cases->arena);
    const bool fine = suite_load(&cases->arena, cases->file, cases->text, cases->length, cases->now,
                                 &own, &suite, &err) == 0;
    if (!fine || own.error_count > 0)
        warn_of_suite(cases, cases->file,
                      "there are errors in this suite, so that cases are left out; see `proctor "
                      "test`");
    if (!fine)
        return;
    bool *loaded = arena_array(&cases->arena, cases->set->policy_count, sizeof *loaded);
    for (size_t i = 0; i < cases->set->policy_count; i++)
        for (size_t p = 0; suite.policies[p] != NULL; p++)
            loaded[i] |= is_in(cases->set->policies[i].place.file, suite.policies[p]);
    for (size_t i = 0; i < cases->set->policy_count; i++)
        cases->policies[i] |= loaded[i];
    for (size_t i = 0; i < suite.case_count; i++)
        if (!suite.cases[i].broken)
            read_case(cases, &suite.cases[i], loaded);
}

static void read_file(void *context, const char *path, bool in_folder)
{
    struct cases *cases = context;
    struct err err;
    (void)in_folder;
    /* What cannot be read the loader has told. */
    if (files_read(path, &cases->text, &cases->length, &err) != 0)
        return;
    cases->file = path;
    arena_reset(&cases->arena, LIMIT_MIB);
    if (suite_is_one(cases->text) && !arena_try(&cases->arena, read_suite, cases))
        warn_of_suite(cases, path, "the suite takes too much memory to be read");
    free(cases->text);
}

static void skip_problem(void *context, const char *path, const char *text)
{
    (void)context;
    (void)path;
    (void)text;
}

/* The suites in a folder and below, or for a file those of its folder. */
static void read_beside(struct cases *cases, const char *path)
{
    const struct files_visitor visitor = {cases, "cases", read_file, skip_problem};
    const char *slash = strrchr(path, '/');
    struct stat info;
    char *folder = NULL;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        folder = slash == NULL   ? strdup(".")
                 : slash == path ? strdup("/")
                                 : strndup(path, (size_t)(slash - path));
    files_find(folder != NULL ? folder : path, &visitor);
    free(folder);
}

/* ---- the warnings ------------------------------------------------------------------------- */

static void warn_of_rule(struct cases *cases, const struct rule *rule)
{
    const struct shown *shown = &cases->rules[rule->order];
    if (!shown->failing)
        diag_add(cases->diagnostics, DIAG_WARNING, rule->place, "no-case",
                 "%s has no failing case: add one to the suite that expects it in violations or "
                 "changes",
                 rule->full_id);
    if (!shown->passing)
        diag_add(cases->diagnostics, DIAG_WARNING, rule->place, "no-case",
                 "%s has no passing case: add one to the suite with an object that it applies to "
                 "and leaves alone",
                 rule->full_id);
}

static void warn_of_policy(struct cases *cases, const struct policy *policy)
{
    bool any = cases->policies[policy->order];
    for (size_t i = 0; i < policy->rule_count; i++)
        any |= cases->rules[policy->rules[i].order].failing;
    if (!any) {
        diag_add(cases->diagnostics, DIAG_WARNING, policy->place, "no-case",
                 "no suite beside it loads the policy %s: its %zu rule%s no case (`proctor test "
                 "--help` shows how a suite is written)",
                 policy->name, policy->rule_count, policy->rule_count == 1 ? " has" : "s have");
        return;
    }
    for (size_t i = 0; i < policy->rule_count; i++)
        warn_of_rule(cases, &policy->rules[i]);
}

int lint_cases(const char *const *paths, const struct policy_set *set, int64_t now,
               struct diagnostics *diagnostics, struct err *reterr)
{
    struct cases cases = {.set = set, .diagnostics = diagnostics, .now = now};
    cases.rules = calloc(set->rule_count + 1, sizeof *cases.rules);
    cases.policies = calloc(set->policy_count + 1, sizeof *cases.policies);
    int rc = 0;
    if (cases.rules == NULL || cases.policies == NULL) {
        rc = err_set(reterr, ERR_NO_MEMORY, "out of memory");
    } else {
        arena_init(&cases.arena, SUITE_BYTES);
        for (size_t i = 0; paths[i] != NULL; i++)
            read_beside(&cases, paths[i]);
        arena_done(&cases.arena);
        for (size_t i = 0; i < set->policy_count; i++)
            warn_of_policy(&cases, &set->policies[i]);
    }
    free(cases.rules);
    free(cases.policies);
    return rc;
}
