#include "cli/history/rollout.h"

#include "base/limits.h"
#include "cli/output/table.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX (64 * LIMIT_MIB)
#define VIEW_BYTES_MAX (64 * LIMIT_MIB)
#define KEPT_BYTES     (64UL * 1024UL)

struct rollout {
    const struct rollout_options *options;
    struct machine *machine;
    enum rollout_end end;
    int64_t seq; /* of the version that is meant; 0: not seen yet */
    struct arena text, last;
    const char *status, *reason, *message, *words; /* in `text` */
    const char *history_id;                        /* as first seen */
    int64_t progress, soak_until;
    bool completed;
    const cJSON *evidence; /* of the last view, in `last` */
    const char **uids;
    const char *trouble; /* what a pod waits for; NULL: none does */
    bool paused, left;   /* another version, or none, is stored now */
};

int rollout_new(const struct rollout_options *options, struct rollout **ret_rollout,
                struct err *reterr)
{
    struct rollout *rollout = calloc(1, sizeof *rollout);
    if (rollout == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    const int r = machine_new(&options->machine, &rollout->machine, reterr);
    if (r < 0) {
        free(rollout);
        return r;
    }
    rollout->options = options;
    arena_init(&rollout->text, TEXT_BYTES_MAX);
    arena_init(&rollout->last, VIEW_BYTES_MAX);
    rollout->status = "Pending";
    rollout->words = "not seen yet";
    *ret_rollout = rollout;
    return 0;
}

void rollout_free(struct rollout *rollout)
{
    if (rollout == NULL)
        return;
    machine_free(rollout->machine);
    arena_done(&rollout->text);
    arena_done(&rollout->last);
    free(rollout);
}

enum rollout_end rollout_end(const struct rollout *rollout)
{
    return rollout->end;
}

const char *rollout_words(const struct rollout *rollout)
{
    return rollout->words;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void keep(struct rollout *rollout, const char **place, const char *text)
{
    if (!same_text(*place, text))
        *place = text != NULL ? arena_strdup(&rollout->text, text) : NULL;
}

static void end_with(struct rollout *rollout, enum rollout_end end, const char *status,
                     const char *reason, const char *message)
{
    if (rollout->end != ROLLOUT_GOES_ON)
        return;
    rollout->end = end;
    keep(rollout, &rollout->status, status);
    keep(rollout, &rollout->reason, reason);
    keep(rollout, &rollout->message, message);
}

/* ---- what was seen, as evidence --------------------------------------------------------- */

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *value)
{
    if (value != NULL)
        json_add(arena, object, key, json_new_string(arena, value));
}

static void add_number(struct arena *arena, cJSON *object, const char *key, int64_t value)
{
    json_add(arena, object, key, json_new_int(arena, value));
}

static const char *container_status(const struct view_pod *pod,
                                    const struct view_container *container)
{
    if (container->waiting_reason != NULL)
        return "Waiting";
    if (container->running)
        return "Running";
    return container->ended_at != 0 ? "Terminated" : pod->phase;
}

static cJSON *new_instance(struct arena *arena, const struct view_pod *pod,
                           const struct view_container *container)
{
    cJSON *node = json_new_object(arena);
    add_text(arena, node, "pod", pod->name);
    add_text(arena, node, "podUid", pod->uid);
    add_text(arena, node, "node", pod->node);
    if (container == NULL) {
        add_text(arena, node, "status", pod->phase);
        add_text(arena, node, "health", "not ready");
        add_text(arena, node, "reason", pod->reason);
        return node;
    }
    add_text(arena, node, "container", container->name);
    add_text(arena, node, "image", container->image);
    add_text(arena, node, "imageDigest", container->image_digest);
    add_text(arena, node, "status", container_status(pod, container));
    add_text(arena, node, "health", container->ready ? "ready" : "not ready");
    add_number(arena, node, "restarts", container->restarts);
    if (container->last_reason != NULL)
        add_number(arena, node, "exitCode", container->exit_code);
    add_text(arena, node, "reason", container->waiting_reason);
    add_text(arena, node, "message", container->waiting_message);
    add_text(arena, node, "lastReason", container->last_reason);
    add_text(arena, node, "lastMessage", container->last_message);
    return node;
}

static bool is_of(const struct view_pod *pod, const struct view_set *set)
{
    return set != NULL && same_text(pod->owner_uid, set->uid) && !pod->deleting;
}

static cJSON *new_instances(struct arena *arena, const struct project_view *view,
                            const struct view_set *set)
{
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct view_pod *pod = &view->pods[i];
        if (!is_of(pod, set))
            continue;
        if (pod->container_count == 0)
            json_append(list, new_instance(arena, pod, NULL));
        for (size_t j = 0; j < pod->container_count; j++)
            json_append(list, new_instance(arena, pod, &pod->containers[j]));
    }
    return list;
}

