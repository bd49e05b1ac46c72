#include "client/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"
#include "client/answer.h"
#include "client/client_internal.h"
#include "client/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_SECONDS  10
#define CALL_SECONDS     30
#define BROKEN_REPEATS   3
#define FIRST_PAUSE_MS   200
#define BUSY_SECONDS     1
#define PAGE_ITEMS       250L
#define LIST_BEGINNINGS  3
#define BODY_FIRST_BYTES 4096
#define HEADER_BYTES_MAX LIMIT_MIB

/* One call with its repetitions. */
struct call {
    struct answer_call names;
    const char *path; /* with what writes get added */
    const char *content_type;
    const char *accept;
    const cJSON *object;
    bool changes; /* something, so that it must not be done twice */
};

int client_new(const struct kube_config *config, const struct client_options *options,
               struct kube_client **ret_client, struct err *reterr)
{
    struct kube_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    client->config = config;
    if (options != NULL)
        client->options = *options;
    if (client->options.connect_seconds <= 0)
        client->options.connect_seconds = CONNECT_SECONDS;
    if (client->options.call_seconds <= 0)
        client->options.call_seconds = CALL_SECONDS;
    if (client->options.user_agent == NULL)
        client->options.user_agent = "proctor/" PROCTOR_VERSION;
    if (client->options.field_manager == NULL)
        client->options.field_manager = "proctor";
    buf_init(&client->body, NULL, LIMIT_ANSWER_BYTES);
    client->http = http_new(config);
    if (client->http == NULL) {
        free(client);
        return err_set(reterr, ERR_NO_MEMORY, "libcurl cannot be started");
    }
    *ret_client = client;
    return 0;
}

static void wipe_body(struct kube_client *client)
{
    /* It may hold a Secret. */
    if (client->body.capacity > 0)
        explicit_bzero(client->body.data, client->body.length);
    buf_done(&client->body);
}

void client_free(struct kube_client *client)
{
    if (client == NULL)
        return;
    http_free(client->http);
    credential_done(&client->credential);
    warnings_clear(&client->warnings);
    wipe_body(client);
    free(client);
}

const char *const *client_warnings(const struct kube_client *client)
{
    return (const char *const *)client->warnings.texts;
}

const cJSON *client_status(const struct kube_client *client)
{
    return client->status;
}

/* ---- one exchange ----------------------------------------------------------------------- */

/* As buf_add does, but what is moved away from is wiped. */
static void make_room(struct buf *body, size_t count)
{
    const size_t need = body->length + count + 1;
    if (need <= body->capacity || need > body->max_bytes)
        return;
    struct buf larger = *body;
    larger.capacity = need * 2 + BODY_FIRST_BYTES;
    larger.data = malloc(larger.capacity);
    if (larger.data == NULL)
        return;
    memcpy(larger.data, body->data, body->length + 1);
    if (body->capacity > 0)
        explicit_bzero(body->data, body->length);
    buf_done(body);
    *body = larger;
}

static bool keep_body(void *context, const char *bytes, size_t count)
{
    struct kube_client *client = context;
    make_room(&client->body, count);
    buf_add(&client->body, bytes, count);
    client->too_large = client->body.failed;
    return !client->body.failed;
}

static bool keep_header(void *context, const char *line, size_t count)
{
    struct kube_client *client = context;
    client->header_bytes += count;
    /* Each answer begins with its status line: what 100 Continue said is forgotten. */
    if (count > 5 && strncmp(line, "HTTP/", 5) == 0)
        warnings_clear(&client->warnings);
    warnings_read(&client->warnings, line, count);
    return client->header_bytes <= HEADER_BYTES_MAX;
}

static void exchange(struct kube_client *client, const struct call *call, const struct buf *sent,
                     int64_t until_us, struct http_answer *answer)
{
    const long left_ms = (long)((until_us - clock_monotonic_us()) / 1000);
    const long connect_ms = client->options.connect_seconds * 1000;
    wipe_body(client);
    client->header_bytes = 0;
    client->too_large = false;
    warnings_clear(&client->warnings);
    const struct http_call http_call = {
        .method = call->names.method,
        .path = call->path,
        .accept = call->accept,
        .content_type = call->content_type,
        .body = sent->data,
        .body_length = sent->length,
        .user_agent = client->options.user_agent,
        .credential = &client->credential,
        .fresh = call->changes,
        .connect_ms = connect_ms,
        .timeout_ms = left_ms > 0 ? left_ms : 1,
        .sink = keep_body,
        .header = keep_header,
        .context = client,
    };
    http_exchange(client->http, &http_call, call->names.arena, answer);
}

/* ---- repetitions ------------------------------------------------------------------------ */

struct tries {
    int64_t until_us;
    unsigned broken;  /* connections */
    bool asked_again; /* who we are */
    bool distrusts;   /* the credential there is */
};

static void rest(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0)
        ;
}

/* Rests, unless the deadline would pass meanwhile. */
static bool rested(const struct tries *tries, long ms)
{
    if (ms >= (tries->until_us - clock_monotonic_us()) / 1000)
        return false;
    rest(ms);
    return true;
}

