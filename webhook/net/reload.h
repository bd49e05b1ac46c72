/* Reload: policies and certificate follow their files, and a bad one never replaces a good one.
 *
 * One thread watches the folders with inotify: files edited or renamed in place, and the swap of
 * `..data` by which ConfigMap and Secret mounts change.  Events gather for RELOAD_SETTLE_MS, so
 * that a pair that is being replaced is seen whole.  What fails is tried again, first after a
 * second, then less often; the failure stands in the log (once), a metric and /readyz.
 */
#ifndef PROCTOR_NET_RELOAD_H
#define PROCTOR_NET_RELOAD_H

#include "net/live.h"

#define RELOAD_SETTLE_MS    150
#define RELOAD_RETRY_MAX_MS 30000
#define RELOAD_WATCHES_MAX  4096

/* For this long after a reload /validate also accepts what the set before produced: replicas
 * get a ConfigMap minutes apart. */
#define RELOAD_FOLLOW_SECONDS 120

struct reload;

/* What is followed; it must outlive the reload. */
struct reload_options {
    char **policy_paths;  /* ends with NULL */
    const char *language; /* "": the policies' first */
    const char *mode;     /* a row of policy_mode_names */
    const char *certificate_path, *key_path;
};

/* Loads policies, then certificate, and puts them in place; each failure is logged with all its
 * diagnostics.  Returns how many of the two failed. */
int reload_first(const struct reload_options *options);

NODISCARD int reload_start(const struct reload_options *options, struct reload **ret_reload,
                           struct err *reterr);

/* Loads both again, soon (SIGHUP). */
void reload_ask(struct reload *reload);

void reload_stop(struct reload *reload); /* NULL is fine */

#endif
