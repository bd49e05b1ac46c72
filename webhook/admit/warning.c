#include "admit/internal.h"

#include "base/utf8.h"
#include "kube/pointer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the same place in another tree ------------------------------------------------------ */

static const char *next_token(struct arena *arena, const char *pointer, const char **ret_rest)
{
    const char *start = pointer + 1;
    const size_t length = strcspn(start, "/");
    *ret_rest = start + length;
    struct buf token;
    buf_init(&token, arena, LIMIT_BODY_BYTES);
    for (size_t i = 0; i < length; i++) {
        if (start[i] == '~' && i + 1 < length)
            buf_add_char(&token, start[++i] == '1' ? '/' : '~');
        else
            buf_add_char(&token, start[i]);
    }
    return token.data;
}

static const cJSON *nth(const cJSON *list, const char *token)
{
    size_t index = (size_t)strtoul(token, NULL, 10);
    if (!json_is_array(list) || !isdigit((unsigned char)*token))
        return NULL;
    const cJSON *element = list->child;
    while (element != NULL && index-- > 0)
        element = element->next;
    return element;
}

static const cJSON *named(const cJSON *list, const char *name)
{
    if (!json_is_array(list))
        return NULL;
    for (const cJSON *element = list->child; element != NULL; element = element->next) {
        const char *other = json_get_string(element, "name");
        if (other != NULL && strcmp(other, name) == 0)
            return element;
    }
    return NULL;
}

static const cJSON *corresponding(struct arena *arena, const cJSON *root, const cJSON *other,
                                  const char *pointer)
{
    while (*pointer != '\0' && other != NULL) {
        const char *token = next_token(arena, pointer, &pointer);
        if (!json_is_array(root)) {
            root = json_get(root, token);
            other = json_get(other, token);
            continue;
        }
        root = nth(root, token);
        const char *name = json_get_string(root, "name");
        other = name != NULL ? named(other, name) : nth(other, token);
    }
    return other;
}

const cJSON *admit_corresponding(struct arena *arena, const cJSON *root, const cJSON *other,
                                 const char *pointer)
{
    return corresponding(arena, root, other, pointer);
}

/* ---- what the user wrote ---------------------------------------------------------------- */

/* managedFields of an Apply: {"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{...}}}} */
static const cJSON *managed_element(struct arena *arena, const cJSON *fields, const cJSON *element)
{
    const char *name = json_get_string(element, "name");
    if (name == NULL)
        return NULL;
    const char *key = arena_printf(arena, "k:{\"name\":\"%s\"}", name);
    return json_find(fields, key);
}

static bool managed_names(struct arena *arena, const cJSON *root, const cJSON *fields,
                          const char *pointer)
{
    while (*pointer != '\0' && fields != NULL) {
        const char *token = next_token(arena, pointer, &pointer);
        if (json_is_array(root)) {
            root = nth(root, token);
            fields = managed_element(arena, fields, root);
        } else {
            root = json_get(root, token);
            fields = json_find(fields, arena_printf(arena, "f:%s", token));
        }
    }
    return fields != NULL;
}

enum authorship { WRITTEN, NOT_WRITTEN, UNKNOWN };

/* Read once: it may be as long as the object, and be asked for every change. */
static const cJSON *last_applied(struct job *job)
{
    cJSON *manifest;
    struct err ignored;
    const char *text = json_get_string(json_path(job->eval.object, "metadata", "annotations", NULL),
                                       "kubectl.kubernetes.io/last-applied-configuration");
    if (!job->has_manifest && text != NULL &&
        json_parse(job->arena, text, strlen(text), &json_limits_review, &manifest, &ignored) == 0)
        job->manifest = manifest;
    job->has_manifest = true;
    return job->manifest;
}

