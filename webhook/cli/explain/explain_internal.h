/* What the files of explain share: the table of rules by resources, and a rule's row made of it. */
#ifndef PROCTOR_CLI_EXPLAIN_INTERNAL_H
#define PROCTOR_CLI_EXPLAIN_INTERNAL_H

#include "cli/explain/explain.h"
#include "cli/explain/touch.h"

/* On which resources a rule acts, and when: one cell of a table of rules by resources. */
struct cell {
    unsigned operations; /* 0: it does not act there */
    enum touch touch;    /* the field that was asked for */
};

struct builder {
    struct arena *arena;
    const struct explain_question *question;
    struct reach reach;
    const struct field *field; /* NULL: all */
    const struct rule **rules; /* all, in the set's order */
    size_t rule_count;
    struct cell *cells; /* [rule][resource] */
    bool *done;         /* [rule]: stands in a section already */
    const struct reach_resource *chosen;
    struct explanation *out;
};

static inline struct cell *explain_cell(const struct builder *builder, size_t rule, size_t resource)
{
    return &builder->cells[rule * builder->reach.count + resource];
}

/* Whether the rule acts on a resource itself, not on subresources alone. */
bool explain_acts_on_a_main(const struct builder *builder, size_t rule);

/* Whether the resource is one of those that a section for the rule is about. */
bool explain_stands_for(const struct builder *builder, size_t rule, size_t at);

/* Whether some policy names the resource as it is. */
bool explain_is_named(const struct builder *builder, const struct reach_resource *resource);

enum explain_kind explain_kind_of(const struct rule *rule);

/* What becomes of the rule's words if it does not bind; NULL: it binds. */
const char *explain_effect(const struct builder *builder, const struct rule *rule);

/* The rule of that number in the table. */
struct explain_row explain_row(struct builder *builder, size_t index);

#endif
