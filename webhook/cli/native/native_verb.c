#include "base/limits.h"
#include "cli/native/native_cel.h"

#include <string.h>

/* Each row as its verb_NAME.c reads. */
typedef const char *check_verb(struct cel *cel, const struct rule *rule,
                               const struct action *action, const struct cel_target *target,
                               const struct cel_value *seen);

static bool waived(const struct rule *rule)
{
    return rule != NULL && rule->optional;
}

static enum value_type type_of(const struct rule *rule)
{
    return rule != NULL ? rule->type : VALUE_AUTO;
}

static const char *or_waived(struct cel *cel, const struct rule *rule, const struct cel_value *seen,
                             const char *text)
{
    return waived(rule) ? cel_or(cel, seen->absent, text) : text;
}

static const char *equals(struct cel *cel, const struct rule *rule, const struct action *action,
                          const struct cel_target *target, const struct cel_value *seen)
{
    return or_waived(cel, rule, seen,
                     cel_holds(cel, type_of(rule), seen, &action->value, action->value.value,
                               rule != NULL && rule->exactly, target));
}

/* Of an element that is chosen by its key the value is the whole entry, with its key. */
static const char *set(struct cel *cel, const struct rule *rule, const struct action *action,
                       const struct cel_target *target, const struct cel_value *seen)
{
    if (!seen->is_element)
        return equals(cel, rule, action, target, seen);
    const struct path *path = target->path;
    const struct step *step = &path->steps[path->count - 1];
    const cJSON *wanted = action->value.value;
    if (json_is_object(wanted) && json_find(wanted, step->name) == NULL) {
        cJSON *entry = json_dup(cel->arena, wanted);
        json_add(cel->arena, entry, step->name, json_new_string(cel->arena, step->value));
        wanted = entry;
    }
    return or_waived(cel, rule, seen,
                     cel_holds(cel, VALUE_AUTO, seen, &action->value, wanted, true, target));
}

/* "${path}" as the whole of a list: all the values that the field reaches. */
static const struct field *whole_field(const struct action *action)
{
    const cJSON *value = action->value.value;
    if (!json_is_string(value) || value->valueint <= 0)
        return NULL;
    const struct template *template = &action->value.templates[value->valueint - 1];
    const struct variable *variable = template->count == 1 ? template->parts[0].variable : NULL;
    return variable != NULL && variable->kind == VARIABLE_FIELD && variable->fallback == NULL
               ? variable->field
               : NULL;
}

const char *cel_known(struct cel *cel, const struct action *action, const struct cel_target *target)
{
    const cJSON *value = action->value.value;
    const char *all = "true";
    if (action->value.is_constant || value == NULL)
        return all;
    if (strcmp(action->verb->name, "pattern") == 0 || strcmp(action->verb->name, "notPattern") == 0)
        return cel_expr_pattern(cel, action, target).known;
    const bool list = strcmp(action->verb->name, "oneOf") == 0 ||
                      strcmp(action->verb->name, "noneOf") == 0 ||
                      strcmp(action->verb->name, "contains") == 0;
    if (list && whole_field(action) != NULL)
        return all; /* no values are an empty list */
    if (!json_is_array(value))
        return cel_expr(cel, &action->value, value, target).known;
    for (const cJSON *node = value->child; node != NULL; node = node->next)
        all = cel_and(cel, all, cel_expr(cel, &action->value, node, target).known);
    return all;
}

struct comparison {
    enum value_type type;
    const struct cel_value *seen;
};

static const char *is_same(struct cel *cel, void *context, const struct cel_target *target,
                           const struct cel_value *other)
{
    const struct comparison *comparison = context;
    const struct schema_node *node = other->view == VIEW_NONE ? other->node : NULL;
    const bool is_text = other->view >= VIEW_REGISTRY || other->view == VIEW_KEYS;
    const struct cel_expr bound = {other->text, "true", NULL,
                                   is_text ? VALUE_STRING : value_type_at(VALUE_AUTO, node)};
    (void)target;
    if (!cel_is(other->readable, "true"))
        return cel_cannot(cel, "a value is held against the parts of images");
    const char *there =
        cel_and(cel, cel_not(cel, other->absent), cel_not(cel, comparison->seen->absent));
    return cel_and(cel, there, cel_order(cel, comparison->type, comparison->seen, "==", &bound));
}

