/* The match index: from a request's resource and namespace to the policies that can fit.
 *
 * A policy stands in one bucket for each pair (resource, literal namespace) that it names; a
 * namespace that is a glob, or none at all, is the pair (resource, any); "*" is a resource of its
 * own.  A request looks into four buckets and merges them in the set's order, so that policies
 * which cannot fit cost nothing.
 */
#include "kube/names.h"
#include "policy/set.h"

#include <string.h>

struct bucket {
    const char *resource;
    const char *name_space; /* NULL: any */
    const struct policy **policies;
    size_t count;
    size_t capacity;
};

struct policy_index {
    struct bucket *buckets; /* open addressing */
    size_t slots;
};

static size_t hash_text(size_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211UL;
    return (hash ^ 0xff) * 1099511628211UL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct bucket *find_bucket(const struct policy_index *index, const char *resource,
                                  const char *name_space)
{
    size_t slot = hash_text(14695981039346656037UL, resource);
    if (name_space != NULL)
        slot = hash_text(slot, name_space);
    slot ^= slot >> 29;
    for (slot &= index->slots - 1;; slot = (slot + 1) & (index->slots - 1)) {
        struct bucket *bucket = &index->buckets[slot];
        if (bucket->resource == NULL ||
            (strcmp(bucket->resource, resource) == 0 && same_text(bucket->name_space, name_space)))
            return bucket;
    }
}

static void add_policy(struct policy_set *set, const char *resource, const char *name_space,
                       const struct policy *policy)
{
    struct bucket *bucket = find_bucket(set->index, resource, name_space);
    bucket->resource = resource;
    bucket->name_space = name_space;
    if (bucket->count > 0 && bucket->policies[bucket->count - 1] == policy)
        return;
    bucket->policies = arena_room(&set->arena, bucket->policies, bucket->count, &bucket->capacity,
                                  sizeof *bucket->policies);
    bucket->policies[bucket->count++] = policy;
}

static size_t string_count(policy_strings strings)
{
    size_t count = 0;
    while (strings != NULL && strings[count] != NULL)
        count++;
    return count;
}

static bool has_glob(policy_strings strings)
{
    for (size_t i = 0; strings[i] != NULL; i++)
        if (glob_is_pattern(strings[i]))
            return true;
    return false;
}

static void add_namespaces(struct policy_set *set, const char *resource,
                           const struct policy *policy)
{
    policy_strings namespaces = policy->match.namespaces;
    if (namespaces == NULL || has_glob(namespaces)) {
        add_policy(set, resource, NULL, policy);
        return;
    }
    for (size_t i = 0; namespaces[i] != NULL; i++)
        add_policy(set, resource, namespaces[i], policy);
}

void policy_index_build(struct policy_set *set)
{
    size_t pairs = 1;
    for (size_t i = 0; i < set->policy_count; i++)
        pairs += (string_count(set->policies[i].match.resources) + 1) *
                 (string_count(set->policies[i].match.namespaces) + 1);
    set->index = arena_alloc(&set->arena, sizeof *set->index);
    set->index->slots = 16;
    while (set->index->slots < pairs * 2)
        set->index->slots *= 2;
    set->index->buckets = arena_array(&set->arena, set->index->slots, sizeof *set->index->buckets);
    for (size_t i = 0; i < set->policy_count; i++) {
        const struct policy *policy = &set->policies[i];
        policy_strings resources = policy->match.resources;
        if (resources == NULL)
            add_namespaces(set, "*", policy);
        for (size_t r = 0; resources != NULL && resources[r] != NULL; r++)
            add_namespaces(set, resources[r], policy);
    }
}

void policy_index_find(const struct policy_set *set, const char *resource, const char *name_space,
                       void (*visit)(void *context, const struct policy *policy), void *context)
{
    const struct bucket *buckets[4];
    size_t at[4] = {0};
    buckets[0] = find_bucket(set->index, resource, NULL);
    buckets[1] = find_bucket(set->index, "*", NULL);
    buckets[2] = name_space != NULL ? find_bucket(set->index, resource, name_space) : buckets[0];
    buckets[3] = name_space != NULL ? find_bucket(set->index, "*", name_space) : buckets[1];
    const struct policy *last = NULL;
    for (;;) {
        const struct policy *next = NULL;
        for (size_t i = 0; i < 4; i++) {
            while (at[i] < buckets[i]->count && last != NULL &&
                   buckets[i]->policies[at[i]]->order <= last->order)
                at[i]++;
            if (at[i] == buckets[i]->count)
                continue;
            const struct policy *candidate = buckets[i]->policies[at[i]];
            /* No list holds a NULL. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
            if (next == NULL || candidate->order < next->order)
                next = candidate;
        }
        if (next == NULL)
            return;
        visit(context, next);
        last = next;
    }
}
