/* On whose behalf somebody says to act: whose word counts, and what is a person's name. */
#include "base/limits.h"
#include "recorder/access_internal.h"
#include "tests/unit/test.h"

#define PORTAL "system:serviceaccount:hydrosim-system:portal-backend-sa"

static const char *const trusted[] = {PORTAL, "another", NULL};
static struct arena arena;
static struct caller caller;
static struct err err;

static int says(const char *const *list, const char *user, const char *person)
{
    const struct access access = {.trusted = list};
    arena_done(&arena);
    arena_init(&arena, LIMIT_MIB);
    caller = (struct caller){.user = user};
    return access_act_for(&access, &arena, person, &caller, &err);
}

TEST(a_trusted_account_says_for_whom_it_acts)
{
    CHECK_INT(says(trusted, PORTAL, "teacher"), 0);
    CHECK_STRING(caller.on_behalf_of, "teacher");
    CHECK_STRING(caller.user, PORTAL);
    CHECK_INT(says(trusted, "another", "M\xc3\xa4rz Anna <a@b.example>"), 0);
}

TEST(nobody_else_does)
{
    static const char *const users[] = {"",        "s2024001", "anothe",  "another2",
                                        "ANOTHER", PORTAL "x", "a\x1b[2J"};
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        CHECK_INT(says(trusted, users[i], "teacher"), -ERR_FORBIDDEN);
        CHECK(caller.on_behalf_of == NULL);
        CHECK(strchr(err.text, 0x1b) == NULL);
    }
    CHECK_INT(says(NULL, PORTAL, "teacher"), -ERR_FORBIDDEN);
}

TEST(a_person_has_a_name_that_can_be_read)
{
    char name[258];
    static const char *const names[] = {"", "a\nb", "a\x1b[2J", "a\xff", "a\xe2\x80\xae b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_INT(says(trusted, PORTAL, names[i]), -ERR_USAGE);
        CHECK(caller.on_behalf_of == NULL);
    }
    memset(name, 'a', 257);
    name[257] = '\0';
    CHECK_INT(says(trusted, PORTAL, name), -ERR_USAGE);
    CHECK_INT(says(trusted, PORTAL, name + 1), 0);
}

TEST_MAIN
