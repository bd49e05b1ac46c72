#include "history/store_db.h"

#include "base/utf8.h"
#include "history/store.h"

#include <stdlib.h>
#include <string.h>

static struct store_value *next_value(struct store_bind *bind, enum store_kind kind)
{
    static struct store_value spare;
    if (bind->count == STORE_VALUES_MAX) {
        bind->failed = ERR_INTERNAL;
        return &spare;
    }
    struct store_value *value = &bind->values[bind->count++];
    *value = (struct store_value){.kind = kind};
    return value;
}

void store_bind_int(struct store_bind *bind, int64_t number)
{
    next_value(bind, STORE_INT)->number = number;
}

void store_bind_id(struct store_bind *bind, int64_t id)
{
    struct store_value *value = next_value(bind, STORE_INT);
    value->number = id;
    value->null = id == 0;
}

void store_bind_blob(struct store_bind *bind, const void *bytes, size_t length)
{
    struct store_value *value = next_value(bind, STORE_BLOB);
    value->bytes = bytes;
    value->length = length;
    value->null = bytes == NULL;
}

static bool is_utf8(const char *text, size_t length)
{
    uint32_t rune;
    for (size_t at = 0; at < length;) {
        const size_t span = utf8_span(text + at, length - at, &rune);
        if (span == 0)
            return false;
        at += span;
    }
    return true;
}

/* A copy on the heap with U+FFFD for each byte that is not UTF-8; NULL if memory is short. */
static char *mended(const char *text, size_t length, size_t *ret_length)
{
    char *copy = malloc(length * 3 + 1);
    if (copy == NULL)
        return NULL;
    size_t to = 0;
    uint32_t rune;
    for (size_t at = 0; at < length;) {
        const size_t span = utf8_span(text + at, length - at, &rune);
        memcpy(copy + to, span > 0 ? text + at : "\xef\xbf\xbd", span > 0 ? span : 3);
        to += span > 0 ? span : 3;
        at += span > 0 ? span : 1;
    }
    copy[to] = '\0';
    *ret_length = to;
    return copy;
}

void store_bind_text(struct store_bind *bind, const char *text)
{
    struct store_value *value = next_value(bind, STORE_TEXT);
    value->bytes = text;
    value->null = text == NULL;
    if (text == NULL)
        return;
    value->length = strnlen(text, STORE_TEXT_BYTES + 1);
    if (value->length > STORE_TEXT_BYTES) {
        bind->failed = ERR_LIMIT;
    } else if (!is_utf8(text, value->length)) {
        char **owned = &bind->owned[value - bind->values];
        *owned = mended(text, value->length, &value->length);
        value->bytes = *owned;
        if (*owned == NULL)
            bind->failed = ERR_NO_MEMORY;
    }
}

void store_bind_done(struct store_bind *bind)
{
    for (size_t i = 0; i < bind->count; i++) {
        free(bind->owned[i]);
        bind->owned[i] = NULL;
    }
    bind->count = 0;
}

int store_run(struct store_db *db, const char *sql, struct store_bind *bind, store_row_fn *row,
              void *context, int64_t *ret_changes, struct err *reterr)
{
    struct store_bind none = {0};
    if (bind == NULL)
        bind = &none;
    int r;
    if (bind->failed == ERR_LIMIT)
        r = err_set(reterr, ERR_LIMIT, "a text is longer than the history takes (%lu bytes)",
                    STORE_TEXT_BYTES);
    else if (bind->failed != 0)
        r = err_set(reterr, (enum err_code)bind->failed, "%s", err_text(bind->failed));
    else
        r = db->driver->query(db, sql, bind->values, bind->count, row, context, ret_changes,
                              reterr);
    store_bind_done(bind);
    return r;
}

int64_t store_row_int(const struct store_row *row, int column)
{
    const struct store_driver *driver = row->db->driver;
    return driver->is_null(row, column) ? 0 : driver->integer(row, column);
}

const char *store_row_bytes(const struct store_row *row, int column, size_t *ret_length)
{
    const struct store_driver *driver = row->db->driver;
    if (driver->is_null(row, column)) {
        *ret_length = 0;
        return NULL;
    }
    const char *bytes = driver->bytes(row, column, ret_length);
    return bytes == NULL ? "" : bytes; /* SQLite's empty blob */
}

const char *store_row_text(const struct store_row *row, struct arena *arena, int column)
{
    size_t length;
    const char *bytes = store_row_bytes(row, column, &length);
    return bytes == NULL ? NULL : arena_strndup(arena, bytes, length);
}

void store_row_first_int(void *context, const struct store_row *row)
{
    *(int64_t *)context = store_row_int(row, 0);
}
