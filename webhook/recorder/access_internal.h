/* What access's files share. */
#ifndef PROCTOR_RECORDER_ACCESS_INTERNAL_H
#define PROCTOR_RECORDER_ACCESS_INTERNAL_H

#include "base/json.h"
#include "client/pool.h"
#include "recorder/access.h"
#include "recorder/access_cache.h"

struct access {
    const char *namespace_;
    const char *const *audiences;
    const char *const *trusted;
    struct client_pool *pool;
    struct access_cache *callers; /* token -> user as JSON, or why not */
    struct access_cache *rights;
};

/* What one answer of the API server may take. */
#define ACCESS_ARENA_BYTES (4 * 1024UL * 1024UL)

/* A caller from user info as TokenReview and AdmissionReview write it ({"username": ...}).
 * ERR_UNAUTHORIZED: nobody, or nobody in particular. */
NODISCARD int access_read_user(struct arena *arena, const cJSON *user, struct caller *ret_caller,
                               struct err *reterr);

/* The reverse, as nodes: of a SubjectAccessReview's spec ("user") or of user info ("username"). */
void access_add_user(struct arena *arena, cJSON *object, const char *user_key,
                     const struct caller *caller);

/* Creates a review object of the API server's and gives its `status`, which lives in `arena`.  All
 * errors are for the caller (see access_authenticate); `about` is what could not be found out. */
NODISCARD int access_ask(struct access *access, struct arena *arena, const char *path,
                         const char *about, const cJSON *review, const cJSON **ret_status,
                         struct err *reterr);

/* Whose a project is, by the policies that serve now.  ERR_FORBIDDEN with the rule's words,
 * ERR_POLICY, ERR_LIMIT. */
NODISCARD int access_owns(const char *namespace_, const struct caller *caller, const char *verb,
                          const char *project, struct err *reterr);

/* A name of a stranger's for an error's text. */
#define ACCESS_SHOWN 100U

#endif
