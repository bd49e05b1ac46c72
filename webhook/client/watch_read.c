#include "client/watch_internal.h"

#include "base/limits.h"
#include "client/say.h"

#include <string.h>

#define NAME_BYTES    512
#define KEPT_BYTES    LIMIT_MIB
#define MESSAGE_SHOWN 300

static const struct json_limits limits = {LIMIT_ANSWER_DEPTH, LIMIT_ANSWER_NODES};

bool watch_tell(struct watch *watch, enum watch_event event, const cJSON *object, bool gap)
{
    watch->ended_by = watch->handler(watch->context, event, object, gap);
    if (watch->ended_by != 0)
        watch->ended = true;
    return !watch->ended;
}

void watch_clear_text(struct watch *watch)
{
    if (watch->text.capacity <= KEPT_BYTES && !watch->text.failed) {
        buf_clear(&watch->text);
        return;
    }
    buf_done(&watch->text);
    buf_init(&watch->text, NULL, LIMIT_ANSWER_BYTES);
}

cJSON *watch_version_object(struct watch *watch)
{
    cJSON *object = json_new_object(&watch->event), *metadata = json_new_object(&watch->event);
    json_add(&watch->event, object, "metadata", metadata);
    json_add(&watch->event, metadata, "resourceVersion",
             json_new_string(&watch->event, watch->version));
    return object;
}

static bool break_off(struct watch *watch, const char *words)
{
    watch->broken = true;
    err_set(&watch->why, ERR_ANSWER, "%s", words);
    return false;
}

/* NULL: none that one could go on from. */
static const char *version_of(const cJSON *object)
{
    const char *version = json_string(json_path(object, "metadata", "resourceVersion", NULL));
    const size_t length = version != NULL ? strlen(version) : 0;
    return length > 0 && length < WATCH_VERSION_BYTES ? version : NULL;
}

static void keep_version(struct watch *watch, const char *version)
{
    if (version == NULL || strcmp(watch->version, version) == 0)
        return;
    memcpy(watch->version, version, strlen(version) + 1);
    watch->moved = true;
}

/* ---- what cannot be read ---------------------------------------------------------------- */

static void copy_text(struct arena *arena, struct skim from, cJSON *to, const char *key)
{
    struct skim value;
    if (!skim_member(from, key, &value) || value.length > NAME_BYTES)
        return;
    cJSON *text = skim_parse(arena, value);
    if (json_is_string(text))
        json_add(arena, to, key, text);
}

/* Its name, without reading the rest. */
static bool tell_unreadable(struct watch *watch, const char *type, struct skim object,
                            const char *why, bool gap)
{
    static const char *const keys[] = {"name", "namespace", "uid", "resourceVersion"};
    struct arena *arena = &watch->event;
    struct skim metadata;
    arena_reset(arena, KEPT_BYTES);
    cJSON *told = json_new_object(arena), *names = json_new_object(arena);
    json_add(arena, told, "type", json_new_string(arena, type));
    json_add(arena, told, "message", json_new_string(arena, why));
    json_add(arena, told, "metadata", names);
    if (skim_member(object, "metadata", &metadata))
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            copy_text(arena, metadata, names, keys[i]);
    if (!watch_tell(watch, WATCH_UNREADABLE, told, gap))
        return false;
    /* Without a version of its own the next event's is the one to go on from. */
    if (strcmp(type, "LISTED") != 0)
        keep_version(watch, version_of(told));
    return true;
}

/* ---- reading within the arena's bounds -------------------------------------------------- */

struct parsing {
    struct watch *watch;
    const char *text;
    size_t length;
    cJSON *root;
    struct err *err;
    int rc;
};

static void run_parsing(void *context)
{
    struct parsing *parsing = context;
    parsing->rc = json_parse(&parsing->watch->event, parsing->text, parsing->length, &limits,
                             &parsing->root, parsing->err);
}

/* text[length] must be NUL.  NULL, and why. */
static cJSON *parse(struct watch *watch, const char *text, size_t length, struct err *why)
{
    struct parsing parsing = {.watch = watch, .text = text, .length = length, .err = why};
    arena_reset(&watch->event, KEPT_BYTES);
    if (!arena_try(&watch->event, run_parsing, &parsing)) {
        err_set(why, ERR_LIMIT, "takes more than %zu MiB to read",
                watch->event.cap_bytes / LIMIT_MIB);
        return NULL;
    }
    return parsing.rc == 0 ? parsing.root : NULL;
}

