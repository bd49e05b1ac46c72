/* Letters reach who wants to know, whatever happens on the way: against a receiver and an API
 * server of the test's own, on SQLite and (tests/store/run) PostgreSQL. */
#include "base/clock.h"
#include "base/log.h"
#include "recorder/metrics.h"
#include "recorder/notify_internal.h"
#include "tests/unit/history/store_fixture.h"
#include "tests/unit/recorder/receiver.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KEY_1 "a-key-of-at-least-16-bytes"
#define KEY_2 "another-key-that-is-older"

/* ---- what was received ------------------------------------------------------------------ */

struct received {
    char delivery[512], timestamp[512], signature[512], type[512], authorization[512];
    char line[256], body[4096];
};

static struct receiver hook, api;
static struct received seen[64]; /* of the hook; seen[0] is the first */
static struct received events[64];
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;

/* What was noted is read after this: by another thread. */
static const struct received *noted(const struct received *all, int number)
{
    pthread_mutex_lock(&noting);
    pthread_mutex_unlock(&noting);
    return &all[number];
}

static void note(struct received *all, const struct receiver_request *request)
{
    if (request->number > 64)
        return;
    struct received *one = &all[request->number - 1];
    pthread_mutex_lock(&noting);
    receiver_header(request, "Proctor-Delivery", one->delivery);
    receiver_header(request, "Proctor-Timestamp", one->timestamp);
    receiver_header(request, "Proctor-Signature", one->signature);
    receiver_header(request, "Content-Type", one->type);
    receiver_header(request, "Authorization", one->authorization);
    snprintf(one->line, sizeof one->line, "%.*s", (int)strcspn(request->head, "\r"), request->head);
    snprintf(one->body, sizeof one->body, "%s", request->body);
    pthread_mutex_unlock(&noting);
}

static void take(const struct receiver_request *request)
{
    note(seen, request);
    receiver_answer(request, "204 No Content", "", "");
}

static void fail_twice(const struct receiver_request *request)
{
    note(seen, request);
    receiver_answer(request, request->number <= 2 ? "500 Oh" : "200 OK", "", "x");
}

static void redirect_first(const struct receiver_request *request)
{
    note(seen, request);
    receiver_answer(request, request->number == 1 ? "302 Found" : "200 OK",
                    "Location: http://127.0.0.1:1/elsewhere\r\n", "");
}

static void close_first(const struct receiver_request *request)
{
    note(seen, request);
    if (request->number > 1)
        receiver_answer(request, "200 OK", "", "");
}

static void refuse(const struct receiver_request *request)
{
    note(seen, request);
    receiver_answer(request, "500 Oh", "", "");
}

/* Answers 200 with more than anybody wants. */
static void babble(const struct receiver_request *request)
{
    note(seen, request);
    dprintf(request->socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        if (dprintf(request->socket, "1000\r\n%04096d\r\n", i) < 0)
            return;
}

static atomic_bool let_go;

static void hang(const struct receiver_request *request)
{
    note(seen, request);
    while (!atomic_load(&let_go))
        usleep(1000);
    receiver_answer(request, "200 OK", "", "");
}

#define STATUS(code, reason)                                                                       \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":" code             \
    ",\"reason\":\"" reason "\",\"message\":\"said by the test\"}"

static void take_event(const struct receiver_request *request)
{
    note(events, request);
    receiver_answer(request, "201 Created", "", "{\"kind\":\"Event\",\"apiVersion\":\"v1\"}");
}

static void have_event(const struct receiver_request *request)
{
    note(events, request);
    receiver_answer(request, "409 Conflict", "", STATUS("409", "AlreadyExists"));
}

static void refuse_event(const struct receiver_request *request)
{
    note(events, request);
    receiver_answer(request, "422 Unprocessable Entity", "", STATUS("422", "Invalid"));
}

/* ---- driving it ------------------------------------------------------------------------- */

static char key_path[FIXTURE_PATH_BYTES], hook_url[128], api_url[128];
static struct kube_config kube = {.origin = "a test", .token = "the-recorders-own"};
static struct notify_options options;
static struct store *store;
static struct notify *notify;
static int64_t project, revision;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        TEST_FAIL("%s cannot be written", path);
}

