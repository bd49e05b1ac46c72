/* A growing text buffer, always NUL-terminated, with a stated maximum.
 *
 * In an arena (buf_init with one) running out is the arena's matter.  On the heap (arena NULL)
 * a failure or the maximum sets `failed`, later additions do nothing, and the writer asks once
 * at the end.
 */
#ifndef PROCTOR_BASE_BUF_H
#define PROCTOR_BASE_BUF_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
    struct arena *arena; /* NULL: heap */
    char *data;          /* never NULL after buf_init */
    size_t length;
    size_t capacity;
    size_t max_bytes;
    bool failed;
};

/* An empty buffer that never grows past max_bytes. */
void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes);

/* Frees a heap buffer; nothing to do for one in an arena. */
void buf_done(struct buf *buf);

/* Forgets the text, keeps the memory. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, const void *bytes, size_t count);
void buf_add_string(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);

/* Several texts, ending with NULL; and a number in decimal.  What every review writes goes by
 * these: buf_printf reads its format each time. */
void buf_add_strings(struct buf *buf, ...) __attribute__((sentinel));
void buf_add_number(struct buf *buf, size_t number);

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the bytes in base64 (RFC 4648, with padding). */
void buf_add_base64(struct buf *buf, const void *bytes, size_t count);

/* Appends `text` as a JSON string with its quotes (RFC 8259); control characters, U+2028/9 and
 * bytes that are not UTF-8 leave as escapes or U+FFFD, so that the result is always valid. */
void buf_add_json_string(struct buf *buf, const char *text);

/* Appends `text` for a person's terminal, log or warning: control characters (C0, DEL, C1,
 * bidirectional marks) become '?' or \n -> ' '.  At most max_runes characters, then "...". */
void buf_add_visible(struct buf *buf, const char *text, size_t max_runes);

#endif
