#include "net/settings.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "kube/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (64UL * 1024UL)

enum { RANK_DEFAULT, RANK_FILE, RANK_ENVIRONMENT, RANK_FLAG };

static const char *const common[] = {"config", "help", "version", "print-config"};
#define COMMON_COUNT (sizeof common / sizeof common[0])

static struct setting_value *value_of(const struct settings *settings, const struct setting *row)
{
    return (struct setting_value *)(void *)((char *)settings->values + row->offset);
}

static const struct setting *find_row(const struct settings *settings, const char *name,
                                      size_t length)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strlen(settings->rows[i].name) == length &&
            memcmp(settings->rows[i].name, name, length) == 0)
            return &settings->rows[i];
    }
    return NULL;
}

void settings_fault(struct buf *faults, const char *where, const char *what)
{
    buf_add_visible(faults, where, 200);
    buf_add_string(faults, ": ");
    buf_add_visible(faults, what, 400);
    buf_add_char(faults, '\n');
}

static void add_unknown(const struct settings *settings, struct buf *faults, const char *where,
                        const char *name)
{
    const char *nearest = NULL;
    const char **names = calloc(settings->count + COMMON_COUNT + 1, sizeof *names);
    if (names != NULL) {
        for (size_t i = 0; i < settings->count; i++)
            names[i] = settings->rows[i].name;
        memcpy(names + settings->count, common, sizeof common);
        nearest = name_nearest(name, names);
        free(names);
    }
    char text[400];
    if (nearest != NULL)
        snprintf(text, sizeof text, "no such setting; did you mean %s?", nearest);
    else
        snprintf(text, sizeof text, "no such setting; --help lists them");
    settings_fault(faults, where, text);
}

static bool word_in_list(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (;;) {
        size_t span = strcspn(list, "|");
        if (span == length && memcmp(list, word, span) == 0)
            return true;
        if (list[span] == '\0')
            return false;
        list += span + 1;
    }
}

/* Sees that `text` fits the row; a fault otherwise. */
static bool check(const struct setting *row, const char *where, const char *text,
                  int64_t *ret_number, struct buf *faults)
{
    char what[400];
    if (row->type == SETTING_NUMBER) {
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || number < row->min || number > row->max) {
            snprintf(what, sizeof what, "\"%.80s\" is not a whole number from %lld to %lld", text,
                     (long long)row->min, (long long)row->max);
            settings_fault(faults, where, what);
            return false;
        }
        *ret_number = number;
    } else if (row->type == SETTING_SWITCH) {
        *ret_number = strcmp(text, "true") == 0;
        if (*ret_number == 0 && strcmp(text, "false") != 0) {
            snprintf(what, sizeof what, "\"%.80s\" is neither true nor false", text);
            settings_fault(faults, where, what);
            return false;
        }
    } else if (strchr(row->value, '|') != NULL && !word_in_list(row->value, text)) {
        snprintf(what, sizeof what, "\"%.80s\" is none of %s", text, row->value);
        settings_fault(faults, where, what);
        return false;
    }
    return true;
}

static bool is_list(const struct setting *row)
{
    return row->type == SETTING_PATHS || row->type == SETTING_NAMES;
}

/* Takes a value over if its source outranks what is there; lists of one source add up. */
static void keep(struct settings *settings, const struct setting *row, int rank, const char *where,
                 const char *text, struct buf *faults)
{
    struct setting_value *value = value_of(settings, row);
    int64_t number = 0;
    if (!check(row, where, text, &number, faults))
        return;
    if (value->text != NULL && rank < value->rank)
        return;
    bool more =
        is_list(row) && value->text != NULL && rank == value->rank && value->text[0] != '\0';
    char *copy = NULL;
    int length = more ? asprintf(&copy, "%s\n%s", value->text, text) : asprintf(&copy, "%s", text);
    if (length < 0) {
        settings_fault(faults, where, "out of memory");
        return;
    }
    free(value->text);
    *value = (struct setting_value){copy, number, rank};
}

/* A list in one variable. */
static void keep_items(struct settings *settings, const struct setting *row, const char *where,
                       const char *text, struct buf *faults)
{
    const char *between = row->type == SETTING_PATHS ? ":" : ",";
    while (*text != '\0') {
        size_t span = strcspn(text, between);
        char *item = strndup(text, span);
        if (item != NULL && span > 0)
            keep(settings, row, RANK_ENVIRONMENT, where, item, faults);
        free(item);
        text += span + (text[span] != '\0');
    }
}

