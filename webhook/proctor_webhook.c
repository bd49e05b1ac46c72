/* proctor-webhook: settings -> policies and certificate -> two servers -> signals -> drain. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/check.h"
#include "net/live.h"
#include "net/reload.h"
#include "net/server.h"
#include "net/tls.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_CANNOT_START 2

/* The signals that the main thread waits for; blocked in all threads. */
static void block_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret_set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void print(FILE *stream, const struct buf *text)
{
    fputs(text->data, stream);
    fflush(stream);
}

/* Whether there is more to do than to print: *ret_code is the exit code if not. */
static bool read_settings(struct config *config, int argc, char **argv, int *ret_code)
{
    struct buf text;
    struct err err;
    buf_init(&text, NULL, 1024UL * 1024UL);
    int r = config_read(config, argc, argv, environ, &text, &err);
    *ret_code = 0;
    if (r != 0) {
        fprintf(stderr, "proctor-webhook: %s:\n", err.text);
        print(stderr, &text);
        *ret_code = EXIT_CANNOT_START;
    } else if (config->help || config->version || config->print) {
        buf_clear(&text);
        if (config->help)
            config_write_help(&text);
        else if (config->version)
            buf_add_string(&text, "proctor-webhook " PROCTOR_VERSION "\n");
        else
            config_write(config, &text);
        print(stdout, &text);
        r = 1;
    }
    buf_done(&text);
    return r == 0;
}

static struct reload_options reload_options_of(const struct config *config)
{
    return (struct reload_options){.policy_paths = config->policy_paths,
                                   .language = config->language.text,
                                   .mode = config->mode.text,
                                   .certificate_path = config->certificate_path,
                                   .key_path = config->key_path};
}

static int start(struct server *server, const struct reload_options *options,
                 struct reload **ret_reload)
{
    struct err err = {.text = ""};
    const struct config *config = server->config;
    int failures = reload_first(options);
    int r = decision_log_open(config->decision_log.text, &server->decisions, &err);
    if (r != 0)
        log_event(LOG_ERROR, "cannot start", "error", err.text, NULL);
    if (failures > 0 || r != 0) {
        log_event(LOG_ERROR, "proctor-webhook does not start: mend what stands above", "policies",
                  "proctor lint DIR", "certificate", "proctor certs issue --dns NAME --out DIR",
                  NULL);
        return -1;
    }
    r = http_start(server, &err);
    if (r == 0)
        r = admin_start(server, &err);
    if (r == 0)
        r = reload_start(options, ret_reload, &err);
    if (r != 0) {
        log_event(LOG_ERROR, "cannot start", "error", err.text, NULL);
        return -1;
    }
    char review[16], admin[16];
    snprintf(review, sizeof review, "%u", server->review.port);
    snprintf(admin, sizeof admin, "%u", server->admin.port);
    metric_set(METRIC_START_TIME, clock_unix());
    log_event(LOG_INFO, "serving", "port", review, "metricsPort", admin, "version", PROCTOR_VERSION,
              NULL);
    return 0;
}

/* Answers go on, each with `Connection: close`, until nothing has come for a while: a client
 * that is cut off unannounced loses a request. */
static void drain(struct server *server, const sigset_t *signals)
{
    const struct config *config = server->config;
    int64_t began_us = clock_monotonic_us();
    int64_t quiet_us = config->drain_quiet_seconds.number * 1000000;
    atomic_store(&server->draining, true);
    log_event(LOG_INFO, "draining", NULL);
    for (;;) {
        struct timespec pause = {0, 50L * 1000 * 1000};
        int number = sigtimedwait(signals, NULL, &pause);
        int64_t now_us = clock_monotonic_us();
        int64_t last_us = atomic_load(&server->review.keeper.last_event_us);
        if (last_us < began_us)
            last_us = began_us;
        if (number == SIGTERM || number == SIGINT) {
            log_event(LOG_WARN, "a second signal: ending at once", NULL);
            return;
        }
        if (metric_get(METRIC_IN_FLIGHT) == 0 && now_us - last_us >= quiet_us)
            return;
        if (now_us - began_us >= config->drain_seconds.number * 1000000) {
            log_event(LOG_WARN, "drain-seconds have passed: ending with requests open", NULL);
            return;
        }
    }
}

static void serve(struct server *server, struct reload *reload, const sigset_t *signals)
{
    for (;;) {
        int number = sigwaitinfo(signals, NULL);
        if (number == SIGHUP) {
            log_event(LOG_INFO, "SIGHUP: loading again", NULL);
            reload_ask(reload);
            decision_log_reopen(server->decisions);
        } else if (number == SIGTERM || number == SIGINT) {
            drain(server, signals);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    struct config config;
    struct server server = {.config = &config};
    struct reload *reload = NULL;
    sigset_t signals;
    int code;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024); /* fixed: a large body goes back to the system */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024); /* else each request moves the heap's end twice */
    block_signals(&signals);
    if (argc == 2 && strcmp(argv[1], CHECK_ARGUMENT) == 0)
        return check_child();
    arena_install_cjson_hooks();
    if (!read_settings(&config, argc, argv, &code)) {
        config_done(&config);
        return code;
    }
    log_configure_named(config.log_level.text, config.log_format.text);
    const struct reload_options options = reload_options_of(&config);
    code = start(&server, &options, &reload) == 0 ? 0 : EXIT_CANNOT_START;
    if (code == 0)
        serve(&server, reload, &signals);
    reload_stop(reload);
    http_stop(&server);
    admin_stop(&server);
    decision_log_close(server.decisions);
    live_done();
    tls_done();
    config_done(&config);
    if (code == 0)
        log_event(LOG_INFO, "ended", NULL);
    return code;
}
