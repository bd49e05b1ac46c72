/* The two Secrets: what is made can be read again, what is not Proctor's is refused, and what is
 * damaged is told apart from what is lost. */
#include "base/limits.h"
#include "certs/issue.h"
#include "certs/scope.h"
#include "cli/certs/certs_secret.h"

#include "tests/unit/test.h"

#include <time.h>

static struct arena arena;

static GENERAL_NAMES *names_of(const char *service)
{
    struct issue_names names = {.service = service, .space = "hydrosim-system"};
    GENERAL_NAMES *made = NULL;
    struct err err;
    if (issue_make_names(&names, &made, &err) < 0)
        TEST_FAIL("%s", err.text);
    return made;
}

struct made {
    X509 *ca, *leaf;
    EVP_PKEY *ca_key, *key;
    cJSON *ca_secret, *tls_secret;
    const char *bundle;
};

static void name_it(cJSON *secret, const char *name)
{
    cJSON *metadata = json_get(secret, "metadata");
    json_add(&arena, metadata, "name", json_new_string(&arena, name));
    json_add(&arena, metadata, "namespace", json_new_string(&arena, "hydrosim-system"));
}

static struct made make(void)
{
    struct made made = {0};
    struct err err;
    struct certs_held held = {0};
    static bool ready;
    if (!ready) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        arena_use(&arena);
        ready = true;
    }
    SCOPED_NAMES names = names_of("proctor-webhook");
    CHECK(issue_ca(time(NULL), 3650, &made.ca, &made.ca_key, &err) == 0);
    CHECK(issue_leaf(made.ca, made.ca_key, names, time(NULL), 365, &made.leaf, &made.key, &err) ==
          0);
    CHECK(certs_secret_of_ca(&arena, NULL, made.ca, made.ca_key, NULL, &made.ca_secret, &err) == 0);
    name_it(made.ca_secret, "proctor-webhook-ca");
    CHECK(certs_held_read_ca(&held, made.ca_secret, &err) == 0);
    CHECK(certs_held_bundle(&arena, &held, &made.bundle, &err) == 0);
    certs_held_done(&held);
    CHECK(certs_secret_of_leaf(&arena, NULL, made.leaf, made.key, made.bundle, &made.tls_secret,
                               &err) == 0);
    name_it(made.tls_secret, "proctor-webhook-tls");
    return made;
}

static void made_done(struct made *made)
{
    X509_free(made->ca);
    X509_free(made->leaf);
    EVP_PKEY_free(made->ca_key);
    EVP_PKEY_free(made->key);
}

static void set(cJSON *secret, const char *key, const char *base64)
{
    cJSON *data = json_get(secret, "data");
    if (json_find(data, key) != NULL)
        json_unlink(data, json_find(data, key));
    if (base64 != NULL)
        json_add(&arena, data, key, json_new_string(&arena, base64));
}

static const char *data_of(const cJSON *secret, const char *key)
{
    return json_string(json_path(secret, "data", key, NULL));
}

TEST(what_is_made_is_read_again)
{
    struct made made = make();
    struct certs_held held = {0};
    struct err err;
    char want[CERTS_PRINT_BYTES], got[CERTS_PRINT_BYTES];
    CHECK(certs_held_read_ca(&held, made.ca_secret, &err) == 0);
    CHECK(certs_held_read_tls(&held, made.tls_secret, &err) == 0);
    CHECK(X509_cmp(held.ca, made.ca) == 0 && held.old == NULL);
    CHECK(X509_cmp(held.leaf, made.leaf) == 0 && held.leaf_has_key);
    CHECK_STRING(data_of(made.tls_secret, "ca.crt"), data_of(made.ca_secret, "ca.crt"));
    CHECK_STRING(json_get_string(made.tls_secret, "type"), "kubernetes.io/tls");
    certs_print(made.leaf, want);
    certs_print(held.leaf, got);
    CHECK(strlen(want) == 64);
    CHECK_STRING(got, want);
    CHECK(certs_ends_at(held.leaf) - certs_begins_at(held.leaf) == 366 * 86400);
    certs_held_done(&held);
    made_done(&made);
}