static bool connects_again(struct tries *tries, const struct call *call,
                           const struct http_answer *answer)
{
    if (answer->end != HTTP_NOT_CONNECTED && (answer->end != HTTP_DROPPED || call->changes))
        return false;
    if (tries->broken == BROKEN_REPEATS)
        return false;
    return rested(tries, (long)FIRST_PAUSE_MS << tries->broken++);
}

static bool is_worth_repeating(struct kube_client *client, const struct call *call,
                               const struct http_answer *answer, struct tries *tries)
{
    const long pause = answer->retry_after;
    if (answer->end != HTTP_ANSWERED)
        return connects_again(tries, call, answer);
    if (answer->status == 429)
        return rested(tries, 1000 * (pause > 0 ? pause : BUSY_SECONDS));
    if (answer->status >= 500 && pause > 0 && !call->changes)
        return rested(tries, 1000 * pause);
    /* The plugin may know of a newer credential. */
    if (answer->status != 401 || tries->asked_again || !credential_has_plugin(client->config))
        return false;
    tries->asked_again = tries->distrusts = true;
    return true;
}

static int ask(struct kube_client *client, const struct call *call, struct http_answer *answer,
               struct err *reterr)
{
    struct tries tries = {.until_us =
                              clock_monotonic_us() + client->options.call_seconds * 1000000LL};
    struct buf sent;
    buf_init(&sent, call->names.arena, LIMIT_ANSWER_BYTES);
    if (call->object != NULL)
        json_write(&sent, call->object);
    client->status = NULL;
    client->too_large = false;
    do {
        const int64_t before_us = clock_monotonic_us();
        const int rc =
            credential_renew(client->config, tries.distrusts, client->options.call_seconds,
                             call->names.arena, &client->credential, reterr);
        if (rc < 0)
            return rc;
        /* How long a person takes to log in is not the API server's time. */
        tries.until_us += clock_monotonic_us() - before_us;
        tries.distrusts = false;
        exchange(client, call, &sent, tries.until_us, answer);
    } while (is_worth_repeating(client, call, answer, &tries));
    return 0;
}

/* The call up to an answer 2xx whose body stands in client->body. */
static int perform(struct kube_client *client, const struct call *call, struct http_answer *answer,
                   struct err *reterr)
{
    const int rc = ask(client, call, answer, reterr);
    if (rc < 0)
        return rc;
    if (client->too_large)
        return answer_fail(&call->names, reterr, ERR_ANSWER,
                           arena_printf(call->names.arena, "the answer is larger than %lu MiB",
                                        LIMIT_ANSWER_BYTES / LIMIT_MIB));
    if (answer->end == HTTP_STOPPED)
        return answer_fail(&call->names, reterr, ERR_ANSWER, "endless headers");
    if (answer->end != HTTP_ANSWERED)
        return answer_missing(&call->names, answer, reterr);
    if (answer->status >= 200 && answer->status < 300)
        return 0;
    return answer_refusal(&call->names, answer, client->body.data, client->body.length,
                          &client->status, reterr);
}

static int perform_object(struct kube_client *client, const struct call *call, cJSON **ret_object,
                          struct err *reterr)
{
    struct http_answer answer;
    int rc = perform(client, call, &answer, reterr);
    if (rc == 0)
        rc = answer_object(&call->names, &answer, client->body.data, client->body.length,
                           ret_object, reterr);
    wipe_body(client);
    return rc;
}

/* ---- the calls -------------------------------------------------------------------------- */

static struct call new_call(const struct kube_client *client, struct arena *arena,
                            const char *method, const char *path)
{
    return (struct call){
        .names = {.arena = arena, .server = client->config->server, .method = method, .path = path},
        .path = path,
        .accept = "application/json",
    };
}

/* A call that writes; who owns the fields it sets is said, unless the caller has said so. */
static struct call new_write(const struct kube_client *client, struct arena *arena,
                             const char *method, const char *path, const cJSON *object)
{
    struct call call = new_call(client, arena, method, path);
    call.content_type = "application/json";
    call.object = object;
    call.changes = true;
    if (strstr(path, "fieldManager=") == NULL)
        call.path =
            arena_printf(arena, "%s%cfieldManager=%s", path, strchr(path, '?') != NULL ? '&' : '?',
                         client_path(arena, "%s", client->options.field_manager));
    return call;
}

int client_get(struct kube_client *client, struct arena *arena, const char *path,
               cJSON **ret_object, struct err *reterr)
{
    const struct call call = new_call(client, arena, "GET", path);
    return perform_object(client, &call, ret_object, reterr);
}

int client_get_metadata(struct kube_client *client, struct arena *arena, const char *path,
                        cJSON **ret_object, struct err *reterr)
{
    struct call call = new_call(client, arena, "GET", path);
    call.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    return perform_object(client, &call, ret_object, reterr);
}

int client_create(struct kube_client *client, struct arena *arena, const char *path,
                  const cJSON *object, cJSON **ret_object, struct err *reterr)
{
    const struct call call = new_write(client, arena, "POST", path, object);
    return perform_object(client, &call, ret_object, reterr);
}

