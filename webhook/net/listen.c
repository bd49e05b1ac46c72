#include "net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

/* Cuts "HOST:PORT" at its last colon; brackets around an IPv6 address go. */
static bool split(const char *address, char host[256], char port[16])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= 16)
        return false;
    size_t length = (size_t)(colon - address);
    if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        length -= 2;
    }
    if (length >= 256)
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static int open_socket(const struct addrinfo *info)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char port[8];
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return 0;
    unsigned number = 0;
    for (const char *c = port; *c != '\0'; c++)
        number = number * 10 + (unsigned)(*c - '0');
    return number;
}

int listen_open(const char *address, int *ret_fd, unsigned *ret_port, struct err *reterr)
{
    char host[256], port[16];
    if (!split(address, host, port))
        return err_set(reterr, ERR_USAGE, "\"%.100s\" is no HOST:PORT", address);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
    if (code != 0)
        return err_set(reterr, ERR_USAGE, "%.100s: %s", address, gai_strerror(code));
    int fd = -1;
    for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next)
        fd = open_socket(info);
    int failure = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot listen on %.100s: %s", address, strerror(failure));
    *ret_fd = fd;
    *ret_port = port_of(fd);
    return 0;
}
