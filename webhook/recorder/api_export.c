/* GET /api/export: every version that the caller may read, in pages that are made while they are
 * sent; nothing grows with the history.
 *
 * CSV as RFC 4180 has it.  A cell that a spreadsheet would take for a formula begins with an
 * apostrophe, and no cell has control characters.
 */
#include "base/clock.h"
#include "base/log.h"
#include "recorder/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW_BYTES (48UL * 1024UL * 1024UL)
#define CELL_RUNES 32768U

struct export
{
    struct api_flow flow; /* first */
    struct api_call call; /* its arena, caller and scratch: what asking takes */
    bool csv, began, done;
    char request_id[17];
    char only[254];            /* a single project; "": all */
    int64_t project, revision; /* where it goes on: after that project, below that number */
    int64_t written;
};

static void release(struct api_flow *flow)
{
    struct export *export = (struct export *)(void *)flow;
    arena_done(&export->call.arena);
    free(export);
}

/* ---- CSV -------------------------------------------------------------------------------- */

static void add_cell(struct arena *arena, struct buf *out, const char *text)
{
    struct buf shown;
    if (text == NULL)
        text = "";
    buf_init(&shown, arena, 4UL * STORE_TEXT_BYTES);
    buf_add_visible(&shown, text, CELL_RUNES);
    buf_add_char(out, '"');
    if (strchr("=+-@\t\r|%", shown.data[strspn(shown.data, " ")]) != NULL && shown.length > 0)
        buf_add_char(out, '\'');
    for (const char *at = shown.data; *at != '\0'; at++) {
        if (*at == '"')
            buf_add_char(out, '"');
        buf_add_char(out, *at);
    }
    buf_add_char(out, '"');
}

static void add_text(struct arena *arena, struct buf *out, const char *text)
{
    buf_add_char(out, ',');
    add_cell(arena, out, text);
}

static void add_time(struct buf *out, int64_t at)
{
    char text[CLOCK_TEXT_BYTES];
    buf_add_strings(out, ",", at != 0 ? clock_format(at, text) : "", NULL);
}

static void add_number(struct buf *out, int64_t number)
{
    if (number != 0)
        buf_printf(out, ",%lld", (long long)number);
    else
        buf_add_char(out, ',');
}

static const char csv_head[] =
    "project,number,id,status,good,good_by,image,strategy,replicas,change_kind,change_cause,actor,"
    "actor_certain,via,on_behalf_of,origin,started_at,completed_at,reason,message,template,"
    "generation,kubernetes_revision,rollback_of,source\r\n";

static int write_csv(struct export *export, struct arena *scratch, struct buf *out,
                     const struct store_project_row *project, const struct revision *row)
{
    const char *image, *list;
    const int r =
        api_images(export->call.api, scratch, row->template_sha, &image, &list, &export->call.err);
    if (r != 0)
        return r;
    add_cell(scratch, out, project->name);
    buf_printf(out, ",%lld,%lld,%s,%s", (long long)row->seq, (long long)row->id,
               revision_status_name(row->status), api_good_name(row->good));
    add_text(scratch, out, row->good_by);
    add_text(scratch, out, image);
    add_text(scratch, out, row->strategy);
    buf_printf(out, ",%lld", (long long)row->replicas);
    add_text(scratch, out, row->change_kind);
    add_text(scratch, out, row->change_cause);
    add_text(scratch, out, row->actor_user);
    buf_add_string(out, row->actor_certain ? ",true" : ",false");
    add_text(scratch, out, row->via);
    add_text(scratch, out, row->on_behalf_of);
    buf_add_strings(out, ",", api_origin_name(row->origin), NULL);
    add_time(out, row->started_at);
    add_time(out, row->completed_at);
    add_text(scratch, out, row->reason);
    add_text(scratch, out, row->message);
    add_text(scratch, out, row->template_sha);
    add_number(out, row->generation);
    add_number(out, row->k8s_revision);
    add_number(out, row->rollback_of);
    add_number(out, row->source);
    buf_add_string(out, "\r\n");
    return 0;
}

/* ---- A page ----------------------------------------------------------------------------- */

struct page {
    struct export *export;
    struct arena *scratch;
    struct buf out; /* on the heap */
    int code;
};

static int write_rows(struct page *page, const struct store_project_row *project)
{
    struct export *export = page->export;
    const struct store_query query = {.project = project->id,
                                      .before_seq = export->revision,
                                      .status = -1,
                                      .good = -1,
                                      .brief = true,
                                      .limit = API_ROWS_AT_ONCE};
    struct store *store = export->call.api->options.store;
    struct api_shape shape;
    struct revision *rows;
    size_t count;
    int r =
        api_shape_read(export->call.api, page->scratch, project, &shape, NULL, &export->call.err);
    if (r == 0)
        r = store_revisions(store, page->scratch, &query, &rows, &count, &export->call.err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (!export->csv && export->written > 0)
            buf_add_string(&page->out, ",\n");
        r = export->csv ? write_csv(export, page->scratch, &page->out, project, &rows[i])
                        : api_write_deployment(export->call.api, page->scratch, &page->out, &shape,
                                               &rows[i], &export->call.err);
        export->written++;
        export->revision = rows[i].seq;
    }
    if (r == 0 && count < API_ROWS_AT_ONCE) { /* that was all of this project */
        export->project = project->id;
        export->revision = 0;
    }
    return r;
}

