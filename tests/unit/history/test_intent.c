/* Intents: what one AdmissionReview of a Deployment tells, who is believed, and the one refusal. */
#include "history/intent.h"

#include "base/limits.h"
#include "tests/unit/test.h"

#define PORTAL   "system:serviceaccount:hydrosim-system:portal-backend-sa"
#define RECORDER "system:serviceaccount:hydrosim-system:proctor-recorder"
#define NOW      1795248000000000

static struct arena arena;

/* What the lookups are told and say. */
static struct {
    bool held;
    struct intent_hold hold;
    char asked_hold[256];
    const char *used[8]; /* nonce, claim, nonce, claim ... */
    size_t used_count;
    unsigned nonces_asked;
} world;

static bool is_held(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold)
{
    (void)context;
    snprintf(world.asked_hold, sizeof world.asked_hold, "%s/%s %s", namespace_, name, template_sha);
    *ret_hold = world.hold;
    return world.held;
}

static bool nonce_is_new(void *context, const char *nonce, const char *claim)
{
    (void)context;
    world.nonces_asked++;
    for (size_t i = 0; i < world.used_count; i += 2)
        if (strcmp(world.used[i], nonce) == 0)
            return strcmp(world.used[i + 1], claim) == 0;
    world.used[world.used_count++] = nonce;
    world.used[world.used_count++] = claim;
    return true;
}

static const char *const trusted[] = {"somebody", PORTAL, NULL};
static const struct intent_settings settings = {
    .trusted = trusted, .self = RECORDER, .is_held = is_held, .nonce_is_new = nonce_is_new};

/* ---- reviews ---------------------------------------------------------------------------- */

/* The parts of a review; ' stands for ".  NULL: as in a plain UPDATE by a student. */
struct parts {
    const char *operation, *user, *groups, *extra, *resource, *kind, *more;
    const char *annotations, *old_annotations; /* members */
    const char *image, *old_image;
    const char *spec, *old_spec;         /* members, with a comma behind */
    const char *template, *old_template; /* members of the template's metadata, comma behind */
};

