/* Operations against a small API server and a real store: what is written, told, kept and answered,
 * also when something comes in the way or the process ends in between. */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/recorder/world.h"

#define SELF "system:serviceaccount:hydrosim-system:proctor-recorder"

static struct operate *operate;
static struct store *store;
static int64_t project;
static struct caller caller = {
    .user = "anna", .groups_json = "[\"students\"]", .groups = (const char *const[]){NULL}};
static struct operate_answer answer;
static struct err fault;

/* ---- A project with versions ------------------------------------------------------------ */

static void begin_with(bool automatic)
{
    log_configure(LOG_ERROR, LOG_TEXT);
    world_begin();
    store = fixture_open(fixture_url());
    arena_use(&arena);
    const struct operate_options options = {.kube = &world.kube,
                                            .store = store,
                                            .namespace_ = "room",
                                            .automatic = automatic,
                                            .hold_us = INT64_C(3600) * 1000000};
    OK(operate_new(&options, &operate, err));
    OK(store_project(store, "room", "a", &project, err));
}

static void begin(void)
{
    begin_with(false);
}

static void finish(void)
{
    operate_free(operate);
    store_close(store);
}

/* The pod template of version `number`. */
static const char *template_of(int number)
{
    return arena_printf(&arena,
                        "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"containers\":[{"
                        "\"envFrom\":[{\"configMapRef\":{\"name\":\"web\"}}],"
                        "\"image\":\"i:v%d\",\"name\":\"app\"}]}}",
                        number);
}

static const char *sha_of(int number)
{
    cJSON *root = NULL;
    const char *text = template_of(number);
    OK(json_parse(&arena, text, strlen(text), &json_limits_review, &root, err));
    return view_template_sha(&arena, root);
}

/* Stores the version in the world, `spec` with members of its own (ending with a comma). */
static void apply_with(int number, const char *spec, const char *annotations)
{
    world_deploy(arena_printf(
        &arena,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"a\","
        "\"namespace\":\"room\",\"labels\":{\"team\":\"x\"},\"annotations\":{%s}},\"spec\":{%s"
        "\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"a\"}},\"template\":%s}}",
        annotations, spec, template_of(number)));
}

static void apply(int number)
{
    apply_with(number, "", "\"own\":\"words\"");
}

static int64_t generation_now(void)
{
    int64_t generation = 0;
    pthread_mutex_lock(&world.lock);
    (void)json_int64(json_path(world.deployment, "metadata", "generation", NULL), &generation);
    pthread_mutex_unlock(&world.lock);
    return generation;
}

static int64_t row_of(int64_t seq, int number, struct revision revision)
{
    const struct store_template kept = {sha_of(number), template_of(number)};
    revision.seq = seq;
    revision.template_sha = kept.sha;
    if (revision.uid == NULL)
        revision.uid = "u-1";
    if (revision.started_at == 0)
        revision.started_at = clock_unix_us();
    if (revision.generation == 0)
        revision.generation = seq;
    const struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &revision};
    int64_t id = 0;
    OK(store_commit(store, project, &effect, 1, &kept, 1, NULL, &id, err));
    return id;
}

static void end_row(int64_t id, enum revision_status status)
{
    struct revision row;
    OK(store_revision(store, &arena, id, &row, err));
    row.status = status;
    row.message = "words of its end";
    const struct machine_effect effect = {.kind = MACHINE_UPDATE, .revision = &row};
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
}

static int64_t good, bad;

/* V1 is good, V2 is stored and failed. */
static void good_and_bad(void)
{
    apply(1);
    good = row_of(1, 1,
                  (struct revision){.status = REVISION_COMPLETED,
                                    .good = REVISION_GOOD_YES,
                                    .last_applied = "first"});
    apply(2);
    bad = row_of(
        2, 2, (struct revision){.status = REVISION_FAILED, .reason = "ImagePull", .replicas = 3});
    const struct store_event failed = {
        .project = project, .revision = bad, .at = clock_unix_us(), .type = "deployment_failed"};
    int64_t id;
    OK(store_event(store, &failed, &id, err));
}

static struct operate_request ask(const char *key, const char *digest)
{
    return (struct operate_request){.caller = &caller, .key = key, .body_digest = digest};
}

static void roll_back(struct operate_request request, int64_t target)
{
    OK(operate_rollback(operate, &arena, &request, target, &answer, err));
}

