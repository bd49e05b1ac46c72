#include "cli/output/diff.h"

#include <stdint.h>
#include <string.h>

#define LINE_RUNES_MAX 2000

struct line {
    const char *text;
    size_t length;
};

struct lines {
    struct line *items;
    size_t count;
};

/* One line of the edit script: kept (' '), removed ('-') or added ('+'). */
struct step {
    char sign;
    const struct line *line;
};

struct script {
    struct arena *arena;
    struct step *steps;
    size_t count;
};

static struct lines split(struct arena *arena, const char *text)
{
    struct lines lines = {NULL, 0};
    size_t count = 0;
    for (const char *at = text; *at != '\0'; count++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    lines.items = arena_array(arena, count + 1, sizeof *lines.items);
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        lines.items[lines.count++] = (struct line){at, length};
        at += length;
        at += *at == '\n';
    }
    return lines;
}

static bool same(const struct line *a, const struct line *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void add_step(struct script *script, char sign, const struct line *line)
{
    script->steps[script->count++] = (struct step){sign, line};
}

/* The furthest x on every diagonal after each number of edits: frontier[d][k + d]. */
struct search {
    struct arena *arena;
    const struct line *a, *b;
    int32_t n, m;
    int32_t **frontier;
};

/* Where diagonal k starts with d edits, before it slides over equal lines. */
static int32_t enter(const struct search *search, int32_t d, int32_t k)
{
    if (d == 0)
        return 0;
    const int32_t *before = search->frontier[d - 1] + (d - 1);
    bool down = k == -d || (k != d && before[k - 1] < before[k + 1]);
    return down ? before[k + 1] : before[k - 1] + 1;
}

/* Returns the number of edits, -1 if there are more than DIFF_EDITS_MAX. */
static int32_t find_edits(struct search *search)
{
    int32_t most = search->n + search->m;
    if (most > (int32_t)DIFF_EDITS_MAX)
        most = (int32_t)DIFF_EDITS_MAX;
    search->frontier = arena_array(search->arena, (size_t)most + 1, sizeof *search->frontier);
    for (int32_t d = 0; d <= most; d++) {
        search->frontier[d] =
            arena_array(search->arena, 2 * (size_t)d + 1, sizeof **search->frontier);
        for (int32_t k = -d; k <= d; k += 2) {
            int32_t x = enter(search, d, k);
            int32_t y = x - k;
            /* A diagonal may run past an end; it is never the best one, but x must stay sane. */
            while (x < search->n && y >= 0 && y < search->m && same(search->a + x, search->b + y)) {
                x++;
                y++;
            }
            search->frontier[d][k + d] = x;
            if (x >= search->n && y >= search->m)
                return d;
        }
    }
    return -1;
}

/* Walks back from the end; writes the steps from the last to the first. */
static size_t trace_back(const struct search *search, int32_t d, struct step *reversed)
{
    size_t count = 0;
    int32_t x = search->n, y = search->m;
    for (; d >= 0; d--) {
        int32_t k = x - y;
        int32_t start = enter(search, d, k);
        while (x > start && y > start - k) {
            reversed[count++] = (struct step){' ', search->a + --x};
            y--;
        }
        if (d == 0)
            break;
        const int32_t *before = search->frontier[d - 1] + (d - 1);
        if (k == -d || (k != d && before[k - 1] < before[k + 1]))
            reversed[count++] = (struct step){'+', search->b + --y};
        else
            reversed[count++] = (struct step){'-', search->a + --x};
    }
    return count;
}

static void compare_middle(struct script *script, const struct line *a, size_t n,
                           const struct line *b, size_t m)
{
    struct search search = {.arena = script->arena, .a = a, .b = b};
    bool fits = n < INT32_MAX / 4 && m < INT32_MAX / 4;
    int32_t edits = -1;
    if (fits) {
        search.n = (int32_t)n;
        search.m = (int32_t)m;
        edits = find_edits(&search);
    }
    if (edits < 0) {
        for (size_t i = 0; i < n; i++)
            add_step(script, '-', a + i);
        for (size_t i = 0; i < m; i++)
            add_step(script, '+', b + i);
        return;
    }
    struct step *reversed = arena_array(script->arena, n + m + 1, sizeof *reversed);
    for (size_t count = trace_back(&search, edits, reversed); count > 0; count--)
        script->steps[script->count++] = reversed[count - 1];
}

static void compare(struct script *script, const struct lines *a, const struct lines *b)
{
    size_t head = 0, tail = 0;
    while (head < a->count && head < b->count && same(a->items + head, b->items + head))
        head++;
    while (tail < a->count - head && tail < b->count - head &&
           same(a->items + a->count - 1 - tail, b->items + b->count - 1 - tail))
        tail++;
    script->steps = arena_array(script->arena, a->count + b->count + 1, sizeof *script->steps);
    for (size_t i = 0; i < head; i++)
        add_step(script, ' ', a->items + i);
    compare_middle(script, a->items + head, a->count - head - tail, b->items + head,
                   b->count - head - tail);
    for (size_t i = a->count - tail; i < a->count; i++)
        add_step(script, ' ', a->items + i);
}

static void write_line(struct script *script, const char *colour, char sign,
                       const struct line *line, struct buf *out)
{
    buf_add_string(out, colour);
    buf_add_char(out, sign);
    buf_add_visible(out, arena_strndup(script->arena, line->text, line->length), LINE_RUNES_MAX);
    buf_add_string(out, colour[0] != '\0' ? "\033[0m\n" : "\n");
}

/* As diff -u counts: a range of no lines is named by the line before it. */
static void write_range(struct buf *out, char sign, size_t first, size_t count)
{
    buf_printf(out, "%c%zu", sign, count == 0 ? first : first + 1);
    if (count != 1)
        buf_printf(out, ",%zu", count);
}

struct hunk {
    size_t from, to;   /* in steps */
    size_t a, b;       /* lines of each side before it */
    size_t in_a, in_b; /* lines of each side in it */
};

static void write_hunk(struct script *script, const struct hunk *hunk, bool colour, struct buf *out)
{
    buf_add_string(out, colour ? "\033[36m@@ " : "@@ ");
    write_range(out, '-', hunk->a, hunk->in_a);
    buf_add_char(out, ' ');
    write_range(out, '+', hunk->b, hunk->in_b);
    buf_add_string(out, colour ? " @@\033[0m\n" : " @@\n");
    for (size_t i = hunk->from; i < hunk->to; i++) {
        const struct step *step = script->steps + i;
        const char *paint = !colour ? "" : step->sign == '-' ? "\033[31m" : "\033[32m";
        write_line(script, step->sign == ' ' ? "" : paint, step->sign, step->line, out);
    }
}

/* The end of the hunk that starts at the change `first`: the context behind its last change. */
static size_t hunk_end(const struct script *script, size_t first)
{
    size_t last = first;
    for (size_t i = first; i < script->count && i <= last + 2 * (size_t)DIFF_CONTEXT + 1; i++) {
        if (script->steps[i].sign != ' ')
            last = i;
    }
    size_t end = last + 1 + DIFF_CONTEXT;
    return end < script->count ? end : script->count;
}

static void write_hunks(struct script *script, bool colour, struct buf *out)
{
    size_t a = 0, b = 0, done = 0;
    for (size_t i = 0; i < script->count; i++) {
        if (script->steps[i].sign == ' ')
            continue;
        struct hunk hunk = {.from = i > done + DIFF_CONTEXT ? i - DIFF_CONTEXT : done};
        hunk.to = hunk_end(script, i);
        a += hunk.from - done;
        b += hunk.from - done;
        hunk.a = a;
        hunk.b = b;
        for (size_t j = hunk.from; j < hunk.to; j++) {
            hunk.in_a += script->steps[j].sign != '+';
            hunk.in_b += script->steps[j].sign != '-';
        }
        write_hunk(script, &hunk, colour, out);
        a += hunk.in_a;
        b += hunk.in_b;
        done = hunk.to;
        i = hunk.to - 1;
    }
}

static void write_name(const char *sign, const char *name, bool colour, struct buf *out)
{
    buf_add_string(out, colour ? "\033[1m" : "");
    buf_add_string(out, sign);
    buf_add_visible(out, name, LINE_RUNES_MAX);
    buf_add_string(out, colour ? "\033[0m\n" : "\n");
}

void diff_write(struct arena *arena, const struct diff_side *before, const struct diff_side *after,
                bool colour, struct buf *out)
{
    if (strcmp(before->text, after->text) == 0)
        return;
    struct lines a = split(arena, before->text);
    struct lines b = split(arena, after->text);
    struct script script = {.arena = arena};
    compare(&script, &a, &b);
    write_name("--- ", before->name, colour, out);
    write_name("+++ ", after->name, colour, out);
    write_hunks(&script, colour, out);
}
