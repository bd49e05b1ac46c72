/* The JSON schema of policy files, exceptions and suites, for editors: draft-07, as the YAML
 * language server reads it.
 *
 * Made from the loader's own rows (policy/keys.h, policy/verb.h, cli/test/suite_keys.h).  It knows
 * which keys there are, what may stand there and which belong together; what needs Kubernetes'
 * schema or several rules at once (fields, resources, conflicts) is `proctor lint`'s.
 */
#ifndef PROCTOR_CLI_SCHEMA_FILE_H
#define PROCTOR_CLI_SCHEMA_FILE_H

#include "base/json.h"

/* The schema of one document, whichever of the kinds it is; lives in `arena`. */
cJSON *schema_file_make(struct arena *arena);

#endif
