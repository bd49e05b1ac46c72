/* The findings of `proctor lint` by their codes: what each is, and how it is mended.  The messages
 * say it of the one place; these serve -o json, sarif and github, --codes, and the documentation.
 */
#ifndef PROCTOR_CLI_LINT_CODES_H
#define PROCTOR_CLI_LINT_CODES_H

#include "cli/output/remark.h"

struct lint_code {
    const char *code;
    enum remark_level level;
    const char *title;
    const char *fix;
};

/* By code; ends with a NULL code. */
extern const struct lint_code lint_codes[];

/* The row of a code; NULL: there is none. */
const struct lint_code *lint_code_find(const char *code);

#endif
