/* certs/renew and the check of inspect: a folder's life, with the clock held. */
#include "certs/folder.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/renew.h"
#include "certs/scope.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1700000000
#define DAY 86400L

static char path[64];

/* A folder in /tmp with certificates of `days` and a CA of `ca_days`. */
static void make_folder(long ca_days, long days)
{
    static const char *const ips[] = {"127.0.0.1"};
    struct issue_names names = {.service = "proctor", .space = "course", .ips = ips, .ip_count = 1};
    struct folder_set set;
    struct folder folder;
    struct err err;
    snprintf(path, sizeof path, "/tmp/proctor-test-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
    CHECK(issue_set(&names, NOW, ca_days, days, &set, &err) == 0);
    CHECK(folder_open(path, false, &folder, &err) == 0);
    if (folder_create(&folder, &set, &err) < 0)
        TEST_FAIL("%s", err.text);
    folder_close(&folder);
    folder_set_done(&set);
}

static const char *file(const char *name)
{
    static char texts[4][160];
    static size_t turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], "%s/%s", path, name);
    return text;
}

static void write_text(const char *name, const char *text)
{
    FILE *out = fopen(file(name), "wb");
    CHECK(out != NULL);
    fputs(text, out);
    fclose(out);
}

static void remove_folder(void)
{
    for (size_t i = 0; i < FOLDER_FILES; i++)
        unlink(file(folder_names[i]));
    CHECK(rmdir(path) == 0);
}

static STACK_OF(X509) * load(const char *name)
{
    STACK_OF(X509) *certs = NULL;
    struct folder_text text;
    struct err err;
    if (folder_read(AT_FDCWD, file(name), name, &text, &err) < 0 ||
        inspect_parse_certs(&text, name, &certs, &err) < 0)
        TEST_FAIL("%s", err.text);
    folder_text_done(&text);
    return certs;
}

static struct renew_result renew(time_t now, bool force)
{
    struct renew_options options = {.now = now, .ca_days = 3650, .within_days = 30, .force = force};
    struct renew_result result;
    struct err err;
    if (renew_folder(path, &options, &result, &err) < 0)
        TEST_FAIL("%s", err.text);
    return result;
}

static int try_renew(struct err *err)
{
    struct renew_options options = {.now = NOW, .ca_days = 3650, .within_days = 30, .force = true};
    struct renew_result result;
    return renew_folder(path, &options, &result, err);
}

static struct inspect_report check(time_t now, const char *host)
{
    struct inspect_options options = {.now = now, .host = host, .min_days = 14};
    struct inspect_report report;
    struct err err;
    CHECK(inspect_check(path, &options, &report, &err) == 0);
    return report;
}

static bool reports(const struct inspect_report *report, const char *words)
{
    for (size_t i = 0; i < report->count; i++) {
        CHECK(report->findings[i].mend[0] != '\0');
        if (strstr(report->findings[i].what, words) != NULL)
            return true;
    }
    return false;
}

TEST(fresh_folder_has_no_findings_and_is_not_due)
{
    make_folder(3650, 365);
    CHECK_INT(check(NOW, "proctor.course.svc").count, 0);
    CHECK_INT(check(NOW, "127.0.0.1").count, 0);
    struct renew_result result = renew(NOW, false);
    CHECK(!result.renewed);
    CHECK_INT(result.days_before, 365);
    remove_folder();
}

TEST(due_leaf_is_renewed_with_the_same_names_ca_and_life)
{
    make_folder(3650, 90);
    char *ca_before = test_read_file(file("ca.crt"), NULL);
    char *key_before = test_read_file(file("tls.key"), NULL);
    CHECK(!renew(NOW + 59 * DAY, false).renewed);
    struct renew_result result = renew(NOW + 60 * DAY, false);
    CHECK(result.renewed && !result.ca_renewed);
    CHECK_INT(result.days_before, 30);
    CHECK_INT(result.days_after, 90);
    char *ca_after = test_read_file(file("ca.crt"), NULL);
    char *key_after = test_read_file(file("tls.key"), NULL);
    CHECK_STRING(ca_after, ca_before);
    CHECK(strcmp(key_after, key_before) != 0);
    CHECK_INT(check(NOW + 60 * DAY, "proctor.course.svc.cluster.local").count, 0);
    CHECK_INT(check(NOW + 60 * DAY, "127.0.0.1").count, 0);
    free(ca_before);
    free(ca_after);
    free(key_before);
    free(key_after);
    remove_folder();
}

