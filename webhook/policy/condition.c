#include "policy/condition.h"

#include "policy/verb.h"

struct trial {
    struct eval *eval;
    const struct condition *condition;
    bool exists;           /* some value is there */
    bool fits;             /* some value passes every positive test */
    bool offended;         /* some value fails a negative test */
    const char *undecided; /* why some value cannot be judged; NULL: all can */
};

static bool try_value(void *context, struct target *at, cJSON *seen)
{
    struct trial *trial = context;
    const struct condition *condition = trial->condition;
    bool fits = true;
    if (at->unreadable) {
        trial->undecided = "cannot be read as an image reference";
        return true;
    }
    trial->exists |= seen != NULL;
    for (size_t i = 0; i < condition->action_count; i++) {
        const struct action *action = &condition->actions[i];
        struct finding finding = {0};
        const bool holds = action->verb->check(trial->eval, NULL, action, at, seen, &finding);
        if (!holds && finding.undecided)
            trial->undecided = finding.bound;
        else if (action->verb->negative)
            trial->offended |= !holds;
        else
            fits &= holds;
    }
    trial->fits |= fits;
    return true;
}

static bool has_positive(const struct condition *condition)
{
    for (size_t i = 0; i < condition->action_count; i++)
        if (!condition->actions[i].verb->negative)
            return true;
    return false;
}

static enum condition_answer one_holds(struct eval *eval, const struct condition *condition,
                                       const struct target *target, const char **ret_why)
{
    struct trial trial = {.eval = eval, .condition = condition};
    eval_each_value(eval, condition->field, target, try_value, &trial);
    if (trial.offended)
        return CONDITION_NO;
    if (trial.undecided != NULL) {
        *ret_why = arena_printf(eval->arena, "its condition on %s %s", condition->field->text,
                                trial.undecided);
        return CONDITION_UNDECIDED;
    }
    if (condition->tests_existence && trial.exists != condition->exists)
        return CONDITION_NO;
    return trial.fits || !has_positive(condition) ? CONDITION_YES : CONDITION_NO;
}

enum condition_answer conditions_hold(struct eval *eval, const struct rule *rule,
                                      const struct target *target, const char **ret_why)
{
    enum condition_answer answer = CONDITION_YES;
    for (size_t i = 0; i < rule->condition_count; i++) {
        switch (one_holds(eval, &rule->conditions[i], target, ret_why)) {
        case CONDITION_NO:
            return CONDITION_NO;
        case CONDITION_UNDECIDED:
            answer = CONDITION_UNDECIDED;
            break;
        case CONDITION_YES:
            break;
        }
    }
    return answer;
}
