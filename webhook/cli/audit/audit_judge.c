#include "cli/audit/audit.h"

#include <string.h>

/* As the API server knows a controller of its own. */
static const char *const controllers[] = {
    "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated", NULL};

struct judging {
    struct audit *audit;
    const struct live_kind *kind;
    cJSON *object;
    const char *uid;
};

static const char *name_of(struct arena *arena, const cJSON *object)
{
    const char *name = json_string(json_path(object, "metadata", "name", NULL));
    const char *name_space = json_string(json_path(object, "metadata", "namespace", NULL));
    name = name != NULL ? name : "(without a name)";
    return name_space != NULL ? arena_printf(arena, "%s/%s", name_space, name) : name;
}

static void refuse(const struct judging *judging, const char *text)
{
    struct arena *arena = &judging->audit->kept;
    audit_problem(
        judging->audit,
        arena_printf(arena, "%s %s", judging->kind->kind, name_of(arena, judging->object)), text);
}

/* ---- sums --------------------------------------------------------------------------------- */

static void count_remark(struct audit_counts *counts, enum remark_level level)
{
    counts->errors += level == REMARK_ERROR;
    counts->warnings += level == REMARK_WARNING;
    counts->notes += level == REMARK_NOTE;
}

static void count_rule(struct audit *audit, const struct remark *remark)
{
    for (size_t i = 0; i < audit->rule_count; i++) {
        struct audit_rule *rule = &audit->rules[i];
        if (strcmp(rule->id, remark->rule) != 0)
            continue;
        count_remark(&rule->counts, remark->level);
        rule->objects += rule->last_object != audit->object_count;
        rule->last_object = audit->object_count;
        return;
    }
}

static struct audit_object *new_object(struct audit *audit, const struct judging *judging)
{
    audit->objects = arena_room(&audit->kept, audit->objects, audit->object_count,
                                &audit->object_capacity, sizeof *audit->objects);
    struct audit_object *object = &audit->objects[audit->object_count++];
    *object = (struct audit_object){
        .kind = arena_strdup(&audit->kept, judging->kind->kind),
        .name = arena_strdup(&audit->kept, name_of(&audit->kept, judging->object))};
    return object;
}

static void count(struct audit *audit, const struct judging *judging,
                  const struct audit_finding *finding)
{
    audit->counts[finding->judgement->outcome]++;
    if (finding->remark_count == 0)
        return;
    struct audit_object *object = new_object(audit, judging);
    for (size_t i = 0; i < finding->remark_count; i++) {
        count_remark(&object->counts, finding->remarks[i].remark.level);
        count_rule(audit, &finding->remarks[i].remark);
    }
    audit->warned += object->counts.errors == 0 && object->counts.warnings > 0;
}

/* ---- one object --------------------------------------------------------------------------- */

static bool is_core(const struct live_kind *kind, const char *resource)
{
    return *kind->group == '\0' && strcmp(kind->resource, resource) == 0;
}

static void keep_service(struct audit *audit, const cJSON *object)
{
    if (json_count(json_path(object, "spec", "selector", NULL)) == 0)
        return;
    struct audit_service *service = arena_alloc(&audit->kept, sizeof *service);
    service->name = arena_strdup(&audit->kept, name_of(&audit->kept, object));
    service->next = audit->services;
    audit->services = service;
}

/* The controller overwrites whatever else is written there; Endpoints of a Service without a
 * selector lead where somebody wants it. */
static const char *maker_of_endpoints(const struct audit *audit, const char *name)
{
    for (const struct audit_service *at = audit->services; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            return "system:serviceaccount:kube-system:endpoint-controller";
    return NULL;
}

/* Who sends it: what a controller made, the controller. */
static struct judge_question question_of(struct judging *judging)
{
    struct audit *audit = judging->audit;
    struct judge_question question = {.object = judging->object,
                                      .operation = OPERATION_CREATE,
                                      .resource = live_resource(&audit->judging, judging->kind),
                                      .user = audit->user,
                                      .groups = audit->groups};
    const char *maker = live_maker(judging->kind, judging->object);
    if (maker == NULL && is_core(judging->kind, "endpoints"))
        maker = maker_of_endpoints(audit, name_of(&audit->judging, judging->object));
    if (maker != NULL) {
        question.user = maker;
        question.groups = controllers;
    }
    return question;
}

static void judge(void *context)
{
    struct judging *judging = context;
    struct audit *audit = judging->audit;
    struct judgement judgement;
    struct err err = {0};
    cJSON *review;
    const struct judge_question question = question_of(judging);
    live_clean(&audit->judging, judging->kind, judging->object);
    int r = judge_make_review(&audit->judging, &question, &review, &err);
    if (r == 0)
        r = judge_review(&audit->judging, &audit->settings, review, &judgement, &err);
    if (r < 0) {
        refuse(judging, err.text);
        return;
    }
    const struct input_item item = {.object = judging->object};
    struct audit_finding finding = {&item, &judgement, NULL, 0, judging->uid};
    finding.remarks = review_remarks(&audit->judging, audit->settings.set->language, &item,
                                     &judgement, &finding.remark_count);
    count(audit, judging, &finding);
    audit_print(audit, &finding);
}

void audit_judge(struct audit *audit, const struct live_kind *kind, cJSON *object)
{
    struct judging judging = {audit, kind, object, NULL};
    if (is_core(kind, "services"))
        keep_service(audit, object);
    arena_reset(&audit->judging, LIMIT_MIB);
    const char *uid = json_string(json_path(object, "metadata", "uid", NULL));
    if (uid != NULL)
        judging.uid = arena_strdup(&audit->judging, uid);
    if (!arena_try(&audit->judging, judge, &judging))
        refuse(&judging, "judging it takes too much memory");
}
