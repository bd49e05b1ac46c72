/* Many revisions: nothing is lost, and how long it takes is printed.  PROCTOR_TEST_BULK says how
 * many. */
#include "base/clock.h"
#include "tests/unit/history/store_fixture.h"

#define BATCH 100

static int how_many(void)
{
    const char *often = getenv("PROCTOR_TEST_BULK");
    const int many = often != NULL ? (int)strtol(often, NULL, 10) : 10000;
    return many < BATCH ? BATCH : many / BATCH * BATCH;
}

static void fill(struct store *store, int64_t project, int many)
{
    static struct revision rows[BATCH];
    static char shas[BATCH][16];
    struct machine_effect effects[BATCH];
    struct store_template template_;
    for (int seq = 1; seq <= many;) {
        for (int i = 0; i < BATCH; i++, seq++) {
            snprintf(shas[i], sizeof shas[i], "sha-%d", seq % 1000);
            rows[i] =
                (struct revision){.seq = seq,
                                  .generation = seq,
                                  .template_sha = shas[i],
                                  .actor_user = seq % 5000 == 7 ? "rare" : "common",
                                  .status = seq % 100 == 0 ? REVISION_FAILED : REVISION_COMPLETED,
                                  .good = seq % 10 == 0 ? REVISION_GOOD_YES : REVISION_GOOD_UNKNOWN,
                                  .change_cause = "an ordinary change of an ordinary student",
                                  .started_at = seq,
                                  .completed_at = seq + 1};
            effects[i] = (struct machine_effect){.kind = MACHINE_INSERT, .revision = &rows[i]};
        }
        template_ = (struct store_template){shas[0], "{\"spec\":{\"containers\":[]}}"};
        OK(store_commit(store, project, effects, BATCH, &template_, 1, NULL, NULL, err));
    }
}

static void time_query(struct store *store, const char *name, const struct store_query *query,
                       size_t want)
{
    struct revision *rows;
    size_t count;
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        const int64_t from = clock_monotonic_us();
        OK(store_revisions(store, &arena, query, &rows, &count, err));
        const int64_t took = clock_monotonic_us() - from;
        best = took < best ? took : best;
        arena_reset(&arena, LIMIT_MIB);
        if (count != want)
            TEST_FAIL("%s: %zu rows, want %zu", name, count, want);
    }
    printf("  %-32s %6lld us\n", name, (long long)best);
}

TEST(bulk)
{
    const int many = how_many();
    struct store *store = fixture_open(fixture_url());
    int64_t project = 0;
    OK(store_project(store, "ns", "web", &project, err));
    const int64_t from = clock_monotonic_us();
    fill(store, project, many);
    const int64_t us = clock_monotonic_us() - from;
    printf("%d revisions in steps of %d: %lld/s\n", many, BATCH, many * 1000000LL / us);
    int64_t deleted = -1;
    OK(store_retain(store, &(struct store_retention){.keep = 1}, &deleted, err));
    CHECK_INT(deleted, 0);
    struct store_query query = {.project = project, .status = -1, .good = -1, .limit = 50};
    time_query(store, "newest page of 50", &query, 50);
    query.before_seq = many / 2;
    time_query(store, "a page in the middle", &query, 50);
    query.before_seq = 0;
    query.status = REVISION_FAILED;
    time_query(store, "the failed ones", &query, 50);
    query.good = REVISION_GOOD_NO;
    time_query(store, "failed and bad: none", &query, 0);
    query.status = query.good = -1;
    query.actor = "rare";
    time_query(store, "of a rare actor", &query,
               (size_t)(many >= 250000 ? 50 : (many + 4992) / 5000));
    query.actor = NULL;
    query.template_sha = "sha-7";
    time_query(store, "of one template", &query,
               (size_t)(many >= 50000 ? 50 : (many + 992) / 1000));
    /* Every one is there: page by page, by the cursor. */
    query = (struct store_query){.project = project, .status = -1, .good = -1, .limit = 1000};
    int64_t expect = many;
    for (;;) {
        struct revision *rows;
        size_t count;
        OK(store_revisions(store, &arena, &query, &rows, &count, err));
        for (size_t i = 0; i < count; i++)
            CHECK_INT(rows[i].seq, expect--);
        if (count == 0)
            break;
        query.before_seq = rows[count - 1].seq;
        arena_reset(&arena, LIMIT_MIB);
    }
    CHECK_INT(expect, 0);
    store_close(store);
}

TEST_MAIN
