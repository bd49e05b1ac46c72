/* What the files of the machine share.
 *
 *     machine.c        views and ticks: which revision is stored now; import
 *     machine_intent.c admission's words, and those of our own writes
 *     machine_truth.c  what truth said: rows by generation, Pending, ways back
 *     machine_judge.c  how the stored one fares: complete, failed, good; progress, phases
 *     machine_pods.c   its pods: evidence, restarts, instances
 *     machine_row.c    rows and their memory; effects
 *
 * Texts of rows live in machine->text, what a step makes in machine->step.
 */
#ifndef PROCTOR_HISTORY_MACHINE_INTERNAL_H
#define PROCTOR_HISTORY_MACHINE_INTERNAL_H

#include "history/machine.h"

/* A pod as it was last told: told again when its hash differs. */
struct pod_note {
    const char *uid;
    int64_t hash;
};

/* What stands in revision.memory (JSON); zeroes are not written. */
struct memory {
    bool current;            /* its template is the one that is stored */
    int64_t seen_generation; /* of the Deployment, so far */
    int64_t gap_low;         /* generations between these two were never shown */
    int64_t gap_high;
    bool gapped;    /* Pending: versions were missed since */
    bool importing; /* ReplicaSets of before may still turn up */
    int64_t old_pods;
    int64_t suspended_at; /* clocks stand still since: paused, scaled to 0, being deleted */
    bool paused;
    int64_t pauses;
    int64_t bad_since; /* every pod shows a reason */
    const char *evidence;
    int64_t restart_base;  /* restarts before this revision's time, plus 1; 0: not looked yet */
    int64_t soak_restarts; /* restarts when the soak began */
    bool cancels;
    int64_t told; /* bits of enum machine_event */
    int64_t intents;
    const char *history_id;
    const char *digests; /* that ran, by container */
    int64_t delete_intent;
    const char *deleter;
    struct pod_note *pods;
    size_t pod_count;
};

struct row {
    struct revision revision;
    struct revision stored; /* as the store has it */
    struct memory memory;
    bool inserted, touched;
};

struct machine {
    struct machine_settings settings;
    struct arena text, step;
    size_t text_compact_bytes;
    struct row **rows; /* oldest first */
    size_t row_count, row_capacity;
    int64_t last_seq;
    struct row *current;
    bool in_sync, away; /* away: it was told so, and a view alone does not mend it */
    int64_t now;
    struct machine_effect *notes; /* of this step, without those of rows */
    size_t note_count, note_capacity;
    struct machine_effect *effects;
    size_t effect_count;
};

/* ---- machine_row.c */

void machine_begin(struct machine *machine, int64_t now);
void machine_finish(struct machine *machine);
void machine_load_row(struct machine *machine, const struct revision *revision);

/* Keeps a text with the rows; NULL stays NULL. */
const char *machine_keep(struct machine *machine, const char *text);
bool machine_same_text(const char *a, const char *b);

/* A new row: seq set, everything else is the caller's.  And marks one as changed. */
struct row *machine_insert(struct machine *machine, const struct revision *revision);
struct memory *machine_touch(struct row *row);

/* Moves a row, if the table of states allows it; says whether it did. */
bool machine_move(struct machine *machine, struct row *row, enum revision_status to,
                  const char *reason, const char *message);

/* Tells an event, once in a revision's life; machine_tell_again as often as `number` differs. */
void machine_tell(struct machine *machine, struct row *row, enum machine_event event,
                  const char *message, const char *details_json);
void machine_tell_again(struct machine *machine, struct row *row, enum machine_event event,
                        int64_t number, const char *message);
void machine_note(struct machine *machine, const struct machine_effect *effect);
void machine_note_joined(struct machine *machine, struct row *row, int64_t intent);

/* Text of others, for people. */
const char *machine_visible(struct machine *machine, const char *text);

/* ---- machine_truth.c */

static inline const char *machine_text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

bool machine_is_stored(const struct row *row);
bool machine_is_of_uid(const struct row *row, const char *uid);
bool machine_has_template(const struct row *row, const char *sha);

/* The newest stored row of that uid (NULL: any) with that template, and the row of an id; NULL:
 * none. */
struct row *machine_find_stored(const struct machine *machine, const char *uid, const char *sha);
struct row *machine_find_id(const struct machine *machine, int64_t id);

/* How the way back goes decides how its origin ends. */
void machine_settle_rollbacks(struct machine *machine);

/* What became of an intent: nobody knows, or it was not stored, and why. */
void machine_end_pending(struct machine *machine, struct row *row, bool unknown, const char *reason,
                         const char *message);
void machine_supersede(struct machine *machine, struct row *row);

/* Ends those whose generation was shown with another template, or was passed unseen; before that,
 * those that a ReplicaSet witnesses; and those that nobody waits for any more. */
void machine_settle_pending(struct machine *machine, const struct project_view *view);
void machine_witness_pending(struct machine *machine, const struct project_view *view);
void machine_expire_pending(struct machine *machine);
int64_t machine_pending_until(const struct machine *machine, const struct row *row);

/* The intent that a view is, of those after a generation; NULL: none. */
struct row *machine_find_pending(const struct machine *machine,
                                 const struct view_deployment *deployment, int64_t after);

/* ---- machine_pods.c */

/* Whether every pod of the row's ReplicaSet shows a reason to fail; keeps evidence and since when.
 */
void machine_watch_pods(struct machine *machine, struct row *row, const struct project_view *view);

/* Restarts of all its pods together; *ret_ready how many are ready. */
int64_t machine_restarts(const struct row *row, const struct project_view *view,
                         int64_t *ret_ready);
void machine_tell_instances(struct machine *machine, const struct project_view *view);

/* The evidence's parts; reason is that of the failure: ImagePull, CrashLoop, ConfigError. */
struct evidence {
    const char *reason, *message;
    enum machine_event event;
    bool at_once; /* restarted often enough: no wait */
};
struct evidence machine_evidence(struct machine *machine, const struct row *row);

/* ---- machine_judge.c */

/* First sight of a revision: baseline, clocks. */
void machine_first_sight(struct machine *machine, struct row *row, const struct project_view *view);
void machine_judge_view(struct machine *machine, const struct project_view *view);
void machine_judge_clock(struct machine *machine);
int64_t machine_judge_next(const struct machine *machine); /* INT64_MAX: never */

#endif