static void read_environment(struct settings *settings, char **environment, struct buf *faults,
                             const char **ret_file)
{
    for (char **entry = environment; *entry != NULL; entry++) {
        static const char prefix[] = "PROCTOR_";
        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0)
            continue;
        char name[64];
        const char *key = *entry + sizeof prefix - 1;
        size_t length = strcspn(key, "=");
        if (key[length] == '\0' || length >= sizeof name)
            continue;
        for (size_t i = 0; i < length; i++) {
            char c = key[i];
            name[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        name[length] = '\0';
        const char *text = key + length + 1;
        if (strcmp(name, "config") == 0 && *ret_file == NULL)
            *ret_file = text;
        const struct setting *row = find_row(settings, name, length);
        if (row == NULL) /* other programs of Proctor have variables too */
            continue;
        char where[96];
        snprintf(where, sizeof where, "PROCTOR_%.*s", (int)length, key);
        if (is_list(row))
            keep_items(settings, row, where, text, faults);
        else
            keep(settings, row, RANK_ENVIRONMENT, where, text, faults);
    }
}

static void read_member(struct settings *settings, const char *file, const cJSON *member,
                        struct buf *faults)
{
    char where[256];
    struct yaml_mark mark = yaml_key_mark(member);
    snprintf(where, sizeof where, "%.150s:%u:%u: %.64s", file, mark.line, mark.column,
             member->string);
    const struct setting *row = find_row(settings, member->string, strlen(member->string));
    if (row == NULL) {
        add_unknown(settings, faults, where, member->string);
        return;
    }
    char scratch[32];
    if (json_is_number(member)) {
        keep(settings, row, RANK_FILE, where, json_number_text(member, scratch), faults);
    } else if (json_is_string(member)) {
        keep(settings, row, RANK_FILE, where, json_string(member), faults);
    } else if (json_is_bool(member) && row->type == SETTING_SWITCH) {
        keep(settings, row, RANK_FILE, where, json_is_true(member) ? "true" : "false", faults);
    } else if (json_is_array(member) && is_list(row)) {
        const cJSON *item;
        cJSON_ArrayForEach(item, member)
        {
            if (json_is_string(item))
                keep(settings, row, RANK_FILE, where, json_string(item), faults);
            else
                settings_fault(faults, where, "every item must be a string");
        }
    } else {
        char what[128];
        snprintf(what, sizeof what, "must be a %s, not %s",
                 row->type == SETTING_NUMBER   ? "number"
                 : row->type == SETTING_SWITCH ? "true or false"
                                               : "string",
                 json_type_name(member));
        settings_fault(faults, where, what);
    }
}

static void read_text(struct settings *settings, const char *file, const char *text, size_t length,
                      struct buf *faults)
{
    struct arena arena;
    struct yaml_documents documents;
    struct err err;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    if (yaml_parse(&arena, text, length, YAML_POLICY, &documents, &err) != 0) {
        settings_fault(faults, file, err.text);
    } else if (documents.count > 1 ||
               (documents.count == 1 && !json_is_object(documents.roots[0]))) {
        settings_fault(faults, file, "must be one document of `setting: value` lines");
    } else if (documents.count == 1) {
        const cJSON *member;
        cJSON_ArrayForEach(member, documents.roots[0]) read_member(settings, file, member, faults);
    }
    arena_done(&arena);
}

static void read_config_file(struct settings *settings, const char *path, struct buf *faults)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        settings_fault(faults, path, strerror(errno));
        return;
    }
    static char text[FILE_BYTES_MAX + 1];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    if (length == sizeof text) {
        settings_fault(faults, path, "larger than 64 KiB: no config file");
        return;
    }
    text[length] = '\0';
    read_text(settings, path, text, length, faults);
}

static bool take_switch(struct settings *settings, const char *name)
{
    bool *which = strcmp(name, "help") == 0           ? &settings->help
                  : strcmp(name, "version") == 0      ? &settings->version
                  : strcmp(name, "print-config") == 0 ? &settings->print
                                                      : NULL;
    if (which != NULL)
        *which = true;
    return which != NULL;
}

static void read_flags(struct settings *settings, int argc, char **argv, struct buf *faults,
                       const char **ret_file)
{
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (strcmp(argument, "-h") == 0)
            argument = "--help";
        if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0') {
            settings_fault(faults, argument, "not a flag; --help lists them");
            continue;
        }
        size_t length = strcspn(argument + 2, "=");
        char name[64];
        snprintf(name, sizeof name, "%.*s", length > 60 ? 60 : (int)length, argument + 2);
        if (take_switch(settings, name))
            continue;
        const struct setting *row = find_row(settings, argument + 2, length);
        bool is_config = strcmp(name, "config") == 0;
        if (row == NULL && !is_config) {
            add_unknown(settings, faults, argument, name);
            continue;
        }
        bool alone = row != NULL && row->type == SETTING_SWITCH;
        const char *text = argument[2 + length] == '=' ? argument + 3 + length
                           : alone                     ? "true"
                           : i + 1 < argc              ? argv[++i]
                                                       : NULL;
        if (text == NULL)
            settings_fault(faults, argument, "a value must follow");
        else if (is_config)
            *ret_file = text;
        else
            keep(settings, row, RANK_FLAG, argument, text, faults);
    }
}

