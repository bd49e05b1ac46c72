#include "policy/eval.h"

cJSON *eval_root(const struct eval *eval, const struct path *path, const struct target *target)
{
    switch (path->root) {
    case FIELD_OLD:
        return eval->old_object;
    case FIELD_OPTIONS:
        return eval->options;
    case FIELD_REQUEST:
        return eval->request;
    case FIELD_ELEMENT:
        if (target == NULL)
            return eval->object;
        return path->count == 0 ? target->value : target_element(target);
    default:
        return eval->object;
    }
}

/* ---- values of a field ------------------------------------------------------------------ */

struct each_value {
    struct eval *eval;
    enum field_view view;
    struct target *at;
    bool (*visit)(void *context, struct target *at, cJSON *seen);
    void *context;
};

static bool each_seen(void *context, cJSON *seen)
{
    struct each_value *each = context;
    return each->visit(each->context, each->at, seen);
}

static bool take_fallback(void *context, struct target *at)
{
    *(cJSON **)context = at->value;
    return true;
}

static bool each_target(void *context, struct target *at)
{
    struct each_value *each = context;
    at->view = each->view;
    each->at = at;
    if (at->value == NULL && at->path->fallback != NULL)
        field_walk_known(at->path->fallback, each->eval->object, each->eval->stem_values,
                         take_fallback, &at->value);
    bool go_on = value_view(each->eval->arena, each->view, at, each_seen, each, &at->unreadable);
    return go_on && at->unreadable ? each->visit(each->context, at, NULL) : go_on;
}

bool eval_each_value(struct eval *eval, const struct field *field, const struct target *target,
                     bool (*visit)(void *context, struct target *at, cJSON *seen), void *context)
{
    struct each_value each = {.eval = eval, .view = field->view, .visit = visit};
    each.context = context;
    bool go_on = true;
    const struct path_list *paths =
        field->by_kind != NULL ? field_paths(field, eval->kind_index) : NULL;
    for (size_t i = 0; paths != NULL && i < paths->count && go_on; i++) {
        const struct path *path = &paths->items[i];
        go_on = field_walk_known(path, eval_root(eval, path, target), eval->stem_values,
                                 each_target, &each);
    }
    return go_on;
}
