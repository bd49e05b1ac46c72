/* A small model of what runs a Deployment: the deployment controller (sync, scaling, status and
 * conditions as in pkg/controller/deployment: progress.go, recreate.go, rolling.go, sync.go), the
 * ReplicaSet controller, and kubelets whose pods do as their template says.  Each world_... call is
 * one small step of one of them; nothing happens by itself.
 */
#ifndef PROCTOR_TEST_WORLD_H
#define PROCTOR_TEST_WORLD_H

#include "history/view.h"
#include "tests/unit/test.h"

#define WORLD_SETS      16
#define WORLD_PODS      24
#define WORLD_NAMES     512
#define WORLD_TEMPLATES 6
#define WORLD_DEADLINE  20 /* seconds */
#define SECOND          ((int64_t)1000000)

/* What pods of a template do. */
enum world_fate { FATE_RUNS, FATE_NO_IMAGE, FATE_CRASHES, FATE_NO_CONFIG, FATE_NEVER_READY };
static const enum world_fate world_fates[WORLD_TEMPLATES] = {
    FATE_RUNS, FATE_RUNS, FATE_NO_IMAGE, FATE_CRASHES, FATE_NO_CONFIG, FATE_NEVER_READY};

enum world_reason {
    REASON_NONE,
    REASON_NEW,
    REASON_UPDATED,
    REASON_AVAILABLE,
    REASON_TIMED_OUT,
    REASON_PAUSED,
    REASON_RESUMED
};

struct world_condition {
    enum world_reason reason;
    int set; /* that its message names; -1: the Deployment */
    int update;
    int64_t at;
};

struct world_deployment {
    bool exists, paused, recreate;
    int uid, template, replicas, history_id, revision;
    int64_t generation, observed;
    int updated, total, available;
    struct world_condition condition;
};

struct world_set {
    int id, owner, template, replicas, created, ready, revision;
    int64_t created_at;
};

struct world_pod {
    int id, set;
    bool ready, deleting, started;
    int restarts;
};

/* What one watch shows at a moment. */
struct world_sets {
    size_t count;
    struct world_set sets[WORLD_SETS];
};
struct world_pods {
    size_t count;
    struct world_pod pods[WORLD_PODS];
};

struct world {
    int64_t now;
    int next_uid, next_set, next_pod, next_update;
    struct world_deployment deployment;
    struct world_sets sets;
    struct world_pods pods;
};

static const char *const world_shas[WORLD_TEMPLATES + 1] = {
    "t0", "t1", "t2", "t3", "t4", "t5", "t-before-policy"};
static char world_names[4][WORLD_NAMES][16]; /* u1, s1, p1, h1: of uids, sets, pods, history-ids */
static char world_messages[2][WORLD_NAMES][64];

static void world_name_all(void)
{
    static const char kinds[4] = {'u', 's', 'p', 'h'};
    for (int i = 0; i < WORLD_NAMES; i++) {
        for (int kind = 0; kind < 4; kind++)
            snprintf(world_names[kind][i], sizeof world_names[kind][i], "%c%d", kinds[kind], i);
        snprintf(world_messages[0][i], sizeof world_messages[0][i],
                 "ReplicaSet \"s%d\" has timed out progressing.", i);
        snprintf(world_messages[1][i], sizeof world_messages[1][i],
                 "ReplicaSet \"s%d\" is progressing.", i);
    }
}

static struct world_set *world_new_set(struct world *world)
{
    for (size_t i = 0; i < world->sets.count; i++) {
        struct world_set *set = &world->sets.sets[i];
        if (set->owner == world->deployment.uid && set->template == world->deployment.template)
            return set; /* they stand in the order in which they were made */
    }
    return NULL;
}

/* ---- The Deployment as users write it */

static void world_create(struct world *world, int template, int replicas, bool recreate)
{
    world->deployment = (struct world_deployment){.exists = true,
                                                  .uid = ++world->next_uid,
                                                  .template = template,
                                                  .replicas = replicas,
                                                  .recreate = recreate,
                                                  .generation = 1};
}

