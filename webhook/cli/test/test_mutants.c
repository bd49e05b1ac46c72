/* proctor test --mutants: would the suites notice a slip in the policies? */
#include "base/limits.h"
#include "cli/test/mutants.h"
#include "cli/test/test_run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOADING_BYTES (256 * LIMIT_MIB)

enum mutant_state { MUTANT_SURVIVED, MUTANT_KILLED, MUTANT_REFUSED, MUTANT_SAME, MUTANT_STATES };
static const char *const state_names[] = {"survived", "killed", "refused", "same"};

/* A mutant in all suites together: one that kills it is enough. */
struct mutant_seen {
    struct mutant_seen *next;
    const char *name;
    const char *real_file; /* two suites may spell one file's path in two ways */
    const char *file;
    unsigned line;
    enum mutant_state state;
    const char *words; /* the case that kills it, the loader's error, why it is the same, or what
                          a case would have to show */
};

/* What one suite says of one mutant. */
struct attempt {
    enum mutant_state state;
    bool known; /* an earlier suite has killed it: it is not tried again */
    size_t killer;
    const struct rule *rule; /* whose slip it is; NULL: the match's */
    struct err error;
};

struct trying {
    struct test_run *run;
    const struct mutants *mutants;
    struct attempt *attempts;
    struct arena *loading; /* by worker */
};

/* ---- one mutant --------------------------------------------------------------------------- */

static bool shows(const struct case_result *result, const struct rule *rule)
{
    return rule != NULL && result->shown != NULL && result->shown[rule->order] == RULE_ACTS;
}

/* The cases in which the rule acts are asked first: most mutants die there. */
static bool find_killer(const struct trying *trying, size_t worker, const struct policy_set *set,
                        const struct rule *rule, size_t *ret_killer)
{
    const struct suite_run *cases = &trying->run->cases;
    for (int others = rule == NULL; others < 2; others++)
        for (size_t i = 0; i < cases->suite->case_count; i++) {
            const struct case_result *result = &cases->results[i];
            if (result->outcome != CASE_PASSED || (shows(result, rule) ? 0 : 1) != others)
                continue;
            if (!suite_case_passes(&cases->workers[worker].judging, set, &cases->suite->cases[i])) {
                *ret_killer = i;
                return true;
            }
        }
    return false;
}

static void try_one(void *context, size_t worker, size_t index)
{
    struct trying *trying = context;
    struct attempt *attempt = &trying->attempts[index];
    const struct mutant *mutant = &trying->mutants->items[index];
    struct policy_set *set = NULL;
    if (attempt->known || attempt->state == MUTANT_SAME)
        return;
    if (mutants_load(trying->mutants, mutant, trying->run->now, &trying->loading[worker], &set,
                     &attempt->error) < 0) {
        attempt->state = MUTANT_REFUSED;
        return;
    }
    if (find_killer(trying, worker, set, attempt->rule, &attempt->killer))
        attempt->state = MUTANT_KILLED;
    policy_set_unref(set);
}

/* ---- all of a suite ----------------------------------------------------------------------- */

static int64_t seconds(const struct test_run *run)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec - run->began;
}

static void tell(void *context, size_t finished)
{
    struct trying *trying = context;
    struct progress *progress = &trying->run->progress;
    char text[512];
    if (!progress->terminal)
        return;
    snprintf(text, sizeof text, "%s: mutant %zu of %zu", trying->run->file, finished,
             trying->mutants->count);
    progress_say(progress, seconds(trying->run), text);
}

static struct mutant_seen *find_seen(const struct test_run *run, const char *name,
                                     const char *real_file)
{
    for (struct mutant_seen *at = run->seen; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0 && strcmp(at->real_file, real_file) == 0)
            return at;
    return NULL;
}

static const struct rule *find_rule(const struct policy_set *set, const struct mutant *mutant)
{
    for (size_t p = 0; mutant->rule != NULL && p < set->policy_count; p++)
        for (size_t r = 0; r < set->policies[p].rule_count; r++) {
            const struct rule *rule = &set->policies[p].rules[r];
            if (strcmp(rule->policy->name, mutant->policy) == 0 &&
                strcmp(rule->id, mutant->rule) == 0)
                return rule;
        }
    return NULL;
}

static const char *real_path(struct arena *arena, const char *file)
{
    char path[PATH_MAX];
    return arena_strdup(arena, realpath(file, path) != NULL ? path : file);
}

