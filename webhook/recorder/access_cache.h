/* Answers that were given a moment ago: small, bounded, from any thread.
 *
 * Yes and no are kept apart, so that whoever sends many wrong tokens displaces none that is right.
 * Keys are digests; what a full place holds goes for what is new.
 */
#ifndef PROCTOR_RECORDER_ACCESS_CACHE_H
#define PROCTOR_RECORDER_ACCESS_CACHE_H

#include "base/digest.h"

#include <stdint.h>

struct access_cache;

struct access_cache_options {
    size_t yes_most, no_most; /* entries */
    int64_t yes_us, no_us;    /* for how long */
};

/* NULL: out of memory. */
struct access_cache *access_cache_new(const struct access_cache_options *options);
void access_cache_free(struct access_cache *cache); /* NULL is fine */

/* Longer texts are not kept. */
#define ACCESS_CACHE_TEXT_BYTES 8192U

/* An answer: code 0 is yes, an error's code (positive) is no. */
struct access_answer {
    int code;
    char *text; /* on the heap, the holder's own; NULL: none */
};
void access_answer_done(struct access_answer *answer);

/* Copies what is known at `now_us` (monotonic); false: nothing. */
bool access_cache_get(struct access_cache *cache, const char key[DIGEST_HEX_BYTES], int64_t now_us,
                      struct access_answer *ret_answer);

/* Keeps a copy, if there is memory for it. */
void access_cache_put(struct access_cache *cache, const char key[DIGEST_HEX_BYTES], int64_t now_us,
                      const struct access_answer *answer);

#endif
