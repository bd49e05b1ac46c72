/* Expressions: the values of a policy, which may hold ${variables} (POLICY.md).
 *
 * A constant costs nothing at run time.  Values are never expanded twice.
 */
#ifndef PROCTOR_POLICY_EXPR_H
#define PROCTOR_POLICY_EXPR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "policy/field.h"

#include <stdbool.h>

struct eval;

enum variable_kind {
    VARIABLE_NAME,
    VARIABLE_NAMESPACE,
    VARIABLE_USER,
    VARIABLE_CONTAINER,
    VARIABLE_PORT,
    VARIABLE_LABEL,
    VARIABLE_ANNOTATION,
    VARIABLE_FIELD,   /* ${.path}, ${path} */
    VARIABLE_DECLARED /* a name from the policy's `variables` */
};

struct variable {
    enum variable_kind kind;
    const char *text;     /* what stands between ${ and }, without the fallback */
    const char *key;      /* label, annotation or declared name */
    struct field *field;  /* VARIABLE_FIELD */
    size_t declared;      /* VARIABLE_DECLARED: the place in policy->variables */
    const char *fallback; /* after :-, NULL if none */
    bool fallback_is_number;
};

/* A string with variables: literal, variable, literal, ... */
struct template_part {
    const char *literal; /* NULL: a variable */
    struct variable *variable;
};

struct expr {
    const cJSON *value;    /* as written (with the file's marks) */
    bool is_constant;      /* no ${ anywhere in it */
    struct variable **variables; /* all that occur in it, for analysis and binding */
    size_t variable_count;
};

/* Names that expr_parse accepts for VARIABLE_DECLARED, ending with NULL; may be NULL. */
NODISCARD int expr_parse(struct arena *arena, const cJSON *value, const char *const *declared,
                         struct expr *ret_expr, struct err *reterr);

/* Binds the fields of its variables to a kind; see field_bind. */
NODISCARD int expr_bind(struct arena *arena, struct expr *expr, const struct schema_kind *kind,
                        const struct path *rule_path, struct err *reterr);

/* The value for one target.  NULL if a variable is unresolved; *ret_unresolved names it then.
 * `target` may be NULL (a deny rule). */
const cJSON *expr_value(struct eval *eval, const struct expr *expr, const struct target *target,
                        const char **ret_unresolved);

/* The value as a list: oneOf, noneOf, contains.  A list gives its elements expanded; a string
 * that is one field variable gives every value that the field reaches (none is an empty list,
 * not unresolved).  NULL if unresolved. */
const cJSON *expr_list(struct eval *eval, const struct expr *expr, const struct target *target,
                       const char **ret_unresolved);

/* The pattern's text with the literal (quoted) text of each variable put in. */
const char *expr_pattern(struct eval *eval, const struct expr *expr, const struct target *target,
                         const char **ret_unresolved);

/* Whether what it yields depends on who asks or on the request (user, $request, declared). */
bool expr_reads_request(const struct expr *expr);

#endif
