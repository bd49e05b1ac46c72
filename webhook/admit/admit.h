/* The engine's one door: an AdmissionReview in, its answer out.
 *
 *   bytes -> admit_request_parse -> admit_review -> admit_response_write -> bytes
 *
 * admit_review does what POLICY.md says and nothing else: no socket, no disk, no clock; `now` is
 * a parameter.  The same call serves the webhook, `proctor review`, `proctor test`, the tests,
 * the fuzzers and the benchmark.
 *
 * At ADMIT_MUTATE rules change the request's own tree and the result is checked; at
 * ADMIT_VALIDATE the object is judged as it stands.  The binding denial is /validate's.
 */
#ifndef PROCTOR_ADMIT_ADMIT_H
#define PROCTOR_ADMIT_ADMIT_H

#include "policy/edit.h"
#include "policy/set.h"
#include "policy/verb.h"

enum admit_phase { ADMIT_MUTATE, ADMIT_VALIDATE };

struct admit_request {
    enum admit_phase phase;
    cJSON *request; /* the review's `request` member: $request */
    const char *uid;
    const char *group, *version, *kind;
    const char *resource_group, *resource, *subresource; /* subresource "" for none */
    const char *resource_text;                           /* name.group[/subresource] */
    const char *name;       /* as given; "" if absent (generateName, deletecollection) */
    const char *name_space; /* NULL: cluster-scoped */
    enum operation operation;
    const char *user;
    const cJSON *groups; /* the list, or NULL */
    bool dry_run;
    cJSON *object, *old_object, *options; /* NULL if absent or null */
    const struct schema_kind *schema;     /* NULL: a kind that the table lacks */
};

/* Parses an AdmissionReview.  ERR_JSON, ERR_LIMIT: the bytes are no good; ERR_REVIEW: not an
 * admission.k8s.io/v1 AdmissionReview, or uid, kind, resource, operation, userInfo or the
 * operation's object is missing; ERR_TYPE: a member of object or oldObject has another type than
 * its schema says (ret_request->uid is set then, so that the refusal can carry it; it is "" if
 * nothing better is known).  body[length] must be NUL.  All lives in `arena`. */
NODISCARD int admit_request_parse(struct arena *arena, const char *body, size_t length,
                                  enum admit_phase phase, struct admit_request *ret_request,
                                  struct err *reterr);

/* One thing that is wrong, or would be if its rule were enforced. */
struct violation {
    const struct rule *rule;
    const char *field;   /* spec.template.spec.containers[0].image */
    const char *pointer; /* the same as JSON Pointer, for tools */
    enum policy_mode mode;
    bool ratcheted;                           /* old and untouched: a warning */
    const struct policy_exception *exception; /* covers it, unless expired */
    bool exception_expired;
    bool by_mutating_verb; /* of set, default or a clamp: may be forgiven after a reload */
    struct finding finding;
    const char *why;     /* the rule's words, in the set's language, variables put in */
    const char *fix;     /* YAML to paste or a command; "" if none is known */
    const cJSON *anchor; /* the deepest node that exists on the way to the field */
    bool absent;         /* the field itself does not */
    size_t position;     /* in the document */
    struct violation *next;
};

enum verdict_outcome { VERDICT_ALLOWED, VERDICT_PATCHED, VERDICT_DENIED, VERDICT_NOT_JUDGED };

struct verdict {
    bool allowed;
    enum verdict_outcome outcome;
    const char *not_judged_because;       /* VERDICT_NOT_JUDGED: "no policy matches", ... */
    const struct policy *const *policies; /* that judged, in the set's order */
    size_t policy_count;
    struct violation *violations; /* all, in the document's order, of every mode */
    size_t violation_count;       /* enforced ones that deny */
    const char *patch;            /* JSON Patch text; NULL: none */
    size_t patch_length;
    size_t operation_count;
    const struct edit *edits; /* what was changed, for tools */
    const char **warnings;
    size_t warning_count;
    /* status, when denied */
    int code;
    const char *reason;
    const char *message;
    const cJSON *details;
    unsigned retry_after_seconds; /* > 0: overload, not a denial */
    /* audit annotations */
    const char *audit_verdict;
    const char *audit_rules; /* ids of the rules that acted, space-separated; "" for none */
    const char *digest;      /* of the policy set */
};

/* Judges.  0 and the whole verdict; ERR_LIMIT if the arena or another cap was passed (the answer
 * is then admit_refuse's).  The verdict lives in `arena`; the request's tree is changed. */
NODISCARD int admit_review(const struct policy_set *set, struct admit_request *request, int64_t now,
                           struct arena *arena, struct verdict *ret_verdict, struct err *reterr);

/* A verdict that refuses for a reason that is no policy: an error, overload, a deadline.  Never
 * allowed.  `code` is the row of the error; ERR_BUSY and ERR_DEADLINE carry retryAfterSeconds. */
void admit_refuse(int code, const char *message, struct arena *arena, struct verdict *ret_verdict);

/* Appends the AdmissionReview answer. */
void admit_response_write(const struct verdict *verdict, const char *uid, struct buf *buf);

/* Bytes to bytes: parse, judge, write; what /mutate and /validate do.  Returns 0, or the error's
 * code with an answer that says so all the same when the uid is known (then *ret_answered is
 * true); otherwise nothing was written and the error is the HTTP answer.  *ret_verdict may be
 * NULL; for metrics and the decision log, as *ret_request. */
NODISCARD int admit_answer(const struct policy_set *set, enum admit_phase phase, const char *body,
                           size_t length, int64_t now, struct arena *arena, struct buf *answer,
                           struct admit_request *ret_request, struct verdict *ret_verdict,
                           bool *ret_answered, struct err *reterr);

#endif
