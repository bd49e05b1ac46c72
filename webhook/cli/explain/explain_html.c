/* An explanation as one HTML file that needs nothing else: no script, no font, no picture.
 *
 * Headings and captions in order, header cells with their scope, a link past the contents, colours
 * with enough contrast in light and dark (WCAG 2.1 AA), and on paper no row breaks over two pages.
 */
#include "cli/explain/explain.h"

#include "cli/explain/prose.h"
#include "cli/output/markup.h"

#define PART_BYTES (1UL << 20)

static const char head[] =
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n";

static const char style[] =
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #c3cad3;\n"
    "  --soft: #f1f3f6; --link: #0a58b0; --set: #0b5d33; --bounded: #6b4a00; --refused: #9d1c1c }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b;\n"
    "  --line: #434b55; --soft: #20252b; --link: #8ab8f5; --set: #7ed6a1; --bounded: #eac06a;\n"
    "  --refused: #ff9d95 } }\n"
    "body { color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif;\n"
    "  margin: 0 auto; max-width: 78rem; padding: 1rem }\n"
    "a { color: var(--link) }\n"
    ".skip { position: absolute; left: -999rem } .skip:focus { left: 1rem }\n"
    ".wide { overflow-x: auto }\n"
    "table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }\n"
    "caption { text-align: left; font-weight: 600; padding: .5rem 0 }\n"
    "th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left;\n"
    "  vertical-align: top; overflow-wrap: anywhere }\n"
    "thead th { background: var(--soft) } th { font-weight: 600 }\n"
    "td.number { text-align: right }\n"
    "code { font: .875em/1.4 ui-monospace, monospace }\n"
    ".set { color: var(--set) } .bounded { color: var(--bounded) } .refused, .expired {\n"
    "  color: var(--refused) }\n"
    ".note { display: block; font-size: .875em; font-weight: 400 }\n"
    "@media print { :root { --ink: #000; --paper: #fff; --line: #888; --soft: #eee; --link: #000;\n"
    "  --set: #000; --bounded: #000; --refused: #000 } body { max-width: none; padding: 0;\n"
    "  font-size: 9pt } nav, .skip { display: none } .wide { overflow: visible }\n"
    "  thead { display: table-header-group } tr { break-inside: avoid }\n"
    "  h2, h3, caption { break-after: avoid } a { text-decoration: none } }\n"
    "</style>\n";

static const char *const kind_classes[EXPLAIN_KIND_COUNT] = {"set", "bounded", "refused"};

/* Prints `before` and `after` as they are, the text between them as text. */
static void say(const struct cli *cli, const char *before, const char *text, const char *after)
{
    struct buf buf;
    buf_init(&buf, NULL, PART_BYTES);
    buf_add_string(&buf, before);
    markup_add_html(&buf, text);
    buf_add_string(&buf, after);
    fputs(buf.data, cli->out);
    buf_done(&buf);
}

static void note(const struct cli *cli, const char *before, const char *text, const char *after)
{
    if (text == NULL)
        return;
    fputs("<span class=\"note\">", cli->out);
    say(cli, before, text, after);
    fputs("</span>", cli->out);
}

static void print_row(const struct cli *cli, const struct explain_row *row)
{
    fprintf(cli->out, "<tr><td class=\"%s\">%s</td>", kind_classes[row->kind],
            explain_kind_names[row->kind]);
    say(cli, "<th scope=\"row\">", row->subject, "");
    if (row->path != NULL)
        say(cli, "<span class=\"note\"><code>", row->path, "</code></span>");
    say(cli, "</th><td>", row->demand, "");
    note(cli, "when it is ", row->when, "");
    note(cli, "only if ", row->only_if, "");
    note(cli, "It ", row->effect, ".");
    note(cli, "Waived by the exception ", row->waived, ".");
    say(cli, "</td><td>", row->why, "</td>");
    say(cli, "<td><code>", row->rule->full_id, "</code>");
    note(cli, "also by way of ", row->also, "");
    note(cli, "", row->relation, "");
    fputs("</td></tr>\n", cli->out);
}

static void print_section(const struct cli *cli, const struct explain_section *section,
                          size_t number)
{
    fprintf(cli->out, "<section aria-labelledby=\"s%zu\">\n<h2 id=\"s%zu\">", number, number);
    say(cli, "", section->title, "</h2>\n");
    for (size_t i = 0; i < section->count; i++) {
        const struct explain_group *group = &section->groups[i];
        say(cli, "<div class=\"wide\"><table><caption>", group->policy->name, "");
        if (group->title != NULL)
            say(cli, ": ", group->title, "");
        note(cli, "", group->who, ".");
        note(cli, "Its mode is ", group->mode, ".");
        fputs("</caption>\n<thead><tr><th scope=\"col\">Kind</th><th scope=\"col\">What</th>"
              "<th scope=\"col\">Rule</th><th scope=\"col\">Why</th><th scope=\"col\">Named</th>"
              "</tr></thead>\n<tbody>\n",
              cli->out);
        for (size_t j = 0; j < group->count; j++)
            print_row(cli, &group->rows[j]);
        fputs("</tbody></table></div>\n", cli->out);
    }
    fputs("</section>\n", cli->out);
}

