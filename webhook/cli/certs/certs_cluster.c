#include "cli/certs/certs_cluster.h"

#include "base/clock.h"
#include "base/limits.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/scope.h"
#include "cli/certs/certs_steps.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX         256
#define CONFLICTS_MAX     20
#define BUNDLES_MAX       10
#define SECONDS_MAX       86400L
#define LATE_SECONDS      3600
#define POLL_SECONDS      2U
#define CONFLICT_PAUSE_US 200000U

/* What -o json calls a step, and what --dry-run says of it. */
static const struct {
    const char *name;
    const char *plan;
} steps[CERTS_STEPS] = {
    [CERTS_MAKE_CA] = {"make-ca", "make a CA and its Secret"},
    [CERTS_ROTATE_CA] = {"rotate-ca", "make a new CA; the one before it stays trusted"},
    [CERTS_MAKE_PATH] = {"make-path", "make a secret path and its Secret"},
    [CERTS_MAKE_LEAF] = {"make-certificate", "make the certificate and its Secret"},
    [CERTS_SET_BUNDLE] = {"set-bundle", "set the caBundle of the webhooks' entries"},
    [CERTS_SETTLE] = {"settle", "wait until every API server has the caBundle"},
    [CERTS_RENEW_LEAF] = {"renew-certificate", "make a new certificate"},
    [CERTS_COPY_BUNDLE] = {"copy-bundle", "put the bundle beside the certificate"},
    [CERTS_AWAIT_CONFIGURATIONS] = {"await-configurations", "wait for the configurations"},
    [CERTS_ASK_PODS] = {"ask-pods", "ask the pods which certificate they serve"},
    [CERTS_RETIRE_CA] = {"retire-ca", "take the old CA out"},
};

struct run {
    struct cli *cli;
    struct cluster *cluster; /* its arena keeps what is printed at the end */
    struct certs_work *work;
    cJSON *log;
    long wait_seconds;
    int64_t began_us;
    bool waiting_said;
    unsigned conflicts;
    unsigned bundles;
};

/* ---- flags ---- */

bool certs_cluster_flag_alone(const struct cli *cli)
{
    static const struct cli_flag mine[] = {CERTS_CLUSTER_FLAGS, {0}};
    for (const struct cli_flag *flag = mine; flag->name != NULL; flag++) {
        if (cli_flag_bool(cli, flag->name)) {
            cli_usage_error(cli, "--%s goes with --in-cluster, and there is none", flag->name);
            return true;
        }
    }
    return false;
}

static int make_names(const struct cli *cli, struct certs_wish *wish, struct err *reterr)
{
    const char *dns[NAMES_MAX], *ips[NAMES_MAX];
    struct issue_names names = {.service = wish->service,
                                .space = wish->space,
                                .dns = dns,
                                .dns_count = cli_flag_count(cli, "dns"),
                                .ips = ips,
                                .ip_count = cli_flag_count(cli, "ip")};
    if (names.dns_count > NAMES_MAX || names.ip_count > NAMES_MAX)
        return err_set(reterr, ERR_USAGE, "more than %d names", NAMES_MAX);
    for (size_t i = 0; i < names.dns_count; i++)
        dns[i] = cli_flag_nth(cli, "dns", i);
    for (size_t i = 0; i < names.ip_count; i++)
        ips[i] = cli_flag_nth(cli, "ip", i);
    return issue_make_names(&names, &wish->names, reterr);
}

static bool read_numbers(struct run *run, struct certs_wish *wish)
{
    const struct cli *cli = run->cli;
    wish->leaf_days = ISSUE_LEAF_DAYS;
    wish->within_days = -1;
    if (cli_flag_bool(cli, "days") &&
        !cli_flag_int(cli, "days", 1, ISSUE_DAYS_MAX, &wish->leaf_days))
        return false;
    if (cli_flag_bool(cli, "within") &&
        !cli_flag_int(cli, "within", 0, ISSUE_DAYS_MAX, &wish->within_days))
        return false;
    return cli_flag_int(cli, "ca-days", 1, ISSUE_DAYS_MAX, &wish->ca_days) &&
           cli_flag_int(cli, "wait-seconds", 0, SECONDS_MAX, &run->wait_seconds) &&
           cli_flag_int(cli, "settle-seconds", 0, SECONDS_MAX, &wish->settle_seconds) &&
           cli_flag_int(cli, "retire-minutes", 0, SECONDS_MAX, &wish->retire_minutes);
}

