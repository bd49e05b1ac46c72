#include "client/watch_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/answer.h"
#include "client/client_internal.h"
#include "client/say.h"
#include "client/stream.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TIMEOUT_SECONDS      300
#define SILENCE_SECONDS      150
#define PAGE_ITEMS           250L
#define FIRST_PAUSE_MS       200L
#define PAUSE_MS_MAX         30000L
#define RETRY_AFTER_MAX      60L
#define LIVED_US             1000000 /* a stream that long is not the server's haste */
#define STRIKES              3
#define PATIENCE_SECONDS     60
#define STUCK                2
#define LIST_FAILURES_PAGED  3
#define LIST_FAILURES_AT     8 /* without a connection: most of a minute */
#define LIST_FAILURES_SERVER 4 /* 500: it may be a version that the server will never have */
#define CALL_BYTES           (64 * LIMIT_MIB)
#define EVENT_BYTES          (128 * LIMIT_MIB)

const char *watch_event_name(enum watch_event event)
{
#define WATCH_NAME(constant, name) name,
    static const char *const names[] = {WATCH_EVENT_TABLE(WATCH_NAME)};
#undef WATCH_NAME
    return names[event];
}

/* ---- stopping and waiting --------------------------------------------------------------- */

static bool is_stopped(struct watch *watch)
{
    if (watch->options->stop != NULL && atomic_load(watch->options->stop))
        watch->ended = true;
    return watch->ended;
}

static void rest(struct watch *watch, long ms)
{
    const int64_t until_us = clock_monotonic_us() + ms * 1000;
    const struct timespec slice = {.tv_nsec = 50000000};
    while (!is_stopped(watch) && clock_monotonic_us() < until_us)
        nanosleep(&slice, NULL);
}

/* Doubles up to half a minute; a part of it by chance, so that many do not come back at once. */
static long next_pause_ms(struct watch *watch, long retry_after)
{
    uint32_t chance = 0;
    long ms = PAUSE_MS_MAX;
    if (watch->failures < 8 && FIRST_PAUSE_MS << watch->failures < PAUSE_MS_MAX)
        ms = FIRST_PAUSE_MS << watch->failures;
    watch->failures++;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != (ssize_t)sizeof chance)
        chance = 0;
    ms = ms / 2 + (long)(chance % (uint32_t)(ms / 2 + 1));
    if (retry_after > RETRY_AFTER_MAX)
        retry_after = RETRY_AFTER_MAX;
    return ms > retry_after * 1000 ? ms : retry_after * 1000;
}

/* ---- the callbacks of a stream ---------------------------------------------------------- */

static bool tick(void *context)
{
    struct watch *watch = context;
    const long silence =
        watch->options->silence_seconds > 0 ? watch->options->silence_seconds : SILENCE_SECONDS;
    if (is_stopped(watch))
        return false;
    if (clock_monotonic_us() - watch->heard_us < silence * 1000000LL)
        return true;
    watch->broken = watch->silent = true;
    err_set(&watch->why, ERR_UNREACHABLE, "nothing was heard for %ld seconds", silence);
    return false;
}

static bool stream_opened(void *context)
{
    struct watch *watch = context;
    const bool is_new = !watch->was_connected || watch->lost;
    if (watch->opened)
        return true;
    watch->opened = true;
    watch->opened_us = watch->heard_us = clock_monotonic_us();
    watch->strikes = 0;
    watch->was_connected = true;
    watch->lost = false;
    return !is_new || watch_tell(watch, WATCH_CONNECTED, NULL, false);
}

static bool take_events(void *context, const char *bytes, size_t count)
{
    struct watch *watch = context;
    watch->heard = true;
    /* The handler took its time; that was not the server's silence. */
    const bool goes_on = watch_take_events(watch, bytes, count);
    watch->heard_us = clock_monotonic_us();
    return goes_on && !is_stopped(watch);
}

static bool page_opened(void *context)
{
    struct watch *watch = context;
    watch->heard_us = clock_monotonic_us();
    return true;
}

static bool take_page_bytes(void *context, const char *bytes, size_t count)
{
    struct watch *watch = context;
    watch->heard_us = clock_monotonic_us();
    buf_add(&watch->text, bytes, count);
    watch->too_large = watch->text.failed;
    return !watch->too_large;
}

/* ---- one try ---------------------------------------------------------------------------- */

static void begin_try(struct watch *watch)
{
    arena_reset(&watch->call, LIMIT_MIB);
    watch_clear_text(watch);
    watch->skips = watch->too_large = watch->opened = watch->expired = watch->broken = false;
    watch->moved = watch->silent = watch->heard = watch->goes_well = false;
    watch->heard_us = clock_monotonic_us();
}

