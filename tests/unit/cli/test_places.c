#include "base/limits.h"
#include "cli/places.h"
#include "tests/unit/test.h"

#include <unistd.h>

static const char *asked;
static char said[64];

static void hear_object(void *context, struct arena *arena, const struct input_item *item)
{
    bool written;
    const struct yaml_mark mark = places_find(item, asked, &written);
    const size_t length = strlen(said);
    (void)context;
    (void)arena;
    snprintf(said + length, sizeof said - length, "%s%u:%u%s", length > 0 ? " " : "", mark.line,
             mark.column, written ? "" : "?");
}

static void hear_problem(void *context, const struct input_problem *problem)
{
    (void)context;
    snprintf(said, sizeof said, "%s", problem->text);
}

/* "LINE:COLUMN" of each object of the text, with a ? where only an ancestor is written. */
static const char *find(const char *text, const char *pointer)
{
    static const struct input_visitor visitor = {NULL, hear_object, hear_problem};
    static bool hooked;
    char path[] = "/tmp/proctor-places-XXXXXX";
    const char *paths[] = {path};
    if (!hooked)
        arena_install_cjson_hooks();
    hooked = true;
    const int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
    asked = pointer;
    said[0] = '\0';
    input_walk(paths, 1, &visitor);
    unlink(path);
    return said;
}

static const char yaml[] = "# a remark\n"
                           "apiVersion: v1\n"
                           "kind: Pod\n"
                           "metadata:\n"
                           "  labels: { \"a/b~c\": x, \xc3\xa4: y, z: \"\" }\n"
                           "spec:\n"
                           "  containers:\n"
                           "  - name: one\n"
                           "    image: a\n"
                           "  -   image: b\n"
                           "      ports: [{ containerPort: 1 }]\n"
                           "  nodeName:\n";

TEST(a_yaml_member_stands_where_its_key_does)
{
    CHECK_STRING(find(yaml, ""), "2:1");
    CHECK_STRING(find(yaml, "/kind"), "3:1");
    CHECK_STRING(find(yaml, "/metadata/labels/a~1b~0c"), "5:13");
    CHECK_STRING(find(yaml, "/metadata/labels/z"), "5:31");
    CHECK_STRING(find(yaml, "/spec/containers/0/image"), "9:5");
    CHECK_STRING(find(yaml, "/spec/containers/1"), "10:7");
    CHECK_STRING(find(yaml, "/spec/containers/1/ports/0/containerPort"), "11:17");
    CHECK_STRING(find(yaml, "/spec/nodeName"), "12:3");
}

TEST(what_is_not_written_stands_where_its_nearest_ancestor_does)
{
    CHECK_STRING(find(yaml, "/status/phase"), "2:1?");
    CHECK_STRING(find(yaml, "/spec/containers/0/resources/limits"), "8:5?");
    CHECK_STRING(find(yaml, "/spec/containers/2/image"), "7:3?");
    CHECK_STRING(find(yaml, "/spec/containers/x"), "7:3?");
    CHECK_STRING(find(yaml, "/kind/of"), "3:1?");
}

TEST(an_alias_stands_where_it_is_written_and_what_is_in_it_where_that_is)
{
    static const char text[] = "apiVersion: v1\nkind: Pod\nmetadata:\n  labels: &l\n    a: x\n"
                               "  annotations: *l\nspec:\n  <<: { nodeName: n }\n";
    CHECK_STRING(find(text, "/metadata/annotations"), "6:3");
    CHECK_STRING(find(text, "/metadata/annotations/a"), "5:5");
    CHECK_STRING(find(text, "/spec/nodeName"), "8:9");
}

TEST(each_document_and_each_item_has_its_own_places)
{
    CHECK_STRING(find("apiVersion: v1\nkind: A\n---\n\napiVersion: v1\nkind: B\n", "/kind"),
                 "2:1 6:1");
    CHECK_STRING(find("apiVersion: v1\nkind: List\nitems:\n- kind: A\n  apiVersion: v1\n"
                      "- apiVersion: v1\n  kind: B\n",
                      "/kind"),
                 "4:3 7:3");
    CHECK_STRING(find("\xef\xbb\xbf"
                      "apiVersion: v1\r\nkind: A\r\n",
                      "/kind"),
                 "2:1");
}

static const char json[] =
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n"
    " \"metadata\": {\"x\\\"}\": \"]\\\"}\", \"\xc3\xa4\": 1, \"a/b\": null},\n"
    " \"spec\": {\"containers\": [\n"
    "   {\"image\": \"a\"},\n"
    "   {\"image\" :\n"
    "     \"b\", \"args\": [\"x\", [], {}, -1.5e3, \"y\"]}]}}\n";

TEST(json_is_walked_along_with_its_tree)
{
    CHECK_STRING(find(json, ""), "1:1");
    CHECK_STRING(find(json, "/kind"), "1:22");
    CHECK_STRING(find(json, "/metadata/x\"}"), "2:15");
    CHECK_STRING(find(json, "/metadata/a~1b"), "2:39");
    CHECK_STRING(find(json, "/spec/containers/1"), "5:4");
    CHECK_STRING(find(json, "/spec/containers/1/image"), "5:5");
    CHECK_STRING(find(json, "/spec/containers/1/args/4"), "6:41");
    CHECK_STRING(find(json, "/spec/containers/2/image"), "3:11?");
    CHECK_STRING(find(json, "/spec/containers/0/name"), "4:4?");
}

TEST(so_are_its_lists_and_the_documents_behind_each_other)
{
    CHECK_STRING(find("{\"apiVersion\":\"v1\",\"kind\":\"A\"} {\"apiVersion\":\"v1\",\n"
                      "\"kind\":\"B\"}",
                      "/kind"),
                 "1:20 2:1");
    CHECK_STRING(find("{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [\n"
                      " {\"metadata\": {}}, {\"spec\": {},\n  \"metadata\": {\"name\": \"b\"}}]}",
                      "/metadata/name"),
                 "2:3? 3:16");
}

TEST_MAIN
