/* Judgements for people and for tools: what `proctor review` prints. */
#ifndef PROCTOR_CLI_REPORT_H
#define PROCTOR_CLI_REPORT_H

#include "admit/judge.h"
#include "cli/cli.h"
#include "cli/input.h"

/* "file:line Kind namespace/name: verdict", then what matters: the refusal's own text, or the
 * warnings and a unified diff of what would change.  A conforming object is one line. */
void report_text(const struct cli *cli, struct arena *arena, const struct input_item *item,
                 const struct judgement *judgement);

/* The judgement as one JSON object: place, names, verdict, message, violations, warnings, patch
 * and edits. */
cJSON *report_json(struct arena *arena, const struct input_item *item,
                   const struct judgement *judgement);

/* Prints text of several lines, each behind `indent`, control characters made harmless. */
void report_lines(FILE *stream, const char *indent, const char *text);

#endif
