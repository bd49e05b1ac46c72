#include "client/answer.h"

#include "base/limits.h"
#include "client/say.h"

#include <string.h>
#include <strings.h>

#define SERVER_SHOWN  80
#define PATH_SHOWN    140
#define MESSAGE_SHOWN 1000
#define BODY_SHOWN    80

static const struct json_limits limits = {LIMIT_ANSWER_DEPTH, LIMIT_ANSWER_NODES};

int(answer_fail)(const struct answer_call *call, struct err *reterr, enum err_code code,
                 const char *words)
{
    const char *path = arena_strndup(call->arena, call->path, strcspn(call->path, "?"));
    return say_fail(call->arena, reterr, code, "%s: %s %s: %s",
                    say_visible(call->arena, call->server, SERVER_SHOWN), call->method,
                    say_visible(call->arena, path, PATH_SHOWN), words);
}

int answer_missing(const struct answer_call *call, const struct http_answer *answer,
                   struct err *reterr)
{
    return answer_fail(call, reterr, ERR_UNREACHABLE,
                       answer->words != NULL ? answer->words : "no answer");
}

/* ---- objects ---------------------------------------------------------------------------- */

static bool says_json(const char *content_type)
{
    static const char json[] = "application/json";
    return content_type != NULL && strncasecmp(content_type, json, sizeof json - 1) == 0 &&
           strchr("; \t", content_type[sizeof json - 1]) != NULL;
}

static const char *beginning(const struct answer_call *call, const char *body)
{
    const char *from = body + strspn(body, " \t\r\n");
    return from[0] != '\0' ? say_visible(call->arena, from, BODY_SHOWN) : "nothing";
}

static int not_json(const struct answer_call *call, const struct http_answer *answer,
                    const char *body, struct err *reterr)
{
    const char *type = answer->content_type != NULL ? answer->content_type : "no content type";
    return answer_fail(call, reterr, ERR_ANSWER,
                       arena_printf(call->arena,
                                    "answers %ld with %s, not JSON: is this an API server? It "
                                    "begins: %s",
                                    answer->status, say_visible(call->arena, type, BODY_SHOWN),
                                    beginning(call, body)));
}

/* Of the core group an APIResourceList has its groupVersion in place of an apiVersion. */
static bool has_version(const cJSON *object)
{
    return json_get_string(object, "apiVersion") != NULL ||
           json_get_string(object, "groupVersion") != NULL;
}

/* /version, /healthz and the like are no objects of an API group. */
static bool is_of_api(const char *path)
{
    return strncmp(path, "/api/", 5) == 0 || strncmp(path, "/apis/", 6) == 0;
}

int answer_object(const struct answer_call *call, const struct http_answer *answer,
                  const char *body, size_t length, cJSON **ret_object, struct err *reterr)
{
    cJSON *object;
    struct err why;
    if (!says_json(answer->content_type))
        return not_json(call, answer, body, reterr);
    if (json_parse(call->arena, body, length, &limits, &object, &why) < 0)
        return answer_fail(call, reterr, ERR_ANSWER,
                           arena_printf(call->arena, "answers no valid JSON: %s", why.text));
    if (!json_is_object(object) ||
        (is_of_api(call->path) &&
         (json_get_string(object, "kind") == NULL || !has_version(object))))
        return answer_fail(
            call, reterr, ERR_ANSWER,
            arena_printf(call->arena, "answers no Kubernetes object: %s", beginning(call, body)));
    *ret_object = object;
    return 0;
}

/* ---- refusals --------------------------------------------------------------------------- */

static enum err_code code_of(long status)
{
    switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
        return ERR_REFUSED;
    case 401:
        return ERR_UNAUTHORIZED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_GONE;
    case 429:
        return ERR_BUSY;
    default:
        return ERR_SERVER;
    }
}

static const cJSON *find_status(const struct answer_call *call, const struct http_answer *answer,
                                const char *body, size_t length)
{
    cJSON *status;
    if (!says_json(answer->content_type) ||
        json_parse(call->arena, body, length, &limits, &status, NULL) < 0)
        return NULL;
    const char *kind = json_get_string(status, "kind");
    return kind != NULL && strcmp(kind, "Status") == 0 ? status : NULL;
}

static const char *redirect_words(const struct answer_call *call, const struct http_answer *answer)
{
    const char *to = answer->location != NULL ? answer->location : "nowhere";
    return arena_printf(call->arena,
                        "redirects (%ld) to %s, which is not followed: name the API server itself",
                        answer->status, say_visible(call->arena, to, 160));
}

int answer_refusal(const struct answer_call *call, const struct http_answer *answer,
                   const char *body, size_t length, const cJSON **ret_status, struct err *reterr)
{
    const enum err_code code = code_of(answer->status);
    const cJSON *status = find_status(call, answer, body, length);
    const char *message = json_get_string(status, "message");
    *ret_status = status;
    if (answer->status >= 300 && answer->status < 400)
        return answer_fail(call, reterr, code, redirect_words(call, answer));
    if (message == NULL || message[0] == '\0')
        return answer_fail(
            call, reterr, code,
            arena_printf(call->arena, "answers %ld: %s", answer->status, beginning(call, body)));
    return answer_fail(call, reterr, code,
                       arena_printf(call->arena, "%ld: %s", answer->status,
                                    say_visible(call->arena, message, MESSAGE_SHOWN)));
}
