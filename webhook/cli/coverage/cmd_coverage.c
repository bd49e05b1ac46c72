/* proctor coverage: is there a way around the policies? */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/coverage/coverage_report.h"
#include "cli/input.h"
#include "cli/live/live.h"
#include "cli/policies.h"

#include <string.h>

#define GROUPS_MAX  32
#define INPUT_BYTES (512 * LIMIT_MIB)

struct coverage {
    struct cli *cli;
    struct coverage_input input;
    const char *groups[GROUPS_MAX + 3];
    char account_group[300]; /* of a ServiceAccount: all of its namespace */
    struct arena arena;
    size_t problems;
    int code;
};

/* ---- reading ------------------------------------------------------------------------------ */

static void tell_problem(void *context, const struct input_problem *problem)
{
    struct coverage *coverage = context;
    coverage->problems++;
    input_print_problem(coverage->cli, problem);
}

static void tell_missing(void *context, const char *text)
{
    struct coverage *coverage = context;
    struct err err;
    coverage->problems++;
    err_set(&err, ERR_USAGE, "%s", text);
    cli_fail(coverage->cli, &err);
}

static void keep_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct coverage *coverage = context;
    struct coverage_input *input = &coverage->input;
    const char *kind = json_get_string(item->object, "kind");
    cJSON *list = NULL;
    (void)arena;
    if (kind == NULL || item->is_review)
        return;
    if (strcmp(kind, "Role") == 0 || strcmp(kind, "ClusterRole") == 0)
        list = input->roles;
    else if (strcmp(kind, "RoleBinding") == 0 || strcmp(kind, "ClusterRoleBinding") == 0)
        list = input->bindings;
    else if (strcmp(kind, "MutatingWebhookConfiguration") == 0 ||
             strcmp(kind, "ValidatingWebhookConfiguration") == 0)
        list = input->hooks;
    else if (strcmp(kind, "Namespace") == 0)
        list = input->spaces;
    if (list != NULL)
        json_append(list, json_dup(&coverage->arena, item->object));
}

/* A ServiceAccount is in two groups, whatever is said of it. */
static void add_account_groups(struct coverage *coverage, size_t count)
{
    static const char prefix[] = "system:serviceaccount:";
    const char *user = coverage->input.user;
    if (strncmp(user, prefix, sizeof prefix - 1) != 0)
        return;
    const char *name_space = user + sizeof prefix - 1;
    snprintf(coverage->account_group, sizeof coverage->account_group, "system:serviceaccounts:%.*s",
             (int)strcspn(name_space, ":"), name_space);
    coverage->groups[count] = "system:serviceaccounts";
    coverage->groups[count + 1] = coverage->account_group;
}

static int read_flags(struct coverage *coverage)
{
    struct cli *cli = coverage->cli;
    struct coverage_input *input = &coverage->input;
    const size_t count = cli_flag_count(cli, "as-group");
    if (count > GROUPS_MAX)
        return cli_usage_error(cli, "more than %d groups", GROUPS_MAX);
    if (cli_flag_bool(cli, "live") && cli->argument_count > 0)
        return cli_usage_error(cli, "either --live or files, not also \"%s\"", cli->arguments[0]);
    if (!cli_flag_bool(cli, "live") && cli->argument_count == 0)
        return cli_usage_error(cli, "say where the webhook configurations and Roles are: files or "
                                    "folders, - for stdin, or --live");
    for (size_t i = 0; i < count; i++) {
        coverage->groups[i] = cli_flag_nth(cli, "as-group", i);
        if (strcmp(coverage->groups[i], "system:masters") == 0)
            return cli_usage_error(cli, "no Role and no rule binds system:masters");
    }
    if (count == 0 && !cli_flag_bool(cli, "as"))
        coverage->groups[0] = "students";
    input->groups = coverage->groups;
    input->user = cli_flag_string(cli, "as");
    add_account_groups(coverage, count);
    input->name_space = cli_flag_string(cli, "namespace");
    input->project = cli_flag_string(cli, "project");
    input->other = cli_flag_string(cli, "other");
    input->for_others = cli_flag_bool(cli, "for-others");
    if (strcmp(input->project, input->other) == 0)
        return cli_usage_error(cli, "--project and --other are the same");
    return CLI_FINE;
}

static void read_all(struct coverage *coverage)
{
    struct coverage_input *input = &coverage->input;
    const struct input_visitor visitor = {coverage, keep_object, tell_problem};
    input->arena = &coverage->arena;
    input->roles = json_new_array(&coverage->arena);
    input->bindings = json_new_array(&coverage->arena);
    input->hooks = json_new_array(&coverage->arena);
    input->spaces = json_new_array(&coverage->arena);
    if (cli_flag_bool(coverage->cli, "live"))
        coverage_live(coverage->cli, &visitor);
    else
        input_walk(coverage->cli->arguments, coverage->cli->argument_count, &visitor);
    if (json_count(input->hooks) == 0 && coverage->problems == 0)
        tell_missing(coverage, "there is no webhook configuration to look at");
}

/* ---- the command -------------------------------------------------------------------------- */

