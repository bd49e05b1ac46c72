#include "net/config.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "kube/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_DEFAULT, RANK_FILE, RANK_ENVIRONMENT, RANK_FLAG };

static const struct row {
    const char *name;
    enum config_type type;
    const char *value;
    const char *fallback;
    int64_t min, max;
    const char *help;
    size_t offset;
} rows[] = {
#define CONFIG_ROW(member, name, type, value, fallback, min, max, help)                            \
    {name, type, value, fallback, min, max, help, offsetof(struct config, member)},
    CONFIG_TABLE(CONFIG_ROW)
#undef CONFIG_ROW
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static struct config_value *value_of(struct config *config, const struct row *row)
{
    return (struct config_value *)(void *)((char *)config + row->offset);
}

static const struct row *find_row(const char *name, size_t length)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return &rows[i];
    }
    return NULL;
}

static void add_fault(struct buf *faults, const char *where, const char *what)
{
    buf_add_visible(faults, where, 200);
    buf_add_string(faults, ": ");
    buf_add_visible(faults, what, 400);
    buf_add_char(faults, '\n');
}

static void add_unknown(struct buf *faults, const char *where, const char *name)
{
    const char *names[ROW_COUNT + 5];
    for (size_t i = 0; i < ROW_COUNT; i++)
        names[i] = rows[i].name;
    names[ROW_COUNT] = "config";
    names[ROW_COUNT + 1] = "help";
    names[ROW_COUNT + 2] = "version";
    names[ROW_COUNT + 3] = "print-config";
    names[ROW_COUNT + 4] = NULL;
    const char *nearest = name_nearest(name, names);
    char text[400];
    if (nearest != NULL)
        snprintf(text, sizeof text, "no such setting; did you mean %s?", nearest);
    else
        snprintf(text, sizeof text, "no such setting; --help lists them");
    add_fault(faults, where, text);
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
static bool check(const struct row *row, const char *where, const char *text, int64_t *ret_number,
                  struct buf *faults)
{
    char what[400];
    if (row->type == CONFIG_NUMBER) {
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || number < row->min || number > row->max) {
            snprintf(what, sizeof what, "\"%.80s\" is not a whole number from %lld to %lld", text,
                     (long long)row->min, (long long)row->max);
            add_fault(faults, where, what);
            return false;
        }
        *ret_number = number;
    } else if (strchr(row->value, '|') != NULL && !word_in_list(row->value, text)) {
        snprintf(what, sizeof what, "\"%.80s\" is none of %s", text, row->value);
        add_fault(faults, where, what);
        return false;
    }
    return true;
}

/* Takes a value over if its source outranks what is there; lists of one source add up. */
static void keep(struct config *config, const struct row *row, int rank, const char *where,
                 const char *text, struct buf *faults)
{
    struct config_value *value = value_of(config, row);
    int64_t number = 0;
    if (!check(row, where, text, &number, faults))
        return;
    if (value->text != NULL && rank < value->rank)
        return;
    bool more = row->type == CONFIG_LIST && value->text != NULL && rank == value->rank &&
                value->text[0] != '\0';
    char *copy = NULL;
    int length = more ? asprintf(&copy, "%s\n%s", value->text, text) : asprintf(&copy, "%s", text);
    if (length < 0) {
        add_fault(faults, where, "out of memory");
        return;
    }
    free(value->text);
    *value = (struct config_value){copy, number, rank};
}

static void read_environment(struct config *config, char **environment, struct buf *faults,
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
        const struct row *row = find_row(name, length);
        if (row == NULL) /* other programs of Proctor have variables too */
            continue;
        char where[96];
        snprintf(where, sizeof where, "PROCTOR_%.*s", (int)length, key);
        if (row->type != CONFIG_LIST) {
            keep(config, row, RANK_ENVIRONMENT, where, text, faults);
            continue;
        }
        for (const char *at = text; *at != '\0';) {
            size_t span = strcspn(at, ":");
            char *item = strndup(at, span);
            if (item != NULL && span > 0)
                keep(config, row, RANK_ENVIRONMENT, where, item, faults);
            free(item);
            at += span + (at[span] == ':');
        }
    }
}

