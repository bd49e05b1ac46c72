/* doctor/good.json is an installation in which all is well; each test spoils one thing of it. */
#include "base/limits.h"
#include "certs/issue.h"
#include "cli/cluster/registration.h"
#include "cli/doctor/doctor.h"
#include "policy/match_conditions.h"
#include "tests/unit/test.h"

#include <stdarg.h>

static struct arena arena;
static cJSON *facts;
static struct doctor doctor;

static cJSON *at(const char *first, ...)
{
    va_list keys;
    cJSON *node = json_get(facts, first);
    va_start(keys, first);
    for (const char *key; (key = va_arg(keys, const char *)) != NULL;)
        node = json_is_array(node) ? cJSON_GetArrayItem(node, (int)strtol(key, NULL, 10))
                                   : json_get(node, key);
    va_end(keys);
    if (node == NULL)
        TEST_FAIL("good.json has no such member under %s", first);
    return node;
}

static void put(cJSON *object, const char *key, cJSON *value)
{
    cJSON *before = json_find(object, key);
    if (before != NULL)
        json_unlink(object, before);
    json_add(&arena, object, key, value);
}

static void put_text(cJSON *object, const char *key, const char *text)
{
    put(object, key, json_new_string(&arena, text));
}

static cJSON *read_json(const char *text)
{
    cJSON *node = NULL;
    struct err err;
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &node, &err) < 0)
        TEST_FAIL("%s: %s", text, err.text);
    return node;
}

static cJSON *entry(size_t which, size_t number)
{
    return cJSON_GetArrayItem(at("seen", which == REGISTRATION_MUTATING ? "mutating" : "validating",
                                 "object", "webhooks", NULL),
                              (int)number);
}

static const char *base64(const struct folder_text *text)
{
    struct buf encoded;
    buf_init(&encoded, &arena, LIMIT_MIB);
    buf_add_base64(&encoded, text->data, text->length);
    return encoded.data;
}

/* A certificate of `name` for `days` from good.json's now; trusted by every entry. */
static void certify(const char *name, long days)
{
    const char *dns[] = {name};
    const struct issue_names names = {.dns = dns, .dns_count = 1};
    struct folder_set set = {0};
    struct err err;
    int64_t now = 0;
    CHECK(json_int64(json_get(facts, "now"), &now));
    /* Made 100 days ago, so that it can have ended. */
    CHECK_INT(issue_set(&names, (time_t)now - 100 * 86400L, 3650, days + 100, &set, &err), 0);
    put_text(at("seen", "tls", "object", "data", NULL), "tls.crt",
             base64(&set.files[FOLDER_TLS_CERT]));
    for (size_t i = 0; i < 3; i++)
        put_text(json_get(i == 0 ? entry(0, 0) : entry(1, i - 1), "clientConfig"), "caBundle",
                 base64(&set.files[FOLDER_CA_CERT]));
    folder_set_done(&set);
}

static void exclude(void)
{
    const char *text = NULL;
    struct match_conditions wanted;
    struct err err;
    struct policy_set *set = doctor_load_policies(
        &arena, at("seen", "policies", "object", "data", NULL), 1795000000, &text);
    if (set == NULL)
        TEST_FAIL("%s", text);
    put_text(at("replicas", "0", "readyz", NULL), "digest", set->digest);
    CHECK_INT(match_conditions_from_set(set, &arena, &wanted, &err), 0);
    CHECK(wanted.count > 0);
    for (size_t which = 0; which < REGISTRATION_COUNT; which++) {
        cJSON *list = json_new_array(&arena);
        for (size_t i = 0; i < wanted.count; i++) {
            cJSON *condition = json_new_object(&arena);
            put_text(condition, "name", wanted.items[i].name);
            put_text(condition, "expression", wanted.items[i].expression);
            json_append(list, condition);
        }
        put(entry(which, 0), "matchConditions", list);
    }
    policy_set_unref(set);
}

