/* What a GitOps tool has to leave alone, from the policies: the fields in which the stored object
 * may differ from the one in Git, since a rule moved or replaced or removed what stood there.
 *
 *   rules that override --for each kind of the policy--> paths --> jq paths, JSON Pointers
 *
 * A rule overrides if it sets, removes, or moves a value to a bound, in mode enforce.  What is only
 * filled in when Git says nothing about it (`default`) is no difference to either tool.
 *
 * Argo CD: Application, spec.ignoreDifferences (jsonPointers, jqPathExpressions: gojq, given to
 * del()) and the annotation argocd.argoproj.io/compare-options.  Flux: Kustomization, spec.ignore
 * (from Flux 2.9), and HelmRelease, spec.driftDetection.ignore: JSON Pointers (RFC 6901) alone,
 * so that the elements of a list are counted out.
 */
#ifndef PROCTOR_CLI_GITOPS_H
#define PROCTOR_CLI_GITOPS_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/set.h"

#include <stddef.h>

struct gitops_field {
    const struct path *path;
    const char *jq;
    const struct rule **rules; /* that override it, in the order of the set */
    size_t rule_count;
};

struct gitops_kind {
    const struct schema_kind *schema; /* of several versions the table's first */
    struct gitops_field *fields;      /* in the order of the rules */
    size_t field_count, field_capacity;
};

struct gitops {
    struct gitops_kind *kinds; /* in the order of the schema's table */
    size_t count;
    /* Rules that override kinds which the schema's table lacks: nothing is said of those. */
    const char **remarks;
    size_t remark_count;
};

/* Collects; all lives in `arena` and borrows from `set`. */
void gitops_from_set(const struct policy_set *set, struct arena *arena, struct gitops *ret_gitops);

/* Append whole YAML documents, with comments that name the rules.  For Flux the first `elements`
 * places of each list are written out; a field that no pointer can name is told in a comment. */
void gitops_write_argocd(const struct gitops *gitops, struct buf *buf);
void gitops_write_flux(const struct gitops *gitops, size_t elements, struct buf *buf);

#endif
