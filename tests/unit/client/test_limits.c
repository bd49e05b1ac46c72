/* The client's caps at their value and one past it, through the code that enforces them. */
#include "base/limits.h"
#include "client/answer.h"
#include "client/client.h"
#include "client/credential.h"
#include "tests/unit/test.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLUGIN_SECONDS 60L

static struct arena arena;
static struct err err;

static void begin(void)
{
    arena_install_cjson_hooks();
    arena_done(&arena);
    arena_init(&arena, 512 * LIMIT_MIB);
    err = (struct err){.text = ""};
}

static struct buf new_buf(void)
{
    struct buf buf;
    buf_init(&buf, &arena, 2 * LIMIT_ANSWER_BYTES);
    return buf;
}

/* JSON may end with blanks: `text`, made `bytes` long. */
static char *padded(const char *text, size_t bytes)
{
    char *all = arena_alloc(&arena, bytes + 1);
    snprintf(all, bytes, "%s", text);
    memset(all + strlen(text), ' ', bytes - strlen(text));
    return all;
}

/* ---- credentials ------------------------------------------------------------------------ */

/* From a token file of these bytes, or from a plugin that prints them. */
static int renew_from_file(const char *bytes, size_t length, bool plugin, char **ret_token)
{
    char path[] = "/tmp/proctor-limits-XXXXXX";
    const int fd = mkstemp(path);
    const char *const argv[] = {"cat", path, NULL}, *const none[] = {NULL};
    const struct kube_exec exec = {
        .api_version = "client.authentication.k8s.io/v1", .argv = argv, .environment = none};
    const struct kube_config config = {.origin = "test",
                                       .server = "https://127.0.0.1",
                                       .token_file = plugin ? NULL : path,
                                       .exec = plugin ? &exec : NULL};
    struct credential credential = {.token = NULL};
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || close(fd) != 0)
        TEST_FAIL("cannot write %s", path);
    const int rc = credential_renew(&config, false, PLUGIN_SECONDS, &arena, &credential, &err);
    unlink(path);
    *ret_token = arena_strdup(&arena, credential.token != NULL ? credential.token : "");
    credential_done(&credential);
    return rc;
}

TEST(token_bytes)
{
    char *token;
    begin();
    char *bytes = arena_alloc(&arena, LIMIT_TOKEN_BYTES + 2);
    memset(bytes, 't', LIMIT_TOKEN_BYTES + 1);
    CHECK_INT(renew_from_file(bytes, LIMIT_TOKEN_BYTES, false, &token), 0);
    CHECK_INT(strlen(token), LIMIT_TOKEN_BYTES);
    CHECK_INT(renew_from_file(bytes, LIMIT_TOKEN_BYTES + 1, false, &token), -ERR_KUBECONFIG);
    CHECK(strstr(err.text, "is larger than 64 KiB") != NULL);
}

TEST(exec_bytes)
{
    static const char said[] = "{\"apiVersion\":\"client.authentication.k8s.io/v1\","
                               "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}";
    char *token;
    begin();
    const char *bytes = padded(said, LIMIT_EXEC_BYTES + 1);
    CHECK_INT(renew_from_file(bytes, LIMIT_EXEC_BYTES, true, &token), 0);
    CHECK_STRING(token, "t");
    CHECK_INT(renew_from_file(bytes, LIMIT_EXEC_BYTES + 1, true, &token), -ERR_KUBECONFIG);
    CHECK(strstr(err.text, "says too much: more than 1 MiB") != NULL);
}

/* ---- answers ---------------------------------------------------------------------------- */

static int read_answer(const struct buf *body)
{
    const struct answer_call call = {
        .arena = &arena, .server = "https://s", .method = "GET", .path = "/version"};
    const struct http_answer answer = {
        .end = HTTP_ANSWERED, .status = 200, .content_type = "application/json"};
    cJSON *object;
    return answer_object(&call, &answer, body->data, body->length, &object, &err);
}

/* The object, its list and the list's first number are three of them. */
static int answer_of_nodes(size_t nodes)
{
    struct buf body = new_buf();
    buf_add_string(&body, "{\"a\":[0");
    for (size_t i = 3; i < nodes; i++)
        buf_add(&body, ",0", 2);
    buf_add_string(&body, "]}");
    return read_answer(&body);
}

TEST(answer_nodes)
{
    begin();
    CHECK_INT(answer_of_nodes(LIMIT_ANSWER_NODES), 0);
    begin();
    CHECK_INT(answer_of_nodes(LIMIT_ANSWER_NODES + 1), -ERR_ANSWER);
    CHECK(strstr(err.text, "more than 2000000") != NULL);
}

static int answer_of_depth(size_t depth)
{
    struct buf body = new_buf();
    for (size_t i = 0; i < depth; i++)
        buf_add_string(&body, "{\"a\":");
    buf_add_char(&body, '0');
    for (size_t i = 0; i < depth; i++)
        buf_add_char(&body, '}');
    return read_answer(&body);
}

TEST(answer_depth)
{
    begin();
    CHECK_INT(answer_of_depth(LIMIT_ANSWER_DEPTH), 0);
    CHECK_INT(answer_of_depth(LIMIT_ANSWER_DEPTH + 1), -ERR_ANSWER);
    CHECK(strstr(err.text, "deeper than 200 levels") != NULL);
}

/* ---- an API server of one answer -------------------------------------------------------- */

struct server {
    int listening;
    const char *body;
    size_t length;
};

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client has hung up on what is too large */
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void *serve(void *context)
{
    const struct server *server = context;
    char request[8192], head[128];
    size_t length = 0;
    const int fd = accept(server->listening, NULL, NULL);
    for (ssize_t got; length < sizeof request - 1; length += (size_t)got) {
        got = recv(fd, request + length, sizeof request - 1 - length, 0);
        if (got <= 0)
            break;
        request[length + (size_t)got] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             server->length);
    send_all(fd, head, strlen(head));
    send_all(fd, server->body, server->length);
    close(fd);
    return NULL;
}

static int listen_here(char *ret_url, size_t room)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof here;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, bytes) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &bytes) != 0)
        TEST_FAIL("nobody can listen here");
    snprintf(ret_url, room, "http://127.0.0.1:%u", ntohs(here.sin_port));
    return fd;
}

/* What a client makes of an answer of so many bytes. */
static int get_of_bytes(size_t bytes)
{
    char url[64];
    struct server server = {.body = padded("{\"major\":\"1\"}", bytes), .length = bytes};
    const struct kube_config config = {.origin = "test", .server = url};
    struct kube_client *client;
    cJSON *object = NULL;
    pthread_t thread;
    server.listening = listen_here(url, sizeof url);
    if (pthread_create(&thread, NULL, serve, &server) != 0)
        TEST_FAIL("no thread");
    int rc = client_new(&config, NULL, &client, &err);
    if (rc == 0) {
        rc = client_get(client, &arena, "/version", &object, &err);
        client_free(client);
    }
    shutdown(server.listening, SHUT_RDWR); /* if the client did not come */
    pthread_join(thread, NULL);
    close(server.listening);
    if (rc == 0)
        CHECK_STRING(json_get_string(object, "major"), "1");
    return rc;
}

TEST(answer_bytes)
{
    begin();
    CHECK_INT(get_of_bytes(LIMIT_ANSWER_BYTES), 0);
    CHECK_INT(get_of_bytes(LIMIT_ANSWER_BYTES + 1), -ERR_ANSWER);
    CHECK(strstr(err.text, "the answer is larger than 32 MiB") != NULL);
}

TEST_MAIN
