#include "policy/lint.h"

#include "kube/names.h"
#include "policy/verb.h"

#include <string.h>

#define SECONDS_A_DAY    86400
#define EXPIRES_SOON     14 /* days */
#define GRACE_BY_DEFAULT 30 /* the API's terminationGracePeriodSeconds */

struct lint {
    const struct policy_set *set;
    struct diagnostics *diagnostics;
    int64_t now;
};

static void warn(const struct lint *lint, struct place place, const char *code, const char *text)
{
    diag_add(lint->diagnostics, DIAG_WARNING, place, code, "%s", text);
}

static const struct action *find(const struct rule *rule, const char *verb)
{
    for (size_t i = 0; i < rule->action_count; i++)
        if (strcmp(rule->actions[i].verb->name, verb) == 0)
            return &rule->actions[i];
    return NULL;
}

static const cJSON *constant(const struct action *action)
{
    return action != NULL && action->value.is_constant ? action->value.value : NULL;
}

/* The path of the first kind that has the field. */
static const struct path *any_path(const struct rule *rule)
{
    if (rule->field == NULL || rule->field->by_kind == NULL)
        return NULL;
    for (size_t i = schema_kind_count + 1; i-- > 0;)
        if (rule->field->by_kind[i].count > 0)
            return &rule->field->by_kind[i].items[0];
    return NULL;
}

/* ---- patterns ----------------------------------------------------------------------------- */

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A bare dot between the letters of a host's name: registry.example stands for registryXexample. */
static bool has_bare_dot(const char *pattern)
{
    bool in_class = false;
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '[')
            in_class = true;
        else if (*at == ']')
            in_class = false;
        else if (*at == '.' && !in_class && at > pattern && is_host_character(at[-1]) &&
                 (at < pattern + 2 || at[-2] != '\\') && is_host_character(at[1]))
            return true;
    }
    return false;
}

/* ^registry\.example also fits registry.example.evil.org/x. */
static bool is_open_prefix(const char *pattern)
{
    const size_t length = strlen(pattern);
    if (pattern[0] != '^' || strstr(pattern, "\\.") == NULL || strchr(pattern, '/') != NULL)
        return false;
    return is_host_character(pattern[length - 1]) && pattern[length - 2] != '\\' &&
           strchr(pattern, '|') == NULL;
}

static void lint_pattern(const struct lint *lint, const struct action *action)
{
    const char *name = action->verb->name;
    const char *text = json_string(action->value.value);
    if (text == NULL || (strcmp(name, "pattern") != 0 && strcmp(name, "notPattern") != 0))
        return;
    if (has_bare_dot(text))
        warn(lint, action->place, "bare-dot",
             "the dot fits every character, so that another host fits too; write \\.");
    if (is_open_prefix(text))
        warn(lint, action->place, "open-prefix",
             "the pattern fits longer host names as well; end it with / or $");
}

/* ---- values ------------------------------------------------------------------------------- */

static void lint_forgeable(const struct lint *lint, const struct rule *rule,
                           const struct action *action)
{
    const bool bound =
        strcmp(action->verb->name, "min") == 0 || strcmp(action->verb->name, "max") == 0;
    if (action->verb->mutates && (!bound || rule->clamp))
        return;
    for (size_t i = 0; i < action->value.variable_count; i++) {
        const struct variable *variable = action->value.variables[i];
        if (variable->kind == VARIABLE_LABEL || variable->kind == VARIABLE_ANNOTATION)
            diag_add(lint->diagnostics, DIAG_WARNING, action->place, "forgeable",
                     "${%s} is what the requester writes: this check holds nobody back; take "
                     "${user}, ${namespace} or a value",
                     variable->text);
    }
}

/* A bound that is no number, quantity or duration lets no value pass. */
static void lint_bound(const struct lint *lint, const struct action *action, const cJSON *bound,
                       enum value_type type)
{
    if (bound != NULL && value_compare(type, bound, bound) == VALUE_INCOMPARABLE)
        diag_add(lint->diagnostics, DIAG_ERROR, action->place, "bad-value",
                 "%s takes a number, a quantity or a duration that fits the field: nothing can be "
                 "compared with this",
                 action->verb->name);
}

