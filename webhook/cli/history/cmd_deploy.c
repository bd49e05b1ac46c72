/* proctor deploy: an image and its environment -> a new version, through the recorder. */
#include "cli/history/history.h"

#include "client/client.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000000L

static void add_text(struct history *history, cJSON *object, const char *key, const char *value)
{
    if (value != NULL)
        json_add(&history->arena, object, key, json_new_string(&history->arena, value));
}

static void add_bool(struct history *history, cJSON *object, const char *key, bool value)
{
    json_add(&history->arena, object, key, json_new_bool(&history->arena, value));
}

/* The flag's number; what it may be is the recorder's to say. */
static void add_number(struct history *history, cJSON *object, const char *key, const char *flag)
{
    const char *text = cli_flag_string(history->cli, flag);
    if (text != NULL)
        json_add(&history->arena, object, key,
                 json_new_int(&history->arena, strtoll(text, NULL, 10)));
}

/* --env NAME=VALUE, as docker and kubectl have it; the last one of a name counts. */
static cJSON *new_environment(struct history *history)
{
    struct arena *arena = &history->arena;
    cJSON *environment = json_new_object(arena);
    const size_t count = cli_flag_count(history->cli, "env");
    for (size_t i = 0; i < count; i++) {
        const char *text = cli_flag_nth(history->cli, "env", i), *equal = strchr(text, '=');
        const char *name = arena_strndup(arena, text, (size_t)(equal - text));
        cJSON *before = json_find(environment, name);
        if (before != NULL)
            json_unlink(environment, before);
        json_add(arena, environment, name, json_new_string(arena, equal + 1));
    }
    return environment;
}

static cJSON *new_health(struct history *history)
{
    static const struct {
        const char *flag, *key;
    } rows[] = {{"health-delay", "delaySeconds"},
                {"health-retries", "retries"},
                {"health-interval", "intervalSeconds"}};
    cJSON *health = json_new_object(&history->arena);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        add_number(history, health, rows[i].key, rows[i].flag);
    return health;
}

static cJSON *new_body(struct history *history, const char *image)
{
    static const struct {
        const char *flag, *key;
    } texts[] = {{"container", "container"},
                 {"strategy", "strategy"},
                 {"host", "host"},
                 {"cause", "changeCause"}};
    const struct cli *cli = history->cli;
    cJSON *body = json_new_object(&history->arena);
    add_text(history, body, "image", image);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_text(history, body, texts[i].key, cli_flag_string(cli, texts[i].flag));
    add_number(history, body, "port", "port");
    add_number(history, body, "replicas", "replicas");
    if (cli_flag_count(cli, "env") > 0 || cli_flag_bool(cli, "replace-env"))
        json_add(&history->arena, body, "environment", new_environment(history));
    if (cli_flag_bool(cli, "replace-env"))
        add_bool(history, body, "replaceEnvironment", true);
    if (cli_flag_bool(cli, "no-expose"))
        add_bool(history, body, "expose", false);
    if (cli_flag_bool(cli, "no-rollback"))
        add_bool(history, body, "rollbackOnFailure", false);
    cJSON *health = new_health(history);
    if (health->child != NULL)
        json_add(&history->arena, body, "health", health);
    return body;
}

static int deploy(struct history *history, const char *project, const char *image)
{
    const struct cli *cli = history->cli;
    cJSON *answer;
    struct err err;
    const char *path = client_path(&history->arena, "/api/projects/%s/deploy", project);
    if (history_post(history, path, new_body(history, image), cli_flag_string(cli, "if-generation"),
                     &answer, &err) < 0)
        return history_fail(history, &err);
    const bool wait = cli_flag_bool(cli, "wait");
    const cJSON *operation = json_get(answer, "operation");
    const char *actor = json_get_string(operation, "actor");
    if (history->json && !wait) {
        history_print_json(history, answer);
    } else if (!history->json) {
        fprintf(cli->out, "%s is deployed from ", project);
        cli_print_visible(cli->out, image);
        fputs(actor != NULL ? ", as " : "", cli->out);
        cli_print_visible(cli->out, actor != NULL ? actor : "");
        fprintf(cli->out, " (operation %lld)\n", (long long)history_int(operation, "id"));
        fflush(cli->out);
    }
    return wait ? history_wait(history, answer) : CLI_FINE;
}

