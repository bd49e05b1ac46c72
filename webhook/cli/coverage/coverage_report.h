/* What `proctor coverage` prints: the bypass matrix as text, for an audit binder, or as JSON. */
#ifndef PROCTOR_CLI_COVERAGE_REPORT_H
#define PROCTOR_CLI_COVERAGE_REPORT_H

#include "cli/cli.h"
#include "cli/coverage/coverage.h"

struct coverage_report {
    const struct cli *cli;
    const struct coverage_input *input;
    const struct coverage_finding *findings;
    size_t counts[COVERAGE_STATES]; /* of the findings */
};

/* "s2024001 of students"; lives in the input's arena. */
const char *coverage_report_who(const struct coverage_input *input);

/* Prints the report to cli->out, as `output` says: text, markdown or json.  ERR_NO_MEMORY:
 * nothing was printed. */
NODISCARD int coverage_report_print(const struct coverage_report *report, const char *output,
                                    struct err *reterr);

#endif
