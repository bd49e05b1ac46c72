#include "base/yaml_scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS       "0123456789"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char mend_bool[] = "write true or false, or quote it";
static const char mend_null[] = "write null, or quote it";
static const char mend_quote[] = "quote it";
static const char mend_number[] = "write a plain decimal number, or quote it";
static const char mend_merge[] = "write the members out: merge keys are not read here";

/* Words that YAML 1.1 resolves.  kubectl's meaning; mend is NULL where the policy dialect reads
 * the word in the same way. */
static const struct word {
    const char *text;
    enum yaml_scalar kubectl;
    const char *mend;
} words[] = {
    {"", YAML_SCALAR_NULL, NULL},
    {"null", YAML_SCALAR_NULL, NULL},
    {"true", YAML_SCALAR_TRUE, NULL},
    {"false", YAML_SCALAR_FALSE, NULL},
    {"~", YAML_SCALAR_NULL, mend_null},
    {"Null", YAML_SCALAR_NULL, mend_null},
    {"NULL", YAML_SCALAR_NULL, mend_null},
    {"True", YAML_SCALAR_TRUE, mend_bool},
    {"TRUE", YAML_SCALAR_TRUE, mend_bool},
    {"y", YAML_SCALAR_TRUE, mend_bool},
    {"Y", YAML_SCALAR_TRUE, mend_bool},
    {"yes", YAML_SCALAR_TRUE, mend_bool},
    {"Yes", YAML_SCALAR_TRUE, mend_bool},
    {"YES", YAML_SCALAR_TRUE, mend_bool},
    {"on", YAML_SCALAR_TRUE, mend_bool},
    {"On", YAML_SCALAR_TRUE, mend_bool},
    {"ON", YAML_SCALAR_TRUE, mend_bool},
    {"False", YAML_SCALAR_FALSE, mend_bool},
    {"FALSE", YAML_SCALAR_FALSE, mend_bool},
    {"n", YAML_SCALAR_FALSE, mend_bool},
    {"N", YAML_SCALAR_FALSE, mend_bool},
    {"no", YAML_SCALAR_FALSE, mend_bool},
    {"No", YAML_SCALAR_FALSE, mend_bool},
    {"NO", YAML_SCALAR_FALSE, mend_bool},
    {"off", YAML_SCALAR_FALSE, mend_bool},
    {"Off", YAML_SCALAR_FALSE, mend_bool},
    {"OFF", YAML_SCALAR_FALSE, mend_bool},
    {".nan", YAML_SCALAR_UNCLEAR, mend_quote},
    {".NaN", YAML_SCALAR_UNCLEAR, mend_quote},
    {".NAN", YAML_SCALAR_UNCLEAR, mend_quote},
    {".inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {".Inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {".INF", YAML_SCALAR_UNCLEAR, mend_quote},
    {"+.inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {"+.Inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {"+.INF", YAML_SCALAR_UNCLEAR, mend_quote},
    {"-.inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {"-.Inf", YAML_SCALAR_UNCLEAR, mend_quote},
    {"-.INF", YAML_SCALAR_UNCLEAR, mend_quote},
    {"=", YAML_SCALAR_STRING, mend_quote},
    {"<<", YAML_SCALAR_STRING, mend_merge},
};

static const struct word *find_word(const char *text)
{
    if (strlen(text) > 5)
        return NULL;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i].text, text) == 0)
            return &words[i];
    return NULL;
}

/* ---- numbers as Go prints them ---------------------------------------------------------- */

struct format {
    bool single;    /* float32 */
    int least;      /* exponents below it, */
    int most;       /* and from here on, are written with e */
    bool two_digit; /* e-07, not e-7 */
};

/* encoding/json for a float64; strconv's 'g' for a float32. */
static const struct format format_json = {false, -6, 21, false};
static const struct format format_key = {true, -4, 6, true};

