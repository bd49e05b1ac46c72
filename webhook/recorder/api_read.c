/* Questions: nothing is changed by them. */
#include "base/clock.h"
#include "recorder/api_internal.h"

#include <stdio.h>
#include <string.h>

/* How many projects one page of the list looks at: whose they are, the API server may have to be
 * asked for each. */
#define PROJECTS_LOOKED 1000

/* ---- Pages ------------------------------------------------------------------------------ */

static void end_page(struct api_call *call, int64_t next)
{
    char cursor[API_CURSOR_BYTES];
    buf_add_string(&call->out, "],\"nextCursor\":");
    if (next > 0) {
        api_cursor_write(call, next, cursor);
        buf_add_json_string(&call->out, cursor);
    } else {
        buf_add_string(&call->out, "null");
    }
    buf_add_string(&call->out, "}\n");
}

void api_begin_item(struct api_call *call, size_t index)
{
    if (index > 0)
        buf_add_char(&call->out, ',');
}

/* Rows in small groups, each in the scratch arena, which is emptied after it. */
struct group {
    struct api_call *call;
    void *context;
    int (*run)(struct api_call *call, void *context);
    int code;
};

static void run_group(void *context)
{
    struct group *group = context;
    group->code = group->run(group->call, group->context);
}

int api_in_scratch(struct api_call *call, int (*run)(struct api_call *call, void *context),
                   void *context)
{
    struct group group = {call, context, run, 0};
    struct arena *before = arena_use(call->scratch);
    if (!arena_try(call->scratch, run_group, &group))
        group.code = err_set(&call->err, ERR_LIMIT, "these rows are too large");
    arena_use(before);
    arena_reset(call->scratch, 256UL * 1024UL);
    return group.code;
}

/* ---- Revisions -------------------------------------------------------------------------- */

struct revisions {
    struct api_shape shape;
    struct store_query query;
    size_t wanted, got, written;
    int64_t last;
    bool more;
};

static int write_revisions(struct api_call *call, void *context)
{
    struct revisions *work = context;
    struct revision *rows;
    size_t count;
    int r = store_revisions(call->api->options.store, call->scratch, &work->query, &rows, &count,
                            &call->err);
    work->got = r == 0 ? count : 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (work->written == work->wanted) {
            work->more = true;
            break;
        }
        api_begin_item(call, work->written++);
        work->last = rows[i].seq;
        r = api_write_deployment(call->api, call->scratch, &call->out, &work->shape, &rows[i],
                                 &call->err);
    }
    work->query.before_seq = work->last;
    return r;
}

static int good_of(const char *name)
{
    return name == NULL               ? -1
           : strcmp(name, "yes") == 0 ? (int)REVISION_GOOD_YES
           : strcmp(name, "no") == 0  ? (int)REVISION_GOOD_NO
                                      : (int)REVISION_GOOD_UNKNOWN;
}

void api_get_deployments(struct api_call *call)
{
    const char *status = api_query(call, "status");
    struct revisions work = {
        .query = {.project = call->project.id,
                  .status = status != NULL ? revision_status_parse(status) : -1,
                  .good = good_of(api_query(call, "good")),
                  .actor = api_query(call, "actor"),
                  .template_sha = api_query(call, "template"),
                  .brief = true,
                  .limit = API_ROWS_AT_ONCE + 1},
        .wanted = (size_t)api_query_number(call, "limit", API_PAGE_DEFAULT)};
    if (!api_cursor_read(call, &work.query.before_seq))
        return;
    int r = api_shape_read(call->api, &call->arena, &call->project, &work.shape, NULL, &call->err);
    buf_add_string(&call->out, "{\"items\":[");
    while (r == 0 && !work.more) {
        r = api_in_scratch(call, write_revisions, &work);
        if (work.got <= API_ROWS_AT_ONCE)
            break;
    }
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, work.more ? work.last : 0);
}

/* The revision of the call as one value. */
int api_write_call_deployment(struct api_call *call)
{
    struct api_shape shape;
    int r = api_shape_read(call->api, &call->arena, &call->project, &shape, NULL, &call->err);
    if (r == 0)
        r = api_write_deployment(call->api, call->scratch, &call->out, &shape, &call->revision,
                                 &call->err);
    return r;
}

static int write_only(struct api_call *call, void *context)
{
    (void)context;
    return api_write_call_deployment(call);
}

void api_get_deployment(struct api_call *call)
{
    const int r = api_in_scratch(call, write_only, NULL);
    if (r != 0)
        api_fail(call, r);
    else
        buf_add_char(&call->out, '\n');
}

/* ---- Projects --------------------------------------------------------------------------- */

struct project_work {
    const struct store_project_row *row;
    int64_t generation;
};

