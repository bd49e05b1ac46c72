#include "policy/load_internal.h"

#include "base/buf.h"
#include "base/limits.h"
#include "policy/kinds.h"
#include "policy/stem.h"

#include <string.h>

#define KINDS_TOLD_MAX 3

/* ---- binding ---------------------------------------------------------------------------- */

struct binding {
    struct loader *loader;
    struct policy_kinds kinds;
    const struct rule *rule;
};

static void report(struct binding *binding, struct place place, const struct err *err)
{
    diag_add(binding->loader->diagnostics, DIAG_ERROR, place, "unknown-field", "%s", err->text);
}

static const struct path *first_path(const struct field *field, const struct schema_kind *kind)
{
    if (field == NULL || field->by_kind == NULL)
        return NULL;
    const struct path_list *paths = field_paths(field, field_kind_index(kind));
    return paths->count > 0 ? &paths->items[0] : NULL;
}

static void plant_stems(struct loader *loader, const struct field *field, size_t kind_index)
{
    const struct path_list *paths = field_paths(field, kind_index);
    for (size_t i = 0; i < paths->count; i++)
        stem_plant(loader->arena, &loader->set->stems[kind_index], &paths->items[i]);
}

/* Binds to every kind; an error only if no kind has the field.  Returns how many have it. */
static size_t bind_field(struct binding *binding, struct field *field, const struct rule *rule,
                         struct place place)
{
    struct err first = {0};
    size_t bound = 0, failed = 0;
    /* With resources: "*" the kind without schema takes any field, and proves nothing. */
    const bool meets_every = binding->kinds.count > schema_kind_count;
    for (size_t i = 0; i < binding->kinds.count; i++) {
        const struct schema_kind *kind = binding->kinds.items[i];
        struct err err;
        const struct path *own = rule != NULL ? first_path(rule->field, kind) : NULL;
        if (field->root == FIELD_ELEMENT && own == NULL)
            continue; /* the rule does not apply to this kind */
        if (field_bind(binding->loader->arena, field, kind, own, &err) == 0) {
            bound += first_path(field, kind) != NULL && (kind != NULL || !meets_every);
            plant_stems(binding->loader, field, field_kind_index(kind));
        } else if (failed++ == 0) {
            first = err;
        }
    }
    if (bound == 0 && failed > 0)
        report(binding, place, &first);
    /* A kind without the field gets an empty row all the same. */
    if (field->by_kind == NULL)
        field->by_kind =
            arena_array(binding->loader->arena, schema_kind_count + 1, sizeof *field->by_kind);
    return bound > 0 ? bound : failed > 0 ? 1 : 0;
}

/* "Job, Pod and 3 more": the kinds to which the rule applies and that lack the field. */
static size_t write_kinds_without(const struct binding *binding, const struct rule *rule,
                                  const struct field *field, struct buf *buf)
{
    const char *last = "";
    size_t count = 0;
    for (size_t i = 0; i < binding->kinds.count; i++) {
        const struct schema_kind *kind = binding->kinds.items[i];
        const bool applies = rule == NULL || rule->field == NULL || first_path(rule->field, kind);
        if (kind == NULL || !applies || first_path(field, kind) || strcmp(last, kind->kind) == 0)
            continue;
        last = kind->kind;
        if (count++ < KINDS_TOLD_MAX)
            buf_printf(buf, "%s%s", count > 1 ? ", " : "", kind->kind);
    }
    if (count > KINDS_TOLD_MAX)
        buf_printf(buf, " and %zu more", count - KINDS_TOLD_MAX);
    return count;
}

/* A variable that some of the kinds cannot have is never resolved there. */
static void warn_of_kinds(struct binding *binding, const struct variable *variable,
                          const struct rule *rule, struct place place)
{
    struct buf kinds;
    buf_init(&kinds, binding->loader->arena, LIMIT_POLICY_FILE_BYTES);
    if (variable->fallback == NULL && binding->loader->diagnostics->error_count == 0 &&
        write_kinds_without(binding, rule, variable->field, &kinds) > 0)
        diag_add(binding->loader->diagnostics, DIAG_WARNING, place, "not-in-every-kind",
                 "${%s} has no value in %s: there is no such field there; give it one with "
                 "${%s:-VALUE}, or make a policy of its own for the others",
                 variable->text, kinds.data, variable->text);
}

static bool is_quantity(const struct field *field)
{
    bool found = false;
    for (size_t i = 0; i <= schema_kind_count && field->by_kind != NULL; i++)
        for (size_t p = 0; p < field->by_kind[i].count; p++) {
            const struct schema_node *node = field->by_kind[i].items[p].node;
            found |= field->view == VIEW_NONE && node != NULL && node->type == SCHEMA_QUANTITY;
        }
    return found;
}

