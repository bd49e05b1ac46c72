#include "history/machine_internal.h"

#include <string.h>

/* ---- Evidence: the kubelet's words for what will not mend itself (pkg/kubelet/images/types.go,
 * pkg/kubelet/container/sync_result.go, pkg/kubelet/kuberuntime/kuberuntime_container.go). */

enum evidence_class { EVIDENCE_NONE, EVIDENCE_IMAGE, EVIDENCE_CRASH, EVIDENCE_CONFIG };

static const struct {
    const char *waiting_reason;
    enum evidence_class class;
} waiting_reasons[] = {
    {"ErrImagePull", EVIDENCE_IMAGE},
    {"ImagePullBackOff", EVIDENCE_IMAGE},
    {"InvalidImageName", EVIDENCE_IMAGE},
    {"ErrImageNeverPull", EVIDENCE_IMAGE},
    {"ImageInspectError", EVIDENCE_IMAGE},
    {"RegistryUnavailable", EVIDENCE_IMAGE},
    {"SignatureValidationFailed", EVIDENCE_IMAGE},
    {"CrashLoopBackOff", EVIDENCE_CRASH},
    {"RunContainerError", EVIDENCE_CRASH},
    {"PostStartHookError", EVIDENCE_CRASH},
    {"CreateContainerConfigError", EVIDENCE_CONFIG},
    {"CreateContainerError", EVIDENCE_CONFIG},
    {"PreCreateHookError", EVIDENCE_CONFIG},
    {"PreStartHookError", EVIDENCE_CONFIG},
};

static const struct {
    const char *reason;
    enum machine_event event;
} classes[] = {
    [EVIDENCE_NONE] = {"CrashLoop", MACHINE_CRASH_LOOP},
    [EVIDENCE_IMAGE] = {"ImagePull", MACHINE_IMAGE_PULL_FAILED},
    [EVIDENCE_CRASH] = {"CrashLoop", MACHINE_CRASH_LOOP},
    [EVIDENCE_CONFIG] = {"ConfigError", MACHINE_CONFIG_ERROR},
};

static enum evidence_class class_of(const char *waiting_reason)
{
    for (size_t i = 0;
         waiting_reason != NULL && i < sizeof waiting_reasons / sizeof *waiting_reasons; i++) {
        if (strcmp(waiting_reasons[i].waiting_reason, waiting_reason) == 0)
            return waiting_reasons[i].class;
    }
    return EVIDENCE_NONE;
}

static bool is_of(const struct view_pod *pod, const struct row *row)
{
    return row->revision.rs_uid != NULL && pod->owner_uid != NULL &&
           strcmp(pod->owner_uid, row->revision.rs_uid) == 0;
}

static int64_t pod_restarts(const struct view_pod *pod)
{
    int64_t most = 0;
    for (size_t i = 0; i < pod->container_count; i++) {
        if (pod->containers[i].restarts > most)
            most = pod->containers[i].restarts;
    }
    return most;
}

int64_t machine_restarts(const struct row *row, const struct project_view *view, int64_t *ret_ready)
{
    int64_t restarts = 0;
    *ret_ready = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct view_pod *pod = &view->pods[i];
        if (!is_of(pod, row) || pod->deleting)
            continue;
        *ret_ready += pod->ready;
        for (size_t j = 0; j < pod->container_count; j++)
            restarts += pod->containers[j].restarts;
    }
    return restarts;
}

/* The container that tells why this pod fails; NULL: the pod does not. */
static const struct view_container *culprit(const struct machine *machine, const struct row *row,
                                            const struct view_pod *pod, bool *ret_at_once)
{
    const int64_t base = row->memory.restart_base - 1;
    if (pod->ready)
        return NULL;
    const struct view_container *found = NULL;
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct view_container *container = &pod->containers[i];
        const bool often = container->restarts >= base + machine->settings.restarts_failed;
        if (often && !container->ready) {
            *ret_at_once = true;
            return container;
        }
        if (found == NULL && class_of(container->waiting_reason) != EVIDENCE_NONE)
            found = container;
    }
    *ret_at_once = false;
    return found;
}

static void add_json(struct buf *buf, const char *name, const char *text)
{
    if (text == NULL)
        return;
    buf_add_strings(buf, buf->length > 1 ? ",\"" : "\"", name, "\":", NULL);
    buf_add_json_string(buf, text);
}

/* Evidence is kept as JSON, so that it is there when the pods are gone.  Numbers that count on
 * (restarts) are left out: they would be news each time. */
