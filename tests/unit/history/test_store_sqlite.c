/* SQLite's own troubles: a file that is taken, full, corrupt, read-only, older, newer, not ours. */
#include "tests/unit/history/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int disk_waits;

/* SQLite's, too: the program's own comes before the library's.  The header has another name. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fdatasync(int fd)
{
    disk_waits++;
    return (int)syscall(SYS_fdatasync, fd);
}

static const char *fresh(void)
{
    static int number;
    static char path[FIXTURE_PATH_BYTES];
    char name[32];
    snprintf(name, sizeof name, "s%d", ++number);
    return fixture_path(name, path);
}

static int open_code(const char *path, bool read_only, struct err *err)
{
    struct store *store = NULL;
    const int r =
        store_open(&(struct store_options){.url = path, .read_only = read_only}, &store, err);
    CHECK((r == 0) == (store != NULL));
    store_close(store);
    return r;
}

/* Constant SQL of the tests' own, as another program would run it on the file. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        TEST_FAIL("%s", said);
    sqlite3_close(db);
}

static void fill(const char *path, int intents)
{
    struct store *store = fixture_open(path);
    int64_t id;
    for (int i = 0; i < intents; i++)
        OK(store_intent(store, &(struct machine_intent){.uid = "u", .change_cause = "because"},
                        "ns", "web", &id, err));
    store_close(store);
}

/* Runs `child` in a process of its own; its exit code. */
static int in_child(void (*child)(const char *path), const char *path)
{
    const pid_t pid = fork();
    if (pid == 0) {
        child(path);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void open_second(const char *path)
{
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(&(struct store_options){.url = path}, &store, &err) == 0)
        _exit(1);
    _exit(strstr(err.text, "in use by another process (pid ") != NULL ? 42 : 2);
}

static void read_second(const char *path)
{
    struct store *store = NULL;
    struct store_figures figures;
    struct err err = {0};
    if (store_open(&(struct store_options){.url = path, .read_only = true}, &store, &err) != 0 ||
        store_figures(store, &figures, &err) != 0)
        _exit(1);
    int64_t id;
    if (store_intent(store, &(struct machine_intent){.uid = "u"}, "ns", "web", &id, &err) == 0)
        _exit(2);
    store_close(store);
    _exit(figures.projects == 1 ? 42 : 3);
}

TEST(a_second_process_is_refused)
{
    const char *path = fresh();
    int64_t id;
    struct store *store = fixture_open(path);
    OK(store_intent(store, &(struct machine_intent){.uid = "u"}, "ns", "web", &id, err));
    CHECK_INT(in_child(open_second, path), 42);
    CHECK_INT(in_child(read_second, path), 42);
    FAILS(open_code(path, false, err), ERR_STORE, "in use by another process");
    OK(store_intent(store, &(struct machine_intent){.uid = "u"}, "ns", "web", &id, err));
    store_close(store);
    OK(open_code(path, false, err));
}

TEST(a_corrupt_file_is_said)
{
    const char *path = fresh();
    fill(path, 200);
    const int fd = open(path, O_RDWR);
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    struct stat found;
    CHECK(fstat(fd, &found) == 0);
    for (off_t at = 8192; at + 4096 <= found.st_size; at += 8192)
        CHECK(pwrite(fd, noise, sizeof noise, at) == sizeof noise);
    FAILS(open_code(path, false, err), ERR_STORE, "corrupt");
    CHECK(pwrite(fd, noise, sizeof noise, 0) == sizeof noise);
    FAILS(open_code(path, false, err), ERR_STORE, "corrupt, or no database");
    close(fd);
}

/* A flipped bit in a template's bytes: its page is well-formed, its content is not. */
TEST(a_corrupt_template_is_said)
{
    const char *path = fresh(), *json = "unset";
    struct store *store = fixture_open(path);
    int64_t id;
    OK(store_intent(store,
                    &(struct machine_intent){.template_sha = "t", .template_json = "{\"a\":1}"},
                    "ns", "web", &id, err));
    store_close(store);
    run_sql(path, "UPDATE template SET compressed = x'789c00'");
    store = fixture_open(path);
    FAILS(store_template_get(store, &arena, "t", &json, err), ERR_STORE, "corrupt");
    store_close(store);
    run_sql(path, "UPDATE template SET length = 4294967296");
    store = fixture_open(path);
    FAILS(store_template_get(store, &arena, "t", &json, err), ERR_STORE, "corrupt");
    CHECK_STRING(json, "unset");
    store_close(store);
}

/* Writes until it fails; then what was there is there, and a smaller history can be written. */
static void write_until_full(struct store *store, const char *words)
{
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    int64_t project, id = 0, last = 0, deleted;
    struct err full = {0};
    OK(store_project(store, "ns", "web", &project, err));
    int r = 0, seq = 0;
    while (r == 0 && seq < 5000) {
        seq++;
        const struct revision row = {
            .seq = seq, .status = REVISION_COMPLETED, .completed_at = seq, .message = text};
        const struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &row};
        last = id;
        r = store_commit(store, project, &effect, 1, NULL, 0, NULL, &id, &full);
    }
    CHECK_INT(r, -ERR_STORE);
    if (strstr(full.text, words) == NULL)
        TEST_FAIL("\"%s\" does not say \"%s\"", full.text, words);
    CHECK(last > 0);
    struct revision row;
    OK(store_revision_seq(store, &arena, project, seq - 1, &row, err));
    FAILS(store_revision_seq(store, &arena, project, seq, &row, err), ERR_NOT_FOUND, "revision");
    OK(store_retain(store, &(struct store_retention){.keep = 2, .size_bytes = 200000}, &deleted,
                    err));
    CHECK(deleted > 0);
    fixture_insert(store, project, (struct revision){.seq = seq, .message = text});
    OK(store_revision_seq(store, &arena, project, seq - 1, &row, err));
}

