/* The judgement of a rollout: pure, without clock, socket or database.
 *
 *     intents, project_view, now  --machine_step-->  effects (rows to write, events, a wish)
 *
 * A machine knows one project: its current revision, those before it that are still open, its
 * baselines.  All of that is in struct revision rows, in their `memory` too, which the store
 * keeps, so that a recorder that was killed goes on where it was: machine_load gives back the
 * same machine.  The same inputs give the same effects; a step without news gives none.
 *
 * Who drives it: the first view of a machine comes after all lists have ended; then one view for
 * every event of any watch, `gap` after a list; an intent when it is on disk; a tick at
 * machine_next_tick.  Effects are committed before the next call (and machine_inserted told); if
 * that fails, the machine is thrown away and loaded again, and the step repeated.
 *
 * The transitions and their traps are those of the recorder's design (states, and Kubernetes'
 * stale conditions): rows of two tables, one in machine_judge.c for what hangs on how the rollout
 * fares, one in machine_row.c for which state may follow which.
 */
#ifndef PROCTOR_HISTORY_MACHINE_H
#define PROCTOR_HISTORY_MACHINE_H

#include "history/revision.h"
#include "history/view.h"

struct machine_settings {
    int64_t soak_us;         /* 60 s without a restart after completion: good */
    int64_t evidence_us;     /* 60 s of an image that cannot be pulled: failed */
    int64_t restarts_failed; /* 3 */
    int64_t deadline_factor; /* 3 x progressDeadlineSeconds: our own clock */
    int64_t persist_us;      /* 90 s: an intent that is not stored by then was refused elsewhere */
};

extern const struct machine_settings machine_settings_default;

/* What an admission intent told (intent.h), as far as the machine needs it. */
struct machine_intent {
    int64_t id;
    const char *uid; /* NULL on CREATE */
    const char *template_sha;
    int64_t generation; /* 0: not known yet (CREATE is 1) */
    bool delete_;
    int64_t received_at;
    const char *actor_user, *actor_groups, *via, *on_behalf_of, *change_cause, *change_kind;
    const char *policy_changes, *last_applied, *written_sha;
    int64_t rollback_of, source;  /* of our own rollback writes; 0 */
    const char *old_template_sha; /* of oldObject; NULL: not known, or CREATE */
    const char *history_id;       /* annotation proctor.dev/history-id, if this request changed it:
                                     joins our own write with what admission saw of it */
    bool own;                     /* the recorder's own word of its own write: it counts, whatever
                                     admission saw of that */
    bool cancel;                  /* a user's cancel: the revision that it goes back from becomes
                                     Cancelled; template_sha NULL: it is only paused */
    const char *template_json; /* canonical, kept by the store under template_sha; NULL: is there */
};

/* The types of events: H3's, and the design's own. */
#define MACHINE_EVENT_TABLE(X)                                                                     \
    X(MACHINE_DEPLOYMENT_STARTED, "deployment_started")                                            \
    X(MACHINE_SERVICES_STOPPED, "services_stopped")                                                \
    X(MACHINE_SERVICES_STARTED, "services_started")                                                \
    X(MACHINE_SERVICE_UPDATING, "service_updating")                                                \
    X(MACHINE_SERVICE_UPDATED, "service_updated")                                                  \
    X(MACHINE_DEPLOYMENT_COMPLETED, "deployment_completed")                                        \
    X(MACHINE_DEPLOYMENT_FAILED, "deployment_failed")                                              \
    X(MACHINE_ROLLBACK_STARTED, "rollback_started")                                                \
    X(MACHINE_ROLLBACK_COMPLETED, "rollback_completed")                                            \
    X(MACHINE_DEADLINE_EXCEEDED, "deadline_exceeded")                                              \
    X(MACHINE_REPLICA_FAILURE, "replica_failure")                                                  \
    X(MACHINE_IMAGE_PULL_FAILED, "image_pull_failed")                                              \
    X(MACHINE_CRASH_LOOP, "crash_loop")                                                            \
    X(MACHINE_CONFIG_ERROR, "config_error")                                                        \
    X(MACHINE_PAUSED, "paused")                                                                    \
    X(MACHINE_RESUMED, "resumed")                                                                  \
    X(MACHINE_SUPERSEDED, "superseded")                                                            \
    X(MACHINE_CANCELLED, "cancelled")                                                              \
    X(MACHINE_NOT_PERSISTED, "not_persisted")                                                      \
    X(MACHINE_DELETED, "deleted")                                                                  \
    X(MACHINE_TAG_MOVED, "tag_moved")                                                              \
    X(MACHINE_GAP, "gap")

