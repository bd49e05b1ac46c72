/* The judgement of a rollout: pure, without clock, socket or database.
 *
 *     intents, project_view, now  --machine_step-->  effects (rows to write, events, a wish)
 *
 * A machine knows one project: its current revision, those before it that are still open, its
 * baselines.  All of that is in struct revision rows and struct machine_memory, which the store
 * keeps, so that a recorder that was killed goes on where it was: machine_load gives back the
 * same machine.  The same inputs give the same effects; a step without news gives none.
 *
 * The transitions and their traps are those of the recorder's design (states, and Kubernetes'
 * stale conditions): each is one row in machine.c with its trigger.
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
};

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
    int64_t rollback_of, source; /* of our own rollback writes; 0 */
    const char *template_json; /* canonical, kept by the store under template_sha; NULL: is there */
};

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
    int64_t intent;
};

struct machine;

/* An empty machine of one project.  ERR_NO_MEMORY. */
NODISCARD int machine_new(const struct machine_settings *settings, struct machine **ret_machine,
                          struct err *reterr);
void machine_free(struct machine *machine);

/* Takes up what the store has: the project's open revisions and its newest one, oldest first. */
NODISCARD int machine_load(struct machine *machine, const struct revision *rows, size_t count,
                           struct err *reterr);

/* News.  Each appends to the effects, which live until the next call and are to be committed
 * together.  `gap` tells machine_view that versions may have been missed before it. */
void machine_intent(struct machine *machine, const struct machine_intent *intent, int64_t now);
void machine_view(struct machine *machine, const struct project_view *view, bool gap, int64_t now);
void machine_tick(struct machine *machine, int64_t now);

const struct machine_effect *machine_effects(const struct machine *machine, size_t *ret_count);

/* When machine_tick is next worth calling; INT64_MAX: never. */
int64_t machine_next_tick(const struct machine *machine);

#endif
