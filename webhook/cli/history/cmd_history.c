/* proctor history: what was deployed, by whom, how it ended, and the way back.  This file: the
 * group, and what only looks. */
#include "cli/history/history.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "cli/history/evidence.h"
#include "cli/output/diff.h"
#include "cli/output/table.h"
#include "client/client.h"

#include <string.h>

#define VERSIONS_MAX 100000
#define PROJECTS_MAX 10000U
#define SHA_SHOWN    12

static bool is_wide(const struct cli *cli)
{
    return strcmp(cli_flag_string(cli, "output"), "wide") == 0;
}

/* "student-2024001:v7" of "registry.hydrosim.edu/student-2024001:v7". */
static const char *short_image(const char *image)
{
    const char *slash = image != NULL ? strrchr(image, '/') : NULL;
    return slash != NULL ? slash + 1 : image;
}

static const char *image_text(struct arena *arena, const cJSON *deployment, bool wide)
{
    const char *image = json_get_string(deployment, "image");
    const size_t count = json_count(json_get(deployment, "images"));
    const char *text = wide ? image : short_image(image);
    return count > 1 && text != NULL ? arena_printf(arena, "%s +%zu", text, count - 1) : text;
}

static const char *number_text(struct arena *arena, const cJSON *deployment)
{
    return arena_printf(arena, "%lld%s", (long long)history_int(deployment, "number"),
                        json_is_true(json_get(deployment, "current")) ? " *" : "");
}

static const char *status_text(struct arena *arena, const cJSON *deployment)
{
    const char *status = json_get_string(deployment, "status");
    if (status == NULL || strcmp(status, "InProgress") != 0)
        return status;
    return arena_printf(arena, "InProgress %lld%%", (long long)history_int(deployment, "progress"));
}

static const char *good_text(struct arena *arena, const cJSON *deployment)
{
    const char *good = json_get_string(deployment, "good");
    if (good == NULL || strcmp(good, "unknown") == 0)
        return NULL;
    return json_get_string(deployment, "goodBy") != NULL ? arena_printf(arena, "%s, marked", good)
                                                         : good;
}

static enum cli_colour good_colour(const cJSON *deployment)
{
    const char *good = json_get_string(deployment, "good");
    if (good == NULL || strcmp(good, "unknown") == 0)
        return CLI_PLAIN;
    return strcmp(good, "yes") == 0 ? CLI_GREEN : CLI_RED;
}

static const char *when_text(struct arena *arena, const cJSON *deployment, int64_t now)
{
    const int64_t began = table_time(json_get_string(deployment, "startedAt"));
    return began != 0 ? table_age(arena, now - began) : NULL;
}

/* "rollback to 3"; the version may be too old to be among those that are shown. */
static const char *rollback_text(struct arena *arena, const cJSON *deployment, const cJSON *items)
{
    const int64_t source = history_int(deployment, "source");
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (history_int(item, "id") == source && source != 0)
            return arena_printf(arena, "rollback to %lld", (long long)history_int(item, "number"));
    }
    return "rollback";
}

/* Why it is there, and if it ended badly, why: of what it has the most telling. */
static const char *why_text(struct arena *arena, const cJSON *deployment, const cJSON *items)
{
    const char *cause = json_get_string(deployment, "changeCause");
    const char *kind = json_get_string(deployment, "changeKind");
    const char *reason = json_get_string(deployment, "reason");
    const bool back = json_get(deployment, "rollbackOf") != NULL;
    const char *why = cause != NULL ? cause : kind;
    if (back && cause != NULL)
        why = arena_printf(arena, "%s: %s", rollback_text(arena, deployment, items), cause);
    else if (back)
        why = rollback_text(arena, deployment, items);
    if (reason == NULL)
        return why;
    return why == NULL ? reason : arena_printf(arena, "%s; %s", why, reason);
}

/* ---- list ------------------------------------------------------------------------------- */

