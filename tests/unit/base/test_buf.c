#include "base/buf.h"
#include "base/limits.h"
#include "tests/unit/test.h"

static void use(struct buf *buf)
{
    CHECK_STRING(buf->data, "");
    for (int i = 0; i < 1000; i++)
        buf_add_char(buf, 'a');
    CHECK_INT(buf->length, 1000);
    CHECK_INT(strlen(buf->data), 1000);
    buf_clear(buf);
    CHECK_STRING(buf->data, "");
    buf_add(buf, "xyz", 2);
    buf_add(buf, "", 0);
    buf_printf(buf, "%d %s", 42, "words");
    CHECK_STRING(buf->data, "xy42 words");
}

TEST(buf_grows_on_the_heap_and_in_an_arena)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena, LIMIT_MIB);
    buf_init(&buf, &arena, 1000);
    use(&buf);
    arena_done(&arena);
    buf_init(&buf, NULL, 1000);
    use(&buf);
    buf_done(&buf);
    CHECK_STRING(buf.data, "");
    buf_done(&buf);
}

TEST(buf_stops_at_its_maximum)
{
    struct buf buf;
    buf_init(&buf, NULL, 5);
    buf_add_string(&buf, "12345");
    CHECK(!buf.failed);
    buf_add_char(&buf, '6');
    CHECK(buf.failed);
    CHECK_STRING(buf.data, "12345");
    buf_clear(&buf);
    CHECK(!buf.failed);
    buf_printf(&buf, "%d", 123456);
    CHECK(buf.failed);
    CHECK_STRING(buf.data, "");
    buf_done(&buf);
}

static void check_text(void (*add)(struct buf *, const char *), const char *text, const char *want)
{
    struct buf buf;
    buf_init(&buf, NULL, 1000);
    add(&buf, text);
    char got[256];
    snprintf(got, sizeof got, "%s", buf.data);
    buf_done(&buf);
    CHECK_STRING(got, want);
}

TEST(buf_writes_json_strings_that_are_valid)
{
    static const char *const rows[][2] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\n\r\t\x01\x1f", "\"\\n\\u000d\\u0009\\u0001\\u001f\""},
        {"\x7f\xc2\x80\xc2\x9f", "\"\\u007f\\u0080\\u009f\""},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a\xff"
         "b\xc3",
         "\"a\xef\xbf\xbd"
         "b\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_text(buf_add_json_string, rows[i][0], rows[i][1]);
}

static void add_visible(struct buf *buf, const char *text)
{
    buf_add_visible(buf, text, 8);
}

TEST(buf_shows_text_that_cannot_act)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a\nb\tc", "a b?c"},
        {"\x1b[31mred", "?[31mred"},
        {"\xe2\x80\xae"
         "abc",
         "?abc"},
        {"\xc2\x9b"
         "1m",
         "?1m"},
        {"\xff\xc3", "??"},
        {"12345678", "12345678"},
        {"123456789", "12345678..."},
        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"},
        {"%s%n", "%s%n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_text(add_visible, rows[i][0], rows[i][1]);
}

TEST_MAIN