static void good(void)
{
    static bool hooked;
    if (!hooked) {
        arena_install_cjson_hooks();
        arena_init(&arena, 256 * LIMIT_MIB);
    }
    hooked = true;
    doctor_done(&doctor);
    arena_reset(&arena, LIMIT_MIB);
    arena_use(&arena);
    char *text = test_read_file("tests/unit/cli/doctor/good.json", NULL);
    facts = read_json(text);
    free(text);
    certify("proctor-webhook.hydrosim-system.svc", 365);
    exclude();
}

static const struct doctor_check *judge(const char *name)
{
    doctor_done(&doctor);
    doctor_judge(&doctor, &arena, facts);
    for (size_t i = 0; i < doctor.check_count; i++) {
        if (strcmp(doctor.checks[i].name, name) == 0)
            return &doctor.checks[i];
    }
    TEST_FAIL("no check %s", name);
}

/* That check has a finding of this severity whose object, field and text hold `words`. */
static const struct doctor_finding *find(const char *name, enum doctor_severity severity,
                                         const char *words)
{
    const struct doctor_check *check = judge(name);
    struct buf others;
    buf_init(&others, &arena, LIMIT_MIB);
    for (const struct doctor_finding *one = check->findings; one != NULL; one = one->next) {
        const char *text =
            arena_printf(&arena, "%s: %s %s: %s", doctor_severity_name(one->severity), one->object,
                         one->field != NULL ? one->field : "", one->what);
        if (one->severity == severity && strstr(text, words) != NULL)
            return one;
        buf_add_strings(&others, "\n  ", text, NULL);
    }
    TEST_FAIL("%s does not find: %s; but:%s", name, words, others.data);
}

/* Nothing but this one check says anything. */
static void only(const char *name)
{
    for (size_t i = 0; i < doctor.check_count; i++) {
        if (strcmp(doctor.checks[i].name, name) != 0 && doctor.checks[i].worst > DOCTOR_NOTE)
            TEST_FAIL("%s says: %s", doctor.checks[i].name, doctor.checks[i].findings->what);
    }
}

static void hide(const char *key, const char *code)
{
    cJSON *fact = json_new_object(&arena);
    put_text(fact, "code", code);
    put_text(fact, "error", "no right to look");
    put(json_get(facts, "seen"), key, fact);
}

TEST(all_is_well)
{
    good();
    judge("live");
    for (size_t i = 0; i < doctor.check_count; i++) {
        const struct doctor_check *check = &doctor.checks[i];
        if (check->worst > DOCTOR_NOTE)
            TEST_FAIL("%s: %s", check->name, check->findings->what);
        CHECK(check->summary[0] != '\0');
    }
    CHECK_INT(doctor.counts[DOCTOR_NOTE], 2); /* the two supervised entries are left out */
}

TEST(what_may_not_be_seen_is_neither_fine_nor_wrong)
{
    static const char *const keys[] = {"version",  "system",   "namespaces", "deployment",
                                       "service",  "policies", "tls",        "renewal",
                                       "mutating", "pods",     "mutatingAll"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        good();
        hide(keys[i], "forbidden");
        judge("live");
        CHECK(doctor.counts[DOCTOR_UNSEEN] > 0);
        CHECK_INT(doctor.counts[DOCTOR_ERROR], 0);
    }
}

TEST(what_is_not_there_is_wrong)
{
    static const char *const keys[][2] = {{"system", "namespaces"},   {"students", "namespaces"},
                                          {"deployment", "webhook"},  {"account", "webhook"},
                                          {"service", "service"},     {"policies", "policies"},
                                          {"tls", "certificate"},     {"renewal", "renewal"},
                                          {"mutating", "registered"}, {"validating", "registered"}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        good();
        hide(keys[i][0], "not_found");
        CHECK(find(keys[i][1], DOCTOR_ERROR, "is not there")->mend != NULL);
    }
}

TEST(an_api_server_that_is_too_old)
{
    good();
    put_text(at("seen", "version", "object", NULL), "minor", "29+");
    find("api-server", DOCTOR_ERROR, "older than 1.30");
    only("api-server");
}

