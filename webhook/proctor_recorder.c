/* proctor-recorder: settings -> database -> judgement -> three servers -> signals -> drain. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/version.h"
#include "client/file.h"
#include "net/exchange.h"
#include "net/live.h"
#include "net/reload.h"
#include "net/tls.h"
#include "recorder/access.h"
#include "recorder/api.h"
#include "recorder/deploy.h"
#include "recorder/keeper.h"
#include "recorder/notify.h"
#include "recorder/operate.h"
#include "recorder/record.h"
#include "recorder/setup.h"
#include "recorder/status.h"
#include "recorder/upkeep.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_CANNOT_START 2

#define HOUR_US   3600000000LL
#define SECOND_US 1000000LL

/* Bodies of intents that arrive, all together. */
#define BODY_BUDGET_BYTES (32UL * 1024UL * 1024UL)

struct program {
    struct setup setup;
    pthread_mutex_t lock; /* of what the keeper tells: api, notify, operate, deploy */
    struct arena arena;   /* what lives as long as the program */
    const struct kube_config *kube;
    struct reload_options reload_options;
    struct reload *reload;
    struct machine_settings machine;
    const char *sinks[3];
    const char *client_ca_pem;
    struct store *store;
    struct access *access;
    struct operate *operate;
    struct deploy *deploy;
    struct notify *notify;
    struct keeper *keeper;
    struct record *record;
    struct api *api;
    struct status *status;
    struct upkeep *upkeep;
    unsigned port, record_port, metrics_port;
};

/* NULL if nothing is given. */
static const char *given(const struct setting_value *value)
{
    return value->text[0] != '\0' ? value->text : NULL;
}

/* ---- What the keeper tells ----------------------------------------------------------------- */

/* The keeper comes after some of them and ends after all: they may not be there (any more). */

static void on_commit(void *context, int64_t project)
{
    struct program *program = context;
    pthread_mutex_lock(&program->lock);
    if (program->api != NULL)
        api_pulse(program->api, project);
    if (program->notify != NULL)
        notify_wake(program->notify);
    pthread_mutex_unlock(&program->lock);
}

static void on_wish(void *context, int64_t project, int64_t revision)
{
    struct program *program = context;
    pthread_mutex_lock(&program->lock);
    if (program->operate != NULL)
        operate_wish(program->operate, project, revision);
    pthread_mutex_unlock(&program->lock);
}

static void on_revision(void *context, int64_t revision)
{
    struct program *program = context;
    pthread_mutex_lock(&program->lock);
    if (program->operate != NULL)
        operate_fingerprint(program->operate, revision);
    pthread_mutex_unlock(&program->lock);
}

static void on_lead(void *context, bool leads)
{
    struct program *program = context;
    struct err err = {.text = ""};
    int r = 0;
    pthread_mutex_lock(&program->lock);
    leads = leads && program->keeper != NULL; /* start_keeper asks again */
    if (leads && program->operate != NULL)
        r = operate_finish(program->operate, &err);
    if (leads && r == 0 && program->deploy != NULL)
        r = deploy_finish(program->deploy, &err);
    pthread_mutex_unlock(&program->lock);
    if (r != 0)
        log_event(LOG_ERROR, "what was begun cannot be finished", "error", err.text, "consequence",
                  "it is tried again at the next start", NULL);
}

/* ---- Start --------------------------------------------------------------------------------- */

static int reach_cluster(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    const struct kubeconfig_choice choice = {.path = given(&setup->kubeconfig),
                                             .context = given(&setup->context)};
    int r = kubeconfig_load(&program->arena, &choice, &program->kube, reterr);
    const char *ca = given(&setup->client_ca);
    size_t length;
    if (r == 0 && ca != NULL) {
        r = file_read(&program->arena, ca, LIMIT_MIB, &program->client_ca_pem, &length, reterr);
        if (r != 0)
            return err_wrap(reterr, "--client-ca %s", ca);
    }
    return r;
}

