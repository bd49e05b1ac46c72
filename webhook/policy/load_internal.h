/* What the files of the loader share.
 *
 *   load_files.c      paths -> files, in order, with their bytes
 *   load_keys.c       a mapping's members -> strings, lists, enumerations, with diagnostics
 *   load_match.c      match, exclude, selector
 *   load_resource.c   resources: is there such a one
 *   load_glob.c       globs: can there be such a name
 *   load_variable.c   variables
 *   load_rule.c       rules: verbs, conditions, dials
 *   load_exception.c  exceptions
 *   load_bind.c       fields bound to the kinds that each policy can meet
 *   load_reads.c      what each rule reads besides its own field
 *   load.c            all of it in order -> struct policy_set
 */
#ifndef PROCTOR_POLICY_LOAD_INTERNAL_H
#define PROCTOR_POLICY_LOAD_INTERNAL_H

#include "policy/keys.h"
#include "policy/load.h"
#include "policy/verb.h"

struct source {
    const char *name; /* as people know it */
    const char *text; /* NUL-terminated */
    size_t length;
};

struct loader {
    struct policy_set *set;
    struct arena *arena; /* the set's */
    struct diagnostics *diagnostics;
    const struct policy_load_options *options;
    const char *file; /* that is read now */
    struct source *sources;
    size_t source_count;
    size_t source_capacity;
};

/* Reads what the paths name into loader->sources. */
void load_files(struct loader *loader, const char *const *paths);
void load_add_source(struct loader *loader, const char *name, const char *text, size_t length);

/* ---- diagnostics and members ---- */

struct place load_place(const struct loader *loader, const cJSON *node);

/* Reports an error at the node's value; returns false. */
bool load_fail(struct loader *loader, const cJSON *node, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "a list", "a text": what a value is, for messages. */
const char *load_sort(const cJSON *node);

/* Reports every member of `mapping` that has no row in `keys` and is none of the verbs `with`;
 * false if `mapping` is no mapping. */
bool load_check_keys(struct loader *loader, const cJSON *mapping, const char *what,
                     const struct key *keys, enum key_verbs with);

/* The member as a non-empty string; NULL if it is absent (an error if `needed`) or wrong. */
const char *load_string(struct loader *loader, const cJSON *mapping, const char *key, bool needed);

/* The member as a list of strings, or one string; NULL if absent or wrong.  A string that stands
 * twice is a warning. */
policy_strings load_strings(struct loader *loader, const cJSON *mapping, const char *key);

/* A warning at `entry` if strings[count] is among the `count` before it. */
void load_warn_repeated(struct loader *loader, const cJSON *entry, const char *key,
                        const char *const *strings, size_t count);

/* Where the string `at` of load_strings stands: `list` may be a list or the one string. */
const cJSON *load_string_node(const cJSON *list, size_t at);

bool load_bool(struct loader *loader, const cJSON *mapping, const char *key);

/* The place of the member's value in `words` (ending with NULL), or `otherwise`. */
size_t load_choice(struct loader *loader, const cJSON *mapping, const char *key,
                   const char *const *words, size_t otherwise);

/* A string, or a map from language to string. */
struct policy_text load_text(struct loader *loader, const cJSON *mapping, const char *key,
                             bool needed);

/* Reports, at its entry of `list`, each resource that cannot be or looks misspelt; a name that
 * the schema's table lacks is else taken for a custom resource.  Whether all are fine. */
bool load_check_resources(struct loader *loader, const cJSON *list, policy_strings resources);

/* Reports the namespaces, names, users and groups of a match that can fit nothing. */
void load_check_globs(struct loader *loader, const cJSON *match, const struct policy_match *out);

/* A list of operations as a mask; `otherwise` if the key is absent. */
unsigned load_operations(struct loader *loader, const cJSON *mapping, unsigned otherwise);

/* The files of a folder that is not on the disk. */
void load_folder_files(struct loader *loader, const struct policy_file *files, size_t count);

/* ---- the parts ---- */

void load_match(struct loader *loader, const cJSON *match, bool of_exception,
                struct policy_match *out);

/* The variables of a policy by their place in policy->variables. */
struct declared {
    const char **names; /* ends with NULL */
    bool *read_request; /* its value depends on who asks: see expr_reads_request */
};

/* Reads `variables` (NULL: none) into the policy. */
struct declared load_variables(struct loader *loader, const cJSON *list, struct policy *policy);

void load_rules(struct loader *loader, const cJSON *rules, struct policy *policy,
                const struct declared *declared);
void load_exception(struct loader *loader, const cJSON *root, struct policy_exception *out);

/* Notes what a bound rule reads of the object besides its own field: its conditions, the
 * variables of its values, and what those of the policy are taken from. */
void load_note_reads(struct loader *loader, const struct policy *policy, struct rule *rule);

/* Binds every field of the set, and reports what cannot be: unknown fields, rules that apply to
 * nothing. */
void load_bind(struct loader *loader);

#endif
