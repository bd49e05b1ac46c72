#include "cli/certs/certs_pods.h"

#include <stdio.h>
#include <string.h>

#define METRICS_PORT 8080

/* The port of /readyz: the one that is called metrics. */
static int64_t metrics_port(const cJSON *pod)
{
    int64_t port = METRICS_PORT;
    const cJSON *container, *entry;
    cJSON_ArrayForEach(container, json_path(pod, "spec", "containers", NULL))
    {
        cJSON_ArrayForEach(entry, json_get(container, "ports"))
        {
            const char *name = json_get_string(entry, "name");
            if (name != NULL && strcmp(name, "metrics") == 0)
                (void)json_int64(json_get(entry, "containerPort"), &port);
        }
    }
    return port;
}

/* Whether the pod serves the certificate with that print. */
static int compare(struct kube_client *client, struct arena *arena, const char *path,
                   const char *print, bool *ret_same, struct err *reterr)
{
    const char *text = "";
    cJSON *answer = NULL;
    int r = client_get_text(client, arena, path, &text, reterr);
    if (r == 0)
        r = json_parse(arena, text, strlen(text), &json_limits_review, &answer, reterr);
    if (r < 0)
        return r;
    const char *served = json_get_string(answer, "certificate");
    if (served == NULL)
        return err_set(reterr, ERR_ANSWER, "its /readyz does not say what it serves");
    *ret_same = strcmp(served, print) == 0;
    return 0;
}

static void ask_one(struct kube_client *client, struct arena *arena, const char *space,
                    const cJSON *pod, const char *print, struct certs_pods_report *report)
{
    struct err err;
    bool same = false;
    const char *name = json_string(json_path(pod, "metadata", "name", NULL));
    if (name == NULL)
        name = "";
    const char *target = arena_printf(arena, "http:%s:%lld", name, (long long)metrics_port(pod));
    const char *path =
        client_path(arena, "/api/v1/namespaces/%s/pods/%s/proxy/readyz", space, target);
    if (compare(client, arena, path, print, &same, &err) < 0) {
        report->answer = CERTS_PODS_UNKNOWN;
        snprintf(report->text, sizeof report->text, "pod %.253s cannot be asked: %s", name,
                 err.text);
    } else if (!same) {
        report->answer = CERTS_PODS_SERVE_ANOTHER;
        snprintf(report->text, sizeof report->text, "pod %.253s serves another certificate", name);
    }
}

/* One that does not run yet will mount what the Secret holds then. */
static bool runs(const cJSON *pod)
{
    const char *phase = json_string(json_path(pod, "status", "phase", NULL));
    return phase != NULL && strcmp(phase, "Running") == 0;
}

int certs_pods_ask(struct kube_client *client, struct arena *arena, const char *space,
                   const char *service, const char *print, struct certs_pods_report *ret_report,
                   struct err *reterr)
{
    struct certs_pods_report report = {.answer = CERTS_PODS_SERVE_IT};
    cJSON *pods = NULL;
    const cJSON *pod;
    size_t count = 0;
    const char *path =
        client_path(arena, "/api/v1/namespaces/%s/pods?labelSelector=app.kubernetes.io/name=%s",
                    space, service);
    int r = client_list(client, arena, path, &pods, reterr);
    if (r < 0 && r != -ERR_FORBIDDEN)
        return r;
    cJSON_ArrayForEach(pod, pods)
    {
        if (report.answer != CERTS_PODS_SERVE_IT || !runs(pod))
            continue;
        count++;
        ask_one(client, arena, space, pod, print, &report);
    }
    if (count == 0) {
        report.answer = CERTS_PODS_UNKNOWN;
        snprintf(report.text, sizeof report.text, "no pod of %.253s runs", service);
    }
    if (r < 0)
        snprintf(report.text, sizeof report.text, "%s", reterr->text);
    if (report.answer == CERTS_PODS_SERVE_IT)
        snprintf(report.text, sizeof report.text, "all %zu running pods serve the new certificate",
                 count);
    *ret_report = report;
    return 0;
}
