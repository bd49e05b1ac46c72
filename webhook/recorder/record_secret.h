/* The secret segment of /record/SECRET: whose file may change, which is compared in constant time
 * and never written anywhere.
 *
 * Only the SHA-256 of each line is kept in memory, and of the segment that comes: neither time nor
 * length tells how much of it was right.  The file is looked at again when it changes, at most once
 * a second; one that became unusable changes nothing.
 */
#ifndef PROCTOR_RECORDER_RECORD_SECRET_H
#define PROCTOR_RECORDER_RECORD_SECRET_H

#include "base/digest.h"
#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Rotation needs two. */
#define RECORD_SECRETS_MAX      8
#define RECORD_SECRET_BYTES_MIN 16
#define RECORD_SECRET_BYTES_MAX 200

struct record_secret {
    const char *path;
    pthread_mutex_t lock;
    char digests[RECORD_SECRETS_MAX][DIGEST_HEX_BYTES];
    unsigned count;
    int64_t looked_us;  /* monotonic */
    struct stat status; /* of the file as it was read, or as it was when that failed */
};

/* Reads it.  ERR_IO: it cannot be read; ERR_USAGE: a line of it is no secret, or it has none. */
NODISCARD int record_secret_init(struct record_secret *secret, const char *path,
                                 struct err *reterr);
void record_secret_done(struct record_secret *secret);

/* Whether the path of a request is /record/ and a secret of now.  From any thread. */
bool record_secret_fits(struct record_secret *secret, const char *path);

#endif
