/* What stands in a policy file and never does anything: nobody asks for it, or it always holds. */
#include "policy/analyse_internal.h"
#include "policy/lint.h"
#include "policy/verb.h"

#include "kube/names.h"

#include <stdlib.h>
#include <string.h>

#define EXCEPTIONS_COMPARED_MAX 1000U

#define WRITES (OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE)

/* ---- operations that a resource has ------------------------------------------------------- */

/* As the API server serves them; a subresource that is not here may have any. */
static const struct {
    const char *subresource;
    unsigned operations;
    const char *words;
} subresources[] = {
    {"scale", OPERATION_UPDATE, "UPDATE"},
    {"status", OPERATION_UPDATE, "UPDATE"},
    {"resize", OPERATION_UPDATE, "UPDATE"},
    {"ephemeralcontainers", OPERATION_UPDATE, "UPDATE"},
    {"approval", OPERATION_UPDATE, "UPDATE"},
    {"eviction", OPERATION_CREATE, "CREATE"},
    {"binding", OPERATION_CREATE, "CREATE"},
    {"token", OPERATION_CREATE, "CREATE"},
    {"exec", OPERATION_CONNECT, "CONNECT"},
    {"attach", OPERATION_CONNECT, "CONNECT"},
    {"portforward", OPERATION_CONNECT, "CONNECT"},
    {"proxy", OPERATION_CONNECT, "CONNECT"},
};

static unsigned operations_of(const char *resource, const char **ret_words)
{
    const char *slash = strchr(resource, '/');
    *ret_words = "CREATE, UPDATE or DELETE";
    if (slash == NULL)
        return WRITES;
    for (size_t i = 0; i < sizeof subresources / sizeof *subresources; i++)
        if (strcmp(subresources[i].subresource, slash + 1) == 0) {
            *ret_words = subresources[i].words;
            return subresources[i].operations;
        }
    return WRITES | OPERATION_CONNECT;
}

/* Kubernetes' own that are in no namespace, as its discovery lists them.  Namespaces are not here:
 * the request for one names it as its namespace. */
static const char *const cluster_scoped[] = {
    "nodes",
    "persistentvolumes",
    "clusterroles.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "storageclasses.storage.k8s.io",
    "csidrivers.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "volumeattachments.storage.k8s.io",
    "ingressclasses.networking.k8s.io",
    "ipaddresses.networking.k8s.io",
    "servicecidrs.networking.k8s.io",
    "priorityclasses.scheduling.k8s.io",
    "runtimeclasses.node.k8s.io",
    "deviceclasses.resource.k8s.io",
    "resourceslices.resource.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
    "apiservices.apiregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "certificatesigningrequests.certificates.k8s.io",
    "flowschemas.flowcontrol.apiserver.k8s.io",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
};

static bool is_cluster_scoped(const char *resource)
{
    const size_t length = strcspn(resource, "/");
    for (size_t i = 0; i < sizeof cluster_scoped / sizeof *cluster_scoped; i++)
        if (strlen(cluster_scoped[i]) == length &&
            strncmp(cluster_scoped[i], resource, length) == 0)
            return true;
    return false;
}

static void lint_resources(const struct policy *policy, struct diagnostics *diagnostics)
{
    const struct policy_match *match = &policy->match;
    for (size_t i = 0; match->resources != NULL && match->resources[i] != NULL; i++) {
        const char *resource = match->resources[i], *words;
        if (strcmp(resource, "*") == 0)
            continue;
        if ((operations_of(resource, &words) & match->operations) == 0)
            diag_add(diagnostics, DIAG_WARNING, match->resources_place, "never-asked",
                     "%s only has %s, and the policy's operations are others: no rule ever acts on "
                     "it; add the operation, or take the resource out",
                     resource, words);
        if (match->namespaces != NULL && is_cluster_scoped(resource))
            diag_add(diagnostics, DIAG_WARNING, match->resources_place, "no-namespace",
                     "%s is in no namespace, and the policy asks for one: no rule ever acts on it; "
                     "make a policy of its own for it, without namespaces",
                     resource);
    }
}

/* Groups in which whoever is asked for is. */
static void lint_excludes(const struct policy *policy, struct diagnostics *diagnostics)
{
    static const char *const everybody[] = {"system:authenticated", "system:unauthenticated"};
    const struct policy_match *match = &policy->match;
    for (size_t i = 0; i < match->exclude_count; i++)
        for (size_t g = 0; g < 2; g++)
            if (match->excludes[i].group != NULL &&
                strcmp(match->excludes[i].group, everybody[g]) == 0)
                diag_add(diagnostics, DIAG_WARNING, match->excludes[i].place, "excludes-everybody",
                         "whoever %s is in %s, and passes the rules here; name the one user or "
                         "group that is meant",
                         g == 0 ? "signs in" : "does not sign in", everybody[g]);
}

/* ---- rules -------------------------------------------------------------------------------- */

static const struct action *find(const struct rule *rule, const char *verb)
{
    for (size_t i = 0; i < rule->action_count; i++)
        if (strcmp(rule->actions[i].verb->name, verb) == 0)
            return &rule->actions[i];
    return NULL;
}

static void lint_when(const struct rule *rule, struct diagnostics *diagnostics)
{
    const struct access access = {.rule = rule};
    if (rule->condition_count > 0 && analyse_conditions_exclude(&access, &access))
        diag_add(diagnostics, DIAG_WARNING, rule->conditions[0].place, "never-holds",
                 "what `when` asks for can never be so at once: the rule never acts; take one "
                 "entry out, or make two rules");
}

