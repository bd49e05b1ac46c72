#include "client/http.h"

#include "client/say.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct http {
    const struct kube_config *config;
    CURL *curl;
    char words[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

static void start(void)
{
    started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct http *http_new(const struct kube_config *config)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return NULL;
    pthread_once(&once, start);
    http->config = config;
    http->curl = started ? curl_easy_init() : NULL;
    if (http->curl != NULL)
        return http;
    free(http);
    return NULL;
}

/* Writing to a connection that the server has closed raises SIGPIPE in OpenSSL.  It is held back
 * in this thread and taken; libcurl's own way would change it for the whole process. */
struct pipe_hold {
    sigset_t before;
    bool was_pending;
};

static void hold_pipe(struct pipe_hold *hold)
{
    sigset_t pending, sigpipe;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigpending(&pending);
    hold->was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe, &hold->before);
}

static void release_pipe(const struct pipe_hold *hold)
{
    sigset_t sigpipe;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    if (!hold->was_pending)
        while (sigtimedwait(&sigpipe, NULL, &(struct timespec){.tv_sec = 0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &hold->before, NULL);
}

void http_free(struct http *http)
{
    struct pipe_hold hold;
    if (http == NULL)
        return;
    hold_pipe(&hold);
    curl_easy_cleanup(http->curl);
    release_pipe(&hold);
    free(http);
}

/* ---- headers ---------------------------------------------------------------------------- */

/* A list of our own nodes: curl_slist_append would copy the token to where nobody wipes it. */
struct headers {
    struct arena *arena;
    struct curl_slist *first;
    char *secret;
};

static void add_header(struct headers *headers, char *line)
{
    struct curl_slist *node = arena_alloc(headers->arena, sizeof *node);
    node->data = line;
    node->next = headers->first;
    headers->first = node;
}

static bool expects_other_name(const struct kube_config *config)
{
    return config->tls_server_name != NULL && strncmp(config->server, "https:", 6) == 0;
}

/* "host:port" of https://host:port/prefix. */
static const char *authority(struct arena *arena, const char *server)
{
    const char *from = strstr(server, "://") + 3;
    return arena_strndup(arena, from, strcspn(from, "/"));
}

static void make_headers(const struct http *http, const struct http_call *call,
                         struct headers *headers)
{
    const struct kube_config *config = http->config;
    struct arena *arena = headers->arena;
    add_header(headers, arena_printf(arena, "Accept: %s", call->accept));
    /* Asking first costs a round trip, and some proxies never answer it. */
    add_header(headers, arena_strdup(arena, "Expect:"));
    if (expects_other_name(config))
        add_header(headers, arena_printf(arena, "Host: %s", authority(arena, config->server)));
    if (call->content_type != NULL)
        add_header(headers, arena_printf(arena, "Content-Type: %s", call->content_type));
    if (config->as_user != NULL)
        add_header(headers, arena_printf(arena, "Impersonate-User: %s", config->as_user));
    for (size_t i = 0; config->as_groups != NULL && config->as_groups[i] != NULL; i++)
        add_header(headers, arena_printf(arena, "Impersonate-Group: %s", config->as_groups[i]));
    for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++)
        add_header(headers, arena_strdup(arena, call->headers[i]));
    if (call->credential->token == NULL)
        return;
    headers->secret = arena_printf(arena, "Authorization: Bearer %s", call->credential->token);
    add_header(headers, headers->secret);
}

/* ---- options ---------------------------------------------------------------------------- */

static int keep_from_children(void *context, curl_socket_t socket, curlsocktype purpose)
{
    (void)context, (void)purpose;
    return fcntl(socket, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

static void set_blob(CURL *curl, CURLoption option, const char *text)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)text, .flags = CURL_BLOB_NOCOPY};
    if (text == NULL)
        return;
    blob.len = strlen(text);
    curl_easy_setopt(curl, option, &blob);
}

static void set_tls(const struct http *http, const struct http_call *call)
{
    const struct kube_config *config = http->config;
    const struct credential *own = call->credential;
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->ca_pem != NULL) {
        /* Only these: libcurl would trust the system's beside them. */
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        set_blob(curl, CURLOPT_CAINFO_BLOB, config->ca_pem);
    }
    set_blob(curl, CURLOPT_SSLCERT_BLOB,
             own->cert_pem != NULL ? own->cert_pem : config->client_cert_pem);
    set_blob(curl, CURLOPT_SSLKEY_BLOB,
             own->cert_pem != NULL ? own->key_pem : config->client_key_pem);
}

static const char *environment(const char *upper, const char *lower)
{
    const char *value = getenv(upper);
    return value != NULL && value[0] != '\0' ? value : getenv(lower);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "localhost", 9) == 0 || strncmp(host, "127.", 4) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* As client-go: the kubeconfig's, else HTTPS_PROXY without NO_PROXY's hosts and this machine.
 * libcurl would look at more of the environment than kubectl does. */
static void set_proxy(const struct http *http)
{
    const char *proxy = environment("HTTPS_PROXY", "https_proxy");
    const char *not_for = environment("NO_PROXY", "no_proxy");
    if (http->config->proxy_url != NULL) {
        proxy = http->config->proxy_url;
        not_for = "";
    } else if (proxy == NULL || is_loopback(strstr(http->config->server, "://") + 3)) {
        proxy = "";
    }
    curl_easy_setopt(http->curl, CURLOPT_PROXY, proxy);
    curl_easy_setopt(http->curl, CURLOPT_NOPROXY, not_for != NULL ? not_for : "");
}

