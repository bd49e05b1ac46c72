/* What Kubernetes itself would refuse of an object, as far as an object alone can tell: for
 * offline review, which must not call allowed what no policy forbids and no cluster takes.
 *
 *   as written -> foresee_decoding -> (defaults, policies) -> foresee_storing -> etcd
 *
 * Repeats the API server's decoding with fieldValidation=Strict, which is what kubectl asks for,
 * and of its validation (pkg/apis/.../validation) what people run into: what must be there, what
 * values a field takes, names, bounds, duplicates, selectors, mounts, what must not change.  What
 * hangs on the cluster (quotas, names that must exist, addresses, its version) it cannot know.
 * It errs to silence: what it names, Kubernetes refuses; what it does not name may be refused.
 * tests/e2e/parity holds both against real API servers.
 */
#ifndef PROCTOR_KUBE_FORESEE_H
#define PROCTOR_KUBE_FORESEE_H

#include "kube/schema.h"

struct foreseen {
    const char *field; /* spec.template.spec.containers[0].name, as Kubernetes writes it */
    const char *text;  /* "Required value" */
    struct foreseen *next;
};

/* All zero: nothing foreseen.  What is added lives in `arena`. */
struct foresight {
    struct arena *arena;
    struct foreseen *first, *last;
    size_t count;
    bool creates;        /* there is no old object */
    const cJSON *claims; /* a StatefulSet's volumeClaimTemplates: volumes of its pods */
    bool undecodable;    /* it has no version or a wrong type: webhooks are not asked */
};

/* A kind that the table has not in this version: served no more by any supported Kubernetes, if the
 * table has it in another version of its group.  Nothing is foreseen of a kind that is none of
 * Kubernetes' own. */
void foresee_kind(const char *group, const char *version, const char *kind, struct foresight *out);

/* An object as it was written: unknown members and wrong types. */
void foresee_decoding(const struct schema_kind *kind, const cJSON *object, struct foresight *out);

/* An object as it would be stored, defaulted, after the mutating webhooks; `old` is the stored one,
 * defaulted, or NULL. */
void foresee_storing(const struct schema_kind *kind, const cJSON *object, const cJSON *old,
                     struct foresight *out);

/* "would be refused by Kubernetes", then a line for each; NULL if nothing is foreseen. */
const char *foresight_message(const struct foresight *foresight);

#endif
