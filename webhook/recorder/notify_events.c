/* A letter as a Kubernetes Event on the Deployment, which `kubectl describe` shows. */
#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "recorder/notify_internal.h"

#include <ctype.h>
#include <string.h>

#define COMPONENT "proctor-recorder"

/* The API server's limits (core/v1 validation). */
#define MESSAGE_BYTES 1024U
#define REASON_BYTES  128U
#define NAME_BYTES    253U
#define OWN_BYTES     64U /* of the name: what no other letter has */

#define CONNECT_SECONDS 5L
#define CALL_SECONDS    10L

int notify_events_open(struct notify *notify, struct notify_sink *sink, struct err *reterr)
{
    const struct client_options options = {.connect_seconds = CONNECT_SECONDS,
                                           .call_seconds = CALL_SECONDS,
                                           .field_manager = COMPONENT};
    return client_new(notify->options.kube, &options, &sink->client, reterr);
}

/* ---- the object ------------------------------------------------------------------------- */

/* deployment_failed -> DeploymentFailed */
static const char *write_reason(struct arena *arena, const char *type)
{
    struct buf reason;
    bool begins = true;
    buf_init(&reason, arena, REASON_BYTES);
    for (; type != NULL && *type != '\0' && reason.length + 2 < REASON_BYTES; type++) {
        if (isalnum((unsigned char)*type))
            buf_add_char(&reason, begins ? (char)toupper((unsigned char)*type) : *type);
        begins = !isalnum((unsigned char)*type);
    }
    return reason.length > 0 ? reason.data : "Told";
}

static bool ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), bytes = strlen(end);
    return length >= bytes && strcmp(text + length - bytes, end) == 0;
}

static bool is_warning(const char *type)
{
    static const char *const ends[] = {"_failed",    "_failure", "_exceeded",  "_error",
                                       "_persisted", "_refused", "crash_loop", "gap",
                                       "tag_moved",  "hold_set", NULL};
    for (const char *const *end = ends; *end != NULL; end++)
        if (ends_in(type, *end))
            return true;
    return false;
}

static const char *write_message(struct arena *arena, const struct store_event *event,
                                 const struct revision *revision)
{
    const char *text = event->message != NULL && event->message[0] != '\0' ? event->message
                       : event->type != NULL                               ? event->type
                                                                           : "";
    struct buf shown;
    buf_init(&shown, arena, 8 * MESSAGE_BYTES);
    if (revision != NULL && revision->seq > 0)
        buf_printf(&shown, "version %lld: ", (long long)revision->seq);
    buf_add_visible(&shown, text, MESSAGE_BYTES);
    size_t length = shown.length;
    if (length > MESSAGE_BYTES)
        /* Not within a character. */
        for (length = MESSAGE_BYTES; ((unsigned char)shown.data[length] & 0xc0) == 0x80;)
            length--;
    return arena_strndup(arena, shown.data, length);
}

/* The project's name, as far as it fits, and what no other letter has. */
static const char *write_name(struct arena *arena, const struct store_letter *letter,
                              const char *project)
{
    size_t length = strlen(project);
    if (length > NAME_BYTES - OWN_BYTES)
        length = NAME_BYTES - OWN_BYTES;
    while (length > 0 && !isalnum((unsigned char)project[length - 1]))
        length--;
    return arena_printf(arena, "%.*s.%s", (int)length, project, notify_letter_name(arena, letter));
}

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    json_add(arena, object, key, json_new_string(arena, text));
}

