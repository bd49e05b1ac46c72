/* What the commands that ask the recorder share: their flags, their connection, projects and
 * numbers, and waiting for what was begun.
 *
 *     struct history history;
 *     if (history_open(cli, &history) != CLI_FINE)
 *         return CLI_ERROR;
 *     ... recorder_get(history.recorder, ...) ...
 *     return history_close(&history, code);
 *
 * People count versions by number, 1, 2, 3 ... of one project; the API knows ids.  What is refused
 * is told with its causes, and is CLI_VIOLATIONS; what cannot be asked is CLI_ERROR.
 */
#ifndef PROCTOR_CLI_HISTORY_H
#define PROCTOR_CLI_HISTORY_H

#include "cli/cli.h"
#include "cli/history/recorder_client.h"

#include <stdint.h>

/* clang-format off */
#define HISTORY_FLAGS_WITH(outputs)                                                                \
    {.name = "server", .value = "URL",                                                             \
     .help = "the recorder; else PROCTOR_SERVER, else through the API server"},                    \
    {.name = "server-ca", .value = "FILE",                                                         \
     .help = "whose certificates it has; else PROCTOR_SERVER_CA"},                                 \
    {.name = "kubeconfig", .value = "FILE", .help = "as kubectl: else KUBECONFIG and so on"},      \
    {.name = "context", .value = "NAME", .help = "one of the kubeconfig; else its current"},       \
    {.name = "namespace", .letter = 'n', .value = "NS", .fallback = "hydrosim-system",             \
     .help = "where Proctor is installed"},                                                        \
    CLI_OUTPUT_FLAG(outputs, "text")
#define HISTORY_FLAGS HISTORY_FLAGS_WITH("text|json")
#define HISTORY_WAIT_FLAGS                                                                         \
    {.name = "wait", .help = "until it has ended; shows progress, and why it failed"},             \
    {.name = "timeout", .value = "DURATION", .fallback = "10m",                                    \
     .help = "how long --wait waits: 90s, 10m, 1h"}
/* clang-format on */

#define HISTORY_REASON_FLAG                                                                        \
    {                                                                                              \
        .name = "reason", .value = "TEXT", .help = "why, for those who read on"                    \
    }
#define HISTORY_DRY_FLAG                                                                           \
    {                                                                                              \
        .name = "dry-run", .help = "ask whether it would be let through, and change nothing"       \
    }
#define HISTORY_GENERATION_FLAG                                                                    \
    {                                                                                              \
        .name = "if-generation", .value = "N",                                                     \
        .help = "only if metadata.generation is still this one"                                    \
    }

struct history {
    struct cli *cli;
    struct arena arena; /* all that is asked and answered; cJSON's too */
    struct arena *arena_before;
    struct recorder *recorder;
    bool json; /* -o json */
    int64_t now;
};

/* CLI_FINE, or CLI_ERROR after it has said why; then there is nothing to close. */
int history_open(struct cli *cli, struct history *history);
int history_close(struct history *history, int code); /* returns `code` */

/* Says what went wrong, with the causes of the recorder's last problem. */
int history_fail(const struct history *history, const struct err *err);

/* "student-x" of "student-x" or "deployment/student-x", from argument `index`.  NULL: it has told
 * that it is missing, or no name. */
const char *history_project(const struct cli *cli, size_t index);

/* A version's number.  False: it has told that it is none. */
NODISCARD bool history_number(const struct cli *cli, const char *text, int64_t *ret_number);

/* "90s", "10m", "1h30m", 0 to a week.  False: it has told that it is none. */
NODISCARD bool history_duration(const struct cli *cli, const char *flag, int64_t *ret_us);

/* The versions of a project, newest first: at most `most`, with `query` ("&good=yes") appended. */
NODISCARD int history_versions(struct history *history, const char *project, const char *query,
                               size_t most, cJSON **ret_items, bool *ret_more, struct err *reterr);

/* The version of that number; 0: the newest.  ERR_NOT_FOUND. */
NODISCARD int history_version(struct history *history, const char *project, int64_t number,
                              cJSON **ret_deployment, struct err *reterr);

/* A member as a number, 0 if it is none. */
int64_t history_int(const cJSON *object, const char *key);

/* A version's path: "/api/deployments/17" and `rest`. */
const char *history_path(struct history *history, const cJSON *deployment, const char *rest);

/* Sends what changes something; `body` may be NULL.  *ret_json is the answer's, NULL: none. */
NODISCARD int history_post(struct history *history, const char *path, const cJSON *body,
                           const char *if_match, cJSON **ret_json, struct err *reterr);

/* After a 202: waits for the operation in `answer`, and for the version that it makes, at most
 * --timeout; shows progress and, if it failed, the evidence.  Returns an enum cli_exit. */
int history_wait(struct history *history, const cJSON *answer);

/* ---- Commands that change something (history_tell.c) ------------------------------------ */

/* Whether --timeout and --if-generation, where there are such, can be read; asked before anything
 * is begun.  False: it has told that they cannot. */
NODISCARD bool history_check_flags(const struct cli *cli);
bool history_is_dry(const struct cli *cli); /* --dry-run */

/* {"reason": --reason, "dryRun": --dry-run}, as far as they are given. */
cJSON *history_body(struct history *history);

/* As whom it was done: the answer's word, else the recorder is asked; "you" if it does not say. */
const char *history_who(struct history *history, const cJSON *answer);

/* Says `done` with the operation's number, and what the recorder warns of; then --wait. */
int history_tell(struct history *history, const cJSON *answer, const char *done);

/* A version's image, "?" if it is not known. */
const char *history_image(const cJSON *deployment);

/* Prints JSON for tools. */
void history_print_json(const struct history *history, const cJSON *root);

#endif
