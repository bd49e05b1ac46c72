#include "history/cache.h"

#include "base/limits.h"
#include "history/cache_pack.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES      (64 * LIMIT_MIB)
#define SCRATCH_KEPT_BYTES (256UL * 1024UL)
#define NAME_BYTES         254 /* of a Kubernetes name, with its NUL */
#define TABLE_SLOTS_MIN    256

/* An object, or a place for one that others name as their owner and that is not (or no more) here.
 * A place goes when its last child goes. */
struct node {
    struct node *next_in_slot;
    enum cache_kind kind;
    char *uid;
    struct node *parent; /* a set's Deployment, a pod's set; NULL: none is named */
    struct node *first_child, *next_sibling, *previous_sibling;
    struct project *project; /* of a Deployment that was ever seen */
    bool exists;
    uint64_t list; /* the last list that it was seen in or after */
    void *memory;
    union cache_object object; /* points into memory */
};

/* Deployments of one name; more than one only while what is left of a deleted one goes. */
struct project {
    struct project *next_in_slot;
    struct node *first_deployment;
    char name[NAME_BYTES];
};

struct cache {
    struct arena scratch;
    struct node **nodes; /* by kind and uid, in slots */
    size_t node_slots, node_count;
    struct project **projects; /* by name, in slots */
    size_t project_slots, project_count;
    uint64_t list[CACHE_KINDS]; /* the number of the newest list */
    bool listed[CACHE_KINDS], connected[CACHE_KINDS];
    char told[NAME_BYTES];
};

/* FNV-1a.  Uids are the API server's, names are few and short. */
static size_t hash_of(const char *text, size_t seed)
{
    uint64_t hash = 14695981039346656037U ^ seed;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return (size_t)(hash ^ hash >> 32);
}

/* ---- Tables.  The slots are a power of two; if they cannot grow, chains do. */

static void grow_nodes(struct cache *cache)
{
    const size_t slots = cache->node_slots * 2;
    struct node **grown = cache->node_count >= slots / 2 ? calloc(slots, sizeof *grown) : NULL;
    if (grown == NULL)
        return;
    for (size_t i = 0; i < cache->node_slots; i++) {
        for (struct node *node = cache->nodes[i], *next; node != NULL; node = next) {
            next = node->next_in_slot;
            struct node **slot = &grown[hash_of(node->uid, node->kind) & (slots - 1)];
            node->next_in_slot = *slot;
            *slot = node;
        }
    }
    free(cache->nodes);
    cache->nodes = grown;
    cache->node_slots = slots;
}

static void grow_projects(struct cache *cache)
{
    const size_t slots = cache->project_slots * 2;
    struct project **grown =
        cache->project_count >= slots / 2 ? calloc(slots, sizeof *grown) : NULL;
    if (grown == NULL)
        return;
    for (size_t i = 0; i < cache->project_slots; i++) {
        for (struct project *project = cache->projects[i], *next; project != NULL; project = next) {
            next = project->next_in_slot;
            struct project **slot = &grown[hash_of(project->name, 0) & (slots - 1)];
            project->next_in_slot = *slot;
            *slot = project;
        }
    }
    free(cache->projects);
    cache->projects = grown;
    cache->project_slots = slots;
}

static struct node **node_at(const struct cache *cache, enum cache_kind kind, const char *uid)
{
    struct node **at = &cache->nodes[hash_of(uid, kind) & (cache->node_slots - 1)];
    while (*at != NULL && ((*at)->kind != kind || strcmp((*at)->uid, uid) != 0))
        at = &(*at)->next_in_slot;
    return at;
}

static struct project **project_at(const struct cache *cache, const char *name)
{
    struct project **at = &cache->projects[hash_of(name, 0) & (cache->project_slots - 1)];
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next_in_slot;
    return at;
}

/* The node of that uid, made if it is new; NULL: no memory. */
static struct node *node_of(struct cache *cache, enum cache_kind kind, const char *uid)
{
    struct node *node = *node_at(cache, kind, uid);
    if (node != NULL)
        return node;
    node = calloc(1, sizeof *node);
    char *copy = strdup(uid);
    if (node == NULL || copy == NULL) {
        free(node);
        free(copy);
        return NULL;
    }
    node->kind = kind;
    node->uid = copy;
    grow_nodes(cache);
    cache->node_count++;
    *node_at(cache, kind, uid) = node;
    return node;
}

static struct project *project_of(struct cache *cache, const char *name)
{
    struct project *project = *project_at(cache, name);
    if (project != NULL)
        return project;
    project = calloc(1, sizeof *project);
    if (project == NULL)
        return NULL;
    memcpy(project->name, name, strlen(name) + 1);
    grow_projects(cache);
    cache->project_count++;
    *project_at(cache, name) = project;
    return project;
}

