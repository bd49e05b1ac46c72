#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "tests/unit/test.h"

#include <stdalign.h>
#include <stdint.h>

TEST(arena_gives_zeroed_aligned_memory)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    for (size_t bytes = 0; bytes < 300; bytes++) {
        unsigned char *memory = arena_alloc(&arena, bytes);
        CHECK((uintptr_t)memory % alignof(max_align_t) == 0);
        for (size_t i = 0; i < bytes; i++)
            CHECK(memory[i] == 0);
        memset(memory, 0xee, bytes);
    }
    /* What was used before comes back zeroed. */
    arena_reset(&arena, LIMIT_MIB);
    const unsigned char *again = arena_alloc(&arena, 1000);
    for (size_t i = 0; i < 1000; i++)
        CHECK(again[i] == 0);
    arena_done(&arena);
}

TEST(arena_copies_texts)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    CHECK_STRING(arena_strdup(&arena, "abc"), "abc");
    CHECK_STRING(arena_strndup(&arena, "abcdef", 3), "abc");
    CHECK_STRING(arena_strndup(&arena, "", 0), "");
    CHECK_STRING(arena_printf(&arena, "%d %s", 7, "words"), "7 words");
    arena_done(&arena);
}

TEST(arena_reset_keeps_a_small_first_block_only)
{
    struct arena arena;
    arena_init(&arena, 16 * LIMIT_MIB);
    arena_alloc(&arena, 100);
    const void *first = arena.first;
    arena_alloc(&arena, LIMIT_MIB);
    arena_reset(&arena, LIMIT_MIB);
    CHECK(arena.first == first && arena.used_bytes < LIMIT_MIB);
    arena_reset(&arena, 10);
    CHECK(arena.first == NULL && arena.used_bytes == 0);
    arena_alloc(&arena, 100);
    arena_done(&arena);
    arena_done(&arena);
}

TEST(a_small_arena_begins_small_and_grows_as_others)
{
    struct arena arena;
    arena_init_small(&arena, LIMIT_MIB, 1024);
    arena_alloc(&arena, 100);
    CHECK_INT(arena.used_bytes, 1024);
    arena_alloc(&arena, 1000);
    CHECK_INT(arena.used_bytes, 2048);
    arena_alloc(&arena, 1500);
    CHECK_INT(arena.used_bytes, 4096);
    arena_done(&arena);
    CHECK_INT(arena.used_bytes, 0);
    arena_alloc(&arena, 100);
    CHECK_INT(arena.used_bytes, 1024);
    arena_done(&arena);
}

struct job {
    struct arena *arena;
    size_t bytes, count, size;
    size_t done;
    bool nested_finished;
};

static void take_all(void *context)
{
    struct job *job = context;
    while (true) {
        arena_alloc(job->arena, job->bytes);
        job->done++;
    }
}

static void take_one(void *context)
{
    struct job *job = context;
    arena_array(job->arena, job->count, job->size);
    job->done++;
}

static void nest(void *context)
{
    struct job *job = context;
    job->nested_finished = arena_try(job->arena, take_all, job);
    job->bytes = SIZE_MAX / 2;
    take_all(job);
}

TEST(arena_try_ends_where_the_cap_is)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    struct job job = {.arena = &arena, .bytes = 1024};
    CHECK(!arena_try(&arena, take_all, &job));
    /* The last of a block may be lost, more may not. */
    CHECK(job.done > 900 && job.done <= 1024);
    CHECK(arena.used_bytes <= LIMIT_MIB);
    CHECK(arena.recovery == NULL);
    arena_done(&arena);
}

TEST(arena_try_refuses_products_that_overflow)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    struct job job = {.arena = &arena, .count = SIZE_MAX / 2, .size = 4};
    CHECK(!arena_try(&arena, take_one, &job));
    job.count = SIZE_MAX;
    job.size = 1;
    CHECK(!arena_try(&arena, take_one, &job));
    job.count = LIMIT_MIB;
    CHECK(arena_try(&arena, take_one, &job));
    CHECK_INT(job.done, 1);
    arena_reset(&arena, 0);
    job.count = LIMIT_MIB + 1;
    CHECK(!arena_try(&arena, take_one, &job));
    arena_done(&arena);
}

static void grow_one(void *context)
{
    const struct job *job = context;
    arena_grow(job->arena, arena_alloc(job->arena, 16), 16, job->bytes);
}

TEST(arena_grow_keeps_what_is_there)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    char *text = arena_grow(&arena, NULL, 0, 10);
    memcpy(text, "123456789", 10);
    char *longer = arena_grow(&arena, text, 10, 1000);
    CHECK(longer == text); /* it was the last piece */
    char *other = arena_alloc(&arena, 1);
    char *longest = arena_grow(&arena, longer, 1000, 2000);
    CHECK(longest != longer && longest != other);
    CHECK(strcmp(longest, "123456789") == 0);
    memset(longest, 'x', 2000);
    char *next = arena_alloc(&arena, 16);
    CHECK(next >= longest + 2000);
    /* Past the block's end it moves, and the arena's cap holds. */
    char *large = arena_grow(&arena, next, 16, 100000);
    memset(large, 'y', 100000);
    struct job job = {.arena = &arena, .bytes = LIMIT_MIB};
    CHECK(!arena_try(&arena, grow_one, &job));
    arena_done(&arena);
}

static void make_room(void *context)
{
    struct job *job = context;
    arena_room(job->arena, NULL, 0, &job->count, job->size);
}

TEST(arena_room_keeps_what_is_there)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    int64_t *numbers = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        numbers = arena_room(&arena, numbers, i, &capacity, sizeof *numbers);
        CHECK(capacity > i);
        CHECK_INT(numbers[i], 0);
        numbers[i] = (int64_t)i + 1;
    }
    CHECK(capacity < 4000);
    for (size_t i = 0; i < 1000; i++)
        CHECK_INT(numbers[i], i + 1);
    struct job job = {.arena = &arena, .size = SIZE_MAX / 4};
    CHECK(!arena_try(&arena, make_room, &job));
    CHECK_INT(job.count, 0);
    arena_done(&arena);
}

TEST(arena_try_nests)
{
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    struct job job = {.arena = &arena, .bytes = 1000, .nested_finished = true};
    CHECK(!arena_try(&arena, nest, &job));
    CHECK(!job.nested_finished && job.bytes == SIZE_MAX / 2);
    arena_done(&arena);
}

TEST(arena_feeds_cjson)
{
    struct arena arena, other;
    arena_install_cjson_hooks();
    arena_init(&arena, LIMIT_MIB);
    arena_init(&other, LIMIT_MIB);
    struct arena *before = arena_use(&arena);
    CHECK(arena_use(&other) == &arena);
    CHECK(arena_use(&arena) == &other);
    const cJSON *root = cJSON_Parse("{\"a\":[1,2]}");
    CHECK(root != NULL && arena.used_bytes > 0 && other.used_bytes == 0);
    arena_use(before);
    cJSON *heap = cJSON_Parse("[1]");
    cJSON_Delete(heap);
    arena_done(&arena);
}

TEST_MAIN
