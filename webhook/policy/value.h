/* Values: comparison by type, and the views of a field (POLICY.md, "What may stand there").
 *
 * Comparison is by value and decimal: 0.5 = 500m as quantities, "0%" = 0 where it means 0.  null
 * is absent; where the API omits zeros, zero and absent are one; an object holds when each
 * member of the wanted value holds, unless exact; lists by merge key, else in order.
 */
#ifndef PROCTOR_POLICY_VALUE_H
#define PROCTOR_POLICY_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "kube/schema.h"
#include "policy/field.h"

#include <stdbool.h>

enum value_type {
    VALUE_AUTO, /* by the schema */
    VALUE_QUANTITY,
    VALUE_INT,
    VALUE_INT_OR_PERCENT,
    VALUE_DURATION,
    VALUE_STRING,
    VALUE_BOOL
};

/* "quantity" -> VALUE_QUANTITY; false for an unknown name. */
bool value_type_parse(const char *name, enum value_type *ret_type);

/* The type that `type` means at `node` (VALUE_AUTO stays for objects, lists and unknown). */
enum value_type value_type_at(enum value_type type, const struct schema_node *node);

/* A whole number, or text that is one ("3": what a label or an annotation says of a number) of at
 * most 18 digits. */
bool value_read_int(const cJSON *value, int64_t *ret_number);

enum value_order { VALUE_LESS = -1, VALUE_SAME = 0, VALUE_MORE = 1, VALUE_INCOMPARABLE = 2 };

/* Compares two scalars as `type`; numbers compare under VALUE_AUTO too, strings for sameness
 * only (VALUE_INCOMPARABLE if they differ and have no order). */
enum value_order value_compare(enum value_type type, const cJSON *a, const cJSON *b);

/* Whether `found` (NULL: absent) is what `wanted` asks for at a place of the schema.
 * `zero_is_absent`: the API omits zeros there, so the one counts as the other. */
bool value_holds(enum value_type type, const struct schema_node *node, bool zero_is_absent,
                 const cJSON *found, const cJSON *wanted, bool exactly);

/* Whether the value counts as absent there: NULL, null, or a zero that the API omits. */
bool value_is_absent(const struct schema_field *field, const cJSON *value);

/* Calls visit for each value that a view shows of a target's value: the value itself, each key,
 * the count, a part of the image.  An absent value is shown as NULL (as 0 by @count).
 * *ret_unreadable is set if an image cannot be read; then nothing is shown.  Returns false when
 * visit did. */
bool value_view(struct arena *arena, enum field_view view, const struct target *target,
                bool (*visit)(void *context, cJSON *seen), void *context, bool *ret_unreadable);

/* Appends a value as Kubernetes prints it in an error: 500m is "500m", an object is JSON; cut at
 * max_runes. */
void value_write(const cJSON *value, size_t max_runes, struct buf *buf);

/* Appends a value as a warning shows it: 500m, or "tcpSocket.port 8000, periodSeconds 5". */
void value_write_plain(const cJSON *value, size_t max_runes, struct buf *buf);

#endif
