/* Edits: the patch is small, and applied to the object as it was it gives the object as the
 * engine made it, to the byte. */
#include "kube/pointer.h"
#include "policy/edit.h"
#include "tests/unit/engine.h"

struct work {
    struct eval eval;
    cJSON *before; /* a copy of the object as it was */
};

static void begin(struct work *work, const char *object)
{
    *work = (struct work){0};
    work->eval.arena = &engine_arena;
    work->eval.object = engine_json(object);
    work->before = engine_json(object);
    work->eval.last_edit = &work->eval.edits;
}

static const struct path_list *bound(const char *text, const struct schema_kind *kind)
{
    struct field *field;
    struct err err;
    if (field_parse(&engine_arena, text, &field, &err) != 0 ||
        field_bind(&engine_arena, field, kind, NULL, &err) != 0)
        TEST_FAIL("%s", err.text);
    return field_paths(field, field_kind_index(kind));
}

struct change {
    struct eval *eval;
    const cJSON *value; /* NULL: remove */
    bool whole;
    int visited;
    int refused;
};

static bool change_target(void *context, struct target *target)
{
    struct change *change = context;
    change->visited++;
    if (change->value != NULL)
        change->refused += edit_set(change->eval, target, change->value, change->whole) ? 0 : 1;
    else if (target->value != NULL)
        edit_remove(change->eval, target);
    return true;
}

static struct change edit_kind(struct work *work, const struct schema_kind *kind, const char *field,
                               const char *value, bool whole)
{
    struct change change = {&work->eval, value != NULL ? engine_json(value) : NULL, whole, 0, 0};
    const struct path_list *paths = bound(field, kind);
    for (size_t i = 0; i < paths->count; i++)
        field_walk(&paths->items[i], work->eval.object, change_target, &change);
    return change;
}

static struct change edit(struct work *work, const char *field, const char *value)
{
    return edit_kind(work, NULL, field, value, false);
}

static const char *patch_of(struct work *work)
{
    struct buf patch;
    buf_init(&patch, &engine_arena, LIMIT_BODY_BYTES);
    edit_write_patch(&work->eval, &patch);
    return patch.data;
}

/* The patch must lead from the one tree to the other. */
static void check_applies(struct work *work)
{
    struct err err;
    const char *patch = patch_of(work);
    cJSON *applied = json_dup(&engine_arena, work->before);
    if (patch_apply(&engine_arena, &applied, engine_json(patch), &err) != 0)
        TEST_FAIL("%s\n%s", err.text, patch);
    if (!json_equal(applied, work->eval.object))
        TEST_FAIL("patch %s\ngives %s\nwant  %s", patch, engine_text(applied),
                  engine_text(work->eval.object));
}

static void check_patch(struct work *work, const char *want)
{
    CHECK_STRING(patch_of(work), want);
    check_applies(work);
}

/* ---- small ------------------------------------------------------------------------------ */

TEST(a_new_subtree_is_one_add)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"spec\":{}}");
    edit(&work, "spec.a.b.c", "1");
    edit(&work, "spec.a.b.d", "2");
    edit(&work, "spec.a.b.c", "3");
    check_patch(&work,
                "[{\"op\":\"add\",\"path\":\"/spec/a\",\"value\":{\"b\":{\"c\":3,\"d\":2}}}]");
    CHECK_INT(edit_operation_count(&work.eval), 1);
}

TEST(a_leaf_changed_twice_is_one_replace)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"spec\":{\"replicas\":5}}");
    edit(&work, "spec.replicas", "3");
    edit(&work, "spec.replicas", "1");
    check_patch(&work, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":1}]");
}

TEST(of_a_map_only_what_differs_is_written)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"m\":{\"a\":1,\"b\":{\"c\":2,\"d\":3}}}");
    edit(&work, "m", "{\"a\":1,\"b\":{\"c\":9},\"e/f~g\":4}");
    check_patch(&work, "[{\"op\":\"replace\",\"path\":\"/m/b/c\",\"value\":9},"
                       "{\"op\":\"add\",\"path\":\"/m/e~1f~0g\",\"value\":4}]");
}

