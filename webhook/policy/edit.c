#include "policy/edit.h"

#include "kube/pointer.h"

#include <string.h>

/* On a node's type, beside cJSON's own bits: this node came by an edit of this request. */
#define EDITED (1 << 20)

/* The place that is edited: an existing value, or the last parent that exists. */
struct spot {
    cJSON *parent;      /* object or list that exists */
    cJSON *existing;    /* the child to replace; NULL: to add */
    const char *key;    /* of the new child in an object; NULL: appended to a list */
    bool inside_edited; /* some ancestor was put there by an edit: the patch has it already */
    struct buf pointer; /* of the child */
    struct buf field;
    const struct schema_node *node;
    const struct schema_field *schema_field;
};

static bool was_edited(const cJSON *node)
{
    return node != NULL && (node->type & EDITED) != 0;
}

/* ---- recording -------------------------------------------------------------------------- */

static struct edit *record(struct eval *eval, struct spot *spot, enum edit_kind kind,
                           const cJSON *before, const cJSON *after)
{
    struct edit *edit = arena_alloc(eval->arena, sizeof *edit);
    edit->kind = spot->inside_edited ? EDIT_INSIDE : kind;
    edit->pointer = spot->pointer.data;
    edit->node = after;
    edit->rule = eval->rule;
    edit->field = spot->field.data;
    edit->field_pointer = spot->pointer.data;
    edit->before = before;
    edit->after = after;
    if (eval->last_edit == NULL)
        eval->last_edit = &eval->edits;
    *eval->last_edit = edit;
    eval->last_edit = &edit->next;
    eval->edit_count++;
    return edit;
}

/* ---- what is put in --------------------------------------------------------------------- */

static bool is_digits(const cJSON *value)
{
    if (!json_is_string(value))
        return false;
    const size_t length = strlen(value->valuestring);
    return length > 0 && length <= 18 && strspn(value->valuestring, "0123456789") == length;
}

/* A variable brings its own type (a port is a number, an annotation a text): a string field takes
 * its text, a number's field its digits. */
static void fit_types(struct arena *arena, const struct schema_node *node, cJSON *value)
{
    char scratch[32];
    if (node == NULL)
        return;
    if (node->type == SCHEMA_STRING && json_is_number(value)) {
        const char *text = json_number_text(value, scratch);
        value->type = (value->type & ~0xff) | cJSON_String;
        value->valuestring = arena_strdup(arena, text);
    }
    if (node->type == SCHEMA_INT && is_digits(value))
        json_assign(arena, value, json_new_number_text(arena, value->valuestring));
    for (cJSON *child = value->child; child != NULL; child = child->next)
        fit_types(arena, json_is_object(value) ? schema_member(node, child->string) : node->item,
                  child);
}

static cJSON *new_value(struct eval *eval, const struct schema_node *node, const cJSON *value)
{
    cJSON *copy = json_dup(eval->arena, value);
    copy->string = NULL;
    fit_types(eval->arena, node, copy);
    copy->type |= EDITED;
    return copy;
}

static bool makes_second_member(const cJSON *parent, const struct schema_node *node,
                                const struct schema_field *field)
{
    if (field == NULL || field->union_group == 0 || node == NULL || node->type != SCHEMA_OBJECT)
        return false;
    for (const cJSON *member = parent->child; member != NULL; member = member->next) {
        const struct schema_field *other = schema_field_find(node->object, member->string);
        if (other != NULL && other != field && other->union_group == field->union_group &&
            !json_is_null(member))
            return true;
    }
    return false;
}

/* ---- changing a spot -------------------------------------------------------------------- */

static void replace_value(struct eval *eval, struct spot *spot, cJSON *value)
{
    cJSON *existing = spot->existing;
    const bool again = was_edited(existing);
    const cJSON *before = json_dup(eval->arena, existing);
    existing->type = value->type;
    existing->child = value->child;
    existing->valuestring = value->valuestring;
    existing->valueint = value->valueint;
    existing->valuedouble = value->valuedouble;
    /* An operation that is there already writes the node as it stands in the end. */
    spot->inside_edited |= again;
    record(eval, spot, EDIT_REPLACE, before, existing);
}

static struct edit *add_value(struct eval *eval, struct spot *spot, cJSON *value)
{
    if (spot->key != NULL) {
        cJSON *null = json_find(spot->parent, spot->key);
        if (null != NULL)
            json_unlink(spot->parent, null);
        json_add(eval->arena, spot->parent, spot->key, value);
    } else {
        json_append(spot->parent, value);
    }
    return record(eval, spot, EDIT_ADD, NULL, value);
}