static const char *stored(const char *a, const char *b, const char *c)
{
    pthread_mutex_lock(&world.lock);
    const char *text = json_string(json_path(world.deployment, a, b, c, NULL));
    text = text != NULL ? arena_strdup(&arena, text) : "(none)";
    pthread_mutex_unlock(&world.lock);
    return text;
}

static const char *stored_image(void)
{
    pthread_mutex_lock(&world.lock);
    const cJSON *containers =
        json_path(world.deployment, "spec", "template", "spec", "containers", NULL);
    const char *image = json_get_string(containers != NULL ? containers->child : NULL, "image");
    image = image != NULL ? arena_strdup(&arena, image) : "(none)";
    pthread_mutex_unlock(&world.lock);
    return image;
}

static struct store_op operation(void)
{
    struct store_op op = {.id = 0};
    CHECK(answer.operation != 0);
    OK(store_op_get(store, &arena, answer.operation, &op, err));
    return op;
}

static void check_refused(int status, const char *reason, const char *words)
{
    CHECK_INT(answer.status, status);
    CHECK_STRING(answer.reason, reason);
    if (strstr(answer.detail, words) == NULL)
        TEST_FAIL("\"%s\" does not say \"%s\"", answer.detail, words);
    CHECK_INT(operation().state, STORE_OP_FAILED);
    CHECK_STRING(operate_message(&arena, &(struct store_op){.answer = operation().answer}),
                 answer.detail);
}

static struct machine_intent only_intent(void)
{
    struct store_intent_row *rows;
    size_t count;
    OK(store_intents_open(store, &arena, project, 0, 10, &rows, &count, err));
    CHECK_INT(count, 1);
    return rows[0].intent;
}

