#include "cli/diff/impact.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

#define RESULT_BYTES (1024 * LIMIT_MIB)
#define JUDGE_BYTES  (512 * LIMIT_MIB)
#define TOLD_MAX     64U /* differences of one object */

void impact_begin(struct impact *impact, const struct cli *cli)
{
    *impact = (struct impact){.cli = cli, .began_us = clock_monotonic_us()};
    arena_init(&impact->arena, RESULT_BYTES);
    arena_init(&impact->judging[0], JUDGE_BYTES);
    arena_init(&impact->judging[1], JUDGE_BYTES);
    progress_begin(&impact->progress, cli);
}

void impact_end(struct impact *impact)
{
    progress_end(&impact->progress);
    arena_done(&impact->judging[0]);
    arena_done(&impact->judging[1]);
    arena_done(&impact->arena);
}

const char *impact_plural(struct arena *arena, const char *kind)
{
    const size_t length = strlen(kind);
    const char last = length > 0 ? kind[length - 1] : '\0';
    if (last == 'y' && length > 1 && strchr("aeiou", kind[length - 2]) == NULL)
        return arena_printf(arena, "%.*sies", (int)length - 1, kind);
    if (strcmp(kind, "Endpoints") == 0)
        return kind;
    return arena_printf(arena, last == 's' || last == 'x' ? "%ses" : "%ss", kind);
}

/* ---- problems ----------------------------------------------------------------------------- */

void impact_problem(struct impact *impact, const struct input_problem *problem)
{
    progress_end(&impact->progress);
    impact->problems++;
    input_print_problem(impact->cli, problem);
}

static void tell_problem(void *context, const struct input_problem *problem)
{
    impact_problem(context, problem);
}

static void refuse_item(struct impact *impact, const char *text)
{
    const struct input_problem problem = {impact->item->file, impact->item->line, 0, text};
    impact_problem(impact, &problem);
}

/* ---- what a judgement says ---------------------------------------------------------------- */

/* Two judgements say the same if the keys are the same: a rule that got another name is no news. */
struct saying {
    const char *key, *text;
};

struct sayings {
    struct saying items[TOLD_MAX];
    size_t count;
};

static bool holds(const struct sayings *sayings, const char *key)
{
    for (size_t i = 0; i < sayings->count; i++)
        if (strcmp(sayings->items[i].key, key) == 0)
            return true;
    return false;
}

static void say(struct sayings *sayings, const char *key, const char *text)
{
    if (sayings->count < TOLD_MAX && !holds(sayings, key))
        sayings->items[sayings->count++] = (struct saying){key, text};
}

static const char *bound_words(const struct finding *finding)
{
    if (finding->bound[0] != '\0')
        return finding->bound;
    return finding->reason == FINDING_FORBIDDEN ? "is forbidden" : "must be there";
}

static void say_refusals(struct arena *arena, const struct judgement *judgement,
                         struct sayings *ret_sayings)
{
    for (const struct violation *at = judgement->last->violations; at != NULL; at = at->next) {
        if (judge_effect_of(at) != JUDGE_DENIES)
            continue;
        const char *key = arena_printf(arena, "%s: %s", at->field, bound_words(&at->finding));
        say(ret_sayings, key, arena_printf(arena, "%s (%s)", key, at->rule->full_id));
    }
}

static void say_edits(struct arena *arena, const struct judgement *judgement,
                      struct sayings *ret_sayings)
{
    for (const struct edit *at = judgement->mutation.edits; at != NULL; at = at->next) {
        struct buf buf;
        buf_init(&buf, arena, LIMIT_MIB);
        buf_add_strings(&buf, at->field, " becomes ", NULL);
        if (at->after == NULL)
            buf_add_string(&buf, "absent");
        else
            value_write_plain(at->after, 200, &buf);
        say(ret_sayings, buf.data,
            at->rule != NULL ? arena_printf(arena, "%s (%s)", buf.data, at->rule->full_id)
                             : buf.data);
    }
}

static void say_warnings(const struct judgement *judgement, struct sayings *ret_sayings)
{
    for (size_t i = 0; i < judgement->warning_count; i++)
        say(ret_sayings, judgement->warnings[i], judgement->warnings[i]);
}

/* What `some` say and `others` do not, kept in `arena`. */
static const char *const *without(struct arena *arena, const struct sayings *some,
                                  const struct sayings *others)
{
    const char **left = arena_array(arena, some->count + 1, sizeof *left);
    size_t count = 0;
    for (size_t i = 0; i < some->count; i++)
        if (!holds(others, some->items[i].key))
            left[count++] = arena_strdup(arena, some->items[i].text);
    return left;
}

/* ---- one object --------------------------------------------------------------------------- */

/* The result without the engine's own note, which names rules. */
static const cJSON *result_of(const struct judgement *judgement)
{
    cJSON *annotations = json_path(judgement->after, "metadata", "annotations", NULL);
    cJSON *note = json_get(annotations, "proctor.dev/policy-changes");
    if (note != NULL)
        json_unlink(annotations, note);
    if (annotations != NULL && annotations->child == NULL)
        json_unlink(json_get(judgement->after, "metadata"), annotations);
    return judgement->after;
}

static bool same_result(const struct judgement *before, const struct judgement *after)
{
    const cJSON *old_result = result_of(before), *new_result = result_of(after);
    if (old_result == NULL || new_result == NULL)
        return old_result == new_result;
    return json_equal(old_result, new_result);
}

static void compare_sayings(struct impact *impact, const struct sayings said[2],
                            struct impact_object *object)
{
    object->gone = without(&impact->arena, &said[0], &said[1]);
    object->come = without(&impact->arena, &said[1], &said[0]);
}

