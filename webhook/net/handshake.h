/* Handshakes that wait for their client without costing anything.
 *
 * libmicrohttpd 0.9.75 holds a connection for readable until gnutls_record_recv says
 * GNUTLS_E_AGAIN; that gnutls_handshake says so it does not note (MHD_run_tls_handshake_), and so
 * its epoll loop runs without a pause while any handshake waits: for the time of a round trip with
 * every client, up to the deadline with one that sends a ClientHello and nothing more.  Here GnuTLS
 * reads through a function of ours, which suspends such a connection until there is something to
 * read.
 */
#ifndef PROCTOR_NET_HANDSHAKE_H
#define PROCTOR_NET_HANDSHAKE_H

#include "net/connection.h"

#include <gnutls/gnutls.h>

/* For a connection that was just accepted, before its first byte is read. */
void handshake_watch(struct connection *connection, gnutls_session_t session);

#endif
