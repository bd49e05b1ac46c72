#include "cli/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "kube/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_MAX 64

extern const struct command cmd_arm;
extern const struct command cmd_audit;
extern const struct command cmd_certs;
extern const struct command cmd_completion;
extern const struct command cmd_coverage;
extern const struct command cmd_deploy;
extern const struct command cmd_diff;
extern const struct command cmd_disarm;
extern const struct command cmd_doctor;
extern const struct command cmd_explain;
extern const struct command cmd_export;
extern const struct command cmd_history;
extern const struct command cmd_lint;
extern const struct command cmd_log;
extern const struct command cmd_replay;
extern const struct command cmd_review;
extern const struct command cmd_schema;
extern const struct command cmd_test;
extern const struct command cmd_version;
extern const struct command cmd_wait;

/* The one table: a new subcommand is its file, its extern above and its row here. */
const struct command *const cli_commands[] = {
    &cmd_arm,    &cmd_audit,  &cmd_certs,   &cmd_completion, &cmd_coverage, &cmd_deploy, &cmd_diff,
    &cmd_disarm, &cmd_doctor, &cmd_explain, &cmd_export,     &cmd_history,  &cmd_lint,   &cmd_log,
    &cmd_replay, &cmd_review, &cmd_schema,  &cmd_test,       &cmd_version,  &cmd_wait,   NULL,
};

static const struct command root = {
    .name = "proctor",
    .summary = "judge and repair Kubernetes objects by readable policies",
    .usage = "COMMAND [flags] [arguments]",
    .help = "Exit codes of every command: 0 fine, 1 violations found or a check failed,\n"
            "2 wrong use or an error; of those that wait also 3 timed out, 4 overtaken.\n"
            "`proctor help COMMAND` explains one with examples.\n",
    .commands = cli_commands,
};

static int run_version(struct cli *cli)
{
    fprintf(cli->out, "proctor %s\n", PROCTOR_VERSION);
    return CLI_FINE;
}

const struct command cmd_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "",
    .help = "Prints the version of this program.\n"
            "\n"
            "  proctor version\n"
            "\n"
            "Exits with 0.\n",
    .run = run_version,
};

void cli_print_visible(FILE *stream, const char *text)
{
    struct buf visible;
    buf_init(&visible, NULL, 1 << 20);
    buf_add_visible(&visible, text, 1 << 16);
    fputs(visible.data, stream);
    buf_done(&visible);
}

void cli_print_lines(FILE *stream, const char *indent, const char *text)
{
    struct buf line;
    buf_init(&line, NULL, LIMIT_MIB);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        fputs(indent, stream);
        cli_print_visible(stream, line.data);
        fputc('\n', stream);
        text += length;
        text += *text == '\n';
    }
    buf_done(&line);
}

