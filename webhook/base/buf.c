#include "base/buf.h"

#include "base/bytes.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char nothing[1];

void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes)
{
    *buf = (struct buf){.arena = arena, .data = nothing, .max_bytes = max_bytes};
}

void buf_done(struct buf *buf)
{
    if (buf->arena == NULL && buf->capacity > 0)
        free(buf->data);
    buf_init(buf, buf->arena, buf->max_bytes);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->capacity > 0)
        buf->data[0] = '\0';
    buf->failed = false;
}

static bool grow(struct buf *buf, size_t need)
{
    /* Most texts of a review are a field or a line; in an arena more costs next to nothing. */
    size_t capacity = buf->capacity > 0 ? buf->capacity * 2 : buf->arena != NULL ? 64 : 256;
    if (capacity < need)
        capacity = need;
    char *data;
    if (buf->arena != NULL) {
        data =
            arena_grow(buf->arena, buf->capacity > 0 ? buf->data : NULL, buf->capacity, capacity);
    } else {
        data = realloc(buf->capacity > 0 ? buf->data : NULL, capacity);
        if (data == NULL) {
            buf->failed = true;
            return false;
        }
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

static inline bool make_room(struct buf *buf, size_t count)
{
    if (buf->failed || count > buf->max_bytes || buf->length > buf->max_bytes - count) {
        buf->failed = true;
        return false;
    }
    const size_t need = buf->length + count + 1;
    return need <= buf->capacity || grow(buf, need);
}

void buf_add(struct buf *buf, const void *bytes, size_t count)
{
    if (!make_room(buf, count))
        return;
    if (count > 0)
        memcpy(buf->data + buf->length, bytes, count);
    buf->length += count;
    buf->data[buf->length] = '\0';
}

void buf_add_string(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_strings(struct buf *buf, ...)
{
    va_list texts;
    va_start(texts, buf);
    for (const char *text; (text = va_arg(texts, const char *)) != NULL;)
        buf_add(buf, text, strlen(text));
    va_end(texts);
}

void buf_add_number(struct buf *buf, size_t number)
{
    char digits[24], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void buf_add_char(struct buf *buf, char c)
{
    if (buf->failed || buf->length + 1 >= buf->capacity || buf->length >= buf->max_bytes) {
        buf_add(buf, &c, 1);
        return;
    }
    buf->data[buf->length++] = c;
    buf->data[buf->length] = '\0';
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    /* Mostly it fits what is there, and is written at once. */
    const size_t room = buf->failed || buf->capacity == 0 ? 0 : buf->capacity - buf->length;
    int length = vsnprintf(room > 0 ? buf->data + buf->length : NULL, room, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < room && buf->length + (size_t)length <= buf->max_bytes) {
        buf->length += (size_t)length;
    } else if (length >= 0 && make_room(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    } else if (room > 0) {
        buf->data[buf->length] = '\0';
    }
    va_end(again);
}

void buf_add_base64(struct buf *buf, const void *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    if (count > buf->max_bytes / 4 * 3 || !make_room(buf, (count + 2) / 3 * 4)) {
        buf->failed = true;
        return;
    }
    char *to = buf->data + buf->length;
    for (; count >= 8; count -= 6, at += 6, to += 8) { /* eight are read, six are written */
        const uint64_t word = __builtin_bswap64(bytes_load((const char *)at));
        to[0] = digits[word >> 58];
        to[1] = digits[word >> 52 & 63U];
        to[2] = digits[word >> 46 & 63U];
        to[3] = digits[word >> 40 & 63U];
        to[4] = digits[word >> 34 & 63U];
        to[5] = digits[word >> 28 & 63U];
        to[6] = digits[word >> 22 & 63U];
        to[7] = digits[word >> 16 & 63U];
    }
    for (; count >= 3; count -= 3, at += 3, to += 4) {
        to[0] = digits[at[0] >> 2];
        to[1] = digits[(at[0] & 3U) << 4 | at[1] >> 4];
        to[2] = digits[(at[1] & 15U) << 2 | at[2] >> 6];
        to[3] = digits[at[2] & 63U];
    }
    if (count > 0) {
        const unsigned second = count > 1 ? at[1] : 0;
        to[0] = digits[at[0] >> 2];
        to[1] = digits[(at[0] & 3U) << 4 | second >> 4];
        to[2] = count > 1 ? digits[(second & 15U) << 2] : '=';
        to[3] = '=';
        to += 4;
    }
    buf->length = (size_t)(to - buf->data);
    if (buf->capacity > 0)
        buf->data[buf->length] = '\0';
}

void buf_add_json_string(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    const char *plain = text; /* the run that needs no escape */
    const char *at = text, *end = text + strlen(text);
    for (;;) {
        at += bytes_run(at, (size_t)(end - at), bytes_mark_json);
        const unsigned char c = (unsigned char)*at;
        if (c == '\0')
            break;
        uint32_t rune;
        size_t bytes = utf8_decode(at, &rune);
        if (c >= 0x80 && bytes > 0 && rune >= 0xa0 && rune != 0x2028 && rune != 0x2029) {
            at += bytes;
            continue;
        }
        buf_add(buf, plain, (size_t)(at - plain));
        if (c == '"' || c == '\\')
            buf_add(buf, (const char[]){'\\', (char)c}, 2);
        else if (c == '\n')
            buf_add_string(buf, "\\n");
        else if (bytes == 0)
            buf_add_string(buf, "\xef\xbf\xbd");
        else
            buf_printf(buf, "\\u%04x", (unsigned)rune);
        at += bytes == 0 ? 1 : bytes;
        plain = at;
    }
    buf_add(buf, plain, (size_t)(at - plain));
    buf_add_char(buf, '"');
}

void buf_add_visible(struct buf *buf, const char *text, size_t max_runes)
{
    size_t runes = 0;
    const char *end = text + strlen(text);
    for (const char *at = text; *at != '\0'; runes++) {
        const size_t left = (size_t)(end - at), most = max_runes - runes;
        const size_t run = bytes_run(at, left < most ? left : most, bytes_mark_invisible);
        buf_add(buf, at, run);
        at += run;
        runes += run;
        if (*at == '\0')
            return;
        if (runes == max_runes) {
            buf_add_string(buf, "...");
            return;
        }
        uint32_t rune;
        size_t bytes = utf8_decode(at, &rune);
        if (bytes == 0) {
            buf_add_char(buf, '?');
            at++;
            continue;
        }
        if (rune == '\n')
            buf_add_char(buf, ' ');
        else if (!utf8_visible(rune))
            buf_add_char(buf, '?');
        else
            buf_add(buf, at, bytes);
        at += bytes;
    }
}
