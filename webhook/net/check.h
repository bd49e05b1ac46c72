/* /policies: would these policies load?  Asked by the API server before a ConfigMap of policies is
 * stored, so that `kubectl apply` tells the mistakes and not the log of a pod a minute later.
 *
 *   AdmissionReview of a ConfigMap -> its keys as files -> a child process -> findings -> answer
 *
 * The answer comes from the loader itself, as at start-up.  Loading was made for files that an
 * administrator wrote; a body may be made to cost minutes and hundreds of megabytes (rules are
 * compared with each other).  So the work is done by a child, this same program, that the kernel
 * bounds in processor time and memory, one at a time: nothing that is sent here can take the server
 * down or its memory away.
 */
#ifndef PROCTOR_NET_CHECK_H
#define PROCTOR_NET_CHECK_H

#include "admit/admit.h"

/* The one argument with which the program is its own child; not for people. */
#define CHECK_ARGUMENT "--check-policies"

/* The child: files from standard input, findings as JSON to standard output.  The exit code. */
int check_child(void);

/* Bytes to bytes, with the contract of admit_answer.  An error of the policies is a denial (422,
 * Invalid, a cause for each); ERR_BUSY while another check runs, ERR_LIMIT past the child's bounds,
 * ERR_DEADLINE past `deadline_us` (monotonic).  A DELETE is allowed, with a warning: what serves
 * goes on, and an installation has to be removable. */
NODISCARD int check_answer(const char *body, size_t length, int64_t deadline_us,
                           struct arena *arena, struct buf *answer,
                           struct admit_request *ret_request, struct verdict *ret_verdict,
                           bool *ret_answered, struct err *reterr);

#endif
