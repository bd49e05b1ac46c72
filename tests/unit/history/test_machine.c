/* Rows of the table of states that no recording shows, each by hand: intents, own writes, clocks,
 * import.  Every step goes through history_take, and a rebuilt machine tells the same.
 */
#include "tests/unit/history/history.h"

#define SECOND ((int64_t)1000000)

static struct {
    struct arena arena;
    struct history history;
    struct machine *machine;
    int64_t now;
    struct view_deployment deployment;
    struct view_set sets[4];
    struct view_pod pods[4];
    struct view_container containers[4];
    struct project_view view;
} it;

static void begin(void)
{
    struct err err;
    arena_install_cjson_hooks();
    machine_free(it.machine);
    arena_done(&it.history.arena);
    memset(&it, 0, sizeof it);
    arena_init(&it.history.arena, 16 * LIMIT_MIB);
    CHECK(machine_new(&machine_settings_default, &it.machine, &err) == 0);
    machine_sync(it.machine, true);
    it.now = 1000000 * SECOND;
    it.deployment = (struct view_deployment){
        .name = "x", .uid = "u", .template_sha = "t1", .replicas = 1, .deadline_seconds = 600};
    it.view = (struct project_view){.deployment = &it.deployment, .sets = it.sets, .pods = it.pods};
}

static void step(const struct history_step *one)
{
    history_step(it.machine, one);
    history_compare(&it.history, &machine_settings_default, it.machine, one);
    history_take(&it.history, it.machine);
}

static void after(int64_t seconds)
{
    it.now += seconds * SECOND;
}

static void tick(void)
{
    step(&(struct history_step){.now = it.now});
}

static void see(void)
{
    step(&(struct history_step){.view = &it.view, .now = it.now});
}

static void see_after_gap(void)
{
    step(&(struct history_step){.view = &it.view, .gap = true, .now = it.now});
}

static void see_none(void)
{
    const struct project_view none = {.deployment = NULL};
    step(&(struct history_step){.view = &none, .now = it.now});
}

static void tell(struct machine_intent intent)
{
    static int64_t id;
    intent.id = ++id;
    intent.received_at = it.now;
    step(&(struct history_step){.intent = &intent, .now = it.now});
}

static struct machine_intent update(const char *sha, int64_t generation, const char *actor)
{
    return (struct machine_intent){
        .uid = "u", .template_sha = sha, .generation = generation, .actor_user = actor};
}

/* The stored template has a set of its own and one pod, which is ready or not. */
static void roll_out(const char *sha, int64_t generation, bool ready)
{
    size_t at = 0;
    while (at < it.view.set_count && strcmp(it.sets[at].template_sha, sha) != 0)
        at++;
    static const char *const uids[] = {"s0", "s1", "s2", "s3"};
    if (at == it.view.set_count)
        it.sets[it.view.set_count++] = (struct view_set){.name = uids[at],
                                                         .uid = uids[at],
                                                         .owner_uid = "u",
                                                         .template_sha = sha,
                                                         .k8s_revision = (int64_t)at + 1,
                                                         .created_at = (int64_t)at};
    for (size_t i = 0; i < it.view.set_count; i++)
        it.sets[i].created = it.sets[i].ready = it.sets[i].available = 0;
    it.sets[at].created = 1;
    it.sets[at].ready = it.sets[at].available = ready;
    it.deployment.template_sha = sha;
    it.deployment.generation = it.deployment.observed_generation = generation;
    it.deployment.updated = it.deployment.total = 1;
    it.deployment.available = ready;
    it.containers[0].name = "app";
    it.containers[0].ready = ready;
    it.pods[0] = (struct view_pod){.name = "p",
                                   .uid = uids[at],
                                   .owner_uid = uids[at],
                                   .ready = ready,
                                   .containers = it.containers,
                                   .container_count = 1};
    it.view.pod_count = 1;
}

static const struct revision *row(size_t seq)
{
    CHECK(seq <= it.history.count);
    return &it.history.rows[seq - 1];
}

static void check_row(size_t seq, enum revision_status status, const char *reason)
{
    CHECK_STRING(revision_status_name(row(seq)->status), revision_status_name(status));
    if (reason != NULL)
        CHECK_STRING(row(seq)->reason, reason);
}

