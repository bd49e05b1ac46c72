/* Fields: how they are read, what they become for each kind, what they reach in an object. */
#include "policy/field.h"
#include "tests/unit/engine.h"

static struct field *parsed(const char *text)
{
    struct field *field;
    struct err err;
    if (field_parse(&engine_arena, text, &field, &err) != 0)
        TEST_FAIL("%s", err.text);
    return field;
}

static void check_bad(const char *text, const char *words)
{
    struct field *field = NULL;
    struct err err;
    engine_begin();
    CHECK_INT(field_parse(&engine_arena, text, &field, &err), -(int)ERR_POLICY);
    CHECK(field == NULL);
    if (strstr(err.text, words) == NULL)
        TEST_FAIL("%s: \"%s\" does not say \"%s\"", text, err.text, words);
}

/* ---- reading ---------------------------------------------------------------------------- */

TEST(what_is_wrong_has_its_column)
{
    check_bad("", "empty");
    check_bad("spec.", "character 6: a name is missing");
    check_bad("spec..x", "character 6: a name is missing");
    check_bad("spec.a b", "character 7");
    check_bad("spec.a[", "character 8");
    check_bad("spec.a[*", "character");
    check_bad("spec.a[n=]", "character 10: a name is missing");
    check_bad("spec.a[n=x", "']' is missing");
    check_bad("metadata.labels.\"a/b", "closing quote");
    check_bad("spec.a@size", "a view is one of");
    check_bad("spec.a@count.b", "a view is one of");
    check_bad("$containrs.image", "did you mean $containers?");
    check_bad("$x", "no such alias");
    check_bad("spec.a[*]b", "character 10");
}

TEST(a_field_has_a_limit)
{
    struct buf text;
    struct field *field;
    struct err err;
    engine_begin();
    buf_init(&text, &engine_arena, LIMIT_MIB);
    buf_add_string(&text, "a");
    for (unsigned i = 0; i < LIMIT_FIELD_STEPS; i++)
        buf_add_string(&text, ".a");
    CHECK_INT(field_parse(&engine_arena, text.data, &field, &err), -(int)ERR_POLICY);
}

TEST(steps_are_read)
{
    engine_begin();
    const struct field *field =
        parsed("spec.\"a.b/c\"[*].env[name=\"X Y\"].m[\"g*\"].v[hostPath]@keys");
    CHECK_INT(field->step_count, 9);
    CHECK_STRING(field->steps[1].name, "a.b/c");
    CHECK_INT(field->steps[2].kind, STEP_EACH);
    CHECK_INT(field->steps[4].kind, STEP_ELEMENT);
    CHECK_STRING(field->steps[4].name, "name");
    CHECK_STRING(field->steps[4].value, "X Y");
    CHECK_INT(field->steps[6].kind, STEP_GLOB);
    CHECK_STRING(field->steps[6].name, "g*");
    CHECK_INT(field->steps[8].kind, STEP_HAVING);
    CHECK_INT(field->view, VIEW_KEYS);
    CHECK_INT(parsed(".")->step_count, 0);
    CHECK_INT(parsed(".")->root, FIELD_ELEMENT);
    CHECK_INT(parsed(".a.b")->step_count, 2);
    CHECK_INT(parsed(".@count")->view, VIEW_COUNT);
    CHECK_INT(parsed("$old.spec")->root, FIELD_OLD);
}

/* ---- binding ---------------------------------------------------------------------------- */

/* The paths of a field for a kind, as text: steps joined by '.', paths by ' '. */
static const char *roads(const char *text, const char *group, const char *version,
                         const char *kind_name)
{
    const struct schema_kind *kind =
        kind_name != NULL ? schema_kind_find(group, version, kind_name) : NULL;
    struct field *field = parsed(text);
    struct buf out;
    struct err err;
    buf_init(&out, &engine_arena, LIMIT_MIB);
    if (field_bind(&engine_arena, field, kind, NULL, &err) != 0)
        return arena_strdup(&engine_arena, err.text);
    const struct path_list *paths = field_paths(field, field_kind_index(kind));
    for (size_t i = 0; i < paths->count; i++) {
        for (size_t s = 0; s < paths->items[i].count; s++) {
            const struct step *step = &paths->items[i].steps[s];
            if (step->kind == STEP_MEMBER)
                buf_printf(&out, "%s%s", s > 0 ? "." : i > 0 ? " " : "", step->name);
            else if (step->kind == STEP_EACH)
                buf_add_string(&out, "[*]");
            else if (step->kind == STEP_ELEMENT)
                buf_printf(&out, "[%s=%s]", step->name, step->value);
        }
    }
    return out.data;
}

#define DEPLOYMENT "apps", "v1", "Deployment"

