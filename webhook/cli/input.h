/* Input of the offline commands: files, folders and stdin -> the objects in them.
 *
 * Read are YAML (many documents), JSON (also several documents one behind the other), lists
 * (kind List, PodList, ...: each item is an object) and AdmissionReviews.  YAML objects are read
 * exactly as kubectl reads them.  Folders are walked as files.h says.
 *
 * What cannot be read is a problem with its place; the other files and documents are read all
 * the same.  A file is at most LIMIT_INPUT_FILE_BYTES.
 */
#ifndef PROCTOR_CLI_INPUT_H
#define PROCTOR_CLI_INPUT_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/cli.h"

#include <stdbool.h>
#include <stddef.h>

struct input_item {
    const char *file;  /* as it was named; "stdin" for - */
    unsigned line;     /* where the object begins */
    bool is_review;    /* an AdmissionReview, else a manifest */
    cJSON *object;     /* has apiVersion and kind; may be changed */
    const char *bytes; /* of a review: its JSON as it was written, NUL-terminated */
    size_t length;
    unsigned column;  /* where the object begins */
    const char *text; /* of the file */
    const char *json; /* where in it the object begins; NULL: YAML, whose nodes have marks */
};

struct input_problem {
    const char *file;
    unsigned line, column; /* 0: the file as a whole */
    const char *text;
};

/* Whom input_walk tells.  What is passed lives until the call returns. */
struct input_visitor {
    void *context;
    void (*object)(void *context, struct arena *arena, const struct input_item *item);
    void (*problem)(void *context, const struct input_problem *problem);
};

/* Reads every path in order ("-" is stdin).  A file that is named and has no object in it is a
 * problem; in a folder it is passed over, and the problem is a folder without any. */
void input_walk(const char *const *paths, size_t count, const struct input_visitor *visitor);

/* Prints "FILE:LINE:COLUMN: error: TEXT" (made visible) to `err`: of the place, what is known. */
void input_print_problem(const struct cli *cli, const struct input_problem *problem);

#endif
