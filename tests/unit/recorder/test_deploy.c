/* Deploys against a small API server and a real store: what is written, told, refused, followed,
 * and what is left when something comes in the way. */
#include "recorder/deploy_internal.h"

#include "base/clock.h"
#include "net/live.h"
#include "tests/unit/engine.h"
#include "tests/unit/recorder/world.h"

#include <time.h>

#define SELF "system:serviceaccount:hydrosim-system:proctor-recorder"

static struct operate *operate;
static struct deploy *deploy;
static struct store *store;
static int64_t project;
static struct caller caller = {.user = "anna",
                               .groups_json = "[\"students\"]",
                               .groups = (const char *const[]){"students", NULL}};
static struct deploy_spec spec;
static struct operate_request request;
static struct operate_answer answer;

/* ---- the stage ---------------------------------------------------------------------------- */

static void install_policies(void)
{
    static bool installed;
    if (installed)
        return;
    installed = true;
    engine_begin();
    struct policy_set *set = engine_load_rules("    - id: ours\n"
                                               "      why: Only ours may run.\n"
                                               "      field: $containers.image\n"
                                               "      pattern: '^i:'\n"
                                               "      message: not ours\n"
                                               "      fix: take ours\n");
    OK(live_install(set, 0, err));
}

static void start(void)
{
    const struct operate_options options = {
        .kube = &world.kube, .store = store, .namespace_ = "room"};
    OK(operate_new(&options, &operate, err));
    const struct deploy_options more = {.kube = &world.kube,
                                        .store = store,
                                        .operate = operate,
                                        .namespace_ = "room",
                                        .host_domain = "d.example"};
    OK(deploy_new(&more, &deploy, err));
}

static void stop(void)
{
    deploy_free(deploy);
    operate_free(operate);
}

static void begin(void)
{
    world_begin();
    install_policies();
    store = fixture_open(fixture_url());
    arena_use(&arena);
    start();
    deploy_spec_default(&spec);
    spec.project = "a";
    spec.image = "i:v1";
    spec.health_delay_seconds = 0;
    spec.health_retries = 0;
    request = (struct operate_request){.caller = &caller, .body_digest = "d"};
    project = 0;
}

static void finish(void)
{
    stop();
    store_close(store);
}

static void put(const char *image)
{
    spec.image = image;
    OK(deploy_begin(deploy, &arena, &request, &spec, &answer, err));
    if (answer.project != 0)
        project = answer.project;
}

static const char *text_at(cJSON **object, const char *pointer)
{
    pthread_mutex_lock(&world.lock);
    const char *text = json_string(*object != NULL ? pointer_get(*object, pointer) : NULL);
    text = text != NULL ? arena_strdup(&arena, text) : "(none)";
    pthread_mutex_unlock(&world.lock);
    return text;
}

static const char *image_now(void)
{
    return text_at(&world.deployment, "/spec/template/spec/containers/0/image");
}

static int64_t generation_now(void)
{
    int64_t generation = 0;
    pthread_mutex_lock(&world.lock);
    (void)json_int64(json_path(world.deployment, "metadata", "generation", NULL), &generation);
    pthread_mutex_unlock(&world.lock);
    return generation;
}

static unsigned writes(void)
{
    pthread_mutex_lock(&world.lock);
    const unsigned count = world.writes;
    pthread_mutex_unlock(&world.lock);
    return count;
}

static struct store_op operation_of(int64_t id)
{
    struct store_op op = {.id = 0};
    OK(store_op_get(store, &arena, id, &op, err));
    return op;
}

/* Waits for the operation's end. */
static void ends(int64_t id, enum store_op_state state, const char *words)
{
    struct store_op op = operation_of(id);
    for (int i = 0; i < 1500 && (op.state == STORE_OP_CLAIMED || op.state == STORE_OP_PATCHED);
         i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20L * 1000 * 1000}, NULL);
        op = operation_of(id);
    }
    CHECK_INT(op.state, state);
    const char *message = operate_message(&arena, &op);
    if (message == NULL || strstr(message, words) == NULL)
        TEST_FAIL("\"%s\" does not say \"%s\"", message != NULL ? message : "", words);
    /* What was noted of the environment is gone. */
    CHECK(op.answer == NULL || strstr(op.answer, "\"spec\"") == NULL);
}