static const char *write_evidence(struct machine *machine, const struct view_pod *pod,
                                  const struct view_container *container, bool at_once)
{
    struct buf buf;
    buf_init(&buf, &machine->step, 64UL * 1024UL);
    const enum evidence_class class =
        at_once ? EVIDENCE_CRASH : class_of(container->waiting_reason);
    buf_add_char(&buf, '{');
    add_json(&buf, "reason", classes[class].reason);
    add_json(&buf, "pod", pod->name);
    add_json(&buf, "node", pod->node);
    add_json(&buf, "container", container->name);
    add_json(&buf, "image", container->image);
    add_json(&buf, "waiting", container->waiting_reason);
    add_json(&buf, "message", container->waiting_message);
    add_json(&buf, "ended", container->last_reason);
    add_json(&buf, "last_words", container->last_message);
    if (container->last_reason != NULL)
        buf_printf(&buf, ",\"exit_code\":%lld", (long long)container->exit_code);
    if (at_once)
        buf_add_string(&buf, ",\"restarted\":true");
    buf_add_char(&buf, '}');
    return buf.data;
}

static void note_restart_base(struct row *row, const struct project_view *view)
{
    int64_t most = 0;
    if (row->memory.restart_base != 0)
        return;
    for (size_t i = 0; i < view->pod_count; i++) {
        if (is_of(&view->pods[i], row) && pod_restarts(&view->pods[i]) > most)
            most = pod_restarts(&view->pods[i]);
    }
    machine_touch(row)->restart_base = most + 1;
}

void machine_watch_pods(struct machine *machine, struct row *row, const struct project_view *view)
{
    const char *evidence = NULL;
    bool every = true, every_at_once = true;
    if (row->revision.rs_uid == NULL)
        return;
    note_restart_base(row, view);
    for (size_t i = 0; every && i < view->pod_count; i++) {
        const struct view_pod *pod = &view->pods[i];
        bool at_once = false;
        if (!is_of(pod, row) || pod->deleting)
            continue;
        const struct view_container *container = culprit(machine, row, pod, &at_once);
        every = container != NULL;
        every_at_once = every_at_once && at_once;
        if (every && (evidence == NULL || !at_once))
            evidence = write_evidence(machine, pod, container, at_once);
    }
    if (!every || evidence == NULL) {
        if (row->memory.bad_since != 0)
            machine_touch(row)->bad_since = 0;
        return;
    }
    const int64_t waited = machine->now - machine->settings.evidence_us;
    const bool fresh = !machine_same_text(row->memory.evidence, evidence);
    const bool begins = row->memory.bad_since == 0;
    if (begins)
        machine_touch(row)->bad_since = machine->now;
    if (every_at_once && (begins || fresh) && row->memory.bad_since > waited)
        machine_touch(row)->bad_since = waited;
    if (fresh)
        machine_touch(row)->evidence = machine_keep(machine, evidence);
}

static const char *sentence(struct machine *machine, const cJSON *root)
{
    const char *waiting = json_get_string(root, "waiting");
    const char *words = json_get_string(root, "message");
    if (json_is_true(json_get(root, "restarted")) || words == NULL)
        words = json_get_string(root, "last_words");
    const char *ended = json_get_string(root, "ended");
    int64_t code = 0;
    (void)json_int64(json_get(root, "exit_code"), &code);
    const char *how = ended == NULL
                          ? ""
                          : arena_printf(&machine->step, ", last end %s with exit code %lld", ended,
                                         (long long)code);
    const char *text =
        arena_printf(&machine->step, "container %s: %s%s%s%s", json_get_string(root, "container"),
                     waiting != NULL ? waiting : "restarts again and again", how,
                     words != NULL ? ": " : "", words != NULL ? words : "");
    return machine_visible(machine, text);
}

struct evidence machine_evidence(struct machine *machine, const struct row *row)
{
    struct evidence evidence = {"CrashLoop", "", MACHINE_CRASH_LOOP, false};
    cJSON *root;
    struct err err;
    const char *text = row->memory.evidence;
    if (text == NULL ||
        json_parse(&machine->step, text, strlen(text), &json_limits_review, &root, &err) < 0)
        return evidence;
    const char *reason = json_get_string(root, "reason");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (machine_same_text(classes[i].reason, reason)) {
            evidence.reason = classes[i].reason;
            evidence.event = classes[i].event;
        }
    }
    evidence.message = sentence(machine, root);
    return evidence;
}

/* ---- Digests: which image a tag was, by the first pod that ran; `memory.digests` has a line
 * "container digest" each. */

static const char *digest_in(struct machine *machine, const char *lines, const char *container)
{
    const size_t length = strlen(container);
    for (const char *at = lines; at != NULL && *at != '\0'; at += *at == '\n') {
        if (strncmp(at, container, length) == 0 && at[length] == ' ')
            return arena_strndup(&machine->step, at + length + 1, strcspn(at + length + 1, "\n"));
        at += strcspn(at, "\n");
    }
    return NULL;
}

static void tell_moved(struct machine *machine, struct row *row,
                       const struct view_container *container, const char *before)
{
    const char *text = arena_printf(&machine->step, "image %s of container %s is %s, and was %s",
                                    container->image != NULL ? container->image : "",
                                    container->name, container->image_digest, before);
    machine_tell(machine, row, MACHINE_TAG_MOVED, machine_visible(machine, text), NULL);
}

