/* proctor audit: what stands in a cluster, judged. */
#include "cli/audit/audit.h"
#include "cli/cli.h"
#include "cli/policies.h"

#include <string.h>

/* Whom the policies see unless --as says otherwise, as `proctor review` does it. */
#define AUDIT_USER  "proctor-audit"
#define AUDIT_GROUP "system:authenticated"

#define KEPT_BYTES  (1024 * LIMIT_MIB)
#define JUDGE_BYTES (512 * LIMIT_MIB)

/* The values of a flag; false: more than there is room for. */
static bool take_values(const struct cli *cli, const char *flag, const char **ret_values)
{
    const size_t count = cli_flag_count(cli, flag);
    for (size_t i = 0; i < count && i < AUDIT_NAMES_MAX; i++)
        ret_values[i] = cli_flag_nth(cli, flag, i);
    return count <= AUDIT_NAMES_MAX;
}

/* Of the namespaces the first that can be none (an empty one would be all); NULL: all can be. */
static const char *bad_namespace(const char *const *names)
{
    for (; *names != NULL; names++)
        if (**names == '\0' ||
            strspn(*names, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*names))
            return *names;
    return NULL;
}

static enum audit_output parse_output(const char *text)
{
    static const char *const outputs[] = {"text", "json", "sarif", "openreports"};
    enum audit_output output = AUDIT_TEXT;
    while (strcmp(outputs[output], text) != 0) /* the frame has seen that it is one of them */
        output++;
    return output;
}

static int read_flags(struct audit *audit)
{
    const struct cli *cli = audit->cli;
    const bool everywhere = cli_flag_bool(cli, "all-namespaces");
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "\"%s\": files are judged by `proctor review`",
                               cli->arguments[0]);
    if (!everywhere && cli_flag_count(cli, "namespace") == 0)
        return cli_usage_error(cli, "say which namespaces: -n NAME, or -A for all");
    if (everywhere && cli_flag_count(cli, "namespace") > 0)
        return cli_usage_error(cli, "either -A or -n, not both");
    if (!take_values(cli, "namespace", audit->name_spaces) ||
        !take_values(cli, "without", audit->without) ||
        !take_values(cli, "as-group", audit->groups))
        return cli_usage_error(cli, "a flag is given more than %d times", AUDIT_NAMES_MAX);
    const char *bad = bad_namespace(audit->name_spaces);
    if (bad != NULL)
        return cli_usage_error(cli, "-n \"%s\": no name of a namespace", bad);
    if (audit->groups[0] == NULL)
        audit->groups[0] = AUDIT_GROUP;
    if (!policies_now(cli, &audit->settings.now))
        return CLI_ERROR;
    audit->user = cli_flag_string(cli, "as");
    audit->secrets = cli_flag_bool(cli, "secrets");
    audit->output = parse_output(cli_flag_string(cli, "output"));
    audit->settings.road = JUDGE_VALIDATE;
    return CLI_FINE;
}

static int look(struct audit *audit)
{
    struct arena arena;
    struct kube_client *client = NULL;
    struct err err;
    int code;
    arena_init(&arena, 16 * LIMIT_MIB);
    struct arena *before = arena_use(&arena);
    int r = live_connect(audit->cli, &arena, &client, &err);
    if (r == 0 && (r = audit_begin(audit)) < 0)
        err_set(&err, ERR_NO_MEMORY, "out of memory");
    if (r < 0) {
        code = cli_fail(audit->cli, &err);
    } else {
        audit_walk(audit, client);
        code = audit_end(audit);
    }
    client_free(client);
    arena_use(before);
    arena_done(&arena);
    return code;
}

static int run(struct cli *cli)
{
    struct audit audit = {.cli = cli};
    int code = read_flags(&audit);
    if (code != CLI_FINE)
        return code;
    struct policy_set *set =
        policies_of_flag(cli, "policies", cli_flag_string(cli, "language"), audit.settings.now);
    if (set == NULL)
        return CLI_ERROR;
    audit.settings.set = set;
    arena_init(&audit.kept, KEPT_BYTES);
    arena_init(&audit.judging, JUDGE_BYTES);
    code = look(&audit);
    arena_done(&audit.judging);
    arena_done(&audit.kept);
    policy_set_unref(set);
    return code;
}

static const struct cli_flag flags[] = {
    {.name = "namespace",
     .letter = 'n',
     .value = "NAME",
     .help = "a namespace that is looked at",
     .repeatable = true},
    {.name = "all-namespaces", .letter = 'A', .help = "all of them, and what is in none"},
    POLICIES_FLAG,
    CLI_OUTPUT_FLAG("text|json|sarif|openreports", "text"),
    {.name = "fail-on",
     .value = "warn|violation",
     .fallback = "violation",
     .help = "what makes the exit code 1"},
    {.name = "without",
     .value = "RESOURCE",
     .help = "a resource that is not read, such as leases.coordination.k8s.io",
     .repeatable = true},
    {.name = "secrets", .help = "read Secrets too; their values are not looked at"},
    {.name = "as",
     .value = "USER",
     .fallback = AUDIT_USER,
     .help = "the user whom the policies see as the objects' maker"},
    {.name = "as-group",
     .value = "GROUP",
     .help = "a group of that user (default " AUDIT_GROUP ")",
     .repeatable = true},
    LIVE_FLAGS,
    POLICIES_NOW_FLAG,
    POLICIES_LANGUAGE_FLAG,
    {0}};

extern const struct command cmd_audit;
const struct command cmd_audit = {
    .name = "audit",
    .summary = "judge what stands in a cluster",
    .usage = "[flags] -n NAME...|-A",
    .help =
        "Reads the objects of a cluster and says which of them break a rule: what was there "
        "before\n"
        "a policy came, what was made while Proctor was disarmed, what an administrator put "
        "there.\n"
        "Nothing is written to the cluster; the right to get and list is enough.\n"
        "\n"
        "Every kind is read that the policies speak of and the cluster serves, but events and\n"
        "(without --secrets) Secrets; the report names what was not read.  A kind or namespace\n"
        "that cannot be read is an error: the report then says that it is incomplete.\n"
        "\n"
        "Each object is judged as it stands, as if it were made today: an old violation is no\n"
        "excuse here, and a value that the webhook would mend at the next change is not mended\n"
        "yet.  The policies see \"" AUDIT_USER "\" as its maker, or whom --as names (rules about\n"
        "students need that), and the cluster's own controllers as makers of what is theirs.\n"
        "\n"
        "-o text         the sums by object and by rule, then what `proctor review` says of each\n"
        "-o json         the same with every judged object; \"complete\" says if it is the whole\n"
        "-o sarif        SARIF 2.1.0, for code scanning\n"
        "-o openreports  a list of OpenReports (openreports.io/v1alpha1), one an object, for\n"
        "                kubectl apply and the dashboards that show them; nothing if incomplete\n"
        "\n"
        "Examples:\n"
        "  proctor audit -n hydrosim-students\n"
        "  proctor audit -A -p policies -o json >audit.json\n"
        "  proctor audit -n student-2024001 --as s2024001 --as-group students\n"
        "  proctor audit -n hydrosim-students --without roles --without rolebindings\n"
        "  proctor audit -n hydrosim-students -o openreports | kubectl apply -f -\n"
        "\n"
        "Exits with 0 if no rule is broken, 1 if one is (see --fail-on), 2 if something could "
        "not\n"
        "be read or judged.\n",
    .flags = flags,
    .run = run,
};
