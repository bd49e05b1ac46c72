#include "admit/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- order: the document's -------------------------------------------------------------- */

/* A node of the request's tree has no use for valueint: its place in the document goes there. */
static int number_nodes(cJSON *node, int next)
{
    node->valueint = next++;
    for (cJSON *child = node->child; child != NULL; child = child->next)
        next = number_nodes(child, next);
    return next;
}

static int last_number(const cJSON *node)
{
    while (node->child != NULL)
        node = node->child->prev;
    return node->valueint;
}

/* What is missing stands after all that is there. */
static void find_position(struct violation *violation)
{
    if (violation->anchor == NULL)
        return;
    const int number =
        violation->absent ? last_number(violation->anchor) : violation->anchor->valueint;
    violation->position = (size_t)number * 2 + (violation->absent ? 1 : 0);
}

static bool comes_before(const struct violation *a, const struct violation *b)
{
    return a->position < b->position;
}

/* A stable merge sort of the list. */
static struct violation *merge(struct violation *a, struct violation *b)
{
    struct violation *head = NULL, **tail = &head;
    while (a != NULL && b != NULL) {
        struct violation **take = comes_before(b, a) ? &b : &a;
        *tail = *take;
        tail = &(*take)->next;
        *take = (*take)->next;
    }
    *tail = a != NULL ? a : b;
    return head;
}

static struct violation *sort(struct violation *list)
{
    if (list == NULL || list->next == NULL)
        return list;
    struct violation *middle = list;
    for (const struct violation *end = list->next; end != NULL && end->next != NULL;
         end = end->next->next)
        middle = middle->next;
    struct violation *second = middle->next;
    middle->next = NULL;
    return merge(sort(list), sort(second));
}

void admit_sort_violations(struct job *job)
{
    if (job->violations->next == NULL)
        return;
    cJSON *const trees[] = {job->eval.object, job->eval.old_object, job->eval.request};
    int next = 1;
    /* `request` holds the others: it is numbered first, they keep their own order in it. */
    if (trees[2] != NULL)
        next = number_nodes(trees[2], next);
    for (size_t i = 0; i < 2; i++)
        if (trees[i] != NULL)
            next = number_nodes(trees[i], next);
    for (struct violation *at = job->violations; at != NULL; at = at->next)
        find_position(at);
    job->violations = sort(job->violations);
}

/* ---- fixes ------------------------------------------------------------------------------ */

static bool is_plain_scalar(const char *text)
{
    if (*text == '\0' || strpbrk(text, ":#{}[],&*?|<>=!%@`\"'\\ \n\t") != NULL || *text == '-')
        return false;
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", NULL};
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return !isdigit((unsigned char)*text) && *text != '.' && *text != '+' && *text != '~';
}

/* YAML in flow style: {tcpSocket: {port: 8000}}. */
static void write_flow(const cJSON *node, struct buf *buf)
{
    const bool object = json_is_object(node);
    if (json_is_string(node)) {
        /* Quantities (500m, 512Mi) need no quotes: a letter makes them texts. */
        const char *text = node->valuestring;
        const bool quantity = isdigit((unsigned char)*text) &&
                              strspn(text, "0123456789.") < strlen(text) &&
                              strspn(text, "0123456789.munkMGTPEi") == strlen(text) &&
                              strchr("eE", text[strlen(text) - 1]) == NULL;
        if (is_plain_scalar(text) || quantity)
            buf_add_visible(buf, text, 200);
        else
            buf_add_json_string(buf, text);
        return;
    }
    if (!object && !json_is_array(node)) {
        json_write(buf, node);
        return;
    }
    buf_add_char(buf, object ? '{' : '[');
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (object)
            buf_add_strings(buf, child->string, ": ", NULL);
        write_flow(child, buf);
        if (child->next != NULL)
            buf_add_string(buf, ", ");
    }
    buf_add_char(buf, object ? '}' : ']');
}

/* The last name of a field: "replicas" of spec.replicas; the key of annotations[a/b]. */
static const char *last_name(struct arena *arena, const char *field)
{
    const size_t length = strlen(field);
    const char *dot = strrchr(field, '.');
    if (length > 0 && field[length - 1] == ']') {
        const char *open = strrchr(field, '[');
        return arena_strndup(arena, open + 1, length - (size_t)(open - field) - 2);
    }
    return dot != NULL ? dot + 1 : field;
}

