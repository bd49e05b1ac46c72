#include "policy/keys.h"

#include "policy/verb.h"

const char *const key_operations[] = {"CREATE", "UPDATE", "DELETE", "CONNECT", NULL};
const char *const key_operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
const char *const key_outside[] = {"deny", "clamp", NULL};
const char *const key_ratchets[] = {"normal", "never", NULL};
const char *const key_types[] = {"auto",     "quantity", "int",  "intOrPercent",
                                 "duration", "string",   "bool", NULL};

/* clang-format off */

const struct key keys_metadata[] = {
    {.name = "name", .sort = KEY_TEXT, .needed = true,
     .help = "the name by which messages and exceptions call it"},
    {.name = "labels", .sort = KEY_ANY_MAP, .help = "yours; Proctor does not read them"},
    {.name = "annotations", .sort = KEY_ANY_MAP, .help = "yours; Proctor does not read them"},
    {0}};

const struct key keys_document[] = {
    {.name = "apiVersion", .sort = KEY_TEXT, .needed = true, .help = "proctor.dev/v1"},
    {.name = "kind", .sort = KEY_TEXT, .needed = true, .help = "Policy, Exception or PolicySuite"},
    {.name = "metadata", .sort = KEY_MAPPING, .needed = true, .members = keys_metadata,
     .help = "the document's name"},
    {.name = "spec", .sort = KEY_ANY_MAP, .needed = true, .help = "what it says"},
    {0}};

const struct key keys_expression[] = {
    {.name = "key", .sort = KEY_TEXT, .needed = true, .help = "a label's key"},
    {.name = "operator", .sort = KEY_CHOICE, .needed = true, .choices = key_operators,
     .help = "how the label is judged"},
    {.name = "values", .sort = KEY_VALUES, .help = "the label's values, for In and NotIn"},
    {0}};

const struct key keys_selector[] = {
    {.name = "matchLabels", .sort = KEY_LABELS, .help = "labels that the object carries"},
    {.name = "matchExpressions", .sort = KEY_MAPPINGS, .members = keys_expression,
     .help = "requirements of single labels"},
    {0}};

const struct key keys_exclude[] = {
    {.name = "user", .sort = KEY_PLAIN,
     .help = "one user, exactly; with the resources or operations that this user makes"},
    {.name = "group", .sort = KEY_PLAIN,
     .help = "in place of the user: a group that no request can put anybody in"},
    {.name = "resources", .sort = KEY_TEXTS, .help = "only these, as name.group[/subresource]"},
    {.name = "operations", .sort = KEY_CHOICES, .choices = key_operations, .help = "only these"},
    {.name = "onlyMetadata", .sort = KEY_BOOL,
     .help = "only an UPDATE that changes nothing but metadata"},
    {0}};

const struct key keys_match[] = {
    {.name = "namespaces", .sort = KEY_TEXTS, .help = "names or globs (* and ?)"},
    {.name = "resources", .sort = KEY_TEXTS,
     .help = "name.group[/subresource], as deployments.apps/scale; \"*\" for all"},
    {.name = "operations", .sort = KEY_CHOICES, .choices = key_operations,
     .help = "what is asked for; without it CREATE and UPDATE"},
    {.name = "names", .sort = KEY_TEXTS, .help = "names of objects, or globs"},
    {.name = "users", .sort = KEY_TEXTS, .help = "users who ask, or globs"},
    {.name = "groups", .sort = KEY_TEXTS, .help = "groups of who asks, or globs"},
    {.name = "selector", .sort = KEY_MAPPING, .members = keys_selector,
     .help = "labels of the object before or after the change"},
    {.name = "exclude", .sort = KEY_MAPPINGS, .members = keys_exclude,
     .help = "exact pairs: who, and the one thing that user makes"},
    {0}};

const struct key keys_variable[] = {
    {.name = "name", .sort = KEY_NAME, .needed = true, .help = "used as ${name} in the rules"},
    {.name = "from", .sort = KEY_TEXT, .needed = true, .help = "a text with variables: \"${user}\""},
    {.name = "pattern", .sort = KEY_TEXT,
     .help = "a regular expression; its first group is the value"},
    {0}};

