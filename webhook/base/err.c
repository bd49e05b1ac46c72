#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int http_status;
    const char *label;
    const char *text;
} rows[ERR_COUNT] = {
#define ERR_ROW(code, http, label, text) [code] = {http, label, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

int(err_set)(struct err *reterr, enum err_code code, const char *format, ...)
{
    if (reterr != NULL) {
        va_list args;
        reterr->code = code;
        va_start(args, format);
        vsnprintf(reterr->text, sizeof reterr->text, format, args);
        va_end(args);
    }
    return -(int)code;
}

int(err_wrap)(struct err *reterr, const char *format, ...)
{
    if (reterr == NULL)
        return -(int)ERR_INTERNAL;
    char inner[sizeof reterr->text];
    memcpy(inner, reterr->text, sizeof inner);

    va_list args;
    va_start(args, format);
    int used = vsnprintf(reterr->text, sizeof reterr->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof reterr->text - 3)
        snprintf(reterr->text + used, sizeof reterr->text - (size_t)used, ": %.*s",
                 (int)(sizeof reterr->text) - used - 3, inner);
    return -(int)reterr->code;
}

static size_t row_of(int code)
{
    int positive = code < 0 ? -code : code;
    return positive < ERR_COUNT ? (size_t)positive : ERR_INTERNAL;
}

int err_http_status(int code)
{
    return rows[row_of(code)].http_status;
}

const char *err_label(int code)
{
    return rows[row_of(code)].label;
}

const char *err_text(int code)
{
    return rows[row_of(code)].text;
}
