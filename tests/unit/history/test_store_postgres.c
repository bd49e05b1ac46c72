/* PostgreSQL's own troubles, and several replicas.  Most need a server (tests/store/run); what a
 * URL alone can do wrong is tried without one. */
#include "tests/unit/history/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static int open_code(const char *url, struct err *err)
{
    struct store *store = NULL;
    const int r = store_open(&(struct store_options){.url = url}, &store, err);
    CHECK((r == 0) == (store != NULL));
    store_close(store);
    return r;
}

/* The server's URL with another database or user; the last of a name counts. */
static const char *server_with(const char *more)
{
    static char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s%s", fixture_server(), more);
    return url;
}

TEST(url_of_no_server)
{
    FAILS(open_code("postgres:///history?host=/tmp/no/such/folder", err), ERR_STORE,
          "no server answers there");
    FAILS(open_code("postgresql://127.0.0.1:1/history", err), ERR_STORE, "no server answers there");
}

TEST(url_that_is_wrong_is_not_repeated)
{
    static const char *const urls[] = {
        "postgres://anna:s3cret@[::1/history",
        "postgres://anna:s3cret%zz@host/history",
        "postgres://anna:s3cret@host/history?no_such=1",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct err said = {0};
        CHECK_INT(open_code(urls[i], &said), -ERR_STORE);
        CHECK(strstr(said.text, "URL cannot be read") != NULL);
        CHECK(strstr(said.text, "s3cret") == NULL);
    }
}

static void of_refusals(void)
{
    FAILS(open_code(server_with("&user=guarded&password=wr0ng"), err), ERR_STORE,
          "wrong user or password");
    FAILS(open_code(server_with("&user=guarded"), err), ERR_STORE, "wrong user or password");
    FAILS(open_code(server_with("&dbname=nowhere"), err), ERR_STORE, "no such database");
    FAILS(open_code(server_with("&dbname=latin"), err), ERR_STORE, "ENCODING 'UTF8'");
    FAILS(open_code(server_with("&user=guarded&password=right"), err), ERR_STORE, "lacks a right");
    FAILS(open_code(server_with("&options=-cdefault_transaction_read_only%3Don"), err), ERR_STORE,
          "takes no writes");
    struct err said = {0};
    CHECK(open_code(server_with("&user=guarded&password=wr0ng"), &said) != 0);
    CHECK(strstr(said.text, "wr0ng") == NULL);
}

static void of_versions(void)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    char *sql = test_read_file("tests/store/version-1/postgres.sql", NULL);
    fixture_sql(url, sql);
    free(sql);
    struct store *store = fixture_open(url);
    struct revision *rows;
    const char *json = NULL;
    size_t count;
    OK(store_revisions_open(store, &arena, 1, &rows, &count, err));
    CHECK_INT(count, 2);
    CHECK_INT(rows[1].source, 1);
    OK(store_template_get(store, &arena, "sha-a", &json, err));
    CHECK_STRING(json, "{}");
    OK(store_nonce_use(store, "n", "c", 1, err));
    CHECK_INT(fixture_insert(store, 1, (struct revision){.seq = 3}), 3);
    store_close(store);
    OK(open_code(url, err));
    fixture_sql(url, "UPDATE schema_version SET version = 99");
    FAILS(open_code(url, err), ERR_STORE, "of version 99");
    snprintf(url, sizeof url, "%s", fixture_url());
    fixture_sql(url, "CREATE TABLE cookies(name TEXT)");
    FAILS(open_code(url, err), ERR_STORE, "another program's tables");
}

/* Two replicas: one leads, both take intents; when its session ends the other may lead. */
static void of_replicas(void)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct store *first = fixture_open(url), *second = NULL;
    bool leads = true;
    int64_t project = 0, id = 0;
    OK(store_open(&(struct store_options){.url = url}, &second, err));
    OK(store_lead(second, &leads, err));
    CHECK(!leads);
    CHECK(!store_leads(second));
    OK(store_lead(first, &leads, err));
    CHECK(leads);
    OK(store_project(second, "ns", "web", &project, err));
    OK(store_intent(second, &(struct machine_intent){.uid = "u"}, "ns", "web", &id, err));
    const struct revision row = {.seq = 1}, next = {.seq = 2};
    struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &row};
    FAILS(store_commit(second, project, &effect, 1, NULL, 0, NULL, NULL, err), ERR_CONFLICT,
          "another replica leads");
    OK(store_commit(first, project, &effect, 1, NULL, 0, NULL, NULL, err));
    fixture_sql(url, "SELECT pg_terminate_backend(pid) FROM pg_locks"
                     " WHERE locktype = 'advisory' AND classid = 1886544739 AND granted");
    effect.revision = &next;
    FAILS(store_commit(first, project, &effect, 1, NULL, 0, NULL, NULL, err), ERR_CONFLICT,
          "leads");
    CHECK(!store_leads(first));
    OK(store_lead(second, &leads, err));
    CHECK(leads);
    OK(store_commit(second, project, &effect, 1, NULL, 0, NULL, NULL, err));
    OK(store_lead(first, &leads, err));
    CHECK(!leads);
    store_resign(second);
    OK(store_lead(first, &leads, err));
    CHECK(leads);
    store_close(first);
    leads = false;
    for (int i = 0; i < 500 && !leads; i++) { /* the server sees the end of the session soon */
        OK(store_lead(second, &leads, err));
        usleep(10000);
    }
    CHECK(leads);
    store_close(second);
}

