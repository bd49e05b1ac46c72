/* Who is asking, and may they.
 *
 *     Authorization: Bearer ...   --TokenReview----------+
 *     TLS client certificate      --the cluster's CA-----+--> struct caller
 *
 *     caller, verb, project --SubjectAccessReview, and the policies' word on whose it is--> yes, no
 *
 * RBAC knows no name patterns, so in a shared namespace it lets every student read every project;
 * whose a project is, the policies say (pack `ownership`).  They are asked the same way the API
 * server asks them: what would they say if this caller deleted this Deployment?  A refusal of
 * DELETE for a Deployment that anybody may delete for himself means: not theirs.
 *
 * Answers are kept for a few seconds, tokens only as a digest.
 */
#ifndef PROCTOR_RECORDER_ACCESS_H
#define PROCTOR_RECORDER_ACCESS_H

#include "base/arena.h"
#include "base/err.h"
#include "client/kubeconfig.h"

#include <stdint.h>

struct caller {
    const char *user, *uid;
    const char *const *groups; /* ends with NULL */
    const char *groups_json;
};

enum access_verb {
    ACCESS_READ,     /* get */
    ACCESS_ROLLBACK, /* rollback: roll back, cancel, mark, restart, pause, resume, holds */
    ACCESS_DEPLOY,   /* patch, and create if it does not exist */
    ACCESS_UNDELETE  /* create */
};

struct access;

struct access_options {
    const struct kube_config *kube;
    const char *namespace_;
    const char *const *audiences; /* of tokens; NULL: the API server's own */
    int64_t keep_us;              /* how long an answer is believed; 0: 10 s */
};

NODISCARD int access_new(const struct access_options *options, struct access **ret_access,
                         struct err *reterr);
void access_free(struct access *access);

/* From any thread.  ERR_UNAUTHORIZED: no, malformed, expired or unknown token (the text is for the
 * caller and says which); ERR_UNREACHABLE, ERR_SERVER: the API server cannot tell now. */
NODISCARD int access_authenticate(struct access *access, struct arena *arena,
                                  const char *authorization, struct caller *ret_caller,
                                  struct err *reterr);

/* 0: they may.  ERR_FORBIDDEN: who, which verb, on what, in words for the caller; others as above.
 * project NULL: all of the namespace (lists, export). */
NODISCARD int access_authorize(struct access *access, struct arena *arena,
                               const struct caller *caller, enum access_verb verb,
                               const char *project, struct err *reterr);

#endif
