#include "tests/torture/alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *memory, size_t bytes);
void REAL(free)(void *memory);

static atomic_size_t counted, fails_at;
static atomic_bool counts, excused;
static atomic_long live;

/* A new thread's first allocations are AddressSanitizer's: without them it ends the process. */
static _Thread_local bool is_ours;

void alloc_arm(size_t n)
{
    is_ours = true;
    atomic_store(&counted, 0);
    atomic_store(&fails_at, n);
    atomic_store(&excused, false);
    atomic_store(&counts, true);
}

size_t alloc_disarm(void)
{
    atomic_store(&counts, false);
    return atomic_load(&counted);
}

long alloc_live(void)
{
    return atomic_load(&live);
}

bool alloc_excused(void)
{
    return atomic_load(&excused);
}

/* Libraries that use memory without looking whether they got it, or end the process themselves:
 * nothing of ours can mend that.
 * (Not inlined: malloc is called before AddressSanitizer can look after a stack frame.)
 * libtasn1 4.19: asn1_create_element writes through what _asn1_add_static_node returns.
 * GMP 6.2: its allocator aborts, as its functions have no way to fail. */
__attribute__((noinline)) static bool is_excused(void *caller)
{
    static const char *const libraries[] = {"libtasn1.so", "libgmp.so"};
    Dl_info info;
    if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
        return false;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        if (strstr(info.dli_fname, libraries[i]) != NULL)
            return true;
    }
    return false;
}

static bool fails(void *caller)
{
    if (!is_ours || !atomic_load(&counts) ||
        atomic_fetch_add(&counted, 1) + 1 != atomic_load(&fails_at))
        return false;
    if (is_excused(caller)) {
        atomic_store(&excused, true);
        return false;
    }
    errno = ENOMEM;
    return true;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the system's are reserved */

static void *given(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add(&live, 1);
    return memory;
}

void *malloc(size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : given(REAL(malloc)(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : given(REAL(calloc)(count, bytes));
}

void *realloc(void *memory, size_t bytes)
{
    if (fails(__builtin_return_address(0)))
        return NULL;
    void *moved = REAL(realloc)(memory, bytes);
    if (memory == NULL)
        return given(moved);
    if (moved == NULL && bytes == 0)
        atomic_fetch_sub(&live, 1);
    return moved;
}

void free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&live, 1);
    REAL(free)(memory);
}

/* AddressSanitizer's own would not ask malloc. */
char *strndup(const char *text, size_t most)
{
    const size_t length = strnlen(text, most);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

/* ---- threads ---------------------------------------------------------------------------- */

struct start {
    void *(*routine)(void *argument);
    void *argument;
};

static void *run_ours(void *context)
{
    const struct start start = *(struct start *)context;
    REAL(free)(context);
    is_ours = true;
    return start.routine(start.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*routine)(void *argument), void *argument)
{
    typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    create *next;
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    struct start *start = REAL(malloc)(sizeof *start);
    *start = (struct start){routine, argument};
    const int code = next(thread, attributes, run_ours, start);
    if (code != 0)
        REAL(free)(start);
    return code;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
