#include "admit/internal.h"
#include "policy/condition.h"
#include "policy/stem.h"

#include <string.h>

/* ---- what this request leaves as it was -------------------------------------------------- */

/* The value, or the list or map that the path chooses from. */
static const cJSON *at_prefix(const struct path *path, const cJSON *root)
{
    for (size_t i = 0; i < path->count && path->steps[i].kind == STEP_MEMBER; i++)
        root = json_get(root, path->steps[i].name);
    return root;
}

static bool path_unchanged(const struct job *job, const struct path *path)
{
    if (path->root == FIELD_ELEMENT)
        return true; /* inside the rule's own field */
    return path->root == FIELD_OBJECT &&
           json_equal(at_prefix(path, job->eval.object), at_prefix(path, job->eval.old_object)) &&
           (path->fallback == NULL || path_unchanged(job, path->fallback));
}

/* ---- changing: the rules that mutate, in order ------------------------------------------ */

struct rule_run {
    struct job *job;
    const struct rule *rule;
    const struct action *action; /* check_whole's */
    const struct path *path;
};

static bool mutate_target(void *context, struct target *target)
{
    struct rule_run *run = context;
    struct eval *eval = &run->job->eval;
    const char *ignored;
    target->view = run->rule->field->view;
    if (conditions_hold(eval, run->rule, target, &ignored) != CONDITION_YES)
        return true;
    for (size_t i = 0; i < run->rule->action_count; i++) {
        const struct action *action = &run->rule->actions[i];
        if (action->verb->mutate != NULL)
            action->verb->mutate(eval, run->rule, action, target);
    }
    return true;
}

/* A policy change must never start a rollout: the template is left alone unless this request
 * makes or changes it.  Of a Pod that runs hardly anything can be changed: what this request
 * leaves alone is left alone, else every label that is put on it would be refused. */
static bool may_mutate(const struct job *job, const struct path *path)
{
    const struct schema_kind *kind = job->request->schema;
    const bool is_pod = kind != NULL && kind->pod_path != NULL && kind->pod_path[1] == NULL;
    if (job->request->operation != OPERATION_UPDATE)
        return true;
    if (path->in_template)
        return job->template_changed;
    return !is_pod || strcmp(path->steps[0].name, kind->pod_path[0]) != 0 ||
           !path_unchanged(job, path);
}

static void mutate_by_rule(struct job *job, const struct rule *rule)
{
    bool expired;
    if (admit_exception(job, rule, &expired) != NULL && !expired)
        return;
    const struct path_list *paths = field_paths(rule->field, job->eval.kind_index);
    job->eval.rule = rule;
    for (size_t i = 0; i < paths->count; i++) {
        struct rule_run run = {.job = job, .rule = rule};
        const struct path *path = &paths->items[i];
        if (path->root == FIELD_OBJECT && may_mutate(job, path))
            field_walk(path, job->eval.object, mutate_target, &run);
    }
    job->eval.rule = NULL;
}

static void mutate(struct job *job)
{
    for (size_t i = 0; i < job->policy_count; i++) {
        const struct policy *policy = job->policies[i];
        expr_declare(&job->eval, policy);
        for (size_t r = 0; r < policy->rule_count; r++) {
            const struct rule *rule = &policy->rules[r];
            if (rule->mutates && rule->mode == POLICY_ENFORCE && rule->field != NULL)
                mutate_by_rule(job, rule);
        }
    }
}

/* ---- the ratchet ------------------------------------------------------------------------ */

static bool field_unchanged(const struct job *job, const struct field *field)
{
    const struct path_list *paths = field_paths(field, job->eval.kind_index);
    for (size_t i = 0; i < paths->count; i++)
        if (!path_unchanged(job, &paths->items[i]))
            return false;
    return true;
}

static bool entry_unchanged(const struct job *job, const char *map, const char *key)
{
    return json_equal(json_get(json_path(job->eval.object, "metadata", map, NULL), key),
                      json_get(json_path(job->eval.old_object, "metadata", map, NULL), key));
}

