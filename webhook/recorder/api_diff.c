/* What two versions have otherwise: their templates, member by member.
 *
 * A list whose elements all have a name (containers, env, volumes, ports ...) is compared by
 * names, as a person reads it: spec.containers[app].image.  Every other list goes by positions.
 */
#include "recorder/api_internal.h"

#include <string.h>

#define CHANGES_MAX 1000U
#define DEPTH_MAX   64U
/* Each is looked for among all: what has more is compared by positions, or as a whole. */
#define MEMBERS_MAX 500U

struct diff {
    struct arena *arena;
    struct buf *out;
    size_t count;
    bool cut;
};

static void add_value(struct diff *diff, const char *key, const cJSON *value)
{
    buf_add_strings(diff->out, ",\"", key, "\":", NULL);
    if (value == NULL)
        buf_add_string(diff->out, "null");
    else
        json_write(diff->out, value);
}

static void report(struct diff *diff, const char *path, const cJSON *before, const cJSON *after)
{
    if (diff->count == CHANGES_MAX) {
        diff->cut = true;
        return;
    }
    buf_add_string(diff->out, diff->count++ > 0 ? ",{\"path\":" : "{\"path\":");
    buf_add_json_string(diff->out, path);
    add_value(diff, "before", before);
    add_value(diff, "after", after);
    buf_add_char(diff->out, '}');
}

/* Letters that need no brackets. */
static bool is_word(const char *text)
{
    return text[0] != '\0' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               strlen(text);
}

static const char *member_path(struct diff *diff, const char *path, const char *key)
{
    if (!is_word(key))
        return arena_printf(diff->arena, "%s[\"%s\"]", path, key);
    return path[0] == '\0' ? key : arena_printf(diff->arena, "%s.%s", path, key);
}

static bool has_names(const cJSON *list)
{
    if (json_count(list) > MEMBERS_MAX)
        return false;
    for (const cJSON *at = list->child; at != NULL; at = at->next) {
        const char *name = json_get_string(at, "name");
        if (name == NULL)
            return false;
        for (const cJSON *other = list->child; other != at; other = other->next) {
            if (strcmp(json_get_string(other, "name"), name) == 0)
                return false;
        }
    }
    return true;
}

static const cJSON *find_named(const cJSON *list, const char *name)
{
    const cJSON *at = list->child;
    while (at != NULL && strcmp(json_get_string(at, "name"), name) != 0)
        at = at->next;
    return at;
}

static void compare(struct diff *diff, const char *path, const cJSON *before, const cJSON *after,
                    unsigned depth);

static void compare_objects(struct diff *diff, const char *path, const cJSON *before,
                            const cJSON *after, unsigned depth)
{
    for (const cJSON *at = before->child; at != NULL; at = at->next)
        compare(diff, member_path(diff, path, at->string), at, json_find(after, at->string), depth);
    for (const cJSON *at = after->child; at != NULL; at = at->next) {
        if (json_find(before, at->string) == NULL)
            compare(diff, member_path(diff, path, at->string), NULL, at, depth);
    }
}

static void compare_named(struct diff *diff, const char *path, const cJSON *before,
                          const cJSON *after, unsigned depth)
{
    for (const cJSON *at = before->child; at != NULL; at = at->next) {
        const char *name = json_get_string(at, "name");
        compare(diff, arena_printf(diff->arena, "%s[%s]", path, name), at, find_named(after, name),
                depth);
    }
    for (const cJSON *at = after->child; at != NULL; at = at->next) {
        const char *name = json_get_string(at, "name");
        if (find_named(before, name) == NULL)
            compare(diff, arena_printf(diff->arena, "%s[%s]", path, name), NULL, at, depth);
    }
}

static void compare_lists(struct diff *diff, const char *path, const cJSON *before,
                          const cJSON *after, unsigned depth)
{
    const cJSON *one = before->child, *other = after->child;
    for (size_t i = 0; one != NULL || other != NULL; i++) {
        compare(diff, arena_printf(diff->arena, "%s[%zu]", path, i), one, other, depth);
        one = one != NULL ? one->next : NULL;
        other = other != NULL ? other->next : NULL;
    }
}

