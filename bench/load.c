/* The load: one thread, many TLS connections, one request said over and over.
 *
 *     load closed  [flags] PORT PATH BODY    each connection asks again when it is answered
 *     load open    [flags] PORT PATH BODY    asks at -r a second, whatever the answers do; a time
 *                                            is counted from when its request was due, so that a
 *                                            server that stalls does not hide those that wait
 *     load burst   [flags] PORT PATH BODY    rounds of -c requests at once; -k connections are
 *                                            kept between rounds, the rest are new, as the API
 *                                            server has them
 *     load connect [flags] PORT              rounds of -c handshakes at once
 *
 * -c connections, -k kept, -r rate, -t seconds, -p the server's process (its CPU time is reported),
 * -e what each answer must contain.  Prints "name value" lines; times are in nanoseconds.
 */
#include "bench/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (256UL * 1024UL)
#define CONNECTIONS_MAX  4096
#define STALL_NS         20000000000L

/* A histogram as HdrHistogram's: 128 steps to each power of two, so no time is off by 1 %. */
#define STEP_BITS 7
#define STEPS     (1 << STEP_BITS)
#define RANGES    40

struct connection {
    SSL *ssl;
    int fd;
    bool greeted, busy, reading;
    size_t sent, length; /* of the request, of the answer */
    size_t expected;     /* the whole answer; 0: its head is not here yet */
    int64_t due_ns;
    char *answer;
};

struct load {
    const char *mode, *path, *expect;
    unsigned port;
    long pid;
    int count, kept;
    double rate, seconds;
    char *request;
    size_t request_length;
    SSL_CTX *context;
    int epoll;
    struct connection connections[CONNECTIONS_MAX];
    int busy, greeted;
    uint64_t answers, handshakes;
    uint64_t histogram[RANGES * STEPS];
};

static _Noreturn void fail(const char *what, const char *more)
{
    fprintf(stderr, "load: %s: %s\n", what, more);
    exit(2);
}

static void count_time(struct load *load, int64_t ns)
{
    const uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    int shift = 0;
    while (value >> shift >= 2 * STEPS)
        shift++;
    size_t at = ((size_t)shift << STEP_BITS) + (size_t)(value >> shift);
    const size_t most = sizeof load->histogram / sizeof load->histogram[0] - 1;
    load->histogram[at < most ? at : most]++;
}

static double percentile(const struct load *load, double part)
{
    const size_t most = sizeof load->histogram / sizeof load->histogram[0];
    uint64_t sum = 0, total = 0;
    for (size_t i = 0; i < most; i++)
        total += load->histogram[i];
    for (size_t i = 0; i < most; i++) {
        sum += load->histogram[i];
        if (total > 0 && (double)sum >= part * (double)total) {
            if (i < 2 * STEPS)
                return (double)i;
            const size_t shift = (i >> STEP_BITS) - 1;
            return (double)((i - (shift << STEP_BITS) + 1) << shift);
        }
    }
    return 0;
}

