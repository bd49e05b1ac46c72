#include "cli/coverage/coverage.h"

#include "admit/judge.h"
#include "base/limits.h"
#include "kube/pointer.h"

#include <string.h>

#define WORK_BYTES (64 * LIMIT_MIB)

const char *const coverage_state_names[] = {"role", "rules", "hole"};

struct run {
    const struct coverage_input *input;
    const struct coverage_grant *grants;
    struct coverage_finding **tail;
    struct arena work; /* of one way */
    /* of the way at hand */
    const struct coverage_way *way;
    enum operation operation;
    struct coverage_finding *finding;
    const char *name;
    struct err *err;
    int rc;
};

/* ---- the request -------------------------------------------------------------------------- */

static const char *fill_in(struct arena *arena, const char *text, const char *mine,
                           const char *theirs)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    for (const char *c = text; *c != '\0';) {
        const bool me = strncmp(c, "$ME", 3) == 0, them = strncmp(c, "$THEM", 5) == 0;
        if (me || them) {
            buf_add_string(&buf, me ? mine : theirs);
            c += me ? 3 : 5;
        } else {
            buf_add_char(&buf, *c++);
        }
    }
    return buf.length == 0 ? "" : buf.data;
}

static const char *way_text(const struct run *run, const char *text)
{
    const struct coverage_input *input = run->input;
    return fill_in(input->arena, text, run->way->theirs ? input->other : input->project,
                   input->other);
}

static int parse(struct arena *arena, const char *text, cJSON **ret_value, struct err *reterr)
{
    static const struct json_limits limits = {LIMIT_JSON_DEPTH, LIMIT_JSON_NODES};
    return json_parse(arena, text, strlen(text), &limits, ret_value, reterr);
}

/* The changes as a JSON Patch, for the object and for kubectl. */
static const char *patch_text(const struct run *run)
{
    struct buf buf;
    buf_init(&buf, run->input->arena, LIMIT_MIB);
    buf_add_char(&buf, '[');
    for (size_t i = 0; i < COVERAGE_CHANGES_MAX && run->way->changes[i].pointer != NULL; i++) {
        const struct coverage_change *change = &run->way->changes[i];
        buf_printf(&buf, "%s{\"op\":\"%s\",\"path\":\"%s\"", i > 0 ? "," : "",
                   change->value != NULL ? "add" : "remove", change->pointer);
        if (change->value != NULL)
            buf_add_strings(&buf, ",\"value\":", way_text(run, change->value), NULL);
        buf_add_char(&buf, '}');
    }
    buf_add_char(&buf, ']');
    return buf.data;
}

/* The object as it was, and as it would become. */
static int make_objects(struct run *run, cJSON **ret_old, cJSON **ret_new)
{
    const char *text = run->way->object;
    if (text == NULL)
        text = coverage_object(run->way->resource);
    cJSON *patch = NULL;
    int r = parse(&run->work, way_text(run, text), ret_old, run->err);
    if (r == 0)
        r = parse(&run->work, patch_text(run), &patch, run->err);
    if (r < 0)
        return r;
    *ret_new = json_dup(&run->work, *ret_old);
    return patch_apply(&run->work, ret_new, patch, run->err);
}

/* ---- the answer --------------------------------------------------------------------------- */

static void add_rule(struct coverage_finding *finding, const char *id)
{
    size_t count = 0;
    for (; count < COVERAGE_RULES_MAX && finding->rules[count] != NULL; count++)
        if (strcmp(finding->rules[count], id) == 0)
            return;
    if (count < COVERAGE_RULES_MAX)
        finding->rules[count] = id;
}

/* Whether `pointer` is `outer` or in it. */
static bool is_within(const char *pointer, const char *outer)
{
    const size_t length = strlen(outer);
    return strncmp(pointer, outer, length) == 0 &&
           (pointer[length] == '\0' || pointer[length] == '/');
}

/* Whether the policies changed what does the harm, the last of the changes, into something else;
 * the rules that did are noted.  A change inside of it is not enough: it may be another matter. */
