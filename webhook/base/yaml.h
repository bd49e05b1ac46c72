/* YAML documents read into JSON trees, with the place of every node kept.
 *
 * Two dialects.  YAML_POLICY is for Proctor's own files: true and false are the only booleans,
 * numbers keep their digits, and a plain scalar that YAML 1.1 and 1.2 read differently (yes,
 * 0777, 1_000, 12:30, ~) is an error that says "quote it".  YAML_KUBECTL reads an object exactly
 * as kubectl does (sigs.k8s.io/yaml over go-yaml v2: YAML 1.1 scalars, merge keys, then JSON).
 *
 * Both refuse duplicate keys, keys that are no scalars, excess depth, nodes and aliases
 * (limits.h), and tags that they do not know.  Multi-document files give several roots.
 */
#ifndef PROCTOR_BASE_YAML_H
#define PROCTOR_BASE_YAML_H

#include "base/json.h"

enum yaml_dialect { YAML_POLICY, YAML_KUBECTL };

/* 1-based; 0 means unknown. */
struct yaml_mark {
    unsigned line;
    unsigned column;
};

struct yaml_documents {
    cJSON **roots; /* a document with nothing in it is left out */
    size_t count;
};

/* Reads text[0..length) (a UTF-8 BOM and CRLF are fine).  ERR_YAML or ERR_LIMIT; the text
 * begins "LINE:COLUMN: ".  JSON is YAML, so it is read too.  The trees live in `arena`. */
NODISCARD int yaml_parse(struct arena *arena, const char *text, size_t length,
                         enum yaml_dialect dialect, struct yaml_documents *ret_documents,
                         struct err *reterr);

/* Where a value, or its key, stands.  {0, 0} for a node that yaml_parse did not make. */
struct yaml_mark yaml_value_mark(const cJSON *node);
struct yaml_mark yaml_key_mark(const cJSON *node);

/* Appends `node` as block YAML, as kubectl -o yaml prints it: members in their order, two
 * blanks a level, list items not indented under their key, strings quoted only where needed. */
void yaml_write(struct buf *buf, const cJSON *node);

#endif