/* A certificate that were due as soon as it is made would be made anew by every run. */
static const char *refuse_wish(const struct certs_wish *wish)
{
    if (strcmp(wish->secret, wish->ca_secret) == 0)
        return "--secret and --ca-secret are the same: the CA's key must not lie in the pods";
    if (wish->path_secret != NULL && (strcmp(wish->path_secret, wish->secret) == 0 ||
                                      strcmp(wish->path_secret, wish->ca_secret) == 0))
        return "--path-secret is another Secret's name";
    if (wish->leaf_days > wish->ca_days)
        return "--days is more than --ca-days";
    if (wish->within_days >= wish->leaf_days)
        return "--within is not less than the certificate's --days: every run would renew it";
    return NULL;
}

/* ---- output ---- */

static void say_done(struct run *run, enum certs_step step, const char *text)
{
    struct arena *arena = &run->cluster->arena;
    cJSON *row = json_new_object(arena);
    json_add(arena, row, "step", json_new_string(arena, steps[step].name));
    json_add(arena, row, "text", json_new_string(arena, text));
    json_append(run->log, row);
    if (run->cluster->json)
        return;
    cli_print_visible(run->cli->out, text);
    fputc('\n', run->cli->out);
    fflush(run->cli->out); /* a Job's log is read while it runs */
}

static void say_waiting(struct run *run)
{
    struct buf text;
    if (run->waiting_said)
        return;
    run->waiting_said = true;
    buf_init(&text, &run->cluster->arena, LIMIT_MIB);
    certs_steps_add_missing(run->work, &text);
    fprintf(run->cli->err, "waiting up to %ld s for ", run->wait_seconds);
    cli_print_visible(run->cli->err, text.data);
    fputc('\n', run->cli->err);
    fflush(run->cli->err);
}

static cJSON *describe(struct run *run, const X509 *cert, int64_t due_at)
{
    struct arena *arena = &run->cluster->arena;
    char text[CLOCK_TEXT_BYTES], print[CERTS_PRINT_BYTES];
    cJSON *node = json_new_object(arena);
    if (cert == NULL)
        return node;
    certs_print(cert, print);
    json_add(arena, node, "sha256", json_new_string(arena, print));
    json_add(arena, node, "notAfter",
             json_new_string(arena, clock_format_seconds(certs_ends_at(cert), text)));
    json_add(arena, node, "due", json_new_string(arena, clock_format_seconds(due_at, text)));
    json_add(arena, node, "daysLeft",
             json_new_int(arena, inspect_days_left(cert, (time_t)clock_unix())));
    return node;
}

/* What the old CA waits for; `late` says that somebody should look. */
static void add_retirement(struct run *run, struct buf *out, bool *ret_late)
{
    char text[CLOCK_TEXT_BYTES];
    const struct certs_work *work = run->work;
    int64_t now = clock_unix(), born = now - work->found.leaf_age_seconds;
    switch (work->pods) {
    case CERTS_PODS_SERVE_ANOTHER:
        *ret_late = work->found.leaf_age_seconds > LATE_SECONDS;
        buf_printf(out, "the old CA stays trusted, because %s%s", work->pods_text,
                   *ret_late ? ", for more than an hour: does its node run?"
                             : " (a kubelet takes a minute or two); a later run takes it out");
        return;
    case CERTS_PODS_UNKNOWN:
        buf_printf(out,
                   "the old CA stays trusted until %s, or until a run hears from every pod "
                   "(%s)",
                   clock_format_seconds(born + CERTS_UNPROVEN_SECONDS, text), work->pods_text);
        return;
    case CERTS_PODS_NOT_ASKED:
    case CERTS_PODS_SERVE_IT:
        break;
    }
    buf_printf(out,
               "a run after %s takes the old CA out, once every pod serves the new "
               "certificate",
               clock_format_seconds(born + work->found.retire_seconds, text));
}

