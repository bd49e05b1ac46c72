#include "history/intent.h"

#include "admit/admit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

#define LAST_APPLIED   "kubectl.kubernetes.io/last-applied-configuration"
#define CHANGE_CAUSE   "kubernetes.io/change-cause"
#define POLICY_CHANGES "proctor.dev/policy-changes"
#define ON_BEHALF_OF   "proctor.dev/on-behalf-of"
#define HISTORY_ID     "proctor.dev/history-id"
#define VIA            "proctor.dev/via"

#define PERSON_BYTES         256U
#define NONCE_BYTES_MIN      8U
#define NONCE_BYTES_MAX      128U
#define HISTORY_ID_BYTES     128U
#define CAUSE_BYTES          1024U
#define POLICY_CHANGES_BYTES 4096U /* /mutate writes at most half of it */
#define GROUPS_BYTES         (64UL * 1024UL)
#define SHOWN                200U

/* One request on its way. */
struct reading {
    struct arena *arena;
    const struct intent_settings *settings;
    struct admit_request request;
    struct intent *intent;
    const cJSON *now, *before; /* the Deployment; NULL: none */
};

/* ---- texts of strangers ----------------------------------------------------------------- */

/* Something that a person can read, and nothing else in it. */
static bool is_plain(const char *text, size_t length, size_t most)
{
    uint32_t rune;
    if (length == 0 || length > most)
        return false;
    for (size_t at = 0; at < length;) {
        const size_t bytes = utf8_span(text + at, length - at, &rune);
        if (bytes == 0 || !utf8_visible(rune))
            return false;
        at += bytes;
    }
    return true;
}

static const char *visible(struct arena *arena, const char *text)
{
    struct buf shown;
    buf_init(&shown, arena, SHOWN * 4 + 8);
    buf_add_visible(&shown, text, SHOWN);
    return shown.data;
}

static const char *annotation(const cJSON *object, const char *key)
{
    return json_get_string(json_path(object, "metadata", "annotations", NULL), key);
}

/* The annotation, if it is another than before this request; NULL otherwise. */
static const char *changed_annotation(const struct reading *reading, const char *key)
{
    const char *text = annotation(reading->now, key), *was = annotation(reading->before, key);
    return text != NULL && (was == NULL || strcmp(was, text) != 0) ? text : NULL;
}

static const char *cut(struct arena *arena, const char *text, size_t most)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length <= most)
        return text;
    /* Not within a character. */
    for (length = most; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
        length--;
    return arena_strndup(arena, text, length);
}

/* ---- who -------------------------------------------------------------------------------- */

static const char *write_groups(struct arena *arena, const cJSON *groups)
{
    struct buf text;
    bool first = true;
    buf_init(&text, arena, 2 * GROUPS_BYTES);
    buf_add_char(&text, '[');
    for (const cJSON *group = json_is_array(groups) ? groups->child : NULL; group != NULL;
         group = group->next) {
        if (!json_is_string(group) || text.length + strlen(group->valuestring) > GROUPS_BYTES)
            continue;
        if (!first)
            buf_add_char(&text, ',');
        first = false;
        buf_add_json_string(&text, group->valuestring);
    }
    buf_add_char(&text, ']');
    return text.data;
}

/* Only the API server writes userInfo.extra: who impersonates needs the right to say this. */
static const char *read_via(const struct reading *reading)
{
    const cJSON *values = json_path(reading->request.request, "userInfo", "extra", VIA, NULL);
    const char *via =
        json_is_array(values) && json_count(values) == 1 ? json_string(values->child) : NULL;
    return via != NULL && is_plain(via, strlen(via), PERSON_BYTES) ? via : NULL;
}

static bool is_trusted(const struct intent_settings *settings, const char *user)
{
    for (const char *const *one = settings->trusted; one != NULL && *one != NULL; one++)
        if (strcmp(*one, user) == 0)
            return true;
    return settings->self != NULL && strcmp(settings->self, user) == 0;
}

static bool is_nonce(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const size_t length = strspn(text, letters);
    return text[length] == '\0' && length >= NONCE_BYTES_MIN && length <= NONCE_BYTES_MAX;
}

/* The nonce is used up last of all, by a change that is really meant. */
static const char *judge_on_behalf(const struct reading *reading, const char *text)
{
    struct arena *arena = reading->arena;
    const struct machine_intent *machine = &reading->intent->machine;
    const struct intent_settings *settings = reading->settings;
    const char *semicolon = strrchr(text, ';');
    if (!is_trusted(settings, reading->request.user))
        return "its author is not trusted with it";
    if (semicolon == NULL || !is_plain(text, (size_t)(semicolon - text), PERSON_BYTES) ||
        !is_nonce(semicolon + 1))
        return "it is not <user>;<nonce>";
    const char *claim = arena_printf(arena, "%s %lld %s", machine->uid != NULL ? machine->uid : "",
                                     (long long)machine->generation,
                                     machine->template_sha != NULL ? machine->template_sha : "");
    if (settings->nonce_is_new == NULL ||
        !settings->nonce_is_new(settings->context, semicolon + 1, claim))
        return "its nonce was used before";
    reading->intent->machine.on_behalf_of = arena_strndup(arena, text, (size_t)(semicolon - text));
    return NULL;
}

