/* Server-sent events, however the bytes are cut. */
#include "cli/history/sse.h"
#include "cli/output/table.h"
#include "tests/unit/test.h"

static struct {
    struct sse sse;
    char told[4096];
    size_t most; /* events until the stream is to end; 0: all */
    size_t count;
} it;

static bool take(void *context, const char *type, const char *data, size_t length)
{
    (void)context;
    CHECK_INT(strlen(data), length);
    const size_t used = strlen(it.told);
    snprintf(it.told + used, sizeof it.told - used, "[%s|%s|%s]", type, it.sse.id, data);
    return ++it.count != it.most;
}

static void begin(void)
{
    sse_done(&it.sse);
    memset(&it, 0, sizeof it);
    sse_init(&it.sse);
    it.sse.event = take;
}

static bool feed(const char *text)
{
    return sse_take(&it.sse, text, strlen(text));
}

static const char stream[] =
    ": hello\n\nid: 1\nevent: started\ndata: {}\n\n"
    "id:2\r\ndata: a\r\ndata:b\r\n\r\nretry: 5\rdata\r\r"
    "id: x3\nid: 4\nother: y\nevent: late\n\ndata: end\n\nid: 9\ndata: cut";
static const char told[] = "[started|1|{}][message|2|a\nb][message|2|][message|4|end]";

TEST(sse_is_the_same_however_it_is_cut)
{
    for (size_t cut = 0; cut <= strlen(stream); cut++) {
        begin();
        CHECK(sse_take(&it.sse, stream, cut));
        CHECK(sse_take(&it.sse, stream + cut, strlen(stream) - cut));
        CHECK_STRING(it.told, told);
        CHECK_STRING(it.sse.id, "4");
    }
    begin();
    for (size_t i = 0; i < strlen(stream); i++)
        CHECK(sse_take(&it.sse, stream + i, 1));
    CHECK_STRING(it.told, told);
}

/* What broke off is asked for again: its id does not count, its data is not glued to the next. */
TEST(sse_forgets_what_broke_off)
{
    begin();
    CHECK(feed("id: 7\ndata: whole\n\nid: 8\ndata: hal"));
    sse_restart(&it.sse);
    CHECK_STRING(it.sse.id, "7");
    CHECK(feed("data: other\n\n"));
    CHECK_STRING(it.told, "[message|7|whole][message|7|other]");
}

TEST(sse_ends_when_told_to)
{
    begin();
    it.most = 1;
    CHECK(!feed("data: 1\n\ndata: 2\n\n"));
    CHECK_INT(it.count, 1);
}

TEST(sse_has_no_end_of_an_event)
{
    static char much[4096];
    begin();
    memset(much, 'x', sizeof much - 1);
    CHECK(feed("data: "));
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < 2 * SSE_BYTES_MAX / sizeof much; i++)
        goes_on = feed(much);
    CHECK(!goes_on);
    begin();
    goes_on = true;
    for (size_t i = 0; goes_on && i < 3 * SSE_BYTES_MAX / sizeof much; i++)
        goes_on = feed("data: ") && feed(much) && feed("\n");
    CHECK(!goes_on);
}

TEST(sse_takes_no_nul)
{
    begin();
    CHECK(!sse_take(&it.sse, "data: a\0b\n\n", 11));
}

TEST(sse_keeps_no_id_that_is_no_number)
{
    begin();
    CHECK(feed("id: 5\ndata: 1\n\nid: 6\r\n\r\nid: evil: header\ndata: 2\n\n"));
    CHECK_STRING(it.sse.id, "6");
}

TEST(table_reads_times)
{
    CHECK_INT(table_time("1970-01-01T00:00:01Z"), 1000000);
    CHECK_INT(table_time("1970-01-01T00:00:01.5Z"), 1500000);
    CHECK_INT(table_time("1970-01-01T00:00:01.000001Z"), 1000001);
    CHECK_INT(table_time("1970-01-01T00:00:00.123456789Z"), 123456);
    CHECK_INT(table_time("yesterday"), 0);
    CHECK_INT(table_time(""), 0);
    CHECK_INT(table_time(NULL), 0);
}

TEST(table_tells_ages)
{
    static const struct {
        int64_t seconds;
        const char *age;
    } rows[] = {{-5, "0s"},      {0, "0s"},      {119, "119s"},        {120, "2m0s"},
                {599, "9m59s"},  {600, "10m"},   {10799, "179m"},      {10800, "3h"},
                {172799, "47h"}, {172800, "2d"}, {86400 * 365, "365d"}};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_STRING(table_age(&arena, rows[i].seconds * 1000000), rows[i].age);
    arena_done(&arena);
}

TEST_MAIN
