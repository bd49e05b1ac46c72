/* The store's rows as the API shows them. */
#include "base/clock.h"
#include "recorder/api_internal.h"

#include <stdlib.h>
#include <string.h>

#define IMAGES_BYTES   8192U
#define CURRENT_LOOKED 20

/* ---- Members ---------------------------------------------------------------------------- */

static void add_key(struct buf *out, const char *key)
{
    buf_add_strings(out, ",\"", key, "\":", NULL);
}

void api_add_text(struct buf *out, const char *key, const char *text)
{
    add_key(out, key);
    if (text == NULL)
        buf_add_string(out, "null");
    else
        buf_add_json_string(out, text);
}

void api_add_number(struct buf *out, const char *key, int64_t number)
{
    add_key(out, key);
    buf_printf(out, "%lld", (long long)number);
}

void api_add_id(struct buf *out, const char *key, int64_t id)
{
    if (id != 0)
        api_add_number(out, key, id);
    else
        api_add_text(out, key, NULL);
}

void api_add_bool(struct buf *out, const char *key, bool value)
{
    add_key(out, key);
    buf_add_string(out, value ? "true" : "false");
}

void api_add_time(struct buf *out, const char *key, int64_t at_us)
{
    char text[CLOCK_TEXT_BYTES];
    api_add_text(out, key, at_us == 0 ? NULL : clock_format(at_us, text));
}

void api_add_json(struct arena *arena, struct buf *out, const char *key, const char *json)
{
    static const struct json_limits limits = {64, 20000};
    struct err ignored;
    cJSON *root = NULL;
    add_key(out, key);
    if (json == NULL || json_parse(arena, json, strlen(json), &limits, &root, &ignored) != 0)
        buf_add_string(out, "null");
    else
        json_write(out, root);
}

const char *api_good_name(enum revision_good good)
{
    return good == REVISION_GOOD_YES ? "yes" : good == REVISION_GOOD_NO ? "no" : "unknown";
}

const char *api_origin_name(enum revision_origin origin)
{
    static const char *const names[] = {"admission", "watch", "import", "recorder"};
    return (size_t)origin < sizeof names / sizeof names[0] ? names[origin] : "watch";
}

/* ---- Images ----------------------------------------------------------------------------- */

