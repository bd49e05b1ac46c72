/* What stands on a line of the log, in both forms; who reads it is a terminal or a machine. */
#include "base/log.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <unistd.h>

static char line[4096];

/* What `work` writes to stderr. */
static const char *logged(void (*work)(void))
{
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    const int terminal = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    work();
    dup2(terminal, STDERR_FILENO);
    const ssize_t count = read(ends[0], line, sizeof line - 1);
    line[count > 0 ? count : 0] = '\0';
    close(ends[0]);
    close(ends[1]);
    close(terminal);
    return line;
}

static void say(void)
{
    log_event(LOG_WARN, "it \"broke\"", "who", "a\nb\x1b[31m", "what", "", NULL);
}

TEST(log_is_json)
{
    log_configure(LOG_INFO, LOG_JSON);
    const char *text = logged(say);
    CHECK(strncmp(text, "{\"time\":\"", 9) == 0);
    CHECK(strstr(text,
                 ",\"level\":\"warn\",\"message\":\"it \\\"broke\\\"\",\"who\":\"a\\nb\\u001b[31m"
                 "\",\"what\":\"\"}\n") != NULL);
}

TEST(log_is_text_for_people)
{
    log_configure_named("warn", "text");
    const char *text = logged(say);
    CHECK(strstr(text, " warn  it \"broke\" who=\"a b?[31m\" what=\"\"\n") != NULL);
    log_configure_named("nothing of that name", "text");
    CHECK(log_enabled(LOG_WARN) && !log_enabled(LOG_INFO));
    log_configure_named("error", "json");
    CHECK_STRING(logged(say), "");
}

static void say_nothing_of_it(void)
{
    log_event(LOG_ERROR, "short", "key", (const char *)NULL, "other", "x", NULL);
}

TEST(log_ends_at_a_value_that_is_none)
{
    log_configure(LOG_INFO, LOG_JSON);
    CHECK(strstr(logged(say_nothing_of_it), "\"message\":\"short\"}\n") != NULL);
}

TEST(log_allows_so_many_lines_a_second)
{
    struct log_limit limit = {0};
    unsigned allowed = 0;
    for (int i = 0; i < 10 * LOG_PER_SECOND; i++)
        allowed += log_allowed(&limit);
    /* The second may turn while it counts. */
    CHECK(allowed >= LOG_PER_SECOND && allowed <= 3 * LOG_PER_SECOND);
}

TEST_MAIN