static const char *either(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static const char *deployment(const char *generation, const char *annotations, const char *spec,
                              const char *template, const char *image)
{
    return arena_printf(
        &arena,
        "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'student-a',"
        "'namespace':'hydrosim-students','uid':'uid-1','generation':%s,'annotations':{%s}},"
        "'spec':{%s'template':{'metadata':{%s'labels':{'app':'a'}},'spec':{'containers':"
        "[{'name':'app','image':'%s'}]}}}}",
        generation, annotations, spec, template, image);
}

static char *review(const struct parts *parts)
{
    const char *operation = either(parts->operation, "UPDATE");
    const char *object = "null", *old = "null";
    if (strcmp(operation, "DELETE") != 0)
        object = deployment(strcmp(operation, "CREATE") == 0 ? "1" : "8",
                            either(parts->annotations, ""), either(parts->spec, "'replicas':1,"),
                            either(parts->template, ""), either(parts->image, "i:v2"));
    if (strcmp(operation, "CREATE") != 0)
        old = deployment("7", either(parts->old_annotations, ""),
                         either(parts->old_spec, "'replicas':1,"), either(parts->old_template, ""),
                         either(parts->old_image, "i:v1"));
    char *text = arena_printf(
        &arena,
        "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'r-1',"
        "'kind':{'group':'%s','version':'v1','kind':'%s'},'resource':{'group':'apps',"
        "'version':'v1','resource':'%s'},'name':'student-a','namespace':'hydrosim-students',"
        "'operation':'%s','userInfo':{'username':'%s','groups':[%s],'extra':{%s}},%s"
        "'object':%s,'oldObject':%s}}",
        strcmp(either(parts->kind, "Deployment"), "Scale") == 0 ? "autoscaling" : "apps",
        either(parts->kind, "Deployment"), either(parts->resource, "deployments"), operation,
        either(parts->user, "s2024001"), either(parts->groups, "'students'"),
        either(parts->extra, ""), either(parts->more, ""), object, old);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return text;
}

static void begin(void)
{
    static bool hooked;
    if (!hooked)
        arena_install_cjson_hooks();
    hooked = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    arena_use(&arena);
    memset(&world, 0, sizeof world);
}

static struct intent read_text(const char *text)
{
    struct intent intent;
    struct err err = {.code = ERR_NONE};
    if (intent_read(&arena, text, strlen(text), &settings, NOW, &intent, &err) < 0)
        TEST_FAIL("%s", err.text);
    return intent;
}

static struct intent read_parts(const struct parts *parts)
{
    return read_text(review(parts));
}

#define READ(...) read_parts(&(struct parts){__VA_ARGS__})

static const char *answer(const struct intent *intent)
{
    struct buf text;
    buf_init(&text, &arena, LIMIT_MIB);
    intent_answer(&arena, intent, &text);
    return text.data;
}

#define ALLOWED                                                                                    \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"          \
    "\"uid\":\"r-1\",\"allowed\":true}}\n"

/* ---- what is told ----------------------------------------------------------------------- */

TEST(an_update_is_who_and_what)
{
    begin();
    const struct intent intent =
        READ(.groups = "'students','system:authenticated'",
             .annotations = "'kubernetes.io/change-cause':'new map','proctor.dev/policy-changes'"
                            ":'{}'");
    const struct machine_intent *machine = &intent.machine;
    CHECK(intent.counts && !intent.refused && !machine->delete_);
    CHECK_STRING(intent.namespace_, "hydrosim-students");
    CHECK_STRING(intent.name, "student-a");
    CHECK_STRING(machine->uid, "uid-1");
    CHECK_INT(machine->generation, 8);
    CHECK_INT(machine->received_at, NOW);
    CHECK_STRING(machine->actor_user, "s2024001");
    CHECK_STRING(machine->actor_groups, "[\"students\",\"system:authenticated\"]");
    CHECK_STRING(machine->change_cause, "new map");
    CHECK_STRING(machine->policy_changes, "{}");
    CHECK_STRING(machine->change_kind, "image");
    CHECK_STRING(machine->template_json,
                 "{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"containers\":[{\"image\":"
                 "\"i:v2\",\"name\":\"app\"}]}}");
    CHECK(strlen(machine->template_sha) == 64 && strlen(machine->old_template_sha) == 64);
    CHECK(strcmp(machine->template_sha, machine->old_template_sha) != 0);
    CHECK(machine->via == NULL && machine->on_behalf_of == NULL && machine->history_id == NULL &&
          machine->last_applied == NULL && machine->written_sha == NULL);
    CHECK_STRING(answer(&intent), ALLOWED);
}

TEST(create_and_delete)
{
    begin();
    struct intent intent = READ(.operation = "CREATE");
    const char *made = intent.machine.template_sha;
    CHECK(intent.counts && intent.machine.old_template_sha == NULL);
    CHECK_INT(intent.machine.generation, 1);
    CHECK_STRING(intent.machine.uid, "uid-1");
    CHECK_STRING(intent.machine.change_kind, "other");
    intent = READ(.operation = "DELETE", .old_image = "i:v2");
    CHECK(intent.counts && intent.machine.delete_);
    CHECK_STRING(intent.machine.template_sha, made);
    CHECK_STRING(intent.machine.old_template_sha, made);
    CHECK_INT(intent.machine.generation, 7);
    CHECK(intent.machine.template_json == NULL && intent.machine.change_kind == NULL);
    CHECK_STRING(answer(&intent), ALLOWED);
}

TEST(the_kind_of_a_change)
{
    begin();
    CHECK_STRING(READ(.image = "i:v1", .spec = "'replicas':3,").machine.change_kind, "scale");
    CHECK_STRING(READ(.image = "i:v1", .old_spec = "").machine.change_kind, "scale");
    CHECK_STRING(READ(.image = "i:v1").machine.change_kind, "other");
    CHECK_STRING(READ(.image = "i:v1", .spec = "'paused':true,'replicas':3,").machine.change_kind,
                 "other");
    CHECK_STRING(READ(.image = "i:v1", .template = "'annotations':{'kubectl.kubernetes.io/"
                                                   "restartedAt':'2026-11-21'},")
                     .machine.change_kind,
                 "restart");
    CHECK_STRING(READ(.image = "i:v1", .template = "'annotations':{'x':'y'},").machine.change_kind,
                 "other");
    CHECK_STRING(READ(.image = "i:v1','tty':true,'workingDir':'/").machine.change_kind, "other");
    CHECK_STRING(READ(.image = "i:v1','env':[{'name':'A','value':'b'}],'workingDir':'/",
                      .old_image = "i:v1','workingDir':'/")
                     .machine.change_kind,
                 "env");
}

TEST(what_was_written_is_only_what_this_request_brings)
{
    begin();
#define APPLIED(image)                                                                             \
    "'kubectl.kubernetes.io/last-applied-configuration':'{\\'spec\\':{\\'template\\':{\\'spec\\':" \
    "{\\'containers\\':[{\\'image\\':\\'" image "\\'}]}}}}'"
    struct intent intent = READ(.annotations = APPLIED("i:v2"), .old_annotations = APPLIED("i:v1"));
    CHECK_STRING(intent.machine.last_applied,
                 "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"image\":\"i:v2\"}]}}}}");
    CHECK(strlen(intent.machine.written_sha) == 64);
    CHECK(strcmp(intent.machine.written_sha, intent.machine.template_sha) != 0);
    intent = READ(.annotations = APPLIED("i:v1"), .old_annotations = APPLIED("i:v1"));
    CHECK(intent.machine.last_applied == NULL && intent.machine.written_sha == NULL);
    intent = READ(.annotations = "'kubectl.kubernetes.io/last-applied-configuration':'{'");
    CHECK_STRING(intent.machine.last_applied, "{");
    CHECK(intent.machine.written_sha == NULL);
    intent = READ(.annotations = "'kubectl.kubernetes.io/last-applied-configuration':"
                                 "'{\\'spec\\':{\\'template\\':[7]}}'");
    CHECK(intent.machine.written_sha == NULL && intent.machine.last_applied != NULL);
}

/* ---- what is not meant ------------------------------------------------------------------ */

TEST(dry_runs_and_other_things_do_not_count)
{
    begin();
    world.held = true;
    world.hold = (struct intent_hold){.set_by = "teacher", .reason = "crashes"};
    struct intent intent = READ(.more = "'dryRun':true,", .user = PORTAL,
                                .annotations = "'proctor.dev/on-behalf-of':'anna;12345678'");
    CHECK(!intent.counts && intent.dry_run && intent.refused && world.nonces_asked == 0);
    world.held = false;
    intent = READ(.more = "'dryRun':true,", .user = PORTAL,
                  .annotations = "'proctor.dev/on-behalf-of':'anna;12345678'");
    CHECK(!intent.counts && !intent.refused && world.nonces_asked == 0);
    CHECK_STRING(answer(&intent), ALLOWED);

    world.asked_hold[0] = '\0';
    const struct parts others[] = {{.more = "'subResource':'status',"},
                                   {.more = "'subResource':'scale',", .kind = "Scale"},
                                   {.resource = "replicasets", .kind = "ReplicaSet"},
                                   {.resource = "widgets", .kind = "Widget"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        intent = read_parts(&others[i]);
        CHECK(!intent.counts && !intent.refused);
        CHECK_STRING(answer(&intent), ALLOWED);
    }
    CHECK_STRING(world.asked_hold, "");
}

/* ---- on whose behalf -------------------------------------------------------------------- */

static struct intent on_behalf(const char *user, const char *now, const char *before)
{
    return READ(.user = user,
                .annotations = arena_printf(&arena, "'proctor.dev/on-behalf-of':'%s'", now),
                .old_annotations =
                    before != NULL ? arena_printf(&arena, "'proctor.dev/on-behalf-of':'%s'", before)
                                   : "");
}

static void check_not(const struct intent *intent, const char *words)
{
    CHECK(intent->counts && intent->machine.on_behalf_of == NULL);
    CHECK_STRING(intent->not_on_behalf, words);
    const char *text = answer(intent);
    CHECK(strstr(text, "\"allowed\":true,\"warnings\":[\"the annotation proctor.dev/on-behalf-of "
                       "does not count: ") != NULL);
    CHECK(strstr(text, words) != NULL);
}

TEST(what_an_undo_brings_back_of_ours_does_not_count_and_nobody_is_warned)
{
    const struct intent intent = on_behalf("s2024001", "anna;op-7-660c8ac9254", "anna;op-9-660c8a");
    CHECK(intent.counts && intent.machine.on_behalf_of == NULL);
    CHECK_STRING(intent.not_on_behalf, "its author is not trusted with it");
    CHECK(intent.warnings == NULL);
    CHECK_STRING(answer(&intent), ALLOWED);
}

TEST(a_trusted_account_may_name_a_person_once)
{
    begin();
    struct intent intent = on_behalf(PORTAL, "teacher;a@x;nonce-12345678", NULL);
    CHECK_STRING(intent.machine.on_behalf_of, "teacher;a@x");
    CHECK_STRING(intent.machine.actor_user, PORTAL);
    CHECK(intent.not_on_behalf == NULL);
    CHECK_STRING(answer(&intent), ALLOWED);
    /* The API server asks twice for one change, after a conflict with itself. */
    intent = on_behalf(PORTAL, "teacher;a@x;nonce-12345678", NULL);
    CHECK_STRING(intent.machine.on_behalf_of, "teacher;a@x");

    intent = READ(.user = PORTAL, .image = "i:v3",
                  .annotations = "'proctor.dev/on-behalf-of':'teacher;a@x;nonce-12345678'");
    check_not(&intent, "its nonce was used before");
    intent = on_behalf(PORTAL, "bob;another-nonce", "anna;first-nonce");
    CHECK_STRING(intent.machine.on_behalf_of, "bob");
    intent = on_behalf(RECORDER, "carl;a-third-nonce", NULL);
    CHECK_STRING(intent.machine.on_behalf_of, "carl");
}

TEST(nobody_else_may)
{
    begin();
    static const char *const users[] = {"s2024001",
                                        "admin",
                                        PORTAL "2",
                                        RECORDER "2",
                                        "system:serviceaccount:hydrosim-students:portal-backend-sa",
                                        "System:serviceaccount:hydrosim-system:portal-backend-sa"};
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        const struct intent intent = on_behalf(users[i], "teacher;nonce-12345678", NULL);
        check_not(&intent, "its author is not trusted with it");
    }
    CHECK_INT(world.nonces_asked, 0);
}

TEST(an_annotation_of_an_earlier_request_is_nobodys_word_now)
{
    begin();
    struct intent intent = on_behalf(PORTAL, "teacher;nonce-12345678", "teacher;nonce-12345678");
    CHECK(intent.machine.on_behalf_of == NULL && intent.not_on_behalf == NULL);
    intent = READ(.user = PORTAL, .operation = "DELETE",
                  .old_annotations = "'proctor.dev/on-behalf-of':'teacher;nonce-12345678'");
    CHECK(intent.machine.on_behalf_of == NULL && intent.counts);
    CHECK_INT(world.nonces_asked, 0);
    CHECK_STRING(answer(&intent), ALLOWED);
}

static const char *repeat(char letter, size_t count)
{
    char *text = arena_alloc(&arena, count + 1);
    memset(text, letter, count);
    return text;
}

TEST(what_is_no_person_with_a_nonce)
{
    begin();
    const char *long_user = arena_printf(&arena, "%s;12345678", repeat('u', 257));
    const char *long_nonce = arena_printf(&arena, "u;%s", repeat('n', 129));
    const char *const wrong[] = {"",
                                 ";",
                                 "teacher",
                                 "teacher;",
                                 ";12345678",
                                 "teacher;1234567",
                                 "teacher;1234 5678",
                                 "teacher;12345678\\n",
                                 "tea\\u001b[31m;12345678",
                                 "tea\\ncher;12345678",
                                 "tea\\u202echer;12345678",
                                 "teacher;1234567\\u00e4",
                                 long_user,
                                 long_nonce};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct intent intent = on_behalf(PORTAL, wrong[i], NULL);
        check_not(&intent, "it is not <user>;<nonce>");
    }
    CHECK_INT(world.nonces_asked, 0);
    long_user = arena_printf(&arena, "%s;12345678", repeat('u', 256));
    CHECK(on_behalf(PORTAL, long_user, NULL).machine.on_behalf_of != NULL);
}

