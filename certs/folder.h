/* Certificates and keys as files in one folder: ca.crt, ca.key, tls.crt, tls.key.
 *
 * New files are written and synced in the folder .proctor-new first.  The first issue links them
 * into place (a link never overwrites); a renewal renames them over the old ones.  A run that
 * died leaves .proctor-new behind: what is in place AND the same inode there belongs to an issue
 * that never finished, and is removed by the next run.  A lock on the folder keeps two runs
 * apart and dies with its process.
 *
 * In the layout of a Secret mount (names are links to ..data/NAME, ..data is a link to a folder)
 * a renewal writes a whole new folder and swaps ..data by one rename.
 */
#ifndef PROCTOR_CERTS_FOLDER_H
#define PROCTOR_CERTS_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum folder_file { FOLDER_CA_CERT, FOLDER_CA_KEY, FOLDER_TLS_KEY, FOLDER_TLS_CERT, FOLDER_FILES };

/* "ca.crt", "ca.key", "tls.key", "tls.crt": in the order in which a renewal puts them in place. */
extern const char *const folder_names[FOLDER_FILES];

/* A file's bytes on the heap, NUL behind them.  folder_text_done wipes them. */
struct folder_text {
    char *data;
    size_t length;
    mode_t mode; /* as the file had it */
};
void folder_text_done(struct folder_text *text);

/* The four files; data NULL: absent. */
struct folder_set {
    struct folder_text files[FOLDER_FILES];
};
void folder_set_done(struct folder_set *set);

struct folder {
    int fd;           /* holds the lock */
    bool versioned;   /* the ..data layout */
    bool created;     /* by folder_open */
    const char *path; /* borrowed */
};

/* Copies `length` bytes.  ERR_NO_MEMORY. */
NODISCARD int folder_text_copy(struct folder_text *ret_text, const void *data, size_t length,
                               struct err *reterr);

/* Reads one ordinary file of at most 1 MiB (links are followed; a pipe, folder or device is
 * refused without waiting for it).  `name` is relative to the folder fd, or AT_FDCWD; `path` is
 * for messages.  ERR_IO; ERR_EMPTY if there is nothing in it. */
NODISCARD int folder_read(int folder_fd, const char *name, const char *path,
                          struct folder_text *ret_text, struct err *reterr);

/* Opens and locks a folder for writing; with `create` makes it if only its last part is missing.
 * Removes what an interrupted run left.  ERR_IO. */
NODISCARD int folder_open(const char *path, bool create, struct folder *ret_folder,
                          struct err *reterr);

/* Unlocks; a folder that folder_open made and that is still empty is removed again. */
void folder_close(struct folder *folder);

/* Puts the set's files into the folder, none of which may exist: ERR_IO naming those that do,
 * and nothing is left behind after any error. */
NODISCARD int folder_create(const struct folder *folder, const struct folder_set *set,
                            struct err *reterr);

/* Replaces the files that the set holds.  Versioned layout: files that it does not hold are not
 * carried over, so give all; the swap is atomic, the folder before stays for readers that are
 * in it.  Flat layout: ca.crt, ca.key, tls.key, tls.crt are renamed in this order, tls.crt last:
 * a reader that sees the new key beside the old certificate finds that they do not match, keeps
 * what it has, and is woken again by tls.crt.  In the flat layout a link in the place of a file
 * is refused.  ERR_IO. */
NODISCARD int folder_replace(const struct folder *folder, const struct folder_set *set,
                             struct err *reterr);

#endif