static void read_on_behalf(const struct reading *reading)
{
    struct intent *intent = reading->intent;
    const char *text = changed_annotation(reading, ON_BEHALF_OF);
    if (text == NULL || !intent->counts)
        return;
    intent->not_on_behalf = judge_on_behalf(reading, text);
    if (intent->not_on_behalf == NULL || strstr(text, ";" INTENT_OWN_NONCE) != NULL)
        return;
    const char **warnings = arena_array(reading->arena, 2, sizeof *warnings);
    warnings[0] = arena_printf(reading->arena, "the annotation " ON_BEHALF_OF " does not count: %s",
                               intent->not_on_behalf);
    intent->warnings = warnings;
}

static void read_actor(const struct reading *reading)
{
    struct machine_intent *machine = &reading->intent->machine;
    const char *user = reading->request.user;
    machine->actor_user = user;
    machine->actor_groups = write_groups(reading->arena, reading->request.groups);
    machine->via = read_via(reading);
    if (reading->settings->self == NULL || strcmp(reading->settings->self, user) != 0)
        return;
    const char *id = changed_annotation(reading, HISTORY_ID);
    if (id != NULL && is_plain(id, strlen(id), HISTORY_ID_BYTES))
        machine->history_id = id;
}

/* ---- what ------------------------------------------------------------------------------- */

static const cJSON *template_of(const cJSON *object)
{
    return json_path(object, "spec", "template", NULL);
}

static const char *sha_of(struct arena *arena, const cJSON *object)
{
    const cJSON *pod_template = template_of(object);
    return pod_template != NULL ? view_template_sha(arena, pod_template) : NULL;
}

/* Whether both specs differ in nothing but that member. */
static bool differ_only_in(const cJSON *a, const cJSON *b, const char *key)
{
    for (int turn = 0; turn < 2; turn++) {
        const cJSON *other = turn == 0 ? b : a;
        const cJSON *member = json_is_object(turn == 0 ? a : b) ? (turn == 0 ? a : b)->child : NULL;
        for (; member != NULL; member = member->next)
            if (strcmp(member->string, key) != 0 &&
                !json_equal(member, json_find(other, member->string)))
                return false;
    }
    return true;
}

static const char *change_kind(const struct reading *reading)
{
    const cJSON *was = template_of(reading->before), *is = template_of(reading->now);
    const cJSON *spec_was = json_get(reading->before, "spec"),
                *spec = json_get(reading->now, "spec");
    if (was == NULL || is == NULL)
        return "other";
    if (!json_equal(was, is))
        return view_change_kind(was, is);
    if (!json_equal(json_get(spec_was, "replicas"), json_get(spec, "replicas")) &&
        differ_only_in(spec_was, spec, "replicas"))
        return "scale";
    return "other";
}

/* What the user's own file said, if this request brought it. */
static void read_written(const struct reading *reading)
{
    struct machine_intent *machine = &reading->intent->machine;
    cJSON *written;
    machine->last_applied = changed_annotation(reading, LAST_APPLIED);
    if (machine->last_applied == NULL ||
        json_parse(reading->arena, machine->last_applied, strlen(machine->last_applied),
                   &json_limits_review, &written, NULL) < 0)
        return;
    const cJSON *pod_template = template_of(written);
    if (json_is_object(pod_template))
        machine->written_sha = view_template_sha(reading->arena, pod_template);
}

static void read_change(const struct reading *reading)
{
    struct arena *arena = reading->arena;
    struct machine_intent *machine = &reading->intent->machine;
    const cJSON *object = reading->now != NULL ? reading->now : reading->before;
    const cJSON *metadata = json_get(object, "metadata");
    machine->delete_ = reading->request.operation == OPERATION_DELETE;
    machine->uid = json_get_string(metadata, "uid");
    machine->generation = view_number(metadata, "generation", 0);
    machine->template_sha = sha_of(arena, object);
    machine->old_template_sha = sha_of(arena, reading->before);
    if (machine->delete_)
        return;
    if (template_of(reading->now) != NULL)
        machine->template_json = view_canonical_template(arena, template_of(reading->now));
    machine->change_kind = change_kind(reading);
    machine->change_cause = cut(arena, annotation(reading->now, CHANGE_CAUSE), CAUSE_BYTES);
    const char *changes = annotation(reading->now, POLICY_CHANGES);
    if (changes != NULL && strlen(changes) <= POLICY_CHANGES_BYTES)
        machine->policy_changes = changes;
    read_written(reading);
}

/* ---- the hold --------------------------------------------------------------------------- */

