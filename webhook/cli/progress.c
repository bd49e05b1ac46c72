#include "cli/progress.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_FALLBACK 80U

void progress_begin(struct progress *progress, const struct cli *cli)
{
    const char *terminal = getenv("TERM");
    *progress = (struct progress){.cli = cli};
    progress->terminal =
        isatty(fileno(cli->err)) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static size_t columns_of(FILE *stream)
{
    struct winsize size = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return COLUMNS_FALLBACK;
    return size.ws_col;
}

/* A line that wraps could not be taken back. */
static void draw(struct progress *progress, int64_t seconds, const char *text)
{
    struct buf line;
    const size_t columns = columns_of(progress->cli->err);
    buf_init(&line, NULL, 4096);
    buf_printf(&line, "%4llds  ", (long long)seconds);
    buf_add_visible(&line, text, columns - utf8_runes(line.data) - 4);
    fprintf(progress->cli->err, "\r\033[K%s", line.data);
    fflush(progress->cli->err);
    buf_done(&line);
    progress->drawn = true;
}

void progress_say(struct progress *progress, int64_t seconds, const char *text)
{
    const bool news = strncmp(progress->last, text, sizeof progress->last - 1) != 0;
    snprintf(progress->last, sizeof progress->last, "%s", text);
    if (progress->terminal) {
        draw(progress, seconds, text);
    } else if (news) {
        cli_print_visible(progress->cli->err, text);
        fputc('\n', progress->cli->err);
        fflush(progress->cli->err);
    }
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", progress->cli->err);
    progress->drawn = false;
    fflush(progress->cli->err);
}
