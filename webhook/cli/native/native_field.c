#include "cli/native/native_cel.h"

#include <stdio.h>
#include <string.h>

/* ---- roots ----------------------------------------------------------------------------------- */

const char *cel_root(struct cel *cel, const struct path *path, const struct cel_target *target)
{
    switch (path->root) {
    case FIELD_OLD:
        return "oldObject";
    case FIELD_OPTIONS:
        if ((cel->operations & OPERATION_CONNECT) == 0)
            return "dyn(request).?options.orValue(null)";
        return "(request.operation == \"CONNECT\" ? object : "
               "dyn(request).?options.orValue(null))";
    case FIELD_REQUEST:
        return "dyn(request)";
    case FIELD_ELEMENT:
        if (target == NULL)
            return "object";
        return path->count == 0 ? target->value : target->element;
    default:
        return "object";
    }
}

/* Whether the root is there; where it is not the field has no values at all. */
static const char *has_root(struct cel *cel, const struct path *path)
{
    if (path->root == FIELD_OBJECT && (cel->operations & OPERATION_DELETE) != 0)
        return "object != null";
    if (path->root == FIELD_OLD && (cel->operations & (OPERATION_CREATE | OPERATION_CONNECT)) != 0)
        return "oldObject != null";
    if (path->root == FIELD_OPTIONS)
        return cel_text(cel, "%s != null", cel_root(cel, path, NULL));
    return "true";
}

/* How many of the path's steps lead to the pod spec (or to what holds its template). */
static size_t pod_steps(const struct cel *cel, const struct path *path, size_t leave_out)
{
    const char *const *pod = cel->kind != NULL ? cel->kind->pod_path : NULL;
    size_t count = 0;
    if (pod == NULL || path->root != FIELD_OBJECT)
        return 0;
    while (pod[count] != NULL)
        count++;
    if (count <= leave_out || path->count < count - leave_out)
        return 0;
    for (size_t i = 0; i + leave_out < count; i++)
        if (path->steps[i].kind != STEP_MEMBER || strcmp(path->steps[i].name, pod[i]) != 0)
            return 0;
    return count - leave_out;
}

/* The root as a text, and the steps that it takes over: of a pod template one text for all kinds.
 */
static const char *begin(struct cel *cel, const struct path *path, const char *root, size_t *ret_at)
{
    *ret_at = 0;
    if (strcmp(root, "object") != 0)
        return root;
    *ret_at = pod_steps(cel, path, 0);
    if (*ret_at > 0) {
        cel->needs |= CEL_POD;
        return "variables.pod";
    }
    *ret_at = pod_steps(cel, path, 1);
    if (*ret_at > 0) {
        cel->needs |= CEL_TEMPLATE;
        return "variables.template";
    }
    return root;
}

/* What is always there in a request, so that it reads as one writes it. */
static const char *sure_request_member(struct cel *cel, const struct path *path)
{
    static const char *const names[][2] = {{"resource", "group"},    {"resource", "version"},
                                           {"resource", "resource"}, {"kind", "group"},
                                           {"kind", "version"},      {"kind", "kind"}};
    if (path->root != FIELD_REQUEST)
        return NULL;
    if (path->count == 1 && strcmp(path->steps[0].name, "operation") == 0)
        return "request.operation";
    for (size_t i = 0; path->count == 2 && i < sizeof names / sizeof *names; i++)
        if (strcmp(path->steps[0].name, names[i][0]) == 0 &&
            strcmp(path->steps[1].name, names[i][1]) == 0)
            return cel_text(cel, "request.%s.%s", names[i][0], names[i][1]);
    return NULL;
}

/* Of a kind that the table lacks anything may stand anywhere but in metadata: an optional selection
 * in a list would be an error. */
static bool may_be_list(const struct cel *cel, const struct path *path, size_t at)
{
    if (cel->kind != NULL || path->root == FIELD_REQUEST || path->root == FIELD_OPTIONS)
        return false;
    return path->root == FIELD_ELEMENT || (at > 0 && strcmp(path->steps[0].name, "metadata") != 0);
}

