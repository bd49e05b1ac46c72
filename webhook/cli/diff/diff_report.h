/* What `proctor diff` prints: the changes of two policy sets, and for whom they matter. */
#ifndef PROCTOR_CLI_DIFF_REPORT_H
#define PROCTOR_CLI_DIFF_REPORT_H

#include "cli/diff/compare.h"
#include "cli/diff/impact.h"

struct diff_report {
    const struct comparison *comparison;
    const struct impact *impact; /* NULL: no objects were given */
    const char *old_name, *new_name;
};

/* "12 of 140 Deployments would now be refused". */
extern const char *const impact_words[IMPACT_NONE];

void diff_report_text(const struct cli *cli, const struct diff_report *report);
void diff_report_markdown(const struct cli *cli, const struct diff_report *report);
void diff_report_json(const struct cli *cli, struct arena *arena, const struct diff_report *report);

#endif
