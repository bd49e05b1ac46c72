/* The facts: what the cluster answers, each with its error in its place. */
#include "base/clock.h"
#include "cli/doctor/doctor.h"

#include <string.h>

#define LABEL "app.kubernetes.io/name=" CLUSTER_WEBHOOK

/* What is looked at.  %s: the system namespace, then `value` as one segment. */
static const struct question {
    const char *key;
    bool list;
    const char *path;
    const char *value;
} questions[] = {
    {"version", false, "/version", ""},
    {"system", false, "/api/v1/namespaces/%s", ""},
    {"students", false, "/api/v1/namespaces/" CLUSTER_STUDENTS, ""},
    {"namespaces", true, "/api/v1/namespaces", ""},
    {"deployment", false, "/apis/apps/v1/namespaces/%s/deployments/%s", CLUSTER_WEBHOOK},
    {"account", false, "/api/v1/namespaces/%s/serviceaccounts/%s", CLUSTER_WEBHOOK},
    {"budget", false, "/apis/policy/v1/namespaces/%s/poddisruptionbudgets/%s", CLUSTER_WEBHOOK},
    {"service", false, "/api/v1/namespaces/%s/services/%s", CLUSTER_WEBHOOK},
    {"endpoints", true, "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices?labelSelector=%s",
     "kubernetes.io/service-name=" CLUSTER_WEBHOOK},
    {"policies", false, "/api/v1/namespaces/%s/configmaps/%s", CLUSTER_POLICIES},
    {"tls", false, "/api/v1/namespaces/%s/secrets/%s", CLUSTER_TLS},
    {"renewal", false, "/apis/batch/v1/namespaces/%s/cronjobs/%s", CLUSTER_RENEW},
    {"pods", true, "/api/v1/namespaces/%s/pods?labelSelector=%s", LABEL},
    {"mutating", false,
     "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/proctor", ""},
    {"validating", false,
     "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/proctor", ""},
    {"mutatingAll", true, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
     ""},
};

/* What a student must not be able to do. */
static const struct danger {
    const char *verb, *group, *resource, *space, *name, *why;
} dangers[] = {
    {"patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", "proctor",
     "That switches Proctor off."},
    {"patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "proctor",
     "That switches Proctor off."},
    {"get", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "proctor",
     "That tells whom Proctor leaves out."},
    {"patch", "", "configmaps", CLUSTER_SYSTEM, CLUSTER_POLICIES, "That changes the policies."},
    {"get", "", "configmaps", CLUSTER_SYSTEM, CLUSTER_POLICIES, "That shows the policies."},
    {"get", "", "secrets", CLUSTER_SYSTEM, CLUSTER_TLS,
     "With the key anybody can answer in Proctor's place."},
    {"create", "", "pods", CLUSTER_SYSTEM, "",
     "A pod there can have any account and read any Secret there."},
    {"patch", "apps", "deployments", CLUSTER_SYSTEM, CLUSTER_WEBHOOK,
     "That puts another program in Proctor's place."},
    {"create", "", "serviceaccounts/token", CLUSTER_SYSTEM, "",
     "The accounts there have rights that students have not."},
    {"patch", "", "namespaces", "", CLUSTER_STUDENTS, "The labels there say what may run."},
    {"escalate", "rbac.authorization.k8s.io", "roles", CLUSTER_STUDENTS, "",
     "That gives any right."},
    {"bind", "rbac.authorization.k8s.io", "clusterroles", CLUSTER_STUDENTS, "",
     "That gives any right."},
    {"impersonate", "", "groups", "", "system:masters", "That is every right, and not judged."},
};

struct gathering {
    struct cluster *cluster;
    struct arena *arena;
    const struct doctor_gathering *options;
    cJSON *facts;
};

static const char *code_name(int code)
{
    return err_label(code);
}

static cJSON *failure(struct arena *arena, int code, const struct err *err)
{
    cJSON *fact = json_new_object(arena);
    json_add(arena, fact, "code", json_new_string(arena, code_name(code)));
    json_add(arena, fact, "error", json_new_string(arena, err->text));
    return fact;
}

