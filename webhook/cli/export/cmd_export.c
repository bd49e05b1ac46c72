/* proctor export: what others need to know of the policies: the API server, a GitOps tool. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/export/gitops.h"
#include "cli/native/native.h"
#include "cli/policies.h"
#include "policy/match_conditions.h"

#include <string.h>
#include <time.h>

#define PATHS_MAX    64
#define ELEMENTS_MAX 10

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

static void print_remarks(const struct cli *cli, const char *const *remarks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(cli->err, "%snote:%s ", cli->err_colour ? "\033[33m" : "",
                cli->err_colour ? "\033[0m" : "");
        cli_print_visible(cli->err, remarks[i]);
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
    print_remarks(cli, conditions.remarks, conditions.remark_count);
    return CLI_FINE;
}

static int export_gitops(const struct cli *cli, const struct policy_set *set, struct arena *arena)
{
    struct gitops gitops;
    struct buf text;
    long elements = 0;
    if (!cli_flag_int(cli, "elements", 1, ELEMENTS_MAX, &elements))
        return CLI_ERROR;
    gitops_from_set(set, arena, &gitops);
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    if (strcmp(cli_flag_string(cli, "tool"), "argocd") == 0)
        gitops_write_argocd(&gitops, &text);
    else
        gitops_write_flux(&gitops, (size_t)elements, &text);
    fputs(text.data, cli->out);
    print_remarks(cli, gitops.remarks, gitops.remark_count);
    return CLI_FINE;
}

static int export_native(const struct cli *cli, const struct policy_set *set, struct arena *arena)
{
    struct native native = {0};
    struct buf text;
    const char *phase = cli_flag_string(cli, "phase");
    if (strcmp(phase, "mutating") != 0)
        native_from_set(set, (int64_t)time(NULL), arena, &native);
    if (strcmp(phase, "validating") != 0)
        native_add_mutating(set, (int64_t)time(NULL), arena, &native);
    buf_init(&text, arena, LIMIT_POLICY_SET_BYTES);
    if (strcmp(cli_flag_string(cli, "output"), "json") == 0)
        native_write_json(&native, arena, &text);
    else
        native_write_yaml(&native, &text);
    fputs(text.data, cli->out);
    const char **remarks = arena_array(arena, native.remark_count + 1, sizeof *remarks);
    for (size_t i = 0; i < native.remark_count; i++) {
        const struct native_remark *one = &native.remarks[i];
        remarks[i] = arena_printf(arena, "%s%s%s%s: %s", one->left_out ? "not expressed: " : "",
                                  one->policy, one->rule != NULL ? "/" : "",
                                  one->rule != NULL ? one->rule : "", one->why);
    }
    print_remarks(cli, remarks, native.remark_count);
    return cli_flag_bool(cli, "strict") && native.remark_count > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

/* Loads what the flags and arguments name, and has it exported. */
static int with_policies(struct cli *cli,
                         int (*export)(const struct cli *cli, const struct policy_set *set,
                                       struct arena *arena))
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
    const int code = export(cli, set, &arena);
    arena_use(before);
    arena_done(&arena);
    policy_set_unref(set);
    return code;
}

static int run_conditions(struct cli *cli)
{
    return with_policies(cli, export_conditions);
}

static int run_gitops(struct cli *cli)
{
    if (cli_flag_string(cli, "tool") == NULL)
        return cli_usage_error(cli, "say for which: --tool argocd or --tool flux");
    return with_policies(cli, export_gitops);
}

static int run_native(struct cli *cli)
{
    return with_policies(cli, export_native);
}

static const struct cli_flag condition_flags[] = {
    POLICIES_FLAG, CLI_OUTPUT_FLAG("yaml|json", "yaml"), {0}};

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
    .flags = condition_flags,
    .run = run_conditions,
};

static const struct cli_flag gitops_flags[] = {
    {.name = "tool", .letter = 't', .value = "argocd|flux", .help = "for which; it has to be said"},
    {.name = "elements",
     .value = "N",
     .fallback = "3",
     .help = "flux: so many elements of each list are counted out"},
    POLICIES_FLAG,
    {0}};

static const struct command gitops = {
    .name = "gitops",
    .summary = "what Argo CD or Flux must leave alone, from the rules that change objects",
    .usage = "--tool argocd|flux [flags] [FILE|DIR...]",
    .help =
        "Prints patches for Argo CD's Application (ignoreDifferences) or Flux' Kustomization\n"
        "and HelmRelease (ignore): each field that a rule sets, removes or moves to a bound,\n"
        "by kind, with the rules' names beside it.  Comments in it say when it is needed: both\n"
        "tools can ask the API server by a dry run, and Proctor answers those too.\n"
        "A value that is only filled in where Git has none is no difference to either tool.\n"
        "\n"
        "  proctor export gitops --tool argocd policies/\n"
        "  proctor export gitops --tool flux --elements 2 policies/\n"
        "\n"
        "Exit codes: 0 printed, 2 the policies cannot be loaded.\n",
    .flags = gitops_flags,
    .run = run_gitops,
};

static const struct cli_flag native_flags[] = {
    POLICIES_FLAG,
    {.name = "phase",
     .value = "validating|mutating|both",
     .fallback = "validating",
     .help = "what is refused, what is changed (Kubernetes 1.36 and later), or both"},
    {.name = "strict", .help = "exit 1 if something could not be expressed as it is"},
    CLI_OUTPUT_FLAG("yaml|json", "yaml"),
    {0}};

static const struct command native = {
    .name = "native",
    .summary = "the API server's own policies, which hold while the webhook is dead",
    .usage = "[flags] [FILE|DIR...]",
    .help =
        "Prints admission policies and their bindings: of each policy and mode a validating one, "
        "in\n"
        "which every rule says in CEL what /validate would say of the final object.  The API\n"
        "server judges by them itself: they hold while no webhook answers.\n"
        "A rule that CEL cannot say is left out as a whole, and named: on stderr, in comments,\n"
        "and in -o json as `notExpressed`.\n"
        "What a rule fills in or corrects is only checked by these: without the webhook an object\n"
        "has to be right when it comes, unless --phase both adds MutatingAdmissionPolicies, which\n"
        "Kubernetes serves from 1.36 on.\n"
        "\n"
        "  proctor export native policies/ | kubectl apply -f -\n"
        "  proctor export native --phase both policies/ | kubectl apply -f -\n"
        "  proctor export native --strict -o json policies/ | jq .notExpressed\n"
        "\n"
        "Exit codes: 0 printed, 1 with --strict: something is not expressed as it is,\n"
        "2 the policies cannot be loaded.\n",
    .flags = native_flags,
    .run = run_native,
};

static const struct command *const commands[] = {&gitops, &match_conditions, &native, NULL};

extern const struct command cmd_export;
const struct command cmd_export = {
    .name = "export",
    .summary = "what the API server or a GitOps tool is to know of the policies",
    .usage = "WHAT [flags]",
    .help = "What the API server can hold itself, so that it need not ask, and what a GitOps tool\n"
            "must not take for a difference.\n",
    .commands = commands,
};