static void refused(int status, const char *reason, const char *words)
{
    CHECK_INT(answer.status, status);
    CHECK_STRING(answer.reason, reason);
    if (strstr(answer.detail, words) == NULL)
        TEST_FAIL("\"%s\" does not say \"%s\"", answer.detail, words);
}

/* The row of what the Deployment is now, as the keeper writes it. */
static int64_t show(int64_t seq, struct revision row)
{
    pthread_mutex_lock(&world.lock);
    cJSON *pod = json_path(world.deployment, "spec", "template", NULL);
    const struct store_template kept = {view_template_sha(&arena, pod),
                                        view_canonical_template(&arena, pod)};
    row.uid =
        arena_strdup(&arena, json_string(json_path(world.deployment, "metadata", "uid", NULL)));
    pthread_mutex_unlock(&world.lock);
    row.seq = seq;
    row.template_sha = kept.sha;
    row.generation = generation_now();
    row.started_at = clock_unix_us();
    row.replicas = 1;
    const struct machine_effect effect = {.kind = MACHINE_INSERT, .revision = &row};
    int64_t id = 0;
    OK(store_commit(store, project, &effect, 1, &kept, 1, NULL, &id, err));
    return id;
}

static void turn(int64_t id, enum revision_status status, const char *message)
{
    struct revision row;
    OK(store_revision(store, &arena, id, &row, err));
    row.status = status;
    row.message = message;
    const struct machine_effect effect = {.kind = MACHINE_UPDATE, .revision = &row};
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
}

/* V1 stands there and is known to be good. */
static int64_t begin_with_good(void)
{
    begin();
    put("i:v1");
    CHECK_INT(answer.status, 202);
    const int64_t good =
        show(1, (struct revision){.status = REVISION_COMPLETED, .good = REVISION_GOOD_YES});
    ends(answer.operation, STORE_OP_DONE, "version 1 is completed");
    return good;
}

/* ---- what is written and told --------------------------------------------------------------- */

TEST(a_project_is_made_told_and_followed)
{
    struct store_intent_row *rows;
    size_t count;
    begin();
    caller.on_behalf_of = "teacher";
    request.key = "k";
    put("i:v1");
    caller.on_behalf_of = NULL;
    CHECK_INT(answer.status, 202);
    CHECK(answer.reason == NULL && !answer.repeated);
    CHECK_INT(answer.generation, 1);
    CHECK_STRING(image_now(), "i:v1");
    CHECK_STRING(text_at(&world.service, "/spec/selector/app"), "a");
    CHECK_STRING(text_at(&world.ingress, "/spec/rules/0/host"), "a.d.example");
    CHECK_INT(writes(), 3);
    OK(store_intents_open(store, &arena, project, 0, 10, &rows, &count, err));
    CHECK_INT(count, 1);
    const struct machine_intent *intent = &rows[0].intent;
    CHECK_STRING(intent->actor_user, "anna");
    CHECK_STRING(intent->via, SELF);
    CHECK_STRING(intent->on_behalf_of, "teacher");
    CHECK_STRING(intent->actor_groups, "[\"students\"]");
    CHECK(intent->own);
    CHECK_INT(intent->generation, 1);
    CHECK_STRING(text_at(&world.deployment, "/metadata/annotations/proctor.dev~1history-id"),
                 intent->history_id);
    CHECK_STRING(text_at(&world.deployment, "/metadata/annotations/kubernetes.io~1change-cause"),
                 "deploy i:v1");
    const int64_t first = answer.operation;
    put("i:v1");
    CHECK(answer.repeated);
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.operation, first);
    CHECK_INT(writes(), 3);
    request.body_digest = "another";
    put("i:v9");
    refused(422, "IdempotencyKeyReused", "used before");
    const int64_t row = show(1, (struct revision){.status = REVISION_IN_PROGRESS});
    turn(row, REVISION_COMPLETED, NULL);
    ends(first, STORE_OP_DONE, "version 1 is completed");
    CHECK_INT(operation_of(first).result, row);
    finish();
}

