#include "cli/certs/certs_steps.h"

#include "base/clock.h"
#include "base/limits.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/scope.h"

#include <string.h>
#include <unistd.h>

#define SECONDS_A_DAY 86400L
#define PATH_BEFORE   "/record/" /* webhook/recorder/record_secret.c */

static const struct {
    const char *path;
    const char *kind;
} configurations[CERTS_CONFIGURATIONS] = {
    {"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/%s",
     "MutatingWebhookConfiguration"},
    {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/%s",
     "ValidatingWebhookConfiguration"},
};

static const char *configuration_path(struct certs_work *work, size_t index)
{
    return client_path(&work->turn, configurations[index].path, work->wish->configuration);
}

/* Those that there should be: [first, CERTS_CONFIGURATIONS). */
static size_t first_configuration(const struct certs_work *work)
{
    return work->wish->path_secret != NULL ? CERTS_VALIDATING : CERTS_MUTATING;
}

static const char *secret_path(struct certs_work *work, const char *name)
{
    return client_path(&work->turn, "/api/v1/namespaces/%s/secrets/%s", work->wish->space, name);
}

static const char *day(int64_t at, char text[CLOCK_TEXT_BYTES])
{
    clock_format_seconds(at, text);
    text[10] = '\0';
    return text;
}

/* ---- looking ---- */

/* What is not there is NULL. */
static int fetch(struct certs_work *work, const char *path, const cJSON **ret_object,
                 struct err *reterr)
{
    cJSON *object = NULL;
    int r = client_get(work->client, &work->turn, path, &object, reterr);
    if (r < 0 && r != -ERR_NOT_FOUND)
        return r;
    *ret_object = r < 0 ? NULL : object;
    return 0;
}

static int fetch_path(struct certs_work *work, struct err *reterr)
{
    const cJSON *secret = NULL;
    const char *end = NULL;
    if (work->wish->path_secret == NULL)
        return 0;
    int r = fetch(work, secret_path(work, work->wish->path_secret), &secret, reterr);
    work->found.path_missing = secret == NULL;
    if (r == 0 && secret != NULL)
        r = certs_path_read(&work->turn, secret, &end, reterr);
    if (end != NULL)
        work->path = arena_printf(&work->turn, PATH_BEFORE "%s", end);
    return r;
}

/* Configurations first: what they are to hold is then judged by Secrets that are no older, and a
 * write on an older configuration is a conflict. */
static int fetch_all(struct certs_work *work, struct err *reterr)
{
    int r = 0;
    for (size_t i = first_configuration(work); r == 0 && i < CERTS_CONFIGURATIONS; i++)
        r = fetch(work, configuration_path(work, i), &work->configurations[i], reterr);
    if (r == 0)
        r = fetch(work, secret_path(work, work->wish->ca_secret), &work->ca_secret, reterr);
    if (r == 0)
        r = fetch(work, secret_path(work, work->wish->secret), &work->tls_secret, reterr);
    if (r == 0)
        r = fetch_path(work, reterr);
    if (r == 0 && work->ca_secret != NULL)
        r = certs_held_read_ca(&work->held, work->ca_secret, reterr);
    if (r == 0 && work->tls_secret != NULL)
        r = certs_held_read_tls(&work->held, work->tls_secret, reterr);
    if (r == 0 && work->held.ca != NULL)
        r = certs_held_bundle(&work->turn, &work->held, &work->bundle, reterr);
    return r;
}

static bool bundle_is_wrong(const struct certs_work *work, const cJSON *entry)
{
    const char *held = json_string(json_path(entry, "clientConfig", "caBundle", NULL));
    return work->bundle != NULL && (held == NULL || strcmp(held, work->bundle) != 0);
}

/* An entry that names no Service is not one that was installed: its URL stays. */
static bool path_is_wrong(const struct certs_work *work, const cJSON *entry)
{
    const cJSON *service = json_path(entry, "clientConfig", "service", NULL);
    const char *held = service != NULL ? json_get_string(service, "path") : NULL;
    return work->path != NULL && service != NULL && (held == NULL || strcmp(held, work->path) != 0);
}

