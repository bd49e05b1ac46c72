#include "recorder/deploy_internal.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "client/say.h"
#include "kube/image.h"
#include "kube/names.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SHOWN           60U
#define NAMES_MOST      16U
#define IMAGE_BYTES     1024U
#define CAUSE_BYTES     1024U
#define HOST_BYTES      253U
#define LABEL_BYTES     63U
#define ENV_NAME_BYTES  253U
#define ENV_VALUE_BYTES (32UL * 1024UL)
/* An object in etcd has at most 1.5 MiB. */
#define ENV_BYTES (512UL * 1024UL)

/* One body on its way. */
struct reading {
    struct arena *arena;
    struct deploy_spec *spec;
    cJSON *causes;
    size_t cause_count;
};

/* One member that an object may have. */
struct member {
    const char *name;
    void (*read)(struct reading *reading, const struct member *member, const char *field,
                 const cJSON *value);
    size_t offset; /* in struct deploy_spec */
    int64_t least, most;
    /* Of a text: what is wrong with it; NULL: nothing. */
    const char *(*judge)(struct arena *arena, const char *text);
};

/* ---- causes ----------------------------------------------------------------------------- */

cJSON *deploy_cause(struct arena *arena, const char *field, const char *reason, const char *message)
{
    cJSON *cause = json_new_object(arena);
    json_add(arena, cause, "field", json_new_string(arena, field));
    json_add(arena, cause, "message", json_new_string(arena, message));
    json_add(arena, cause, "reason", json_new_string(arena, reason));
    return cause;
}

static void blame(struct reading *reading, const char *field, const char *reason,
                  const char *message)
{
    if (reading->cause_count++ < LIMIT_CAUSES)
        json_append(reading->causes, deploy_cause(reading->arena, field, reason, message));
}

static void blame_type(struct reading *reading, const char *field, const char *wanted,
                       const cJSON *value)
{
    blame(reading, field, "FieldValueTypeInvalid",
          arena_printf(reading->arena, "must be %s, not %s %s", wanted,
                       json_is_array(value) || json_is_object(value) ? "an" : "a",
                       json_type_name(value)));
}

/* ---- texts ------------------------------------------------------------------------------ */

static bool is_plain(const char *text)
{
    uint32_t rune;
    while (*text != '\0') {
        const size_t bytes = utf8_decode(text, &rune);
        if (bytes == 0 || !utf8_visible(rune))
            return false;
        text += bytes;
    }
    return true;
}

/* RFC 1123: letters, digits and hyphens, with neither end a hyphen. */
static bool is_label(const char *text, size_t length)
{
    if (length == 0 || length > LABEL_BYTES || text[0] == '-' || text[length - 1] == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length;
}

static const char *judge_label(struct arena *arena, const char *text)
{
    (void)arena;
    return is_label(text, strlen(text))
               ? NULL
               : "must be small letters, digits and hyphens, at most 63, with a letter or digit "
                 "first and last";
}

static const char *judge_host(struct arena *arena, const char *text)
{
    const char *label = text;
    (void)arena;
    while (strlen(text) <= HOST_BYTES) {
        const size_t length = strcspn(label, ".");
        if (!is_label(label, length))
            break;
        if (label[length] == '\0')
            return NULL;
        label += length + 1;
    }
    return "must be one host name in small letters, such as student-2024001.project.hydrosim.edu";
}

static const char *judge_image(struct arena *arena, const char *text)
{
    struct image image;
    if (strlen(text) > IMAGE_BYTES)
        return "is longer than an image's name can be";
    if (is_plain(text) && image_parse(text, &image))
        return NULL;
    return arena_printf(
        arena, "\"%s\" is no image's name; it is REGISTRY/NAME:TAG, in small letters up to the tag",
        say_visible(arena, text, SHOWN));
}

static const char *judge_cause(struct arena *arena, const char *text)
{
    if (strlen(text) > CAUSE_BYTES)
        return arena_printf(arena, "must have at most %u bytes", CAUSE_BYTES);
    return is_plain(text) ? NULL : "must be one line of text, without control characters";
}

static const char *judge_strategy(struct arena *arena, const char *text)
{
    static const char *const known[] = {"RollingUpdate", "Recreate", "BlueGreen", NULL};
    const char *meant = NULL;
    if (strcmp(text, known[0]) == 0 || strcmp(text, known[1]) == 0)
        return NULL;
    if (strcmp(text, known[2]) == 0)
        return "BlueGreen is not there yet: RollingUpdate or Recreate";
    for (size_t i = 0; known[i] != NULL; i++)
        if (strcasecmp(text, known[i]) == 0)
            meant = known[i];
    if (meant == NULL)
        meant = name_nearest(text, known);
    return meant == NULL || meant == known[2]
               ? "must be RollingUpdate or Recreate"
               : arena_printf(arena, "must be RollingUpdate or Recreate; did you mean %s?", meant);
}

static void read_text(struct reading *reading, const struct member *member, const char *field,
                      const cJSON *value)
{
    const char *text = json_string(value);
    const char *fault;
    if (text == NULL) {
        blame_type(reading, field, "a string", value);
        return;
    }
    fault = text[0] == '\0' ? "must not be empty" : member->judge(reading->arena, text);
    if (fault != NULL)
        blame(reading, field,
              member->judge == judge_strategy ? "FieldValueNotSupported" : "FieldValueInvalid",
              fault);
    else
        *(const char **)(void *)((char *)reading->spec + member->offset) = text;
}

/* ---- numbers and truths ----------------------------------------------------------------- */

static void read_number(struct reading *reading, const struct member *member, const char *field,
                        const cJSON *value)
{
    int64_t number;
    if (!json_is_number(value)) {
        blame_type(reading, field, "a whole number", value);
    } else if (!json_int64(value, &number) || number < member->least || number > member->most) {
        blame(reading, field, "FieldValueInvalid",
              arena_printf(reading->arena, "must be a whole number from %lld to %lld",
                           (long long)member->least, (long long)member->most));
    } else {
        *(int64_t *)(void *)((char *)reading->spec + member->offset) = number;
    }
}

static void read_truth(struct reading *reading, const struct member *member, const char *field,
                       const cJSON *value)
{
    if (json_is_bool(value))
        *(bool *)(void *)((char *)reading->spec + member->offset) = json_is_true(value);
    else
        blame_type(reading, field, "true or false", value);
}

/* ---- the environment -------------------------------------------------------------------- */

static bool is_env_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.0123456789";
    const size_t length = strlen(name);
    return length > 0 && length <= ENV_NAME_BYTES && strspn(name, letters) == length &&
           (name[0] < '0' || name[0] > '9');
}

