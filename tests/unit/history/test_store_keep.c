/* Hostile texts, a short arena, retention, copies: the same on SQLite and on PostgreSQL. */
#include "tests/unit/history/store_fixture.h"

static void check_rows(struct store *store, const struct store_query *query, const char *want)
{
    struct revision *rows;
    size_t count;
    char got[256] = "";
    OK(store_revisions(store, &arena, query, &rows, &count, err));
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%lld ", (long long)rows[i].seq);
    CHECK_STRING(got, want);
}

/* Quotes and SQL are text; what is no UTF-8 becomes U+FFFD; a megabyte fits, too much is said. */
TEST(hostile_texts)
{
    struct store *store = fixture_open(fixture_url());
    static char long_text[LIMIT_MIB + 1], too_long[STORE_TEXT_BYTES + 2];
    memset(long_text, 'x', sizeof long_text - 1);
    memset(too_long, 'y', sizeof too_long - 1);
    const struct {
        const char *text, *want;
    } cases[] = {
        {"'; DROP TABLE revision; --", "'; DROP TABLE revision; --"},
        {"\" $1 ? ?1 :a @b %s %n \\ \\' `", "\" $1 ? ?1 :a @b %s %n \\ \\' `"},
        {"", ""},
        {"\x01\x1b[31m\r\n", "\x01\x1b[31m\r\n"},
        {"a\xff\xc0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98\x80 \xe2\x80\xae", "\xf0\x9f\x98\x80 \xe2\x80\xae"},
        {long_text, long_text},
    };
    int64_t after = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct machine_intent intent = {.actor_user = cases[i].text,
                                        .change_cause = cases[i].text,
                                        .template_sha = "t",
                                        .received_at = 1};
        struct store_intent_row *rows;
        size_t count;
        int64_t id = 0;
        OK(store_intent(store, &intent, "ns", i == 7 ? "long" : cases[i].text, &id, err));
        OK(store_intents_open(store, &arena, 0, after, 9, &rows, &count, err));
        CHECK_INT(count, 1);
        CHECK_STRING(rows[0].intent.actor_user, cases[i].want);
        CHECK_STRING(rows[0].intent.change_cause, cases[i].want);
        after = id;
    }
    int64_t id = 0;
    FAILS(store_intent(store, &(struct machine_intent){.change_cause = too_long}, "ns", "web", &id,
                       err),
          ERR_LIMIT, "longer than");
    FAILS(store_intent(store,
                       &(struct machine_intent){.template_sha = "t", .template_json = too_long},
                       "ns", "web", &id, err),
          ERR_LIMIT, "longer than");
    CHECK_INT(id, 0);
    const char *json = NULL;
    OK(store_intent(store,
                    &(struct machine_intent){.template_sha = "long", .template_json = long_text},
                    "ns", "web", &id, err));
    OK(store_template_get(store, &arena, "long", &json, err));
    CHECK_STRING(json, long_text);
    store_close(store);
}

/* An arena that runs out in the middle of a row leaves a reader that works. */
TEST(a_small_arena_fails_cleanly)
{
    struct store *store = fixture_open(fixture_url());
    static char text[LIMIT_MIB];
    memset(text, 'x', sizeof text - 1);
    int64_t id = 0, project = 0;
    for (int i = 0; i < 3; i++)
        OK(store_intent(store, &(struct machine_intent){.change_cause = text}, "ns", "web", &id,
                        err));
    struct arena small;
    struct store_intent_row *rows = NULL;
    size_t count = 77;
    arena_init(&small, 2 * LIMIT_MIB);
    FAILS(store_intents_open(store, &small, 0, 0, 9, &rows, &count, err), ERR_NO_MEMORY, "memory");
    CHECK_INT(count, 77);
    arena_done(&small);
    OK(store_intents_open(store, &arena, 0, 0, 9, &rows, &count, err));
    CHECK_INT(count, 3);
    OK(store_project(store, "ns", "web", &project, err));
    store_close(store);
}

