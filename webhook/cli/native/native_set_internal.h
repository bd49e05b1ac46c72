/* What the files of native_set share.
 *
 *   native_set.c         policies -> rules -> kinds -> paths, down to the place
 *   native_set_change.c  what a verb does at one place
 *   native_set_read.c    what it reads there: values with ${variables}, `when`
 *
 * Texts are CEL.  A pointer is an open string, "\"/spec/containers/\" + string(i1) + \"/image":
 * whoever uses it closes it.
 */
#ifndef PROCTOR_CLI_NATIVE_SET_INTERNAL_H
#define PROCTOR_CLI_NATIVE_SET_INTERNAL_H

#include "base/buf.h"
#include "base/limits.h"
#include "cli/native/native_set.h"

/* One path of one rule's action for one kind, on its way. */
struct native_emit {
    struct arena *arena;
    const struct rule *rule;
    const struct action *action;
    size_t part;         /* of the action: see native_parts */
    bool is_one_of_many; /* the rule has other mutations besides this one */
    const struct schema_kind *kind;
    const struct path *path;
    const char *elements[LIMIT_FIELD_STEPS + 1]; /* the variable of what is there after i steps */
    size_t depth;                                /* lists on the way so far */
    struct buf resolved;                         /* " && x.hasValue()" of each variable */
    const char *why;                             /* it cannot be said */
};

/* Member steps in a row, with what the schema says of each. */
struct native_member_path {
    struct {
        const char *name;
        const struct schema_field *field;
        const struct schema_node *parent;
    } items[LIMIT_FIELD_STEPS + 8];
    size_t count;
};

/* Sets emit->why; returns NULL. */
const char *native_cannot(struct native_emit *emit, const char *why);

/* ---- spelling ------------------------------------------------------------------------------- */

/* A CEL string with its quotes. */
const char *native_quote(struct arena *arena, const char *text);

/* .?name or [?"name"]: an optional member. */
const char *native_member(struct arena *arena, const char *name);

/* The path's steps from `at` to `end`, all of them members. */
void native_members(const struct native_emit *emit, size_t at, size_t end,
                    struct native_member_path *ret_members);

/* The first `count` of them as CEL; the pointer of the first `count` of them. */
const char *native_members_text(struct arena *arena, const struct native_member_path *members,
                                size_t count);
const char *native_pointer(struct arena *arena, const char *pointer,
                           const struct native_member_path *members, size_t count);

/* Lists that add the parents that are missing, with " + " between; "" if there are none. */
const char *native_parents(struct arena *arena, const char *node, const char *pointer,
                           const struct native_member_path *members);

/* ---- reading -------------------------------------------------------------------------------- */

/* The conditions of the rule at the place: "true" if there are none. */
const char *native_when(struct native_emit *emit);

/* A value of the action, `part` of it; what has to be resolved is put into emit->resolved.
 * `node`: the schema of the place, whose type it takes. */
const char *native_value(struct native_emit *emit, const cJSON *part,
                         const struct schema_node *node);

/* ---- changing ------------------------------------------------------------------------------- */

/* What default or set puts behind step `from` of the path where all below is absent, with the key
 * of a named element; "" for another verb. */
const char *native_put_value(struct native_emit *emit, size_t from);

/* So many mutations are the action's: of an object that is set, each member that is no object is
 * one of its own, so that the parents that the one has made are there for the next. */
size_t native_parts(const struct native_emit *emit);

/* The list of JSONPatch of emit->action at the members from `at` on, below `node`. */
const char *native_change(struct native_emit *emit, size_t at, const char *node,
                          const char *pointer);

#endif
