/* Verbs: what a rule can say of a field.  One file each (verb_<name>.c), one row each in verb.c.
 *
 * The row's members are all that the rest of Proctor knows of a verb: the loader calls parse,
 * the engine mutate and check, messages take the bound from check, lint and explain theirs.
 * At /mutate a rule's actions run in the order of the rows: remove, set, default, min, max.
 */
#ifndef PROCTOR_POLICY_VERB_H
#define PROCTOR_POLICY_VERB_H

#include "policy/set.h"

struct eval;

/* What the loader gives a verb to parse its value with. */
struct verb_parse {
    struct policy_set *set;
    struct diagnostics *diagnostics;
    const char *file;
    const char *const *declared; /* names of the policy's variables */
    const struct rule *rule;     /* NULL inside `when` */
};

/* What a check found. */
struct finding {
    enum { FINDING_INVALID, FINDING_REQUIRED, FINDING_FORBIDDEN } reason;
    const cJSON *found;  /* the value at the field; NULL: absent */
    const char *bound;   /* "at most 1"; "" for a bare "Required value" */
    const cJSON *wanted; /* what would be right there, if one value would be; else NULL */
};

struct verb {
    const char *name;      /* the key in YAML */
    const char *value;     /* what the key takes, for help and messages: "a value", "true" */
    bool mutates;
    bool in_when;          /* may stand in `when` */
    bool negative;         /* satisfied by absence; in `when`: none of the values may fit it */
    bool without_field;    /* deny: the rule has no field */

    /* Reads the YAML value into *action; reports to parse->diagnostics and returns false if it
     * is wrong. */
    bool (*parse)(struct verb_parse *parse, const cJSON *value, struct action *action);

    /* Changes the target through edit.h.  NULL if the verb never changes anything. */
    void (*mutate)(struct eval *eval, const struct rule *rule, const struct action *action,
                   struct target *target);

    /* Judges one value that the field shows (NULL: absent).  True if it holds; else *finding is
     * filled, texts in eval's arena.  `rule` is NULL inside `when`. */
    bool (*check)(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding);

    /* Appends the verb as a phrase for people: "at most 1", "set to RollingUpdate". */
    void (*explain)(const struct rule *rule, const struct action *action, struct buf *buf);

    /* Finds what is wrong with the action beside the rule's others and its field's schema;
     * called after binding.  May be NULL. */
    void (*lint)(struct verb_parse *parse, const struct rule *rule, const struct action *action,
                 const struct schema_node *node);
};

/* All verbs in the order in which they act; ends with NULL. */
extern const struct verb *const verbs[];

const struct verb *verb_find(const char *name);

/* Helpers that several verbs' parse share: the value as an expression, a list of expressions, or
 * `true`.  False after a diagnostic. */
bool verb_parse_expr(struct verb_parse *parse, const cJSON *value, struct action *action);
bool verb_parse_list(struct verb_parse *parse, const cJSON *value, struct action *action);
bool verb_parse_true(struct verb_parse *parse, const cJSON *value, struct action *action);

#endif