static void install(void)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 256 * LIMIT_MIB);
        log_configure(LOG_ERROR + 1, LOG_TEXT);
    }
    installed = true;
}

/* Two sinks or one; whose letters nobody takes are put into the outbox all the same. */
static void begin(void (*hook_script)(const struct receiver_request *),
                  void (*api_script)(const struct receiver_request *))
{
    static const char *const both[] = {NOTIFY_SINK_WEBHOOK, NOTIFY_SINK_KUBERNETES, NULL};
    static const char *const one[] = {NOTIFY_SINK_WEBHOOK, NULL};
    bool leads;
    install();
    arena_reset(&arena, LIMIT_MIB);
    fixture_path("keys", key_path);
    write_file(key_path, KEY_1 "\n" KEY_2 "\n");
    atomic_store(&let_go, false);
    memset(seen, 0, sizeof seen);
    memset(events, 0, sizeof events);
    OK(store_open(
        &(struct store_options){.url = fixture_url(), .sinks = api_script != NULL ? both : one},
        &store, err));
    OK(store_lead(store, &leads, err));
    OK(store_project(store, "hydrosim-students", "student-2024001", &project, err));
    revision = fixture_insert(store, project,
                              (struct revision){.seq = 3, .uid = "uid-of-it", .status = 0});
    receiver_start(&hook, hook_script);
    snprintf(hook_url, sizeof hook_url, "http://127.0.0.1:%u/hook?for=us", hook.port);
    options = (struct notify_options){
        .store = store, .url = hook_url, .key_file = key_path, .retry_us = 20000, .call_ms = 500};
    if (api_script == NULL)
        return;
    receiver_start(&api, api_script);
    snprintf(api_url, sizeof api_url, "http://127.0.0.1:%u", api.port);
    kube.server = api_url;
    options.kube = &kube;
}

static void start(void)
{
    OK(notify_start(&options, &notify, err));
}

static void end(void)
{
    atomic_store(&let_go, true);
    notify_stop(notify);
    notify = NULL;
    receiver_stop(&hook);
    if (options.kube != NULL)
        receiver_stop(&api);
    store_close(store);
}

static int64_t add_event(const char *type, const char *message)
{
    const struct store_event event = {.project = project,
                                      .revision = revision,
                                      .at = 1763726400000000,
                                      .type = type,
                                      .message = message,
                                      .details = "{\"a\":1}"};
    int64_t id = 0;
    OK(store_event(store, &event, &id, err));
    notify_wake(notify);
    return id;
}

static int64_t outbox(void)
{
    struct store_figures figures;
    OK(store_figures(store, &figures, err));
    return figures.outbox;
}

/* Until the condition holds; no time is asserted, only that it comes. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        for (int turns = 0; !(condition); turns++) {                                               \
            if (turns == 6000)                                                                     \
                TEST_FAIL("it never came: %s", #condition);                                        \
            usleep(5000);                                                                          \
        }                                                                                          \
    } while (0)

static int requests(struct receiver *receiver)
{
    return atomic_load(&receiver->requests);
}

/* By the receiver's example, with the key file as it is. */
static bool is_genuine(const struct received *one, const char *body)
{
    int ends[2], status = -1;
    if (pipe(ends) != 0)
        TEST_FAIL("no pipe");
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        close(ends[1]);
        execlp("python3", "python3", "tests/recorder/verify_signature.py", key_path, one->delivery,
               one->timestamp, one->signature, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    dprintf(ends[1], "%s", body);
    close(ends[1]);
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        TEST_FAIL("the verifier ended with %d", status);
    return WEXITSTATUS(status) == 0;
}

/* ---- the webhook ------------------------------------------------------------------------ */

TEST(an_event_is_posted_and_signed)
{
    char want[1024];
    begin(take, NULL);
    start();
    const int64_t id = add_event("deployment_failed", "it \"fell\"\n");
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 1);
    CHECK_STRING(noted(seen, 0)->line, "POST /hook?for=us HTTP/1.1");
    CHECK_STRING(noted(seen, 0)->type, "application/json");
    CHECK_STRING(noted(seen, 0)->authorization, "");
    snprintf(want, sizeof want,
             "{\"id\":%lld,\"project\":\"student-2024001\",\"deployment\":%lld,"
             "\"type\":\"deployment_failed\",\"at\":\"2025-11-21T12:00:00.000000Z\","
             "\"service\":null,\"message\":\"it \\\"fell\\\"\\n\",\"details\":{\"a\":1}}",
             (long long)id, (long long)revision);
    CHECK_STRING(noted(seen, 0)->body, want);
    CHECK(is_genuine(noted(seen, 0), noted(seen, 0)->body));
    CHECK(!is_genuine(noted(seen, 0), "{}"));
    /* Each key alone is enough: a receiver knows the old or the new one. */
    write_file(key_path, KEY_1);
    CHECK(is_genuine(noted(seen, 0), noted(seen, 0)->body));
    write_file(key_path, KEY_2);
    CHECK(is_genuine(noted(seen, 0), noted(seen, 0)->body));
    write_file(key_path, "a-key-that-nobody-has-used");
    CHECK(!is_genuine(noted(seen, 0), noted(seen, 0)->body));
    end();
}

