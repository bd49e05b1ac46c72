/* Arena: all memory of one review, or of one policy set, taken in blocks and freed at once.
 *
 * arena_alloc never returns NULL.  When the cap is reached or malloc fails it jumps to the
 * arena_try that is running, which returns false; everything that was being built lies in the
 * arena and dies with it, so nothing leaks.  That is why code under arena_try must own nothing
 * else: no heap, no descriptor, no lock.  Without an arena_try around it (start-up, tests),
 * exhaustion ends the process with a message.
 *
 * cJSON allocates from the arena that arena_use named last on this thread.
 * An arena belongs to one thread at a time.
 */
#ifndef PROCTOR_BASE_ARENA_H
#define PROCTOR_BASE_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first; /* kept by arena_reset */
    struct arena_block *current;
    char *next; /* the free bytes of `current` */
    char *end;
    size_t used_bytes; /* all blocks together */
    size_t cap_bytes;
    size_t first_bytes; /* of the first block; 0: 96 KiB */
    jmp_buf *recovery;  /* of the innermost arena_try */
};

/* An arena of at most cap_bytes; the first block, of 96 KiB, is taken on first use. */
void arena_init(struct arena *arena, size_t cap_bytes);

/* The same with a first block of first_bytes, for those of whom there are many: each block is as
 * large as all before it. */
void arena_init_small(struct arena *arena, size_t cap_bytes, size_t first_bytes);

/* Forgets everything, keeps the first block for the next use if it is no larger than `keep`. */
void arena_reset(struct arena *arena, size_t keep_bytes);

/* Gives all memory back.  The arena may be used again as if new. */
void arena_done(struct arena *arena);

/* Runs work(context); false if the arena ran out on the way. */
bool arena_try(struct arena *arena, void (*work)(void *context), void *context)
    __attribute__((warn_unused_result));

/* Zeroed memory, aligned for any type, until arena_reset or arena_done. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((malloc, returns_nonnull));

/* Makes `wanted` bytes of the `bytes` at `memory`, which an earlier call gave: in place if it is
 * the arena's last piece, otherwise copied elsewhere.  What is new is not zeroed. NULL and 0: a new
 * piece. */
void *arena_grow(struct arena *arena, void *memory, size_t bytes, size_t wanted)
    __attribute__((returns_nonnull));

/* count * size, with the overflow checked. */
void *arena_array(struct arena *arena, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* The array `items` of `count` elements, `size` bytes each, with room for one more: itself, or a
 * larger copy if *capacity is used up.  What is new is zeroed.  NULL, 0 and 0: a new array. */
void *arena_room(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
    __attribute__((returns_nonnull));

char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *arena, const char *text, size_t bytes)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/* Makes `arena` this thread's source for cJSON; returns the one before, to be put back. */
struct arena *arena_use(struct arena *arena);

/* Points cJSON's allocator at arenas; once, before any thread starts. */
void arena_install_cjson_hooks(void);

#endif
