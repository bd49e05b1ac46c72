/* The write of one rollback, for tests: what came of it, a line.
 *
 *     rollback [--uid U] [--generation N] [--history-id ID] [--resume 1] [--dry-run 1]
 *              [--forget fields|applied] KUBECONFIG NAMESPACE NAME FILE
 *
 * FILE is the Deployment as it was then, managedFields and all (kubectl get -o json
 * --show-managed-fields): its template, annotations and fields are the version to go back to;
 * --forget: but that is not known of it.  Prints "OUTCOME generation N sha SHA fields restored",
 * "OUTCOME: MESSAGE", with "cause: FIELD" behind, or "error LABEL: TEXT" and exits with 1.
 */
#include "history/rollback.h"

#include "base/limits.h"
#include "history/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int usage(void)
{
    fputs("rollback: see the head of tests/client/rollback.c\n", stderr);
    return 2;
}

static bool read_flag(struct rollback_request *request, const char **forget, const char *flag,
                      const char *value)
{
    if (strcmp(flag, "--uid") == 0)
        request->uid = value;
    else if (strcmp(flag, "--generation") == 0)
        request->expect_generation = strtoll(value, NULL, 10);
    else if (strcmp(flag, "--history-id") == 0)
        request->history_id = value;
    else if (strcmp(flag, "--resume") == 0)
        request->resume = true;
    else if (strcmp(flag, "--dry-run") == 0)
        request->dry_run = true;
    else if (strcmp(flag, "--forget") == 0)
        *forget = value;
    else
        return false;
    return true;
}

static int read_version(const char *path, const char *forget, struct rollback_request *request,
                        struct err *reterr)
{
    static char text[4 * LIMIT_MIB];
    struct view_deployment view = {.name = NULL};
    struct buf fields;
    cJSON *object;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return err_set(reterr, ERR_IO, "%s cannot be opened", path);
    const size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    int rc = json_parse(&arena, text, length, &json_limits_review, &object, reterr);
    if (rc == 0)
        rc = view_deployment(&arena, object, &view, reterr);
    if (rc < 0)
        return rc;
    request->template_json = view_canonical_template(&arena, view.pod_template);
    request->change_cause = view.change_cause;
    if (strcmp(forget, "applied") != 0)
        request->last_applied = view.last_applied;
    const cJSON *managed = json_path(object, "metadata", "managedFields", NULL);
    if (strcmp(forget, "fields") == 0 || managed == NULL)
        return 0;
    buf_init(&fields, &arena, LIMIT_MIB);
    json_write(&fields, managed);
    request->managed_fields = fields.data;
    return 0;
}

static void print(const struct rollback_result *result)
{
    const char *name = rollback_outcome_name(result->outcome);
    if (result->message != NULL)
        printf("%s: %s\n", name, result->message);
    else
        printf("%s generation %lld sha %.12s %s%s\n", name, (long long)result->generation,
               result->template_sha, result->fields_restored ? "fields restored" : "",
               result->fields_message != NULL ? result->fields_message : "");
    for (const cJSON *cause = result->causes != NULL ? result->causes->child : NULL; cause != NULL;
         cause = cause->next)
        printf("cause: %s\n", json_get_string(cause, "field"));
}

static int run(const char *kubeconfig, const struct rollback_request *request, struct err *reterr)
{
    const struct kubeconfig_choice choice = {.path = kubeconfig};
    const struct kube_config *config;
    struct kube_client *client = NULL;
    struct rollback_result result;
    int rc = kubeconfig_load(&arena, &choice, &config, reterr);
    if (rc == 0)
        rc = client_new(config, NULL, &client, reterr);
    if (rc == 0)
        rc = rollback_write(client, &arena, request, &result, reterr);
    if (rc == 0)
        print(&result);
    client_free(client);
    return rc;
}

int main(int argc, char **argv)
{
    struct rollback_request request = {.namespace_ = NULL};
    const char *forget = "";
    struct err err;
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2)
        if (!read_flag(&request, &forget, argv[at], argv[at + 1]))
            return usage();
    if (argc - at != 4)
        return usage();
    arena_install_cjson_hooks();
    arena_init(&arena, 512 * LIMIT_MIB);
    arena_use(&arena);
    request.namespace_ = argv[at + 1];
    request.name = argv[at + 2];
    int rc = read_version(argv[at + 3], forget, &request, &err);
    if (rc == 0)
        rc = run(argv[at], &request, &err);
    if (rc < 0)
        printf("error %s: %s\n", err_label(rc), err.text);
    arena_done(&arena);
    return rc < 0;
}
