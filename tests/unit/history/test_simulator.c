/* Random lives of a Deployment, seen through watches that are late, repeat themselves, lose
 * versions or break off, by a recorder that is killed between and within its steps.
 *
 * A run is one interleaving of users, controllers, kubelets, watches and the recorder, all drawn
 * from one number.  After it everything comes to rest, and the history is held against the truth
 * (judge_...) beside what history_take holds at every step.  A run that fails prints its number:
 *
 *     SEED=n RUNS=1 TRACE=1 test_simulator     plays that run alone and tells every step
 */
#include "tests/unit/history/history.h"
#include "tests/unit/history/world.h"

#include <inttypes.h>

#define RUNS_DEFAULT 100000
#define QUEUE        24
#define TRUTHS       128
#define WORDS        8

static const struct machine_settings settings = {.soak_us = 15 * SECOND,
                                                 .evidence_us = 15 * SECOND,
                                                 .restarts_failed = 3,
                                                 .deadline_factor = 3,
                                                 .persist_us = 30 * SECOND};

/* A template that was stored, as long as it was. */
struct truth {
    int uid, template;
    int64_t generation;
    bool refused;   /* only asked for: another webhook said no */
    bool shown;     /* a watch told it, so it has to be in the history */
    bool whole;     /* it served at some moment */
    bool timed_out; /* the controller gave it up, of itself */
};

enum watch { WATCH_DEPLOYMENT, WATCH_SETS, WATCH_PODS, WATCHES };

struct shown {
    struct world_deployment deployment;
    struct world_sets sets;
    struct world_pods pods;
};

struct queue {
    size_t from, count;
    union {
        struct world_deployment deployment;
        struct world_sets sets;
        struct world_pods pods;
    } items[QUEUE];
};

/* A word of an intent that has yet to come to the machine. */
struct word {
    bool waits;
    struct machine_intent intent;
    char uid[8];
};

static struct {
    uint64_t random;
    struct world world, written; /* `written`: as the watches were last told */
    struct queue queues[WATCHES];
    struct shown shown; /* what the recorder has been told */
    struct world_deployment last;
    struct truth truths[TRUTHS];
    size_t truth_count;
    struct word words[WORDS];
    int64_t next_intent;
    int next_history_id;
    struct machine *machine;
    struct history history;
    struct arena arena; /* of views */
    bool trace, lossy;
    size_t steps;
} sim;

#define TRACE(...)                                                                                 \
    do {                                                                                           \
        if (sim.trace)                                                                             \
            printf(__VA_ARGS__);                                                                   \
    } while (0)

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = sim.random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static int below(int limit)
{
    return (int)(draw() % (uint64_t)limit);
}

static bool chance(int percent)
{
    return below(100) < percent;
}

/* ---- What the recorder sees, as a view */

static const char *const reason_names[] = {
    [REASON_NONE] = "",
    [REASON_NEW] = "NewReplicaSetCreated",
    [REASON_UPDATED] = "ReplicaSetUpdated",
    [REASON_AVAILABLE] = "NewReplicaSetAvailable",
    [REASON_TIMED_OUT] = "ProgressDeadlineExceeded",
    [REASON_PAUSED] = "DeploymentPaused",
    [REASON_RESUMED] = "DeploymentResumed",
};

static void view_condition(const struct world_condition *condition, struct view_deployment *view)
{
    view->progressing.present = condition->reason != REASON_NONE;
    view->progressing.is_false = condition->reason == REASON_TIMED_OUT;
    view->progressing.is_true =
        condition->reason >= REASON_NEW && condition->reason <= REASON_AVAILABLE;
    view->progressing.reason = reason_names[condition->reason];
    view->progressing.last_update = world_names[0][condition->update];
    if (condition->set < 0) {
        view->progressing.message = "Deployment \"x\" has timed out progressing.";
    } else {
        view->progressing.names_set = world_names[1][condition->set];
        view->progressing.message =
            world_messages[condition->reason != REASON_TIMED_OUT][condition->set];
    }
}