TEST(keys_are_read_again)
{
    begin(take, NULL);
    start();
    add_event("paused", "1");
    EVENTUALLY(outbox() == 0);
    write_file(key_path, "a-key-that-is-quite-new\n" KEY_1 "\n");
    add_event("resumed", "2");
    EVENTUALLY(outbox() == 0);
    write_file(key_path, "a-key-that-is-quite-new\n");
    CHECK(!is_genuine(noted(seen, 0), noted(seen, 0)->body));
    CHECK(is_genuine(noted(seen, 1), noted(seen, 1)->body));
    /* A file that is gone for a moment is no reason to send unsigned, or to lose. */
    const int64_t before = metrics_get(METRICS_LETTERS_RETRIED);
    CHECK_INT(unlink(key_path), 0);
    add_event("paused", "3");
    EVENTUALLY(metrics_get(METRICS_LETTERS_RETRIED) > before);
    CHECK_INT(requests(&hook), 2);
    write_file(key_path, KEY_1);
    EVENTUALLY(outbox() == 0);
    CHECK(is_genuine(noted(seen, 2), noted(seen, 2)->body));
    end();
}

static void check_comes_again(void (*script)(const struct receiver_request *), int tries)
{
    begin(script, NULL);
    start();
    add_event("deployment_started", "one");
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), tries);
    for (int i = 1; i < tries; i++) {
        CHECK_STRING(noted(seen, i)->delivery, noted(seen, 0)->delivery);
        CHECK_STRING(noted(seen, i)->body, noted(seen, 0)->body);
        CHECK_STRING(noted(seen, i)->line, "POST /hook?for=us HTTP/1.1");
        CHECK(is_genuine(noted(seen, i), noted(seen, i)->body));
    }
    end();
}

TEST(what_fails_comes_again_as_the_same)
{
    check_comes_again(fail_twice, 3);
}
TEST(a_redirect_is_not_followed)
{
    check_comes_again(redirect_first, 2);
}
TEST(a_closed_connection_is_no_delivery)
{
    check_comes_again(close_first, 2);
}
TEST(a_long_answer_is_an_answer)
{
    check_comes_again(babble, 1);
}

TEST(letters_come_in_their_order)
{
    begin(take, NULL);
    for (int i = 0; i < 20; i++)
        add_event("paused", "x");
    start();
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 20);
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        const int64_t id = strtoll(strchr(noted(seen, i)->delivery, '-') + 1, NULL, 10);
        CHECK(id > last);
        last = id;
    }
    end();
}

TEST(a_receiver_that_hangs_holds_up_no_other)
{
    begin(hang, take_event);
    options.call_ms = 60000;
    start();
    add_event("deployment_completed", "done");
    EVENTUALLY(requests(&api) == 1 && requests(&hook) == 1);
    add_event("deployment_started", "next");
    EVENTUALLY(requests(&api) == 2);
    EVENTUALLY(outbox() == 2);
    CHECK_INT(requests(&hook), 1);
    atomic_store(&let_go, true);
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 2);
    end();
}

