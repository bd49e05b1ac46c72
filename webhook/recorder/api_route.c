/* The table: what is answered, to whom, with which words.  openapi.c writes the document from the
 * same rows, api_input.c checks by them what comes in. */
#include "recorder/api_internal.h"

const struct api_field api_query_fields[] = {
    {"limit", API_KIND_NUMBER, 1, API_PAGE_ROWS, NULL, "rows of one page"},
    {"cursor", API_KIND_CURSOR, 1, 64, NULL, "nextCursor of the page before"},
    {"status", API_KIND_CHOICE, 0, 0,
     "Pending InProgress Completed Failed RollingBack RolledBack Superseded Cancelled NotPersisted "
     "Unknown Deleted",
     "only those of this status"},
    {"good", API_KIND_CHOICE, 0, 0, "yes no unknown", "only those of this judgement"},
    {"actor", API_KIND_TEXT, 1, 256, NULL, "only this user's"},
    {"template", API_KIND_SHA, 0, 0, NULL, "only those of this template"},
    {"against", API_KIND_NUMBER, 1, API_NUMBER_MAX, NULL,
     "the id of the other version; without it, the one before"},
    {"after", API_KIND_NUMBER, 0, API_NUMBER_MAX, NULL,
     "events with a greater id; Last-Event-ID counts more"},
    {"format", API_KIND_CHOICE, 0, 0, "csv json", "json if not given"},
    {"project", API_KIND_TEXT, 1, 253, NULL, "only this project's"},
};
const size_t api_query_field_count = sizeof api_query_fields / sizeof api_query_fields[0];
_Static_assert(sizeof api_query_fields / sizeof api_query_fields[0] <= API_PARAMETERS_MAX,
               "struct api_call has room for them");

const struct api_field api_body_fields[] = {
    {"reason", API_KIND_TEXT, 0, 1000, NULL, "why, in the person's words"},
    {"resume", API_KIND_BOOL, 0, 0, NULL, "a paused one is unpaused by the same write"},
    {"dryRun", API_KIND_BOOL, 0, 0, NULL, "only find out what would happen"},
    {"deployment", API_KIND_NUMBER, 1, API_NUMBER_MAX, NULL,
     "the id of the version to make again; without it, the newest good one"},
    {"good", API_KIND_CHOICE, 0, 0, "yes no unknown", "the person's judgement"},
};
const size_t api_body_field_count = sizeof api_body_fields / sizeof api_body_fields[0];
_Static_assert(sizeof api_body_fields / sizeof api_body_fields[0] <= API_MEMBERS_MAX, "");

#define PAGE    "limit cursor"
#define ACT     API_REPEATS
#define PROJECT "/api/projects/{project}"
#define ONE     "/api/deployments/{id}"