static const struct view_deployment *make_deployment(const struct world_deployment *from)
{
    if (!from->exists)
        return NULL;
    struct view_deployment *view = arena_alloc(&sim.arena, sizeof *view);
    view->name = "x";
    view->uid = world_names[0][from->uid];
    view->generation = from->generation;
    view->observed_generation = from->observed;
    view->k8s_revision = from->revision;
    view->template_sha = world_shas[from->template];
    view->paused = from->paused;
    view->recreate = from->recreate;
    view->replicas = from->replicas;
    view->updated = from->updated;
    view->total = from->total;
    view->available = from->available;
    view->deadline_seconds = WORLD_DEADLINE;
    view->history_id = from->history_id != 0 ? world_names[3][from->history_id] : NULL;
    view_condition(&from->condition, view);
    return view;
}

static struct view_container *make_container(const struct world_pod *pod, enum world_fate fate)
{
    static const char *const waiting[] = {[FATE_RUNS] = NULL,
                                          [FATE_NO_IMAGE] = "ImagePullBackOff",
                                          [FATE_CRASHES] = "CrashLoopBackOff",
                                          [FATE_NO_CONFIG] = "CreateContainerConfigError",
                                          [FATE_NEVER_READY] = NULL};
    struct view_container *view = arena_alloc(&sim.arena, sizeof *view);
    view->name = "app";
    view->image = "image";
    view->ready = pod->ready;
    view->restarts = pod->restarts;
    view->waiting_reason = pod->started ? waiting[fate] : NULL;
    return view;
}

static struct project_view make_view(const struct shown *shown)
{
    arena_reset(&sim.arena, 64UL * 1024UL);
    struct view_set *sets = arena_array(&sim.arena, WORLD_SETS, sizeof *sets);
    struct view_pod *pods = arena_array(&sim.arena, WORLD_PODS, sizeof *pods);
    struct project_view view = {make_deployment(&shown->deployment), sets, shown->sets.count, pods,
                                shown->pods.count};
    for (size_t i = 0; i < shown->sets.count; i++) {
        const struct world_set *set = &shown->sets.sets[i];
        sets[i] = (struct view_set){.name = world_names[1][set->id],
                                    .uid = world_names[1][set->id],
                                    .owner_uid = world_names[0][set->owner],
                                    .template_sha = world_shas[set->template],
                                    .k8s_revision = set->revision,
                                    .replicas = set->replicas,
                                    .created = set->created,
                                    .ready = set->ready,
                                    .available = set->ready,
                                    .created_at = set->created_at};
    }
    for (size_t i = 0; i < shown->pods.count; i++) {
        const struct world_pod *pod = &shown->pods.pods[i];
        pods[i] =
            (struct view_pod){.name = world_names[2][pod->id],
                              .uid = world_names[2][pod->id],
                              .owner_uid = world_names[1][pod->set],
                              .ready = pod->ready,
                              .deleting = pod->deleting,
                              .containers = make_container(pod, world_fate_of(&sim.world, pod)),
                              .container_count = 1};
    }
    return view;
}

/* ---- The recorder: a step that may be killed before or after it is stored */

static void sync(bool in_sync)
{
    sim.history.out_of_sync = !in_sync;
    machine_sync(sim.machine, in_sync);
}

static void rebuild(void)
{
    machine_free(sim.machine);
    sim.machine = history_rebuild(&sim.history, &settings);
    sync(false);
}

static void trace_rows(void)
{
    for (size_t i = 0; sim.trace && i < sim.history.count; i++) {
        const struct revision *row = &sim.history.rows[i];
        printf("    %" PRId64 " %s g%" PRId64 " %s %s %s %d%%\n", row->seq, row->uid,
               row->generation, row->template_sha, revision_status_name(row->status),
               row->reason != NULL ? row->reason : "", row->progress);
    }
}

static const struct revision *current_row(void)
{
    const struct revision *found = NULL;
    for (size_t i = 0; i < sim.history.count; i++) {
        const char *memory = sim.history.rows[i].memory;
        if (memory != NULL && strstr(memory, "\"current\":\"1\"") != NULL) {
            CHECK(found == NULL);
            found = &sim.history.rows[i];
        }
    }
    return found;
}

/* What is paused, or asks for no pods, fails by no clock. */
static void check_suspended(const struct revision *before)
{
    const bool suspended = sim.shown.deployment.paused || sim.shown.deployment.replicas == 0;
    if (!suspended || before->seq == 0 || before->status != REVISION_IN_PROGRESS)
        return;
    if (sim.history.rows[before->seq - 1].status == REVISION_FAILED)
        TEST_FAIL("version %" PRId64 " fails while its clocks stand still", before->seq);
}

