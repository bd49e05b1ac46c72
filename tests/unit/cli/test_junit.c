#include "cli/output/junit.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static void write_all(struct junit *junit, struct buf *text)
{
    struct err err;
    buf_init(text, NULL, LIMIT_MIB);
    CHECK_INT(junit_write(junit, "all", text, &err), 0);
    junit_done(junit);
}

TEST(a_run_without_tests_is_a_document)
{
    struct junit junit;
    struct buf text;
    junit_init(&junit);
    write_all(&junit, &text);
    CHECK_STRING(text.data, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<testsuites name=\"all\" tests=\"0\" failures=\"0\" errors=\"0\">\n"
                            "</testsuites>\n");
    buf_done(&text);
}

TEST(each_outcome_is_written_and_counted)
{
    struct junit junit;
    struct buf text;
    junit_init(&junit);
    junit_begin_suite(&junit, "first");
    junit_add_case(&junit, &(struct junit_case){.name = "good", .time_us = 1500});
    junit_add_case(&junit, &(struct junit_case){.class_name = "Kind",
                                                .name = "bad",
                                                .file = "a.yaml",
                                                .line = 7,
                                                .time_us = 2000000,
                                                .outcome = JUNIT_FAILED,
                                                .message = "is 5",
                                                .type = "p/one",
                                                .text = "at most 1\nis 5"});
    junit_add_case(&junit, &(struct junit_case){.name = "left out",
                                                .time_us = -1,
                                                .outcome = JUNIT_SKIPPED,
                                                .message = "not asked for"});
    junit_begin_suite(&junit, "second");
    junit_add_case(&junit,
                   &(struct junit_case){.name = "broken", .time_us = -1, .outcome = JUNIT_ERROR});
    write_all(&junit, &text);
    CHECK_STRING(
        text.data,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"all\" tests=\"4\" failures=\"1\" errors=\"1\" time=\"2.001500\">\n"
        "  <testsuite name=\"first\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""
        " time=\"2.001500\">\n"
        "    <testcase classname=\"first\" name=\"good\" time=\"0.001500\"/>\n"
        "    <testcase classname=\"Kind\" name=\"bad\" file=\"a.yaml\" line=\"7\""
        " time=\"2.000000\">\n"
        "      <failure message=\"is 5\" type=\"p/one\">at most 1\nis 5</failure>\n"
        "    </testcase>\n"
        "    <testcase classname=\"first\" name=\"left out\">\n"
        "      <skipped message=\"not asked for\"/>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "  <testsuite name=\"second\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n"
        "    <testcase classname=\"second\" name=\"broken\">\n"
        "      <error/>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n");
    buf_done(&text);
}

TEST(what_xml_cannot_hold_is_replaced)
{
    struct junit junit;
    struct buf text;
    junit_init(&junit);
    junit_begin_suite(&junit, "s");
    junit_add_case(&junit,
                   &(struct junit_case){.class_name = "c",
                                        .name = "<a & \"b\">\t\r\n\x1b\x7f\xc3\xa4",
                                        .time_us = -1,
                                        .outcome = JUNIT_FAILED,
                                        .text = "\x01]]> \xff\xef\xbf\xbe\t\r\n\xf0\x9f\x99\x82"});
    write_all(&junit, &text);
    CHECK(strstr(text.data, " name=\"&lt;a &amp; &quot;b&quot;&gt;&#9;&#13;&#10;"
                            "\xef\xbf\xbd\x7f\xc3\xa4\">") != NULL);
    CHECK(strstr(text.data, "<failure>\xef\xbf\xbd]]&gt; \xef\xbf\xbd\xef\xbf\xbd\t&#13;\n"
                            "\xf0\x9f\x99\x82</failure>") != NULL);
    buf_done(&text);
}

TEST(what_does_not_fit_is_an_error)
{
    struct junit junit;
    struct buf text;
    struct err err;
    junit_init(&junit);
    junit_begin_suite(&junit, "a name");
    buf_init(&text, NULL, 100);
    CHECK_INT(junit_write(&junit, "all", &text, &err), -ERR_NO_MEMORY);
    buf_done(&text);
    junit_done(&junit);
}

TEST_MAIN