static void add_next(struct run *run, struct buf *out, bool *ret_late)
{
    char leaf[CLOCK_TEXT_BYTES], ca[CLOCK_TEXT_BYTES];
    const struct certs_work *work = run->work;
    if (work->found.configurations_missing > 0) {
        buf_add_string(out, "run this again once they are there: ");
        certs_steps_add_missing(work, out);
    } else if (work->found.old_there) {
        add_retirement(run, out, ret_late);
    } else if (work->held.leaf != NULL && work->held.ca != NULL) {
        buf_printf(out, "the certificate is due on %.10s, the CA on %.10s",
                   clock_format_seconds(certs_steps_leaf_due_at(work), leaf),
                   clock_format_seconds(certs_steps_ca_due_at(work), ca));
    }
}

static void print_result(struct run *run, const char *next, const struct err *err)
{
    struct arena *arena = &run->cluster->arena;
    const struct certs_work *work = run->work;
    if (!run->cluster->json) {
        if (err == NULL && json_count(run->log) == 0)
            fputs("nothing to do: Secrets and caBundles are as they should be\n", run->cli->out);
        if (next[0] == '\0')
            return;
        fputs("next: ", run->cli->out);
        cli_print_visible(run->cli->out, next);
        fputc('\n', run->cli->out);
        return;
    }
    cJSON *root = json_new_object(arena);
    json_add(arena, root, "changed", json_new_bool(arena, json_count(run->log) > 0));
    json_add(arena, root, "steps", run->log);
    json_add(arena, root, "certificate",
             describe(run, work->held.leaf,
                      work->held.leaf != NULL ? certs_steps_leaf_due_at(work) : 0));
    json_add(arena, root, "ca",
             describe(run, work->held.ca, work->held.ca != NULL ? certs_steps_ca_due_at(work) : 0));
    json_add(arena, root, "oldCaTrusted", json_new_bool(arena, work->found.old_there));
    json_add(arena, root, "next", json_new_string(arena, next));
    if (err != NULL)
        json_add(arena, root, "error", json_new_string(arena, err->text));
    cluster_print_json(run->cli, run->cluster, root);
}

/* ---- the run ---- */

static int fail(struct run *run, const struct err *err)
{
    if (run->cluster->json)
        print_result(run, "", err);
    cli_fail(run->cli, err);
    if (json_count(run->log) > 0)
        fputs("what was done before holds; the next run goes on from there\n", run->cli->err);
    return CLI_ERROR;
}

/* Somebody was faster, or sets the bundle back again and again. */
static int refuse_fight(struct run *run, enum certs_step step, int r, struct err *reterr)
{
    if (r == -ERR_CONFLICT) {
        if (++run->conflicts > CONFLICTS_MAX)
            return r;
        usleep(CONFLICT_PAUSE_US);
        return 0;
    }
    if (r == 0 && step == CERTS_SET_BUNDLE && ++run->bundles > BUNDLES_MAX)
        return err_set(reterr, ERR_REFUSED,
                       "somebody sets the caBundle of %s back each time: a GitOps tool must leave "
                       "clientConfig.caBundle alone",
                       run->work->wish->configuration);
    return r;
}

static bool still_time(struct run *run)
{
    int64_t waited = clock_monotonic_us() - run->began_us;
    if (waited / 1000000 >= run->wait_seconds)
        return false;
    say_waiting(run);
    sleep(POLL_SECONDS);
    return true;
}

