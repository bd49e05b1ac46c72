/* What belongs to whom, in whatever order the watches tell of it. */
#include "base/limits.h"
#include "history/cache.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct cache *cache;

static void begin(void)
{
    struct err err;
    arena_install_cjson_hooks();
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    cache_free(cache);
    cache = NULL;
    if (cache_new(&cache, &err) < 0)
        TEST_FAIL("%s", err.text);
}

static cJSON *parse(const char *text)
{
    cJSON *root;
    struct err err;
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

static const cJSON *deployment(const char *name, const char *uid, int generation)
{
    return parse(arena_printf(&arena,
                              "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"generation\":%d,"
                              "\"managedFields\":[{\"manager\":\"kubectl\"}]},\"spec\":"
                              "{\"replicas\":1,\"template\":{\"spec\":{\"containers\":"
                              "[{\"name\":\"a\",\"image\":\"i:%d\"}]}}},\"status\":{}}",
                              name, uid, generation, generation));
}

static const cJSON *owned(const char *uid, const char *owner, const char *spec)
{
    return parse(arena_printf(&arena,
                              "{\"metadata\":{\"name\":\"n-%s\",\"uid\":\"%s\"%s%s%s},"
                              "\"spec\":%s,\"status\":{\"phase\":\"Running\","
                              "\"containerStatuses\":[{\"name\":\"a\",\"restartCount\":2}]}}",
                              uid, uid,
                              owner == NULL ? ""
                                            : ",\"ownerReferences\":[{\"uid\":\"x\"},"
                                              "{\"controller\":true,\"uid\":\"",
                              owner == NULL ? "" : owner, owner == NULL ? "" : "\"}]", spec));
}

static const cJSON *set(const char *uid, const char *owner)
{
    return owned(uid, owner, "{\"template\":{\"spec\":{\"n\":1.5,\"l\":[1,2,null]}}}");
}

static const cJSON *pod(const char *uid, const char *owner)
{
    return owned(uid, owner, "{\"nodeName\":\"k\"}");
}

static const char *take(enum cache_kind kind, enum watch_event event, const cJSON *object)
{
    const char *project = NULL;
    struct err err;
    if (cache_take(cache, kind, event, object, &project, &err) < 0)
        TEST_FAIL("%s", err.text);
    return project;
}

static struct project_view view_of(const char *project)
{
    struct project_view view;
    struct err err;
    if (cache_view(cache, &arena, project, &view, &err) < 0)
        TEST_FAIL("%s", err.text);
    return view;
}

static size_t count_projects(void)
{
    const char *const *names;
    size_t count;
    struct err err;
    if (cache_projects(cache, &arena, &names, &count, &err) < 0)
        TEST_FAIL("%s", err.text);
    return count;
}

TEST(owners_may_come_after_what_they_own)
{
    begin();
    CHECK(take(CACHE_PODS, WATCH_ADDED, pod("p1", "s1")) == NULL);
    CHECK(take(CACHE_SETS, WATCH_ADDED, set("s1", "d1")) == NULL);
    CHECK_INT(count_projects(), 0);
    CHECK_STRING(take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 3)), "web");
    CHECK_STRING(take(CACHE_PODS, WATCH_ADDED, pod("p2", "s1")), "web");
    CHECK_STRING(take(CACHE_SETS, WATCH_MODIFIED, set("s1", "d1")), "web");
    const struct project_view view = view_of("web");
    CHECK(view.deployment != NULL);
    CHECK_INT(view.deployment->generation, 3);
    CHECK_INT(view.set_count, 1);
    CHECK_INT(view.pod_count, 2);
    CHECK_STRING(view.sets[0].owner_uid, "d1");
    CHECK_STRING(view.pods[0].owner_uid, "s1");
    CHECK_INT(view.pods[0].containers[0].restarts, 2);
}

TEST(what_is_kept_is_a_copy)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 7));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d1"));
    arena_done(&arena);
    const struct project_view view = view_of("web");
    const cJSON *containers = json_path(view.deployment->pod_template, "spec", "containers", NULL);
    CHECK_STRING(json_get_string(containers->child, "image"), "i:7");
    CHECK(view.deployment->pod_template ==
          json_path(view.deployment->object, "spec", "template", NULL));
    CHECK_STRING(json_get_string(
                     json_path(view.deployment->object, "metadata", "managedFields", NULL)->child,
                     "manager"),
                 "kubectl");
    const cJSON *list = json_path(view.sets[0].pod_template, "spec", "l", NULL);
    CHECK_INT(json_count(list), 3);
    CHECK(list->child->prev == list->child->next->next);
    struct buf buf;
    buf_init(&buf, &arena, 4096);
    json_write(&buf, view.sets[0].pod_template);
    CHECK_STRING(buf.data, "{\"spec\":{\"n\":1.5,\"l\":[1,2,null]}}");
    CHECK_STRING(view.sets[0].template_sha, view_template_sha(&arena, view.sets[0].pod_template));
}

