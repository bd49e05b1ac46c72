/* Events of Kubernetes about a project's objects, kept with the revision that they are about: an
 * hour later the API server has forgotten them.  They come by a watch of their own, so what they
 * are about may not be known yet: they wait for it a while. */
#include "base/clock.h"
#include "base/limits.h"
#include "recorder/keeper_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_US    (60 * KEEPER_SECOND_US)
#define OF_REVISION    50 /* of these at most so many are no warnings: */
#define NORMAL_OF_THEM 20
#define A_COMMIT       100
#define FLUSH_BYTES    (64 * LIMIT_MIB)
#define TEXT_RUNES     1024
#define OURS           "proctor"

struct keeper_evidence {
    struct keeper_evidence *next;
    int64_t until_us; /* monotonic */
    int64_t at, count;
    bool warning;
    const char *uid, *about_uid, *type, *reason, *object, *message; /* in `text` */
    char text[];
};

/* ---- In */

static int64_t time_of(const cJSON *event)
{
    const char *text = json_get_string(event, "lastTimestamp");
    if (text == NULL)
        text = json_get_string(json_get(event, "series"), "lastObservedTime");
    if (text == NULL)
        text = json_get_string(event, "eventTime");
    if (text == NULL)
        text = json_get_string(json_get(event, "metadata"), "creationTimestamp");
    struct tm parts = {0};
    if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
        return 0;
    return (int64_t)timegm(&parts) * KEEPER_SECOND_US;
}

static int64_t count_of(const cJSON *event)
{
    int64_t count;
    const cJSON *node = json_get(json_get(event, "series"), "count");
    if (node == NULL)
        node = json_get(event, "count");
    return json_is_number(node) && json_int64(node, &count) && count > 1 ? count : 1;
}

/* Our own letters are Events too. */
static bool is_ours(const cJSON *event)
{
    const char *by = json_get_string(event, "reportingComponent");
    if (by == NULL || by[0] == '\0')
        by = json_get_string(json_get(event, "source"), "component");
    return by != NULL && strncmp(by, OURS, strlen(OURS)) == 0;
}

static const char *add(char **at, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = *at;
    memcpy(copy, text, bytes);
    *at += bytes;
    return copy;
}

static const char *text_or_empty(const cJSON *object, const char *key)
{
    const char *text = json_get_string(object, key);
    return text != NULL ? text : "";
}

static struct keeper_evidence *read_event(const cJSON *event)
{
    const cJSON *about = json_get(event, "involvedObject");
    const char *uid = json_get_string(json_get(event, "metadata"), "uid");
    const char *about_uid = json_get_string(about, "uid");
    if (uid == NULL || about_uid == NULL || is_ours(event))
        return NULL;
    const char *const texts[] = {uid,
                                 about_uid,
                                 text_or_empty(event, "type"),
                                 text_or_empty(event, "reason"),
                                 text_or_empty(about, "kind"),
                                 text_or_empty(about, "name"),
                                 text_or_empty(event, "message")};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        bytes += strlen(texts[i]) + 1;
    struct keeper_evidence *evidence = malloc(sizeof *evidence + bytes);
    if (evidence == NULL)
        return NULL;
    *evidence = (struct keeper_evidence){.until_us = clock_monotonic_us() + PATIENCE_US,
                                         .at = time_of(event),
                                         .count = count_of(event),
                                         .warning = strcmp(texts[2], "Warning") == 0};
    char *at = evidence->text;
    evidence->uid = add(&at, texts[0]);
    evidence->about_uid = add(&at, texts[1]);
    evidence->type = add(&at, texts[2]);
    evidence->reason = add(&at, texts[3]);
    evidence->object = add(&at, texts[4]);
    at[-1] = '/'; /* Kind/name */
    add(&at, texts[5]);
    evidence->message = add(&at, texts[6]);
    return evidence;
}

static void drop_first(struct keeper *keeper)
{
    struct keeper_evidence *first = keeper->evidence_first;
    keeper->evidence_first = first->next;
    if (keeper->evidence_first == NULL)
        keeper->evidence_last = &keeper->evidence_first;
    keeper->evidence_count--;
    free(first);
}

void keeper_evidence_take(struct keeper *keeper, enum watch_event event, const cJSON *object)
{
    if (event != WATCH_LISTED && event != WATCH_ADDED && event != WATCH_MODIFIED)
        return;
    struct keeper_evidence *evidence = read_event(object);
    if (evidence == NULL)
        return;
    if (keeper->evidence_count >= KEEPER_EVIDENCE_MAX)
        drop_first(keeper);
    *keeper->evidence_last = evidence;
    keeper->evidence_last = &evidence->next;
    keeper->evidence_count++;
}

void keeper_evidence_done(struct keeper *keeper)
{
    while (keeper->evidence_first != NULL)
        drop_first(keeper);
}

/* ---- Out: those of one project in one commit */

struct flush {
    struct keeper *keeper;
    struct arena arena;
    struct keeper_project *project;
    struct machine_effect effects[A_COMMIT];
    size_t count;
    int64_t counted; /* the revision that these are of: */
    int64_t warnings, normal;
    const struct store_event *known;
    size_t known_count;
    struct err *reterr;
};

static const char *key_of(struct arena *arena, const struct keeper_evidence *evidence)
{
    int bucket = 0;
    for (int64_t rest = evidence->count; rest > 1; rest /= 2)
        bucket++;
    return arena_printf(arena, "kubernetes/%s/%d", evidence->uid, bucket);
}

