/* Server-sent events (WHATWG HTML, 9.2): one thread feeds all streams.
 *
 * A stream holds no thread: its connection sleeps until the hub has bytes for it.  The hub looks
 * when it is pulsed, and every POLL_US at those whose project this process has written since
 * (store_written); at all of them if another replica has written anything (store_stamp).  What only
 * time changes, the end of a hold, is told with the heartbeat.
 * A stream's place is the id of the last event that it sent, so nothing is lost or told twice, and
 * Last-Event-ID goes on from there.  Versions have no id: their newest state is told when it
 * changed, and again to whoever comes back.
 *
 * Rights end while a stream lives: each is asked about again, every recheck_us,
 * by a worker.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "recorder/api_internal.h"
#include "recorder/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_US      1000000LL
#define HEARTBEAT_US 15000000LL
#define RECHECK_US   20000000LL
/* What waits for one reader: past WAITING_BYTES nothing is added until it has read. */
#define FLOW_BYTES     (512UL * 1024UL)
#define WAITING_BYTES  (32UL * 1024UL)
#define SLOW_US        20000LL
#define EVENTS_AT_ONCE 100U
#define VERSIONS       8U
#define NOT_FED        UINT64_MAX
#define STREAM_BYTES   (1024UL * 1024UL) /* who it is, and of what */
#define FIRST_BYTES    1024UL
#define STREAMS_OF_ONE 20U

struct seen {
    int64_t id;
    char digest[DIGEST_HEX_BYTES];
};

struct stream {
    struct api_flow flow; /* first */
    struct stream *next;
    struct api_job recheck;
    struct caller caller; /* in arena, as the project */
    struct arena arena;
    struct store_project_row project;
    char *authorization;
    int64_t after, told_at, checked_at;
    uint64_t written; /* store_written, before it was fed */
    struct seen seen[VERSIONS];
    size_t next_seen;
    bool greeted;
    bool checking, pulsed, over; /* under the hub's lock */
};

struct api_hub {
    struct api *api;
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    struct stream *first;
    size_t count;
    int64_t stamp; /* store_stamp at the last poll */
    bool stop, started, pulsed;
    bool slow; /* somebody has not read yet what would go on */
};

static void release(struct api_flow *flow)
{
    struct stream *stream = (struct stream *)(void *)flow;
    if (stream->authorization != NULL)
        explicit_bzero(stream->authorization, strlen(stream->authorization));
    free(stream->authorization);
    arena_done(&stream->arena);
    free(stream);
}

/* ---- What is told ----------------------------------------------------------------------- */

struct telling {
    struct api *api;
    struct stream *stream;
    struct arena *arena;
    struct buf out; /* on the heap */
    bool more;
    int code;
    struct err err;
};

static void tell_events(struct telling *telling)
{
    struct stream *stream = telling->stream;
    const struct store_event_query query = {
        .project = stream->project.id, .after_id = stream->after, .limit = EVENTS_AT_ONCE};
    struct store_event *rows;
    size_t count = 0;
    telling->code = store_events(telling->api->options.store, telling->arena, &query, &rows, &count,
                                 &telling->err);
    for (size_t i = 0; telling->code == 0 && i < count; i++) {
        stream->after = rows[i].id;
        if (strcmp(rows[i].type, STORE_KUBERNETES_EVENT) == 0)
            continue;
        buf_printf(&telling->out, "id: %lld\nevent: ", (long long)rows[i].id);
        buf_add_visible(&telling->out, rows[i].type, 64);
        buf_add_string(&telling->out, "\ndata: ");
        api_write_event(telling->arena, &telling->out, stream->project.name, &rows[i]);
        buf_add_string(&telling->out, "\n\n");
    }
    telling->more = count == EVENTS_AT_ONCE;
}

/* Whether that version was last told with other words, or never; and that it is told now. */
static bool is_news(struct stream *stream, int64_t id, const char *digest)
{
    size_t i = 0;
    while (i < VERSIONS && stream->seen[i].id != id)
        i++;
    if (i < VERSIONS && strcmp(stream->seen[i].digest, digest) == 0)
        return false;
    if (i == VERSIONS)
        i = stream->next_seen++ % VERSIONS;
    stream->seen[i].id = id;
    memcpy(stream->seen[i].digest, digest, DIGEST_HEX_BYTES);
    return true;
}

static void tell_version(struct telling *telling, const struct api_shape *shape,
                         const struct revision *row)
{
    struct buf text;
    char digest[DIGEST_HEX_BYTES];
    buf_init(&text, telling->arena, 1024UL * 1024UL);
    telling->code =
        api_write_deployment(telling->api, telling->arena, &text, shape, row, &telling->err);
    if (telling->code != 0 || text.failed || !digest_sha256(text.data, text.length, digest) ||
        !is_news(telling->stream, row->id, digest))
        return;
    /* Who comes is told what is live and what is under way, not what was before. */
    if (!telling->stream->greeted && row->id != shape->current && revision_ended(row->status))
        return;
    buf_add_strings(&telling->out, "event: deployment\ndata: ", text.data, "\n\n", NULL);
}

