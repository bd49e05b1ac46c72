/* Waiting for what was begun through the recorder: the operation, then the version it makes. */
#include "base/clock.h"
#include "cli/history/evidence.h"
#include "cli/history/history.h"
#include "cli/progress.h"

#include <string.h>
#include <time.h>

#define POLL_MS 500L

struct wait {
    struct history *history;
    struct progress progress;
    int64_t began_us, until_us; /* monotonic */
    const char *project;
    const cJSON *deployment; /* as last seen; NULL: not yet */
};

static void say(struct wait *wait, const char *text)
{
    progress_say(&wait->progress, (clock_monotonic_us() - wait->began_us) / 1000000, text);
}

static bool is_passing(int code)
{
    return code == -ERR_UNREACHABLE || code == -ERR_SERVER || code == -ERR_BUSY ||
           code == -ERR_ANSWER;
}

/* Asks again and again until the recorder answers or the time is over: then -ERR_DEADLINE. */
static int ask(struct wait *wait, const char *path, cJSON **ret_json, struct err *reterr)
{
    static const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    while (clock_monotonic_us() < wait->until_us) {
        const int r = recorder_get(wait->history->recorder, path, ret_json, reterr);
        if (!is_passing(r))
            return r;
        say(wait, "the recorder does not answer now; asked again");
        nanosleep(&pause, NULL);
    }
    return err_set(reterr, ERR_DEADLINE, "timed out");
}

static void rest(void)
{
    static const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static int timed_out(struct wait *wait)
{
    struct cli *cli = wait->history->cli;
    progress_end(&wait->progress);
    fprintf(cli->err, "timed out after --timeout %s; it goes on: proctor history show ",
            cli_flag_string(cli, "timeout"));
    cli_print_visible(cli->err, wait->project);
    fputc('\n', cli->err);
    if (wait->history->json && wait->deployment != NULL)
        history_print_json(wait->history, wait->deployment);
    return CLI_TIMED_OUT;
}

static int fail(struct wait *wait, const struct err *err)
{
    progress_end(&wait->progress);
    return err->code == ERR_DEADLINE ? timed_out(wait) : history_fail(wait->history, err);
}

/* The evidence is the answer: what of it cannot be had is left out. */
static void show_evidence(struct wait *wait)
{
    struct history *history = wait->history;
    cJSON *evidence;
    struct err err;
    const char *path = history_path(history, wait->deployment, "/evidence");
    if (recorder_get(history->recorder, path, &evidence, &err) < 0) {
        evidence = json_new_object(&history->arena);
        json_add(&history->arena, evidence, "deployment",
                 json_dup(&history->arena, wait->deployment));
    }
    if (history->json)
        history_print_json(history, evidence);
    else
        evidence_print(history->cli, &history->arena, evidence, clock_unix_us());
}

static int tell_end(struct wait *wait, const char *status)
{
    struct history *history = wait->history;
    progress_end(&wait->progress);
    const bool fine = strcmp(status, "Completed") == 0;
    const bool failed = strcmp(status, "Failed") == 0 || strncmp(status, "Roll", 4) == 0;
    if (!fine || history->json) {
        show_evidence(wait);
    } else {
        fprintf(history->cli->out, "%s version %lld: %sCompleted%s after %llds\n", wait->project,
                (long long)history_int(wait->deployment, "number"),
                cli_paint(history->cli, CLI_GREEN), cli_paint(history->cli, CLI_PLAIN),
                (long long)((clock_monotonic_us() - wait->began_us) / 1000000));
    }
    return fine ? CLI_FINE : failed ? CLI_VIOLATIONS : CLI_OVERTAKEN;
}

static bool is_open(const char *status)
{
    return strcmp(status, "Pending") == 0 || strcmp(status, "InProgress") == 0;
}

static int follow_version(struct wait *wait, int64_t id)
{
    struct history *history = wait->history;
    const char *path = arena_printf(&history->arena, "/api/deployments/%lld", (long long)id);
    while (true) {
        struct err err;
        cJSON *deployment;
        if (clock_monotonic_us() >= wait->until_us)
            return timed_out(wait);
        if (ask(wait, path, &deployment, &err) < 0)
            return fail(wait, &err);
        wait->deployment = deployment;
        const char *status = json_get_string(deployment, "status");
        if (status != NULL && !is_open(status))
            return tell_end(wait, status);
        say(wait, arena_printf(&history->arena, "version %lld: %s, %lld %%",
                               (long long)history_int(deployment, "number"),
                               status != NULL ? status : "?",
                               (long long)history_int(deployment, "progress")));
        rest();
    }
}

static int operation_failed(struct wait *wait, const cJSON *operation)
{
    const char *message = json_get_string(operation, "message");
    const char *kind = json_get_string(operation, "kind");
    struct err err;
    progress_end(&wait->progress);
    err_set(&err, ERR_REFUSED, "%s failed: %s", kind != NULL ? kind : "it",
            message != NULL ? message : "the recorder does not say why");
    cli_fail(wait->history->cli, &err);
    return CLI_VIOLATIONS;
}

static int follow_operation(struct wait *wait, const cJSON *operation)
{
    struct history *history = wait->history;
    const char *path = arena_printf(&history->arena, "/api/operations/%lld",
                                    (long long)history_int(operation, "id"));
    while (true) {
        const char *state = json_get_string(operation, "state");
        struct err err;
        cJSON *answer;
        if (state != NULL && strcmp(state, "failed") == 0)
            return operation_failed(wait, operation);
        if (history_int(operation, "result") > 0)
            return follow_version(wait, history_int(operation, "result"));
        if (state != NULL && strcmp(state, "done") == 0) {
            progress_end(&wait->progress);
            return CLI_FINE;
        }
        if (clock_monotonic_us() >= wait->until_us)
            return timed_out(wait);
        say(wait, state != NULL && strcmp(state, "patched") == 0
                      ? "written; the new version is not there yet"
                      : "accepted; not written yet");
        rest();
        if (ask(wait, path, &answer, &err) < 0)
            return fail(wait, &err);
        const cJSON *inner = json_get(answer, "operation");
        operation = inner != NULL ? inner : answer;
    }
}

int history_wait(struct history *history, const cJSON *answer)
{
    struct wait wait = {.history = history, .began_us = clock_monotonic_us()};
    const cJSON *operation = json_get(answer, "operation");
    int64_t timeout_us;
    if (!history_duration(history->cli, "timeout", &timeout_us))
        return CLI_ERROR;
    wait.until_us = wait.began_us + timeout_us;
    wait.project = json_get_string(operation, "project");
    if (wait.project == NULL || history_int(operation, "id") <= 0) {
        struct err err;
        err_set(&err, ERR_ANSWER, "the recorder's answer names no operation to wait for");
        return cli_fail(history->cli, &err);
    }
    progress_begin(&wait.progress, history->cli);
    return follow_operation(&wait, operation);
}
