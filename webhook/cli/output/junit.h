/* Test results as JUnit XML, the form that CI servers read: testsuites, testsuite, testcase, and in
 * it failure, error or skipped.
 *
 *     struct junit junit;
 *     junit_init(&junit);
 *     junit_begin_suite(&junit, "policies/a/suite.yaml");
 *     junit_add_case(&junit, &(struct junit_case){.name = "five replicas", .time_us = -1});
 *     int rc = junit_write(&junit, "proctor test", &text, &err);
 *     junit_done(&junit);
 *
 * Counts stand in the attributes, before what is counted, so all is kept until it is written. There
 * is no schema of JUnit's own; what is written holds by the one of Jenkins' xUnit plugin
 * (junit-10), with `file` and `line` of a testcase beside it, which pytest writes and GitLab reads.
 */
#ifndef PROCTOR_CLI_JUNIT_H
#define PROCTOR_CLI_JUNIT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum junit_outcome {
    JUNIT_PASSED,
    JUNIT_FAILED,  /* what was looked at is not as it should be */
    JUNIT_ERROR,   /* it could not be looked at */
    JUNIT_SKIPPED, /* it was not to be looked at */
    JUNIT_OUTCOMES
};

/* One test.  Strings are read during the call alone; those that are NULL are left out. */
struct junit_case {
    const char *class_name; /* NULL: the suite's name */
    const char *name;
    const char *file;
    unsigned line;   /* 0: unknown */
    int64_t time_us; /* below 0: not measured */
    enum junit_outcome outcome;
    const char *message; /* a line: why it is not passed */
    const char *type;    /* which kind of failure, for those who group by it */
    const char *text;    /* all there is to say of it */
};

struct junit {
    struct buf suites;     /* the finished ones */
    struct buf cases;      /* of the current suite */
    struct buf suite_name; /* what begins the current suite */
    size_t totals[JUNIT_OUTCOMES], counts[JUNIT_OUTCOMES];
    int64_t total_us, suite_us;
    bool in_suite;
};

void junit_init(struct junit *junit);
void junit_done(struct junit *junit);

/* Ends the suite before it, if there is one, and begins another. */
void junit_begin_suite(struct junit *junit, const char *name);

/* Adds a test to the suite that junit_begin_suite began. */
void junit_add_case(struct junit *junit, const struct junit_case *one);

/* Ends the last suite and appends the whole document to `text`, which has a maximum of its own.
 * ERR_NO_MEMORY if something did not fit: the text is then not to be used. */
NODISCARD int junit_write(struct junit *junit, const char *name, struct buf *text,
                          struct err *reterr);

#endif