TEST(via_is_only_what_the_api_server_says)
{
    begin();
    struct intent intent =
        READ(.extra = "'proctor.dev/via':['portal']", .annotations = "'proctor.dev/via':'forged'");
    CHECK_STRING(intent.machine.via, "portal");
    CHECK_STRING(intent.machine.actor_user, "s2024001");
    const char *const wrong[] = {"'proctor.dev/via':'portal'",      "'proctor.dev/via':[]",
                                 "'proctor.dev/via':['a','b']",     "'proctor.dev/via':[7]",
                                 "'proctor.dev/via':['a\\u001bb']", "'proctor.dev/via':['']",
                                 "'Proctor.dev/Via':['portal']",    "'proctor.dev/via':{'a':'b'}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(READ(.extra = wrong[i]).machine.via == NULL);
    CHECK(READ(.annotations = "'proctor.dev/via':'forged'").machine.via == NULL);
}

TEST(the_recorders_mark_counts_from_the_recorder)
{
    begin();
    const char *mark = "'proctor.dev/history-id':'42'";
    CHECK_STRING(READ(.user = RECORDER, .annotations = mark).machine.history_id, "42");
    CHECK(READ(.user = "s2024001", .annotations = mark).machine.history_id == NULL);
    CHECK(READ(.user = PORTAL, .annotations = mark).machine.history_id == NULL);
    CHECK(READ(.user = RECORDER, .annotations = mark, .old_annotations = mark).machine.history_id ==
          NULL);
    CHECK(READ(.user = RECORDER, .annotations = "'proctor.dev/history-id':'4\\n2'")
              .machine.history_id == NULL);
}

/* ---- the hold --------------------------------------------------------------------------- */

TEST(a_template_under_hold_does_not_come_back)
{
    begin();
    world.held = true;
    world.hold = (struct intent_hold){.set_by = "teacher", .reason = "it crashed\x1b[31m"};
    struct intent intent = READ(.image = "i:v2");
    CHECK(intent.refused && !intent.counts);
    CHECK(strstr(world.asked_hold, intent.machine.template_sha) != NULL);
    CHECK(strncmp(world.asked_hold, "hydrosim-students/student-a ", 28) == 0);
    const char *text = answer(&intent);
    cJSON *root, *status;
    CHECK(json_parse(&arena, text, strlen(text), &json_limits_review, &root, NULL) == 0);
    status = json_path(root, "response", "status", NULL);
    CHECK(!json_is_true(json_path(root, "response", "allowed", NULL)));
    CHECK_INT(json_get(status, "code")->valuedouble, 422);
    CHECK_STRING(json_get_string(status, "reason"), "Invalid");
    CHECK_STRING(json_get_string(json_get(status, "details"), "name"), "student-a");
    const char *wanted = arena_printf(
        &arena,
        "this version of student-a (template %.12s) is on hold, set by teacher, because: it "
        "crashed?[31m. Deploy another version; or somebody who may roll it back lifts the hold: "
        "DELETE /api/projects/student-a/holds?template=%s on the recorder",
        intent.machine.template_sha, intent.machine.template_sha);
    CHECK_STRING(json_get_string(status, "message"), wanted);
    CHECK_STRING(json_get_string(json_path(status, "details", "causes", NULL)->child, "message"),
                 wanted);

    world.hold.until = NOW + 1000000;
    intent = READ(.operation = "CREATE");
    CHECK(intent.refused);
    CHECK(strstr(intent.message, " is on hold until 2026-11-21T") != NULL);
    world.hold.until = NOW;
    CHECK(!READ(.operation = "CREATE").refused);
    world.hold = (struct intent_hold){.set_by = NULL};
    intent = READ(.user = "system:admin");
    CHECK(strstr(intent.message, "set by the recorder, because: no reason was given") != NULL);
}

TEST(what_is_there_already_is_not_held)
{
    begin();
    world.held = true;
    CHECK(!READ(.image = "i:v1").refused);
    CHECK(!READ(.image = "i:v1", .spec = "'replicas':0,").refused);
    CHECK(!READ(.operation = "DELETE").refused);
    CHECK_STRING(world.asked_hold, "");
    const struct intent refused =
        READ(.user = PORTAL, .annotations = "'proctor.dev/on-behalf-of':'anna;12345678'");
    CHECK(refused.refused && world.nonces_asked == 0 && refused.warnings == NULL);
}

/* ---- hostile input ---------------------------------------------------------------------- */

static char *swap(const char *text, const char *piece, const char *by)
{
    const char *at = strstr(text, piece);
    if (at == NULL)
        TEST_FAIL("no %s in it", piece);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(piece));
}

