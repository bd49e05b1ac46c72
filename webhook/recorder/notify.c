#include "recorder/notify.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "recorder/metrics.h"
#include "recorder/notify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SECOND_US      1000000LL
#define RETRY_US       SECOND_US
#define PAUSE_MOST_US  (600 * SECOND_US)
#define GIVE_UP_US     (24 * 3600 * SECOND_US)
#define GIVE_UP_TRIES  10 /* at least, also if the recorder was away for days */
#define SILENT_MOST_US (30 * SECOND_US)
#define LOOK_US        (5 * SECOND_US) /* letters come without a wake too: another replica's */
#define CALL_MS        15000L
#define LETTERS        4U
/* Of four letters with 4 MiB of details each, and what is made of them. */
#define ARENA_BYTES (96 * LIMIT_MIB)

int64_t notify_pause_us(int64_t first_us, int64_t tries, uint32_t random)
{
    int64_t pause = first_us;
    for (int64_t i = 1; i < tries && pause < PAUSE_MOST_US; i++)
        pause *= 2;
    if (pause > PAUSE_MOST_US)
        pause = PAUSE_MOST_US;
    return pause + (int64_t)(random % 1000) * (pause / 5) / 1000;
}

const char *notify_letter_name(struct arena *arena, const struct store_letter *letter)
{
    return arena_printf(arena, "%llx-%lld", (unsigned long long)letter->created_at,
                        (long long)letter->id);
}

static uint32_t any_bits(void)
{
    uint32_t bits = 0;
    /* Jitter may be missing: nothing hangs on it. */
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
        return 0;
    return bits;
}

/* ---- one letter ------------------------------------------------------------------------- */

static void look_again_at(struct notify_sink *sink, int64_t at_us)
{
    if (at_us < sink->next_us)
        sink->next_us = at_us;
}

static void tell(const struct notify_sink *sink, enum log_level level, const char *what,
                 const struct store_letter *letter, const char *why)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)letter->id);
    log_event(level, what, "sink", sink->name, "letter", number, "error", why, NULL);
}

/* The store's own failure: the letter is due again when its lease ends. */
static void check_store(const struct notify_sink *sink, int rc, const struct err *err)
{
    static struct log_limit limit;
    if (rc < 0 && log_allowed(&limit))
        log_event(LOG_WARN, "the outbox cannot be written", "sink", sink->name, "error", err->text,
                  NULL);
}

static void finish(struct notify_sink *sink, const struct store_letter *letter)
{
    struct err err;
    check_store(sink, store_outbox_done(sink->notify->options.store, letter->id, &err), &err);
}

static void put_off(struct notify_sink *sink, const struct store_letter *letter, int64_t at_us)
{
    struct err err;
    check_store(sink, store_outbox_retry(sink->notify->options.store, letter->id, at_us, &err),
                &err);
    look_again_at(sink, at_us);
}

static bool is_given_up(const struct notify_sink *sink, const struct store_letter *letter)
{
    return letter->attempts >= GIVE_UP_TRIES &&
           clock_unix_us() - letter->created_at >= sink->notify->options.give_up_us;
}

static void on_delivered(struct notify_sink *sink, const struct store_letter *letter)
{
    if (sink->failures > 0)
        log_event(LOG_INFO, "letters are delivered again", "sink", sink->name, NULL);
    sink->failures = 0;
    metrics_add(METRICS_LETTERS_DELIVERED, 1);
    finish(sink, letter);
}

static void on_failed(struct notify_sink *sink, const struct store_letter *letter,
                      enum notify_outcome outcome, const char *why)
{
    if (outcome == NOTIFY_HOPELESS || is_given_up(sink, letter)) {
        tell(sink, LOG_ERROR, "a letter was given up", letter, why);
        metrics_add(METRICS_LETTERS_DROPPED, 1);
        finish(sink, letter);
        return;
    }
    /* The first of a row stands in the log; the metrics count all. */
    if (sink->failures++ == 0)
        tell(sink, LOG_WARN, "a letter could not be delivered and is tried again", letter, why);
    metrics_add(METRICS_LETTERS_RETRIED, 1);
    put_off(sink, letter,
            clock_unix_us() +
                notify_pause_us(sink->notify->options.retry_us, letter->attempts, any_bits()));
}

