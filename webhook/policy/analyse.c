/* How pairs are found without comparing everything with everything: each access (a rule's write
 * or read of one path, for one kind and one literal namespace or "any") is filed under a hash of
 * kind, namespace and the named steps its path begins with, once where it ends and once at every
 * step it passes.  An access then meets those that end on its way and those that pass its end.
 * A hash may collide; every pair is checked in full. */
#include "policy/analyse.h"

#include "kube/names.h"
#include "policy/analyse_internal.h"

#include <string.h>

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
        !analyse_policies_meet(a->rule->policy, b->rule->policy) || !analyse_paths_meet(a, b))
        return;
    if (a->writes && b->writes) {
        if (!analyse_conditions_exclude(a, b) && !analyse_writes_agree(a, b))
            report_conflict(analysis, a, b);
        return;
    }
    const struct access *reader = a->writes ? b : a, *writer = a->writes ? a : b;
    if (comes_later(writer, reader) && !analyse_conditions_exclude(a, b))
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
