#include "cli/explain/explain_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "cli/explain/prose.h"

#include <ctype.h>
#include <string.h>

const char *const explain_kind_names[EXPLAIN_KIND_COUNT] = {"Set", "Bounded", "Refused"};
const char *const explain_kind_words[EXPLAIN_KIND_COUNT] = {
    "The cluster fills it in or corrects it.", "The cluster keeps it between bounds.",
    "Who does otherwise is refused, with all reasons at once."};

/* ---- the table of rules by resources ------------------------------------------------------ */

/* Of the chosen resource and its subresources alone. */
static void narrow(struct builder *builder)
{
    struct reach narrow = {0};
    narrow.items = arena_array(builder->arena, builder->reach.count, sizeof *narrow.items);
    for (size_t i = 0; i < builder->reach.count; i++) {
        const struct reach_resource *item = &builder->reach.items[i];
        if (strcmp(item->resource, builder->chosen->resource) == 0 &&
            strcmp(item->group, builder->chosen->group) == 0)
            narrow.items[narrow.count++] = *item;
    }
    builder->reach = narrow;
}

static int find_resource(struct builder *builder, struct err *reterr)
{
    const char *near, *name = builder->question->resource;
    builder->reach = reach_of(builder->arena, builder->question->set);
    if (name == NULL)
        return 0;
    builder->chosen = reach_find(&builder->reach, name, &near);
    if (builder->chosen == NULL)
        return err_set(reterr, ERR_USAGE,
                       "the policies speak of no resource \"%s\"%s%s%s: `proctor explain` lists "
                       "those that they speak of",
                       name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                       near != NULL ? "\"?" : "");
    narrow(builder);
    return 0;
}

static void fill_cells(struct builder *builder)
{
    const struct policy_set *set = builder->question->set;
    builder->rules = arena_array(builder->arena, set->rule_count, sizeof *builder->rules);
    builder->done = arena_array(builder->arena, set->rule_count, sizeof *builder->done);
    builder->cells =
        arena_array(builder->arena, set->rule_count * builder->reach.count, sizeof *builder->cells);
    for (size_t i = 0; i < set->policy_count; i++)
        for (size_t j = 0; j < set->policies[i].rule_count; j++)
            builder->rules[builder->rule_count++] = &set->policies[i].rules[j];
    for (size_t i = 0; i < builder->rule_count; i++)
        for (size_t j = 0; j < builder->reach.count; j++) {
            const struct reach_resource *resource = &builder->reach.items[j];
            struct cell *cell = explain_cell(builder, i, j);
            cell->operations = reach_operations(builder->arena, builder->rules[i], resource);
            cell->touch = TOUCH_SELF;
            if (builder->field != NULL && cell->operations != 0)
                cell->touch = touch_of(builder->rules[i], builder->field, resource);
            if (cell->touch == TOUCH_NOT)
                cell->operations = 0;
        }
}

static bool same_places(const struct builder *builder, size_t a, size_t b)
{
    for (size_t i = 0; i < builder->reach.count; i++)
        if (explain_stands_for(builder, a, i) != explain_stands_for(builder, b, i))
            return false;
    return true;
}

/* ---- sections ----------------------------------------------------------------------------- */

static struct explain_group *group_for(struct builder *builder, struct explain_section *section,
                                       const struct policy *policy)
{
    for (size_t i = 0; i < section->count; i++)
        if (section->groups[i].policy == policy)
            return &section->groups[i];
    struct explain_group *group = &section->groups[section->count++];
    const char *title = policy_text_in(&policy->title, builder->question->language);
    group->policy = policy;
    group->title = *title != '\0' ? title : NULL;
    group->who = prose_match(builder->arena, &policy->match);
    if (policy->mode != POLICY_ENFORCE)
        group->mode = policy_mode_names[policy->mode];
    group->rows = arena_array(builder->arena, policy->rule_count, sizeof *group->rows);
    return group;
}

/* Rows of one kind stay in their order. */
static void add_row(struct explain_group *group, const struct explain_row *row)
{
    size_t at = group->count;
    while (at > 0 && group->rows[at - 1].kind > row->kind) {
        group->rows[at] = group->rows[at - 1];
        at--;
    }
    group->rows[at] = *row;
    group->count++;
}

static struct explain_section begin_section(struct builder *builder, const char *title)
{
    struct explain_section section = {.title = title};
    section.groups =
        arena_array(builder->arena, builder->question->set->policy_count, sizeof *section.groups);
    return section;
}

