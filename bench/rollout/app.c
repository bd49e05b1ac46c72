/* A student's program in miniature, as bad as they come: it listens some seconds after its start,
 * and dies at once on SIGTERM, with whatever it was answering.
 *
 *     app PORT START_MS WORK_MS
 *
 * Each answer takes WORK_MS and is the host's name, which on Kubernetes is the pod's.  A thread a
 * connection, kept alive unless the client says otherwise.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX    4096
#define STACK_BYTES ((size_t)64 * 1024)
#define BACKLOG     512

static long work_ms;
static char name[256];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* The first process of a container: without a handler the signal would be ignored. */
static void die(int number)
{
    (void)number;
    _exit(0);
}

static void rest(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* One request's head; false when the client has gone, or sends what no client of ours sends. */
static bool read_head(int fd, char head[static HEAD_MAX])
{
    size_t length = 0;
    while (length < HEAD_MAX - 1) {
        ssize_t got = recv(fd, head + length, HEAD_MAX - 1 - length, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        head[length] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static bool answer(int fd, bool last)
{
    char text[512];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "%s\r\n%s\n",
                          strlen(name) + 1, last ? "Connection: close\r\n" : "", name);
    return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length && !last;
}

static void *serve(void *data)
{
    int fd = (int)(intptr_t)data;
    char head[HEAD_MAX];
    bool more = true;
    while (more && read_head(fd, head)) {
        rest(work_ms);
        more = answer(fd, strstr(head, "Connection: close") != NULL);
    }
    close(fd);
    return NULL;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail("socket");
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        fail("listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct sigaction end = {.sa_handler = die};
    pthread_attr_t detached;
    if (argc != 4) {
        fprintf(stderr, "usage: app PORT START_MS WORK_MS\n");
        return 2;
    }
    sigaction(SIGTERM, &end, NULL);
    work_ms = strtol(argv[3], NULL, 10);
    if (gethostname(name, sizeof name - 1) != 0)
        fail("gethostname");
    if (pthread_attr_init(&detached) != 0 ||
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_attr_setstacksize(&detached, STACK_BYTES) != 0)
        fail("pthread_attr");
    rest(strtol(argv[2], NULL, 10));
    int fd = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    for (;;) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (client < 0)
            continue;
        if (pthread_create(&thread, &detached, serve, (void *)(intptr_t)client) != 0)
            close(client);
    }
}
