/* proctor history rollback, cancel, restart, pause, resume, undelete, mark, holds: what changes
 * something, asked of the recorder, which writes down who asked. */
#include "cli/history.h"

#include "cli/cluster.h"
#include "cli/table.h"
#include "client/client.h"

#include <string.h>

#define GOOD_SEARCHED 1000U
#define SHA_BYTES     64U
#define SHA_SHOWN     12

static const char *image_of(const cJSON *deployment)
{
    const char *image = json_get_string(deployment, "image");
    return image != NULL ? image : "?";
}

static void add_text(struct history *history, cJSON *body, const char *key, const char *value)
{
    if (value != NULL)
        json_add(&history->arena, body, key, json_new_string(&history->arena, value));
}

static cJSON *new_body(struct history *history)
{
    cJSON *body = json_new_object(&history->arena);
    add_text(history, body, "reason", cli_flag_string(history->cli, "reason"));
    return body;
}

static void print_visible_line(FILE *out, const char *text)
{
    cli_print_visible(out, text);
    fputc('\n', out);
}

/* As whom the recorder takes us; "you" if it does not say. */
static const char *who_am_i(struct history *history)
{
    cJSON *answer;
    struct err err;
    if (recorder_get(history->recorder, "/api/whoami", &answer, &err) < 0)
        return "you";
    const char *user = json_get_string(answer, "user");
    return user != NULL ? user : "you";
}

/* "done" in words, then the operation; then --wait. */
static int tell(struct history *history, const cJSON *answer, const char *done, bool wait)
{
    const struct cli *cli = history->cli;
    const char *warning = json_get_string(answer, "warning");
    const int64_t operation = history_int(json_get(answer, "operation"), "id");
    const bool dry =
        cli_flag_find(cli->command, "dry-run") != NULL && cli_flag_bool(cli, "dry-run");
    if (warning != NULL) {
        fprintf(cli->err, "%swarning:%s ", cli->err_colour ? "\033[33m" : "",
                cli->err_colour ? "\033[0m" : "");
        print_visible_line(cli->err, warning);
    }
    if (history->json && !(wait && !dry))
        history_print_json(history, answer);
    if (!history->json) {
        cli_print_visible(cli->out, done);
        if (operation > 0 && !dry)
            fprintf(cli->out, " (operation %lld)", (long long)operation);
        fputc('\n', cli->out);
        if (dry)
            fputs("Nothing was changed: --dry-run.\n", cli->out);
        fflush(cli->out);
    }
    return wait && !dry ? history_wait(history, answer) : CLI_FINE;
}

static bool wants_wait(const struct cli *cli)
{
    return cli_flag_find(cli->command, "wait") != NULL && cli_flag_bool(cli, "wait");
}

/* Asked before anything is begun. */
static bool check_flags(const struct cli *cli)
{
    int64_t timeout_us;
    return cli_flag_find(cli->command, "timeout") == NULL ||
           history_duration(cli, "timeout", &timeout_us);
}

/* A generation as If-Match; false: it has told that it is none. */
static bool check_generation(const struct cli *cli, const char **ret_generation)
{
    const char *text = cli_flag_string(cli, "if-generation");
    *ret_generation = text;
    if (text == NULL || (text[0] >= '1' && text[0] <= '9' && strlen(text) < 19 &&
                         strspn(text, "0123456789") == strlen(text)))
        return true;
    cli_usage_error(cli, "--if-generation is \"%.40s\", but must be metadata.generation, a number",
                    text);
    return false;
}

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

static int rollback(struct history *history, const char *project, int64_t number,
                    const char *generation)
{
    const struct cli *cli = history->cli;
    struct arena *arena = &history->arena;
    const bool dry = cli_flag_bool(cli, "dry-run");
    cJSON *target, *answer, *body = new_body(history);
    struct err err;
    const int r = number > 0 ? history_version(history, project, number, &target, &err)
                             : last_good(history, project, &target, &err);
    if (r < 0)
        return history_fail(history, &err);
    if (cli_flag_bool(cli, "resume"))
        json_add(arena, body, "resume", json_new_bool(arena, true));
    if (dry)
        json_add(arena, body, "dryRun", json_new_bool(arena, true));
    if (history_post(history, history_path(history, target, "/rollback"), body, generation, &answer,
                     &err) < 0)
        return history_fail(history, &err);
    const char *done = arena_printf(
        arena, "%s %s back to version %lld (%s), as %s", project, dry ? "would go" : "goes",
        (long long)history_int(target, "number"), image_of(target), who_am_i(history));
    return tell(history, answer, done, wants_wait(cli));
}

