/* A policy set: everything that the policy files say, compiled, immutable, reference-counted.
 *
 *   files --load--> policies, rules, actions, conditions --bind, analyse, index--> struct
 * policy_set
 *
 * A request takes a reference, finishes with the set it began with, and gives it back.
 */
#ifndef PROCTOR_POLICY_SET_H
#define PROCTOR_POLICY_SET_H

#include "base/arena.h"
#include "policy/diag.h"
#include "policy/expr.h"
#include "policy/field.h"
#include "policy/pattern.h"
#include "policy/value.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the strictest on. */
enum policy_mode { POLICY_ENFORCE, POLICY_WARN, POLICY_AUDIT };
extern const char *const policy_mode_names[]; /* ends with NULL */

enum operation {
    OPERATION_CREATE = 1,
    OPERATION_UPDATE = 2,
    OPERATION_DELETE = 4,
    OPERATION_CONNECT = 8
};

/* Text by language; a plain string has the language "". */
struct policy_text {
    struct policy_words {
        const char *language;
        const char *words;
    } * items;
    size_t count;
};

/* The words in `language`, else the first; "" if there are none. */
const char *policy_text_in(const struct policy_text *text, const char *language);

/* A list of strings, ending with NULL; NULL itself: the key was not given. */
typedef const char *const *policy_strings;

struct label_requirement {
    const char *key;
    enum { LABEL_IN, LABEL_NOT_IN, LABEL_EXISTS, LABEL_ABSENT } test;
    policy_strings values;
};

/* Who, and the one thing that this user makes: never a glob.  A group instead of a user is for
 * kubelets (system:nodes), whose names nobody knows beforehand, and, without anything else, for
 * break-glass (system:masters): whoever is in it is not judged, and that is said and logged. */
struct policy_exclude {
    const char *user;         /* NULL: the group */
    const char *group;        /* NULL: the user */
    policy_strings resources; /* NULL: all that the policy matches */
    unsigned operations;      /* 0: all */
    bool only_metadata;       /* only an UPDATE that changes nothing but metadata */
    struct place place;
};

struct policy_match {
    policy_strings namespaces; /* globs */
    policy_strings resources;  /* name.group[/subresource], or "*" */
    struct place resources_place;
    unsigned operations;
    policy_strings names;  /* globs */
    policy_strings users;  /* globs */
    policy_strings groups; /* globs */
    struct label_requirement *selector;
    size_t selector_count;
    struct place selector_place;
    struct policy_exclude *excludes;
    size_t exclude_count;
};

struct policy_variable {
    const char *name;
    struct expr from;
    struct pattern *pattern; /* NULL: the whole text */
    const char *pattern_text;
    struct place place; /* of its name */
    struct place from_place;
    struct place pattern_place;
};

/* One verb of a rule, with its value. */
struct action {
    const struct verb *verb;
    struct expr value;
    struct pattern **patterns; /* pattern, notPattern: compiled if constant, else NULL */
    size_t pattern_count;
    bool flag; /* the value of a boolean verb; immutable: once */
    struct place place;
};

/* One entry of `when`. */
struct condition {
    struct field *field;
    bool tests_existence; /* `exists` is given, and is `exists` */
    bool exists;
    struct action *actions;
    size_t action_count;
    struct place place;
    struct place field_place;
};

/* A field that a rule reads besides its own. */
struct rule_read {
    const struct field *field;
    const char *variable; /* read for this declared variable, before the policy's first rule */
};

struct rule {
    const struct policy *policy;
    const char *id;
    const char *full_id; /* policy/rule */
    size_t order;        /* in the whole set */
    struct policy_text why;
    struct policy_text message;
    struct policy_text fix;
    struct field *field; /* NULL: a deny rule */
    enum policy_mode mode;
    enum value_type type;
    bool clamp;
    bool optional;
    bool exactly;
    bool ratchet_never;
    struct action *actions; /* in the order in which verbs act: see verb.h */
    size_t action_count;
    struct condition *conditions;
    size_t condition_count;
    bool mutates;            /* some action can change the object */
    bool reads_request;      /* judges who asks: an unchanged object is no excuse (no ratchet) */
    struct rule_read *reads; /* all that it reads of the object besides its own (when, ${}) */
    size_t read_count;
    struct place place;
    struct place field_place;
    bool broken; /* while loading: errors were told, and it is asked no further */
};

struct policy {
    const char *name;
    struct policy_text title;
    struct policy_match match;
    enum policy_mode mode;
    struct policy_variable *variables;
    size_t variable_count;
    struct rule *rules;
    size_t rule_count;
    size_t order;
    struct place place;
};

struct policy_exception {
    const char *name;
    const char *policy;
    policy_strings rules; /* ids */
    struct policy_match match;
    const char *reason;
    const char *owner;
    const char *ticket;
    const char *expires; /* as written */
    int64_t expires_at;  /* the first second at which it no longer holds, Unix time */
    struct place place;
};

struct policy_index;
struct stem_tree;

struct policy_set {
    struct arena arena; /* holds all of it, this struct too */
    atomic_uint references;
    char digest[65]; /* SHA-256 over the files' names and bytes, in order */
    const char *language;
    enum policy_mode mode;   /* no rule acts more strictly than this */
    struct policy *policies; /* by name */
    size_t policy_count;
    size_t rule_count;
    struct policy_exception *exceptions;
    size_t exception_count;
    struct policy_index *index;
    struct stem_tree *stems;   /* [schema_kind_count + 1], as field's by_kind */
    struct pattern **patterns; /* for pattern_free */
    size_t pattern_count;
    size_t pattern_capacity;
    /* For some time after a reload /validate also accepts what the set before produced. */
    struct policy_set *previous;
    int64_t previous_until; /* Unix time */
};

struct policy_set *policy_set_ref(struct policy_set *set);
void policy_set_unref(struct policy_set *set); /* NULL is fine */

/* Makes the set own a pattern: it is freed with it. */
void policy_set_keep(struct policy_set *set, struct pattern *pattern);

/* Names `previous` (a reference is taken; NULL: none) and how long it still counts.  Requests
 * read set->previous without a lock: only before `set` serves, or after its last request.  A set
 * keeps its previous one, so whoever retires a set calls this with NULL, or a chain grows. */
void policy_set_follow(struct policy_set *set, struct policy_set *previous, int64_t until);

/* Builds set->index from the policies' resources and namespaces. */
void policy_index_build(struct policy_set *set);

/* Calls visit, in the set's order, for every policy whose resources and namespaces can fit.
 * `resource` is "name.group", or "name.group/subresource"; `name_space` NULL: cluster-scoped.
 * The cost does not depend on the policies that do not fit. */
void policy_index_find(const struct policy_set *set, const char *resource, const char *name_space,
                       void (*visit)(void *context, const struct policy *policy), void *context);

#endif
