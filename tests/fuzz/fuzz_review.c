/* Hostile AdmissionReviews through admit_answer, judged by the shipped policies.
 *
 * Bytes that are JSON are mostly mutated as trees: what cJSON refuses at once teaches nothing
 * about the engine behind it. */
#include "tests/fuzz/property.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static struct policy_set *set;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    set = property_load("policies");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = malloc(size + 1);
    if (size > 0)
        memcpy(body, data, size);
    body[size] = '\0';
    property_check_review(set, body, size);
    free(body);
    return 0;
}

/* ---- mutation of trees ------------------------------------------------------------------ */

#define NODES_MAX 4096

static struct arena trees;
static cJSON *nodes[NODES_MAX], *parents[NODES_MAX];
static size_t node_count;
static unsigned dice_state;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (dice_state >> 8) % sides;
}

static void collect(cJSON *parent)
{
    for (cJSON *child = parent->child; child != NULL && node_count < NODES_MAX;
         child = child->next) {
        parents[node_count] = parent;
        nodes[node_count++] = child;
        collect(child);
    }
}

static void change_scalar(cJSON *node)
{
    static const char *const values[] = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "1",
                                         "-1",
                                         "5",
                                         "2147483647",
                                         "9007199254740993",
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
                                         "\"a b[c]/d~e.f\"",
                                         "\"nginx@sha256:0\"",
                                         "\"registry.hydrosim.edu/a:v1\"",
                                         "\"${user}\"",
                                         "\"Always\"",
                                         "\"Recreate\"",
                                         "\"RollingUpdate\"",
                                         "\"hydrosim-students\"",
                                         "\"student-1\"",
                                         "{}",
                                         "[]",
                                         "{\"name\":\"x\"}",
                                         "[{\"name\":\"x\"},{\"name\":\"x\"}]",
                                         "[null]",
                                         "{\"a\":null}",
                                         "\"Scale\"",
                                         "\"Pod\"",
                                         "\"v1\"",
                                         "\"system:masters\"",
                                         "\"HTTP\"",
                                         "{\"tcpSocket\":{\"port\":80}}",
                                         "\"\\ud83d\\ude00\\u202e\\u0001\""};
    struct err err;
    cJSON *value;
    const char *text = values[dice(sizeof values / sizeof *values)];
    if (json_parse(&trees, text, strlen(text), &json_limits_review, &value, &err) == 0)
        json_assign(&trees, node, value);
}

static void change_tree(cJSON *root)
{
    node_count = 0;
    collect(root);
    if (node_count == 0)
        return;
    const size_t at = dice(node_count), from = dice(node_count);
    switch (dice(6)) {
    case 0:
        json_unlink(parents[at], nodes[at]);
        break;
    case 1: /* a value to another's place */
        json_assign(&trees, nodes[at], nodes[from]);
        break;
    case 2: /* a sibling more */
        if (json_is_array(parents[at]) || json_is_object(parents[at])) {
            cJSON *copy = json_dup(&trees, nodes[from]);
            const char *key = nodes[from]->string != NULL ? nodes[from]->string : "x";
            if (json_is_object(parents[at]) && json_find(parents[at], key) == NULL)
                json_add(&trees, parents[at], key, copy);
            else if (json_is_array(parents[at]))
                json_append(parents[at], copy);
        }
        break;
    default:
        change_scalar(nodes[at]);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct err err;
    cJSON *root;
    struct buf text;
    dice_state = seed;
    if (trees.cap_bytes == 0)
        arena_init(&trees, 256 * LIMIT_MIB);
    arena_reset(&trees, LIMIT_MIB);
    const char *body = arena_strndup(&trees, (const char *)data, size);
    if (dice(8) == 0 || json_parse(&trees, body, size, &json_limits_review, &root, &err) != 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice(4); i > 0; i--)
        change_tree(root);
    buf_init(&text, &trees, 8 * LIMIT_MIB);
    json_write(&text, root);
    if (text.length > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, text.data, text.length);
    return text.length;
}
