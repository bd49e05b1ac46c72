#include "recorder/deploy_internal.h"

#include "client/say.h"

#include <string.h>

#define CHANGE_CAUSE "kubernetes.io/change-cause"
#define ON_BEHALF_OF "proctor.dev/on-behalf-of"
#define HISTORY_ID   "proctor.dev/history-id"
#define NAMES_SHOWN  10U

/* ---- trees ------------------------------------------------------------------------------ */

static cJSON *add_object(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, parent, key, object);
    return object;
}

static cJSON *add_list(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *list = json_new_array(arena);
    json_add(arena, parent, key, list);
    return list;
}

static cJSON *append_object(struct arena *arena, cJSON *list)
{
    cJSON *object = json_new_object(arena);
    json_append(list, object);
    return object;
}

static void take_out(cJSON *object, const char *key)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_unlink(object, member);
}

/* In its place, if it has one. */
static void set_member(struct arena *arena, cJSON *object, const char *key, const cJSON *value)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_assign(arena, member, json_dup(arena, value));
    else
        json_add(arena, object, key, json_dup(arena, value));
}

static void set_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    set_member(arena, object, key, json_new_string(arena, text));
}

static void set_number(struct arena *arena, cJSON *object, const char *key, int64_t number)
{
    set_member(arena, object, key, json_new_int(arena, number));
}

/* The member, made if there is none. */
static cJSON *have_object(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *member = json_get(parent, key);
    if (json_is_object(member))
        return member;
    take_out(parent, key);
    return add_object(arena, parent, key);
}

static cJSON *have_list(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *member = json_get(parent, key);
    if (json_is_array(member))
        return member;
    take_out(parent, key);
    return add_list(arena, parent, key);
}

static bool is_text(const cJSON *object, const char *key, const char *text)
{
    const char *is = json_get_string(object, key);
    return is != NULL && strcmp(is, text) == 0;
}

static bool is_number(const cJSON *object, const char *key, int64_t number)
{
    int64_t is;
    return json_int64(json_get(object, key), &is) && is == number;
}

static cJSON *find_named(const cJSON *list, const char *name)
{
    for (cJSON *item = json_is_array(list) ? list->child : NULL; item != NULL; item = item->next)
        if (is_text(item, "name", name))
            return item;
    return NULL;
}

static cJSON *new_object(struct arena *arena, const char *version, const char *kind,
                         const char *namespace_, const char *name)
{
    cJSON *object = json_new_object(arena);
    set_text(arena, object, "apiVersion", version);
    set_text(arena, object, "kind", kind);
    cJSON *metadata = add_object(arena, object, "metadata");
    set_text(arena, metadata, "name", name);
    set_text(arena, metadata, "namespace", namespace_);
    set_text(arena, add_object(arena, metadata, "labels"), "app", name);
    return object;
}

/* ---- the container ---------------------------------------------------------------------- */

static const char *names_of(struct arena *arena, const cJSON *list)
{
    struct buf names;
    size_t count = 0;
    buf_init(&names, arena, 4096);
    for (const cJSON *item = list->child; item != NULL && count < NAMES_SHOWN; item = item->next) {
        const char *name = json_get_string(item, "name");
        buf_add_string(&names, count++ == 0 ? "" : ", ");
        buf_add_visible(&names, name != NULL ? name : "?", 63);
    }
    if (json_count(list) > NAMES_SHOWN)
        buf_add_string(&names, ", ...");
    return names.data;
}

/* Which of several gets the image. */
static cJSON *choose_container(struct arena *arena, const struct deploy_spec *spec,
                               const cJSON *containers, cJSON *causes)
{
    cJSON *found = spec->container != NULL ? find_named(containers, spec->container) : NULL;
    if (spec->container == NULL && json_count(containers) == 1)
        found = containers->child;
    if (spec->container == NULL && found == NULL)
        found = find_named(containers, DEPLOY_CONTAINER);
    if (spec->container == NULL && found == NULL)
        found = find_named(containers, spec->project);
    if (found != NULL)
        return found;
    json_append(causes, deploy_cause(arena, "container", "FieldValueRequired",
                                     json_count(containers) == 0
                                         ? "the Deployment that is there has no containers"
                                         : arena_printf(arena,
                                                        "say which of its containers is to run the "
                                                        "image: %s",
                                                        names_of(arena, containers))));
    return NULL;
}

