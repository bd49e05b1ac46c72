/* Fields in words: from the innermost name outwards, as people say it. */
#include "cli/explain/prose.h"

#include "base/limits.h"

#include <string.h>

struct words {
    struct buf buf;
    const char *of_each; /* "each", "one", "any" */
};

static const char *const reaches[] = {
    [PROSE_EACH] = "each", [PROSE_SOME] = "one", [PROSE_ANY] = "any"};

/* The roots that stand for containers. */
static const char *const containers[FIELD_ROOT_COUNT] = {
    [FIELD_APP_CONTAINERS] = "container and sidecar",
    [FIELD_CONTAINERS] = "container and init container",
    [FIELD_ANY_CONTAINERS] = "container of any kind",
    [FIELD_SECURITY_CONTEXT] = "container of any kind (or else of the pod)",
};

/* What people call the members of a request. */
static const struct {
    const char *text, *words;
} request_words[] = {
    {"$request.operation", "what is done"},
    {"$request.resource", "the resource"},
    {"$request.resource.resource", "the resource"},
    {"$request.resource.group", "the resource's group"},
    {"$request.subResource", "the subresource"},
    {"$request.namespace", "the namespace"},
    {"$request.name", "the name that is asked for"},
    {"$request.userInfo.username", "the name of who asks"},
    {"$request.userInfo.groups[*]", "a group of who asks"},
};

static void add_name(struct buf *buf, const char *name)
{
    const bool quoted = strpbrk(name, ".[]@ \"") != NULL;
    buf_add_strings(buf, quoted ? "\"" : "", name, quoted ? "\"" : "", NULL);
}

/* The names of steps[first..last), with dots. */
static void add_names(struct buf *buf, const struct field *field, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        if (i > first)
            buf_add_char(buf, '.');
        add_name(buf, field->steps[i].name);
    }
}

static const char *possessive(enum field_root root)
{
    switch (root) {
    case FIELD_POD:
        return "the pod's ";
    case FIELD_POD_METADATA:
        return "the pod's metadata.";
    case FIELD_OPTIONS:
        return "the request's option ";
    case FIELD_REQUEST:
        return "the request's ";
    case FIELD_ELEMENT:
        return "its ";
    case FIELD_SECURITY_CONTEXT:
        return "securityContext.";
    default:
        return "";
    }
}

/* What the chooser behind steps[first..chooser) takes of it. */
static void add_chosen(struct words *words, const struct field *field, size_t first, size_t chooser)
{
    const struct step *step = &field->steps[chooser];
    struct buf *buf = &words->buf;
    const bool by_name = step->kind == STEP_ELEMENT && strcmp(step->name, "name") == 0;
    if (by_name)
        buf_add_strings(buf, "the entry ", step->value, " of ", NULL);
    else if (step->kind == STEP_ELEMENT)
        buf_add_string(buf, "the entry of ");
    else
        buf_add_strings(buf, words->of_each, " of ", NULL);
    if (first == 0)
        buf_add_string(buf, possessive(field->root));
    if (first == chooser)
        buf_add_string(buf, "them");
    add_names(buf, field, first, chooser);
    if (step->kind == STEP_ELEMENT && !by_name)
        buf_add_strings(buf, " whose ", step->name, " is ", step->value, NULL);
    else if (step->kind == STEP_HAVING)
        buf_add_strings(buf, " that has ", step->name, NULL);
    else if (step->kind == STEP_GLOB)
        buf_add_strings(buf, " whose key fits ", step->name, NULL);
}

/* Steps [0..end), the innermost part first. */
static void add_steps(struct words *words, const struct field *field, size_t end)
{
    size_t first = end;
    while (first > 0 && field->steps[first - 1].kind == STEP_MEMBER)
        first--;
    if (first < end && first == 0)
        buf_add_string(&words->buf, possessive(field->root));
    add_names(&words->buf, field, first, end);
    if (first == 0)
        return;
    if (first < end)
        buf_add_string(&words->buf, " of ");
    size_t chooser = first - 1, start = chooser;
    while (start > 0 && field->steps[start - 1].kind == STEP_MEMBER)
        start--;
    add_chosen(words, field, start, chooser);
    if (start > 0) {
        buf_add_string(&words->buf, " of ");
        add_steps(words, field, start);
    }
}

static void add_view(struct buf *buf, enum field_view view, const char *of_each)
{
    static const char *const views[] = {
        [VIEW_COUNT] = "the number of ",    [VIEW_REGISTRY] = "the registry of ",
        [VIEW_REPOSITORY] = "the path of ", [VIEW_TAG] = "the tag of ",
        [VIEW_DIGEST] = "the digest of ",   [VIEW_NONE] = "",
    };
    if (view == VIEW_KEYS)
        buf_add_strings(buf, of_each, " key of ", NULL);
    else
        buf_add_string(buf, views[view]);
}

const char *prose_field(struct arena *arena, const struct field *field, enum prose_reach reach)
{
    struct words words = {.of_each = reaches[reach]};
    for (size_t i = 0; i < sizeof request_words / sizeof *request_words; i++)
        if (strcmp(field->text, request_words[i].text) == 0)
            return request_words[i].words;
    buf_init(&words.buf, arena, LIMIT_MIB);
    add_view(&words.buf, field->view, words.of_each);
    if (field->root == FIELD_ELEMENT && field->step_count == 0)
        buf_add_string(&words.buf, "the value itself");
    else if (field->root == FIELD_SECURITY_CONTEXT && field->step_count == 0)
        buf_add_string(&words.buf, "securityContext");
    else if (field->root == FIELD_POD && field->step_count == 0)
        buf_add_string(&words.buf, "the pod");
    add_steps(&words, field, field->step_count);
    if (containers[field->root] != NULL) {
        buf_add_strings(&words.buf, field->step_count > 0 || words.buf.length > 0 ? " of " : "",
                        words.of_each, " ", containers[field->root], NULL);
    }
    if (field->root == FIELD_OLD)
        buf_add_strings(&words.buf, field->step_count > 0 ? " of " : "", "the object as it was",
                        NULL);
    return words.buf.data;
}
