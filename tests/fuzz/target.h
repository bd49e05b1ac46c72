/* What every fuzz target is made of.  A target is a file fuzz_NAME.c with libFuzzer's two entry
 * points, which asserts properties; beside it NAME.dict, corpus/NAME (what was once found, as named
 * cases) and the row of `seeds` that makes its corpus from the tests' own data.
 *
 * libFuzzer drives it (make fuzz), or replay.c does (make test): both call the same.
 */
#ifndef PROCTOR_TESTS_FUZZ_TARGET_H
#define PROCTOR_TESTS_FUZZ_TARGET_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's own entry points. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Defined by the targets that read JSON: tree_mutate. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

/* Says which property does not hold, and ends the process with a report. */
_Noreturn void target_broken(const char *property, const char *more);

/* Aborts with its words if it does not hold. */
static inline void target_holds(bool holds, const char *property, const char *more)
{
    if (!holds)
        target_broken(property, more);
}

/* The input as text on the heap, exactly so large: what reads past its NUL is seen.  free(). */
char *target_text(const uint8_t *data, size_t size);

/* Whether a byte of it is NUL: text functions would take its beginning for the whole. */
bool target_has_nul(const uint8_t *data, size_t size);

/* The text's next line, ended by NUL in place; *text moves behind it.  NULL: there is none. */
char *target_line(char **text);

/* Parses JSON that has to be some; `property` says why. */
cJSON *target_parse(struct arena *arena, const char *text, size_t length, const char *property);

#endif
