/* Templates: by SHA-256, compressed, bounded in both directions. */
#include "history/store_internal.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

/* compress2's buffers are 268 KB, cleared for each text, however short: of one of 1 KB that was
 * most of the work.  These are as large as the text asks for; who reads it needs not know. */
static int begin_stream(z_stream *stream, size_t length)
{
    int window = 9, memory = 1;
    while (window < MAX_WBITS && (1UL << window) < length)
        window++;
    while (memory < 8 && (64UL << memory) < length)
        memory++;
    return deflateInit2(stream, 6, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY);
}

static int pack_bytes(const char *json, size_t length, void **ret_bytes, size_t *ret_length)
{
    z_stream stream = {0};
    if (begin_stream(&stream, length) != Z_OK)
        return Z_MEM_ERROR;
    const uLong room = deflateBound(&stream, length);
    Bytef *bytes = malloc(room);
    stream.next_in = (const Bytef *)json;
    stream.avail_in = (uInt)length;
    stream.next_out = bytes;
    stream.avail_out = (uInt)room;
    const int code = bytes == NULL ? Z_MEM_ERROR : deflate(&stream, Z_FINISH);
    *ret_bytes = bytes;
    *ret_length = stream.total_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? Z_OK : Z_MEM_ERROR;
}

int store_pack(const char *sha, const char *json, struct store_packed *ret_packed,
               struct err *reterr)
{
    const size_t length = strnlen(json, STORE_TEXT_BYTES + 1);
    if (length > STORE_TEXT_BYTES)
        return err_set(reterr, ERR_LIMIT, "a template is longer than the history takes (%lu bytes)",
                       STORE_TEXT_BYTES);
    void *bytes = NULL;
    size_t packed_length = 0;
    if (pack_bytes(json, length, &bytes, &packed_length) != Z_OK) {
        free(bytes);
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    *ret_packed = (struct store_packed){sha, length, bytes, packed_length};
    return 0;
}

void store_packed_done(struct store_packed *packed)
{
    free(packed->bytes);
    packed->bytes = NULL;
}

int store_template_put(struct store_db *db, const struct store_packed *packed, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, packed->sha);
    store_bind_int(&bind, (int64_t)packed->length);
    store_bind_blob(&bind, packed->bytes, packed->packed_length);
    return store_run(db,
                     "INSERT INTO template(sha256, length, compressed) VALUES($1, $2, $3)"
                     " ON CONFLICT DO NOTHING",
                     &bind, NULL, NULL, NULL, reterr);
}

struct unpacking {
    struct arena *arena;
    char *json;
    bool found;
};

/* Whatever the row says, no more than the limit is taken, and zlib's own sum has to fit. */
static void unpack(void *context, const struct store_row *row)
{
    struct unpacking *unpacking = context;
    size_t packed_length;
    const int64_t length = store_row_int(row, 0);
    const char *packed = store_row_bytes(row, 1, &packed_length);
    unpacking->found = true;
    if (packed == NULL || length < 0 || length > (int64_t)STORE_TEXT_BYTES)
        return;
    char *json = arena_alloc(unpacking->arena, (size_t)length + 1);
    uLongf got = (uLongf)length;
    if (uncompress((Bytef *)json, &got, (const Bytef *)packed, packed_length) != Z_OK ||
        got != (uLongf)length || memchr(json, '\0', got) != NULL)
        return;
    unpacking->json = json;
}

int store_template_get(struct store *store, struct arena *arena, const char *sha,
                       const char **ret_json, struct err *reterr)
{
    struct unpacking unpacking = {.arena = arena};
    struct store_bind bind = {0};
    store_bind_text(&bind, sha);
    const int r =
        store_read(store, arena, "SELECT length, compressed FROM template WHERE sha256 = $1", &bind,
                   unpack, &unpacking, reterr);
    if (r != 0)
        return r;
    if (!unpacking.found)
        return err_set(reterr, ERR_NOT_FOUND, "the history has no such template");
    if (unpacking.json == NULL)
        return err_set(reterr, ERR_STORE, "a template's bytes are corrupt: restore a copy");
    *ret_json = unpacking.json;
    return 0;
}
