#include "cli/certs/certs_plan.h"

/* A new leaf under the CA that signed the one before it is trusted at once; else the bundle, in
 * which the CA then is, must have got about. */
static enum certs_step bring_leaf(const struct certs_found *found)
{
    if (found->leaf_by_ca)
        return CERTS_RENEW_LEAF;
    if (found->configurations_missing > 0)
        return CERTS_AWAIT_CONFIGURATIONS;
    return found->settled ? CERTS_RENEW_LEAF : CERTS_SETTLE;
}

static enum certs_step retire(const struct certs_found *found)
{
    if (found->leaf_age_seconds < found->retire_seconds)
        return CERTS_DONE;
    switch (found->pods) {
    case CERTS_PODS_NOT_ASKED:
        return CERTS_ASK_PODS;
    case CERTS_PODS_SERVE_IT:
        return CERTS_RETIRE_CA;
    case CERTS_PODS_UNKNOWN:
        return found->leaf_age_seconds >= CERTS_UNPROVEN_SECONDS ? CERTS_RETIRE_CA : CERTS_DONE;
    case CERTS_PODS_SERVE_ANOTHER:
        break;
    }
    return CERTS_DONE;
}

enum certs_step certs_plan_next(const struct certs_found *found)
{
    if (!found->ca_there)
        return CERTS_MAKE_CA;
    /* One rotation at a time, and none that could not be brought to its end. */
    if (found->ca_due && !found->old_there && found->configurations_missing == 0)
        return CERTS_ROTATE_CA;
    if (found->path_missing)
        return CERTS_MAKE_PATH;
    if (!found->tls_there)
        return CERTS_MAKE_LEAF; /* nothing serves yet: there is nobody to wait for */
    if (found->entries_wrong > 0)
        return CERTS_SET_BUNDLE;
    if (!found->leaf_by_ca || found->leaf_due)
        return bring_leaf(found);
    if (!found->copy_right)
        return CERTS_COPY_BUNDLE;
    if (found->configurations_missing > 0)
        return CERTS_AWAIT_CONFIGURATIONS;
    return found->old_there ? retire(found) : CERTS_DONE;
}

void certs_plan_pretend(struct certs_found *found, enum certs_step step)
{
    switch (step) {
    case CERTS_MAKE_CA:
    case CERTS_ROTATE_CA:
        found->old_there = found->tls_there;
        found->ca_there = true;
        found->ca_due = found->leaf_by_ca = found->copy_right = found->settled = false;
        found->entries_wrong = found->entries;
        break;
    case CERTS_MAKE_PATH:
        found->path_missing = false;
        found->entries_wrong = found->entries;
        break;
    case CERTS_MAKE_LEAF:
    case CERTS_RENEW_LEAF:
        found->tls_there = found->leaf_by_ca = found->copy_right = true;
        found->leaf_due = false;
        found->leaf_age_seconds = 0;
        break;
    case CERTS_SET_BUNDLE:
        found->entries_wrong = 0;
        found->settled = false;
        break;
    case CERTS_SETTLE:
        found->settled = true;
        break;
    case CERTS_COPY_BUNDLE:
        found->copy_right = true;
        break;
    case CERTS_AWAIT_CONFIGURATIONS:
        found->configurations_missing = 0;
        found->entries_wrong = ++found->entries;
        break;
    case CERTS_ASK_PODS:
        found->pods = CERTS_PODS_UNKNOWN;
        break;
    case CERTS_RETIRE_CA:
        found->old_there = found->copy_right = false;
        found->entries_wrong = found->entries;
        break;
    case CERTS_DONE:
    case CERTS_STEPS:
        break;
    }
}
