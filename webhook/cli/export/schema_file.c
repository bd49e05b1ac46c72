#include "cli/export/schema_file.h"

#include "cli/test/suite_keys.h"
#include "policy/verb.h"

#include <string.h>

/* The mappings that stand under `definitions`, and the verbs beside their keys. */
static const struct shape {
    const char *name;
    const struct key *keys;
    enum key_verbs verbs;
} shapes[] = {
    {"metadata", keys_metadata, KEY_NO_VERBS},
    {"policy", keys_policy, KEY_NO_VERBS},
    {"match", keys_match, KEY_NO_VERBS},
    {"selector", keys_selector, KEY_NO_VERBS},
    {"expression", keys_expression, KEY_NO_VERBS},
    {"exclude", keys_exclude, KEY_NO_VERBS},
    {"variable", keys_variable, KEY_NO_VERBS},
    {"rule", keys_rule, KEY_ALL_VERBS},
    {"condition", keys_condition, KEY_WHEN_VERBS},
    {"exception", keys_exception, KEY_NO_VERBS},
    {"suite", suite_keys_spec, KEY_NO_VERBS},
    {"defaults", suite_keys_defaults, KEY_NO_VERBS},
    {"case", suite_keys_case, KEY_NO_VERBS},
    {"expect", suite_keys_expect, KEY_NO_VERBS},
    {0},
};

/* ---- pieces ------------------------------------------------------------------------------- */

static cJSON *object_with(struct arena *arena, const char *key, cJSON *value)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, object, key, value);
    return object;
}

static cJSON *words(struct arena *arena, const char *const *texts)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; texts[i] != NULL; i++)
        json_append(list, json_new_string(arena, texts[i]));
    return list;
}

static cJSON *word(struct arena *arena, const char *text)
{
    return words(arena, (const char *const[]){text, NULL});
}

static cJSON *typed(struct arena *arena, const char *type)
{
    return object_with(arena, "type", json_new_string(arena, type));
}

static cJSON *text(struct arena *arena, const char *pattern)
{
    cJSON *schema = typed(arena, "string");
    if (pattern != NULL)
        json_add(arena, schema, "pattern", json_new_string(arena, pattern));
    else
        json_add(arena, schema, "minLength", json_new_int(arena, 1));
    return schema;
}

static cJSON *list_of(struct arena *arena, cJSON *items, bool one)
{
    cJSON *schema = typed(arena, "array");
    if (items != NULL)
        json_add(arena, schema, "items", items);
    if (one)
        json_add(arena, schema, "minItems", json_new_int(arena, 1));
    return schema;
}

static cJSON *either(struct arena *arena, cJSON *a, cJSON *b)
{
    cJSON *list = json_new_array(arena);
    json_append(list, a);
    json_append(list, b);
    return object_with(arena, "anyOf", list);
}

static cJSON *map_of(struct arena *arena, cJSON *values)
{
    cJSON *schema = typed(arena, "object");
    json_add(arena, schema, "additionalProperties", values);
    return schema;
}

static cJSON *choice(struct arena *arena, const char *const *choices)
{
    return object_with(arena, "enum", words(arena, choices));
}

static cJSON *reference(struct arena *arena, const struct key *members)
{
    size_t i = 0;
    while (shapes[i].keys != members)
        i++;
    return object_with(
        arena, "$ref",
        json_new_string(arena, arena_printf(arena, "#/definitions/%s", shapes[i].name)));
}

static cJSON *required(struct arena *arena, cJSON *names)
{
    return object_with(arena, "required", names);
}

/* ---- a key's value ------------------------------------------------------------------------ */

static cJSON *true_or_once(struct arena *arena)
{
    cJSON *list = word(arena, "once");
    json_append(list, json_new_bool(arena, true));
    return object_with(arena, "enum", list);
}

static cJSON *number_or_text(struct arena *arena)
{
    static const char *const types[] = {"number", "string", NULL};
    return object_with(arena, "type", words(arena, types));
}

