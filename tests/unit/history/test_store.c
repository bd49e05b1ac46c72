/* What the store keeps and gives back, the same on SQLite and on PostgreSQL. */
#include "tests/unit/history/store_fixture.h"

static struct revision full_revision(void)
{
    return (struct revision){
        .seq = 1,
        .uid = "uid-1",
        .generation = 7,
        .k8s_revision = 3,
        .rs_name = "web-abc",
        .rs_uid = "rs-uid",
        .template_sha = "sha-a",
        .written_sha = "sha-w",
        .last_applied = "{}",
        .managed_fields = "[]",
        .policy_changes = "p",
        .strategy = "RollingUpdate",
        .replicas = 3,
        .change_kind = "image",
        .change_cause = "why not",
        .actor_user = "anna",
        .actor_groups = "[\"students\"]",
        .actor_certain = true,
        .via = "portal",
        .on_behalf_of = "ben",
        .origin = REVISION_RECORDER,
        .status = REVISION_FAILED,
        .reason = "CrashLoop",
        .progress = 42,
        .message = "it fell",
        .good = REVISION_GOOD_NO,
        .soak_until = 1,
        .progressing_baseline = "b",
        .started_at = INT64_C(1795000000000001),
        .last_progress_at = 3,
        .deadline_at = 4,
        .completed_at = 5,
        .rollback_of = 6,
        .source = INT64_C(9007199254740993),
        .memory = "m",
    };
}

TEST(a_revision_comes_back_as_it_was)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    const struct revision want = full_revision();
    const int64_t id = fixture_insert(store, project, want);
    CHECK(id > 0);
    struct revision got;
    OK(store_revision(store, &arena, id, &got, err));
    CHECK_INT(got.id, id);
    CHECK_INT(got.project_id, project);
#define SAME_INT(member)  CHECK_INT(got.member, want.member)
#define SAME_TEXT(member) CHECK_STRING(got.member, want.member)
    SAME_INT(seq);
    SAME_TEXT(uid);
    SAME_INT(generation);
    SAME_INT(k8s_revision);
    SAME_TEXT(rs_name);
    SAME_TEXT(rs_uid);
    SAME_TEXT(template_sha);
    SAME_TEXT(written_sha);
    SAME_TEXT(last_applied);
    SAME_TEXT(managed_fields);
    SAME_TEXT(policy_changes);
    SAME_TEXT(strategy);
    SAME_INT(replicas);
    SAME_TEXT(change_kind);
    SAME_TEXT(change_cause);
    SAME_TEXT(actor_user);
    SAME_TEXT(actor_groups);
    SAME_INT(actor_certain);
    SAME_TEXT(via);
    SAME_TEXT(on_behalf_of);
    SAME_INT(origin);
    SAME_INT(status);
    SAME_TEXT(reason);
    SAME_INT(progress);
    SAME_TEXT(message);
    SAME_INT(good);
    CHECK(got.good_by == NULL);
    SAME_INT(soak_until);
    SAME_TEXT(progressing_baseline);
    SAME_INT(started_at);
    SAME_INT(last_progress_at);
    SAME_INT(deadline_at);
    SAME_INT(completed_at);
    SAME_INT(rollback_of);
    SAME_INT(source);
    SAME_TEXT(memory);
    store_close(store);
}