/* Keys never leave the cluster's answer: of a Secret only the certificates are kept.  Its
 * annotations may hold all of it once more, as kubectl applied it. */
static cJSON *without_keys(struct arena *arena, const cJSON *secret)
{
    static const char *const kept[] = {"tls.crt", "ca.crt"};
    cJSON *copy = json_new_object(arena), *data = json_new_object(arena);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const cJSON *entry = json_path(secret, "data", kept[i], NULL);
        if (entry != NULL)
            json_add(arena, data, kept[i], json_dup(arena, entry));
    }
    json_add(arena, copy, "data", data);
    return copy;
}

/* The one answer that is no Kubernetes object: it has no kind. */
static int ask_version(struct cluster *cluster, const char *path, cJSON **ret_version,
                       struct err *reterr)
{
    const char *text = NULL;
    int r = client_get_text(cluster->client, &cluster->arena, path, &text, reterr);
    if (r < 0)
        return r;
    return json_parse(&cluster->arena, text, strlen(text), &json_limits_review, ret_version,
                      reterr);
}

static int ask(struct gathering *gathering, const struct question *question, cJSON *seen,
               struct err *err)
{
    struct arena *arena = gathering->arena;
    struct cluster *cluster = gathering->cluster;
    const char *path = client_path(arena, question->path, cluster->space, question->value);
    cJSON *answer = NULL, *fact;
    int r;
    if (question->list)
        r = client_list(cluster->client, arena, path, &answer, err);
    else if (strcmp(question->path, "/version") == 0)
        r = ask_version(cluster, path, &answer, err);
    else
        r = client_get(cluster->client, arena, path, &answer, err);
    if (r == 0) {
        fact = json_new_object(arena);
        if (strcmp(question->key, "tls") == 0)
            answer = without_keys(arena, answer);
        json_add(arena, fact, question->list ? "items" : "object", answer);
    } else {
        fact = failure(arena, r, err);
    }
    json_add(arena, seen, question->key, fact);
    return r;
}

/* ---- replicas */

static bool is_ready(const cJSON *pod)
{
    const cJSON *condition;
    cJSON_ArrayForEach(condition, json_path(pod, "status", "conditions", NULL))
    {
        const char *type = json_get_string(condition, "type");
        const char *status = json_get_string(condition, "status");
        if (type != NULL && status != NULL && strcmp(type, "Ready") == 0)
            return strcmp(status, "True") == 0;
    }
    return false;
}

static cJSON *ask_replica(struct gathering *gathering, const char *name)
{
    struct arena *arena = gathering->arena;
    cJSON *replica = json_new_object(arena), *readyz = NULL;
    const char *text = NULL;
    struct err err;
    const char *path = client_path(arena, "/api/v1/namespaces/%s/pods/%s/proxy/readyz",
                                   gathering->cluster->space, arena_printf(arena, "%s:8080", name));
    int r = client_get_text(gathering->cluster->client, arena, path, &text, &err);
    if (r == 0)
        r = json_parse(arena, text, strlen(text), &json_limits_review, &readyz, &err);
    if (r < 0)
        replica = failure(arena, r, &err);
    else
        json_add(arena, replica, "readyz", readyz);
    json_add(arena, replica, "pod", json_new_string(arena, name));
    return replica;
}

static void ask_replicas(struct gathering *gathering)
{
    cJSON *list = json_new_array(gathering->arena);
    const cJSON *pod;
    cJSON_ArrayForEach(pod, json_path(gathering->facts, "seen", "pods", "items", NULL))
    {
        const char *name = json_get_string(json_get(pod, "metadata"), "name");
        if (name != NULL && is_ready(pod))
            json_append(list, ask_replica(gathering, name));
    }
    json_add(gathering->arena, gathering->facts, "replicas", list);
}

/* ---- rights */

