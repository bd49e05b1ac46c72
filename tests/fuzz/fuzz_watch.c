/* What an API server sends, from its bytes to the history: a watch's stream (a line each event),
 * pages of lists, through the cache and the views to the machine's effects.
 *
 * The input is lines.  A line "#page" begins a page of a list and "#events" goes on with the
 * stream; kinds are told apart by the objects' own word.  Each stream is read twice, once in
 * pieces: what is told must not hang on where the network cut it.
 */
#include "tests/fuzz/story.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include "base/limits.h"
#include "client/watch_internal.h"
#include "history/cache.h"

#include <stdlib.h>
#include <string.h>

#define NOW          1795262400000000LL
#define PROJECTS_MAX 4U

/* What a pass told, and where it got to. */
struct pass {
    struct watch watch;
    struct buf told;
    struct cache *cache;
    size_t events;
};

static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena_install_cjson_hooks();
    arena_init(&arena, 64 * LIMIT_MIB);
    return 0;
}

static enum cache_kind kind_of(const cJSON *object)
{
    const char *kind = json_get_string(object, "kind");
    if (kind != NULL && strcmp(kind, "ReplicaSet") == 0)
        return CACHE_SETS;
    return kind != NULL && strcmp(kind, "Pod") == 0 ? CACHE_PODS : CACHE_DEPLOYMENTS;
}

/* ---- the cache -------------------------------------------------------------------------- */

/* Uids are the API server's: of one that two kinds share, only one is found. */
static void check_place(struct pass *pass, const char *project, const char *uid, const char *set)
{
    struct cache_place place;
    if (set != NULL && cache_find(pass->cache, uid, &place) && place.set_uid != NULL &&
        strcmp(place.set_uid, set) == 0)
        target_holds(strcmp(place.project, project) == 0, "it is found where it is seen", uid);
}

static void check_view(struct pass *pass, const char *name, int64_t now, bool gap)
{
    struct project_view view;
    struct err err;
    if (cache_view(pass->cache, &arena, name, &view, &err) != 0)
        target_broken("a project can be seen", err.text);
    const struct view_deployment *deployment = view.deployment;
    target_holds(deployment == NULL || strcmp(deployment->name, name) == 0,
                 "a project's Deployment has its name", name);
    for (size_t i = 0; i < view.set_count; i++)
        check_place(pass, name, view.sets[i].uid, view.sets[i].uid);
    for (size_t i = 0; i < view.pod_count; i++)
        check_place(pass, name, view.pods[i].uid, view.pods[i].owner_uid);
    (void)view_new_set(&view);
    story_view(name, &view, gap, now);
}

static void take_into_cache(struct pass *pass, enum watch_event event, const cJSON *object,
                            bool gap)
{
    const char *project = NULL;
    struct err err = {.text = ""};
    enum cache_kind kind = kind_of(object), last = kind;
    if (object == NULL || event == WATCH_LIST_ENDS || event == WATCH_BOOKMARK)
        kind = CACHE_DEPLOYMENTS, last = CACHE_KINDS - 1; /* all lists are one here */
    for (; kind <= last; kind++) {
        const int rc = cache_take(pass->cache, kind, event, object, &project, &err);
        target_holds(rc == 0 || rc == -(int)ERR_ANSWER, "a cache refuses what is no object",
                     err.text);
        if (rc != 0)
            project = NULL;
    }
    if (project != NULL)
        check_view(pass, arena_strdup(&arena, project), NOW + (int64_t)pass->events * 1000000, gap);
}

static void check_projects(struct pass *pass)
{
    const char *const *names;
    size_t count;
    struct err err;
    if (cache_projects(pass->cache, &arena, &names, &count, &err) != 0)
        target_broken("the projects are known", err.text);
    for (size_t i = 0; i < count && i < PROJECTS_MAX; i++)
        check_view(pass, names[i], NOW + (int64_t)pass->events * 1000000, true);
}

/* ---- the stream ------------------------------------------------------------------------- */

static int take(void *context, enum watch_event event, const cJSON *object, bool gap)
{
    struct pass *pass = context;
    pass->events++;
    buf_add_strings(&pass->told, watch_event_name(event), gap ? " gap " : " ", NULL);
    if (object != NULL)
        json_write(&pass->told, object);
    buf_add_char(&pass->told, '\n');
    target_holds(object != NULL || event == WATCH_LIST_BEGINS || event == WATCH_CONNECTED,
                 "an event has its object", watch_event_name(event));
    if (pass->cache != NULL)
        take_into_cache(pass, event, object, gap);
    return 0;
}

