/* Refusals, as RFC 9457 has them: one shape for all, with words that say how to mend it. */
#include "base/log.h"
#include "recorder/api_internal.h"

#include <string.h>

static const struct {
    unsigned status;
    const char *title;
} titles[] = {{400, "Bad Request"},
              {401, "Unauthorized"},
              {403, "Forbidden"},
              {404, "Not Found"},
              {405, "Method Not Allowed"},
              {406, "Not Acceptable"},
              {409, "Conflict"},
              {413, "Content Too Large"},
              {414, "URI Too Long"},
              {415, "Unsupported Media Type"},
              {422, "Unprocessable Content"},
              {429, "Too Many Requests"},
              {500, "Internal Server Error"},
              {502, "Bad Gateway"},
              {503, "Service Unavailable"}};

static struct log_limit failed_lines;

const char *api_problem_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "Error";
}

static void add_cause(struct buf *out, size_t index, const char *field, const char *message,
                      const char *reason)
{
    buf_add_string(out, index == 0 ? "{\"field\":" : ",{\"field\":");
    buf_add_json_string(out, field != NULL ? field : "");
    api_add_text(out, "message", message != NULL ? message : "");
    api_add_text(out, "reason", reason);
    buf_add_char(out, '}');
}

static void add_own_causes(const struct api_call *call, struct buf *out)
{
    for (size_t i = 0; i < call->cause_count; i++)
        add_cause(out, i, call->causes[i].field, call->causes[i].message, call->causes[i].reason);
}

static void add_given_causes(const cJSON *causes, struct buf *out)
{
    size_t index = 0;
    for (const cJSON *cause = causes->child; cause != NULL && index < API_CAUSES_MAX;
         cause = cause->next)
        add_cause(out, index++, json_get_string(cause, "field"), json_get_string(cause, "message"),
                  json_get_string(cause, "reason"));
}

void api_problem_causes(struct api_call *call, unsigned status, const char *reason,
                        const char *detail, const cJSON *causes)
{
    buf_done(&call->out);
    buf_init(&call->out, NULL, API_ANSWER_BYTES);
    struct buf *out = &call->out;
    call->status = status;
    call->media = "application/problem+json";
    call->attachment = NULL;
    call->challenge = status == 401;
    if ((status == 429 || status == 503) && call->retry_after == 0)
        call->retry_after = 2;
    buf_add_strings(out, "{\"type\":\"https://proctor.dev/problems/", reason, "\",\"title\":\"",
                    api_problem_title(status), "\"", NULL);
    api_add_number(out, "status", status);
    api_add_text(out, "detail", detail);
    buf_add_strings(out, ",\"instance\":\"urn:proctor:request:", call->request_id, "\"", NULL);
    api_add_text(out, "reason", reason);
    buf_add_string(out, ",\"causes\":[");
    if (causes != NULL && json_is_array(causes))
        add_given_causes(causes, out);
    else
        add_own_causes(call, out);
    buf_add_string(out, "]}\n");
}

void api_problem(struct api_call *call, unsigned status, const char *reason, const char *detail)
{
    api_problem_causes(call, status, reason, detail, NULL);
}

bool api_problem_none(struct api_call *call, const char *detail)
{
    if (call->cause_count == 0)
        return true;
    api_problem(call, 400, "BadRequest", detail);
    return false;
}

/* The text of these may name hosts, files and accounts of the installation: it goes to the log. */
static void fail_inside(struct api_call *call, unsigned status, const char *reason,
                        const char *detail)
{
    if (log_allowed(&failed_lines))
        log_event(LOG_ERROR, "a call of the API failed", "reason", reason, "detail", call->err.text,
                  "request", call->request_id, NULL);
    api_problem(call, status, reason, detail);
}

void api_fail(struct api_call *call, int code)
{
    switch (-code) {
    case ERR_NOT_FOUND:
        api_problem(call, 404, "NotFound", call->err.text);
        break;
    case ERR_CONFLICT:
        api_problem(call, 409, "Conflict", call->err.text);
        break;
    case ERR_LIMIT:
    case ERR_TOO_LARGE:
        api_problem(call, 422, "LimitPassed", call->err.text);
        break;
    case ERR_BUSY:
    case ERR_DEADLINE:
        api_problem(call, 429, "Busy", "The recorder has too much to do; try again in a moment.");
        break;
    case ERR_STORE:
        fail_inside(call, 503, "StoreUnavailable",
                    "The history's database cannot be used now; the recorder's log says why.");
        break;
    case ERR_UNREACHABLE:
    case ERR_ANSWER:
    case ERR_SERVER:
    case ERR_GONE:
        fail_inside(call, 502, "ApiServerUnavailable",
                    "The cluster's API server gave no usable answer; try again in a moment.");
        break;
    case ERR_FORBIDDEN:
    case ERR_UNAUTHORIZED:
        fail_inside(call, 502, "RecorderForbidden",
                    "The recorder itself lacks a right in the cluster; its log says which.");
        break;
    case ERR_NO_MEMORY:
        fail_inside(call, 503, "OutOfMemory", "The recorder is short of memory; try again later.");
        break;
    default:
        fail_inside(call, 500, "Internal",
                    "The recorder failed; its log has more under this request's id.");
        break;
    }
}