static void compare(struct diff *diff, const char *path, const cJSON *before, const cJSON *after,
                    unsigned depth)
{
    if (json_is_null(before) && json_is_null(after))
        return;
    if (depth == DEPTH_MAX || before == NULL || after == NULL ||
        (before->type & 0xff) != (after->type & 0xff) ||
        (json_is_object(before) && json_count(before) + json_count(after) > MEMBERS_MAX)) {
        if (before == NULL || after == NULL || !json_equal(before, after))
            report(diff, path, before, after);
    } else if (json_is_object(before)) {
        compare_objects(diff, path, before, after, depth + 1);
    } else if (json_is_array(before) && has_names(before) && has_names(after)) {
        compare_named(diff, path, before, after, depth + 1);
    } else if (json_is_array(before)) {
        compare_lists(diff, path, before, after, depth + 1);
    } else if (!json_equal(before, after)) {
        report(diff, path, before, after);
    }
}

/* ---- The other version ------------------------------------------------------------------ */

static int find_before(struct api_call *call, struct revision *ret_other)
{
    struct store_query query = {.project = call->project.id,
                                .before_seq = call->revision.seq,
                                .status = -1,
                                .good = -1,
                                .brief = true,
                                .limit = 1};
    struct revision *rows;
    size_t count = 0;
    int r;
    do {
        r = store_revisions(call->api->options.store, &call->arena, &query, &rows, &count,
                            &call->err);
        if (r == 0 && count > 0)
            query.before_seq = rows[0].seq;
    } while (r == 0 && count > 0 && rows[0].status == REVISION_NOT_PERSISTED);
    *ret_other = r == 0 && count > 0 ? rows[0] : (struct revision){.id = 0};
    return r;
}

static bool find_other(struct api_call *call, struct revision *ret_other)
{
    const int64_t id = api_query_number(call, "against", 0);
    const int r =
        id == 0 ? find_before(call, ret_other)
                : store_revision(call->api->options.store, &call->arena, id, ret_other, &call->err);
    /* Of another project: it is not said whether there is one. */
    if (r == -(int)ERR_NOT_FOUND ||
        (r == 0 && id != 0 && ret_other->project_id != call->project.id)) {
        api_problem(call, 404, "NotFound",
                    "The version to compare with (against) is none of this project.");
        return false;
    }
    if (r != 0)
        api_fail(call, r);
    return r == 0;
}

static int read_template(struct api_call *call, const struct revision *revision,
                         const cJSON **ret_template)
{
    const char *json = NULL;
    cJSON *root = NULL;
    *ret_template = json_new_object(&call->arena);
    if (revision->template_sha == NULL)
        return 0;
    int r = store_template_get(call->api->options.store, &call->arena, revision->template_sha,
                               &json, &call->err);
    if (r == -(int)ERR_NOT_FOUND)
        return err_set(&call->err, ERR_NOT_FOUND, "The template of version %lld is not known.",
                       (long long)revision->seq);
    if (r == 0)
        r = json_parse(&call->arena, json, strlen(json), &json_limits_review, &root, &call->err);
    if (r == 0)
        *ret_template = root;
    return r;
}

void api_get_diff(struct api_call *call)
{
    struct diff diff = {.arena = &call->arena, .out = &call->out};
    struct revision other;
    const cJSON *before, *after;
    if (!find_other(call, &other))
        return;
    int r = read_template(call, &other, &before);
    if (r == 0)
        r = read_template(call, &call->revision, &after);
    if (r != 0) {
        api_fail(call, r);
        return;
    }
    buf_printf(&call->out, "{\"deployment\":%lld", (long long)call->id);
    api_add_id(&call->out, "against", other.id);
    buf_add_string(&call->out, ",\"changes\":[");
    compare(&diff, "", before, after, 0);
    buf_add_char(&call->out, ']');
    api_add_bool(&call->out, "truncated", diff.cut);
    buf_add_string(&call->out, "}\n");
}