TEST(an_update_changes_every_column_but_a_persons_mark)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, id;
    OK(store_project(store, "ns", "web", &project, err));
    id = fixture_insert(store, project, (struct revision){.seq = 1});
    OK(store_revision_mark(store, id, REVISION_GOOD_NO, "teacher", "it loses data", 5, err));
    struct revision row = full_revision(), got;
    row.good = REVISION_GOOD_YES;
    OK(store_commit(store, project,
                    &(struct machine_effect){.kind = MACHINE_UPDATE, .revision = &row}, 1, NULL, 0,
                    NULL, NULL, err));
    OK(store_revision_seq(store, &arena, project, 1, &got, err));
    CHECK_INT(got.id, id);
    CHECK_INT(got.good, REVISION_GOOD_NO);
    CHECK_STRING(got.good_by, "teacher");
    CHECK_STRING(got.uid, "uid-1");
    CHECK_STRING(got.rs_uid, "rs-uid");
    CHECK_STRING(got.managed_fields, "[]");
    CHECK_STRING(got.on_behalf_of, "ben");
    CHECK_INT(got.progress, 42);
    CHECK_STRING(got.progressing_baseline, "b");
    CHECK_INT(got.completed_at, 5);
    CHECK_INT(got.rollback_of, 6);
    CHECK_STRING(got.memory, "m");
    struct store_event *events;
    size_t count;
    OK(store_events(store, &arena, &(struct store_event_query){.revision = id, .limit = 9}, &events,
                    &count, err));
    CHECK_INT(count, 1);
    CHECK_STRING(events[0].type, "marked");
    CHECK_STRING(events[0].message, "marked as bad by teacher: it loses data");
    FAILS(store_revision_mark(store, 999, REVISION_GOOD_YES, "x", NULL, 1, err), ERR_NOT_FOUND,
          "no such revision");
    store_close(store);
}

TEST(a_step_is_written_whole_or_not_at_all)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, intent = 0, ids[4];
    OK(store_intent(store, &(struct machine_intent){.template_sha = "s1", .received_at = 1}, "ns",
                    "web", &intent, err));
    OK(store_project(store, "ns", "web", &project, err));
    const struct revision first = {.seq = 1, .template_sha = "s1"}, absent = {.seq = 9};
    const struct store_template template_ = {"s1", "{\"spec\":{}}"};
    const struct store_cursor cursor = {"pods", "17"};
    struct machine_effect effects[] = {
        {.kind = MACHINE_INSERT, .revision = &first},
        {.kind = MACHINE_EVENT, .revision = &first, .event_type = "deployment_started", .at = 7},
        {.kind = MACHINE_JOINED, .revision = &first, .intent = intent},
        {.kind = MACHINE_UPDATE, .revision = &absent},
    };
    FAILS(store_commit(store, project, effects, 4, &template_, 1, &cursor, ids, err), ERR_CONFLICT,
          "no revision 9");
    struct revision *rows;
    struct store_intent_row *intents;
    size_t count;
    const char *text = NULL;
    const struct store_query all = {.project = project, .status = -1, .good = -1, .limit = 9};
    OK(store_revisions(store, &arena, &all, &rows, &count, err));
    CHECK_INT(count, 0);
    OK(store_intents_open(store, &arena, 0, 0, 9, &intents, &count, err));
    CHECK_INT(count, 1);
    OK(store_cursor_get(store, &arena, "pods", &text, err));
    CHECK(text == NULL);
    FAILS(store_template_get(store, &arena, "s1", &text, err), ERR_NOT_FOUND, "no such template");

    OK(store_commit(store, project, effects, 3, &template_, 1, &cursor, ids, err));
    CHECK(ids[0] > 0 && ids[1] == ids[0] && ids[2] == ids[0]);
    OK(store_revisions(store, &arena, &all, &rows, &count, err));
    CHECK_INT(count, 1);
    OK(store_intents_open(store, &arena, 0, 0, 9, &intents, &count, err));
    CHECK_INT(count, 0);
    OK(store_intents_of(store, &arena, ids[0], &intents, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(intents[0].state, STORE_INTENT_JOINED);
    OK(store_cursor_get(store, &arena, "pods", &text, err));
    CHECK_STRING(text, "17");
    OK(store_template_get(store, &arena, "s1", &text, err));
    CHECK_STRING(text, "{\"spec\":{}}");
    FAILS(store_commit(store, project, effects, 1, NULL, 0, NULL, NULL, err), ERR_CONFLICT,
          "has that already");
    store_close(store);
}

static void check_page(struct store *store, const struct store_query *query, const char *want)
{
    struct revision *rows;
    size_t count;
    char got[256] = "";
    OK(store_revisions(store, &arena, query, &rows, &count, err));
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%lld ", (long long)rows[i].seq);
    CHECK_STRING(got, want);
}

TEST(history_is_listed_newest_first_by_cursor_and_filters)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, other = 0;
    OK(store_project(store, "ns", "web", &project, err));
    OK(store_project(store, "ns", "other", &other, err));
    for (int seq = 1; seq <= 9; seq++)
        fixture_insert(
            store, project,
            (struct revision){.seq = seq,
                              .status = seq % 2 == 0 ? REVISION_COMPLETED : REVISION_SUPERSEDED,
                              .good = seq % 4 == 0 ? REVISION_GOOD_YES : REVISION_GOOD_UNKNOWN,
                              .actor_user = seq > 5 ? "anna" : NULL,
                              .template_sha = seq % 3 == 0 ? "three" : "else"});
    fixture_insert(store, other, (struct revision){.seq = 1, .template_sha = "three"});
    struct store_query query = {.project = project, .status = -1, .good = -1, .limit = 4};
    check_page(store, &query, "9 8 7 6 ");
    query.before_seq = 6;
    check_page(store, &query, "5 4 3 2 ");
    query.before_seq = 2;
    check_page(store, &query, "1 ");
    query.before_seq = 1;
    check_page(store, &query, "");
    query.before_seq = 0;
    query.limit = 100;
    query.status = REVISION_COMPLETED;
    check_page(store, &query, "8 6 4 2 ");
    query.limit = 2;
    check_page(store, &query, "8 6 ");
    query.before_seq = 6;
    check_page(store, &query, "4 2 ");
    query.before_seq = 0;
    query.limit = 100;
    query.good = REVISION_GOOD_YES;
    check_page(store, &query, "8 4 ");
    query.status = -1;
    check_page(store, &query, "8 4 ");
    query.actor = "anna";
    check_page(store, &query, "8 ");
    query.good = -1;
    check_page(store, &query, "9 8 7 6 ");
    query.template_sha = "three";
    check_page(store, &query, "9 6 ");
    query.actor = NULL;
    check_page(store, &query, "9 6 3 ");
    query.project = 0;
    check_page(store, &query, "1 9 6 3 ");
    query.actor = "' OR '1'='1";
    check_page(store, &query, "");
    store_close(store);
}

