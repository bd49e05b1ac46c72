#include "cli/history/evidence.h"

#include "cli/output/table.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX  12
#define WORDS_LINES 6

/* ---- the screen ------------------------------------------------------------------------- */

static void print_row(const struct cli *cli, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    fprintf(cli->out, "  %s%-10s%s ", cli_paint(cli, CLI_DIM), name, cli_paint(cli, CLI_PLAIN));
    cli_print_visible(cli->out, text);
    fputc('\n', cli->out);
}

static const char *number_of(struct arena *arena, const cJSON *object, const char *key)
{
    int64_t value;
    if (!json_int64(json_get(object, key), &value))
        return NULL;
    return arena_printf(arena, "%lld", (long long)value);
}

static const char *time_row(struct arena *arena, const cJSON *deployment, int64_t now)
{
    const char *text = json_get_string(deployment, "startedAt");
    const int64_t began = table_time(text),
                  ended = table_time(json_get_string(deployment, "completedAt"));
    if (began == 0)
        return NULL;
    if (ended < began)
        return arena_printf(arena, "%.19sZ, %s ago", text, table_age(arena, now - began));
    return arena_printf(arena, "%.19sZ, %s ago; complete after %s", text,
                        table_age(arena, now - began), table_age(arena, ended - began));
}

static const char *stored_row(struct arena *arena, const cJSON *deployment)
{
    const char *generation = number_of(arena, deployment, "generation");
    const char *revision = number_of(arena, deployment, "kubernetesRevision");
    const char *set = json_get_string(deployment, "replicaSet");
    if (generation == NULL)
        return NULL;
    return arena_printf(arena, "generation %s%s%s%s%s", generation,
                        revision != NULL ? ", kubectl's revision " : "",
                        revision != NULL ? revision : "", set != NULL ? ", ReplicaSet " : "",
                        set != NULL ? set : "");
}

static const char *good_row(struct arena *arena, const cJSON *deployment)
{
    const char *good = json_get_string(deployment, "good");
    const char *by = json_get_string(deployment, "goodBy");
    if (good == NULL || strcmp(good, "unknown") == 0)
        return NULL;
    return by != NULL ? arena_printf(arena, "%s, marked by %s", good, by) : good;
}

static const char *change_row(struct arena *arena, const cJSON *deployment)
{
    const char *kind = json_get_string(deployment, "changeKind");
    const char *cause = json_get_string(deployment, "changeCause");
    if (kind != NULL && cause != NULL)
        return arena_printf(arena, "%s: %s", kind, cause);
    return kind != NULL ? kind : cause;
}

static bool has_word(const struct buf *words, const char *word, size_t length)
{
    const char *at = words->data;
    while (*at != '\0') {
        const size_t span = strcspn(at, ",");
        if (span == length && strncmp(at, word, length) == 0)
            return true;
        at += span;
        at += strspn(at, ", ");
    }
    return false;
}

/* {"spec.x": {"rule": "pack/rule"}, ...}: how many, and of which packs. */
static const char *policy_row(struct arena *arena, const cJSON *deployment)
{
    const cJSON *changes = json_get(deployment, "policyChanges"), *change;
    const size_t count = json_count(changes);
    struct buf packs;
    if (!json_is_object(changes) || count == 0)
        return NULL;
    buf_init(&packs, arena, 4096);
    cJSON_ArrayForEach(change, changes)
    {
        const char *rule = json_get_string(change, "rule");
        const size_t length = rule != NULL ? strcspn(rule, "/") : 0;
        if (length == 0 || has_word(&packs, rule, length))
            continue;
        buf_add_string(&packs, packs.length > 0 ? ", " : "");
        buf_add(&packs, rule, length);
    }
    return arena_printf(arena, "%zu field%s set by %s", count, count == 1 ? "" : "s",
                        packs.length > 0 ? packs.data : "rules");
}

static void print_images(const struct cli *cli, struct arena *arena, const cJSON *deployment)
{
    const cJSON *images = json_get(deployment, "images"), *image;
    if (json_count(images) < 2) {
        print_row(cli, "image", json_get_string(deployment, "image"));
        return;
    }
    cJSON_ArrayForEach(image, images)
    {
        const char *container = json_get_string(image, "container");
        const char *name = json_get_string(image, "image");
        print_row(cli, "image",
                  arena_printf(arena, "%s: %s", container != NULL ? container : "?",
                               name != NULL ? name : "?"));
    }
}

