#include "cli/native/native_set.h"

#include "base/limits.h"
#include "cli/native/native_cel.h"
#include "cli/native/native_set_internal.h"
#include "policy/kinds.h"
#include "policy/verb.h"

#include <string.h>

/* ---- one path of one rule ------------------------------------------------------------------ */

static const char *walk(struct native_emit *emit, size_t at, const char *node, const char *pointer);

static const struct schema_node *node_before(const struct native_emit *emit, size_t at)
{
    return at > 0 ? emit->path->steps[at - 1].node : &emit->kind->root;
}

/* Which elements (e, under i) of the list or map a step is about; "true" for all. */
static const char *step_filter(struct native_emit *emit, const struct step *step, size_t depth)
{
    struct arena *arena = emit->arena;
    struct cel cel = {.arena = arena};
    const char *member;
    switch (step->kind) {
    case STEP_MEMBER:
    case STEP_EACH:
        return "true";
    case STEP_GLOB:
        return cel_glob(&cel, arena_printf(arena, "i%zu", depth),
                        (const char *const[]){step->name, NULL});
    case STEP_ELEMENT:
        member = native_member(arena, step->name);
        return arena_printf(arena, "string(e%zu%s.orValue(\"\")) == %s", depth, member,
                            native_quote(arena, step->value));
    case STEP_HAVING:
        return arena_printf(arena, "e%zu%s.hasValue()", depth, native_member(arena, step->name));
    }
    return "true";
}

/* The elements that a removal leaves: of a list as a whole, since places move when one goes. */
static const char *remove_elements(struct native_emit *emit, const char *list, const char *pointer,
                                   const char *filter, size_t depth)
{
    const char *when = native_when(emit);
    if (when == NULL)
        return NULL;
    if (strcmp(when, "true") != 0)
        filter = strcmp(filter, "true") == 0 ? when
                                             : arena_printf(emit->arena, "%s && %s", filter, when);
    return arena_printf(emit->arena,
                        "(%s.exists(e%zu, %s) ? [JSONPatch{op: \"replace\", path: %s\", "
                        "value: %s.filter(e%zu, !(%s))}] : [])",
                        list, depth, filter, pointer, list, depth, filter);
}

/* A named element that is not there is put behind the others, with what stands below it. */
static const char *append_element(struct native_emit *emit, size_t at, size_t end, const char *node,
                                  const char *pointer)
{
    struct arena *arena = emit->arena;
    const char *value = native_put_value(emit, end + 1);
    if (value == NULL)
        return NULL;
    if (*value == '\0')
        return "[]";                /* nothing is put in where nothing is: a bound, a removal */
    emit->elements[end + 1] = "{}"; /* what is not there has no fields for `when` and ${} */
    const char *when = native_when(emit);
    if (when == NULL)
        return NULL;
    struct native_member_path members;
    native_members(emit, at, end, &members);
    const char *list_missing = arena_printf(
        arena, "(%s%s.hasValue() ? [] : [JSONPatch{op: \"add\", path: %s\", value: []}])", node,
        native_members_text(arena, &members, members.count),
        native_pointer(arena, pointer, &members, members.count));
    const char *parents = native_parents(arena, node, pointer, &members);
    return arena_printf(
        arena, "(%s%s ? %s%s%s + [JSONPatch{op: \"add\", path: %s/-\", value: %s}] : [])", when,
        emit->resolved.data, parents, *parents != '\0' ? " + " : "", list_missing,
        native_pointer(arena, pointer, &members, members.count), value);
}

