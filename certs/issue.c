#include "certs/issue.h"

#include "certs/scope.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define DNS_NAME_MAX 253
#define CN_MAX       64 /* ub-common-name, RFC 5280 */

static int openssl_failed(const char *what, struct err *reterr)
{
    char reason[160];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    ERR_clear_error();
    return err_set(reterr, ERR_INTERNAL, "OpenSSL cannot %s: %s", what, reason);
}

/* RFC 1123 labels; "*" alone as the first one. */
static bool is_dns_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > DNS_NAME_MAX)
        return false;
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    while (true) {
        size_t span = strcspn(name, ".");
        if (span == 0 || span > 63 || name[0] == '-' || name[span - 1] == '-')
            return false;
        for (size_t i = 0; i < span; i++) {
            if (!isalnum((unsigned char)name[i]) && name[i] != '-')
                return false;
        }
        if (name[span] == '\0')
            return true;
        name += span + 1;
    }
}

/* Adds the name unless it is there already; takes no ownership of the bytes. */
static int add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t length,
                    struct err *reterr)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int seen_type = 0;
        const ASN1_STRING *seen =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &seen_type);
        if (seen_type == type && (size_t)ASN1_STRING_length(seen) == length &&
            memcmp(ASN1_STRING_get0_data(seen), bytes, length) == 0)
            return 0;
    }
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = type == GEN_DNS ? (ASN1_STRING *)ASN1_IA5STRING_new()
                                         : (ASN1_STRING *)ASN1_OCTET_STRING_new();
    if (name == NULL || value == NULL || ASN1_STRING_set(value, bytes, (int)length) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    }
    return 0;
}

static int add_dns(GENERAL_NAMES *names, const char *name, struct err *reterr)
{
    if (!is_dns_name(name))
        return err_set(reterr, ERR_USAGE, "\"%.260s\" is not a DNS name", name);
    return add_name(names, GEN_DNS, name, strlen(name), reterr);
}

static int add_ip(GENERAL_NAMES *names, const char *text, struct err *reterr)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1)
        return add_name(names, GEN_IPADD, bytes, 4, reterr);
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return add_name(names, GEN_IPADD, bytes, 16, reterr);
    return err_set(reterr, ERR_USAGE, "\"%.100s\" is not an IP address", text);
}

static int add_service(GENERAL_NAMES *names, const char *service, const char *space,
                       struct err *reterr)
{
    static const char *const tails[] = {".svc", ".svc.cluster.local", ""};
    if (strchr(service, '.') != NULL || strchr(space, '.') != NULL)
        return err_set(reterr, ERR_USAGE,
                       "\"%.100s\" in \"%.100s\": a Service's and a namespace's name have no dots",
                       service, space);
    int r = 0;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && r == 0; i++) {
        char name[DNS_NAME_MAX + 2];
        snprintf(name, sizeof name, "%s.%s%s", service, space, tails[i]);
        r = add_dns(names, name, reterr);
    }
    return r;
}

int issue_make_names(const struct issue_names *names, GENERAL_NAMES **ret_names, struct err *reterr)
{
    SCOPED_NAMES made = GENERAL_NAMES_new();
    if (made == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    int r = 0;
    if (names->service != NULL)
        r = add_service(made, names->service, names->space, reterr);
    for (size_t i = 0; i < names->dns_count && r == 0; i++)
        r = add_dns(made, names->dns[i], reterr);
    for (size_t i = 0; i < names->ip_count && r == 0; i++)
        r = add_ip(made, names->ips[i], reterr);
    if (r == 0 && sk_GENERAL_NAME_num(made) == 0)
        r = err_set(reterr, ERR_USAGE,
                    "no name to issue for: give --service and --namespace, --dns or --ip");
    if (r < 0)
        return r;
    *ret_names = made;
    made = NULL;
    return 0;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return good;
}

static bool set_subject(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);
    const unsigned char *organization = (const unsigned char *)ISSUE_ORGANIZATION;
    if (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, organization, -1, -1, 0) != 1)
        return false;
    return common_name == NULL ||
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1;
}

struct extension {
    int nid;
    const char *value;
};

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *extensions)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    for (; extensions->value != NULL; extensions++) {
        X509_EXTENSION *made =
            X509V3_EXT_conf_nid(NULL, &context, extensions->nid, extensions->value);
        bool good = made != NULL && X509_add_ext(cert, made, -1) == 1;
        X509_EXTENSION_free(made);
        if (!good)
            return false;
    }
    return true;
}

/* What CA and leaf have in common; the issuer's name is set by the caller. */
static bool start_cert(X509 *cert, EVP_PKEY *key, const char *common_name, time_t now, long days)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           set_subject(cert, common_name) && X509_set_pubkey(cert, key) == 1 &&
           X509_time_adj_ex(X509_getm_notBefore(cert), -ISSUE_BACKDATE_DAYS, 0, &now) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, &now) != NULL;
}

