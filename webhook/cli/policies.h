/* Policies at the prompt: loaded with every diagnostic shown. */
#ifndef PROCTOR_CLI_POLICIES_H
#define PROCTOR_CLI_POLICIES_H

#include "cli/cli.h"
#include "policy/set.h"

#include <stdbool.h>
#include <stdint.h>

/* Loads the files and folders of `paths` (ends with NULL).  Errors go to cli->err as a compiler
 * prints them; warnings are `proctor lint`'s and are not shown.  NULL if there is no usable set;
 * else the caller owns one reference. */
struct policy_set *policies_load(const struct cli *cli, const char *const *paths,
                                 const char *language, int64_t now);

#endif
