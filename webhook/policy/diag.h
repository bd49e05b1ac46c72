/* Diagnostics: what is wrong with a policy file, as a compiler would print it.
 *
 * A load collects all findings of all files in one run.  An error refuses the set; a warning is
 * `proctor lint`'s.  `code` is a stable short name ("unknown-key") for tests and for -o json.
 */
#ifndef PROCTOR_POLICY_DIAG_H
#define PROCTOR_POLICY_DIAG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/yaml.h"

#include <stdbool.h>
#include <stddef.h>

struct place {
    const char *file;
    struct yaml_mark mark;
};

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diagnostic {
    enum diag_severity severity;
    struct place place;
    const char *code;
    const char *message; /* one line: what, and how to mend it */
};

struct diagnostics {
    struct arena *arena;
    struct diagnostic *items;
    size_t count;
    size_t capacity;
    size_t error_count;
    size_t left_out; /* past LIMIT_DIAGNOSTICS */
};

void diag_init(struct diagnostics *diagnostics, struct arena *arena);

/* Adds one finding; text is copied, control characters are made visible. */
void diag_add(struct diagnostics *diagnostics, enum diag_severity severity, struct place place,
              const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Orders by file (in the order of first sight), line, column; the same finding at the same place
 * is kept once. */
void diag_sort(struct diagnostics *diagnostics);

/* Appends "file:line:column: error: message [code]" and a newline for each. */
void diag_write(const struct diagnostics *diagnostics, struct buf *buf);

#endif