static bool expr_unchanged(const struct job *job, const struct policy *policy,
                           const struct expr *expr)
{
    for (size_t i = 0; i < expr->variable_count; i++) {
        const struct variable *variable = expr->variables[i];
        bool same = true;
        if (variable->kind == VARIABLE_FIELD)
            same = field_unchanged(job, variable->field);
        else if (variable->kind == VARIABLE_LABEL)
            same = entry_unchanged(job, "labels", variable->key);
        else if (variable->kind == VARIABLE_ANNOTATION)
            same = entry_unchanged(job, "annotations", variable->key);
        else if (variable->kind == VARIABLE_DECLARED)
            same = expr_unchanged(job, policy, &policy->variables[variable->declared].from);
        if (!same)
            return false;
    }
    return true;
}

static bool values_unchanged(const struct job *job, const struct rule *rule,
                             const struct action *actions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!expr_unchanged(job, rule->policy, &actions[i].value))
            return false;
    return true;
}

/* What the rule reads besides its own field: its values' variables, its conditions. */
static bool reads_unchanged(const struct job *job, const struct rule *rule)
{
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct condition *condition = &rule->conditions[i];
        if (!field_unchanged(job, condition->field) ||
            !values_unchanged(job, rule, condition->actions, condition->action_count))
            return false;
    }
    return values_unchanged(job, rule, rule->actions, rule->action_count);
}

/* Whether this request leaves the rule's unit as it was (POLICY.md, "Ratchet"). */
static bool unit_unchanged(const struct job *job, const struct rule *rule)
{
    if (job->request->operation != OPERATION_UPDATE || rule->field == NULL || rule->ratchet_never ||
        rule->reads_request)
        return false;
    const struct path_list *paths = field_paths(rule->field, job->eval.kind_index);
    const bool in_template = paths->count > 0 && paths->items[0].in_template;
    return (in_template ? !job->template_changed : field_unchanged(job, rule->field)) &&
           reads_unchanged(job, rule);
}

/* ---- judging: every rule on the object as it stands ------------------------------------- */

static const char *deny_field(const struct admit_request *request)
{
    if (*request->subresource != '\0')
        return request->resource_text;
    return request->operation == OPERATION_DELETE ? "operation" : "kind";
}

static void place_violation(struct job *job, const struct target *target,
                            struct violation *violation)
{
    if (target == NULL) {
        violation->field = deny_field(job->request);
        violation->pointer = "";
        violation->anchor = job->eval.object;
        return;
    }
    struct buf text = verb_buf(&job->eval);
    target_write(target, &text);
    violation->field = text.data;
    struct buf pointer = verb_buf(&job->eval);
    target_write_pointer(target, target->path->count, &pointer);
    violation->pointer = pointer.data;
    violation->anchor = target->chain[target->depth];
    violation->absent = target->value == NULL;
}

/* One rule's violations follow each other, and ask for the same exception. */
static void find_exception(struct job *job, const struct rule *rule, struct violation *violation)
{
    if (job->asked_rule != rule)
        job->exception = admit_exception(job, rule, &job->exception_expired);
    job->asked_rule = rule;
    violation->exception = job->exception;
    violation->exception_expired = job->exception_expired;
}

