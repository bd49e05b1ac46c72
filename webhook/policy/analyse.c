/* How pairs are found without comparing everything with everything: each access (a rule's write
 * or read of one path, for one kind and one literal namespace or "any") is filed under a hash of
 * kind, namespace and the named steps its path begins with, once where it ends and once at every
 * step it passes.  An access then meets those that end on its way and those that pass its end.
 * A hash may collide; every pair is checked in full. */
#include "policy/analyse.h"

#include "kube/names.h"
#include "policy/verb.h"

#include <string.h>

struct access {
    const struct rule *rule;
    const struct step *steps;
    size_t count;
    size_t base; /* steps up to the last that chooses */
    size_t kind_index;
    const char *name_space; /* literal; NULL: any */
    const char *field;      /* as written */
    const char *variable;   /* a read for this declared variable; else NULL */
    bool writes;
    struct access *next;
};

struct entry {
    uint64_t hash;
    const struct access *access;
    bool ends; /* here; else it goes on */
    struct entry *next;
};

struct analysis {
    struct policy_set *set;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct access *accesses, **last;
    size_t access_count, entry_count;
    struct entry **slots;
    size_t mask;
};

/* ---- whether two rules can meet on one object --------------------------------------------- */

static bool texts_meet(const char *a, const char *b)
{
    const bool glob_a = glob_is_pattern(a), glob_b = glob_is_pattern(b);
    if (glob_a && glob_b)
        return true;
    return glob_a ? glob_matches(a, b) : glob_b ? glob_matches(b, a) : strcmp(a, b) == 0;
}

static bool lists_meet(policy_strings a, policy_strings b)
{
    if (a == NULL || b == NULL)
        return true;
    for (size_t i = 0; a[i] != NULL; i++)
        for (size_t j = 0; b[j] != NULL; j++)
            if (texts_meet(a[i], b[j]))
                return true;
    return false;
}

static bool policies_meet(const struct policy *a, const struct policy *b)
{
    return a == b || ((a->match.operations & b->match.operations) != 0 &&
                      lists_meet(a->match.resources, b->match.resources) &&
                      lists_meet(a->match.namespaces, b->match.namespaces) &&
                      lists_meet(a->match.names, b->match.names));
}

static const struct action *find_action(const struct action *actions, size_t count,
                                        const char *verb)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(actions[i].verb->name, verb) == 0)
            return &actions[i];
    return NULL;
}

/* The constant values of a condition's verb: a list, or one value (then *ret_single). */
static const cJSON *constant_of(const struct condition *condition, const char *verb)
{
    const struct action *action = find_action(condition->actions, condition->action_count, verb);
    return action != NULL && action->value.is_constant ? action->value.value : NULL;
}

static bool is_in(const cJSON *value, const cJSON *values)
{
    if (!json_is_array(values))
        return json_equal(value, values);
    for (const cJSON *entry = values->child; entry != NULL; entry = entry->next)
        if (json_equal(value, entry))
            return true;
    return false;
}

static const cJSON *allowed_by(const struct condition *condition)
{
    const cJSON *values = constant_of(condition, "equals");
    if (values == NULL)
        values = constant_of(condition, "oneOf");
    return values;
}

/* Whether a value that satisfies `a` never satisfies `b`. */
static bool excludes(const struct condition *a, const struct condition *b)
{
    const cJSON *mine = allowed_by(a), *others = allowed_by(b);
    const cJSON *refused = constant_of(b, "noneOf");
    if (a->tests_existence && b->tests_existence && a->exists != b->exists)
        return true;
    if (mine != NULL && b->tests_existence && !b->exists)
        return true;
    if (mine == NULL || (others == NULL && refused == NULL))
        return false;
    for (const cJSON *value = json_is_array(mine) ? mine->child : mine; value != NULL;
         value = json_is_array(mine) ? value->next : NULL)
        if (!((others != NULL && !is_in(value, others)) ||
              (refused != NULL && is_in(value, refused))))
            return false;
    return true;
}

static bool is_single(const struct field *field)
{
    if (field->root == FIELD_APP_CONTAINERS || field->root == FIELD_CONTAINERS ||
        field->root == FIELD_ANY_CONTAINERS || field->root == FIELD_SECURITY_CONTEXT ||
        field->view == VIEW_KEYS)
        return false;
    for (size_t i = 0; i < field->step_count; i++)
        if (field->steps[i].kind != STEP_MEMBER)
            return false;
    return true;
}

