/* One HTTP exchange with the API server, on libcurl.
 *
 * The answer goes to a sink as it comes, so a watch is an exchange whose sink reads lines; the
 * client's sink keeps the whole, up to a limit.  Redirects are not followed: a token would go
 * along.  Keys and certificates stay in memory.
 */
#ifndef PROCTOR_CLIENT_HTTP_H
#define PROCTOR_CLIENT_HTTP_H

#include "client/credential.h"
#include "client/kubeconfig.h"

#include <stdbool.h>
#include <stdint.h>

struct http; /* a handle with its kept connections; of one thread */

struct http_call {
    const char *method;
    const char *path; /* after the server; with its query */
    const char *accept;
    const char *content_type; /* NULL: no body */
    const char *body;
    size_t body_length;
    const char *const *headers; /* further lines, "Name: value"; ends with NULL; NULL: none */
    const char *user_agent;
    const struct credential *credential;
    bool fresh; /* on a new connection: libcurl repeats by itself what died on an old one */
    long connect_ms;
    long timeout_ms; /* the whole exchange; 0: none */

    /* Told each piece of the answer and each header line; false ends the exchange. */
    bool (*sink)(void *context, const char *bytes, size_t count);
    bool (*header)(void *context, const char *line, size_t count);
    /* NULL, or asked about once a second whether to go on, also while nothing comes. */
    bool (*tick)(void *context);
    void *context;
};

enum http_end {
    HTTP_ANSWERED,
    HTTP_STOPPED,       /* by sink, header or tick */
    HTTP_NOT_CONNECTED, /* the server has not seen anything of it */
    HTTP_DROPPED,       /* it may have acted */
    HTTP_TIMED_OUT,
    HTTP_HOPELESS /* name, certificate: the same again next time */
};

struct http_answer {
    enum http_end end;
    long status;
    long retry_after;         /* seconds; 0: not told */
    const char *content_type; /* these live until the next call; NULL: not told */
    const char *location;
    const char *words; /* what went wrong, visible; lives in the arena of the call */
};

/* `config` must outlive it.  NULL: out of memory. */
struct http *http_new(const struct kube_config *config);
void http_free(struct http *http); /* NULL is fine */

/* Does it; headers and words are built in `arena`. */
void http_exchange(struct http *http, const struct http_call *call, struct arena *arena,
                   struct http_answer *ret_answer);

#endif
