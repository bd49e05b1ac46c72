#include "tests/fuzz/tree.h"

#include "tests/fuzz/target.h"

#include "base/buf.h"
#include "base/limits.h"

#include <string.h>

#define NODES_MAX  4096
#define NESTED_MAX 3

static struct arena trees;
static unsigned dice_state;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (dice_state >> 8) % sides;
}

struct forest {
    cJSON *nodes[NODES_MAX], *parents[NODES_MAX];
    size_t count;
};

static void collect(struct forest *forest, cJSON *parent)
{
    for (cJSON *child = parent->child; child != NULL && forest->count < NODES_MAX;
         child = child->next) {
        forest->parents[forest->count] = parent;
        forest->nodes[forest->count++] = child;
        collect(forest, child);
    }
}

static const char *const values[] = {
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "5",
    "2147483647",
    "1e400",
    "0.25",
    "\"\"",
    "\"0\"",
    "\"500m\"",
    "\"1Gi\"",
    "\"1e3\"",
    "\"-5\"",
    "\"25%\"",
    "\"0%\"",
    "\"UPDATE\"",
    "\"CREATE\"",
    "\"DELETE\"",
    "\"scale\"",
    "\"latest\"",
    "{}",
    "[]",
    "[null]",
    "{\"a\":null}",
    "\"Pod\"",
    "\"v1\"",
    "\"HTTP\"",
    "\"${user}\"",
    "\"Always\"",
    "\"Recreate\"",
    "9223372036854775807",
    "\"RollingUpdate\"",
    "\"student-1\"",
    "9007199254740993",
    "\"nginx@sha256:0\"",
    "\"hydrosim-students\"",
    "\"system:masters\"",
    "{\"name\":\"x\"}",
    "-9223372036854775808",
    "\"a b[c]/d~e.f\"",
    "{\"tcpSocket\":{\"port\":80}}",
    "\"registry.hydrosim.edu/a:v1\"",
    "[{\"name\":\"x\"},{\"name\":\"x\"}]",
    "\"\\ud83d\\ude00\\u202e\\u0001\"",
    "\"Deployment\"",
    "\"ReplicaSet\"",
    "\"2026-11-21T12:00:00Z\"",
    "\"Running\"",
    "\"CrashLoopBackOff\"",
    "\"ImagePullBackOff\"",
    "\"True\"",
    "\"False\"",
    "\"NewReplicaSetAvailable\"",
    "\"ProgressDeadlineExceeded\"",
    "\"BOOKMARK\"",
    "\"ERROR\"",
    "\"DELETED\"",
    "\"ADDED\"",
};

static void change_tree(cJSON *root, unsigned nested);

static cJSON *parse(const char *text, size_t length)
{
    struct err err;
    cJSON *root;
    return json_parse(&trees, text, length, &json_limits_review, &root, &err) == 0 ? root : NULL;
}

static const char *print(const cJSON *root)
{
    struct buf text;
    buf_init(&text, &trees, 8 * LIMIT_MIB);
    json_write(&text, root);
    return text.data;
}

/* A string's own text: as a tree if it is one, byte by byte otherwise. */
static void change_string(cJSON *node, unsigned nested)
{
    const char *text = json_string(node);
    const size_t length = strlen(text);
    cJSON *inner =
        nested < NESTED_MAX && (*text == '{' || *text == '[') ? parse(text, length) : NULL;
    if (inner != NULL) {
        change_tree(inner, nested + 1);
        json_assign(&trees, node, json_new_string(&trees, print(inner)));
        return;
    }
    if (LLVMFuzzerMutate == NULL || length > 4096)
        return;
    uint8_t *bytes = arena_alloc(&trees, length + 65);
    memcpy(bytes, text, length);
    bytes[LLVMFuzzerMutate(bytes, length, length + 64)] = '\0';
    json_assign(&trees, node, json_new_string(&trees, (const char *)bytes));
}

static void change_scalar(cJSON *node, unsigned nested)
{
    if (json_is_string(node) && dice(3) == 0) {
        change_string(node, nested);
        return;
    }
    const char *text = values[dice(sizeof values / sizeof *values)];
    cJSON *value = parse(text, strlen(text));
    if (value != NULL)
        json_assign(&trees, node, value);
}

static void add_sibling(cJSON *parent, const cJSON *like)
{
    const char *key = like->string != NULL ? like->string : "x";
    if (json_is_array(parent))
        json_append(parent, json_dup(&trees, like));
    else if (json_is_object(parent) && json_find(parent, key) == NULL)
        json_add(&trees, parent, key, json_dup(&trees, like));
}

static void change_tree(cJSON *root, unsigned nested)
{
    struct forest *forest = arena_alloc(&trees, sizeof *forest);
    collect(forest, root);
    if (forest->count == 0)
        return;
    const size_t at = dice(forest->count), from = dice(forest->count);
    switch (dice(6)) {
    case 0:
        json_unlink(forest->parents[at], forest->nodes[at]);
        break;
    case 1: /* a value to another's place */
        json_assign(&trees, forest->nodes[at], json_dup(&trees, forest->nodes[from]));
        break;
    case 2:
        add_sibling(forest->parents[at], forest->nodes[from]);
        break;
    default:
        change_scalar(forest->nodes[at], nested);
    }
}

/* The piece of the input to change: all of it, or one of its lines. */
static cJSON *choose(const char *text, size_t size, size_t *ret_start, size_t *ret_length)
{
    cJSON *root = parse(text, size);
    *ret_start = 0;
    *ret_length = size;
    if (root != NULL || memchr(text, '\n', size) == NULL)
        return root;
    const char *at = text + dice(size);
    while (at > text && at[-1] != '\n')
        at--;
    *ret_start = (size_t)(at - text);
    *ret_length = strcspn(at, "\n");
    return parse(arena_strndup(&trees, at, *ret_length), *ret_length);
}

static size_t change_bytes(uint8_t *data, size_t size, size_t max_size)
{
    return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, max_size) : size;
}

size_t tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t start, length;
    dice_state = seed;
    if (trees.cap_bytes == 0)
        arena_init(&trees, 256 * LIMIT_MIB);
    arena_reset(&trees, LIMIT_MIB);
    const char *text = arena_strndup(&trees, (const char *)data, size);
    cJSON *root = size > 0 && dice(8) != 0 ? choose(text, size, &start, &length) : NULL;
    if (root == NULL)
        return change_bytes(data, size, max_size);
    for (size_t i = 1 + dice(4); i > 0; i--)
        change_tree(root, 0);
    const char *changed = print(root);
    const size_t changed_length = strlen(changed);
    if (size - length + changed_length > max_size)
        return change_bytes(data, size, max_size);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, not a text */
    memcpy(data + start, changed, changed_length);
    memcpy(data + start + changed_length, text + start + length, size - start - length);
    return size - length + changed_length;
}