TEST(what_a_machine_loads)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    /* Of old ones those that have not ended and the current one, and the newest 200. */
    static const enum revision_status status[] = {REVISION_COMPLETED, REVISION_IN_PROGRESS,
                                                  REVISION_COMPLETED, REVISION_ROLLING_BACK,
                                                  REVISION_COMPLETED};
    for (int i = 0; i < 5; i++)
        fixture_insert(
            store, project,
            (struct revision){.seq = i + 1,
                              .status = status[i],
                              .last_applied = "applied",
                              .managed_fields = "[]",
                              .memory = i == 4 ? "{\"current\":\"1\"}" : "{\"told\":\"1\"}"});
    for (int i = 5; i < 210; i++)
        fixture_insert(store, project,
                       (struct revision){.seq = i + 1,
                                         .status = REVISION_NOT_PERSISTED,
                                         .last_applied = "applied"});
    struct revision *rows;
    size_t count;
    OK(store_revisions_open(store, &arena, project, &rows, &count, err));
    CHECK_INT(count, 203);
    CHECK_INT(rows[0].seq, 2);
    CHECK_INT(rows[1].seq, 4);
    CHECK_INT(rows[2].seq, 5);
    CHECK_INT(rows[3].seq, 11);
    CHECK_STRING(rows[0].last_applied, "applied");
    CHECK_STRING(rows[2].managed_fields, "[]");
    CHECK(rows[3].last_applied == NULL);
    /* What was not loaded is not taken for nothing. */
    rows[3].progress = 7;
    const struct machine_effect update = {.kind = MACHINE_UPDATE, .revision = &rows[3]};
    OK(store_commit(store, project, &update, 1, NULL, 0, NULL, NULL, err));
    struct revision again;
    OK(store_revision_seq(store, &arena, project, 11, &again, err));
    CHECK_INT(again.progress, 7);
    CHECK_STRING(again.last_applied, "applied");
    store_close(store);
}