static struct spot member_spot(struct eval *eval, const struct spot *spot, cJSON *object,
                               const char *key)
{
    struct spot inner = {.parent = object, .key = arena_strdup(eval->arena, key)};
    inner.existing = json_get(object, key);
    inner.inside_edited = spot->inside_edited || was_edited(object);
    inner.node = schema_member(spot->node, key);
    inner.schema_field = spot->node != NULL && spot->node->type == SCHEMA_OBJECT
                             ? schema_field_find(spot->node->object, key)
                             : NULL;
    buf_init(&inner.pointer, eval->arena, LIMIT_BODY_BYTES);
    buf_add(&inner.pointer, spot->pointer.data, spot->pointer.length);
    pointer_add_token(&inner.pointer, key);
    buf_init(&inner.field, eval->arena, LIMIT_BODY_BYTES);
    buf_add(&inner.field, spot->field.data, spot->field.length);
    if (strpbrk(key, "./[] ") == NULL)
        buf_add_strings(&inner.field, ".", key, NULL);
    else
        buf_add_strings(&inner.field, "[", key, "]", NULL);
    return inner;
}

/* Whether merging `value` into `existing` would make a second member of some union in it. */
static bool breaks_union(const struct schema_node *node, const cJSON *existing, const cJSON *value)
{
    if (node == NULL || !json_is_object(existing) || !json_is_object(value))
        return false;
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        const cJSON *there = json_get(existing, member->string);
        const struct schema_field *field =
            node->type == SCHEMA_OBJECT ? schema_field_find(node->object, member->string) : NULL;
        if (there == NULL ? makes_second_member(existing, node, field)
                          : breaks_union(schema_member(node, member->string), there, member))
            return true;
    }
    return false;
}

/* Puts `value` at the spot; of an object only the members that do not hold yet. */
static bool put(struct eval *eval, struct spot *spot, const cJSON *value, bool whole)
{
    const bool merge = !whole && json_is_object(value) && json_is_object(spot->existing);
    if (!merge) {
        cJSON *fresh = new_value(eval, spot->node, value);
        if (spot->existing != NULL)
            replace_value(eval, spot, fresh);
        else
            add_value(eval, spot, fresh);
        return true;
    }
    bool changed = false;
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        struct spot inner = member_spot(eval, spot, spot->existing, member->string);
        const bool zero = inner.schema_field != NULL && inner.schema_field->zero_is_absent;
        if (!value_holds(VALUE_AUTO, inner.node, zero, inner.existing, member, false))
            changed |= put(eval, &inner, member, false);
    }
    return changed;
}

/* ---- targets ---------------------------------------------------------------------------- */

static struct spot spot_of(struct eval *eval, const struct target *target)
{
    const struct path *path = target->path;
    const bool exists = target->value != NULL;
    /* Of an absent value: the first step that is missing is what gets added. */
    const size_t at = exists ? path->count : target->depth + 1;
    struct spot spot = {.existing = target->value, .parent = target->chain[at - 1]};
    const struct step *step = &path->steps[at - 1];
    spot.key = step->kind == STEP_MEMBER ? step->name : NULL;
    spot.node = step->node;
    spot.schema_field = step->field;
    for (size_t i = 0; i < at; i++)
        spot.inside_edited |= was_edited(target->chain[i]);
    buf_init(&spot.pointer, eval->arena, LIMIT_BODY_BYTES);
    target_write_pointer(target, at, &spot.pointer);
    buf_init(&spot.field, eval->arena, LIMIT_BODY_BYTES);
    target_write_steps(target, path->count, &spot.field);
    return spot;
}

/* An element that is made carries its key, first, as people write it. */
static cJSON *with_key(struct arena *arena, const struct step *step, cJSON *element)
{
    if (step->kind != STEP_ELEMENT || json_find(element, step->name) != NULL)
        return element;
    cJSON *keyed = json_new_object(arena);
    json_add(arena, keyed, step->name, json_new_string(arena, step->value));
    for (cJSON *child = element->child, *next; child != NULL; child = next) {
        next = child->next;
        json_append(keyed, child);
    }
    return keyed;
}

