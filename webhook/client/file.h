/* A file read whole, whatever somebody put in its place. */
#ifndef PROCTOR_CLIENT_FILE_H
#define PROCTOR_CLIENT_FILE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads at most `most` bytes into `arena`; *ret_text ends with a NUL.  A pipe (bash's <(...)) is
 * read for some seconds, and is not waited for if nobody writes.  ERR_IO, ERR_TOO_LARGE; the text
 * says why and not which file. */
NODISCARD int file_read(struct arena *arena, const char *path, size_t most, const char **ret_text,
                        size_t *ret_length, struct err *reterr);

/* Whether there is anything of that name. */
bool file_exists(const char *path);

/* `name`, if relative, as seen from the folder of the file `beside`. */
const char *file_beside(struct arena *arena, const char *beside, const char *name)
    __attribute__((returns_nonnull));

#endif
