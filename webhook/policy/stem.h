/* Stems: the known members that the paths of one kind begin with, as a tree.
 *
 *   path_bind --stem_plant--> path->stem --stem_find(values)--> node
 *
 * Most rules look below the same few places (spec.template.spec.containers).  While an object does
 * not change, what stands there is looked up once a review and not once a rule.  There are no more
 * stems than the schema has fields, so that their values cost little however many policies there
 * are.
 */
#ifndef PROCTOR_POLICY_STEM_H
#define PROCTOR_POLICY_STEM_H

#include "policy/field.h"

struct stem {
    const struct stem *parent; /* NULL: a member of the root */
    const char *name;
    size_t depth;  /* steps from the root */
    size_t number; /* among those of its tree */
    struct stem *children;
    struct stem *next; /* of the parent's children */
};

struct stem_tree {
    struct stem *tops; /* the root's members */
    size_t count;
};

/* What one object holds at each stem of its kind's tree; zeroed: not looked up yet. */
struct stem_value {
    cJSON *node; /* NULL: absent */
    bool known;
};

/* Adds the path's stem to the tree and names it in the path; none unless it starts at the object,
 * in a kind with a schema. */
void stem_plant(struct arena *arena, struct stem_tree *tree, struct path *path);

/* What stands at the stem below `root`. */
cJSON *stem_find(const struct stem *stem, const cJSON *root, struct stem_value *values);

#endif