/* The subresource, if the rule acts on all that have it and on nothing else; else NULL. */
static const char *only_subresource(const struct builder *builder, size_t rule)
{
    const char *name = NULL;
    for (size_t i = 0; i < builder->reach.count; i++)
        if (explain_stands_for(builder, rule, i))
            name = builder->reach.items[i].subresource;
    for (size_t i = 0; name != NULL && i < builder->reach.count; i++)
        if (explain_stands_for(builder, rule, i) !=
            (strcmp(builder->reach.items[i].subresource, name) == 0))
            return NULL;
    return name != NULL && *name != '\0' ? name : NULL;
}

/* What a section with the places of one rule is called. */
static const char *title_of(struct builder *builder, size_t rule)
{
    const char **with = arena_array(builder->arena, builder->reach.count + 1, sizeof *with);
    const char **without = arena_array(builder->arena, builder->reach.count + 1, sizeof *without);
    const bool main = explain_acts_on_a_main(builder, rule);
    size_t in = 0, out = 0;
    bool rest = false;
    for (size_t i = 0; i < builder->reach.count; i++) {
        const struct reach_resource *resource = &builder->reach.items[i];
        if (explain_stands_for(builder, rule, i)) {
            with[in++] = resource->text;
            rest |= resource->rest;
        } else if (!main || *resource->subresource == '\0') {
            without[out++] = resource->text;
        }
    }
    if (rest && out == 0)
        return "Everything";
    if (rest && out < in)
        return arena_printf(builder->arena, "Everything but %s",
                            prose_list(builder->arena, without, "and"));
    const char *subresource = only_subresource(builder, rule);
    if (subresource != NULL && in > 1)
        return arena_printf(builder->arena, "The %s of anything", subresource);
    return prose_list(builder->arena, with, "and");
}

static size_t places_of(const struct builder *builder, size_t rule)
{
    size_t count = 0;
    for (size_t i = 0; i < builder->reach.count; i++)
        count += explain_stands_for(builder, rule, i);
    return count;
}

static size_t first_place(const struct builder *builder, size_t rule)
{
    for (size_t i = 0; i < builder->reach.count; i++)
        if (explain_cell(builder, rule, i)->operations != 0)
            return i;
    return 0;
}

/* Which of two sections stands first: the one for fewer resources, then for the earlier ones. */
static bool comes_before(const struct builder *builder, size_t a, size_t b)
{
    const size_t count_a = places_of(builder, a), count_b = places_of(builder, b);
    if (count_a != count_b)
        return count_a < count_b;
    return first_place(builder, a) < first_place(builder, b);
}

static void add_sections_by_place(struct builder *builder)
{
    struct explanation *out = builder->out;
    for (;;) {
        size_t first = builder->rule_count;
        for (size_t i = 0; i < builder->rule_count; i++)
            if (!builder->done[i] && places_of(builder, i) > 0 &&
                (first == builder->rule_count || comes_before(builder, i, first)))
                first = i;
        if (first == builder->rule_count)
            return;
        struct explain_section section = begin_section(builder, title_of(builder, first));
        for (size_t i = first; i < builder->rule_count; i++) {
            if (builder->done[i] || !same_places(builder, i, first))
                continue;
            const struct explain_row row = explain_row(builder, i);
            add_row(group_for(builder, &section, row.rule->policy), &row);
            builder->done[i] = true;
        }
        out->sections[out->section_count++] = section;
    }
}

/* What no resource here decides: a name that nothing knows.  It is never left out. */
static void add_section_of_the_rest(struct builder *builder)
{
    struct explain_section section =
        begin_section(builder, "Resources that only the conditions name");
    if (builder->chosen != NULL || builder->field != NULL)
        return;
    for (size_t i = 0; i < builder->rule_count; i++) {
        if (places_of(builder, i) > 0)
            continue;
        const struct explain_row row = explain_row(builder, i);
        add_row(group_for(builder, &section, row.rule->policy), &row);
    }
    if (section.count > 0)
        builder->out->sections[builder->out->section_count++] = section;
}

static size_t breadth(const struct policy *policy)
{
    size_t count = 0;
    policy_strings names = policy->match.resources;
    for (; names != NULL && names[count] != NULL; count++)
        if (strcmp(names[count], "*") == 0)
            return SIZE_MAX;
    return names != NULL ? count : SIZE_MAX;
}

/* What is meant for few resources comes first: it says most of the one that is asked about. */
static void sort_by_breadth(struct explain_section *section)
{
    for (size_t i = 1; i < section->count; i++) {
        const struct explain_group group = section->groups[i];
        size_t at = i;
        for (; at > 0 && breadth(section->groups[at - 1].policy) > breadth(group.policy); at--)
            section->groups[at] = section->groups[at - 1];
        section->groups[at] = group;
    }
}

