/* A fresh store for each test: in a temporary file, or, if PROCTOR_TEST_POSTGRES has the URL of a
 * server, in a schema of its own there (tests/store/run). */
#ifndef PROCTOR_TEST_STORE_FIXTURE_H
#define PROCTOR_TEST_STORE_FIXTURE_H

#include "base/limits.h"
#include "history/store.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <unistd.h>

#define FIXTURE_PATH_BYTES 256

__attribute__((unused)) static struct arena arena;
static char fixture_folder[FIXTURE_PATH_BYTES];

static const char *fixture_server(void)
{
    return getenv("PROCTOR_TEST_POSTGRES");
}

/* Removes the folder with its files. */
static void fixture_remove(void)
{
    DIR *folder = opendir(fixture_folder);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(fixture_folder);
}

/* A path in a temporary folder that is gone when the program ends. */
__attribute__((unused)) static const char *fixture_path(const char *name,
                                                        char path[FIXTURE_PATH_BYTES])
{
    if (fixture_folder[0] == '\0') {
        snprintf(fixture_folder, sizeof fixture_folder, "/tmp/proctor-store-XXXXXX");
        if (mkdtemp(fixture_folder) == NULL)
            TEST_FAIL("no temporary folder");
        atexit(fixture_remove);
    }
    snprintf(path, FIXTURE_PATH_BYTES, "%.200s/%.40s", fixture_folder, name);
    return path;
}

/* Constant SQL of the tests' own, straight to the server. */
__attribute__((unused)) static void fixture_sql(const char *url, const char *sql)
{
    PGconn *connection = PQconnectdb(url);
    PQsetNoticeProcessor(connection, NULL, NULL);
    PGresult *result = PQexec(connection, sql);
    const ExecStatusType status = PQresultStatus(result);
    char said[200];
    snprintf(said, sizeof said, "%s", PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        TEST_FAIL("the server did not take the test's SQL: %s", said);
}

/* The URL of a store that is not there yet. */
__attribute__((unused)) static const char *fixture_url(void)
{
    static char url[2 * FIXTURE_PATH_BYTES];
    static int number;
    char name[64];
    snprintf(name, sizeof name, "h%ld_%d", (long)getpid(), ++number);
    if (fixture_server() == NULL)
        return fixture_path(name, url);
    char sql[128];
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", name);
    fixture_sql(fixture_server(), sql);
    snprintf(url, sizeof url, "%s&options=-csearch_path%%3D%s", fixture_server(), name);
    return url;
}

/* Opens it, and leads. */
__attribute__((unused)) static struct store *fixture_open(const char *url)
{
    struct store *store = NULL;
    struct err err = {0};
    bool leads = false;
    if (store_open(&(struct store_options){.url = url}, &store, &err) != 0)
        TEST_FAIL("%s", err.text);
    /* A server takes a moment to see that a killed process has ended its session. */
    for (int i = 0; i < 1000 && !leads; i++) {
        if (store_lead(store, &leads, &err) != 0)
            TEST_FAIL("%s", err.text);
        if (!leads)
            usleep(10000);
    }
    if (!leads)
        TEST_FAIL("it does not lead");
    if (arena.cap_bytes == 0)
        arena_init(&arena, 256 * LIMIT_MIB);
    arena_reset(&arena, LIMIT_MIB);
    return store;
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        struct err ok_err = {0};                                                                   \
        struct err *err = &ok_err;                                                                 \
        if ((call) != 0)                                                                           \
            TEST_FAIL("%s: %s", #call, ok_err.text);                                               \
    } while (0)

/* The call fails with that code and says those words. */
#define FAILS(call, want_code, words)                                                              \
    do {                                                                                           \
        struct err fails_err = {0};                                                                \
        struct err *err = &fails_err;                                                              \
        CHECK_INT(call, -(want_code));                                                             \
        if (strstr(fails_err.text, words) == NULL)                                                 \
            TEST_FAIL("%s: \"%s\" does not say \"%s\"", #call, fails_err.text, words);             \
    } while (0)

/* One effect's commit. */
__attribute__((unused)) static int64_t fixture_insert(struct store *store, int64_t project,
                                                      struct revision revision)
{
    const struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &revision};
    int64_t id = 0;
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, &id, err));
    return id;
}

#endif
