/* proctor lint: what is wrong with policy files, as a compiler prints it. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/lint_cases.h"
#include "policy/load.h"

#include <string.h>
#include <time.h>

#define PATHS_MAX 256

static void print_text(const struct cli *cli, const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        const bool is_error = item->severity == DIAG_ERROR;
        cli_print_visible(cli->out, item->place.file == NULL ? "policies" : item->place.file);
        if (item->place.mark.line > 0)
            fprintf(cli->out, ":%u:%u", item->place.mark.line, item->place.mark.column);
        fprintf(cli->out, ": %s%s:%s ", cli_paint(cli, is_error ? CLI_RED : CLI_YELLOW),
                is_error ? "error" : "warning", cli_paint(cli, CLI_PLAIN));
        cli_print_visible(cli->out, item->message);
        fprintf(cli->out, " [%s]\n", item->code);
    }
}

static void add_member(struct buf *buf, const char *key, const char *value)
{
    buf_printf(buf, "\"%s\":", key);
    buf_add_json_string(buf, value);
}

/* One array of objects, one object a line. */
static bool print_json(const struct cli *cli, const struct diagnostics *diagnostics)
{
    struct buf buf;
    buf_init(&buf, NULL, LIMIT_POLICY_SET_BYTES);
    buf_add_string(&buf, "[");
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        buf_add_string(&buf, i > 0 ? ",\n {" : "\n {");
        add_member(&buf, "severity", item->severity == DIAG_ERROR ? "error" : "warning");
        buf_add_char(&buf, ',');
        add_member(&buf, "file", item->place.file == NULL ? "" : item->place.file);
        buf_printf(&buf, ",\"line\":%u,\"column\":%u,", item->place.mark.line,
                   item->place.mark.column);
        add_member(&buf, "code", item->code);
        buf_add_char(&buf, ',');
        add_member(&buf, "message", item->message);
        buf_add_char(&buf, '}');
    }
    buf_add_string(&buf, diagnostics->count > 0 ? "\n]\n" : "]\n");
    const bool fine = !buf.failed;
    if (fine)
        fputs(buf.data, cli->out);
    buf_done(&buf);
    return fine;
}

static int summarise(const struct cli *cli, const struct diagnostics *diagnostics,
                     const struct policy_set *set)
{
    const size_t errors = diagnostics->error_count;
    size_t warnings = 0;
    for (size_t i = 0; i < diagnostics->count; i++)
        warnings += diagnostics->items[i].severity == DIAG_WARNING;
    if (diagnostics->left_out > 0)
        fprintf(cli->err, "%zu more finding%s not shown\n", diagnostics->left_out,
                diagnostics->left_out == 1 ? "" : "s");
    if (set != NULL)
        fprintf(cli->err, "%zu polic%s, %zu rule%s: ", set->policy_count,
                set->policy_count == 1 ? "y" : "ies", set->rule_count,
                set->rule_count == 1 ? "" : "s");
    fprintf(cli->err, "%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
            warnings == 1 ? "" : "s");
    return errors > 0 || (warnings > 0 && cli_flag_bool(cli, "strict")) ? CLI_VIOLATIONS : CLI_FINE;
}

static bool cannot_run(int rc, const struct diagnostics *diagnostics)
{
    return rc < 0 && diagnostics->error_count == 0;
}

static int lint(const struct cli *cli, const char *const *paths, struct diagnostics *diagnostics)
{
    struct err err;
    struct policy_set *set = NULL;
    const struct policy_load_options options = {.language = cli_flag_string(cli, "language"),
                                                .now = (int64_t)time(NULL)};
    const int rc = policy_load(paths, &options, diagnostics, &set, &err);
    if (cannot_run(rc, diagnostics))
        return cli_fail(cli, &err);
    int code = CLI_FINE;
    if (set != NULL && lint_cases(paths, set, options.now, diagnostics, &err) != 0)
        code = cli_fail(cli, &err);
    diag_sort(diagnostics);
    if (strcmp(cli_flag_string(cli, "output"), "json") != 0) {
        print_text(cli, diagnostics);
    } else if (!print_json(cli, diagnostics)) {
        err_set(&err, ERR_NO_MEMORY, "out of memory");
        code = cli_fail(cli, &err);
    }
    if (code == CLI_FINE)
        code = summarise(cli, diagnostics, set);
    policy_set_unref(set);
    return code;
}

static int run(struct cli *cli)
{
    const char *paths[PATHS_MAX + 1] = {"policies", NULL};
    struct arena arena;
    struct diagnostics diagnostics;
    if (cli->argument_count > PATHS_MAX)
        return cli_usage_error(cli, "at most %d paths", PATHS_MAX);
    for (size_t i = 0; i < cli->argument_count; i++)
        paths[i] = cli->arguments[i];
    arena_init(&arena, LIMIT_POLICY_SET_BYTES);
    diag_init(&diagnostics, &arena);
    const int code = lint(cli, paths, &diagnostics);
    arena_done(&arena);
    return code;
}

static const struct cli_flag flags[] = {
    {.name = "output",
     .letter = 'o',
     .value = "text|json",
     .fallback = "text",
     .help = "how to print the findings"},
    {.name = "strict", .help = "a warning is a failure too"},
    {.name = "language", .value = "LANG", .help = "the language of messages"},
    {0}};

extern const struct command cmd_lint;
const struct command cmd_lint = {
    .name = "lint",
    .summary = "check policy files: errors, contradictions, likely slips",
    .usage = "[flags] [FILE|DIR...]",
    .help = "Reads policy files (by default those of ./policies) and prints every "
            "error and\n"
            "warning as file:line:column: message [code], all of them in one run.\n"
            "\n"
            "  proctor lint\n"
            "  proctor lint policies/student-deployments\n"
            "  proctor lint -o json | jq -r '.[].code'\n"
            "  proctor lint --strict         # for CI\n"
            "\n"
            "A rule without a passing and a failing case in the suites beside it is a warning.\n"
            "\n"
            "Exit codes: 0 no errors, 1 errors (with --strict also warnings), 2 "
            "could not run.\n",
    .flags = flags,
    .run = run,
};
