/* An HTTP server of the test's own, on this machine, plain: what asks it is under test.
 *
 * One request at a time, one request a connection.  `script` gets it on the server's thread and
 * answers with receiver_answer, or returns without: then the connection is closed.
 */
#ifndef PROCTOR_TEST_RECEIVER_H
#define PROCTOR_TEST_RECEIVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVER_BYTES (256 * 1024)

struct receiver_request {
    int socket;
    const char *head; /* request line and headers */
    const char *body;
    int number; /* 1 is the first */
};

struct receiver {
    int socket;
    unsigned port;
    pthread_t thread;
    atomic_int requests;
    atomic_bool ended;
    void (*script)(const struct receiver_request *request);
    char bytes[RECEIVER_BYTES];
};

/* A header's value into `value`; "" if it is not there. */
__attribute__((unused)) static const char *receiver_header(const struct receiver_request *request,
                                                           const char *name, char value[512])
{
    const size_t length = strlen(name);
    value[0] = '\0';
    for (const char *line = request->head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " ");
            snprintf(value, 512, "%.*s", (int)strcspn(line, "\r"), line);
            break;
        }
    }
    return value;
}

__attribute__((unused)) static void receiver_answer(const struct receiver_request *request,
                                                    const char *status, const char *headers,
                                                    const char *body)
{
    dprintf(request->socket,
            "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
            "Connection: close\r\n%s\r\n%s",
            status, strlen(body), headers, body);
}

static size_t receiver_body_length(const char *head)
{
    char value[512];
    const struct receiver_request request = {.head = head};
    return strtoul(receiver_header(&request, "Content-Length", value), NULL, 10);
}

/* Reads one whole request; NULL: it broke off. */
static char *receiver_read(struct receiver *receiver, int connection)
{
    size_t length = 0;
    for (;;) {
        const ssize_t got =
            read(connection, receiver->bytes + length, sizeof receiver->bytes - 1 - length);
        if (got <= 0)
            return NULL;
        length += (size_t)got;
        receiver->bytes[length] = '\0';
        char *end = strstr(receiver->bytes, "\r\n\r\n");
        if (end == NULL)
            continue;
        if (length - (size_t)(end + 4 - receiver->bytes) >= receiver_body_length(receiver->bytes))
            return end;
    }
}

static void *receiver_run(void *context)
{
    struct receiver *receiver = context;
    for (;;) {
        const int connection = accept(receiver->socket, NULL, NULL);
        if (atomic_load(&receiver->ended) || connection < 0) {
            close(connection);
            return NULL;
        }
        char *end = receiver_read(receiver, connection);
        if (end != NULL) {
            end[2] = '\0';
            const struct receiver_request request = {connection, receiver->bytes, end + 4,
                                                     1 + atomic_fetch_add(&receiver->requests, 1)};
            receiver->script(&request);
        }
        close(connection);
    }
}

__attribute__((unused)) static void
receiver_start(struct receiver *receiver, void (*script)(const struct receiver_request *request))
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    signal(SIGPIPE, SIG_IGN); /* as in the program: whoever was asked, or asks, may have gone */
    receiver->script = script;
    atomic_store(&receiver->requests, 0);
    atomic_store(&receiver->ended, false);
    receiver->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(receiver->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(receiver->socket, 16) != 0 ||
        getsockname(receiver->socket, (struct sockaddr *)&address, &bytes) != 0 ||
        pthread_create(&receiver->thread, NULL, receiver_run, receiver) != 0) {
        perror("receiver");
        exit(1);
    }
    receiver->port = ntohs(address.sin_port);
}

/* A script that still waits must have been let go. */
__attribute__((unused)) static void receiver_stop(struct receiver *receiver)
{
    atomic_store(&receiver->ended, true);
    shutdown(receiver->socket, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->socket);
}

#endif