/* ---- the environment -------------------------------------------------------------------- */

static bool has_value(const cJSON *entry, const char *value)
{
    const char *is = json_get_string(entry, "value");
    return json_get(entry, "valueFrom") == NULL && strcmp(is != NULL ? is : "", value) == 0;
}

/* Of two entries of one name the last counts: one is left. */
static void drop_further(cJSON *list, cJSON *first, const char *name)
{
    for (cJSON *entry = first->next, *next; entry != NULL; entry = next) {
        next = entry->next;
        if (is_text(entry, "name", name))
            json_unlink(list, entry);
    }
}

static cJSON *new_variable(struct arena *arena, const struct deploy_env *variable)
{
    cJSON *entry = json_new_object(arena);
    set_text(arena, entry, "name", variable->name);
    /* As the API server stores it. */
    if (variable->value[0] != '\0')
        set_text(arena, entry, "value", variable->value);
    return entry;
}

static void set_variable(struct arena *arena, cJSON *list, const struct deploy_env *variable)
{
    cJSON *entry = find_named(list, variable->name);
    if (entry == NULL && variable->value != NULL)
        json_append(list, new_variable(arena, variable));
    if (entry == NULL)
        return;
    drop_further(list, entry, variable->name);
    if (variable->value == NULL)
        json_unlink(list, entry);
    else if (!has_value(entry, variable->value))
        json_assign(arena, entry, new_variable(arena, variable));
}

static void set_environment(struct arena *arena, const struct deploy_spec *spec, cJSON *container)
{
    if (spec->env_replace)
        take_out(container, "env");
    if (spec->env_count == 0)
        return;
    cJSON *list = have_list(arena, container, "env");
    for (size_t i = 0; i < spec->env_count; i++)
        set_variable(arena, list, &spec->env[i]);
    if (list->child == NULL)
        take_out(container, "env");
}

/* ---- the port --------------------------------------------------------------------------- */

static cJSON *find_port(const cJSON *ports, const char *key, int64_t number)
{
    for (cJSON *port = json_is_array(ports) ? ports->child : NULL; port != NULL; port = port->next)
        if (is_number(port, key, number))
            return port;
    return NULL;
}

static int64_t first_port(const cJSON *container)
{
    int64_t number = 0;
    const cJSON *ports = json_get(container, "ports");
    if (json_is_array(ports) && ports->child != NULL)
        (void)json_int64(json_get(ports->child, "containerPort"), &number);
    return number;
}

/* A probe that asks the port of before would never be answered again. */
static void move_probes(struct arena *arena, cJSON *container, int64_t from, int64_t to)
{
    static const char *const probes[] = {"startupProbe", "readinessProbe", "livenessProbe"};
    static const char *const ways[] = {"tcpSocket", "httpGet", "grpc"};
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        for (size_t j = 0; j < sizeof ways / sizeof ways[0]; j++) {
            cJSON *way = json_path(container, probes[i], ways[j], NULL);
            if (way != NULL && is_number(way, "port", from))
                set_number(arena, way, "port", to);
        }
    }
}

static void set_port(struct arena *arena, const struct deploy_spec *spec, cJSON *container)
{
    const int64_t was = first_port(container);
    if (spec->port == 0 || find_port(json_get(container, "ports"), "containerPort", spec->port))
        return;
    cJSON *ports = have_list(arena, container, "ports");
    cJSON *port = ports->child != NULL ? ports->child : append_object(arena, ports);
    set_number(arena, port, "containerPort", spec->port);
    move_probes(arena, container, was != 0 ? was : DEPLOY_PORT, spec->port);
}

/* ---- the Deployment --------------------------------------------------------------------- */

static cJSON *new_deployment(struct arena *arena, const struct deploy_spec *spec,
                             const char *namespace_)
{
    cJSON *object = new_object(arena, "apps/v1", "Deployment", namespace_, spec->project);
    cJSON *inner = add_object(arena, object, "spec");
    set_number(arena, inner, "replicas", 1);
    cJSON *selector = add_object(arena, inner, "selector");
    set_text(arena, add_object(arena, selector, "matchLabels"), "app", spec->project);
    cJSON *pod = add_object(arena, inner, "template");
    cJSON *labels = add_object(arena, add_object(arena, pod, "metadata"), "labels");
    set_text(arena, labels, "app", spec->project);
    cJSON *containers = add_list(arena, add_object(arena, pod, "spec"), "containers");
    cJSON *container = append_object(arena, containers);
    set_text(arena, container, "name",
             spec->container != NULL ? spec->container : DEPLOY_CONTAINER);
    cJSON *port = append_object(arena, add_list(arena, container, "ports"));
    set_number(arena, port, "containerPort", DEPLOY_PORT);
    return object;
}

