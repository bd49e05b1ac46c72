/* What the rollback's files share: rollback.c reads, judges and writes, rollback_patch.c makes the
 * patch, rollback_fields.c the managedFields. */
#ifndef PROCTOR_HISTORY_ROLLBACK_INTERNAL_H
#define PROCTOR_HISTORY_ROLLBACK_INTERNAL_H

#include "history/rollback.h"

#define ROLLBACK_MANAGER "proctor-rollback"

/* The first patch, against the object as it was read. */
cJSON *rollback_patch(struct arena *arena, const struct rollback_request *request,
                      const cJSON *object, const cJSON *pod_template);

/* The managedFields that the object is to have: those it has without our own entry, where what is
 * owned of spec.template is as in `then` (NULL: not known, nobody gets anything). */
cJSON *rollback_fields(struct arena *arena, const cJSON *now, const cJSON *then);

#endif
