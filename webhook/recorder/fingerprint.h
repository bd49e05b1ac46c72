/* The configuration that a version runs with, as fingerprints: ConfigMaps by their content's hash,
 * Secrets by their resourceVersion, if that is asked for at all.  Never a value: of Secrets only
 * the metadata leave the API server.
 */
#ifndef PROCTOR_RECORDER_FINGERPRINT_H
#define PROCTOR_RECORDER_FINGERPRINT_H

#include "client/client.h"
#include "history/store.h"

/* In place of a fingerprint: there was no such object. */
#define FINGERPRINT_MISSING "missing"

/* Takes those of all that a template names.  What may not be read is left out.
 * Errors: the client's, but ERR_FORBIDDEN. */
NODISCARD int fingerprint_take(struct kube_client *client, struct arena *arena,
                               const char *namespace_, const cJSON *pod_template, bool secrets,
                               struct store_config_ref **ret_refs, size_t *ret_count,
                               struct err *reterr);

/* What differs between then and now, in words for a person; NULL: nothing that is known. */
const char *fingerprint_warning(struct arena *arena, int64_t number,
                                const struct store_config_ref *then, size_t then_count,
                                const struct store_config_ref *now, size_t now_count);

#endif