TEST(what_a_deleted_deployment_leaves_is_still_its_project)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 1));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d1"));
    take(CACHE_PODS, WATCH_ADDED, pod("p1", "s1"));
    CHECK_STRING(take(CACHE_DEPLOYMENTS, WATCH_DELETED, deployment("web", "d1", 1)), "web");
    CHECK(view_of("web").deployment == NULL);
    CHECK_INT(view_of("web").set_count, 1);
    CHECK_STRING(take(CACHE_SETS, WATCH_DELETED, set("s1", "d1")), "web");
    CHECK_INT(view_of("web").set_count, 0);
    CHECK_INT(view_of("web").pod_count, 1);
    CHECK_STRING(take(CACHE_PODS, WATCH_MODIFIED, pod("p1", "s1")), "web");
    CHECK_STRING(take(CACHE_PODS, WATCH_DELETED, pod("p1", "s1")), "web");
    CHECK_INT(count_projects(), 0);
    CHECK_INT(view_of("web").pod_count, 0);
    CHECK(take(CACHE_PODS, WATCH_DELETED, pod("p1", "s1")) == NULL);
}

TEST(a_name_made_again_is_another_object)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 5));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d1"));
    take(CACHE_DEPLOYMENTS, WATCH_DELETED, deployment("web", "d1", 5));
    CHECK_STRING(take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d2", 1)), "web");
    take(CACHE_SETS, WATCH_ADDED, set("s2", "d2"));
    const struct project_view view = view_of("web");
    CHECK_STRING(view.deployment->uid, "d2");
    CHECK_INT(view.set_count, 2);
    CHECK_INT(count_projects(), 1);
    CHECK_STRING(take(CACHE_SETS, WATCH_DELETED, set("s1", "d1")), "web");
    CHECK_INT(view_of("web").set_count, 1);
}

TEST(a_name_that_is_listed_with_another_uid_was_deleted)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL);
    take(CACHE_DEPLOYMENTS, WATCH_LISTED, deployment("web", "d1", 5));
    take(CACHE_DEPLOYMENTS, WATCH_LIST_ENDS, NULL);
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL);
    CHECK_STRING(take(CACHE_DEPLOYMENTS, WATCH_LISTED, deployment("web", "d2", 1)), "web");
    CHECK_STRING(view_of("web").deployment->uid, "d2");
    take(CACHE_DEPLOYMENTS, WATCH_LIST_ENDS, NULL);
    CHECK_STRING(view_of("web").deployment->uid, "d2");
    CHECK_INT(count_projects(), 1);
}

TEST(a_uid_keeps_its_name)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 5));
    const char *project = NULL;
    struct err err;
    CHECK_INT(cache_take(cache, CACHE_DEPLOYMENTS, WATCH_MODIFIED, deployment("shop", "d1", 6),
                         &project, &err),
              -(int)ERR_ANSWER);
    CHECK(project == NULL);
    CHECK_INT(view_of("web").deployment->generation, 5);
    CHECK_INT(count_projects(), 1);
}

TEST(what_a_new_list_lacks_is_gone)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL);
    for (int i = 0; i < 700; i++)
        take(CACHE_DEPLOYMENTS, WATCH_LISTED,
             deployment(arena_printf(&arena, "web-%d", i), arena_printf(&arena, "d-%d", i), 1));
    take(CACHE_DEPLOYMENTS, WATCH_LIST_ENDS, NULL);
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("late", "d-late", 1));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d-5"));
    CHECK_INT(count_projects(), 701);
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL);
    take(CACHE_DEPLOYMENTS, WATCH_LISTED, deployment("web-1", "d-1", 2));
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL); /* began again */
    take(CACHE_DEPLOYMENTS, WATCH_LISTED, deployment("web-7", "d-7", 2));
    CHECK_INT(count_projects(), 701);
    take(CACHE_DEPLOYMENTS, WATCH_LIST_ENDS, NULL);
    CHECK_INT(count_projects(), 2); /* web-7, and web-5's set */
    CHECK(view_of("web-1").deployment == NULL);
    CHECK_INT(view_of("web-7").deployment->generation, 2);
    CHECK_INT(view_of("web-5").set_count, 1);
}

TEST(a_set_may_be_orphaned_and_adopted)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("a", "d1", 1));
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("b", "d2", 1));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d1"));
    take(CACHE_PODS, WATCH_ADDED, pod("p1", "s1"));
    CHECK_STRING(take(CACHE_SETS, WATCH_MODIFIED, set("s1", NULL)), "a");
    CHECK_INT(view_of("a").set_count, 0);
    CHECK(take(CACHE_PODS, WATCH_MODIFIED, pod("p1", "s1")) == NULL);
    CHECK_STRING(take(CACHE_SETS, WATCH_MODIFIED, set("s1", "d2")), "b");
    CHECK_INT(view_of("b").pod_count, 1);
}

/* Owner references are anybody's to write: a pod that names a Deployment is none of its sets'. */
TEST(an_owner_of_the_wrong_kind_owns_nothing)
{
    begin();
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 1));
    CHECK(take(CACHE_PODS, WATCH_ADDED, pod("p1", "d1")) == NULL);
    CHECK(take(CACHE_SETS, WATCH_ADDED, set("s1", "s1")) == NULL);
    CHECK(take(CACHE_PODS, WATCH_ADDED, pod("p2", "p2")) == NULL);
    CHECK_INT(view_of("web").pod_count, 0);
    CHECK_INT(count_projects(), 1);
}

