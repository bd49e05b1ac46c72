/* proctor disarm, proctor arm: the way out of trouble in one command, and back. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/cluster/cluster.h"
#include "cli/cluster/registration.h"

#include <string.h>

#define TRIES_MAX 6

enum state { STATE_DONE, STATE_ALREADY, STATE_MISSING, STATE_FOREIGN, STATE_FAILED };

static const char *const state_names[] = {"done", "already", "missing", "foreign", "failed"};

struct outcome {
    const struct registration *what;
    enum state state;
    const cJSON *found; /* as it was last read or answered; NULL: never seen */
    struct err err;
};

struct change {
    struct cli *cli;
    struct cluster *cluster;
    cJSON *note; /* NULL: arm */
    bool dry_run;
    struct outcome outcomes[REGISTRATION_COUNT]; /* in the order of the work */
};

static bool disarms(const struct change *change)
{
    return change->note != NULL;
}

/* ---- the work */

/* A file of somebody else's may have the name. */
static size_t count_ours(const cJSON *configuration)
{
    size_t count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks")) count +=
        registration_is_ours(entry);
    return count;
}

static int send_patch(const struct change *change, struct outcome *outcome, const cJSON *patch)
{
    struct arena *arena = &change->cluster->arena;
    const char *path =
        arena_printf(arena, "%s%s", outcome->what->path, change->dry_run ? "?dryRun=All" : "");
    cJSON *answer = NULL;
    int r = client_patch(change->cluster->client, arena, path, CLIENT_PATCH_STRATEGIC, patch,
                         &answer, &outcome->err);
    if (r < 0)
        return r;
    outcome->found = answer;
    if (registration_patch(arena, answer, change->note) != NULL)
        return err_set(&outcome->err, ERR_ANSWER,
                       "the API server took the patch, and did not do what it says");
    return 0;
}

static int try_once(const struct change *change, struct outcome *outcome)
{
    struct arena *arena = &change->cluster->arena;
    cJSON *found = NULL;
    int r = client_get(change->cluster->client, arena, outcome->what->path, &found, &outcome->err);
    if (r < 0)
        return r;
    outcome->found = found;
    if (count_ours(found) == 0) {
        outcome->state = STATE_FOREIGN;
        return 0;
    }
    const cJSON *patch = registration_patch(arena, found, change->note);
    outcome->state = patch == NULL ? STATE_ALREADY : STATE_DONE;
    return patch == NULL ? 0 : send_patch(change, outcome, patch);
}

static void change_one(const struct change *change, struct outcome *outcome)
{
    int r = -ERR_CONFLICT;
    for (int tries = 0; r == -ERR_CONFLICT && tries < TRIES_MAX; tries++)
        r = try_once(change, outcome);
    if (r == -ERR_NOT_FOUND)
        outcome->state = STATE_MISSING;
    else if (r < 0)
        outcome->state = STATE_FAILED;
}

/* Half a disarmed pair must not refuse what is no longer corrected: the refusing one is let go
 * first, and taken back last. */
static void change_both(struct change *change)
{
    const size_t first = disarms(change) ? REGISTRATION_VALIDATING : REGISTRATION_MUTATING;
    change->outcomes[0].what = &registrations[first];
    change->outcomes[1].what = &registrations[1 - first];
    for (size_t i = 0; i < REGISTRATION_COUNT; i++)
        change_one(change, &change->outcomes[i]);
}

/* ---- what is told */

static const char *entry_names(struct arena *arena, const cJSON *configuration, bool ours)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_MIB);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        const char *name = json_get_string(entry, "name");
        if (name != NULL && registration_is_ours(entry) == ours)
            buf_add_strings(&text, text.length > 0 ? ", " : "", name, NULL);
    }
    return text.data;
}

/* "since ... by ...: why" of whoever was first. */
static void print_note(const struct change *change, const cJSON *found)
{
    static const struct {
        const char *key, *words;
    } parts[] = {{"at", " since "}, {"by", ", by "}, {"why", ": "}};
    const cJSON *note = registration_note(&change->cluster->arena, found);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *text = json_get_string(note, parts[i].key);
        if (text == NULL || text[0] == '\0')
            continue;
        fputs(parts[i].words, change->cli->out);
        cli_print_visible(change->cli->out, text);
    }
}

static void print_line(const struct change *change, enum cli_colour colour, const char *word,
                       const struct outcome *outcome, const char *text)
{
    fprintf(change->cli->out, "%s%s%s  %s " REGISTRATION_NAME ": ", cli_paint(change->cli, colour),
            word, cli_paint(change->cli, CLI_PLAIN), outcome->what->kind);
    cli_print_visible(change->cli->out, text);
}

