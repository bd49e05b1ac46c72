/* inspect_check: every rule of `proctor certs check`. */
#include "certs/inspect.h"

#include "certs/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECURITY_BITS_MIN 112 /* RSA 2048, P-224; NIST SP 800-57 */

struct check {
    const char *folder;
    const struct inspect_options *options;
    struct inspect_report *report;
    STACK_OF(X509) * leafs; /* tls.crt: the leaf and what follows it; NULL if unreadable */
    STACK_OF(X509) * cas;
    EVP_PKEY *key;
    EVP_PKEY *ca_key;
    bool renewable; /* ca.key is there: `renew` can mend */
};

__attribute__((format(printf, 2, 3))) static struct inspect_finding *found(struct check *check,
                                                                           const char *format, ...)
{
    struct inspect_report *report = check->report;
    struct inspect_finding *finding =
        &report->findings[report->count < INSPECT_FINDINGS_MAX ? report->count++
                                                               : INSPECT_FINDINGS_MAX - 1];
    va_list args;
    va_start(args, format);
    vsnprintf(finding->what, sizeof finding->what, format, args);
    va_end(args);
    /* What mends most: a new leaf from our CA, or, without its key, a new pair. */
    if (check->renewable)
        snprintf(finding->mend, sizeof finding->mend, "proctor certs renew --force %s",
                 check->folder);
    else
        snprintf(finding->mend, sizeof finding->mend,
                 "proctor certs issue --service NAME --namespace NS --out NEW-FOLDER");
    return finding;
}

__attribute__((format(printf, 2, 3))) static void mended_by(struct inspect_finding *finding,
                                                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->mend, sizeof finding->mend, format, args);
    va_end(args);
}

static void read_certs(struct check *check, int fd, enum folder_file file, STACK_OF(X509) * *certs)
{
    char path[300];
    struct err err;
    struct folder_text text = {0};
    snprintf(path, sizeof path, "%s/%s", check->folder, folder_names[file]);
    if (folder_read(fd, folder_names[file], path, &text, &err) < 0 ||
        inspect_parse_certs(&text, path, certs, &err) < 0)
        found(check, "%s", err.text);
    folder_text_done(&text);
}

static void check_mode(struct check *check, const char *path, mode_t mode, mode_t forbidden)
{
    if ((mode & forbidden) != 0)
        mended_by(
            found(check, "%s: others can read the private key (mode %04o)", path, (unsigned)mode),
            "chmod 600 %s", path);
}

static void read_key(struct check *check, int fd, enum folder_file file, mode_t forbidden,
                     EVP_PKEY **key)
{
    char path[300];
    struct err err;
    struct folder_text text = {0};
    snprintf(path, sizeof path, "%s/%s", check->folder, folder_names[file]);
    int r = folder_read(fd, folder_names[file], path, &text, &err);
    if (r == 0) {
        check_mode(check, path, text.mode, forbidden);
        r = inspect_parse_key(&text, path, key, &err);
    }
    if (r < 0)
        found(check, "%s", err.text);
    folder_text_done(&text);
}

static void check_dates(struct check *check, X509 *cert, const char *name)
{
    time_t now = check->options->now;
    long days = inspect_days_left(cert, now);
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
        mended_by(found(check, "%s/%s: is not valid yet", check->folder, name),
                  "date    # is this machine's clock right?");
    if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0)
        found(check, "%s/%s: expired %ld days ago", check->folder, name, -days);
    else if (days < check->options->min_days)
        found(check, "%s/%s: ends in %ld days, and at least %ld are wanted", check->folder, name,
              days, check->options->min_days);
}

static void check_strength(struct check *check, X509 *cert, const char *name)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int digest = NID_undef, bits = 0;
    if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN)
        found(check, "%s/%s: its key is weak: ECDSA P-256 or RSA of 2048 bits is the least",
              check->folder, name);
    if (X509_get_signature_info(cert, &digest, NULL, &bits, NULL) == 1 &&
        (digest == NID_sha1 || digest == NID_md5))
        found(check, "%s/%s: is signed with %s, which can be forged", check->folder, name,
              OBJ_nid2sn(digest));
}

