/* Fields: the first line is one, the rest the object that it is walked in (JSON; without one, a
 * recorded Deployment).  For each kind that the field can be bound to: every target is where its
 * JSON Pointer says. */
#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include "base/buf.h"
#include "base/limits.h"
#include "kube/pointer.h"
#include "policy/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_PATH "tests/cases/engine/ratchet-template-changed/review.json"

static struct arena kept, arena;
static cJSON *recorded;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char text[1 << 18];
    (void)argc;
    (void)argv;
    arena_install_cjson_hooks();
    arena_init(&kept, 16 * LIMIT_MIB);
    arena_init(&arena, 64 * LIMIT_MIB);
    FILE *file = fopen(OBJECT_PATH, "rb");
    const size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (length == 0)
        target_broken("the recorded object is there", OBJECT_PATH);
    fclose(file);
    recorded =
        json_path(target_parse(&kept, text, length, "it is JSON"), "request", "object", NULL);
    return 0;
}

struct seen {
    cJSON *root;
    size_t count;
};

/* A null stands for nothing: its pointer finds it all the same. */
static bool check_target(void *context, struct target *target)
{
    struct seen *seen = context;
    struct buf pointer, words;
    buf_init(&pointer, &arena, LIMIT_MIB);
    buf_init(&words, &arena, LIMIT_MIB);
    target_write(target, &words);
    target_holds(target->depth <= target->path->count, "a target is on its path", words.data);
    for (size_t i = 0; i <= target->depth; i++) {
        buf_clear(&pointer);
        target_write_pointer(target, i, &pointer);
        const cJSON *found = pointer_get(seen->root, pointer.data);
        target_holds(target->chain[i] != NULL && found == target->chain[i],
                     "a target's pointer leads to it", pointer.data);
    }
    target_holds(target->value == NULL || (target->depth == target->path->count &&
                                           target->value == target->chain[target->depth]),
                 "a value stands at the end of its path", words.data);
    target_holds(target_element(target) != NULL, "a target is in an element", words.data);
    return ++seen->count < 10000;
}

static void walk(const struct path_list *paths, cJSON *root)
{
    for (size_t i = 0; i < paths->count; i++) {
        for (const struct path *path = &paths->items[i]; path != NULL; path = path->fallback) {
            struct seen seen = {.root = root};
            target_holds(path->count <= LIMIT_FIELD_STEPS && path->base <= path->count &&
                             path->literal <= path->count && path->container <= path->count,
                         "a path's parts are in it", "");
            (void)field_walk(path, root, check_target, &seen);
        }
    }
}

/* The rule's own path, from whose element a relative field starts; NULL: there is none. */
static const struct path *rule_path(const struct schema_kind *kind)
{
    struct field *field;
    struct err err;
    if (field_parse(&arena, "$containers", &field, &err) != 0 ||
        field_bind(&arena, field, kind, NULL, &err) != 0)
        return NULL;
    const struct path_list *paths = field_paths(field, field_kind_index(kind));
    return paths->count > 0 ? &paths->items[0] : NULL;
}

static void check_field(const char *text, cJSON *root)
{
    struct field *field = NULL, *again;
    struct err err = {.text = ""};
    if (field_parse(&arena, text, &field, &err) != 0) {
        target_holds(field == NULL && err.text[0] != '\0', "a refusal says why", text);
        return;
    }
    target_holds(strcmp(field->text, text) == 0, "a field knows its text", text);
    target_holds(field->step_count <= LIMIT_FIELD_STEPS, "a field has a limit", text);
    target_holds(field_parse(&arena, field->text, &again, &err) == 0 &&
                     again->step_count == field->step_count && again->root == field->root &&
                     again->view == field->view,
                 "a field is read the same again", text);
    for (size_t i = 0; i <= schema_kind_count; i++) {
        const struct schema_kind *kind = i < schema_kind_count ? &schema_kinds[i] : NULL;
        const struct path *from = field->root == FIELD_ELEMENT ? rule_path(kind) : NULL;
        if (field->root == FIELD_ELEMENT && from == NULL)
            continue;
        if (field_bind(&arena, field, kind, from, &err) == 0)
            walk(field_paths(field, field_kind_index(kind)), root);
        else
            target_holds(err.text[0] != '\0', "a refusal says why", text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *object;
    struct err err;
    if (target_has_nul(data, size))
        return 0;
    arena_reset(&arena, LIMIT_MIB);
    char *input = target_text(data, size), *rest = input;
    const char *text = target_line(&rest);
    if (rest == NULL || json_parse(&arena, rest, strlen(rest), &json_limits_review, &object, &err))
        object = json_dup(&arena, recorded);
    check_field(text, object);
    free(input);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tree_mutate(data, size, max_size, seed);
}