TEST(what_cannot_be_read_is_no_intent_and_no_refusal)
{
    static const struct {
        const char *piece, *by, *uid;
    } wrong[] = {
        {"\"uid\":\"r-1\",", "", ""},
        {"AdmissionReview", "Review", ""},
        {"\"request\":{", "\"request\":[", ""},
        {"\"username\":\"s2024001\"", "\"username\":7", "r-1"},
        {"\"username\":\"s2024001\"", "\"username\":null", "r-1"},
        {"UPDATE", "PATCH", "r-1"},
        {"\"object\":{", "\"object\":null,\"x\":{", "r-1"},
        {"\"oldObject\":{", "\"oldObject\":7,\"x\":{", "r-1"},
        {"\"annotations\":{", "\"annotations\":[],\"x\":{", "r-1"},
        {"\"spec\":{", "\"spec\":7,\"x\":{", "r-1"},
        {"\"template\":{", "\"template\":\"x\",\"y\":{", "r-1"},
        {"\"app\":\"a\"", "\"app\":\"\\u0000\"", ""},
    };
    begin();
    world.held = true;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct intent intent;
        struct err err = {.code = ERR_NONE};
        const char *text = swap(review(&(struct parts){.user = NULL}), wrong[i].piece, wrong[i].by);
        if (intent_read(&arena, text, strlen(text), &settings, NOW, &intent, &err) >= 0)
            TEST_FAIL("%s is read", wrong[i].by);
        CHECK(!intent.counts && !intent.refused && err.text[0] != '\0');
        CHECK_STRING(intent.review_uid, wrong[i].uid);
        if (wrong[i].uid[0] != '\0')
            CHECK_STRING(answer(&intent), ALLOWED);
    }
}

