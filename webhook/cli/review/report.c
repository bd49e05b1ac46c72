#include "cli/review/report.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "cli/output/diff.h"
#include "cli/places.h"

#include <string.h>

#define CHANGES_NOTE "proctor.dev/policy-changes"

/* ---- text --------------------------------------------------------------------------------- */

static enum cli_colour outcome_colour(enum verdict_outcome outcome)
{
    switch (outcome) {
    case VERDICT_ALLOWED:
        return CLI_GREEN;
    case VERDICT_PATCHED:
        return CLI_YELLOW;
    case VERDICT_DENIED:
        return CLI_RED;
    case VERDICT_NOT_JUDGED:
        return CLI_DIM;
    }
    return CLI_PLAIN;
}

static void print_head(const struct cli *cli, const struct input_item *item,
                       const struct judgement *judgement)
{
    if (item->file != NULL) {
        fputs(cli_paint(cli, CLI_BOLD), cli->out);
        cli_print_visible(cli->out, item->file);
        fprintf(cli->out, ":%u%s ", item->line, cli_paint(cli, CLI_PLAIN));
    }
    cli_print_visible(cli->out, judgement->kind);
    fputc(' ', cli->out);
    if (judgement->name_space != NULL) {
        cli_print_visible(cli->out, judgement->name_space);
        fputc('/', cli->out);
    }
    cli_print_visible(cli->out, judgement->name);
    const char *outcome = judgement->outcome == VERDICT_NOT_JUDGED
                              ? "not judged"
                              : judge_outcome_name(judgement->outcome);
    fprintf(cli->out, ": %s%s%s", cli_paint(cli, outcome_colour(judgement->outcome)), outcome,
            cli_paint(cli, CLI_PLAIN));
    if (judgement->outcome == VERDICT_NOT_JUDGED && judgement->last->not_judged_because != NULL) {
        fputs(", ", cli->out);
        cli_print_visible(cli->out, judgement->last->not_judged_because);
    }
    fputc('\n', cli->out);
}

/* The engine's own note repeats what the diff and the warnings say, in one long line. */
static const cJSON *without_note(struct arena *arena, const cJSON *object)
{
    if (json_path(object, "metadata", "annotations", CHANGES_NOTE, NULL) == NULL)
        return object;
    cJSON *copy = json_dup(arena, object);
    cJSON *metadata = json_get(copy, "metadata");
    cJSON *annotations = json_get(metadata, "annotations");
    json_unlink(annotations, json_get(annotations, CHANGES_NOTE));
    if (annotations->child == NULL)
        json_unlink(metadata, annotations);
    return copy;
}

static void print_diff(const struct cli *cli, struct arena *arena, const struct input_item *item,
                       const struct judgement *judgement)
{
    struct buf before, after, diff;
    buf_init(&before, arena, LIMIT_INPUT_FILE_BYTES);
    buf_init(&after, arena, LIMIT_INPUT_FILE_BYTES);
    buf_init(&diff, arena, LIMIT_INPUT_FILE_BYTES);
    yaml_write(&before, without_note(arena, judgement->before));
    yaml_write(&after, without_note(arena, judgement->after));
    struct diff_side sides[] = {
        {arena_printf(arena, "%s:%u as Kubernetes fills it in", item->file, item->line),
         before.data},
        {"as the policies make it", after.data}};
    diff_write(arena, &sides[0], &sides[1], cli->colour, &diff);
    for (const char *line = diff.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(cli->out, "  %.*s\n", (int)length, line);
        line += length;
        line += *line == '\n';
    }
}

/* The message of a verdict that /mutate alone found: nothing refuses there yet. */
static void print_found(const struct cli *cli, const struct verdict *verdict)
{
    for (const struct violation *at = verdict->violations; at != NULL; at = at->next) {
        if (judge_effect_of(at) != JUDGE_DENIES)
            continue;
        fputs("  * ", cli->out);
        cli_print_visible(cli->out, at->field);
        fputs(": ", cli->out);
        cli_print_visible(cli->out,
                          at->finding.bound[0] != '\0' ? at->finding.bound : "must be there");
        fprintf(cli->out, " (%s)\n", at->rule->full_id);
    }
}

