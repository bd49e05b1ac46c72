/* Server-sent events (WHATWG HTML, 9.2): bytes as they come -> events.
 *
 * Lines end in \n, \r\n or \r; what a broken connection left unfinished is no event.  An event is
 * at most SSE_BYTES_MAX long: what is longer ends the stream.
 */
#ifndef PROCTOR_CLI_SSE_H
#define PROCTOR_CLI_SSE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define SSE_BYTES_MAX (1024UL * 1024UL)
#define SSE_ID_BYTES  64U

struct sse {
    struct buf line, data; /* on the heap */
    char type[SSE_ID_BYTES];
    char next_id[SSE_ID_BYTES];
    char id[SSE_ID_BYTES]; /* of the last event that was told: to go on from */
    bool was_return, has_data;

    /* `type` is "message" if the event has none.  False ends the stream. */
    bool (*event)(void *context, const char *type, const char *data, size_t length);
    void *context;
};

void sse_init(struct sse *sse);
void sse_done(struct sse *sse);

/* A new connection: what is unfinished is forgotten, the id is kept. */
void sse_restart(struct sse *sse);

/* False: the event function ended it, or an event is too long. */
bool sse_take(struct sse *sse, const char *bytes, size_t count);

#endif