static void add_violation(struct job *job, const struct rule *rule, const struct action *action,
                          const struct target *target, const struct finding *finding)
{
    const char *language = job->set->language;
    struct violation *violation = arena_alloc(job->arena, sizeof *violation);
    violation->rule = rule;
    violation->mode = rule->mode;
    violation->finding = *finding;
    violation->by_mutating_verb =
        action != NULL && action->verb->mutates && (rule->clamp || !action->verb->clamps);
    place_violation(job, target, violation);
    if (target != NULL && target->view >= VIEW_REGISTRY && target->value != NULL)
        violation->finding.found = target->value; /* the image, not its tag */
    const char *message = policy_text_in(&rule->message, language);
    if (*message != '\0' && !finding->undecided)
        violation->finding.bound = expr_words(&job->eval, message, target);
    violation->why = expr_words(&job->eval, policy_text_in(&rule->why, language), target);
    violation->fix = expr_words(&job->eval, policy_text_in(&rule->fix, language), target);
    find_exception(job, rule, violation);
    violation->ratcheted =
        unit_unchanged(job, rule) &&
        (violation->exception == NULL || !violation->exception_expired || !job->template_changed);
    *job->last_violation = violation;
    job->last_violation = &violation->next;
    job->rule_violations++;
}

/* Whether the rule is for this target.  One whose conditions cannot be judged is violated. */
static bool applies(struct job *job, const struct rule *rule, const struct target *target)
{
    struct finding finding = {.reason = FINDING_FORBIDDEN, .undecided = true};
    const enum condition_answer answer = conditions_hold(&job->eval, rule, target, &finding.bound);
    if (answer == CONDITION_UNDECIDED)
        add_violation(job, rule, NULL, target, &finding);
    return answer == CONDITION_YES;
}

static bool check_seen(void *context, struct target *target, cJSON *seen)
{
    const struct rule_run *run = context;
    struct job *job = run->job;
    if (job->rule_violations == LIMIT_RULE_VIOLATIONS) {
        job->cut = true;
        return false;
    }
    if (!applies(job, run->rule, target))
        return true;
    struct finding finding = {.reason = FINDING_INVALID, .found = target->value};
    if (target->unreadable) {
        finding.bound = "cannot be read as an image reference";
        finding.undecided = true;
        add_violation(job, run->rule, NULL, target, &finding);
        return true;
    }
    for (size_t i = 0; i < run->rule->action_count; i++) {
        const struct action *action = &run->rule->actions[i];
        if (action->verb->check == NULL ||
            action->verb->check(&job->eval, run->rule, action, target, seen, &finding))
            continue;
        add_violation(job, run->rule, action, target, &finding);
        return true;
    }
    return true;
}

static bool check_at_prefix(void *context, struct target *where)
{
    const struct rule_run *run = context;
    struct job *job = run->job;
    struct finding finding = {0};
    if (applies(job, run->rule, where) &&
        !run->action->verb->check_whole(&job->eval, run->rule, run->action, run->path, where,
                                        &finding))
        add_violation(job, run->rule, run->action, where, &finding);
    return false; /* once is enough, also where an element stands twice */
}

static void check_whole_field(struct job *job, const struct rule *rule, const struct action *action)
{
    const struct path_list *paths = field_paths(rule->field, job->eval.kind_index);
    for (size_t i = 0; i < paths->count; i++) {
        struct path *prefix = arena_alloc(job->arena, sizeof *prefix);
        *prefix = paths->items[i];
        prefix->count = prefix->literal;
        prefix->base = 0;
        prefix->node = prefix->count > 0 ? prefix->steps[prefix->count - 1].node : NULL;
        struct rule_run run = {job, rule, action, &paths->items[i]};
        field_walk(prefix, eval_root(&job->eval, prefix, NULL), check_at_prefix, &run);
    }
}

static void check_rule(struct job *job, const struct rule *rule)
{
    struct finding finding = {0};
    job->eval.rule = rule;
    job->rule_violations = 0;
    if (rule->field == NULL) {
        if (applies(job, rule, NULL) &&
            !rule->actions[0].verb->check(&job->eval, rule, &rule->actions[0], NULL, NULL,
                                          &finding))
            add_violation(job, rule, &rule->actions[0], NULL, &finding);
        return;
    }
    struct rule_run run = {.job = job, .rule = rule};
    eval_each_value(&job->eval, rule->field, NULL, check_seen, &run);
    for (size_t i = 0; i < rule->action_count; i++)
        if (rule->actions[i].verb->check_whole != NULL)
            check_whole_field(job, rule, &rule->actions[i]);
}

