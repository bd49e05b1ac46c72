/* The person's tool.  Everything is in cli/: one file per subcommand. */
#include "base/arena.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
    arena_install_cjson_hooks();
    return cli_main(argc, argv, stdout, stderr);
}
