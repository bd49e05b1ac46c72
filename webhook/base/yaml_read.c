#include "base/limits.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "base/yaml_scalar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* A node with its marks: cJSON sees the first member.  The flags lie above cJSON's own. */
struct marked {
    cJSON json;
    struct yaml_mark value;
    struct yaml_mark key;
};
#define FLAG_MARKED (1 << 16)
#define FLAG_MERGED (1 << 17) /* came by a merge key: may be overridden */

struct anchor {
    const char *name;
    const cJSON *node;
    bool open; /* we are inside it */
    struct anchor *next;
};

struct reader {
    struct arena *arena;
    const char *text;
    size_t length;
    enum yaml_dialect dialect;
    struct err *err;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    struct anchor *anchors; /* of this document, newest first */
    unsigned nodes;         /* of this document */
    unsigned aliases;
    unsigned copies; /* nodes made by aliases, of the whole text */
    struct yaml_documents documents;
    size_t capacity;
    size_t seen; /* documents, with the empty ones */
    int rc;
};

/* ---- errors ----------------------------------------------------------------------------- */

static struct yaml_mark mark_of(yaml_mark_t mark)
{
    return (struct yaml_mark){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

__attribute__((format(printf, 4, 5))) static int
fail(struct reader *reader, enum err_code code, struct yaml_mark mark, const char *format, ...)
{
    char words[400];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return err_set(reader->err, code, "%u:%u: %s", mark.line, mark.column, words);
}

/* The analyzer does not look into it, and must know that it is never 0 (as in base/err.h). */
#ifdef __clang_analyzer__
#define fail(reader, code, ...) (fail(reader, code, __VA_ARGS__), -(int)(code))
#endif

static const char *visible(struct reader *reader, const char *text)
{
    struct buf shown;
    buf_init(&shown, reader->arena, 1024);
    buf_add_visible(&shown, text, 60);
    return shown.data;
}

/* libyaml's words, and ours.  "" stands for its own. */
static const struct {
    const char *problem;
    const char *words;
} problems[] = {
    {"found a tab character that violates indentation", "a tab cannot indent (use blanks)"},
    {"found a tab character where an indentation space is expected",
     "a tab cannot indent (use blanks)"},
    {"mapping values are not allowed in this context",
     "a ':' where no key can stand (check the indentation, or quote the value)"},
    {"could not find expected ':'", "a key without ':' after it (add it, or check quotes)"},
    {"did not find expected key",
     "neither a key nor the end of the object (check the indentation, or quote the value)"},
    {"did not find expected '-' indicator",
     "neither '-' nor the end of the list (check the indentation)"},
    {"did not find expected ',' or ']'", "',' or ']' is missing"},
    {"did not find expected ',' or '}'", "',' or '}' is missing"},
    {"did not find expected <document start>",
     "something follows the end of the document (begin another one with ---)"},
    {"found unexpected end of stream", "a quoted text does not end (close the quote)"},
    {"found unexpected document indicator", "a quoted text does not end (close the quote)"},
    {"block sequence entries are not allowed in this context",
     "a '-' where no list can begin (begin it on a line of its own)"},
    {"found unknown escape character", "an unknown escape (write \\\\ for a backslash)"},
};

static int fail_scan(struct reader *reader, struct yaml_mark mark)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "not understood";
    if (strcmp(problem, "found character that cannot start any token") == 0) {
        const size_t at = parser->problem_mark.index < reader->length ? parser->problem_mark.index
                                                                      : reader->length;
        /* The index counts characters; it is only a guess behind other than ASCII. */
        const bool tab = reader->text[at] == '\t';
        return fail(reader, ERR_YAML, mark, "%s",
                    tab ? "a tab cannot indent (use blanks)"
                        : "a character that cannot begin a value (quote the value)");
    }
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        if (strcmp(problems[i].problem, problem) == 0)
            return fail(reader, ERR_YAML, mark, "%s", problems[i].words);
    return fail(reader, ERR_YAML, mark, "%s (mend it, or quote the value)", problem);
}

/* Line and column of a byte, for what libyaml's reader refuses before it counts lines. */
static struct yaml_mark mark_at(const struct reader *reader, size_t offset)
{
    struct yaml_mark mark = {1, 1};
    for (size_t i = 0; i < offset && i < reader->length; i++) {
        const unsigned char c = (unsigned char)reader->text[i];
        if (c == '\n') {
            mark.line++;
            mark.column = 1;
        } else if ((c & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static int fail_parser(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(reader->err, ERR_NO_MEMORY, "out of memory");
    if (parser->error == YAML_READER_ERROR)
        return fail(reader, ERR_YAML, mark_at(reader, parser->problem_offset), "%s",
                    strstr(parser->problem, "control") != NULL
                        ? "a control character (remove it, or write it as an escape)"
                        : "not UTF-8 (save the file as UTF-8)");
    return fail_scan(reader, mark_of(parser->problem_mark));
}

static int next_event(struct reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
    return reader->has_event ? 0 : fail_parser(reader);
}

static struct yaml_mark here(const struct reader *reader)
{
    return mark_of(reader->event.start_mark);
}

/* ---- nodes ------------------------------------------------------------------------------ */

static cJSON *new_node(struct reader *reader, int type, struct yaml_mark mark)
{
    struct marked *node = arena_alloc(reader->arena, sizeof *node);
    node->json.type = type | FLAG_MARKED;
    node->value = mark;
    return &node->json;
}

static struct marked *marked(cJSON *node)
{
    return (struct marked *)node;
}

struct yaml_mark yaml_value_mark(const cJSON *node)
{
    if (node == NULL || (node->type & FLAG_MARKED) == 0)
        return (struct yaml_mark){0, 0};
    return ((const struct marked *)node)->value;
}

struct yaml_mark yaml_key_mark(const cJSON *node)
{
    if (node == NULL || (node->type & FLAG_MARKED) == 0)
        return (struct yaml_mark){0, 0};
    return ((const struct marked *)node)->key;
}

static int count_node(struct reader *reader)
{
    if (++reader->nodes > LIMIT_YAML_NODES)
        return fail(reader, ERR_LIMIT, here(reader), "more than %u values in one document",
                    LIMIT_YAML_NODES);
    return 0;
}

static int check_depth(struct reader *reader, unsigned depth)
{
    if (depth > LIMIT_YAML_DEPTH)
        return fail(reader, ERR_LIMIT, here(reader), "nested deeper than %u levels",
                    LIMIT_YAML_DEPTH);
    return 0;
}

static struct anchor *add_anchor(struct reader *reader, const yaml_char_t *name, const cJSON *node)
{
    if (name == NULL)
        return NULL;
    struct anchor *anchor = arena_alloc(reader->arena, sizeof *anchor);
    anchor->name = arena_strdup(reader->arena, (const char *)name);
    anchor->node = node;
    anchor->open = true;
    anchor->next = reader->anchors;
    reader->anchors = anchor;
    return anchor;
}

static void close_anchor(struct anchor *anchor)
{
    if (anchor != NULL)
        anchor->open = false;
}

/* The node that the current alias event stands for. */
static int find_anchor(struct reader *reader, const cJSON **ret_node)
{
    const char *name = (const char *)reader->event.data.alias.anchor;
    if (++reader->aliases > LIMIT_YAML_ALIASES)
        return fail(reader, ERR_LIMIT, here(reader), "more than %u aliases in one document",
                    LIMIT_YAML_ALIASES);
    for (const struct anchor *anchor = reader->anchors; anchor != NULL; anchor = anchor->next) {
        if (strcmp(anchor->name, name) != 0)
            continue;
        if (anchor->open)
            return fail(reader, ERR_YAML, here(reader),
                        "the alias *%s stands inside what it names (write it out)",
                        visible(reader, name));
        *ret_node = anchor->node;
        return 0;
    }
    return fail(reader, ERR_YAML, here(reader), "no anchor &%s before this alias (add it)",
                visible(reader, name));
}

/* A copy for an alias, with the marks of what it names.  Depth is bounded by the caller's. */
static int copy_node(struct reader *reader, const cJSON *node, unsigned depth, cJSON **ret_copy)
{
    int rc = count_node(reader);
    if (rc == 0 && node->child != NULL)
        rc = check_depth(reader, depth + 1);
    if (rc == 0 && ++reader->copies > LIMIT_YAML_NODES)
        rc = fail(reader, ERR_LIMIT, here(reader), "aliases stand for more than %u values",
                  LIMIT_YAML_NODES);
    if (rc != 0)
        return rc;
    cJSON *copy = new_node(reader, node->type & 0xff, yaml_value_mark(node));
    copy->valuestring = node->valuestring;
    copy->valuedouble = node->valuedouble;
    copy->valueint = node->valueint;
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        cJSON *twin;
        rc = copy_node(reader, child, depth + 1, &twin);
        if (rc != 0)
            return rc;
        twin->string = child->string;
        marked(twin)->key = yaml_key_mark(child);
        json_append(copy, twin);
    }
    *ret_copy = copy;
    return 0;
}

/* ---- scalars ---------------------------------------------------------------------------- */

#define TAG_PREFIX "tag:yaml.org,2002:"

/* What a scalar event means; its number in `number`. */
static int resolve_plain(struct reader *reader, const char *text, enum yaml_scalar *ret_scalar,
                         char number[YAML_NUMBER_MAX])
{
    if (reader->dialect == YAML_POLICY) {
        const char *mend = NULL;
        *ret_scalar = yaml_scalar_policy(text, &mend);
        if (*ret_scalar == YAML_SCALAR_UNCLEAR)
            return fail(reader, ERR_YAML, here(reader),
                        "%s means different things to different YAML readers (%s)",
                        visible(reader, text), mend);
        if (*ret_scalar == YAML_SCALAR_NUMBER)
            snprintf(number, YAML_NUMBER_MAX, "%s", text);
        return 0;
    }
    *ret_scalar = yaml_scalar_kubectl(text, number);
    if (*ret_scalar == YAML_SCALAR_UNCLEAR)
        return fail(reader, ERR_YAML, here(reader), "%s is no number that JSON has (quote it)",
                    visible(reader, text));
    return 0;
}

static bool tag_fits(const char *tag, enum yaml_scalar scalar, const char *number)
{
    if (strcmp(tag, "int") == 0)
        return scalar == YAML_SCALAR_NUMBER && strpbrk(number, ".e") == NULL;
    if (strcmp(tag, "float") == 0)
        return scalar == YAML_SCALAR_NUMBER;
    if (strcmp(tag, "bool") == 0)
        return scalar == YAML_SCALAR_TRUE || scalar == YAML_SCALAR_FALSE;
    return strcmp(tag, "null") == 0 && scalar == YAML_SCALAR_NULL;
}

static int resolve_tagged(struct reader *reader, const char *text, const char *tag,
                          enum yaml_scalar *ret_scalar, char number[YAML_NUMBER_MAX])
{
    *ret_scalar = YAML_SCALAR_STRING;
    const bool known = strncmp(tag, TAG_PREFIX, sizeof TAG_PREFIX - 1) == 0;
    const char *name = known ? tag + sizeof TAG_PREFIX - 1 : "";
    if (strcmp(name, "str") == 0 || strcmp(tag, "!") == 0)
        return 0;
    if (reader->dialect == YAML_KUBECTL && known) {
        if (strcmp(name, "timestamp") == 0)
            return 0;
        int rc = resolve_plain(reader, text, ret_scalar, number);
        if (rc != 0 || tag_fits(name, *ret_scalar, number))
            return rc;
    }
    return fail(reader, ERR_YAML, here(reader), "the tag %s is not read here (remove it)",
                visible(reader, tag));
}

static int resolve_scalar(struct reader *reader, enum yaml_scalar *ret_scalar,
                          char number[YAML_NUMBER_MAX])
{
    const char *text = (const char *)reader->event.data.scalar.value;
    const char *tag = (const char *)reader->event.data.scalar.tag;
    if (strlen(text) != reader->event.data.scalar.length)
        return fail(reader, ERR_YAML, here(reader), "a NUL character in a text (remove it)");
    if (tag != NULL)
        return resolve_tagged(reader, text, tag, ret_scalar, number);
    *ret_scalar = YAML_SCALAR_STRING;
    if (!reader->event.data.scalar.plain_implicit)
        return 0;
    return resolve_plain(reader, text, ret_scalar, number);
}

static int read_scalar(struct reader *reader, cJSON **ret_node)
{
    enum yaml_scalar scalar;
    char number[YAML_NUMBER_MAX];
    int rc = resolve_scalar(reader, &scalar, number);
    if (rc != 0)
        return rc;
    cJSON *node = new_node(reader, cJSON_NULL, here(reader));
    if (scalar == YAML_SCALAR_STRING) {
        node->type = cJSON_String | FLAG_MARKED;
        node->valuestring =
            arena_strdup(reader->arena, (const char *)reader->event.data.scalar.value);
    } else if (scalar == YAML_SCALAR_NUMBER) {
        json_assign(reader->arena, node, json_new_number_text(reader->arena, number));
        node->type |= FLAG_MARKED;
    } else if (scalar != YAML_SCALAR_NULL) {
        node->type = (scalar == YAML_SCALAR_TRUE ? cJSON_True : cJSON_False) | FLAG_MARKED;
    }
    close_anchor(add_anchor(reader, reader->event.data.scalar.anchor, node));
    *ret_node = node;
    return 0;
}

/* ---- lists and objects ------------------------------------------------------------------ */

/* Each read_… starts on the node's first event and ends on its last. */
static int read_node(struct reader *reader, unsigned depth, cJSON **ret_node);

static int check_container(struct reader *reader, const yaml_char_t *tag, const char *own,
                           unsigned depth)
{
    const char *text = (const char *)tag;
    if (text != NULL && strcmp(text, own) != 0)
        return fail(reader, ERR_YAML, here(reader), "the tag %s is not read here (remove it)",
                    visible(reader, text));
    return check_depth(reader, depth);
}

static int read_list(struct reader *reader, unsigned depth, cJSON **ret_node)
{
    int rc =
        check_container(reader, reader->event.data.sequence_start.tag, TAG_PREFIX "seq", depth);
    if (rc != 0)
        return rc;
    cJSON *list = new_node(reader, cJSON_Array, here(reader));
    struct anchor *anchor = add_anchor(reader, reader->event.data.sequence_start.anchor, list);
    while ((rc = next_event(reader)) == 0 && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        cJSON *element;
        rc = read_node(reader, depth, &element);
        if (rc != 0)
            return rc;
        json_append(list, element);
    }
    close_anchor(anchor);
    *ret_node = list;
    return rc;
}

/* A key of an alias: what the anchor's scalar is as a key. */
static int read_alias_key(struct reader *reader, const char **ret_key)
{
    const cJSON *node;
    char scratch[32];
    int rc = find_anchor(reader, &node);
    if (rc != 0)
        return rc;
    if (json_is_string(node))
        *ret_key = node->valuestring;
    else if (json_is_number(node))
        *ret_key = arena_strdup(reader->arena, json_number_text(node, scratch));
    else
        return fail(reader, ERR_YAML, here(reader), "a key must be a text (write it out)");
    return 0;
}

static int read_key(struct reader *reader, const char **ret_key)
{
    enum yaml_scalar scalar;
    char number[YAML_NUMBER_MAX];
    if (reader->event.type == YAML_ALIAS_EVENT)
        return read_alias_key(reader, ret_key);
    if (reader->event.type != YAML_SCALAR_EVENT)
        return fail(reader, ERR_YAML, here(reader),
                    "a key must be a text, not a list or an object (quote it)");
    const char *text = (const char *)reader->event.data.scalar.value;
    int rc = resolve_scalar(reader, &scalar, number);
    if (rc != 0)
        return rc;
    const bool is_bool = scalar == YAML_SCALAR_TRUE || scalar == YAML_SCALAR_FALSE;
    if (scalar == YAML_SCALAR_NULL || (is_bool && reader->dialect == YAML_POLICY))
        return fail(reader, ERR_YAML, here(reader), "the key is %s, not a text (quote it)",
                    is_bool ? text : "null");
    if (is_bool) {
        text = scalar == YAML_SCALAR_TRUE ? "true" : "false";
    } else if (scalar == YAML_SCALAR_NUMBER && reader->dialect == YAML_KUBECTL) {
        yaml_scalar_key(text, number);
        text = number;
    }
    /* A scalar that is a key may be an anchor, too. */
    if (reader->event.data.scalar.anchor != NULL) {
        cJSON *node = new_node(reader, cJSON_String, here(reader));
        node->valuestring = arena_strdup(reader->arena, text);
        close_anchor(add_anchor(reader, reader->event.data.scalar.anchor, node));
    }
    *ret_key = arena_strdup(reader->arena, text);
    return 0;
}

static bool is_merge(const struct reader *reader)
{
    return reader->dialect == YAML_KUBECTL && reader->event.type == YAML_SCALAR_EVENT &&
           reader->event.data.scalar.plain_implicit &&
           strcmp((const char *)reader->event.data.scalar.value, "<<") == 0;
}

/* Moves copies of one object's members to `object`. */
static int merge_one(struct reader *reader, cJSON *object, const cJSON *source, unsigned depth)
{
    if (!json_is_object(source))
        return fail(reader, ERR_YAML, here(reader),
                    "<< takes an object or a list of objects (write the members out)");
    for (const cJSON *child = source->child; child != NULL; child = child->next) {
        cJSON *copy;
        int rc = copy_node(reader, child, depth, &copy);
        if (rc != 0)
            return rc;
        copy->string = child->string;
        copy->type |= FLAG_MERGED;
        marked(copy)->key = yaml_key_mark(child);
        json_append(object, copy);
    }
    return 0;
}

static int read_merge(struct reader *reader, cJSON *object, unsigned depth)
{
    cJSON *source;
    int rc = next_event(reader);
    if (rc == 0)
        rc = read_node(reader, depth, &source);
    if (rc != 0)
        return rc;
    if (!json_is_array(source))
        return merge_one(reader, object, source, depth);
    if (source->child == NULL)
        return 0;
    /* From the last to the first: earlier ones take precedence, and later writes win. */
    const cJSON *element = source->child->prev;
    while (rc == 0) {
        rc = merge_one(reader, object, element, depth);
        if (element == source->child)
            break;
        element = element->prev;
    }
    return rc;
}

/* Finds keys that stand twice; of merged ones the last wins, wherever it stands, which is what
 * go-yaml v2 does. */
static int settle_members(struct reader *reader, cJSON *object)
{
    size_t count;
    cJSON **members = json_sort_members(reader->arena, object, &count);
    cJSON *twice = NULL;
    for (size_t i = 1; i < count; i++) {
        cJSON *before = members[i - 1], *after = members[i];
        if (strcmp(before->string, after->string) != 0)
            continue;
        const bool both = ((before->type | after->type) & FLAG_MERGED) == 0;
        if (both && (twice == NULL || yaml_key_mark(after).line < yaml_key_mark(twice).line))
            twice = after;
        if ((before->type & FLAG_MERGED) == 0)
            after->type &= ~FLAG_MERGED;
        json_unlink(object, before);
    }
    if (twice != NULL)
        return fail(reader, ERR_YAML, yaml_key_mark(twice),
                    "the key %s stands twice in one object (remove one)",
                    visible(reader, twice->string));
    return 0;
}

static int read_member(struct reader *reader, cJSON *object, unsigned depth)
{
    const char *key;
    cJSON *value;
    const struct yaml_mark mark = here(reader);
    if (is_merge(reader))
        return read_merge(reader, object, depth);
    int rc = count_node(reader);
    if (rc == 0)
        rc = read_key(reader, &key);
    if (rc == 0)
        rc = next_event(reader);
    if (rc == 0)
        rc = read_node(reader, depth, &value);
    if (rc != 0)
        return rc;
    marked(value)->key = mark;
    json_add(reader->arena, object, key, value);
    return 0;
}

static int read_object(struct reader *reader, unsigned depth, cJSON **ret_node)
{
    int rc = check_container(reader, reader->event.data.mapping_start.tag, TAG_PREFIX "map", depth);
    if (rc != 0)
        return rc;
    cJSON *object = new_node(reader, cJSON_Object, here(reader));
    struct anchor *anchor = add_anchor(reader, reader->event.data.mapping_start.anchor, object);
    while ((rc = next_event(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
        rc = read_member(reader, object, depth);
        if (rc != 0)
            return rc;
    }
    if (rc == 0)
        rc = settle_members(reader, object);
    close_anchor(anchor);
    *ret_node = object;
    return rc;
}

static int read_node(struct reader *reader, unsigned depth, cJSON **ret_node)
{
    const cJSON *named;
    int rc = count_node(reader);
    if (rc != 0)
        return rc;
    switch (reader->event.type) {
    case YAML_ALIAS_EVENT:
        rc = find_anchor(reader, &named);
        return rc != 0 ? rc : copy_node(reader, named, depth, ret_node);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, depth + 1, ret_node);
    case YAML_MAPPING_START_EVENT:
        return read_object(reader, depth + 1, ret_node);
    default:
        return read_scalar(reader, ret_node);
    }
}

/* ---- documents -------------------------------------------------------------------------- */

static void add_document(struct reader *reader, cJSON *root)
{
    struct yaml_documents *documents = &reader->documents;
    documents->roots = arena_room(reader->arena, documents->roots, documents->count,
                                  &reader->capacity, sizeof *documents->roots);
    documents->roots[documents->count++] = root;
}

static int read_document(struct reader *reader)
{
    cJSON *root;
    if (++reader->seen > LIMIT_YAML_DOCUMENTS)
        return fail(reader, ERR_LIMIT, here(reader), "more than %u documents",
                    LIMIT_YAML_DOCUMENTS);
    reader->anchors = NULL;
    reader->nodes = reader->aliases = 0;
    int rc = next_event(reader);
    if (rc == 0)
        rc = read_node(reader, 0, &root);
    if (rc == 0 && !json_is_null(root))
        add_document(reader, root);
    /* The document's end. */
    return rc == 0 ? next_event(reader) : rc;
}

static int read_stream(struct reader *reader)
{
    int rc = next_event(reader);
    while (rc == 0 && (rc = next_event(reader)) == 0 &&
           reader->event.type == YAML_DOCUMENT_START_EVENT)
        rc = read_document(reader);
    return rc;
}

static void run_reader(void *context)
{
    struct reader *reader = context;
    reader->rc = read_stream(reader);
}

int yaml_parse(struct arena *arena, const char *text, size_t length, enum yaml_dialect dialect,
               struct yaml_documents *ret_documents, struct err *reterr)
{
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    struct reader reader = {.arena = arena, .text = text, .length = length, .dialect = dialect};
    reader.err = reterr;
    if (!yaml_parser_initialize(&reader.parser))
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    /* libyaml's memory is on the heap: an arena that runs out must not jump past it. */
    const bool finished = arena_try(arena, run_reader, &reader);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    if (!finished)
        return err_set(reterr, ERR_NO_MEMORY, "1:1: too large for the memory it may take");
    if (reader.rc == 0)
        *ret_documents = reader.documents;
    return reader.rc;
}