static bool was_told(const char *key)
{
    for (size_t i = 0; i < it.history.event_count; i++) {
        if (strcmp(it.history.events[i].key, key) == 0)
            return true;
    }
    return false;
}

/* V1 is complete and good. */
static void begin_with_good(void)
{
    begin();
    roll_out("t1", 1, true);
    it.deployment.observed_generation = 0;
    see();
    it.deployment.observed_generation = 1;
    see();
    after(60);
    tick();
    check_row(1, REVISION_COMPLETED, NULL);
    CHECK(row(1)->good == REVISION_GOOD_YES);
}

TEST(an_intent_becomes_pending_then_in_progress_then_completed)
{
    begin();
    struct machine_intent intent = update("t1", 1, "ann");
    intent.on_behalf_of = "teacher-a";
    tell(intent);
    check_row(1, REVISION_PENDING, NULL);
    CHECK_INT(row(1)->progress, 0);
    roll_out("t1", 1, false);
    it.deployment.observed_generation = 0;
    see();
    check_row(1, REVISION_IN_PROGRESS, NULL);
    CHECK_INT(row(1)->progress, 5);
    roll_out("t1", 1, true);
    see();
    check_row(1, REVISION_COMPLETED, NULL);
    CHECK_STRING(row(1)->actor_user, "ann");
    CHECK_STRING(row(1)->on_behalf_of, "teacher-a");
    CHECK(row(1)->actor_certain && row(1)->origin == REVISION_ADMISSION);
    CHECK_INT(row(1)->progress, 100);
}

TEST(an_intent_without_a_new_template_is_no_version)
{
    begin_with_good();
    tell(update("t1", 2, "ann"));
    CHECK_INT(it.history.count, 1);
    CHECK_INT(it.history.joined, 1);
}

TEST(two_intents_of_one_key_are_uncertain_unless_one_actor_s)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    tell(update("t2", 2, "ann"));
    CHECK(row(2)->actor_certain);
    tell(update("t2", 2, "ben"));
    CHECK(!row(2)->actor_certain);
    CHECK_STRING(row(2)->actor_user, "ben");
    CHECK_INT(it.history.joined, 3);
    CHECK_INT(it.history.count, 2);
}

TEST(an_intent_that_truth_never_shows_was_not_persisted)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    machine_sync(it.machine, false);
    it.history.out_of_sync = true;
    after(1000);
    tick();
    check_row(2, REVISION_PENDING, NULL);
    see();
    check_row(2, REVISION_PENDING, NULL);
    machine_sync(it.machine, true);
    it.history.out_of_sync = false;
    see();
    check_row(2, REVISION_NOT_PERSISTED, "NotStored");
    CHECK(was_told("2/not_persisted"));
}

TEST(of_two_intents_for_one_generation_the_one_that_is_stored_wins)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    tell(update("t3", 2, "ben"));
    roll_out("t3", 2, true);
    see();
    check_row(2, REVISION_PENDING, NULL); /* it may be judged again for a later generation */
    check_row(3, REVISION_COMPLETED, NULL);
    after(6);
    tick();
    check_row(2, REVISION_NOT_PERSISTED, "OtherStored");
}

/* The API server reads what it changes from its cache, and asks again if that was behind. */
TEST(a_request_that_is_judged_twice_is_one_version)
{
    for (int order = 0; order < 3; order++) {
        begin_with_good();
        struct machine_intent first = update("t3", 2, "ann"), again = update("t3", 3, "ann");
        first.old_template_sha = "t1";
        again.old_template_sha = "t2";
        if (order == 0)
            tell(first);
        roll_out("t2", 2, true);
        see();
        if (order == 1)
            tell(first);
        tell(again);
        roll_out("t3", 3, true);
        see();
        if (order == 2)
            tell(first);
        after(100);
        tick();
        CHECK_INT(it.history.count, 3);
        CHECK_INT(it.history.joined, 2);
        const struct revision *found = row(order == 0 ? 2 : 3);
        CHECK_STRING(found->template_sha, "t3");
        CHECK_INT(found->generation, 3);
        CHECK_STRING(found->actor_user, "ann");
        CHECK(found->actor_certain);
        CHECK(found->status == REVISION_COMPLETED);
    }
}

