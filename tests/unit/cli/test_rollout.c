/* How `proctor wait` sees a rollout end: what a real control plane shows only by chance, such as a
 * condition that an earlier rollout left behind, or the recorder going back meanwhile. */
#include "base/limits.h"
#include "cli/history/rollout.h"
#include "tests/unit/test.h"

#define SECOND ((int64_t)1000000)

static struct {
    struct arena arena;
    struct rollout_options options;
    struct rollout *rollout;
    int64_t now;
    struct view_deployment deployment;
    struct view_set sets[2];
    struct view_pod pods[2];
    struct view_container containers[2];
    struct project_view view;
} it;

static const cJSON *parse(const char *text)
{
    cJSON *root;
    struct err err;
    CHECK(json_parse(&it.arena, text, strlen(text), &json_limits_review, &root, &err) == 0);
    return root;
}

/* A Deployment of two templates; the second is stored, and one new pod runs and is not ready. */
static void begin(void)
{
    arena_install_cjson_hooks();
    rollout_free(it.rollout);
    arena_done(&it.arena);
    memset(&it, 0, sizeof it);
    arena_init(&it.arena, 16 * LIMIT_MIB);
    it.options.machine = machine_settings_default;
    it.now = 1000000 * SECOND;
    it.deployment = (struct view_deployment){
        .namespace_ = "room",
        .name = "x",
        .uid = "u",
        .generation = 2,
        .observed_generation = 2,
        .template_sha = "t2",
        .replicas = 1,
        .updated = 1,
        .total = 2,
        .available = 1,
        .deadline_seconds = 600,
        .object = parse("{\"metadata\":{\"managedFields\":["
                        "{\"manager\":\"kubectl\",\"time\":\"2026-11-21T10:00:00Z\"},"
                        "{\"manager\":\"c\",\"subresource\":\"status\","
                        "\"time\":\"2026-11-21T10:30:00Z\"}]}}"),
        .pod_template =
            parse("{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"i:2\"}]}}")};
    it.sets[0] = (struct view_set){.name = "x-1",
                                   .uid = "s1",
                                   .owner_uid = "u",
                                   .template_sha = "t1",
                                   .k8s_revision = 1,
                                   .replicas = 1,
                                   .created = 1,
                                   .available = 1,
                                   .created_at = 1};
    it.sets[1] = (struct view_set){.name = "x-2",
                                   .uid = "s2",
                                   .owner_uid = "u",
                                   .template_sha = "t2",
                                   .k8s_revision = 2,
                                   .replicas = 1,
                                   .created = 1,
                                   .created_at = 2};
    it.containers[0] = (struct view_container){.name = "app", .image = "i:2", .running = true};
    it.pods[0] = (struct view_pod){.name = "x-2-a",
                                   .uid = "p",
                                   .owner_uid = "s2",
                                   .phase = "Running",
                                   .containers = it.containers,
                                   .container_count = 1};
    it.view = (struct project_view){.deployment = &it.deployment,
                                    .sets = it.sets,
                                    .set_count = 2,
                                    .pods = it.pods,
                                    .pod_count = 1};
}

static void see(void)
{
    struct err err;
    if (it.rollout == NULL)
        CHECK(rollout_new(&it.options, &it.rollout, &err) == 0);
    rollout_view(it.rollout, &it.view, false, it.now);
}

static void after(int64_t seconds)
{
    it.now += seconds * SECOND;
    if (it.now >= rollout_next_tick(it.rollout))
        rollout_tick(it.rollout, it.now);
}

static void becomes_ready(void)
{
    it.deployment.total = it.deployment.available = 1;
    it.sets[0].created = it.sets[0].available = 0;
    it.sets[1].ready = it.sets[1].available = 1;
    it.pods[0].ready = it.containers[0].ready = true;
}

static void cannot_pull(void)
{
    it.containers[0].running = false;
    it.containers[0].waiting_reason = "ImagePullBackOff";
    it.containers[0].waiting_message = "not found";
}

static void goes_back(const char *history_id)
{
    it.deployment.template_sha = "t1";
    it.deployment.generation = it.deployment.observed_generation = 3;
    it.deployment.history_id = history_id;
}

static void time_out(const char *at, const char *set)
{
    it.deployment.progressing.present = it.deployment.progressing.is_false = true;
    it.deployment.progressing.reason = "ProgressDeadlineExceeded";
    it.deployment.progressing.message = "ReplicaSet has timed out progressing.";
    it.deployment.progressing.last_update = at;
    it.deployment.progressing.names_set = set;
}

static const char *evidence(const char *key)
{
    const char *text =
        json_get_string(json_get(rollout_evidence(it.rollout, &it.arena), "deployment"), key);
    return text != NULL ? text : "none";
}

static bool goes_on(void)
{
    return rollout_end(it.rollout) == ROLLOUT_GOES_ON;
}

TEST(rollout_completes)
{
    begin();
    see();
    CHECK(goes_on());
    CHECK_STRING(rollout_words(it.rollout), "50 %: 0 of 1 new pods available, 1 old");
    becomes_ready();
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_COMPLETED);
    CHECK_STRING(evidence("status"), "Completed");
    CHECK_STRING(evidence("image"), "i:2");
}

TEST(rollout_is_complete_already)
{
    begin();
    becomes_ready();
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_COMPLETED);
}

TEST(rollout_is_not_taken_up_yet)
{
    begin();
    becomes_ready();
    it.deployment.observed_generation = 1;
    see();
    CHECK(goes_on());
    CHECK(strstr(rollout_words(it.rollout), "has not taken it up") != NULL);
}

