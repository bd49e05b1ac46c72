#include "cli/review/review.h"

#include "base/limits.h"
#include "cli/places.h"
#include "kube/pointer.h"
#include "policy/verb.h"

#include <string.h>

#define VALUE_RUNES 200U

/* The rule of what Kubernetes would refuse by itself. */
#define KUBERNETES "kubernetes"

/* ---- words -------------------------------------------------------------------------------- */

static struct buf words_buf(struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    return buf;
}

static void add_shown(struct arena *arena, struct buf *words, const cJSON *value)
{
    struct buf json = words_buf(arena);
    json_write(&json, value);
    buf_add_visible(words, json.data, VALUE_RUNES);
}

static void add_sentence(struct buf *words, const char *text)
{
    const size_t length = strlen(text);
    if (length == 0)
        return;
    buf_add_char(words, ' ');
    buf_add_visible(words, text, LIMIT_MIB);
    if (strchr(".!?", text[length - 1]) == NULL)
        buf_add_char(words, '.');
}

/* Often a line to paste: it ends as it is. */
static void add_fix(struct buf *words, const char *fix)
{
    if (fix[0] == '\0')
        return;
    buf_add_string(words, " Fix: ");
    buf_add_visible(words, fix, LIMIT_MIB);
}

/* In the grammar of the API server's own refusals. */
static const char *words_of_violation(struct arena *arena, const struct violation *violation)
{
    const struct finding *finding = &violation->finding;
    struct buf words = words_buf(arena);
    buf_add_visible(&words, violation->field, LIMIT_MIB);
    if (finding->reason == FINDING_REQUIRED) {
        buf_add_string(&words, ": Required value");
    } else if (finding->reason == FINDING_FORBIDDEN) {
        buf_add_string(&words, ": Forbidden");
    } else {
        buf_add_string(&words, ": Invalid value: ");
        if (finding->found != NULL)
            add_shown(arena, &words, finding->found);
        else
            buf_add_string(&words, "absent");
    }
    if (finding->bound[0] != '\0') {
        buf_add_string(&words, ": ");
        buf_add_visible(&words, finding->bound, LIMIT_MIB);
    }
    if (strchr(".!?", words.data[words.length - 1]) == NULL)
        buf_add_char(&words, '.');
    add_sentence(&words, violation->why);
    if (violation->ratcheted)
        buf_add_string(&words, " It was so before, and is let pass until this part is changed.");
    add_fix(&words, violation->fix);
    return words.data;
}

static const char *words_of_edit(struct arena *arena, const char *language, const struct edit *edit)
{
    const char *why = policy_text_in(&edit->rule->why, language);
    struct buf words = words_buf(arena);
    buf_add_visible(&words, edit->field, LIMIT_MIB);
    buf_add_string(&words, ": ");
    if (edit->before != NULL)
        add_shown(arena, &words, edit->before);
    else
        buf_add_string(&words, "unset");
    buf_add_string(&words, " -> ");
    if (edit->after != NULL)
        add_shown(arena, &words, edit->after);
    else
        buf_add_string(&words, "removed");
    buf_add_char(&words, '.');
    if (strstr(why, "${") == NULL)
        add_sentence(&words, why);
    return words.data;
}

static const char *words_of_exception(struct arena *arena, const struct violation *violation)
{
    const struct policy_exception *exception = violation->exception;
    if (exception == NULL || violation->exception_expired)
        return NULL;
    return arena_printf(arena, "exception %s until %s: %s", exception->name, exception->expires,
                        exception->reason);
}

/* ---- remarks ------------------------------------------------------------------------------ */

static const char *subject_of(struct arena *arena, const struct judgement *judgement,
                              const char *field)
{
    struct buf subject = words_buf(arena);
    buf_add_visible(&subject, judgement->kind, LIMIT_MIB);
    buf_add_char(&subject, ' ');
    if (judgement->name_space != NULL)
        buf_add_strings(&subject, judgement->name_space, "/", NULL);
    buf_add_visible(&subject, judgement->name, LIMIT_MIB);
    buf_add_char(&subject, ' ');
    buf_add_visible(&subject, field, LIMIT_MIB);
    return subject.data;
}

static void remark_violation(struct arena *arena, const struct input_item *item,
                             const struct judgement *judgement, const struct violation *violation,
                             struct review_remark *out)
{
    static const enum remark_level levels[] = {[JUDGE_DENIES] = REMARK_ERROR,
                                               [JUDGE_WARNS] = REMARK_WARNING,
                                               [JUDGE_AUDITS] = REMARK_NOTE};
    out->field = violation->field;
    out->remark = (struct remark){.level = levels[judge_effect_of(violation)],
                                  .rule = violation->rule->full_id,
                                  .file = item->file,
                                  .mark = places_of_violation(arena, item, judgement, violation),
                                  .subject = subject_of(arena, judgement, violation->field),
                                  .text = words_of_violation(arena, violation),
                                  .accepted = words_of_exception(arena, violation)};
}