const char *cel_members(struct cel *cel, const struct path *path, const char *from, size_t *at)
{
    for (bool first = true; *at < path->count && path->steps[*at].kind == STEP_MEMBER; ++*at) {
        const char *name = path->steps[*at].name;
        if (may_be_list(cel, path, *at)) {
            /* Not optFlatMap: 1.30 cannot check one inside of another. */
            const char *map = cel_name(cel);
            from =
                cel_text(cel, "optional.of([%s].map(%s, type(%s) == map ? %s : null)[0])",
                         first ? from : cel_or_null(cel, from), map, map, cel_get(cel, map, name));
        } else {
            from = cel_member(cel, from, name);
        }
        first = false;
    }
    return from;
}

const char *cel_plain_path(struct cel *cel, const struct path *path, const char *root)
{
    size_t at;
    const char *from = begin(cel, path, root, &at);
    const size_t start = at;
    from = cel_members(cel, path, from, &at);
    if (at < path->count)
        return NULL;
    return at == start ? from : cel_or_null(cel, from);
}

/* ---- walking --------------------------------------------------------------------------------- */

struct walk {
    const struct path *path;
    enum field_view view;
    enum cel_quantor quantor;
    cel_judge *judge;
    void *context;
};

static const char *go(struct cel *cel, const struct walk *walk, struct cel_target target,
                      const char *from, size_t at);

static const char *nothing(const struct walk *walk)
{
    return walk->quantor == CEL_ALL ? "true" : "false";
}

static const char *judge(struct cel *cel, const struct walk *walk, struct cel_target target,
                         struct cel_value seen)
{
    const struct path *path = walk->path;
    const struct step *last = path->count > 0 ? &path->steps[path->count - 1] : NULL;
    seen.view = walk->view;
    if (walk->view == VIEW_NONE && last != NULL) {
        seen.node = path->node;
        seen.zero_is_absent = last->field != NULL && last->field->zero_is_absent;
        seen.is_element = last->kind == STEP_ELEMENT && !last->is_filter;
    }
    target.value = seen.text;
    return walk->judge(cel, walk->context, &target, &seen);
}

static struct cel_value absent_value(void)
{
    return (struct cel_value){.text = "null", .absent = "true", .readable = "true"};
}

static const char *judge_absent(struct cel *cel, const struct walk *walk, struct cel_target target)
{
    if (target.element == NULL) /* the root */
        target.element = cel_root(cel, walk->path, NULL);
    if (walk->view == VIEW_KEYS)
        return nothing(walk);
    if (walk->view == VIEW_COUNT)
        return judge(cel, walk, target,
                     (struct cel_value){.text = "0", .absent = "false", .readable = "true"});
    return judge(cel, walk, target, absent_value());
}

static bool is_typed(const struct schema_node *node, enum schema_type type)
{
    return node != NULL && node->type == type;
}

static bool is_untyped(const struct schema_node *node)
{
    return node == NULL || node->type == SCHEMA_ANY;
}

static const char *judge_count(struct cel *cel, const struct walk *walk, struct cel_target target,
                               const char *text)
{
    const char *name = cel_name(cel);
    struct cel_value seen = {.absent = "false", .readable = "true"};
    const char *counted =
        is_untyped(walk->path->node)
            ? cel_text(cel,
                       "type(%s) == list ? size(%s.filter(e, e != null)) : type(%s) == "
                       "map ? size(%s.filter(k, %s[k] != null)) : 0",
                       name, name, name, name, name)
            : cel_text(cel, "%s == null ? 0 : size(%s)", name, name);
    seen.text = cel_text(cel, "[%s].map(%s, %s)[0]", text, name, counted);
    return judge(cel, walk, target, seen);
}