static const char *in_list(struct cel *cel, const struct rule *rule, const struct action *action,
                           const struct cel_target *target, const struct cel_value *seen)
{
    const cJSON *list = action->value.value;
    const char *any = "false";
    const struct field *field = whole_field(action);
    struct comparison comparison = {type_of(rule), seen};
    if (field != NULL)
        return cel_field(cel, field, target, CEL_ANY, is_same, &comparison);
    if (!json_is_array(list))
        return cel_holds(cel, type_of(rule), seen, &action->value, list,
                         rule != NULL && rule->exactly, target);
    for (const cJSON *value = list->child; value != NULL; value = value->next)
        any = cel_or(cel, any,
                     cel_holds(cel, type_of(rule), seen, &action->value, value,
                               rule != NULL && rule->exactly, target));
    return any;
}

/* Plain texts as one list: shorter to read. */
static const char *in_texts(struct cel *cel, const struct rule *rule, const struct action *action,
                            const struct cel_value *seen)
{
    const cJSON *list = action->value.value;
    const enum value_type type =
        value_type_at(type_of(rule), seen->view == VIEW_NONE ? seen->node : NULL);
    const char *texts = "";
    if (!action->value.is_constant || !json_is_array(list) || cel_is(seen->absent, "true") ||
        (type != VALUE_STRING && type != VALUE_AUTO) || json_count(list) < 2)
        return NULL;
    for (const cJSON *value = list->child; value != NULL; value = value->next) {
        if (!json_is_string(value) || value->valuestring[0] == '\0' ||
            strspn(value->valuestring, "-0123456789") == strlen(value->valuestring))
            return NULL;
        texts = cel_text(cel, "%s%s%s", texts, *texts != '\0' ? ", " : "",
                         cel_quote(cel, value->valuestring));
    }
    return cel_text(cel, "%s in [%s]", seen->text, texts);
}

static const char *one_of(struct cel *cel, const struct rule *rule, const struct action *action,
                          const struct cel_target *target, const struct cel_value *seen)
{
    const char *texts = in_texts(cel, rule, action, seen);
    if (texts == NULL)
        texts =
            cel_and(cel, cel_known(cel, action, target), in_list(cel, rule, action, target, seen));
    else if (!cel_is(seen->absent, "false") && strstr(seen->absent, " == null") == NULL)
        texts = cel_and(cel, cel_not(cel, seen->absent), texts);
    return or_waived(cel, rule, seen, texts);
}

static bool has_shapes(const cJSON *list)
{
    for (const cJSON *value = json_is_array(list) ? list->child : NULL; value != NULL;
         value = value->next)
        if (json_is_array(value) || json_is_object(value))
            return true;
    return false;
}

static const char *none_of(struct cel *cel, const struct rule *rule, const struct action *action,
                           const struct cel_target *target, const struct cel_value *seen)
{
    if (cel_is(seen->absent, "true"))
        return "true";
    const char *texts = in_texts(cel, rule, action, seen);
    const char *known = cel_known(cel, action, target);
    if (texts == NULL)
        texts = in_list(cel, rule, action, target, seen);
    const char *none = cel_and(cel, known, cel_not(cel, texts));
    /* A text is never one of the maps, which must not pass for none of them. */
    if (has_shapes(action->value.value))
        none = cel_and(
            cel, cel_text(cel, "(type(%s) == list || type(%s) == map)", seen->text, seen->text),
            none);
    return cel_or(cel, seen->absent, none);
}

static const char *is_contained(struct cel *cel, void *context, const struct cel_target *target,
                                const struct cel_value *other)
{
    const struct comparison *comparison = context;
    const struct cel_value *list = comparison->seen;
    const char *element = cel_name(cel);
    struct cel_value one = {.text = element, .absent = "false", .readable = "true"};
    one.node = list->node != NULL ? list->node->item : NULL;
    struct comparison inner = {VALUE_AUTO, &one};
    return cel_or(cel, other->absent,
                  cel_text(cel, "%s.exists(%s, %s)", list->text, element,
                           is_same(cel, &inner, target, other)));
}

