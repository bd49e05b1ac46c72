#include "cli/output/table.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>
#include <time.h>

#define CELL_RUNES 400U
#define SECOND     1000000LL

static const char *visible(struct arena *arena, const char *text)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_MIB);
    buf_add_visible(&buf, text, CELL_RUNES);
    return buf.data;
}

void table_add_coloured(struct table *table, const char *text, enum cli_colour colour)
{
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity * 2 + 64;
        struct table_cell *cells = arena_array(table->arena, capacity, sizeof *cells);
        for (size_t i = 0; i < table->count; i++)
            cells[i] = table->cells[i];
        table->cells = cells;
        table->capacity = capacity;
    }
    const char *shown = text != NULL && text[0] != '\0' ? visible(table->arena, text) : "-";
    const size_t width = utf8_runes(shown), column = table->count % table->columns;
    if (width > table->widths[column])
        table->widths[column] = width;
    table->cells[table->count++] = (struct table_cell){shown, colour};
}

void table_add(struct table *table, const char *text)
{
    table_add_coloured(table, text, CLI_PLAIN);
}

void table_init(struct table *table, struct arena *arena, const char *const *heads)
{
    *table = (struct table){.arena = arena};
    while (heads[table->columns] != NULL && table->columns < TABLE_COLUMNS_MAX)
        table->columns++;
    for (size_t i = 0; i < table->columns; i++)
        table_add_coloured(table, heads[i], CLI_BOLD);
}

static void print_cell(const struct table *table, const struct cli *cli, size_t at)
{
    const struct table_cell *cell = &table->cells[at];
    const size_t column = at % table->columns;
    const bool painted = cell->colour != CLI_PLAIN && cli->colour;
    if (painted)
        fputs(cli_paint(cli, cell->colour), cli->out);
    fputs(cell->text, cli->out);
    if (painted)
        fputs(cli_paint(cli, CLI_PLAIN), cli->out);
    if (column + 1 == table->columns)
        fputc('\n', cli->out);
    else
        fprintf(cli->out, "%*s", (int)(table->widths[column] - utf8_runes(cell->text) + 2), "");
}

void table_print(const struct table *table, const struct cli *cli, const char *indent)
{
    for (size_t i = 0; i < table->count; i++) {
        if (i % table->columns == 0)
            fputs(indent, cli->out);
        print_cell(table, cli, i);
    }
}

int64_t table_time(const char *text)
{
    struct tm parts = {0};
    const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (rest == NULL)
        return 0;
    int64_t us = (int64_t)timegm(&parts) * SECOND, unit = SECOND / 10;
    if (*rest == '.') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            us += (*rest - '0') * unit;
    }
    return us;
}

const char *table_age(struct arena *arena, int64_t us)
{
    const int64_t seconds = us > 0 ? us / SECOND : 0;
    if (seconds < 120)
        return arena_printf(arena, "%llds", (long long)seconds);
    if (seconds < 600)
        return arena_printf(arena, "%lldm%llds", (long long)(seconds / 60),
                            (long long)(seconds % 60));
    if (seconds < 3 * 3600)
        return arena_printf(arena, "%lldm", (long long)(seconds / 60));
    if (seconds < 48 * 3600)
        return arena_printf(arena, "%lldh", (long long)(seconds / 3600));
    return arena_printf(arena, "%lldd", (long long)(seconds / 86400));
}
