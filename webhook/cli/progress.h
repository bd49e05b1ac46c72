/* How far something is, on stderr: one line that is drawn again on a terminal, else a line for
 * each news.  Results go elsewhere.
 */
#ifndef PROCTOR_CLI_PROGRESS_H
#define PROCTOR_CLI_PROGRESS_H

#include "cli/cli.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const struct cli *cli;
    bool terminal, drawn;
    char last[512];
};

void progress_begin(struct progress *progress, const struct cli *cli);

/* Shows the text (made visible) if it says something new; the seconds since the beginning stand
 * before it on a terminal and count as nothing new. */
void progress_say(struct progress *progress, int64_t seconds, const char *text);

/* Takes the drawn line away. */
void progress_end(struct progress *progress);

#endif
