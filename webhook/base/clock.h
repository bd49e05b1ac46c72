/* Time: the wall clock for people and expiry, the monotonic one for intervals and deadlines. */
#ifndef PROCTOR_BASE_CLOCK_H
#define PROCTOR_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_BYTES 40

/* Seconds since 1970, UTC. */
int64_t clock_unix(void);

/* Microseconds since 1970, UTC. */
int64_t clock_unix_us(void);

/* Microseconds since some fixed moment; never goes back. */
int64_t clock_monotonic_us(void);

/* Writes "2026-11-21T05:30:00.123456Z" (RFC 3339) into `text` and returns it. */
const char *clock_format(int64_t unix_us, char text[CLOCK_TEXT_BYTES]);

/* The same in whole seconds: "2026-11-21T05:30:00Z". */
const char *clock_format_seconds(int64_t unix_seconds, char text[CLOCK_TEXT_BYTES]);

#endif
