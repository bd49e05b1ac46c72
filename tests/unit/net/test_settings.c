#include "net/settings.h"

#include "base/arena.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct setting_value word, number, on, paths, names;
};

static const struct setting rows[] = {
    SETTING_ROW(struct values, word, "word", SETTING_TEXT, "red|green", "red", 0, 0, "a colour")
        SETTING_ROW(struct values, number, "number", SETTING_NUMBER, "N", "5", 1, 9, "how many")
            SETTING_ROW(struct values, on, "live", SETTING_SWITCH, "", "false", 0, 0,
                        "whether at all") SETTING_ROW(struct values, paths, "paths", SETTING_PATHS,
                                                      "PATH", "", 0, 0, "where")
                SETTING_ROW(struct values, names, "names", SETTING_NAMES, "NAME", "", 0, 0, "who")};

static struct values values;
static struct settings settings;
static struct buf text;

static void read_with(char **argv, char **environment)
{
    static bool hooked;
    if (!hooked)
        arena_install_cjson_hooks();
    hooked = true;
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    values = (struct values){.word = {.text = NULL}};
    settings =
        (struct settings){.rows = rows, .count = sizeof rows / sizeof rows[0], .values = &values};
    buf_init(&text, NULL, 65536);
    settings_read(&settings, argc, argv, environment, &text);
}

static void done(void)
{
    settings_done(&settings);
    buf_done(&text);
}

#define ARGS(...) ((char *[]){"program", __VA_ARGS__, NULL})
#define ENV(...)  ((char *[]){__VA_ARGS__, NULL})

TEST(a_switch_alone_is_on_and_takes_no_value)
{
    read_with(ARGS("--live", "--word", "green"), ENV("A=b"));
    CHECK_STRING(text.data, "");
    CHECK_INT(values.on.number, 1);
    CHECK_STRING(values.word.text, "green");
    done();
    read_with(ARGS("--live=false"), ENV("PROCTOR_LIVE=true"));
    CHECK_STRING(text.data, "");
    CHECK_INT(values.on.number, 0);
    done();
    read_with(ARGS("--word=red"), ENV("PROCTOR_LIVE=yes"));
    CHECK_STRING(text.data, "PROCTOR_LIVE: \"yes\" is neither true nor false\n");
    done();
}

TEST(a_value_that_found_no_memory_is_missed)
{
    read_with(ARGS("--live"), ENV("A=b"));
    CHECK(settings_are_whole(&settings));
    free(values.names.text); /* the last row */
    values.names.text = NULL;
    CHECK(!settings_are_whole(&settings));
    done();
}

TEST(names_in_the_environment_are_parted_by_commas)
{
    read_with(ARGS("--paths=p"), ENV("PROCTOR_NAMES=system:a:b,,c", "PROCTOR_PATHS=x:y"));
    char **names = settings_split(&values.names), **paths = settings_split(&values.paths);
    CHECK_STRING(names[0], "system:a:b");
    CHECK_STRING(names[1], "c");
    CHECK(names[2] == NULL);
    CHECK_STRING(paths[0], "p");
    CHECK(paths[1] == NULL);
    settings_free_list(names);
    settings_free_list(paths);
    done();
}

TEST(an_empty_list_has_no_items)
{
    read_with(ARGS("--live"), ENV("A=b"));
    char **names = settings_split(&values.names);
    CHECK(names != NULL && names[0] == NULL);
    settings_free_list(names);
    done();
}

static void write_file(char path[32], const char *content)
{
    memcpy(path, "/tmp/proctor-settings-XXXXXX", 29);
    const int fd = mkstemp(path);
    CHECK(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

TEST(what_is_printed_is_a_config_file)
{
    char path[32];
    read_with(ARGS("--live", "--names", "a\nb: \"c\"", "--number", "7", "--word=green"),
              ENV("A=b"));
    CHECK_STRING(text.data, "");
    settings_write(&settings, &text);
    write_file(path, text.data);
    char *printed = strdup(text.data);
    done();
    read_with(ARGS("--config", path), ENV("A=b"));
    CHECK_STRING(text.data, "");
    CHECK_INT(values.number.number, 7);
    settings_write(&settings, &text);
    CHECK_STRING(text.data, printed);
    done();
    free(printed);
    unlink(path);
}

TEST(a_config_file_tells_where_it_is_wrong)
{
    char path[32];
    write_file(path, "live: 1\nnumber: true\nnames: {a: b}\nwrod: red\n");
    read_with(ARGS("--config", path), ENV("A=b"));
    static const char *const wanted[] = {
        ":1:1: live: \"1\" is neither true nor false", ":2:1: number: must be a number, not ",
        ":3:1: names: must be a string, not ", "did you mean word?"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        CHECK(strstr(text.data, wanted[i]) != NULL);
    done();
    unlink(path);
    read_with(ARGS("--config", "/nowhere"), ENV("A=b"));
    CHECK_STRING(text.data, "/nowhere: No such file or directory\n");
    done();
}

TEST_MAIN
