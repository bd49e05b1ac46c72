/* Who asks, and may they: before anything is looked up in their name. */
#include "net/tls.h"
#include "recorder/api_internal.h"

#include <gnutls/x509.h>
#include <string.h>

/* The certificate that the client proved to have, if its chain ends in our CA. */
static const gnutls_datum_t *verified_certificate(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned status = 0, count = 0;
    if (info == NULL || info->tls_session == NULL)
        return NULL;
    gnutls_session_t session = info->tls_session;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (chain == NULL || count == 0)
        return NULL;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(char[]){GNUTLS_KP_TLS_WWW_CLIENT}};
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
        return NULL;
    return &chain[0];
}

static void refuse(struct api_call *call, int code)
{
    if (code == -(int)ERR_UNAUTHORIZED)
        api_problem(call, 401, "Unauthorized", call->err.text);
    else
        api_fail(call, code);
}

/* Who stands behind a portal, as far as its word counts. */
static bool find_person(struct api_call *call)
{
    const char *person =
        MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, "Proctor-On-Behalf-Of");
    const int r = person == NULL ? 0
                                 : access_act_for(call->api->options.access, &call->arena, person,
                                                  &call->caller, &call->err);
    if (r == -(int)ERR_FORBIDDEN)
        api_problem(call, 403, "Forbidden", call->err.text);
    else if (r != 0)
        api_problem(call, 400, "BadRequest", call->err.text);
    return r == 0;
}

bool api_caller_find(struct api_call *call)
{
    const gnutls_datum_t *certificate = NULL;
    int r;
    if (call->authorization == NULL && call->api->options.client_ca_pem != NULL)
        certificate = verified_certificate(call->mhd);
    if (certificate != NULL)
        r = access_authenticate_certificate(&call->arena, certificate->data, certificate->size,
                                            &call->caller, &call->err);
    else
        r = access_authenticate(call->api->options.access, &call->arena, call->authorization,
                                &call->caller, &call->err);
    if (r != 0)
        refuse(call, r);
    return r == 0 && find_person(call);
}

/* A refusal of the policies' or RBAC's is the caller's; that nobody can judge is the recorder's. */
static bool judge(struct api_call *call, enum access_verb verb, const char *project, bool by_id)
{
    const int r = access_authorize(call->api->options.access, &call->arena, &call->caller, verb,
                                   project, &call->err);
    if (r == 0)
        return true;
    if (r == -(int)ERR_FORBIDDEN && by_id)
        /* Whose it is, is not theirs to know. */
        api_problem(call, 403, "Forbidden",
                    arena_printf(&call->arena, "User \"%s\" may not read what has this id.",
                                 call->caller.user));
    else if (r == -(int)ERR_FORBIDDEN)
        api_problem(call, 403, "Forbidden", call->err.text);
    else
        refuse(call, r);
    return false;
}

static bool find_by_id(struct api_call *call)
{
    struct store *store = call->api->options.store;
    int64_t project;
    int r;
    if (strncmp(call->route->path, "/api/deployments/", 17) == 0) {
        r = store_revision(store, &call->arena, call->id, &call->revision, &call->err);
        project = r == 0 ? call->revision.project_id : 0;
    } else {
        struct store_op op;
        r = store_op_get(store, &call->arena, call->id, &op, &call->err);
        project = r == 0 ? op.project : 0;
    }
    if (r == 0)
        r = store_project_get(store, &call->arena, project, &call->project, &call->err);
    if (r == 0 && strcmp(call->project.namespace_, call->api->options.namespace_) != 0)
        r = -(int)ERR_NOT_FOUND;
    if (r == -(int)ERR_NOT_FOUND)
        api_problem(call, 404, "NotFound", "The history has nothing with this id.");
    else if (r != 0)
        api_fail(call, r);
    return r == 0 && judge(call, ACCESS_READ, call->project.name, true);
}

static bool find_by_name(struct api_call *call)
{
    const int r =
        store_project_find(call->api->options.store, &call->arena, call->api->options.namespace_,
                           call->project_name, &call->project, &call->err);
    if (r == 0 || (r == -(int)ERR_NOT_FOUND && call->route->flags & API_NEW))
        return true;
    if (r == -(int)ERR_NOT_FOUND)
        api_problem(
            call, 404, "NotFound",
            arena_printf(&call->arena, "The history knows no project \"%s\".", call->project_name));
    else
        api_fail(call, r);
    return false;
}

bool api_caller_authorize(struct api_call *call)
{
    if (call->project_name != NULL)
        return judge(call, call->route->verb, call->project_name, false) && find_by_name(call);
    if (call->id == 0)
        return true;
    return find_by_id(call) && (call->route->verb == ACCESS_READ ||
                                judge(call, call->route->verb, call->project.name, false));
}

bool api_caller_reads(struct api_call *call, struct arena *arena, const char *project,
                      int *ret_code)
{
    const int r = access_authorize(call->api->options.access, arena, &call->caller, ACCESS_READ,
                                   project, &call->err);
    *ret_code = r == -(int)ERR_FORBIDDEN ? 0 : r;
    return r == 0;
}

struct caller api_caller_copy(struct arena *arena, const struct caller *caller)
{
    size_t count = 0;
    while (caller->groups != NULL && caller->groups[count] != NULL)
        count++;
    const char **groups = arena_array(arena, count + 1, sizeof *groups);
    for (size_t i = 0; i < count; i++)
        groups[i] = arena_strdup(arena, caller->groups[i]);
#define COPY(text) ((text) != NULL ? arena_strdup(arena, text) : NULL)
    return (struct caller){.user = COPY(caller->user),
                           .uid = COPY(caller->uid),
                           .groups = groups,
                           .groups_json = COPY(caller->groups_json),
                           .extra_json = COPY(caller->extra_json)};
#undef COPY
}
