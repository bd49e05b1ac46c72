/* Who is asking and may they, against an API server of the test's own and the shipped policies.
 * The real API server: tests/e2e/cases/history-access.sh. */
#include "recorder/access.h"

#include "base/clock.h"
#include "net/live.h"
#include "policy/load.h"
#include "tests/unit/engine.h"
#include "tests/unit/recorder/receiver.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#define SPACE "hydrosim-students"
#define ANNA  "s2024001"

static struct receiver server;
static struct kube_config config = {.origin = "a test", .token = "the-recorders-own"};
static struct access *access_;
static struct caller caller;
static struct err err;
static atomic_int token_reviews, access_reviews;

/* ---- the API server --------------------------------------------------------------------- */

#define STATUS_OF(kind, group, members)                                                            \
    "{\"kind\":\"" kind "\",\"apiVersion\":\"" group "/v1\",\"status\":{" members "}}"
#define TOKEN_STATUS(members) STATUS_OF("TokenReview", "authentication.k8s.io", members)
#define USER(name, groups)                                                                         \
    TOKEN_STATUS("\"authenticated\":true,\"audiences\":[\"proctor\"],\"user\":{\"username\":"      \
                 "\"" name "\",\"uid\":\"u-1\",\"groups\":[" groups "],"                           \
                 "\"extra\":{\"scope\":[\"narrow\"]}}")
#define REFUSED(error) TOKEN_STATUS("\"error\":\"" error "\"")
#define FORBIDDEN                                                                                  \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":403,"              \
    "\"reason\":\"Forbidden\",\"message\":\"cannot create tokenreviews\"}"

static const struct {
    const char *token, *status, *body;
} tokens[] = {
    {"\"anna\"", "201 Created", USER(ANNA, "\"students\",\"system:authenticated\"")},
    {"\"ben\"", "201 Created", USER("s2024002", "\"students\"")},
    {"\"teacher\"", "201 Created", USER("teacher", "\"teachers\"")},
    {"\"nobody\"", "201 Created", USER("system:anonymous", "\"system:authenticated\"")},
    {"\"unnamed\"", "201 Created", USER("", "\"a\"")},
    {"\"stranger\"", "201 Created", USER("eve", "\"system:unauthenticated\"")},
    {"\"old\"", "201 Created",
     REFUSED("[invalid bearer token, service account token has expired]")},
    {"\"others\"", "201 Created", REFUSED("token audiences [a] is invalid for the target")},
    {"\"mixed\"", "201 Created",
     TOKEN_STATUS(
         "\"authenticated\":true,\"audiences\":[\"other\"],\"user\":{\"username\":\"m\"}")},
    {"\"norights\"", "403 Forbidden", FORBIDDEN},
    {"\"odd\"", "201 Created",
     "{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}"},
    {"", "201 Created", REFUSED("not found")},
};

static void answer_token(const struct receiver_request *request)
{
    size_t i = 0;
    atomic_fetch_add(&token_reviews, 1);
    while (strstr(request->body, tokens[i].token) == NULL)
        i++;
    receiver_answer(request, tokens[i].status, "", tokens[i].body);
}

static char last_access_review[4096];
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;

static bool says(const char *text)
{
    pthread_mutex_lock(&noting);
    const bool said = strstr(last_access_review, text) != NULL;
    pthread_mutex_unlock(&noting);
    return said;
}

/* Students and teachers have the Role; "limited" has a right on one name. */
static bool is_allowed(void)
{
    if (says("\"user\":\"limited\""))
        return says("\"verb\":\"get\"") && says("\"name\":\"student-2024001\"");
    if (says("\"user\":\"lister\""))
        return says("\"verb\":\"list\"") && !says("\"name\":");
    if (says("\"user\":\"halfway\""))
        return !says("ingresses");
    return says("\"students\"") || says("\"teachers\"");
}

static void answer_access(const struct receiver_request *request)
{
    atomic_fetch_add(&access_reviews, 1);
    pthread_mutex_lock(&noting);
    snprintf(last_access_review, sizeof last_access_review, "%s", request->body);
    pthread_mutex_unlock(&noting);
    receiver_answer(
        request, "201 Created", "",
        is_allowed() ? STATUS_OF("SubjectAccessReview", "authorization.k8s.io", "\"allowed\":true")
                     : STATUS_OF("SubjectAccessReview", "authorization.k8s.io",
                                 "\"allowed\":false,\"reason\":\"no rule\""));
}