static void add_images(struct arena *arena, cJSON *node, const cJSON *pod_template)
{
    cJSON *images = json_new_array(arena);
    const cJSON *container;
    cJSON_ArrayForEach(container, json_path(pod_template, "spec", "containers", NULL))
    {
        cJSON *one = json_new_object(arena);
        add_text(arena, one, "container", json_get_string(container, "name"));
        add_text(arena, one, "image", json_get_string(container, "image"));
        if (images->child == NULL)
            add_text(arena, node, "image", json_get_string(container, "image"));
        json_append(images, one);
    }
    json_add(arena, node, "images", images);
}

static cJSON *new_deployment(struct arena *arena, const struct project_view *view,
                             const struct view_set *set)
{
    const struct view_deployment *deployment = view->deployment;
    cJSON *node = json_new_object(arena);
    add_text(arena, node, "project", deployment->name);
    add_text(arena, node, "namespace", deployment->namespace_);
    add_images(arena, node, deployment->pod_template);
    add_text(arena, node, "template", deployment->template_sha);
    add_text(arena, node, "strategy", deployment->recreate ? "Recreate" : "RollingUpdate");
    add_number(arena, node, "replicas", deployment->replicas);
    add_number(arena, node, "available", set != NULL ? set->available : 0);
    add_text(arena, node, "changeCause", deployment->change_cause);
    add_text(arena, node, "uid", deployment->uid);
    add_number(arena, node, "generation", deployment->generation);
    if (set != NULL && set->k8s_revision > 0)
        add_number(arena, node, "kubernetesRevision", set->k8s_revision);
    add_text(arena, node, "replicaSet", set != NULL ? set->name : NULL);
    return node;
}

static void note_uids(struct rollout *rollout, const struct project_view *view,
                      const struct view_set *set)
{
    size_t count = 0;
    rollout->uids = arena_array(&rollout->last, view->pod_count + 3, sizeof *rollout->uids);
    rollout->uids[count++] = arena_strdup(&rollout->last, view->deployment->uid);
    if (set != NULL)
        rollout->uids[count++] = arena_strdup(&rollout->last, set->uid);
    for (size_t i = 0; i < view->pod_count; i++) {
        if (is_of(&view->pods[i], set))
            rollout->uids[count++] = arena_strdup(&rollout->last, view->pods[i].uid);
    }
}

/* ---- words ------------------------------------------------------------------------------ */

static const char *find_trouble(struct rollout *rollout, const struct project_view *view,
                                const struct view_set *set)
{
    static const char *const harmless[] = {"ContainerCreating", "PodInitializing"};
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct view_pod *pod = &view->pods[i];
        for (size_t j = 0; is_of(pod, set) && !pod->ready && j < pod->container_count; j++) {
            const struct view_container *container = &pod->containers[j];
            const char *reason = container->waiting_reason;
            if (reason == NULL || strcmp(reason, harmless[0]) == 0 ||
                strcmp(reason, harmless[1]) == 0)
                continue;
            return arena_printf(&rollout->last, "%s waits: %s", container->name, reason);
        }
    }
    return NULL;
}

