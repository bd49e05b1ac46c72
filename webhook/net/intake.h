/* Intake: whole requests over TLS, from workers that each have an arena.
 *
 *     socket --> connection (deadline) --> exchange (body within the budget) --> finish
 *                                              |
 *                                              +-- judge_head: what the head alone tells
 *
 * Used by both programs; what a path means and what an answer says is the user's.  Certificates
 * are net/tls's.
 */
#ifndef PROCTOR_NET_INTAKE_H
#define PROCTOR_NET_INTAKE_H

#include "base/arena.h"
#include "net/connection.h"
#include "net/exchange.h"

/* How libmicrohttpd is set up; bench/floor.c sets it up the same way.  The API server's heads have
 * 300 bytes; a body comes through the same room in pieces. */
#define INTAKE_MHD_FLAGS                                                                           \
    (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_USE_ITC |               \
     MHD_ALLOW_SUSPEND_RESUME)
#define INTAKE_CONNECTION_BYTES (8UL * 1024UL)
#define INTAKE_INCREMENT_BYTES  2048UL
#define INTAKE_STACK_BYTES      (512UL * 1024UL)

struct intake_options {
    const char *listen; /* HOST:PORT */
    long threads;       /* 0: one a processor, 2 to 8 */
    long connections;
    int64_t request_us, idle_us; /* connection_keeper_start */
    size_t body_max;
    bool counted; /* its connections are those of the metrics */

    void *context;
    /* An err_code (with which the body is only dropped), 0 if the head is fine. */
    int (*judge_head)(void *context, struct MHD_Connection *mhd, const char *path,
                      const char *method, struct exchange *exchange);
    /* The body is too large to be read to its end: answer `code` now. */
    enum MHD_Result (*refuse)(void *context, struct MHD_Connection *mhd, const char *path,
                              int code);
    /* The body is here, or exchange->error says why not.  It may suspend the connection and leave
     * exchange->work: it is called again when somebody has resumed it. */
    enum MHD_Result (*finish)(void *context, struct MHD_Connection *mhd, const char *path,
                              struct exchange *exchange);
    /* The client is gone before that: exchange->work is let go.  NULL: finish never suspends. */
    void (*drop)(void *context, struct exchange *exchange);
};

struct intake {
    struct intake_options options;
    struct connection_keeper keeper;
    struct MHD_Daemon *daemon;
    unsigned port; /* where it really listens */
};

/* ERR_IO if the address cannot be had. */
NODISCARD int intake_start(struct intake *intake, const struct intake_options *options,
                           struct err *reterr);

/* The workers that `threads` means. */
unsigned intake_thread_count(long threads);

/* Takes no new connections, waits for what is being answered, ends.  One that was never started is
 * fine if it is zeroed. */
void intake_stop(struct intake *intake);

/* This worker's arena, for finish, which resets it after use; NULL if memory is short. */
struct arena *intake_arena(void);

/* Queues an answer; the bytes are copied.  `closing`: the client is to come back elsewhere. */
enum MHD_Result intake_queue(struct MHD_Connection *mhd, unsigned status, const char *bytes,
                             size_t length, bool closing);

/* A plain JSON error for `code`; `message` NULL: the row's text. */
enum MHD_Result intake_queue_error(struct MHD_Connection *mhd, int code, const char *message,
                                   bool closing);

/* Tells the log of a refusal, not more often than lines may come. */
void intake_log_refusal(struct MHD_Connection *mhd, const char *path, int code,
                        const char *message);

bool intake_is_json(struct MHD_Connection *mhd);

#endif
