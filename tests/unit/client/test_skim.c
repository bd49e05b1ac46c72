/* Finding names in texts that base/json refuses: what is found lies in the text, whatever it is. */
#include "client/skim.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static struct arena arena;

static struct skim skim_of(const char *text)
{
    return (struct skim){.text = text, .length = strlen(text)};
}

static void begin(void)
{
    static bool hooked;
    if (!hooked)
        arena_install_cjson_hooks();
    hooked = true;
    arena_done(&arena);
    arena_init(&arena, 16 * LIMIT_MIB);
}

/* The member's text; "-": none. */
static const char *member(const char *object, const char *key)
{
    struct skim value;
    if (!skim_member(skim_of(object), key, &value))
        return "-";
    return arena_strndup(&arena, value.text, value.length);
}

TEST(members_are_found_by_their_whole_name)
{
    begin();
    CHECK_STRING(member("{\"a\":1}", "a"), "1");
    CHECK_STRING(member(" { \"b\" : [1,{\"a\":2}] , \"a\" : \"x,}\" } ", "a"), "\"x,}\"");
    CHECK_STRING(member("{\"b\":\"\\\"a\\\":7\",\"a\":{\"a\":8}}", "a"), "{\"a\":8}");
    CHECK_STRING(member("{\"aa\":1,\"A\":2,\"\\u0061\":3}", "a"), "-");
    CHECK_STRING(member("{\"a\":1,\"a\":2}", "a"), "1");
    CHECK_STRING(member("{\"b\":{\"a\":1}}", "a"), "-");
}

TEST(texts_that_end_early_give_what_there_is)
{
    begin();
    CHECK_STRING(member("{\"a\":{\"b\":1,\"c", "a"), "{\"b\":1,\"c");
    CHECK_STRING(member("{\"a\":\"xy", "a"), "\"xy");
    CHECK_STRING(member("{\"a\":\"xy\\", "a"), "\"xy\\");
    static const char *const nothing[] = {
        "", " ", "{", "{}", "{\"a\"", "{\"a\":", "{\"a\": ", "[\"a\",1]", "{a:1}", "7", "{\"a"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        CHECK_STRING(member(nothing[i], "a"), "-");
}

TEST(elements_of_a_list)
{
    begin();
    struct skim at = skim_of("[ {\"a\":[1]} , \"x,y\" ,7, null]"), element;
    static const char *const wanted[] = {"{\"a\":[1]}", "\"x,y\"", "7", "null"};
    for (size_t i = 0; i < 4; i++) {
        CHECK(skim_element(&at, &element));
        CHECK_STRING(arena_strndup(&arena, element.text, element.length), wanted[i]);
    }
    CHECK(!skim_element(&at, &element));
    static const char *const empty[] = {"", "[]", "[ ]", "{}", "[", "[,1]", "7"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        at = skim_of(empty[i]);
        CHECK(!skim_element(&at, &element));
    }
}

TEST(a_whole_object_ends_where_the_text_does)
{
    CHECK(skim_is_whole(skim_of(" {\"a\":[\"}\"]} \n")));
    static const char *const not_whole[] = {"", "[]", "{", "{\"a\":1", "{}}", "{} x", "{\"a\":\"}"};
    for (size_t i = 0; i < sizeof not_whole / sizeof *not_whole; i++)
        CHECK(!skim_is_whole(skim_of(not_whole[i])));
}

static bool lies_in(struct skim part, struct skim whole)
{
    return part.text >= whole.text && part.length > 0 &&
           part.text + part.length <= whole.text + whole.length;
}

/* The text ends with the heap block, so that the sanitizer sees one byte too many. */
static void check_any(const char *bytes, size_t length)
{
    char *text = malloc(length > 0 ? length : 1);
    memcpy(text, bytes, length);
    const struct skim whole = {.text = text, .length = length};
    struct skim part, list, element;
    (void)skim_is_whole(whole);
    if (skim_member(whole, "metadata", &part)) {
        CHECK(lies_in(part, whole));
        if (skim_member(part, "name", &element)) {
            CHECK(lies_in(element, part));
            (void)skim_parse(&arena, element);
        }
    }
    if (skim_member(whole, "items", &list)) {
        struct skim at = list;
        while (skim_element(&at, &element))
            CHECK(lies_in(element, list));
    }
    free(text);
}

TEST(any_text_is_skimmed_within_its_bounds)
{
    static const char good[] =
        "{\"kind\":\"List\",\"items\":[{\"a\":\"\\u0000\\\"\"},7,[{}]],\"metadata\":{\"x\":"
        "{\"name\":1},\"name\":\"a\\\\\",\"uid\":null}}";
    static const char letters[] = "{}[]\",:\\ 7a\0\x80";
    unsigned long long state = 42;
    for (size_t length = 0; length < sizeof good; length++) {
        begin();
        check_any(good, length);
    }
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int change = 0; change < 3; change++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            text[(state >> 33) % (sizeof good - 1)] = letters[(state >> 20) % (sizeof letters - 1)];
        }
        if (round % 1000 == 0)
            begin();
        check_any(text, (size_t)(state >> 40) % sizeof good);
        check_any(text, sizeof good - 1);
    }
}

TEST_MAIN
