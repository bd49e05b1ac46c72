/* The words of a history: a revision is one version of one Deployment, with who, what and how it
 * ended.  Plain data: the machine (machine.h) computes it, the store (store.h) keeps it, the API
 * shows it.
 *
 * Times are microseconds since 1970, UTC, 0: not yet.  Text members are borrowed from the arena
 * that the row was made in, NULL: not known.
 */
#ifndef PROCTOR_HISTORY_REVISION_H
#define PROCTOR_HISTORY_REVISION_H

#include <stdbool.h>
#include <stdint.h>

/*      constant, name, ended */
#define REVISION_STATUS_TABLE(X)                                                                   \
    X(REVISION_PENDING, "Pending", false)                                                          \
    X(REVISION_IN_PROGRESS, "InProgress", false)                                                   \
    X(REVISION_COMPLETED, "Completed", true)                                                       \
    X(REVISION_FAILED, "Failed", true)                                                             \
    X(REVISION_ROLLING_BACK, "RollingBack", false)                                                 \
    X(REVISION_ROLLED_BACK, "RolledBack", true)                                                    \
    X(REVISION_SUPERSEDED, "Superseded", true)                                                     \
    X(REVISION_CANCELLED, "Cancelled", true)                                                       \
    X(REVISION_NOT_PERSISTED, "NotPersisted", true)                                                \
    X(REVISION_UNKNOWN, "Unknown", true)                                                           \
    X(REVISION_DELETED, "Deleted", true)

#define REVISION_ENUM(constant, name, ended) constant,
enum revision_status { REVISION_STATUS_TABLE(REVISION_ENUM) REVISION_STATUSES };
#undef REVISION_ENUM

enum revision_good { REVISION_GOOD_UNKNOWN, REVISION_GOOD_YES, REVISION_GOOD_NO };

enum revision_origin {
    REVISION_ADMISSION, /* an intent came first */
    REVISION_WATCH,     /* truth without an intent */
    REVISION_IMPORT,    /* from ReplicaSets at first start */
    REVISION_RECORDER   /* a rollback or deploy of our own */
};

struct revision {
    int64_t id;
    int64_t project_id;
    int64_t seq; /* 1, 2, 3 ... of the project, over deletion and recreation; never used again */
    const char *uid;      /* of the Deployment */
    int64_t generation;   /* at which it was stored; 0: not yet */
    int64_t k8s_revision; /* deployment.kubernetes.io/revision; 0: not yet */
    const char *rs_name, *rs_uid;
    const char *template_sha; /* SHA-256 of the canonical template, hexadecimal */
    const char *written_sha;  /* of what the user wrote, where it is known */
    const char *last_applied;
    const char *managed_fields;
    const char *policy_changes;
    const char *strategy; /* RollingUpdate, Recreate, BlueGreen */
    int64_t replicas;
    const char *change_kind; /* image, env, config, restart, scale, policy, other */
    const char *change_cause;
    const char *actor_user;
    const char *actor_groups; /* JSON */
    bool actor_certain;
    const char *via, *on_behalf_of;
    enum revision_origin origin;
    enum revision_status status;
    const char *reason; /* ProgressDeadlineExceeded, ImagePull, CrashLoop, ... */
    int progress;       /* 0..100, never falls */
    const char *message;
    enum revision_good good;
    const char *good_by; /* NULL: the recorder; else who marked it */
    int64_t soak_until;
    const char *progressing_baseline; /* lastUpdateTime and message at first sight */
    int64_t started_at, last_progress_at, deadline_at, completed_at;
    int64_t rollback_of; /* the id of the revision that this one goes back from; 0: none */
    int64_t source;      /* the id of the revision whose template it repeats; 0: none */
    const char *memory;  /* the machine's own notes on it, opaque; kept so that it goes on */
    bool tag_moved;      /* as the store reads it: one of its events says so; never written */
};

/* "InProgress"; and back, -1 if there is none of that name. */
const char *revision_status_name(enum revision_status status);
int revision_status_parse(const char *name);
bool revision_ended(enum revision_status status);

#endif
