#include "cli/native/native_internal.h"

#include "policy/kinds.h"

#include <string.h>

struct work {
    const struct policy_set *set;
    int64_t now;
    struct arena *arena;
    struct native *out;
    struct policy_kinds kinds; /* of the policy at hand */
    unsigned long needs;       /* of all its expressions */
};

/* The kinds with one text of a rule. */
struct group {
    const char *text;
    const struct schema_kind **kinds;
    size_t count;
    struct cel cel; /* as it was for the first of them */
};

/* ---- kinds ----------------------------------------------------------------------------------- */

static const char *kind_text(struct cel *cel, const struct schema_kind *kind)
{
    return cel_text(cel, "\"%s/%s/%s\"", kind->group, kind->version, kind->kind);
}

static struct cel new_cel(const struct work *work, const struct policy *policy,
                          const struct schema_kind *kind)
{
    struct cel cel = {.arena = work->arena, .policy = policy, .kind = kind};
    cel.kind_index = field_kind_index(kind);
    cel.operations = policy->match.operations == 0 ? 15U : policy->match.operations;
    return cel;
}

/* "variables.kind in [...]"; *needs gets CEL_KIND. */
static const char *kind_in(struct cel *cel, const struct schema_kind **kinds, size_t count)
{
    const char *list = "";
    cel->needs |= CEL_KIND;
    for (size_t i = 0; i < count; i++)
        list = cel_text(cel, "%s%s%s", list, i > 0 ? ", " : "", kind_text(cel, kinds[i]));
    return count == 1 ? cel_text(cel, "variables.kind == %s", list)
                      : cel_text(cel, "variables.kind in [%s]", list);
}

/* ---- exceptions ------------------------------------------------------------------------------ */

/* One that ended earns no ratchet unless the template stays equal; one that holds lets pass. */
static const char *with_exceptions(struct cel *cel, const struct work *work,
                                   const struct rule *rule, const char *text)
{
    const char *ratchet = cel_ratchet(cel, rule);
    for (size_t i = 0; i < work->set->exception_count; i++) {
        const struct policy_exception *exception = &work->set->exceptions[i];
        if (!native_names_rule(exception, rule))
            continue;
        const char *match = cel_match(cel, &exception->match, true);
        if (work->now < exception->expires_at) {
            text = cel_or(cel, text, match);
        } else if (!cel_is(ratchet, "false")) {
            cel->needs |= CEL_SAME_TEMPLATE;
            ratchet =
                cel_and(cel, ratchet, cel_or(cel, cel_not(cel, match), "variables.sameTemplate"));
        }
    }
    return cel_or(cel, text, ratchet);
}

/* ---- a rule ---------------------------------------------------------------------------------- */

static void check_declared(struct cel *cel)
{
    for (size_t i = 0; i < cel->policy->variable_count; i++)
        if (i >= 32)
            cel_cannot(cel, "the policy has more than 32 variables");
        else if ((cel->needs & (unsigned long)CEL_DECLARED << i) != 0)
            (void)cel_declared(cel, i);
}

/* Groups the kinds by the text of the rule.  Returns how many groups there are; the rule's problem
 * in *ret_problem. */
static size_t group_kinds(struct work *work, const struct rule *rule, struct group *groups,
                          const char **ret_problem)
{
    size_t count = 0;
    for (size_t k = 0; k < work->kinds.count; k++) {
        struct cel cel = new_cel(work, rule->policy, work->kinds.items[k]);
        const char *text = cel_rule(&cel, rule);
        if (!cel_is(text, "true"))
            text = native_finish(&cel, with_exceptions(&cel, work, rule, text));
        check_declared(&cel);
        if (cel.problem != NULL) {
            *ret_problem = cel.problem;
            return 0;
        }
        size_t g = 0;
        while (g < count && strcmp(groups[g].text, text) != 0)
            g++;
        if (g == count) {
            groups[count++] = (struct group){.text = text, .cel = cel};
            groups[g].kinds = arena_array(work->arena, work->kinds.count, sizeof(void *));
        }
        groups[g].kinds[groups[g].count++] = work->kinds.items[k];
    }
    return count;
}