static void open_connection(struct load *load, struct connection *connection)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)load->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char *answer = connection->answer != NULL ? connection->answer : malloc(ANSWER_BYTES_MAX + 1);
    *connection = (struct connection){.ssl = SSL_new(load->context), .fd = fd, .answer = answer};
    if (fd < 0 || answer == NULL || connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1)
        fail("a connection", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL_set_connect_state(connection->ssl);
    if ((connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("cannot connect", strerror(errno));
}

static void close_connection(struct load *load, struct connection *connection)
{
    if (connection->greeted)
        load->greeted--;
    SSL_shutdown(connection->ssl);
    SSL_free(connection->ssl);
    close(connection->fd);
    connection->ssl = NULL;
    connection->greeted = false;
}

/* Whether to try again later; any other trouble ends the run. */
static bool must_wait(struct connection *connection, int r)
{
    const int error = SSL_get_error(connection->ssl, r);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return true;
    fail("the server closed, or broke TLS", connection->greeted ? "in a request" : "handshake");
}

/* The whole length of the answer, once its head is here. */
static size_t find_length(const struct connection *connection)
{
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *line = strcasestr(connection->answer, "\r\ncontent-length:");
    if (line == NULL || line > end || strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0)
        fail("no good answer", connection->answer);
    return (size_t)(end + 4 - connection->answer) + strtoul(line + 17, NULL, 10);
}

/* True when the whole answer is here. */
static bool read_answer(struct load *load, struct connection *connection)
{
    for (;;) {
        const int r = SSL_read(connection->ssl, connection->answer + connection->length,
                               (int)(ANSWER_BYTES_MAX - connection->length));
        if (r <= 0)
            return !must_wait(connection, r);
        connection->length += (size_t)r;
        connection->answer[connection->length] = '\0';
        if (connection->expected == 0)
            connection->expected = find_length(connection);
        if (connection->expected == 0 || connection->length < connection->expected)
            continue;
        if (load->expect != NULL && strstr(connection->answer, load->expect) == NULL)
            fail("another answer than expected", connection->answer);
        return true;
    }
}

/* As far as it goes without waiting; true when a request was answered. */
static bool go_on(struct load *load, struct connection *connection)
{
    if (!connection->greeted) {
        const int r = SSL_do_handshake(connection->ssl);
        if (r != 1)
            return !must_wait(connection, r);
        connection->greeted = true;
        load->greeted++;
        load->handshakes++;
    }
    if (!connection->busy)
        return false;
    while (connection->sent < load->request_length) {
        const int r = SSL_write(connection->ssl, load->request + connection->sent,
                                (int)(load->request_length - connection->sent));
        if (r <= 0)
            return !must_wait(connection, r);
        connection->sent += (size_t)r;
    }
    if (!read_answer(load, connection))
        return false;
    connection->busy = false;
    load->busy--;
    load->answers++;
    count_time(load, now_ns() - connection->due_ns);
    return true;
}

static bool ask(struct load *load, struct connection *connection, int64_t due_ns)
{
    connection->busy = true;
    connection->sent = connection->length = connection->expected = 0;
    connection->due_ns = due_ns;
    load->busy++;
    return go_on(load, connection);
}

/* Waits at most `wait_ms`, goes on with what can; `again` asks at once on an answered one. */
static void turn(struct load *load, int wait_ms, bool again)
{
    static int64_t last_ns;
    struct epoll_event events[512];
    const int count = epoll_wait(load->epoll, events, 512, wait_ms);
    const int64_t time_ns = now_ns();
    if (count > 0 || last_ns == 0)
        last_ns = time_ns;
    else if (load->busy > 0 && time_ns - last_ns > STALL_NS)
        fail("no answer", "for 20 s");
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        bool answered = connection->ssl != NULL && go_on(load, connection);
        while (answered && again)
            answered = ask(load, connection, now_ns());
    }
}

static void open_all(struct load *load, int from)
{
    for (int i = from; i < load->count; i++)
        open_connection(load, &load->connections[i]);
}

static void greet_all(struct load *load)
{
    open_all(load, 0);
    while (load->greeted < load->count)
        turn(load, 1000, false);
}

static void run_closed(struct load *load, int64_t end_ns, bool first)
{
    if (first)
        greet_all(load);
    for (int i = 0; first && i < load->count; i++) {
        while (ask(load, &load->connections[i], now_ns()))
            ;
    }
    do
        turn(load, 100, true);
    while (load->answers == 0 || now_ns() < end_ns);
}

/* Due times stand in a row from the start; a request whose time has come waits for a free
 * connection with the clock running. */
static void run_open(struct load *load, int64_t end_ns, bool first)
{
    if (first)
        greet_all(load);
    const int64_t start_ns = now_ns();
    int64_t number = 0;
    int next = 0;
    for (;;) {
        const int64_t due_ns = start_ns + (int64_t)((double)number * 1e9 / load->rate);
        if (due_ns >= end_ns && load->busy == 0)
            return;
        const int64_t time_ns = now_ns();
        if (due_ns < end_ns && time_ns >= due_ns && load->busy < load->count) {
            while (load->connections[next].busy)
                next = (next + 1) % load->count;
            ask(load, &load->connections[next], due_ns);
            next = (next + 1) % load->count;
            number++;
        } else if (due_ns >= end_ns || due_ns - time_ns < 2000000 || load->busy == load->count) {
            turn(load, 0, false);
        } else {
            turn(load, 1, false);
        }
    }
}

static void run_burst(struct load *load, int64_t end_ns, bool first)
{
    if (first)
        for (int i = 0; i < load->kept; i++)
            open_connection(load, &load->connections[i]);
    do {
        open_all(load, load->kept);
        for (int i = 0; i < load->count; i++)
            ask(load, &load->connections[i], now_ns());
        while (load->busy > 0)
            turn(load, 1000, false);
        for (int i = load->kept; i < load->count; i++)
            close_connection(load, &load->connections[i]);
    } while (now_ns() < end_ns);
}

static void run_connect(struct load *load, int64_t end_ns, bool first)
{
    (void)first;
    do {
        greet_all(load);
        for (int i = 0; i < load->count; i++)
            close_connection(load, &load->connections[i]);
    } while (now_ns() < end_ns);
}

static void read_request(struct load *load, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *body = malloc(16UL << 20);
    if (file == NULL || body == NULL)
        fail("cannot read", path);
    const size_t length = fread(body, 1, 16UL << 20, file);
    fclose(file);
    load->request = malloc(length + 512);
    if (load->request == NULL)
        fail("memory", "none");
    const int head =
        snprintf(load->request, 512,
                 "POST %.200s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json"
                 "\r\nAccept: application/json, */*\r\nContent-Length: %zu\r\n\r\n",
                 load->path, length);
    memcpy(load->request + head, body, length);
    load->request_length = (size_t)head + length;
    free(body);
}

static void read_flags(struct load *load, int argc, char **argv)
{
    for (int letter; (letter = getopt(argc, argv, "c:k:r:t:p:e:")) != -1;) {
        switch (letter) {
        case 'c':
            load->count = (int)strtol(optarg, NULL, 10);
            break;
        case 'k':
            load->kept = (int)strtol(optarg, NULL, 10);
            break;
        case 'r':
            load->rate = strtod(optarg, NULL);
            break;
        case 't':
            load->seconds = strtod(optarg, NULL);
            break;
        case 'p':
            load->pid = strtol(optarg, NULL, 10);
            break;
        case 'e':
            load->expect = optarg;
            break;
        default:
            fail("usage", "see bench/load.c");
        }
    }
    const bool bare = strcmp(load->mode, "connect") == 0;
    if (argc - optind != (bare ? 1 : 3) || load->count < 1 || load->count > CONNECTIONS_MAX ||
        load->kept > load->count || load->rate <= 0)
        fail("usage", "see bench/load.c");
    load->port = (unsigned)strtoul(argv[optind], NULL, 10);
    if (bare)
        return;
    load->path = argv[optind + 1];
    read_request(load, argv[optind + 2]);
}

static void report(const struct load *load, double wall_ns, double server_ns)
{
    const double answers = load->answers > 0 ? (double)load->answers : 1;
    const double handshakes = load->handshakes > 0 ? (double)load->handshakes : 1;
    printf("answers %llu\nhandshakes %llu\nrate %.1f\nhandshake_rate %.1f\nserver_ns %.0f\n"
           "server_per_answer_ns %.0f\nserver_per_handshake_ns %.0f\nserver_part %.3f\n",
           (unsigned long long)load->answers, (unsigned long long)load->handshakes,
           answers / wall_ns * 1e9, handshakes / wall_ns * 1e9, server_ns, server_ns / answers,
           server_ns / handshakes, server_ns / wall_ns);
    printf("p50_ns %.0f\np99_ns %.0f\np999_ns %.0f\n", percentile(load, 0.5),
           percentile(load, 0.99), percentile(load, 0.999));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct load *load, int64_t end_ns, bool first);
    } modes[] = {
        {"closed", run_closed}, {"open", run_open}, {"burst", run_burst}, {"connect", run_connect}};
    static struct load load = {.count = 1, .rate = 1, .seconds = 1};
    size_t mode = 0;
    if (argc < 2)
        fail("usage", "see bench/load.c");
    load.mode = argv[1];
    while (mode < 4 && strcmp(modes[mode].name, load.mode) != 0)
        mode++;
    if (mode == 4)
        fail("no such mode", load.mode);
    read_flags(&load, argc - 1, argv + 1);
    signal(SIGPIPE, SIG_IGN);
    load.context = SSL_CTX_new(TLS_client_method());
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.context == NULL || load.epoll < 0)
        fail("cannot start", strerror(errno));
    SSL_CTX_set_mode(load.context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(load.context, SSL_SESS_CACHE_OFF);
    const int64_t length_ns = (int64_t)(load.seconds * 1e9);
    modes[mode].run(&load, now_ns() + length_ns / 5, true); /* warm, not counted */
    load.answers = load.handshakes = 0;
    memset(load.histogram, 0, sizeof load.histogram);
    const int64_t start_ns = now_ns(), cpu_start_ns = cpu_ns(load.pid);
    modes[mode].run(&load, start_ns + length_ns, false);
    const int64_t cpu_end_ns = cpu_ns(load.pid), end_ns = now_ns();
    report(&load, (double)(end_ns - start_ns), (double)(cpu_end_ns - cpu_start_ns));
    return 0;
}
