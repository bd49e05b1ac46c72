/* A letter as a signed POST. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"
#include "client/file.h"
#include "client/kubeconfig_internal.h"
#include "client/say.h"
#include "recorder/api_internal.h"
#include "recorder/notify_internal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define CONNECT_MS     5000L
#define KEY_FILE_BYTES 4096U
#define KEYS_MOST      4U  /* rotation needs two */
#define KEY_BYTES_MIN  16U /* less is guessed */
#define CA_BYTES       LIMIT_MIB
#define ANSWER_BYTES   (64UL * 1024UL) /* nothing of it is used */
#define MAC_BYTES      32U

/* ---- signatures ------------------------------------------------------------------------- */

static int add_signature(struct buf *out, const char *key, const char *text, size_t length,
                         struct err *reterr)
{
    unsigned char mac[MAC_BYTES];
    unsigned bytes = 0;
    if (strlen(key) < KEY_BYTES_MIN)
        return err_set(reterr, ERR_USAGE, "a key is shorter than %u bytes", KEY_BYTES_MIN);
    if (HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, length, mac,
             &bytes) == NULL ||
        bytes != MAC_BYTES)
        return err_set(reterr, ERR_INTERNAL, "HMAC-SHA256 cannot be computed");
    buf_add_string(out, out->length > 0 ? ",v1=" : "v1=");
    for (size_t i = 0; i < MAC_BYTES; i++)
        buf_printf(out, "%02x", (unsigned)mac[i]);
    return 0;
}

int notify_sign(struct arena *arena, char *keys, const char *id, int64_t seconds, const char *body,
                const char **ret_signature, struct err *reterr)
{
    struct buf text, out;
    char *rest = NULL;
    unsigned count = 0;
    buf_init(&text, arena, NOTIFY_BODY_BYTES);
    buf_init(&out, arena, KEY_FILE_BYTES);
    buf_printf(&text, "%s.%lld.", id, (long long)seconds);
    buf_add_string(&text, body);
    for (char *key = strtok_r(keys, "\r\n", &rest); key != NULL;
         key = strtok_r(NULL, "\r\n", &rest)) {
        if (++count > KEYS_MOST)
            return err_set(reterr, ERR_USAGE, "more than %u keys", KEYS_MOST);
        const int rc = add_signature(&out, key, text.data, text.length, reterr);
        if (rc < 0)
            return rc;
    }
    if (count == 0)
        return err_set(reterr, ERR_USAGE, "no key: `openssl rand -hex 32 >FILE` makes one");
    *ret_signature = out.data;
    return 0;
}

/* With the keys of this moment; they are wiped. */
static int sign_now(const struct notify *notify, struct arena *arena, const char *id,
                    int64_t seconds, const char *body, const char **ret_signature,
                    struct err *reterr)
{
    const char *text;
    size_t length;
    int rc = file_read(arena, notify->options.key_file, KEY_FILE_BYTES, &text, &length, reterr);
    if (rc == 0) {
        char *keys = (char *)(uintptr_t)text;
        rc = notify_sign(arena, keys, id, seconds, body, ret_signature, reterr);
        explicit_bzero(keys, length);
    }
    return rc < 0 ? err_wrap(reterr, "%.200s", notify->options.key_file) : 0;
}

/* ---- the address ------------------------------------------------------------------------ */

static int read_url(struct notify *notify, struct err *reterr)
{
    const char *url = notify->options.url;
    const char *from = strstr(url, "://");
    if (from == NULL || !say_fits_header(url) || strpbrk(url, " #") != NULL)
        return err_set(reterr, ERR_USAGE,
                       "the webhook's address is none: write https://HOST[:PORT]/PATH");
    const char *path = from + 3 + strcspn(from + 3, "/?");
    notify->address.server = arena_strndup(&notify->arena, url, (size_t)(path - url));
    notify->address.origin = "the webhook";
    notify->path = arena_printf(&notify->arena, "%s%s", *path == '/' ? "" : "/", path);
    const char *wrong = kubeconfig_check_server(notify->address.server);
    if (wrong != NULL)
        return err_set(reterr, ERR_USAGE, "the webhook's address %s", wrong);
    return 0;
}

static int read_ca(struct notify *notify, struct err *reterr)
{
    size_t length;
    if (notify->options.ca_file == NULL)
        return 0;
    const int rc = file_read(&notify->arena, notify->options.ca_file, CA_BYTES,
                             &notify->address.ca_pem, &length, reterr);
    if (rc < 0)
        return err_wrap(reterr, "%.200s", notify->options.ca_file);
    if (strstr(notify->address.ca_pem, "-----BEGIN CERTIFICATE-----") == NULL)
        return err_set(reterr, ERR_CERT, "%.200s: no certificate in it", notify->options.ca_file);
    return 0;
}