static void take_page(struct pass *pass, const char *text, size_t length)
{
    const char *token = NULL;
    struct err err = {.text = ""};
    watch_clear_text(&pass->watch);
    arena_reset(&pass->watch.call, LIMIT_MIB);
    buf_add(&pass->watch.text, text, length);
    char version[WATCH_VERSION_BYTES];
    memcpy(version, pass->watch.version, sizeof version);
    const size_t before = pass->events;
    if (watch_take_page(&pass->watch, true, &token, &err) != 0) {
        target_holds(err.text[0] != '\0' && pass->events == before &&
                         strcmp(version, pass->watch.version) == 0,
                     "what is no list is not told", err.text);
    } else if (token == NULL) {
        arena_reset(&pass->watch.event, LIMIT_MIB);
        take(pass, WATCH_LIST_ENDS, watch_version_object(&pass->watch), pass->watch.gap);
    }
    watch_clear_text(&pass->watch);
}

/* piece 0: in one. */
static void take_stream(struct pass *pass, const char *text, size_t length, size_t piece)
{
    struct watch *watch = &pass->watch;
    arena_reset(&watch->call, LIMIT_MIB);
    watch_clear_text(watch);
    watch->skips = watch->expired = watch->broken = false;
    bool goes_on = true;
    for (size_t at = 0; goes_on && at < length;) {
        const size_t count = piece == 0 || length - at < piece ? length - at : piece;
        goes_on = watch_take_events(watch, text + at, count);
        at += count;
    }
    target_holds(goes_on || watch->broken || watch->expired || watch->ended,
                 "a stream that ends says why", "");
    target_holds(!watch->broken || watch->why.text[0] != '\0', "a broken stream says why", "");
    target_holds(memchr(watch->version, '\0', sizeof watch->version) != NULL, "a version is whole",
                 "");
    if (!goes_on)
        buf_add_strings(&pass->told, "ended ", watch->expired ? "expired\n" : "broken\n", NULL);
    watch->gap = watch->gap || watch->expired;
    watch_clear_text(watch);
}

/* The sections between lines that begin with '#'. */
static void run(struct pass *pass, const char *text, size_t piece)
{
    bool page = false;
    while (*text != '\0') {
        if (*text == '#') {
            page = strncmp(text, "#page", 5) == 0;
            text += strcspn(text, "\n");
            text += *text == '\n';
        }
        const char *end = strstr(text, "\n#");
        const size_t length = end != NULL ? (size_t)(end - text) + 1 : strlen(text);
        if (page)
            take_page(pass, text, length);
        else
            take_stream(pass, text, length, piece);
        text += length;
    }
}

static void pass_begin(struct pass *pass, const struct watch_options *options)
{
    *pass = (struct pass){.watch = {.options = options, .handler = take}};
    pass->watch.context = pass;
    arena_init(&pass->watch.call, 64 * LIMIT_MIB);
    arena_init(&pass->watch.event, 128 * LIMIT_MIB);
    buf_init(&pass->watch.text, NULL, LIMIT_ANSWER_BYTES);
    buf_init(&pass->told, NULL, 64 * LIMIT_MIB);
}

static void pass_end(struct pass *pass)
{
    arena_done(&pass->watch.call);
    arena_done(&pass->watch.event);
    buf_done(&pass->watch.text);
    buf_done(&pass->told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct watch_options options = {.path = "/fuzz"};
    struct pass whole, pieces;
    struct err err;
    if (target_has_nul(data, size))
        return 0;
    arena_reset(&arena, LIMIT_MIB);
    char *text = target_text(data, size);
    pass_begin(&whole, &options);
    pass_begin(&pieces, &options);
    if (cache_new(&whole.cache, &err) != 0)
        target_broken("there is a cache", err.text);
    story_reset();
    run(&whole, text, 0);
    check_projects(&whole);
    run(&pieces, text, size % 7 + 1);
    target_holds(!whole.told.failed && strcmp(whole.told.data, pieces.told.data) == 0,
                 "what is told does not hang on the network's pieces", whole.told.data);
    target_holds(strcmp(whole.watch.version, pieces.watch.version) == 0,
                 "the version does not hang on the network's pieces", whole.watch.version);
    cache_free(whole.cache);
    pass_end(&whole);
    pass_end(&pieces);
    free(text);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tree_mutate(data, size, max_size, seed);
}
