/* A scene is some work of the programs that is done again and again, each time with another of its
 * allocations failing.  It begins and ends with nothing of its own in memory.
 *
 * What must hold each time: no crash, no leak, a clean error or the very answer that there is
 * without a failure; and nothing is allowed because of an error.
 */
#ifndef PROCTOR_TESTS_TORTURE_SCENE_H
#define PROCTOR_TESTS_TORTURE_SCENE_H

#include <stdbool.h>
#include <stddef.h>

enum scene_kind {
    SCENE_HEAP,   /* in one process, point after point */
    SCENE_ARENA,  /* the same with ever more memory in its arena instead of a failing allocation */
    SCENE_PROCESS /* a whole program's life: a process for each point */
};

struct scene {
    const char *name;
    enum scene_kind kind;
    /* Once, before anything fails: what is there without a failure.  NULL: nothing to do. */
    void (*prepare)(void);
    /* The work, between alloc_arm and alloc_disarm.  Of SCENE_ARENA: with so many bytes; returns
     * how many were used at most.  Of SCENE_PROCESS: the exit code. */
    size_t (*run)(size_t arena_bytes);
    /* Looks at what the work came to, with all memory there is; scene_broken if it is wrong. */
    void (*judge)(void);
    size_t step; /* SCENE_ARENA: bytes from point to point */
};

extern const struct scene scenes_engine[], scenes_recorder[], scenes_server[];

/* Says what does not hold, and ends the process. */
_Noreturn void scene_broken(const char *property, const char *more);

/* A whole file on the heap, NUL-terminated. */
char *scene_read(const char *path, size_t *ret_length);

/* A folder for what a scene leaves behind; removed by whoever runs all. */
const char *scene_folder(void);

#endif
