/* proctor certs issue | show | check | renew: the PKI of certs/ at the prompt. */
#include "base/json.h"
#include "base/limits.h"
#include "certs/folder.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/renew.h"
#include "certs/scope.h"
#include "cli/certs/certs_cluster.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NAMES_MAX 256

static bool wants_json(const struct cli *cli)
{
    const char *output = cli_flag_string(cli, "output");
    return output != NULL && strcmp(output, "json") == 0;
}

static void print_json(const struct cli *cli, struct arena *arena, const cJSON *root)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_MIB);
    json_write_pretty(&text, root);
    fprintf(cli->out, "%s\n", text.data);
}

/* ---- issue ---- */

static int refuse_names(const struct cli *cli)
{
    bool service = cli_flag_bool(cli, "service"), space = cli_flag_bool(cli, "namespace");
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[0]);
    if (!cli_flag_bool(cli, "out") && !cli_flag_bool(cli, "output"))
        return cli_usage_error(cli, "say where to: --out DIR for files, -o yaml for Secrets");
    if (service && !space)
        return cli_usage_error(cli, "--service needs --namespace too");
    if (cli_flag_count(cli, "dns") > NAMES_MAX || cli_flag_count(cli, "ip") > NAMES_MAX)
        return cli_usage_error(cli, "more than %d names", NAMES_MAX);
    if (cli_flag_bool(cli, "output") && !space)
        return cli_usage_error(cli, "-o %s makes Secrets, which need --namespace",
                               cli_flag_string(cli, "output"));
    return CLI_FINE;
}

static int make_set(const struct cli *cli, long days, long ca_days, struct folder_set *ret_set,
                    struct err *reterr)
{
    const char *dns[NAMES_MAX], *ips[NAMES_MAX];
    struct issue_names names = {.service = cli_flag_string(cli, "service"),
                                .space = cli_flag_string(cli, "namespace"),
                                .dns = dns,
                                .dns_count = cli_flag_count(cli, "dns"),
                                .ips = ips,
                                .ip_count = cli_flag_count(cli, "ip")};
    for (size_t i = 0; i < names.dns_count; i++)
        dns[i] = cli_flag_nth(cli, "dns", i);
    for (size_t i = 0; i < names.ip_count; i++)
        ips[i] = cli_flag_nth(cli, "ip", i);
    return issue_set(&names, time(NULL), ca_days, days, ret_set, reterr);
}

static int write_files(const struct cli *cli, const struct folder_set *set, struct err *reterr)
{
    struct folder folder;
    const char *path = cli_flag_string(cli, "out");
    int r = folder_open(path, true, &folder, reterr);
    if (r < 0)
        return r;
    r = folder_create(&folder, set, reterr);
    folder_close(&folder);
    /* With -o the output belongs to the Secrets alone. */
    if (r == 0)
        fprintf(cli_flag_bool(cli, "output") ? cli->err : cli->out,
                "wrote ca.crt, ca.key, tls.crt and tls.key into %s\n", path);
    return r;
}

static int print_manifest(const struct cli *cli, const struct folder_set *set, struct err *reterr)
{
    struct folder_text text = {0};
    int r = issue_manifest(set, cli_flag_string(cli, "secret"), cli_flag_string(cli, "namespace"),
                           wants_json(cli), &text, reterr);
    if (r < 0)
        return r;
    fputs(text.data, cli->out);
    folder_text_done(&text);
    return 0;
}

static int run_issue(struct cli *cli)
{
    long days = 0, ca_days = 0;
    struct err err;
    struct folder_set set = {0};
    if (refuse_names(cli) != CLI_FINE || !cli_flag_int(cli, "days", 1, ISSUE_DAYS_MAX, &days) ||
        !cli_flag_int(cli, "ca-days", 1, ISSUE_DAYS_MAX, &ca_days))
        return CLI_ERROR;
    if (days > ca_days)
        return cli_usage_error(cli, "--days %ld is more than --ca-days %ld", days, ca_days);
    int r = make_set(cli, days, ca_days, &set, &err);
    if (r == 0 && cli_flag_bool(cli, "out"))
        r = write_files(cli, &set, &err);
    if (r == 0 && cli_flag_bool(cli, "output"))
        r = print_manifest(cli, &set, &err);
    folder_set_done(&set);
    return r < 0 ? cli_fail(cli, &err) : CLI_FINE;
}