TEST(ending_ca_is_replaced_and_both_stay_trusted)
{
    make_folder(100, 100);
    SCOPED_LIST old_leaf = load("tls.crt");
    struct renew_result result = renew(NOW + 80 * DAY, false);
    CHECK(result.renewed && result.ca_renewed);
    SCOPED_LIST bundle = load("ca.crt");
    SCOPED_LIST new_leaf = load("tls.crt");
    CHECK_INT(sk_X509_num(bundle), 2);
    CHECK(X509_verify(sk_X509_value(new_leaf, 0), X509_get0_pubkey(sk_X509_value(bundle, 0))) == 1);
    CHECK(X509_verify(sk_X509_value(old_leaf, 0), X509_get0_pubkey(sk_X509_value(bundle, 1))) == 1);
    CHECK_INT(check(NOW + 80 * DAY, "proctor.course.svc").count, 0);
    CHECK(!renew(NOW + 80 * DAY, true).ca_renewed);
    remove_folder();
}

TEST(check_finds_everything_in_one_run)
{
    make_folder(20, 20);
    CHECK(chmod(file("tls.key"), 0644) == 0);
    struct inspect_report report = check(NOW + 25 * DAY, "other.svc");
    CHECK(reports(&report, "tls.crt: expired 5 days ago"));
    CHECK(reports(&report, "ca.crt: expired 5 days ago"));
    CHECK(reports(&report, "tls.key: others can read the private key (mode 0644)"));
    CHECK(reports(&report, "tls.crt: is not for other.svc"));
    CHECK_INT(report.count, 4);
    report = check(NOW - 2 * DAY, NULL);
    CHECK(reports(&report, "tls.crt: is not valid yet"));
    report = check(NOW + 10 * DAY, NULL);
    CHECK(reports(&report, "tls.crt: ends in 10 days, and at least 14 are wanted"));
    remove_folder();
}

TEST(foreign_key_is_found_and_renewal_mends_it)
{
    make_folder(3650, 365);
    char *ca_key = test_read_file(file("ca.key"), NULL);
    write_text("tls.key", ca_key);
    free(ca_key);
    struct inspect_report report = check(NOW, NULL);
    CHECK(reports(&report, "tls.key: does not belong to"));
    CHECK(strstr(report.findings[0].mend, "proctor certs renew --force /tmp/") != NULL);
    CHECK(renew(NOW, false).renewed);
    CHECK_INT(check(NOW, NULL).count, 0);
    remove_folder();
}

TEST(another_cas_certificate_does_not_verify)
{
    make_folder(3650, 365);
    char first[64];
    snprintf(first, sizeof first, "%s", path);
    char *other = test_read_file(file("ca.crt"), NULL);
    remove_folder();
    make_folder(3650, 365);
    write_text("ca.crt", other);
    free(other);
    struct inspect_report report = check(NOW, NULL);
    CHECK(reports(&report, "tls.crt: does not verify against"));
    CHECK(reports(&report, "ca.key: does not belong to"));
    struct err err;
    CHECK(try_renew(&err) == -ERR_CERT);
    CHECK(strstr(err.text, "ca.key does not belong to ca.crt") != NULL);
    remove_folder();
}