int notify_webhook_open(struct notify *notify, struct notify_sink *sink, struct err *reterr)
{
    const char *ignored;
    if (notify->options.key_file == NULL)
        return err_set(reterr, ERR_USAGE, "a webhook needs a file of keys to sign with");
    int rc = read_url(notify, reterr);
    if (rc == 0)
        rc = read_ca(notify, reterr);
    if (rc == 0)
        rc = sign_now(notify, &notify->arena, "0", 0, "", &ignored, reterr);
    if (rc < 0)
        return rc;
    sink->http = http_new(&notify->address);
    return sink->http != NULL ? 0 : err_set(reterr, ERR_NO_MEMORY, "libcurl cannot be started");
}

/* ---- one try ---------------------------------------------------------------------------- */

struct exchange {
    struct notify *notify;
    size_t got;
};

static bool take_body(void *context, const char *bytes, size_t count)
{
    struct exchange *exchange = context;
    (void)bytes;
    exchange->got += count;
    return exchange->got <= ANSWER_BYTES;
}

static bool take_header(void *context, const char *line, size_t count)
{
    return take_body(context, line, count);
}

static bool goes_on(void *context)
{
    const struct exchange *exchange = context;
    return !atomic_load(&exchange->notify->stop);
}

/* NULL: there is nothing to tell (any more). */
static const char *write_body(const struct notify *notify, struct arena *arena,
                              const struct store_letter *letter, struct err *reterr, int *ret_rc)
{
    struct store_project_row project = {.name = NULL};
    struct buf body;
    *ret_rc = 0;
    if (letter->body != NULL || letter->event.id == 0)
        return letter->body;
    if (letter->event.project != 0)
        *ret_rc = store_project_get(notify->options.store, arena, letter->event.project, &project,
                                    reterr);
    if (*ret_rc < 0)
        return NULL;
    buf_init(&body, arena, NOTIFY_BODY_BYTES);
    api_write_event(arena, &body, project.name, &letter->event);
    return body.data;
}

static enum notify_outcome judge(const struct notify *notify, struct arena *arena,
                                 const struct http_answer *answer, struct err *reterr)
{
    const char *server = notify->address.server;
    /* The status line is the receiver's word, whatever becomes of the rest. */
    if (answer->status >= 200 && answer->status < 300)
        return NOTIFY_DELIVERED;
    if (answer->status >= 300 && answer->status < 400)
        say_fail(arena, reterr, ERR_ANSWER, "%s redirects (%ld), which is not followed", server,
                 answer->status);
    else if (answer->status > 0)
        say_fail(arena, reterr, ERR_ANSWER, "%s answers %ld", server, answer->status);
    else
        say_fail(arena, reterr, ERR_UNREACHABLE, "%s: %s", server,
                 answer->words != NULL ? answer->words : "no answer");
    return answer->status > 0 ? NOTIFY_AGAIN : NOTIFY_SILENT;
}

static enum notify_outcome post(struct notify_sink *sink, struct arena *arena, const char *id,
                                const char *body, struct err *reterr)
{
    struct notify *notify = sink->notify;
    struct exchange exchange = {.notify = notify};
    const struct credential nobody = {.token = NULL};
    const int64_t seconds = clock_unix();
    struct http_answer answer;
    const char *signature = "";
    if (sign_now(notify, arena, id, seconds, body, &signature, reterr) < 0)
        return NOTIFY_SILENT;
    const char *const headers[] = {
        arena_printf(arena, "Proctor-Delivery: %s", id),
        arena_printf(arena, "Proctor-Timestamp: %lld", (long long)seconds),
        arena_printf(arena, "Proctor-Signature: %s", signature),
        NULL,
    };
    const struct http_call call = {
        .method = "POST",
        .path = notify->path,
        .accept = "*/*",
        .content_type = "application/json",
        .body = body,
        .body_length = strlen(body),
        .user_agent = "proctor-recorder/" PROCTOR_VERSION,
        .headers = headers,
        .credential = &nobody,
        .fresh = true, /* or libcurl would send it twice where a kept connection died */
        .connect_ms = CONNECT_MS,
        .timeout_ms = notify->options.call_ms,
        .sink = take_body,
        .header = take_header,
        .tick = goes_on,
        .context = &exchange,
    };
    http_exchange(sink->http, &call, arena, &answer);
    return judge(notify, arena, &answer, reterr);
}

enum notify_outcome notify_webhook_deliver(struct notify_sink *sink, struct arena *arena,
                                           const struct store_letter *letter, struct err *reterr)
{
    int rc;
    const char *body = write_body(sink->notify, arena, letter, reterr, &rc);
    if (rc < 0)
        return NOTIFY_AGAIN;
    if (body == NULL)
        return NOTIFY_DELIVERED;
    return post(sink, arena, notify_letter_name(arena, letter), body, reterr);
}
