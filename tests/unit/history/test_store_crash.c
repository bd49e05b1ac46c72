/* What was acknowledged is there after any end, exactly once, on SQLite and on PostgreSQL. */
#include "base/clock.h"
#include "tests/unit/history/store_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define WRITERS    4
#define COMMITTERS 1
#define KILLS      12

/* What a child tells when a call returned: one write(2), so never half. */
struct ack {
    char kind; /* 'i': the intent `number` of `thread` has `id`; 'c': so has the revision */
    int thread;
    int64_t number, id;
};

struct writer {
    struct store *store;
    int thread, fd, round;
    int64_t project;
};

static void tell(const struct writer *writer, char kind, int64_t number, int64_t id)
{
    struct ack ack;
    memset(&ack, 0, sizeof ack);
    ack.kind = kind;
    ack.thread = writer->thread;
    ack.number = number;
    ack.id = id;
    if (write(writer->fd, &ack, sizeof ack) != sizeof ack)
        _exit(9);
}

static void *write_intents(void *context)
{
    struct writer *writer = context;
    for (int64_t number = 1;; number++) {
        char uid[64];
        int64_t id = 0;
        snprintf(uid, sizeof uid, "%d/%d/%lld", writer->round, writer->thread, (long long)number);
        const struct machine_intent intent = {.uid = uid,
                                              .template_sha = uid,
                                              .generation = number,
                                              .template_json = "{\"spec\":{\"containers\":[]}}"};
        if (store_intent(writer->store, &intent, "ns", "web", &id, NULL) == 0)
            tell(writer, 'i', number, id);
        else
            usleep(5000); /* its server is gone */
    }
    return NULL;
}

/* Each commit is a revision and two events. */
static void write_commits(struct writer *writer, int64_t seq)
{
    for (;; seq++) {
        char key[32];
        int64_t ids[3];
        snprintf(key, sizeof key, "k%lld", (long long)seq);
        const struct revision row = {.seq = seq, .template_sha = key, .generation = seq};
        const struct machine_effect effects[] = {
            {.kind = MACHINE_INSERT, .revision = &row},
            {.kind = MACHINE_EVENT, .revision = &row, .event_type = "a", .event_key = "a"},
            {.kind = MACHINE_EVENT, .revision = &row, .event_type = "b", .event_key = "b"}};
        const struct store_template template_ = {key, "{}"};
        if (store_commit(writer->store, writer->project, effects, 3, &template_, 1, NULL, ids,
                         NULL) == 0)
            tell(writer, 'c', seq, ids[0]);
        else
            _exit(8);
    }
}

static int64_t newest_seq(struct store *store, int64_t project)
{
    const struct store_query query = {.project = project, .status = -1, .good = -1, .limit = 1};
    struct revision *rows;
    size_t count;
    OK(store_revisions(store, &arena, &query, &rows, &count, err));
    return count == 0 ? 0 : rows[0].seq;
}

/* The child: writes until it is killed. */
__attribute__((noreturn)) static void write_for_ever(const char *url, int fd, int round)
{
    struct store *store = fixture_open(url);
    int64_t project = 0;
    if (store_project(store, "ns", "web", &project, NULL) != 0)
        _exit(7);
    const int64_t next = newest_seq(store, project) + 1;
    static struct writer writers[WRITERS + COMMITTERS];
    for (int i = 0; i <= WRITERS; i++)
        writers[i] = (struct writer){
            .store = store, .thread = i, .fd = fd, .round = round, .project = project};
    for (int i = 0; i < WRITERS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, write_intents, &writers[i]) != 0)
            _exit(6);
    }
    write_commits(&writers[WRITERS], next);
    _exit(5);
}

struct acks {
    struct ack *acks;
    size_t count;
};

static void read_acks(int fd, struct acks *acks)
{
    struct ack ack;
    ssize_t got;
    while ((got = read(fd, &ack, sizeof ack)) == sizeof ack) {
        if (acks->count % 4096 == 0)
            acks->acks = realloc(acks->acks, (acks->count + 4096) * sizeof ack);
        acks->acks[acks->count++] = ack;
    }
    CHECK_INT(got, 0);
}

static int by_id(const void *a, const void *b)
{
    const struct store_intent_row *x = a, *y = b;
    return x->intent.id < y->intent.id ? -1 : x->intent.id > y->intent.id;
}

/* All intents of the store, by id; each uid is there once. */
static struct store_intent_row *all_intents(struct store *store, size_t *ret_count)
{
    struct store_intent_row *all = NULL, *rows;
    size_t total = 0, count;
    int64_t after = 0;
    do {
        OK(store_intents_open(store, &arena, 0, after, STORE_PAGE_ROWS, &rows, &count, err));
        all = realloc(all, (total + count + 1) * sizeof *all);
        if (count > 0)
            memcpy(all + total, rows, count * sizeof *rows);
        total += count;
        after = count > 0 ? rows[count - 1].intent.id : after;
    } while (count > 0);
    *ret_count = total;
    return all;
}

