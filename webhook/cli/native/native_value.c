#include "cli/native/native_cel.h"
#include "kube/quantity.h"
#include "policy/condition.h"
#include "policy/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a variable stands for -------------------------------------------------------------- */

static enum value_type type_of_node(const struct schema_node *node)
{
    return value_type_at(VALUE_AUTO, node);
}

static struct cel_expr unknown(struct cel *cel, const char *text, enum value_type type)
{
    return (struct cel_expr){text, cel_text(cel, "%s != null", text), NULL, type};
}

static const char *metadata_entry(struct cel *cel, const char *map, const char *key)
{
    const char *object = (cel->operations & OPERATION_DELETE) != 0
                             ? "(object != null ? object : oldObject)"
                             : "object";
    return cel_get(cel, cel_text(cel, "%s.?metadata.?%s", object, map), key);
}

static struct cel_expr field_expr(struct cel *cel, const struct variable *variable,
                                  const struct cel_target *target)
{
    const struct field *field = variable->field;
    const struct path_list *paths =
        field->by_kind != NULL ? field_paths(field, cel->kind_index) : NULL;
    if (paths == NULL || paths->count == 0)
        return (struct cel_expr){"null", "false", NULL, VALUE_AUTO};
    const struct path *path = &paths->items[0];
    const char *text = NULL;
    if (paths->count == 1 && field->view == VIEW_NONE && path->fallback == NULL)
        text = cel_plain_path(cel, path, cel_root(cel, path, target));
    if (text == NULL) {
        cel_cannot(cel, "${%s} may reach several values, or a view of one", variable->text);
        return (struct cel_expr){"null", "false", NULL, VALUE_AUTO};
    }
    return unknown(cel, text, type_of_node(path->node));
}

static struct cel_expr bare_variable(struct cel *cel, const struct variable *variable,
                                     const struct cel_target *target)
{
    const char *text;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a part is a text or a variable. */
    switch (variable->kind) {
    case VARIABLE_NAME:
        cel->needs |= CEL_NAME;
        return (struct cel_expr){"variables.name", "variables.name != \"\"", NULL, VALUE_STRING};
    case VARIABLE_NAMESPACE:
        text = "request.?namespace.orValue(\"\")";
        return (struct cel_expr){text, cel_text(cel, "%s != \"\"", text), NULL, VALUE_STRING};
    case VARIABLE_USER:
        text = "request.userInfo.?username.orValue(\"\")";
        return (struct cel_expr){text, cel_text(cel, "%s != \"\"", text), NULL, VALUE_STRING};
    case VARIABLE_LABEL:
        return unknown(cel, metadata_entry(cel, "labels", variable->key), VALUE_STRING);
    case VARIABLE_ANNOTATION:
        return unknown(cel, metadata_entry(cel, "annotations", variable->key), VALUE_STRING);
    case VARIABLE_DECLARED:
        cel->needs |= (unsigned long)CEL_DECLARED << variable->declared;
        return unknown(
            cel, cel_text(cel, "variables.own_%s", cel->policy->variables[variable->declared].name),
            VALUE_STRING);
    case VARIABLE_CONTAINER:
        if (target != NULL && target->container != NULL)
            return unknown(cel, cel_get(cel, target->container, "name"), VALUE_STRING);
        return (struct cel_expr){"null", "false", NULL, VALUE_STRING};
    case VARIABLE_PORT:
        if (target != NULL && target->container != NULL)
            return unknown(
                cel, cel_text(cel, "%s.?ports[?0].?containerPort.orValue(null)", target->container),
                VALUE_INT);
        return (struct cel_expr){"null", "false", NULL, VALUE_INT};
    case VARIABLE_FIELD:
        return field_expr(cel, variable, target);
    }
    return (struct cel_expr){"null", "false", NULL, VALUE_AUTO};
}

static struct cel_expr with_fallback(struct cel *cel, const struct variable *variable,
                                     const struct cel_target *target)
{
    struct cel_expr expr = bare_variable(cel, variable, target);
    if (variable->fallback == NULL || cel_is(expr.known, "true"))
        return expr;
    const enum value_type type = variable->fallback_is_number ? VALUE_INT : VALUE_STRING;
    const char *words =
        variable->fallback_is_number ? variable->fallback : cel_quote(cel, variable->fallback);
    if (cel_is(expr.known, "false"))
        return (struct cel_expr){words, "true", NULL, type};
    expr.text = cel_text(cel, "(%s ? dyn(%s) : dyn(%s))", expr.known, expr.text, words);
    expr.known = "true";
    expr.type = expr.type == type ? type : VALUE_AUTO;
    return expr;
}

