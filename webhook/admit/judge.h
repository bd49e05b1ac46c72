/* One object judged offline, as the API server and the webhook would do it together:
 *
 *   object -> API defaults -> AdmissionReview -> /mutate -> patch -> API defaults -> /validate
 *
 * Shared by `proctor review`, `proctor test` and the recorder.  Every verdict comes from
 * admit_review; here is only what stands around it.
 */
#ifndef PROCTOR_ADMIT_JUDGE_H
#define PROCTOR_ADMIT_JUDGE_H

#include "admit/admit.h"
#include "kube/foresee.h"

enum judge_road { JUDGE_BOTH, JUDGE_MUTATE, JUDGE_VALIDATE };

/* What a manifest does not say. */
struct judge_settings {
    const struct policy_set *set;
    int64_t now;
    enum judge_road road;
};

/* A request to be made of manifests.  NULL and 0 mean: not given. */
struct judge_question {
    const cJSON *object;
    const cJSON *old_object;
    const cJSON *options;
    enum operation operation; /* 0: UPDATE with an old object, else CREATE */
    const char *resource;     /* "deployments.apps"; else that of the kind */
    const char *subresource;
    const char *name;       /* request.name; else the object's */
    const char *name_space; /* if the object names none */
    const char *user;
    const char *const *groups; /* ends with NULL */
};

struct judgement {
    const char *api_version, *kind; /* of the object judged */
    const char *name;               /* generateName's prefix with a * if there is no name */
    const char *name_space;         /* NULL: cluster-scoped */
    const char *user;
    cJSON *before;           /* the object as defaulted; NULL on DELETE */
    cJSON *after;            /* mutated and defaulted again; NULL on DELETE */
    bool mutated, validated; /* which of the two verdicts there are */
    struct verdict mutation;
    struct verdict validation;
    const cJSON *patch;           /* the mutation's, parsed; NULL: none */
    const char *second_patch;     /* what another /mutate would patch: must be NULL */
    enum verdict_outcome outcome; /* of the whole road */
    const struct verdict *last;   /* the verdict that binds */
    const char **warnings;        /* of both phases, each once, as a client sees them */
    size_t warning_count;
    struct foresight foresight; /* judge_manifest's: what Kubernetes itself would refuse */
};

/* What becomes of one violation. */
enum judge_effect { JUDGE_DENIES, JUDGE_WARNS, JUDGE_AUDITS };
enum judge_effect judge_effect_of(const struct violation *violation);

/* "allowed", "patched", "denied", "not-judged". */
const char *judge_outcome_name(enum verdict_outcome outcome);

/* Makes the AdmissionReview that the API server would send, defaults applied; its uid is
 * JUDGE_UID, so that the same question gives the same bytes.  ERR_TYPE: a member has another type
 * than its schema says; ERR_USAGE: the question does not fit together. */
#define JUDGE_UID "00000000-0000-0000-0000-000000000000"
NODISCARD int judge_make_review(struct arena *arena, const struct judge_question *question,
                                cJSON **ret_review, struct err *reterr);

/* Judges an AdmissionReview, made or recorded; `review` is not changed.  Errors are
 * admit_request_parse's, schema_default's, and ERR_INTERNAL if the engine's own patch does not
 * apply. */
NODISCARD int judge_review(struct arena *arena, const struct judge_settings *settings,
                           const cJSON *review, struct judgement *ret_judgement,
                           struct err *reterr);

/* Makes the review of a manifest and judges it; on the whole road of a CREATE or UPDATE also says
 * what Kubernetes itself would refuse: then the outcome is VERDICT_DENIED, and what the policies
 * say stands beside it.  A manifest that cannot be decoded is not shown to the policies, as the API
 * server does not call webhooks for it; `before` and `after` are NULL.  Errors are those of both.
 */
NODISCARD int judge_manifest(struct arena *arena, const struct judge_settings *settings,
                             const struct judge_question *question, struct judgement *ret_judgement,
                             struct err *reterr);

/* RFC 3339 ("2026-11-21T12:00:00Z", with an offset, or a date alone) as Unix time.  ERR_USAGE. */
NODISCARD int judge_parse_time(const char *text, int64_t *ret_time, struct err *reterr);

#endif
