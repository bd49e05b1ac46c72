#include "cli/native/native_set_internal.h"
#include "policy/value.h"
#include "policy/verb.h"

#include <string.h>

const char *native_cannot(struct native_emit *emit, const char *why)
{
    if (emit->why == NULL)
        emit->why = why;
    return NULL;
}

#define AND " && " /* before each test */

static bool is_verb(const struct native_emit *emit, const char *name)
{
    return strcmp(emit->action->verb->name, name) == 0;
}

/* ---- members --------------------------------------------------------------------------------- */

void native_members(const struct native_emit *emit, size_t at, size_t end,
                    struct native_member_path *ret_members)
{
    const struct path *path = emit->path;
    ret_members->count = 0;
    for (size_t i = at; i < end; i++) {
        ret_members->items[ret_members->count].name = path->steps[i].name;
        ret_members->items[ret_members->count].field = path->steps[i].field;
        ret_members->items[ret_members->count++].parent =
            i > 0 ? path->steps[i - 1].node : &emit->kind->root;
    }
}

const char *native_members_text(struct arena *arena, const struct native_member_path *members,
                                size_t count)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 0; i < count; i++)
        buf_add_string(&text, native_member(arena, members->items[i].name));
    return text.data;
}

/* One token (RFC 6901), inside a CEL string. */
static void add_token(struct arena *arena, struct buf *text, const char *name)
{
    struct buf token;
    buf_init(&token, arena, LIMIT_POLICY_SET_BYTES);
    for (; *name != '\0'; name++) {
        if (*name == '~')
            buf_add_string(&token, "~0");
        else if (*name == '/')
            buf_add_string(&token, "~1");
        else
            buf_add_char(&token, *name);
    }
    const char *quoted = native_quote(arena, token.data);
    buf_add_char(text, '/');
    buf_add(text, quoted + 1, strlen(quoted) - 2);
}

const char *native_pointer(struct arena *arena, const char *pointer,
                           const struct native_member_path *members, size_t count)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, pointer);
    for (size_t i = 0; i < count; i++)
        add_token(arena, &text, members->items[i].name);
    return text.data;
}

const char *native_parents(struct arena *arena, const char *node, const char *pointer,
                           const struct native_member_path *members)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 1; i < members->count; i++) {
        if (strcmp(node, "object") == 0 && i == 1 &&
            strcmp(members->items[0].name, "metadata") == 0)
            continue; /* that is always there */
        buf_printf(&text,
                   "%s(%s%s.hasValue() ? [] : [JSONPatch{op: \"add\", path: %s\", value: {}}])",
                   text.length > 0 ? " + " : "", node, native_members_text(arena, members, i),
                   native_pointer(arena, pointer, members, i));
    }
    return text.data;
}

/* No second member of a union: " && ..." for each step that is one. */
static const char *union_guard(struct native_emit *emit, const char *node,
                               const struct native_member_path *members)
{
    struct buf text;
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 0; i < members->count; i++) {
        const struct schema_field *field = members->items[i].field;
        const struct schema_node *parent = members->items[i].parent;
        if (field == NULL || field->union_group == 0 || parent == NULL ||
            parent->type != SCHEMA_OBJECT)
            continue;
        const char *above = native_members_text(emit->arena, members, i);
        buf_printf(&text, " && (%s%s%s.hasValue() || !(false", node, above,
                   native_member(emit->arena, field->name));
        for (size_t o = 0; o < parent->object->field_count; o++) {
            const struct schema_field *other = &parent->object->fields[o];
            if (other != field && other->union_group == field->union_group)
                buf_printf(&text, " || %s%s%s.hasValue()", node, above,
                           native_member(emit->arena, other->name));
        }
        buf_add_string(&text, "))");
    }
    return text.data;
}

/* ---- one place ------------------------------------------------------------------------------- */

/* A change that holds where `test` does, its variables are known and its rule is for the place. */
static const char *when_then(struct native_emit *emit, const char *test, const char *operations)
{
    const char *when = native_when(emit);
    if (when == NULL)
        return NULL;
    const char *all = arena_printf(emit->arena, "%s%s%s", strcmp(when, "true") == 0 ? "" : when,
                                   emit->resolved.data, test);
    if (*all == '\0')
        return operations;
    return arena_printf(emit->arena, "(%s ? %s : [])",
                        strncmp(all, AND, strlen(AND)) == 0 ? all + strlen(AND) : all, operations);
}

