#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_unix(void)
{
    return (int64_t)time(NULL);
}

int64_t clock_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

static int format_whole(int64_t unix_seconds, char text[CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)unix_seconds;
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    return (int)strftime(text, CLOCK_TEXT_BYTES - 10, "%Y-%m-%dT%H:%M:%S", &parts);
}

const char *clock_format(int64_t unix_us, char text[CLOCK_TEXT_BYTES])
{
    int64_t seconds = unix_us / 1000000;
    int64_t rest = unix_us % 1000000;
    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    int length = format_whole(seconds, text);
    snprintf(text + length, 10, ".%06dZ", (int)rest);
    return text;
}

const char *clock_format_seconds(int64_t unix_seconds, char text[CLOCK_TEXT_BYTES])
{
    int length = format_whole(unix_seconds, text);
    snprintf(text + length, 10, "Z");
    return text;
}