static void add_version(struct table *table, const cJSON *deployment, const cJSON *items, bool wide,
                        int64_t now)
{
    struct arena *arena = table->arena;
    const char *status = json_get_string(deployment, "status");
    const char *sha = json_get_string(deployment, "template");
    table_add_coloured(table, number_text(arena, deployment),
                       json_is_true(json_get(deployment, "current")) ? CLI_BOLD : CLI_PLAIN);
    table_add_coloured(table, status_text(arena, deployment), evidence_colour(status));
    table_add_coloured(table, good_text(arena, deployment), good_colour(deployment));
    table_add(table, image_text(arena, deployment, wide));
    table_add(table, evidence_who(arena, deployment));
    table_add(table, when_text(arena, deployment, now));
    if (wide) {
        table_add(table, sha != NULL ? arena_printf(arena, "%.*s", SHA_SHOWN, sha) : NULL);
        table_add(table,
                  arena_printf(arena, "%lld", (long long)history_int(deployment, "generation")));
        table_add(table, json_get_string(deployment, "replicaSet"));
        table_add(table, json_get_string(deployment, "origin"));
    }
    table_add(table, why_text(arena, deployment, items));
}

static void print_versions(struct history *history, const cJSON *items)
{
    static const char *const heads[] = {"NUMBER", "STATUS", "GOOD", "IMAGE",
                                        "WHO",    "AGE",    "WHY",  NULL};
    static const char *const wide_heads[] = {"NUMBER",     "STATUS", "GOOD",     "IMAGE",
                                             "WHO",        "AGE",    "TEMPLATE", "GENERATION",
                                             "REPLICASET", "ORIGIN", "WHY",      NULL};
    const bool wide = is_wide(history->cli);
    const cJSON *item;
    struct table table;
    table_init(&table, &history->arena, wide ? wide_heads : heads);
    cJSON_ArrayForEach(item, items) add_version(&table, item, items, wide, history->now);
    table_print(&table, history->cli, "");
}

static const char *list_query(struct history *history)
{
    static const char *const flags[] = {"status", "good", "actor"};
    struct buf query;
    buf_init(&query, &history->arena, 4096);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const char *value = cli_flag_string(history->cli, flags[i]);
        if (value != NULL)
            buf_add_strings(&query, "&", flags[i], "=", client_path(&history->arena, "%s", value),
                            NULL);
    }
    return query.data;
}

static int list_versions(struct history *history, const char *project, long limit)
{
    cJSON *items;
    struct err err;
    bool more = false;
    if (history_versions(history, project, list_query(history), (size_t)limit, &items, &more,
                         &err) < 0)
        return history_fail(history, &err);
    if (history->json) {
        history_print_json(history, items);
        return CLI_FINE;
    }
    if (json_count(items) == 0)
        fprintf(history->cli->err, "%s has no such versions.\n", project);
    else
        print_versions(history, items);
    if (more)
        fprintf(history->cli->err, "Older ones: --limit %ld\n", limit * 10);
    return CLI_FINE;
}

static void add_project(struct table *table, const cJSON *project, bool wide, int64_t now)
{
    struct arena *arena = table->arena;
    const cJSON *current = json_get(project, "current"), *good = json_get(project, "lastGood");
    const int64_t holds = history_int(project, "holds");
    table_add(table, json_get_string(project, "name"));
    table_add(table, current != NULL ? number_text(arena, current) : "gone");
    table_add_coloured(table, status_text(arena, current),
                       evidence_colour(json_get_string(current, "status")));
    table_add(table, image_text(arena, current, wide));
    table_add(table, evidence_who(arena, current));
    table_add(table, when_text(arena, current, now));
    table_add(table, good != NULL
                         ? arena_printf(arena, "%lld (%s)", (long long)history_int(good, "number"),
                                        image_text(arena, good, false) != NULL
                                            ? image_text(arena, good, false)
                                            : "?")
                         : NULL);
    table_add(table, holds > 0 ? arena_printf(arena, "%lld", (long long)holds) : NULL);
}

