/* Answers that are made while they are sent.
 *
 * MHD asks for bytes (`pull`); if there are none its connection sleeps, and whoever puts some wakes
 * it.  The connection's deadline runs while bytes wait for the client, and stands still while the
 * client waits for bytes: so a slow reader is cut, and a quiet stream is not.
 *
 * Suspending and resuming happen under the flow's lock, so that one never overtakes the other.
 */
#include "recorder/api_internal.h"

#include <string.h>

void api_flow_init(struct api_flow *flow, struct api_call *call, size_t max_bytes, int references)
{
    flow->api = call->api;
    flow->mhd = call->mhd;
    pthread_mutex_init(&flow->lock, NULL);
    atomic_init(&flow->references, references);
    buf_init(&flow->bytes, NULL, max_bytes);
}

void api_flow_unref(struct api_flow *flow)
{
    if (atomic_fetch_sub(&flow->references, 1) > 1)
        return;
    buf_done(&flow->bytes);
    pthread_mutex_destroy(&flow->lock);
    flow->released(flow);
}

/* Under the lock. */
static void wake(struct api_flow *flow)
{
    if (!flow->suspended || flow->gone)
        return;
    flow->suspended = false;
    connection_set_working(connection_of(flow->mhd), false);
    MHD_resume_connection(flow->mhd);
}

bool api_flow_put(struct api_flow *flow, const char *bytes, size_t length, bool last)
{
    pthread_mutex_lock(&flow->lock);
    bool wanted = !flow->gone && !flow->ended;
    if (wanted) {
        buf_add(&flow->bytes, bytes, length);
        wanted = !flow->bytes.failed;
        flow->failed = !wanted;
        flow->ended = last || !wanted;
        if (length > 0 || flow->ended)
            wake(flow);
    }
    pthread_mutex_unlock(&flow->lock);
    return wanted;
}

void api_flow_end(struct api_flow *flow, bool failed)
{
    pthread_mutex_lock(&flow->lock);
    if (!flow->ended)
        flow->failed = failed;
    flow->ended = true;
    wake(flow);
    pthread_mutex_unlock(&flow->lock);
}

/* Under the lock, with nothing to send. */
static ssize_t wait_for_more(struct api_flow *flow)
{
    if (flow->ended || atomic_load(&flow->api->draining) ||
        (flow->pulled && !api_reserve(flow->api, false)))
        return flow->ended && !flow->failed ? MHD_CONTENT_READER_END_OF_STREAM
                                            : MHD_CONTENT_READER_END_WITH_ERROR;
    flow->suspended = true;
    connection_set_working(connection_of(flow->mhd), true);
    MHD_suspend_connection(flow->mhd);
    if (flow->pulled) {
        atomic_fetch_add(&flow->references, 1);
        api_submit(flow->api, &flow->job);
    }
    return 0;
}

static ssize_t pull(void *context, uint64_t position, char *to, size_t most)
{
    struct api_flow *flow = context;
    (void)position;
    pthread_mutex_lock(&flow->lock);
    const size_t left = flow->bytes.failed ? 0 : flow->bytes.length - flow->sent;
    ssize_t count;
    if (left == 0) {
        count = wait_for_more(flow);
    } else {
        const size_t taken = left < most ? left : most;
        memcpy(to, flow->bytes.data + flow->sent, taken);
        flow->sent += taken;
        if (flow->sent == flow->bytes.length) {
            /* A page follows a page at once; a stream is quiet for long. */
            if (flow->pulled)
                buf_clear(&flow->bytes);
            else
                buf_done(&flow->bytes);
            flow->sent = 0;
        }
        connection_set_working(connection_of(flow->mhd), false);
        count = (ssize_t)taken;
    }
    pthread_mutex_unlock(&flow->lock);
    return count;
}

size_t api_flow_waiting(struct api_flow *flow)
{
    pthread_mutex_lock(&flow->lock);
    const size_t bytes = flow->bytes.length - flow->sent;
    pthread_mutex_unlock(&flow->lock);
    return bytes;
}

void api_flow_drop(struct api_flow *flow)
{
    pthread_mutex_lock(&flow->lock);
    flow->gone = true;
    pthread_mutex_unlock(&flow->lock);
    api_flow_unref(flow);
}

static void let_go(void *context)
{
    api_flow_drop(context);
}

struct MHD_Response *api_flow_response(struct api_flow *flow)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, pull, flow, let_go);
    if (response == NULL)
        let_go(flow);
    return response;
}