static bool covers_host(X509 *cert, const char *host)
{
    return X509_check_host(cert, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1 ||
           X509_check_ip_asc(cert, host, 0) == 1;
}

static void check_leaf(struct check *check, X509 *leaf)
{
    const char *host = check->options->host;
    SCOPED_NAMES names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    check->report->days_left = inspect_days_left(leaf, check->options->now);
    check_dates(check, leaf, "tls.crt");
    check_strength(check, leaf, "tls.crt");
    if (X509_check_ca(leaf) == 1)
        found(check, "%s/tls.crt: is a CA certificate, and a server must not hold one",
              check->folder);
    else if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1)
        found(check, "%s/tls.crt: its usages do not allow a server (serverAuth)", check->folder);
    if (names == NULL)
        found(check, "%s/tls.crt: has no subjectAltName, and the API server reads no other name",
              check->folder);
    if (host != NULL && !covers_host(leaf, host))
        mended_by(found(check, "%s/tls.crt: is not for %s", check->folder, host),
                  "proctor certs issue --dns %s --out NEW-FOLDER", host);
    if (check->key != NULL && X509_check_private_key(leaf, check->key) != 1)
        found(check, "%s/tls.key: does not belong to %s/tls.crt", check->folder, check->folder);
}

/* OpenSSL's own judgement of the chain; dates are reported by check_dates. */
static void check_chain(struct check *check, X509 *leaf)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool ready = store != NULL && context != NULL;
    for (int i = 0; ready && i < sk_X509_num(check->cas); i++)
        ready = X509_STORE_add_cert(store, sk_X509_value(check->cas, i)) == 1;
    if (ready && X509_STORE_CTX_init(context, store, leaf, check->leafs) == 1) {
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
        if (X509_verify_cert(context) != 1)
            found(check, "%s/tls.crt: does not verify against %s/ca.crt: %s", check->folder,
                  check->folder, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    } else {
        found(check, "%s/ca.crt: OpenSSL does not take it", check->folder);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
}

static void check_ca(struct check *check)
{
    bool key_fits = check->ca_key == NULL;
    for (int i = 0; i < sk_X509_num(check->cas); i++) {
        X509 *ca = sk_X509_value(check->cas, i);
        /* Behind the first stand CAs that a renewal keeps until their leaves are gone. */
        if (i == 0)
            check_dates(check, ca, "ca.crt");
        check_strength(check, ca, "ca.crt");
        if (X509_check_ca(ca) != 1)
            found(check, "%s/ca.crt: certificate %d in it is no CA", check->folder, i + 1);
        key_fits = key_fits || X509_check_private_key(ca, check->ca_key) == 1;
    }
    if (!key_fits)
        mended_by(
            found(check, "%s/ca.key: does not belong to %s/ca.crt", check->folder, check->folder),
            "proctor certs issue --service NAME --namespace NS --out NEW-FOLDER");
}

int inspect_check(const char *folder, const struct inspect_options *options,
                  struct inspect_report *ret_report, struct err *reterr)
{
    SCOPED_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(reterr, ERR_IO,
                       "%s: cannot open the folder: %s: give the folder that holds tls.crt", folder,
                       strerror(errno));
    SCOPED_LIST leafs = NULL;
    SCOPED_LIST cas = NULL;
    SCOPED_PKEY key = NULL;
    SCOPED_PKEY ca_key = NULL;
    bool has_ca_key = faccessat(fd, "ca.key", F_OK, 0) == 0;
    *ret_report = (struct inspect_report){0};
    struct check check = {
        .folder = folder, .options = options, .report = ret_report, .renewable = has_ca_key};
    read_certs(&check, fd, FOLDER_TLS_CERT, &leafs);
    /* A Secret mount with fsGroup is readable to its group: that is as it should be. */
    read_key(&check, fd, FOLDER_TLS_KEY, 0007, &key);
    read_certs(&check, fd, FOLDER_CA_CERT, &cas);
    if (has_ca_key)
        read_key(&check, fd, FOLDER_CA_KEY, 0077, &ca_key);
    check.leafs = leafs;
    check.cas = cas;
    check.key = key;
    check.ca_key = ca_key;
    if (leafs != NULL)
        check_leaf(&check, sk_X509_value(leafs, 0));
    if (cas != NULL)
        check_ca(&check);
    if (leafs != NULL && cas != NULL)
        check_chain(&check, sk_X509_value(leafs, 0));
    return 0;
}