static const char *hold_words(const struct reading *reading, const struct intent_hold *hold)
{
    struct arena *arena = reading->arena;
    const struct intent *intent = reading->intent;
    char until[CLOCK_TEXT_BYTES];
    struct buf words;
    buf_init(&words, arena, 4096);
    buf_printf(&words, "this version of %s (template %.12s) is on hold",
               visible(arena, intent->name), intent->machine.template_sha);
    if (hold->until != 0)
        buf_printf(&words, " until %s", clock_format_seconds(hold->until / 1000000, until));
    buf_printf(&words, ", set by %s",
               hold->set_by != NULL ? visible(arena, hold->set_by) : "the recorder");
    buf_printf(&words, ", because: %s. ",
               hold->reason != NULL ? visible(arena, hold->reason) : "no reason was given");
    buf_printf(&words,
               "Deploy another version; or somebody who may roll it back lifts the hold: "
               "DELETE /api/projects/%s/holds?template=%s on the recorder",
               visible(arena, intent->name), intent->machine.template_sha);
    return words.data;
}

/* Only who brings the template: what is there already may be scaled, annotated and deleted. */
static void judge_hold(const struct reading *reading, int64_t now)
{
    struct intent *intent = reading->intent;
    const struct machine_intent *machine = &intent->machine;
    const struct intent_settings *settings = reading->settings;
    struct intent_hold hold = {.set_by = NULL};
    if (machine->delete_ || machine->template_sha == NULL || settings->is_held == NULL ||
        (machine->old_template_sha != NULL &&
         strcmp(machine->old_template_sha, machine->template_sha) == 0))
        return;
    if (!settings->is_held(settings->context, intent->namespace_, intent->name,
                           machine->template_sha, &hold) ||
        (hold.until != 0 && hold.until <= now))
        return;
    intent->refused = true;
    intent->counts = false;
    intent->message = hold_words(reading, &hold);
}

/* ---- in and out ------------------------------------------------------------------------- */

static bool is_of_deployment(const struct admit_request *request)
{
    return strcmp(request->resource_group, "apps") == 0 &&
           strcmp(request->resource, "deployments") == 0 && request->subresource[0] == '\0' &&
           strcmp(request->kind, "Deployment") == 0 && request->operation != OPERATION_CONNECT &&
           request->name_space != NULL;
}

/* A name that the API server makes stands in the object only. */
static const char *name_of(const struct reading *reading)
{
    const cJSON *object = reading->now != NULL ? reading->now : reading->before;
    const char *name = json_string(json_path(object, "metadata", "name", NULL));
    return name != NULL ? name : reading->request.name;
}

int intent_read(struct arena *arena, const char *body, size_t length,
                const struct intent_settings *settings, int64_t now, struct intent *ret_intent,
                struct err *reterr)
{
    struct intent intent = {.review_uid = ""};
    struct reading reading = {.arena = arena, .settings = settings, .intent = &intent};
    const int rc =
        admit_request_parse(arena, body, length, ADMIT_VALIDATE, &reading.request, reterr);
    intent.review_uid = reading.request.uid;
    if (rc == 0 && is_of_deployment(&reading.request)) {
        reading.now = reading.request.object;
        reading.before = reading.request.old_object;
        intent.namespace_ = reading.request.name_space;
        intent.name = name_of(&reading);
        intent.dry_run = reading.request.dry_run;
        intent.machine.received_at = now;
        read_change(&reading);
        intent.counts = !intent.dry_run && intent.name[0] != '\0' &&
                        (intent.machine.delete_ || intent.machine.template_sha != NULL);
        read_actor(&reading);
        judge_hold(&reading, now);
        read_on_behalf(&reading);
    }
    *ret_intent = intent;
    return rc;
}

static cJSON *hold_details(struct arena *arena, const struct intent *intent)
{
    cJSON *details = json_new_object(arena), *causes = json_new_array(arena);
    cJSON *cause = json_new_object(arena);
    json_add(arena, details, "name", json_new_string(arena, intent->name));
    json_add(arena, details, "group", json_new_string(arena, "apps"));
    json_add(arena, details, "kind", json_new_string(arena, "Deployment"));
    json_add(arena, cause, "reason", json_new_string(arena, INTENT_HOLD_REASON));
    json_add(arena, cause, "message", json_new_string(arena, intent->message));
    json_add(arena, cause, "field", json_new_string(arena, "spec.template"));
    json_append(causes, cause);
    json_add(arena, details, "causes", causes);
    return details;
}

void intent_answer(struct arena *arena, const struct intent *intent, struct buf *answer)
{
    struct verdict verdict = {.allowed = !intent->refused};
    const char *const *warnings = intent->warnings;
    const char **list;
    while (warnings != NULL && warnings[verdict.warning_count] != NULL)
        verdict.warning_count++;
    list = arena_array(arena, verdict.warning_count + 1, sizeof *list);
    for (size_t i = 0; i < verdict.warning_count; i++)
        list[i] = warnings[i];
    verdict.warnings = list;
    if (intent->refused) {
        verdict.code = 422;
        verdict.reason = "Invalid";
        verdict.message = intent->message;
        verdict.details = hold_details(arena, intent);
    }
    admit_response_write(&verdict, intent->review_uid, answer);
}
