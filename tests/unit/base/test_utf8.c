#include "base/utf8.h"
#include "tests/unit/test.h"

TEST(utf8_decodes_what_rfc_3629_allows)
{
    static const struct {
        const char *text;
        size_t bytes;
        uint32_t rune;
    } rows[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},
        {"\xbf", 0, 0},
        {"\xc0\x80", 0, 0},
        {"\xc1\xbf", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xed\xbf\xbf", 0, 0},
        {"\xf4\x90\x80\x80", 0, 0},
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xc3", 0, 0},
        {"\xe2\x82", 0, 0},
        {"\xf0\x9f\x98", 0, 0},
        {"\xe2\x28\xa1", 0, 0},
        {"\xc3(", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t rune = 0;
        if (utf8_decode(rows[i].text, &rune) != rows[i].bytes || rune != rows[i].rune)
            TEST_FAIL("row %zu: U+%04X", i, (unsigned)rune);
    }
}

TEST(utf8_span_stops_at_the_length)
{
    uint32_t rune;
    CHECK_INT(utf8_span("\xc3\xa9", 1, &rune), 0);
    CHECK_INT(utf8_span("\xc3\xa9", 2, &rune), 2);
    CHECK_INT(utf8_span("", 0, &rune), 0);
    CHECK_INT(utf8_span("\0", 1, &rune), 1);
}

TEST(utf8_knows_what_a_terminal_shows)
{
    static const uint32_t shown[] = {' ', '~', 0xa0, 0xe9, 0x4e00, 0x1f600, 0x2027, 0x202f};
    static const uint32_t hidden[] = {0,      0x1b,   0x1f,   0x7f,   0x85,   0x9f,
                                      0x200b, 0x200d, 0x200f, 0x2028, 0x2029, 0x202a,
                                      0x202e, 0x2066, 0x2069, 0xfeff, 0x61c};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        CHECK(utf8_visible(shown[i]));
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        CHECK(!utf8_visible(hidden[i]));
}

TEST(utf8_counts_characters)
{
    CHECK_INT(utf8_runes(""), 0);
    CHECK_INT(utf8_runes("a\xc3\xa9\xf0\x9f\x98\x80"), 3);
    CHECK_INT(utf8_runes("\xff\xfe"
                         "a"),
              3);
}

TEST_MAIN