static int by_uid(const void *a, const void *b)
{
    const struct store_intent_row *x = a, *y = b;
    return strcmp(x->intent.uid, y->intent.uid);
}

static void check_intent(const struct ack *ack, int round, struct store_intent_row *intents,
                         size_t count)
{
    const struct store_intent_row key = {.intent = {.id = ack->id}};
    const struct store_intent_row *found = bsearch(&key, intents, count, sizeof key, by_id);
    char uid[64];
    snprintf(uid, sizeof uid, "%d/%d/%lld", round, ack->thread, (long long)ack->number);
    if (found == NULL)
        TEST_FAIL("intent %lld (%s) was acknowledged and is lost", (long long)ack->id, uid);
    CHECK_STRING(found->intent.uid, uid);
}

static void check_revision(struct store *store, int64_t project, const struct ack *ack)
{
    struct revision row;
    struct store_event *events;
    const char *json = NULL;
    size_t count;
    OK(store_revision_seq(store, &arena, project, ack->number, &row, err));
    CHECK_INT(row.id, ack->id);
    OK(store_events(store, &arena, &(struct store_event_query){.revision = row.id, .limit = 9},
                    &events, &count, err));
    CHECK_INT(count, 2);
    OK(store_template_get(store, &arena, row.template_sha, &json, err));
}

static void check_acks(const char *url, const struct acks *acks, int round)
{
    struct store *store = fixture_open(url);
    int64_t project = 0;
    size_t count;
    struct store_intent_row *intents = all_intents(store, &count);
    OK(store_project(store, "ns", "web", &project, err));
    for (size_t i = 0; i < acks->count; i++) {
        if (acks->acks[i].kind == 'i')
            check_intent(&acks->acks[i], round, intents, count);
        else
            check_revision(store, project, &acks->acks[i]);
    }
    /* Nor is anything half there, or twice: every seq up to the newest has its two events. */
    const int64_t newest = newest_seq(store, project);
    for (int64_t seq = newest; seq > 0 && seq > newest - 3; seq--) {
        struct revision row;
        OK(store_revision_seq(store, &arena, project, seq, &row, err));
        check_revision(store, project, &(struct ack){'c', 0, seq, row.id});
    }
    qsort(intents, count, sizeof *intents, by_uid);
    for (size_t i = 1; i < count; i++)
        if (strcmp(intents[i].intent.uid, intents[i - 1].intent.uid) == 0)
            TEST_FAIL("intent %s is there twice", intents[i].intent.uid);
    free(intents);
    store_close(store);
}

/* A child writes; after `microseconds` from its first answer on, `end` ends it or its server. */
static void run_round(const char *url, int round, unsigned microseconds, struct acks *acks,
                      void (*end)(pid_t child))
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(fds[0]);
        write_for_ever(url, fds[1], round);
    }
    close(fds[1]);
    struct ack first;
    acks->count = 0;
    if (read(fds[0], &first, sizeof first) != sizeof first)
        TEST_FAIL("the child wrote nothing");
    acks->acks = realloc(acks->acks, 4096 * sizeof first);
    acks->acks[acks->count++] = first;
    usleep(microseconds);
    end(child);
    read_acks(fds[0], acks);
    close(fds[0]);
    CHECK(waitpid(child, NULL, 0) == child);
}

static void kill_child(pid_t child)
{
    kill(child, SIGKILL);
}

TEST(a_writer_is_killed_at_random_points)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct acks acks = {0};
    size_t total = 0;
    unsigned seed = (unsigned)clock_unix_us();
    fprintf(stderr, "seed %u\n", seed);
    for (int round = 1; round <= KILLS; round++) {
        run_round(url, round, (unsigned)rand_r(&seed) % 60000, &acks, kill_child);
        check_acks(url, &acks, round);
        total += acks.count;
    }
    printf("%zu acknowledged writes over %d kills, all there once\n", total, KILLS);
    free(acks.acks);
}

/* ---- The server ends -------------------------------------------------------------------- */

static void control_server(const char *what)
{
    char *const folder = getenv("PROCTOR_TEST_POSTGRES_DIR");
    const pid_t child = fork();
    if (child == 0) {
        execl("tests/store/postgres", "postgres", what, folder, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

static void crash_server(pid_t child)
{
    control_server("crash");
    usleep(100000);
    kill(child, SIGKILL);
}

static void of_a_server_killed(void)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct acks acks = {0};
    size_t total = 0;
    unsigned seed = (unsigned)clock_unix_us();
    for (int round = 1; round <= 3; round++) {
        run_round(url, round, (unsigned)rand_r(&seed) % 100000, &acks, crash_server);
        check_acks(url, &acks, round);
        total += acks.count;
    }
    printf("%zu acknowledged writes over 3 kills of the server, all there once\n", total);
    free(acks.acks);
}

/* Its connections are found dead and made again; the lead is lost with the session. */
static void of_a_server_restarted(void)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct store *store = fixture_open(url);
    struct store_project_row row;
    int64_t project = 0, id = 0;
    bool leads = false;
    OK(store_project(store, "ns", "web", &project, err));
    OK(store_project_get(store, &arena, project, &row, err));
    control_server("restart");
    OK(store_project_get(store, &arena, project, &row, err));
    OK(store_intent(store, &(struct machine_intent){.uid = "after"}, "ns", "web", &id, err));
    CHECK(!store_leads(store));
    const struct revision revision = {.seq = 1};
    const struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &revision};
    FAILS(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err), ERR_CONFLICT,
          "leads");
    OK(store_lead(store, &leads, err));
    CHECK(leads);
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
    store_close(store);
}