static int list_projects(struct history *history)
{
    static const char *const heads[] = {"PROJECT", "VERSION",   "STATUS", "IMAGE", "WHO",
                                        "AGE",     "LAST GOOD", "HELD",   NULL};
    cJSON *page = NULL, *all = json_new_array(&history->arena);
    const char *cursor = NULL;
    struct table table;
    struct err err;
    table_init(&table, &history->arena, heads);
    do {
        const char *path = arena_printf(
            &history->arena, "/api/projects?limit=200%s%s", cursor != NULL ? "&cursor=" : "",
            cursor != NULL ? client_path(&history->arena, "%s", cursor) : "");
        if (recorder_get(history->recorder, path, &page, &err) < 0)
            return history_fail(history, &err);
        const cJSON *item;
        cJSON_ArrayForEach(item, json_get(page, "items"))
        {
            add_project(&table, item, is_wide(history->cli), history->now);
            json_append(all, json_dup(&history->arena, item));
        }
        cursor = json_get_string(page, "nextCursor");
    } while (cursor != NULL && json_count(all) < PROJECTS_MAX);
    if (history->json)
        history_print_json(history, all);
    else if (json_count(all) == 0)
        fputs("No projects that you may see.\n", history->cli->err);
    else
        table_print(&table, history->cli, "");
    return CLI_FINE;
}

static int run_list(struct cli *cli)
{
    struct history history;
    long limit;
    const char *project = NULL;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
    if (!cli_flag_int(cli, "limit", 1, VERSIONS_MAX, &limit))
        return CLI_ERROR;
    if (cli->argument_count == 1 && (project = history_project(cli, 0)) == NULL)
        return CLI_ERROR;
    if (history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, project == NULL ? list_projects(&history)
                                                   : list_versions(&history, project, limit));
}

static const struct cli_flag list_flags[] = {
    HISTORY_FLAGS_WITH("text|wide|json"),
    {.name = "limit", .value = "N", .fallback = "20", .help = "at most so many, the newest"},
    {.name = "status", .value = "STATUS", .help = "only these: Completed, Failed, InProgress, ..."},
    {.name = "good", .value = "yes|no|unknown", .help = "only these"},
    {.name = "actor", .value = "USER", .help = "only what that user did"},
    {0}};

static const struct command cmd_list = {
    .name = "list",
    .summary = "the versions of a project, or all projects",
    .usage = "[PROJECT] [flags]",
    .help = "Shows every version of a project, the newest first, beyond Kubernetes' own limit and\n"
            "across deletions: its number, how it ended, whether it is known to be good, its\n"
            "image, who did it (and through what), when and why.  * is the current one.\n"
            "Without a project: all projects that you may see.\n"
            "\n"
            "GOOD is yes after a version has run for a while without a restart, no when it did\n"
            "restart; `proctor history mark` overrules it.\n"
            "\n"
            "Examples:\n"
            "  proctor history list\n"
            "  proctor history list student-2024001\n"
            "  proctor history list student-2024001 --status Failed -o wide\n"
            "  proctor history list deployment/student-2024001 -o json\n"
            "\n"
            "Exit codes: 0 shown, 2 it could not be asked.\n",
    .flags = list_flags,
    .run = run_list,
};

/* ---- show ------------------------------------------------------------------------------- */

/* The number of a version: --number or the argument behind the project; 0: not given. */
static bool wanted_number(const struct cli *cli, int64_t *ret_number)
{
    const char *text = cli_flag_string(cli, "number");
    *ret_number = 0;
    if (cli->argument_count > 2 || (cli->argument_count > 1 && text != NULL)) {
        cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[cli->argument_count - 1]);
        return false;
    }
    if (text == NULL && cli->argument_count > 1)
        text = cli->arguments[1];
    return text == NULL || history_number(cli, text, ret_number);
}

