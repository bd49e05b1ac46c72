/* Exceptions: for whom, until when, and by which clock. */
#include "tests/unit/engine.h"

#define DAY 86400

static const char policy[] = "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\n"
                             "spec:\n  title: T\n  match: { resources: [deployments.apps] }\n"
                             "  rules:\n    - { id: r, why: W, field: spec.replicas, max: 1 }\n"
                             "    - { id: clamped, why: W, field: spec.minReadySeconds, max: 1, "
                             "outside: clamp }\n";

static char *exception(const char *name, const char *rule, const char *match, const char *expires)
{
    return arena_printf(&engine_arena,
                        "---\napiVersion: proctor.dev/v1\nkind: Exception\nmetadata: { name: %s }\n"
                        "spec:\n  policy: p\n  rules: [%s]\n  match: { %s }\n  reason: Why.\n"
                        "  owner: o@example.org\n  ticket: T-1\n  expires: \"%s\"\n",
                        name, rule, match, expires);
}

static struct policy_set *load_with(const char *first, const char *second)
{
    return engine_load(arena_printf(&engine_arena, "%s%s%s", policy, first, second));
}

static struct verdict judged(const char *first, const char *second, int64_t now)
{
    struct policy_set *set = load_with(first, second);
    const struct verdict verdict = engine_judge(
        set, ADMIT_VALIDATE, engine_review(ENGINE_DEPLOYMENT("5", ENGINE_CONTAINER), NULL), now);
    policy_set_unref(set);
    return verdict;
}

#define ALL "namespaces: [class]"

TEST(it_holds_to_the_end_of_its_last_day)
{
    engine_begin();
    const char *today = exception("e", "r", ALL, "2026-11-21");
    CHECK(judged(today, "", ENGINE_NOW).allowed);
    CHECK(judged(today, "", ENGINE_NOW + DAY / 2 - 1).allowed);
    CHECK(!judged(today, "", ENGINE_NOW + DAY / 2).allowed);
}

TEST(a_clock_from_before_the_build_makes_none_hold)
{
    engine_begin();
    const char *far = exception("e", "r", ALL, "2099-12-31");
    CHECK(judged(far, "", ENGINE_NOW).allowed);
    CHECK(!judged(far, "", 0).allowed);
    CHECK(!judged(far, "", 1577836800).allowed); /* 2020-01-01 */
}

TEST(it_is_for_those_that_it_names_only)
{
    engine_begin();
    CHECK(judged(exception("e", "r", "names: [one]", "2026-12-31"), "", ENGINE_NOW).allowed);
    CHECK(!judged(exception("e", "r", "names: [two]", "2026-12-31"), "", ENGINE_NOW).allowed);
    CHECK(
        !judged(exception("e", "r", "namespaces: [other]", "2026-12-31"), "", ENGINE_NOW).allowed);
    CHECK(!judged(exception("e", "r", "users: [s2]", "2026-12-31"), "", ENGINE_NOW).allowed);
    CHECK(!judged(exception("e", "r", "namespaces: [class], operations: [UPDATE]", "2026-12-31"),
                  "", ENGINE_NOW)
               .allowed);
    CHECK(!judged(exception("e", "clamped", ALL, "2026-12-31"), "", ENGINE_NOW).allowed);
}

TEST(one_that_holds_counts_before_one_that_expired)
{
    engine_begin();
    const char *old = exception("a", "r", ALL, "2026-11-01");
    const char *good = exception("b", "r", ALL, "2026-12-31");
    CHECK(!judged(old, "", ENGINE_NOW).allowed);
    CHECK(judged(old, good, ENGINE_NOW).allowed);
    CHECK(judged(good, old, ENGINE_NOW).allowed);
}

TEST(a_used_one_counts_down)
{
    engine_begin();
    struct verdict verdict = judged(exception("e", "r", ALL, "2026-11-21"), "", ENGINE_NOW);
    CHECK_INT(verdict.warning_count, 1);
    CHECK_STRING(verdict.warnings[0],
                 "spec.replicas: excepted until 2026-11-21, 1 day left: e, T-1 (p/r)");
    verdict = judged(exception("e", "r", ALL, "2026-11-30"), "", ENGINE_NOW);
    CHECK(strstr(verdict.warnings[0], "10 days left") != NULL);
    CHECK_STRING(verdict.audit_rules, "p/r");
}

/* Who is excepted from a clamp keeps what he wrote. */
TEST(an_excepted_value_is_not_moved)
{
    static const char object[] =
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"one\","
        "\"namespace\":\"class\"},\"spec\":{\"minReadySeconds\":9}}";
    engine_begin();
    struct policy_set *plain = load_with("", "");
    struct policy_set *excepted = load_with(exception("e", "clamped", ALL, "2026-12-31"), "");
    struct policy_set *expired = load_with(exception("e", "clamped", ALL, "2026-11-01"), "");
    const bool plain_moves =
        engine_judge(plain, ADMIT_MUTATE, engine_review(object, NULL), ENGINE_NOW).patch != NULL;
    const bool excepted_moves =
        engine_judge(excepted, ADMIT_MUTATE, engine_review(object, NULL), ENGINE_NOW).patch != NULL;
    const bool expired_moves =
        engine_judge(expired, ADMIT_MUTATE, engine_review(object, NULL), ENGINE_NOW).patch != NULL;
    policy_set_unref(plain);
    policy_set_unref(excepted);
    policy_set_unref(expired);
    CHECK(plain_moves);
    CHECK(!excepted_moves);
    CHECK(expired_moves);
}

TEST_MAIN
