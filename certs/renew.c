#include "certs/renew.h"

#include "certs/folder.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/scope.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* What the folder holds now; ca is borrowed from cas, leaf from leafs. */
struct held {
    struct folder_set set;
    STACK_OF(X509) * cas;
    STACK_OF(X509) * leafs;
    EVP_PKEY *ca_key;
    X509 *ca;
    X509 *leaf;
    bool pair_matches;
};

static void held_done(struct held *held)
{
    folder_set_done(&held->set);
    scope_free_list(held->cas);
    scope_free_list(held->leafs);
    EVP_PKEY_free(held->ca_key);
}

static int read_one(const struct folder *folder, enum folder_file file, struct held *held,
                    char *path, size_t path_size, struct err *reterr)
{
    snprintf(path, path_size, "%s/%s", folder->path, folder_names[file]);
    return folder_read(folder->fd, folder_names[file], path, &held->set.files[file], reterr);
}

/* tls.key may be missing or wrong: renewing is what mends that. */
static void read_pair(const struct folder *folder, struct held *held)
{
    char path[300];
    SCOPED_PKEY key = NULL;
    if (read_one(folder, FOLDER_TLS_KEY, held, path, sizeof path, NULL) == 0 &&
        inspect_parse_key(&held->set.files[FOLDER_TLS_KEY], path, &key, NULL) == 0)
        held->pair_matches = X509_check_private_key(held->leaf, key) == 1;
    ERR_clear_error();
}

static int read_held(const struct folder *folder, struct held *held, struct err *reterr)
{
    char path[300];
    int r = read_one(folder, FOLDER_CA_KEY, held, path, sizeof path, reterr);
    if (r < 0)
        return err_wrap(reterr, "only a folder with its CA's key can be renewed");
    r = inspect_parse_key(&held->set.files[FOLDER_CA_KEY], path, &held->ca_key, reterr);
    if (r == 0)
        r = read_one(folder, FOLDER_CA_CERT, held, path, sizeof path, reterr);
    if (r == 0)
        r = inspect_parse_certs(&held->set.files[FOLDER_CA_CERT], path, &held->cas, reterr);
    if (r == 0)
        r = read_one(folder, FOLDER_TLS_CERT, held, path, sizeof path, reterr);
    if (r == 0)
        r = inspect_parse_certs(&held->set.files[FOLDER_TLS_CERT], path, &held->leafs, reterr);
    if (r < 0)
        return r;
    held->leaf = sk_X509_value(held->leafs, 0);
    read_pair(folder, held);
    return 0;
}

/* The CA in the bundle that ca.key belongs to, and that the leaf is one of ours. */
static int judge_held(const struct folder *folder, struct held *held, struct err *reterr)
{
    bool signed_here = false;
    for (int i = 0; i < sk_X509_num(held->cas); i++) {
        X509 *ca = sk_X509_value(held->cas, i);
        if (held->ca == NULL && X509_check_private_key(ca, held->ca_key) == 1)
            held->ca = ca;
        signed_here = signed_here || X509_verify(held->leaf, X509_get0_pubkey(ca)) == 1;
    }
    ERR_clear_error();
    if (held->ca == NULL)
        return err_set(reterr, ERR_CERT,
                       "%s: ca.key does not belong to ca.crt: put the right one back, or "
                       "`proctor certs issue` into a new folder",
                       folder->path);
    if (!inspect_is_ours(held->ca) || !inspect_is_ours(held->leaf) || !signed_here)
        return err_set(reterr, ERR_CERT,
                       "%s: Proctor did not issue these certificates, so it does not replace "
                       "them: renew them where they come from, or `proctor certs issue` into a "
                       "new folder",
                       folder->path);
    return 0;
}

static long lifetime_days(const X509 *cert)
{
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), X509_get0_notAfter(cert)) != 1)
        return ISSUE_LEAF_DAYS;
    return days > 1 ? days - 1 : 1; /* less the day of backdating */
}