/* ---- show ---- */

static int load_certs(struct arena *arena, const char *folder, const char *name, cJSON *list,
                      struct err *reterr)
{
    const char *path = folder == NULL ? name : arena_printf(arena, "%s/%s", folder, name);
    struct folder_text text = {0};
    SCOPED_LIST certs = NULL;
    int r = folder_read(AT_FDCWD, path, path, &text, reterr);
    if (r == 0)
        r = inspect_parse_certs(&text, path, &certs, reterr);
    folder_text_done(&text);
    for (int i = 0; r == 0 && i < sk_X509_num(certs); i++) {
        cJSON *described = inspect_describe(arena, sk_X509_value(certs, i), time(NULL));
        json_add(arena, described, "file", json_new_string(arena, path));
        json_append(list, described);
    }
    return r;
}

static void print_words(const struct cli *cli, struct arena *arena, const char *label,
                        const cJSON *list)
{
    struct buf line;
    buf_init(&line, arena, LIMIT_MIB);
    const cJSON *word;
    cJSON_ArrayForEach(word, list)
        buf_printf(&line, "%s%s", line.length > 0 ? ", " : "", json_string(word));
    fprintf(cli->out, "  %-12s ", label);
    cli_print_visible(cli->out, line.length > 0 ? line.data : "none");
    fputc('\n', cli->out);
}

static void print_member(const struct cli *cli, const char *label, const cJSON *cert,
                         const char *member)
{
    fprintf(cli->out, "  %-12s ", label);
    cli_print_visible(cli->out, json_get_string(cert, member));
    fputc('\n', cli->out);
}

static void print_cert(const struct cli *cli, struct arena *arena, const cJSON *cert)
{
    int64_t days = 0;
    (void)json_int64(json_get(cert, "daysLeft"), &days);
    fprintf(cli->out, "%s", cli_paint(cli, CLI_BOLD));
    cli_print_visible(cli->out, json_get_string(cert, "file"));
    fprintf(cli->out, "%s (%s)\n", cli_paint(cli, CLI_PLAIN),
            json_is_true(json_get(cert, "isCA")) ? "CA certificate" : "certificate");
    print_member(cli, "subject", cert, "subject");
    print_words(cli, arena, "names", json_get(cert, "names"));
    print_member(cli, "issuer", cert, "issuer");
    print_member(cli, "not before", cert, "notBefore");
    print_member(cli, "not after", cert, "notAfter");
    fprintf(cli->out, "  %-12s %s%lld%s\n", "days left",
            cli_paint(cli, days < 0    ? CLI_RED
                           : days < 14 ? CLI_YELLOW
                                       : CLI_GREEN),
            (long long)days, cli_paint(cli, CLI_PLAIN));
    print_member(cli, "key", cert, "key");
    print_member(cli, "signature", cert, "signature");
    print_words(cli, arena, "usages", json_get(cert, "usages"));
    print_member(cli, "serial", cert, "serial");
    print_member(cli, "SHA-256", cert, "sha256");
}

static int show_with(struct cli *cli, struct arena *arena)
{
    struct err err;
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < cli->argument_count; i++) {
        const char *path = cli->arguments[i];
        struct stat status;
        int r = 0;
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            r = load_certs(arena, path, "tls.crt", list, &err);
            if (r == 0)
                r = load_certs(arena, path, "ca.crt", list, &err);
        } else {
            r = load_certs(arena, NULL, path, list, &err);
        }
        if (r < 0)
            return cli_fail(cli, &err);
    }
    if (wants_json(cli)) {
        print_json(cli, arena, list);
        return CLI_FINE;
    }
    const cJSON *cert;
    cJSON_ArrayForEach(cert, list) print_cert(cli, arena, cert);
    return CLI_FINE;
}

