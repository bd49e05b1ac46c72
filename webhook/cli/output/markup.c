#include "cli/output/markup.h"

#include "base/limits.h"

#include <string.h>

#define RUNES_MAX 20000U

static struct buf visible(const char *text)
{
    struct buf buf;
    buf_init(&buf, NULL, LIMIT_MIB);
    buf_add_visible(&buf, text, RUNES_MAX);
    return buf;
}

void markup_add_html(struct buf *buf, const char *text)
{
    struct buf plain = visible(text);
    for (const char *at = plain.data; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            buf_add_string(buf, "&amp;");
            break;
        case '<':
            buf_add_string(buf, "&lt;");
            break;
        case '>':
            buf_add_string(buf, "&gt;");
            break;
        case '"':
            buf_add_string(buf, "&quot;");
            break;
        case '\'':
            buf_add_string(buf, "&#39;");
            break;
        default:
            buf_add_char(buf, *at);
        }
    }
    buf_done(&plain);
}

void markup_add_markdown(struct buf *buf, const char *text)
{
    struct buf plain = visible(text);
    for (const char *at = plain.data; *at != '\0'; at++) {
        if (*at == '<' || *at == '&' || *at == '@') { /* a tag, an entity, a mention */
            buf_printf(buf, "&#%d;", *at);
            continue;
        }
        if (strchr("\\`*_[]#|~>$", *at) != NULL || (at == plain.data && strchr("+-=", *at) != NULL))
            buf_add_char(buf, '\\');
        buf_add_char(buf, *at);
    }
    buf_done(&plain);
}

void markup_add_markdown_code(struct buf *buf, const char *text)
{
    struct buf plain = visible(text);
    size_t longest = 0, run = 0;
    for (const char *at = plain.data; *at != '\0'; at++) {
        run = *at == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        buf_add_char(buf, '`');
    buf_add_string(buf, longest > 0 ? " " : "");
    for (const char *at = plain.data; *at != '\0'; at++) {
        if (*at == '|')
            buf_add_char(buf, '\\');
        buf_add_char(buf, *at);
    }
    buf_add_string(buf, longest > 0 ? " " : "");
    for (size_t i = 0; i <= longest; i++)
        buf_add_char(buf, '`');
    buf_done(&plain);
}