/* The API server writes 0.5 as 500m, between /mutate and /validate, too. */
static void refuse_quantity_in_text(struct binding *binding, const struct template *template,
                                    struct place place)
{
    for (size_t i = 0; template->count > 1 && i < template->count; i++) {
        const struct variable *variable = template->parts[i].variable;
        if (variable != NULL && variable->kind == VARIABLE_FIELD && is_quantity(variable->field))
            diag_add(binding->loader->diagnostics, DIAG_ERROR, place, "bad-value",
                     "${%s} is a quantity, which Kubernetes spells anew (0.5 is 500m): it cannot "
                     "be a part of a text; write it alone",
                     variable->text);
    }
}

static void bind_expr(struct binding *binding, const struct expr *expr, const struct rule *rule,
                      struct place place)
{
    for (size_t i = 0; i < expr->variable_count; i++) {
        const struct variable *variable = expr->variables[i];
        if (variable->kind != VARIABLE_FIELD)
            continue;
        /* What is relative to a rule without a place has been told at the rule. */
        if (bind_field(binding, variable->field, rule, place) == 0 &&
            variable->field->root != FIELD_ELEMENT)
            diag_add(binding->loader->diagnostics, DIAG_ERROR, place, "never-applies",
                     "${%s} has no value in any of the policy's resources", variable->text);
        else
            warn_of_kinds(binding, variable, rule, place);
    }
    for (size_t i = 0; i < expr->template_count; i++)
        refuse_quantity_in_text(binding, &expr->templates[i], place);
}

static bool touches_object(const struct field *field)
{
    return field->root < FIELD_OLD;
}

static void check_operations(struct binding *binding, const struct rule *rule)
{
    const unsigned operations = rule->policy->match.operations;
    const bool writes = (operations & (OPERATION_CREATE | OPERATION_UPDATE)) != 0;
    const bool has_old = (operations & (OPERATION_UPDATE | OPERATION_DELETE)) != 0;
    if (rule->field == NULL)
        return;
    if (rule->mutates && !writes)
        diag_add(
            binding->loader->diagnostics, DIAG_ERROR, rule->field_place, "never-applies",
            "only CREATE and UPDATE can be changed; on DELETE and CONNECT use deny or a check");
    else if (touches_object(rule->field) && !writes && (operations & OPERATION_CONNECT) == 0)
        diag_add(binding->loader->diagnostics, DIAG_ERROR, rule->field_place, "never-applies",
                 "the rule never applies: on DELETE there is only the old object; write $old.%s",
                 rule->field->text);
    if (rule->field->root == FIELD_OLD && !has_old)
        diag_add(binding->loader->diagnostics, DIAG_ERROR, rule->field_place, "never-applies",
                 "the rule never applies: there is an old object only on UPDATE and DELETE");
}

static void bind_rule(struct binding *binding, struct rule *rule)
{
    const struct policy *policy = rule->policy;
    if (rule->field != NULL && bind_field(binding, rule->field, NULL, rule->field_place) == 0)
        diag_add(binding->loader->diagnostics, DIAG_ERROR, rule->field_place, "never-applies",
                 "the rule applies to none of the policy's resources: \"%s\" means nothing there",
                 rule->field->text);
    for (size_t i = 0; i < rule->condition_count; i++) {
        struct condition *condition = &rule->conditions[i];
        bind_field(binding, condition->field, rule, condition->field_place);
        for (size_t a = 0; a < condition->action_count; a++)
            bind_expr(binding, &condition->actions[a].value, rule, condition->actions[a].place);
    }
    for (size_t i = 0; i < rule->action_count; i++)
        bind_expr(binding, &rule->actions[i].value, rule, rule->actions[i].place);
    check_operations(binding, rule);
    load_note_reads(binding->loader, policy, rule);
}

static void lint_actions(struct loader *loader, const struct rule *rule)
{
    const struct schema_node *node = NULL;
    for (size_t i = 0; rule->field != NULL && i <= schema_kind_count && node == NULL; i++)
        if (rule->field->by_kind[i].count > 0)
            node = rule->field->by_kind[i].items[0].node;
    struct verb_parse parse = {loader->set, loader->diagnostics, rule->place.file, NULL, rule};
    for (size_t i = 0; i < rule->action_count; i++)
        if (rule->actions[i].verb->lint != NULL)
            rule->actions[i].verb->lint(&parse, rule, &rule->actions[i], node);
}

void load_bind(struct loader *loader)
{
    loader->set->stems =
        arena_array(loader->arena, schema_kind_count + 1, sizeof *loader->set->stems);
    for (size_t i = 0; i < loader->set->policy_count; i++) {
        struct policy *policy = &loader->set->policies[i];
        struct binding binding = {.loader = loader};
        binding.kinds = policy_kinds_of(loader->arena, &policy->match);
        for (size_t v = 0; v < policy->variable_count; v++)
            bind_expr(&binding, &policy->variables[v].from, NULL, policy->variables[v].from_place);
        for (size_t r = 0; r < policy->rule_count; r++) {
            if (policy->rules[r].broken)
                continue;
            bind_rule(&binding, &policy->rules[r]);
            if (policy->rules[r].field == NULL || policy->rules[r].field->by_kind != NULL)
                lint_actions(loader, &policy->rules[r]);
        }
    }
}
