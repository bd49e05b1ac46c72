/* proctor log: the decision log, filtered and summed up. */
#include "admit/judge.h"
#include "base/limits.h"
#include "cli/input.h"
#include "cli/log/decisions.h"
#include "cli/output/table.h"
#include "kube/names.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define US_PER_SECOND 1000000
/* Rules and users that are counted by name; what comes after is counted together. */
#define NAMES_MAX 2000
/* Lines of each table of the summary. */
#define SHOWN_MAX 20
/* Broken lines that are named; all are counted. */
#define NAMED_MAX 10
#define OUTCOMES  5

static const char *const outcome_names[OUTCOMES] = {"allowed", "patched", "denied", "not_judged",
                                                    "error"};

struct tally {
    const char *name;
    unsigned long counts[OUTCOMES], total;
};

struct tallies {
    struct tally *rows;
    size_t count;
};

struct log {
    struct cli *cli;
    struct arena arena;
    bool json, summary_only;
    int64_t since_us, until_us; /* 0: open */
    unsigned long lines, matched, broken;
    unsigned long counts[OUTCOMES];
    struct tallies rules, users;
};

/* ---- what is asked for -------------------------------------------------------------------- */

/* No flag, or one of its values fits. */
static bool fits(const struct log *log, const char *flag, const char *text)
{
    const size_t count = cli_flag_count(log->cli, flag);
    for (size_t i = 0; i < count; i++)
        if (glob_matches(cli_flag_nth(log->cli, flag, i), text))
            return true;
    return count == 0;
}

static bool fits_rule(struct log *log, const char *rules)
{
    char *copy, *rest = NULL;
    if (cli_flag_count(log->cli, "rule") == 0)
        return true;
    copy = strdup(rules);
    bool found = false;
    for (char *rule = copy == NULL ? NULL : strtok_r(copy, " ", &rest); rule != NULL && !found;
         rule = strtok_r(NULL, " ", &rest))
        found = fits(log, "rule", rule);
    free(copy);
    return found;
}

static bool is_wanted(struct log *log, const struct decision *decision)
{
    return fits(log, "user", decision->user) && fits(log, "namespace", decision->name_space) &&
           fits(log, "verdict", decision->outcome) && fits(log, "phase", decision->phase) &&
           fits_rule(log, decision->rules) &&
           (log->since_us == 0 || decision->time_us >= log->since_us) &&
           (log->until_us == 0 || (decision->time_us != 0 && decision->time_us < log->until_us));
}

/* ---- counting ----------------------------------------------------------------------------- */

static size_t outcome_index(const char *outcome)
{
    size_t i = 0;
    while (i + 1 < OUTCOMES && strcmp(outcome_names[i], outcome) != 0)
        i++;
    return i;
}

static void count_name(struct log *log, struct tallies *tallies, const char *name, size_t outcome)
{
    if (tallies->rows == NULL)
        tallies->rows = arena_array(&log->arena, NAMES_MAX + 1, sizeof *tallies->rows);
    size_t i = 0;
    while (i < tallies->count && strcmp(tallies->rows[i].name, name) != 0)
        i++;
    if (i == NAMES_MAX && tallies->count == NAMES_MAX)
        tallies->rows[tallies->count++].name = "(others)";
    i = i > NAMES_MAX ? NAMES_MAX : i;
    if (i == tallies->count)
        tallies->rows[tallies->count++].name = arena_strdup(&log->arena, name);
    tallies->rows[i].counts[outcome]++;
    tallies->rows[i].total++;
}

static void count_rules(struct log *log, const char *rules, size_t outcome)
{
    char *copy = strdup(rules), *rest = NULL;
    for (char *rule = copy == NULL ? NULL : strtok_r(copy, " ", &rest); rule != NULL;
         rule = strtok_r(NULL, " ", &rest))
        count_name(log, &log->rules, rule, outcome);
    free(copy);
}

/* ---- printing ----------------------------------------------------------------------------- */

static void print_text(struct log *log, const struct decision *decision)
{
    static const enum cli_colour colours[OUTCOMES] = {CLI_GREEN, CLI_YELLOW, CLI_RED, CLI_DIM,
                                                      CLI_RED};
    FILE *out = log->cli->out;
    const size_t outcome = outcome_index(decision->outcome);
    cli_print_visible(out, decision->time);
    fprintf(out, "  %s%-10s%s ", cli_paint(log->cli, colours[outcome]), outcome_names[outcome],
            cli_paint(log->cli, CLI_PLAIN));
    const char *const words[] = {decision->phase, decision->user, decision->operation,
                                 decision->kind};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        fputc(' ', out);
        cli_print_visible(out, words[i][0] != '\0' ? words[i] : "-");
    }
    fputc(' ', out);
    cli_print_visible(out, decision->name_space);
    fputc('/', out);
    cli_print_visible(out, decision->name);
    if (decision->rules[0] != '\0')
        fputs("  ", out);
    cli_print_visible(out, decision->rules);
    fputc('\n', out);
}

