/* The recorder's intake: an intent is read, answered and stored; a watch's events are taken. */
#include "base/limits.h"
#include "client/watch_internal.h"
#include "history/cache.h"
#include "history/intent.h"
#include "history/store.h"
#include "tests/torture/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW      1795262400000000LL
#define REVIEW   "tests/cases/engine/ratchet-template-changed/review.json"
#define RECORDED "tests/unit/history/rollouts/crash-loop.jsonl"

static struct {
    char *body, *stream;
    size_t length, stream_length;
    char wanted[1 << 16];
    char path[256];
    size_t projects, projects_wanted;
    bool complete;
} it;

/* ---- intents ---------------------------------------------------------------------------- */

static bool is_held(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold)
{
    (void)context, (void)namespace_, (void)name, (void)template_sha;
    *ret_hold = (struct intent_hold){.set_by = "a teacher", .reason = "it loses data"};
    return true;
}

struct reading {
    struct arena *arena;
    struct intent intent;
    struct buf answer;
    bool answered;
};

static void read_intent(void *context)
{
    struct reading *reading = context;
    static const struct intent_settings settings = {.is_held = is_held};
    struct err err;
    const int rc =
        intent_read(reading->arena, it.body, it.length, &settings, NOW, &reading->intent, &err);
    if (rc != 0)
        return;
    buf_init(&reading->answer, reading->arena, LIMIT_MIB);
    intent_answer(reading->arena, &reading->intent, &reading->answer);
    reading->answered = true;
}

/* A hold's refusal, or nothing at all (then the intake allows, and counts it). */
static size_t run_intent(size_t bytes)
{
    struct arena arena;
    struct reading reading = {.arena = &arena};
    arena_init(&arena, bytes != 0 ? bytes : 16 * LIMIT_MIB);
    const bool whole = arena_try(&arena, read_intent, &reading);
    if (whole && reading.answered) {
        if (it.wanted[0] == '\0')
            memcpy(it.wanted, reading.answer.data, reading.answer.length + 1);
        if (strcmp(it.wanted, reading.answer.data) != 0)
            scene_broken("a held template is refused, or there is no answer", reading.answer.data);
    }
    const size_t used = arena.used_bytes;
    arena_done(&arena);
    return used;
}

static void prepare_intent(void)
{
    arena_install_cjson_hooks();
    it.body = scene_read(REVIEW, &it.length);
    run_intent(0);
    if (strstr(it.wanted, "\"allowed\":false") == NULL)
        scene_broken("the hold refuses", it.wanted);
}

static void judge_nothing(void)
{
}

/* ---- the store -------------------------------------------------------------------------- */

static const struct machine_intent stored = {.uid = "d1",
                                             .template_sha = "0123",
                                             .template_json = "{\"spec\":{}}",
                                             .generation = 1,
                                             .received_at = NOW,
                                             .actor_user = "student-1",
                                             .change_kind = "image"};
static int64_t stored_id;

static void remove_store(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[300];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", it.path, ends[i]);
        unlink(name);
    }
}

static void prepare_store(void)
{
    arena_install_cjson_hooks();
    snprintf(it.path, sizeof it.path, "%s/torture.sqlite", scene_folder());
    remove_store();
}

/* Opened, written, read, closed. */
static size_t run_store(size_t bytes)
{
    const struct store_options options = {.url = it.path};
    struct store *store = NULL;
    struct store_intent_row *rows;
    struct arena arena;
    struct err err = {.text = ""};
    size_t count;
    (void)bytes;
    stored_id = 0;
    if (store_open(&options, &store, &err) != 0)
        return 0;
    arena_init(&arena, 16 * LIMIT_MIB);
    if (store_intent(store, &stored, "class", "web", &stored_id, &err) != 0)
        stored_id = 0;
    else if (store_intents_open(store, &arena, 0, 0, 10, &rows, &count, &err) == 0 && count == 0)
        scene_broken("what is stored can be read", "");
    arena_done(&arena);
    store_close(store);
    return 0;
}