/* ---- The ReplicaSet controller and kubelets */

static void world_remove_pod(struct world *world, size_t at)
{
    world->pods.pods[at] = world->pods.pods[--world->pods.count];
}

/* One pod more or less towards what the set asks for; then its status. */
static bool world_scale_pods(struct world *world, struct world_set *set)
{
    int live = 0, ready = 0;
    size_t victim = WORLD_PODS;
    bool moved = false;
    for (size_t i = 0; i < world->pods.count; i++) {
        struct world_pod *pod = &world->pods.pods[i];
        if (pod->set != set->id || pod->deleting)
            continue;
        live++;
        ready += pod->ready;
        if (victim == WORLD_PODS || !pod->ready)
            victim = i;
    }
    if (live < set->replicas && world->pods.count < WORLD_PODS) {
        world->pods.pods[world->pods.count++] =
            (struct world_pod){.id = world->next_pod++ % WORLD_NAMES, .set = set->id};
        live++;
        moved = true;
    } else if (live > set->replicas) {
        live--;
        ready -= world->pods.pods[victim].ready;
        world->pods.pods[victim].deleting = true;
        world->pods.pods[victim].ready = false;
        moved = true;
    }
    moved = moved || set->created != live || set->ready != ready;
    set->created = live;
    set->ready = ready;
    return moved;
}

static bool world_run_sets(struct world *world)
{
    bool moved = false;
    for (size_t i = 0; i < world->sets.count; i++)
        moved = world_scale_pods(world, &world->sets.sets[i]) || moved;
    return moved;
}

/* What garbage collection does after a deletion. */
static bool world_collect(struct world *world)
{
    bool moved = false;
    for (size_t i = 0; i < world->sets.count;) {
        if (world->deployment.exists && world->sets.sets[i].owner == world->deployment.uid) {
            i++;
            continue;
        }
        for (size_t j = world->pods.count; j-- > 0;) {
            if (world->pods.pods[j].set == world->sets.sets[i].id)
                world_remove_pod(world, j);
        }
        memmove(&world->sets.sets[i], &world->sets.sets[i + 1],
                (--world->sets.count - i) * sizeof world->sets.sets[0]);
        moved = true;
    }
    return moved;
}

static enum world_fate world_fate_of(const struct world *world, const struct world_pod *pod)
{
    for (size_t i = 0; i < world->sets.count; i++) {
        if (world->sets.sets[i].id == pod->set)
            return world_fates[world->sets.sets[i].template];
    }
    return FATE_RUNS;
}

/* One pod goes on: `stumble` makes one that runs restart. */
static bool world_run_pod(struct world *world, size_t at, bool stumble)
{
    if (at >= world->pods.count)
        return false;
    struct world_pod *pod = &world->pods.pods[at];
    const enum world_fate fate = world_fate_of(world, pod);
    if (pod->deleting) {
        world_remove_pod(world, at);
    } else if (fate == FATE_CRASHES) {
        pod->restarts += pod->started;
    } else if (fate != FATE_RUNS) {
        if (pod->started)
            return false;
    } else if (pod->ready) {
        if (!stumble)
            return false;
        pod->ready = false;
        pod->restarts++;
    } else {
        pod->ready = true;
    }
    if (!pod->deleting)
        pod->started = true;
    return true;
}

/* ---- The deployment controller */

static void world_set_condition(struct world *world, enum world_reason reason, int set)
{
    world->deployment.condition =
        (struct world_condition){reason, set, ++world->next_update % WORLD_NAMES, world->now};
}

/* SetDeploymentCondition: nothing, if status and reason are what they were. */
static void world_condition(struct world *world, enum world_reason reason, int set)
{
    if (world->deployment.condition.reason != reason)
        world_set_condition(world, reason, set);
}