/* ---- Who belongs to whom */

static void link_in(struct node **first, struct node *node)
{
    node->previous_sibling = NULL;
    node->next_sibling = *first;
    if (*first != NULL)
        (*first)->previous_sibling = node;
    *first = node;
}

static void link_out(struct node **first, struct node *node)
{
    if (node->previous_sibling != NULL)
        node->previous_sibling->next_sibling = node->next_sibling;
    else
        *first = node->next_sibling;
    if (node->next_sibling != NULL)
        node->next_sibling->previous_sibling = node->previous_sibling;
    node->next_sibling = node->previous_sibling = NULL;
}

static void free_node(struct node *node)
{
    free(node->memory);
    free(node->uid);
    free(node);
}

static void drop_project(struct cache *cache, struct project *project)
{
    if (project->first_deployment != NULL)
        return;
    struct project **at = project_at(cache, project->name);
    *at = project->next_in_slot;
    cache->project_count--;
    free(project);
}

/* Forgets a place without an object and without children; then perhaps its owner's. */
static void drop(struct cache *cache, struct node *node)
{
    while (node != NULL && !node->exists && node->first_child == NULL) {
        struct node *parent = node->parent;
        if (parent != NULL)
            link_out(&parent->first_child, node);
        if (node->project != NULL) {
            link_out(&node->project->first_deployment, node);
            drop_project(cache, node->project);
        }
        struct node **at = node_at(cache, node->kind, node->uid);
        *at = node->next_in_slot;
        cache->node_count--;
        free_node(node);
        node = parent;
    }
}

static struct project *project_above(const struct node *node)
{
    while (node != NULL && node->kind != CACHE_DEPLOYMENTS)
        node = node->parent;
    return node != NULL ? node->project : NULL;
}

static void tell(struct cache *cache, const struct node *node)
{
    const struct project *project = project_above(node);
    if (project != NULL)
        memcpy(cache->told, project->name, sizeof cache->told);
}

/* The object is no more; what belongs to it may still be. */
static void lose(struct cache *cache, struct node *node)
{
    node->exists = false;
    free(node->memory);
    node->memory = NULL;
    drop(cache, node);
}

/* ---- Objects in */

struct reading {
    struct cache *cache;
    enum cache_kind kind;
    const cJSON *json;
    union cache_object *object;
    struct err *reterr;
    int code;
};

static void read_object(void *context)
{
    struct reading *reading = context;
    struct arena *arena = &reading->cache->scratch;
    if (reading->kind == CACHE_DEPLOYMENTS)
        reading->code =
            view_deployment(arena, reading->json, &reading->object->deployment, reading->reterr);
    else if (reading->kind == CACHE_SETS)
        reading->code = view_set(arena, reading->json, &reading->object->set, reading->reterr);
    else
        reading->code = view_pod(arena, reading->json, &reading->object->pod, reading->reterr);
}

static const char *uid_of(enum cache_kind kind, const union cache_object *object)
{
    return kind == CACHE_DEPLOYMENTS ? object->deployment.uid
           : kind == CACHE_SETS      ? object->set.uid
                                     : object->pod.uid;
}

static const char *owner_of(enum cache_kind kind, const union cache_object *object)
{
    return kind == CACHE_DEPLOYMENTS ? NULL
           : kind == CACHE_SETS      ? object->set.owner_uid
                                     : object->pod.owner_uid;
}

static int no_memory(struct err *reterr)
{
    return err_set(reterr, ERR_NO_MEMORY, "no memory for an object of the API server");
}

/* A name that belongs to another uid now: the one before is gone, though nobody said so yet. */
static void replace_others(struct cache *cache, struct project *project, const struct node *node)
{
    for (struct node *other = project->first_deployment, *next; other != NULL; other = next) {
        next = other->next_sibling;
        if (other != node && other->exists)
            lose(cache, other);
    }
}

static int place_deployment(struct cache *cache, struct node *node, const char *name,
                            struct err *reterr)
{
    if (node->project != NULL && strcmp(node->project->name, name) != 0)
        return err_set(reterr, ERR_ANSWER, "no Deployment: it had another name before");
    if (node->project == NULL) {
        node->project = project_of(cache, name);
        if (node->project == NULL)
            return no_memory(reterr);
        link_in(&node->project->first_deployment, node);
    }
    replace_others(cache, node->project, node);
    return 0;
}

/* Below the owner that it names now; adopted and orphaned ones move. */
static int place_below(struct cache *cache, struct node *node, const char *owner,
                       struct err *reterr)
{
    struct node *before = node->parent;
    if (before != NULL && owner != NULL && strcmp(before->uid, owner) == 0)
        return 0;
    const enum cache_kind kind = node->kind == CACHE_SETS ? CACHE_DEPLOYMENTS : CACHE_SETS;
    struct node *parent = owner != NULL ? node_of(cache, kind, owner) : NULL;
    if (owner != NULL && parent == NULL)
        return no_memory(reterr);
    tell(cache, node); /* the owner before, unless there is one now */
    if (before != NULL)
        link_out(&before->first_child, node);
    node->parent = parent;
    if (parent != NULL)
        link_in(&parent->first_child, node);
    drop(cache, before);
    return 0;
}

