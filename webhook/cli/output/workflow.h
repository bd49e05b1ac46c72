/* Remarks as workflow commands, which GitHub's runner (and Gitea's, and Forgejo's) shows beside the
 * lines of a change: ::error file=a.yaml,line=3,col=5,title=p/one::the text
 *
 * Whatever a manifest holds cannot make a command of its own: the text's line breaks are escaped.
 */
#ifndef PROCTOR_CLI_WORKFLOW_H
#define PROCTOR_CLI_WORKFLOW_H

#include "base/buf.h"
#include "cli/output/remark.h"

/* Appends one command and a newline. */
void workflow_write(struct buf *text, const struct remark *remark);

#endif