TEST(retention_keeps_what_it_must)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, deleted = 0, ids[13] = {0}, pair[2];
    OK(store_project(store, "ns", "web", &project, err));
    for (int seq = 1; seq <= 12; seq++) {
        char sha[16], json[32];
        snprintf(sha, sizeof sha, "sha-%d", seq);
        snprintf(json, sizeof json, "{\"n\":%d}", seq);
        const struct revision row = {.seq = seq,
                                     .template_sha = sha,
                                     .status = seq == 2 ? REVISION_IN_PROGRESS : REVISION_COMPLETED,
                                     .good = seq == 3 || seq == 4 ? REVISION_GOOD_YES
                                                                  : REVISION_GOOD_UNKNOWN,
                                     .started_at = seq,
                                     .completed_at = seq,
                                     .source = seq == 11 ? ids[5] : 0,
                                     .rollback_of = seq == 11 ? ids[6] : 0};
        const struct machine_effect effects[] = {
            {.kind = MACHINE_INSERT, .revision = &row},
            {.kind = MACHINE_EVENT, .revision = &row, .event_type = "deployment_started"}};
        const struct store_template template_ = {sha, json};
        OK(store_commit(store, project, effects, 2, &template_, 1, NULL, pair, err));
        ids[seq] = pair[0];
    }
    struct store_op got;
    bool repeated;
    OK(store_op_claim(
        store, &arena,
        &(struct store_op){.project = project, .kind = "rollback", .actor = "a", .target = ids[7]},
        &got, &repeated, err));
    const struct store_retention retention = {.before = 100, .keep = 2, .keep_good = 1, .now = 100};
    OK(store_retain(store, &retention, &deleted, err));
    /* 2 is open, 4 the last good, 5 and 6 of a rollback, 7 of an open one, 11 and 12 the newest. */
    const struct store_query all = {.project = project, .status = -1, .good = -1, .limit = 99};
    check_rows(store, &all, "12 11 7 6 5 4 2 ");
    CHECK_INT(deleted, 5);
    OK(store_retain(store, &retention, &deleted, err));
    CHECK_INT(deleted, 0);
    const char *json = NULL;
    FAILS(store_template_get(store, &arena, "sha-1", &json, err), ERR_NOT_FOUND, "template");
    OK(store_template_get(store, &arena, "sha-4", &json, err));
    struct store_event *events;
    size_t count;
    OK(store_events(store, &arena, &(struct store_event_query){.project = project, .limit = 99},
                    &events, &count, err));
    CHECK_INT(count, 7);
    CHECK_INT(fixture_insert(store, project, (struct revision){.seq = 13}) > ids[12], 1);
    store_close(store);
}

TEST(a_backup_is_restored)
{
    char first[2 * FIXTURE_PATH_BYTES], path[FIXTURE_PATH_BYTES], file[FIXTURE_PATH_BYTES];
    snprintf(first, sizeof first, "%s", fixture_url());
    struct store *store = fixture_open(first), *again = NULL;
    int64_t project = 0, id = 0;
    snprintf(file, sizeof file, "backup-%ld", (long)getpid());
    fixture_path(file, path);
    OK(store_intent(store, &(struct machine_intent){.template_sha = "t", .template_json = "{}"},
                    "ns", "web", &id, err));
    OK(store_project(store, "ns", "web", &project, err));
    const int64_t revision =
        fixture_insert(store, project, (struct revision){.seq = 1, .on_behalf_of = "ben"});
    OK(store_event(store, &(struct store_event){.revision = revision, .type = "gap", .key = "k"},
                   &id, err));
    OK(store_backup(store, path, err));
    FAILS(store_backup(store, path, err), ERR_CONFLICT, "exists already");
    FAILS(store_restore(path, first, err), ERR_CONFLICT, "already");
    store_close(store);

    const char *url = fixture_url();
    OK(store_restore(path, url, err));
    again = fixture_open(url);
    struct revision got;
    const char *json = NULL;
    OK(store_revision_seq(again, &arena, project, 1, &got, err));
    CHECK_INT(got.id, revision);
    CHECK_STRING(got.on_behalf_of, "ben");
    CHECK(got.good_by == NULL);
    OK(store_template_get(again, &arena, "t", &json, err));
    CHECK_STRING(json, "{}");
    CHECK(fixture_insert(again, project, (struct revision){.seq = 2}) > revision);
    OK(store_event(again, &(struct store_event){.revision = revision, .type = "gap", .key = "k"},
                   &id, err));
    CHECK_INT(id, 0);
    store_close(again);
    FAILS(store_restore("/tmp/no/such/file", url, err), ERR_STORE, "/tmp/no/such/file");
}

TEST(figures_and_check)
{
    struct store *store = fixture_open(fixture_url());
    int64_t id = 0;
    OK(store_intent(store, &(struct machine_intent){.uid = "u"}, "ns", "web", &id, err));
    struct store_figures figures = {0};
    OK(store_figures(store, &figures, err));
    CHECK_INT(figures.projects, 1);
    CHECK_INT(figures.intents_open, 1);
    CHECK_INT(figures.revisions, 0);
    CHECK(figures.size_bytes > 0);
    OK(store_check(store, err));
    CHECK(store_leads(store));
    store_close(store);
}

TEST_MAIN
