/* Text from files as a part of HTML or of Markdown: whatever it holds, it stays text. */
#ifndef PROCTOR_CLI_MARKUP_H
#define PROCTOR_CLI_MARKUP_H

#include "base/buf.h"

/* As the content of an element or of an attribute in double quotes: & < > " ' are entities, control
 * characters are made visible. */
void markup_add_html(struct buf *buf, const char *text);

/* As inline text of CommonMark and GitHub's tables: what could begin emphasis, code, a link, an
 * entity, a tag, a mention or another column has a backslash; a line stays one line. */
void markup_add_markdown(struct buf *buf, const char *text);

/* As code in a table's cell: nothing in it is read but the column's bar. */
void markup_add_markdown_code(struct buf *buf, const char *text);

#endif