TEST(replicas_that_are_not_ready)
{
    good();
    put(at("seen", "deployment", "object", "status", NULL), "readyReplicas",
        json_new_int(&arena, 1));
    find("webhook", DOCTOR_WARNING, "1 of 2 replicas ready");
    put(at("seen", "deployment", "object", "status", NULL), "readyReplicas",
        json_new_int(&arena, 0));
    find("webhook", DOCTOR_ERROR, "0 of 2 replicas ready");
    only("webhook");
    put(at("seen", "endpoints", "items", "0", NULL), "endpoints",
        read_json("[{\"conditions\":{\"ready\":false}}]"));
    find("service", DOCTOR_ERROR, "none of 1 addresses");
}

TEST(certificates_that_are_not_believed)
{
    good();
    certify("proctor-webhook.hydrosim-system.svc", -1);
    find("certificate", DOCTOR_ERROR, "tls.crt: ended at");
    find("certificate", DOCTOR_ERROR, "certificate has expired");
    only("certificate");
    certify("proctor-webhook.hydrosim-system.svc", 5);
    find("certificate", DOCTOR_WARNING, "tls.crt: ends at");
    certify("proctor-webhook.elsewhere.svc", 365);
    find("certificate", DOCTOR_ERROR,
         "webhooks[validate.proctor.dev, policies.proctor.dev].clientConfig.caBundle: does not "
         "verify");
    find("certificate", DOCTOR_ERROR, "ostname mismatch");
}

TEST(bundles_of_all_sorts)
{
    good();
    const char *before = json_get_string(json_get(entry(0, 0), "clientConfig"), "caBundle");
    certify("proctor-webhook.hydrosim-system.svc", 365);
    put_text(json_get(entry(0, 0), "clientConfig"), "caBundle", before);
    find("certificate", DOCTOR_ERROR, "webhooks[mutate.proctor.dev].clientConfig.caBundle");
    put_text(json_get(entry(0, 0), "clientConfig"), "caBundle", "");
    find("certificate", DOCTOR_ERROR, "caBundle: is empty");
    put_text(json_get(entry(0, 0), "clientConfig"), "caBundle", "!!!");
    find("certificate", DOCTOR_ERROR, "[mutate.proctor.dev].clientConfig.caBundle");
    put_text(json_get(entry(0, 0), "clientConfig"), "caBundle", "aGVsbG8=");
    find("certificate", DOCTOR_ERROR, "no certificate in it");
}

TEST(a_replica_that_serves_something_else)
{
    good();
    cJSON *readyz = at("replicas", "0", "readyz", NULL);
    put_text(readyz, "certificate", "00ff");
    find("certificate", DOCTOR_WARNING, "Pod/proctor-webhook-a certificate: serves 00ff");
    put_text(readyz, "digest", "0123456789abcdef");
    find("replicas", DOCTOR_WARNING, "judges by 0123456789ab");
    put(readyz, "policyReload", read_json("{\"ok\":false,\"at\":\"T\",\"error\":\"line 3\"}"));
    find("replicas", DOCTOR_ERROR, "policyReload: failed at T: line 3");
}

TEST(selectors_that_could_stop_the_cluster)
{
    good();
    put(entry(0, 0), "namespaceSelector", json_new_object(&arena));
    find("selectors", DOCTOR_ERROR,
         "matches default, hydrosim-system, kube-system and everything else");
    find("selectors", DOCTOR_WARNING, "matches shop too");
    only("selectors");
    put(entry(0, 0), "namespaceSelector", read_json("{\"matchLabels\":{\"a\":\"b\"}}"));
    const struct doctor_finding *finding =
        find("selectors", DOCTOR_ERROR, "does not match hydrosim-students");
    CHECK(strncmp(finding->mend, "kubectl patch mutatingwebhookconfigurations proctor -p '", 56) ==
          0);
    json_unlink(json_get(entry(1, 0), "rules")->child,
                json_get(json_get(entry(1, 0), "rules")->child, "scope"));
    find("selectors", DOCTOR_WARNING, "webhooks[validate.proctor.dev].rules.scope: is *");
}