static void print_outcome(const struct change *change, const struct outcome *outcome)
{
    struct arena *arena = &change->cluster->arena;
    const char *word = disarms(change) ? "disarmed" : "armed";
    if (change->dry_run && outcome->state == STATE_DONE)
        word = disarms(change) ? "would be disarmed" : "would be armed";
    switch (outcome->state) {
    case STATE_DONE:
    case STATE_ALREADY:
        print_line(change, disarms(change) ? CLI_YELLOW : CLI_GREEN, word, outcome,
                   entry_names(arena, outcome->found, true));
        fputs(outcome->state == STATE_ALREADY ? " (already" : "", change->cli->out);
        if (outcome->state == STATE_ALREADY && disarms(change))
            print_note(change, outcome->found);
        fputs(outcome->state == STATE_ALREADY ? ")\n" : "\n", change->cli->out);
        break;
    case STATE_MISSING:
        print_line(change, CLI_YELLOW, "missing", outcome,
                   "not registered, so nothing is called\n");
        break;
    case STATE_FOREIGN:
        print_line(change, CLI_RED, "left alone", outcome, "not Proctor's: its entries are ");
        cli_print_visible(change->cli->out, entry_names(arena, outcome->found, false));
        fputc('\n', change->cli->out);
        break;
    case STATE_FAILED:
        print_line(change, CLI_RED, disarms(change) ? "NOT disarmed" : "NOT armed", outcome,
                   outcome->err.text);
        fputc('\n', change->cli->out);
        break;
    }
}

static bool is_as_wanted(const struct change *change, const struct outcome *outcome)
{
    return outcome->state == STATE_DONE || outcome->state == STATE_ALREADY ||
           (outcome->state == STATE_MISSING && disarms(change));
}

static const char install[] = "kubectl apply -k manifests/base";

static void print_disarmed(const struct change *change)
{
    fputs("From now on nothing is judged, changed or refused by Proctor: what is stored meanwhile\n"
          "stays as it is, with its faults.  It is in force within a second or two.\n"
          "Back: proctor arm\n",
          change->cli->out);
}

static void print_end(const struct change *change)
{
    const struct outcome *first = &change->outcomes[0], *second = &change->outcomes[1];
    const bool wanted[] = {is_as_wanted(change, first), is_as_wanted(change, second)};
    FILE *out = change->cli->out;
    if (wanted[0] && wanted[1]) {
        if (change->dry_run)
            fputs("Nothing was changed: --dry-run.\n", out);
        else if (disarms(change))
            print_disarmed(change);
        else
            fputs("Judged again from now on.  `proctor doctor` looks whether all is well.\n", out);
    } else if (wanted[0] != wanted[1]) {
        const struct outcome *good = wanted[0] ? first : second, *bad = wanted[0] ? second : first;
        fprintf(out, "Half done: %s is %s, %s is not (it %s).\n", good->what->kind,
                disarms(change) ? "disarmed" : "armed", bad->what->kind, bad->what->effect);
    }
    for (size_t i = 0; i < REGISTRATION_COUNT && !disarms(change); i++) {
        if (change->outcomes[i].state == STATE_MISSING)
            fprintf(out, "%s is registered by: %s\n", change->outcomes[i].what->kind, install);
    }
    if (disarms(change) && (first->state == STATE_FAILED || second->state == STATE_FAILED))
        fputs("Without Proctor's help, by whoever has the right:\n"
              "  kubectl delete "
              "mutatingwebhookconfiguration,validatingwebhookconfiguration " REGISTRATION_NAME "\n",
              out);
}

static cJSON *outcome_node(const struct change *change, const struct outcome *outcome)
{
    struct arena *arena = &change->cluster->arena;
    cJSON *node = json_new_object(arena), *entries = json_new_array(arena);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(outcome->found, "webhooks"))
    {
        if (registration_is_ours(entry))
            json_append(entries, json_dup(arena, json_get(entry, "name")));
    }
    json_add(arena, node, "kind", json_new_string(arena, outcome->what->kind));
    json_add(arena, node, "name", json_new_string(arena, REGISTRATION_NAME));
    json_add(arena, node, "state", json_new_string(arena, state_names[outcome->state]));
    json_add(arena, node, "entries", entries);
    if (registration_note(arena, outcome->found) != NULL)
        json_add(arena, node, "disarmed",
                 json_dup(arena, registration_note(arena, outcome->found)));
    if (outcome->state == STATE_FAILED)
        json_add(arena, node, "error", json_new_string(arena, outcome->err.text));
    return node;
}

