/* Sequences that a real API server and its controllers went through (record-rollouts), judged by
 * the machine.  What the history is to say stands beside each, in rollouts/NAME.history: a line a
 * version, then the events in their order.  Each is also played with one kind of object seen later
 * than the others; and at every step a machine that was rebuilt from the rows has to tell the same.
 * RECORD=1 writes the .history files anew: read the difference.
 */
#include "tests/unit/history/history.h"

#define FOLDER      "tests/unit/history/rollouts/"
#define LINES_MAX   512
#define OBJECTS_MAX 64
#define MINUTE      (60 * 1000000LL)

struct line {
    int64_t at;
    size_t index; /* in the recording: keeps equal times in order */
    const char *kind, *type;
    const cJSON *object;
};

struct playback {
    struct arena arena;
    struct line lines[LINES_MAX];
    size_t line_count;
    const cJSON *objects[OBJECTS_MAX]; /* as they are by now */
    size_t object_count;
    struct history history;
    struct machine *machine;
};

static struct playback play;

static const char *uid_of(const cJSON *object)
{
    return json_get_string(json_get(object, "metadata"), "uid");
}

static const char *kind_of(const cJSON *object)
{
    return json_get_string(object, "kind");
}

static void read_lines(char *text)
{
    play.line_count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        cJSON *root;
        struct err err;
        CHECK(play.line_count < LINES_MAX);
        if (json_parse(&play.arena, line, strlen(line), &json_limits_review, &root, &err) < 0)
            TEST_FAIL("line %zu: %s", play.line_count + 1, err.text);
        struct line *one = &play.lines[play.line_count];
        *one = (struct line){.index = play.line_count,
                             .type = json_get_string(root, "type"),
                             .object = json_get(root, "object")};
        CHECK(json_int64(json_get(root, "at"), &one->at));
        one->kind = kind_of(one->object);
        play.line_count++;
    }
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* Watches of different kinds know nothing of each other: one may be late. */
static void delay(const char *kind, int64_t us)
{
    for (size_t i = 0; i < play.line_count; i++) {
        if (kind != NULL && strcmp(play.lines[i].kind, kind) == 0)
            play.lines[i].at += us;
    }
    qsort(play.lines, play.line_count, sizeof *play.lines, compare_lines);
}

static void take_line(const struct line *line)
{
    size_t at = 0;
    while (at < play.object_count && strcmp(uid_of(play.objects[at]), uid_of(line->object)) != 0)
        at++;
    if (strcmp(line->type, "DELETED") == 0) {
        CHECK(at < play.object_count);
        play.objects[at] = play.objects[--play.object_count];
        return;
    }
    CHECK(at < OBJECTS_MAX);
    play.objects[at] = line->object;
    if (at == play.object_count)
        play.object_count++;
}

static struct project_view view_now(struct arena *arena)
{
    struct view_deployment *deployment = arena_alloc(arena, sizeof *deployment);
    struct view_set *sets = arena_array(arena, OBJECTS_MAX, sizeof *sets);
    struct view_pod *pods = arena_array(arena, OBJECTS_MAX, sizeof *pods);
    struct project_view view = {.sets = sets, .pods = pods};
    for (size_t i = 0; i < play.object_count; i++) {
        const cJSON *object = play.objects[i];
        struct err err = {0};
        int code;
        if (strcmp(kind_of(object), "Deployment") == 0) {
            code = view_deployment(arena, object, deployment, &err);
            view.deployment = deployment;
        } else if (strcmp(kind_of(object), "ReplicaSet") == 0) {
            code = view_set(arena, object, &sets[view.set_count++], &err);
        } else {
            code = view_pod(arena, object, &pods[view.pod_count++], &err);
        }
        if (code < 0)
            TEST_FAIL("%s", err.text);
    }
    return view;
}

static void step(const struct history_step *one)
{
    history_step(play.machine, one);
    history_compare(&play.history, &machine_settings_default, play.machine, one);
    history_take(&play.history, play.machine);
}

/* The clock goes on: every tick that is due by then. */
static void tick_until(int64_t at)
{
    for (int64_t next; (next = machine_next_tick(play.machine)) <= at;) {
        step(&(struct history_step){.now = next});
        CHECK(machine_next_tick(play.machine) > next);
    }
}

static void play_lines(void)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 64 * LIMIT_MIB);
    play.object_count = 0;
    play.history = (struct history){0};
    arena_init(&play.history.arena, 64 * LIMIT_MIB);
    CHECK(machine_new(&machine_settings_default, &play.machine, &err) == 0);
    machine_sync(play.machine, true);
    for (size_t i = 0; i < play.line_count; i++) {
        tick_until(play.lines[i].at - 1);
        take_line(&play.lines[i]);
        struct project_view view = view_now(&arena);
        if (view.deployment != NULL || play.history.count > 0)
            step(&(struct history_step){.view = &view, .now = play.lines[i].at});
        arena_reset(&arena, LIMIT_MIB);
    }
    tick_until(play.lines[play.line_count - 1].at + 60 * MINUTE);
    arena_done(&arena);
}