TEST(what_changes_nothing_writes_nothing)
{
    begin_with_good();
    const unsigned before = writes();
    put("i:v1");
    CHECK_INT(answer.status, 202);
    ends(answer.operation, STORE_OP_DONE, "version 1 is completed");
    CHECK_INT(writes(), before);
    CHECK_INT(generation_now(), 1);
    finish();
}

TEST(a_dry_run_writes_and_notes_nothing)
{
    struct store_project_row row;
    begin();
    request.dry_run = true;
    put("i:v1");
    CHECK_INT(answer.status, 200);
    CHECK_INT(answer.operation, 0);
    CHECK_INT(writes(), 0);
    FAILS(store_project_find(store, &arena, "room", "a", &row, err), ERR_NOT_FOUND, "");
    finish();
}

/* ---- refusals -------------------------------------------------------------------------------- */

TEST(the_policies_refusal_leaves_nothing_behind)
{
    struct store_project_row row;
    begin();
    put("x:v1");
    refused(422, "PolicyRefused", "not ours");
    CHECK_INT(json_count(answer.causes), 1);
    CHECK_INT(answer.operation, 0);
    CHECK_INT(writes(), 0);
    FAILS(store_project_find(store, &arena, "room", "a", &row, err), ERR_NOT_FOUND, "");
    spec.project = "A b";
    put("i:v1");
    refused(422, "Invalid", "small letters");
    finish();
}

TEST(without_policies_nothing_is_deployed)
{
    begin();
    live_done();
    FAILS(deploy_begin(deploy, &arena, &request, &spec, &answer, err), ERR_POLICY, "no policies");
    CHECK_INT(writes(), 0);
    struct policy_set *set = engine_load_rules("    - id: ours\n      why: Only ours may run.\n"
                                               "      field: $containers.image\n"
                                               "      pattern: '^i:'\n      message: not ours\n"
                                               "      fix: take ours\n");
    OK(live_install(set, 0, err));
    finish();
}

TEST(what_the_api_server_refuses_is_tried_first)
{
    begin_with_good();
    const unsigned before = writes();
    world_trouble(WORLD_REFUSES);
    put("i:v2");
    refused(422, "PolicyRefused", "no");
    CHECK_STRING(json_get_string(answer.causes->child, "field"), "spec.template");
    ends(answer.operation, STORE_OP_FAILED, "no");
    CHECK_INT(writes(), before);
    finish();
}

TEST(a_generation_that_was_named_must_be_there)
{
    begin_with_good();
    request.expect_generation = 7;
    put("i:v2");
    refused(409, "GenerationMoved", "generation 1, not 7");
    request.expect_generation = 1;
    put("i:v2");
    CHECK_INT(answer.status, 202);
    CHECK_STRING(image_now(), "i:v2");
    world_delete();
    request.expect_generation = 2;
    put("i:v3");
    refused(409, "Deleted", "there is no Deployment a");
    finish();
}

TEST(a_paused_project_is_resumed_first)
{
    begin_with_good();
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    world_set(json_get(world.deployment, "spec"), "paused", json_new_bool(&world.arena, true));
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
    put("i:v2");
    refused(409, "Paused", "resume it first");
    request.resume = true;
    put("i:v2");
    CHECK_INT(answer.status, 202);
    CHECK_STRING(image_now(), "i:v2");
    pthread_mutex_lock(&world.lock);
    const bool paused = json_is_true(json_path(world.deployment, "spec", "paused", NULL));
    pthread_mutex_unlock(&world.lock);
    CHECK(!paused);
    finish();
}

