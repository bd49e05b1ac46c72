#include "kube/names.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Longer texts than this are no slip of the pen for one another. */
#define DISTANCE_MAX_BYTES 128

static size_t step(const char *text)
{
    uint32_t rune;
    const size_t bytes = utf8_decode(text, &rune);
    return bytes == 0 ? 1 : bytes;
}

bool glob_matches(const char *glob, const char *text)
{
    const char *star = NULL;  /* after the last * that was passed */
    const char *retry = NULL; /* where the text goes on if that * swallows one more */
    while (*text != '\0') {
        if (*glob == '*') {
            star = ++glob;
            retry = text;
        } else if (*glob == '?') {
            glob++;
            text += step(text);
        } else if (*glob == *text) {
            glob++;
            text++;
        } else if (star != NULL) {
            /* Only the last * needs another try: an earlier one could not do better. */
            retry += step(retry);
            glob = star;
            text = retry;
        } else {
            return false;
        }
    }
    return glob[strspn(glob, "*")] == '\0';
}

bool glob_is_pattern(const char *text)
{
    return strpbrk(text, "*?") != NULL;
}

#define DIGITS           "0123456789"
#define LOWER            "abcdefghijklmnopqrstuvwxyz"
#define UPPER            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LABEL_MAX_BYTES  63U
#define PREFIX_MAX_BYTES 253U

/* Letters and digits at both ends, and between them also what `inside` has. */
static bool is_word(const char *text, size_t length, const char *ends, const char *inside)
{
    for (size_t i = 0; i < length; i++) {
        const bool at_end = i == 0 || i + 1 == length;
        if (strchr(ends, text[i]) == NULL && (at_end || strchr(inside, text[i]) == NULL))
            return false;
    }
    return length > 0;
}

/* IsQualifiedName's name part, and IsValidLabelValue but for the empty one. */
static bool is_label_word(const char *text, size_t length)
{
    return length <= LABEL_MAX_BYTES && is_word(text, length, LOWER UPPER DIGITS, "-_.");
}

/* IsDNS1123Subdomain. */
static bool is_subdomain(const char *text, size_t length)
{
    if (length > PREFIX_MAX_BYTES)
        return false;
    for (size_t at = 0; at <= length;) {
        const char *dot = memchr(text + at, '.', length - at);
        const size_t end = dot == NULL ? length : (size_t)(dot - text);
        if (!is_word(text + at, end - at, LOWER DIGITS, "-"))
            return false;
        at = end + 1;
    }
    return true;
}

bool name_is_label_key(const char *text)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL)
        return is_label_word(text, strlen(text));
    return is_subdomain(text, (size_t)(slash - text)) &&
           is_label_word(slash + 1, strlen(slash + 1));
}

bool name_is_label_value(const char *text)
{
    return *text == '\0' || is_label_word(text, strlen(text));
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t name_distance(const char *a, const char *b, size_t limit)
{
    const size_t length_a = strlen(a), length_b = strlen(b);
    const size_t apart = length_a > length_b ? length_a - length_b : length_b - length_a;
    if (apart > limit || length_a > DISTANCE_MAX_BYTES || length_b > DISTANCE_MAX_BYTES)
        return limit + 1;
    size_t rows[3][DISTANCE_MAX_BYTES + 1];
    for (size_t j = 0; j <= length_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            const size_t swap = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(above[j - 1] + swap, least(above[j], row[j - 1]) + 1);
            /* Two neighbours exchanged are one slip. */
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return least(rows[length_a % 3][length_b], limit + 1);
}

const char *name_nearest(const char *name, const char *const *candidates)
{
    const char *nearest = NULL;
    const size_t length = strlen(name);
    /* A third of the letters may be wrong; in a word of two nothing can be recognised. */
    size_t best = length < 3 ? 0 : length < 6 ? 1 : length < 9 ? 2 : 3;
    for (; *candidates != NULL; candidates++) {
        if (strcasecmp(name, *candidates) == 0)
            return *candidates;
        const size_t distance = name_distance(name, *candidates, best);
        if (distance > best || (nearest != NULL && distance == best))
            continue;
        best = distance;
        nearest = *candidates;
    }
    return nearest;
}