/* Of what is there already. */
static const char *replace(struct native_emit *emit, const char *pointer,
                           const struct native_member_path *members, const char *value)
{
    return arena_printf(emit->arena, "[JSONPatch{op: \"replace\", path: %s\", value: %s}]",
                        native_pointer(emit->arena, pointer, members, members->count), value);
}

static const char *put(struct native_emit *emit, const char *node, const char *pointer,
                       const struct native_member_path *members, const char *value)
{
    const char *parents = native_parents(emit->arena, node, pointer, members);
    if (members->count == 0)
        return replace(emit, pointer, members, value);
    return arena_printf(emit->arena, "%s%s[JSONPatch{op: \"add\", path: %s\", value: %s}]", parents,
                        *parents != '\0' ? " + " : "",
                        native_pointer(emit->arena, pointer, members, members->count), value);
}

/* The value at the place as an optional. */
static const char *place_value(struct native_emit *emit, const char *node,
                               const struct native_member_path *members)
{
    if (members->count == 0)
        return arena_printf(emit->arena, "optional.of(%s)", node);
    return arena_printf(emit->arena, "%s%s", node,
                        native_members_text(emit->arena, members, members->count));
}

static bool zero_is_absent(const struct native_member_path *members)
{
    return members->count > 0 && members->items[members->count - 1].field != NULL &&
           members->items[members->count - 1].field->zero_is_absent;
}

static const char *change_default(struct native_emit *emit, const char *node, const char *pointer,
                                  const struct native_member_path *members,
                                  const struct schema_node *schema)
{
    const cJSON *wanted = emit->action->value.value;
    if (zero_is_absent(members) && ((emit->action->value.is_constant && schema_is_zero(wanted)) ||
                                    strcmp(emit->kind->kind, "Scale") == 0))
        return "[]";
    const char *value = native_value(emit, wanted, schema);
    if (value == NULL)
        return NULL;
    const char *test =
        arena_printf(emit->arena, " && !%s.hasValue()%s", place_value(emit, node, members),
                     union_guard(emit, node, members));
    return when_then(emit, test, put(emit, node, pointer, members, value));
}

static bool is_whole(const struct native_emit *emit)
{
    return emit->rule->exactly || emit->path->steps[emit->path->count - 1].kind == STEP_ELEMENT;
}

/* "0%" is 0, and "05%" is "5%". */
static const char *differs_percent(struct native_emit *emit, const char *place, const char *value,
                                   const cJSON *wanted)
{
    const char *same = arena_printf(emit->arena, "v == %s", value);
    if (!emit->action->value.is_constant)
        return native_cannot(emit, "it compares with a percentage that is a variable");
    if (json_is_string(wanted)) {
        const char *digits = wanted->valuestring;
        if (digits[strspn(digits, "0123456789")] != '%')
            return native_cannot(emit, "its value is neither a number nor a percentage");
        digits += strspn(digits, "0");
        same = arena_printf(emit->arena, "string(v).matches(\"^0*%s%s$\")",
                            *digits == '%' ? "0" : "", digits);
        if (*digits == '%')
            same = arena_printf(emit->arena, "(v == 0 || %s)", same);
    } else if (schema_is_zero(wanted)) {
        same = "(v == 0 || string(v).matches(\"^0+%$\"))";
    }
    return arena_printf(emit->arena, " && !%s.optMap(v, %s).orValue(false)", place, same);
}

/* What differs from `value`, as a test on the place. */
static const char *differs(struct native_emit *emit, const char *node,
                           const struct native_member_path *members,
                           const struct schema_node *schema, const char *value, const cJSON *wanted)
{
    struct arena *arena = emit->arena;
    const char *place = place_value(emit, node, members);
    const enum value_type type = value_type_at(emit->rule->type, schema);
    if (type == VALUE_DURATION)
        return native_cannot(emit, "it compares durations");
    if (type == VALUE_INT_OR_PERCENT)
        return differs_percent(emit, place, value, wanted);
    if (json_is_object(wanted) && wanted->child == NULL && !is_whole(emit))
        return arena_printf(arena, " && !%s.hasValue()", place);
    if (type == VALUE_QUANTITY)
        return arena_printf(arena,
                            " && (!%s.hasValue() || "
                            "quantity(string(%s.value())).compareTo(quantity(string(%s))) != 0)",
                            place, place, value);
    if (zero_is_absent(members) && emit->action->value.is_constant && schema_is_zero(wanted))
        return arena_printf(arena, " && %s.orValue(%s) != %s", place, value, value);
    if (members->count == 0)
        return arena_printf(arena, " && %s != %s", node, value);
    return arena_printf(arena, " && (!%s.hasValue() || %s.value() != %s)", place, place, value);
}