cJSON *notify_events_write(struct arena *arena, const struct store_letter *letter,
                           const struct store_project_row *project, const struct revision *revision)
{
    const struct store_event *event = &letter->event;
    const char *type = event->type != NULL ? event->type : "";
    char at[CLOCK_TEXT_BYTES];
    cJSON *object = json_new_object(arena), *metadata = json_new_object(arena);
    cJSON *involved = json_new_object(arena), *source = json_new_object(arena);
    clock_format_seconds(event->at / 1000000, at);
    add_text(arena, object, "apiVersion", "v1");
    add_text(arena, object, "kind", "Event");
    json_add(arena, object, "metadata", metadata);
    add_text(arena, metadata, "name", write_name(arena, letter, project->name));
    add_text(arena, metadata, "namespace", project->namespace_);
    json_add(arena, object, "involvedObject", involved);
    add_text(arena, involved, "apiVersion", "apps/v1");
    add_text(arena, involved, "kind", "Deployment");
    add_text(arena, involved, "name", project->name);
    add_text(arena, involved, "namespace", project->namespace_);
    if (revision != NULL && revision->uid != NULL)
        add_text(arena, involved, "uid", revision->uid);
    add_text(arena, object, "reason", write_reason(arena, type));
    add_text(arena, object, "message", write_message(arena, event, revision));
    add_text(arena, object, "type", is_warning(type) ? "Warning" : "Normal");
    json_add(arena, object, "source", source);
    add_text(arena, source, "component", COMPONENT);
    add_text(arena, object, "reportingComponent", COMPONENT);
    add_text(arena, object, "firstTimestamp", at);
    add_text(arena, object, "lastTimestamp", at);
    json_add(arena, object, "count", json_new_int(arena, 1));
    return object;
}

/* ---- one try ---------------------------------------------------------------------------- */

/* The revision that the event is of, else the project's newest: its Deployment's uid. */
static int find_revision(struct store *store, struct arena *arena, const struct store_event *event,
                         struct revision **ret_revision, struct err *reterr)
{
    const struct store_query newest = {
        .project = event->project, .status = -1, .good = -1, .limit = 1};
    struct revision *rows;
    size_t count;
    if (event->revision != 0) {
        struct revision *row = arena_alloc(arena, sizeof *row);
        const int rc = store_revision(store, arena, event->revision, row, reterr);
        if (rc == 0)
            *ret_revision = row;
        return rc == -ERR_NOT_FOUND ? 0 : rc;
    }
    const int rc = store_revisions(store, arena, &newest, &rows, &count, reterr);
    if (rc == 0 && count > 0) {
        rows[0].seq = 0; /* it says nothing of that version */
        *ret_revision = &rows[0];
    }
    return rc;
}

static enum notify_outcome judge(int rc)
{
    switch (-rc) {
    case ERR_NONE:
    case ERR_CONFLICT: /* this letter's Event is there: an earlier try got through */
        return NOTIFY_DELIVERED;
    case ERR_REFUSED:
    case ERR_NOT_FOUND: /* the namespace is gone */
        return NOTIFY_HOPELESS;
    case ERR_UNREACHABLE:
    case ERR_KUBECONFIG:
    case ERR_UNAUTHORIZED:
        return NOTIFY_SILENT;
    default:
        return NOTIFY_AGAIN;
    }
}

enum notify_outcome notify_events_deliver(struct notify_sink *sink, struct arena *arena,
                                          const struct store_letter *letter, struct err *reterr)
{
    struct store *store = sink->notify->options.store;
    struct store_project_row project;
    struct revision *revision = NULL;
    cJSON *made;
    /* An Event is of a Deployment. */
    if (letter->event.id == 0 || letter->event.project == 0)
        return NOTIFY_DELIVERED;
    int rc = store_project_get(store, arena, letter->event.project, &project, reterr);
    if (rc == -ERR_NOT_FOUND)
        return NOTIFY_DELIVERED;
    if (rc == 0)
        rc = find_revision(store, arena, &letter->event, &revision, reterr);
    if (rc < 0)
        return NOTIFY_AGAIN;
    const char *path = client_path(arena, "/api/v1/namespaces/%s/events", project.namespace_);
    const cJSON *event = notify_events_write(arena, letter, &project, revision);
    return judge(client_create(sink->client, arena, path, event, &made, reterr));
}
