#include "policy/expr.h"

#include "base/buf.h"
#include "kube/names.h"
#include "policy/eval.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX_BYTES 65536UL

/* ---- parsing ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum variable_kind kind;
} plain_names[] = {
    {"name", VARIABLE_NAME},           {"namespace", VARIABLE_NAMESPACE}, {"user", VARIABLE_USER},
    {"container", VARIABLE_CONTAINER}, {"port", VARIABLE_PORT},
};
#define PLAIN_COUNT (sizeof plain_names / sizeof *plain_names)

struct parser {
    struct arena *arena;
    const char *const *declared;
    struct expr *expr;
    struct err *err;
};

static int unknown_variable(const struct parser *parser, const char *text)
{
    size_t count = 0;
    while (parser->declared != NULL && parser->declared[count] != NULL)
        count++;
    const char **names = arena_array(parser->arena, PLAIN_COUNT + count + 1, sizeof *names);
    for (size_t i = 0; i < PLAIN_COUNT; i++)
        names[i] = plain_names[i].name;
    for (size_t i = 0; i < count; i++)
        names[PLAIN_COUNT + i] = parser->declared[i];
    const char *near = name_nearest(text, names);
    return err_set(parser->err, ERR_POLICY, "no variable ${%s}%s%s%s", text,
                   near != NULL ? "; did you mean ${" : "", near != NULL ? near : "",
                   near != NULL ? "}?" : "");
}

static bool find_declared(const struct parser *parser, struct variable *variable)
{
    for (size_t i = 0; parser->declared != NULL && parser->declared[i] != NULL; i++)
        if (strcmp(parser->declared[i], variable->text) == 0) {
            variable->kind = VARIABLE_DECLARED;
            variable->declared = i;
            return true;
        }
    return false;
}

static int resolve_variable(const struct parser *parser, struct variable *variable)
{
    const char *text = variable->text;
    for (size_t i = 0; i < PLAIN_COUNT; i++)
        if (strcmp(text, plain_names[i].name) == 0) {
            variable->kind = plain_names[i].kind;
            return 0;
        }
    const char *colon = strchr(text, ':');
    if (colon != NULL && strncmp(text, "label:", 6) == 0) {
        variable->kind = VARIABLE_LABEL;
        variable->key = colon + 1;
        return 0;
    }
    if (colon != NULL && strncmp(text, "annotation:", 11) == 0) {
        variable->kind = VARIABLE_ANNOTATION;
        variable->key = colon + 1;
        return 0;
    }
    if (find_declared(parser, variable))
        return 0;
    if (strpbrk(text, ".[$") == NULL)
        return unknown_variable(parser, text);
    variable->kind = VARIABLE_FIELD;
    return field_parse(parser->arena, text, &variable->field, parser->err);
}

static bool is_whole_number(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < 10 && strspn(text, "0123456789") == length &&
           (text[0] != '0' || length == 1);
}

static int parse_variable(struct parser *parser, const char *start, size_t length,
                          struct variable **ret_variable)
{
    struct variable *variable = arena_alloc(parser->arena, sizeof *variable);
    char *text = arena_strndup(parser->arena, start, length);
    char *fallback = strstr(text, ":-");
    if (fallback != NULL) {
        *fallback = '\0';
        variable->fallback = fallback + 2;
        variable->fallback_is_number = is_whole_number(variable->fallback);
    }
    variable->text = text;
    int rc = resolve_variable(parser, variable);
    if (rc != 0)
        return rc;
    struct expr *expr = parser->expr;
    struct variable **all = arena_array(parser->arena, expr->variable_count + 1, sizeof *all);
    if (expr->variable_count > 0)
        memcpy(all, expr->variables, expr->variable_count * sizeof *all);
    all[expr->variable_count++] = variable;
    expr->variables = all;
    *ret_variable = variable;
    return 0;
}

static void add_part(struct parser *parser, struct template *template, struct template_part part)
{
    struct template_part *parts = arena_array(parser->arena, template->count + 1, sizeof *parts);
    if (template->count > 0)
        memcpy(parts, template->parts, template->count * sizeof *parts);
    parts[template->count++] = part;
    template->parts = parts;
}

static int parse_template(struct parser *parser, const char *text, struct template *template)
{
    struct buf literal;
    buf_init(&literal, parser->arena, TEXT_MAX_BYTES);
    while (*text != '\0') {
        if (strncmp(text, "$${", 3) == 0) {
            buf_add_string(&literal, "${");
            text += 3;
            continue;
        }
        if (strncmp(text, "${", 2) != 0) {
            buf_add_char(&literal, *text++);
            continue;
        }
        const char *end = strchr(text, '}');
        if (end == NULL)
            return err_set(parser->err, ERR_POLICY, "\"%.60s\": the variable's } is missing", text);
        if (literal.length > 0) {
            struct template_part part = {arena_strdup(parser->arena, literal.data), NULL};
            add_part(parser, template, part);
            buf_clear(&literal);
        }
        struct template_part part = {0};
        int rc = parse_variable(parser, text + 2, (size_t)(end - text) - 2, &part.variable);
        if (rc != 0)
            return rc;
        add_part(parser, template, part);
        text = end + 1;
    }
    if (literal.length > 0 || template->count == 0) {
        struct template_part part = {arena_strdup(parser->arena, literal.data), NULL};
        add_part(parser, template, part);
    }
    return 0;
}

static int parse_strings(struct parser *parser, cJSON *node)
{
    struct expr *expr = parser->expr;
    if (json_is_string(node)) {
        node->valueint = 0;
        if (strstr(node->valuestring, "${") == NULL)
            return 0;
        struct template template = {0};
        int rc = parse_template(parser, node->valuestring, &template);
        if (rc != 0)
            return rc;
        struct template *all = arena_array(parser->arena, expr->template_count + 1, sizeof *all);
        if (expr->template_count > 0)
            memcpy(all, expr->templates, expr->template_count * sizeof *all);
        all[expr->template_count++] = template;
        expr->templates = all;
        node->valueint = (int)expr->template_count;
        expr->is_constant = false;
        return 0;
    }
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        int rc = parse_strings(parser, child);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int expr_parse(struct arena *arena, cJSON *value, const char *const *declared,
               struct expr *ret_expr, struct err *reterr)
{
    struct expr expr = {.value = value, .is_constant = true};
    struct parser parser = {.arena = arena, .declared = declared, .expr = &expr, .err = reterr};
    int rc = parse_strings(&parser, value);
    if (rc == 0)
        *ret_expr = expr;
    return rc;
}

int expr_bind(struct arena *arena, struct expr *expr, const struct schema_kind *kind,
              const struct path *rule_path, struct err *reterr)
{
    for (size_t i = 0; i < expr->variable_count; i++) {
        if (expr->variables[i]->kind != VARIABLE_FIELD)
            continue;
        int rc = field_bind(arena, expr->variables[i]->field, kind, rule_path, reterr);
        if (rc != 0)
            return rc;
    }
    return 0;
}

bool expr_reads_request(const struct expr *expr, const bool *declared_reads)
{
    for (size_t i = 0; i < expr->variable_count; i++) {
        const struct variable *variable = expr->variables[i];
        if (variable->kind == VARIABLE_USER ||
            (variable->kind == VARIABLE_FIELD && variable->field->root == FIELD_REQUEST) ||
            (variable->kind == VARIABLE_DECLARED && declared_reads != NULL &&
             declared_reads[variable->declared]))
            return true;
    }
    return false;
}

/* ---- values of variables ---------------------------------------------------------------- */

