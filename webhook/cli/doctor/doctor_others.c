/* What is not Proctor's and can undo its work: other webhooks, and rights that go too far. */
#include "cli/cluster/registration.h"
#include "cli/doctor/doctor.h"

#include <string.h>

/* ---- other mutating webhooks on Deployments of the students */

static bool lists(const cJSON *list, const char *word)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *text = json_string(item);
        if (text != NULL && (strcmp(text, "*") == 0 || strcmp(text, word) == 0))
            return true;
    }
    return false;
}

static bool meets_deployments(const cJSON *entry)
{
    const cJSON *rule;
    cJSON_ArrayForEach(rule, json_get(entry, "rules"))
    {
        const cJSON *resources = json_get(rule, "resources");
        if (lists(json_get(rule, "apiGroups"), "apps") &&
            (lists(resources, "deployments") || lists(resources, "*/*")) &&
            (lists(json_get(rule, "operations"), "CREATE") ||
             lists(json_get(rule, "operations"), "UPDATE")))
            return true;
    }
    return false;
}

static void check_other(struct doctor *doctor, const cJSON *configuration, const cJSON *labels)
{
    const char *name = json_get_string(json_get(configuration, "metadata"), "name");
    const cJSON *entry;
    if (name == NULL || strcmp(name, REGISTRATION_NAME) == 0)
        return;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        const char *entry_name = json_get_string(entry, "name");
        /* Labels that cannot be seen are taken as matched. */
        if (entry_name == NULL || !meets_deployments(entry) ||
            (labels != NULL && !doctor_selects(json_get(entry, "namespaceSelector"), labels)))
            continue;
        const bool later = strcmp(name, REGISTRATION_NAME) > 0;
        doctor_add(
            doctor,
            &(struct doctor_words){
                .severity = DOCTOR_WARNING,
                .object = doctor_text(doctor, "MutatingWebhookConfiguration/%s", name),
                .field = doctor_text(doctor, "webhooks[%s]", entry_name),
                .what =
                    doctor_text(doctor, "changes Deployments in " CLUSTER_STUDENTS ", %s Proctor",
                                later ? "after" : "before"),
                .why = later ? "What it changes Proctor corrects in a second round and else "
                               "refuses: students would read of what they did not write."
                             : "Proctor judges what it leaves, and students would read of "
                               "what they did not write.",
                .mend = doctor_text(doctor, "kubectl get mutatingwebhookconfiguration %s -o yaml",
                                    doctor_word(doctor, name))});
    }
}

void doctor_check_others(struct doctor *doctor)
{
    bool absent;
    const cJSON *all = doctor_look(doctor, "mutatingAll", &absent), *configuration;
    const cJSON *labels =
        json_path(doctor->facts, "seen", "students", "object", "metadata", "labels", NULL);
    doctor_say(doctor, "none changes Deployments in " CLUSTER_STUDENTS);
    cJSON_ArrayForEach(configuration, all) check_other(doctor, configuration, labels);
    if (doctor->check->worst == DOCTOR_WARNING)
        doctor_say(doctor, "others change Deployments in " CLUSTER_STUDENTS);
}

/* ---- rights */

static const char *text_of(const cJSON *right, const char *key)
{
    const char *text = json_get_string(right, key);
    return text != NULL ? text : "";
}

static void add_right(struct doctor *doctor, const cJSON *right)
{
    const char *space = text_of(right, "namespace"), *name = text_of(right, "name");
    const char *group = text_of(right, "group");
    const char *resource =
        doctor_text(doctor, "%s%s%s", text_of(right, "resource"), *group != '\0' ? "." : "", group);
    doctor_add(doctor, &(struct doctor_words){
                           .severity = DOCTOR_WARNING,
                           .object = "Group/students",
                           .field = "RBAC",
                           .what = doctor_text(doctor, "may %s %s%s%s%s%s", text_of(right, "verb"),
                                               resource, *name != '\0' ? "/" : "", name,
                                               *space != '\0' ? " in " : "", space),
                           .why = text_of(right, "why"),
                           .mend = doctor_text(
                               doctor, "kubectl get rolebindings,clusterrolebindings -A -o wide"
                                       " | grep -w -e students -e system:authenticated")});
}