static void read_member(struct config *config, const char *file, const cJSON *member,
                        struct buf *faults)
{
    char where[256];
    struct yaml_mark mark = yaml_key_mark(member);
    snprintf(where, sizeof where, "%.150s:%u:%u: %.64s", file, mark.line, mark.column,
             member->string);
    const struct row *row = find_row(member->string, strlen(member->string));
    if (row == NULL) {
        add_unknown(faults, where, member->string);
        return;
    }
    char scratch[32];
    if (json_is_number(member)) {
        keep(config, row, RANK_FILE, where, json_number_text(member, scratch), faults);
    } else if (json_is_string(member)) {
        keep(config, row, RANK_FILE, where, json_string(member), faults);
    } else if (json_is_array(member) && row->type == CONFIG_LIST) {
        const cJSON *item;
        cJSON_ArrayForEach(item, member)
        {
            if (json_is_string(item))
                keep(config, row, RANK_FILE, where, json_string(item), faults);
            else
                add_fault(faults, where, "every item must be a string");
        }
    } else {
        char what[128];
        snprintf(what, sizeof what, "must be a %s, not %s",
                 row->type == CONFIG_NUMBER ? "number" : "string", json_type_name(member));
        add_fault(faults, where, what);
    }
}

static void read_text(struct config *config, const char *file, const char *text, size_t length,
                      struct buf *faults)
{
    struct arena arena;
    struct yaml_documents documents;
    struct err err;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    if (yaml_parse(&arena, text, length, YAML_POLICY, &documents, &err) != 0) {
        add_fault(faults, file, err.text);
    } else if (documents.count > 1 ||
               (documents.count == 1 && !json_is_object(documents.roots[0]))) {
        add_fault(faults, file, "must be one document of `setting: value` lines");
    } else if (documents.count == 1) {
        const cJSON *member;
        cJSON_ArrayForEach(member, documents.roots[0]) read_member(config, file, member, faults);
    }
    arena_done(&arena);
}

static void read_config_file(struct config *config, const char *path, struct buf *faults)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        add_fault(faults, path, strerror(errno));
        return;
    }
    static char text[64 * 1024 + 1];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    if (length == sizeof text) {
        add_fault(faults, path, "larger than 64 KiB: no config file");
        return;
    }
    text[length] = '\0';
    read_text(config, path, text, length, faults);
}

static bool take_switch(struct config *config, const char *name)
{
    bool *which = strcmp(name, "help") == 0           ? &config->help
                  : strcmp(name, "version") == 0      ? &config->version
                  : strcmp(name, "print-config") == 0 ? &config->print
                                                      : NULL;
    if (which != NULL)
        *which = true;
    return which != NULL;
}

static void read_flags(struct config *config, int argc, char **argv, struct buf *faults,
                       const char **ret_file)
{
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (strcmp(argument, "-h") == 0)
            argument = "--help";
        if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0') {
            add_fault(faults, argument, "not a flag; --help lists them");
            continue;
        }
        size_t length = strcspn(argument + 2, "=");
        char name[64];
        snprintf(name, sizeof name, "%.*s", length > 60 ? 60 : (int)length, argument + 2);
        if (take_switch(config, name))
            continue;
        const struct row *row = find_row(argument + 2, length);
        bool is_config = strcmp(name, "config") == 0;
        if (row == NULL && !is_config) {
            add_unknown(faults, argument, name);
            continue;
        }
        const char *text = argument[2 + length] == '=' ? argument + 3 + length
                           : i + 1 < argc              ? argv[++i]
                                                       : NULL;
        if (text == NULL)
            add_fault(faults, argument, "a value must follow");
        else if (is_config)
            *ret_file = text;
        else
            keep(config, row, RANK_FLAG, argument, text, faults);
    }
}

/* What no single row can say. */
static void check_together(struct config *config, struct buf *faults)
{
    bool dir = config->tls_dir.text[0] != '\0';
    bool pair = config->tls_cert.text[0] != '\0' && config->tls_key.text[0] != '\0';
    bool half = config->tls_cert.text[0] != '\0' || config->tls_key.text[0] != '\0';
    if (dir && half)
        add_fault(faults, "tls-dir", "give either tls-dir, or tls-cert and tls-key");
    else if (!dir && half && !pair)
        add_fault(faults, "tls-cert, tls-key", "one does not go without the other");
    else if (!dir && !half)
        add_fault(faults, "tls-dir",
                  "no certificate is named: --tls-dir DIR, or --tls-cert FILE --tls-key FILE; "
                  "`proctor certs issue --dns NAME --out DIR` makes one");
    if (config->policies.text[0] == '\0')
        add_fault(faults, "policies",
                  "no policies are named: --policies DIR; `proctor lint DIR` checks them");
    if (config->drain_quiet_seconds.number > config->drain_seconds.number)
        config->drain_quiet_seconds.number = config->drain_seconds.number;
}

