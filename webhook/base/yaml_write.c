#include "base/utf8.h"
#include "base/yaml.h"
#include "base/yaml_scalar.h"

#include <string.h>

/* libyaml looks no further than 1024 characters for a key's colon. */
#define SIMPLE_KEY_BYTES 256U

/* What a text has in it that decides its style. */
struct traits {
    bool breaks;  /* \n */
    bool unclean; /* what only a double-quoted text can hold */
    bool special; /* what a plain one cannot hold */
};

static bool is_unclean(uint32_t rune)
{
    return !utf8_visible(rune) || rune == 0xfffe || rune == 0xffff;
}

static struct traits look_at(const char *text)
{
    struct traits traits = {false, false, false};
    for (const char *at = text; *at != '\0';) {
        uint32_t rune;
        const size_t bytes = utf8_decode(at, &rune);
        if (bytes == 0 || (*at != '\n' && is_unclean(rune)))
            traits.unclean = true;
        traits.breaks |= *at == '\n';
        traits.special |= *at == ':' && (at[1] == ' ' || at[1] == '\0');
        traits.special |= *at == ' ' && (at[1] == '#' || at[1] == '\0');
        at += bytes == 0 ? 1 : bytes;
    }
    const char next = *text == '\0' ? '\0' : text[1];
    traits.special |= *text == '\0' || strchr(" ?:,[]{}#&*!|>'\"%@`", *text) != NULL;
    traits.special |= *text == '-' && (next == '\0' || next == ' ');
    traits.special |= strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0;
    return traits;
}

static void add_blanks(struct buf *buf, int count)
{
    buf_printf(buf, "%*s", count, "");
}

static void write_single(struct buf *buf, const char *text)
{
    buf_add_char(buf, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_add_char(buf, '\'');
        buf_add_char(buf, *text);
    }
    buf_add_char(buf, '\'');
}

static void write_double(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    while (*text != '\0') {
        uint32_t rune;
        const size_t bytes = utf8_decode(text, &rune);
        if (bytes == 0)
            buf_add_string(buf, "\\uFFFD");
        else if (*text == '"' || *text == '\\')
            buf_printf(buf, "\\%c", *text);
        else if (*text == '\n')
            buf_add_string(buf, "\\n");
        else if (*text == '\t')
            buf_add_string(buf, "\\t");
        else if (is_unclean(rune))
            buf_printf(buf, "\\u%04X", (unsigned)rune);
        else
            buf_add(buf, text, bytes);
        text += bytes == 0 ? 1 : bytes;
    }
    buf_add_char(buf, '"');
}

/* On one line: a key, or a value that is no block. */
static void write_inline(struct buf *buf, const char *text)
{
    const struct traits traits = look_at(text);
    if (traits.unclean || traits.breaks || (!traits.special && !yaml_scalar_is_string(text)))
        write_double(buf, text);
    else if (*text == '\0')
        buf_add_string(buf, "\"\"");
    else if (traits.special)
        write_single(buf, text);
    else
        buf_add_string(buf, text);
}

/* A block keeps a text byte for byte if it begins with a word and no line is only blanks. */
static bool fits_block(const char *text)
{
    if (strchr(" \t\n", *text) != NULL)
        return false;
    for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        const size_t blanks = strspn(line + 1, " \t");
        const char after = line[1 + blanks];
        if (blanks > 0 && (after == '\n' || after == '\0'))
            return false;
    }
    return true;
}

/* Tabs may stand inside a block, where look_at calls them unclean. */
static bool is_block_clean(const char *text)
{
    while (*text != '\0') {
        uint32_t rune;
        const size_t bytes = utf8_decode(text, &rune);
        if (bytes == 0 || (*text != '\n' && *text != '\t' && is_unclean(rune)))
            return false;
        text += bytes;
    }
    return true;
}

static void write_block(struct buf *buf, const char *text, int indent)
{
    const size_t length = strlen(text);
    buf_add_char(buf, '|');
    if (text[length - 1] != '\n')
        buf_add_char(buf, '-');
    else if (length > 1 && text[length - 2] == '\n')
        buf_add_char(buf, '+');
    while (*text != '\0') {
        const size_t line = strcspn(text, "\n");
        buf_add_char(buf, '\n');
        if (line > 0)
            add_blanks(buf, indent);
        buf_add(buf, text, line);
        text += line;
        if (*text == '\n')
            text++;
    }
    buf_add_char(buf, '\n');
}

static void write_string(struct buf *buf, const char *text, int indent)
{
    if (strchr(text, '\n') != NULL && fits_block(text) && is_block_clean(text)) {
        write_block(buf, text, indent);
        return;
    }
    write_inline(buf, text);
    buf_add_char(buf, '\n');
}

/* With its line break.  A block's lines stand at `indent`. */
static void write_scalar(struct buf *buf, const cJSON *node, int indent)
{
    char scratch[32];
    if (json_is_string(node)) {
        write_string(buf, node->valuestring, indent);
        return;
    }
    if (json_is_number(node))
        buf_add_string(buf, json_number_text(node, scratch));
    else if (json_is_bool(node))
        buf_add_string(buf, json_is_true(node) ? "true" : "false");
    else if (json_is_object(node))
        buf_add_string(buf, "{}");
    else
        buf_add_string(buf, json_is_array(node) ? "[]" : "null");
    buf_add_char(buf, '\n');
}

static void write_container(struct buf *buf, const cJSON *node, int indent);

/* What follows "key:". */
static void write_member_value(struct buf *buf, const cJSON *value, int indent)
{
    if (value->child == NULL) {
        buf_add_char(buf, ' ');
        write_scalar(buf, value, indent + 2);
        return;
    }
    const int inner = json_is_array(value) ? indent : indent + 2;
    buf_add_char(buf, '\n');
    add_blanks(buf, inner);
    write_container(buf, value, inner);
}

static void write_key(struct buf *buf, const char *key, int indent)
{
    const bool simple = strlen(key) <= SIMPLE_KEY_BYTES;
    if (!simple)
        buf_add_string(buf, "? ");
    write_inline(buf, key);
    if (!simple) {
        buf_add_char(buf, '\n');
        add_blanks(buf, indent);
    }
    buf_add_char(buf, ':');
}

/* A list or object that is not empty; the first line's indent is written already. */
static void write_container(struct buf *buf, const cJSON *node, int indent)
{
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            add_blanks(buf, indent);
        if (json_is_object(node)) {
            write_key(buf, child->string, indent);
            write_member_value(buf, child, indent);
            continue;
        }
        buf_add_string(buf, "- ");
        if (child->child != NULL)
            write_container(buf, child, indent + 2);
        else
            write_scalar(buf, child, indent + 2);
    }
}

void yaml_write(struct buf *buf, const cJSON *node)
{
    if (node->child != NULL)
        write_container(buf, node, 0);
    else
        write_scalar(buf, node, 2);
}
