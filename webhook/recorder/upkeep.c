#include "recorder/upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "recorder/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_SECONDS   5
#define DAY_SECONDS    86400
#define HOUR_SECONDS   3600
#define MINUTE_SECONDS 60
#define NAME_FORMAT    "proctor-%Y%m%dT%H%M%SZ.db"
#define NAME_BYTES     40

struct upkeep {
    struct upkeep_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stop;
    int64_t retain_at, backup_at; /* Unix time of the next one */
};

/* ---- Copies -------------------------------------------------------------------------------- */

static bool time_of_copy(const char *name, int64_t *ret_at)
{
    struct tm tm = {0};
    const char *end = strptime(name, NAME_FORMAT, &tm);
    if (end == NULL || *end != '\0')
        return false;
    *ret_at = (int64_t)timegm(&tm);
    return true;
}

static int is_copy(const struct dirent *entry)
{
    int64_t at;
    return time_of_copy(entry->d_name, &at);
}

/* The names are times: in order, the oldest first.  -1: the folder cannot be read. */
static int list_copies(const char *folder, struct dirent ***ret_names)
{
    return scandir(folder, ret_names, is_copy, alphasort);
}

static void free_copies(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static int64_t newest_copy(const char *folder)
{
    struct dirent **names = NULL;
    int64_t at = 0;
    const int count = list_copies(folder, &names);
    if (count > 0)
        (void)time_of_copy(names[count - 1]->d_name, &at);
    if (count >= 0)
        free_copies(names, count);
    return at;
}

static void remove_old_copies(const struct upkeep_options *options)
{
    struct dirent **names = NULL;
    const int count = list_copies(options->backup, &names);
    for (int i = 0; i < count - (int)options->backup_keep; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", options->backup, names[i]->d_name);
        if (unlink(path) != 0)
            log_event(LOG_WARN, "an old copy cannot be removed", "file", path, "error",
                      strerror(errno), NULL);
    }
    if (count >= 0)
        free_copies(names, count);
}

static bool make_copy(struct upkeep *upkeep, int64_t now)
{
    const struct upkeep_options *options = &upkeep->options;
    char name[NAME_BYTES], path[PATH_MAX], part[PATH_MAX];
    const time_t seconds = (time_t)now;
    struct tm tm;
    struct err err;
    strftime(name, sizeof name, NAME_FORMAT, gmtime_r(&seconds, &tm));
    snprintf(path, sizeof path, "%s/%s", options->backup, name);
    snprintf(part, sizeof part, "%s/proctor.part", options->backup);
    (void)unlink(part); /* of one that was killed */
    int r = store_backup(options->store, part, &err);
    if (r == 0 && rename(part, path) != 0)
        r = err_set(&err, ERR_IO, "%.200s: %s", path, strerror(errno));
    if (r != 0) {
        (void)unlink(part);
        metrics_add(METRICS_BACKUP_FAILURES, 1);
        log_event(LOG_ERROR, "the database could not be copied", "error", err.text, "consequence",
                  "it is tried again in an hour", NULL);
        return false;
    }
    metrics_set(METRICS_BACKUP_TIME, now);
    log_event(LOG_INFO, "the database was copied", "file", path, NULL);
    remove_old_copies(options);
    return true;
}

/* ---- Retention ----------------------------------------------------------------------------- */

static void retain(struct upkeep *upkeep, int64_t now)
{
    struct store_retention retention = upkeep->options.retention;
    int64_t deleted = 0;
    struct err err;
    retention.now = now * 1000000;
    retention.before =
        upkeep->options.retain_us > 0 ? retention.now - upkeep->options.retain_us : 0;
    if (store_retain(upkeep->options.store, &retention, &deleted, &err) != 0) {
        metrics_add(METRICS_RETAIN_FAILURES, 1);
        log_event(LOG_ERROR, "old versions could not be removed", "error", err.text, "consequence",
                  "it is tried again in an hour", NULL);
        return;
    }
    metrics_set(METRICS_RETAIN_TIME, now);
    metrics_add(METRICS_RETAIN_DELETED, deleted);
    if (deleted > 0) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)deleted);
        log_event(LOG_INFO, "old versions were removed", "count", text, NULL);
    }
}

/* ---- The thread ---------------------------------------------------------------------------- */

/* A clock that was set back would make the next time come late. */
static bool is_due(int64_t *at, int64_t now)
{
    if (*at > now + DAY_SECONDS)
        *at = now + DAY_SECONDS;
    return now >= *at;
}

/* Hourly, or soon when the database grows towards its limit (which the status counts). */
static bool must_retain(struct upkeep *upkeep, int64_t now)
{
    const int64_t most = upkeep->options.retention.size_bytes;
    const bool is_crowded = most > 0 && metrics_get(METRICS_DATABASE_BYTES) > most;
    return is_due(&upkeep->retain_at, now) ||
           (is_crowded && now >= upkeep->retain_at - HOUR_SECONDS + MINUTE_SECONDS);
}

static void look(struct upkeep *upkeep)
{
    const int64_t now = clock_unix();
    if (!store_leads(upkeep->options.store))
        return;
    if (upkeep->options.backup != NULL && is_due(&upkeep->backup_at, now))
        upkeep->backup_at = now + (make_copy(upkeep, now) ? DAY_SECONDS : HOUR_SECONDS);
    if (must_retain(upkeep, now)) {
        retain(upkeep, now);
        upkeep->retain_at = now + HOUR_SECONDS;
    }
}

static void *run(void *context)
{
    struct upkeep *upkeep = context;
    pthread_mutex_lock(&upkeep->lock);
    while (!upkeep->stop) {
        pthread_mutex_unlock(&upkeep->lock);
        look(upkeep);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK_SECONDS;
        pthread_mutex_lock(&upkeep->lock);
        if (!upkeep->stop)
            pthread_cond_timedwait(&upkeep->stopping, &upkeep->lock, &until);
    }
    pthread_mutex_unlock(&upkeep->lock);
    return NULL;
}

int upkeep_start(const struct upkeep_options *options, struct upkeep **ret_upkeep,
                 struct err *reterr)
{
    if (options->backup != NULL && ((mkdir(options->backup, 0700) != 0 && errno != EEXIST) ||
                                    access(options->backup, W_OK | X_OK) != 0))
        return err_set(reterr, ERR_IO, "--backup %.200s: %s", options->backup, strerror(errno));
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (upkeep == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    upkeep->options = *options;
    const int64_t copied_at = options->backup != NULL ? newest_copy(options->backup) : 0;
    metrics_set(METRICS_BACKUP_TIME, copied_at);
    upkeep->backup_at = copied_at + DAY_SECONDS;
    pthread_mutex_init(&upkeep->lock, NULL);
    pthread_cond_init(&upkeep->stopping, NULL);
    if (pthread_create(&upkeep->thread, NULL, run, upkeep) != 0) {
        free(upkeep);
        return err_set(reterr, ERR_NO_MEMORY, "no thread for the daily work");
    }
    *ret_upkeep = upkeep;
    return 0;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (upkeep == NULL)
        return;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stop = true;
    pthread_cond_signal(&upkeep->stopping);
    pthread_mutex_unlock(&upkeep->lock);
    pthread_join(upkeep->thread, NULL);
    pthread_cond_destroy(&upkeep->stopping);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
}