static bool harm_is_gone(struct run *run, const struct judgement *judgement)
{
    const struct coverage_change *last = run->way->changes;
    if (last->pointer == NULL || !judgement->mutated || judgement->after == NULL)
        return false;
    while (last + 1 < run->way->changes + COVERAGE_CHANGES_MAX && last[1].pointer != NULL)
        last++;
    const cJSON *before = pointer_get(judgement->before, last->pointer);
    const cJSON *after = pointer_get(judgement->after, last->pointer);
    if (before == NULL && last->value != NULL && strcmp(last->value, "0") != 0)
        run->rc = err_set(run->err, ERR_INTERNAL, "%s is no field of %s", last->pointer,
                          run->way->resource);
    if (before == after || (before != NULL && after != NULL && json_equal(before, after)))
        return false;
    for (const struct edit *edit = judgement->mutation.edits; edit != NULL; edit = edit->next)
        if (is_within(last->pointer, edit->field_pointer))
            add_rule(run->finding, edit->rule->full_id);
    return run->finding->rules[0] != NULL;
}

static void conclude(struct run *run, const struct judgement *judgement)
{
    struct coverage_finding *finding = run->finding;
    struct arena *arena = run->input->arena;
    if (judgement->outcome == VERDICT_DENIED) {
        finding->state = COVERAGE_BY_RULE;
        for (const struct violation *violation = judgement->last->violations; violation != NULL;
             violation = violation->next)
            if (judge_effect_of(violation) == JUDGE_DENIES)
                add_rule(finding, violation->rule->full_id);
        if (finding->rules[0] == NULL)
            run->rc = err_set(run->err, ERR_INTERNAL, "refused, and by no rule: %.300s",
                              judgement->last->message != NULL ? judgement->last->message : "");
        return;
    }
    finding->state = harm_is_gone(run, judgement) ? COVERAGE_BY_RULE : COVERAGE_HOLE;
    const char *because = judgement->last->not_judged_because;
    finding->why = judgement->outcome != VERDICT_NOT_JUDGED
                       ? "the webhook is asked, and no rule refuses it or mends it"
                       : arena_printf(arena, "the webhook is asked, and judges nothing: %s",
                                      because != NULL ? because : "no policy matches");
}

static void ask_policies(struct run *run, const struct coverage_asked *asked, cJSON *before,
                         cJSON *after)
{
    const struct coverage_input *input = run->input;
    const struct judge_settings settings = {.set = input->set,
                                            .now = input->now,
                                            .road = !asked->mutate     ? JUDGE_VALIDATE
                                                    : !asked->validate ? JUDGE_MUTATE
                                                                       : JUDGE_BOTH};
    struct judge_question question = {.operation = run->operation,
                                      .resource = run->way->resource,
                                      .subresource = run->way->subresource,
                                      .name = run->name,
                                      .name_space = run->finding->name_space,
                                      .user = input->user};
    const char **groups = arena_array(&run->work, 70, sizeof *groups);
    size_t count = 0;
    for (; count < 64 && input->groups[count] != NULL; count++)
        groups[count] = input->groups[count];
    groups[count] = "system:authenticated";
    question.groups = groups;
    question.object = run->operation == OPERATION_DELETE ? before : after;
    question.old_object = run->operation == OPERATION_UPDATE ? before : NULL;
    cJSON *options = NULL, *review = NULL;
    struct judgement judgement = {0};
    if (run->way->options != NULL)
        run->rc = parse(&run->work, run->way->options, &options, run->err);
    question.options = options;
    if (run->rc == 0)
        run->rc = judge_make_review(&run->work, &question, &review, run->err);
    if (run->rc == 0)
        run->rc = judge_review(&run->work, &settings, review, &judgement, run->err);
    if (run->rc == 0)
        conclude(run, &judgement);
}

/* ---- a command that would do it ----------------------------------------------------------- */

/* Pods are called otherwise each time: the shell is asked for one, in the middle of a text that
 * stands in single quotes. */
#define A_POD "'\"$POD\"'"