static void note_digest(struct machine *machine, struct row *row,
                        const struct view_container *container)
{
    if (container->name == NULL || container->image_digest == NULL ||
        strpbrk(container->image_digest, "\n") != NULL)
        return;
    const char *had = digest_in(machine, row->memory.digests, container->name);
    if (had == NULL) {
        const struct row *source = machine_find_id(machine, row->revision.source);
        const char *lines = row->memory.digests;
        const char *more = arena_printf(&machine->step, "%s%s %s\n", lines != NULL ? lines : "",
                                        container->name, container->image_digest);
        machine_touch(row)->digests = machine_keep(machine, more);
        if (source != NULL)
            had = digest_in(machine, source->memory.digests, container->name);
    }
    if (had != NULL && strcmp(had, container->image_digest) != 0)
        tell_moved(machine, row, container, had);
}

static void note_digests(struct machine *machine, struct row *row, const struct view_pod *pod)
{
    for (size_t i = 0; i < pod->container_count; i++)
        note_digest(machine, row, &pod->containers[i]);
}

/* ---- Instances */

static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * 1099511628211U; /* FNV-1a */
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return text != NULL ? mix(hash, text, strlen(text) + 1) : mix(hash, "\1", 2);
}

static int64_t pod_hash(const struct view_pod *pod)
{
    uint64_t hash = 14695981039346656037U;
    const bool flags[2] = {pod->ready, pod->deleting};
    hash = mix(mix_text(mix_text(mix_text(hash, pod->node), pod->phase), pod->reason), flags,
               sizeof flags);
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct view_container *one = &pod->containers[i];
        const char *texts[] = {one->name,           one->image,           one->image_digest,
                               one->waiting_reason, one->waiting_message, one->last_reason,
                               one->last_message};
        const int64_t numbers[] = {one->ready,     one->running,    one->restarts,
                                   one->exit_code, one->started_at, one->ended_at};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            hash = mix_text(hash, texts[j]);
        hash = mix(hash, numbers, sizeof numbers);
    }
    return (int64_t)(hash >> 1);
}

/* Whose pod it is: the stored revision's, else the newest one's that had this ReplicaSet. */
static struct row *owner_of(const struct machine *machine, const struct view_pod *pod)
{
    if (machine->current != NULL && is_of(pod, machine->current))
        return machine->current;
    for (size_t i = machine->row_count; i-- > 0;) {
        if (is_of(pod, machine->rows[i]))
            return machine->rows[i];
    }
    return NULL;
}

static const struct pod_note *note_of(const struct memory *memory, const char *uid)
{
    for (size_t i = 0; i < memory->pod_count; i++) {
        if (strcmp(memory->pods[i].uid, uid) == 0)
            return &memory->pods[i];
    }
    return NULL;
}

static void tell_gone(struct machine *machine, struct row *row, const char *uid)
{
    struct view_pod *pod = arena_alloc(&machine->step, sizeof *pod);
    pod->uid = uid;
    machine_note(machine, &(struct machine_effect){.kind = MACHINE_INSTANCE,
                                                   .revision = &row->revision,
                                                   .pod = pod,
                                                   .gone = true});
}

/* The pods of one row: those that are new or differ are told, and those that are no more. */
static void tell_row(struct machine *machine, struct row *row, const struct project_view *view)
{
    struct pod_note *notes = arena_array(&machine->step, view->pod_count, sizeof *notes);
    size_t count = 0;
    bool news = false;
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct view_pod *pod = &view->pods[i];
        if (!is_of(pod, row) || owner_of(machine, pod) != row)
            continue;
        const struct pod_note *before = note_of(&row->memory, pod->uid);
        notes[count] = (struct pod_note){.uid = pod->uid, .hash = pod_hash(pod)};
        if (before == NULL || before->hash != notes[count].hash) {
            news = true;
            note_digests(machine, row, pod);
            machine_note(machine, &(struct machine_effect){.kind = MACHINE_INSTANCE,
                                                           .revision = &row->revision,
                                                           .pod = pod});
        }
        count++;
    }
    const struct memory now = {.pods = notes, .pod_count = count};
    for (size_t i = 0; i < row->memory.pod_count; i++) {
        if (note_of(&now, row->memory.pods[i].uid) == NULL) {
            news = true;
            tell_gone(machine, row, row->memory.pods[i].uid);
        }
    }
    if (!news)
        return;
    struct memory *memory = machine_touch(row);
    memory->pods = arena_array(&machine->text, count, sizeof *memory->pods);
    memory->pod_count = count;
    for (size_t i = 0; i < count; i++) {
        memory->pods[i].uid = machine_keep(machine, notes[i].uid);
        memory->pods[i].hash = notes[i].hash;
    }
}

void machine_tell_instances(struct machine *machine, const struct project_view *view)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        bool has_pods = row->memory.pod_count > 0;
        for (size_t j = 0; !has_pods && j < view->pod_count; j++)
            has_pods = is_of(&view->pods[j], row);
        if (has_pods)
            tell_row(machine, row, view);
    }
}
