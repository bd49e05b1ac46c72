#include "policy/load_internal.h"

#include "kube/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPERATION_ALL (OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE | OPERATION_CONNECT)

struct place load_place(const struct loader *loader, const cJSON *node)
{
    return (struct place){loader->file,
                          node != NULL ? yaml_value_mark(node) : (struct yaml_mark){0, 0}};
}

bool load_fail(struct loader *loader, const cJSON *node, const char *code, const char *format, ...)
{
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diag_add(loader->diagnostics, DIAG_ERROR, load_place(loader, node), code, "%s", text);
    return false;
}

static bool is_among(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Also a longer word for the same: maximum for max, integer for int. */
static const char *nearest_key(const char *name, const char *const *keys)
{
    const char *near = name_nearest(name, keys);
    for (size_t i = 0; near == NULL && keys[i] != NULL; i++) {
        const size_t length = strlen(keys[i]);
        if (length >= 3 && strncmp(name, keys[i], length) == 0)
            near = keys[i];
    }
    return near;
}

const char *load_sort(const cJSON *node)
{
    return json_is_object(node)   ? "a mapping"
           : json_is_array(node)  ? "a list"
           : json_is_string(node) ? "a text"
           : json_is_number(node) ? "a number"
           : json_is_bool(node)   ? "true or false"
                                  : "empty";
}

bool load_check_keys(struct loader *loader, const cJSON *mapping, const char *what,
                     const struct key *keys, enum key_verbs with)
{
    const char *const *names = key_names(loader->arena, keys, with);
    if (!json_is_object(mapping))
        return load_fail(loader, mapping, "wrong-type", "%s must be a mapping, and it is %s", what,
                         load_sort(mapping));
    for (const cJSON *member = mapping->child; member != NULL; member = member->next) {
        if (is_among(member->string, names))
            continue;
        const char *near = nearest_key(member->string, names);
        const struct place place = {loader->file, yaml_key_mark(member)};
        diag_add(loader->diagnostics, DIAG_ERROR, place, "unknown-key",
                 "%s has no key \"%s\"%s%s%s", what, member->string,
                 near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                 near != NULL ? "\"?" : "");
    }
    return true;
}

const char *load_string(struct loader *loader, const cJSON *mapping, const char *key, bool needed)
{
    const cJSON *member = json_get(mapping, key);
    if (member == NULL) {
        if (needed)
            load_fail(loader, mapping, "missing-key", "%s is missing", key);
        return NULL;
    }
    if (json_is_string(member) && *member->valuestring != '\0')
        return member->valuestring;
    load_fail(loader, member, "wrong-type", "%s must be a text%s", key,
              json_is_string(member) ? ", and not an empty one" : "");
    return NULL;
}

const cJSON *load_string_node(const cJSON *list, size_t at)
{
    if (!json_is_array(list))
        return list;
    const cJSON *entry = list->child;
    while (entry != NULL && at-- > 0)
        entry = entry->next;
    return entry;
}

void load_warn_repeated(struct loader *loader, const cJSON *entry, const char *key,
                        const char *const *strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(strings[i], strings[count]) == 0) {
            diag_add(loader->diagnostics, DIAG_WARNING, load_place(loader, entry), "repeated",
                     "%s names \"%s\" already", key, strings[count]);
            return;
        }
}

policy_strings load_strings(struct loader *loader, const cJSON *mapping, const char *key)
{
    const cJSON *member = json_get(mapping, key);
    if (member == NULL)
        return NULL;
    const size_t count = json_is_array(member) ? json_count(member) : 1;
    if (count == 0 || (!json_is_array(member) && !json_is_string(member))) {
        load_fail(loader, member, "wrong-type", "%s must be a list of texts with at least one",
                  key);
        return NULL;
    }
    const char **strings = arena_array(loader->arena, count + 1, sizeof *strings);
    const cJSON *element = json_is_array(member) ? member->child : member;
    for (size_t i = 0; i < count; i++, element = element->next) {
        strings[i] = json_string(element);
        if (strings[i] != NULL && *strings[i] != '\0') {
            load_warn_repeated(loader, element, key, strings, i);
            continue;
        }
        load_fail(loader, element, "wrong-type", "%s must hold only texts, and no empty ones", key);
        return NULL;
    }
    return strings;
}

bool load_bool(struct loader *loader, const cJSON *mapping, const char *key)
{
    const cJSON *member = json_get(mapping, key);
    if (member != NULL && !json_is_bool(member))
        load_fail(loader, member, "wrong-type", "%s must be true or false", key);
    return json_is_true(member);
}

static const char *join(struct arena *arena, const char *const *words)
{
    struct buf text;
    buf_init(&text, arena, 4096);
    for (size_t i = 0; words[i] != NULL; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", words[i]);
    return text.data;
}

size_t load_choice(struct loader *loader, const cJSON *mapping, const char *key,
                   const char *const *words, size_t otherwise)
{
    const cJSON *member = json_get(mapping, key);
    if (member == NULL)
        return otherwise;
    for (size_t i = 0; json_is_string(member) && words[i] != NULL; i++)
        if (strcmp(words[i], member->valuestring) == 0)
            return i;
    const char *near = json_is_string(member) ? nearest_key(member->valuestring, words) : NULL;
    load_fail(loader, member, "bad-choice", "%s must be one of: %s%s%s%s", key,
              join(loader->arena, words), near != NULL ? "; did you mean \"" : "",
              near != NULL ? near : "", near != NULL ? "\"?" : "");
    return otherwise;
}

static bool add_words(struct loader *loader, struct policy_text *text, size_t at,
                      const char *language, const cJSON *node)
{
    if (!json_is_string(node) || *node->valuestring == '\0')
        return load_fail(loader, node, "wrong-type", "a text is needed, and not an empty one");
    text->items[at].language = language;
    text->items[at].words = node->valuestring;
    text->count = at + 1;
    return true;
}

struct policy_text load_text(struct loader *loader, const cJSON *mapping, const char *key,
                             bool needed)
{
    struct policy_text text = {0};
    const cJSON *member = json_get(mapping, key);
    if (member == NULL) {
        if (needed)
            load_fail(loader, mapping, "missing-key", "%s is missing: it is what a person reads",
                      key);
        return text;
    }
    const size_t count = json_is_object(member) ? json_count(member) : 1;
    text.items = arena_array(loader->arena, count, sizeof *text.items);
    if (!json_is_object(member)) {
        add_words(loader, &text, 0, "", member);
        return text;
    }
    size_t at = 0;
    for (const cJSON *entry = member->child; entry != NULL; entry = entry->next)
        if (add_words(loader, &text, at, entry->string, entry))
            at++;
    return text;
}

unsigned load_operations(struct loader *loader, const cJSON *mapping, unsigned otherwise)
{
    const char *const *names = key_operations; /* in the order of enum operation */
    policy_strings words = load_strings(loader, mapping, "operations");
    unsigned mask = 0;
    bool known = true;
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        size_t at = 0;
        while (names[at] != NULL && strcmp(names[at], words[i]) != 0)
            at++;
        known &= names[at] != NULL;
        if (names[at] == NULL)
            load_fail(loader, load_string_node(json_get(mapping, "operations"), i), "bad-choice",
                      "operations are CREATE, UPDATE, DELETE and CONNECT, not \"%s\"", words[i]);
        else
            mask |= 1U << at;
    }
    /* With a word that nobody knows, what depends on the others would be told in error. */
    return words == NULL ? otherwise : known ? mask : OPERATION_ALL;
}
