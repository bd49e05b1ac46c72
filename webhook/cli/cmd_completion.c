/* proctor completion bash|zsh: a script made from the tables of commands and flags. */
#include "cli/cli.h"

#include <string.h>

#define PATH_MAX_BYTES 128

static void print_flag(FILE *out, const struct cli_flag *flag)
{
    fprintf(out, " --%s", flag->name);
    if (flag->letter != 0)
        fprintf(out, " -%c", flag->letter);
}

static void print_words(FILE *out, const struct command *command)
{
    for (size_t i = 0; command->commands != NULL && command->commands[i] != NULL; i++)
        fprintf(out, " %s", command->commands[i]->name);
    for (const struct cli_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++)
        print_flag(out, flag);
    for (const struct cli_flag *flag = cli_common_flags; flag->name != NULL; flag++)
        print_flag(out, flag);
}

/* A line a command: 'certs issue') words=" --out -o ..." ;; */
static void print_commands(FILE *out, const char *path, const struct command *command)
{
    fprintf(out, "    '%s') words=\"", path);
    print_words(out, command);
    fputs(" \" ;;\n", out);
    for (size_t i = 0; command->commands != NULL && command->commands[i] != NULL; i++) {
        char inner[PATH_MAX_BYTES];
        const int length = snprintf(inner, sizeof inner, "%s%s%s", path, *path != '\0' ? " " : "",
                                    command->commands[i]->name);
        if (length > 0 && (size_t)length < sizeof inner)
            print_commands(out, inner, command->commands[i]);
    }
}

/* The choices of the flags whose value is one of "text|json". */
static void print_choices(FILE *out, const char *path, const struct command *command)
{
    for (const struct cli_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        if (flag->value == NULL || strchr(flag->value, '|') == NULL)
            continue;
        fprintf(out, "    '%s --%s'", path, flag->name);
        if (flag->letter != 0)
            fprintf(out, "|'%s -%c'", path, flag->letter);
        fputs(") words=\"", out);
        for (const char *at = flag->value; *at != '\0'; at++)
            fputc(*at == '|' ? ' ' : *at, out);
        fputs("\" ;;\n", out);
    }
    for (size_t i = 0; command->commands != NULL && command->commands[i] != NULL; i++) {
        char inner[PATH_MAX_BYTES];
        const int length = snprintf(inner, sizeof inner, "%s%s%s", path, *path != '\0' ? " " : "",
                                    command->commands[i]->name);
        if (length > 0 && (size_t)length < sizeof inner)
            print_choices(out, inner, command->commands[i]);
    }
}

static void print_script(FILE *out)
{
    const struct command root = {.name = "proctor", .commands = cli_commands};
    fputs("_proctor() {\n"
          "  local word path='' words='' i\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    word=${COMP_WORDS[i]}\n"
          "    [[ $word == -* ]] && break\n"
          "    path=\"$path${path:+ }$word\"\n"
          "  done\n"
          "  COMPREPLY=()\n"
          "  case \"$path $before\" in\n",
          out);
    print_choices(out, "", &root);
    fputs("  esac\n"
          "  [[ -n $words ]] || case \"$path\" in\n",
          out);
    print_commands(out, "", &root);
    fputs("  esac\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "}\n"
          "complete -o default -F _proctor proctor\n",
          out);
}

static int run(struct cli *cli)
{
    const char *shell = cli->argument_count == 1 ? cli->arguments[0] : "";
    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
        return cli_usage_error(cli, "name the shell: bash or zsh");
    /* zsh understands bash's completions once it is asked to. */
    if (strcmp(shell, "zsh") == 0)
        fputs("autoload -Uz bashcompinit compinit && compinit && bashcompinit\n", cli->out);
    print_script(cli->out);
    return CLI_FINE;
}

extern const struct command cmd_completion;
const struct command cmd_completion = {
    .name = "completion",
    .summary = "print a completion script for bash or zsh",
    .usage = "bash|zsh",
    .help = "Prints a script that completes commands, flags and their choices.\n"
            "\n"
            "  source <(proctor completion bash)      # in ~/.bashrc\n"
            "  source <(proctor completion zsh)       # in ~/.zshrc\n"
            "\n"
            "Exit codes: 0 printed, 2 no such shell.\n",
    .run = run,
};