/* Only last-applied and an Apply entry tell what was really written (KUBERNETES fact 5). */
static enum authorship written_by_user(struct job *job, const char *pointer)
{
    const cJSON *object = job->eval.object;
    const cJSON *metadata = json_get(object, "metadata");
    const cJSON *manifest = last_applied(job);
    enum authorship authorship = UNKNOWN;
    if (manifest != NULL) {
        authorship = NOT_WRITTEN;
        if (corresponding(job->arena, object, manifest, pointer) != NULL)
            return WRITTEN;
    }
    const cJSON *managers = json_get(metadata, "managedFields");
    const cJSON *manager = json_is_array(managers) ? managers->child : NULL;
    for (; manager != NULL; manager = manager->next) {
        const char *operation = json_get_string(manager, "operation");
        if (operation == NULL || strcmp(operation, "Apply") != 0)
            continue;
        authorship = NOT_WRITTEN;
        if (managed_names(job->arena, object, json_get(manager, "fieldsV1"), pointer))
            return WRITTEN;
    }
    return authorship;
}

/* The object as the API server would fill it in if nobody had written what the rules replaced. */
static const cJSON *defaulted_object(struct job *job)
{
    struct err ignored;
    cJSON *copy = json_dup(job->arena, job->eval.object);
    for (const struct edit *edit = job->eval.edits; edit != NULL; edit = edit->next) {
        const char *slash = strrchr(edit->field_pointer, '/');
        if (edit->before == NULL || edit->after == NULL || slash == NULL)
            continue;
        const size_t length = (size_t)(slash - edit->field_pointer);
        cJSON *parent = pointer_get(copy, arena_strndup(job->arena, edit->field_pointer, length));
        cJSON *member = json_find(parent, slash + 1);
        if (member != NULL)
            json_unlink(parent, member);
    }
    if (job->request->schema == NULL ||
        schema_default(job->arena, job->request->schema, copy, &ignored) != 0)
        return NULL;
    return copy;
}

/* ---- lines ------------------------------------------------------------------------------ */

struct lines {
    struct job *job;
    const cJSON *defaulted; /* made when it is first asked for */
    const char **texts;
    size_t count;
    size_t capacity;
};

/* A line of at most LIMIT_WARNING_RUNES; what is too long is cut before the rule's id. */
static void add_line(struct lines *lines, const char *text, const char *ids)
{
    struct buf line = verb_buf(&lines->job->eval);
    const size_t tail = *ids != '\0' ? utf8_runes(ids) + strlen(" ()") : 0;
    const size_t room = LIMIT_WARNING_RUNES - (tail + 20 < LIMIT_WARNING_RUNES ? tail : 100);
    buf_add_visible(&line, text, utf8_runes(text) <= room ? room : room - 3);
    if (*ids != '\0')
        buf_add_strings(&line, " (", ids, ")", NULL);
    lines->texts = arena_room(lines->job->arena, lines->texts, lines->count, &lines->capacity,
                              sizeof *lines->texts);
    lines->texts[lines->count++] = line.data;
}

/* ---- changes ---------------------------------------------------------------------------- */

enum change_class { CHANGE_SET, CHANGE_DEFAULTED, CHANGE_ADDED, CHANGE_KEPT };

static bool was_default(struct lines *lines, const struct edit *edit)
{
    if (lines->defaulted == NULL)
        lines->defaulted = defaulted_object(lines->job);
    const cJSON *usual = corresponding(lines->job->arena, lines->job->eval.object, lines->defaulted,
                                       edit->field_pointer);
    return usual != NULL && json_equal(usual, edit->before);
}

static enum change_class classify(struct lines *lines, const struct edit *edit)
{
    struct job *job = lines->job;
    if (job->eval.old_object != NULL) {
        const cJSON *stored =
            corresponding(job->arena, job->eval.object, job->eval.old_object, edit->field_pointer);
        /* What is stored has the API's defaults in it besides. */
        if (edit->after != NULL && stored != NULL &&
            value_holds(VALUE_AUTO, NULL, false, stored, edit->after, false))
            return CHANGE_KEPT;
    }
    if (edit->before == NULL)
        return CHANGE_ADDED;
    const enum authorship authorship = written_by_user(job, edit->field_pointer);
    if (authorship == WRITTEN)
        return CHANGE_SET;
    /* A new object is its manifest and the API's defaults.  Later, scale, edit or replace may have
     * brought the value, of which neither last-applied nor an older Apply entry knows. */
    const bool certain = authorship == NOT_WRITTEN && job->eval.old_object == NULL;
    return certain || was_default(lines, edit) ? CHANGE_DEFAULTED : CHANGE_SET;
}