static bool has_event(int64_t revision, const char *type, const char *words)
{
    const struct store_event_query query = {.revision = revision, .limit = 100};
    struct store_event *events;
    size_t count;
    OK(store_events(store, &arena, &query, &events, &count, err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(events[i].type, type) == 0 &&
            ((events[i].message != NULL && strstr(events[i].message, words) != NULL) ||
             (events[i].details != NULL && strstr(events[i].details, words) != NULL)))
            return true;
    return false;
}

static void look(void)
{
    struct kube_client *client;
    size_t open;
    OK(pool_take(operate->pool, &client, err));
    OK(operate_watch(operate, client, &arena, &open, err));
    pool_give(operate->pool, client, 0);
}

/* ---- Rollback --------------------------------------------------------------------------- */

TEST(a_rollback_is_written_told_and_followed_to_its_end)
{
    begin();
    good_and_bad();
    struct operate_request request = ask(NULL, "d");
    request.reason = "V2 does not start";
    roll_back(request, good);
    CHECK_INT(answer.status, 202);
    CHECK(answer.reason == NULL && answer.warning == NULL && !answer.repeated);
    CHECK_INT(answer.revision, bad);
    CHECK_INT(answer.target, good);
    CHECK_INT(answer.generation, 3);
    CHECK_STRING(stored_image(), "i:v1");
    const struct store_op op = operation();
    const char *id = operate_history_id(&arena, &op);
    CHECK_STRING(stored("metadata", "annotations", OPERATE_HISTORY_ID), id);
    CHECK_STRING(stored("metadata", "annotations", OPERATE_ON_BEHALF_OF),
                 arena_printf(&arena, "anna;%s", id));
    CHECK_STRING(
        stored("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
        "first");
    const struct machine_intent intent = only_intent();
    CHECK_STRING(intent.actor_user, "anna");
    CHECK_STRING(intent.actor_groups, "[\"students\"]");
    CHECK_STRING(intent.via, SELF);
    CHECK_STRING(intent.history_id, id);
    CHECK_STRING(intent.template_sha, sha_of(1));
    CHECK_STRING(intent.old_template_sha, sha_of(2));
    CHECK_INT(intent.rollback_of, bad);
    CHECK_INT(intent.source, good);
    CHECK_INT(intent.generation, 3);
    CHECK(intent.own && !intent.cancel);
    CHECK(has_event(bad, "requested", "V2 does not start"));

    CHECK_INT(op.state, STORE_OP_PATCHED);
    look();
    CHECK_INT(operation().result, 0);
    const int64_t back = row_of(3, 1,
                                (struct revision){.status = REVISION_IN_PROGRESS,
                                                  .origin = REVISION_RECORDER,
                                                  .rollback_of = bad});
    look();
    CHECK_INT(operation().result, back);
    CHECK_INT(operation().state, STORE_OP_PATCHED);
    end_row(back, REVISION_COMPLETED);
    look();
    CHECK_INT(operation().state, STORE_OP_DONE);
    finish();
}

TEST(a_rollback_whose_version_fails_has_failed)
{
    begin();
    good_and_bad();
    roll_back(ask(NULL, "d"), good);
    end_row(row_of(3, 1,
                   (struct revision){.status = REVISION_IN_PROGRESS,
                                     .origin = REVISION_RECORDER,
                                     .rollback_of = bad}),
            REVISION_FAILED);
    look();
    struct store_op op = operation();
    CHECK_INT(op.state, STORE_OP_FAILED);
    CHECK_STRING(operate_message(&arena, &op), "version 3 ended as Failed: words of its end");
    finish();
}

TEST(a_key_gives_its_answer_again_and_is_for_one_thing)
{
    begin();
    good_and_bad();
    roll_back(ask("k1", "d1"), good);
    const struct operate_answer first = answer;
    CHECK_INT(first.status, 202);
    CHECK_INT(world.writes, 2);
    roll_back(ask("k1", "d1"), good);
    CHECK(answer.repeated);
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.operation, first.operation);
    CHECK_INT(answer.revision, first.revision);
    CHECK_INT(answer.target, first.target);
    CHECK_INT(answer.generation, first.generation);
    CHECK_INT(world.writes, 2);
    roll_back(ask("k1", "d2"), good);
    CHECK_INT(answer.status, 422);
    CHECK_STRING(answer.reason, "IdempotencyKeyReused");
    CHECK_INT(answer.operation, 0);
    struct operate_request request = ask("k1", "d1");
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    CHECK_STRING(answer.reason, "IdempotencyKeyReused");
    caller.user = "ben";
    roll_back(ask("k1", "d1"), good);
    caller.user = "anna";
    CHECK_STRING(answer.reason, "AlreadyAtRevision");
    CHECK(!answer.repeated);
    roll_back(ask("k2", "d1"), good);
    check_refused(409, "AlreadyAtRevision", "restart it");
    roll_back(ask("k2", "d1"), good);
    CHECK(answer.repeated);
    check_refused(409, "AlreadyAtRevision", "restart it");
    CHECK_INT(world.writes, 2);
    finish();
}

TEST(what_is_refused_is_not_done_and_says_why)
{
    begin();
    good_and_bad();
    struct operate_request request = ask(NULL, "d");
    request.expect_generation = 1;
    roll_back(request, good);
    check_refused(409, "GenerationMoved", "generation 2, not 1");
    request.expect_generation = 2;
    world_trouble(WORLD_REFUSES);
    roll_back(request, good);
    check_refused(422, "PolicyRefused", "denied the request");
    CHECK_STRING(json_get_string(answer.causes->child, "field"), "spec.template");
    world_trouble(WORLD_MOVES);
    roll_back(request, good);
    check_refused(409, "GenerationMoved", "changed meanwhile");
    world_trouble(WORLD_WELL);
    apply_with(2, "\"paused\":true,", "");
    roll_back(ask(NULL, "d"), good);
    check_refused(409, "Paused", "resume");
    CHECK_INT(world.writes, 0);
    request = ask(NULL, "d");
    request.resume = true;
    roll_back(request, good);
    CHECK_INT(answer.status, 202);
    CHECK_STRING(stored_image(), "i:v1");
    CHECK(json_path(world.deployment, "spec", "paused", NULL) == NULL);
    world_delete();
    roll_back(ask(NULL, "d"), good);
    check_refused(409, "Deleted", "undelete it");
    CHECK_INT(operate_rollback(operate, &arena, &request, 99999, &answer, &fault), -ERR_NOT_FOUND);
    finish();
}

TEST(a_version_under_hold_does_not_come_back)
{
    begin();
    good_and_bad();
    OK(store_hold_set(store,
                      &(struct store_hold){.project = project,
                                           .template_sha = sha_of(1),
                                           .reason = "it lost data",
                                           .set_by = "teacher",
                                           .set_at = 1},
                      err));
    roll_back(ask(NULL, "d"), good);
    check_refused(409, "Held", "set by teacher, because: it lost data");
    struct operate_request request = ask(NULL, "d");
    FAILS(operate_lift_hold(operate, &arena, &request, project, "0123456789", &answer, err),
          ERR_NOT_FOUND, "no template");
    FAILS(operate_lift_hold(operate, &arena, &request, project, "", &answer, err), ERR_NOT_FOUND,
          "no template");
    OK(operate_lift_hold(operate, &arena, &request, project, arena_strndup(&arena, sha_of(1), 12),
                         &answer, err));
    CHECK_INT(answer.status, 200);
    roll_back(ask(NULL, "d"), good);
    CHECK_INT(answer.status, 202);
    finish();
}

TEST(a_dry_run_leaves_no_trace)
{
    begin();
    good_and_bad();
    struct operate_request request = ask("k", "d");
    request.dry_run = true;
    roll_back(request, good);
    CHECK_INT(answer.status, 200);
    CHECK_INT(answer.operation, 0);
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    CHECK_INT(answer.status, 200);
    OK(operate_pause(operate, &arena, &request, project, true, &answer, err));
    CHECK_INT(answer.status, 200);
    CHECK_INT(world.writes, 0);
    CHECK_INT(world.dry_runs, 3);
    world_trouble(WORLD_REFUSES);
    roll_back(request, good);
    CHECK_STRING(answer.reason, "PolicyRefused");
    struct store_op *ops;
    size_t count;
    OK(store_ops_open(store, &arena, &ops, &count, err));
    CHECK_INT(count, 0);
    CHECK_INT(generation_now(), 2);
    finish();
}

TEST(configuration_that_is_not_of_then_is_warned_of)
{
    struct kube_client *client;
    begin();
    world_configure("web", "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"data\":{\"a\":\"1\"}}");
    apply(1);
    good = row_of(1, 1, (struct revision){.status = REVISION_COMPLETED, .good = REVISION_GOOD_YES});
    OK(pool_take(operate->pool, &client, err));
    OK(operate_take_fingerprint(operate, client, &arena, good, err));
    pool_give(operate->pool, client, 0);
    apply(2);
    bad = row_of(2, 2, (struct revision){.status = REVISION_IN_PROGRESS});
    struct operate_request request = ask(NULL, "d");
    request.dry_run = true;
    roll_back(request, good);
    CHECK(answer.warning == NULL);
    world_configure("web", "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\"}}");
    roll_back(ask("k", "d"), good);
    CHECK_INT(answer.status, 202);
    static const char words[] = "version 1 would run with today's configuration, not with its own: "
                                "ConfigMap web has changed since";
    CHECK_STRING(answer.warning, words);
    roll_back(ask("k", "d"), good);
    CHECK_STRING(answer.warning, words);
    finish();
}

/* ---- What the process did not live to see ----------------------------------------------- */

static struct store_op claimed_before(const char *kind, bool automatic, int64_t created_at)
{
    const struct store_op op = {.project = project,
                                .kind = kind,
                                .automatic = automatic,
                                .revision = automatic ? bad : 0,
                                .target = good,
                                .actor = automatic ? SELF : "anna",
                                .created_at = created_at};
    struct store_op claimed = {.id = 0};
    bool repeated;
    OK(store_op_claim(store, &arena, &op, &claimed, &repeated, err));
    answer.operation = claimed.id;
    return claimed;
}

TEST(killed_after_the_write_it_is_finished)
{
    for (int automatic = 0; automatic < 2; automatic++) {
        begin();
        good_and_bad();
        const struct store_op op = claimed_before("rollback", automatic, clock_unix_us());
        look();
        CHECK_INT(operation().state, STORE_OP_CLAIMED);
        apply_with(1, "",
                   arena_printf(&arena, "\"" OPERATE_HISTORY_ID "\":\"%s\"",
                                operate_history_id(&arena, &op)));
        look();
        CHECK_INT(operation().state, STORE_OP_PATCHED);
        CHECK_INT(operation().http_status, 202);
        CHECK_INT(operation().revision, bad);
        const struct machine_intent intent = only_intent();
        CHECK_INT(intent.rollback_of, bad);
        CHECK_INT(intent.source, good);
        CHECK_STRING(intent.actor_user, automatic ? SELF : "anna");
        struct store_hold hold;
        CHECK_INT(
            store_hold_find(store, &arena, "room", "a", sha_of(2), clock_unix_us(), &hold, &fault),
            automatic ? 0 : -ERR_NOT_FOUND);
        look();
        (void)only_intent();
        finish();
    }
}

static int taken;

/* What the leader does with it while a replica that follows waits for its answer. */
static void take_up(void)
{
    struct arena mine;
    struct store_op *ops;
    size_t count = 0;
    struct err error;
    world.stored = NULL;
    arena_init(&mine, LIMIT_MIB);
    taken = store_ops_open(store, &mine, &ops, &count, &error);
    if (taken == 0 && count == 1) {
        ops[0].state = STORE_OP_PATCHED;
        ops[0].revision = bad;
        taken = store_op_update(store, &ops[0], STORE_OP_CLAIMED, &error);
    }
    arena_done(&mine);
}

TEST(what_the_leader_took_up_meanwhile_is_accepted)
{
    begin();
    good_and_bad();
    world.stored = take_up;
    roll_back(ask(NULL, "d"), good);
    CHECK_INT(taken, 0);
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.generation, 3);
    CHECK_INT(operation().state, STORE_OP_PATCHED);
    (void)only_intent();
    finish();
}

