#include "cli/test/suite_run.h"

#include "base/limits.h"
#include "cli/test/expect.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JUDGING_BYTES (256 * LIMIT_MIB)
#define RESULTS_BYTES (256 * LIMIT_MIB)

/* ---- what the rules did ------------------------------------------------------------------- */

/* A rule that refuses whatever its policy matches passes where the policy does not match. */
static void note_unmatched(unsigned char *shown, const struct policy_set *set)
{
    for (size_t p = 0; p < set->policy_count; p++)
        for (size_t i = 0; i < set->policies[p].rule_count; i++) {
            const struct rule *rule = &set->policies[p].rules[i];
            if (rule->field == NULL && rule->condition_count == 0)
                shown[rule->order] = RULE_PASSES;
        }
}

static void note_policy(unsigned char *shown, const struct policy *policy, size_t kind_index)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        /* $request and the like are there whatever the kind. */
        if (rule->field == NULL || field_paths(rule->field, kind_index)->count > 0)
            shown[rule->order] = RULE_PASSES;
    }
}

static const struct schema_kind *kind_of(struct arena *arena, const struct judgement *judgement)
{
    const char *version = judgement->api_version;
    const char *slash = version != NULL ? strchr(version, '/') : NULL;
    if (version == NULL)
        return NULL;
    const char *group =
        slash != NULL ? arena_strndup(arena, version, (size_t)(slash - version)) : "";
    return schema_kind_find(group, slash != NULL ? slash + 1 : version, judgement->kind);
}

static const unsigned char *note_rules(struct arena *arena, const struct policy_set *set,
                                       const struct judgement *judgement)
{
    unsigned char *shown = arena_alloc(arena, set->rule_count + 1);
    const size_t kind_index = field_kind_index(kind_of(arena, judgement));
    note_unmatched(shown, set);
    for (size_t i = 0; i < judgement->last->policy_count; i++)
        note_policy(shown, judgement->last->policies[i], kind_index);
    for (const struct violation *at = judgement->last->violations; at != NULL; at = at->next)
        shown[at->rule->order] = RULE_ACTS;
    for (const struct edit *at = judgement->mutation.edits; at != NULL; at = at->next)
        if (at->rule != NULL)
            shown[at->rule->order] = RULE_ACTS;
    return shown;
}

/* ---- one case ----------------------------------------------------------------------------- */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const char *find_failure(struct arena *arena, const struct suite_case *suite_case,
                                const struct judgement *judgement, const cJSON *wanted,
                                const cJSON *got)
{
    if (judgement->second_patch != NULL)
        return arena_printf(arena, "no fixed point: judged again, it is changed once more: %s",
                            judgement->second_patch);
    if (suite_case->expect == NULL)
        return "there is no `expect` in this case; --update writes one";
    return json_equal(wanted, got) ? NULL : "it came out otherwise:";
}

struct case_call {
    struct suite_worker *worker;
    const struct policy_set *set;
    const struct suite_case *suite_case;
    struct case_result result;
};

static void judge_case(void *context)
{
    struct case_call *call = context;
    const struct suite_case *suite_case = call->suite_case;
    struct arena *arena = &call->worker->judging, *keep = &call->worker->results;
    struct case_result *result = &call->result;
    struct judgement judgement;
    struct err err;
    if (suite_judge(arena, call->set, suite_case, &judgement, &err) < 0) {
        result->outcome = CASE_FAILED;
        result->failure = arena_strdup(keep, err.text);
        return;
    }
    const cJSON *wanted = expect_wanted(arena, suite_case->expect, suite_case->expect_object);
    const cJSON *got = expect_got(arena, suite_case->expect, suite_case->expect_object, &judgement);
    const char *failure = find_failure(arena, suite_case, &judgement, wanted, got);
    result->outcome = failure == NULL ? CASE_PASSED : CASE_FAILED;
    result->shown = note_rules(keep, call->set, &judgement);
    if (failure == NULL)
        return;
    result->failure = arena_strdup(keep, failure);
    result->wanted = json_dup(keep, wanted);
    result->got = json_dup(keep, got);
    result->updatable = judgement.second_patch == NULL;
}

/* Either arena may run out. */
static void judge_keeping(void *context)
{
    struct case_call *call = context;
    if (!arena_try(&call->worker->judging, judge_case, call))
        call->result = (struct case_result){.outcome = CASE_ERROR};
}

static void run_case(void *context, size_t worker, size_t index)
{
    struct suite_run *run = context;
    const struct suite_case *suite_case = &run->suite->cases[index];
    if (suite_case->broken ||
        (run->filter != NULL && strstr(suite_case->name, run->filter) == NULL))
        return;
    struct case_call call = {&run->workers[worker], run->set, suite_case, {0}};
    const int64_t began = now_us();
    arena_reset(&call.worker->judging, LIMIT_MIB);
    if (!arena_try(&call.worker->results, judge_keeping, &call))
        call.result = (struct case_result){.outcome = CASE_ERROR};
    call.result.time_us = now_us() - began;
    if (call.result.outcome == CASE_ERROR)
        call.result.failure = "running it takes too much memory";
    run->results[index] = call.result;
}

/* ---- all of them -------------------------------------------------------------------------- */

int suite_run_init(struct suite_run *run, const struct suite *suite, const struct policy_set *set,
                   size_t workers, struct err *reterr)
{
    *run = (struct suite_run){.suite = suite, .set = set};
    run->results = calloc(suite->case_count + 1, sizeof *run->results);
    run->workers = calloc(workers, sizeof *run->workers);
    if (run->results == NULL || run->workers == NULL) {
        suite_run_done(run);
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    run->worker_count = workers;
    for (size_t i = 0; i < workers; i++) {
        arena_init(&run->workers[i].judging, JUDGING_BYTES);
        arena_init(&run->workers[i].results, RESULTS_BYTES);
    }
    return 0;
}

void suite_run_cases(struct suite_run *run)
{
    const struct parallel_work work = {
        .context = run,
        .count = run->suite->case_count,
        .workers = run->worker_count,
        .work = run_case,
    };
    parallel_run(&work);
}

void suite_run_done(struct suite_run *run)
{
    for (size_t i = 0; i < run->worker_count; i++) {
        arena_done(&run->workers[i].judging);
        arena_done(&run->workers[i].results);
    }
    free(run->workers);
    free(run->results);
    *run = (struct suite_run){0};
}

/* ---- one question of another set ---------------------------------------------------------- */

struct pass_call {
    struct arena *arena;
    const struct policy_set *set;
    const struct suite_case *suite_case;
    bool passes;
};

static void judge_passing(void *context)
{
    struct pass_call *call = context;
    const struct suite_case *suite_case = call->suite_case;
    struct judgement judgement;
    struct err err;
    if (suite_judge(call->arena, call->set, suite_case, &judgement, &err) < 0)
        return;
    const cJSON *wanted = expect_wanted(call->arena, suite_case->expect, suite_case->expect_object);
    const cJSON *got =
        expect_got(call->arena, suite_case->expect, suite_case->expect_object, &judgement);
    call->passes = find_failure(call->arena, suite_case, &judgement, wanted, got) == NULL;
}

bool suite_case_passes(struct arena *arena, const struct policy_set *set,
                       const struct suite_case *suite_case)
{
    struct pass_call call = {arena, set, suite_case, false};
    arena_reset(arena, LIMIT_MIB);
    return arena_try(arena, judge_passing, &call) && call.passes;
}
