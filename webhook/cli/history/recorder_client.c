#include "cli/history/recorder_client.h"

#include "base/limits.h"
#include "base/version.h"
#include "client/client.h"
#include "client/file.h"
#include "client/http.h"
#include "client/pem.h"
#include "client/say.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PROXY_PATH         "/api/v1/namespaces/%s/services/https:proctor-recorder:api/proxy"
#define CONNECT_MS         10000L
#define CALL_MS            60000L
#define CREDENTIAL_SECONDS 60L
#define TRIES              3
#define FIRST_PAUSE_MS     200L
#define RETRY_AFTER_MAX    10L
#define KEY_BYTES          16
#define HEADERS_MAX        5
#define SHOWN              160
#define MESSAGE_SHOWN      350

static const struct json_limits limits = {LIMIT_ANSWER_DEPTH, LIMIT_ANSWER_NODES};

struct recorder {
    struct arena *arena;
    struct kube_config config; /* the server is the recorder, or the API server */
    const char *prefix;        /* the proxy's path; "" without it */
    struct http *http;
    struct credential credential;
    const cJSON *problem;
};

/* ---- where it is ------------------------------------------------------------------------ */

static const char *or_environment(const char *flag, const char *name)
{
    const char *value = flag != NULL ? flag : getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int use_server(struct recorder *recorder, const char *server, struct err *reterr)
{
    size_t length = strlen(server);
    while (length > 0 && server[length - 1] == '/')
        length--;
    if (strncmp(server, "https://", 8) != 0 || length <= 8 || !say_fits_header(server) ||
        strpbrk(server, " ?#@") != NULL)
        return say_fail(recorder->arena, reterr, ERR_USAGE,
                        "--server %s: not an address like https://recorder.example.edu:8443",
                        say_visible(recorder->arena, server, SHOWN));
    recorder->config.server = arena_strndup(recorder->arena, server, length);
    recorder->config.ca_pem = NULL;
    recorder->config.tls_server_name = NULL;
    recorder->config.proxy_url = NULL;
    recorder->config.insecure = false;
    recorder->prefix = "";
    return 0;
}

static int use_ca(struct recorder *recorder, const char *path, struct err *reterr)
{
    size_t length;
    const char *shown = say_visible(recorder->arena, path, SHOWN);
    int r = file_read(recorder->arena, path, LIMIT_KUBECONFIG_BYTES, &recorder->config.ca_pem,
                      &length, reterr);
    if (r < 0)
        return err_wrap(reterr, "--server-ca %s", shown);
    if (pem_check_certs(recorder->config.ca_pem, reterr) < 0) {
        reterr->code = ERR_CERT;
        err_wrap(reterr, "--server-ca %s", shown);
        return -ERR_CERT;
    }
    return 0;
}

static int find_server(struct recorder *recorder, const struct recorder_choice *choice,
                       struct err *reterr)
{
    const char *server = or_environment(choice->server, "PROCTOR_SERVER");
    const char *ca = or_environment(choice->server_ca, "PROCTOR_SERVER_CA");
    if (recorder->config.as_user != NULL)
        return err_set(reterr, ERR_USAGE,
                       "%s acts as somebody else, which the recorder does not know: it answers "
                       "to who one is",
                       recorder->config.origin);
    if (server == NULL) {
        recorder->prefix = client_path(recorder->arena, PROXY_PATH, choice->space);
        return 0;
    }
    const int r = use_server(recorder, server, reterr);
    return r < 0 || ca == NULL ? r : use_ca(recorder, ca, reterr);
}

int recorder_open(struct arena *arena, const struct recorder_choice *choice,
                  struct recorder **ret_recorder, struct err *reterr)
{
    const struct kubeconfig_choice kube = {.path = choice->kubeconfig, .context = choice->context};
    const struct kube_config *config;
    int r = kubeconfig_load(arena, &kube, &config, reterr);
    if (r < 0)
        return r;
    struct recorder *recorder = arena_alloc(arena, sizeof *recorder);
    recorder->arena = arena;
    recorder->config = *config;
    r = find_server(recorder, choice, reterr);
    if (r < 0)
        return r;
    recorder->http = http_new(&recorder->config);
    if (recorder->http == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "libcurl cannot be started");
    *ret_recorder = recorder;
    return 0;
}

void recorder_close(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    http_free(recorder->http);
    credential_done(&recorder->credential);
}

const cJSON *recorder_problem(const struct recorder *recorder)
{
    return recorder->problem;
}

static bool is_proxied(const struct recorder *recorder)
{
    return recorder->prefix[0] != '\0';
}

/* ---- one exchange ----------------------------------------------------------------------- */

struct exchange {
    struct recorder *recorder;
    const struct recorder_call *call;
    const struct recorder_stream *stream; /* NULL: the whole answer is kept */
    const char *key;                      /* of all tries */
    struct buf sent, body;
    long status;
    struct http_answer answer;
};

static int fail(const struct exchange *exchange, struct err *reterr, enum err_code code,
                const char *words)
{
    const struct recorder *recorder = exchange->recorder;
    return say_fail(recorder->arena, reterr, code, "the recorder (%s%s): %s",
                    is_proxied(recorder) ? "through " : "",
                    say_visible(recorder->arena, recorder->config.server, 80), words);
}

static bool take_header(void *context, const char *line, size_t count)
{
    struct exchange *exchange = context;
    if (count > 5 && strncmp(line, "HTTP/", 5) == 0) {
        const char *blank = memchr(line, ' ', count);
        exchange->status = blank != NULL ? strtol(blank, NULL, 10) : 0;
    }
    return true;
}

static bool take_body(void *context, const char *bytes, size_t count)
{
    struct exchange *exchange = context;
    if (exchange->stream != NULL && exchange->status >= 200 && exchange->status < 300)
        return exchange->stream->sink(exchange->stream->context, bytes, count);
    buf_add(&exchange->body, bytes, count);
    return !exchange->body.failed;
}

static bool take_tick(void *context)
{
    const struct exchange *exchange = context;
    return exchange->stream->tick(exchange->stream->context);
}

static const char *new_key(struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[KEY_BYTES];
    char *key = arena_alloc(arena, 2 * KEY_BYTES + 1);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return NULL;
    for (size_t i = 0; i < KEY_BYTES; i++) {
        key[2 * i] = digits[bytes[i] >> 4];
        key[2 * i + 1] = digits[bytes[i] & 15];
    }
    return key;
}

static bool changes(const struct exchange *exchange)
{
    return exchange->call->method != NULL && strcmp(exchange->call->method, "GET") != 0;
}

/* The secret one of the headers, to be wiped. */
static char *make_headers(const struct exchange *exchange, const char *headers[HEADERS_MAX])
{
    const struct recorder *recorder = exchange->recorder;
    struct arena *arena = recorder->arena;
    size_t count = 0;
    char *secret = NULL;
    if (exchange->key != NULL)
        headers[count++] = arena_printf(arena, "Idempotency-Key: %s", exchange->key);
    if (exchange->call->if_match != NULL)
        headers[count++] = arena_printf(arena, "If-Match: \"%s\"", exchange->call->if_match);
    if (exchange->stream != NULL && exchange->stream->last != NULL)
        headers[count++] = arena_printf(arena, "Last-Event-ID: %s", exchange->stream->last);
    if (is_proxied(recorder) && recorder->credential.token != NULL) {
        secret =
            arena_printf(arena, "Proctor-Authorization: Bearer %s", recorder->credential.token);
        headers[count++] = secret;
    }
    headers[count] = NULL;
    return secret;
}

static void try_once(struct exchange *exchange)
{
    struct recorder *recorder = exchange->recorder;
    const struct recorder_call *call = exchange->call;
    const char *headers[HEADERS_MAX];
    char *secret = make_headers(exchange, headers);
    const struct http_call http_call = {
        .method = call->method != NULL ? call->method : "GET",
        .path = arena_printf(recorder->arena, "%s%s", recorder->prefix, call->path),
        .accept = call->accept != NULL ? call->accept : "application/json",
        .content_type = call->body != NULL ? "application/json" : NULL,
        .body = exchange->sent.data,
        .body_length = exchange->sent.length,
        .headers = headers,
        .user_agent = "proctor/" PROCTOR_VERSION,
        .credential = &recorder->credential,
        .fresh = changes(exchange),
        .connect_ms = CONNECT_MS,
        .timeout_ms = exchange->stream != NULL ? 0 : CALL_MS,
        .sink = take_body,
        .header = take_header,
        .tick = exchange->stream != NULL && exchange->stream->tick != NULL ? take_tick : NULL,
        .context = exchange,
    };
    buf_clear(&exchange->body);
    http_exchange(recorder->http, &http_call, recorder->arena, &exchange->answer);
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
}

static void rest(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0)
        ;
}

