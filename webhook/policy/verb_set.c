/* set: V — what differs becomes V; afterwards it must equal V.  On an element that is chosen by
 * its key (env[name=X]) V is the whole entry.  image@registry is the one view that can be set. */
#include "base/limits.h"
#include "kube/image.h"
#include "policy/edit.h"
#include "policy/verb.h"

#include <string.h>

static bool is_element(const struct target *target)
{
    const struct path *path = target->path;
    return path->count > 0 && path->steps[path->count - 1].kind == STEP_ELEMENT;
}

/* The entry with its key: {value: db} at env[name=DB_HOST] is {name: DB_HOST, value: db}. */
static const cJSON *whole_entry(struct eval *eval, const struct target *target, const cJSON *value)
{
    const struct step *step = &target->path->steps[target->path->count - 1];
    if (!json_is_object(value) || json_find(value, step->name) != NULL)
        return value;
    cJSON *entry = json_new_object(eval->arena);
    json_add(eval->arena, entry, step->name, json_new_string(eval->arena, step->value));
    for (const cJSON *member = value->child; member != NULL; member = member->next)
        json_add(eval->arena, entry, member->string, json_dup(eval->arena, member));
    return entry;
}

/* The image with another registry; NULL if it cannot be read. */
static const cJSON *image_at(struct eval *eval, const cJSON *image_node, const cJSON *registry)
{
    struct image image;
    if (!json_is_string(image_node) || !json_is_string(registry) ||
        !image_parse(image_node->valuestring, &image))
        return NULL;
    struct buf text = verb_buf(eval);
    buf_printf(&text, "%s/%s%.*s", registry->valuestring,
               image.repository_in_library ? "library/" : "", (int)image.repository.length,
               image.repository.text);
    if (image.tag.text != NULL && !image.tag_is_implied)
        buf_printf(&text, ":%.*s", (int)image.tag.length, image.tag.text);
    if (image.digest.text != NULL)
        buf_printf(&text, "@%.*s", (int)image.digest.length, image.digest.text);
    return json_new_string(eval->arena, text.data);
}

static bool has_registry(const char *text, const char *registry)
{
    struct image image;
    return image_parse(text, &image) && image.registry.length == strlen(registry) &&
           memcmp(image.registry.text, registry, image.registry.length) == 0;
}

static const cJSON *wanted_value(struct eval *eval, const struct action *action,
                                 const struct target *target, const char **ret_unresolved)
{
    const cJSON *value = expr_value(eval, &action->value, target, ret_unresolved);
    return value != NULL && is_element(target) ? whole_entry(eval, target, value) : value;
}

static bool holds(const struct rule *rule, const struct target *target, const cJSON *seen,
                  const cJSON *wanted)
{
    if (is_element(target))
        return value_holds(VALUE_AUTO, verb_seen_node(target), false, seen, wanted, true);
    return verb_holds(rule, target, seen, wanted);
}

static void set_registry(struct eval *eval, struct target *target, const cJSON *wanted)
{
    if (!json_is_string(target->value) || !json_is_string(wanted) ||
        has_registry(target->value->valuestring, wanted->valuestring))
        return;
    const cJSON *moved = image_at(eval, target->value, wanted);
    /* What is no registry would become a part of the path, and once more the next time. */
    if (moved != NULL && has_registry(moved->valuestring, wanted->valuestring))
        edit_set(eval, target, moved, true);
}

static void mutate(struct eval *eval, const struct rule *rule, const struct action *action,
                   struct target *target)
{
    const char *unresolved;
    const cJSON *wanted = wanted_value(eval, action, target, &unresolved);
    if (wanted == NULL)
        return;
    if (target->view == VIEW_REGISTRY)
        set_registry(eval, target, wanted);
    else if (!holds(rule, target, target->value, wanted))
        edit_set(eval, target, wanted, is_element(target) || rule->exactly);
}

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    const char *unresolved;
    const cJSON *wanted = wanted_value(eval, action, target, &unresolved);
    if (wanted == NULL)
        return verb_unresolved(eval, ret_finding, seen, unresolved);
    if (holds(rule, target, seen, wanted))
        return true;
    return verb_not_wanted(eval, rule, target, seen, wanted, ret_finding);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    buf_add_string(buf, "is set to ");
    value_write_plain(action->value.value, 200, buf);
}

static void lint(struct verb_parse *parse, const struct rule *rule, const struct action *action,
                 const struct schema_node *node)
{
    const cJSON *value = action->value.value;
    struct buf text;
    verb_lint_value(parse, rule, action, node);
    if (rule->field == NULL || rule->field->view != VIEW_REGISTRY || !action->value.is_constant)
        return;
    buf_init(&text, NULL, LIMIT_POLICY_FILE_BYTES);
    buf_add_strings(&text, json_is_string(value) ? value->valuestring : "", "/image", NULL);
    if (!json_is_string(value) || !has_registry(text.data, value->valuestring))
        verb_fail(parse, value, "bad-value",
                  "set: a registry is a host with a dot or a port in it (or localhost), as "
                  "registry.example.org");
    buf_done(&text);
}

extern const struct verb verb_set;
const struct verb verb_set = {
    .name = "set",
    .value = "a value",
    .takes = KEY_VALUE,
    .mutates = true,
    .parse = verb_parse_expr,
    .mutate = mutate,
    .check = check,
    .explain = explain,
    .lint = lint,
};