static int64_t old_pods(const struct project_view *view, const struct view_set *set)
{
    int64_t count = 0;
    for (size_t i = 0; i < view->set_count; i++) {
        if (&view->sets[i] != set && same_text(view->sets[i].owner_uid, view->deployment->uid))
            count += view->sets[i].created;
    }
    return count;
}

static const char *describe(struct rollout *rollout, const struct project_view *view,
                            const struct view_set *set)
{
    const struct view_deployment *deployment = view->deployment;
    const int64_t old = old_pods(view, set);
    struct arena *arena = &rollout->last;
    struct buf words;
    buf_init(&words, arena, 4096);
    if (deployment->observed_generation < deployment->generation)
        return "stored; the controller has not taken it up yet";
    buf_printf(&words, "%lld %%: %lld of %lld new pods available", (long long)rollout->progress,
               (long long)(set != NULL ? set->available : 0), (long long)deployment->replicas);
    if (old > 0)
        buf_printf(&words, ", %lld old", (long long)old);
    if (rollout->paused)
        buf_add_string(&words, "; paused: nothing goes on until it is resumed (kubectl rollout "
                               "resume)");
    else if (rollout->completed)
        buf_add_string(&words, "; complete, it has to prove good");
    if (rollout->trouble != NULL)
        buf_add_strings(&words, "; ", rollout->trouble, NULL);
    if (deployment->replica_failure != NULL)
        buf_add_strings(&words, "; no pod can be made: ", deployment->replica_failure, NULL);
    return words.data;
}

static void note_view(struct rollout *rollout, const struct project_view *view)
{
    struct arena *arena = &rollout->last;
    const struct view_set *set = view_new_set(view);
    arena_reset(arena, KEPT_BYTES);
    cJSON *root = json_new_object(arena);
    json_add(arena, root, "deployment", new_deployment(arena, view, set));
    json_add(arena, root, "instances", new_instances(arena, view, set));
    rollout->evidence = root;
    rollout->paused = view->deployment->paused ||
                      same_text(view->deployment->progressing.reason, "DeploymentPaused");
    rollout->trouble = find_trouble(rollout, view, set);
    rollout->words = describe(rollout, view, set);
    note_uids(rollout, view, set);
}

/* ---- what the machine tells ------------------------------------------------------------- */

static void take_row(struct rollout *rollout, const struct revision *revision)
{
    if (revision->seq != rollout->seq || rollout->end != ROLLOUT_GOES_ON)
        return;
    keep(rollout, &rollout->status, revision_status_name(revision->status));
    keep(rollout, &rollout->reason, revision->reason);
    keep(rollout, &rollout->message, revision->message);
    rollout->progress = revision->progress;
    rollout->completed = revision->status == REVISION_COMPLETED;
    switch (revision->status) {
    case REVISION_COMPLETED:
        if (revision->good == REVISION_GOOD_NO && rollout->options->soak)
            end_with(rollout, ROLLOUT_FAILED, "Failed", "NotGood",
                     "it was complete, and then a container restarted");
        else if (!rollout->options->soak || revision->good == REVISION_GOOD_YES)
            end_with(rollout, ROLLOUT_COMPLETED, "Completed", NULL, NULL);
        break;
    case REVISION_FAILED:
        end_with(rollout, ROLLOUT_FAILED, "Failed", revision->reason, revision->message);
        break;
    default:
        break;
    }
}

/* The version's number in the machine: of the one that was stored last. */
static void find_version(struct rollout *rollout)
{
    size_t count;
    const struct machine_effect *effects = machine_effects(rollout->machine, &count);
    for (size_t i = 0; i < count && rollout->seq == 0; i++) {
        if (effects[i].kind == MACHINE_EVENT &&
            same_text(effects[i].event_type, machine_event_name(MACHINE_DEPLOYMENT_STARTED)))
            rollout->seq = effects[i].revision->seq;
    }
}

