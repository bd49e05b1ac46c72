/* An explanation for a terminal. */
#include "cli/explain/explain.h"

#include "cli/explain/prose.h"
#include "cli/output/table.h"

static void say(const struct cli *cli, const char *before, const char *text, const char *after)
{
    fputs(before, cli->out);
    cli_print_visible(cli->out, text);
    fputs(after, cli->out);
}

static void paint(const struct cli *cli, enum cli_colour colour, const char *text)
{
    fputs(cli_paint(cli, colour), cli->out);
    cli_print_visible(cli->out, text);
    fputs(cli_paint(cli, CLI_PLAIN), cli->out);
}

static void print_row(const struct cli *cli, const struct explain_row *row)
{
    fputs("    * ", cli->out);
    cli_print_visible(cli->out, row->subject);
    say(cli, " ", row->demand, "");
    if (row->when != NULL)
        say(cli, ", when it is ", row->when, "");
    if (row->only_if != NULL)
        say(cli, ", only if ", row->only_if, "");
    fputc('\n', cli->out);
    fputs("      ", cli->out);
    cli_print_visible(cli->out, row->why);
    fprintf(cli->out, " %s(", cli_paint(cli, CLI_DIM));
    cli_print_visible(cli->out, row->rule->full_id);
    if (row->also != NULL)
        say(cli, "; also by way of ", row->also, "");
    if (row->relation != NULL)
        say(cli, "; ", row->relation, "");
    fprintf(cli->out, ")%s\n", cli_paint(cli, CLI_PLAIN));
    if (row->effect != NULL)
        say(cli, "      It ", row->effect, ".\n");
    if (row->waived != NULL)
        say(cli, "      Waived by the exception ", row->waived, ".\n");
}

static void print_group(const struct cli *cli, const struct explain_group *group)
{
    fputs("\n  ", cli->out);
    paint(cli, CLI_BOLD, group->policy->name);
    if (group->title != NULL)
        say(cli, ": ", group->title, "");
    say(cli, "\n  ", group->who, ".\n");
    if (group->mode != NULL)
        say(cli, "  Its mode is ", group->mode, ".\n");
    for (size_t i = 0; i < group->count; i++) {
        if (i == 0 || group->rows[i].kind != group->rows[i - 1].kind) {
            fputs("  ", cli->out);
            paint(cli, CLI_CYAN, explain_kind_names[group->rows[i].kind]);
            fputc('\n', cli->out);
        }
        print_row(cli, &group->rows[i]);
    }
}

static void print_overview(const struct cli *cli, struct arena *arena,
                           const struct explanation *explanation)
{
    static const char *const heads[] = {
        "RESOURCE", "NOT ALLOWED AT ALL", "SET", "BOUNDED", "REFUSED", "BY", NULL};
    struct table table;
    if (explanation->resource_count == 0)
        return;
    table_init(&table, arena, heads);
    for (size_t i = 0; i < explanation->resource_count; i++) {
        const struct explain_resource *line = &explanation->resources[i];
        table_add(&table, line->name);
        table_add_coloured(&table, line->refused, line->refused != NULL ? CLI_RED : CLI_PLAIN);
        for (size_t j = 0; j < EXPLAIN_KIND_COUNT; j++)
            table_add(&table,
                      line->counts[j] > 0 ? arena_printf(arena, "%zu", line->counts[j]) : NULL);
        table_add(&table, line->policies);
    }
    fputc('\n', cli->out);
    table_print(&table, cli, "");
}

static void print_lines(const struct cli *cli, const char *head, policy_strings lines)
{
    if (lines[0] != NULL)
        fputs(head, cli->out);
    for (size_t i = 0; lines[i] != NULL; i++)
        say(cli, "    - ", lines[i], "\n");
}

static void print_policy(const struct cli *cli, const struct explain_policy *policy)
{
    fputs("\n  ", cli->out);
    paint(cli, CLI_BOLD, policy->name);
    fputc('\n', cli->out);
    print_lines(cli, "  Not judged:\n", policy->excluded);
    print_lines(cli, "  Words in capitals:\n", policy->words);
}

static void print_exception(const struct cli *cli, const struct explain_exception *exception)
{
    fputs("\n  ", cli->out);
    paint(cli, CLI_BOLD, exception->name);
    say(cli, ": ", exception->says, ",\n  ");
    paint(cli, exception->expired ? CLI_RED : CLI_PLAIN, exception->until);
    fputs(".\n", cli->out);
    say(cli, "      ", exception->reason, "");
    say(cli, " (", exception->owner, "");
    say(cli, ", ", exception->ticket, ")\n");
}

void explain_text(const struct cli *cli, struct arena *arena, const struct explanation *explanation)
{
    paint(cli, CLI_BOLD, explanation->heading);
    say(cli, "\n", explanation->summary, "\n");
    print_overview(cli, arena, explanation);
    for (size_t i = 0; i < explanation->section_count; i++) {
        const struct explain_section *section = &explanation->sections[i];
        fputs("\n== ", cli->out);
        paint(cli, CLI_BOLD, section->title);
        fputc('\n', cli->out);
        for (size_t j = 0; j < section->count; j++)
            print_group(cli, &section->groups[j]);
    }
    if (explanation->policy_count > 0)
        fprintf(cli->out, "\n== %sWho is not judged, and words in capitals%s\n",
                cli_paint(cli, CLI_BOLD), cli_paint(cli, CLI_PLAIN));
    for (size_t i = 0; i < explanation->policy_count; i++)
        print_policy(cli, &explanation->policies[i]);
    if (explanation->exception_count > 0)
        fprintf(cli->out, "\n== %sExceptions%s\n", cli_paint(cli, CLI_BOLD),
                cli_paint(cli, CLI_PLAIN));
    for (size_t i = 0; i < explanation->exception_count; i++)
        print_exception(cli, &explanation->exceptions[i]);
}
