/* The frame of the program `proctor`: one file and one row per subcommand.
 *
 * A subcommand is a `const struct command` in cmd_NAME.c and a row in the table of cli.c; its
 * flags are rows too.  Parsing, --help, "did you mean", `proctor help` and shell completion are
 * made from these rows, so they cannot disagree with what a command does.
 *
 *     static int run(struct cli *cli)
 *     {
 *         const char *folder = cli_flag_string(cli, "policies");
 *         for (size_t i = 0; i < cli->argument_count; i++)
 *             fprintf(cli->out, "%s%s%s\n", cli_paint(cli, CLI_GREEN), cli->arguments[i],
 *                     cli_paint(cli, CLI_PLAIN));
 *         return CLI_FINE;
 *     }
 *     static const struct cli_flag flags[] = {
 *         {.name = "policies", .letter = 'p', .value = "DIR", .fallback = "policies",
 *          .help = "the folder of policies"},
 *         CLI_OUTPUT_FLAG("text|json", "text"),
 *         {0}};
 *     const struct command cmd_review = {.name = "review", ..., .flags = flags, .run = run};
 *
 * Results go to `out`, errors and remarks to `err`.  Exit codes are those of enum cli_exit.
 */
#ifndef PROCTOR_CLI_CLI_H
#define PROCTOR_CLI_CLI_H

#include "base/err.h"
#include "base/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum cli_exit {
    CLI_FINE = 0,
    CLI_VIOLATIONS = 1, /* the command worked, and what it judged is not right */
    CLI_ERROR = 2,      /* wrong use, unreadable input, a file that cannot be written */
    CLI_TIMED_OUT = 3,  /* waiting: it has not ended within --timeout */
    CLI_OVERTAKEN = 4   /* waiting: it neither worked nor failed, and cannot any more: superseded,
                           deleted, cancelled */
};

/* One flag.  The list of a command ends with a row whose name is NULL.  --help and --color are
 * every command's and are not listed. */
struct cli_flag {
    const char *name;     /* long name, without the dashes */
    char letter;          /* short form, 0: none */
    const char *value;    /* what help calls the value; with a | in it ("text|json") the value
                             must be one of these; NULL: a switch without a value */
    const char *fallback; /* what cli_flag_string gives when the flag was not; NULL: NULL */
    const char *help;     /* one line */
    bool repeatable;      /* else the flag may stand once */
};

/* -o of the commands that print in several ways: "text|json" and which of them it is without. */
/* clang-format off */
#define CLI_OUTPUT_FLAG(values, without)                                                           \
    {.name = "output", .letter = 'o', .value = values, .fallback = without, .help = "how to print"}
/* clang-format on */

struct cli;

struct command {
    const char *name;
    const char *summary;          /* a few words, for the list of commands */
    const char *usage;            /* what follows the name: "[flags] FILE|DIR|-..." */
    const char *help;             /* teaches: what it does, examples, exit codes; ends with \n */
    const struct cli_flag *flags; /* ends with a NULL name; NULL: none */
    const struct command *const *commands; /* subcommands, ends with NULL; then run is NULL */
    int (*run)(struct cli *cli);           /* returns an enum cli_exit */
};

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_CYAN };

struct cli_given {
    const struct cli_flag *flag;
    const char *value; /* NULL for a switch */
};

/* What a running command is handed.  Strings are borrowed from argv and live as long. */
struct cli {
    char path[96]; /* "proctor certs issue", for messages */
    const struct command *command;
    FILE *out;
    FILE *err;
    bool colour;     /* on `out` */
    bool err_colour; /* on `err` */
    const char **arguments;
    size_t argument_count;
    struct cli_given *given; /* the flags as they stood */
    size_t given_count;
};

/* The table of all subcommands, ends with NULL. */
extern const struct command *const cli_commands[];

/* The whole program: picks the command, parses its flags, runs it, sees that `out` could be
 * written.  Returns the exit code. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* The flag's last value, its fallback if it was not given.  Asking for a flag that the command
 * has no row for ends the process: a slip in the program. */
const char *cli_flag_string(const struct cli *cli, const char *name);

/* Whether the flag was given. */
bool cli_flag_bool(const struct cli *cli, const char *name);

/* How often it was given, and its values in order; cli_flag_nth gives NULL past the end. */
size_t cli_flag_count(const struct cli *cli, const char *name);
const char *cli_flag_nth(const struct cli *cli, const char *name, size_t index);

/* The flag's value as a whole number in minimum..maximum.  Otherwise says so on `err` and
 * returns false: the command returns CLI_ERROR. */
NODISCARD bool cli_flag_int(const struct cli *cli, const char *name, long minimum, long maximum,
                            long *ret_value);

/* Prints "PATH: message" and where to read more to `err`; returns CLI_ERROR. */
int cli_usage_error(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "error: text" (made visible) to `err`; returns CLI_ERROR. */
int cli_fail(const struct cli *cli, const struct err *err);

/* The escape that turns a colour on in `out` (CLI_PLAIN: off again), "" without colour. */
const char *cli_paint(const struct cli *cli, enum cli_colour colour);

/* Prints to `stream` with control characters made harmless (buf_add_visible). */
void cli_print_visible(FILE *stream, const char *text);

/* The same for text of several lines, each behind `indent`. */
void cli_print_lines(FILE *stream, const char *indent, const char *text);

/* For flags.c and completion: the flag by its name among the command's and the common ones. */
const struct cli_flag *cli_flag_find(const struct command *command, const char *name);
const struct cli_flag *cli_flag_find_letter(const struct command *command, char letter);
extern const struct cli_flag cli_common_flags[];

/* Fills given and arguments from argv[0..argc), which holds what follows the command's name.
 * ERR_USAGE with "did you mean".  Ends early, with *ret_help set, at --help.  cli_done frees. */
NODISCARD int cli_parse(struct cli *cli, int argc, char **argv, bool *ret_help, struct err *reterr);
void cli_done(struct cli *cli);

#endif