/* False: the others are not worth trying now. */
static bool deliver(struct notify_sink *sink, struct arena *arena,
                    const struct store_letter *letter)
{
    struct err why = {.text = ""};
    const enum notify_outcome outcome = sink->deliver(sink, arena, letter, &why);
    if (outcome == NOTIFY_DELIVERED)
        on_delivered(sink, letter);
    else
        on_failed(sink, letter, outcome, why.text);
    return outcome != NOTIFY_SILENT;
}

/* ---- one look into the outbox ----------------------------------------------------------- */

struct turn {
    struct notify_sink *sink;
    struct arena arena;
    size_t taken;
    bool silent;
};

static void take_turn(void *context)
{
    struct turn *turn = context;
    struct notify_sink *sink = turn->sink;
    const struct notify_options *options = &sink->notify->options;
    const int64_t now = clock_unix_us();
    /* A lease that ends while its last letter is on its way would send it twice. */
    const int64_t lease = now + (int64_t)(LETTERS + 1) * options->call_ms * 1000;
    struct store_letter *letters;
    struct err err;
    const int rc = store_outbox_take(options->store, &turn->arena, sink->name, now, lease, LETTERS,
                                     &letters, &turn->taken, &err);
    if (rc < 0) {
        check_store(sink, rc, &err);
        return;
    }
    for (size_t i = 0; i < turn->taken; i++) {
        if (turn->silent || atomic_load(&sink->notify->stop))
            put_off(sink, &letters[i], clock_unix_us());
        else
            turn->silent = !deliver(sink, &turn->arena, &letters[i]);
    }
}

/* While something fails, what is put off by others (or by an earlier look) is near. */
static int64_t look_pause_us(const struct notify_sink *sink, int64_t most_us)
{
    const int64_t pause = sink->failures > 0
                              ? notify_pause_us(sink->notify->options.retry_us, sink->failures, 0)
                              : most_us;
    return pause < most_us ? pause : most_us;
}

/* When to look again. */
static int64_t look(struct notify_sink *sink)
{
    struct turn turn = {.sink = sink};
    sink->next_us = INT64_MAX;
    arena_init(&turn.arena, ARENA_BYTES);
    if (!arena_try(&turn.arena, take_turn, &turn))
        log_event(LOG_ERROR, "a letter is too large to be delivered", "sink", sink->name, NULL);
    arena_done(&turn.arena);
    const int64_t now = clock_unix_us();
    if (turn.silent)
        return now + look_pause_us(sink, SILENT_MOST_US);
    if (turn.taken == LETTERS)
        return now;
    look_again_at(sink, now + look_pause_us(sink, LOOK_US));
    return sink->next_us;
}

/* ---- the threads ------------------------------------------------------------------------ */

static struct timespec from_now(int64_t us)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += us / SECOND_US;
    at.tv_nsec += us % SECOND_US * 1000;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* Until then, or until somebody wakes it; what is down is not asked earlier for a new letter. */
static void rest(struct notify_sink *sink, unsigned seen, int64_t until_us)
{
    struct notify *notify = sink->notify;
    int64_t left = until_us - clock_unix_us();
    /* A clock that was set back must not make it sleep on. */
    if (left > PAUSE_MOST_US)
        left = PAUSE_MOST_US;
    const struct timespec until = from_now(left > 0 ? left : 0);
    int rc = 0;
    pthread_mutex_lock(&notify->lock);
    while (!atomic_load(&notify->stop) && rc == 0 && (sink->wakes == seen || sink->failures > 0))
        rc = pthread_cond_timedwait(&notify->wake, &notify->lock, &until);
    pthread_mutex_unlock(&notify->lock);
}

