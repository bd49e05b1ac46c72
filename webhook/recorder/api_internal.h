/* What the files of the API share: one call on its way.
 *
 *     MHD's threads: bytes -> struct api_call --queue--> a worker: route, caller, rights, handler
 *                    bytes <- the answer      <--resume--+
 *
 *   api.c         sockets, limits, the queue and its workers
 *   api_call.c    a call's way through MHD
 *   api_flow.c    answers that are made while they are sent (export, stream)
 *   api_route.c   the table of routes: path, handler, right, parameters, body
 *   api_head.c    which row of the table; media types, sizes
 *   api_input.c   path, query, headers and body, checked by the table's rows
 *   api_caller.c  who asks, and may they
 *   api_problem.c refusals (RFC 9457)
 *   api_json.c    the store's rows -> the API's shapes
 *   api_read.c, api_evidence.c, api_diff.c, api_export.c, api_stream.c,
 *   api_act.c, api_review.c   handlers
 *   openapi.c     the document of all of it, from the same table
 *
 * A worker waits for the API server where it must; MHD's threads never wait.  A call's memory is
 * its arena; handlers run under arena_try and own nothing else.
 */
#ifndef PROCTOR_RECORDER_API_INTERNAL_H
#define PROCTOR_RECORDER_API_INTERNAL_H

#include "base/json.h"
#include "history/store.h"
#include "net/connection.h"
#include "recorder/api.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* Of one call: its input's tree, a row or two, what the policies need. */
#define API_ARENA_BYTES (32UL * 1024UL * 1024UL)
/* Of the rows that are looked at together: each may have a text of some 100 KiB, and a template. */
#define API_SCRATCH_BYTES (48UL * 1024UL * 1024UL)
#define API_ROWS_AT_ONCE  20U

#define API_ANSWER_BYTES (32UL * 1024UL * 1024UL)
#define API_URI_BYTES    4096U
#define API_PAGE_ROWS    200
#define API_PAGE_DEFAULT 50
#define API_CAUSES_MAX   32U
/* Ids and numbers that come in have at most 18 digits. */
#define API_NUMBER_MAX 999999999999999999LL

#define API_PARAMETERS_MAX 16U
#define API_MEMBERS_MAX    8U

#define API_IMAGE_SLOTS 1024U

struct api_call;
struct api_flow;

/* Work for a worker; it is part of what it works on. */
struct api_job {
    struct api_job *next;
    void (*run)(struct api_job *job, struct arena *scratch);
};

struct api_image {
    char *sha, *first, *list;
};

struct api {
    struct api_options options;
    struct MHD_Daemon *daemon;
    struct connection_keeper keeper;
    int listen_fd;
    size_t streams_most;

    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct api_job *first_job, **last_job;
    size_t queued, reserved;
    bool stop;
    atomic_bool draining;
    pthread_t *workers;
    size_t worker_count;

    atomic_size_t body_bytes; /* of all bodies together */
    atomic_int calls;         /* begun, and not sent yet */
    struct api_hub *hub;      /* api_stream.c */

    pthread_mutex_t image_lock;
    struct api_image images[API_IMAGE_SLOTS];

    char *openapi;
};

/* ---- The table (api_route.c) ------------------------------------------------------------ */

enum api_kind {
    API_KIND_NUMBER, /* whole, within [min, max] */
    API_KIND_TEXT,   /* at most max characters, without control characters */
    API_KIND_CHOICE, /* one of choices */
    API_KIND_SHA,    /* 64 hexadecimal digits */
    API_KIND_BOOL,   /* of a body only */
    API_KIND_CURSOR
};

/* A parameter of a query, or a member of a body. */
struct api_field {
    const char *name;
    enum api_kind kind;
    int64_t min, max;
    const char *choices; /* separated by blanks */
    const char *text;    /* for people: the document's description */
};

extern const struct api_field api_query_fields[];
extern const size_t api_query_field_count;
extern const struct api_field api_body_fields[];
extern const size_t api_body_field_count;

enum api_flag {
    API_PUBLIC = 1,      /* no caller is asked for */
    API_BODY_FREE = 2,   /* the body is the handler's matter; `input` names its schema */
    API_BODY_NEEDED = 4, /* an empty body is refused */
    API_REPEATS = 8,     /* Idempotency-Key and If-Match count */
    API_NEW = 16,        /* the project need not be known yet */
    API_FORMATS = 32     /* JSON or CSV, as `format` says */
};

typedef void api_handler(struct api_call *call);

struct api_route {
    const char *method, *path;
    api_handler *handler;
    const char *id; /* operationId */
    enum access_verb verb;
    const char *query;  /* names of api_query_fields, separated by blanks */
    const char *needs;  /* of them, those that must be there */
    const char *input;  /* names of api_body_fields; API_BODY_FREE: the schema of the body */
    const char *output; /* the schema of the answer; NULL: any JSON */
    int status;
    unsigned flags;
    const char *summary;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* Whether `words`, separated by blanks, has this one; NULL has none. */
bool api_has_word(const char *words, const char *word, size_t length);

/* ---- A call ----------------------------------------------------------------------------- */

enum api_state { API_READING, API_WORKING, API_DONE };

struct api_cause {
    const char *field, *message, *reason;
};

struct api_call {
    struct api_job job;
    struct api *api;
    struct MHD_Connection *mhd;
    enum api_state state;
    bool head_seen, is_head, refused;
    int64_t complete_us; /* monotonic: all of it was here */
    char request_id[17];

