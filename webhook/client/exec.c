#include "client/exec.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "client/pem.h"
#include "client/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM_SHOWN       100
#define HINT_SHOWN          200
#define INTERACTIVE_SECONDS 300

struct plugin {
    const struct kube_config *config;
    const struct kube_exec *exec;
    struct arena *arena;
    struct err *err;
    bool interactive;
    long seconds;
    char **environment;
    char *output; /* LIMIT_EXEC_BYTES + 1 */
    size_t length;
    int status;
};

/* "ORIGIN: the credential plugin NAME words" */
static int fail(const struct plugin *plugin, const char *words)
{
    return say_fail(plugin->arena, plugin->err, ERR_KUBECONFIG, "%s: the credential plugin %s %s",
                    plugin->config->origin,
                    say_visible(plugin->arena, plugin->exec->argv[0], PROGRAM_SHOWN), words);
}

/* ---- what it is told -------------------------------------------------------------------- */

static void add_cluster(const struct plugin *plugin, cJSON *spec)
{
    const struct kube_config *config = plugin->config;
    struct arena *arena = plugin->arena;
    cJSON *cluster = json_new_object(arena), *extra;
    json_add(arena, cluster, "server", json_new_string(arena, config->server));
    if (config->tls_server_name != NULL)
        json_add(arena, cluster, "tls-server-name",
                 json_new_string(arena, config->tls_server_name));
    if (config->insecure)
        json_add(arena, cluster, "insecure-skip-tls-verify", json_new_bool(arena, true));
    if (config->proxy_url != NULL)
        json_add(arena, cluster, "proxy-url", json_new_string(arena, config->proxy_url));
    if (config->ca_pem != NULL) {
        struct buf data;
        buf_init(&data, arena, 2 * LIMIT_KUBECONFIG_BYTES);
        buf_add_base64(&data, config->ca_pem, strlen(config->ca_pem));
        json_add(arena, cluster, "certificate-authority-data", json_new_string(arena, data.data));
    }
    const char *text = plugin->exec->cluster_config;
    if (text != NULL &&
        json_parse(arena, text, strlen(text), &json_limits_review, &extra, NULL) == 0)
        json_add(arena, cluster, "config", extra);
    json_add(arena, spec, "cluster", cluster);
}

/* KUBERNETES_EXEC_INFO=... */
static char *make_info(const struct plugin *plugin)
{
    struct arena *arena = plugin->arena;
    cJSON *info = json_new_object(arena), *spec = json_new_object(arena);
    struct buf text;
    json_add(arena, info, "apiVersion", json_new_string(arena, plugin->exec->api_version));
    json_add(arena, info, "kind", json_new_string(arena, "ExecCredential"));
    json_add(arena, info, "spec", spec);
    json_add(arena, spec, "interactive", json_new_bool(arena, plugin->interactive));
    if (plugin->exec->provides_cluster_info)
        add_cluster(plugin, spec);
    buf_init(&text, arena, 4 * LIMIT_KUBECONFIG_BYTES);
    buf_add_string(&text, "KUBERNETES_EXEC_INFO=");
    json_write(&text, info);
    return text.data;
}

static bool has_name(const char *const *pairs, const char *pair)
{
    const size_t length = strcspn(pair, "=") + 1;
    for (; *pairs != NULL; pairs++)
        if (strncmp(*pairs, pair, length) == 0)
            return true;
    return false;
}

/* Ours, with the plugin's own names in place of ours. */
static void make_environment(struct plugin *plugin)
{
    const char *const *own = plugin->exec->environment;
    size_t ours = 0, count = 0, owns = 0;
    while (environ[ours] != NULL)
        ours++;
    while (own[owns] != NULL)
        owns++;
    char **pairs = arena_array(plugin->arena, ours + owns + 2, sizeof *pairs);
    for (size_t i = 0; i < ours; i++)
        if (!has_name(own, environ[i]) && strncmp(environ[i], "KUBERNETES_EXEC_INFO=", 21) != 0)
            pairs[count++] = environ[i];
    for (size_t i = 0; i < owns; i++)
        if (strncmp(own[i], "KUBERNETES_EXEC_INFO=", 21) != 0)
            pairs[count++] = (char *)(uintptr_t)own[i];
    pairs[count] = make_info(plugin);
    plugin->environment = pairs;
}

/* ---- the process ------------------------------------------------------------------------ */

/* In a group of its own, so that its children end with it; but a program that asks on the
 * terminal must stay in ours, or the terminal would stop it. */