TEST(a_full_store_is_said_and_goes_on_after_retention)
{
    struct store *store = NULL;
    bool leads;
    OK(store_open(&(struct store_options){.url = fresh(), .size_max_bytes = 1024 * 1024}, &store,
                  err));
    OK(store_lead(store, &leads, err));
    write_until_full(store, "the history's size limit is reached");
    store_close(store);
}

/* The file system's refusal, by the largest size that a file may have; the last intent that was
 * acknowledged is the answer. */
static void fill_disk(const char *path)
{
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    signal(SIGXFSZ, SIG_IGN);
    struct store *store = NULL;
    struct err err = {0};
    const struct rlimit limit = {512 * 1024, 512 * 1024};
    if (store_open(&(struct store_options){.url = path}, &store, &err) != 0 ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(1);
    int64_t id = 0;
    const struct machine_intent intent = {.uid = "u", .change_cause = text};
    while (id < 250 && store_intent(store, &intent, "ns", "web", &id, &err) == 0)
        continue;
    store_close(store);
    _exit(strstr(err.text, "make room") != NULL ? (int)id : 255);
}

TEST(a_full_disk_is_said_and_loses_nothing)
{
    const char *path = fresh();
    const int last = in_child(fill_disk, path);
    CHECK(last > 10 && last < 250);
    struct store *store = fixture_open(path);
    struct store_intent_row *rows;
    size_t count;
    OK(store_intents_open(store, &arena, 0, 0, 999, &rows, &count, err));
    CHECK_INT(count, last);
    CHECK_INT(rows[count - 1].intent.id, last);
    store_close(store);
}

/* Root may write everywhere: who else asks is refused. */
static void open_as_nobody(const char *path)
{
    struct store *store = NULL;
    struct err err = {0};
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(1);
    if (store_open(&(struct store_options){.url = path}, &store, &err) == 0)
        _exit(2);
    _exit(strstr(err.text, "read-only for this user") != NULL ? 42 : 3);
}

TEST(a_read_only_file_or_folder_is_said)
{
    const char *path = fresh();
    char lock[FIXTURE_PATH_BYTES + 8];
    fill(path, 1);
    snprintf(lock, sizeof lock, "%s.lock", path);
    CHECK(chmod(fixture_folder, 0555) == 0);
    CHECK(chmod(path, 0444) == 0);
    CHECK(chmod(lock, 0444) == 0);
    CHECK_INT(in_child(open_as_nobody, path), 42);
    CHECK(chmod(lock, 0666) == 0);
    CHECK_INT(in_child(open_as_nobody, path), 42);
    CHECK(chmod(fixture_folder, 0700) == 0);
    CHECK(chmod(path, 0600) == 0);
    FAILS(open_code("/tmp/no/such/folder/history", false, err), ERR_STORE, "folder does not exist");
    FAILS(open_code("", false, err), ERR_STORE, "no database is named");
    FAILS(open_code("sqlite:", false, err), ERR_STORE, "no database is named");
    FAILS(open_code(fresh(), true, err), ERR_STORE, "open");
}

TEST(only_its_owner_reads_the_files)
{
    const char *path = fresh();
    char wal[FIXTURE_PATH_BYTES + 8];
    struct stat found;
    struct store *store = fixture_open(path);
    snprintf(wal, sizeof wal, "%s-wal", path);
    CHECK(stat(path, &found) == 0);
    CHECK_INT(found.st_mode & 0777, 0600);
    CHECK(stat(wal, &found) == 0);
    CHECK_INT(found.st_mode & 0777, 0600);
    store_close(store);
}

TEST(a_newer_version_and_another_programs_file_are_refused)
{
    const char *path = fresh();
    fill(path, 1);
    run_sql(path, "UPDATE schema_version SET version = 99");
    FAILS(open_code(path, false, err), ERR_STORE, "of version 99");
    FAILS(open_code(path, true, err), ERR_STORE, "of version 99");
    path = fresh();
    run_sql(path, "CREATE TABLE cookies(name TEXT)");
    FAILS(open_code(path, false, err), ERR_STORE, "another program's tables");
}

TEST(version_1_is_migrated_after_a_copy)
{
    const char *path = fresh();
    char copy[FIXTURE_PATH_BYTES + 16];
    char *sql = test_read_file("tests/store/version-1/sqlite.sql", NULL);
    run_sql(path, sql);
    free(sql);
    struct store *store = fixture_open(path);
    struct revision *rows;
    struct store_instance *instances;
    struct store_intent_row *intents;
    const char *json = NULL;
    size_t count;
    OK(store_revisions_open(store, &arena, 1, &rows, &count, err));
    CHECK_INT(count, 2);
    CHECK_INT(rows[1].seq, 2);
    CHECK_INT(rows[1].source, 1);
    CHECK(rows[1].memory == NULL);
    OK(store_instances(store, &arena, 1, &instances, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(instances[0].exit_code, 137);
    OK(store_intents_open(store, &arena, 1, 0, 9, &intents, &count, err));
    CHECK_INT(count, 1);
    CHECK(!intents[0].intent.cancel);
    OK(store_template_get(store, &arena, "sha-a", &json, err));
    OK(store_nonce_use(store, "n", "c", 1, err));
    CHECK_INT(fixture_insert(store, 1, (struct revision){.seq = 3}), 3);
    store_close(store);
    snprintf(copy, sizeof copy, "%s.version-1", path);
    run_sql(copy, "SELECT sum(1 / (version = 1)) FROM schema_version; SELECT owner FROM project");
    FAILS(open_code(copy, true, err), ERR_STORE, "of version 1");
    char *const again = strdup(fresh());
    OK(store_restore(copy, again, err));
    OK(open_code(again, true, err));
    free(again);
}

/* A migration that is cut short leaves version 1. */
TEST(a_migration_is_whole_or_not_at_all)
{
    const char *path = fresh();
    char *sql = test_read_file("tests/store/version-1/sqlite.sql", NULL);
    run_sql(path, sql);
    free(sql);
    run_sql(path, "CREATE TABLE nonce(in_the_way TEXT)");
    FAILS(open_code(path, false, err), ERR_STORE, "already exists");
    run_sql(path, "DROP TABLE nonce");
    OK(open_code(path, false, err));
}

/* A left-behind WAL of another file would be replayed. */
TEST(a_restore_refuses_what_is_left_behind)
{
    char path[FIXTURE_PATH_BYTES], copy[FIXTURE_PATH_BYTES], wal[FIXTURE_PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s", fresh());
    snprintf(copy, sizeof copy, "%s", fresh());
    fill(path, 3);
    struct store *store = fixture_open(path);
    OK(store_backup(store, copy, err));
    store_close(store);
    snprintf(path, sizeof path, "%s", fresh());
    snprintf(wal, sizeof wal, "%s-wal", path);
    close(open(wal, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    FAILS(store_restore(copy, path, err), ERR_CONFLICT, "put it aside");
    CHECK(unlink(wal) == 0);
    OK(store_restore(copy, path, err));
    CHECK(truncate(copy, 5000) == 0);
    snprintf(path, sizeof path, "%s", fresh());
    FAILS(store_restore(copy, path, err), ERR_STORE, "corrupt");
    CHECK(access(path, F_OK) != 0);
}

/* How often the disk is waited for by a version of a project's. */
static int waits_of_version(struct store *store, int64_t project, int64_t seq)
{
    const int before = disk_waits;
    CHECK(fixture_insert(store, project, (struct revision){.seq = seq}) > 0);
    return disk_waits - before;
}

TEST(what_hurries_does_not_wait_for_the_disk_and_the_rest_takes_it_along)
{
    struct store *store = fixture_open(fresh());
    const struct machine_intent intent = {.uid = "u"};
    int64_t project = 0, id = 0;
    OK(store_project(store, "ns", "web", &project, err));
    CHECK_INT(waits_of_version(store, project, 1), 1);
    store_hurry(store);
    CHECK_INT(waits_of_version(store, project, 2), 0);
    int before = disk_waits;
    OK(store_project(store, "ns", "other", &id, err));
    CHECK_INT(disk_waits - before, 0);
    OK(store_intent(store, &intent, "ns", "web", &id, err));
    CHECK_INT(disk_waits - before, 1);
    CHECK_INT(waits_of_version(store, project, 3), 0);
    before = disk_waits;
    OK(store_hurry_end(store, err));
    CHECK_INT(disk_waits - before, 1);
    CHECK_INT(waits_of_version(store, project, 4), 1);
    store_close(store);
}

TEST_MAIN
