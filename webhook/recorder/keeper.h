/* The keeper drives the judgement: watches and intents in, the store's rows out.
 *
 *     watch threads --+                          +--> store_commit --> on_commit (streams)
 *     intent server --+--> one queue --> machine +
 *     operations    --+    (one thread)          +--> on_wish (automatic rollback)
 *
 * One thread owns cache and machines; everybody else puts news into its queue and never waits for
 * it.  It leads (store_lead) or follows: a follower's watches run on, so that it can take over, but
 * it commits nothing.  A connection that was lost is a gap row, and what follows a list is told to
 * the machines as a gap.
 */
#ifndef PROCTOR_RECORDER_KEEPER_H
#define PROCTOR_RECORDER_KEEPER_H

#include "client/kubeconfig.h"
#include "history/store.h"

struct keeper;

struct keeper_options {
    const struct kube_config *kube; /* must outlive the keeper */
    struct store *store;
    const char *namespace_;
    const struct machine_settings *machine; /* NULL: the default */

    void *context;
    /* Called by the keeper's thread, which waits: hand over, return. */
    void (*on_commit)(void *context, int64_t project); /* rows or events were written */
    /* `revision` failed by itself and is this project's current one. */
    void (*on_wish)(void *context, int64_t project, int64_t revision);
    void (*on_revision)(void *context, int64_t revision); /* a new one: take its fingerprint */
    void (*on_lead)(void *context, bool leads);
};

NODISCARD int keeper_start(const struct keeper_options *options, struct keeper **ret_keeper,
                           struct err *reterr);
void keeper_stop(struct keeper *keeper); /* NULL is fine; what is in the queue is done first */

/* An intent that is on disk (store_intent gave its id), copied.  From any thread. */
void keeper_intent(struct keeper *keeper, const char *namespace_, const char *name,
                   const struct machine_intent *intent);

/* A person's mark (store_revision_mark wrote it). */
void keeper_mark(struct keeper *keeper, int64_t project, int64_t seq, enum revision_good good,
                 const char *by);

/* Whether it leads, and its watches are connected and listed; *ret_why (static) if not. */
bool keeper_in_sync(struct keeper *keeper, const char **ret_why);

/* Asks the keeper's thread to put open intents and live objects through the machines again. */
void keeper_resync(struct keeper *keeper);

#endif
