/* malloc, calloc, realloc, strdup and strndup of the whole process, libraries included, of which
 * one can be made to fail.
 *
 * They are defined in the program itself, which the dynamic linker asks first; what they hand out
 * comes from AddressSanitizer where there is one, so that all of its checks stay.
 */
#ifndef PROCTOR_TESTS_TORTURE_ALLOC_H
#define PROCTOR_TESTS_TORTURE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on counts; the n-th allocation fails, once.  0: none does. */
void alloc_arm(size_t n);

/* Nothing fails any more; how many allocations there were since alloc_arm. */
size_t alloc_disarm(void);

/* Whether it did not fail, because a library asked that would not bear it (alloc.c). */
bool alloc_excused(void);

/* Pieces of memory that were handed out and not given back. */
long alloc_live(void);

#endif