static bool entry_is_wrong(const struct certs_work *work, const cJSON *entry)
{
    return bundle_is_wrong(work, entry) || path_is_wrong(work, entry);
}

static void count_entries(struct certs_work *work)
{
    struct certs_found *found = &work->found;
    for (size_t i = first_configuration(work); i < CERTS_CONFIGURATIONS; i++) {
        const cJSON *entry;
        cJSON_ArrayForEach(entry, json_get(work->configurations[i], "webhooks"))
        {
            found->entries++;
            found->entries_wrong += entry_is_wrong(work, entry);
        }
        found->configurations_missing += work->configurations[i] == NULL;
    }
}

int64_t certs_steps_leaf_due_at(const struct certs_work *work)
{
    int64_t end = certs_ends_at(work->held.leaf);
    if (work->wish->within_days >= 0)
        return end - work->wish->within_days * SECONDS_A_DAY;
    return end - (end - certs_begins_at(work->held.leaf)) / 3;
}

/* A fifth: of ten years that leaves every leaf its whole year. */
int64_t certs_steps_ca_due_at(const struct certs_work *work)
{
    int64_t end = certs_ends_at(work->held.ca);
    return end - (end - certs_begins_at(work->held.ca)) / 5;
}

/* Why the leaf needs a successor; NULL: it does not. */
static const char *judge_leaf(struct certs_work *work, int64_t now, const char *print)
{
    if (work->held.leaf == NULL)
        return "it cannot be read";
    if (!work->held.leaf_has_key)
        return "tls.key is not its key";
    if (now >= certs_steps_leaf_due_at(work))
        return arena_printf(&work->turn, "%ld days left",
                            inspect_days_left(work->held.leaf, (time_t)now));
    if (!certs_has_names(work->held.leaf, work->wish->names))
        return "a name is missing in it";
    if (work->wish->force && strcmp(print, work->first_leaf) == 0)
        return "--force";
    return NULL;
}

static void judge_ca(struct certs_work *work, int64_t now, const char *print)
{
    struct certs_found *found = &work->found;
    found->old_there = work->held.old != NULL;
    found->ca_due = now >= certs_steps_ca_due_at(work) ||
                    (work->wish->rotate_ca && strcmp(print, work->first_ca) == 0);
}

static void judge_tls(struct certs_work *work, int64_t now, const char *print)
{
    struct certs_found *found = &work->found;
    const char *copy = json_string(json_path(work->tls_secret, "data", "ca.crt", NULL));
    X509 *leaf = work->held.leaf;
    work->reason = judge_leaf(work, now, print);
    found->leaf_due = work->reason != NULL;
    found->leaf_by_ca = leaf != NULL && work->held.ca != NULL &&
                        X509_verify(leaf, X509_get0_pubkey(work->held.ca)) == 1;
    found->leaf_age_seconds =
        leaf != NULL ? now - certs_begins_at(leaf) - ISSUE_BACKDATE_DAYS * SECONDS_A_DAY : 0;
    found->copy_right = copy != NULL && work->bundle != NULL && strcmp(copy, work->bundle) == 0;
    if (!found->leaf_by_ca && work->reason == NULL)
        work->reason = "another CA signs now";
}

static void forget_turn(struct certs_work *work)
{
    certs_held_done(&work->held);
    work->ca_secret = work->tls_secret = NULL;
    memset(work->configurations, 0, sizeof work->configurations);
    work->bundle = work->reason = work->path = NULL;
    work->found = (struct certs_found){.settled = work->settled,
                                       .pods = work->pods,
                                       .retire_seconds = work->wish->retire_minutes * 60};
    arena_reset(&work->turn, LIMIT_MIB);
}

