/* What tls_load says about files that are no good; good pairs are tests/http's. */
#include "net/tls.h"
#include "tests/unit/test.h"

#include <string.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void refuses(const char *certificate, const char *key, enum err_code code, const char *word)
{
    struct tls_certificate *loaded = NULL;
    struct err err;
    CHECK_INT(tls_load(certificate, key, 0, &loaded, &err), -(int)code);
    CHECK(loaded == NULL);
    if (strstr(err.text, word) == NULL)
        TEST_FAIL("\"%s\" lacks \"%s\"", err.text, word);
}

TEST(bad_files_are_named_and_the_mending_told)
{
    char folder[] = "/tmp/proctor-tls-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    char empty[64], text[64], gone[64];
    snprintf(empty, sizeof empty, "%s/empty", folder);
    snprintf(text, sizeof text, "%s/text", folder);
    snprintf(gone, sizeof gone, "%s/gone", folder);
    write_file(empty, "");
    write_file(text, "no certificate\n");
    refuses(gone, text, ERR_IO, "gone: No such file");
    refuses(empty, text, ERR_CERT, "the file is empty");
    refuses(text, text, ERR_CERT, "no PEM certificate");
    refuses(text, gone, ERR_IO, "proctor certs issue");
    unlink(empty);
    unlink(text);
    rmdir(folder);
}

TEST(nothing_is_served_before_a_certificate_is_installed)
{
    gnutls_pcert_st *chain;
    unsigned count;
    gnutls_privkey_t key;
    char fingerprint[65];
    CHECK_INT(tls_retrieve(NULL, NULL, 0, NULL, 0, &chain, &count, &key), -1);
    CHECK_INT(tls_expires_at(), 0);
    tls_fingerprint(fingerprint);
    CHECK_STRING(fingerprint, "");
}

TEST(priorities_are_understood)
{
    gnutls_priority_t priorities;
    const char *where;
    CHECK_INT(gnutls_priority_init(&priorities, TLS_PRIORITIES, &where), 0);
    gnutls_priority_deinit(priorities);
}

TEST_MAIN
