#include "net/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHASES     3
#define OPERATIONS 5

static const struct {
    const char *kind, *name, *help;
} rows[METRIC_COUNT] = {
#define METRIC_ROW(id, kind, name, help) [METRIC_##id] = {kind, name, help},
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

const char *const metric_outcome_names[OUTCOME_COUNT] = {"allowed", "patched", "denied",
                                                         "not_judged", "error"};
static const char *const effect_names[EFFECT_COUNT] = {"deny", "warn", "audit", "change"};
static const char *const phase_names[PHASES] = {"mutate", "validate", "policies"};
static const char *const operation_names[OPERATIONS] = {"CREATE", "UPDATE", "DELETE", "CONNECT",
                                                        "other"};

static const struct {
    int64_t microseconds;
    const char *text;
} buckets[] = {
    {50, "5e-05"},    {100, "0.0001"},  {250, "0.00025"},    {500, "0.0005"},  {1000, "0.001"},
    {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},     {25000, "0.025"}, {50000, "0.05"},
    {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},     {1000000, "1"},   {2500000, "2.5"},
    {5000000, "5"},   {10000000, "10"}, {INT64_MAX, "+Inf"},
};
_Static_assert(sizeof buckets / sizeof buckets[0] == METRIC_BUCKETS, "METRIC_BUCKETS");

#define METRIC_ONE(id, kind, name, help) +1
enum { METRIC_SERVER_COUNT = METRIC_SERVER_TABLE(METRIC_ONE) };
#undef METRIC_ONE

static _Atomic int64_t values[METRIC_COUNT];
static _Atomic uint64_t requests[PHASES][OUTCOME_COUNT][OPERATIONS];
static _Atomic uint64_t errors[ERR_WEBHOOK_COUNT];
static struct metric_histogram request_seconds[PHASES];

static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric_rule rules[METRIC_RULES_MAX + 1]; /* the last one is "other" */
static size_t rule_count;

#define RELAXED memory_order_relaxed

void metric_add(enum metric metric, int64_t amount)
{
    atomic_fetch_add_explicit(&values[metric], amount, RELAXED);
}

void metric_set(enum metric metric, int64_t value)
{
    atomic_store_explicit(&values[metric], value, RELAXED);
}

int64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&values[metric], RELAXED);
}

unsigned metric_operation_index(unsigned operation_bit)
{
    for (unsigned i = 0; i < OPERATIONS - 1; i++) {
        if (operation_bit == 1U << i)
            return i;
    }
    return OPERATIONS - 1;
}

void metric_request(unsigned phase, enum metric_outcome outcome, unsigned operation,
                    int64_t microseconds)
{
    atomic_fetch_add_explicit(&requests[phase][outcome][operation], 1, RELAXED);
    metric_observe(&request_seconds[phase], microseconds);
}

void metric_observe(struct metric_histogram *histogram, int64_t microseconds)
{
    size_t i = 0;
    while (microseconds > buckets[i].microseconds)
        i++;
    atomic_fetch_add_explicit(&histogram->counts[i], 1, RELAXED);
    atomic_fetch_add_explicit(&histogram->sum_us, (uint64_t)microseconds, RELAXED);
}

void metric_error(int code)
{
    int row = code < 0 ? -code : code;
    if (row >= ERR_WEBHOOK_COUNT)
        row = ERR_INTERNAL;
    atomic_fetch_add_explicit(&errors[row], 1, RELAXED);
}

struct metric_rule *metric_rule_find(const char *full_id)
{
    struct metric_rule *found = &rules[METRIC_RULES_MAX];
    pthread_mutex_lock(&rules_lock);
    for (size_t i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].id, full_id) == 0) {
            found = &rules[i];
            break;
        }
    }
    if (found == &rules[METRIC_RULES_MAX] && rule_count < METRIC_RULES_MAX) {
        char *id = strdup(full_id);
        if (id != NULL) {
            found = &rules[rule_count++];
            found->id = id;
        }
    }
    pthread_mutex_unlock(&rules_lock);
    return found;
}

void metric_write_head(struct buf *buf, const char *name, const char *kind, const char *help)
{
    buf_printf(buf, "# HELP proctor_%s %s\n# TYPE proctor_%s %s\n", name, help, name, kind);
}

/* A label's value, quoted: backslash, quote and newline are escaped (exposition format 0.0.4). */
void metric_write_label(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            buf_add_string(buf, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\')
            buf_add_char(buf, '\\');
        buf_add_char(buf, *text);
    }
    buf_add_char(buf, '"');
}