static const char *judge_keys(struct cel *cel, const struct walk *walk, struct cel_target target,
                              const char *text)
{
    const char *map = cel_name(cel), *key = cel_name(cel);
    const bool all = walk->quantor == CEL_ALL;
    const struct cel_value seen = {.text = key, .absent = "false", .readable = "true"};
    const char *there = is_untyped(walk->path->node) ? cel_text(cel, "type(%s) == map", map)
                                                     : cel_text(cel, "%s != null", map);
    const char *holds = judge(cel, walk, target, seen);
    const char *entry = cel_text(cel, "%s[%s] != null", map, key);
    const char *each = all ? cel_or(cel, cel_text(cel, "%s[%s] == null", map, key), holds)
                           : cel_and(cel, entry, holds);
    each = cel_text(cel, "%s.%s(%s, %s)", map, all ? "all" : "exists", key, each);
    return cel_bind(cel, map, text,
                    all ? cel_or(cel, cel_not(cel, there), each) : cel_and(cel, there, each));
}

static const char *judge_image(struct cel *cel, const struct walk *walk, struct cel_target target,
                               const char *text)
{
    const char *name = cel_name(cel);
    struct cel_value seen = cel_image(cel, walk->view, name);
    const char *part = judge(cel, walk, target, seen);
    const char *none = judge(cel, walk, target, absent_value());
    const char *is_absent = cel_text(cel, "%s == null", name);
    const char *both;
    if (cel_is(none, "true"))
        both = cel_or(cel, is_absent, part);
    else if (cel_is(none, "false"))
        both = cel_and(cel, cel_not(cel, is_absent), part);
    else
        both = cel_text(cel, "(%s ? %s : %s)", is_absent, none, part);
    return cel_text(cel, "[%s].all(%s, %s)", text, name, both);
}

/* `text` is what stands there, null if nothing does. */
static const char *arrive(struct cel *cel, const struct walk *walk, struct cel_target target,
                          const char *text, bool sure)
{
    switch (walk->view) {
    case VIEW_NONE: {
        const char *name = cel_name(cel);
        struct cel_value seen = {.text = name, .readable = "true"};
        seen.absent = sure ? "false" : cel_text(cel, "%s == null", name);
        return cel_bind(cel, name, text, judge(cel, walk, target, seen));
    }
    case VIEW_COUNT:
        return judge_count(cel, walk, target, text);
    case VIEW_KEYS:
        return judge_keys(cel, walk, target, text);
    default:
        return judge_image(cel, walk, target, text);
    }
}

/* Whether the element is one that the step chooses. */
static const char *fits(struct cel *cel, const struct step *step, const char *element,
                        bool in_request)
{
    const char *is_map =
        is_untyped(step->node) ? cel_text(cel, "type(%s) == map", element) : "true";
    if (step->kind == STEP_HAVING)
        return cel_and(cel, is_map, cel_text(cel, "%s != null", cel_get(cel, element, step->name)));
    if (step->kind != STEP_ELEMENT)
        return is_untyped(step->node) && !in_request ? cel_text(cel, "%s != null", element)
                                                     : "true";
    const char *key = cel_get(cel, element, step->name);
    const char *quoted = cel_quote(cel, step->value);
    if (strspn(step->value, "0123456789") != strlen(step->value) || *step->value == '\0')
        return cel_and(cel, is_map, cel_text(cel, "%s == %s", key, quoted));
    return cel_and(cel, is_map,
                   cel_text(cel, "%s in [dyn(%s), dyn(%s)]", key, quoted, step->value));
}

static const char *quantify(struct cel *cel, const struct walk *walk, const char *list,
                            const char *element, const char *fit, const char *holds)
{
    if (walk->quantor == CEL_ALL) {
        const char *each = cel_or(cel, cel_not(cel, fit), holds);
        return cel_is(each, "true") ? each : cel_text(cel, "%s.all(%s, %s)", list, element, each);
    }
    const char *each = cel_and(cel, fit, holds);
    return cel_is(each, "false") ? each : cel_text(cel, "%s.exists(%s, %s)", list, element, each);
}

static struct cel_target moved(const struct walk *walk, struct cel_target target, size_t at,
                               const char *element)
{
    if (at + 1 == walk->path->base)
        target.element = element;
    if (at + 1 == walk->path->container)
        target.container = element;
    return target;
}