const struct key keys_condition[] = {
    {.name = "field", .sort = KEY_TEXT, .needed = true,
     .help = "what is asked: from the object's root, or .x below the rule's own element"},
    {.name = "exists", .sort = KEY_BOOL, .help = "whether there is such a value"},
    {0}};

const struct key keys_rule[] = {
    {.name = "id", .sort = KEY_ID, .needed = true,
     .help = "the rule's name within its policy: small letters, digits and -"},
    {.name = "why", .sort = KEY_WORDS, .needed = true,
     .help = "the reason, for the person who is refused or corrected"},
    {.name = "message", .sort = KEY_WORDS, .help = "what is allowed, in place of the made text"},
    {.name = "fix", .sort = KEY_WORDS, .help = "what to write or do, in place of the made text"},
    {.name = "field", .sort = KEY_TEXT,
     .help = "what the rule judges: spec.replicas, $containers.image@tag"},
    {.name = "when", .sort = KEY_MAPPINGS, .members = keys_condition,
     .help = "the rule speaks only where all of these hold"},
    {.name = "mode", .sort = KEY_CHOICE, .choices = policy_mode_names,
     .help = "enforce: patch and deny; warn: a warning; audit: only the log"},
    {.name = "outside", .sort = KEY_CHOICE, .choices = key_outside,
     .help = "what happens beyond min or max: deny, or clamp to the bound"},
    {.name = "optional", .sort = KEY_BOOL, .help = "absence is fine"},
    {.name = "exactly", .sort = KEY_BOOL,
     .help = "of equals and set: a map has no other keys than these"},
    {.name = "ratchet", .sort = KEY_CHOICE, .choices = key_ratchets,
     .help = "never: an old violation is refused although the request leaves it alone"},
    {.name = "type", .sort = KEY_CHOICE, .choices = key_types,
     .help = "how values compare; auto takes the schema's type"},
    {0}};

const struct key keys_policy[] = {
    {.name = "title", .sort = KEY_WORDS, .help = "what the policy is for, in a few words"},
    {.name = "match", .sort = KEY_MAPPING, .needed = true, .members = keys_match,
     .help = "which requests the policy judges: all keys that are given must hold"},
    {.name = "mode", .sort = KEY_CHOICE, .choices = policy_mode_names,
     .help = "of all rules that do not say otherwise; without it enforce"},
    {.name = "variables", .sort = KEY_MAPPINGS, .members = keys_variable,
     .help = "parts of what the requester cannot forge, for all rules"},
    {.name = "rules", .sort = KEY_MAPPINGS, .needed = true, .members = keys_rule,
     .help = "run in this order; each names one field and says what may stand there"},
    {0}};

const struct key keys_exception[] = {
    {.name = "policy", .sort = KEY_TEXT, .needed = true, .help = "the policy's name"},
    {.name = "rules", .sort = KEY_TEXTS, .needed = true, .help = "ids of the rules that are waived"},
    {.name = "match", .sort = KEY_MAPPING, .needed = true, .members = keys_match,
     .help = "for whom"},
    {.name = "reason", .sort = KEY_TEXT, .needed = true, .help = "why"},
    {.name = "owner", .sort = KEY_TEXT, .needed = true, .help = "who answers for it"},
    {.name = "ticket", .sort = KEY_TEXT, .needed = true, .help = "where it was decided"},
    {.name = "expires", .sort = KEY_DAY, .needed = true,
     .help = "the last day that it holds (UTC), as 2026-12-31"},
    {0}};

/* clang-format on */

static bool stands(const struct verb *verb, enum key_verbs with)
{
    return with == KEY_ALL_VERBS || (with == KEY_WHEN_VERBS && verb->in_when);
}

const char *const *key_names(struct arena *arena, const struct key *keys, enum key_verbs with)
{
    size_t count = 0;
    for (size_t i = 0; keys[i].name != NULL; i++)
        count++;
    for (size_t i = 0; verbs[i] != NULL; i++)
        count += stands(verbs[i], with);
    const char **names = arena_array(arena, count + 1, sizeof *names);
    count = 0;
    for (size_t i = 0; keys[i].name != NULL; i++)
        names[count++] = keys[i].name;
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (stands(verbs[i], with))
            names[count++] = verbs[i]->name;
    return names;
}