TEST(killed_before_the_write_it_failed_once_nobody_can_be_at_it)
{
    begin();
    good_and_bad();
    (void)claimed_before("rollback", false, clock_unix_us() - INT64_C(121) * 1000000);
    look();
    struct store_op op = operation();
    CHECK_INT(op.state, STORE_OP_FAILED);
    CHECK(strstr(operate_message(&arena, &op), "before it was written") != NULL);
    CHECK_INT(world.writes, 0);
    finish();
}

TEST(written_and_replaced_before_anybody_looked)
{
    begin();
    good_and_bad();
    const struct store_op claimed = claimed_before("rollback", false, clock_unix_us());
    apply_with(3, "",
               arena_printf(&arena, "\"" OPERATE_HISTORY_ID "\":\"%s\"",
                            operate_history_id(&arena, &claimed)));
    look();
    struct store_op op = operation();
    CHECK_INT(op.state, STORE_OP_FAILED);
    CHECK(strstr(operate_message(&arena, &op), "another version was stored") != NULL);
    finish();
}

TEST(a_write_whose_answer_never_comes)
{
    begin();
    good_and_bad();
    world_trouble(WORLD_STORES);
    roll_back(ask(NULL, "d"), good);
    CHECK_INT(answer.status, 202);
    CHECK_STRING(stored_image(), "i:v1");
    struct operate_request request = ask("k", "d");
    CHECK_INT(operate_restart(operate, &arena, &request, project, &answer, &fault),
              -ERR_UNREACHABLE);
    world_trouble(WORLD_WELL);
    const unsigned writes = world.writes;
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    CHECK(answer.repeated);
    CHECK_INT(answer.status, 202);
    for (int i = 0; i < 300 && operation().state == STORE_OP_CLAIMED; i++) {
        look();
        usleep(10000);
    }
    CHECK_INT(operation().state, STORE_OP_PATCHED);
    CHECK_INT(world.writes, writes);
    finish();
}