static int run_rollback(struct cli *cli)
{
    struct history history;
    const char *project = history_project(cli, 0), *generation;
    const char *to = project != NULL ? cli_flag_string(cli, "to") : NULL;
    int64_t number = 0;
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\": --to N says where to go back",
                               cli->arguments[1]);
    if ((to != NULL && !history_number(cli, to, &number)) || !check_flags(cli) ||
        !check_generation(cli, &generation) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, rollback(&history, project, number, generation));
}

#define REASON_FLAG                                                                                \
    {                                                                                              \
        .name = "reason", .value = "TEXT", .help = "why, for those who read on"                    \
    }
#define GENERATION_FLAG                                                                            \
    {                                                                                              \
        .name = "if-generation", .value = "N",                                                     \
        .help = "only if metadata.generation is still this one"                                    \
    }

static const struct cli_flag rollback_flags[] = {
    HISTORY_FLAGS,
    HISTORY_WAIT_FLAGS,
    {.name = "to", .value = "N", .help = "which version; else the newest other good one"},
    REASON_FLAG,
    {.name = "resume", .help = "also if the Deployment is paused: then it is resumed"},
    {.name = "dry-run", .help = "ask whether it would be let through, and change nothing"},
    GENERATION_FLAG,
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

/* ---- what is done to a project ---------------------------------------------------------- */

static const struct cli_flag change_flags[] = {
    HISTORY_FLAGS, HISTORY_WAIT_FLAGS, REASON_FLAG, GENERATION_FLAG, {0}};

/* One argument, and the flags that each of these has. */
static bool check_project(const struct cli *cli, const char **ret_project,
                          const char **ret_generation)
{
    *ret_project = history_project(cli, 0);
    if (*ret_project == NULL)
        return false;
    if (cli->argument_count > 1) {
        cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
        return false;
    }
    return check_flags(cli) && check_generation(cli, ret_generation);
}

static int change_project(struct cli *cli, const char *verb, const char *words)
{
    struct history history;
    const char *project, *generation;
    cJSON *answer;
    struct err err;
    if (!check_project(cli, &project, &generation) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    const char *path = client_path(&history.arena, "/api/projects/%s/%s", project, verb);
    if (history_post(&history, path, new_body(&history), generation, &answer, &err) < 0)
        return history_close(&history, history_fail(&history, &err));
    const char *done =
        arena_printf(&history.arena, "%s %s, by %s", project, words, who_am_i(&history));
    return history_close(&history, tell(&history, answer, done, wants_wait(cli)));
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
            "  proctor history restart student-2024001 --reason 'new data' --wait\n",
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
            "  proctor history pause student-2024001 --reason 'exam until 12:00'\n",
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
            "  proctor history resume student-2024001\n",
    .flags = change_flags,
    .run = run_resume,
};

/* ---- cancel ----------------------------------------------------------------------------- */

static int cancel(struct history *history, const char *project, const char *generation)
{
    cJSON *deployment, *answer;
    struct err err;
    if (history_version(history, project, 0, &deployment, &err) < 0 ||
        history_post(history, history_path(history, deployment, "/cancel"), new_body(history),
                     generation, &answer, &err) < 0)
        return history_fail(history, &err);
    const char *done =
        arena_printf(&history->arena, "version %lld of %s is cancelled, by %s",
                     (long long)history_int(deployment, "number"), project, who_am_i(history));
    return tell(history, answer, done, wants_wait(history->cli));
}

static int run_cancel(struct cli *cli)
{
    struct history history;
    const char *project, *generation;
    if (!check_project(cli, &project, &generation) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, cancel(&history, project, generation));
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
            "  proctor history cancel student-2024001 --reason 'wrong branch'\n",
    .flags = change_flags,
    .run = run_cancel,
};

/* ---- undelete --------------------------------------------------------------------------- */

static int undelete(struct history *history, const char *project, int64_t number)
{
    struct arena *arena = &history->arena;
    cJSON *deployment = NULL, *answer, *body = new_body(history);
    struct err err;
    if (number > 0 && history_version(history, project, number, &deployment, &err) < 0)
        return history_fail(history, &err);
    if (deployment != NULL)
        json_add(arena, body, "deployment", json_new_int(arena, history_int(deployment, "id")));
    if (history_post(history, client_path(arena, "/api/projects/%s/undelete", project), body, NULL,
                     &answer, &err) < 0)
        return history_fail(history, &err);
    const char *from = deployment == NULL ? "its newest good version"
                                          : arena_printf(arena, "version %lld (%s)",
                                                         (long long)number, image_of(deployment));
    const char *done =
        arena_printf(arena, "%s is made again from %s, as %s", project, from, who_am_i(history));
    return tell(history, answer, done, wants_wait(history->cli));
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
    if ((to != NULL && !history_number(cli, to, &number)) || !check_flags(cli) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, undelete(&history, project, number));
}

static const struct cli_flag undelete_flags[] = {
    HISTORY_FLAGS,
    HISTORY_WAIT_FLAGS,
    {.name = "to", .value = "N", .help = "from which version; else the newest good one"},
    REASON_FLAG,
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
            "  proctor history undelete student-2024001 --to 3\n",
    .flags = undelete_flags,
    .run = run_undelete,
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
    cJSON *deployment, *answer, *body = new_body(history);
    struct err err;
    add_text(history, body, "good", good);
    if (history_version(history, project, number, &deployment, &err) < 0 ||
        history_post(history, history_path(history, deployment, "/mark"), body, NULL, &answer,
                     &err) < 0)
        return history_fail(history, &err);
    const char *done = arena_printf(&history->arena, "version %lld of %s is marked %s, by %s",
                                    (long long)number, project,
                                    strcmp(good, "yes") == 0  ? "good"
                                    : strcmp(good, "no") == 0 ? "bad"
                                                              : "neither good nor bad",
                                    who_am_i(history));
    return tell(history, answer, done, false);
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

static const struct cli_flag mark_flags[] = {HISTORY_FLAGS, REASON_FLAG, {0}};

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
            "  proctor history mark student-2024001 6 good\n",
    .flags = mark_flags,
    .run = run_mark,
};

/* ---- holds ------------------------------------------------------------------------------ */

static const char *numbers_of(struct arena *arena, const cJSON *hold)
{
    const cJSON *number;
    struct buf text;
    buf_init(&text, arena, 4096);
    cJSON_ArrayForEach(number, json_get(hold, "deployments"))
    {
        char scratch[32];
        if (json_is_number(number))
            buf_add_strings(&text, text.length > 0 ? ", " : "", json_number_text(number, scratch),
                            NULL);
    }
    return text.data;
}

static void print_holds(struct history *history, const char *project, const cJSON *items)
{
    static const char *const heads[] = {"TEMPLATE", "VERSIONS", "SET BY", "AGE",
                                        "UNTIL",    "REASON",   NULL};
    struct arena *arena = &history->arena;
    struct table table;
    const cJSON *hold;
    if (json_count(items) == 0) {
        fprintf(history->cli->err, "Nothing of %s is held back.\n", project);
        return;
    }
    table_init(&table, arena, heads);
    cJSON_ArrayForEach(hold, items)
    {
        const char *sha = json_get_string(hold, "template");
        const int64_t at = table_time(json_get_string(hold, "setAt"));
        const char *until = json_get_string(hold, "until");
        table_add(&table, sha != NULL ? arena_printf(arena, "%.*s", SHA_SHOWN, sha) : NULL);
        table_add(&table, numbers_of(arena, hold));
        table_add(&table, json_get_string(hold, "setBy"));
        table_add(&table, at != 0 ? table_age(arena, history->now - at) : NULL);
        table_add(&table, until != NULL ? until : "lifted");
        table_add(&table, json_get_string(hold, "reason"));
    }
    table_print(&table, history->cli, "");
    fprintf(history->cli->out, "To let one go: proctor history holds %s --lift NUMBER\n", project);
}

static int read_holds(struct history *history, const char *project, cJSON **ret_items,
                      struct err *reterr)
{
    struct recorder_answer answer;
    const struct recorder_call call = {
        .path = client_path(&history->arena, "/api/projects/%s/holds", project)};
    const int r = recorder_ask(history->recorder, &call, &answer, reterr);
    if (r < 0)
        return r;
    cJSON *items = json_get(answer.json, "items");
    *ret_items = items != NULL ? items : answer.json;
    return 0;
}

/* What the person named: a version's number, or the beginning of a template's digest. */
static int held_template(struct history *history, const char *project, const char *text,
                         const char **ret_sha, struct err *reterr)
{
    struct arena *arena = &history->arena;
    cJSON *holds;
    const cJSON *hold, *number;
    const int r = read_holds(history, project, &holds, reterr);
    if (r < 0)
        return r;
    cJSON_ArrayForEach(hold, holds)
    {
        const char *sha = json_get_string(hold, "template");
        if (sha != NULL && strlen(text) >= 6 && strncmp(sha, text, strlen(text)) == 0)
            *ret_sha = sha;
        cJSON_ArrayForEach(number, json_get(hold, "deployments"))
        {
            char scratch[32];
            if (json_is_number(number) && strcmp(json_number_text(number, scratch), text) == 0)
                *ret_sha = sha;
        }
    }
    if (*ret_sha != NULL && strlen(*ret_sha) <= SHA_BYTES)
        return 0;
    return err_set(reterr, ERR_NOT_FOUND,
                   "nothing of %s is held back under \"%s\": proctor history holds %s", project,
                   cluster_shell_word(arena, text), project);
}

static int lift(struct history *history, const char *project, const char *text)
{
    struct arena *arena = &history->arena;
    const char *sha = NULL;
    struct recorder_answer answer;
    struct err err;
    if (held_template(history, project, text, &sha, &err) < 0)
        return history_fail(history, &err);
    const struct recorder_call call = {
        .method = "DELETE",
        .path = arena_printf(arena, "%s?template=%s",
                             client_path(arena, "/api/projects/%s/holds", project),
                             client_path(arena, "%s", sha))};
    if (recorder_ask(history->recorder, &call, &answer, &err) < 0)
        return history_fail(history, &err);
    const char *done = arena_printf(arena, "%.*s of %s may be deployed again, by %s", SHA_SHOWN,
                                    sha, project, who_am_i(history));
    return tell(history, answer.json, done, false);
}

static int holds(struct history *history, const char *project)
{
    cJSON *items;
    struct err err;
    if (read_holds(history, project, &items, &err) < 0)
        return history_fail(history, &err);
    if (history->json)
        history_print_json(history, items);
    else
        print_holds(history, project, items);
    return CLI_FINE;
}

static int run_holds(struct cli *cli)
{
    struct history history;
    const char *project = history_project(cli, 0), *text = cli_flag_string(cli, "lift");
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
    if (history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history,
                         text != NULL ? lift(&history, project, text) : holds(&history, project));
}

static const struct cli_flag holds_flags[] = {
    HISTORY_FLAGS,
    {.name = "lift", .value = "N", .help = "let this version (or template) be deployed again"},
    {0}};

extern const struct command cmd_history_holds;
const struct command cmd_history_holds = {
    .name = "holds",
    .summary = "versions that may not come back, and letting them",
    .usage = "PROJECT [--lift N] [flags]",
    .help = "After an automatic rollback what had failed is held back: applying it again is\n"
            "refused, so that the next pipeline run does not undo the rollback.  This shows what\n"
            "is held, by whom and why; --lift lets it go.\n"
            "\n"
            "Examples:\n"
            "  proctor history holds student-2024001\n"
            "  proctor history holds student-2024001 --lift 7\n",
    .flags = holds_flags,
    .run = run_holds,
};