static const char *each_of_list(struct cel *cel, const struct walk *walk, struct cel_target target,
                                const char *list, size_t at)
{
    const struct path *path = walk->path;
    const struct step *step = &path->steps[at];
    const char *element = cel_name(cel);
    const char *fit = fits(cel, step, element, path->root == FIELD_REQUEST);
    const char *holds = go(cel, walk, moved(walk, target, at, element), element, at + 1);
    const char *text = quantify(cel, walk, list, element, fit, holds);
    if (step_chooses(step) || at < walk->path->base)
        return text;
    /* env[name=X] counts like a name: without it there is an absent value. */
    const char *none = judge_absent(cel, walk, target);
    const char *any = cel_text(cel, "%s.exists(%s, %s)", list, element, fit);
    return walk->quantor == CEL_ALL
               ? cel_and(cel, text, cel_or(cel, any, none))
               : cel_or(cel, text, cel_and(cel, cel_text(cel, "!%s", any), none));
}

static const char *each_of_map(struct cel *cel, const struct walk *walk, struct cel_target target,
                               const char *map, size_t at)
{
    const struct step *step = &walk->path->steps[at];
    const char *key = cel_name(cel), *entry = cel_text(cel, "%s[%s]", map, key);
    const char *globs[] = {step->name, NULL};
    const char *fit = cel_text(cel, "%s != null", entry);
    if (step->kind == STEP_GLOB)
        fit = cel_and(cel, cel_glob(cel, key, globs), fit);
    const char *holds = go(cel, walk, moved(walk, target, at, entry), entry, at + 1);
    return quantify(cel, walk, map, key, fit, holds);
}

static const char *choose(struct cel *cel, const struct walk *walk, struct cel_target target,
                          const char *text, size_t at)
{
    const struct step *step = &walk->path->steps[at];
    const struct schema_node *node = at > 0 ? walk->path->steps[at - 1].node : NULL;
    const bool groups = walk->path->root == FIELD_REQUEST; /* a request has lists alone */
    const bool all = walk->quantor == CEL_ALL;
    const char *name = cel_name(cel), *body;
    if (is_typed(node, SCHEMA_LIST) || groups) {
        const size_t length = strlen(text);
        const char tail[] = ".orValue(null)";
        const size_t cut = length - (sizeof tail - 1);
        if (length > sizeof tail && strcmp(text + cut, tail) == 0 &&
            (groups || (walk->path->steps[at - 1].field != NULL &&
                        (walk->path->steps[at - 1].field->zero_is_absent ||
                         walk->path->steps[at - 1].field->required))))
            return each_of_list(cel, walk, target,
                                cel_text(cel, "%.*s.orValue([])", (int)cut, text), at);
        body = each_of_list(cel, walk, target, name, at);
        body = all ? cel_or(cel, cel_text(cel, "%s == null", name), body)
                   : cel_and(cel, cel_text(cel, "%s != null", name), body);
    } else if (is_typed(node, SCHEMA_MAP)) {
        body = each_of_map(cel, walk, target, name, at);
        body = all ? cel_or(cel, cel_text(cel, "%s == null", name), body)
                   : cel_and(cel, cel_text(cel, "%s != null", name), body);
    } else {
        const char *list =
            step->kind == STEP_GLOB ? nothing(walk) : each_of_list(cel, walk, target, name, at);
        const char *map = step->kind == STEP_GLOB || step->kind == STEP_EACH
                              ? each_of_map(cel, walk, target, name, at)
                              : nothing(walk);
        const char *neither = nothing(walk);
        if (!step_chooses(step) && at >= walk->path->base)
            neither = map = judge_absent(cel, walk, target);
        body = cel_text(cel, "(type(%s) == list ? %s : type(%s) == map ? %s : %s)", name, list,
                        name, map, neither);
    }
    return cel_is(body, nothing(walk)) ? body : cel_bind(cel, name, text, body);
}