static const char *describe(struct test_run *run, const struct mutant *mutant,
                            const struct attempt *attempt)
{
    const struct suite *suite = run->suite;
    if (attempt->state == MUTANT_KILLED)
        return arena_printf(&run->whole, "%s:%u: %s", suite->file,
                            suite->cases[attempt->killer].mark.line,
                            suite->cases[attempt->killer].name);
    if (attempt->state == MUTANT_REFUSED)
        return arena_strdup(&run->whole, attempt->error.text);
    if (attempt->state == MUTANT_SAME)
        return arena_strdup(&run->whole, mutant->because);
    for (size_t i = 0; i < suite->case_count; i++)
        if (run->cases.results[i].outcome == CASE_PASSED &&
            shows(&run->cases.results[i], attempt->rule) && mutant->kind != MUTANT_LOOSENED)
            return arena_printf(&run->whole, "%s (it acts in \"%s\", line %u, which does not look)",
                                mutant->hint, suite->cases[i].name, suite->cases[i].mark.line);
    return arena_strdup(&run->whole, mutant->hint);
}

static void keep(struct test_run *run, const struct mutant *mutant, const struct attempt *attempt)
{
    const char *real_file = real_path(&run->whole, mutant->place.file);
    struct mutant_seen *seen = find_seen(run, mutant->name, real_file);
    if (seen != NULL &&
        (attempt->known || seen->state != MUTANT_SURVIVED || attempt->state == MUTANT_SURVIVED))
        return;
    if (seen == NULL) {
        seen = arena_alloc(&run->whole, sizeof *seen);
        if (run->last_seen == NULL)
            run->last_seen = &run->seen;
        *run->last_seen = seen;
        run->last_seen = &seen->next;
    }
    seen->name = arena_strdup(&run->whole, mutant->name);
    seen->real_file = real_file;
    seen->file = arena_strdup(&run->whole, mutant->place.file);
    seen->line = mutant->place.mark.line;
    seen->state = attempt->state;
    seen->words = describe(run, mutant, attempt);
}

static void keep_all(void *context)
{
    struct trying *trying = context;
    for (size_t i = 0; i < trying->mutants->count; i++)
        keep(trying->run, &trying->mutants->items[i], &trying->attempts[i]);
}

static void begin_attempts(struct trying *trying)
{
    struct test_run *run = trying->run;
    for (size_t i = 0; i < trying->mutants->count; i++) {
        const struct mutant *mutant = &trying->mutants->items[i];
        struct attempt *attempt = &trying->attempts[i];
        const struct mutant_seen *seen =
            find_seen(run, mutant->name, real_path(trying->mutants->arena, mutant->place.file));
        attempt->known = seen != NULL && seen->state != MUTANT_SURVIVED;
        attempt->state = mutant->because != NULL ? MUTANT_SAME : MUTANT_SURVIVED;
        attempt->rule = find_rule(run->set, mutant);
    }
}

/* Written anew and unchanged, the policies must say what they say. */
static bool check_unchanged(struct trying *trying, struct err *reterr)
{
    struct policy_set *set = NULL;
    size_t killer = 0;
    if (mutants_load(trying->mutants, NULL, trying->run->now, &trying->loading[0], &set, reterr) <
        0)
        return false;
    const bool other = find_killer(trying, 0, set, NULL, &killer);
    policy_set_unref(set);
    if (other)
        err_set(reterr, ERR_INTERNAL, "its policies, written anew, are others to \"%s\"",
                trying->run->suite->cases[killer].name);
    return !other;
}

static bool try_all(struct trying *trying, struct err *reterr)
{
    const struct parallel_work work = {
        .context = trying,
        .count = trying->mutants->count,
        .workers = trying->run->cases.worker_count,
        .work = try_one,
        .tell = tell,
    };
    struct arena loading[PARALLEL_WORKERS_MAX];
    for (size_t i = 0; i < work.workers; i++)
        arena_init(&loading[i], LOADING_BYTES);
    trying->loading = loading;
    const bool fine = check_unchanged(trying, reterr);
    if (fine)
        parallel_run(&work);
    for (size_t i = 0; i < work.workers; i++)
        arena_done(&loading[i]);
    trying->loading = NULL;
    progress_end(&trying->run->progress);
    return fine;
}

static bool all_pass(const struct suite_run *cases)
{
    for (size_t i = 0; i < cases->suite->case_count; i++)
        if (cases->results[i].outcome == CASE_FAILED || cases->results[i].outcome == CASE_ERROR)
            return false;
    return true;
}

static bool run_mutants(struct test_run *run, struct arena *arena, struct err *reterr)
{
    struct mutants mutants;
    struct trying trying = {.run = run, .mutants = &mutants};
    if (mutants_make(arena, run->suite->policies, &mutants, reterr) < 0)
        return false;
    trying.attempts = calloc(mutants.count + 1, sizeof *trying.attempts);
    if (trying.attempts == NULL) {
        err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
        return false;
    }
    begin_attempts(&trying);
    bool fine = try_all(&trying, reterr);
    if (fine && !arena_try(&run->whole, keep_all, &trying)) {
        err_set(reterr, ERR_LIMIT, "its mutants take too much memory");
        fine = false;
    }
    free(trying.attempts);
    return fine;
}

