/* CEL as the API server reads it (1.30 and later), made from fields, values, verbs, conditions.
 *
 * In these texts an absent value is null: `object.?spec.?replicas.orValue(null)`.  An optional
 * selection is none on null and on scalars, so that no road through an object is an error.
 * Whatever cannot be said sets `problem`, and what was written so far is thrown away.
 */
#ifndef PROCTOR_CLI_NATIVE_CEL_H
#define PROCTOR_CLI_NATIVE_CEL_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/set.h"
#include "policy/verb.h"

#include <stdbool.h>
#include <stddef.h>

/* Variables of a ValidatingAdmissionPolicy that an expression may ask for. */
enum cel_need {
    CEL_KIND = 1,
    CEL_POD = 2,
    CEL_TEMPLATE = 4,
    CEL_SAME_TEMPLATE = 8,
    CEL_NAME = 16,
    CEL_DECLARED = 32 /* and a bit for each of the policy's own, from here on up */
};

struct cel {
    struct arena *arena;
    const struct policy *policy;
    const struct schema_kind *kind; /* NULL: one that the table lacks */
    size_t kind_index;
    unsigned operations; /* of the policy's match */
    unsigned names;      /* so many names were given inside this expression */
    unsigned long needs; /* enum cel_need */
    const char *problem; /* why it cannot be said; NULL: it can */
};

/* ---- texts --------------------------------------------------------------------------------- */

/* Sets the problem if there is none yet; returns "false". */
const char *cel_cannot(struct cel *cel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each takes whole expressions, leaves out what does not count and puts brackets where needed. */
const char *cel_and(struct cel *cel, const char *a, const char *b);
const char *cel_or(struct cel *cel, const char *a, const char *b);
const char *cel_not(struct cel *cel, const char *a);
const char *cel_text(struct cel *cel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool cel_is(const char *text, const char *constant); /* "true", "false", "null" */

/* A string or number as it stands in CEL. */
const char *cel_quote(struct cel *cel, const char *text);
const char *cel_scalar(struct cel *cel, const cJSON *value);

/* `from` with one member more, behind ".orValue(null)"-less optional texts: from.?name. */
const char *cel_member(struct cel *cel, const char *from, const char *name);
/* from.?name.orValue(null) */
const char *cel_get(struct cel *cel, const char *from, const char *name);

/* An optional text's value, null if it has none. */
const char *cel_or_null(struct cel *cel, const char *optional);

/* A name that no other place of the expression has. */
const char *cel_name(struct cel *cel);

/* `text` with `name` standing for `value`: put in where it occurs once, else bound by a macro. */
const char *cel_bind(struct cel *cel, const char *name, const char *value, const char *text);

/* A glob as a regular expression in CEL quotes; a pattern as RE2 reads it. */
const char *cel_glob(struct cel *cel, const char *text, policy_strings globs);
const char *cel_pattern(struct cel *cel, const char *pattern);

/* ---- values -------------------------------------------------------------------------------- */

/* What stands at a field. */
struct cel_value {
    const char *text;
    const char *absent;   /* whether it is absent: "true", "false" or CEL */
    const char *readable; /* an image's part: whether the image can be read; else "true" */
    const struct schema_node *node; /* NULL: untyped */
    bool zero_is_absent;
    enum field_view view;
    bool is_element; /* the last step names an element by its key */
};

/* Where a rule's road has led: what .x, ${container} and ${port} start from. */
struct cel_target {
    const struct path *path;
    const char *element;
    const char *container; /* NULL: none on the way */
    const char *value;
};

/* A policy's value as CEL. */
struct cel_expr {
    const char *text;
    const char *known;     /* whether it has a value: "true" or CEL */
    const cJSON *constant; /* NULL: it is made in CEL */
    enum value_type type;  /* of what is made: VALUE_AUTO: unknown */
};

struct cel_expr cel_expr(struct cel *cel, const struct expr *expr, const cJSON *node,
                         const struct cel_target *target);

/* A pattern as a CEL string. */
struct cel_expr cel_expr_pattern(struct cel *cel, const struct action *action,
                                 const struct cel_target *target);

/* The policy's variables[i] as the expression of a CEL variable. */
const char *cel_declared(struct cel *cel, size_t index);

/* Whether the value stands to the other one as `op` ("==", "<=", ">=") says; false if the two
 * cannot be compared.  Only asked where the value is there. */
const char *cel_order(struct cel *cel, enum value_type type, const struct cel_value *value,
                      const char *op, const struct cel_expr *bound);

/* Whether the value is what `wanted`, a node of expr, asks for; see value_holds. */
const char *cel_holds(struct cel *cel, enum value_type type, const struct cel_value *value,
                      const struct expr *expr, const cJSON *wanted, bool exactly,
                      const struct cel_target *target);

/* What a view shows of an image's text, a name. */
struct cel_value cel_image(struct cel *cel, enum field_view view, const char *name);

/* ---- fields -------------------------------------------------------------------------------- */

enum cel_quantor { CEL_ALL, CEL_ANY };

typedef const char *cel_judge(struct cel *cel, void *context, const struct cel_target *target,
                              const struct cel_value *seen);

/* Whether all (or any) of the values that the field shows pass `judge`.  `target`: what a relative
 * field starts from. */
const char *cel_field(struct cel *cel, const struct field *field, const struct cel_target *target,
                      enum cel_quantor quantor, cel_judge *judge, void *context);

/* The value of a path whose steps are members only: "...orValue(null)"; NULL with any others. */
const char *cel_plain_path(struct cel *cel, const struct path *path, const char *root);
const char *cel_root(struct cel *cel, const struct path *path, const struct cel_target *target);

/* `from` with the members from step *at on, as an optional text; *at moves past them. */
const char *cel_members(struct cel *cel, const struct path *path, const char *from, size_t *at);

/* All values of a path with at most one step that chooses, as a list; `root` in place of the
 * object. */
const char *cel_values(struct cel *cel, const struct path *path, const char *root);

/* ---- rules --------------------------------------------------------------------------------- */

/* Whether the action holds for one value. */
const char *cel_check(struct cel *cel, const struct rule *rule, const struct action *action,
                      const struct cel_target *target, const struct cel_value *seen);

/* Whether all the action's variables have a value; without them it cannot be judged. */
const char *cel_known(struct cel *cel, const struct action *action,
                      const struct cel_target *target);

/* "at most 1": what the rule allows, without the rule's own message. */
void cel_bound_words(const struct rule *rule, struct buf *buf);

struct cel_when {
    const char *holds;     /* false: the rule does not apply */
    const char *undecided; /* whether it cannot be judged: the rule is violated then */
};

/* The rule's conditions that hang (relative) or do not hang on the target. */
struct cel_when cel_conditions(struct cel *cel, const struct rule *rule,
                               const struct cel_target *target, bool relative);

/* Whether this request leaves the rule's unit as it was; "false" if that excuses nothing. */
const char *cel_ratchet(struct cel *cel, const struct rule *rule);

/* Whether /validate lets the object pass by this rule, for cel->kind. */
const char *cel_rule(struct cel *cel, const struct rule *rule);

/* ---- match --------------------------------------------------------------------------------- */

/* Whether a match holds, as one expression; resources and operations too if asked for. */
const char *cel_match(struct cel *cel, const struct policy_match *match, bool resources);

/* The object's name, or its generateName prefix, without variables. */
const char *cel_match_name(struct cel *cel);

/* matchConstraints and matchConditions of the policy. */
cJSON *cel_constraints(struct cel *cel, const struct policy_match *match);
cJSON *cel_match_conditions(struct cel *cel, const struct policy_match *match);

#endif