/* The certificate is checked against, and SNI says, the URL's host: with tls-server-name that
 * name stands in the URL, and CONNECT_TO leads to the server. */
static void set_address(const struct http *http, const struct http_call *call, struct arena *arena)
{
    const struct kube_config *config = http->config;
    const char *server = config->server;
    if (!expects_other_name(config)) {
        curl_easy_setopt(http->curl, CURLOPT_URL, arena_printf(arena, "%s%s", server, call->path));
        return;
    }
    const char *from = strstr(server, "://") + 3, *prefix = from + strcspn(from, "/");
    const char *to = authority(arena, server);
    const char *bracket = strrchr(to, ']'), *colon = strrchr(bracket != NULL ? bracket : to, ':');
    const char *port = colon != NULL ? colon + 1 : "443";
    struct curl_slist *connect_to = arena_alloc(arena, sizeof *connect_to);
    connect_to->data = arena_printf(arena, "::%s%s", to, colon != NULL ? "" : ":443");
    curl_easy_setopt(http->curl, CURLOPT_CONNECT_TO, connect_to);
    curl_easy_setopt(http->curl, CURLOPT_URL,
                     arena_printf(arena, "https://%s:%s%s%s", config->tls_server_name, port, prefix,
                                  call->path));
}

static size_t pass_body(char *bytes, size_t size, size_t count, void *context)
{
    const struct http_call *call = context;
    return call->sink(call->context, bytes, size * count) ? size * count : 0;
}

static size_t pass_header(char *bytes, size_t size, size_t count, void *context)
{
    const struct http_call *call = context;
    return call->header(call->context, bytes, size * count) ? size * count : 0;
}

static int pass_tick(void *context, curl_off_t of, curl_off_t got, curl_off_t send, curl_off_t sent)
{
    const struct http_call *call = context;
    (void)of, (void)got, (void)send, (void)sent;
    return call->tick(call->context) ? 0 : 1;
}

static void set_call(const struct http *http, const struct http_call *call,
                     const struct headers *headers)
{
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers->first);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, call->user_agent);
    if (call->content_type != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
    }
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, call->fresh ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, call->connect_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, call->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, pass_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)(uintptr_t)call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, pass_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, (void *)(uintptr_t)call);
    if (call->tick == NULL)
        return;
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, pass_tick);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)call);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static void set_always(struct http *http)
{
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->words);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 2L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, keep_from_children);
    /* A tunnel's own answer is none of the API server's. */
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* ---- what went wrong -------------------------------------------------------------------- */

static const char *certificate_words(const struct http *http, struct arena *arena)
{
    long why = X509_V_OK;
    curl_easy_getinfo(http->curl, CURLINFO_SSL_VERIFYRESULT, &why);
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is not valid yet: is this machine's clock right?";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return http->config->ca_pem != NULL
                   ? "the server's certificate is of another CA than the one named for it: another "
                     "server, or its CA was renewed"
                   : "the server's certificate is of no CA that this machine trusts: name it as "
                     "certificate-authority";
    default:
        return arena_printf(arena, "TLS failed: %s", say_visible(arena, http->words, 200));
    }
}

static const char *connect_words(const struct http *http, struct arena *arena)
{
    long why = 0;
    curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &why);
    return arena_printf(arena, "cannot connect%s%s", why != 0 ? ": " : "",
                        why != 0 ? strerror((int)why) : "");
}

static const char *timeout_words(const struct http *http)
{
    curl_off_t connected = 0;
    curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
    return connected == 0 ? "no connection in time" : "no whole answer in time";
}

static void judge(struct http *http, CURLcode code, struct arena *arena, struct http_answer *answer)
{
    switch (code) {
    case CURLE_OK:
        answer->end = HTTP_ANSWERED;
        return;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
        answer->end = HTTP_STOPPED;
        return;
    case CURLE_COULDNT_CONNECT:
        answer->end = HTTP_NOT_CONNECTED;
        answer->words = connect_words(http, arena);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        answer->end = HTTP_TIMED_OUT;
        answer->words = timeout_words(http);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
        answer->end = HTTP_HOPELESS;
        answer->words = certificate_words(http, arena);
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        answer->end = HTTP_DROPPED;
        answer->words = arena_printf(arena, "the connection broke off: %s",
                                     say_visible(arena, http->words, 200));
        return;
    default:
        answer->end = HTTP_HOPELESS;
        answer->words = say_visible(
            arena, http->words[0] != '\0' ? http->words : curl_easy_strerror(code), 200);
    }
}

void http_exchange(struct http *http, const struct http_call *call, struct arena *arena,
                   struct http_answer *ret_answer)
{
    struct headers headers = {.arena = arena};
    struct http_answer answer = {.status = 0};
    curl_off_t retry_after = 0;
    char *text = NULL;
    struct pipe_hold hold;
    http->words[0] = '\0';
    curl_easy_reset(http->curl);
    make_headers(http, call, &headers);
    set_always(http);
    set_address(http, call, arena);
    set_tls(http, call);
    set_proxy(http);
    set_call(http, call, &headers);
    hold_pipe(&hold);
    const CURLcode code = curl_easy_perform(http->curl);
    release_pipe(&hold);
    if (headers.secret != NULL)
        explicit_bzero(headers.secret, strlen(headers.secret));

    judge(http, code, arena, &answer);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
        answer.retry_after = (long)retry_after;
    if (curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK)
        answer.content_type = text;
    if (curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &text) == CURLE_OK)
        answer.location = text;
    *ret_answer = answer;
}
