#include "base/json.h"
#include "base/limits.h"
#include "history/machine_internal.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX    (64 * LIMIT_MIB)
#define STEP_BYTES_MAX    (64 * LIMIT_MIB)
#define STEP_KEPT_BYTES   (64UL * 1024UL)
#define FIRST_BYTES       (4UL * 1024UL) /* there are hundreds of machines */
#define COMPACT_BYTES_MIN (256UL * 1024UL)
#define VISIBLE_RUNES     300

const struct machine_settings machine_settings_default = {
    .soak_us = 60 * 1000000LL,
    .evidence_us = 60 * 1000000LL,
    .restarts_failed = 3,
    .deadline_factor = 3,
    .persist_us = 90 * 1000000LL,
};

const char *machine_event_name(enum machine_event event)
{
    static const char *const names[] = {
#define MACHINE_NAME(constant, name) [constant] = name,
        MACHINE_EVENT_TABLE(MACHINE_NAME)
#undef MACHINE_NAME
    };
    return names[event];
}

/* ---- The members that memory.c's text and revision's texts have: one row each. */

#define REVISION_TEXTS(X)                                                                          \
    X(uid)                                                                                         \
    X(rs_name)                                                                                     \
    X(rs_uid)                                                                                      \
    X(template_sha)                                                                                \
    X(written_sha)                                                                                 \
    X(last_applied)                                                                                \
    X(managed_fields)                                                                              \
    X(policy_changes)                                                                              \
    X(strategy)                                                                                    \
    X(change_kind)                                                                                 \
    X(change_cause)                                                                                \
    X(actor_user)                                                                                  \
    X(actor_groups)                                                                                \
    X(via)                                                                                         \
    X(on_behalf_of)                                                                                \
    X(reason)                                                                                      \
    X(message)                                                                                     \
    X(good_by)                                                                                     \
    X(progressing_baseline)                                                                        \
    X(memory)

#define REVISION_NUMBERS(X)                                                                        \
    X(id)                                                                                          \
    X(project_id)                                                                                  \
    X(seq)                                                                                         \
    X(generation)                                                                                  \
    X(k8s_revision)                                                                                \
    X(replicas)                                                                                    \
    X(actor_certain)                                                                               \
    X(origin)                                                                                      \
    X(status)                                                                                      \
    X(progress)                                                                                    \
    X(good)                                                                                        \
    X(soak_until)                                                                                  \
    X(started_at)                                                                                  \
    X(last_progress_at)                                                                            \
    X(deadline_at)                                                                                 \
    X(completed_at)                                                                                \
    X(rollback_of)                                                                                 \
    X(source)

#define MEMORY_NUMBERS(X)                                                                          \
    X(current)                                                                                     \
    X(seen_generation)                                                                             \
    X(gap_low)                                                                                     \
    X(gap_high)                                                                                    \
    X(gapped)                                                                                      \
    X(importing)                                                                                   \
    X(old_pods)                                                                                    \
    X(suspended_at)                                                                                \
    X(paused)                                                                                      \
    X(pauses)                                                                                      \
    X(bad_since)                                                                                   \
    X(restart_base)                                                                                \
    X(soak_restarts)                                                                               \
    X(cancels)                                                                                     \
    X(told)                                                                                        \
    X(intents)                                                                                     \
    X(delete_intent)

#define MEMORY_TEXTS(X)                                                                            \
    X(evidence)                                                                                    \
    X(digests)                                                                                     \
    X(history_id)                                                                                  \
    X(deleter)