static void lint_range(const struct lint *lint, const struct rule *rule, const struct path *path)
{
    const struct action *min = find(rule, "min"), *max = find(rule, "max");
    const struct action *put =
        find(rule, "default") != NULL ? find(rule, "default") : find(rule, "set");
    const cJSON *low = constant(min), *high = constant(max), *value = constant(put);
    const enum value_type type =
        rule->field->view == VIEW_COUNT ? VALUE_INT : value_type_at(rule->type, path->node);
    lint_bound(lint, min, low, type);
    lint_bound(lint, max, high, type);
    if (low != NULL && high != NULL && value_compare(type, low, high) == VALUE_MORE)
        diag_add(lint->diagnostics, DIAG_ERROR, min->place, "empty-range",
                 "min is above max: no value fits");
    if (value == NULL)
        return;
    if ((low != NULL && value_compare(type, value, low) == VALUE_LESS) ||
        (high != NULL && value_compare(type, value, high) == VALUE_MORE))
        diag_add(lint->diagnostics, DIAG_ERROR, put->place, "outside-own-range",
                 "%s lies outside the rule's own min and max", put->verb->name);
}

static void lint_forbidden(const struct lint *lint, const struct rule *rule,
                           const struct path *path)
{
    const struct action *action = find(rule, "forbidden");
    if (action == NULL)
        action = find(rule, "remove");
    if (action == NULL || path->count == 0 || rule->field->view != VIEW_NONE)
        return;
    const struct schema_field *field = path->steps[path->count - 1].field;
    if (field != NULL && field->default_json != NULL)
        diag_add(lint->diagnostics, DIAG_ERROR, action->place, "always-filled",
                 "Kubernetes fills \"%s\" with %s where it is absent, so it is always there; "
                 "judge its value with equals or oneOf",
                 rule->field->text, field->default_json);
}

static void lint_presence(const struct lint *lint, const struct rule *rule, const struct path *path)
{
    const struct action *action = find(rule, "required");
    if (action != NULL && path->count > 0 && path->base == path->count &&
        rule->field->view == VIEW_NONE)
        diag_add(lint->diagnostics, DIAG_WARNING, action->place, "vacuous",
                 "an empty list has no elements to ask, so this always holds; for at least one "
                 "write the list with @count and min: 1");
}

/* ---- a policy's rules beside each other ---------------------------------------------------- */

static bool ends_in(const struct path *path, const char *parent, const char *member)
{
    return path != NULL && path->count >= 2 && path->steps[path->count - 1].kind == STEP_MEMBER &&
           path->steps[path->count - 2].kind == STEP_MEMBER &&
           strcmp(path->steps[path->count - 2].name, parent) == 0 &&
           (member == NULL || strcmp(path->steps[path->count - 1].name, member) == 0);
}

/* A limit that is put in below a request that the user wrote is refused by Kubernetes. */
static void lint_limit(const struct lint *lint, const struct rule *rule, const struct path *path)
{
    const struct policy *policy = rule->policy;
    const struct action *action = find(rule, "default");
    if (action == NULL || !ends_in(path, "limits", NULL))
        return;
    const char *name = path->steps[path->count - 1].name;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *other = &policy->rules[i];
        if (ends_in(any_path(other), "requests", name) &&
            (find(other, "max") != NULL || find(other, "set") != NULL))
            return;
    }
    diag_add(lint->diagnostics, DIAG_WARNING, action->place, "limit-below-request",
             "this limit may end below a request that the user wrote, which Kubernetes refuses; "
             "add a rule with requests.%s, max: \"${.resources.limits.%s}\"",
             name, name);
}

static bool policy_grace(const struct policy *policy, int64_t *ret_seconds)
{
    *ret_seconds = GRACE_BY_DEFAULT;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        const struct path *path = any_path(rule);
        if (path == NULL || path->count == 0 || path->steps[path->count - 1].kind != STEP_MEMBER ||
            strcmp(path->steps[path->count - 1].name, "terminationGracePeriodSeconds") != 0)
            continue;
        const cJSON *least = constant(find(rule, "min"));
        if (least == NULL)
            least = constant(find(rule, "set"));
        if (least == NULL)
            least = constant(find(rule, "default"));
        return least != NULL && json_int64(least, ret_seconds);
    }
    return true;
}

static const cJSON *sleep_of(const struct path *path, const cJSON *value)
{
    if (ends_in(path, "sleep", "seconds"))
        return value;
    if (ends_in(path, "preStop", "sleep"))
        return json_get(value, "seconds");
    if (ends_in(path, "lifecycle", "preStop"))
        return json_get(json_get(value, "sleep"), "seconds");
    if (path->count > 0 && path->steps[path->count - 1].kind == STEP_MEMBER &&
        strcmp(path->steps[path->count - 1].name, "lifecycle") == 0)
        return json_path(value, "preStop", "sleep", "seconds", NULL);
    return NULL;
}

