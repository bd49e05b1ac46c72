#include "base/clock.h"
#include "cli/audit/audit.h"

#include <stdio.h>
#include <string.h>

#define LIST_BYTES (1024 * LIMIT_MIB)

/* What only tells of other objects: the cluster's own notes, of which there are thousands and which
 * are gone in an hour, and reports such as this command's. */
static const char *const noise[] = {"events", "events.events.k8s.io", "reports.openreports.io",
                                    "clusterreports.openreports.io", NULL};

struct walk {
    struct audit *audit;
    struct kube_client *client;
    struct arena arena; /* of the kinds */
};

static void tell(void *context, const char *what, const char *text)
{
    audit_problem(context, what, text);
}

/* ---- what is read ------------------------------------------------------------------------- */

static bool is_among(const char *const *names, const struct live_kind *kind, const char *resource)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, resource) == 0 || strcmp(*names, kind->resource) == 0)
            return true;
    return false;
}

static bool is_secret(const struct live_kind *kind)
{
    return *kind->group == '\0' && strcmp(kind->resource, "secrets") == 0;
}

static bool is_read(struct walk *walk, const struct live_kind *kind)
{
    struct audit *audit = walk->audit;
    const char *resource = live_resource(&walk->arena, kind);
    if (audit->name_spaces[0] != NULL && !kind->namespaced)
        return false;
    if (!is_among(audit->without, kind, resource) && !is_among(noise, kind, resource) &&
        (audit->secrets || !is_secret(kind)))
        return true;
    audit->not_read[audit->not_read_count++] = arena_strdup(&audit->kept, resource);
    return false;
}

/* A slip in --without would let something be read that was not to be. */
static void check_without(struct walk *walk, const struct live_kinds *kinds)
{
    for (const char *const *name = walk->audit->without; *name != NULL; name++) {
        const char *const one[] = {*name, NULL};
        bool found = false;
        for (size_t i = 0; i < kinds->count; i++)
            found |= is_among(one, &kinds->items[i], live_resource(&walk->arena, &kinds->items[i]));
        if (!found)
            audit_problem(walk->audit, "--without",
                          arena_printf(&walk->arena,
                                       "%s: not among the kinds that the policies "
                                       "speak of and the cluster serves",
                                       *name));
    }
}

/* ---- lists -------------------------------------------------------------------------------- */

/* Of a Secret the keys are judged, not the values. */
static void blind(struct arena *arena, cJSON *object)
{
    cJSON *value, *data = json_get(object, "data");
    cJSON_ArrayForEach(value, data)
    {
        json_assign(arena, value, json_new_string(arena, ""));
    }
    cJSON *notes = json_path(object, "metadata", "annotations", NULL);
    cJSON *applied =
        notes != NULL ? json_find(notes, "kubectl.kubernetes.io/last-applied-configuration") : NULL;
    if (applied != NULL)
        json_unlink(notes, applied);
}

static void show_progress(struct audit *audit, const char *resource)
{
    char text[256];
    if (!audit->progress.terminal)
        return;
    const size_t judged = audit->counts[VERDICT_ALLOWED] + audit->counts[VERDICT_DENIED] +
                          audit->counts[VERDICT_PATCHED] + audit->counts[VERDICT_NOT_JUDGED];
    snprintf(text, sizeof text, "%zu objects, %zu break a rule  %s", judged,
             audit->counts[VERDICT_DENIED], resource);
    progress_say(&audit->progress, (clock_monotonic_us() - audit->begun_us) / 1000000, text);
}

static void judge_all(struct walk *walk, struct arena *arena, const struct live_kind *kind,
                      cJSON *items)
{
    size_t count = 0;
    cJSON *next;
    for (cJSON *object = items->child; object != NULL; object = next) {
        next = object->next;
        if (is_secret(kind))
            blind(arena, object);
        audit_judge(walk->audit, kind, object);
        if (++count % 64 == 0)
            show_progress(walk->audit, kind->resource);
    }
}

struct listing {
    struct walk *walk;
    struct arena arena;
    const struct live_kind *kind;
    const char *name_space;
    cJSON *items;
    struct err err;
    int code;
};

static void ask_list(void *context)
{
    struct listing *listing = context;
    listing->code = live_list(listing->walk->client, &listing->arena, listing->kind,
                              listing->name_space, &listing->items, &listing->err);
}

