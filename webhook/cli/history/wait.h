/* Waiting for one rollout, with nothing but a kubeconfig: what `proctor wait` does.
 *
 *     watches of the Deployment, ReplicaSets and pods, a thread each --cache--> struct rollout
 *     main thread: progress, clocks, the end with its evidence
 */
#ifndef PROCTOR_CLI_WAIT_H
#define PROCTOR_CLI_WAIT_H

#include "cli/cli.h"
#include "cli/history/rollout.h"

struct wait_request {
    const char *kubeconfig, *context, *as_user; /* as kubeconfig_choice */
    const char *space;                          /* NULL: the context's */
    const char *name;
    struct rollout_options rollout;
    const char *timeout_text; /* as it was given, for people */
    int64_t timeout_us;
    bool json;
};

/* All of it; returns an enum cli_exit. */
int wait_run(struct cli *cli, const struct wait_request *request);

#endif