static void answer(const struct receiver_request *request)
{
    if (strstr(request->head, "/tokenreviews") != NULL)
        answer_token(request);
    else
        answer_access(request);
}

/* ---- driving it ------------------------------------------------------------------------- */

static void begin_with(const char *const *audiences, int64_t keep_us)
{
    static bool started;
    static char address[64];
    engine_begin();
    if (!started)
        receiver_start(&server, answer);
    started = true;
    snprintf(address, sizeof address, "http://127.0.0.1:%u", server.port);
    config.server = address;
    const struct access_options options = {&config, SPACE, audiences, keep_us, NULL};
    CHECK_INT(access_new(&options, &access_, &err), 0);
    atomic_store(&token_reviews, 0);
    atomic_store(&access_reviews, 0);
}

static void begin(void)
{
    begin_with(NULL, 60000000);
}

static void install_policies(void)
{
    static const char *const paths[] = {"policies/ownership", NULL};
    const struct policy_load_options options = {.now = clock_unix()};
    struct diagnostics diagnostics;
    struct policy_set *set;
    diag_init(&diagnostics, &engine_arena);
    CHECK_INT(policy_load(paths, &options, &diagnostics, &set, &err), 0);
    CHECK_INT(live_install(set, 0, &err), 0);
}

static int authenticate(const char *authorization)
{
    return access_authenticate(access_, &engine_arena, authorization, &caller, &err);
}

/* As somebody whose token was looked at already. */
static int authorize(const char *user, const char *group, enum access_verb verb,
                     const char *project)
{
    const char *const groups[] = {group, NULL};
    const struct caller who = {.user = user, .groups = groups, .groups_json = "[]"};
    return access_authorize(access_, &engine_arena, &who, verb, project, &err);
}

TEST(a_good_token_names_its_user)
{
    begin();
    CHECK_INT(authenticate("Bearer anna"), 0);
    CHECK_STRING(caller.user, ANNA);
    CHECK_STRING(caller.uid, "u-1");
    CHECK_STRING(caller.groups[0], "students");
    CHECK_STRING(caller.groups[1], "system:authenticated");
    CHECK(caller.groups[2] == NULL);
    CHECK_STRING(caller.groups_json, "[\"students\",\"system:authenticated\"]");
    CHECK_STRING(caller.extra_json, "{\"scope\":[\"narrow\"]}");
    CHECK_INT(authenticate("bearer   teacher"), 0);
    CHECK_STRING(caller.user, "teacher");
    access_free(access_);
}

TEST(a_token_is_asked_about_once)
{
    begin();
    for (int i = 0; i < 5; i++)
        CHECK_INT(authenticate("Bearer anna"), 0);
    for (int i = 0; i < 5; i++)
        CHECK_INT(authenticate("Bearer wrong"), -ERR_UNAUTHORIZED);
    CHECK_INT(atomic_load(&token_reviews), 2);
    access_free(access_);
}

TEST(an_answer_is_believed_for_its_time_only)
{
    begin_with(NULL, 1);
    CHECK_INT(authenticate("Bearer anna"), 0);
    CHECK_INT(authenticate("Bearer anna"), 0);
    CHECK_INT(atomic_load(&token_reviews), 2);
    access_free(access_);
}

