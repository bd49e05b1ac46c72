/* Whether the API server asks Proctor about a request: apiserver's webhook rules.Matcher,
 * namespace and object selectors, matchConditions.  Where it depends on what is not known here,
 * the answer is no. */
#include "cli/cluster/registration.h"
#include "cli/coverage/coverage.h"

#include <string.h>

/* How far an entry came: the reason of the one that came farthest is told. */
enum stage { STAGE_NONE, STAGE_RULES, STAGE_SPACE, STAGE_OBJECT, STAGE_CONDITION, STAGE_FAILURE };

struct answer {
    enum stage stage;
    const char *why;
};

static bool lists(const cJSON *rule, const char *key, const char *wanted)
{
    const cJSON *list = json_get(rule, key);
    const cJSON *item = json_is_array(list) ? list->child : NULL;
    for (; item != NULL; item = item->next)
        if (json_is_string(item) &&
            (strcmp(item->valuestring, "*") == 0 || strcmp(item->valuestring, wanted) == 0))
            return true;
    return false;
}

static bool same(const char *pattern, size_t length, const char *text, size_t text_length)
{
    return (length == 1 && *pattern == '*') ||
           (length == text_length && strncmp(pattern, text, length) == 0);
}

static bool lists_resource(const cJSON *rule, const struct coverage_request *request)
{
    const cJSON *list = json_get(rule, "resources");
    const char *sub = request->subresource != NULL ? request->subresource : "";
    const size_t length = strcspn(request->resource, ".");
    const cJSON *item = json_is_array(list) ? list->child : NULL;
    for (; item != NULL; item = item->next) {
        if (!json_is_string(item))
            continue;
        const char *text = item->valuestring, *slash = strchr(text, '/');
        const size_t first = slash == NULL ? strlen(text) : (size_t)(slash - text);
        const char *second = slash == NULL ? "" : slash + 1;
        if (same(text, first, request->resource, length) &&
            same(second, strlen(second), sub, strlen(sub)))
            return true;
    }
    return false;
}

/* matchPolicy Equivalent, which v1 takes unless told otherwise, turns other versions into one that
 * is listed. */
static bool rule_fits(const cJSON *rule, const char *policy, const struct coverage_request *request)
{
    const char *dot = strchr(request->resource, '.');
    const char *scope = json_get_string(rule, "scope");
    const char *wanted = request->name_space != NULL ? "Namespaced" : "Cluster";
    const bool exact = policy != NULL && strcmp(policy, "Exact") == 0;
    return lists(rule, "operations", request->operation) &&
           lists(rule, "apiGroups", dot == NULL ? "" : dot + 1) && lists_resource(rule, request) &&
           (!exact || lists(rule, "apiVersions", request->version)) &&
           (scope == NULL || strcmp(scope, "*") == 0 || strcmp(scope, wanted) == 0);
}

static bool rules_fit(const cJSON *entry, const struct coverage_request *request)
{
    const cJSON *rules = json_get(entry, "rules");
    const cJSON *rule = json_is_array(rules) ? rules->child : NULL;
    for (; rule != NULL; rule = rule->next)
        if (rule_fits(rule, json_get_string(entry, "matchPolicy"), request))
            return true;
    return false;
}

/* ---- the namespace ------------------------------------------------------------------------ */

static const char *space_label(const struct coverage_input *input, const char *name,
                               const char *key)
{
    if (strcmp(key, "kubernetes.io/metadata.name") == 0)
        return name;
    for (const cJSON *space = input->spaces->child; space != NULL; space = space->next) {
        const char *own = json_string(json_path(space, "metadata", "name", NULL));
        if (own != NULL && strcmp(own, name) == 0)
            return json_get_string(json_path(space, "metadata", "labels", NULL), key);
    }
    return NULL;
}

static bool expression_holds(const cJSON *expression, const char *value)
{
    const char *test = json_get_string(expression, "operator");
    if (test == NULL)
        return false;
    if (strcmp(test, "Exists") == 0)
        return value != NULL;
    if (strcmp(test, "DoesNotExist") == 0)
        return value == NULL;
    const cJSON *values = json_get(expression, "values");
    bool listed = false;
    for (const cJSON *item = json_is_array(values) ? values->child : NULL; item != NULL;
         item = item->next)
        listed |= value != NULL && json_is_string(item) && strcmp(item->valuestring, value) == 0;
    return strcmp(test, "In") == 0 ? listed : strcmp(test, "NotIn") == 0 && !listed;
}

static bool space_fits(const struct coverage_input *input, const cJSON *selector, const char *name)
{
    const cJSON *labels = json_get(selector, "matchLabels");
    const cJSON *list = json_get(selector, "matchExpressions");
    for (const cJSON *label = json_is_object(labels) ? labels->child : NULL; label != NULL;
         label = label->next) {
        const char *value = space_label(input, name, label->string);
        if (value == NULL || !json_is_string(label) || strcmp(value, label->valuestring) != 0)
            return false;
    }
    for (const cJSON *item = json_is_array(list) ? list->child : NULL; item != NULL;
         item = item->next) {
        const char *key = json_get_string(item, "key");
        if (key == NULL || !expression_holds(item, space_label(input, name, key)))
            return false;
    }
    return true;
}

/* ---- matchConditions ---------------------------------------------------------------------- */

/* "X" at the text's begin: its length with the quotes, 0 if there is none without escapes. */
static size_t quoted(const char *text)
{
    const size_t length = *text == '"' ? strcspn(text + 1, "\"\\") : 0;
    return *text == '"' && text[length + 1] == '"' ? length + 2 : 0;
}

