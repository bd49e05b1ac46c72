/* What the head of a call alone tells: which row of the table, and whether the rest is worth
 * reading. */
#include "recorder/api_internal.h"

#include <string.h>
#include <strings.h>

/* ---- The path --------------------------------------------------------------------------- */

static bool same_path(const struct api_path *wanted, const struct api_path *got)
{
    if (wanted->count != got->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        if (wanted->items[i][0] == '{'
                ? got->lengths[i] == 0
                : wanted->lengths[i] != got->lengths[i] ||
                      memcmp(wanted->items[i], got->items[i], wanted->lengths[i]) != 0)
            return false;
    }
    return true;
}

/* The row, and which methods its path knows. */
static const struct api_route *find_route(struct api_call *call, const struct api_path *got)
{
    const char *method = call->is_head ? "GET" : call->method;
    const struct api_route *found = NULL;
    struct buf allow;
    buf_init(&allow, &call->arena, 256);
    for (size_t i = 0; i < api_route_count; i++) {
        struct api_path wanted;
        if (!api_path_split(api_routes[i].path, &wanted) || !same_path(&wanted, got))
            continue;
        buf_add_strings(&allow, allow.length > 0 ? ", " : "", api_routes[i].method, NULL);
        if (strcmp(api_routes[i].method, "GET") == 0)
            buf_add_string(&allow, ", HEAD");
        if (strcmp(api_routes[i].method, method) == 0)
            found = &api_routes[i];
    }
    call->allow = allow.length > 0 ? allow.data : NULL;
    return found;
}

/* ---- Media types --------------------------------------------------------------------------- */

/* Whether a media type, its parameters cut off, is that one. */
static bool is_media(const char *text, const char *media)
{
    const size_t length = strlen(media);
    return strncasecmp(text, media, length) == 0 &&
           (text[length] == '\0' || text[length] == ';' || text[length] == ' ');
}

/* q=0, q=0.0 ...: it is not wanted. */
static bool is_refused(const char *range, size_t length)
{
    for (size_t i = 0; i + 2 < length; i++) {
        if ((range[i] == ';' || range[i] == ' ') && (range[i + 1] == 'q' || range[i + 1] == 'Q') &&
            range[i + 2] == '=')
            return strspn(range + i + 3, "0.") >= strcspn(range + i + 3, ",; ");
    }
    return false;
}

/* Whether Accept takes that type: by a range of it, of its kind or of all. */
static bool accepts(const char *accept, const char *media)
{
    const size_t kind = strcspn(media, "/");
    bool taken = false;
    while (*accept != '\0') {
        accept += strspn(accept, " \t,");
        const size_t length = strcspn(accept, ",");
        const size_t name = strcspn(accept, ",; \t");
        const bool exact = name == strlen(media) && strncasecmp(accept, media, name) == 0;
        const bool of_kind = name == kind + 2 && strncasecmp(accept, media, kind) == 0 &&
                             accept[kind] == '/' && accept[kind + 1] == '*';
        const bool any = name == 3 && strncmp(accept, "*/*", 3) == 0;
        if (exact && is_refused(accept, length))
            return false;
        if (exact || ((of_kind || any) && !is_refused(accept, length)))
            taken = true;
        accept += length;
    }
    return taken;
}

static const char *media_of(const struct api_call *call)
{
    if (!(call->route->flags & API_FORMATS))
        return call->media;
    const char *format = strstr(call->uri, "format=csv");
    return format != NULL ? "text/csv" : "application/json";
}

static bool judge_body_head(struct api_call *call)
{
    const bool takes_body = strcmp(call->method, "POST") == 0;
    const bool has_body = call->expected > 0 || call->content_type != NULL;
    if (call->expected > (size_t)call->api->options.body_bytes) {
        api_problem(call, 413, "BodyTooLarge",
                    arena_printf(&call->arena, "The body may have at most %ld bytes.",
                                 call->api->options.body_bytes));
        return false;
    }
    if (takes_body && has_body &&
        (call->content_type == NULL || !is_media(call->content_type, "application/json"))) {
        api_problem(call, 415, "UnsupportedMediaType", "The body must be application/json.");
        return false;
    }
    if (!takes_body && call->expected > 0) {
        api_problem(call, 400, "BadRequest", "This method takes no body.");
        return false;
    }
    return true;
}

bool api_input_head(struct api_call *call)
{
    struct api_path got;
    if (call->uri == NULL || strlen(call->uri) >= API_URI_BYTES) {
        api_problem(call, 414, "UriTooLong", "The path with its parameters is too long.");
        return false;
    }
    if (api_path_split(call->uri, &got))
        call->route = find_route(call, &got);
    if (call->route == NULL && call->allow != NULL) {
        api_problem(call, 405, "MethodNotAllowed",
                    arena_printf(&call->arena, "This path answers to %s.", call->allow));
        return false;
    }
    if (call->route == NULL) {
        api_problem(call, 404, "NotFound", "There is no such path; /openapi.json lists them all.");
        return false;
    }
    call->allow = NULL;
    if (call->too_many) {
        api_problem(call, 400, "BadRequest",
                    "A header that may stand once stands twice, or is too long.");
        return false;
    }
    if (call->route->handler == api_get_stream)
        call->media = "text/event-stream";
    call->media = media_of(call);
    if (call->accept != NULL && *call->accept != '\0' && !accepts(call->accept, call->media)) {
        api_problem(call, 406, "NotAcceptable",
                    arena_printf(&call->arena, "This path answers with %s.",
                                 call->route->flags & API_FORMATS
                                     ? "application/json, or text/csv for format=csv"
                                     : call->media));
        return false;
    }
    return judge_body_head(call);
}