int certs_steps_look(struct certs_work *work, struct err *reterr)
{
    char ca_print[CERTS_PRINT_BYTES], leaf_print[CERTS_PRINT_BYTES];
    int64_t now = clock_unix();
    forget_turn(work);
    int r = fetch_all(work, reterr);
    if (r < 0)
        return r;
    certs_print(work->held.ca, ca_print);
    certs_print(work->held.leaf, leaf_print);
    if (!work->looked) {
        memcpy(work->first_ca, ca_print, sizeof ca_print);
        memcpy(work->first_leaf, leaf_print, sizeof leaf_print);
        work->looked = true;
    }
    work->found.ca_there = work->held.ca != NULL;
    work->found.tls_there = work->tls_secret != NULL;
    if (work->held.ca != NULL)
        judge_ca(work, now, ca_print);
    if (work->tls_secret != NULL)
        judge_tls(work, now, leaf_print);
    count_entries(work);
    return 0;
}

/* ---- writing ---- */

/* Creates the Secret, or replaces the one that `before` was read from. */
static int store_secret(struct certs_work *work, const char *name, const cJSON *before,
                        cJSON *secret, struct err *reterr)
{
    cJSON *stored = NULL;
    if (before != NULL)
        return client_replace(work->client, &work->turn, secret_path(work, name), secret, &stored,
                              reterr);
    cJSON *metadata = json_get(secret, "metadata");
    json_add(&work->turn, metadata, "name", json_new_string(&work->turn, name));
    json_add(&work->turn, metadata, "namespace", json_new_string(&work->turn, work->wish->space));
    int r =
        client_create(work->client, &work->turn,
                      client_path(&work->turn, "/api/v1/namespaces/%s/secrets", work->wish->space),
                      secret, &stored, reterr);
    if (r == -ERR_NOT_FOUND)
        return err_wrap(reterr, "the namespace %s has to be there first", work->wish->space);
    return r;
}

/* A new CA, and `old` behind it. */
static int store_ca(struct certs_work *work, STACK_OF(X509) * old, int64_t *ret_until,
                    struct err *reterr)
{
    SCOPED_X509 ca = NULL;
    SCOPED_PKEY key = NULL;
    cJSON *secret = NULL;
    int r = issue_ca((time_t)clock_unix(), work->wish->ca_days, &ca, &key, reterr);
    if (r == 0)
        r = certs_secret_of_ca(&work->turn, work->ca_secret, ca, key, old, &secret, reterr);
    if (r == 0)
        r = store_secret(work, work->wish->ca_secret, work->ca_secret, secret, reterr);
    if (r == 0)
        *ret_until = certs_ends_at(ca);
    return r;
}

static int make_path(struct certs_work *work, struct buf *said, struct err *reterr)
{
    cJSON *secret = NULL;
    int r = certs_secret_of_path(&work->turn, &secret, reterr);
    if (r == 0)
        r = store_secret(work, work->wish->path_secret, NULL, secret, reterr);
    if (r == 0)
        buf_printf(said, "secret %s created: a path that nobody knows", work->wish->path_secret);
    return r;
}

/* Where certificates are in use and only the CA is lost, what signed them stays trusted. */
static int make_ca(struct certs_work *work, struct buf *said, struct err *reterr)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t until = 0;
    SCOPED_LIST old = work->tls_secret != NULL ? certs_held_rescue(work->tls_secret) : NULL;
    int r = store_ca(work, old, &until, reterr);
    if (r == 0)
        buf_printf(said, "secret %s created: a CA until %s%s", work->wish->ca_secret,
                   day(until, text), old != NULL ? ", what is in use stays trusted" : "");
    return r;
}

static int rotate_ca(struct certs_work *work, struct buf *said, struct err *reterr)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t until = 0;
    SCOPED_LIST old = sk_X509_new_null();
    if (old == NULL || X509_up_ref(work->held.ca) != 1)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (sk_X509_push(old, work->held.ca) <= 0) {
        X509_free(work->held.ca);
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    }
    int r = store_ca(work, old, &until, reterr);
    if (r == 0)
        buf_printf(said, "secret %s: a new CA until %s, the one before it stays trusted",
                   work->wish->ca_secret, day(until, text));
    return r;
}

