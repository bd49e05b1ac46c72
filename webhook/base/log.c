#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX  (64UL * 1024UL)
#define VALUE_RUNES_MAX 8192

const char *const log_level_names[] = {"debug", "info", "warn", "error", NULL};

static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_JSON;

void log_configure(enum log_level level, enum log_format format)
{
    atomic_store(&current_level, (int)level);
    atomic_store(&current_format, (int)format);
}

void log_configure_named(const char *level, const char *format)
{
    for (int i = 0; log_level_names[i] != NULL; i++) {
        if (strcmp(level, log_level_names[i]) == 0)
            atomic_store(&current_level, i);
    }
    atomic_store(&current_format, strcmp(format, "text") == 0 ? LOG_TEXT : LOG_JSON);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static void add_pair(struct buf *line, const char *key, const char *value, bool json)
{
    if (json) {
        buf_printf(line, ",\"%s\":", key);
        buf_add_json_string(line, value);
        return;
    }
    buf_printf(line, " %s=\"", key);
    buf_add_visible(line, value, VALUE_RUNES_MAX);
    buf_add_char(line, '"');
}

static void write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

void log_event(enum log_level level, const char *message, ...)
{
    if (!log_enabled(level))
        return;
    bool json = atomic_load(&current_format) == LOG_JSON;
    char time[CLOCK_TEXT_BYTES];
    clock_format(clock_unix_us(), time);
    struct buf line;
    buf_init(&line, NULL, LINE_BYTES_MAX);
    if (json) {
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time,
                   log_level_names[level]);
        buf_add_json_string(&line, message);
    } else {
        buf_printf(&line, "%s %-5s ", time, log_level_names[level]);
        buf_add_visible(&line, message, VALUE_RUNES_MAX);
    }

    va_list pairs;
    va_start(pairs, message);
    for (const char *key; (key = va_arg(pairs, const char *)) != NULL;) {
        const char *value = va_arg(pairs, const char *);
        if (value == NULL)
            break;
        add_pair(&line, key, value, json);
    }
    va_end(pairs);
    buf_add_string(&line, json ? "}\n" : "\n");
    if (!line.failed)
        write_all(line.data, line.length);
    buf_done(&line);
}

bool log_allowed(struct log_limit *limit)
{
    int64_t now = clock_monotonic_us() / 1000000;
    if (atomic_exchange(&limit->second, now) != now)
        atomic_store(&limit->lines, 0);
    return atomic_fetch_add(&limit->lines, 1) < LOG_PER_SECOND;
}
