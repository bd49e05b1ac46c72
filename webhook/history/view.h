/* What the API server shows of one project, as small structs: the machine judges these and never
 * sees JSON.
 *
 *     watch events --view_deployment, view_set, view_pod--> struct project_view --> machine_step
 *
 * Times as the API server stamped them (microseconds since 1970, 0: absent); only ever compared
 * with each other.  Text lives in the arena that the view was made in; NULL: absent.
 */
#ifndef PROCTOR_HISTORY_VIEW_H
#define PROCTOR_HISTORY_VIEW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of objects are from 0 to this, far above what any API server counts, so that sums and
 * microseconds of them fit; any other is as if it were absent. */
#define VIEW_NUMBER_MAX 1000000000000LL

struct view_deployment {
    const char *namespace_, *name, *uid, *resource_version;
    int64_t generation, observed_generation;
    int64_t k8s_revision;
    const char *template_sha;
    const cJSON *object; /* whole, for what is stored by value */
    bool deleting, paused, recreate;
    int64_t replicas;                         /* spec */
    int64_t updated, available, total, ready; /* status */
    int64_t deadline_seconds;                 /* 0: never */
    struct {
        bool present, is_true, is_false;
        const char *reason, *message, *last_update; /* lastUpdateTime as written */
        const char *names_set;                      /* the ReplicaSet in its message; NULL */
    } progressing;
    const char *replica_failure; /* its message while ReplicaFailure is True */
    const char *history_id;      /* annotation proctor.dev/history-id */
    const char *change_cause;    /* annotation kubernetes.io/change-cause */
    const char *policy_changes;  /* annotation proctor.dev/policy-changes */
    const char *last_applied;    /* annotation kubectl.kubernetes.io/last-applied-configuration */
    const char *manager;         /* of the newest managedFields entry that is not of the status */
    const cJSON *pod_template;   /* spec.template */
};

struct view_set {
    const char *name, *uid, *owner_uid, *template_sha;
    int64_t k8s_revision, replicas, created, ready, available;
    int64_t created_at;
    const char *revision_history; /* numbers that it had before: "1,3" */
    const cJSON *pod_template;
};

/* One container of one pod, init containers too. */
struct view_container {
    const char *name, *image, *image_digest;
    bool ready, running;
    int64_t restarts, exit_code;
    const char *waiting_reason, *waiting_message;
    const char *last_reason, *last_message; /* of its last end: OOMKilled, Error, ... */
    int64_t started_at, ended_at;
};

struct view_pod {
    const char *name, *uid, *owner_uid, *node, *phase, *reason;
    bool ready, deleting;
    int64_t created_at;
    struct view_container *containers;
    size_t container_count;
};

/* All of one project at one moment. */
struct project_view {
    const struct view_deployment *deployment; /* NULL: it does not exist */
    const struct view_set *sets;
    size_t set_count;
    const struct view_pod *pods;
    size_t pod_count;
};

/* From the API server's objects.  ERR_ANSWER if it is no such object. */
NODISCARD int view_deployment(struct arena *arena, const cJSON *object,
                              struct view_deployment *ret_deployment, struct err *reterr);
NODISCARD int view_set(struct arena *arena, const cJSON *object, struct view_set *ret_set,
                       struct err *reterr);
NODISCARD int view_pod(struct arena *arena, const cJSON *object, struct view_pod *ret_pod,
                       struct err *reterr);

/* The object's number of that key; `otherwise` if there is none within the bounds. */
int64_t view_number(const cJSON *object, const char *key, int64_t otherwise);

/* The pod template in canonical JSON (keys in byte order, null and empty members as the API
 * server stores them, without the label pod-template-hash), and its SHA-256: the identity of a
 * version.  Kubernetes' own hash changes with API versions and collisions. */
const char *view_canonical_template(struct arena *arena, const cJSON *pod_template);
const char *view_template_sha(struct arena *arena, const cJSON *pod_template);

/* What kind of change leads from one template to the other, of the finest that covers it all:
 * image, env, config (volumes, envFrom, ConfigMap and Secret references), restart (kubectl's
 * restartedAt alone), policy (annotations of proctor.dev alone), other. */
const char *view_change_kind(const cJSON *before, const cJSON *after);

/* The set whose template is this Deployment's: the oldest one of equal template, as the
 * deployment controller chooses it; NULL: not yet. */
const struct view_set *view_new_set(const struct project_view *view);

#endif
