/* JSON that the store keeps and reads back, perhaps from an older version's hand, or from a broken
 * one.  The first line says what it is; the rest is its text, a line each where it takes two:
 *
 *     memory [STATUS]    a machine's notes on a revision
 *     answer             an operation's answer, with the memo of a deploy
 *     template           two templates: identity, kind of change, configuration, the way back
 *     fields             managedFields now, and then
 *     frame              a Deployment, to be made again
 *     user               who the API server said that somebody is
 *     event              an event's details
 *     body               what the API shows of JSON that is stored
 */
#include "tests/fuzz/story.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include "base/limits.h"
#include "history/config_ref.h"
#include "history/rollback_internal.h"
#include "kube/pointer.h"
#include "recorder/access_internal.h"
#include "recorder/api_internal.h"
#include "recorder/deploy_internal.h"

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

static cJSON *read_json(const char *text)
{
    cJSON *root;
    struct err err;
    return text != NULL &&
                   json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) == 0
               ? root
               : NULL;
}

/* ---- a machine's notes ------------------------------------------------------------------ */

static void look(int64_t generation, int64_t at)
{
    static const struct view_set set = {.name = "web-1",
                                        .uid = "s1",
                                        .owner_uid = "d1",
                                        .template_sha = "0",
                                        .k8s_revision = 1,
                                        .replicas = 1,
                                        .created = 1,
                                        .created_at = 1};
    static struct view_container container = {.name = "app",
                                              .image = "a:1",
                                              .image_digest = "sha256:1",
                                              .waiting_reason = "CrashLoopBackOff",
                                              .restarts = 4};
    static const struct view_pod pod = {.name = "web-1-a",
                                        .uid = "p1",
                                        .owner_uid = "s1",
                                        .phase = "Running",
                                        .created_at = 1,
                                        .containers = &container,
                                        .container_count = 1};
    struct view_deployment deployment = {.name = "web",
                                         .uid = "d1",
                                         .generation = generation,
                                         .observed_generation = generation,
                                         .template_sha = generation > 1 ? "1" : "0",
                                         .replicas = 1,
                                         .updated = 1,
                                         .total = 1,
                                         .deadline_seconds = 60};
    const struct project_view view = {&deployment, &set, 1, &pod, 1};
    story_view("web", &view, false, at);
}

static void check_memory(const char *words, const char *text)
{
    const int status = revision_status_parse(words);
    story_reset();
    story_remember("web", text, status < 0 ? REVISION_IN_PROGRESS : (enum revision_status)status);
    look(1, NOW);
    look(1, NOW + 70000000);
    look(2, NOW + 200000000);
}

/* ---- an operation's answer -------------------------------------------------------------- */

static void check_memo(const char *text)
{
    struct deploy_memo memo, again;
    struct err err = {.text = ""};
    if (deploy_memo_read(&arena, text, &memo, &err) != 0) {
        target_holds(err.text[0] != '\0', "a refusal says why", text);
        return;
    }
    const char *written = deploy_memo_write(&arena, &memo, text);
    if (deploy_memo_read(&arena, written, &again, &err) != 0)
        target_broken("a memo that is written can be read", err.text);
    target_holds(strcmp(memo.spec.project, again.spec.project) == 0 &&
                     strcmp(memo.caller.user, again.caller.user) == 0 &&
                     memo.generation == again.generation && memo.resume == again.resume &&
                     memo.spec.env_count == again.spec.env_count &&
                     (memo.spec.image == NULL) == (again.spec.image == NULL),
                 "a memo is the same again", written);
}

static void check_answer(const char *text)
{
    const struct store_op op = {.id = 7, .project = 1, .kind = "deploy", .answer = text};
    struct operate_answer answer, again;
    struct buf out;
    operate_read_answer(&arena, &op, &answer);
    const char *written = operate_write_answer(&arena, &answer);
    const struct store_op second = {.id = 7, .project = 1, .kind = "deploy", .answer = written};
    operate_read_answer(&arena, &second, &again);
    target_holds(answer.revision == again.revision && answer.target == again.target &&
                     answer.generation == again.generation &&
                     (answer.reason == NULL) == (again.reason == NULL) &&
                     (answer.detail == NULL) == (again.detail == NULL),
                 "an answer is the same again", written);
    (void)operate_message(&arena, &op);
    buf_init(&out, &arena, 16 * LIMIT_MIB);
    api_write_operation(&arena, &out, "web", &op);
    (void)target_parse(&arena, out.data, out.length, "an operation is shown as JSON");
    check_memo(text);
}

/* ---- templates -------------------------------------------------------------------------- */

static void check_template(const char *text, cJSON *pod_template)
{
    const char *canonical = view_canonical_template(&arena, pod_template);
    const cJSON *read =
        target_parse(&arena, canonical, strlen(canonical), "a canonical template is JSON");
    target_holds(strcmp(view_canonical_template(&arena, read), canonical) == 0,
                 "a canonical template is its own", text);
    target_holds(strcmp(view_template_sha(&arena, pod_template), view_template_sha(&arena, read)) ==
                     0,
                 "a template and its canonical text are one version", text);
    struct config_ref *refs;
    size_t count;
    config_refs(&arena, pod_template, &refs, &count);
    for (size_t i = 0; i < count; i++)
        target_holds(refs[i].name != NULL && refs[i].name[0] != '\0', "a reference has a name",
                     text);
}

static void check_change(const cJSON *before, const cJSON *after)
{
    static const char *const kinds[] = {"image", "env", "config", "restart", "policy", "other"};
    const char *kind = view_change_kind(before, after);
    bool known = kind == NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        known = known || strcmp(kind, kinds[i]) == 0;
    target_holds(known, "a kind of change is one", kind);
}

