/* The store alone, on SQLite: what an import writes, and how long a page of the history takes.
 *
 *     history import FILE SECONDS     Deployments of ten old versions and a current one, each in
 * one store_commit, as the first sight of a Deployment is history query FILE PROJECT SECONDS pages
 * of a project: the newest, one in the middle, some chosen
 *
 * Prints "name value" lines; times are in nanoseconds.  CPU is the process's.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "history/store.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMESPACE   "hydrosim-students"
#define OLD_SETS    10 /* revisionHistoryLimit, if nobody says otherwise */
#define PAGE        50
#define TIMES_MAX   200000
#define ASKINGS_MIN 20

static _Noreturn void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "history: %s: %s\n", what, err != NULL ? err->text : "");
    exit(2);
}

static int64_t time_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct store *open_store(const char *path)
{
    struct err err;
    struct store *store = NULL;
    bool leads = false;
    if (store_open(&(struct store_options){.url = path}, &store, &err) != 0 ||
        store_lead(store, &leads, &err) != 0)
        fail("the store", &err);
    return store;
}

/* ---- Import ----------------------------------------------------------------------------- */

struct version {
    struct revision row;
    char json[4096], sha[DIGEST_HEX_BYTES], set[64], set_uid[64], uid[64];
};

/* As large as a student's pod template is. */
static void write_template(struct version *version, long project, int number)
{
    snprintf(version->json, sizeof version->json,
             "{\"metadata\":{\"labels\":{\"app\":\"student-%ld\"}},\"spec\":{\"containers\":[{"
             "\"env\":[{\"name\":\"VERSION\",\"value\":\"v%d\"},{\"name\":\"DATABASE_URL\","
             "\"valueFrom\":{\"secretKeyRef\":{\"key\":\"url\",\"name\":\"student-%ld\"}}}],"
             "\"image\":\"registry.hydrosim.edu/student-%ld:v%d\",\"livenessProbe\":{\"httpGet\":{"
             "\"path\":\"/healthz\",\"port\":8080},\"periodSeconds\":10},\"name\":\"app\","
             "\"ports\":[{\"containerPort\":8080,\"protocol\":\"TCP\"}],\"readinessProbe\":{"
             "\"httpGet\":{\"path\":\"/readyz\",\"port\":8080},\"periodSeconds\":5},\"resources\":{"
             "\"limits\":{\"cpu\":\"500m\",\"memory\":\"256Mi\"},\"requests\":{\"cpu\":\"100m\","
             "\"memory\":\"128Mi\"}},\"securityContext\":{\"allowPrivilegeEscalation\":false,"
             "\"capabilities\":{\"drop\":[\"ALL\"]},\"readOnlyRootFilesystem\":true}}],"
             "\"securityContext\":{\"runAsNonRoot\":true,\"runAsUser\":1000},"
             "\"terminationGracePeriodSeconds\":45}}",
             project, number, project, project, number);
    if (!digest_sha256(version->json, strlen(version->json), version->sha))
        fail("a digest", NULL);
}

static void make_version(struct version *version, long project, int number)
{
    const bool is_current = number == OLD_SETS + 1;
    write_template(version, project, number);
    snprintf(version->set, sizeof version->set, "student-%ld-%010d", project, number);
    snprintf(version->set_uid, sizeof version->set_uid, "%08ld-0000-4000-8000-%012d", project,
             number);
    snprintf(version->uid, sizeof version->uid, "%08ld-0000-4000-8000-000000000000", project);
    version->row = (struct revision){
        .seq = number,
        .uid = version->uid,
        .template_sha = version->sha,
        .rs_name = version->set,
        .rs_uid = version->set_uid,
        .k8s_revision = number,
        .actor_user = "unknown (imported)",
        .origin = REVISION_IMPORT,
        .status = is_current ? REVISION_IN_PROGRESS : REVISION_SUPERSEDED,
        .reason = is_current ? NULL : "Imported",
        .message = is_current ? NULL : "found as a ReplicaSet; how it ended is not known",
        .started_at = clock_unix_us(),
        .memory = is_current ? "{\"current\":\"1\"}" : NULL,
    };
}

struct cost {
    int64_t wall_ns, cpu_ns;
};