TEST(what_is_no_token_is_not_sent)
{
    static const char *const cases[][2] = {
        {NULL, "no credential"},
        {"", "no credential"},
        {"Basic YTpi", "only bearer tokens"},
        {"Bearer", "only bearer tokens"},
        {"Bearerx", "only bearer tokens"},
        {"Bearer ", "malformed"},
        {"Bearer a b", "malformed"},
        {"Bearer a\tb", "malformed"},
        {"Bearer a\"b", "malformed"},
        {"Bearer a\x1b[31m", "malformed"},
        {"Bearer a\xc3\xa4", "malformed"},
        {"Bearer a=b", "malformed"},
        {"Bearer ==", "malformed"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(authenticate(cases[i][0]), -ERR_UNAUTHORIZED);
        CHECK(strstr(err.text, cases[i][1]) != NULL);
    }
    char *huge = arena_alloc(&engine_arena, LIMIT_TOKEN_BYTES + 2);
    memset(huge, 'a', LIMIT_TOKEN_BYTES + 1);
    huge = arena_printf(&engine_arena, "Bearer %s", huge);
    CHECK_INT(authenticate(huge), -ERR_UNAUTHORIZED);
    CHECK_INT(atomic_load(&token_reviews), 0);
    access_free(access_);
}

TEST(a_refused_token_is_told_why_and_not_shown)
{
    static const char *const cases[][2] = {
        {"Bearer old", "the token has expired: get a new one"},
        {"Bearer others", "the token is for another audience"},
        {"Bearer secret-and-wrong", "the token is not known to this cluster, or not any more"},
        {"Bearer unnamed", "the credential names nobody"},
        {"Bearer nobody", "nobody in particular is not answered: send a token or a certificate"},
        {"Bearer stranger", "nobody in particular is not answered: send a token or a certificate"},
    };
    begin();
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            CHECK_INT(authenticate(cases[i][0]), -ERR_UNAUTHORIZED);
            CHECK_STRING(err.text, cases[i][1]);
        }
    access_free(access_);
}

TEST(a_token_for_somebody_else_is_none_for_us)
{
    static const char *const audiences[] = {"proctor", NULL};
    begin_with(audiences, 0);
    CHECK_INT(authenticate("Bearer anna"), 0);
    CHECK_INT(authenticate("Bearer mixed"), -ERR_UNAUTHORIZED);
    CHECK_STRING(err.text, "the token is for another audience");
    access_free(access_);
}

TEST(an_error_of_our_own_is_not_the_callers)
{
    begin();
    CHECK_INT(authenticate("Bearer norights"), -ERR_SERVER);
    CHECK_STRING(err.text, "the API server does not tell the recorder who you are: the recorder's "
                           "log says why");
    CHECK_INT(authenticate("Bearer odd"), -ERR_SERVER);
    /* It is not kept: the next one may go well. */
    CHECK_INT(authenticate("Bearer norights"), -ERR_SERVER);
    CHECK_INT(atomic_load(&token_reviews), 3);
    access_free(access_);
    config.server = "http://127.0.0.1:1";
    const struct access_options options = {&config, SPACE, NULL, 0, NULL};
    CHECK_INT(access_new(&options, &access_, &err), 0);
    CHECK_INT(authenticate("Bearer anna"), -ERR_UNREACHABLE);
    CHECK_STRING(err.text, "the API server cannot be asked who you are now: try again");
    access_free(access_);
}

/* ---- rights ----------------------------------------------------------------------------- */

TEST(a_student_has_what_is_the_students_own)
{
    begin();
    install_policies();
    for (int verb = ACCESS_READ; verb <= ACCESS_UNDELETE; verb++) {
        CHECK_INT(authorize(ANNA, "students", (enum access_verb)verb, "student-2024001"), 0);
        CHECK_INT(authorize(ANNA, "students", (enum access_verb)verb, "student-2024001-two"), 0);
        CHECK_INT(authorize(ANNA, "students", (enum access_verb)verb, "student-2024002"),
                  -ERR_FORBIDDEN);
        CHECK_INT(authorize(ANNA, "students", (enum access_verb)verb, "student-20240011"),
                  -ERR_FORBIDDEN);
        CHECK_INT(authorize("teacher", "teachers", (enum access_verb)verb, "student-2024002"), 0);
    }
    CHECK_INT(authorize(ANNA, "students", ACCESS_ROLLBACK, "student-2024002"), -ERR_FORBIDDEN);
    CHECK_STRING(err.text, "s2024001 may not roll back the project student-2024002, which is not "
                           "theirs: A project belongs to the student whose number is in its name. "
                           "(ownership/own-delete)");
    live_done();
    access_free(access_);
}

TEST(without_policies_nobody_can_say_whose_it_is)
{
    begin();
    CHECK_INT(authorize("teacher", "teachers", ACCESS_READ, "student-2024002"), -ERR_POLICY);
    CHECK_INT(authorize("teacher", "teachers", ACCESS_READ, NULL), 0);
    access_free(access_);
}

