#include "cli/explain/prose.h"

#include "base/limits.h"
#include "policy/verb.h"

#include <ctype.h>
#include <string.h>

#define DAY 86400

static struct buf begin(struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    return buf;
}

const char *prose_list(struct arena *arena, policy_strings strings, const char *last)
{
    struct buf buf = begin(arena);
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        if (i > 0 && strings[i + 1] == NULL)
            buf_add_strings(&buf, " ", last, " ", NULL);
        else if (i > 0)
            buf_add_string(&buf, ", ");
        buf_add_string(&buf, strings[i]);
    }
    return buf.data;
}

/* ---- values and their variables ----------------------------------------------------------- */

static void add_capitals(struct buf *buf, const char *text)
{
    for (; *text != '\0'; text++)
        buf_add_char(buf,
                     isalnum((unsigned char)*text) ? (char)toupper((unsigned char)*text) : '-');
}

/* `whole`: nothing else stands in the text. */
static void add_variable(struct arena *arena, const struct variable *variable, bool whole,
                         struct buf *buf)
{
    switch (variable->kind) {
    case VARIABLE_LABEL:
    case VARIABLE_ANNOTATION:
        buf_add_strings(buf, variable->kind == VARIABLE_LABEL ? "its label " : "its annotation ",
                        variable->key, NULL);
        break;
    case VARIABLE_FIELD:
        buf_add_strings(buf, whole ? "" : "(", prose_field(arena, variable->field, PROSE_EACH),
                        whole ? "" : ")", NULL);
        break;
    default:
        add_capitals(buf, variable->text);
    }
    if (variable->fallback != NULL)
        buf_add_strings(buf, ", else ", variable->fallback, NULL);
}

static const char *in_words(struct arena *arena, const struct template *template)
{
    struct buf buf = begin(arena);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->literal != NULL)
            buf_add_string(&buf, part->literal);
        else
            add_variable(arena, part->variable, template->count == 1, &buf);
    }
    return buf.data;
}

/* Puts the words of the variables into every string of the copy. */
static void put_words(struct arena *arena, const struct expr *expr, cJSON *node)
{
    if (json_is_string(node) && node->valueint > 0 &&
        (size_t)node->valueint <= expr->template_count) {
        const char *words = in_words(arena, &expr->templates[node->valueint - 1]);
        json_assign(arena, node, json_new_string(arena, words));
    }
    for (cJSON *child = node->child; child != NULL; child = child->next)
        put_words(arena, expr, child);
}

/* The action with its value in words. */
static struct action worded(struct arena *arena, const struct action *action)
{
    struct action copy = *action;
    if (action->value.value == NULL || action->value.is_constant)
        return copy;
    cJSON *value = json_dup(arena, action->value.value);
    put_words(arena, &action->value, value);
    copy.value.value = value;
    return copy;
}

const char *prose_value(struct arena *arena, const struct action *action)
{
    struct buf buf = begin(arena);
    const struct action copy = worded(arena, action);
    buf_add_string(&buf, action->verb->name);
    if (copy.value.value == NULL)
        return buf.data;
    buf_add_char(&buf, ' ');
    if (json_is_array(copy.value.value))
        verb_write_choice(copy.value.value, &buf);
    else
        value_write_plain(copy.value.value, 200, &buf);
    return buf.data;
}

/* ---- rules -------------------------------------------------------------------------------- */

struct kinds_of_verb {
    bool fills, checks, moves;
};

static struct kinds_of_verb kinds_of(const struct rule *rule)
{
    struct kinds_of_verb kinds = {0};
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct verb *verb = rule->actions[i].verb;
        if (verb->clamps && rule->clamp)
            kinds.moves = true;
        else if (verb->mutates)
            kinds.fills = true;
        else if (!verb->negative && !verb->without_field && strcmp(verb->name, "required") != 0)
            kinds.checks = true;
    }
    return kinds;
}

/* What absence means, where the verbs do not say it. */
static const char *absence(const struct rule *rule)
{
    const struct kinds_of_verb kinds = kinds_of(rule);
    const enum field_view view = rule->field != NULL ? rule->field->view : VIEW_NONE;
    if (kinds.fills || (!kinds.checks && !kinds.moves) || view == VIEW_COUNT || view == VIEW_KEYS)
        return "";
    if (rule->optional)
        return ", where it is given at all";
    return kinds.checks ? "" : "; must be there";
}

const char *prose_demand(struct arena *arena, const struct rule *rule)
{
    struct buf buf = begin(arena);
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action copy = worded(arena, &rule->actions[i]);
        if (i > 0)
            buf_add_string(&buf, "; ");
        copy.verb->explain(rule, &copy, &buf);
    }
    buf_add_string(&buf, absence(rule));
    return buf.data;
}