/* false: a cause was given. */
static bool read_variable(struct reading *reading, const char *field, const cJSON *entry,
                          size_t *bytes)
{
    struct arena *arena = reading->arena;
    const char *value = json_string(entry);
    const char *place =
        arena_printf(arena, "%s.%s", field, say_visible(arena, entry->string, SHOWN));
    if (!is_env_name(entry->string)) {
        blame(reading, place, "FieldValueInvalid",
              "a variable's name is letters, digits, and _ - . and does not begin with a digit");
        return false;
    }
    if (value == NULL && !json_is_null(entry)) {
        blame_type(reading, place,
                   json_is_number(entry) || json_is_bool(entry) ? "a string (write it in quotes)"
                                                                : "a string",
                   entry);
        return false;
    }
    if (value != NULL && strlen(value) > ENV_VALUE_BYTES) {
        blame(reading, place, "FieldValueTooLong",
              arena_printf(arena, "must have at most %lu bytes", ENV_VALUE_BYTES));
        return false;
    }
    *bytes += strlen(entry->string) + (value != NULL ? strlen(value) : 0);
    return true;
}

static void read_environment(struct reading *reading, const struct member *member,
                             const char *field, const cJSON *value)
{
    struct arena *arena = reading->arena;
    struct deploy_env *env;
    size_t bytes = 0;
    (void)member;
    if (!json_is_object(value)) {
        blame_type(reading, field, "an object of NAME: \"value\"", value);
        return;
    }
    if (json_count(value) > DEPLOY_ENV_MOST) {
        blame(reading, field, "FieldValueTooMany",
              arena_printf(arena, "has %zu variables, at most %u can be set at once",
                           json_count(value), DEPLOY_ENV_MOST));
        return;
    }
    env = arena_array(arena, json_count(value) + 1, sizeof *env);
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next)
        if (read_variable(reading, field, entry, &bytes))
            env[reading->spec->env_count++] =
                (struct deploy_env){entry->string, json_string(entry)};
    reading->spec->env = env;
    if (bytes > ENV_BYTES)
        blame(reading, field, "FieldValueTooLong",
              arena_printf(arena, "has %zu bytes in all, at most %lu can be set at once", bytes,
                           ENV_BYTES));
}

/* ---- objects ---------------------------------------------------------------------------- */

static void blame_unknown(struct reading *reading, const struct member *members, const char *prefix,
                          const char *name)
{
    struct arena *arena = reading->arena;
    const char *names[NAMES_MOST + 1] = {NULL};
    const char *field = arena_printf(arena, "%s%s", prefix, say_visible(arena, name, SHOWN));
    const char *meant = NULL;
    for (size_t i = 0; members[i].name != NULL && i < NAMES_MOST; i++) {
        names[i] = members[i].name;
        if (strcasecmp(name, names[i]) == 0)
            meant = names[i];
    }
    if (meant == NULL)
        meant = name_nearest(name, names);
    blame(reading, field, "FieldValueUnknown",
          meant != NULL ? arena_printf(arena, "unknown; did you mean %s%s?", prefix, meant)
                        : "unknown: nothing here has that name");
}