static void check(struct job *job)
{
    job->violations = NULL;
    job->last_violation = &job->violations;
    job->asked_rule = NULL;
    job->eval.stem_values = arena_array(job->arena, job->set->stems[job->eval.kind_index].count,
                                        sizeof *job->eval.stem_values);
    for (size_t i = 0; i < job->policy_count; i++) {
        const struct policy *policy = job->policies[i];
        expr_declare(&job->eval, policy);
        for (size_t r = 0; r < policy->rule_count; r++)
            check_rule(job, &policy->rules[r]);
    }
    job->eval.rule = NULL;
}

static bool denies(const struct violation *violation)
{
    const bool excepted = violation->exception != NULL && !violation->exception_expired;
    return violation->mode == POLICY_ENFORCE && !violation->ratcheted && !excepted;
}

/* ---- after a reload --------------------------------------------------------------------- */

static void start(struct job *job, const struct policy_set *set, struct admit_request *request,
                  int64_t now, struct arena *arena);

static bool mutating_verb_denies(const struct job *job)
{
    for (const struct violation *at = job->violations; at != NULL; at = at->next)
        if (denies(at) && at->by_mutating_verb)
            return true;
    return false;
}

/* Another replica may still mutate by the set before.  What that set would leave as it is, this
 * one accepts too for a while, where it would have changed it at /mutate; checks bind at once. */
static void forgive_previous(struct job *job)
{
    const struct policy_set *previous = job->set->previous;
    if (previous == NULL || job->now >= job->set->previous_until ||
        job->request->phase != ADMIT_VALIDATE || job->cut || !mutating_verb_denies(job))
        return;
    struct job before;
    const char *reason;
    struct admit_request request = *job->request;
    start(&before, previous, &request, job->now, job->arena);
    admit_match(&before, &reason);
    check(&before);
    if (mutating_verb_denies(&before))
        return;
    for (struct violation *at = job->violations; at != NULL; at = at->next)
        if (at->by_mutating_verb)
            at->mode = POLICY_AUDIT;
}

/* ---- the verdict ------------------------------------------------------------------------ */

/* The policy's rules that changed something or found a violation, in their order. */
static void write_rules_that_acted(struct job *job, const struct policy *policy, struct buf *rules)
{
    bool *acted = arena_array(job->arena, policy->rule_count, sizeof *acted);
    for (const struct edit *edit = job->eval.edits; edit != NULL; edit = edit->next)
        if (edit->rule != NULL && edit->rule->policy == policy)
            acted[edit->rule - policy->rules] = true;
    for (const struct violation *at = job->violations; at != NULL; at = at->next)
        if (at->rule->policy == policy)
            acted[at->rule - policy->rules] = true;
    for (size_t i = 0; i < policy->rule_count; i++)
        if (acted[i])
            buf_add_strings(rules, rules->length > 0 ? " " : "", policy->rules[i].full_id, NULL);
}

static void write_audit(struct job *job)
{
    static const char *const words[] = {"allowed", "patched", "denied", "not judged"};
    struct buf rules = verb_buf(&job->eval);
    job->verdict->audit_verdict = words[job->verdict->outcome];
    job->verdict->digest = job->set->digest;
    if (job->eval.edits != NULL || job->violations != NULL)
        for (size_t i = 0; i < job->policy_count; i++)
            write_rules_that_acted(job, job->policies[i], &rules);
    job->verdict->audit_rules = rules.data;
}

static void write_patch(struct job *job)
{
    const size_t count = edit_operation_count(&job->eval);
    /* An object that is refused anyway needs no patch past the limit: /validate says why. */
    if (count == 0 || (count > LIMIT_PATCH_OPERATIONS && job->verdict->violation_count > 0))
        return;
    job->verdict->edits = job->eval.edits;
    job->verdict->operation_count = count;
    struct buf patch;
    buf_init(&patch, job->arena, LIMIT_BODY_BYTES);
    edit_write_patch(&job->eval, &patch);
    job->verdict->patch = patch.data;
    job->verdict->patch_length = patch.length;
}

