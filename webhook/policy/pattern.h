/* Regular expressions: the part of PCRE2 that RE2 reads alike, within limits (POLICY.md).
 *
 * Look-around, back-references, atomic groups, possessive repeats, recursion, conditionals and
 * call-outs are refused at compile time, so that a pattern means the same when it is exported as
 * CEL.  They find anywhere unless anchored; $ is the very end.
 */
#ifndef PROCTOR_POLICY_PATTERN_H
#define PROCTOR_POLICY_PATTERN_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* Compiles; the compiled code's heap is given back by pattern_free.  ERR_POLICY with the offset
 * and what RE2 does not have. */
NODISCARD int pattern_compile(struct arena *arena, const char *text, struct pattern **ret_pattern,
                              struct err *reterr);
void pattern_free(struct pattern *pattern);

/* Whether there is a group, which pattern_match would give. */
bool pattern_has_group(const struct pattern *pattern);

enum pattern_result { PATTERN_NO = 0, PATTERN_YES = 1, PATTERN_LIMIT = 2 };

/* Whether it is found in the subject.  PATTERN_LIMIT: the work passed LIMIT_REGEX_*; the caller
 * treats that as a violation, never as a pass.  If ret_group is not NULL and there is a match,
 * *ret_group is the text of the first group: of the whole match if the pattern has none, "" if it
 * took no part in the match, as in (a)?b. */
enum pattern_result pattern_match(const struct pattern *pattern, struct arena *arena,
                                  const char *subject, const char **ret_group);

/* Matches a pattern with variables: compiled for this one call from text in which the caller
 * has put each variable's value through pattern_quote. */
enum pattern_result pattern_match_once(struct arena *arena, const char *text, const char *subject);

/* Appends `text` with every character that means something in a pattern escaped. */
struct buf;
void pattern_quote(const char *text, struct buf *buf);

#endif
