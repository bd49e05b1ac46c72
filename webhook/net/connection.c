#include "net/connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/metrics.h"
#include "net/transport.h"

#include <linux/tcp.h> /* glibc's tcp_info lacks tcpi_bytes_received */
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_US   250000
#define EVENTS_MAX 64

static struct log_limit wasted_lines;

static uint64_t bytes_received(const struct connection *connection)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (connection->attached)
        return atomic_load(&connection->received);
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return 0;
    return info.tcpi_bytes_received;
}

/* Under the keeper's lock, so the descriptor is open: MHD closes it after the CLOSED notice. */
static void look_at(struct connection_keeper *keeper, struct connection *connection, int64_t now_us)
{
    uint64_t at_idle = atomic_load(&connection->bytes_at_idle);
    if (at_idle != 0 && bytes_received(connection) > at_idle &&
        atomic_compare_exchange_strong(&connection->bytes_at_idle, &at_idle, 0)) {
        atomic_store(&connection->deadline_us, now_us + keeper->request_us);
        return;
    }
    if (now_us < atomic_load(&connection->deadline_us) || atomic_load(&connection->cut))
        return;
    atomic_store(&connection->cut, true);
    shutdown(connection->fd, SHUT_RDWR);
}

void connection_sleep(struct connection *connection)
{
    struct connection_keeper *keeper = connection->keeper;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
    pthread_mutex_lock(&keeper->lock);
    if (!keeper->stop) {
        MHD_suspend_connection(connection->mhd);
        connection->asleep = epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
        if (!connection->asleep)
            MHD_resume_connection(connection->mhd);
    }
    pthread_mutex_unlock(&keeper->lock);
}

/* Under the lock.  Only the sweeper wakes: an event it holds is of a connection that is there. */
static void wake(struct connection_keeper *keeper, struct connection *connection)
{
    if (!connection->asleep)
        return;
    connection->asleep = false;
    epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    MHD_resume_connection(connection->mhd);
}

/* Under the lock; `stop`: the last time, and nobody may be left asleep. */
static void sweep(struct connection_keeper *keeper, int64_t now_us, bool stop)
{
    for (struct connection *c = keeper->first; c != NULL; c = c->next) {
        look_at(keeper, c, now_us);
        if (stop)
            wake(keeper, c);
    }
}

static void *run_sweeper(void *context)
{
    struct connection_keeper *keeper = context;
    struct epoll_event events[EVENTS_MAX];
    int64_t next_us = clock_monotonic_us() + SWEEP_US;
    bool stop = false;
    while (!stop) {
        const int64_t left_us = next_us - clock_monotonic_us();
        const int wait_ms = left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
        const int count = epoll_wait(keeper->epoll, events, EVENTS_MAX, wait_ms);
        const int64_t now_us = clock_monotonic_us();
        pthread_mutex_lock(&keeper->lock);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL)
                wake(keeper, events[i].data.ptr);
        }
        stop = keeper->stop;
        if (stop || now_us >= next_us) {
            sweep(keeper, now_us, stop);
            next_us = now_us + SWEEP_US;
        }
        pthread_mutex_unlock(&keeper->lock);
    }
    return NULL;
}

int connection_keeper_start(struct connection_keeper *keeper, int64_t request_us, int64_t idle_us,
                            bool counted, struct err *reterr)
{
    struct epoll_event event = {.events = EPOLLIN};
    *keeper = (struct connection_keeper){
        .request_us = request_us, .idle_us = idle_us, .counted = counted};
    pthread_mutex_init(&keeper->lock, NULL);
    keeper->epoll = epoll_create1(EPOLL_CLOEXEC);
    keeper->stopping = eventfd(0, EFD_CLOEXEC);
    keeper->sweeping = keeper->epoll >= 0 && keeper->stopping >= 0 &&
                       epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, keeper->stopping, &event) == 0 &&
                       pthread_create(&keeper->sweeper, NULL, run_sweeper, keeper) == 0;
    if (keeper->sweeping)
        return 0;
    if (keeper->epoll >= 0)
        close(keeper->epoll);
    if (keeper->stopping >= 0)
        close(keeper->stopping);
    return err_set(reterr, ERR_NO_MEMORY, "no thread to watch the connections");
}

void connection_keeper_stop(struct connection_keeper *keeper)
{
    if (!keeper->sweeping)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->stop = true;
    pthread_mutex_unlock(&keeper->lock);
    (void)eventfd_write(keeper->stopping, 1); /* if not: at the next sweep */
    pthread_join(keeper->sweeper, NULL);
    keeper->sweeping = false;
    close(keeper->epoll);
    close(keeper->stopping);
}

