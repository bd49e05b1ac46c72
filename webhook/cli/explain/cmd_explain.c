/* proctor explain: policies for people who do not read YAML. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/policies.h"

#include <string.h>

static void print(const struct cli *cli, struct arena *arena, const struct explanation *explanation)
{
    const char *output = cli_flag_string(cli, "output");
    if (strcmp(output, "html") == 0)
        explain_html(cli, explanation);
    else if (strcmp(output, "markdown") == 0)
        explain_markdown(cli, explanation);
    else
        explain_text(cli, arena, explanation);
}

static int explain(const struct cli *cli, const struct policy_set *set, int64_t now)
{
    struct arena arena;
    struct err err;
    struct explanation explanation;
    const struct explain_question question = {
        .set = set,
        .resource = cli->argument_count > 0 ? cli->arguments[0] : NULL,
        .field = cli_flag_string(cli, "field"),
        .language = cli_flag_string(cli, "language"),
        .now = now};
    int code = CLI_FINE;
    arena_init(&arena, LIMIT_POLICY_SET_BYTES);
    struct arena *before = arena_use(&arena);
    if (explain_build(&arena, &question, &explanation, &err) < 0)
        code = cli_fail(cli, &err);
    else
        print(cli, &arena, &explanation);
    arena_use(before);
    arena_done(&arena);
    return code;
}

static int run(struct cli *cli)
{
    int64_t now;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "one resource at a time, not also \"%s\"", cli->arguments[1]);
    if (!policies_now(cli, &now))
        return CLI_ERROR;
    struct policy_set *set =
        policies_of_flag(cli, "policies", cli_flag_string(cli, "language"), now);
    if (set == NULL)
        return CLI_ERROR;
    const int code = explain(cli, set, now);
    policy_set_unref(set);
    return code;
}

static const struct cli_flag flags[] = {
    POLICIES_FLAG,
    {.name = "field",
     .letter = 'f',
     .value = "FIELD",
     .help = "only the rules that touch this field, a part of it, or what holds it"},
    CLI_OUTPUT_FLAG("text|markdown|html", "text"),
    POLICIES_NOW_FLAG,
    POLICIES_LANGUAGE_FLAG,
    {0}};

extern const struct command cmd_explain;
const struct command cmd_explain = {
    .name = "explain",
    .summary = "the policies in words: who is affected, what is set, bounded, refused, why",
    .usage = "[flags] [RESOURCE]",
    .help =
        "Says in plain words what a set of policies does, for people who do not read YAML: for\n"
        "each resource what may not be done at all, what is set, bounded and refused, each with\n"
        "its why; who is meant and who is not judged; exceptions and when they end.\n"
        "\n"
        "With a RESOURCE (deployment, deployments.apps, deploy) only what happens to that one.\n"
        "--field takes a field as policies or refusals write it, with aliases and in lists.\n"
        "\n"
        "Examples:\n"
        "  proctor explain\n"
        "  proctor explain deployment\n"
        "  proctor explain --field spec.replicas\n"
        "  proctor explain service --field 'spec.ports[0].port'\n"
        "  proctor explain --field '$containers.image'\n"
        "  proctor explain -o html >policies.html        # one file, also for paper\n"
        "\n"
        "Exits with 0 if it could be explained (also if no rule touches the field), 2 if the\n"
        "policies cannot be loaded or there is no such resource or field.\n",
    .flags = flags,
    .run = run,
};