static const char *short_resource(const char *resource)
{
    static const struct {
        const char *plural;
        const char *brief;
    } names[] = {{"deployments", "deploy"},
                 {"statefulsets", "sts"},
                 {"replicasets", "rs"},
                 {"replicationcontrollers", "rc"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(resource, names[i].plural) == 0)
            return names[i].brief;
    return resource;
}

static const char *scale_command(struct job *job, const struct violation *violation)
{
    char scratch[32];
    return arena_printf(job->arena, "kubectl scale %s/%s --replicas=%s",
                        short_resource(job->request->resource), job->eval.name,
                        json_number_text(violation->finding.wanted, scratch));
}

static bool ends_in(const char *text, const char *end)
{
    const size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* kubectl set image: the fix "image: X" becomes the command that was just used.  The manager's
 * name serves the text only, never a judgement. */
static const char *image_command(struct job *job, const struct violation *violation,
                                 const char *fix)
{
    const char *manager = json_get_string(job->request->options, "fieldManager");
    if (manager == NULL || strcmp(manager, "kubectl-set") != 0 || strncmp(fix, "image: ", 7) != 0 ||
        !ends_in(violation->field, ".image") || violation->anchor == NULL)
        return fix;
    const size_t to_name = strlen(violation->pointer) - strlen("/image");
    const char *element = arena_strndup(job->arena, violation->pointer, to_name);
    const char *container = json_get_string(
        admit_corresponding(job->arena, job->eval.object, job->eval.object, element), "name");
    if (container == NULL)
        return fix;
    struct buf text = verb_buf(&job->eval);
    buf_add_strings(&text, "kubectl set image ", short_resource(job->request->resource), "/",
                    job->eval.name, " ", NULL);
    buf_add_visible(&text, container, 63);
    buf_add_strings(&text, "=", fix + 7, NULL);
    return text.data;
}

static const char *generate_fix(struct job *job, const struct violation *violation)
{
    const struct finding *finding = &violation->finding;
    if (violation->rule->field == NULL || finding->undecided)
        return "";
    if (finding->reason == FINDING_FORBIDDEN)
        return "delete the line";
    if (finding->wanted == NULL)
        return ends_in(finding->bound, " or absent") ? "delete the line" : "";
    if (strcmp(job->request->subresource, "scale") == 0 && json_is_number(finding->wanted))
        return scale_command(job, violation);
    struct buf fix = verb_buf(&job->eval);
    const size_t length = strlen(violation->field);
    if (length > 0 && violation->field[length - 1] == ']' && json_is_object(finding->wanted))
        buf_add_string(&fix, "- ");
    else
        buf_add_strings(&fix, last_name(job->arena, violation->field), ": ", NULL);
    write_flow(finding->wanted, &fix);
    return fix.data;
}

static const char *fix_of(struct job *job, const struct violation *violation)
{
    const char *fix = violation->fix;
    if (*fix == '\0')
        fix = generate_fix(job, violation);
    return image_command(job, violation, fix);
}

/* ---- bullets: one a field --------------------------------------------------------------- */

struct bullet {
    const struct violation *first;
    struct buf bound; /* of all that meet at the field */
    struct buf why;
    struct buf fix;
    struct buf ids;
    const struct rule *last_rule;
    struct bullet *next;
};

static void add_once(struct buf *buf, const char *separator, const char *text)
{
    if (*text == '\0' || strstr(buf->data, text) != NULL)
        return;
    if (buf->length > 0)
        buf_add_string(buf, separator);
    buf_add_string(buf, text);
}

static void add_id(struct bullet *bullet, const struct rule *rule)
{
    const struct rule *last = bullet->last_rule;
    if (last == rule)
        return;
    const bool same_policy = last != NULL && last->policy == rule->policy;
    buf_add_strings(&bullet->ids, last != NULL ? "+" : "", same_policy ? rule->id : rule->full_id,
                    NULL);
    bullet->last_rule = rule;
}

/* A bound is a phrase that others may follow: a full stop at its end is left out. */
static const char *without_stop(struct job *job, const char *bound)
{
    const size_t length = strlen(bound);
    const bool stop = length > 1 && bound[length - 1] == '.' && bound[length - 2] != '.';
    return stop ? arena_strndup(job->arena, bound, length - 1) : bound;
}

static void add_to_bullet(struct job *job, struct bullet *bullet, struct violation *violation)
{
    violation->fix = fix_of(job, violation);
    add_once(&bullet->bound, ", and ", without_stop(job, violation->finding.bound));
    add_once(&bullet->why, " ", violation->why);
    add_once(&bullet->fix, "; ", violation->fix);
    add_id(bullet, violation->rule);
}

static struct bullet *new_bullet(struct job *job, const struct violation *violation)
{
    struct bullet *bullet = arena_alloc(job->arena, sizeof *bullet);
    bullet->first = violation;
    bullet->bound = verb_buf(&job->eval);
    bullet->why = verb_buf(&job->eval);
    bullet->fix = verb_buf(&job->eval);
    bullet->ids = verb_buf(&job->eval);
    return bullet;
}

/* The bullet of the violation's field, if it has one.  One field has one position, which few
 * others share (what is missing below one node), so only the last bullets need a look. */
static struct bullet *find_bullet(struct bullet *from, const struct violation *violation)
{
    while (from != NULL && strcmp(from->first->field, violation->field) != 0)
        from = from->next;
    return from;
}

static struct bullet *make_bullets(struct job *job, size_t *ret_count)
{
    struct bullet *head = NULL, *last = NULL, *here = NULL; /* the first of this position */
    *ret_count = 0;
    for (struct violation *at = job->violations; at != NULL; at = at->next) {
        if (at->mode != POLICY_ENFORCE || at->ratcheted ||
            (at->exception != NULL && !at->exception_expired))
            continue;
        /* An element that stands there twice is one field too. */
        if (here != NULL && here->first->position != at->position)
            here = last;
        struct bullet *bullet = find_bullet(here, at);
        if (bullet == NULL) {
            bullet = new_bullet(job, at);
            if (last == NULL)
                head = bullet;
            else
                last->next = bullet;
            last = bullet;
            if (here == NULL || here->first->position != at->position)
                here = bullet;
            ++*ret_count;
        }
        add_to_bullet(job, bullet, at);
    }
    return head;
}

/* ---- texts ------------------------------------------------------------------------------ */

static const struct {
    const char *reason;
    const char *words;
} grammar[] = {
    [FINDING_INVALID] = {"FieldValueInvalid", "Invalid value: "},
    [FINDING_REQUIRED] = {"FieldValueRequired", "Required value"},
    [FINDING_FORBIDDEN] = {"FieldValueForbidden", "Forbidden: "},
};

/* Messages may hold a line break of our own; what the user wrote brings none. */
static const char *bullet_text(struct job *job, const struct bullet *bullet)
{
    const struct finding *finding = &bullet->first->finding;
    struct buf text = verb_buf(&job->eval);
    buf_add_string(&text, grammar[finding->reason].words);
    if (finding->reason == FINDING_INVALID) {
        value_write(finding->found, 200, &text);
        buf_add_string(&text, ": ");
    } else if (finding->reason == FINDING_REQUIRED && bullet->bound.length > 0) {
        buf_add_string(&text, ": ");
    }
    buf_add_visible(&text, bullet->bound.data, 1000);
    buf_add_string(&text, "\n    ");
    buf_add_visible(&text, bullet->why.data, 1000);
    if (bullet->fix.length > 0) {
        buf_add_string(&text, " Fix: ");
        buf_add_visible(&text, bullet->fix.data, 1000);
    }
    buf_add_strings(&text, " (", bullet->ids.data, ")", NULL);
    return text.data;
}

static void add_cause(struct job *job, cJSON *causes, const char *reason, const char *field,
                      const char *message)
{
    cJSON *cause = json_new_object(job->arena);
    json_add(job->arena, cause, "reason", json_new_string(job->arena, reason));
    json_add(job->arena, cause, "message", json_new_string(job->arena, message));
    json_add(job->arena, cause, "field", json_new_string(job->arena, field));
    json_append(causes, cause);
}

/* The workload's kind, also for its Scale: that is what the user knows it by. */
static const char *kind_of(const struct admit_request *request)
{
    bool known;
    const struct schema_kind *kind =
        *request->subresource != '\0'
            ? schema_kind_of_resource(request->resource_group, request->resource, "", &known)
            : NULL;
    return kind != NULL ? kind->kind : request->kind;
}

static void write_details(struct job *job, const char *kind, cJSON *causes)
{
    struct arena *arena = job->arena;
    const char *name = job->eval.name;
    cJSON *details = json_new_object(arena);
    json_add(arena, details, "name", json_new_string(arena, name));
    json_add(arena, details, "group", json_new_string(arena, job->request->resource_group));
    json_add(arena, details, "kind", json_new_string(arena, kind));
    json_add(arena, details, "causes", causes);
    job->verdict->details = details;
}

void admit_write_status(struct job *job)
{
    size_t count, shown = 0;
    const struct bullet *bullets = make_bullets(job, &count);
    const char *kind = kind_of(job->request);
    cJSON *causes = json_new_array(job->arena);
    struct buf message = verb_buf(&job->eval);
    buf_add_visible(&message, kind, 100);
    if (*job->eval.name != '\0')
        buf_add_char(&message, ' ');
    buf_add_visible(&message, job->eval.name, 253);
    buf_add_string(&message, ": ");
    if (count > 1)
        buf_printf(&message, "%s%zu fields break the rules:", job->cut ? "at least " : "", count);
    for (const struct bullet *at = bullets; at != NULL; at = at->next) {
        if (shown++ == LIMIT_CAUSES) {
            const char *more = arena_printf(job->arena, "and %s%zu more",
                                            job->cut ? "at least " : "", count - LIMIT_CAUSES);
            add_cause(job, causes, "FieldValueInvalid", "", more);
            buf_add_strings(&message, "\n", more, NULL);
            break;
        }
        const char *text = bullet_text(job, at);
        add_cause(job, causes, grammar[at->first->finding.reason].reason, at->first->field, text);
        buf_add_strings(&message, count > 1 ? "\n* " : "", at->first->field, ": ", text, NULL);
    }
    write_details(job, kind, causes);
    job->verdict->code = 422;
    job->verdict->reason = "Invalid";
    job->verdict->message = message.data;
}
