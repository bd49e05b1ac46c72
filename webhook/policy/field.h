/* Fields: where in an object a rule looks (POLICY.md, "Fields").
 *
 *   text --field_parse--> struct field --field_bind(kind)--> paths --field_walk(tree)--> targets
 *
 * A field is parsed once and bound to each kind that its policy can meet: aliases become one or
 * more concrete paths there, and each step gets its schema node.  A target is one value that a
 * path reaches in a real tree, or the one place where it would stand.
 * All of it is immutable after load and lives in the policy set's arena.
 */
#ifndef PROCTOR_POLICY_FIELD_H
#define PROCTOR_POLICY_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "kube/schema.h"

#include <stdbool.h>
#include <stddef.h>

enum field_root {
    FIELD_OBJECT,
    FIELD_POD,              /* $pod */
    FIELD_POD_METADATA,     /* $podMetadata */
    FIELD_APP_CONTAINERS,   /* $appContainers */
    FIELD_CONTAINERS,       /* $containers */
    FIELD_ANY_CONTAINERS,   /* $anyContainers */
    FIELD_SECURITY_CONTEXT, /* $securityContext */
    FIELD_OLD,              /* $old */
    FIELD_OPTIONS,          /* $options */
    FIELD_REQUEST,          /* $request */
    FIELD_ELEMENT,          /* .x and . : the element that the rule's own path chose */
    FIELD_ROOT_COUNT
};

enum field_view {
    VIEW_NONE,
    VIEW_KEYS,
    VIEW_COUNT,
    VIEW_REGISTRY,
    VIEW_REPOSITORY,
    VIEW_TAG,
    VIEW_DIGEST
};

enum step_kind {
    STEP_MEMBER,  /* .name */
    STEP_EACH,    /* [*] : every element of a list, every entry of a map */
    STEP_GLOB,    /* ["a*"] : the entries of a map whose key fits */
    STEP_ELEMENT, /* [name=X] : the elements with that key */
    STEP_HAVING   /* [hostPath] : the elements that have that key */
};

struct step {
    enum step_kind kind;
    const char *name;  /* member, glob, or the element's key */
    const char *value; /* STEP_ELEMENT: what the key must be */
    bool is_filter;    /* STEP_ELEMENT made by an alias: chooses like [*], is never created */
    const struct schema_node *node;   /* of what is reached; NULL: untyped */
    const struct schema_field *field; /* STEP_MEMBER of a known object; else NULL */
};

/* Whether the step chooses among elements, as [*] does; [name=X] names one, and can make it. */
static inline bool step_chooses(const struct step *step)
{
    return step->kind == STEP_EACH || step->kind == STEP_GLOB || step->kind == STEP_HAVING ||
           (step->kind == STEP_ELEMENT && step->is_filter);
}

/* One concrete road from a root. */
struct path {
    enum field_root root; /* FIELD_OBJECT, _OLD, _OPTIONS, _REQUEST or _ELEMENT */
    struct step *steps;
    size_t count;
    size_t base;      /* steps up to and with the last that chooses; presence is asked below */
    size_t literal;   /* steps before the first that chooses: the ratchet's unit */
    size_t container; /* steps to the innermost container; 0: none on the way */
    const struct schema_node *node; /* of the value; NULL: untyped */
    bool in_template;               /* goes through a pod template */
    const struct path *fallback;    /* $securityContext: the pod's value where this one is absent */
    const struct stem *stem;        /* of its first steps, see stem.h; NULL: none */
};

struct path_list {
    struct path *items;
    size_t count;
};

struct field {
    const char *text; /* as written */
    enum field_root root;
    enum field_view view;
    struct step *steps; /* below the root, without schema */
    size_t step_count;
    struct path_list *by_kind; /* [schema_kind_count + 1]; 0: a kind that the table lacks */
};

/* Parses the text.  ERR_POLICY with the column inside the text and what was expected. */
NODISCARD int field_parse(struct arena *arena, const char *text, struct field **ret_field,
                          struct err *reterr);

/* The row of `by_kind` for a kind (NULL: unknown). */
size_t field_kind_index(const struct schema_kind *kind);

/* Binds the field to one kind.  0 with no paths: its alias means nothing there.  ERR_POLICY: a
 * step that the schema does not know, with "did you mean".  `rule_path` is the rule's own path,
 * whose element a FIELD_ELEMENT root starts from (NULL for others). */
NODISCARD int field_bind(struct arena *arena, struct field *field, const struct schema_kind *kind,
                         const struct path *rule_path, struct err *reterr);

static inline const struct path_list *field_paths(const struct field *field, size_t kind_index)
{
    return &field->by_kind[kind_index];
}

/* One value that a path reaches, or the place where it would stand. */
struct target {
    const struct path *path;
    cJSON *chain[LIMIT_FIELD_STEPS + 1]; /* chain[i]: after i steps; chain[0]: the root */
    size_t index[LIMIT_FIELD_STEPS + 1]; /* chain[i]'s place if chain[i-1] is a list */
    size_t depth;                        /* steps that exist; path->count if the value does */
    cJSON *value;                        /* NULL: absent (or null) */
    bool defaulted;                      /* this rule's own default was just put in */
    enum field_view view; /* of the field that is asked: what is seen is not the value itself */
    bool unreadable;      /* the view could not read the image that stands there */
};

/* The object that the path's last choosing step reached (the element of .x); the root if none. */
static inline cJSON *target_element(const struct target *target)
{
    return target->chain[target->path->base < target->depth ? target->path->base : target->depth];
}

/* Calls visit for every target of `path` from `root` (which may be NULL: nothing); stops and
 * returns false when visit does.  visit may remove the target's value from the tree. */
bool field_walk(const struct path *path, cJSON *root,
                bool (*visit)(void *context, struct target *target), void *context);

/* The same with what is known of an object that does not change; see stem.h. */
struct stem_value;
bool field_walk_known(const struct path *path, cJSON *root, struct stem_value *values,
                      bool (*visit)(void *context, struct target *target), void *context);

/* Appends the target's own path as Kubernetes prints fields: spec.containers[0].image,
 * metadata.annotations[a/b]. */
void target_write(const struct target *target, struct buf *buf);

/* Appends a STEP_MEMBER behind the steps before it, as target_write does. */
void step_write_member(const struct step *step, struct buf *buf);

/* Appends the first `steps` steps of it. */
void target_write_steps(const struct target *target, size_t steps, struct buf *buf);

/* Appends the JSON Pointer of its first `steps` steps. */
void target_write_pointer(const struct target *target, size_t steps, struct buf *buf);

#endif
