#include "net/handshake.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t pull(gnutls_transport_ptr_t context, void *to, size_t most)
{
    struct connection *connection = context;
    const ssize_t count = recv(connection->fd, to, most, 0);
    if (count < 0 && !connection->greeted && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        connection_sleep(connection);
        errno = EAGAIN;
    }
    return count;
}

/* The client's Finished is the last message that a server waits for, in TLS 1.2 and 1.3. */
static int note_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                         const gnutls_datum_t *message)
{
    gnutls_transport_ptr_t from, to;
    (void)type, (void)when, (void)message;
    gnutls_transport_get_ptr2(session, &from, &to);
    if (incoming != 0)
        ((struct connection *)from)->greeted = true;
    return 0;
}

void handshake_watch(struct connection *connection, gnutls_session_t session)
{
    gnutls_transport_ptr_t from, to;
    gnutls_transport_get_ptr2(session, &from, &to);
    gnutls_transport_set_ptr2(session, connection, to); /* GnuTLS still writes by itself */
    gnutls_transport_set_pull_function(session, pull);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       note_finished);
}