/* Finds the kind of difference and its words. */
static void differ(struct impact *impact, const struct judgement judgements[2],
                   struct impact_object *object)
{
    const bool denied[2] = {judgements[0].outcome == VERDICT_DENIED,
                            judgements[1].outcome == VERDICT_DENIED};
    struct sayings said[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        if (denied[i])
            say_refusals(&impact->judging[i], &judgements[i], &said[i]);
        else if (denied[0] == denied[1])
            say_edits(&impact->judging[i], &judgements[i], &said[i]);
    }
    compare_sayings(impact, said, object);
    if (denied[0] != denied[1]) {
        object->kind = denied[1] ? IMPACT_REFUSED : IMPACT_ADMITTED;
        return;
    }
    const bool told = object->come[0] != NULL || object->gone[0] != NULL;
    object->kind = IMPACT_NONE;
    if (denied[0] && told)
        object->kind = IMPACT_REASONS;
    else if (!denied[0] && !same_result(&judgements[0], &judgements[1]))
        object->kind = IMPACT_RESULT;
    if (object->kind != IMPACT_NONE)
        return;
    memset(said, 0, sizeof said);
    for (size_t i = 0; i < 2; i++)
        say_warnings(&judgements[i], &said[i]);
    compare_sayings(impact, said, object);
    if (object->come[0] != NULL || object->gone[0] != NULL)
        object->kind = IMPACT_WARNINGS;
}

static struct impact_count *count_of(struct impact *impact, const char *kind)
{
    for (size_t i = 0; i < impact->count_count; i++)
        if (strcmp(impact->counts[i].object_kind, kind) == 0)
            return &impact->counts[i];
    impact->counts = arena_room(&impact->arena, impact->counts, impact->count_count,
                                &impact->count_capacity, sizeof *impact->counts);
    struct impact_count *count = &impact->counts[impact->count_count++];
    *count = (struct impact_count){.object_kind = arena_strdup(&impact->arena, kind)};
    return count;
}

static const char *kept(struct impact *impact, const char *text)
{
    return text != NULL ? arena_strdup(&impact->arena, text) : NULL;
}

static void keep_object(struct impact *impact, const struct judgement *judgement,
                        struct impact_object object)
{
    impact->objects = arena_room(&impact->arena, impact->objects, impact->object_count,
                                 &impact->object_capacity, sizeof *impact->objects);
    object.file = kept(impact, impact->item->file);
    object.line = impact->item->line;
    object.api_version = kept(impact, judgement->api_version);
    object.object_kind = kept(impact, judgement->kind);
    object.name_space = kept(impact, judgement->name_space);
    object.name = kept(impact, judgement->name);
    impact->objects[impact->object_count++] = object;
}

static int judge_by(struct impact *impact, size_t which, struct judgement *ret_judgement,
                    struct err *reterr)
{
    const struct input_item *item = impact->item;
    const struct judge_settings settings = {.set = impact->sets[which], .now = impact->now};
    struct arena *arena = &impact->judging[which];
    cJSON *review = item->object;
    int r = 0;
    if (!item->is_review) {
        struct judge_question question = impact->question;
        question.object = item->object;
        r = judge_make_review(arena, &question, &review, reterr);
    }
    return r < 0 ? r : judge_review(arena, &settings, review, ret_judgement, reterr);
}

struct attempt {
    struct impact *impact;
    size_t which;
    struct judgement judgement;
    struct err err;
    int result;
};

static void try_one(void *context)
{
    struct attempt *attempt = context;
    attempt->result = judge_by(attempt->impact, attempt->which, &attempt->judgement, &attempt->err);
}

static bool judge_both(struct impact *impact, struct judgement ret_judgements[2])
{
    for (size_t i = 0; i < 2; i++) {
        struct attempt attempt = {.impact = impact, .which = i};
        arena_reset(&impact->judging[i], LIMIT_MIB);
        if (!arena_try(&impact->judging[i], try_one, &attempt)) {
            refuse_item(impact, "judging it takes too much memory");
            return false;
        }
        if (attempt.result < 0) {
            refuse_item(impact, attempt.err.text);
            return false;
        }
        ret_judgements[i] = attempt.judgement;
    }
    /* They point into themselves. */
    for (size_t i = 0; i < 2; i++)
        ret_judgements[i].last = ret_judgements[i].validated ? &ret_judgements[i].validation
                                                             : &ret_judgements[i].mutation;
    return true;
}

void impact_judge(struct impact *impact, const struct input_item *item)
{
    struct judgement judgements[2] = {0};
    struct impact_object object = {0};
    impact->item = item;
    if (!judge_both(impact, judgements))
        return;
    differ(impact, judgements, &object);
    object.old_verdict = judge_outcome_name(judgements[0].outcome);
    object.new_verdict = judge_outcome_name(judgements[1].outcome);
    struct impact_count *count = count_of(impact, judgements[1].kind);
    count->judged++;
    count->by_kind[object.kind]++;
    impact->judged++;
    if (object.kind != IMPACT_NONE)
        keep_object(impact, &judgements[1], object);
    if (impact->progress.terminal && impact->judged % 64 == 0) {
        char text[64];
        snprintf(text, sizeof text, "%zu objects judged", impact->judged);
        progress_say(&impact->progress, (clock_monotonic_us() - impact->began_us) / 1000000, text);
    }
}

static void take_object(void *context, struct arena *arena, const struct input_item *item)
{
    (void)arena;
    impact_judge(context, item);
}

void impact_walk(struct impact *impact, const char *const *paths, size_t count)
{
    const struct input_visitor visitor = {impact, take_object, tell_problem};
    input_walk(paths, count, &visitor);
}
