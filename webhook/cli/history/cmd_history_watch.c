/* proctor history watch: what happens to a project, as it happens. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/history/evidence.h"
#include "cli/history/history.h"
#include "cli/history/sse.h"
#include "client/client.h"

#include <string.h>
#include <time.h>

#define NUMBERS_MAX     256U
#define SILENCE_US      45000000 /* a comment comes each 15 s */
#define PAUSE_SECONDS   2
#define EVENT_BYTES_MAX (8 * LIMIT_MIB)
#define LINE_BYTES      1024U

struct watching {
    struct history *history;
    struct sse sse;
    struct arena arena; /* of one event */
    struct {
        int64_t id, number;
    } numbers[NUMBERS_MAX]; /* people know versions by their number */
    size_t number_count;
    const cJSON *newest;        /* version, to be printed when the stream begins; NULL: none */
    char state[LINE_BYTES];     /* the last that was printed of a version */
    int64_t heard_us, until_us; /* monotonic; until 0: for ever */
    bool was_there, silent, broken, over;
};

static void learn_number(struct watching *watching, const cJSON *deployment)
{
    const int64_t id = history_int(deployment, "id"), number = history_int(deployment, "number");
    for (size_t i = 0; i < NUMBERS_MAX && i < watching->number_count; i++) {
        if (watching->numbers[i].id == id)
            return;
    }
    const size_t at = watching->number_count++ % NUMBERS_MAX;
    watching->numbers[at].id = id;
    watching->numbers[at].number = number;
}

static int64_t number_of(const struct watching *watching, int64_t id)
{
    for (size_t i = 0; i < NUMBERS_MAX && i < watching->number_count; i++) {
        if (watching->numbers[i].id == id)
            return watching->numbers[i].number;
    }
    return 0;
}

/* A version is told again whenever anything of it changes, also what is not shown here. */
static void print_version(struct watching *watching, const cJSON *deployment)
{
    const struct cli *cli = watching->history->cli;
    const char *status = json_get_string(deployment, "status");
    const char *reason = json_get_string(deployment, "reason");
    struct buf line;
    buf_init(&line, &watching->arena, LINE_BYTES);
    buf_printf(&line, "          version %lld: %s", (long long)history_int(deployment, "number"),
               cli_paint(cli, evidence_colour(status)));
    buf_add_visible(&line, status != NULL ? status : "?", 64);
    buf_printf(&line, "%s %lld%%", cli_paint(cli, CLI_PLAIN),
               (long long)history_int(deployment, "progress"));
    if (reason != NULL) {
        buf_add_string(&line, ", ");
        buf_add_visible(&line, reason, 64);
    }
    if (strcmp(watching->state, line.data) == 0)
        return;
    snprintf(watching->state, sizeof watching->state, "%s", line.data);
    fprintf(cli->out, "%s\n", line.data);
}

static void print_event(struct watching *watching, const cJSON *event)
{
    FILE *out = watching->history->cli->out;
    const char *at = json_get_string(event, "at"), *message = json_get_string(event, "message");
    const char *type = json_get_string(event, "type");
    const int64_t number = number_of(watching, history_int(event, "deployment"));
    cli_print_visible(out, at != NULL && strlen(at) >= 19
                               ? arena_printf(&watching->arena, "%.8s", at + 11)
                               : "--:--:--");
    if (number > 0)
        fprintf(out, "  version %lld", (long long)number);
    fputs("  ", out);
    cli_print_visible(out, type != NULL ? type : "?");
    fputs(message != NULL ? "  " : "", out);
    cli_print_visible(out, message != NULL ? message : "");
    fputc('\n', out);
}

static bool take_event(void *context, const char *type, const char *data, size_t length)
{
    struct watching *watching = context;
    const struct json_limits limits = {LIMIT_ANSWER_DEPTH, LIMIT_ANSWER_NODES};
    struct cli *cli = watching->history->cli;
    cJSON *json;
    struct err err;
    arena_reset(&watching->arena, LIMIT_MIB);
    struct arena *before = arena_use(&watching->arena);
    if (json_parse(&watching->arena, data, length, &limits, &json, &err) < 0) {
        watching->broken = true;
    } else if (watching->history->json) {
        struct buf line;
        buf_init(&line, &watching->arena, EVENT_BYTES_MAX);
        json_write(&line, json);
        fprintf(cli->out, "%s\n", line.data);
    } else if (strcmp(type, "deployment") == 0) {
        learn_number(watching, json);
        print_version(watching, json);
    } else {
        print_event(watching, json);
    }
    arena_use(before);
    fflush(cli->out);
    return !watching->broken && ferror(cli->out) == 0;
}

/* The first bytes come when the stream has begun: from here on nothing is missed, and not before
 * is anything printed that would say so. */