static bool fits_all(const struct action *action)
{
    static const char *const patterns[] = {"", ".*", "^", "$", "^.*", ".*$", "^.*$"};
    const char *text = action->value.is_constant ? json_string(action->value.value) : NULL;
    for (size_t i = 0; text != NULL && i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(text, patterns[i]) == 0)
            return true;
    return false;
}

static void lint_always(const struct rule *rule, struct diagnostics *diagnostics)
{
    const struct action *required = find(rule, "required"), *pattern = find(rule, "pattern");
    const struct action *min = find(rule, "min");
    int64_t bound;
    if (required != NULL && rule->optional)
        diag_add(diagnostics, DIAG_WARNING, required->place, "always-holds",
                 "optional waives what required asks for, so that it always holds; take one of "
                 "them out");
    if (pattern != NULL && fits_all(pattern))
        diag_add(diagnostics, DIAG_WARNING, pattern->place, "always-holds",
                 "this pattern fits every text; write required: true if it only has to be there, "
                 "or what it must look like");
    if (min != NULL && rule->field != NULL && rule->field->view == VIEW_COUNT &&
        min->value.is_constant && json_int64(min->value.value, &bound) && bound <= 0)
        diag_add(diagnostics, DIAG_WARNING, min->place, "always-holds",
                 "no count is below 0, so that this always holds; for at least one write min: 1");
}

/* ---- exceptions --------------------------------------------------------------------------- */

static int compare_name(const void *name, const void *policy)
{
    return strcmp(name, ((const struct policy *)policy)->name);
}

static bool operations_meet(unsigned a, unsigned b)
{
    return a == 0 || b == 0 || (a & b) != 0;
}

static bool has_star(policy_strings resources)
{
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++)
        if (strcmp(resources[i], "*") == 0)
            return true;
    return resources == NULL;
}

/* Groups are left out: somebody may be in one of each. */
static bool can_meet(const struct policy_match *a, const struct policy_match *b)
{
    return operations_meet(a->operations, b->operations) &&
           (has_star(a->resources) || has_star(b->resources) ||
            analyse_lists_meet(a->resources, b->resources)) &&
           analyse_lists_meet(a->namespaces, b->namespaces) &&
           analyse_lists_meet(a->names, b->names) && analyse_lists_meet(a->users, b->users);
}

/* Whether what fits `mine` fits `others` too; told of literals and equal globs only. */
static bool is_within(policy_strings mine, policy_strings others)
{
    if (others == NULL)
        return true;
    for (size_t i = 0; mine != NULL && mine[i] != NULL; i++) {
        bool fits = false;
        for (size_t j = 0; others[j] != NULL && !fits; j++)
            fits = strcmp(mine[i], others[j]) == 0 ||
                   (!glob_is_pattern(mine[i]) && glob_matches(others[j], mine[i]));
        if (!fits)
            return false;
    }
    return mine != NULL;
}

static bool is_covered(const struct policy_exception *mine, const struct policy_exception *other)
{
    const struct policy_match *a = &mine->match, *b = &other->match;
    const unsigned operations = a->operations == 0 ? ~0U : a->operations;
    return strcmp(mine->policy, other->policy) == 0 && other->expires_at >= mine->expires_at &&
           b->selector_count == 0 && b->exclude_count == 0 &&
           (b->operations == 0 || (operations & ~b->operations) == 0) &&
           is_within(mine->rules, other->rules) && is_within(a->resources, b->resources) &&
           is_within(a->namespaces, b->namespaces) && is_within(a->names, b->names) &&
           is_within(a->users, b->users) && is_within(a->groups, b->groups);
}

/* Of two that cover each other the later one is the one too many.  Each is held against each, so
 * not of a set with very many: a reload must not take long. */
static const struct policy_exception *covering(const struct policy_set *set, size_t index)
{
    const struct policy_exception *mine = &set->exceptions[index];
    if (set->exception_count > EXCEPTIONS_COMPARED_MAX)
        return NULL;
    for (size_t i = 0; i < set->exception_count; i++) {
        const struct policy_exception *other = &set->exceptions[i];
        if (i != index && other->policy != NULL && other->rules != NULL &&
            is_covered(mine, other) && (i < index || !is_covered(other, mine)))
            return other;
    }
    return NULL;
}

static void lint_exception(const struct policy_set *set, size_t index,
                           struct diagnostics *diagnostics)
{
    const struct policy_exception *exception = &set->exceptions[index];
    const struct policy *policy = NULL;
    if (exception->policy != NULL && exception->rules != NULL)
        policy = bsearch(exception->policy, set->policies, set->policy_count, sizeof *set->policies,
                         compare_name);
    if (policy == NULL)
        return;
    const struct policy_exception *other = covering(set, index);
    if (!can_meet(&exception->match, &policy->match))
        diag_add(diagnostics, DIAG_WARNING, exception->place, "unused-exception",
                 "the exception %s waives nothing: %s judges none of what it matches; mend its "
                 "match, or take it out",
                 exception->name, policy->name);
    else if (other != NULL)
        diag_add(diagnostics, DIAG_WARNING, exception->place, "unused-exception",
                 "the exception %s waives nothing that %s (%s:%u) does not waive as long; take it "
                 "out",
                 exception->name, other->name, other->place.file, other->place.mark.line);
}

void lint_never(const struct policy_set *set, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < set->policy_count; i++) {
        const struct policy *policy = &set->policies[i];
        lint_resources(policy, diagnostics);
        lint_excludes(policy, diagnostics);
        for (size_t r = 0; r < policy->rule_count; r++) {
            lint_when(&policy->rules[r], diagnostics);
            lint_always(&policy->rules[r], diagnostics);
        }
    }
    for (size_t i = 0; i < set->exception_count; i++)
        lint_exception(set, i, diagnostics);
}
