/* Clients with one TLS connection and one thread each, who ask again when they are answered.
 *
 *     clients [-c COUNT] [-t SECONDS] [-n FIRST] [-a ASKINGS] [-p PID] PORT REQUEST EXPECT
 *
 * REQUEST is a file with the whole of a request, its head included; in it "########" becomes the
 * number of the asking (eight digits, from FIRST, shared by all), "####" behind a '-' that number
 * modulo 1,000.  Each answer must be a 200 that contains EXPECT.  Without -t it ends after ASKINGS.
 * Prints "name value" lines; times are in nanoseconds.
 */
#include "bench/clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX      1000
#define PLACES_MAX       64
#define REQUEST_MAX      (1UL * 1024UL * 1024UL)
#define ANSWER_BYTES_MAX (4UL * 1024UL * 1024UL)
#define LONG_MARK        "########"
#define SHORT_MARK       "-####"
#define SHORT_NUMBERS    1000U

struct place {
    size_t at;
    bool is_short;
};

struct plan {
    unsigned port;
    const char *expect;
    char *text;
    size_t length;
    struct place places[PLACES_MAX];
    size_t place_count;
    SSL_CTX *context;
    uint64_t askings; /* 0: until the time is over */
    double seconds;
    uint64_t first;
};

struct client {
    pthread_t thread;
    SSL *ssl;
    char *request, *answer;
    int64_t *times;
    size_t count, room;
};

static struct plan plan;
static struct client clients[CLIENTS_MAX];
static atomic_uint_fast64_t next_number;
static pthread_barrier_t begun;
static _Atomic int64_t until_ns;

static _Noreturn void fail(const char *what, const char *more)
{
    fprintf(stderr, "clients: %s: %s\n", what, more);
    exit(2);
}

/* ---- The request ------------------------------------------------------------------------ */

static void find_places(void)
{
    for (char *at = plan.text; (at = strchr(at, '#')) != NULL; at++) {
        const bool is_long = strncmp(at, LONG_MARK, strlen(LONG_MARK)) == 0;
        const bool is_short =
            !is_long && at > plan.text && strncmp(at - 1, SHORT_MARK, strlen(SHORT_MARK)) == 0;
        if (!is_long && !is_short)
            continue;
        if (plan.place_count == PLACES_MAX)
            fail("the request", "too many places");
        plan.places[plan.place_count++] = (struct place){(size_t)(at - plan.text), is_short};
        at += is_long ? strlen(LONG_MARK) - 1 : strlen(SHORT_MARK) - 2;
    }
}

static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    plan.text = calloc(1, REQUEST_MAX + 1);
    if (file == NULL || plan.text == NULL)
        fail("cannot read", path);
    plan.length = fread(plan.text, 1, REQUEST_MAX, file);
    fclose(file);
    find_places();
}

static void write_number(struct client *client, uint64_t number)
{
    char digits[32];
    for (size_t i = 0; i < plan.place_count; i++) {
        const struct place *place = &plan.places[i];
        if (place->is_short)
            snprintf(digits, sizeof digits, "%04u", (unsigned)(number % SHORT_NUMBERS));
        else
            snprintf(digits, sizeof digits, "%08u", (unsigned)(number % 100000000U));
        memcpy(client->request + place->at, digits, strlen(digits));
    }
}

/* ---- A connection ----------------------------------------------------------------------- */

static void connect_client(struct client *client)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)plan.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client->ssl = SSL_new(plan.context);
    if (fd < 0 || client->ssl == NULL ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        SSL_set_fd(client->ssl, fd) != 1 || SSL_connect(client->ssl) != 1)
        fail("cannot connect", "is the server there?");
}

/* How long the whole answer is; 0: its head is not here yet. */
static size_t whole_length(char *answer)
{
    char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *length = strcasestr(answer, "\r\ncontent-length:");
    if (length == NULL || length > end)
        fail("an answer without a length", answer);
    return (size_t)(end + 4 - answer) + (size_t)strtoul(length + 17, NULL, 10);
}

static void read_answer(struct client *client)
{
    size_t length = 0, whole = 0;
    while (whole == 0 || length < whole) {
        const int got =
            SSL_read(client->ssl, client->answer + length, (int)(ANSWER_BYTES_MAX - length));
        if (got <= 0)
            fail("the server closed", "or its answer is too long");
        length += (size_t)got;
        client->answer[length] = '\0';
        if (whole == 0)
            whole = whole_length(client->answer);
    }
    if (strncmp(client->answer, "HTTP/1.1 200", 12) != 0 ||
        strstr(client->answer, plan.expect) == NULL)
        fail("another answer", client->answer);
}