static void add_strings(struct arena *arena, cJSON *object, const char *const *pairs)
{
    for (; pairs[0] != NULL; pairs += 2)
        json_add(arena, object, pairs[0], json_new_string(arena, pairs[1]));
}

/* Proctor may be installed under another name. */
static const char *space_of(const struct gathering *gathering, const struct danger *danger)
{
    return strcmp(danger->space, CLUSTER_SYSTEM) == 0 ? gathering->cluster->space : danger->space;
}

static cJSON *right_question(struct gathering *gathering, const struct danger *danger)
{
    static const char *const groups[] = {"students", "system:authenticated"};
    struct arena *arena = gathering->arena;
    cJSON *question = json_new_object(arena), *spec = json_new_object(arena);
    cJSON *attributes = json_new_object(arena), *list = json_new_array(arena);
    const char *slash = strchr(danger->resource, '/');
    const char *resource =
        slash == NULL ? danger->resource
                      : arena_strndup(arena, danger->resource, (size_t)(slash - danger->resource));
    const char *const head[] = {"apiVersion", "authorization.k8s.io/v1", "kind",
                                "SubjectAccessReview", NULL};
    const char *const asked[] = {"verb",        danger->verb,
                                 "group",       danger->group,
                                 "resource",    resource,
                                 "subresource", slash != NULL ? slash + 1 : "",
                                 "namespace",   space_of(gathering, danger),
                                 "name",        danger->name,
                                 NULL};
    add_strings(arena, question, head);
    add_strings(arena, attributes, asked);
    json_add(arena, spec, "user", json_new_string(arena, gathering->options->student));
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        json_append(list, json_new_string(arena, groups[i]));
    json_add(arena, spec, "groups", list);
    json_add(arena, spec, "resourceAttributes", attributes);
    json_add(arena, question, "spec", spec);
    return question;
}

