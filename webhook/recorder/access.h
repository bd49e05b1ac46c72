/* Who is asking, and may they.
 *
 *     Authorization: Bearer ...   --TokenReview------------------+
 *     TLS client certificate      --CN is user, O are groups-----+--> struct caller
 *
 *     caller, verb, project --SubjectAccessReview, and the policies' word on whose it is--> yes, no
 *
 * RBAC knows no name patterns, so in a shared namespace it lets every student read every project;
 * whose a project is, the policies say (pack `ownership`).  They are asked the same way the API
 * server asks them: what would they say if this caller deleted this Deployment?  A refusal of
 * DELETE for a Deployment that anybody may delete for himself means: not theirs.
 *
 * Answers are kept for a few seconds, refusals for fewer, tokens only as a digest.  A policy that
 * was loaded anew counts at once.
 *
 * What the recorder itself needs: to create tokenreviews.authentication.k8s.io and
 * subjectaccessreviews.authorization.k8s.io (the ClusterRole system:auth-delegator).
 */
#ifndef PROCTOR_RECORDER_ACCESS_H
#define PROCTOR_RECORDER_ACCESS_H

#include "base/arena.h"
#include "base/err.h"
#include "client/kubeconfig.h"

#include <stdint.h>

struct caller {
    const char *user, *uid;    /* uid NULL: none */
    const char *const *groups; /* ends with NULL */
    const char *groups_json;
    const char *extra_json; /* userInfo.extra: part of what authorizers judge by; NULL: none */
    /* The person that a trusted account acts for, as it says (access_act_for); NULL: nobody. */
    const char *on_behalf_of;
};

enum access_verb {
    ACCESS_READ,     /* get */
    ACCESS_ROLLBACK, /* rollback: roll back, cancel, mark, restart, pause, resume, holds */
    /* create and patch of Deployment, Service and Ingress: the recorder writes them for the
     * caller, so the caller must be allowed to write them. */
    ACCESS_DEPLOY,
    ACCESS_UNDELETE /* create */
};

struct access;

struct access_options {
    const struct kube_config *kube; /* must outlive it, as all of this */
    const char *namespace_;
    const char *const *audiences; /* of tokens; NULL: the API server's own */
    int64_t keep_us;              /* how long an answer is believed; 0: 10 s */
    /* Accounts whose word counts on whose behalf they act, by their exact names; NULL at the end;
     * NULL: none. */
    const char *const *trusted;
};

NODISCARD int access_new(const struct access_options *options, struct access **ret_access,
                         struct err *reterr);
void access_free(struct access *access);

/* Who sends the text of an Authorization header (NULL: none was sent).  From any thread; all of
 * *ret_caller lives in `arena`.  No error holds the token.
 * ERR_UNAUTHORIZED: no, malformed, expired or unknown token, or nobody in particular (the text is
 * for the caller and says which); ERR_UNREACHABLE, ERR_SERVER, ERR_BUSY: the API server cannot tell
 * now, and the log says why; ERR_NO_MEMORY. */
NODISCARD int access_authenticate(struct access *access, struct arena *arena,
                                  const char *authorization, struct caller *ret_caller,
                                  struct err *reterr);

/* Who a client certificate (DER) names, by the API server's rule: CN is the user, each O a group.
 * That its chain ends in the CA of --client-ca, and that the client has its key, GnuTLS has
 * verified before; that it is valid now and meant for clients is looked at here.
 * ERR_UNAUTHORIZED as above. */
NODISCARD int access_authenticate_certificate(struct arena *arena, const void *der, size_t length,
                                              struct caller *ret_caller, struct err *reterr);

/* Notes on whose behalf a caller says that it acts: a portal's teacher.  Its own rights are what
 * counts all the same.  ERR_FORBIDDEN: it is not trusted with that; ERR_USAGE: not the name of
 * anybody. */
NODISCARD int access_act_for(const struct access *access, struct arena *arena, const char *person,
                             struct caller *caller, struct err *reterr);

/* 0: they may.  ERR_FORBIDDEN: who, which verb, on what, in words for the caller; ERR_POLICY: no
 * policies are loaded that could say whose it is; others as above.
 * project NULL: anything of that kind in the namespace at all (lists and export, which are then
 * filtered by asking about each project). */
NODISCARD int access_authorize(struct access *access, struct arena *arena,
                               const struct caller *caller, enum access_verb verb,
                               const char *project, struct err *reterr);

#endif