TEST(a_try_that_takes_too_long_is_made_again)
{
    begin(hang, NULL);
    options.call_ms = 100;
    const int64_t before = metrics_get(METRICS_LETTERS_RETRIED);
    start();
    add_event("deployment_completed", "done");
    EVENTUALLY(metrics_get(METRICS_LETTERS_RETRIED) > before);
    atomic_store(&let_go, true);
    EVENTUALLY(outbox() == 0);
    CHECK(requests(&hook) >= 2);
    CHECK_STRING(noted(seen, 1)->delivery, noted(seen, 0)->delivery);
    end();
}

TEST(a_stop_does_not_wait_for_a_receiver_that_hangs)
{
    begin(hang, NULL);
    options.call_ms = 3600000;
    start();
    add_event("deployment_completed", "done");
    EVENTUALLY(requests(&hook) == 1);
    notify_stop(notify); /* would take the hour, or the test's own end */
    notify = NULL;
    CHECK_INT(outbox(), 1);
    end();
}

TEST(nobody_there_loses_nothing)
{
    begin(take, NULL);
    receiver_stop(&hook);
    start();
    for (int i = 0; i < 6; i++)
        add_event("paused", "x");
    const int64_t before = metrics_get(METRICS_LETTERS_RETRIED);
    EVENTUALLY(metrics_get(METRICS_LETTERS_RETRIED) >= before + 2);
    CHECK_INT(outbox(), 6);
    notify_stop(notify);
    receiver_start(&hook, take);
    snprintf(hook_url, sizeof hook_url, "http://127.0.0.1:%u/hook?for=us", hook.port);
    start();
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 6);
    end();
}

TEST(what_nobody_ever_takes_is_given_up_and_counted)
{
    begin(refuse, NULL);
    options.retry_us = 100;
    options.give_up_us = 1;
    const int64_t before = metrics_get(METRICS_LETTERS_DROPPED);
    start();
    add_event("paused", "x");
    EVENTUALLY(outbox() == 0);
    CHECK_INT(metrics_get(METRICS_LETTERS_DROPPED), before + 1);
    CHECK_INT(requests(&hook), 10);
    end();
}

/* Another process, which is killed while its letter is on its way: this program, run again (a fork
 * alone would inherit locks of threads that it has not). */
TEST(the_one_that_is_killed)
{
    static const char *const sinks[] = {NOTIFY_SINK_WEBHOOK, NULL};
    const char *url = getenv("PROCTOR_TEST_KILLED");
    bool leads;
    int64_t id;
    if (url == NULL)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the test fails */
    install();
    OK(store_open(&(struct store_options){.url = url, .sinks = sinks}, &store, err));
    OK(store_lead(store, &leads, err));
    OK(store_project(store, "hydrosim-students", "student-2024001", &project, err));
    options = (struct notify_options){.store = store,
                                      .url = getenv("PROCTOR_TEST_HOOK"),
                                      .key_file = getenv("PROCTOR_TEST_KEYS"),
                                      .call_ms = 500}; /* its lease is of some of these */
    start();
    const struct store_event event = {.project = project, .at = 1, .type = "paused"};
    OK(store_event(store, &event, &id, err));
    notify_wake(notify);
    for (;;)
        pause();
}

static pid_t run_again(const char *url)
{
    setenv("PROCTOR_TEST_KILLED", url, 1);
    setenv("PROCTOR_TEST_HOOK", hook_url, 1);
    setenv("PROCTOR_TEST_KEYS", key_path, 1);
    const pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_notify", "the_one_that_is_killed", (char *)NULL);
        _exit(127);
    }
    unsetenv("PROCTOR_TEST_KILLED");
    return child;
}

TEST(a_letter_outlives_a_kill)
{
    static const char *const sinks[] = {NOTIFY_SINK_WEBHOOK, NULL};
    bool leads;
    int status;
    begin(hang, NULL);
    char *url = strdup(fixture_url());
    const pid_t child = run_again(url);
    EVENTUALLY(requests(&hook) == 1);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    store_close(store);
    OK(store_open(&(struct store_options){.url = url, .sinks = sinks}, &store, err));
    OK(store_lead(store, &leads, err));
    CHECK_INT(outbox(), 1);
    atomic_store(&let_go, true);
    options.store = store;
    start();
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 2);
    CHECK_STRING(noted(seen, 1)->delivery, noted(seen, 0)->delivery);
    end();
    free(url);
}

