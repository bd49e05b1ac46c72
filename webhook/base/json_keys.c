#include "base/json_internal.h"

#include <string.h>

#define SMALL_OBJECT 12

/* Merges the sorted runs from[low..middle) and from[middle..high) into `to`. */
static void merge_runs(cJSON **from, cJSON **to, size_t low, size_t middle, size_t high)
{
    size_t a = low, b = middle;
    for (size_t at = low; at < high; at++) {
        const bool take_a =
            a < middle && (b >= high || strcmp(from[a]->string, from[b]->string) <= 0);
        to[at] = take_a ? from[a++] : from[b++];
    }
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

cJSON **json_sort_members(struct arena *arena, const cJSON *object, size_t *ret_count)
{
    const size_t count = json_count(object);
    cJSON **members = arena_array(arena, count, sizeof(cJSON *));
    cJSON **other = arena_array(arena, count, sizeof(cJSON *));
    size_t i = 0;
    for (cJSON *child = object->child; child != NULL; child = child->next)
        members[i++] = child;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t low = 0; low < count; low += 2 * run)
            merge_runs(members, other, low, lesser(low + run, count), lesser(low + 2 * run, count));
        cJSON **swap = members;
        members = other;
        other = swap;
    }
    *ret_count = count;
    return members;
}

/* A large object: sorted, because a table's slots can be aimed at by whoever chooses the keys. */
static const char *find_duplicate_large(struct arena *arena, const cJSON *object)
{
    size_t count;
    cJSON **members = json_sort_members(arena, object, &count);
    for (size_t i = 1; i < count; i++)
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            return members[i]->string;
    return NULL;
}

static const char *find_duplicate(struct arena *arena, const cJSON *object)
{
    size_t count = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        if (++count > SMALL_OBJECT)
            return find_duplicate_large(arena, object);
        for (const cJSON *other = object->child; other != child; other = other->next)
            if (other->string[0] == child->string[0] && strcmp(other->string, child->string) == 0)
                return child->string;
    }
    return NULL;
}

int json_check_keys(struct arena *arena, const cJSON *object, struct err *reterr)
{
    const char *key = find_duplicate(arena, object);
    if (key == NULL)
        return 0;
    struct buf shown;
    buf_init(&shown, arena, 1024);
    buf_add_visible(&shown, key, 60);
    return err_set(reterr, ERR_JSON, "the key \"%s\" stands twice in one object", shown.data);
}
