/* Metrics: one row each, Prometheus text 0.0.4.
 *
 * All labels are bounded: phases, outcomes, operations, the rows of ERR_WEBHOOK_TABLE, and rule
 * ids, which come from the policy files and are capped.  Nothing that a request brings is a label.
 * What any server has (connections, policies, certificate) the recorder's page shows too; its own
 * rows are in recorder/metrics.h.
 */
#ifndef PROCTOR_NET_METRICS_H
#define PROCTOR_NET_METRICS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

/*   name in code, kind, name after "proctor_", help */
#define METRIC_SERVER_TABLE(X)                                                                     \
    X(CONNECTIONS_TOTAL, "counter", "connections_total", "Connections taken on the TLS port.")     \
    X(CONNECTIONS_CUT, "counter", "connections_cut_total",                                         \
      "Connections that were cut because they were too slow or idle too long.")                    \
    X(CONNECTIONS_WASTED, "counter", "connections_without_request_total",                          \
      "Connections that ended before a request: no TLS, a failed handshake, nothing sent.")        \
    X(CONNECTIONS, "gauge", "connections", "Open connections on the TLS port.")                    \
    X(ABORTED, "counter", "requests_aborted_total",                                                \
      "Requests that ended before their answer: truncated, or the client went away.")              \
    X(IN_FLIGHT, "gauge", "requests_in_flight", "Requests between their first line and answer.")   \
    X(IN_FLIGHT_BYTES, "gauge", "in_flight_bytes", "Memory set aside for requests.")               \
    X(POLICIES, "gauge", "policies", "Policies in the set.")                                       \
    X(RULES, "gauge", "rules", "Rules in the set.")                                                \
    X(EXCEPTIONS, "gauge", "exceptions", "Exceptions in the set.")                                 \
    X(EXCEPTION_EXPIRY, "gauge", "exception_next_expiry_timestamp_seconds",                        \
      "When the next exception expires; 0: none will.")                                            \
    X(POLICY_RELOAD_OK, "gauge", "policy_reload_success",                                          \
      "1 if the policies that serve are those on disk.")                                           \
    X(POLICY_RELOAD_TIME, "gauge", "policy_reload_success_timestamp_seconds",                      \
      "When policies were last loaded without an error.")                                          \
    X(POLICY_RELOADS, "counter", "policy_reloads_total", "Policy sets that were put in place.")    \
    X(POLICY_RELOAD_FAILURES, "counter", "policy_reload_failures_total",                           \
      "Policy loads that failed; the last good set serves on.")                                    \
    X(CERT_EXPIRY, "gauge", "certificate_expiry_timestamp_seconds",                                \
      "When the serving certificate expires.")                                                     \
    X(CERT_RELOAD_OK, "gauge", "certificate_reload_success",                                       \
      "1 if the certificate that serves is the one on disk.")                                      \
    X(CERT_RELOADS, "counter", "certificate_reloads_total",                                        \
      "Certificates that were put in place.")                                                      \
    X(CERT_RELOAD_FAILURES, "counter", "certificate_reload_failures_total",                        \
      "Certificate loads that failed; the last good one serves on.")                               \
    X(DRAINING, "gauge", "draining", "1 after SIGTERM.")                                           \
    X(START_TIME, "gauge", "start_timestamp_seconds", "When the process started.")

/* Those of proctor-webhook alone. */
#define METRIC_REVIEW_TABLE(X)                                                                     \
    X(PATCH_OPERATIONS, "counter", "patch_operations_total", "JSON Patch operations answered.")    \
    X(WARNINGS, "counter", "warnings_total", "Warnings answered.")                                 \
    X(DECISIONS, "counter", "decision_log_lines_total", "Decision log lines written.")             \
    X(DECISIONS_DROPPED, "counter", "decision_log_dropped_total",                                  \
      "Decision log lines lost because the queue was full or the file failed.")

#define METRIC_TABLE(X) METRIC_SERVER_TABLE(X) METRIC_REVIEW_TABLE(X)

#define METRIC_ENUM(id, kind, name, help) METRIC_##id,
enum metric { METRIC_TABLE(METRIC_ENUM) METRIC_COUNT };
#undef METRIC_ENUM

enum metric_outcome {
    OUTCOME_ALLOWED,
    OUTCOME_PATCHED,
    OUTCOME_DENIED,
    OUTCOME_NOT_JUDGED,
    OUTCOME_ERROR,
    OUTCOME_COUNT
};
extern const char *const metric_outcome_names[OUTCOME_COUNT];

enum metric_effect { EFFECT_DENY, EFFECT_WARN, EFFECT_AUDIT, EFFECT_CHANGE, EFFECT_COUNT };

/* Rules past this many share the row "other". */
#define METRIC_RULES_MAX 1000

struct metric_rule {
    char *id; /* policy/rule */
    _Atomic uint64_t hits[EFFECT_COUNT];
};

void metric_add(enum metric metric, int64_t amount);
void metric_set(enum metric metric, int64_t value);
int64_t metric_get(enum metric metric);

/* A request of phase 0 (mutate), 1 (validate) or 2 (policies) was answered.  `operation` is the
 * index of metric_operation_index. */
void metric_request(unsigned phase, enum metric_outcome outcome, unsigned operation,
                    int64_t microseconds);

/* The label's index for an operation bit of policy/set.h; 4 is "other". */
unsigned metric_operation_index(unsigned operation_bit);

/* An error, by its code; one that the webhook cannot have is counted as "internal". */
void metric_error(int code);

/* The counters of a rule; they outlive reloads.  Never NULL, never freed. */
struct metric_rule *metric_rule_find(const char *full_id);

/* How long something took, in buckets from 50 us to 10 s. */
#define METRIC_BUCKETS 18
struct metric_histogram {
    _Atomic uint64_t counts[METRIC_BUCKETS];
    _Atomic uint64_t sum_us;
};
void metric_observe(struct metric_histogram *histogram, int64_t microseconds);

/* Pieces of a page: a metric's two lines of comment; a label's value with its quotes; a histogram's
 * rows with `labels` ("" or `a="b"`) in front of its own. */
void metric_write_head(struct buf *buf, const char *name, const char *kind, const char *help);
void metric_write_label(struct buf *buf, const char *text);
void metric_write_histogram(struct buf *buf, const char *name, const char *labels,
                            const struct metric_histogram *histogram);

/* Appends the webhook's whole page; `digest` names the policy set, `mode` how strictly it may act,
 * `version` the program. */
void metric_write(struct buf *buf, const char *digest, const char *mode, const char *version);

/* The part of it that any server has: METRIC_SERVER_TABLE, errors and the three names. */
void metric_write_server(struct buf *buf, const char *digest, const char *mode,
                         const char *version);

#endif