static int open_store(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    size_t count = 0;
    if (given(&setup->notify_url) != NULL)
        program->sinks[count++] = NOTIFY_SINK_WEBHOOK;
    if (setup->notify_events.number != 0)
        program->sinks[count++] = NOTIFY_SINK_KUBERNETES;
    const struct store_options options = {.url = setup->database.text,
                                          .size_max_bytes = setup->size_bytes.number,
                                          .sinks = program->sinks};
    char *const shown = setup_database_shown(setup);
    int r = store_open(&options, &program->store, reterr);
    if (r != 0)
        r = err_wrap(reterr, "--database %.200s", shown != NULL ? shown : "?");
    free(shown);
    return r;
}

static const char *const *trusted_of(const struct setup *setup)
{
    const union {
        char **given;
        const char *const *wanted;
    } trusted = {.given = setup->trusted_accounts};
    return trusted.wanted;
}

static int start_deeds(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    const struct access_options access = {
        .kube = program->kube, .namespace_ = setup->namespace_.text, .trusted = trusted_of(setup)};
    const struct operate_options operate = {.kube = program->kube,
                                            .store = program->store,
                                            .namespace_ = setup->namespace_.text,
                                            .automatic = setup->auto_rollback.number != 0,
                                            .managed_too = setup->rollback_managed.number != 0,
                                            .secrets = setup->secrets.number != 0,
                                            .self = setup->self.text,
                                            .hold_us = setup->hold_hours.number * HOUR_US};
    int r = access_new(&access, &program->access, reterr);
    if (r == 0)
        r = operate_new(&operate, &program->operate, reterr);
    if (r != 0)
        return r;
    const struct deploy_options deploy = {.kube = program->kube,
                                          .store = program->store,
                                          .operate = program->operate,
                                          .namespace_ = setup->namespace_.text,
                                          .host_domain = setup->host_domain.text};
    return deploy_new(&deploy, &program->deploy, reterr);
}

static int start_keeper(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    program->machine = machine_settings_default;
    program->machine.soak_us = setup->soak_seconds.number * SECOND_US;
    program->machine.evidence_us = setup->evidence_seconds.number * SECOND_US;
    program->machine.persist_us = setup->persist_seconds.number * SECOND_US;
    program->machine.deadline_factor = setup->deadline_factor.number;
    const struct keeper_options options = {.kube = program->kube,
                                           .store = program->store,
                                           .namespace_ = setup->namespace_.text,
                                           .machine = &program->machine,
                                           .context = program,
                                           .on_commit = on_commit,
                                           .on_wish = on_wish,
                                           .on_revision = on_revision,
                                           .on_lead = on_lead};
    struct keeper *keeper;
    const int r = keeper_start(&options, &keeper, reterr);
    if (r != 0)
        return r;
    operate_use(program->operate, keeper);
    pthread_mutex_lock(&program->lock);
    program->keeper = keeper;
    pthread_mutex_unlock(&program->lock);
    on_lead(program, store_leads(program->store));
    return 0;
}

static int start_record(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    if (given(&setup->record_listen) == NULL)
        return 0;
    const struct record_options options = {.listen = setup->record_listen.text,
                                           .secret_file = setup->record_secret.text,
                                           .trusted = trusted_of(setup),
                                           .self = setup->self.text,
                                           .store = program->store,
                                           .keeper = program->keeper,
                                           .budget_us = setup->record_ms.number * 1000,
                                           .threads = (long)setup->threads.number,
                                           .connections = (long)setup->connections.number};
    exchange_set_budget(BODY_BUDGET_BYTES);
    return record_start(&options, &program->record, &program->record_port, reterr);
}

static int start_api(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    const struct api_options options = {.listen = setup->listen.text,
                                        .store = program->store,
                                        .access = program->access,
                                        .operate = program->operate,
                                        .deploy = program->deploy,
                                        .namespace_ = setup->namespace_.text,
                                        .client_ca_pem = program->client_ca_pem,
                                        .threads = (long)setup->threads.number,
                                        .connections = (long)setup->connections.number};
    struct api *api;
    const int r = api_start(&options, &api, &program->port, reterr);
    pthread_mutex_lock(&program->lock);
    if (r == 0)
        program->api = api;
    pthread_mutex_unlock(&program->lock);
    return r;
}

