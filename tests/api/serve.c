/* The recorder's API over a real store, with rights and operations that need no cluster.
 *
 *     serve DATABASE CERTIFICATE KEY [CLIENT-CA|- [RECHECK-MS]]
 *
 * Prints "port N"; then takes lines on stdin, and answers each with one:
 *
 *     fill PROJECT N      N versions, each with some events and an instance
 *     add PROJECT         one more version; prints its id
 *     status ID STATUS    a version ends
 *     event PROJECT TEXT  one event; prints its id
 *     hold PROJECT SHA
 *     refuse USER         from now on that user's token is expired
 *     break | mend        whether the API server answers
 *     policies FOLDER     loads policies, for /api/review
 *
 * Who asks: the token is the name.  "teacher" may do all; "s1" what is student-1's; "expired" is.
 * Operations: written down, and accepted; of a version that is not good: 422.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "net/live.h"
#include "net/tls.h"
#include "policy/load.h"
#include "recorder/api.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "hydrosim-students"

static struct store *store;
static struct api *api;
static atomic_bool broken;
static pthread_mutex_t refused_lock = PTHREAD_MUTEX_INITIALIZER;
static char refused[64]; /* under its lock */

/* ---- Who -------------------------------------------------------------------------------- */

static const char *const student_groups[] = {"students", "system:authenticated", NULL};

static bool is_refused(const char *user)
{
    pthread_mutex_lock(&refused_lock);
    const bool is = strcmp(user, refused) == 0;
    pthread_mutex_unlock(&refused_lock);
    return is;
}

int access_authenticate(struct access *access, struct arena *arena, const char *authorization,
                        struct caller *ret_caller, struct err *reterr)
{
    (void)access;
    if (atomic_load(&broken))
        return err_set(reterr, ERR_UNREACHABLE, "secret-host.internal:6443: connection refused");
    if (authorization == NULL)
        return err_set(reterr, ERR_UNAUTHORIZED, "send a token: Authorization: Bearer TOKEN");
    if (strncmp(authorization, "Bearer ", 7) != 0 || authorization[7] == '\0')
        return err_set(reterr, ERR_UNAUTHORIZED, "the Authorization header must be Bearer TOKEN");
    const char *user = authorization + 7;
    if (strcmp(user, "expired") == 0 || is_refused(user))
        return err_set(reterr, ERR_UNAUTHORIZED, "the token has expired");
    if (strcmp(user, "teacher") != 0 && strncmp(user, "s", 1) != 0)
        return err_set(reterr, ERR_UNAUTHORIZED, "the token is not known");
    *ret_caller = (struct caller){.user = arena_strdup(arena, user),
                                  .groups = student_groups,
                                  .groups_json = "[\"students\"]"};
    return 0;
}

int access_authenticate_certificate(struct arena *arena, const void *der, size_t length,
                                    struct caller *ret_caller, struct err *reterr)
{
    (void)der;
    (void)reterr;
    *ret_caller = (struct caller){.user = arena_printf(arena, "%s", length > 0 ? "teacher" : ""),
                                  .groups = student_groups};
    return 0;
}

int access_authorize(struct access *access, struct arena *arena, const struct caller *caller,
                     enum access_verb verb, const char *project, struct err *reterr)
{
    (void)access;
    static const char *const verbs[] = {"get", "rollback", "patch", "create"};
    arena_alloc(arena, 4096); /* asking costs something */
    if (project == NULL || strcmp(caller->user, "teacher") == 0 ||
        (strncmp(project, "student-", 8) == 0 && strcmp(project + 8, caller->user + 1) == 0))
        return 0;
    return err_set(reterr, ERR_FORBIDDEN, "User \"%.60s\" may not %s deployment \"%.60s\".",
                   caller->user, verbs[verb], project);
}

int access_act_for(const struct access *access, struct arena *arena, const char *person,
                   struct caller *caller, struct err *reterr)
{
    (void)access;
    if (strcmp(caller->user, "teacher") != 0)
        return err_set(reterr, ERR_FORBIDDEN, "User \"%.60s\" is not trusted.", caller->user);
    if (strlen(person) == 0 || strlen(person) > 256)
        return err_set(reterr, ERR_USAGE, "that is nobody's name");
    caller->on_behalf_of = arena_strdup(arena, person);
    return 0;
}

/* ---- Operations ------------------------------------------------------------------------- */

