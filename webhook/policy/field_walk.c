#include "kube/names.h"
#include "kube/pointer.h"
#include "policy/stem.h"

#include <string.h>

struct walk {
    const struct path *path;
    struct target target;
    bool (*visit)(void *context, struct target *target);
    void *context;
};

static bool walk_from(struct walk *walk, size_t at);

static bool visit_here(struct walk *walk, size_t depth, cJSON *value)
{
    /* The visitor may change its copy's fate (value, defaulted); the road stays ours. */
    walk->target.depth = depth;
    walk->target.value = value;
    walk->target.defaulted = false;
    return walk->visit(walk->context, &walk->target);
}

static bool visit_absent(struct walk *walk, size_t at)
{
    return at < walk->path->base ? true : visit_here(walk, at, NULL);
}

static bool walk_child(struct walk *walk, size_t at, cJSON *child, size_t index)
{
    walk->target.chain[at + 1] = child;
    walk->target.index[at + 1] = index;
    return walk_from(walk, at + 1);
}

static bool element_fits(const struct step *step, const cJSON *element)
{
    const cJSON *key = json_get(element, step->name);
    char scratch[32];
    if (step->kind == STEP_HAVING)
        return key != NULL;
    if (json_is_string(key))
        return strcmp(key->valuestring, step->value) == 0;
    return json_is_number(key) && strcmp(json_number_text(key, scratch), step->value) == 0;
}

static bool child_fits(const struct step *step, const cJSON *parent, const cJSON *child)
{
    if (json_is_null(child))
        return false;
    if (step->kind == STEP_EACH)
        return true;
    if (step->kind == STEP_GLOB)
        return json_is_object(parent) && glob_matches(step->name, child->string);
    return json_is_array(parent) && element_fits(step, child);
}

static bool walk_children(struct walk *walk, size_t at)
{
    const struct step *step = &walk->path->steps[at];
    cJSON *parent = walk->target.chain[at];
    bool any = false;
    if (json_is_array(parent) || json_is_object(parent)) {
        size_t index = 0;
        for (cJSON *child = parent->child, *next; child != NULL; child = next) {
            next = child->next;
            if (child_fits(step, parent, child)) {
                any = true;
                if (!walk_child(walk, at, child, index))
                    return false;
            }
            if (child->prev != NULL) /* still linked: the visitor may have taken it out */
                index++;
        }
    }
    if (any || step_chooses(step))
        return true;
    return visit_absent(walk, at);
}

static bool walk_from(struct walk *walk, size_t at)
{
    cJSON *node = walk->target.chain[at];
    if (at == walk->path->count)
        return visit_here(walk, at, node);
    const struct step *step = &walk->path->steps[at];
    if (step->kind != STEP_MEMBER)
        return walk_children(walk, at);
    cJSON *child = json_get(node, step->name);
    return child == NULL ? visit_absent(walk, at) : walk_child(walk, at, child, 0);
}

/* Puts what stands on the way to the stem into the chain.  Returns how far it goes. */
static size_t take_stem(struct walk *walk, const struct stem *stem, struct stem_value *values)
{
    size_t depth = stem->depth;
    stem_find(stem, walk->target.chain[0], values);
    for (; stem != NULL; stem = stem->parent) {
        cJSON *node = values[stem->number].node;
        walk->target.chain[stem->depth] = node;
        walk->target.index[stem->depth] = 0;
        if (node == NULL)
            depth = stem->depth - 1;
    }
    return depth;
}

bool field_walk_known(const struct path *path, cJSON *root, struct stem_value *values,
                      bool (*visit)(void *context, struct target *target), void *context)
{
    if (json_is_null(root))
        return true;
    struct walk walk; /* not the chain: it is large, and filled on the way */
    walk.path = path;
    walk.target.path = path;
    walk.target.view = VIEW_NONE;
    walk.target.unreadable = false;
    walk.target.chain[0] = root;
    walk.target.index[0] = 0;
    walk.visit = visit;
    walk.context = context;
    if (values == NULL || path->stem == NULL)
        return walk_from(&walk, 0);
    const size_t depth = take_stem(&walk, path->stem, values);
    return depth < path->stem->depth ? visit_absent(&walk, depth) : walk_from(&walk, depth);
}

bool field_walk(const struct path *path, cJSON *root,
                bool (*visit)(void *context, struct target *target), void *context)
{
    return field_walk_known(path, root, NULL, visit, context);
}

/* ---- names of targets ------------------------------------------------------------------- */

void step_write_member(const struct step *step, struct buf *buf)
{
    /* No name in the schema needs brackets, escapes or cutting. */
    const bool plain = step->field != NULL;
    if (!plain && strpbrk(step->name, "./[] ") != NULL) {
        buf_add_char(buf, '[');
        buf_add_visible(buf, step->name, 100);
        buf_add_char(buf, ']');
        return;
    }
    if (buf->length > 0 && buf->data[buf->length - 1] != ':')
        buf_add_char(buf, '.');
    if (plain)
        buf_add_string(buf, step->name);
    else
        buf_add_visible(buf, step->name, 100);
}

static void write_bracket(const struct target *target, size_t at, struct buf *buf)
{
    const struct step *step = &target->path->steps[at];
    const bool exists = at < target->depth;
    if (step->kind == STEP_ELEMENT && !step->is_filter)
        buf_add_strings(buf, "[", step->name, "=", step->value, "]", NULL);
    else if (exists && json_is_array(target->chain[at])) {
        buf_add_char(buf, '[');
        buf_add_number(buf, target->index[at + 1]);
        buf_add_char(buf, ']');
    } else if (exists) {
        buf_add_char(buf, '[');
        buf_add_visible(buf, target->chain[at + 1]->string, 100);
        buf_add_char(buf, ']');
    }
}

void target_write_steps(const struct target *target, size_t steps, struct buf *buf)
{
    for (size_t i = 0; i < steps; i++) {
        if (target->path->steps[i].kind == STEP_MEMBER)
            step_write_member(&target->path->steps[i], buf);
        else
            write_bracket(target, i, buf);
    }
}

void target_write(const struct target *target, struct buf *buf)
{
    if (target->path->root == FIELD_REQUEST)
        buf_add_string(buf, "request");
    else if (target->path->root == FIELD_OPTIONS)
        buf_add_string(buf, "options");
    target_write_steps(target, target->path->count, buf);
}

void target_write_pointer(const struct target *target, size_t steps, struct buf *buf)
{
    for (size_t i = 0; i < steps; i++) {
        const struct step *step = &target->path->steps[i];
        if (step->field != NULL)
            buf_add_strings(buf, "/", step->name, NULL);
        else if (step->kind == STEP_MEMBER)
            pointer_add_token(buf, step->name);
        else if (i >= target->depth)
            buf_add_string(buf, "/-");
        else if (json_is_array(target->chain[i])) {
            buf_add_char(buf, '/');
            buf_add_number(buf, target->index[i + 1]);
        } else
            pointer_add_token(buf, target->chain[i + 1]->string);
    }
}
