/* The decision log: one JSON line a request, through a bounded queue to one writer.
 *
 * A request hands its line over and goes on; a full queue or a failed write is counted
 * (decision_log_dropped_total) and logged once, never waited for.  Lines name things, and never
 * hold what is in an object.
 */
#ifndef PROCTOR_NET_DECISION_LOG_H
#define PROCTOR_NET_DECISION_LOG_H

#include "base/buf.h"
#include "base/err.h"

/* What waits for the writer, at most. */
#define DECISION_QUEUE_BYTES (512UL * 1024UL)

struct decision_log;

/* Opens `path` ("-" is stdout, "" is none: *ret_log is NULL then) and starts the writer.
 * ERR_IO, ERR_NO_MEMORY. */
NODISCARD int decision_log_open(const char *path, struct decision_log **ret_log,
                                struct err *reterr);

/* Hands one whole line over (with its newline).  NULL log: nothing. */
void decision_log_add(struct decision_log *log, const char *line, size_t length);

/* Opens the file again (logrotate, after SIGHUP). */
void decision_log_reopen(struct decision_log *log);

/* Writes what waits, ends the writer.  NULL is fine. */
void decision_log_close(struct decision_log *log);

#endif
