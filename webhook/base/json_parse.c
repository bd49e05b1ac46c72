#include "base/json_scan.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

const struct json_limits json_limits_review = {LIMIT_JSON_DEPTH, LIMIT_JSON_NODES};

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

/* Depth is bounded by the scan, so recursion is. */
static int check_keys(struct arena *arena, const cJSON *node, struct err *reterr)
{
    if ((node->type & 0xff) == cJSON_Object) {
        const char *key = find_duplicate(arena, node);
        if (key != NULL) {
            struct buf shown;
            buf_init(&shown, arena, 1024);
            buf_add_visible(&shown, key, 60);
            return err_set(reterr, ERR_JSON, "the key \"%s\" stands twice in one object",
                           shown.data);
        }
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->child != NULL) {
            int rc = check_keys(arena, child, reterr);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* Walks text and tree in step (the text is known to be good) and hangs the digits of numbers
 * that a double may not hold on their nodes. */
static const char *keep_digits(struct arena *arena, cJSON *node, const char *at)
{
    static const char blanks[] = " \n\r\t,:]}";
    at += strspn(at, blanks);
    if ((node->type & 0xff) == cJSON_Number) {
        size_t length = strspn(at, "+-0123456789.eE");
        if (length > JSON_EXACT_DIGITS || strcspn(at, ".eE") < length)
            node->valuestring = arena_strndup(arena, at, length);
        return at + length;
    }
    if (*at == '"') {
        for (at++; *at != '"'; at++)
            if (*at == '\\')
                at++;
        return at + 1;
    }
    if (*at != '{' && *at != '[')
        return at + strspn(at, "truefalsn");
    at++;
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->string != NULL) {
            at += strspn(at, blanks);
            for (at++; *at != '"'; at++)
                if (*at == '\\')
                    at++;
            at++;
        }
        at = keep_digits(arena, child, at);
    }
    /* Past the closer: an empty or finished container ends here. */
    at += strspn(at, " \n\r\t");
    return at + 1;
}

int json_parse(struct arena *arena, const char *text, size_t length,
               const struct json_limits *limits, cJSON **ret_root, struct err *reterr)
{
    bool long_numbers;
    int rc = json_scan(text, length, limits, &long_numbers, reterr);
    if (rc != 0)
        return rc;
    struct arena *before = arena_use(arena);
    cJSON *root = cJSON_ParseWithLength(text, length);
    arena_use(before);
    if (root == NULL)
        return err_set(reterr, ERR_JSON, "not understood by the JSON parser");
    if (root->child != NULL) {
        rc = check_keys(arena, root, reterr);
        if (rc != 0)
            return rc;
    }
    if (long_numbers)
        keep_digits(arena, root, text);
    *ret_root = root;
    return 0;
}