static const struct template *template_of(const struct expr *expr, const cJSON *node)
{
    return json_is_string(node) && node->valueint > 0 &&
                   (size_t)node->valueint <= expr->template_count
               ? &expr->templates[node->valueint - 1]
               : NULL;
}

/* A part of a text: strings as they are, all else by string(). */
static const char *as_string(struct cel *cel, const struct cel_expr *expr)
{
    if (expr->type == VALUE_STRING)
        return expr->text;
    if (expr->type == VALUE_INT || expr->type == VALUE_BOOL)
        return cel_text(cel, "string(%s)", expr->text);
    return cel_cannot(cel, "a variable of any type stands inside a text");
}

struct cel_expr cel_expr(struct cel *cel, const struct expr *expr, const cJSON *node,
                         const struct cel_target *target)
{
    const struct template *template = template_of(expr, node);
    if (template == NULL)
        return (struct cel_expr){"null", "true", node, VALUE_AUTO};
    if (template->count == 1 && template->parts[0].variable != NULL)
        return with_fallback(cel, template->parts[0].variable, target);
    struct cel_expr all = {"", "true", NULL, VALUE_STRING};
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        const char *text;
        if (part->literal != NULL) {
            text = cel_quote(cel, part->literal);
        } else {
            const struct cel_expr one = with_fallback(cel, part->variable, target);
            all.known = cel_and(cel, all.known, one.known);
            text = as_string(cel, &one);
        }
        all.text = cel_text(cel, "%s%s%s", all.text, i > 0 ? " + " : "", text);
    }
    if (template->count > 1)
        all.text = cel_text(cel, "(%s)", all.text);
    return all;
}

struct cel_expr cel_expr_pattern(struct cel *cel, const struct action *action,
                                 const struct cel_target *target)
{
    const struct template *template = template_of(&action->value, action->value.value);
    struct cel_expr all = {"", "true", NULL, VALUE_STRING};
    if (template == NULL) {
        all.text = cel_pattern(cel, action->value.value->valuestring);
        return all;
    }
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        const char *text;
        if (part->literal != NULL) {
            text = cel_pattern(cel, part->literal);
        } else {
            const struct cel_expr one = with_fallback(cel, part->variable, target);
            all.known = cel_and(cel, all.known, one.known);
            text = cel_text(
                cel, "\"\\\\Q\" + %s.replace(\"\\\\E\", \"\\\\E\\\\\\\\E\\\\Q\") + \"\\\\E\"",
                as_string(cel, &one));
        }
        all.text = cel_text(cel, "%s%s%s", all.text, i > 0 ? " + " : "", text);
    }
    return all;
}

/* ---- the policy's own variables -------------------------------------------------------------- */

/* "^s([0-9]+)$": what stands before and behind the group, if both are plain text. */
static bool cut_group(const char *pattern, size_t *ret_before, size_t *ret_after)
{
    static const char meta[] = "\\^$.|?*+()[]{}";
    if (*pattern != '^')
        return false;
    const size_t before = strcspn(pattern + 1, meta);
    const char *open = pattern + 1 + before, *at = open + 1;
    if (*open != '(' || *at == '?')
        return false;
    bool in_class = false;
    for (int depth = 1; depth > 0; at++) {
        if (*at == '\0')
            return false;
        if (*at == '\\')
            at++;
        else if (*at == '[' && !in_class)
            in_class = true, at += at[1] == '^' || at[1] == ']';
        else if (*at == ']')
            in_class = false;
        else if (!in_class)
            depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
    }
    const size_t after = strcspn(at, meta);
    *ret_before = before;
    *ret_after = after;
    return strcmp(at + after, "$") == 0;
}

