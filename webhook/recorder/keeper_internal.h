/* What the keeper's files share.
 *
 *     keeper.c          start and stop; its thread: news in their order, clocks, who leads
 *     keeper_queue.c    news from other threads
 *     keeper_watch.c    four watches, a thread and a client each
 *     keeper_project.c  a project's machine: loaded, stepped, committed
 *     keeper_begin.c    beginning to lead: what is there, what was missed; open intents
 *     keeper_gap.c      when there was no connection, or versions were missed
 *     keeper_evidence.c Events of Kubernetes
 *     keeper_clock.c    jumps of the wall clock
 *
 * Everything but the queue and the atomics is the keeper's thread's alone.
 */
#ifndef PROCTOR_RECORDER_KEEPER_INTERNAL_H
#define PROCTOR_RECORDER_KEEPER_INTERNAL_H

#include "recorder/keeper.h"
#include "recorder/keeper_clock.h"
#include "recorder/keeper_queue.h"

#define KEEPER_SECOND_US    1000000LL
#define KEEPER_NAME_BYTES   254
#define KEEPER_FED_INTENTS  4096U
#define KEEPER_EVIDENCE_MAX 2000U

/* A project that was ever in the cache or in the news.  Its machine comes and goes: all that it
 * knows is in the store. */
struct keeper_project {
    struct keeper_project *next_in_slot;
    char name[KEEPER_NAME_BYTES];
    int64_t id; /* 0: not looked up yet, or the store has none */
    struct machine *machine;
    bool viewed;           /* by this machine */
    bool missed;           /* versions may have been, since it was last viewed */
    int64_t tick_at;       /* wall; INT64_MAX: never */
    int64_t used_us;       /* monotonic */
    bool aside;            /* it could not be written for a long time, while others could */
    char template_sha[65]; /* was committed last */
};

/* What is known of a resource's coverage; written when the store takes it. */
struct keeper_gap {
    bool lost; /* there is no connection */
    bool open, written;
    int64_t heard_at, from, to; /* wall; to 0: it goes on */
    char reason[256];
};

struct keeper_evidence;

struct keeper_watcher {
    struct keeper *keeper;
    enum keeper_resource resource;
    struct kube_client *client;
    pthread_t thread;
    bool started, again; /* again: it has ended once by itself, and lists anew */
    atomic_bool stop;
    atomic_uint run;
    unsigned wanted_run; /* it is begun anew to be that one; guarded by `lock` */
};

#define KEEPER_VERSION_BYTES 256

struct keeper {
    struct keeper_options options;
    struct machine_settings settings;
    char *namespace_;
    struct keeper_queue queue;
    struct keeper_watcher watchers[KEEPER_RESOURCES];
    pthread_t thread;
    bool started;
    atomic_bool stop, ends, resync; /* ends: nothing more comes into the queue */
    atomic_int state;               /* index of the reasons why it is not in sync */

    struct cache *cache;
    struct arena scratch;
    struct keeper_clock clock;
    int64_t now, jump_us; /* wall; by how much it jumped last */

    struct keeper_project **projects;
    size_t project_slots, project_count, loaded;

    /* The Deployments' resourceVersion: whose effects are written with the next commit ("" : of no
     * event); up to which all is written; and from which on a recorder that begins to lead wants to
     * know (guarded by `lock`; "": from now on). */
    char event_version[KEEPER_VERSION_BYTES], done_version[KEEPER_VERSION_BYTES];
    char beaten_version[KEEPER_VERSION_BYTES]; /* that was written last */
    pthread_mutex_t lock;
    char list_at[KEEPER_VERSION_BYTES];
    unsigned listed_run; /* of the Deployments' watch, whose list has ended */
    bool gapped;         /* that list may not have told all since */
    struct keeper_news *deferred, **deferred_last; /* what came behind it, before all are listed */

