/* The engine's own cost: what one review takes in process, as a multiple of one arena cJSON parse
 * of the same body, which is DESIGN's unit.
 *
 *     engine [-n ROUNDS] [-s STAGE] POLICIES REVIEW...
 *
 * Stages: parse (cJSON alone), request (the strict reading), judge (admit_review), answer (all,
 * bytes to bytes).  The phase is the file's, by its name (.mutating.json, .validating.json).
 * With -s only that stage runs, for callgrind:
 *
 *     valgrind --tool=callgrind --toggle-collect=run_stage engine -n 100 -s answer policies FILE
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
    const struct policy_set *set;
    struct arena arena;
    enum admit_phase phase;
    const char *body;
    size_t length;
    size_t operations, violations;
};

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
static double measure(struct bench *bench, enum stage stage, long rounds)
{
    double best = 0;
    run_stage(bench, stage, rounds / 10 + 1);
    for (int i = 0; i < 7; i++) {
        const double start = now_ns();
        run_stage(bench, stage, rounds);
        const double each = (now_ns() - start) / (double)rounds;
        best = i == 0 || each < best ? each : best;
    }
    return best;
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

static void run_file(struct bench *bench, const char *path, long rounds, int only)
{
    const char *slash = strrchr(path, '/');
    char *body = read_file(path, &bench->length);
    bench->body = body;
    bench->phase = strstr(path, ".mutating.") != NULL ? ADMIT_MUTATE : ADMIT_VALIDATE;
    if (only >= 0) {
        run_stage(bench, (enum stage)only, rounds);
        free(body);
        return;
    }
    double ns[STAGE_COUNT];
    for (int stage = 0; stage < STAGE_COUNT; stage++)
        ns[stage] = measure(bench, (enum stage)stage, rounds);
    printf("%-52.52s %6zu B  parse %6.0f ns  request %4.2f  judge %4.2f  answer %4.2f x"
           "  %zu ops, %zu violations\n",
           slash != NULL ? slash + 1 : path, bench->length, ns[STAGE_PARSE],
           ns[STAGE_REQUEST] / ns[STAGE_PARSE],
           (ns[STAGE_JUDGE] - ns[STAGE_REQUEST]) / ns[STAGE_PARSE],
           ns[STAGE_ANSWER] / ns[STAGE_PARSE], bench->operations, bench->violations);
    free(body);
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
    long rounds = 2000;
    int only = -1, at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "-n") == 0)
            rounds = strtol(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "-s") == 0)
            only = find_stage(argv[at + 1]);
        else
            fail("no such flag", argv[at]);
    }
    if (argc - at < 2)
        fail("usage", "engine [-n ROUNDS] [-s STAGE] POLICIES REVIEW...");
    arena_install_cjson_hooks();
    struct bench bench = {.set = load(argv[at])};
    arena_init(&bench.arena, LIMIT_ARENA_BYTES);
    for (int i = at + 1; i < argc; i++)
        run_file(&bench, argv[i], rounds, only);
    arena_done(&bench.arena);
    return 0;
}
