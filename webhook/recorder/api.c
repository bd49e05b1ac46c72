#include "recorder/api_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/listen.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Heads come and go through it; a token may have some KiB. */
#define CONNECTION_MEMORY_BYTES (64UL * 1024UL)
#define THREAD_STACK_BYTES      (512UL * 1024UL)
#define WORKERS_DEFAULT         8
#define IO_THREADS              2U
#define CONNECTIONS_DEFAULT     1000
#define QUEUE_MAX               512U
#define BODY_DEFAULT            (1024L * 1024L)
#define REQUEST_DEFAULT_US      (30LL * 1000 * 1000)
#define RECHECK_DEFAULT_US      (20LL * 1000 * 1000)
/* At the end, for who is still reading. */
#define SEND_US         (3LL * 1000 * 1000)
#define IDLE_DEFAULT_US (120LL * 1000 * 1000)

/* ---- The queue -------------------------------------------------------------------------- */

void api_submit(struct api *api, struct api_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&api->lock);
    *api->last_job = job;
    api->last_job = &job->next;
    api->queued++;
    pthread_cond_signal(&api->work);
    pthread_mutex_unlock(&api->lock);
}

/* Under the lock; NULL: it is over. */
static struct api_job *take_job(struct api *api)
{
    while (api->first_job == NULL && !api->stop)
        pthread_cond_wait(&api->work, &api->lock);
    struct api_job *job = api->first_job;
    if (job == NULL)
        return NULL;
    api->first_job = job->next;
    if (api->first_job == NULL)
        api->last_job = &api->first_job;
    api->queued--;
    return job;
}

static void *run_worker(void *context)
{
    struct api *api = context;
    struct arena scratch;
    arena_init(&scratch, API_SCRATCH_BYTES);
    pthread_mutex_lock(&api->lock);
    for (struct api_job *job; (job = take_job(api)) != NULL;) {
        pthread_mutex_unlock(&api->lock);
        job->run(job, &scratch);
        scratch.recovery = NULL; /* a call's own arena may have jumped over it */
        arena_reset(&scratch, 256UL * 1024UL);
        pthread_mutex_lock(&api->lock);
    }
    pthread_mutex_unlock(&api->lock);
    arena_done(&scratch);
    return NULL;
}

bool api_reserve(struct api *api, bool bounded)
{
    pthread_mutex_lock(&api->lock);
    const bool fine = !api->draining && (!bounded || api->queued < QUEUE_MAX);
    api->reserved += fine;
    pthread_mutex_unlock(&api->lock);
    return fine;
}

void api_release(struct api *api)
{
    pthread_mutex_lock(&api->lock);
    if (--api->reserved == 0)
        pthread_cond_broadcast(&api->idle);
    pthread_mutex_unlock(&api->lock);
}

/* ---- Start and stop --------------------------------------------------------------------- */

static void log_library(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *cls, const char *format, va_list args)
{
    char text[400];
    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", "detail", text, NULL);
}

static int start_workers(struct api *api, struct err *reterr)
{
    const size_t count =
        api->options.threads > 0 ? (size_t)api->options.threads : (size_t)WORKERS_DEFAULT;
    pthread_attr_t attributes;
    int r = 0;
    api->workers = calloc(count, sizeof *api->workers);
    if (api->workers == NULL || pthread_attr_init(&attributes) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for the API's workers");
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    while (r == 0 && api->worker_count < count) {
        if (pthread_create(&api->workers[api->worker_count], &attributes, run_worker, api) != 0)
            r = err_set(reterr, ERR_NO_MEMORY, "no thread for the API's workers");
        else
            api->worker_count++;
    }
    pthread_attr_destroy(&attributes);
    return r;
}

static struct MHD_Daemon *start_daemon(struct api *api)
{
    struct MHD_OptionItem trust[2] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (api->options.client_ca_pem != NULL) {
        /* MHD wants a pointer to what may be changed, and does not change it. */
        union {
            const char *given;
            void *wanted;
        } pem = {.given = api->options.client_ca_pem};
        trust[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, pem.wanted};
    }
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_USE_ITC |
            MHD_ALLOW_SUSPEND_RESUME,
        0, NULL, NULL, api_call_handle, api, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, api->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, IO_THREADS,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_HTTPS_PRIORITIES,
        TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)api->options.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)4096,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, &api->keeper, MHD_OPTION_NOTIFY_COMPLETED,
        api_call_end, NULL, MHD_OPTION_URI_LOG_CALLBACK, api_call_begin, api, MHD_OPTION_ARRAY,
        trust, MHD_OPTION_END);
}

