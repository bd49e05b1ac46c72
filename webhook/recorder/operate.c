#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/say.h"
#include "history/intent.h"

#include <stdlib.h>
#include <string.h>

#define CALL_BYTES   (256 * LIMIT_MIB)
#define DEFAULT_SELF "system:serviceaccount:hydrosim-system:proctor-recorder"
#define ROWS_AT_ONCE 50U

/* ---- Life ------------------------------------------------------------------------------- */

int operate_new(const struct operate_options *options, struct operate **ret_operate,
                struct err *reterr)
{
    const struct pool_options pool = {.client = {.field_manager = "proctor-recorder"}};
    struct operate *operate = calloc(1, sizeof *operate);
    if (operate == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for operations");
    operate->options = *options;
    pthread_mutex_init(&operate->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&operate->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int rc = pool_new(options->kube, &pool, &operate->pool, reterr);
    if (rc == 0)
        rc = operate_thread_start(operate, reterr);
    if (rc < 0) {
        pool_free(operate->pool);
        pthread_cond_destroy(&operate->wake);
        pthread_mutex_destroy(&operate->lock);
        free(operate);
        return rc;
    }
    *ret_operate = operate;
    return 0;
}

void operate_free(struct operate *operate)
{
    if (operate == NULL)
        return;
    operate_thread_stop(operate);
    pool_free(operate->pool);
    pthread_cond_destroy(&operate->wake);
    pthread_mutex_destroy(&operate->lock);
    free(operate);
}

void operate_use(struct operate *operate, struct keeper *keeper)
{
    pthread_mutex_lock(&operate->lock);
    operate->keeper = keeper;
    pthread_mutex_unlock(&operate->lock);
}

const char *operate_self(const struct operate *operate)
{
    return operate->options.self != NULL ? operate->options.self : DEFAULT_SELF;
}

/* ---- Which operations a thread works on ------------------------------------------------- */

static bool mark_under_way(struct operate *operate, int64_t from, int64_t to)
{
    bool found = false;
    pthread_mutex_lock(&operate->lock);
    for (size_t i = 0; i < OPERATE_AT_ONCE && !found; i++) {
        found = operate->under_way[i] == from;
        if (found)
            operate->under_way[i] = to;
    }
    pthread_mutex_unlock(&operate->lock);
    return found;
}

bool operate_is_under_way(struct operate *operate, int64_t op)
{
    return mark_under_way(operate, op, op);
}

/* ---- The frame of a call ---------------------------------------------------------------- */

struct running {
    struct operate_call *call;
    operate_work *work;
    void *context;
    struct err *reterr;
    int rc;
};

/* What surely was not done is over; of the rest the object will tell (operate_finish.c). */
static bool is_surely_undone(const struct operate_call *call, int rc)
{
    return !call->written &&
           (rc == -ERR_FORBIDDEN || rc == -ERR_UNAUTHORIZED || rc == -ERR_NOT_FOUND ||
            rc == -ERR_REFUSED || rc == -ERR_CONFLICT || rc == -ERR_JSON || rc == -ERR_BUSY);
}

static void run_work(void *context)
{
    struct running *running = context;
    struct operate_call *call = running->call;
    struct err ignored;
    running->rc = running->work(call, running->context, running->reterr);
    if (running->rc == 0 || call->op.id == 0 || !is_surely_undone(call, running->rc))
        return;
    const char *why = arena_strdup(call->arena, running->reterr->text);
    if (operate_refuse(call, err_http_status(running->rc), "NotDone", why, NULL, &ignored) < 0)
        return; /* the thread ends it later */
}

struct copying {
    struct arena *arena;
    const struct operate_answer *from;
    struct operate_answer to;
};

static void copy_answer(void *context)
{
    struct copying *copying = context;
    const struct operate_answer *from = copying->from;
    copying->to = *from;
    if (from->reason != NULL)
        copying->to.reason = arena_strdup(copying->arena, from->reason);
    if (from->detail != NULL)
        copying->to.detail = arena_strdup(copying->arena, from->detail);
    if (from->warning != NULL)
        copying->to.warning = arena_strdup(copying->arena, from->warning);
    if (from->causes != NULL)
        copying->to.causes = json_dup(copying->arena, from->causes);
}

int operate_run(struct operate *operate, struct arena *arena, const struct operate_request *request,
                operate_work *work, void *context, struct operate_answer *ret_answer,
                struct err *reterr)
{
    struct arena own;
    struct operate_call call = {.operate = operate, .arena = &own, .request = request};
    struct running running = {&call, work, context, reterr, 0};
    int rc = pool_take(operate->pool, &call.client, reterr);
    if (rc < 0)
        return rc;
    arena_init(&own, CALL_BYTES);
    struct arena *before = arena_use(&own);
    const bool whole = arena_try(&own, run_work, &running);
    rc = whole ? running.rc : err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    pool_give(operate->pool, call.client, rc);
    if (call.op.id != 0)
        (void)mark_under_way(operate, call.op.id, 0);
    struct copying copying = {.arena = arena, .from = &call.answer};
    arena_use(arena);
    if (rc == 0 && !arena_try(arena, copy_answer, &copying))
        rc = err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    arena_use(before);
    arena_done(&own);
    if (rc == 0)
        *ret_answer = copying.to;
    return rc;
}

/* ---- The answer, kept with its operation ------------------------------------------------ */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static void add_id(struct arena *arena, cJSON *object, const char *key, int64_t id)
{
    if (id != 0)
        json_add(arena, object, key, json_new_int(arena, id));
}

const char *operate_write_answer(struct arena *arena, const struct operate_answer *answer)
{
    cJSON *object = json_new_object(arena);
    struct buf text;
    add_text(arena, object, "reason", answer->reason);
    add_text(arena, object, "detail", answer->detail);
    add_text(arena, object, "warning", answer->warning);
    add_id(arena, object, "revision", answer->revision);
    add_id(arena, object, "target", answer->target);
    add_id(arena, object, "generation", answer->generation);
    if (answer->causes != NULL)
        json_add(arena, object, "causes", json_dup(arena, answer->causes));
    buf_init(&text, arena, STORE_TEXT_BYTES);
    json_write(&text, object);
    return text.data;
}

static int64_t id_of(const cJSON *object, const char *key)
{
    int64_t id = 0;
    (void)json_int64(json_get(object, key), &id);
    return id;
}

static const cJSON *parse_answer(struct arena *arena, const struct store_op *op)
{
    cJSON *object;
    if (op->answer == NULL ||
        json_parse(arena, op->answer, strlen(op->answer), &json_limits_review, &object, NULL) < 0)
        return NULL;
    return object;
}

void operate_read_answer(struct arena *arena, const struct store_op *op,
                         struct operate_answer *ret_answer)
{
    const cJSON *object = parse_answer(arena, op);
    *ret_answer = (struct operate_answer){
        /* Not answered yet: it is accepted all the same. */
        .status = op->http_status != 0 ? op->http_status : 202,
        .reason = json_get_string(object, "reason"),
        .detail = json_get_string(object, "detail"),
        .causes = json_get(object, "causes"),
        .operation = op->id,
        .project = op->project,
        .revision = id_of(object, "revision"),
        .target = id_of(object, "target"),
        .generation = id_of(object, "generation"),
        .warning = json_get_string(object, "warning"),
    };
}

const char *operate_message(struct arena *arena, const struct store_op *op)
{
    const cJSON *object = parse_answer(arena, op);
    const char *why = json_get_string(object, "message");
    const char *text = why != NULL ? why : json_get_string(object, "detail");
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

/* ---- Steps ------------------------------------------------------------------------------ */

static const char *actor_of(const struct operate_call *call)
{
    const struct caller *caller = call->request->caller;
    return caller != NULL ? caller->user : operate_self(call->operate);
}

static int replay(struct operate_call *call, const struct store_op *op)
{
    operate_read_answer(call->arena, op, &call->answer);
    call->answer.repeated = true;
    return 0;
}

int operate_claim(struct operate_call *call, const char *kind, int64_t revision, int64_t target,
                  bool *ret_over, struct err *reterr)
{
    const struct operate_request *request = call->request;
    const struct store_op op = {
        .project = call->project.id,
        .kind = kind,
        .automatic = request->caller == NULL,
        .revision = revision,
        .target = target,
        .actor = actor_of(call),
        .key = request->key,
        .body_digest = request->body_digest,
        .expect_generation = request->expect_generation,
        .created_at = clock_unix_us(),
    };
    struct store_op claimed;
    call->answer.project = call->project.id;
    call->answer.revision = revision;
    call->answer.target = target;
    bool repeated;
    *ret_over = false;
    if (request->dry_run)
        return 0;
    const int rc =
        store_op_claim(call->operate->options.store, call->arena, &op, &claimed, &repeated, reterr);
    if (rc == -ERR_CONFLICT) {
        *ret_over = true;
        return operate_refuse(call, 422, "IdempotencyKeyReused",
                              arena_strdup(call->arena, reterr->text), NULL, reterr);
    }
    if (rc < 0)
        return rc;
    *ret_over = repeated;
    if (repeated)
        return replay(call, &claimed);
    call->op = claimed;
    call->answer.operation = claimed.id;
    (void)mark_under_way(call->operate, 0, claimed.id);
    return 0;
}

/* The leader may have taken it up meanwhile, from a slow replica: what this call saw stays true. */
static int end_call(struct operate_call *call, enum store_op_state state, struct err *reterr)
{
    if (call->op.id == 0)
        return 0;
    struct err err;
    struct store_op op = call->op;
    op.state = state;
    op.revision = call->answer.revision;
    op.target = call->answer.target;
    op.http_status = call->answer.status;
    op.answer = operate_write_answer(call->arena, &call->answer);
    op.updated_at = clock_unix_us();
    const int rc = store_op_update(call->operate->options.store, &op, STORE_OP_CLAIMED, &err);
    if (rc == 0 || rc == -ERR_CONFLICT)
        return 0;
    *reterr = err;
    return rc;
}

int operate_refuse(struct operate_call *call, int status, const char *reason, const char *detail,
                   const cJSON *causes, struct err *reterr)
{
    call->answer.status = status;
    call->answer.reason = reason;
    call->answer.detail = detail;
    call->answer.causes = causes;
    return end_call(call, STORE_OP_FAILED, reterr);
}

/* The person's words, where the history is read. */
static int note_reason(struct operate_call *call, struct err *reterr)
{
    struct arena *arena = call->arena;
    struct buf details;
    int64_t id;
    if (call->request->reason == NULL || call->op.id == 0)
        return 0;
    buf_init(&details, arena, STORE_TEXT_BYTES);
    buf_printf(&details, "{\"operation\":%lld,\"kind\":\"%s\",\"by\":", (long long)call->op.id,
               call->op.kind);
    buf_add_json_string(&details, call->op.actor);
    buf_add_string(&details, "}");
    const struct store_event event = {
        .project = call->project.id,
        .revision = call->answer.revision,
        .at = clock_unix_us(),
        .type = "requested",
        .message = say_visible(arena, call->request->reason, OPERATE_SHOWN),
        .details = details.data,
        .key = arena_printf(arena, "requested/%lld", (long long)call->op.id),
    };
    return store_event(call->operate->options.store, &event, &id, reterr);
}

int operate_accept(struct operate_call *call, enum store_op_state state, const char *detail,
                   struct err *reterr)
{
    call->answer.status = state == STORE_OP_PATCHED && !call->request->dry_run ? 202 : 200;
    call->answer.detail = detail;
    const int rc = note_reason(call, reterr);
    return rc < 0 ? rc : end_call(call, state, reterr);
}

int operate_end(struct operate *operate, struct arena *arena, const struct store_op *op,
                enum store_op_state state, int64_t result, const char *why, struct err *reterr)
{
    struct store_op ended = *op;
    ended.state = state;
    ended.result = result != 0 ? result : op->result;
    ended.updated_at = clock_unix_us();
    if (why != NULL) {
        const cJSON *kept = parse_answer(arena, op);
        cJSON *answer = kept != NULL ? json_dup(arena, kept) : json_new_object(arena);
        struct buf text;
        add_text(arena, answer, "message", why);
        buf_init(&text, arena, STORE_TEXT_BYTES);
        json_write(&text, answer);
        ended.answer = text.data;
    }
    return store_op_update(operate->options.store, &ended, op->state, reterr);
}

/* ---- Who, and the machine's word -------------------------------------------------------- */

const char *operate_history_id(struct arena *arena, const struct store_op *op)
{
    return arena_printf(arena, INTENT_OWN_NONCE "%lld-%llx", (long long)op->id,
                        (unsigned long long)op->created_at);
}

const char *operate_on_behalf_of(const struct operate_call *call)
{
    if (call->request->caller == NULL)
        return NULL;
    return arena_printf(call->arena, "%s;%s", call->request->caller->user,
                        operate_history_id(call->arena, &call->op));
}

struct keeper *operate_keeper(struct operate *operate)
{
    pthread_mutex_lock(&operate->lock);
    struct keeper *keeper = operate->keeper;
    pthread_mutex_unlock(&operate->lock);
    return keeper;
}

int operate_tell(struct operate *operate, struct arena *arena, const struct store_op *op,
                 const char *project, const struct caller *caller, const struct operate_word *word,
                 struct err *reterr)
{
    const char *namespace_ = operate->options.namespace_;
    struct machine_intent intent = {
        .uid = word->uid,
        .template_sha = word->template_sha,
        .template_json = word->template_json,
        .old_template_sha = word->old_template_sha,
        .generation = word->generation,
        .received_at = clock_unix_us(),
        .actor_user = op->automatic ? operate_self(operate) : op->actor,
        .actor_groups = caller != NULL ? caller->groups_json : NULL,
        .via = op->automatic ? NULL : operate_self(operate),
        .on_behalf_of = caller != NULL ? caller->on_behalf_of : NULL,
        .rollback_of = word->rollback_of,
        .source = word->source,
        .history_id = operate_history_id(arena, op),
        .own = true,
        .cancel = word->cancel,
    };
    const int rc =
        store_intent(operate->options.store, &intent, namespace_, project, &intent.id, reterr);
    struct keeper *keeper = operate_keeper(operate);
    if (rc == 0 && keeper != NULL)
        keeper_intent(keeper, namespace_, project, &intent);
    return rc;
}

/* ---- What is stored --------------------------------------------------------------------- */

void operate_live_of(struct arena *arena, const cJSON *object, struct operate_live *ret_live)
{
    const cJSON *metadata = json_get(object, "metadata"), *spec = json_get(object, "spec");
    const cJSON *pod_template = json_get(spec, "template");
    int64_t generation = 0;
    (void)json_int64(json_get(metadata, "generation"), &generation);
    *ret_live = (struct operate_live){
        .object = object,
        .uid = json_get_string(metadata, "uid"),
        .template_sha = view_template_sha(arena, pod_template),
        .history_id = json_get_string(json_get(metadata, "annotations"), OPERATE_HISTORY_ID),
        .restarted_at = json_get_string(json_path(pod_template, "metadata", "annotations", NULL),
                                        OPERATE_RESTARTED_AT),
        .generation = generation,
        .paused = json_is_true(json_get(spec, "paused")),
        .deleting = json_get(metadata, "deletionTimestamp") != NULL,
    };
}

int operate_read(struct kube_client *client, struct arena *arena, const char *namespace_,
                 const char *name, struct operate_live *ret_live, struct err *reterr)
{
    cJSON *object;
    struct err err;
    const int rc = client_get(
        client, arena,
        client_path(arena, "/apis/apps/v1/namespaces/%s/deployments/%s", namespace_, name), &object,
        &err);
    if (rc == -ERR_NOT_FOUND) {
        *ret_live = (struct operate_live){.object = NULL};
        return 0;
    }
    if (rc < 0) {
        *reterr = err;
        return rc;
    }
    operate_live_of(arena, object, ret_live);
    return 0;
}

static bool matches(const char *wanted, const char *is)
{
    return wanted == NULL || (is != NULL && strcmp(wanted, is) == 0);
}

static bool was_stored(const struct revision *row)
{
    return row->status != REVISION_PENDING && row->status != REVISION_NOT_PERSISTED &&
           row->status != REVISION_UNKNOWN;
}

int operate_newest(struct operate *operate, struct arena *arena, int64_t project, const char *uid,
                   const char *template_sha, struct revision *ret_revision, struct err *reterr)
{
    struct store_query query = {.project = project,
                                .status = -1,
                                .good = -1,
                                .template_sha = template_sha,
                                .brief = true,
                                .limit = ROWS_AT_ONCE};
    struct revision *rows;
    size_t count;
    *ret_revision = (struct revision){.id = 0};
    do {
        const int rc =
            store_revisions(operate->options.store, arena, &query, &rows, &count, reterr);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < count; i++) {
            if (was_stored(&rows[i]) && matches(uid, rows[i].uid)) {
                *ret_revision = rows[i];
                return 0;
            }
            query.before_seq = rows[i].seq;
        }
    } while (count == ROWS_AT_ONCE);
    return 0;
}

static bool is_held(const struct store_hold *holds, size_t count, const char *template_sha)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(holds[i].template_sha, template_sha) == 0)
            return true;
    return false;
}

