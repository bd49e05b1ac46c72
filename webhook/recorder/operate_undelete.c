/* What was deleted is made again: the version that is wanted, in the frame that was there last. */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/patch.h"
#include "client/say.h"
#include "history/view.h"

#include <string.h>
#include <time.h>

#define LAST_APPLIED    "kubectl.kubernetes.io/last-applied-configuration"
#define CHANGE_CAUSE    "kubernetes.io/change-cause"
#define FIELDS_TRIES    10
#define FIELDS_PAUSE_MS 30

/* ---- What is kept ----------------------------------------------------------------------- */

static void take_out(cJSON *object, const char *key)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_unlink(object, member);
}

static const char *written(struct arena *arena, const cJSON *object)
{
    struct buf text;
    buf_init(&text, arena, STORE_TEXT_BYTES);
    json_write(&text, object);
    return text.data;
}

/* Of the object's own life only: what a person wrote of it, and not its version's. */
static void keep_annotations(cJSON *metadata)
{
    static const char *const not [] = {LAST_APPLIED, CHANGE_CAUSE, OPERATE_HISTORY_ID,
                                       OPERATE_ON_BEHALF_OF, "proctor.dev/policy-changes"};
    cJSON *annotations = json_get(metadata, "annotations");
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        take_out(annotations, not [i]);
    for (cJSON *one = json_is_object(annotations) ? annotations->child : NULL, *next; one != NULL;
         one = next) {
        next = one->next;
        if (strncmp(one->string, "deployment.kubernetes.io/",
                    strlen("deployment.kubernetes.io/")) == 0)
            json_unlink(annotations, one);
    }
}

const char *operate_frame_of(struct arena *arena, const cJSON *deployment)
{
    static const char *const kept[] = {"labels", "annotations"};
    cJSON *frame = json_new_object(arena), *metadata = json_new_object(arena);
    const cJSON *spec = json_get(deployment, "spec");
    cJSON *kept_spec = json_is_object(spec) ? json_dup(arena, spec) : json_new_object(arena);
    for (size_t i = 0; i < 2; i++) {
        const cJSON *map = json_path(deployment, "metadata", kept[i], NULL);
        if (json_is_object(map))
            json_add(arena, metadata, kept[i], json_dup(arena, map));
    }
    keep_annotations(metadata);
    take_out(kept_spec, "template");
    take_out(kept_spec, "paused");
    json_add(arena, frame, "metadata", metadata);
    json_add(arena, frame, "spec", kept_spec);
    return written(arena, frame);
}

/* ---- The object anew -------------------------------------------------------------------- */

static cJSON *parse(struct arena *arena, const char *text)
{
    cJSON *object;
    return text != NULL &&
                   json_parse(arena, text, strlen(text), &json_limits_review, &object, NULL) == 0 &&
                   json_is_object(object)
               ? object
               : NULL;
}

/* The newest that was seen; else what the user's own file said of that version; NULL: nothing. */
static int load_frame(struct operate_call *call, const struct revision *revision, cJSON **ret_frame,
                      struct err *reterr)
{
    struct store_frame frame = {.json = NULL};
    struct err err;
    const int rc =
        store_frame_get(call->operate->options.store, call->arena, call->project.id, &frame, &err);
    if (rc < 0 && rc != -ERR_NOT_FOUND) {
        *reterr = err;
        return rc;
    }
    *ret_frame = parse(call->arena, frame.json);
    if (*ret_frame == NULL) {
        const cJSON *applied = parse(call->arena, revision->last_applied);
        *ret_frame = json_get(applied, "spec") != NULL
                         ? parse(call->arena, operate_frame_of(call->arena, applied))
                         : NULL;
    }
    return 0;
}

static cJSON *member(struct arena *arena, cJSON *object, const char *key)
{
    cJSON *found = json_get(object, key);
    if (json_is_object(found))
        return found;
    take_out(object, key);
    found = json_new_object(arena);
    json_add(arena, object, key, found);
    return found;
}

static void annotate(struct arena *arena, cJSON *annotations, const char *key, const char *text)
{
    take_out(annotations, key);
    if (text != NULL)
        json_add(arena, annotations, key, json_new_string(arena, text));
}

