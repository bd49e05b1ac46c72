/* The two webhook configurations that register Proctor with the API server, and the switch in
 * them.
 *
 * Disarmed is an entry with the matchCondition disarmed.proctor.dev, whose expression is "false":
 * the API server then never asks, nothing of the configuration is lost, and neither a client-side
 * nor a server-side `kubectl apply` of the manifests takes the condition off, since both merge
 * matchConditions by name and it is not theirs.  The annotation proctor.dev/disarmed says who,
 * when and why, as JSON.
 */
#ifndef PROCTOR_CLI_REGISTRATION_H
#define PROCTOR_CLI_REGISTRATION_H

#include "base/json.h"

#define REGISTRATION_NAME       "proctor"
#define REGISTRATION_CONDITION  "disarmed.proctor.dev"
#define REGISTRATION_ANNOTATION "proctor.dev/disarmed"

enum { REGISTRATION_MUTATING, REGISTRATION_VALIDATING, REGISTRATION_COUNT };

struct registration {
    const char *kind;     /* MutatingWebhookConfiguration */
    const char *resource; /* mutatingwebhookconfigurations, as kubectl takes it */
    const char *list;     /* the path of all of them */
    const char *path;     /* the path of ours */
    const char *effect;   /* what its entries do: "changes and defaults" */
};
extern const struct registration registrations[REGISTRATION_COUNT];

/* Whether the entry's name is Proctor's (NAME.proctor.dev). */
bool registration_is_ours(const cJSON *entry);

/* Whether the entry has the condition that switches it off. */
bool registration_is_disarmed(const cJSON *entry);

/* What the annotation says: {at, by, why}; {why: TEXT} if it is not what `disarm` writes; NULL if
 * there is none.  Lives in `arena`. */
const cJSON *registration_note(struct arena *arena, const cJSON *configuration);

/* The strategic merge patch that disarms every entry of ours, with `note` as its annotation, or
 * with NULL arms it; it holds only for the version that was read.  NULL if there is nothing to
 * change. */
cJSON *registration_patch(struct arena *arena, const cJSON *configuration, const cJSON *note);

#endif