static int put(struct cache *cache, enum cache_kind kind, const union cache_object *seen,
               struct err *reterr)
{
    union cache_object packed;
    void *memory;
    int code = cache_pack(kind, seen, &packed, &memory, reterr);
    if (code < 0)
        return code;
    struct node *node = node_of(cache, kind, uid_of(kind, seen));
    if (node == NULL) {
        free(memory);
        return no_memory(reterr);
    }
    code = kind == CACHE_DEPLOYMENTS ? place_deployment(cache, node, seen->deployment.name, reterr)
                                     : place_below(cache, node, owner_of(kind, seen), reterr);
    if (code < 0) {
        free(memory);
        drop(cache, node);
        return code;
    }
    free(node->memory);
    node->memory = memory;
    node->object = packed;
    node->exists = true;
    node->list = cache->list[kind];
    tell(cache, node);
    return 0;
}

static int take_object(struct cache *cache, enum cache_kind kind, const cJSON *json, bool deleted,
                       struct err *reterr)
{
    union cache_object seen;
    struct reading reading = {cache, kind, json, &seen, reterr, 0};
    arena_reset(&cache->scratch, SCRATCH_KEPT_BYTES);
    if (!arena_try(&cache->scratch, read_object, &reading))
        return no_memory(reterr);
    if (reading.code < 0)
        return reading.code;
    if (kind == CACHE_DEPLOYMENTS && strlen(seen.deployment.name) >= NAME_BYTES)
        return err_set(reterr, ERR_ANSWER, "no Deployment: its name is too long");
    if (!deleted)
        return put(cache, kind, &seen, reterr);
    struct node *node = *node_at(cache, kind, uid_of(kind, &seen));
    if (node == NULL || !node->exists)
        return 0;
    tell(cache, node);
    lose(cache, node);
    return 0;
}

/* It exists, if it was not deleted; how it looks now is not known. */
static void take_unreadable(struct cache *cache, enum cache_kind kind, const cJSON *what)
{
    const char *type = json_get_string(what, "type");
    const char *uid = json_get_string(json_get(what, "metadata"), "uid");
    struct node *node = uid != NULL ? *node_at(cache, kind, uid) : NULL;
    if (node == NULL || !node->exists)
        return;
    tell(cache, node);
    if (type != NULL && strcmp(type, "DELETED") == 0)
        lose(cache, node);
    else
        node->list = cache->list[kind];
}

/* What exists and was not listed: one after the other, as losing one may free others' places. */
static void sweep(struct cache *cache, enum cache_kind kind)
{
    for (size_t i = 0; i < cache->node_slots; i++) {
        struct node *node = cache->nodes[i];
        while (node != NULL) {
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed is out of its slot */
            if (node->kind == kind && node->exists && node->list != cache->list[kind]) {
                lose(cache, node);
                node = cache->nodes[i];
            } else {
                node = node->next_in_slot;
            }
        }
    }
}

int cache_take(struct cache *cache, enum cache_kind kind, enum watch_event event,
               const cJSON *object, const char **ret_project, struct err *reterr)
{
    int code = 0;
    cache->told[0] = '\0';
    switch (event) {
    case WATCH_LIST_BEGINS:
        cache->list[kind]++;
        break;
    case WATCH_LIST_ENDS:
        sweep(cache, kind);
        cache->listed[kind] = true;
        break;
    case WATCH_LISTED:
    case WATCH_ADDED:
    case WATCH_MODIFIED:
    case WATCH_DELETED:
        code = take_object(cache, kind, object, event == WATCH_DELETED, reterr);
        break;
    case WATCH_UNREADABLE:
        take_unreadable(cache, kind, object);
        break;
    case WATCH_CONNECTED:
    case WATCH_LOST:
        cache->connected[kind] = event == WATCH_CONNECTED;
        break;
    case WATCH_BOOKMARK:
    case WATCH_EVENTS:
        break;
    }
    if (code == 0)
        *ret_project = cache->told[0] != '\0' ? cache->told : NULL;
    return code;
}

/* ---- Views out */

static bool all(const bool flags[CACHE_KINDS])
{
    bool every = true;
    for (size_t i = 0; i < CACHE_KINDS; i++)
        every = every && flags[i];
    return every;
}

bool cache_listed(const struct cache *cache)
{
    return all(cache->listed);
}

bool cache_connected(const struct cache *cache)
{
    return all(cache->connected);
}

