/* Histories that a fuzz target makes: a machine for each project, and the store in memory of the
 * unit tests (tests/unit/history/history.h), which holds every step against what must never
 * happen.  Beside that:
 *   - a step without news has no effects;
 *   - a machine that is rebuilt from the rows goes on as the one that made them would.
 */
#ifndef PROCTOR_TESTS_FUZZ_STORY_H
#define PROCTOR_TESTS_FUZZ_STORY_H

#include "history/machine.h"

/* Forgets all projects. */
void story_reset(void);

/* A project looks like that now.  What is too long a story is not told on. */
void story_view(const char *project, const struct project_view *view, bool gap, int64_t now);

/* A project whose only version has this memory, as the store gives it. */
void story_remember(const char *project, const char *memory, enum revision_status status);

/* A word of admission. */
void story_intent(const char *project, const struct machine_intent *intent, int64_t now);

#endif
