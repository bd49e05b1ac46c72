/* The webhook's decision log, read line by line (net/record.h writes it).
 *
 * A line is JSON, plain, or as `kubectl logs` gives it: with the pod before it (--prefix) or the
 * time (--timestamps).  Lines of the webhook's other log, which `kubectl logs` mixes in, are passed
 * over; everything else is broken.  A file is never held whole: logs are long.
 */
#ifndef PROCTOR_CLI_DECISIONS_H
#define PROCTOR_CLI_DECISIONS_H

#include "base/arena.h"
#include "base/json.h"

/* Longer ones are broken; the webhook writes none of 16 KiB. */
#define DECISION_LINE_MAX (1024UL * 1024UL)

/* Behind so much of one line a file is no log, but a device or a dump: it is given up. */
#define DECISION_LINE_END (64UL * 1024UL * 1024UL)

/* Texts are "" if the line lacks the member. */
struct decision {
    const cJSON *line; /* all of it */
    const char *time, *phase, *uid, *operation, *kind, *name_space, *name, *user;
    const char *outcome; /* allowed, patched, denied, not_judged, error */
    const char *rules;   /* policy/rule, blanks between */
    int64_t time_us;     /* 0: it has no time that can be read */
};

/* Whom decisions_read tells.  What is passed lives until the call returns. */
struct decisions_visitor {
    void *context;
    void (*decision)(void *context, const struct decision *decision);
    /* line 0: the file as a whole */
    void (*problem)(void *context, const char *file, unsigned long line, const char *text);
};

/* Reads a file or a pipe ("-": stdin). */
void decisions_read(const char *path, const struct decisions_visitor *visitor);

#endif