bool machine_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *keep(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

const char *machine_keep(struct machine *machine, const char *text)
{
    return keep(&machine->text, text);
}

static void keep_texts(struct arena *arena, struct revision *revision)
{
#define KEEP(member) revision->member = keep(arena, revision->member);
    REVISION_TEXTS(KEEP)
#undef KEEP
}

static bool same_revision(const struct revision *a, const struct revision *b)
{
#define DIFFERS(member) || !machine_same_text(a->member, b->member)
#define UNEQUAL(member) || a->member != b->member
    return !(false REVISION_TEXTS(DIFFERS) REVISION_NUMBERS(UNEQUAL));
#undef DIFFERS
#undef UNEQUAL
}

/* ---- The memory as text */

static void add_number(struct buf *buf, const char *name, int64_t value)
{
    if (value == 0)
        return;
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    *--at = '\0';
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--at = '-';
    buf_add_strings(buf, buf->length > 1 ? ",\"" : "\"", name, "\":\"", at, "\"", NULL);
}

static void add_text(struct buf *buf, const char *name, const char *text)
{
    if (text == NULL)
        return;
    buf_add_strings(buf, buf->length > 1 ? ",\"" : "\"", name, "\":", NULL);
    buf_add_json_string(buf, text);
}

static void add_pods(struct buf *buf, const struct memory *memory)
{
    if (memory->pod_count == 0)
        return;
    buf_add_string(buf, buf->length > 1 ? ",\"pods\":{" : "\"pods\":{");
    for (size_t i = 0; i < memory->pod_count; i++) {
        if (i > 0)
            buf_add_char(buf, ',');
        buf_add_json_string(buf, memory->pods[i].uid);
        buf_printf(buf, ":\"%lld\"", (long long)memory->pods[i].hash);
    }
    buf_add_char(buf, '}');
}

static const char *write_memory(struct arena *arena, const struct memory *memory)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    buf_add_char(&buf, '{');
#define ADD_NUMBER(member) add_number(&buf, #member, (int64_t)memory->member);
#define ADD_TEXT(member)   add_text(&buf, #member, memory->member);
    MEMORY_NUMBERS(ADD_NUMBER)
    MEMORY_TEXTS(ADD_TEXT)
#undef ADD_NUMBER
#undef ADD_TEXT
    add_pods(&buf, memory);
    buf_add_char(&buf, '}');
    return buf.length > 2 ? buf.data : NULL;
}

/* Numbers are written as strings: they do not fit a double. */
static int64_t number_of(const cJSON *text)
{
    const char *digits = json_string(text);
    return digits != NULL ? strtoll(digits, NULL, 10) : 0;
}

static void read_pods(struct arena *arena, const cJSON *pods, struct memory *memory)
{
    const cJSON *one;
    if (!json_is_object(pods))
        return;
    memory->pods = arena_array(arena, json_count(pods), sizeof *memory->pods);
    cJSON_ArrayForEach(one, pods)
    {
        memory->pods[memory->pod_count++] =
            (struct pod_note){.uid = arena_strdup(arena, one->string), .hash = number_of(one)};
    }
}

