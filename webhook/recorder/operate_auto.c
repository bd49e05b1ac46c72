/* The keeper's wishes: a version failed by itself.  Judged by all guards over facts that are read
 * anew, and done as any rollback is, by the recorder's own account; once for a version. */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "recorder/guard.h"

#include <string.h>

#define EVENTS_AT_ONCE 200U

/* ---- Facts ------------------------------------------------------------------------------ */

struct wish {
    int64_t project, revision_id;
    struct revision revision, target;
    struct operate_live live;
    struct guard_facts facts;
};

/* When it failed is an event; the row keeps no time of it. */
static int read_failed_at(struct operate_call *call, struct wish *wish, struct err *reterr)
{
    struct store_event_query query = {.revision = wish->revision_id, .limit = EVENTS_AT_ONCE};
    struct store_event *events;
    size_t count;
    do {
        const int rc = store_events(call->operate->options.store, call->arena, &query, &events,
                                    &count, reterr);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < count; i++) {
            query.after_id = events[i].id;
            if (strcmp(events[i].type, machine_event_name(MACHINE_DEPLOYMENT_FAILED)) == 0)
                wish->facts.failed_at = events[i].at;
        }
    } while (count == EVENTS_AT_ONCE);
    return 0;
}

static int read_pending(struct operate_call *call, struct wish *wish, struct err *reterr)
{
    const struct store_query query = {.project = wish->project,
                                      .status = REVISION_PENDING,
                                      .good = -1,
                                      .brief = true,
                                      .limit = 1};
    struct revision *rows;
    size_t count;
    const int rc =
        store_revisions(call->operate->options.store, call->arena, &query, &rows, &count, reterr);
    if (rc == 0)
        wish->facts.pending = count > 0;
    return rc;
}

static int read_counts(struct operate_call *call, struct wish *wish, struct err *reterr)
{
    struct store *store = call->operate->options.store;
    int rc = store_op_count(store, wish->project, wish->revision.template_sha, 0,
                            &wish->facts.of_template, reterr);
    if (rc == 0)
        rc = store_op_count(store, wish->project, NULL, wish->facts.now - GUARD_HOUR_US,
                            &wish->facts.of_hour, reterr);
    return rc;
}

static int read_facts(struct operate_call *call, struct wish *wish, struct err *reterr)
{
    const struct operate_options *options = &call->operate->options;
    struct guard_facts *facts = &wish->facts;
    *facts = (struct guard_facts){.now = clock_unix_us(),
                                  .automatic = options->automatic,
                                  .managed_too = options->managed_too,
                                  .revision = &wish->revision};
    int rc =
        store_revision(options->store, call->arena, wish->revision_id, &wish->revision, reterr);
    if (rc == 0)
        rc = store_project_get(options->store, call->arena, wish->project, &call->project, reterr);
    if (rc == 0)
        rc = read_failed_at(call, wish, reterr);
    if (rc == 0)
        rc = read_pending(call, wish, reterr);
    if (rc == 0)
        rc = read_counts(call, wish, reterr);
    if (rc == 0)
        rc = operate_good(call->operate, call->arena, &wish->revision, &wish->target, reterr);
    if (rc == 0)
        rc = operate_read(call->client, call->arena, options->namespace_, call->project.name,
                          &wish->live, reterr);
    if (rc < 0)
        return rc;
    facts->target = wish->target.id;
    if (wish->live.object != NULL && !wish->live.deleting) {
        facts->uid = wish->live.uid;
        facts->template_sha = wish->live.template_sha;
        facts->paused = wish->live.paused;
        facts->wish = guard_wish_of(wish->live.object);
        facts->managed_by = guard_managed_by(wish->live.object);
    }
    return 0;
}

/* ---- What comes of it ------------------------------------------------------------------- */

static int tell_refused(struct operate_call *call, const struct wish *wish, unsigned refused,
                        struct err *reterr)
{
    struct arena *arena = call->arena;
    struct buf details, words;
    int64_t id;
    buf_init(&details, arena, STORE_TEXT_BYTES);
    buf_init(&words, arena, STORE_TEXT_BYTES);
    buf_add_string(&details, "{\"guards\":[");
    buf_add_string(&words, "not rolled back automatically: ");
    const size_t details_begin = details.length, words_begin = words.length;
    for (unsigned i = 0; i < GUARDS; i++) {
        if ((refused & (1U << i)) == 0)
            continue;
        buf_add_strings(&details, details.length > details_begin ? "," : "", "{\"name\":\"",
                        guard_name((enum guard)i), "\",\"reason\":", NULL);
        buf_add_json_string(&details, guard_text((enum guard)i));
        buf_add_char(&details, '}');
        buf_add_strings(&words, words.length > words_begin ? "; " : "", guard_text((enum guard)i),
                        NULL);
    }
    buf_add_string(&details, "]");
    if (wish->facts.managed_by != NULL)
        buf_add_strings(&details, ",\"managedBy\":\"", wish->facts.managed_by, "\"", NULL);
    buf_add_char(&details, '}');
    const struct store_event event = {
        .project = wish->project,
        .revision = wish->revision_id,
        .at = wish->facts.now,
        .type = "auto_rollback_refused",
        .message = words.data,
        .details = details.data,
        .key = arena_printf(arena, "%lld/auto_rollback_refused", (long long)wish->revision.seq),
    };
    return store_event(call->operate->options.store, &event, &id, reterr);
}