static int claim(struct arena *arena, const struct operate_request *request, const char *kind,
                 int64_t project, int64_t target, struct operate_answer *ret_answer,
                 struct err *reterr)
{
    const struct store_op op = {.project = project,
                                .kind = kind,
                                .target = target,
                                .actor = request->caller->user,
                                .key = request->key,
                                .body_digest = request->body_digest,
                                .expect_generation = request->expect_generation,
                                .created_at = clock_unix_us(),
                                .updated_at = clock_unix_us()};
    struct store_op row;
    bool repeated = false;
    *ret_answer = (struct operate_answer){.status = 202, .project = project, .target = target};
    if (request->dry_run) {
        ret_answer->status = 200;
        return 0;
    }
    if (request->expect_generation > 1000) {
        ret_answer->status = 409;
        ret_answer->reason = "GenerationMoved";
        ret_answer->detail = "the Deployment has changed meanwhile";
        return 0;
    }
    const int r = store_op_claim(store, arena, &op, &row, &repeated, reterr);
    if (r == -(int)ERR_CONFLICT) {
        ret_answer->status = 409;
        ret_answer->reason = "IdempotencyKeyReused";
        ret_answer->detail = "this key was used with another body";
        return 0;
    }
    ret_answer->operation = row.id;
    ret_answer->repeated = repeated;
    return r;
}

const char *operate_message(struct arena *arena, const struct store_op *op)
{
    return op->answer == NULL ? NULL : arena_strdup(arena, op->answer);
}

#define UNUSED (void)operate

int operate_rollback(struct operate *operate, struct arena *arena,
                     const struct operate_request *request, int64_t target_revision,
                     struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    struct revision row;
    int r = store_revision(store, arena, target_revision, &row, reterr);
    if (r != 0)
        return r;
    if (row.good != REVISION_GOOD_NO)
        return claim(arena, request, "rollback", row.project_id, row.id, ret_answer, reterr);
    cJSON *causes = json_new_array(arena), *cause = json_new_object(arena);
    json_add(arena, cause, "field", json_new_string(arena, "spec.replicas"));
    json_add(arena, cause, "message", json_new_string(arena, "no \x1b[31mcolour\x1b[0m"));
    json_add(arena, cause, "reason", json_new_string(arena, "FieldValueInvalid"));
    json_append(causes, cause);
    *ret_answer = (struct operate_answer){
        .status = 422, .reason = "PolicyRefused", .detail = "policy says no", .causes = causes};
    return 0;
}

int operate_cancel(struct operate *operate, struct arena *arena,
                   const struct operate_request *request, int64_t revision,
                   struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    struct revision row;
    const int r = store_revision(store, arena, revision, &row, reterr);
    return r != 0 ? r : claim(arena, request, "cancel", row.project_id, 0, ret_answer, reterr);
}

int operate_restart(struct operate *operate, struct arena *arena,
                    const struct operate_request *request, int64_t project,
                    struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    return claim(arena, request, "restart", project, 0, ret_answer, reterr);
}

int operate_pause(struct operate *operate, struct arena *arena,
                  const struct operate_request *request, int64_t project, bool paused,
                  struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    return claim(arena, request, paused ? "pause" : "resume", project, 0, ret_answer, reterr);
}

int operate_undelete(struct operate *operate, struct arena *arena,
                     const struct operate_request *request, int64_t project, int64_t revision,
                     struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    return claim(arena, request, "undelete", project, revision, ret_answer, reterr);
}

int operate_mark(struct operate *operate, struct arena *arena,
                 const struct operate_request *request, int64_t revision, enum revision_good good,
                 struct operate_answer *ret_answer, struct err *reterr)
{
    UNUSED;
    (void)arena;
    *ret_answer = (struct operate_answer){.status = 200};
    return store_revision_mark(store, revision, good, request->caller->user, request->reason,
                               clock_unix_us(), reterr);
}

int operate_lift_hold(struct operate *operate, struct arena *arena,
                      const struct operate_request *request, int64_t project,
                      const char *template_sha, struct operate_answer *ret_answer,
                      struct err *reterr)
{
    UNUSED;
    (void)arena;
    *ret_answer = (struct operate_answer){.status = 200};
    return store_hold_lift(store, project, template_sha, request->caller->user, clock_unix_us(),
                           reterr);
}

int deploy_begin(struct deploy *deploy, struct arena *arena, const struct operate_request *request,
                 const struct deploy_spec *spec, struct operate_answer *ret_answer,
                 struct err *reterr)
{
    int64_t project;
    (void)deploy;
    const int r = store_project(store, NAMESPACE, spec->project, &project, reterr);
    return r != 0 ? r : claim(arena, request, "deploy", project, 0, ret_answer, reterr);
}

