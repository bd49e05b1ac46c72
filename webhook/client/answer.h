/* What an answer means: the object, or an error in the API server's own words. */
#ifndef PROCTOR_CLIENT_ANSWER_H
#define PROCTOR_CLIENT_ANSWER_H

#include "base/json.h"
#include "client/http.h"

struct answer_call {
    struct arena *arena;
    const char *server;
    const char *method;
    const char *path;
};

/* "SERVER: METHOD PATH: words" with the code. */
int answer_fail(const struct answer_call *call, struct err *reterr, enum err_code code,
                const char *words);

/* Why there is no answer: ERR_UNREACHABLE. */
int answer_missing(const struct answer_call *call, const struct http_answer *answer,
                   struct err *reterr);

/* The object in a 2xx answer.  ERR_ANSWER, ERR_NO_MEMORY. */
NODISCARD int answer_object(const struct answer_call *call, const struct http_answer *answer,
                            const char *body, size_t length, cJSON **ret_object,
                            struct err *reterr);

/* Any other answer: the code of its status, its Status' message.  *ret_status is that Status, NULL
 * if it has none. */
int answer_refusal(const struct answer_call *call, const struct http_answer *answer,
                   const char *body, size_t length, const cJSON **ret_status, struct err *reterr);

#ifdef __clang_analyzer__
#define answer_fail(call, reterr, code, words)                                                     \
    (answer_fail(call, reterr, code, words), -(int)(code))
#endif

#endif
