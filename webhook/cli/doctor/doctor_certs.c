/* The certificate that is served against the caBundle that the API server believes. */
#include "certs/inspect.h"
#include "certs/scope.h"
#include "cli/cluster/registration.h"
#include "cli/doctor/doctor.h"
#include "client/pem.h"

#include <ctype.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <time.h>

#define SOON_DAYS 14

/* The certificates of a base64 member; NULL, with the reason in *reterr. */
static STACK_OF(X509) *
    read_certs(struct doctor *doctor, const char *encoded, const char *name, struct err *reterr)
{
    const char *text = NULL;
    struct folder_text pem = {0};
    STACK_OF(X509) *certs = NULL;
    if (encoded == NULL || encoded[0] == '\0') {
        (void)err_set(reterr, ERR_EMPTY, "is empty");
        return NULL;
    }
    if (pem_decode_base64(doctor->arena, encoded, &text, reterr) < 0 ||
        folder_text_copy(&pem, text, strlen(text), reterr) < 0)
        return NULL;
    int r = inspect_parse_certs(&pem, name, &certs, reterr);
    folder_text_done(&pem);
    return r < 0 ? NULL : certs;
}

/* As Go's TLS does it for the API server: by the bundle alone, for this name, now.  NULL if it
 * verifies, else OpenSSL's words. */
static const char *verify(const struct doctor *doctor, STACK_OF(X509) * bundle,
                          STACK_OF(X509) * chain, const char *host)
{
    const char *words = "out of memory";
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool made = store != NULL && context != NULL;
    for (int i = 0; made && i < sk_X509_num(bundle); i++)
        made = X509_STORE_add_cert(store, sk_X509_value(bundle, i)) == 1;
    if (made && X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, (time_t)doctor->now);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
        X509_VERIFY_PARAM_set1_host(param, host, 0);
        words = X509_verify_cert(context) == 1
                    ? NULL
                    : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return words;
}

static void add_bundle(struct doctor *doctor, size_t which, const char *entries, const char *what)
{
    doctor_add(
        doctor,
        &(struct doctor_words){
            .severity = DOCTOR_ERROR,
            .object = doctor_text(doctor, "%s/%s", registrations[which].kind, REGISTRATION_NAME),
            .field = doctor_text(doctor, "webhooks[%s].clientConfig.caBundle", entries),
            .what = what,
            .why = "The API server does not believe the webhook: every call ends in an x509 "
                   "error.",
            .mend = doctor_renew_now(doctor)});
}

/* What is wrong with the entry's bundle; NULL: nothing, or it is not ours to judge. */
static const char *judge_bundle(struct doctor *doctor, const cJSON *entry, STACK_OF(X509) * served)
{
    struct err err;
    const cJSON *config = json_get(entry, "clientConfig"), *service = json_get(config, "service");
    const char *name = json_get_string(service, "name");
    const char *space = json_get_string(service, "namespace");
    if (!registration_is_ours(entry) || name == NULL || space == NULL)
        return NULL;
    SCOPED_LIST bundle = read_certs(doctor, json_get_string(config, "caBundle"), "caBundle", &err);
    if (bundle == NULL)
        return doctor_text(doctor, "%s", err.text);
    const char *host = doctor_text(doctor, "%s.%s.svc", name, space);
    const char *words = served != NULL ? verify(doctor, bundle, served, host) : NULL;
    if (words == NULL)
        return NULL;
    return doctor_text(doctor, "does not verify the certificate in Secret %s for %s: %s",
                       CLUSTER_TLS, host, words);
}

/* Entries with the same fault are one finding. */
static void check_bundles(struct doctor *doctor, size_t which, const cJSON *entries,
                          STACK_OF(X509) * served)
{
    const char *before = NULL, *names = "";
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        const char *what = judge_bundle(doctor, entry, served);
        const char *name = json_get_string(entry, "name");
        if (what == NULL || name == NULL)
            continue;
        if (before != NULL && strcmp(before, what) == 0) {
            names = doctor_text(doctor, "%s, %s", names, name);
            continue;
        }
        if (before != NULL)
            add_bundle(doctor, which, names, before);
        before = what;
        names = name;
    }
    if (before != NULL)
        add_bundle(doctor, which, names, before);
}

static void check_dates(struct doctor *doctor, X509 *leaf)
{
    const long days = inspect_days_left(leaf, (time_t)doctor->now);
    const cJSON *told = inspect_describe(doctor->arena, leaf, (time_t)doctor->now);
    doctor_say(doctor, "trusted, %ld days left", days);
    if (days >= SOON_DAYS)
        return;
    doctor_add(doctor, &(struct doctor_words){
                           .severity = days < 0 ? DOCTOR_ERROR : DOCTOR_WARNING,
                           .object = "Secret/" CLUSTER_TLS,
                           .field = "tls.crt",
                           .what = doctor_text(doctor, days < 0 ? "ended at %s" : "ends at %s",
                                               json_get_string(told, "notAfter")),
                           .why = days < 0 ? "The API server refuses to speak to the webhook."
                                           : "Renewal should have come 30 days before.",
                           .mend = doctor_renew_now(doctor)});
}