/* A run of changes that share a line: same class, same parent, same policy. */
struct line_group {
    const struct edit *first;
    enum change_class class;
    size_t parent_length; /* of the field, up to the last dot */
    struct buf values;
    struct buf ids;
};

static size_t parent_length(const char *field)
{
    const char *dot = strrchr(field, '.');
    return dot != NULL && strchr(dot, ']') == NULL ? (size_t)(dot - field) : 0;
}

/* A value of the edit's field; of env[name=X] without the name, which the field says already. */
static void write_value(struct job *job, const struct edit *edit, const cJSON *value,
                        struct buf *line)
{
    const char *open = strrchr(edit->field, '['), *equal = strrchr(edit->field, '=');
    if (json_is_object(value) && open != NULL && equal != NULL && equal > open) {
        cJSON *rest = json_dup(job->arena, value);
        cJSON *key =
            json_find(rest, arena_strndup(job->arena, open + 1, (size_t)(equal - open) - 1));
        if (key != NULL)
            json_unlink(rest, key);
        value = rest;
    }
    value_write_plain(value, 40, line); /* "unset" for none */
}

static void write_before(struct job *job, const struct edit *edit, struct buf *line)
{
    write_value(job, edit, edit->before, line);
}

static void write_after(struct job *job, const struct edit *edit, struct buf *line)
{
    if (edit->after == NULL)
        buf_add_string(line, "removed");
    else
        write_value(job, edit, edit->after, line);
}

static void write_group(struct lines *lines, const struct line_group *group, size_t members)
{
    struct buf line = verb_buf(&lines->job->eval);
    const char *field = group->first->field;
    if (members > 1) {
        buf_add(&line, field, group->parent_length);
        buf_add_strings(&line, ": unset -> ", group->values.data, NULL);
    } else {
        buf_add_strings(&line, field, ": ", NULL);
        write_before(lines->job, group->first, &line);
        buf_add_string(&line, " -> ");
        write_after(lines->job, group->first, &line);
    }
    add_line(lines, line.data, group->ids.data);
}

static void add_member(struct line_group *group, const struct edit *edit, bool same_policy)
{
    if (group->values.length > 0)
        buf_add_string(&group->values, ", ");
    buf_add_strings(&group->values, edit->field + group->parent_length + 1, " ", NULL);
    if (edit->after == NULL)
        buf_add_string(&group->values, "removed");
    else
        value_write_plain(edit->after, 40, &group->values);
    if (edit->rule == NULL)
        return;
    if (!same_policy)
        buf_add_string(&group->ids, edit->rule->full_id);
    else if (strstr(group->ids.data, edit->rule->id) == NULL)
        buf_add_strings(&group->ids, "+", edit->rule->id, NULL);
}

/* Whether the group's line still fits with one more member in it. */
static bool has_room(struct job *job, const struct line_group *group, const struct edit *edit)
{
    struct buf value = verb_buf(&job->eval);
    value_write_plain(edit->after, 40, &value);
    const size_t length = strlen(edit->field) + strlen(": unset -> ") + group->values.length +
                          strlen(", ") + value.length + strlen(" (") + group->ids.length +
                          strlen("+") + strlen(edit->rule->id) + strlen(")");
    return length <= LIMIT_WARNING_RUNES;
}

