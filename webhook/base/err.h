/* Errors: what went wrong, for whom, in words that say how to mend it.
 *
 * Functions that can fail return 0 or a negative `enum err_code`, and fill the caller's
 * `struct err`, which needs no release.  An outer layer puts its own words in front with
 * err_wrap ("policies/a.yaml: line 3: not valid YAML").  Libraries never log; whoever stops
 * the propagation logs once.
 *
 * One row of ERR_TABLE is one kind of error: its HTTP status, its metric label, its text.
 */
#ifndef PROCTOR_BASE_ERR_H
#define PROCTOR_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/*      code             HTTP  label            text                                           */
#define ERR_WEBHOOK_TABLE(X)                                                                       \
    X(ERR_NONE, 200, "none", "no error")                                                           \
    X(ERR_USAGE, 400, "usage", "wrong use of a command or flag")                                   \
    X(ERR_JSON, 400, "bad_json", "the body is not valid JSON")                                     \
    X(ERR_YAML, 400, "bad_yaml", "the text is not valid YAML")                                     \
    X(ERR_REVIEW, 400, "bad_review", "the body is not an admission.k8s.io/v1 AdmissionReview")     \
    X(ERR_TYPE, 400, "bad_type", "a member has another type than its schema says")                 \
    X(ERR_METHOD, 405, "bad_method", "only POST is answered here")                                 \
    X(ERR_PATH, 404, "bad_path", "no such path")                                                   \
    X(ERR_MEDIA, 415, "bad_content_type", "the content type is not application/json")              \
    X(ERR_EMPTY, 400, "empty_body", "the body is empty")                                           \
    X(ERR_TOO_LARGE, 413, "too_large", "the body is larger than the limit")                        \
    X(ERR_LIMIT, 422, "limit", "a limit was passed")                                               \
    X(ERR_BUSY, 429, "overload", "too many requests at once")                                      \
    X(ERR_DEADLINE, 429, "deadline", "the deadline passed before an answer was ready")             \
    X(ERR_NO_MEMORY, 500, "no_memory", "out of memory")                                            \
    X(ERR_POLICY, 500, "policy", "a policy file is wrong")                                         \
    X(ERR_CERT, 500, "certificate", "a certificate or key is wrong")                               \
    X(ERR_IO, 500, "io", "a file or socket failed")                                                \
    X(ERR_INTERNAL, 500, "internal", "an error of Proctor itself")

/* What only programs meet that ask an API server or keep the history: no metric of the webhook. */
#define ERR_CLIENT_TABLE(X)                                                                        \
    X(ERR_KUBECONFIG, 500, "kubeconfig", "where the API server is, or who we are, is not told")    \
    X(ERR_UNREACHABLE, 502, "unreachable", "the API server cannot be reached")                     \
    X(ERR_ANSWER, 502, "bad_answer", "the API server's answer cannot be read")                     \
    X(ERR_UNAUTHORIZED, 401, "unauthorized", "the API server does not know who we are")            \
    X(ERR_FORBIDDEN, 403, "forbidden", "a right is missing")                                       \
    X(ERR_NOT_FOUND, 404, "not_found", "no such object")                                           \
    X(ERR_CONFLICT, 409, "conflict", "the object exists already, or has changed meanwhile")        \
    X(ERR_GONE, 410, "gone", "the API server no longer has that version")                          \
    X(ERR_REFUSED, 422, "refused", "the API server refused the object")                            \
    X(ERR_SERVER, 502, "server", "the API server failed")                                          \
    X(ERR_STORE, 503, "store", "the history's database cannot be used")

#define ERR_TABLE(X) ERR_WEBHOOK_TABLE(X) ERR_CLIENT_TABLE(X)

#define ERR_ENUM(code, http, label, text) code,
enum err_code { ERR_TABLE(ERR_ENUM) ERR_COUNT };
#undef ERR_ENUM

/* The rows of ERR_WEBHOOK_TABLE; their codes are the first ones. */
#define ERR_ONE(code, http, label, text) +1
enum { ERR_WEBHOOK_COUNT = ERR_WEBHOOK_TABLE(ERR_ONE) };
#undef ERR_ONE

struct err {
    enum err_code code;
    char text[512];
};

/* Fills *reterr (NULL is fine) and returns -code, so that `return err_set(...)` is the idiom. */
int err_set(struct err *reterr, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "words: " in front of what is there already; returns -(the code that is there). */
int err_wrap(struct err *reterr, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* clang's analyzer looks at one file at a time and would think that these may return 0. */
#ifdef __clang_analyzer__
#define err_set(reterr, code, ...) (err_set(reterr, code, __VA_ARGS__), -(int)(code))
#define err_wrap(reterr, ...)      (err_wrap(reterr, __VA_ARGS__), -(int)ERR_INTERNAL)
#endif

/* The row's columns.  `code` may be given negative, as functions return it. */
int err_http_status(int code);
const char *err_label(int code);
const char *err_text(int code);

#define NODISCARD __attribute__((warn_unused_result))

#endif
