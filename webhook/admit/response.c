#include "admit/internal.h"

#include <stdio.h>

static void write_strings(struct buf *buf, const char *const *strings, size_t count)
{
    buf_add_char(buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(buf, ',');
        buf_add_json_string(buf, strings[i]);
    }
    buf_add_char(buf, ']');
}

static void write_member(struct buf *buf, const char *key, const char *text)
{
    buf_add_strings(buf, ",\"", key, "\":", NULL);
    buf_add_json_string(buf, text);
}

static void write_status(const struct verdict *verdict, struct buf *buf)
{
    buf_add_string(buf, ",\"status\":{\"status\":\"Failure\",\"code\":");
    buf_add_number(buf, (size_t)verdict->code);
    write_member(buf, "reason", verdict->reason);
    write_member(buf, "message", verdict->message);
    if (verdict->retry_after_seconds > 0) {
        buf_printf(buf, ",\"details\":{\"retryAfterSeconds\":%u}", verdict->retry_after_seconds);
    } else if (verdict->details != NULL) {
        buf_add_string(buf, ",\"details\":");
        json_write(buf, verdict->details);
    }
    buf_add_char(buf, '}');
}

void admit_response_write(const struct verdict *verdict, const char *uid, struct buf *buf)
{
    buf_add_string(buf, "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                        "\"response\":{\"uid\":");
    buf_add_json_string(buf, uid);
    buf_add_strings(buf, ",\"allowed\":", verdict->allowed ? "true" : "false", NULL);
    if (verdict->patch != NULL && verdict->allowed) {
        buf_add_string(buf, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        buf_add_base64(buf, verdict->patch, verdict->patch_length);
        buf_add_char(buf, '"');
    }
    if (verdict->warning_count > 0) {
        buf_add_string(buf, ",\"warnings\":");
        write_strings(buf, verdict->warnings, verdict->warning_count);
    }
    if (verdict->audit_verdict != NULL) {
        buf_add_string(buf, ",\"auditAnnotations\":{\"verdict\":");
        buf_add_json_string(buf, verdict->audit_verdict);
        if (verdict->audit_rules != NULL && *verdict->audit_rules != '\0')
            write_member(buf, "rules", verdict->audit_rules);
        if (verdict->digest != NULL)
            write_member(buf, "policies", verdict->digest);
        buf_add_char(buf, '}');
    }
    if (!verdict->allowed)
        write_status(verdict, buf);
    buf_add_string(buf, "}}\n");
}

void admit_refuse(int code, const char *message, struct arena *arena, struct verdict *ret_verdict)
{
    static const struct {
        enum err_code code;
        const char *reason;
        unsigned retry_after_seconds;
    } reasons[] = {{ERR_BUSY, "TooManyRequests", 1},
                   {ERR_DEADLINE, "TooManyRequests", 1},
                   {ERR_TOO_LARGE, "RequestEntityTooLarge", 0},
                   {ERR_LIMIT, "Invalid", 0},
                   {ERR_TYPE, "BadRequest", 0},
                   {ERR_REVIEW, "BadRequest", 0},
                   {ERR_NO_MEMORY, "InternalError", 0}};
    *ret_verdict = (struct verdict){.allowed = false, .outcome = VERDICT_DENIED};
    ret_verdict->code = err_http_status(code);
    ret_verdict->reason = "InternalError";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if ((int)reasons[i].code == (code < 0 ? -code : code)) {
            ret_verdict->reason = reasons[i].reason;
            ret_verdict->retry_after_seconds = reasons[i].retry_after_seconds;
        }
    struct buf text;
    buf_init(&text, arena, LIMIT_BODY_BYTES);
    buf_printf(&text, "Proctor cannot judge this request: %s", err_text(code));
    if (message != NULL && *message != '\0') {
        buf_add_string(&text, ": ");
        buf_add_visible(&text, message, 400);
    }
    ret_verdict->message = text.data;
    ret_verdict->audit_verdict = "error";
    ret_verdict->audit_rules = "";
}

/* ---- bytes to bytes --------------------------------------------------------------------- */

struct answer_call {
    const struct policy_set *set;
    enum admit_phase phase;
    const char *body;
    size_t length;
    int64_t now;
    struct arena *arena;
    struct buf *answer;
    struct admit_request *request;
    struct verdict *verdict;
    bool answered;
    int rc;
    struct err *err;
};

static void parse_and_judge(void *context)
{
    struct answer_call *call = context;
    call->rc = admit_request_parse(call->arena, call->body, call->length, call->phase,
                                   call->request, call->err);
    if (call->rc == 0)
        call->rc = admit_review(call->set, call->request, call->now, call->arena, call->verdict,
                                call->err);
}

static void write_answer(void *context)
{
    struct answer_call *call = context;
    if (call->rc != 0)
        admit_refuse(call->rc, call->err->text, call->arena, call->verdict);
    admit_response_write(call->verdict, call->request->uid, call->answer);
    call->answered = !call->answer->failed;
}

/* Past the cap the arena is started again: of the request only the uid is kept. */
static void forget_all_but_uid(struct answer_call *call)
{
    char uid[257];
    snprintf(uid, sizeof uid, "%s", call->request->uid);
    arena_reset(call->arena, LIMIT_ARENA_FIRST_BLOCK);
    *call->request = (struct admit_request){.phase = call->phase, .uid = ""};
    if (call->answer->arena == call->arena)
        buf_init(call->answer, call->arena, call->answer->max_bytes);
    if (*uid != '\0')
        call->request->uid = arena_strdup(call->arena, uid);
}

int admit_answer(const struct policy_set *set, enum admit_phase phase, const char *body,
                 size_t length, int64_t now, struct arena *arena, struct buf *answer,
                 struct admit_request *ret_request, struct verdict *ret_verdict, bool *ret_answered,
                 struct err *reterr)
{
    struct answer_call call = {set,    phase,       body,        length, now, arena,
                               answer, ret_request, ret_verdict, false,  0,   reterr};
    *ret_request = (struct admit_request){.phase = phase, .uid = ""};
    *ret_verdict = (struct verdict){.outcome = VERDICT_NOT_JUDGED};
    *ret_answered = false;
    if (!arena_try(arena, parse_and_judge, &call))
        call.rc = err_set(reterr, ERR_LIMIT, "reading it takes more than %lu MiB of memory",
                          (unsigned long)(arena->cap_bytes / LIMIT_MIB));
    if (call.rc == -ERR_LIMIT)
        forget_all_but_uid(&call);
    if (call.rc != 0 && *ret_request->uid == '\0')
        return call.rc;
    if (!arena_try(arena, write_answer, &call) || !call.answered) {
        buf_clear(answer);
        call.answered = false;
        call.rc = err_set(reterr, ERR_NO_MEMORY, "no memory for the answer");
    }
    *ret_answered = call.answered;
    return call.rc;
}