/* All of a Deployment, in one step; only the store's part is counted. */
static void import_deployment(struct store *store, long number, struct cost *cost)
{
    static struct version versions[OLD_SETS + 1];
    struct machine_effect effects[OLD_SETS + 2];
    struct store_template templates[OLD_SETS + 1];
    char name[64];
    int64_t project, ids[OLD_SETS + 2];
    struct err err;
    snprintf(name, sizeof name, "student-%ld", number);
    for (int i = 0; i <= OLD_SETS; i++) {
        make_version(&versions[i], number, i + 1);
        templates[i] = (struct store_template){versions[i].sha, versions[i].json};
        effects[i] = (struct machine_effect){.kind = MACHINE_INSERT, .revision = &versions[i].row};
    }
    effects[OLD_SETS + 1] = (struct machine_effect){.kind = MACHINE_EVENT,
                                                    .revision = &versions[OLD_SETS].row,
                                                    .event_type = "deployment_started",
                                                    .event_message = "version 11 is stored",
                                                    .at = versions[OLD_SETS].row.started_at};
    const int64_t from = time_ns(CLOCK_MONOTONIC), cpu = time_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (store_project(store, NAMESPACE, name, &project, &err) != 0 ||
        store_commit(store, project, effects, OLD_SETS + 2, templates, OLD_SETS + 1, NULL, ids,
                     &err) != 0)
        fail("an import", &err);
    cost->wall_ns += time_ns(CLOCK_MONOTONIC) - from;
    cost->cpu_ns += time_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

static int import(const char *path, double seconds)
{
    struct store *store = open_store(path);
    struct cost cost = {0};
    struct err err;
    long count = 0;
    store_hurry(store);
    do
        import_deployment(store, ++count, &cost);
    while ((double)cost.wall_ns < seconds * 1e9);
    const int64_t from = time_ns(CLOCK_MONOTONIC);
    if (store_hurry_end(store, &err) != 0)
        fail("the end of an import", &err);
    cost.wall_ns += time_ns(CLOCK_MONOTONIC) - from;
    const double revisions = (double)count * (OLD_SETS + 1);
    printf("revisions %.0f\nrate %.1f\ncpu_per_revision_ns %.0f\ncommit_ns %.0f\n", revisions,
           revisions * 1e9 / (double)cost.wall_ns, (double)cost.cpu_ns / revisions,
           (double)cost.wall_ns / (double)count);
    store_close(store);
    return 0;
}

/* ---- Query ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static void measure(struct store *store, const char *name, const struct store_query *query,
                    double seconds)
{
    static int64_t times[TIMES_MAX];
    struct arena arena;
    struct revision *rows;
    struct err err;
    size_t count = 0, got = 0;
    arena_init(&arena, 64 * LIMIT_MIB);
    const int64_t cpu = time_ns(CLOCK_PROCESS_CPUTIME_ID);
    const int64_t until = time_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);
    while (count < TIMES_MAX && (count < ASKINGS_MIN || time_ns(CLOCK_MONOTONIC) < until)) {
        const int64_t from = time_ns(CLOCK_MONOTONIC);
        if (store_revisions(store, &arena, query, &rows, &got, &err) != 0)
            fail(name, &err);
        times[count++] = time_ns(CLOCK_MONOTONIC) - from;
        arena_reset(&arena, 256UL * 1024UL);
    }
    const double used = (double)(time_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    qsort(times, count, sizeof *times, compare);
    printf("%s_rows %zu\n%s_p50_ns %lld\n%s_p99_ns %lld\n%s_cpu_ns %.0f\n", name, got, name,
           (long long)times[count / 2], name, (long long)times[count * 99 / 100], name,
           used / (double)count);
    arena_done(&arena);
}

static int query(const char *path, const char *project, double seconds)
{
    struct store *store = open_store(path);
    struct store_query ask = {.status = -1, .good = -1, .brief = true, .limit = PAGE};
    struct store_project_row row;
    struct arena arena;
    struct err err;
    arena_init(&arena, LIMIT_MIB);
    if (store_project_find(store, &arena, NAMESPACE, project, &row, &err) != 0)
        fail(project, &err);
    ask.project = row.id;
    measure(store, "newest", &ask, seconds / 5);
    struct store_query deep = ask, failed = ask, person = ask, none = ask;
    deep.before_seq = 1000;
    measure(store, "deep", &deep, seconds / 5);
    failed.status = REVISION_FAILED;
    measure(store, "status", &failed, seconds / 5);
    person.actor = "teacher";
    measure(store, "actor", &person, seconds / 5);
    none.status = REVISION_FAILED; /* all of them are bad */
    none.good = REVISION_GOOD_YES;
    measure(store, "none", &none, seconds / 5);
    arena_done(&arena);
    store_close(store);
    return 0;
}

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, 256 * 1024); /* as the recorder's main does */
    mallopt(M_ARENA_MAX, 4);
    arena_install_cjson_hooks();
    if (argc == 4 && strcmp(argv[1], "import") == 0)
        return import(argv[2], strtod(argv[3], NULL));
    if (argc == 5 && strcmp(argv[1], "query") == 0)
        return query(argv[2], argv[3], strtod(argv[4], NULL));
    fprintf(stderr, "history import FILE SECONDS | history query FILE PROJECT SECONDS\n");
    return 2;
}
