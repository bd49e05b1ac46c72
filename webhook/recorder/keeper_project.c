#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "recorder/keeper_internal.h"
#include "recorder/metrics.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN          256
#define MACHINES_MAX       512
#define SCRATCH_KEPT_BYTES (1 * LIMIT_MIB)
#define LOAD_BYTES         (256 * LIMIT_MIB)
#define TRIES_HOPELESS     3  /* of what no time mends */
#define TRIES_AWAY         40 /* more than a minute */
#define ASIDE_US           (30 * KEEPER_SECOND_US)

/* ---- The table, by name */

static size_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return (size_t)(hash ^ hash >> 32);
}

static struct keeper_project **project_at(const struct keeper *keeper, const char *name)
{
    struct keeper_project **at = &keeper->projects[hash_of(name) & (keeper->project_slots - 1)];
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next_in_slot;
    return at;
}

static bool grow(struct keeper *keeper)
{
    const size_t slots = keeper->project_slots == 0 ? SLOTS_MIN : keeper->project_slots * 2;
    struct keeper_project **grown = calloc(slots, sizeof *grown);
    if (grown == NULL)
        return keeper->project_slots != 0;
    for (size_t i = 0; i < keeper->project_slots; i++) {
        for (struct keeper_project *one = keeper->projects[i], *next; one != NULL; one = next) {
            next = one->next_in_slot;
            struct keeper_project **slot = &grown[hash_of(one->name) & (slots - 1)];
            one->next_in_slot = *slot;
            *slot = one;
        }
    }
    free(keeper->projects);
    keeper->projects = grown;
    keeper->project_slots = slots;
    return true;
}

struct keeper_project *keeper_project_of(struct keeper *keeper, const char *name)
{
    const size_t length = strlen(name);
    if (length >= KEEPER_NAME_BYTES)
        return NULL;
    if (keeper->project_count >= keeper->project_slots && !grow(keeper))
        return NULL;
    struct keeper_project **at = project_at(keeper, name);
    if (*at != NULL)
        return *at;
    struct keeper_project *project = calloc(1, sizeof *project);
    if (project == NULL)
        return NULL;
    memcpy(project->name, name, length + 1);
    project->tick_at = INT64_MAX;
    project->missed = keeper->gapped;
    *project_at(keeper, name) = project;
    keeper->project_count++;
    return project;
}

void keeper_for_each(struct keeper *keeper,
                     void (*what)(struct keeper *keeper, struct keeper_project *project))
{
    for (size_t i = 0; i < keeper->project_slots; i++) {
        for (struct keeper_project *one = keeper->projects[i]; one != NULL; one = one->next_in_slot)
            what(keeper, one);
    }
}

/* ---- Machines in memory */

void keeper_unload(struct keeper *keeper, struct keeper_project *project)
{
    if (project->machine == NULL)
        return;
    machine_free(project->machine);
    project->machine = NULL;
    project->viewed = false;
    keeper->loaded--;
}

/* Those that were not used for longer than most. */
void keeper_evict(struct keeper *keeper)
{
    int64_t oldest = INT64_MAX, newest = 0;
    if (keeper->loaded <= MACHINES_MAX)
        return;
    for (size_t i = 0; i < keeper->project_slots; i++) {
        for (struct keeper_project *one = keeper->projects[i]; one != NULL;
             one = one->next_in_slot) {
            if (one->machine == NULL)
                continue;
            oldest = one->used_us < oldest ? one->used_us : oldest;
            newest = one->used_us > newest ? one->used_us : newest;
        }
    }
    const int64_t middle = oldest + (newest - oldest) / 2;
    for (size_t i = 0; i < keeper->project_slots; i++) {
        for (struct keeper_project *one = keeper->projects[i]; one != NULL;
             one = one->next_in_slot) {
            if (one->machine != NULL && one->used_us <= middle && one->used_us < newest)
                keeper_unload(keeper, one);
        }
    }
}

bool keeper_was_fed(const struct keeper *keeper, int64_t intent)
{
    for (size_t i = 0; i < KEEPER_FED_INTENTS; i++) {
        if (keeper->fed[i] == intent)
            return true;
    }
    return false;
}

static void note_fed(struct keeper *keeper, int64_t intent)
{
    if (intent == 0 || keeper_was_fed(keeper, intent))
        return;
    keeper->fed[keeper->fed_next] = intent;
    keeper->fed_next = (keeper->fed_next + 1) % KEEPER_FED_INTENTS;
}

