#include "base/utf8.h"

#include "base/bytes.h"

#include <string.h>

size_t utf8_span(const char *text, size_t length, uint32_t *ret_rune)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0)
        return 0;
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80) {
        *ret_rune = at[0];
        return 1;
    }
    size_t bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
    if (bytes == 0 || at[0] > 0xf4 || bytes > length)
        return 0;
    uint32_t rune = at[0] & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        rune = (rune << 6) | (at[i] & 0x3fU);
    }
    if (rune < least[bytes] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
        return 0;
    *ret_rune = rune;
    return bytes;
}

size_t utf8_decode(const char *text, uint32_t *ret_rune)
{
    size_t length = 0;
    if ((unsigned char)*text < 0x80) {
        *ret_rune = (unsigned char)*text;
        return *text != '\0';
    }
    while (length < 4 && text[length] != '\0')
        length++;
    return utf8_span(text, length, ret_rune);
}

bool utf8_visible(uint32_t rune)
{
    if (rune < 0x20 || (rune >= 0x7f && rune < 0xa0))
        return false;
    if (rune >= 0x200b && rune <= 0x200f)
        return false;
    if (rune >= 0x2028 && rune <= 0x202e)
        return false;
    return !(rune >= 0x2060 && rune <= 0x206f) && rune != 0xfeff && rune != 0x061c;
}

size_t utf8_runes(const char *text)
{
    size_t runes = 0;
    for (const char *end = text + strlen(text); text < end; runes++) {
        const size_t run = bytes_run(text, (size_t)(end - text), bytes_mark_beyond_ascii);
        uint32_t rune;
        text += run;
        runes += run;
        if (text == end)
            break;
        const size_t bytes = utf8_decode(text, &rune);
        text += bytes == 0 ? 1 : bytes;
    }
    return runes;
}
