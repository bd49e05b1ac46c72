#include "cli/history/history.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES    (512 * LIMIT_MIB)
#define PAGE_ITEMS     200U
#define PAGES_MAX      1000U
#define CAUSES_MAX     20U
#define DURATION_MAX   (7LL * 86400 * 1000000)
#define NAME_MAX_RUNES 253U

/* ---- opening ---------------------------------------------------------------------------- */

int history_open(struct cli *cli, struct history *history)
{
    struct err err;
    const struct recorder_choice choice = {.kubeconfig = cli_flag_string(cli, "kubeconfig"),
                                           .context = cli_flag_string(cli, "context"),
                                           .server = cli_flag_string(cli, "server"),
                                           .server_ca = cli_flag_string(cli, "server-ca"),
                                           .space = cli_flag_string(cli, "namespace")};
    memset(history, 0, sizeof *history);
    history->cli = cli;
    history->json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    history->now = clock_unix_us();
    arena_init(&history->arena, ARENA_BYTES);
    history->arena_before = arena_use(&history->arena);
    if (recorder_open(&history->arena, &choice, &history->recorder, &err) == 0)
        return CLI_FINE;
    cli_fail(cli, &err);
    return history_close(history, CLI_ERROR);
}

int history_close(struct history *history, int code)
{
    recorder_close(history->recorder);
    arena_use(history->arena_before);
    arena_done(&history->arena);
    return code;
}

int history_fail(const struct history *history, const struct err *err)
{
    const cJSON *cause;
    size_t told = 0;
    cli_fail(history->cli, err);
    cJSON_ArrayForEach(cause, json_get(recorder_problem(history->recorder), "causes"))
    {
        const char *field = json_get_string(cause, "field");
        const char *message = json_get_string(cause, "message");
        if (message == NULL || told++ == CAUSES_MAX)
            continue;
        fputs("  * ", history->cli->err);
        cli_print_visible(history->cli->err, field != NULL ? field : "");
        fputs(field != NULL ? ": " : "", history->cli->err);
        cli_print_visible(history->cli->err, message);
        fputc('\n', history->cli->err);
    }
    return err->code == ERR_CONFLICT || err->code == ERR_REFUSED ? CLI_VIOLATIONS : CLI_ERROR;
}

void history_print_json(const struct history *history, const cJSON *root)
{
    struct buf text;
    buf_init(&text, NULL, 64 * LIMIT_MIB);
    json_write_pretty(&text, root);
    fprintf(history->cli->out, "%s\n", text.data);
    buf_done(&text);
}

/* ---- arguments -------------------------------------------------------------------------- */

/* A DNS subdomain (RFC 1123), as a Deployment's name is. */
static bool is_name(const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length > NAME_MAX_RUNES || strchr("-.", text[0]) != NULL ||
        strchr("-.", text[length - 1]) != NULL)
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}

const char *history_project(const struct cli *cli, size_t index)
{
    static const char *const kinds[] = {"deployment/", "deployments/", "deploy/",
                                        "deployment.apps/", "deployments.apps/"};
    if (index >= cli->argument_count) {
        cli_usage_error(cli, "the project is missing: the name of its Deployment, such as "
                             "student-2024001");
        return NULL;
    }
    const char *name = cli->arguments[index];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            name += strlen(kinds[i]);
            break;
        }
    }
    if (is_name(name))
        return name;
    cli_usage_error(cli, "\"%.80s\" is no name of a Deployment", cli->arguments[index]);
    return NULL;
}

bool history_number(const struct cli *cli, const char *text, int64_t *ret_number)
{
    char *end = NULL;
    const char *digits = text[0] == '#' ? text + 1 : text;
    errno = 0;
    const long long number = strtoll(digits, &end, 10);
    if (digits[0] < '0' || digits[0] > '9' || *end != '\0' || errno != 0 || number < 1) {
        cli_usage_error(cli,
                        "\"%.40s\" is no version's number: 1, 2, 3 ... as `proctor history "
                        "list` shows them",
                        text);
        return false;
    }
    *ret_number = number;
    return true;
}

/* One of "10m" and what is behind it; 0: neither a number nor a unit. */
static int64_t take_span(const char **at)
{
    static const struct {
        char letter;
        int64_t us;
    } units[] = {{'s', 1000000LL}, {'m', 60000000LL}, {'h', 3600000000LL}, {'d', 86400000000LL}};
    int64_t value = 0;
    const char *text = *at;
    for (; *text >= '0' && *text <= '9' && value < 1000000; text++)
        value = value * 10 + (*text - '0');
    for (size_t i = 0; text != *at && i < sizeof units / sizeof units[0]; i++) {
        if (*text == units[i].letter) {
            *at = text + 1;
            return value * units[i].us;
        }
    }
    return -1;
}