/* ---- Rows ------------------------------------------------------------------------------- */

static void stop_with(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static int64_t project_of(const char *name)
{
    struct err err;
    int64_t id = 0;
    if (store_project(store, NAMESPACE, name, &id, &err) != 0)
        stop_with(&err);
    return id;
}

/* What anybody may have written into his Deployment. */
static const char *const hostile[] = {NULL,
                                      "fine",
                                      "=cmd|' /C calc'!A0",
                                      "a,\"b\"\r\nc",
                                      "\x1b]0;owned\a",
                                      "r\xc3\xa9sum\xc3\xa9 \xe2\x80\xae",
                                      "'; DROP TABLE revision; --",
                                      "<script>alert(1)</script>",
                                      "\xff\xfe",
                                      "  @SUM(A1)"};
#define HOSTILE (sizeof hostile / sizeof hostile[0])

#define AT_ONCE 100

struct version {
    struct revision row;
    char json[1024], sha[DIGEST_HEX_BYTES];
};

static void make_version(const char *name, int64_t number, struct version *version)
{
    const int64_t now = clock_unix_us();
    const char *text = hostile[(size_t)number % HOSTILE];
    snprintf(version->json, sizeof version->json,
             "{\"metadata\":{\"labels\":{\"app\":\"%s\",\"a.b/c\":\"%lld\"}},\"spec\":{"
             "\"containers\":[{\"env\":[{\"name\":\"N\",\"value\":\"%lld\"}],\"image\":"
             "\"registry/app:v%lld\",\"name\":\"app\"}]}}",
             name, (long long)(number % 3), (long long)(number % 7), (long long)(number % 50));
    if (!digest_sha256(version->json, strlen(version->json), version->sha))
        abort();
    version->row =
        (struct revision){.seq = number,
                          .uid = "11111111-2222-3333-4444-555555555555",
                          .generation = number,
                          .template_sha = version->sha,
                          .strategy = "RollingUpdate",
                          .replicas = 1,
                          .change_kind = "image",
                          .change_cause = text,
                          .actor_user = number % 4 == 0 ? "teacher" : "s1",
                          .actor_groups = "[\"students\"]",
                          .actor_certain = true,
                          .status = number % 5 == 0 ? REVISION_FAILED : REVISION_COMPLETED,
                          .reason = number % 5 == 0 ? "CrashLoop" : NULL,
                          .message = text,
                          .progress = 100,
                          .good = number % 5 == 0 ? REVISION_GOOD_NO : REVISION_GOOD_YES,
                          .policy_changes = "{\"spec.replicas\":{\"was\":5}}",
                          .started_at = now,
                          .completed_at = now};
}

/* Versions `from` to `to`, not more than AT_ONCE; the id of the last. */
static int64_t add_versions(const char *name, int64_t from, int64_t to)
{
    static struct version versions[AT_ONCE];
    struct machine_effect effects[2 * AT_ONCE];
    struct store_template templates[AT_ONCE];
    int64_t ids[2 * AT_ONCE] = {0};
    const size_t count = (size_t)(to - from + 1);
    const int64_t project = project_of(name);
    struct err err;
    for (size_t i = 0; i < count; i++) {
        struct version *version = &versions[i];
        make_version(name, from + (int64_t)i, version);
        templates[i] = (struct store_template){version->sha, version->json};
        effects[2 * i] = (struct machine_effect){
            .kind = MACHINE_INSERT, .revision = &version->row, .at = version->row.started_at};
        effects[2 * i + 1] = (struct machine_effect){.kind = MACHINE_EVENT,
                                                     .revision = &version->row,
                                                     .event_type = "deployment_started",
                                                     .event_message = version->row.message,
                                                     .at = version->row.started_at};
    }
    if (store_commit(store, project, effects, 2 * count, templates, count, NULL, ids, &err) != 0)
        stop_with(&err);
    api_pulse(api, project);
    return ids[2 * (count - 1)];
}

static int64_t next_number(const char *name)
{
    struct arena arena;
    struct revision *rows;
    size_t count = 0;
    struct err err;
    const struct store_query query = {
        .project = project_of(name), .status = -1, .good = -1, .limit = 1};
    arena_init(&arena, LIMIT_MIB);
    if (store_revisions(store, &arena, &query, &rows, &count, &err) != 0)
        stop_with(&err);
    const int64_t next = count > 0 ? rows[0].seq + 1 : 1;
    arena_done(&arena);
    return next;
}

static void set_status(const char *id, const char *status)
{
    struct arena arena;
    struct revision row;
    struct err err;
    arena_init(&arena, LIMIT_MIB);
    if (store_revision(store, &arena, strtoll(id, NULL, 10), &row, &err) != 0)
        stop_with(&err);
    row.status = (enum revision_status)revision_status_parse(status);
    const struct machine_effect effect = {.kind = MACHINE_UPDATE, .revision = &row};
    int64_t ids[1];
    if (store_commit(store, row.project_id, &effect, 1, NULL, 0, NULL, ids, &err) != 0)
        stop_with(&err);
    api_pulse(api, row.project_id);
    arena_done(&arena);
}

static int64_t add_event(const char *name, const char *text)
{
    struct err err;
    int64_t id = 0;
    const struct store_event event = {.project = project_of(name),
                                      .at = clock_unix_us(),
                                      .type = "service_updating",
                                      .message = text,
                                      .details = "{\"a\":[1,2]}"};
    if (store_event(store, &event, &id, &err) != 0)
        stop_with(&err);
    api_pulse(api, event.project);
    return id;
}

static void load_policies(const char *folder)
{
    struct err err;
    struct arena arena;
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    const char *const paths[] = {folder, NULL};
    const struct policy_load_options options = {.now = clock_unix(), .mode = POLICY_ENFORCE};
    arena_init(&arena, 16 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) != 0 ||
        live_install(set, 0, &err) != 0)
        stop_with(&err);
    arena_done(&arena);
}

