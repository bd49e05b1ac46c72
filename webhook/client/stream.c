#include "client/stream.h"

#include "base/limits.h"
#include "client/answer.h"
#include "client/client_internal.h"

#include <stdlib.h>
#include <string.h>

/* A refusal's Status is short; of anything longer the beginning says enough. */
#define REFUSAL_BYTES    (64UL * 1024UL)
#define HEADER_BYTES_MAX LIMIT_MIB

struct reading {
    struct kube_client *client;
    const struct stream *stream;
    struct buf refusal;
    size_t header_bytes;
    long status;
};

static bool is_good(long status)
{
    return status >= 200 && status < 300;
}

static bool take_header(void *context, const char *line, size_t count)
{
    struct reading *reading = context;
    const char *blank;
    reading->header_bytes += count;
    if (reading->header_bytes > HEADER_BYTES_MAX)
        return false;
    /* Each answer begins with its status line: 100 Continue is none yet. */
    if (count > 5 && strncmp(line, "HTTP/", 5) == 0) {
        blank = memchr(line, ' ', count);
        reading->status = blank != NULL ? strtol(blank, NULL, 10) : 0;
    }
    if (is_good(reading->status) && count <= 2 && (line[0] == '\r' || line[0] == '\n'))
        return reading->stream->opened(reading->stream->context);
    return true;
}

static bool take_bytes(void *context, const char *bytes, size_t count)
{
    struct reading *reading = context;
    if (is_good(reading->status))
        return reading->stream->sink(reading->stream->context, bytes, count);
    const size_t room = REFUSAL_BYTES - reading->refusal.length;
    buf_add(&reading->refusal, bytes, count < room ? count : room);
    return true;
}

static bool tick(void *context)
{
    const struct reading *reading = context;
    return reading->stream->tick(reading->stream->context);
}

static void exchange(struct reading *reading, struct arena *arena, struct http_answer *answer)
{
    const struct kube_client *client = reading->client;
    const struct http_call call = {
        .method = "GET",
        .path = reading->stream->path,
        .accept = "application/json",
        .user_agent = client->options.user_agent,
        .credential = &client->credential,
        .fresh = reading->stream->fresh,
        .connect_ms = client->options.connect_seconds * 1000,
        .sink = take_bytes,
        .header = take_header,
        .tick = tick,
        .context = reading,
    };
    http_exchange(client->http, &call, arena, answer);
}

int stream_read(struct kube_client *client, struct arena *arena, struct stream *stream,
                struct err *reterr)
{
    const struct answer_call names = {
        .arena = arena, .server = client->config->server, .method = "GET", .path = stream->path};
    struct reading reading = {.client = client, .stream = stream};
    struct http_answer answer;
    stream->retry_after = 0;
    stream->status = NULL;
    buf_init(&reading.refusal, arena, REFUSAL_BYTES + 1);
    const int rc = credential_renew(client->config, stream->distrust, client->options.call_seconds,
                                    arena, &client->credential, reterr);
    if (rc < 0)
        return rc;
    exchange(&reading, arena, &answer);
    stream->retry_after = answer.retry_after;
    if (reading.header_bytes > HEADER_BYTES_MAX)
        return answer_fail(&names, reterr, ERR_ANSWER, "endless headers");
    if (answer.end == HTTP_STOPPED)
        return 0;
    if (answer.end != HTTP_ANSWERED)
        return answer_missing(&names, &answer, reterr);
    if (is_good(answer.status))
        return 0;
    return answer_refusal(&names, &answer, reading.refusal.data, reading.refusal.length,
                          &stream->status, reterr);
}
