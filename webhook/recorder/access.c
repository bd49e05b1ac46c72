/* May they: the API server's rights, and the policies' word on whose it is. */
#include "recorder/access.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/say.h"
#include "recorder/access_internal.h"

#include <stdlib.h>
#include <string.h>

#define ACCESS_REVIEWS  "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#define KEEP_US         10000000LL
#define KEEP_NO_US      2000000LL /* a right that was just given is not waited for */
#define CALLS_MOST      8U
#define CONNECT_SECONDS 3L
#define CALL_SECONDS    5L
#define WAIT_MS         5000L

int access_new(const struct access_options *options, struct access **ret_access, struct err *reterr)
{
    const int64_t keep_us = options->keep_us > 0 ? options->keep_us : KEEP_US;
    const int64_t no_us = keep_us < KEEP_NO_US ? keep_us : KEEP_NO_US;
    const struct pool_options pool = {
        .client = {.connect_seconds = CONNECT_SECONDS, .call_seconds = CALL_SECONDS},
        .most = CALLS_MOST,
        .wait_ms = WAIT_MS,
    };
    const struct access_cache_options callers = {512, 256, keep_us, no_us};
    const struct access_cache_options rights = {4096, 1024, keep_us, no_us};
    struct access *access = calloc(1, sizeof *access);
    if (access == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    access->namespace_ = options->namespace_;
    access->audiences = options->audiences;
    access->trusted = options->trusted;
    access->callers = access_cache_new(&callers);
    access->rights = access_cache_new(&rights);
    int rc = 0;
    if (access->callers == NULL || access->rights == NULL)
        rc = err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (rc == 0)
        rc = pool_new(options->kube, &pool, &access->pool, reterr);
    if (rc < 0)
        access_free(access);
    else
        *ret_access = access;
    return rc;
}

void access_free(struct access *access)
{
    if (access == NULL)
        return;
    pool_free(access->pool);
    access_cache_free(access->callers);
    access_cache_free(access->rights);
    free(access);
}

/* ---- the API server --------------------------------------------------------------------- */

/* An error of our own call is none of the caller's: their rights are not what is missing. */
static int translate(const char *about, const struct err *why, struct err *reterr)
{
    static struct log_limit limit;
    const enum err_code code = why->code;
    if (log_allowed(&limit))
        log_event(LOG_WARN, "the API server does not say who a caller is, or what they may",
                  "label", err_label((int)code), "error", why->text, NULL);
    if (code == ERR_NO_MEMORY || code == ERR_BUSY)
        return err_set(reterr, code, "%s", err_text((int)code));
    if (code == ERR_UNREACHABLE)
        return err_set(reterr, code, "the API server cannot be asked %s now: try again", about);
    return err_set(reterr, ERR_SERVER,
                   "the API server does not tell the recorder %s: the recorder's log says why",
                   about);
}

struct ask_work {
    struct kube_client *client;
    struct arena *arena;
    const char *path;
    const cJSON *review;
    cJSON *object;
    struct err err;
    int rc;
};

static void ask(void *context)
{
    struct ask_work *work = context;
    work->rc = client_create(work->client, work->arena, work->path, work->review, &work->object,
                             &work->err);
}

int access_ask(struct access *access, struct arena *arena, const char *path, const char *about,
               const cJSON *review, const cJSON **ret_status, struct err *reterr)
{
    struct ask_work work = {.arena = arena, .path = path, .review = review};
    work.rc = pool_take(access->pool, &work.client, &work.err);
    if (work.rc < 0)
        return translate(about, &work.err, reterr);
    if (!arena_try(arena, ask, &work))
        work.rc = err_set(&work.err, ERR_NO_MEMORY, "out of memory");
    pool_give(access->pool, work.client, work.rc);
    if (work.rc < 0)
        return translate(about, &work.err, reterr);
    const cJSON *status = json_get(work.object, "status");
    if (!json_is_object(status)) {
        err_set(&work.err, ERR_ANSWER, "%s: no status in the answer", path);
        return translate(about, &work.err, reterr);
    }
    *ret_status = status;
    return 0;
}

/* ---- rights ----------------------------------------------------------------------------- */

struct right {
    const char *verb, *group, *resource;
    bool by_name; /* a right to create has no name yet (RBAC: "create" requests have none) */
};

#define RIGHTS_MOST 6U

static const struct verb {
    const char *words; /* for a refusal */
    struct right rights[RIGHTS_MOST];
} verbs[] = {
    [ACCESS_READ] = {"read", {{"get", "apps", "deployments", true}}},
    [ACCESS_ROLLBACK] = {"roll back", {{"rollback", "apps", "deployments", true}}},
    [ACCESS_DEPLOY] = {"deploy",
                       {{"create", "apps", "deployments", false},
                        {"patch", "apps", "deployments", true},
                        {"create", "", "services", false},
                        {"patch", "", "services", true},
                        {"create", "networking.k8s.io", "ingresses", false},
                        {"patch", "networking.k8s.io", "ingresses", true}}},
    [ACCESS_UNDELETE] = {"undelete", {{"create", "apps", "deployments", false}}},
};

static cJSON *new_access_review(const struct access *access, struct arena *arena,
                                const struct caller *caller, const struct right *right,
                                const char *name)
{
    cJSON *review = json_new_object(arena), *spec = json_new_object(arena);
    cJSON *attributes = json_new_object(arena);
    json_add(arena, review, "apiVersion", json_new_string(arena, "authorization.k8s.io/v1"));
    json_add(arena, review, "kind", json_new_string(arena, "SubjectAccessReview"));
    json_add(arena, review, "spec", spec);
    json_add(arena, attributes, "namespace", json_new_string(arena, access->namespace_));
    json_add(arena, attributes, "verb", json_new_string(arena, right->verb));
    json_add(arena, attributes, "group", json_new_string(arena, right->group));
    json_add(arena, attributes, "resource", json_new_string(arena, right->resource));
    if (name != NULL)
        json_add(arena, attributes, "name", json_new_string(arena, name));
    json_add(arena, spec, "resourceAttributes", attributes);
    access_add_user(arena, spec, "user", caller);
    return review;
}

/* What the question is, with who asks: its digest is the key of the answer. */
static bool write_key(const cJSON *review, struct arena *arena, char key[DIGEST_HEX_BYTES])
{
    struct buf text;
    buf_init(&text, arena, ACCESS_ARENA_BYTES);
    json_write(&text, review);
    return digest_sha256(text.data, text.length, key);
}

struct right_work {
    struct access *access;
    struct arena arena;
    const struct caller *caller;
    const struct right *right;
    const char *name;
    bool allowed;
    struct err err;
    int rc;
};

static void review_right(void *context)
{
    struct right_work *work = context;
    struct arena *arena = &work->arena;
    struct access_answer answer = {.code = 0};
    char key[DIGEST_HEX_BYTES];
    const cJSON *status;
    const cJSON *review =
        new_access_review(work->access, arena, work->caller, work->right, work->name);
    if (!write_key(review, arena, key)) {
        work->rc = err_set(&work->err, ERR_INTERNAL, "no SHA-256");
        return;
    }
    if (access_cache_get(work->access->rights, key, clock_monotonic_us(), &answer)) {
        work->allowed = answer.code == 0;
        return;
    }
    work->rc = access_ask(work->access, arena, ACCESS_REVIEWS, "what you may do", review, &status,
                          &work->err);
    if (work->rc < 0)
        return;
    work->allowed = json_is_true(json_get(status, "allowed"));
    answer.code = work->allowed ? 0 : ERR_FORBIDDEN;
    access_cache_put(work->access->rights, key, clock_monotonic_us(), &answer);
}

/* Whether RBAC allows it; name NULL: for any name. */
static int has_right(struct access *access, const struct caller *caller, const struct right *right,
                     const char *name, bool *ret_allowed, struct err *reterr)
{
    struct right_work work = {.access = access, .caller = caller, .right = right, .name = name};
    arena_init(&work.arena, ACCESS_ARENA_BYTES);
    if (!arena_try(&work.arena, review_right, &work))
        work.rc = err_set(&work.err, ERR_NO_MEMORY, "out of memory");
    arena_done(&work.arena);
    if (work.rc == 0)
        *ret_allowed = work.allowed;
    else if (reterr != NULL)
        *reterr = work.err;
    return work.rc;
}

/* The right for all names is asked for first: it is one answer for a whole list of projects. */
static int check_right(struct access *access, const struct caller *caller,
                       const struct right *right, const char *project, bool *ret_allowed,
                       struct err *reterr)
{
    static const struct right list = {"list", "apps", "deployments", false};
    bool allowed = false;
    int rc = has_right(access, caller, right, NULL, &allowed, reterr);
    if (rc == 0 && !allowed && project != NULL && right->by_name)
        rc = has_right(access, caller, right, project, &allowed, reterr);
    if (rc == 0 && !allowed && project == NULL && strcmp(right->verb, "get") == 0)
        rc = has_right(access, caller, &list, NULL, &allowed, reterr);
    if (rc == 0)
        *ret_allowed = allowed;
    return rc;
}

static int refuse(const struct access *access, struct arena *arena, const struct caller *caller,
                  const struct verb *verb, const struct right *right, const char *project,
                  struct err *reterr)
{
    const char *of = project == NULL ? "projects" : say_visible(arena, project, ACCESS_SHOWN);
    return say_fail(arena, reterr, ERR_FORBIDDEN,
                    "%s may not %s %s: the right to %s %s%s%s in the namespace %s is missing",
                    say_visible(arena, caller->user, ACCESS_SHOWN), verb->words, of, right->verb,
                    right->resource, right->group[0] != '\0' ? "." : "", right->group,
                    access->namespace_);
}

int access_authorize(struct access *access, struct arena *arena, const struct caller *caller,
                     enum access_verb verb, const char *project, struct err *reterr)
{
    const struct verb *row = &verbs[verb];
    for (const struct right *right = row->rights;
         right < row->rights + RIGHTS_MOST && right->verb != NULL; right++) {
        bool allowed = false;
        const int rc = check_right(access, caller, right, project, &allowed, reterr);
        if (rc < 0)
            return rc;
        if (!allowed)
            return refuse(access, arena, caller, row, right, project, reterr);
    }
    return project == NULL ? 0
                           : access_owns(access->namespace_, caller, row->words, project, reterr);
}
