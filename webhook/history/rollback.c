#include "history/rollback_internal.h"

#include "base/limits.h"
#include "client/patch.h"
#include "client/say.h"
#include "history/intent.h"
#include "history/view.h"

#include <string.h>
#include <time.h>

#define FIELDS_TRIES    10
#define FIELDS_PAUSE_MS 30
#define MESSAGE_SHOWN   1000U

static const struct {
    const char *name;
    int http;
} outcomes[] = {
#define ROLLBACK_ROW(constant, name, http) {name, http},
    ROLLBACK_OUTCOME_TABLE(ROLLBACK_ROW)
#undef ROLLBACK_ROW
};

const char *rollback_outcome_name(enum rollback_outcome outcome)
{
    return outcomes[outcome].name;
}

int rollback_outcome_status(enum rollback_outcome outcome)
{
    return outcomes[outcome].http;
}

/* One rollback on its way. */
struct rolling {
    struct kube_client *client;
    struct arena *arena;
    const struct rollback_request *request;
    const char *path;
    const cJSON *pod_template; /* of then */
    const char *template_sha;
    const cJSON *object; /* as read last */
    struct rollback_result result;
};

static const cJSON *metadata_of(const cJSON *object)
{
    return json_get(object, "metadata");
}

static int64_t generation_of(const cJSON *object)
{
    int64_t generation = 0;
    (void)json_int64(json_get(metadata_of(object), "generation"), &generation);
    return generation;
}

