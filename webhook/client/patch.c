#include "client/patch.h"

#define PATH_BYTES 4096U

void patch_add(struct arena *arena, cJSON *patch, const char *op, const char *path, cJSON *value)
{
    cJSON *operation = json_new_object(arena);
    json_add(arena, operation, "op", json_new_string(arena, op));
    json_add(arena, operation, "path", json_new_string(arena, path));
    if (value != NULL)
        json_add(arena, operation, "value", value);
    json_append(patch, operation);
}

const char *patch_annotation_path(struct arena *arena, const char *key)
{
    struct buf path;
    buf_init(&path, arena, PATH_BYTES);
    buf_add_string(&path, "/metadata/annotations/");
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/')
            buf_add_string(&path, *key == '~' ? "~0" : "~1");
        else
            buf_add_char(&path, *key);
    }
    return path.data;
}

void patch_annotate(struct arena *arena, cJSON *patch, const char *key, const char *text)
{
    patch_add(arena, patch, "add", patch_annotation_path(arena, key), json_new_string(arena, text));
}

void patch_annotations(struct arena *arena, cJSON *patch, const cJSON *object)
{
    if (json_path(object, "metadata", "annotations", NULL) == NULL)
        patch_add(arena, patch, "add", "/metadata/annotations", json_new_object(arena));
}