static void conclude(struct job *job)
{
    struct verdict *verdict = job->verdict;
    verdict->violations = job->violations;
    for (const struct violation *at = job->violations; at != NULL; at = at->next)
        verdict->violation_count += denies(at) ? 1 : 0;
    const bool refused = verdict->violation_count > 0;
    verdict->allowed = !refused || job->request->phase == ADMIT_MUTATE;
    write_patch(job);
    if (!verdict->allowed)
        verdict->outcome = VERDICT_DENIED;
    else
        verdict->outcome = verdict->operation_count > 0 ? VERDICT_PATCHED : VERDICT_ALLOWED;
    admit_write_warnings(job, refused);
    if (!verdict->allowed)
        admit_write_status(job);
    write_audit(job);
}

static const cJSON *template_of(const struct admit_request *request, const cJSON *object)
{
    const char *const *path = request->schema != NULL ? request->schema->pod_path : NULL;
    for (size_t i = 0; path != NULL && path[i] != NULL && path[i + 1] != NULL; i++)
        object = json_get(object, path[i]);
    return object;
}

static void start(struct job *job, const struct policy_set *set, struct admit_request *request,
                  int64_t now, struct arena *arena)
{
    *job = (struct job){.set = set, .request = request, .now = now, .arena = arena};
    job->last_violation = &job->violations;
    job->template_changed = request->operation != OPERATION_UPDATE ||
                            !json_equal(template_of(request, request->object),
                                        template_of(request, request->old_object));
    struct eval *eval = &job->eval;
    eval->arena = arena;
    eval->object = request->object;
    eval->old_object = request->old_object;
    /* What is connected with (PodExecOptions) comes as the object. */
    eval->options = request->operation == OPERATION_CONNECT ? request->object : request->options;
    eval->request = request->request;
    eval->kind_index = field_kind_index(request->schema);
    eval->operation = request->operation;
    eval->name = admit_effective_name(arena, request);
    eval->name_space = request->name_space;
    eval->user = request->user;
    eval->last_edit = &eval->edits;
}

struct call {
    const struct policy_set *set;
    struct admit_request *request;
    int64_t now;
    struct arena *arena;
    struct verdict verdict;
};

static void review(void *context)
{
    struct call *call = context;
    const char *reason;
    struct job job;
    start(&job, call->set, call->request, call->now, call->arena);
    call->verdict = (struct verdict){.allowed = true, .outcome = VERDICT_NOT_JUDGED};
    job.verdict = &call->verdict;
    admit_match(&job, &reason);
    if (*reason != '\0') {
        call->verdict.not_judged_because = reason;
        write_audit(&job);
        return;
    }
    call->verdict.policies = job.policies;
    call->verdict.policy_count = job.policy_count;
    if (call->request->phase == ADMIT_MUTATE && call->request->object != NULL) {
        mutate(&job);
        admit_note_changes(&job);
    }
    check(&job);
    forgive_previous(&job);
    if (job.violations != NULL)
        admit_sort_violations(&job);
    conclude(&job);
}

int admit_review(const struct policy_set *set, struct admit_request *request, int64_t now,
                 struct arena *arena, struct verdict *ret_verdict, struct err *reterr)
{
    struct call call = {set, request, now, arena, {0}};
    if (!arena_try(arena, review, &call))
        return err_set(reterr, ERR_LIMIT, "judging it takes more than %lu MiB of memory",
                       (unsigned long)(arena->cap_bytes / LIMIT_MIB));
    if (call.verdict.operation_count > LIMIT_PATCH_OPERATIONS)
        return err_set(reterr, ERR_LIMIT, "the patch would have more than %u operations",
                       LIMIT_PATCH_OPERATIONS);
    *ret_verdict = call.verdict;
    return 0;
}
