#include "net/check.h"

#include "base/limits.h"
#include "net/check_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME_RUNES_MAX     253
#define WARNINGS_SHOWN_MAX 16U
#define TEXT_RUNES_MAX     600

/* One check at a time: their memory is not the server's, but the machine's all the same. */
static atomic_flag running = ATOMIC_FLAG_INIT;

struct check {
    const char *body;
    size_t length;
    struct arena *arena;
    struct buf *answer;
    struct admit_request *request;
    struct verdict *verdict;
    struct policy_file *files;
    size_t file_count;
    const char *result; /* the child's */
    size_t result_length;
    int rc;
    bool answered;
    struct err *err;
};

/* ---- ConfigMap -> files ------------------------------------------------------------------- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* As far as it is base64 (RFC 4648); the API server has seen that all of it is. */
static const char *decode(struct arena *arena, const char *text, size_t *ret_length)
{
    char *bytes = arena_alloc(arena, strlen(text) / 4 * 3 + 4);
    unsigned gathered = 0, bits = 0;
    size_t length = 0;
    for (int digit; (digit = base64_digit(*text)) >= 0; text++) {
        gathered = gathered << 6 | (unsigned)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[length++] = (char)(gathered >> bits & 0xff);
        }
    }
    *ret_length = length;
    return bytes;
}

static void add_files(struct check *check, const cJSON *map, bool binary)
{
    for (const cJSON *key = map != NULL ? map->child : NULL; key != NULL; key = key->next) {
        struct policy_file file = {.name = key->string, .text = json_string(key)};
        if (file.text == NULL)
            continue;
        file.length = strlen(file.text);
        if (binary)
            file.text = decode(check->arena, file.text, &file.length);
        check->files[check->file_count++] = file;
    }
}

static void read_review(void *context)
{
    struct check *check = context;
    check->rc = admit_request_parse(check->arena, check->body, check->length, ADMIT_VALIDATE,
                                    check->request, check->err);
    if (check->rc == 0 && strcmp(check->request->resource_text, "configmaps") != 0)
        check->rc = err_set(check->err, ERR_REVIEW, "only ConfigMaps of policies are checked here");
    const cJSON *object = check->request->object;
    if (check->rc != 0 || object == NULL)
        return;
    const cJSON *data = json_get(object, "data"), *binary = json_get(object, "binaryData");
    check->files =
        arena_array(check->arena, json_count(data) + json_count(binary) + 1, sizeof *check->files);
    add_files(check, data, false);
    add_files(check, binary, true);
}

/* ---- findings -> answer ------------------------------------------------------------------- */

static size_t number_of(const cJSON *node, const char *key)
{
    int64_t value = 0;
    const cJSON *member = json_get(node, key);
    return member != NULL && json_int64(member, &value) && value > 0 ? (size_t)value : 0;
}

static const char *text_of(const cJSON *node, const char *key)
{
    const char *text = json_get_string(node, key);
    return text != NULL ? text : "";
}

static const char *visible(struct arena *arena, const char *text, size_t runes)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_BODY_BYTES);
    buf_add_visible(&buf, text, runes);
    return buf.data;
}

/* file:line:column: message [code] */
static const char *finding_text(struct arena *arena, const cJSON *finding)
{
    const size_t line = number_of(finding, "line");
    const char *file = visible(arena, text_of(finding, "file"), NAME_RUNES_MAX);
    const char *place =
        line == 0 ? file
                  : arena_printf(arena, "%s:%zu:%zu", file, line, number_of(finding, "column"));
    return arena_printf(arena, "%s: %s [%s]", place,
                        visible(arena, text_of(finding, "message"), TEXT_RUNES_MAX),
                        text_of(finding, "code"));
}

static void add_cause(struct check *check, cJSON *causes, const char *field, const char *text)
{
    cJSON *cause = json_new_object(check->arena);
    json_add(check->arena, cause, "reason", json_new_string(check->arena, "FieldValueInvalid"));
    json_add(check->arena, cause, "field", json_new_string(check->arena, field));
    json_add(check->arena, cause, "message", json_new_string(check->arena, text));
    json_append(causes, cause);
}

static const char *field_of(struct check *check, const cJSON *finding)
{
    const char *file = text_of(finding, "file");
    const bool binary = json_find(json_get(check->request->object, "binaryData"), file) != NULL;
    return arena_printf(check->arena, "%s[%s]", binary ? "binaryData" : "data",
                        visible(check->arena, file, NAME_RUNES_MAX));
}

/* The causes and the message, which says the same again: a client may show only one of them. */
static void write_errors(struct check *check, const cJSON *result, cJSON *causes,
                         struct buf *message)
{
    const size_t errors = number_of(result, "errors");
    const cJSON *findings = json_get(result, "findings");
    size_t shown = 0;
    if (errors > 1)
        buf_printf(message, "%zu errors in the policies:", errors);
    for (const cJSON *one = findings != NULL ? findings->child : NULL; one != NULL;
         one = one->next) {
        if (!json_is_true(json_get(one, "error")))
            continue;
        const char *text = finding_text(check->arena, one);
        add_cause(check, causes, field_of(check, one), text);
        buf_add_strings(message, errors > 1 ? "\n* " : "", text, NULL);
        shown++;
    }
    if (errors > shown && shown > 0) {
        const char *more = arena_printf(check->arena, "and %zu more", errors - shown);
        add_cause(check, causes, "data", more);
        buf_add_strings(message, "\n", more, NULL);
    }
    if (shown > 0)
        return;
    /* No policy at all, or too much of it. */
    const char *problem = visible(check->arena, text_of(result, "problem"), TEXT_RUNES_MAX);
    add_cause(check, causes, "data", problem);
    buf_add_string(message, problem);
}