#define MACHINE_ENUM(constant, name) constant,
enum machine_event { MACHINE_EVENT_TABLE(MACHINE_ENUM) MACHINE_EVENTS };
#undef MACHINE_ENUM

const char *machine_event_name(enum machine_event event);

enum machine_effect_kind {
    MACHINE_INSERT,   /* a new revision row (its id is 0; seq is set) */
    MACHINE_UPDATE,   /* the row of that seq has changed */
    MACHINE_EVENT,    /* an event of H3 */
    MACHINE_INSTANCE, /* a pod's container of a version */
    MACHINE_JOINED,   /* this intent belongs to that revision */
    MACHINE_ROLL_BACK /* a wish: `revision` failed for its own reasons; rollback.c judges it */
};

struct machine_effect {
    enum machine_effect_kind kind;
    const struct revision *revision;
    const char *event_type, *event_message, *event_key; /* key: the same event is written once */
    const cJSON *details;
    const struct view_pod *pod;
    bool gone; /* MACHINE_INSTANCE: that pod (its uid, nothing else) is no more */
    int64_t intent;
    int64_t at; /* when it happened */
};

struct machine;

/* An empty machine of one project.  ERR_NO_MEMORY. */
NODISCARD int machine_new(const struct machine_settings *settings, struct machine **ret_machine,
                          struct err *reterr);
void machine_free(struct machine *machine);

/* Takes up what the store has, oldest first: at least the revisions that have not ended, the newest
 * one and those with a memory; older ones only tell which template was there before. */
NODISCARD int machine_load(struct machine *machine, const struct revision *rows, size_t count,
                           struct err *reterr);

/* News.  Each appends to the effects, which live until the next call and are to be committed
 * together; the pods in them are the view's own.  `gap` tells machine_view that versions may have
 * been missed before it; generations that it skips are a gap anyway. */
void machine_intent(struct machine *machine, const struct machine_intent *intent, int64_t now);
void machine_view(struct machine *machine, const struct project_view *view, bool gap, int64_t now);
void machine_tick(struct machine *machine, int64_t now);

/* Whether the watches are connected and told all there is.  A machine begins out of sync, and the
 * first view brings it in sync; told that it is not, it stays so until it is told otherwise.
 * Meanwhile silence proves nothing of an intent.  No effects. */
void machine_sync(struct machine *machine, bool in_sync);

/* The wall clock jumped: what runs by it goes on as if it had not.  Effects like those of news. */
void machine_shift(struct machine *machine, int64_t by_us, int64_t now);

/* The revision that is stored now, and the newest one of a ReplicaSet; NULL: none; until the next
 * call. */
const struct revision *machine_current(const struct machine *machine);
const struct revision *machine_of_set(const struct machine *machine, const char *rs_uid);

/* Tells the id that the store gave to an inserted row: later rows name it in `source`. */
void machine_inserted(struct machine *machine, int64_t seq, int64_t id);

/* Takes up a person's mark (store_revision_mark wrote it).  No effects. */
void machine_mark(struct machine *machine, int64_t seq, enum revision_good good, const char *by);

const struct machine_effect *machine_effects(const struct machine *machine, size_t *ret_count);

/* When machine_tick is next worth calling; INT64_MAX: never. */
int64_t machine_next_tick(const struct machine *machine);

#endif