TEST(a_letter_that_says_nothing_is_no_letter)
{
    int64_t id;
    begin(take, take_event);
    OK(store_outbox_push(store, NOTIFY_SINK_WEBHOOK, NULL, clock_unix_us(), &id, err));
    OK(store_outbox_push(store, NOTIFY_SINK_KUBERNETES, NULL, clock_unix_us(), &id, err));
    OK(store_outbox_push(store, NOTIFY_SINK_WEBHOOK, "{\"own\":1}", clock_unix_us(), &id, err));
    start();
    EVENTUALLY(outbox() == 0);
    CHECK_INT(requests(&hook), 1);
    CHECK_INT(requests(&api), 0);
    CHECK_STRING(noted(seen, 0)->body, "{\"own\":1}");
    end();
}

TEST(a_start_with_wrong_settings_says_so)
{
    static const struct {
        const char *url, *keys, *ca, *words;
        int code;
    } cases[] = {
        {"", KEY_1, NULL, "is none", ERR_USAGE},
        {"receiver.example/hook", KEY_1, NULL, "is none", ERR_USAGE},
        {"ftp://receiver.example/", KEY_1, NULL, "is no https://", ERR_USAGE},
        {"http://receiver.example/", KEY_1, NULL, "http:// to another machine", ERR_USAGE},
        {"http://127.evil.example/", KEY_1, NULL, "http:// to another machine", ERR_USAGE},
        {"http://localhost.evil.example/", KEY_1, NULL, "http:// to another machine", ERR_USAGE},
        {"http://localhost@evil.example/", KEY_1, NULL, "name or password", ERR_USAGE},
        {"https://a:b@receiver.example/", KEY_1, NULL, "name or password", ERR_USAGE},
        {"https://receiver.example/a b", KEY_1, NULL, "is none", ERR_USAGE},
        {"https://receiver.example/a\r\nX: y", KEY_1, NULL, "is none", ERR_USAGE},
        {"https://receiver.example/#a", KEY_1, NULL, "is none", ERR_USAGE},
        {"https://receiver.example/", "", NULL, "no key", ERR_USAGE},
        {"https://receiver.example/", "short\n", NULL, "shorter than 16", ERR_USAGE},
        {"https://receiver.example/", KEY_1 "\nshort\n", NULL, "shorter than 16", ERR_USAGE},
        {"https://receiver.example/", KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1, NULL,
         "more than 4 keys", ERR_USAGE},
        {"https://receiver.example/", KEY_1, "tests/no-such-file", "no-such-file", ERR_IO},
        {"https://receiver.example/", KEY_1, "Makefile", "no certificate", ERR_CERT},
    };
    begin(take, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(key_path, cases[i].keys);
        options.url = cases[i].url;
        options.ca_file = cases[i].ca;
        FAILS(notify_start(&options, &notify, err), (int)cases[i].code, cases[i].words);
    }
    options.ca_file = NULL;
    CHECK_INT(unlink(key_path), 0);
    FAILS(notify_start(&options, &notify, err), ERR_IO, key_path);
    options.key_file = NULL;
    FAILS(notify_start(&options, &notify, err), ERR_USAGE, "needs a file of keys");
    end();
}

TEST(pauses_grow_up_to_ten_minutes)
{
    CHECK_INT(notify_pause_us(1000000, 1, 0), 1000000);
    CHECK_INT(notify_pause_us(1000000, 2, 0), 2000000);
    CHECK_INT(notify_pause_us(1000000, 5, 0), 16000000);
    CHECK_INT(notify_pause_us(1000000, 40, 0), 600000000);
    CHECK_INT(notify_pause_us(1000000, 4000000, 0), 600000000);
    for (uint32_t random = 0; random < 5000; random += 7) {
        const int64_t pause = notify_pause_us(1000000, 3, random);
        CHECK(pause >= 4000000 && pause <= 4800000);
    }
}

/* ---- Kubernetes Events ------------------------------------------------------------------ */