TEST(a_row_tells_that_its_tag_moved)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, id = 0;
    OK(store_project(store, "ns", "web", &project, err));
    const int64_t moved = fixture_insert(store, project, (struct revision){.seq = 1});
    const int64_t other = fixture_insert(store, project, (struct revision){.seq = 2});
    const struct store_event events[] = {
        {.project = project, .revision = moved, .at = 1, .type = "tag_moved"},
        {.project = project, .revision = moved, .at = 2, .type = "tag_moved"},
        {.project = project, .revision = other, .at = 3, .type = "superseded"},
        {.project = project, .at = 4, .type = "tag_moved"}};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        OK(store_event(store, &events[i], &id, err));
    const struct store_query query = {
        .project = project, .status = -1, .good = -1, .brief = true, .limit = 9};
    struct revision *rows;
    size_t count;
    OK(store_revisions(store, &arena, &query, &rows, &count, err));
    CHECK_INT(count, 2);
    CHECK(!rows[0].tag_moved && rows[1].tag_moved);
    store_close(store);
}

TEST(who_looks_for_news_sees_that_there_are_some)
{
    struct store *store = fixture_open(fixture_url());
    int64_t first = 0, second = 0, id = 0, stamp = 0, again = 0;
    OK(store_project(store, "ns", "web", &first, err));
    OK(store_project(store, "ns", "other", &second, err));
    uint64_t of_first = store_written(store, first);
    const uint64_t of_second = store_written(store, second);
#define CHECK_GREW()                                                                               \
    do {                                                                                           \
        CHECK(store_written(store, first) > of_first);                                             \
        of_first = store_written(store, first);                                                    \
    } while (0)
    const int64_t version = fixture_insert(store, first, (struct revision){.seq = 1});
    CHECK_GREW();
    const struct machine_effect update = {.kind = MACHINE_UPDATE,
                                          .revision = &(struct revision){.seq = 1, .progress = 9}};
    OK(store_commit(store, first, &update, 1, NULL, 0, NULL, NULL, err));
    CHECK_GREW();
    OK(store_event(store, &(struct store_event){.project = first, .type = "gap"}, &id, err));
    CHECK_GREW();
    OK(store_revision_mark(store, version, REVISION_GOOD_NO, "anna", NULL, 1, err));
    CHECK_GREW();
    OK(store_hold_set(store, &(struct store_hold){.project = first, .template_sha = "t"}, err));
    CHECK_GREW();
    OK(store_hold_lift(store, first, "t", "anna", 1, err));
    CHECK_GREW();
    OK(store_stamp(store, &stamp, err));
    OK(store_stamp(store, &again, err));
    CHECK_INT(again, stamp);
    OK(store_cursor_set(store, &(struct store_cursor){"pods", "1"}, err));
    CHECK(store_written(store, first) == of_first);
    CHECK(store_written(store, second) == of_second);
    OK(store_stamp(store, &again, err));
    CHECK((again != stamp) == (fixture_server() != NULL));
    store_close(store);
}

TEST(one_of_several_intents_may_be_wrong)
{
    struct store *store = fixture_open(fixture_url());
    static char too_long[STORE_TEXT_BYTES + 2];
    memset(too_long, 'x', sizeof too_long - 1);
    const struct machine_intent intents[] = {
        {.uid = "a", .template_sha = "t", .template_json = "{}"},
        {.uid = "b", .template_sha = "u", .template_json = too_long},
        {.uid = "c", .change_cause = too_long},
        {.uid = "d", .template_sha = "t", .template_json = "{}"}};
    struct store_new_intent new[4];
    for (size_t i = 0; i < 4; i++)
        new[i] = (struct store_new_intent){
            .intent = &intents[i], .project_namespace = "ns", .project_name = "web"};
    store_intents(store, new, 4);
    CHECK_INT(new[0].code, 0);
    CHECK_INT(new[1].code, -ERR_LIMIT);
    CHECK_INT(new[2].code, -ERR_LIMIT);
    CHECK_INT(new[3].code, 0);
    CHECK(strstr(new[2].err.text, "longer than") != NULL);
    struct store_intent_row *rows;
    size_t count;
    OK(store_intents_open(store, &arena, 0, 0, 9, &rows, &count, err));
    CHECK_INT(count, 2);
    CHECK_INT(rows[0].intent.id, new[0].id);
    CHECK_STRING(rows[0].intent.uid, "a");
    CHECK_INT(rows[1].intent.id, new[3].id);
    CHECK_STRING(rows[1].intent.uid, "d");
    store_close(store);
}

