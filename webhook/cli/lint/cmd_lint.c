/* proctor lint: what is wrong with policy files, as a compiler prints it. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/lint/lint_cases.h"
#include "cli/lint/lint_codes.h"
#include "cli/output/sarif.h"
#include "cli/output/workflow.h"
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

static const char *fix_of(const struct diagnostic *item)
{
    const struct lint_code *code = lint_code_find(item->code);
    return code != NULL ? code->fix : "";
}

static void add_member(struct buf *buf, const char *key, const char *value)
{
    buf_printf(buf, "\"%s\":", key);
    buf_add_json_string(buf, value);
}

/* One array of objects, one object a line. */
static int write_json(const struct diagnostics *diagnostics, struct buf *buf, struct err *reterr)
{
    buf_add_string(buf, "[");
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        buf_add_string(buf, i > 0 ? ",\n {" : "\n {");
        add_member(buf, "severity", item->severity == DIAG_ERROR ? "error" : "warning");
        buf_add_char(buf, ',');
        add_member(buf, "file", item->place.file == NULL ? "" : item->place.file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u,", item->place.mark.line,
                   item->place.mark.column);
        add_member(buf, "code", item->code);
        buf_add_char(buf, ',');
        add_member(buf, "message", item->message);
        buf_add_char(buf, ',');
        add_member(buf, "fix", fix_of(item));
        buf_add_char(buf, '}');
    }
    buf_add_string(buf, diagnostics->count > 0 ? "\n]\n" : "]\n");
    return buf->failed ? err_set(reterr, ERR_NO_MEMORY, "out of memory") : 0;
}

/* A message says what it is about, and the lines of other rules, which move. */
static const char *without_digits(struct arena *arena, const char *message)
{
    char *copy = arena_strdup(arena, message), *to = copy;
    for (const char *at = message; *at != '\0'; at++)
        if (*at < '0' || *at > '9')
            *to++ = *at;
    *to = '\0';
    return copy;
}

static struct remark remark_of(struct arena *arena, const struct diagnostic *item)
{
    const size_t length = strlen(item->message);
    const bool stopped = length > 0 && strchr(".!?", item->message[length - 1]) != NULL;
    return (struct remark){.level = item->severity == DIAG_ERROR ? REMARK_ERROR : REMARK_WARNING,
                           .rule = item->code,
                           .file = item->place.file,
                           .mark = item->place.mark,
                           .same_if = without_digits(arena, item->message),
                           .text = arena_printf(arena, "%s%s Fix: %s", item->message,
                                                stopped ? "" : ".", fix_of(item))};
}

static int write_sarif(const struct diagnostics *diagnostics, bool complete, struct buf *buf,
                       struct err *reterr)
{
    struct sarif sarif;
    struct remark_rule *rules;
    size_t count = 0;
    while (lint_codes[count].code != NULL)
        count++;
    rules = arena_array(diagnostics->arena, count, sizeof *rules);
    for (size_t i = 0; i < count; i++)
        rules[i] =
            (struct remark_rule){.id = lint_codes[i].code,
                                 .title = lint_codes[i].title,
                                 .help = arena_printf(diagnostics->arena, "%s Fix: %s",
                                                      lint_codes[i].title, lint_codes[i].fix),
                                 .level = lint_codes[i].level};
    sarif_init(&sarif, rules, count);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct remark remark = remark_of(diagnostics->arena, &diagnostics->items[i]);
        sarif_add(&sarif, &remark);
    }
    const int rc = sarif_write(&sarif, "lint", complete && diagnostics->left_out == 0, buf, reterr);
    sarif_done(&sarif);
    return rc;
}

static void write_github(const struct diagnostics *diagnostics, struct buf *buf)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct remark remark = remark_of(diagnostics->arena, &diagnostics->items[i]);
        workflow_write(buf, &remark);
    }
}