int issue_ca(time_t now, long days, X509 **ret_cert, EVP_PKEY **ret_key, struct err *reterr)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {0, NULL}};
    unsigned char random[4];
    char common_name[CN_MAX];
    SCOPED_PKEY key = EVP_EC_gen("P-256");
    SCOPED_X509 cert = X509_new();
    if (key == NULL || cert == NULL || RAND_bytes(random, sizeof random) != 1)
        return openssl_failed("make a key", reterr);
    /* A name of its own, so that an old and a new CA in one bundle are never confused. */
    snprintf(common_name, sizeof common_name, "Proctor CA %02x%02x%02x%02x", random[0], random[1],
             random[2], random[3]);
    if (!start_cert(cert, key, common_name, now, days) ||
        X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        !add_extensions(cert, cert, extensions) || X509_sign(cert, key, EVP_sha256()) <= 0)
        return openssl_failed("make the CA certificate", reterr);
    *ret_cert = cert;
    *ret_key = key;
    cert = NULL;
    key = NULL;
    return 0;
}

/* The first DNS name, if it fits into a common name. */
static const char *first_dns(const GENERAL_NAMES *names, char text[CN_MAX + 1])
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_DNS && ASN1_STRING_length(value) <= CN_MAX) {
            snprintf(text, CN_MAX + 1, "%.*s", ASN1_STRING_length(value),
                     (const char *)ASN1_STRING_get0_data(value));
            return text;
        }
    }
    return NULL;
}

int issue_leaf(X509 *ca, EVP_PKEY *ca_key, GENERAL_NAMES *names, time_t now, long days,
               X509 **ret_cert, EVP_PKEY **ret_key, struct err *reterr)
{
    static const struct extension extensions[] = {{NID_basic_constraints, "critical,CA:FALSE"},
                                                  {NID_key_usage, "critical,digitalSignature"},
                                                  {NID_ext_key_usage, "serverAuth"},
                                                  {NID_subject_key_identifier, "hash"},
                                                  {NID_authority_key_identifier, "keyid:always"},
                                                  {0, NULL}};
    char common_name[CN_MAX + 1];
    if (X509_cmp_time(X509_get0_notAfter(ca), &now) <= 0)
        return err_set(reterr, ERR_CERT, "the CA certificate has expired");
    SCOPED_PKEY key = EVP_EC_gen("P-256");
    SCOPED_X509 cert = X509_new();
    if (key == NULL || cert == NULL)
        return openssl_failed("make a key", reterr);
    if (!start_cert(cert, key, first_dns(names, common_name), now, days))
        return openssl_failed("make the serving certificate", reterr);
    if (ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(ca)) > 0 &&
        X509_set1_notAfter(cert, X509_get0_notAfter(ca)) != 1)
        return openssl_failed("set the end of the serving certificate", reterr);
    if (X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
        !add_extensions(cert, ca, extensions) ||
        X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1 ||
        X509_sign(cert, ca_key, EVP_sha256()) <= 0)
        return openssl_failed("sign the serving certificate", reterr);
    *ret_cert = cert;
    *ret_key = key;
    cert = NULL;
    key = NULL;
    return 0;
}

static int take_pem(BIO *bio, bool written, struct folder_text *ret_text, struct err *reterr)
{
    char *data = NULL;
    long length = written ? BIO_get_mem_data(bio, &data) : 0;
    if (length <= 0)
        return openssl_failed("write PEM", reterr);
    return folder_text_copy(ret_text, data, (size_t)length, reterr);
}

int issue_cert_pem(X509 *cert, struct folder_text *ret_text, struct err *reterr)
{
    SCOPED_BIO bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL && PEM_write_bio_X509(bio, cert) == 1;
    return take_pem(bio, written, ret_text, reterr);
}

int issue_key_pem(EVP_PKEY *key, struct folder_text *ret_text, struct err *reterr)
{
    /* A memory BIO wipes its bytes when it is freed or grows. */
    SCOPED_BIO bio = BIO_new(BIO_s_mem());
    bool written =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_pem(bio, written, ret_text, reterr);
}

int issue_set(const struct issue_names *names, time_t now, long ca_days, long leaf_days,
              struct folder_set *ret_set, struct err *reterr)
{
    SCOPED_NAMES general = NULL;
    SCOPED_X509 ca = NULL;
    SCOPED_X509 leaf = NULL;
    SCOPED_PKEY ca_key = NULL;
    SCOPED_PKEY leaf_key = NULL;
    struct folder_set set = {0};
    int r = issue_make_names(names, &general, reterr);
    if (r == 0)
        r = issue_ca(now, ca_days, &ca, &ca_key, reterr);
    if (r == 0)
        r = issue_leaf(ca, ca_key, general, now, leaf_days, &leaf, &leaf_key, reterr);
    if (r == 0)
        r = issue_cert_pem(ca, &set.files[FOLDER_CA_CERT], reterr);
    if (r == 0)
        r = issue_key_pem(ca_key, &set.files[FOLDER_CA_KEY], reterr);
    if (r == 0)
        r = issue_cert_pem(leaf, &set.files[FOLDER_TLS_CERT], reterr);
    if (r == 0)
        r = issue_key_pem(leaf_key, &set.files[FOLDER_TLS_KEY], reterr);
    if (r < 0) {
        folder_set_done(&set);
        return r;
    }
    *ret_set = set;
    return 0;
}
