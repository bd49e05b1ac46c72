#include "cli/native/native_cel.h"
#include "cli/native/native_set_internal.h"
#include "policy/value.h"
#include "policy/verb.h"

#include <string.h>

/* ---- spelling ------------------------------------------------------------------------------- */

const char *native_quote(struct arena *arena, const char *text)
{
    struct cel cel = {.arena = arena};
    return cel_quote(&cel, text);
}

const char *native_member(struct arena *arena, const char *name)
{
    struct cel cel = {.arena = arena};
    return cel_member(&cel, "", name);
}

/* ---- a variable ------------------------------------------------------------------------------ */

/* Members alone, from where the path begins; NULL if it chooses among elements, or begins with
 * what a mutation does not see. */
static const char *plain_path(struct native_emit *emit, const struct path *path)
{
    const char *base = NULL;
    if (path->root == FIELD_OBJECT)
        base = "object";
    else if (path->root == FIELD_ELEMENT && emit->path != NULL)
        base = emit->elements[emit->path->base];
    if (base == NULL)
        return NULL;
    struct buf text;
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, base);
    for (size_t i = 0; i < path->count; i++) {
        if (path->steps[i].kind != STEP_MEMBER)
            return NULL;
        buf_add_string(&text, native_member(emit->arena, path->steps[i].name));
    }
    return path->count > 0 ? text.data : arena_printf(emit->arena, "optional.of(%s)", base);
}

static const char *container(const struct native_emit *emit)
{
    return emit->path->container > 0 ? emit->elements[emit->path->container] : NULL;
}

/* The variable's value as an optional; NULL: it cannot be said. */
static const char *variable_text(struct native_emit *emit, const struct variable *variable)
{
    struct arena *arena = emit->arena;
    const struct path_list *paths;
    switch (variable->kind) {
    case VARIABLE_NAME:
        return "optional.ofNonZeroValue(variables.proctorName)";
    case VARIABLE_NAMESPACE:
        return "optional.ofNonZeroValue(request.namespace)";
    case VARIABLE_USER:
        return "optional.ofNonZeroValue(request.userInfo.username)";
    case VARIABLE_CONTAINER:
        return container(emit) != NULL ? arena_printf(arena, "%s.?name", container(emit)) : NULL;
    case VARIABLE_PORT:
        return container(emit) != NULL
                   ? arena_printf(arena, "%s.?ports[?0].?containerPort", container(emit))
                   : NULL;
    case VARIABLE_LABEL:
        return arena_printf(arena, "object.?metadata.?labels[?%s]",
                            native_quote(arena, variable->key));
    case VARIABLE_ANNOTATION:
        return arena_printf(arena, "object.?metadata.?annotations[?%s]",
                            native_quote(arena, variable->key));
    case VARIABLE_FIELD:
        paths = field_paths(variable->field, field_kind_index(emit->kind));
        return paths->count == 1 && variable->field->view == VIEW_NONE
                   ? plain_path(emit, &paths->items[0])
                   : NULL;
    case VARIABLE_DECLARED:
        return NULL;
    }
    return NULL;
}

/* The value, with its fallback, or with a test that it is there. */
static const char *resolved(struct native_emit *emit, const struct variable *variable)
{
    struct arena *arena = emit->arena;
    const char *text = variable_text(emit, variable);
    if (text == NULL)
        return native_cannot(
            emit, arena_printf(arena, "${%s} cannot be said in CEL here", variable->text));
    if (variable->fallback != NULL)
        return arena_printf(arena, "%s.orValue(dyn(%s))", text,
                            variable->fallback_is_number ? variable->fallback
                                                         : native_quote(arena, variable->fallback));
    const char *test = arena_printf(arena, " && %s.hasValue()", text);
    if (emit->resolved.data == NULL || strstr(emit->resolved.data, test) == NULL)
        buf_add_string(&emit->resolved, test);
    return arena_printf(arena, "%s.value()", text);
}

/* ---- a value --------------------------------------------------------------------------------- */