    bool leads, begun, followed; /* followed: news went by without being committed */
    bool nobody_can_tell;        /* who leads */
    bool in_sync;                /* what machines are told of it */
    int64_t settled_us; /* monotonic: connected again, and then in sync; 0: nothing to be */
    bool settled; /* since it began: before that, truth of earlier may still come, and intents wait
                     for it in the store, so that versions are numbered as they came */
    struct keeper_gap gaps[KEEPER_RESOURCES];
    int64_t lead_us, poll_us, beat_us, flush_us; /* monotonic: when they are due */
    int64_t quiet_us;                            /* monotonic: when the queue was last empty */
    int64_t next_tick_at;                        /* wall; no project's is before */
    int64_t fed[KEEPER_FED_INTENTS];             /* the last intents that machines were given */
    size_t fed_next;

    struct keeper_evidence *evidence_first, **evidence_last;
    size_t evidence_count;
};

/* ---- keeper.c */

/* Waits after something failed; false: it is to stop. */
bool keeper_rest(struct keeper *keeper, unsigned failures);

/* Looks whether it leads, and acts on a change.  < 0: nobody can tell. */
NODISCARD int keeper_look_who_leads(struct keeper *keeper, struct err *reterr);
void keeper_show_state(struct keeper *keeper);
void keeper_note_sync(struct keeper *keeper);

/* ---- keeper_watch.c */

NODISCARD int keeper_watch_start(struct keeper_watcher *watcher, struct err *reterr);
void keeper_watch_stop(struct keeper_watcher *watcher);

/* The Deployments are listed anew, as they were at the version up to which the store has them. */
void keeper_watch_again(struct keeper *keeper);

/* "deployments": in gaps and in the log. */
const char *keeper_resource_name(enum keeper_resource resource);

/* ---- keeper_project.c: all retry while the store is away, and return when it is done, when the
 * keeper stops, when it leads no more, or when that step can never be done (it is logged). */

struct keeper_project *keeper_project_of(struct keeper *keeper, const char *name);

/* The project is looked at. */
void keeper_see(struct keeper *keeper, struct keeper_project *project);
void keeper_feed(struct keeper *keeper, struct keeper_project *project,
                 const struct machine_intent *intent);
void keeper_tick(struct keeper *keeper, struct keeper_project *project);
void keeper_shift(struct keeper *keeper, struct keeper_project *project, int64_t by_us);

/* Loads its machine and looks, if that is not so. */
void keeper_load(struct keeper *keeper, struct keeper_project *project);

/* When its machine is to be ticked next. */
void keeper_note_tick(struct keeper *keeper, struct keeper_project *project);

/* One commit of other effects. */
void keeper_commit_effects(struct keeper *keeper, struct keeper_project *project,
                           const struct machine_effect *effects, size_t count);

/* Forgets a machine; and those that were not used for the longest, if there are many. */
void keeper_unload(struct keeper *keeper, struct keeper_project *project);
void keeper_evict(struct keeper *keeper);

/* Calls `what` for each project that it knows. */
void keeper_for_each(struct keeper *keeper,
                     void (*what)(struct keeper *keeper, struct keeper_project *project));

bool keeper_was_fed(const struct keeper *keeper, int64_t intent);

/* ---- keeper_begin.c */

void keeper_begin(struct keeper *keeper);
void keeper_see_all(struct keeper *keeper);
/* Feeds those that are open and were not fed; `all`: the young ones too, that may still be in the
 * queue. */
void keeper_poll_intents(struct keeper *keeper, bool all);
void keeper_beat(struct keeper *keeper);

/* ---- keeper_gap.c */

void keeper_gap_note(struct keeper *keeper, const struct keeper_news *news);
void keeper_gap_write(struct keeper *keeper); /* what is not written yet */
void keeper_gap_begin(struct keeper *keeper); /* closes what recorders before left open */

/* ---- keeper_evidence.c */

void keeper_evidence_take(struct keeper *keeper, enum watch_event event, const cJSON *object);
void keeper_evidence_flush(struct keeper *keeper);
void keeper_evidence_done(struct keeper *keeper);

#endif