/* The newest versions, the older first. */
static void tell_versions(struct telling *telling)
{
    struct stream *stream = telling->stream;
    const struct store_query query = {
        .project = stream->project.id, .status = -1, .good = -1, .brief = true, .limit = 4};
    struct api_shape shape;
    struct revision *rows;
    size_t count = 0;
    telling->code =
        api_shape_read(telling->api, telling->arena, &stream->project, &shape, NULL, &telling->err);
    if (telling->code == 0)
        telling->code = store_revisions(telling->api->options.store, telling->arena, &query, &rows,
                                        &count, &telling->err);
    for (size_t i = count; telling->code == 0 && i > 0; i--)
        tell_version(telling, &shape, &rows[i - 1]);
    stream->greeted = stream->greeted || telling->code == 0;
}

static void tell_all(void *context)
{
    struct telling *telling = context;
    tell_events(telling);
    if (telling->code == 0 && !telling->more)
        tell_versions(telling);
}

enum fed { FED_OVER, FED_ALL, FED_SOME };

/* One batch.  A store that fails now is asked again at the next turn, from where the stream is. */
static enum fed feed_once(struct api_hub *hub, struct stream *stream, struct arena *arena,
                          int64_t now)
{
    struct telling telling = {.api = hub->api, .stream = stream, .arena = arena};
    const uint64_t written = store_written(hub->api->options.store, stream->project.id);
    bool wanted;
    buf_init(&telling.out, NULL, FLOW_BYTES);
    /* What was half written is not sent: the client comes again from its last event. */
    wanted = arena_try(arena, tell_all, &telling) && !telling.out.failed;
    arena_reset(arena, 256UL * 1024UL);
    stream->written = telling.code == 0 ? written : NOT_FED;
    if (telling.out.length == 0 && now - stream->told_at >= HEARTBEAT_US)
        buf_add_string(&telling.out, ": still here\n\n");
    if (telling.out.length > 0)
        stream->told_at = now;
    wanted = wanted && api_flow_put(&stream->flow, telling.out.data, telling.out.length, false);
    buf_done(&telling.out);
    return !wanted ? FED_OVER : telling.more && telling.code == 0 ? FED_SOME : FED_ALL;
}

static enum fed feed(struct api_hub *hub, struct stream *stream, struct arena *arena, int64_t now)
{
    enum fed fed = FED_SOME;
    while (fed == FED_SOME && api_flow_waiting(&stream->flow) < WAITING_BYTES)
        fed = feed_once(hub, stream, arena, now);
    return fed;
}

/* ---- Rights ----------------------------------------------------------------------------- */

struct recheck {
    struct stream *stream;
    struct arena *arena;
    int code;
    struct err err;
};

static void ask_again(void *context)
{
    struct recheck *recheck = context;
    struct stream *stream = recheck->stream;
    struct access *access = stream->flow.api->options.access;
    struct caller caller = stream->caller;
    recheck->code = 0;
    if (stream->authorization != NULL)
        recheck->code = access_authenticate(access, recheck->arena, stream->authorization, &caller,
                                            &recheck->err);
    if (recheck->code == 0)
        recheck->code = access_authorize(access, recheck->arena, &caller, ACCESS_READ,
                                         stream->project.name, &recheck->err);
}

static void run_recheck(struct api_job *job, struct arena *scratch)
{
    struct stream *stream =
        (struct stream *)(void *)((char *)job - offsetof(struct stream, recheck));
    struct api *api = stream->flow.api;
    struct recheck recheck = {.stream = stream, .arena = scratch};
    static const char goodbye[] = "event: end\ndata: {\"reason\":\"Unauthorized\"}\n\n";
    if (!arena_try(scratch, ask_again, &recheck))
        recheck.code = 0;
    const bool lost = recheck.code == -(int)ERR_UNAUTHORIZED || recheck.code == -(int)ERR_FORBIDDEN;
    if (lost && !api_flow_put(&stream->flow, goodbye, sizeof goodbye - 1, true))
        api_flow_end(&stream->flow, true);
    pthread_mutex_lock(&api->hub->lock);
    stream->checking = false;
    stream->over = stream->over || lost;
    pthread_mutex_unlock(&api->hub->lock);
    api_flow_unref(&stream->flow);
    api_release(api);
}

static void begin_recheck(struct api_hub *hub, struct stream *stream, int64_t now)
{
    if (now - stream->checked_at < hub->api->options.recheck_us || stream->checking ||
        !api_reserve(hub->api, true))
        return;
    stream->checking = true;
    stream->checked_at = now;
    stream->recheck.run = run_recheck;
    atomic_fetch_add(&stream->flow.references, 1);
    api_submit(hub->api, &stream->recheck);
}

