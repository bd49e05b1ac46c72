/* Scope-cleanup for what certs/ holds: a variable declared with one of these is released when
 * its block ends.  Starts as NULL (or -1), always. */
#ifndef PROCTOR_CERTS_SCOPE_H
#define PROCTOR_CERTS_SCOPE_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define SCOPE_RELEASE(name, type, release)                                                         \
    __attribute__((unused)) static inline void scope_release_##name(type *held)                    \
    {                                                                                              \
        release(*held);                                                                            \
    }

static inline void scope_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

static inline void scope_free_list(STACK_OF(X509) * list)
{
    sk_X509_pop_free(list, X509_free);
}

SCOPE_RELEASE(x509, X509 *, X509_free)
SCOPE_RELEASE(list, STACK_OF(X509) *, scope_free_list)
SCOPE_RELEASE(pkey, EVP_PKEY *, EVP_PKEY_free)
SCOPE_RELEASE(bio, BIO *, BIO_free_all)
SCOPE_RELEASE(names, GENERAL_NAMES *, GENERAL_NAMES_free)
SCOPE_RELEASE(fd, int, scope_close)

#define SCOPED_X509  __attribute__((cleanup(scope_release_x509))) X509 *
#define SCOPED_LIST  __attribute__((cleanup(scope_release_list))) STACK_OF(X509) *
#define SCOPED_PKEY  __attribute__((cleanup(scope_release_pkey))) EVP_PKEY *
#define SCOPED_BIO   __attribute__((cleanup(scope_release_bio))) BIO *
#define SCOPED_NAMES __attribute__((cleanup(scope_release_names))) GENERAL_NAMES *
#define SCOPED_FD    __attribute__((cleanup(scope_release_fd))) int

#endif