static const char *template_value(struct native_emit *emit, const struct template *template,
                                  const struct schema_node *node)
{
    struct arena *arena = emit->arena;
    const bool whole = template->count == 1 && template->parts[0].literal == NULL;
    if (whole) {
        const char *value = resolved(emit, template->parts[0].variable);
        if (value == NULL || node == NULL)
            return value;
        if (node->type == SCHEMA_STRING)
            return arena_printf(arena, "string(%s)", value);
        return node->type == SCHEMA_INT ? arena_printf(arena, "int(%s)", value) : value;
    }
    struct buf text;
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        const char *one = part->literal != NULL ? native_quote(arena, part->literal)
                                                : resolved(emit, part->variable);
        if (one == NULL)
            return NULL;
        buf_printf(&text, "%s%s%s%s", i > 0 ? " + " : "(", part->literal != NULL ? "" : "string(",
                   one, part->literal != NULL ? "" : ")");
    }
    buf_add_char(&text, ')');
    return text.data;
}

static const char *number(struct native_emit *emit, const cJSON *part)
{
    char scratch[32];
    const char *text = json_number_text(part, scratch);
    if (text[strspn(text, "-0123456789")] != '\0')
        return native_cannot(emit, "its value is no whole number");
    return arena_strdup(emit->arena, text);
}

static const char *nested_value(struct native_emit *emit, const cJSON *part,
                                const struct schema_node *node)
{
    struct buf text;
    const bool is_object = json_is_object(part);
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_char(&text, is_object ? '{' : '[');
    for (const cJSON *child = part->child; child != NULL; child = child->next) {
        const struct schema_node *inner = is_object      ? schema_member(node, child->string)
                                          : node != NULL ? node->item
                                                         : NULL;
        const char *value = native_value(emit, child, inner);
        if (value == NULL)
            return NULL;
        buf_add_string(&text, child == part->child ? "" : ", ");
        if (is_object)
            buf_add_strings(&text, native_quote(emit->arena, child->string), ": ", NULL);
        buf_add_strings(&text, "dyn(", value, ")", NULL);
    }
    buf_add_char(&text, is_object ? '}' : ']');
    return text.data;
}

const char *native_value(struct native_emit *emit, const cJSON *part,
                         const struct schema_node *node)
{
    const struct expr *expr = &emit->action->value;
    if (json_is_string(part) && part->valueint > 0 && !expr->is_constant)
        return template_value(emit, &expr->templates[part->valueint - 1], node);
    if (json_is_string(part))
        return native_quote(emit->arena, part->valuestring);
    if (json_is_bool(part))
        return json_is_true(part) ? "true" : "false";
    if (json_is_number(part))
        return node != NULL && node->type == SCHEMA_STRING
                   ? native_quote(emit->arena, number(emit, part))
                   : number(emit, part);
    if (json_is_object(part) || json_is_array(part))
        return nested_value(emit, part, node);
    return native_cannot(emit, "its value is null");
}

/* ---- when ------------------------------------------------------------------------------------ */

/* All values that the path reaches, as a list; from the object or, for `.x`, from the element. */
static const char *values_of(struct native_emit *emit, const struct path *path, size_t at,
                             const char *node, size_t depth)
{
    struct arena *arena = emit->arena;
    struct buf members;
    buf_init(&members, arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&members, "");
    while (at < path->count && path->steps[at].kind == STEP_MEMBER)
        buf_add_string(&members, native_member(arena, path->steps[at++].name));
    if (at == path->count && *members.data == '\0')
        return arena_printf(arena, "[%s]", node);
    if (at == path->count)
        return arena_printf(arena, "(%s%s.hasValue() ? [dyn(%s%s.value())] : [])", node,
                            members.data, node, members.data);
    const struct step *step = &path->steps[at];
    const struct schema_node *parent = at > 0 ? path->steps[at - 1].node : &emit->kind->root;
    if (parent == NULL || parent->type != SCHEMA_LIST || step->kind == STEP_GLOB)
        return native_cannot(emit, "its condition reads a map's entries");
    const char *inner =
        values_of(emit, path, at + 1, arena_printf(arena, "w%zu", depth), depth + 1);
    const char *filter = "true";
    if (step->kind == STEP_ELEMENT)
        filter = arena_printf(arena, "string(w%zu%s.orValue(\"\")) == %s", depth,
                              native_member(arena, step->name), native_quote(arena, step->value));
    else if (step->kind == STEP_HAVING)
        filter = arena_printf(arena, "w%zu%s.hasValue()", depth, native_member(arena, step->name));
    if (inner == NULL)
        return NULL;
    return arena_printf(arena, "%s%s.orValue([]).map(w%zu, %s, %s).flatten()", node, members.data,
                        depth, filter, inner);
}