/* ---- set: an object's members one by one ---------------------------------------------------- */

static bool is_leaf(const cJSON *value, bool whole)
{
    return whole || !json_is_object(value) || value->child == NULL;
}

static size_t count_leaves(const cJSON *value, bool whole)
{
    size_t count = 0;
    if (is_leaf(value, whole))
        return 1;
    for (const cJSON *child = value->child; child != NULL; child = child->next)
        count += count_leaves(child, false);
    return count;
}

size_t native_parts(const struct native_emit *emit)
{
    const struct rule *rule = emit->rule;
    if (!is_verb(emit, "set") || rule->exactly)
        return 1;
    const struct step *last =
        rule->field->step_count > 0 ? &rule->field->steps[rule->field->step_count - 1] : NULL;
    return last != NULL && last->kind == STEP_ELEMENT
               ? 1
               : count_leaves(emit->action->value.value, false);
}

/* Appends the members down to the leaf of that number; NULL: too deep. */
static const cJSON *find_leaf(const cJSON *value, size_t number, struct native_member_path *members,
                              const struct schema_node **schema)
{
    while (!is_leaf(value, false)) {
        const cJSON *child = value->child;
        for (size_t leaves; number >= (leaves = count_leaves(child, false)); child = child->next)
            number -= leaves;
        if (members->count == sizeof members->items / sizeof *members->items)
            return NULL;
        const bool known = *schema != NULL && (*schema)->type == SCHEMA_OBJECT;
        members->items[members->count].name = child->string;
        members->items[members->count].field =
            known ? schema_field_find((*schema)->object, child->string) : NULL;
        members->items[members->count++].parent = *schema;
        *schema = schema_member(*schema, child->string);
        value = child;
    }
    return value;
}

/* If one leaf would make a second member of a union, nothing of the value is put in. */
static const char *all_unions(struct native_emit *emit, const char *node,
                              const struct native_member_path *members,
                              const struct schema_node *schema, const cJSON *wanted)
{
    struct buf text;
    buf_init(&text, emit->arena, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&text, "");
    for (size_t i = 0; i < count_leaves(wanted, is_whole(emit)); i++) {
        struct native_member_path leaf = *members;
        const struct schema_node *ignored = schema;
        if (!is_whole(emit) && find_leaf(wanted, i, &leaf, &ignored) == NULL)
            return native_cannot(emit, "its value is nested too deeply");
        const char *guard = union_guard(emit, node, &leaf);
        if (strstr(text.data, guard) == NULL)
            buf_add_string(&text, guard);
    }
    return text.data;
}

static const char *change_set(struct native_emit *emit, const char *node, const char *pointer,
                              struct native_member_path *members, const struct schema_node *schema,
                              const cJSON *wanted)
{
    const char *unions = all_unions(emit, node, members, schema, wanted);
    if (unions != NULL && !is_whole(emit))
        wanted = find_leaf(wanted, emit->part, members, &schema);
    if (unions == NULL)
        return NULL;
    if (schema == NULL || schema->type == SCHEMA_ANY)
        return native_cannot(emit, "the schema does not know what stands at its field");
    if (json_is_array(wanted) && schema->merge_keys != NULL)
        return native_cannot(emit, "it sets a list whose elements have keys");
    const char *value = native_value(emit, wanted, schema);
    const char *test = value != NULL ? differs(emit, node, members, schema, value, wanted) : NULL;
    if (test == NULL)
        return NULL;
    return when_then(emit, arena_printf(emit->arena, "%s%s", test, unions),
                     put(emit, node, pointer, members, value));
}

