/* proctor history rollback (undo) and undelete: the way back. */
#include "cli/history/history.h"

#include "client/client.h"

#include <string.h>

#define GOOD_SEARCHED 1000U

/* ---- rollback --------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The newest good version whose template is not the current one's, and is not held. */
static int last_good(struct history *history, const char *project, cJSON **ret_target,
                     struct err *reterr)
{
    cJSON *items, *answer, *item;
    bool more;
    int r =
        recorder_get(history->recorder, client_path(&history->arena, "/api/projects/%s", project),
                     &answer, reterr);
    if (r < 0)
        return r;
    const cJSON *current = json_get(answer, "current");
    const char *now = json_get_string(current, "template");
    r = history_versions(history, project, "&good=yes", GOOD_SEARCHED, &items, &more, reterr);
    if (r < 0)
        return r;
    cJSON_ArrayForEach(item, items)
    {
        if (json_is_true(json_get(item, "current")) || json_is_true(json_get(item, "held")) ||
            same_text(json_get_string(item, "template"), now))
            continue;
        *ret_target = item;
        return 0;
    }
    return err_set(reterr, ERR_REFUSED,
                   "NoGoodRevision: no other version of %s is known to be good; choose one by "
                   "--to N: proctor history list %s",
                   project, project);
}

static int rollback(struct history *history, const char *project, int64_t number)
{
    const struct cli *cli = history->cli;
    struct arena *arena = &history->arena;
    const bool dry = history_is_dry(cli);
    cJSON *target, *answer, *body = history_body(history);
    struct err err;
    const int r = number > 0 ? history_version(history, project, number, &target, &err)
                             : last_good(history, project, &target, &err);
    if (r < 0)
        return history_fail(history, &err);
    if (cli_flag_bool(cli, "resume"))
        json_add(arena, body, "resume", json_new_bool(arena, true));
    if (history_post(history, history_path(history, target, "/rollback"), body,
                     cli_flag_string(cli, "if-generation"), &answer, &err) < 0)
        return history_fail(history, &err);
    const char *done =
        arena_printf(arena, "%s %s back to version %lld (%s), as %s", project,
                     dry ? "would go" : "goes", (long long)history_int(target, "number"),
                     history_image(target), history_who(history, answer));
    return history_tell(history, answer, done);
}

static int run_rollback(struct cli *cli)
{
    struct history history;
    const char *project = history_project(cli, 0);
    const char *to = project != NULL ? cli_flag_string(cli, "to") : NULL;
    int64_t number = 0;
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\": --to N says where to go back",
                               cli->arguments[1]);
    if ((to != NULL && !history_number(cli, to, &number)) || !history_check_flags(cli) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, rollback(&history, project, number));
}

static const struct cli_flag rollback_flags[] = {
    HISTORY_FLAGS,
    HISTORY_WAIT_FLAGS,
    {.name = "to", .value = "N", .help = "which version; else the newest other good one"},
    HISTORY_REASON_FLAG,
    {.name = "resume", .help = "also if the Deployment is paused: then it is resumed"},
    HISTORY_DRY_FLAG,
    HISTORY_GENERATION_FLAG,
    {0}};

#define ROLLBACK_HELP                                                                              \
    "Deploys the pod template of an earlier version again, as a new version: never a flip\n"       \
    "back to what failed, and the next `kubectl apply`, client-side or server-side, goes on\n"     \
    "cleanly.  Replicas stay as they are.  Policies judge it as any other change; what they\n"     \
    "would refuse is not begun.  No question is asked: --dry-run is the question.\n"               \
    "\n"                                                                                           \
    "Examples:\n"                                                                                  \
    "  proctor history rollback student-2024001 --wait\n"                                          \
    "  proctor history rollback student-2024001 --to 3 --reason 'version 7 loses data'\n"          \
    "  proctor history rollback student-2024001 --to 3 --dry-run\n"                                \
    "\n"                                                                                           \
    "Exit codes: 0 begun (with --wait: complete), 1 refused, or (--wait) it failed, 2 wrong\n"     \
    "use, or it could not be asked, 3 --wait timed out, 4 --wait: something newer came.\n"

extern const struct command cmd_history_rollback;
const struct command cmd_history_rollback = {
    .name = "rollback",
    .summary = "go back to a good version",
    .usage = "PROJECT [--to N] [--wait] [flags]",
    .help = ROLLBACK_HELP,
    .flags = rollback_flags,
    .run = run_rollback,
};

extern const struct command cmd_history_undo;
const struct command cmd_history_undo = {
    .name = "undo",
    .summary = "the same as rollback, in kubectl's word",
    .usage = "PROJECT [--to N] [--wait] [flags]",
    .help = ROLLBACK_HELP,
    .flags = rollback_flags,
    .run = run_rollback,
};

/* ---- undelete --------------------------------------------------------------------------- */

static int undelete(struct history *history, const char *project, int64_t number)
{
    struct arena *arena = &history->arena;
    cJSON *deployment = NULL, *answer, *body = history_body(history);
    struct err err;
    if (number > 0 && history_version(history, project, number, &deployment, &err) < 0)
        return history_fail(history, &err);
    if (deployment != NULL)
        json_add(arena, body, "deployment", json_new_int(arena, history_int(deployment, "id")));
    if (history_post(history, client_path(arena, "/api/projects/%s/undelete", project), body, NULL,
                     &answer, &err) < 0)
        return history_fail(history, &err);
    const char *from = deployment == NULL
                           ? "its newest good version"
                           : arena_printf(arena, "version %lld (%s)", (long long)number,
                                          history_image(deployment));
    const char *done = arena_printf(arena, "%s is made again from %s, as %s", project, from,
                                    history_who(history, answer));
    return history_tell(history, answer, done);
}

static int run_undelete(struct cli *cli)
{
    struct history history;
    const char *project = history_project(cli, 0);
    const char *to = project != NULL ? cli_flag_string(cli, "to") : NULL;
    int64_t number = 0;
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
    if ((to != NULL && !history_number(cli, to, &number)) || !history_check_flags(cli) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, undelete(&history, project, number));
}

static const struct cli_flag undelete_flags[] = {
    HISTORY_FLAGS,
    HISTORY_WAIT_FLAGS,
    {.name = "to", .value = "N", .help = "from which version; else the newest good one"},
    HISTORY_REASON_FLAG,
    HISTORY_DRY_FLAG,
    {0}};

extern const struct command cmd_history_undelete;
const struct command cmd_history_undelete = {
    .name = "undelete",
    .summary = "make a deleted Deployment again",
    .usage = "PROJECT [--to N] [--wait] [flags]",
    .help = "Creates a Deployment that was deleted, from what the history knows of it.  Its\n"
            "numbers go on where they were.  Services, Ingresses and the like are not the\n"
            "history's: if they were deleted too, apply them again.\n"
            "\n"
            "Examples:\n"
            "  proctor history undelete student-2024001 --wait\n"
            "  proctor history undelete student-2024001 --to 3\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = undelete_flags,
    .run = run_undelete,
};