/* The error's code, 0 if the list was read. */
static int judge_list(struct walk *walk, const struct live_kind *kind, const char *name_space)
{
    struct listing listing = {.walk = walk, .kind = kind, .name_space = name_space};
    show_progress(walk->audit, kind->resource);
    arena_init(&listing.arena, LIST_BYTES);
    struct arena *before = arena_use(&listing.arena);
    if (!arena_try(&listing.arena, ask_list, &listing))
        listing.code = err_set(&listing.err, ERR_NO_MEMORY,
                               "there are too many of them for one audit: "
                               "look at a namespace at a time, with -n");
    if (listing.code == 0)
        judge_all(walk, &listing.arena, kind, listing.items);
    else
        audit_problem(walk->audit, live_resource(&walk->arena, kind), listing.err.text);
    arena_use(before);
    arena_done(&listing.arena);
    return listing.code;
}

/* Nothing that follows would be answered either. */
static bool is_hopeless(int code)
{
    return code == -(int)ERR_UNREACHABLE || code == -(int)ERR_UNAUTHORIZED ||
           code == -(int)ERR_KUBECONFIG;
}

static int judge_kind(struct walk *walk, const struct live_kind *kind)
{
    const char *const *name_spaces = walk->audit->name_spaces;
    int r = 0;
    if (name_spaces[0] == NULL)
        return judge_list(walk, kind, NULL);
    for (; *name_spaces != NULL && !is_hopeless(r); name_spaces++)
        r = judge_list(walk, kind, *name_spaces);
    return r;
}

/* An API server lists what is in a namespace that is not there: nothing. */
static int find_namespaces(struct walk *walk)
{
    struct err err;
    cJSON *ignored;
    for (const char *const *name = walk->audit->name_spaces; *name != NULL; name++) {
        const int r =
            client_get(walk->client, &walk->arena,
                       client_path(&walk->arena, "/api/v1/namespaces/%s", *name), &ignored, &err);
        if (r < 0)
            audit_problem(walk->audit, arena_printf(&walk->arena, "namespace %s", *name), err.text);
        if (is_hopeless(r))
            return r;
    }
    return 0;
}

/* Whose the Endpoints are is known from the Services. */
static void put_services_first(const struct live_kinds *kinds)
{
    for (size_t i = 0; i < kinds->count; i++) {
        const struct live_kind kind = kinds->items[i];
        if (*kind.group != '\0' || strcmp(kind.resource, "services") != 0)
            continue;
        memmove(kinds->items + 1, kinds->items, i * sizeof kind);
        kinds->items[0] = kind;
    }
}

static void walk_kinds(struct walk *walk, const struct live_kinds *kinds)
{
    struct audit *audit = walk->audit;
    audit->not_read = arena_array(&audit->kept, kinds->count + 1, sizeof *audit->not_read);
    for (size_t i = 0; i < kinds->count; i++) {
        const size_t left = kinds->count - i - 1;
        if (!is_read(walk, &kinds->items[i]) || !is_hopeless(judge_kind(walk, &kinds->items[i])))
            continue;
        if (left > 0)
            audit_problem(audit, "cluster",
                          arena_printf(&walk->arena, "%zu kind%s behind %s %s not asked for", left,
                                       left == 1 ? "" : "s", kinds->items[i].resource,
                                       left == 1 ? "was" : "were"));
        return;
    }
}

void audit_walk(struct audit *audit, struct kube_client *client)
{
    struct walk walk = {.audit = audit, .client = client};
    const struct live_visitor visitor = {audit, tell};
    struct live_kinds kinds;
    struct err err;
    arena_init(&walk.arena, LIST_BYTES);
    struct arena *before = arena_use(&walk.arena);
    if (find_namespaces(&walk) == 0) {
        const int r =
            live_kinds_served(client, &walk.arena, audit->settings.set, &visitor, &kinds, &err);
        if (r < 0) {
            audit_problem(audit, "cluster", err.text);
        } else {
            check_without(&walk, &kinds);
            put_services_first(&kinds);
            walk_kinds(&walk, &kinds);
        }
    }
    arena_use(before);
    arena_done(&walk.arena);
    progress_end(&audit->progress);
}
