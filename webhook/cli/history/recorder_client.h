/* The recorder's HTTP API, as the command line asks it.
 *
 *     --server, --server-ca, kubeconfig  --recorder_open-->  struct recorder
 *     recorder_get, recorder_ask, recorder_stream  -->  cJSON, or an error in the recorder's words
 *
 * Who we are comes from the kubeconfig, as for kubectl: token, credential plugin, client
 * certificate.  With --server (PROCTOR_SERVER) the recorder is asked itself.  Without it the way
 * leads through the API server's proxy of its Service; the API server takes Authorization for
 * itself there, so the token goes in Proctor-Authorization too.
 *
 * A refusal is the recorder's problem details (RFC 9457): recorder_problem has it, with reason and
 * causes.  What changes something carries an Idempotency-Key, so it may be sent again when the
 * connection breaks off.
 */
#ifndef PROCTOR_CLI_RECORDER_CLIENT_H
#define PROCTOR_CLI_RECORDER_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

struct recorder; /* of one thread */

struct recorder_choice {
    const char *kubeconfig, *context; /* as kubeconfig_choice */
    const char *server; /* https://host[:port]; NULL: PROCTOR_SERVER, else the API server's proxy */
    const char *server_ca; /* a file; NULL: PROCTOR_SERVER_CA, else what this machine trusts */
    const char *space;     /* where Proctor is installed, for the proxy */
};

/* Nothing is connected yet.  All of its text lives in `arena`, which must outlive it.
 * ERR_KUBECONFIG, ERR_USAGE (no such address; impersonation, which the recorder does not know),
 * ERR_IO or ERR_CERT (--server-ca), ERR_NO_MEMORY. */
NODISCARD int recorder_open(struct arena *arena, const struct recorder_choice *choice,
                            struct recorder **ret_recorder, struct err *reterr);
void recorder_close(struct recorder *recorder); /* NULL is fine */

struct recorder_call {
    const char *method;   /* NULL: GET */
    const char *path;     /* "/api/projects", made with client_path */
    const cJSON *body;    /* NULL: none */
    const char *if_match; /* a generation; NULL: none */
    const char *accept;   /* NULL: application/json; anything else is answered as text */
};

struct recorder_answer {
    long status;
    cJSON *json;      /* NULL: no body, or `accept` asked for text */
    const char *text; /* the body as it came, ends with a NUL */
};

/* A 2xx answer; everything in it lives in the arena.  The codes are those of client.h:
 * ERR_UNREACHABLE, ERR_ANSWER (no JSON, not the recorder), ERR_UNAUTHORIZED, ERR_FORBIDDEN,
 * ERR_NOT_FOUND, ERR_CONFLICT, ERR_REFUSED, ERR_BUSY, ERR_SERVER, ERR_KUBECONFIG. */
NODISCARD int recorder_ask(struct recorder *recorder, const struct recorder_call *call,
                           struct recorder_answer *ret_answer, struct err *reterr);
NODISCARD int recorder_get(struct recorder *recorder, const char *path, cJSON **ret_json,
                           struct err *reterr);

/* The problem details of the last refusal, NULL if it had none. */
const cJSON *recorder_problem(const struct recorder *recorder);

/* Reads an answer as it comes, such as server-sent events, for as long as it comes: each piece goes
 * to the sink; a sink or tick that returns false ends it, which is no error.  Otherwise 0 when the
 * recorder ends it, ERR_UNREACHABLE when it breaks off, and the errors above. */
struct recorder_stream {
    const char *path;
    const char *accept; /* "text/event-stream" */
    const char *last;   /* Last-Event-ID; NULL: none */
    bool (*sink)(void *context, const char *bytes, size_t count);
    bool (*tick)(void *context); /* about once a second; NULL: none */
    void *context;
};
NODISCARD int recorder_stream(struct recorder *recorder, const struct recorder_stream *stream,
                              struct err *reterr);

#endif
