/* Small changes of the Deployment that is there: restart, pause, resume. */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/patch.h"
#include "client/say.h"
#include "history/view.h"

#include <string.h>

/* ---- Reading and writing ---------------------------------------------------------------- */

static int refuse_deleted(struct operate_call *call, const char *how, struct err *reterr)
{
    return operate_refuse(
        call, 409, "Deleted",
        arena_printf(call->arena, "the Deployment %s: undelete it with the version that is wanted",
                     how),
        NULL, reterr);
}

static int refuse_moved(struct operate_call *call, int64_t is, int64_t expected, struct err *reterr)
{
    call->answer.generation = is;
    return operate_refuse(call, 409, "GenerationMoved",
                          arena_printf(call->arena,
                                       "the Deployment was changed meanwhile (generation %lld, not "
                                       "%lld): look at it again, then repeat",
                                       (long long)is, (long long)expected),
                          NULL, reterr);
}

static int read_live(struct operate_call *call, struct operate_live *ret_live, struct err *reterr)
{
    return operate_read(call->client, call->arena, call->operate->options.namespace_,
                        call->project.name, ret_live, reterr);
}

int operate_read_expected(struct operate_call *call, struct operate_live *ret_live, bool *ret_over,
                          struct err *reterr)
{
    const int64_t expected = call->request->expect_generation;
    const int rc = read_live(call, ret_live, reterr);
    *ret_over = true;
    if (rc < 0)
        return rc;
    if (ret_live->object == NULL)
        return refuse_deleted(call, "does not exist", reterr);
    if (ret_live->deleting)
        return refuse_deleted(call, "is being deleted", reterr);
    if (expected != 0 && expected != ret_live->generation)
        return refuse_moved(call, ret_live->generation, expected, reterr);
    *ret_over = false;
    call->answer.generation = ret_live->generation;
    return 0;
}

/* A test that failed is a 422 like policy's: the object tells which it was. */
static int judge_refusal(struct operate_call *call, const struct operate_live *was, int rc,
                         struct err *reterr)
{
    struct arena *arena = call->arena;
    const cJSON *status = client_status(call->client);
    const char *message = json_get_string(status, "message");
    const cJSON *causes = json_path(status, "details", "causes", NULL);
    struct operate_live live;
    if (message == NULL)
        message = arena_strdup(arena, reterr->text);
    if (rc == -ERR_NOT_FOUND)
        return refuse_deleted(call, "was deleted meanwhile", reterr);
    /* 403 is also what quotas and other webhooks answer; this is a right that we lack. */
    if (rc == -ERR_FORBIDDEN && strstr(message, "\" cannot patch resource \"") != NULL)
        return rc;
    if (rc != -ERR_REFUSED && rc != -ERR_FORBIDDEN)
        return rc;
    const int read = read_live(call, &live, reterr);
    if (read < 0)
        return read;
    if (live.object == NULL || !operate_same(live.uid, was->uid))
        return refuse_deleted(call, "was deleted meanwhile", reterr);
    if (live.generation != was->generation)
        return refuse_moved(call, live.generation, was->generation, reterr);
    return operate_refuse(call, 422, "PolicyRefused", say_visible(arena, message, OPERATE_SHOWN),
                          causes, reterr);
}

cJSON *operate_patch_new(struct operate_call *call, const struct operate_live *live)
{
    struct arena *arena = call->arena;
    cJSON *patch = json_new_array(arena);
    patch_add(arena, patch, "test", "/metadata/uid", json_new_string(arena, live->uid));
    patch_add(arena, patch, "test", "/metadata/generation", json_new_int(arena, live->generation));
    patch_annotations(arena, patch, live->object);
    if (call->request->dry_run)
        return patch;
    if (operate_on_behalf_of(call) != NULL)
        patch_annotate(arena, patch, OPERATE_ON_BEHALF_OF, operate_on_behalf_of(call));
    patch_annotate(arena, patch, OPERATE_HISTORY_ID, operate_history_id(arena, &call->op));
    return patch;
}

int operate_patch(struct operate_call *call, cJSON *operations, struct operate_live *live,
                  bool *ret_over, struct err *reterr)
{
    struct arena *arena = call->arena;
    cJSON *object;
    const char *path =
        arena_printf(arena, "%s%s",
                     client_path(arena, "/apis/apps/v1/namespaces/%s/deployments/%s",
                                 call->operate->options.namespace_, call->project.name),
                     call->request->dry_run ? "?dryRun=All" : "");
    const int rc =
        client_patch(call->client, arena, path, CLIENT_PATCH_JSON, operations, &object, reterr);
    *ret_over = rc < 0;
    if (rc < 0)
        return judge_refusal(call, live, rc, reterr);
    call->written = !call->request->dry_run;
    operate_live_of(arena, object, live);
    call->answer.generation = live->generation;
    return 0;
}

/* What is current when the call comes: the operation is about it. */
static int begin(struct operate_call *call, const char *kind, int64_t project,
                 struct operate_live *ret_live, struct revision *ret_from, bool *ret_over,
                 struct err *reterr)
{
    int rc = store_project_get(call->operate->options.store, call->arena, project, &call->project,
                               reterr);
    if (rc == 0)
        rc = operate_claim(call, kind, 0, 0, ret_over, reterr);
    if (rc == 0 && !*ret_over)
        rc = operate_read_expected(call, ret_live, ret_over, reterr);
    if (rc < 0 || *ret_over)
        return rc;
    rc = operate_newest(call->operate, call->arena, project, ret_live->uid, ret_live->template_sha,
                        ret_from, reterr);
    call->answer.revision = call->op.revision = ret_from->id;
    return rc;
}

