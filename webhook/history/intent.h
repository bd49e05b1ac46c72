/* An admission intent: who is about to change a Deployment, on whose behalf, and into what.
 *
 *     AdmissionReview --intent_read--> struct intent --store, machine-->
 *                                           |
 *                                           +--intent_answer--> bytes
 *
 * Asked by the recorder's own ValidatingWebhookConfiguration, which fails open and says nothing of
 * anybody else's judgement: an intent may still be refused elsewhere.  One thing is refused here: a
 * change to a template under hold.  Pure: the hold and the nonce are looked up by the caller's
 * functions, when to answer is the server's matter.
 *
 * Whatever here is believed was said by the API server (userInfo), or by an account that is
 * trusted by its exact name.  Everything else is text of strangers, kept as text.
 */
#ifndef PROCTOR_HISTORY_INTENT_H
#define PROCTOR_HISTORY_INTENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "history/machine.h"

/* The reason of the cause in a refusal by a hold: rollback.c knows it by that. */
#define INTENT_HOLD_REASON "TemplateOnHold"

/* How the nonces begin that the recorder itself makes: `kubectl rollout undo` brings the
 * annotations of then back, and who undoes is not to be warned of what he did not write. */
#define INTENT_OWN_NONCE "op-"

/* A template that is not to come back for now. */
struct intent_hold {
    const char *set_by, *reason;
    int64_t until; /* microseconds since 1970; 0: until it is lifted */
};

struct intent_settings {
    /* Accounts whose word on whose behalf they act counts, "system:serviceaccount:..."; NULL at
     * the end; NULL: none. */
    const char *const *trusted;
    /* The recorder's own account: trusted too, and proctor.dev/history-id counts from nobody else.
     * NULL: none. */
    const char *self;

    void *context;
    /* Whether a template of this project is under hold; fills *ret_hold.  NULL: none ever is. */
    bool (*is_held)(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold);
    /* Whether a nonce was never used for anything but `claim`, and from now on is: the API server
     * asks again for one and the same change.  NULL: no nonce is new. */
    bool (*nonce_is_new)(void *context, const char *nonce, const char *claim);
};

struct intent {
    /* Its uid is known on CREATE too, its generation always.  Groups are a JSON list.  written_sha
     * is the template's in the last-applied text of this very request. */
    struct machine_intent machine;
    const char *review_uid; /* for the answer; "" : it is not known, and there is none */
    const char *namespace_, *name;
    bool counts;  /* a change to a Deployment that is really meant: to be stored */
    bool refused; /* by a hold; never together with `counts` */
    bool dry_run;
    const char *message;         /* of the refusal, whole */
    const char *not_on_behalf;   /* why the annotation does not count; NULL: it does, or is none */
    const char *const *warnings; /* for the user; NULL at the end */
};

/* Reads one AdmissionReview; body[length] must be NUL; all lives in `arena`.  Any request that is
 * not about a Deployment is read as one that does not count.  Errors as admit_request_parse:
 * nothing to be stored then, but *ret_intent can be answered if its review_uid is known. */
NODISCARD int intent_read(struct arena *arena, const char *body, size_t length,
                          const struct intent_settings *settings, int64_t now,
                          struct intent *ret_intent, struct err *reterr);

/* Appends the AdmissionReview that answers: allowed, unless refused. */
void intent_answer(struct arena *arena, const struct intent *intent, struct buf *answer);

#endif
