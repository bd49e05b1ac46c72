/* What the webhook is measured against: the same TLS and HTTP, and nothing behind them.
 *
 *     floor answer TLS-DIR       libmicrohttpd as net/intake starts it: reads the body whole,
 *                                answers a fixed one; none of net/'s own care (deadlines, budget,
 *                                counters)
 *     floor parse TLS-DIR        the same, and cJSON parses the body into an arena: DESIGN's unit,
 *                                where the webhook does its work
 *     floor handshake TLS-DIR    a bare loop: accept, handshake, wait for the client to go
 *
 * Prints the port, then serves on one address of the loopback until it is killed.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/intake.h"
#include "net/listen.h"
#include "net/tls.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256

static const char answer[] =
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"response\":{\"uid\":"
    "\"11111111-2222-3333-4444-555555555555\",\"allowed\":true,\"auditAnnotations\":{\"verdict\":"
    "\"allowed\",\"policy-digest\":\"0123456789abcdef\"}}}";

static _Noreturn void fail(const char *what, const char *more)
{
    fprintf(stderr, "floor: %s: %s\n", what, more);
    exit(2);
}

struct body {
    char *bytes;
    size_t length, capacity;
};

static bool parses;

static void parse(const struct body *body)
{
    static _Thread_local struct arena arena;
    if (arena.cap_bytes == 0)
        arena_init(&arena, LIMIT_ARENA_BYTES);
    arena_use(&arena);
    if (cJSON_ParseWithLength(body->bytes, body->length) == NULL)
        fail("cJSON", "no JSON");
    arena_use(NULL);
    arena_reset(&arena, LIMIT_ARENA_FIRST_BLOCK);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    (void)cls, (void)path, (void)method, (void)version;
    struct body *body = *context;
    if (body == NULL) {
        *context = calloc(1, sizeof *body);
        return *context != NULL ? MHD_YES : MHD_NO;
    }
    if (*upload_size > 0) {
        if (body->length + *upload_size > body->capacity) {
            const size_t capacity = 2 * (body->length + *upload_size);
            char *grown = realloc(body->bytes, capacity);
            if (grown == NULL)
                return MHD_NO;
            body->bytes = grown;
            body->capacity = capacity;
        }
        memcpy(body->bytes + body->length, upload, *upload_size);
        body->length += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    if (parses)
        parse(body);
    return intake_queue(mhd, MHD_HTTP_OK, answer, sizeof answer - 1, false);
}

static void completed(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode code)
{
    (void)cls, (void)mhd, (void)code;
    struct body *body = *context;
    if (body != NULL)
        free(body->bytes);
    free(body);
    *context = NULL;
}

static _Noreturn void serve_answers(int fd)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        INTAKE_MHD_FLAGS, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, intake_thread_count(0), MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)INTAKE_STACK_BYTES, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
        MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve, MHD_OPTION_CONNECTION_LIMIT, 1000U,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)INTAKE_CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)INTAKE_INCREMENT_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (daemon == NULL)
        fail("libmicrohttpd", "does not start");
    for (;;)
        pause();
}

struct handshake {
    gnutls_session_t session;
    int fd;
    bool done;
};

static void end(struct handshake *handshake)
{
    gnutls_deinit(handshake->session);
    close(handshake->fd); /* and out of the epoll set */
    free(handshake);
}

/* Until the handshake is over and the client has gone. */
static void go_on(struct handshake *handshake)
{
    char bytes[512];
    if (!handshake->done) {
        const int r = gnutls_handshake(handshake->session);
        if (r != 0 && gnutls_error_is_fatal(r) == 0)
            return;
        if (r != 0)
            fail("a handshake", gnutls_strerror(r));
        handshake->done = true;
    }
    const ssize_t r = gnutls_record_recv(handshake->session, bytes, sizeof bytes);
    if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED)
        end(handshake);
}

static void take(int fd, int epoll, gnutls_certificate_credentials_t credentials,
                 gnutls_priority_t priorities)
{
    for (;;) {
        const int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer < 0)
            return;
        struct handshake *handshake = calloc(1, sizeof *handshake);
        if (handshake == NULL)
            fail("memory", "none");
        handshake->fd = peer;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = handshake};
        if (gnutls_init(&handshake->session, GNUTLS_SERVER | GNUTLS_NONBLOCK) != 0 ||
            gnutls_priority_set(handshake->session, priorities) != 0 ||
            gnutls_credentials_set(handshake->session, GNUTLS_CRD_CERTIFICATE, credentials) != 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event) != 0)
            fail("a session", strerror(errno));
        gnutls_transport_set_int(handshake->session, peer);
    }
}

static _Noreturn void serve_handshakes(int fd)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    struct epoll_event events[EVENTS_MAX] = {{.events = EPOLLIN}};
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (gnutls_certificate_allocate_credentials(&credentials) != 0 ||
        gnutls_priority_init(&priorities, TLS_PRIORITIES, NULL) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &events[0]) != 0)
        fail("cannot start", strerror(errno));
    gnutls_certificate_set_retrieve_function2(credentials, tls_retrieve);
    for (;;) {
        const int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                take(fd, epoll, credentials, priorities);
            else
                go_on(events[i].data.ptr);
        }
    }
}

int main(int argc, char **argv)
{
    struct tls_certificate *certificate;
    struct err err;
    char chain[4096], key[4096];
    unsigned port;
    int fd;
    if (argc != 3)
        fail("usage", "floor answer|parse|handshake TLS-DIR");
    signal(SIGPIPE, SIG_IGN);
    snprintf(chain, sizeof chain, "%s/tls.crt", argv[2]);
    snprintf(key, sizeof key, "%s/tls.key", argv[2]);
    if (tls_load(chain, key, clock_unix(), &certificate, &err) != 0 ||
        listen_open("127.0.0.1:0", &fd, &port, &err) != 0)
        fail("cannot start", err.text);
    tls_install(certificate, clock_unix());
    printf("%u\n", port);
    fflush(stdout);
    if (strcmp(argv[1], "handshake") == 0)
        serve_handshakes(fd);
    parses = strcmp(argv[1], "parse") == 0;
    arena_install_cjson_hooks();
    serve_answers(fd);
}
