#include "policy/load_internal.h"

#include <string.h>
#include <time.h>

/* The number that stands in text[0..count); -1 if it is not digits alone. */
static int digits(const char *text, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* "2026-12-31", the last day (UTC) on which it holds -> the first second of the day after. */
static bool parse_day(const char *text, int64_t *ret_end)
{
    struct tm day = {0};
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    const int year = digits(text, 4), month = digits(text + 5, 2), date = digits(text + 8, 2);
    if (year < 0 || month < 0 || date < 0)
        return false;
    day.tm_year = year - 1900;
    day.tm_mon = month - 1;
    day.tm_mday = date;
    const time_t start = timegm(&day);
    /* timegm moves the 31st of June to July: then it was no day. */
    if (start == (time_t)-1 || day.tm_mon != month - 1 || day.tm_mday != date)
        return false;
    *ret_end = (int64_t)start + 86400;
    return true;
}

void load_exception(struct loader *loader, const cJSON *root, struct policy_exception *out)
{
    const cJSON *spec = json_get(root, "spec");
    const cJSON *match = json_get(spec, "match");
    out->place = load_place(loader, root);
    out->name = json_get_string(json_get(root, "metadata"), "name");
    if (spec == NULL ||
        !load_check_keys(loader, spec, "spec of an Exception", keys_exception, KEY_NO_VERBS))
        return;
    out->policy = load_string(loader, spec, "policy", true);
    out->rules = load_strings(loader, spec, "rules");
    if (json_get(spec, "rules") == NULL)
        load_fail(loader, spec, "missing-key", "rules is missing: name each rule that is waived");
    out->reason = load_string(loader, spec, "reason", true);
    out->owner = load_string(loader, spec, "owner", true);
    out->ticket = load_string(loader, spec, "ticket", true);
    out->expires = load_string(loader, spec, "expires", true);
    if (match == NULL)
        load_fail(loader, spec, "missing-key", "match is missing: say for whom the rule is waived");
    else
        load_match(loader, match, true, &out->match);
    if (out->expires == NULL)
        return;
    if (!parse_day(out->expires, &out->expires_at))
        load_fail(loader, json_get(spec, "expires"), "bad-date",
                  "expires is the last day that it holds, as 2026-12-31");
    else if (out->expires_at <= loader->options->now)
        diag_add(loader->diagnostics, DIAG_WARNING, load_place(loader, json_get(spec, "expires")),
                 "expired",
                 "the exception has expired and has no effect: take it out, or renew it");
}
