/* The annotation proctor.dev/policy-changes: on the object itself, which of its fields policy
 * changed, by which rule, and what stood there before.  For people and for the recorder.
 *
 *     {"spec.replicas":{"rule":"student-deployments/one-replica","was":5}}
 *
 * The same request always makes the same text: no time, sorted by field.  A run that changes
 * nothing leaves what an earlier one wrote, so that a second pass makes no second patch; an entry
 * that no rule stands for (forged, or the rule is gone) is taken out.
 */
#include "admit/internal.h"

#include <string.h>

#define KEY       "proctor.dev/policy-changes"
#define MAX_BYTES 2048U
#define LEFT_OUT  "more"

static const struct path *annotation_path(void)
{
    static struct step steps[] = {{.kind = STEP_MEMBER, .name = "metadata"},
                                  {.kind = STEP_MEMBER, .name = "annotations"},
                                  {.kind = STEP_MEMBER, .name = KEY}};
    static const struct path path = {
        .root = FIELD_OBJECT, .steps = steps, .count = 3, .literal = 3};
    return &path;
}

/* Whether the path can reach the field, which is as target_write prints it: the same steps,
 * whatever the elements, or more of them. */
static bool can_reach(const struct job *job, const struct path *path, const char *field)
{
    struct buf text = verb_buf(&job->eval);
    for (size_t i = 0; i < path->count; i++) {
        const char *element = field + text.length;
        const char *end = *element == '[' ? strchr(element, ']') : NULL;
        if (path->steps[i].kind == STEP_MEMBER)
            step_write_member(&path->steps[i], &text);
        else if (end != NULL)
            buf_add(&text, element, (size_t)(end + 1 - element));
        else
            return false;
        if (strncmp(field, text.data, text.length) != 0)
            return false;
    }
    return strchr(".[", field[text.length]) != NULL;
}

static const struct rule *find_rule(const struct job *job, const char *full_id)
{
    for (size_t i = 0; full_id != NULL && i < job->policy_count; i++)
        for (size_t r = 0; r < job->policies[i]->rule_count; r++)
            if (strcmp(job->policies[i]->rules[r].full_id, full_id) == 0)
                return &job->policies[i]->rules[r];
    return NULL;
}

/* Whether the entry names a rule of today and a field that it changes. */
static bool still_true(const struct job *job, const cJSON *entry)
{
    const struct rule *rule = find_rule(job, json_get_string(entry, "rule"));
    if (rule == NULL || !rule->mutates || rule->mode != POLICY_ENFORCE || rule->field == NULL)
        return false;
    const struct path_list *paths = field_paths(rule->field, job->eval.kind_index);
    for (size_t i = 0; i < paths->count; i++)
        if (can_reach(job, &paths->items[i], entry->string))
            return true;
    return false;
}

/* *ret_left_out is the count that stands for entries of an earlier run that had no room. */
static cJSON *earlier_entries(struct job *job, const char *text, size_t *ret_left_out)
{
    cJSON *entries = json_new_object(job->arena), *written;
    struct err ignored;
    if (text == NULL || strlen(text) > MAX_BYTES * 2 ||
        json_parse(job->arena, text, strlen(text), &json_limits_review, &written, &ignored) != 0 ||
        !json_is_object(written))
        return entries;
    int64_t left_out;
    if (json_int64(json_get(written, LEFT_OUT), &left_out) && left_out > 0 &&
        left_out <= (int64_t)LIMIT_PATCH_OPERATIONS)
        *ret_left_out = (size_t)left_out;
    for (cJSON *entry = written->child, *next; entry != NULL; entry = next) {
        next = entry->next;
        if (json_is_object(entry) && still_true(job, entry))
            json_append(entries, entry);
    }
    return entries;
}

/* A second entry for a field goes beside the first; write_entries chooses. */
static void put_entry(struct job *job, cJSON *entries, const struct edit *edit)
{
    cJSON *entry = json_new_object(job->arena);
    json_add(job->arena, entry, "rule", json_new_string(job->arena, edit->rule->full_id));
    if (edit->before != NULL) {
        cJSON *was = json_dup(job->arena, edit->before);
        was->string = NULL;
        json_add(job->arena, entry, "was", was);
    }
    entry->valueint = edit->kind == EDIT_INSIDE;
    json_add(job->arena, entries, edit->field, entry);
}

/* Of the entries for one field, from *at on, the one that is kept; *at moves past them.  Changed
 * twice in one request: what stood there first is what the user knows. */
static const cJSON *choose_entry(cJSON *const *sorted, size_t count, size_t *at)
{
    const cJSON *chosen = sorted[*at];
    while (++*at < count && strcmp(sorted[*at]->string, chosen->string) == 0)
        if (sorted[*at]->valueint == 0)
            chosen = sorted[*at];
    return chosen;
}

static void write_entry(struct buf *text, const cJSON *entry)
{
    buf_add_json_string(text, entry->string);
    buf_add_char(text, ':');
    json_write(text, entry);
}

/* What an earlier run left out counts on, but is not added: a request that is sent again must
 * make the same text. */
static const char *write_entries(struct job *job, const cJSON *entries, size_t earlier_left_out)
{
    struct buf text = verb_buf(&job->eval);
    size_t left_out = 0;
    buf_add_char(&text, '{');
    size_t count;
    cJSON **sorted = json_sort_members(job->arena, entries, &count);
    for (size_t at = 0; at < count;) {
        const cJSON *entry = choose_entry(sorted, count, &at);
        const size_t length = text.length;
        if (length > 1)
            buf_add_char(&text, ',');
        write_entry(&text, entry);
        if (text.length > MAX_BYTES - 32) {
            text.length = length;
            text.data[length] = '\0';
            left_out++;
        }
    }
    if (left_out < earlier_left_out)
        left_out = earlier_left_out;
    if (left_out > 0)
        buf_printf(&text, "%s\"" LEFT_OUT "\":%zu", text.length > 1 ? "," : "", left_out);
    buf_add_char(&text, '}');
    return text.data;
}

static bool take_target(void *context, struct target *target)
{
    *(struct target *)context = *target;
    return false;
}

void admit_note_changes(struct job *job)
{
    struct target target;
    if (*job->request->subresource != '\0' ||
        !json_is_object(json_get(job->eval.object, "metadata")))
        return;
    field_walk(annotation_path(), job->eval.object, take_target, &target);
    const char *now = json_string(target.value);
    if (now == NULL && job->eval.edits == NULL)
        return;
    if (edit_operation_count(&job->eval) > LIMIT_PATCH_OPERATIONS)
        return; /* refused anyway: no work for it */
    size_t left_out = 0;
    cJSON *entries = earlier_entries(job, now, &left_out);
    for (const struct edit *edit = job->eval.edits; edit != NULL; edit = edit->next)
        if (edit->rule != NULL)
            put_entry(job, entries, edit);
    if (entries->child == NULL && left_out == 0) {
        if (target.value != NULL)
            edit_remove(&job->eval, &target);
        return;
    }
    const char *text = write_entries(job, entries, left_out);
    if (now == NULL || strcmp(now, text) != 0)
        edit_set(&job->eval, &target, json_new_string(job->arena, text), true);
}