static int retire_ca(struct certs_work *work, struct buf *said, struct err *reterr)
{
    cJSON *secret = NULL;
    int r = certs_secret_of_ca(&work->turn, work->ca_secret, work->held.ca, work->held.ca_key, NULL,
                               &secret, reterr);
    if (r == 0)
        r = store_secret(work, work->wish->ca_secret, work->ca_secret, secret, reterr);
    if (r == 0)
        buf_printf(said, "secret %s: the old CA is out (%s)", work->wish->ca_secret,
                   work->pods_text);
    return r;
}

static int bring_leaf(struct certs_work *work, struct buf *said, struct err *reterr)
{
    char text[CLOCK_TEXT_BYTES];
    const struct certs_wish *wish = work->wish;
    SCOPED_X509 leaf = NULL;
    SCOPED_PKEY key = NULL;
    cJSON *secret = NULL;
    int r = issue_leaf(work->held.ca, work->held.ca_key, wish->names, (time_t)clock_unix(),
                       wish->leaf_days, &leaf, &key, reterr);
    if (r == 0)
        r = certs_secret_of_leaf(&work->turn, work->tls_secret, leaf, key, work->bundle, &secret,
                                 reterr);
    if (r == 0)
        r = store_secret(work, wish->secret, work->tls_secret, secret, reterr);
    if (r < 0)
        return r;
    day(certs_ends_at(leaf), text);
    if (work->tls_secret == NULL)
        buf_printf(said, "secret %s created: a certificate until %s", wish->secret, text);
    else
        buf_printf(said, "secret %s: a new certificate until %s (%s)", wish->secret, text,
                   work->reason);
    return 0;
}

static int copy_bundle(struct certs_work *work, struct buf *said, struct err *reterr)
{
    cJSON *secret = certs_secret_with_bundle(&work->turn, work->tls_secret, work->bundle);
    int r = store_secret(work, work->wish->secret, work->tls_secret, secret, reterr);
    if (r == 0)
        buf_printf(said, "secret %s: ca.crt is the bundle again", work->wish->secret);
    return r;
}

/* ---- the configurations ---- */

static void add_operation(struct arena *arena, cJSON *patch, const char *verb, const char *path,
                          const char *value)
{
    cJSON *operation = json_new_object(arena);
    json_add(arena, operation, "op", json_new_string(arena, verb));
    json_add(arena, operation, "path", json_new_string(arena, path));
    json_add(arena, operation, "value", json_new_string(arena, value));
    json_append(patch, operation);
}

/* The version makes a conflict of what others changed meanwhile; the test of the name sees that
 * an index is the entry that was meant. */
static cJSON *bundle_patch(struct certs_work *work, const cJSON *configuration, struct buf *said,
                           size_t *ret_entries)
{
    struct arena *arena = &work->turn;
    cJSON *patch = json_new_array(arena);
    const char *version =
        json_string(json_path(configuration, "metadata", "resourceVersion", NULL));
    add_operation(arena, patch, "replace", "/metadata/resourceVersion",
                  version != NULL ? version : "");
    const cJSON *entry;
    int index = 0;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        int at = index++;
        const char *name = json_get_string(entry, "name");
        if (!entry_is_wrong(work, entry) || name == NULL)
            continue;
        add_operation(arena, patch, "test", arena_printf(arena, "/webhooks/%d/name", at), name);
        if (bundle_is_wrong(work, entry))
            add_operation(arena, patch, "add",
                          arena_printf(arena, "/webhooks/%d/clientConfig/caBundle", at),
                          work->bundle);
        if (path_is_wrong(work, entry))
            add_operation(arena, patch, "add",
                          arena_printf(arena, "/webhooks/%d/clientConfig/service/path", at),
                          work->path);
        (*ret_entries)++;
        const char *had = json_path(entry, "clientConfig", "caBundle", NULL) == NULL ? "had none"
                          : bundle_is_wrong(work, entry)                             ? "had another"
                                                         : "its path is the secret one now";
        buf_printf(said, "%s%s (%s)", said->length > 0 ? ", " : "", name, had);
    }
    return patch;
}