TEST(a_template_under_hold_does_not_come_back)
{
    begin_with_good();
    pthread_mutex_lock(&world.lock);
    const char *sha =
        view_template_sha(&arena, json_path(world.deployment, "spec", "template", NULL));
    pthread_mutex_unlock(&world.lock);
    put("i:v2");
    const struct store_hold hold = {
        .project = project, .template_sha = sha, .reason = "it crashed", .set_by = "ben"};
    OK(store_hold_set(store, &hold, err));
    put("i:v1");
    refused(409, "Held", "set by ben, because: it crashed");
    CHECK(strstr(answer.detail, sha) != NULL);
    CHECK_STRING(image_now(), "i:v2");
    finish();
}

/* ---- in the way --------------------------------------------------------------------------------
 */

TEST(somebody_who_is_always_quicker_is_not_overwritten)
{
    begin_with_good();
    const unsigned before = writes();
    world_trouble(WORLD_RUNS);
    put("i:v2");
    refused(409, "GenerationMoved", "all the time");
    CHECK_INT(writes(), before);
    CHECK_STRING(image_now(), "i:v1");
    ends(answer.operation, STORE_OP_FAILED, "all the time");
    finish();
}

TEST(who_was_quicker_once_is_built_upon)
{
    begin_with_good();
    world_trouble(WORLD_MOVES);
    put("i:v2");
    CHECK_INT(answer.status, 202);
    CHECK_STRING(image_now(), "i:v2");
    CHECK_STRING(text_at(&world.deployment, "/metadata/annotations/else"), "where");
    CHECK_INT(answer.generation, 3);
    finish();
}

TEST(a_write_whose_answer_is_lost_is_known_by_its_mark)
{
    begin_with_good();
    world_trouble(WORLD_STORES);
    put("i:v2");
    CHECK_INT(answer.status, 202);
    CHECK_INT(answer.generation, 2);
    world_trouble(WORLD_WELL);
    show(2, (struct revision){.status = REVISION_COMPLETED});
    ends(answer.operation, STORE_OP_DONE, "version 2 is completed");
    finish();
}

TEST(what_was_not_tried_is_noted_as_not_done)
{
    begin_with_good();
    const unsigned before = writes();
    request.key = "k";
    world_trouble(WORLD_BREAKS);
    spec.image = "i:v2";
    FAILS(deploy_begin(deploy, &arena, &request, &spec, &answer, err), ERR_UNREACHABLE, "");
    CHECK_INT(writes(), before);
    world_trouble(WORLD_WELL);
    put("i:v2");
    CHECK(answer.repeated);
    refused(502, "NotDone", "tried");
    CHECK_INT(operation_of(answer.operation).state, STORE_OP_FAILED);
    finish();
}

TEST(a_deploy_by_half_says_so)
{
    begin();
    pthread_mutex_lock(&world.lock);
    world.refused = "/ingresses";
    pthread_mutex_unlock(&world.lock);
    put("i:v1");
    CHECK_INT(answer.status, 202);
    ends(answer.operation, STORE_OP_FAILED,
         "not all that belongs to it: the Ingress: exceeded quota");
    CHECK_STRING(image_now(), "i:v1");
    CHECK_STRING(text_at(&world.service, "/spec/selector/app"), "a");
    finish();
}

TEST(without_expose_there_is_a_deployment_only)
{
    begin();
    spec.expose = false;
    put("i:v1");
    CHECK_INT(answer.status, 202);
    CHECK_INT(writes(), 1);
    finish();
}

/* ---- the end ------------------------------------------------------------------------------------
 */