/* ---- The hub ---------------------------------------------------------------------------- */

static void wait_for_news(struct api_hub *hub)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t at = until.tv_nsec + (hub->slow ? SLOW_US : POLL_US) * 1000;
    until.tv_sec += at / 1000000000;
    until.tv_nsec = at % 1000000000;
    int r = 0;
    while (!hub->stop && !hub->pulsed && r == 0)
        r = pthread_cond_timedwait(&hub->news, &hub->lock, &until);
}

enum look { LOOK_PULSED, LOOK_WRITTEN, LOOK_ALL };

/* What a poll looks at.  A store that does not answer is asked again at the next one. */
static enum look look_at(struct api_hub *hub)
{
    int64_t stamp;
    if (store_stamp(hub->api->options.store, &stamp, NULL) != 0 || stamp == hub->stamp)
        return LOOK_WRITTEN;
    hub->stamp = stamp;
    return LOOK_ALL;
}

static bool is_due(const struct api_hub *hub, const struct stream *stream, enum look look,
                   int64_t now)
{
    return stream->pulsed || look == LOOK_ALL ||
           (look == LOOK_WRITTEN &&
            (now - stream->told_at >= HEARTBEAT_US ||
             stream->written != store_written(hub->api->options.store, stream->project.id)));
}

/* Under the lock, which is let go while a stream is fed: only this thread takes streams out, and
 * new ones are put in front. */
static void feed_all(struct api_hub *hub, struct arena *arena, enum look look)
{
    const int64_t now = clock_monotonic_us();
    struct stream **at = &hub->first;
    while (*at != NULL && !hub->stop) {
        struct stream *stream = *at;
        const bool due = is_due(hub, stream, look, now);
        stream->pulsed = false;
        begin_recheck(hub, stream, now);
        bool wanted = !stream->over;
        if (wanted && due) {
            pthread_mutex_unlock(&hub->lock);
            const enum fed fed = feed(hub, stream, arena, now);
            pthread_mutex_lock(&hub->lock);
            wanted = fed != FED_OVER;
            stream->pulsed = stream->pulsed || fed == FED_SOME;
            hub->slow = hub->slow || fed == FED_SOME;
        }
        if (wanted) {
            at = &stream->next;
            continue;
        }
        for (at = &hub->first; *at != stream;) /* it may have got one before it */
            at = &(*at)->next;
        *at = stream->next;
        metrics_set(METRICS_STREAMS, (int64_t)--hub->count);
        api_flow_end(&stream->flow, true);
        api_flow_unref(&stream->flow);
    }
}

static void *run_hub(void *context)
{
    struct api_hub *hub = context;
    struct arena arena;
    int64_t all_at = 0;
    arena_init(&arena, API_SCRATCH_BYTES);
    pthread_mutex_lock(&hub->lock);
    while (!hub->stop) {
        wait_for_news(hub);
        hub->pulsed = false;
        hub->slow = false;
        const int64_t now = clock_monotonic_us();
        enum look look = LOOK_PULSED;
        if (now - all_at >= POLL_US) {
            all_at = now;
            pthread_mutex_unlock(&hub->lock);
            look = look_at(hub);
            pthread_mutex_lock(&hub->lock);
        }
        feed_all(hub, &arena, look);
    }
    pthread_mutex_unlock(&hub->lock);
    arena_done(&arena);
    return NULL;
}

