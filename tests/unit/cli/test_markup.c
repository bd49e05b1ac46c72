#include "cli/output/markup.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static struct buf buf;

static const char *written(void (*add)(struct buf *, const char *), const char *text)
{
    buf_done(&buf);
    buf_init(&buf, NULL, LIMIT_MIB);
    add(&buf, text);
    return buf.data;
}

TEST(html_stays_text)
{
    CHECK_STRING(written(markup_add_html, "<script>alert(\"a\" + 'b') && c</script>"),
                 "&lt;script&gt;alert(&quot;a&quot; + &#39;b&#39;) &amp;&amp; c&lt;/script&gt;");
    CHECK_STRING(written(markup_add_html, "a\033[31mb\nc"), "a?[31mb c");
    CHECK_STRING(written(markup_add_html, "&amp;"), "&amp;amp;");
    CHECK_STRING(written(markup_add_html, "\xc3\xa4"), "\xc3\xa4");
}

TEST(markdown_stays_text)
{
    CHECK_STRING(written(markup_add_markdown, "a|b *c* _d_ `e` [f](g) #h"),
                 "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\[f\\](g) \\#h");
    CHECK_STRING(written(markup_add_markdown, "<img src=x>"), "&#60;img src=x\\>");
    CHECK_STRING(written(markup_add_markdown, "&lt; @all"), "&#38;lt; &#64;all");
    CHECK_STRING(written(markup_add_markdown, "a\n# b"), "a \\# b");
    CHECK_STRING(written(markup_add_markdown, "^s(\\d+)$"), "^s(\\\\d+)\\$");
}

TEST(markdown_does_not_begin_a_list)
{
    CHECK_STRING(written(markup_add_markdown, "- a - b"), "\\- a - b");
    CHECK_STRING(written(markup_add_markdown, "+ a"), "\\+ a");
    CHECK_STRING(written(markup_add_markdown, "==="), "\\===");
}

TEST(code_in_markdown_is_not_left)
{
    CHECK_STRING(written(markup_add_markdown_code, "p/rule"), "`p/rule`");
    CHECK_STRING(written(markup_add_markdown_code, "a`b``c|d"), "``` a`b``c\\|d ```");
}

TEST_MAIN