TEST(without_a_template_it_does_not_count)
{
    begin();
    char *text = review(&(struct parts){.operation = "CREATE"});
    strstr(text, "\"template\"")[1] = 'T';
    const struct intent intent = read_text(text);
    CHECK(!intent.counts && !intent.refused && intent.machine.template_sha == NULL);
    CHECK_STRING(answer(&intent), ALLOWED);
}

TEST(members_that_are_missing_or_odd)
{
    begin();
    const char *good = review(&(struct parts){.user = NULL});
    struct intent intent = read_text(swap(good, "\"generation\":8", "\"generation\":null"));
    CHECK_INT(intent.machine.generation, 0);
    intent = read_text(swap(good, "\"groups\":[\"students\"]", "\"groups\":null"));
    CHECK_STRING(intent.machine.actor_groups, "[]");
    intent = read_text(
        swap(good, "\"groups\":[\"students\"]", "\"groups\":[7,\"a\\u001b\\\"b\",null,[\"c\"]]"));
    CHECK_STRING(intent.machine.actor_groups, "[\"a\\u001b\\\"b\"]");
    intent = read_text(swap(good, "\"extra\":{}", "\"extra\":[[]]"));
    CHECK(intent.machine.via == NULL && intent.counts);
    intent = read_text(swap(good, "\"name\":\"student-a\",\"namespace\":\"hydrosim-students\",\"op",
                            "\"namespace\":\"hydrosim-students\",\"op"));
    CHECK_STRING(intent.name, "student-a");
    intent = read_text(swap(good, "\"template\":{", "\"template\":null,\"x\":{"));
    CHECK(intent.machine.template_sha == NULL && intent.machine.template_json == NULL);
    CHECK_STRING(intent.machine.change_kind, "other");
    intent = read_text(swap(good, "s2024001", "a\\u001b[31m\\nb"));
    CHECK_STRING(intent.machine.actor_user, "a\x1b[31m\nb");
}

