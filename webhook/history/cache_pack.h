/* A view and all that it points to in one piece of heap memory, no larger than it must be: a
 * namespace has thousands of objects, and an arena's blocks are made for one at a time.
 */
#ifndef PROCTOR_HISTORY_CACHE_PACK_H
#define PROCTOR_HISTORY_CACHE_PACK_H

#include "history/cache.h"

/* Any of the three; `kind` is kept beside it. */
union cache_object {
    struct view_deployment deployment;
    struct view_set set;
    struct view_pod pod;
};

/* Copies *object, deeply; *ret_packed points into *ret_memory, to be released with free().
 * Of a pod no JSON is kept.  ERR_NO_MEMORY. */
NODISCARD int cache_pack(enum cache_kind kind, const union cache_object *object,
                         union cache_object *ret_packed, void **ret_memory, struct err *reterr);

#endif