static bool same_uid(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* ---- outcomes --------------------------------------------------------------------------- */

static int ends(struct rolling *rolling, enum rollback_outcome outcome, const char *message)
{
    rolling->result.outcome = outcome;
    rolling->result.message = message;
    return 0;
}

static int ends_deleted(struct rolling *rolling, const char *how)
{
    return ends(rolling, ROLLBACK_DELETED,
                arena_printf(rolling->arena,
                             "the Deployment %s: undelete it with the version that is wanted",
                             how));
}

static int ends_moved(struct rolling *rolling, int64_t expected)
{
    return ends(rolling, ROLLBACK_GENERATION_MOVED,
                arena_printf(rolling->arena,
                             "the Deployment was changed meanwhile (generation %lld, not %lld): "
                             "look at it again, then repeat",
                             (long long)rolling->result.generation, (long long)expected));
}

/* ---- reading ---------------------------------------------------------------------------- */

static int read_object(struct rolling *rolling, struct err *reterr)
{
    cJSON *object;
    const int rc = client_get(rolling->client, rolling->arena, rolling->path, &object, reterr);
    if (rc < 0)
        return rc;
    rolling->object = object;
    rolling->result.uid = json_get_string(metadata_of(object), "uid");
    rolling->result.generation = generation_of(object);
    return 0;
}

/* Whether what was read is still what is to be rolled back; *ret_over: the outcome is set. */
static void judge_identity(struct rolling *rolling, const char *uid, int64_t generation,
                           bool *ret_over)
{
    *ret_over = true;
    if (uid != NULL && !same_uid(uid, rolling->result.uid))
        ends_deleted(rolling, "was deleted, and another one has its name");
    else if (json_get(metadata_of(rolling->object), "deletionTimestamp") != NULL)
        ends_deleted(rolling, "is being deleted");
    else if (generation != 0 && generation != rolling->result.generation)
        ends_moved(rolling, generation);
    else
        *ret_over = false;
}

static void judge_state(struct rolling *rolling, bool *ret_over)
{
    const cJSON *spec = json_get(rolling->object, "spec");
    const char *sha = view_template_sha(rolling->arena, json_get(spec, "template"));
    const struct rollback_request *request = rolling->request;
    judge_identity(rolling, request->uid, request->expect_generation, ret_over);
    if (*ret_over)
        return;
    *ret_over = true;
    if (strcmp(sha, rolling->template_sha) == 0)
        ends(rolling, ROLLBACK_ALREADY,
             "the Deployment has this version already; to start its pods anew, restart it");
    else if (json_is_true(json_get(spec, "paused")) && !request->resume)
        ends(rolling, ROLLBACK_PAUSED,
             "the Deployment is paused: resume it, or ask for both at once (resume)");
    else
        *ret_over = false;
}

/* ---- refusals --------------------------------------------------------------------------- */

static bool is_of_hold(const cJSON *causes)
{
    for (const cJSON *cause = json_is_array(causes) ? causes->child : NULL; cause != NULL;
         cause = cause->next) {
        const char *reason = json_get_string(cause, "reason");
        if (reason != NULL && strcmp(reason, INTENT_HOLD_REASON) == 0)
            return true;
    }
    return false;
}

/* 403 is also what quotas and other webhooks answer; this is a right that we lack. */
static bool is_missing_right(const char *message)
{
    return strstr(message, "\" cannot patch resource \"") != NULL;
}

/* A failed test is a 422 as well as a refusal by policy: the object tells which it was. */
static int judge_refusal(struct rolling *rolling, int rc, struct err *reterr)
{
    const cJSON *status = client_status(rolling->client);
    const char *message = json_get_string(status, "message");
    const cJSON *causes = json_path(status, "details", "causes", NULL);
    const char *uid = rolling->result.uid;
    const int64_t generation = rolling->result.generation;
    struct err err = *reterr;
    bool over;
    if (message == NULL)
        message = err.text;
    if (rc == -ERR_NOT_FOUND)
        return ends_deleted(rolling, "was deleted meanwhile");
    if ((rc != -ERR_REFUSED && rc != -ERR_FORBIDDEN && rc != -ERR_CONFLICT) ||
        (rc == -ERR_FORBIDDEN && is_missing_right(message)))
        return rc;
    const int read = read_object(rolling, &err);
    if (read == -ERR_NOT_FOUND)
        return ends_deleted(rolling, "was deleted meanwhile");
    if (read < 0) {
        *reterr = err;
        return read;
    }
    judge_identity(rolling, uid, generation, &over);
    if (over)
        return 0;
    if (rc == -ERR_CONFLICT)
        return rc;
    rolling->result.causes = causes;
    return ends(rolling, is_of_hold(causes) ? ROLLBACK_HELD : ROLLBACK_POLICY_REFUSED,
                say_visible(rolling->arena, message, MESSAGE_SHOWN));
}

/* ---- writing ---------------------------------------------------------------------------- */

static const char *write_path(const struct rolling *rolling, bool dry)
{
    return arena_printf(rolling->arena, "%s?fieldManager=" ROLLBACK_MANAGER "%s", rolling->path,
                        dry ? "&dryRun=All" : "");
}

/* After a patch whose answer never came: it may be stored all the same. */
static bool is_stored(struct rolling *rolling)
{
    const char *wanted = rolling->request->history_id;
    struct err ignored;
    if (wanted == NULL || read_object(rolling, &ignored) < 0)
        return false;
    const char *found = json_get_string(json_get(metadata_of(rolling->object), "annotations"),
                                        "proctor.dev/history-id");
    return found != NULL && strcmp(found, wanted) == 0;
}

static void take_answer(struct rolling *rolling, const cJSON *object)
{
    rolling->object = object;
    rolling->result.uid = json_get_string(metadata_of(object), "uid");
    rolling->result.generation = generation_of(object);
    rolling->result.template_sha =
        view_template_sha(rolling->arena, json_path(object, "spec", "template", NULL));
}

/* *ret_over: refused; the outcome says why. */
static int send_patch(struct rolling *rolling, const cJSON *patch, bool dry, bool *ret_over,
                      struct err *reterr)
{
    const int64_t generation = rolling->result.generation;
    cJSON *object;
    *ret_over = false;
    int rc = client_patch(rolling->client, rolling->arena, write_path(rolling, dry),
                          CLIENT_PATCH_JSON, patch, &object, reterr);
    if (rc == 0) {
        take_answer(rolling, object);
    } else if (rc == -ERR_UNREACHABLE && !dry && is_stored(rolling)) {
        take_answer(rolling, rolling->object);
        rc = 0;
    } else {
        *ret_over = true;
        rc = judge_refusal(rolling, rc, reterr);
    }
    if (dry && !*ret_over)
        rolling->result.generation = generation;
    return rc;
}

/* ---- who owns which fields -------------------------------------------------------------- */

static const cJSON *fields_then(struct rolling *rolling)
{
    const char *text = rolling->request->managed_fields;
    cJSON *fields;
    if (text == NULL ||
        json_parse(rolling->arena, text, strlen(text), &json_limits_review, &fields, NULL) < 0)
        return NULL;
    return json_is_array(fields) ? fields : NULL;
}

static cJSON *fields_patch(struct rolling *rolling, const cJSON *then)
{
    struct arena *arena = rolling->arena;
    const cJSON *metadata = metadata_of(rolling->object);
    cJSON *patch = json_new_array(arena);
    cJSON *fields = rollback_fields(arena, json_get(metadata, "managedFields"), then);
    /* An empty list would leave them as they are. */
    if (fields->child == NULL)
        json_append(fields, json_new_object(arena));
    patch_add(arena, patch, "test", "/metadata/uid", json_new_string(arena, rolling->result.uid));
    patch_add(arena, patch, "test", "/metadata/resourceVersion",
              json_dup(arena, json_get(metadata, "resourceVersion")));
    patch_add(arena, patch, "add", "/metadata/managedFields", fields);
    return patch;
}

/* Status writes get in between of reading and writing, most of them in the second after a change:
 * so several times, each a little later, for 1.4 s in all. */
static void pause_before(int attempt)
{
    const struct timespec pause = {.tv_nsec = attempt * FIELDS_PAUSE_MS * 1000L * 1000L};
    nanosleep(&pause, NULL);
}

static void restore_fields(struct rolling *rolling)
{
    struct rollback_result *result = &rolling->result;
    const cJSON *then = fields_then(rolling);
    const int64_t generation = result->generation;
    const char *uid = result->uid;
    struct err err = {.code = ERR_NONE};
    for (int i = 0; i < FIELDS_TRIES && !result->fields_restored; i++) {
        cJSON *object;
        pause_before(i);
        if (i > 0 && read_object(rolling, &err) < 0)
            break;
        if (!same_uid(uid, result->uid) || result->generation != generation) {
            err_set(&err, ERR_CONFLICT, "the Deployment was changed meanwhile");
            break;
        }
        result->fields_restored =
            client_patch(rolling->client, rolling->arena, write_path(rolling, false),
                         CLIENT_PATCH_JSON, fields_patch(rolling, then), &object, &err) == 0;
    }
    result->uid = uid;
    result->generation = generation;
    if (!result->fields_restored)
        result->fields_message = arena_strdup(rolling->arena, err.text);
}

/* ---- the whole -------------------------------------------------------------------------- */

static int roll(struct rolling *rolling, struct err *reterr)
{
    bool over;
    int rc = read_object(rolling, reterr);
    if (rc == -ERR_NOT_FOUND)
        return ends_deleted(rolling, "does not exist");
    if (rc < 0)
        return rc;
    judge_state(rolling, &over);
    if (over)
        return 0;
    const cJSON *patch =
        rollback_patch(rolling->arena, rolling->request, rolling->object, rolling->pod_template);
    rc = send_patch(rolling, patch, true, &over, reterr);
    if (rc == 0 && !over && !rolling->request->dry_run)
        rc = send_patch(rolling, patch, false, &over, reterr);
    if (rc < 0 || over || rolling->request->dry_run)
        return rc;
    restore_fields(rolling);
    return 0;
}

int rollback_write(struct kube_client *client, struct arena *arena,
                   const struct rollback_request *request, struct rollback_result *ret_result,
                   struct err *reterr)
{
    struct rolling rolling = {.client = client, .arena = arena, .request = request};
    cJSON *pod_template;
    int rc = json_parse(arena, request->template_json, strlen(request->template_json),
                        &json_limits_review, &pod_template, reterr);
    if (rc < 0)
        return err_wrap(reterr, "the stored template");
    if (!json_is_object(pod_template))
        return err_set(reterr, ERR_JSON, "the stored template: is no object");
    rolling.pod_template = pod_template;
    rolling.template_sha = view_template_sha(arena, pod_template);
    rolling.path = client_path(arena, "/apis/apps/v1/namespaces/%s/deployments/%s",
                               request->namespace_, request->name);
    rc = roll(&rolling, reterr);
    if (rc == 0)
        *ret_result = rolling.result;
    return rc;
}
