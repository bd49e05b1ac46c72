#include "cli/diff/diff_report.h"

#include "base/limits.h"
#include "cli/output/markup.h"

#include <string.h>

const char *const impact_words[IMPACT_NONE] = {[IMPACT_REFUSED] = "would now be refused",
                                               [IMPACT_ADMITTED] = "would no longer be refused",
                                               [IMPACT_REASONS] =
                                                   "would be refused for other reasons",
                                               [IMPACT_RESULT] = "would come out otherwise",
                                               [IMPACT_WARNINGS] = "would be told something else"};

static const char *const impact_names[IMPACT_NONE + 1] = {
    [IMPACT_REFUSED] = "refused", [IMPACT_ADMITTED] = "admitted", [IMPACT_REASONS] = "reasons",
    [IMPACT_RESULT] = "result",   [IMPACT_WARNINGS] = "warnings", [IMPACT_NONE] = "same"};

static const enum cli_colour impact_colours[IMPACT_NONE] = {[IMPACT_REFUSED] = CLI_RED,
                                                            [IMPACT_ADMITTED] = CLI_GREEN,
                                                            [IMPACT_REASONS] = CLI_YELLOW,
                                                            [IMPACT_RESULT] = CLI_YELLOW,
                                                            [IMPACT_WARNINGS] = CLI_PLAIN};

/* How many changes go each way. */
static void count_ways(const struct comparison *comparison, size_t ret_counts[3])
{
    for (size_t i = 0; i < comparison->count; i++)
        ret_counts[comparison->items[i].way]++;
}

/* "NAME or other": of whom the change is told. */
static const char *head_of(const struct compare_change *change)
{
    return change->policy != NULL ? change->policy : change->exception;
}

static bool same_head(const struct compare_change *a, const struct compare_change *b)
{
    return (a->policy == NULL) == (b->policy == NULL) && strcmp(head_of(a), head_of(b)) == 0;
}

static size_t unchanged(const struct impact *impact)
{
    return impact->judged - impact->object_count;
}

/* ---- text --------------------------------------------------------------------------------- */

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

static void print_change(const struct cli *cli, const struct compare_change *change)
{
    static const enum cli_colour colours[] = {CLI_CYAN, CLI_RED, CLI_GREEN};
    fprintf(cli->out, "  %s%-8s%s  ", cli_paint(cli, colours[change->way]),
            compare_way_names[change->way], cli_paint(cli, CLI_PLAIN));
    if (change->rule != NULL)
        say(cli, "", change->rule, " ");
    say(cli, "", change->words, "\n");
}

static void print_changes(const struct cli *cli, const struct comparison *comparison)
{
    size_t ways[3] = {0};
    count_ways(comparison, ways);
    if (comparison->count == 0) {
        fputs("The two sets say the same.\n", cli->out);
        return;
    }
    fprintf(cli->out, "%zu change%s: %zu stricter, %zu looser, %zu other\n", comparison->count,
            comparison->count == 1 ? "" : "s", ways[COMPARE_STRICTER], ways[COMPARE_LOOSER],
            ways[COMPARE_OTHER]);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compare_change *change = &comparison->items[i];
        if (i == 0 || !same_head(change, &comparison->items[i - 1])) {
            fputs(change->policy != NULL ? "\n" : "\nexception ", cli->out);
            paint(cli, CLI_BOLD, head_of(change));
            fputc('\n', cli->out);
        }
        print_change(cli, change);
    }
}

static void print_object(const struct cli *cli, const struct impact_object *object)
{
    fputs("  ", cli->out);
    if (object->line > 0) {
        cli_print_visible(cli->out, object->file);
        fprintf(cli->out, ":%u ", object->line);
    }
    if (object->name_space != NULL)
        say(cli, "", object->name_space, "/");
    say(cli, "", object->name, "\n");
    const bool both = object->kind != IMPACT_REFUSED && object->kind != IMPACT_ADMITTED;
    for (size_t i = 0; object->come[i] != NULL; i++)
        say(cli, both ? "    now " : "    ", object->come[i], "\n");
    for (size_t i = 0; object->gone[i] != NULL; i++)
        say(cli, "    no longer ", object->gone[i], "\n");
}

