#include "cli/places.h"

#include "cli/jsontext.h"
#include "kube/pointer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- in the file -------------------------------------------------------------------------- */

/* A member stands where its key does. */
static struct yaml_mark mark_of(const cJSON *node)
{
    const struct yaml_mark mark = yaml_key_mark(node);
    return mark.line > 0 ? mark : yaml_value_mark(node);
}

static struct yaml_mark find_in_yaml(const struct input_item *item, const char *pointer,
                                     bool *ret_written)
{
    struct yaml_mark mark = {item->line, item->column};
    const cJSON *node = item->object;
    while (*pointer != '\0' && (node = pointer_step(node, &pointer)) != NULL) {
        const struct yaml_mark inner = mark_of(node);
        if (inner.line > 0)
            mark = inner;
    }
    *ret_written = node != NULL;
    return mark;
}

static size_t index_of(const cJSON *parent, const cJSON *child)
{
    size_t index = 0;
    for (const cJSON *node = parent->child; node != child; node = node->next)
        index++;
    return index;
}

/* The tree has the text's members in the text's order. */
static struct yaml_mark find_in_json(const struct input_item *item, const char *pointer,
                                     bool *ret_written)
{
    const char *value = item->json, *found = value;
    *ret_written = true;
    for (const cJSON *node = item->object, *child; *pointer != '\0'; node = child) {
        child = pointer_step(node, &pointer);
        const char *at = child != NULL ? jsontext_child(value, index_of(node, child)) : NULL;
        *ret_written = at != NULL;
        if (at == NULL)
            break;
        found = at;
        value = json_is_object(node) ? jsontext_member_value(at) : at;
    }
    const unsigned lines = jsontext_lines(item->json, (size_t)(found - item->json));
    return (struct yaml_mark){item->line + lines, jsontext_column(item->text, found)};
}

struct yaml_mark places_find(const struct input_item *item, const char *pointer, bool *ret_written)
{
    return item->json != NULL ? find_in_json(item, pointer, ret_written)
                              : find_in_yaml(item, pointer, ret_written);
}

/* ---- back through the edits --------------------------------------------------------------- */

/* How long the pointer's parent is, if the pointer names an element of a list; else 0. */
static size_t list_length(struct arena *arena, const struct judgement *judgement,
                          const char *pointer)
{
    const char *slash = strrchr(pointer, '/');
    if (slash == NULL || slash[1] == '\0' || slash[1 + strspn(slash + 1, "0123456789")] != '\0')
        return 0;
    const char *parent = arena_strndup(arena, pointer, (size_t)(slash - pointer));
    /* An edit changes which elements there are, not what kind of value holds them. */
    const bool is_list = json_is_array(pointer_get(judgement->before, parent)) ||
                         json_is_array(pointer_get(judgement->after, parent));
    return is_list ? (size_t)(slash - pointer) : 0;
}

/* The pointer as it was before an element was taken out of a list. */
static const char *put_back(struct arena *arena, const struct judgement *judgement,
                            const char *removed, const char *pointer)
{
    const size_t length = list_length(arena, judgement, removed);
    if (length == 0 || strncmp(pointer, removed, length + 1) != 0 ||
        !isdigit((unsigned char)pointer[length + 1]))
        return pointer;
    char *rest = NULL;
    const unsigned long index = strtoul(pointer + length + 1, &rest, 10);
    if (index < strtoul(removed + length + 1, NULL, 10))
        return pointer;
    return arena_printf(arena, "%.*s/%lu%s", (int)length, pointer, index + 1, rest);
}

/* The pointer as it was before the edits from the first up to `until`.  What was appended to a list
 * is counted back to an index that the file has not. */
static const char *undo(struct arena *arena, const struct judgement *judgement,
                        const struct edit *until, const char *pointer)
{
    size_t count = 0;
    for (const struct edit *at = judgement->mutation.edits; at != until; at = at->next)
        count += at->kind == EDIT_REMOVE;
    const struct edit **removed = arena_array(arena, count + 1, sizeof *removed);
    size_t last = 0;
    for (const struct edit *at = judgement->mutation.edits; at != until; at = at->next)
        if (at->kind == EDIT_REMOVE)
            removed[last++] = at;
    while (last-- > 0)
        pointer = put_back(arena, judgement, removed[last]->pointer, pointer);
    return pointer;
}

/* ---- what was judged ---------------------------------------------------------------------- */

/* Where in the item the tree begins that a rule's field starts at; NULL: it is not in the item. */
static const char *root_of(const struct input_item *item, const struct judgement *judgement,
                           enum field_root root)
{
    switch (root) {
    case FIELD_REQUEST:
        return item->is_review ? "/request" : NULL;
    case FIELD_OPTIONS:
        return item->is_review ? "/request/options" : NULL;
    case FIELD_OLD:
        if (item->is_review)
            return "/request/oldObject";
        return judgement->before == NULL ? ""
                                         : NULL; /* DELETE judges the manifest as the old one */
    default:
        return item->is_review ? "/request/object" : "";
    }
}

struct yaml_mark places_of_violation(struct arena *arena, const struct input_item *item,
                                     const struct judgement *judgement,
                                     const struct violation *violation)
{
    const struct field *field = violation->rule->field;
    const char *pointer = violation->pointer;
    const char *root = root_of(item, judgement, field != NULL ? field->root : FIELD_OBJECT);
    bool written;
    if (root == NULL)
        return (struct yaml_mark){item->line, item->column};
    if (field == NULL) /* the request itself: "kind" */
        pointer = arena_printf(arena, "/%s", violation->field);
    else if (field->root < FIELD_OLD)
        pointer = undo(arena, judgement, NULL, pointer);
    return places_find(item, arena_printf(arena, "%s%s", root, pointer), &written);
}

struct yaml_mark places_of_edit(struct arena *arena, const struct input_item *item,
                                const struct judgement *judgement, const struct edit *edit,
                                bool *ret_written)
{
    const char *pointer = undo(arena, judgement, edit, edit->field_pointer);
    const char *root = root_of(item, judgement, FIELD_OBJECT);
    return places_find(item, arena_printf(arena, "%s%s", root, pointer), ret_written);
}
