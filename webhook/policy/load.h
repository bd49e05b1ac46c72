/* Loading: policy files -> diagnostics and, if there is no error, a compiled set.
 *
 * Strict, and everything in one run: syntax, unknown keys with "did you mean", wrong types,
 * duplicate ids, impossible ranges, fields that the schema does not know, rules that apply to
 * none of their resources, two rules that write one field differently, reads before writes.
 */
#ifndef PROCTOR_POLICY_LOAD_H
#define PROCTOR_POLICY_LOAD_H

#include "policy/diag.h"
#include "policy/set.h"

struct policy_load_options {
    const char *language;  /* of messages; NULL: the first */
    int64_t now;           /* Unix time: expired exceptions are warnings */
    enum policy_mode mode; /* no rule acts more strictly than this, whatever it says itself */
    size_t memory_bytes;   /* that the set may take; 0: LIMIT_POLICY_SET_BYTES */
};

/* Loads the files and folders that `paths` (ending with NULL) names.  Of a folder: every *.yaml,
 * *.yml and *.json in it and below, in the order of their names, except hidden ones (a mount's
 * ..data), suites (kind PolicySuite, `cases` folders) and kustomization.yaml.
 * Diagnostics go to `diagnostics` whether or not it succeeds.  ERR_POLICY if there is any error
 * or no policy at all; ERR_IO if a path cannot be read (also a diagnostic).  The caller owns one
 * reference to *ret_set. */
NODISCARD int policy_load(const char *const *paths, const struct policy_load_options *options,
                          struct diagnostics *diagnostics, struct policy_set **ret_set,
                          struct err *reterr);

/* A file that is not on the disk: a key of a ConfigMap, as it will be mounted. */
struct policy_file {
    const char *name;
    const char *text;
    size_t length;
};

/* The same from the files of one folder that is not there yet: they are taken in the order of
 * their names, and what policy_load would pass over in a folder is passed over. */
NODISCARD int policy_load_folder(const struct policy_file *files, size_t count,
                                 const struct policy_load_options *options,
                                 struct diagnostics *diagnostics, struct policy_set **ret_set,
                                 struct err *reterr);

/* The same from text in memory; `name` stands for the file in messages. */
NODISCARD int policy_load_text(const char *name, const char *text, size_t length,
                               const struct policy_load_options *options,
                               struct diagnostics *diagnostics, struct policy_set **ret_set,
                               struct err *reterr);

#endif
