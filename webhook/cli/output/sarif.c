#include "cli/output/sarif.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/version.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SARIF_BYTES  (256 * LIMIT_MIB)
#define RESULT_BYTES (16 * LIMIT_MIB)

/* How many results have one and the same fingerprint. */
struct sarif_seen {
    struct sarif_seen *next;
    unsigned count;
    char hex[DIGEST_HEX_BYTES];
};

static const char *const level_names[] = {
    [REMARK_ERROR] = "error", [REMARK_WARNING] = "warning", [REMARK_NOTE] = "note"};

void sarif_init(struct sarif *sarif, const struct remark_rule *rules, size_t rule_count)
{
    *sarif = (struct sarif){.rules = rules, .rule_count = rule_count};
    arena_init(&sarif->arena, RESULT_BYTES);
    arena_init(&sarif->kept, SARIF_BYTES);
    buf_init(&sarif->results, NULL, SARIF_BYTES);
    buf_init(&sarif->notes, NULL, SARIF_BYTES);
}

void sarif_done(struct sarif *sarif)
{
    buf_done(&sarif->results);
    buf_done(&sarif->notes);
    arena_done(&sarif->kept);
    arena_done(&sarif->arena);
}

/* ---- members ------------------------------------------------------------------------------ */

static cJSON *add_object(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, parent, key, object);
    return object;
}

/* An array with one object in it: that object. */
static cJSON *add_list_of_one(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *array = json_new_array(arena), *object = json_new_object(arena);
    json_append(array, object);
    json_add(arena, parent, key, array);
    return object;
}

static void add_string(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    json_add(arena, object, key, json_new_string(arena, text));
}

/* { "text": ... }, as all texts for people are. */
static void add_message(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    add_string(arena, add_object(arena, object, key), "text", text);
}

/* In a plain text [words](target) is a link (section 3.11.6); what a manifest holds shall make
 * none. */
static const char *without_links(struct arena *arena, const char *text)
{
    struct buf escaped;
    if (strstr(text, "](") == NULL)
        return text;
    buf_init(&escaped, arena, RESULT_BYTES);
    for (; *text != '\0'; text++) {
        if (*text == '[' || *text == ']')
            buf_add_char(&escaped, '\\');
        buf_add_char(&escaped, *text);
    }
    return escaped.data;
}

/* ---- files -------------------------------------------------------------------------------- */

/* RFC 3986, section 2.3, and the slash between segments. */
static const char *escape_path(struct arena *arena, const char *path)
{
    struct buf uri;
    buf_init(&uri, arena, LIMIT_MIB);
    for (; *path != '\0'; path++) {
        const unsigned char c = (unsigned char)*path;
        if ((c < 0x80 && isalnum(c)) || strchr("-._~/", c) != NULL)
            buf_add_char(&uri, *path);
        else
            buf_printf(&uri, "%%%02X", c);
    }
    return uri.data;
}