static void take_step(const struct history_step *step)
{
    const struct revision *current = current_row();
    const struct revision before = current != NULL ? *current : (struct revision){.seq = 0};
    sim.steps++;
    if (sim.lossy && chance(2)) { /* killed before the commit: nothing of it is stored */
        history_step(sim.machine, step);
        rebuild();
    }
    history_step(sim.machine, step);
    if (chance(3))
        history_compare(&sim.history, &settings, sim.machine, step);
    history_take(&sim.history, sim.machine);
    check_suspended(&before);
    if (step->view != NULL)
        sync(true);
    trace_rows();
    if (sim.lossy && chance(2))
        rebuild();
}

/* Away and back again in a gap: nobody can tell how often a template was stored. */
static bool is_unseen(bool gap)
{
    const struct world_deployment *now = &sim.shown.deployment, *last = &sim.last;
    const int64_t since = last->uid == now->uid ? last->generation : 0;
    if (since == now->generation)
        return true;
    for (size_t i = 0; gap && i < sim.truth_count; i++) {
        const struct truth *truth = &sim.truths[i];
        if (truth->uid == now->uid && truth->template == now->template &&
            truth->generation > since && truth->generation < now->generation)
            return true;
    }
    return gap && last->uid == now->uid && last->template == now->template;
}

static void show(bool gap)
{
    const struct project_view view = make_view(&sim.shown);
    if (view.deployment == NULL && sim.history.count == 0)
        return;
    const int64_t generation = view.deployment != NULL ? view.deployment->generation : 0;
    TRACE("%" PRId64 " s: view %s g%" PRId64 " %s%s\n", sim.world.now / SECOND,
          view.deployment != NULL ? view.deployment->uid : "none", generation,
          view.deployment != NULL ? view.deployment->template_sha : "", gap ? " after a gap" : "");
    const bool unseen = is_unseen(gap);

    for (size_t i = 0; i < sim.truth_count; i++) {
        struct truth *truth = &sim.truths[i];
        if (view.deployment != NULL && !unseen && !truth->refused &&
            truth->uid == sim.shown.deployment.uid &&
            truth->generation == sim.shown.deployment.generation)
            truth->shown = true;
    }
    sim.last = sim.shown.deployment;
    take_step(&(struct history_step){.view = &view, .gap = gap, .now = sim.world.now});
}

static void tick(void)
{
    while (machine_next_tick(sim.machine) <= sim.world.now) {
        const int64_t next = machine_next_tick(sim.machine);
        TRACE("%" PRId64 " s: tick\n", sim.world.now / SECOND);
        take_step(&(struct history_step){.now = sim.world.now});
        CHECK(machine_next_tick(sim.machine) > next);
    }
}

/* ---- Watches */

static void push(enum watch watch)
{
    struct queue *queue = &sim.queues[watch];
    CHECK(queue->count < QUEUE);
    const size_t at = (queue->from + queue->count++) % QUEUE;
    if (watch == WATCH_DEPLOYMENT)
        queue->items[at].deployment = sim.world.deployment;
    else if (watch == WATCH_SETS)
        queue->items[at].sets = sim.world.sets;
    else
        queue->items[at].pods = sim.world.pods;
}

static void take_item(enum watch watch, size_t at)
{
    const struct queue *queue = &sim.queues[watch];
    if (watch == WATCH_DEPLOYMENT)
        sim.shown.deployment = queue->items[at].deployment;
    else if (watch == WATCH_SETS)
        sim.shown.sets = queue->items[at].sets;
    else
        sim.shown.pods = queue->items[at].pods;
}

static void deliver(enum watch watch)
{
    struct queue *queue = &sim.queues[watch];
    if (queue->count == 0)
        return;
    take_item(watch, queue->from);
    queue->from = (queue->from + 1) % QUEUE;
    queue->count--;
    show(false);
    if (chance(5)) /* told once more */
        show(false);
}

/* 410: all is listed anew, what was between is lost. */
static void relist(void)
{
    for (enum watch watch = 0; watch < WATCHES; watch++)
        sim.queues[watch].count = 0;
    sim.shown = (struct shown){sim.world.deployment, sim.world.sets, sim.world.pods};
    show(true);
}