/* There and back again: the old condition even names the right ReplicaSet. */
TEST(rollout_does_not_believe_an_earlier_time_out)
{
    begin();
    time_out("2026-11-21T09:59:00Z", "x-2");
    see();
    CHECK(goes_on());
    after(30);
    see();
    CHECK(goes_on());
    becomes_ready();
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_COMPLETED);
}

/* A short while after the write it may still be the one of before, told late. */
TEST(rollout_does_not_believe_a_time_out_that_came_too_soon)
{
    begin();
    time_out("2026-11-21T10:00:30Z", "x-2");
    see();
    CHECK(goes_on());
}

TEST(rollout_does_not_believe_a_time_out_of_another_set)
{
    begin();
    time_out("2026-11-21T10:11:00Z", "x-1");
    see();
    CHECK(goes_on());
}

TEST(rollout_had_timed_out_before_anybody_looked)
{
    begin();
    time_out("2026-11-21T10:11:00Z", "x-2");
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
    CHECK_STRING(evidence("reason"), "ProgressDeadlineExceeded");
}

TEST(rollout_times_out_while_it_is_watched)
{
    begin();
    see();
    time_out("2026-11-21T10:00:30Z", "x-2");
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
}

TEST(rollout_fails_within_the_evidence_time)
{
    begin();
    cannot_pull();
    see();
    CHECK(strstr(rollout_words(it.rollout), "app waits: ImagePullBackOff") != NULL);
    after(59);
    CHECK(goes_on());
    after(1);
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
    CHECK_STRING(evidence("reason"), "ImagePull");
    const cJSON *instance = json_get(rollout_evidence(it.rollout, &it.arena), "instances")->child;
    CHECK_STRING(json_get_string(instance, "reason"), "ImagePullBackOff");
    CHECK_STRING(json_get_string(instance, "message"), "not found");
    const char *const *uids = rollout_uids(it.rollout, &it.arena);
    CHECK_STRING(uids[0], "u");
    CHECK_STRING(uids[1], "s2");
    CHECK_STRING(uids[2], "p");
    CHECK(uids[3] == NULL);
}

TEST(rollout_has_a_clock_of_its_own)
{
    begin();
    see();
    after(1799);
    CHECK(goes_on());
    after(1);
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
    CHECK_STRING(evidence("reason"), "RecorderDeadline");
}

TEST(rollout_is_superseded)
{
    begin();
    see();
    goes_back(NULL);
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
    CHECK_STRING(evidence("status"), "Superseded");
    CHECK_STRING(evidence("replicaSet"), "x-2");
}

/* An automatic rollback may be quicker than our own clock: the version failed all the same. */
TEST(rollout_that_the_recorder_takes_back_has_failed)
{
    begin();
    cannot_pull();
    see();
    goes_back("17");
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
    CHECK_STRING(evidence("reason"), "RolledBack");
    CHECK_INT(json_count(json_get(rollout_evidence(it.rollout, &it.arena), "instances")), 1);
}

TEST(rollout_that_a_person_takes_back_is_overtaken)
{
    begin();
    see();
    goes_back("17");
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
}

TEST(rollout_is_deleted)
{
    begin();
    see();
    it.view.deployment = NULL;
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
    CHECK_STRING(evidence("status"), "Deleted");
}

TEST(rollout_to_zero_proves_nothing)
{
    begin();
    it.deployment.replicas = it.deployment.updated = it.deployment.total = 0;
    it.deployment.available = 0;
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
    CHECK_STRING(evidence("reason"), "ScaledToZero");
}

TEST(rollout_waits_for_the_generation)
{
    begin();
    it.options.generation = 3;
    becomes_ready();
    see();
    CHECK(goes_on());
    it.deployment.generation = it.deployment.observed_generation = 3;
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_COMPLETED);
    begin();
    it.options.generation = 1;
    becomes_ready();
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
    CHECK_STRING(evidence("reason"), "GenerationMoved");
}

TEST(rollout_has_other_images)
{
    static const struct rollout_image images[] = {{"app", "i:1"}, {NULL, NULL}};
    begin();
    it.options.images = images;
    becomes_ready();
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_OVERTAKEN);
    CHECK_STRING(evidence("reason"), "OtherImage");
}

TEST(rollout_soaks)
{
    begin();
    it.options.soak = true;
    becomes_ready();
    see();
    CHECK(goes_on());
    after(60);
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_COMPLETED);
    begin();
    it.options.soak = true;
    becomes_ready();
    see();
    after(30);
    it.containers[0].restarts = 1;
    see();
    CHECK_INT(rollout_end(it.rollout), ROLLOUT_FAILED);
    CHECK_STRING(evidence("reason"), "NotGood");
}

TEST(rollout_is_paused)
{
    begin();
    it.deployment.paused = true;
    cannot_pull();
    see();
    CHECK(strstr(rollout_words(it.rollout), "paused") != NULL);
    after(7200);
    CHECK(goes_on());
}

/* A pod that has no place has no container yet. */
TEST(rollout_shows_pods_without_containers)
{
    begin();
    it.pods[0].phase = "Pending";
    it.pods[0].container_count = 0;
    see();
    const cJSON *instance = json_get(rollout_evidence(it.rollout, &it.arena), "instances")->child;
    CHECK_STRING(json_get_string(instance, "status"), "Pending");
}

TEST_MAIN