static bool reads_back(const char *text, double value, const struct format *format)
{
    return format->single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* The digits of "-1.25", with `decimals` of them after the point; zeros where they run out. */
static void write_positional(const char *mantissa, int decimals, char number[YAML_NUMBER_MAX])
{
    char digits[32];
    int count = 0, at = 0;
    for (const char *from = mantissa; *from != '\0'; from++)
        if (*from >= '0' && *from <= '9')
            digits[count++] = *from;
    if (*mantissa == '-')
        number[at++] = '-';
    /* From the highest place on, which is the unit's at the least. */
    const int whole = count - decimals;
    for (int place = whole < 1 ? whole - 1 : 0; place < count || place < whole; place++) {
        if (place == whole)
            number[at++] = '.';
        number[at++] = place >= 0 && place < count ? digits[place] : '0';
    }
    number[at] = '\0';
}

static void write_float(double value, const struct format *format, char number[YAML_NUMBER_MAX])
{
    char shortest[40];
    if (format->single)
        value = (double)(float)value;
    if (!isfinite(value)) {
        snprintf(number, YAML_NUMBER_MAX, "%s", value < 0 ? "-.inf" : ".inf");
        return;
    }
    for (int precision = 0; precision <= 17; precision++) {
        snprintf(shortest, sizeof shortest, "%.*e", precision, value);
        if (reads_back(shortest, value, format))
            break;
    }
    char *e = strchr(shortest, 'e');
    const int exponent = (int)strtol(e + 1, NULL, 10);
    *e = '\0';
    const char *point = strchr(shortest, '.');
    const int decimals = (point == NULL ? 0 : (int)strlen(point + 1)) - exponent;
    if (value == 0 || (exponent >= format->least && exponent < format->most)) {
        write_positional(shortest, value == 0 ? 0 : decimals, number);
        return;
    }
    const char sign = exponent < 0 ? '-' : '+';
    const int size = exponent < 0 ? -exponent : exponent;
    snprintf(number, YAML_NUMBER_MAX, format->two_digit ? "%se%c%02d" : "%se%c%d", shortest, sign,
             size);
}

/* ---- numbers as go-yaml reads them ------------------------------------------------------ */

static bool all_in(const char *text, const char *set)
{
    return *text != '\0' && text[strspn(text, set)] == '\0';
}

/* strconv.ParseInt and ParseUint with base 0: 0x, 0o, 0b and a bare 0 choose the base. */
static bool read_integer(const char *text, char number[YAML_NUMBER_MAX])
{
    const bool sign = *text == '+' || *text == '-';
    const char *digits = text + (sign ? 1 : 0);
    const char letter =
        digits[0] == '0' && digits[1] != '\0' && digits[2] != '\0' ? (char)(digits[1] | 32) : '\0';
    const char *set = DIGITS;
    int base = 10;
    if (letter == 'x' || letter == 'o' || letter == 'b') {
        base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
        digits += 2;
    } else if (digits[0] == '0') {
        base = 8;
    }
    set = base == 16 ? DIGITS "abcdefABCDEF" : base == 8 ? "01234567" : base == 2 ? "01" : DIGITS;
    if (!all_in(digits, set))
        return false;
    errno = 0;
    const unsigned long long size = strtoull(digits, NULL, base);
    const unsigned long long most = !sign          ? UINT64_MAX
                                    : *text == '-' ? (uint64_t)INT64_MAX + 1
                                                   : INT64_MAX;
    if (errno != 0 || size > most)
        return false;
    snprintf(number, YAML_NUMBER_MAX, "%s%llu", *text == '-' && size > 0 ? "-" : "", size);
    return true;
}

/* [-+]? ( .digits | digits [. digits] ) [e sign digits], with `set` for digits. */
static bool is_float(const char *text, const char *set)
{
    text += *text == '+' || *text == '-' ? 1 : 0;
    const size_t whole = strspn(text, set);
    text += whole;
    if (*text == '.') {
        const size_t fraction = strspn(text + 1, set);
        text += 1 + fraction;
        if (whole + fraction == 0)
            return false;
    } else if (whole == 0) {
        return false;
    }
    if ((*text | 32) == 'e') {
        text++;
        text += *text == '+' || *text == '-' ? 1 : 0;
        return all_in(text, DIGITS);
    }
    return *text == '\0';
}

/* Without its underscores; false if it is too long for a number. */
static bool strip_underscores(const char *text, char plain[YAML_NUMBER_MAX])
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        if (*text == '_')
            continue;
        if (length + 1 == YAML_NUMBER_MAX)
            return false;
        plain[length++] = *text;
    }
    plain[length] = '\0';
    return true;
}