TEST(huge_texts)
{
    begin();
    const char *text = repeat('x', LIMIT_MIB);
    struct intent intent =
        READ(.user = text, .groups = arena_printf(&arena, "'a','%s','b'", text),
             .extra = arena_printf(&arena, "'proctor.dev/via':['%s']", text),
             .annotations = arena_printf(&arena, "'kubernetes.io/change-cause':'%s\u00e4'", text));
    CHECK_INT(strlen(intent.machine.change_cause), 1024);
    CHECK_STRING(intent.machine.actor_groups, "[\"a\",\"b\"]");
    CHECK(intent.machine.via == NULL);
    intent =
        READ(.annotations = arena_printf(&arena, "'proctor.dev/policy-changes':'%.5000s'", text));
    CHECK(intent.machine.policy_changes == NULL);
    intent = READ(.annotations = arena_printf(&arena, "'kubernetes.io/change-cause':'%s\u20ac'",
                                              repeat('x', 1022)));
    CHECK_INT(strlen(intent.machine.change_cause), 1022);
}

/* Whatever a review is turned into: no refusal without a hold, nobody's word but the API server's,
 * and an answer that is JSON. */
static void check_any(const char *text)
{
    struct intent intent;
    struct err err;
    cJSON *root;
    (void)!intent_read(&arena, text, strlen(text), &settings, NOW, &intent, &err);
    CHECK(!intent.refused && intent.machine.on_behalf_of == NULL &&
          intent.machine.history_id == NULL);
    if (intent.review_uid[0] == '\0')
        return;
    const char *answered = answer(&intent);
    CHECK(json_parse(&arena, answered, strlen(answered), &json_limits_review, &root, &err) == 0);
    CHECK(json_is_true(json_path(root, "response", "allowed", NULL)));
}

TEST(any_review_is_read_or_not)
{
    static const char letters[] = "{}[]\",:\\ 0-n\x1b\x80";
    unsigned long long state = 7;
    begin();
    char *good = strdup(
        review(&(struct parts){.annotations = "'proctor.dev/on-behalf-of':'teacher;nonce-12345678',"
                                              "'proctor.dev/history-id':'1'",
                               .extra = "'proctor.dev/via':['portal']"}));
    const size_t length = strlen(good);
    for (int round = 0; round < 5000; round++) {
        char *text = strdup(good);
        begin();
        for (int change = 0; change <= round % 4; change++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            text[(state >> 33) % length] = letters[(state >> 20) % (sizeof letters - 1)];
        }
        check_any(text);
        free(text);
    }
    free(good);
}

TEST_MAIN
