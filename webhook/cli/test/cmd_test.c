/* proctor test: runs the policies' suites. */
#include "base/limits.h"
#include "cli/files.h"
#include "cli/policies.h"
#include "cli/test/test_run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUITE_BYTES (256 * LIMIT_MIB)

/* ---- one suite ---------------------------------------------------------------------------- */

static void print_diagnostics(struct test_run *run, struct diagnostics *diagnostics)
{
    struct buf text;
    buf_init(&text, &run->arena, LIMIT_MIB);
    diag_sort(diagnostics);
    diag_write(diagnostics, &text);
    if (text.length == 0)
        return;
    cli_print_lines(run->cli->err, "", text.data);
    run->errors += diagnostics->error_count;
    if (run->junit_file == NULL || diagnostics->error_count == 0)
        return;
    junit_begin_suite(&run->junit, run->file);
    junit_add_case(&run->junit, &(struct junit_case){.name = "every case can be read",
                                                     .file = run->file,
                                                     .time_us = -1,
                                                     .outcome = JUNIT_ERROR,
                                                     .message = diagnostics->items[0].message,
                                                     .text = text.data});
}

static void print_cases(struct test_run *run, const bool *updated)
{
    const struct suite *suite = run->suite;
    const size_t passed = run->passed, failed = run->failed;
    if (run->junit_file != NULL)
        junit_begin_suite(&run->junit, suite->file);
    for (size_t i = 0; i < suite->case_count; i++)
        if (run->cases.results[i].outcome != CASE_LEFT_OUT)
            test_print_case(run, &suite->cases[i], &run->cases.results[i], updated[i]);
    if (run->json)
        return;
    cli_print_visible(run->cli->out, suite->file);
    fprintf(run->cli->out, ": %zu passed, %zu failed\n", run->passed - passed,
            run->failed - failed);
}

static void run_cases(struct test_run *run)
{
    bool *updated = arena_array(&run->arena, run->suite->case_count + 1, sizeof *updated);
    run->cases.filter = run->filter;
    if (run->progress.terminal)
        progress_say(&run->progress, (int64_t)(time(NULL) - run->now), run->file);
    suite_run_cases(&run->cases);
    progress_end(&run->progress);
    if (run->update)
        test_update(run, updated);
    print_cases(run, updated);
    if (run->coverage)
        test_coverage_add(run);
    if (run->mutants)
        test_mutants_add(run);
}

static void run_suite(void *context)
{
    struct test_run *run = context;
    struct diagnostics diagnostics;
    struct suite *suite = arena_alloc(&run->arena, sizeof *suite);
    struct err err;
    diag_init(&diagnostics, &run->arena);
    if (suite_load(&run->arena, run->file, run->text, run->length, run->now, &diagnostics, suite,
                   &err) < 0) {
        test_fail_suite(run, "", err.text);
        return;
    }
    run->suites++;
    run->suite = suite;
    print_diagnostics(run, &diagnostics);
    run->set = policies_load(run->cli, suite->policies, NULL, run->now);
    if (run->set == NULL)
        test_fail_suite(run, run->file, "its policies cannot be loaded, so no case was run");
    else if (suite_run_init(&run->cases, suite, run->set, run->jobs, &err) < 0)
        test_fail_suite(run, run->file, err.text);
    else
        run_cases(run);
}

static void run_file(void *context, const char *path, bool in_folder)
{
    struct test_run *run = context;
    struct err err;
    run->text = NULL;
    if (files_read(path, &run->text, &run->length, &err) < 0) {
        test_fail_suite(run, path, err.text);
        return;
    }
    /* What lies beside suites is policies; only a file that was named must be a suite. */
    if (!in_folder || suite_is_one(run->text)) {
        run->file = path;
        run->set = NULL;
        arena_reset(&run->arena, LIMIT_MIB);
        if (!arena_try(&run->arena, run_suite, run))
            test_fail_suite(run, path, "running it takes too much memory");
        suite_run_done(&run->cases);
        policy_set_unref(run->set);
    }
    free(run->text);
}

