/* Certificates and keys as kubeconfigs carry them. */
#ifndef PROCTOR_CLIENT_PEM_H
#define PROCTOR_CLIENT_PEM_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* Decodes base64 (RFC 4648 with padding; line ends are skipped).  ERR_KUBECONFIG if it is none or
 * holds a NUL. */
NODISCARD int pem_decode_base64(struct arena *arena, const char *text, const char **ret_bytes,
                                struct err *reterr);

/* Whether every certificate in the text can be read, and there is one.  ERR_KUBECONFIG. */
NODISCARD int pem_check_certs(const char *certs, struct err *reterr);

/* Whether the first certificate is the key's, and has not ended by `now`.  Nobody is asked for
 * the password of an encrypted key.  ERR_KUBECONFIG. */
NODISCARD int pem_check_pair(const char *certs, const char *key, int64_t now, struct err *reterr);

#endif
