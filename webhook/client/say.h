/* Words for people from texts that strangers wrote. */
#ifndef PROCTOR_CLIENT_SAY_H
#define PROCTOR_CLIENT_SAY_H

#include "base/arena.h"
#include "base/err.h"

/* At most max_runes characters of `text`, made visible; lives in `arena`. */
const char *say_visible(struct arena *arena, const char *text, size_t max_runes)
    __attribute__((returns_nonnull));

/* As err_set, but what does not fit ends in "..." at the border of a character. */
int say_fail(struct arena *arena, struct err *reterr, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether the text can stand in an HTTP header: visible ASCII, blanks, bytes above. */
bool say_fits_header(const char *text);

#ifdef __clang_analyzer__
#define say_fail(arena, reterr, code, ...)                                                         \
    (say_fail(arena, reterr, code, __VA_ARGS__), -(int)(code))
#endif

#endif
