#include "cli/explain/touch.h"

#include "base/limits.h"
#include "kube/names.h"

#include <ctype.h>
#include <string.h>

/* ---- what people write -------------------------------------------------------------------- */

/* Copies one bracket: [0] is [*], and [a/b], which no member is called, the key "a/b" of a map. */
static const char *add_bracket(struct buf *buf, const char *at)
{
    const size_t length = strcspn(at, "]");
    const size_t digits = strspn(at + 1, "0123456789");
    if (at[length] != ']') {
        buf_add_string(buf, at);
        return at + strlen(at);
    }
    if (digits > 0 && digits == length - 1) {
        buf_add_string(buf, "[*]");
    } else if (at[1] != '"' && memchr(at, '=', length) == NULL &&
               (memchr(at, '/', length) != NULL || memchr(at, '.', length) != NULL)) {
        buf_add_string(buf, ".\"");
        buf_add(buf, at + 1, length - 1);
        buf_add_char(buf, '"');
    } else {
        buf_add(buf, at, length + 1);
    }
    return at + length + 1;
}

static const char *as_field(struct arena *arena, const char *text)
{
    struct buf buf;
    bool quoted = false;
    buf_init(&buf, arena, LIMIT_MIB);
    for (const char *at = text; *at != '\0';) {
        quoted ^= *at == '"';
        if (*at == '[' && !quoted)
            at = add_bracket(&buf, at);
        else
            buf_add_char(&buf, *at++);
    }
    return buf.data;
}

/* Binds to every kind that is spoken of; how many have it.  The first failure goes to *first. */
static size_t bind(struct arena *arena, struct field *field, const struct reach *reach,
                   struct err *first)
{
    size_t bound = 0;
    struct err err;
    field->by_kind = arena_array(arena, schema_kind_count + 1, sizeof *field->by_kind);
    for (size_t i = 0; i < reach->count; i++) {
        const struct schema_kind *kind = reach->items[i].kind;
        if (field_bind(arena, field, kind, NULL, &err) < 0) {
            if (first->code == ERR_NONE)
                *first = err;
        } else if (kind != NULL || reach->count == 1) {
            bound += field_paths(field, field_kind_index(kind))->count;
        }
    }
    return bound;
}

/* labels[app], as Kubernetes prints the key of a map: as if it were labels.app. */
static bool read_brackets_as_keys(struct field *field)
{
    bool any = false;
    for (size_t i = 0; i < field->step_count; i++)
        if (field->steps[i].kind == STEP_HAVING) {
            field->steps[i].kind = STEP_MEMBER;
            any = true;
        }
    return any;
}

int touch_field(struct arena *arena, const char *text, const struct reach *reach,
                struct field **ret_field, struct err *reterr)
{
    struct field *field;
    struct err err, first = {0}, ignored = {0};
    if (field_parse(arena, as_field(arena, text), &field, &err) < 0)
        return err_set(reterr, ERR_USAGE, "%s", err.text);
    if (field->root == FIELD_ELEMENT)
        return err_set(reterr, ERR_USAGE, "field \"%s\": write it from the object's beginning",
                       text);
    size_t bound = bind(arena, field, reach, &first);
    if (bound == 0 && read_brackets_as_keys(field))
        bound = bind(arena, field, reach, &ignored);
    if (bound == 0 && first.code != ERR_NONE)
        return err_set(reterr, ERR_USAGE, "%s", first.text);
    if (bound == 0)
        return err_set(reterr, ERR_USAGE,
                       "field \"%s\": none of the resources that the policies speak of has it",
                       text);
    *ret_field = field;
    return 0;
}

/* ---- paths that meet ---------------------------------------------------------------------- */

static bool steps_meet(const struct step *a, const struct step *b)
{
    if (a->kind == STEP_MEMBER && b->kind == STEP_MEMBER)
        return strcmp(a->name, b->name) == 0;
    if (a->kind == STEP_GLOB && b->kind == STEP_MEMBER)
        return glob_matches(a->name, b->name);
    if (b->kind == STEP_GLOB && a->kind == STEP_MEMBER)
        return glob_matches(b->name, a->name);
    if (a->kind == STEP_ELEMENT && b->kind == STEP_ELEMENT && strcmp(a->name, b->name) == 0)
        return strcmp(a->value, b->value) == 0;
    if (a->kind == STEP_HAVING && b->kind == STEP_HAVING && a->node != NULL &&
        a->node->type == SCHEMA_OBJECT && strcmp(a->name, b->name) != 0) {
        const struct schema_field *one = schema_field_find(a->node->object, a->name);
        const struct schema_field *other = schema_field_find(a->node->object, b->name);
        return one == NULL || other == NULL || one->union_group == 0 ||
               one->union_group != other->union_group;
    }
    return true;
}

/* volumes[secret] asks about an element that has no configMap. */
static bool excludes(const struct step *having, const struct step *member)
{
    if (having->kind != STEP_HAVING || member->kind != STEP_MEMBER || having->node == NULL ||
        having->node->type != SCHEMA_OBJECT)
        return false;
    const struct schema_field *one = schema_field_find(having->node->object, having->name);
    const struct schema_field *other = schema_field_find(having->node->object, member->name);
    return one != NULL && other != NULL && one != other && one->union_group != 0 &&
           one->union_group == other->union_group;
}

