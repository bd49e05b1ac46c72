/* What a plain (unquoted) YAML scalar means, by each dialect of base/yaml.h.
 *
 * The reader asks to build nodes, the writer to know what it must quote.
 * Source: YAML 1.1 types (yaml.org/type), YAML 1.2 core schema, go-yaml v2's resolver.
 */
#ifndef PROCTOR_BASE_YAML_SCALAR_H
#define PROCTOR_BASE_YAML_SCALAR_H

#include <stdbool.h>

enum yaml_scalar {
    YAML_SCALAR_STRING,
    YAML_SCALAR_NULL,
    YAML_SCALAR_TRUE,
    YAML_SCALAR_FALSE,
    YAML_SCALAR_NUMBER,
    YAML_SCALAR_UNCLEAR, /* readers differ, or JSON cannot hold it (.inf) */
};

#define YAML_NUMBER_MAX 400

/* As go-yaml v2 resolves it; a number comes in `number` as Go's encoding/json would print it
 * (a 64-bit integer whole, a float shortest). */
enum yaml_scalar yaml_scalar_kubectl(const char *text, char number[YAML_NUMBER_MAX]);

/* By Proctor's own rules: a number is its own text.  Of UNCLEAR, *ret_mend says how to mend
 * it (static text). */
enum yaml_scalar yaml_scalar_policy(const char *text, const char **ret_mend);

/* How kubectl spells a number that stands as a key: floats in single precision. */
void yaml_scalar_key(const char *text, char number[YAML_NUMBER_MAX]);

/* Whether every reader, of YAML 1.1 or 1.2, takes the text for a string. */
bool yaml_scalar_is_string(const char *text);

#endif
