/* Names become path segments that mean nothing else. */
#include "base/limits.h"
#include "client/client.h"
#include "tests/unit/test.h"

static struct arena arena;

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 4 * LIMIT_MIB);
}

TEST(client_path_keeps_ordinary_names)
{
    begin();
    CHECK_STRING(
        client_path(&arena, "/api/v1/namespaces/%s/secrets/%s", "hydrosim-system", "a.b_c~1"),
        "/api/v1/namespaces/hydrosim-system/secrets/a.b_c~1");
}

TEST(client_path_makes_no_steps_queries_or_further_segments)
{
    begin();
    CHECK_STRING(client_path(&arena, "/a/%s", ".."), "/a/%2E%2E");
    CHECK_STRING(client_path(&arena, "/a/%s", "."), "/a/%2E");
    CHECK_STRING(client_path(&arena, "/a/%s/b", "x/../../y?z=1#f%20;&"),
                 "/a/x%2F..%2F..%2Fy%3Fz%3D1%23f%2520%3B%26/b");
    CHECK_STRING(client_path(&arena, "/a/%s", "a b\r\n\x7f\xc3\xa4"), "/a/a%20b%0D%0A%7F%C3%A4");
    CHECK_STRING(client_path(&arena, "/a/%s?x=100%", ""), "/a/?x=100%");
}

TEST_MAIN
