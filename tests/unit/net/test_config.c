#include "net/config.h"

#include "tests/unit/test.h"

#include <string.h>

static struct config config;
static struct buf faults;

static int read_with(char **argv, char **environment)
{
    struct err err;
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    buf_init(&faults, NULL, 65536);
    return config_read(&config, argc, argv, environment, &faults, &err);
}

static void done(void)
{
    config_done(&config);
    buf_done(&faults);
}

#define ARGS(...) ((char *[]){"proctor-webhook", __VA_ARGS__, NULL})
#define ENV(...)  ((char *[]){__VA_ARGS__, NULL})

TEST(defaults_hold)
{
    CHECK_INT(read_with(ARGS("--policies", "p", "--tls-dir=t"), ENV("HOME=/")), 0);
    CHECK_STRING(config.listen.text, "0.0.0.0:8443");
    CHECK_INT(config.idle_seconds.number, 120);
    CHECK_STRING(config.policy_paths[0], "p");
    CHECK(config.policy_paths[1] == NULL);
    CHECK_STRING(config.certificate_path, "t/tls.crt");
    CHECK_STRING(config.key_path, "t/tls.key");
    done();
}

TEST(a_flag_wins_over_the_environment)
{
    CHECK_INT(read_with(ARGS("--policies", "p", "--policies", "q", "--tls-dir", "t", "--threads=5"),
                        ENV("PROCTOR_THREADS=4", "PROCTOR_IDLE_SECONDS=100", "PROCTOR_POLICIES=z")),
              0);
    CHECK_INT(config.threads.number, 5);
    CHECK_INT(config.idle_seconds.number, 100);
    CHECK_STRING(config.policy_paths[0], "p");
    CHECK_STRING(config.policy_paths[1], "q");
    CHECK(config.policy_paths[2] == NULL);
    done();
}

TEST(a_list_in_the_environment_is_parted_by_colons)
{
    CHECK_INT(read_with(ARGS("--tls-cert=c", "--tls-key=k"), ENV("PROCTOR_POLICIES=a:b")), 0);
    CHECK_STRING(config.policy_paths[1], "b");
    CHECK_STRING(config.key_path, "k");
    done();
}

TEST(all_faults_are_told_at_once)
{
    CHECK(read_with(ARGS("--tls-cert", "c", "--lisen", "x", "--threads", "1e3", "stray"),
                    ENV("PROCTOR_CONNECTIONS=7")) != 0);
    static const char *const words[] = {
        "did you mean listen?",       "\"1e3\" is not a whole number",     "stray: not a flag",
        "PROCTOR_CONNECTIONS: \"7\"", "one does not go without the other", "no policies"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        CHECK(strstr(faults.data, words[i]) != NULL);
    done();
}

TEST(words_outside_a_list_are_refused)
{
    CHECK(read_with(ARGS("--policies=p", "--tls-dir=t", "--log-level=inf"), ENV("A=b")) != 0);
    CHECK(strstr(faults.data, "none of debug|info|warn|error") != NULL);
    done();
}

TEST(help_names_every_setting)
{
    struct buf help;
    buf_init(&help, NULL, 65536);
    config_write_help(&help);
#define CHECK_NAMED(member, name, type, value, fallback, min, max, text)                           \
    CHECK(strstr(help.data, "--" name " ") != NULL);
    CONFIG_TABLE(CHECK_NAMED)
    buf_done(&help);
}

TEST_MAIN
