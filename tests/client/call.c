/* One call of the API client, for tests: what came back, or the error's label and text.
 *
 *     call [--kubeconfig FILE] [--context NAME] [--as USER] [--in-cluster FOLDER] [--seconds N]
 *          [--repeat FILE] get|text|list|delete PATH
 *          create|replace|json|merge|strategic|apply PATH FILE   (FILE: JSON, "-" for stdin)
 *     call [...] [--since VERSION] [--timeout N] [--silence N] [--patience N] [--events N]
 *          watch PATH
 *
 * Exit code 0, or 1 with "error LABEL: TEXT" on stdout.  Warnings are lines "warning: ...", causes
 * of a refusal lines "cause: ...".  With --repeat the call is made again, by the same client, once
 * the file is there.  A watch is a line an event, "ADDED NAME VERSION", behind it "gap" or
 * ": MESSAGE"; it ends after so many events ("ended") or at SIGTERM ("stopped").
 */
#include "base/limits.h"
#include "client/client.h"
#include "client/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    struct kubeconfig_choice choice;
    struct client_options options;
    bool in_cluster;
    const char *folder;
    const char *repeat;
    struct watch_options watch;
    long events;
    const char *verb, *path, *file;
};

static struct arena arena;

static int usage(void)
{
    fputs("call: see the head of tests/client/call.c\n", stderr);
    return 2;
}

static bool read_flag(struct arguments *arguments, const char *flag, const char *value)
{
    if (strcmp(flag, "--kubeconfig") == 0)
        arguments->choice.path = value;
    else if (strcmp(flag, "--context") == 0)
        arguments->choice.context = value;
    else if (strcmp(flag, "--as") == 0)
        arguments->choice.as_user = value;
    else if (strcmp(flag, "--seconds") == 0)
        arguments->options.call_seconds = strtol(value, NULL, 10);
    else if (strcmp(flag, "--repeat") == 0)
        arguments->repeat = value;
    else if (strcmp(flag, "--since") == 0)
        arguments->watch.since = value;
    else if (strcmp(flag, "--timeout") == 0)
        arguments->watch.timeout_seconds = strtol(value, NULL, 10);
    else if (strcmp(flag, "--silence") == 0)
        arguments->watch.silence_seconds = strtol(value, NULL, 10);
    else if (strcmp(flag, "--patience") == 0)
        arguments->watch.patience_seconds = strtol(value, NULL, 10);
    else if (strcmp(flag, "--events") == 0)
        arguments->events = strtol(value, NULL, 10);
    else if (strcmp(flag, "--in-cluster") == 0)
        arguments->in_cluster = true, arguments->folder = value;
    else
        return false;
    return true;
}

static int read_object(const char *path, cJSON **ret_object, struct err *reterr)
{
    static char text[4 * LIMIT_MIB];
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (file == NULL)
        return err_set(reterr, ERR_IO, "%s cannot be opened", path);
    const size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    if (file != stdin)
        fclose(file);
    return json_parse(&arena, text, length, &json_limits_review, ret_object, reterr);
}

static void print(const cJSON *node)
{
    struct buf text;
    buf_init(&text, &arena, 64 * LIMIT_MIB);
    json_write(&text, node);
    puts(text.data);
}

static int call_text(struct kube_client *client, const struct arguments *arguments,
                     struct err *reterr)
{
    const char *text;
    const int rc = client_get_text(client, &arena, arguments->path, &text, reterr);
    if (rc == 0)
        fputs(text, stdout);
    return rc;
}

static int call_write(struct kube_client *client, const struct arguments *arguments,
                      cJSON **ret_object, struct err *reterr)
{
    static const char *const patches[] = {"json", "merge", "strategic", "apply"};
    const char *path = arguments->path;
    cJSON *object;
    const int rc = read_object(arguments->file, &object, reterr);
    if (rc < 0)
        return rc;
    if (strcmp(arguments->verb, "create") == 0)
        return client_create(client, &arena, path, object, ret_object, reterr);
    if (strcmp(arguments->verb, "replace") == 0)
        return client_replace(client, &arena, path, object, ret_object, reterr);
    for (unsigned i = 0; i < sizeof patches / sizeof patches[0]; i++)
        if (strcmp(arguments->verb, patches[i]) == 0)
            return client_patch(client, &arena, path, (enum client_patch)i, object, ret_object,
                                reterr);
    return err_set(reterr, ERR_USAGE, "no verb %s", arguments->verb);
}