TEST(an_event_stands_on_the_deployment)
{
    begin(take, take_event);
    options.url = NULL;
    start();
    add_event("deployment_failed", "the image cannot be pulled");
    EVENTUALLY(requests(&api) == 1);
    CHECK(strncmp(noted(events, 0)->line, "POST /api/v1/namespaces/hydrosim-students/events?",
                  49) == 0);
    CHECK_STRING(noted(events, 0)->authorization, "Bearer the-recorders-own");
    cJSON *object;
    OK(json_parse(&arena, noted(events, 0)->body, strlen(noted(events, 0)->body),
                  &json_limits_review, &object, err));
    const cJSON *involved = json_get(object, "involvedObject");
    CHECK_STRING(json_get_string(involved, "kind"), "Deployment");
    CHECK_STRING(json_get_string(involved, "name"), "student-2024001");
    CHECK_STRING(json_get_string(involved, "namespace"), "hydrosim-students");
    CHECK_STRING(json_get_string(involved, "uid"), "uid-of-it");
    CHECK_STRING(json_get_string(object, "reason"), "DeploymentFailed");
    CHECK_STRING(json_get_string(object, "type"), "Warning");
    CHECK_STRING(json_get_string(object, "message"), "version 3: the image cannot be pulled");
    CHECK_STRING(json_get_string(object, "lastTimestamp"), "2025-11-21T12:00:00Z");
    end();
}

TEST(an_event_that_is_there_is_delivered)
{
    begin(take, have_event);
    options.url = NULL;
    const int64_t dropped = metrics_get(METRICS_LETTERS_DROPPED);
    start();
    add_event("paused", "x");
    EVENTUALLY(outbox() == 1); /* the webhook's, whom nobody serves here */
    CHECK_INT(requests(&api), 1);
    CHECK_INT(metrics_get(METRICS_LETTERS_DROPPED), dropped);
    end();
}

TEST(an_event_that_is_refused_is_given_up)
{
    begin(take, refuse_event);
    options.url = NULL;
    const int64_t dropped = metrics_get(METRICS_LETTERS_DROPPED);
    start();
    add_event("paused", "x");
    EVENTUALLY(metrics_get(METRICS_LETTERS_DROPPED) == dropped + 1);
    EVENTUALLY(outbox() == 1);
    CHECK_INT(requests(&api), 1);
    end();
}

static const char *event_text(const struct store_letter *letter, const char *name,
                              const char *member)
{
    const struct store_project_row row = {.namespace_ = "ns", .name = name};
    const cJSON *object = notify_events_write(&arena, letter, &row, NULL);
    return strcmp(member, "name") == 0 ? json_string(json_path(object, "metadata", "name", NULL))
                                       : json_get_string(object, member);
}

TEST(whatever_is_told_the_api_server_can_take_it)
{
    char name[254], message[5000];
    install();
    memset(name, 'a', 253);
    name[253] = '\0';
    name[187] = name[188] = '-';
    memset(message, 0xc3, sizeof message - 1);
    for (size_t i = 1; i < sizeof message - 1; i += 2)
        message[i] = (char)0xa4;
    message[sizeof message - 1] = '\0';
    struct store_letter letter = {.id = INT64_MAX,
                                  .created_at = INT64_MAX,
                                  .event = {.type = "image_pull_failed", .message = message}};
    CHECK(strlen(event_text(&letter, name, "name")) <= 253);
    CHECK(strstr(event_text(&letter, name, "name"), "a.7fff") != NULL);
    CHECK(strlen(event_text(&letter, name, "message")) <= 1024);
    CHECK(strlen(event_text(&letter, name, "message")) >= 1020);
    CHECK_STRING(event_text(&letter, name, "reason"), "ImagePullFailed");
    letter.event.message = "a\x1b[31mb\r\nc";
    CHECK(strpbrk(event_text(&letter, "a", "message"), "\x1b\r\n") == NULL);
    letter.event.message = NULL;
    CHECK_STRING(event_text(&letter, "a", "message"), "image_pull_failed");
    letter.event.type = "resumed";
    CHECK_STRING(event_text(&letter, "a", "type"), "Normal");
    letter.event.type = NULL;
    CHECK_STRING(event_text(&letter, "a", "reason"), "Told");
    /* The same letter has the same name, another has another. */
    CHECK_STRING(event_text(&letter, "a", "name"), event_text(&letter, "a", "name"));
    const char *before = event_text(&letter, "a", "name");
    letter.id--;
    CHECK(strcmp(before, event_text(&letter, "a", "name")) != 0);
}

TEST_MAIN
