/* Names: resources, kinds and globs as Kubernetes spells them. */
#ifndef PROCTOR_KUBE_NAMES_H
#define PROCTOR_KUBE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` fits `glob`, whole: * is any run (also empty, also with dots and slashes), ? is
 * one character.  Linear time in practice, never exponential. */
bool glob_matches(const char *glob, const char *text);

/* Whether there is a * or ? in it. */
bool glob_is_pattern(const char *text);

/* Whether Kubernetes takes it for a label's key ("app", "example.com/app"), or for its value. */
bool name_is_label_key(const char *text);
bool name_is_label_value(const char *text);

/* Damerau-Levenshtein distance, at most `limit` + 1; for "did you mean". */
size_t name_distance(const char *a, const char *b, size_t limit);

/* Of `candidates` (ending with NULL) the one nearest to `name`, NULL if none is near enough to
 * be a slip of the pen. */
const char *name_nearest(const char *name, const char *const *candidates);

#endif