static void fail_path(void *context, const char *path, const char *text)
{
    test_fail_suite(context, path, text);
}

/* ---- the command -------------------------------------------------------------------------- */

static void end_json(struct test_run *run)
{
    FILE *out = run->cli->out;
    struct buf text;
    fprintf(out, "%s], \"passed\": %zu, \"failed\": %zu, \"errors\": %zu",
            run->printed == 0 ? "{\"cases\": [" : "\n", run->passed, run->failed, run->errors);
    buf_init(&text, &run->arena, LIMIT_INPUT_FILE_BYTES);
    if (run->coverage) {
        buf_add_string(&text, ",\n\"coverage\": ");
        json_write_pretty(&text, test_coverage_json(run, &run->arena));
    }
    if (run->mutants) {
        buf_add_string(&text, ",\n\"mutants\": ");
        json_write_pretty(&text, test_mutants_json(run, &run->arena));
    }
    fprintf(out, "%s}\n", text.length > 0 ? text.data : "");
}

static void print_sum(const struct test_run *run)
{
    fprintf(run->cli->out, "%zu passed, %zu failed", run->passed, run->failed);
    if (run->errors > 0)
        fprintf(run->cli->out, "; incomplete: %zu error%s", run->errors,
                run->errors == 1 ? "" : "s");
    fputc('\n', run->cli->out);
}

static int finish(struct test_run *run)
{
    FILE *out = run->cli->out;
    bool enough = true;
    arena_reset(&run->arena, LIMIT_MIB);
    if (run->suites == 0 && run->errors == 0)
        test_fail_suite(run, "", "no suite (kind PolicySuite) was found");
    else if (run->passed + run->failed == 0 && run->errors == 0)
        test_fail_suite(run, "", "no case was run: none has that in its name");
    if (run->json)
        end_json(run);
    else if (run->updated > 0)
        fprintf(out, "%zu case%s updated: read the difference before you keep it\n", run->updated,
                run->updated == 1 ? "" : "s");
    if (run->coverage)
        enough &= test_coverage_print(run);
    if (run->mutants)
        enough &= test_mutants_print(run);
    if (!run->json)
        print_sum(run);
    if (run->junit_file != NULL && !test_write_junit(run))
        return CLI_ERROR;
    if (run->errors > 0) {
        fprintf(run->cli->err, "%zu error%s: the result is incomplete\n", run->errors,
                run->errors == 1 ? "" : "s");
        return CLI_ERROR;
    }
    return run->failed > 0 || !enough ? CLI_VIOLATIONS : CLI_FINE;
}

static int read_flags(struct test_run *run)
{
    struct cli *cli = run->cli;
    long jobs = (long)parallel_processors();
    if (cli_flag_bool(cli, "jobs") &&
        !cli_flag_int(cli, "jobs", 1, (long)PARALLEL_WORKERS_MAX, &jobs))
        return CLI_ERROR;
    run->coverage_min = -1;
    if (cli_flag_bool(cli, "min-coverage") &&
        !cli_flag_int(cli, "min-coverage", 0, 100, &run->coverage_min))
        return CLI_ERROR;
    run->jobs = (size_t)jobs;
    run->json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    run->update = cli_flag_bool(cli, "update");
    run->verbose = cli_flag_bool(cli, "verbose");
    run->coverage = cli_flag_bool(cli, "coverage") || run->coverage_min >= 0;
    run->mutants = cli_flag_bool(cli, "mutants");
    run->filter = cli_flag_string(cli, "filter");
    run->junit_file = cli_flag_string(cli, "junit");
    /* What one case shows says nothing of the suite. */
    if (run->filter != NULL && (run->coverage || run->mutants))
        return cli_usage_error(cli, "--filter leaves cases out, and %s asks all of them",
                               run->mutants ? "--mutants" : "coverage");
    if (run->update && run->mutants)
        return cli_usage_error(cli, "--update and --mutants: read what was updated first");
    return CLI_FINE;
}

