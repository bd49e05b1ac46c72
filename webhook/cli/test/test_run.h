/* What the files of `proctor test` share.
 *
 *   cmd_test.c       flags, which suites, the end
 *   test_print.c     results as text, JSON and JUnit
 *   test_update.c    --update
 *   test_coverage.c  --coverage
 *   test_mutants.c   --mutants
 */
#ifndef PROCTOR_CLI_TEST_RUN_H
#define PROCTOR_CLI_TEST_RUN_H

#include "cli/cli.h"
#include "cli/output/junit.h"
#include "cli/progress.h"
#include "cli/test/suite_run.h"

struct coverage_rule;
struct mutant_seen;

struct test_run {
    struct cli *cli;
    bool json, update, verbose, coverage, mutants;
    const char *filter;     /* NULL: all */
    const char *junit_file; /* NULL: none */
    long coverage_min;      /* percent; -1: not asked for */
    size_t jobs;
    int64_t now, began;
    struct progress progress;
    struct junit junit;
    struct arena whole; /* what is kept of all suites: coverage, mutants */
    struct arena arena; /* of the suite that runs */
    size_t suites, passed, failed, updated, errors;
    size_t printed; /* cases, in JSON */
    struct coverage_rule *covered, **last_covered;
    struct mutant_seen *seen, **last_seen;
    size_t mutants_skipped; /* suites whose cases do not all pass */
    /* the suite that runs */
    const char *file;
    char *text;
    size_t length;
    const struct suite *suite;
    struct policy_set *set;
    struct suite_run cases;
};

/* ---- test_print.c ---- */

/* An error of the run: a line on stderr, counted, and in the JUnit file. */
void test_fail_suite(struct test_run *run, const char *file, const char *text);

/* "ok FILE:LINE: name", the word in its colour. */
void test_print_name(struct test_run *run, const struct suite_case *suite_case, const char *word,
                     enum cli_colour colour);

/* What came of one case; `updated`: --update made it pass. */
void test_print_case(struct test_run *run, const struct suite_case *suite_case,
                     const struct case_result *result, bool updated);

/* The JUnit file; false after a word on stderr. */
bool test_write_junit(struct test_run *run);

/* ---- the others ---- */

/* Writes what came out of the failed cases into the suite; updated[i] says whose. */
void test_update(struct test_run *run, bool *updated);

/* Adds the suite that ran; prints what all suites cover.  Returns false if that is less than was
 * asked for. */
void test_coverage_add(struct test_run *run);
bool test_coverage_print(struct test_run *run);
const cJSON *test_coverage_json(struct test_run *run, struct arena *arena);

/* Tries the mutants of the suite's policies on its cases; prints which survived all suites.
 * Returns whether none did. */
void test_mutants_add(struct test_run *run);
bool test_mutants_print(struct test_run *run);
const cJSON *test_mutants_json(struct test_run *run, struct arena *arena);

#endif