TEST(a_write_that_never_came_through_stays_open_until_it_is_known)
{
    begin();
    good_and_bad();
    struct operate_request request = ask("k", "d");
    world_trouble(WORLD_BREAKS);
    CHECK_INT(operate_rollback(operate, &arena, &request, good, &answer, &fault), -ERR_UNREACHABLE);
    world_trouble(WORLD_WELL);
    OK(operate_rollback(operate, &arena, &request, good, &answer, err));
    CHECK(answer.repeated);
    CHECK_INT(operation().state, STORE_OP_CLAIMED);
    CHECK_INT(world.writes, 0);
    finish();
}

/* ---- Cancel ----------------------------------------------------------------------------- */

static void cancel(int64_t revision)
{
    struct operate_request request = ask(NULL, "d");
    OK(operate_cancel(operate, &arena, &request, revision, &answer, err));
}

TEST(a_cancel_goes_back_to_the_last_good_one_and_unpauses)
{
    begin();
    good_and_bad();
    apply_with(3, "\"paused\":true,", "");
    const int64_t running = row_of(3, 3, (struct revision){.status = REVISION_IN_PROGRESS});
    cancel(bad);
    check_refused(409, "NotInProgress", "version 2 is Failed");
    cancel(running);
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.target, good);
    CHECK_INT(operation().target, good);
    CHECK_STRING(stored_image(), "i:v1");
    CHECK(json_path(world.deployment, "spec", "paused", NULL) == NULL);
    const struct machine_intent intent = only_intent();
    CHECK(intent.cancel);
    CHECK_INT(intent.rollback_of, running);
    cancel(running);
    check_refused(409, "GenerationMoved", "another version is stored");
    finish();
}