static const char *security_fallback(struct cel *cel, const struct path *path, const char *from)
{
    if (path->fallback == NULL)
        return cel_or_null(cel, from);
    size_t at;
    const char *pod = begin(cel, path->fallback, "object", &at);
    pod = cel_members(cel, path->fallback, pod, &at);
    if (at < path->fallback->count)
        cel_cannot(cel, "the pod's securityContext is asked for each of its values");
    return cel_text(cel, "%s.or(%s).orValue(null)", from, pod);
}

static const char *go(struct cel *cel, const struct walk *walk, struct cel_target target,
                      const char *from, size_t at)
{
    const struct path *path = walk->path;
    const size_t start = at;
    const bool is_there = start > 0 && path->steps[start - 1].kind != STEP_MEMBER;
    const char *text = cel_members(cel, path, from, &at);
    if (target.element == NULL && path->base == 0)
        target.element = from;
    if (at == path->count) {
        if (at == start)
            return arrive(cel, walk, target, from, is_there);
        return arrive(cel, walk, target, security_fallback(cel, path, text), false);
    }
    return choose(cel, walk, target, at == start ? from : cel_or_null(cel, text), at);
}

static const char *by_path(struct cel *cel, const struct walk *walk,
                           const struct cel_target *target)
{
    const struct path *path = walk->path;
    struct cel_target start = {.path = path};
    size_t at;
    const char *root = cel_root(cel, path, target);
    if (path->root == FIELD_ELEMENT && target != NULL)
        start.container = target->container;
    const char *there = has_root(cel, path), *sure = sure_request_member(cel, path);
    if (sure != NULL && walk->view == VIEW_NONE) {
        start.element = "dyn(request)";
        return arrive(cel, walk, start, sure, true);
    }
    if (path->base == 0)
        start.element = root;
    const char *from = begin(cel, path, root, &at);
    const char *body = go(cel, walk, start, from, at);
    return walk->quantor == CEL_ALL ? cel_or(cel, cel_not(cel, there), body)
                                    : cel_and(cel, there, body);
}

const char *cel_field(struct cel *cel, const struct field *field, const struct cel_target *target,
                      enum cel_quantor quantor, cel_judge *judge_value, void *context)
{
    struct walk walk = {
        .view = field->view, .quantor = quantor, .judge = judge_value, .context = context};
    const char *text = nothing(&walk);
    const struct path_list *paths =
        field->by_kind != NULL ? field_paths(field, cel->kind_index) : NULL;
    for (size_t i = 0; paths != NULL && i < paths->count; i++) {
        walk.path = &paths->items[i];
        const char *one = by_path(cel, &walk, target);
        text = quantor == CEL_ALL ? cel_and(cel, text, one) : cel_or(cel, text, one);
    }
    return text;
}

/* ---- all values of a path -------------------------------------------------------------------- */

const char *cel_values(struct cel *cel, const struct path *path, const char *root)
{
    size_t at = 0;
    const char *text = cel_members(cel, path, root, &at);
    const char *value = cel_name(cel);
    if (at == path->count)
        return cel_text(cel, "[%s]", cel_or_null(cel, text));
    const struct step *step = &path->steps[at];
    const struct schema_node *node = at > 0 ? path->steps[at - 1].node : NULL;
    if (!is_typed(node, SCHEMA_LIST) || at == 0)
        return cel_cannot(cel, "the values of a map are compared as a whole");
    const char *list = cel_text(cel, "%s.orValue([])", text), *element = cel_name(cel);
    const char *fit = fits(cel, step, element, false);
    const size_t start = ++at;
    const char *inner = cel_members(cel, path, element, &at);
    if (at < path->count)
        return cel_cannot(cel, "lists inside of lists are compared as a whole");
    if (!cel_is(fit, "true"))
        list = cel_text(cel, "%s.filter(%s, %s)", list, element, fit);
    if (at == start)
        return list;
    return cel_text(cel, "%s.map(%s, %s).filter(%s, %s != null)", list, element,
                    cel_or_null(cel, inner), value, value);
}