void test_mutants_add(struct test_run *run)
{
    struct arena arena;
    struct err err;
    if (!all_pass(&run->cases)) {
        run->mutants_skipped++;
        return;
    }
    arena_init(&arena, LOADING_BYTES);
    if (!run_mutants(run, &arena, &err))
        test_fail_suite(run, run->file, err.text);
    arena_done(&arena);
}

/* ---- what is printed ---------------------------------------------------------------------- */

static void count_states(const struct test_run *run, size_t counts[MUTANT_STATES])
{
    for (const struct mutant_seen *at = run->seen; at != NULL; at = at->next)
        counts[at->state]++;
}

static void print_seen(struct test_run *run, const struct mutant_seen *seen)
{
    static const enum cli_colour colours[] = {CLI_RED, CLI_GREEN, CLI_GREEN, CLI_DIM};
    static const char *const before[] = {"not shown yet: ", "", "the loader: ", ""};
    FILE *out = run->cli->out;
    fprintf(out, "%s%s%s ", cli_paint(run->cli, colours[seen->state]),
            seen->state == MUTANT_SURVIVED ? "SURVIVED" : state_names[seen->state],
            cli_paint(run->cli, CLI_PLAIN));
    cli_print_visible(out, seen->file);
    fprintf(out, ":%u: ", seen->line);
    cli_print_visible(out, seen->name);
    fprintf(out, "\n    %s", before[seen->state]);
    cli_print_visible(out, seen->words);
    fputc('\n', out);
}

static void add_to_junit(struct test_run *run)
{
    junit_begin_suite(&run->junit, "mutants");
    for (const struct mutant_seen *at = run->seen; at != NULL; at = at->next) {
        struct junit_case one = {
            .name = at->name, .file = at->file, .line = at->line, .time_us = -1};
        if (at->state == MUTANT_SURVIVED) {
            one.outcome = JUNIT_FAILED;
            one.message =
                arena_printf(&run->arena, "no case fails with it; not shown yet: %s", at->words);
        } else if (at->state == MUTANT_SAME) {
            one.outcome = JUNIT_SKIPPED;
            one.message = at->words;
        }
        junit_add_case(&run->junit, &one);
    }
}

bool test_mutants_print(struct test_run *run)
{
    size_t counts[MUTANT_STATES] = {0};
    count_states(run, counts);
    if (run->junit_file != NULL)
        add_to_junit(run);
    const bool fine = counts[MUTANT_SURVIVED] == 0 && run->mutants_skipped == 0;
    if (run->json)
        return fine;
    fputc('\n', run->cli->out);
    for (const struct mutant_seen *at = run->seen; at != NULL; at = at->next)
        if (at->state == MUTANT_SURVIVED || run->verbose)
            print_seen(run, at);
    const size_t total = counts[0] + counts[1] + counts[2] + counts[3];
    fprintf(run->cli->out,
            "%zu mutant%s: %zu killed, %zu refused by the loader, %zu the same as the policy, "
            "%zu survived\n",
            total, total == 1 ? "" : "s", counts[MUTANT_KILLED], counts[MUTANT_REFUSED],
            counts[MUTANT_SAME], counts[MUTANT_SURVIVED]);
    if (run->mutants_skipped > 0)
        fprintf(run->cli->out, "%zu suite%s left out: mutants are tried where every case passes\n",
                run->mutants_skipped, run->mutants_skipped == 1 ? "" : "s");
    return fine;
}

const cJSON *test_mutants_json(struct test_run *run, struct arena *arena)
{
    static const char *const words[] = {"needs", "by", "error", "because"};
    size_t counts[MUTANT_STATES] = {0};
    cJSON *object = json_new_object(arena), *list = json_new_array(arena);
    count_states(run, counts);
    for (const struct mutant_seen *at = run->seen; at != NULL; at = at->next) {
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "name", json_new_string(arena, at->name));
        json_add(arena, one, "file", json_new_string(arena, at->file));
        json_add(arena, one, "line", json_new_int(arena, at->line));
        json_add(arena, one, "state", json_new_string(arena, state_names[at->state]));
        json_add(arena, one, words[at->state], json_new_string(arena, at->words));
        json_append(list, one);
    }
    json_add(arena, object, "list", list);
    for (size_t i = 0; i < MUTANT_STATES; i++)
        json_add(arena, object, state_names[i], json_new_int(arena, (int64_t)counts[i]));
    json_add(arena, object, "suitesLeftOut", json_new_int(arena, (int64_t)run->mutants_skipped));
    return object;
}