static const char *walk_list(struct native_emit *emit, size_t at, size_t end, const char *node,
                             const char *pointer)
{
    struct arena *arena = emit->arena;
    const struct step *step = &emit->path->steps[end];
    const struct schema_node *parent = node_before(emit, end);
    const size_t depth = ++emit->depth;
    if (parent == NULL || (parent->type != SCHEMA_LIST && parent->type != SCHEMA_MAP))
        return native_cannot(emit, "the schema does not know what stands at its field");
    const bool is_map = parent->type == SCHEMA_MAP;
    struct native_member_path members;
    native_members(emit, at, end, &members);
    const char *list = node;
    if (members.count > 0)
        list =
            arena_printf(arena, "%s%s.orValue(%s)", node,
                         native_members_text(arena, &members, members.count), is_map ? "{}" : "[]");
    const char *place = native_pointer(arena, pointer, &members, members.count);
    const char *filter = step_filter(emit, step, depth);
    emit->elements[end + 1] = arena_printf(arena, "e%zu", depth);
    if (strcmp(emit->action->verb->name, "remove") == 0 && end + 1 == emit->path->count && !is_map)
        return remove_elements(emit, list, place, filter, depth);
    const char *inner =
        walk(emit, end + 1, emit->elements[end + 1],
             is_map ? arena_printf(arena, "%s/\" + jsonpatch.escapeKey(i%zu) + \"", place, depth)
                    : arena_printf(arena, "%s/\" + string(i%zu) + \"", place, depth));
    if (inner == NULL)
        return NULL;
    const char *each = arena_printf(arena, "%s.transformList(i%zu, e%zu, %s%s%s).flatten()", list,
                                    depth, depth, strcmp(filter, "true") == 0 ? "" : filter,
                                    strcmp(filter, "true") == 0 ? "" : ", ", inner);
    if (step->kind != STEP_ELEMENT || step->is_filter)
        return each;
    const char *appended = append_element(emit, at, end, node, pointer);
    if (appended == NULL)
        return NULL;
    return arena_printf(arena, "(%s.exists(e%zu, %s) ? %s : %s)", list, depth, filter, each,
                        appended);
}

static const char *walk(struct native_emit *emit, size_t at, const char *node, const char *pointer)
{
    size_t end = at;
    while (end < emit->path->count && emit->path->steps[end].kind == STEP_MEMBER)
        end++;
    if (end < emit->path->count)
        return walk_list(emit, at, end, node, pointer);
    return native_change(emit, at, node, pointer);
}

/* An UPDATE leaves a template alone that it does not change, and of a Pod what it leaves alone:
 * see may_mutate in admit/review.c. */
static const char *update_guard(struct native_emit *emit)
{
    const struct path *path = emit->path;
    const char *const *pod = emit->kind->pod_path;
    if (path->in_template)
        return "variables.proctorTemplateChanged";
    if (pod == NULL || pod[1] != NULL || strcmp(path->steps[0].name, pod[0]) != 0)
        return NULL;
    struct native_member_path members;
    size_t end = 0;
    while (end < path->count && path->steps[end].kind == STEP_MEMBER)
        end++;
    native_members(emit, 0, end, &members);
    const char *text = native_members_text(emit->arena, &members, members.count);
    return arena_printf(emit->arena, "(request.operation != \"UPDATE\" || object%s != oldObject%s)",
                        text, text);
}

static const char *path_expression(struct native_emit *emit)
{
    const char *guard = update_guard(emit);
    buf_init(&emit->resolved, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&emit->resolved, "");
    emit->depth = 0;
    memset(emit->elements, 0, sizeof emit->elements);
    emit->elements[0] = "object";
    const char *text = walk(emit, 0, "object", "\"");
    if (text == NULL || guard == NULL)
        return text;
    return arena_printf(emit->arena, "(%s ? %s : [])", guard, text);
}

/* ---- one rule over all kinds ---------------------------------------------------------------- */

/* Kinds for which one text holds. */
struct row {
    const char *text;
    const char *kinds; /* "\"apps/v1/Deployment\", ..." */
};

struct rows {
    struct row items[64];
    size_t count;
    bool elsewhere; /* some kind of the policy is in no row: the text needs its kinds */
};

static bool add_row(struct arena *arena, struct rows *rows, const char *text,
                    const struct schema_kind *kind)
{
    const char *name = arena_printf(arena, "\"%s/%s/%s\"", kind->group, kind->version, kind->kind);
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->items[i].text, text) == 0) {
            if (strstr(rows->items[i].kinds, name) == NULL)
                rows->items[i].kinds = arena_printf(arena, "%s, %s", rows->items[i].kinds, name);
            return true;
        }
    if (rows->count == sizeof rows->items / sizeof *rows->items)
        return false;
    rows->items[rows->count++] = (struct row){text, name};
    return true;
}