static bool joins(struct job *job, const struct line_group *group, const struct edit *edit,
                  enum change_class class)
{
    return class == CHANGE_ADDED && class == group->class && group->parent_length > 0 &&
           parent_length(edit->field) == group->parent_length &&
           strncmp(edit->field, group->first->field, group->parent_length + 1) == 0 &&
           edit->rule->policy == group->first->rule->policy && !json_is_object(edit->after) &&
           !json_is_object(group->first->after) && has_room(job, group, edit);
}

static struct line_group new_group(struct job *job, const struct edit *edit,
                                   enum change_class class)
{
    struct line_group group = {.first = edit, .class = class};
    group.parent_length = parent_length(edit->field);
    group.values = verb_buf(&job->eval);
    group.ids = verb_buf(&job->eval);
    return group;
}

/* Untouched API defaults that policy replaced: one line for all of them. */
struct replaced_defaults {
    const struct edit **items;
    size_t count;
};

static bool share_parent(const struct replaced_defaults *defaults)
{
    const char *first = defaults->items[0]->field;
    const size_t length = parent_length(first);
    for (size_t i = 1; i < defaults->count; i++)
        if (length == 0 || parent_length(defaults->items[i]->field) != length ||
            strncmp(defaults->items[i]->field, first, length) != 0)
            return false;
    return true;
}

static const char *ids_of(struct job *job, const struct replaced_defaults *defaults, bool whole)
{
    struct buf ids = verb_buf(&job->eval);
    for (size_t i = 0; i < defaults->count; i++) {
        const struct rule *rule = defaults->items[i]->rule;
        const struct rule *last = i > 0 ? defaults->items[i - 1]->rule : NULL;
        if (last != NULL && last->policy == rule->policy) {
            if (whole && last != rule)
                buf_add_strings(&ids, "+", rule->id, NULL);
        } else {
            buf_add_strings(&ids, i > 0 ? "+" : "", whole ? rule->full_id : rule->policy->name,
                            NULL);
        }
    }
    return ids.data;
}

static void write_defaults(struct lines *lines, const struct replaced_defaults *defaults)
{
    struct job *job = lines->job;
    struct buf line = verb_buf(&job->eval);
    const char *first = defaults->items[0]->field;
    const bool together = defaults->count > 1 && share_parent(defaults);
    const size_t length = together ? parent_length(first) : 0;
    if (defaults->count == 1) {
        buf_add_strings(&line, first, ": ", NULL);
        write_before(job, defaults->items[0], &line);
        buf_add_string(&line, " (API default) -> ");
        write_after(job, defaults->items[0], &line);
    } else {
        buf_add(&line, first, length);
        buf_add_strings(&line, together ? ": " : "", "API defaults -> ", NULL);
        for (size_t i = 0; i < defaults->count; i++) {
            const struct edit *edit = defaults->items[i];
            buf_add_strings(&line, i > 0 ? ", " : "", edit->field + (together ? length + 1 : 0),
                            " ", NULL);
            write_after(job, edit, &line);
        }
    }
    const char *ids = ids_of(job, defaults, true);
    const bool fits = utf8_runes(line.data) + utf8_runes(ids) + 3 <= LIMIT_WARNING_RUNES;
    add_line(lines, line.data, fits ? ids : ids_of(job, defaults, false));
}

/* What policy set to what is stored already: a count, or the one value that was asked for. */
static void write_kept(struct lines *lines, const struct edit *edit, size_t count)
{
    struct buf line = verb_buf(&lines->job->eval);
    if (count > 1) {
        add_line(lines,
                 arena_printf(lines->job->arena, "%zu values kept as the policy sets them", count),
                 "");
        return;
    }
    buf_add_strings(&line, edit->field, ": ", NULL);
    write_before(lines->job, edit, &line);
    buf_add_string(&line, " -> ");
    write_after(lines->job, edit, &line);
    buf_add_string(&line, ", as it was");
    add_line(lines, line.data, edit->rule->full_id);
}