static int write_good(struct api_call *call, const struct api_shape *shape)
{
    const struct store_query query = {.project = shape->project->id,
                                      .status = -1,
                                      .good = REVISION_GOOD_YES,
                                      .brief = true,
                                      .limit = 1};
    struct revision *rows;
    size_t count;
    const int r =
        store_revisions(call->api->options.store, call->scratch, &query, &rows, &count, &call->err);
    if (r != 0 || count == 0) {
        buf_add_string(&call->out, "null");
        return r;
    }
    return api_write_deployment(call->api, call->scratch, &call->out, shape, &rows[0], &call->err);
}

static int write_project(struct api_call *call, void *context)
{
    struct project_work *work = context;
    struct buf *out = &call->out;
    struct api_shape shape;
    struct revision current;
    int r = api_shape_read(call->api, call->scratch, work->row, &shape, &current, &call->err);
    if (r != 0)
        return r;
    work->generation = current.generation;
    buf_add_string(out, "{\"name\":");
    buf_add_json_string(out, work->row->name);
    api_add_text(out, "namespace", work->row->namespace_);
    api_add_text(out, "owner", work->row->owner);
    buf_add_string(out, ",\"current\":");
    if (current.id == 0)
        buf_add_string(out, "null");
    else
        r = api_write_deployment(call->api, call->scratch, out, &shape, &current, &call->err);
    buf_add_string(out, ",\"lastGood\":");
    if (r == 0)
        r = write_good(call, &shape);
    api_add_number(out, "holds", (int64_t)shape.hold_count);
    buf_add_char(out, '}');
    return r;
}

void api_get_project(struct api_call *call)
{
    struct project_work work = {&call->project, 0};
    const int r = api_in_scratch(call, write_project, &work);
    if (r != 0) {
        api_fail(call, r);
        return;
    }
    buf_add_char(&call->out, '\n');
    if (work.generation > 0)
        snprintf(call->etag, sizeof call->etag, "\"%lld\"", (long long)work.generation);
}

struct projects {
    size_t wanted, written, looked;
    int64_t last; /* looked at */
    bool more;
};

struct question {
    const char *project;
    bool reads;
};

static int ask_if_reads(struct api_call *call, void *context)
{
    struct question *question = context;
    int code = 0;
    question->reads = api_caller_reads(call, call->scratch, question->project, &code);
    return code;
}

static int write_if_read(struct api_call *call, struct projects *work,
                         const struct store_project_row *row)
{
    struct question question = {row->name, false};
    const int r = api_in_scratch(call, ask_if_reads, &question);
    work->last = row->id;
    work->looked++;
    if (r != 0 || !question.reads)
        return r;
    api_begin_item(call, work->written++);
    return api_in_scratch(call, write_project, &(struct project_work){row, 0});
}

static int write_projects(struct api_call *call, struct projects *work)
{
    struct store_project_row *rows;
    size_t count = 0;
    const size_t most = 100;
    do {
        int r =
            store_projects(call->api->options.store, &call->arena, call->api->options.namespace_,
                           work->last, most, &rows, &count, &call->err);
        for (size_t i = 0; r == 0 && i < count; i++) {
            work->more = work->written == work->wanted || work->looked == PROJECTS_LOOKED;
            if (work->more)
                return 0;
            r = write_if_read(call, work, &rows[i]);
        }
        if (r != 0)
            return r;
    } while (count == most);
    return 0;
}

void api_get_projects(struct api_call *call)
{
    struct projects work = {.wanted = (size_t)api_query_number(call, "limit", API_PAGE_DEFAULT)};
    if (!api_cursor_read(call, &work.last))
        return;
    buf_add_string(&call->out, "{\"items\":[");
    const int r = write_projects(call, &work);
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, work.more ? work.last : 0);
}

/* ---- Events and instances --------------------------------------------------------------- */

struct events {
    struct store_event_query query;
    size_t wanted, got, written;
    bool more;
};

static int write_events(struct api_call *call, void *context)
{
    struct events *work = context;
    struct store_event *rows;
    size_t count;
    const int r = store_events(call->api->options.store, call->scratch, &work->query, &rows, &count,
                               &call->err);
    work->got = r == 0 ? count : 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        /* Evidence, and no event of ours. */
        const bool shown = strcmp(rows[i].type, STORE_KUBERNETES_EVENT) != 0;
        if (shown && work->written == work->wanted) {
            work->more = true;
            break;
        }
        work->query.after_id = rows[i].id;
        if (!shown)
            continue;
        api_begin_item(call, work->written++);
        api_write_event(call->scratch, &call->out, call->project.name, &rows[i]);
    }
    return r;
}