TEST(aliases_mean_what_the_kind_has)
{
    engine_begin();
    CHECK_STRING(roads("$pod.hostNetwork", DEPLOYMENT), "spec.template.spec.hostNetwork");
    CHECK_STRING(roads("$pod.hostNetwork", "", "v1", "Pod"), "spec.hostNetwork");
    CHECK_STRING(roads("$pod.hostNetwork", "batch", "v1", "CronJob"),
                 "spec.jobTemplate.spec.template.spec.hostNetwork");
    CHECK_STRING(roads("$podMetadata.labels", DEPLOYMENT), "spec.template.metadata.labels");
    CHECK_STRING(roads("$podMetadata.labels", "", "v1", "Pod"), "metadata.labels");
    CHECK_STRING(roads("$pod.hostNetwork", "autoscaling", "v1", "Scale"), "");
    CHECK_STRING(roads("$containers.image", "", "v1", "ConfigMap"), "");
    CHECK_STRING(roads("$pod.hostNetwork", NULL, NULL, NULL), "");
}

TEST(containers_are_where_the_field_is_allowed)
{
    engine_begin();
    CHECK_STRING(roads("$containers.image", "", "v1", "Pod"),
                 "spec.containers[*].image spec.initContainers[*].image");
    CHECK_STRING(roads("$appContainers.image", "", "v1", "Pod"),
                 "spec.containers[*].image spec.initContainers[restartPolicy=Always].image");
    CHECK_STRING(roads("$anyContainers.image", "", "v1", "Pod"),
                 "spec.containers[*].image spec.initContainers[*].image "
                 "spec.ephemeralContainers[*].image");
    CHECK_STRING(roads("$anyContainers.resources", "", "v1", "Pod"),
                 "spec.containers[*].resources spec.initContainers[*].resources");
    CHECK_STRING(roads("$containers.readinessProbe", "", "v1", "Pod"),
                 "spec.containers[*].readinessProbe "
                 "spec.initContainers[restartPolicy=Always].readinessProbe");
    CHECK_STRING(roads("$anyContainers.lifecycle", "", "v1", "Pod"),
                 "spec.containers[*].lifecycle "
                 "spec.initContainers[restartPolicy=Always].lifecycle");
    CHECK_STRING(roads("$securityContext.privileged", "", "v1", "Pod"),
                 "spec.containers[*].securityContext.privileged "
                 "spec.initContainers[*].securityContext.privileged "
                 "spec.ephemeralContainers[*].securityContext.privileged");
}

TEST(a_misspelt_field_is_an_error)
{
    engine_begin();
    CHECK(strstr(roads("spec.replica", DEPLOYMENT), "did you mean \"replicas\"?") != NULL);
    CHECK(strstr(roads("$containers.imagee", DEPLOYMENT), "did you mean \"image\"?") != NULL);
    CHECK(strstr(roads("$containers.env[nme=X].value", DEPLOYMENT), "did you mean \"name\"?") !=
          NULL);
    CHECK(strstr(roads("spec.template.spec.containers.image", DEPLOYMENT), "write [*]") != NULL);
    CHECK(strstr(roads("spec.replicas[*]", DEPLOYMENT), "whole number") != NULL);
    CHECK(strstr(roads("spec.replicas.x", DEPLOYMENT), "whole number") != NULL);
    CHECK(strstr(roads("$request.user", DEPLOYMENT), "a request has no \"user\"") != NULL);
    CHECK_STRING(roads("spec.anything[*].goes", NULL, NULL, NULL), "spec.anything[*].goes");
}

TEST(paths_know_their_units)
{
    const struct schema_kind *kind = schema_kind_find(DEPLOYMENT);
    struct err err;
    engine_begin();
    struct field *field = parsed("$containers.env[name=A].value");
    CHECK(field_bind(&engine_arena, field, kind, NULL, &err) == 0);
    const struct path *path = &field_paths(field, field_kind_index(kind))->items[0];
    CHECK_INT(path->base, 5);
    CHECK_INT(path->literal, 4);
    CHECK_INT(path->container, 5);
    CHECK(path->in_template);
    struct field *replicas = parsed("spec.replicas");
    CHECK(field_bind(&engine_arena, replicas, kind, NULL, &err) == 0);
    path = &field_paths(replicas, field_kind_index(kind))->items[0];
    CHECK_INT(path->base, 0);
    CHECK_INT(path->literal, 2);
    CHECK(!path->in_template);
}

/* .x of a rule without elements is a field of the object, and the ratchet sees it as one. */
TEST(relative_fields_start_at_the_element_or_at_the_root)
{
    const struct schema_kind *kind = schema_kind_find(DEPLOYMENT);
    struct err err;
    engine_begin();
    struct field *rule = parsed("spec.replicas"), *relative = parsed(".metadata.name");
    CHECK(field_bind(&engine_arena, rule, kind, NULL, &err) == 0);
    const struct path *own = &field_paths(rule, field_kind_index(kind))->items[0];
    CHECK(field_bind(&engine_arena, relative, kind, own, &err) == 0);
    CHECK_INT(field_paths(relative, field_kind_index(kind))->items[0].root, FIELD_OBJECT);
    rule = parsed("$containers.image");
    relative = parsed(".imagePullPolicy");
    CHECK(field_bind(&engine_arena, rule, kind, NULL, &err) == 0);
    own = &field_paths(rule, field_kind_index(kind))->items[0];
    CHECK(field_bind(&engine_arena, relative, kind, own, &err) == 0);
    CHECK_INT(field_paths(relative, field_kind_index(kind))->items[0].root, FIELD_ELEMENT);
    relative = parsed(".metadata");
    CHECK(field_bind(&engine_arena, relative, kind, own, &err) != 0);
}

