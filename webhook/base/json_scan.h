/* The judgement of a JSON text before cJSON sees it: RFC 8259 to the letter, UTF-8, no NUL,
 * depth and number of values, nothing after the end.  One pass, no allocation.
 * json.c's own; everybody else calls json_parse.
 */
#ifndef PROCTOR_BASE_JSON_SCAN_H
#define PROCTOR_BASE_JSON_SCAN_H

#include "base/json.h"

/* The digits up to which a number is the same as a double. */
#define JSON_EXACT_DIGITS 15

/* ERR_JSON with the byte offset, ERR_LIMIT past a limit.  *ret_long_numbers: some number may not
 * survive as a double, so its digits must be kept. */
NODISCARD int json_scan(const char *text, size_t length, const struct json_limits *limits,
                        bool *ret_long_numbers, struct err *reterr);

#endif