/* Behind a leading point Go's own rule holds: each underscore stands between two digits. */
static bool separates_digits(const char *text)
{
    for (size_t i = 1; text[i] != '\0'; i++)
        if (text[i] == '_' && (strchr(DIGITS, text[i - 1]) == NULL || text[i + 1] == '\0' ||
                               strchr(DIGITS, text[i + 1]) == NULL))
            return false;
    return true;
}

static bool read_number(const char *text, const struct format *format, char number[YAML_NUMBER_MAX])
{
    char plain[YAML_NUMBER_MAX];
    if (strchr("+-." DIGITS, *text) == NULL || *text == '\0' || !strip_underscores(text, plain))
        return false;
    if (*text == '.' && !separates_digits(text))
        return false;
    if (read_integer(plain, number))
        return true;
    if (!is_float(plain, DIGITS))
        return false;
    const double value = strtod(plain, NULL);
    if (!isfinite(value))
        return false;
    write_float(value, format, number);
    return true;
}

enum yaml_scalar yaml_scalar_kubectl(const char *text, char number[YAML_NUMBER_MAX])
{
    const struct word *word = find_word(text);
    if (word != NULL)
        return word->kubectl;
    return read_number(text, &format_json, number) ? YAML_SCALAR_NUMBER : YAML_SCALAR_STRING;
}

void yaml_scalar_key(const char *text, char number[YAML_NUMBER_MAX])
{
    number[0] = '\0';
    read_number(text, &format_key, number);
}

/* ---- the policy dialect ----------------------------------------------------------------- */

/* RFC 8259 without an exponent: YAML 1.1 asks for a point and a sign there, 1.2 does not. */
static bool is_plain_decimal(const char *text)
{
    text += *text == '-' ? 1 : 0;
    const size_t whole = strspn(text, DIGITS);
    if (whole == 0 || (whole > 1 && *text == '0'))
        return false;
    text += whole;
    return *text == '\0' || (*text == '.' && all_in(text + 1, DIGITS));
}

static bool is_based(const char *text)
{
    text += *text == '+' || *text == '-' ? 1 : 0;
    return text[0] == '0' && text[1] != '\0' && strchr("xXoObB", text[1]) != NULL &&
           all_in(text + 2, DIGITS "abcdefABCDEF_");
}

/* 12:30 and 1:02:03.5 are numbers of base 60 in YAML 1.1. */
static bool is_sexagesimal(const char *text)
{
    text += *text == '+' || *text == '-' ? 1 : 0;
    if (*text < '0' || *text > '9')
        return false;
    text += strspn(text, DIGITS "_");
    size_t groups = 0;
    for (; *text == ':'; groups++) {
        const size_t digits = strspn(text + 1, DIGITS);
        if (digits == 0 || digits > 2 || (digits == 2 && text[1] > '5'))
            return false;
        text += 1 + digits;
    }
    if (*text == '.')
        text += 1 + strspn(text + 1, DIGITS "_");
    return groups > 0 && *text == '\0';
}

enum yaml_scalar yaml_scalar_policy(const char *text, const char **ret_mend)
{
    const struct word *word = find_word(text);
    if (word != NULL) {
        *ret_mend = word->mend;
        return word->mend != NULL ? YAML_SCALAR_UNCLEAR : word->kubectl;
    }
    if (is_plain_decimal(text) && strlen(text) <= 60)
        return YAML_SCALAR_NUMBER;
    /* An underscore opens no number, but may stand in one. */
    const char *digits = text + (*text == '+' || *text == '-' || *text == '.' ? 1 : 0);
    if (*digits != '_' && (is_float(text, DIGITS "_") || is_based(text))) {
        *ret_mend = mend_number;
        return YAML_SCALAR_UNCLEAR;
    }
    if (is_sexagesimal(text)) {
        *ret_mend = mend_quote;
        return YAML_SCALAR_UNCLEAR;
    }
    return YAML_SCALAR_STRING;
}

/* 2026-12-31, alone or with a time, is a timestamp in YAML 1.1. */
static bool is_date(const char *text)
{
    return strspn(text, DIGITS) == 4 && text[4] == '-' && strspn(text + 5, DIGITS) > 0;
}

bool yaml_scalar_is_string(const char *text)
{
    char number[YAML_NUMBER_MAX];
    const char *mend;
    return yaml_scalar_policy(text, &mend) == YAML_SCALAR_STRING &&
           yaml_scalar_kubectl(text, number) == YAML_SCALAR_STRING && !is_date(text);
}
