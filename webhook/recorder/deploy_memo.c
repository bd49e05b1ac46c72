#include "recorder/deploy_internal.h"

#include "base/limits.h"

#include <string.h>

#define MEMO "deploy"

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static void add_number(struct arena *arena, cJSON *object, const char *key, int64_t number)
{
    json_add(arena, object, key, json_new_int(arena, number));
}

/* ---- the spec, as the body that says it --------------------------------------------------- */

static cJSON *environment_of(struct arena *arena, const struct deploy_spec *spec)
{
    cJSON *object = json_new_object(arena);
    for (size_t i = 0; i < spec->env_count; i++) {
        cJSON *value = json_new_string(arena, spec->env[i].value != NULL ? spec->env[i].value : "");
        if (spec->env[i].value == NULL)
            value->type = cJSON_NULL;
        json_add(arena, object, spec->env[i].name, value);
    }
    return object;
}

cJSON *deploy_spec_body(struct arena *arena, const struct deploy_spec *spec)
{
    cJSON *body = json_new_object(arena), *health = json_new_object(arena);
    add_text(arena, body, "image", spec->image);
    add_text(arena, body, "container", spec->container);
    json_add(arena, body, "environment", environment_of(arena, spec));
    json_add(arena, body, "replaceEnvironment", json_new_bool(arena, spec->env_replace));
    add_text(arena, body, "strategy", spec->strategy);
    if (spec->port != 0)
        add_number(arena, body, "port", spec->port);
    if (spec->replicas >= 0)
        add_number(arena, body, "replicas", spec->replicas);
    add_text(arena, body, "host", spec->host);
    json_add(arena, body, "expose", json_new_bool(arena, spec->expose));
    add_text(arena, body, "changeCause", spec->change_cause);
    add_number(arena, health, "delaySeconds", spec->health_delay_seconds);
    add_number(arena, health, "retries", spec->health_retries);
    add_number(arena, health, "intervalSeconds", spec->health_interval_seconds);
    json_add(arena, body, "health", health);
    json_add(arena, body, "rollbackOnFailure", json_new_bool(arena, spec->rollback_on_failure));
    return body;
}

static int read_spec(struct arena *arena, const cJSON *body, struct deploy_spec *ret_spec,
                     struct err *reterr)
{
    struct buf text;
    const cJSON *causes;
    if (body == NULL)
        return err_set(reterr, ERR_JSON, "there is no spec in it");
    buf_init(&text, arena, LIMIT_BODY_BYTES);
    json_write(&text, body);
    return deploy_read(arena, text.data, text.length, ret_spec, &causes, reterr);
}

/* ---- the memo ----------------------------------------------------------------------------- */

static cJSON *caller_of(struct arena *arena, const struct caller *caller)
{
    cJSON *object = json_new_object(arena), *groups = json_new_array(arena);
    add_text(arena, object, "user", caller->user);
    add_text(arena, object, "uid", caller->uid);
    for (const char *const *group = caller->groups; group != NULL && *group != NULL; group++)
        json_append(groups, json_new_string(arena, *group));
    json_add(arena, object, "groups", groups);
    add_text(arena, object, "onBehalfOf", caller->on_behalf_of);
    return object;
}

static void read_caller(struct arena *arena, const cJSON *object, struct caller *caller)
{
    const cJSON *list = json_get(object, "groups");
    const char **groups = arena_array(arena, json_count(list) + 1, sizeof *groups);
    struct buf text;
    size_t count = 0;
    buf_init(&text, arena, LIMIT_BODY_BYTES);
    for (const cJSON *group = json_is_array(list) ? list->child : NULL; group != NULL;
         group = group->next)
        if (json_is_string(group))
            groups[count++] = group->valuestring;
    if (json_is_array(list))
        json_write(&text, list);
    caller->user = json_get_string(object, "user");
    caller->uid = json_get_string(object, "uid");
    caller->on_behalf_of = json_get_string(object, "onBehalfOf");
    caller->groups = groups;
    caller->groups_json = json_is_array(list) ? text.data : "[]";
}

static cJSON *memo_of(struct arena *arena, const struct deploy_memo *memo)
{
    cJSON *object = json_new_object(arena);
    add_text(arena, object, "project", memo->spec.project);
    json_add(arena, object, "spec", deploy_spec_body(arena, &memo->spec));
    json_add(arena, object, "caller", caller_of(arena, &memo->caller));
    add_text(arena, object, "historyId", memo->history_id);
    add_text(arena, object, "onBehalfOf", memo->on_behalf_of);
    add_text(arena, object, "uid", memo->uid);
    add_text(arena, object, "template", memo->template_sha);
    add_number(arena, object, "generation", memo->generation);
    json_add(arena, object, "resume", json_new_bool(arena, memo->resume));
    json_add(arena, object, "newTemplate", json_new_bool(arena, memo->new_template));
    return object;
}

static cJSON *parse(struct arena *arena, const char *text)
{
    cJSON *object;
    if (text == NULL ||
        json_parse(arena, text, strlen(text), &json_limits_review, &object, NULL) < 0)
        return NULL;
    return json_is_object(object) ? object : NULL;
}

const char *deploy_memo_write(struct arena *arena, const struct deploy_memo *memo,
                              const char *answer)
{
    cJSON *object = parse(arena, answer), *before = json_find(object, MEMO);
    struct buf text;
    if (object == NULL)
        object = json_new_object(arena);
    if (before != NULL)
        json_unlink(object, before);
    if (memo != NULL)
        json_add(arena, object, MEMO, memo_of(arena, memo));
    buf_init(&text, arena, STORE_TEXT_BYTES);
    json_write(&text, object);
    return text.data;
}

int deploy_memo_read(struct arena *arena, const char *answer, struct deploy_memo *ret_memo,
                     struct err *reterr)
{
    struct deploy_memo memo = {.generation = 0};
    const cJSON *object = json_get(parse(arena, answer), MEMO);
    if (object == NULL)
        return err_set(reterr, ERR_JSON, "nothing is noted of what was to be deployed");
    const int rc = read_spec(arena, json_get(object, "spec"), &memo.spec, reterr);
    if (rc < 0)
        return err_wrap(reterr, "what is noted of the deploy");
    read_caller(arena, json_get(object, "caller"), &memo.caller);
    memo.spec.project = json_get_string(object, "project");
    memo.history_id = json_get_string(object, "historyId");
    memo.on_behalf_of = json_get_string(object, "onBehalfOf");
    memo.uid = json_get_string(object, "uid");
    memo.template_sha = json_get_string(object, "template");
    memo.resume = json_is_true(json_get(object, "resume"));
    memo.new_template = json_is_true(json_get(object, "newTemplate"));
    (void)json_int64(json_get(object, "generation"), &memo.generation);
    if (memo.spec.project == NULL || memo.caller.user == NULL)
        return err_set(reterr, ERR_JSON, "what is noted of the deploy lacks something");
    *ret_memo = memo;
    return 0;
}
