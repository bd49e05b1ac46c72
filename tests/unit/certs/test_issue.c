/* certs/issue, store and manifest: what is issued, and that nothing is overwritten. */
#include "certs/folder.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/scope.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */
#define DAY 86400

static const struct issue_names service = {.service = "proctor", .space = "course"};

static struct folder_set make(const struct issue_names *names)
{
    struct folder_set set;
    struct err err;
    if (issue_set(names, NOW, 3650, 365, &set, &err) < 0)
        TEST_FAIL("%s", err.text);
    return set;
}

static X509 *first_cert(const struct folder_set *set, enum folder_file file)
{
    SCOPED_LIST certs = NULL;
    struct err err;
    if (inspect_parse_certs(&set->files[file], "test", &certs, &err) < 0)
        TEST_FAIL("%s", err.text);
    return sk_X509_shift(certs);
}

static bool ends_at(const ASN1_TIME *time, time_t want)
{
    return ASN1_TIME_cmp_time_t(time, want) == 0;
}

TEST(leaf_has_the_services_three_names_and_its_dates)
{
    struct folder_set set = make(&service);
    SCOPED_X509 leaf = first_cert(&set, FOLDER_TLS_CERT);
    CHECK(X509_check_host(leaf, "proctor.course.svc", 0, 0, NULL) == 1);
    CHECK(X509_check_host(leaf, "proctor.course.svc.cluster.local", 0, 0, NULL) == 1);
    CHECK(X509_check_host(leaf, "proctor.course", 0, 0, NULL) == 1);
    CHECK(X509_check_host(leaf, "proctor.other.svc", 0, 0, NULL) == 0);
    CHECK(ends_at(X509_get0_notBefore(leaf), NOW - DAY));
    CHECK(ends_at(X509_get0_notAfter(leaf), NOW + 365 * DAY));
    CHECK(X509_get_extended_key_usage(leaf) == XKU_SSL_SERVER);
    CHECK(X509_get_key_usage(leaf) == KU_DIGITAL_SIGNATURE);
    CHECK(X509_check_ca(leaf) == 0);
    CHECK(ASN1_STRING_length(X509_get0_serialNumber(leaf)) > 8);
    folder_set_done(&set);
}

