#include "base/digest.h"
#include "history/view.h"

#include <string.h>

/* etcd takes no larger object; escapes may double it. */
#define TEMPLATE_BYTES_MAX (8UL * 1024UL * 1024UL)

#define HASH_LABEL "pod-template-hash"

static void write_canonical(struct arena *arena, struct buf *buf, const cJSON *node);

static void write_object(struct arena *arena, struct buf *buf, const cJSON *object)
{
    size_t count;
    cJSON **members = json_sort_members(arena, object, &count);
    bool first = true;
    buf_add_char(buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (json_is_null(members[i]))
            continue;
        if (!first)
            buf_add_char(buf, ',');
        first = false;
        buf_add_json_string(buf, members[i]->string);
        buf_add_char(buf, ':');
        write_canonical(arena, buf, members[i]);
    }
    buf_add_char(buf, '}');
}

static void write_array(struct arena *arena, struct buf *buf, const cJSON *array)
{
    const cJSON *element;
    buf_add_char(buf, '[');
    cJSON_ArrayForEach(element, array)
    {
        if (element != array->child)
            buf_add_char(buf, ',');
        write_canonical(arena, buf, element);
    }
    buf_add_char(buf, ']');
}

static void write_canonical(struct arena *arena, struct buf *buf, const cJSON *node)
{
    if (json_is_object(node))
        write_object(arena, buf, node);
    else if (json_is_array(node))
        write_array(arena, buf, node);
    else
        json_write(buf, node);
}

const char *view_canonical_template(struct arena *arena, const cJSON *pod_template)
{
    struct buf buf;
    buf_init(&buf, arena, TEMPLATE_BYTES_MAX);
    const cJSON *hash = json_find(json_path(pod_template, "metadata", "labels", NULL), HASH_LABEL);
    const cJSON *whole = pod_template;
    if (hash != NULL) {
        struct arena *before = arena_use(arena);
        cJSON *copy = json_dup(arena, pod_template);
        cJSON *labels = json_path(copy, "metadata", "labels", NULL);
        json_unlink(labels, json_find(labels, HASH_LABEL));
        if (json_count(labels) == 0)
            json_unlink(json_get(copy, "metadata"), labels);
        whole = copy;
        arena_use(before);
    }
    write_canonical(arena, &buf, whole);
    return buf.data;
}

const char *view_template_sha(struct arena *arena, const cJSON *pod_template)
{
    if (pod_template == NULL)
        return "";
    const char *text = view_canonical_template(arena, pod_template);
    char *hex = arena_alloc(arena, DIGEST_HEX_BYTES);
    if (!digest_sha256(text, strlen(text), hex))
        hex[0] = '\0';
    return hex;
}

/* ---- What kind of change: the parts of both templates that differ, each of some kind. */

enum kind { KIND_IMAGE, KIND_ENV, KIND_CONFIG, KIND_RESTART, KIND_POLICY, KIND_OTHER, KINDS };

static const char *const kind_names[KINDS] = {"image",   "env",    "config",
                                              "restart", "policy", "other"};

static bool same(const cJSON *a, const cJSON *b)
{
    return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

static enum kind kind_of_annotation(const char *key)
{
    if (strcmp(key, "kubectl.kubernetes.io/restartedAt") == 0)
        return KIND_RESTART;
    return strncmp(key, "proctor.dev/", strlen("proctor.dev/")) == 0 ? KIND_POLICY : KIND_OTHER;
}

static enum kind kind_of_container_member(const char *key)
{
    if (strcmp(key, "image") == 0)
        return KIND_IMAGE;
    if (strcmp(key, "env") == 0)
        return KIND_ENV;
    if (strcmp(key, "envFrom") == 0 || strcmp(key, "volumeMounts") == 0)
        return KIND_CONFIG;
    return KIND_OTHER;
}

static enum kind kind_of_spec_member(const char *key)
{
    return strcmp(key, "volumes") == 0 ? KIND_CONFIG : KIND_OTHER;
}

static enum kind kind_of_rest(const char *key)
{
    (void)key;
    return KIND_OTHER;
}

typedef enum kind kind_of_member(const char *key);

/* Marks the kinds of those members of two objects that differ, except `apart`, which the caller
 * looks into. */
static void compare(const cJSON *before, const cJSON *after, const char *apart,
                    kind_of_member *kind_of, bool changed[KINDS])
{
    const cJSON *both[2] = {before, after};
    for (size_t i = 0; i < 2; i++) {
        const cJSON *member;
        cJSON_ArrayForEach(member, both[i])
        {
            if (member->string != NULL && (apart == NULL || strcmp(member->string, apart) != 0) &&
                !same(json_get(before, member->string), json_get(after, member->string)))
                changed[kind_of(member->string)] = true;
        }
    }
}

static const cJSON *container_named(const cJSON *list, const char *name)
{
    const cJSON *one;
    cJSON_ArrayForEach(one, list)
    {
        const char *its = json_get_string(one, "name");
        if (its != NULL && name != NULL && strcmp(its, name) == 0)
            return one;
    }
    return NULL;
}

static void compare_containers(const cJSON *before, const cJSON *after, bool changed[KINDS])
{
    if (json_count(before) != json_count(after))
        changed[KIND_OTHER] = true;
    const cJSON *one;
    cJSON_ArrayForEach(one, after)
    {
        const cJSON *was = container_named(before, json_get_string(one, "name"));
        if (was == NULL)
            changed[KIND_OTHER] = true;
        else
            compare(was, one, NULL, kind_of_container_member, changed);
    }
}

const char *view_change_kind(const cJSON *before, const cJSON *after)
{
    bool changed[KINDS] = {false};
    const cJSON *spec_before = json_get(before, "spec"), *spec_after = json_get(after, "spec");
    const cJSON *meta_before = json_get(before, "metadata");
    const cJSON *meta_after = json_get(after, "metadata");
    compare(json_get(meta_before, "annotations"), json_get(meta_after, "annotations"), NULL,
            kind_of_annotation, changed);
    const cJSON *labels[2] = {json_get(meta_before, "labels"), json_get(meta_after, "labels")};
    compare(labels[0], labels[1], HASH_LABEL, kind_of_rest, changed);
    compare(spec_before, spec_after, "containers", kind_of_spec_member, changed);
    compare_containers(json_get(spec_before, "containers"), json_get(spec_after, "containers"),
                       changed);
    /* What policy writes beside a change of the user's is not what changed. */
    size_t found = KIND_OTHER;
    if (!changed[KIND_OTHER]) {
        size_t count = 0;
        for (size_t i = 0; i < KIND_POLICY; i++) {
            if (changed[i]) {
                found = count++ == 0 ? i : KIND_OTHER;
            }
        }
        if (count == 0 && changed[KIND_POLICY])
            found = KIND_POLICY;
    }
    return kind_names[found];
}