TEST(each_end_of_its_version_is_one_of_the_deploy)
{
    static const struct {
        enum revision_status status;
        enum store_op_state state;
        const char *words;
    } rows[] = {
        {REVISION_COMPLETED, STORE_OP_DONE, "version 2 is completed"},
        {REVISION_SUPERSEDED, STORE_OP_FAILED, "superseded"},
        {REVISION_CANCELLED, STORE_OP_FAILED, "version 2 was cancelled: words"},
        {REVISION_NOT_PERSISTED, STORE_OP_FAILED, "version 2 was never stored: words"},
        {REVISION_DELETED, STORE_OP_FAILED, "version 2 was deleted: words"},
        {REVISION_UNKNOWN, STORE_OP_FAILED, "version 2 got lost"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin_with_good();
        put("i:v2");
        const int64_t row = show(2, (struct revision){.status = REVISION_PENDING});
        turn(row, rows[i].status, "words");
        ends(answer.operation, rows[i].state, rows[i].words);
        finish();
    }
}

TEST(a_failed_version_is_gone_back_from_once)
{
    const int64_t good = begin_with_good();
    put("i:v2");
    const int64_t op = answer.operation;
    const int64_t bad =
        show(2, (struct revision){
                    .status = REVISION_FAILED, .reason = "ImagePull", .message = "no such image"});
    /* Whoever annotates it has not taken it away. */
    world_annotate("a", "b");
    for (int i = 0; i < 1000 && strcmp(image_now(), "i:v1") != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 20L * 1000 * 1000}, NULL);
    CHECK_STRING(image_now(), "i:v1");
    show(3, (struct revision){.status = REVISION_COMPLETED,
                              .origin = REVISION_RECORDER,
                              .rollback_of = bad,
                              .source = good,
                              .actor_user = "anna"});
    turn(bad, REVISION_ROLLED_BACK, NULL);
    ends(op, STORE_OP_FAILED, "version 2 failed: ImagePull, no such image; rolled back");
    CHECK_INT(writes(), 3 + 1 + 2); /* made; V2; back, and whose fields they are */
    finish();
}

TEST(a_failed_version_stays_if_it_is_to_or_if_nothing_is_good)
{
    begin_with_good();
    spec.rollback_on_failure = false;
    put("i:v2");
    show(2, (struct revision){.status = REVISION_FAILED, .reason = "CrashLoop"});
    ends(answer.operation, STORE_OP_FAILED, "CrashLoop; it was not to be rolled back");
    CHECK_STRING(image_now(), "i:v2");
    finish();
    begin();
    put("i:v1");
    show(1, (struct revision){.status = REVISION_FAILED, .reason = "CrashLoop"});
    ends(answer.operation, STORE_OP_FAILED, "no earlier version that is known to be good");
    finish();
}

TEST(what_somebody_put_over_a_failed_version_is_left_alone)
{
    begin_with_good();
    put("i:v2");
    const int64_t op = answer.operation;
    const int64_t bad = show(2, (struct revision){.status = REVISION_PENDING});
    put("i:v3");
    show(3, (struct revision){.status = REVISION_COMPLETED, .actor_user = "ben"});
    turn(bad, REVISION_FAILED, "words");
    ends(op, STORE_OP_FAILED, "superseded by version 3 by ben");
    CHECK_STRING(image_now(), "i:v3");
    finish();
}

/* The watch is quicker than operate's word of its own write. */
TEST(a_cancel_that_is_not_told_yet_is_not_somebody_else)
{
    begin_with_good();
    put("i:v2");
    const int64_t op = answer.operation;
    const int64_t row = show(2, (struct revision){.status = REVISION_IN_PROGRESS});
    put("i:v1");
    show(3, (struct revision){.status = REVISION_IN_PROGRESS, .actor_user = SELF});
    turn(row, REVISION_SUPERSEDED, "words");
    nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
    turn(row, REVISION_CANCELLED, "by anna");
    ends(op, STORE_OP_FAILED, "version 2 was cancelled: by anna");
    finish();
}

/* ---- health -------------------------------------------------------------------------------------
 */

static void set_status(const char *status)
{
    pthread_mutex_lock(&world.lock);
    struct arena *before = arena_use(&world.arena);
    world_set(world.deployment, "status", world_parse(status));
    arena_use(before);
    pthread_mutex_unlock(&world.lock);
}

static void show_pod(int64_t revision, int64_t restarts)
{
    struct revision row;
    struct view_container container = {.name = "app",
                                       .image = "i:v2",
                                       .restarts = restarts,
                                       .last_reason = restarts > 0 ? "Error" : NULL,
                                       .last_message = restarts > 0 ? "no\x1b[2J way" : NULL,
                                       .exit_code = restarts > 0 ? 3 : 0};
    const struct view_pod pod = {
        .name = "a-1", .uid = "p-1", .containers = &container, .container_count = 1};
    OK(store_revision(store, &arena, revision, &row, err));
    const struct machine_effect effect = {
        .kind = MACHINE_INSTANCE, .revision = &row, .pod = &pod, .at = clock_unix_us()};
    OK(store_commit(store, project, &effect, 1, NULL, 0, NULL, NULL, err));
}