static cJSON *of_sort(struct arena *arena, const struct key *key)
{
    switch (key->sort) {
    case KEY_TEXT:
        return text(arena, NULL);
    case KEY_TEXTS:
        return either(arena, text(arena, NULL), list_of(arena, text(arena, NULL), true));
    case KEY_TEXT_LIST:
        return list_of(arena, typed(arena, "string"), false);
    case KEY_PLAIN:
        return text(arena, "^[^*?]+$");
    case KEY_ID:
        return text(arena, "^[a-z0-9][a-z0-9-]*$");
    case KEY_NAME:
        return text(arena, "^[A-Za-z0-9_-]+$");
    case KEY_DAY:
        return text(arena, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
    case KEY_WORDS:
        return either(arena, text(arena, NULL), map_of(arena, text(arena, NULL)));
    case KEY_BOOL:
        return typed(arena, "boolean");
    case KEY_TRUE:
        return object_with(arena, "const", json_new_bool(arena, true));
    case KEY_ONCE:
        return true_or_once(arena);
    case KEY_CHOICE:
        return choice(arena, key->choices);
    case KEY_CHOICES:
        return either(arena, choice(arena, key->choices),
                      list_of(arena, choice(arena, key->choices), true));
    case KEY_VALUE:
        return object_with(arena, "not", typed(arena, "null"));
    case KEY_VALUES:
        return either(arena, list_of(arena, NULL, true), typed(arena, "string"));
    case KEY_BOUND:
        return number_or_text(arena);
    case KEY_LABELS:
        return map_of(arena, typed(arena, "string"));
    case KEY_ANY_TEXT:
        return typed(arena, "string");
    case KEY_ANY_MAP:
        return typed(arena, "object");
    case KEY_OBJECT:
        return either(arena, typed(arena, "object"), text(arena, NULL));
    case KEY_MAPPING:
        return reference(arena, key->members);
    case KEY_MAPPINGS:
        return list_of(arena, reference(arena, key->members), key->needed);
    }
    return json_new_object(arena);
}

/* Beside a $ref draft-07 reads nothing else. */
static cJSON *of_key(struct arena *arena, const struct key *key)
{
    cJSON *schema = of_sort(arena, key);
    if (json_get(schema, "$ref") != NULL) {
        cJSON *list = json_new_array(arena);
        json_append(list, schema);
        schema = object_with(arena, "allOf", list);
    }
    json_add(arena, schema, "description", json_new_string(arena, key->help));
    return schema;
}

static cJSON *of_verb(struct arena *arena, const struct verb *verb)
{
    const struct key key = {.name = verb->name, .sort = verb->takes, .help = verb->value};
    return of_key(arena, &key);
}

/* ---- mappings ----------------------------------------------------------------------------- */

static bool stands(const struct shape *shape, const struct verb *verb)
{
    return shape->verbs == KEY_ALL_VERBS || (shape->verbs == KEY_WHEN_VERBS && verb->in_when);
}

static cJSON *of_shape(struct arena *arena, const struct shape *shape)
{
    cJSON *schema = typed(arena, "object"), *properties = json_new_object(arena);
    cJSON *needed = json_new_array(arena);
    for (const struct key *key = shape->keys; key->name != NULL; key++) {
        json_add(arena, properties, key->name, of_key(arena, key));
        if (key->needed)
            json_append(needed, json_new_string(arena, key->name));
    }
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (stands(shape, verbs[i]))
            json_add(arena, properties, verbs[i]->name, of_verb(arena, verbs[i]));
    json_add(arena, schema, "properties", properties);
    json_add(arena, schema, "additionalProperties", json_new_bool(arena, false));
    if (needed->child != NULL)
        json_add(arena, schema, "required", needed);
    return schema;
}

/* One of the verbs, or of `also`, stands in the mapping. */
static cJSON *some_verb(struct arena *arena, const struct shape *shape, const char *also)
{
    cJSON *list = json_new_array(arena);
    if (also != NULL)
        json_append(list, required(arena, word(arena, also)));
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (stands(shape, verbs[i]) && !verbs[i]->without_field)
            json_append(list, required(arena, word(arena, verbs[i]->name)));
    return list;
}

static void add_rest(struct arena *arena, cJSON *schema, const char *key, cJSON *rest)
{
    cJSON *all = json_get(schema, "allOf");
    if (all == NULL) {
        all = json_new_array(arena);
        json_add(arena, schema, "allOf", all);
    }
    json_append(all, key == NULL ? rest : object_with(arena, key, rest));
}

static cJSON *if_then(struct arena *arena, cJSON *condition, cJSON *then, cJSON *otherwise)
{
    cJSON *schema = object_with(arena, "if", condition);
    json_add(arena, schema, "then", then);
    if (otherwise != NULL)
        json_add(arena, schema, "else", otherwise);
    return schema;
}

/* deny stands alone; all else has a field and says something of it. */
static void complete_rule(struct arena *arena, cJSON *schema, const struct shape *shape)
{
    static const char *const bounds[] = {"min", "max"}, *const wholes[] = {"equals", "set"};
    cJSON *none = object_with(arena, "field", json_new_bool(arena, false));
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (!verbs[i]->without_field)
            json_add(arena, none, verbs[i]->name, json_new_bool(arena, false));
    cJSON *other = required(arena, word(arena, "field"));
    json_add(arena, other, "anyOf", some_verb(arena, shape, NULL));
    add_rest(arena, schema, NULL,
             if_then(arena, required(arena, word(arena, "deny")),
                     object_with(arena, "properties", none), other));
    cJSON *bound = json_new_array(arena), *whole = json_new_array(arena);
    for (size_t i = 0; i < 2; i++) {
        json_append(bound, required(arena, word(arena, bounds[i])));
        json_append(whole, required(arena, word(arena, wholes[i])));
    }
    add_rest(arena, schema, NULL,
             if_then(arena, required(arena, word(arena, "outside")),
                     object_with(arena, "anyOf", bound), NULL));
    cJSON *exactly = required(arena, word(arena, "exactly"));
    json_add(
        arena, exactly, "properties",
        object_with(arena, "exactly", object_with(arena, "const", json_new_bool(arena, true))));
    add_rest(arena, schema, NULL,
             if_then(arena, exactly, object_with(arena, "anyOf", whole), NULL));
}

/* A user or else a group; a user with what that user makes. */
static void complete_exclude(struct arena *arena, cJSON *schema)
{
    cJSON *who = json_new_array(arena), *pair = json_new_array(arena);
    json_append(who, required(arena, word(arena, "user")));
    json_append(who, required(arena, word(arena, "group")));
    json_append(pair, required(arena, word(arena, "resources")));
    json_append(pair, required(arena, word(arena, "operations")));
    add_rest(arena, schema, "oneOf", who);
    add_rest(arena, schema, NULL,
             if_then(arena, required(arena, word(arena, "user")), object_with(arena, "anyOf", pair),
                     NULL));
}

/* In and NotIn take values, the others none. */
static void complete_expression(struct arena *arena, cJSON *schema)
{
    static const char *const with[] = {"In", "NotIn", NULL};
    cJSON *condition =
        object_with(arena, "properties", object_with(arena, "operator", choice(arena, with)));
    cJSON *without =
        object_with(arena, "properties", object_with(arena, "values", json_new_bool(arena, false)));
    add_rest(arena, schema, NULL,
             if_then(arena, condition, required(arena, word(arena, "values")), without));
}

/* What belongs together, which no row can say. */
static void complete(struct arena *arena, cJSON *schema, const struct shape *shape)
{
    if (shape->keys == keys_rule)
        complete_rule(arena, schema, shape);
    else if (shape->keys == keys_condition)
        add_rest(arena, schema, "anyOf", some_verb(arena, shape, "exists"));
    else if (shape->keys == keys_exclude)
        complete_exclude(arena, schema);
    else if (shape->keys == keys_expression)
        complete_expression(arena, schema);
    else if (shape->keys == keys_policy) /* an exception's match may leave them out */
        add_rest(arena, schema, "properties",
                 object_with(arena, "match", required(arena, word(arena, "resources"))));
}

/* ---- documents ---------------------------------------------------------------------------- */

static cJSON *kind_then(struct arena *arena, const char *kind, const struct key *spec,
                        bool metadata)
{
    cJSON *condition = object_with(
        arena, "properties",
        object_with(arena, "kind", object_with(arena, "const", json_new_string(arena, kind))));
    json_add(arena, condition, "required", word(arena, "kind"));
    cJSON *then =
        object_with(arena, "properties", object_with(arena, "spec", reference(arena, spec)));
    if (metadata)
        json_add(arena, then, "required", word(arena, "metadata"));
    return if_then(arena, condition, then, NULL);
}

static cJSON *document(struct arena *arena)
{
    static const char *const kinds[] = {"Policy", "Exception", "PolicySuite", NULL};
    static const char *const needed[] = {"apiVersion", "kind", "spec", NULL};
    cJSON *properties = json_new_object(arena);
    for (const struct key *key = keys_document; key->name != NULL; key++) {
        cJSON *schema = strcmp(key->name, "kind") == 0 ? choice(arena, kinds) : NULL;
        if (strcmp(key->name, "apiVersion") == 0)
            schema = object_with(arena, "const", json_new_string(arena, "proctor.dev/v1"));
        if (schema != NULL)
            json_add(arena, schema, "description", json_new_string(arena, key->help));
        json_add(arena, properties, key->name, schema != NULL ? schema : of_key(arena, key));
    }
    cJSON *root = typed(arena, "object");
    json_add(arena, root, "properties", properties);
    json_add(arena, root, "required", words(arena, needed));
    json_add(arena, root, "additionalProperties", json_new_bool(arena, false));
    add_rest(arena, root, NULL, kind_then(arena, "Policy", keys_policy, true));
    add_rest(arena, root, NULL, kind_then(arena, "Exception", keys_exception, true));
    add_rest(arena, root, NULL, kind_then(arena, "PolicySuite", suite_keys_spec, false));
    return root;
}

cJSON *schema_file_make(struct arena *arena)
{
    cJSON *schema = json_new_object(arena), *definitions = json_new_object(arena);
    json_add(arena, schema, "$schema",
             json_new_string(arena, "http://json-schema.org/draft-07/schema#"));
    json_add(arena, schema, "title",
             json_new_string(arena, "Proctor: policies, exceptions and suites"));
    const cJSON *root = document(arena);
    for (const cJSON *child = root->child; child != NULL; child = child->next)
        json_add(arena, schema, child->string, json_dup(arena, child));
    for (const struct shape *shape = shapes; shape->name != NULL; shape++) {
        cJSON *made = of_shape(arena, shape);
        complete(arena, made, shape);
        json_add(arena, definitions, shape->name, made);
    }
    json_add(arena, schema, "definitions", definitions);
    return schema;
}