static const char *change_bound(struct native_emit *emit, const char *node, const char *pointer,
                                const struct native_member_path *members,
                                const struct schema_node *schema)
{
    struct arena *arena = emit->arena;
    const bool is_min = is_verb(emit, "min");
    const enum value_type type = value_type_at(emit->rule->type, schema);
    const char *bound = native_value(emit, emit->action->value.value, schema);
    const char *place = place_value(emit, node, members), *test;
    const bool is_there = type != VALUE_INT || !zero_is_absent(members);
    if (bound == NULL)
        return NULL;
    if (type == VALUE_QUANTITY)
        test = arena_printf(arena,
                            " && %s.hasValue() && quantity(string(%s.value())).is%sThan("
                            "quantity(string(%s)))",
                            place, place, is_min ? "Less" : "Greater", bound);
    else if (type == VALUE_INT && !is_there)
        test = arena_printf(arena, " && int(%s.orValue(0)) %s int(%s)", place, is_min ? "<" : ">",
                            bound);
    else if (type == VALUE_INT)
        test = arena_printf(arena, " && %s.hasValue() && int(%s.value()) %s int(%s)", place, place,
                            is_min ? "<" : ">", bound);
    else
        return native_cannot(emit, "it moves durations or percentages to a bound");
    return when_then(emit, test,
                     is_there ? replace(emit, pointer, members, bound)
                              : put(emit, node, pointer, members, bound));
}

static const char *change_remove(struct native_emit *emit, const char *node, const char *pointer,
                                 const struct native_member_path *members)
{
    const char *test = "";
    if (members->count > 0)
        test = arena_printf(emit->arena, " && %s.hasValue()", place_value(emit, node, members));
    return when_then(emit, test,
                     arena_printf(emit->arena, "[JSONPatch{op: \"remove\", path: %s\"}]",
                                  native_pointer(emit->arena, pointer, members, members->count)));
}

/* {value: db} at env[name=DB_HOST] is {name: DB_HOST, value: db}. */
static const cJSON *whole_entry(struct native_emit *emit, const struct step *step,
                                const cJSON *value)
{
    if (!json_is_object(value) || json_find(value, step->name) != NULL)
        return value;
    cJSON *entry = json_new_object(emit->arena);
    json_add(emit->arena, entry, step->name, json_new_string(emit->arena, step->value));
    for (const cJSON *member = value->child; member != NULL; member = member->next)
        json_add(emit->arena, entry, member->string, json_dup(emit->arena, member));
    return entry;
}

const char *native_put_value(struct native_emit *emit, size_t from)
{
    const struct path *path = emit->path;
    const struct step *step = &path->steps[from - 1];
    if (!is_verb(emit, "default") && !is_verb(emit, "set"))
        return "";
    const cJSON *wanted = emit->action->value.value;
    if (from == path->count)
        return native_value(emit, whole_entry(emit, step, wanted), step->node);
    const char *value = native_value(emit, wanted, path->node);
    for (size_t i = path->count; i > from && value != NULL; i--) {
        if (path->steps[i - 1].kind != STEP_MEMBER)
            return native_cannot(emit, "its field chooses below an element that may be missing");
        value = arena_printf(emit->arena, "{%s: dyn(%s)}",
                             native_quote(emit->arena, path->steps[i - 1].name), value);
        if (i - 1 == from)
            break;
    }
    if (value == NULL)
        return NULL;
    return arena_printf(emit->arena, "{%s: dyn(%s), %s", native_quote(emit->arena, step->name),
                        native_quote(emit->arena, step->value), value + 1);
}

const char *native_change(struct native_emit *emit, size_t at, const char *node,
                          const char *pointer)
{
    const struct path *path = emit->path;
    struct native_member_path members;
    native_members(emit, at, path->count, &members);
    buf_clear(&emit->resolved);
    buf_add_string(&emit->resolved, "");
    if (is_verb(emit, "default"))
        return change_default(emit, node, pointer, &members, path->node);
    if (is_verb(emit, "remove"))
        return change_remove(emit, node, pointer, &members);
    if (!is_verb(emit, "set"))
        return change_bound(emit, node, pointer, &members, path->node);
    const struct step *last = &path->steps[path->count - 1];
    const bool is_entry = last->kind == STEP_ELEMENT;
    const cJSON *wanted = emit->action->value.value;
    return change_set(emit, node, pointer, &members, path->node,
                      is_entry ? whole_entry(emit, last, wanted) : wanted);
}