int client_replace(struct kube_client *client, struct arena *arena, const char *path,
                   const cJSON *object, cJSON **ret_object, struct err *reterr)
{
    const struct call call = new_write(client, arena, "PUT", path, object);
    return perform_object(client, &call, ret_object, reterr);
}

int client_patch(struct kube_client *client, struct arena *arena, const char *path,
                 enum client_patch type, const cJSON *patch, cJSON **ret_object, struct err *reterr)
{
    static const char *const types[] = {
        [CLIENT_PATCH_JSON] = "application/json-patch+json",
        [CLIENT_PATCH_MERGE] = "application/merge-patch+json",
        [CLIENT_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
        [CLIENT_PATCH_APPLY] = "application/apply-patch+yaml", /* JSON is YAML */
    };
    struct call call = new_write(client, arena, "PATCH", path, patch);
    call.content_type = types[type];
    return perform_object(client, &call, ret_object, reterr);
}

int client_delete(struct kube_client *client, struct arena *arena, const char *path,
                  const cJSON *options, cJSON **ret_object, struct err *reterr)
{
    struct call call = new_call(client, arena, "DELETE", path);
    call.content_type = options != NULL ? "application/json" : NULL;
    call.object = options;
    call.changes = true;
    return perform_object(client, &call, ret_object, reterr);
}

int client_get_text(struct kube_client *client, struct arena *arena, const char *path,
                    const char **ret_text, struct err *reterr)
{
    struct http_answer answer;
    struct call call = new_call(client, arena, "GET", path);
    call.accept = "*/*";
    const int rc = perform(client, &call, &answer, reterr);
    if (rc == 0)
        *ret_text = arena_strndup(arena, client->body.data, client->body.length);
    wipe_body(client);
    return rc;
}

/* ---- lists ------------------------------------------------------------------------------ */

struct listing {
    const char *path;
    const char *token; /* where to go on; NULL: at the beginning */
    long limit;
    unsigned beginnings;
    cJSON *items;
};

static const char *page_path(struct arena *arena, const struct listing *listing)
{
    const char *path = arena_printf(arena, "%s%climit=%ld", listing->path,
                                    strchr(listing->path, '?') != NULL ? '&' : '?', listing->limit);
    return listing->token == NULL ? path
                                  : arena_printf(arena, "%s&continue=%s", path,
                                                 client_path(arena, "%s", listing->token));
}

static int take_page(struct listing *listing, const struct call *call, const cJSON *page,
                     struct err *reterr)
{
    cJSON *items = json_get(page, "items");
    const char *kind = json_get_string(page, "kind");
    const size_t length = kind != NULL ? strlen(kind) : 0;
    if (length < 4 || strcmp(kind + length - 4, "List") != 0 ||
        (items != NULL && !json_is_array(items)))
        return answer_fail(&call->names, reterr, ERR_ANSWER, "answers no list");
    while (items != NULL && items->child != NULL) {
        cJSON *item = items->child;
        json_unlink(items, item);
        json_append(listing->items, item);
    }
    const cJSON *metadata = json_get(page, "metadata");
    const char *token = json_get_string(metadata, "continue");
    listing->token = token != NULL && token[0] != '\0' ? token : NULL;
    return 0;
}

/* Whether the error of a page leaves a way on: from the beginning, or in smaller pages. */
static bool goes_on(struct listing *listing, const struct kube_client *client, int rc,
                    struct arena *arena)
{
    if (rc == -ERR_GONE && listing->token != NULL && listing->beginnings < LIST_BEGINNINGS) {
        listing->beginnings++;
        listing->token = NULL;
        listing->items = json_new_array(arena);
        return true;
    }
    if (client->too_large && listing->limit > 1) {
        listing->limit = listing->limit / 8 > 0 ? listing->limit / 8 : 1;
        return true;
    }
    return false;
}

int client_list(struct kube_client *client, struct arena *arena, const char *path,
                cJSON **ret_items, struct err *reterr)
{
    struct listing listing = {
        .path = path, .limit = PAGE_ITEMS, .beginnings = 1, .items = json_new_array(arena)};
    do {
        cJSON *page;
        const struct call call = new_call(client, arena, "GET", page_path(arena, &listing));
        int rc = perform_object(client, &call, &page, reterr);
        if (rc == 0)
            rc = take_page(&listing, &call, page, reterr);
        if (rc < 0 && !goes_on(&listing, client, rc, arena))
            return rc;
        if (rc < 0)
            continue;
        if (listing.token == NULL)
            break;
    } while (true);
    *ret_items = listing.items;
    return 0;
}

/* ---- paths ------------------------------------------------------------------------------ */

static void add_segment(struct buf *path, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    /* "." and ".." would be taken for steps. */
    const bool step = strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL && !(step && *text == '.'))
            buf_add_char(path, *text);
        else
            buf_printf(path, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

const char *client_path(struct arena *arena, const char *format, ...)
{
    struct buf path;
    va_list segments;
    buf_init(&path, arena, LIMIT_MIB);
    va_start(segments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            add_segment(&path, va_arg(segments, const char *));
            at++;
        } else {
            buf_add_char(&path, *at);
        }
    }
    va_end(segments);
    return path.data;
}
