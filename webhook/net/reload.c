#include "net/reload.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/tls.h"
#include "policy/load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define RETRY_FIRST_MS         1000
#define DIAGNOSTICS_LOGGED_MAX 200
#define WATCH_DEPTH_MAX        16
#define WATCH_EVENTS                                                                               \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |       \
     IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR)

struct reload {
    const struct reload_options *options;
    pthread_t thread;
    int wake;   /* eventfd */
    int events; /* inotify; -1: none could be had */
    unsigned watch_count;
    atomic_int stop; /* a word of its own: what lies beside it is the thread's */
    bool failed[LIVE_PARTS];
};

/* The same failure is told once, however often it is tried again. */
static bool is_news(enum live_part part, const char *error)
{
    struct live_status before = live_status_get(part);
    char cut[sizeof before.error];
    snprintf(cut, sizeof cut, "%s", error);
    return before.at == 0 || strcmp(before.error, cut) != 0;
}

static void log_diagnostics(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_LOGGED_MAX; i++) {
        const struct diagnostic *d = &diagnostics->items[i];
        if (d->severity != DIAG_ERROR)
            continue;
        char place[PATH_MAX];
        snprintf(place, sizeof place, "%s:%u:%u", d->place.file != NULL ? d->place.file : "",
                 d->place.mark.line, d->place.mark.column);
        log_event(LOG_ERROR, "a policy file is wrong", "place", place, "error", d->message, "code",
                  d->code, NULL);
    }
}

static void report_policies(const struct diagnostics *diagnostics, const struct err *err)
{
    char text[512];
    const struct diagnostic *first = NULL;
    for (size_t i = 0; i < diagnostics->count && first == NULL; i++) {
        if (diagnostics->items[i].severity == DIAG_ERROR)
            first = &diagnostics->items[i];
    }
    if (first != NULL)
        snprintf(text, sizeof text, "%zu errors, the first: %s:%u:%u: %s", diagnostics->error_count,
                 first->place.file != NULL ? first->place.file : "", first->place.mark.line,
                 first->place.mark.column, first->message);
    else
        snprintf(text, sizeof text, "%s", err->text);
    if (is_news(LIVE_POLICIES, text)) {
        log_diagnostics(diagnostics);
        struct live *live = live_ref();
        log_event(LOG_ERROR, "the policies cannot be loaded", "error", err->text, "consequence",
                  live != NULL ? "the last good set serves on" : "there is nothing to serve",
                  "mend", "`proctor lint` prints all of it, with places", NULL);
        live_unref(live);
    }
    metric_add(METRIC_POLICY_RELOAD_FAILURES, 1);
    metric_set(METRIC_POLICY_RELOAD_OK, 0);
    live_report(LIVE_POLICIES, clock_unix(), text);
}

/* Puts the set in place unless it is the one that serves. */
static int take_set(struct policy_set *set, struct err *reterr)
{
    struct live *live = live_ref();
    bool same = live != NULL && strcmp(live->set->digest, set->digest) == 0;
    live_unref(live);
    if (same) {
        policy_set_unref(set);
        return 0;
    }
    char digest[65], policies[24], rules[24];
    const char *mode = policy_mode_names[set->mode];
    snprintf(digest, sizeof digest, "%s", set->digest);
    snprintf(policies, sizeof policies, "%zu", set->policy_count);
    snprintf(rules, sizeof rules, "%zu", set->rule_count);
    int r = live_install(set, clock_unix() + RELOAD_FOLLOW_SECONDS, reterr);
    if (r != 0)
        return r;
    metric_add(METRIC_POLICY_RELOADS, 1);
    log_event(LOG_INFO, "policies are in place", "digest", digest, "policies", policies, "rules",
              rules, "mode", mode, NULL);
    return 0;
}

static enum policy_mode mode_of(const struct reload_options *options)
{
    unsigned mode = POLICY_ENFORCE;
    while (mode < POLICY_AUDIT && strcmp(policy_mode_names[mode], options->mode) != 0)
        mode++;
    return (enum policy_mode)mode;
}

static bool load_policies(const struct reload_options *options)
{
    struct arena arena;
    struct diagnostics diagnostics;
    struct err err = {.text = ""};
    struct policy_set *set = NULL;
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    struct policy_load_options load = {.language =
                                           options->language[0] != '\0' ? options->language : NULL,
                                       .now = clock_unix(),
                                       .mode = mode_of(options)};
    int r =
        policy_load((const char *const *)options->policy_paths, &load, &diagnostics, &set, &err);
    if (r == 0)
        r = take_set(set, &err);
    if (r == 0) {
        metric_set(METRIC_POLICY_RELOAD_OK, 1);
        metric_set(METRIC_POLICY_RELOAD_TIME, clock_unix());
        live_report(LIVE_POLICIES, clock_unix(), NULL);
    } else {
        report_policies(&diagnostics, &err);
    }
    arena_done(&arena);
    malloc_trim(0); /* what loading took goes back to the system */
    return r == 0;
}

