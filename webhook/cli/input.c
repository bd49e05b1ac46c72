#include "cli/input.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "cli/files.h"
#include "cli/jsontext.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A dump of a whole cluster is one JSON file; reviews themselves are held to the server's own
 * limits later. */
#define NODES_MAX       4000000U
#define ARENA_BYTES_MAX (2048UL * LIMIT_MIB)

static const struct json_limits file_limits = {LIMIT_JSON_DEPTH, NODES_MAX};

struct reader {
    struct arena arena;
    const struct input_visitor *visitor;
    const char *file;
    const char *text;
    size_t length;
    size_t objects;
    size_t problems;
};

static void report(struct reader *reader, unsigned line, unsigned column, const char *text)
{
    struct input_problem problem = {reader->file, line, column, text};
    reader->problems++;
    reader->visitor->problem(reader->visitor->context, &problem);
}

/* Reads "NUMBER:" and moves *at past it. */
static bool take_number(const char **at, unsigned *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(*at, &end, 10);
    if (end == *at || *end != ':' || number > UINT_MAX)
        return false;
    *ret_number = (unsigned)number;
    *at = end + 1;
    return true;
}

/* The text of a parser's error begins "LINE:COLUMN: "; `first_line` is that of its document. */
static void report_marked(struct reader *reader, unsigned first_line, const struct err *err)
{
    unsigned line = 0, column = 0;
    const char *text = err->text;
    if (take_number(&text, &line) && take_number(&text, &column) && *text == ' ')
        report(reader, line + first_line - 1, column, text + 1);
    else
        report(reader, first_line, 0, err->text);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* As apimachinery's meta.IsListType: a kind that ends in List and has items. */
static bool is_list(const cJSON *root)
{
    const char *kind = json_get_string(root, "kind");
    return kind != NULL && ends_with(kind, "List") && json_is_array(json_get(root, "items"));
}

/* Items of a typed list that the API wrote (kubectl get --raw) do not repeat what they are. */
static void name_item(struct reader *reader, const cJSON *list, cJSON *item)
{
    const char *kind = json_get_string(list, "kind");
    const char *version = json_get_string(list, "apiVersion");
    if (strcmp(kind, "List") == 0 || version == NULL || json_find(item, "kind") != NULL ||
        json_find(item, "apiVersion") != NULL)
        return;
    char *singular = arena_strndup(&reader->arena, kind, strlen(kind) - strlen("List"));
    json_add(&reader->arena, item, "apiVersion", json_new_string(&reader->arena, version));
    json_add(&reader->arena, item, "kind", json_new_string(&reader->arena, singular));
}

static void take_review(struct reader *reader, struct input_item *item)
{
    if (item->bytes == NULL) {
        struct buf bytes;
        buf_init(&bytes, &reader->arena, LIMIT_INPUT_FILE_BYTES);
        json_write(&bytes, item->object);
        item->bytes = bytes.data;
        item->length = bytes.length;
    }
    item->is_review = true;
    reader->objects++;
    reader->visitor->object(reader->visitor->context, &reader->arena, item);
}

static void take_object(struct reader *reader, struct input_item *item)
{
    const char *version = json_get_string(item->object, "apiVersion");
    const char *kind = json_get_string(item->object, "kind");
    if (!json_is_object(item->object)) {
        report(reader, item->line, 0,
               arena_printf(&reader->arena, "this is no Kubernetes object, but a JSON %s",
                            json_type_name(item->object)));
    } else if (version == NULL || kind == NULL || version[0] == '\0' || kind[0] == '\0') {
        report(reader, item->line, 0,
               arena_printf(&reader->arena, "this is no Kubernetes object: %s is missing",
                            version == NULL || version[0] == '\0' ? "apiVersion" : "kind"));
    } else if (strcmp(kind, "AdmissionReview") == 0 &&
               strncmp(version, "admission.k8s.io/", strlen("admission.k8s.io/")) == 0) {
        take_review(reader, item);
    } else {
        reader->objects++;
        reader->visitor->object(reader->visitor->context, &reader->arena, item);
    }
}

/* An object, or the elements of a list.  `document` says where the root begins; its `json` lies in
 * the file's text, and its `bytes` are a copy of that document alone. */
static void take_document(struct reader *reader, const struct input_item *document)
{
    struct input_item item = *document;
    cJSON *root = document->object, *next;
    if (!is_list(root)) {
        take_object(reader, &item);
        return;
    }
    struct jsontext_items places = {0};
    if (item.json != NULL)
        places = jsontext_items(document->json, "items");
    for (cJSON *child = json_get(root, "items")->child; child != NULL; child = next) {
        struct yaml_mark mark = yaml_value_mark(child);
        next = child->next;
        item = *document;
        item.object = child;
        item.bytes = NULL;
        item.line = mark.line;
        item.column = mark.column;
        if (item.json != NULL) {
            item.line = document->line + jsontext_next_item(&places);
            item.json = places.counted;
            item.column = jsontext_column(item.text, item.json);
        }
        if (json_is_object(child))
            name_item(reader, root, child);
        take_object(reader, &item);
    }
}

static bool looks_like_json(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{';
}

/* kubectl takes a text whose first character is { for a stream of JSON documents. */
static void read_json(struct reader *reader)
{
    size_t at = 0;
    unsigned line = 1;
    for (;;) {
        size_t start = at + strspn(reader->text + at, " \t\r\n");
        line += jsontext_lines(reader->text + at, start - at);
        if (start >= reader->length)
            return;
        size_t length = jsontext_value_length(reader->text + start, reader->length - start);
        const char *bytes = arena_strndup(&reader->arena, reader->text + start, length);
        cJSON *root = NULL;
        struct err err;
        if (json_parse(&reader->arena, bytes, length, &file_limits, &root, &err) < 0) {
            jsontext_mark_error(bytes, &err);
            report_marked(reader, line, &err);
            return;
        }
        const struct input_item document = {.file = reader->file,
                                            .line = line,
                                            .object = root,
                                            .bytes = bytes,
                                            .length = length,
                                            .column =
                                                jsontext_column(reader->text, reader->text + start),
                                            .text = reader->text,
                                            .json = reader->text + start};
        take_document(reader, &document);
        line += jsontext_lines(reader->text + start, length);
        at = start + length;
    }
}

static void read_yaml(struct reader *reader)
{
    struct yaml_documents documents;
    struct err err;
    if (yaml_parse(&reader->arena, reader->text, reader->length, YAML_KUBECTL, &documents, &err) <
        0) {
        report_marked(reader, 1, &err);
        return;
    }
    for (size_t i = 0; i < documents.count; i++) {
        struct yaml_mark mark = yaml_value_mark(documents.roots[i]);
        const struct input_item document = {.file = reader->file,
                                            .line = mark.line,
                                            .object = documents.roots[i],
                                            .column = mark.column,
                                            .text = reader->text};
        take_document(reader, &document);
    }
}

static bool is_text(struct reader *reader)
{
    if (strncmp(reader->text, "\xff\xfe", 2) == 0 || strncmp(reader->text, "\xfe\xff", 2) == 0) {
        report(reader, 1, 0, "this is UTF-16 text: save it as UTF-8");
        return false;
    }
    const char *nul = memchr(reader->text, '\0', reader->length);
    if (nul != NULL) {
        report(reader, 1 + jsontext_lines(reader->text, (size_t)(nul - reader->text)), 0,
               "this is a binary file: there is a NUL byte in it");
        return false;
    }
    unsigned line = 1, column = 1;
    for (const char *at = reader->text; *at != '\0';) {
        uint32_t rune;
        size_t bytes = utf8_span(at, reader->length - (size_t)(at - reader->text), &rune);
        if (bytes == 0) {
            report(reader, line, column, "not UTF-8 text: save it as UTF-8");
            return false;
        }
        column = rune == '\n' ? 1 : column + 1;
        line += rune == '\n';
        at += bytes;
    }
    return true;
}

static void read_text(void *context)
{
    struct reader *reader = context;
    if (!is_text(reader))
        return;
    if (looks_like_json(reader->text))
        read_json(reader);
    else
        read_yaml(reader);
}

/* What came of one of the paths that were named. */
struct walk {
    const struct input_visitor *visitor;
    size_t seen; /* objects and problems */
};

static void read_path(void *context, const char *path, bool in_folder)
{
    struct walk *walk = context;
    struct reader reader = {.visitor = walk->visitor};
    reader.file = strcmp(path, "-") == 0 ? "stdin" : path;
    char *text = NULL;
    struct err err;
    if (files_read(path, &text, &reader.length, &err) < 0) {
        report(&reader, 0, 0, err.text);
        walk->seen++;
        return;
    }
    reader.text = text;
    arena_init(&reader.arena, ARENA_BYTES_MAX);
    if (!arena_try(&reader.arena, read_text, &reader))
        report(&reader, 0, 0, "too large for the memory that there is");
    else if (reader.objects == 0 && reader.problems == 0 && !in_folder)
        report(&reader, 0, 0, "there is no object in it");
    walk->seen += reader.objects + reader.problems;
    arena_done(&reader.arena);
    free(text);
}

static void report_path(void *context, const char *path, const char *text)
{
    struct walk *walk = context;
    struct input_problem problem = {.file = path, .text = text};
    walk->seen++;
    walk->visitor->problem(walk->visitor->context, &problem);
}

/* A folder without an object is a slip in a path, and would be judged to be fine. */
static void walk_path(const char *path, const struct input_visitor *visitor)
{
    struct walk walk = {.visitor = visitor};
    const struct files_visitor files = {&walk, NULL, read_path, report_path};
    if (strcmp(path, "-") == 0)
        read_path(&walk, "-", false);
    else
        files_find(path, &files);
    if (walk.seen == 0)
        report_path(&walk, path, "there is no object in it (.yaml, .yml and .json are read)");
}

void input_walk(const char *const *paths, size_t count, const struct input_visitor *visitor)
{
    for (size_t i = 0; i < count; i++)
        walk_path(paths[i], visitor);
}

void input_print_problem(const struct cli *cli, const struct input_problem *problem)
{
    if (problem->file != NULL && problem->file[0] != '\0') {
        cli_print_visible(cli->err, problem->file);
        if (problem->line > 0)
            fprintf(cli->err, ":%u", problem->line);
        if (problem->column > 0)
            fprintf(cli->err, ":%u", problem->column);
        fputs(": ", cli->err);
    }
    fputs(cli->err_colour ? "\033[31merror:\033[0m " : "error: ", cli->err);
    cli_print_visible(cli->err, problem->text);
    fputc('\n', cli->err);
}
