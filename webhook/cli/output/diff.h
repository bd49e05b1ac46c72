/* Unified diffs of two texts, line by line, for people (`proctor review`, `proctor test`).
 *
 * The shortest edit script by Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its
 * Variations", 1986); two texts that differ in more than DIFF_EDITS_MAX lines are shown as one
 * removed and one added block, since nobody reads such a diff and the search is quadratic.
 */
#ifndef PROCTOR_CLI_DIFF_H
#define PROCTOR_CLI_DIFF_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>

#define DIFF_CONTEXT   3U
#define DIFF_EDITS_MAX 1000U

struct diff_side {
    const char *name; /* behind --- and +++ */
    const char *text; /* a last line without a newline counts as a line */
};

/* Appends the diff: "--- name", "+++ name", hunks with three lines of context.  Nothing if the
 * texts are equal.  Control characters are made visible.  Scratch memory comes from `arena`. */
void diff_write(struct arena *arena, const struct diff_side *before, const struct diff_side *after,
                bool colour, struct buf *out);

#endif
