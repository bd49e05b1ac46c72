/* Why a version ended as it did, on one page: also when its pods are long gone. */
#include "base/clock.h"
#include "recorder/api_internal.h"

#include <string.h>

static void add_summary(struct api_call *call, const char *image)
{
    const struct revision *revision = &call->revision;
    struct buf text;
    buf_init(&text, call->scratch, 16384);
    buf_printf(&text, "Version %lld of %s", (long long)revision->seq, call->project.name);
    if (image != NULL)
        buf_add_strings(&text, " (", image, ")", NULL);
    buf_add_strings(&text, ": ", revision_status_name(revision->status), NULL);
    if (!revision_ended(revision->status))
        buf_printf(&text, ", %d%%", revision->progress);
    if (revision->reason != NULL)
        buf_add_strings(&text, ", ", revision->reason, NULL);
    if (revision->message != NULL)
        buf_add_strings(&text, ": ", revision->message, NULL);
    api_add_text(&call->out, "summary", text.failed ? "" : text.data);
}

static void add_kubernetes_event(struct api_call *call, const struct store_event *event,
                                 size_t index)
{
    struct buf *out = &call->out;
    struct err ignored;
    cJSON *details = NULL;
    int64_t count = 1;
    char at[CLOCK_TEXT_BYTES];
    if (event->details != NULL && json_parse(call->scratch, event->details, strlen(event->details),
                                             &json_limits_review, &details, &ignored) != 0)
        details = NULL;
    const cJSON *number = json_get(details, "count");
    if (json_is_number(number) && !json_int64(number, &count))
        count = 1;
    api_begin_item(call, index);
    buf_add_strings(out, "{\"at\":\"", clock_format(event->at, at), "\"", NULL);
    api_add_text(out, "type", json_get_string(details, "type"));
    api_add_text(out, "reason", json_get_string(details, "reason"));
    api_add_text(out, "object",
                 json_get_string(details, "object") != NULL ? json_get_string(details, "object")
                                                            : event->service);
    api_add_text(out, "message", event->message);
    api_add_number(out, "count", count);
    buf_add_char(out, '}');
}

static int write_evidence_events(struct api_call *call, bool kubernetes)
{
    struct store_event_query query = {.revision = call->id, .limit = STORE_PAGE_ROWS};
    struct store_event *rows;
    size_t count, written = 0;
    const int r =
        store_events(call->api->options.store, call->scratch, &query, &rows, &count, &call->err);
    buf_add_string(&call->out, kubernetes ? ",\"kubernetesEvents\":[" : ",\"events\":[");
    for (size_t i = 0; r == 0 && i < count; i++) {
        if ((strcmp(rows[i].type, STORE_KUBERNETES_EVENT) == 0) != kubernetes)
            continue;
        if (kubernetes) {
            add_kubernetes_event(call, &rows[i], written++);
        } else {
            api_begin_item(call, written++);
            api_write_event(call->scratch, &call->out, call->project.name, &rows[i]);
        }
    }
    buf_add_char(&call->out, ']');
    return r;
}

static int write_evidence(struct api_call *call, void *context)
{
    const char *image, *list;
    buf_add_string(&call->out, "{\"deployment\":");
    int r = api_write_call_deployment(call);
    if (r == 0)
        r = api_images(call->api, call->scratch, call->revision.template_sha, &image, &list,
                       &call->err);
    if (r != 0)
        return r;
    add_summary(call, image);
    buf_add_string(&call->out, ",\"instances\":[");
    r = api_write_instances(call, context);
    buf_add_char(&call->out, ']');
    if (r == 0)
        r = write_evidence_events(call, false);
    if (r == 0)
        r = write_evidence_events(call, true);
    buf_add_string(&call->out, "}\n");
    return r;
}

void api_get_evidence(struct api_call *call)
{
    const int r = api_in_scratch(call, write_evidence, NULL);
    if (r != 0)
        api_fail(call, r);
}