static void write_requests(struct buf *buf)
{
    metric_write_head(buf, "requests_total", "counter", "Reviews answered.");
    for (unsigned p = 0; p < PHASES; p++) {
        for (unsigned o = 0; o < OUTCOME_COUNT * OPERATIONS; o++) {
            unsigned outcome = o / OPERATIONS, operation = o % OPERATIONS;
            uint64_t count = atomic_load_explicit(&requests[p][outcome][operation], RELAXED);
            if (count > 0)
                buf_printf(buf,
                           "proctor_requests_total{phase=\"%s\",outcome=\"%s\",operation=\"%s\"} "
                           "%llu\n",
                           phase_names[p], metric_outcome_names[outcome],
                           operation_names[operation], (unsigned long long)count);
        }
    }
}

static void write_errors(struct buf *buf)
{
    metric_write_head(buf, "errors_total", "counter", "Requests that failed, by what was wrong.");
    for (int code = 1; code < ERR_WEBHOOK_COUNT; code++)
        buf_printf(buf, "proctor_errors_total{error=\"%s\"} %llu\n", err_label(code),
                   (unsigned long long)atomic_load_explicit(&errors[code], RELAXED));
}

void metric_write_histogram(struct buf *buf, const char *name, const char *labels,
                            const struct metric_histogram *histogram)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        total += atomic_load_explicit(&histogram->counts[i], RELAXED);
        buf_printf(buf, "proctor_%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels, comma,
                   buckets[i].text, (unsigned long long)total);
    }
    uint64_t sum = atomic_load_explicit(&histogram->sum_us, RELAXED);
    const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "";
    buf_printf(buf, "proctor_%s_sum%s%s%s %llu.%06llu\nproctor_%s_count%s%s%s %llu\n", name, open,
               labels, close, (unsigned long long)(sum / 1000000),
               (unsigned long long)(sum % 1000000), name, open, labels, close,
               (unsigned long long)total);
}

static void write_histograms(struct buf *buf)
{
    metric_write_head(buf, "request_seconds", "histogram",
                      "From a review's last byte read to its answer handed over.");
    for (unsigned p = 0; p < PHASES; p++) {
        char label[32];
        snprintf(label, sizeof label, "phase=\"%s\"", phase_names[p]);
        metric_write_histogram(buf, "request_seconds", label, &request_seconds[p]);
    }
}

static void write_rule(struct buf *buf, const struct metric_rule *rule, const char *id)
{
    for (unsigned e = 0; e < EFFECT_COUNT; e++) {
        uint64_t hits = atomic_load_explicit(&rule->hits[e], RELAXED);
        if (hits == 0)
            continue;
        buf_add_string(buf, "proctor_rule_hits_total{rule=");
        metric_write_label(buf, id);
        buf_printf(buf, ",effect=\"%s\"} %llu\n", effect_names[e], (unsigned long long)hits);
    }
}

static void write_rules(struct buf *buf)
{
    metric_write_head(buf, "rule_hits_total", "counter",
                      "What rules did: deny, warn, audit, change.");
    pthread_mutex_lock(&rules_lock);
    size_t count = rule_count;
    pthread_mutex_unlock(&rules_lock);
    for (size_t i = 0; i < count; i++)
        write_rule(buf, &rules[i], rules[i].id);
    write_rule(buf, &rules[METRIC_RULES_MAX], "other");
}

static void write_row(struct buf *buf, size_t i)
{
    metric_write_head(buf, rows[i].name, rows[i].kind, rows[i].help);
    buf_printf(buf, "proctor_%s %lld\n", rows[i].name,
               (long long)atomic_load_explicit(&values[i], RELAXED));
}

void metric_write(struct buf *buf, const char *digest, const char *mode, const char *version)
{
    write_requests(buf);
    write_histograms(buf);
    write_rules(buf);
    for (size_t i = METRIC_SERVER_COUNT; i < METRIC_COUNT; i++)
        write_row(buf, i);
    metric_write_server(buf, digest, mode, version);
}

static void write_name(struct buf *buf, const char *name, const char *label, const char *text,
                       const char *help)
{
    metric_write_head(buf, name, "gauge", help);
    buf_printf(buf, "proctor_%s{%s=", name, label);
    metric_write_label(buf, text);
    buf_add_string(buf, "} 1\n");
}

void metric_write_server(struct buf *buf, const char *digest, const char *mode, const char *version)
{
    write_errors(buf);
    for (size_t i = 0; i < METRIC_SERVER_COUNT; i++)
        write_row(buf, i);
    write_name(buf, "build_info", "version", version, "The program's version.");
    write_name(buf, "policy_set_info", "digest", digest, "The policy set that serves.");
    write_name(buf, "mode_info", "mode", mode,
               "No rule acts more strictly: enforce, warn or audit.");
}
