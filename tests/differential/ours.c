/* Our half of the differential check: one question a line from stdin, one answer a line to
 * stdout, both JSON.  theirs/ asks, and compares with what Kubernetes' own code says.
 *
 *     {"ask":"quantity","a":"0.5","b":"1k"}   {"a":"500m","b":"1k","order":-1}
 *
 * An answer of null means "this is not one", {"error":...} that it was refused.
 */
#include "admit/admit.h"
#include "base/limits.h"
#include "kube/image.h"
#include "kube/pointer.h"
#include "kube/quantity.h"
#include "policy/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795262400 /* 2026-11-21T12:00:00Z */

static struct arena arena, sets;
static struct policy_set *policies; /* for "patch" */

static cJSON *refusal(const struct err *err)
{
    cJSON *answer = json_new_object(&arena);
    json_add(&arena, answer, "error", json_new_string(&arena, err->text));
    return answer;
}

static cJSON *null_node(void)
{
    cJSON *node = json_new_object(&arena);
    node->type = cJSON_NULL;
    return node;
}

static cJSON *parse(const char *text, size_t length)
{
    const struct json_limits wide = {200, 2000000};
    struct err err;
    cJSON *root;
    if (json_parse(&arena, text, length, &wide, &root, &err) == 0)
        return root;
    fprintf(stderr, "%s\n%s\n", err.text, text);
    exit(2);
}

static cJSON *canonical(const struct quantity *quantity)
{
    char text[QUANTITY_TEXT_MAX];
    quantity_write(quantity, text);
    return json_new_string(&arena, text);
}

static cJSON *ask_quantity(const cJSON *question)
{
    struct quantity a, b;
    const bool is_a = quantity_parse(json_get_string(question, "a"), &a);
    const bool is_b = quantity_parse(json_get_string(question, "b"), &b);
    cJSON *answer = json_new_object(&arena);
    json_add(&arena, answer, "a", is_a ? canonical(&a) : null_node());
    json_add(&arena, answer, "b", is_b ? canonical(&b) : null_node());
    if (is_a && is_b)
        json_add(&arena, answer, "order", json_new_int(&arena, quantity_compare(&a, &b)));
    return answer;
}

static cJSON *ask_percent(const cJSON *question)
{
    return json_new_int(&arena, value_compare(VALUE_INT_OR_PERCENT, json_get(question, "a"),
                                              json_get(question, "b")));
}

static cJSON *part(struct image_part part, const char *prefix)
{
    if (part.text == NULL)
        return json_new_string(&arena, "");
    return json_new_string(&arena,
                           arena_printf(&arena, "%s%.*s", prefix, (int)part.length, part.text));
}

static cJSON *ask_image(const cJSON *question)
{
    struct image image;
    if (!image_parse(json_get_string(question, "text"), &image))
        return null_node();
    cJSON *answer = json_new_object(&arena);
    const char *prefix = image.repository_in_library ? "library/" : "";
    json_add(&arena, answer, "registry", part(image.registry, ""));
    json_add(&arena, answer, "repository", part(image.repository, prefix));
    json_add(&arena, answer, "tag", part(image.tag, ""));
    json_add(&arena, answer, "digest", part(image.digest, ""));
    return answer;
}

static struct policy_set *load(const char *text, struct err *reterr)
{
    const struct policy_load_options options = {.now = NOW};
    struct diagnostics diagnostics;
    struct policy_set *set;
    diag_init(&diagnostics, &arena);
    if (policy_load_text("a.yaml", text, strlen(text), &options, &diagnostics, &set, reterr) == 0)
        return set;
    struct buf words;
    buf_init(&words, &arena, LIMIT_MIB);
    diag_write(&diagnostics, &words);
    err_set(reterr, ERR_POLICY, "%s", words.data);
    return NULL;
}

/* Judges `object` as it would be created. */
static bool judge(const struct policy_set *set, enum admit_phase phase, const char *object,
                  const char *kind, const char *space, struct admit_request *request,
                  struct verdict *verdict, struct err *reterr)
{
    const char *body =
        arena_printf(&arena,
                     "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                     "\"request\":{\"uid\":\"u\",%s,\"name\":\"a\",\"namespace\":\"%s\","
                     "\"operation\":\"CREATE\",\"userInfo\":{\"username\":\"s1\"},\"object\":%s}}",
                     kind, space, object);
    return admit_request_parse(&arena, body, strlen(body), phase, request, reterr) == 0 &&
           admit_review(set, request, NOW, &arena, verdict, reterr) == 0;
}

static const char *text_of(const cJSON *node)
{
    struct buf text;
    buf_init(&text, &arena, 64 * LIMIT_MIB);
    json_write(&text, node);
    return text.data;
}

