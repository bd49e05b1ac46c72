/* Image references as the container runtime reads them (distribution/reference, with Docker's
 * familiar names): `nginx` is docker.io/library/nginx:latest.
 */
#ifndef PROCTOR_KUBE_IMAGE_H
#define PROCTOR_KUBE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Slices of the text that was parsed, or static text; not NUL-terminated where they are slices. */
struct image_part {
    const char *text; /* NULL: absent */
    size_t length;
};

struct image {
    struct image_part registry;   /* docker.io where none is written */
    struct image_part repository; /* library/nginx is given whole in repository_text */
    bool repository_in_library;   /* "library/" stands before repository */
    struct image_part tag;        /* "latest" if neither tag nor digest is written */
    struct image_part digest;     /* sha256:... */
    bool tag_is_implied;
};

/* False if the text is no reference (upper case in the name, an empty part, bad digest, ...). */
bool image_parse(const char *text, struct image *ret_image);

#endif