static const char *good_name(enum revision_good good)
{
    static const char *const names[] = {"unknown", "good", "bad"};
    return names[good];
}

/* Versions: number, image, state, reason, progress, good, which one it repeats; then events. */
static void write_history(struct buf *buf)
{
    for (size_t i = 0; i < play.history.count; i++) {
        const struct revision *row = &play.history.rows[i];
        buf_printf(buf, "%lld generation %lld revision %lld %s %s %d%% %s", (long long)row->seq,
                   (long long)row->generation, (long long)row->k8s_revision,
                   revision_status_name(row->status), row->reason != NULL ? row->reason : "-",
                   row->progress, good_name(row->good));
        buf_printf(buf, " %s repeats %lld by %s\n",
                   row->change_kind != NULL ? row->change_kind : "-",
                   (long long)(row->source != 0 ? row->source - 1000 : 0), row->actor_user);
        if (row->message != NULL)
            buf_printf(buf, "  %s\n", row->message);
    }
    for (size_t i = 0; i < play.history.event_count; i++)
        buf_printf(buf, "%lld %s\n", (long long)play.history.events[i].seq,
                   play.history.events[i].type);
    buf_printf(buf, "%zu wishes to go back\n", play.history.wishes);
}

/* What has to be the same whichever kind of object was seen late. */
static void write_verdicts(struct buf *buf)
{
    for (size_t i = 0; i < play.history.count; i++) {
        const struct revision *row = &play.history.rows[i];
        buf_printf(buf, "%lld generation %lld %s %s %s\n", (long long)row->seq,
                   (long long)row->generation, revision_status_name(row->status),
                   row->reason != NULL ? row->reason : "-", good_name(row->good));
    }
}

struct recording {
    const char *name;
    struct arena arena; /* of the texts */
    struct buf whole, verdicts;
};

static void play_recording(struct recording *recording, const char *late, int64_t us)
{
    char path[128];
    snprintf(path, sizeof path, FOLDER "%s.jsonl", recording->name);
    arena_init(&play.arena, 64 * LIMIT_MIB);
    char *text = test_read_file(path, NULL);
    read_lines(text);
    free(text);
    delay(late, us);
    play_lines();
    buf_init(&recording->whole, &recording->arena, LIMIT_MIB);
    buf_init(&recording->verdicts, &recording->arena, LIMIT_MIB);
    write_history(&recording->whole);
    write_verdicts(&recording->verdicts);
    machine_free(play.machine);
    arena_done(&play.history.arena);
    arena_done(&play.arena);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void check_recording(const char *name)
{
    static const char *const kinds[] = {"Pod", "ReplicaSet", "Deployment"};
    static const int64_t delays_us[] = {30000, 700000};
    struct recording recording = {.name = name};
    char path[128];
    arena_init(&recording.arena, 64 * LIMIT_MIB);
    play_recording(&recording, NULL, 0);
    snprintf(path, sizeof path, FOLDER "%s.history", name);
    if (getenv("RECORD") != NULL)
        write_file(path, recording.whole.data);
    char *want = test_read_file(path, NULL);
    const char *verdicts = recording.verdicts.data;
    CHECK_STRING(recording.whole.data, want);
    free(want);
    for (size_t i = 0; i < 6; i++) {
        play_recording(&recording, kinds[i % 3], delays_us[i / 3]);
        CHECK_STRING(recording.verdicts.data, verdicts);
    }
    arena_done(&recording.arena);
}

#define RECORDED(title, file)                                                                      \
    TEST(title)                                                                                    \
    {                                                                                              \
        arena_install_cjson_hooks();                                                               \
        check_recording(file);                                                                     \
    }

RECORDED(a_good_rollout_annotated_and_scaled, "good")
RECORDED(an_image_that_cannot_be_pulled, "broken-image")
RECORDED(a_crash_loop, "crash-loop")
RECORDED(a_configuration_error, "config-error")
RECORDED(a_time_out, "timed-out")
RECORDED(back_to_the_old_version_after_a_time_out, "back-after-time-out")
RECORDED(there_and_back_and_there_again_with_the_old_condition, "there-and-back-quickly")
RECORDED(complete_after_it_timed_out, "late")
RECORDED(two_versions_while_paused, "paused")
RECORDED(recreate, "recreate")
RECORDED(recreate_with_a_broken_image, "recreate-broken")
RECORDED(scaled_to_zero_and_back, "scaled-to-zero")
RECORDED(deleted_and_created_again, "deleted-and-created")
RECORDED(undone_by_kubectl, "undo")
RECORDED(two_updates_at_once, "two-updates-at-once")

TEST_MAIN
