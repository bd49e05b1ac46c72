/* What the files of the JSON façade share: json_parse.c reads, json_keys.c orders members,
 * json.c does the rest. */
#ifndef PROCTOR_BASE_JSON_INTERNAL_H
#define PROCTOR_BASE_JSON_INTERNAL_H

#include "base/json.h"

/* The digits up to which a number is the same as a double. */
#define JSON_EXACT_DIGITS 15

/* ERR_JSON if a key stands twice. */
NODISCARD int json_check_keys(struct arena *arena, const cJSON *object, struct err *reterr);

#endif
