#include "recorder/guard.h"

#include <string.h>

#define AUTO_ROLLBACK "proctor.dev/auto-rollback"

static const struct {
    const char *name, *text;
} guards[] = {
#define GUARD_ROW(constant, name, text) {name, text},
    GUARD_TABLE(GUARD_ROW)
#undef GUARD_ROW
};

const char *guard_name(enum guard guard)
{
    return guards[guard].name;
}

const char *guard_text(enum guard guard)
{
    return guards[guard].text;
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* ---- What each guard looks at ----------------------------------------------------------- */

static bool is_opted_in(const struct guard_facts *facts)
{
    return facts->wish == GUARD_WANTED || (facts->wish == GUARD_UNSAID && facts->automatic);
}

static bool is_failed(const struct guard_facts *facts)
{
    return facts->revision->status == REVISION_FAILED;
}

/* Those that the machine ties to the version's own ReplicaSet; the recorder's own deadline may as
 * well be a full node's fault. */
static bool is_own_fault(const struct guard_facts *facts)
{
    static const char *const reasons[] = {"ImagePull", "CrashLoop", "ConfigError",
                                          "ProgressDeadlineExceeded"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (same(reasons[i], facts->revision->reason))
            return true;
    return false;
}

/* Not by the generation: annotating and scaling raise it, and leave the version as it is.  The
 * write is fenced by the generation that these facts were read at. */
static bool is_still_stored(const struct guard_facts *facts)
{
    return same(facts->uid, facts->revision->uid) &&
           same(facts->template_sha, facts->revision->template_sha);
}

static bool is_fresh(const struct guard_facts *facts)
{
    return facts->failed_at != 0 && facts->now - facts->failed_at < GUARD_AGE_US;
}

static bool is_not_paused(const struct guard_facts *facts)
{
    return !facts->paused;
}

static bool is_nothing_pending(const struct guard_facts *facts)
{
    return !facts->pending;
}

static bool is_no_rollback(const struct guard_facts *facts)
{
    return facts->revision->rollback_of == 0;
}

static bool has_target(const struct guard_facts *facts)
{
    return facts->target != 0;
}

static bool is_first_of_template(const struct guard_facts *facts)
{
    return facts->of_template < GUARD_PER_TEMPLATE;
}

static bool is_within_rate(const struct guard_facts *facts)
{
    return facts->of_hour < GUARD_PER_HOUR;
}

static bool is_not_managed(const struct guard_facts *facts)
{
    return facts->managed_by == NULL || facts->managed_too;
}

unsigned guard_judge(const struct guard_facts *facts)
{
    static bool (*const holds[GUARDS])(const struct guard_facts *) = {
        [GUARD_OPTED_IN] = is_opted_in,
        [GUARD_FAILED] = is_failed,
        [GUARD_OWN_FAULT] = is_own_fault,
        [GUARD_STILL_STORED] = is_still_stored,
        [GUARD_FRESH] = is_fresh,
        [GUARD_NOT_PAUSED] = is_not_paused,
        [GUARD_NOTHING_PENDING] = is_nothing_pending,
        [GUARD_NO_ROLLBACK] = is_no_rollback,
        [GUARD_TARGET] = has_target,
        [GUARD_ONCE] = is_first_of_template,
        [GUARD_RATE] = is_within_rate,
        [GUARD_NOT_MANAGED] = is_not_managed,
    };
    unsigned refused = 0;
    for (unsigned i = 0; i < GUARDS; i++)
        refused |= holds[i](facts) ? 0 : 1U << i;
    return refused;
}

/* ---- What a Deployment says of itself --------------------------------------------------- */

enum guard_wish guard_wish_of(const cJSON *deployment)
{
    const cJSON *value =
        json_get(json_path(deployment, "metadata", "annotations", NULL), AUTO_ROLLBACK);
    if (value == NULL)
        return GUARD_UNSAID;
    return same(json_string(value), "true") ? GUARD_WANTED : GUARD_UNWANTED;
}

enum mark_place { MARK_LABEL, MARK_ANNOTATION, MARK_MANAGER };

/* Labels and annotations by which the tools find their own again, and the names under which their
 * controllers write.  app.kubernetes.io/instance is Argo CD's old default as well as everybody
 * else's: no mark. */
static const struct {
    enum mark_place place;
    const char *key, *value; /* value NULL: any */
    const char *tool;
} marks[] = {
    {MARK_ANNOTATION, "argocd.argoproj.io/tracking-id", NULL, "Argo CD"},
    {MARK_LABEL, "argocd.argoproj.io/instance", NULL, "Argo CD"},
    {MARK_MANAGER, "argocd-controller", NULL, "Argo CD"},
    {MARK_MANAGER, "argocd-application-controller", NULL, "Argo CD"},
    {MARK_LABEL, "kustomize.toolkit.fluxcd.io/name", NULL, "Flux"},
    {MARK_LABEL, "helm.toolkit.fluxcd.io/name", NULL, "Flux"},
    {MARK_MANAGER, "kustomize-controller", NULL, "Flux"},
    {MARK_MANAGER, "helm-controller", NULL, "Flux"},
    {MARK_LABEL, "app.kubernetes.io/managed-by", "Helm", "Helm"},
    {MARK_ANNOTATION, "meta.helm.sh/release-name", NULL, "Helm"},
    {MARK_MANAGER, "helm", NULL, "Helm"},
};

static bool has_manager(const cJSON *fields, const char *name)
{
    for (const cJSON *entry = json_is_array(fields) ? fields->child : NULL; entry != NULL;
         entry = entry->next)
        if (same(json_get_string(entry, "manager"), name))
            return true;
    return false;
}

const char *guard_managed_by(const cJSON *deployment)
{
    const cJSON *metadata = json_get(deployment, "metadata");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (marks[i].place == MARK_MANAGER) {
            if (has_manager(json_get(metadata, "managedFields"), marks[i].key))
                return marks[i].tool;
            continue;
        }
        const cJSON *map =
            json_get(metadata, marks[i].place == MARK_LABEL ? "labels" : "annotations");
        const char *value = json_get_string(map, marks[i].key);
        if (value != NULL && (marks[i].value == NULL || strcmp(marks[i].value, value) == 0))
            return marks[i].tool;
    }
    return NULL;
}