/* rollingUpdate beside type Recreate is refused by the API server. */
static void set_strategy(struct arena *arena, const struct deploy_spec *spec, cJSON *inner)
{
    const char *wanted = spec->strategy;
    if (wanted == NULL || is_text(json_get(inner, "strategy"), "type", wanted))
        return;
    take_out(inner, "strategy");
    set_text(arena, add_object(arena, inner, "strategy"), "type", wanted);
}

cJSON *deploy_make_deployment(struct arena *arena, const struct deploy_spec *spec,
                              const char *namespace_, const cJSON *live, cJSON *causes)
{
    cJSON *wanted = live != NULL ? json_dup(arena, live) : new_deployment(arena, spec, namespace_);
    cJSON *inner = have_object(arena, wanted, "spec");
    cJSON *container = choose_container(
        arena, spec,
        have_list(arena, have_object(arena, have_object(arena, inner, "template"), "spec"),
                  "containers"),
        causes);
    if (container == NULL)
        return NULL;
    set_text(arena, container, "image", spec->image);
    set_environment(arena, spec, container);
    set_port(arena, spec, container);
    set_strategy(arena, spec, inner);
    if (spec->replicas >= 0)
        set_number(arena, inner, "replicas", spec->replicas);
    return wanted;
}

void deploy_mark(struct arena *arena, cJSON *deployment, const struct deploy_marks *marks)
{
    cJSON *annotations =
        have_object(arena, have_object(arena, deployment, "metadata"), "annotations");
    if (marks->change_cause != NULL)
        set_text(arena, annotations, CHANGE_CAUSE, marks->change_cause);
    if (marks->on_behalf_of != NULL)
        set_text(arena, annotations, ON_BEHALF_OF, marks->on_behalf_of);
    if (marks->history_id != NULL)
        set_text(arena, annotations, HISTORY_ID, marks->history_id);
}

bool deploy_is_marked(const cJSON *object, const char *history_id)
{
    return is_text(json_path(object, "metadata", "annotations", NULL), HISTORY_ID, history_id);
}

/* ---- the Service ------------------------------------------------------------------------ */

static int64_t port_of(struct arena *arena, const struct deploy_spec *spec, const cJSON *deployment)
{
    const cJSON *containers = json_path(deployment, "spec", "template", "spec", "containers", NULL);
    const cJSON *container = json_is_array(containers)
                                 ? choose_container(arena, spec, containers, json_new_array(arena))
                                 : NULL;
    const int64_t port = spec->port != 0 ? spec->port : first_port(container);
    return port != 0 ? port : DEPLOY_PORT;
}

/* Whether it leads to that Deployment's pods. */
static bool selects(const cJSON *selector, const cJSON *labels)
{
    if (!json_is_object(selector) || selector->child == NULL)
        return false;
    for (const cJSON *label = selector->child; label != NULL; label = label->next)
        if (!json_equal(label, json_get(labels, label->string)))
            return false;
    return true;
}

static void set_selector(struct arena *arena, const struct deploy_spec *spec, cJSON *inner,
                         const cJSON *deployment)
{
    const cJSON *labels = json_path(deployment, "spec", "template", "metadata", "labels", NULL);
    const cJSON *match = json_path(deployment, "spec", "selector", "matchLabels", NULL);
    if (selects(json_get(inner, "selector"), labels))
        return;
    take_out(inner, "selector");
    if (json_is_object(match) && match->child != NULL)
        json_add(arena, inner, "selector", json_dup(arena, match));
    else
        set_text(arena, add_object(arena, inner, "selector"), "app", spec->project);
}

/* The port of the Service that visitors come to; a name (targetPort: http) stays, unless a number
 * was told. */