static void remark_edit(struct arena *arena, const char *language, const struct input_item *item,
                        const struct judgement *judgement, const struct edit *edit,
                        struct review_remark *out)
{
    bool written;
    out->field = edit->field;
    out->remark = (struct remark){.rule = edit->rule->full_id,
                                  .file = item->file,
                                  .mark = places_of_edit(arena, item, judgement, edit, &written),
                                  .subject = subject_of(arena, judgement, edit->field),
                                  .text = words_of_edit(arena, language, edit)};
    out->remark.level = written && edit->before != NULL ? REMARK_WARNING : REMARK_NOTE;
}

/* spec.containers[0].name -> /spec/containers/0/name */
static const char *pointer_of(struct arena *arena, const char *field)
{
    struct buf pointer = words_buf(arena);
    while (*field != '\0') {
        const bool bracket = *field == '[';
        field += bracket || *field == '.';
        const size_t length = strcspn(field, bracket ? "]" : ".[");
        pointer_add_token(&pointer, arena_strndup(arena, field, length));
        field += length;
        field += bracket && *field == ']';
    }
    return pointer.data;
}

static void remark_foreseen(struct arena *arena, const struct input_item *item,
                            const struct judgement *judgement, const struct foreseen *foreseen,
                            struct review_remark *out)
{
    bool ignored;
    struct buf words = words_buf(arena);
    buf_add_visible(&words, foreseen->field, LIMIT_MIB);
    buf_add_string(&words, foreseen->field[0] != '\0' ? ": " : "");
    buf_add_visible(&words, foreseen->text, LIMIT_MIB);
    out->field = foreseen->field;
    out->remark = (struct remark){
        .level = REMARK_ERROR,
        .rule = KUBERNETES,
        .file = item->file,
        .mark = places_find(item, pointer_of(arena, foreseen->field), &ignored),
        .subject = subject_of(arena, judgement, foreseen->field),
        .text = words.data,
    };
}

struct review_remark *review_remarks(struct arena *arena, const char *language,
                                     const struct input_item *item,
                                     const struct judgement *judgement, size_t *ret_count)
{
    const bool changes = judgement->outcome == VERDICT_PATCHED;
    size_t count = 0;
    for (const struct violation *at = judgement->last->violations; at != NULL; at = at->next)
        count++;
    for (const struct edit *at = judgement->mutation.edits; changes && at != NULL; at = at->next)
        count += at->rule != NULL;
    count += judgement->foresight.count;
    struct review_remark *remarks = arena_array(arena, count + 1, sizeof *remarks), *out = remarks;
    for (const struct violation *at = judgement->last->violations; at != NULL; at = at->next)
        remark_violation(arena, item, judgement, at, out++);
    for (const struct edit *at = judgement->mutation.edits; changes && at != NULL; at = at->next)
        if (at->rule != NULL)
            remark_edit(arena, language, item, judgement, at, out++);
    for (const struct foreseen *at = judgement->foresight.first; at != NULL; at = at->next)
        remark_foreseen(arena, item, judgement, at, out++);
    *ret_count = (size_t)(out - remarks);
    return remarks;
}

/* ---- rules -------------------------------------------------------------------------------- */

static const char *help_of(struct arena *arena, const struct rule *rule, const char *language)
{
    struct buf help = words_buf(arena);
    buf_add_visible(&help, rule->field != NULL ? rule->field->text : "The request", LIMIT_MIB);
    for (size_t i = 0; i < rule->action_count; i++) {
        struct buf phrase = words_buf(arena);
        rule->actions[i].verb->explain(rule, &rule->actions[i], &phrase);
        buf_add_string(&help, i == 0 ? ": " : ", ");
        buf_add_visible(&help, phrase.data, LIMIT_MIB);
    }
    buf_add_char(&help, '.');
    add_sentence(&help, policy_text_in(&rule->why, language));
    const char *title = policy_text_in(&rule->policy->title, language);
    if (title[0] != '\0')
        add_sentence(&help, arena_printf(arena, "Policy: %s", title));
    add_fix(&help, policy_text_in(&rule->fix, language));
    return help.data;
}

struct remark_rule *review_rules(struct arena *arena, const struct policy_set *set,
                                 size_t *ret_count)
{
    static const enum remark_level levels[] = {[POLICY_ENFORCE] = REMARK_ERROR,
                                               [POLICY_WARN] = REMARK_WARNING,
                                               [POLICY_AUDIT] = REMARK_NOTE};
    struct remark_rule *rules = arena_array(arena, set->rule_count + 1, sizeof *rules);
    size_t count = 0;
    rules[count++] = (struct remark_rule){.id = KUBERNETES,
                                          .title = "Kubernetes itself would refuse it.",
                                          .help = "What is wrong whatever the policies say: "
                                                  "unknown fields, wrong types, missing or bad "
                                                  "values, what must not change.",
                                          .level = REMARK_ERROR};
    for (size_t i = 0; i < set->policy_count; i++)
        for (size_t r = 0; r < set->policies[i].rule_count; r++) {
            const struct rule *rule = &set->policies[i].rules[r];
            rules[count++] =
                (struct remark_rule){.id = rule->full_id,
                                     .title = policy_text_in(&rule->why, set->language),
                                     .help = help_of(arena, rule, set->language),
                                     .level = levels[rule->mode]};
        }
    *ret_count = count;
    return rules;
}
