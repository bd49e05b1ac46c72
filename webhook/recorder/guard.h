/* Whether the recorder may roll back by itself: all guards must hold.
 *
 *     store, API server --struct guard_facts--> guard_judge --> the guards that do not hold
 *
 * One row of GUARD_TABLE is one guard: its name (in events and metrics), why it stands in the way.
 * Pure: no socket, no clock, no database.
 */
#ifndef PROCTOR_RECORDER_GUARD_H
#define PROCTOR_RECORDER_GUARD_H

#include "base/json.h"
#include "history/revision.h"

/* A failure that nobody acted upon for so long is for people. */
#define GUARD_AGE_US       (INT64_C(20) * 60 * 1000000)
#define GUARD_HOUR_US      (INT64_C(3600) * 1000000)
#define GUARD_PER_TEMPLATE 1
#define GUARD_PER_HOUR     2

#define GUARD_TABLE(X)                                                                             \
    X(GUARD_OPTED_IN, "OptedIn",                                                                   \
      "automatic rollback is not switched on: annotate the Deployment with "                       \
      "proctor.dev/auto-rollback: \"true\"")                                                       \
    X(GUARD_FAILED, "Failed", "it is not failed, or has recovered")                                \
    X(GUARD_OWN_FAULT, "OwnFault", "its failure is not known to come from its own pods")           \
    X(GUARD_STILL_STORED, "StillStored", "the Deployment has another version by now, or is gone")  \
    X(GUARD_FRESH, "Fresh", "it failed more than 20 minutes ago")                                  \
    X(GUARD_NOT_PAUSED, "NotPaused", "the Deployment is paused")                                   \
    X(GUARD_NOTHING_PENDING, "NothingPending", "another change is on its way")                     \
    X(GUARD_NO_ROLLBACK, "NoRollback", "it is a rollback itself: a second step is for people")     \
    X(GUARD_TARGET, "GoodTarget", "no earlier version is known to be good and may come back")      \
    X(GUARD_ONCE, "OncePerTemplate", "the same template was rolled back automatically before")     \
    X(GUARD_RATE, "TwicePerHour", "the project had two automatic rollbacks within an hour")        \
    X(GUARD_NOT_MANAGED, "NotManaged",                                                             \
      "it is managed by a tool that would put the failed version back")

#define GUARD_ENUM(constant, name, text) constant,
enum guard { GUARD_TABLE(GUARD_ENUM) GUARDS };
#undef GUARD_ENUM

enum guard_wish { GUARD_UNSAID, GUARD_WANTED, GUARD_UNWANTED };

struct guard_facts {
    int64_t now;
    bool automatic;   /* the setting, for projects that say nothing */
    bool managed_too; /* likewise */

    const struct revision *revision;
    int64_t failed_at;            /* 0: not known */
    bool pending;                 /* another version is announced and not stored yet */
    int64_t target;               /* the good version to go back to; 0: none */
    int64_t of_template, of_hour; /* automatic rollbacks before */

    /* The Deployment as it is stored now; uid NULL: it does not exist. */
    const char *uid, *template_sha;
    bool paused;
    enum guard_wish wish;
    const char *managed_by; /* NULL: nobody */
};

/* The guards that do not hold, a bit (1 << enum guard) each; 0: roll back. */
unsigned guard_judge(const struct guard_facts *facts);

const char *guard_name(enum guard guard);
const char *guard_text(enum guard guard);

/* What a Deployment says by proctor.dev/auto-rollback; anything but "true" and "false" is no. */
enum guard_wish guard_wish_of(const cJSON *deployment);

/* "Argo CD", "Flux", "Helm" by the marks that they leave on what they write; NULL. */
const char *guard_managed_by(const cJSON *deployment);

#endif