static struct truth *last_truth(void)
{
    for (size_t i = sim.truth_count; i-- > 0;) {
        if (!sim.truths[i].refused)
            return &sim.truths[i];
    }
    return NULL;
}

/* After each step of the world: the watches are told, and what truth needs is noted. */
static void note_world(void)
{
    struct truth *last = last_truth();
    const struct world_condition *condition = &sim.world.deployment.condition;
    if (!world_same_deployment(&sim.world.deployment, &sim.written.deployment))
        push(WATCH_DEPLOYMENT);
    if (!world_same_sets(&sim.world.sets, &sim.written.sets))
        push(WATCH_SETS);
    if (!world_same_pods(&sim.world.pods, &sim.written.pods))
        push(WATCH_PODS);
    if (last != NULL && sim.world.deployment.exists) {
        const bool moved = condition->update != sim.written.deployment.condition.update;
        last->timed_out = last->timed_out || (moved && condition->reason == REASON_TIMED_OUT);
        if (moved)
            TRACE("%" PRId64 " s: condition %s of set %d\n", sim.world.now / SECOND,
                  reason_names[condition->reason], condition->set);
        int others = 0;
        bool whole = false;
        for (size_t i = 0; i < sim.world.sets.count; i++) {
            const struct world_set *set = &sim.world.sets.sets[i];
            if (set->owner == sim.world.deployment.uid &&
                set->template == sim.world.deployment.template)
                whole = set->created == set->ready && set->ready == sim.world.deployment.replicas;
            else if (set->owner == sim.world.deployment.uid)
                others += set->created;
        }
        last->whole = last->whole || (whole && others == 0 && sim.world.deployment.replicas > 0);
    }
    sim.written = sim.world;
}

/* ---- Users */

static void send_word(size_t at)
{
    struct word *word = &sim.words[at];
    if (!word->waits)
        return;
    word->waits = false;
    TRACE("%" PRId64 " s: intent %s g%" PRId64 " %s%s\n", sim.world.now / SECOND,
          word->intent.uid != NULL ? word->intent.uid : "new", word->intent.generation,
          word->intent.template_sha != NULL ? word->intent.template_sha : "nothing",
          word->intent.rollback_of != 0 ? " (own)" : "");
    take_step(&(struct history_step){.intent = &word->intent, .now = sim.world.now});
}

static void send_words(void)
{
    for (size_t i = 0; i < WORDS; i++)
        send_word(i);
}

/* Says an intent, at once or a little later. */
static void say(const struct machine_intent *intent, int later_percent)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (sim.words[i].waits)
            continue;
        sim.words[i] = (struct word){.waits = true, .intent = *intent};
        sim.words[i].intent.id = ++sim.next_intent;
        sim.words[i].intent.received_at = sim.world.now;
        if (!chance(later_percent))
            send_word(i);
        return;
    }
}

static void note_truth(void)
{
    CHECK(sim.truth_count < TRUTHS);
    sim.truths[sim.truth_count++] = (struct truth){.uid = sim.world.deployment.uid,
                                                   .template = sim.world.deployment.template,
                                                   .generation = sim.world.deployment.generation};
}

static void note_refused(int template)
{
    CHECK(sim.truth_count < TRUTHS);
    sim.truths[sim.truth_count++] =
        (struct truth){.uid = sim.world.deployment.uid,
                       .template = template,
                       .generation = sim.world.deployment.generation + 1,
                       .refused = true};
}

static struct machine_intent admission(int template)
{
    const struct world_deployment *deployment = &sim.world.deployment;
    return (struct machine_intent){.uid = world_names[0][deployment->uid],
                                   .template_sha = world_shas[template],
                                   .old_template_sha =
                                       chance(70) ? world_shas[deployment->template] : NULL,
                                   .generation = deployment->generation + 1,
                                   .actor_user = chance(50) ? "ann" : "ben"};
}

static void store_template(int template)
{
    const bool changes = template != sim.world.deployment.template;
    sim.world.deployment.template = template;
    sim.world.deployment.generation++;
    if (changes)
        note_truth();
    note_world();
}

