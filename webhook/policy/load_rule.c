#include "policy/load_internal.h"

#include "kube/names.h"

#include <stdlib.h>
#include <string.h>

static struct field *load_field(struct loader *loader, const cJSON *node)
{
    struct field *field;
    struct err err;
    if (!json_is_string(node)) {
        load_fail(loader, node, "wrong-type", "a field is a text, as spec.replicas");
        return NULL;
    }
    if (field_parse(loader->arena, node->valuestring, &field, &err) == 0)
        return field;
    load_fail(loader, node, "bad-field", "%s", err.text);
    return NULL;
}

/* The actions of `node`'s members that are verbs, in the order in which verbs act. */
static struct action *load_actions(struct loader *loader, const cJSON *node,
                                   struct verb_parse *parse, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; verbs[i] != NULL; i++)
        count += json_find(node, verbs[i]->name) != NULL;
    struct action *actions = arena_array(loader->arena, count, sizeof *actions);
    *ret_count = 0;
    for (size_t i = 0; verbs[i] != NULL; i++) {
        const cJSON *value = json_find(node, verbs[i]->name);
        if (value == NULL)
            continue;
        struct action *action = &actions[*ret_count];
        action->verb = verbs[i];
        action->place = load_place(loader, value);
        if (verbs[i]->parse(parse, value, action))
            ++*ret_count;
    }
    return actions;
}

/* ---- conditions ------------------------------------------------------------------------- */

static bool load_condition(struct loader *loader, const cJSON *node, struct verb_parse *parse,
                           bool has_element, struct condition *out)
{
    if (!load_check_keys(loader, node, "an entry of when", keys_condition, KEY_WHEN_VERBS))
        return false;
    const cJSON *field = json_get(node, "field"), *exists = json_get(node, "exists");
    out->place = load_place(loader, node);
    out->field_place = load_place(loader, field);
    if (field == NULL)
        return load_fail(loader, node, "missing-key", "an entry of when needs its field");
    out->field = load_field(loader, field);
    if (out->field != NULL && out->field->root == FIELD_ELEMENT && !has_element)
        return load_fail(loader, field, "bad-field",
                         "\"%s\" starts at the rule's own element, and this rule has no field",
                         out->field->text);
    out->tests_existence = exists != NULL;
    out->exists = load_bool(loader, node, "exists");
    struct verb_parse inside = *parse;
    inside.rule = NULL;
    out->actions = load_actions(loader, node, &inside, &out->action_count);
    if (!out->tests_existence && out->action_count == 0)
        return load_fail(loader, node, "missing-key",
                         "an entry of when says what must be so: exists, equals, oneOf, noneOf, "
                         "pattern, notPattern, min or max");
    return out->field != NULL;
}

static void load_conditions(struct loader *loader, const cJSON *node, struct verb_parse *parse,
                            struct rule *rule)
{
    const cJSON *list = json_get(node, "when");
    if (list == NULL)
        return;
    if (!json_is_array(list)) {
        load_fail(loader, list, "wrong-type", "when must be a list of { field, ... }");
        return;
    }
    rule->conditions = arena_array(loader->arena, json_count(list), sizeof *rule->conditions);
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        struct condition *condition = &rule->conditions[rule->condition_count];
        if (load_condition(loader, entry, parse, json_get(node, "field") != NULL, condition))
            rule->condition_count++;
    }
}

/* ---- dials ------------------------------------------------------------------------------ */

static bool has_verb(const struct rule *rule, const char *name)
{
    for (size_t i = 0; i < rule->action_count; i++)
        if (strcmp(rule->actions[i].verb->name, name) == 0)
            return true;
    return false;
}

static void load_type(struct loader *loader, const cJSON *node, struct rule *rule)
{
    const size_t type = load_choice(loader, node, "type", key_types, 0);
    if (!value_type_parse(key_types[type], &rule->type))
        rule->type = VALUE_AUTO;
}

/* `slips`: there are unknown keys, so that what seems missing is not. */
static void load_dials(struct loader *loader, const cJSON *node, struct rule *rule, bool slips)
{
    rule->mode =
        (enum policy_mode)load_choice(loader, node, "mode", policy_mode_names, rule->policy->mode);
    rule->clamp = load_choice(loader, node, "outside", key_outside, 0) == 1;
    rule->ratchet_never = load_choice(loader, node, "ratchet", key_ratchets, 0) == 1;
    rule->optional = load_bool(loader, node, "optional");
    rule->exactly = load_bool(loader, node, "exactly");
    load_type(loader, node, rule);
    if (!slips && json_get(node, "outside") != NULL && !has_verb(rule, "min") &&
        !has_verb(rule, "max"))
        load_fail(loader, json_get(node, "outside"), "useless-dial",
                  "outside says what happens beyond min or max, and there is neither");
    if (!slips && rule->exactly && !has_verb(rule, "equals") && !has_verb(rule, "set"))
        load_fail(loader, json_get(node, "exactly"), "useless-dial",
                  "exactly belongs to equals or set, and there is neither");
}

static bool is_id(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text) && *text != '-';
}

static void load_identity(struct loader *loader, const cJSON *node, struct rule *rule)
{
    const char *id = load_string(loader, node, "id", true);
    if (id != NULL)
        rule->id = id;
    rule->full_id = arena_printf(loader->arena, "%s/%s", rule->policy->name, rule->id);
    if (id != NULL && !is_id(id))
        load_fail(loader, json_get(node, "id"), "bad-id",
                  "an id is small letters, digits and -, as cpu-limit");
    rule->why = load_text(loader, node, "why", true);
    rule->message = load_text(loader, node, "message", false);
    rule->fix = load_text(loader, node, "fix", false);
}

