#include "net/exchange.h"

#include "net/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_size_t budget;
static atomic_size_t in_use;

void exchange_set_budget(size_t bytes)
{
    atomic_store(&budget, bytes);
}

bool exchange_reserve(struct exchange *exchange, size_t bytes)
{
    size_t limit = atomic_load(&budget);
    size_t before = atomic_fetch_add(&in_use, bytes);
    if (bytes > limit || before > limit - bytes) {
        atomic_fetch_sub(&in_use, bytes);
        return false;
    }
    exchange->reserved += bytes;
    metric_set(METRIC_IN_FLIGHT_BYTES, (int64_t)(before + bytes));
    return true;
}

void exchange_release(struct exchange *exchange, size_t bytes)
{
    size_t before = atomic_fetch_sub(&in_use, bytes);
    exchange->reserved -= bytes;
    metric_set(METRIC_IN_FLIGHT_BYTES, (int64_t)(before - bytes));
}

/* Doubles the room, up to what can still come. */
static bool make_room(struct exchange *exchange, size_t count, size_t body_max)
{
    size_t need = exchange->length + count + 1;
    if (need <= exchange->capacity)
        return true;
    size_t most = (exchange->expected > 0 ? exchange->expected : body_max) + 1;
    size_t capacity =
        exchange->capacity < EXCHANGE_HEAD_BYTES ? EXCHANGE_HEAD_BYTES : exchange->capacity * 2;
    if (capacity < need)
        capacity = need;
    if (capacity > most && most >= need)
        capacity = most;
    size_t grown = capacity - exchange->capacity;
    if (capacity > EXCHANGE_HEAD_BYTES && !exchange_reserve(exchange, grown))
        return false;
    char *body = realloc(exchange->body, capacity);
    if (body == NULL) {
        if (capacity > EXCHANGE_HEAD_BYTES)
            exchange_release(exchange, grown);
        return false;
    }
    exchange->body = body;
    exchange->capacity = capacity;
    return true;
}

/* Keeps the first bytes for the uid, gives the rest back. */
static void shrink(struct exchange *exchange)
{
    if (exchange->length < EXCHANGE_HEAD_BYTES)
        return;
    exchange->length = EXCHANGE_HEAD_BYTES - 1;
    char *body = realloc(exchange->body, EXCHANGE_HEAD_BYTES);
    if (body != NULL)
        exchange->body = body;
    exchange->capacity = EXCHANGE_HEAD_BYTES;
    if (exchange->reserved > 0)
        exchange_release(exchange, exchange->reserved);
}

bool exchange_take(struct exchange *exchange, const char *bytes, size_t count, size_t body_max)
{
    exchange->received += count;
    if (exchange->received > EXCHANGE_DRAIN_BYTES)
        return false;
    if (exchange->error == 0) {
        if (exchange->received > body_max)
            exchange->error = ERR_TOO_LARGE;
        else if (!make_room(exchange, count, body_max))
            exchange->error = ERR_BUSY;
        if (exchange->error != 0)
            shrink(exchange);
    }
    if (exchange->error == 0) {
        memcpy(exchange->body + exchange->length, bytes, count);
        exchange->length += count;
        exchange->body[exchange->length] = '\0';
    }
    return true;
}

void exchange_done(struct exchange *exchange)
{
    free(exchange->body);
    if (exchange->reserved > 0)
        exchange_release(exchange, exchange->reserved);
    *exchange = (struct exchange){.body = NULL};
}

/* Past a string that begins at text[at] == '"'; `length` if it does not end. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
    for (at++; at < length; at++) {
        if (text[at] == '\\')
            at++;
        else if (text[at] == '"')
            return at + 1;
    }
    return length;
}

static size_t skip_blanks(const char *text, size_t length, size_t at)
{
    while (at < length && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0')
        at++;
    return at;
}

static bool copy_uid(const char *text, size_t length, size_t at, char ret_uid[EXCHANGE_UID_BYTES])
{
    size_t end = at < length && text[at] == '"' ? skip_string(text, length, at) : length;
    if (end == length || end - at - 2 >= EXCHANGE_UID_BYTES || end - at == 2)
        return false;
    for (size_t i = at + 1; i < end - 1; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e || text[i] == '\\')
            return false;
    }
    memcpy(ret_uid, text + at + 1, end - at - 2);
    ret_uid[end - at - 2] = '\0';
    return true;
}

bool exchange_find_uid(const char *text, size_t length, char ret_uid[EXCHANGE_UID_BYTES])
{
    unsigned depth = 0;
    bool in_request = false; /* the object at depth 2 is the member `request` of the root */
    for (size_t at = 0; at < length;) {
        char c = text[at];
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth = depth > 0 ? depth - 1 : 0;
            if (depth < 2)
                in_request = false;
        }
        if (c != '"') {
            at++;
            continue;
        }
        size_t end = skip_string(text, length, at);
        size_t colon = skip_blanks(text, length, end);
        if (colon < length && text[colon] == ':') {
            size_t value = skip_blanks(text, length, colon + 1);
            if (depth == 1 && end - at == 9 && memcmp(text + at, "\"request\"", 9) == 0)
                in_request = value < length && text[value] == '{';
            else if (depth == 2 && in_request && end - at == 5 &&
                     memcmp(text + at, "\"uid\"", 5) == 0)
                return copy_uid(text, length, value, ret_uid);
            end = value;
            if (value < length && text[value] == '"')
                end = skip_string(text, length, value);
        }
        at = end;
    }
    return false;
}

int64_t exchange_parse_duration(const char *text)
{
    static const struct {
        const char *name;
        double microseconds;
    } units[] = {{"ns", 0.001}, {"us", 1}, {"ms", 1000}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};
    if (*text == '\0')
        return -1;
    double total = 0;
    while (*text != '\0') {
        if (*text < '0' || *text > '9')
            return -1;
        double number = 0, scale = 1;
        for (; *text >= '0' && *text <= '9'; text++)
            number = number * 10 + (*text - '0');
        if (*text == '.') {
            for (text++; *text >= '0' && *text <= '9'; text++)
                number += (*text - '0') * (scale /= 10);
        }
        size_t length = strspn(text, "numsh");
        size_t i = 0;
        while (i < sizeof units / sizeof units[0] &&
               (strlen(units[i].name) != length || strncmp(units[i].name, text, length) != 0))
            i++;
        if (i == sizeof units / sizeof units[0])
            return -1;
        total += number * units[i].microseconds;
        text += length;
    }
    return total < 1e15 ? (int64_t)total : -1;
}