/* A new template, or the old one with another replica count or annotation; some are refused by
 * another webhook, some are judged twice, and of some nobody told. */
static void user_updates(void)
{
    const int template = chance(15) ? sim.world.deployment.template : below(WORLD_TEMPLATES);
    const struct machine_intent intent = admission(template);
    const bool refused = chance(10);
    const int words = chance(85) ? chance(8) ? 2 : 1 : 0;
    TRACE("user: t%d%s\n", template, refused ? " (refused)" : "");
    for (int i = 0; i < words; i++)
        say(&intent, 15);
    if (refused && words > 0)
        note_refused(template);
    else
        store_template(template);
}

static void user_creates(void)
{
    const int template = below(WORLD_TEMPLATES);
    world_create(&sim.world, template, 1 + below(3), chance(25));
    TRACE("user: creates t%d\n", template);
    struct machine_intent intent = {.uid = chance(80) ? world_names[0][sim.world.next_uid] : NULL,
                                    .template_sha = world_shas[template],
                                    .generation = 1,
                                    .actor_user = "ann"};
    if (chance(80))
        say(&intent, 0);
    note_truth();
    note_world();
}

static void user_deletes(void)
{
    TRACE("user: deletes\n");
    say(&(struct machine_intent){.uid = world_names[0][sim.world.deployment.uid],
                                 .delete_ = true,
                                 .actor_user = "ben"},
        0);
    sim.world.deployment = (struct world_deployment){.uid = sim.world.deployment.uid};
    note_world();
}

static void user_scales_or_pauses(void)
{
    if (chance(50))
        sim.world.deployment.replicas = below(4);
    else
        sim.world.deployment.paused = !sim.world.deployment.paused;
    TRACE("user: %d replicas%s\n", sim.world.deployment.replicas,
          sim.world.deployment.paused ? ", paused" : "");
    sim.world.deployment.generation++;
    note_world();
}

/* The recorder's own write: fenced by uid and generation, seen by admission, told after it was
 * accepted; policy may have made another template of it. */
static void recorder_rolls_back(bool cancel)
{
    const struct revision *from = current_row();
    if (from == NULL)
        return;
    const struct revision *target = &sim.history.rows[below((int)sim.history.count)];
    const struct world_deployment *deployment = &sim.world.deployment;
    if (strcmp(from->uid, world_names[0][deployment->uid]) != 0 ||
        sim.shown.deployment.generation != deployment->generation ||
        (cancel && from->status != REVISION_IN_PROGRESS) || from->status == REVISION_ROLLING_BACK ||
        target->generation == 0 || target->template_sha[1] == '-')
        return;
    const int template = target->template_sha[1] - '0';
    if (template == deployment->template || sim.next_history_id + 1 >= WORLD_NAMES)
        return;
    struct machine_intent own = admission(template);
    own.history_id = world_names[3][++sim.next_history_id];
    struct machine_intent seen = own;
    if (chance(10))
        own.template_sha = world_shas[WORLD_TEMPLATES];
    own.rollback_of = from->id;
    own.source = target->id;
    own.cancel = cancel;
    own.actor_user = "proctor-recorder";
    TRACE("recorder: back to t%d%s\n", template, cancel ? " (cancel)" : "");
    if (chance(70))
        say(&seen, 20);
    sim.world.deployment.history_id = sim.next_history_id;
    sim.world.deployment.paused = false;
    store_template(template);
    if (chance(50))
        deliver(WATCH_DEPLOYMENT);
    say(&own, 20);
}

static void recorder_cancels(void)
{
    const struct revision *from = current_row();
    if (from == NULL || from->status != REVISION_IN_PROGRESS)
        return;
    TRACE("recorder: cancels by pausing\n");
    say(&(struct machine_intent){.rollback_of = from->id, .cancel = true, .actor_user = "ann"}, 0);
    sim.world.deployment.paused = true;
    sim.world.deployment.generation++;
    note_world();
}

static void somebody_acts(void)
{
    const int what = below(100);
    if (!sim.world.deployment.exists)
        user_creates();
    else if (what < 55)
        user_updates();
    else if (what < 72)
        user_scales_or_pauses();
    else if (what < 78)
        user_deletes();
    else if (what < 95)
        recorder_rolls_back(what > 90);
    else
        recorder_cancels();
}

