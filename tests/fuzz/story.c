#include "tests/fuzz/story.h"

#include "tests/fuzz/target.h"
#include "tests/unit/history/history.h"

#define PROJECTS 4U
#define ROWS_MAX (HISTORY_ROWS - 8U)

struct project {
    char name[256];
    struct machine *machine;
    struct history history;
};

static struct project projects[PROJECTS];
static size_t project_count;

/* One step, under test.h's own way out of a CHECK that fails. */
struct told {
    struct project *project;
    const struct history_step *step;
    struct machine *before; /* rebuilt */
};

void story_reset(void)
{
    (void)test_run_all, (void)test_last; /* test.h's own main is not ours */
    for (size_t i = 0; i < project_count; i++) {
        machine_free(projects[i].machine);
        arena_done(&projects[i].history.arena);
    }
    memset(projects, 0, sizeof projects);
    project_count = 0;
}

/* NULL: there are enough. */
static struct project *project_of(const char *name)
{
    struct err err;
    for (size_t i = 0; i < project_count; i++) {
        if (strcmp(projects[i].name, name) == 0)
            return &projects[i];
    }
    if (project_count == PROJECTS || strlen(name) >= sizeof projects[0].name)
        return NULL;
    struct project *project = &projects[project_count++];
    memcpy(project->name, name, strlen(name) + 1);
    arena_init(&project->history.arena, 256 * LIMIT_MIB);
    if (machine_new(&machine_settings_default, &project->machine, &err) != 0)
        target_broken("there is a machine", err.text);
    return project;
}

static void take(void *context)
{
    const struct told *told = context;
    struct project *project = told->project;
    size_t count;
    history_step(project->machine, told->step);
    history_compare(&project->history, &machine_settings_default, project->machine, told->step);
    history_take(&project->history, project->machine);
    const struct history_step again = {.view = told->step->view, .now = told->step->now};
    history_step(project->machine, &again);
    (void)machine_effects(project->machine, &count);
    if (told->step->intent == NULL && !told->step->gap)
        CHECK_INT(count, 0);
    history_take(&project->history, project->machine);
}

static void step(const char *name, const struct history_step *step)
{
    struct project *project = project_of(name);
    if (project == NULL || project->history.count >= ROWS_MAX ||
        project->history.event_count >= HISTORY_EVENTS - 64)
        return;
    struct told told = {.project = project, .step = step};
    if (!test_passes(take, &told))
        target_broken("a history keeps its rules (history.h)", name);
}

void story_view(const char *project, const struct project_view *view, bool gap, int64_t now)
{
    step(project, &(struct history_step){.view = view, .gap = gap, .now = now});
}

void story_intent(const char *project, const struct machine_intent *intent, int64_t now)
{
    step(project, &(struct history_step){.intent = intent, .now = now});
}

void story_remember(const char *project, const char *memory, enum revision_status status)
{
    struct err err;
    struct project *known = project_of(project);
    if (known == NULL || known->history.count > 0)
        return;
    known->history.rows[0] = (struct revision){.id = 1001,
                                               .seq = 1,
                                               .uid = "d1",
                                               .generation = 1,
                                               .template_sha = "0",
                                               .status = status,
                                               .progress = status == REVISION_COMPLETED ? 100 : 0,
                                               .started_at = 1,
                                               .memory = history_keep(&known->history, memory)};
    known->history.count = 1;
    if (machine_load(known->machine, known->history.rows, 1, &err) != 0)
        target_broken("a machine takes whatever memory its rows have", err.text);
}
