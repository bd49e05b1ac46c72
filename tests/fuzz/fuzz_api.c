/* A call of the recorder's API as MHD's threads hand it over: method, path, query, headers and
 * body, judged by the table's rows; without a socket.
 *
 *     POST /api/projects/web/deploy?limit=3
 *     Content-Type: application/json
 *
 *     {"image":"a:1"}
 */
#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "kube/pointer.h"
#include "recorder/api_internal.h"
#include "recorder/deploy_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OBJECT_PATH "tests/cases/engine/ratchet-template-changed/review.json"

static struct api api = {.options = {.namespace_ = "hydrosim-students", .body_bytes = LIMIT_MIB}};
static struct arena kept;
static cJSON *live;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char text[1 << 18];
    (void)argc;
    (void)argv;
    arena_install_cjson_hooks();
    arena_init(&kept, 16 * LIMIT_MIB);
    FILE *file = fopen(OBJECT_PATH, "rb");
    const size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (length == 0)
        target_broken("the recorded object is there", OBJECT_PATH);
    fclose(file);
    live = json_path(target_parse(&kept, text, length, "it is JSON"), "request", "object", NULL);
    cJSON *metadata = json_get(live, "metadata"); /* as it is stored, by these it is fenced */
    json_add(&kept, metadata, "uid", json_new_string(&kept, "d1"));
    json_add(&kept, metadata, "generation", json_new_int(&kept, 3));
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tree_mutate(data, size, max_size, seed);
}

/* ---- the call --------------------------------------------------------------------------- */

static void set_header(struct api_call *call, char *name, char *value)
{
    const struct {
        const char *name;
        char **place;
    } rows[] = {{"Authorization", &call->authorization}, {"Accept", &call->accept},
                {"Content-Type", &call->content_type},   {"Idempotency-Key", &call->key},
                {"If-Match", &call->if_match},           {"Last-Event-ID", &call->last_event_id}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcasecmp(rows[i].name, name) != 0)
            continue;
        call->too_many = call->too_many || *rows[i].place != NULL;
        *rows[i].place = value;
    }
}

/* False: there is no first line. */
static bool fill_call(struct api_call *call, char *text)
{
    char *rest = text, *first = target_line(&rest), *space = strchr(first, ' ');
    if (space == NULL || (size_t)(space - first) >= sizeof call->method)
        return false;
    memcpy(call->method, first, (size_t)(space - first));
    call->is_head = strcmp(call->method, "HEAD") == 0;
    call->uri = space + 1;
    for (char *line; (line = target_line(&rest)) != NULL && *line != '\0';) {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        set_header(call, line, colon + 1 + strspn(colon + 1, " "));
    }
    if (rest != NULL) {
        call->body = rest;
        call->body_length = call->expected = strlen(rest);
    }
    return true;
}

/* ---- what must hold --------------------------------------------------------------------- */

static void check_problem(struct api_call *call)
{
    const cJSON *root =
        target_parse(&call->arena, call->out.data, call->out.length, "a problem is JSON");
    int64_t status = 0;
    target_holds(json_int64(json_get(root, "status"), &status) && status == call->status &&
                     status >= 400 && status < 500,
                 "what is wrong with a call is the caller's", call->out.data);
    target_holds(json_get_string(root, "detail") != NULL &&
                     json_get_string(root, "reason") != NULL &&
                     json_is_array(json_get(root, "causes")),
                 "a problem says what it is", call->out.data);
    target_holds(call->media != NULL && strcmp(call->media, "application/problem+json") == 0,
                 "a problem has its media type", call->out.data);
}

static void check_plain(const char *text)
{
    uint32_t rune;
    for (const char *at = text; *at != '\0';) {
        const size_t bytes = utf8_decode(at, &rune);
        target_holds(bytes > 0 && rune >= 0x20 && rune != 0x7f, "text is plain", text);
        at += bytes;
    }
}

static void check_cursor(struct api_call *call)
{
    char text[API_CURSOR_BYTES];
    int64_t position = -1;
    api_cursor_write(call, 4711, text);
    for (size_t i = 0; i < api_query_field_count; i++)
        if (strcmp(api_query_fields[i].name, "cursor") == 0)
            call->query[i] = text;
    target_holds(api_cursor_read(call, &position) && position == 4711,
                 "a cursor leads where it was made", text);
    text[3] = text[3] == '0' ? '1' : '0';
    target_holds(!api_cursor_read(call, &position), "a cursor that was changed is refused", text);
    check_problem(call);
}