    /* As it came, on the heap. */
    char *uri, *authorization, *accept, *content_type, *key, *if_match, *last_event_id;
    char method[16];
    bool too_many; /* a header that may stand once stood twice */
    char *body;
    size_t body_length, body_capacity, received, expected;

    struct arena arena;
    struct arena *scratch; /* the worker's */
    const struct api_route *route;
    const char *path; /* decoded */
    const char *allow;
    const char *project_name; /* of {project} */
    int64_t id;               /* of {id} */
    const char *query[API_PARAMETERS_MAX];
    const cJSON *input;
    int64_t expect_generation;
    char body_digest[65];

    struct caller caller;
    struct store_project_row project; /* id 0: none */
    struct revision revision;         /* of /api/deployments/{id} */

    struct api_cause causes[API_CAUSES_MAX];
    size_t cause_count;
    struct err err;

    /* The answer. */
    unsigned status;
    struct buf out; /* on the heap */
    const char *media;
    char location[64], etag[32];
    unsigned retry_after;
    bool challenge; /* WWW-Authenticate */
    const char *attachment;
    struct api_flow *flow; /* instead of `out` */
};

/* A place for a job that wakes a connection: it is to be had before the connection is put to
 * sleep, and given back when it was woken.  False: too many (`bounded`), or the end is near. */
bool api_reserve(struct api *api, bool bounded);
void api_release(struct api *api);
/* Hands a job to the workers; they do all that they were given before they end. */
void api_submit(struct api *api, struct api_job *job);

/* What MHD calls (api_call.c): the first line is here; the head, a piece of the body, the end of
 * it; the call is over. */
void *api_call_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result api_call_handle(void *cls, struct MHD_Connection *mhd, const char *path,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context);
void api_call_end(void *cls, struct MHD_Connection *mhd, void **context,
                  enum MHD_RequestTerminationCode code);

/* ---- Input (api_input.c); each false: the problem is written ---------------------------- */

/* A path in its pieces, as they came, up to the question mark.  False: too many, or no path. */
#define API_SEGMENTS_MAX 8U
struct api_path {
    const char *items[API_SEGMENTS_MAX];
    size_t lengths[API_SEGMENTS_MAX];
    size_t count;
};
bool api_path_split(const char *path, struct api_path *ret_path);

/* The head alone: path, method, media types, sizes (api_head.c). */
bool api_input_head(struct api_call *call);
/* Path parameters, query, headers, body. */
bool api_input_read(struct api_call *call);
/* The value of a parameter; NULL: not given.  A number's; or `otherwise`. */
const char *api_query(const struct api_call *call, const char *name);
int64_t api_query_number(const struct api_call *call, const char *name, int64_t otherwise);
/* A whole number that is written plainly and at least `min`. */
bool api_parse_number(const char *text, int64_t min, int64_t *ret_number);
/* Notes what is wrong with a field; the first ones are kept. */
void api_cause(struct api_call *call, const char *field, const char *reason, const char *message);

/* The position in the cursor, 0: from the start; false: the problem is written. */
bool api_cursor_read(struct api_call *call, int64_t *ret_position);
#define API_CURSOR_BYTES 33
void api_cursor_write(const struct api_call *call, int64_t position, char text[API_CURSOR_BYTES]);

/* ---- Who (api_caller.c); false: the problem is written ---------------------------------- */

bool api_caller_find(struct api_call *call);
/* Project or revision of the path, and the right to do that. */
bool api_caller_authorize(struct api_call *call);
/* Whether the caller may read that project.  False, and *ret_code 0: they may not; else it cannot
 * be told. */
bool api_caller_reads(struct api_call *call, struct arena *arena, const char *project,
                      int *ret_code);

/* The caller, in memory that outlives the call. */
struct caller api_caller_copy(struct arena *arena, const struct caller *caller);

/* ---- Problems (api_problem.c) ----------------------------------------------------------- */

/* Writes the problem, instead of whatever was there.  `detail` is for a person. */
void api_problem(struct api_call *call, unsigned status, const char *reason, const char *detail);
/* With details.causes as the API server gives them (NULL: none). */
void api_problem_causes(struct api_call *call, unsigned status, const char *reason,
                        const char *detail, const cJSON *causes);
/* The causes that were noted: 400 BadRequest.  True: there are none. */
bool api_problem_none(struct api_call *call, const char *detail);
/* What the store, the API server or memory did: call->err, said as far as it is the caller's. */
void api_fail(struct api_call *call, int code);
/* "Not Found": the title of a reason. */
const char *api_problem_title(unsigned status);

/* ---- Shapes (api_json.c) ---------------------------------------------------------------- */

/* What all revisions of a project have in common. */
struct api_shape {
    const struct store_project_row *project;
    int64_t current; /* the id of the one that is live; 0: none */
    const struct store_hold *holds;
    size_t hold_count;
};

/* Looks it up; lives in `arena`. */
NODISCARD int api_shape_read(struct api *api, struct arena *arena,
                             const struct store_project_row *project, struct api_shape *ret_shape,
                             struct revision *ret_current, struct err *reterr);

/* Each appends one value. */
NODISCARD int api_write_deployment(struct api *api, struct arena *scratch, struct buf *out,
                                   const struct api_shape *shape, const struct revision *revision,
                                   struct err *reterr);
void api_write_event(struct arena *arena, struct buf *out, const char *project,
                     const struct store_event *event);
void api_write_instance(struct buf *out, const struct store_instance *instance);
NODISCARD int api_write_hold(struct api *api, struct arena *scratch, struct buf *out,
                             const struct store_hold *hold, struct err *reterr);
void api_write_operation(struct arena *arena, struct buf *out, const char *project,
                         const struct store_op *op);

/* Members: ,"key":value.  Text NULL and time 0 are null; id 0 too. */
void api_add_text(struct buf *out, const char *key, const char *text);
void api_add_number(struct buf *out, const char *key, int64_t number);
void api_add_id(struct buf *out, const char *key, int64_t id);
void api_add_bool(struct buf *out, const char *key, bool value);
void api_add_time(struct buf *out, const char *key, int64_t at_us);
/* JSON that is stored as text; null if it is none. */
void api_add_json(struct arena *arena, struct buf *out, const char *key, const char *json);

const char *api_good_name(enum revision_good good);
const char *api_origin_name(enum revision_origin origin);

/* The images of a template: the first container's, and all as JSON; in `arena`. */
NODISCARD int api_images(struct api *api, struct arena *arena, const char *sha,
                         const char **ret_first, const char **ret_list, struct err *reterr);

/* ---- Pieces of answers (api_read.c) ----------------------------------------------------- */

/* Runs it with call->scratch, which is emptied after it; ERR_LIMIT if that ran out. */
NODISCARD int api_in_scratch(struct api_call *call,
                             int (*run)(struct api_call *call, void *context), void *context);
/* A comma, but before the first. */
void api_begin_item(struct api_call *call, size_t index);
/* The revision of the call, and its instances without their brackets; both within scratch. */
NODISCARD int api_write_call_deployment(struct api_call *call);
NODISCARD int api_write_instances(struct api_call *call, void *context);

/* ---- Flows (api_flow.c) ----------------------------------------------------------------- */

/* An answer that is made while it is sent.  MHD has a reference; so has whoever makes it: the job
 * while it is queued and runs (`pulled`), or the hub. */
struct api_flow {
    struct api_job job;
    struct api *api;
    pthread_mutex_t lock;
    atomic_int references;
    struct MHD_Connection *mhd;
    struct buf bytes; /* not sent yet, from `sent` on */
    size_t sent;
    bool suspended, ended, failed, gone;
    bool pulled;                         /* `job` makes more whenever all was sent */
    void (*released)(struct api_flow *); /* when nobody has it any more */
};

void api_flow_init(struct api_flow *flow, struct api_call *call, size_t max_bytes, int references);
void api_flow_unref(struct api_flow *flow);
/* Appends bytes, and ends it there if `last`.  False: they are not wanted any more, or there is no
 * room for them: the reader is too slow. */
bool api_flow_put(struct api_flow *flow, const char *bytes, size_t length, bool last);
/* What was put is still sent; `failed`: the connection is broken off after it, so that nobody
 * takes it for all.  The first end counts. */
void api_flow_end(struct api_flow *flow, bool failed);
/* Bytes that were put and not taken yet. */
size_t api_flow_waiting(struct api_flow *flow);
/* MHD's reference, if it never came to a response. */
void api_flow_drop(struct api_flow *flow);
/* The response takes over MHD's reference; NULL: memory is short. */
struct MHD_Response *api_flow_response(struct api_flow *flow);

/* ---- The streams (api_stream.c) --------------------------------------------------------- */

NODISCARD int api_hub_start(struct api *api, struct err *reterr);
void api_hub_pulse(struct api *api, int64_t project);
/* Streams are told to come again, and end. */
void api_hub_stop(struct api *api);
void api_hub_free(struct api *api); /* when no worker is left */

/* ---- Handlers --------------------------------------------------------------------------- */

api_handler api_get_openapi, api_get_whoami, api_get_projects, api_get_project, api_get_deployments,
    api_get_project_events, api_get_stream, api_get_holds, api_get_deployment,
    api_get_deployment_events, api_get_instances, api_get_evidence, api_get_template, api_get_diff,
    api_get_operation, api_get_gaps, api_get_export, api_post_deploy, api_post_restart,
    api_post_pause, api_post_resume, api_post_undelete, api_post_rollback, api_post_cancel,
    api_post_mark, api_delete_hold, api_post_review;

/* openapi.c: the document, on the heap; NULL if memory is short. */
char *api_openapi_write(void);

#endif
