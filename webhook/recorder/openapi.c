/* The OpenAPI 3.1 document, written from the rows by which calls are answered and checked; the
 * shapes of answers are the one hand-written file, openapi.json, which is part of the program. */
#include "base/version.h"
#include "recorder/api_internal.h"

#include <string.h>

#define DOCUMENT_BYTES (1024UL * 1024UL)

/* The build's folder is the checkout's root; the Makefile knows that this file hangs on it. */
__asm__(".pushsection .rodata\n"
        ".hidden openapi_components\n"
        ".globl openapi_components\n"
        "openapi_components:\n"
        ".incbin \"webhook/recorder/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char openapi_components[];

#define PLAIN_PATTERN "^[^\\\\u0000-\\\\u001f\\\\u007f-\\\\u009f]*$"
#define NAME_PATTERN  "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

static void add_choices(struct buf *out, const char *choices)
{
    buf_add_string(out, ",\"enum\":[");
    for (const char *at = choices; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        buf_add_string(out, at == choices ? "\"" : ",\"");
        buf_add(out, at, length);
        buf_add_char(out, '"');
        at += length + (at[length] == ' ');
    }
    buf_add_char(out, ']');
}

static void add_schema(struct buf *out, const struct api_field *field, bool nullable)
{
    const char *type = field->kind == API_KIND_NUMBER ? "integer"
                       : field->kind == API_KIND_BOOL ? "boolean"
                                                      : "string";
    if (nullable)
        buf_add_strings(out, "{\"type\":[\"", type, "\",\"null\"]", NULL);
    else
        buf_add_strings(out, "{\"type\":\"", type, "\"", NULL);
    switch (field->kind) {
    case API_KIND_NUMBER:
        buf_printf(out, ",\"minimum\":%lld,\"maximum\":%lld", (long long)field->min,
                   (long long)field->max);
        break;
    case API_KIND_TEXT:
        buf_printf(out, ",\"minLength\":%lld,\"maxLength\":%lld,\"pattern\":\"" PLAIN_PATTERN "\"",
                   (long long)field->min, (long long)field->max);
        break;
    case API_KIND_CHOICE:
        add_choices(out, field->choices);
        break;
    case API_KIND_SHA:
        buf_add_string(out, ",\"pattern\":\"^[0-9a-f]{64}$\"");
        break;
    case API_KIND_CURSOR:
        buf_add_string(out, ",\"pattern\":\"^[0-9a-f]{32}$\"");
        break;
    case API_KIND_BOOL:
        break;
    }
    buf_add_char(out, '}');
}

/* ---- Parameters ------------------------------------------------------------------------- */

static void add_parameter(struct buf *out, bool *first, const char *name, const char *in,
                          bool required, const char *description, const char *schema)
{
    buf_add_strings(out, *first ? "" : ",", "{\"name\":\"", name, "\",\"in\":\"", in,
                    "\",\"required\":", required ? "true" : "false", ",\"description\":", NULL);
    buf_add_json_string(out, description);
    buf_add_strings(out, ",\"schema\":", schema, NULL);
    if (schema[0] != '\0')
        buf_add_char(out, '}');
    *first = false;
}

static void add_query(struct buf *out, bool *first, const struct api_route *route)
{
    for (size_t i = 0; i < api_query_field_count; i++) {
        const struct api_field *field = &api_query_fields[i];
        const size_t length = strlen(field->name);
        if (!api_has_word(route->query, field->name, length))
            continue;
        add_parameter(out, first, field->name, "query",
                      api_has_word(route->needs, field->name, length), field->text, "");
        add_schema(out, field, false);
        buf_add_char(out, '}');
    }
}

static void add_parameters(struct buf *out, const struct api_route *route)
{
    bool first = true;
    buf_add_string(out, ",\"parameters\":[");
    if (strstr(route->path, "{project}") != NULL)
        add_parameter(out, &first, "project", "path", true, "the Deployment's name",
                      "{\"type\":\"string\",\"minLength\":1,\"maxLength\":253,"
                      "\"pattern\":\"" NAME_PATTERN "\"}");
    if (strstr(route->path, "{id}") != NULL)
        add_parameter(out, &first, "id", "path", true, "an id that the API gave",
                      "{\"type\":\"integer\",\"minimum\":1,\"maximum\":999999999999999999}");
    add_query(out, &first, route);
    if (route->flags & API_REPEATS) {
        add_parameter(out, &first, "Idempotency-Key", "header", false,
                      "the same key and body: done once, and answered as before",
                      "{\"type\":\"string\",\"pattern\":\"^[!-~]{1,200}$\"}");
        add_parameter(out, &first, "If-Match", "header", false,
                      "the generation that the Deployment must still have",
                      "{\"type\":\"string\",\"pattern\":"
                      "\"^(\\\\*|\\\"[1-9][0-9]{0,17}\\\"|[1-9][0-9]{0,17})$\"}");
    }
    if (!(route->flags & API_PUBLIC) && strcmp(route->method, "GET") != 0)
        add_parameter(out, &first, "Proctor-On-Behalf-Of", "header", false,
                      "the person that an account acts for which the recorder trusts (--trusted)",
                      "{\"type\":\"string\",\"minLength\":1,\"maxLength\":256}");
    if (route->handler == api_get_stream)
        add_parameter(out, &first, "Last-Event-ID", "header", false,
                      "the last event that was seen: it goes on after it",
                      "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,17})$\"}");
    buf_add_char(out, ']');
}

/* ---- Bodies ----------------------------------------------------------------------------- */

static void add_members(struct buf *out, const struct api_route *route)
{
    const char *needed = NULL;
    bool first = true;
    buf_add_string(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < api_body_field_count; i++) {
        const struct api_field *field = &api_body_fields[i];
        if (!api_has_word(route->input, field->name, strlen(field->name)))
            continue;
        const bool needs = field->kind == API_KIND_CHOICE && route->flags & API_BODY_NEEDED;
        if (needs)
            needed = field->name;
        buf_add_strings(out, first ? "\"" : ",\"", field->name, "\":", NULL);
        add_schema(out, field, !needs);
        first = false;
    }
    buf_add_char(out, '}');
    if (needed != NULL)
        buf_add_strings(out, ",\"required\":[\"", needed, "\"]", NULL);
    buf_add_char(out, '}');
}

static void add_body(struct buf *out, const struct api_route *route)
{
    if (route->input == NULL)
        return;
    buf_add_strings(
        out, ",\"requestBody\":{\"required\":", route->flags & API_BODY_NEEDED ? "true" : "false",
        ",\"content\":{\"application/json\":{\"schema\":", NULL);
    if (route->flags & API_BODY_FREE)
        buf_add_strings(out, "{\"$ref\":\"#/components/schemas/", route->input, "\"}", NULL);
    else
        add_members(out, route);
    buf_add_string(out, "}}}");
}

/* ---- Answers ---------------------------------------------------------------------------- */

static void add_success(struct buf *out, const struct api_route *route)
{
    const bool stream = route->handler == api_get_stream;
    buf_printf(out,
               ",\"responses\":{\"%d\":{\"description\":\"%s\",\"content\":{\"%s\":", route->status,
               route->status == 202 ? "accepted" : "done",
               stream ? "text/event-stream" : "application/json");
    buf_add_strings(out, "{\"schema\":{\"$ref\":\"#/components/schemas/", route->output, "\"}}",
                    NULL);
    if (route->flags & API_FORMATS)
        buf_add_string(out, ",\"text/csv\":{\"schema\":{\"type\":\"string\"}}");
    buf_add_string(out, "}}");
    /* Found out at once, or a dry run: there is nothing to wait for. */
    if (route->status == 202)
        buf_add_strings(out,
                        ",\"200\":{\"description\":\"done, or only looked at\",\"content\":"
                        "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/",
                        route->output, "\"}}}}", NULL);
}

static void add_responses(struct buf *out, const struct api_route *route)
{
    const bool act = route->flags & API_REPEATS, body = strcmp(route->method, "POST") == 0;
    const struct {
        const char *status;
        bool comes;
    } problems[] = {{"400", true},
                    {"401", !(route->flags & API_PUBLIC)},
                    {"403", !(route->flags & API_PUBLIC)},
                    {"404", strchr(route->path, '{') != NULL || route->flags & API_FORMATS},
                    {"406", true},
                    {"409", act},
                    {"413", body},
                    {"415", body},
                    {"422", act || body},
                    {"429", true},
                    {"500", true},
                    {"502", !(route->flags & API_PUBLIC)},
                    {"503", true}};
    add_success(out, route);
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        if (problems[i].comes)
            buf_add_strings(out, ",\"", problems[i].status,
                            "\":{\"$ref\":\"#/components/responses/Problem\"}", NULL);
    }
    buf_add_char(out, '}');
}