/* "AB:CD" and "abcd" are one. */
static bool same_print(const char *left, const char *right)
{
    for (; *left != '\0' || *right != '\0'; left++, right++) {
        left += *left == ':';
        if (tolower((unsigned char)*left) != tolower((unsigned char)*right))
            return false;
    }
    return true;
}

static void check_served(struct doctor *doctor, X509 *leaf)
{
    const cJSON *told = inspect_describe(doctor->arena, leaf, (time_t)doctor->now), *replica;
    cJSON_ArrayForEach(replica, json_get(doctor->facts, "replicas"))
    {
        const char *print = json_get_string(json_get(replica, "readyz"), "certificate");
        const char *pod = json_get_string(replica, "pod");
        if (print == NULL || pod == NULL || same_print(json_get_string(told, "sha256"), print))
            continue;
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_WARNING,
                       .object = doctor_text(doctor, "Pod/%s", pod),
                       .field = "certificate",
                       .what = doctor_text(doctor, "serves %.16s..., and not what is in Secret %s",
                                           print, CLUSTER_TLS),
                       .why = "Right after a renewal this is normal for up to 2 minutes, until the "
                              "kubelet has brought it; later it is not.",
                       .mend = doctor_text(doctor, "kubectl -n %s rollout restart deployment/%s",
                                           doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK)});
    }
}

/* What is in the Secret; NULL if it cannot be seen or read, which is then a finding. */
static STACK_OF(X509) * read_secret(struct doctor *doctor)
{
    bool absent;
    struct err err;
    const cJSON *secret = doctor_look(doctor, "tls", &absent);
    struct doctor_words words = {.severity = DOCTOR_ERROR,
                                 .object = "Secret/" CLUSTER_TLS,
                                 .why = "Without a certificate the webhook does not start.",
                                 .mend = doctor_renew_now(doctor)};
    if (secret == NULL && !absent)
        return NULL;
    words.what = "is not there";
    if (!absent) {
        STACK_OF(X509) *certs = read_certs(
            doctor, json_get_string(json_get(secret, "data"), "tls.crt"), "tls.crt", &err);
        if (certs != NULL)
            return certs;
        words.field = "tls.crt";
        words.what = doctor_text(doctor, "%s", err.text);
    }
    doctor_add(doctor, &words);
    return NULL;
}

void doctor_check_certificate(struct doctor *doctor)
{
    static const char *const keys[REGISTRATION_COUNT] = {"mutating", "validating"};
    SCOPED_LIST served = read_secret(doctor);
    if (served != NULL) {
        check_dates(doctor, sk_X509_value(served, 0));
        check_served(doctor, sk_X509_value(served, 0));
    }
    for (size_t i = 0; i < REGISTRATION_COUNT; i++)
        check_bundles(doctor, i,
                      json_path(doctor->facts, "seen", keys[i], "object", "webhooks", NULL),
                      served);
    if (doctor->check->worst > DOCTOR_UNSEEN)
        doctor_say(doctor, "not as it should be");
}

/* ---- renewal */

void doctor_check_renewal(struct doctor *doctor)
{
    bool absent;
    const cJSON *cron = doctor_look(doctor, "renewal", &absent);
    const char *last = json_get_string(json_get(cron, "status"), "lastSuccessfulTime");
    struct doctor_words words = {.severity = DOCTOR_ERROR,
                                 .object = "CronJob/" CLUSTER_RENEW,
                                 .why = "The certificate ends one day, and then nothing can be "
                                        "written in " CLUSTER_STUDENTS "."};
    if (absent && doctor_has_manager(doctor)) {
        doctor_say(doctor, "cert-manager's");
        return;
    }
    if (absent) {
        words.what = "is not there";
        words.mend = DOCTOR_APPLY;
        doctor_add(doctor, &words);
    }
    if (cron == NULL)
        return;
    doctor_say(doctor, "last success %s", last != NULL ? last : "not yet");
    if (!json_is_true(json_path(cron, "spec", "suspend", NULL)))
        return;
    words.field = "spec.suspend";
    words.what = "is true";
    words.mend = doctor_text(
        doctor, "kubectl -n %s patch cronjob/" CLUSTER_RENEW " -p '{\"spec\":{\"suspend\":false}}'",
        doctor_word(doctor, doctor->space));
    doctor_add(doctor, &words);
}