static void print_json(struct log *log, const struct decision *decision)
{
    struct buf text;
    buf_init(&text, NULL, DECISION_LINE_MAX * 8);
    json_write(&text, decision->line);
    fprintf(log->cli->out, "%s    %s", log->matched > 1 ? ",\n" : "\n", text.data);
    buf_done(&text);
}

static void take(void *context, const struct decision *decision)
{
    struct log *log = context;
    log->lines++;
    if (!is_wanted(log, decision))
        return;
    const size_t outcome = outcome_index(decision->outcome);
    log->matched++;
    log->counts[outcome]++;
    count_rules(log, decision->rules, outcome);
    count_name(log, &log->users, decision->user[0] != '\0' ? decision->user : "-", outcome);
    if (!log->summary_only && log->json)
        print_json(log, decision);
    else if (!log->summary_only)
        print_text(log, decision);
}

static void take_problem(void *context, const char *file, unsigned long line, const char *text)
{
    struct log *log = context;
    const struct input_problem problem = {file, (unsigned)line, 0, text};
    if (++log->broken <= NAMED_MAX)
        input_print_problem(log->cli, &problem);
}

/* Most first, then by name. */
static int compare_tallies(const void *a_pointer, const void *b_pointer)
{
    const struct tally *a = a_pointer, *b = b_pointer;
    if (a->total != b->total)
        return a->total < b->total ? 1 : -1;
    return strcmp(a->name, b->name);
}

static void sort(struct tallies *tallies)
{
    if (tallies->count > 0)
        qsort(tallies->rows, tallies->count, sizeof *tallies->rows, compare_tallies);
}

static void print_tallies(struct log *log, const char *title, const struct tallies *tallies)
{
    const char *const heads[] = {title,    "ALL",        "ALLOWED", "PATCHED",
                                 "DENIED", "NOT JUDGED", "ERROR",   NULL};
    struct table table;
    if (tallies->count == 0)
        return;
    table_init(&table, &log->arena, heads);
    for (size_t i = 0; i < tallies->count && i < SHOWN_MAX; i++) {
        const struct tally *row = &tallies->rows[i];
        table_add(&table, row->name);
        table_add(&table, arena_printf(&log->arena, "%lu", row->total));
        for (size_t k = 0; k < OUTCOMES; k++)
            table_add(&table, row->counts[k] == 0
                                  ? NULL
                                  : arena_printf(&log->arena, "%lu", row->counts[k]));
    }
    fputc('\n', log->cli->out);
    table_print(&table, log->cli, "");
    if (tallies->count > SHOWN_MAX)
        fprintf(log->cli->out, "and %zu more; -o json has all\n", tallies->count - SHOWN_MAX);
}

static void print_summary(struct log *log)
{
    FILE *out = log->cli->out;
    fprintf(out, "%s%lu of %lu decisions", log->matched > 0 && !log->summary_only ? "\n" : "",
            log->matched, log->lines);
    const char *between = ": ";
    for (size_t i = 0; i < OUTCOMES; i++) {
        if (log->counts[i] == 0)
            continue;
        fprintf(out, "%s%lu %s", between, log->counts[i], outcome_names[i]);
        between = ", ";
    }
    if (log->broken > 0)
        fprintf(out, "; incomplete: %lu broken line%s or file%s", log->broken,
                log->broken == 1 ? "" : "s", log->broken == 1 ? "" : "s");
    fputc('\n', out);
    print_tallies(log, "RULE", &log->rules);
    print_tallies(log, "USER", &log->users);
}

static void add_counts(struct arena *arena, cJSON *object, const unsigned long *counts)
{
    for (size_t i = 0; i < OUTCOMES; i++)
        json_add(arena, object, outcome_names[i], json_new_int(arena, (int64_t)counts[i]));
}

static cJSON *list_tallies(struct arena *arena, const struct tallies *tallies)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < tallies->count; i++) {
        cJSON *row = json_new_object(arena);
        json_add(arena, row, "name", json_new_string(arena, tallies->rows[i].name));
        add_counts(arena, row, tallies->rows[i].counts);
        json_append(list, row);
    }
    return list;
}

static void print_json_summary(struct log *log)
{
    struct arena *arena = &log->arena;
    cJSON *summary = json_new_object(arena);
    json_add(arena, summary, "read", json_new_int(arena, (int64_t)log->lines));
    json_add(arena, summary, "matched", json_new_int(arena, (int64_t)log->matched));
    json_add(arena, summary, "broken", json_new_int(arena, (int64_t)log->broken));
    cJSON *verdicts = json_new_object(arena);
    add_counts(arena, verdicts, log->counts);
    json_add(arena, summary, "verdicts", verdicts);
    json_add(arena, summary, "rules", list_tallies(arena, &log->rules));
    json_add(arena, summary, "users", list_tallies(arena, &log->users));
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write(&text, summary);
    fprintf(log->cli->out, "%s\n  \"summary\": %s\n}\n", log->summary_only ? "" : "\n  ],",
            text.data);
    buf_done(&text);
}

