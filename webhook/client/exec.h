/* A credential plugin: a program of the person's that says who they are (KEP-541). */
#ifndef PROCTOR_CLIENT_EXEC_H
#define PROCTOR_CLIENT_EXEC_H

#include "client/credential.h"

/* Runs config->exec without a shell and reads its ExecCredential (at most LIMIT_EXEC_BYTES, in at
 * most `seconds`, or five minutes if it may ask the person).  What it writes to stderr goes to
 * ours: it speaks to the person.  ERR_KUBECONFIG: not found (with its install hint), failed, too
 * slow, no ExecCredential, no credential in it. */
NODISCARD int exec_run(const struct kube_config *config, long seconds, struct arena *arena,
                       struct credential *ret_credential, struct err *reterr);

#endif
