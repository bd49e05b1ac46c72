#include "policy/field.h"

#include "kube/names.h"
#include "kube/pointer.h"

#include <stdio.h>
#include <string.h>

/* ---- parsing ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum field_root root;
} aliases[] = {
    {"$pod", FIELD_POD},
    {"$podMetadata", FIELD_POD_METADATA},
    {"$appContainers", FIELD_APP_CONTAINERS},
    {"$containers", FIELD_CONTAINERS},
    {"$anyContainers", FIELD_ANY_CONTAINERS},
    {"$securityContext", FIELD_SECURITY_CONTEXT},
    {"$old", FIELD_OLD},
    {"$options", FIELD_OPTIONS},
    {"$request", FIELD_REQUEST},
};

static const struct {
    const char *name;
    enum field_view view;
} views[] = {
    {"keys", VIEW_KEYS},         {"count", VIEW_COUNT},
    {"registry", VIEW_REGISTRY}, {"repository", VIEW_REPOSITORY},
    {"tag", VIEW_TAG},           {"digest", VIEW_DIGEST},
};

struct parser {
    struct arena *arena;
    const char *text;
    const char *at;
    struct field *field;
    struct step steps[LIMIT_FIELD_STEPS];
    struct err *err;
};

static int fail(const struct parser *parser, const char *what)
{
    return err_set(parser->err, ERR_POLICY, "field \"%s\", character %zu: %s", parser->text,
                   (size_t)(parser->at - parser->text) + 1, what);
}

static int add_step(struct parser *parser, struct step step)
{
    if (parser->field->step_count == LIMIT_FIELD_STEPS - 8)
        return fail(parser, "more steps than a field may have");
    parser->steps[parser->field->step_count++] = step;
    return 0;
}

/* A name up to one of `stops`, or a quoted one with anything in it but a quote. */
static int parse_name(struct parser *parser, const char *stops, const char **ret_name)
{
    if (*parser->at == '"') {
        const char *start = ++parser->at;
        const char *end = strchr(start, '"');
        if (end == NULL)
            return fail(parser, "the closing quote is missing");
        *ret_name = arena_strndup(parser->arena, start, (size_t)(end - start));
        parser->at = end + 1;
        return 0;
    }
    size_t length = strcspn(parser->at, stops);
    if (length == 0)
        return fail(parser, "a name is missing");
    *ret_name = arena_strndup(parser->arena, parser->at, length);
    parser->at += length;
    return 0;
}

static int parse_bracket(struct parser *parser)
{
    struct step step = {.kind = STEP_EACH};
    parser->at++;
    if (*parser->at == '*' && parser->at[1] == ']') {
        parser->at++;
    } else {
        const bool quoted = *parser->at == '"';
        int rc = parse_name(parser, "]=\"", &step.name);
        if (rc != 0)
            return rc;
        step.kind = quoted ? STEP_GLOB : STEP_HAVING;
        if (*parser->at == '=') {
            parser->at++;
            step.kind = STEP_ELEMENT;
            rc = parse_name(parser, "]\"", &step.value);
            if (rc != 0)
                return rc;
        }
    }
    if (*parser->at != ']')
        return fail(parser, "']' is missing; a bracket holds *, \"glob\", key=value or key");
    parser->at++;
    return add_step(parser, step);
}

static int parse_segment(struct parser *parser)
{
    struct step step = {.kind = STEP_MEMBER};
    int rc = parse_name(parser, ".[]@\" ", &step.name);
    if (rc == 0)
        rc = add_step(parser, step);
    while (rc == 0 && *parser->at == '[')
        rc = parse_bracket(parser);
    return rc;
}

static int parse_view(struct parser *parser)
{
    parser->at++;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(parser->at, views[i].name) == 0) {
            parser->field->view = views[i].view;
            parser->at += strlen(parser->at);
            return 0;
        }
    return fail(parser, "a view is one of @keys, @count, @registry, @repository, @tag, @digest");
}

static int parse_alias(struct parser *parser)
{
    const size_t length = strcspn(parser->at, ".[]@\" ");
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strlen(aliases[i].name) == length && memcmp(parser->at, aliases[i].name, length) == 0) {
            parser->field->root = aliases[i].root;
            parser->at += length;
            return 0;
        }
    const char *names[sizeof aliases / sizeof *aliases + 1] = {NULL};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        names[i] = aliases[i].name;
    const char *near = name_nearest(arena_strndup(parser->arena, parser->at, length), names);
    return near == NULL
               ? fail(parser, "no such alias")
               : fail(parser, arena_printf(parser->arena, "no such alias; did you mean %s?", near));
}

