/* Columns for people: as wide as what stands in them, two blanks between, text of strangers made
 * visible; and ages, as kubectl writes them.
 */
#ifndef PROCTOR_CLI_TABLE_H
#define PROCTOR_CLI_TABLE_H

#include "cli/cli.h"

#include "base/arena.h"

#include <stdint.h>

#define TABLE_COLUMNS_MAX 16U

struct table_cell {
    const char *text;
    enum cli_colour colour;
};

struct table {
    struct arena *arena;
    size_t columns, count, capacity; /* count of cells */
    struct table_cell *cells;
    size_t widths[TABLE_COLUMNS_MAX];
};

/* With a line of heads; ends with NULL; no more than TABLE_COLUMNS_MAX. */
void table_init(struct table *table, struct arena *arena, const char *const *heads);

/* The next cell, row by row; NULL and "" are "-".  CLI_PLAIN: no colour. */
void table_add(struct table *table, const char *text);
void table_add_coloured(struct table *table, const char *text, enum cli_colour colour);

/* Each line behind `indent`. */
void table_print(const struct table *table, const struct cli *cli, const char *indent);

/* Microseconds since 1970 of "2026-11-21T05:30:00.123456Z" (RFC 3339 in UTC); 0: no such text. */
int64_t table_time(const char *text);

/* "95s", "7m12s", "42m", "5h", "3d"; lives in `arena`. */
const char *table_age(struct arena *arena, int64_t us);

#endif