TEST(an_intent_that_was_judged_before_a_kill_names_the_version_that_came_of_it)
{
    begin_with_good();
    roll_out("t2", 2, true);
    see();
    roll_out("t3", 3, true);
    see();
    struct machine_intent first = update("t3", 2, "ann");
    first.old_template_sha = "t1";
    tell(first);
    CHECK_INT(it.history.count, 3);
    CHECK_STRING(row(3)->actor_user, "ann");
}

TEST(a_late_intent_that_changes_no_template_belongs_to_the_version_of_its_time)
{
    begin_with_good();
    roll_out("t2", 2, true);
    see();
    roll_out("t3", 4, true);
    see();
    struct machine_intent scales = update("t2", 3, "ann");
    scales.old_template_sha = "t2";
    tell(scales);
    CHECK_INT(it.history.count, 3);
    CHECK_INT(it.history.joined, 1);
}

TEST(after_a_gap_an_intent_is_unknown_unless_a_set_witnesses_it)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    tell(update("t3", 3, "ben"));
    roll_out("t2", 2, true);
    roll_out("t4", 4, true);
    see_after_gap();
    check_row(2, REVISION_SUPERSEDED, NULL);
    check_row(3, REVISION_UNKNOWN, "gap");
    check_row(4, REVISION_COMPLETED, NULL);
    CHECK_INT(it.history.count, 4);
}

TEST(generations_that_were_passed_unseen_are_a_gap_whoever_says_so)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    roll_out("t3", 4, true);
    see();
    check_row(2, REVISION_UNKNOWN, "gap");
    check_row(3, REVISION_COMPLETED, NULL);
}

TEST(an_intent_that_comes_after_the_truth_names_its_actor)
{
    begin_with_good();
    roll_out("t2", 2, false);
    see();
    CHECK_STRING(row(2)->actor_user, "unknown (manager unknown)");
    CHECK(!row(2)->actor_certain);
    tell(update("t2", 2, "ann"));
    CHECK_STRING(row(2)->actor_user, "ann");
    CHECK(row(2)->actor_certain);
    check_row(2, REVISION_IN_PROGRESS, NULL);
}

TEST(the_recorders_word_of_its_own_write_counts_whatever_admission_saw)
{
    for (int first = 0; first < 2; first++) {
        begin_with_good();
        struct machine_intent own = update("t2", 2, "ann"), seen = update("t2", 2, "recorder");
        own.own = true;
        own.via = "recorder";
        own.source = row(1)->id;
        seen.on_behalf_of = "ann";
        own.history_id = seen.history_id = "h1";
        if (first) {
            tell(own);
            tell(seen);
        } else {
            tell(seen);
            tell(own);
        }
        roll_out("t2", 2, true);
        it.deployment.history_id = "h1";
        see();
        CHECK_INT(it.history.count, 2);
        CHECK_STRING(row(2)->actor_user, "ann");
        CHECK_STRING(row(2)->via, "recorder");
        CHECK(row(2)->on_behalf_of == NULL);
        CHECK(row(2)->actor_certain);
        CHECK(row(2)->origin == REVISION_RECORDER);
        CHECK_INT(row(2)->source, row(1)->id);
    }
}

/* V2 fails, and the recorder goes back to V1 by its own write. */
static void fail_and_go_back(bool intent_first)
{
    begin_with_good();
    roll_out("t2", 2, false);
    it.containers[0].waiting_reason = "ErrImagePull";
    see();
    after(30);
    it.containers[0].waiting_reason = "ImagePullBackOff";
    see();
    after(29);
    tick();
    check_row(2, REVISION_IN_PROGRESS, NULL);
    after(1);
    tick();
    check_row(2, REVISION_FAILED, "ImagePull");
    CHECK_INT(it.history.wishes, 1);
    struct machine_intent own = update("t1", 3, "proctor-recorder");
    own.rollback_of = row(2)->id;
    own.source = row(1)->id;
    own.history_id = "h1";
    it.deployment.history_id = "h1";
    it.containers[0].waiting_reason = NULL;
    if (intent_first)
        tell(own);
    roll_out("t1", 3, false);
    see();
    if (!intent_first)
        tell(own);
    check_row(2, REVISION_ROLLING_BACK, NULL);
    check_row(3, REVISION_IN_PROGRESS, NULL);
    CHECK(was_told("2/rollback_started"));
    CHECK_INT(row(3)->rollback_of, row(2)->id);
    CHECK_INT(row(3)->source, row(1)->id);
}