static void begin(struct connection_keeper *keeper, struct MHD_Connection *mhd,
                  void **socket_context)
{
    struct connection *connection = calloc(1, sizeof *connection);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (connection == NULL || info == NULL) {
        free(connection);
        return;
    }
    int64_t now_us = clock_monotonic_us();
    connection->keeper = keeper;
    connection->mhd = mhd;
    connection->fd = info->connect_fd;
    atomic_init(&connection->deadline_us, now_us + keeper->request_us);
    atomic_store(&keeper->last_event_us, now_us);
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL)
        transport_attach(connection, info->tls_session);
    pthread_mutex_lock(&keeper->lock);
    connection->next = keeper->first;
    if (keeper->first != NULL)
        keeper->first->before = connection;
    keeper->first = connection;
    keeper->count++;
    pthread_mutex_unlock(&keeper->lock);
    *socket_context = connection;
    if (keeper->counted) {
        metric_add(METRIC_CONNECTIONS_TOTAL, 1);
        metric_add(METRIC_CONNECTIONS, 1);
    }
}

static void report_end(const struct connection *connection, struct MHD_Connection *mhd)
{
    bool cut = atomic_load(&connection->cut);
    metric_add(METRIC_CONNECTIONS, -1);
    if (cut)
        metric_add(METRIC_CONNECTIONS_CUT, 1);
    if (!connection->had_request)
        metric_add(METRIC_CONNECTIONS_WASTED, 1);
    if ((connection->had_request && !cut) || !log_allowed(&wasted_lines))
        return;
    char address[CONNECTION_ADDRESS_BYTES];
    const char *why = connection->had_request ? "it was idle too long, or its request too slow"
                      : cut                   ? "no whole request came in time"
                            : "no request came: not TLS, a failed handshake, or nothing sent";
    log_event(LOG_INFO, "a connection ended", "why", why, "client",
              connection_address(mhd, address), NULL);
}

static void end(struct connection_keeper *keeper, struct connection *connection,
                struct MHD_Connection *mhd)
{
    pthread_mutex_lock(&keeper->lock);
    if (connection->before != NULL)
        connection->before->next = connection->next;
    else
        keeper->first = connection->next;
    if (connection->next != NULL)
        connection->next->before = connection->before;
    keeper->count--;
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->counted)
        report_end(connection, mhd);
    free(connection->ahead);
    free(connection);
}

void connection_notify(void *keeper, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        begin(keeper, mhd, socket_context);
    } else if (*socket_context != NULL) {
        end(keeper, *socket_context, mhd);
        *socket_context = NULL;
    }
}

struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void connection_set_busy(struct connection *connection)
{
    int64_t now_us = clock_monotonic_us();
    connection->had_request = true;
    atomic_store(&connection->keeper->last_event_us, now_us);
    /* A request whose first bytes the sweeper saw keeps the deadline that it got then; in the clear
     * the first one has it from the accept. */
    if (atomic_exchange(&connection->bytes_at_idle, 0) != 0)
        atomic_store(&connection->deadline_us, now_us + connection->keeper->request_us);
}

void connection_set_working(struct connection *connection, bool working)
{
    atomic_store(&connection->deadline_us,
                 working ? INT64_MAX : clock_monotonic_us() + connection->keeper->request_us);
}

void connection_set_idle(struct connection *connection)
{
    /* What was read ahead is of the next request. */
    const uint64_t ahead =
        connection->ahead != NULL ? connection->ahead_end - connection->ahead_at : 0;
    const uint64_t received = bytes_received(connection) - ahead;
    atomic_store(&connection->deadline_us, clock_monotonic_us() + connection->keeper->idle_us);
    atomic_store(&connection->bytes_at_idle, received);
}

const char *connection_address(struct MHD_Connection *mhd, char text[CONNECTION_ADDRESS_BYTES])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char host[NI_MAXHOST > 64 ? 64 : NI_MAXHOST], port[8];
    if (info == NULL || info->client_addr == NULL)
        return "?";
    socklen_t size = info->client_addr->sa_family == AF_INET6 ? 28 : 16; /* sockaddr_in6, _in */
    if (getnameinfo(info->client_addr, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "?";
    snprintf(text, CONNECTION_ADDRESS_BYTES, "%s %s", host, port);
    return text;
}
