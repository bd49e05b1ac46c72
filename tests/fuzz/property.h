/* What must hold of the engine whatever it is given.  The fuzz targets and the replayer of their
 * corpus call the same checks; one that fails prints what it found and aborts, which is what
 * libFuzzer and the sanitizers make a report of. */
#ifndef PROCTOR_TESTS_FUZZ_PROPERTY_H
#define PROCTOR_TESTS_FUZZ_PROPERTY_H

#include "policy/set.h"

#include <stddef.h>

#define PROPERTY_NOW 1795262400 /* 2026-11-21T12:00:00Z */

/* Loads files or folders; aborts if they have an error. */
struct policy_set *property_load(const char *path);

/* Sends one body through both phases, as the webhook would:
 *   - every answer is JSON; after an error it never allows;
 *   - the patch applies, and makes the very object that the engine judged;
 *   - of an object with the API's defaults, a second /mutate after defaulting changes nothing;
 *   - what /mutate left without violations, /validate accepts. */
void property_check_review(const struct policy_set *set, const char *body, size_t length);

#endif
