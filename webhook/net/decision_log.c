#include "net/decision_log.h"

#include "base/log.h"
#include "net/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The writer lets lines gather this long, so that a busy server does one write for many. */
#define GATHER_NS (20L * 1000 * 1000)

struct queue {
    char *bytes;
    size_t length;
    size_t lines;
};

struct decision_log {
    char *path;
    int fd;
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct queue waiting; /* under lock */
    struct queue writing; /* the writer's */
    bool closing;
    bool reopen;
    bool failing; /* the writer's: said so already */
};

static int open_path(const char *path)
{
    if (strcmp(path, "-") == 0)
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static void write_queue(struct decision_log *log, struct queue *queue)
{
    size_t done = 0;
    int failure = 0;
    while (done < queue->length && failure == 0) {
        ssize_t n = log->fd < 0 ? -1 : write(log->fd, queue->bytes + done, queue->length - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            failure = log->fd < 0 ? EBADF : errno;
    }
    if (failure == 0) {
        metric_add(METRIC_DECISIONS, (int64_t)queue->lines);
        if (log->failing && queue->lines > 0) {
            log->failing = false;
            log_event(LOG_INFO, "the decision log is written again", "file", log->path, NULL);
        }
    } else {
        metric_add(METRIC_DECISIONS_DROPPED, (int64_t)queue->lines);
        if (!log->failing)
            log_event(LOG_ERROR, "the decision log cannot be written; its lines are lost", "file",
                      log->path, "error", strerror(failure), NULL);
        log->failing = true;
    }
    queue->length = 0;
    queue->lines = 0;
}

static void reopen_now(struct decision_log *log)
{
    int fd = open_path(log->path);
    if (fd < 0) {
        log_event(LOG_ERROR, "the decision log cannot be opened again", "file", log->path, "error",
                  strerror(errno), NULL);
        return;
    }
    close(log->fd);
    log->fd = fd;
}

static void *run_writer(void *context)
{
    struct decision_log *log = context;
    bool closing = false;
    while (!closing) {
        pthread_mutex_lock(&log->lock);
        while (log->waiting.length == 0 && !log->closing && !log->reopen)
            pthread_cond_wait(&log->filled, &log->lock);
        bool gather = !log->closing;
        pthread_mutex_unlock(&log->lock);
        if (gather)
            nanosleep(&(struct timespec){0, GATHER_NS}, NULL);

        pthread_mutex_lock(&log->lock);
        struct queue full = log->waiting;
        log->waiting = log->writing;
        log->writing = full;
        bool reopen = log->reopen;
        log->reopen = false;
        closing = log->closing;
        pthread_mutex_unlock(&log->lock);
        if (reopen)
            reopen_now(log);
        write_queue(log, &log->writing);
    }
    return NULL;
}

static void free_log(struct decision_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    free(log->waiting.bytes);
    free(log->writing.bytes);
    free(log->path);
    free(log);
}

int decision_log_open(const char *path, struct decision_log **ret_log, struct err *reterr)
{
    if (path[0] == '\0') {
        *ret_log = NULL;
        return 0;
    }
    struct decision_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    log->fd = -1;
    log->path = strdup(path);
    log->waiting.bytes = malloc(DECISION_QUEUE_BYTES);
    log->writing.bytes = malloc(DECISION_QUEUE_BYTES);
    int r = 0;
    if (log->path == NULL || log->waiting.bytes == NULL || log->writing.bytes == NULL)
        r = err_set(reterr, ERR_NO_MEMORY, "out of memory");
    else if ((log->fd = open_path(path)) < 0)
        r = err_set(reterr, ERR_IO, "decision-log %s: %s", path, strerror(errno));
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->filled, NULL);
    if (r == 0 && pthread_create(&log->writer, NULL, run_writer, log) != 0)
        r = err_set(reterr, ERR_NO_MEMORY, "no thread for the decision log");
    if (r != 0) {
        free_log(log);
        return r;
    }
    *ret_log = log;
    return 0;
}

void decision_log_add(struct decision_log *log, const char *line, size_t length)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    struct queue *queue = &log->waiting;
    bool fits = length <= DECISION_QUEUE_BYTES - queue->length;
    if (fits) {
        memcpy(queue->bytes + queue->length, line, length);
        if (queue->length == 0)
            pthread_cond_signal(&log->filled);
        queue->length += length;
        queue->lines++;
    }
    pthread_mutex_unlock(&log->lock);
    if (!fits)
        metric_add(METRIC_DECISIONS_DROPPED, 1);
}

void decision_log_reopen(struct decision_log *log)
{
    if (log == NULL || strcmp(log->path, "-") == 0)
        return;
    pthread_mutex_lock(&log->lock);
    log->reopen = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->lock);
}

void decision_log_close(struct decision_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    log->closing = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->writer, NULL);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->filled);
    free_log(log);
}