static void answer_events(struct api_call *call, int64_t revision)
{
    struct events work = {.query = {.project = call->project.id, .revision = revision, .limit = 50},
                          .wanted = (size_t)api_query_number(call, "limit", API_PAGE_DEFAULT)};
    int r = 0;
    if (!api_cursor_read(call, &work.query.after_id))
        return;
    buf_add_string(&call->out, "{\"items\":[");
    do
        r = api_in_scratch(call, write_events, &work);
    while (r == 0 && !work.more && work.got == work.query.limit);
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, work.more ? work.query.after_id : 0);
}

void api_get_project_events(struct api_call *call)
{
    answer_events(call, 0);
}

void api_get_deployment_events(struct api_call *call)
{
    answer_events(call, call->id);
}

int api_write_instances(struct api_call *call, void *context)
{
    struct store_instance *rows;
    size_t count;
    (void)context;
    const int r = store_instances(call->api->options.store, call->scratch, call->id, &rows, &count,
                                  &call->err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        api_begin_item(call, i);
        api_write_instance(&call->out, &rows[i]);
    }
    return r;
}

void api_get_instances(struct api_call *call)
{
    buf_add_string(&call->out, "{\"items\":[");
    const int r = api_in_scratch(call, api_write_instances, NULL);
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, 0);
}

/* ---- Templates, holds, operations, gaps ------------------------------------------------- */

void api_get_template(struct api_call *call)
{
    const char *sha = call->revision.template_sha, *json = NULL;
    const int r = sha == NULL ? err_set(&call->err, ERR_NOT_FOUND, "it has no template")
                              : store_template_get(call->api->options.store, &call->arena, sha,
                                                   &json, &call->err);
    if (r == -(int)ERR_NOT_FOUND)
        api_problem(call, 404, "NotFound", "The template of this version is not known.");
    else if (r != 0)
        api_fail(call, r);
    if (r != 0)
        return;
    buf_printf(&call->out, "{\"deployment\":%lld", (long long)call->id);
    api_add_text(&call->out, "sha", sha);
    api_add_json(&call->arena, &call->out, "template", json);
    buf_add_string(&call->out, "}\n");
}

static int write_holds(struct api_call *call, void *context)
{
    struct store_hold *rows;
    size_t count;
    (void)context;
    int r = store_holds(call->api->options.store, call->scratch, call->project.id, clock_unix_us(),
                        &rows, &count, &call->err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        api_begin_item(call, i);
        r = api_write_hold(call->api, call->scratch, &call->out, &rows[i], &call->err);
    }
    return r;
}

void api_get_holds(struct api_call *call)
{
    buf_add_string(&call->out, "{\"items\":[");
    const int r = api_in_scratch(call, write_holds, NULL);
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, 0);
}

void api_get_operation(struct api_call *call)
{
    struct store_op op;
    const int r = store_op_get(call->api->options.store, &call->arena, call->id, &op, &call->err);
    if (r != 0) {
        api_fail(call, r);
        return;
    }
    api_write_operation(&call->arena, &call->out, call->project.name, &op);
    buf_add_char(&call->out, '\n');
}

void api_get_gaps(struct api_call *call)
{
    struct store_gap *rows;
    size_t count = 0;
    const int r = store_gaps(call->api->options.store, &call->arena, 0, clock_unix_us(), &rows,
                             &count, &call->err);
    buf_add_string(&call->out, "{\"items\":[");
    for (size_t i = 0; r == 0 && i < count; i++) {
        api_begin_item(call, i);
        buf_printf(&call->out, "{\"id\":%lld", (long long)rows[i].id);
        api_add_text(&call->out, "resource", rows[i].resource);
        api_add_text(&call->out, "reason", rows[i].reason);
        api_add_time(&call->out, "from", rows[i].from);
        api_add_time(&call->out, "to", rows[i].to);
        buf_add_char(&call->out, '}');
    }
    if (r != 0)
        api_fail(call, r);
    else
        end_page(call, 0);
}

/* ---- The caller, the document ----------------------------------------------------------- */

void api_get_whoami(struct api_call *call)
{
    buf_add_string(&call->out, "{\"user\":");
    buf_add_json_string(&call->out, call->caller.user);
    api_add_text(&call->out, "uid", call->caller.uid);
    buf_add_string(&call->out, ",\"groups\":[");
    for (size_t i = 0; call->caller.groups != NULL && call->caller.groups[i] != NULL; i++) {
        api_begin_item(call, i);
        buf_add_json_string(&call->out, call->caller.groups[i]);
    }
    buf_add_string(&call->out, "]}\n");
}

void api_get_openapi(struct api_call *call)
{
    buf_add_string(&call->out, call->api->openapi);
}