static int start_notify(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    const struct notify_options options = {.kube = setup->notify_events.number != 0 ? program->kube
                                                                                    : NULL,
                                           .store = program->store,
                                           .url = given(&setup->notify_url),
                                           .key_file = given(&setup->notify_keys),
                                           .ca_file = given(&setup->notify_ca)};
    struct notify *notify;
    if (program->sinks[0] == NULL)
        return 0;
    const int r = notify_start(&options, &notify, reterr);
    if (r != 0)
        return err_wrap(reterr, "--notify-url, --notify-keys, --notify-ca");
    pthread_mutex_lock(&program->lock);
    program->notify = notify;
    pthread_mutex_unlock(&program->lock);
    return 0;
}

static int start_rest(struct program *program, struct err *reterr)
{
    const struct setup *setup = &program->setup;
    const char *const url = setup->database.text;
    const struct status_options status = {.listen = setup->metrics_listen.text,
                                          .store = program->store,
                                          .keeper = program->keeper,
                                          .replicas =
                                              strncmp(url, "postgres", strlen("postgres")) == 0};
    const struct upkeep_options upkeep = {
        .store = program->store,
        .retention = {.keep = setup->retain_revisions.number,
                      .keep_good = setup->retain_good.number,
                      .size_bytes = setup->size_bytes.number / 10 * 9},
        .retain_us = setup->retain_days.number * 24 * HOUR_US,
        .backup = given(&setup->backup),
        .backup_keep = (long)setup->backup_keep.number};
    int r = upkeep_start(&upkeep, &program->upkeep, reterr);
    if (r == 0)
        r = status_start(&status, &program->status, &program->metrics_port, reterr);
    return r;
}

static int start_parts(struct program *program, struct err *reterr)
{
    static int (*const parts[])(struct program * program, struct err * reterr) = {
        reach_cluster, open_store, start_deeds,  start_keeper,
        start_record,  start_api,  start_notify, start_rest};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const int r = parts[i](program, reterr);
        if (r != 0)
            return r;
    }
    return reload_start(&program->reload_options, &program->reload, reterr);
}

static bool start(struct program *program)
{
    struct err err = {.text = ""};
    if (reload_first(&program->reload_options) > 0) {
        log_event(LOG_ERROR, "proctor-recorder does not start: mend what stands above", "policies",
                  "proctor lint DIR", "certificate", "proctor certs issue --dns NAME --out DIR",
                  NULL);
        return false;
    }
    if (start_parts(program, &err) != 0) {
        log_event(LOG_ERROR, "cannot start", "error", err.text, NULL);
        return false;
    }
    char port[16], record_port[16], metrics_port[16];
    snprintf(port, sizeof port, "%u", program->port);
    snprintf(record_port, sizeof record_port, "%u", program->record_port);
    snprintf(metrics_port, sizeof metrics_port, "%u", program->metrics_port);
    metric_set(METRIC_START_TIME, clock_unix());
    log_event(LOG_INFO, "serving", "port", port, "recordPort", record_port, "metricsPort",
              metrics_port, "namespace", program->setup.namespace_.text, "cluster",
              program->kube->origin, "version", PROCTOR_VERSION, NULL);
    return true;
}

/* ---- Run and end --------------------------------------------------------------------------- */

static void stop_api(struct program *program)
{
    pthread_mutex_lock(&program->lock);
    struct api *api = program->api;
    program->api = NULL;
    pthread_mutex_unlock(&program->lock);
    api_stop(api);
}

/* Before the keeper, whom they tell of what they do. */
static void stop_deeds(struct program *program)
{
    pthread_mutex_lock(&program->lock);
    struct operate *operate = program->operate;
    struct deploy *deploy = program->deploy;
    program->operate = NULL;
    program->deploy = NULL;
    pthread_mutex_unlock(&program->lock);
    deploy_free(deploy);
    operate_free(operate);
}

static void stop_notify(struct program *program)
{
    pthread_mutex_lock(&program->lock);
    struct notify *notify = program->notify;
    program->notify = NULL;
    pthread_mutex_unlock(&program->lock);
    notify_stop(notify);
}

/* Changes are taken on until none has come for a while: an API server that is cut off unannounced
 * goes on without its history. */