static bool same_step(const struct step *a, const struct step *b)
{
    return a->kind == b->kind && (a->name == b->name || (a->name != NULL && b->name != NULL &&
                                                         strcmp(a->name, b->name) == 0));
}

static bool same_base(const struct access *a, const struct access *b)
{
    if (a->base != b->base)
        return false;
    for (size_t i = 0; i < a->base; i++)
        if (!same_step(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

static bool conditions_exclude(const struct access *a, const struct access *b)
{
    for (size_t i = 0; i < a->rule->condition_count; i++)
        for (size_t j = 0; j < b->rule->condition_count; j++) {
            const struct condition *one = &a->rule->conditions[i], *two = &b->rule->conditions[j];
            if (strcmp(one->field->text, two->field->text) != 0 || !is_single(one->field) ||
                (one->field->root == FIELD_ELEMENT && !same_base(a, b)))
                continue;
            if (excludes(one, two) || excludes(two, one))
                return true;
        }
    return false;
}

/* ---- whether two paths touch one place ---------------------------------------------------- */

static bool steps_meet(const struct step *a, const struct step *b)
{
    if (a->kind == STEP_MEMBER && b->kind == STEP_MEMBER)
        return strcmp(a->name, b->name) == 0;
    if (a->kind == STEP_ELEMENT && b->kind == STEP_ELEMENT && strcmp(a->name, b->name) == 0)
        return strcmp(a->value, b->value) == 0;
    if (a->kind == STEP_GLOB && b->kind == STEP_MEMBER)
        return glob_matches(a->name, b->name);
    if (b->kind == STEP_GLOB && a->kind == STEP_MEMBER)
        return glob_matches(b->name, a->name);
    return true;
}

static bool paths_meet(const struct access *a, const struct access *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!steps_meet(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

/* ---- whether two writes agree ------------------------------------------------------------- */

static const struct action *action_of(const struct access *access, const char *verb)
{
    return find_action(access->rule->actions, access->rule->action_count, verb);
}

static const struct expr *written_by(const struct access *access)
{
    const struct action *action = action_of(access, "set");
    if (action == NULL)
        action = action_of(access, "default");
    return action != NULL ? &action->value : NULL;
}

static enum value_order compare(const struct access *access, const cJSON *a, const cJSON *b)
{
    const struct schema_node *node = access->steps[access->count - 1].node;
    return value_compare(value_type_at(access->rule->type, node), a, b);
}

/* Whether a constant lies within the bounds that the other rule clamps to. */
static bool is_within(const struct access *bounds, const cJSON *value)
{
    const struct action *min = action_of(bounds, "min"), *max = action_of(bounds, "max");
    if (!bounds->rule->clamp)
        return true; /* it does not write */
    if (min != NULL && min->value.is_constant &&
        compare(bounds, value, min->value.value) == VALUE_LESS)
        return false;
    return max == NULL || !max->value.is_constant ||
           compare(bounds, value, max->value.value) != VALUE_MORE;
}

static bool same_value(const struct access *access, const cJSON *a, const cJSON *b)
{
    if (json_equal(a, b))
        return true;
    return !json_is_object(a) && !json_is_array(a) && !json_is_object(b) && !json_is_array(b) &&
           compare(access, a, b) == VALUE_SAME;
}

/* The part of the shorter access's value that stands where the longer one writes. */
static const cJSON *value_below(const struct access *from, const struct access *to,
                                const cJSON *value)
{
    for (size_t i = from->count; i < to->count && value != NULL; i++)
        if (to->steps[i].kind == STEP_MEMBER)
            value = json_get(value, to->steps[i].name);
        else
            return value->child;
    return value;
}

static bool removal_agrees(const struct access *removal, const struct access *other)
{
    if (action_of(other, "remove") != NULL)
        return true;
    /* An element that is taken out is no place where the other could write any more. */
    return removal->count == removal->base && removal->count < other->count;
}

/* `a` writes at the same place as `b` or above it. */
static bool values_agree(const struct access *a, const struct access *b)
{
    const struct expr *mine = written_by(a), *theirs = written_by(b);
    if (mine != NULL && a->count < b->count) {
        if (a->rule->exactly)
            return false;
        const cJSON *part = value_below(a, b, mine->value);
        if (part == NULL)
            return true;
        if (theirs != NULL)
            return same_value(b, part, theirs->value);
        return is_within(b, part);
    }
    if (mine != NULL && theirs != NULL)
        return same_value(a, mine->value, theirs->value);
    if (mine != NULL && mine->is_constant)
        return is_within(b, mine->value);
    if (theirs != NULL && theirs->is_constant)
        return a->count < b->count || is_within(a, theirs->value);
    return true;
}

/* Two clamps agree if some value suits both. */
static bool bounds_agree(const struct access *a, const struct access *b)
{
    const struct action *min = action_of(a, "min"), *max = action_of(b, "max");
    return !a->rule->clamp || !b->rule->clamp || a->count != b->count || min == NULL ||
           max == NULL || !min->value.is_constant || !max->value.is_constant ||
           compare(a, min->value.value, max->value.value) != VALUE_MORE;
}

static bool writes_agree(const struct access *a, const struct access *b)
{
    if (action_of(a, "remove") != NULL)
        return removal_agrees(a, b);
    if (action_of(b, "remove") != NULL)
        return removal_agrees(b, a);
    return (a->count <= b->count ? values_agree(a, b) : values_agree(b, a)) && bounds_agree(a, b) &&
           bounds_agree(b, a);
}

/* ---- one pair ----------------------------------------------------------------------------- */

static void report_conflict(struct analysis *analysis, const struct access *a,
                            const struct access *b)
{
    const struct access *first = a->rule->order < b->rule->order ? a : b;
    const struct access *second = first == a ? b : a;
    diag_add(analysis->diagnostics, DIAG_ERROR, second->rule->place, "conflict",
             "%s and %s (%s:%u) can meet on one object and write \"%s\" differently; give both "
             "one value, or part them by namespaces, resources or when",
             second->rule->full_id, first->rule->full_id, first->rule->place.file,
             first->rule->place.mark.line, second->field);
}

static void report_read(struct analysis *analysis, const struct access *reader,
                        const struct access *writer)
{
    if (reader->variable != NULL) {
        diag_add(analysis->diagnostics, DIAG_ERROR, reader->rule->place, "reads-before-write",
                 "%s uses the variable %s, which is taken from \"%s\" before the policy's first "
                 "rule, and %s (%s:%u) writes that; take the value in the rule itself, or write it "
                 "in a policy whose name comes before",
                 reader->rule->full_id, reader->variable, reader->field, writer->rule->full_id,
                 writer->rule->place.file, writer->rule->place.mark.line);
        return;
    }
    diag_add(analysis->diagnostics, DIAG_ERROR, reader->rule->place, "reads-before-write",
             "%s reads \"%s\", which the later rule %s (%s:%u) writes; the order is policy name, "
             "then rule: let the writer come first",
             reader->rule->full_id, reader->field, writer->rule->full_id, writer->rule->place.file,
             writer->rule->place.mark.line);
}

/* Whether the writer comes after the moment at which the reader looks: its turn, or for a
 * variable the beginning of its policy. */
static bool comes_later(const struct access *writer, const struct access *reader)
{
    if (reader->variable != NULL)
        return writer->rule->order >= reader->rule->policy->rules[0].order;
    return writer->rule->order > reader->rule->order;
}

static void judge_pair(struct analysis *analysis, const struct access *a, const struct access *b)
{
    if (a->rule == b->rule || a->kind_index != b->kind_index || (!a->writes && !b->writes) ||
        !policies_meet(a->rule->policy, b->rule->policy) || !paths_meet(a, b))
        return;
    if (a->writes && b->writes) {
        if (!conditions_exclude(a, b) && !writes_agree(a, b))
            report_conflict(analysis, a, b);
        return;
    }
    const struct access *reader = a->writes ? b : a, *writer = a->writes ? a : b;
    if (comes_later(writer, reader) && !conditions_exclude(a, b))
        report_read(analysis, reader, writer);
}

/* ---- filing and meeting ------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
    return (hash ^ 0xff) * 0x100000001b3ULL;
}

/* Kinds without schema have one number for all: there the resource tells them apart. */
static const char *own_resource(const struct access *access)
{
    policy_strings resources = access->rule->policy->match.resources;
    const bool one = resources != NULL && resources[0] != NULL && resources[1] == NULL;
    return access->kind_index == 0 && one ? resources[0] : "*";
}

/* A key beside those of resources: see file_access. */
#define SHADOW "?"

static uint64_t hash_start(const struct access *access, const char *resource,
                           const char *name_space)
{
    const uint64_t seed = 0xcbf29ce484222325ULL ^ (uint64_t)access->kind_index;
    return mix(mix(seed * 0x100000001b3ULL, resource), name_space != NULL ? name_space : "*");
}

/* The named steps that a path begins with; a map's keys may also be reached by globs. */
static size_t named_steps(const struct access *access)
{
    size_t count = 0;
    while (count < access->count && access->steps[count].kind == STEP_MEMBER &&
           (count == 0 || access->steps[count - 1].node == NULL ||
            access->steps[count - 1].node->type != SCHEMA_MAP))
        count++;
    return count;
}

static void file_entry(struct analysis *analysis, const struct access *access, uint64_t hash,
                       bool ends)
{
    struct entry *entry = arena_alloc(analysis->arena, sizeof *entry);
    struct entry **slot = &analysis->slots[(hash ^ (hash >> 32)) & analysis->mask];
    *entry = (struct entry){.hash = hash, .access = access, .ends = ends, .next = *slot};
    *slot = entry;
}

static void file_under(struct analysis *analysis, const struct access *access, uint64_t hash)
{
    const size_t named = named_steps(access);
    for (size_t i = 0; i < named; i++) {
        file_entry(analysis, access, hash, false);
        hash = mix(hash, access->steps[i].name);
    }
    file_entry(analysis, access, hash, true);
}

/* One resource in any namespace, and any resource in one namespace, share neither key: the
 * former is filed under a third, where the latter looks too. */
static void file_access(struct analysis *analysis, const struct access *access)
{
    const char *resource = own_resource(access);
    file_under(analysis, access, hash_start(access, resource, access->name_space));
    if (access->name_space == NULL && strcmp(resource, "*") != 0)
        file_under(analysis, access, hash_start(access, SHADOW, NULL));
}

static void meet_at(struct analysis *analysis, const struct access *access, uint64_t hash,
                    bool at_end)
{
    const struct entry *entry = analysis->slots[(hash ^ (hash >> 32)) & analysis->mask];
    for (; entry != NULL; entry = entry->next)
        if (entry->hash == hash && (entry->ends || at_end))
            judge_pair(analysis, access, entry->access);
}

static void meet_others(struct analysis *analysis, const struct access *access,
                        const char *resource, const char *name_space)
{
    uint64_t hash = hash_start(access, resource, name_space);
    const size_t named = named_steps(access);
    for (size_t i = 0; i < named; i++) {
        meet_at(analysis, access, hash, false);
        hash = mix(hash, access->steps[i].name);
    }
    meet_at(analysis, access, hash, true);
}

static void meet_all(struct analysis *analysis, const struct access *access)
{
    const char *resource = own_resource(access);
    const bool every = strcmp(resource, "*") == 0;
    if (access->name_space != NULL)
        meet_others(analysis, access, resource, access->name_space);
    meet_others(analysis, access, resource, NULL);
    if (every && access->name_space != NULL)
        meet_others(analysis, access, SHADOW, NULL);
    if (every)
        return;
    if (access->name_space != NULL)
        meet_others(analysis, access, "*", access->name_space);
    meet_others(analysis, access, "*", NULL);
}

/* ---- from rules to accesses --------------------------------------------------------------- */

static void add_access(struct analysis *analysis, struct access access)
{
    struct access *kept = arena_alloc(analysis->arena, sizeof *kept);
    *kept = access;
    *analysis->last = kept;
    analysis->last = &kept->next;
    analysis->access_count++;
    analysis->entry_count += named_steps(kept) + 1;
}

/* Once for each literal namespace, or once for any. */
static void add_in_namespaces(struct analysis *analysis, struct access access)
{
    policy_strings namespaces = access.rule->policy->match.namespaces;
    bool literal = namespaces != NULL;
    for (size_t i = 0; literal && namespaces[i] != NULL; i++)
        literal = !glob_is_pattern(namespaces[i]);
    if (access.count == 0)
        return;
    if (!literal)
        add_access(analysis, access);
    for (size_t i = 0; literal && namespaces[i] != NULL; i++) {
        access.name_space = namespaces[i];
        add_access(analysis, access);
    }
}

/* A relative path as seen from the object: the rule's own up to its element, then this one. */
static struct access absolute(struct analysis *analysis, const struct rule *rule,
                              const struct path *own, const struct path *path)
{
    struct access access = {
        .rule = rule, .steps = path->steps, .count = path->count, .base = path->base};
    if (path->root != FIELD_ELEMENT)
        return access;
    const size_t start = path->count == 0 ? own->count : own->base;
    struct step *steps = arena_array(analysis->arena, start + path->count, sizeof *steps);
    memcpy(steps, own->steps, start * sizeof *steps);
    if (path->count > 0)
        memcpy(steps + start, path->steps, path->count * sizeof *steps);
    access.steps = steps;
    access.count = start + path->count;
    access.base = own->base;
    return access;
}

/* One road of a read, from the rule's own path `own` if it is relative; and the pod's, where a
 * container's securityContext is silent. */
static void add_read_path(struct analysis *analysis, const struct rule *rule,
                          const struct rule_read *read, const struct path *own,
                          const struct path *path, size_t kind_index)
{
    for (; path != NULL; path = path->fallback) {
        if (path->root != FIELD_OBJECT && path->root != FIELD_ELEMENT)
            continue;
        struct access access = absolute(analysis, rule, own, path);
        access.kind_index = kind_index;
        access.field = read->field->text;
        access.variable = read->variable;
        add_in_namespaces(analysis, access);
    }
}

static void add_read(struct analysis *analysis, const struct rule *rule,
                     const struct rule_read *read, size_t kind_index)
{
    static const struct path nowhere;
    const struct path_list none = {0};
    const struct field *field = read->field;
    const struct path_list *paths = field->by_kind != NULL ? &field->by_kind[kind_index] : &none;
    const struct path_list *own =
        rule->field != NULL ? field_paths(rule->field, kind_index) : &none;
    const size_t own_count = field->root == FIELD_ELEMENT ? own->count : 1;
    for (size_t i = 0; i < paths->count; i++)
        for (size_t j = 0; j < own_count; j++)
            add_read_path(analysis, rule, read, own->count > 0 ? &own->items[j] : &nowhere,
                          &paths->items[i], kind_index);
}

static void add_rule(struct analysis *analysis, const struct rule *rule, size_t kind_index)
{
    const bool writes = rule->mutates && rule->mode == POLICY_ENFORCE && rule->field != NULL;
    for (size_t i = 0; writes && i < rule->field->by_kind[kind_index].count; i++) {
        const struct path *path = &rule->field->by_kind[kind_index].items[i];
        struct access access = {.rule = rule,
                                .steps = path->steps,
                                .count = path->count,
                                .base = path->base,
                                .kind_index = kind_index,
                                .field = rule->field->text,
                                .writes = true};
        add_in_namespaces(analysis, access);
    }
    for (size_t i = 0; i < rule->read_count; i++)
        add_read(analysis, rule, &rule->reads[i], kind_index);
}

static bool applies(const struct rule *rule, size_t kind_index)
{
    if (rule->field != NULL)
        return rule->field->by_kind != NULL && rule->field->by_kind[kind_index].count > 0;
    return rule->read_count > 0;
}

void analyse_set(struct policy_set *set, struct diagnostics *diagnostics)
{
    struct analysis analysis = {.set = set, .arena = &set->arena, .diagnostics = diagnostics};
    analysis.last = &analysis.accesses;
    for (size_t i = 0; i < set->policy_count; i++)
        for (size_t r = 0; r < set->policies[i].rule_count; r++)
            for (size_t kind = 0; kind <= schema_kind_count; kind++)
                if (applies(&set->policies[i].rules[r], kind))
                    add_rule(&analysis, &set->policies[i].rules[r], kind);
    size_t capacity = 64;
    while (capacity < analysis.entry_count)
        capacity *= 2;
    analysis.slots = arena_array(analysis.arena, capacity, sizeof(struct entry *));
    analysis.mask = capacity - 1;
    for (const struct access *access = analysis.accesses; access != NULL; access = access->next)
        file_access(&analysis, access);
    for (const struct access *access = analysis.accesses; access != NULL; access = access->next)
        meet_all(&analysis, access);
}