static void print_overview(const struct cli *cli, const struct explanation *explanation)
{
    if (explanation->resource_count == 0)
        return;
    fputs("<div class=\"wide\"><table><caption>How many rules act on each resource</caption>\n"
          "<thead><tr><th scope=\"col\">Resource</th><th scope=\"col\">Not allowed at all</th>"
          "<th scope=\"col\">Set</th><th scope=\"col\">Bounded</th><th scope=\"col\">Refused</th>"
          "<th scope=\"col\">By</th></tr></thead>\n<tbody>\n",
          cli->out);
    for (size_t i = 0; i < explanation->resource_count; i++) {
        const struct explain_resource *line = &explanation->resources[i];
        say(cli, "<tr><th scope=\"row\">", line->name, "</th>");
        say(cli, "<td class=\"refused\">", line->refused != NULL ? line->refused : "", "</td>");
        for (size_t j = 0; j < EXPLAIN_KIND_COUNT; j++)
            fprintf(cli->out, "<td class=\"number\">%zu</td>", line->counts[j]);
        say(cli, "<td>", line->policies, "</td></tr>\n");
    }
    fputs("</tbody></table></div>\n", cli->out);
}

static void print_lines(const struct cli *cli, const char *title, policy_strings lines)
{
    if (lines[0] == NULL)
        return;
    fprintf(cli->out, "<p>%s</p>\n<ul>\n", title);
    for (size_t i = 0; lines[i] != NULL; i++)
        say(cli, "<li>", lines[i], "</li>\n");
    fputs("</ul>\n", cli->out);
}

static void print_policies(const struct cli *cli, const struct explanation *explanation)
{
    if (explanation->policy_count == 0)
        return;
    fputs("<section aria-labelledby=\"who\">\n<h2 id=\"who\">Who is not judged, and words in "
          "capitals</h2>\n",
          cli->out);
    for (size_t i = 0; i < explanation->policy_count; i++) {
        const struct explain_policy *policy = &explanation->policies[i];
        say(cli, "<h3>", policy->name, "</h3>\n");
        print_lines(cli, "Not judged:", policy->excluded);
        print_lines(cli, "Words in capitals:", policy->words);
    }
    fputs("</section>\n", cli->out);
}

static void print_exceptions(const struct cli *cli, const struct explanation *explanation)
{
    if (explanation->exception_count == 0)
        return;
    fputs("<section aria-labelledby=\"exceptions\">\n<h2 id=\"exceptions\">Exceptions</h2>\n"
          "<div class=\"wide\"><table><caption>Rules that are waived for somebody</caption>\n"
          "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">What</th>"
          "<th scope=\"col\">Until</th><th scope=\"col\">Why</th><th scope=\"col\">Owner</th>"
          "<th scope=\"col\">Ticket</th></tr></thead>\n<tbody>\n",
          cli->out);
    for (size_t i = 0; i < explanation->exception_count; i++) {
        const struct explain_exception *exception = &explanation->exceptions[i];
        say(cli, "<tr><th scope=\"row\">", exception->name, "</th>");
        say(cli, "<td>", exception->says, "</td>");
        say(cli, exception->expired ? "<td class=\"expired\">" : "<td>", exception->until, "</td>");
        say(cli, "<td>", exception->reason, "</td>");
        say(cli, "<td>", exception->owner, "</td>");
        say(cli, "<td>", exception->ticket, "</td></tr>\n");
    }
    fputs("</tbody></table></div>\n</section>\n", cli->out);
}

static void print_contents(const struct cli *cli, const struct explanation *explanation)
{
    fputs("<nav aria-label=\"Contents\">\n<ul>\n", cli->out);
    for (size_t i = 0; i < explanation->section_count; i++) {
        fprintf(cli->out, "<li><a href=\"#s%zu\">", i);
        say(cli, "", explanation->sections[i].title, "</a></li>\n");
    }
    if (explanation->policy_count > 0)
        fputs("<li><a href=\"#who\">Who is not judged, and words in capitals</a></li>\n", cli->out);
    if (explanation->exception_count > 0)
        fputs("<li><a href=\"#exceptions\">Exceptions</a></li>\n", cli->out);
    fputs("</ul>\n</nav>\n", cli->out);
}

void explain_html(const struct cli *cli, const struct explanation *explanation)
{
    fprintf(cli->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n%s", head);
    say(cli, "<title>", explanation->heading, "</title>\n");
    fprintf(cli->out, "%s</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the rules</a>\n",
            style);
    say(cli, "<header>\n<h1>", explanation->heading, "</h1>\n");
    say(cli, "<p>", explanation->summary, "</p>\n</header>\n");
    print_contents(cli, explanation);
    fputs("<main id=\"main\">\n<ul>\n", cli->out);
    for (size_t i = 0; i < EXPLAIN_KIND_COUNT; i++)
        fprintf(cli->out, "<li><strong class=\"%s\">%s</strong>: %s</li>\n", kind_classes[i],
                explain_kind_names[i], explain_kind_words[i]);
    fputs("</ul>\n", cli->out);
    print_overview(cli, explanation);
    for (size_t i = 0; i < explanation->section_count; i++)
        print_section(cli, &explanation->sections[i], i);
    print_policies(cli, explanation);
    print_exceptions(cli, explanation);
    fputs("</main>\n</body>\n</html>\n", cli->out);
}
