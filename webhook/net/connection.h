/* Connections: every open one, with its deadline, and the one thread that cuts the late ones.
 *
 * MHD has one time-out, which any byte puts off.  Here a connection has a deadline instead:
 * request_us from its accept to the end of its handshake, and from the first byte of a request to
 * the end of the answer; idle_us before and between requests.  A client that sends nothing, or a
 * byte a second, is cut. Cutting is shutdown(2): MHD then sees the end and cleans up in its own
 * thread.
 *
 * The same thread waits for the clients of handshakes (net/transport) whose next bytes are not
 * here yet: MHD has no such wait of its own.
 */
#ifndef PROCTOR_NET_CONNECTION_H
#define PROCTOR_NET_CONNECTION_H

#include "base/err.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exchange;

struct connection {
    struct connection *next, *before; /* under the keeper's lock */
    struct connection_keeper *keeper;
    struct MHD_Connection *mhd;
    int fd;
    bool asleep;                    /* suspended until bytes come; under the keeper's lock */
    _Atomic int64_t deadline_us;    /* monotonic */
    _Atomic uint64_t bytes_at_idle; /* received when it became idle; 0: it is not idle */
    atomic_bool cut;
    bool had_request;
    struct exchange *exchange; /* owned by net/http, NULL if none */

    /* net/transport's: */
    bool attached; /* it reads, and counts */
    bool greeted;  /* the handshake is over */
    _Atomic uint64_t received;
    char *ahead; /* received, and not asked for yet; NULL: nothing */
    size_t ahead_at, ahead_end;
};

struct connection_keeper {
    pthread_mutex_t lock;
    struct connection *first;
    size_t count;
    int epoll; /* those asleep, and stopping */
    int stopping;
    int64_t request_us, idle_us;
    bool stop;
    bool counted;                  /* in the metrics: the TLS port's */
    _Atomic int64_t last_event_us; /* the last accept or request: what draining waits on */
    pthread_t sweeper;
    bool sweeping;
};

/* Starts the sweeping thread. */
NODISCARD int connection_keeper_start(struct connection_keeper *keeper, int64_t request_us,
                                      int64_t idle_us, bool counted, struct err *reterr);

/* Wakes those asleep, and none sleeps from then on: before MHD_stop_daemon, which may not find a
 * suspended one. */
void connection_keeper_stop(struct connection_keeper *keeper);

/* For MHD_OPTION_NOTIFY_CONNECTION; the closure is the keeper. */
void connection_notify(void *keeper, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);

/* The connection's record; NULL if memory was short when it came. */
struct connection *connection_of(struct MHD_Connection *mhd);

/* MHD leaves the connection alone until its socket has something to read.  To be called from MHD's
 * own thread, for a daemon with MHD_ALLOW_SUSPEND_RESUME; does nothing once the keeper stops. */
void connection_sleep(struct connection *connection);

/* A request has begun; its answer has gone, or the handshake is over (connection_set_idle, below).
 */
void connection_set_busy(struct connection *connection);

/* The whole request is here and the work on it begins, or is over: a deadline is for the client,
 * and waits while it is the server that takes its time. */
void connection_set_working(struct connection *connection, bool working);
void connection_set_idle(struct connection *connection);

/* The client's address as text, "?" if unknown. */
#define CONNECTION_ADDRESS_BYTES 80
const char *connection_address(struct MHD_Connection *mhd, char text[CONNECTION_ADDRESS_BYTES]);

#endif
