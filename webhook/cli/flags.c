/* The one parser of flags: --name value, --name=value, -o value, -ovalue, -o=value, --. */
#include "cli/cli.h"
#include "kube/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_CANDIDATES_MAX 64

const struct cli_flag cli_common_flags[] = {
    {.name = "color",
     .value = "auto|always|never",
     .fallback = "auto",
     .help = "colours: auto is on a terminal and without NO_COLOR"},
    {.name = "help", .letter = 'h', .help = "this text"},
    {0}};

static const struct cli_flag *find_in(const struct cli_flag *flags, const char *name, char letter)
{
    for (const struct cli_flag *flag = flags; flag != NULL && flag->name != NULL; flag++) {
        if (name != NULL ? strcmp(flag->name, name) == 0 : flag->letter == letter)
            return flag;
    }
    return NULL;
}

const struct cli_flag *cli_flag_find(const struct command *command, const char *name)
{
    const struct cli_flag *flag = find_in(command->flags, name, 0);
    return flag != NULL ? flag : find_in(cli_common_flags, name, 0);
}

const struct cli_flag *cli_flag_find_letter(const struct command *command, char letter)
{
    const struct cli_flag *flag = find_in(command->flags, NULL, letter);
    return flag != NULL ? flag : find_in(cli_common_flags, NULL, letter);
}

static int refuse_unknown(const struct cli *cli, const char *name, struct err *reterr)
{
    const char *candidates[FLAG_CANDIDATES_MAX] = {NULL};
    const struct cli_flag *lists[] = {cli->command->flags, cli_common_flags};
    size_t count = 0;
    for (size_t list = 0; list < 2; list++) {
        const struct cli_flag *flag = lists[list];
        for (; flag != NULL && flag->name != NULL && count < FLAG_CANDIDATES_MAX - 1; flag++)
            candidates[count++] = flag->name;
    }
    const char *nearest = name_nearest(name, candidates);
    if (nearest != NULL)
        return err_set(reterr, ERR_USAGE, "unknown flag --%s, did you mean --%s?", name, nearest);
    return err_set(reterr, ERR_USAGE, "unknown flag --%s", name);
}

/* Whether `value` is one of the words of "text|json|yaml". */
static bool word_in_list(const char *list, const char *value)
{
    size_t length = strlen(value);
    for (const char *word = list; word != NULL;) {
        size_t span = strcspn(word, "|");
        if (span == length && strncmp(word, value, span) == 0)
            return true;
        word = word[span] == '|' ? word + span + 1 : NULL;
    }
    return false;
}

static int keep(struct cli *cli, const struct cli_flag *flag, const char *value, struct err *reterr)
{
    if (value != NULL && strchr(flag->value, '|') != NULL && !word_in_list(flag->value, value))
        return err_set(reterr, ERR_USAGE, "--%s is \"%s\", but must be one of %s", flag->name,
                       value, flag->value);
    if (!flag->repeatable && cli_flag_count(cli, flag->name) > 0)
        return err_set(reterr, ERR_USAGE, "--%s is given twice", flag->name);
    cli->given[cli->given_count++] = (struct cli_given){flag, value};
    return 0;
}

/* `inline_value` is what stood behind = or directly behind a letter.  *index moves on if the
 * value is the next argument. */
static int take_flag(struct cli *cli, const struct cli_flag *flag, const char *inline_value,
                     int argc, char **argv, int *index, struct err *reterr)
{
    if (flag->value == NULL) {
        if (inline_value != NULL)
            return err_set(reterr, ERR_USAGE, "--%s takes no value, but \"%s\" is given",
                           flag->name, inline_value);
        return keep(cli, flag, NULL, reterr);
    }
    if (inline_value == NULL) {
        if (*index + 1 >= argc)
            return err_set(reterr, ERR_USAGE, "--%s needs a value: %s", flag->name, flag->value);
        inline_value = argv[++*index];
    }
    return keep(cli, flag, inline_value, reterr);
}

