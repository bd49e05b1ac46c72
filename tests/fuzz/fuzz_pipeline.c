/* Hostile AdmissionReviews through admit_answer, judged by the shipped policies. */
#include "tests/fuzz/property.h"

#include "tests/fuzz/target.h"
#include "tests/fuzz/tree.h"

#include <stdlib.h>

static struct policy_set *set;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    set = property_load("policies");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = target_text(data, size);
    property_check_review(set, body, size);
    free(body);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tree_mutate(data, size, max_size, seed);
}