static void print_head(const struct cli *cli, struct arena *arena, const cJSON *deployment)
{
    const char *project = json_get_string(deployment, "project");
    const char *number = number_of(arena, deployment, "number");
    const char *status = json_get_string(deployment, "status");
    const char *reason = json_get_string(deployment, "reason");
    fputs(cli_paint(cli, CLI_BOLD), cli->out);
    cli_print_visible(cli->out, project != NULL ? project : "?");
    if (number != NULL)
        fprintf(cli->out, " version %s", number);
    fprintf(cli->out, "%s: %s", cli_paint(cli, CLI_PLAIN), cli_paint(cli, evidence_colour(status)));
    cli_print_visible(cli->out, status != NULL ? status : "?");
    fputs(cli_paint(cli, CLI_PLAIN), cli->out);
    if (reason != NULL && (status == NULL || strcmp(reason, status) != 0)) {
        fputs(" (", cli->out);
        cli_print_visible(cli->out, reason);
        fputc(')', cli->out);
    }
    if (json_is_true(json_get(deployment, "current")))
        fputs(", current", cli->out);
    if (json_is_true(json_get(deployment, "held")))
        fputs(", held back", cli->out);
    fputc('\n', cli->out);
}

static void print_deployment(const struct cli *cli, struct arena *arena, const cJSON *evidence,
                             int64_t now)
{
    const cJSON *deployment = json_get(evidence, "deployment");
    print_head(cli, arena, deployment);
    const char *summary = json_get_string(evidence, "summary");
    if (summary == NULL)
        summary = json_get_string(deployment, "message");
    if (summary != NULL)
        cli_print_lines(cli->out, "  ", summary);
    print_images(cli, arena, deployment);
    print_row(cli, "who", evidence_who(arena, deployment));
    print_row(cli, "when", time_row(arena, deployment, now));
    print_row(cli, "change", change_row(arena, deployment));
    print_row(cli, "policy", policy_row(arena, deployment));
    print_row(cli, "stored as", stored_row(arena, deployment));
    print_row(cli, "good", good_row(arena, deployment));
    if (json_is_true(json_get(deployment, "tagMoved")))
        print_row(cli, "tag", "moved: another image than before stands behind it");
}

/* sha256:abcdef... in as many digits as docker shows. */
static const char *short_digest(struct arena *arena, const char *digest)
{
    const char *hex = digest != NULL ? strstr(digest, "sha256:") : NULL;
    return hex == NULL ? digest : arena_printf(arena, "%.19s", hex);
}

static void add_instance(struct table *table, const cJSON *instance)
{
    struct arena *arena = table->arena;
    const char *health = json_get_string(instance, "health");
    const char *reason = json_get_string(instance, "reason");
    const char *last = json_get_string(instance, "lastReason");
    int64_t code = 0, restarts = 0;
    const bool ended =
        json_int64(json_get(instance, "exitCode"), &code) && (last != NULL || code != 0);
    (void)json_int64(json_get(instance, "restarts"), &restarts);
    table_add(table, json_get_string(instance, "pod"));
    table_add(table, json_get_string(instance, "container"));
    table_add(table, json_get_string(instance, "status"));
    table_add_coloured(table, health,
                       health != NULL && strcmp(health, "ready") == 0 ? CLI_GREEN : CLI_RED);
    table_add(table, arena_printf(arena, "%lld", (long long)restarts));
    table_add(table, reason);
    table_add(table, !ended ? NULL
                            : arena_printf(arena, "%s (%lld)", last != NULL ? last : "ended",
                                           (long long)code));
    table_add(table, short_digest(arena, json_get_string(instance, "imageDigest")));
    table_add(table, json_get_string(instance, "node"));
}

static void print_words(const struct cli *cli, const char *what, const char *who, const char *text)
{
    size_t lines = 0;
    if (text == NULL || text[0] == '\0')
        return;
    fputs("  ", cli->out);
    cli_print_visible(cli->out, who != NULL ? who : "?");
    fprintf(cli->out, " %s:\n", what);
    while (*text != '\0' && lines++ < WORDS_LINES) {
        const size_t length = strcspn(text, "\n");
        struct buf line;
        buf_init(&line, NULL, 64UL * 1024UL);
        buf_add(&line, text, length);
        fputs("    | ", cli->out);
        cli_print_visible(cli->out, line.data);
        fputc('\n', cli->out);
        buf_done(&line);
        text += length;
        text += *text == '\n';
    }
    if (*text != '\0')
        fputs("    | ...\n", cli->out);
}

static void print_instances(const struct cli *cli, struct arena *arena, const cJSON *instances)
{
    static const char *const heads[] = {"POD",     "CONTAINER", "STATUS", "HEALTH", "RESTARTS",
                                        "WAITING", "LAST END",  "DIGEST", "NODE",   NULL};
    const cJSON *instance;
    struct table table;
    if (json_count(instances) == 0)
        return;
    table_init(&table, arena, heads);
    cJSON_ArrayForEach(instance, instances) add_instance(&table, instance);
    fputs("\nPods\n", cli->out);
    table_print(&table, cli, "  ");
    cJSON_ArrayForEach(instance, instances)
    {
        const char *pod = json_get_string(instance, "pod");
        print_words(cli, "waits, because", pod, json_get_string(instance, "message"));
        print_words(cli, "said at its last end", pod, json_get_string(instance, "lastMessage"));
    }
}