static bool is_of_a_pod(const struct run *run)
{
    return strcmp(run->way->resource, "pods") == 0 &&
           (run->way->subresource != NULL || run->operation != OPERATION_CREATE);
}

static const char *find_pod(const struct run *run)
{
    return arena_printf(run->input->arena,
                        "POD=$(kubectl get pods -n %s -l app=%s -o "
                        "'jsonpath={.items[0].metadata.name}'); ",
                        run->finding->name_space, run->name);
}

static const char *raw_path(const struct run *run, const char *version)
{
    const char *dot = strchr(run->way->resource, '.');
    const char *space = run->finding->name_space;
    return arena_printf(run->input->arena, "%s/%s%s%s/%.*s/%s%s%s", dot == NULL ? "/api" : "/apis",
                        version, space != NULL ? "/namespaces/" : "", space != NULL ? space : "",
                        (int)strcspn(run->way->resource, "."), run->way->resource,
                        is_of_a_pod(run) ? A_POD : run->name,
                        run->way->subresource != NULL ? "/" : "",
                        run->way->subresource != NULL ? run->way->subresource : "");
}

/* The object as JSON; of a pod that runs, with that one's name. */
static const char *object_text(const struct run *run, const cJSON *object)
{
    struct arena *arena = run->input->arena;
    struct buf json;
    buf_init(&json, arena, LIMIT_MIB);
    json_write(&json, object);
    const char *name = arena_printf(arena, "\"name\":\"%s\"", run->name);
    const char *at = strstr(json.data, name);
    if (at == NULL || !is_of_a_pod(run))
        return json.data;
    return arena_printf(arena, "%.*s\"name\":\"" A_POD "\"%s", (int)(at - json.data), json.data,
                        at + strlen(name));
}

static const char *write_command(const struct run *run, const char *where, const char *path,
                                 const char *json)
{
    struct arena *arena = run->input->arena;
    const struct coverage_way *way = run->way;
    const char *first = is_of_a_pod(run) ? find_pod(run) : "";
    if (run->operation == OPERATION_CREATE)
        return way->subresource == NULL
                   ? arena_printf(arena, "echo '%s' | kubectl create%s -f -", json, where)
                   : arena_printf(arena, "%secho '%s' | kubectl create --raw '%s' -f -", first,
                                  json, path);
    if (run->finding->allowed[1] && way->subresource == NULL)
        return arena_printf(arena, "%skubectl patch %s %s%s --type json -p '%s'", first,
                            way->resource, is_of_a_pod(run) ? "\"$POD\"" : run->name, where,
                            patch_text(run));
    return arena_printf(arena, "%secho '%s' | kubectl replace --raw '%s' -f -", first, json, path);
}

static const char *connect_command(const struct run *run, const char *where, const char *path)
{
    struct arena *arena = run->input->arena;
    const char *sub = run->way->subresource != NULL ? run->way->subresource : "";
    if (strcmp(sub, "exec") == 0)
        return arena_printf(arena, "kubectl exec%s -it deploy/%s -- sh", where, run->name);
    if (strcmp(sub, "attach") == 0)
        return arena_printf(arena, "kubectl attach%s -it deploy/%s", where, run->name);
    if (strcmp(sub, "portforward") == 0)
        return arena_printf(arena, "kubectl port-forward%s deploy/%s 8000", where, run->name);
    return arena_printf(arena, "%skubectl get --raw '%s/'", is_of_a_pod(run) ? find_pod(run) : "",
                        path);
}

static const char *impersonate_command(const struct run *run, const char *where)
{
    if (strcmp(run->way->resource, "serviceaccounts") == 0)
        return arena_printf(run->input->arena,
                            "kubectl get pods%s --as system:serviceaccount:%s:default", where,
                            run->finding->name_space);
    return strcmp(run->way->resource, "users") == 0
               ? "kubectl get pods --as system:admin"
               : "kubectl get pods --as nobody --as-group system:masters";
}