const char *prose_denied(const struct rule *rule, const char *language)
{
    const char *message = policy_text_in(&rule->message, language);
    return *message != '\0' ? message : "the request";
}

const char *prose_rule(struct arena *arena, const struct rule *rule, const char *language)
{
    struct buf buf = begin(arena);
    if (rule->field != NULL)
        buf_add_string(&buf, prose_field(arena, rule->field, PROSE_EACH));
    else
        buf_add_string(&buf, prose_denied(rule, language));
    buf_add_strings(&buf, " ", prose_demand(arena, rule), NULL);
    for (size_t i = 0; i < rule->condition_count; i++)
        buf_add_strings(&buf, i == 0 ? ", only if " : " and ",
                        prose_condition(arena, &rule->conditions[i]), NULL);
    return buf.data;
}

/* ---- conditions --------------------------------------------------------------------------- */

/* "who asks is in the group a": groups are not values to people. */
static const char *group_words(struct arena *arena, const struct condition *condition)
{
    const struct action *action = condition->action_count == 1 ? &condition->actions[0] : NULL;
    if (action == NULL || condition->tests_existence ||
        strcmp(condition->field->text, "$request.userInfo.groups[*]") != 0)
        return NULL;
    const char *name = action->verb->name;
    if (strcmp(name, "oneOf") != 0 && strcmp(name, "noneOf") != 0 && strcmp(name, "equals") != 0)
        return NULL;
    struct buf buf = begin(arena);
    const struct action copy = worded(arena, action);
    buf_add_strings(&buf, "who asks is ", action->verb->negative ? "not " : "", "in the group ",
                    NULL);
    verb_write_choice(copy.value.value, &buf);
    return buf.data;
}

const char *prose_condition(struct arena *arena, const struct condition *condition)
{
    const char *words = group_words(arena, condition);
    if (words != NULL)
        return words;
    struct buf buf = begin(arena);
    if (condition->tests_existence)
        buf_add_strings(
            &buf, condition->exists ? "there is " : "there is no ",
            prose_field(arena, condition->field, condition->exists ? PROSE_SOME : PROSE_ANY), NULL);
    for (size_t i = 0; i < condition->action_count; i++) {
        const struct action copy = worded(arena, &condition->actions[i]);
        const enum prose_reach reach = copy.verb->negative ? PROSE_EACH : PROSE_SOME;
        if (buf.length > 0)
            buf_add_string(&buf, " and ");
        buf_add_strings(&buf, prose_field(arena, condition->field, reach), " ", NULL);
        copy.verb->explain(NULL, &copy, &buf);
    }
    return buf.data;
}

/* ---- who and when ------------------------------------------------------------------------- */

const char *prose_operations(struct arena *arena, unsigned operations)
{
    static const struct {
        enum operation operation;
        const char *words;
    } rows[] = {{OPERATION_CREATE, "created"},
                {OPERATION_UPDATE, "changed"},
                {OPERATION_DELETE, "deleted"},
                {OPERATION_CONNECT, "connected to"}};
    const char *words[5] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        if ((operations & rows[i].operation) != 0)
            words[count++] = rows[i].words;
    return prose_list(arena, words, "or");
}

static bool several(policy_strings strings)
{
    return strings != NULL && strings[0] != NULL && strings[1] != NULL;
}

const char *prose_requirement(struct arena *arena, const struct label_requirement *requirement)
{
    const bool many = several(requirement->values);
    const char *const words[] = {[LABEL_IN] = many ? " is one of " : " is ",
                                 [LABEL_NOT_IN] = many ? " is none of " : " is not ",
                                 [LABEL_EXISTS] = " is there",
                                 [LABEL_ABSENT] = " is not there"};
    return arena_printf(arena, "the label %s%s%s", requirement->key, words[requirement->test],
                        prose_list(arena, requirement->values, "or"));
}

static void add_where(struct arena *arena, const struct policy_match *match, struct buf *buf)
{
    if (match->namespaces != NULL)
        buf_add_strings(buf,
                        several(match->namespaces) ? " in the namespaces " : " in the namespace ",
                        prose_list(arena, match->namespaces, "or"), NULL);
    if (match->names != NULL)
        buf_add_strings(buf, ", for what is named ", prose_list(arena, match->names, "or"), NULL);
    for (size_t i = 0; i < match->selector_count; i++)
        buf_add_strings(buf, i == 0 ? ", where " : " and ",
                        prose_requirement(arena, &match->selector[i]), NULL);
}