static void overtake(struct rollout *rollout, const struct project_view *view)
{
    const struct view_deployment *now = view != NULL ? view->deployment : NULL;
    rollout->left = true;
    if (now == NULL) {
        end_with(rollout, ROLLOUT_OVERTAKEN, "Deleted", "Deleted", "the Deployment was deleted");
    } else if (rollout->trouble != NULL && now->history_id != NULL &&
               !same_text(now->history_id, rollout->history_id)) {
        end_with(rollout, ROLLOUT_FAILED, "RolledBack", "RolledBack",
                 arena_printf(&rollout->text,
                              "it did not work (%s), and the recorder went back to an earlier "
                              "version",
                              rollout->trouble));
    } else {
        end_with(rollout, ROLLOUT_OVERTAKEN, "Superseded", "Superseded",
                 arena_printf(&rollout->text,
                              "another version was stored before this one had ended (generation "
                              "%lld)",
                              (long long)now->generation));
    }
}

static void take_effects(struct rollout *rollout, const struct project_view *view)
{
    size_t count;
    const struct machine_effect *effects = machine_effects(rollout->machine, &count);
    for (size_t i = 0; i < count; i++) {
        const struct machine_effect *effect = &effects[i];
        if (effect->kind == MACHINE_INSERT || effect->kind == MACHINE_UPDATE)
            take_row(rollout, effect->revision);
    }
    for (size_t i = 0; i < count; i++) {
        const struct machine_effect *effect = &effects[i];
        if (effect->kind == MACHINE_EVENT && effect->revision->seq != rollout->seq &&
            same_text(effect->event_type, machine_event_name(MACHINE_DEPLOYMENT_STARTED)))
            overtake(rollout, view);
    }
    if (view != NULL && view->deployment == NULL)
        overtake(rollout, view);
}

/* ---- views ------------------------------------------------------------------------------ */

static const char *wrong_image(struct rollout *rollout, const struct view_deployment *deployment)
{
    const struct rollout_image *image = rollout->options->images;
    const cJSON *container;
    for (; image != NULL && image->container != NULL; image++) {
        cJSON_ArrayForEach(container,
                           json_path(deployment->pod_template, "spec", "containers", NULL))
        {
            const char *found = json_get_string(container, "image");
            if (same_text(json_get_string(container, "name"), image->container) &&
                !same_text(found, image->image))
                return arena_printf(&rollout->text,
                                    "container %s has the image %s, and the manifest says %s: "
                                    "something else was stored",
                                    image->container, found != NULL ? found : "?", image->image);
        }
    }
    return NULL;
}

/* The newest write that is none of a status. */
static int64_t written_at(const struct view_deployment *deployment)
{
    const cJSON *entry;
    int64_t newest = 0;
    cJSON_ArrayForEach(entry, json_path(deployment->object, "metadata", "managedFields", NULL))
    {
        const int64_t at = table_time(json_get_string(entry, "time"));
        if (json_get_string(entry, "subresource") == NULL && at > newest)
            newest = at;
    }
    return newest;
}

static bool has_timed_out_before(const struct project_view *view)
{
    const struct view_deployment *deployment = view->deployment;
    const struct view_set *set = view_new_set(view);
    const int64_t written = written_at(deployment);
    const int64_t told = table_time(deployment->progressing.last_update);
    return deployment->progressing.is_false && set != NULL && written != 0 &&
           same_text(deployment->progressing.reason, "ProgressDeadlineExceeded") &&
           same_text(deployment->progressing.names_set, set->name) &&
           deployment->observed_generation >= deployment->generation &&
           deployment->deadline_seconds > 0 &&
           told - written >= deployment->deadline_seconds * 500000;
}

