/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef PROCTOR_BASE_UTF8_H
#define PROCTOR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of a NUL-terminated text; returns its bytes, 0 if it is not UTF-8. */
size_t utf8_decode(const char *text, uint32_t *ret_rune);

/* The bytes of the valid character at text[0..length), 0 if it is not UTF-8. */
size_t utf8_span(const char *text, size_t length, uint32_t *ret_rune);

/* Whether a terminal shows the character and does nothing else: no C0, DEL, C1, line or
 * paragraph separator, no bidirectional control, no zero-width joiner. */
bool utf8_visible(uint32_t rune);

/* How many characters a valid text has; an invalid byte counts as one. */
size_t utf8_runes(const char *text);

#endif
