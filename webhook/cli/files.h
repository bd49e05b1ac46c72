/* Files of the offline commands: listing folders and reading a file or stdin whole. */
#ifndef PROCTOR_CLI_FILES_H
#define PROCTOR_CLI_FILES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whom files_find tells; paths live until the call returns. */
struct files_visitor {
    void *context;
    const char *skip_folder; /* folders of this name are left out; NULL: none */
    void (*file)(void *context, const char *path, bool in_folder);
    void (*problem)(void *context, const char *path, const char *text);
};

/* If `path` is a folder: every *.yaml, *.yml and *.json in it and below, in the order of their
 * names, without hidden ones and kustomization files (they are no objects).  Anything else that
 * exists is a file to be read, whatever its name.  What cannot be listed is a problem, and so is a
 * pipe or a device in a folder. */
void files_find(const char *path, const struct files_visitor *visitor);

/* Reads a file ("-": stdin) or a pipe whole: *ret_text is on the heap, NUL-terminated, the caller
 * frees.  A named pipe that nobody has opened to write gets a few seconds and is then an error.
 * ERR_IO, ERR_NO_MEMORY, or ERR_TOO_LARGE past LIMIT_INPUT_FILE_BYTES. */
NODISCARD int files_read(const char *path, char **ret_text, size_t *ret_length, struct err *reterr);

/* Opens a file, or a pipe in the same way, to be read piece by piece; the caller closes.  ERR_IO.
 */
NODISCARD int files_open(const char *path, FILE **ret_stream, struct err *reterr);

/* Replaces a file's content, or makes the file: written beside it, then renamed, so that it is
 * never half-written.  The mode of a file that was there is kept.  ERR_IO. */
NODISCARD int files_replace(const char *path, const char *text, size_t length, struct err *reterr);

#endif
