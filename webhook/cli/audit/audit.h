/* What the files of `proctor audit` share.
 *
 *   cmd_audit.c     flags -> audit_walk -> exit code
 *   audit_walk.c    the cluster's kinds and lists -> objects
 *   audit_judge.c   an object -> its judgement -> what -o asks for, and the sums
 *   audit_print.c   the sums and what was kept -> the report
 *   openreports.c   a judgement -> an OpenReports Report
 *
 * An object is judged by /validate as if somebody made it today (CREATE).  An UPDATE would let pass
 * what was so before (POLICY.md, ratchet), and rules that say what may not be made at all (a bare
 * pod) bind at CREATE only.  /mutate is not asked: what it would mend stands there unmended.
 */
#ifndef PROCTOR_CLI_AUDIT_H
#define PROCTOR_CLI_AUDIT_H

#include "admit/judge.h"
#include "base/limits.h"
#include "cli/live/live.h"
#include "cli/output/sarif.h"
#include "cli/progress.h"
#include "cli/review/review.h"

#define AUDIT_NAMES_MAX 64

enum audit_output { AUDIT_TEXT, AUDIT_JSON, AUDIT_SARIF, AUDIT_OPENREPORTS };

/* How often something was found, by enum remark_level. */
struct audit_counts {
    size_t errors, warnings, notes;
};

/* An object of which there is something to say. */
struct audit_object {
    const char *kind, *name; /* the name with its namespace */
    struct audit_counts counts;
};

struct audit_rule {
    const char *id;
    struct audit_counts counts; /* findings */
    size_t objects;
    size_t last_object; /* that it was counted for, from 1 */
};

/* A Service with a selector: its Endpoints are the endpoint controller's. */
struct audit_service {
    struct audit_service *next;
    const char *name; /* with its namespace */
};

struct audit_problem {
    struct audit_problem *next;
    const char *what, *text;
};

struct audit {
    struct cli *cli;
    enum audit_output output;
    struct judge_settings settings;
    struct judge_question question;
    const char *user;
    const char *groups[AUDIT_NAMES_MAX + 1];
    const char *name_spaces[AUDIT_NAMES_MAX + 1]; /* ends with NULL; none: all */
    const char *without[AUDIT_NAMES_MAX + 1];
    bool secrets;
    struct arena kept;    /* of all that is told at the end */
    struct arena judging; /* of the object being judged */
    struct audit_object *objects;
    size_t object_count, object_capacity;
    struct audit_rule *rules; /* of the set, and where a rule was broken its counts */
    size_t rule_count;
    size_t counts[4]; /* objects, by enum verdict_outcome */
    size_t warned;    /* objects with warnings, and nothing worse */
    struct audit_service *services;
    const char **not_read;
    size_t not_read_count;
    struct audit_problem *problems, **last_problem;
    size_t problem_count;
    FILE *findings; /* into memory */
    char *findings_text;
    size_t findings_length, findings_printed;
    struct sarif sarif;
    struct progress progress;
    int64_t begun_us;
};

/* ---- audit_walk.c ---- */

/* Reads and judges all that was asked for; what fails is a problem. */
void audit_walk(struct audit *audit, struct kube_client *client);

/* ---- audit_judge.c ---- */

/* `object` is an item of a list and is changed. */
void audit_judge(struct audit *audit, const struct live_kind *kind, cJSON *object);

/* ---- audit_print.c ---- */

/* Before and after everything.  audit_end returns the exit code. */
int audit_begin(struct audit *audit);
int audit_end(struct audit *audit);

/* What could not be read or judged; the result is then incomplete.  Told at once. */
void audit_problem(struct audit *audit, const char *what, const char *text);

/* What a judgement says, in the way that -o asks for. */
struct audit_finding {
    const struct input_item *item;
    const struct judgement *judgement;
    const struct review_remark *remarks;
    size_t remark_count;
    const char *uid; /* NULL: none */
};
void audit_print(struct audit *audit, const struct audit_finding *finding);

/* ---- openreports.c ---- */

/* A Report, or of a cluster-scoped object a ClusterReport, of openreports.io/v1alpha1: a result for
 * each violation (fail; warn if it does not bind; skip if an exception lets it pass) and one (pass)
 * for each policy that judged the object and found nothing.  Lives in `arena`.
 * Source: github.com/openreports/reports-api, apis/openreports.io/v1alpha1. */
cJSON *openreports_of(struct arena *arena, const struct audit *audit,
                      const struct audit_finding *finding);

#endif