/* ---- Many at once ----------------------------------------------------------------------- */

#define THREADS 64

struct burst {
    struct store *store;
    int thread, count, failed;
    int64_t *ids;
    int64_t *took_us;
};

static void *write_burst(void *context)
{
    struct burst *burst = context;
    for (int i = 0; i < burst->count; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "%d/%d", burst->thread, i);
        const struct machine_intent intent = {.uid = uid, .template_sha = "t", .received_at = i};
        const int64_t from = clock_monotonic_us();
        if (store_intent(burst->store, &intent, "ns", "web", &burst->ids[i], NULL) != 0)
            burst->failed++;
        burst->took_us[i] = clock_monotonic_us() - from;
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

TEST(many_threads_share_a_disk_write)
{
    const char *often = getenv("PROCTOR_TEST_BURST");
    const int each = often != NULL ? (int)strtol(often, NULL, 10) : 20, total = each * THREADS;
    struct store *store = fixture_open(fixture_url());
    struct burst bursts[THREADS] = {0};
    pthread_t threads[THREADS];
    int64_t *ids = calloc((size_t)total, sizeof *ids), *took = calloc((size_t)total, sizeof *took);
    const int64_t from = clock_monotonic_us();
    for (int i = 0; i < THREADS; i++) {
        bursts[i] = (struct burst){store, i, each, 0, ids + i * each, took + i * each};
        CHECK(pthread_create(&threads[i], NULL, write_burst, &bursts[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(bursts[i].failed, 0);
    }
    const int64_t us = clock_monotonic_us() - from;
    qsort(ids, (size_t)total, sizeof *ids, by_number);
    for (int i = 1; i < total; i++)
        CHECK(ids[i] > ids[i - 1]);
    qsort(took, (size_t)total, sizeof *took, by_number);
    printf("%d intents of %d threads: %lld/s, p50 %lld us, p99 %lld us, max %lld us\n", total,
           THREADS, total * 1000000LL / us, (long long)took[total / 2],
           (long long)took[total * 99 / 100], (long long)took[total - 1]);
    struct store_figures figures = {0};
    OK(store_figures(store, &figures, err));
    CHECK_INT(figures.intents_open, total);
    free(ids);
    free(took);
    store_close(store);
}

struct mixed {
    struct store *store;
    int64_t project;
    int good, bad;
};

/* Every second write names a project that does not exist: it fails, its neighbours do not. */
static void *write_mixed(void *context)
{
    struct mixed *mixed = context;
    for (int i = 0; i < 20; i++) {
        const struct store_event good = {.project = mixed->project, .type = "gap"};
        const struct store_event bad = {.project = 999, .type = "gap"};
        int64_t id;
        mixed->good += store_event(mixed->store, &good, &id, NULL) == 0;
        mixed->bad += store_event(mixed->store, &bad, &id, NULL) == -ERR_CONFLICT;
    }
    return NULL;
}

TEST(one_bad_write_does_not_fail_its_neighbours)
{
    struct store *store = fixture_open(fixture_url());
    struct mixed mixed[8] = {0};
    pthread_t threads[8];
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    for (int i = 0; i < 8; i++) {
        mixed[i] = (struct mixed){store, project, 0, 0};
        CHECK(pthread_create(&threads[i], NULL, write_mixed, &mixed[i]) == 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(mixed[i].good, 20);
        CHECK_INT(mixed[i].bad, 20);
    }
    struct store_event *events;
    size_t count;
    OK(store_events(store, &arena, &(struct store_event_query){.project = project, .limit = 999},
                    &events, &count, err));
    CHECK_INT(count, 160);
    store_close(store);
}

/* Tests of the server's end need one that may be ended. */
int main(int argc, char **argv)
{
    static struct test killed = {"a_server_is_killed", of_a_server_killed, NULL};
    static struct test restarted = {"a_server_is_restarted", of_a_server_restarted, &killed};
    if (getenv("PROCTOR_TEST_POSTGRES_DIR") != NULL)
        *test_last = &restarted;
    signal(SIGPIPE, SIG_IGN);
    return test_run_all(argc, argv);
}