TEST(label_selectors)
{
    good();
    static const struct {
        const char *selector;
        bool takes;
    } cases[] = {
        {"{}", true},
        {"{\"matchLabels\":{\"a\":\"1\"}}", true},
        {"{\"matchLabels\":{\"a\":\"2\"}}", false},
        {"{\"matchLabels\":{\"c\":\"1\"}}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"0\",\"1\"]}]}",
         true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}",
         false},
        {"{\"matchExpressions\":[{\"key\":\"c\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}",
         true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", false},
        {"{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":[{\"key\":\"b\",\"operator\":"
         "\"DoesNotExist\"}]}",
         false},
    };
    const cJSON *labels = read_json("{\"a\":\"1\",\"b\":\"2\"}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (doctor_selects(read_json(cases[i].selector), labels) != cases[i].takes)
            TEST_FAIL("%s", cases[i].selector);
    }
    CHECK(doctor_selects(NULL, NULL));
}

TEST(entries_that_were_changed)
{
    good();
    cJSON *mutate = entry(0, 0);
    put_text(mutate, "failurePolicy", "Ignore");
    find("registered", DOCTOR_ERROR, "failurePolicy: is Ignore, and must be Fail");
    put_text(mutate, "reinvocationPolicy", "Never");
    find("registered", DOCTOR_ERROR, "reinvocationPolicy: is Never");
    put(mutate, "timeoutSeconds", json_new_int(&arena, 30));
    find("registered", DOCTOR_WARNING, "timeoutSeconds: is 30");
    put(mutate, "objectSelector", read_json("{\"matchLabels\":{\"a\":\"b\"}}"));
    find("registered", DOCTOR_ERROR, "objectSelector: is not empty");
    put_text(json_path(mutate, "clientConfig", "service", NULL), "name", "evil");
    find("registered", DOCTOR_ERROR, "is hydrosim-system/evil");
    put(json_get(entry(1, 0), "rules")->child, "operations", read_json("[\"CREATE\"]"));
    find("registered", DOCTOR_ERROR, "webhooks[validate.proctor.dev].rules: DELETE of */*");
    put_text(mutate, "name", "mutate.example.com");
    find("registered", DOCTOR_ERROR, "webhooks[mutate.proctor.dev]: is not there");
    find("registered", DOCTOR_WARNING, "webhooks[mutate.example.com]: is no entry");
}

TEST(exclusions_that_no_policy_has)
{
    good();
    cJSON *condition = json_get(entry(1, 0), "matchConditions")->child;
    put_text(condition, "expression", "true");
    find("exclusions", DOCTOR_ERROR, "is true, and the policies say");
    put_text(condition, "name", "it's mine");
    find("exclusions", DOCTOR_ERROR, "is not there");
    const struct doctor_finding *finding =
        find("exclusions", DOCTOR_ERROR, "matchConditions[it's mine]: is in no policy: true");
    CHECK_STRING(finding->mend,
                 "kubectl patch validatingwebhookconfigurations proctor -p "
                 "'{\"webhooks\":[{\"name\":\"validate.proctor.dev\",\"matchConditions\":"
                 "[{\"$patch\":\"delete\",\"name\":\"it'\\''s mine\"}]}]}'");
    only("exclusions");
}

TEST(policies_that_do_not_compile)
{
    good();
    put_text(at("seen", "policies", "object", "data", NULL), "small.yaml", "kind: Poem\n");
    const struct doctor_finding *finding = find("policies", DOCTOR_ERROR, "small.yaml:1:");
    CHECK(strstr(finding->what, "proctor-doctor") == NULL);
    put_text(at("seen", "policies", "object", "data", NULL), "../../outside.yaml", "kind: Poem\n");
    json_unlink(at("seen", "policies", "object", "data", NULL),
                json_get(at("seen", "policies", "object", "data", NULL), "small.yaml"));
    find("policies", DOCTOR_ERROR, "there is no policy in it");
}

TEST(disarmed_and_by_whom)
{
    good();
    cJSON *configuration = at("seen", "mutating", "object", NULL);
    cJSON *note = read_json("{\"at\":\"T\",\"by\":\"eve\",\"why\":\"exam\"}");
    cJSON *patch = registration_patch(&arena, configuration, note);
    CHECK_STRING(json_get_string(json_get(patch, "metadata"), "resourceVersion"), "7");
    CHECK_INT(json_count(json_get(patch, "webhooks")), 1);
    CHECK(registration_patch(&arena, configuration, NULL) == NULL);
    json_append(json_get(entry(0, 0), "matchConditions"),
                read_json("{\"name\":\"disarmed.proctor.dev\",\"expression\":\"false\"}"));
    put(json_get(configuration, "metadata"), "annotations",
        json_dup(&arena, json_path(patch, "metadata", "annotations", NULL)));
    CHECK(registration_patch(&arena, configuration, note) == NULL);
    CHECK(registration_patch(&arena, configuration, NULL) != NULL);
    CHECK_STRING(
        find("armed", DOCTOR_ERROR, "1 of 1 entries are disarmed since T, by eve: exam")->mend,
        "proctor arm");
    only("armed");
}

TEST(other_webhooks_and_rights)
{
    good();
    json_append(at("seen", "mutatingAll", "items", NULL),
                read_json("{\"metadata\":{\"name\":\"zz $(rm)\"},\"webhooks\":[{\"name\":\"a.b.c\","
                          "\"rules\":[{\"apiGroups\":[\"apps\"],\"resources\":[\"deployments\"],"
                          "\"operations\":[\"CREATE\"]}]},{\"name\":\"d.e.f\","
                          "\"namespaceSelector\":{\"matchLabels\":{\"x\":\"y\"}},"
                          "\"rules\":[{\"apiGroups\":[\"*\"],\"resources\":[\"*/*\"],"
                          "\"operations\":[\"*\"]}]}]}"));
    CHECK_STRING(find("other-webhooks", DOCTOR_WARNING, "webhooks[a.b.c]: changes")->mend,
                 "kubectl get mutatingwebhookconfiguration 'zz $(rm)' -o yaml");
    CHECK_INT(doctor.counts[DOCTOR_WARNING], 1);
    put(at("rights", "0", NULL), "allowed", json_new_bool(&arena, true));
    find("rights", DOCTOR_WARNING, "may patch configmaps/proctor-policies in hydrosim-system");
}

TEST(what_the_live_probe_heard)
{
    good();
    cJSON *pod = at("probe", "pod", NULL);
    put(pod, "warnings", json_new_array(&arena));
    find("live", DOCTOR_ERROR, "went through, and nobody said a word");
    put_text(at("seen", "deployment", "object", "spec", "template", "spec", "containers", "0",
                "env", "0", NULL),
             "value", "audit");
    find("live", DOCTOR_NOTE, "as it should in audit mode");
    put_text(pod, "code", "server");
    put_text(pod, "error", "failed calling webhook \"mutate.proctor.dev\": no route");
    find("live", DOCTOR_ERROR, "no route");
    put_text(pod, "code", "forbidden");
    put_text(pod, "error", "pods is forbidden: User \"t\" cannot create");
    find("live", DOCTOR_UNSEEN, "cannot create");
    put_text(pod, "error", "admission webhook \"validate.proctor.dev\" denied the request: x");
    CHECK_INT(judge("live")->worst, DOCTOR_FINE);
    json_unlink(facts, json_get(facts, "probe"));
    CHECK_STRING(judge("live")->summary, "not tried");
}

TEST(facts_that_are_garbage_are_survived)
{
    static const char *const keys[] = {"deployment", "service",  "policies",  "tls",
                                       "renewal",    "mutating", "validating"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        good();
        put(json_get(facts, "seen"), keys[i],
            read_json("{\"object\":{\"webhooks\":[null,{},[],\"x\",{\"name\":\"a.proctor.dev\"}],"
                      "\"data\":[1],\"spec\":7,\"status\":[],\"metadata\":\"y\"}}"));
        judge("live");
        CHECK(doctor.counts[DOCTOR_ERROR] + doctor.counts[DOCTOR_WARNING] +
                  doctor.counts[DOCTOR_NOTE] >
              0);
    }
}

TEST_MAIN