static void print_next(struct history *history, const char *project, const cJSON *deployment)
{
    const char *status = json_get_string(deployment, "status");
    if (!json_is_true(json_get(deployment, "current")) || status == NULL ||
        strcmp(status, "Failed") != 0)
        return;
    fprintf(history->cli->out, "Back to the last good version: proctor history rollback %s\n",
            project);
}

static int show(struct history *history, const char *project, int64_t number)
{
    cJSON *deployment, *evidence;
    struct err err;
    if (history_version(history, project, number, &deployment, &err) < 0 ||
        recorder_get(history->recorder, history_path(history, deployment, "/evidence"), &evidence,
                     &err) < 0)
        return history_fail(history, &err);
    if (history->json) {
        history_print_json(history, evidence);
        return CLI_FINE;
    }
    evidence_print(history->cli, &history->arena, evidence, history->now);
    print_next(history, project, json_get(evidence, "deployment"));
    return CLI_FINE;
}

static int run_show(struct cli *cli)
{
    struct history history;
    int64_t number;
    const char *project = history_project(cli, 0);
    if (project == NULL || !wanted_number(cli, &number) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, show(&history, project, number));
}

static const struct cli_flag show_flags[] = {
    HISTORY_FLAGS, {.name = "number", .value = "N", .help = "which version; else the newest"}, {0}};

static const struct command cmd_show = {
    .name = "show",
    .summary = "why a version failed, or how it fares, on one screen",
    .usage = "PROJECT [N] [flags]",
    .help = "Shows all that is known of one version, kept after its pods are gone: how it ended\n"
            "and why, who did it and when, each pod with what it waits for, its exit code and its\n"
            "last words, the digest of the image that really ran, Kubernetes' events, and what\n"
            "to do about it.\n"
            "\n"
            "Examples:\n"
            "  proctor history show student-2024001\n"
            "  proctor history show student-2024001 --number 7\n"
            "\n"
            "Exit codes: 0 shown, 2 it could not be asked, or there is no such version.\n",
    .flags = show_flags,
    .run = run_show,
};

/* ---- diff ------------------------------------------------------------------------------- */

static int read_template(struct history *history, const cJSON *deployment, const char **ret_text,
                         struct err *reterr)
{
    cJSON *answer;
    struct buf text;
    const int r = recorder_get(history->recorder, history_path(history, deployment, "/template"),
                               &answer, reterr);
    if (r < 0)
        return r;
    const cJSON *inner = json_get(answer, "template");
    buf_init(&text, &history->arena, LIMIT_ANSWER_BYTES);
    yaml_write(&text, json_is_object(inner) ? inner : answer);
    *ret_text = text.data;
    return 0;
}

static const char *side_name(struct history *history, const cJSON *deployment)
{
    return arena_printf(&history->arena, "version %lld",
                        (long long)history_int(deployment, "number"));
}

static void print_lines(const struct cli *cli, const struct buf *diff)
{
    fputs(diff->data, cli->out);
    if (diff->length > 0 && diff->data[diff->length - 1] != '\n')
        fputc('\n', cli->out);
}

static int diff_json(struct history *history, const cJSON *before, const cJSON *after)
{
    cJSON *answer;
    struct err err;
    const char *path =
        arena_printf(&history->arena, "%s?against=%lld", history_path(history, after, "/diff"),
                     (long long)history_int(before, "id"));
    if (recorder_get(history->recorder, path, &answer, &err) < 0)
        return history_fail(history, &err);
    history_print_json(history, answer);
    return CLI_FINE;
}