/* The path below the working folder; NULL if it is not below it. */
static const char *below_here(const char *path)
{
    char here[PATH_MAX];
    if (path[0] != '/') {
        while (strncmp(path, "./", 2) == 0)
            path += 2 + strspn(path + 2, "/");
        return strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL ? NULL : path;
    }
    if (getcwd(here, sizeof here) == NULL)
        return NULL;
    const size_t length = strlen(here);
    return strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

static void add_file(struct arena *arena, cJSON *place, const char *file)
{
    char real[PATH_MAX];
    cJSON *artifact = add_object(arena, place, "artifactLocation");
    const char *inside = below_here(file);
    if (inside == NULL && realpath(file, real) != NULL) {
        file = real;
        inside = below_here(real);
    }
    if (inside != NULL) {
        add_string(arena, artifact, "uri", escape_path(arena, inside));
        add_string(arena, artifact, "uriBaseId", "%SRCROOT%");
        return;
    }
    add_string(arena, artifact, "uri",
               arena_printf(arena, file[0] == '/' ? "file://%s" : "%s", escape_path(arena, file)));
}

static void add_place(struct arena *arena, cJSON *place, const struct remark *remark)
{
    add_file(arena, place, remark->file);
    if (remark->mark.line == 0)
        return;
    cJSON *region = add_object(arena, place, "region");
    json_add(arena, region, "startLine", json_new_int(arena, remark->mark.line));
    if (remark->mark.column > 0)
        json_add(arena, region, "startColumn", json_new_int(arena, remark->mark.column));
}

static void add_locations(struct arena *arena, cJSON *object, const struct remark *remark)
{
    if (remark->file == NULL && remark->subject == NULL)
        return;
    cJSON *location = add_list_of_one(arena, object, "locations");
    if (remark->file != NULL)
        add_place(arena, add_object(arena, location, "physicalLocation"), remark);
    if (remark->subject != NULL)
        add_string(arena, add_list_of_one(arena, location, "logicalLocations"),
                   "fullyQualifiedName", remark->subject);
}

/* ---- results ------------------------------------------------------------------------------ */

/* How often the fingerprint was there before. */
static unsigned count_seen(struct sarif *sarif, const char *hex)
{
    if (sarif->seen == NULL)
        sarif->seen = arena_array(&sarif->kept, SARIF_BUCKETS, sizeof *sarif->seen);
    const char low[] = {hex[0], hex[1], hex[2], '\0'};
    struct sarif_seen **bucket = &sarif->seen[strtoul(low, NULL, 16) % SARIF_BUCKETS];
    for (struct sarif_seen *seen = *bucket; seen != NULL; seen = seen->next)
        if (strcmp(seen->hex, hex) == 0)
            return seen->count++;
    struct sarif_seen *seen = arena_alloc(&sarif->kept, sizeof *seen);
    memcpy(seen->hex, hex, sizeof seen->hex);
    seen->count = 1;
    seen->next = *bucket;
    *bucket = seen;
    return 0;
}

static void add_fingerprint(struct sarif *sarif, cJSON *result, const struct remark *remark)
{
    struct arena *arena = &sarif->arena;
    char hex[DIGEST_HEX_BYTES];
    const char *same_if = remark->same_if != NULL ? remark->same_if : remark->subject;
    struct buf text;
    buf_init(&text, arena, LIMIT_MIB);
    buf_add_strings(&text, remark->rule, "\n", remark->file != NULL ? remark->file : "", "\n",
                    same_if != NULL ? same_if : "", NULL);
    if (!digest_sha256(text.data, text.length, hex))
        return;
    const unsigned before = count_seen(sarif, hex);
    add_string(arena, add_object(arena, result, "partialFingerprints"), "proctorFinding/v1",
               arena_printf(arena, "%.32s:%u", hex, before + 1));
}

static void add_rule_index(struct sarif *sarif, cJSON *result, const char *id)
{
    for (size_t i = 0; i < sarif->rule_count; i++)
        if (strcmp(sarif->rules[i].id, id) == 0) {
            json_add(&sarif->arena, result, "ruleIndex", json_new_int(&sarif->arena, (int64_t)i));
            return;
        }
}

/* Once one result has suppressions, each must say whether it has. */
static void add_suppressions(struct arena *arena, cJSON *result, const char *accepted)
{
    if (accepted == NULL) {
        json_add(arena, result, "suppressions", json_new_array(arena));
        return;
    }
    cJSON *suppression = add_list_of_one(arena, result, "suppressions");
    add_string(arena, suppression, "kind", "external");
    add_string(arena, suppression, "status", "accepted");
    add_string(arena, suppression, "justification", accepted);
}

static void append(struct buf *list, const cJSON *object)
{
    if (list->length > 0)
        buf_add_string(list, ",\n");
    json_write(list, object);
}

struct adding {
    struct sarif *sarif;
    const struct remark *remark;
};

static void add_remark(void *context)
{
    struct sarif *sarif = ((struct adding *)context)->sarif;
    const struct remark *remark = ((struct adding *)context)->remark;
    struct arena *arena = &sarif->arena;
    cJSON *object = json_new_object(arena);
    if (remark->rule != NULL) {
        add_string(arena, object, "ruleId", remark->rule);
        add_rule_index(sarif, object, remark->rule);
    }
    add_string(arena, object, "level", level_names[remark->level]);
    add_message(arena, object, "message", without_links(arena, remark->text));
    add_locations(arena, object, remark);
    if (remark->rule != NULL) {
        add_fingerprint(sarif, object, remark);
        add_suppressions(arena, object, remark->accepted);
    }
    append(remark->rule != NULL ? &sarif->results : &sarif->notes, object);
}

void sarif_add(struct sarif *sarif, const struct remark *remark)
{
    struct adding adding = {sarif, remark};
    arena_reset(&sarif->arena, LIMIT_MIB);
    if (!arena_try(&sarif->arena, add_remark, &adding))
        sarif->results.failed = true;
}

/* ---- the log ------------------------------------------------------------------------------ */

static void write_rule(struct arena *arena, struct buf *text, const struct remark_rule *rule)
{
    cJSON *object = json_new_object(arena);
    add_string(arena, object, "id", rule->id);
    add_message(arena, object, "shortDescription", rule->title);
    add_message(arena, object, "help", rule->help);
    add_string(arena, add_object(arena, object, "defaultConfiguration"), "level",
               level_names[rule->level]);
    json_write(text, object);
}

static void write_tool(struct sarif *sarif, struct buf *text)
{
    buf_add_string(text, "\"tool\": {\"driver\": {\"name\": \"proctor\", \"semanticVersion\": "
                         "\"" PROCTOR_VERSION "\", \"rules\": [");
    for (size_t i = 0; i < sarif->rule_count; i++) {
        arena_reset(&sarif->arena, LIMIT_MIB);
        buf_add_string(text, i > 0 ? ",\n" : "\n");
        write_rule(&sarif->arena, text, &sarif->rules[i]);
    }
    buf_add_string(text, "]}},\n");
}

static void write_invocation(const struct sarif *sarif, const char *command, bool complete,
                             struct buf *text)
{
    buf_add_strings(text, "\"invocations\": [{\"commandLine\": \"proctor ", command,
                    "\", \"executionSuccessful\": ", complete ? "true" : "false", NULL);
    buf_add_strings(text, ", \"toolExecutionNotifications\": [", sarif->notes.data, "]}],\n", NULL);
}

int sarif_write(struct sarif *sarif, const char *command, bool complete, struct buf *text,
                struct err *reterr)
{
    buf_add_string(text, "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", "
                         "\"version\": \"2.1.0\", \"runs\": [{\n");
    write_tool(sarif, text);
    write_invocation(sarif, command, complete, text);
    buf_add_string(text,
                   "\"columnKind\": \"unicodeCodePoints\",\n\"originalUriBaseIds\": "
                   "{\"%SRCROOT%\": {\"description\": {\"text\": \"The folder in which proctor "
                   "ran.\"}}},\n\"results\": [");
    buf_add_strings(text, sarif->results.length > 0 ? "\n" : "", sarif->results.data, NULL);
    buf_add_string(text, "]\n}]}\n");
    if (text->failed || sarif->results.failed || sarif->notes.failed)
        return err_set(reterr, ERR_NO_MEMORY, "the report takes too much memory");
    return 0;
}
