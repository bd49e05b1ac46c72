/* Kubernetes' resource.Quantity in exact decimal arithmetic (apimachinery/pkg/api/resource).
 *
 * A quantity is held in nano units (1e-9), which is the finest that Kubernetes keeps: finer
 * fractions round away from zero; binary ones (Ki..Ei) are capped at 2^63-1 units, as there.
 * Decimal ones are not capped there; here they are, at 1e29.
 */
#ifndef PROCTOR_KUBE_QUANTITY_H
#define PROCTOR_KUBE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>

__extension__ typedef __int128 quantity_nanos;

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT };

struct quantity {
    quantity_nanos nanos;
    enum quantity_format format; /* the suffix family it was written in */
};

/* "500m", "1.5Gi", "1e3", "-2", ".5": the grammar of resource.ParseQuantity.  False, and
 * *ret_quantity untouched, for anything else. */
bool quantity_parse(const char *text, struct quantity *ret_quantity);

/* -1, 0, 1. */
int quantity_compare(const struct quantity *a, const struct quantity *b);

#define QUANTITY_TEXT_MAX 64

/* The canonical spelling: "0.5" -> "500m", "3072Mi" -> "3Gi". */
void quantity_write(const struct quantity *quantity, char text[QUANTITY_TEXT_MAX]);

/* Whether the API server takes this text for canonical without a closer look, and stores it as it
 * came: "1.500", "+1", "1E3", "01Mi" (resource.ParseQuantity's fast path).  Not if its last digit
 * stands for less than 10^finest, to which it is rounded there. */
bool quantity_keeps_spelling(const char *text, int finest);

#endif
