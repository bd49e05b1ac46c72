#include "net/exchange.h"

#include "base/limits.h"

#include "tests/unit/test.h"

#include <string.h>

static const char *uid_of(const char *text)
{
    static char uid[EXCHANGE_UID_BYTES];
    return exchange_find_uid(text, strlen(text), uid) ? uid : "none";
}

TEST(uid_is_found_where_a_review_has_it)
{
    CHECK_STRING(uid_of("{\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"a-1\",\"x\":"),
                 "a-1");
    CHECK_STRING(uid_of(" { \"request\" : { \"a\":{\"uid\":\"no\"}, \"uid\" : \"b\" "), "b");
    CHECK_STRING(uid_of("{\"a\":[{\"uid\":\"no\"}],\"request\":{\"uid\":\"c\"}}"), "c");
}

TEST(uid_elsewhere_is_not_taken)
{
    CHECK_STRING(uid_of(""), "none");
    CHECK_STRING(uid_of("[]"), "none");
    CHECK_STRING(uid_of("{\"uid\":\"a\"}"), "none");
    CHECK_STRING(uid_of("{\"request\":\"x\",\"other\":{\"uid\":\"a\"}}"), "none");
    CHECK_STRING(uid_of("{\"x\":{\"request\":{\"uid\":\"a\"}}}"), "none");
    CHECK_STRING(uid_of("{\"a\":\"request\",\"b\":{\"uid\":\"a\"}}"), "none");
    CHECK_STRING(uid_of("{\"request\":{\"uid\":7}}"), "none");
    CHECK_STRING(uid_of("{\"request\":{\"uid\":\"\"}}"), "none");
    CHECK_STRING(uid_of("{\"request\":{\"uid\":\"a\\u0000b\"}}"), "none");
    CHECK_STRING(uid_of("{\"request\":{\"uid\":\"cut off"), "none");
    CHECK_STRING(uid_of("{\"request\":{\"a\":\"\\\"uid\\\":\\\"x\\\"\"}}"), "none");
}

TEST(uid_is_found_in_no_prefix_that_cuts_it)
{
    const char *text = "{\"request\":{\"uid\":\"abcdef\",";
    char uid[EXCHANGE_UID_BYTES];
    for (size_t length = 0; length <= strlen(text); length++) {
        if (exchange_find_uid(text, length, uid))
            CHECK_STRING(uid, "abcdef");
    }
}

TEST(durations_are_go_durations)
{
    CHECK_INT(exchange_parse_duration("10s"), 10000000);
    CHECK_INT(exchange_parse_duration("500ms"), 500000);
    CHECK_INT(exchange_parse_duration("1m30s"), 90000000);
    CHECK_INT(exchange_parse_duration("1.5s"), 1500000);
    CHECK_INT(exchange_parse_duration(""), -1);
    CHECK_INT(exchange_parse_duration("10"), -1);
    CHECK_INT(exchange_parse_duration("-1s"), -1);
    CHECK_INT(exchange_parse_duration("s"), -1);
    CHECK_INT(exchange_parse_duration("1x"), -1);
    CHECK_INT(exchange_parse_duration("99999999999999999999h"), -1);
}

TEST(a_body_grows_with_what_comes)
{
    exchange_set_budget(1000000);
    struct exchange e = {.expected = 900000};
    CHECK(exchange_take(&e, "abc", 3, 900000));
    CHECK_INT(e.reserved, 0); /* a promise of 900,000 bytes costs nothing */
    static char many[100000];
    CHECK(exchange_take(&e, many, sizeof many, 900000));
    CHECK_INT(e.length, 100003);
    CHECK(e.reserved >= 95000 && e.reserved <= 200000);
    exchange_done(&e);
    CHECK_INT(e.reserved, 0);
}

TEST(past_the_budget_the_first_bytes_stay)
{
    exchange_set_budget(50000);
    struct exchange e = {.expected = 200000};
    static char many[60000];
    CHECK(exchange_take(&e, "start", 5, 900000));
    CHECK(exchange_take(&e, many, sizeof many, 900000));
    CHECK_INT(e.error, ERR_BUSY);
    CHECK_INT(e.reserved, 0);
    CHECK(memcmp(e.body, "start", 5) == 0);
    CHECK(exchange_take(&e, many, sizeof many, 900000));
    CHECK_INT(e.length, 5);
    exchange_done(&e);
}

TEST(a_body_at_its_limit_passes_and_one_byte_more_does_not)
{
    exchange_set_budget(1000000);
    static char many[5001];
    struct exchange fits = {.expected = 0}, large = {.expected = 0};
    CHECK(exchange_take(&fits, many, 5000, 5000));
    CHECK_INT(fits.error, 0);
    CHECK(exchange_take(&large, many, 5001, 5000));
    CHECK_INT(large.error, ERR_TOO_LARGE);
    exchange_done(&fits);
    exchange_done(&large);
    struct exchange budget = {.expected = 0};
    CHECK(exchange_reserve(&budget, 1000000));
    CHECK(!exchange_reserve(&budget, 1));
    exchange_done(&budget);
    CHECK(exchange_reserve(&budget, 1000000));
    exchange_done(&budget);
}

TEST(the_budget_ends_at_its_cap)
{
    struct exchange exchange = {0};
    exchange_set_budget(LIMIT_IN_FLIGHT_BYTES);
    CHECK(!exchange_reserve(&exchange, LIMIT_IN_FLIGHT_BYTES + 1));
    CHECK(exchange_reserve(&exchange, LIMIT_IN_FLIGHT_BYTES));
    CHECK(!exchange_reserve(&exchange, 1));
    exchange_release(&exchange, 1);
    CHECK(exchange_reserve(&exchange, 1));
    exchange_release(&exchange, LIMIT_IN_FLIGHT_BYTES);
    CHECK_INT(exchange.reserved, 0);
}

TEST_MAIN
