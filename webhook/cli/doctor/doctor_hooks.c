/* The two webhook configurations: as the manifests have them, armed, and not in reach of what the
 * cluster itself lives on. */
#include "cli/cluster/registration.h"
#include "cli/doctor/doctor.h"

#include <string.h>

static const char *const keys[REGISTRATION_COUNT] = {"mutating", "validating"};

/* What each entry has to be. */
static const struct wanted {
    size_t configuration;
    const char *name, *path, *failure_policy;
    const char *operations; /* all of these */
    bool needed;            /* the others may be left out */
} wanted_entries[] = {
    {REGISTRATION_MUTATING, "mutate.proctor.dev", "/mutate", "Fail", "CREATE UPDATE", true},
    {REGISTRATION_MUTATING, "mutate-supervised.proctor.dev", "/mutate", "Fail", "CREATE UPDATE",
     false},
    {REGISTRATION_VALIDATING, "validate.proctor.dev", "/validate", "Fail",
     "CREATE UPDATE DELETE CONNECT", true},
    {REGISTRATION_VALIDATING, "validate-supervised.proctor.dev", "/validate", "Fail",
     "CREATE UPDATE DELETE CONNECT", false},
    {REGISTRATION_VALIDATING, "policies.proctor.dev", "/policies", "Ignore", "CREATE UPDATE", true},
};
#define WANTED_COUNT (sizeof wanted_entries / sizeof wanted_entries[0])

static bool is_text(const cJSON *object, const char *key, const char *wanted)
{
    const char *found = json_get_string(object, key);
    return found != NULL && strcmp(found, wanted) == 0;
}

static const cJSON *find_entry(const cJSON *configuration, const char *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        if (is_text(entry, "name", name))
            return entry;
    }
    return NULL;
}

static const char *object_name(struct doctor *doctor, size_t configuration)
{
    return doctor_text(doctor, "%s/%s", registrations[configuration].kind, REGISTRATION_NAME);
}

/* ---- registered */

struct place_of {
    struct doctor *doctor;
    const char *object;
    const char *entry;
    const char *mend; /* NULL: apply the manifests */
};

static void add_field(const struct place_of *place, enum doctor_severity severity,
                      const char *field, const char *what, const char *why)
{
    doctor_add(place->doctor,
               &(struct doctor_words){
                   .severity = severity,
                   .object = place->object,
                   .field = doctor_text(place->doctor, "webhooks[%s].%s", place->entry, field),
                   .what = what,
                   .why = why,
                   .mend = place->mend != NULL ? place->mend : DOCTOR_APPLY});
}

static void check_text(const struct place_of *place, const cJSON *entry, const char *field,
                       const char *wanted, const char *why)
{
    const char *found = json_get_string(entry, field);
    if (found == NULL || strcmp(found, wanted) != 0)
        add_field(place, DOCTOR_ERROR, field,
                  doctor_text(place->doctor, "is %s, and must be %s",
                              found != NULL ? found : "not set", wanted),
                  why);
}

static void check_timeout(const struct place_of *place, const cJSON *entry)
{
    int64_t seconds = 10;
    (void)json_int64(json_get(entry, "timeoutSeconds"), &seconds);
    if (seconds == 5)
        return;
    add_field(place, DOCTOR_WARNING, "timeoutSeconds",
              doctor_text(place->doctor, "is %lld, and should be 5", (long long)seconds),
              seconds > 5 ? "While the webhook does not answer, every write hangs that long."
                          : "A busy node may take longer, and then the write is refused.");
}

static void check_client(const struct place_of *place, const cJSON *entry,
                         const struct wanted *wanted)
{
    struct doctor *doctor = place->doctor;
    const cJSON *config = json_get(entry, "clientConfig"), *service = json_get(config, "service");
    const char *url = json_get_string(config, "url");
    int64_t port = 443;
    (void)json_int64(json_get(service, "port"), &port);
    if (url != NULL) {
        add_field(place, DOCTOR_WARNING, "clientConfig.url",
                  doctor_text(doctor, "is %s, and not the Service", url),
                  "What answers there cannot be looked at from here.");
        return;
    }
    if (!is_text(service, "name", CLUSTER_WEBHOOK) || !is_text(service, "namespace", doctor->space))
        add_field(place, DOCTOR_ERROR, "clientConfig.service",
                  doctor_text(doctor, "is %s/%s, and must be %s/" CLUSTER_WEBHOOK,
                              json_get_string(service, "namespace"),
                              json_get_string(service, "name"), doctor->space),
                  "The API server asks somebody else, or nobody.");
    if (!is_text(service, "path", wanted->path))
        add_field(place, DOCTOR_ERROR, "clientConfig.service.path",
                  doctor_text(doctor, "is %s, and must be %s", json_get_string(service, "path"),
                              wanted->path),
                  "Only that path gives the right answer.");
    if (port != 443)
        add_field(place, DOCTOR_ERROR, "clientConfig.service.port",
                  doctor_text(doctor, "is %lld, and must be 443", (long long)port),
                  "Nobody listens there.");
}

