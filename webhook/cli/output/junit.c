#include "cli/output/junit.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define JUNIT_BYTES (256 * LIMIT_MIB)

#define REPLACEMENT "\xef\xbf\xbd"

/* ---- XML ---------------------------------------------------------------------------------- */

/* Char of XML 1.0, section 2.2. */
static bool is_xml(uint32_t rune)
{
    return rune == '\t' || rune == '\n' || rune == '\r' ||
           (rune >= 0x20 && rune != 0xfffe && rune != 0xffff);
}

/* NULL: the character stands for itself.  Parsers make a blank of a newline or a tab in an
 * attribute and a newline of any \r, unless it is written as a reference. */
static const char *reference_of(uint32_t rune, bool in_attribute)
{
    switch (rune) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void add_xml(struct buf *buf, const char *text, bool in_attribute)
{
    while (*text != '\0') {
        uint32_t rune = 0;
        const size_t length = utf8_decode(text, &rune);
        const char *reference = reference_of(rune, in_attribute);
        if (length == 0 || !is_xml(rune))
            buf_add_string(buf, REPLACEMENT);
        else if (reference != NULL)
            buf_add_string(buf, reference);
        else
            buf_add(buf, text, length);
        text += length > 0 ? length : 1;
    }
}

static void add_attribute(struct buf *buf, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_add_strings(buf, " ", name, "=\"", NULL);
    add_xml(buf, value, true);
    buf_add_char(buf, '"');
}

static void add_count(struct buf *buf, const char *name, size_t count)
{
    buf_add_strings(buf, " ", name, "=\"", NULL);
    buf_add_number(buf, count);
    buf_add_char(buf, '"');
}

static void add_time(struct buf *buf, int64_t time_us)
{
    if (time_us >= 0)
        buf_printf(buf, " time=\"%" PRId64 ".%06" PRId64 "\"", time_us / 1000000,
                   time_us % 1000000);
}

/* ---- suites ------------------------------------------------------------------------------- */

void junit_init(struct junit *junit)
{
    *junit = (struct junit){.total_us = -1};
    buf_init(&junit->suites, NULL, JUNIT_BYTES);
    buf_init(&junit->cases, NULL, JUNIT_BYTES);
    buf_init(&junit->suite_name, NULL, LIMIT_MIB);
}

void junit_done(struct junit *junit)
{
    buf_done(&junit->suites);
    buf_done(&junit->cases);
    buf_done(&junit->suite_name);
}

static void add_counts(struct buf *buf, const size_t counts[JUNIT_OUTCOMES])
{
    size_t tests = 0;
    for (size_t i = 0; i < JUNIT_OUTCOMES; i++)
        tests += counts[i];
    add_count(buf, "tests", tests);
    add_count(buf, "failures", counts[JUNIT_FAILED]);
    add_count(buf, "errors", counts[JUNIT_ERROR]);
}

/* The sum of what was measured; below 0 while nothing was. */
static void sum_time(int64_t *sum_us, int64_t time_us)
{
    if (time_us >= 0)
        *sum_us = (*sum_us < 0 ? 0 : *sum_us) + time_us;
}

static void end_suite(struct junit *junit)
{
    if (!junit->in_suite)
        return;
    struct buf *buf = &junit->suites;
    buf_add_string(buf, "  <testsuite");
    add_attribute(buf, "name", junit->suite_name.data);
    add_counts(buf, junit->counts);
    add_count(buf, "skipped", junit->counts[JUNIT_SKIPPED]);
    add_time(buf, junit->suite_us);
    buf_add_string(buf, ">\n");
    buf_add(buf, junit->cases.data, junit->cases.length);
    buf_add_string(buf, "  </testsuite>\n");
    buf->failed |= junit->cases.failed || junit->suite_name.failed;
    for (size_t i = 0; i < JUNIT_OUTCOMES; i++)
        junit->totals[i] += junit->counts[i];
    sum_time(&junit->total_us, junit->suite_us);
    junit->in_suite = false;
}

void junit_begin_suite(struct junit *junit, const char *name)
{
    end_suite(junit);
    buf_clear(&junit->cases);
    buf_clear(&junit->suite_name);
    buf_add_string(&junit->suite_name, name);
    memset(junit->counts, 0, sizeof junit->counts);
    junit->suite_us = -1;
    junit->in_suite = true;
}

static void add_outcome(struct buf *buf, const char *element, const struct junit_case *one)
{
    buf_add_strings(buf, "      <", element, NULL);
    add_attribute(buf, "message", one->message);
    add_attribute(buf, "type", one->type);
    if (one->text == NULL) {
        buf_add_string(buf, "/>\n");
        return;
    }
    buf_add_char(buf, '>');
    add_xml(buf, one->text, false);
    buf_add_strings(buf, "</", element, ">\n", NULL);
}

void junit_add_case(struct junit *junit, const struct junit_case *one)
{
    static const char *const elements[JUNIT_OUTCOMES] = {
        [JUNIT_FAILED] = "failure", [JUNIT_ERROR] = "error", [JUNIT_SKIPPED] = "skipped"};
    struct buf *buf = &junit->cases;
    const char *element = elements[one->outcome];
    buf_add_string(buf, "    <testcase");
    add_attribute(buf, "classname",
                  one->class_name != NULL ? one->class_name : junit->suite_name.data);
    add_attribute(buf, "name", one->name);
    add_attribute(buf, "file", one->file);
    if (one->line > 0)
        add_count(buf, "line", one->line);
    add_time(buf, one->time_us);
    buf_add_string(buf, element == NULL ? "/>\n" : ">\n");
    if (element != NULL) {
        add_outcome(buf, element, one);
        buf_add_string(buf, "    </testcase>\n");
    }
    junit->counts[one->outcome]++;
    sum_time(&junit->suite_us, one->time_us);
}

int junit_write(struct junit *junit, const char *name, struct buf *text, struct err *reterr)
{
    end_suite(junit);
    buf_add_string(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    add_attribute(text, "name", name);
    add_counts(text, junit->totals);
    add_time(text, junit->total_us);
    buf_add_string(text, ">\n");
    buf_add(text, junit->suites.data, junit->suites.length);
    buf_add_string(text, "</testsuites>\n");
    if (text->failed || junit->suites.failed)
        return err_set(reterr, ERR_NO_MEMORY, "the report takes too much memory");
    return 0;
}
