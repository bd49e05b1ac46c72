/* SHA-256, by GnuTLS, which the webhook links for TLS anyway. */
#ifndef PROCTOR_BASE_DIGEST_H
#define PROCTOR_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_BYTES 65

/* The digest of bytes[0..count) in lower-case hexadecimal; false if the library fails. */
bool digest_sha256(const void *bytes, size_t count, char hex[DIGEST_HEX_BYTES]);

#endif