/* `replicas`: as many as there were last; 0: as the frame has it. */
static cJSON *compose(struct operate_call *call, cJSON *frame, const struct revision *revision,
                      cJSON *pod_template, int64_t replicas)
{
    struct arena *arena = call->arena;
    cJSON *metadata = member(arena, frame, "metadata"), *spec = member(arena, frame, "spec");
    cJSON *annotations = member(arena, metadata, "annotations");
    json_add(arena, frame, "apiVersion", json_new_string(arena, "apps/v1"));
    json_add(arena, frame, "kind", json_new_string(arena, "Deployment"));
    take_out(metadata, "name");
    take_out(metadata, "namespace");
    json_add(arena, metadata, "name", json_new_string(arena, call->project.name));
    json_add(arena, metadata, "namespace",
             json_new_string(arena, call->operate->options.namespace_));
    annotate(arena, annotations, LAST_APPLIED, revision->last_applied);
    annotate(arena, annotations, CHANGE_CAUSE, revision->change_cause);
    if (!call->request->dry_run) {
        annotate(arena, annotations, OPERATE_HISTORY_ID, operate_history_id(arena, &call->op));
        annotate(arena, annotations, OPERATE_ON_BEHALF_OF, operate_on_behalf_of(call));
    }
    if (replicas > 0) {
        take_out(spec, "replicas");
        json_add(arena, spec, "replicas", json_new_int(arena, replicas));
    }
    json_add(arena, spec, "template", pod_template);
    return frame;
}

/* ---- Whose the fields are --------------------------------------------------------------- */

static bool is_of_user(const cJSON *entry)
{
    const char *manager = json_get_string(entry, "manager");
    const char *subresource = json_get_string(entry, "subresource");
    return (subresource == NULL || subresource[0] == '\0') && manager != NULL &&
           strncmp(manager, "proctor-", strlen("proctor-")) != 0;
}

static cJSON *fields_of(struct arena *arena, const struct revision *revision)
{
    cJSON *fields = json_new_array(arena), *then;
    if (revision->managed_fields == NULL ||
        json_parse(arena, revision->managed_fields, strlen(revision->managed_fields),
                   &json_limits_review, &then, NULL) < 0)
        then = NULL;
    for (const cJSON *entry = json_is_array(then) ? then->child : NULL; entry != NULL;
         entry = entry->next)
        if (is_of_user(entry))
            json_append(fields, json_dup(arena, entry));
    /* An empty list would leave them as they are. */
    if (fields->child == NULL)
        json_append(fields, json_new_object(arena));
    return fields;
}

/* As after a rollback: who applied it then owns it again, so that the next apply is clean.  Status
 * writes get in between. */
static bool give_back(struct operate_call *call, const struct revision *revision,
                      struct operate_live *live)
{
    struct arena *arena = call->arena;
    const char *namespace_ = call->operate->options.namespace_;
    const char *path = client_path(arena, "/apis/apps/v1/namespaces/%s/deployments/%s", namespace_,
                                   call->project.name);
    struct operate_live now = *live;
    struct err ignored;
    for (int i = 0; i < FIELDS_TRIES; i++) {
        const struct timespec pause = {.tv_nsec = i * FIELDS_PAUSE_MS * 1000L * 1000L};
        cJSON *patch = json_new_array(arena), *object;
        nanosleep(&pause, NULL);
        if (i > 0 && (operate_read(call->client, arena, namespace_, call->project.name, &now,
                                   &ignored) < 0 ||
                      !operate_same(now.uid, live->uid)))
            return false;
        patch_add(arena, patch, "test", "/metadata/uid", json_new_string(arena, live->uid));
        patch_add(arena, patch, "test", "/metadata/resourceVersion",
                  json_dup(arena, json_path(now.object, "metadata", "resourceVersion", NULL)));
        patch_add(arena, patch, "add", "/metadata/managedFields", fields_of(arena, revision));
        if (client_patch(call->client, arena, path, CLIENT_PATCH_JSON, patch, &object, &ignored) ==
            0)
            return true;
    }
    return false;
}

/* ---- The whole -------------------------------------------------------------------------- */

struct undeleting {
    int64_t project, revision;
};

/* The newest of all lives of the project that is good and not under hold. */
static int choose(struct operate_call *call, int64_t wanted, struct revision *ret_revision,
                  struct err *reterr)
{
    const struct revision newest = {.project_id = call->project.id};
    if (wanted == 0)
        return operate_good(call->operate, call->arena, &newest, ret_revision, reterr);
    const int rc =
        store_revision(call->operate->options.store, call->arena, wanted, ret_revision, reterr);
    if (rc == 0 && ret_revision->project_id != call->project.id)
        return err_set(reterr, ERR_NOT_FOUND, "this version is another project's");
    return rc;
}

static int judge_refusal(struct operate_call *call, int rc, struct err *reterr)
{
    const cJSON *status = client_status(call->client);
    const char *message = json_get_string(status, "message");
    if (message == NULL)
        message = arena_strdup(call->arena, reterr->text);
    if (rc == -ERR_CONFLICT)
        return operate_refuse(call, 409, "NotDeleted",
                              "the Deployment exists: roll it back to the version that is wanted",
                              NULL, reterr);
    if ((rc != -ERR_REFUSED && rc != -ERR_FORBIDDEN) ||
        (rc == -ERR_FORBIDDEN && strstr(message, "\" cannot create resource \"") != NULL))
        return rc;
    return operate_refuse(call, 422, "PolicyRefused",
                          say_visible(call->arena, message, OPERATE_SHOWN),
                          json_path(status, "details", "causes", NULL), reterr);
}

