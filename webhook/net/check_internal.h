/* What the files of the check share.
 *
 *   check.c        review -> files, findings -> answer
 *   check_child.c  files -> findings, in a process of their own
 */
#ifndef PROCTOR_NET_CHECK_INTERNAL_H
#define PROCTOR_NET_CHECK_INTERNAL_H

#include "base/err.h"
#include "policy/load.h"

#include <stdint.h>

/* Runs the child.  *ret_text (heap, the caller frees) is what it printed; the errors are
 * check_answer's.  Owns no arena memory. */
NODISCARD int check_run(const struct policy_file *files, size_t count, int64_t deadline_us,
                        char **ret_text, size_t *ret_length, struct err *reterr);

/* Whether a sanitizer keeps a shadow of all memory: terabytes, which no limit on data allows. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define CHECK_HAS_SHADOW 1
#elif defined __has_feature
#define CHECK_HAS_SHADOW (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define CHECK_HAS_SHADOW 0
#endif

#endif