TEST(old_ones_are_behind_the_ca_and_go_again)
{
    struct made made = make(), next = make();
    struct certs_held held = {0};
    struct err err;
    cJSON *secret = NULL, *after = NULL;
    SCOPED_LIST old = sk_X509_new_null();
    CHECK(X509_up_ref(made.ca) == 1 && sk_X509_push(old, made.ca) == 1);
    CHECK(certs_secret_of_ca(&arena, made.ca_secret, next.ca, next.ca_key, old, &secret, &err) ==
          0);
    CHECK(certs_held_read_ca(&held, secret, &err) == 0);
    CHECK(X509_cmp(held.ca, next.ca) == 0 && sk_X509_num(held.old) == 1);
    CHECK(X509_cmp(sk_X509_value(held.old, 0), made.ca) == 0);
    const char *bundle = NULL;
    CHECK(certs_held_bundle(&arena, &held, &bundle, &err) == 0);
    CHECK(strncmp(bundle, next.bundle, strlen(next.bundle) - 8) == 0);
    CHECK(strlen(bundle) > strlen(next.bundle) * 3 / 2);
    cJSON *tls = certs_secret_with_bundle(&arena, made.tls_secret, bundle);
    CHECK_STRING(data_of(tls, "ca.crt"), bundle);
    CHECK_STRING(data_of(tls, "tls.key"), data_of(made.tls_secret, "tls.key"));
    SCOPED_LIST rescued = certs_held_rescue(tls);
    CHECK(rescued != NULL && sk_X509_num(rescued) == 2);
    CHECK(certs_secret_of_ca(&arena, secret, held.ca, held.ca_key, NULL, &after, &err) == 0);
    CHECK(json_path(after, "data", "ca-old.crt", NULL) == NULL);
    CHECK_STRING(data_of(after, "ca.key"), data_of(next.ca_secret, "ca.key"));
    certs_held_done(&held);
    made_done(&made);
    made_done(&next);
}

TEST(somebody_elses_secret_is_refused)
{
    struct made made = make();
    struct certs_held held = {0};
    struct err err;
    SCOPED_PKEY key = EVP_EC_gen("P-256");
    SCOPED_X509 other = X509_new();
    CHECK(X509_set_version(other, X509_VERSION_3) == 1 && X509_set_pubkey(other, key) == 1);
    X509_gmtime_adj(X509_getm_notBefore(other), 0);
    X509_gmtime_adj(X509_getm_notAfter(other), 86400);
    CHECK(X509_sign(other, key, EVP_sha256()) > 0);
    cJSON *secret = NULL;
    CHECK(certs_secret_of_ca(&arena, made.ca_secret, other, key, NULL, &secret, &err) == 0);
    CHECK(certs_held_read_ca(&held, secret, &err) == -ERR_CERT);
    CHECK(strstr(err.text, "hydrosim-system/proctor-webhook-ca is not Proctor's") != NULL);
    certs_held_done(&held);
    CHECK(certs_secret_of_leaf(&arena, made.tls_secret, other, key, "", &secret, &err) == 0);
    CHECK(certs_held_read_tls(&held, secret, &err) == -ERR_CERT);
    certs_held_done(&held);
    cJSON *metadata = json_get(made.tls_secret, "metadata");
    json_unlink(metadata, json_find(metadata, "labels"));
    CHECK(certs_held_read_tls(&held, made.tls_secret, &err) == -ERR_CERT);
    CHECK(strstr(err.text, "no label app.kubernetes.io/managed-by") != NULL);
    certs_held_done(&held);
    made_done(&made);
}