/* ---- events ----------------------------------------------------------------------------- */

static bool is_ahead(const cJSON *status)
{
    const cJSON *causes = json_path(status, "details", "causes", NULL);
    for (const cJSON *cause = json_is_array(causes) ? causes->child : NULL; cause != NULL;
         cause = cause->next) {
        const char *reason = json_get_string(cause, "reason");
        if (reason != NULL && strcmp(reason, "ResourceVersionTooLarge") == 0)
            return true;
    }
    return false;
}

bool watch_is_expired(const cJSON *status)
{
    const char *reason = json_get_string(status, "reason");
    int64_t code;
    return (json_int64(json_get(status, "code"), &code) && code == 410) || is_ahead(status) ||
           (reason != NULL && (strcmp(reason, "Expired") == 0 || strcmp(reason, "Gone") == 0));
}

static bool take_error(struct watch *watch, const cJSON *status)
{
    const char *message = json_get_string(status, "message");
    watch->expired = watch_is_expired(status);
    return break_off(
        watch, arena_printf(&watch->event, "the API server ends the stream: %s",
                            say_visible(&watch->event, message != NULL ? message : "without a word",
                                        MESSAGE_SHOWN)));
}

/* Versions are numbers that grow (KEP-5504); what is none is not compared. */
static bool is_before(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    if (a[strspn(a, digits)] != '\0' || b[strspn(b, digits)] != '\0')
        return false;
    const size_t of_a = strlen(a), of_b = strlen(b);
    return of_a != of_b ? of_a < of_b : strcmp(a, b) < 0;
}

static int event_of(const char *type)
{
    static const enum watch_event events[] = {WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED,
                                              WATCH_BOOKMARK};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(type, watch_event_name(events[i])) == 0)
            return (int)events[i];
    return -1;
}

static bool take_event(struct watch *watch, const char *type, const cJSON *object)
{
    if (strcmp(type, "ERROR") == 0)
        return take_error(watch, object);
    const int event = event_of(type);
    if (event < 0)
        return break_off(watch, arena_printf(&watch->event, "an event of an unknown type: %s",
                                             say_visible(&watch->event, type, 40)));
    const char *version = version_of(object);
    if (event == WATCH_BOOKMARK && version != NULL && is_before(version, watch->version)) {
        watch->expired = true;
        return break_off(watch, "the API server has gone back behind a version that it showed");
    }
    if (version == NULL)
        return break_off(watch, "an event without a resourceVersion to go on from");
    if (!watch_tell(watch, (enum watch_event)event, object, false))
        return false;
    keep_version(watch, version);
    return true;
}

/* A line that base/json refuses, or of which only the beginning is there. */
static bool take_bad_line(struct watch *watch, const char *why)
{
    const struct skim line = {.text = watch->text.data, .length = watch->text.length};
    struct skim type, object;
    arena_reset(&watch->event, KEPT_BYTES);
    const cJSON *name = skim_member(line, "type", &type) && type.length < 40
                            ? skim_parse(&watch->event, type)
                            : NULL;
    if (json_is_string(name) && skim_member(line, "object", &object)) {
        char kept[40];
        const int event = event_of(name->valuestring);
        memcpy(kept, name->valuestring, strlen(name->valuestring) + 1);
        if (event >= 0)
            return tell_unreadable(watch, kept, object, why, false);
    }
    return break_off(watch, arena_printf(&watch->event, "what comes is no event: %s: %s", why,
                                         say_visible(&watch->event, watch->text.data, 80)));
}

static bool take_line(struct watch *watch)
{
    struct err why;
    if (strspn(watch->text.data, " \t\r") == watch->text.length)
        return true;
    const cJSON *root = parse(watch, watch->text.data, watch->text.length, &why);
    if (root == NULL)
        return take_bad_line(watch, why.text);
    const char *type = json_get_string(root, "type");
    const cJSON *object = json_get(root, "object");
    if (type == NULL || !json_is_object(object))
        return take_bad_line(watch, "neither type nor object");
    return take_event(watch, type, object);
}

/* A line is at most LIMIT_ANSWER_BYTES; of a longer one the beginning has the name. */
static bool add_to_line(struct watch *watch, const char *bytes, size_t count)
{
    if (watch->skips)
        return true;
    if (watch->text.length + count < LIMIT_ANSWER_BYTES) {
        buf_add(&watch->text, bytes, count);
        if (!watch->text.failed)
            return true;
    }
    watch->skips = true;
    const bool goes_on = take_bad_line(watch, "is too large");
    watch_clear_text(watch);
    return goes_on;
}