/* ca.crt with the new CA first and, behind it, the one that signed until now. */
static int join_bundle(struct folder_set *set, X509 *new_ca, X509 *old_ca, struct err *reterr)
{
    struct folder_text first = {0}, second = {0};
    int r = issue_cert_pem(new_ca, &first, reterr);
    if (r == 0)
        r = issue_cert_pem(old_ca, &second, reterr);
    if (r == 0) {
        char joined[16384];
        int length = snprintf(joined, sizeof joined, "%s%s", first.data, second.data);
        r = length > 0 && (size_t)length < sizeof joined
                ? folder_text_copy(&set->files[FOLDER_CA_CERT], joined, (size_t)length, reterr)
                : err_set(reterr, ERR_TOO_LARGE, "the CA certificates are too large");
    }
    folder_text_done(&first);
    folder_text_done(&second);
    return r;
}

/* Fills `next` with the files to put in place. */
static int make_next(struct held *held, const struct renew_options *options, bool new_ca,
                     struct folder_set *next, long *ret_days, struct err *reterr)
{
    SCOPED_X509 ca = NULL;
    SCOPED_PKEY ca_key = NULL;
    SCOPED_X509 leaf = NULL;
    SCOPED_PKEY key = NULL;
    SCOPED_NAMES names = X509_get_ext_d2i(held->leaf, NID_subject_alt_name, NULL, NULL);
    if (names == NULL)
        return err_set(reterr, ERR_CERT, "tls.crt has no subjectAltName that could be kept");
    int r = 0;
    if (new_ca) {
        r = issue_ca(options->now, options->ca_days, &ca, &ca_key, reterr);
        if (r == 0)
            r = join_bundle(next, ca, held->ca, reterr);
        if (r == 0)
            r = issue_key_pem(ca_key, &next->files[FOLDER_CA_KEY], reterr);
    }
    long days = options->leaf_days > 0 ? options->leaf_days : lifetime_days(held->leaf);
    if (r == 0)
        r = issue_leaf(new_ca ? ca : held->ca, new_ca ? ca_key : held->ca_key, names, options->now,
                       days, &leaf, &key, reterr);
    if (r == 0)
        r = issue_cert_pem(leaf, &next->files[FOLDER_TLS_CERT], reterr);
    if (r == 0)
        r = issue_key_pem(key, &next->files[FOLDER_TLS_KEY], reterr);
    if (r < 0)
        return r;
    next->files[FOLDER_TLS_KEY].mode = held->set.files[FOLDER_TLS_KEY].mode;
    *ret_days = inspect_days_left(leaf, options->now);
    return 0;
}

/* A version folder is whole: what does not change moves over. */
static void carry_over(struct held *held, struct folder_set *next)
{
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        if (next->files[i].data != NULL)
            continue;
        next->files[i] = held->set.files[i];
        held->set.files[i] = (struct folder_text){0};
    }
}

static int renew_held(const struct folder *folder, struct held *held,
                      const struct renew_options *options, struct renew_result *ret_result,
                      struct err *reterr)
{
    long left = inspect_days_left(held->leaf, options->now);
    struct renew_result result = {.days_before = left, .days_after = left};
    bool new_ca = inspect_days_left(held->ca, options->now) <= options->within_days;
    if (!new_ca && !options->force && held->pair_matches && left > options->within_days) {
        *ret_result = result;
        return 0;
    }
    struct folder_set next = {0};
    int r = make_next(held, options, new_ca, &next, &result.days_after, reterr);
    if (r == 0 && folder->versioned)
        carry_over(held, &next);
    if (r == 0)
        r = folder_replace(folder, &next, reterr);
    folder_set_done(&next);
    if (r < 0)
        return r;
    result.renewed = true;
    result.ca_renewed = new_ca;
    *ret_result = result;
    return 0;
}

int renew_folder(const char *path, const struct renew_options *options,
                 struct renew_result *ret_result, struct err *reterr)
{
    struct folder folder;
    struct held held = {0};
    int r = folder_open(path, false, &folder, reterr);
    if (r < 0)
        return r;
    r = read_held(&folder, &held, reterr);
    if (r == 0)
        r = judge_held(&folder, &held, reterr);
    if (r == 0)
        r = renew_held(&folder, &held, options, ret_result, reterr);
    held_done(&held);
    folder_close(&folder);
    return r;
}
