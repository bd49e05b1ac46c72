/* proctor history holds: what may not come back, and letting it. */
#include "cli/history/history.h"

#include "cli/cluster/cluster.h"
#include "cli/output/table.h"
#include "client/client.h"

#include <string.h>

#define SHA_BYTES 64U
#define SHA_SHOWN 12

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
                                    sha, project, history_who(history, answer.json));
    return history_tell(history, answer.json, done);
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
            "  proctor history holds student-2024001 --lift 7\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = holds_flags,
    .run = run_holds,
};
