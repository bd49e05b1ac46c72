/* Each guard of the automatic rollback by itself: all hold, then one thing is otherwise. */
#include "recorder/guard.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct revision revision;
static struct guard_facts facts;

/* The ordinary case, in which it is done. */
static void begin(void)
{
    revision = (struct revision){.status = REVISION_FAILED,
                                 .reason = "ImagePull",
                                 .uid = "u-1",
                                 .template_sha = "bad",
                                 .generation = 2};
    facts = (struct guard_facts){.now = INT64_C(1795000000000000),
                                 .revision = &revision,
                                 .failed_at = INT64_C(1795000000000000) - 1000000,
                                 .target = 1,
                                 .uid = "u-1",
                                 .template_sha = "bad",
                                 .wish = GUARD_WANTED};
}

static const cJSON *object(const char *text)
{
    cJSON *root;
    struct err err;
    if (arena.cap_bytes == 0) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
    }
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

#define ONLY(guard) CHECK_INT(guard_judge(&facts), 1U << (guard))
#define ALL_HOLD()  CHECK_INT(guard_judge(&facts), 0)

TEST(all_hold)
{
    begin();
    ALL_HOLD();
}

TEST(opted_in_by_the_project_or_by_the_setting_where_the_project_is_silent)
{
    begin();
    facts.wish = GUARD_UNSAID;
    ONLY(GUARD_OPTED_IN);
    facts.automatic = true;
    ALL_HOLD();
    facts.wish = GUARD_UNWANTED;
    ONLY(GUARD_OPTED_IN);
}

TEST(only_what_is_still_failed)
{
    for (int status = 0; status < REVISION_STATUSES; status++) {
        begin();
        revision.status = (enum revision_status)status;
        CHECK_INT(guard_judge(&facts), status == REVISION_FAILED ? 0 : 1U << GUARD_FAILED);
    }
}

