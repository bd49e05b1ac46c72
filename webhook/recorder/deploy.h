/* POST /api/projects/{id}/deploy: Deployment, Service and Ingress of a project from an image and
 * its environment, through the API server like everybody else, so that admission judges them.
 *
 *     request --deploy_read--> struct deploy_spec --the policies, as the caller--> the API server
 *         --> watched by its revision; healthy after a delay and some looks, else rolled back
 *
 * What is there already is patched, not applied: a JSON Patch of the few places that differ, fenced
 * by uid and generation.  A server-side apply would have to say again each time all that it ever
 * said (what it leaves out it takes away: replicas that an autoscaler has taken over, variables of
 * the deploy before), and cannot be fenced by the generation.
 *
 * Health: when the rollout has completed, `health_delay_seconds` pass, then come `health_retries`
 * looks, `health_interval_seconds` apart.  A container of this version that restarted meanwhile is
 * a failure at once; the last look must see the Deployment available.  Nothing is sent to the
 * program itself: its readiness probe speaks for it.
 *
 * Blue-green will be a strategy of its own here; the words for it are taken (RECORDER: Blue-green).
 */
#ifndef PROCTOR_RECORDER_DEPLOY_H
#define PROCTOR_RECORDER_DEPLOY_H

#include "recorder/operate.h"

struct deploy;

/* At most so many variables in one request. */
#define DEPLOY_ENV_MOST 500U

struct deploy_env {
    const char *name;
    const char *value; /* NULL: taken out */
};

struct deploy_spec {
    const char *project; /* of the path: deploy_read leaves it NULL */
    const char *image;
    const char *container; /* NULL: the only one, or the one called app, or like the project */
    const struct deploy_env *env;
    size_t env_count;
    bool env_replace;     /* "environment" replaces all of it; else it is merged by name */
    const char *strategy; /* RollingUpdate, Recreate; NULL: as it is, or RollingUpdate */
    int64_t port;         /* of the container; 0: as it is, or 8000 */
    int64_t replicas;     /* -1: as it is, or 1 */
    const char *host;     /* of the Ingress; NULL: as it is, or PROJECT.HOST_DOMAIN */
    bool expose;          /* make Service and Ingress */
    const char *change_cause;
    int64_t health_delay_seconds, health_retries, health_interval_seconds;
    bool rollback_on_failure;
};

struct deploy_options {
    const struct kube_config *kube;
    struct store *store;
    struct operate *operate;
    const char *namespace_;
    const char *host_domain; /* "project.hydrosim.edu" */
};

NODISCARD int deploy_new(const struct deploy_options *options, struct deploy **ret_deploy,
                         struct err *reterr);
void deploy_free(struct deploy *deploy);

/* Reads and checks a body; every fault of it is one cause {field, message} in *ret_causes, and the
 * return is ERR_REFUSED then.  ERR_JSON: it is no JSON. */
NODISCARD int deploy_read(struct arena *arena, const char *body, size_t length,
                          struct deploy_spec *ret_spec, const cJSON **ret_causes,
                          struct err *reterr);

/* 202 and an operation; what comes of it stands in the operation and the events. */
NODISCARD int deploy_begin(struct deploy *deploy, struct arena *arena,
                           const struct operate_request *request, const struct deploy_spec *spec,
                           struct operate_answer *ret_answer, struct err *reterr);

/* At start, and when this replica begins to lead: deploys that were begun go on. */
NODISCARD int deploy_finish(struct deploy *deploy, struct err *reterr);

#endif
