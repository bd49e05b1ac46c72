/* A remark: one thing that a command has to say of one place in a file.  `review` and `lint` make
 * them, and each output that other programs read (sarif.h, workflow.h) is written from them.
 */
#ifndef PROCTOR_CLI_REMARK_H
#define PROCTOR_CLI_REMARK_H

#include "base/yaml.h"

enum remark_level { REMARK_ERROR, REMARK_WARNING, REMARK_NOTE };

struct remark {
    enum remark_level level;
    const char *rule; /* its id in the table of rules; NULL: of no rule, it could not be read */
    const char *file; /* as it was named; NULL: of no file */
    struct yaml_mark mark; /* {0, 0}: the file as a whole; column 0: the line */
    const char *subject;   /* what it is about, wherever that stands in the file; NULL: the file */
    const char *same_if;   /* what makes it the same finding as an earlier run's; NULL: subject */
    const char *text;      /* what is wrong, and how to mend it */
    const char *accepted;  /* why it is let pass (an exception's words); NULL: it is not */
};

/* One rule that remarks may name. */
struct remark_rule {
    const char *id;
    const char *title; /* a sentence */
    const char *help;  /* what it asks for, and how that is done */
    enum remark_level level;
};

#endif
