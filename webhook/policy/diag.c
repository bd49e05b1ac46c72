#include "policy/diag.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diag_init(struct diagnostics *diagnostics, struct arena *arena)
{
    *diagnostics = (struct diagnostics){.arena = arena};
}

/* The finding outlives the set whose memory the name came from. */
static const char *keep_name(struct diagnostics *diagnostics, const char *file)
{
    const struct diagnostic *last =
        diagnostics->count > 0 ? &diagnostics->items[diagnostics->count - 1] : NULL;
    if (file == NULL)
        return NULL;
    if (last != NULL && last->place.file != NULL && strcmp(last->place.file, file) == 0)
        return last->place.file;
    return arena_strdup(diagnostics->arena, file);
}

void diag_add(struct diagnostics *diagnostics, enum diag_severity severity, struct place place,
              const char *code, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (severity == DIAG_ERROR)
        diagnostics->error_count++;
    if (diagnostics->count == LIMIT_DIAGNOSTICS) {
        diagnostics->left_out++;
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct buf visible;
    buf_init(&visible, diagnostics->arena, LIMIT_POLICY_FILE_BYTES);
    buf_add_visible(&visible, text, 500);
    place.file = keep_name(diagnostics, place.file);
    diagnostics->items = arena_room(diagnostics->arena, diagnostics->items, diagnostics->count,
                                    &diagnostics->capacity, sizeof *diagnostics->items);
    diagnostics->items[diagnostics->count++] =
        (struct diagnostic){severity, place, code, visible.data};
}

/* ---- order and text --------------------------------------------------------------------- */

struct ordered {
    const struct diagnostic *item;
    size_t file; /* by first sight */
    size_t index;
};

static int compare(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    const struct yaml_mark *x = &a->item->place.mark, *y = &b->item->place.mark;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool same_file(const struct diagnostic *a, const struct diagnostic *b)
{
    const char *x = a->place.file != NULL ? a->place.file : "";
    const char *y = b->place.file != NULL ? b->place.file : "";
    return strcmp(x, y) == 0;
}

/* One cause that is seen on several roads (a field in several kinds, a pair from both its
 * sides) is told once. */
static bool is_repeated(const struct ordered *order, size_t at)
{
    const struct diagnostic *item = order[at].item;
    for (size_t i = at; i-- > 0 && order[i].file == order[at].file;) {
        const struct diagnostic *other = order[i].item;
        if (other->place.mark.line != item->place.mark.line ||
            other->place.mark.column != item->place.mark.column)
            return false;
        if (other->severity == item->severity && strcmp(other->code, item->code) == 0 &&
            strcmp(other->message, item->message) == 0)
            return true;
    }
    return false;
}

void diag_sort(struct diagnostics *diagnostics)
{
    const size_t count = diagnostics->count;
    if (count == 0)
        return;
    struct ordered *order = arena_array(diagnostics->arena, count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        order[i] = (struct ordered){&diagnostics->items[i], i, i};
        /* Findings of one file mostly follow each other: look back from here. */
        for (size_t j = i; j-- > 0;)
            if (same_file(&diagnostics->items[j], &diagnostics->items[i])) {
                order[i].file = order[j].file;
                break;
            }
    }
    qsort(order, count, sizeof *order, compare);
    struct diagnostic *sorted = arena_array(diagnostics->arena, count, sizeof *sorted);
    diagnostics->count = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_repeated(order, i))
            sorted[diagnostics->count++] = *order[i].item;
        else if (order[i].item->severity == DIAG_ERROR)
            diagnostics->error_count--;
    diagnostics->items = sorted;
    diagnostics->capacity = count;
}

void diag_write(const struct diagnostics *diagnostics, struct buf *buf)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *at = &diagnostics->items[i];
        if (at->place.file != NULL)
            buf_printf(buf, "%s:", at->place.file);
        if (at->place.mark.line > 0)
            buf_printf(buf, "%u:%u:", at->place.mark.line, at->place.mark.column);
        buf_printf(buf, "%s%s: %s [%s]\n", at->place.file != NULL ? " " : "",
                   at->severity == DIAG_ERROR ? "error" : "warning", at->message, at->code);
    }
    if (diagnostics->left_out > 0)
        buf_printf(buf, "and %zu more\n", diagnostics->left_out);
}
