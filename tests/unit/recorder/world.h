/* A small API server for tests of what writes Deployments: one Deployment with its Service and its
 * Ingress, and some ConfigMaps; JSON Patches with their tests, generation and resourceVersion as
 * the real one counts them, and what a test tells it to do in the way of a Deployment's write.
 */
#ifndef PROCTOR_TEST_RECORDER_WORLD_H
#define PROCTOR_TEST_RECORDER_WORLD_H

#include "base/json.h"
#include "base/limits.h"
#include "client/kubeconfig.h"
#include "kube/pointer.h"
#include "tests/unit/history/store_fixture.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

enum world_trouble {
    WORLD_WELL,
    WORLD_REFUSES, /* policy: 422 with a cause */
    WORLD_MOVES,   /* somebody annotates it just ahead of the write */
    WORLD_RUNS,    /* somebody does so ahead of every write, always otherwise */
    WORLD_STORES,  /* the write is stored, its answer never comes */
    WORLD_BREAKS   /* nothing is stored, no answer comes */
};

struct world {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    struct arena arena; /* of all that is stored, under the lock */
    cJSON *deployment;  /* NULL: there is none */
    cJSON *service, *ingress;
    cJSON *config_maps; /* name -> object */
    int64_t version;
    int uids;
    enum world_trouble trouble; /* of the next writes */
    const char *refused;        /* writes to paths with that in them are, dry runs not; NULL */
    void (*stored)(void);       /* after each write, before its answer; NULL */
    unsigned writes, dry_runs;
    char server[64];
    struct kube_config kube;
};

static struct world world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static cJSON *world_parse(const char *text)
{
    cJSON *root = NULL;
    struct err err = {0};
    if (json_parse(&world.arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        fprintf(stderr, "the world cannot read %s: %s\n", text, err.text);
    return root;
}

/* ---- Objects ---------------------------------------------------------------------------- */

static cJSON **world_slot(const char *url)
{
    return strstr(url, "/services") != NULL    ? &world.service
           : strstr(url, "/ingresses") != NULL ? &world.ingress
                                               : &world.deployment;
}

/* *ret_failed: why it cannot be applied; NULL: it is. */
static cJSON *world_patched(const cJSON *object, const cJSON *patch, const char **ret_failed)
{
    cJSON *copy = json_dup(&world.arena, object);
    struct err err;
    *ret_failed = patch_apply(&world.arena, &copy, patch, &err) < 0
                      ? arena_strdup(&world.arena, err.text)
                      : NULL;
    return copy;
}

static void world_set(cJSON *object, const char *key, cJSON *value)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_unlink(object, member);
    json_add(&world.arena, object, key, value);
}

/* Counts as the API server does: the generation for spec and annotations. */
static void world_count(cJSON *object, const cJSON *before)
{
    cJSON *metadata = json_get(object, "metadata");
    int64_t generation = 0;
    (void)json_int64(json_path(before, "metadata", "generation", NULL), &generation);
    if (before == NULL || !json_equal(json_get(object, "spec"), json_get(before, "spec")) ||
        !json_equal(json_get(metadata, "annotations"),
                    json_path(before, "metadata", "annotations", NULL)))
        generation++;
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)++world.version);
    world_set(metadata, "generation", json_new_int(&world.arena, generation));
    world_set(metadata, "resourceVersion", json_new_string(&world.arena, text));
}

/* ---- HTTP ------------------------------------------------------------------------------- */

struct world_request {
    struct buf body;
};

static enum MHD_Result world_answer(struct MHD_Connection *connection, unsigned code,
                                    const cJSON *object)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_ANSWER_BYTES);
    json_write(&text, object);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text.length, text.data, MHD_RESPMEM_MUST_COPY);
    buf_done(&text);
    MHD_add_response_header(response, "Content-Type", "application/json");
    const enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result world_status(struct MHD_Connection *connection, unsigned code,
                                    const char *reason, const char *message, const char *causes)
{
    struct buf text;
    buf_init(&text, &world.arena, LIMIT_MIB);
    buf_printf(&text,
               "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":%u,"
               "\"reason\":\"%s\",\"message\":",
               code, reason);
    buf_add_json_string(&text, message);
    buf_printf(&text, ",\"details\":{\"causes\":[%s]}}", causes);
    return world_answer(connection, code, world_parse(text.data));
}

static void world_annotate_now(const char *key, const char *value)
{
    cJSON *before = world.deployment, *copy = json_dup(&world.arena, before);
    cJSON *metadata = json_get(copy, "metadata");
    if (json_get(metadata, "annotations") == NULL)
        world_set(metadata, "annotations", json_new_object(&world.arena));
    world_set(json_get(metadata, "annotations"), key, json_new_string(&world.arena, value));
    world_count(copy, before);
    world.deployment = copy;
}

/* What a test wants to happen to it; MHD_YES and *ret_over false: nothing. */
static enum MHD_Result world_hinder(struct MHD_Connection *connection, const char *url, bool dry,
                                    bool *ret_over)
{
    const enum world_trouble trouble = world.trouble;
    const bool is_deployment = strstr(url, "/deployments") != NULL;
    *ret_over = true;
    if (world.refused != NULL && !dry && strstr(url, world.refused) != NULL)
        return world_status(connection, 403, "Forbidden", "exceeded quota: room", "");
    if (is_deployment && trouble == WORLD_REFUSES)
        return world_status(connection, 422, "Invalid",
                            "admission webhook \"validate.proctor.dev\" denied the request: no",
                            "{\"reason\":\"FieldValueInvalid\",\"message\":\"no\","
                            "\"field\":\"spec.template\"}");
    if (is_deployment && trouble == WORLD_BREAKS)
        return MHD_NO;
    if (is_deployment && trouble == WORLD_MOVES)
        world_annotate_now("else", "where");
    if (is_deployment && trouble == WORLD_RUNS)
        world_annotate_now("else", arena_printf(&world.arena, "%lld", (long long)world.version));
    *ret_over = false;
    return MHD_YES;
}