TEST(a_cancel_without_a_good_one_pauses)
{
    begin();
    apply(1);
    const int64_t running = row_of(1, 1, (struct revision){.status = REVISION_IN_PROGRESS});
    cancel(running);
    CHECK_INT(answer.status, 200);
    CHECK(strstr(answer.detail, "no good version") != NULL);
    CHECK_INT(operation().state, STORE_OP_DONE);
    CHECK(json_is_true(json_path(world.deployment, "spec", "paused", NULL)));
    const struct machine_intent intent = only_intent();
    CHECK(intent.cancel && intent.template_sha == NULL);
    CHECK_INT(intent.rollback_of, running);
    finish();
}

TEST(a_version_that_somebody_left_is_not_good_to_go_back_to)
{
    begin();
    good_and_bad();
    (void)row_of(3, 3,
                 (struct revision){.status = REVISION_ROLLED_BACK, .good = REVISION_GOOD_YES});
    (void)row_of(
        4, 4,
        (struct revision){.status = REVISION_COMPLETED, .good = REVISION_GOOD_YES, .uid = "u-0"});
    apply(5);
    cancel(row_of(5, 5, (struct revision){.status = REVISION_IN_PROGRESS}));
    CHECK_INT(answer.target, good);
    finish();
}

/* ---- Restart, pause, resume ------------------------------------------------------------- */

TEST(a_restart_is_kubectls_own)
{
    begin();
    apply(1);
    good = row_of(1, 1, (struct revision){.status = REVISION_COMPLETED});
    struct operate_request request = ask("k", "d");
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.revision, good);
    CHECK_STRING(stored_image(), "i:v1");
    char text[CLOCK_TEXT_BYTES];
    const cJSON *annotations =
        json_path(world.deployment, "spec", "template", "metadata", "annotations", NULL);
    CHECK_STRING(json_get_string(annotations, OPERATE_RESTARTED_AT),
                 clock_format(operation().created_at, text));
    const struct machine_intent intent = only_intent();
    CHECK(intent.own);
    CHECK_STRING(intent.old_template_sha, sha_of(1));
    CHECK_INT(intent.rollback_of, 0);
    const char *json;
    OK(store_template_get(store, &arena, intent.template_sha, &json, err));
    CHECK(strstr(json, "restartedAt") != NULL);
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    CHECK(answer.repeated);
    CHECK_INT(world.writes, 1);
    finish();
}

TEST(pause_and_resume_say_so_when_there_is_nothing_to_do)
{
    static const struct {
        bool paused;
        const char *detail;
        unsigned writes;
    } steps[] = {{false, "it was not paused", 0},
                 {true, NULL, 1},
                 {true, "it was paused already", 1},
                 {false, NULL, 2}};
    begin();
    apply(1);
    (void)row_of(1, 1, (struct revision){.status = REVISION_IN_PROGRESS});
    for (size_t i = 0; i < 4; i++) {
        struct operate_request request = ask(NULL, "d");
        OK(operate_pause(operate, &arena, &request, project, steps[i].paused, &answer, err));
        CHECK_INT(answer.status, 200);
        if (steps[i].detail == NULL)
            CHECK(answer.detail == NULL);
        else
            CHECK_STRING(answer.detail, steps[i].detail);
        CHECK_INT(operation().state, STORE_OP_DONE);
        CHECK_INT(world.writes, steps[i].writes);
        CHECK_INT(json_is_true(json_path(world.deployment, "spec", "paused", NULL)),
                  steps[i].paused);
    }
    struct operate_request request = ask(NULL, "d");
    OK(operate_pause(operate, &arena, &request, project, true, &answer, err));
    OK(operate_restart(operate, &arena, &request, project, &answer, err));
    check_refused(409, "Paused", "resume it first");
    request.expect_generation = 1;
    OK(operate_pause(operate, &arena, &request, project, false, &answer, err));
    check_refused(409, "GenerationMoved", "not 1");
    world_trouble(WORLD_REFUSES);
    request.expect_generation = 0;
    OK(operate_pause(operate, &arena, &request, project, false, &answer, err));
    check_refused(422, "PolicyRefused", "denied");
    world_trouble(WORLD_MOVES);
    OK(operate_pause(operate, &arena, &request, project, false, &answer, err));
    check_refused(409, "GenerationMoved", "changed meanwhile");
    world_delete();
    OK(operate_pause(operate, &arena, &request, project, false, &answer, err));
    check_refused(409, "Deleted", "undelete");
    CHECK_INT(operate_pause(operate, &arena, &request, 99999, false, &answer, &fault),
              -ERR_NOT_FOUND);
    finish();
}

