#include "base/arena.h"

#include "base/limits.h"

#include <cjson/cJSON.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* Under AddressSanitizer free bytes are poisoned and pieces stand apart: to it a block alone is
 * one piece of memory, and a step from one review's text into the next would go unseen. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define GAP_BYTES               alignof(max_align_t)
#define hide_bytes(at, bytes)   __asan_poison_memory_region(at, bytes)
#define reveal_bytes(at, bytes) __asan_unpoison_memory_region(at, bytes)
#else
#define GAP_BYTES               0
#define hide_bytes(at, bytes)   ((void)(at), (void)(bytes))
#define reveal_bytes(at, bytes) ((void)(at), (void)(bytes))
#endif

/* A Deployment of 5 KB that is mended in twelve places needs 70 KiB; from 128 on malloc would
 * map and unmap pages. */
#define FIRST_BLOCK_BYTES (96UL * 1024UL)

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of data[] */
    max_align_t data[];
};

static _Thread_local struct arena *current_arena;

void arena_init(struct arena *arena, size_t cap_bytes)
{
    *arena = (struct arena){.cap_bytes = cap_bytes};
}

void arena_init_small(struct arena *arena, size_t cap_bytes, size_t first_bytes)
{
    *arena = (struct arena){.cap_bytes = cap_bytes, .first_bytes = first_bytes};
}

static void free_after(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        reveal_bytes(block->data, block->bytes);
        free(block);
        block = next;
    }
}

static void start_on(struct arena *arena, struct arena_block *block)
{
    arena->current = block;
    arena->next = block != NULL ? (char *)block->data : NULL;
    arena->end = block != NULL ? arena->next + block->bytes : NULL;
    if (block != NULL)
        hide_bytes(block->data, block->bytes);
}

void arena_reset(struct arena *arena, size_t keep_bytes)
{
    struct arena_block *first = arena->first;
    if (first == NULL || first->bytes > keep_bytes) {
        arena_done(arena);
        return;
    }
    free_after(first->next);
    first->next = NULL;
    arena->used_bytes = first->bytes;
    start_on(arena, first);
}

void arena_done(struct arena *arena)
{
    free_after(arena->first);
    arena_init_small(arena, arena->cap_bytes, arena->first_bytes);
}

bool arena_try(struct arena *arena, void (*work)(void *context), void *context)
{
    jmp_buf here;
    jmp_buf *volatile outer = arena->recovery;
    struct arena *volatile outer_use = current_arena;
    arena->recovery = &here;
    bool finished = setjmp(here) == 0;
    if (finished)
        work(context);
    else
        current_arena = outer_use;
    arena->recovery = outer;
    return finished;
}

static _Noreturn void run_out(struct arena *arena)
{
    if (arena->recovery != NULL)
        longjmp(*arena->recovery, 1);
    fputs("proctor: out of memory\n", stderr);
    abort();
}

/* Each block doubles what there is, so that a large object costs few mallocs. */
static void add_block(struct arena *arena, size_t bytes)
{
    const size_t least = arena->first_bytes > 0 ? arena->first_bytes : FIRST_BLOCK_BYTES;
    size_t want = arena->used_bytes;
    if (want < least)
        want = least;
    if (want > 4 * LIMIT_MIB)
        want = 4 * LIMIT_MIB;
    size_t left = arena->cap_bytes - arena->used_bytes;
    if (want > left)
        want = left;
    if (want < bytes)
        want = bytes;
    if (want > left)
        run_out(arena);
    struct arena_block *block = malloc(sizeof *block + want);
    if (block == NULL)
        run_out(arena);
    block->next = NULL;
    block->bytes = want;
    if (arena->first == NULL)
        arena->first = block;
    else
        arena->current->next = block;
    arena->used_bytes += want;
    start_on(arena, block);
}

static size_t aligned(size_t bytes)
{
    const size_t align = alignof(max_align_t);
    return (bytes + align - 1) & ~(align - 1);
}

/* Returns how many bytes it takes with its alignment. */
static size_t make_room(struct arena *arena, size_t bytes)
{
    if (bytes > arena->cap_bytes)
        run_out(arena);
    size_t whole = bytes > 0 ? aligned(bytes) : alignof(max_align_t);
    if (whole + GAP_BYTES <= arena->cap_bytes)
        whole += GAP_BYTES;
    if (arena->next == NULL || whole > (size_t)(arena->end - arena->next))
        add_block(arena, whole);
    return whole;
}

static inline void *take(struct arena *arena, size_t bytes)
{
    const size_t room = (size_t)(arena->end - arena->next);
    size_t whole = aligned(bytes) + GAP_BYTES;
    if (bytes == 0 || bytes > room || whole > room)
        whole = make_room(arena, bytes);
    void *memory = arena->next;
    arena->next += whole;
    reveal_bytes(memory, bytes);
    return memory;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    return memset(take(arena, bytes), 0, bytes);
}

void *arena_grow(struct arena *arena, void *memory, size_t bytes, size_t wanted)
{
    char *end = memory != NULL ? (char *)memory + aligned(bytes) + GAP_BYTES : NULL;
    if (end != NULL && end == arena->next && wanted >= bytes && wanted <= arena->cap_bytes &&
        aligned(wanted) - aligned(bytes) <= (size_t)(arena->end - end)) {
        arena->next = (char *)memory + aligned(wanted) + GAP_BYTES;
        reveal_bytes(memory, wanted);
        return memory;
    }
    void *grown = take(arena, wanted);
    if (memory != NULL)
        memcpy(grown, memory, bytes < wanted ? bytes : wanted);
    return grown;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        run_out(arena);
    return arena_alloc(arena, bytes);
}

void *arena_room(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted;
    if (__builtin_mul_overflow(*capacity, 2, &wanted))
        run_out(arena);
    wanted += 8;
    void *grown = arena_array(arena, wanted, size);
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = wanted;
    return grown;
}

char *arena_strndup(struct arena *arena, const char *text, size_t bytes)
{
    char *copy = take(arena, bytes + 1);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    char brief[256]; /* mostly it fits, and is formatted once */
    int length = vsnprintf(brief, sizeof brief, format, args);
    va_end(args);
    size_t bytes = length < 0 ? 0 : (size_t)length;
    char *text = take(arena, bytes + 1);
    text[0] = '\0';
    if (bytes < sizeof brief)
        memcpy(text, brief, bytes + 1);
    else
        vsnprintf(text, bytes + 1, format, again);
    va_end(again);
    return text;
}

struct arena *arena_use(struct arena *arena)
{
    struct arena *before = current_arena;
    current_arena = arena;
    return before;
}

/* Outside any arena cJSON falls back to the heap (tools that build a document by hand). */
static void *cjson_alloc(size_t bytes)
{
    return current_arena != NULL ? take(current_arena, bytes) : malloc(bytes);
}

static void cjson_free(void *memory)
{
    if (current_arena == NULL)
        free(memory);
}

void arena_install_cjson_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = cjson_alloc, .free_fn = cjson_free};
    cJSON_InitHooks(&hooks);
}