/* One configuration a step, so that what was done is said also if the next one fails. */
static int set_bundle(struct certs_work *work, struct buf *said, struct err *reterr)
{
    for (size_t i = first_configuration(work); i < CERTS_CONFIGURATIONS; i++) {
        struct buf names;
        cJSON *patched = NULL;
        buf_init(&names, &work->turn, LIMIT_MIB);
        size_t count = 0;
        cJSON *patch = bundle_patch(work, work->configurations[i], &names, &count);
        if (names.length == 0)
            continue;
        work->settled = false;
        int r = client_patch(work->client, &work->turn, configuration_path(work, i),
                             CLIENT_PATCH_JSON, patch, &patched, reterr);
        if (r < 0)
            return err_wrap(reterr, "%s %s", configurations[i].kind, work->wish->configuration);
        buf_printf(said, "%s %s: caBundle of %zu entr%s set: %s", configurations[i].kind,
                   work->wish->configuration, count, count == 1 ? "y" : "ies", names.data);
        return 0;
    }
    return err_set(reterr, ERR_INTERNAL, "no entry whose caBundle could be set");
}

void certs_steps_add_missing(const struct certs_work *work, struct buf *out)
{
    const char *join = "";
    for (size_t i = first_configuration(work); i < CERTS_CONFIGURATIONS; i++) {
        if (work->configurations[i] != NULL)
            continue;
        buf_printf(out, "%s%s %s", join, configurations[i].kind, work->wish->configuration);
        join = " and ";
    }
}

static int ask_pods(struct certs_work *work, struct err *reterr)
{
    char print[CERTS_PRINT_BYTES];
    struct certs_pods_report report;
    certs_print(work->held.leaf, print);
    int r = certs_pods_ask(work->client, &work->turn, work->wish->space, work->wish->service, print,
                           &report, reterr);
    if (r < 0)
        return err_wrap(reterr, "asking the pods what they serve");
    work->pods = report.answer;
    memcpy(work->pods_text, report.text, sizeof work->pods_text);
    return 0;
}

/* ---- all of them ---- */

int certs_steps_do(struct certs_work *work, enum certs_step step, struct buf *said,
                   struct err *reterr)
{
    switch (step) {
    case CERTS_MAKE_CA:
        return make_ca(work, said, reterr);
    case CERTS_ROTATE_CA:
        return rotate_ca(work, said, reterr);
    case CERTS_MAKE_PATH:
        return make_path(work, said, reterr);
    case CERTS_MAKE_LEAF:
    case CERTS_RENEW_LEAF:
        return bring_leaf(work, said, reterr);
    case CERTS_SET_BUNDLE:
        return set_bundle(work, said, reterr);
    case CERTS_COPY_BUNDLE:
        return copy_bundle(work, said, reterr);
    case CERTS_RETIRE_CA:
        return retire_ca(work, said, reterr);
    case CERTS_ASK_PODS:
        return ask_pods(work, reterr);
    case CERTS_SETTLE:
        sleep((unsigned)work->wish->settle_seconds);
        work->settled = true;
        buf_printf(said, "waited %ld s: the API servers take a new caBundle up by a watch",
                   work->wish->settle_seconds);
        return 0;
    case CERTS_AWAIT_CONFIGURATIONS:
    case CERTS_DONE:
    case CERTS_STEPS:
        break;
    }
    return 0;
}

void certs_steps_done(struct certs_work *work)
{
    certs_held_done(&work->held);
    arena_done(&work->turn);
}
