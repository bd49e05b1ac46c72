#include "cli/review/review.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/output/workflow.h"
#include "cli/review/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A glance at the clock costs less than an object, a drawn line more. */
#define PROGRESS_FIRST_US 1000000
#define PROGRESS_EVERY_US 100000

/* ---- progress ----------------------------------------------------------------------------- */

/* Only where the results do not show by themselves how far it is. */
static bool wants_progress(const struct review *review)
{
    const bool kept = review->output == REVIEW_SARIF || review->output == REVIEW_JUNIT;
    return review->progress.terminal && (kept || isatty(fileno(review->cli->out)) != 1);
}

static size_t judged(const struct review *review)
{
    size_t total = 0;
    for (size_t i = 0; i < 4; i++)
        total += review->counts[i];
    return total;
}

static void show_progress(struct review *review)
{
    char text[512];
    const int64_t now_us = clock_monotonic_us();
    if (!review->shows_progress || now_us < review->draw_us)
        return;
    const size_t total = judged(review);
    snprintf(text, sizeof text, "%zu object%s, %zu denied  %s", total, total == 1 ? "" : "s",
             review->counts[VERDICT_DENIED], review->item->file);
    progress_say(&review->progress, (now_us - review->begun_us) / 1000000, text);
    review->draw_us = now_us + PROGRESS_EVERY_US;
}

/* ---- problems ----------------------------------------------------------------------------- */

static void print_json_item(struct review *review, const cJSON *value)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, value);
    fputs(review->printed++ == 0 ? "[\n" : ",\n", review->cli->out);
    fputs(text.data, review->cli->out);
    buf_done(&text);
}

static void print_json_problem(struct review *review, const struct input_problem *problem)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    cJSON *object = json_new_object(&arena);
    json_add(&arena, object, "file", json_new_string(&arena, problem->file));
    if (problem->line > 0)
        json_add(&arena, object, "line", json_new_int(&arena, problem->line));
    if (problem->column > 0)
        json_add(&arena, object, "column", json_new_int(&arena, problem->column));
    json_add(&arena, object, "verdict", json_new_string(&arena, "error"));
    json_add(&arena, object, "error", json_new_string(&arena, problem->text));
    print_json_item(review, object);
    arena_done(&arena);
}

/* ---- remarks for programs ----------------------------------------------------------------- */

static void print_remark(struct review *review, const struct remark *remark)
{
    if (review->output == REVIEW_SARIF) {
        sarif_add(&review->sarif, remark);
        return;
    }
    struct buf line;
    buf_init(&line, NULL, LIMIT_INPUT_FILE_BYTES);
    workflow_write(&line, remark);
    fputs(line.data, review->cli->out);
    buf_done(&line);
}

/* A suite is a file. */
static void add_case(struct review *review, const char *file, struct junit_case *one)
{
    if (review->junit_file == NULL || strcmp(review->junit_file, file) != 0) {
        free(review->junit_file);
        review->junit_file = strdup(file);
        junit_begin_suite(&review->junit, file);
    }
    one->file = file;
    one->time_us = -1;
    junit_add_case(&review->junit, one);
}

void review_problem(void *context, const struct input_problem *problem)
{
    struct review *review = context;
    const struct remark remark = {.level = REMARK_ERROR,
                                  .file = problem->file,
                                  .mark = {problem->line, problem->column},
                                  .text = problem->text};
    struct junit_case one = {.name = problem->file,
                             .line = problem->line,
                             .outcome = JUNIT_ERROR,
                             .message = problem->text};
    review->problems++;
    progress_end(&review->progress);
    input_print_problem(review->cli, problem);
    if (review->output == REVIEW_JSON)
        print_json_problem(review, problem);
    else if (review->output == REVIEW_SARIF || review->output == REVIEW_GITHUB)
        print_remark(review, &remark);
    else if (review->output == REVIEW_JUNIT)
        add_case(review, problem->file, &one);
}

void review_refuse(struct review *review, const char *text)
{
    struct input_problem problem = {review->item->file, review->item->line, 0, text};
    review_problem(review, &problem);
}

/* ---- one judgement ------------------------------------------------------------------------ */

static void print_yaml(struct review *review, const struct judgement *judgement)
{
    if (judgement->outcome == VERDICT_DENIED && judgement->last->message != NULL)
        cli_print_lines(review->cli->err, "", judgement->last->message);
    if (judgement->foresight.count > 0)
        cli_print_lines(review->cli->err, "", foresight_message(&judgement->foresight));
    if (judgement->after == NULL)
        return;
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    yaml_write(&text, judgement->after);
    fputs(review->printed++ == 0 ? "" : "---\n", review->cli->out);
    fputs(text.data, review->cli->out);
    buf_done(&text);
}

/* Without the colon behind which a list would follow. */
static const char *first_line(struct arena *arena, const char *text)
{
    const size_t length = strcspn(text, "\n");
    return arena_strndup(arena, text, length - (length > 0 && text[length - 1] == ':'));
}

/* What makes the case fail: what is refused, and with --fail-on warn what is warned of. */
static bool fails(const struct review *review, const struct remark *remark)
{
    return remark->level == REMARK_ERROR ||
           (review->fail_on_warning && remark->level == REMARK_WARNING);
}