TEST(it_is_healthy_when_the_last_look_sees_it_available)
{
    begin_with_good();
    spec.health_retries = 2;
    spec.health_interval_seconds = 1;
    put("i:v2");
    set_status("{\"updatedReplicas\":1,\"availableReplicas\":1}");
    show(2, (struct revision){.status = REVISION_COMPLETED});
    ends(answer.operation, STORE_OP_DONE, "completed and healthy after 2 looks");
    finish();
}

TEST(it_is_sick_when_the_last_look_does_not)
{
    begin_with_good();
    spec.health_retries = 1;
    spec.rollback_on_failure = false;
    put("i:v2");
    set_status("{\"updatedReplicas\":1}");
    const int64_t row = show(2, (struct revision){.status = REVISION_COMPLETED});
    ends(answer.operation, STORE_OP_FAILED, "is not healthy: it is not available; it was not");
    const struct store_event_query query = {.revision = row, .limit = 10};
    struct store_event *events;
    size_t count;
    OK(store_events(store, &arena, &query, &events, &count, err));
    CHECK_INT(count, 1);
    CHECK_STRING(events[0].type, "deployment_failed");
    finish();
}

TEST(a_restart_is_a_failure_at_once_with_its_evidence)
{
    begin_with_good();
    spec.health_retries = 60;
    spec.health_interval_seconds = 300;
    spec.rollback_on_failure = false;
    put("i:v2");
    set_status("{\"updatedReplicas\":1,\"availableReplicas\":1}");
    const int64_t row = show(2, (struct revision){.status = REVISION_PENDING});
    show_pod(row, 0);
    turn(row, REVISION_COMPLETED, NULL);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    show_pod(row, 1);
    ends(answer.operation, STORE_OP_FAILED,
         "it restarted; container app of pod a-1: Error, no?[2J way, 1 restarts, exit code 3");
    finish();
}

TEST(what_was_started_again_is_waited_for)
{
    begin_with_good();
    spec.health_retries = 1;
    spec.replicas = 2;
    put("i:v1");
    const int64_t op = answer.operation;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    CHECK_INT(operation_of(op).state, STORE_OP_PATCHED);
    set_status("{\"updatedReplicas\":2,\"availableReplicas\":2}");
    ends(op, STORE_OP_DONE, "version 1 is completed and healthy");
    finish();
}

TEST(a_stopped_project_is_stored_and_no_more)
{
    begin_with_good();
    spec.health_retries = 9;
    spec.replicas = 0;
    put("i:v2");
    show(2, (struct revision){.status = REVISION_IN_PROGRESS});
    ends(answer.operation, STORE_OP_DONE, "stopped (replicas 0)");
    finish();
}

/* ---- after a restart
 * ------------------------------------------------------------------------------ */

TEST(what_was_written_is_followed_by_the_next_process)
{
    begin_with_good();
    put("i:v2");
    const int64_t op = answer.operation;
    stop();
    start();
    OK(deploy_finish(deploy, err));
    OK(deploy_finish(deploy, err));
    show(2, (struct revision){.status = REVISION_COMPLETED});
    ends(op, STORE_OP_DONE, "version 2 is completed");
    finish();
}

TEST(what_was_not_even_noted_is_over)
{
    begin_with_good();
    const struct store_op op = {.project = project,
                                .kind = DEPLOY_OPERATION,
                                .actor = "anna",
                                .created_at = clock_unix_us()};
    struct store_op claimed;
    bool repeated;
    OK(store_op_claim(store, &arena, &op, &claimed, &repeated, err));
    OK(deploy_finish(deploy, err));
    ends(claimed.id, STORE_OP_FAILED, "repeat it");
    CHECK_STRING(image_now(), "i:v1");
    finish();
}

TEST_MAIN