static const char *make_command(const struct run *run, const char *version, const cJSON *object)
{
    struct arena *arena = run->input->arena;
    const struct coverage_way *way = run->way;
    const char *space = run->finding->name_space;
    const char *where = space == NULL ? "" : arena_printf(arena, " -n %s", space);
    const char *path = raw_path(run, version);
    if (way->verbs != NULL && strcmp(way->verbs, "impersonate") == 0)
        return impersonate_command(run, where);
    if (run->operation == 0)
        return "kubectl get --raw /api/v1/nodes/NODE/proxy/pods";
    if (run->operation == OPERATION_CONNECT)
        return connect_command(run, where, path);
    if (run->operation == OPERATION_DELETE && way->options != NULL)
        return arena_printf(arena, "echo '%s' | kubectl delete --raw '%s' -f -", way->options,
                            path);
    if (run->operation == OPERATION_DELETE && !run->finding->allowed[0])
        return arena_printf(arena, "kubectl delete --raw '%.*s'", (int)(strrchr(path, '/') - path),
                            path);
    if (run->operation == OPERATION_DELETE)
        return arena_printf(arena, "kubectl delete %s %s%s%s", way->resource,
                            is_of_a_pod(run) ? "-l app=" : "", run->name, where);
    return write_command(run, where, path, object_text(run, object));
}

/* ---- one way ------------------------------------------------------------------------------ */

static void list_verbs(struct run *run)
{
    const char *text = run->way->verbs;
    if (text == NULL)
        text = run->operation == OPERATION_CREATE   ? "create"
               : run->operation == OPERATION_UPDATE ? "update,patch"
                                                    : "delete,deletecollection";
    for (size_t i = 0; *text != '\0' && i < 7; i++) {
        const size_t length = strcspn(text, ",");
        struct coverage_finding *finding = run->finding;
        finding->verbs[i] = arena_strndup(run->input->arena, text, length);
        const struct coverage_grant *grant =
            coverage_allows(run->grants, finding->name_space, run->way->resource,
                            run->way->subresource, finding->verbs[i]);
        finding->allowed[i] = grant != NULL;
        if (grant != NULL && finding->role == NULL)
            finding->role = grant->role;
        text += length + (text[length] == ',');
    }
}

static void judge_way(void *context)
{
    struct run *run = context;
    struct coverage_finding *finding = run->finding;
    cJSON *before = NULL, *after = NULL;
    const char *version = "v1";
    struct arena *arena = run->input->arena;
    list_verbs(run);
    run->name = run->way->theirs ? run->input->other : run->input->project;
    if (run->operation != 0) {
        run->rc = make_objects(run, &before, &after);
        if (run->rc < 0)
            return;
        const char *named = json_string(json_path(before, "metadata", "name", NULL));
        if (named != NULL)
            run->name = arena_strdup(arena, named);
        if (run->operation == OPERATION_CREATE &&
            json_path(after, "metadata", "name", NULL) == NULL && named != NULL)
            run->name = "";
        if (run->way->subresource == NULL)
            version = arena_strdup(arena, json_get_string(before, "apiVersion"));
        else if (strchr(run->way->resource, '.') != NULL)
            version = arena_printf(arena, "%s/v1", strchr(run->way->resource, '.') + 1);
    }
    finding->state = COVERAGE_HOLE;
    finding->why = "it passes no admission";
    const struct coverage_request request = {run->way->resource, run->way->subresource,
                                             strchr(version, '/') != NULL ? strchr(version, '/') + 1
                                                                          : version,
                                             finding->operation, finding->name_space};
    const struct coverage_asked asked =
        run->operation != 0 ? coverage_asks(run->input, &request) : (struct coverage_asked){0};
    if (asked.mutate || asked.validate)
        ask_policies(run, &asked, before, after);
    else if (run->operation != 0)
        finding->why = asked.why_not;
    if (finding->role == NULL)
        finding->state = COVERAGE_BY_ROLE;
    else if (run->rc == 0 && finding->state == COVERAGE_HOLE)
        finding->command = make_command(run, version, after);
}