const struct api_route api_routes[] = {
    {"GET", "/openapi.json", api_get_openapi, "getOpenapi", ACCESS_READ, NULL, NULL, NULL,
     "Document", 200, API_PUBLIC, "this document"},
    {"GET", "/api/whoami", api_get_whoami, "getWhoami", ACCESS_READ, NULL, NULL, NULL, "Caller",
     200, 0, "who the caller is to the cluster"},
    {"GET", "/api/projects", api_get_projects, "getProjects", ACCESS_READ, PAGE, NULL, NULL,
     "ProjectList", 200, 0,
     "the projects that the caller may read; a page may have fewer than limit though more follow"},
    {"GET", PROJECT, api_get_project, "getProject", ACCESS_READ, NULL, NULL, NULL, "Project", 200,
     0, "one project; its ETag is the Deployment's generation"},
    {"GET", PROJECT "/deployments", api_get_deployments, "getDeployments", ACCESS_READ,
     PAGE " status good actor template", NULL, NULL, "DeploymentList", 200, 0,
     "its versions, newest first"},
    {"GET", PROJECT "/events", api_get_project_events, "getProjectEvents", ACCESS_READ, PAGE, NULL,
     NULL, "EventList", 200, 0, "its events, oldest first"},
    {"GET", PROJECT "/stream", api_get_stream, "getStream", ACCESS_READ, "after", NULL, NULL,
     "Stream", 200, 0, "its events as they happen (server-sent events)"},
    {"GET", PROJECT "/holds", api_get_holds, "getHolds", ACCESS_READ, NULL, NULL, NULL, "HoldList",
     200, 0, "templates that may not come back for now"},
    {"DELETE", PROJECT "/holds", api_delete_hold, "liftHold", ACCESS_ROLLBACK, "template",
     "template", NULL, "Done", 200, ACT, "lift a hold"},
    {"POST", PROJECT "/deploy", api_post_deploy, "deploy", ACCESS_DEPLOY, NULL, NULL, "Deploy",
     "Accepted", 202, ACT | API_BODY_FREE | API_BODY_NEEDED | API_NEW,
     "a new version from an image and its environment"},
    {"POST", PROJECT "/restart", api_post_restart, "restart", ACCESS_ROLLBACK, NULL, NULL,
     "reason dryRun", "Accepted", 202, ACT, "the same version with new pods"},
    {"POST", PROJECT "/pause", api_post_pause, "pause", ACCESS_ROLLBACK, NULL, NULL,
     "reason dryRun", "Accepted", 202, ACT, "changes are not rolled out"},
    {"POST", PROJECT "/resume", api_post_resume, "resume", ACCESS_ROLLBACK, NULL, NULL,
     "reason dryRun", "Accepted", 202, ACT, "changes are rolled out again"},
    {"POST", PROJECT "/undelete", api_post_undelete, "undelete", ACCESS_UNDELETE, NULL, NULL,
     "reason deployment dryRun", "Accepted", 202, ACT, "make it again after it was deleted"},
    {"GET", ONE, api_get_deployment, "getDeployment", ACCESS_READ, NULL, NULL, NULL, "Deployment",
     200, 0, "one version"},
    {"GET", ONE "/events", api_get_deployment_events, "getDeploymentEvents", ACCESS_READ, PAGE,
     NULL, NULL, "EventList", 200, 0, "its events, oldest first"},
    {"GET", ONE "/instances", api_get_instances, "getInstances", ACCESS_READ, NULL, NULL, NULL,
     "InstanceList", 200, 0, "its containers, pod by pod"},
    {"GET", ONE "/evidence", api_get_evidence, "getEvidence", ACCESS_READ, NULL, NULL, NULL,
     "Evidence", 200, 0, "why it ended as it did"},
    {"GET", ONE "/template", api_get_template, "getTemplate", ACCESS_READ, NULL, NULL, NULL,
     "Template", 200, 0, "its pod template"},
    {"GET", ONE "/diff", api_get_diff, "getDiff", ACCESS_READ, "against", NULL, NULL, "Diff", 200,
     0, "what another version had otherwise"},
    {"POST", ONE "/rollback", api_post_rollback, "rollback", ACCESS_ROLLBACK, NULL, NULL,
     "reason resume dryRun", "Accepted", 202, ACT, "go back to this version"},
    {"POST", ONE "/cancel", api_post_cancel, "cancel", ACCESS_ROLLBACK, NULL, NULL, "reason dryRun",
     "Accepted", 202, ACT, "stop this version, which is under way: back to the last good one"},
    {"POST", ONE "/mark", api_post_mark, "mark", ACCESS_ROLLBACK, NULL, NULL, "good reason", "Done",
     200, ACT | API_BODY_NEEDED, "say whether it is good"},
    {"GET", "/api/operations/{id}", api_get_operation, "getOperation", ACCESS_READ, NULL, NULL,
     NULL, "Operation", 200, 0, "what became of something that was accepted"},
    {"GET", "/api/gaps", api_get_gaps, "getGaps", ACCESS_READ, NULL, NULL, NULL, "GapList", 200, 0,
     "when the recorder did not see the cluster"},
    {"GET", "/api/export", api_get_export, "export", ACCESS_READ, "format project", NULL, NULL,
     "Export", 200, API_FORMATS, "all versions that the caller may read"},
    {"POST", "/api/review", api_post_review, "review", ACCESS_READ, NULL, NULL, "Manifest",
     "Review", 200, API_BODY_FREE | API_BODY_NEEDED,
     "what the policies would do to this manifest if the caller applied it"},
};
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