TEST(a_rollback_that_completes)
{
    for (int first = 0; first < 2; first++) {
        fail_and_go_back(first);
        roll_out("t1", 3, true);
        see();
        check_row(2, REVISION_ROLLED_BACK, NULL);
        check_row(3, REVISION_COMPLETED, NULL);
        CHECK(was_told("2/rollback_completed"));
    }
}

TEST(a_rollback_that_fails_wishes_no_other)
{
    fail_and_go_back(true);
    after(1800);
    tick();
    check_row(3, REVISION_FAILED, "RecorderDeadline");
    check_row(2, REVISION_FAILED, "RollbackFailed");
    CHECK_INT(it.history.wishes, 1);
}

TEST(a_rollback_that_is_overtaken)
{
    fail_and_go_back(true);
    roll_out("t3", 4, false);
    see();
    check_row(3, REVISION_SUPERSEDED, NULL);
    check_row(2, REVISION_FAILED, "RollbackSuperseded");
}

TEST(a_rollback_whose_deployment_is_deleted)
{
    fail_and_go_back(true);
    see_none();
    check_row(3, REVISION_DELETED, NULL);
    check_row(2, REVISION_FAILED, "RollbackFailed");
}

TEST(a_rollback_that_is_never_stored_and_no_late_completion_after_it)
{
    begin_with_good();
    roll_out("t2", 2, false);
    see();
    struct machine_intent own = update("t1", 3, "proctor-recorder");
    own.rollback_of = row(2)->id;
    tell(own);
    check_row(2, REVISION_ROLLING_BACK, NULL);
    after(90);
    tick();
    check_row(3, REVISION_NOT_PERSISTED, "NotStored");
    check_row(2, REVISION_FAILED, "RollbackFailed");
    roll_out("t2", 2, true);
    see();
    check_row(2, REVISION_FAILED, "RollbackFailed");
    CHECK_INT(it.history.wishes, 0);
}

TEST(policy_may_change_what_a_rollback_writes)
{
    begin_with_good();
    roll_out("t2", 2, true);
    see();
    struct machine_intent own = update("t1", 3, "proctor-recorder");
    own.rollback_of = row(2)->id;
    own.history_id = "h1";
    tell(own);
    struct machine_intent seen = update("t1-as-policy-made-it", 3, "proctor-recorder");
    seen.history_id = "h1";
    tell(seen);
    CHECK_INT(it.history.count, 3);
    it.deployment.history_id = "h1";
    roll_out("t1-as-policy-made-it", 3, true);
    see();
    check_row(3, REVISION_COMPLETED, NULL);
    check_row(2, REVISION_ROLLED_BACK, NULL);
    CHECK_STRING(row(3)->template_sha, "t1-as-policy-made-it");
    CHECK(row(3)->origin == REVISION_RECORDER && row(3)->actor_certain);
}

TEST(a_cancel_goes_back_or_without_a_good_version_only_pauses)
{
    begin_with_good();
    roll_out("t2", 2, false);
    see();
    struct machine_intent own = update("t1", 3, "ann");
    own.rollback_of = row(2)->id;
    own.cancel = true;
    tell(own);
    check_row(2, REVISION_IN_PROGRESS, NULL);
    roll_out("t1", 3, true);
    see();
    check_row(2, REVISION_CANCELLED, NULL);
    check_row(3, REVISION_COMPLETED, NULL);
    roll_out("t2", 4, false);
    see();
    tell((struct machine_intent){.cancel = true, .actor_user = "ann"});
    check_row(4, REVISION_CANCELLED, "Paused");
}