static const cJSON *string_or_null(struct eval *eval, const char *text)
{
    return text != NULL && *text != '\0' ? json_new_string(eval->arena, text) : NULL;
}

static const cJSON *container_of(const struct target *target)
{
    if (target == NULL || target->path->container == 0 || target->path->container > target->depth)
        return NULL;
    return target->chain[target->path->container];
}

static const cJSON *first_port(const struct target *target)
{
    const cJSON *ports = json_get(container_of(target), "ports");
    return json_is_array(ports) ? json_get(ports->child, "containerPort") : NULL;
}

static const cJSON *metadata_entry(const struct eval *eval, const char *map, const char *key)
{
    const cJSON *object = eval->object != NULL ? eval->object : eval->old_object;
    return json_get(json_path(object, "metadata", map, NULL), key);
}

struct collection {
    struct arena *arena;
    cJSON *list;
};

static bool collect(void *context, struct target *at, cJSON *seen)
{
    struct collection *collection = context;
    (void)at;
    if (seen != NULL) {
        cJSON *entry = arena_alloc(collection->arena, sizeof *entry);
        *entry = *seen;
        entry->string = NULL;
        json_append(collection->list, entry);
    }
    return true;
}

/* Every value that the field reaches, as a list of shallow copies. */
static cJSON *field_values(struct eval *eval, const struct variable *variable,
                           const struct target *target)
{
    struct collection collection = {eval->arena, json_new_array(eval->arena)};
    eval_each_value(eval, variable->field, target, collect, &collection);
    return collection.list;
}