static char joint(const char *path)
{
    return strchr(path, '?') != NULL ? '&' : '?';
}

/* Reads it; with the error of a stream that a callback has cut. */
static int run_stream(struct watch *watch, struct stream *stream, struct err *reterr)
{
    struct err why;
    stream->distrust = watch->distrusts;
    stream->fresh = watch->failures > 0;
    stream->tick = tick;
    stream->context = watch;
    int rc = stream_read(watch->client, &watch->call, stream, &why);
    if (rc == 0 && watch->broken) {
        const struct answer_call names = {.arena = &watch->call,
                                          .server = watch->client->config->server,
                                          .method = "GET",
                                          .path = watch->options->path};
        rc = answer_fail(&names, &why, watch->why.code, watch->why.text);
    }
    watch->distrusts = rc == -ERR_UNAUTHORIZED;
    if (rc < 0)
        *reterr = why;
    return rc;
}

static int read_page(struct watch *watch, const char **token, bool first, long *ret_retry_after,
                     struct err *reterr)
{
    const char *path = watch->options->path;
    struct stream stream = {.opened = page_opened, .sink = take_page_bytes};
    if (watch->page_items > 0)
        path = arena_printf(&watch->call, "%s%climit=%ld", path, joint(path), watch->page_items);
    if (*token == NULL && watch->list_at != NULL)
        path = arena_printf(&watch->call, "%s%cresourceVersionMatch=Exact&resourceVersion=%s", path,
                            joint(path), client_path(&watch->call, "%s", watch->list_at));
    if (*token != NULL)
        path = arena_printf(&watch->call, "%s%ccontinue=%s", path, joint(path),
                            client_path(&watch->call, "%s", *token));
    stream.path = path;
    watch_clear_text(watch);
    const int rc = run_stream(watch, &stream, reterr);
    *ret_retry_after = stream.retry_after;
    if (rc < 0 || is_stopped(watch))
        return rc;
    if (watch->too_large)
        return err_set(reterr, ERR_ANSWER, "%s: a page of more than %lu MiB",
                       say_visible(&watch->call, watch->options->path, 140),
                       LIMIT_ANSWER_BYTES / LIMIT_MIB);
    if (watch_take_page(watch, first, token, reterr) < 0)
        return err_wrap(reterr, "%s", say_visible(&watch->call, watch->options->path, 140));
    return 0;
}

/* Too large a page: smaller ones.  A place that is always too old: all at once. */
static void choose_pages(struct watch *watch, int rc)
{
    if (watch->too_large)
        watch->page_items = watch->page_items > 8   ? watch->page_items / 8
                            : watch->page_items > 0 ? 1
                                                    : PAGE_ITEMS;
    else if (rc == -ERR_GONE && watch->failures >= LIST_FAILURES_PAGED)
        watch->page_items = 0;
}

/* The API server has that version no more, or never had it, or cannot tell: it is of now then. */
static void give_up_version(struct watch *watch, int rc)
{
    const bool hopeless = rc == -ERR_GONE || rc == -ERR_REFUSED || rc == -ERR_ANSWER;
    const unsigned tries = rc == -ERR_SERVER ? LIST_FAILURES_SERVER : LIST_FAILURES_AT;
    if (watch->list_at == NULL || (!hopeless && watch->failures < tries))
        return;
    watch->list_at = NULL;
    watch->gap = true;
}

static int list_once(struct watch *watch, long *ret_retry_after, struct err *reterr)
{
    const char *token = NULL;
    bool first = true;
    int rc;
    begin_try(watch);
    do {
        rc = read_page(watch, &token, first, ret_retry_after, reterr);
        first = false;
    } while (rc == 0 && !watch->ended && token != NULL);
    watch_clear_text(watch);
    if (rc < 0) {
        choose_pages(watch, rc);
        give_up_version(watch, rc);
    }
    if (rc < 0 || watch->ended)
        return rc;
    watch->list_at = NULL;
    arena_reset(&watch->event, LIMIT_MIB);
    if (watch_tell(watch, WATCH_LIST_ENDS, watch_version_object(watch), watch->gap))
        watch->gap = false;
    return 0;
}

/* 500, and not that some proxy has no API server: so a version that is none is answered. */
static bool is_internal(const cJSON *status)
{
    int64_t code;
    return json_int64(json_get(status, "code"), &code) && code == 500;
}

/* What the stream was like, for what comes next. */
static void judge_stream(struct watch *watch, int rc, const cJSON *status)
{
    const bool lived = watch->opened && clock_monotonic_us() - watch->opened_us >= LIVED_US;
    if (watch->moved || rc == 0)
        watch->stuck = 0;
    else if ((watch->broken && !(watch->silent && watch->heard)) || is_internal(status))
        watch->stuck++;
    if (watch->stuck >= STUCK)
        watch->expired = true;
    if (watch->moved || lived)
        watch->failures = 0;
    watch->goes_well = watch->moved || lived;
}

