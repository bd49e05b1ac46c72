/* Slips in a policy's match: an entry less, an exclusion with a fence less. */
#include "cli/test/mutants_internal.h"

#include <string.h>

/* ---- an entry less ------------------------------------------------------------------------ */

static const struct list_key {
    const char *key;
    const char *one;
    const char *hint; /* with the entry */
} list_keys[] = {
    {"namespaces", "namespace",
     "a case in a namespace that only \"%s\" fits, in which a rule acts"},
    {"resources", "resource", "a case about %s in which a rule acts, or at least `allowed`"},
    {"operations", "operation", "a case with the operation %s in which a rule acts"},
    {"names", "name", "a case with a name that only \"%s\" fits, in which a rule acts"},
    {"users", "user", "a case of a user whom only \"%s\" fits, in which a rule acts"},
    {"groups", "group",
     "a case of a user who is in no other group than \"%s\", in which a rule acts"},
};

static const char *replace_word(struct arena *arena, const char *hint, const char *word)
{
    const char *at = strstr(hint, "%s");
    return at == NULL ? hint
                      : arena_printf(arena, "%.*s%s%s", (int)(at - hint), hint, word, at + 2);
}

static struct mutant *add_narrowed(const struct mutant_source *source, const struct list_key *key,
                                   const cJSON *at, const char *word)
{
    struct arena *arena = source->mutants->arena;
    struct mutant *mutant =
        mutants_add(source, MUTANT_NARROWED, at,
                    arena_printf(arena, "%s: without %s %s", source->policy, key->one, word));
    mutant->hint = replace_word(arena, key->hint, word);
    return mutant;
}

static void narrow(const struct mutant_source *source, const struct list_key *key)
{
    const cJSON *list = json_get(source->match, key->key);
    if (!json_is_array(list) || json_count(list) < 2)
        return; /* without its one entry the policy would match more, or nothing */
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        if (!json_is_string(entry))
            continue;
        struct mutant *mutant = add_narrowed(source, key, entry, json_string(entry));
        mutants_edit(mutant, entry, NULL);
        mutant->because = mutants_same_match(source->mutants->arena, key->key, list, entry);
    }
}

const cJSON *mutants_operations(struct arena *arena, const cJSON *match)
{
    const cJSON *own = json_get(match, "operations");
    if (own != NULL)
        return own;
    cJSON *list = json_new_array(arena);
    json_append(list, json_new_string(arena, "CREATE"));
    json_append(list, json_new_string(arena, "UPDATE"));
    return list;
}

/* Nothing written means CREATE and UPDATE. */
static void narrow_default_operations(const struct mutant_source *source)
{
    static const char *const both[] = {"CREATE", "UPDATE"};
    struct arena *arena = source->mutants->arena;
    if (json_get(source->match, "operations") != NULL)
        return;
    for (size_t i = 0; i < 2; i++) {
        cJSON *other = json_new_array(arena);
        json_append(other, json_new_string(arena, both[1 - i]));
        struct mutant *mutant = add_narrowed(source, &list_keys[2], source->match, both[i]);
        mutants_edit(mutant, source->match,
                     mutants_with(arena, source->match, "operations", other));
    }
}

/* ---- an exclusion with a fence less ------------------------------------------------------- */

struct exclude_source {
    const struct mutant_source *source;
    struct arena *arena;
    const cJSON *entry;
    const cJSON *resources, *operations; /* NULL: not given */
    const char *who;
    const char *label; /* who and the pair, which tells one entry from another */
};

static void widen(const struct exclude_source *of, const cJSON *wider, const char *what,
                  const char *hint)
{
    struct mutant *mutant = mutants_add(
        of->source, MUTANT_WIDENED, of->entry,
        arena_printf(of->arena, "%s: exclude %s: %s", of->source->policy, of->label, what));
    mutants_edit(mutant, of->entry, wider);
    mutant->hint = hint;
    mutant->because = mutants_same_exclude(of->source, of->entry, wider);
}

static void widen_resources(const struct exclude_source *of)
{
    struct arena *arena = of->arena;
    if (of->resources == NULL)
        return;
    const cJSON *wider = mutants_with(arena, of->entry, "resources", NULL);
    const cJSON *all = mutants_operations(arena, of->source->match);
    if (of->operations == NULL) /* a user alone is refused by the loader */
        wider = mutants_with(arena, wider, "operations", all);
    widen(of, wider, "any resource",
          arena_printf(arena, "a case of %s with something else than %s (%s) in which a rule acts",
                       of->who, mutants_join(arena, of->resources, ", "),
                       mutants_join(arena, of->operations != NULL ? of->operations : all, " or ")));
}

static void widen_operations(const struct exclude_source *of)
{
    struct arena *arena = of->arena;
    /* Only an UPDATE changes nothing but metadata, whatever stands beside it. */
    if (of->operations == NULL || json_is_true(json_get(of->entry, "onlyMetadata")))
        return;
    const cJSON *all = mutants_operations(arena, of->source->match);
    widen(of, mutants_with(arena, of->entry, "operations", all), "any operation",
          arena_printf(
              arena, "a case of %s with another operation than %s%s%s in which a rule acts",
              of->who, mutants_join(arena, of->operations, " or "),
              of->resources != NULL ? " on " : "", mutants_join(arena, of->resources, ", ")));
}

static void widen_metadata(const struct exclude_source *of)
{
    if (!json_is_true(json_get(of->entry, "onlyMetadata")))
        return;
    widen(of, mutants_with(of->arena, of->entry, "onlyMetadata", NULL), "not only metadata",
          arena_printf(of->arena,
                       "a case of %s that changes more than metadata, in which a rule acts",
                       of->who));
}

static void widen_exclude(const struct mutant_source *source, const cJSON *entry)
{
    struct arena *arena = source->mutants->arena;
    const char *user = json_get_string(entry, "user"), *group = json_get_string(entry, "group");
    const cJSON *resources = json_get(entry, "resources");
    const cJSON *operations = json_get(entry, "operations");
    if (user == NULL && group == NULL)
        return;
    const char *who = user != NULL ? user : group;
    const bool metadata = json_is_true(json_get(entry, "onlyMetadata"));
    const struct exclude_source of = {
        .source = source,
        .arena = arena,
        .entry = entry,
        .resources = resources,
        .operations = operations,
        .who = who,
        .label = arena_printf(arena, "%s%s%s%s%s%s", who, operations != NULL ? " " : "",
                              mutants_join(arena, operations, "+"), resources != NULL ? " " : "",
                              mutants_join(arena, resources, "+"), metadata ? " onlyMetadata" : ""),
    };
    widen_resources(&of);
    widen_operations(&of);
    widen_metadata(&of);
}

void mutants_of_match(const struct mutant_source *source)
{
    const cJSON *excludes = json_get(source->match, "exclude");
    if (!json_is_object(source->match))
        return;
    for (size_t i = 0; i < sizeof list_keys / sizeof *list_keys; i++)
        narrow(source, &list_keys[i]);
    narrow_default_operations(source);
    if (!json_is_array(excludes))
        return;
    for (const cJSON *entry = excludes->child; entry != NULL; entry = entry->next)
        widen_exclude(source, entry);
}
