#include "cli/audit/audit.h"

#include "base/clock.h"
#include "cli/output/table.h"
#include "cli/review/report.h"

#include <stdlib.h>
#include <string.h>

/* ---- what could not be read --------------------------------------------------------------- */

void audit_problem(struct audit *audit, const char *what, const char *text)
{
    struct audit_problem *problem = arena_alloc(&audit->kept, sizeof *problem);
    *problem = (struct audit_problem){.what = arena_strdup(&audit->kept, what),
                                      .text = arena_strdup(&audit->kept, text)};
    *audit->last_problem = problem;
    audit->last_problem = &problem->next;
    audit->problem_count++;
    progress_end(&audit->progress);
    input_print_problem(audit->cli, &(struct input_problem){.file = what, .text = text});
    if (audit->output == AUDIT_SARIF) {
        const struct remark remark = {
            .level = REMARK_ERROR,
            .text = arena_printf(&audit->kept, "%s: %s", what, text),
        };
        sarif_add(&audit->sarif, &remark);
    }
}

/* ---- one judgement ------------------------------------------------------------------------ */

static void print_value(struct audit *audit, const cJSON *value)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, value);
    if (text.failed)
        audit_problem(audit, "report", "out of memory");
    else
        fprintf(audit->findings, "%s%s", audit->findings_printed++ == 0 ? "\n" : ",\n", text.data);
    buf_done(&text);
}

static void print_text(struct audit *audit, const struct audit_finding *finding)
{
    struct cli cli = *audit->cli;
    if (finding->remark_count == 0)
        return;
    cli.out = audit->findings;
    report_text(&cli, &audit->judging, finding->item, finding->judgement, finding->remarks,
                finding->remark_count);
}

void audit_print(struct audit *audit, const struct audit_finding *finding)
{
    if (finding->judgement->outcome == VERDICT_NOT_JUDGED)
        return;
    switch (audit->output) {
    case AUDIT_TEXT:
        print_text(audit, finding);
        break;
    case AUDIT_JSON:
        print_value(audit, report_json(&audit->judging, finding->item, finding->judgement));
        break;
    case AUDIT_SARIF:
        for (size_t i = 0; i < finding->remark_count; i++)
            sarif_add(&audit->sarif, &finding->remarks[i].remark);
        break;
    case AUDIT_OPENREPORTS:
        print_value(audit, openreports_of(&audit->judging, audit, finding));
        break;
    }
}

/* ---- sums --------------------------------------------------------------------------------- */

static const char *number(struct audit *audit, size_t count)
{
    return count > 0 ? arena_printf(&audit->kept, "%zu", count) : NULL;
}

static void add_counts(struct audit *audit, struct table *table, const struct audit_counts *counts)
{
    table_add_coloured(table, number(audit, counts->errors),
                       counts->errors > 0 ? CLI_RED : CLI_PLAIN);
    table_add_coloured(table, number(audit, counts->warnings),
                       counts->warnings > 0 ? CLI_YELLOW : CLI_PLAIN);
    table_add(table, number(audit, counts->notes));
}

static void print_objects(struct audit *audit)
{
    static const char *const heads[] = {"OBJECT", "VIOLATIONS", "WARNINGS", "NOTES", NULL};
    struct table table;
    table_init(&table, &audit->kept, heads);
    for (size_t i = 0; i < audit->object_count; i++) {
        const struct audit_object *object = &audit->objects[i];
        table_add(&table, arena_printf(&audit->kept, "%s %s", object->kind, object->name));
        add_counts(audit, &table, &object->counts);
    }
    table_print(&table, audit->cli, "");
    fputc('\n', audit->cli->out);
}

static int by_weight(const void *a, const void *b)
{
    const struct audit_rule *first = a, *second = b;
    if (first->objects != second->objects)
        return first->objects > second->objects ? -1 : 1;
    return strcmp(first->id, second->id);
}