static unsigned wakes_of(struct notify_sink *sink)
{
    pthread_mutex_lock(&sink->notify->lock);
    const unsigned wakes = sink->wakes;
    pthread_mutex_unlock(&sink->notify->lock);
    return wakes;
}

static void *run(void *context)
{
    struct notify_sink *sink = context;
    while (!atomic_load(&sink->notify->stop)) {
        const unsigned seen = wakes_of(sink);
        rest(sink, seen, look(sink));
    }
    return NULL;
}

void notify_wake(struct notify *notify)
{
    if (notify == NULL)
        return;
    pthread_mutex_lock(&notify->lock);
    for (size_t i = 0; i < notify->sink_count; i++)
        notify->sinks[i].wakes++;
    pthread_cond_broadcast(&notify->wake);
    pthread_mutex_unlock(&notify->lock);
}

/* ---- beginning and end ------------------------------------------------------------------ */

static struct notify *new_notify(const struct notify_options *options)
{
    pthread_condattr_t monotonic;
    struct notify *notify = calloc(1, sizeof *notify);
    if (notify == NULL)
        return NULL;
    notify->options = *options;
    if (notify->options.retry_us <= 0)
        notify->options.retry_us = RETRY_US;
    if (notify->options.give_up_us <= 0)
        notify->options.give_up_us = GIVE_UP_US;
    if (notify->options.call_ms <= 0)
        notify->options.call_ms = CALL_MS;
    arena_init(&notify->arena, 4 * LIMIT_MIB);
    atomic_init(&notify->stop, false);
    pthread_mutex_init(&notify->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&notify->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return notify;
}

static int open_sinks(struct notify *notify, struct err *reterr)
{
    int rc = 0;
    if (notify->options.url != NULL) {
        struct notify_sink *sink = &notify->sinks[notify->sink_count++];
        *sink = (struct notify_sink){
            .notify = notify, .name = NOTIFY_SINK_WEBHOOK, .deliver = notify_webhook_deliver};
        rc = notify_webhook_open(notify, sink, reterr);
    }
    if (rc == 0 && notify->options.kube != NULL) {
        struct notify_sink *sink = &notify->sinks[notify->sink_count++];
        *sink = (struct notify_sink){
            .notify = notify, .name = NOTIFY_SINK_KUBERNETES, .deliver = notify_events_deliver};
        rc = notify_events_open(notify, sink, reterr);
    }
    for (size_t i = 0; rc == 0 && i < notify->sink_count; i++) {
        if (pthread_create(&notify->sinks[i].thread, NULL, run, &notify->sinks[i]) != 0)
            rc = err_set(reterr, ERR_NO_MEMORY, "no thread can be started");
        else
            notify->sinks[i].started = true;
    }
    return rc;
}

int notify_start(const struct notify_options *options, struct notify **ret_notify,
                 struct err *reterr)
{
    struct notify *notify = new_notify(options);
    if (notify == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    const int rc = open_sinks(notify, reterr);
    if (rc < 0)
        notify_stop(notify);
    else
        *ret_notify = notify;
    return rc;
}

void notify_stop(struct notify *notify)
{
    if (notify == NULL)
        return;
    pthread_mutex_lock(&notify->lock);
    atomic_store(&notify->stop, true);
    pthread_cond_broadcast(&notify->wake);
    pthread_mutex_unlock(&notify->lock);
    for (size_t i = 0; i < notify->sink_count; i++) {
        if (notify->sinks[i].started)
            pthread_join(notify->sinks[i].thread, NULL);
        http_free(notify->sinks[i].http);
        client_free(notify->sinks[i].client);
    }
    pthread_cond_destroy(&notify->wake);
    pthread_mutex_destroy(&notify->lock);
    arena_done(&notify->arena);
    free(notify);
}