/* What the API server refused is told where people look for why nothing happened. */
static int tell_outcome(struct operate_call *call, const struct wish *wish, struct err *reterr)
{
    int64_t id;
    if (call->answer.status < 300)
        return 0;
    const struct store_event event = {
        .project = wish->project,
        .revision = wish->revision_id,
        .at = clock_unix_us(),
        .type = "auto_rollback_refused",
        .message = arena_printf(call->arena, "the way back was refused (%s): %s",
                                call->answer.reason != NULL ? call->answer.reason : "",
                                call->answer.detail != NULL ? call->answer.detail : ""),
        .key =
            arena_printf(call->arena, "%lld/auto_rollback_failed", (long long)wish->revision.seq),
    };
    return store_event(call->operate->options.store, &event, &id, reterr);
}

static int go(struct operate_call *call, const struct wish *wish, struct err *reterr)
{
    const struct operate_way way = {.from = wish->revision,
                                    .target = wish->target,
                                    .uid = wish->live.uid,
                                    .expect_generation = wish->live.generation};
    const int rc = operate_go(call, &way, reterr);
    return rc < 0 ? rc : tell_outcome(call, wish, reterr);
}

static int judge_wish(struct operate_call *call, void *context, struct err *reterr)
{
    struct wish *wish = context;
    bool over = false;
    int rc = read_facts(call, wish, reterr);
    if (rc < 0)
        return rc;
    const unsigned refused = guard_judge(&wish->facts);
    if (refused == 1U << GUARD_NOTHING_PENDING) /* it is stored, or given up, before long */
        return err_set(reterr, ERR_BUSY, "another change is on its way");
    if (refused != 0)
        return tell_refused(call, wish, refused, reterr);
    rc = operate_claim(call, "rollback", wish->revision_id, wish->target.id, &over, reterr);
    return rc < 0 || over ? rc : go(call, wish, reterr);
}

int operate_judge_wish(struct operate *operate, struct arena *arena, int64_t project,
                       int64_t revision, struct err *reterr)
{
    /* By the key it is done once, whoever wishes it again. */
    const char *key = arena_printf(arena, "auto/%lld", (long long)revision);
    const struct operate_request request = {.key = key, .body_digest = ""};
    struct wish wish = {.project = project, .revision_id = revision};
    struct operate_answer answer;
    return operate_run(operate, arena, &request, judge_wish, &wish, &answer, reterr);
}

/* ---- One that was claimed, and not done before the process ended ------------------------ */

struct adopting {
    struct wish wish;
    const struct store_op *op;
};

static int adopt(struct operate_call *call, void *context, struct err *reterr)
{
    struct adopting *adopting = context;
    struct wish *wish = &adopting->wish;
    int rc = read_facts(call, wish, reterr);
    if (rc < 0)
        return rc;
    /* It is among those that are counted. */
    wish->facts.of_template -= wish->facts.of_template > 0;
    wish->facts.of_hour -= wish->facts.of_hour > 0;
    const unsigned refused = guard_judge(&wish->facts);
    if (refused == 1U << GUARD_NOTHING_PENDING)
        return 0;
    call->op = *adopting->op;
    call->answer = (struct operate_answer){.operation = call->op.id,
                                           .project = call->op.project,
                                           .revision = wish->revision_id,
                                           .target = wish->target.id};
    if (refused == 0)
        return go(call, wish, reterr);
    rc = tell_refused(call, wish, refused, reterr);
    return rc < 0 ? rc
                  : operate_refuse(call, 409, "NotDone",
                                   "the recorder stopped before it was written, and by now a guard "
                                   "stands in the way",
                                   NULL, reterr);
}

int operate_adopt(struct operate *operate, struct arena *arena, const struct store_op *op,
                  struct err *reterr)
{
    const struct operate_request request = {.caller = NULL};
    struct adopting adopting = {.wish = {.project = op->project, .revision_id = op->revision},
                                .op = op};
    struct operate_answer answer;
    return operate_run(operate, arena, &request, adopt, &adopting, &answer, reterr);
}

/* ---- Wishes that nobody heard ----------------------------------------------------------- */

static int find_wish(struct operate *operate, struct arena *arena, int64_t project,
                     struct err *reterr)
{
    struct revision newest;
    const int rc = operate_newest(operate, arena, project, NULL, NULL, &newest, reterr);
    if (rc == 0 && newest.id != 0 && newest.status == REVISION_FAILED && newest.rollback_of == 0)
        operate_push(operate, OPERATE_WISH, project, newest.id);
    return rc;
}

int operate_find_wishes(struct operate *operate, struct arena *arena, struct err *reterr)
{
    struct store_project_row *rows;
    size_t count = 0;
    int64_t after = 0;
    do {
        int rc = store_projects(operate->options.store, arena, operate->options.namespace_, after,
                                STORE_PAGE_ROWS, &rows, &count, reterr);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            after = rows[i].id;
            rc = find_wish(operate, arena, rows[i].id, reterr);
        }
        if (rc < 0)
            return rc;
    } while (count == STORE_PAGE_ROWS);
    return 0;
}
