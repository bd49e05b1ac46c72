/* After a reload another replica may still mutate by the set before: for a while /validate takes
 * what that set would have left as it is, where the new one would have changed it at /mutate.
 * Checks bind at once, and what neither set would accept is refused all the time. */
#include "tests/unit/engine.h"

#define UNTIL (ENGINE_NOW + 30)

static const char clamp_1[] =
    "    - { id: r, why: W, field: spec.replicas, max: 1, outside: clamp }\n";
static const char clamp_3[] =
    "    - { id: r, why: W, field: spec.replicas, max: 3, outside: clamp }\n";
static const char deny_1[] = "    - { id: r, why: W, field: spec.replicas, max: 1 }\n";

static bool is_allowed(struct policy_set *set, const char *replicas_object, int64_t now)
{
    return engine_judge(set, ADMIT_VALIDATE, engine_review(replicas_object, NULL), now).allowed;
}

/* Whether three (and nine) replicas pass at `now` when `after` replaced `before`. */
static void check_grace(const char *before_rules, const char *after_rules, int64_t now, bool three,
                        bool nine)
{
    engine_begin();
    struct policy_set *before = engine_load_rules(before_rules);
    struct policy_set *after = engine_load_rules(after_rules);
    policy_set_follow(after, before, UNTIL);
    const bool three_passes = is_allowed(after, ENGINE_DEPLOYMENT("3", ENGINE_CONTAINER), now);
    const bool nine_passes = is_allowed(after, ENGINE_DEPLOYMENT("9", ENGINE_CONTAINER), now);
    policy_set_unref(before);
    policy_set_unref(after);
    CHECK_INT(three_passes, three);
    CHECK_INT(nine_passes, nine);
}

TEST(what_the_set_before_made_passes_until_the_grace_ends)
{
    check_grace(clamp_3, clamp_1, ENGINE_NOW, true, false);
    check_grace(clamp_3, clamp_1, UNTIL - 1, true, false);
    check_grace(clamp_3, clamp_1, UNTIL, false, false);
}

TEST(a_check_binds_at_once)
{
    check_grace(clamp_3, deny_1, ENGINE_NOW, false, false);
}

TEST(a_looser_set_is_as_loose_at_once)
{
    check_grace(clamp_1, clamp_3, ENGINE_NOW, true, false);
}

TEST(a_default_beside_a_check_forgives_no_more_than_the_default)
{
    static const char both[] =
        "    - { id: r, why: W, field: spec.replicas, default: 1, max: 1 }\n";
    check_grace(clamp_3, both, ENGINE_NOW, false, false);
}

TEST(what_is_forgiven_is_in_the_audit)
{
    engine_begin();
    struct policy_set *before = engine_load_rules(clamp_3), *after = engine_load_rules(clamp_1);
    policy_set_follow(after, before, UNTIL);
    policy_set_unref(before);
    const struct verdict verdict =
        engine_judge(after, ADMIT_VALIDATE,
                     engine_review(ENGINE_DEPLOYMENT("3", ENGINE_CONTAINER), NULL), ENGINE_NOW);
    CHECK(verdict.allowed);
    CHECK_STRING(verdict.audit_rules, "p/r");
    CHECK_STRING(verdict.digest, after->digest);
    policy_set_unref(after);
}

TEST(at_mutate_only_the_new_set_counts)
{
    engine_begin();
    struct policy_set *before = engine_load_rules(clamp_3), *after = engine_load_rules(clamp_1);
    policy_set_follow(after, before, UNTIL);
    const struct verdict verdict =
        engine_judge(after, ADMIT_MUTATE,
                     engine_review(ENGINE_DEPLOYMENT("3", ENGINE_CONTAINER), NULL), ENGINE_NOW);
    CHECK(verdict.patch != NULL);
    CHECK(strstr(verdict.patch, "{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":1}") !=
          NULL);
    policy_set_unref(before);
    policy_set_unref(after);
}

/* A set that is followed keeps its own predecessor: requests that began with it still read it. */
TEST(a_set_keeps_the_one_before_it_while_it_is_used)
{
    engine_begin();
    struct policy_set *first = engine_load_rules(clamp_3), *second = engine_load_rules(clamp_1);
    struct policy_set *third = engine_load_rules(deny_1);
    policy_set_follow(second, first, UNTIL);
    policy_set_unref(first);
    policy_set_follow(third, second, UNTIL);
    CHECK(is_allowed(second, ENGINE_DEPLOYMENT("3", ENGINE_CONTAINER), ENGINE_NOW));
    policy_set_follow(second, NULL, 0);
    CHECK(!is_allowed(second, ENGINE_DEPLOYMENT("3", ENGINE_CONTAINER), ENGINE_NOW));
    policy_set_unref(second);
    policy_set_unref(third);
}

TEST_MAIN