static void keep_time(struct client *client, int64_t ns)
{
    if (client->count == client->room) {
        client->room = 2 * client->room + 1024;
        client->times = realloc(client->times, client->room * sizeof *client->times);
        if (client->times == NULL)
            fail("memory", "out of it");
    }
    client->times[client->count++] = ns;
}

static void *run_client(void *context)
{
    struct client *client = context;
    client->request = malloc(plan.length);
    client->answer = malloc(ANSWER_BYTES_MAX + 1);
    if (client->request == NULL || client->answer == NULL)
        fail("memory", "out of it");
    memcpy(client->request, plan.text, plan.length);
    connect_client(client);
    pthread_barrier_wait(&begun); /* all are connected */
    pthread_barrier_wait(&begun); /* the clock runs */
    /* Once at least: on a busy machine the time may be over before the first answer. */
    while (plan.askings > 0 || client->count == 0 || now_ns() < atomic_load(&until_ns)) {
        const uint64_t number = atomic_fetch_add(&next_number, 1);
        if (plan.askings > 0 && number >= plan.askings)
            break;
        write_number(client, plan.first + number);
        const int64_t from = now_ns();
        if (SSL_write(client->ssl, client->request, (int)plan.length) <= 0)
            fail("the server closed", "before it was asked");
        read_answer(client);
        keep_time(client, now_ns() - from);
    }
    return NULL;
}

/* ---- All of them ------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static void tell(size_t count, int64_t took_ns, int64_t server_ns)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += clients[i].count;
    int64_t *times = calloc(total + 1, sizeof *times);
    if (times == NULL || total == 0)
        fail("nothing", "was answered");
    for (size_t i = 0; i < count; i++) {
        memcpy(times + at, clients[i].times, clients[i].count * sizeof *times);
        at += clients[i].count;
    }
    qsort(times, total, sizeof *times, compare);
    printf("answers %zu\nrate %.1f\n", total, (double)total * 1e9 / (double)took_ns);
    printf("p50_ns %lld\np99_ns %lld\np999_ns %lld\nmax_ns %lld\n", (long long)times[total / 2],
           (long long)times[total * 99 / 100], (long long)times[total * 999 / 1000],
           (long long)times[total - 1]);
    printf("server_ns %lld\nserver_per_answer_ns %.0f\n", (long long)server_ns,
           (double)server_ns / (double)total);
    free(times);
}

static size_t read_flags(int argc, char **argv, long *ret_pid)
{
    size_t count = 1;
    plan.seconds = 1;
    for (int flag; (flag = getopt(argc, argv, "c:t:n:a:p:")) != -1;) {
        if (flag == 'c')
            count = strtoul(optarg, NULL, 10);
        else if (flag == 't')
            plan.seconds = strtod(optarg, NULL);
        else if (flag == 'n')
            plan.first = strtoull(optarg, NULL, 10);
        else if (flag == 'a')
            plan.askings = strtoull(optarg, NULL, 10);
        else if (flag == 'p')
            *ret_pid = strtol(optarg, NULL, 10);
        else
            fail("flags", "unknown");
    }
    if (argc - optind != 3 || count == 0 || count > CLIENTS_MAX)
        fail("usage", "clients [-c COUNT] [-t SECONDS] [-n FIRST] [-a ASKINGS] [-p PID] PORT "
                      "REQUEST EXPECT");
    plan.port = (unsigned)strtoul(argv[optind], NULL, 10);
    plan.expect = argv[optind + 2];
    return count;
}

int main(int argc, char **argv)
{
    long pid = 0;
    const size_t count = read_flags(argc, argv, &pid);
    read_request(argv[optind + 1]);
    signal(SIGPIPE, SIG_IGN);
    plan.context = SSL_CTX_new(TLS_client_method());
    if (plan.context == NULL || pthread_barrier_init(&begun, NULL, (unsigned)count + 1) != 0)
        fail("memory", "out of it");
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            fail("a thread", "cannot be made");
    pthread_barrier_wait(&begun);
    const int64_t server_from = cpu_ns(pid), from = now_ns();
    atomic_store(&until_ns, from + (int64_t)(plan.seconds * 1e9));
    pthread_barrier_wait(&begun);
    for (size_t i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL);
    const int64_t took_ns = now_ns() - from;
    tell(count, took_ns, cpu_ns(pid) - server_from);
    for (size_t i = 0; i < count; i++) {
        SSL_free(clients[i].ssl);
        free(clients[i].request);
        free(clients[i].answer);
        free(clients[i].times);
    }
    SSL_CTX_free(plan.context);
    free(plan.text);
    return 0;
}