/* Until nothing is left to do, or *ret_missing: configurations that did not come. */
static int work_off(struct run *run, bool *ret_missing, struct err *reterr)
{
    struct buf said;
    buf_init(&said, &run->cluster->arena, LIMIT_MIB);
    while (true) {
        int r = certs_steps_look(run->work, reterr);
        if (r < 0)
            return r;
        enum certs_step step = certs_plan_next(&run->work->found);
        if (step == CERTS_DONE)
            return 0;
        if (step == CERTS_AWAIT_CONFIGURATIONS) {
            *ret_missing = !still_time(run);
            if (*ret_missing)
                return 0;
            continue;
        }
        buf_clear(&said);
        r = certs_steps_do(run->work, step, &said, reterr);
        if (r == 0 && said.length > 0)
            say_done(run, step, said.data);
        r = refuse_fight(run, step, r, reterr);
        if (r < 0)
            return r;
    }
}

static int renew(struct run *run)
{
    struct err err;
    struct buf next;
    bool missing = false, late = false;
    run->began_us = clock_monotonic_us();
    if (work_off(run, &missing, &err) < 0)
        return fail(run, &err);
    buf_init(&next, &run->cluster->arena, LIMIT_MIB);
    add_next(run, &next, &late);
    bool refused = run->work->wish->rotate_ca && run->work->found.ca_due;
    print_result(run, next.data, NULL);
    if (refused && !missing)
        fputs("the CA was not replaced: first the one before it has to leave\n", run->cli->err);
    return missing || late || refused ? CLI_VIOLATIONS : CLI_FINE;
}

/* The same steps on what would then be found; nothing is written and no pod is asked. */
static int plan(struct run *run)
{
    struct err err;
    if (certs_steps_look(run->work, &err) < 0)
        return fail(run, &err);
    struct certs_found found = run->work->found;
    enum certs_step step;
    for (unsigned i = 0; i < 2 * CERTS_STEPS; i++) {
        step = certs_plan_next(&found);
        if (step == CERTS_DONE)
            break;
        say_done(run, step, arena_printf(&run->cluster->arena, "would %s", steps[step].plan));
        certs_plan_pretend(&found, step);
    }
    if (run->cluster->json || json_count(run->log) == 0)
        print_result(run, "", NULL);
    return CLI_FINE;
}

static int with_cluster(struct run *run, struct certs_wish *wish)
{
    struct err err;
    struct certs_work work = {.wish = wish, .client = run->cluster->client};
    wish->space = run->cluster->space;
    if (make_names(run->cli, wish, &err) < 0)
        return cli_fail(run->cli, &err);
    arena_init(&work.turn, 64 * LIMIT_MIB);
    run->work = &work;
    run->log = json_new_array(&run->cluster->arena);
    int code = cli_flag_bool(run->cli, "dry-run") ? plan(run) : renew(run);
    certs_steps_done(&work);
    run->work = NULL;
    return code;
}

int certs_cluster_renew(struct cli *cli)
{
    struct err err;
    struct cluster cluster;
    struct run run = {.cli = cli, .cluster = &cluster};
    struct certs_wish wish = {.service = cli_flag_string(cli, "service"),
                              .secret = cli_flag_string(cli, "secret"),
                              .ca_secret = cli_flag_string(cli, "ca-secret"),
                              .configuration = cli_flag_string(cli, "configuration"),
                              .path_secret = cli_flag_string(cli, "path-secret"),
                              .force = cli_flag_bool(cli, "force"),
                              .rotate_ca = cli_flag_bool(cli, "rotate-ca")};
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "--in-cluster takes no folder, and \"%s\" is given",
                               cli->arguments[0]);
    if (!read_numbers(&run, &wish))
        return CLI_ERROR;
    const char *why = refuse_wish(&wish);
    if (why != NULL)
        return cli_usage_error(cli, "%s", why);
    if (cluster_open(cli, &cluster, &err) < 0)
        return cli_fail(cli, &err);
    int code = with_cluster(&run, &wish);
    GENERAL_NAMES_free(wish.names);
    cluster_close(&cluster);
    return code;
}