static void print_json(const struct change *change)
{
    struct arena *arena = &change->cluster->arena;
    cJSON *root = json_new_object(arena), *list = json_new_array(arena);
    json_add(arena, root, "command", json_new_string(arena, disarms(change) ? "disarm" : "arm"));
    json_add(arena, root, "dryRun", json_new_bool(arena, change->dry_run));
    for (size_t i = 0; i < REGISTRATION_COUNT; i++)
        json_append(list, outcome_node(change, &change->outcomes[i]));
    json_add(arena, root, "configurations", list);
    cluster_print_json(change->cli, change->cluster, root);
}

static int run_change(struct change *change)
{
    bool fine = true;
    change_both(change);
    for (size_t i = 0; i < REGISTRATION_COUNT; i++) {
        fine = fine && is_as_wanted(change, &change->outcomes[i]);
        if (!change->cluster->json)
            print_outcome(change, &change->outcomes[i]);
    }
    if (change->cluster->json)
        print_json(change);
    else
        print_end(change);
    return fine ? CLI_FINE : CLI_ERROR;
}

/* ---- disarm */

static cJSON *make_note(const struct change *change)
{
    struct cluster *cluster = change->cluster;
    struct arena *arena = &cluster->arena;
    cJSON *note = json_new_object(arena), *user = NULL;
    char time[CLOCK_TEXT_BYTES];
    struct err err;
    const char *who = "unknown", *why = cli_flag_string(change->cli, "reason");
    /* Trouble may well be that nobody can be asked who we are. */
    if (cluster_whoami(cluster, cluster->client, &user, &err) == 0)
        who = json_get_string(user, "username");
    clock_format_seconds(clock_unix(), time);
    json_add(arena, note, "at", json_new_string(arena, time));
    json_add(arena, note, "by", json_new_string(arena, who));
    json_add(arena, note, "why", json_new_string(arena, why != NULL ? why : ""));
    return note;
}

static int run_disarm(struct cli *cli)
{
    struct cluster cluster;
    struct err err;
    const char *why = cli_flag_string(cli, "reason");
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[0]);
    if (why != NULL && strlen(why) > 1024)
        return cli_usage_error(cli, "--reason: at most 1024 bytes");
    if (cluster_open(cli, &cluster, &err) < 0)
        return cli_fail(cli, &err);
    struct change change = {
        .cli = cli, .cluster = &cluster, .dry_run = cli_flag_bool(cli, "dry-run")};
    change.note = make_note(&change);
    int code = run_change(&change);
    cluster_close(&cluster);
    return code;
}

/* ---- arm: a dead webhook that is armed stops every write in the students' namespace */

static bool is_ready(const cJSON *endpoint)
{
    const cJSON *ready = json_path(endpoint, "conditions", "ready", NULL);
    return ready == NULL || json_is_true(ready); /* nil: unknown, to be taken as ready */
}

static int count_ready(struct cluster *cluster, const char *space, const char *name,
                       size_t *ret_count, struct err *reterr)
{
    cJSON *slices = NULL;
    size_t count = 0;
    const char *path =
        client_path(&cluster->arena,
                    "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
                    "?labelSelector=%s",
                    space, arena_printf(&cluster->arena, "kubernetes.io/service-name=%s", name));
    int r = client_list(cluster->client, &cluster->arena, path, &slices, reterr);
    if (r < 0)
        return r;
    const cJSON *slice, *endpoint;
    cJSON_ArrayForEach(slice, slices) cJSON_ArrayForEach(endpoint, json_get(slice, "endpoints"))
        count += is_ready(endpoint);
    *ret_count = count;
    return 0;
}

static int check_entry(struct cluster *cluster, const cJSON *entry, struct err *reterr)
{
    const cJSON *config = json_get(entry, "clientConfig"), *service = json_get(config, "service");
    const char *name = json_get_string(service, "name");
    const char *space = json_get_string(service, "namespace");
    const char *bundle = json_get_string(config, "caBundle");
    const char *entry_name = json_get_string(entry, "name");
    size_t count = 0;
    if (name == NULL || space == NULL)
        return err_set(reterr, ERR_REFUSED, "%s calls a URL, which cannot be looked at from here",
                       entry_name);
    if (bundle == NULL || bundle[0] == '\0')
        return err_set(reterr, ERR_REFUSED,
                       "%s has no caBundle yet, so no answer would be believed: kubectl -n %s logs "
                       "--selector app.kubernetes.io/name=proctor-certs",
                       entry_name, cluster->space);
    int r = count_ready(cluster, space, name, &count, reterr);
    if (r < 0)
        return err_wrap(reterr, "cannot see whether %s answers", entry_name);
    if (count == 0)
        return err_set(reterr, ERR_REFUSED,
                       "no replica is ready behind Service %s/%s: kubectl -n %s rollout status "
                       "deployment/%s",
                       space, name, cluster_shell_word(&cluster->arena, space),
                       cluster_shell_word(&cluster->arena, name));
    return 0;
}