static int ask_right(struct gathering *gathering, const struct danger *danger, cJSON *list)
{
    struct arena *arena = gathering->arena;
    cJSON *answer = NULL, *right;
    struct err err;
    const char *const told[] = {
        "verb",     danger->verb,     "group",     danger->group,
        "resource", danger->resource, "namespace", space_of(gathering, danger),
        "name",     danger->name,     "why",       danger->why,
        NULL};
    int r = client_create(gathering->cluster->client, arena,
                          "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                          right_question(gathering, danger), &answer, &err);
    right = r < 0 ? failure(arena, r, &err) : json_new_object(arena);
    add_strings(arena, right, told);
    json_add(arena, right, "allowed",
             json_new_bool(arena, json_is_true(json_path(answer, "status", "allowed", NULL))));
    json_append(list, right);
    return r;
}

static void ask_rights(struct gathering *gathering)
{
    cJSON *list = json_new_array(gathering->arena);
    for (size_t i = 0; i < sizeof dangers / sizeof dangers[0]; i++) {
        if (ask_right(gathering, &dangers[i], list) < 0)
            break;
    }
    json_add(gathering->arena, gathering->facts, "rights", list);
}

/* ---- the live probe: dry runs, which store nothing */

static const char pod_text[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"proctor-doctor\"},"
    "\"spec\":{\"containers\":[{\"name\":\"app\","
    "\"image\":\"registry.hydrosim.edu/student-0000000:v1\"}]}}";

static const char deployment_text[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":"
    "\"student-0000000\",\"labels\":{\"app\":\"student-0000000\"}},\"spec\":{\"selector\":"
    "{\"matchLabels\":{\"app\":\"student-0000000\"}},\"template\":{\"metadata\":{\"labels\":"
    "{\"app\":\"student-0000000\"}},\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":"
    "\"registry.hydrosim.edu/student-0000000:v1\",\"ports\":[{\"containerPort\":8000}]}]}}}}";

struct attempt {
    const char *path, *text;
    struct kube_client *client;
    const char *as;
};

static cJSON *try_creation(struct gathering *gathering, const struct attempt *attempt)
{
    struct arena *arena = gathering->arena;
    cJSON *object = NULL, *answer = NULL, *fact, *warnings = json_new_array(arena);
    struct err err;
    int r =
        json_parse(arena, attempt->text, strlen(attempt->text), &json_limits_review, &object, &err);
    if (r == 0)
        r = client_create(attempt->client, arena, attempt->path, object, &answer, &err);
    fact = r < 0 ? failure(arena, r, &err) : json_new_object(arena);
    const char *const *warning = client_warnings(attempt->client);
    for (; warning != NULL && *warning != NULL; warning++)
        json_append(warnings, json_new_string(arena, *warning));
    json_add(arena, fact, "warnings", warnings);
    json_add(arena, fact, "as", json_new_string(arena, attempt->as));
    return fact;
}

#define STUDENTS_POD        "/api/v1/namespaces/" CLUSTER_STUDENTS "/pods?dryRun=All"
#define STUDENTS_DEPLOYMENT "/apis/apps/v1/namespaces/" CLUSTER_STUDENTS "/deployments?dryRun=All"

/* As a student, whom break-glass never leaves out; as ourselves if that may not be. */
static cJSON *try_as_student(struct gathering *gathering, const char *self)
{
    static const char *const groups[] = {"students", NULL};
    struct kube_config config = *gathering->cluster->config;
    struct client_options options = {0};
    struct kube_client *client = NULL;
    struct err err;
    struct attempt attempt = {STUDENTS_DEPLOYMENT, deployment_text, gathering->cluster->client,
                              self};
    config.as_user = gathering->options->student;
    config.as_groups = groups;
    if (client_new(&config, &options, &client, &err) == 0) {
        const struct attempt student = {STUDENTS_DEPLOYMENT, deployment_text, client,
                                        gathering->options->student};
        cJSON *fact = try_creation(gathering, &student);
        const char *code = json_get_string(fact, "code");
        client_free(client);
        if (code == NULL || strcmp(code, code_name(ERR_FORBIDDEN)) != 0)
            return fact;
    }
    return try_creation(gathering, &attempt);
}

static void probe(struct gathering *gathering)
{
    struct arena *arena = gathering->arena;
    cJSON *fact = json_new_object(arena);
    const char *self = json_get_string(json_get(gathering->facts, "user"), "username");
    if (self == NULL)
        self = "ourselves";
    const struct attempt pod = {STUDENTS_POD, pod_text, gathering->cluster->client, self};
    json_add(arena, fact, "pod", try_creation(gathering, &pod));
    json_add(arena, fact, "deployment", try_as_student(gathering, self));
    json_add(arena, gathering->facts, "probe", fact);
}

/* ---- all of it */

static bool is_hopeless(int code)
{
    return code == -ERR_UNREACHABLE || code == -ERR_UNAUTHORIZED || code == -ERR_KUBECONFIG;
}

int doctor_gather(struct cluster *cluster, const struct doctor_gathering *options,
                  cJSON **ret_facts, struct err *reterr)
{
    struct arena *arena = &cluster->arena;
    struct gathering gathering = {cluster, arena, options, json_new_object(arena)};
    cJSON *seen = json_new_object(arena), *user = NULL;
    struct err err;
    json_add(arena, gathering.facts, "now", json_new_int(arena, clock_unix()));
    json_add(arena, gathering.facts, "program", json_new_string(arena, PROCTOR_VERSION));
    json_add(arena, gathering.facts, "space", json_new_string(arena, cluster->space));
    if (cluster_whoami(cluster, cluster->client, &user, &err) == 0)
        json_add(arena, gathering.facts, "user", json_dup(arena, user));
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int r = ask(&gathering, &questions[i], seen, reterr);
        if (is_hopeless(r))
            return r;
    }
    json_add(arena, gathering.facts, "seen", seen);
    ask_replicas(&gathering);
    ask_rights(&gathering);
    if (options->probe)
        probe(&gathering);
    *ret_facts = gathering.facts;
    return 0;
}
