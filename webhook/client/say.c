#include "client/say.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *say_visible(struct arena *arena, const char *text, size_t max_runes)
{
    struct buf shown;
    buf_init(&shown, arena, max_runes * 4 + 8);
    buf_add_visible(&shown, text, max_runes);
    return arena_strdup(arena, shown.data);
}

/* Puts "..." where the text must end, without half a character before it. */
static void cut(char *text, size_t most)
{
    size_t end = most - 3;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "...", 4);
}

int(say_fail)(struct arena *arena, struct err *reterr, enum err_code code, const char *format, ...)
{
    if (reterr == NULL)
        return -(int)code;
    char *words = arena_alloc(arena, 4096);
    va_list args;
    va_start(args, format);
    vsnprintf(words, 4096, format, args);
    va_end(args);
    if (strlen(words) >= sizeof reterr->text)
        cut(words, sizeof reterr->text - 1);
    return err_set(reterr, code, "%s", words);
}

bool say_fits_header(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return true;
}
