#include "cli/policies.h"

#include "admit/judge.h"
#include "base/clock.h"
#include "base/limits.h"
#include "policy/load.h"

#define PATHS_MAX 64

static void print_errors(const struct cli *cli, const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        if (item->severity != DIAG_ERROR)
            continue;
        cli_print_visible(cli->err, item->place.file == NULL ? "policies" : item->place.file);
        if (item->place.mark.line > 0)
            fprintf(cli->err, ":%u:%u", item->place.mark.line, item->place.mark.column);
        fputs(": error: ", cli->err);
        cli_print_visible(cli->err, item->message);
        fprintf(cli->err, " [%s]\n", item->code);
    }
}

struct policy_set *policies_load(const struct cli *cli, const char *const *paths,
                                 const char *language, int64_t now)
{
    struct arena arena;
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    struct err err = {0};
    arena_init(&arena, LIMIT_POLICY_SET_BYTES);
    diag_init(&diagnostics, &arena);
    const struct policy_load_options options = {.language = language, .now = now};
    int r = policy_load(paths, &options, &diagnostics, &set, &err);
    if (r < 0) {
        print_errors(cli, &diagnostics);
        if (diagnostics.error_count == 0)
            cli_fail(cli, &err);
        set = NULL;
    }
    arena_done(&arena);
    return set;
}

bool policies_now(const struct cli *cli, int64_t *ret_now)
{
    const char *text = cli_flag_string(cli, "now");
    struct err err;
    *ret_now = clock_unix();
    if (text == NULL || judge_parse_time(text, ret_now, &err) == 0)
        return true;
    cli_usage_error(cli, "--now: %s", err.text);
    return false;
}

struct policy_set *policies_of_flag(const struct cli *cli, const char *flag, const char *language,
                                    int64_t now)
{
    const char *paths[PATHS_MAX + 1] = {cli_flag_string(cli, flag)};
    const size_t count = cli_flag_count(cli, flag);
    if (count > PATHS_MAX) {
        cli_usage_error(cli, "--%s: more than %d paths", flag, PATHS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        paths[i] = cli_flag_nth(cli, flag, i);
    return policies_load(cli, paths, language, now);
}
