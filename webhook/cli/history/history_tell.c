/* What the commands that change something share: their body, and the words for what was begun. */
#include "cli/history/history.h"

#include <string.h>

cJSON *history_body(struct history *history)
{
    struct arena *arena = &history->arena;
    const struct cli *cli = history->cli;
    const char *reason = cli_flag_string(cli, "reason");
    cJSON *body = json_new_object(arena);
    if (reason != NULL)
        json_add(arena, body, "reason", json_new_string(arena, reason));
    if (history_is_dry(cli))
        json_add(arena, body, "dryRun", json_new_bool(arena, true));
    return body;
}

static bool is_given(const struct cli *cli, const char *flag)
{
    return cli_flag_find(cli->command, flag) != NULL && cli_flag_bool(cli, flag);
}

bool history_is_dry(const struct cli *cli)
{
    return is_given(cli, "dry-run");
}

const char *history_who(struct history *history, const cJSON *answer)
{
    const char *actor = json_get_string(json_get(answer, "operation"), "actor");
    cJSON *caller;
    struct err err;
    if (actor != NULL)
        return actor;
    if (recorder_get(history->recorder, "/api/whoami", &caller, &err) < 0)
        return "you";
    const char *user = json_get_string(caller, "user");
    return user != NULL ? user : "you";
}

static void print_warning(const struct cli *cli, const char *warning)
{
    fprintf(cli->err, "%swarning:%s ", cli->err_colour ? "\033[33m" : "",
            cli->err_colour ? "\033[0m" : "");
    cli_print_visible(cli->err, warning);
    fputc('\n', cli->err);
}

int history_tell(struct history *history, const cJSON *answer, const char *done)
{
    const struct cli *cli = history->cli;
    const char *warning = json_get_string(answer, "warning");
    const int64_t operation = history_int(json_get(answer, "operation"), "id");
    const bool dry = history_is_dry(cli), wait = !dry && is_given(cli, "wait");
    if (warning != NULL)
        print_warning(cli, warning);
    if (history->json && !wait)
        history_print_json(history, answer);
    if (!history->json) {
        cli_print_visible(cli->out, done);
        if (operation > 0 && !dry)
            fprintf(cli->out, " (operation %lld)", (long long)operation);
        fputs(dry ? "\nNothing was changed: --dry-run.\n" : "\n", cli->out);
        fflush(cli->out);
    }
    return wait ? history_wait(history, answer) : CLI_FINE;
}

bool history_check_flags(const struct cli *cli)
{
    int64_t timeout_us;
    const char *generation = cli_flag_find(cli->command, "if-generation") != NULL
                                 ? cli_flag_string(cli, "if-generation")
                                 : NULL;
    if (cli_flag_find(cli->command, "timeout") != NULL &&
        !history_duration(cli, "timeout", &timeout_us))
        return false;
    if (generation == NULL ||
        (generation[0] >= '1' && generation[0] <= '9' && strlen(generation) < 19 &&
         strspn(generation, "0123456789") == strlen(generation)))
        return true;
    cli_usage_error(cli, "--if-generation is \"%.40s\", but must be metadata.generation, a number",
                    generation);
    return false;
}

const char *history_image(const cJSON *deployment)
{
    const char *image = json_get_string(deployment, "image");
    return image != NULL ? image : "?";
}