TEST(only_by_a_reason_that_is_its_own_pods)
{
    static const struct {
        const char *reason;
        bool holds;
    } rows[] = {{"ImagePull", true},
                {"CrashLoop", true},
                {"ConfigError", true},
                {"ProgressDeadlineExceeded", true},
                {"RecorderDeadline", false},
                {"RollbackFailed", false},
                {"imagepull", false},
                {"", false},
                {NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        revision.reason = rows[i].reason;
        CHECK_INT(guard_judge(&facts), rows[i].holds ? 0 : 1U << GUARD_OWN_FAULT);
    }
}

TEST(only_while_it_is_what_is_stored)
{
    begin();
    facts.template_sha = "newer";
    ONLY(GUARD_STILL_STORED);
    begin();
    facts.uid = "u-2";
    ONLY(GUARD_STILL_STORED);
    begin();
    facts.uid = facts.template_sha = NULL;
    ONLY(GUARD_STILL_STORED);
    begin();
    revision.template_sha = NULL;
    ONLY(GUARD_STILL_STORED);
}

TEST(only_for_twenty_minutes)
{
    begin();
    facts.failed_at = facts.now - GUARD_AGE_US + 1;
    ALL_HOLD();
    facts.failed_at = facts.now - GUARD_AGE_US;
    ONLY(GUARD_FRESH);
    facts.failed_at = 0;
    ONLY(GUARD_FRESH);
}

TEST(not_while_paused_not_while_something_is_pending)
{
    begin();
    facts.paused = true;
    ONLY(GUARD_NOT_PAUSED);
    begin();
    facts.pending = true;
    ONLY(GUARD_NOTHING_PENDING);
}

TEST(never_a_rollback_of_a_rollback)
{
    begin();
    revision.rollback_of = 7;
    ONLY(GUARD_NO_ROLLBACK);
}

TEST(only_to_a_good_version)
{
    begin();
    facts.target = 0;
    ONLY(GUARD_TARGET);
}

TEST(once_for_a_template_twice_within_an_hour)
{
    begin();
    facts.of_template = 1;
    ONLY(GUARD_ONCE);
    begin();
    facts.of_hour = 1;
    ALL_HOLD();
    facts.of_hour = 2;
    ONLY(GUARD_RATE);
}

TEST(not_what_another_tool_manages_unless_that_is_allowed)
{
    begin();
    facts.managed_by = "Argo CD";
    ONLY(GUARD_NOT_MANAGED);
    facts.managed_too = true;
    ALL_HOLD();
}

TEST(all_that_do_not_hold_are_named)
{
    begin();
    facts.paused = true;
    facts.target = 0;
    facts.wish = GUARD_UNWANTED;
    CHECK_INT(guard_judge(&facts),
              1U << GUARD_NOT_PAUSED | 1U << GUARD_TARGET | 1U << GUARD_OPTED_IN);
    for (unsigned i = 0; i < GUARDS; i++) {
        CHECK(guard_name((enum guard)i)[0] != '\0');
        CHECK(guard_text((enum guard)i)[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            CHECK(strcmp(guard_name((enum guard)i), guard_name((enum guard)j)) != 0);
    }
}

TEST(what_a_deployment_says)
{
    static const struct {
        const char *value;
        enum guard_wish wish;
    } rows[] = {{"\"true\"", GUARD_WANTED},   {"\"false\"", GUARD_UNWANTED},
                {"\"True\"", GUARD_UNWANTED}, {"\"\"", GUARD_UNWANTED},
                {"\"yes\"", GUARD_UNWANTED},  {"true", GUARD_UNWANTED}};
    char text[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text,
                 "{\"metadata\":{\"annotations\":{\"proctor.dev/auto-rollback\":%s}}}",
                 rows[i].value);
        CHECK_INT(guard_wish_of(object(text)), rows[i].wish);
    }
    CHECK_INT(guard_wish_of(object("{\"metadata\":{}}")), GUARD_UNSAID);
    CHECK_INT(guard_wish_of(object("{}")), GUARD_UNSAID);
    CHECK_INT(guard_wish_of(NULL), GUARD_UNSAID);
}

TEST(who_manages_it)
{
    static const struct {
        const char *metadata, *tool;
    } rows[] = {
        {"{\"annotations\":{\"argocd.argoproj.io/tracking-id\":\"a:apps/Deployment:b/c\"}}",
         "Argo CD"},
        {"{\"labels\":{\"argocd.argoproj.io/instance\":\"a\"}}", "Argo CD"},
        {"{\"managedFields\":[{\"manager\":\"kubectl\"},{\"manager\":\"argocd-controller\"}]}",
         "Argo CD"},
        {"{\"labels\":{\"kustomize.toolkit.fluxcd.io/name\":\"a\"}}", "Flux"},
        {"{\"labels\":{\"helm.toolkit.fluxcd.io/name\":\"a\"}}", "Flux"},
        {"{\"managedFields\":[{\"manager\":\"kustomize-controller\"}]}", "Flux"},
        {"{\"labels\":{\"app.kubernetes.io/managed-by\":\"Helm\"}}", "Helm"},
        {"{\"annotations\":{\"meta.helm.sh/release-name\":\"a\"}}", "Helm"},
        {"{\"managedFields\":[{\"manager\":\"helm\"}]}", "Helm"},
        {"{\"labels\":{\"app.kubernetes.io/managed-by\":\"kubectl\","
         "\"app.kubernetes.io/instance\":\"a\"}}",
         NULL},
        {"{\"managedFields\":[{\"manager\":\"helmet\"},{},7]}", NULL},
        {"{\"labels\":[],\"annotations\":7,\"managedFields\":{}}", NULL},
        {"{}", NULL},
    };
    char text[400];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "{\"metadata\":%s}", rows[i].metadata);
        const char *tool = guard_managed_by(object(text));
        if (rows[i].tool == NULL)
            CHECK(tool == NULL);
        else
            CHECK_STRING(tool, rows[i].tool);
    }
    CHECK(guard_managed_by(NULL) == NULL);
}

TEST_MAIN
