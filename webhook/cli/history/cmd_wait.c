/* proctor wait: the honest `kubectl rollout status`. */
#include "base/limits.h"
#include "cli/history/history.h"
#include "cli/history/wait.h"
#include "cli/input.h"

#include <string.h>

#define ARENA_BYTES    (64 * LIMIT_MIB)
#define GENERATION_MAX 1000000000L
#define IMAGES_MAX     64U

/* What is waited for, from flags and a manifest. */
struct choosing {
    struct cli *cli;
    struct arena arena;
    struct wait_request request;
    struct rollout_image images[IMAGES_MAX + 1];
};

/* ---- the manifest ----------------------------------------------------------------------- */

struct manifest {
    struct choosing *choosing;
    size_t deployments, problems;
};

static void take_images(struct choosing *choosing, const cJSON *object)
{
    const cJSON *container;
    size_t count = 0;
    cJSON_ArrayForEach(container, json_path(object, "spec", "template", "spec", "containers", NULL))
    {
        const char *name = json_get_string(container, "name");
        const char *image = json_get_string(container, "image");
        if (name == NULL || image == NULL || count == IMAGES_MAX)
            continue;
        choosing->images[count].container = arena_strdup(&choosing->arena, name);
        choosing->images[count++].image = arena_strdup(&choosing->arena, image);
    }
    choosing->request.rollout.images = choosing->images;
}

static void take_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct manifest *manifest = context;
    struct choosing *choosing = manifest->choosing;
    const char *kind = json_get_string(item->object, "kind");
    const cJSON *metadata = json_get(item->object, "metadata");
    const char *space = json_get_string(metadata, "namespace");
    (void)arena;
    if (kind == NULL || strcmp(kind, "Deployment") != 0 ||
        json_get_string(metadata, "name") == NULL || manifest->deployments++ > 0)
        return;
    choosing->request.name = arena_strdup(&choosing->arena, json_get_string(metadata, "name"));
    if (space != NULL)
        choosing->request.space = arena_strdup(&choosing->arena, space);
    take_images(choosing, item->object);
}

static void take_problem(void *context, const struct input_problem *problem)
{
    struct manifest *manifest = context;
    manifest->problems++;
    input_print_problem(manifest->choosing->cli, problem);
}

static int read_manifest(struct choosing *choosing, const char *path)
{
    struct manifest manifest = {.choosing = choosing};
    const struct input_visitor visitor = {&manifest, take_object, take_problem};
    input_walk(&path, 1, &visitor);
    if (manifest.problems > 0)
        return CLI_ERROR;
    if (manifest.deployments == 1)
        return CLI_FINE;
    return cli_usage_error(choosing->cli,
                           "%.200s has %zu Deployments, and one is waited for: name it", path,
                           manifest.deployments);
}

static int choose(struct choosing *choosing)
{
    struct cli *cli = choosing->cli;
    const char *file = cli_flag_string(cli, "filename");
    if (cli->argument_count > (file == NULL ? 1U : 0U))
        return cli_usage_error(cli, "unexpected argument \"%s\"",
                               cli->arguments[cli->argument_count - 1]);
    if (file != NULL)
        return read_manifest(choosing, file);
    choosing->request.name = history_project(cli, 0);
    return choosing->request.name != NULL ? CLI_FINE : CLI_ERROR;
}

static int read_flags(struct choosing *choosing)
{
    const struct cli *cli = choosing->cli;
    struct wait_request *request = &choosing->request;
    long generation = 0;
    request->kubeconfig = cli_flag_string(cli, "kubeconfig");
    request->context = cli_flag_string(cli, "context");
    request->as_user = cli_flag_string(cli, "as");
    request->timeout_text = cli_flag_string(cli, "timeout");
    choosing->request.json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    choosing->request.rollout.machine = machine_settings_default;
    choosing->request.rollout.soak = cli_flag_bool(cli, "soak");
    if (!history_duration(cli, "timeout", &choosing->request.timeout_us) ||
        !history_duration(cli, "evidence", &choosing->request.rollout.machine.evidence_us) ||
        !history_duration(cli, "soak-time", &choosing->request.rollout.machine.soak_us))
        return CLI_ERROR;
    if (cli_flag_string(cli, "generation") != NULL &&
        !cli_flag_int(cli, "generation", 1, GENERATION_MAX, &generation))
        return CLI_ERROR;
    request->rollout.generation = generation;
    const int code = choose(choosing);
    if (cli_flag_string(cli, "namespace") != NULL)
        request->space = cli_flag_string(cli, "namespace");
    return code;
}

static int run_wait(struct cli *cli)
{
    struct choosing choosing = {.cli = cli};
    arena_init(&choosing.arena, ARENA_BYTES);
    int code = read_flags(&choosing);
    if (code == CLI_FINE)
        code = wait_run(cli, &choosing.request);
    arena_done(&choosing.arena);
    return code;
}

static const struct cli_flag wait_flags[] = {
    {.name = "filename", .letter = 'f', .value = "FILE", .help = "a manifest with one Deployment"},
    {.name = "namespace", .letter = 'n', .value = "NS", .help = "else the manifest's or context's"},
    {.name = "timeout", .value = "DURATION", .fallback = "10m", .help = "give up waiting then"},
    {.name = "generation", .value = "N", .help = "what was written: metadata.generation"},
    {.name = "soak", .help = "also wait until it has proven good: no restart for --soak-time"},
    {.name = "soak-time", .value = "DURATION", .fallback = "60s", .help = "with --soak"},
    {.name = "evidence",
     .value = "DURATION",
     .fallback = "60s",
     .help = "how long all pods must show a fault"},
    CLI_OUTPUT_FLAG("text|json", "text"),
    {.name = "kubeconfig", .value = "FILE", .help = "as kubectl: else KUBECONFIG and so on"},
    {.name = "context", .value = "NAME", .help = "one of the kubeconfig; else its current"},
    {.name = "as", .value = "USER", .help = "act as somebody else, if you may"},
    {0}};

extern const struct command cmd_wait;
const struct command cmd_wait = {
    .name = "wait",
    .summary = "until a rollout has ended, and why it failed",
    .usage = "NAME | deployment/NAME | -f FILE [flags]",
    .help = "The honest `kubectl rollout status`.  It needs nothing but a kubeconfig, and judges\n"
            "as the recorder does: it counts the pods of this very version, is not fooled by a\n"
            "condition that an earlier version left behind, calls an image that cannot be\n"
            "pulled, a crash loop or a missing ConfigMap failed within a minute instead of ten,\n"
            "and keeps a clock of its own.  On failure it shows why: reason, exit code, last\n"
            "words, events, and what to do.  It changes nothing.\n"
            "\n"
            "Examples:\n"
            "  kubectl apply -f app.yaml && proctor wait -f app.yaml\n"
            "  proctor wait deployment/student-2024001 --timeout 5m\n"
            "  proctor wait student-2024001 --soak -o json\n"
            "\n"
            "With --generation N, what another write has replaced meanwhile is not taken for\n"
            "one's own; with -f, what has other images than the file.\n"
            "\n"
            "Exit codes, for pipelines: 0 completed, 1 failed, 2 wrong use, or the API server\n"
            "could not be asked, 3 timed out, 4 neither: superseded, deleted, scaled to 0.\n",
    .flags = wait_flags,
    .run = run_wait,
};