const char *prose_match(struct arena *arena, const struct policy_match *match)
{
    struct buf buf = begin(arena);
    buf_add_string(&buf, "For ");
    if (match->users != NULL)
        buf_add_strings(&buf, several(match->users) ? "the users " : "the user ",
                        prose_list(arena, match->users, "or"), NULL);
    if (match->groups != NULL)
        buf_add_strings(&buf, match->users != NULL ? " as members of " : "members of ",
                        prose_list(arena, match->groups, "or"), NULL);
    if (match->users == NULL && match->groups == NULL)
        buf_add_string(&buf, "everybody");
    add_where(arena, match, &buf);
    if (match->operations != 0)
        buf_add_strings(&buf, ", when something is ", prose_operations(arena, match->operations),
                        NULL);
    return buf.data;
}

const char *prose_exclude(struct arena *arena, const struct policy_exclude *exclude)
{
    struct buf buf = begin(arena);
    buf_add_strings(&buf, exclude->user != NULL ? "" : "members of ",
                    exclude->user != NULL ? exclude->user : exclude->group, NULL);
    if (exclude->resources != NULL)
        buf_add_strings(&buf, ", for ", prose_list(arena, exclude->resources, "or"), NULL);
    if (exclude->operations != 0)
        buf_add_strings(&buf, ", when ", exclude->resources == NULL ? "something is " : "",
                        prose_operations(arena, exclude->operations), NULL);
    if (exclude->only_metadata)
        buf_add_string(&buf, " and nothing but metadata changes");
    return buf.data;
}

const char *prose_variable(struct arena *arena, const struct policy_variable *variable)
{
    struct buf buf = begin(arena);
    const struct action from = {.value = variable->from};
    const struct action copy = worded(arena, &from);
    add_capitals(&buf, variable->name);
    buf_add_string(&buf, " is ");
    if (variable->pattern_text != NULL)
        buf_add_strings(&buf, "what ", variable->pattern_text, " finds in ", NULL);
    value_write_plain(copy.value.value, 200, &buf);
    return buf.data;
}

struct capitals {
    bool seen[VARIABLE_DECLARED + 1];
};

static void note_variables(struct capitals *capitals, const struct expr *expr)
{
    for (size_t i = 0; i < expr->variable_count; i++)
        capitals->seen[expr->variables[i]->kind] = true;
}

static void note_actions(struct capitals *capitals, const struct action *actions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note_variables(capitals, &actions[i].value);
}

policy_strings prose_capitals(struct arena *arena, const struct policy *policy)
{
    static const char *const words[VARIABLE_DECLARED + 1] = {
        [VARIABLE_NAME] = "NAME is the object's own name",
        [VARIABLE_NAMESPACE] = "NAMESPACE is the object's namespace",
        [VARIABLE_USER] = "USER is the name of who asks",
        [VARIABLE_CONTAINER] = "CONTAINER is the container's own name",
        [VARIABLE_PORT] = "PORT is the first port that the container declares"};
    struct capitals capitals = {0};
    for (size_t i = 0; i < policy->variable_count; i++)
        note_variables(&capitals, &policy->variables[i].from);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        note_actions(&capitals, rule->actions, rule->action_count);
        for (size_t j = 0; j < rule->condition_count; j++)
            note_actions(&capitals, rule->conditions[j].actions, rule->conditions[j].action_count);
    }
    const char **list = arena_array(arena, VARIABLE_DECLARED + 2, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i <= VARIABLE_DECLARED; i++)
        if (capitals.seen[i] && words[i] != NULL)
            list[count++] = words[i];
    return list;
}

/* ---- exceptions --------------------------------------------------------------------------- */

const char *prose_exception(struct arena *arena, const struct policy_exception *exception)
{
    struct buf buf = begin(arena);
    const struct policy_match *match = &exception->match;
    buf_add_strings(&buf, prose_list(arena, exception->rules, "and"), " of ", exception->policy,
                    several(exception->rules) ? " are waived" : " is waived", NULL);
    if (match->users != NULL)
        buf_add_strings(&buf, " for ", prose_list(arena, match->users, "or"), NULL);
    if (match->groups != NULL)
        buf_add_strings(&buf, " for members of ", prose_list(arena, match->groups, "or"), NULL);
    add_where(arena, match, &buf);
    if (match->resources != NULL)
        buf_add_strings(&buf, ", on ", prose_list(arena, match->resources, "or"), NULL);
    if (match->operations != 0)
        buf_add_strings(&buf, ", when something is ", prose_operations(arena, match->operations),
                        NULL);
    return buf.data;
}

const char *prose_expiry(struct arena *arena, const struct policy_exception *exception, int64_t now)
{
    const int64_t left = (exception->expires_at - now + DAY - 1) / DAY;
    if (exception->expires_at <= now)
        return arena_printf(arena, "expired: %s was its last day, and it has no effect",
                            exception->expires);
    if (left <= 1)
        return arena_printf(arena, "until %s: this is its last day", exception->expires);
    return arena_printf(arena, "until %s, %lld more days", exception->expires, (long long)left);
}
