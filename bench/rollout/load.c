/* Constant load on an address, and what became of each request.
 *
 *     load ADDRESS PORT RATE DEADLINE_MS <marks >log
 *
 * Two flows at once, RATE requests a second each: `new` makes a connection for each request, `kept`
 * uses connections again.  The loop is open: a request is sent when its time has come, whatever
 * became of those before, so an outage is not missed for want of answers.
 *
 * The log has a line a request, in the order in which they end:
 *     MS FLOW RESULT LATE_MS TOOK_MS REPEATED
 * when its time was since the start, how late it was sent, how long it took from then, and whether
 * it was sent twice.  That is done once, on a new connection, when a connection that was used
 * before ends without a byte of an answer, as HTTP has it for a GET (RFC 9110, 9.2.2) and browsers,
 * curl, Go and proxies do.  A line of standard input is put into the log as `MS mark LINE`, and its
 * end ends the load, after the last answer.
 *
 * Each connection takes the next source port of a long range.  A SYN to a pod that has just gone
 * leaves an entry in the node's connection tracking for two minutes; a port chosen by the kernel
 * may meet it, and fail for another rollout's sake.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX  1024
#define EVENTS      64
#define STATUS_LINE "HTTP/1.1 "
#define PORT_FIRST  12000
#define PORT_LAST   59999
#define PORT_TRIES  1024
#define RATE_MAX    10000
#define US_PER_MS   1000
#define US_PER_S    1000000

enum flow { FLOW_NEW, FLOW_KEPT, FLOW_COUNT };
enum state { STATE_FREE, STATE_CONNECTING, STATE_WAITING, STATE_IDLE };
enum result {
    RESULT_OK,
    RESULT_REFUSED,
    RESULT_RESET,
    RESULT_TIMEOUT,
    RESULT_UNREACHABLE,
    RESULT_5XX,
    RESULT_OTHER
};

static const char *const flow_names[] = {"new", "kept"};
static const char *const result_names[] = {"ok",          "refused", "reset", "timeout",
                                           "unreachable", "5xx",     "other"};

struct request {
    enum flow flow;
    bool repeated;
    int64_t due_us, sent_us;
};

struct conn {
    int fd;
    enum state state;
    bool used; /* it has answered before */
    struct request request;
    int64_t idle_since_us;
    size_t got;
    char answer[ANSWER_MAX];
};

struct load {
    struct sockaddr_in to;
    char text[FLOW_COUNT][256];
    int64_t start_us, period_us, deadline_us;
    int epoll;
    uint16_t port;
    struct conn *conns;
    size_t conn_count;
};

static void begin(struct load *load, struct request request, bool fresh);

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static double in_ms(int64_t us)
{
    return (double)us / US_PER_MS;
}

/* ---- how a request ends */

static void release(struct conn *conn)
{
    close(conn->fd);
    conn->state = STATE_FREE;
}

static void report(struct load *load, const struct request *request, enum result result)
{
    printf("%.1f %s %s %.1f %.1f %d\n", in_ms(request->due_us - load->start_us),
           flow_names[request->flow], result_names[result],
           in_ms(request->sent_us - request->due_us), in_ms(clock_us() - request->sent_us),
           request->repeated);
}

static enum result result_of_errno(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return RESULT_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return RESULT_RESET;
    case ETIMEDOUT:
        return RESULT_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
        return RESULT_UNREACHABLE;
    default:
        return RESULT_OTHER;
    }
}

/* The connection broke; number is 0 where the other side closed it. */
static void broken(struct load *load, struct conn *conn, int number)
{
    struct request request = conn->request;
    bool again = conn->used && conn->got == 0 && !request.repeated;
    release(conn);
    if (!again) {
        report(load, &request, number == 0 ? RESULT_RESET : result_of_errno(number));
        return;
    }
    request.repeated = true;
    begin(load, request, true);
}

static void answered(struct load *load, struct conn *conn, enum result result, bool close_it)
{
    report(load, &conn->request, result);
    if (close_it || conn->request.flow == FLOW_NEW) {
        release(conn);
        return;
    }
    conn->state = STATE_IDLE;
    conn->used = true;
    conn->idle_since_us = clock_us();
}

/* ---- how it begins */

static struct conn *find_free(struct load *load)
{
    for (size_t i = 0; i < load->conn_count; i++)
        if (load->conns[i].state == STATE_FREE)
            return &load->conns[i];
    return NULL;
}

/* The one that was used last, as clients do: what is no longer needed is left to end. */
static struct conn *find_idle(struct load *load)
{
    struct conn *found = NULL;
    for (size_t i = 0; i < load->conn_count; i++) {
        struct conn *conn = &load->conns[i];
        if (conn->state == STATE_IDLE &&
            (found == NULL || conn->idle_since_us > found->idle_since_us))
            found = conn;
    }
    return found;
}

static bool bind_next(struct load *load, int fd)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    for (int i = 0; i < PORT_TRIES; i++) {
        load->port = load->port >= PORT_LAST ? PORT_FIRST : (uint16_t)(load->port + 1);
        from.sin_port = htons(load->port);
        if (bind(fd, (const struct sockaddr *)&from, sizeof from) == 0)
            return true;
    }
    return false;
}