/* One project's next rows; or one that is passed over. */
static void make_page(void *context)
{
    struct page *page = context;
    struct export *export = page->export;
    struct store_project_row *rows;
    size_t count = 0;
    int code = 0;
    if (!export->began)
        buf_add_string(&page->out, export->csv ? csv_head : "{\"items\":[");
    export->began = true;
    page->code = store_projects(export->call.api->options.store, page->scratch,
                                export->call.api->options.namespace_, export->project, 1, &rows,
                                &count, &export->call.err);
    if (page->code != 0)
        return;
    if (count == 0 || (export->only[0] != '\0' && strcmp(export->only, rows[0].name) != 0)) {
        buf_add_string(&page->out, export->csv ? "" : "]}\n");
        export->done = true;
    } else if (api_caller_reads(&export->call, page->scratch, rows[0].name, &code)) {
        page->code = write_rows(page, &rows[0]);
    } else {
        page->code = code;
        export->project = rows[0].id;
        export->revision = 0;
    }
}

static void run_page(struct api_job *job, struct arena *scratch)
{
    struct export *export = (struct export *)(void *)job;
    struct api *api = export->flow.api;
    struct page page = {.export = export, .scratch = scratch};
    struct arena *before = arena_use(scratch);
    buf_init(&page.out, NULL, FLOW_BYTES);
    while (page.code == 0 && !export->done && page.out.length < 65536 && !page.out.failed) {
        if (!arena_try(scratch, make_page, &page))
            page.code = err_set(&export->call.err, ERR_LIMIT, "a row is too large");
        arena_reset(scratch, 256UL * 1024UL);
    }
    arena_use(before);
    const bool failed = page.code != 0 || page.out.failed;
    if (failed)
        log_event(LOG_WARN, "an export broke off", "detail", export->call.err.text, "request",
                  export->request_id, NULL);
    if (failed || !api_flow_put(&export->flow, page.out.data, page.out.length, export->done))
        api_flow_end(&export->flow, true);
    buf_done(&page.out);
    api_flow_unref(&export->flow);
    api_release(api);
}

/* ---- The call --------------------------------------------------------------------------- */

struct copy {
    struct export *export;
    const struct caller *caller;
};

static void run_copy(void *context)
{
    struct copy *copy = context;
    copy->export->call.caller = api_caller_copy(&copy->export->call.arena, copy->caller);
}

/* The only project that is wanted; false: the problem is written. */
static bool find_only(struct api_call *call, int64_t *ret_before)
{
    const char *name = api_query(call, "project");
    if (name == NULL)
        return true;
    struct store_project_row row;
    int code;
    if (!api_caller_reads(call, &call->arena, name, &code)) {
        if (code != 0)
            api_fail(call, code);
        else
            api_problem(call, 403, "Forbidden", call->err.text);
        return false;
    }
    const int r = store_project_find(call->api->options.store, &call->arena,
                                     call->api->options.namespace_, name, &row, &call->err);
    if (r != 0)
        api_fail(call, r);
    else
        *ret_before = row.id - 1;
    return r == 0;
}

void api_get_export(struct api_call *call)
{
    const char *format = api_query(call, "format"), *only = api_query(call, "project");
    const bool csv = format != NULL && strcmp(format, "csv") == 0;
    int64_t before = 0;
    if (!find_only(call, &before))
        return;
    call->media = csv ? "text/csv; charset=utf-8; header=present" : "application/json";
    call->attachment =
        csv ? "attachment; filename=\"history.csv\"" : "attachment; filename=\"history.json\"";
    if (call->is_head)
        return;
    struct export *export = calloc(1, sizeof *export);
    if (export == NULL) {
        api_fail(call, err_set(&call->err, ERR_NO_MEMORY, "out of memory"));
        return;
    }
    arena_init(&export->call.arena, API_ARENA_BYTES);
    export->call.api = call->api;
    if (!arena_try(&export->call.arena, run_copy, &(struct copy){export, &call->caller})) {
        arena_done(&export->call.arena);
        free(export);
        api_fail(call, err_set(&call->err, ERR_NO_MEMORY, "out of memory"));
        return;
    }
    memcpy(export->request_id, call->request_id, sizeof export->request_id);
    snprintf(export->only, sizeof export->only, "%s", only != NULL ? only : "");
    export->csv = csv;
    export->project = before;
    api_flow_init(&export->flow, call, FLOW_BYTES, 1);
    export->flow.released = release;
    export->flow.pulled = true;
    export->flow.job.run = run_page;
    call->flow = &export->flow;
}