static char *dup_or_null(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static size_t slot_of(const char *sha)
{
    size_t number = 0;
    for (size_t i = 0; i < 8 && sha[i] != '\0'; i++)
        number = number * 31 + (unsigned char)sha[i];
    return number % API_IMAGE_SLOTS;
}

static bool find_images(struct api *api, struct arena *arena, const char *sha,
                        const char **ret_first, const char **ret_list)
{
    const struct api_image *slot = &api->images[slot_of(sha)];
    size_t first_bytes = 0, list_bytes = 0;
    char first[1024], list[IMAGES_BYTES];
    bool found = false, has_first = false;
    /* The arena may run out, and must not under a lock. */
    pthread_mutex_lock(&api->image_lock);
    if (slot->sha != NULL && strcmp(slot->sha, sha) == 0) {
        has_first = slot->first != NULL;
        first_bytes = has_first ? strlen(slot->first) : 0;
        list_bytes = strlen(slot->list);
        found = first_bytes < sizeof first && list_bytes < sizeof list;
    }
    if (found) {
        memcpy(first, has_first ? slot->first : "", first_bytes);
        memcpy(list, slot->list, list_bytes);
    }
    pthread_mutex_unlock(&api->image_lock);
    if (found) {
        *ret_first = has_first ? arena_strndup(arena, first, first_bytes) : NULL;
        *ret_list = arena_strndup(arena, list, list_bytes);
    }
    return found;
}

static void keep_images(struct api *api, const char *sha, const char *first, const char *list)
{
    struct api_image fresh = {dup_or_null(sha), dup_or_null(first), dup_or_null(list)};
    struct api_image *slot = &api->images[slot_of(sha)];
    if (fresh.sha == NULL || fresh.list == NULL || (first != NULL && fresh.first == NULL)) {
        free(fresh.sha);
        free(fresh.first);
        free(fresh.list);
        return;
    }
    pthread_mutex_lock(&api->image_lock);
    const struct api_image old = *slot;
    *slot = fresh;
    pthread_mutex_unlock(&api->image_lock);
    free(old.sha);
    free(old.first);
    free(old.list);
}

static void write_images(const cJSON *template, struct buf *list, const char **ret_first)
{
    const cJSON *containers = json_path(template, "spec", "containers", NULL);
    *ret_first = NULL;
    buf_add_char(list, '[');
    for (const cJSON *at = json_is_array(containers) ? containers->child : NULL; at != NULL;
         at = at->next) {
        const char *image = json_get_string(at, "image");
        const char *name = json_get_string(at, "name");
        if (*ret_first == NULL)
            *ret_first = image;
        buf_add_string(list, list->length > 1 ? ",{\"container\":" : "{\"container\":");
        buf_add_json_string(list, name != NULL ? name : "");
        api_add_text(list, "image", image);
        buf_add_char(list, '}');
    }
    buf_add_char(list, ']');
}

int api_images(struct api *api, struct arena *arena, const char *sha, const char **ret_first,
               const char **ret_list, struct err *reterr)
{
    const char *json;
    cJSON *template = NULL;
    struct buf list;
    *ret_first = NULL;
    *ret_list = "[]";
    if (sha == NULL || find_images(api, arena, sha, ret_first, ret_list))
        return 0;
    int r = store_template_get(api->options.store, arena, sha, &json, reterr);
    if (r == -(int)ERR_NOT_FOUND)
        return 0;
    if (r != 0)
        return r;
    r = json_parse(arena, json, strlen(json), &json_limits_review, &template, reterr);
    if (r != 0)
        return err_set(reterr, ERR_STORE, "the template %.64s cannot be read", sha);
    buf_init(&list, arena, 2UL * 1024UL * 1024UL);
    write_images(template, &list, ret_first);
    *ret_list = list.data;
    if (list.length < IMAGES_BYTES && (*ret_first == NULL || strlen(*ret_first) < 1024))
        keep_images(api, sha, *ret_first, *ret_list);
    return 0;
}

/* ---- One project's revisions ------------------------------------------------------------ */

/* What was never stored, or of which nobody can tell, is not what is live. */
static bool was_stored(const struct revision *revision)
{
    return revision->status != REVISION_PENDING && revision->status != REVISION_NOT_PERSISTED &&
           revision->status != REVISION_UNKNOWN;
}

static int find_current(struct api *api, struct arena *arena, int64_t project,
                        struct revision *ret_current, struct err *reterr)
{
    struct store_query query = {
        .project = project, .status = -1, .good = -1, .brief = true, .limit = 1};
    struct revision *rows;
    size_t count;
    *ret_current = (struct revision){.id = 0};
    for (int looked = 0; looked < CURRENT_LOOKED; looked++) {
        const int r = store_revisions(api->options.store, arena, &query, &rows, &count, reterr);
        if (r != 0 || count == 0)
            return r;
        if (was_stored(&rows[0])) {
            if (rows[0].status != REVISION_DELETED)
                *ret_current = rows[0];
            return 0;
        }
        query.before_seq = rows[0].seq;
    }
    return 0;
}

int api_shape_read(struct api *api, struct arena *arena, const struct store_project_row *project,
                   struct api_shape *ret_shape, struct revision *ret_current, struct err *reterr)
{
    struct store_hold *holds = NULL;
    size_t count = 0;
    struct revision current;
    int r = find_current(api, arena, project->id, &current, reterr);
    if (r == 0)
        r = store_holds(api->options.store, arena, project->id, clock_unix_us(), &holds, &count,
                        reterr);
    if (r != 0)
        return r;
    *ret_shape = (struct api_shape){project, current.id, holds, count};
    if (ret_current != NULL)
        *ret_current = current;
    return 0;
}

static bool is_held(const struct api_shape *shape, const char *sha)
{
    for (size_t i = 0; sha != NULL && i < shape->hold_count; i++) {
        if (strcmp(shape->holds[i].template_sha, sha) == 0)
            return true;
    }
    return false;
}

static void add_actor(struct arena *arena, struct buf *out, const struct revision *revision)
{
    buf_add_string(out, ",\"actor\":{\"user\":");
    if (revision->actor_user != NULL)
        buf_add_json_string(out, revision->actor_user);
    else
        buf_add_string(out, "null");
    api_add_json(arena, out, "groups",
                 revision->actor_groups != NULL ? revision->actor_groups : "[]");
    api_add_bool(out, "certain", revision->actor_certain);
    api_add_text(out, "via", revision->via);
    api_add_text(out, "onBehalfOf", revision->on_behalf_of);
    buf_add_char(out, '}');
}

static void add_state(struct buf *out, const struct api_shape *shape,
                      const struct revision *revision)
{
    api_add_number(out, "number", revision->seq);
    api_add_text(out, "status", revision_status_name(revision->status));
    api_add_text(out, "reason", revision->reason);
    api_add_text(out, "message", revision->message);
    api_add_number(out, "progress", revision->progress);
    api_add_text(out, "good", api_good_name(revision->good));
    api_add_text(out, "goodBy", revision->good_by);
    api_add_bool(out, "current", revision->id == shape->current);
    api_add_bool(out, "held", is_held(shape, revision->template_sha));
}

static void add_times(struct buf *out, const struct revision *revision)
{
    api_add_time(out, "startedAt", revision->started_at);
    api_add_time(out, "lastProgressAt", revision->last_progress_at);
    api_add_time(out, "deadlineAt", revision->deadline_at);
    api_add_time(out, "soakUntil", revision->soak_until);
    api_add_time(out, "completedAt", revision->completed_at);
}

int api_write_deployment(struct api *api, struct arena *scratch, struct buf *out,
                         const struct api_shape *shape, const struct revision *revision,
                         struct err *reterr)
{
    const char *image, *images;
    const int r = api_images(api, scratch, revision->template_sha, &image, &images, reterr);
    if (r != 0)
        return r;
    buf_printf(out, "{\"id\":%lld", (long long)revision->id);
    api_add_text(out, "project", shape->project->name);
    api_add_text(out, "namespace", shape->project->namespace_);
    add_state(out, shape, revision);
    api_add_text(out, "image", image);
    buf_add_strings(out, ",\"images\":", images, NULL);
    api_add_text(out, "template", revision->template_sha);
    api_add_text(out, "strategy", revision->strategy);
    api_add_number(out, "replicas", revision->replicas);
    api_add_text(out, "changeKind", revision->change_kind);
    api_add_text(out, "changeCause", revision->change_cause);
    add_actor(scratch, out, revision);
    api_add_text(out, "origin", api_origin_name(revision->origin));
    api_add_text(out, "uid", revision->uid);
    api_add_id(out, "generation", revision->generation);
    api_add_id(out, "kubernetesRevision", revision->k8s_revision);
    api_add_text(out, "replicaSet", revision->rs_name);
    api_add_json(scratch, out, "policyChanges", revision->policy_changes);
    api_add_id(out, "rollbackOf", revision->rollback_of);
    api_add_id(out, "source", revision->source);
    api_add_bool(out, "tagMoved", revision->tag_moved);
    add_times(out, revision);
    buf_add_char(out, '}');
    return 0;
}

/* ---- Other rows ------------------------------------------------------------------------- */

void api_write_event(struct arena *arena, struct buf *out, const char *project,
                     const struct store_event *event)
{
    buf_printf(out, "{\"id\":%lld", (long long)event->id);
    api_add_text(out, "project", project);
    api_add_id(out, "deployment", event->revision);
    api_add_text(out, "type", event->type);
    api_add_time(out, "at", event->at);
    api_add_text(out, "service", event->service);
    api_add_text(out, "message", event->message);
    api_add_json(arena, out, "details", event->details);
    buf_add_char(out, '}');
}

void api_write_instance(struct buf *out, const struct store_instance *instance)
{
    buf_add_string(out, "{\"pod\":");
    buf_add_json_string(out, instance->pod != NULL ? instance->pod : "");
    api_add_text(out, "podUid", instance->pod_uid);
    api_add_text(out, "node", instance->node);
    api_add_text(out, "container", instance->container);
    api_add_text(out, "image", instance->image);
    api_add_text(out, "imageDigest", instance->image_digest);
    api_add_text(out, "status", instance->status);
    api_add_text(out, "health", instance->health);
    api_add_number(out, "restarts", instance->restarts);
    api_add_number(out, "exitCode", instance->exit_code);
    api_add_text(out, "reason", instance->reason);
    api_add_text(out, "message", instance->message);
    api_add_text(out, "lastReason", instance->last_reason);
    api_add_text(out, "lastMessage", instance->last_message);
    api_add_time(out, "startedAt", instance->started_at);
    api_add_time(out, "endedAt", instance->ended_at);
    buf_add_char(out, '}');
}

int api_write_hold(struct api *api, struct arena *scratch, struct buf *out,
                   const struct store_hold *hold, struct err *reterr)
{
    const struct store_query query = {.project = hold->project,
                                      .status = -1,
                                      .good = -1,
                                      .template_sha = hold->template_sha,
                                      .brief = true,
                                      .limit = API_ROWS_AT_ONCE};
    struct revision *rows;
    size_t count;
    const int r = store_revisions(api->options.store, scratch, &query, &rows, &count, reterr);
    if (r != 0)
        return r;
    buf_add_string(out, "{\"template\":");
    buf_add_json_string(out, hold->template_sha);
    api_add_text(out, "reason", hold->reason);
    api_add_text(out, "setBy", hold->set_by);
    api_add_time(out, "setAt", hold->set_at);
    api_add_time(out, "until", hold->until);
    buf_add_string(out, ",\"deployments\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%lld", i == 0 ? "" : ",", (long long)rows[i].seq);
    buf_add_string(out, "]}");
    return 0;
}

static const char *op_state_name(enum store_op_state state)
{
#define STATE_NAME(constant, name, ended) [constant] = name,
    static const char *const names[] = {STORE_OP_STATE_TABLE(STATE_NAME)};
#undef STATE_NAME
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "failed";
}

void api_write_operation(struct arena *arena, struct buf *out, const char *project,
                         const struct store_op *op)
{
    buf_printf(out, "{\"id\":%lld", (long long)op->id);
    api_add_text(out, "kind", op->kind);
    api_add_text(out, "state", op_state_name(op->state));
    api_add_text(out, "project", project);
    api_add_id(out, "from", op->revision);
    api_add_id(out, "to", op->target);
    api_add_id(out, "result", op->result);
    api_add_text(out, "actor", op->actor);
    api_add_bool(out, "automatic", op->automatic);
    api_add_text(out, "message", operate_message(arena, op));
    api_add_time(out, "createdAt", op->created_at);
    api_add_time(out, "updatedAt", op->updated_at);
    buf_add_char(out, '}');
}