static void print_group(const struct cli *cli, const struct impact *impact,
                        const struct impact_count *count, enum impact_kind kind)
{
    struct arena arena;
    if (count->by_kind[kind] == 0)
        return;
    arena_init(&arena, LIMIT_MIB);
    fprintf(cli->out, "\n%s%zu of %zu ", cli_paint(cli, impact_colours[kind]), count->by_kind[kind],
            count->judged);
    cli_print_visible(cli->out, count->judged == 1 ? count->object_kind
                                                   : impact_plural(&arena, count->object_kind));
    fprintf(cli->out, " %s%s\n", impact_words[kind], cli_paint(cli, CLI_PLAIN));
    arena_done(&arena);
    for (size_t i = 0; i < impact->object_count; i++)
        if (impact->objects[i].kind == kind &&
            strcmp(impact->objects[i].object_kind, count->object_kind) == 0)
            print_object(cli, &impact->objects[i]);
}

static void print_sum(const struct cli *cli, const struct impact *impact)
{
    fprintf(cli->out, "\nNothing changes for %zu of %zu object%s", unchanged(impact),
            impact->judged, impact->judged == 1 ? "" : "s");
    if (impact->left_out > 0)
        fprintf(cli->out, "; %zu made by controllers were left out", impact->left_out);
    if (impact->problems > 0)
        fprintf(cli->out, "; incomplete: %zu problem%s", impact->problems,
                impact->problems == 1 ? "" : "s");
    say(cli, ".\nJudged as user ", impact->question.user, ".\n");
}

void diff_report_text(const struct cli *cli, const struct diff_report *report)
{
    const struct impact *impact = report->impact;
    print_changes(cli, report->comparison);
    if (impact == NULL)
        return;
    for (size_t kind = 0; kind < IMPACT_NONE; kind++)
        for (size_t i = 0; i < impact->count_count; i++)
            print_group(cli, impact, &impact->counts[i], (enum impact_kind)kind);
    print_sum(cli, impact);
}

/* ---- markdown ----------------------------------------------------------------------------- */

static void mark(const struct cli *cli, const char *before, const char *text, const char *after)
{
    struct buf buf;
    buf_init(&buf, NULL, LIMIT_MIB);
    buf_add_string(&buf, before);
    markup_add_markdown(&buf, text);
    buf_add_string(&buf, after);
    fputs(buf.data, cli->out);
    buf_done(&buf);
}

static void mark_changes(const struct cli *cli, const struct comparison *comparison)
{
    fputs(comparison->count == 0 ? "The two sets say the same.\n"
                                 : "| Policy | Rule | Way | What changes |\n|--|--|--|--|\n",
          cli->out);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compare_change *change = &comparison->items[i];
        mark(cli, change->policy != NULL ? "| " : "| exception ", head_of(change), "");
        mark(cli, " | ", change->rule != NULL ? change->rule : "", "");
        mark(cli, " | ", compare_way_names[change->way], "");
        mark(cli, " | ", change->words, " |\n");
    }
}

static void mark_list(const struct cli *cli, const char *head, const char *const *items,
                      bool *first)
{
    for (size_t i = 0; items[i] != NULL; i++) {
        fputs(*first ? "" : "<br>", cli->out);
        mark(cli, head, items[i], "");
        *first = false;
    }
}

static void mark_object(const struct cli *cli, const struct impact_object *object)
{
    bool first = true;
    mark(cli, "| ", impact_names[object->kind], "");
    mark(cli, " | ", object->object_kind, "");
    mark(cli, " | ", object->name_space != NULL ? object->name_space : "", "");
    mark(cli, " | ", object->name, " | ");
    if (object->line > 0) {
        mark(cli, "", object->file, "");
        fprintf(cli->out, ":%u", object->line);
    }
    fputs(" | ", cli->out);
    mark_list(cli, "", object->come, &first);
    mark_list(cli, "no longer: ", object->gone, &first);
    fputs(" |\n", cli->out);
}

static void mark_sums(const struct cli *cli, const struct impact *impact)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    for (size_t kind = 0; kind < IMPACT_NONE; kind++)
        for (size_t i = 0; i < impact->count_count; i++) {
            const struct impact_count *count = &impact->counts[i];
            if (count->by_kind[kind] == 0)
                continue;
            fprintf(cli->out, "- **%zu of %zu ", count->by_kind[kind], count->judged);
            mark(cli, "",
                 count->judged == 1 ? count->object_kind
                                    : impact_plural(&arena, count->object_kind),
                 "** ");
            fprintf(cli->out, "%s\n", impact_words[kind]);
        }
    arena_done(&arena);
}

