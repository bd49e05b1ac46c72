/* proctor history export: the history as a table or as data, whole. */
#include "cli/history/history.h"

#include "client/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct exporting {
    FILE *file;
    bool terminal; /* what strangers wrote must not drive it */
    bool failed;
};

static bool write_piece(void *context, const char *bytes, size_t count)
{
    struct exporting *exporting = context;
    exporting->failed = fwrite(bytes, 1, count, exporting->file) != count;
    return !exporting->failed;
}

/* For a terminal the whole is read first: a piece may end within a character. */
static int show_on_terminal(struct history *history, const char *path, const char *accept)
{
    const struct recorder_call call = {.path = path, .accept = accept};
    struct recorder_answer answer;
    struct err err;
    if (recorder_ask(history->recorder, &call, &answer, &err) < 0)
        return history_fail(history, &err);
    cli_print_lines(history->cli->out, "", answer.text);
    return CLI_FINE;
}

static int write_to(struct history *history, const char *path, const char *accept, FILE *file,
                    const char *name)
{
    struct exporting exporting = {.file = file};
    const struct recorder_stream stream = {
        .path = path, .accept = accept, .sink = write_piece, .context = &exporting};
    struct err err;
    const int r = recorder_stream(history->recorder, &stream, &err);
    if (r < 0)
        return history_fail(history, &err);
    if (!exporting.failed && fflush(file) == 0)
        return CLI_FINE;
    err_set(&err, ERR_IO, "%s: %s", name, strerror(errno));
    return cli_fail(history->cli, &err);
}

/* Half an export must not be taken for a whole one: the file is there when it is. */
static int write_file(struct history *history, const char *path, const char *accept,
                      const char *name)
{
    const char *part = arena_printf(&history->arena, "%s.part", name);
    struct err err;
    FILE *file = fopen(part, "we");
    if (file == NULL) {
        err_set(&err, ERR_IO, "%s: %s", part, strerror(errno));
        return cli_fail(history->cli, &err);
    }
    int code = write_to(history, path, accept, file, part);
    const bool closed = fclose(file) == 0;
    if (code == CLI_FINE && (!closed || rename(part, name) != 0)) {
        err_set(&err, ERR_IO, "%s: %s", name, strerror(errno));
        code = cli_fail(history->cli, &err);
    }
    if (code != CLI_FINE)
        unlink(part);
    return code;
}

static int export_all(struct history *history, const char *project)
{
    const struct cli *cli = history->cli;
    const char *format = cli_flag_string(cli, "format"), *name = cli_flag_string(cli, "file");
    const char *accept = strcmp(format, "csv") == 0 ? "text/csv" : "application/json";
    const char *path = arena_printf(&history->arena, "/api/export?format=%s", format);
    if (project != NULL)
        path = arena_printf(&history->arena, "%s&project=%s", path, project);
    if (name != NULL)
        return write_file(history, path, accept, name);
    if (isatty(fileno(cli->out)) == 1)
        return show_on_terminal(history, path, accept);
    return write_to(history, path, accept, cli->out, "stdout");
}

static int run_export(struct cli *cli)
{
    struct history history;
    const char *project = NULL;
    if (cli->argument_count > 1)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[1]);
    if ((cli->argument_count == 1 && (project = history_project(cli, 0)) == NULL) ||
        history_open(cli, &history) != CLI_FINE)
        return CLI_ERROR;
    return history_close(&history, export_all(&history, project));
}

static const struct cli_flag export_flags[] = {
    HISTORY_FLAGS,
    {.name = "format", .value = "csv|json", .fallback = "csv", .help = "a table, or all there is"},
    {.name = "file", .letter = 'f', .value = "FILE", .help = "write there; whole, or not at all"},
    {0}};

extern const struct command cmd_history_export;
const struct command cmd_history_export = {
    .name = "export",
    .summary = "the history as CSV or JSON",
    .usage = "[PROJECT] [--format csv|json] [--file FILE] [flags]",
    .help = "Writes all versions that you may see, of one project or of all.  A file is there\n"
            "when it is whole.\n"
            "\n"
            "Examples:\n"
            "  proctor history export --file history.csv\n"
            "  proctor history export student-2024001 --format json\n"
            "\n"
            "Exit codes: 0 written, 2 not (whole).\n",
    .flags = export_flags,
    .run = run_export,
};
