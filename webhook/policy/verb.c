#include "policy/verb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const struct verb verb_remove, verb_set, verb_default, verb_min, verb_max, verb_equals,
    verb_one_of, verb_none_of, verb_contains, verb_pattern, verb_not_pattern, verb_unique,
    verb_required, verb_forbidden, verb_immutable, verb_deny;

/* A rule's actions run in this order, whatever the order in the file: what is taken out, what is
 * put in, what is moved into its bounds, what is only judged. */
const struct verb *const verbs[] = {
    &verb_remove,      &verb_set,    &verb_default,  &verb_min,       &verb_max,
    &verb_equals,      &verb_one_of, &verb_none_of,  &verb_contains,  &verb_pattern,
    &verb_not_pattern, &verb_unique, &verb_required, &verb_forbidden, &verb_immutable,
    &verb_deny,        NULL,
};

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

/* ---- parsing ---------------------------------------------------------------------------- */

bool verb_fail(struct verb_parse *parse, const cJSON *node, const char *code, const char *format,
               ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct place place = {parse->file, yaml_value_mark(node)};
    diag_add(parse->diagnostics, DIAG_ERROR, place, code, "%s", text);
    return false;
}

bool verb_parse_expr(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    struct err err;
    if (json_is_null(value))
        return verb_fail(parse, value, "bad-value", "%s needs a value; null is absent",
                         action->verb->name);
    /* expr_parse numbers the strings' templates in the set's own tree. */
    cJSON *tree = (cJSON *)(uintptr_t)value;
    if (expr_parse(&parse->set->arena, tree, parse->declared, &action->value, &err) != 0)
        return verb_fail(parse, value, "bad-variable", "%s", err.text);
    return true;
}

bool verb_parse_list(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    if (json_is_array(value) && value->child == NULL)
        return verb_fail(parse, value, "bad-value", "%s needs at least one value",
                         action->verb->name);
    if (!json_is_array(value) && !json_is_string(value))
        return verb_fail(parse, value, "bad-value", "%s takes a list: [%s]", action->verb->name,
                         json_is_object(value) ? "..." : "a, b");
    return verb_parse_expr(parse, value, action);
}

bool verb_parse_true(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    if (!json_is_true(value))
        return verb_fail(parse, value, "bad-value", "%s takes only true; leave the line out else",
                         action->verb->name);
    action->flag = true;
    action->value.is_constant = true;
    return true;
}

static bool fits_schema(const struct schema_node *node, const cJSON *value)
{
    switch (node->type) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_BOOL:
        return json_is_bool(value);
    case SCHEMA_INT:
    case SCHEMA_NUMBER:
        return json_is_number(value);
    case SCHEMA_STRING: /* a number is put in as its text */
    case SCHEMA_QUANTITY:
    case SCHEMA_INT_STRING:
        return json_is_string(value) || json_is_number(value);
    case SCHEMA_TIME:
    case SCHEMA_DURATION:
        return json_is_string(value);
    case SCHEMA_LIST:
        return json_is_array(value);
    case SCHEMA_OBJECT:
    case SCHEMA_MAP:
        return json_is_object(value);
    }
    return true;
}