static void first_view(struct rollout *rollout, const struct project_view *view)
{
    const struct view_deployment *deployment = view->deployment;
    const int64_t wanted = rollout->options->generation;
    const char *wrong = wrong_image(rollout, deployment);
    keep(rollout, &rollout->history_id, deployment->history_id);
    if (wanted > 0 && deployment->generation > wanted)
        end_with(rollout, ROLLOUT_OVERTAKEN, "Superseded", "GenerationMoved",
                 arena_printf(&rollout->text,
                              "generation %lld was asked for, and %lld is stored: somebody wrote "
                              "after it",
                              (long long)wanted, (long long)deployment->generation));
    else if (wrong != NULL)
        end_with(rollout, ROLLOUT_OVERTAKEN, "Superseded", "OtherImage", wrong);
    find_version(rollout);
}

static void judge_first(struct rollout *rollout, const struct project_view *view)
{
    if (rollout->end == ROLLOUT_GOES_ON && has_timed_out_before(view))
        end_with(rollout, ROLLOUT_FAILED, "Failed", "ProgressDeadlineExceeded",
                 view->deployment->progressing.message);
}

void rollout_view(struct rollout *rollout, const struct project_view *view, bool gap, int64_t now)
{
    const struct view_deployment *deployment = view->deployment;
    const bool first = rollout->seq == 0;
    if (rollout->end != ROLLOUT_GOES_ON)
        return;
    if (first && deployment == NULL) {
        overtake(rollout, view);
        return;
    }
    if (first && deployment->generation < rollout->options->generation)
        return;
    machine_view(rollout->machine, view, gap, now);
    if (first)
        first_view(rollout, view);
    take_effects(rollout, view);
    if (first)
        judge_first(rollout, view);
    if (deployment != NULL && (!rollout->left || rollout->evidence == NULL))
        note_view(rollout, view);
    if (deployment != NULL && deployment->replicas == 0 &&
        deployment->observed_generation >= deployment->generation)
        end_with(rollout, ROLLOUT_OVERTAKEN, "Suspended", "ScaledToZero",
                 "it is scaled to 0: nothing runs, so nothing is proven");
}

void rollout_tick(struct rollout *rollout, int64_t now)
{
    if (rollout->end != ROLLOUT_GOES_ON)
        return;
    machine_tick(rollout->machine, now);
    take_effects(rollout, NULL);
}

void rollout_lost(struct rollout *rollout)
{
    machine_sync(rollout->machine, false);
}

int64_t rollout_next_tick(const struct rollout *rollout)
{
    return rollout->seq == 0 ? INT64_MAX : machine_next_tick(rollout->machine);
}

/* ---- the end ---------------------------------------------------------------------------- */

static const char *summary(const struct rollout *rollout, struct arena *arena)
{
    if (rollout->message != NULL)
        return rollout->message;
    if (rollout->end == ROLLOUT_GOES_ON)
        return arena_printf(arena, "not ended: %s", rollout->words);
    return NULL;
}

cJSON *rollout_evidence(const struct rollout *rollout, struct arena *arena)
{
    cJSON *root =
        rollout->evidence != NULL ? json_dup(arena, rollout->evidence) : json_new_object(arena);
    cJSON *deployment = json_get(root, "deployment");
    if (deployment == NULL) {
        deployment = json_new_object(arena);
        json_add(arena, root, "deployment", deployment);
    }
    add_text(arena, deployment, "status", rollout->status);
    add_text(arena, deployment, "reason", rollout->reason);
    add_number(arena, deployment, "progress", rollout->progress);
    add_text(arena, root, "summary", summary(rollout, arena));
    return root;
}

const char *const *rollout_uids(const struct rollout *rollout, struct arena *arena)
{
    size_t count = 0;
    while (rollout->uids != NULL && rollout->uids[count] != NULL)
        count++;
    const char **uids = arena_array(arena, count + 1, sizeof *uids);
    for (size_t i = 0; i < count; i++)
        uids[i] = arena_strdup(arena, rollout->uids[i]);
    return uids;
}
