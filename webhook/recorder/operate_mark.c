/* What changes the history only: a person's mark, a hold that is lifted. */
#include "recorder/operate_internal.h"

#include "base/clock.h"

#include <string.h>

struct marking {
    int64_t revision;
    enum revision_good good;
};

static int mark(struct operate_call *call, void *context, struct err *reterr)
{
    const struct marking *marking = context;
    struct store *store = call->operate->options.store;
    const struct caller *caller = call->request->caller;
    struct revision revision;
    bool over = false;
    int rc = store_revision(store, call->arena, marking->revision, &revision, reterr);
    if (rc == 0)
        rc = store_project_get(store, call->arena, revision.project_id, &call->project, reterr);
    if (rc == 0)
        rc = operate_claim(call, "mark", marking->revision, 0, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (call->request->dry_run)
        return operate_accept(call, STORE_OP_DONE, "it would be accepted", reterr);
    const char *by = caller != NULL ? caller->user : operate_self(call->operate);
    rc = store_revision_mark(store, marking->revision, marking->good, by, call->request->reason,
                             clock_unix_us(), reterr);
    if (rc < 0)
        return rc;
    struct keeper *keeper = operate_keeper(call->operate);
    if (keeper != NULL)
        keeper_mark(keeper, call->project.id, revision.seq, marking->good, by);
    return operate_accept(call, STORE_OP_DONE, NULL, reterr);
}

int operate_mark(struct operate *operate, struct arena *arena,
                 const struct operate_request *request, int64_t revision, enum revision_good good,
                 struct operate_answer *ret_answer, struct err *reterr)
{
    struct marking marking = {revision, good};
    return operate_run(operate, arena, request, mark, &marking, ret_answer, reterr);
}

/* ---- Holds ------------------------------------------------------------------------------ */

struct lifting {
    int64_t project;
    const char *template_sha;
};

#define PREFIX_LEAST 8U

/* The hold that a hash, or the beginning of one, names. */
static int find_hold(struct operate_call *call, const char *prefix, const char **ret_sha,
                     struct err *reterr)
{
    struct store_hold *holds;
    size_t count, found = 0;
    const size_t length = prefix != NULL ? strlen(prefix) : 0;
    const int rc = store_holds(call->operate->options.store, call->arena, call->project.id,
                               clock_unix_us(), &holds, &count, reterr);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (length < PREFIX_LEAST || strncmp(holds[i].template_sha, prefix, length) != 0)
            continue;
        *ret_sha = holds[i].template_sha;
        found++;
    }
    if (found == 1)
        return 0;
    return err_set(reterr, ERR_NOT_FOUND, "%s",
                   found == 0 ? "no template of that hash is under hold"
                              : "several templates under hold begin so: give the whole hash");
}

static int lift(struct operate_call *call, void *context, struct err *reterr)
{
    const struct lifting *lifting = context;
    struct store *store = call->operate->options.store;
    const struct caller *caller = call->request->caller;
    const char *sha = NULL;
    bool over = false;
    int rc = store_project_get(store, call->arena, lifting->project, &call->project, reterr);
    if (rc == 0)
        rc = operate_claim(call, "lift", 0, 0, &over, reterr);
    if (rc < 0 || over)
        return rc;
    rc = find_hold(call, lifting->template_sha, &sha, reterr);
    if (rc == 0 && !call->request->dry_run)
        rc = store_hold_lift(store, lifting->project, sha,
                             caller != NULL ? caller->user : operate_self(call->operate),
                             clock_unix_us(), reterr);
    return rc < 0 ? rc : operate_accept(call, STORE_OP_DONE, NULL, reterr);
}

int operate_lift_hold(struct operate *operate, struct arena *arena,
                      const struct operate_request *request, int64_t project,
                      const char *template_sha, struct operate_answer *ret_answer,
                      struct err *reterr)
{
    struct lifting lifting = {project, template_sha};
    return operate_run(operate, arena, request, lift, &lifting, ret_answer, reterr);
}