/* Whether one of the two paths leads to the other's place, or through it. */
static bool meet(const struct path *path, const struct path *read)
{
    const size_t from = read->root == FIELD_ELEMENT ? path->base : 0;
    if (read->root != FIELD_ELEMENT && read->root != FIELD_OBJECT)
        return false;
    for (size_t i = 0; i < read->count && from + i < path->count; i++)
        if (read->steps[i].kind == STEP_MEMBER && path->steps[from + i].kind == STEP_MEMBER &&
            strcmp(read->steps[i].name, path->steps[from + i].name) != 0)
            return false;
    return true;
}

/* In Proctor a rule's conditions are asked once for all that it does at a place; here before each
 * mutation.  That there is something stays true. */
static bool reads_itself(struct native_emit *emit)
{
    for (size_t i = 0; i < emit->rule->condition_count; i++) {
        const struct condition *condition = &emit->rule->conditions[i];
        const struct path_list *paths = field_paths(condition->field, field_kind_index(emit->kind));
        if (condition->tests_existence && condition->exists && condition->action_count == 0)
            continue;
        for (size_t p = 0; p < paths->count; p++)
            if (meet(emit->path, &paths->items[p]))
                return true;
    }
    return false;
}

static const char *text_for_kind(struct native_emit *emit, const struct rule *rule)
{
    const struct path_list *paths = field_paths(rule->field, field_kind_index(emit->kind));
    struct buf text;
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 0; i < paths->count; i++) {
        emit->path = &paths->items[i];
        if (emit->path->root != FIELD_OBJECT)
            continue;
        if (emit->is_one_of_many && reads_itself(emit))
            return native_cannot(emit, "its condition reads what it changes itself");
        const char *one = path_expression(emit);
        if (one == NULL)
            return NULL;
        buf_add_strings(&text, text.length > 0 ? " + " : "", one, NULL);
    }
    return text.data;
}

/* The mutation of one action; NULL if it cannot be said, "" if there is nothing to do. */
static const char *action_expression(struct native_emit *emit, const struct policy_kinds *kinds)
{
    struct rows rows = {.count = 0};
    struct buf text;
    for (size_t k = 0; k < schema_kind_count; k++) {
        emit->kind = &schema_kinds[k];
        if (!policy_kinds_have(kinds, emit->kind))
            continue;
        const char *one = text_for_kind(emit, emit->rule);
        if (one == NULL)
            return NULL;
        if (*one == '\0')
            rows.elsewhere = true;
        else if (!add_row(emit->arena, &rows, one, emit->kind))
            return native_cannot(emit, "it means too many different fields");
    }
    const bool all = rows.count == 1 && !rows.elsewhere && !kinds->every;
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 0; i < rows.count; i++) {
        if (all)
            buf_add_string(&text, rows.items[i].text);
        else
            buf_printf(&text, "%s(variables.proctorKind in [%s] ? %s : [])", i > 0 ? " + " : "",
                       rows.items[i].kinds, rows.items[i].text);
    }
    return text.data;
}

static bool acts(const struct rule *rule, const struct action *action)
{
    return action->verb->mutates && (!action->verb->clamps || rule->clamp);
}

/* ---- a policy -------------------------------------------------------------------------------- */

static void add_unset(struct native_set *out, struct arena *arena, const struct rule *rule,
                      const char *why)
{
    out->unset =
        arena_room(arena, out->unset, out->unset_count, &out->unset_capacity, sizeof *out->unset);
    out->unset[out->unset_count++] = (struct native_unset){rule, why};
}

static void add_item(struct native_set *out, struct arena *arena, const struct rule *rule,
                     const char *expression)
{
    out->items = arena_room(arena, out->items, out->count, &out->capacity, sizeof *out->items);
    out->items[out->count++] = (struct native_mutation){rule, expression};
}

/* A default that its own bounds would move, and that nothing else clamps. */
static bool moves_its_default(const struct rule *rule)
{
    bool has_default = false, has_variable_bound = false;
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action *action = &rule->actions[i];
        has_default |= strcmp(action->verb->name, "default") == 0;
        has_variable_bound |= action->verb->clamps && !action->value.is_constant;
    }
    return has_default && has_variable_bound && !rule->clamp;
}

/* Whether the policy matches kinds that the schema's table lacks, and the rule changes those too.
 */
