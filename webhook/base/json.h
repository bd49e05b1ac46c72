/* JSON as Proctor reads it: cJSON's nodes, built by a strict reader of our own.
 *
 * cJSON's own reader ignores the case of keys, lets duplicate keys, NUL, bad UTF-8 and trailing
 * bytes pass and rounds long numbers; a scan before it and checks after it cost as much again as
 * it does.  json_parse judges and builds in one pass (RFC 8259, depth, nodes, duplicate keys), and
 * long numbers keep their digits.
 *
 * Trees live in an arena and are never freed one by one.  Nodes are plain `cJSON`.
 */
#ifndef PROCTOR_BASE_JSON_H
#define PROCTOR_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_limits {
    unsigned depth_max;
    unsigned nodes_max;
};

/* LIMIT_JSON_DEPTH and LIMIT_JSON_NODES. */
extern const struct json_limits json_limits_review;

/* Parses text[0..length) whole; text[length] must be a NUL (it is not part of the text).
 * ERR_JSON with the byte offset, ERR_LIMIT past a limit.
 * *ret_root lives in `arena`. */
NODISCARD int json_parse(struct arena *arena, const char *text, size_t length,
                         const struct json_limits *limits, cJSON **ret_root, struct err *reterr);

/* The member `key`, exact case; NULL if `object` is NULL or no object, or the member is absent
 * or null: to Kubernetes null is absent. */
cJSON *json_get(const cJSON *object, const char *key);

/* The same, but a member that is null is returned. */
cJSON *json_find(const cJSON *object, const char *key);

/* The member reached by keys, ending with NULL: json_path(o, "metadata", "labels", NULL). */
cJSON *json_path(const cJSON *object, ...) __attribute__((sentinel));

/* The string of a node or of a member; NULL if absent or no string. */
const char *json_string(const cJSON *node);
const char *json_get_string(const cJSON *object, const char *key);

static inline bool json_is_object(const cJSON *node)
{
    return node != NULL && (node->type & 0xff) == cJSON_Object;
}
static inline bool json_is_array(const cJSON *node)
{
    return node != NULL && (node->type & 0xff) == cJSON_Array;
}
static inline bool json_is_string(const cJSON *node)
{
    return node != NULL && (node->type & 0xff) == cJSON_String;
}
static inline bool json_is_number(const cJSON *node)
{
    return node != NULL && (node->type & 0xff) == cJSON_Number;
}
static inline bool json_is_bool(const cJSON *node)
{
    return node != NULL && (node->type & (cJSON_True | cJSON_False)) != 0;
}
static inline bool json_is_true(const cJSON *node)
{
    return node != NULL && (node->type & 0xff) == cJSON_True;
}
static inline bool json_is_null(const cJSON *node)
{
    return node == NULL || (node->type & 0xff) == cJSON_NULL;
}

/* "object", "array", "string", "number", "boolean", "null": for messages. */
const char *json_type_name(const cJSON *node);

/* The number of members or elements; 0 for anything else. */
size_t json_count(const cJSON *node);

/* A number's digits as they were written or as they will be; `scratch` holds short ones. */
const char *json_number_text(const cJSON *number, char scratch[32]);

/* Whether a number is a whole one in int64, and which. */
bool json_int64(const cJSON *number, int64_t *ret_value);

/* New nodes in `arena`.  Strings are copied. */
cJSON *json_new_object(struct arena *arena);
cJSON *json_new_array(struct arena *arena);
cJSON *json_new_string(struct arena *arena, const char *text);
cJSON *json_new_bool(struct arena *arena, bool value);
cJSON *json_new_int(struct arena *arena, int64_t value);
cJSON *json_new_number_text(struct arena *arena, const char *digits);
cJSON *json_dup(struct arena *arena, const cJSON *node);

/* Appends a member or an element.  `node` must have no parent yet. */
void json_add(struct arena *arena, cJSON *object, const char *key, cJSON *node);
void json_append(cJSON *array, cJSON *node);

/* Unlinks a child from its object or array. */
void json_unlink(cJSON *parent, cJSON *child);

/* Makes `node` hold what `value` holds (shallow: children are taken over), keeping its key and
 * its place. */
void json_assign(struct arena *arena, cJSON *node, const cJSON *value);

/* The members of an object in the order of their keys' bytes, equal keys in their own order; the
 * array lives in `arena`.  No chosen keys make it slow. */
cJSON **json_sort_members(struct arena *arena, const cJSON *object, size_t *ret_count);

/* Same type and content; numbers by value, objects regardless of order; null members count as
 * absent. */
bool json_equal(const cJSON *a, const cJSON *b);

/* Appends compact JSON (no blanks, members in their order). */
void json_write(struct buf *buf, const cJSON *node);

/* Appends JSON for people: two blanks a level. */
void json_write_pretty(struct buf *buf, const cJSON *node);

#endif
