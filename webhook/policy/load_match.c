#include "policy/load_internal.h"

#include "kube/names.h"

#include <string.h>

static bool has_subresource(policy_strings resources)
{
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++)
        if (strchr(resources[i], '/') != NULL)
            return true;
    return false;
}

static void add_requirement(struct loader *loader, struct policy_match *out,
                            struct label_requirement requirement)
{
    struct label_requirement *grown =
        arena_array(loader->arena, out->selector_count + 1, sizeof *grown);
    if (out->selector_count > 0)
        memcpy(grown, out->selector, out->selector_count * sizeof *grown);
    grown[out->selector_count++] = requirement;
    out->selector = grown;
}

/* A label that no object can have would be a selector that never holds, or always. */
static bool is_key(struct loader *loader, const cJSON *node, const char *key)
{
    if (name_is_label_key(key))
        return true;
    load_fail(loader, node, "bad-label",
              "\"%s\" is no label: letters, digits, - _ and ., at most 63, begun and ended by a "
              "letter or digit; before a / a domain",
              key);
    return false;
}

static bool is_value(struct loader *loader, const cJSON *node)
{
    const char *value = json_string(node);
    if (value != NULL && name_is_label_value(value))
        return true;
    if (value == NULL)
        load_fail(loader, node, "wrong-type", "a label's value must be a text: quote it");
    else
        load_fail(loader, node, "bad-label",
                  "no label can be \"%s\": letters, digits, - _ and ., at most 63, begun and ended "
                  "by a letter or digit",
                  value);
    return false;
}

/* A list of values, among which "" is one like any other; NULL: not given, or told to be wrong. */
static policy_strings load_values(struct loader *loader, const cJSON *expression)
{
    const cJSON *member = json_get(expression, "values");
    if (member == NULL)
        return NULL;
    const size_t count = json_is_string(member) ? 1 : json_count(member);
    if (count == 0 || json_is_object(member)) {
        load_fail(loader, member, "wrong-type", "values must be a list of texts with at least one");
        return NULL;
    }
    const char **values = arena_array(loader->arena, count + 1, sizeof *values);
    const cJSON *element = json_is_array(member) ? member->child : member;
    for (size_t i = 0; i < count; i++, element = element->next) {
        if (!is_value(loader, element))
            return NULL;
        values[i] = json_string(element);
        load_warn_repeated(loader, element, "values", values, i);
    }
    return values;
}

static void load_match_labels(struct loader *loader, const cJSON *labels, struct policy_match *out)
{
    if (labels == NULL)
        return;
    if (!json_is_object(labels)) {
        load_fail(loader, labels, "wrong-type", "matchLabels must be a mapping");
        return;
    }
    for (const cJSON *label = labels->child; label != NULL; label = label->next) {
        const char **values = arena_array(loader->arena, 2, sizeof *values);
        values[0] = json_string(label);
        if (is_key(loader, label, label->string) && is_value(loader, label))
            add_requirement(loader, out,
                            (struct label_requirement){label->string, LABEL_IN, values});
    }
}

static void load_expression(struct loader *loader, const cJSON *node, struct policy_match *out)
{
    const char *const *tests = key_operators; /* in the order of label_requirement's */
    const size_t none = LABEL_ABSENT + 1;
    if (!load_check_keys(loader, node, "an entry of matchExpressions", keys_expression,
                         KEY_NO_VERBS))
        return;
    struct label_requirement requirement = {.key = load_string(loader, node, "key", true)};
    const size_t test = load_choice(loader, node, "operator", tests, none);
    const bool given = json_get(node, "values") != NULL;
    requirement.values = load_values(loader, node);
    if (test == none) {
        if (json_get(node, "operator") == NULL)
            load_fail(loader, node, "missing-key", "operator is missing");
        return;
    }
    const bool takes_values = test == LABEL_IN || test == LABEL_NOT_IN;
    if (takes_values != given) {
        load_fail(loader, node, takes_values ? "missing-key" : "unknown-key", "%s %s", tests[test],
                  takes_values ? "needs values" : "takes no values");
        return;
    }
    requirement.test = test == LABEL_IN       ? LABEL_IN
                       : test == LABEL_NOT_IN ? LABEL_NOT_IN
                       : test == LABEL_EXISTS ? LABEL_EXISTS
                                              : LABEL_ABSENT;
    const cJSON *key = json_get(node, "key");
    if (requirement.key != NULL && is_key(loader, key, requirement.key) &&
        given == (requirement.values != NULL))
        add_requirement(loader, out, requirement);
}

