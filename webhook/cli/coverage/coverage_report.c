#include "cli/coverage/coverage_report.h"

#include "base/limits.h"
#include "cli/output/table.h"

#include <string.h>

/* The matrix' columns. */
static const char *const columns[] = {"create",           "update", "patch",       "delete",
                                      "deletecollection", "get",    "impersonate", NULL};

/* ---- the matrix --------------------------------------------------------------------------- */

struct cell {
    size_t ways, allowed, holes;
};

static bool same_row(const struct coverage_finding *a, const struct coverage_finding *b)
{
    const char *sub_a = a->way->subresource, *sub_b = b->way->subresource;
    const char *space_a = a->name_space, *space_b = b->name_space;
    return strcmp(a->way->resource, b->way->resource) == 0 &&
           strcmp(sub_a != NULL ? sub_a : "", sub_b != NULL ? sub_b : "") == 0 &&
           strcmp(space_a != NULL ? space_a : "", space_b != NULL ? space_b : "") == 0;
}

static struct cell count_cell(const struct coverage_finding *row, const char *verb)
{
    struct cell cell = {0};
    for (const struct coverage_finding *finding = row; finding != NULL; finding = finding->next)
        for (size_t i = 0; finding->verbs[i] != NULL; i++)
            if (same_row(row, finding) && strcmp(finding->verbs[i], verb) == 0) {
                cell.ways++;
                cell.allowed += finding->allowed[i];
                cell.holes += finding->allowed[i] && finding->state == COVERAGE_HOLE;
            }
    return cell;
}

static const char *row_name(struct arena *arena, const struct coverage_input *input,
                            const struct coverage_finding *row)
{
    const char *sub = row->way->subresource;
    const char *name = arena_printf(arena, "%s%s%s", row->way->resource, sub != NULL ? "/" : "",
                                    sub != NULL ? sub : "");
    if (row->name_space == NULL || strcmp(row->name_space, input->name_space) == 0)
        return name;
    return arena_printf(arena, "%s in %s", name, row->name_space);
}

static const char *cell_text(struct arena *arena, const struct cell *cell)
{
    if (cell->ways == 0)
        return NULL;
    if (cell->holes > 0)
        return arena_printf(arena, "%zu hole%s of %zu", cell->holes, cell->holes == 1 ? "" : "s",
                            cell->ways);
    return cell->allowed > 0 ? arena_printf(arena, "rules %zu", cell->ways) : "role";
}

static bool is_first(const struct coverage_report *report, const struct coverage_finding *row)
{
    for (const struct coverage_finding *other = report->findings; other != row; other = other->next)
        if (same_row(row, other))
            return false;
    return true;
}

static const char *join(struct arena *arena, const char *const *texts)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    for (size_t i = 0; texts[i] != NULL; i++)
        buf_add_strings(&buf, i > 0 ? ", " : "", texts[i], NULL);
    return buf.length > 0 ? buf.data : "";
}

const char *coverage_report_who(const struct coverage_input *input)
{
    return input->groups[0] == NULL ? input->user
                                    : arena_printf(input->arena, "%s of %s", input->user,
                                                   join(input->arena, input->groups));
}

static const char *allowed_verbs(struct arena *arena, const struct coverage_finding *finding)
{
    const char *allowed[8] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < 7 && finding->verbs[i] != NULL; i++)
        if (finding->allowed[i])
            allowed[count++] = finding->verbs[i];
    return join(arena, allowed);
}

/* What closes it, also behind the Role. */
static const char *answer_of(struct arena *arena, const struct coverage_finding *finding)
{
    if (finding->state == COVERAGE_BY_ROLE)
        return finding->rules[0] == NULL
                   ? "no Role allows it, and nothing else is in the way"
                   : arena_printf(arena, "no Role allows it; then %s", join(arena, finding->rules));
    return finding->state == COVERAGE_BY_RULE ? join(arena, finding->rules) : finding->why;
}

/* ---- text --------------------------------------------------------------------------------- */