/* Wraps the value in the parents that are missing below the spot. */
static cJSON *with_parents(struct arena *arena, const struct target *target, const cJSON *value)
{
    const struct path *path = target->path;
    cJSON *inner = json_dup(arena, value);
    inner->string = NULL;
    fit_types(arena, path->node, inner);
    for (size_t i = path->count - 1; i > target->depth; i--) {
        const struct step *step = &path->steps[i];
        const bool member = step->kind == STEP_MEMBER;
        cJSON *outer = member ? json_new_object(arena) : json_new_array(arena);
        if (member)
            json_add(arena, outer, step->name, inner);
        else
            json_append(outer, with_key(arena, step, inner));
        inner = outer;
    }
    return with_key(arena, &path->steps[target->depth], inner);
}

static bool parents_fit(const struct target *target, const cJSON *value)
{
    const struct step *step = &target->path->steps[target->depth];
    const cJSON *parent = target->chain[target->depth];
    if (step->kind == STEP_MEMBER ? !json_is_object(parent) : !json_is_array(parent))
        return false;
    const struct schema_node *node =
        target->depth > 0 ? target->path->steps[target->depth - 1].node : NULL;
    /* Only an object can carry its element's key. */
    const struct step *last = &target->path->steps[target->path->count - 1];
    return !makes_second_member(parent, node, step->field) &&
           (last->kind != STEP_ELEMENT || json_is_object(value));
}

static void find_new_value(struct target *target)
{
    for (size_t i = target->depth; i < target->path->count; i++) {
        const struct step *step = &target->path->steps[i];
        cJSON *parent = target->chain[i];
        target->index[i + 1] = 0;
        if (step->kind == STEP_MEMBER) {
            target->chain[i + 1] = json_get(parent, step->name);
        } else {
            target->chain[i + 1] = parent->child->prev; /* the last: where it was appended */
            target->index[i + 1] = json_count(parent) - 1;
        }
    }
    target->depth = target->path->count;
    target->value = target->chain[target->depth];
}

bool edit_set(struct eval *eval, struct target *target, const cJSON *value, bool whole)
{
    if (target->path->count == 0)
        return false;
    if (target->value != NULL) {
        struct spot spot = spot_of(eval, target);
        if (!whole && breaks_union(spot.node, target->value, value))
            return false;
        return put(eval, &spot, value, whole);
    }
    if (target->depth >= target->path->count) {
        /* The value is null: a member that is there and counts as absent. */
        target->depth = target->path->count - 1;
    }
    if (!parents_fit(target, value))
        return false;
    struct spot spot = spot_of(eval, target);
    cJSON *fresh = with_parents(eval->arena, target, value);
    fresh->type |= EDITED;
    struct edit *edit = add_value(eval, &spot, fresh);
    const bool whole_way = target->depth + 1 == target->path->count && spot.key != NULL;
    find_new_value(target);
    edit->after = target->value;
    if (whole_way) /* the operation's pointer is the field's */
        return true;
    struct buf pointer;
    buf_init(&pointer, eval->arena, LIMIT_BODY_BYTES);
    target_write_pointer(target, target->path->count, &pointer);
    edit->field_pointer = pointer.data;
    return true;
}

void edit_remove(struct eval *eval, struct target *target)
{
    struct spot spot = spot_of(eval, target);
    const cJSON *before = json_dup(eval->arena, target->value);
    json_unlink(spot.parent, target->value);
    record(eval, &spot, EDIT_REMOVE, before, NULL);
    target->value = NULL;
}

/* ---- writing ---------------------------------------------------------------------------- */

size_t edit_operation_count(const struct eval *eval)
{
    size_t count = 0;
    for (const struct edit *edit = eval->edits; edit != NULL; edit = edit->next)
        count += edit->kind != EDIT_INSIDE;
    return count;
}

void edit_write_patch(const struct eval *eval, struct buf *buf)
{
    static const char *const names[] = {"add", "replace", "remove"};
    const char *comma = "";
    buf_add_char(buf, '[');
    for (const struct edit *edit = eval->edits; edit != NULL; edit = edit->next) {
        if (edit->kind == EDIT_INSIDE)
            continue;
        buf_add_strings(buf, comma, "{\"op\":\"", names[edit->kind], "\",\"path\":", NULL);
        buf_add_json_string(buf, edit->pointer);
        if (edit->kind != EDIT_REMOVE) {
            buf_add_string(buf, ",\"value\":");
            json_write(buf, edit->node);
        }
        buf_add_char(buf, '}');
        comma = ",";
    }
    buf_add_char(buf, ']');
}