bool watch_take_events(struct watch *watch, const char *bytes, size_t count)
{
    while (count > 0) {
        const char *end = memchr(bytes, '\n', count);
        const size_t part = end != NULL ? (size_t)(end - bytes) : count;
        if (!add_to_line(watch, bytes, part))
            return false;
        if (end == NULL)
            return true;
        if (!watch->skips && !take_line(watch))
            return false;
        watch->skips = false;
        watch_clear_text(watch);
        bytes += part + 1;
        count -= part + 1;
    }
    return true;
}

/* ---- lists ------------------------------------------------------------------------------ */

struct page {
    const char *item_kind, *api_version;
    struct skim items;
    bool has_items;
};

static int no_list(struct err *reterr)
{
    return err_set(reterr, ERR_ANSWER, "answers no list");
}

/* The list's own members, not what is in it. */
static int read_envelope(struct watch *watch, struct page *page, cJSON **ret_metadata,
                         struct err *reterr)
{
    const struct skim whole = {.text = watch->text.data, .length = watch->text.length};
    struct skim kind, version, metadata;
    if (!skim_is_whole(whole) || !skim_member(whole, "kind", &kind) || kind.length > NAME_BYTES ||
        !skim_member(whole, "apiVersion", &version) || version.length > NAME_BYTES ||
        !skim_member(whole, "metadata", &metadata) || metadata.length > LIMIT_MIB)
        return no_list(reterr);
    const char *name = json_string(skim_parse(&watch->call, kind));
    const size_t length = name != NULL ? strlen(name) : 0;
    page->api_version = json_string(skim_parse(&watch->call, version));
    *ret_metadata = skim_parse(&watch->call, metadata);
    page->has_items = skim_member(whole, "items", &page->items) && page->items.text[0] == '[';
    if (length < 5 || strcmp(name + length - 4, "List") != 0 || page->api_version == NULL ||
        !json_is_object(*ret_metadata))
        return no_list(reterr);
    page->item_kind = arena_strndup(&watch->call, name, length - 4);
    return 0;
}

/* As in a watch's events; the items of a list come without. */
static void name_kind(struct watch *watch, const struct page *page, cJSON *item)
{
    if (json_find(item, "kind") == NULL)
        json_add(&watch->event, item, "kind", json_new_string(&watch->event, page->item_kind));
    if (json_find(item, "apiVersion") == NULL)
        json_add(&watch->event, item, "apiVersion",
                 json_new_string(&watch->event, page->api_version));
}

static bool take_item(struct watch *watch, const struct page *page, struct skim text)
{
    struct err why;
    /* json_parse wants a NUL behind it: the comma or bracket there is put back. */
    char *behind = watch->text.data + (text.text - watch->text.data) + text.length;
    const char kept = *behind;
    *behind = '\0';
    cJSON *item = parse(watch, text.text, text.length, &why);
    *behind = kept;
    if (item == NULL || !json_is_object(item))
        return tell_unreadable(watch, watch_event_name(WATCH_LISTED), text,
                               item == NULL ? why.text : "is no object", watch->gap);
    name_kind(watch, page, item);
    return watch_tell(watch, WATCH_LISTED, item, watch->gap);
}

int watch_take_page(struct watch *watch, bool first, const char **ret_token, struct err *reterr)
{
    struct page page;
    struct skim item;
    cJSON *metadata = NULL;
    const int rc = read_envelope(watch, &page, &metadata, reterr);
    if (rc < 0)
        return rc;
    const char *version = json_get_string(metadata, "resourceVersion");
    if (version == NULL || version[0] == '\0' || strlen(version) >= WATCH_VERSION_BYTES)
        return err_set(reterr, ERR_ANSWER, "answers a list without a resourceVersion");
    if (first && !watch_tell(watch, WATCH_LIST_BEGINS, NULL, watch->gap))
        return 0;
    while (page.has_items && skim_element(&page.items, &item))
        if (!take_item(watch, &page, item))
            return 0;
    const char *token = json_get_string(metadata, "continue");
    *ret_token = token != NULL && token[0] != '\0' ? token : NULL;
    if (*ret_token == NULL)
        memcpy(watch->version, version, strlen(version) + 1);
    return 0;
}