static void check_accepted(struct api_call *call)
{
    for (size_t i = 0; i < api_query_field_count; i++) {
        const char *value = call->query[i];
        if (value == NULL)
            continue;
        target_holds(api_has_word(call->route->query, api_query_fields[i].name,
                                  strlen(api_query_fields[i].name)),
                     "only what the path takes is taken", value);
        check_plain(value);
    }
    if (strstr(call->route->path, "{project}") != NULL) {
        target_holds(call->project_name != NULL && call->project_name[0] != '\0' &&
                         strlen(call->project_name) < 254 &&
                         strpbrk(call->project_name, "/%?# ") == NULL,
                     "a project's name is one", call->project_name);
        check_plain(call->project_name);
    }
    target_holds(strstr(call->route->path, "{id}") == NULL ||
                     (call->id > 0 && call->id <= API_NUMBER_MAX),
                 "an id is a number from 1 on", call->uri);
    target_holds(call->expect_generation >= 0 && call->expect_generation <= API_NUMBER_MAX,
                 "a generation is a number", call->if_match);
    target_holds(call->input == NULL || json_is_object(call->input), "an input is an object", "");
    if (api_has_word(call->route->query, "cursor", strlen("cursor")))
        check_cursor(call);
}

/* ---- a deploy's body -------------------------------------------------------------------- */

static void check_patch(struct api_call *call, const struct deploy_spec *spec)
{
    struct arena *arena = &call->arena;
    cJSON *causes = json_new_array(arena);
    struct err err;
    const cJSON *wanted = deploy_make_deployment(arena, spec, api.options.namespace_, live, causes);
    if (wanted == NULL) {
        target_holds(json_count(causes) > 0, "what cannot be made says why", call->body);
        return;
    }
    cJSON *object = json_dup(arena, live);
    const cJSON *patch = deploy_patch(arena, DEPLOY_DEPLOYMENT, live, wanted);
    if (json_count(patch) == 0) {
        target_holds(json_equal(live, wanted), "no patch: nothing changes", call->body);
        return;
    }
    if (patch_apply(arena, &object, patch, &err) != 0)
        target_broken("a deploy's patch applies", err.text);
    target_holds(json_equal(object, wanted), "a deploy's patch makes what is wanted", call->body);
}

static void check_deploy(struct api_call *call)
{
    struct deploy_spec spec, again;
    const cJSON *causes = NULL;
    struct err err = {.text = ""};
    struct buf body;
    const int rc = deploy_read(&call->arena, call->body, call->body_length, &spec, &causes, &err);
    if (rc != 0) {
        target_holds(err.text[0] != '\0' || json_count(causes) > 0, "a refusal says why",
                     call->body);
        target_holds(rc != -(int)ERR_REFUSED || json_count(causes) > 0, "each fault is a cause",
                     call->body);
        return;
    }
    spec.project = "web";
    target_holds(spec.image != NULL && spec.env_count <= DEPLOY_ENV_MOST, "a deploy has its image",
                 call->body);
    buf_init(&body, &call->arena, 8 * LIMIT_MIB);
    json_write(&body, deploy_spec_body(&call->arena, &spec));
    if (deploy_read(&call->arena, body.data, body.length, &again, &causes, &err) != 0)
        target_broken("what is noted of a deploy can be read", body.data);
    target_holds(strcmp(spec.image, again.image) == 0 && spec.env_count == again.env_count &&
                     spec.replicas == again.replicas && spec.port == again.port &&
                     spec.expose == again.expose && spec.env_replace == again.env_replace &&
                     spec.health_retries == again.health_retries,
                 "what is noted of a deploy is the same", body.data);
    check_patch(call, &spec);
}

static void read_call(void *context)
{
    struct api_call *call = context;
    if (!api_input_head(call) || !api_input_read(call)) {
        check_problem(call);
        return;
    }
    target_holds(call->route != NULL && call->out.length == 0, "a call has a route", call->uri);
    if (call->route->handler == api_post_deploy && call->body_length > 0)
        check_deploy(call);
    check_accepted(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct api_call call = {.api = &api, .media = "application/json"};
    if (target_has_nul(data, size) || size == 0)
        return 0;
    if (arena.cap_bytes == 0)
        arena_init(&arena, API_ARENA_BYTES);
    arena_reset(&arena, LIMIT_MIB);
    char *text = target_text(data, size);
    memcpy(call.request_id, "0123456789abcdef", sizeof call.request_id);
    buf_init(&call.out, NULL, API_ANSWER_BYTES);
    call.arena = arena;
    if (fill_call(&call, text) && !arena_try(&call.arena, read_call, &call))
        target_broken("a call takes no more memory than it has", text);
    arena = call.arena;
    arena.recovery = NULL;
    buf_done(&call.out);
    free(text);
    return 0;
}