/* ---- Undelete --------------------------------------------------------------------------- */

TEST(what_was_deleted_is_made_again_as_it_was_with_the_good_version)
{
    struct kube_client *client;
    struct operate_request request = ask("k", "d");
    begin();
    good_and_bad();
    OK(pool_take(operate->pool, &client, err));
    OK(operate_take_fingerprint(operate, client, &arena, bad, err));
    pool_give(operate->pool, client, 0);
    OK(operate_undelete(operate, &arena, &request, project, 0, &answer, err));
    check_refused(409, "NotDeleted", "exists");
    world_delete();
    request = ask("k2", "d");
    OK(operate_undelete(operate, &arena, &request, project, 0, &answer, err));
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.target, good);
    CHECK_STRING(stored_image(), "i:v1");
    CHECK_STRING(stored("metadata", "uid", NULL), "u-2");
    CHECK_STRING(stored("metadata", "labels", "team"), "x");
    CHECK_STRING(stored("metadata", "annotations", "own"), "words");
    CHECK_STRING(stored("spec", "selector", NULL), "(none)");
    CHECK_STRING(
        json_string(json_path(world.deployment, "spec", "selector", "matchLabels", "app", NULL)),
        "a");
    CHECK_STRING(
        stored("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
        "first");
    int64_t replicas = 0;
    CHECK(json_int64(json_path(world.deployment, "spec", "replicas", NULL), &replicas));
    CHECK_INT(replicas, 3);
    const struct machine_intent intent = only_intent();
    CHECK_STRING(intent.uid, "u-2");
    CHECK_INT(intent.source, good);
    CHECK_INT(intent.generation, 1);
    CHECK_STRING(intent.actor_user, "anna");
    const int64_t again = row_of(3, 1,
                                 (struct revision){.status = REVISION_COMPLETED,
                                                   .origin = REVISION_RECORDER,
                                                   .actor_user = "anna",
                                                   .uid = "u-2"});
    look();
    CHECK_INT(operation().state, STORE_OP_DONE);
    CHECK_INT(operation().result, again);
    finish();
}

TEST(what_cannot_be_made_again)
{
    struct operate_request request = ask(NULL, "d");
    begin();
    bad = row_of(1, 2, (struct revision){.status = REVISION_DELETED});
    OK(operate_undelete(operate, &arena, &request, project, 0, &answer, err));
    check_refused(422, "NoGoodRevision", "name the one that is wanted");
    OK(operate_undelete(operate, &arena, &request, project, bad, &answer, err));
    check_refused(422, "NothingKept", "apply its manifest");
    good =
        row_of(2, 1,
               (struct revision){
                   .status = REVISION_DELETED,
                   .good = REVISION_GOOD_YES,
                   .last_applied = "{\"metadata\":{\"name\":\"else\",\"labels\":{\"team\":\"y\"}},"
                                   "\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{"
                                   "\"app\":\"a\"}},\"template\":{}}}"});
    world_trouble(WORLD_REFUSES);
    OK(operate_undelete(operate, &arena, &request, project, 0, &answer, err));
    check_refused(422, "PolicyRefused", "denied");
    world_trouble(WORLD_WELL);
    OK(operate_undelete(operate, &arena, &request, project, 0, &answer, err));
    CHECK_INT(answer.status, 202);
    CHECK_STRING(stored("metadata", "name", NULL), "a");
    CHECK_STRING(stored("metadata", "labels", "team"), "y");
    CHECK_STRING(stored_image(), "i:v1");
    finish();
}

/* ---- By itself -------------------------------------------------------------------------- */

static void wish(int64_t revision)
{
    OK(operate_judge_wish(operate, &arena, project, revision, err));
}