static int parse_segments(struct parser *parser)
{
    struct field *field = parser->field;
    int rc = 0;
    if (*parser->at == '$') {
        rc = parse_alias(parser);
    } else if (*parser->at == '.') {
        field->root = FIELD_ELEMENT;
        if (parser->at[1] == '\0' || parser->at[1] == '@')
            parser->at++; /* "." alone: the value itself */
    } else {
        rc = parse_segment(parser);
    }
    while (rc == 0 && *parser->at == '.') {
        parser->at++;
        rc = parse_segment(parser);
    }
    if (rc == 0 && *parser->at == '@')
        rc = parse_view(parser);
    if (rc == 0 && *parser->at != '\0')
        rc = fail(parser, "'.', '[' or the end is expected here");
    return rc;
}

int field_parse(struct arena *arena, const char *text, struct field **ret_field, struct err *reterr)
{
    struct field *field = arena_alloc(arena, sizeof *field);
    struct parser parser = {.arena = arena, .field = field, .err = reterr};
    field->text = arena_strdup(arena, text);
    parser.text = parser.at = field->text;
    if (*text == '\0')
        return err_set(reterr, ERR_POLICY, "the field is empty");
    int rc = parse_segments(&parser);
    if (rc != 0)
        return rc;
    field->steps = arena_array(arena, field->step_count, sizeof *field->steps);
    memcpy(field->steps, parser.steps, field->step_count * sizeof *field->steps);
    *ret_field = field;
    return 0;
}

/* ---- binding to a kind ------------------------------------------------------------------ */

struct binder {
    struct arena *arena;
    const struct field *field;
    const struct schema_kind *kind;
    struct step steps[LIMIT_FIELD_STEPS];
    size_t count;
    const struct schema_node *node; /* after the steps so far; NULL: untyped */
    struct err *err;
};

size_t field_kind_index(const struct schema_kind *kind)
{
    return kind == NULL ? 0 : (size_t)(kind - schema_kinds) + 1;
}

static bool is_untyped(const struct schema_node *node)
{
    return node == NULL || node->type == SCHEMA_ANY;
}

static int unknown_member(const struct binder *binder, const char *name)
{
    const char *near = schema_suggest(binder->node->object, name);
    return err_set(binder->err, ERR_POLICY, "field \"%s\": %s has no \"%s\" at this place%s%s%s",
                   binder->field->text, binder->kind != NULL ? binder->kind->kind : "the object",
                   name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                   near != NULL ? "\"?" : "");
}

static int wrong_shape(const struct binder *binder, const char *step)
{
    return err_set(binder->err, ERR_POLICY, "field \"%s\": %s stands on a value of type %s",
                   binder->field->text, step, schema_type_name(binder->node->type));
}

static int bind_member(struct binder *binder, struct step *step)
{
    if (is_untyped(binder->node)) {
        binder->node = NULL;
        return 0;
    }
    if (binder->node->type == SCHEMA_MAP) {
        binder->node = binder->node->item;
        return 0;
    }
    if (binder->node->type != SCHEMA_OBJECT)
        return err_set(binder->err, ERR_POLICY,
                       "field \"%s\": \"%s\" stands below a value of type %s%s",
                       binder->field->text, step->name, schema_type_name(binder->node->type),
                       binder->node->type == SCHEMA_LIST ? "; write [*] for each element" : "");
    step->field = schema_field_find(binder->node->object, step->name);
    if (step->field == NULL)
        return unknown_member(binder, step->name);
    binder->node = &step->field->node;
    return 0;
}

/* Whether the elements of the list or map have the member that a bracket names. */
static int check_element_key(struct binder *binder, const char *key)
{
    const struct schema_node *node = binder->node;
    if (node == NULL || node->type != SCHEMA_OBJECT || schema_field_find(node->object, key) != NULL)
        return 0;
    return unknown_member(binder, key);
}

static int bind_bracket(struct binder *binder, const struct step *step)
{
    if (is_untyped(binder->node)) {
        binder->node = NULL;
        return 0;
    }
    const bool list = binder->node->type == SCHEMA_LIST;
    const bool map = binder->node->type == SCHEMA_MAP;
    if (step->kind == STEP_GLOB ? !map : step->kind == STEP_EACH ? !list && !map : !list)
        return wrong_shape(binder, step->kind == STEP_GLOB   ? "[\"glob\"]"
                                   : step->kind == STEP_EACH ? "[*]"
                                                             : "[key]");
    binder->node = binder->node->item;
    return step->name != NULL && step->kind != STEP_GLOB ? check_element_key(binder, step->name)
                                                         : 0;
}

