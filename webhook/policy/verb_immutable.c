/* immutable: true|once — an UPDATE must not change, add or remove it; once: the first set is
 * free.  Judged over all the values that the field reaches, in their order, so that taking an
 * element out or adding one counts. */
#include "policy/verb.h"

#include <string.h>

static bool collect(void *context, struct target *at)
{
    cJSON *list = ((void **)context)[0];
    struct arena *arena = ((void **)context)[1];
    cJSON *entry = at->value != NULL ? json_dup(arena, at->value) : NULL;
    if (entry != NULL) {
        entry->string = NULL;
        json_append(list, entry);
    }
    return true;
}

static cJSON *values_of(struct eval *eval, const struct path *path, cJSON *root)
{
    cJSON *list = json_new_array(eval->arena);
    void *context[] = {list, eval->arena};
    field_walk(path, root, collect, context);
    return list;
}

static bool check_whole(struct eval *eval, const struct rule *rule, const struct action *action,
                        const struct path *path, const struct target *where,
                        struct finding *ret_finding)
{
    (void)rule;
    if (eval->operation != OPERATION_UPDATE || eval->old_object == NULL)
        return true;
    const cJSON *before = values_of(eval, path, eval->old_object);
    const cJSON *after = values_of(eval, path, eval->object);
    const bool once = !action->flag;
    if (json_equal(before, after) || (once && before->child == NULL))
        return true;
    struct buf bound = verb_buf(eval);
    if (before->child == NULL) {
        buf_add_string(&bound, "must stay unset");
    } else {
        buf_add_string(&bound, "must stay ");
        value_write_plain(before->child->next == NULL ? before->child : before, 200, &bound);
    }
    /* Of a field that chooses, what it shows, not all of the list that it chooses from. */
    const cJSON *found = where->value;
    if (path->literal != path->count)
        found = after->child != NULL && after->child->next == NULL ? after->child : after;
    verb_invalid(ret_finding, found, bound.data);
    if (found == NULL)
        ret_finding->reason = FINDING_REQUIRED;
    ret_finding->wanted =
        before->child != NULL && before->child->next == NULL && path->literal == path->count
            ? before->child
            : NULL;
    return false;
}

static bool parse(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    const char *word = json_string(value);
    if (!json_is_true(value) && (word == NULL || strcmp(word, "once") != 0))
        return verb_fail(parse, value, "bad-value", "immutable takes true or once");
    action->flag = json_is_true(value);
    action->value.is_constant = true;
    return true;
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    buf_add_string(buf, action->flag ? "must never change" : "must not change once it is set");
}

extern const struct verb verb_immutable;
const struct verb verb_immutable = {
    .name = "immutable",
    .value = "true or once",
    .takes = KEY_ONCE,
    .negative = true,
    .parse = parse,
    .check_whole = check_whole,
    .explain = explain,
};