static bool take_bytes(void *context, const char *bytes, size_t count)
{
    struct watching *watching = context;
    if (watching->newest != NULL) {
        print_version(watching, watching->newest);
        watching->newest = NULL;
        fflush(watching->history->cli->out);
    }
    watching->heard_us = clock_monotonic_us();
    watching->was_there = true;
    const bool goes_on = sse_take(&watching->sse, bytes, count);
    watching->broken = watching->broken || !goes_on;
    return goes_on;
}

static bool tick(void *context)
{
    struct watching *watching = context;
    const int64_t now = clock_monotonic_us();
    watching->over = watching->until_us != 0 && now >= watching->until_us;
    watching->silent = now - watching->heard_us > SILENCE_US;
    return !watching->over && !watching->silent;
}

static void say(const struct watching *watching, const char *text)
{
    cli_print_visible(watching->history->cli->err, text);
    fputc('\n', watching->history->cli->err);
}

static bool is_passing(int code)
{
    return code == -ERR_UNREACHABLE || code == -ERR_SERVER || code == -ERR_BUSY;
}

/* Streams end: the recorder is restarted, the way there breaks.  From the last id it goes on. */
static int follow(struct watching *watching, const char *project)
{
    struct history *history = watching->history;
    static const struct timespec pause = {.tv_sec = PAUSE_SECONDS};
    while (true) {
        struct err err;
        struct recorder_stream stream = {
            .path = client_path(&history->arena, "/api/projects/%s/stream", project),
            .accept = "text/event-stream",
            .last = watching->sse.id[0] != '\0' ? watching->sse.id : NULL,
            .sink = take_bytes,
            .tick = tick,
            .context = watching};
        sse_restart(&watching->sse);
        watching->heard_us = clock_monotonic_us();
        const int r = recorder_stream(history->recorder, &stream, &err);
        if (watching->over || ferror(history->cli->out) != 0)
            return CLI_FINE;
        if (watching->broken)
            err_set(&err, ERR_ANSWER, "what the recorder streams are no events of its own");
        if (watching->broken || (r < 0 && !(watching->was_there && is_passing(r))))
            return history_fail(history, &err);
        say(watching, r < 0 ? err.text : "the stream ended; it goes on");
        nanosleep(&pause, NULL);
        (void)tick(watching);
        if (watching->over)
            return CLI_FINE;
    }
}

/* The project exists and may be seen: a stream's refusal would say less. */
static int begin(struct watching *watching, const char *project)
{
    struct history *history = watching->history;
    cJSON *items;
    const cJSON *item;
    bool more;
    struct err err;
    if (history_versions(history, project, "", NUMBERS_MAX / 2, &items, &more, &err) < 0)
        return history_fail(history, &err);
    cJSON_ArrayForEach(item, items) learn_number(watching, item);
    watching->newest = history->json ? NULL : items->child;
    return follow(watching, project);
}

static int run_watch(struct cli *cli)
{
    struct history history;
    struct watching watching;
    int64_t seconds_us = 0;
    const char *project = history_project(cli, 0);
    if (project == NULL)
        return CLI_ERROR;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
    if ((cli_flag_string(cli, "for") != NULL && !history_duration(cli, "for", &seconds_us)) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    memset(&watching, 0, sizeof watching);
    watching.history = &history;
    watching.until_us = seconds_us > 0 ? clock_monotonic_us() + seconds_us : 0;
    arena_init(&watching.arena, 2 * EVENT_BYTES_MAX);
    sse_init(&watching.sse);
    watching.sse.event = take_event;
    watching.sse.context = &watching;
    const int code = begin(&watching, project);
    sse_done(&watching.sse);
    arena_done(&watching.arena);
    return history_close(&history, code);
}

static const struct cli_flag watch_flags[] = {
    HISTORY_FLAGS,
    {.name = "for", .value = "DURATION", .help = "end after so long; else at Ctrl-C"},
    {0}};

extern const struct command cmd_history_watch;
const struct command cmd_history_watch = {
    .name = "watch",
    .summary = "what happens to a project, as it happens",
    .usage = "PROJECT [--for DURATION] [flags]",
    .help = "Prints events and progress as the recorder sees them, until Ctrl-C.  A connection\n"
            "that breaks is taken up again where it was.  With -o json: one object a line.\n"
            "\n"
            "Examples:\n"
            "  proctor history watch student-2024001\n"
            "  proctor history watch student-2024001 --for 10m -o json\n"
            "\n"
            "To wait for one rollout and know how it ended: proctor wait.\n"
            "\n"
            "Exit codes: those that `proctor history --help` lists.\n",
    .flags = watch_flags,
    .run = run_watch,
};