void settings_read(struct settings *settings, int argc, char **argv, char **environment,
                   struct buf *faults)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *row = &settings->rows[i];
        keep(settings, row, RANK_DEFAULT, row->name, row->fallback, faults);
    }
    const char *file = NULL;
    read_flags(settings, argc, argv, faults, &file);
    read_environment(settings, environment, faults, &file);
    if (file != NULL)
        read_config_file(settings, file, faults);
}

void settings_done(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        struct setting_value *value = value_of(settings, &settings->rows[i]);
        free(value->text);
        *value = (struct setting_value){.text = NULL};
    }
}

bool settings_are_whole(const struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (value_of(settings, &settings->rows[i])->text == NULL)
            return false;
    }
    return true;
}

void settings_write_help(const struct settings *settings, struct buf *buf)
{
    buf_add_string(buf, "A flag --some-name is also PROCTOR_SOME_NAME in the environment and "
                        "some-name: in the\nfile that --config names; a flag wins over the "
                        "environment, that over the file.\n\n");
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *row = &settings->rows[i];
        bool alone = row->type == SETTING_SWITCH;
        buf_printf(buf, "  --%s%s%s\n        %s", row->name, alone ? "" : " ",
                   alone ? "" : row->value, row->help);
        if (row->fallback[0] != '\0' && !alone)
            buf_printf(buf, " (default %s)", row->fallback);
        buf_add_char(buf, '\n');
    }
    buf_add_string(buf, "  --config FILE\n        settings as YAML or JSON\n"
                        "  --print-config\n        print the settings as they are, and exit\n"
                        "  --version, --help\n\n");
}

static void write_text(struct buf *buf, const char *text, size_t length)
{
    char *copy = strndup(text, length);
    if (copy != NULL)
        buf_add_json_string(buf, copy);
    free(copy);
}

static void write_list(struct buf *buf, const char *text)
{
    buf_add_string(buf, *text != '\0' ? "\n" : " []\n");
    while (*text != '\0') {
        size_t span = strcspn(text, "\n");
        buf_add_string(buf, "- ");
        write_text(buf, text, span);
        buf_add_char(buf, '\n');
        text += span + (text[span] == '\n');
    }
}

void settings_write(const struct settings *settings, struct buf *buf)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *row = &settings->rows[i];
        const struct setting_value *value = value_of(settings, row);
        buf_printf(buf, "%s:", row->name);
        if (is_list(row)) {
            write_list(buf, value->text);
            continue;
        }
        buf_add_char(buf, ' ');
        if (row->type == SETTING_NUMBER)
            buf_printf(buf, "%lld", (long long)value->number);
        else if (row->type == SETTING_SWITCH)
            buf_add_string(buf, value->number != 0 ? "true" : "false");
        else
            write_text(buf, value->text, strlen(value->text));
        buf_add_char(buf, '\n');
    }
}

char **settings_split(const struct setting_value *value)
{
    size_t count = 0;
    for (const char *at = value->text; *at != '\0'; at++)
        count += *at == '\n';
    char **list = calloc(count + 2, sizeof *list);
    const char *at = value->text;
    for (size_t i = 0; list != NULL && *at != '\0'; i++) {
        size_t span = strcspn(at, "\n");
        if ((list[i] = strndup(at, span)) == NULL) {
            settings_free_list(list);
            return NULL;
        }
        at += span + (at[span] == '\n');
    }
    return list;
}

void settings_free_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        free(*item);
    free(list);
}

void settings_check_tls(const struct setting_value *dir, const struct setting_value *cert,
                        const struct setting_value *key, struct buf *faults)
{
    bool pair = cert->text[0] != '\0' && key->text[0] != '\0';
    bool half = cert->text[0] != '\0' || key->text[0] != '\0';
    if (dir->text[0] != '\0' && half)
        settings_fault(faults, "tls-dir", "give either tls-dir, or tls-cert and tls-key");
    else if (dir->text[0] == '\0' && half && !pair)
        settings_fault(faults, "tls-cert, tls-key", "one does not go without the other");
    else if (dir->text[0] == '\0' && !half)
        settings_fault(faults, "tls-dir",
                       "no certificate is named: --tls-dir DIR, or --tls-cert FILE --tls-key FILE; "
                       "`proctor certs issue --dns NAME --out DIR` makes one");
}

bool settings_tls_paths(const struct setting_value *dir, const struct setting_value *cert,
                        const struct setting_value *key, char **ret_cert, char **ret_key)
{
    if (dir->text[0] != '\0')
        return asprintf(ret_cert, "%s/tls.crt", dir->text) >= 0 &&
               asprintf(ret_key, "%s/tls.key", dir->text) >= 0;
    *ret_cert = strdup(cert->text);
    *ret_key = strdup(key->text);
    return *ret_cert != NULL && *ret_key != NULL;
}
