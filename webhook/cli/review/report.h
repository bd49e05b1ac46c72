/* Judgements for people and for tools: what `proctor review` prints. */
#ifndef PROCTOR_CLI_REPORT_H
#define PROCTOR_CLI_REPORT_H

#include "cli/review/review.h"

/* "file:line Kind namespace/name: verdict", then what matters: the refusal's own text, or the
 * warnings and a unified diff of what would change; and a line "file:line:column: field (rules)"
 * for each field with a remark that is no note.  A conforming object is one line.  An item without
 * a file (it came from a cluster) has no places. */
void report_text(const struct cli *cli, struct arena *arena, const struct input_item *item,
                 const struct judgement *judgement, const struct review_remark *remarks,
                 size_t remark_count);

/* The judgement as one JSON object: place, names, verdict, message, violations, warnings, patch
 * and edits. */
cJSON *report_json(struct arena *arena, const struct input_item *item,
                   const struct judgement *judgement);

#endif
