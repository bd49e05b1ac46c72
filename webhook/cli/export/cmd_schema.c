/* proctor schema: what editors know of policy files. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/export/schema_file.h"

static void print(struct cli *cli, struct arena *arena)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_MIB);
    json_write_pretty(&text, schema_file_make(arena));
    fprintf(cli->out, "%s\n", text.data);
}

static int run(struct cli *cli)
{
    struct arena arena;
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "takes no arguments: there is one schema for all kinds");
    arena_init(&arena, LIMIT_POLICY_SET_BYTES);
    print(cli, &arena);
    arena_done(&arena);
    return CLI_FINE;
}

extern const struct command cmd_schema;
const struct command cmd_schema = {
    .name = "schema",
    .summary = "print the JSON schema of policy files, for editors",
    .usage = "",
    .help =
        "Prints one JSON schema (draft-07) for the documents of policy files and suites: Policy,\n"
        "Exception, PolicySuite.  An editor with the YAML language server completes keys with\n"
        "it, shows what each means, and marks what is misspelt or missing:\n"
        "\n"
        "  proctor schema > proctor.schema.json\n"
        "\n"
        "  .vscode/settings.json:\n"
        "  { \"yaml.schemas\": { \"./proctor.schema.json\": [\"policies/**/policy.yaml\",\n"
        "                                                \"policies/**/suite.yaml\"] } }\n"
        "\n"
        "  or in any editor, as the file's first line:\n"
        "  # yaml-language-server: $schema=../../proctor.schema.json\n"
        "\n"
        "It knows no fields of Kubernetes and nothing of two rules together: `proctor lint` does.\n"
        "\n"
        "Exits with 0.\n",
    .run = run,
};
