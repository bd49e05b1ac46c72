/* Which rules touch a field that somebody asks about: by the places that both can reach, so that
 * aliases, lists, parents and parts count.
 */
#ifndef PROCTOR_CLI_TOUCH_H
#define PROCTOR_CLI_TOUCH_H

#include "cli/explain/reach.h"
#include "policy/set.h"

enum touch {
    TOUCH_NOT,
    TOUCH_READS, /* its conditions or variables read it */
    TOUCH_PART,  /* the rule's field is a part of the one asked for */
    TOUCH_WHOLE, /* the rule's field holds the one asked for */
    TOUCH_SELF
};

/* The field as people write it: also as refusals print it, spec.template.spec.containers[0].image
 * and metadata.annotations[a/b].  Bound to every kind of `reach` that has it.  ERR_USAGE: it
 * cannot be read, or no kind has it (then with what was meant, if that is clear). */
NODISCARD int touch_field(struct arena *arena, const char *text, const struct reach *reach,
                          struct field **ret_field, struct err *reterr);

/* How the rule touches the field on that resource. */
enum touch touch_of(const struct rule *rule, const struct field *field,
                    const struct reach_resource *resource);

#endif