/* A member that is null is one that is not given. */
static void read_members(struct reading *reading, const struct member *members, const char *prefix,
                         const cJSON *object)
{
    for (const cJSON *value = object->child; value != NULL; value = value->next) {
        const struct member *member = members;
        while (member->name != NULL && strcmp(member->name, value->string) != 0)
            member++;
        if (member->name == NULL)
            blame_unknown(reading, members, prefix, value->string);
        else if (!json_is_null(value))
            member->read(reading, member,
                         arena_printf(reading->arena, "%s%s", prefix, member->name), value);
    }
}

#define AT(name) offsetof(struct deploy_spec, name)

static const struct member members_of_health[] = {
    {"delaySeconds", read_number, AT(health_delay_seconds), 0, 600, NULL},
    {"retries", read_number, AT(health_retries), 0, 60, NULL},
    {"intervalSeconds", read_number, AT(health_interval_seconds), 1, 300, NULL},
    {.name = NULL}};

static void read_health(struct reading *reading, const struct member *member, const char *field,
                        const cJSON *value)
{
    (void)member;
    if (json_is_object(value))
        read_members(reading, members_of_health, "health.", value);
    else
        blame_type(reading, field, "an object", value);
}

static const struct member members_of_body[] = {
    {"image", read_text, AT(image), 0, 0, judge_image},
    {"container", read_text, AT(container), 0, 0, judge_label},
    {"environment", read_environment, 0, 0, 0, NULL},
    {"replaceEnvironment", read_truth, AT(env_replace), 0, 0, NULL},
    {"strategy", read_text, AT(strategy), 0, 0, judge_strategy},
    {"port", read_number, AT(port), 1, 65535, NULL},
    {"replicas", read_number, AT(replicas), 0, 100, NULL},
    {"host", read_text, AT(host), 0, 0, judge_host},
    {"expose", read_truth, AT(expose), 0, 0, NULL},
    {"changeCause", read_text, AT(change_cause), 0, 0, judge_cause},
    {"health", read_health, 0, 0, 0, NULL},
    {"rollbackOnFailure", read_truth, AT(rollback_on_failure), 0, 0, NULL},
    {.name = NULL}};

/* ---- the whole -------------------------------------------------------------------------- */

/* The name of a Service, of an Ingress' host and of the label: RFC 1035. */
const cJSON *deploy_judge_project(struct arena *arena, const char *project)
{
    cJSON *causes = json_new_array(arena);
    if (is_label(project, strlen(project)) && project[0] >= 'a')
        return NULL;
    json_append(causes,
                deploy_cause(arena, "project", "FieldValueInvalid",
                             "a project's name is small letters, digits and hyphens, at most 63, "
                             "with a letter first, such as student-2024001"));
    return causes;
}

void deploy_spec_default(struct deploy_spec *spec)
{
    *spec = (struct deploy_spec){.replicas = -1,
                                 .expose = true,
                                 .health_delay_seconds = 5,
                                 .health_retries = 3,
                                 .health_interval_seconds = 5,
                                 .rollback_on_failure = true};
}

static int refuse(struct reading *reading, const cJSON **ret_causes, struct err *reterr)
{
    const size_t count = reading->cause_count;
    const cJSON *first = reading->causes->child;
    const char *field = json_get_string(first, "field");
    const char *more = count > 1 ? arena_printf(reading->arena, " (and %zu more)", count - 1) : "";
    if (count > LIMIT_CAUSES)
        json_append(reading->causes,
                    deploy_cause(
                        reading->arena, "", "FieldValueTooMany",
                        arena_printf(reading->arena, "and %zu more faults", count - LIMIT_CAUSES)));
    *ret_causes = reading->causes;
    return say_fail(reading->arena, reterr, ERR_REFUSED, "%s: %s%s",
                    field[0] != '\0' ? field : "the body", json_get_string(first, "message"), more);
}

int deploy_read(struct arena *arena, const char *body, size_t length, struct deploy_spec *ret_spec,
                const cJSON **ret_causes, struct err *reterr)
{
    struct deploy_spec spec;
    struct reading reading = {.arena = arena, .spec = &spec, .causes = json_new_array(arena)};
    cJSON *root;
    const int rc = json_parse(arena, body, length, &json_limits_review, &root, reterr);
    if (rc < 0)
        return rc;
    deploy_spec_default(&spec);
    if (!json_is_object(root)) {
        blame_type(&reading, "", "an object such as {\"image\": \"...\"}", root);
        return refuse(&reading, ret_causes, reterr);
    }
    read_members(&reading, members_of_body, "", root);
    if (json_get(root, "image") == NULL)
        blame(&reading, "image", "FieldValueRequired", "is missing: which image is to run?");
    if (reading.cause_count > 0)
        return refuse(&reading, ret_causes, reterr);
    *ret_spec = spec;
    return 0;
}
