/* The policies in the cluster, and what each replica says of itself. */
#include "cli/cluster/registration.h"
#include "cli/doctor/doctor.h"
#include "policy/match_conditions.h"

#include <string.h>

void doctor_check_policies(struct doctor *doctor)
{
    bool absent;
    const cJSON *map = doctor_look(doctor, "policies", &absent);
    const char *text = NULL;
    struct doctor_words words = {
        .severity = DOCTOR_ERROR, .object = "ConfigMap/" CLUSTER_POLICIES, .mend = DOCTOR_APPLY};
    if (absent) {
        words.what = "is not there";
        words.why = "A new pod of the webhook waits for it and does not start.";
        doctor_add(doctor, &words);
        return;
    }
    if (map == NULL)
        return;
    doctor->set = doctor_load_policies(doctor->arena, json_get(map, "data"), doctor->now, &text);
    if (doctor->set != NULL) {
        doctor_say(doctor, "%zu policies with %zu rules, digest %.12s", doctor->set->policy_count,
                   doctor->set->rule_count, doctor->set->digest);
        return;
    }
    words.field = "data";
    words.what = text;
    words.why = "The webhook keeps its last good set; one that starts anew has none and never gets "
                "ready.";
    words.mend = "proctor lint policies && " DOCTOR_APPLY;
    doctor_add(doctor, &words);
}

/* ---- each replica */

static void check_digest(struct doctor *doctor, const char *object, const cJSON *readyz)
{
    const char *digest = json_get_string(readyz, "digest");
    if (doctor->set == NULL || digest == NULL || strcmp(digest, doctor->set->digest) == 0)
        return;
    doctor_add(doctor,
               &(struct doctor_words){
                   .severity = DOCTOR_WARNING,
                   .object = object,
                   .field = "digest",
                   .what = doctor_text(doctor, "judges by %.12s, and the ConfigMap is %.12s",
                                       digest, doctor->set->digest),
                   .why = "Right after a change this is normal for up to 2 minutes, until the "
                          "kubelet has brought it; later it is not.",
                   .mend = doctor_text(doctor, "kubectl -n %s rollout restart deployment/%s",
                                       doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK)});
}

static void check_reload(struct doctor *doctor, const char *object, const cJSON *readyz,
                         const char *member, const char *mend)
{
    const cJSON *status = json_get(readyz, member);
    if (status == NULL || json_is_true(json_get(status, "ok")))
        return;
    const char *error = json_get_string(status, "error"), *at = json_get_string(status, "at");
    doctor_add(doctor, &(struct doctor_words){
                           .severity = DOCTOR_ERROR,
                           .object = object,
                           .field = member,
                           .what = doctor_text(doctor, "failed at %s: %s", at != NULL ? at : "?",
                                               error != NULL ? error : "no reason given"),
                           .why = "It goes on with what it had before.",
                           .mend = mend});
}

/* The leaf's fingerprint in the Secret is compared by the certificate's check. */
static void check_replica(struct doctor *doctor, const cJSON *replica)
{
    const char *pod = json_get_string(replica, "pod"), *error = json_get_string(replica, "error");
    const cJSON *readyz = json_get(replica, "readyz");
    const char *object = doctor_text(doctor, "Pod/%s", pod != NULL ? pod : "?");
    if (readyz == NULL) {
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_UNSEEN,
                       .object = object,
                       .field = "/readyz",
                       .what = error != NULL ? error : "gave no answer",
                       .why = "Which policies and which certificate it serves is not known.",
                       .mend = doctor_text(doctor, "kubectl -n %s logs %s --tail=20",
                                           doctor_word(doctor, doctor->space),
                                           doctor_word(doctor, pod != NULL ? pod : ""))});
        return;
    }
    if (json_is_true(json_get(readyz, "certificateExpired")))
        doctor_add(doctor, &(struct doctor_words){
                               .severity = DOCTOR_ERROR,
                               .object = object,
                               .field = "certificateExpires",
                               .what = doctor_text(doctor, "serves a certificate that ended at %s",
                                                   json_get_string(readyz, "certificateExpires")),
                               .why = "The API server refuses to speak to it.",
                               .mend = doctor_renew_now(doctor)});
    check_digest(doctor, object, readyz);
    check_reload(doctor, object, readyz, "policyReload", "proctor lint policies && " DOCTOR_APPLY);
    check_reload(doctor, object, readyz, "certificateReload", doctor_renew_now(doctor));
}

void doctor_check_replicas(struct doctor *doctor)
{
    bool absent;
    const cJSON *pods = doctor_look(doctor, "pods", &absent);
    const cJSON *replicas = json_get(doctor->facts, "replicas"), *replica;
    if (pods == NULL)
        return;
    doctor_say(doctor, "%zu asked", json_count(replicas));
    if (json_count(replicas) == 0)
        doctor_add(doctor, &(struct doctor_words){
                               .severity = DOCTOR_NOTE,
                               .object = "Pods of " CLUSTER_WEBHOOK,
                               .what = "none is ready, so none was asked",
                               .why = "Which policies are in force is not known.",
                               .mend = doctor_text(doctor,
                                                   "kubectl -n %s get pods -l "
                                                   "app.kubernetes.io/name=" CLUSTER_WEBHOOK,
                                                   doctor_word(doctor, doctor->space))});
    cJSON_ArrayForEach(replica, replicas) check_replica(doctor, replica);
    if (doctor->set != NULL && json_count(replicas) > 0 && doctor->check->worst == DOCTOR_FINE)
        doctor_say(doctor, "%zu of %zu judge by digest %.12s", json_count(replicas),
                   json_count(replicas), doctor->set->digest);
}

