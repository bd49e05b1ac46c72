/* The line that is drawn again on a terminal: it never wraps, and nobody's text drives it. */
#include "cli/progress.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

static struct {
    int master;
    FILE *terminal;
    struct cli cli;
    struct progress progress;
    char shown[4096];
} it;

static void begin(unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int slave;
    memset(&it, 0, sizeof it);
    CHECK(setenv("TERM", "xterm", 1) == 0);
    CHECK(openpty(&it.master, &slave, NULL, NULL, &size) == 0);
    CHECK(fcntl(it.master, F_SETFL, O_NONBLOCK) == 0);
    it.terminal = fdopen(slave, "w");
    CHECK(it.terminal != NULL);
    it.cli.err = it.terminal;
    progress_begin(&it.progress, &it.cli);
}

static const char *shown(void)
{
    const ssize_t count = read(it.master, it.shown, sizeof it.shown - 1);
    it.shown[count > 0 ? count : 0] = '\0';
    return it.shown;
}

static void end(void)
{
    fclose(it.terminal);
    close(it.master);
}

TEST(progress_draws_one_line_again)
{
    begin(40);
    progress_say(&it.progress, 1, "half");
    CHECK_STRING(shown(), "\r\033[K   1s  half");
    progress_say(&it.progress, 2, "half");
    CHECK_STRING(shown(), "\r\033[K   2s  half");
    progress_end(&it.progress);
    CHECK_STRING(shown(), "\r\033[K");
    progress_end(&it.progress);
    CHECK_STRING(shown(), "");
    end();
}

TEST(progress_does_not_wrap)
{
    begin(30);
    progress_say(&it.progress, 1, "a line that is longer than thirty columns are, by far");
    CHECK_INT(strlen(shown()) - strlen("\r\033[K") < 30, 1);
    CHECK(strstr(it.shown, "...") != NULL);
    end();
}

TEST(progress_makes_text_harmless)
{
    begin(80);
    progress_say(&it.progress, 1, "red\033[31m\r\nnext");
    CHECK(strchr(shown() + strlen("\r\033[K"), '\033') == NULL);
    CHECK(strchr(it.shown + 1, '\n') == NULL);
    end();
}

TEST(progress_tells_news_in_lines_elsewhere)
{
    char *text = NULL;
    size_t length = 0;
    memset(&it, 0, sizeof it);
    it.cli.err = fopen("/dev/null", "w");
    CHECK(it.cli.err != NULL);
    progress_begin(&it.progress, &it.cli);
    fclose(it.cli.err);
    it.cli.err = open_memstream(&text, &length);
    CHECK(it.cli.err != NULL);
    progress_say(&it.progress, 1, "half");
    progress_say(&it.progress, 2, "half");
    progress_say(&it.progress, 3, "whole");
    progress_end(&it.progress);
    fclose(it.cli.err);
    CHECK_STRING(text, "half\nwhole\n");
    free(text);
}

TEST_MAIN