TEST(pods_that_restarted_three_times_fail_at_once_those_of_before_do_not_count)
{
    begin();
    roll_out("t1", 1, false);
    it.containers[0].restarts = 7;
    see();
    it.containers[0].restarts = 9;
    see();
    check_row(1, REVISION_IN_PROGRESS, NULL);
    it.containers[0].restarts = 10;
    it.containers[0].last_reason = "OOMKilled";
    it.containers[0].exit_code = 137;
    see();
    check_row(1, REVISION_FAILED, "CrashLoop");
    CHECK_STRING(row(1)->message, "container app: restarts again and again, last end OOMKilled "
                                  "with exit code 137");
}

TEST(one_pod_that_is_well_is_enough_not_to_fail_by_evidence)
{
    begin();
    it.deployment.replicas = 2;
    roll_out("t1", 1, false);
    it.containers[0].waiting_reason = "CrashLoopBackOff";
    it.containers[1] = (struct view_container){.name = "app", .ready = true};
    it.pods[1] = it.pods[0];
    it.pods[1].uid = "second";
    it.pods[1].ready = true;
    it.pods[1].containers = &it.containers[1];
    it.view.pod_count = 2;
    see();
    after(300);
    see();
    check_row(1, REVISION_IN_PROGRESS, NULL);
}

TEST(a_restart_in_the_soak_is_not_good_a_late_word_of_one_before_is_no_restart)
{
    begin();
    roll_out("t1", 1, true);
    it.pods[0].ready = false; /* the watch of pods is behind */
    see();
    check_row(1, REVISION_COMPLETED, NULL);
    it.containers[0].restarts = 1;
    it.pods[0].ready = true;
    see();
    CHECK(row(1)->good == REVISION_GOOD_UNKNOWN && row(1)->soak_until == it.now + 60 * SECOND);
    it.containers[0].restarts = 2;
    see();
    CHECK(row(1)->good == REVISION_GOOD_NO);
    after(100);
    tick();
    CHECK(row(1)->good == REVISION_GOOD_NO);
}

TEST(a_mark_stays)
{
    begin();
    roll_out("t1", 1, true);
    see();
    machine_mark(it.machine, 1, REVISION_GOOD_NO, "ann");
    it.history.rows[0].good = REVISION_GOOD_NO;
    it.history.rows[0].good_by = "ann";
    it.history.rows[0].soak_until = 0;
    after(100);
    tick();
    see();
    CHECK(row(1)->good == REVISION_GOOD_NO);
    CHECK_STRING(row(1)->good_by, "ann");
}

TEST(clocks_stand_still_while_paused)
{
    begin();
    roll_out("t1", 1, false);
    see();
    it.deployment.paused = true;
    it.deployment.generation = it.deployment.observed_generation = 2;
    see();
    after(100000);
    tick();
    check_row(1, REVISION_IN_PROGRESS, NULL);
    CHECK(machine_next_tick(it.machine) == INT64_MAX);
    it.deployment.paused = false;
    it.deployment.generation = it.deployment.observed_generation = 3;
    see();
    after(1799);
    tick();
    check_row(1, REVISION_IN_PROGRESS, NULL);
    after(1);
    tick();
    check_row(1, REVISION_FAILED, "RecorderDeadline");
}

TEST(of_two_templates_that_alternate_in_a_gap_none_is_taken_for_another)
{
    begin_with_good();
    tell(update("t2", 2, "ann"));
    tell(update("t3", 3, "ben"));
    roll_out("t2", 4, true);
    see_after_gap();
    check_row(2, REVISION_UNKNOWN, "gap");
    check_row(3, REVISION_UNKNOWN, "gap");
    check_row(4, REVISION_COMPLETED, NULL);
    CHECK_INT(row(4)->generation, 4);
}

TEST(pods_are_told_when_they_change_and_when_they_are_gone)
{
    begin();
    roll_out("t1", 1, false);
    see();
    CHECK_INT(it.history.instances, 1);
    see();
    CHECK_INT(it.history.instances, 1);
    it.containers[0].restarts = 1;
    see();
    CHECK_INT(it.history.instances, 2);
    it.view.pod_count = 0;
    see();
    CHECK_INT(it.history.instances, 3);
    size_t count;
    const struct machine_effect *effects = machine_effects(it.machine, &count);
    CHECK(effects[count - 1].gone);
    CHECK_STRING(effects[count - 1].pod->uid, "s0");
    see();
    CHECK_INT(it.history.instances, 3);
}