/* ---- watching --------------------------------------------------------------------------- */

static atomic_bool stop;

static void on_term(int number)
{
    (void)number;
    atomic_store(&stop, true);
}

static int tell(void *context, enum watch_event event, const cJSON *object, bool gap)
{
    long *left = context;
    const char *type = json_get_string(object, "type");
    const char *name = json_string(json_path(object, "metadata", "name", NULL));
    const char *version = json_string(json_path(object, "metadata", "resourceVersion", NULL));
    const char *message = json_get_string(object, "message");
    printf("%s", watch_event_name(event));
    if (type != NULL)
        printf(" %s", type);
    if (name != NULL)
        printf(" %s", name);
    if (version != NULL)
        printf(" %s", version);
    printf("%s%s%s\n", gap ? " gap" : "", message != NULL ? ": " : "",
           message != NULL ? message : "");
    fflush(stdout);
    return *left > 0 && --*left == 0 ? 7 : 0;
}

static int call_watch(struct kube_client *client, const struct arguments *arguments,
                      struct err *reterr)
{
    struct watch_options options = arguments->watch;
    long left = arguments->events;
    const struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    options.path = arguments->path;
    options.stop = &stop;
    const int rc = watch_run(client, &options, tell, &left, reterr);
    if (rc >= 0)
        puts(rc == 7 ? "ended" : "stopped");
    return rc < 0 ? rc : 0;
}

static int call(struct kube_client *client, const struct arguments *arguments, struct err *reterr)
{
    cJSON *object = NULL;
    int rc;
    if (strcmp(arguments->verb, "text") == 0)
        return call_text(client, arguments, reterr);
    if (strcmp(arguments->verb, "watch") == 0)
        return call_watch(client, arguments, reterr);
    if (strcmp(arguments->verb, "get") == 0)
        rc = client_get(client, &arena, arguments->path, &object, reterr);
    else if (strcmp(arguments->verb, "list") == 0)
        rc = client_list(client, &arena, arguments->path, &object, reterr);
    else if (strcmp(arguments->verb, "delete") == 0)
        rc = client_delete(client, &arena, arguments->path, NULL, &object, reterr);
    else if (arguments->file == NULL)
        return err_set(reterr, ERR_USAGE, "%s takes a file", arguments->verb);
    else
        rc = call_write(client, arguments, &object, reterr);
    for (const char *const *warning = client_warnings(client); *warning != NULL; warning++)
        printf("warning: %s\n", *warning);
    const cJSON *causes = json_path(client_status(client), "details", "causes", NULL);
    for (const cJSON *cause = causes != NULL ? causes->child : NULL; cause; cause = cause->next)
        printf("cause: %s\n", json_get_string(cause, "field"));
    if (rc == 0)
        print(object);
    return rc;
}

static int run(const struct arguments *arguments, struct err *reterr)
{
    const struct kube_config *config;
    struct kube_client *client = NULL;
    int rc = arguments->in_cluster
                 ? kubeconfig_in_cluster(&arena, arguments->folder, &config, reterr)
                 : kubeconfig_load(&arena, &arguments->choice, &config, reterr);
    if (rc == 0)
        rc = client_new(config, &arguments->options, &client, reterr);
    if (rc < 0)
        return rc;
    rc = call(client, arguments, reterr);
    fflush(stdout);
    if (rc == 0 && arguments->repeat != NULL) {
        while (access(arguments->repeat, F_OK) != 0)
            usleep(10000);
        rc = call(client, arguments, reterr);
    }
    client_free(client);
    return rc;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.verb = NULL};
    struct err err;
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2)
        if (!read_flag(&arguments, argv[at], argv[at + 1]))
            return usage();
    if (argc - at < 2 || argc - at > 3)
        return usage();
    arguments.verb = argv[at];
    arguments.path = argv[at + 1];
    arguments.file = argv[at + 2];
    arena_install_cjson_hooks();
    arena_init(&arena, 512 * LIMIT_MIB);
    const int rc = run(&arguments, &err);
    if (rc < 0)
        printf("error %s: %s\n", err_label(rc), err.text);
    arena_done(&arena);
    return rc < 0;
}
