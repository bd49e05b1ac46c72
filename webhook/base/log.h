/* The program's own log: one line an event to stderr, as JSON or as text for people.
 *
 *     log_event(LOG_WARN, "a request was refused", "error", label, "client", address, NULL);
 *
 * Keys are constants, values may come from anyone: all text is escaped, a line is written with
 * one write(2), and a line that cannot be written is lost, never waited for.  Only the top of a
 * program logs; libraries return errors.
 */
#ifndef PROCTOR_BASE_LOG_H
#define PROCTOR_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_TEXT };

/* "debug", "info", "warn", "error"; also what --log-level takes. */
extern const char *const log_level_names[];

/* Lines below `level` are dropped.  Info and JSON if never called. */
void log_configure(enum log_level level, enum log_format format);

/* The same with the words of --log-level and --log-format; no level of that name: it stays. */
void log_configure_named(const char *level, const char *format);

bool log_enabled(enum log_level level);

/* Writes a line: message, then pairs of key and value; NULL ends them.  A NULL value ends them
 * too: give "" for nothing. */
void log_event(enum log_level level, const char *message, ...) __attribute__((sentinel));

/* At most LOG_PER_SECOND lines a second for events that a stranger can cause at will. */
#define LOG_PER_SECOND 20
struct log_limit {
    _Atomic int64_t second;
    atomic_uint lines;
};

/* Whether this line may be written. */
bool log_allowed(struct log_limit *limit);

#endif
