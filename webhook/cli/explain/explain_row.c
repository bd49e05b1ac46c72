/* One rule as a row of an explanation. */
#include "cli/explain/explain_internal.h"

#include "base/limits.h"
#include "cli/explain/prose.h"
#include "policy/verb.h"

#include <string.h>

static unsigned acts_anywhere(const struct builder *builder, size_t rule)
{
    unsigned operations = 0;
    for (size_t i = 0; i < builder->reach.count; i++)
        operations |= explain_cell(builder, rule, i)->operations;
    return operations;
}

/* Subresources tell two rules apart only where they act on nothing else: what is said of a
 * Deployment mostly holds for its scale and status, too. */
bool explain_acts_on_a_main(const struct builder *builder, size_t rule)
{
    for (size_t i = 0; i < builder->reach.count; i++)
        if (*builder->reach.items[i].subresource == '\0' && !builder->reach.items[i].rest &&
            explain_cell(builder, rule, i)->operations != 0)
            return true;
    return false;
}

/* Whether the resource is one of those that a section for the rule is about. */
bool explain_stands_for(const struct builder *builder, size_t rule, size_t at)
{
    return explain_cell(builder, rule, at)->operations != 0 &&
           (*builder->reach.items[at].subresource == '\0' ||
            !explain_acts_on_a_main(builder, rule));
}

/* ---- rows --------------------------------------------------------------------------------- */

enum explain_kind explain_kind_of(const struct rule *rule)
{
    bool bounded = false, fills = false;
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct verb *verb = rule->actions[i].verb;
        bounded |= verb->clamps;
        fills |= verb->mutates && !verb->clamps;
    }
    return bounded ? EXPLAIN_BOUNDED : fills ? EXPLAIN_SET : EXPLAIN_REFUSED;
}

static const char *conditions_of(struct builder *builder, const struct rule *rule, bool decided)
{
    struct buf buf;
    buf_init(&buf, builder->arena, LIMIT_MIB);
    for (size_t i = 0; i < rule->condition_count; i++) {
        if (decided && reach_decides(&rule->conditions[i]))
            continue;
        buf_add_strings(&buf, buf.length > 0 ? ", and " : "",
                        prose_condition(builder->arena, &rule->conditions[i]), NULL);
    }
    return buf.length > 0 ? buf.data : NULL;
}

static const char *waivers(struct builder *builder, const struct rule *rule)
{
    const struct policy_set *set = builder->question->set;
    struct buf buf;
    buf_init(&buf, builder->arena, LIMIT_MIB);
    for (size_t i = 0; i < set->exception_count; i++) {
        const struct policy_exception *exception = &set->exceptions[i];
        if (strcmp(exception->policy, rule->policy->name) != 0 ||
            exception->expires_at <= builder->question->now)
            continue;
        for (size_t j = 0; exception->rules[j] != NULL; j++)
            if (strcmp(exception->rules[j], rule->id) == 0)
                buf_add_strings(&buf, buf.length > 0 ? ", " : "", exception->name, NULL);
    }
    return buf.length > 0 ? buf.data : NULL;
}

bool explain_is_named(const struct builder *builder, const struct reach_resource *resource)
{
    const struct policy_set *set = builder->question->set;
    for (size_t i = 0; i < set->policy_count; i++) {
        policy_strings names = set->policies[i].match.resources;
        for (size_t j = 0; names != NULL && names[j] != NULL; j++)
            if (strcmp(names[j], resource->text) == 0)
                return true;
    }
    return false;
}

/* "scale and status": where else the rule acts, if somebody asked, or some policy names it. */
static const char *subresources_of(struct builder *builder, size_t rule)
{
    const char **names = arena_array(builder->arena, builder->reach.count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < builder->reach.count && explain_acts_on_a_main(builder, rule); i++) {
        const struct reach_resource *resource = &builder->reach.items[i];
        if (*resource->subresource == '\0' || explain_cell(builder, rule, i)->operations == 0 ||
            (builder->chosen == NULL && !explain_is_named(builder, resource)))
            continue;
        names[count++] = builder->chosen != NULL ? resource->subresource : resource->text;
    }
    return count > 0 ? prose_list(builder->arena, names, "and") : NULL;
}

static const char *relation_of(const struct builder *builder, size_t rule)
{
    static const char *const words[] = {[TOUCH_NOT] = NULL,
                                        [TOUCH_READS] = "only reads it",
                                        [TOUCH_PART] = "a part of it",
                                        [TOUCH_WHOLE] = "holds it",
                                        [TOUCH_SELF] = NULL};
    enum touch best = TOUCH_NOT;
    for (size_t i = 0; i < builder->reach.count; i++) {
        const struct cell *cell = explain_cell(builder, rule, i);
        if (cell->operations != 0 && cell->touch > best)
            best = cell->touch;
    }
    return words[best];
}

const char *explain_effect(const struct builder *builder, const struct rule *rule)
{
    const enum policy_mode most = builder->question->set->mode;
    const enum policy_mode mode = rule->mode > most ? rule->mode : most;
    return mode == POLICY_WARN    ? "warns only: nothing is changed or refused"
           : mode == POLICY_AUDIT ? "is only logged: nothing is changed or refused"
                                  : NULL;
}

/* When it would act on the same resources without its conditions. */
static unsigned acts_unconditioned(struct builder *builder, size_t index)
{
    struct rule bare = *builder->rules[index];
    unsigned operations = 0;
    bare.condition_count = 0;
    for (size_t i = 0; i < builder->reach.count; i++)
        if (explain_cell(builder, index, i)->operations != 0)
            operations |= reach_operations(builder->arena, &bare, &builder->reach.items[i]);
    return operations;
}

struct explain_row explain_row(struct builder *builder, size_t index)
{
    const struct rule *rule = builder->rules[index];
    const char *language = builder->question->language;
    const unsigned acts = acts_anywhere(builder, index);
    struct explain_row row = {.rule = rule, .kind = explain_kind_of(rule)};
    row.subject = rule->field != NULL ? prose_field(builder->arena, rule->field, PROSE_EACH)
                                      : prose_denied(rule, language);
    row.demand = prose_demand(builder->arena, rule);
    row.path = rule->field != NULL ? rule->field->text : NULL;
    row.only_if = conditions_of(builder, rule, acts != 0);
    row.why = policy_text_in(&rule->why, language);
    row.waived = waivers(builder, rule);
    row.also = subresources_of(builder, index);
    row.effect = explain_effect(builder, rule);
    if (builder->field != NULL)
        row.relation = relation_of(builder, index);
    if (acts != 0 && acts != acts_unconditioned(builder, index))
        row.when = prose_operations(builder->arena, acts);
    return row;
}
