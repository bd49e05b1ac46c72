/* Bytes to a request, before any policy: the JSON reader, the skimming one, the webhook's reading
 * of an AdmissionReview, and the recorder's of an intent. */
#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include "admit/admit.h"
#include "base/limits.h"
#include "client/skim.h"
#include "history/intent.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1795262400000000LL

static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena_install_cjson_hooks();
    arena_init(&arena, 256 * LIMIT_MIB);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tree_mutate(data, size, max_size, seed);
}

/* ---- JSON ------------------------------------------------------------------------------- */

static void check_members(const cJSON *object, const char *text, size_t length)
{
    struct skim value;
    const struct skim whole = {text, length};
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        target_holds(json_find(object, member->string) == member, "a key stands once",
                     member->string);
        /* A key with an escape in it is looked for as it is written: not all are found. */
        if (!skim_member(whole, member->string, &value))
            continue;
        const cJSON *found = skim_parse(&arena, value);
        target_holds(found != NULL && json_equal(found, member), "what is skimmed is what is read",
                     member->string);
    }
}

static void check_elements(const cJSON *array, const char *text, size_t length)
{
    struct skim at = {text, length}, element;
    const cJSON *one = array->child;
    while (skim_element(&at, &element)) {
        const cJSON *found = skim_parse(&arena, element);
        target_holds(one != NULL && found != NULL && json_equal(found, one),
                     "elements are skimmed in their order", text);
        one = one->next;
    }
    target_holds(one == NULL, "all elements are skimmed", text);
}

static void check_json(const char *text, size_t length)
{
    cJSON *root = NULL;
    struct err err = {.text = ""};
    struct buf once, again;
    if (json_parse(&arena, text, length, &json_limits_review, &root, &err) != 0) {
        target_holds(root == NULL && err.text[0] != '\0', "a refusal says why", text);
        return;
    }
    target_holds(strlen(text) == length, "no NUL is JSON", text);
    buf_init(&once, &arena, 64 * LIMIT_MIB);
    buf_init(&again, &arena, 64 * LIMIT_MIB);
    json_write(&once, root);
    cJSON *second = target_parse(&arena, once.data, once.length, "what is written can be read");
    json_write(&again, second);
    target_holds(strcmp(once.data, again.data) == 0, "what is written is its own", once.data);
    target_holds(json_equal(root, second), "what is written means the same", once.data);
    target_holds(json_equal(root, json_dup(&arena, root)), "a copy is equal", once.data);
    const char *start = text + strspn(text, " \t\r\n");
    if (json_is_object(root)) {
        const size_t rest = length - (size_t)(start - text);
        target_holds(skim_is_whole((struct skim){start, rest}), "an object is whole", text);
        check_members(root, start, rest);
    } else if (json_is_array(root)) {
        check_elements(root, start, length - (size_t)(start - text));
    }
}

/* ---- reviews ---------------------------------------------------------------------------- */

static void check_request(const char *body, size_t length, enum admit_phase phase)
{
    struct admit_request request = {.uid = NULL};
    struct err err = {.text = ""};
    const int rc = admit_request_parse(&arena, body, length, phase, &request, &err);
    if (rc != 0) {
        target_holds(err.text[0] != '\0' && rc < 0, "a refusal says why", body);
        return;
    }
    target_holds(request.uid != NULL && request.uid[0] != '\0', "a request has a uid", body);
    target_holds(request.group != NULL && request.version != NULL && request.kind != NULL &&
                     request.resource != NULL && request.resource_group != NULL &&
                     request.subresource != NULL && request.resource_text != NULL &&
                     request.name != NULL && request.user != NULL,
                 "a request knows what it is about", body);
    target_holds(request.operation == OPERATION_CREATE || request.operation == OPERATION_UPDATE ||
                     request.operation == OPERATION_DELETE ||
                     request.operation == OPERATION_CONNECT,
                 "an operation is one", body);
    target_holds(request.operation != OPERATION_CREATE || json_is_object(request.object),
                 "what is created is there", body);
    target_holds(request.operation != OPERATION_UPDATE ||
                     (json_is_object(request.object) && json_is_object(request.old_object)),
                 "what is changed is there, as it was and as it is", body);
    if (request.schema != NULL && request.object != NULL)
        target_holds(schema_check(request.schema, request.object, &err) == 0,
                     "a request's object has the types of its kind", err.text);
}

static bool is_held(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold)
{
    (void)context, (void)namespace_, (void)name;
    *ret_hold = (struct intent_hold){.set_by = "a teacher", .reason = "it loses data"};
    return template_sha[0] < '4';
}

static bool nonce_is_new(void *context, const char *nonce, const char *claim)
{
    (void)context, (void)claim;
    return nonce[0] != '0';
}

static void check_intent(const char *body, size_t length)
{
    static const char *const trusted[] = {"system:serviceaccount:hydrosim-system:portal", NULL};
    static const struct intent_settings settings = {
        .trusted = trusted,
        .self = "system:serviceaccount:hydrosim-system:proctor-recorder",
        .is_held = is_held,
        .nonce_is_new = nonce_is_new};
    struct intent intent = {.review_uid = ""};
    struct err err = {.text = ""};
    struct buf answer;
    const int rc = intent_read(&arena, body, length, &settings, NOW, &intent, &err);
    if (rc != 0)
        target_holds(err.text[0] != '\0' && !intent.counts, "what cannot be read does not count",
                     body);
    if (rc == 0 && intent.counts)
        target_holds(!intent.refused && !intent.dry_run && intent.name != NULL &&
                         intent.namespace_ != NULL &&
                         (intent.machine.delete_ || intent.machine.template_sha != NULL),
                     "an intent that counts is whole", body);
    if (intent.review_uid == NULL || intent.review_uid[0] == '\0')
        return;
    buf_init(&answer, &arena, 16 * LIMIT_MIB);
    intent_answer(&arena, &intent, &answer);
    const cJSON *root =
        target_parse(&arena, answer.data, answer.length, "an intent's answer is JSON");
    const cJSON *response = json_get(root, "response");
    const char *uid = json_get_string(response, "uid");
    target_holds(uid != NULL && json_is_bool(json_get(response, "allowed")) &&
                     json_is_true(json_get(response, "allowed")) == !intent.refused,
                 "an intent is allowed unless it is held", answer.data);
    target_holds(!intent.refused ||
                     json_get_string(json_get(response, "status"), "message") != NULL,
                 "a refusal says why", answer.data);
}

struct work {
    char *body;
    size_t length;
};

static void check_all(void *context)
{
    const struct work *work = context;
    check_json(work->body, work->length);
    check_request(work->body, work->length, ADMIT_MUTATE);
    check_request(work->body, work->length, ADMIT_VALIDATE);
    check_intent(work->body, work->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct work work = {target_text(data, size), size};
    arena_reset(&arena, LIMIT_MIB);
    if (!arena_try(&arena, check_all, &work))
        target_broken("reading takes no more memory than there is", work.body);
    free(work.body);
    return 0;
}