/* Places as a compiler prints them, which editors and terminals follow: a line a field, with all
 * the rules that say something of it.  Returns how many remarks it took. */
static size_t print_place(const struct cli *cli, const struct review_remark *remarks, size_t count)
{
    const struct remark *first = &remarks[0].remark;
    size_t taken = 1;
    fprintf(cli->out, "  %s", cli_paint(cli, CLI_DIM));
    cli_print_visible(cli->out, first->file);
    fprintf(cli->out, ":%u:%u:%s ", first->mark.line, first->mark.column,
            cli_paint(cli, CLI_PLAIN));
    cli_print_visible(cli->out, remarks[0].field);
    fprintf(cli->out, " (%s", first->rule);
    for (; taken < count && strcmp(remarks[taken].field, remarks[0].field) == 0; taken++)
        if (remarks[taken].remark.level != REMARK_NOTE)
            fprintf(cli->out, ", %s", remarks[taken].remark.rule);
    fputs(")\n", cli->out);
    return taken;
}

static void print_places(const struct cli *cli, const struct review_remark *remarks, size_t count)
{
    for (size_t i = 0; i < count;)
        if (remarks[i].remark.level == REMARK_NOTE)
            i++;
        else
            i += print_place(cli, &remarks[i], count - i);
}

void report_text(const struct cli *cli, struct arena *arena, const struct input_item *item,
                 const struct judgement *judgement, const struct review_remark *remarks,
                 size_t remark_count)
{
    print_head(cli, item, judgement);
    if (judgement->outcome == VERDICT_DENIED) {
        if (judgement->last->message != NULL)
            cli_print_lines(cli->out, "  ", judgement->last->message);
        else
            print_found(cli, judgement->last);
    }
    if (judgement->foresight.count > 0)
        cli_print_lines(cli->out, "  ", foresight_message(&judgement->foresight));
    for (size_t i = 0; i < judgement->warning_count; i++) {
        fprintf(cli->out, "  %sWarning:%s ", cli_paint(cli, CLI_YELLOW), cli_paint(cli, CLI_PLAIN));
        cli_print_visible(cli->out, judgement->warnings[i]);
        fputc('\n', cli->out);
    }
    if (item->file != NULL)
        print_places(cli, remarks, remark_count);
    if (judgement->outcome == VERDICT_PATCHED)
        print_diff(cli, arena, item, judgement);
}

/* ---- json --------------------------------------------------------------------------------- */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static void add_value(struct arena *arena, cJSON *object, const char *key, const cJSON *value)
{
    if (value != NULL)
        json_add(arena, object, key, json_dup(arena, value));
}

static void add_mark(struct arena *arena, cJSON *object, struct yaml_mark mark)
{
    if (mark.line == 0)
        return;
    json_add(arena, object, "line", json_new_int(arena, mark.line));
    json_add(arena, object, "column", json_new_int(arena, mark.column));
}

static cJSON *write_violation(struct arena *arena, const struct input_item *item,
                              const struct judgement *judgement, const struct violation *violation)
{
    static const char *const effects[] = {
        [JUDGE_DENIES] = "deny", [JUDGE_WARNS] = "warn", [JUDGE_AUDITS] = "audit"};
    static const char *const reasons[] = {[FINDING_INVALID] = "Invalid",
                                          [FINDING_REQUIRED] = "Required",
                                          [FINDING_FORBIDDEN] = "Forbidden"};
    cJSON *object = json_new_object(arena);
    add_text(arena, object, "policy", violation->rule->policy->name);
    add_text(arena, object, "rule", violation->rule->id);
    add_text(arena, object, "field", violation->field);
    add_text(arena, object, "pointer", violation->pointer);
    add_mark(arena, object, places_of_violation(arena, item, judgement, violation));
    add_text(arena, object, "effect", effects[judge_effect_of(violation)]);
    add_text(arena, object, "reason", reasons[violation->finding.reason]);
    add_value(arena, object, "found", violation->finding.found);
    add_text(arena, object, "bound", violation->finding.bound);
    add_value(arena, object, "wanted", violation->finding.wanted);
    add_text(arena, object, "fix", violation->fix);
    if (violation->ratcheted)
        json_add(arena, object, "ratcheted", json_new_bool(arena, true));
    if (violation->exception != NULL) {
        add_text(arena, object, "exception", violation->exception->name);
        json_add(arena, object, "exceptionExpired",
                 json_new_bool(arena, violation->exception_expired));
    }
    return object;
}

