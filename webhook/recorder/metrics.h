/* The recorder's metrics: one row each, written beside those that any server has (net/metrics.h).
 *
 * Labels are bounded: routes come from the API's table, classes of status are five.
 */
#ifndef PROCTOR_RECORDER_METRICS_H
#define PROCTOR_RECORDER_METRICS_H

#include "base/buf.h"
#include "net/metrics.h"

/*   name in code, kind, name after "proctor_", help */
#define METRICS_TABLE(X)                                                                           \
    X(INTENTS_STORED, "counter", "intents_stored_total",                                           \
      "Changes that were on disk before the API server got its answer.")                           \
    X(INTENTS_LATE, "counter", "intents_late_total",                                               \
      "Changes that were answered before they were on disk.")                                      \
    X(INTENTS_LATE_STORED, "counter", "intents_late_stored_total",                                 \
      "Of the late ones: those that came to be on disk.")                                          \
    X(INTENTS_FAILED, "counter", "intents_failed_total",                                           \
      "Changes that were let through and could not be stored.")                                    \
    X(INTENTS_HELD, "counter", "intents_held_total",                                               \
      "Changes that were refused because their template is on hold.")                              \
    X(INTENTS_OTHER, "counter", "intents_not_counted_total",                                       \
      "Reviews of no change that is meant: dry runs, other kinds.")                                \
    X(INTENTS_BAD, "counter", "intents_bad_total", "Requests that were no review.")                \
    X(INTENTS_STRANGERS, "counter", "intents_strangers_total",                                     \
      "Requests to another path than the secret one.")                                             \
    X(INTENTS_UNTRUSTED, "counter", "intents_on_behalf_refused_total",                             \
      "Changes whose word on whose behalf they are did not count.")                                \
    X(HOLDS_UNKNOWN, "counter", "intents_hold_unknown_total",                                      \
      "Changes let through because the store could not say whether they are on hold.")             \
    X(INTENTS_WAITING, "gauge", "intents_waiting", "Changes that are being stored.")               \
    X(QUEUE, "gauge", "history_queue", "News that wait to be judged.")                             \
    X(COMMITS, "counter", "history_commits_total", "Judgements written to the store.")             \
    X(COMMIT_FAILURES, "counter", "history_commit_failures_total",                                 \
      "Judgements that could not be written, and were repeated.")                                  \
    X(LEADS, "gauge", "history_leads", "1 if this replica judges.")                                \
    X(IN_SYNC, "gauge", "history_in_sync", "1 if all watches are connected and listed.")           \
    X(GAPS, "counter", "history_gaps_total", "Times a watch was lost.")                            \
    X(GAPS_OPEN, "gauge", "history_gaps_open", "Watches that are lost now.")                       \
    X(REVISIONS, "gauge", "history_revisions", "Versions that are remembered.")                    \
    X(PROJECTS, "gauge", "history_projects", "Projects that are remembered.")                      \
    X(INTENTS_OPEN, "gauge", "history_intents_open", "Changes that truth has not shown yet.")      \
    X(OUTBOX, "gauge", "notify_outbox", "Letters that are not delivered yet.")                     \
    X(LETTERS_DELIVERED, "counter", "notify_delivered_total", "Letters that were delivered.")      \
    X(LETTERS_RETRIED, "counter", "notify_retried_total", "Tries that failed and are repeated.")   \
    X(LETTERS_DROPPED, "counter", "notify_dropped_total", "Letters that were given up.")           \
    X(STREAMS, "gauge", "api_streams", "Event streams that are open.")                             \
    X(ROLLBACKS_AUTOMATIC, "counter", "rollbacks_automatic_total",                                 \
      "Rollbacks that were begun by themselves.")                                                  \
    X(DATABASE_BYTES, "gauge", "database_bytes", "What the database takes.")                       \
    X(STORE_OK, "gauge", "database_usable", "1 if the database answers and can be written.")       \
    X(BACKUP_TIME, "gauge", "backup_success_timestamp_seconds", "When the last copy was made.")    \
    X(BACKUP_FAILURES, "counter", "backup_failures_total", "Copies that failed.")                  \
    X(RETAIN_TIME, "gauge", "retention_timestamp_seconds", "When old versions last went.")         \
    X(RETAIN_DELETED, "counter", "retention_deleted_total", "Versions that went for their age.")   \
    X(RETAIN_FAILURES, "counter", "retention_failures_total", "Times that failed.")

#define METRICS_ENUM(id, kind, name, help) METRICS_##id,
enum metrics { METRICS_TABLE(METRICS_ENUM) METRICS_COUNT };
#undef METRICS_ENUM

void metrics_add(enum metrics metric, int64_t amount);
void metrics_set(enum metrics metric, int64_t value);
int64_t metrics_get(enum metrics metric);

/* An intent's answer was ready after so long. */
void metrics_intent_seconds(int64_t microseconds);

/* Routes past this many share the label "other". */
#define METRICS_ROUTES_MAX 64

/* A request of the API was answered.  `route` is a constant of the table of routes (it is compared
 * by its address first), `status` its HTTP status. */
void metrics_api_request(const char *route, int status, int64_t microseconds);

/* Appends the recorder's whole page (for pages_add_metrics). */
void metrics_write(struct buf *buf, const char *digest, const char *mode, const char *version);

#endif