/* What the store said that it has, it has. */
static void judge_store(void)
{
    const struct store_options options = {.url = it.path};
    struct store *store = NULL;
    struct store_intent_row *rows;
    struct arena arena;
    struct err err = {.text = ""};
    size_t count = 0;
    if (stored_id != 0) {
        arena_init(&arena, 16 * LIMIT_MIB);
        if (store_open(&options, &store, &err) != 0)
            scene_broken("a store can be opened after it was closed", err.text);
        if (store_intents_open(store, &arena, 0, 0, 10, &rows, &count, &err) != 0 || count != 1 ||
            rows[0].intent.id != stored_id)
            scene_broken("what is acknowledged is on the disk", err.text);
        arena_done(&arena);
        store_close(store);
    }
    remove_store();
}

/* ---- the watch -------------------------------------------------------------------------- */

static struct cache *cache;

static int take(void *context, enum watch_event event, const cJSON *object, bool gap)
{
    const char *kind = json_get_string(object, "kind"), *project;
    struct err err;
    (void)context, (void)gap;
    const enum cache_kind row = kind == NULL                      ? CACHE_DEPLOYMENTS
                                : strcmp(kind, "ReplicaSet") == 0 ? CACHE_SETS
                                : strcmp(kind, "Pod") == 0        ? CACHE_PODS
                                                                  : CACHE_DEPLOYMENTS;
    const int rc = cache_take(cache, row, event, object, &project, &err);
    if (rc != 0 && rc != -(int)ERR_NO_MEMORY)
        scene_broken("a recorded object is one", err.text);
    it.complete = it.complete && rc == 0 && event != WATCH_UNREADABLE;
    return 0;
}

static size_t run_watch(size_t bytes)
{
    static const struct watch_options options = {.path = "/torture"};
    struct watch watch = {.options = &options, .handler = take};
    struct arena arena;
    struct err err;
    const char *const *names;
    size_t count = 0;
    (void)bytes;
    it.complete = true;
    it.projects = 0;
    if (cache_new(&cache, &err) != 0) {
        it.complete = false;
        return 0;
    }
    arena_init(&arena, LIMIT_MIB);
    arena_init(&watch.call, 16 * LIMIT_MIB);
    arena_init(&watch.event, 16 * LIMIT_MIB);
    buf_init(&watch.text, NULL, LIMIT_ANSWER_BYTES);
    it.complete = watch_take_events(&watch, it.stream, it.stream_length) && it.complete;
    if (cache_projects(cache, &arena, &names, &count, &err) != 0)
        it.complete = false;
    it.projects = count;
    struct project_view view;
    if (count > 0 && cache_view(cache, &arena, names[0], &view, &err) != 0)
        it.complete = false;
    arena_done(&watch.call);
    arena_done(&watch.event);
    arena_done(&arena);
    buf_done(&watch.text);
    cache_free(cache);
    return 0;
}

static void prepare_watch(void)
{
    arena_install_cjson_hooks();
    it.stream = scene_read(RECORDED, &it.stream_length);
    run_watch(0);
    it.projects_wanted = it.projects;
    if (!it.complete || it.projects == 0)
        scene_broken("a recorded stream is taken", "");
}

static void judge_watch(void)
{
    if (it.complete && it.projects != it.projects_wanted)
        scene_broken("a stream without an error is whole", "");
}

const struct scene scenes_recorder[] = {
    {"intent", SCENE_HEAP, prepare_intent, run_intent, judge_nothing, 0},
    {"intent-arena", SCENE_ARENA, prepare_intent, run_intent, judge_nothing, 64},
    {"watch", SCENE_HEAP, prepare_watch, run_watch, judge_watch, 0},
    {"store", SCENE_HEAP, prepare_store, run_store, judge_store, 0},
    {.name = NULL},
};