static bool paths_meet(const struct path *a, const struct path *b)
{
    const size_t count = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++) {
        if (!steps_meet(&a->steps[i], &b->steps[i]))
            return false;
        if (i > 0 &&
            (excludes(&a->steps[i - 1], &b->steps[i]) || excludes(&b->steps[i - 1], &a->steps[i])))
            return false;
    }
    return true;
}

static bool same_root(enum field_root a, enum field_root b)
{
    const bool of_object = a == FIELD_OBJECT || a == FIELD_OLD;
    return a == b || (of_object && (b == FIELD_OBJECT || b == FIELD_OLD));
}

/* ---- rules -------------------------------------------------------------------------------- */

/* Whether a value for the whole says something of the part that the steps lead to. */
static bool value_says(const cJSON *value, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!json_is_object(value))
            return true; /* a list, a text with variables: not to be told apart here */
        if (steps[i].kind != STEP_MEMBER)
            return true;
        value = json_find(value, steps[i].name);
        if (value == NULL)
            return false;
    }
    return true;
}

static bool whole_says(const struct rule *rule, const struct path *own, const struct path *asked)
{
    if (rule->field->view != VIEW_NONE) /* how many there are; or how they may be called */
        return rule->field->view == VIEW_KEYS && asked->count == own->count + 1;
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action *action = &rule->actions[i];
        if (rule->exactly || action->value.value == NULL || !json_is_object(action->value.value) ||
            value_says(action->value.value, asked->steps + own->count, asked->count - own->count))
            return true;
    }
    return false;
}

static enum touch meet(const struct rule *rule, const struct path *own, const struct path *asked)
{
    if (!same_root(own->root, asked->root) || !paths_meet(own, asked))
        return TOUCH_NOT;
    if (own->count == asked->count)
        return TOUCH_SELF;
    if (own->count > asked->count)
        return TOUCH_PART;
    return whole_says(rule, own, asked) ? TOUCH_WHOLE : TOUCH_NOT;
}

/* Where the rule itself is; none of a rule without a field. */
static struct path_list own_paths(const struct rule *rule, size_t kind_index)
{
    const struct path_list none = {0};
    return rule->field != NULL && rule->field->by_kind != NULL
               ? *field_paths(rule->field, kind_index)
               : none;
}

/* Whether .x, read from the rule's own element, meets what is asked for; "." is the rule's value.
 */
static bool element_meets(const struct rule *rule, const struct path *path,
                          const struct path *asked, size_t kind_index)
{
    const struct path_list own = own_paths(rule, kind_index);
    struct step steps[LIMIT_FIELD_STEPS * 2];
    for (size_t i = 0; i < own.count; i++) {
        const size_t base = path->count == 0 ? own.items[i].count : own.items[i].base;
        const struct path joined = {
            .root = own.items[i].root, .steps = steps, .count = base + path->count};
        memcpy(steps, own.items[i].steps, base * sizeof *steps);
        memcpy(steps + base, path->steps, path->count * sizeof *steps);
        if (same_root(joined.root, asked->root) && paths_meet(&joined, asked))
            return true;
    }
    return false;
}

/* Whether a condition's or a variable's field meets what is asked for. */
static bool reads(const struct rule *rule, const struct field *read, const struct path *asked,
                  size_t kind_index)
{
    const struct path_list none = {0};
    const struct path_list *paths = read->by_kind != NULL ? field_paths(read, kind_index) : &none;
    for (size_t i = 0; i < paths->count; i++) {
        const struct path *path = &paths->items[i];
        if (path->root == FIELD_ELEMENT
                ? element_meets(rule, path, asked, kind_index)
                : same_root(path->root, asked->root) && paths_meet(path, asked))
            return true;
    }
    return false;
}

static bool reads_any(const struct rule *rule, const struct path *asked, size_t kind_index)
{
    for (size_t i = 0; i < rule->condition_count; i++)
        if (reads(rule, rule->conditions[i].field, asked, kind_index))
            return true;
    for (size_t i = 0; i < rule->read_count; i++)
        if (reads(rule, rule->reads[i].field, asked, kind_index))
            return true;
    return false;
}

enum touch touch_of(const struct rule *rule, const struct field *field,
                    const struct reach_resource *resource)
{
    const size_t kind_index = field_kind_index(resource->kind);
    const struct path_list *asked = field_paths(field, kind_index);
    enum touch best = TOUCH_NOT;
    for (size_t i = 0; i < asked->count; i++) {
        const struct path_list own = own_paths(rule, kind_index);
        for (size_t j = 0; j < own.count; j++) {
            const enum touch touch = meet(rule, &own.items[j], &asked->items[i]);
            if (touch > best)
                best = touch;
        }
        if (best == TOUCH_NOT && reads_any(rule, &asked->items[i], kind_index))
            best = TOUCH_READS;
    }
    return best;
}
