/* Objects and remarks: how both halves put them together, and how they are printed. */
#include "cli/native/native_internal.h"

#include "base/limits.h"
#include "base/yaml.h"

#include <string.h>

#define WHY_RUNES   1000U
#define API_VERSION "admissionregistration.k8s.io/v1"

/* ---- remarks --------------------------------------------------------------------------------- */

void native_remark(struct native *native, struct arena *arena, const struct policy *policy,
                   const struct rule *rule, bool left_out, const char *why)
{
    native->remarks = arena_room(arena, native->remarks, native->remark_count,
                                 &native->remark_capacity, sizeof *native->remarks);
    native->remarks[native->remark_count++] =
        (struct native_remark){policy->name, rule != NULL ? rule->id : NULL, why, left_out};
}

bool native_names_rule(const struct policy_exception *exception, const struct rule *rule)
{
    if (strcmp(exception->policy, rule->policy->name) != 0)
        return false;
    for (size_t i = 0; exception->rules[i] != NULL; i++)
        if (strcmp(exception->rules[i], rule->id) == 0)
            return true;
    return false;
}

void native_remark_exceptions(struct native *native, const struct policy_set *set, int64_t now,
                              struct arena *arena, const struct rule *rule)
{
    for (size_t i = 0; i < set->exception_count; i++) {
        const struct policy_exception *exception = &set->exceptions[i];
        if (native_names_rule(exception, rule) && now < exception->expires_at)
            native_remark(native, arena, rule->policy, rule, false,
                          arena_printf(arena,
                                       "the exception %s ends with %s, and the API server has no "
                                       "calendar: export again after that day",
                                       exception->name, exception->expires));
    }
}

/* ---- names in expressions -------------------------------------------------------------------- */

#define NAMES_MAX 512U

/* The names that are left get short ones, in the order in which they stand: the same for every kind
 * with the same text. */
const char *native_finish(struct cel *cel, const char *text)
{
    unsigned numbers[NAMES_MAX] = {0}, next = 0;
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_POLICY_SET_BYTES);
    for (; *text != '\0'; text++) {
        if (*text != '\001') {
            buf_add_char(&buf, *text);
            continue;
        }
        unsigned number = 0;
        for (text += 2; *text != '\001'; text++)
            number = number * 10 + (unsigned)(*text - '0');
        if (number >= NAMES_MAX)
            return cel_cannot(cel, "the expression is too large");
        if (numbers[number] == 0)
            numbers[number] = ++next;
        buf_printf(&buf, "v%u", numbers[number]);
    }
    return buf.data;
}

/* ---- objects --------------------------------------------------------------------------------- */

cJSON *native_new_object(struct arena *arena, const char *kind, const char *name)
{
    cJSON *object = json_new_object(arena), *metadata = json_new_object(arena);
    cJSON *labels = json_new_object(arena);
    json_add(arena, object, "apiVersion", json_new_string(arena, API_VERSION));
    json_add(arena, object, "kind", json_new_string(arena, kind));
    json_add(arena, metadata, "name", json_new_string(arena, name));
    json_add(arena, labels, "app.kubernetes.io/part-of", json_new_string(arena, "proctor"));
    json_add(arena, metadata, "labels", labels);
    json_add(arena, object, "metadata", metadata);
    return object;
}

void native_add_object(struct native *native, struct arena *arena, cJSON *object)
{
    native->objects = arena_room(arena, native->objects, native->count, &native->capacity,
                                 sizeof *native->objects);
    native->objects[native->count++] = object;
}

cJSON *native_match_conditions(struct cel *cel, const struct policy_match *match)
{
    cJSON *conditions = cel_match_conditions(cel, match);
    for (cJSON *one = conditions->child; one != NULL; one = one->next) {
        cJSON *text = json_get(one, "expression");
        text->valuestring = arena_strdup(cel->arena, native_finish(cel, text->valuestring));
    }
    return conditions;
}

/* ---- writing --------------------------------------------------------------------------------- */

void native_write_yaml(const struct native *native, struct buf *buf)
{
    buf_printf(buf, "# Made by `proctor export native`: %zu of %zu rules.\n",
               native->rule_count - native->rules_left_out, native->rule_count);
    for (size_t i = 0; i < native->remark_count; i++) {
        const struct native_remark *one = &native->remarks[i];
        buf_add_strings(buf, one->left_out ? "# not expressed: " : "# note: ", one->policy,
                        one->rule != NULL ? "/" : "", one->rule != NULL ? one->rule : "", ": ",
                        NULL);
        buf_add_visible(buf, one->why, WHY_RUNES);
        buf_add_char(buf, '\n');
    }
    for (size_t i = 0; i < native->count; i++) {
        buf_add_string(buf, "---\n");
        yaml_write(buf, native->objects[i]);
    }
}

void native_write_json(const struct native *native, struct arena *arena, struct buf *buf)
{
    cJSON *list = json_new_object(arena), *items = json_new_array(arena);
    cJSON *left = json_new_array(arena), *notes = json_new_array(arena);
    json_add(arena, list, "apiVersion", json_new_string(arena, "v1"));
    json_add(arena, list, "kind", json_new_string(arena, "List"));
    for (size_t i = 0; i < native->count; i++)
        json_append(items, native->objects[i]);
    json_add(arena, list, "items", items);
    for (size_t i = 0; i < native->remark_count; i++) {
        const struct native_remark *remark = &native->remarks[i];
        cJSON *one = json_new_object(arena);
        json_add(arena, one, "policy", json_new_string(arena, remark->policy));
        if (remark->rule != NULL)
            json_add(arena, one, "rule", json_new_string(arena, remark->rule));
        json_add(arena, one, "why", json_new_string(arena, remark->why));
        json_append(remark->left_out ? left : notes, one);
    }
    json_add(arena, list, "notExpressed", left);
    json_add(arena, list, "notes", notes);
    json_write_pretty(buf, list);
    buf_add_char(buf, '\n');
}
