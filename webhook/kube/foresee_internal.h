/* What the files of foresee.h share. */
#ifndef PROCTOR_KUBE_FORESEE_INTERNAL_H
#define PROCTOR_KUBE_FORESEE_INTERNAL_H

#include "kube/foresee.h"

/* The way to a value: one step a level, on the stack. */
struct place {
    const struct place *outer; /* NULL: the object itself */
    const char *member;        /* NULL: an element or a map's value */
    const char *key;           /* of a map; NULL: an element */
    size_t position;           /* of an element */
    struct foresight *out;
};

struct place place_member(const struct place *outer, const char *name);
struct place place_key(const struct place *outer, const char *key);
struct place place_element(const struct place *outer, size_t position);

/* Notes a refusal of what stands at `place`; format as printf's. */
void foresee_refuse(const struct place *place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of its member `name`. */
void foresee_refuse_member(const struct place *place, const char *name, const char *text);

/* The rows for one object of the schema: its members by themselves (foresee_rule.c). */
void foresee_rules(const struct schema_object *schema, const cJSON *object,
                   const struct place *place);

/* How its members fit together (foresee_fit.c). */
void foresee_fit(const struct schema_object *schema, const cJSON *object,
                 const struct place *place);

/* "core.v1.Pod" of "io.k8s.api.core.v1.Pod". */
const char *foresee_short_name(const struct schema_object *schema);

/* Whether Kubernetes takes it for the name of an object: lower-case letters, digits and -, in
 * parts with dots between if `dots`. */
bool foresee_is_dns(const char *text, size_t length_max, bool dots);

#endif
