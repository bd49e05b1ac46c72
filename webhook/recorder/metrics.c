#include "recorder/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define CLASSES 6 /* of HTTP statuses; 0: none that there is */
#define RELAXED memory_order_relaxed

static const struct {
    const char *kind, *name, *help;
} rows[METRICS_COUNT] = {
#define METRICS_ROW(id, kind, name, help) [METRICS_##id] = {kind, name, help},
    METRICS_TABLE(METRICS_ROW)
#undef METRICS_ROW
};

static _Atomic int64_t values[METRICS_COUNT];
static struct metric_histogram intent_seconds, api_seconds;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct route {
    const char *name;
    uint64_t requests[CLASSES];
} routes[METRICS_ROUTES_MAX + 1]; /* the last one is "other" */
static size_t route_count;

void metrics_add(enum metrics metric, int64_t amount)
{
    atomic_fetch_add_explicit(&values[metric], amount, RELAXED);
}

void metrics_set(enum metrics metric, int64_t value)
{
    atomic_store_explicit(&values[metric], value, RELAXED);
}

int64_t metrics_get(enum metrics metric)
{
    return atomic_load_explicit(&values[metric], RELAXED);
}

void metrics_intent_seconds(int64_t microseconds)
{
    metric_observe(&intent_seconds, microseconds);
}

/* Under the lock. */
static struct route *find_route(const char *name)
{
    for (size_t i = 0; i < route_count; i++) {
        if (routes[i].name == name || strcmp(routes[i].name, name) == 0)
            return &routes[i];
    }
    if (route_count == METRICS_ROUTES_MAX)
        return &routes[METRICS_ROUTES_MAX];
    routes[route_count].name = name;
    return &routes[route_count++];
}

void metrics_api_request(const char *route, int status, int64_t microseconds)
{
    const int class = status / 100;
    metric_observe(&api_seconds, microseconds);
    pthread_mutex_lock(&lock);
    find_route(route)->requests[class > 0 && class < CLASSES ? class : 0]++;
    pthread_mutex_unlock(&lock);
}

static void write_route(struct buf *buf, const struct route *route, const char *name)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (route->requests[class] == 0)
            continue;
        buf_add_string(buf, "proctor_api_requests_total{route=");
        metric_write_label(buf, name);
        buf_printf(buf, ",status=\"%uxx\"} %llu\n", class,
                   (unsigned long long)route->requests[class]);
    }
}

static void write_api(struct buf *buf)
{
    metric_write_head(buf, "api_requests_total", "counter", "Requests of the API, answered.");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < route_count; i++)
        write_route(buf, &routes[i], routes[i].name);
    write_route(buf, &routes[METRICS_ROUTES_MAX], "other");
    pthread_mutex_unlock(&lock);
    metric_write_head(buf, "api_request_seconds", "histogram",
                      "From a request's last byte read to its answer handed over.");
    metric_write_histogram(buf, "api_request_seconds", "", &api_seconds);
}

void metrics_write(struct buf *buf, const char *digest, const char *mode, const char *version)
{
    for (size_t i = 0; i < METRICS_COUNT; i++) {
        metric_write_head(buf, rows[i].name, rows[i].kind, rows[i].help);
        buf_printf(buf, "proctor_%s %lld\n", rows[i].name, (long long)metrics_get((enum metrics)i));
    }
    metric_write_head(buf, "intent_seconds", "histogram",
                      "From a change's last byte read to its answer handed over.");
    metric_write_histogram(buf, "intent_seconds", "", &intent_seconds);
    write_api(buf);
    metric_write_server(buf, digest, mode, version);
}