static int watch_once(struct watch *watch, long *ret_retry_after, struct err *reterr)
{
    const char *path = watch->options->path;
    const long seconds =
        watch->options->timeout_seconds > 0 ? watch->options->timeout_seconds : TIMEOUT_SECONDS;
    struct stream stream = {.opened = stream_opened, .sink = take_events};
    begin_try(watch);
    stream.path = arena_printf(
        &watch->call, "%s%cwatch=1&allowWatchBookmarks=true&timeoutSeconds=%ld&resourceVersion=%s",
        path, joint(path), seconds, client_path(&watch->call, "%s", watch->version));
    const int rc = run_stream(watch, &stream, reterr);
    *ret_retry_after = stream.retry_after;
    /* A version that is refused may be one of another server. */
    if (rc == -ERR_GONE || rc == -ERR_REFUSED || watch_is_expired(stream.status))
        watch->expired = true;
    judge_stream(watch, rc, stream.status);
    return rc;
}

/* ---- for ever --------------------------------------------------------------------------- */

static bool is_lasting(int rc)
{
    return rc == -ERR_UNAUTHORIZED || rc == -ERR_FORBIDDEN || rc == -ERR_NOT_FOUND ||
           rc == -ERR_REFUSED || rc == -ERR_KUBECONFIG;
}

/* Whether an error is one that time does not mend, and has had its time. */
static bool gives_up(struct watch *watch, int rc)
{
    const long patience =
        watch->options->patience_seconds > 0 ? watch->options->patience_seconds : PATIENCE_SECONDS;
    if (!is_lasting(rc))
        return false;
    if (watch->strikes++ == 0)
        watch->first_strike_us = clock_monotonic_us();
    return watch->strikes >= STRIKES &&
           clock_monotonic_us() - watch->first_strike_us >= patience * 1000000LL;
}

static void tell_lost(struct watch *watch, const struct err *err)
{
    if (watch->lost)
        return;
    watch->lost = true;
    arena_reset(&watch->event, LIMIT_MIB);
    cJSON *object = json_new_object(&watch->event);
    json_add(&watch->event, object, "message", json_new_string(&watch->event, err->text));
    (void)watch_tell(watch, WATCH_LOST, object, false);
}

/* The watch after a list, the next stream after a good one, the list after a first 410. */
static bool goes_on_at_once(struct watch *watch, bool listed, int rc, bool expired)
{
    if (listed)
        return rc == 0;
    if (watch->goes_well)
        return rc == 0 || expired;
    if (!expired || watch->failures > 0)
        return false;
    watch->failures = 1;
    return true;
}

/* One try and what follows from it.  < 0: time does not mend it. */
static int go_on(struct watch *watch, struct err *reterr)
{
    const bool lists = watch->version[0] == '\0';
    long retry_after = 0;
    struct err err;
    const int rc =
        lists ? list_once(watch, &retry_after, &err) : watch_once(watch, &retry_after, &err);
    if (is_stopped(watch))
        return 0;
    if (gives_up(watch, rc)) {
        *reterr = err;
        return rc;
    }
    const bool expired = !lists && watch->expired;
    if (expired) {
        watch->version[0] = '\0';
        watch->gap = true;
        watch->stuck = 0;
    } else if (rc < 0) {
        tell_lost(watch, &err);
    }
    if (!watch->ended && !goes_on_at_once(watch, lists, rc, expired))
        rest(watch, next_pause_ms(watch, retry_after));
    return 0;
}

int watch_run(struct kube_client *client, const struct watch_options *options,
              watch_handler *handler, void *context, struct err *reterr)
{
    struct watch watch = {.client = client,
                          .options = options,
                          .handler = handler,
                          .context = context,
                          .list_at = options->list_at,
                          .page_items = PAGE_ITEMS};
    int rc = 0;
    arena_init(&watch.call, CALL_BYTES);
    arena_init(&watch.event, EVENT_BYTES);
    buf_init(&watch.text, NULL, LIMIT_ANSWER_BYTES);
    if (options->since != NULL && strlen(options->since) < sizeof watch.version)
        memcpy(watch.version, options->since, strlen(options->since) + 1);
    while (rc == 0 && !is_stopped(&watch))
        rc = go_on(&watch, reterr);
    buf_done(&watch.text);
    arena_done(&watch.event);
    arena_done(&watch.call);
    return rc < 0 ? rc : watch.ended_by;
}