/* syncRolloutStatus; `estimates` is false for what only syncs the counts (paused, scaling). */
static void world_sync_status(struct world *world, bool estimates)
{
    struct world_deployment *deployment = &world->deployment;
    const struct world_deployment old = *deployment;
    const struct world_set *set = world_new_set(world);
    const int names = set != NULL ? set->id : -1;
    deployment->updated = set != NULL ? set->created : 0;
    deployment->total = deployment->available = 0;
    for (size_t i = 0; i < world->sets.count; i++) {
        if (world->sets.sets[i].owner != deployment->uid)
            continue;
        deployment->total += world->sets.sets[i].created;
        deployment->available += world->sets.sets[i].ready;
    }
    deployment->observed = deployment->generation;
    const enum world_reason reason = deployment->condition.reason;
    if (!estimates || (deployment->total == deployment->updated && reason == REASON_AVAILABLE))
        return;
    const bool complete = deployment->updated == deployment->replicas &&
                          deployment->total == deployment->replicas &&
                          deployment->available == deployment->replicas;
    const bool progresses = deployment->updated > old.updated ||
                            deployment->total - deployment->updated < old.total - old.updated ||
                            deployment->available > old.available;
    const bool timed_out = reason == REASON_TIMED_OUT ||
                           (reason != REASON_NONE && reason != REASON_AVAILABLE &&
                            deployment->condition.at + WORLD_DEADLINE * SECOND < world->now);
    if (complete)
        world_condition(world, REASON_AVAILABLE, names);
    else if (progresses)
        world_set_condition(world, REASON_UPDATED, names);
    else if (timed_out)
        world_condition(world, REASON_TIMED_OUT, names);
}

static void world_sync_revision(struct world *world, struct world_set *new_set)
{
    int most = 0;
    for (size_t i = 0; i < world->sets.count; i++) {
        const struct world_set *set = &world->sets.sets[i];
        if (set != new_set && set->owner == world->deployment.uid && set->revision > most)
            most = set->revision;
    }
    if (new_set->revision < most + 1)
        new_set->revision = most + 1;
    world->deployment.revision = new_set->revision;
}

static struct world_set *world_make_set(struct world *world)
{
    struct world_set *set = world_new_set(world);
    if (set == NULL && world->sets.count < WORLD_SETS) {
        set = &world->sets.sets[world->sets.count++];
        *set = (struct world_set){.id = world->next_set++ % WORLD_NAMES,
                                  .owner = world->deployment.uid,
                                  .template = world->deployment.template,
                                  .created_at = world->now};
        world_sync_revision(world, set);
        world_condition(world, REASON_NEW, set->id);
        return set;
    }
    if (set != NULL)
        world_sync_revision(world, set);
    return set;
}

static bool world_old_pods(const struct world *world, const struct world_set *new_set)
{
    for (size_t i = 0; i < world->pods.count; i++) {
        if (new_set == NULL || world->pods.pods[i].set != new_set->id)
            return true;
    }
    return false;
}

static void world_scale_olds(struct world *world, const struct world_set *new_set, int spare)
{
    for (size_t i = 0; i < world->sets.count; i++) {
        struct world_set *set = &world->sets.sets[i];
        if (set == new_set || set->owner != world->deployment.uid)
            continue;
        const int idle = set->replicas - set->ready; /* unhealthy ones go first */
        int take = idle > 0 ? idle : 0;
        if (take < set->replicas && spare > 0)
            take += spare < set->replicas - take ? spare : set->replicas - take;
        spare -= take;
        set->replicas -= take;
    }
}

static void world_sync_rolling(struct world *world)
{
    struct world_set *set = world_make_set(world);
    int total = 0, available = 0;
    if (set == NULL)
        return;
    for (size_t i = 0; i < world->sets.count; i++) {
        if (world->sets.sets[i].owner != world->deployment.uid)
            continue;
        total += world->sets.sets[i].replicas;
        available += world->sets.sets[i].ready;
    }
    const int wanted = world->deployment.replicas;
    if (set->replicas > wanted)
        set->replicas = wanted;
    else if (set->replicas < wanted && total < wanted + 1)
        set->replicas++;
    else
        world_scale_olds(world, set, available - wanted);
    world_sync_status(world, true);
}

