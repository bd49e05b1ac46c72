/* proctor test --coverage: which rule acts in which case, and passes in which. */
#include "base/limits.h"
#include "cli/output/table.h"
#include "cli/test/test_run.h"

#include <string.h>

struct coverage_case {
    struct coverage_case *next;
    const char *place; /* FILE:LINE of the suite's case */
    const char *name;
};

struct coverage_list {
    struct coverage_case *first, **last;
    size_t count;
};

struct coverage_rule {
    struct coverage_rule *next;
    const char *full_id, *file;
    unsigned line;
    struct coverage_list acting, passing;
};

/* ---- counting ----------------------------------------------------------------------------- */

/* Several suites may load one file. */
static struct coverage_rule *rule_of(struct test_run *run, const struct rule *rule)
{
    const char *file = rule->place.file != NULL ? rule->place.file : "";
    for (struct coverage_rule *at = run->covered; at != NULL; at = at->next)
        if (strcmp(at->full_id, rule->full_id) == 0 && strcmp(at->file, file) == 0)
            return at;
    struct coverage_rule *made = arena_alloc(&run->whole, sizeof *made);
    made->full_id = arena_strdup(&run->whole, rule->full_id);
    made->file = arena_strdup(&run->whole, file);
    made->line = rule->place.mark.line;
    made->acting.last = &made->acting.first;
    made->passing.last = &made->passing.first;
    if (run->last_covered == NULL)
        run->last_covered = &run->covered;
    *run->last_covered = made;
    run->last_covered = &made->next;
    return made;
}

static void add_case(struct test_run *run, struct coverage_list *list,
                     const struct suite_case *suite_case)
{
    struct coverage_case *made = arena_alloc(&run->whole, sizeof *made);
    made->place = arena_printf(&run->whole, "%s:%u", run->suite->file, suite_case->mark.line);
    made->name = arena_strdup(&run->whole, suite_case->name);
    *list->last = made;
    list->last = &made->next;
    list->count++;
}

/* Only cases that pass: of the others nobody knows what they mean to show. */
static void add_rule(struct test_run *run, const struct rule *rule)
{
    struct coverage_rule *covered = rule_of(run, rule);
    for (size_t i = 0; i < run->suite->case_count; i++) {
        const struct case_result *result = &run->cases.results[i];
        if (result->outcome != CASE_PASSED || result->shown == NULL)
            continue;
        if (result->shown[rule->order] == RULE_ACTS)
            add_case(run, &covered->acting, &run->suite->cases[i]);
        else if (result->shown[rule->order] == RULE_PASSES)
            add_case(run, &covered->passing, &run->suite->cases[i]);
    }
}

static void add_suite(void *context)
{
    struct test_run *run = context;
    for (size_t p = 0; p < run->set->policy_count; p++)
        for (size_t r = 0; r < run->set->policies[p].rule_count; r++)
            add_rule(run, &run->set->policies[p].rules[r]);
}

void test_coverage_add(struct test_run *run)
{
    if (!arena_try(&run->whole, add_suite, run))
        test_fail_suite(run, run->file, "its coverage takes too much memory");
}

/* ---- what is printed ---------------------------------------------------------------------- */

struct totals {
    size_t rules, acting, passing, both;
};

static struct totals count_all(const struct test_run *run)
{
    struct totals totals = {0};
    for (const struct coverage_rule *at = run->covered; at != NULL; at = at->next) {
        totals.rules++;
        totals.acting += at->acting.count > 0;
        totals.passing += at->passing.count > 0;
        totals.both += at->acting.count > 0 && at->passing.count > 0;
    }
    return totals;
}

/* Rounded down: 100 is all of them. */
static long percent(const struct totals *totals)
{
    return totals->rules == 0 ? 0 : (long)(totals->both * 100 / totals->rules);
}

static void add_count(struct table *table, const struct coverage_list *list)
{
    if (list->count == 0)
        table_add_coloured(table, "never", CLI_RED);
    else
        table_add(table, arena_printf(table->arena, "%zu", list->count));
}

static bool is_enough(const struct test_run *run, const struct totals *totals)
{
    return run->coverage_min < 0 || percent(totals) >= run->coverage_min;
}

static void add_to_junit(struct test_run *run, const struct totals *totals)
{
    struct junit_case one = {.time_us = -1};
    one.name = arena_printf(&run->arena, "%ld %% of the rules act in a case and pass in another",
                            run->coverage_min);
    if (!is_enough(run, totals)) {
        one.outcome = JUNIT_FAILED;
        one.message = arena_printf(&run->arena, "%zu of %zu rules, %ld %%", totals->both,
                                   totals->rules, percent(totals));
    }
    junit_begin_suite(&run->junit, "coverage");
    junit_add_case(&run->junit, &one);
}

bool test_coverage_print(struct test_run *run)
{
    static const char *const heads[] = {"RULE", "ACTS", "PASSES", "ACTS FIRST IN", NULL};
    const struct totals totals = count_all(run);
    struct table table;
    if (run->junit_file != NULL && run->coverage_min >= 0)
        add_to_junit(run, &totals);
    if (run->json)
        return is_enough(run, &totals);
    table_init(&table, &run->arena, heads);
    for (const struct coverage_rule *at = run->covered; at != NULL; at = at->next) {
        table_add(&table, at->full_id);
        add_count(&table, &at->acting);
        add_count(&table, &at->passing);
        table_add(&table, at->acting.count > 0 ? at->acting.first->name : NULL);
    }
    fputc('\n', run->cli->out);
    table_print(&table, run->cli, "");
    fprintf(run->cli->out,
            "%zu rule%s: %zu act in some case, %zu pass in some case; %ld %% do both%s\n",
            totals.rules, totals.rules == 1 ? "" : "s", totals.acting, totals.passing,
            percent(&totals),
            is_enough(run, &totals)
                ? ""
                : arena_printf(&run->arena, ", %ld %% are asked for", run->coverage_min));
    return is_enough(run, &totals);
}

static cJSON *list_json(struct arena *arena, const struct coverage_list *list)
{
    cJSON *array = json_new_array(arena);
    for (const struct coverage_case *at = list->first; at != NULL; at = at->next) {
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "case", json_new_string(arena, at->name));
        json_add(arena, one, "place", json_new_string(arena, at->place));
        json_append(array, one);
    }
    return array;
}

const cJSON *test_coverage_json(struct test_run *run, struct arena *arena)
{
    const struct totals totals = count_all(run);
    cJSON *object = json_new_object(arena), *rules = json_new_array(arena);
    for (const struct coverage_rule *at = run->covered; at != NULL; at = at->next) {
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "rule", json_new_string(arena, at->full_id));
        json_add(arena, one, "file", json_new_string(arena, at->file));
        json_add(arena, one, "line", json_new_int(arena, at->line));
        json_add(arena, one, "acts", list_json(arena, &at->acting));
        json_add(arena, one, "passes", list_json(arena, &at->passing));
        json_append(rules, one);
    }
    json_add(arena, object, "rules", rules);
    json_add(arena, object, "count", json_new_int(arena, (int64_t)totals.rules));
    json_add(arena, object, "acting", json_new_int(arena, (int64_t)totals.acting));
    json_add(arena, object, "passing", json_new_int(arena, (int64_t)totals.passing));
    json_add(arena, object, "percent", json_new_int(arena, percent(&totals)));
    return object;
}