/* All that acts on the chosen resource itself. */
static void add_chosen_section(struct builder *builder)
{
    struct explain_section section = begin_section(builder, builder->chosen->text);
    for (size_t at = 0; at < builder->reach.count; at++) {
        if (*builder->reach.items[at].subresource != '\0')
            continue;
        for (size_t i = 0; i < builder->rule_count; i++) {
            if (explain_cell(builder, i, at)->operations == 0)
                continue;
            struct explain_row row = explain_row(builder, i);
            add_row(group_for(builder, &section, row.rule->policy), &row);
            builder->done[i] = true;
        }
    }
    sort_by_breadth(&section);
    if (section.count > 0)
        builder->out->sections[builder->out->section_count++] = section;
}

/* ---- the overview ------------------------------------------------------------------------- */

/* Whether the rule refuses whatever is done, by whomever it matches. */
static bool refuses_all(const struct builder *builder, const struct rule *rule)
{
    if (rule->field != NULL || explain_effect(builder, rule) != NULL || rule->policy->match.users ||
        rule->policy->match.groups || rule->policy->match.names ||
        rule->policy->match.selector_count > 0)
        return false;
    for (size_t i = 0; i < rule->condition_count; i++)
        if (!reach_decides(&rule->conditions[i]))
            return false;
    return true;
}

static struct explain_resource overview_of(struct builder *builder, size_t at)
{
    const struct policy_set *set = builder->question->set;
    struct explain_resource line = {.name = builder->reach.items[at].text};
    const char **names = arena_array(builder->arena, set->policy_count + 1, sizeof *names);
    size_t count = 0;
    unsigned refused = 0;
    for (size_t i = 0; i < builder->rule_count; i++) {
        const struct rule *rule = builder->rules[i];
        const unsigned operations = explain_cell(builder, i, at)->operations;
        if (operations == 0)
            continue;
        line.counts[explain_kind_of(rule)]++;
        if (count == 0 || strcmp(names[count - 1], rule->policy->name) != 0)
            names[count++] = rule->policy->name;
        if (refuses_all(builder, rule))
            refused |= operations;
    }
    line.refused = refused != 0 ? prose_operations(builder->arena, refused) : NULL;
    line.policies = prose_list(builder->arena, names, "and");
    return line;
}

/* Subresources stand there if they are named or chosen; "*" alone means all of them. */
static void add_overview(struct builder *builder)
{
    struct explanation *out = builder->out;
    out->resources = arena_array(builder->arena, builder->reach.count, sizeof *out->resources);
    for (size_t i = 0; i < builder->reach.count; i++) {
        const struct reach_resource *resource = &builder->reach.items[i];
        if (*resource->subresource != '\0' && builder->chosen == NULL &&
            !explain_is_named(builder, resource))
            continue;
        const struct explain_resource line = overview_of(builder, i);
        if (*line.policies != '\0')
            out->resources[out->resource_count++] = line;
    }
}

/* ---- policies and exceptions -------------------------------------------------------------- */

static bool in_sections(const struct explanation *out, const struct policy *policy)
{
    for (size_t i = 0; i < out->section_count; i++)
        for (size_t j = 0; j < out->sections[i].count; j++)
            if (out->sections[i].groups[j].policy == policy)
                return true;
    return false;
}

static bool concerns(const struct builder *builder, const struct policy_exclude *exclude)
{
    bool fits = exclude->resources == NULL || builder->chosen == NULL;
    for (size_t i = 0; !fits && i < builder->reach.count; i++)
        fits = reach_fits(exclude->resources, &builder->reach.items[i]);
    return fits;
}

static policy_strings excluded_of(struct builder *builder, const struct policy_match *match)
{
    const char **list = arena_array(builder->arena, match->exclude_count + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < match->exclude_count; i++)
        if (concerns(builder, &match->excludes[i]))
            list[count++] = prose_exclude(builder->arena, &match->excludes[i]);
    return list;
}

