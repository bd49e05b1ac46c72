#include "kube/quantity.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What ParseQuantity calls maxInt64Factors. */
#define FAST_DIGITS_MAX 18
#define NANO_EXPONENT   (-9)

#define NANOS_PER_UNIT ((quantity_nanos)1000000000)
#define CAP_BINARY     ((quantity_nanos)INT64_MAX * NANOS_PER_UNIT)

/* 1e29 units, the largest power of ten whose nanos fit. */
#define CAP_DECIMAL ((quantity_nanos)1000000000000000000 * 1000000000000000000 * 100)

struct suffix {
    const char *text;
    int32_t exponent; /* of 10, or of 2 in the binary table */
};

static const struct suffix decimal_suffixes[] = {
    {"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
    {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18},
};
static const struct suffix binary_suffixes[] = {
    {"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What stands in a quantity's text. */
struct spelling {
    bool negative;
    bool any_digit;
    const char *whole; /* digits before the point, without leading zeros */
    size_t whole_count;
    const char *fraction;
    size_t fraction_count;
    int32_t exponent;
    enum quantity_format format;
};

static bool find_suffix(const struct suffix *table, size_t count, const char *text,
                        int32_t *ret_exponent)
{
    for (size_t i = 0; i < count; i++) {
        if (*table[i].text == *text && strcmp(table[i].text, text) == 0) {
            *ret_exponent = table[i].exponent;
            return true;
        }
    }
    return false;
}

/* ParseQuantity keeps 32 bits of an exponent: 1e4294967299 is 1e3, and so it must be here, or a
 * request for a thousand processors would pass for one of a nano. */
static int32_t low_bits(int64_t exponent)
{
    const uint32_t bits = (uint32_t)exponent;
    return bits <= INT32_MAX ? (int32_t)bits : (int32_t)((int64_t)bits - ((int64_t)UINT32_MAX + 1));
}

static bool read_suffix(const char *text, struct spelling *spelling)
{
    spelling->format = QUANTITY_DECIMAL_SI;
    if (find_suffix(decimal_suffixes, COUNT(decimal_suffixes), text, &spelling->exponent))
        return true;
    spelling->format = QUANTITY_BINARY_SI;
    if (find_suffix(binary_suffixes, COUNT(binary_suffixes), text, &spelling->exponent))
        return true;
    spelling->format = QUANTITY_DECIMAL_EXPONENT;
    if (*text != 'e' && *text != 'E')
        return false;
    const char *digits = text + 1;
    if (*digits == '+' || *digits == '-')
        digits++;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    const long long exponent = strtoll(text + 1, NULL, 10);
    if (errno != 0)
        return false;
    spelling->exponent = low_bits(exponent);
    return true;
}

/* The digits that ParseQuantity counts: a missing whole number is a zero. */
static size_t digit_count(const struct spelling *spelling)
{
    return (spelling->whole_count > 0 ? spelling->whole_count : 1) + spelling->fraction_count;
}

/* The exponent of the last digit, of 10. */
static int32_t finest_exponent(const struct spelling *spelling)
{
    return low_bits((int64_t)spelling->exponent - (int64_t)spelling->fraction_count);
}

/* ParseQuantity subtracts the fraction's digits in 32 bits as well, if there are few of them. */
static void settle_exponent(struct spelling *spelling)
{
    int64_t exponent = spelling->exponent;
    if (digit_count(spelling) <= FAST_DIGITS_MAX && finest_exponent(spelling) >= NANO_EXPONENT)
        exponent = (int64_t)finest_exponent(spelling) + (int64_t)spelling->fraction_count;
    /* Past ten thousand every value is at a cap or rounds to 1n; that much keeps sums small. */
    spelling->exponent = exponent > 10000 ? 10000 : exponent < -10000 ? -10000 : (int32_t)exponent;
}

/* ParseQuantity has a quick way for short numbers that takes a missing number for zero ("m" is
 * 0), and a slow way that refuses it ("Ei").  This is the border between the two. */
static bool empty_number_is_zero(const struct spelling *spelling)
{
    if (spelling->format == QUANTITY_BINARY_SI)
        return spelling->exponent <= 40;
    return spelling->exponent >= -9;
}

/* strspn prepares a table for each call, and the numbers have two digits or three. */
static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

static bool read_spelling(const char *text, struct spelling *ret_spelling)
{
    struct spelling spelling = {.negative = *text == '-'};
    if (*text == '\0')
        return false;
    if (*text == '-' || *text == '+')
        text++;
    size_t zeros = 0;
    while (text[zeros] == '0')
        zeros++;
    spelling.whole = text + zeros;
    spelling.whole_count = count_digits(spelling.whole);
    text = spelling.whole + spelling.whole_count;
    spelling.fraction = text;
    if (*text == '.') {
        spelling.fraction = text + 1;
        spelling.fraction_count = count_digits(text + 1);
        text = spelling.fraction + spelling.fraction_count;
    }
    spelling.any_digit = zeros + spelling.whole_count + spelling.fraction_count > 0;
    if (!read_suffix(text, &spelling))
        return false;
    if (!spelling.any_digit && !empty_number_is_zero(&spelling))
        return false;
    if (spelling.format != QUANTITY_BINARY_SI)
        settle_exponent(&spelling);
    *ret_spelling = spelling;
    return true;
}

static int digit_at(const struct spelling *spelling, size_t index)
{
    if (index < spelling->whole_count)
        return spelling->whole[index] - '0';
    index -= spelling->whole_count;
    return index < spelling->fraction_count ? spelling->fraction[index] - '0' : 0;
}

/* |number| * 10^exponent in nanos, rounded up. */
static quantity_nanos decimal_nanos(const struct spelling *spelling)
{
    const size_t count = spelling->whole_count + spelling->fraction_count;
    /* How many of the digits, in order, stand before the nano's point. */
    const int64_t before = (int64_t)spelling->whole_count + spelling->exponent + 9;
    quantity_nanos nanos = 0;
    for (int64_t i = 0; i < before; i++) {
        if ((size_t)i >= count && nanos == 0)
            return 0;
        if (nanos >= CAP_DECIMAL / 10)
            return CAP_DECIMAL;
        nanos = nanos * 10 + digit_at(spelling, (size_t)i);
    }
    for (size_t i = before > 0 ? (size_t)before : 0; i < count; i++)
        if (digit_at(spelling, i) != 0)
            return nanos + 1;
    return nanos;
}

/* |number| * 2^exponent in nanos, rounded up and capped. */
static quantity_nanos binary_nanos(const struct spelling *spelling)
{
    const quantity_nanos unit = ((quantity_nanos)1 << spelling->exponent) * NANOS_PER_UNIT;
    /* Each step divides what stands right of a digit by ten; rounding up at each step gives
     * the same as rounding up once, so that any number of digits fits. */
    quantity_nanos part = 0;
    for (size_t i = spelling->fraction_count; i > 0; i--)
        part = (unit * (spelling->fraction[i - 1] - '0') + part + 9) / 10;
    quantity_nanos whole = 0;
    for (size_t i = 0; i < spelling->whole_count; i++) {
        whole = whole * 10 + (spelling->whole[i] - '0');
        if (whole > INT64_MAX >> spelling->exponent)
            return CAP_BINARY;
    }
    const quantity_nanos nanos = whole * unit + part;
    return nanos > CAP_BINARY ? CAP_BINARY : nanos;
}

bool quantity_parse(const char *text, struct quantity *ret_quantity)
{
    struct spelling spelling;
    if (!read_spelling(text, &spelling))
        return false;
    struct quantity quantity = {.format = spelling.format};
    if (spelling.format == QUANTITY_BINARY_SI) {
        quantity.nanos = binary_nanos(&spelling);
        if (quantity.nanos > 0 && quantity.nanos < NANOS_PER_UNIT)
            quantity.format = QUANTITY_DECIMAL_SI;
    } else {
        quantity.nanos = decimal_nanos(&spelling);
    }
    if (spelling.negative)
        quantity.nanos = -quantity.nanos;
    *ret_quantity = quantity;
    return true;
}

bool quantity_keeps_spelling(const char *text, int finest)
{
    struct spelling spelling;
    if (!read_spelling(text, &spelling) || spelling.whole_count == 0)
        return false;
    if (spelling.format == QUANTITY_BINARY_SI) {
        /* Where the digits are few enough, and the last three bits not all 0. */
        const size_t digits = spelling.whole_count + (size_t)spelling.exponent * 3 / 10;
        return spelling.fraction_count == 0 && digits < 15 &&
               strtoll(spelling.whole, NULL, 10) % 8 != 0;
    }
    const size_t count = digit_count(&spelling);
    const int scale = finest_exponent(&spelling);
    if (count > FAST_DIGITS_MAX || scale % 3 != 0 || scale < finest)
        return false;
    return count < 3 || digit_at(&spelling, count - 1) != 0 ||
           digit_at(&spelling, count - 2) != 0 || digit_at(&spelling, count - 3) != 0;
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
    return a->nanos < b->nanos ? -1 : a->nanos > b->nanos ? 1 : 0;
}

static void add_text(char text[QUANTITY_TEXT_MAX], const char *more)
{
    const size_t used = strlen(text);
    const size_t length = strnlen(more, QUANTITY_TEXT_MAX - 1 - used);
    memcpy(text + used, more, length);
    text[used + length] = '\0';
}

static void add_number(char text[QUANTITY_TEXT_MAX], quantity_nanos value)
{
    char digits[48];
    size_t at = sizeof digits - 1;
    const bool negative = value < 0;
    digits[at] = '\0';
    do {
        const int digit = (int)(value % 10);
        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    } while (value != 0);
    if (negative)
        digits[--at] = '-';
    add_text(text, digits + at);
}

static void write_binary(quantity_nanos units, char text[QUANTITY_TEXT_MAX])
{
    size_t power = 0;
    while (power < COUNT(binary_suffixes) && units % 1024 == 0) {
        units /= 1024;
        power++;
    }
    add_number(text, units);
    if (power > 0)
        add_text(text, binary_suffixes[power - 1].text);
}

static void write_decimal(quantity_nanos nanos, bool as_exponent, char text[QUANTITY_TEXT_MAX])
{
    size_t row = 0; /* of decimal_suffixes: its rows are a thousand apart, from nano on */
    while (nanos % 1000 == 0 && (as_exponent || row + 1 < COUNT(decimal_suffixes))) {
        nanos /= 1000;
        row++;
    }
    add_number(text, nanos);
    if (!as_exponent) {
        add_text(text, decimal_suffixes[row].text);
    } else if (row != 3) {
        add_text(text, "e");
        add_number(text, (quantity_nanos)row * 3 - 9);
    }
}

void quantity_write(const struct quantity *quantity, char text[QUANTITY_TEXT_MAX])
{
    const quantity_nanos nanos = quantity->nanos;
    text[0] = '\0';
    if (nanos == 0) {
        add_text(text, "0");
        return;
    }
    /* Binary is for whole units from 1024 on: anything else would be rounded. */
    const bool small = nanos > -1024 * NANOS_PER_UNIT && nanos < 1024 * NANOS_PER_UNIT;
    if (quantity->format == QUANTITY_BINARY_SI && !small && nanos % NANOS_PER_UNIT == 0)
        write_binary(nanos / NANOS_PER_UNIT, text);
    else
        write_decimal(nanos, quantity->format == QUANTITY_DECIMAL_EXPONENT, text);
}