TEST(a_whole_value_is_one_replace)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"m\":{\"a\":1,\"b\":2}}");
    edit_kind(&work, NULL, "m", "{\"a\":1}", true);
    check_patch(&work, "[{\"op\":\"replace\",\"path\":\"/m\",\"value\":{\"a\":1}}]");
}

TEST(null_is_absent_and_is_replaced_by_adding)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"spec\":{\"a\":null,\"b\":null}}");
    edit(&work, "spec.a", "1");
    edit(&work, "spec.b.c", "2");
    edit(&work, "spec.b", NULL);
    check_applies(&work);
    CHECK_STRING(engine_text(work.eval.object), "{\"spec\":{\"a\":1}}");
}

TEST(places_after_removals_are_those_that_are_left)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"l\":[{\"n\":\"a\"},{\"n\":\"b\"},{\"n\":\"a\"},{\"n\":\"c\"},{\"n\":\"a\"}]}");
    edit(&work, "l[n=a]", NULL);
    edit(&work, "l[n=c].v", "1");
    check_patch(&work,
                "[{\"op\":\"remove\",\"path\":\"/l/0\"},{\"op\":\"remove\",\"path\":\"/l/1\"},"
                "{\"op\":\"remove\",\"path\":\"/l/2\"},"
                "{\"op\":\"add\",\"path\":\"/l/1/v\",\"value\":1}]");
}

TEST(all_elements_may_go)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"l\":[1,2,3],\"m\":{\"a\":1,\"b\":2}}");
    edit(&work, "l[*]", NULL);
    edit(&work, "m[*]", NULL);
    check_applies(&work);
    CHECK_STRING(engine_text(work.eval.object), "{\"l\":[],\"m\":{}}");
}

TEST(an_element_is_made_with_its_key_first)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"l\":[{\"n\":\"a\"}]}");
    edit(&work, "l[n=b].v", "1");
    edit(&work, "l[n=b].w", "2");
    edit(&work, "k[n=c]", "{\"v\":1}");
    check_patch(&work,
                "[{\"op\":\"add\",\"path\":\"/l/-\",\"value\":{\"n\":\"b\",\"v\":1,\"w\":2}},"
                "{\"op\":\"add\",\"path\":\"/k\",\"value\":[{\"n\":\"c\",\"v\":1}]}]");
}

TEST(every_element_with_the_key_is_changed)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"l\":[{\"n\":\"a\",\"v\":1},{\"n\":\"b\"},{\"n\":\"a\"}]}");
    CHECK_INT(edit(&work, "l[n=a].v", "5").visited, 2);
    check_applies(&work);
    CHECK_STRING(engine_text(work.eval.object),
                 "{\"l\":[{\"n\":\"a\",\"v\":5},{\"n\":\"b\"},{\"n\":\"a\",\"v\":5}]}");
}

/* ---- refused ---------------------------------------------------------------------------- */

TEST(nothing_is_put_below_a_scalar)
{
    struct work work;
    engine_begin();
    begin(&work, "{\"a\":1,\"b\":[]}");
    CHECK_INT(edit(&work, "a.x", "1").refused, 1);
    CHECK_INT(edit(&work, "b.x", "1").refused, 1);
    CHECK_INT(edit(&work, "a[n=x].y", "1").refused, 1);
    check_patch(&work, "[]");
}

TEST(a_union_keeps_one_member)
{
    const struct schema_kind *kind = schema_kind_find("apps", "v1", "Deployment");
    struct work work;
    engine_begin();
    begin(&work, ENGINE_DEPLOYMENT(
                     "1", "{\"name\":\"app\",\"readinessProbe\":{\"httpGet\":{\"port\":80}}}"));
    CHECK_INT(
        edit_kind(&work, kind, "$containers.readinessProbe.tcpSocket.port", "80", false).refused,
        1);
    CHECK_INT(edit_kind(&work, kind, "$containers.readinessProbe",
                        "{\"periodSeconds\":5,\"tcpSocket\":{\"port\":80}}", false)
                  .refused,
              1);
    check_patch(&work, "[]");
    CHECK_INT(edit_kind(&work, kind, "$containers.readinessProbe",
                        "{\"periodSeconds\":5,\"httpGet\":{\"path\":\"/\"}}", false)
                  .refused,
              0);
    check_applies(&work);
    CHECK_INT(
        edit_kind(&work, kind, "$containers.readinessProbe", "{\"tcpSocket\":{\"port\":80}}", true)
            .refused,
        0);
    check_applies(&work);
}

