/* proctor doctor: an installation judged from outside.
 *
 *     cluster --doctor_gather--> facts --doctor_judge--> findings --> text, JSON, exit code
 *
 * `facts` is one JSON tree, so that judging needs no cluster and tests are files:
 *
 *     {now, program, space, user: {username, groups},
 *      seen: {deployment: {object: {...}}, pods: {items: [...]}, tls: {error, code}, ...},
 *      replicas: [{pod, readyz: {...}} | {pod, error}],
 *      probe: {deployment: {warnings, error, code}, pod: {...}, as},
 *      rights: [{verb, group, resource, namespace, name, allowed}]}
 *
 * A check is one row: its name, and a function that looks at the facts and adds findings.  What
 * the caller may not see is said (DOCTOR_UNSEEN), and is neither fine nor wrong.
 */
#ifndef PROCTOR_CLI_DOCTOR_H
#define PROCTOR_CLI_DOCTOR_H

#include "cli/cluster/cluster.h"
#include "policy/set.h"

#include <stdint.h>

/* From harmless to bad; a check is as bad as the worst of its findings. */
enum doctor_severity { DOCTOR_FINE, DOCTOR_NOTE, DOCTOR_UNSEEN, DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor_finding {
    enum doctor_severity severity;
    const char *object; /* Deployment/proctor-webhook */
    const char *field;  /* NULL: none */
    const char *what;   /* what was found, with the value */
    const char *why;    /* why it matters */
    const char *mend;   /* a command to paste; names in it are quoted; NULL: none is needed */
    struct doctor_finding *next;
};

struct doctor_check {
    const char *name; /* certificate */
    struct doctor_finding *findings;
    struct doctor_finding **last;
    enum doctor_severity worst;
    const char *summary; /* what was seen, for the one line */
};

#define DOCTOR_CHECKS_MAX 24

struct doctor {
    struct arena *arena;
    const cJSON *facts;
    const char *space;
    int64_t now;
    struct policy_set *set; /* of the cluster's ConfigMap; NULL: none or broken; see doctor_done */
    struct doctor_check checks[DOCTOR_CHECKS_MAX];
    size_t check_count;
    struct doctor_check *check; /* the one that runs */
    size_t counts[DOCTOR_ERROR + 1];
};

/* Runs every check.  Everything lives in `arena` but the policy set: doctor_done. */
void doctor_judge(struct doctor *doctor, struct arena *arena, const cJSON *facts);
void doctor_done(struct doctor *doctor);

/* "ok", "note", "unseen", "warning", "error". */
const char *doctor_severity_name(enum doctor_severity severity);

/* Asks the cluster for all facts.  Only an error that makes it all pointless is returned (no
 * connection, not believed who we are); what else goes wrong is a fact. */
struct doctor_gathering {
    bool probe;          /* dry-run creations in the students' namespace */
    const char *student; /* whom to impersonate for it */
};
NODISCARD int doctor_gather(struct cluster *cluster, const struct doctor_gathering *options,
                            cJSON **ret_facts, struct err *reterr);

/* ---- for the checks */

struct doctor_words {
    enum doctor_severity severity;
    const char *object, *field, *what, *why, *mend;
};
void doctor_add(struct doctor *doctor, const struct doctor_words *words);

/* The line's own text. */
void doctor_say(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Short for arena_printf and cluster_shell_word in the doctor's arena. */
const char *doctor_text(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
const char *doctor_word(struct doctor *doctor, const char *name);

/* What was asked for under that key: the object, or for a list the array; NULL if there is none.
 * *ret_absent says that it is known not to be there; else NULL means that it could not be seen,
 * which is then a finding of the running check. */
const cJSON *doctor_look(struct doctor *doctor, const char *key, bool *ret_absent);

/* Whether cert-manager cares for the certificate, and the command that renews it at once. */
bool doctor_has_manager(const struct doctor *doctor);
const char *doctor_renew_now(struct doctor *doctor);

/* The command that changes one entry of a configuration by its name, by members of a strategic
 * merge patch: what an apply of the manifests would leave, since it does not know of it. */
const char *doctor_patch_entry(struct doctor *doctor, const char *resource, const char *entry,
                               const char *members);

/* Whether a label selector (metav1) takes labels; an empty one takes all. */
bool doctor_selects(const cJSON *selector, const cJSON *labels);

/* Loads a ConfigMap's data as the webhook loads its mount.  NULL, with every diagnostic in
 * *ret_text, if that fails; else the caller owns one reference. */
struct policy_set *doctor_load_policies(struct arena *arena, const cJSON *data, int64_t now,
                                        const char **ret_text);

/* What most findings are mended with. */
#define DOCTOR_APPLY "kubectl apply -k manifests/base"

/* The checks, in the order in which they are told. */
void doctor_check_server(struct doctor *doctor);
void doctor_check_namespaces(struct doctor *doctor);
void doctor_check_webhook(struct doctor *doctor);
void doctor_check_service(struct doctor *doctor);
void doctor_check_policies(struct doctor *doctor);
void doctor_check_replicas(struct doctor *doctor);
void doctor_check_registration(struct doctor *doctor);
void doctor_check_armed(struct doctor *doctor);
void doctor_check_selectors(struct doctor *doctor);
void doctor_check_exclusions(struct doctor *doctor);
void doctor_check_certificate(struct doctor *doctor);
void doctor_check_renewal(struct doctor *doctor);
void doctor_check_others(struct doctor *doctor);
void doctor_check_rights(struct doctor *doctor);
void doctor_check_probe(struct doctor *doctor);

#endif