static struct api *new_api(const struct api_options *options)
{
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL)
        return NULL;
    api->options = *options;
    api->listen_fd = -1;
    api->last_job = &api->first_job;
    if (api->options.connections < (long)IO_THREADS)
        api->options.connections = CONNECTIONS_DEFAULT;
    api->streams_most = (size_t)api->options.connections / 2; /* the rest get answers */
    if (api->options.body_bytes <= 0)
        api->options.body_bytes = BODY_DEFAULT;
    if (api->options.request_us <= 0)
        api->options.request_us = REQUEST_DEFAULT_US;
    if (api->options.idle_us <= 0)
        api->options.idle_us = IDLE_DEFAULT_US;
    if (api->options.recheck_us <= 0)
        api->options.recheck_us = RECHECK_DEFAULT_US;
    pthread_mutex_init(&api->lock, NULL);
    pthread_mutex_init(&api->image_lock, NULL);
    pthread_cond_init(&api->work, NULL);
    pthread_cond_init(&api->idle, NULL);
    return api;
}

int api_start(const struct api_options *options, struct api **ret_api, unsigned *ret_port,
              struct err *reterr)
{
    struct api *api = new_api(options);
    if (api == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for the API");
    api->openapi = api_openapi_write();
    int r = api->openapi != NULL ? 0 : err_set(reterr, ERR_INTERNAL, "the API's document is wrong");
    if (r == 0)
        r = listen_open(options->listen, &api->listen_fd, ret_port, reterr);
    if (r == 0)
        r = connection_keeper_start(&api->keeper, api->options.request_us, api->options.idle_us,
                                    false, reterr);
    if (r == 0)
        r = start_workers(api, reterr);
    if (r == 0)
        r = api_hub_start(api, reterr);
    if (r == 0 && (api->daemon = start_daemon(api)) == NULL)
        r = err_set(reterr, ERR_IO,
                    "libmicrohttpd cannot serve the API on %s; --log-level debug says why",
                    options->listen);
    if (r != 0) {
        api_stop(api);
        return r;
    }
    *ret_api = api;
    return 0;
}

void api_pulse(struct api *api, int64_t project)
{
    if (api != NULL)
        api_hub_pulse(api, project);
}

/* What was taken on is answered and sent, nothing sleeps any more: only then may MHD stop. */
static void drain(struct api *api)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    pthread_mutex_lock(&api->lock);
    atomic_store(&api->draining, true);
    pthread_mutex_unlock(&api->lock);
    if (api->daemon != NULL)
        MHD_quiesce_daemon(api->daemon);
    api_hub_stop(api); /* streams hold no place: they are woken one by one */
    pthread_mutex_lock(&api->lock);
    while (api->reserved > 0)
        pthread_cond_wait(&api->idle, &api->lock);
    pthread_mutex_unlock(&api->lock);
    const int64_t until = clock_monotonic_us() + SEND_US;
    while (atomic_load(&api->calls) > 0 && clock_monotonic_us() < until)
        nanosleep(&moment, NULL);
}

void api_stop(struct api *api)
{
    if (api == NULL)
        return;
    drain(api);
    connection_keeper_stop(&api->keeper);
    if (api->daemon != NULL)
        MHD_stop_daemon(api->daemon);
    pthread_mutex_lock(&api->lock);
    api->stop = true;
    pthread_cond_broadcast(&api->work);
    pthread_mutex_unlock(&api->lock);
    for (size_t i = 0; i < api->worker_count; i++)
        pthread_join(api->workers[i], NULL);
    api_hub_free(api);
    if (api->listen_fd >= 0)
        close(api->listen_fd);
    for (size_t i = 0; i < API_IMAGE_SLOTS; i++) {
        free(api->images[i].sha);
        free(api->images[i].first);
        free(api->images[i].list);
    }
    pthread_mutex_destroy(&api->lock);
    pthread_mutex_destroy(&api->image_lock);
    pthread_cond_destroy(&api->work);
    pthread_cond_destroy(&api->idle);
    free(api->workers);
    free(api->openapi);
    free(api);
}
