#include "recorder/metrics.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct buf page;

static void write_page(void)
{
    buf_init(&page, NULL, 1024UL * 1024UL);
    metrics_write(&page, "digest", "enforce", "1");
}

TEST(every_row_is_on_the_page_beside_those_of_any_server)
{
    metrics_add(METRICS_COMMITS, 7);
    write_page();
#define CHECK_ROW(id, kind, name, help)                                                            \
    CHECK(strstr(page.data, "# TYPE proctor_" name " " kind "\nproctor_" name " ") != NULL);
    METRICS_TABLE(CHECK_ROW)
    METRIC_SERVER_TABLE(CHECK_ROW)
    CHECK(strstr(page.data, "\nproctor_history_commits_total 7\n") != NULL);
    CHECK(strstr(page.data, "proctor_rule_hits_total") == NULL);
    CHECK(strstr(page.data, "proctor_patch_operations_total") == NULL);
    buf_done(&page);
}

/* Prometheus refuses a page on which a name is typed twice. */
TEST(no_name_is_typed_twice)
{
    write_page();
    for (const char *at = page.data; (at = strstr(at, "# TYPE ")) != NULL; at++) {
        char line[200];
        snprintf(line, sizeof line, "%.*s ", (int)(strcspn(at + 7, " ") + 7), at);
        CHECK(strstr(at + 1, line) == NULL);
    }
    buf_done(&page);
}

TEST(an_intent_lands_in_its_bucket)
{
    metrics_intent_seconds(60);
    metrics_intent_seconds(200000);
    write_page();
    CHECK(strstr(page.data, "intent_seconds_bucket{le=\"5e-05\"} 0\n") != NULL);
    CHECK(strstr(page.data, "intent_seconds_bucket{le=\"0.0001\"} 1\n") != NULL);
    CHECK(strstr(page.data, "intent_seconds_bucket{le=\"0.25\"} 2\n") != NULL);
    CHECK(strstr(page.data, "\nproctor_intent_seconds_sum 0.200060\n") != NULL);
    CHECK(strstr(page.data, "\nproctor_intent_seconds_count 2\n") != NULL);
    buf_done(&page);
}

TEST(routes_are_capped_and_statuses_are_classes)
{
    static char names[METRICS_ROUTES_MAX + 2][24];
    metrics_api_request("get\"one", 200, 5);
    metrics_api_request("get\"one", 204, 5);
    metrics_api_request("get\"one", 999, 5);
    for (int i = 0; i < METRICS_ROUTES_MAX + 2; i++) {
        snprintf(names[i], sizeof names[i], "route%d", i);
        metrics_api_request(names[i], 404, 5);
    }
    write_page();
    CHECK(strstr(page.data, "{route=\"get\\\"one\",status=\"2xx\"} 2\n") != NULL);
    CHECK(strstr(page.data, "{route=\"get\\\"one\",status=\"0xx\"} 1\n") != NULL);
    CHECK(strstr(page.data, "{route=\"route62\",status=\"4xx\"} 1\n") != NULL);
    CHECK(strstr(page.data, "{route=\"other\",status=\"4xx\"} 3\n") != NULL);
    buf_done(&page);
}

TEST_MAIN