/* Splits the list and joins the paths. */
static bool derive(struct config *config)
{
    size_t count = 1;
    for (const char *at = config->policies.text; *at != '\0'; at++)
        count += *at == '\n';
    config->policy_paths = calloc(count + 1, sizeof *config->policy_paths);
    if (config->policy_paths == NULL)
        return false;
    const char *at = config->policies.text;
    for (size_t i = 0; i < count; i++) {
        size_t span = strcspn(at, "\n");
        if ((config->policy_paths[i] = strndup(at, span)) == NULL)
            return false;
        at += span + 1;
    }
    if (config->tls_dir.text[0] != '\0')
        return asprintf(&config->certificate_path, "%s/tls.crt", config->tls_dir.text) >= 0 &&
               asprintf(&config->key_path, "%s/tls.key", config->tls_dir.text) >= 0;
    config->certificate_path = strdup(config->tls_cert.text);
    config->key_path = strdup(config->tls_key.text);
    return config->certificate_path != NULL && config->key_path != NULL;
}

int config_read(struct config *config, int argc, char **argv, char **environment,
                struct buf *faults, struct err *reterr)
{
    *config = (struct config){.help = false};
    for (size_t i = 0; i < ROW_COUNT; i++)
        keep(config, &rows[i], RANK_DEFAULT, rows[i].name, rows[i].fallback, faults);
    const char *file = NULL;
    read_flags(config, argc, argv, faults, &file);
    read_environment(config, environment, faults, &file);
    if (file != NULL)
        read_config_file(config, file, faults);
    if (config->help || config->version)
        return 0;
    check_together(config, faults);
    if (faults->length > 0 || faults->failed)
        return err_set(reterr, ERR_USAGE, "the settings are wrong");
    if (!derive(config))
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    return 0;
}

void config_done(struct config *config)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        free(value_of(config, &rows[i])->text);
    for (char **path = config->policy_paths; path != NULL && *path != NULL; path++)
        free(*path);
    free(config->policy_paths);
    free(config->certificate_path);
    free(config->key_path);
    *config = (struct config){.help = false};
}

void config_write_help(struct buf *buf)
{
    buf_add_string(buf,
                   "proctor-webhook answers admission reviews: a safe Deployment, or every reason "
                   "why not.\n\n"
                   "Usage: proctor-webhook --policies DIR --tls-dir DIR [flags]\n\n"
                   "A flag --some-name is also PROCTOR_SOME_NAME in the environment and some-name: "
                   "in the\nfile that --config names; a flag wins over the environment, that over "
                   "the file.\n\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        buf_printf(buf, "  --%s %s\n        %s", rows[i].name, rows[i].value, rows[i].help);
        if (rows[i].fallback[0] != '\0')
            buf_printf(buf, " (default %s)", rows[i].fallback);
        buf_add_char(buf, '\n');
    }
    buf_add_string(buf, "  --config FILE\n        settings as YAML or JSON\n"
                        "  --print-config\n        print the settings as they are, and exit\n"
                        "  --version, --help\n\n"
                        "SIGHUP reloads policies and certificate, as a change of their files does "
                        "by itself.\nSIGTERM and SIGINT drain, then exit 0; a second one exits at "
                        "once.\nExit codes: 0 drained, 2 cannot start.\n");
}

static void write_text(struct buf *buf, const char *text, size_t length)
{
    char *copy = strndup(text, length);
    if (copy != NULL)
        buf_add_json_string(buf, copy);
    free(copy);
}

void config_write(const struct config *config, struct buf *buf)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct config_value *value =
            (const struct config_value *)(const void *)((const char *)config + rows[i].offset);
        buf_printf(buf, "%s:", rows[i].name);
        if (rows[i].type == CONFIG_NUMBER) {
            buf_printf(buf, " %lld\n", (long long)value->number);
            continue;
        }
        if (rows[i].type == CONFIG_TEXT) {
            buf_add_char(buf, ' ');
            write_text(buf, value->text, strlen(value->text));
            buf_add_char(buf, '\n');
            continue;
        }
        buf_add_char(buf, '\n');
        for (const char *at = value->text; *at != '\0';) {
            size_t span = strcspn(at, "\n");
            buf_add_string(buf, "- ");
            write_text(buf, at, span);
            buf_add_char(buf, '\n');
            at += span + (at[span] == '\n');
        }
    }
}