/* What was begun may be sent again: its key tells the recorder that it is the same. */
static bool is_worth_repeating(const struct exchange *exchange, int tries)
{
    const struct http_answer *answer = &exchange->answer;
    const bool busy = answer->end == HTTP_ANSWERED &&
                      (answer->status == 429 || answer->status == 503) && answer->retry_after > 0 &&
                      answer->retry_after <= RETRY_AFTER_MAX;
    const bool broken = answer->end == HTTP_DROPPED && exchange->stream == NULL;
    if (tries >= TRIES || !(busy || broken))
        return false;
    rest(busy ? answer->retry_after * 1000 : FIRST_PAUSE_MS << tries);
    return true;
}

static int exchange_all(struct exchange *exchange, struct err *reterr)
{
    struct recorder *recorder = exchange->recorder;
    bool again = false;
    int tries = 0;
    recorder->problem = NULL;
    buf_init(&exchange->sent, recorder->arena, LIMIT_ANSWER_BYTES);
    if (exchange->call->body != NULL)
        json_write(&exchange->sent, exchange->call->body);
    if (changes(exchange))
        exchange->key = new_key(recorder->arena);
    do {
        const int r = credential_renew(&recorder->config, again, CREDENTIAL_SECONDS,
                                       recorder->arena, &recorder->credential, reterr);
        if (r < 0)
            return r;
        try_once(exchange);
        /* The plugin may know of a newer credential. */
        const bool renew = !again && exchange->answer.end == HTTP_ANSWERED &&
                           exchange->answer.status == 401 &&
                           credential_has_plugin(&recorder->config);
        if (!renew && !is_worth_repeating(exchange, ++tries))
            return 0;
        again = renew;
    } while (true);
}

