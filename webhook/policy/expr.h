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
struct policy;

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

struct template
{
    struct template_part *parts;
    size_t count;
};

struct expr {
    const cJSON *value; /* as written, with the file's marks; a string that has variables carries
                           the number of its template, from 1, in valueint */
    bool is_constant;   /* no ${ anywhere in it */
    struct template *templates;
    size_t template_count;
    struct variable **variables; /* all that occur in it, for analysis and binding */
    size_t variable_count;
};

/* Finds the variables in `value`, whose strings it marks.  `declared`: the names that are
 * VARIABLE_DECLARED, ending with NULL; may be NULL.  ERR_POLICY names the variable that is wrong,
 * with "did you mean". */
NODISCARD int expr_parse(struct arena *arena, cJSON *value, const char *const *declared,
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

/* The text of one pattern, `node` of the expression's value, with the literal (quoted) text of
 * each variable put in.  NULL if unresolved. */
const char *expr_pattern(struct eval *eval, const struct expr *expr, const cJSON *node,
                         const struct target *target, const char **ret_unresolved);

/* Whether what it yields depends on who asks or on the request: ${user}, ${$request...}, or a
 * declared variable that does.  `declared_reads` says which of the policy's do; may be NULL. */
bool expr_reads_request(const struct expr *expr, const bool *declared_reads);

/* A text for people (why, message, fix) with its variables put in; one that is unresolved shows
 * its name in capitals. */
const char *expr_words(struct eval *eval, const char *text, const struct target *target);

/* Begins with a policy: its rules are the ones that run, its variables get their values. */
void expr_declare(struct eval *eval, const struct policy *policy);

#endif