static const cJSON *variable_value(struct eval *eval, const struct variable *variable,
                                   const struct target *target)
{
    const cJSON *list;
    switch (variable->kind) {
    case VARIABLE_NAME:
        return string_or_null(eval, eval->name);
    case VARIABLE_NAMESPACE:
        return string_or_null(eval, eval->name_space);
    case VARIABLE_USER:
        return string_or_null(eval, eval->user);
    case VARIABLE_CONTAINER:
        return json_get(container_of(target), "name");
    case VARIABLE_PORT:
        return first_port(target);
    case VARIABLE_LABEL:
        return metadata_entry(eval, "labels", variable->key);
    case VARIABLE_ANNOTATION:
        return metadata_entry(eval, "annotations", variable->key);
    case VARIABLE_DECLARED:
        return eval->declared_known[variable->declared]
                   ? json_new_string(eval->arena, eval->declared_values[variable->declared])
                   : NULL;
    case VARIABLE_FIELD:
        list = field_values(eval, variable, target);
        return json_count(list) == 1 ? list->child : NULL;
    }
    return NULL;
}

static const cJSON *value_or_fallback(struct eval *eval, const struct variable *variable,
                                      const struct target *target)
{
    const cJSON *value = variable_value(eval, variable, target);
    if (value != NULL || variable->fallback == NULL)
        return value;
    return variable->fallback_is_number ? json_new_number_text(eval->arena, variable->fallback)
                                        : json_new_string(eval->arena, variable->fallback);
}

/* ---- expansion -------------------------------------------------------------------------- */

struct expansion {
    struct eval *eval;
    const struct expr *expr;
    const struct target *target;
    const char *unresolved;
    bool quote; /* for a pattern: the literal text */
};

static bool add_variable_text(struct expansion *expansion, const struct variable *variable,
                              struct buf *text)
{
    char scratch[32];
    const cJSON *value = value_or_fallback(expansion->eval, variable, expansion->target);
    const char *words = NULL;
    if (json_is_string(value))
        words = value->valuestring;
    else if (json_is_number(value))
        words = json_number_text(value, scratch);
    else if (json_is_bool(value))
        words = json_is_true(value) ? "true" : "false";
    if (words == NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no caller hands NULL. */
        expansion->unresolved = variable->text;
        return false;
    }
    if (expansion->quote)
        pattern_quote(words, text);
    else
        buf_add_string(text, words);
    return true;
}

static const char *expand_text(struct expansion *expansion, const struct template *template)
{
    struct buf text;
    buf_init(&text, expansion->eval->arena, LIMIT_BODY_BYTES);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->literal != NULL)
            buf_add_string(&text, part->literal);
        else if (!add_variable_text(expansion, part->variable, &text))
            return NULL;
    }
    return text.data;
}

static const struct template *template_of(const struct expr *expr, const cJSON *node)
{
    return json_is_string(node) && node->valueint > 0 ? &expr->templates[node->valueint - 1] : NULL;
}

/* The variable, if the string is nothing but it. */
static const struct variable *whole_variable(const struct expr *expr, const cJSON *node)
{
    const struct template *template = template_of(expr, node);
    return template != NULL && template->count == 1 ? template->parts[0].variable : NULL;
}

static cJSON *expand(struct expansion *expansion, const cJSON *node)
{
    struct arena *arena = expansion->eval->arena;
    const struct variable *variable = whole_variable(expansion->expr, node);
    if (variable != NULL) {
        const cJSON *value = value_or_fallback(expansion->eval, variable, expansion->target);
        if (value == NULL) {
            expansion->unresolved = variable->text;
            return NULL;
        }
        cJSON *copy = json_dup(arena, value);
        copy->string = NULL;
        return copy;
    }
    const struct template *template = template_of(expansion->expr, node);
    if (template != NULL) {
        const char *text = expand_text(expansion, template);
        return text != NULL ? json_new_string(arena, text) : NULL;
    }
    if (node->child == NULL)
        return json_dup(arena, node);
    cJSON *copy = json_is_object(node) ? json_new_object(arena) : json_new_array(arena);
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        cJSON *expanded = expand(expansion, child);
        if (expanded == NULL)
            return NULL;
        if (child->string != NULL)
            json_add(arena, copy, child->string, expanded);
        else
            json_append(copy, expanded);
    }
    return copy;
}

const cJSON *expr_value(struct eval *eval, const struct expr *expr, const struct target *target,
                        const char **ret_unresolved)
{
    if (expr->is_constant)
        return expr->value;
    struct expansion expansion = {.eval = eval, .expr = expr, .target = target};
    const cJSON *value = expand(&expansion, expr->value);
    if (value == NULL)
        *ret_unresolved = expansion.unresolved;
    return value;
}