static bool has_word(const cJSON *list, const char *word, size_t length)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *text = json_string(item);
        if (text != NULL && (strcmp(text, "*") == 0 ||
                             (strlen(text) == length && strncmp(text, word, length) == 0)))
            return true;
    }
    return false;
}

/* Whether a rule takes the whole of `resource` in all of apps and v1's. */
static bool takes_all(const cJSON *rule, const char *operation, size_t length)
{
    const cJSON *resources = json_get(rule, "resources");
    return has_word(json_get(rule, "operations"), operation, length) &&
           has_word(json_get(rule, "apiGroups"), "*", 1) &&
           has_word(json_get(rule, "apiVersions"), "*", 1) && has_word(resources, "*/*", 3);
}

static bool has_operation(const cJSON *entry, const struct wanted *wanted, const char *operation,
                          size_t length)
{
    const cJSON *rule;
    const bool policies = strcmp(wanted->path, "/policies") == 0;
    cJSON_ArrayForEach(rule, json_get(entry, "rules"))
    {
        if (policies ? has_word(json_get(rule, "resources"), "configmaps", 10) &&
                           has_word(json_get(rule, "operations"), operation, length)
                     : takes_all(rule, operation, length))
            return true;
    }
    return false;
}

static void check_rules(const struct place_of *place, const cJSON *entry,
                        const struct wanted *wanted)
{
    for (const char *at = wanted->operations; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        if (!has_operation(entry, wanted, at, length))
            add_field(place, DOCTOR_ERROR, "rules",
                      doctor_text(place->doctor, "%.*s of %s is not among them", (int)length, at,
                                  strcmp(wanted->path, "/policies") == 0 ? "configmaps" : "*/*"),
                      "What is not asked about is not judged: a way round all policies.");
        at += length + (at[length] != '\0');
    }
}

static void check_object_selector(struct place_of place, size_t which, const cJSON *entry)
{
    place.mend = doctor_patch_entry(place.doctor, registrations[which].resource, place.entry,
                                    "\"objectSelector\":null");
    if (json_count(json_path(entry, "objectSelector", "matchLabels", NULL)) > 0 ||
        json_count(json_path(entry, "objectSelector", "matchExpressions", NULL)) > 0)
        add_field(&place, DOCTOR_ERROR, "objectSelector", "is not empty",
                  "Whoever sets or leaves out that label is not judged.");
}

static void check_entry(struct doctor *doctor, const struct wanted *wanted, const cJSON *entry)
{
    const struct place_of place = {doctor, object_name(doctor, wanted->configuration), wanted->name,
                                   NULL};
    check_client(&place, entry, wanted);
    check_rules(&place, entry, wanted);
    check_text(&place, entry, "failurePolicy", wanted->failure_policy,
               strcmp(wanted->failure_policy, "Fail") == 0
                   ? "Whoever makes the webhook late would get past it."
                   : "Mending the policies would need the webhook that is broken by them.");
    check_text(&place, entry, "sideEffects", "None", "Else --dry-run=server is refused.");
    check_text(&place, entry, "matchPolicy", "Equivalent",
               "Else another version of the same API is a way round.");
    if (wanted->configuration == REGISTRATION_MUTATING)
        check_text(&place, entry, "reinvocationPolicy", "IfNeeded",
                   "Else a later webhook undoes what was put in.");
    check_timeout(&place, entry);
    check_object_selector(place, wanted->configuration, entry);
}