bool history_duration(const struct cli *cli, const char *flag, int64_t *ret_us)
{
    const char *text = cli_flag_string(cli, flag), *at = text;
    int64_t all = 0, span = 0;
    while (*at != '\0' && all <= DURATION_MAX && (span = take_span(&at)) >= 0)
        all += span;
    if (text[0] == '\0' || *at != '\0' || span < 0 || all > DURATION_MAX) {
        cli_usage_error(cli,
                        "--%s is \"%.40s\", but must be a duration like 90s, 10m or 1h30m, at "
                        "most 7d",
                        flag, text);
        return false;
    }
    *ret_us = all;
    return true;
}

/* ---- versions --------------------------------------------------------------------------- */

int64_t history_int(const cJSON *object, const char *key)
{
    int64_t value;
    return json_int64(json_get(object, key), &value) ? value : 0;
}

const char *history_path(struct history *history, const cJSON *deployment, const char *rest)
{
    return arena_printf(&history->arena, "/api/deployments/%lld%s",
                        (long long)history_int(deployment, "id"), rest);
}

struct pages {
    const char *project, *query;
    const char *cursor; /* NULL: from the beginning */
    size_t limit;
};

static int read_page(struct history *history, struct pages *pages, cJSON **ret_items,
                     struct err *reterr)
{
    struct arena *arena = &history->arena;
    cJSON *page;
    const char *path = arena_printf(
        arena, "%s?limit=%zu%s%s%s",
        client_path(arena, "/api/projects/%s/deployments", pages->project), pages->limit,
        pages->query != NULL ? pages->query : "", pages->cursor != NULL ? "&cursor=" : "",
        pages->cursor != NULL ? client_path(arena, "%s", pages->cursor) : "");
    const int r = recorder_get(history->recorder, path, &page, reterr);
    if (r < 0)
        return r;
    *ret_items = json_get(page, "items");
    if (!json_is_array(*ret_items))
        return err_set(reterr, ERR_ANSWER, "the recorder answers no list of versions");
    pages->cursor = json_get_string(page, "nextCursor");
    return 0;
}

int history_versions(struct history *history, const char *project, const char *query, size_t most,
                     cJSON **ret_items, bool *ret_more, struct err *reterr)
{
    struct pages pages = {.project = project, .query = query};
    cJSON *all = json_new_array(&history->arena), *items;
    size_t count = 0;
    do {
        pages.limit = most - count < PAGE_ITEMS ? most - count : PAGE_ITEMS;
        const int r = read_page(history, &pages, &items, reterr);
        if (r < 0)
            return r;
        while (items->child != NULL && count < most) {
            cJSON *item = items->child;
            json_unlink(items, item);
            json_append(all, item);
            count++;
        }
    } while (pages.cursor != NULL && count < most);
    *ret_items = all;
    *ret_more = pages.cursor != NULL;
    return 0;
}

static cJSON *pick(const cJSON *items, int64_t number)
{
    cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (number == 0 || history_int(item, "number") == number)
            return item;
    }
    return NULL;
}

int history_version(struct history *history, const char *project, int64_t number,
                    cJSON **ret_deployment, struct err *reterr)
{
    struct pages pages = {.project = project, .limit = number == 0 ? 1 : PAGE_ITEMS};
    for (size_t page = 0; page < PAGES_MAX && (page == 0 || pages.cursor != NULL); page++) {
        cJSON *items = NULL;
        const int r = read_page(history, &pages, &items, reterr);
        if (r < 0)
            return r;
        cJSON *found = pick(items, number);
        if (found != NULL && history_int(found, "id") <= 0)
            return err_set(reterr, ERR_ANSWER, "the recorder's version has no id");
        if (found != NULL) {
            *ret_deployment = found;
            return 0;
        }
        if (number == 0)
            break;
    }
    if (number == 0)
        return err_set(reterr, ERR_NOT_FOUND, "%s has no versions yet", project);
    return err_set(reterr, ERR_NOT_FOUND,
                   "%s has no version %lld: `proctor history list %s` shows those it has", project,
                   (long long)number, project);
}

int history_post(struct history *history, const char *path, const cJSON *body, const char *if_match,
                 cJSON **ret_json, struct err *reterr)
{
    const cJSON *sent = body != NULL ? body : json_new_object(&history->arena);
    const struct recorder_call call = {
        .method = "POST", .path = path, .body = sent, .if_match = if_match};
    struct recorder_answer answer;
    const int r = recorder_ask(history->recorder, &call, &answer, reterr);
    if (r == 0)
        *ret_json = answer.json;
    return r;
}
