/* Verbs: what a rule can say of a field.  One file each (verb_<name>.c), one row each in verb.c.
 *
 * The row's members are all that the rest of Proctor knows of a verb: the loader calls parse,
 * the engine mutate and check, messages take the bound from check, lint and explain theirs.
 * At /mutate a rule's actions run in the order of the rows: remove, set, default, min, max.
 */
#ifndef PROCTOR_POLICY_VERB_H
#define PROCTOR_POLICY_VERB_H

#include "base/buf.h"
#include "policy/eval.h"
#include "policy/keys.h"
#include "policy/set.h"

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
    bool undecided;      /* nobody can say: a variable without a value, a match past its limit */
};

struct verb {
    const char *name;    /* the key in YAML */
    const char *value;   /* what the key takes, for help and messages: "a value", "true" */
    enum key_sort takes; /* the same for the schema file */
    bool mutates;
    bool clamps;        /* ... only what stands there already with outside: clamp */
    bool in_when;       /* may stand in `when` */
    bool negative;      /* satisfied by absence; in `when`: none of the values may fit it */
    bool without_field; /* deny: the rule has no field */

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

    /* Judges the field as a whole, instead of check: called once for each place where the
     * field's first choosing step stands (`where`), or for its one place if it has none. */
    bool (*check_whole)(struct eval *eval, const struct rule *rule, const struct action *action,
                        const struct path *path, const struct target *where,
                        struct finding *ret_finding);

    /* Appends what the verb says of the field, as a predicate: "is lowered to 1 if it is more",
     * "must be at most 1"; inside `when` (rule NULL) "is at most 1". */
    void (*explain)(const struct rule *rule, const struct action *action, struct buf *buf);

    /* Finds what is wrong with the action beside the rule's others and its field's schema;
     * called after binding.  May be NULL. */
    void (*lint)(struct verb_parse *parse, const struct rule *rule, const struct action *action,
                 const struct schema_node *node);
};

/* All verbs in the order in which they act; ends with NULL. */
extern const struct verb *const verbs[];

const struct verb *verb_find(const char *name);

/* ---- what several verbs share ----------------------------------------------------------- */

/* The value as an expression, a list of expressions (one value alone is fine), or `true`.
 * False after a diagnostic. */
bool verb_parse_expr(struct verb_parse *parse, const cJSON *value, struct action *action);
bool verb_parse_list(struct verb_parse *parse, const cJSON *value, struct action *action);
bool verb_parse_true(struct verb_parse *parse, const cJSON *value, struct action *action);

/* Reports an error at `node` and returns false. */
bool verb_fail(struct verb_parse *parse, const cJSON *node, const char *code, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/* A row's lint: the value has the members and types that the field's schema knows.  The API server
 * drops a member that it does not know, and the rule would put it in again and again. */
void verb_lint_value(struct verb_parse *parse, const struct rule *rule, const struct action *action,
                     const struct schema_node *node);

/* The schema of what is seen at the target: NULL where a view shows something else. */
const struct schema_node *verb_seen_node(const struct target *target);

/* Whether the API omits zeros at the target's place. */
bool verb_zero_is_absent(const struct target *target);

/* Whether `seen` is what `wanted` asks for, by the rule's type and the target's schema. */
bool verb_holds(const struct rule *rule, const struct target *target, const cJSON *seen,
                const cJSON *wanted);

/* An absent value that a check needs: true if the rule is optional, else a "Required value". */
bool verb_absent(const struct rule *rule, struct finding *ret_finding);

/* A value that is not as it should be; returns false.  The bound may be "". */
bool verb_invalid(struct finding *ret_finding, const cJSON *found, const char *bound);

/* A value that should be `wanted` and is not (NULL: absent): false with the finding, or true if
 * absence is fine. */
bool verb_not_wanted(struct eval *eval, const struct rule *rule, const struct target *target,
                     const cJSON *seen, const cJSON *wanted, struct finding *ret_finding);

/* A check: nothing may be there. */
bool verb_check_absent(struct eval *eval, const struct rule *rule, const struct action *action,
                       const struct target *target, const cJSON *seen, struct finding *ret_finding);

/* The bound of a check whose variable has no value; returns false. */
bool verb_unresolved(struct eval *eval, struct finding *ret_finding, const cJSON *found,
                     const char *variable);

/* The same of a check that has nothing to judge where an absent value is waived. */
bool verb_unjudged(struct eval *eval, const struct rule *rule, struct finding *ret_finding,
                   const cJSON *found, const char *variable);

/* Appends "a, b or c". */
void verb_write_choice(const cJSON *list, struct buf *buf);

/* For a check's explain: appends "must be " of a rule, "is " inside `when` (rule NULL). */
void verb_explain_being(const struct rule *rule, struct buf *buf);

/* An arena buffer for a bound. */
struct buf verb_buf(const struct eval *eval);

#endif
