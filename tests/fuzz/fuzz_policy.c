/* Hostile policy files through the loader; a set that loads then judges recorded reviews. */
#include "tests/fuzz/property.h"

#include "base/limits.h"
#include "policy/load.h"
#include "tests/fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const review_paths[] = {
    "tests/cases/engine/set-env-entry/review.json",
    "tests/cases/engine/ratchet-template-changed/review.json",
    "tests/cases/engine/scale/review.json",
    "tests/cases/engine/delete-orphan/review.json",
};
#define REVIEWS (sizeof review_paths / sizeof *review_paths)

static char *reviews[REVIEWS];
static struct arena findings;

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);
    const size_t length = file != NULL ? fread(text, 1, (1 << 20) - 1, file) : 0;
    if (length == 0) {
        fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    fclose(file);
    text[length] = '\0';
    return text;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < REVIEWS; i++)
        reviews[i] = read_file(review_paths[i]);
    arena_init(&findings, 64 * LIMIT_MIB);
    policy_set_unref(property_load("policies")); /* installs the allocator too */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct policy_load_options options = {.now = PROPERTY_NOW};
    struct diagnostics diagnostics;
    struct policy_set *set;
    struct err err;
    struct buf text;
    arena_reset(&findings, LIMIT_MIB);
    diag_init(&diagnostics, &findings);
    char *policy = target_text(data, size);
    const int rc = policy_load_text("fuzz.yaml", policy, size, &options, &diagnostics, &set, &err);
    free(policy); /* the set must not look at it again */
    const bool is_empty = rc != 0 && strstr(err.text, "there is no policy") == err.text;
    if (!is_empty && (rc == 0) != (diagnostics.error_count == 0)) {
        fprintf(stderr, "property broken: a set is refused for findings that say why\n");
        abort();
    }
    buf_init(&text, &findings, 16 * LIMIT_MIB);
    diag_write(&diagnostics, &text);
    if (rc != 0)
        return 0;
    for (size_t i = 0; i < REVIEWS; i++)
        property_check_review(set, reviews[i], strlen(reviews[i]));
    policy_set_unref(set);
    return 0;
}
