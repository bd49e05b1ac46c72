#include "net/metrics.h"
#include "tests/unit/test.h"

#include <string.h>

static struct buf page;

static void write_page(void)
{
    buf_init(&page, NULL, 1024UL * 1024UL);
    metric_write(&page, "d\"i\\g\nest", "audit", "1");
}

TEST(a_request_counts_once_and_lands_in_its_bucket)
{
    metric_request(1, OUTCOME_DENIED, metric_operation_index(1), 51);
    write_page();
    CHECK(strstr(page.data, "proctor_requests_total{phase=\"validate\",outcome=\"denied\","
                            "operation=\"CREATE\"} 1\n") != NULL);
    CHECK(strstr(page.data, "{phase=\"validate\",le=\"5e-05\"} 0\n") != NULL);
    CHECK(strstr(page.data, "{phase=\"validate\",le=\"0.0001\"} 1\n") != NULL);
    CHECK(strstr(page.data, "{phase=\"validate\",le=\"+Inf\"} 1\n") != NULL);
    CHECK(strstr(page.data, "request_seconds_sum{phase=\"validate\"} 0.000051\n") != NULL);
    CHECK(strstr(page.data, "proctor_mode_info{mode=\"audit\"} 1\n") != NULL);
    CHECK(strstr(page.data, "{digest=\"d\\\"i\\\\g\\nest\"} 1\n") != NULL);
    buf_done(&page);
}

TEST(every_row_is_on_the_page)
{
    write_page();
#define CHECK_ROW(id, kind, name, help)                                                            \
    CHECK(strstr(page.data, "# TYPE proctor_" name " " kind "\nproctor_" name " ") != NULL);
    METRIC_TABLE(CHECK_ROW)
    buf_done(&page);
}

TEST(errors_are_counted_by_label)
{
    metric_error(-ERR_JSON);
    metric_error(ERR_JSON);
    metric_error(9999);
    write_page();
    CHECK(strstr(page.data, "errors_total{error=\"bad_json\"} 2\n") != NULL);
    CHECK(strstr(page.data, "errors_total{error=\"internal\"} 1\n") != NULL);
    buf_done(&page);
}

TEST(errors_of_other_programs_are_not_on_the_page)
{
    write_page();
#define CHECK_SHOWN(code, http, label, text)                                                       \
    CHECK((strstr(page.data, "{error=\"" label "\"}") != NULL) == (code != ERR_NONE));
    ERR_WEBHOOK_TABLE(CHECK_SHOWN)
#define CHECK_HIDDEN(code, http, label, text)                                                      \
    CHECK(strstr(page.data, "{error=\"" label "\"}") == NULL);
    ERR_CLIENT_TABLE(CHECK_HIDDEN)
    buf_done(&page);
    metric_error(-ERR_GONE);
    write_page();
    CHECK(strstr(page.data, "errors_total{error=\"internal\"} 2\n") != NULL);
    buf_done(&page);
}

TEST(rules_are_kept_and_capped)
{
    struct metric_rule *rule = metric_rule_find("p/r");
    CHECK(metric_rule_find("p/r") == rule);
    char id[32];
    for (int i = 0; i < METRIC_RULES_MAX; i++) {
        snprintf(id, sizeof id, "p/%d", i);
        metric_rule_find(id);
    }
    struct metric_rule *other = metric_rule_find("one/more");
    CHECK(other == metric_rule_find("two/more") && other != rule);
    atomic_fetch_add(&other->hits[EFFECT_DENY], 3);
    write_page();
    CHECK(strstr(page.data, "rule_hits_total{rule=\"other\",effect=\"deny\"} 3\n") != NULL);
    buf_done(&page);
}

TEST_MAIN