/* ---- One commit */

struct commit {
    struct keeper *keeper;
    struct keeper_project *project;
    const struct project_view *view; /* NULL: templates are in the store, or come later */
    const struct machine_effect *effects;
    size_t count;
    struct store_template *templates;
    size_t template_count;
    int64_t *ids;
    const struct store_cursor *cursor;
};

static const cJSON *find_template(const struct project_view *view, const char *sha)
{
    if (view->deployment != NULL && strcmp(view->deployment->template_sha, sha) == 0)
        return view->deployment->pod_template;
    for (size_t i = 0; i < view->set_count; i++) {
        if (strcmp(view->sets[i].template_sha, sha) == 0)
            return view->sets[i].pod_template;
    }
    return NULL;
}

static void prepare(void *context)
{
    struct commit *commit = context;
    struct arena *arena = &commit->keeper->scratch;
    commit->ids = arena_array(arena, commit->count, sizeof *commit->ids);
    commit->templates = arena_array(arena, commit->count, sizeof *commit->templates);
    for (size_t i = 0; commit->view != NULL && i < commit->count; i++) {
        const struct machine_effect *effect = &commit->effects[i];
        const char *sha = effect->revision != NULL ? effect->revision->template_sha : NULL;
        if ((effect->kind != MACHINE_INSERT && effect->kind != MACHINE_UPDATE) || sha == NULL ||
            strcmp(sha, commit->project->template_sha) == 0)
            continue;
        const cJSON *pod_template = find_template(commit->view, sha);
        if (pod_template != NULL)
            commit->templates[commit->template_count++] = (struct store_template){
                arena_strdup(arena, sha), view_canonical_template(arena, pod_template)};
    }
}

static void tell_hooks(const struct commit *commit)
{
    const struct keeper_options *hooks = &commit->keeper->options;
    const char *started = machine_event_name(MACHINE_DEPLOYMENT_STARTED);
    const int64_t project = commit->project->id;
    if (hooks->on_commit != NULL)
        hooks->on_commit(hooks->context, project);
    for (size_t i = 0; i < commit->count; i++) {
        const struct machine_effect *effect = &commit->effects[i];
        if (effect->kind == MACHINE_ROLL_BACK && hooks->on_wish != NULL)
            hooks->on_wish(hooks->context, project, commit->ids[i]);
        if (effect->kind == MACHINE_EVENT && strcmp(effect->event_type, started) == 0 &&
            hooks->on_revision != NULL)
            hooks->on_revision(hooks->context, commit->ids[i]);
    }
}

static int write_effects(struct commit *commit, struct err *reterr)
{
    if (!arena_try(&commit->keeper->scratch, prepare, commit))
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a commit");
    const int code = store_commit(commit->keeper->options.store, commit->project->id,
                                  commit->effects, commit->count, commit->templates,
                                  commit->template_count, commit->cursor, commit->ids, reterr);
    if (code == 0)
        metrics_add(METRICS_COMMITS, 1);
    return code;
}

/* All that the machine's last step decided; a view's together with up to where it tells. */
static int commit_step(struct keeper *keeper, struct keeper_project *project,
                       const struct project_view *view, struct err *reterr)
{
    struct commit commit = {.keeper = keeper, .project = project, .view = view};
    const struct store_cursor cursor = {keeper_resource_name(KEEPER_DEPLOYMENTS),
                                        keeper->event_version};
    if (view != NULL && keeper->event_version[0] != '\0')
        commit.cursor = &cursor;
    commit.effects = machine_effects(project->machine, &commit.count);
    int code = commit.count > 0 ? write_effects(&commit, reterr) : 0;
    if (code < 0)
        return code;
    for (size_t i = 0; i < commit.count; i++) {
        const struct machine_effect *effect = &commit.effects[i];
        if (effect->kind == MACHINE_INSERT)
            machine_inserted(project->machine, effect->revision->seq, commit.ids[i]);
    }
    if (commit.template_count > 0)
        memcpy(project->template_sha, commit.templates[commit.template_count - 1].sha,
               sizeof project->template_sha);
    if (commit.count > 0)
        tell_hooks(&commit);
    return 0;
}

/* Not in sync, a machine does not wait for what silence would prove; it may be unloaded when it is
 * again. */
