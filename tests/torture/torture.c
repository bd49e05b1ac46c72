/* make torture: every allocation of every scene fails once.
 *
 *     torture SCENE [POINT]        a scene, or one point of it; a row: points that there are, that
 *                                  were tried, where an allocation failed, where a library was
 *                                  excused, findings
 *     torture                      the names of all scenes
 *
 * POINTS bounds how many of a scene's points are tried, evenly chosen; 0: all.  Each scene runs in
 * a process of its own; one that dies is begun again behind the point where it did.
 */
#include "tests/torture/alloc.h"
#include "tests/torture/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FINDINGS_MAX 10U

/* What the process of a scene tells as it goes. */
struct progress {
    size_t points; /* that there are */
    size_t tried, failed, excused;
    size_t at; /* the one under way */
    bool done;
};

static struct progress *progress;
static size_t points_max;
static const char *program;

_Noreturn void scene_broken(const char *property, const char *more)
{
    alloc_disarm();
    fprintf(stderr, "property broken: %s\n  %s\n", property, more != NULL ? more : "");
    _exit(3);
}

char *scene_read(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    size_t length = 0, room = 1 << 20;
    char *text = malloc(room);
    if (file == NULL || text == NULL)
        scene_broken("the scene has its files", path);
    length = fread(text, 1, room - 1, file);
    fclose(file);
    text[length] = '\0';
    if (ret_length != NULL)
        *ret_length = length;
    return text;
}

const char *scene_folder(void)
{
    const char *folder = getenv("TORTURE_DIR");
    return folder != NULL ? folder : "/tmp";
}

/* ---- in a process of the scene ---------------------------------------------------------- */

static size_t stride_of(size_t points)
{
    return points_max == 0 || points <= points_max ? 1 : (points + points_max - 1) / points_max;
}

static void try_heap(const struct scene *scene, size_t point)
{
    const long before = alloc_live();
    alloc_arm(point);
    scene->run(0);
    const size_t count = alloc_disarm();
    scene->judge();
    if (count >= point && alloc_live() > before)
        scene_broken("nothing leaks", "more is in use than before");
    progress->failed += count >= point && !alloc_excused();
    progress->excused += alloc_excused();
}

static void run_heap(const struct scene *scene, size_t from, size_t only)
{
    /* Twice without a failure: what a process makes once for ever is there then. */
    for (int i = 0; i < 2; i++) {
        alloc_arm(0);
        scene->run(0);
        progress->points = alloc_disarm();
        scene->judge();
    }
    const size_t stride = stride_of(progress->points);
    for (size_t point = only != 0 ? only : from; point <= progress->points; point += stride) {
        progress->at = point;
        try_heap(scene, point);
        progress->tried++;
        if (only != 0)
            return;
    }
}

static void run_arena(const struct scene *scene, size_t from, size_t only)
{
    const size_t most = scene->run((size_t)64 << 20);
    scene->judge();
    progress->points = most / scene->step + 1;
    const size_t stride = stride_of(progress->points);
    for (size_t point = only != 0 ? only : from; point <= progress->points; point += stride) {
        const long before = alloc_live();
        progress->at = point;
        scene->run(point * scene->step);
        scene->judge();
        if (alloc_live() > before)
            scene_broken("nothing leaks", "more is in use than before");
        progress->tried++;
        progress->failed++;
        if (only != 0)
            return;
    }
}

static int run_process(const struct scene *scene, size_t point)
{
    alloc_arm(point);
    const size_t code = scene->run(0);
    progress->points = alloc_disarm();
    progress->failed += progress->points >= point && !alloc_excused();
    progress->excused += alloc_excused();
    return (int)code;
}

/* ---- around it -------------------------------------------------------------------------- */

static int wait_for(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int in_child(const struct scene *scene, size_t from, size_t only)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child < 0)
        scene_broken("there are processes", "");
    if (child > 0)
        return wait_for(child);
    if (scene->prepare != NULL)
        scene->prepare();
    if (scene->kind == SCENE_PROCESS)
        exit(run_process(scene, only));
    if (scene->kind == SCENE_HEAP)
        run_heap(scene, from, only);
    else
        run_arena(scene, from, only);
    progress->done = true;
    exit(0);
}

static void tell(const struct scene *scene, int code)
{
    printf("  %s, point %zu: code %d; again: %s %s %zu\n", scene->name, progress->at, code, program,
           scene->name, progress->at);
}

static size_t torture_in_one(const struct scene *scene, size_t only)
{
    size_t findings = 0, from = 1;
    while (findings < FINDINGS_MAX) {
        progress->at = 0;
        const int code = in_child(scene, from, only);
        if (code == 0 && progress->done)
            return findings;
        findings++;
        tell(scene, code);
        if (only != 0 || progress->at == 0)
            return findings;
        from = progress->at + stride_of(progress->points);
    }
    return findings;
}

/* 0 and 2 are a program's ends: it served, or it said why not. */
static bool is_clean(int code)
{
    return code == 0 || code == 2;
}

static size_t torture_processes(const struct scene *scene, size_t only)
{
    size_t findings = 0;
    progress->at = 0;
    if (only == 0 && in_child(scene, 0, 0) != 0) {
        tell(scene, -1);
        return 1;
    }
    const size_t points = only != 0 ? only : progress->points, stride = stride_of(points);
    for (size_t point = only != 0 ? only : 1; point <= points && findings < FINDINGS_MAX;
         point += stride) {
        progress->at = point;
        const int code = in_child(scene, 0, point);
        progress->tried++;
        if (!is_clean(code)) {
            findings++;
            tell(scene, code);
        }
    }
    progress->points = points;
    return findings;
}

static bool torture(const struct scene *scene, size_t only)
{
    memset(progress, 0, sizeof *progress);
    const size_t findings =
        scene->kind == SCENE_PROCESS ? torture_processes(scene, only) : torture_in_one(scene, only);
    printf("%-16s %8zu %8zu %8zu %8zu %9zu\n", scene->name, progress->points, progress->tried,
           progress->failed, progress->excused, findings);
    fflush(stdout);
    return findings == 0;
}

int main(int argc, char **argv)
{
    static const struct scene *const all[] = {scenes_engine, scenes_recorder, scenes_server};
    const char *points = getenv("POINTS");
    program = argv[0];
    points_max = points != NULL ? (size_t)strtoul(points, NULL, 10) : 0;
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (const struct scene *scene = all[i]; scene->name != NULL; scene++) {
            if (argc < 2)
                puts(scene->name);
            else if (strcmp(argv[1], scene->name) == 0)
                return !torture(scene, argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0);
        }
    }
    return argc >= 2;
}
