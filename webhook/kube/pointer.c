#include "kube/pointer.h"

#include <string.h>

/* ---- pointers --------------------------------------------------------------------------- */

void pointer_add_token(struct buf *buf, const char *token)
{
    buf_add_char(buf, '/');
    for (;;) {
        const size_t plain = strcspn(token, "~/");
        buf_add(buf, token, plain);
        token += plain;
        if (*token == '\0')
            return;
        buf_add_string(buf, *token++ == '~' ? "~0" : "~1");
    }
}

/* Whether every ~ is followed by 0 or 1, and the text is empty or begins with a slash. */
static bool is_pointer(const char *pointer)
{
    if (*pointer != '\0' && *pointer != '/')
        return false;
    for (; *pointer != '\0'; pointer++)
        if (*pointer == '~' && pointer[1] != '0' && pointer[1] != '1')
            return false;
    return true;
}

/* Whether the token pointer[0..length), unescaped, is `key`. */
static bool token_is(const char *token, size_t length, const char *key)
{
    for (size_t i = 0; i < length; i++, key++) {
        char c = token[i];
        if (c == '~')
            c = token[++i] == '0' ? '~' : '/';
        if (*key != c)
            return false;
    }
    return *key == '\0';
}

/* Digits without a leading zero, as RFC 6901 spells an index. */
static bool read_index(const char *token, size_t length, size_t *ret_index)
{
    size_t index = 0;
    if (length == 0 || length > 9 || (length > 1 && *token == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (token[i] < '0' || token[i] > '9')
            return false;
        index = index * 10 + (size_t)(token[i] - '0');
    }
    *ret_index = index;
    return true;
}

static cJSON *element_at(const cJSON *array, size_t index)
{
    cJSON *element = array->child;
    while (element != NULL && index-- > 0)
        element = element->next;
    return element;
}

static cJSON *child_at(const cJSON *parent, const char *token, size_t length)
{
    size_t index;
    if (json_is_array(parent))
        return read_index(token, length, &index) ? element_at(parent, index) : NULL;
    if (!json_is_object(parent))
        return NULL;
    for (cJSON *child = parent->child; child != NULL; child = child->next)
        if (token_is(token, length, child->string))
            return child;
    return NULL;
}

cJSON *pointer_step(const cJSON *parent, const char **pointer)
{
    const char *token = *pointer + 1;
    const size_t length = strcspn(token, "/");
    *pointer = token + length;
    return child_at(parent, token, length);
}

/* The node at pointer[0..end). */
static cJSON *walk(cJSON *root, const char *pointer, const char *end)
{
    cJSON *node = root;
    while (node != NULL && pointer < end)
        node = pointer_step(node, &pointer);
    return node;
}

cJSON *pointer_get(cJSON *root, const char *pointer)
{
    return is_pointer(pointer) ? walk(root, pointer, pointer + strlen(pointer)) : NULL;
}

/* ---- patches ---------------------------------------------------------------------------- */

struct patch {
    struct arena *arena;
    cJSON **root;
    const cJSON *operation;
    size_t index;
    struct err *err;
};

static const char *visible(const struct patch *patch, const char *text)
{
    struct buf shown;
    buf_init(&shown, patch->arena, 1024);
    buf_add_visible(&shown, text, 120);
    return shown.data;
}

static int fail(const struct patch *patch, const char *what, const char *pointer)
{
    return err_set(patch->err, ERR_JSON, "operation %zu: %s%s%s", patch->index, what,
                   pointer != NULL ? " at " : "",
                   pointer == NULL    ? ""
                   : *pointer == '\0' ? "the root"
                                      : visible(patch, pointer));
}

/* The text member "path" or "from", which must be a pointer. */
static int read_pointer(const struct patch *patch, const char *key, const char **ret_pointer)
{
    const cJSON *member = json_find(patch->operation, key);
    if (member == NULL)
        return err_set(patch->err, ERR_JSON, "operation %zu: no \"%s\"", patch->index, key);
    if (!json_is_string(member) || !is_pointer(member->valuestring))
        return err_set(patch->err, ERR_JSON, "operation %zu: \"%s\" is no JSON Pointer",
                       patch->index, key);
    *ret_pointer = member->valuestring;
    return 0;
}

static int read_value(const struct patch *patch, const cJSON **ret_value)
{
    *ret_value = json_find(patch->operation, "value");
    return *ret_value != NULL ? 0 : fail(patch, "no \"value\"", NULL);
}

/* The container that holds, or would hold, what `pointer` (not the root) names. */
static int find_parent(const struct patch *patch, const char *pointer, cJSON **ret_parent,
                       const char **ret_token)
{
    const char *slash = strrchr(pointer, '/');
    cJSON *parent = walk(*patch->root, pointer, slash);
    if (!json_is_object(parent) && !json_is_array(parent))
        return fail(patch, "no object or list above what stands", pointer);
    *ret_parent = parent;
    *ret_token = slash + 1;
    return 0;
}

static void insert_before(cJSON *array, cJSON *place, cJSON *node)
{
    /* cJSON's lists: the first child's prev is the last child. */
    node->next = place;
    node->prev = place->prev;
    if (place == array->child)
        array->child = node;
    else
        place->prev->next = node;
    place->prev = node;
}

static int add_element(const struct patch *patch, cJSON *array, const char *token,
                       const char *pointer, cJSON *node)
{
    size_t index;
    if (strcmp(token, "-") == 0) {
        json_append(array, node);
        return 0;
    }
    if (!read_index(token, strlen(token), &index))
        return fail(patch, "no list index", pointer);
    cJSON *place = element_at(array, index);
    if (place != NULL)
        insert_before(array, place, node);
    else if (index == json_count(array))
        json_append(array, node);
    else
        return fail(patch, "an index past the end", pointer);
    return 0;
}

static char *unescape(struct arena *arena, const char *token)
{
    char *key = arena_strdup(arena, token);
    char *to = key;
    for (; *token != '\0'; token++) {
        if (*token == '~')
            *to++ = *++token == '0' ? '~' : '/';
        else
            *to++ = *token;
    }
    *to = '\0';
    return key;
}

/* `node` is the patch's own: no other tree holds it. */
static int add(const struct patch *patch, const char *pointer, cJSON *node)
{
    cJSON *parent;
    const char *token;
    node->string = NULL;
    if (*pointer == '\0') {
        *patch->root = node;
        return 0;
    }
    int rc = find_parent(patch, pointer, &parent, &token);
    if (rc != 0)
        return rc;
    if (json_is_array(parent))
        return add_element(patch, parent, token, pointer, node);
    cJSON *old = child_at(parent, token, strlen(token));
    if (old != NULL)
        json_assign(patch->arena, old, node);
    else
        json_add(patch->arena, parent, unescape(patch->arena, token), node);
    return 0;
}

/* Takes the node out of the tree.  Without the root there is no document: null remains. */
static int detach(const struct patch *patch, const char *pointer, cJSON **ret_node)
{
    cJSON *parent;
    const char *token;
    cJSON *node = *patch->root;
    if (*pointer == '\0') {
        *patch->root = arena_alloc(patch->arena, sizeof(cJSON));
        (*patch->root)->type = cJSON_NULL;
        *ret_node = node;
        return 0;
    }
    int rc = find_parent(patch, pointer, &parent, &token);
    if (rc != 0)
        return rc;
    node = child_at(parent, token, strlen(token));
    if (node == NULL)
        return fail(patch, "nothing", pointer);
    json_unlink(parent, node);
    *ret_node = node;
    return 0;
}

static int apply_add(const struct patch *patch, const char *path)
{
    const cJSON *value;
    int rc = read_value(patch, &value);
    return rc != 0 ? rc : add(patch, path, json_dup(patch->arena, value));
}

static int apply_remove(const struct patch *patch, const char *path)
{
    cJSON *gone;
    return detach(patch, path, &gone);
}

static int apply_replace(const struct patch *patch, const char *path)
{
    const cJSON *value;
    int rc = read_value(patch, &value);
    if (rc != 0)
        return rc;
    cJSON *node = pointer_get(*patch->root, path);
    if (node == NULL)
        return fail(patch, "nothing to replace", path);
    json_assign(patch->arena, node, value);
    return 0;
}

/* Whether `pointer` is `above`, or lies below it. */
static bool lies_in(const char *pointer, const char *above)
{
    const size_t length = strlen(above);
    return strncmp(pointer, above, length) == 0 &&
           (pointer[length] == '\0' || pointer[length] == '/');
}

static int apply_move(const struct patch *patch, const char *path)
{
    const char *from;
    cJSON *node;
    int rc = read_pointer(patch, "from", &from);
    if (rc != 0)
        return rc;
    if (pointer_get(*patch->root, from) == NULL)
        return fail(patch, "nothing to move", from);
    if (strcmp(from, path) == 0)
        return 0;
    if (lies_in(path, from))
        return fail(patch, "a move into its own child", path);
    rc = detach(patch, from, &node);
    return rc != 0 ? rc : add(patch, path, node);
}

static int apply_copy(const struct patch *patch, const char *path)
{
    const char *from;
    int rc = read_pointer(patch, "from", &from);
    if (rc != 0)
        return rc;
    const cJSON *node = pointer_get(*patch->root, from);
    if (node == NULL)
        return fail(patch, "nothing to copy", from);
    return add(patch, path, json_dup(patch->arena, node));
}

/* RFC 6902 4.6: here null and absent differ, unlike in json_equal. */
static bool same(const cJSON *a, const cJSON *b)
{
    if ((a->type & 0xff) != (b->type & 0xff) || json_count(a) != json_count(b))
        return false;
    if (json_is_object(a)) {
        for (const cJSON *child = a->child; child != NULL; child = child->next) {
            const cJSON *other = json_find(b, child->string);
            if (other == NULL || !same(child, other))
                return false;
        }
        return true;
    }
    if (!json_is_array(a))
        return json_equal(a, b);
    const cJSON *y = b->child;
    for (const cJSON *x = a->child; x != NULL; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return true;
}

static int apply_test(const struct patch *patch, const char *path)
{
    const cJSON *value;
    int rc = read_value(patch, &value);
    if (rc != 0)
        return rc;
    const cJSON *node = pointer_get(*patch->root, path);
    if (node == NULL)
        return fail(patch, "nothing to test", path);
    return same(node, value) ? 0 : fail(patch, "the test found another value", path);
}

static const struct {
    const char *op;
    int (*apply)(const struct patch *patch, const char *path);
} operations[] = {
    {"add", apply_add},   {"remove", apply_remove}, {"replace", apply_replace},
    {"move", apply_move}, {"copy", apply_copy},     {"test", apply_test},
};

static int apply_one(const struct patch *patch)
{
    const char *path;
    if (!json_is_object(patch->operation))
        return fail(patch, "not an object", NULL);
    const char *op = json_string(json_find(patch->operation, "op"));
    if (op == NULL)
        return fail(patch, "no \"op\"", NULL);
    int rc = read_pointer(patch, "path", &path);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(op, operations[i].op) == 0)
            return operations[i].apply(patch, path);
    return err_set(patch->err, ERR_JSON, "operation %zu: unknown \"op\" %s", patch->index,
                   visible(patch, op));
}

int patch_apply(struct arena *arena, cJSON **root, const cJSON *operations_list, struct err *reterr)
{
    struct patch patch = {.arena = arena, .root = root, .err = reterr};
    if (!json_is_array(operations_list))
        return err_set(reterr, ERR_JSON, "a JSON Patch is a list of operations");
    for (const cJSON *operation = operations_list->child; operation != NULL;
         operation = operation->next, patch.index++) {
        patch.operation = operation;
        int rc = apply_one(&patch);
        if (rc != 0)
            return rc;
    }
    return 0;
}