static void world_sync_recreate(struct world *world)
{
    struct world_set *set = world_new_set(world);
    bool scaled = false;
    if (set != NULL)
        world_sync_revision(world, set);
    for (size_t i = 0; i < world->sets.count; i++) {
        struct world_set *old = &world->sets.sets[i];
        if (old != set && old->owner == world->deployment.uid && old->replicas > 0) {
            old->replicas = 0;
            scaled = true;
        }
    }
    if (!scaled && !world_old_pods(world, set)) {
        set = world_make_set(world);
        if (set != NULL)
            set->replicas = world->deployment.replicas;
    }
    world_sync_status(world, true);
}

static bool world_same_deployment(const struct world_deployment *a,
                                  const struct world_deployment *b)
{
    return a->exists == b->exists && a->paused == b->paused && a->recreate == b->recreate &&
           a->uid == b->uid && a->template == b->template && a->replicas == b->replicas &&
           a->history_id == b->history_id && a->revision == b->revision &&
           a->generation == b->generation && a->observed == b->observed &&
           a->updated == b->updated && a->total == b->total && a->available == b->available &&
           a->condition.update == b->condition.update;
}

static bool world_same_sets(const struct world_sets *a, const struct world_sets *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct world_set *x = &a->sets[i], *y = &b->sets[i];
        same = x->id == y->id && x->owner == y->owner && x->template == y->template &&
               x->replicas == y->replicas && x->created == y->created && x->ready == y->ready &&
               x->revision == y->revision;
    }
    return same;
}

__attribute__((unused)) static bool world_same_pods(const struct world_pods *a,
                                                    const struct world_pods *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct world_pod *x = &a->pods[i], *y = &b->pods[i];
        same = x->id == y->id && x->set == y->set && x->ready == y->ready &&
               x->deleting == y->deleting && x->started == y->started && x->restarts == y->restarts;
    }
    return same;
}

static bool world_same(const struct world *a, const struct world *b)
{
    return world_same_deployment(&a->deployment, &b->deployment) &&
           world_same_sets(&a->sets, &b->sets);
}

/* One sync of the Deployment; says whether anything was written. */
static bool world_sync(struct world *world)
{
    struct world_deployment *deployment = &world->deployment;
    static struct world before;
    if (!deployment->exists)
        return world_collect(world);
    before = *world;
    const enum world_reason reason = deployment->condition.reason;
    if (deployment->paused && reason != REASON_PAUSED && reason != REASON_TIMED_OUT)
        world_condition(world, REASON_PAUSED, -1);
    else if (!deployment->paused && reason == REASON_PAUSED)
        world_condition(world, REASON_RESUMED, -1);
    if (deployment->paused)
        world_sync_status(world, false);
    else if (deployment->recreate)
        world_sync_recreate(world);
    else
        world_sync_rolling(world);
    (void)world_collect(world);
    return !world_same(&before, world);
}

/* Truth: the stored template serves, alone and whole. */
static bool world_is_whole(const struct world *world)
{
    int64_t ready = 0, others = 0;
    const struct world_set *set = NULL;
    for (size_t i = 0; i < world->sets.count && set == NULL; i++) {
        if (world->sets.sets[i].owner == world->deployment.uid &&
            world->sets.sets[i].template == world->deployment.template)
            set = &world->sets.sets[i];
    }
    for (size_t i = 0; set != NULL && i < world->pods.count; i++) {
        const struct world_pod *pod = &world->pods.pods[i];
        if (pod->set == set->id)
            ready += pod->ready;
        else
            others += !pod->deleting;
    }
    return world->deployment.exists && set != NULL && world->deployment.replicas > 0 &&
           ready == world->deployment.replicas && others == 0;
}

#endif
