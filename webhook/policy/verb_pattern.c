/* pattern: RE, notPattern: RE — found, or not found, in the text.  In a pattern a variable stands
 * for its literal text. */
#include "policy/verb.h"

static const char *text_of(const cJSON *seen, char scratch[32])
{
    if (json_is_number(seen))
        return json_number_text(seen, scratch);
    if (json_is_bool(seen))
        return json_is_true(seen) ? "true" : "false";
    return json_string(seen);
}

static enum pattern_result match(struct eval *eval, const struct action *action,
                                 const struct target *target, const char *text,
                                 const char **ret_shown, const char **ret_unresolved)
{
    const cJSON *node = action->value.value;
    if (action->pattern_count > 0) {
        *ret_shown = json_string(node);
        return pattern_match(action->patterns[0], eval->arena, text, NULL);
    }
    const char *pattern = expr_pattern(eval, &action->value, node, target, ret_unresolved);
    *ret_shown = pattern;
    return pattern == NULL ? PATTERN_LIMIT : pattern_match_once(eval->arena, pattern, text);
}

static bool judge(struct eval *eval, const struct action *action, const struct target *target,
                  const cJSON *seen, const char *words, bool want, struct finding *ret_finding)
{
    char scratch[32];
    const char *shown, *unresolved = NULL;
    const char *text = text_of(seen, scratch);
    if (text == NULL)
        return verb_invalid(ret_finding, seen, "must be a text");
    const enum pattern_result result = match(eval, action, target, text, &shown, &unresolved);
    if (unresolved != NULL)
        return verb_unresolved(eval, ret_finding, seen, unresolved);
    if (result == PATTERN_LIMIT) {
        verb_invalid(ret_finding, seen, "took too long to match");
        ret_finding->undecided = true;
        return false;
    }
    if ((result == PATTERN_YES) == want)
        return true;
    struct buf bound = verb_buf(eval);
    buf_add_strings(&bound, words, " ", shown, NULL);
    return verb_invalid(ret_finding, seen, bound.data);
}

static bool check_pattern(struct eval *eval, const struct rule *rule, const struct action *action,
                          const struct target *target, const cJSON *seen,
                          struct finding *ret_finding)
{
    if (seen == NULL)
        return verb_absent(rule, ret_finding);
    return judge(eval, action, target, seen, "must fit", true, ret_finding);
}

static bool check_not_pattern(struct eval *eval, const struct rule *rule,
                              const struct action *action, const struct target *target,
                              const cJSON *seen, struct finding *ret_finding)
{
    (void)rule;
    if (seen == NULL)
        return true;
    return judge(eval, action, target, seen, "must not fit", false, ret_finding);
}

static bool parse(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    struct err err;
    struct pattern *pattern;
    if (!json_is_string(value))
        return verb_fail(parse, value, "bad-value", "%s takes one regular expression as a text",
                         action->verb->name);
    if (!verb_parse_expr(parse, value, action))
        return false;
    if (!action->value.is_constant)
        return true;
    struct arena *arena = &parse->set->arena;
    if (pattern_compile(arena, value->valuestring, &pattern, &err) != 0)
        return verb_fail(parse, value, "bad-pattern", "%s", err.text);
    policy_set_keep(parse->set, pattern);
    action->patterns = arena_array(arena, 1, sizeof(struct pattern *));
    action->patterns[0] = pattern;
    action->pattern_count = 1;
    return true;
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    if (action->verb->negative)
        buf_add_string(buf, rule == NULL ? "does not fit " : "must not fit ");
    else
        buf_add_string(buf, rule == NULL ? "fits " : "must fit ");
    value_write_plain(action->value.value, 200, buf);
}

extern const struct verb verb_pattern;
const struct verb verb_pattern = {
    .name = "pattern",
    .value = "a regular expression",
    .takes = KEY_TEXT,
    .in_when = true,
    .parse = parse,
    .check = check_pattern,
    .explain = explain,
};

extern const struct verb verb_not_pattern;
const struct verb verb_not_pattern = {
    .name = "notPattern",
    .value = "a regular expression",
    .takes = KEY_TEXT,
    .in_when = true,
    .negative = true,
    .parse = parse,
    .check = check_not_pattern,
    .explain = explain,
};