static const char *tested(struct native_emit *emit, const struct action *action,
                          const struct schema_node *node)
{
    struct arena *arena = emit->arena;
    const char *name = action->verb->name;
    struct native_emit value = {
        .arena = arena, .rule = emit->rule, .action = action, .kind = emit->kind};
    if (!action->value.is_constant)
        return native_cannot(emit, "its condition compares with a variable");
    if (node == NULL ||
        (node->type != SCHEMA_STRING && node->type != SCHEMA_BOOL && node->type != SCHEMA_INT))
        return native_cannot(emit, "its condition compares more than texts, numbers and switches");
    const char *text = native_value(&value, action->value.value, node);
    if (text == NULL)
        return native_cannot(emit, value.why);
    if (strcmp(name, "equals") == 0)
        return arena_printf(arena, "v == %s", text);
    if (strcmp(name, "oneOf") == 0)
        return arena_printf(arena, "v in %s", text);
    if (strcmp(name, "noneOf") == 0)
        return arena_printf(arena, "!(v in %s)", text);
    return native_cannot(emit, "its condition has a pattern or a bound");
}

/* Whether absence counts as a value that the condition asks for. */
static bool compares_zero(const struct condition *condition, const struct path *path)
{
    if (path->count == 0 || path->steps[path->count - 1].field == NULL ||
        !path->steps[path->count - 1].field->zero_is_absent)
        return false;
    for (size_t i = 0; i < condition->action_count; i++) {
        const cJSON *value = condition->actions[i].value.value;
        if (value == NULL || schema_is_zero(value))
            return true;
        for (const cJSON *child = value->child; child != NULL; child = child->next)
            if (schema_is_zero(child))
                return true;
    }
    return false;
}

static const char *one_condition(struct native_emit *emit, const struct condition *condition)
{
    struct arena *arena = emit->arena;
    const struct path_list *paths = field_paths(condition->field, field_kind_index(emit->kind));
    const struct path *path = paths->count == 1 ? &paths->items[0] : NULL;
    if (paths->count == 0 && condition->tests_existence && condition->action_count == 0)
        return condition->exists ? "false" : "true";
    if (path == NULL || condition->field->view != VIEW_NONE || path->fallback != NULL ||
        (path->root != FIELD_OBJECT && path->root != FIELD_ELEMENT))
        return native_cannot(emit, "its condition reads more than one field of the object");
    if (compares_zero(condition, path))
        return native_cannot(emit, "its condition asks for a zero, which the API leaves out");
    const char *from = path->root == FIELD_OBJECT ? "object" : emit->elements[emit->path->base];
    const char *values = values_of(emit, path, 0, from, 0);
    struct buf positive, negative;
    buf_init(&positive, arena, LIMIT_POLICY_SET_BYTES);
    buf_init(&negative, arena, LIMIT_POLICY_SET_BYTES);
    for (size_t i = 0; i < condition->action_count && values != NULL; i++) {
        const struct action *action = &condition->actions[i];
        struct buf *buf = action->verb->negative ? &negative : &positive;
        const char *test = tested(emit, action, path->node);
        if (test == NULL)
            return NULL;
        buf_add_strings(buf, buf->length > 0 ? " && " : "", test, NULL);
    }
    if (values == NULL)
        return NULL;
    struct buf all;
    buf_init(&all, arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&all, "true");
    if (condition->tests_existence)
        buf_printf(&all, " && %s.size() %s 0", values, condition->exists ? ">" : "==");
    if (positive.length > 0)
        buf_printf(&all, " && %s.exists(v, %s)", values, positive.data);
    if (negative.length > 0)
        buf_printf(&all, " && %s.all(v, %s)", values, negative.data);
    return strncmp(all.data, "true && ", 8) == 0 ? all.data + 8 : all.data;
}

const char *native_when(struct native_emit *emit)
{
    struct buf all;
    buf_init(&all, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&all, "");
    for (size_t i = 0; i < emit->rule->condition_count; i++) {
        const char *one = one_condition(emit, &emit->rule->conditions[i]);
        if (one == NULL)
            return NULL;
        buf_add_strings(&all, all.length > 0 ? " && (" : "(", one, ")", NULL);
    }
    return all.length > 0 ? all.data : "true";
}