/* Each letter is taken by one replica only. */
static void of_letters(void)
{
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct store *first = fixture_open(url), *second = NULL;
    OK(store_open(&(struct store_options){.url = url}, &second, err));
    struct store_letter *a, *b;
    size_t a_count, b_count;
    int64_t id;
    for (int i = 0; i < 10; i++)
        OK(store_outbox_push(first, "webhook", "{}", 1, &id, err));
    OK(store_outbox_take(first, &arena, "webhook", 5, 50, 6, &a, &a_count, err));
    OK(store_outbox_take(second, &arena, "webhook", 5, 50, 6, &b, &b_count, err));
    CHECK_INT(a_count, 6);
    CHECK_INT(b_count, 4);
    CHECK(b[0].id > a[5].id);
    store_close(first);
    store_close(second);
}

#define LOSERS 4
#define EACH   150

struct loser {
    struct store *store;
    atomic_int *running;
    int thread, written;
    bool acked[EACH];
};

static void *write_while_losing(void *context)
{
    struct loser *loser = context;
    for (int i = 0; i < EACH; i++) {
        char uid[32];
        int64_t id;
        snprintf(uid, sizeof uid, "%d/%d", loser->thread, i);
        loser->acked[i] = store_intent(loser->store, &(struct machine_intent){.uid = uid}, "ns",
                                       "web", &id, NULL) == 0;
        loser->written += loser->acked[i];
        if (!loser->acked[i])
            usleep(5000); /* a server that is gone is not asked again at once */
    }
    atomic_fetch_sub(loser->running, 1);
    return NULL;
}

/* Every acknowledged one once, no other one more than once. */
static void check_losers(struct store *store, const struct loser *losers)
{
    static int seen[LOSERS][EACH];
    struct store_intent_row *rows;
    size_t count;
    int written = 0;
    OK(store_intents_open(store, &arena, 0, 0, STORE_PAGE_ROWS, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        char *slash;
        const long thread = strtol(rows[i].intent.uid, &slash, 10);
        seen[thread][strtol(slash + 1, NULL, 10)]++;
    }
    for (int t = 0; t < LOSERS; t++) {
        for (int i = 0; i < EACH; i++)
            CHECK(seen[t][i] == 1 || (seen[t][i] == 0 && !losers[t].acked[i]));
        written += losers[t].written;
    }
    printf("%d of %d written while sessions were lost\n", written, LOSERS * EACH);
    CHECK(written > 0);
}

/* The server ends the sessions under the writers, again and again: what was under way is looked up
 * or tried again, and never done twice. */
static void of_lost_sessions(void)
{
    static struct loser losers[LOSERS];
    char url[2 * FIXTURE_PATH_BYTES];
    snprintf(url, sizeof url, "%s", fixture_url());
    struct store *store = fixture_open(url);
    atomic_int running = LOSERS;
    pthread_t threads[LOSERS];
    int ended = 0;
    for (int t = 0; t < LOSERS; t++) {
        losers[t] = (struct loser){.store = store, .running = &running, .thread = t};
        CHECK(pthread_create(&threads[t], NULL, write_while_losing, &losers[t]) == 0);
    }
    for (; atomic_load(&running) > 0; ended++) {
        fixture_sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE application_name = 'proctor-recorder'");
        usleep(30000);
    }
    for (int t = 0; t < LOSERS; t++)
        pthread_join(threads[t], NULL);
    CHECK(ended > 0);
    check_losers(store, losers);
    store_close(store);
}

int main(int argc, char **argv)
{
    static struct test lost = {"lost_sessions", of_lost_sessions, NULL};
    static struct test letters = {"letters", of_letters, &lost};
    static struct test replicas = {"replicas", of_replicas, &letters};
    static struct test versions = {"versions", of_versions, &replicas};
    static struct test refusals = {"refusals", of_refusals, &versions};
    if (fixture_server() != NULL)
        *test_last = &refusals;
    return test_run_all(argc, argv);
}