static int bind_step(struct binder *binder, struct step step)
{
    int rc = step.kind == STEP_MEMBER ? bind_member(binder, &step) : bind_bracket(binder, &step);
    if (rc != 0)
        return rc;
    step.node = binder->node;
    if (binder->count == LIMIT_FIELD_STEPS)
        return err_set(binder->err, ERR_POLICY, "field \"%s\" is too long", binder->field->text);
    binder->steps[binder->count++] = step;
    return 0;
}

static int bind_name(struct binder *binder, const char *name)
{
    return bind_step(binder, (struct step){.kind = STEP_MEMBER, .name = name});
}

static int bind_own_steps(struct binder *binder)
{
    for (size_t i = 0; i < binder->field->step_count; i++) {
        int rc = bind_step(binder, binder->field->steps[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Walks to the pod spec, or (leave_out 1) to the template that holds it. */
static int bind_pod(struct binder *binder, size_t leave_out)
{
    size_t count = 0;
    while (binder->kind->pod_path[count] != NULL)
        count++;
    for (size_t i = 0; i + leave_out < count; i++) {
        int rc = bind_name(binder, binder->kind->pod_path[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool chooses(const struct step *step)
{
    return step->kind == STEP_EACH || step->kind == STEP_GLOB || step->kind == STEP_HAVING ||
           (step->kind == STEP_ELEMENT && step->is_filter);
}

static bool is_container(const struct schema_node *node)
{
    if (node == NULL || node->type != SCHEMA_OBJECT)
        return false;
    return strcmp(node->object->name, "io.k8s.api.core.v1.Container") == 0 ||
           strcmp(node->object->name, "io.k8s.api.core.v1.EphemeralContainer") == 0;
}

/* The template is one unit for the ratchet; a bare Pod has none. */
static bool goes_through_template(const struct binder *binder)
{
    const char *const *pod_path = binder->kind != NULL ? binder->kind->pod_path : NULL;
    if (pod_path == NULL || pod_path[1] == NULL)
        return false;
    for (size_t i = 0; pod_path[i + 1] != NULL; i++)
        if (i >= binder->count || binder->steps[i].kind != STEP_MEMBER ||
            strcmp(binder->steps[i].name, pod_path[i]) != 0)
            return false;
    return true;
}

static void finish_path(const struct binder *binder, enum field_root root, struct path *path)
{
    *path = (struct path){.root = root, .count = binder->count, .node = binder->node};
    path->steps = arena_array(binder->arena, binder->count, sizeof *path->steps);
    memcpy(path->steps, binder->steps, binder->count * sizeof *path->steps);
    path->literal = binder->count;
    for (size_t i = binder->count; i-- > 0;) {
        if (chooses(&path->steps[i])) {
            if (path->base == 0)
                path->base = i + 1;
            path->literal = i;
        }
        if (path->container == 0 && is_container(path->steps[i].node))
            path->container = i + 1;
    }
    path->in_template = root == FIELD_OBJECT && goes_through_template(binder);
}

static struct path *add_path(struct arena *arena, struct path_list *list)
{
    struct path *items = arena_array(arena, list->count + 1, sizeof *items);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    return &items[list->count++];
}

static struct binder binder_at(const struct binder *model, const struct schema_node *node)
{
    struct binder binder = {.arena = model->arena, .field = model->field, .kind = model->kind};
    binder.err = model->err;
    binder.node = node;
    return binder;
}

/* The lists of containers that an alias reaches. */
enum container_list { LIST_CONTAINERS, LIST_INIT, LIST_SIDECARS, LIST_EPHEMERAL };

/* Kubernetes forbids these members in init containers that are no sidecars. */
static bool only_in_running_containers(const char *member)
{
    return strcmp(member, "lifecycle") == 0 || strcmp(member, "livenessProbe") == 0 ||
           strcmp(member, "readinessProbe") == 0 || strcmp(member, "startupProbe") == 0;
}

/* ... and these in ephemeral containers (KUBERNETES fact 16). */
static bool never_in_ephemeral_containers(const char *member)
{
    return only_in_running_containers(member) || strcmp(member, "ports") == 0 ||
           strcmp(member, "resources") == 0 || strcmp(member, "resizePolicy") == 0 ||
           strcmp(member, "restartPolicy") == 0;
}

static int bind_container_list(const struct binder *model, enum container_list which,
                               const char *inner, const struct path *fallback,
                               struct path_list *list)
{
    const struct field *field = model->field;
    const char *member = inner != NULL ? inner : field->step_count > 0 ? field->steps[0].name : "";
    if (which == LIST_EPHEMERAL && never_in_ephemeral_containers(member))
        return 0;
    if (which == LIST_INIT && only_in_running_containers(member))
        which = LIST_SIDECARS;

    struct binder binder = binder_at(model, &model->kind->root);
    int rc = bind_pod(&binder, 0);
    if (rc == 0)
        rc = bind_name(&binder, which == LIST_CONTAINERS  ? "containers"
                                : which == LIST_EPHEMERAL ? "ephemeralContainers"
                                                          : "initContainers");
    struct step each = {.kind = STEP_EACH};
    if (which == LIST_SIDECARS)
        each = (struct step){
            .kind = STEP_ELEMENT, .name = "restartPolicy", .value = "Always", .is_filter = true};
    if (rc == 0)
        rc = bind_step(&binder, each);
    if (rc == 0 && inner != NULL)
        rc = bind_name(&binder, inner);
    if (rc == 0)
        rc = bind_own_steps(&binder);
    if (rc != 0)
        return rc;
    struct path *path = add_path(model->arena, list);
    finish_path(&binder, FIELD_OBJECT, path);
    path->fallback = fallback;
    return 0;
}

static int bind_containers(const struct binder *model, struct path_list *list)
{
    const enum field_root root = model->field->root;
    int rc = bind_container_list(model, LIST_CONTAINERS, NULL, NULL, list);
    if (rc == 0)
        rc = bind_container_list(model, root == FIELD_APP_CONTAINERS ? LIST_SIDECARS : LIST_INIT,
                                 NULL, NULL, list);
    if (rc == 0 && root == FIELD_ANY_CONTAINERS)
        rc = bind_container_list(model, LIST_EPHEMERAL, NULL, NULL, list);
    return rc;
}

/* What the kubelet reads where a container is silent; not every member exists on the pod. */
static const struct path *bind_pod_security(const struct binder *model)
{
    if (model->field->step_count == 0)
        return NULL;
    struct err ignored;
    struct binder binder = binder_at(model, &model->kind->root);
    binder.err = &ignored;
    if (bind_pod(&binder, 0) != 0 || bind_name(&binder, "securityContext") != 0 ||
        bind_own_steps(&binder) != 0)
        return NULL;
    struct path *path = arena_alloc(model->arena, sizeof *path);
    finish_path(&binder, FIELD_OBJECT, path);
    return path;
}

static int bind_security(const struct binder *model, struct path_list *list)
{
    const struct path *fallback = bind_pod_security(model);
    static const enum container_list lists[] = {LIST_CONTAINERS, LIST_INIT, LIST_EPHEMERAL};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        int rc = bind_container_list(model, lists[i], "securityContext", fallback, list);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check_request_member(const struct binder *binder)
{
    static const char *const members[] = {"uid",
                                          "kind",
                                          "resource",
                                          "subResource",
                                          "requestKind",
                                          "requestResource",
                                          "requestSubResource",
                                          "name",
                                          "namespace",
                                          "operation",
                                          "userInfo",
                                          "dryRun",
                                          "options",
                                          NULL};
    if (binder->field->step_count == 0)
        return 0;
    const char *name = binder->field->steps[0].name;
    for (size_t i = 0; members[i] != NULL; i++)
        if (strcmp(members[i], name) == 0)
            return 0;
    const char *near = name_nearest(name, members);
    return err_set(binder->err, ERR_POLICY, "field \"%s\": a request has no \"%s\"%s%s%s",
                   binder->field->text, name, near != NULL ? "; did you mean \"" : "",
                   near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int bind_plain(const struct binder *model, enum field_root root,
                      const struct schema_node *node, size_t pod_leave_out, struct path_list *list)
{
    struct binder binder = binder_at(model, node);
    int rc = 0;
    if (model->field->root == FIELD_POD || model->field->root == FIELD_POD_METADATA)
        rc = bind_pod(&binder, pod_leave_out);
    if (rc == 0 && model->field->root == FIELD_POD_METADATA)
        rc = bind_name(&binder, "metadata");
    if (rc == 0)
        rc = bind_own_steps(&binder);
    if (rc == 0)
        finish_path(&binder, root, add_path(model->arena, list));
    return rc;
}

static int bind_root(const struct binder *model, const struct path *rule_path,
                     struct path_list *list)
{
    const struct schema_kind *kind = model->kind;
    const struct schema_node *root = kind != NULL ? &kind->root : NULL;
    const bool has_pod = kind != NULL && kind->pod_path != NULL;
    switch (model->field->root) {
    case FIELD_OBJECT:
    case FIELD_OLD:
        return bind_plain(model, model->field->root, root, 0, list);
    case FIELD_OPTIONS:
        return bind_plain(model, FIELD_OPTIONS, NULL, 0, list);
    case FIELD_REQUEST: {
        int rc = check_request_member(model);
        return rc != 0 ? rc : bind_plain(model, FIELD_REQUEST, NULL, 0, list);
    }
    case FIELD_ELEMENT: {
        const struct schema_node *element = root;
        if (rule_path != NULL && model->field->step_count == 0)
            element = rule_path->node;
        else if (rule_path != NULL && rule_path->base > 0)
            element = rule_path->steps[rule_path->base - 1].node;
        return bind_plain(model, FIELD_ELEMENT, element, 0, list);
    }
    case FIELD_POD:
        return has_pod ? bind_plain(model, FIELD_OBJECT, root, 0, list) : 0;
    case FIELD_POD_METADATA:
        return has_pod ? bind_plain(model, FIELD_OBJECT, root, 1, list) : 0;
    case FIELD_SECURITY_CONTEXT:
        return has_pod ? bind_security(model, list) : 0;
    default:
        return has_pod ? bind_containers(model, list) : 0;
    }
}

int field_bind(struct arena *arena, struct field *field, const struct schema_kind *kind,
               const struct path *rule_path, struct err *reterr)
{
    struct binder model = {.arena = arena, .field = field, .kind = kind, .err = reterr};
    struct path_list list = {0};
    if (field->by_kind == NULL)
        field->by_kind = arena_array(arena, schema_kind_count + 1, sizeof *field->by_kind);
    int rc = bind_root(&model, rule_path, &list);
    if (rc == 0)
        field->by_kind[field_kind_index(kind)] = list;
    return rc;
}

/* ---- walking a tree --------------------------------------------------------------------- */

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
    if (any || chooses(step))
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

bool field_walk(const struct path *path, cJSON *root,
                bool (*visit)(void *context, struct target *target), void *context)
{
    if (json_is_null(root))
        return true;
    struct walk walk;
    walk.path = path;
    walk.target.path = path;
    walk.target.chain[0] = root;
    walk.target.index[0] = 0;
    walk.visit = visit;
    walk.context = context;
    return walk_from(&walk, 0);
}

/* ---- names of targets ------------------------------------------------------------------- */

static void write_member(struct buf *buf, const char *name)
{
    if (strpbrk(name, "./[] ") != NULL) {
        buf_add_char(buf, '[');
        buf_add_visible(buf, name, 100);
        buf_add_char(buf, ']');
        return;
    }
    if (buf->length > 0 && buf->data[buf->length - 1] != ':')
        buf_add_char(buf, '.');
    buf_add_visible(buf, name, 100);
}

static void write_bracket(const struct target *target, size_t at, struct buf *buf)
{
    const struct step *step = &target->path->steps[at];
    const bool exists = at < target->depth;
    if (step->kind == STEP_ELEMENT && !step->is_filter)
        buf_printf(buf, "[%s=%s]", step->name, step->value);
    else if (exists && json_is_array(target->chain[at]))
        buf_printf(buf, "[%zu]", target->index[at + 1]);
    else if (exists) {
        buf_add_char(buf, '[');
        buf_add_visible(buf, target->chain[at + 1]->string, 100);
        buf_add_char(buf, ']');
    }
}

void target_write_steps(const struct target *target, size_t steps, struct buf *buf)
{
    for (size_t i = 0; i < steps; i++) {
        if (target->path->steps[i].kind == STEP_MEMBER)
            write_member(buf, target->path->steps[i].name);
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
        if (step->kind == STEP_MEMBER)
            pointer_add_token(buf, step->name);
        else if (i >= target->depth)
            buf_add_string(buf, "/-");
        else if (json_is_array(target->chain[i]))
            buf_printf(buf, "/%zu", target->index[i + 1]);
        else
            pointer_add_token(buf, target->chain[i + 1]->string);
    }
}
