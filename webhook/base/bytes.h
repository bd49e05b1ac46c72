/* Runs of ordinary letters, eight bytes at a time: most of what is read and written is such runs.
 *
 * A word is tested as a whole (Mycroft's trick, as in "Bit Twiddling Hacks", "determine if a word
 * has a byte less than n"): a borrow only comes out of a byte that is found itself, so the lowest
 * mark is exact.
 */
#ifndef PROCTOR_BASE_BYTES_H
#define PROCTOR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES_EACH(byte) ((byte)*0x0101010101010101ULL)

static inline uint64_t bytes_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Marks the bytes that are no visible ASCII letter. */
static inline uint64_t bytes_mark_invisible(uint64_t word)
{
    return ((word - BYTES_EACH(0x20)) | (word + BYTES_EACH(1)) | word) & BYTES_EACH(0x80);
}

/* And '"' and '\\', which a JSON string escapes. */
static inline uint64_t bytes_mark_json(uint64_t word)
{
    return bytes_mark_invisible(word) | ((((word ^ BYTES_EACH('"')) - BYTES_EACH(1)) |
                                          ((word ^ BYTES_EACH('\\')) - BYTES_EACH(1))) &
                                         BYTES_EACH(0x80));
}

static inline uint64_t bytes_mark_beyond_ascii(uint64_t word)
{
    return word & BYTES_EACH(0x80);
}

/* How many of the `length` bytes from `at` on come before the first that `mark` marks. */
static inline size_t bytes_run(const char *at, size_t length, uint64_t (*mark)(uint64_t word))
{
    size_t done = 0;
    uint64_t marks;
    for (; length - done >= 8; done += 8) {
        marks = mark(bytes_load(at + done));
        if (marks != 0)
            return done + (size_t)__builtin_ctzll(marks) / 8;
    }
    if (done == length)
        return length;
    char rest[8] = {0};
    memcpy(rest, at + done, length - done);
    marks = mark(bytes_load(rest));
    const size_t more = marks != 0 ? (size_t)__builtin_ctzll(marks) / 8 : 8;
    return done + (more < length - done ? more : length - done);
}

#endif