void doctor_check_rights(struct doctor *doctor)
{
    const cJSON *rights = json_get(doctor->facts, "rights"), *right;
    size_t asked = 0;
    cJSON_ArrayForEach(right, rights)
    {
        const char *error = json_get_string(right, "error");
        if (error != NULL) {
            doctor_add(doctor, &(struct doctor_words){
                                   .severity = DOCTOR_UNSEEN,
                                   .object = "Group/students",
                                   .what = error,
                                   .why = "Whether students can get at Proctor is not known.",
                                   .mend = "kubectl auth can-i create subjectaccessreviews"});
            doctor_say(doctor, "not seen");
            return;
        }
        asked++;
        if (json_is_true(json_get(right, "allowed")))
            add_right(doctor, right);
    }
    if (doctor->check->worst == DOCTOR_FINE)
        doctor_say(doctor, "students may do none of %zu things that would undo Proctor", asked);
    else
        doctor_say(doctor, "students may do what would undo Proctor");
}

/* ---- the live probe */

static const char *probe_error(const cJSON *probe)
{
    const char *error = json_get_string(probe, "error");
    return error != NULL ? error : "";
}

static bool calls_in_vain(const char *error)
{
    return strstr(error, "failed calling webhook") != NULL ||
           strstr(error, "failed to call webhook") != NULL;
}

/* Only Proctor ends its texts with POLICY/RULE in brackets. */
static bool speaks(const cJSON *probe)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, json_get(probe, "warnings"))
    {
        const char *text = json_string(warning);
        const char *bracket = text != NULL ? strrchr(text, '(') : NULL;
        if (bracket != NULL && strchr(bracket, '/') != NULL)
            return true;
    }
    const char *error = probe_error(probe);
    return !calls_in_vain(error) && (strstr(error, ".proctor.dev\" denied") != NULL ||
                                     strstr(error, "/no-bare-pods)") != NULL);
}

/* On the first day it only writes its log, so silence proves nothing. */
static bool only_audits(struct doctor *doctor)
{
    const cJSON *variable, *container = json_path(doctor->facts, "seen", "deployment", "object",
                                                  "spec", "template", "spec", "containers", NULL);
    cJSON_ArrayForEach(variable, json_get(container != NULL ? container->child : NULL, "env"))
    {
        const char *name = json_get_string(variable, "name");
        const char *value = json_get_string(variable, "value");
        if (name != NULL && value != NULL && strcmp(name, "PROCTOR_MODE") == 0)
            return strcmp(value, "audit") == 0;
    }
    return false;
}

static void add_silent(struct doctor *doctor, const char *what)
{
    if (only_audits(doctor))
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_NOTE,
                       .object = what,
                       .field = "dry run",
                       .what = "went through without a word, as it should in audit mode",
                       .why = "Whether Proctor was asked stands in its decision log.",
                       .mend = doctor_text(doctor, "kubectl -n %s logs deployment/%s",
                                           doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK)});
    else
        doctor_add(doctor, &(struct doctor_words){
                               .severity = DOCTOR_ERROR,
                               .object = what,
                               .field = "dry run",
                               .what = "went through, and nobody said a word",
                               .why = "Proctor was not asked: disarmed, not registered, or left "
                                      "out.",
                               .mend = "proctor arm"});
}

static void check_answer(struct doctor *doctor, const char *what, const cJSON *probe)
{
    const char *error = probe_error(probe), *code = json_get_string(probe, "code");
    if (probe == NULL || speaks(probe))
        return;
    if (calls_in_vain(error))
        doctor_add(doctor, &(struct doctor_words){
                               .severity = DOCTOR_ERROR,
                               .object = what,
                               .field = "dry run",
                               .what = error,
                               .why = "Every write in " CLUSTER_STUDENTS " ends like this now.",
                               .mend = "proctor disarm --reason 'the webhook cannot be called'"});
    else if (code != NULL)
        doctor_add(doctor, &(struct doctor_words){.severity = DOCTOR_UNSEEN,
                                                  .object = what,
                                                  .field = "dry run",
                                                  .what = error,
                                                  .why = "Something else answered before Proctor.",
                                                  .mend = "kubectl -n " CLUSTER_STUDENTS
                                                          " auth can-i create pods"});
    else
        add_silent(doctor, what);
}

void doctor_check_probe(struct doctor *doctor)
{
    const cJSON *probe = json_get(doctor->facts, "probe");
    const cJSON *pod = json_get(probe, "pod"), *deployment = json_get(probe, "deployment");
    const char *as[] = {json_get_string(pod, "as"), json_get_string(deployment, "as")};
    if (probe == NULL) {
        doctor_say(doctor, "not tried");
        return;
    }
    doctor_say(doctor, "Proctor answers: a Pod by %s, a Deployment by %s",
               as[0] != NULL ? as[0] : "?", as[1] != NULL ? as[1] : "?");
    check_answer(doctor, "Pod/proctor-doctor", pod);
    check_answer(doctor, "Deployment/student-0000000", deployment);
    if (doctor->check->worst > DOCTOR_NOTE)
        doctor_say(doctor, "not as it should be");
}