static void refuse(struct check *check, const cJSON *result)
{
    struct arena *arena = check->arena;
    struct verdict *verdict = check->verdict;
    const char *name = visible(arena, check->request->name, NAME_RUNES_MAX);
    cJSON *details = json_new_object(arena), *causes = json_new_array(arena);
    struct buf message;
    buf_init(&message, arena, LIMIT_BODY_BYTES);
    buf_add_strings(&message, "ConfigMap ", name, ": ", NULL);
    write_errors(check, result, causes, &message);
    json_add(arena, details, "name", json_new_string(arena, name));
    json_add(arena, details, "kind", json_new_string(arena, "ConfigMap"));
    json_add(arena, details, "causes", causes);
    *verdict = (struct verdict){.outcome = VERDICT_DENIED,
                                .code = 422,
                                .reason = "Invalid",
                                .message = message.data,
                                .details = details,
                                .audit_verdict = "denied"};
    verdict->violation_count = number_of(result, "errors");
}

static void accept(struct check *check, const cJSON *result)
{
    struct arena *arena = check->arena;
    struct verdict *verdict = check->verdict;
    const size_t all = number_of(result, "warnings");
    const cJSON *findings = json_get(result, "findings");
    *verdict = (struct verdict){.allowed = true,
                                .outcome = VERDICT_ALLOWED,
                                .audit_verdict = "allowed",
                                .digest = text_of(result, "digest")};
    verdict->warnings = arena_array(arena, WARNINGS_SHOWN_MAX + 1, sizeof *verdict->warnings);
    for (const cJSON *one = findings != NULL ? findings->child : NULL;
         one != NULL && verdict->warning_count < WARNINGS_SHOWN_MAX; one = one->next)
        verdict->warnings[verdict->warning_count++] =
            visible(arena, finding_text(arena, one), LIMIT_WARNING_RUNES);
    if (all > verdict->warning_count) {
        const size_t shown = verdict->warning_count++;
        verdict->warnings[shown] =
            arena_printf(arena, "and %zu more: `proctor lint` shows them", all - shown);
    }
}

static void accept_delete(struct check *check)
{
    static const char *const words[] = {
        "the webhook goes on with the policies that it has, but no new replica starts without "
        "them"};
    *check->verdict =
        (struct verdict){.allowed = true, .outcome = VERDICT_ALLOWED, .audit_verdict = "allowed"};
    check->verdict->warnings = arena_array(check->arena, 1, sizeof *check->verdict->warnings);
    check->verdict->warnings[check->verdict->warning_count++] = words[0];
}

static void write_answer(void *context)
{
    struct check *check = context;
    cJSON *result = NULL;
    if (check->rc == 0 && check->result != NULL)
        check->rc = json_parse(check->arena, check->result, check->result_length,
                               &json_limits_review, &result, check->err);
    if (check->rc != 0)
        admit_refuse(check->rc, check->err->text, check->arena, check->verdict);
    else if (result == NULL)
        accept_delete(check);
    else if (json_is_true(json_get(result, "fine")))
        accept(check, result);
    else
        refuse(check, result);
    admit_response_write(check->verdict, check->request->uid, check->answer);
    check->answered = !check->answer->failed;
}

int check_answer(const char *body, size_t length, int64_t deadline_us, struct arena *arena,
                 struct buf *answer, struct admit_request *ret_request, struct verdict *ret_verdict,
                 bool *ret_answered, struct err *reterr)
{
    char *result = NULL;
    struct check check = {.body = body,
                          .length = length,
                          .arena = arena,
                          .answer = answer,
                          .request = ret_request,
                          .verdict = ret_verdict,
                          .err = reterr};
    *ret_request = (struct admit_request){.phase = ADMIT_VALIDATE, .uid = ""};
    *ret_verdict = (struct verdict){.outcome = VERDICT_NOT_JUDGED};
    *ret_answered = false;
    if (!arena_try(arena, read_review, &check))
        return err_set(reterr, ERR_LIMIT, "reading it takes too much memory");
    if (check.rc == 0 && ret_request->object != NULL) {
        if (atomic_flag_test_and_set(&running)) {
            check.rc = err_set(reterr, ERR_BUSY, "other policies are being checked");
        } else {
            check.rc = check_run(check.files, check.file_count, deadline_us, &result,
                                 &check.result_length, reterr);
            atomic_flag_clear(&running);
        }
        check.result = result;
    }
    if (check.rc != 0 && *ret_request->uid == '\0')
        return check.rc;
    if (!arena_try(arena, write_answer, &check) || !check.answered) {
        buf_clear(answer);
        check.answered = false;
        check.rc = err_set(reterr, ERR_NO_MEMORY, "no memory for the answer");
    }
    free(result);
    *ret_answered = check.answered;
    return check.rc;
}
