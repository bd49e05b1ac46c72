/* Mutants that nobody could tell from the policy: what another entry says already, and what no
 * object can be. */
#include "cli/test/mutants_internal.h"

#include "kube/names.h"

#include <string.h>

/* Whether `list` (a list of texts, or one text) holds the text, or "*" where that means all. */
static bool holds(const cJSON *list, const char *text, bool star)
{
    const cJSON *item = json_is_array(list) ? list->child : list;
    for (; item != NULL; item = json_is_array(list) ? item->next : NULL) {
        const char *own = json_string(item);
        if (own != NULL && (strcmp(own, text) == 0 || (star && strcmp(own, "*") == 0)))
            return true;
    }
    return false;
}

/* Whether `list` holds all of `texts` that `judged` holds too. */
static bool holds_all(const cJSON *list, const cJSON *texts, const cJSON *judged, bool star)
{
    if (star && holds(texts, "*", true))
        texts = judged;
    const cJSON *item = json_is_array(texts) ? texts->child : texts;
    for (; item != NULL; item = json_is_array(texts) ? item->next : NULL) {
        const char *text = json_string(item);
        if (text == NULL || (holds(judged, text, star) && !holds(list, text, star)))
            return false;
    }
    return true;
}

/* Whether all that fits the glob `narrow` fits `wide` too.  Its text fitting is enough as long as
 * no ? stands for a *. */
static bool covers(const char *wide, const char *narrow)
{
    if (strcmp(wide, narrow) == 0)
        return true;
    if (strchr(wide, '?') != NULL && strchr(narrow, '*') != NULL)
        return false;
    return glob_matches(wide, narrow);
}

const char *mutants_same_match(struct arena *arena, const char *key, const cJSON *list,
                               const cJSON *entry)
{
    const char *text = json_string(entry);
    const bool globs = strcmp(key, "resources") != 0 && strcmp(key, "operations") != 0;
    for (const cJSON *other = list->child; other != NULL; other = other->next) {
        const char *own = json_string(other);
        if (other == entry || own == NULL)
            continue;
        if (strcmp(own, text) == 0 || (globs && covers(own, text)) ||
            (strcmp(key, "resources") == 0 && strcmp(own, "*") == 0))
            return arena_printf(arena, "\"%s\" in the same list covers it", own);
    }
    return NULL;
}

/* ---- exclusions --------------------------------------------------------------------------- */

static bool same_who(const cJSON *a, const cJSON *b)
{
    const char *const keys[] = {"user", "group"};
    for (size_t i = 0; i < 2; i++) {
        const char *x = json_get_string(a, keys[i]), *y = json_get_string(b, keys[i]);
        if (x != NULL && y != NULL && strcmp(x, y) == 0)
            return true;
    }
    return false;
}

/* Whether `other` leaves out all of the pairs that `entry` does. */
static bool excludes_all_of(const struct mutant_source *source, const cJSON *other,
                            const cJSON *entry)
{
    struct arena *arena = source->mutants->arena;
    const cJSON *judged = mutants_operations(arena, source->match);
    const cJSON *matched = json_get(source->match, "resources");
    const cJSON *resources = json_get(entry, "resources");
    const cJSON *operations = json_get(entry, "operations");
    const cJSON *own_resources = json_get(other, "resources");
    const cJSON *own_operations = json_get(other, "operations");
    const bool metadata = json_is_true(json_get(entry, "onlyMetadata"));
    if (json_is_true(json_get(other, "onlyMetadata")) && !metadata)
        return false;
    if (own_operations != NULL && !metadata &&
        !holds_all(own_operations, operations != NULL ? operations : judged, judged, false))
        return false;
    if (own_operations != NULL && metadata && !holds(own_operations, "UPDATE", false))
        return false;
    return own_resources == NULL ||
           holds_all(own_resources, resources != NULL ? resources : matched, matched, true);
}

/* Whether match.users leaves the user out already. */
static bool is_stranger(const struct mutant_source *source, const cJSON *entry)
{
    const cJSON *users = json_get(source->match, "users");
    const char *user = json_get_string(entry, "user");
    if (user == NULL || users == NULL)
        return false;
    const cJSON *item = json_is_array(users) ? users->child : users;
    for (; item != NULL; item = json_is_array(users) ? item->next : NULL)
        if (json_string(item) == NULL || glob_matches(json_string(item), user))
            return false;
    return true;
}

const char *mutants_same_exclude(const struct mutant_source *source, const cJSON *entry,
                                 const cJSON *wider)
{
    struct arena *arena = source->mutants->arena;
    const cJSON *list = json_get(source->match, "exclude");
    if (excludes_all_of(source, entry, wider))
        return "the policy judges nothing else";
    if (is_stranger(source, entry))
        return "users of match does not fit this user";
    for (const cJSON *other = list->child; other != NULL; other = other->next)
        if (other != entry && same_who(other, wider) && excludes_all_of(source, other, wider))
            return arena_printf(arena, "the exclusion in line %u leaves that out already",
                                yaml_value_mark(other).line);
    return NULL;
}

/* ---- bounds ------------------------------------------------------------------------------- */

const char *mutants_same_bound(const cJSON *rule, const cJSON *bound)
{
    const char *field = json_get_string(rule, "field");
    const char *view = field != NULL ? strrchr(field, '@') : NULL;
    int64_t value;
    if (strcmp(bound->string, "min") == 0 && view != NULL && strcmp(view, "@count") == 0 &&
        json_int64(bound, &value) && value <= 0)
        return "no count is below 0";
    return NULL;
}
