/* The results of suites: text, JSON, JUnit. */
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/output/diff.h"
#include "cli/test/test_run.h"

#include <string.h>

void test_fail_suite(struct test_run *run, const char *file, const char *text)
{
    progress_end(&run->progress);
    run->errors++;
    input_print_problem(run->cli, &(struct input_problem){.file = file, .text = text});
    if (run->junit_file == NULL)
        return;
    junit_begin_suite(&run->junit, file[0] != '\0' ? file : "proctor test");
    junit_add_case(&run->junit, &(struct junit_case){.name = "the suite can be run",
                                                     .file = file[0] != '\0' ? file : NULL,
                                                     .time_us = -1,
                                                     .outcome = JUNIT_ERROR,
                                                     .message = text});
}

void test_print_name(struct test_run *run, const struct suite_case *suite_case, const char *word,
                     enum cli_colour colour)
{
    fprintf(run->cli->out, "%s%s%s ", cli_paint(run->cli, colour), word,
            cli_paint(run->cli, CLI_PLAIN));
    cli_print_visible(run->cli->out, run->suite->file);
    fprintf(run->cli->out, ":%u: ", suite_case->mark.line);
    cli_print_visible(run->cli->out, suite_case->name);
    fputc('\n', run->cli->out);
}

static void print_json_case(struct test_run *run, const struct suite_case *suite_case,
                            const struct case_result *result, bool passed)
{
    struct arena *arena = &run->arena;
    cJSON *object = json_new_object(arena);
    json_add(arena, object, "suite", json_new_string(arena, run->suite->name));
    json_add(arena, object, "file", json_new_string(arena, run->suite->file));
    json_add(arena, object, "line", json_new_int(arena, suite_case->mark.line));
    json_add(arena, object, "case", json_new_string(arena, suite_case->name));
    json_add(arena, object, "passed", json_new_bool(arena, passed));
    if (!passed) {
        json_add(arena, object, "failure", json_new_string(arena, result->failure));
        if (result->wanted != NULL)
            json_add(arena, object, "expected", json_dup(arena, result->wanted));
        if (result->got != NULL)
            json_add(arena, object, "got", json_dup(arena, result->got));
    }
    struct buf text;
    buf_init(&text, arena, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, object);
    fprintf(run->cli->out, "%s%s", run->printed++ == 0 ? "{\"cases\": [\n" : ",\n", text.data);
}

/* "" if there is nothing to compare. */
static const char *diff_of(struct test_run *run, const struct case_result *result, bool colour)
{
    struct buf sides[2], diff;
    if (result->wanted == NULL || result->got == NULL)
        return "";
    for (size_t i = 0; i < 2; i++) {
        buf_init(&sides[i], &run->arena, LIMIT_INPUT_FILE_BYTES);
        yaml_write(&sides[i], i == 0 ? result->wanted : result->got);
    }
    buf_init(&diff, &run->arena, LIMIT_INPUT_FILE_BYTES);
    diff_write(&run->arena, &(struct diff_side){"expected", sides[0].data},
               &(struct diff_side){"got", sides[1].data}, colour, &diff);
    return diff.length > 0 ? diff.data : "";
}

static void print_failure(struct test_run *run, const struct suite_case *suite_case,
                          const struct case_result *result)
{
    test_print_name(run, suite_case, "FAILED", CLI_RED);
    cli_print_lines(run->cli->out, "    ", result->failure);
    for (const char *line = diff_of(run, result, run->cli->colour); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(run->cli->out, "    %.*s\n", (int)length, line);
        line += length;
        line += *line == '\n';
    }
}

static void add_to_junit(struct test_run *run, const struct suite_case *suite_case,
                         const struct case_result *result, bool passed)
{
    struct junit_case one = {
        .name = suite_case->name,
        .file = run->suite->file,
        .line = suite_case->mark.line,
        .time_us = result->time_us,
    };
    if (!passed) {
        one.outcome = JUNIT_FAILED;
        one.message = result->failure;
        one.text = diff_of(run, result, false);
    }
    junit_add_case(&run->junit, &one);
}

void test_print_case(struct test_run *run, const struct suite_case *suite_case,
                     const struct case_result *result, bool updated)
{
    const bool passed = result->outcome == CASE_PASSED || updated;
    run->passed += passed;
    run->failed += !passed;
    if (run->junit_file != NULL)
        add_to_junit(run, suite_case, result, passed);
    if (run->json)
        print_json_case(run, suite_case, result, passed);
    else if (!passed)
        print_failure(run, suite_case, result);
    else if (updated)
        test_print_name(run, suite_case, "updated", CLI_YELLOW);
    else if (run->verbose)
        test_print_name(run, suite_case, "ok", CLI_GREEN);
}

bool test_write_junit(struct test_run *run)
{
    struct buf text;
    struct err err;
    buf_init(&text, NULL, LIMIT_POLICY_SET_BYTES);
    int r = junit_write(&run->junit, "proctor test", &text, &err);
    if (r == 0)
        r = files_replace(run->junit_file, text.data, text.length, &err);
    buf_done(&text);
    if (r == 0)
        return true;
    err_wrap(&err, "%s", run->junit_file);
    (void)cli_fail(run->cli, &err);
    return false;
}