TEST(events_are_written_once_and_read_on)
{
    static const char *const sinks[] = {"webhook", "kubernetes", NULL};
    struct store *store = NULL;
    int64_t project = 0, first = 0, second = 0;
    OK(store_open(&(struct store_options){.url = fixture_url(), .sinks = sinks}, &store, err));
    OK(store_project(store, "ns", "web", &project, err));
    struct store_event event = {
        .project = project, .at = 5, .type = "gap", .message = "m", .key = "a/b", .details = "{}"};
    OK(store_event(store, &event, &first, err));
    OK(store_event(store, &event, &second, err));
    CHECK(first > 0);
    CHECK_INT(second, 0);
    event.key = NULL;
    OK(store_event(store, &event, &second, err));
    CHECK(second > first);
    struct store_event *rows;
    size_t count;
    struct store_event_query query = {.project = project, .limit = 9};
    arena_reset(&arena, 0);
    OK(store_events(store, &arena, &query, &rows, &count, err));
    CHECK_INT(count, 2);
    CHECK_STRING(rows[0].key, "a/b");
    CHECK_STRING(rows[0].details, "{}");
    CHECK(rows[1].key == NULL && rows[1].service == NULL);
    query = (struct store_event_query){.after_id = first, .limit = 9};
    OK(store_events(store, &arena, &query, &rows, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(rows[0].id, second);

    struct store_letter *letters;
    OK(store_outbox_take(store, &arena, "webhook", 100, 200, 1, &letters, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(letters[0].event.id, first);
    CHECK_STRING(letters[0].event.message, "m");
    CHECK_INT(letters[0].attempts, 1);
    const int64_t taken = letters[0].id;
    OK(store_outbox_take(store, &arena, "webhook", 100, 200, 9, &letters, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(letters[0].event.id, second);
    OK(store_outbox_done(store, letters[0].id, err));
    OK(store_outbox_take(store, &arena, "webhook", 199, 300, 9, &letters, &count, err));
    CHECK_INT(count, 0);
    OK(store_outbox_take(store, &arena, "webhook", 200, 300, 9, &letters, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(letters[0].id, taken);
    CHECK_INT(letters[0].attempts, 2);
    OK(store_outbox_retry(store, taken, 1000, err));
    OK(store_outbox_take(store, &arena, "webhook", 999, 1200, 9, &letters, &count, err));
    CHECK_INT(count, 0);
    OK(store_outbox_push(store, "kubernetes", "{\"x\":1}", 5, &second, err));
    OK(store_outbox_take(store, &arena, "kubernetes", 0, 10, 9, &letters, &count, err));
    CHECK_INT(count, 3);
    CHECK_STRING(letters[2].body, "{\"x\":1}");
    CHECK_INT(letters[2].event.id, 0);
    store_close(store);
}

TEST(a_containers_evidence_stays)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    const struct revision revision = {.seq = 1};
    const int64_t id = fixture_insert(store, project, revision);
    struct view_container container = {.name = "app",
                                       .image = "web:2",
                                       .image_digest = "sha256:12",
                                       .restarts = 3,
                                       .exit_code = 137,
                                       .waiting_reason = "CrashLoopBackOff",
                                       .waiting_message = "back-off",
                                       .last_reason = "OOMKilled",
                                       .last_message = "no memory",
                                       .ended_at = 77};
    struct view_pod pod = {
        .name = "web-1", .uid = "pod-uid", .containers = &container, .container_count = 1};
    struct machine_effect effect = {.kind = MACHINE_INSTANCE, .revision = &revision, .pod = &pod};
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
    container = (struct view_container){
        .name = "app", .image = "web:2", .restarts = 4, .running = true, .started_at = 80};
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
    struct store_instance *rows;
    size_t count;
    OK(store_instances(store, &arena, id, &rows, &count, err));
    CHECK_INT(count, 1);
    CHECK_STRING(rows[0].status, "Running");
    CHECK_STRING(rows[0].image_digest, "sha256:12");
    CHECK_STRING(rows[0].last_reason, "OOMKilled");
    CHECK_STRING(rows[0].last_message, "no memory");
    CHECK_INT(rows[0].exit_code, 137);
    CHECK_INT(rows[0].restarts, 4);
    CHECK(rows[0].reason == NULL);
    effect.gone = true;
    effect.at = 99;
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
    OK(store_instances(store, &arena, id, &rows, &count, err));
    CHECK_STRING(rows[0].status, "Gone");
    CHECK_INT(rows[0].ended_at, 99);
    CHECK_STRING(rows[0].last_reason, "OOMKilled");
    store_close(store);
}

TEST(an_operation_is_claimed_once)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0, count = 0;
    OK(store_project(store, "ns", "web", &project, err));
    const int64_t bad =
        fixture_insert(store, project, (struct revision){.seq = 1, .template_sha = "bad"});
    struct store_op op = {.project = project,
                          .kind = "rollback",
                          .automatic = true,
                          .revision = bad,
                          .actor = "anna",
                          .key = "k1",
                          .body_digest = "d1",
                          .created_at = 10},
                    got;
    bool repeated = true;
    OK(store_op_claim(store, &arena, &op, &got, &repeated, err));
    CHECK(!repeated);
    const int64_t id = got.id;
    OK(store_op_claim(store, &arena, &op, &got, &repeated, err));
    CHECK(repeated);
    CHECK_INT(got.id, id);
    op.body_digest = "d2";
    FAILS(store_op_claim(store, &arena, &op, &got, &repeated, err), ERR_CONFLICT,
          "Idempotency-Key");
    op.actor = "ben";
    OK(store_op_claim(store, &arena, &op, &got, &repeated, err));
    CHECK(!repeated);
    op.key = NULL;
    OK(store_op_claim(store, &arena, &op, &got, &repeated, err));
    OK(store_op_claim(store, &arena, &op, &got, &repeated, err));
    CHECK(!repeated);
    OK(store_op_count(store, project, "bad", 10, &count, err));
    CHECK_INT(count, 4);
    OK(store_op_count(store, project, "good", 0, &count, err));
    CHECK_INT(count, 0);
    OK(store_op_count(store, project, NULL, 11, &count, err));
    CHECK_INT(count, 0);

    struct store_op *open;
    size_t open_count;
    OK(store_ops_open(store, &arena, &open, &open_count, err));
    CHECK_INT(open_count, 4);
    OK(store_op_get(store, &arena, id, &got, err));
    got.state = STORE_OP_DONE;
    got.http_status = 202;
    got.answer = "{}";
    OK(store_op_update(store, &got, STORE_OP_CLAIMED, err));
    FAILS(store_op_update(store, &got, STORE_OP_CLAIMED, err), ERR_CONFLICT, "gone on");
    OK(store_ops_open(store, &arena, &open, &open_count, err));
    CHECK_INT(open_count, 3);
    OK(store_op_get(store, &arena, id, &got, err));
    CHECK_INT(got.http_status, 202);
    CHECK_STRING(got.answer, "{}");
    store_close(store);
}

TEST(holds_nonces_gaps_and_configuration)
{
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0;
    size_t count;
    OK(store_project(store, "ns", "web", &project, err));
    struct store_hold hold = {.project = project,
                              .template_sha = "bad",
                              .reason = "it fell",
                              .set_by = "recorder",
                              .set_at = 10,
                              .until = 100},
                      got, *holds;
    FAILS(store_hold_find(store, &arena, "ns", "web", "bad", 50, &got, err), ERR_NOT_FOUND, "hold");
    OK(store_hold_set(store, &hold, err));
    OK(store_hold_find(store, &arena, "ns", "web", "bad", 50, &got, err));
    CHECK_STRING(got.reason, "it fell");
    FAILS(store_hold_find(store, &arena, "ns", "web", "bad", 100, &got, err), ERR_NOT_FOUND,
          "hold");
    FAILS(store_hold_find(store, &arena, "ns", "other", "bad", 50, &got, err), ERR_NOT_FOUND,
          "hold");
    hold.until = 0;
    OK(store_hold_set(store, &hold, err));
    OK(store_holds(store, &arena, project, INT64_MAX, &holds, &count, err));
    CHECK_INT(count, 1);
    OK(store_hold_lift(store, project, "bad", "anna", 60, err));
    FAILS(store_hold_lift(store, project, "bad", "anna", 60, err), ERR_NOT_FOUND, "hold");
    struct store_event *events;
    OK(store_events(store, &arena, &(struct store_event_query){.project = project, .limit = 9},
                    &events, &count, err));
    CHECK_INT(count, 3);
    CHECK_STRING(events[2].type, "hold_lifted");
    CHECK_STRING(events[2].details, "{\"template\":\"bad\",\"by\":\"anna\",\"until\":0}");

    OK(store_nonce_use(store, "n1", "uid 2 sha", 5, err));
    OK(store_nonce_use(store, "n1", "uid 2 sha", 6, err));
    FAILS(store_nonce_use(store, "n1", "uid 3 sha", 6, err), ERR_CONFLICT, "used before");
    FAILS(store_nonce_use(store, "n1", "", 6, err), ERR_CONFLICT, "used before");
    OK(store_nonce_use(store, "n2", "uid 2 sha", 6, err));

    struct store_gap *gaps;
    OK(store_gap_open(store, "pods", "410", 100, err));
    OK(store_gap_open(store, "pods", "again", 150, err));
    OK(store_gaps(store, &arena, 120, 130, &gaps, &count, err));
    CHECK_INT(count, 1);
    CHECK_STRING(gaps[0].reason, "410");
    CHECK_INT(gaps[0].to, 0);
    OK(store_gap_close(store, "pods", 200, err));
    OK(store_gaps(store, &arena, 201, 900, &gaps, &count, err));
    CHECK_INT(count, 0);
    OK(store_gaps(store, &arena, 0, 100, &gaps, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(gaps[0].to, 200);

    const int64_t id = fixture_insert(store, project, (struct revision){.seq = 1});
    const struct store_config_ref refs[] = {{"Secret", "s", "7"}, {"ConfigMap", "c", "abc"}};
    struct store_config_ref *found;
    OK(store_config_refs_set(store, id, refs, 2, err));
    OK(store_config_refs_set(store, id, refs, 2, err));
    OK(store_config_refs(store, &arena, id, &found, &count, err));
    CHECK_INT(count, 2);
    CHECK_STRING(found[0].name, "c");
    CHECK_STRING(found[0].fingerprint, "abc");
    store_close(store);
}

TEST(projects_are_found_and_listed)
{
    struct store *store = fixture_open(fixture_url());
    struct store_project_row row, *rows;
    int64_t a = 0, b = 0, again = 0;
    size_t count;
    FAILS(store_project_find(store, &arena, "ns", "a", &row, err), ERR_NOT_FOUND, "project");
    OK(store_project(store, "ns", "a", &a, err));
    OK(store_project(store, "ns2", "a", &b, err));
    OK(store_project(store, "ns", "a", &again, err));
    CHECK_INT(again, a);
    CHECK(b != a);
    OK(store_project_owner(store, a, "anna", err));
    FAILS(store_project_owner(store, 999, "anna", err), ERR_NOT_FOUND, "project");
    OK(store_project_get(store, &arena, a, &row, err));
    CHECK_STRING(row.owner, "anna");
    OK(store_projects(store, &arena, NULL, 0, 9, &rows, &count, err));
    CHECK_INT(count, 2);
    OK(store_projects(store, &arena, "ns2", 0, 9, &rows, &count, err));
    CHECK_INT(count, 1);
    CHECK_INT(rows[0].id, b);
    OK(store_projects(store, &arena, NULL, a, 9, &rows, &count, err));
    CHECK_INT(count, 1);
    store_close(store);
}

TEST(an_intent_comes_back_as_it_was)
{
    struct store *store = fixture_open(fixture_url());
    const struct machine_intent want = {.uid = "u",
                                        .template_sha = "t",
                                        .generation = 4,
                                        .delete_ = true,
                                        .received_at = 9,
                                        .actor_user = "anna",
                                        .actor_groups = "[]",
                                        .via = "v",
                                        .on_behalf_of = "ben",
                                        .change_cause = "c",
                                        .change_kind = "image",
                                        .policy_changes = "p",
                                        .last_applied = "l",
                                        .written_sha = "w",
                                        .rollback_of = 1,
                                        .source = 2,
                                        .old_template_sha = "o",
                                        .history_id = "h",
                                        .own = true,
                                        .cancel = true,
                                        .template_json = "{}"};
    int64_t id = 0;
    const char *json = NULL;
    OK(store_intent(store, &want, "ns", "web", &id, err));
    struct store_intent_row *rows;
    size_t count;
    OK(store_intents_open(store, &arena, 0, 0, 9, &rows, &count, err));
    CHECK_INT(count, 1);
    const struct machine_intent got = rows[0].intent;
    CHECK_INT(got.id, id);
    SAME_TEXT(uid);
    SAME_TEXT(template_sha);
    SAME_INT(generation);
    SAME_INT(delete_);
    SAME_INT(received_at);
    SAME_TEXT(actor_user);
    SAME_TEXT(actor_groups);
    SAME_TEXT(via);
    SAME_TEXT(on_behalf_of);
    SAME_TEXT(change_cause);
    SAME_TEXT(change_kind);
    SAME_TEXT(policy_changes);
    SAME_TEXT(last_applied);
    SAME_TEXT(written_sha);
    SAME_INT(rollback_of);
    SAME_INT(source);
    SAME_TEXT(old_template_sha);
    SAME_TEXT(history_id);
    SAME_INT(own);
    SAME_INT(cancel);
    OK(store_template_get(store, &arena, "t", &json, err));
    CHECK_STRING(json, "{}");
    OK(store_intents_open(store, &arena, rows[0].project, id, 9, &rows, &count, err));
    CHECK_INT(count, 0);
    OK(store_intent_end(store, id, STORE_INTENT_NOT_PERSISTED, err));
    OK(store_intents_open(store, &arena, 0, 0, 9, &rows, &count, err));
    CHECK_INT(count, 0);
    store_close(store);
}

TEST(what_a_deployment_was_made_of_is_kept_the_newest)
{
    struct store *store = fixture_open(fixture_url());
    struct store_frame frame = {.uid = "u-1", .taken_at = 5, .json = "{\"spec\":{}}"};
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    FAILS(store_frame_get(store, &arena, project, &frame, err), ERR_NOT_FOUND, "nothing is kept");
    OK(store_frame_set(store, project, &frame, err));
    frame = (struct store_frame){.uid = "u-2", .taken_at = 6, .json = "{\"spec\":{\"a\":1}}"};
    OK(store_frame_set(store, project, &frame, err));
    OK(store_frame_get(store, &arena, project, &frame, err));
    CHECK_STRING(frame.uid, "u-2");
    CHECK_INT(frame.taken_at, 6);
    CHECK_STRING(frame.json, "{\"spec\":{\"a\":1}}");
    store_close(store);
}

TEST_MAIN
