/* What a rule reads besides its own field, for the order of rules (analyse.c).
 *
 * Each is a field bound to the kinds.  Those of conditions and of ${path} are there already; for
 * ${label:K}, ${port} and their like one is made here.
 */
#include "policy/load_internal.h"

#include <string.h>

struct reading {
    struct arena *arena;
    const struct policy *policy;
    struct rule *rule;
    const char *declared; /* the variable whose `from` is being read; NULL: none */
};

static void add_read(const struct reading *reading, const struct field *field)
{
    struct rule *rule = reading->rule;
    struct rule_read *grown = arena_array(reading->arena, rule->read_count + 1, sizeof *grown);
    if (rule->read_count > 0)
        memcpy(grown, rule->reads, rule->read_count * sizeof *grown);
    grown[rule->read_count++] = (struct rule_read){field, reading->declared};
    rule->reads = grown;
}

static struct step member(const struct step *parent, const struct schema_node *root,
                          const char *name)
{
    const struct schema_node *node = parent != NULL ? parent->node : root;
    return (struct step){.kind = STEP_MEMBER, .name = name, .node = schema_member(node, name)};
}

static struct field *new_field(const struct reading *reading, const struct variable *variable)
{
    struct field *field = arena_alloc(reading->arena, sizeof *field);
    field->text = arena_printf(reading->arena, "${%s}", variable->text);
    field->by_kind = arena_array(reading->arena, schema_kind_count + 1, sizeof *field->by_kind);
    return field;
}

/* metadata.NAME, or metadata.MAP.KEY, of every kind. */
static void read_metadata(const struct reading *reading, const struct variable *variable,
                          const char *name, const char *key)
{
    struct field *field = new_field(reading, variable);
    for (size_t i = 0; i <= schema_kind_count; i++) {
        const struct schema_node *root = i > 0 ? &schema_kinds[i - 1].root : NULL;
        struct path *path = arena_alloc(reading->arena, sizeof *path);
        struct step *steps = arena_array(reading->arena, 3, sizeof *steps);
        steps[0] = member(NULL, root, "metadata");
        steps[1] = member(&steps[0], NULL, name);
        if (key != NULL)
            steps[2] = member(&steps[1], NULL, key);
        *path = (struct path){.root = FIELD_OBJECT, .steps = steps, .count = key != NULL ? 3 : 2};
        field->by_kind[i] = (struct path_list){path, 1};
    }
    add_read(reading, field);
}

/* The container around the rule's own place, and what is read of it. */
static void read_of_container(const struct reading *reading, const struct variable *variable,
                              const char *name, const char *of_each)
{
    if (reading->rule->field == NULL)
        return;
    struct field *field = new_field(reading, variable);
    for (size_t i = 0; i <= schema_kind_count; i++) {
        const struct path_list *own = field_paths(reading->rule->field, i);
        struct path_list *list = &field->by_kind[i];
        list->items = arena_array(reading->arena, own->count, sizeof *list->items);
        for (size_t j = 0; j < own->count; j++) {
            const size_t start = own->items[j].container;
            if (start == 0 || own->items[j].root != FIELD_OBJECT)
                continue;
            struct step *steps = arena_array(reading->arena, start + 3, sizeof *steps);
            memcpy(steps, own->items[j].steps, start * sizeof *steps);
            steps[start] = member(&steps[start - 1], NULL, name);
            if (of_each != NULL) {
                const struct schema_node *item = steps[start].node;
                steps[start + 1] = (struct step){.kind = STEP_EACH};
                steps[start + 1].node = item != NULL ? item->item : NULL;
                steps[start + 2] = member(&steps[start + 1], NULL, of_each);
            }
            list->items[list->count++] = (struct path){.root = FIELD_OBJECT,
                                                       .steps = steps,
                                                       .count = start + (of_each != NULL ? 3 : 1),
                                                       .base = start};
        }
    }
    add_read(reading, field);
}

static void read_expr(struct reading *reading, const struct expr *expr);

static void read_variable(struct reading *reading, const struct variable *variable)
{
    const struct policy_variable *declared;
    switch (variable->kind) {
    case VARIABLE_NAME:
        read_metadata(reading, variable, "name", NULL);
        return;
    case VARIABLE_NAMESPACE:
        read_metadata(reading, variable, "namespace", NULL);
        return;
    case VARIABLE_LABEL:
        read_metadata(reading, variable, "labels", variable->key);
        return;
    case VARIABLE_ANNOTATION:
        read_metadata(reading, variable, "annotations", variable->key);
        return;
    case VARIABLE_CONTAINER:
        read_of_container(reading, variable, "name", NULL);
        return;
    case VARIABLE_PORT:
        read_of_container(reading, variable, "ports", "containerPort");
        return;
    case VARIABLE_FIELD:
        add_read(reading, variable->field);
        return;
    case VARIABLE_DECLARED:
        /* One that is declared is taken from no other. */
        declared = &reading->policy->variables[variable->declared];
        reading->declared = declared->name;
        read_expr(reading, &declared->from);
        reading->declared = NULL;
        return;
    case VARIABLE_USER:
        return;
    }
}

static void read_expr(struct reading *reading, const struct expr *expr)
{
    for (size_t i = 0; i < expr->variable_count; i++)
        read_variable(reading, expr->variables[i]);
}

void load_note_reads(struct loader *loader, const struct policy *policy, struct rule *rule)
{
    struct reading reading = {.arena = loader->arena, .policy = policy, .rule = rule};
    for (size_t i = 0; i < rule->action_count; i++)
        read_expr(&reading, &rule->actions[i].value);
    for (size_t i = 0; i < rule->condition_count; i++) {
        add_read(&reading, rule->conditions[i].field);
        for (size_t a = 0; a < rule->conditions[i].action_count; a++)
            read_expr(&reading, &rule->conditions[i].actions[a].value);
    }
}