int api_hub_start(struct api *api, struct err *reterr)
{
    struct api_hub *hub = calloc(1, sizeof *hub);
    pthread_condattr_t monotonic;
    if (hub == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for the API's streams");
    hub->api = api;
    pthread_mutex_init(&hub->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    hub->started = pthread_create(&hub->thread, NULL, run_hub, hub) == 0;
    api->hub = hub;
    return hub->started ? 0 : err_set(reterr, ERR_NO_MEMORY, "no thread for the API's streams");
}

void api_hub_pulse(struct api *api, int64_t project)
{
    struct api_hub *hub = api->hub;
    pthread_mutex_lock(&hub->lock);
    for (struct stream *at = hub->first; at != NULL; at = at->next) {
        if (at->project.id == project) {
            at->pulsed = true;
            hub->pulsed = true;
        }
    }
    if (hub->pulsed)
        pthread_cond_signal(&hub->news);
    pthread_mutex_unlock(&hub->lock);
}

void api_hub_stop(struct api *api)
{
    static const char come_again[] = "retry: 1000\n: stopping, come again\n\n";
    struct api_hub *hub = api->hub;
    if (hub == NULL || hub->stop)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->stop = true;
    pthread_cond_signal(&hub->news);
    pthread_mutex_unlock(&hub->lock);
    if (hub->started)
        pthread_join(hub->thread, NULL);
    pthread_mutex_lock(&hub->lock);
    while (hub->first != NULL) {
        struct stream *stream = hub->first;
        hub->first = stream->next;
        if (!api_flow_put(&stream->flow, come_again, sizeof come_again - 1, true))
            api_flow_end(&stream->flow, true);
        api_flow_unref(&stream->flow);
    }
    pthread_mutex_unlock(&hub->lock);
}

void api_hub_free(struct api *api)
{
    if (api->hub == NULL)
        return;
    pthread_mutex_destroy(&api->hub->lock);
    pthread_cond_destroy(&api->hub->news);
    free(api->hub);
}

/* ---- The call --------------------------------------------------------------------------- */

static bool find_start(struct api_call *call, int64_t *ret_after)
{
    const bool resumed = call->last_event_id != NULL && call->last_event_id[0] != '\0';
    *ret_after = api_query_number(call, "after", -1);
    if (resumed && !api_parse_number(call->last_event_id, 0, ret_after)) {
        api_cause(call, "Last-Event-ID", "FieldValueInvalid", "must be the id of an event");
        return api_problem_none(call, "The stream cannot go on from there.");
    }
    if (*ret_after >= 0)
        return true;
    const int r =
        store_event_last(call->api->options.store, call->project.id, ret_after, &call->err);
    if (r != 0)
        api_fail(call, r);
    return r == 0;
}

struct copy {
    struct stream *stream;
    const struct api_call *call;
};

static void run_copy(void *context)
{
    struct copy *copy = context;
    struct arena *arena = &copy->stream->arena;
    const struct api_call *call = copy->call;
    copy->stream->caller = api_caller_copy(arena, &call->caller);
    copy->stream->project =
        (struct store_project_row){.id = call->project.id,
                                   .namespace_ = arena_strdup(arena, call->project.namespace_),
                                   .name = arena_strdup(arena, call->project.name)};
}

static struct stream *new_stream(struct api_call *call, int64_t after)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    arena_init_small(&stream->arena, STREAM_BYTES, FIRST_BYTES);
    api_flow_init(&stream->flow, call, FLOW_BYTES, 2);
    stream->flow.released = release;
    stream->after = after;
    stream->pulsed = true;
    stream->told_at = stream->checked_at = clock_monotonic_us();
    if (call->authorization != NULL)
        stream->authorization = strdup(call->authorization);
    if ((call->authorization == NULL) != (stream->authorization == NULL) ||
        !arena_try(&stream->arena, run_copy, &(struct copy){stream, call})) {
        api_flow_unref(&stream->flow);
        api_flow_unref(&stream->flow);
        return NULL;
    }
    return stream;
}

/* Under the lock.  What is wrong; NULL: it has a place. */
static const char *refuse(const struct api_hub *hub, const char *user)
{
    size_t own = 0;
    if (hub->stop)
        return "This recorder is stopping; try again in a moment.";
    if (hub->count >= hub->api->streams_most)
        return "This recorder has as many streams as it takes; try again later, or ask for events.";
    for (const struct stream *at = hub->first; at != NULL; at = at->next)
        own += strcmp(at->caller.user, user) == 0;
    return own >= STREAMS_OF_ONE ? "You have as many streams as one user may have; end one." : NULL;
}

void api_get_stream(struct api_call *call)
{
    struct api_hub *hub = call->api->hub;
    int64_t after;
    if (!find_start(call, &after))
        return;
    call->media = "text/event-stream";
    if (call->is_head)
        return;
    struct stream *stream = new_stream(call, after);
    if (stream == NULL) {
        api_fail(call, err_set(&call->err, ERR_NO_MEMORY, "out of memory"));
        return;
    }
    /* At once, so that who reads it knows that it has begun, and where: a connection that breaks
     * before the first event goes on from there too. */
    char hello[64];
    const int length = snprintf(hello, sizeof hello, "retry: 2000\nid: %lld\n\n", (long long)after);
    (void)!api_flow_put(&stream->flow, hello, (size_t)length, false);
    pthread_mutex_lock(&hub->lock);
    const char *refused = refuse(hub, call->caller.user);
    if (refused == NULL) {
        stream->next = hub->first;
        hub->first = stream;
        metrics_set(METRICS_STREAMS, (int64_t)++hub->count);
        hub->pulsed = true;
        pthread_cond_signal(&hub->news);
        call->flow = &stream->flow;
    }
    pthread_mutex_unlock(&hub->lock);
    if (refused == NULL)
        return;
    api_flow_unref(&stream->flow);
    api_flow_unref(&stream->flow);
    call->retry_after = 30;
    api_problem(call, 503, "TooManyStreams", refused);
}
