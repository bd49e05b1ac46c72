/* proctor diff: what changes between two policy sets, and for whom. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/diff/diff_report.h"
#include "cli/live/live.h"
#include "cli/policies.h"

#include <string.h>

/* Whom the policies see unless --as says otherwise, as `proctor review` does it. */
#define DIFF_USER  "proctor-diff"
#define DIFF_GROUP "system:authenticated"
#define GROUPS_MAX 64

struct diff {
    struct cli *cli;
    struct policy_set *sets[2];
    const char *groups[GROUPS_MAX + 1];
    int64_t now;
};

static void fill_question(struct diff *diff, struct impact *impact)
{
    struct cli *cli = diff->cli;
    size_t count = cli_flag_count(cli, "as-group");
    for (size_t i = 0; i < count; i++)
        diff->groups[i] = cli_flag_nth(cli, "as-group", i);
    if (count == 0)
        diff->groups[count++] = DIFF_GROUP;
    diff->groups[count] = NULL;
    const char *name_space = cli_flag_string(cli, "namespace");
    impact->question.groups = diff->groups;
    impact->question.user = cli_flag_string(cli, "as");
    impact->question.name_space = name_space != NULL ? name_space : "default";
    impact->question.operation = OPERATION_CREATE;
    impact->sets[0] = diff->sets[0];
    impact->sets[1] = diff->sets[1];
    impact->now = diff->now;
}

static int judge_cluster(struct diff *diff, struct impact *impact, struct err *reterr)
{
    struct arena arena;
    struct kube_client *client;
    arena_init(&arena, 16 * LIMIT_MIB);
    struct arena *before = arena_use(&arena);
    const int r = live_connect(diff->cli, &arena, &client, reterr);
    if (r == 0) {
        impact_live(impact, client, cli_flag_string(diff->cli, "namespace"));
        client_free(client);
    }
    arena_use(before);
    arena_done(&arena);
    return r;
}

static int tell(const struct diff *diff, struct arena *arena, const struct diff_report *report)
{
    const struct cli *cli = diff->cli;
    const struct impact *impact = report->impact;
    const char *output = cli_flag_string(cli, "output");
    if (strcmp(output, "json") == 0)
        diff_report_json(cli, arena, report);
    else if (strcmp(output, "markdown") == 0)
        diff_report_markdown(cli, report);
    else
        diff_report_text(cli, report);
    if (impact != NULL && impact->problems > 0) {
        fprintf(cli->err, "%zu problem%s: the result is incomplete\n", impact->problems,
                impact->problems == 1 ? "" : "s");
        return CLI_ERROR;
    }
    return report->comparison->count > 0 || (impact != NULL && impact->object_count > 0)
               ? CLI_VIOLATIONS
               : CLI_FINE;
}

static int compare(struct diff *diff, struct arena *arena)
{
    struct cli *cli = diff->cli;
    const bool live = cli_flag_bool(cli, "live");
    struct comparison comparison;
    struct impact impact;
    struct err err;
    struct diff_report report = {
        .comparison = &comparison, .old_name = cli->arguments[0], .new_name = cli->arguments[1]};
    compare_sets(arena, diff->sets[0], diff->sets[1], cli_flag_string(cli, "language"),
                 &comparison);
    if (!live && cli->argument_count == 2)
        return tell(diff, arena, &report);
    impact_begin(&impact, cli);
    fill_question(diff, &impact);
    int code = CLI_FINE;
    if (!live)
        impact_walk(&impact, cli->arguments + 2, cli->argument_count - 2);
    else if (judge_cluster(diff, &impact, &err) < 0)
        code = cli_fail(cli, &err);
    progress_end(&impact.progress);
    report.impact = &impact;
    if (code == CLI_FINE)
        code = tell(diff, arena, &report);
    impact_end(&impact);
    return code;
}

static int read_flags(struct diff *diff)
{
    struct cli *cli = diff->cli;
    if (cli->argument_count < 2)
        return cli_usage_error(cli, "say which two sets: a folder of policies, and another");
    if (cli_flag_bool(cli, "live") && cli->argument_count > 2)
        return cli_usage_error(cli, "either --live or files, not also \"%s\"", cli->arguments[2]);
    if (cli_flag_count(cli, "as-group") >= GROUPS_MAX)
        return cli_usage_error(cli, "more than %d groups", GROUPS_MAX - 1);
    return policies_now(cli, &diff->now) ? CLI_FINE : CLI_ERROR;
}

static int run(struct cli *cli)
{
    struct diff diff = {.cli = cli};
    struct arena arena;
    int code = read_flags(&diff);
    for (size_t i = 0; i < 2 && code == CLI_FINE; i++) {
        const char *const paths[] = {cli->arguments[i], NULL};
        diff.sets[i] = policies_load(cli, paths, cli_flag_string(cli, "language"), diff.now);
        if (diff.sets[i] == NULL)
            code = CLI_ERROR;
    }
    if (code == CLI_FINE) {
        arena_init(&arena, LIMIT_POLICY_SET_BYTES);
        code = compare(&diff, &arena);
        arena_done(&arena);
    }
    policy_set_unref(diff.sets[0]);
    policy_set_unref(diff.sets[1]);
    return code;
}

static const struct cli_flag flags[] = {
    CLI_OUTPUT_FLAG("text|markdown|json", "text"),
    {.name = "live", .help = "judge the objects of the cluster, in place of files"},
    {.name = "namespace",
     .letter = 'n',
     .value = "NAME",
     .help = "for manifests that name none (default \"default\"); with --live only this one"},
    {.name = "as",
     .value = "USER",
     .fallback = DIFF_USER,
     .help = "the user as whose the objects are judged"},
    {.name = "as-group",
     .value = "GROUP",
     .help = "a group of that user (default " DIFF_GROUP ")",
     .repeatable = true},
    LIVE_FLAGS,
    POLICIES_NOW_FLAG,
    POLICIES_LANGUAGE_FLAG,
    {0}};

extern const struct command cmd_diff;
const struct command cmd_diff = {
    .name = "diff",
    .summary = "what changes between two sets of policies, and for whom",
    .usage = "[flags] OLD NEW [FILE|DIR|-]...",
    .help =
        "Says in words what NEW, a file or folder of policies, does otherwise than OLD: rules "
        "that\n"
        "came or went, bounds that moved, modes, matches, exclusions, exceptions, each with the\n"
        "way that it goes: stricter, looser, or changed if that cannot be told.\n"
        "\n"
        "With manifests, or --live, both sets judge each object as if it were created now, as\n"
        "`proctor review` does, and it is said for which the outcome differs, and why.  --live\n"
        "reads every kind that the policies speak of and changes nothing; it leaves out Secrets\n"
        "and what controllers made.  Rules about who asks need --as and --as-group.\n"
        "\n"
        "Examples:\n"
        "  proctor diff policies.old policies\n"
        "  proctor diff policies.old policies manifests/ --as s2024001 --as-group students\n"
        "  proctor diff policies.old policies --live -n hydrosim-students -o markdown\n"
        "\n"
        "Against a revision of git:\n"
        "  git worktree add --detach ../before origin/main\n"
        "  proctor diff ../before/policies policies manifests/\n"
        "or without a worktree:\n"
        "  mkdir before && git archive origin/main policies | tar -x -C before\n"
        "  proctor diff before/policies policies manifests/\n"
        "\n"
        "Exits with 0 if nothing changes, 1 if something does, 2 if a set, an object or a kind\n"
        "could not be read (what could be is told all the same).\n",
    .flags = flags,
    .run = run,
};