static void print_rules(struct audit *audit)
{
    static const char *const heads[] = {"RULE", "OBJECTS", "VIOLATIONS", "WARNINGS", "NOTES", NULL};
    struct table table;
    table_init(&table, &audit->kept, heads);
    for (size_t i = 0; i < audit->rule_count && audit->rules[i].objects > 0; i++) {
        table_add(&table, audit->rules[i].id);
        table_add(&table, number(audit, audit->rules[i].objects));
        add_counts(audit, &table, &audit->rules[i].counts);
    }
    table_print(&table, audit->cli, "");
    fputc('\n', audit->cli->out);
}

static size_t judged(const struct audit *audit)
{
    return audit->counts[VERDICT_ALLOWED] + audit->counts[VERDICT_PATCHED] +
           audit->counts[VERDICT_DENIED];
}

static void print_list(FILE *out, const char *before, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? before : ", ", out);
        cli_print_visible(out, texts[i]);
    }
    fputs(count > 0 ? ".\n" : "", out);
}

static void print_sum(struct audit *audit)
{
    FILE *out = audit->cli->out;
    const size_t total = judged(audit), broken = audit->counts[VERDICT_DENIED];
    fprintf(out, "%zu object%s judged: %zu break%s a rule, %zu %s warned of, %zu keep%s all", total,
            total == 1 ? "" : "s", broken, broken == 1 ? "s" : "", audit->warned,
            audit->warned == 1 ? "is" : "are", total - broken - audit->warned,
            total - broken - audit->warned == 1 ? "s" : "");
    if (audit->counts[VERDICT_NOT_JUDGED] > 0)
        fprintf(out, "; %zu more no policy judges", audit->counts[VERDICT_NOT_JUDGED]);
    if (audit->problem_count > 0)
        fprintf(out, "; INCOMPLETE: %zu problem%s", audit->problem_count,
                audit->problem_count == 1 ? "" : "s");
    fputs(".\n", out);
    print_list(out, "Not read: ", audit->not_read, audit->not_read_count);
    fputs("Judged as if ", out);
    cli_print_visible(out, audit->user);
    fputs(" made each today; --as and --as-group say who does.\n", out);
}

static void print_report(struct audit *audit)
{
    if (audit->object_count > 0) {
        print_objects(audit);
        print_rules(audit);
        fwrite(audit->findings_text, 1, audit->findings_length, audit->cli->out);
        fputc('\n', audit->cli->out);
    }
    print_sum(audit);
}

/* ---- json --------------------------------------------------------------------------------- */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    json_add(arena, object, key, json_new_string(arena, text));
}

static cJSON *texts(struct arena *arena, const char *const *texts, size_t count)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < count; i++)
        json_append(list, json_new_string(arena, texts[i]));
    return list;
}

static size_t length_of(const char *const *texts)
{
    size_t length = 0;
    while (texts[length] != NULL)
        length++;
    return length;
}

static void add_count(struct arena *arena, cJSON *object, const char *key, size_t count)
{
    json_add(arena, object, key, json_new_int(arena, (int64_t)count));
}

static cJSON *summary_of(struct arena *arena, const struct audit *audit)
{
    cJSON *object = json_new_object(arena);
    add_count(arena, object, "judged", judged(audit));
    add_count(arena, object, "denied", audit->counts[VERDICT_DENIED]);
    add_count(arena, object, "warned", audit->warned);
    add_count(arena, object, "notJudged", audit->counts[VERDICT_NOT_JUDGED]);
    return object;
}

static cJSON *rules_of(struct arena *arena, const struct audit *audit)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < audit->rule_count && audit->rules[i].objects > 0; i++) {
        const struct audit_rule *rule = &audit->rules[i];
        cJSON *object = json_new_object(arena);
        add_text(arena, object, "rule", rule->id);
        add_count(arena, object, "objects", rule->objects);
        add_count(arena, object, "violations", rule->counts.errors);
        add_count(arena, object, "warnings", rule->counts.warnings);
        add_count(arena, object, "notes", rule->counts.notes);
        json_append(list, object);
    }
    return list;
}

static cJSON *problems_of(struct arena *arena, const struct audit *audit)
{
    cJSON *list = json_new_array(arena);
    for (const struct audit_problem *at = audit->problems; at != NULL; at = at->next) {
        cJSON *object = json_new_object(arena);
        add_text(arena, object, "what", at->what);
        add_text(arena, object, "error", at->text);
        json_append(list, object);
    }
    return list;
}

