/* The thread of operate's own: wishes, fingerprints, and what has not ended. */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "history/view.h"
#include "recorder/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_MS       500
#define IDLE_MS       3000
#define TRIES         20U
#define AGAIN_US      (INT64_C(5) * 1000000)
#define THREAD_BYTES  (256 * LIMIT_MIB)
#define TASKS_MAX     100000U
#define KEPT_BYTES    (256UL * 1024UL)
#define DUE_SOONER_US 1000

/* ---- The queue -------------------------------------------------------------------------- */

static void push(struct operate *operate, const struct operate_task *task)
{
    struct operate_task *copy = malloc(sizeof *copy);
    size_t count = 0;
    if (copy == NULL)
        return; /* a wish comes again at the next start, a fingerprint is missing */
    *copy = *task;
    copy->next = NULL;
    pthread_mutex_lock(&operate->lock);
    struct operate_task **at = &operate->tasks;
    for (; *at != NULL && count < TASKS_MAX; at = &(*at)->next)
        count++;
    if (*at == NULL)
        *at = copy;
    else
        free(copy);
    pthread_cond_signal(&operate->wake);
    pthread_mutex_unlock(&operate->lock);
}

void operate_push(struct operate *operate, enum operate_task_kind kind, int64_t project,
                  int64_t revision)
{
    push(operate, &(struct operate_task){.kind = kind, .project = project, .revision = revision});
}

void operate_wish(struct operate *operate, int64_t project, int64_t revision)
{
    operate_push(operate, OPERATE_WISH, project, revision);
}

void operate_fingerprint(struct operate *operate, int64_t revision)
{
    operate_push(operate, OPERATE_FINGERPRINT, 0, revision);
}

int operate_finish(struct operate *operate, struct err *reterr)
{
    (void)reterr;
    operate_push(operate, OPERATE_START, 0, 0);
    return 0;
}

/* The first that is due; under the lock. */
static bool take(struct operate *operate, int64_t now_us, struct operate_task *ret_task)
{
    for (struct operate_task **at = &operate->tasks; *at != NULL; at = &(*at)->next) {
        struct operate_task *task = *at;
        if (task->due_us > now_us)
            continue;
        *at = task->next;
        *ret_task = *task;
        free(task);
        return true;
    }
    return false;
}

static void wait_ms(struct operate *operate, long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&operate->wake, &operate->lock, &until);
}

/* ---- Fingerprints ----------------------------------------------------------------------- */

static int keep_frame(struct operate *operate, struct arena *arena, int64_t project,
                      const struct operate_live *live, struct err *reterr)
{
    struct store *store = operate->options.store;
    const char *json = operate_frame_of(arena, live->object);
    struct store_frame frame;
    struct err err;
    const int rc = store_frame_get(store, arena, project, &frame, &err);
    if (rc == 0 && operate_same(frame.uid, live->uid) && strcmp(frame.json, json) == 0)
        return 0;
    if (rc < 0 && rc != -ERR_NOT_FOUND) {
        *reterr = err;
        return rc;
    }
    frame = (struct store_frame){.uid = live->uid, .taken_at = clock_unix_us(), .json = json};
    return store_frame_set(store, project, &frame, reterr);
}

int operate_take_fingerprint(struct operate *operate, struct kube_client *client,
                             struct arena *arena, int64_t revision, struct err *reterr)
{
    struct store *store = operate->options.store;
    const char *namespace_ = operate->options.namespace_;
    struct store_project_row project;
    struct store_config_ref *refs;
    struct operate_live live = {.object = NULL};
    struct revision row;
    size_t count;
    int rc = store_revision(store, arena, revision, &row, reterr);
    if (rc == 0)
        rc = store_project_get(store, arena, row.project_id, &project, reterr);
    if (rc == 0)
        rc = operate_read(client, arena, namespace_, project.name, &live, reterr);
    if (rc < 0 || live.object == NULL)
        return rc;
    rc = keep_frame(operate, arena, project.id, &live, reterr);
    if (rc < 0 || !operate_same(row.template_sha, live.template_sha))
        return rc;
    rc = fingerprint_take(client, arena, namespace_,
                          json_path(live.object, "spec", "template", NULL),
                          operate->options.secrets, &refs, &count, reterr);
    return rc < 0 ? rc : store_config_refs_set(store, revision, refs, count, reterr);
}

/* ---- The work --------------------------------------------------------------------------- */