/* ---- Time and the world */

static void world_goes_on(void)
{
    const int what = below(10);
    if (what < 4)
        (void)world_sync(&sim.world);
    else if (what < 6)
        (void)world_run_sets(&sim.world);
    else if (sim.world.pods.count > 0)
        (void)world_run_pod(&sim.world, (size_t)below((int)sim.world.pods.count), chance(2));
    note_world();
}

static void recorder_goes_on(void)
{
    const int what = below(100);
    if (what < 93)
        deliver((enum watch)below(WATCHES));
    else if (what < 95 && sim.lossy)
        relist();
    else if (what < 97)
        sync(false);
    else
        send_words();
}

static void step(void)
{
    sim.world.now += chance(90) ? below(2 * SECOND) : below(30 * SECOND);
    const int what = below(100);
    if (what < 12)
        somebody_acts();
    else if (what < 55)
        world_goes_on();
    else
        recorder_goes_on();
    for (enum watch watch = 0; watch < WATCHES; watch++) {
        while (sim.queues[watch].count > QUEUE - 8)
            deliver(watch);
    }
    tick();
}

/* Everything is told and done; then time enough for every clock. */
static void come_to_rest(void)
{
    send_words();
    for (int i = 0, quiet = 0; i < 400 && quiet < 5; i++) {
        bool moved = world_sync(&sim.world);
        note_world();
        moved = world_run_sets(&sim.world) || moved;
        for (size_t j = sim.world.pods.count; j-- > 0;) {
            if (sim.world.pods.pods[j].restarts < 4)
                moved = world_run_pod(&sim.world, j, false) || moved;
        }
        note_world();
        quiet = moved ? 0 : quiet + 1;
        sim.world.now += moved ? SECOND : 8 * SECOND;
        for (enum watch watch = 0; watch < WATCHES; watch++) {
            while (sim.queues[watch].count > 0)
                deliver(watch);
        }
        tick();
    }
    show(false);
    for (int i = 0; i < 8; i++) {
        sim.world.now += 30 * SECOND;
        sync(true);
        tick();
    }
}

/* ---- Judgement */

static bool is_stored(const struct revision *row)
{
    return row->status != REVISION_PENDING && row->status != REVISION_NOT_PERSISTED &&
           row->status != REVISION_UNKNOWN;
}

static bool is_of(const struct revision *row, const struct truth *truth)
{
    return strcmp(row->uid, world_names[0][truth->uid]) == 0 &&
           row->generation == truth->generation;
}

/* Every stored template stands once in the history, with what became of it; nothing else does. */
static void judge_truths(void)
{
    for (size_t i = 0; i < sim.truth_count; i++) {
        const struct truth *truth = &sim.truths[i];
        size_t found = 0;
        if (truth->refused)
            continue;
        for (size_t j = 0; j < sim.history.count; j++) {
            const struct revision *row = &sim.history.rows[j];
            if (row->uid == NULL || !is_stored(row) || !is_of(row, truth))
                continue;
            found++;
            /* Of what a gap hid, an intent or our own write tells what was meant to be stored. */
            if (truth->shown)
                CHECK_STRING(row->template_sha, world_shas[truth->template]);
        }
        if (found > 1 || (truth->shown && found == 0))
            TEST_FAIL("t%d of u%d generation %" PRId64 " stands %zu times", truth->template,
                      truth->uid, truth->generation, found);
    }
}

/* After a gap a version has the generation at which it was found, and the same template may have
 * been stored again unseen. */
static bool is_witnessed(const struct revision *row, const struct truth *truth)
{
    return is_of(row, truth) || (sim.lossy && strcmp(row->uid, world_names[0][truth->uid]) == 0 &&
                                 strcmp(row->template_sha, world_shas[truth->template]) == 0);
}

/* A way back that is paused goes on for ever. */
static bool is_under_way_back(const struct revision *row)
{
    for (size_t i = 0; i < sim.history.count; i++) {
        if (sim.history.rows[i].rollback_of == row->id)
            return sim.history.rows[i].status == REVISION_IN_PROGRESS;
    }
    return false;
}