const char *cel_declared(struct cel *cel, size_t index)
{
    const struct policy_variable *variable = &cel->policy->variables[index];
    const struct cel_expr from = cel_expr(cel, &variable->from, variable->from.value, NULL);
    if (from.constant != NULL)
        return cel_scalar(cel, from.constant);
    if (from.type != VALUE_STRING)
        return cel_cannot(cel, "the variable %s is made of what is no text", variable->name);
    const char *value = cel_name(cel), *text;
    size_t before, after;
    if (variable->pattern == NULL) {
        text = cel_text(cel, "%s != \"\" ? dyn(%s) : null", value, value);
    } else if (!pattern_has_group(variable->pattern)) {
        return cel_cannot(cel, "the variable %s is a match in the midst of a text", variable->name);
    } else if (cut_group(variable->pattern_text, &before, &after)) {
        text = cel_text(cel,
                        "%s.matches(%s) && size(%s) > %zu ? dyn(%s.substring(%zu, size(%s) - %zu)) "
                        ": null",
                        value, cel_pattern(cel, variable->pattern_text), value, before + after,
                        value, before, value, after);
    } else {
        return cel_cannot(cel,
                          "the variable %s is cut out of a text by a pattern that is more than "
                          "^BEFORE(group)AFTER$: CEL gives no groups",
                          variable->name);
    }
    return cel_text(cel, "%s ? [%s].map(%s, %s)[0] : null", from.known, from.text, value, text);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_node(const struct cel_value *value, enum schema_type type)
{
    return value->node != NULL && value->node->type == type;
}

/* The sameness of texts where the value is of any type: a number counts as its digits. */
static const char *same_text(struct cel *cel, const struct cel_value *value, const char *text)
{
    if (is_node(value, SCHEMA_STRING) || is_node(value, SCHEMA_TIME) || value->view != VIEW_NONE)
        return cel_text(cel, "%s == %s", value->text, text);
    return cel_text(cel, "(type(%s) == int ? string(%s) : %s) == %s", value->text, value->text,
                    value->text, text);
}

static const char *order_strings(struct cel *cel, const struct cel_value *value,
                                 const struct cel_expr *bound)
{
    char scratch[32];
    if (bound->constant == NULL)
        return bound->type == VALUE_STRING ? same_text(cel, value, bound->text)
               : bound->type == VALUE_INT
                   ? same_text(cel, value, cel_text(cel, "string(%s)", bound->text))
                   : cel_cannot(cel, "a text is held against a variable of any type");
    if (json_is_number(bound->constant))
        return same_text(cel, value, cel_quote(cel, json_number_text(bound->constant, scratch)));
    if (!json_is_string(bound->constant))
        return "false";
    const char *text = bound->constant->valuestring;
    if (*text != '\0' && strspn(text, "-0123456789") == strlen(text))
        return same_text(cel, value, cel_quote(cel, text));
    return cel_text(cel, "%s == %s", value->text, cel_quote(cel, text));
}

static const char *order_ints(struct cel *cel, const struct cel_value *value, const char *op,
                              const struct cel_expr *bound)
{
    int64_t number = 0;
    const char *text = bound->text, *found = value->text;
    if (bound->constant != NULL) {
        if (!value_read_int(bound->constant, &number))
            return cel_cannot(cel, "a whole number is held against %s",
                              json_type_name(bound->constant));
        text = cel_text(cel, "%" PRId64, number);
    } else if (bound->type != VALUE_INT) {
        return cel_cannot(cel, "a whole number is held against a variable of another type");
    }
    if (is_node(value, SCHEMA_INT) || value->view == VIEW_COUNT)
        return cel_text(cel, "%s %s %s", found, op, text);
    return cel_text(cel,
                    "(type(%s) == string ? %s.matches(\"^-?[0-9]{1,18}$\") && int(%s) %s %s : "
                    "(type(%s) == int || type(%s) == double) && %s %s %s)",
                    found, found, found, op, text, found, found, found, op, text);
}

static const char *order_quantities(struct cel *cel, const struct cel_value *value, const char *op,
                                    const struct cel_expr *bound)
{
    char scratch[32];
    struct quantity ignored;
    const char *found = value->text, *other = bound->text;
    if (bound->constant != NULL) {
        const char *text = json_is_number(bound->constant)
                               ? json_number_text(bound->constant, scratch)
                               : json_string(bound->constant);
        if (text == NULL || !quantity_parse(text, &ignored))
            return "false";
        other = cel_quote(cel, text);
    } else if (bound->type != VALUE_QUANTITY) {
        return cel_cannot(cel, "a quantity is held against a variable of another type");
    }
    if (is_node(value, SCHEMA_QUANTITY))
        return cel_text(cel, "quantity(%s).compareTo(quantity(%s)) %s 0", found, other, op);
    return cel_text(cel,
                    "((type(%s) == string || type(%s) == int) && isQuantity(string(%s)) && "
                    "quantity(string(%s)).compareTo(quantity(%s)) %s 0)",
                    found, found, found, found, other, op);
}

static const char *order_percents(struct cel *cel, const struct cel_value *value, const char *op,
                                  const struct cel_expr *bound)
{
    const char *found = value->text;
    int64_t number;
    if (bound->constant == NULL)
        return cel_cannot(cel, "a number or percentage is held against a variable");
    if (json_int64(bound->constant, &number)) {
        const char *as_int =
            cel_text(cel, "(type(%s) == int && %s %s %" PRId64 ")", found, found, op, number);
        return number != 0 ? as_int
                           : cel_text(cel, "%s || (type(%s) == string && %s.matches(\"^0+%%$\"))",
                                      as_int, found, found);
    }
    const char *text = json_string(bound->constant);
    const size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 18 || strcmp(text + digits, "%") != 0)
        return text != NULL && cel_is(op, "==")
                   ? cel_text(cel, "%s == %s", found, cel_quote(cel, text))
                   : cel_cannot(cel, "a number or percentage is held against %s",
                                text != NULL ? text : json_type_name(bound->constant));
    number = strtoll(text, NULL, 10);
    const char *as_percent = cel_text(
        cel,
        "(type(%s) == string && %s.matches(\"^[0-9]{1,18}%%$\") && int(%s.replace(\"%%\", \"\")) "
        "%s %" PRId64 ")",
        found, found, found, op, number);
    return number != 0 ? as_percent : cel_text(cel, "%s || %s == 0", as_percent, found);
}