struct doing {
    struct operate *operate;
    struct kube_client *client;
    struct arena *arena;
    const struct operate_task *task; /* NULL: only look at what has not ended */
    size_t open;
    struct err err;
    int rc;
};

static void do_work(void *context)
{
    struct doing *doing = context;
    struct operate *operate = doing->operate;
    const struct operate_task *task = doing->task;
    if (task == NULL)
        doing->rc = operate_watch(operate, doing->client, doing->arena, &doing->open, &doing->err);
    else if (task->kind == OPERATE_WISH)
        doing->rc =
            operate_judge_wish(operate, doing->arena, task->project, task->revision, &doing->err);
    else if (task->kind == OPERATE_FINGERPRINT)
        doing->rc = operate_take_fingerprint(operate, doing->client, doing->arena, task->revision,
                                             &doing->err);
    else
        doing->rc = operate_find_wishes(operate, doing->arena, &doing->err);
}

static int work(struct doing *doing)
{
    struct arena arena;
    doing->rc = pool_take(doing->operate->pool, &doing->client, &doing->err);
    if (doing->rc < 0)
        return doing->rc;
    arena_init(&arena, THREAD_BYTES);
    arena_use(&arena);
    doing->arena = &arena;
    if (!arena_try(&arena, do_work, doing))
        doing->rc = err_set(&doing->err, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    pool_give(doing->operate->pool, doing->client, doing->rc);
    arena_use(NULL);
    arena_done(&arena);
    return doing->rc;
}

/* What cannot be done now is tried again: an API server or a database comes back. */
static bool is_worth_repeating(int rc)
{
    return rc == -ERR_UNREACHABLE || rc == -ERR_SERVER || rc == -ERR_BUSY || rc == -ERR_STORE ||
           rc == -ERR_ANSWER;
}

static void do_task(struct operate *operate, const struct operate_task *task)
{
    static const char *const names[] = {"wish", "fingerprint", "start"};
    struct doing doing = {.operate = operate, .task = task};
    if (work(&doing) == 0 || doing.rc == -ERR_NOT_FOUND)
        return;
    log_event(LOG_WARN, "what the recorder does by itself failed", "task", names[task->kind],
              "error", err_label(doing.rc), "text", doing.err.text, NULL);
    if (task->tries + 1 >= TRIES || !is_worth_repeating(doing.rc))
        return;
    struct operate_task again = *task;
    again.tries++;
    again.due_us = clock_monotonic_us() + AGAIN_US;
    push(operate, &again);
}

/* A follower's operations are its own calls; what nobody ends is the leader's. */
static size_t look(struct operate *operate)
{
    static struct log_limit limit;
    struct doing doing = {.operate = operate};
    if (!store_leads(operate->options.store))
        return 0;
    if (work(&doing) < 0 && log_allowed(&limit))
        log_event(LOG_WARN, "operations cannot be finished now", "error", err_label(doing.rc),
                  "text", doing.err.text, NULL);
    return doing.open;
}

static void *run(void *context)
{
    struct operate *operate = context;
    struct operate_task task;
    int64_t next_look_us = 0;
    pthread_mutex_lock(&operate->lock);
    while (!operate->stopping) {
        const int64_t now_us = clock_monotonic_us();
        if (take(operate, now_us, &task)) {
            pthread_mutex_unlock(&operate->lock);
            do_task(operate, &task);
            pthread_mutex_lock(&operate->lock);
        } else if (now_us >= next_look_us) {
            pthread_mutex_unlock(&operate->lock);
            const bool busy = look(operate) > 0;
            pthread_mutex_lock(&operate->lock);
            next_look_us = clock_monotonic_us() + (busy ? BUSY_MS : IDLE_MS) * INT64_C(1000);
        } else {
            wait_ms(operate, (next_look_us - now_us) / 1000 + 1);
        }
    }
    pthread_mutex_unlock(&operate->lock);
    return NULL;
}

int operate_thread_start(struct operate *operate, struct err *reterr)
{
    const int failed = pthread_create(&operate->thread, NULL, run, operate);
    return failed == 0 ? 0 : err_set(reterr, ERR_NO_MEMORY, "no thread for operations");
}

void operate_thread_stop(struct operate *operate)
{
    pthread_mutex_lock(&operate->lock);
    operate->stopping = true;
    pthread_cond_signal(&operate->wake);
    pthread_mutex_unlock(&operate->lock);
    pthread_join(operate->thread, NULL);
    while (operate->tasks != NULL) {
        struct operate_task *task = operate->tasks;
        operate->tasks = task->next;
        free(task);
    }
}