/* The labels are judged as an object's, by the one policy that asks for them. */
static cJSON *ask_selector(const cJSON *question)
{
    static const char kind[] =
        "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"ConfigMap\"},"
        "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"configmaps\"}";
    struct err err;
    struct policy_set *set = load(
        arena_printf(&arena,
                     "{\"apiVersion\":\"proctor.dev/v1\",\"kind\":\"Policy\",\"metadata\":{"
                     "\"name\":\"p\"},\"spec\":{\"match\":{\"resources\":[\"configmaps\"],"
                     "\"selector\":%s},\"rules\":[{\"id\":\"r\",\"why\":\"W.\",\"deny\":true}]}}",
                     text_of(json_find(question, "selector"))),
        &err);
    if (set == NULL)
        return refusal(&err);
    cJSON *answer = json_new_array(&arena);
    const cJSON *labels = json_get(question, "labels");
    for (const cJSON *one = labels->child; one != NULL; one = one->next) {
        struct admit_request request;
        struct verdict verdict;
        if (!judge(set, ADMIT_VALIDATE,
                   arena_printf(&arena,
                                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
                                "\"name\":\"a\",\"labels\":%s}}",
                                text_of(one)),
                   kind, "a", &request, &verdict, &err)) {
            policy_set_unref(set);
            return refusal(&err);
        }
        json_append(answer, json_new_bool(&arena, !verdict.allowed));
    }
    policy_set_unref(set);
    return answer;
}

/* The patch, and the object that was judged with it. */
static cJSON *ask_patch(const cJSON *question)
{
    struct admit_request request;
    struct verdict verdict;
    struct err err;
    const char *kind =
        arena_printf(&arena, "\"kind\":%s,\"resource\":%s", text_of(json_get(question, "kind")),
                     text_of(json_get(question, "resource")));
    if (!judge(policies, ADMIT_MUTATE, text_of(json_get(question, "object")), kind,
               json_get_string(question, "namespace"), &request, &verdict, &err))
        return refusal(&err);
    cJSON *answer = json_new_object(&arena);
    const bool patched = verdict.patch != NULL;
    json_add(&arena, answer, "patch",
             patched ? parse(verdict.patch, verdict.patch_length) : json_new_array(&arena));
    json_add(&arena, answer, "after", request.object);
    return answer;
}

static cJSON *ask_apply(const cJSON *question)
{
    struct err err;
    cJSON *document = json_get(question, "document");
    if (patch_apply(&arena, &document, json_get(question, "patch"), &err) != 0)
        return refusal(&err);
    cJSON *answer = json_new_object(&arena);
    json_add(&arena, answer, "after", json_dup(&arena, document));
    return answer;
}

static cJSON *ask_default(const cJSON *question)
{
    const cJSON *kind = json_get(question, "kind");
    cJSON *object = json_get(question, "object");
    struct err err;
    if (schema_default(&arena,
                       schema_kind_find(json_get_string(kind, "group"),
                                        json_get_string(kind, "version"),
                                        json_get_string(kind, "kind")),
                       object, &err) != 0)
        return refusal(&err);
    cJSON *answer = json_new_object(&arena);
    json_add(&arena, answer, "after", json_dup(&arena, object));
    return answer;
}

static const struct {
    const char *name;
    cJSON *(*ask)(const cJSON *question);
} asks[] = {
    {"quantity", ask_quantity}, {"percent", ask_percent}, {"image", ask_image},
    {"selector", ask_selector}, {"patch", ask_patch},     {"apply", ask_apply},
    {"default", ask_default},
};

static void answer_line(const char *line, size_t length)
{
    const cJSON *question = parse(line, length);
    const char *name = json_get_string(question, "ask");
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        if (strcmp(asks[i].name, name) == 0) {
            fputs(text_of(asks[i].ask(question)), stdout);
            fputc('\n', stdout);
            return;
        }
    }
    fprintf(stderr, "what is \"%s\"?\n", name);
    exit(2);
}

/* The policies whose patches are compared. */
static void load_policies(const char *const *paths)
{
    const struct policy_load_options options = {.now = NOW};
    struct diagnostics diagnostics;
    struct err err;
    diag_init(&diagnostics, &sets);
    if (policy_load(paths, &options, &diagnostics, &policies, &err) == 0)
        return;
    struct buf words;
    buf_init(&words, &sets, LIMIT_MIB);
    diag_write(&diagnostics, &words);
    fprintf(stderr, "%s%s\n", words.data, err.text);
    exit(2);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: ours POLICIES... <questions\n");
        return 2;
    }
    arena_install_cjson_hooks();
    arena_init(&sets, 64 * LIMIT_MIB);
    arena_init(&arena, 512 * LIMIT_MIB);
    arena_use(&arena);
    load_policies((const char *const *)argv + 1);
    for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
        if (line[length - 1] == '\n')
            line[--length] = '\0';
        answer_line(line, (size_t)length);
        arena_reset(&arena, 16 * LIMIT_MIB);
    }
    free(line);
    policy_set_unref(policies);
    return ferror(stdout) ? 2 : 0;
}