static const char *contains(struct cel *cel, const struct rule *rule, const struct action *action,
                            const struct cel_target *target, const struct cel_value *seen)
{
    const cJSON *list = action->value.value;
    const char *all = cel_and(cel, cel_not(cel, seen->absent),
                              seen->node != NULL && seen->node->type == SCHEMA_LIST
                                  ? "true"
                                  : cel_text(cel, "type(%s) == list", seen->text));
    const struct field *field = whole_field(action);
    struct comparison comparison = {VALUE_AUTO, seen};
    if (field != NULL)
        all = cel_and(cel, all, cel_field(cel, field, target, CEL_ALL, is_contained, &comparison));
    else if (!json_is_array(list))
        return cel_cannot(cel, "contains takes a single variable");
    for (const cJSON *wanted = field == NULL ? list->child : NULL; wanted != NULL;
         wanted = wanted->next) {
        const char *element = cel_name(cel);
        struct cel_value found = {.text = element, .readable = "true"};
        found.absent = "false";
        found.node = seen->node != NULL ? seen->node->item : NULL;
        all = cel_and(
            cel, all,
            cel_text(cel, "%s.exists(%s, %s)", seen->text, element,
                     cel_holds(cel, VALUE_AUTO, &found, &action->value, wanted, false, target)));
    }
    return or_waived(cel, rule, seen, cel_is(seen->absent, "true") ? "false" : all);
}

static const char *bound(struct cel *cel, const struct rule *rule, const struct action *action,
                         const struct cel_target *target, const struct cel_value *seen)
{
    const char *op = strcmp(action->verb->name, "min") == 0 ? ">=" : "<=";
    struct cel_value number = *seen;
    const struct cel_expr other = cel_expr(cel, &action->value, action->value.value, target);
    /* Absent is 0 where the API omits it. */
    if (seen->view == VIEW_NONE && seen->zero_is_absent && seen->node != NULL &&
        seen->node->type == SCHEMA_INT && !cel_is(seen->absent, "false")) {
        number.text = cel_is(seen->absent, "true")
                          ? "0"
                          : cel_text(cel, "(%s ? 0 : %s)", seen->absent, seen->text);
        number.absent = "false";
    }
    if (cel_is(number.absent, "true"))
        return waived(rule) ? "true" : "false";
    const char *holds =
        cel_and(cel, other.known, cel_order(cel, type_of(rule), &number, op, &other));
    if (cel_is(number.absent, "false"))
        return holds;
    return waived(rule) ? cel_or(cel, number.absent, holds)
                        : cel_and(cel, cel_not(cel, number.absent), holds);
}

static const char *pattern(struct cel *cel, const struct rule *rule, const struct action *action,
                           const struct cel_target *target, const struct cel_value *seen)
{
    const bool negative = action->verb->negative;
    if (cel_is(seen->absent, "true"))
        return negative || waived(rule) ? "true" : "false";
    const struct cel_expr expression = cel_expr_pattern(cel, action, target);
    const bool is_text = seen->view != VIEW_NONE ||
                         (seen->node != NULL &&
                          (seen->node->type == SCHEMA_STRING || seen->node->type == SCHEMA_TIME));
    const char *found =
        cel_text(cel, "%s%s.matches(%s)", negative ? "!" : "",
                 is_text ? seen->text : cel_text(cel, "string(%s)", seen->text), expression.text);
    found = cel_and(cel, expression.known, found);
    if (!is_text)
        found = cel_and(cel,
                        cel_text(cel, "(type(%s) == string || type(%s) == int || type(%s) == bool)",
                                 seen->text, seen->text, seen->text),
                        found);
    return negative || waived(rule) ? cel_or(cel, seen->absent, found)
                                    : cel_and(cel, cel_not(cel, seen->absent), found);
}

static const char *there(struct cel *cel, const struct rule *rule, const struct action *action,
                         const struct cel_target *target, const struct cel_value *seen)
{
    (void)action;
    (void)target;
    return waived(rule) ? "true" : cel_not(cel, seen->absent);
}

static const char *not_there(struct cel *cel, const struct rule *rule, const struct action *action,
                             const struct cel_target *target, const struct cel_value *seen)
{
    (void)cel;
    (void)rule;
    (void)action;
    (void)target;
    return seen->absent;
}

/* A default that is the zero which the API omits is there by being absent; a Scale leaves nothing
 * open. */