static bool check_environment(const struct cli *cli)
{
    const size_t count = cli_flag_count(cli, "env");
    for (size_t i = 0; i < count; i++) {
        const char *text = cli_flag_nth(cli, "env", i);
        if (strchr(text, '=') == NULL || text[0] == '=') {
            cli_usage_error(cli, "--env \"%.80s\": must be NAME=VALUE", text);
            return false;
        }
    }
    return true;
}

static bool check_numbers(const struct cli *cli)
{
    static const char *const flags[] = {"port",           "replicas",        "health-delay",
                                        "health-retries", "health-interval", "if-generation"};
    long number;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (cli_flag_string(cli, flags[i]) != NULL &&
            !cli_flag_int(cli, flags[i], 0, NUMBER_MAX, &number))
            return false;
    }
    return true;
}

static int run_deploy(struct cli *cli)
{
    struct history history;
    int64_t timeout_us;
    const char *project = history_project(cli, 0);
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count != 2)
        return cli_usage_error(cli, "one image belongs behind the project: REGISTRY/NAME:TAG");
    if (!check_environment(cli) || !check_numbers(cli) ||
        !history_duration(cli, "timeout", &timeout_us) || history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, deploy(&history, project, cli->arguments[1]));
}

static const struct cli_flag deploy_flags[] = {
    {.name = "env",
     .letter = 'e',
     .value = "NAME=VALUE",
     .help = "set a variable; others stay as they are",
     .repeatable = true},
    {.name = "replace-env", .help = "those of --env are all there are: others go"},
    {.name = "container", .value = "NAME", .help = "whose image, if there are several"},
    {.name = "port", .value = "N", .help = "where the program listens; else as it is, or 8000"},
    {.name = "replicas", .value = "N", .help = "else as it is, or 1"},
    {.name = "strategy",
     .value = "RollingUpdate|Recreate",
     .help = "else as it is, or RollingUpdate"},
    {.name = "host", .value = "NAME", .help = "of the Ingress; else as it is, or the project's"},
    {.name = "no-expose", .help = "make no Service and no Ingress"},
    {.name = "cause", .value = "TEXT", .help = "why, for the history"},
    {.name = "no-rollback",
     .help = "if it fails, leave it so: else the last good version comes back"},
    {.name = "health-delay", .value = "SECONDS", .help = "before health is asked for"},
    {.name = "health-retries", .value = "N", .help = "how often it may be not well"},
    {.name = "health-interval", .value = "SECONDS", .help = "between two looks"},
    {.name = "if-generation", .value = "N", .help = "only if metadata.generation is still N"},
    HISTORY_WAIT_FLAGS,
    HISTORY_FLAGS,
    {0}};

extern const struct command cmd_deploy;
const struct command cmd_deploy = {
    .name = "deploy",
    .summary = "a new version from an image, through the recorder",
    .usage = "PROJECT IMAGE [--env NAME=VALUE]... [--wait] [flags]",
    .help =
        "Makes or changes a project's Deployment, Service and Ingress, as you: the policies\n"
        "judge it as any other change.  What is not named stays as it is.  --wait shows its\n"
        "progress, and why it failed.\n"
        "\n"
        "Examples:\n"
        "  proctor deploy student-2024001 registry.hydrosim.edu/student-2024001:v7 --wait\n"
        "  proctor deploy student-2024001 registry.hydrosim.edu/student-2024001:v7 \\\n"
        "      --env LEVELS=5 --cause 'five levels' --wait --timeout 5m\n"
        "\n"
        "Exit codes: 0 begun (with --wait: complete), 1 refused, or (--wait) it failed, 2 wrong\n"
        "use, or it could not be asked, 3 --wait timed out, 4 --wait: something newer came.\n",
    .flags = deploy_flags,
    .run = run_deploy,
};