TEST(places_are_found_by_uid)
{
    begin();
    struct cache_place place;
    take(CACHE_PODS, WATCH_ADDED, pod("p1", "s1"));
    CHECK(!cache_find(cache, "p1", &place));
    take(CACHE_SETS, WATCH_ADDED, set("s1", "d1"));
    CHECK(!cache_find(cache, "d1", &place));
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 1));
    CHECK(cache_find(cache, "p1", &place));
    CHECK_STRING(place.project, "web");
    CHECK_STRING(place.set_uid, "s1");
    CHECK(cache_find(cache, "s1", &place));
    CHECK_STRING(place.set_uid, "s1");
    CHECK(cache_find(cache, "d1", &place));
    CHECK(place.set_uid == NULL);
    CHECK(!cache_find(cache, "p2", &place));
}

TEST(an_object_that_cannot_be_read_stays_as_it_was)
{
    begin();
    const char *project;
    struct err err;
    take(CACHE_DEPLOYMENTS, WATCH_ADDED, deployment("web", "d1", 4));
    CHECK_INT(cache_take(cache, CACHE_DEPLOYMENTS, WATCH_MODIFIED,
                         parse("{\"metadata\":{\"name\":\"web\",\"uid\":\"d1\"}}"), &project, &err),
              -ERR_ANSWER);
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_INT(cache_take(cache, CACHE_DEPLOYMENTS, WATCH_ADDED, deployment(name, "d9", 1), &project,
                         &err),
              -ERR_ANSWER);
    take(CACHE_DEPLOYMENTS, WATCH_LIST_BEGINS, NULL);
    const cJSON *unread =
        parse("{\"type\":\"LISTED\",\"message\":\"m\",\"metadata\":{\"uid\":\"d1\"}}");
    CHECK_STRING(take(CACHE_DEPLOYMENTS, WATCH_UNREADABLE, unread), "web");
    take(CACHE_DEPLOYMENTS, WATCH_LIST_ENDS, NULL);
    CHECK_INT(view_of("web").deployment->generation, 4);
    CHECK(take(CACHE_DEPLOYMENTS, WATCH_UNREADABLE, parse("{\"type\":\"MODIFIED\"}")) == NULL);
    take(CACHE_DEPLOYMENTS, WATCH_UNREADABLE,
         parse("{\"type\":\"DELETED\",\"metadata\":{\"uid\":\"d1\"}}"));
    CHECK(view_of("web").deployment == NULL);
}

TEST(all_kinds_are_listed_and_connected)
{
    begin();
    for (int kind = 0; kind < CACHE_KINDS; kind++) {
        CHECK(!cache_listed(cache) && !cache_connected(cache));
        take((enum cache_kind)kind, WATCH_LIST_BEGINS, NULL);
        take((enum cache_kind)kind, WATCH_LIST_ENDS, NULL);
        take((enum cache_kind)kind, WATCH_CONNECTED, NULL);
    }
    CHECK(cache_listed(cache) && cache_connected(cache));
    take(CACHE_PODS, WATCH_LOST, parse("{\"message\":\"m\"}"));
    CHECK(cache_listed(cache) && !cache_connected(cache));
    take(CACHE_PODS, WATCH_BOOKMARK, parse("{\"metadata\":{}}"));
    CHECK(!cache_connected(cache));
}

/* Any order of any events leaves what their sum says, and nothing behind. */
TEST(random_orders_leave_nothing_behind)
{
    begin();
    unsigned state = 12345;
    for (int round = 0; round < 20000; round++) {
        state = state * 1103515245U + 12345U;
        const unsigned roll = state >> 16;
        const int number = (int)(roll % 7), owner = (int)(roll / 7 % 5);
        const enum cache_kind kind = (enum cache_kind)(roll / 35 % CACHE_KINDS);
        const enum watch_event event = roll / 105 % 3 == 0 ? WATCH_DELETED : WATCH_MODIFIED;
        if (kind == CACHE_DEPLOYMENTS)
            take(kind, event,
                 deployment(arena_printf(&arena, "web-%d", number % 3),
                            arena_printf(&arena, "d%d", number), 1));
        else if (kind == CACHE_SETS)
            take(kind, event,
                 set(arena_printf(&arena, "s%d", number), arena_printf(&arena, "d%d", owner)));
        else
            take(kind, event,
                 pod(arena_printf(&arena, "p%d", number), arena_printf(&arena, "s%d", owner)));
        const struct project_view view = view_of("web-1");
        CHECK(view.set_count <= 7 && view.pod_count <= 7);
        if (round % 100 == 0)
            arena_reset(&arena, 0);
    }
    for (int kind = 0; kind < CACHE_KINDS; kind++) {
        take((enum cache_kind)kind, WATCH_LIST_BEGINS, NULL);
        take((enum cache_kind)kind, WATCH_LIST_ENDS, NULL);
    }
    CHECK_INT(count_projects(), 0);
    cache_free(cache);
    cache = NULL;
}

TEST_MAIN
