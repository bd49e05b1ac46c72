#include "policy/field.h"

#include "kube/names.h"

#include <string.h>

static const struct {
    const char *name;
    enum field_root root;
} aliases[] = {
    {"$pod", FIELD_POD},
    {"$podMetadata", FIELD_POD_METADATA},
    {"$appContainers", FIELD_APP_CONTAINERS},
    {"$containers", FIELD_CONTAINERS},
    {"$anyContainers", FIELD_ANY_CONTAINERS},
    {"$securityContext", FIELD_SECURITY_CONTEXT},
    {"$old", FIELD_OLD},
    {"$options", FIELD_OPTIONS},
    {"$request", FIELD_REQUEST},
};

static const struct {
    const char *name;
    enum field_view view;
} views[] = {
    {"keys", VIEW_KEYS},         {"count", VIEW_COUNT},
    {"registry", VIEW_REGISTRY}, {"repository", VIEW_REPOSITORY},
    {"tag", VIEW_TAG},           {"digest", VIEW_DIGEST},
};

struct parser {
    struct arena *arena;
    const char *text;
    const char *at;
    struct field *field;
    struct step steps[LIMIT_FIELD_STEPS];
    struct err *err;
};

static int fail(const struct parser *parser, const char *what)
{
    return err_set(parser->err, ERR_POLICY, "field \"%s\", character %zu: %s", parser->text,
                   (size_t)(parser->at - parser->text) + 1, what);
}

static int add_step(struct parser *parser, struct step step)
{
    if (parser->field->step_count == LIMIT_FIELD_STEPS - 8)
        return fail(parser, "more steps than a field may have");
    parser->steps[parser->field->step_count++] = step;
    return 0;
}

/* A name up to one of `stops`, or a quoted one with anything in it but a quote. */
static int parse_name(struct parser *parser, const char *stops, const char **ret_name)
{
    if (*parser->at == '"') {
        const char *start = ++parser->at;
        const char *end = strchr(start, '"');
        if (end == NULL)
            return fail(parser, "the closing quote is missing");
        *ret_name = arena_strndup(parser->arena, start, (size_t)(end - start));
        parser->at = end + 1;
        return 0;
    }
    size_t length = strcspn(parser->at, stops);
    if (length == 0)
        return fail(parser, "a name is missing");
    *ret_name = arena_strndup(parser->arena, parser->at, length);
    parser->at += length;
    return 0;
}

static int parse_bracket(struct parser *parser)
{
    struct step step = {.kind = STEP_EACH};
    parser->at++;
    if (*parser->at == '*' && parser->at[1] == ']') {
        parser->at++;
    } else {
        const bool quoted = *parser->at == '"';
        int rc = parse_name(parser, "]=\"", &step.name);
        if (rc != 0)
            return rc;
        step.kind = quoted ? STEP_GLOB : STEP_HAVING;
        if (*parser->at == '=') {
            parser->at++;
            step.kind = STEP_ELEMENT;
            rc = parse_name(parser, "]\"", &step.value);
            if (rc != 0)
                return rc;
        }
    }
    if (*parser->at != ']')
        return fail(parser, "']' is missing; a bracket holds *, \"glob\", key=value or key");
    parser->at++;
    return add_step(parser, step);
}

static int parse_segment(struct parser *parser)
{
    struct step step = {.kind = STEP_MEMBER};
    int rc = parse_name(parser, ".[]@\" ", &step.name);
    if (rc == 0)
        rc = add_step(parser, step);
    while (rc == 0 && *parser->at == '[')
        rc = parse_bracket(parser);
    return rc;
}

static int parse_view(struct parser *parser)
{
    parser->at++;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(parser->at, views[i].name) == 0) {
            parser->field->view = views[i].view;
            parser->at += strlen(parser->at);
            return 0;
        }
    return fail(parser, "a view is one of @keys, @count, @registry, @repository, @tag, @digest");
}

static int parse_alias(struct parser *parser)
{
    const size_t length = strcspn(parser->at, ".[]@\" ");
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strlen(aliases[i].name) == length && memcmp(parser->at, aliases[i].name, length) == 0) {
            parser->field->root = aliases[i].root;
            parser->at += length;
            return 0;
        }
    const char *names[sizeof aliases / sizeof *aliases + 1] = {NULL};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        names[i] = aliases[i].name;
    const char *near = name_nearest(arena_strndup(parser->arena, parser->at, length), names);
    return near == NULL
               ? fail(parser, "no such alias")
               : fail(parser, arena_printf(parser->arena, "no such alias; did you mean %s?", near));
}

static int parse_segments(struct parser *parser)
{
    struct field *field = parser->field;
    int rc = 0;
    if (*parser->at == '$') {
        rc = parse_alias(parser);
    } else if (*parser->at == '.') {
        field->root = FIELD_ELEMENT;
        if (parser->at[1] == '\0' || parser->at[1] == '@')
            parser->at++; /* "." alone: the value itself */
    } else {
        rc = parse_segment(parser);
    }
    while (rc == 0 && *parser->at == '.') {
        parser->at++;
        rc = parse_segment(parser);
    }
    if (rc == 0 && *parser->at == '@')
        rc = parse_view(parser);
    if (rc == 0 && *parser->at != '\0')
        rc = fail(parser, "'.', '[' or the end is expected here");
    return rc;
}

int field_parse(struct arena *arena, const char *text, struct field **ret_field, struct err *reterr)
{
    struct field *field = arena_alloc(arena, sizeof *field);
    struct parser parser = {.arena = arena, .field = field, .err = reterr};
    field->text = arena_strdup(arena, text);
    parser.text = parser.at = field->text;
    if (*text == '\0')
        return err_set(reterr, ERR_POLICY, "the field is empty");
    int rc = parse_segments(&parser);
    if (rc != 0)
        return rc;
    field->steps = arena_array(arena, field->step_count, sizeof *field->steps);
    memcpy(field->steps, parser.steps, field->step_count * sizeof *field->steps);
    *ret_field = field;
    return 0;
}