TEST(a_missing_right_is_named)
{
    begin();
    install_policies();
    CHECK_INT(authorize("eve", "guests", ACCESS_READ, "student-2024001"), -ERR_FORBIDDEN);
    CHECK_STRING(err.text, "eve may not read student-2024001: the right to get deployments.apps in "
                           "the namespace hydrosim-students is missing");
    CHECK_INT(authorize("eve", "guests", ACCESS_ROLLBACK, NULL), -ERR_FORBIDDEN);
    CHECK_STRING(err.text, "eve may not roll back projects: the right to rollback deployments.apps "
                           "in the namespace hydrosim-students is missing");
    CHECK_INT(authorize("halfway", "students", ACCESS_DEPLOY, "student-2024001"), -ERR_FORBIDDEN);
    CHECK_STRING(err.text, "halfway may not deploy student-2024001: the right to create "
                           "ingresses.networking.k8s.io in the namespace hydrosim-students is "
                           "missing");
    live_done();
    access_free(access_);
}

TEST(a_right_on_one_name_is_a_right_on_that_name)
{
    begin();
    install_policies();
    CHECK_INT(authorize("limited", "x", ACCESS_READ, "student-2024001"), 0);
    CHECK_INT(authorize("limited", "x", ACCESS_READ, "student-2024002"), -ERR_FORBIDDEN);
    CHECK_INT(authorize("limited", "x", ACCESS_READ, NULL), -ERR_FORBIDDEN);
    CHECK_INT(authorize("lister", "x", ACCESS_READ, NULL), 0);
    CHECK_INT(authorize("lister", "x", ACCESS_READ, "student-2024001"), -ERR_FORBIDDEN);
    live_done();
    access_free(access_);
}

TEST(one_answer_of_the_api_server_serves_a_whole_list)
{
    char name[64];
    int theirs = 0;
    begin();
    install_policies();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "student-20240%02d", i);
        theirs += authorize(ANNA, "students", ACCESS_READ, name) == 0;
    }
    CHECK_INT(theirs, 1);
    CHECK_INT(atomic_load(&access_reviews), 1);
    live_done();
    access_free(access_);
}

TEST(all_of_who_asks_is_judged)
{
    begin();
    install_policies();
    CHECK_INT(authenticate("Bearer anna"), 0);
    CHECK_INT(access_authorize(access_, &engine_arena, &caller, ACCESS_READ, NULL, &err), 0);
    CHECK(says("\"user\":\"" ANNA "\",\"uid\":\"u-1\",\"groups\":[\"students\","
               "\"system:authenticated\"],\"extra\":{\"scope\":[\"narrow\"]}"));
    CHECK(says("\"namespace\":\"" SPACE "\",\"verb\":\"get\",\"group\":\"apps\","
               "\"resource\":\"deployments\""));
    /* Another group is another question. */
    CHECK_INT(authorize(ANNA, "guests", ACCESS_READ, NULL), -ERR_FORBIDDEN);
    live_done();
    access_free(access_);
}

TEST(hostile_names_are_text)
{
    begin();
    install_policies();
    CHECK_INT(authorize("eve\x1b[2J\"}", "guests", ACCESS_READ, "a\r\nb\"; DROP TABLE revision"),
              -ERR_FORBIDDEN);
    CHECK(strpbrk(err.text, "\x1b\r\n") == NULL);
    CHECK(strstr(err.text, "eve?[2J\"} may not read a") != NULL);
    CHECK_INT(authorize(ANNA, "students", ACCESS_READ, "student-2024001\n"), -ERR_FORBIDDEN);
    CHECK_INT(authorize(ANNA, "students", ACCESS_READ, "../student-2024001"), -ERR_FORBIDDEN);
    CHECK_INT(authorize(ANNA, "students", ACCESS_READ, ""), -ERR_FORBIDDEN);
    live_done();
    access_free(access_);
}

/* ---- certificates ----------------------------------------------------------------------- */

struct subject {
    const char *dn, *purpose;
    int64_t from, to; /* seconds from now */
};

/* Signed by itself: whose signature it bears was looked at before. */
static gnutls_datum_t make_certificate(const struct subject *subject)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t der = {NULL, 0};
    const char *where;
    const time_t now = (time_t)clock_unix();
    gnutls_x509_privkey_init(&key);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 256, 0);
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, "\x01", 1);
    if (subject->dn != NULL)
        CHECK_INT(gnutls_x509_crt_set_dn(certificate, subject->dn, &where), 0);
    gnutls_x509_crt_set_activation_time(certificate, now + (time_t)subject->from);
    gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)subject->to);
    gnutls_x509_crt_set_key(certificate, key);
    if (subject->purpose != NULL)
        gnutls_x509_crt_set_key_purpose_oid(certificate, subject->purpose, 0);
    CHECK_INT(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA512, 0), 0);
    CHECK_INT(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der), 0);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return der;
}

