#include "cli/native/native.h"
#include "cli/native/native_cel.h"
#include "cli/native/native_internal.h"
#include "cli/native/native_set.h"

static cJSON *mutations_of(const struct native_set *set, struct arena *arena)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < set->count; i++) {
        cJSON *one = json_new_object(arena), *patch = json_new_object(arena);
        json_add(arena, patch, "expression", json_new_string(arena, set->items[i].expression));
        json_add(arena, one, "patchType", json_new_string(arena, "JSONPatch"));
        json_add(arena, one, "jsonPatch", patch);
        json_append(list, one);
    }
    return list;
}

/* No rule changes what is deleted or connected to, and the API server takes no such match. */
static struct policy_match writes_of(const struct policy *policy)
{
    struct policy_match match = policy->match;
    match.operations = match.operations == 0
                           ? OPERATION_CREATE | OPERATION_UPDATE
                           : match.operations & (OPERATION_CREATE | OPERATION_UPDATE);
    return match;
}

static void add_policy(const struct policy *policy, const struct native_set *set,
                       struct arena *arena, struct native *out)
{
    const struct policy_match match = writes_of(policy);
    const char *name = arena_printf(arena, "proctor-%s", policy->name);
    struct cel cel = {.arena = arena, .policy = policy, .operations = match.operations};
    cJSON *object = native_new_object(arena, "MutatingAdmissionPolicy", name);
    cJSON *spec = json_new_object(arena);
    json_add(arena, spec, "failurePolicy", json_new_string(arena, "Fail"));
    json_add(arena, spec, "reinvocationPolicy", json_new_string(arena, "IfNeeded"));
    json_add(arena, spec, "matchConstraints", cel_constraints(&cel, &match));
    cJSON *conditions = native_match_conditions(&cel, &match);
    if (conditions->child != NULL)
        json_add(arena, spec, "matchConditions", conditions);
    json_add(arena, spec, "variables", native_set_variables(arena));
    json_add(arena, spec, "mutations", mutations_of(set, arena));
    json_add(arena, object, "spec", spec);
    native_add_object(out, arena, object);
    cJSON *binding = native_new_object(arena, "MutatingAdmissionPolicyBinding", name);
    cJSON *bound = json_new_object(arena);
    json_add(arena, bound, "policyName", json_new_string(arena, name));
    json_add(arena, binding, "spec", bound);
    native_add_object(out, arena, binding);
}

static bool is_left_out(const struct native *native, const struct rule *rule)
{
    for (size_t i = 0; i < native->remark_count; i++) {
        const struct native_remark *one = &native->remarks[i];
        if (one->left_out && one->rule == rule->id && one->policy == rule->policy->name)
            return true;
    }
    return false;
}

static void leave_out(struct native *native, struct arena *arena, const struct native_unset *unset)
{
    native->rules_left_out += !is_left_out(native, unset->rule);
    native_remark(native, arena, unset->rule->policy, unset->rule, true,
                  arena_printf(arena, "what it changes: %s", unset->why));
}

/* Where an exception holds the rule changes nothing. */
static void guard(const struct policy_set *set, int64_t now, struct arena *arena,
                  struct native_mutation *mutation)
{
    const struct policy *policy = mutation->rule->policy;
    const struct policy_match match = writes_of(policy);
    for (size_t i = 0; i < set->exception_count; i++) {
        const struct policy_exception *exception = &set->exceptions[i];
        struct cel cel = {.arena = arena, .policy = policy, .operations = match.operations};
        if (now >= exception->expires_at || !native_names_rule(exception, mutation->rule))
            continue;
        mutation->expression = arena_printf(
            arena, "(%s ? [] : %s)", native_finish(&cel, cel_match(&cel, &exception->match, true)),
            mutation->expression);
    }
}

void native_add_mutating(const struct policy_set *set, int64_t now, struct arena *arena,
                         struct native *native)
{
    const bool alone = native->rule_count == 0;
    for (size_t p = 0; p < set->policy_count; p++) {
        const struct policy *policy = &set->policies[p];
        struct native_set changes;
        if (writes_of(policy).operations == 0)
            continue;
        native_set_from_policy(policy, arena, &changes);
        native->rule_count += alone ? changes.rule_count : 0;
        for (size_t i = 0; i < changes.unset_count; i++)
            leave_out(native, arena, &changes.unset[i]);
        for (size_t i = 0; i < changes.count; i++) {
            guard(set, now, arena, &changes.items[i]);
            if (alone && (i == 0 || changes.items[i].rule != changes.items[i - 1].rule))
                native_remark_exceptions(native, set, now, arena, changes.items[i].rule);
        }
        if (changes.count > 0)
            add_policy(policy, &changes, arena, native);
    }
}