static policy_strings words_of(struct builder *builder, const struct policy *policy)
{
    policy_strings capitals = prose_capitals(builder->arena, policy);
    size_t count = 0;
    while (capitals[count] != NULL)
        count++;
    const char **list =
        arena_array(builder->arena, count + policy->variable_count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = capitals[i];
    for (size_t i = 0; i < policy->variable_count; i++)
        list[count++] = prose_variable(builder->arena, &policy->variables[i]);
    return list;
}

static void add_policies(struct builder *builder)
{
    const struct policy_set *set = builder->question->set;
    struct explanation *out = builder->out;
    out->policies = arena_array(builder->arena, set->policy_count, sizeof *out->policies);
    for (size_t i = 0; i < set->policy_count; i++) {
        const struct policy *policy = &set->policies[i];
        const struct explain_policy told = {.name = policy->name,
                                            .excluded = excluded_of(builder, &policy->match),
                                            .words = words_of(builder, policy)};
        if (in_sections(out, policy) && (told.excluded[0] != NULL || told.words[0] != NULL))
            out->policies[out->policy_count++] = told;
    }
}

static bool waives_shown(const struct explanation *out, const struct policy_exception *exception)
{
    for (size_t i = 0; i < out->section_count; i++)
        for (size_t j = 0; j < out->sections[i].count; j++) {
            const struct explain_group *group = &out->sections[i].groups[j];
            for (size_t k = 0; k < group->count; k++)
                for (size_t l = 0; exception->rules[l] != NULL; l++)
                    if (strcmp(group->policy->name, exception->policy) == 0 &&
                        strcmp(group->rows[k].rule->id, exception->rules[l]) == 0)
                        return true;
        }
    return false;
}

static void add_exceptions(struct builder *builder)
{
    const struct policy_set *set = builder->question->set;
    struct explanation *out = builder->out;
    out->exceptions = arena_array(builder->arena, set->exception_count, sizeof *out->exceptions);
    for (size_t i = 0; i < set->exception_count; i++) {
        const struct policy_exception *exception = &set->exceptions[i];
        if (!waives_shown(out, exception))
            continue;
        out->exceptions[out->exception_count++] = (struct explain_exception){
            .name = exception->name,
            .says = prose_exception(builder->arena, exception),
            .until = prose_expiry(builder->arena, exception, builder->question->now),
            .reason = exception->reason,
            .owner = exception->owner,
            .ticket = exception->ticket,
            .expired = exception->expires_at <= builder->question->now};
    }
}

/* ---- all of it ---------------------------------------------------------------------------- */

static const char *plural(size_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

static void add_head(struct builder *builder)
{
    const struct explain_question *question = builder->question;
    const struct policy_set *set = question->set;
    const char *kind = builder->chosen == NULL         ? ""
                       : builder->chosen->kind == NULL ? builder->chosen->text
                                                       : builder->chosen->kind->kind;
    char day[CLOCK_TEXT_BYTES];
    size_t shown = 0;
    for (size_t i = 0; i < builder->rule_count; i++)
        shown += places_of(builder, i) > 0;
    if (question->resource == NULL && question->field == NULL)
        shown = builder->rule_count;
    clock_format_seconds(question->now, day);
    day[10] = '\0';
    builder->out->heading = "What the policies say";
    if (question->field != NULL)
        builder->out->heading = arena_printf(builder->arena, "Who touches %s%s%s", question->field,
                                             builder->chosen != NULL ? " of " : "",
                                             builder->chosen != NULL ? builder->chosen->text : "");
    else if (builder->chosen != NULL)
        builder->out->heading =
            arena_printf(builder->arena, "What happens to %s %s",
                         strchr("AEIOUaeiou", *kind) != NULL ? "an" : "a", kind);
    builder->out->summary =
        arena_printf(builder->arena, "%zu of %zu %s in %zu %s, on %s (digest %.12s).%s", shown,
                     set->rule_count, plural(set->rule_count, "rule", "rules"), set->policy_count,
                     plural(set->policy_count, "policy", "policies"), day, set->digest,
                     shown == 0 ? " What stands there is not judged." : "");
}

int explain_build(struct arena *arena, const struct explain_question *question,
                  struct explanation *ret_explanation, struct err *reterr)
{
    struct explanation out = {0};
    struct builder builder = {.arena = arena, .question = question, .out = &out};
    struct field *field;
    int r = find_resource(&builder, reterr);
    if (r == 0 && question->field != NULL) {
        r = touch_field(arena, question->field, &builder.reach, &field, reterr);
        builder.field = r == 0 ? field : NULL;
    }
    if (r < 0)
        return r;
    fill_cells(&builder);
    out.sections = arena_array(arena, builder.rule_count + 2, sizeof *out.sections);
    if (builder.chosen != NULL)
        add_chosen_section(&builder);
    add_sections_by_place(&builder);
    add_section_of_the_rest(&builder);
    if (question->field == NULL)
        add_overview(&builder);
    add_policies(&builder);
    add_exceptions(&builder);
    add_head(&builder);
    *ret_explanation = out;
    return 0;
}