void diff_report_markdown(const struct cli *cli, const struct diff_report *report)
{
    const struct impact *impact = report->impact;
    mark(cli, "# Policies: ", report->old_name, " → ");
    mark(cli, "", report->new_name, "\n\n");
    mark_changes(cli, report->comparison);
    if (impact == NULL)
        return;
    fputs("\n## For whom\n\n", cli->out);
    mark_sums(cli, impact);
    fprintf(cli->out, "- nothing changes for %zu of %zu object%s, judged as user ",
            unchanged(impact), impact->judged, impact->judged == 1 ? "" : "s");
    mark(cli, "", impact->question.user, "\n");
    if (impact->problems > 0)
        fprintf(cli->out, "- **incomplete**: %zu object%s, file%s or kind%s could not be read\n",
                impact->problems, impact->problems == 1 ? "" : "s",
                impact->problems == 1 ? "" : "s", impact->problems == 1 ? "" : "s");
    if (impact->left_out > 0)
        fprintf(cli->out, "- %zu objects that controllers made were left out\n", impact->left_out);
    if (impact->object_count > 0)
        fputs("\n| | Kind | Namespace | Name | File | What |\n|--|--|--|--|--|--|\n", cli->out);
    for (size_t kind = 0; kind < IMPACT_NONE; kind++)
        for (size_t i = 0; i < impact->object_count; i++)
            if (impact->objects[i].kind == (enum impact_kind)kind)
                mark_object(cli, &impact->objects[i]);
}

/* ---- json --------------------------------------------------------------------------------- */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static void add_list(struct arena *arena, cJSON *object, const char *key, const char *const *items)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; items[i] != NULL; i++)
        json_append(list, json_new_string(arena, items[i]));
    json_add(arena, object, key, list);
}

static cJSON *change_node(struct arena *arena, const struct compare_change *change)
{
    cJSON *node = json_new_object(arena);
    add_text(arena, node, "policy", change->policy);
    add_text(arena, node, "rule", change->rule);
    add_text(arena, node, "exception", change->exception);
    add_text(arena, node, "change", change->what);
    add_text(arena, node, "way", compare_way_names[change->way]);
    add_text(arena, node, "words", change->words);
    return node;
}

static cJSON *object_node(struct arena *arena, const struct impact_object *object)
{
    cJSON *node = json_new_object(arena);
    if (object->line > 0) {
        add_text(arena, node, "file", object->file);
        json_add(arena, node, "line", json_new_int(arena, object->line));
    }
    add_text(arena, node, "apiVersion", object->api_version);
    add_text(arena, node, "kind", object->object_kind);
    add_text(arena, node, "namespace", object->name_space);
    add_text(arena, node, "name", object->name);
    add_text(arena, node, "impact", impact_names[object->kind]);
    add_text(arena, node, "oldVerdict", object->old_verdict);
    add_text(arena, node, "newVerdict", object->new_verdict);
    add_list(arena, node, "now", object->come);
    add_list(arena, node, "noLonger", object->gone);
    return node;
}

static cJSON *count_node(struct arena *arena, const struct impact_count *count)
{
    cJSON *node = json_new_object(arena);
    add_text(arena, node, "kind", count->object_kind);
    json_add(arena, node, "judged", json_new_int(arena, (int64_t)count->judged));
    for (size_t i = 0; i <= IMPACT_NONE; i++)
        json_add(arena, node, impact_names[i], json_new_int(arena, (int64_t)count->by_kind[i]));
    return node;
}

static void add_impact(struct arena *arena, cJSON *root, const struct impact *impact)
{
    cJSON *counts = json_new_array(arena), *objects = json_new_array(arena);
    add_text(arena, root, "user", impact->question.user);
    for (size_t i = 0; i < impact->count_count; i++)
        json_append(counts, count_node(arena, &impact->counts[i]));
    for (size_t i = 0; i < impact->object_count; i++)
        json_append(objects, object_node(arena, &impact->objects[i]));
    json_add(arena, root, "counts", counts);
    json_add(arena, root, "objects", objects);
    json_add(arena, root, "leftOut", json_new_int(arena, (int64_t)impact->left_out));
    json_add(arena, root, "problems", json_new_int(arena, (int64_t)impact->problems));
}

void diff_report_json(const struct cli *cli, struct arena *arena, const struct diff_report *report)
{
    struct buf text;
    cJSON *root = json_new_object(arena), *changes = json_new_array(arena);
    for (size_t i = 0; i < report->comparison->count; i++)
        json_append(changes, change_node(arena, &report->comparison->items[i]));
    add_text(arena, root, "old", report->old_name);
    add_text(arena, root, "new", report->new_name);
    json_add(arena, root, "changes", changes);
    if (report->impact != NULL)
        add_impact(arena, root, report->impact);
    buf_init(&text, NULL, LIMIT_POLICY_SET_BYTES);
    json_write_pretty(&text, root);
    fprintf(cli->out, "%s\n", text.data);
    buf_done(&text);
}