/* What is no memory of ours (an older version's, or broken) is forgotten: it is judged anew. */
static void read_memory(struct machine *machine, const char *text, struct memory *memory)
{
    cJSON *root;
    struct err err;
    if (text == NULL ||
        json_parse(&machine->step, text, strlen(text), &json_limits_review, &root, &err) < 0)
        return;
#define READ_NUMBER(member)                                                                        \
    memory->member = (__typeof__(memory->member))number_of(json_get(root, #member));
#define READ_TEXT(member) memory->member = keep(&machine->text, json_get_string(root, #member));
    MEMORY_NUMBERS(READ_NUMBER)
    MEMORY_TEXTS(READ_TEXT)
#undef READ_NUMBER
#undef READ_TEXT
    read_pods(&machine->text, json_get(root, "pods"), memory);
}

/* ---- Rows */

static struct row *append(struct machine *machine, const struct revision *revision)
{
    if (machine->row_count == machine->row_capacity) {
        const size_t capacity = machine->row_capacity * 2 + 8;
        struct row **rows = arena_array(&machine->text, capacity, sizeof *rows);
        for (size_t i = 0; i < machine->row_count; i++)
            rows[i] = machine->rows[i];
        machine->rows = rows;
        machine->row_capacity = capacity;
    }
    struct row *row = arena_alloc(&machine->text, sizeof *row);
    row->revision = *revision;
    keep_texts(&machine->text, &row->revision);
    machine->rows[machine->row_count++] = row;
    if (revision->seq > machine->last_seq)
        machine->last_seq = revision->seq;
    return row;
}

struct row *machine_insert(struct machine *machine, const struct revision *revision)
{
    struct row *row = append(machine, revision);
    row->revision.seq = ++machine->last_seq;
    row->touched = true;
    return row;
}

void machine_load_row(struct machine *machine, const struct revision *revision)
{
    struct row *row = append(machine, revision);
    row->stored = row->revision;
    row->inserted = true;
    read_memory(machine, revision->memory, &row->memory);
    if (row->memory.current)
        machine->current = row;
}

struct memory *machine_touch(struct row *row)
{
    row->touched = true;
    return &row->memory;
}

/* Texts that were replaced stay in the arena until the rows are copied into a fresh one. */
static void compact(struct machine *machine)
{
    if (machine->text.used_bytes < machine->text_compact_bytes)
        return;
    struct machine old = *machine;
    arena_init_small(&machine->text, TEXT_BYTES_MAX, FIRST_BYTES);
    machine->rows = NULL;
    machine->row_count = machine->row_capacity = 0;
    machine->current = NULL;
    for (size_t i = 0; i < old.row_count; i++)
        machine_load_row(machine, &old.rows[i]->revision);
    for (size_t i = 0; i < old.row_count; i++)
        machine->rows[i]->inserted = old.rows[i]->inserted;
    machine->text_compact_bytes = 2 * machine->text.used_bytes;
    if (machine->text_compact_bytes < COMPACT_BYTES_MIN)
        machine->text_compact_bytes = COMPACT_BYTES_MIN;
    arena_done(&old.text);
}

int machine_new(const struct machine_settings *settings, struct machine **ret_machine,
                struct err *reterr)
{
    struct machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a machine");
    machine->settings = *settings;
    arena_init_small(&machine->text, TEXT_BYTES_MAX, FIRST_BYTES);
    arena_init_small(&machine->step, STEP_BYTES_MAX, FIRST_BYTES);
    machine->text_compact_bytes = COMPACT_BYTES_MIN;
    *ret_machine = machine;
    return 0;
}

void machine_free(struct machine *machine)
{
    if (machine == NULL)
        return;
    arena_done(&machine->text);
    arena_done(&machine->step);
    free(machine);
}

/* ---- A step */

void machine_begin(struct machine *machine, int64_t now)
{
    arena_reset(&machine->step, STEP_KEPT_BYTES);
    compact(machine);
    machine->now = now;
    machine->notes = machine->effects = NULL;
    machine->note_count = machine->note_capacity = machine->effect_count = 0;
}

void machine_note(struct machine *machine, const struct machine_effect *effect)
{
    if (machine->note_count == machine->note_capacity) {
        const size_t capacity = machine->note_capacity * 2 + 8;
        struct machine_effect *notes = arena_array(&machine->step, capacity, sizeof *notes);
        for (size_t i = 0; i < machine->note_count; i++)
            notes[i] = machine->notes[i];
        machine->notes = notes;
        machine->note_capacity = capacity;
    }
    machine->notes[machine->note_count] = *effect;
    machine->notes[machine->note_count++].at = machine->now;
}

void machine_note_joined(struct machine *machine, struct row *row, int64_t intent)
{
    machine_note(machine, &(struct machine_effect){.kind = MACHINE_JOINED,
                                                   .revision = &row->revision,
                                                   .intent = intent});
}

static void add_row_effect(struct machine *machine, struct row *row)
{
    row->touched = false;
    const char *memory = write_memory(&machine->step, &row->memory);
    if (!machine_same_text(memory, row->revision.memory))
        row->revision.memory = machine_keep(machine, memory);
    if (row->inserted && same_revision(&row->revision, &row->stored))
        return;
    machine->effects[machine->effect_count++] =
        (struct machine_effect){.kind = row->inserted ? MACHINE_UPDATE : MACHINE_INSERT,
                                .revision = &row->revision,
                                .at = machine->now};
    row->inserted = true;
    row->stored = row->revision;
}

/* Rows first: what else was told names them. */
void machine_finish(struct machine *machine)
{
    machine->effects = arena_array(&machine->step, machine->row_count + machine->note_count,
                                   sizeof *machine->effects);
    for (size_t i = 0; i < machine->row_count; i++) {
        if (machine->rows[i]->touched)
            add_row_effect(machine, machine->rows[i]);
    }
    for (size_t i = 0; i < machine->note_count; i++)
        machine->effects[machine->effect_count++] = machine->notes[i];
}

const struct machine_effect *machine_effects(const struct machine *machine, size_t *ret_count)
{
    *ret_count = machine->effect_count;
    return machine->effects;
}

/* ---- States */

#define BIT(status) (1U << (status))

/* From which states each may be reached: the design's table.  Superseded and Cancelled go to
 * RollingBack only when the watch was quicker than the word of our own write. */
static const unsigned reached_from[REVISION_STATUSES] = {
    [REVISION_IN_PROGRESS] = BIT(REVISION_PENDING),
    [REVISION_COMPLETED] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_FAILED),
    [REVISION_FAILED] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_ROLLING_BACK),
    [REVISION_ROLLING_BACK] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_COMPLETED) |
                              BIT(REVISION_FAILED) | BIT(REVISION_SUPERSEDED) |
                              BIT(REVISION_CANCELLED),
    [REVISION_ROLLED_BACK] = BIT(REVISION_ROLLING_BACK),
    [REVISION_SUPERSEDED] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_PENDING),
    [REVISION_CANCELLED] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_SUPERSEDED),
    [REVISION_NOT_PERSISTED] = BIT(REVISION_PENDING),
    [REVISION_UNKNOWN] = BIT(REVISION_PENDING),
    [REVISION_DELETED] = BIT(REVISION_IN_PROGRESS) | BIT(REVISION_COMPLETED) |
                         BIT(REVISION_FAILED) | BIT(REVISION_CANCELLED) |
                         BIT(REVISION_ROLLED_BACK) | BIT(REVISION_ROLLING_BACK),
};