static bool load_certificate(const struct reload_options *options)
{
    struct tls_certificate *certificate = NULL;
    struct err err;
    int r =
        tls_load(options->certificate_path, options->key_path, clock_unix(), &certificate, &err);
    if (r != 0) {
        if (is_news(LIVE_CERTIFICATE, err.text))
            log_event(
                LOG_ERROR, "the certificate cannot be loaded", "error", err.text, "consequence",
                tls_expires_at() != 0 ? "the last good one serves on" : "there is nothing to serve",
                NULL);
        metric_add(METRIC_CERT_RELOAD_FAILURES, 1);
        metric_set(METRIC_CERT_RELOAD_OK, 0);
        live_report(LIVE_CERTIFICATE, clock_unix(), err.text);
        return false;
    }
    char before[65], expires[CLOCK_TEXT_BYTES];
    tls_fingerprint(before);
    if (strcmp(before, certificate->fingerprint) == 0) {
        tls_free(certificate);
    } else {
        log_event(LOG_INFO, "a certificate is in place", "fingerprint", certificate->fingerprint,
                  "expires", clock_format_seconds(certificate->not_after, expires), NULL);
        tls_install(certificate, clock_unix());
        metric_add(METRIC_CERT_RELOADS, 1);
    }
    metric_set(METRIC_CERT_RELOAD_OK, 1);
    live_report(LIVE_CERTIFICATE, clock_unix(), NULL);
    return true;
}

int reload_first(const struct reload_options *options)
{
    bool policies = load_policies(options);
    bool certificate = load_certificate(options);
    return !policies + !certificate;
}

static void watch_folder(struct reload *reload, const char *path, unsigned depth)
{
    if (depth > WATCH_DEPTH_MAX || reload->watch_count >= RELOAD_WATCHES_MAX ||
        inotify_add_watch(reload->events, path, WATCH_EVENTS) < 0)
        return;
    reload->watch_count++;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *below;
        if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
            asprintf(&below, "%s/%s", path, entry->d_name) < 0)
            continue;
        watch_folder(reload, below, depth + 1);
        free(below);
    }
    closedir(folder);
}

/* A file is watched through its folder: it may be replaced by a rename. */
static void watch_path(struct reload *reload, const char *path)
{
    unsigned before = reload->watch_count;
    watch_folder(reload, path, 0);
    if (reload->watch_count > before)
        return;
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL)
        *slash = '\0';
    if (folder != NULL && inotify_add_watch(reload->events,
                                            slash == NULL       ? "."
                                            : folder[0] == '\0' ? "/"
                                                                : folder,
                                            WATCH_EVENTS) >= 0)
        reload->watch_count++;
    free(folder);
}

/* Watches what is there now; before each load, so that no change falls between. */
static void watch_all(struct reload *reload)
{
    if (reload->events >= 0)
        close(reload->events);
    reload->watch_count = 0;
    reload->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (reload->events < 0) {
        log_event(LOG_WARN, "files cannot be watched; SIGHUP reloads them", "error",
                  strerror(errno), NULL);
        return;
    }
    for (char **path = reload->options->policy_paths; *path != NULL; path++)
        watch_path(reload, *path);
    watch_path(reload, reload->options->certificate_path);
    watch_path(reload, reload->options->key_path);
}

/* Waits; true if a file changed or someone asked. */
static bool wait_for_event(struct reload *reload, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = reload->wake, .events = POLLIN},
                            {.fd = reload->events, .events = POLLIN}};
    if (poll(fds, 2, timeout_ms) <= 0)
        return false;
    uint64_t count;
    char events[4096] __attribute__((aligned(8)));
    bool any = false;
    while (read(reload->wake, &count, sizeof count) > 0)
        any = true;
    while (reload->events >= 0 && read(reload->events, events, sizeof events) > 0)
        any = true;
    return any;
}

static void load_both(struct reload *reload)
{
    watch_all(reload);
    reload->failed[LIVE_POLICIES] = !load_policies(reload->options);
    reload->failed[LIVE_CERTIFICATE] = !load_certificate(reload->options);
}

static void *run(void *context)
{
    struct reload *reload = context;
    int retry_ms = RETRY_FIRST_MS;
    while (!atomic_load(&reload->stop)) {
        bool failed = reload->failed[LIVE_POLICIES] || reload->failed[LIVE_CERTIFICATE];
        bool event = wait_for_event(reload, failed ? retry_ms : -1);
        while (event && !atomic_load(&reload->stop) && wait_for_event(reload, RELOAD_SETTLE_MS))
            continue;
        if (atomic_load(&reload->stop))
            break;
        retry_ms = event ? RETRY_FIRST_MS : retry_ms * 2;
        if (retry_ms > RELOAD_RETRY_MAX_MS)
            retry_ms = RELOAD_RETRY_MAX_MS;
        load_both(reload);
    }
    return NULL;
}

int reload_start(const struct reload_options *options, struct reload **ret_reload,
                 struct err *reterr)
{
    struct reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    reload->options = options;
    reload->events = -1;
    reload->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch_all(reload);
    if (reload->wake < 0 || pthread_create(&reload->thread, NULL, run, reload) != 0) {
        if (reload->wake >= 0)
            close(reload->wake);
        if (reload->events >= 0)
            close(reload->events);
        free(reload);
        return err_set(reterr, ERR_NO_MEMORY, "no thread to watch the files");
    }
    *ret_reload = reload;
    return 0;
}

static void wake(struct reload *reload)
{
    uint64_t one = 1;
    while (write(reload->wake, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void reload_ask(struct reload *reload)
{
    wake(reload);
}

void reload_stop(struct reload *reload)
{
    if (reload == NULL)
        return;
    atomic_store(&reload->stop, 1);
    wake(reload);
    pthread_join(reload->thread, NULL);
    close(reload->wake);
    if (reload->events >= 0)
        close(reload->events);
    free(reload);
}