TEST(damaged_files_are_named_and_left_alone)
{
    static const struct {
        const char *name, *text, *words;
    } rows[] = {
        {"tls.crt", "", "tls.crt: is empty"},
        {"tls.crt", "rubbish\n", "tls.crt: no certificate in it"},
        {"tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged"},
        {"tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB", "damaged"},
        {"ca.key", "rubbish\n", "ca.key: no readable private key"},
        {"ca.key", "-----BEGIN CERTIFICATE-----\n", "ca.key: holds a certificate"},
        {"tls.crt", "-----BEGIN PRIVATE KEY-----\n", "tls.crt: holds a private key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err;
        make_folder(3650, 365);
        write_text(rows[i].name, rows[i].text);
        struct inspect_report report = check(NOW, NULL);
        if (!reports(&report, rows[i].words))
            TEST_FAIL("row %zu: check does not say \"%s\"", i, rows[i].words);
        CHECK(try_renew(&err) < 0);
        if (strstr(err.text, rows[i].words) == NULL)
            TEST_FAIL("row %zu: renew says \"%s\"", i, err.text);
        char *after = test_read_file(file(rows[i].name), NULL);
        CHECK_STRING(after, rows[i].text);
        free(after);
        remove_folder();
    }
}

TEST(encrypted_key_is_named_and_nobody_is_asked)
{
    make_folder(3650, 365);
    SCOPED_PKEY key = EVP_EC_gen("P-256");
    FILE *out = fopen(file("tls.key"), "wb");
    CHECK(out != NULL);
    CHECK(PEM_write_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), "word", 4, NULL, NULL) == 1);
    fclose(out);
    struct inspect_report report = check(NOW, NULL);
    CHECK(reports(&report, "tls.key: the key is encrypted"));
    remove_folder();
}

TEST(pipes_links_and_missing_files_do_not_trap)
{
    struct err err;
    make_folder(3650, 365);
    CHECK(unlink(file("ca.crt")) == 0 && mkfifo(file("ca.crt"), 0600) == 0);
    struct inspect_report report = check(NOW, NULL);
    CHECK(reports(&report, "ca.crt: is not an ordinary file"));
    remove_folder();

    make_folder(3650, 365);
    CHECK(rename(file("tls.key"), file("real.key")) == 0);
    CHECK(symlink("real.key", file("tls.key")) == 0);
    char *before = test_read_file(file("tls.crt"), NULL);
    CHECK(try_renew(&err) == -ERR_IO);
    CHECK(strstr(err.text, "is a link") != NULL);
    char *after = test_read_file(file("tls.crt"), NULL);
    CHECK_STRING(after, before);
    free(before);
    free(after);
    CHECK(unlink(file("real.key")) == 0);
    remove_folder();

    make_folder(3650, 365);
    CHECK(unlink(file("ca.key")) == 0);
    CHECK(try_renew(&err) == -ERR_IO);
    CHECK(strstr(err.text, "only a folder with its CA's key can be renewed") != NULL);
    remove_folder();
}

static int remove_entry(const char *entry, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(entry);
}

/* The layout of a Secret mount: names link through ..data. */
TEST(versioned_folder_is_swapped_whole)
{
    make_folder(3650, 365);
    CHECK(mkdir(file("..first"), 0755) == 0);
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        char inside[64], target[64];
        snprintf(inside, sizeof inside, "..first/%s", folder_names[i]);
        snprintf(target, sizeof target, "..data/%s", folder_names[i]);
        CHECK(rename(file(folder_names[i]), file(inside)) == 0);
        CHECK(symlink(target, file(folder_names[i])) == 0);
    }
    CHECK(symlink("..first", file("..data")) == 0);
    char *before = test_read_file(file("..first/tls.crt"), NULL);
    CHECK(renew(NOW, true).renewed);
    char link[128] = "";
    CHECK(readlink(file("..data"), link, sizeof link - 1) > 0);
    CHECK(strncmp(link, "..proctor_", 10) == 0);
    CHECK_INT(check(NOW, "proctor.course.svc").count, 0);
    char *kept = test_read_file(file("..first/tls.crt"), NULL);
    CHECK_STRING(kept, before);
    free(before);
    free(kept);
    CHECK(renew(NOW, true).renewed && renew(NOW, true).renewed);
    CHECK(access(file(link), F_OK) != 0); /* two swaps ago: gone */
    CHECK(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

TEST_MAIN