TEST(a_failed_version_is_rolled_back_once_and_held)
{
    begin_with(true);
    good_and_bad();
    wish(bad);
    CHECK_STRING(stored_image(), "i:v1");
    CHECK_STRING(stored("metadata", "annotations", OPERATE_ON_BEHALF_OF), "(none)");
    const struct machine_intent intent = only_intent();
    CHECK_STRING(intent.actor_user, SELF);
    CHECK(intent.via == NULL);
    CHECK_INT(intent.rollback_of, bad);
    struct store_hold hold;
    OK(store_hold_find(store, &arena, "room", "a", sha_of(2), clock_unix_us(), &hold, err));
    CHECK(hold.until > clock_unix_us());
    CHECK_STRING(hold.set_by, SELF);
    CHECK(strstr(hold.reason, "version 2 failed (ImagePull)") != NULL);
    int64_t count;
    OK(store_op_count(store, project, sha_of(2), 0, &count, err));
    CHECK_INT(count, 1);
    const unsigned writes = world.writes;
    wish(bad);
    CHECK_INT(world.writes, writes);
    finish();
}

TEST(a_guard_that_does_not_hold_is_an_event)
{
    begin();
    good_and_bad();
    wish(bad);
    CHECK_STRING(stored_image(), "i:v2");
    CHECK(has_event(bad, "auto_rollback_refused", "\"OptedIn\""));
    world_annotate("proctor.dev/auto-rollback", "true");
    world_annotate("meta.helm.sh/release-name", "x");
    wish(bad);
    CHECK_STRING(stored_image(), "i:v2");
    CHECK_INT(world.writes, 0);
    finish();
}

TEST(while_another_change_is_on_its_way_the_wish_waits)
{
    begin_with(true);
    good_and_bad();
    const int64_t pending = row_of(3, 3, (struct revision){.status = REVISION_PENDING});
    CHECK_INT(operate_judge_wish(operate, &arena, project, bad, &fault), -ERR_BUSY);
    CHECK_STRING(stored_image(), "i:v2");
    CHECK(!has_event(bad, "auto_rollback_refused", ""));
    end_row(pending, REVISION_NOT_PERSISTED);
    wish(bad);
    CHECK_STRING(stored_image(), "i:v1");
    finish();
}

TEST(killed_before_its_write_the_recorders_own_wish_is_done_by_the_next)
{
    for (int helm = 0; helm < 2; helm++) {
        begin_with(true);
        good_and_bad();
        (void)claimed_before("rollback", true, clock_unix_us() - INT64_C(10) * 1000000);
        if (helm)
            world_annotate("meta.helm.sh/release-name", "x");
        look();
        CHECK_INT(operation().state, helm ? STORE_OP_FAILED : STORE_OP_PATCHED);
        CHECK_STRING(stored_image(), helm ? "i:v2" : "i:v1");
        CHECK_INT(has_event(bad, "auto_rollback_refused", "NotManaged"), helm);
        finish();
    }
}

TEST(a_wish_is_granted_where_the_project_asks_for_it)
{
    begin();
    good_and_bad();
    world_annotate("proctor.dev/auto-rollback", "true");
    wish(bad);
    CHECK_STRING(stored_image(), "i:v1");
    finish();
}

TEST(what_policy_refuses_by_itself_is_an_event_too)
{
    begin_with(true);
    good_and_bad();
    world_trouble(WORLD_REFUSES);
    wish(bad);
    CHECK(has_event(bad, "auto_rollback_refused", "PolicyRefused"));
    CHECK_INT(world.writes, 0);
    finish();
}

TEST(a_failure_that_nobody_heard_of_is_acted_upon_at_the_next_start)
{
    begin_with(true);
    good_and_bad();
    OK(operate_finish(operate, err));
    for (int i = 0; i < 1000 && strcmp(stored_image(), "i:v1") != 0; i++)
        usleep(10000);
    CHECK_STRING(stored_image(), "i:v1");
    finish();
}

/* ---- Marks ------------------------------------------------------------------------------ */

TEST(a_mark_is_kept_with_who_and_why)
{
    begin();
    good_and_bad();
    struct operate_request request = ask("k", "d");
    request.reason = "it computes nonsense";
    OK(operate_mark(operate, &arena, &request, good, REVISION_GOOD_NO, &answer, err));
    CHECK_INT(answer.status, 200);
    struct revision row;
    OK(store_revision(store, &arena, good, &row, err));
    CHECK_INT(row.good, REVISION_GOOD_NO);
    CHECK_STRING(row.good_by, "anna");
    CHECK_INT(operate_mark(operate, &arena, &request, 99999, REVISION_GOOD_NO, &answer, &fault),
              -ERR_NOT_FOUND);
    finish();
}

TEST_MAIN