TEST(ca_signs_the_leaf_and_may_sign_nothing_below)
{
    struct folder_set set = make(&service);
    SCOPED_X509 leaf = first_cert(&set, FOLDER_TLS_CERT);
    SCOPED_X509 ca = first_cert(&set, FOLDER_CA_CERT);
    CHECK(X509_verify(leaf, X509_get0_pubkey(ca)) == 1);
    CHECK(X509_verify(ca, X509_get0_pubkey(ca)) == 1);
    CHECK(X509_check_issued(ca, leaf) == X509_V_OK);
    CHECK(X509_check_ca(ca) == 1);
    CHECK_INT(X509_get_pathlen(ca), 0);
    CHECK(X509_get_key_usage(ca) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    CHECK(ends_at(X509_get0_notAfter(ca), NOW + 3650L * DAY));
    folder_set_done(&set);
}

TEST(leaf_never_outlives_its_ca)
{
    SCOPED_NAMES names = NULL;
    SCOPED_X509 ca = NULL;
    SCOPED_X509 leaf = NULL;
    SCOPED_PKEY ca_key = NULL;
    SCOPED_PKEY key = NULL;
    struct err err;
    CHECK(issue_make_names(&service, &names, &err) == 0);
    CHECK(issue_ca(NOW, 10, &ca, &ca_key, &err) == 0);
    CHECK(issue_leaf(ca, ca_key, names, NOW, 365, &leaf, &key, &err) == 0);
    CHECK(ends_at(X509_get0_notAfter(leaf), NOW + 10 * DAY));
    X509 *late = NULL;
    EVP_PKEY *late_key = NULL;
    CHECK(issue_leaf(ca, ca_key, names, NOW + 11 * DAY, 5, &late, &late_key, &err) == -ERR_CERT);
    CHECK(late == NULL && late_key == NULL);
}

TEST(names_are_checked_and_kept_once)
{
    static const char *const dns[] = {"a.example", "a.example", "*.b.example"};
    static const char *const ips[] = {"127.0.0.1", "::1", "127.0.0.1"};
    struct issue_names names = {.dns = dns, .dns_count = 3, .ips = ips, .ip_count = 3};
    SCOPED_NAMES made = NULL;
    struct err err;
    CHECK(issue_make_names(&names, &made, &err) == 0);
    CHECK_INT(sk_GENERAL_NAME_num(made), 4);

    static const char *const bad[] = {
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a,IP:1.2.3.4",
        "a\nb",
        "*",
        "a.*.b",
        "x234567890123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        GENERAL_NAMES *none = NULL;
        struct issue_names one = {.dns = &bad[i], .dns_count = 1};
        if (issue_make_names(&one, &none, &err) != -ERR_USAGE || none != NULL)
            TEST_FAIL("taken as a DNS name: \"%s\"", bad[i]);
        struct issue_names address = {.ips = &bad[i], .ip_count = 1};
        CHECK(issue_make_names(&address, &none, &err) == -ERR_USAGE);
    }
    GENERAL_NAMES *none = NULL;
    struct issue_names nothing = {0};
    CHECK(issue_make_names(&nothing, &none, &err) == -ERR_USAGE);
    struct issue_names dotted = {.service = "a.b", .space = "c"};
    CHECK(issue_make_names(&dotted, &none, &err) == -ERR_USAGE);
}

TEST(name_too_long_for_a_common_name_still_stands_among_the_names)
{
    static const char *const dns[] = {"a234567890123456789012345678901234567890."
                                      "b234567890123456789012345678901234567890"};
    struct issue_names names = {.dns = dns, .dns_count = 1};
    struct folder_set set = make(&names);
    SCOPED_X509 leaf = first_cert(&set, FOLDER_TLS_CERT);
    CHECK(X509_check_host(leaf, dns[0], 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1);
    CHECK_INT(X509_NAME_entry_count(X509_get_subject_name(leaf)), 1);
    folder_set_done(&set);
}

static char folder_path[64];

static struct folder fresh_folder(void)
{
    struct folder folder;
    struct err err;
    snprintf(folder_path, sizeof folder_path, "/tmp/proctor-test-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    if (folder_open(folder_path, true, &folder, &err) < 0)
        TEST_FAIL("%s", err.text);
    return folder;
}

static void remove_folder(struct folder *folder)
{
    for (size_t i = 0; i < FOLDER_FILES; i++)
        unlinkat(folder->fd, folder_names[i], 0);
    folder_close(folder);
    CHECK(rmdir(folder_path) == 0); /* nothing else is left in it */
}

TEST(files_have_their_modes_and_are_never_overwritten)
{
    struct folder_set set = make(&service);
    struct folder folder = fresh_folder();
    struct stat status;
    struct err err;
    CHECK(folder_create(&folder, &set, &err) == 0);
    CHECK(fstatat(folder.fd, "tls.key", &status, 0) == 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    CHECK(fstatat(folder.fd, "ca.key", &status, 0) == 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    CHECK(fstatat(folder.fd, "ca.crt", &status, 0) == 0);
    CHECK_INT(status.st_mode & 0777, 0644);

    CHECK(unlinkat(folder.fd, "ca.crt", 0) == 0 && unlinkat(folder.fd, "ca.key", 0) == 0 &&
          unlinkat(folder.fd, "tls.crt", 0) == 0);
    CHECK(folder_create(&folder, &set, &err) == -ERR_IO);
    CHECK(strstr(err.text, "holds tls.key already") != NULL);
    CHECK(fstatat(folder.fd, "ca.crt", &status, 0) != 0);
    remove_folder(&folder);
    folder_set_done(&set);
}

TEST(a_dangling_link_is_not_written_through)
{
    struct folder_set set = make(&service);
    struct folder folder = fresh_folder();
    struct err err;
    CHECK(symlinkat("/tmp/proctor-test-elsewhere", folder.fd, "tls.key") == 0);
    CHECK(folder_create(&folder, &set, &err) == -ERR_IO);
    CHECK(access("/tmp/proctor-test-elsewhere", F_OK) != 0);
    remove_folder(&folder);
    folder_set_done(&set);
}

/* As after a kill between two links: staged files, one of them in place, beside a stranger's. */
TEST(an_interrupted_issue_is_undone_and_strangers_stay)
{
    struct folder_set set = make(&service);
    struct folder folder = fresh_folder();
    struct err err;
    CHECK(folder_create(&folder, &set, &err) == 0);
    CHECK(mkdirat(folder.fd, ".proctor-new", 0700) == 0);
    CHECK(linkat(folder.fd, "ca.crt", folder.fd, ".proctor-new/ca.crt", 0) == 0);
    CHECK(linkat(folder.fd, "ca.key", folder.fd, ".proctor-new/ca.key", 0) == 0);
    folder_close(&folder);

    CHECK(folder_open(folder_path, true, &folder, &err) == 0);
    CHECK(faccessat(folder.fd, "ca.crt", F_OK, 0) != 0);
    CHECK(faccessat(folder.fd, "ca.key", F_OK, 0) != 0);
    CHECK(faccessat(folder.fd, ".proctor-new", F_OK, 0) != 0);
    CHECK(faccessat(folder.fd, "tls.crt", F_OK, 0) == 0);
    remove_folder(&folder);
    folder_set_done(&set);
}

TEST(two_runs_in_one_folder_exclude_each_other)
{
    struct folder folder = fresh_folder(), second;
    struct err err;
    CHECK(folder_open(folder_path, false, &second, &err) == -ERR_IO);
    CHECK(strstr(err.text, "another") != NULL);
    remove_folder(&folder);
}

TEST(manifest_quotes_names_and_holds_every_key)
{
    struct folder_set set = make(&service);
    struct folder_text text;
    struct err err;
    CHECK(issue_manifest(&set, "on", "123", false, &text, &err) == 0);
    CHECK(strstr(text.data, "name: \"on\"\n  namespace: \"123\"") != NULL);
    CHECK(strstr(text.data, "type: kubernetes.io/tls") != NULL);
    CHECK(strstr(text.data, "\n  tls.key: LS0t") != NULL);
    CHECK(strstr(text.data, "\n  ca.key: LS0t") != NULL);
    CHECK(strstr(text.data, "caBundle: LS0t") != NULL);
    folder_text_done(&text);
    folder_set_done(&set);
}

TEST_MAIN
