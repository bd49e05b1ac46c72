/* proctor export: what of the policies the API server can hold itself. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/policies.h"
#include "policy/match_conditions.h"

#include <string.h>
#include <time.h>

#define PATHS_MAX 64

static cJSON *as_list(struct arena *arena, const struct match_conditions *conditions)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < conditions->count; i++) {
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "name", json_new_string(arena, conditions->items[i].name));
        json_add(arena, one, "expression", json_new_string(arena, conditions->items[i].expression));
        json_append(list, one);
    }
    return list;
}

static void print_remarks(const struct cli *cli, const struct match_conditions *conditions)
{
    for (size_t i = 0; i < conditions->remark_count; i++) {
        fprintf(cli->err, "%snote:%s ", cli->err_colour ? "\033[33m" : "",
                cli->err_colour ? "\033[0m" : "");
        cli_print_visible(cli->err, conditions->remarks[i]);
        fputc('\n', cli->err);
    }
}

static int export_conditions(const struct cli *cli, const struct policy_set *set,
                             struct arena *arena)
{
    struct err err;
    struct match_conditions conditions;
    struct buf text;
    if (match_conditions_from_set(set, arena, &conditions, &err) != 0)
        return cli_fail(cli, &err);
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    if (strcmp(cli_flag_string(cli, "output"), "json") == 0) {
        json_write_pretty(&text, as_list(arena, &conditions));
        buf_add_char(&text, '\n');
    } else {
        yaml_write(&text, as_list(arena, &conditions));
    }
    fputs(text.data, cli->out);
    print_remarks(cli, &conditions);
    return CLI_FINE;
}

static int run(struct cli *cli)
{
    const char *paths[PATHS_MAX + 1] = {"policies", NULL};
    const size_t flagged = cli_flag_count(cli, "policies");
    if (flagged + cli->argument_count > PATHS_MAX)
        return cli_usage_error(cli, "at most %d paths", PATHS_MAX);
    for (size_t i = 0; i < flagged; i++)
        paths[i] = cli_flag_nth(cli, "policies", i);
    for (size_t i = 0; i < cli->argument_count; i++)
        paths[flagged + i] = cli->arguments[i];
    struct policy_set *set = policies_load(cli, paths, NULL, (int64_t)time(NULL));
    if (set == NULL)
        return CLI_ERROR;
    struct arena arena;
    arena_init(&arena, LIMIT_POLICY_SET_BYTES);
    struct arena *before = arena_use(&arena);
    const int code = export_conditions(cli, set, &arena);
    arena_use(before);
    arena_done(&arena);
    policy_set_unref(set);
    return code;
}

static const struct cli_flag flags[] = {
    {.name = "policies",
     .letter = 'p',
     .value = "PATH",

     .help = "a file or folder of policies, by default ./policies",
     .repeatable = true},
    {.name = "output",
     .letter = 'o',
     .value = "yaml|json",
     .fallback = "yaml",
     .help = "how to print"},
    {0}};

static const struct command match_conditions = {
    .name = "match-conditions",
    .summary = "the webhooks' matchConditions, from the policies' exclusions",
    .usage = "[flags] [FILE|DIR...]",
    .help = "Prints the list for `matchConditions:` of a webhook's entry: one CEL condition for\n"
            "each exact exclusion, so that the API server does not even ask about what no policy\n"
            "judges (a controller's own pods, a kubelet's pod status), and goes on without the\n"
            "webhook there.  A condition is false only for a request that NO policy of the set\n"
            "would judge; what some policy may judge is left to the webhook, with a note.\n"
            "The group system:masters never stands there: break-glass has to be logged.\n"
            "\n"
            "  proctor export match-conditions policies/\n"
            "  proctor export match-conditions -o json | jq -r '.[].name'\n"
            "\n"
            "Exit codes: 0 printed, 2 the policies cannot be loaded.\n",
    .flags = flags,
    .run = run,
};

static const struct command *const commands[] = {&match_conditions, NULL};

extern const struct command cmd_export;
const struct command cmd_export = {
    .name = "export",
    .summary = "make the API server's own objects from policies",
    .usage = "WHAT [flags]",
    .help = "What the API server can hold itself, so that it need not ask.\n",
    .commands = commands,
};
