/* The variables that a policy declares for its rules. */
#include "policy/load_internal.h"

#include <string.h>

static bool is_name(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
           strlen(text);
}

static bool check_name(struct loader *loader, const cJSON *node, const struct declared *declared,
                       const char *name)
{
    static const char *const taken[] = {"name", "namespace", "user", "container", "port", NULL};
    if (!is_name(name))
        return load_fail(loader, node, "bad-variable",
                         "a variable's name is letters, digits, - and _, not \"%s\"", name);
    for (size_t i = 0; taken[i] != NULL; i++)
        if (strcmp(taken[i], name) == 0)
            return load_fail(loader, node, "bad-variable",
                             "${%s} has a meaning already: give the variable another name", name);
    for (size_t i = 0; declared->names[i] != NULL; i++)
        if (strcmp(declared->names[i], name) == 0)
            return load_fail(loader, node, "bad-variable",
                             "there is a variable %s already: give this one another name", name);
    return true;
}

/* A variable is taken once for all rules: there is no element and no container yet. */
static void check_from(struct loader *loader, const cJSON *node, const struct expr *from)
{
    for (size_t i = 0; i < from->variable_count; i++) {
        const struct variable *variable = from->variables[i];
        if (variable->kind == VARIABLE_CONTAINER || variable->kind == VARIABLE_PORT ||
            (variable->kind == VARIABLE_FIELD && variable->field->root == FIELD_ELEMENT))
            load_fail(loader, node, "bad-variable",
                      "${%s} belongs to one element, and a variable is taken once for the "
                      "whole object: use it in the rule itself",
                      variable->text);
    }
}

static void load_from(struct loader *loader, const cJSON *node, struct policy_variable *out)
{
    struct err err;
    cJSON *from = json_get(node, "from");
    out->from_place = load_place(loader, from);
    if (expr_parse(loader->arena, from, NULL, &out->from, &err) != 0)
        load_fail(loader, from, "bad-variable", "%s", err.text);
    else
        check_from(loader, from, &out->from);
}

static void load_pattern(struct loader *loader, const cJSON *node, struct policy_variable *out)
{
    struct err err;
    const char *pattern = load_string(loader, node, "pattern", false);
    out->pattern_text = pattern;
    out->pattern_place = load_place(loader, json_get(node, "pattern"));
    if (pattern != NULL && pattern_compile(loader->arena, pattern, &out->pattern, &err) != 0)
        load_fail(loader, json_get(node, "pattern"), "bad-pattern", "%s", err.text);
    if (out->pattern != NULL)
        policy_set_keep(loader->set, out->pattern);
}

static bool load_variable(struct loader *loader, const cJSON *node, const struct declared *declared,
                          struct policy_variable *out)
{
    if (!load_check_keys(loader, node, "a variable", keys_variable, KEY_NO_VERBS))
        return false;
    out->name = load_string(loader, node, "name", true);
    const bool has_from = load_string(loader, node, "from", true) != NULL;
    if (out->name == NULL || !check_name(loader, json_get(node, "name"), declared, out->name))
        return false;
    out->place = load_place(loader, json_get(node, "name"));
    if (has_from)
        load_from(loader, node, out);
    load_pattern(loader, node, out);
    /* With an error in it the variable is declared all the same: its uses are no errors. */
    return true;
}

struct declared load_variables(struct loader *loader, const cJSON *list, struct policy *policy)
{
    const size_t count = json_is_array(list) ? json_count(list) : 0;
    struct declared declared = {
        .names = arena_array(loader->arena, count + 1, sizeof *declared.names),
        .read_request = arena_array(loader->arena, count + 1, sizeof *declared.read_request)};
    if (list != NULL && !json_is_array(list))
        load_fail(loader, list, "wrong-type", "variables must be a list of { name, from }");
    policy->variables = arena_array(loader->arena, count, sizeof *policy->variables);
    for (const cJSON *node = count > 0 ? list->child : NULL; node != NULL; node = node->next) {
        struct policy_variable *variable = &policy->variables[policy->variable_count];
        if (!load_variable(loader, node, &declared, variable))
            continue;
        declared.read_request[policy->variable_count] = expr_reads_request(&variable->from, NULL);
        declared.names[policy->variable_count++] = variable->name;
    }
    return declared;
}