static const char *order_any(struct cel *cel, const struct cel_value *value, const char *op,
                             const struct cel_expr *bound)
{
    if (bound->constant == NULL)
        return bound->type == VALUE_STRING && cel_is(op, "==")
                   ? cel_text(cel, "%s == %s", value->text, bound->text)
                   : cel_cannot(cel, "a value of any type is held against a variable");
    if (json_is_number(bound->constant) && !cel_is(op, "=="))
        return cel_text(cel, "((type(%s) == int || type(%s) == double) && %s %s %s)", value->text,
                        value->text, value->text, op, cel_scalar(cel, bound->constant));
    return cel_text(cel, "%s == %s", value->text, cel_scalar(cel, bound->constant));
}

const char *cel_order(struct cel *cel, enum value_type type, const struct cel_value *value,
                      const char *op, const struct cel_expr *bound)
{
    const struct schema_node *node = value->view == VIEW_NONE ? value->node : NULL;
    switch (value->view == VIEW_COUNT ? VALUE_INT : value_type_at(type, node)) {
    case VALUE_STRING:
        return order_strings(cel, value, bound);
    case VALUE_INT:
        return order_ints(cel, value, op, bound);
    case VALUE_QUANTITY:
        return order_quantities(cel, value, op, bound);
    case VALUE_INT_OR_PERCENT:
        return order_percents(cel, value, op, bound);
    case VALUE_DURATION:
        return cel_cannot(cel, "durations are compared");
    case VALUE_BOOL:
        if (bound->constant == NULL)
            return bound->type == VALUE_BOOL
                       ? cel_text(cel, "%s == %s", value->text, bound->text)
                       : cel_cannot(cel, "a boolean is held against a variable");
        return json_is_bool(bound->constant)
                   ? cel_text(cel, "%s == %s", value->text, cel_scalar(cel, bound->constant))
                   : "false";
    case VALUE_AUTO:
        break;
    }
    return order_any(cel, value, op, bound);
}

/* ---- holding --------------------------------------------------------------------------------- */

static const struct schema_field *field_of(const struct schema_node *node, const char *name)
{
    return node != NULL && node->type == SCHEMA_OBJECT ? schema_field_find(node->object, name)
                                                       : NULL;
}

/* Members that are not wanted may only be what the API server fills in. */
static const char *no_others(struct cel *cel, const struct cel_value *value, const cJSON *wanted)
{
    const struct schema_node *node = value->node;
    const char *key = cel_name(cel), *list = "", *fine;
    for (const cJSON *member = wanted->child; member != NULL; member = member->next)
        list = cel_text(cel, "%s%s%s", list, *list != '\0' ? ", " : "",
                        cel_quote(cel, member->string));
    fine = cel_text(cel, "%s in [%s] || %s[%s] == null", key, list, value->text, key);
    for (size_t i = 0; node != NULL && node->type == SCHEMA_OBJECT && i < node->object->field_count;
         i++) {
        const struct schema_field *field = &node->object->fields[i];
        if (field->default_json != NULL && json_find(wanted, field->name) == NULL &&
            strchr("{[", *field->default_json) == NULL)
            fine = cel_text(cel, "%s || (%s == %s && %s[%s] == %s)", fine, key,
                            cel_quote(cel, field->name), value->text, key, field->default_json);
    }
    return cel_text(cel, "%s.all(%s, %s)", value->text, key, fine);
}

