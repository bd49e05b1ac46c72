#include "cli/doctor/doctor.h"

#include "base/limits.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    void (*judge)(struct doctor *doctor);
} checks[] = {
    {"api-server", doctor_check_server},
    {"namespaces", doctor_check_namespaces},
    {"webhook", doctor_check_webhook},
    {"service", doctor_check_service},
    {"policies", doctor_check_policies},
    {"replicas", doctor_check_replicas},
    {"registered", doctor_check_registration},
    {"armed", doctor_check_armed},
    {"selectors", doctor_check_selectors},
    {"exclusions", doctor_check_exclusions},
    {"certificate", doctor_check_certificate},
    {"renewal", doctor_check_renewal},
    {"other-webhooks", doctor_check_others},
    {"rights", doctor_check_rights},
    {"live", doctor_check_probe},
};

const char *doctor_severity_name(enum doctor_severity severity)
{
    static const char *const names[] = {"ok", "note", "unseen", "warning", "error"};
    return names[severity];
}

void doctor_add(struct doctor *doctor, const struct doctor_words *words)
{
    struct doctor_finding *finding = arena_alloc(doctor->arena, sizeof *finding);
    *finding = (struct doctor_finding){words->severity, words->object, words->field, words->what,
                                       words->why,      words->mend,   NULL};
    *doctor->check->last = finding;
    doctor->check->last = &finding->next;
    doctor->counts[words->severity]++;
    if (words->severity > doctor->check->worst)
        doctor->check->worst = words->severity;
}

__attribute__((format(printf, 2, 0))) static const char *
print_text(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(arena, (size_t)(length > 0 ? length : 0) + 1);
    vsnprintf(text, (size_t)(length > 0 ? length : 0) + 1, format, args);
    return text;
}

void doctor_say(struct doctor *doctor, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    doctor->check->summary = print_text(doctor->arena, format, args);
    va_end(args);
}

const char *doctor_text(struct doctor *doctor, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = print_text(doctor->arena, format, args);
    va_end(args);
    return text;
}

const char *doctor_word(struct doctor *doctor, const char *name)
{
    return cluster_shell_word(doctor->arena, name);
}

const cJSON *doctor_look(struct doctor *doctor, const char *key, bool *ret_absent)
{
    const cJSON *fact = json_path(doctor->facts, "seen", key, NULL);
    const cJSON *object = json_get(fact, "object");
    const char *code = json_get_string(fact, "code"), *error = json_get_string(fact, "error");
    *ret_absent = code != NULL && strcmp(code, "not_found") == 0;
    if (object == NULL)
        object = json_get(fact, "items");
    if (object != NULL || *ret_absent)
        return object;
    doctor_add(doctor, &(struct doctor_words){
                           .severity = DOCTOR_UNSEEN,
                           .object = key,
                           .what = error != NULL ? error : "not asked for",
                           .why = "What cannot be seen is not judged.",
                       });
    return NULL;
}

bool doctor_has_manager(const struct doctor *doctor)
{
    return json_get_string(json_path(doctor->facts, "seen", "mutating", "object", "metadata",
                                     "annotations", NULL),
                           "cert-manager.io/inject-ca-from") != NULL;
}

const char *doctor_renew_now(struct doctor *doctor)
{
    const char *space = doctor_word(doctor, doctor->space);
    if (doctor_has_manager(doctor)) /* which then makes it anew */
        return doctor_text(doctor, "kubectl -n %s delete secret " CLUSTER_TLS, space);
    return doctor_text(
        doctor, "kubectl -n %s create job --from=cronjob/" CLUSTER_RENEW " " CLUSTER_RENEW "-%lld",
        space, (long long)doctor->now);
}

const char *doctor_patch_entry(struct doctor *doctor, const char *resource, const char *entry,
                               const char *members)
{
    struct buf patch;
    buf_init(&patch, doctor->arena, LIMIT_MIB);
    buf_add_string(&patch, "{\"webhooks\":[{\"name\":");
    buf_add_json_string(&patch, entry);
    buf_add_strings(&patch, ",", members, "}]}", NULL);
    return doctor_text(doctor, "kubectl patch %s proctor -p %s", resource,
                       doctor_word(doctor, patch.data));
}

static bool requirement_holds(const cJSON *requirement, const cJSON *labels)
{
    const char *key = json_get_string(requirement, "key");
    const char *test = json_get_string(requirement, "operator");
    const char *found = key != NULL ? json_get_string(labels, key) : NULL;
    bool listed = false;
    const cJSON *value;
    if (test == NULL)
        return false;
    if (strcmp(test, "Exists") == 0)
        return found != NULL;
    if (strcmp(test, "DoesNotExist") == 0)
        return found == NULL;
    cJSON_ArrayForEach(value, json_get(requirement, "values")) listed =
        listed ||
        (found != NULL && json_string(value) != NULL && strcmp(found, json_string(value)) == 0);
    return strcmp(test, "In") == 0 ? listed : strcmp(test, "NotIn") == 0 && !listed;
}

bool doctor_selects(const cJSON *selector, const cJSON *labels)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(selector, "matchLabels"))
    {
        const char *found = entry->string != NULL ? json_get_string(labels, entry->string) : NULL;
        if (found == NULL || json_string(entry) == NULL || strcmp(found, json_string(entry)) != 0)
            return false;
    }
    cJSON_ArrayForEach(entry, json_get(selector, "matchExpressions"))
    {
        if (!requirement_holds(entry, labels))
            return false;
    }
    return true;
}

void doctor_judge(struct doctor *doctor, struct arena *arena, const cJSON *facts)
{
    _Static_assert(sizeof checks / sizeof checks[0] <= DOCTOR_CHECKS_MAX, "room for all checks");
    memset(doctor, 0, sizeof *doctor);
    doctor->arena = arena;
    doctor->facts = facts;
    doctor->space = json_get_string(facts, "space");
    if (doctor->space == NULL)
        doctor->space = CLUSTER_SYSTEM;
    (void)json_int64(json_get(facts, "now"), &doctor->now);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct doctor_check *check = &doctor->checks[doctor->check_count++];
        check->name = checks[i].name;
        check->last = &check->findings;
        check->summary = "";
        doctor->check = check;
        checks[i].judge(doctor);
    }
}

void doctor_done(struct doctor *doctor)
{
    policy_set_unref(doctor->set);
    doctor->set = NULL;
}
