#include "kube/names.h"
#include "policy/field.h"

#include <string.h>

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
    if (strchr(name, '/') != NULL)
        return err_set(
            binder->err, ERR_POLICY,
            "field \"%s\": there is no \"%s\"; join the names with dots, as spec.replicas",
            binder->field->text, name);
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

/* The last step took the scalar of one key: metadata.labels.app of metadata.labels.app.name. */
static bool is_map_value(const struct binder *binder)
{
    if (binder->count < 2 || binder->steps[binder->count - 1].kind != STEP_MEMBER)
        return false;
    const struct step *map = &binder->steps[binder->count - 2];
    return binder->node->type == SCHEMA_STRING && map->kind == STEP_MEMBER && map->node != NULL &&
           map->node->type == SCHEMA_MAP;
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
    if (is_map_value(binder))
        return err_set(binder->err, ERR_POLICY,
                       "field \"%s\": \"%s\" stands below the value of one key; quote a key that "
                       "has dots: %s.\"KEY\"",
                       binder->field->text, step->name, binder->steps[binder->count - 2].name);
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
        if (step_chooses(&path->steps[i])) {
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

/* Without an element .x is the root's own member, which the ratchet has to see as such. */
static int bind_element(const struct binder *model, const struct path *rule_path,
                        const struct schema_node *root, struct path_list *list)
{
    if (rule_path != NULL && model->field->step_count == 0)
        return bind_plain(model, FIELD_ELEMENT, rule_path->node, 0, list);
    if (rule_path != NULL && rule_path->base > 0)
        return bind_plain(model, FIELD_ELEMENT, rule_path->steps[rule_path->base - 1].node, 0,
                          list);
    const enum field_root of = rule_path != NULL ? rule_path->root : FIELD_OBJECT;
    const bool typed = of == FIELD_OBJECT || of == FIELD_OLD;
    return bind_plain(model, of, typed ? root : NULL, 0, list);
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
    case FIELD_ELEMENT:
        return bind_element(model, rule_path, root, list);
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