/* ---- exclusions: matchConditions against what the policies leave out */

static const cJSON *find_condition(const cJSON *entry, const char *name)
{
    const cJSON *condition;
    cJSON_ArrayForEach(condition, json_get(entry, "matchConditions"))
    {
        const char *found = json_get_string(condition, "name");
        if (found != NULL && strcmp(found, name) == 0)
            return condition;
    }
    return NULL;
}

static void add_difference(struct doctor *doctor, const cJSON *entry, const char *condition,
                           const char *what, const char *why)
{
    doctor_add(doctor, &(struct doctor_words){
                           .severity = DOCTOR_ERROR,
                           .object = json_get_string(entry, "name"),
                           .field = doctor_text(doctor, "matchConditions[%s]", condition),
                           .what = what,
                           .why = why,
                           .mend = DOCTOR_APPLY});
}

static void compare_wanted(struct doctor *doctor, const cJSON *entry,
                           const struct match_condition *wanted)
{
    const cJSON *found = find_condition(entry, wanted->name);
    const char *expression = json_get_string(found, "expression");
    if (found == NULL)
        add_difference(doctor, entry, wanted->name, "is not there",
                       "The cluster's own controllers wait for the webhook, and stand still when "
                       "it is down.");
    else if (expression == NULL || strcmp(expression, wanted->expression) != 0)
        add_difference(doctor, entry, wanted->name,
                       doctor_text(doctor, "is %s, and the policies say %s",
                                   expression != NULL ? expression : "empty", wanted->expression),
                       "Somebody is left out that the policies judge, or the other way round.");
}

/* An apply would leave it: it is not the manifests' own. */
static const char *drop_condition(struct doctor *doctor, const char *resource, const cJSON *entry,
                                  const char *name)
{
    struct buf members;
    buf_init(&members, doctor->arena, 1 << 20);
    buf_add_string(&members, "\"matchConditions\":[{\"$patch\":\"delete\",\"name\":");
    buf_add_json_string(&members, name);
    buf_add_string(&members, "}]");
    return doctor_patch_entry(doctor, resource, json_get_string(entry, "name"), members.data);
}

static void compare_found(struct doctor *doctor, const char *resource, const cJSON *entry,
                          const struct match_conditions *wanted)
{
    const cJSON *condition;
    cJSON_ArrayForEach(condition, json_get(entry, "matchConditions"))
    {
        const char *name = json_get_string(condition, "name");
        const char *expression = json_get_string(condition, "expression");
        bool known = name == NULL || strcmp(name, REGISTRATION_CONDITION) == 0;
        for (size_t i = 0; i < wanted->count && !known; i++)
            known = strcmp(wanted->items[i].name, name) == 0;
        if (!known)
            doctor_add(doctor,
                       &(struct doctor_words){
                           .severity = DOCTOR_ERROR,
                           .object = json_get_string(entry, "name"),
                           .field = doctor_text(doctor, "matchConditions[%s]", name),
                           .what = doctor_text(doctor, "is in no policy: %s",
                                               expression != NULL ? expression : ""),
                           .why = "Whoever it leaves out is not judged, and no policy says so.",
                           .mend = drop_condition(doctor, resource, entry, name)});
    }
}

static void compare_entry(struct doctor *doctor, const char *resource, const cJSON *entry,
                          const struct match_conditions *wanted)
{
    const char *policy = json_get_string(entry, "failurePolicy");
    const char *name = json_get_string(entry, "name");
    /* policies.proctor.dev has its own one condition. */
    if (name == NULL || strcmp(name, "policies.proctor.dev") == 0 || policy == NULL)
        return;
    for (size_t i = 0; i < wanted->count; i++)
        compare_wanted(doctor, entry, &wanted->items[i]);
    compare_found(doctor, resource, entry, wanted);
}

void doctor_check_exclusions(struct doctor *doctor)
{
    static const char *const keys[] = {"mutating", "validating"};
    struct match_conditions wanted;
    struct err err;
    if (doctor->set == NULL) {
        doctor_say(doctor, "not compared: the policies cannot be read");
        return;
    }
    if (match_conditions_from_set(doctor->set, doctor->arena, &wanted, &err) < 0) {
        doctor_add(doctor,
                   &(struct doctor_words){.severity = DOCTOR_ERROR,
                                          .object = "ConfigMap/" CLUSTER_POLICIES,
                                          .what = doctor_text(doctor, "%s", err.text),
                                          .why = "Not all exclusions fit into matchConditions.",
                                          .mend = "proctor export match-conditions policies"});
        return;
    }
    doctor_say(doctor, "%zu, as the policies have them", wanted.count);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        bool absent;
        const cJSON *entry, *configuration = doctor_look(doctor, keys[i], &absent);
        cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
            compare_entry(doctor, registrations[i].resource, entry, &wanted);
    }
    if (doctor->check->worst > DOCTOR_UNSEEN)
        doctor_say(doctor, "not as the policies have them");
}