/* ---- what the answer says --------------------------------------------------------------- */

static enum err_code code_of(long status)
{
    static const struct {
        long status;
        enum err_code code;
    } rows[] = {
        {400, ERR_REFUSED},   {401, ERR_UNAUTHORIZED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
        {405, ERR_REFUSED},   {409, ERR_CONFLICT},     {410, ERR_GONE},      {412, ERR_CONFLICT},
        {413, ERR_TOO_LARGE}, {415, ERR_REFUSED},      {422, ERR_REFUSED},   {429, ERR_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return rows[i].code;
    }
    return ERR_SERVER;
}

static int no_answer(const struct exchange *exchange, struct err *reterr)
{
    const struct http_answer *answer = &exchange->answer;
    struct arena *arena = exchange->recorder->arena;
    const char *words = answer->words != NULL ? answer->words : "no answer";
    if (exchange->body.failed)
        return fail(exchange, reterr, ERR_ANSWER, "the answer is too large");
    if (is_proxied(exchange->recorder))
        return fail(exchange, reterr, ERR_UNREACHABLE, words);
    if (answer->end == HTTP_HOPELESS && strstr(words, "of another CA") != NULL)
        words = "the server's certificate is of another CA than --server-ca names";
    else if (answer->end == HTTP_HOPELESS && strstr(words, "of no CA") != NULL)
        words = "the server's certificate is of no CA that this machine trusts: name it by "
                "--server-ca or PROCTOR_SERVER_CA";
    return fail(exchange, reterr, ERR_UNREACHABLE, arena_printf(arena, "%s", words));
}

static const char *beginning(const struct exchange *exchange)
{
    const char *from = exchange->body.data + strspn(exchange->body.data, " \t\r\n");
    return from[0] != '\0' ? say_visible(exchange->recorder->arena, from, 80) : "nothing";
}

static cJSON *parse_body(const struct exchange *exchange, struct err *reterr)
{
    cJSON *json = NULL;
    if (json_parse(exchange->recorder->arena, exchange->body.data, exchange->body.length, &limits,
                   &json, reterr) < 0)
        return NULL;
    return json;
}

/* The API server's own words: it did not reach the recorder, or does not let us. */
static int proxy_refusal(const struct exchange *exchange, const char *message, struct err *reterr)
{
    struct arena *arena = exchange->recorder->arena;
    enum err_code code = code_of(exchange->answer.status);
    /* That is no judgement of what was asked for. */
    if (code == ERR_REFUSED || code == ERR_CONFLICT)
        code = ERR_SERVER;
    const char *fix = code == ERR_UNAUTHORIZED ? ""
                                               : "; name the recorder itself by --server or "
                                                 "PROCTOR_SERVER";
    return fail(exchange, reterr, code,
                arena_printf(arena, "the API server answers %ld: %s%s", exchange->answer.status,
                             say_visible(arena, message, MESSAGE_SHOWN), fix));
}

static const char *unauthorized_words(const struct exchange *exchange, const char *detail)
{
    const struct recorder *recorder = exchange->recorder;
    if (is_proxied(recorder) && recorder->credential.token == NULL)
        return arena_printf(recorder->arena,
                            "%s: this kubeconfig has a client certificate, which does not go "
                            "through the API server's proxy: --server, or a token",
                            detail);
    return detail;
}

static int refusal(const struct exchange *exchange, struct err *reterr)
{
    struct recorder *recorder = exchange->recorder;
    struct arena *arena = recorder->arena;
    const long status = exchange->answer.status;
    const cJSON *json = parse_body(exchange, NULL);
    const char *kind = json_get_string(json, "kind"), *message = json_get_string(json, "message");
    if (kind != NULL && strcmp(kind, "Status") == 0)
        return proxy_refusal(exchange, message != NULL ? message : "without a reason", reterr);
    const char *title = json_get_string(json, "title"), *detail = json_get_string(json, "detail");
    const char *reason = json_get_string(json, "reason");
    if (title == NULL && detail == NULL)
        return fail(exchange, reterr, code_of(status),
                    arena_printf(arena, "answers %ld: %s", status, beginning(exchange)));
    recorder->problem = json;
    if (detail == NULL)
        detail = title;
    if (status == 401)
        detail = unauthorized_words(exchange, detail);
    return say_fail(arena, reterr, code_of(status), "%s%s%s",
                    reason != NULL ? say_visible(arena, reason, 60) : "",
                    reason != NULL ? ": " : "", say_visible(arena, detail, MESSAGE_SHOWN));
}

static int take_answer(const struct exchange *exchange, struct recorder_answer *ret_answer,
                       struct err *reterr)
{
    struct arena *arena = exchange->recorder->arena;
    const struct http_answer *http = &exchange->answer;
    struct recorder_answer answer = {.status = http->status, .text = exchange->body.data};
    struct err why;
    if (http->end != HTTP_ANSWERED)
        return no_answer(exchange, reterr);
    if (http->status >= 300 && http->status < 400)
        return fail(exchange, reterr, ERR_SERVER,
                    arena_printf(arena, "redirects (%ld), which is not followed", http->status));
    if (http->status < 200 || http->status >= 300)
        return refusal(exchange, reterr);
    if (exchange->call->accept == NULL && exchange->body.length > 0) {
        answer.json = parse_body(exchange, &why);
        if (answer.json == NULL)
            return fail(exchange, reterr, ERR_ANSWER,
                        arena_printf(arena, "answers no JSON: is this the recorder? It begins: %s",
                                     beginning(exchange)));
    }
    *ret_answer = answer;
    return 0;
}

int recorder_ask(struct recorder *recorder, const struct recorder_call *call,
                 struct recorder_answer *ret_answer, struct err *reterr)
{
    struct exchange exchange = {.recorder = recorder, .call = call};
    buf_init(&exchange.body, recorder->arena, LIMIT_ANSWER_BYTES);
    const int r = exchange_all(&exchange, reterr);
    return r < 0 ? r : take_answer(&exchange, ret_answer, reterr);
}

int recorder_get(struct recorder *recorder, const char *path, cJSON **ret_json, struct err *reterr)
{
    const struct recorder_call call = {.path = path};
    struct recorder_answer answer = {.json = NULL};
    const int r = recorder_ask(recorder, &call, &answer, reterr);
    if (r < 0)
        return r;
    if (!json_is_object(answer.json))
        return say_fail(recorder->arena, reterr, ERR_ANSWER,
                        "the recorder (%s) answers no JSON object: is this the recorder?",
                        recorder->config.server);
    *ret_json = answer.json;
    return 0;
}

int recorder_stream(struct recorder *recorder, const struct recorder_stream *stream,
                    struct err *reterr)
{
    const struct recorder_call call = {.path = stream->path, .accept = stream->accept};
    struct exchange exchange = {.recorder = recorder, .call = &call, .stream = stream};
    buf_init(&exchange.body, recorder->arena, LIMIT_MIB);
    const int r = exchange_all(&exchange, reterr);
    if (r < 0)
        return r;
    if (exchange.answer.end == HTTP_STOPPED && !exchange.body.failed)
        return 0;
    if (exchange.answer.end != HTTP_ANSWERED)
        return no_answer(&exchange, reterr);
    return exchange.answer.status >= 200 && exchange.answer.status < 300
               ? 0
               : refusal(&exchange, reterr);
}
