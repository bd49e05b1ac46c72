#include "recorder/deploy_internal.h"

#include "client/say.h"
#include "history/intent.h"

#include <string.h>

#define MESSAGE_SHOWN 1000U

static const char *const collections[] = {"/apis/apps/v1/namespaces/%s/deployments",
                                          "/api/v1/namespaces/%s/services",
                                          "/apis/networking.k8s.io/v1/namespaces/%s/ingresses"};

static const char *path_of(struct arena *arena, enum deploy_kind kind, const char *namespace_,
                           const char *name)
{
    const char *all = kind == DEPLOY_DEPLOYMENT ? client_path(arena, collections[0], namespace_)
                      : kind == DEPLOY_SERVICE  ? client_path(arena, collections[1], namespace_)
                                                : client_path(arena, collections[2], namespace_);
    return name == NULL ? all : arena_printf(arena, "%s%s", all, client_path(arena, "/%s", name));
}

int deploy_fetch(struct kube_client *client, struct arena *arena, enum deploy_kind kind,
                 const char *namespace_, const char *name, cJSON **ret_object, struct err *reterr)
{
    const int rc =
        client_get(client, arena, path_of(arena, kind, namespace_, name), ret_object, reterr);
    if (rc == -ERR_NOT_FOUND) {
        *ret_object = NULL;
        return 0;
    }
    return rc;
}

/* ---- refusals ---------------------------------------------------------------------------- */

/* 403 is also what quotas and other webhooks answer; this is a right that the recorder lacks. */
static bool is_missing_right(const char *message)
{
    return strstr(message, "\" cannot create resource \"") != NULL ||
           strstr(message, "\" cannot patch resource \"") != NULL;
}

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

/* What stood there, and what stands there: whether the write can only have met another. */
static bool has_moved(struct kube_client *client, const struct deploy_write *write)
{
    static const char *const fences[] = {"uid", "generation", "resourceVersion"};
    const size_t last = write->kind == DEPLOY_DEPLOYMENT ? 1 : 2;
    cJSON *now;
    struct err ignored;
    if (deploy_fetch(client, write->arena, write->kind, write->namespace_, write->name, &now,
                     &ignored) < 0)
        return false;
    if (now == NULL || write->live == NULL)
        return now != write->live;
    const cJSON *was = json_get(write->live, "metadata"), *is = json_get(now, "metadata");
    return !json_equal(json_get(was, fences[0]), json_get(is, fences[0])) ||
           !json_equal(json_get(was, fences[last]), json_get(is, fences[last]));
}

/* The outcome of a refusal; an error stays one. */
static int judge_refusal(struct kube_client *client, struct deploy_write *write, int rc,
                         struct err *reterr)
{
    struct arena *arena = write->arena;
    const cJSON *status = client_status(client);
    const char *message = json_get_string(status, "message");
    write->causes = json_path(status, "details", "causes", NULL);
    write->message = say_visible(arena, message != NULL ? message : reterr->text, MESSAGE_SHOWN);
    if (rc == -ERR_CONFLICT || (rc == -ERR_NOT_FOUND && write->live != NULL)) {
        write->outcome = DEPLOY_MOVED;
        return 0;
    }
    if ((rc != -ERR_REFUSED && rc != -ERR_FORBIDDEN) ||
        (rc == -ERR_FORBIDDEN && is_missing_right(write->message)))
        return rc;
    if (rc == -ERR_REFUSED && has_moved(client, write))
        write->outcome = DEPLOY_MOVED;
    else if (is_of_hold(write->causes))
        write->outcome = DEPLOY_HELD;
    else if (strstr(write->message, "exceeded quota") != NULL)
        write->outcome = DEPLOY_QUOTA;
    else
        write->outcome = DEPLOY_REFUSED;
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* A write whose answer never came: the object tells. */
static bool is_written(struct kube_client *client, struct deploy_write *write)
{
    cJSON *now;
    struct err ignored;
    const char *id = write->history_id;
    if (id == NULL ||
        deploy_fetch(client, write->arena, write->kind, write->namespace_, write->name, &now,
                     &ignored) < 0 ||
        !deploy_is_marked(now, id))
        return false;
    write->stored = now;
    return true;
}

int deploy_send(struct kube_client *client, struct deploy_write *write, bool dry,
                struct err *reterr)
{
    struct arena *arena = write->arena;
    const char *query =
        dry ? "?fieldManager=" DEPLOY_MANAGER "&dryRun=All" : "?fieldManager=" DEPLOY_MANAGER;
    const char *path =
        path_of(arena, write->kind, write->namespace_, write->live != NULL ? write->name : NULL);
    cJSON *stored;
    int rc;
    write->outcome = DEPLOY_WRITTEN;
    path = arena_printf(arena, "%s%s", path, query);
    if (write->live == NULL) {
        rc = client_create(client, arena, path, write->wanted, &stored, reterr);
    } else {
        const cJSON *patch = deploy_patch(arena, write->kind, write->live, write->wanted);
        if (patch->child == NULL) {
            write->stored = write->live;
            return 0;
        }
        rc = client_patch(client, arena, path, CLIENT_PATCH_JSON, patch, &stored, reterr);
    }
    if (rc == 0) {
        write->stored = stored;
        return 0;
    }
    if (rc == -ERR_UNREACHABLE && !dry && is_written(client, write))
        return 0;
    return judge_refusal(client, write, rc, reterr);
}
