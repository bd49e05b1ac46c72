#include "certs/inspect.h"

#include "certs/issue.h"
#include "certs/scope.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_A_DAY 86400L

static bool has_line(const struct folder_text *text, const char *words)
{
    return memmem(text->data, text->length, words, strlen(words)) != NULL;
}

static bool holds_key(const struct folder_text *text)
{
    return has_line(text, "PRIVATE KEY-----");
}

int inspect_parse_certs(const struct folder_text *text, const char *path,
                        STACK_OF(X509) * *ret_certs, struct err *reterr)
{
    SCOPED_BIO bio = BIO_new_mem_buf(text->data, (int)text->length);
    SCOPED_LIST certs = sk_X509_new_null();
    if (bio == NULL || certs == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (holds_key(text))
        return err_set(reterr, ERR_CERT,
                       "%s: holds a private key, and a certificate is wanted here (tls.crt)", path);
    ERR_clear_error();
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;) {
        if (sk_X509_push(certs, cert) <= 0) {
            X509_free(cert);
            return err_set(reterr, ERR_NO_MEMORY, "out of memory");
        }
    }
    /* At the end of a good file the reason is NO_START_LINE; any other is a broken one. */
    unsigned long last = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!ended)
        return err_set(reterr, ERR_CERT,
                       "%s: certificate %d in it is damaged: copy the file again, or issue anew",
                       path, sk_X509_num(certs) + 1);
    if (sk_X509_num(certs) == 0)
        return err_set(reterr, ERR_CERT,
                       "%s: no certificate in it: it must be PEM, with -----BEGIN CERTIFICATE-----",
                       path);
    *ret_certs = certs;
    certs = NULL;
    return 0;
}

/* Gives no password, so that OpenSSL never asks at the terminal. */
static int no_password(char *room, int size, int writing, void *asked)
{
    (void)room;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

int inspect_parse_key(const struct folder_text *text, const char *path, EVP_PKEY **ret_key,
                      struct err *reterr)
{
    bool asked = false;
    SCOPED_BIO bio = BIO_new_mem_buf(text->data, (int)text->length);
    if (bio == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
    ERR_clear_error();
    if (key != NULL) {
        *ret_key = key;
        return 0;
    }
    if (asked)
        return err_set(reterr, ERR_CERT,
                       "%s: the key is encrypted, and nobody can type its password: "
                       "`openssl pkey -in %s -out PLAIN.key` decrypts it",
                       path, path);
    if (has_line(text, "-----BEGIN CERTIFICATE-----") && !holds_key(text))
        return err_set(reterr, ERR_CERT,
                       "%s: holds a certificate, and a private key is wanted here", path);
    return err_set(reterr, ERR_CERT,
                   "%s: no readable private key in it: it must be PEM, with "
                   "-----BEGIN PRIVATE KEY-----",
                   path);
}

bool inspect_is_ours(const X509 *cert)
{
    char organization[64];
    X509_NAME *issuer = X509_get_issuer_name(cert);
    int length =
        X509_NAME_get_text_by_NID(issuer, NID_organizationName, organization, sizeof organization);
    return length > 0 && strcmp(organization, ISSUE_ORGANIZATION) == 0;
}

static time_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

long inspect_days_left(const X509 *cert, time_t now)
{
    long seconds = (long)(seconds_of(X509_get0_notAfter(cert)) - now);
    long days = seconds / SECONDS_A_DAY;
    return seconds < 0 && seconds % SECONDS_A_DAY != 0 ? days - 1 : days;
}

static cJSON *time_node(struct arena *arena, const ASN1_TIME *time)
{
    time_t seconds = seconds_of(time);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_new_string(arena, text);
}

static cJSON *name_node(struct arena *arena, const X509_NAME *name)
{
    SCOPED_BIO bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    if (bio == NULL ||
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return json_new_string(arena, "");
    long length = BIO_get_mem_data(bio, &data);
    return json_new_string(arena, arena_strndup(arena, data, (size_t)length));
}

static cJSON *alternative_names(struct arena *arena, const X509 *cert)
{
    cJSON *list = json_new_array(arena);
    SCOPED_NAMES names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        char address[INET6_ADDRSTRLEN];
        const char *text = NULL;
        if (type == GEN_DNS)
            text = arena_strndup(arena, (const char *)ASN1_STRING_get0_data(value),
                                 (size_t)ASN1_STRING_length(value));
        else if (type == GEN_IPADD)
            text = inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                             ASN1_STRING_get0_data(value), address, sizeof address);
        if (text != NULL)
            json_append(list, json_new_string(arena, text));
    }
    return list;
}

static cJSON *usages_node(struct arena *arena, X509 *cert)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } usages[] = {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
                  {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
                  {KU_KEY_CERT_SIGN, "keyCertSign"},
                  {KU_CRL_SIGN, "cRLSign"}},
      extended[] = {{XKU_SSL_SERVER, "serverAuth"}, {XKU_SSL_CLIENT, "clientAuth"}};
    cJSON *list = json_new_array(arena);
    uint32_t flags = X509_get_extension_flags(cert);
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(cert) & usages[i].bit) != 0)
            json_append(list, json_new_string(arena, usages[i].name));
    }
    for (size_t i = 0; i < sizeof extended / sizeof extended[0]; i++) {
        if ((flags & EXFLAG_XKUSAGE) != 0 &&
            (X509_get_extended_key_usage(cert) & extended[i].bit) != 0)
            json_append(list, json_new_string(arena, extended[i].name));
    }
    return list;
}

static cJSON *key_node(struct arena *arena, const X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    char group[64] = "";
    if (key == NULL)
        return json_new_string(arena, "unknown");
    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return json_new_string(arena, "ECDSA P-256");
    return json_new_string(arena, arena_printf(arena, "%s %d bit%s%s", EVP_PKEY_get0_type_name(key),
                                               EVP_PKEY_get_bits(key), group[0] ? " " : "", group));
}

static const char *hex(struct arena *arena, const unsigned char *bytes, size_t count)
{
    struct buf text;
    buf_init(&text, arena, 4096);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%02X", i > 0 ? ":" : "", bytes[i]);
    return text.data;
}

cJSON *inspect_describe(struct arena *arena, X509 *cert, time_t now)
{
    cJSON *root = json_new_object(arena);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_length = 0;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    if (X509_digest(cert, EVP_sha256(), digest, &digest_length) != 1)
        digest_length = 0;
    json_add(arena, root, "subject", name_node(arena, X509_get_subject_name(cert)));
    json_add(arena, root, "issuer", name_node(arena, X509_get_issuer_name(cert)));
    json_add(arena, root, "names", alternative_names(arena, cert));
    json_add(arena, root, "notBefore", time_node(arena, X509_get0_notBefore(cert)));
    json_add(arena, root, "notAfter", time_node(arena, X509_get0_notAfter(cert)));
    json_add(arena, root, "daysLeft", json_new_int(arena, inspect_days_left(cert, now)));
    json_add(arena, root, "key", key_node(arena, cert));
    json_add(arena, root, "signature",
             json_new_string(arena, OBJ_nid2ln(X509_get_signature_nid(cert))));
    json_add(arena, root, "usages", usages_node(arena, cert));
    json_add(arena, root, "isCA", json_new_bool(arena, X509_check_ca(cert) == 1));
    json_add(arena, root, "serial",
             json_new_string(arena, hex(arena, ASN1_STRING_get0_data(serial),
                                        (size_t)ASN1_STRING_length(serial))));
    json_add(arena, root, "sha256", json_new_string(arena, hex(arena, digest, digest_length)));
    return root;
}