TEST(a_tag_that_moved_since_the_version_that_is_repeated)
{
    begin();
    it.containers[0].image = "a:1";
    it.containers[0].image_digest = "sha256:1";
    roll_out("t1", 1, true);
    see();
    roll_out("t2", 2, true);
    see();
    CHECK(!was_told("2/tag_moved"));
    roll_out("t1", 3, true);
    it.containers[0].image_digest = "sha256:2";
    see();
    CHECK_INT(row(3)->source, row(1)->id);
    CHECK(was_told("3/tag_moved"));
}

TEST(first_start_imports_what_sets_witness_in_the_order_of_their_numbers)
{
    begin();
    roll_out("t1", 9, true);
    roll_out("t2", 9, true);
    roll_out("t3", 9, true);
    it.sets[0].k8s_revision = 3;
    it.sets[0].revision_history = "1";
    it.sets[2].k8s_revision = 4;
    it.deployment.k8s_revision = 4;
    see_after_gap();
    CHECK_INT(it.history.count, 4);
    CHECK_STRING(row(1)->template_sha, "t1");
    CHECK_STRING(row(2)->template_sha, "t2");
    CHECK_STRING(row(3)->template_sha, "t1");
    check_row(3, REVISION_SUPERSEDED, "Imported");
    check_row(4, REVISION_COMPLETED, NULL);
    CHECK(row(4)->origin == REVISION_IMPORT);
}

TEST(a_deletion_names_who_and_a_new_uid_goes_on_counting)
{
    begin_with_good();
    tell((struct machine_intent){.uid = "u", .delete_ = true, .actor_user = "ben"});
    see_none();
    check_row(1, REVISION_DELETED, NULL);
    CHECK(was_told("1/deleted"));
    see(); /* a late word of the dead one */
    CHECK_INT(it.history.count, 1);
    it.deployment.uid = "u2";
    it.view.set_count = it.view.pod_count = 0;
    it.deployment.generation = 1;
    see();
    CHECK_INT(it.history.count, 2);
    CHECK_INT(row(2)->source, row(1)->id);
}

TEST(another_uid_in_its_place_is_a_deletion_too)
{
    begin_with_good();
    it.deployment.uid = "u2";
    it.view.set_count = it.view.pod_count = 0;
    see_after_gap();
    check_row(1, REVISION_DELETED, NULL);
    check_row(2, REVISION_IN_PROGRESS, NULL);
}

TEST(rows_out_of_order_and_a_broken_memory)
{
    struct err err;
    begin();
    const struct revision broken[] = {{.seq = 2, .status = REVISION_IN_PROGRESS, .memory = "{\"a"},
                                      {.seq = 1}};
    CHECK_INT(machine_load(it.machine, broken, 2, &err), -ERR_STORE);
    begin();
    CHECK(machine_load(it.machine, broken, 1, &err) == 0);
}

TEST(names_of_states)
{
    for (enum revision_status status = 0; status < REVISION_STATUSES; status++)
        CHECK_INT(revision_status_parse(revision_status_name(status)), status);
    CHECK_INT(revision_status_parse("Nothing"), -1);
    CHECK(revision_ended(REVISION_FAILED) && !revision_ended(REVISION_ROLLING_BACK));
    CHECK_STRING(machine_event_name(MACHINE_GAP), "gap");
}

/* ---- memory that was lost --------------------------------------------------------------- */

TEST(a_version_under_way_without_its_memory_is_still_the_stored_one)
{
    begin();
    roll_out("t1", 1, true);
    see();
    roll_out("t2", 2, false);
    see();
    CHECK_INT(it.history.rows[1].status, REVISION_IN_PROGRESS);
    it.history.rows[0].memory = NULL;
    it.history.rows[1].memory = "{";
    machine_free(it.machine);
    it.machine = history_rebuild(&it.history, &machine_settings_default);
    CHECK_INT(machine_current(it.machine)->seq, 2);
    roll_out("t3", 3, true);
    see();
    CHECK_INT(it.history.count, 3);
    CHECK_INT(it.history.rows[1].status, REVISION_SUPERSEDED);
}

TEST_MAIN