/* Whether all of the text is one pair of brackets, in which no "or" stands outside of others. */
static bool is_one_conjunction(const char *text)
{
    int depth = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\'') {
            const char quote = *c;
            while (*++c != quote)
                if (*c == '\0' || *c == '\\')
                    return false;
        } else if (*c == '(') {
            depth++;
        } else if (*c == ')' && --depth == 0) {
            return c[1] == '\0';
        } else if (*c == '?' || (depth <= 1 && c[0] == '|' && c[1] == '|')) {
            return false;
        }
    }
    return false;
}

/* True only if the expression surely is: "true", or the negation of a conjunction that begins with
 * somebody who the user is not, as `proctor export match-conditions` writes it. */
static bool surely_true(const struct coverage_input *input, const char *text)
{
    static const char user[] = "!(request.userInfo.username == ";
    static const char group[] = "!(has(request.userInfo.groups) && ";
    if (strcmp(text, "true") == 0)
        return true;
    const bool by_user = strncmp(text, user, sizeof user - 1) == 0;
    if (!by_user && strncmp(text, group, sizeof group - 1) != 0)
        return false;
    const char *name = text + (by_user ? sizeof user : sizeof group) - 1;
    const size_t length = quoted(name);
    const char *rest = by_user ? " && " : " in request.userInfo.groups && ";
    if (length == 0 || strncmp(name + length, rest, strlen(rest)) != 0 ||
        !is_one_conjunction(text + 1))
        return false;
    if (by_user)
        return !same(name + 1, length - 2, input->user, strlen(input->user));
    bool is_in = same(name + 1, length - 2, "system:authenticated", 20);
    for (size_t i = 0; input->groups[i] != NULL; i++)
        is_in |= same(name + 1, length - 2, input->groups[i], strlen(input->groups[i]));
    return !is_in;
}

static const char *doubtful_condition(const struct coverage_input *input, const cJSON *entry)
{
    const cJSON *list = json_get(entry, "matchConditions");
    for (const cJSON *item = json_is_array(list) ? list->child : NULL; item != NULL;
         item = item->next) {
        const char *text = json_get_string(item, "expression");
        const char *name = json_get_string(item, "name");
        if (text == NULL || !surely_true(input, text))
            return name != NULL ? name : "(without a name)";
    }
    return NULL;
}

/* ---- an entry ----------------------------------------------------------------------------- */

static bool is_empty(const cJSON *selector)
{
    return json_count(json_get(selector, "matchLabels")) == 0 &&
           json_count(json_get(selector, "matchExpressions")) == 0;
}

static struct answer ask_entry(const struct coverage_input *input, const cJSON *entry,
                               const struct coverage_request *request)
{
    struct arena *arena = input->arena;
    const char *name = json_get_string(entry, "name");
    const char *failure = json_get_string(entry, "failurePolicy");
    const bool is_space = strcmp(request->resource, "namespaces") == 0;
    const char *space = is_space ? input->name_space : request->name_space;
    if (!rules_fit(entry, request))
        return (struct answer){STAGE_RULES, "no rule of the webhook configuration names it"};
    if (space != NULL && !space_fits(input, json_get(entry, "namespaceSelector"), space))
        return (struct answer){
            STAGE_SPACE, arena_printf(arena, "no namespaceSelector takes the namespace %s", space)};
    if (!is_empty(json_get(entry, "objectSelector")))
        return (struct answer){STAGE_OBJECT,
                               arena_printf(arena,
                                            "%s has an objectSelector, and whoever writes "
                                            "an object chooses its labels",
                                            name)};
    const char *condition = doubtful_condition(input, entry);
    if (condition != NULL)
        return (struct answer){
            STAGE_CONDITION,
            arena_printf(arena, "the matchCondition %s of %s may leave it out", condition, name)};
    if (failure != NULL && strcmp(failure, "Fail") != 0)
        return (struct answer){STAGE_FAILURE,
                               arena_printf(arena,
                                            "%s has failurePolicy %s: while the webhook is "
                                            "away, it passes",
                                            name, failure)};
    return (struct answer){STAGE_NONE, NULL};
}

/* Whether it is Proctor's entry for this phase. */
static bool serves(const cJSON *entry, const char *phase)
{
    const char *path = json_string(json_path(entry, "clientConfig", "service", "path", NULL));
    const char *url = json_string(json_path(entry, "clientConfig", "url", NULL));
    const char *slash = url == NULL ? NULL : strrchr(url, '/');
    return registration_is_ours(entry) && ((path != NULL && strcmp(path, phase) == 0) ||
                                           (slash != NULL && strcmp(slash, phase) == 0));
}

static bool ask_kind(const struct coverage_input *input, const struct coverage_request *request,
                     const struct registration *registration, const char *phase,
                     const char **ret_why)
{
    struct answer best = {STAGE_NONE, "there is no webhook configuration of Proctor's for it"};
    for (const cJSON *hook = input->hooks->child; hook != NULL; hook = hook->next) {
        const char *kind = json_get_string(hook, "kind");
        const cJSON *list = json_get(hook, "webhooks");
        if (kind == NULL || strcmp(kind, registration->kind) != 0 || !json_is_array(list))
            continue;
        for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
            if (!serves(entry, phase))
                continue;
            const struct answer answer = ask_entry(input, entry, request);
            if (answer.why == NULL)
                return true;
            if (answer.stage > best.stage)
                best = answer;
        }
    }
    *ret_why = best.why;
    return false;
}

struct coverage_asked coverage_asks(const struct coverage_input *input,
                                    const struct coverage_request *request)
{
    struct coverage_asked asked = {.why_not = NULL};
    const char *unused = NULL;
    asked.mutate =
        ask_kind(input, request, &registrations[REGISTRATION_MUTATING], "/mutate", &unused);
    asked.validate = ask_kind(input, request, &registrations[REGISTRATION_VALIDATING], "/validate",
                              &asked.why_not);
    return asked;
}