static bool add_to_list(struct expansion *expansion, const cJSON *node, cJSON *list)
{
    const struct variable *variable = whole_variable(expansion->expr, node);
    if (variable != NULL && variable->kind == VARIABLE_FIELD && variable->fallback == NULL) {
        cJSON *values = field_values(expansion->eval, variable, expansion->target);
        for (cJSON *value = values->child, *next; value != NULL; value = next) {
            next = value->next;
            json_append(list, value);
        }
        return true;
    }
    cJSON *value = expand(expansion, node);
    if (value != NULL)
        json_append(list, value);
    return value != NULL;
}

const cJSON *expr_list(struct eval *eval, const struct expr *expr, const struct target *target,
                       const char **ret_unresolved)
{
    if (expr->is_constant && json_is_array(expr->value))
        return expr->value;
    struct expansion expansion = {.eval = eval, .expr = expr, .target = target};
    cJSON *list = json_new_array(eval->arena);
    bool known = true;
    if (json_is_array(expr->value)) {
        const cJSON *node = expr->value->child;
        for (; node != NULL && known; node = node->next) {
            cJSON *value = expand(&expansion, node);
            known = value != NULL;
            if (known)
                json_append(list, value);
        }
    } else {
        known = add_to_list(&expansion, expr->value, list);
    }
    if (known)
        return list;
    *ret_unresolved = expansion.unresolved;
    return NULL;
}

const char *expr_pattern(struct eval *eval, const struct expr *expr, const cJSON *node,
                         const struct target *target, const char **ret_unresolved)
{
    const struct template *template = template_of(expr, node);
    if (template == NULL)
        return json_string(node);
    struct expansion expansion = {.eval = eval, .expr = expr, .target = target, .quote = true};
    const char *text = expand_text(&expansion, template);
    if (text == NULL)
        *ret_unresolved = expansion.unresolved;
    return text;
}

/* ---- words for people ------------------------------------------------------------------- */

static void add_capitals(const char *text, struct buf *buf)
{
    for (; *text != '\0'; text++)
        buf_add_char(buf,
                     isalnum((unsigned char)*text) ? (char)toupper((unsigned char)*text) : '-');
}

/* The names of the policy's own variables, ending with NULL. */
static const char **declared_names(const struct eval *eval)
{
    const size_t count = eval->policy != NULL ? eval->policy->variable_count : 0;
    const char **names = arena_array(eval->arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = eval->policy->variables[i].name;
    names[count] = NULL;
    return names;
}

const char *expr_words(struct eval *eval, const char *text, const struct target *target)
{
    if (strstr(text, "${") == NULL)
        return text;
    struct expr expr;
    struct err ignored;
    const char *unresolved = NULL;
    if (expr_parse(eval->arena, json_new_string(eval->arena, text), declared_names(eval), &expr,
                   &ignored) != 0 ||
        expr.template_count == 0)
        return text;
    struct expansion expansion = {.eval = eval, .expr = &expr, .target = target};
    struct buf words;
    buf_init(&words, eval->arena, TEXT_MAX_BYTES);
    for (size_t i = 0; i < expr.templates[0].count; i++) {
        const struct template_part *part = &expr.templates[0].parts[i];
        unresolved = NULL;
        if (part->literal != NULL)
            buf_add_string(&words, part->literal);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a part is one or the other. */
        else if (part->variable->kind == VARIABLE_FIELD ||
                 !add_variable_text(&expansion, part->variable, &words))
            unresolved = part->variable->text;
        if (unresolved != NULL)
            add_capitals(unresolved, &words);
    }
    return words.data;
}

/* ---- a policy's own variables ----------------------------------------------------------- */

void expr_declare(struct eval *eval, const struct policy *policy)
{
    eval->policy = policy;
    if (policy->variable_count == 0)
        return;
    eval->declared_values = arena_array(eval->arena, policy->variable_count, sizeof(char *));
    eval->declared_known = arena_array(eval->arena, policy->variable_count, sizeof(bool));
    for (size_t i = 0; i < policy->variable_count; i++) {
        const struct policy_variable *variable = &policy->variables[i];
        const char *unresolved;
        const char *text = json_string(expr_value(eval, &variable->from, NULL, &unresolved));
        if (text == NULL)
            continue;
        if (variable->pattern != NULL &&
            pattern_match(variable->pattern, eval->arena, text, &text) != PATTERN_YES)
            continue;
        if (*text == '\0')
            continue; /* nothing was found: it would fit everywhere */
        eval->declared_values[i] = text;
        eval->declared_known[i] = true;
    }
}
