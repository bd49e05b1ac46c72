/* What access remembers for a moment: for how long, how much, and what displaces what. */
#include "recorder/access_cache.h"

#include "tests/unit/test.h"

static struct access_cache *cache;

static void open_cache(size_t yes_most, size_t no_most)
{
    const struct access_cache_options options = {yes_most, no_most, 1000, 100};
    cache = access_cache_new(&options);
    CHECK(cache != NULL);
}

static const char *key_of(int number)
{
    static char key[DIGEST_HEX_BYTES];
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    CHECK(digest_sha256(text, strlen(text), key));
    return key;
}

static void put(int number, int code, const char *text, int64_t now)
{
    char copy[32];
    snprintf(copy, sizeof copy, "%s", text != NULL ? text : "");
    const struct access_answer answer = {code, text != NULL ? copy : NULL};
    access_cache_put(cache, key_of(number), now, &answer);
}

/* "code text", or "nothing". */
static const char *get(int number, int64_t now)
{
    static char shown[64];
    struct access_answer answer;
    if (!access_cache_get(cache, key_of(number), now, &answer))
        return "nothing";
    snprintf(shown, sizeof shown, "%d %s", answer.code, answer.text != NULL ? answer.text : "-");
    access_answer_done(&answer);
    return shown;
}

TEST(a_yes_is_kept_longer_than_a_no)
{
    open_cache(16, 16);
    put(1, 0, "anna", 5000);
    put(2, 19, "expired", 5000);
    put(3, 0, NULL, 5000);
    CHECK_STRING(get(1, 5000), "0 anna");
    CHECK_STRING(get(2, 5099), "19 expired");
    CHECK_STRING(get(2, 5100), "nothing");
    CHECK_STRING(get(3, 5999), "0 -");
    CHECK_STRING(get(1, 6000), "nothing");
    CHECK_STRING(get(4, 5000), "nothing");
    access_cache_free(cache);
}

TEST(the_later_answer_counts)
{
    open_cache(16, 16);
    put(1, 0, "anna", 5000);
    put(1, 19, "revoked", 5001);
    CHECK_STRING(get(1, 5002), "19 revoked");
    /* When the refusal has ended, the yes of before it does not come back. */
    CHECK_STRING(get(1, 5500), "nothing");
    put(1, 0, "anna again", 5600);
    CHECK_STRING(get(1, 5601), "0 anna again");
    access_cache_free(cache);
}

TEST(many_refusals_displace_no_yes)
{
    open_cache(4, 4);
    put(0, 0, "anna", 5000);
    for (int i = 1; i <= 500; i++)
        put(i, 19, "unknown", 5000);
    CHECK_STRING(get(0, 5001), "0 anna");
    CHECK_STRING(get(500, 5001), "19 unknown");
    access_cache_free(cache);
}

TEST(a_full_place_goes_to_what_is_new_and_the_oldest_goes)
{
    open_cache(4, 4);
    for (int i = 1; i <= 5; i++)
        put(i, 0, "x", 5000 + i);
    CHECK_STRING(get(1, 5010), "nothing");
    for (int i = 2; i <= 5; i++)
        CHECK_STRING(get(i, 5010), "0 x");
    access_cache_free(cache);
}

TEST(what_is_too_long_is_not_kept)
{
    static char text[ACCESS_CACHE_TEXT_BYTES + 2];
    struct access_answer answer = {0, text}, got;
    open_cache(4, 4);
    memset(text, 'x', ACCESS_CACHE_TEXT_BYTES);
    access_cache_put(cache, key_of(1), 0, &answer);
    CHECK(access_cache_get(cache, key_of(1), 1, &got));
    CHECK_INT(strlen(got.text), ACCESS_CACHE_TEXT_BYTES);
    access_answer_done(&got);
    text[ACCESS_CACHE_TEXT_BYTES] = 'x';
    access_cache_put(cache, key_of(2), 0, &answer);
    CHECK(!access_cache_get(cache, key_of(2), 1, &got));
    access_cache_free(cache);
    access_cache_free(NULL);
}

TEST_MAIN
