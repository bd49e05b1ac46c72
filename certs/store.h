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
#ifndef PROCTOR_CERTS_STORE_H
#define PROCTOR_CERTS_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum store_file { STORE_CA_CERT, STORE_CA_KEY, STORE_TLS_KEY, STORE_TLS_CERT, STORE_FILES };

/* "ca.crt", "ca.key", "tls.key", "tls.crt": in the order in which a renewal puts them in place. */
extern const char *const store_names[STORE_FILES];

/* A file's bytes on the heap, NUL behind them.  store_text_done wipes them. */
struct store_text {
    char *data;
    size_t length;
    mode_t mode; /* as the file had it */
};
void store_text_done(struct store_text *text);

/* The four files; data NULL: absent. */
struct store_set {
    struct store_text files[STORE_FILES];
};
void store_set_done(struct store_set *set);

struct store_folder {
    int fd;           /* holds the lock */
    bool versioned;   /* the ..data layout */
    bool created;     /* by store_open */
    const char *path; /* borrowed */
};

/* Copies `length` bytes.  ERR_NO_MEMORY. */
NODISCARD int store_text_copy(struct store_text *ret_text, const void *data, size_t length,
                              struct err *reterr);

/* Reads one ordinary file of at most 1 MiB (links are followed; a pipe, folder or device is
 * refused without waiting for it).  `name` is relative to the folder fd, or AT_FDCWD; `path` is
 * for messages.  ERR_IO; ERR_EMPTY if there is nothing in it. */
NODISCARD int store_read(int folder_fd, const char *name, const char *path,
                         struct store_text *ret_text, struct err *reterr);

/* Opens and locks a folder for writing; with `create` makes it if only its last part is missing.
 * Removes what an interrupted run left.  ERR_IO. */
NODISCARD int store_open(const char *path, bool create, struct store_folder *ret_folder,
                         struct err *reterr);

/* Unlocks; a folder that store_open made and that is still empty is removed again. */
void store_close(struct store_folder *folder);

/* Puts the set's files into the folder, none of which may exist: ERR_IO naming those that do,
 * and nothing is left behind after any error. */
NODISCARD int store_create(const struct store_folder *folder, const struct store_set *set,
                           struct err *reterr);

/* Replaces the files that the set holds.  Versioned layout: files that it does not hold are not
 * carried over, so give all; the swap is atomic, the folder before stays for readers that are
 * in it.  Flat layout: ca.crt, ca.key, tls.key, tls.crt are renamed in this order, tls.crt last:
 * a reader that sees the new key beside the old certificate finds that they do not match, keeps
 * what it has, and is woken again by tls.crt.  In the flat layout a link in the place of a file
 * is refused.  ERR_IO. */
NODISCARD int store_replace(const struct store_folder *folder, const struct store_set *set,
                            struct err *reterr);

#endif