static void obey(char *line)
{
    char *word = strtok(line, " "), *first = strtok(NULL, " "), *rest = strtok(NULL, "");
    long long answer = 0;
    if (strcmp(word, "fill") == 0) {
        const int64_t from = next_number(first), to = from + strtoll(rest, NULL, 10) - 1;
        for (int64_t at = from; at <= to; at += AT_ONCE)
            answer = add_versions(first, at, to < at + AT_ONCE - 1 ? to : at + AT_ONCE - 1);
    } else if (strcmp(word, "add") == 0) {
        answer = add_versions(first, next_number(first), next_number(first));
    } else if (strcmp(word, "status") == 0) {
        set_status(first, rest);
    } else if (strcmp(word, "event") == 0) {
        answer = add_event(first, rest);
    } else if (strcmp(word, "hold") == 0) {
        struct err err;
        const struct store_hold hold = {.project = project_of(first),
                                        .template_sha = rest,
                                        .reason = "it failed",
                                        .set_by = "proctor",
                                        .set_at = clock_unix_us()};
        if (store_hold_set(store, &hold, &err) != 0)
            stop_with(&err);
    } else if (strcmp(word, "refuse") == 0) {
        pthread_mutex_lock(&refused_lock);
        snprintf(refused, sizeof refused, "%s", first);
        pthread_mutex_unlock(&refused_lock);
    } else if (strcmp(word, "break") == 0 || strcmp(word, "mend") == 0) {
        atomic_store(&broken, word[0] == 'b');
    } else if (strcmp(word, "policies") == 0) {
        load_policies(first);
    }
    printf("%lld\n", answer);
    fflush(stdout);
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (file == NULL || text == NULL || fread(text, 1, 65535, file) == 0)
        exit(1);
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    struct err err;
    struct tls_certificate *certificate = NULL;
    unsigned port = 0;
    bool leads = false;
    char line[4096];
    arena_install_cjson_hooks();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 4 || store_open(&(struct store_options){.url = argv[1]}, &store, &err) != 0 ||
        store_lead(store, &leads, &err) != 0 ||
        tls_load(argv[2], argv[3], clock_unix(), &certificate, &err) != 0)
        stop_with(&err);
    tls_install(certificate, clock_unix());
    char *ca = argc > 4 && strcmp(argv[4], "-") != 0 ? read_whole(argv[4]) : NULL;
    const struct api_options options = {.listen = "127.0.0.1:0",
                                        .store = store,
                                        .namespace_ = NAMESPACE,
                                        .client_ca_pem = ca,
                                        .connections = 2000,
                                        .request_us = 2000000,
                                        .idle_us = 6000000,
                                        .recheck_us =
                                            (argc > 5 ? strtoll(argv[5], NULL, 10) : 300) * 1000};
    if (api_start(&options, &api, &port, &err) != 0)
        stop_with(&err);
    printf("port %u\n", port);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(line);
    }
    api_stop(api);
    store_close(store);
    live_done();
    tls_done();
    free(ca);
    return 0;
}
