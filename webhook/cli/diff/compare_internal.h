/* What the two files of compare share. */
#ifndef PROCTOR_CLI_COMPARE_INTERNAL_H
#define PROCTOR_CLI_COMPARE_INTERNAL_H

#include "cli/diff/compare.h"

struct comparer {
    struct arena *arena;
    const char *language;
    struct comparison *out;
    struct compare_change about; /* which policy, rule or exception is being compared */
};

/* Adds a change of what comparer->about names. */
void compare_add(struct comparer *comparer, enum compare_way way, const char *what,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

void compare_mode(struct comparer *comparer, enum policy_mode before, enum policy_mode after);
void compare_text(struct comparer *comparer, const char *key, const struct policy_text *before,
                  const struct policy_text *after);

/* Two rules of one id. */
void compare_rule(struct comparer *comparer, const struct rule *before, const struct rule *after);

/* The rule in words, with its mode if it does not bind; and all of it that has an effect. */
const char *compare_words(struct comparer *comparer, const struct rule *rule);
const char *compare_essence(struct comparer *comparer, const struct rule *rule);

#endif