static cJSON *write_edit(struct arena *arena, const struct input_item *item,
                         const struct judgement *judgement, const struct edit *edit)
{
    bool written;
    cJSON *object = json_new_object(arena);
    if (edit->rule != NULL) {
        add_text(arena, object, "policy", edit->rule->policy->name);
        add_text(arena, object, "rule", edit->rule->id);
    }
    add_text(arena, object, "field", edit->field);
    add_text(arena, object, "pointer", edit->field_pointer);
    add_mark(arena, object, places_of_edit(arena, item, judgement, edit, &written));
    add_value(arena, object, "before", edit->before);
    add_value(arena, object, "after", edit->after);
    return object;
}

static void add_place(struct arena *arena, cJSON *object, const struct input_item *item,
                      const struct judgement *judgement)
{
    add_text(arena, object, "file", item->file);
    if (item->line > 0)
        json_add(arena, object, "line", json_new_int(arena, item->line));
    add_text(arena, object, "apiVersion", judgement->api_version);
    add_text(arena, object, "kind", judgement->kind);
    add_text(arena, object, "namespace", judgement->name_space);
    add_text(arena, object, "name", judgement->name);
    add_text(arena, object, "user", judgement->user);
    add_text(arena, object, "verdict", judge_outcome_name(judgement->outcome));
    if (judgement->outcome == VERDICT_NOT_JUDGED)
        add_text(arena, object, "notJudgedBecause", judgement->last->not_judged_because);
    const char *message = judgement->last->message;
    if (judgement->outcome == VERDICT_DENIED)
        add_text(arena, object, "message",
                 message != NULL ? message : foresight_message(&judgement->foresight));
}

static cJSON *write_foresight(struct arena *arena, const struct foresight *foresight)
{
    cJSON *list = json_new_array(arena);
    for (const struct foreseen *at = foresight->first; at != NULL; at = at->next) {
        cJSON *row = json_new_object(arena);
        add_text(arena, row, "field", at->field);
        add_text(arena, row, "message", at->text);
        json_append(list, row);
    }
    return list;
}

cJSON *report_json(struct arena *arena, const struct input_item *item,
                   const struct judgement *judgement)
{
    cJSON *object = json_new_object(arena);
    add_place(arena, object, item, judgement);
    cJSON *violations = json_new_array(arena);
    for (const struct violation *at = judgement->last->violations; at != NULL; at = at->next)
        json_append(violations, write_violation(arena, item, judgement, at));
    json_add(arena, object, "violations", violations);
    if (judgement->foresight.undecodable)
        json_add(arena, object, "undecodable", json_new_bool(arena, true));
    json_add(arena, object, "kubernetes", write_foresight(arena, &judgement->foresight));
    cJSON *warnings = json_new_array(arena);
    for (size_t i = 0; i < judgement->warning_count; i++)
        json_append(warnings, json_new_string(arena, judgement->warnings[i]));
    json_add(arena, object, "warnings", warnings);
    json_add(arena, object, "patch",
             judgement->patch != NULL ? json_dup(arena, judgement->patch) : json_new_array(arena));
    cJSON *edits = json_new_array(arena);
    for (const struct edit *at = judgement->mutation.edits; at != NULL; at = at->next)
        json_append(edits, write_edit(arena, item, judgement, at));
    json_add(arena, object, "edits", edits);
    return object;
}