/* The other kinds, if the group holds the one that the table lacks. */
static const char *guard(struct work *work, const struct group *group, struct cel *cel)
{
    bool unknown = false;
    size_t others = 0;
    const struct schema_kind **list =
        arena_array(work->arena, work->kinds.count + 1, sizeof(void *));
    if (group->count == work->kinds.count)
        return "false";
    for (size_t k = 0; k < work->kinds.count; k++) {
        bool in = false;
        for (size_t i = 0; i < group->count; i++)
            in |= group->kinds[i] == work->kinds.items[k];
        if (in)
            unknown |= work->kinds.items[k] == NULL;
        else if (work->kinds.items[k] != NULL)
            list[others++] = work->kinds.items[k];
    }
    return unknown ? kind_in(cel, list, others)
                   : cel_not(cel, kind_in(cel, group->kinds, group->count));
}

static void add_rule(struct work *work, const struct rule *rule, cJSON *validations)
{
    const char *problem = NULL;
    struct group *groups = arena_array(work->arena, work->kinds.count + 1, sizeof *groups);
    const size_t count = group_kinds(work, rule, groups, &problem);
    work->out->rule_count++;
    if (problem != NULL) {
        work->out->rules_left_out++;
        native_remark(work->out, work->arena, rule->policy, rule, true, problem);
        return;
    }
    native_remark_exceptions(work->out, work->set, work->now, work->arena, rule);
    for (size_t g = 0; g < count; g++) {
        struct cel *cel = &groups[g].cel;
        cJSON *validation = json_new_object(work->arena);
        if (cel_is(groups[g].text, "true"))
            continue;
        const char *text = cel_or(cel, guard(work, &groups[g], cel), groups[g].text);
        json_add(work->arena, validation, "expression", json_new_string(work->arena, text));
        native_add_messages(work->set, cel, rule, validation);
        json_add(work->arena, validation, "reason", json_new_string(work->arena, "Invalid"));
        json_append(validations, validation);
        work->needs |= cel->needs;
    }
}

/* ---- variables ------------------------------------------------------------------------------- */

static void add_variable(struct work *work, cJSON *list, const char *name, const char *expression)
{
    cJSON *one = json_new_object(work->arena);
    json_add(work->arena, one, "name", json_new_string(work->arena, name));
    json_add(work->arena, one, "expression", json_new_string(work->arena, expression));
    json_append(list, one);
}

static const char *pod_text(struct cel *cel, const struct schema_kind *kind, const char *root,
                            size_t leave_out)
{
    const char *text = root;
    size_t count = 0;
    while (kind->pod_path[count] != NULL)
        count++;
    if (count <= leave_out)
        return root;
    for (size_t i = 0; i + leave_out < count; i++)
        text = cel_member(cel, text, kind->pod_path[i]);
    return cel_or_null(cel, text);
}

/* One choice by kind: what each kind says, the last of them without asking. */
static const char *by_kind(struct work *work, struct cel *cel,
                           const char *(*say)(struct cel *cel, const struct schema_kind *kind),
                           const char *otherwise)
{
    const struct schema_kind **left =
        arena_array(work->arena, work->kinds.count + 1, sizeof(void *));
    const char *text = otherwise;
    bool first = otherwise == NULL;
    size_t count = 0;
    for (size_t k = 0; k < work->kinds.count; k++)
        if (work->kinds.items[k] != NULL && work->kinds.items[k]->pod_path != NULL)
            left[count++] = work->kinds.items[k];
    while (count > 0) {
        const struct schema_kind **same = arena_array(work->arena, count, sizeof(void *));
        const char *said = say(cel, left[0]);
        size_t kept = 0, alike = 0;
        for (size_t i = 0; i < count; i++)
            if (strcmp(say(cel, left[i]), said) == 0)
                same[alike++] = left[i];
            else
                left[kept++] = left[i];
        text = first ? said : cel_text(cel, "%s ? %s : %s", kind_in(cel, same, alike), said, text);
        first = false;
        count = kept;
    }
    return text != NULL ? text : "null";
}

static const char *say_pod(struct cel *cel, const struct schema_kind *kind)
{
    return pod_text(cel, kind, "object", 0);
}

static const char *say_template(struct cel *cel, const struct schema_kind *kind)
{
    return pod_text(cel, kind, "object", 1);
}

static const char *say_same(struct cel *cel, const struct schema_kind *kind)
{
    return cel_text(cel, "%s == %s", pod_text(cel, kind, "object", 1),
                    pod_text(cel, kind, "oldObject", 1));
}