static int diff(struct history *history, const char *project, const int64_t numbers[2])
{
    cJSON *versions[2];
    const char *texts[2];
    struct buf text;
    struct err err;
    for (size_t i = 0; i < 2; i++) {
        if (history_version(history, project, numbers[i], &versions[i], &err) < 0)
            return history_fail(history, &err);
    }
    if (history->json)
        return diff_json(history, versions[0], versions[1]);
    for (size_t i = 0; i < 2; i++) {
        if (read_template(history, versions[i], &texts[i], &err) < 0)
            return history_fail(history, &err);
    }
    const struct diff_side before = {side_name(history, versions[0]), texts[0]};
    const struct diff_side after = {side_name(history, versions[1]), texts[1]};
    buf_init(&text, &history->arena, LIMIT_ANSWER_BYTES);
    diff_write(&history->arena, &before, &after, history->cli->colour, &text);
    if (text.length == 0)
        fprintf(history->cli->out, "Versions %lld and %lld have the same pod template.\n",
                (long long)numbers[0], (long long)numbers[1]);
    print_lines(history->cli, &text);
    return CLI_FINE;
}

static int run_diff(struct cli *cli)
{
    struct history history;
    int64_t numbers[2];
    const char *project = history_project(cli, 0);
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count != 3)
        return cli_usage_error(cli, "two numbers belong behind the project: which version against "
                                    "which");
    if (!history_number(cli, cli->arguments[1], &numbers[0]) ||
        !history_number(cli, cli->arguments[2], &numbers[1]) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, diff(&history, project, numbers));
}

static const struct cli_flag diff_flags[] = {HISTORY_FLAGS, {0}};

static const struct command cmd_diff = {
    .name = "diff",
    .summary = "what changed from one version to another",
    .usage = "PROJECT A B [flags]",
    .help = "Shows the difference of two versions' pod templates, as they were stored.\n"
            "\n"
            "Examples:\n"
            "  proctor history diff student-2024001 3 7\n"
            "\n"
            "Exit codes: 0 shown, 2 it could not be asked, or there is no such version.\n",
    .flags = diff_flags,
    .run = run_diff,
};

/* ---- the group -------------------------------------------------------------------------- */

extern const struct command cmd_history_rollback;
extern const struct command cmd_history_undo;
extern const struct command cmd_history_cancel;
extern const struct command cmd_history_restart;
extern const struct command cmd_history_pause;
extern const struct command cmd_history_resume;
extern const struct command cmd_history_undelete;
extern const struct command cmd_history_mark;
extern const struct command cmd_history_holds;
extern const struct command cmd_history_watch;
extern const struct command cmd_history_export;

static const struct command *const history_commands[] = {&cmd_history_cancel,
                                                         &cmd_diff,
                                                         &cmd_history_export,
                                                         &cmd_history_holds,
                                                         &cmd_list,
                                                         &cmd_history_mark,
                                                         &cmd_history_pause,
                                                         &cmd_history_restart,
                                                         &cmd_history_resume,
                                                         &cmd_history_rollback,
                                                         &cmd_show,
                                                         &cmd_history_undelete,
                                                         &cmd_history_undo,
                                                         &cmd_history_watch,
                                                         NULL};

extern const struct command cmd_history;
const struct command cmd_history = {
    .name = "history",
    .summary = "what was deployed, by whom, how it ended; and the way back",
    .usage = "COMMAND [flags] [arguments]",
    .help = "Asks the recorder, which remembers every version of every project: who deployed it,\n"
            "how it ended and why, and which ones are known to be good.\n"
            "\n"
            "A project is the name of its Deployment, with or without `deployment/` before it; a\n"
            "version is its number in that project: they only grow, and none is used twice.\n"
            "\n"
            "Examples:\n"
            "  proctor history list student-2024001\n"
            "  proctor history show student-2024001 --number 7\n"
            "  proctor history rollback student-2024001 --wait\n"
            "\n"
            "Where the recorder is: --server or PROCTOR_SERVER, else through the API server that\n"
            "your kubeconfig names.  You are who you are to kubectl.\n"
            "\n"
            "Exit codes: 0 done, 1 refused, or it failed (with --wait), 2 wrong use, or it could\n"
            "not be asked, 3 --wait timed out, 4 something newer came in between.\n",
    .commands = history_commands,
};
