/* Quantities: up to three, a line each.  What is read is written canonically, and read again is
 * the same; their order is one. */
#include "tests/fuzz/target.h"

#include "kube/quantity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* Reads it, and all that must hold of it alone. */
static bool check_one(const char *text, struct quantity *ret_quantity)
{
    char canonical[QUANTITY_TEXT_MAX], again[QUANTITY_TEXT_MAX];
    const struct quantity before = {.nanos = -4711, .format = QUANTITY_BINARY_SI};
    struct quantity first = before, second;
    if (!quantity_parse(text, &first)) {
        target_holds(first.nanos == before.nanos && first.format == before.format,
                     "what is refused leaves the result as it was", text);
        return false;
    }
    target_holds(text[strspn(text, "0123456789.+-eEinumkKMGTP")] == '\0',
                 "no quantity has other letters", text);
    quantity_write(&first, canonical);
    target_holds(strlen(canonical) < QUANTITY_TEXT_MAX - 1, "a spelling is whole", canonical);
    target_holds(quantity_parse(canonical, &second), "a canonical spelling can be read", canonical);
    target_holds(quantity_compare(&first, &second) == 0, "a canonical spelling means the same",
                 text);
    quantity_write(&second, again);
    /* As with Kubernetes: 0.5Ki more than some Ki is written without a suffix, and such a text is
     * read as decimal, whose spelling is another. */
    target_holds(second.format != first.format || strcmp(canonical, again) == 0,
                 "a canonical spelling is its own", text);
    *ret_quantity = first;
    return true;
}

/* Of an exponent Kubernetes keeps 32 bits: past them, and at their end, it is another number. */
static bool keeps_its_exponent(const char *text)
{
    const char *exponent = strpbrk(text, "eE");
    const long long value = exponent != NULL ? strtoll(exponent + 1, NULL, 10) : 0;
    return value > INT32_MIN && value <= INT32_MAX;
}

/* Against floating point, as far as that goes: plain decimal numbers. */
static void check_value(const char *text, const struct quantity *quantity)
{
    char *end;
    const long double unit = 1e9L, value = strtold(text, &end) * unit;
    if (*end != '\0' || strpbrk(text, "xXnN") != NULL || !keeps_its_exponent(text) ||
        fabsl(value) >= 1e38L)
        return;
    const long double ours = (long double)quantity->nanos;
    target_holds(fabsl(ours - value) <= 1.0L + fabsl(value) * 1e-15L,
                 "a plain number has its value, but for a nano", text);
}

static void check_order(const struct quantity *a, const struct quantity *b)
{
    const int order = quantity_compare(a, b);
    target_holds(order >= -1 && order <= 1 && quantity_compare(b, a) == -order,
                 "an order turns round", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quantity read[3];
    size_t count = 0;
    if (target_has_nul(data, size))
        return 0;
    char *text = target_text(data, size), *rest = text, *line;
    while (count < 3 && (line = target_line(&rest)) != NULL) {
        if (!check_one(line, &read[count]))
            continue;
        check_value(line, &read[count]);
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            check_order(&read[i], &read[j]);
    }
    if (count == 3 && quantity_compare(&read[0], &read[1]) <= 0 &&
        quantity_compare(&read[1], &read[2]) <= 0)
        target_holds(quantity_compare(&read[0], &read[2]) <= 0, "an order goes on", "");
    free(text);
    return 0;
}