TEST(a_damaged_leaf_is_renewed_and_a_damaged_ca_is_not)
{
    struct made made = make(), other = make();
    struct certs_held held = {0};
    struct err err;
    set(made.tls_secret, "tls.key", data_of(other.tls_secret, "tls.key"));
    CHECK(certs_held_read_tls(&held, made.tls_secret, &err) == 0);
    CHECK(held.leaf != NULL && !held.leaf_has_key);
    certs_held_done(&held);
    set(made.tls_secret, "tls.crt", "AAAA");
    CHECK(certs_held_read_tls(&held, made.tls_secret, &err) == 0);
    CHECK(held.leaf == NULL);
    set(made.tls_secret, "tls.crt", NULL);
    CHECK(certs_held_read_tls(&held, made.tls_secret, &err) == 0);
    CHECK(held.leaf == NULL);
    static const char *const wrong[] = {"!", "AAAA", "", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set(made.ca_secret, "ca.key", wrong[i]);
        CHECK(certs_held_read_ca(&held, made.ca_secret, &err) == -ERR_CERT);
        CHECK(strstr(err.text, "ca.key") != NULL && strstr(err.text, "delete secret") != NULL);
        certs_held_done(&held);
    }
    set(made.ca_secret, "ca.key", data_of(other.ca_secret, "ca.key"));
    CHECK(certs_held_read_ca(&held, made.ca_secret, &err) == -ERR_CERT);
    CHECK(strstr(err.text, "does not belong") != NULL);
    certs_held_done(&held);
    made_done(&made);
    made_done(&other);
}

TEST(a_path_is_made_and_its_newest_line_is_read_again)
{
    struct made made = make();
    struct err err;
    cJSON *secret = NULL, *other = NULL;
    const char *path = NULL, *second = NULL;
    CHECK(certs_secret_of_path(&arena, &secret, &err) == 0);
    CHECK(certs_secret_of_path(&arena, &other, &err) == 0);
    name_it(secret, "proctor-recorder-record");
    CHECK(certs_path_read(&arena, secret, &path, &err) == 0);
    CHECK(strlen(path) == 48 && strspn(path, "0123456789abcdef") == 48);
    CHECK(certs_path_read(&arena, other, &second, &err) == 0);
    CHECK(strcmp(path, second) != 0);
    /* "newest-of-two-lines\nolder-of-two-lines\n", as a person writes it to change the path. */
    set(secret, "path", "bmV3ZXN0LW9mLXR3by1saW5lcwpvbGRlci1vZi10d28tbGluZXMK");
    CHECK(certs_path_read(&arena, secret, &path, &err) == 0);
    CHECK_STRING(path, "newest-of-two-lines");
    /* Too short; "../../../../validate"; with a NUL behind 16 letters; no base64; empty; none. */
    static const char *const wrong[] = {
        "c2hvcnQ=", "Li4vLi4vLi4vLi4vdmFsaWRhdGU=", "YWFhYWFhYWFhYWFhYWFhYQBi", "!", "", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set(secret, "path", wrong[i]);
        path = "untouched";
        CHECK(certs_path_read(&arena, secret, &path, &err) < 0);
        CHECK_STRING(path, "untouched");
        CHECK(strstr(err.text, "proctor-recorder-record") != NULL);
    }
    set(secret, "path", data_of(other, "path"));
    cJSON *metadata = json_get(secret, "metadata");
    json_unlink(metadata, json_find(metadata, "labels"));
    CHECK(certs_path_read(&arena, secret, &path, &err) == -ERR_CERT);
    CHECK(strstr(err.text, "--path-secret") != NULL);
    made_done(&made);
}

TEST(names_are_looked_for_in_the_leaf)
{
    struct made made = make();
    SCOPED_NAMES same = names_of("proctor-webhook");
    SCOPED_NAMES other = names_of("proctor-hook");
    CHECK(certs_has_names(made.leaf, same));
    CHECK(!certs_has_names(made.leaf, other));
    made_done(&made);
}

TEST_MAIN
