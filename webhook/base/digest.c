#include "base/digest.h"

#include <gnutls/crypto.h>
#include <stdio.h>

bool digest_sha256(const void *bytes, size_t count, char hex[DIGEST_HEX_BYTES])
{
    unsigned char raw[32];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, count, raw) != 0)
        return false;
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(hex + i * 2, 3, "%02x", raw[i]);
    return true;
}