static void lint_value(struct verb_parse *parse, const struct action *action,
                       const struct schema_node *node, const cJSON *value)
{
    const bool has_variable = json_is_string(value) && value->valueint > 0;
    if (json_is_null(value)) {
        if (action->verb->mutates) /* the API server drops it, and the rule puts it in again */
            verb_fail(parse, value, "bad-value", "%s: a value is missing; remove takes fields out",
                      action->verb->name);
        return;
    }
    if (has_variable)
        return;
    if (node != NULL && !fits_schema(node, value)) {
        verb_fail(parse, value, "bad-value", "%s: %s, must be %s", action->verb->name,
                  json_type_name(value), schema_type_name(node->type));
        return;
    }
    for (const cJSON *child = value->child; child != NULL; child = child->next) {
        const bool in_list = node != NULL && node->type == SCHEMA_LIST;
        const struct schema_node *inner = in_list ? node->item : schema_member(node, child->string);
        if (inner != NULL || node == NULL || node->type != SCHEMA_OBJECT) {
            lint_value(parse, action, inner, child);
            continue;
        }
        const char *near = schema_suggest(node->object, child->string);
        verb_fail(parse, child, "unknown-field", "%s: there is no \"%s\" here%s%s%s",
                  action->verb->name, child->string, near != NULL ? "; did you mean \"" : "",
                  near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
}

void verb_lint_value(struct verb_parse *parse, const struct rule *rule, const struct action *action,
                     const struct schema_node *node)
{
    if (rule->field != NULL && rule->field->view == VIEW_NONE)
        lint_value(parse, action, node, action->value.value);
}

/* ---- judging ---------------------------------------------------------------------------- */

const struct schema_node *verb_seen_node(const struct target *target)
{
    return target == NULL || target->view != VIEW_NONE ? NULL : target->path->node;
}

bool verb_zero_is_absent(const struct target *target)
{
    if (target == NULL || target->view != VIEW_NONE || target->path->count == 0)
        return false;
    const struct schema_field *field = target->path->steps[target->path->count - 1].field;
    return field != NULL && field->zero_is_absent;
}

bool verb_holds(const struct rule *rule, const struct target *target, const cJSON *seen,
                const cJSON *wanted)
{
    const enum value_type type = rule != NULL ? rule->type : VALUE_AUTO;
    return value_holds(type, verb_seen_node(target), verb_zero_is_absent(target), seen, wanted,
                       rule != NULL && rule->exactly);
}

bool verb_absent(const struct rule *rule, struct finding *ret_finding)
{
    if (rule != NULL && rule->optional)
        return true;
    *ret_finding = (struct finding){.reason = FINDING_REQUIRED, .bound = ""};
    return false;
}

bool verb_invalid(struct finding *ret_finding, const cJSON *found, const char *bound)
{
    *ret_finding = (struct finding){.reason = FINDING_INVALID, .found = found, .bound = bound};
    return false;
}

bool verb_unresolved(struct eval *eval, struct finding *ret_finding, const cJSON *found,
                     const char *variable)
{
    struct buf bound = verb_buf(eval);
    buf_printf(&bound, "cannot be judged: ${%s} has no value here", variable);
    verb_invalid(ret_finding, found, bound.data);
    if (found == NULL)
        ret_finding->reason = FINDING_REQUIRED;
    ret_finding->undecided = true;
    return false;
}

bool verb_unjudged(struct eval *eval, const struct rule *rule, struct finding *ret_finding,
                   const cJSON *found, const char *variable)
{
    if (found == NULL && (rule == NULL || rule->optional))
        return verb_absent(rule, ret_finding);
    return verb_unresolved(eval, ret_finding, found, variable);
}

bool verb_not_wanted(struct eval *eval, const struct rule *rule, const struct target *target,
                     const cJSON *seen, const cJSON *wanted, struct finding *ret_finding)
{
    if (seen == NULL) {
        if (verb_absent(rule, ret_finding))
            return true;
        ret_finding->wanted = wanted;
        return false;
    }
    const bool zero = verb_zero_is_absent(target) && schema_is_zero(wanted);
    struct buf bound = verb_buf(eval);
    buf_add_string(&bound, rule->exactly ? "must be exactly " : "must be ");
    value_write_plain(wanted, 200, &bound);
    if (zero)
        buf_add_string(&bound, " or absent");
    verb_invalid(ret_finding, seen, bound.data);
    ret_finding->wanted = zero || target->view != VIEW_NONE ? NULL : wanted;
    return false;
}

bool verb_check_absent(struct eval *eval, const struct rule *rule, const struct action *action,
                       const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    (void)eval;
    (void)rule;
    (void)action;
    (void)target;
    if (seen == NULL)
        return true;
    *ret_finding = (struct finding){.reason = FINDING_FORBIDDEN, .found = seen};
    ret_finding->bound = "not allowed here";
    return false;
}

/* ---- words ------------------------------------------------------------------------------ */

struct buf verb_buf(const struct eval *eval)
{
    struct buf buf;
    buf_init(&buf, eval->arena, LIMIT_BODY_BYTES);
    return buf;
}

void verb_explain_being(const struct rule *rule, struct buf *buf)
{
    buf_add_string(buf, rule == NULL ? "is " : "must be ");
}

void verb_write_choice(const cJSON *list, struct buf *buf)
{
    if (!json_is_array(list)) {
        value_write_plain(list, 200, buf);
        return;
    }
    size_t shown = 0;
    for (const cJSON *value = list->child; value != NULL; value = value->next) {
        if (shown++ > 0)
            buf_add_string(buf, value->next == NULL ? " or " : ", ");
        if (shown > 12) {
            buf_add_string(buf, "...");
            return;
        }
        value_write_plain(value, 100, buf);
    }
}
