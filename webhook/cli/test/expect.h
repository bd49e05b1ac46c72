/* What a suite's case expects, against what a judgement says.
 *
 * Both are brought into one form, a map with the same keys and sorted sets, so that comparing is
 * equality, a failure is shown as a diff of two YAML texts, and --update writes the other side.
 */
#ifndef PROCTOR_CLI_EXPECT_H
#define PROCTOR_CLI_EXPECT_H

#include "admit/judge.h"

/* `expect` (NULL: nothing is expected yet) in its one form.  `object` is the object that the key
 * `object` names or holds; NULL: the key is not there. */
cJSON *expect_wanted(struct arena *arena, const cJSON *expect, const cJSON *object);

/* The judgement in the same form, with the keys that `expect` has; verdict and violations always.
 * Of the message a part is enough, of the object what `object` names. */
cJSON *expect_got(struct arena *arena, const cJSON *expect, const cJSON *object,
                  const struct judgement *judgement);

/* `actual` cut down to the members that `shape` has: what an equality with `shape` compares. */
cJSON *expect_project(struct arena *arena, const cJSON *shape, const cJSON *actual);

#endif