static void find_way(struct run *run, const struct coverage_way *way, enum operation operation,
                     const char *operation_text, const char *name_space)
{
    struct arena *arena = run->input->arena;
    if (run->rc < 0)
        return;
    run->way = way;
    run->operation = operation;
    run->finding = arena_alloc(arena, sizeof *run->finding);
    const char *space = way->cluster ? NULL : name_space;
    if (way->name_space != NULL)
        space = way_text(run, way->name_space);
    *run->finding = (struct coverage_finding){
        .way = way, .gain = way->gain, .name_space = space, .operation = operation_text};
    arena_reset(&run->work, LIMIT_MIB);
    if (!arena_try(&run->work, judge_way, run))
        run->rc = err_set(run->err, ERR_NO_MEMORY, "judging it takes too much memory");
    if (run->rc < 0)
        run->rc = err_wrap(run->err, "%s (%s %s)", way->gain, operation_text, way->resource);
    *run->tail = run->finding;
    run->tail = &run->finding->next;
}

static bool is_of_others(const struct coverage_way *way)
{
    if (way->theirs || way->name_space != NULL)
        return true;
    for (size_t i = 0; i < COVERAGE_CHANGES_MAX && way->changes[i].pointer != NULL; i++)
        if (way->changes[i].value != NULL && strstr(way->changes[i].value, "$THEM") != NULL)
            return true;
    return false;
}

static void find_operations(struct run *run, const struct coverage_way *way, const char *name_space)
{
    static const struct {
        enum operation operation;
        const char *text;
    } operations[] = {{OPERATION_CREATE, "CREATE"},
                      {OPERATION_UPDATE, "UPDATE"},
                      {OPERATION_DELETE, "DELETE"},
                      {OPERATION_CONNECT, "CONNECT"}};
    if (run->input->for_others && is_of_others(way))
        return;
    if (way->operations == 0)
        find_way(run, way, 0, "", name_space);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if ((way->operations & operations[i].operation) != 0)
            find_way(run, way, operations[i].operation, operations[i].text, name_space);
}

/* ---- kinds that only a Role names --------------------------------------------------------- */

static bool is_for(const struct coverage_way *way, const char *resource, const char *subresource)
{
    const char *sub = way->subresource != NULL ? way->subresource : "";
    return strcmp(way->resource, resource) == 0 && strcmp(sub, subresource) == 0;
}

static bool is_known(const struct coverage_finding *findings, const char *resource,
                     const char *subresource)
{
    for (size_t i = 0; i < coverage_way_count; i++)
        if (is_for(&coverage_ways[i], resource, subresource))
            return true;
    for (; findings != NULL; findings = findings->next)
        if (is_for(findings->way, resource, subresource))
            return true;
    return false;
}

static void find_named(struct run *run, const struct coverage_finding *findings, const char *group,
                       const char *text, const char *name_space)
{
    struct arena *arena = run->input->arena;
    const char *slash = strchr(text, '/');
    const char *plain = slash == NULL ? text : arena_strndup(arena, text, (size_t)(slash - text));
    const char *resource = group[0] == '\0' ? plain : arena_printf(arena, "%s.%s", plain, group);
    if (strchr(text, '*') != NULL || strcmp(group, "*") == 0 ||
        is_known(findings, resource, slash == NULL ? "" : slash + 1))
        return;
    struct coverage_way *way = arena_alloc(arena, sizeof *way);
    *way = (struct coverage_way){
        .gain = arena_printf(arena, "whatever %s%s%s leads to", resource, slash == NULL ? "" : "/",
                             slash == NULL ? "" : slash + 1),
        .resource = resource,
        .subresource = slash == NULL ? NULL : slash + 1,
        .operations = OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE,
        .object = arena_printf(arena,
                               "{\"apiVersion\":\"%s%sv1\",\"kind\":\"Unknown\","
                               "\"metadata\":{\"name\":\"$ME\"}}",
                               group, group[0] == '\0' ? "" : "/"),
        .changes = {{"/metadata/labels", "{\"a\":\"b\"}"}}};
    find_operations(run, way, name_space);
}