static void set_ports(struct arena *arena, const struct deploy_spec *spec, cJSON *inner,
                      const cJSON *deployment)
{
    cJSON *ports = have_list(arena, inner, "ports");
    cJSON *port = find_port(ports, "port", DEPLOY_PUBLIC);
    const bool known = port != NULL && json_get(port, "targetPort") != NULL;
    if (known && spec->port == 0)
        return;
    if (port == NULL && json_count(ports) == 1)
        port = ports->child;
    if (port == NULL)
        port = append_object(arena, ports);
    set_number(arena, port, "port", DEPLOY_PUBLIC);
    set_number(arena, port, "targetPort", port_of(arena, spec, deployment));
}

cJSON *deploy_make_service(struct arena *arena, const struct deploy_spec *spec,
                           const char *namespace_, const cJSON *deployment, const cJSON *live)
{
    cJSON *wanted = live != NULL ? json_dup(arena, live)
                                 : new_object(arena, "v1", "Service", namespace_, spec->project);
    cJSON *inner = have_object(arena, wanted, "spec");
    if (live == NULL)
        set_text(arena, inner, "type", "ClusterIP");
    set_selector(arena, spec, inner, deployment);
    set_ports(arena, spec, inner, deployment);
    return wanted;
}

/* ---- the Ingress ------------------------------------------------------------------------ */

static void add_rule(struct arena *arena, const struct deploy_spec *spec, cJSON *rules,
                     const char *host)
{
    cJSON *rule = append_object(arena, rules);
    set_text(arena, rule, "host", host);
    cJSON *paths = add_list(arena, add_object(arena, rule, "http"), "paths");
    cJSON *path = append_object(arena, paths);
    set_text(arena, path, "path", "/");
    set_text(arena, path, "pathType", "Prefix");
    cJSON *service = add_object(arena, add_object(arena, path, "backend"), "service");
    set_text(arena, service, "name", spec->project);
    set_number(arena, add_object(arena, service, "port"), "number", DEPLOY_PUBLIC);
}

static bool leads_to(const cJSON *rule, const char *service)
{
    const cJSON *paths = json_path(rule, "http", "paths", NULL);
    for (const cJSON *path = json_is_array(paths) ? paths->child : NULL; path != NULL;
         path = path->next)
        if (is_text(json_path(path, "backend", "service", NULL), "name", service))
            return true;
    return false;
}

static cJSON *find_rule(const cJSON *rules, const char *service, const char *host)
{
    for (cJSON *rule = rules->child; rule != NULL; rule = rule->next)
        if (leads_to(rule, service) && (host == NULL || is_text(rule, "host", host)))
            return rule;
    return NULL;
}

/* The certificate goes with the host that it is for. */
static void rename_host(struct arena *arena, cJSON *inner, cJSON *rule, const char *host)
{
    const char *was = json_get_string(rule, "host");
    const cJSON *tls = json_get(inner, "tls");
    for (const cJSON *item = json_is_array(tls) ? tls->child : NULL; item != NULL && was != NULL;
         item = item->next) {
        const cJSON *hosts = json_get(item, "hosts");
        for (cJSON *one = json_is_array(hosts) ? hosts->child : NULL; one != NULL; one = one->next)
            if (json_is_string(one) && strcmp(one->valuestring, was) == 0)
                json_assign(arena, one, json_new_string(arena, host));
    }
    set_text(arena, rule, "host", host);
}

cJSON *deploy_make_ingress(struct arena *arena, const struct deploy_spec *spec,
                           const char *namespace_, const char *host_domain, const cJSON *live)
{
    const char *host =
        spec->host != NULL ? spec->host : arena_printf(arena, "%s.%s", spec->project, host_domain);
    cJSON *wanted = live != NULL ? json_dup(arena, live)
                                 : new_object(arena, "networking.k8s.io/v1", "Ingress", namespace_,
                                              spec->project);
    cJSON *inner = have_object(arena, wanted, "spec");
    cJSON *rules = have_list(arena, inner, "rules");
    if (find_rule(rules, spec->project, spec->host) != NULL)
        return wanted;
    cJSON *rule = json_count(rules) == 1 ? find_rule(rules, spec->project, NULL) : NULL;
    if (rule != NULL)
        rename_host(arena, inner, rule, host);
    else
        add_rule(arena, spec, rules, host);
    return wanted;
}
