/* JSON Patches (RFC 6902) as they are sent to the API server. */
#ifndef PROCTOR_CLIENT_PATCH_H
#define PROCTOR_CLIENT_PATCH_H

#include "base/json.h"

/* Appends one operation to the array; `value` NULL: it has none. */
void patch_add(struct arena *arena, cJSON *patch, const char *op, const char *path, cJSON *value);

/* The path of an annotation, its key escaped (RFC 6901). */
const char *patch_annotation_path(struct arena *arena, const char *key)
    __attribute__((returns_nonnull));

/* Sets an annotation; the map must be there. */
void patch_annotate(struct arena *arena, cJSON *patch, const char *key, const char *text);

/* Makes the map of annotations if the object has none. */
void patch_annotations(struct arena *arena, cJSON *patch, const cJSON *object);

#endif