/* Runs `work` with an arena that is also cJSON's. */
static int with_arena(struct cli *cli, int (*work)(struct cli *cli, struct arena *arena))
{
    struct arena arena;
    arena_init(&arena, 64 * LIMIT_MIB);
    struct arena *before = arena_use(&arena);
    int code = work(cli, &arena);
    arena_use(before);
    arena_done(&arena);
    return code;
}

static int run_show(struct cli *cli)
{
    if (cli->argument_count == 0)
        return cli_usage_error(cli, "which? Give a certificate's file or a folder");
    return with_arena(cli, show_with);
}

/* ---- check ---- */

static cJSON *report_node(struct arena *arena, const struct inspect_report *report)
{
    cJSON *root = json_new_object(arena);
    cJSON *list = json_new_array(arena);
    json_add(arena, root, "fine", json_new_bool(arena, report->count == 0));
    json_add(arena, root, "daysLeft", json_new_int(arena, report->days_left));
    for (size_t i = 0; i < report->count; i++) {
        cJSON *finding = json_new_object(arena);
        json_add(arena, finding, "finding", json_new_string(arena, report->findings[i].what));
        json_add(arena, finding, "mend", json_new_string(arena, report->findings[i].mend));
        json_append(list, finding);
    }
    json_add(arena, root, "findings", list);
    return root;
}

