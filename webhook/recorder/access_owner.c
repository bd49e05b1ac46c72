/* Whose a project is: asked of the policies as the API server would ask them. */
#include "admit/admit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "client/say.h"
#include "net/live.h"
#include "recorder/access_internal.h"

static cJSON *new_identity(struct arena *arena, const char *member, const char *name)
{
    cJSON *identity = json_new_object(arena);
    json_add(arena, identity, "group", json_new_string(arena, "apps"));
    json_add(arena, identity, "version", json_new_string(arena, "v1"));
    json_add(arena, identity, member, json_new_string(arena, name));
    return identity;
}

/* What every Deployment of that name has, whatever else stands in it. */
static cJSON *new_deployment(struct arena *arena, const char *namespace_, const char *name)
{
    cJSON *deployment = json_new_object(arena), *metadata = json_new_object(arena);
    json_add(arena, deployment, "apiVersion", json_new_string(arena, "apps/v1"));
    json_add(arena, deployment, "kind", json_new_string(arena, "Deployment"));
    json_add(arena, deployment, "metadata", metadata);
    json_add(arena, metadata, "name", json_new_string(arena, name));
    json_add(arena, metadata, "namespace", json_new_string(arena, namespace_));
    json_add(arena, deployment, "spec", json_new_object(arena));
    return deployment;
}

static cJSON *new_review(struct arena *arena, const char *namespace_, const struct caller *caller,
                         const char *project)
{
    cJSON *review = json_new_object(arena), *request = json_new_object(arena);
    cJSON *user = json_new_object(arena);
    json_add(arena, review, "apiVersion", json_new_string(arena, "admission.k8s.io/v1"));
    json_add(arena, review, "kind", json_new_string(arena, "AdmissionReview"));
    json_add(arena, review, "request", request);
    json_add(arena, request, "uid", json_new_string(arena, "whose"));
    json_add(arena, request, "kind", new_identity(arena, "kind", "Deployment"));
    json_add(arena, request, "resource", new_identity(arena, "resource", "deployments"));
    json_add(arena, request, "name", json_new_string(arena, project));
    json_add(arena, request, "namespace", json_new_string(arena, namespace_));
    json_add(arena, request, "operation", json_new_string(arena, "DELETE"));
    access_add_user(arena, user, "username", caller);
    json_add(arena, request, "userInfo", user);
    json_add(arena, request, "oldObject", new_deployment(arena, namespace_, project));
    json_add(arena, request, "dryRun", json_new_bool(arena, true));
    return review;
}

struct owner_work {
    struct arena arena;
    const struct policy_set *set;
    const char *namespace_, *verb, *project;
    const struct caller *caller;
    struct err err;
    int rc;
};

static const struct violation *first_denial(const struct verdict *verdict)
{
    for (const struct violation *at = verdict->violations; at != NULL; at = at->next)
        if (at->mode == POLICY_ENFORCE && !at->ratcheted &&
            (at->exception == NULL || at->exception_expired))
            return at;
    return NULL;
}

static int refuse(struct owner_work *work, const struct verdict *verdict)
{
    struct arena *arena = &work->arena;
    const struct violation *denial = first_denial(verdict);
    return say_fail(arena, &work->err, ERR_FORBIDDEN,
                    "%s may not %s the project %s, which is not theirs: %s (%s)",
                    say_visible(arena, work->caller->user, ACCESS_SHOWN), work->verb,
                    say_visible(arena, work->project, ACCESS_SHOWN),
                    denial != NULL ? denial->why : "the policies refuse it",
                    denial != NULL ? denial->rule->full_id : "no rule");
}

static void judge(void *context)
{
    struct owner_work *work = context;
    struct admit_request request;
    struct verdict verdict;
    struct buf body;
    buf_init(&body, &work->arena, LIMIT_BODY_BYTES);
    json_write(&body, new_review(&work->arena, work->namespace_, work->caller, work->project));
    work->rc = admit_request_parse(&work->arena, body.data, body.length, ADMIT_VALIDATE, &request,
                                   &work->err);
    if (work->rc == 0)
        work->rc =
            admit_review(work->set, &request, clock_unix(), &work->arena, &verdict, &work->err);
    if (work->rc == 0 && !verdict.allowed)
        work->rc = refuse(work, &verdict);
}

int access_owns(const char *namespace_, const struct caller *caller, const char *verb,
                const char *project, struct err *reterr)
{
    struct owner_work work = {
        .namespace_ = namespace_, .verb = verb, .project = project, .caller = caller};
    struct live *live = live_ref();
    if (live == NULL)
        return err_set(reterr, ERR_POLICY,
                       "no policies are loaded that could say whose a project is");
    work.set = live->set;
    arena_init(&work.arena, LIMIT_ARENA_BYTES);
    if (!arena_try(&work.arena, judge, &work))
        work.rc = err_set(&work.err, ERR_NO_MEMORY, "out of memory");
    if (work.rc < 0 && reterr != NULL)
        *reterr = work.err;
    arena_done(&work.arena);
    live_unref(live);
    return work.rc;
}