bool machine_move(struct machine *machine, struct row *row, enum revision_status to,
                  const char *reason, const char *message)
{
    if ((reached_from[to] & BIT(row->revision.status)) == 0)
        return false;
    machine_touch(row);
    row->revision.status = to;
    if (reason != NULL)
        row->revision.reason = machine_keep(machine, reason);
    if (message != NULL)
        row->revision.message = machine_keep(machine, message);
    return true;
}

const char *machine_visible(struct machine *machine, const char *text)
{
    struct buf buf;
    buf_init(&buf, &machine->step, 4096);
    buf_add_visible(&buf, text != NULL ? text : "", VISIBLE_RUNES);
    return buf.data;
}

static void tell(struct machine *machine, struct row *row, enum machine_event event,
                 const char *key, const char *message, const char *details_json)
{
    cJSON *details = NULL;
    struct err err;
    if (details_json != NULL && json_parse(&machine->step, details_json, strlen(details_json),
                                           &json_limits_review, &details, &err) < 0)
        details = NULL;
    machine_note(machine, &(struct machine_effect){.kind = MACHINE_EVENT,
                                                   .revision = &row->revision,
                                                   .event_type = machine_event_name(event),
                                                   .event_message = message,
                                                   .event_key = key,
                                                   .details = details});
}

void machine_tell(struct machine *machine, struct row *row, enum machine_event event,
                  const char *message, const char *details_json)
{
    const int64_t bit = (int64_t)1 << event;
    if ((row->memory.told & bit) != 0)
        return;
    machine_touch(row)->told |= bit;
    const char *key = arena_printf(&machine->step, "%lld/%s", (long long)row->revision.seq,
                                   machine_event_name(event));
    tell(machine, row, event, key, message, details_json);
}

void machine_tell_again(struct machine *machine, struct row *row, enum machine_event event,
                        int64_t number, const char *message)
{
    const char *key = arena_printf(&machine->step, "%lld/%s/%lld", (long long)row->revision.seq,
                                   machine_event_name(event), (long long)number);
    tell(machine, row, event, key, message, NULL);
}