static void lint_sleep(const struct lint *lint, const struct rule *rule, const struct path *path)
{
    const struct action *action =
        find(rule, "set") != NULL ? find(rule, "set") : find(rule, "default");
    int64_t seconds, grace;
    if (action == NULL)
        return;
    const cJSON *value = sleep_of(path, constant(action));
    if (json_int64(value, &seconds) && policy_grace(rule->policy, &grace) && seconds >= grace)
        diag_add(lint->diagnostics, DIAG_WARNING, action->place, "sleep-beyond-grace",
                 "preStop sleeps %lld s and the pod is killed after %lld s; raise "
                 "terminationGracePeriodSeconds or sleep less",
                 (long long)seconds, (long long)grace);
}

static void lint_rule(const struct lint *lint, const struct rule *rule)
{
    const struct path *path = any_path(rule);
    for (size_t i = 0; i < rule->action_count; i++) {
        lint_pattern(lint, &rule->actions[i]);
        lint_forgeable(lint, rule, &rule->actions[i]);
    }
    for (size_t i = 0; i < rule->condition_count; i++)
        for (size_t j = 0; j < rule->conditions[i].action_count; j++)
            lint_pattern(lint, &rule->conditions[i].actions[j]);
    if (path == NULL)
        return;
    lint_range(lint, rule, path);
    lint_forbidden(lint, rule, path);
    lint_presence(lint, rule, path);
    lint_limit(lint, rule, path);
    lint_sleep(lint, rule, path);
}

/* ---- variables ---------------------------------------------------------------------------- */

/* What the request brings as its sender likes: the object, its labels, the options. */
static bool is_forgeable(const struct variable *variable)
{
    if (variable->kind == VARIABLE_FIELD)
        return variable->field->root < FIELD_OLD || variable->field->root == FIELD_OPTIONS;
    return variable->kind == VARIABLE_LABEL || variable->kind == VARIABLE_ANNOTATION;
}

static void lint_variable(const struct lint *lint, const struct policy_variable *variable)
{
    for (size_t i = 0; i < variable->from.variable_count; i++)
        if (is_forgeable(variable->from.variables[i]))
            diag_add(lint->diagnostics, DIAG_WARNING, variable->from_place, "forgeable",
                     "${%s} is what the requester writes: whatever ${%s} decides is the "
                     "requester's to choose; take ${user}, ${namespace} or ${$request...}",
                     variable->from.variables[i]->text, variable->name);
    if (variable->pattern != NULL && !pattern_has_group(variable->pattern))
        warn(lint, variable->pattern_place, "no-group",
             "the pattern has no group, so that the value is all that it fits; put ( ) around the "
             "part that is meant");
}

/* ---- policies and exceptions -------------------------------------------------------------- */

static void lint_match(const struct lint *lint, const struct policy *policy)
{
    const struct policy_match *match = &policy->match;
    if (match->selector_count > 0 && match->namespaces == NULL && match->names == NULL &&
        match->users == NULL && match->groups == NULL)
        warn(lint, match->selector_place, "selector-only",
             "only the selector fences this policy, and its labels are the user's to choose; "
             "add namespaces");
    for (size_t i = 0; i < match->exclude_count; i++)
        if (match->excludes[i].user != NULL &&
            strcmp(match->excludes[i].user,
                   "system:serviceaccount:kube-system:horizontal-pod-autoscaler") == 0)
            warn(lint, match->excludes[i].place, "excludes-autoscaler",
                 "whoever writes an autoscaler would scale past this policy; never exclude it");
}

static void lint_exception(const struct lint *lint, const struct policy_exception *exception)
{
    const int64_t left = exception->expires_at - lint->now;
    if (left > 0 && left <= (int64_t)EXPIRES_SOON * SECONDS_A_DAY)
        diag_add(lint->diagnostics, DIAG_WARNING, exception->place, "expires-soon",
                 "the exception %s ends in %lld days; renew it or mend what it covers",
                 exception->name, (long long)((left - 1) / SECONDS_A_DAY));
}

void lint_set(const struct policy_set *set, int64_t now, struct diagnostics *diagnostics)
{
    const struct lint lint = {.set = set, .diagnostics = diagnostics, .now = now};
    for (size_t i = 0; i < set->policy_count; i++) {
        lint_match(&lint, &set->policies[i]);
        for (size_t v = 0; v < set->policies[i].variable_count; v++)
            lint_variable(&lint, &set->policies[i].variables[v]);
        for (size_t r = 0; r < set->policies[i].rule_count; r++)
            lint_rule(&lint, &set->policies[i].rules[r]);
    }
    for (size_t i = 0; i < set->exception_count; i++)
        lint_exception(&lint, &set->exceptions[i]);
    lint_never(set, diagnostics);
}