static void print_summary(const struct coverage_report *report)
{
    FILE *out = report->cli->out;
    const size_t *counts = report->counts;
    const size_t ways = counts[COVERAGE_BY_ROLE] + counts[COVERAGE_BY_RULE] + counts[COVERAGE_HOLE];
    fprintf(out, "%zu ways: %zu closed by Roles, %zu by rules, %zu hole%s\n", ways,
            counts[COVERAGE_BY_ROLE], counts[COVERAGE_BY_RULE], counts[COVERAGE_HOLE],
            counts[COVERAGE_HOLE] == 1 ? "" : "s");
}

static void print_holes(const struct coverage_report *report)
{
    const struct cli *cli = report->cli;
    for (const struct coverage_finding *finding = report->findings; finding != NULL;
         finding = finding->next) {
        if (finding->state != COVERAGE_HOLE)
            continue;
        fprintf(cli->out, "%shole:%s ", cli_paint(cli, CLI_RED), cli_paint(cli, CLI_PLAIN));
        cli_print_visible(cli->out, finding->gain);
        fprintf(cli->out, "\n  %s ", allowed_verbs(report->input->arena, finding));
        cli_print_visible(cli->out, row_name(report->input->arena, report->input, finding));
        fputs(": the ", cli->out);
        cli_print_visible(cli->out, finding->role);
        fputs(" allows it; ", cli->out);
        cli_print_visible(cli->out, finding->why);
        fputs("\n  $ ", cli->out);
        cli_print_visible(cli->out, finding->command);
        fputc('\n', cli->out);
    }
}

static void print_text(const struct coverage_report *report)
{
    static const char *const heads[] = {"RESOURCE",   "CREATE", "UPDATE",      "PATCH", "DELETE",
                                        "DELETE ALL", "GET",    "IMPERSONATE", NULL};
    struct arena *arena = report->input->arena;
    struct table table;
    table_init(&table, arena, heads);
    for (const struct coverage_finding *row = report->findings; row != NULL; row = row->next) {
        if (!is_first(report, row))
            continue;
        table_add(&table, row_name(arena, report->input, row));
        for (size_t i = 0; columns[i] != NULL; i++) {
            const struct cell cell = count_cell(row, columns[i]);
            table_add_coloured(&table, cell_text(arena, &cell),
                               cell.holes > 0 ? CLI_RED : CLI_PLAIN);
        }
    }
    fputs("What ", report->cli->out);
    cli_print_visible(report->cli->out, coverage_report_who(report->input));
    fputs(" may try in ", report->cli->out);
    cli_print_visible(report->cli->out, report->input->name_space);
    fputs(", and what is in the way\n\n", report->cli->out);
    table_print(&table, report->cli, "");
    fputc('\n', report->cli->out);
    print_holes(report);
    print_summary(report);
}

/* ---- markdown ----------------------------------------------------------------------------- */

/* A cell of a table: no bar and no line end of a stranger's. */
static void print_cell(FILE *out, const char *text)
{
    struct buf buf;
    buf_init(&buf, NULL, LIMIT_MIB);
    for (const char *c = text != NULL && *text != '\0' ? text : "-"; *c != '\0'; c++) {
        if (strchr("|<>*_`[]\\", *c) != NULL)
            buf_add_char(&buf, '\\');
        buf_add_char(&buf, *c == '\n' ? ' ' : *c);
    }
    fputs("| ", out);
    cli_print_visible(out, buf.data);
    fputc(' ', out);
    buf_done(&buf);
}

static void print_markdown_ways(const struct coverage_report *report)
{
    FILE *out = report->cli->out;
    struct arena *arena = report->input->arena;
    fputs("\n## Every way\n\n| way | resource | verbs | closed by |\n|--|--|--|--|\n", out);
    for (const struct coverage_finding *finding = report->findings; finding != NULL;
         finding = finding->next) {
        print_cell(out, finding->gain);
        print_cell(out, row_name(arena, report->input, finding));
        print_cell(out, join(arena, finding->verbs));
        print_cell(out, finding->state == COVERAGE_HOLE
                            ? arena_printf(arena, "nothing: %s", finding->why)
                            : answer_of(arena, finding));
        fputs("|\n", out);
    }
}

