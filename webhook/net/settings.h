/* Settings of a program, from rows: flags, environment, config file, --help and --print-config.
 *
 *     rows (net/config.h, recorder/config.h)
 *     flags, PROCTOR_..., --config FILE  --settings_read-->  a struct of setting_values
 *
 * A flag wins over the environment (PROCTOR_TLS_DIR for tls-dir), that over the config file
 * (tls-dir: ...), that over the row's default.  Everything wrong is reported in one run.  Variables
 * of the environment that no row names belong to other programs.
 */
#ifndef PROCTOR_NET_SETTINGS_H
#define PROCTOR_NET_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds and bytes are numbers; the unit stands in the row's name.  A text whose row's value reads
 * a|b|c is one of these words.  A switch is true or false; its flag alone means true.  Lists may be
 * given several times; in the environment paths are parted by ':' and names by ','. */
enum setting_type { SETTING_TEXT, SETTING_NUMBER, SETTING_SWITCH, SETTING_PATHS, SETTING_NAMES };

struct setting {
    const char *name;
    enum setting_type type;
    const char *value; /* how --help calls it */
    const char *fallback;
    int64_t min, max;
    const char *help;
    size_t offset; /* of its struct setting_value in the program's struct */
};

/* For X(member, name, type, value, default, min, max, help) of a struct of setting_values. */
#define SETTING_ROW(owner, member, name, type, value, fallback, min, max, help)                    \
    {name, type, value, fallback, min, max, help, offsetof(owner, member)},

/* A value by its row's type: text always (a list's items are parted by '\n'), number besides; a
 * switch is 1 or 0. */
struct setting_value {
    char *text; /* owned */
    int64_t number;
    int rank; /* 0 default, 1 file, 2 environment, 3 flag */
};

struct settings {
    const struct setting *rows;
    size_t count;
    void *values; /* the program's struct, zeroed */
    bool help, version, print;
};

/* Fills the values from the three sources; each fault is a line in `faults`. */
void settings_read(struct settings *settings, int argc, char **argv, char **environment,
                   struct buf *faults);

/* Whether each row has its text.  One that does not was out of memory, and is a fault by then. */
bool settings_are_whole(const struct settings *settings);

/* Frees the values. */
void settings_done(struct settings *settings);

/* Adds a fault that no single row can tell. */
void settings_fault(struct buf *faults, const char *where, const char *what);

/* Appends a line for each row and for what all programs have; and the settings as they are, as a
 * config file. */
void settings_write_help(const struct settings *settings, struct buf *buf);
void settings_write(const struct settings *settings, struct buf *buf);

/* The items of a list, on the heap, NULL at the end; NULL: out of memory. */
char **settings_split(const struct setting_value *value);
void settings_free_list(char **list); /* NULL is fine */

/* tls-dir, or tls-cert and tls-key, which both servers have. */
void settings_check_tls(const struct setting_value *dir, const struct setting_value *cert,
                        const struct setting_value *key, struct buf *faults);

/* The files that they mean, on the heap.  False: out of memory. */
bool settings_tls_paths(const struct setting_value *dir, const struct setting_value *cert,
                        const struct setting_value *key, char **ret_cert, char **ret_key);

#endif