void keeper_note_tick(struct keeper *keeper, struct keeper_project *project)
{
    machine_sync(project->machine, true);
    project->tick_at = machine_next_tick(project->machine);
    machine_sync(project->machine, keeper->in_sync);
    if (project->tick_at < keeper->next_tick_at)
        keeper->next_tick_at = project->tick_at;
}

/* ---- Steps */

static int look(struct keeper *keeper, struct keeper_project *project, struct err *reterr)
{
    struct project_view view;
    arena_reset(&keeper->scratch, SCRATCH_KEPT_BYTES);
    int code = cache_view(keeper->cache, &keeper->scratch, project->name, &view, reterr);
    if (code < 0)
        return code;
    machine_sync(project->machine, keeper->in_sync);
    machine_view(project->machine, &view, project->missed, keeper->now);
    code = commit_step(keeper, project, &view, reterr);
    if (code < 0)
        return code;
    project->viewed = true;
    project->missed = false;
    return 0;
}

static int feed(struct keeper *keeper, struct keeper_project *project,
                const struct machine_intent *intent, struct err *reterr)
{
    arena_reset(&keeper->scratch, SCRATCH_KEPT_BYTES);
    machine_intent(project->machine, intent, keeper->now);
    int code = commit_step(keeper, project, NULL, reterr);
    if (code == 0)
        note_fed(keeper, intent->id);
    return code;
}

static int load_rows(struct keeper *keeper, struct keeper_project *project, struct arena *arena,
                     struct err *reterr)
{
    struct revision *rows;
    size_t count;
    int code =
        store_revisions_open(keeper->options.store, arena, project->id, &rows, &count, reterr);
    if (code == 0)
        code = machine_new(&keeper->settings, &project->machine, reterr);
    if (code < 0)
        return code;
    keeper->loaded++;
    project->template_sha[0] = '\0';
    /* Open intents come by the queue, or are polled when it is empty: before the truth that waits
     * there they would be numbered before it. */
    return machine_load(project->machine, rows, count, reterr);
}

/* The project's id; `makes` it in the store if it is new there. */
static int identify(struct keeper *keeper, struct keeper_project *project, struct arena *arena,
                    bool makes, struct err *reterr)
{
    struct store_project_row row;
    if (project->id != 0)
        return 0;
    if (makes)
        return store_project(keeper->options.store, keeper->namespace_, project->name, &project->id,
                             reterr);
    int code = store_project_find(keeper->options.store, arena, keeper->namespace_, project->name,
                                  &row, reterr);
    if (code == 0)
        project->id = row.id;
    return code == -ERR_NOT_FOUND ? 0 : code;
}

/* A machine that has seen how things are; none if there is nothing to tell of the project. */
static int ensure(struct keeper *keeper, struct keeper_project *project, bool makes,
                  struct err *reterr)
{
    struct arena arena;
    project->used_us = clock_monotonic_us();
    if (project->machine != NULL && project->viewed)
        return 0;
    arena_init(&arena, LOAD_BYTES);
    int code = identify(keeper, project, &arena, makes, reterr);
    if (code == 0 && project->id != 0 && project->machine == NULL)
        code = load_rows(keeper, project, &arena, reterr);
    arena_done(&arena);
    if (code == 0 && project->machine != NULL && cache_listed(keeper->cache))
        code = look(keeper, project, reterr);
    return code;
}

enum step_kind { STEP_LOAD, STEP_SEE, STEP_FEED, STEP_TICK, STEP_SHIFT, STEP_EFFECTS };

struct step {
    enum step_kind kind;
    bool makes;
    const struct machine_intent *intent;
    int64_t shift_us;
    const struct machine_effect *effects;
    size_t count;
};

static int take_step(struct keeper *keeper, struct keeper_project *project, const struct step *step,
                     struct err *reterr)
{
    const bool was_viewed = project->machine != NULL && project->viewed;
    int code = ensure(keeper, project, step->makes, reterr);
    if (code < 0 || project->machine == NULL)
        return code;
    arena_reset(&keeper->scratch, SCRATCH_KEPT_BYTES);
    switch (step->kind) {
    case STEP_LOAD:
        break;
    case STEP_SEE:
        code = was_viewed ? look(keeper, project, reterr) : 0;
        break;
    case STEP_FEED:
        code = keeper_was_fed(keeper, step->intent->id)
                   ? 0
                   : feed(keeper, project, step->intent, reterr);
        break;
    case STEP_TICK:
        machine_tick(project->machine, keeper->now);
        code = commit_step(keeper, project, NULL, reterr);
        break;
    case STEP_SHIFT:
        machine_shift(project->machine, step->shift_us, keeper->now);
        code = commit_step(keeper, project, NULL, reterr);
        break;
    case STEP_EFFECTS: {
        struct commit commit = {
            .keeper = keeper, .project = project, .effects = step->effects, .count = step->count};
        code = write_effects(&commit, reterr);
        if (code == 0)
            tell_hooks(&commit);
        break;
    }
    }
    return code;
}