/* A version that somebody went back from may have been good for the recorder: not for them. */
static bool is_left(const struct revision *row)
{
    return row->status == REVISION_ROLLED_BACK || row->status == REVISION_ROLLING_BACK ||
           row->status == REVISION_CANCELLED;
}

int operate_good(struct operate *operate, struct arena *arena, const struct revision *before,
                 struct revision *ret_revision, struct err *reterr)
{
    struct store *store = operate->options.store;
    struct store_query query = {.project = before->project_id,
                                .before_seq = before->seq,
                                .status = -1,
                                .good = REVISION_GOOD_YES,
                                .brief = true,
                                .limit = ROWS_AT_ONCE};
    struct store_hold *holds;
    size_t hold_count = 0, count = 0;
    struct revision *rows;
    int rc =
        store_holds(store, arena, before->project_id, clock_unix_us(), &holds, &hold_count, reterr);
    *ret_revision = (struct revision){.id = 0};
    do {
        if (rc == 0)
            rc = store_revisions(store, arena, &query, &rows, &count, reterr);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < count; i++) {
            query.before_seq = rows[i].seq;
            if (!was_stored(&rows[i]) || is_left(&rows[i]) || rows[i].template_sha == NULL ||
                !matches(before->uid, rows[i].uid) ||
                matches(rows[i].template_sha, before->template_sha) ||
                is_held(holds, hold_count, rows[i].template_sha))
                continue;
            return store_revision(store, arena, rows[i].id, ret_revision, reterr);
        }
    } while (count == ROWS_AT_ONCE);
    return 0;
}
