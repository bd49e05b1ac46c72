/* Mutation of JSON as trees: what a JSON reader refuses at once teaches nothing about the code
 * behind it.  The input is one document, or lines of which some are (a watch's stream, a body
 * behind its head).  Strings that hold JSON themselves (annotations) are changed as trees too.
 */
#ifndef PROCTOR_TESTS_FUZZ_TREE_H
#define PROCTOR_TESTS_FUZZ_TREE_H

#include <stddef.h>
#include <stdint.h>

/* What a target's LLVMFuzzerCustomMutator returns. */
size_t tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