static void send_request(struct load *load, struct conn *conn)
{
    const char *text = load->text[conn->request.flow];
    conn->state = STATE_WAITING;
    if (send(conn->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        broken(load, conn, errno);
}

static void open_conn(struct load *load, struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = conn};
    int on = 1;
    conn->used = false;
    conn->state = STATE_CONNECTING;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || !bind_next(load, conn->fd) ||
        setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        fail("a connection");
    if (connect(conn->fd, (const struct sockaddr *)&load->to, sizeof load->to) != 0 &&
        errno != EINPROGRESS)
        broken(load, conn, errno);
}

static void begin(struct load *load, struct request request, bool fresh)
{
    struct conn *conn = NULL;
    if (request.flow == FLOW_KEPT && !fresh)
        conn = find_idle(load);
    if (conn == NULL)
        conn = find_free(load);
    if (conn == NULL) {
        errno = EMFILE;
        fail("more requests under way than can be at this rate");
    }
    conn->request = request;
    conn->got = 0;
    if (conn->state == STATE_IDLE)
        send_request(load, conn);
    else
        open_conn(load, conn);
}

/* ---- what is heard meanwhile */

/* Looks whether the answer is whole.  One without a length is no answer of the app's. */
static void read_answer(struct load *load, struct conn *conn)
{
    const char *end = strstr(conn->answer, "\r\n\r\n");
    const char *length = strstr(conn->answer, "Content-Length: ");
    if (end == NULL)
        return;
    if (length == NULL || strncmp(conn->answer, STATUS_LINE, strlen(STATUS_LINE)) != 0) {
        answered(load, conn, RESULT_OTHER, true);
        return;
    }
    long status = strtol(conn->answer + strlen(STATUS_LINE), NULL, 10);
    size_t whole = (size_t)(end - conn->answer) + 4 + strtoul(length + 16, NULL, 10);
    if (whole >= ANSWER_MAX)
        answered(load, conn, RESULT_OTHER, true);
    else if (conn->got >= whole)
        answered(load, conn,
                 status == 200  ? RESULT_OK
                 : status < 500 ? RESULT_OTHER
                                : RESULT_5XX,
                 strstr(conn->answer, "Connection: close") != NULL);
}

static void receive(struct load *load, struct conn *conn)
{
    while (conn->state == STATE_WAITING) {
        ssize_t got = recv(conn->fd, conn->answer + conn->got, ANSWER_MAX - 1 - conn->got, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            broken(load, conn, got < 0 ? errno : 0);
            return;
        }
        conn->got += (size_t)got;
        conn->answer[conn->got] = '\0';
        read_answer(load, conn);
    }
}

static void hear(struct load *load, struct conn *conn, uint32_t events)
{
    int number = 0;
    socklen_t size = sizeof number;
    if (conn->state == STATE_IDLE && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        release(conn); /* nothing was under way: nobody notices */
    if (conn->state == STATE_CONNECTING) {
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
            fail("getsockopt");
        if (number != 0)
            broken(load, conn, number);
        else if ((events & EPOLLOUT) != 0)
            send_request(load, conn);
    }
    if (conn->state == STATE_WAITING)
        receive(load, conn);
}

static void end_overdue(struct load *load)
{
    int64_t before = clock_us() - load->deadline_us;
    for (size_t i = 0; i < load->conn_count; i++) {
        struct conn *conn = &load->conns[i];
        if ((conn->state == STATE_CONNECTING || conn->state == STATE_WAITING) &&
            conn->request.sent_us <= before) {
            report(load, &conn->request, RESULT_TIMEOUT);
            release(conn);
        }
    }
}

static bool under_way(const struct load *load)
{
    for (size_t i = 0; i < load->conn_count; i++)
        if (load->conns[i].state == STATE_CONNECTING || load->conns[i].state == STATE_WAITING)
            return true;
    return false;
}

/* Marks come a whole line at a time.  False at the end of them. */
static bool read_marks(const struct load *load)
{
    char line[256];
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return false;
    line[got] = '\0';
    for (char *rest = line, *mark; (mark = strsep(&rest, "\n")) != NULL;)
        if (*mark != '\0')
            printf("%.1f mark %s\n", in_ms(clock_us() - load->start_us), mark);
    fflush(stdout);
    return true;
}

/* ---- the loop */

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    int64_t next_us[FLOW_COUNT] = {load->start_us, load->start_us + load->period_us / 2};
    bool going = true;
    while (going || under_way(load)) {
        int count = epoll_wait(load->epoll, events, EVENTS, 1);
        for (int i = 0; i < count; i++)
            hear(load, events[i].data.ptr, events[i].events);
        end_overdue(load);
        going = going && read_marks(load);
        for (enum flow flow = 0; flow < FLOW_COUNT && going; flow++)
            for (int64_t now = clock_us(); next_us[flow] <= now; next_us[flow] += load->period_us)
                begin(load, (struct request){flow, false, next_us[flow], clock_us()}, false);
    }
}

int main(int argc, char **argv)
{
    struct load load = {
        .to.sin_family = AF_INET,
    };
    long rate = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    if (rate < 1 || rate > RATE_MAX || inet_pton(AF_INET, argv[1], &load.to.sin_addr) != 1) {
        fprintf(stderr, "usage: load ADDRESS PORT RATE DEADLINE_MS <marks >log\n");
        return 2;
    }
    load.to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    load.period_us = US_PER_S / rate;
    load.deadline_us = strtol(argv[4], NULL, 10) * US_PER_MS;
    for (int flow = 0; flow < FLOW_COUNT; flow++)
        snprintf(load.text[flow], sizeof load.text[flow], "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n",
                 argv[1], flow == FLOW_NEW ? "Connection: close\r\n" : "");
    load.conn_count = (size_t)(2 * FLOW_COUNT * (load.deadline_us / load.period_us + 64));
    load.conns = calloc(load.conn_count, sizeof *load.conns);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (load.conns == NULL || load.epoll < 0 || flags < 0 ||
        fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0)
        fail("load");
    load.start_us = clock_us();
    load.port = (uint16_t)(PORT_FIRST + load.start_us % (PORT_LAST - PORT_FIRST));
    run(&load);
    free(load.conns);
    return 0;
}