static int check_ready(struct cluster *cluster, struct err *reterr)
{
    for (size_t i = 0; i < REGISTRATION_COUNT; i++) {
        cJSON *found = NULL;
        const cJSON *entry;
        int r = client_get(cluster->client, &cluster->arena, registrations[i].path, &found, reterr);
        if (r == -ERR_NOT_FOUND)
            continue;
        if (r < 0)
            return r;
        cJSON_ArrayForEach(entry, json_get(found, "webhooks"))
        {
            if (registration_is_ours(entry) && (r = check_entry(cluster, entry, reterr)) < 0)
                return r;
        }
    }
    return 0;
}

static int refuse_to_arm(struct cli *cli, const struct err *err)
{
    cli_fail(cli, err);
    fputs("Nothing was armed: with no webhook that answers, every write in " CLUSTER_STUDENTS
          " would be refused.\n`proctor doctor` says more; --force arms anyhow.\n",
          cli->err);
    return CLI_ERROR;
}

static int run_arm(struct cli *cli)
{
    struct cluster cluster;
    struct err err;
    int code;
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[0]);
    if (cluster_open(cli, &cluster, &err) < 0)
        return cli_fail(cli, &err);
    struct change change = {
        .cli = cli, .cluster = &cluster, .dry_run = cli_flag_bool(cli, "dry-run")};
    if (!cli_flag_bool(cli, "force") && check_ready(&cluster, &err) < 0)
        code = refuse_to_arm(cli, &err);
    else
        code = run_change(&change);
    cluster_close(&cluster);
    return code;
}

static const struct cli_flag disarm_flags[] = {
    CLUSTER_FLAGS,
    {.name = "reason", .value = "TEXT", .help = "why, for those who come after you"},
    {.name = "dry-run", .help = "ask the API server, and change nothing"},
    {0}};

static const struct cli_flag arm_flags[] = {
    CLUSTER_FLAGS,
    {.name = "force", .help = "although no replica is seen to be ready"},
    {.name = "dry-run", .help = "ask the API server, and change nothing"},
    {0}};

extern const struct command cmd_disarm;
const struct command cmd_disarm = {
    .name = "disarm",
    .summary = "switch Proctor off at the API server, at once",
    .usage = "[--reason TEXT] [--dry-run] [flags]",
    .help = "Adds the matchCondition \"false\" to every entry of both webhook configurations, so\n"
            "that the API server no longer asks Proctor about anything, and writes down who did\n"
            "it, when and why.  Works when the webhook is dead: these configurations are never\n"
            "sent to a webhook.  Needs only get and patch on the two.  Nothing is lost, and\n"
            "applying the manifests again does not arm.  Doing it twice is the same as once.\n"
            "\n"
            "Without this program at hand, as bluntly:\n"
            "  kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration proctor\n"
            "\n"
            "Examples:\n"
            "  proctor disarm --reason 'exam starts, webhook broken'\n"
            "  proctor disarm --dry-run\n"
            "\n"
            "Exit codes: 0 disarmed (or was already, or nothing is registered), 2 one of the two\n"
            "could not be changed; the output says which of them is how.\n",
    .flags = disarm_flags,
    .run = run_disarm,
};

extern const struct command cmd_arm;
const struct command cmd_arm = {
    .name = "arm",
    .summary = "switch Proctor on again at the API server",
    .usage = "[--force] [--dry-run] [flags]",
    .help = "Takes away what `proctor disarm` put in.  Before that it looks whether a replica is\n"
            "ready behind the Service: an armed webhook that does not answer stops every write\n"
            "in the students' namespace.  --force arms without that look.\n"
            "\n"
            "Example:\n"
            "  proctor arm\n"
            "\n"
            "Exit codes: 0 armed (or was already), 2 not both are armed; the output says which.\n",
    .flags = arm_flags,
    .run = run_arm,
};