/* The way back from one template to the other. */
static void check_way_back(cJSON *now, cJSON *then)
{
    struct err err;
    cJSON *object = json_new_object(&arena), *metadata = json_new_object(&arena),
          *spec = json_new_object(&arena);
    json_add(&arena, object, "metadata", metadata);
    json_add(&arena, metadata, "uid", json_new_string(&arena, "d1"));
    json_add(&arena, metadata, "generation", json_new_int(&arena, 3));
    json_add(&arena, object, "spec", spec);
    json_add(&arena, spec, "template", json_dup(&arena, now));
    const struct rollback_request request = {
        .name = "web", .uid = "d1", .history_id = "op-1", .change_cause = "as it was"};
    const cJSON *patch = rollback_patch(&arena, &request, object, then);
    if (patch_apply(&arena, &object, patch, &err) != 0)
        target_broken("the way back can be written", err.text);
    target_holds(json_equal(json_path(object, "spec", "template", NULL), then),
                 "the way back leads to the template of then", "");
}

static void check_templates(char *rest)
{
    const char *first = target_line(&rest), *second = target_line(&rest);
    cJSON *before = read_json(first), *after = read_json(second);
    if (before != NULL)
        check_template(first, before);
    if (json_is_object(before) && json_is_object(after)) {
        check_change(before, after);
        check_way_back(before, after);
    }
}

/* ---- managedFields ---------------------------------------------------------------------- */

static void check_fields(char *rest)
{
    const char *first = target_line(&rest), *second = target_line(&rest);
    const cJSON *now = read_json(first), *then = read_json(second);
    if (now == NULL)
        return;
    const cJSON *fields = rollback_fields(&arena, now, then);
    for (const cJSON *one = json_is_array(fields) ? fields->child : NULL; one; one = one->next) {
        const char *manager = json_get_string(one, "manager");
        target_holds(manager == NULL || strcmp(manager, ROLLBACK_MANAGER) != 0,
                     "our own entry goes", first);
    }
}

/* ---- what else is text in a column ------------------------------------------------------ */

static void check_frame(const char *text)
{
    const cJSON *object = read_json(text);
    if (!json_is_object(object))
        return;
    const char *frame = operate_frame_of(&arena, object);
    if (frame == NULL)
        return;
    const cJSON *read = target_parse(&arena, frame, strlen(frame), "a frame is JSON");
    target_holds(json_get(read, "status") == NULL &&
                     json_path(read, "metadata", "managedFields", NULL) == NULL &&
                     json_path(read, "metadata", "uid", NULL) == NULL &&
                     json_path(read, "spec", "template", NULL) == NULL,
                 "a frame has nothing of one life", frame);
    target_holds(strcmp(operate_frame_of(&arena, read), frame) == 0, "a frame is its own", frame);
}

static void check_user(const char *text)
{
    struct caller caller, again;
    struct err err = {.text = ""};
    const cJSON *user = read_json(text);
    if (user == NULL || access_read_user(&arena, user, &caller, &err) != 0)
        return;
    target_holds(caller.user != NULL && caller.user[0] != '\0' && caller.groups != NULL,
                 "a caller is somebody", text);
    target_holds(strcmp(caller.user, "system:anonymous") != 0, "nobody is not a caller", text);
    cJSON *object = json_new_object(&arena);
    access_add_user(&arena, object, "username", &caller);
    if (access_read_user(&arena, object, &again, &err) != 0)
        target_broken("who was read is somebody", err.text);
    target_holds(strcmp(caller.user, again.user) == 0 &&
                     strcmp(caller.groups_json, again.groups_json) == 0,
                 "a caller stays who he is", text);
}

static void check_event(const char *text)
{
    struct buf out;
    const struct store_event event = {
        .id = 1, .project = 1, .at = NOW, .type = text, .message = text, .details = text};
    buf_init(&out, &arena, 64 * LIMIT_MIB);
    api_write_event(&arena, &out, text, &event);
    (void)target_parse(&arena, out.data, out.length, "an event is shown as JSON");
}

static void check_body(const char *text)
{
    struct buf out;
    buf_init(&out, &arena, 64 * LIMIT_MIB);
    buf_add_string(&out, "{\"first\":1");
    api_add_json(&arena, &out, "given", text);
    api_add_text(&out, "text", text);
    buf_add_char(&out, '}');
    (void)target_parse(&arena, out.data, out.length, "what is stored is shown as JSON");
}

static void check_all(void *context)
{
    char *rest = context;
    char *kind = target_line(&rest);
    if (rest == NULL)
        return;
    if (strncmp(kind, "memory", 6) == 0)
        check_memory(kind + 6 + strspn(kind + 6, " "), rest);
    else if (strcmp(kind, "answer") == 0)
        check_answer(rest);
    else if (strcmp(kind, "template") == 0)
        check_templates(rest);
    else if (strcmp(kind, "fields") == 0)
        check_fields(rest);
    else if (strcmp(kind, "frame") == 0)
        check_frame(rest);
    else if (strcmp(kind, "user") == 0)
        check_user(rest);
    else if (strcmp(kind, "event") == 0)
        check_event(rest);
    else
        check_body(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (target_has_nul(data, size))
        return 0;
    char *text = target_text(data, size);
    arena_reset(&arena, LIMIT_MIB);
    if (!arena_try(&arena, check_all, text))
        target_broken("what is stored takes no more memory than there is", text);
    free(text);
    return 0;
}