/* What the revision has already. */
static bool count_known(struct flush *flush, int64_t revision)
{
    struct store_event *events;
    if (flush->counted == revision)
        return true;
    const struct store_event_query query = {.revision = revision, .limit = STORE_PAGE_ROWS};
    if (store_events(flush->keeper->options.store, &flush->arena, &query, &events,
                     &flush->known_count, flush->reterr) < 0)
        return false;
    flush->counted = revision;
    flush->known = events;
    flush->warnings = flush->normal = 0;
    for (size_t i = 0; i < flush->known_count; i++) {
        if (strcmp(events[i].type, STORE_KUBERNETES_EVENT) != 0)
            continue;
        if (strncmp(events[i].message, "Warning ", strlen("Warning ")) == 0)
            flush->warnings++;
        else
            flush->normal++;
    }
    return true;
}

static bool is_known(const struct flush *flush, const char *key)
{
    for (size_t i = 0; i < flush->known_count; i++) {
        if (flush->known[i].key != NULL && strcmp(flush->known[i].key, key) == 0)
            return true;
    }
    for (size_t i = 0; i < flush->count; i++) {
        if (strcmp(flush->effects[i].event_key, key) == 0)
            return true;
    }
    return false;
}

static bool has_room(struct flush *flush, const struct keeper_evidence *evidence)
{
    if (flush->warnings + flush->normal >= OF_REVISION ||
        (!evidence->warning && flush->normal >= NORMAL_OF_THEM))
        return false;
    if (evidence->warning)
        flush->warnings++;
    else
        flush->normal++;
    return true;
}

static const char *visible(struct arena *arena, const char *text)
{
    struct buf buf;
    buf_init(&buf, arena, 8 * TEXT_RUNES);
    buf_add_visible(&buf, text, TEXT_RUNES);
    return buf.data;
}

static void add_effect(struct flush *flush, const struct keeper_evidence *evidence,
                       const struct revision *row, const char *key)
{
    struct arena *arena = &flush->arena;
    cJSON *details = json_new_object(arena);
    json_add(arena, details, "type", json_new_string(arena, evidence->type));
    json_add(arena, details, "reason", json_new_string(arena, evidence->reason));
    json_add(arena, details, "object", json_new_string(arena, evidence->object));
    json_add(arena, details, "message", json_new_string(arena, evidence->message));
    json_add(arena, details, "count", json_new_int(arena, evidence->count));
    /* Of its own: the machine may be loaded anew before it is written. */
    struct revision *revision = arena_alloc(arena, sizeof *revision);
    revision->id = row->id;
    revision->seq = row->seq;
    const char *words = arena_printf(arena, "%s %s %s: %s", evidence->type, evidence->reason,
                                     evidence->object, evidence->message);
    flush->effects[flush->count++] =
        (struct machine_effect){.kind = MACHINE_EVENT,
                                .revision = revision,
                                .event_type = STORE_KUBERNETES_EVENT,
                                .event_message = visible(arena, words),
                                .event_key = key,
                                .details = details,
                                .at = evidence->at != 0 ? evidence->at : flush->keeper->now};
}

/* Whether it is done with: written soon, or of no use. */
static bool take_one(struct flush *flush, const struct keeper_evidence *evidence)
{
    struct keeper *keeper = flush->keeper;
    struct cache_place place;
    if (flush->count == A_COMMIT || !cache_find(keeper->cache, evidence->about_uid, &place))
        return false;
    if (flush->project == NULL) {
        flush->project = keeper_project_of(keeper, place.project);
        if (flush->project == NULL)
            return false;
        keeper_load(keeper, flush->project);
    }
    if (strcmp(flush->project->name, place.project) != 0 || flush->project->machine == NULL)
        return false;
    const struct machine *machine = flush->project->machine;
    const struct revision *row =
        place.set_uid != NULL ? machine_of_set(machine, place.set_uid) : machine_current(machine);
    if (row == NULL || row->id == 0 || !count_known(flush, row->id))
        return false;
    const char *key = key_of(&flush->arena, evidence);
    if (!is_known(flush, key) && has_room(flush, evidence))
        add_effect(flush, evidence, row, key);
    return true;
}

static void take_those(struct flush *flush, bool warnings)
{
    struct keeper *keeper = flush->keeper;
    struct keeper_evidence **at = &keeper->evidence_first;
    while (*at != NULL) {
        struct keeper_evidence *evidence = *at;
        if (evidence->warning != warnings || !take_one(flush, evidence)) {
            at = &evidence->next;
            continue;
        }
        *at = evidence->next;
        if (*at == NULL)
            keeper->evidence_last = at;
        keeper->evidence_count--;
        free(evidence);
    }
}

static void take_all(void *context)
{
    struct flush *flush = context;
    take_those(flush, true);
    take_those(flush, false);
}

static void forget_old(struct keeper *keeper)
{
    const int64_t now_us = clock_monotonic_us();
    while (keeper->evidence_first != NULL && keeper->evidence_first->until_us < now_us)
        drop_first(keeper);
}

/* Until what is left is of nothing that is known. */
void keeper_evidence_flush(struct keeper *keeper)
{
    struct flush *flush = calloc(1, sizeof *flush);
    struct err err;
    bool goes_on = flush != NULL;
    while (goes_on && keeper->leads && keeper->evidence_first != NULL) {
        *flush = (struct flush){.keeper = keeper, .reterr = &err};
        arena_init(&flush->arena, FLUSH_BYTES);
        goes_on = arena_try(&flush->arena, take_all, flush) && flush->count > 0;
        if (goes_on)
            keeper_commit_effects(keeper, flush->project, flush->effects, flush->count);
        arena_done(&flush->arena);
    }
    free(flush);
    forget_old(keeper);
}