static void print_json(struct audit *audit)
{
    struct arena *arena = &audit->kept;
    cJSON *root = json_new_object(arena);
    struct buf text;
    add_text(arena, root, "policies", audit->settings.set->digest);
    add_text(arena, root, "user", audit->user);
    json_add(arena, root, "groups", texts(arena, audit->groups, length_of(audit->groups)));
    if (audit->name_spaces[0] != NULL)
        json_add(arena, root, "namespaces",
                 texts(arena, audit->name_spaces, length_of(audit->name_spaces)));
    json_add(arena, root, "complete", json_new_bool(arena, audit->problem_count == 0));
    json_add(arena, root, "problems", problems_of(arena, audit));
    json_add(arena, root, "notRead", texts(arena, audit->not_read, audit->not_read_count));
    json_add(arena, root, "summary", summary_of(arena, audit));
    json_add(arena, root, "rules", rules_of(arena, audit));
    buf_init(&text, arena, REVIEW_REPORT_BYTES);
    json_write(&text, root);
    /* The objects, which are text already, go in as the last member. */
    fprintf(audit->cli->out, "%.*s,\"objects\":[%s\n]}\n", (int)text.length - 1, text.data,
            audit->findings_text);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int print_sarif(struct audit *audit)
{
    struct buf text;
    struct err err;
    buf_init(&text, NULL, REVIEW_REPORT_BYTES);
    const int r = sarif_write(&audit->sarif, "audit", audit->problem_count == 0, &text, &err);
    if (r == 0)
        fwrite(text.data, 1, text.length, audit->cli->out);
    else
        cli_fail(audit->cli, &err);
    buf_done(&text);
    return r;
}

/* Somebody may pipe it to kubectl apply: a part would take the place of a whole. */
static void print_openreports(const struct audit *audit)
{
    if (audit->problem_count == 0)
        fprintf(audit->cli->out,
                "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [%s\n]}\n",
                audit->findings_text);
    else
        fputs("no reports are written of a part\n", audit->cli->err);
}

int audit_begin(struct audit *audit)
{
    const struct remark_rule *rules =
        review_rules(&audit->kept, audit->settings.set, &audit->rule_count);
    audit->last_problem = &audit->problems;
    audit->rules = arena_array(&audit->kept, audit->rule_count + 1, sizeof *audit->rules);
    for (size_t i = 0; i < audit->rule_count; i++)
        audit->rules[i].id = rules[i].id;
    sarif_init(&audit->sarif, rules, audit->rule_count);
    progress_begin(&audit->progress, audit->cli);
    audit->begun_us = clock_monotonic_us();
    audit->findings = open_memstream(&audit->findings_text, &audit->findings_length);
    return audit->findings != NULL ? 0 : -(int)ERR_NO_MEMORY;
}

static bool finish_findings(struct audit *audit)
{
    const bool failed = ferror(audit->findings) != 0;
    return fclose(audit->findings) == 0 && !failed;
}

static bool has_findings(const struct audit *audit)
{
    return audit->counts[VERDICT_DENIED] > 0 ||
           (audit->warned > 0 && strcmp(cli_flag_string(audit->cli, "fail-on"), "warn") == 0);
}

int audit_end(struct audit *audit)
{
    int code = has_findings(audit) ? CLI_VIOLATIONS : CLI_FINE;
    if (!finish_findings(audit))
        audit_problem(audit, "report", "out of memory");
    if (audit->rule_count > 1)
        qsort(audit->rules, audit->rule_count, sizeof *audit->rules, by_weight);
    if (audit->output == AUDIT_TEXT)
        print_report(audit);
    else if (audit->output == AUDIT_JSON)
        print_json(audit);
    else if (audit->output == AUDIT_OPENREPORTS)
        print_openreports(audit);
    else if (print_sarif(audit) < 0)
        code = CLI_ERROR;
    if (audit->problem_count > 0) {
        fprintf(audit->cli->err, "%zu problem%s: the result is incomplete\n", audit->problem_count,
                audit->problem_count == 1 ? "" : "s");
        code = CLI_ERROR;
    }
    sarif_done(&audit->sarif);
    free(audit->findings_text);
    return code;
}
