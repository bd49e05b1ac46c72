/* One request on its way: its body as it arrives, and the memory that is set aside for it.
 *
 * A body grows with the bytes that really came, never with what Content-Length promises, and
 * what it holds is counted against one budget of the whole process, as is the work on it.  Past
 * the budget the rest of the body is read and dropped, so that there can be an answer; the
 * first bytes are always kept, for they hold the review's uid, which a refusal must carry.
 */
#ifndef PROCTOR_NET_EXCHANGE_H
#define PROCTOR_NET_EXCHANGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kept of every body; the connection limit bounds their sum. */
#define EXCHANGE_HEAD_BYTES 4096UL

/* What is read and dropped of a body that is refused; past it the connection is closed. */
#define EXCHANGE_DRAIN_BYTES (16UL * 1024UL * 1024UL)

#define EXCHANGE_UID_BYTES 129

struct exchange {
    char *body; /* body[length] is NUL once complete */
    size_t length;
    size_t capacity;
    size_t reserved;    /* of the budget */
    size_t received;    /* all bytes, dropped ones too */
    size_t expected;    /* Content-Length; 0: chunked */
    int64_t began_us;   /* monotonic: its first line */
    int64_t timeout_us; /* the client's own; 0: none */
    unsigned phase;     /* enum admit_phase, or PHASE_POLICIES */
    bool head_seen;
    bool answered;
    void *work; /* of finish, while its connection is suspended; NULL: none */
    int error;  /* an err_code that is known already: the body is only dropped */
};

/* The budget of the whole process. */
void exchange_set_budget(size_t bytes);
bool exchange_reserve(struct exchange *exchange, size_t bytes);
void exchange_release(struct exchange *exchange, size_t bytes);

/* Takes bytes of the body.  Sets exchange->error (ERR_BUSY, ERR_TOO_LARGE) and goes on dropping
 * when there is no room.  False: past EXCHANGE_DRAIN_BYTES, close. */
bool exchange_take(struct exchange *exchange, const char *bytes, size_t count, size_t body_max);

/* Frees the body and gives the budget back. */
void exchange_done(struct exchange *exchange);

/* Finds request.uid in the first bytes of a review without parsing the rest, and copies it.
 * Only for refusals: what it finds is never trusted for anything else.  False: not there. */
bool exchange_find_uid(const char *text, size_t length, char ret_uid[EXCHANGE_UID_BYTES]);

/* A Go duration ("10s", "1m30s", "1.5s", "500ms") in microseconds; -1 if it is none. */
int64_t exchange_parse_duration(const char *text);

#endif