static void find_suites(struct test_run *run)
{
    const struct cli *cli = run->cli;
    const struct files_visitor visitor = {run, "cases", run_file, fail_path};
    if (cli->argument_count == 0)
        files_find("policies", &visitor);
    for (size_t i = 0; i < cli->argument_count; i++)
        files_find(cli->arguments[i], &visitor);
}

static int run_tests(struct cli *cli)
{
    struct test_run run = {.cli = cli, .now = time(NULL)};
    struct timespec began;
    int code = read_flags(&run);
    if (code != CLI_FINE)
        return code;
    clock_gettime(CLOCK_MONOTONIC, &began);
    run.began = (int64_t)began.tv_sec;
    progress_begin(&run.progress, cli);
    junit_init(&run.junit);
    arena_init(&run.arena, SUITE_BYTES);
    arena_init(&run.whole, SUITE_BYTES);
    find_suites(&run);
    code = finish(&run);
    arena_done(&run.arena);
    arena_done(&run.whole);
    junit_done(&run.junit);
    return code;
}

static const struct cli_flag flags[] = {
    CLI_OUTPUT_FLAG("text|json", "text"),
    {.name = "update", .help = "write what came out into the suites' expect blocks"},
    {.name = "filter", .value = "TEXT", .help = "only cases with this in their name"},
    {.name = "junit", .value = "FILE", .help = "also write the results there as JUnit XML"},
    {.name = "coverage", .help = "also say which rule acts and passes in which case"},
    {.name = "min-coverage",
     .value = "PERCENT",
     .help = "fail if fewer of the rules do both (with --coverage's table)"},
    {.name = "mutants", .help = "also put slips into the policies: each must fail some case"},
    {.name = "jobs",
     .letter = 'j',
     .value = "N",
     .help = "how many threads run (default one a processor)"},
    {.name = "verbose", .letter = 'v', .help = "also name the cases that pass"},
    {0}};

const struct command cmd_test = {
    .name = "test",
    .summary = "run the suites that lie beside the policies",
    .usage = "[flags] [DIR|SUITE]...",
    .help =
        "Finds the suites (kind PolicySuite) in the folders given, by default `policies`, and\n"
        "runs their cases: each object is filled in as Kubernetes does it, mutated, filled in\n"
        "again and validated, and the verdict, the violations and the changes are compared with\n"
        "what the case expects.  A case that the policies would change a second time fails.\n"
        "\n"
        "A case:\n"
        "  - name: five replicas become one\n"
        "    object: cases/replicas-5.yaml        # or the object itself\n"
        "    # old:, operation:, resource:, subresource:, options:, requestName:, user:,\n"
        "    # groups:, namespace:, now:, or review: a recorded AdmissionReview\n"
        "    expect:\n"
        "      verdict: patched                   # allowed, patched, denied, not-judged\n"
        "      violations: []                     # \"policy/rule field\"; warned, audited alike\n"
        "      changes: [student-deployments/one-replica spec.replicas]\n"
        "      # warnings: whole texts; message: a part of it; object: what must be in it\n"
        "\n"
        "--coverage counts the cases in which each rule acts (it changes or finds something) and\n"
        "passes (it is asked and content).  --mutants puts one slip after the other into the\n"
        "policies: drops a rule, moves a bound by one step, weakens a mode, takes an entry out of\n"
        "match, widens an exclusion.  Some case must fail each time; a slip that none notices is\n"
        "listed with what a case would have to show.  What the loader refuses, or what changes\n"
        "nothing (another entry covers it), is counted apart; -v says why.\n"
        "\n"
        "Examples:\n"
        "  proctor test policies/student-deployments\n"
        "  proctor test --filter replicas -v\n"
        "  proctor test --update policies && git diff policies\n"
        "  proctor test --mutants --min-coverage 100 --junit results.xml    # for CI\n"
        "\n"
        "Exits with 0 if all passed, 1 if a case failed, a mutant survived or coverage is below\n"
        "what was asked for, 2 if a suite or its policies could not be read.  The last line is\n"
        "\"N passed, N failed\", of the cases.\n",
    .flags = flags,
    .run = run_tests,
};