/* ---- what a rule does --------------------------------------------------------- */

static bool is_of_request(const struct field *field)
{
    return field->root == FIELD_REQUEST || field->root == FIELD_OPTIONS;
}

static void note_effects(struct rule *rule, const bool *declared_reads)
{
    if (rule->field != NULL)
        rule->reads_request = is_of_request(rule->field);
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action *action = &rule->actions[i];
        rule->reads_request |= expr_reads_request(&action->value, declared_reads);
        /* min and max change a value only where they clamp, or with a default. */
        const bool bound = action->verb == verb_find("min") || action->verb == verb_find("max");
        rule->mutates |= action->verb->mutates && (!bound || rule->clamp);
    }
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct condition *condition = &rule->conditions[i];
        rule->reads_request |= is_of_request(condition->field);
        for (size_t a = 0; a < condition->action_count; a++)
            rule->reads_request |= expr_reads_request(&condition->actions[a].value, declared_reads);
    }
}

/* ---- a rule ----------------------------------------------------------------------------- */

static void check_shape(struct loader *loader, const cJSON *node, const struct rule *rule,
                        bool slips)
{
    const bool denies = json_find(node, "deny") != NULL;
    const cJSON *field = json_get(node, "field");
    bool any = false;
    for (size_t i = 0; verbs[i] != NULL; i++)
        any |= json_find(node, verbs[i]->name) != NULL;
    if (!any && !slips)
        load_fail(loader, node, "missing-verb",
                  "the rule says nothing: add a verb, as default, set, max, oneOf or forbidden");
    else if (denies && (field != NULL || rule->action_count > 1))
        load_fail(loader, node, "deny-alone",
                  "deny stands alone: the request itself is refused, whatever its fields");
    else if (!denies && field == NULL && !slips)
        load_fail(loader, node, "missing-key", "field is missing");
    if (rule->field == NULL)
        return;
    if (rule->field->root == FIELD_ELEMENT)
        load_fail(loader, field, "bad-field",
                  "a rule's own field starts at the object or at an alias, not with a dot");
    const bool checks_only = rule->field->root >= FIELD_OLD ||
                             rule->field->root == FIELD_ANY_CONTAINERS ||
                             rule->field->root == FIELD_SECURITY_CONTEXT;
    if (rule->mutates && rule->mode == POLICY_ENFORCE && checks_only)
        load_fail(loader, field, "checks-only",
                  "\"%s\" can only be judged, not changed; use $containers, $appContainers or "
                  "$pod",
                  rule->field->text);
    if (rule->mutates && rule->field->view != VIEW_NONE &&
        (rule->field->view != VIEW_REGISTRY || !has_verb(rule, "set")))
        load_fail(loader, field, "view-is-read-only",
                  "a view can only be judged; of all views only @registry can be set");
}

static void load_rule(struct loader *loader, const cJSON *node, struct rule *rule,
                      const struct declared *declared)
{
    const size_t errors = loader->diagnostics->error_count;
    if (!load_check_keys(loader, node, "a rule", keys_rule, KEY_ALL_VERBS))
        return;
    const bool slips = loader->diagnostics->error_count > errors;
    rule->place = load_place(loader, node);
    load_identity(loader, node, rule);
    const cJSON *field = json_get(node, "field");
    rule->field_place = load_place(loader, field != NULL ? field : node);
    if (field != NULL)
        rule->field = load_field(loader, field);
    struct verb_parse parse = {loader->set, loader->diagnostics, loader->file, declared->names,
                               rule};
    rule->actions = load_actions(loader, node, &parse, &rule->action_count);
    load_conditions(loader, node, &parse, rule);
    load_dials(loader, node, rule, slips);
    note_effects(rule, declared->read_request);
    check_shape(loader, node, rule, slips);
}

static void check_ids(struct loader *loader, const struct policy *policy, const cJSON *rules)
{
    const cJSON *node = rules->child;
    for (size_t i = 0; i < policy->rule_count && node != NULL; i++, node = node->next)
        for (size_t j = 0; j < i; j++)
            if (strcmp(policy->rules[i].id, policy->rules[j].id) == 0 &&
                strcmp(policy->rules[i].id, "?") != 0) {
                load_fail(loader, json_get(node, "id"), "duplicate-id",
                          "the id %s stands at line %u already", policy->rules[i].id,
                          policy->rules[j].place.mark.line);
                break;
            }
}

void load_rules(struct loader *loader, const cJSON *rules, struct policy *policy,
                const struct declared *declared)
{
    if (!json_is_array(rules) || rules->child == NULL) {
        load_fail(loader, rules, "wrong-type", "rules must be a list with at least one rule");
        return;
    }
    const size_t count = json_count(rules);
    if (count > LIMIT_RULES_PER_POLICY) {
        load_fail(loader, rules, "too-many", "a policy may have %u rules, this one has %zu",
                  LIMIT_RULES_PER_POLICY, count);
        return;
    }
    policy->rules = arena_array(loader->arena, count, sizeof *policy->rules);
    for (const cJSON *node = rules->child; node != NULL; node = node->next) {
        struct rule *rule = &policy->rules[policy->rule_count++];
        const size_t errors = loader->diagnostics->error_count;
        rule->policy = policy;
        rule->id = rule->full_id = "?"; /* of what is no rule, or has none */
        load_rule(loader, node, rule, declared);
        rule->broken = loader->diagnostics->error_count > errors;
    }
    check_ids(loader, policy, rules);
}
