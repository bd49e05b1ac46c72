/* The engine's own cost: one review in process, stage by stage.
 *
 *     engine [-n ROUNDS] [-t SECONDS] [-s STAGE] POLICIES REVIEW mutate|validate
 *
 * Stages: parse (cJSON alone, into the arena: DESIGN's unit), request (the strict reading), judge
 * (and admit_review), answer (bytes to bytes).  Each contains the one before it, but parse.
 * Prints "name value" lines: the least CPU time of several runs, what the heap was asked for and
 * what lay in the arena.  With -s only that stage runs, ROUNDS times, and nothing is printed:
 *
 *     valgrind --tool=callgrind --toggle-collect=run_stage engine -n 100 -s answer policies FILE
 * mutate
 */
#include "admit/admit.h"
#include "base/limits.h"
#include "policy/load.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW 1795262400 /* 2026-11-21T12:00:00Z */

enum stage { STAGE_PARSE, STAGE_REQUEST, STAGE_JUDGE, STAGE_ANSWER, STAGE_COUNT };

static const char *const stage_names[] = {"parse", "request", "judge", "answer"};

struct bench {
    struct policy_set *set;
    struct arena arena;
    enum admit_phase phase;
    const char *body;
    size_t length;
    size_t operations, violations;
    bool allowed;
};

/* The linker sends the allocations of Proctor's own objects here (--wrap). */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static size_t allocations;

void *__wrap_malloc(size_t bytes)
{
    allocations++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    allocations++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    allocations++;
    return __real_realloc(memory, bytes);
}

static _Noreturn void fail(const char *what, const char *more)
{
    fprintf(stderr, "%s: %s\n", what, more);
    exit(2);
}

static void once(struct bench *bench, enum stage stage)
{
    struct admit_request request;
    struct verdict verdict;
    struct err err;
    struct buf answer;
    bool answered;
    int rc = 0;
    arena_reset(&bench->arena, LIMIT_ARENA_FIRST_BLOCK);
    if (stage == STAGE_PARSE) {
        arena_use(&bench->arena);
        if (cJSON_ParseWithLength(bench->body, bench->length) == NULL)
            fail("cJSON", "no JSON");
        arena_use(NULL);
        return;
    }
    if (stage == STAGE_ANSWER) {
        buf_init(&answer, &bench->arena, LIMIT_BODY_BYTES);
        rc = admit_answer(bench->set, bench->phase, bench->body, bench->length, NOW, &bench->arena,
                          &answer, &request, &verdict, &answered, &err);
    } else {
        rc = admit_request_parse(&bench->arena, bench->body, bench->length, bench->phase, &request,
                                 &err);
        if (rc == 0 && stage == STAGE_JUDGE)
            rc = admit_review(bench->set, &request, NOW, &bench->arena, &verdict, &err);
    }
    if (rc != 0)
        fail("the review", err.text);
    if (stage >= STAGE_JUDGE) {
        bench->operations = verdict.operation_count;
        bench->violations = verdict.violation_count;
        bench->allowed = verdict.allowed;
    }
}

/* Named from outside: callgrind collects here. */
__attribute__((noinline)) static void run_stage(struct bench *bench, enum stage stage, long rounds)
{
    for (long i = 0; i < rounds; i++)
        once(bench, stage);
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The least of several runs: what else the machine does only adds. */
static double measure(struct bench *bench, enum stage stage, double seconds)
{
    const int runs = 9;
    double best = 0, start;
    once(bench, stage);
    once(bench, stage);
    start = now_ns();
    once(bench, stage);
    const long rounds = (long)(seconds * 1e9 / runs / (now_ns() - start + 1)) + 1;
    for (int i = 0; i < runs; i++) {
        start = now_ns();
        run_stage(bench, stage, rounds);
        const double each = (now_ns() - start) / (double)rounds;
        best = i == 0 || each < best ? each : best;
    }
    return best;
}

/* Of one warm round. */
static void count_memory(struct bench *bench, enum stage stage)
{
    const size_t before = allocations;
    once(bench, stage);
    const size_t asked = allocations - before;
    size_t bytes = bench->arena.used_bytes - (size_t)(bench->arena.end - bench->arena.next);
    printf("%s_allocations %zu\n%s_arena_bytes %zu\n", stage_names[stage], asked,
           stage_names[stage], bytes);
}

static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail("cannot read", path);
    char *text = malloc(LIMIT_BODY_BYTES + 1);
    if (text == NULL)
        fail("no memory for", path);
    *ret_length = fread(text, 1, LIMIT_BODY_BYTES, file);
    text[*ret_length] = '\0';
    fclose(file);
    return text;
}

static struct policy_set *load(const char *path)
{
    const char *const paths[] = {path, NULL};
    const struct policy_load_options options = {.now = NOW};
    struct diagnostics diagnostics;
    struct policy_set *set;
    struct arena arena;
    struct err err;
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) != 0)
        fail(path, err.text);
    arena_done(&arena);
    return set;
}

static void print_all(struct bench *bench, double seconds)
{
    printf("bytes %zu\n", bench->length);
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        printf("%s_ns %.1f\n", stage_names[stage],
               measure(bench, (enum stage)stage, seconds / STAGE_COUNT));
        count_memory(bench, (enum stage)stage);
    }
    printf("allowed %d\noperations %zu\nviolations %zu\n", bench->allowed, bench->operations,
           bench->violations);
}

static int find_stage(const char *name)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        if (strcmp(stage_names[i], name) == 0)
            return i;
    fail("no such stage", name);
}

int main(int argc, char **argv)
{
    long rounds = 100;
    double seconds = 1;
    int only = -1, at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "-n") == 0)
            rounds = strtol(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "-t") == 0)
            seconds = strtod(argv[at + 1], NULL);
        else if (strcmp(argv[at], "-s") == 0)
            only = find_stage(argv[at + 1]);
        else
            fail("no such flag", argv[at]);
    }
    if (argc - at != 3)
        fail("usage", "engine [-n ROUNDS] [-t SECONDS] [-s STAGE] POLICIES REVIEW mutate|validate");
    arena_install_cjson_hooks();
    struct bench bench = {.set = load(argv[at]),
                          .phase =
                              strcmp(argv[at + 2], "mutate") == 0 ? ADMIT_MUTATE : ADMIT_VALIDATE};
    char *body = read_file(argv[at + 1], &bench.length);
    bench.body = body;
    arena_init(&bench.arena, LIMIT_ARENA_BYTES);
    if (only < 0)
        print_all(&bench, seconds);
    else
        run_stage(&bench, (enum stage)only, rounds);
    arena_done(&bench.arena);
    policy_set_unref(bench.set);
    free(body);
    return 0;
}
