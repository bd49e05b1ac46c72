/* A policy set explained: built once as a small document, then written as text, markdown or html.
 *
 *   policy_set --explain_build--> struct explanation --explain_text, _markdown, _html--> out
 *
 * It goes by resource.  The resources on which exactly the same rules act share a section, so that
 * each rule stands once; for one chosen resource a section holds all that acts on it.  Everything
 * lives in the arena; the texts are as the files have them: each writer makes them harmless in its
 * own way.
 */
#ifndef PROCTOR_CLI_EXPLAIN_H
#define PROCTOR_CLI_EXPLAIN_H

#include "cli/cli.h"
#include "cli/explain/reach.h"
#include "policy/set.h"

enum explain_kind { EXPLAIN_SET, EXPLAIN_BOUNDED, EXPLAIN_REFUSED, EXPLAIN_KIND_COUNT };

/* "Set", "Bounded", "Refused": and what that means. */
extern const char *const explain_kind_names[EXPLAIN_KIND_COUNT];
extern const char *const explain_kind_words[EXPLAIN_KIND_COUNT];

/* One rule. */
struct explain_row {
    const struct rule *rule;
    enum explain_kind kind;
    const char *subject; /* the field in words, or what is refused */
    const char *demand;
    const char *path;         /* the field as the file has it; NULL: none */
    const char *only_if;      /* conditions; NULL: none that are not said otherwise */
    const char *when;         /* "changed", if that is less than its policy says; else NULL */
    const char *effect;       /* "warns only", "is only logged"; NULL: it binds */
    const char *also;         /* subresources on which it acts too; NULL: none */
    const char *relation;     /* to the field that was asked for; NULL: is it */
    const char *why, *waived; /* waived: names of exceptions; NULL: none */
};

/* The rules of one policy in a section. */
struct explain_group {
    const struct policy *policy;
    const char *title;        /* NULL: it has none */
    const char *who;          /* "For everybody in ..." */
    const char *mode;         /* NULL: enforce */
    struct explain_row *rows; /* by kind, then in the policy's order */
    size_t count;
};

struct explain_section {
    const char *title;
    struct explain_group *groups;
    size_t count;
};

/* One line of the overview. */
struct explain_resource {
    const char *name;
    const char *refused; /* what may not be done with it at all: "created or changed"; NULL */
    size_t counts[EXPLAIN_KIND_COUNT];
    const char *policies;
};

/* What is said once of a policy, behind all sections. */
struct explain_policy {
    const char *name;
    policy_strings excluded; /* who is not judged: sentences, end with NULL */
    policy_strings words;    /* what the words in capitals mean */
};

struct explain_exception {
    const char *name, *says, *until, *reason, *owner, *ticket;
    bool expired;
};

struct explanation {
    const char *heading; /* "Policies", "Deployment", "spec.replicas" */
    const char *summary;
    struct explain_resource *resources;
    size_t resource_count;
    struct explain_section *sections;
    size_t section_count;
    struct explain_policy *policies;
    size_t policy_count;
    struct explain_exception *exceptions;
    size_t exception_count;
};

struct explain_question {
    const struct policy_set *set;
    const char *resource; /* NULL: all */
    const char *field;    /* NULL: all */
    const char *language;
    int64_t now;
};

/* ERR_USAGE: no such resource among those that the policies speak of, a field that cannot be read,
 * or that no kind has. */
NODISCARD int explain_build(struct arena *arena, const struct explain_question *question,
                            struct explanation *ret_explanation, struct err *reterr);

void explain_text(const struct cli *cli, struct arena *arena,
                  const struct explanation *explanation);
void explain_markdown(const struct cli *cli, const struct explanation *explanation);
void explain_html(const struct cli *cli, const struct explanation *explanation);

#endif