/* ---- the command -------------------------------------------------------------------------- */

/* A time, or so long ago: 90s, 30m, 2h, 7d. */
static int read_time(const struct cli *cli, const char *flag, int64_t *ret_us)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const char *text = cli_flag_string(cli, flag);
    struct err err;
    int64_t seconds;
    char *end;
    if (text == NULL)
        return CLI_FINE;
    const long number = strtol(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (end == text || number < 0 || number > 100000 || end[0] != units[i].unit ||
            end[1] != '\0')
            continue;
        *ret_us = ((int64_t)time(NULL) - (int64_t)number * units[i].seconds) * US_PER_SECOND;
        return CLI_FINE;
    }
    if (judge_parse_time(text, &seconds, &err) < 0)
        return cli_usage_error(cli, "--%s: %s, nor so long ago as 90s, 30m, 2h or 7d", flag,
                               err.text);
    *ret_us = seconds * US_PER_SECOND;
    return CLI_FINE;
}

static int finish(struct log *log)
{
    sort(&log->rules);
    sort(&log->users);
    if (log->json)
        print_json_summary(log);
    else
        print_summary(log);
    if (log->broken == 0)
        return CLI_FINE;
    fprintf(log->cli->err, "%lu broken line%s or file%s: the result is incomplete\n", log->broken,
            log->broken == 1 ? "" : "s", log->broken == 1 ? "" : "s");
    return CLI_ERROR;
}

static int run(struct cli *cli)
{
    struct log log = {.cli = cli, .summary_only = cli_flag_bool(cli, "summary")};
    log.json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    int r = read_time(cli, "since", &log.since_us);
    if (r == CLI_FINE)
        r = read_time(cli, "until", &log.until_us);
    if (r != CLI_FINE)
        return r;
    if (cli->argument_count == 0 && isatty(STDIN_FILENO) == 1)
        return cli_usage_error(cli, "say which log: a file, or - for stdin");
    arena_init(&log.arena, 64 * LIMIT_MIB);
    const struct decisions_visitor visitor = {&log, take, take_problem};
    if (log.json)
        fputs(log.summary_only ? "{" : "{\n  \"decisions\": [", cli->out);
    if (cli->argument_count == 0)
        decisions_read("-", &visitor);
    for (size_t i = 0; i < cli->argument_count; i++)
        decisions_read(cli->arguments[i], &visitor);
    r = finish(&log);
    arena_done(&log.arena);
    return r;
}

static const struct cli_flag flags[] = {
    {.name = "user",
     .value = "NAME",
     .help = "decisions about this user; * and ? stand for any, as in the next ones",
     .repeatable = true},
    {.name = "rule",
     .value = "POLICY/RULE",
     .help = "in which this rule acted: 'student-network/*'",
     .repeatable = true},
    {.name = "verdict",
     .value = "allowed|patched|denied|not_judged|error",
     .help = "that ended so",
     .repeatable = true},
    {.name = "namespace",
     .letter = 'n',
     .value = "NAME",
     .help = "in this namespace",
     .repeatable = true},
    {.name = "phase", .value = "mutate|validate|policies", .help = "of this phase"},
    {.name = "since",
     .value = "TIME",
     .help = "from then on: RFC 3339, a date, or 30m, 2h, 7d ago"},
    {.name = "until", .value = "TIME", .help = "before then"},
    {.name = "summary", .help = "only the sums"},
    CLI_OUTPUT_FLAG("text|json", "text"),
    {0}};

const struct command cmd_log = {
    .name = "log",
    .summary = "filter the webhook's decision log, and sum it up",
    .usage = "[flags] [FILE|-]...",
    .help =
        "Reads decision logs: files of the webhook's --decision-log, or what `kubectl logs` "
        "gives,\n"
        "also with --prefix or --timestamps; the webhook's other lines in it are passed over.\n"
        "Prints the decisions that fit all flags (of a repeated flag: one of its values), and how\n"
        "many there were by verdict, by rule and by user.  The API server asks twice about a\n"
        "change: --phase validate counts each once.\n"
        "\n"
        "Examples:\n"
        "  kubectl -n hydrosim-system logs -l app.kubernetes.io/name=proctor-webhook --tail -1 |\n"
        "      proctor log --verdict denied --since 2h\n"
        "  proctor log --phase validate --summary decisions.log\n"
        "  proctor log --rule 'break-glass/*' -o json decisions.log\n"
        "\n"
        "Exits with 0, or 2 if a line is broken or a file cannot be read: these are named and\n"
        "counted, and the rest is shown all the same.\n",
    .flags = flags,
    .run = run,
};