static int by_certificate(const char *dn, const char *purpose, int64_t from, int64_t to)
{
    const struct subject subject = {dn, purpose, from, to};
    const gnutls_datum_t der = make_certificate(&subject);
    const int rc =
        access_authenticate_certificate(&engine_arena, der.data, der.size, &caller, &err);
    gnutls_free(der.data);
    return rc;
}

#define CLIENT GNUTLS_KP_TLS_WWW_CLIENT

TEST(a_client_certificate_names_its_user)
{
    engine_begin();
    CHECK_INT(by_certificate("O=students,O=class-b,CN=" ANNA, CLIENT, -60, 3600), 0);
    CHECK_STRING(caller.user, ANNA);
    CHECK(caller.uid == NULL);
    CHECK(strstr(caller.groups_json, "\"students\"") != NULL);
    CHECK(strstr(caller.groups_json, "\"class-b\"") != NULL);
    CHECK(strstr(caller.groups_json, "\"system:authenticated\"") != NULL);
    CHECK_INT(by_certificate("CN=ops", NULL, -60, 3600), 0);
    CHECK_STRING(caller.groups_json, "[\"system:authenticated\"]");
    CHECK_INT(by_certificate("CN=ops", GNUTLS_KP_ANY, -60, 3600), 0);
}

TEST(a_certificate_of_another_kind_is_refused)
{
    static const struct {
        const char *dn, *purpose;
        int64_t from, to;
        const char *why;
    } cases[] = {
        {"CN=a", GNUTLS_KP_TLS_WWW_SERVER, -60, 3600, "is not for clients"},
        {"CN=a", CLIENT, -60, -1, "has expired"},
        {"CN=a", CLIENT, 60, 3600, "is not valid yet"},
        {"O=students", CLIENT, -60, 3600, "names no user"},
        {NULL, CLIENT, -60, 3600, "names no user"},
        {"CN=a,CN=b", CLIENT, -60, 3600, "names two users"},
        {"CN=system:anonymous", CLIENT, -60, 3600, "nobody in particular"},
        {"CN=a,O=system:unauthenticated", CLIENT, -60, 3600, "nobody in particular"},
    };
    engine_begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(by_certificate(cases[i].dn, cases[i].purpose, cases[i].from, cases[i].to),
                  -ERR_UNAUTHORIZED);
        if (strstr(err.text, cases[i].why) == NULL)
            TEST_FAIL("%s: %s", cases[i].why, err.text);
    }
    CHECK_INT(access_authenticate_certificate(&engine_arena, "no", 2, &caller, &err),
              -ERR_UNAUTHORIZED);
    CHECK_INT(access_authenticate_certificate(&engine_arena, "", 0, &caller, &err),
              -ERR_UNAUTHORIZED);
}

TEST(a_name_with_a_nul_in_it_is_no_name)
{
    engine_begin();
    const struct subject subject = {"CN=root-x-suffix", CLIENT, -60, 3600};
    gnutls_datum_t der = make_certificate(&subject);
    unsigned char *at = memmem(der.data, der.size, "root-x-suffix", 13);
    /* Twice: the issuer is the same. */
    for (; at != NULL;
         at = memmem(at + 4, der.size - (size_t)(at + 4 - der.data), "root-x-suffix", 13))
        at[4] = '\0';
    CHECK_INT(access_authenticate_certificate(&engine_arena, der.data, der.size, &caller, &err),
              -ERR_UNAUTHORIZED);
    CHECK_STRING(err.text, "the client certificate's user (CN) or group (O) is not plain text");
    gnutls_free(der.data);
}

TEST(a_name_is_taken_as_it_is_signed)
{
    engine_begin();
    CHECK_INT(by_certificate("O=a\\,b,OU=d,CN=Jos\xc3\xa9 \\\"x\\\"", CLIENT, -60, 3600), 0);
    CHECK_STRING(caller.user, "Jos\xc3\xa9 \"x\"");
    CHECK_STRING(caller.groups_json, "[\"a,b\",\"system:authenticated\"]");
}

TEST_MAIN
