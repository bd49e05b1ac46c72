/* How GnuTLS reads from a connection: with few system calls, and without a loop that never rests.
 *
 * libmicrohttpd 0.9.75 holds a connection for readable until gnutls_record_recv says
 * GNUTLS_E_AGAIN; that gnutls_handshake says so it does not note (MHD_run_tls_handshake_), and so
 * its epoll loop runs without a pause while any handshake waits: for the time of a round trip with
 * every client, up to the deadline with one that sends a ClientHello and nothing more.  Here such a
 * connection is suspended until there is something to read (connection_sleep).
 *
 * GnuTLS asks for the five bytes of a record's head, then for the rest: two calls for each record.
 * Here the first fetches what is there, and what was not asked for yet is kept, up to 8 KiB, until
 * it is.  To MHD, whose epoll is edge-triggered, that is as if it were still in the socket.
 */
#ifndef PROCTOR_NET_TRANSPORT_H
#define PROCTOR_NET_TRANSPORT_H

#include "net/connection.h"

#include <gnutls/gnutls.h>

/* For a connection that was just accepted, before its first byte is read. */
void transport_attach(struct connection *connection, gnutls_session_t session);

#endif