/* The edits were recorded in the rules' order; those of one parent mostly follow each other. */
static void write_changes(struct lines *lines)
{
    struct job *job = lines->job;
    struct line_group group = {0};
    struct replaced_defaults defaults = {0};
    const struct edit *last_kept = NULL;
    size_t members = 0, kept = 0;
    defaults.items = arena_array(job->arena, job->eval.edit_count, sizeof *defaults.items);
    for (const struct edit *edit = job->eval.edits; edit != NULL; edit = edit->next) {
        /* Changed again by a later action: the first line shows the value in the end. */
        if (edit->rule == NULL || (edit->kind == EDIT_INSIDE && edit->before != NULL))
            continue;
        const enum change_class class = classify(lines, edit);
        if (class == CHANGE_KEPT) {
            last_kept = edit;
            kept++;
            continue;
        }
        if (class == CHANGE_DEFAULTED) {
            defaults.items[defaults.count++] = edit;
            continue;
        }
        const bool same = members > 0 && joins(job, &group, edit, class);
        if (!same) {
            if (members > 0)
                write_group(lines, &group, members);
            group = new_group(job, edit, class);
            members = 0;
        }
        add_member(&group, edit, same);
        members++;
    }
    if (members > 0)
        write_group(lines, &group, members);
    if (defaults.count > 0)
        write_defaults(lines, &defaults);
    if (kept > 0)
        write_kept(lines, last_kept, kept);
}

/* ---- what only warns -------------------------------------------------------------------- */

static void write_violation(struct lines *lines, const struct violation *violation)
{
    struct buf line = verb_buf(&lines->job->eval);
    const struct finding *finding = &violation->finding;
    buf_add_strings(&line, violation->field, ": ", NULL);
    if (finding->reason == FINDING_INVALID) {
        value_write_plain(finding->found, 40, &line);
        buf_add_string(&line, ": ");
    } else if (finding->reason == FINDING_REQUIRED) {
        buf_add_string(&line, finding->bound[0] != '\0' ? "required: " : "required");
    }
    buf_add_string(&line, finding->bound);
    if (violation->ratcheted)
        buf_add_string(&line, "; old and untouched, so let pass");
    add_line(lines, line.data, violation->rule->full_id);
}

static void write_exception(struct lines *lines, const struct violation *violation)
{
    const struct policy_exception *exception = violation->exception;
    const int64_t left = exception->expires_at - lines->job->now;
    const int64_t days = (left + 86399) / 86400;
    add_line(lines,
             arena_printf(lines->job->arena, "%s: excepted until %s, %lld day%s left: %s, %s",
                          violation->field, exception->expires, (long long)days,
                          days == 1 ? "" : "s", exception->name, exception->ticket),
             violation->rule->full_id);
}

static void write_soft_violations(struct lines *lines)
{
    for (const struct violation *at = lines->job->violations; at != NULL; at = at->next) {
        if (at->mode == POLICY_AUDIT)
            continue;
        if (at->exception != NULL && !at->exception_expired)
            write_exception(lines, at);
        else if (at->mode == POLICY_WARN || at->ratcheted)
            write_violation(lines, at);
    }
}

/* Past LIMIT_WARNING_RUNES_TOTAL the API server cuts and drops: the last line counts the rest. */
static void keep_budget(struct lines *lines)
{
    size_t total = 0, kept = 0;
    while (kept < lines->count) {
        const size_t runes = utf8_runes(lines->texts[kept]);
        if (total + runes > LIMIT_WARNING_RUNES_TOTAL - 40)
            break;
        total += runes;
        kept++;
    }
    if (kept == lines->count)
        return;
    const size_t left = lines->count - kept;
    lines->count = kept;
    add_line(lines, arena_printf(lines->job->arena, "and %zu more", left), "");
}

void admit_write_warnings(struct job *job, bool refused)
{
    struct lines lines = {.job = job};
    if (!refused && job->request->phase == ADMIT_MUTATE)
        write_changes(&lines);
    write_soft_violations(&lines);
    keep_budget(&lines);
    job->verdict->warnings = lines.texts;
    job->verdict->warning_count = lines.count;
}