static void add_operation(struct buf *out, const struct api_route *route)
{
    char method[8];
    size_t i = 0;
    for (; route->method[i] != '\0' && i + 1 < sizeof method; i++)
        method[i] = (char)(route->method[i] | 0x20);
    method[i] = '\0';
    buf_add_strings(out, "\"", method, "\":{\"operationId\":\"", route->id,
                    "\",\"summary\":", NULL);
    buf_add_json_string(out, route->summary);
    if (route->flags & API_PUBLIC)
        buf_add_string(out, ",\"security\":[]");
    add_parameters(out, route);
    add_body(out, route);
    add_responses(out, route);
    buf_add_char(out, '}');
}

char *api_openapi_write(void)
{
    struct buf out;
    buf_init(&out, NULL, DOCUMENT_BYTES);
    buf_add_string(
        &out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Proctor recorder\",\"version\":"
              "\"" PROCTOR_VERSION "\",\"description\":\"Every version of every Deployment: who, "
              "what, how it ended, and the way back.\"},\"servers\":[{\"url\":\"/\"}],"
              "\"security\":[{\"bearer\":[]},{\"forwarded\":[]}],\"paths\":{");
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        if (i == 0 || strcmp(api_routes[i - 1].path, route->path) != 0)
            buf_add_strings(&out, i == 0 ? "\"" : "},\"", route->path, "\":{", NULL);
        else
            buf_add_char(&out, ',');
        add_operation(&out, route);
    }
    buf_add_strings(&out, "}},\"components\":", openapi_components, "}\n", NULL);
    if (out.failed) {
        buf_done(&out);
        return NULL;
    }
    return out.data;
}
