/* proctor history restart, pause, resume, cancel, mark: what is done to a project as it is. */
#include "cli/history/history.h"

#include "client/client.h"

#include <string.h>

/* ---- what is done to a project ---------------------------------------------------------- */

static const struct cli_flag change_flags[] = {HISTORY_FLAGS,           HISTORY_WAIT_FLAGS,
                                               HISTORY_REASON_FLAG,     HISTORY_DRY_FLAG,
                                               HISTORY_GENERATION_FLAG, {0}};

/* One argument, and the flags that each of these has. */
static bool check_project(const struct cli *cli, const char **ret_project)
{
    *ret_project = history_project(cli, 0);
    if (*ret_project == NULL)
        return false;
    if (cli->argument_count > 1) {
        cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
        return false;
    }
    return history_check_flags(cli);
}

static int change_project(struct cli *cli, const char *verb, const char *words)
{
    struct history history;
    const char *project;
    cJSON *answer;
    struct err err;
    if (!check_project(cli, &project) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    const char *path = client_path(&history.arena, "/api/projects/%s/%s", project, verb);
    if (history_post(&history, path, history_body(&history), cli_flag_string(cli, "if-generation"),
                     &answer, &err) < 0)
        return history_close(&history, history_fail(&history, &err));
    const char *done =
        arena_printf(&history.arena, "%s %s, by %s", project, words, history_who(&history, answer));
    return history_close(&history, history_tell(&history, answer, done));
}

static int run_restart(struct cli *cli)
{
    return change_project(cli, "restart", "starts its pods anew, one after the other");
}

static int run_pause(struct cli *cli)
{
    return change_project(cli, "pause", "is paused: changes are stored, and not rolled out");
}

static int run_resume(struct cli *cli)
{
    return change_project(cli, "resume", "is resumed");
}

extern const struct command cmd_history_restart;
const struct command cmd_history_restart = {
    .name = "restart",
    .summary = "start a project's pods anew, without a change",
    .usage = "PROJECT [--reason TEXT] [--wait] [flags]",
    .help = "As `kubectl rollout restart`: new pods of the same template, one after the other, so\n"
            "that the project goes on serving.  It is a version of its own in the history.\n"
            "\n"
            "Example:\n"
            "  proctor history restart student-2024001 --reason 'new data' --wait\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = change_flags,
    .run = run_restart,
};

extern const struct command cmd_history_pause;
const struct command cmd_history_pause = {
    .name = "pause",
    .summary = "store changes, and roll nothing out",
    .usage = "PROJECT [--reason TEXT] [flags]",
    .help = "As `kubectl rollout pause`: what is changed from now on is rolled out together, by\n"
            "`proctor history resume`.  The recorder's clocks stand still meanwhile.\n"
            "\n"
            "Example:\n"
            "  proctor history pause student-2024001 --reason 'exam until 12:00'\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = change_flags,
    .run = run_pause,
};

extern const struct command cmd_history_resume;
const struct command cmd_history_resume = {
    .name = "resume",
    .summary = "roll out what was changed since pause",
    .usage = "PROJECT [--reason TEXT] [flags]",
    .help = "As `kubectl rollout resume`.\n"
            "\n"
            "Example:\n"
            "  proctor history resume student-2024001\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = change_flags,
    .run = run_resume,
};

/* ---- cancel ----------------------------------------------------------------------------- */

static int cancel(struct history *history, const char *project)
{
    cJSON *deployment, *answer;
    struct err err;
    if (history_version(history, project, 0, &deployment, &err) < 0 ||
        history_post(history, history_path(history, deployment, "/cancel"), history_body(history),
                     cli_flag_string(history->cli, "if-generation"), &answer, &err) < 0)
        return history_fail(history, &err);
    const char *done = arena_printf(&history->arena, "version %lld of %s is cancelled, by %s",
                                    (long long)history_int(deployment, "number"), project,
                                    history_who(history, answer));
    return history_tell(history, answer, done);
}

static int run_cancel(struct cli *cli)
{
    struct history history;
    const char *project;
    if (!check_project(cli, &project) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, cancel(&history, project));
}

extern const struct command cmd_history_cancel;
const struct command cmd_history_cancel = {
    .name = "cancel",
    .summary = "stop a version that is under way",
    .usage = "PROJECT [--reason TEXT] [--wait] [flags]",
    .help = "Stops the newest version while it is rolled out: back to the last good one, in one\n"
            "write.  Without a good one the Deployment is paused, and that is said.\n"
            "\n"
            "Example:\n"
            "  proctor history cancel student-2024001 --reason 'wrong branch'\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = change_flags,
    .run = run_cancel,
};

/* ---- mark ------------------------------------------------------------------------------- */

static const char *good_word(const char *word)
{
    static const struct {
        const char *word, *good;
    } rows[] = {
        {"good", "yes"}, {"yes", "yes"}, {"bad", "no"}, {"no", "no"}, {"unknown", "unknown"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].good;
    }
    return NULL;
}

static int mark(struct history *history, const char *project, int64_t number, const char *good)
{
    cJSON *deployment, *answer, *body = history_body(history);
    struct err err;
    json_add(&history->arena, body, "good", json_new_string(&history->arena, good));
    if (history_version(history, project, number, &deployment, &err) < 0 ||
        history_post(history, history_path(history, deployment, "/mark"), body, NULL, &answer,
                     &err) < 0)
        return history_fail(history, &err);
    const char *done = arena_printf(&history->arena, "version %lld of %s is marked %s, by %s",
                                    (long long)number, project,
                                    strcmp(good, "yes") == 0  ? "good"
                                    : strcmp(good, "no") == 0 ? "bad"
                                                              : "neither good nor bad",
                                    history_who(history, answer));
    return history_tell(history, answer, done);
}

static int run_mark(struct cli *cli)
{
    struct history history;
    int64_t number;
    const char *project = history_project(cli, 0);
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count != 3)
        return cli_usage_error(cli, "a number and good, bad or unknown belong behind the project");
    const char *good = good_word(cli->arguments[2]);
    if (good == NULL)
        return cli_usage_error(cli, "\"%.40s\" is not one of good, bad, unknown",
                               cli->arguments[2]);
    if (!history_number(cli, cli->arguments[1], &number) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, mark(&history, project, number, good));
}

static const struct cli_flag mark_flags[] = {HISTORY_FLAGS, HISTORY_REASON_FLAG, {0}};

extern const struct command cmd_history_mark;
const struct command cmd_history_mark = {
    .name = "mark",
    .summary = "say whether a version is good",
    .usage = "PROJECT N good|bad|unknown [--reason TEXT] [flags]",
    .help = "Overrules what the recorder thinks of a version: a rollback goes to versions that\n"
            "are good, and never by itself to one that is bad.  Who said so is kept.\n"
            "\n"
            "Examples:\n"
            "  proctor history mark student-2024001 7 bad --reason 'computes wrong levels'\n"
            "  proctor history mark student-2024001 6 good\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = mark_flags,
    .run = run_mark,
};
