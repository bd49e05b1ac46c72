/* What the files of `proctor review` share.
 *
 *   cmd_review.c      flags -> input_walk
 *   review_judge.c    each object -> its judgement
 *   review_remarks.c  a judgement -> remarks with their places in the file
 *   review_print.c    judgements, remarks and problems -> what -o asks for
 */
#ifndef PROCTOR_CLI_REVIEW_H
#define PROCTOR_CLI_REVIEW_H

#include "admit/judge.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/output/junit.h"
#include "cli/output/sarif.h"
#include "cli/progress.h"

#define REVIEW_GROUPS_MAX   64
#define REVIEW_REPORT_BYTES (512 * LIMIT_MIB)

enum review_output {
    REVIEW_TEXT,
    REVIEW_JSON,
    REVIEW_YAML,
    REVIEW_SARIF,
    REVIEW_JUNIT,
    REVIEW_GITHUB,
    REVIEW_REQUEST,
    REVIEW_ANSWER
};

struct review_old;

struct review {
    struct cli *cli;
    enum review_output output;
    struct judge_settings settings;
    struct judge_question question;
    const char *groups[REVIEW_GROUPS_MAX + 1];
    struct arena arena;     /* of the object being judged */
    struct arena old_arena; /* of the old objects */
    struct arena set_arena; /* of the table of rules */
    struct review_old *old_objects;
    size_t old_used;
    size_t counts[4]; /* by enum verdict_outcome */
    size_t warned;    /* objects with a remark that is a warning */
    size_t printed;
    size_t problems;
    size_t manifests; /* judged as the assumed user */
    const struct input_item *item;
    struct sarif sarif;
    struct junit junit;
    char *junit_file; /* of the current suite; heap */
    bool fail_on_warning;
    struct progress progress;
    bool shows_progress;
    int64_t begun_us, draw_us; /* monotonic; the next line is not drawn before draw_us */
};

/* ---- review_judge.c ---- */

/* For input_walk: keeps an object of --old. */
void review_keep_old(void *context, struct arena *arena, const struct input_item *item);

/* For input_walk: judges an object and prints what comes of it. */
void review_object(void *context, struct arena *arena, const struct input_item *item);

/* ---- review_print.c ---- */

/* Before and after everything.  review_end returns the exit code. */
void review_begin(struct review *review);
int review_end(struct review *review);

/* For input_walk: what could not be read; the result is then incomplete. */
void review_problem(void *context, const struct input_problem *problem);

/* The same of review->item as a whole. */
void review_refuse(struct review *review, const char *text);

void review_print(struct review *review, const struct judgement *judgement);

/* ---- review_remarks.c ---- */

/* One thing that a judgement says of one field: of the two, one is given. */
struct review_remark {
    struct remark remark;
    const char *field;
};

/* Violations in the document's order, then changes, then what Kubernetes would refuse; the array
 * lives in `arena`.
 *
 * A violation that denies is an error, one that only warns a warning (also what an exception lets
 * pass, or what was so before), one of an audit rule a note.  A change of a value that is written
 * is a warning, a value put in where none is written a note.  On an object that is refused nothing
 * is changed. */
struct review_remark *review_remarks(struct arena *arena, const char *language,
                                     const struct input_item *item,
                                     const struct judgement *judgement, size_t *ret_count);

/* The rules of the set, for tools that show what a remark's rule is; lives in `arena`. */
struct remark_rule *review_rules(struct arena *arena, const struct policy_set *set,
                                 size_t *ret_count);

#endif
