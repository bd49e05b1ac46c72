/* The keys of suites, as rows: see policy/keys.h. */
#ifndef PROCTOR_CLI_SUITE_KEYS_H
#define PROCTOR_CLI_SUITE_KEYS_H

#include "policy/keys.h"

extern const struct key suite_keys_spec[], suite_keys_defaults[], suite_keys_case[],
    suite_keys_expect[];

extern const char *const suite_verdicts[]; /* ends with NULL */

#endif
