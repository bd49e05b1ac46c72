/* What a rule says where it refuses: the webhook's own words, as far as CEL can say them. */
#include "cli/native/native_internal.h"

#include "base/limits.h"

#include <ctype.h>
#include <string.h>

#define MESSAGE_RUNES 1000U

/* A text for people with its variables' names in capitals. */
static const char *plain_words(struct cel *cel, const char *text)
{
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    while (*text != '\0') {
        const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;
        if (end == NULL) {
            buf_add_char(&buf, *text++);
            continue;
        }
        for (text += 2; text < end && strncmp(text, ":-", 2) != 0; text++)
            buf_add_char(&buf,
                         isalnum((unsigned char)*text) ? (char)toupper((unsigned char)*text) : '-');
        text = end + 1;
    }
    return buf.data;
}

/* A text for people with its variables put in; what is unresolved shows its name in capitals. */
static const char *words(struct cel *cel, const char *text)
{
    struct expr expr;
    struct err ignored;
    const char *names[64] = {NULL}, *all = "";
    for (size_t i = 0; i < cel->policy->variable_count && i < 63; i++)
        names[i] = cel->policy->variables[i].name;
    if (strstr(text, "${") == NULL ||
        expr_parse(cel->arena, json_new_string(cel->arena, text), names, &expr, &ignored) != 0 ||
        expr.template_count == 0)
        return cel_quote(cel, text);
    for (size_t i = 0; i < expr.templates[0].count; i++) {
        const struct template_part *part = &expr.templates[0].parts[i];
        const char *one;
        if (part->literal != NULL) {
            one = cel_quote(cel, part->literal);
        } else {
            const char *name = part->variable->text;
            one = cel_quote(cel, part->variable->kind == VARIABLE_FIELD
                                     ? name
                                     : plain_words(cel, cel_text(cel, "${%s}", name)));
            struct cel sub = *cel;
            if (part->variable->kind == VARIABLE_NAME || part->variable->kind == VARIABLE_USER ||
                part->variable->kind == VARIABLE_NAMESPACE ||
                part->variable->kind == VARIABLE_DECLARED) {
                const cJSON *node =
                    json_new_string(cel->arena, cel_text(cel, "${%s}", part->variable->text));
                struct expr alone;
                if (expr_parse(cel->arena, (cJSON *)(uintptr_t)node, names, &alone, &ignored) ==
                    0) {
                    const struct cel_expr value = cel_expr(&sub, &alone, node, NULL);
                    cel->needs |= sub.needs;
                    one = cel_text(cel, "(%s ? string(%s) : %s)", value.known, value.text, one);
                }
            }
        }
        all = cel_text(cel, "%s%s%s", all, i > 0 ? " + " : "", one);
    }
    return all;
}

static const char *visible(struct cel *cel, const char *text)
{
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    buf_add_visible(&buf, text, MESSAGE_RUNES);
    return buf.data;
}

/* What stands behind the found value: "at most 1. Why. Fix: ... (policy/rule)". */
static const char *rest_of_message(struct cel *cel, const struct policy_set *set,
                                   const struct rule *rule)
{
    struct buf buf;
    const char *message = policy_text_in(&rule->message, set->language);
    const char *fix = policy_text_in(&rule->fix, set->language);
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    if (*message != '\0')
        buf_add_string(&buf, message);
    else
        cel_bound_words(rule, &buf);
    if (buf.length > 0 && buf.data[buf.length - 1] != '.')
        buf_add_char(&buf, '.');
    buf_add_strings(&buf, " ", policy_text_in(&rule->why, set->language), NULL);
    if (*fix != '\0')
        buf_add_strings(&buf, " Fix: ", fix, NULL);
    buf_add_strings(&buf, " (", rule->full_id, ")", NULL);
    return visible(cel, buf.data);
}

/* The value of a field that chooses nothing, if it is a text or a number; else NULL. */
static const char *found_value(struct cel *cel, const struct rule *rule)
{
    if (rule->field == NULL || rule->field->view != VIEW_NONE)
        return NULL;
    const struct path_list *paths = field_paths(rule->field, cel->kind_index);
    const struct schema_node *node = paths->count == 1 ? paths->items[0].node : NULL;
    if (node == NULL || paths->items[0].root == FIELD_ELEMENT || node->type == SCHEMA_ANY ||
        node->type >= SCHEMA_OBJECT)
        return NULL;
    return cel_plain_path(cel, &paths->items[0], cel_root(cel, &paths->items[0], NULL));
}

void native_add_messages(const struct policy_set *set, struct cel *cel, const struct rule *rule,
                         cJSON *validation)
{
    const char *rest = rest_of_message(cel, set, rule);
    const char *field = rule->field != NULL ? rule->field->text : "request";
    const char *found = found_value(cel, rule);
    const char *head = cel_text(cel, "%s: %s", field, rule->field == NULL ? "Forbidden: " : "");
    json_add(cel->arena, validation, "message",
             json_new_string(cel->arena,
                             visible(cel, plain_words(cel, cel_text(cel, "%s%s", head, rest)))));
    if (found == NULL && strstr(rest, "${") == NULL)
        return;
    const char *text = cel_quote(cel, head);
    if (found != NULL)
        text =
            cel_text(cel,
                     "%s + (%s == null ? \"Required value\" : \"Invalid value: \" + string(%s)) + "
                     "\": \"",
                     text, found, found);
    struct cel quiet = *cel;
    const char *said = words(&quiet, rest);
    cel->needs |= quiet.needs;
    if (quiet.problem == NULL)
        json_add(cel->arena, validation, "messageExpression",
                 json_new_string(cel->arena,
                                 native_finish(&quiet, cel_text(cel, "%s + %s", text, said))));
}
