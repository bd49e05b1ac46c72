#include "net/record.h"

#include "base/clock.h"

#include <string.h>

#define LINE_BYTES_MAX (32UL * 1024UL)
#define NAME_RUNES_MAX 512
/* In audit mode this list is what the log is read for: the ids of every rule of a large set. */
#define RULES_RUNES_MAX 8192

static enum metric_outcome outcome_of(const struct record *record)
{
    if (record->error != 0 || record->verdict == NULL)
        return OUTCOME_ERROR;
    switch (record->verdict->outcome) {
    case VERDICT_PATCHED:
        return OUTCOME_PATCHED;
    case VERDICT_DENIED:
        return OUTCOME_DENIED;
    case VERDICT_NOT_JUDGED:
        return OUTCOME_NOT_JUDGED;
    case VERDICT_ALLOWED:
    default:
        return OUTCOME_ALLOWED;
    }
}

static void hit(const struct live *live, const struct rule *rule, enum metric_effect effect)
{
    /* A rule of the set before (forgiveness after a reload) is not in this one's list. */
    if (rule == NULL || rule->order >= live->set->rule_count)
        return;
    struct metric_rule *counter = live->rules[rule->order];
    if (counter != NULL)
        atomic_fetch_add_explicit(&counter->hits[effect], 1, memory_order_relaxed);
}

static void count_rules(const struct verdict *verdict, const struct live *live)
{
    for (const struct violation *v = verdict->violations; v != NULL; v = v->next) {
        bool softened = v->ratcheted || (v->exception != NULL && !v->exception_expired);
        hit(live, v->rule,
            v->mode == POLICY_AUDIT              ? EFFECT_AUDIT
            : v->mode == POLICY_WARN || softened ? EFFECT_WARN
                                                 : EFFECT_DENY);
    }
    for (const struct edit *edit = verdict->edits; edit != NULL; edit = edit->next)
        hit(live, edit->rule, EFFECT_CHANGE);
    metric_add(METRIC_PATCH_OPERATIONS, (int64_t)verdict->operation_count);
    metric_add(METRIC_WARNINGS, (int64_t)verdict->warning_count);
}

static void add_cut(struct buf *line, const char *key, const char *value, size_t runes_max)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(line, ",\"%s\":", key);
    if (strlen(value) <= runes_max) {
        buf_add_json_string(line, value);
        return;
    }
    struct buf cut;
    buf_init(&cut, NULL, runes_max * 4 + 8);
    buf_add_visible(&cut, value, runes_max);
    buf_add_json_string(line, cut.data);
    buf_done(&cut);
}

static void add_text(struct buf *line, const char *key, const char *value)
{
    add_cut(line, key, value, NAME_RUNES_MAX);
}

static void add_request(struct buf *line, const struct admit_request *request)
{
    static const char *const operations[] = {"CREATE", "UPDATE", "DELETE", "CONNECT", ""};
    add_text(line, "operation", operations[metric_operation_index(request->operation)]);
    add_text(line, "kind", request->kind);
    add_text(line, "resource", request->resource_text);
    add_text(line, "namespace", request->name_space);
    add_text(line, "name", request->name);
    add_text(line, "user", request->user);
    if (request->dry_run)
        buf_add_string(line, ",\"dryRun\":true");
}

static void write_line(struct buf *line, const struct record *record, const struct live *live)
{
    static const char *const phases[] = {"mutate", "validate", "policies"};
    char time[CLOCK_TEXT_BYTES];
    buf_printf(line, "{\"time\":\"%s\",\"phase\":\"%s\"", clock_format(clock_unix_us(), time),
               phases[record->phase]);
    add_text(line, "uid", record->uid);
    if (record->request != NULL)
        add_request(line, record->request);
    add_text(line, "outcome", metric_outcome_names[outcome_of(record)]);
    if (record->error != 0)
        add_text(line, "error", err_label(record->error));
    if (record->verdict != NULL) {
        buf_printf(line, ",\"allowed\":%s,\"patchOperations\":%zu,\"violations\":%zu",
                   record->verdict->allowed ? "true" : "false", record->verdict->operation_count,
                   record->verdict->violation_count);
        add_cut(line, "rules", record->verdict->audit_rules, RULES_RUNES_MAX);
        if (record->verdict->outcome == VERDICT_NOT_JUDGED)
            add_text(line, "because", record->verdict->not_judged_because);
    }
    if (live->set->mode != POLICY_ENFORCE)
        add_text(line, "mode", policy_mode_names[live->set->mode]);
    buf_printf(line, ",\"digest\":\"%s\",\"microseconds\":%lld}\n", live->set->digest,
               (long long)(record->ended_us - record->began_us));
}

void record_request(const struct record *record, const struct live *live,
                    struct decision_log *decisions)
{
    unsigned operation = record->request != NULL
                             ? metric_operation_index(record->request->operation)
                             : metric_operation_index(0);
    metric_request(record->phase, outcome_of(record), operation,
                   record->ended_us - record->began_us);
    if (record->error != 0)
        metric_error(record->error);
    if (record->verdict != NULL)
        count_rules(record->verdict, live);
    if (decisions == NULL)
        return;
    struct buf line;
    buf_init(&line, NULL, LINE_BYTES_MAX);
    write_line(&line, record, live);
    if (line.failed)
        metric_add(METRIC_DECISIONS_DROPPED, 1);
    else
        decision_log_add(decisions, line.data, line.length);
    buf_done(&line);
}