/* ---- walking ---------------------------------------------------------------------------- */

struct seen {
    struct buf text; /* field=value, one after the other */
    struct buf pointers;
};

static bool note(void *context, struct target *target)
{
    struct seen *seen = context;
    if (seen->text.length > 0) {
        buf_add_char(&seen->text, ' ');
        buf_add_char(&seen->pointers, ' ');
    }
    struct buf name;
    buf_init(&name, &engine_arena, LIMIT_MIB);
    target_write(target, &name);
    buf_add_string(&seen->text, name.data);
    buf_add_char(&seen->text, '=');
    if (target->value != NULL)
        json_write(&seen->text, target->value);
    target_write_pointer(target, target->path->count, &seen->pointers);
    return true;
}

static struct seen reached(const char *text, const char *object)
{
    struct field *field = parsed(text);
    struct seen seen;
    struct err err;
    buf_init(&seen.text, &engine_arena, LIMIT_MIB);
    buf_init(&seen.pointers, &engine_arena, LIMIT_MIB);
    CHECK(field_bind(&engine_arena, field, NULL, NULL, &err) == 0);
    field_walk(&field_paths(field, 0)->items[0], engine_json(object), note, &seen);
    return seen;
}

static void check_reached(const char *text, const char *object, const char *want,
                          const char *pointers)
{
    engine_begin();
    const struct seen seen = reached(text, object);
    CHECK_STRING(seen.text.data, want);
    CHECK_STRING(seen.pointers.data, pointers);
}

TEST(each_value_is_reached_with_its_name_and_pointer)
{
    check_reached("a.b", "{\"a\":{\"b\":1}}", "a.b=1", "/a/b");
    check_reached("a[*].b", "{\"a\":[{\"b\":1},{\"b\":2}]}", "a[0].b=1 a[1].b=2", "/a/0/b /a/1/b");
    check_reached("a[*]", "{\"a\":{\"x/y\":1,\"z\":2}}", "a[x/y]=1 a[z]=2", "/a/x~1y /a/z");
    check_reached("a[\"x*\"]", "{\"a\":{\"x/y\":1,\"z\":2}}", "a[x/y]=1", "/a/x~1y");
    check_reached("a[n=q].v", "{\"a\":[{\"n\":\"p\"},{\"n\":\"q\",\"v\":1},{\"n\":\"q\",\"v\":2}]}",
                  "a[n=q].v=1 a[n=q].v=2", "/a/1/v /a/2/v");
    check_reached("a[n=80].v", "{\"a\":[{\"n\":80,\"v\":1}]}", "a[n=80].v=1", "/a/0/v");
    check_reached("a[h].v", "{\"a\":[{\"h\":{},\"v\":1},{\"v\":2},{\"h\":null,\"v\":3}]}",
                  "a[0].v=1", "/a/0/v");
    check_reached("\"m.n\".\"x y\"", "{\"m.n\":{\"x y\":1}}", "[m.n][x y]=1", "/m.n/x y");
}

TEST(absence_is_asked_below_the_last_that_chooses)
{
    check_reached("a.b.c", "{}", "a.b.c=", "/a/b/c");
    check_reached("a.b.c", "{\"a\":{\"b\":null}}", "a.b.c=", "/a/b/c");
    check_reached("a.b.c", "{\"a\":5}", "a.b.c=", "/a/b/c");
    check_reached("a[*].b", "{}", "", "");
    check_reached("a[*].b", "{\"a\":[]}", "", "");
    check_reached("a[*].b", "{\"a\":[{},null,{\"b\":1}]}", "a[0].b= a[2].b=1", "/a/0/b /a/2/b");
    check_reached("a[*].b[*].c", "{\"a\":[{\"b\":[{}]},{}]}", "a[0].b[0].c=", "/a/0/b/0/c");
    check_reached("a[n=q].v", "{}", "a[n=q].v=", "/a/-/v");
    check_reached("a[n=q].v", "{\"a\":[{\"n\":\"p\"}]}", "a[n=q].v=", "/a/-/v");
    check_reached("a[*].e[n=q].v", "{\"a\":[{},{\"e\":[]}]}",
                  "a[0].e[n=q].v= a[1].e[n=q].v=", "/a/0/e/-/v /a/1/e/-/v");
    check_reached("a[h].v", "{\"a\":[{\"v\":1}]}", "", "");
}

TEST(what_a_user_wrote_shows_no_control_characters)
{
    check_reached("a[*]", "{\"a\":{\"x\\ny\":1}}", "a[x y]=1", "/a/x\ny");
}

TEST_MAIN
