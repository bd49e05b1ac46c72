/* Edits: changes of the object's own tree, recorded as the smallest JSON Patch (RFC 6902).
 *
 * A value that is put where its parents are absent is one `add` of the whole new subtree; later
 * edits inside that subtree need no operation, since operations are written from the tree as it
 * stands in the end.  A leaf changed twice is one `replace`.
 */
#ifndef PROCTOR_POLICY_EDIT_H
#define PROCTOR_POLICY_EDIT_H

#include "policy/eval.h"

enum edit_kind { EDIT_ADD, EDIT_REPLACE, EDIT_REMOVE, EDIT_INSIDE /* of an earlier edit: no op */ };

struct edit {
    struct edit *next;
    enum edit_kind kind;
    const char *pointer; /* the operation's path */
    const cJSON *node;   /* in the tree: what add and replace write */
    const struct rule *rule;
    const char *field;         /* the field that the rule changed, as people read it */
    const char *field_pointer; /* of that field as it stood after the edit */
    const cJSON *before;       /* a copy; NULL: unset */
    const cJSON *after;        /* in the tree, or NULL: removed */
};

/* Makes the target's value `value` (copied), with missing parents; an object is merged into an
 * existing one, member by member, unless `whole`.  Returns false, having changed nothing, if that
 * would make a second member of a union, or walk through a value that is no object.
 * target->value is the new node afterwards. */
bool edit_set(struct eval *eval, struct target *target, const cJSON *value, bool whole);

/* Takes the target's value out of its parent. */
void edit_remove(struct eval *eval, struct target *target);

/* Appends the JSON Patch array. */
void edit_write_patch(const struct eval *eval, struct buf *buf);

/* The number of operations that edit_write_patch writes. */
size_t edit_operation_count(const struct eval *eval);

#endif