static bool is_known(size_t configuration, const char *name)
{
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        if (wanted_entries[i].configuration == configuration &&
            strcmp(wanted_entries[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_foreign(struct doctor *doctor, size_t which, const cJSON *configuration)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        const char *name = json_get_string(entry, "name");
        if (name != NULL && !is_known(which, name))
            doctor_add(doctor,
                       &(struct doctor_words){
                           .severity = DOCTOR_WARNING,
                           .object = object_name(doctor, which),
                           .field = doctor_text(doctor, "webhooks[%s]", name),
                           .what = "is no entry of Proctor's manifests",
                           .why = "Somebody else uses the name, or an old version does; "
                                  "`proctor disarm` leaves foreign entries alone.",
                           .mend = doctor_text(doctor, "kubectl get %s %s -o yaml",
                                               registrations[which].resource, REGISTRATION_NAME)});
    }
}

static void check_configuration(struct doctor *doctor, size_t which)
{
    bool absent;
    const cJSON *configuration = doctor_look(doctor, keys[which], &absent);
    struct doctor_words words = {.severity = DOCTOR_ERROR,
                                 .object = object_name(doctor, which),
                                 .why = "The API server does not ask, so nothing is judged.",
                                 .mend = DOCTOR_APPLY};
    words.what = "is not there";
    if (absent)
        doctor_add(doctor, &words);
    if (configuration == NULL)
        return;
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        const struct wanted *wanted = &wanted_entries[i];
        if (wanted->configuration != which)
            continue;
        const cJSON *entry = find_entry(configuration, wanted->name);
        words.field = doctor_text(doctor, "webhooks[%s]", wanted->name);
        words.severity = wanted->needed ? DOCTOR_ERROR : DOCTOR_NOTE;
        words.why = wanted->needed ? "The API server does not ask, so nothing is judged."
                                   : "Namespaces with the label proctor.dev/supervised are not "
                                     "judged.";
        if (entry != NULL)
            check_entry(doctor, wanted, entry);
        else
            doctor_add(doctor, &words);
    }
    check_foreign(doctor, which, configuration);
}

void doctor_check_registration(struct doctor *doctor)
{
    size_t count = 0;
    for (size_t i = 0; i < REGISTRATION_COUNT; i++) {
        check_configuration(doctor, i);
        count += json_count(json_path(doctor->facts, "seen", keys[i], "object", "webhooks", NULL));
    }
    doctor_say(doctor, "%zu entries", count);
}

/* ---- armed */

static void add_disarmed(struct doctor *doctor, size_t which, size_t disarmed, size_t ours,
                         const cJSON *note)
{
    const char *at = json_get_string(note, "at"), *by = json_get_string(note, "by"),
               *why = json_get_string(note, "why");
    doctor_add(doctor, &(struct doctor_words){
                           .severity = DOCTOR_ERROR,
                           .object = object_name(doctor, which),
                           .field = "matchConditions[" REGISTRATION_CONDITION "]",
                           .what = doctor_text(
                               doctor, "%zu of %zu entries are disarmed%s%s%s%s%s%s", disarmed,
                               ours, at != NULL ? " since " : "", at != NULL ? at : "",
                               by != NULL ? ", by " : "", by != NULL ? by : "",
                               why != NULL && *why ? ": " : "", why != NULL ? why : ""),
                           .why = "The API server does not ask, so nothing is judged.",
                           .mend = "proctor arm"});
}

void doctor_check_armed(struct doctor *doctor)
{
    size_t all = 0;
    for (size_t i = 0; i < REGISTRATION_COUNT; i++) {
        bool absent;
        size_t ours = 0, disarmed = 0;
        const cJSON *entry, *configuration = doctor_look(doctor, keys[i], &absent);
        cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
        {
            ours += registration_is_ours(entry);
            disarmed += registration_is_ours(entry) && registration_is_disarmed(entry);
        }
        if (disarmed > 0)
            add_disarmed(doctor, i, disarmed, ours,
                         registration_note(doctor->arena, configuration));
        all += ours - disarmed;
    }
    doctor_say(doctor, "%zu entries are asked about", all);
}

/* ---- selectors */

/* What the cluster itself lives on: a webhook in front of it can keep a node from coming back. */
static bool is_vital(const struct doctor *doctor, const char *name)
{
    static const char *const vital[] = {"kube-system", "kube-public", "kube-node-lease", "default"};
    for (size_t i = 0; i < sizeof vital / sizeof vital[0]; i++) {
        if (strcmp(vital[i], name) == 0)
            return true;
    }
    return strcmp(name, doctor->space) == 0;
}

static bool is_students(const char *name)
{
    return strcmp(name, CLUSTER_STUDENTS) == 0 || strncmp(name, "student-", 8) == 0;
}

static const char *name_of(const cJSON *space)
{
    const char *name = json_get_string(json_get(space, "metadata"), "name");
    return name != NULL ? name : "";
}

struct reach {
    struct buf vital, strange;
    size_t matched, students;
};

static void measure(struct doctor *doctor, const cJSON *entry, const cJSON *spaces,
                    struct reach *reach)
{
    const cJSON *space;
    buf_init(&reach->vital, doctor->arena, 1 << 20);
    buf_init(&reach->strange, doctor->arena, 1 << 20);
    cJSON_ArrayForEach(space, spaces)
    {
        const char *name = name_of(space);
        if (!doctor_selects(json_get(entry, "namespaceSelector"),
                            json_path(space, "metadata", "labels", NULL)))
            continue;
        reach->matched++;
        reach->students += strcmp(name, CLUSTER_STUDENTS) == 0;
        struct buf *list = is_vital(doctor, name) ? &reach->vital
                           : is_students(name)    ? NULL
                                                  : &reach->strange;
        if (list != NULL)
            buf_add_strings(list, list->length > 0 ? ", " : "", name, NULL);
    }
}

static void check_cluster_scope(const struct place_of *place, const cJSON *entry)
{
    const cJSON *rule;
    cJSON_ArrayForEach(rule, json_get(entry, "rules"))
    {
        const char *scope = json_get_string(rule, "scope");
        if (scope != NULL && strcmp(scope, "Namespaced") == 0)
            continue;
        add_field(place, DOCTOR_WARNING, "rules.scope",
                  doctor_text(place->doctor, "is %s, and should be Namespaced",
                              scope != NULL ? scope : "*"),
                  "A selector of namespaces does not hold back nodes and other cluster-wide "
                  "objects: their writes would wait for the webhook.");
    }
}

/* An apply would put its own part in and leave what is there beside it. */
static const char *mend_selector(struct doctor *doctor, size_t which, const char *name)
{
    const char *members =
        "\"namespaceSelector\":{\"$patch\":\"replace\",\"matchExpressions\":[{\"key\":"
        "\"kubernetes.io/metadata.name\",\"operator\":\"In\",\"values\":["
        "\"" CLUSTER_STUDENTS "\"]}]}";
    if (strstr(name, "supervised") != NULL)
        members = doctor_text(
            doctor,
            "\"namespaceSelector\":{\"$patch\":\"replace\",\"matchExpressions\":[{\"key\":"
            "\"proctor.dev/supervised\",\"operator\":\"In\",\"values\":[\"true\"]},{\"key\":"
            "\"kubernetes.io/metadata.name\",\"operator\":\"NotIn\",\"values\":["
            "\"" CLUSTER_STUDENTS "\",\"%s\",\"kube-system\",\"kube-public\","
            "\"kube-node-lease\",\"default\"]}]}",
            doctor->space);
    return doctor_patch_entry(doctor, registrations[which].resource, name, members);
}

static void check_reach(struct doctor *doctor, size_t which, const cJSON *entry,
                        const cJSON *spaces)
{
    struct reach reach = {0};
    struct place_of place = {doctor, object_name(doctor, which), json_get_string(entry, "name"),
                             NULL};
    const bool fails = !is_text(entry, "failurePolicy", "Ignore");
    if (place.entry == NULL || !registration_is_ours(entry) || !fails)
        return;
    check_cluster_scope(&place, entry);
    if (spaces == NULL)
        return;
    place.mend = mend_selector(doctor, which, place.entry);
    measure(doctor, entry, spaces, &reach);
    if (reach.vital.length > 0)
        add_field(&place, DOCTOR_ERROR, "namespaceSelector",
                  doctor_text(doctor, "matches %s%s", reach.vital.data,
                              reach.matched == json_count(spaces) ? " and everything else" : ""),
                  "With the webhook down the cluster itself stands still, and may not come back "
                  "after a restart.");
    if (reach.strange.length > 0)
        add_field(
            &place, DOCTOR_WARNING, "namespaceSelector",
            doctor_text(doctor, "matches %s too", reach.strange.data),
            "No policy judges there, and with the webhook down nothing can be written there.");
    if (reach.students == 0 && strstr(place.entry, "supervised") == NULL)
        add_field(&place, DOCTOR_ERROR, "namespaceSelector", "does not match " CLUSTER_STUDENTS,
                  "What is written there is not judged.");
}

/* The label only ever adds; on what the cluster lives on it is a mine for the next selector. */
static void check_labels(struct doctor *doctor, const cJSON *spaces)
{
    const cJSON *space;
    cJSON_ArrayForEach(space, spaces)
    {
        const char *name = name_of(space);
        if (!is_vital(doctor, name) || json_get(json_path(space, "metadata", "labels", NULL),
                                                "proctor.dev/supervised") == NULL)
            continue;
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_WARNING,
                       .object = doctor_text(doctor, "Namespace/%s", name),
                       .field = "metadata.labels[proctor.dev/supervised]",
                       .what = "is set",
                       .why = "The manifests leave this namespace out in spite of it; a selector "
                              "without that exception would stop the cluster.",
                       .mend = doctor_text(doctor,
                                           "kubectl label namespace %s "
                                           "proctor.dev/supervised-",
                                           doctor_word(doctor, name))});
    }
}

void doctor_check_selectors(struct doctor *doctor)
{
    bool absent;
    const cJSON *spaces = doctor_look(doctor, "namespaces", &absent);
    doctor_say(doctor, "held against %zu namespaces", json_count(spaces));
    for (size_t i = 0; i < REGISTRATION_COUNT; i++) {
        const cJSON *entry, *configuration = doctor_look(doctor, keys[i], &absent);
        cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
            check_reach(doctor, i, entry, spaces);
    }
    check_labels(doctor, spaces);
}