TEST(texts_and_numbers_follow_the_schema)
{
    const struct schema_kind *kind = schema_kind_find("apps", "v1", "Deployment");
    struct work work;
    engine_begin();
    begin(&work, ENGINE_DEPLOYMENT("1", ENGINE_CONTAINER));
    edit_kind(&work, kind, "spec.replicas", "\"3\"", false);
    edit_kind(&work, kind, "metadata.labels.port", "8000", false);
    edit_kind(&work, kind, "$containers.env[name=A].value", "8000", false);
    check_applies(&work);
    struct err err;
    CHECK(schema_check(kind, work.eval.object, &err) == 0);
    CHECK(strstr(engine_text(work.eval.object), "\"replicas\":3") != NULL);
}

/* ---- any edits at all ------------------------------------------------------------------- */

static unsigned random_state;

static unsigned pick(unsigned count)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 10) % count;
}

static void write_random(struct buf *buf, unsigned depth)
{
    static const char *const scalars[] = {"1", "\"x\"", "true", "null", "{}", "[]", "0", "\"\""};
    static const char *const names[] = {"a", "b", "c/d", "n"};
    const unsigned kind = depth == 0 ? 0 : pick(4);
    if (kind == 0) {
        buf_add_string(buf, scalars[pick(8)]);
        return;
    }
    buf_add_char(buf, kind < 3 ? '{' : '[');
    const unsigned count = pick(4);
    for (unsigned i = 0; i < count; i++) {
        if (kind < 3)
            buf_printf(buf, "%s\"%s\":", i > 0 ? "," : "", names[i]);
        else if (i > 0)
            buf_add_char(buf, ',');
        if (kind < 3 && strcmp(names[i], "n") == 0)
            buf_printf(buf, "\"%c\"", 'x' + (char)pick(2));
        else
            write_random(buf, depth - 1);
    }
    if (kind == 3 && pick(2) == 0)
        buf_printf(buf, "%s{\"n\":\"x\",\"a\":%u}", count > 0 ? "," : "", pick(3));
    buf_add_char(buf, kind < 3 ? '}' : ']');
}

static const char *random_field(void)
{
    static const char *const steps[] = {"a",      "b",      "\"c/d\"",      "a[*]", "b[*]",
                                        "a[n=x]", "b[n=y]", "\"c/d\"[n=x]", "b[n]", "a[\"*\"]"};
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    const unsigned count = 1 + pick(3);
    for (unsigned i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "." : "", steps[pick(10)]);
    return text.data;
}

TEST(any_edits_make_a_patch_that_gives_the_same_tree)
{
    size_t operations = 0;
    for (unsigned seed = 1; seed <= 20000; seed++) {
        struct work work;
        struct buf text;
        random_state = seed;
        engine_begin();
        buf_init(&text, &engine_arena, LIMIT_MIB);
        buf_add_string(&text, "{\"a\":");
        write_random(&text, 4);
        buf_add_string(&text, ",\"b\":");
        write_random(&text, 4);
        buf_add_char(&text, '}');
        begin(&work, text.data);
        const unsigned edits = 1 + pick(8);
        for (unsigned i = 0; i < edits; i++) {
            struct buf value;
            buf_init(&value, &engine_arena, LIMIT_MIB);
            write_random(&value, 2);
            const bool is_null = strcmp(value.data, "null") == 0;
            const bool removes = pick(3) == 0 || is_null;
            edit_kind(&work, NULL, random_field(), removes ? NULL : value.data, pick(3) == 0);
        }
        check_applies(&work);
        operations += edit_operation_count(&work.eval);
    }
    CHECK(operations > 20000);
}

TEST_MAIN