/* The recorder's own text of it begins with what the other columns say. */
static const char *event_message(struct arena *arena, const cJSON *event)
{
    static const char *const keys[] = {"type", "reason", "object"};
    const char *message = json_get_string(event, "message");
    struct buf head;
    if (message == NULL)
        return "";
    buf_init(&head, arena, 4096);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = json_get_string(event, keys[i]);
        buf_add_strings(&head, i > 0 ? " " : "", text != NULL ? text : "", NULL);
    }
    buf_add_string(&head, ": ");
    return strncmp(message, head.data, head.length) == 0 ? message + head.length : message;
}

struct timed {
    const cJSON *event;
    int64_t at;
    size_t index; /* of equal times the order stays */
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *one = a, *other = b;
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return one->index < other->index ? -1 : 1;
}

cJSON *evidence_sort(struct arena *arena, const cJSON *events)
{
    const size_t count = json_count(events);
    struct timed *rows = arena_array(arena, count + 1, sizeof *rows);
    cJSON *sorted = json_new_array(arena);
    const cJSON *event;
    size_t at = 0;
    cJSON_ArrayForEach(event, events)
    {
        rows[at] = (struct timed){event, table_time(json_get_string(event, "at")), at};
        at++;
    }
    qsort(rows, at, sizeof *rows, compare_timed);
    for (size_t i = 0; i < at; i++)
        json_append(sorted, json_dup(arena, rows[i].event));
    return sorted;
}

static bool same_member(const cJSON *a, const cJSON *b, const char *key)
{
    const char *one = json_get_string(a, key), *other = json_get_string(b, key);
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* An event that counts on is told each time. */
static bool comes_again(const cJSON *event)
{
    for (const cJSON *later = event->next; later != NULL; later = later->next) {
        if (same_member(event, later, "reason") && same_member(event, later, "object") &&
            same_member(event, later, "message"))
            return true;
    }
    return false;
}

static void add_kubernetes_event(struct table *table, const cJSON *event, int64_t now)
{
    struct arena *arena = table->arena;
    const char *type = json_get_string(event, "type"), *message = event_message(arena, event);
    const int64_t when = table_time(json_get_string(event, "at"));
    int64_t times = 1;
    (void)json_int64(json_get(event, "count"), &times);
    table_add(table, when != 0 ? table_age(arena, now - when) : NULL);
    table_add_coloured(table, type,
                       type != NULL && strcmp(type, "Warning") == 0 ? CLI_YELLOW : CLI_PLAIN);
    table_add(table, json_get_string(event, "reason"));
    table_add(table, json_get_string(event, "object"));
    table_add(table, times > 1 ? arena_printf(arena, "%s (%lld times)", message, (long long)times)
                               : message);
}

static void print_kubernetes_events(const struct cli *cli, struct arena *arena, const cJSON *events,
                                    int64_t now)
{
    static const char *const heads[] = {"AGE", "TYPE", "REASON", "OBJECT", "MESSAGE", NULL};
    const cJSON *event;
    size_t count = 0;
    struct table table;
    cJSON_ArrayForEach(event, events) count += !comes_again(event);
    if (count == 0)
        return;
    table_init(&table, arena, heads);
    cJSON_ArrayForEach(event, events)
    {
        if (!comes_again(event) && count-- <= EVENTS_MAX)
            add_kubernetes_event(&table, event, now);
    }
    fputs("\nEvents of Kubernetes\n", cli->out);
    table_print(&table, cli, "  ");
}

static void print_events(const struct cli *cli, struct arena *arena, const cJSON *events)
{
    static const char *const heads[] = {"TIME", "EVENT", "MESSAGE", NULL};
    const cJSON *event;
    struct table table;
    if (json_count(events) == 0)
        return;
    table_init(&table, arena, heads);
    cJSON_ArrayForEach(event, events)
    {
        const char *at = json_get_string(event, "at");
        table_add(&table,
                  at != NULL && strlen(at) >= 19 ? arena_printf(arena, "%.8s", at + 11) : NULL);
        table_add(&table, json_get_string(event, "type"));
        table_add(&table, json_get_string(event, "message"));
    }
    fputs("\nWhat happened\n", cli->out);
    table_print(&table, cli, "  ");
}

void evidence_print(const struct cli *cli, struct arena *arena, const cJSON *evidence, int64_t now)
{
    print_deployment(cli, arena, evidence, now);
    print_instances(cli, arena, json_get(evidence, "instances"));
    print_kubernetes_events(cli, arena,
                            evidence_sort(arena, json_get(evidence, "kubernetesEvents")), now);
    print_events(cli, arena, json_get(evidence, "events"));
    const char *fix = evidence_fix(arena, evidence);
    if (fix == NULL)
        return;
    fprintf(cli->out, "\n%sFix:%s ", cli_paint(cli, CLI_BOLD), cli_paint(cli, CLI_PLAIN));
    cli_print_visible(cli->out, fix);
    fputc('\n', cli->out);
}
