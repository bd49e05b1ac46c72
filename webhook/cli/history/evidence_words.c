/* Who it was, and what to do about it. */
#include "cli/history/evidence.h"

#include <string.h>

#define ACCOUNT "system:serviceaccount:"

/* ---- words ------------------------------------------------------------------------------ */

enum cli_colour evidence_colour(const char *status)
{
    static const struct {
        const char *status;
        enum cli_colour colour;
    } rows[] = {
        {"Completed", CLI_GREEN},  {"Failed", CLI_RED},          {"Pending", CLI_CYAN},
        {"InProgress", CLI_CYAN},  {"RollingBack", CLI_YELLOW},  {"RolledBack", CLI_YELLOW},
        {"Cancelled", CLI_YELLOW}, {"NotPersisted", CLI_YELLOW}, {"Unknown", CLI_YELLOW},
        {"Superseded", CLI_DIM},   {"Deleted", CLI_DIM},
    };
    for (size_t i = 0; status != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].colour;
    }
    return CLI_PLAIN;
}

/* system:serviceaccount:NS:NAME as NS/NAME. */
static const char *short_account(struct arena *arena, const char *user)
{
    const size_t head = strlen(ACCOUNT);
    if (strncmp(user, ACCOUNT, head) != 0)
        return user;
    const char *space = user + head, *colon = strchr(space, ':');
    return colon == NULL ? user
                         : arena_printf(arena, "%.*s/%s", (int)(colon - space), space, colon + 1);
}

const char *evidence_who(struct arena *arena, const cJSON *deployment)
{
    const cJSON *actor = json_get(deployment, "actor");
    const char *user = json_get_string(actor, "user");
    const char *via = json_get_string(actor, "via");
    const char *behalf = json_get_string(actor, "onBehalfOf");
    if (user == NULL && behalf == NULL)
        return NULL;
    if (behalf != NULL && via == NULL && user != NULL && strcmp(user, behalf) != 0)
        via = user;
    const char *who = short_account(arena, behalf != NULL ? behalf : user);
    const char *sure = json_is_bool(json_get(actor, "certain")) &&
                               !json_is_true(json_get(actor, "certain")) &&
                               strncmp(who, "unknown", 7) != 0
                           ? " (uncertain)"
                           : "";
    if (via == NULL)
        return arena_printf(arena, "%s%s", who, sure);
    return arena_printf(arena, "%s via %s%s", who, short_account(arena, via), sure);
}

static bool has_prefix_in(const char *text, const char *const *prefixes)
{
    for (size_t i = 0; text != NULL && prefixes[i] != NULL; i++) {
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

/* ---- the fix ---------------------------------------------------------------------------- */

static const char *fix_exit(struct arena *arena, const cJSON *instance, int64_t code)
{
    const char *pod = json_get_string(instance, "pod");
    const char *container = json_get_string(instance, "container");
    static const struct {
        int64_t code;
        const char *text;
    } rows[] = {
        {0, "the program ends by itself: a project's program must keep running and listen"},
        {126, "the command cannot be executed: is it a program, with the right to run (chmod +x)?"},
        {127,
         "the command is not in the image: is it spelled right, and copied in the Dockerfile?"},
        {137, "it was killed (exit code 137): too much memory, or a liveness probe that fails"},
        {139, "the program crashed (exit code 139: a wrong memory access)"},
        {143, "it was told to stop (exit code 143): a liveness probe that fails?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code)
            return rows[i].text;
    }
    return arena_printf(arena,
                        "the program ends with exit code %lld: read its last words%s%s%s%s%s",
                        (long long)code, pod != NULL ? ", or: kubectl logs " : "",
                        pod != NULL ? pod : "", container != NULL ? " -c " : "",
                        container != NULL ? container : "", pod != NULL ? " --previous" : "");
}

static const char *fix_instance(struct arena *arena, const cJSON *instance)
{
    static const char *const pull[] = {"ErrImage",   "ImagePull",  "ImageInspect",
                                       "RegistryUn", "SignatureV", NULL};
    static const char *const config[] = {"CreateContainer", "ConfigError", NULL};
    static const char *const crash[] = {"CrashLoop", "RunContainer", "Error", "ContainerCannotRun",
                                        NULL};
    const char *reason = json_get_string(instance, "reason");
    const char *last = json_get_string(instance, "lastReason");
    const char *image = json_get_string(instance, "image");
    int64_t code;
    if (last != NULL && strcmp(last, "OOMKilled") == 0)
        return "it used more memory than it may (OOMKilled): let it use less, or ask for a higher "
               "resources.limits.memory";
    if (reason != NULL && strcmp(reason, "InvalidImageName") == 0)
        return arena_printf(arena, "%s is no image's name: REGISTRY/NAME:TAG, in small letters",
                            image != NULL ? image : "this");
    if (has_prefix_in(reason, pull))
        return arena_printf(arena,
                            "%s cannot be pulled: is it pushed, are name and tag spelled right, "
                            "and may the cluster read it?",
                            image != NULL ? image : "the image");
    if (has_prefix_in(reason, config))
        return "a ConfigMap, Secret or key that the container names is not there: see the message";
    if (json_int64(json_get(instance, "exitCode"), &code) && (last != NULL || code != 0) &&
        (last == NULL || has_prefix_in(last, crash) || strcmp(last, "Completed") == 0))
        return fix_exit(arena, instance, code);
    if (has_prefix_in(reason, crash))
        return "the program ends again and again: kubectl logs POD --previous shows what it said";
    return NULL;
}

static bool is_event(const cJSON *event, const char *reason)
{
    const char *text = json_get_string(event, "reason");
    return text != NULL && strcmp(text, reason) == 0;
}

static const char *fix_event(const cJSON *events)
{
    static const struct {
        const char *reason, *fix;
    } rows[] = {
        {"FailedScheduling", "no node has room for the pod: ask for less (resources.requests), or "
                             "wait until others have ended"},
        {"FailedCreate", "the pod could not be made: see the message (a quota, or a policy)"},
        {"FailedMount", "a volume cannot be mounted: does what it names exist?"},
        {"Unhealthy", "it runs, and its probe fails: does the program listen on the port that the "
                      "probe asks, and soon enough after its start?"},
    };
    const cJSON *event;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cJSON_ArrayForEach(event, events)
        {
            if (is_event(event, rows[i].reason))
                return rows[i].fix;
        }
    }
    return NULL;
}

static bool is_failed(const cJSON *deployment)
{
    static const char *const failed[] = {"Failed", "RollingBack", "RolledBack", NULL};
    const char *good = json_get_string(deployment, "good");
    return has_prefix_in(json_get_string(deployment, "status"), failed) ||
           (good != NULL && strcmp(good, "no") == 0);
}

const char *evidence_fix(struct arena *arena, const cJSON *evidence)
{
    static const char *const late[] = {"ProgressDeadline", "RecorderDeadline", NULL};
    const cJSON *deployment = json_get(evidence, "deployment"), *instance;
    if (!is_failed(deployment))
        return NULL;
    cJSON_ArrayForEach(instance, json_get(evidence, "instances"))
    {
        const char *fix = fix_instance(arena, instance);
        if (fix != NULL)
            return fix;
    }
    const char *fix = fix_event(json_get(evidence, "kubernetesEvents"));
    if (fix == NULL && has_prefix_in(json_get_string(deployment, "reason"), late))
        fix = "it does not become ready in time: does the program listen on the port that the "
              "readiness probe asks, and soon enough after its start?";
    return fix;
}