static int set_attributes(posix_spawnattr_t *attributes, bool interactive)
{
    sigset_t none, defaults;
    const short flags = (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                (interactive ? 0 : POSIX_SPAWN_SETPGROUP));
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    int rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &defaults);
    return rc == 0 ? posix_spawnattr_setflags(attributes, flags) : rc;
}

/* 0, or an errno. */
static int spawn(const struct plugin *plugin, int to, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return rc;
    }
    rc = set_attributes(&attributes, plugin->interactive);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    if (rc == 0 && !plugin->interactive)
        rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawnp(ret_pid, plugin->exec->argv[0], &actions, &attributes,
                          (char *const *)(uintptr_t)plugin->exec->argv, plugin->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Reads until the program closes its stdout; what went wrong, or NULL. */
static const char *read_output(struct plugin *plugin, int from, int64_t until_us)
{
    for (;;) {
        const int64_t left_ms = (until_us - clock_monotonic_us()) / 1000;
        struct pollfd wait = {.fd = from, .events = POLLIN};
        if (left_ms <= 0)
            return "gave no answer in time";
        if (poll(&wait, 1, (int)left_ms) <= 0)
            continue;
        const ssize_t got =
            read(from, plugin->output + plugin->length, LIMIT_EXEC_BYTES + 1 - plugin->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? NULL : "cannot be heard";
        plugin->length += (size_t)got;
        if (plugin->length > LIMIT_EXEC_BYTES)
            return "says too much: more than 1 MiB";
    }
}

/* It may close its stdout and stay: it gets the rest of its time, and is ended then. */
static const char *wait_for(struct plugin *plugin, pid_t pid, int64_t until_us)
{
    for (;;) {
        const pid_t ended = waitpid(pid, &plugin->status, WNOHANG);
        if (ended == pid)
            return NULL;
        if (ended < 0 && errno != EINTR)
            return "has an end that nobody was told of";
        if (clock_monotonic_us() >= until_us)
            return "does not end";
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void end(const struct plugin *plugin, pid_t pid)
{
    kill(plugin->interactive ? pid : -pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int fail_spawn(const struct plugin *plugin, int why)
{
    const char *hint = plugin->exec->install_hint;
    if (why != ENOENT || hint == NULL)
        return fail(plugin, arena_printf(plugin->arena, "cannot be run: %s", strerror(why)));
    return fail(plugin, arena_printf(plugin->arena, "cannot be run: %s. %s", strerror(why),
                                     say_visible(plugin->arena, hint, HINT_SHOWN)));
}

/* Between pipe and close nothing is taken from the arena: it could jump away. */
static int run(struct plugin *plugin)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(plugin, strerror(errno));
    const int rc = spawn(plugin, ends[1], &pid);
    close(ends[1]);
    if (rc != 0) {
        close(ends[0]);
        return fail_spawn(plugin, rc);
    }
    const int64_t until_us = clock_monotonic_us() + plugin->seconds * 1000000LL;
    const char *wrong = read_output(plugin, ends[0], until_us);
    close(ends[0]);
    if (wrong == NULL)
        wrong = wait_for(plugin, pid, until_us);
    if (wrong != NULL) {
        end(plugin, pid);
        return fail(plugin, wrong);
    }
    if (WIFSIGNALED(plugin->status))
        return fail(plugin, arena_printf(plugin->arena, "was ended by signal %d",
                                         WTERMSIG(plugin->status)));
    if (WEXITSTATUS(plugin->status) != 0)
        return fail(plugin, arena_printf(plugin->arena, "failed with exit code %d",
                                         WEXITSTATUS(plugin->status)));
    return 0;
}

/* ---- what it says ----------------------------------------------------------------------- */

/* 2026-11-21T05:30:00Z, or with +02:00; fractions of seconds do not matter. */
static bool read_time(const char *text, int64_t *ret_unix)
{
    struct tm moment = {.tm_sec = 0};
    int hours = 0, minutes = 0;
    char sign = 'Z';
    const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
    if (at == NULL)
        return false;
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    sign = *at;
    if (strcmp(at, "Z") != 0 &&
        ((sign != '+' && sign != '-') || strlen(at) != 6 || at[3] != ':' ||
         strspn(at + 1, "0123456789") != 2 || strspn(at + 4, "0123456789") != 2))
        return false;
    if (sign != 'Z') {
        hours = (at[1] - '0') * 10 + at[2] - '0';
        minutes = (at[4] - '0') * 10 + at[5] - '0';
    }
    const int64_t offset = (hours * 60 + minutes) * 60;
    *ret_unix = (int64_t)timegm(&moment) - (sign == '-' ? -offset : offset);
    return true;
}

static int check_status(const struct plugin *plugin, const cJSON *status, int64_t *ret_expires)
{
    const char *token = json_get_string(status, "token");
    const char *cert = json_get_string(status, "clientCertificateData");
    const char *key = json_get_string(status, "clientKeyData");
    const char *until = json_get_string(status, "expirationTimestamp");
    struct err why;
    if (token != NULL && !say_fits_header(token))
        return fail(plugin, "gives a token with a control character in it");
    if ((token == NULL || token[0] == '\0') && cert == NULL)
        return fail(plugin, "gives neither a token nor a client certificate");
    if ((cert == NULL) != (key == NULL))
        return fail(plugin, "gives a client certificate without a key, or a key without one");
    if (cert != NULL && pem_check_pair(cert, key, clock_unix(), &why) < 0)
        return fail(plugin, arena_printf(plugin->arena, "gives a wrong pair: %s", why.text));
    if (until != NULL && !read_time(until, ret_expires))
        return fail(plugin, "gives an expirationTimestamp that is no RFC 3339 time");
    return 0;
}

static bool copy(const cJSON *status, const char *key, char **ret_text)
{
    const char *text = json_get_string(status, key);
    if (text == NULL || text[0] == '\0')
        return true;
    *ret_text = strdup(text);
    return *ret_text != NULL;
}

static void wipe_string(const cJSON *status, const char *key)
{
    const cJSON *node = json_get(status, key);
    if (json_is_string(node))
        explicit_bzero(node->valuestring, strlen(node->valuestring));
}

static int take(const struct plugin *plugin, const cJSON *status, struct credential *ret_credential)
{
    struct credential credential = {.expires = 0};
    const int rc = check_status(plugin, status, &credential.expires);
    if (rc < 0)
        return rc;
    if (!copy(status, "token", &credential.token) ||
        !copy(status, "clientCertificateData", &credential.cert_pem) ||
        !copy(status, "clientKeyData", &credential.key_pem)) {
        credential_done(&credential);
        return err_set(plugin->err, ERR_NO_MEMORY, "out of memory");
    }
    *ret_credential = credential;
    return 0;
}

static int read_answer(const struct plugin *plugin, struct credential *ret_credential)
{
    cJSON *answer;
    struct err why;
    if (json_parse(plugin->arena, plugin->output, plugin->length, &json_limits_review, &answer,
                   &why) < 0)
        return fail(plugin, arena_printf(plugin->arena, "prints no ExecCredential: %s", why.text));
    const char *version = json_get_string(answer, "apiVersion");
    const char *kind = json_get_string(answer, "kind");
    const cJSON *status = json_get(answer, "status");
    int rc;
    if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
        rc = fail(plugin, "prints no ExecCredential");
    else if (version == NULL || strcmp(version, plugin->exec->api_version) != 0)
        rc = fail(plugin, "answers in another apiVersion than the kubeconfig asks for");
    else
        rc = take(plugin, status, ret_credential);
    wipe_string(status, "token");
    wipe_string(status, "clientKeyData");
    return rc;
}

int exec_run(const struct kube_config *config, long seconds, struct arena *arena,
             struct credential *ret_credential, struct err *reterr)
{
    const enum kube_interactive mode = config->exec->interactive;
    struct plugin plugin = {.config = config, .exec = config->exec, .arena = arena, .err = reterr};
    plugin.interactive = mode != KUBE_INTERACTIVE_NEVER && isatty(STDIN_FILENO) == 1;
    if (mode == KUBE_INTERACTIVE_ALWAYS && !plugin.interactive)
        return fail(&plugin, "has to ask a person, and stdin is no terminal");
    plugin.seconds = plugin.interactive ? INTERACTIVE_SECONDS : seconds;
    make_environment(&plugin);
    plugin.output = arena_alloc(arena, LIMIT_EXEC_BYTES + 1);
    int rc = run(&plugin);
    plugin.output[plugin.length < LIMIT_EXEC_BYTES ? plugin.length : LIMIT_EXEC_BYTES] = '\0';
    if (rc == 0)
        rc = read_answer(&plugin, ret_credential);
    explicit_bzero(plugin.output, LIMIT_EXEC_BYTES + 1);
    return rc;
}