static int send(struct operate_call *call, const cJSON *deployment, const struct revision *revision,
                struct operate_live *ret_live, bool *ret_over, struct err *reterr)
{
    struct arena *arena = call->arena;
    cJSON *object;
    const char *path = arena_printf(arena, "%s%s",
                                    client_path(arena, "/apis/apps/v1/namespaces/%s/deployments",
                                                call->operate->options.namespace_),
                                    call->request->dry_run ? "?dryRun=All" : "");
    const int rc = client_create(call->client, arena, path, deployment, &object, reterr);
    *ret_over = true;
    if (rc < 0)
        return judge_refusal(call, rc, reterr);
    if (call->request->dry_run)
        return operate_accept(call, STORE_OP_DONE, "it would be accepted", reterr);
    *ret_over = false;
    call->written = true;
    operate_live_of(arena, object, ret_live);
    call->answer.generation = ret_live->generation;
    const struct operate_word word = {
        .uid = ret_live->uid,
        .template_sha = ret_live->template_sha,
        .template_json =
            view_canonical_template(arena, json_path(object, "spec", "template", NULL)),
        .generation = ret_live->generation,
        .source = revision->id,
    };
    return operate_tell(call->operate, arena, &call->op, call->project.name, call->request->caller,
                        &word, reterr);
}

static int prepare(struct operate_call *call, const struct revision *revision, cJSON **ret_object,
                   bool *ret_over, struct err *reterr)
{
    cJSON *frame = NULL, *pod_template = NULL;
    struct revision newest = {.replicas = 0};
    const char *json;
    *ret_over = true;
    int rc = load_frame(call, revision, &frame, reterr);
    if (rc == 0)
        rc = operate_newest(call->operate, call->arena, call->project.id, NULL, NULL, &newest,
                            reterr);
    if (rc == 0 && frame == NULL)
        return operate_refuse(call, 422, "NothingKept",
                              "the recorder never saw this Deployment whole: apply its manifest",
                              NULL, reterr);
    if (rc == 0)
        rc = store_template_get(call->operate->options.store, call->arena, revision->template_sha,
                                &json, reterr);
    if (rc == 0)
        rc =
            json_parse(call->arena, json, strlen(json), &json_limits_review, &pod_template, reterr);
    if (rc < 0)
        return rc;
    *ret_over = false;
    *ret_object = compose(call, frame, revision, pod_template, newest.replicas);
    return 0;
}

static int judge_there(struct operate_call *call, bool *ret_over, struct err *reterr)
{
    struct operate_live live;
    const int rc = operate_read(call->client, call->arena, call->operate->options.namespace_,
                                call->project.name, &live, reterr);
    *ret_over = rc == 0 && live.object != NULL;
    if (!*ret_over)
        return rc;
    return operate_refuse(call, 409, "NotDeleted",
                          live.deleting
                              ? "the Deployment is still being deleted: repeat when it is gone"
                              : "the Deployment exists: roll it back to the version that is wanted",
                          NULL, reterr);
}

static int undelete(struct operate_call *call, void *context, struct err *reterr)
{
    const struct undeleting *undeleting = context;
    struct operate_live live = {.object = NULL};
    struct revision revision = {.id = 0};
    cJSON *deployment = NULL;
    bool over = false;
    int rc = store_project_get(call->operate->options.store, call->arena, undeleting->project,
                               &call->project, reterr);
    if (rc == 0)
        rc = operate_claim(call, "undelete", 0, undeleting->revision, &over, reterr);
    if (rc == 0 && !over)
        rc = judge_there(call, &over, reterr);
    if (rc == 0 && !over)
        rc = choose(call, undeleting->revision, &revision, reterr);
    if (rc < 0 || over)
        return rc;
    if (revision.id == 0 || revision.template_sha == NULL)
        return operate_refuse(call, 422, "NoGoodRevision",
                              "no version of this project is known to be good: name the one that "
                              "is wanted",
                              NULL, reterr);
    call->answer.target = call->op.target = revision.id;
    rc = operate_judge_hold(call, &revision, &over, reterr);
    if (rc == 0 && !over)
        rc = prepare(call, &revision, &deployment, &over, reterr);
    if (rc == 0 && !over)
        rc = send(call, deployment, &revision, &live, &over, reterr);
    if (rc < 0 || over)
        return rc;
    return operate_accept(call, STORE_OP_PATCHED,
                          give_back(call, &revision, &live)
                              ? NULL
                              : "the field managers could not be put back: a server-side apply may "
                                "report a conflict with proctor-recorder",
                          reterr);
}

int operate_undelete(struct operate *operate, struct arena *arena,
                     const struct operate_request *request, int64_t project, int64_t revision,
                     struct operate_answer *ret_answer, struct err *reterr)
{
    struct undeleting undeleting = {project, revision};
    return operate_run(operate, arena, request, undelete, &undeleting, ret_answer, reterr);
}