static void print_case(struct review *review, const struct judgement *judgement,
                       const struct review_remark *remarks, size_t count)
{
    struct arena *arena = &review->arena;
    struct buf text;
    const char *rule = NULL;
    buf_init(&text, arena, LIMIT_INPUT_FILE_BYTES);
    for (size_t i = 0; i < count; i++) {
        const struct remark *remark = &remarks[i].remark;
        if (!fails(review, remark))
            continue;
        rule = rule == NULL ? remark->rule : rule;
        buf_printf(&text, "%s:%u:%u: %s (%s)\n", remark->file, remark->mark.line,
                   remark->mark.column, remark->text, remark->rule);
    }
    struct junit_case one = {
        .class_name = judgement->kind, .name = judgement->name, .line = review->item->line};
    if (judgement->name_space != NULL)
        one.name = arena_printf(arena, "%s/%s", judgement->name_space, judgement->name);
    if (judgement->outcome == VERDICT_NOT_JUDGED) {
        one.outcome = JUNIT_SKIPPED;
        one.message = judgement->last->not_judged_because;
    } else if (rule != NULL) {
        one.outcome = JUNIT_FAILED;
        one.message = judgement->outcome == VERDICT_DENIED && judgement->last->message != NULL
                          ? first_line(arena, judgement->last->message)
                          : first_line(arena, text.data);
        one.type = rule;
        one.text = text.data;
    }
    add_case(review, review->item->file, &one);
}

static void print_remarks(struct review *review, const struct judgement *judgement,
                          const struct review_remark *remarks, size_t count)
{
    switch (review->output) {
    case REVIEW_JSON:
        print_json_item(review, report_json(&review->arena, review->item, judgement));
        break;
    case REVIEW_YAML:
        print_yaml(review, judgement);
        break;
    case REVIEW_SARIF:
    case REVIEW_GITHUB:
        for (size_t i = 0; i < count; i++)
            print_remark(review, &remarks[i].remark);
        break;
    case REVIEW_JUNIT:
        print_case(review, judgement, remarks, count);
        break;
    default:
        report_text(review->cli, &review->arena, review->item, judgement, remarks, count);
    }
}

void review_print(struct review *review, const struct judgement *judgement)
{
    size_t count;
    struct review_remark *remarks = review_remarks(&review->arena, review->settings.set->language,
                                                   review->item, judgement, &count);
    review->counts[judgement->outcome]++;
    for (size_t i = 0; i < count; i++)
        if (remarks[i].remark.level == REMARK_WARNING) {
            review->warned++;
            break;
        }
    print_remarks(review, judgement, remarks, count);
    if (judgement->second_patch != NULL) {
        struct buf text;
        buf_init(&text, &review->arena, LIMIT_MIB);
        buf_printf(&text,
                   "the policies have no fixed point here: judged again, they change the "
                   "object once more: %.2000s",
                   judgement->second_patch);
        review_refuse(review, text.data);
    }
    show_progress(review);
}

/* ---- the whole ---------------------------------------------------------------------------- */

void review_begin(struct review *review)
{
    size_t count;
    const struct remark_rule *rules =
        review_rules(&review->set_arena, review->settings.set, &count);
    sarif_init(&review->sarif, rules, count);
    junit_init(&review->junit);
    progress_begin(&review->progress, review->cli);
    review->begun_us = clock_monotonic_us();
    review->draw_us = review->begun_us + PROGRESS_FIRST_US;
    review->shows_progress = wants_progress(review);
}

static void print_summary(struct review *review)
{
    static const char *const words[] = {[VERDICT_ALLOWED] = "allowed",
                                        [VERDICT_PATCHED] = "patched",
                                        [VERDICT_DENIED] = "denied",
                                        [VERDICT_NOT_JUDGED] = "not judged"};
    struct cli *cli = review->cli;
    const size_t total = judged(review);
    fprintf(cli->out, "%zu object%s", total, total == 1 ? "" : "s");
    const char *between = ": ";
    for (size_t i = 0; i < 4; i++) {
        if (review->counts[i] == 0)
            continue;
        fprintf(cli->out, "%s%zu %s", between, review->counts[i], words[i]);
        between = ", ";
    }
    if (review->problems > 0)
        fprintf(cli->out, "; incomplete: %zu problem%s", review->problems,
                review->problems == 1 ? "" : "s");
    fputc('\n', cli->out);
    if (review->manifests > 0 && !cli_flag_bool(cli, "as"))
        fprintf(cli->out, "Manifests were judged as user %s; --as and --as-group say whose.\n",
                review->question.user);
}

/* A report that is written at the end: whole, or not at all. */
static bool print_report(struct review *review)
{
    struct buf text;
    struct err err;
    int r = 0;
    buf_init(&text, NULL, REVIEW_REPORT_BYTES);
    if (review->output == REVIEW_SARIF)
        r = sarif_write(&review->sarif, "review", review->problems == 0, &text, &err);
    else if (review->output == REVIEW_JUNIT)
        r = junit_write(&review->junit, "proctor review", &text, &err);
    if (r == 0)
        fwrite(text.data, 1, text.length, review->cli->out);
    else
        cli_fail(review->cli, &err);
    buf_done(&text);
    return r == 0;
}

int review_end(struct review *review)
{
    struct cli *cli = review->cli;
    progress_end(&review->progress);
    if (review->output == REVIEW_JSON)
        fputs(review->printed == 0 ? "[]\n" : "\n]\n", cli->out);
    if (review->output == REVIEW_TEXT)
        print_summary(review);
    const bool whole = print_report(review);
    sarif_done(&review->sarif);
    junit_done(&review->junit);
    free(review->junit_file);
    if (review->problems > 0)
        fprintf(cli->err, "%zu problem%s: the result is incomplete\n", review->problems,
                review->problems == 1 ? "" : "s");
    if (review->problems > 0 || !whole)
        return CLI_ERROR;
    return review->counts[VERDICT_DENIED] > 0 || (review->fail_on_warning && review->warned > 0)
               ? CLI_VIOLATIONS
               : CLI_FINE;
}