static void print(struct coverage *coverage, const struct coverage_finding *findings)
{
    struct coverage_report report = {coverage->cli, &coverage->input, findings, {0}};
    struct err err;
    for (; findings != NULL; findings = findings->next)
        report.counts[findings->state]++;
    if (coverage_report_print(&report, cli_flag_string(coverage->cli, "output"), &err) < 0)
        coverage->code = cli_fail(coverage->cli, &err);
    else
        coverage->code = report.counts[COVERAGE_HOLE] > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

static void look(void *context)
{
    struct coverage *coverage = context;
    struct err err = {0};
    struct coverage_finding *findings = NULL;
    coverage->code = CLI_ERROR;
    read_all(coverage);
    struct coverage_grant *grants = coverage_grants(&coverage->input, tell_missing, coverage);
    if (grants == NULL && coverage->problems == 0)
        tell_missing(coverage, arena_printf(&coverage->arena,
                                            "no binding that was read gives %s anything: there "
                                            "is nothing to look at",
                                            coverage_report_who(&coverage->input)));
    if (coverage->problems > 0) {
        fprintf(coverage->cli->err, "%zu problem%s: no report is made of a part\n",
                coverage->problems, coverage->problems == 1 ? "" : "s");
        return;
    }
    if (coverage_check(&coverage->input, &err) < 0 ||
        coverage_find(&coverage->input, grants, &findings, &err) < 0)
        cli_fail(coverage->cli, &err);
    else
        print(coverage, findings);
}

static int run(struct cli *cli)
{
    struct coverage coverage = {.cli = cli, .code = CLI_ERROR};
    const int code = read_flags(&coverage);
    struct err err;
    if (code != CLI_FINE)
        return code;
    if (!policies_now(cli, &coverage.input.now))
        return CLI_ERROR;
    struct policy_set *set = policies_of_flag(cli, "policies", NULL, coverage.input.now);
    if (set == NULL)
        return CLI_ERROR;
    coverage.input.set = set;
    arena_init(&coverage.arena, INPUT_BYTES);
    if (!arena_try(&coverage.arena, look, &coverage)) {
        err_set(&err, ERR_NO_MEMORY, "the files take too much memory");
        coverage.code = cli_fail(cli, &err);
    }
    arena_done(&coverage.arena);
    policy_set_unref(set);
    return coverage.code;
}

static const struct cli_flag flags[] = {
    POLICIES_FLAG,
    {.name = "output",
     .letter = 'o',
     .value = "text|markdown|json",
     .fallback = "text",
     .help = "how to print; markdown and json list every way"},
    {.name = "live", .help = "look at the cluster's own Roles and configurations, not at files"},
    LIVE_FLAGS,
    {.name = "as", .value = "USER", .fallback = "s2024001", .help = "who tries"},
    {.name = "as-group",
     .value = "GROUP",
     .help = "a group of that user (default students, without --as)",
     .repeatable = true},
    {.name = "namespace",
     .letter = 'n',
     .value = "NAME",
     .fallback = "hydrosim-students",
     .help = "where; and wherever else a binding reaches"},
    {.name = "project",
     .value = "NAME",
     .fallback = "student-2024001",
     .help = "a project that is the user's own"},
    {.name = "other",
     .value = "NAME",
     .fallback = "student-2024002",
     .help = "a project that is another's"},
    {.name = "for-others",
     .help = "the user may touch every project, as teachers and the portal may"},
    POLICIES_NOW_FLAG,
    {0}};

extern const struct command cmd_coverage;
const struct command cmd_coverage = {
    .name = "coverage",
    .summary = "look for a way around the policies",
    .usage = "[flags] FILE|DIR|-...|--live",
    .help =
        "Goes through the ways to a running pod and to traffic (other kinds, subresources, "
        "fields,\n"
        "another project's things, past the webhook) and says what closes each: a Role that does\n"
        "not allow it, or a rule that refuses or mends it.  What nothing closes is a hole, and\n"
        "comes with a command that would use it.\n"
        "\n"
        "The files are Roles, RoleBindings, their cluster-wide kinds, Proctor's webhook\n"
        "configurations and Namespaces (for their labels), as `kubectl apply` takes them; other\n"
        "kinds are passed over; --live reads the cluster's own.  Every way is a request that the "
        "engine itself judges.  Reading "
        "is\n"
        "not looked at: no admission is asked for it, only Roles count.\n"
        "\n"
        "What depends on things that are not known here counts as not asked: objectSelectors,\n"
        "failurePolicy Ignore, matchConditions in other words than `proctor export` writes.\n"
        "\n"
        "  proctor coverage manifests/base\n"
        "  proctor coverage manifests/base -o markdown > ways.md\n"
        "  proctor coverage manifests/base --as teacher --as-group teachers --for-others\n"
        "  proctor coverage --live\n"
        "  kubectl get -A -o yaml roles,rolebindings,clusterroles,clusterrolebindings,ns,\\\n"
        "    mutatingwebhookconfigurations,validatingwebhookconfigurations | proctor coverage -\n"
        "\n"
        "Exits with 0 if every way is closed, 1 if there is a hole, 2 if something is missing or\n"
        "unreadable (there is no report then).\n",
    .flags = flags,
    .run = run,
};