static cJSON *make_variables(struct work *work, const struct policy *policy)
{
    struct cel cel = new_cel(work, policy, NULL);
    cJSON *list = json_new_array(work->arena);
    const char *pod = NULL, *template = NULL, *same = NULL;
    if ((work->needs & CEL_POD) != 0)
        pod = by_kind(work, &cel, say_pod, NULL);
    if ((work->needs & CEL_TEMPLATE) != 0)
        template = by_kind(work, &cel, say_template, NULL);
    if ((work->needs & CEL_SAME_TEMPLATE) != 0)
        same = by_kind(work, &cel, say_same, "object == oldObject");
    if (((work->needs | cel.needs) & CEL_KIND) != 0)
        add_variable(
            work, list, "kind",
            "request.kind.group + \"/\" + request.kind.version + \"/\" + request.kind.kind");
    if (pod != NULL)
        add_variable(work, list, "pod", pod);
    if (template != NULL)
        add_variable(work, list, "template", template);
    if (same != NULL)
        add_variable(work, list, "sameTemplate",
                     cel_text(&cel, "request.operation == \"UPDATE\" && (%s)", same));
    if ((work->needs & CEL_NAME) != 0)
        add_variable(work, list, "name", native_finish(&cel, cel_match_name(&cel)));
    for (size_t i = 0; i < policy->variable_count && i < 32; i++)
        if ((work->needs & (unsigned long)CEL_DECLARED << i) != 0)
            add_variable(work, list, cel_text(&cel, "own_%s", policy->variables[i].name),
                         native_finish(&cel, cel_declared(&cel, i)));
    return list;
}

/* ---- objects --------------------------------------------------------------------------------- */

static void add_binding(struct work *work, const char *name, enum policy_mode mode)
{
    static const char *const actions[] = {"Deny", "Warn", "Audit"};
    struct arena *arena = work->arena;
    cJSON *binding = native_new_object(arena, "ValidatingAdmissionPolicyBinding", name);
    cJSON *spec = json_new_object(arena), *list = json_new_array(arena);
    json_append(list, json_new_string(arena, actions[mode]));
    json_add(arena, spec, "policyName", json_new_string(arena, name));
    json_add(arena, spec, "validationActions", list);
    json_add(arena, binding, "spec", spec);
    native_add_object(work->out, arena, binding);
}

static void add_policy(struct work *work, const struct policy *policy, enum policy_mode mode)
{
    struct arena *arena = work->arena;
    cJSON *validations = json_new_array(arena), *spec = json_new_object(arena);
    const char *name =
        arena_printf(arena, "proctor-%s%s%s", policy->name, mode == POLICY_ENFORCE ? "" : "-",
                     mode == POLICY_ENFORCE ? "" : policy_mode_names[mode]);
    work->needs = 0;
    for (size_t r = 0; r < policy->rule_count; r++)
        if (policy->rules[r].mode == mode)
            add_rule(work, &policy->rules[r], validations);
    if (validations->child == NULL)
        return;
    struct cel cel = new_cel(work, policy, NULL);
    cJSON *object = native_new_object(arena, "ValidatingAdmissionPolicy", name);
    json_add(arena, spec, "failurePolicy", json_new_string(arena, "Fail"));
    json_add(arena, spec, "matchConstraints", cel_constraints(&cel, &policy->match));
    cJSON *conditions = native_match_conditions(&cel, &policy->match);
    if (conditions->child != NULL)
        json_add(arena, spec, "matchConditions", conditions);
    cJSON *variables = make_variables(work, policy);
    if (variables->child != NULL)
        json_add(arena, spec, "variables", variables);
    json_add(arena, spec, "validations", validations);
    json_add(arena, object, "spec", spec);
    native_add_object(work->out, arena, object);
    add_binding(work, name, mode);
}

void native_from_set(const struct policy_set *set, int64_t now, struct arena *arena,
                     struct native *ret_native)
{
    *ret_native = (struct native){0};
    struct work work = {.set = set, .now = now, .arena = arena, .out = ret_native};
    for (size_t p = 0; p < set->policy_count; p++) {
        work.kinds = policy_kinds_of(arena, &set->policies[p].match);
        for (int mode = POLICY_ENFORCE; mode <= POLICY_AUDIT; mode++)
            add_policy(&work, &set->policies[p], (enum policy_mode)mode);
    }
}
