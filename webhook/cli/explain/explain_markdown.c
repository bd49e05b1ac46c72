/* An explanation as Markdown: headings and tables. */
#include "cli/explain/explain.h"

#include "cli/explain/prose.h"
#include "cli/output/markup.h"

#define PART_BYTES (1UL << 20)

/* Prints `before`, the text as Markdown, `after`. */
static void say(const struct cli *cli, const char *before, const char *text, const char *after)
{
    struct buf buf;
    buf_init(&buf, NULL, PART_BYTES);
    buf_add_string(&buf, before);
    markup_add_markdown(&buf, text);
    buf_add_string(&buf, after);
    fputs(buf.data, cli->out);
    buf_done(&buf);
}

static void say_code(const struct cli *cli, const char *text)
{
    struct buf buf;
    buf_init(&buf, NULL, PART_BYTES);
    markup_add_markdown_code(&buf, text);
    fputs(buf.data, cli->out);
    buf_done(&buf);
}

static void print_row(const struct cli *cli, const struct explain_row *row)
{
    fprintf(cli->out, "| %s ", explain_kind_names[row->kind]);
    say(cli, "| ", row->subject, "");
    say(cli, " | ", row->demand, "");
    if (row->when != NULL)
        say(cli, ", when it is ", row->when, "");
    if (row->effect != NULL)
        say(cli, "; it ", row->effect, "");
    if (row->waived != NULL)
        say(cli, "; waived by the exception ", row->waived, "");
    say(cli, " | ", row->only_if != NULL ? row->only_if : "", "");
    say(cli, " | ", row->why, " | ");
    say_code(cli, row->rule->full_id);
    if (row->also != NULL)
        say(cli, ", also by way of ", row->also, "");
    if (row->relation != NULL)
        say(cli, ", ", row->relation, "");
    fputs(" |\n", cli->out);
}

static void print_section(const struct cli *cli, const struct explain_section *section)
{
    say(cli, "\n## ", section->title, "\n");
    for (size_t i = 0; i < section->count; i++) {
        const struct explain_group *group = &section->groups[i];
        say(cli, "\n**", group->policy->name, "**");
        if (group->title != NULL)
            say(cli, ": ", group->title, "");
        say(cli, "\n\n", group->who, ".");
        if (group->mode != NULL)
            say(cli, " Its mode is ", group->mode, ".");
        fputs("\n\n| | What | Rule | Only if | Why | Named |\n|--|--|--|--|--|--|\n", cli->out);
        for (size_t j = 0; j < group->count; j++)
            print_row(cli, &group->rows[j]);
    }
}

static void print_overview(const struct cli *cli, const struct explanation *explanation)
{
    if (explanation->resource_count == 0)
        return;
    fputs("\n| Resource | Not allowed at all | Set | Bounded | Refused | By |\n"
          "|--|--|--:|--:|--:|--|\n",
          cli->out);
    for (size_t i = 0; i < explanation->resource_count; i++) {
        const struct explain_resource *line = &explanation->resources[i];
        say(cli, "| ", line->name, "");
        say(cli, " | ", line->refused != NULL ? line->refused : "", "");
        for (size_t j = 0; j < EXPLAIN_KIND_COUNT; j++)
            fprintf(cli->out, " | %zu", line->counts[j]);
        say(cli, " | ", line->policies, " |\n");
    }
}

static void print_lines(const struct cli *cli, const char *head, policy_strings lines)
{
    if (lines[0] != NULL)
        fputs(head, cli->out);
    for (size_t i = 0; lines[i] != NULL; i++)
        say(cli, "- ", lines[i], "\n");
}

static void print_policy(const struct cli *cli, const struct explain_policy *policy)
{
    say(cli, "\n### ", policy->name, "\n\n");
    print_lines(cli, "Not judged:\n\n", policy->excluded);
    print_lines(cli, "\nWords in capitals:\n\n", policy->words);
}

static void print_exceptions(const struct cli *cli, const struct explanation *explanation)
{
    if (explanation->exception_count == 0)
        return;
    fputs(
        "\n## Exceptions\n\n| Name | What | Until | Why | Owner | Ticket |\n|--|--|--|--|--|--|\n",
        cli->out);
    for (size_t i = 0; i < explanation->exception_count; i++) {
        const struct explain_exception *exception = &explanation->exceptions[i];
        say(cli, "| ", exception->name, "");
        say(cli, " | ", exception->says, "");
        say(cli, exception->expired ? " | **" : " | ", exception->until,
            exception->expired ? "**" : "");
        say(cli, " | ", exception->reason, "");
        say(cli, " | ", exception->owner, "");
        say(cli, " | ", exception->ticket, " |\n");
    }
}

void explain_markdown(const struct cli *cli, const struct explanation *explanation)
{
    say(cli, "# ", explanation->heading, "\n\n");
    say(cli, "", explanation->summary, "\n");
    fputc('\n', cli->out);
    for (size_t i = 0; i < EXPLAIN_KIND_COUNT; i++)
        fprintf(cli->out, "- **%s**: %s\n", explain_kind_names[i], explain_kind_words[i]);
    print_overview(cli, explanation);
    for (size_t i = 0; i < explanation->section_count; i++)
        print_section(cli, &explanation->sections[i]);
    if (explanation->policy_count > 0)
        fputs("\n## Who is not judged, and words in capitals\n", cli->out);
    for (size_t i = 0; i < explanation->policy_count; i++)
        print_policy(cli, &explanation->policies[i]);
    print_exceptions(cli, explanation);
}