/* ---- Restart ---------------------------------------------------------------------------- */

/* As kubectl rollout restart does it.  From the operation's own time, by which a restart is known
 * again whose answer nobody saw. */
static void add_restart(struct operate_call *call, cJSON *patch, const cJSON *object)
{
    struct arena *arena = call->arena;
    char text[CLOCK_TEXT_BYTES];
    const cJSON *metadata = json_path(object, "spec", "template", "metadata", NULL);
    const int64_t at = call->op.id != 0 ? call->op.created_at : clock_unix_us();
    if (metadata == NULL)
        patch_add(arena, patch, "add", "/spec/template/metadata", json_new_object(arena));
    if (json_get(metadata, "annotations") == NULL)
        patch_add(arena, patch, "add", "/spec/template/metadata/annotations",
                  json_new_object(arena));
    patch_add(arena, patch, "add",
              "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
              json_new_string(arena, clock_format(at, text)));
}

static int restart(struct operate_call *call, void *context, struct err *reterr)
{
    const int64_t *project = context;
    struct operate_live live = {.object = NULL};
    struct revision from = {.id = 0};
    bool over = false;
    int rc = begin(call, "restart", *project, &live, &from, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (live.paused)
        return operate_refuse(call, 409, "Paused",
                              "the Deployment is paused: nothing would be restarted; resume it "
                              "first",
                              NULL, reterr);
    const char *old_sha = live.template_sha;
    cJSON *patch = operate_patch_new(call, &live);
    add_restart(call, patch, live.object);
    rc = operate_patch(call, patch, &live, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (call->request->dry_run)
        return operate_accept(call, STORE_OP_DONE, "it would be accepted", reterr);
    const struct operate_word word = {
        .uid = live.uid,
        .template_sha = live.template_sha,
        .template_json =
            view_canonical_template(call->arena, json_path(live.object, "spec", "template", NULL)),
        .old_template_sha = old_sha,
        .generation = live.generation,
    };
    rc = operate_tell(call->operate, call->arena, &call->op, call->project.name,
                      call->request->caller, &word, reterr);
    return rc < 0 ? rc : operate_accept(call, STORE_OP_PATCHED, NULL, reterr);
}

int operate_restart(struct operate *operate, struct arena *arena,
                    const struct operate_request *request, int64_t project,
                    struct operate_answer *ret_answer, struct err *reterr)
{
    return operate_run(operate, arena, request, restart, &project, ret_answer, reterr);
}

/* ---- Pause and resume ------------------------------------------------------------------- */

static int set_paused(struct operate_call *call, struct operate_live *live, bool paused,
                      bool *ret_over, struct err *reterr)
{
    cJSON *patch = operate_patch_new(call, live);
    patch_add(call->arena, patch, paused ? "add" : "remove", "/spec/paused",
              paused ? json_new_bool(call->arena, true) : NULL);
    return operate_patch(call, patch, live, ret_over, reterr);
}

struct pausing {
    int64_t project;
    bool paused;
};

static int pause_or_resume(struct operate_call *call, void *context, struct err *reterr)
{
    const struct pausing *pausing = context;
    struct operate_live live = {.object = NULL};
    struct revision from = {.id = 0};
    bool over = false;
    int rc = begin(call, pausing->paused ? "pause" : "resume", pausing->project, &live, &from,
                   &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (live.paused == pausing->paused)
        return operate_accept(call, STORE_OP_DONE,
                              live.paused ? "it was paused already" : "it was not paused", reterr);
    rc = set_paused(call, &live, pausing->paused, &over, reterr);
    if (rc < 0 || over)
        return rc;
    return operate_accept(call, STORE_OP_DONE,
                          call->request->dry_run ? "it would be accepted" : NULL, reterr);
}

int operate_pause(struct operate *operate, struct arena *arena,
                  const struct operate_request *request, int64_t project, bool paused,
                  struct operate_answer *ret_answer, struct err *reterr)
{
    struct pausing pausing = {project, paused};
    return operate_run(operate, arena, request, pause_or_resume, &pausing, ret_answer, reterr);
}

int operate_cancel_by_pause(struct operate_call *call, const struct revision *revision,
                            struct operate_live *live, struct err *reterr)
{
    static const char words[] =
        "there is no good version to go back to: the Deployment is paused, and stays as it is";
    bool over = false;
    int rc = live->paused ? 0 : set_paused(call, live, true, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (call->request->dry_run)
        return operate_accept(call, STORE_OP_DONE, words, reterr);
    const struct operate_word word = {.uid = live->uid,
                                      .generation = live->generation,
                                      .rollback_of = revision->id,
                                      .cancel = true};
    rc = operate_tell(call->operate, call->arena, &call->op, call->project.name,
                      call->request->caller, &word, reterr);
    return rc < 0 ? rc : operate_accept(call, STORE_OP_DONE, words, reterr);
}