static int check_with(struct cli *cli, struct arena *arena)
{
    struct inspect_options options = {.now = time(NULL), .host = cli_flag_string(cli, "host")};
    struct inspect_report *report = arena_alloc(arena, sizeof *report);
    struct err err;
    if (!cli_flag_int(cli, "min-days", 0, ISSUE_DAYS_MAX, &options.min_days))
        return CLI_ERROR;
    if (inspect_check(cli->arguments[0], &options, report, &err) < 0)
        return cli_fail(cli, &err);
    if (wants_json(cli)) {
        print_json(cli, arena, report_node(arena, report));
        return report->count > 0 ? CLI_VIOLATIONS : CLI_FINE;
    }
    for (size_t i = 0; i < report->count; i++) {
        fprintf(cli->out, "%s", cli_paint(cli, CLI_RED));
        cli_print_visible(cli->out, report->findings[i].what);
        fprintf(cli->out, "%s\n    Fix: ", cli_paint(cli, CLI_PLAIN));
        cli_print_visible(cli->out, report->findings[i].mend);
        fputc('\n', cli->out);
    }
    if (report->count == 0)
        fprintf(cli->out, "%sfine%s, %ld days left\n", cli_paint(cli, CLI_GREEN),
                cli_paint(cli, CLI_PLAIN), report->days_left);
    return report->count > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

static int run_check(struct cli *cli)
{
    if (cli->argument_count != 1)
        return cli_usage_error(cli, "give one folder, the one that holds tls.crt");
    return with_arena(cli, check_with);
}

/* ---- renew ---- */

static int run_renew(struct cli *cli)
{
    struct renew_options options = {.now = time(NULL), .force = cli_flag_bool(cli, "force")};
    struct renew_result result;
    struct err err;
    if (cli_flag_bool(cli, "in-cluster"))
        return certs_cluster_renew(cli);
    if (certs_cluster_flag_alone(cli))
        return CLI_ERROR;
    if (cli->argument_count != 1)
        return cli_usage_error(cli, "give one folder, the one that `proctor certs issue` made, or "
                                    "--in-cluster");
    if ((cli_flag_bool(cli, "days") &&
         !cli_flag_int(cli, "days", 1, ISSUE_DAYS_MAX, &options.leaf_days)) ||
        !cli_flag_int(cli, "ca-days", 1, ISSUE_DAYS_MAX, &options.ca_days) ||
        !cli_flag_int(cli, "within", 0, ISSUE_DAYS_MAX, &options.within_days))
        return CLI_ERROR;
    if (renew_folder(cli->arguments[0], &options, &result, &err) < 0)
        return cli_fail(cli, &err);
    if (!result.renewed) {
        fprintf(cli->out, "not due: %ld days left (--force renews anyhow)\n", result.days_before);
        return CLI_FINE;
    }
    fprintf(cli->out, "renewed: %ld days left, %ld before\n", result.days_after,
            result.days_before);
    if (result.ca_renewed)
        fputs("the CA is new too: ca.crt now holds the new and the old one. Put it into the\n"
              "caBundle of both webhook configurations before the server loads tls.crt\n",
              cli->out);
    return CLI_FINE;
}

/* ---- the rows ---- */

static const struct cli_flag issue_flags[] = {
    {.name = "service", .value = "NAME", .help = "the webhook's Service: its three names"},
    {.name = "namespace", .letter = 'n', .value = "NS", .help = "the Service's and Secrets' own"},
    {.name = "dns", .value = "NAME", .help = "a further DNS name", .repeatable = true},
    {.name = "ip", .value = "ADDRESS", .help = "an IP address", .repeatable = true},
    {.name = "out", .value = "DIR", .help = "write ca.crt, ca.key, tls.crt, tls.key there"},
    {.name = "output", .letter = 'o', .value = "yaml|json", .help = "print Secrets and caBundle"},
    {.name = "secret", .value = "NAME", .fallback = "proctor-tls", .help = "the TLS Secret's name"},
    {.name = "days", .value = "N", .fallback = "365", .help = "life of the serving certificate"},
    {.name = "ca-days", .value = "N", .fallback = "3650", .help = "life of the CA"},
    {0}};

static const struct cli_flag show_flags[] = {
    {.name = "output", .letter = 'o', .value = "text|json", .fallback = "text", .help = "how"},
    {0}};

static const struct cli_flag check_flags[] = {
    {.name = "host", .value = "NAME", .help = "the name or address that clients call"},
    {.name = "min-days", .value = "N", .fallback = "14", .help = "fewer days left is a finding"},
    {.name = "output", .letter = 'o', .value = "text|json", .fallback = "text", .help = "how"},
    {0}};

static const struct cli_flag renew_flags[] = {
    {.name = "within", .value = "DAYS", .fallback = "30", .help = "due with so many days left"},
    {.name = "days", .value = "N", .help = "life of the new one; without it, as the old one"},
    {.name = "ca-days", .value = "N", .fallback = "3650", .help = "life of a new CA"},
    {.name = "force", .help = "renew the serving certificate though it is not due"},
    CERTS_CLUSTER_FLAGS,
    {0}};

static const struct command certs_issue = {
    .name = "issue",
    .summary = "make a CA and a serving certificate",
    .usage = "[--service NAME --namespace NS] [--dns NAME]... [--ip ADDRESS]... "
             "(--out DIR | -o yaml|json)",
    .help = "Makes a certificate authority and, under it, a certificate for the webhook's\n"
            "server (ECDSA P-256), backdated a day.  Nothing is ever overwritten.\n"
            "\n"
            "Keep ca.key away from the server: only `proctor certs renew` needs it.\n"
            "\n"
            "Examples:\n"
            "  proctor certs issue --dns localhost --ip 127.0.0.1 --out build/dev-certs\n"
            "  proctor certs issue --service proctor -n proctor -o yaml | kubectl apply -f -\n"
            "\n"
            "Exit codes: 0 made, 2 wrong use, files there already, or not writable.\n",
    .flags = issue_flags,
    .run = run_issue,
};

static const struct command certs_show = {
    .name = "show",
    .summary = "print what certificates say",
    .usage = "[-o text|json] FILE|DIR...",
    .help = "Prints subject, names, issuer, dates, days left, key, usages and fingerprint of\n"
            "every certificate in a PEM file, or of tls.crt and ca.crt in a folder.\n"
            "\n"
            "Example:\n"
            "  proctor certs show build/dev-certs\n"
            "\n"
            "Exit codes: 0 shown, 2 unreadable.\n",
    .flags = show_flags,
    .run = run_show,
};

static const struct command certs_check = {
    .name = "check",
    .summary = "find what is wrong with a folder of certificates",
    .usage = "[--host NAME] [--min-days N] [-o text|json] DIR",
    .help = "Looks at tls.crt, tls.key, ca.crt and, if there, ca.key: does the key belong to\n"
            "the certificate, does ca.crt verify it, are dates, names, usages, strength and\n"
            "the files' modes right.  Prints everything it finds, each with the command that\n"
            "mends it.\n"
            "\n"
            "Example:\n"
            "  proctor certs check --host proctor.proctor.svc /etc/proctor/tls\n"
            "\n"
            "Exit codes: 0 fine, 1 something is wrong, 2 the folder cannot be opened.\n",
    .flags = check_flags,
    .run = run_check,
};

static const struct command certs_renew = {
    .name = "renew",
    .summary = "replace a serving certificate that ends soon",
    .usage = "[--within DAYS] [--days N] [--force] (DIR | --in-cluster [--rotate-ca] ...)",
    .help = "Makes a new key and certificate with the same names under the same CA, if 30 days\n"
            "or fewer are left (--within), or key and certificate do not match.  When the CA\n"
            "itself ends that soon, a new CA is made and ca.crt holds new and old.\n"
            "\n"
            "A folder whose names are links through ..data (a Secret mount's layout) is\n"
            "swapped by one rename.  Otherwise tls.crt is replaced last: a server that watches\n"
            "sees a new key beside the old certificate for a moment, keeps what it has, and\n"
            "loads the pair when tls.crt changes.  Files of another issuer are refused.\n"
            "\n"
            "With --in-cluster: an installation's Secrets and the caBundle of every entry of\n"
            "both webhook configurations, made if there is nothing yet, renewed if due (the\n"
            "certificate at a third of its life or --within, the CA at a fifth), and put right\n"
            "if somebody changed them.  A new CA is trusted first, its certificate comes after,\n"
            "the old CA leaves in a later run, once every pod serves the new certificate (an\n"
            "account that may not ask them, as the CronJob's, waits a week): no request fails.\n"
            "May be stopped at any moment and run twice at once.  The API server is found as\n"
            "kubectl finds it, in a pod by the pod's own account.\n"
            "\n"
            "With --path-secret, a recorder's: its one configuration is validating, and gets the\n"
            "path whose end nobody knows along with the caBundle.  To change it, write a new\n"
            "first line into that Secret, run this when the pods have it, and take the other out.\n"
            "\n"
            "If somebody saw ca.key: --rotate-ca, and without it again ten minutes later, both\n"
            "as an administrator, who may ask the pods.\n"
            "\n"
            "Examples:\n"
            "  proctor certs renew --within 60 build/dev-certs\n"
            "  proctor certs renew --in-cluster --dry-run\n"
            "  proctor certs renew --in-cluster --rotate-ca\n"
            "  kubectl -n hydrosim-system create job --from=cronjob/proctor-certs-renew now\n"
            "\n"
            "Exit codes: 0 renewed or not due; 1 (--in-cluster) something has to come first:\n"
            "configurations that are not there, a pod that does not take the certificate up;\n"
            "2 not Proctor's, unreadable or not writable, a right is missing.\n",
    .flags = renew_flags,
    .run = run_renew,
};

static const struct command *const certs_commands[] = {&certs_issue, &certs_show, &certs_check,
                                                       &certs_renew, NULL};

extern const struct command cmd_certs;
const struct command cmd_certs = {
    .name = "certs",
    .summary = "issue, show, check and renew the webhook's certificates",
    .usage = "issue|show|check|renew [flags]",
    .help = "`proctor certs issue --help` and so on explain each, with examples.\n",
    .commands = certs_commands,
};