static enum MHD_Result world_write(struct MHD_Connection *connection, const char *url, bool create,
                                   const char *body)
{
    const bool dry = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "dryRun");
    cJSON **slot = world_slot(url);
    const char *failed = NULL;
    bool over;
    if (create ? *slot != NULL : *slot == NULL)
        return create ? world_status(connection, 409, "AlreadyExists", "already exists", "")
                      : world_status(connection, 404, "NotFound", "not found", "");
    const enum MHD_Result result = world_hinder(connection, url, dry, &over);
    if (over)
        return result;
    cJSON *sent = world_parse(body);
    cJSON *stored = create ? sent : world_patched(*slot, sent, &failed);
    if (failed != NULL)
        return world_status(connection, 422, "Invalid", failed, "");
    if (create) {
        char uid[32];
        snprintf(uid, sizeof uid, "u-%d", ++world.uids);
        world_set(json_get(stored, "metadata"), "uid", json_new_string(&world.arena, uid));
    }
    world_count(stored, create ? NULL : *slot);
    if (dry) {
        world.dry_runs++;
    } else {
        world.writes++;
        *slot = stored;
        if (world.stored != NULL)
            world.stored();
    }
    return world.trouble == WORLD_STORES && !dry && slot == &world.deployment
               ? MHD_NO
               : world_answer(connection, create ? 201 : 200, stored);
}

static enum MHD_Result world_read(struct MHD_Connection *connection, const char *url)
{
    const char *name = strrchr(url, '/') + 1;
    const cJSON *object =
        strstr(url, "/configmaps/") != NULL ? json_get(world.config_maps, name) : *world_slot(url);
    return object != NULL ? world_answer(connection, 200, object)
                          : world_status(connection, 404, "NotFound", "not found", "");
}

static enum MHD_Result world_handle(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **request)
{
    (void)context;
    (void)version;
    struct buf *body = *request;
    if (body == NULL) {
        *request = body = calloc(1, sizeof *body);
        buf_init(body, NULL, LIMIT_ANSWER_BYTES);
        return MHD_YES;
    }
    if (*size > 0) {
        buf_add(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    const enum MHD_Result result =
        strcmp(method, "GET") == 0
            ? world_read(connection, url)
            : world_write(connection, url, strcmp(method, "POST") == 0, body->data);
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
    return result;
}

static void world_ended(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct buf *body = *request;
    if (body != NULL) {
        buf_done(body);
        free(body);
    }
}

/* ---- For tests -------------------------------------------------------------------------- */

__attribute__((unused)) static void world_begin(void)
{
    if (world.daemon == NULL) {
        const struct sockaddr_in here = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        arena_install_cjson_hooks();
        world.daemon = MHD_start_daemon(
            MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL,
            world_handle, NULL, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&here,
            MHD_OPTION_NOTIFY_COMPLETED, world_ended, NULL, MHD_OPTION_END);
        if (world.daemon == NULL)
            TEST_FAIL("no server");
        snprintf(world.server, sizeof world.server, "http://127.0.0.1:%u",
                 (unsigned)MHD_get_daemon_info(world.daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
        world.kube = (struct kube_config){
            .origin = "a test", .server = world.server, .token = "t", .namespace_ = "room"};
        arena_init(&world.arena, 512 * LIMIT_MIB);
    }
    pthread_mutex_lock(&world.lock);
    arena_reset(&world.arena, LIMIT_MIB);
    struct arena *before = arena_use(&world.arena);
    world.deployment = world.service = world.ingress = NULL;
    world.refused = NULL;
    world.stored = NULL;
    world.config_maps = json_new_object(&world.arena);
    world.version = 100;
    world.uids = 0;
    world.trouble = WORLD_WELL;
    world.writes = world.dry_runs = 0;
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
}

/* Stores a Deployment from its JSON; it gets a uid. */
__attribute__((unused)) static void world_deploy(const char *text)
{
    char uid[32];
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    cJSON *was = world.deployment, *object = world_parse(text);
    cJSON *metadata = json_get(object, "metadata");
    if (was == NULL)
        world.uids++;
    snprintf(uid, sizeof uid, "u-%d", world.uids);
    world_set(metadata, "uid", json_new_string(&world.arena, uid));
    world_count(object, was);
    world.deployment = object;
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
}

__attribute__((unused)) static void world_delete(void)
{
    pthread_mutex_lock(&world.lock);
    world.deployment = NULL;
    pthread_mutex_unlock(&world.lock);
}

__attribute__((unused)) static void world_annotate(const char *key, const char *value)
{
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    world_annotate_now(key, value);
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
}

__attribute__((unused)) static void world_configure(const char *name, const char *text)
{
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    world_set(world.config_maps, name, world_parse(text));
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
}

__attribute__((unused)) static void world_trouble(enum world_trouble trouble)
{
    pthread_mutex_lock(&world.lock);
    world.trouble = trouble;
    pthread_mutex_unlock(&world.lock);
}

#endif
