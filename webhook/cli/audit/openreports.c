#include "base/digest.h"
#include "cli/audit/audit.h"

#include <stdio.h>
#include <string.h>

#define VERSION    "openreports.io/v1alpha1"
#define SOURCE     "proctor"
#define SHOWN      1024U /* runes of a property */
#define NAME_BYTES 32    /* of a digest, enough to tell objects apart */

enum result { RESULT_PASS, RESULT_FAIL, RESULT_WARN, RESULT_SKIP, RESULTS };
static const char *const result_names[] = {"pass", "fail", "warn", "skip"};

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    struct buf visible;
    if (text == NULL || *text == '\0')
        return;
    buf_init(&visible, arena, LIMIT_MIB);
    buf_add_visible(&visible, text, SHOWN);
    json_add(arena, object, key, json_new_string(arena, visible.data));
}

static cJSON *add_object(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, parent, key, object);
    return object;
}

/* Not the judgement's: in a request about a Namespace that is its own name. */
static const char *space_of(const struct audit_finding *finding)
{
    return json_string(json_path(finding->item->object, "metadata", "namespace", NULL));
}

/* A core/v1 ObjectReference. */
static cJSON *reference_to(struct arena *arena, const struct audit_finding *finding)
{
    const struct judgement *judgement = finding->judgement;
    cJSON *object = json_new_object(arena);
    add_text(arena, object, "apiVersion", judgement->api_version);
    add_text(arena, object, "kind", judgement->kind);
    add_text(arena, object, "namespace", space_of(finding));
    add_text(arena, object, "name", judgement->name);
    add_text(arena, object, "uid", finding->uid);
    return object;
}

/* The same object has the same report's name tomorrow, so that applying it replaces the old one. */
static const char *name_of(struct arena *arena, const struct audit_finding *finding)
{
    char hex[DIGEST_HEX_BYTES] = "";
    const struct judgement *judgement = finding->judgement;
    const char *space = space_of(finding);
    const char *text = arena_printf(arena, "%s\n%s\n%s\n%s", judgement->api_version,
                                    judgement->kind, space != NULL ? space : "", judgement->name);
    if (!digest_sha256(text, strlen(text), hex))
        return "proctor";
    return arena_printf(arena, "proctor-%.*s", NAME_BYTES, hex);
}

/* ---- results ------------------------------------------------------------------------------ */

struct results {
    struct arena *arena;
    const struct audit *audit;
    const struct audit_finding *finding;
    cJSON *list;
    size_t counts[RESULTS];
};

static enum result result_of(const struct violation *violation)
{
    if (violation->exception != NULL && !violation->exception_expired)
        return RESULT_SKIP;
    return judge_effect_of(violation) == JUDGE_DENIES ? RESULT_FAIL : RESULT_WARN;
}

static cJSON *new_result(struct results *results, const struct policy *policy, const char *rule,
                         enum result result)
{
    struct arena *arena = results->arena;
    const struct audit *audit = results->audit;
    cJSON *object = json_new_object(arena), *subjects = json_new_array(arena);
    results->counts[result]++;
    add_text(arena, object, "policy", policy->name);
    add_text(arena, object, "rule", rule);
    add_text(arena, object, "result", result_names[result]);
    add_text(arena, object, "category",
             policy_text_in(&policy->title, audit->settings.set->language));
    json_add(arena, object, "scored",
             json_new_bool(arena, result == RESULT_PASS || result == RESULT_FAIL));
    cJSON *timestamp = add_object(arena, object, "timestamp");
    json_add(arena, timestamp, "seconds", json_new_int(arena, audit->settings.now));
    json_add(arena, timestamp, "nanos", json_new_int(arena, 0));
    json_append(subjects, reference_to(arena, results->finding));
    json_add(arena, object, "resources", subjects);
    json_append(results->list, object);
    return object;
}

static void add_properties(struct arena *arena, cJSON *result, const struct violation *violation)
{
    static const char *const modes[] = {
        [POLICY_ENFORCE] = "enforce", [POLICY_WARN] = "warn", [POLICY_AUDIT] = "audit"};
    cJSON *properties = add_object(arena, result, "properties");
    add_text(arena, properties, "field", violation->field);
    add_text(arena, properties, "mode", modes[violation->mode]);
    add_text(arena, properties, "fix", violation->fix);
    if (violation->exception != NULL) {
        add_text(arena, properties, "exception", violation->exception->name);
        add_text(arena, properties, "expires", violation->exception->expires);
    }
}

/* The remarks begin with the violations, in their order. */
static void add_violations(struct results *results)
{
    const struct audit_finding *finding = results->finding;
    size_t index = 0;
    for (const struct violation *at = finding->judgement->last->violations; at != NULL;
         at = at->next, index++) {
        cJSON *result = new_result(results, at->rule->policy, at->rule->id, result_of(at));
        add_text(results->arena, result, "message", finding->remarks[index].remark.text);
        add_properties(results->arena, result, at);
    }
}

static bool is_violated(const struct verdict *verdict, const struct policy *policy)
{
    for (const struct violation *at = verdict->violations; at != NULL; at = at->next)
        if (at->rule->policy == policy)
            return true;
    return false;
}

static void add_passes(struct results *results)
{
    const struct verdict *verdict = results->finding->judgement->last;
    for (size_t i = 0; i < verdict->policy_count; i++)
        if (!is_violated(verdict, verdict->policies[i]))
            new_result(results, verdict->policies[i], NULL, RESULT_PASS);
}

static cJSON *summary_of(const struct results *results)
{
    cJSON *object = json_new_object(results->arena);
    for (size_t i = 0; i < RESULTS; i++)
        json_add(results->arena, object, result_names[i],
                 json_new_int(results->arena, (int64_t)results->counts[i]));
    json_add(results->arena, object, "error", json_new_int(results->arena, 0));
    return object;
}

cJSON *openreports_of(struct arena *arena, const struct audit *audit,
                      const struct audit_finding *finding)
{
    const char *space = space_of(finding);
    struct results results = {arena, audit, finding, json_new_array(arena), {0}};
    cJSON *report = json_new_object(arena);
    add_violations(&results);
    add_passes(&results);
    add_text(arena, report, "apiVersion", VERSION);
    add_text(arena, report, "kind", space != NULL ? "Report" : "ClusterReport");
    cJSON *metadata = add_object(arena, report, "metadata");
    add_text(arena, metadata, "name", name_of(arena, finding));
    add_text(arena, metadata, "namespace", space);
    add_text(arena, add_object(arena, metadata, "labels"), "app.kubernetes.io/managed-by", SOURCE);
    add_text(arena, add_object(arena, metadata, "annotations"), "proctor.dev/policies",
             audit->settings.set->digest);
    add_text(arena, report, "source", SOURCE);
    json_add(arena, report, "scope", reference_to(arena, finding));
    json_add(arena, report, "summary", summary_of(&results));
    json_add(arena, report, "results", results.list);
    return report;
}