/* The outputs for programs: whole, or not at all. */
static int print_report(const struct cli *cli, const struct diagnostics *diagnostics, bool complete)
{
    const char *output = cli_flag_string(cli, "output");
    struct buf buf;
    struct err err;
    int rc = 0;
    buf_init(&buf, NULL, LIMIT_POLICY_SET_BYTES);
    if (strcmp(output, "sarif") == 0)
        rc = write_sarif(diagnostics, complete, &buf, &err);
    else if (strcmp(output, "github") == 0)
        write_github(diagnostics, &buf);
    else
        rc = write_json(diagnostics, &buf, &err);
    if (rc == 0)
        fputs(buf.data, cli->out);
    else
        cli_fail(cli, &err);
    buf_done(&buf);
    return rc == 0 ? CLI_FINE : CLI_ERROR;
}

static int print_codes(const struct cli *cli)
{
    for (const struct lint_code *at = lint_codes; at->code != NULL; at++)
        fprintf(cli->out, "%s%s%s: %s %s\n    %s\n", cli_paint(cli, CLI_BOLD), at->code,
                cli_paint(cli, CLI_PLAIN),
                at->level == REMARK_ERROR ? "error:" : "warning:", at->title, at->fix);
    return CLI_FINE;
}

static int summarise(const struct cli *cli, const struct diagnostics *diagnostics,
                     const struct policy_set *set)
{
    const size_t errors = diagnostics->error_count;
    size_t warnings = 0;
    for (size_t i = 0; i < diagnostics->count; i++)
        warnings += diagnostics->items[i].severity == DIAG_WARNING;
    fflush(cli->out); /* both streams into one file: the sum comes last */
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

/* A path that cannot be read was not judged: that is another matter than an error in a file. */
static bool all_was_read(const struct diagnostics *diagnostics)
{
    static const char *const unread[] = {"unreadable", "too-deep"};
    for (size_t i = 0; i < diagnostics->count; i++)
        for (size_t j = 0; j < sizeof unread / sizeof unread[0]; j++)
            if (strcmp(diagnostics->items[i].code, unread[j]) == 0)
                return false;
    return true;
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
    if (strcmp(cli_flag_string(cli, "output"), "text") == 0)
        print_text(cli, diagnostics);
    else if (print_report(cli, diagnostics, code == CLI_FINE && all_was_read(diagnostics)) !=
             CLI_FINE)
        code = CLI_ERROR;
    if (code == CLI_FINE)
        code = summarise(cli, diagnostics, set);
    if (!all_was_read(diagnostics)) {
        fputs("not everything could be read: the result is incomplete\n", cli->err);
        code = CLI_ERROR;
    }
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
    if (cli_flag_bool(cli, "codes"))
        return print_codes(cli);
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
     .value = "text|json|sarif|github",
     .fallback = "text",
     .help = "how to print the findings"},
    {.name = "strict", .help = "a warning is a failure too"},
    {.name = "codes", .help = "say what each code means and how it is mended, and read nothing"},
    {.name = "language", .value = "LANG", .help = "the language of messages"},
    {0}};

extern const struct command cmd_lint;
const struct command cmd_lint = {
    .name = "lint",
    .summary = "check policy files: errors, contradictions, likely slips",
    .usage = "[flags] [FILE|DIR...]",
    .help =
        "Reads policy files (by default those of ./policies) and prints every "
        "error and\n"
        "warning as file:line:column: message [code], all of them in one run.\n"
        "\n"
        "  proctor lint\n"
        "  proctor lint policies/student-deployments\n"
        "  proctor lint -o json | jq -r '.[].code'\n"
        "  proctor lint --strict         # for CI\n"
        "  proctor lint -o sarif >lint.sarif\n"
        "\n"
        "Errors refuse the set.  Warnings are for what it says and hardly means: a rule that\n"
        "never acts or always holds, an exception that waives nothing, has expired or soon\n"
        "will, a rule without a passing and a failing case in the suites beside it.\n"
        "Each message says how to mend it; -o json has it as \"fix\" too, by the code, and\n"
        "--codes lists them all.  -o sarif is SARIF 2.1.0 for code scanning, -o github writes\n"
        "workflow commands.\n"
        "\n"
        "Exits with 0 if there are no errors, 1 if there are (with --strict also for warnings), "
        "2 if\n"
        "a path could not be read or there is no policy.\n",
    .flags = flags,
    .run = run,
};
