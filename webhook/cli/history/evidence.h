/* One screen that tells why a version failed (or how it fares): what, who, when; its pods with
 * reason, exit code, last words and image digest; Kubernetes' events; and the fix in words.
 *
 *     GET /api/deployments/{id}/evidence  --+
 *     `proctor wait`, from the API server --+--> evidence_print
 *
 * Both are one shape: {"deployment": {...}, "summary", "instances": [...], "events": [...],
 * "kubernetesEvents": [...]}.  What is absent is left out of the screen.
 */
#ifndef PROCTOR_CLI_EVIDENCE_H
#define PROCTOR_CLI_EVIDENCE_H

#include "base/json.h"
#include "cli/cli.h"

#include <stdint.h>

/* `now`: microseconds since 1970, for ages. */
void evidence_print(const struct cli *cli, struct arena *arena, const cJSON *evidence, int64_t now);

/* What to do about it, in a sentence; NULL: it has not failed, or nobody can know.  Lives in
 * `arena`. */
const char *evidence_fix(struct arena *arena, const cJSON *evidence);

/* The same events in the order of their times, copied into `arena`. */
cJSON *evidence_sort(struct arena *arena, const cJSON *events);

/* The colour of a status: Completed, Failed, ... */
enum cli_colour evidence_colour(const char *status);

/* "teacher-a via hydrosim-system/portal-backend-sa"; NULL: not known. */
const char *evidence_who(struct arena *arena, const cJSON *deployment);

#endif