static int take_long(struct cli *cli, int argc, char **argv, int *index, struct err *reterr)
{
    const char *text = argv[*index] + 2;
    char name[64];
    size_t length = strcspn(text, "=");
    if (length >= sizeof name)
        return err_set(reterr, ERR_USAGE, "unknown flag %.80s", argv[*index]);
    memcpy(name, text, length);
    name[length] = '\0';
    const struct cli_flag *flag = cli_flag_find(cli->command, name);
    if (flag == NULL)
        return refuse_unknown(cli, name, reterr);
    return take_flag(cli, flag, text[length] == '=' ? text + length + 1 : NULL, argc, argv, index,
                     reterr);
}

static int take_short(struct cli *cli, int argc, char **argv, int *index, struct err *reterr)
{
    const char *text = argv[*index] + 1;
    const struct cli_flag *flag = cli_flag_find_letter(cli->command, text[0]);
    if (flag == NULL)
        return err_set(reterr, ERR_USAGE, "unknown flag -%.20s", text);
    const char *rest = text[1] == '=' ? text + 2 : text[1] != '\0' ? text + 1 : NULL;
    return take_flag(cli, flag, rest, argc, argv, index, reterr);
}

int cli_parse(struct cli *cli, int argc, char **argv, bool *ret_help, struct err *reterr)
{
    cli->given = calloc((size_t)argc + 1, sizeof *cli->given);
    cli->arguments = calloc((size_t)argc + 1, sizeof *cli->arguments);
    if (cli->given == NULL || cli->arguments == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");

    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        int r = 0;
        if (only_arguments || text[0] != '-' || text[1] == '\0')
            cli->arguments[cli->argument_count++] = text;
        else if (strcmp(text, "--") == 0)
            only_arguments = true;
        else if (text[1] == '-')
            r = take_long(cli, argc, argv, &i, reterr);
        else
            r = take_short(cli, argc, argv, &i, reterr);
        if (r < 0)
            return r;
        if (cli->given_count > 0 && cli_flag_bool(cli, "help")) {
            *ret_help = true;
            return 0;
        }
    }
    *ret_help = false;
    return 0;
}

void cli_done(struct cli *cli)
{
    free(cli->given);
    free(cli->arguments);
    cli->given = NULL;
    cli->arguments = NULL;
}

static const struct cli_flag *must_find(const struct cli *cli, const char *name)
{
    const struct cli_flag *flag = cli_flag_find(cli->command, name);
    if (flag == NULL) {
        fprintf(stderr, "%s has no row for --%s\n", cli->path, name);
        abort();
    }
    return flag;
}

const char *cli_flag_nth(const struct cli *cli, const char *name, size_t index)
{
    const struct cli_flag *flag = must_find(cli, name);
    for (size_t i = 0; i < cli->given_count; i++) {
        if (cli->given[i].flag == flag && index-- == 0)
            return cli->given[i].value;
    }
    return NULL;
}

size_t cli_flag_count(const struct cli *cli, const char *name)
{
    const struct cli_flag *flag = must_find(cli, name);
    size_t count = 0;
    for (size_t i = 0; i < cli->given_count; i++)
        count += cli->given[i].flag == flag;
    return count;
}

bool cli_flag_bool(const struct cli *cli, const char *name)
{
    return cli_flag_count(cli, name) > 0;
}

const char *cli_flag_string(const struct cli *cli, const char *name)
{
    size_t count = cli_flag_count(cli, name);
    return count > 0 ? cli_flag_nth(cli, name, count - 1) : must_find(cli, name)->fallback;
}

bool cli_flag_int(const struct cli *cli, const char *name, long minimum, long maximum,
                  long *ret_value)
{
    const char *text = cli_flag_string(cli, name);
    char *end = NULL;
    errno = 0;
    long value = text == NULL ? 0 : strtol(text, &end, 10);
    if (text == NULL || end == text || *end != '\0' || errno != 0 || value < minimum ||
        value > maximum) {
        cli_usage_error(cli, "--%s is \"%s\", but must be a whole number from %ld to %ld", name,
                        text == NULL ? "" : text, minimum, maximum);
        return false;
    }
    *ret_value = value;
    return true;
}