/* What it claims has to have happened in its time. */
static void judge_claims(const struct revision *row)
{
    bool whole = false, timed_out = false;
    for (size_t i = 0; i < sim.truth_count; i++) {
        if (sim.truths[i].refused || !is_witnessed(row, &sim.truths[i]))
            continue;
        whole = whole || sim.truths[i].whole;
        timed_out = timed_out || sim.truths[i].timed_out;
    }
    if (row->completed_at != 0)
        CHECK(whole);
    if (row->reason != NULL && strcmp(row->reason, "ProgressDeadlineExceeded") == 0)
        CHECK(timed_out);
    if (row->good == REVISION_GOOD_YES)
        CHECK(row->completed_at != 0);
}

static void judge_rows(void)
{
    for (size_t i = 0; i < sim.history.count; i++) {
        const struct revision *row = &sim.history.rows[i];
        bool known = row->origin == REVISION_IMPORT;
        CHECK(row->status != REVISION_PENDING);
        CHECK(row->status != REVISION_ROLLING_BACK || is_under_way_back(row));
        for (size_t j = 0; is_stored(row) && !known && j < sim.truth_count; j++)
            known = !sim.truths[j].refused && is_witnessed(row, &sim.truths[j]);

        if (is_stored(row) && !known)
            TEST_FAIL("version %" PRId64 " was never stored", row->seq);
        if (is_stored(row))
            judge_claims(row);
    }
}

/* The current one has the state that the world has come to. */
static void judge_current(void)
{
    const struct world_deployment *deployment = &sim.world.deployment;
    const struct revision *row = current_row();
    if (!deployment->exists) {
        CHECK(row == NULL);
        return;
    }
    CHECK(row != NULL);
    CHECK_STRING(row->uid, world_names[0][deployment->uid]);
    CHECK_STRING(row->template_sha, world_shas[deployment->template]);
    const bool given_up = row->status == REVISION_CANCELLED ||
                          (row->reason != NULL && strncmp(row->reason, "Rollback", 8) == 0);
    if (given_up)
        return;
    if (world_is_whole(&sim.world)) {
        CHECK_STRING(revision_status_name(row->status), "Completed");
        CHECK(row->progress == 100);
        CHECK(row->good != REVISION_GOOD_UNKNOWN);
    } else if (row->status == REVISION_IN_PROGRESS) {
        CHECK(deployment->paused || deployment->replicas == 0);
    } else if (!deployment->paused && deployment->replicas > 0) {
        CHECK(row->status == REVISION_FAILED || row->completed_at != 0);
    }
}

/* ---- Runs */

static void run(void *seed)
{
    const bool trace = sim.trace;
    memset(&sim, 0, sizeof sim);
    sim.trace = trace;
    sim.random = *(const uint64_t *)seed;
    sim.world.now = 1000000 * SECOND;
    arena_init(&sim.history.arena, 16 * LIMIT_MIB);
    arena_init(&sim.arena, LIMIT_MIB);
    sim.machine = history_rebuild(&sim.history, &settings);
    sim.lossy = chance(50);
    const int steps = chance(85) ? 8 + below(25) : 30 + below(80);
    for (int i = 0; i < steps; i++)
        step();
    come_to_rest();
    judge_truths();
    judge_rows();
    judge_current();
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

TEST(random_interleavings_agree_with_the_truth)
{
    const uint64_t first = number_from("SEED", 1), runs = number_from("RUNS", RUNS_DEFAULT);
    size_t steps = 0, versions = 0, wishes = 0, failed = 0;
    arena_install_cjson_hooks();
    world_name_all();
    sim.trace = getenv("TRACE") != NULL;
    for (uint64_t i = 0; i < runs; i++) {
        uint64_t seed = first + i;
        if (!test_passes(run, &seed)) {
            fprintf(stderr, "SEED=%" PRIu64 " RUNS=1 TRACE=1 plays it again\n", seed);
            failed++;
        }
        steps += sim.steps;
        versions += sim.history.count;
        wishes += sim.history.wishes;
        machine_free(sim.machine);
        arena_done(&sim.history.arena);
        arena_done(&sim.arena);
        if (failed == 5)
            break;
    }
    printf("seeds %" PRIu64 " to %" PRIu64 ": %zu steps, %zu versions, %zu wishes to go back\n",
           first, first + runs - 1, steps, versions, wishes);
    CHECK_INT(failed, 0);
}

TEST_MAIN