const char *cli_paint(const struct cli *cli, enum cli_colour colour)
{
    static const char *const escapes[] = {
        [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m",   [CLI_DIM] = "\033[2m",
        [CLI_RED] = "\033[31m",  [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
        [CLI_CYAN] = "\033[36m",
    };
    return cli->colour ? escapes[colour] : "";
}

static void print_error(const struct cli *cli, const char *prefix, const char *text)
{
    fprintf(cli->err, "%s%s: %s", cli->err_colour ? "\033[31m" : "", prefix,
            cli->err_colour ? "\033[0m" : "");
    cli_print_visible(cli->err, text);
    fputc('\n', cli->err);
}

int cli_usage_error(const struct cli *cli, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error(cli, cli->path, text);
    fprintf(cli->err, "`%s --help` says how it is used.\n", cli->path);
    return CLI_ERROR;
}

int cli_fail(const struct cli *cli, const struct err *err)
{
    print_error(cli, "error", err->text);
    return CLI_ERROR;
}

static void print_flags(FILE *out, const struct cli_flag *flags)
{
    for (const struct cli_flag *flag = flags; flag != NULL && flag->name != NULL; flag++) {
        char left[96];
        char letter[8] = "    ";
        if (flag->letter != 0)
            snprintf(letter, sizeof letter, "-%c, ", flag->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, flag->name,
                 flag->value != NULL ? " " : "", flag->value != NULL ? flag->value : "");
        fprintf(out, "  %-30s  %s", left, flag->help);
        if (flag->fallback != NULL)
            fprintf(out, " (default %s)", flag->fallback);
        fputs(flag->repeatable ? " (may be repeated)\n" : "\n", out);
    }
}

static void print_help(FILE *out, const char *path, const struct command *command)
{
    fprintf(out, "%s: %s\n\nUsage: %s%s%s\n", path, command->summary, path,
            command->usage[0] != '\0' ? " " : "", command->usage);
    if (command->commands != NULL) {
        fputs("\nCommands:\n", out);
        for (const struct command *const *child = command->commands; *child != NULL; child++)
            fprintf(out, "  %-12s  %s\n", (*child)->name, (*child)->summary);
    }
    fprintf(out, "\n%s", command->help);
    if (command->commands == NULL) {
        fputs("\nFlags:\n", out);
        print_flags(out, command->flags);
        print_flags(out, cli_common_flags);
    }
}

static bool stream_takes_colour(FILE *stream, const char *choice)
{
    if (strcmp(choice, "auto") != 0)
        return strcmp(choice, "always") == 0;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (no_color != NULL && no_color[0] != '\0')
        return false;
    if (terminal == NULL || strcmp(terminal, "dumb") == 0)
        return false;
    return isatty(fileno(stream)) == 1;
}

static const struct command *find_child(const struct command *command, const char *name)
{
    for (const struct command *const *child = command->commands; *child != NULL; child++) {
        if (strcmp((*child)->name, name) == 0)
            return *child;
    }
    return NULL;
}

static int refuse_command(const struct cli *cli, const char *name)
{
    const char *candidates[COMMANDS_MAX] = {NULL};
    size_t count = 0;
    for (; cli->command->commands[count] != NULL && count < COMMANDS_MAX - 1; count++)
        candidates[count] = cli->command->commands[count]->name;
    const char *nearest = name_nearest(name, candidates);
    if (nearest != NULL)
        return cli_usage_error(cli, "unknown command \"%s\", did you mean \"%s\"?", name, nearest);
    return cli_usage_error(cli, "unknown command \"%s\"", name);
}

static void step_into(struct cli *cli, const struct command *child)
{
    size_t used = strlen(cli->path);
    snprintf(cli->path + used, sizeof cli->path - used, " %s", child->name);
    cli->command = child;
}

/* From the root to the command that argv names; moves *argc and *argv past the names.  False
 * after an unknown name; stops at a group if a flag or nothing follows. */
static bool descend(struct cli *cli, int *argc, char ***argv)
{
    while (cli->command->commands != NULL && *argc > 0 && (*argv)[0][0] != '-') {
        const struct command *child = find_child(cli->command, (*argv)[0]);
        if (child == NULL) {
            refuse_command(cli, (*argv)[0]);
            return false;
        }
        step_into(cli, child);
        ++*argv;
        --*argc;
    }
    return true;
}

static int run_group(const struct cli *cli, int argc, char **argv)
{
    if (argc == 0) {
        print_help(cli->err, cli->path, cli->command);
        return CLI_ERROR;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        print_help(cli->out, cli->path, cli->command);
        return CLI_FINE;
    }
    return cli_usage_error(cli, "a command must come before %s", argv[0]);
}

static int run_leaf(struct cli *cli, int argc, char **argv)
{
    struct err err;
    bool help = false;
    if (cli_parse(cli, argc, argv, &help, &err) < 0)
        return cli_usage_error(cli, "%s", err.text);
    if (help) {
        print_help(cli->out, cli->path, cli->command);
        return CLI_FINE;
    }
    const char *colour = cli_flag_string(cli, "color");
    cli->colour = stream_takes_colour(cli->out, colour);
    cli->err_colour = stream_takes_colour(cli->err, colour);
    return cli->command->run(cli);
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--version") == 0)
        return run_version(cli);
    if (argc > 0 && strcmp(argv[0], "help") == 0) {
        argc--;
        argv++;
        if (!descend(cli, &argc, &argv))
            return CLI_ERROR;
        print_help(cli->out, cli->path, cli->command);
        return CLI_FINE;
    }
    if (!descend(cli, &argc, &argv))
        return CLI_ERROR;
    int code = cli->command->run == NULL ? run_group(cli, argc, argv) : run_leaf(cli, argc, argv);
    cli_done(cli);
    return code;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *program = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "proctor";
    struct cli cli = {.command = &root, .out = out, .err = err};
    cli.err_colour = stream_takes_colour(err, "auto");
    /* kubectl runs its plugin `kubectl-proctor` as `kubectl proctor`. */
    snprintf(cli.path, sizeof cli.path, "%s",
             strcmp(program, "kubectl-proctor") == 0 ? "kubectl proctor" : "proctor");

    int code = dispatch(&cli, argc > 0 ? argc - 1 : 0, argv + (argc > 0 ? 1 : 0));
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(err, "error: cannot write the output: %s\n", strerror(errno));
        return CLI_ERROR;
    }
    return code;
}