bool cache_find(const struct cache *cache, const char *uid, struct cache_place *ret_place)
{
    const struct node *node = NULL;
    for (size_t i = 0; node == NULL && i < CACHE_KINDS; i++)
        node = *node_at(cache, (enum cache_kind)i, uid);
    const struct project *project = project_above(node);
    if (node == NULL || project == NULL)
        return false;
    const struct node *set = node->kind == CACHE_PODS ? node->parent : node;
    *ret_place = (struct cache_place){project->name, set->kind == CACHE_SETS ? set->uid : NULL};
    return true;
}

struct viewing {
    struct arena *arena;
    const struct project *project;
    struct view_set *sets;
    struct view_pod *pods;
    struct project_view view;
};

static void count_objects(struct viewing *viewing)
{
    for (const struct node *one = viewing->project->first_deployment; one != NULL;
         one = one->next_sibling) {
        for (const struct node *set = one->first_child; set != NULL; set = set->next_sibling) {
            viewing->view.set_count++;
            for (const struct node *pod = set->first_child; pod != NULL; pod = pod->next_sibling)
                viewing->view.pod_count++;
        }
    }
}

static void add_set(struct viewing *viewing, const struct node *set)
{
    if (set->exists)
        viewing->sets[viewing->view.set_count++] = set->object.set;
    for (const struct node *pod = set->first_child; pod != NULL; pod = pod->next_sibling)
        viewing->pods[viewing->view.pod_count++] = pod->object.pod;
}

static void look(void *context)
{
    struct viewing *viewing = context;
    count_objects(viewing);
    viewing->sets = arena_array(viewing->arena, viewing->view.set_count, sizeof *viewing->sets);
    viewing->pods = arena_array(viewing->arena, viewing->view.pod_count, sizeof *viewing->pods);
    viewing->view.set_count = viewing->view.pod_count = 0;
    for (const struct node *one = viewing->project->first_deployment; one != NULL;
         one = one->next_sibling) {
        if (one->exists)
            viewing->view.deployment = &one->object.deployment;
        for (const struct node *set = one->first_child; set != NULL; set = set->next_sibling)
            add_set(viewing, set);
    }
    viewing->view.sets = viewing->sets;
    viewing->view.pods = viewing->pods;
}

int cache_view(struct cache *cache, struct arena *arena, const char *project,
               struct project_view *ret_view, struct err *reterr)
{
    struct viewing viewing = {.arena = arena, .project = *project_at(cache, project)};
    if (viewing.project != NULL && !arena_try(arena, look, &viewing))
        return err_set(reterr, ERR_NO_MEMORY, "no memory to look at a project");
    *ret_view = viewing.view;
    return 0;
}

struct naming {
    struct cache *cache;
    struct arena *arena;
    const char **names;
    size_t count;
};

static void name_all(void *context)
{
    struct naming *naming = context;
    naming->names = arena_array(naming->arena, naming->cache->project_count, sizeof *naming->names);
    for (size_t i = 0; i < naming->cache->project_slots; i++) {
        for (const struct project *project = naming->cache->projects[i]; project != NULL;
             project = project->next_in_slot)
            naming->names[naming->count++] = arena_strdup(naming->arena, project->name);
    }
}

int cache_projects(struct cache *cache, struct arena *arena, const char *const **ret_names,
                   size_t *ret_count, struct err *reterr)
{
    struct naming naming = {cache, arena, NULL, 0};
    if (!arena_try(arena, name_all, &naming))
        return err_set(reterr, ERR_NO_MEMORY, "no memory to name the projects");
    *ret_names = naming.names;
    *ret_count = naming.count;
    return 0;
}

/* ---- The whole */

int cache_new(struct cache **ret_cache, struct err *reterr)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a cache");
    cache->node_slots = cache->project_slots = TABLE_SLOTS_MIN;
    cache->nodes = calloc(TABLE_SLOTS_MIN, sizeof *cache->nodes);
    cache->projects = calloc(TABLE_SLOTS_MIN, sizeof *cache->projects);
    if (cache->nodes == NULL || cache->projects == NULL) {
        cache_free(cache);
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a cache");
    }
    arena_init(&cache->scratch, SCRATCH_BYTES);
    *ret_cache = cache;
    return 0;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; cache->nodes != NULL && i < cache->node_slots; i++) {
        for (struct node *node = cache->nodes[i], *next; node != NULL; node = next) {
            next = node->next_in_slot;
            free_node(node);
        }
    }
    for (size_t i = 0; cache->projects != NULL && i < cache->project_slots; i++) {
        for (struct project *project = cache->projects[i], *next; project != NULL; project = next) {
            next = project->next_in_slot;
            free(project);
        }
    }
    free(cache->nodes);
    free(cache->projects);
    arena_done(&cache->scratch);
    free(cache);
}