static const char *filled(struct cel *cel, const struct rule *rule, const struct action *action,
                          const struct cel_target *target, const struct cel_value *seen)
{
    const bool is_scale = cel->kind != NULL && strcmp(cel->kind->kind, "Scale") == 0;
    if (seen->zero_is_absent &&
        (is_scale || (action->value.is_constant && schema_is_zero(action->value.value))))
        return "true";
    if (seen->zero_is_absent && !action->value.is_constant)
        return cel_cannot(cel,
                          "the default is a variable that may be the zero which the API omits");
    return there(cel, rule, action, target, seen);
}

/* Of a list itself each element once; of what an element has, once among the elements: that
 * compares values of several targets, which are judged one by one here. */
static const char *unique(struct cel *cel, const struct rule *rule, const struct action *action,
                          const struct cel_target *target, const struct cel_value *seen)
{
    (void)rule;
    (void)action;
    if (seen->node != NULL && seen->node->type == SCHEMA_LIST && seen->view == VIEW_NONE) {
        const char *a = cel_name(cel), *b = cel_name(cel);
        if (cel_is(seen->absent, "true"))
            return "true";
        return cel_or(cel, seen->absent,
                      cel_text(cel, "%s.all(%s, %s.exists_one(%s, %s == %s))", seen->text, a,
                               seen->text, b, b, a));
    }
    if (seen->view != VIEW_NONE || seen->node == NULL)
        return cel_cannot(cel, "unique over a view, or over a field of unknown type");
    return target->path->base == 0 ? "true"
                                   : cel_cannot(cel, "unique over what several elements have");
}

static const char *never(struct cel *cel, const struct rule *rule, const struct action *action,
                         const struct cel_target *target, const struct cel_value *seen)
{
    (void)cel;
    (void)rule;
    (void)action;
    (void)target;
    (void)seen;
    return "false";
}

static const struct {
    const char *name;
    check_verb *check; /* NULL: of the field as a whole */
} rows[] = {{"remove", not_there},   {"set", set},
            {"default", filled},     {"min", bound},
            {"max", bound},          {"equals", equals},
            {"oneOf", one_of},       {"noneOf", none_of},
            {"contains", contains},  {"pattern", pattern},
            {"notPattern", pattern}, {"unique", unique},
            {"required", there},     {"forbidden", not_there},
            {"immutable", NULL},     {"deny", never}};

const char *cel_check(struct cel *cel, const struct rule *rule, const struct action *action,
                      const struct cel_target *target, const struct cel_value *seen)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, action->verb->name) == 0)
            return rows[i].check == NULL ? "true" : rows[i].check(cel, rule, action, target, seen);
    return cel_cannot(cel, "the verb %s is unknown here", action->verb->name);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void add_words(const struct action *action, bool exactly, struct buf *buf)
{
    const char *name = action->verb->name;
    const cJSON *value = action->value.value;
    const bool several = json_is_array(value) && json_count(value) > 1;
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        buf_add_string(buf, strcmp(name, "min") == 0 ? "at least " : "at most ");
        value_write_plain(value, 100, buf);
    } else if (strcmp(name, "equals") == 0 || strcmp(name, "set") == 0) {
        buf_add_string(buf, exactly ? "must be exactly " : "must be ");
        value_write_plain(value, 200, buf);
    } else if (strcmp(name, "oneOf") == 0 || strcmp(name, "noneOf") == 0) {
        buf_add_string(buf, strcmp(name, "noneOf") == 0 ? "must not be "
                            : several                   ? "must be one of "
                                                        : "must be ");
        verb_write_choice(value, buf);
    } else if (strcmp(name, "contains") == 0) {
        buf_add_string(buf, "must contain ");
        verb_write_choice(value, buf);
    } else if (strcmp(name, "pattern") == 0 || strcmp(name, "notPattern") == 0) {
        buf_add_string(buf, strcmp(name, "pattern") == 0 ? "must fit " : "must not fit ");
        value_write_plain(value, 200, buf);
    } else if (strcmp(name, "default") == 0 || strcmp(name, "required") == 0) {
        buf_add_string(buf, "must be there");
    } else if (strcmp(name, "unique") == 0) {
        buf_add_string(buf, "no value may stand twice in one list");
    } else if (strcmp(name, "immutable") == 0) {
        buf_add_string(buf, "must stay as it is");
    } else {
        buf_add_string(buf, "not allowed here");
    }
}

void cel_bound_words(const struct rule *rule, struct buf *buf)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        buf_add_string(buf, i > 0 ? ", and " : "");
        add_words(&rule->actions[i], rule->exactly, buf);
    }
}