static void drain_record(struct program *program, const sigset_t *signals)
{
    const struct setup *setup = &program->setup;
    const int64_t began_us = clock_monotonic_us();
    for (;;) {
        const struct timespec pause = {0, 50L * 1000 * 1000};
        const int number = sigtimedwait(signals, NULL, &pause);
        const int64_t now_us = clock_monotonic_us();
        int64_t last_us = record_last_us(program->record);
        if (last_us < began_us)
            last_us = began_us;
        if (number == SIGTERM || number == SIGINT) {
            log_event(LOG_WARN, "a second signal: ending at once", NULL);
            return;
        }
        if (now_us - last_us >= setup->drain_quiet_seconds.number * SECOND_US)
            return;
        if (now_us - began_us >= setup->drain_seconds.number * SECOND_US) {
            log_event(LOG_WARN, "drain-seconds have passed: ending though changes come", NULL);
            return;
        }
    }
}

/* The API first: what it is doing makes changes, too. */
static void drain(struct program *program, const sigset_t *signals)
{
    log_event(LOG_INFO, "draining", NULL);
    status_drain(program->status);
    stop_api(program);
    if (program->record != NULL) {
        record_drain(program->record);
        drain_record(program, signals);
    }
}

static void serve(struct program *program, const sigset_t *signals)
{
    for (;;) {
        const int number = sigwaitinfo(signals, NULL);
        if (number == SIGHUP) {
            log_event(LOG_INFO, "SIGHUP: loading again", NULL);
            reload_ask(program->reload);
        } else if (number == SIGTERM || number == SIGINT) {
            drain(program, signals);
            return;
        }
    }
}

/* Those that ask before those that are asked. */
static void stop(struct program *program)
{
    stop_api(program);
    record_stop(program->record);
    stop_notify(program);
    reload_stop(program->reload);
    upkeep_stop(program->upkeep);
    status_stop(program->status);
    stop_deeds(program);
    keeper_stop(program->keeper);
    access_free(program->access);
    store_close(program->store);
    live_done();
    tls_done();
    arena_done(&program->arena);
}

/* ---- Settings and signals ------------------------------------------------------------------ */

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
static bool read_setup(struct setup *setup, int argc, char **argv, int *ret_code)
{
    struct buf text;
    struct err err;
    buf_init(&text, NULL, LIMIT_MIB);
    int r = setup_read(setup, argc, argv, environ, &text, &err);
    *ret_code = 0;
    if (r != 0) {
        fprintf(stderr, "proctor-recorder: %s:\n", err.text);
        print(stderr, &text);
        *ret_code = EXIT_CANNOT_START;
    } else if (setup->help || setup->version || setup->print) {
        buf_clear(&text);
        if (setup->help)
            setup_write_help(&text);
        else if (setup->version)
            buf_add_string(&text, "proctor-recorder " PROCTOR_VERSION "\n");
        else
            setup_write(setup, &text);
        print(stdout, &text);
        r = 1;
    }
    buf_done(&text);
    return r == 0;
}

static void use_setup(struct program *program)
{
    const struct setup *setup = &program->setup;
    log_configure_named(setup->log_level.text, setup->log_format.text);
    program->reload_options = (struct reload_options){.policy_paths = setup->policy_paths,
                                                      .language = setup->language.text,
                                                      .mode = policy_mode_names[POLICY_ENFORCE],
                                                      .certificate_path = setup->certificate_path,
                                                      .key_path = setup->key_path};
    arena_init(&program->arena, LIMIT_ARENA_BYTES);
    pthread_mutex_init(&program->lock, NULL);
}

int main(int argc, char **argv)
{
    static struct program program;
    sigset_t signals;
    int code;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024); /* fixed: a large body goes back to the system */
    mallopt(M_ARENA_MAX, 4);
    block_signals(&signals);
    arena_install_cjson_hooks();
    if (!read_setup(&program.setup, argc, argv, &code)) {
        setup_done(&program.setup);
        return code;
    }
    use_setup(&program);
    code = start(&program) ? 0 : EXIT_CANNOT_START;
    if (code == 0)
        serve(&program, &signals);
    stop(&program);
    setup_done(&program.setup);
    if (code == 0)
        log_event(LOG_INFO, "ended", NULL);
    return code;
}
