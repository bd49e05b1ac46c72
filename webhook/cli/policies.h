/* Policies at the prompt: loaded with every diagnostic shown. */
#ifndef PROCTOR_CLI_POLICIES_H
#define PROCTOR_CLI_POLICIES_H

#include "cli/cli.h"
#include "policy/set.h"

#include <stdbool.h>
#include <stdint.h>

/* The rows of a command that judges by policies: by which, at what time, in which language. */
/* clang-format off */
#define POLICIES_FLAG                                                                              \
    {.name = "policies", .letter = 'p', .value = "DIR", .fallback = "policies",                    \
     .help = "a folder or file of policies", .repeatable = true}
#define POLICIES_NOW_FLAG                                                                          \
    {.name = "now", .value = "TIME", .help = "the clock that exceptions see, RFC 3339"}
#define POLICIES_LANGUAGE_FLAG                                                                     \
    {.name = "language", .value = "LANG", .help = "of the policies' texts (default the first)"}
/* clang-format on */

/* --now as Unix time, without it the machine's clock.  False after a usage error. */
NODISCARD bool policies_now(const struct cli *cli, int64_t *ret_now);

/* policies_load of what the repeatable flag names. */
struct policy_set *policies_of_flag(const struct cli *cli, const char *flag, const char *language,
                                    int64_t now);

/* Loads the files and folders of `paths` (ends with NULL).  Errors go to cli->err as a compiler
 * prints them; warnings are `proctor lint`'s and are not shown.  NULL if there is no usable set;
 * else the caller owns one reference. */
struct policy_set *policies_load(const struct cli *cli, const char *const *paths,
                                 const char *language, int64_t now);

#endif
