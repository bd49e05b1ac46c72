#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define AHEAD_BYTES 8192

static size_t take_ahead(struct connection *connection, char *to, size_t most)
{
    const size_t left = connection->ahead_end - connection->ahead_at;
    const size_t count = left < most ? left : most;
    memcpy(to, connection->ahead + connection->ahead_at, count);
    connection->ahead_at += count;
    if (count == left) {
        free(connection->ahead);
        connection->ahead = NULL;
    }
    return count;
}

static bool keep_ahead(struct connection *connection, const char *bytes, size_t count)
{
    connection->ahead = malloc(count);
    if (connection->ahead == NULL)
        return false;
    memcpy(connection->ahead, bytes, count);
    connection->ahead_at = 0;
    connection->ahead_end = count;
    return true;
}

static ssize_t receive(struct connection *connection, char *to, size_t most)
{
    char bytes[AHEAD_BYTES];
    const bool directly = most >= sizeof bytes / 2;
    const ssize_t count =
        recv(connection->fd, directly ? to : bytes, directly ? most : sizeof bytes, 0);
    if (count <= 0)
        return count;
    atomic_fetch_add(&connection->received, (uint64_t)count);
    if (directly)
        return count;
    const size_t given = (size_t)count < most ? (size_t)count : most;
    memcpy(to, bytes, given);
    if (given < (size_t)count && !keep_ahead(connection, bytes + given, (size_t)count - given)) {
        errno = ENOMEM; /* bytes are lost: GnuTLS gives the connection up */
        return -1;
    }
    return (ssize_t)given;
}

static ssize_t pull(gnutls_transport_ptr_t context, void *to, size_t most)
{
    struct connection *connection = context;
    if (connection->ahead != NULL)
        return (ssize_t)take_ahead(connection, to, most);
    const ssize_t count = receive(connection, to, most);
    if (count < 0 && !connection->greeted && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        connection_sleep(connection);
        errno = EAGAIN;
    }
    return count;
}

/* The client's Finished is the last message that a server waits for, in TLS 1.2 and 1.3.  From then
 * on the connection is idle: the API server opens some that it has no request for after all, and
 * keeps them (KUBERNETES 18). */
static int note_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                         const gnutls_datum_t *message)
{
    gnutls_transport_ptr_t from, to;
    (void)type, (void)when, (void)message;
    gnutls_transport_get_ptr2(session, &from, &to);
    if (incoming == 0)
        return 0;
    ((struct connection *)from)->greeted = true;
    connection_set_idle(from);
    return 0;
}

void transport_attach(struct connection *connection, gnutls_session_t session)
{
    gnutls_transport_ptr_t from, to;
    gnutls_transport_get_ptr2(session, &from, &to);
    gnutls_transport_set_ptr2(session, connection, to); /* GnuTLS still writes by itself */
    gnutls_transport_set_pull_function(session, pull);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       note_finished);
    connection->attached = true;
}
