/* A client of the Kubernetes API, on libcurl: one connection kept, one call at a time.
 *
 *     kubeconfig  --client_new-->  struct kube_client  --client_get, client_patch, ...-->  cJSON
 *
 * Every call gives either the object, or an error whose code says what to do about it and whose
 * text names server, verb, path and the API server's own words (made visible).  Calls that change
 * nothing are repeated on a dropped connection, on 429 and on 5xx with Retry-After, within the
 * deadline; calls that change something only where the API server surely has not acted (no
 * connection, 429).  Nothing is printed; tokens and keys never stand in an error.
 */
#ifndef PROCTOR_CLIENT_CLIENT_H
#define PROCTOR_CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "client/kubeconfig.h"

struct kube_client; /* of one thread */

struct client_options {
    long connect_seconds;      /* 0: 10 */
    long call_seconds;         /* a whole call with its repetitions; 0: 30 */
    const char *user_agent;    /* NULL: proctor/VERSION */
    const char *field_manager; /* NULL: proctor; sent with everything that writes */
};

/* `config` must outlive the client.  Does not connect yet.  ERR_KUBECONFIG, ERR_NO_MEMORY. */
NODISCARD int client_new(const struct kube_config *config, const struct client_options *options,
                         struct kube_client **ret_client, struct err *reterr);
void client_free(struct kube_client *client); /* NULL is fine */

/* How a patch's body is to be read. */
enum client_patch {
    CLIENT_PATCH_JSON,
    CLIENT_PATCH_MERGE,
    CLIENT_PATCH_STRATEGIC,
    CLIENT_PATCH_APPLY
};

/* All strings of *ret_object live in `arena`, Secrets too: the client wipes its own copy.
 * `path` is everything after the server, query included ("/api/v1/namespaces/x/pods?limit=5");
 * names in it are the caller's to have escaped: see client_path.  *ret_object lives in `arena`.
 * Errors, beside ERR_NO_MEMORY and ERR_INTERNAL:
 *   ERR_KUBECONFIG    the token file or the credential plugin gives no credential
 *   ERR_UNREACHABLE   no connection, TLS failed, closed half-way, the deadline passed
 *   ERR_ANSWER        an answer that is no JSON, or no Kubernetes object
 *   ERR_UNAUTHORIZED  401: who we are is not believed (expired or wrong credential)
 *   ERR_FORBIDDEN     403: the right is missing; the text names verb and resource
 *   ERR_NOT_FOUND     404
 *   ERR_CONFLICT      409: changed meanwhile, or AlreadyExists
 *   ERR_GONE          410: the resourceVersion is too old
 *   ERR_REFUSED       400, 405, 413, 415, 422: the API server or a webhook refused the object
 *   ERR_BUSY          429 until the deadline
 *   ERR_SERVER        5xx until the deadline, and any other code */
NODISCARD int client_get(struct kube_client *client, struct arena *arena, const char *path,
                         cJSON **ret_object, struct err *reterr);
/* Only the metadata of an object (PartialObjectMetadata): a Secret's values stay where they are. */
NODISCARD int client_get_metadata(struct kube_client *client, struct arena *arena, const char *path,
                                  cJSON **ret_object, struct err *reterr);
NODISCARD int client_create(struct kube_client *client, struct arena *arena, const char *path,
                            const cJSON *object, cJSON **ret_object, struct err *reterr);
NODISCARD int client_replace(struct kube_client *client, struct arena *arena, const char *path,
                             const cJSON *object, cJSON **ret_object, struct err *reterr);
NODISCARD int client_patch(struct kube_client *client, struct arena *arena, const char *path,
                           enum client_patch type, const cJSON *patch, cJSON **ret_object,
                           struct err *reterr);
NODISCARD int client_delete(struct kube_client *client, struct arena *arena, const char *path,
                            const cJSON *options, cJSON **ret_object, struct err *reterr);

/* The bytes of an answer that is no object (a pod's /metrics through the API server's proxy);
 * *ret_text lives in `arena` and ends with a NUL.  Errors as above. */
NODISCARD int client_get_text(struct kube_client *client, struct arena *arena, const char *path,
                              const char **ret_text, struct err *reterr);

/* All pages of a list in one array of items (limit and continue; a 410 begins again). */
NODISCARD int client_list(struct kube_client *client, struct arena *arena, const char *path,
                          cJSON **ret_items, struct err *reterr);

/* What the last answer said in its Warning headers (RFC 9110 11.3, code 299), made visible; ends
 * with NULL; until the next call. */
const char *const *client_warnings(const struct kube_client *client);

/* The Status object of the last refusal (details.causes and so on), NULL if it had none; lives in
 * the arena of that call. */
const cJSON *client_status(const struct kube_client *client);

/* A path with each %s percent-encoded as one segment:
 * client_path(arena, "/api/v1/namespaces/%s/secrets/%s", space, name). */
const char *client_path(struct arena *arena, const char *format, ...)
    __attribute__((returns_nonnull));

#endif