/* ---- Trying again */

/* Whether this step is given up: what no time mends; or for a minute it failed and others would
 * not have.  Then it is looked at again later, as after a gap. */
static bool gives_up(struct keeper *keeper, struct keeper_project *project, int code,
                     unsigned failures, const struct err *err)
{
    const bool hopeless =
        project->aside || (code != -ERR_STORE && code != -ERR_NO_MEMORY && code != -ERR_CONFLICT);
    if (failures < (hopeless ? TRIES_HOPELESS : TRIES_AWAY))
        return false;
    if (!hopeless &&
        store_cursor_set(keeper->options.store, &(struct store_cursor){"probe", ""}, NULL) < 0)
        return false;
    log_event(LOG_ERROR, "a project's history is set aside for now", "project", project->name,
              "error", err->text, NULL);
    project->missed = project->aside = true;
    project->tick_at = keeper->now + ASIDE_US;
    if (project->tick_at < keeper->next_tick_at)
        keeper->next_tick_at = project->tick_at;
    return true;
}

/* False: the step is not done and will not be. */
static bool recover(struct keeper *keeper, struct keeper_project *project, int code,
                    unsigned failures, const struct err *err)
{
    struct err why;
    metrics_add(METRICS_COMMIT_FAILURES, 1);
    keeper_unload(keeper, project);
    if (failures % 20 == 0)
        log_event(LOG_ERROR, "the history cannot be written, and is tried again", "project",
                  project->name, "error", err->text, NULL);
    if (gives_up(keeper, project, code, failures, err))
        return false;
    if (keeper_look_who_leads(keeper, &why) == 0 && !keeper->leads)
        return false;
    return keeper_rest(keeper, failures);
}

static void work(struct keeper *keeper, struct keeper_project *project, const struct step *step)
{
    for (unsigned failures = 0; keeper->leads; failures++) {
        struct err err = {0};
        const int code = take_step(keeper, project, step, &err);
        if (code == 0 && failures >= 20)
            log_event(LOG_INFO, "the history is written again", "project", project->name, NULL);
        if (code == 0) {
            project->aside = false;
            if (project->machine != NULL)
                keeper_note_tick(keeper, project);
            return;
        }
        const bool again = recover(keeper, project, code, failures, &err);
        keeper->quiet_us = clock_monotonic_us(); /* the queue did not get its turn meanwhile */
        if (!again)
            break;
    }
    project->missed = true;
}

void keeper_see(struct keeper *keeper, struct keeper_project *project)
{
    struct project_view view;
    arena_reset(&keeper->scratch, SCRATCH_KEPT_BYTES);
    const bool exists =
        cache_view(keeper->cache, &keeper->scratch, project->name, &view, NULL) == 0 &&
        view.deployment != NULL;
    work(keeper, project, &(struct step){.kind = STEP_SEE, .makes = exists});
}

void keeper_feed(struct keeper *keeper, struct keeper_project *project,
                 const struct machine_intent *intent)
{
    work(keeper, project, &(struct step){.kind = STEP_FEED, .makes = true, .intent = intent});
}

void keeper_tick(struct keeper *keeper, struct keeper_project *project)
{
    project->tick_at = INT64_MAX;
    work(keeper, project, &(struct step){.kind = STEP_TICK});
}

void keeper_shift(struct keeper *keeper, struct keeper_project *project, int64_t by_us)
{
    work(keeper, project, &(struct step){.kind = STEP_SHIFT, .shift_us = by_us});
}

void keeper_load(struct keeper *keeper, struct keeper_project *project)
{
    work(keeper, project, &(struct step){.kind = STEP_LOAD});
}

void keeper_commit_effects(struct keeper *keeper, struct keeper_project *project,
                           const struct machine_effect *effects, size_t count)
{
    work(keeper, project, &(struct step){.kind = STEP_EFFECTS, .effects = effects, .count = count});
}