static void print_markdown_holes(const struct coverage_report *report)
{
    FILE *out = report->cli->out;
    if (report->counts[COVERAGE_HOLE] == 0)
        return;
    fputs("\n## Holes\n", out);
    for (const struct coverage_finding *finding = report->findings; finding != NULL;
         finding = finding->next) {
        if (finding->state != COVERAGE_HOLE)
            continue;
        fputs("\n**", out);
        cli_print_visible(out, finding->gain);
        fputs("**: the ", out);
        cli_print_visible(out, finding->role);
        fputs(" allows it; ", out);
        cli_print_visible(out, finding->why);
        fputs("\n\n    ", out);
        cli_print_visible(out, finding->command);
        fputc('\n', out);
    }
}

static void print_markdown(const struct coverage_report *report)
{
    FILE *out = report->cli->out;
    struct arena *arena = report->input->arena;
    fputs("# Ways around the policies\n\n", out);
    fputs("User ", out);
    cli_print_visible(out, coverage_report_who(report->input));
    fputs(", namespace ", out);
    cli_print_visible(out, report->input->name_space);
    fprintf(out, ", policies %.12s.\n\n", report->input->set->digest);
    print_summary(report);
    fputs("\n| resource | create | update | patch | delete | deletecollection | get | impersonate "
          "|\n|--|--|--|--|--|--|--|--|\n",
          out);
    for (const struct coverage_finding *row = report->findings; row != NULL; row = row->next) {
        if (!is_first(report, row))
            continue;
        print_cell(out, row_name(arena, report->input, row));
        for (size_t i = 0; columns[i] != NULL; i++) {
            const struct cell cell = count_cell(row, columns[i]);
            print_cell(out, cell_text(arena, &cell));
        }
        fputs("|\n", out);
    }
    fputs("\n*role*: no Role allows it. *rules N*: N ways, each closed by a rule. -: no way to a "
          "pod or to traffic is known.\n",
          out);
    print_markdown_holes(report);
    print_markdown_ways(report);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static cJSON *texts_json(struct arena *arena, const char *const *texts, const bool *wanted)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; texts[i] != NULL; i++)
        if (wanted == NULL || wanted[i])
            json_append(list, json_new_string(arena, texts[i]));
    return list;
}

static cJSON *finding_json(struct arena *arena, const struct coverage_finding *finding)
{
    cJSON *object = json_new_object(arena);
    add_text(arena, object, "way", finding->gain);
    add_text(arena, object, "namespace", finding->name_space);
    add_text(arena, object, "resource", finding->way->resource);
    add_text(arena, object, "subresource", finding->way->subresource);
    add_text(arena, object, "operation", finding->operation);
    json_add(arena, object, "verbs", texts_json(arena, finding->verbs, NULL));
    json_add(arena, object, "allowed", texts_json(arena, finding->verbs, finding->allowed));
    add_text(arena, object, "role", finding->role);
    add_text(arena, object, "state", coverage_state_names[finding->state]);
    if (finding->state != COVERAGE_HOLE)
        json_add(arena, object, "rules", texts_json(arena, finding->rules, NULL));
    if (finding->state == COVERAGE_HOLE) {
        add_text(arena, object, "why", finding->why);
        add_text(arena, object, "command", finding->command);
    }
    return object;
}

static int print_json(const struct coverage_report *report, struct err *reterr)
{
    struct arena *arena = report->input->arena;
    cJSON *root = json_new_object(arena), *ways = json_new_array(arena);
    struct buf buf;
    add_text(arena, root, "user", report->input->user);
    json_add(arena, root, "groups", texts_json(arena, report->input->groups, NULL));
    add_text(arena, root, "namespace", report->input->name_space);
    add_text(arena, root, "policies", report->input->set->digest);
    json_add(arena, root, "holes", json_new_int(arena, (int64_t)report->counts[COVERAGE_HOLE]));
    for (const struct coverage_finding *finding = report->findings; finding != NULL;
         finding = finding->next)
        json_append(ways, finding_json(arena, finding));
    json_add(arena, root, "ways", ways);
    buf_init(&buf, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&buf, root);
    const int r = buf.failed ? err_set(reterr, ERR_NO_MEMORY, "out of memory") : 0;
    if (r == 0)
        fputs(buf.data, report->cli->out);
    buf_done(&buf);
    return r;
}

int coverage_report_print(const struct coverage_report *report, const char *output,
                          struct err *reterr)
{
    if (strcmp(output, "json") == 0)
        return print_json(report, reterr);
    if (strcmp(output, "markdown") == 0)
        print_markdown(report);
    else
        print_text(report);
    return 0;
}