/* To read is no way; verbs of other programs' own lead where those say. */
static bool writes(const cJSON *rule)
{
    static const char *const writing[] = {"*",     "create", "update",
                                          "patch", "delete", "deletecollection"};
    const cJSON *list = json_get(rule, "verbs");
    for (const cJSON *verb = json_is_array(list) ? list->child : NULL; verb != NULL;
         verb = verb->next)
        for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++)
            if (json_is_string(verb) && strcmp(verb->valuestring, writing[i]) == 0)
                return true;
    return false;
}

static void find_rest(struct run *run, struct coverage_finding *const *findings,
                      const char *name_space)
{
    for (const struct coverage_grant *grant = run->grants; grant != NULL; grant = grant->next) {
        const cJSON *groups = json_get(grant->rule, "apiGroups");
        const cJSON *resources = json_get(grant->rule, "resources");
        if (!writes(grant->rule) ||
            (grant->name_space != NULL && strcmp(grant->name_space, name_space) != 0))
            continue;
        for (const cJSON *group = json_is_array(groups) ? groups->child : NULL; group != NULL;
             group = group->next)
            for (const cJSON *item = json_is_array(resources) ? resources->child : NULL;
                 item != NULL; item = item->next)
                if (json_is_string(group) && json_is_string(item))
                    find_named(run, *findings, group->valuestring, item->valuestring, name_space);
    }
}

/* ---- all ---------------------------------------------------------------------------------- */

int coverage_find(const struct coverage_input *input, const struct coverage_grant *grants,
                  struct coverage_finding **ret_findings, struct err *reterr)
{
    struct coverage_finding *findings = NULL;
    struct run run = {.input = input, .grants = grants, .tail = &findings, .err = reterr};
    arena_init(&run.work, WORK_BYTES);
    for (size_t i = 0; i < coverage_way_count; i++)
        find_operations(&run, &coverage_ways[i], input->name_space);
    find_rest(&run, &findings, input->name_space);
    for (const struct coverage_grant *grant = grants; grant != NULL; grant = grant->next) {
        const char *space = grant->name_space;
        bool seen = space == NULL || strcmp(space, input->name_space) == 0;
        for (const struct coverage_grant *other = grants; other != grant; other = other->next)
            seen |=
                other->name_space != NULL && space != NULL && strcmp(other->name_space, space) == 0;
        for (size_t i = 0; i < coverage_way_count && !seen; i++)
            if (!coverage_ways[i].cluster && coverage_ways[i].name_space == NULL)
                find_operations(&run, &coverage_ways[i], space);
        if (!seen)
            find_rest(&run, &findings, space);
    }
    arena_done(&run.work);
    if (run.rc < 0)
        return run.rc;
    *ret_findings = findings;
    return 0;
}

int coverage_check(const struct coverage_input *input, struct err *reterr)
{
    static const struct coverage_way accepted[] = {{.resource = "deployments.apps"},
                                                   {.resource = "services"},
                                                   {.resource = "ingresses.networking.k8s.io"},
                                                   {.resource = "configmaps"},
                                                   {.resource = "secrets"},
                                                   {.resource = "persistentvolumeclaims"}};
    const struct coverage_asked both = {.mutate = true, .validate = true};
    struct run run = {.input = input, .operation = OPERATION_CREATE, .err = reterr};
    arena_init(&run.work, WORK_BYTES);
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0] && run.rc == 0; i++) {
        struct coverage_finding finding = {.name_space = input->name_space};
        cJSON *before = NULL, *after = NULL;
        run.way = &accepted[i];
        run.finding = &finding;
        run.name = input->project;
        run.rc = make_objects(&run, &before, &after);
        if (run.rc == 0)
            ask_policies(&run, &both, before, after);
        if (run.rc == 0 && finding.state == COVERAGE_BY_RULE)
            run.rc = err_set(reterr, ERR_USAGE,
                             "a harmless object of %s named %s is refused by %s: what is asked "
                             "here does not fit these policies (--as, --as-group, --namespace, "
                             "--project)",
                             accepted[i].resource, input->project, finding.rules[0]);
    }
    arena_done(&run.work);
    return run.rc;
}
