#include "cli/output/workflow.h"

#include <string.h>

/* As the runner reads it back: % and line ends everywhere, in a property also what ends one. */
static void add_escaped(struct buf *buf, const char *text, bool in_property)
{
    for (; *text != '\0'; text++) {
        const bool escape =
            strchr("%\r\n", *text) != NULL || (in_property && strchr(":,", *text) != NULL);
        if (escape)
            buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text);
        else
            buf_add_char(buf, *text);
    }
}

static void add_property(struct buf *buf, const char **between, const char *key, const char *value)
{
    buf_add_strings(buf, *between, key, "=", NULL);
    add_escaped(buf, value, true);
    *between = ",";
}

void workflow_write(struct buf *text, const struct remark *remark)
{
    static const char *const names[] = {
        [REMARK_ERROR] = "error", [REMARK_WARNING] = "warning", [REMARK_NOTE] = "notice"};
    const char *between = " ";
    buf_add_strings(text, "::", names[remark->level], NULL);
    if (remark->file != NULL)
        add_property(text, &between, "file", remark->file);
    if (remark->mark.line > 0)
        buf_printf(text, "%sline=%u", between, remark->mark.line);
    if (remark->mark.line > 0 && remark->mark.column > 0)
        buf_printf(text, ",col=%u", remark->mark.column);
    if (remark->mark.line > 0)
        between = ",";
    if (remark->rule != NULL)
        add_property(text, &between, "title", remark->rule);
    buf_add_string(text, "::");
    add_escaped(text, remark->text, false);
    buf_add_char(text, '\n');
}