static bool changes_unknown_kinds(const struct rule *rule, const struct policy_kinds *kinds)
{
    const struct path_list *paths = field_paths(rule->field, field_kind_index(NULL));
    return policy_kinds_have(kinds, NULL) && paths->count > 0 &&
           paths->items[0].root == FIELD_OBJECT;
}

static void add_rule(struct native_set *out, const struct rule *rule,
                     const struct policy_kinds *kinds, struct arena *arena)
{
    struct native_emit emit = {.arena = arena, .rule = rule};
    const size_t before = out->count;
    if (changes_unknown_kinds(rule, kinds))
        emit.why = "it also changes kinds whose fields the schema does not know";
    else if (rule->field->view != VIEW_NONE)
        emit.why = "it changes a part of an image reference";
    else if (moves_its_default(rule))
        emit.why = "its own bound, which is a variable, moves its default";
    size_t parts = 0;
    for (size_t i = 0; i < rule->action_count; i++) {
        emit.action = &rule->actions[i];
        parts += acts(rule, emit.action) ? native_parts(&emit) : 0;
    }
    emit.is_one_of_many = parts > 1;
    for (size_t i = 0; i < rule->action_count && emit.why == NULL; i++) {
        emit.action = &rule->actions[i];
        if (!acts(rule, emit.action))
            continue;
        for (emit.part = 0; emit.part < native_parts(&emit); emit.part++) {
            const char *text = action_expression(&emit, kinds);
            if (text != NULL && *text != '\0')
                add_item(out, arena, rule, text);
        }
    }
    if (emit.why == NULL)
        return;
    out->count = before;
    add_unset(out, arena, rule, emit.why);
}

void native_set_from_policy(const struct policy *policy, struct arena *arena,
                            struct native_set *ret_set)
{
    const struct policy_kinds kinds = policy_kinds_of(arena, &policy->match);
    *ret_set = (struct native_set){0};
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        bool any = false;
        for (size_t a = 0; a < rule->action_count; a++)
            any |= acts(rule, &rule->actions[a]);
        if (!any || !rule->mutates || rule->mode != POLICY_ENFORCE || rule->field == NULL)
            continue;
        ret_set->rule_count++;
        add_rule(ret_set, rule, &kinds, arena);
    }
}

/* ---- variables ------------------------------------------------------------------------------ */

/* As admit_effective_name: the prefix of a name that is generated, in both phases. */
#define GIVEN_NAME                                                                                 \
    "(has(request.name) && request.name != \"\" ? request.name : "                                 \
    "string(object.?metadata.?name.orValue(\"\")))"
#define PREFIX "string(object.?metadata.?generateName.orValue(\"\"))"

/* Of the kinds with a template; a CronJob's contains the Job's. */
#define TEMPLATE_OF(side)                                                                          \
    "(" side ".?spec.?template.hasValue() ? " side ".?spec.?template : " side                      \
    ".?spec.?jobTemplate.?spec.?template)"

cJSON *native_set_variables(struct arena *arena)
{
    static const char *const rows[][2] = {
        {"proctorKind",
         "request.kind.group + \"/\" + request.kind.version + \"/\" + request.kind.kind"},
        {"proctorTemplateChanged", "request.operation != \"UPDATE\" || " TEMPLATE_OF(
                                       "object") " != " TEMPLATE_OF("oldObject")},
        {"proctorGivenName", GIVEN_NAME},
        {"proctorPrefix", PREFIX ".size() < 58 ? " PREFIX " : " PREFIX ".substring(0, 58)"},
        {"proctorName", "request.operation != \"CREATE\" || variables.proctorPrefix == \"\" ? "
                        "variables.proctorGivenName : variables.proctorGivenName == \"\" ? " PREFIX
                        " : variables.proctorGivenName.startsWith(variables.proctorPrefix) && "
                        "variables.proctorGivenName.size() == variables.proctorPrefix.size() + 5 ? "
                        "variables.proctorPrefix : variables.proctorGivenName"},
    };
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "name", json_new_string(arena, rows[i][0]));
        json_add(arena, one, "expression", json_new_string(arena, rows[i][1]));
        json_append(list, one);
    }
    return list;
}
