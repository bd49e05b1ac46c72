/* The cases of a suite judged by a policy set, on all processors.
 *
 *   suite_run_init -> suite_run_cases -> results, in the suite's order -> suite_run_done
 *
 * `proctor test` prints them, counts the rules' coverage from them, and asks the same question of
 * sets that a slip was put into (mutants.h).
 */
#ifndef PROCTOR_CLI_SUITE_RUN_H
#define PROCTOR_CLI_SUITE_RUN_H

#include "cli/parallel.h"
#include "cli/test/suite.h"

enum case_outcome {
    CASE_LEFT_OUT, /* it is broken, or the filter leaves it out */
    CASE_PASSED,
    CASE_FAILED, /* it came out otherwise */
    CASE_ERROR   /* it could not be judged to the end: memory */
};

/* What a case shows of a rule: it changed or found something, or it was asked and was content. */
enum rule_shown { RULE_NOT_ASKED, RULE_PASSES, RULE_ACTS };

struct case_result {
    enum case_outcome outcome;
    bool updatable;             /* --update can write what came out */
    const char *failure;        /* NULL: passed */
    const cJSON *wanted, *got;  /* failed, and both sides are known */
    const unsigned char *shown; /* by rule->order, an enum rule_shown each; NULL: not judged */
    int64_t time_us;
};

/* One for each worker. */
struct suite_worker {
    struct arena judging; /* of the case in hand */
    struct arena results;
};

struct suite_run {
    const struct suite *suite;
    const struct policy_set *set;
    const char *filter;          /* only cases with this in their names; NULL: all */
    struct case_result *results; /* by case */
    struct suite_worker *workers;
    size_t worker_count;
};

/* `workers` threads at most.  The results live until suite_run_done; `suite` and `set` must live as
 * long.  ERR_NO_MEMORY. */
NODISCARD int suite_run_init(struct suite_run *run, const struct suite *suite,
                             const struct policy_set *set, size_t workers, struct err *reterr);
void suite_run_cases(struct suite_run *run);
void suite_run_done(struct suite_run *run); /* zeroed memory is fine */

/* Whether the case comes out of `set` as it expects; what cannot be judged does not.  `arena` is
 * reset. */
bool suite_case_passes(struct arena *arena, const struct policy_set *set,
                       const struct suite_case *suite_case);

#endif