static void load_selector(struct loader *loader, const cJSON *selector, struct policy_match *out)
{
    if (selector == NULL ||
        !load_check_keys(loader, selector, "selector", keys_selector, KEY_NO_VERBS))
        return;
    out->selector_place = load_place(loader, selector);
    if (has_subresource(out->resources))
        load_fail(loader, selector, "selector-on-subresource",
                  "selector cannot judge a subresource: a Scale has no labels; use names, or two "
                  "policies");
    load_match_labels(loader, json_get(selector, "matchLabels"), out);
    const cJSON *expressions = json_get(selector, "matchExpressions");
    if (expressions != NULL && !json_is_array(expressions)) {
        load_fail(loader, expressions, "wrong-type", "matchExpressions must be a list");
        return;
    }
    for (const cJSON *node = expressions != NULL ? expressions->child : NULL; node != NULL;
         node = node->next)
        load_expression(loader, node, out);
}

static bool has_star(policy_strings resources)
{
    for (size_t i = 0; resources[i] != NULL; i++)
        if (strcmp(resources[i], "*") == 0)
            return true;
    return false;
}

static void load_exclude(struct loader *loader, const cJSON *node, struct policy_exclude *out)
{
    if (!load_check_keys(loader, node, "an entry of exclude", keys_exclude, KEY_NO_VERBS))
        return;
    out->place = load_place(loader, node);
    out->user = load_string(loader, node, "user", false);
    out->group = load_string(loader, node, "group", false);
    if ((json_get(node, "user") != NULL) == (json_get(node, "group") != NULL))
        load_fail(loader, node, "missing-key", "an exclusion names a user, or else a group");
    out->resources = load_strings(loader, node, "resources");
    out->operations = load_operations(loader, node, 0);
    out->only_metadata = load_bool(loader, node, "onlyMetadata");
    const char *who = out->user != NULL ? out->user : out->group;
    if (who != NULL && glob_is_pattern(who))
        load_fail(loader, json_get(node, out->user != NULL ? "user" : "group"), "glob-in-exclude",
                  "an exclusion names one %s exactly: a glob would open a door for others",
                  out->user != NULL ? "user" : "group");
    load_check_resources(loader, json_get(node, "resources"), out->resources);
    const bool every = out->resources == NULL || has_star(out->resources);
    if (out->user != NULL && every && out->operations == 0)
        load_fail(loader, node, "wide-exclude",
                  "an exclusion is a pair: name the resources or the operations that this user "
                  "makes");
}

static void load_excludes(struct loader *loader, const cJSON *list, struct policy_match *out)
{
    if (list == NULL)
        return;
    if (!json_is_array(list)) {
        load_fail(loader, list, "wrong-type", "exclude must be a list of { user, ... }");
        return;
    }
    out->excludes = arena_array(loader->arena, json_count(list), sizeof *out->excludes);
    for (const cJSON *node = list->child; node != NULL; node = node->next) {
        struct policy_exclude *exclude = &out->excludes[out->exclude_count];
        load_exclude(loader, node, exclude);
        if (exclude->user != NULL || exclude->group != NULL)
            out->exclude_count++;
    }
}

void load_match(struct loader *loader, const cJSON *match, bool of_exception,
                struct policy_match *out)
{
    if (!load_check_keys(loader, match, "match", keys_match, KEY_NO_VERBS))
        return;
    out->namespaces = load_strings(loader, match, "namespaces");
    out->resources = load_strings(loader, match, "resources");
    out->resources_place = load_place(loader, json_get(match, "resources"));
    out->names = load_strings(loader, match, "names");
    out->users = load_strings(loader, match, "users");
    out->groups = load_strings(loader, match, "groups");
    out->operations =
        load_operations(loader, match, of_exception ? 0 : OPERATION_CREATE | OPERATION_UPDATE);
    if (out->resources == NULL && !of_exception && json_get(match, "resources") == NULL)
        load_fail(loader, match, "missing-key",
                  "match.resources is missing: name them, or \"*\" for all");
    /* Unknown resources would make errors of all fields: then ask whether any kind has them. */
    if (!load_check_resources(loader, json_get(match, "resources"), out->resources))
        out->resources = NULL;
    load_check_globs(loader, match, out);
    load_selector(loader, json_get(match, "selector"), out);
    load_excludes(loader, json_get(match, "exclude"), out);
}
