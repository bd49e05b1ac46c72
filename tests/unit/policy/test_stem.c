/* Stems: which paths share one, and that a walk with what is known reaches what a walk reaches. */
#include "policy/stem.h"
#include "tests/unit/engine.h"

static struct stem_tree tree;

static const struct schema_kind *deployment(void)
{
    return schema_kind_find("apps", "v1", "Deployment");
}

/* The first path of a field, its stem in `tree`. */
static struct path *planted(const char *text, const struct schema_kind *kind)
{
    struct field *field;
    struct err err;
    if (field_parse(&engine_arena, text, &field, &err) != 0 ||
        field_bind(&engine_arena, field, kind, NULL, &err) != 0)
        TEST_FAIL("%s", err.text);
    struct path *path = &field->by_kind[field_kind_index(kind)].items[0];
    stem_plant(&engine_arena, &tree, path);
    return path;
}

static void begin(void)
{
    engine_begin();
    tree = (struct stem_tree){0};
}

TEST(paths_share_their_first_members)
{
    begin();
    const struct stem *image = planted("$containers.image", deployment())->stem;
    const struct stem *ports = planted("$containers.ports[*].hostPort", deployment())->stem;
    const struct stem *network = planted("$pod.hostNetwork", deployment())->stem;
    CHECK(image == ports);
    CHECK_INT(image->depth, 4);
    CHECK_STRING(image->name, "containers");
    CHECK(network != image && network->parent == image->parent);
    CHECK_INT(tree.count, 5);
}

/* A map has as many keys as people think of; the review's values are made for all stems. */
TEST(a_stem_ends_where_the_schema_does)
{
    begin();
    const struct stem *label = planted("metadata.labels.\"a/b\"", deployment())->stem;
    CHECK_STRING(label->name, "labels");
    CHECK(label == planted("metadata.labels.other", deployment())->stem);
    CHECK(planted("spec.anything.goes", NULL)->stem == NULL);
    CHECK(planted("$old.spec.replicas", deployment())->stem == NULL);
    CHECK_INT(tree.count, 2);
}

static bool note(void *context, struct target *target)
{
    struct buf *text = context;
    target_write_pointer(target, target->path->count, text);
    buf_printf(text, " %zu ", target->depth);
    for (size_t i = 0; i <= target->depth; i++)
        buf_printf(text, "%p/%zu ", (void *)target->chain[i], target->index[i]);
    if (target->value != NULL)
        json_write(text, target->value);
    buf_add_char(text, '\n');
    return true;
}

static void check_same(const char *const *fields, const char *object)
{
    begin();
    cJSON *root = engine_json(object);
    struct path *paths[8];
    size_t count = 0;
    for (; fields[count] != NULL; count++)
        paths[count] = planted(fields[count], deployment());
    struct stem_value *values = arena_array(&engine_arena, tree.count, sizeof *values);
    for (size_t i = 0; i < 2 * count; i++) { /* the second time all is known */
        struct buf want, got;
        buf_init(&want, &engine_arena, LIMIT_MIB);
        buf_init(&got, &engine_arena, LIMIT_MIB);
        CHECK(field_walk(paths[i % count], root, note, &want));
        CHECK(field_walk_known(paths[i % count], root, values, note, &got));
        CHECK_STRING(got.data, want.data);
    }
}

TEST(what_is_known_is_what_is_there)
{
    static const char *const fields[] = {"$containers.image",
                                         "$containers.env[name=A].value",
                                         "$pod.volumes[*].hostPath",
                                         "$pod.hostNetwork",
                                         "spec.replicas",
                                         "metadata.annotations.x",
                                         "spec",
                                         NULL};
    check_same(fields, ENGINE_DEPLOYMENT("2", ENGINE_CONTAINER "," ENGINE_CONTAINER));
    check_same(fields, "{\"metadata\":{\"annotations\":{\"x\":\"y\"}},\"spec\":{\"template\":null,"
                       "\"replicas\":null}}");
    check_same(fields, "{\"spec\":{\"template\":{\"spec\":{\"containers\":null,\"volumes\":[],"
                       "\"hostNetwork\":true}}}}");
    check_same(fields, "{}");
}

TEST(no_object_has_no_targets)
{
    begin();
    struct buf got;
    const struct path *path = planted("spec.replicas", deployment());
    struct stem_value values[2] = {{0}};
    buf_init(&got, &engine_arena, LIMIT_MIB);
    CHECK(field_walk_known(path, NULL, values, note, &got));
    CHECK_INT(got.length, 0);
}

TEST_MAIN