static const char *holds_object(struct cel *cel, const struct cel_value *value,
                                const struct expr *expr, const cJSON *wanted, bool exactly,
                                const struct cel_target *target)
{
    const char *all = cel_not(cel, value->absent);
    const char *name = cel_name(cel);
    const char *inside = value->node == NULL && value->view == VIEW_NONE
                             ? cel_text(cel, "type(%s) == map", name)
                             : "true";
    for (const cJSON *member = wanted->child; member != NULL; member = member->next) {
        const struct schema_field *field = field_of(value->node, member->string);
        const char *inner = cel_name(cel);
        struct cel_value found = {.text = inner, .readable = "true"};
        found.absent = cel_text(cel, "%s == null", inner);
        found.node = schema_member(value->node, member->string);
        found.zero_is_absent = field != NULL && field->zero_is_absent;
        const char *holds = cel_holds(cel, VALUE_AUTO, &found, expr, member, exactly, target);
        inside =
            cel_and(cel, inside, cel_bind(cel, inner, cel_get(cel, name, member->string), holds));
    }
    if (exactly) {
        struct cel_value whole = *value;
        whole.text = name;
        inside = cel_and(cel, inside, no_others(cel, &whole, wanted));
    }
    return cel_and(cel, all, cel_bind(cel, name, value->text, inside));
}

static const char *holds_list(struct cel *cel, const struct cel_value *value,
                              const struct expr *expr, const cJSON *wanted, bool exactly,
                              const struct cel_target *target)
{
    const struct schema_node *item = value->node != NULL ? value->node->item : NULL;
    const char *name = cel_name(cel);
    const char *all =
        cel_text(cel, "type(%s) == list && size(%s) == %zu", name, name, json_count(wanted));
    size_t index = 0;
    for (const cJSON *want = wanted->child; want != NULL; want = want->next, index++) {
        struct cel_value found = {.readable = "true", .absent = "false", .node = item};
        if (value->node != NULL && value->node->merge_keys != NULL)
            return cel_cannot(cel, "a whole list with a merge key is compared");
        found.text = cel_text(cel, "%s[%zu]", name, index);
        all = cel_and(cel, all, cel_holds(cel, VALUE_AUTO, &found, expr, want, exactly, target));
    }
    return cel_bind(cel, name, value->text, all);
}

const char *cel_holds(struct cel *cel, enum value_type type, const struct cel_value *value,
                      const struct expr *expr, const cJSON *wanted, bool exactly,
                      const struct cel_target *target)
{
    const struct cel_expr made = cel_expr(cel, expr, wanted, target);
    const bool absent = cel_is(value->absent, "true");
    if (made.constant != NULL && json_is_null(wanted))
        return value->absent;
    if (made.constant != NULL && json_is_object(wanted))
        return absent ? "false" : holds_object(cel, value, expr, wanted, exactly, target);
    if (made.constant != NULL && json_is_array(wanted))
        return absent ? "false" : holds_list(cel, value, expr, wanted, exactly, target);
    if (value->zero_is_absent && made.constant == NULL &&
        (made.type == VALUE_AUTO || made.type == VALUE_INT || made.type == VALUE_BOOL))
        return cel_cannot(cel, "a variable may be the zero that the API leaves out");
    const bool zero = value->zero_is_absent && made.constant != NULL && schema_is_zero(wanted);
    if (absent)
        return zero ? "true" : "false";
    const char *same = cel_order(cel, type, value, "==", &made);
    /* Only == takes a null; what parses it does not. */
    if (cel_is(value->absent, "false"))
        return cel_and(cel, made.known, same);
    if (zero)
        return cel_and(cel, made.known, cel_or(cel, value->absent, same));
    const bool takes_null = strncmp(same, value->text, strlen(value->text)) == 0 &&
                            strncmp(same + strlen(value->text), " == ", 4) == 0 &&
                            strstr(value->absent, " == null") != NULL;
    return cel_and(cel, made.known,
                   takes_null ? same : cel_and(cel, cel_not(cel, value->absent), same));
}
