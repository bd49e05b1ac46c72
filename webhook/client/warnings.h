/* What an answer says beside its object: Warning headers (RFC 9110 11.3 as Kubernetes uses them,
 * code 299), each as `299 - "text"`. */
#ifndef PROCTOR_CLIENT_WARNINGS_H
#define PROCTOR_CLIENT_WARNINGS_H

#include <stddef.h>

#define WARNINGS_MAX   32
#define WARNINGS_RUNES 300

struct warnings {
    char *texts[WARNINGS_MAX + 1]; /* on the heap, visible; ends with NULL */
    size_t count;
};

void warnings_clear(struct warnings *warnings);

/* Takes the warnings out of a header line, if it is one of these.  What is no warning by the RFC,
 * or one too many, is left out. */
void warnings_read(struct warnings *warnings, const char *line, size_t count);

#endif
