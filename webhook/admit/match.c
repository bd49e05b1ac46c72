#include "admit/internal.h"

#include "kube/names.h"

#include <string.h>

/* Exceptions do not hold while the clock stands before the day on which Proctor was built: a
 * machine without a battery clock starts in the past, where none has expired. */
#ifndef PROCTOR_BUILD_EPOCH
#define PROCTOR_BUILD_EPOCH 1793491200 /* 2026-11-01T00:00:00Z */
#endif

static bool any_glob(policy_strings globs, const char *text)
{
    for (size_t i = 0; globs[i] != NULL; i++)
        if (glob_matches(globs[i], text))
            return true;
    return false;
}

static bool any_equal(policy_strings texts, const char *text)
{
    for (size_t i = 0; texts[i] != NULL; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

static bool in_some_group(policy_strings globs, const cJSON *groups)
{
    if (!json_is_array(groups))
        return false;
    for (const cJSON *group = groups->child; group != NULL; group = group->next)
        if (json_is_string(group) && any_glob(globs, group->valuestring))
            return true;
    return false;
}

static bool requirement_holds(const struct label_requirement *requirement, const cJSON *labels)
{
    const char *value = json_get_string(labels, requirement->key);
    switch (requirement->test) {
    case LABEL_IN:
        return value != NULL && any_equal(requirement->values, value);
    case LABEL_NOT_IN:
        return value == NULL || !any_equal(requirement->values, value);
    case LABEL_EXISTS:
        return value != NULL;
    case LABEL_ABSENT:
        return value == NULL;
    }
    return false;
}

static bool labels_fit(const struct policy_match *match, const cJSON *object)
{
    if (object == NULL)
        return false;
    const cJSON *labels = json_path(object, "metadata", "labels", NULL);
    for (size_t i = 0; i < match->selector_count; i++)
        if (!requirement_holds(&match->selector[i], labels))
            return false;
    return true;
}

static bool resource_fits(policy_strings resources, const char *resource)
{
    for (size_t i = 0; resources[i] != NULL; i++)
        if (strcmp(resources[i], "*") == 0 || strcmp(resources[i], resource) == 0)
            return true;
    return false;
}

/* Whether an UPDATE leaves everything but metadata as it was. */
static bool only_metadata_changes(const struct admit_request *request, const char *also)
{
    if (request->operation != OPERATION_UPDATE)
        return false;
    const cJSON *const sides[][2] = {{request->object, request->old_object},
                                     {request->old_object, request->object}};
    for (size_t i = 0; i < 2; i++)
        for (const cJSON *member = sides[i][0]->child; member != NULL; member = member->next)
            if (strcmp(member->string, "metadata") != 0 && strcmp(member->string, also) != 0 &&
                !json_equal(member, json_find(sides[i][1], member->string)))
                return false;
    return true;
}

static bool is_who(const struct admit_request *request, const struct policy_exclude *exclude)
{
    if (exclude->user != NULL)
        return strcmp(exclude->user, request->user) == 0;
    const cJSON *group = json_is_array(request->groups) ? request->groups->child : NULL;
    for (; group != NULL; group = group->next)
        if (json_is_string(group) && strcmp(group->valuestring, exclude->group) == 0)
            return true;
    return false;
}

static bool excluded(struct job *job, const struct policy_match *match)
{
    const struct admit_request *request = job->request;
    for (size_t i = 0; i < match->exclude_count; i++) {
        const struct policy_exclude *exclude = &match->excludes[i];
        if (!is_who(request, exclude) ||
            (exclude->operations != 0 && (exclude->operations & request->operation) == 0) ||
            (exclude->resources != NULL &&
             !resource_fits(exclude->resources, request->resource_text)) ||
            (exclude->only_metadata && !only_metadata_changes(request, "")))
            continue;
        job->excluded_by = exclude;
        return true;
    }
    return false;
}

/* The name as it stands there.  /validate cannot tell a generated name from one that was written
 * beside a fitting generateName: a policy for that very name must match it too. */
static const char *given_name(const struct admit_request *request)
{
    const char *name = request->name;
    if (*name == '\0')
        name = json_get_string(json_get(request->object, "metadata"), "name");
    return name != NULL ? name : "";
}

bool admit_match_holds(struct job *job, const struct policy_match *match)
{
    const struct admit_request *request = job->request;
    if (match->operations != 0 && (match->operations & request->operation) == 0)
        return false;
    if (match->resources != NULL && !resource_fits(match->resources, request->resource_text))
        return false;
    if (match->namespaces != NULL &&
        (request->name_space == NULL || !any_glob(match->namespaces, request->name_space)))
        return false;
    if (match->names != NULL && !any_glob(match->names, job->eval.name) &&
        !any_glob(match->names, given_name(request)))
        return false;
    if (match->users != NULL && !any_glob(match->users, request->user))
        return false;
    if (match->groups != NULL && !in_some_group(match->groups, request->groups))
        return false;
    if (match->selector_count > 0 && !labels_fit(match, request->object) &&
        !labels_fit(match, request->old_object))
        return false;
    return !excluded(job, match);
}

/* ---- objects on their way out ----------------------------------------------------------- */

/* Whether the list is the other with some elements left out. */
static bool only_shrinks(const cJSON *list, const cJSON *before)
{
    const cJSON *entry = json_is_array(list) ? list->child : NULL;
    const cJSON *other = json_is_array(before) ? before->child : NULL;
    for (; entry != NULL && other != NULL; other = other->next)
        if (json_equal(entry, other))
            entry = entry->next;
    return entry == NULL;
}

/* An object that is being deleted and only loses finalizers: nothing to judge. */
static bool is_finishing(const struct admit_request *request)
{
    const cJSON *before = json_get(request->old_object, "metadata");
    const cJSON *after = json_get(request->object, "metadata");
    return request->operation == OPERATION_UPDATE &&
           json_get(before, "deletionTimestamp") != NULL &&
           only_metadata_changes(request, "status") &&
           json_equal(json_get(before, "labels"), json_get(after, "labels")) &&
           json_equal(json_get(before, "annotations"), json_get(after, "annotations")) &&
           only_shrinks(json_get(after, "finalizers"), json_get(before, "finalizers"));
}

/* ---- the policies of a request ---------------------------------------------------------- */

static void take_policy(void *context, const struct policy *policy)
{
    struct job *job = context;
    if (!admit_match_holds(job, &policy->match))
        return;
    job->policies = arena_room(job->arena, job->policies, job->policy_count, &job->policy_capacity,
                               sizeof *job->policies);
    job->policies[job->policy_count++] = policy;
}

void admit_match(struct job *job, const char **ret_reason)
{
    *ret_reason = "";
    if (is_finishing(job->request)) {
        *ret_reason = "the object is being deleted and nothing else changes";
        return;
    }
    policy_index_find(job->set, job->request->resource_text, job->request->name_space, take_policy,
                      job);
    if (job->policy_count > 0)
        return;
    const struct policy_exclude *by = job->excluded_by;
    if (by == NULL)
        *ret_reason = "no policy matches";
    else if (by->user != NULL)
        *ret_reason = "this user makes this resource, and is excluded";
    else if (by->resources != NULL || by->operations != 0)
        *ret_reason =
            arena_printf(job->arena, "the group %s makes this, and is excluded", by->group);
    else
        *ret_reason = arena_printf(job->arena, "break-glass: the group %s is excluded", by->group);
}

/* ---- exceptions ------------------------------------------------------------------------- */

const struct policy_exception *admit_exception(struct job *job, const struct rule *rule,
                                               bool *ret_expired)
{
    const struct policy_exception *expired = NULL;
    for (size_t i = 0; i < job->set->exception_count; i++) {
        const struct policy_exception *exception = &job->set->exceptions[i];
        if (strcmp(exception->policy, rule->policy->name) != 0 ||
            !any_equal(exception->rules, rule->id) || !admit_match_holds(job, &exception->match))
            continue;
        if (job->now < exception->expires_at && job->now >= PROCTOR_BUILD_EPOCH) {
            *ret_expired = false;
            return exception;
        }
        expired = exception;
    }
    *ret_expired = true;
    return expired;
}
