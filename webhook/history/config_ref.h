/* Which configuration a pod template names, and the fingerprint of a ConfigMap: pure.
 *
 * A rollback brings the template of then back, not the ConfigMaps of then: by these one can tell.
 */
#ifndef PROCTOR_HISTORY_CONFIG_REF_H
#define PROCTOR_HISTORY_CONFIG_REF_H

#include "base/json.h"

struct config_ref {
    bool secret; /* else a ConfigMap */
    const char *name;
};

/* What env, envFrom and volumes (projected too) of all containers name, each once, ConfigMaps
 * first, by name; the names are the template's own.  Pull secrets configure no program. */
void config_refs(struct arena *arena, const cJSON *pod_template, struct config_ref **ret_refs,
                 size_t *ret_count);

/* SHA-256 of what is in a ConfigMap, in hexadecimal: its data, not who wrote it when. */
const char *config_ref_hash(struct arena *arena, const cJSON *config_map);

#endif
