/* Which kubeconfig counts, what it says, and every way in which it can be wrong. */
#include "base/buf.h"
#include "base/limits.h"
#include "certs/issue.h"
#include "client/kubeconfig.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena arena;
static char folder[64];

static void write_bytes(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        TEST_FAIL("cannot write %s", path);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void write_pair(time_t now, const char *cert, const char *key, const char *ca)
{
    static const char *const names[] = {"anna"};
    const struct issue_names issued = {.dns = names, .dns_count = 1};
    struct folder_set set;
    struct err err;
    if (issue_set(&issued, now, 10, 1, &set, &err) < 0)
        TEST_FAIL("%s", err.text);
    write_bytes(cert, set.files[FOLDER_TLS_CERT].data, set.files[FOLDER_TLS_CERT].length);
    write_bytes(key, set.files[FOLDER_TLS_KEY].data, set.files[FOLDER_TLS_KEY].length);
    write_bytes(ca, set.files[FOLDER_CA_CERT].data, set.files[FOLDER_CA_CERT].length);
    folder_set_done(&set);
}

static void leave(void)
{
    if (fork() == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(1);
    }
    wait(NULL);
}

/* In a folder of its own, where the paths of messages are short, with no account and no home. */
static void begin(void)
{
    if (folder[0] == '\0') {
        arena_install_cjson_hooks();
        strcpy(folder, "/tmp/proctor-kubeconfig-XXXXXX");
        if (mkdtemp(folder) == NULL || chdir(folder) != 0)
            abort();
        atexit(leave);
        write_pair(time(NULL), "anna.crt", "anna.key", "ca.crt");
        write_pair(1700000000, "old.crt", "old.key", "old-ca.crt");
        mkdir("home", 0700);
        mkdir("home/.kube", 0700);
        mkdir("other", 0700);
    }
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    setenv("HOME", "nowhere", 1);
}

static const struct kube_config *load(const struct kubeconfig_choice *choice)
{
    const struct kube_config *config = NULL;
    struct err err;
    if (kubeconfig_load(&arena, choice, &config, &err) < 0)
        TEST_FAIL("%s", err.text);
    return config;
}

static const char *failure(const struct kubeconfig_choice *choice)
{
    static struct err err;
    const struct kube_config *config = NULL;
    if (kubeconfig_load(&arena, choice, &config, &err) >= 0)
        TEST_FAIL("it is loaded");
    CHECK(config == NULL);
    CHECK_INT(err.code, ERR_KUBECONFIG);
    return err.text;
}

static const struct kubeconfig_choice named = {.path = "config"};

/* A kubeconfig of one context, with these members of its cluster and user. */
static void write_config(const char *path, const char *cluster, const char *user)
{
    char text[4096];
    snprintf(text, sizeof text,
             "apiVersion: v1\n"
             "kind: Config\n"
             "current-context: here\n"
             "contexts:\n"
             "- name: here\n"
             "  context: {cluster: c, user: anna}\n"
             "clusters:\n"
             "- name: c\n"
             "  cluster: {%s}\n"
             "users:\n"
             "- name: anna\n"
             "  user: {%s}\n",
             cluster, user);
    write_text(path, text);
}

#define SERVER "server: 'https://h:6443/'"

/* ---- what it says ----------------------------------------------------------------------- */

TEST(kubeconfig_says_where_and_who)
{
    begin();
    write_config("config",
                 SERVER
                 ", certificate-authority: ca.crt, tls-server-name: name, proxy-url: 'http://p'",
                 "client-certificate: anna.crt, client-key: anna.key, token: t, as: bob,"
                 " as-groups: [a, b]");
    const struct kube_config *config = load(&named);
    CHECK_STRING(config->origin, "config, context \"here\"");
    CHECK_STRING(config->server, "https://h:6443");
    CHECK(strstr(config->ca_pem, "BEGIN CERTIFICATE") != NULL);
    CHECK(strstr(config->client_cert_pem, "BEGIN CERTIFICATE") != NULL);
    CHECK(strstr(config->client_key_pem, "BEGIN PRIVATE KEY") != NULL);
    CHECK_STRING(config->tls_server_name, "name");
    CHECK_STRING(config->proxy_url, "http://p");
    CHECK_STRING(config->token, "t");
    CHECK_STRING(config->as_user, "bob");
    CHECK_STRING(config->as_groups[1], "b");
    CHECK(config->as_groups[2] == NULL && !config->insecure && config->exec == NULL);
    CHECK_STRING(config->namespace_, "default");
}

TEST(kubeconfig_data_goes_before_files)
{
    begin();
    size_t length;
    char *pem = test_read_file("ca.crt", &length);
    struct buf cluster;
    buf_init(&cluster, &arena, LIMIT_MIB);
    buf_add_string(&cluster, SERVER ", certificate-authority: missing,"
                                    " certificate-authority-data: \"");
    buf_add_base64(&cluster, pem, length);
    buf_add_string(&cluster, "\"");
    write_config("config", cluster.data, "");
    const bool same = strcmp(load(&named)->ca_pem, pem) == 0;
    free(pem);
    CHECK(same);
}

TEST(kubeconfig_relative_paths_are_beside_the_file)
{
    begin();
    write_text("other/token", "t\n");
    write_config("other/config", SERVER ", certificate-authority: ../ca.crt",
                 "tokenFile: token, exec: {apiVersion: client.authentication.k8s.io/v1,"
                 " command: bin/plugin, args: [a], env: [{name: NAME, value: v}],"
                 " interactiveMode: Always, provideClusterInfo: true, installHint: h}");
    const struct kube_config *config = load(&(struct kubeconfig_choice){.path = "other/config"});
    CHECK(config->ca_pem != NULL);
    CHECK_STRING(config->token_file, "other/token");
    CHECK_STRING(config->exec->argv[0], "other/bin/plugin");
    CHECK_STRING(config->exec->argv[1], "a");
    CHECK(config->exec->argv[2] == NULL && config->exec->provides_cluster_info);
    CHECK_STRING(config->exec->environment[0], "NAME=v");
    CHECK_STRING(config->exec->install_hint, "h");
    CHECK_INT(config->exec->interactive, KUBE_INTERACTIVE_ALWAYS);
}

TEST(kubeconfig_program_without_a_slash_is_looked_up)
{
    begin();
    write_config("config", SERVER,
                 "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: plugin}");
    CHECK_STRING(load(&named)->exec->argv[0], "plugin");
}

TEST(kubeconfig_files_are_merged_and_the_first_wins)
{
    begin();
    write_text("one", "current-context: far\n"
                      "contexts: [{name: near, context: {cluster: c, user: u, namespace: one}}]\n"
                      "users: [{name: u, user: {token: one}}]\n");
    write_config("two", SERVER, "token: two");
    write_text("three", "current-context: near\n"
                        "contexts: [{name: far, context: {cluster: c, user: v}},"
                        " {name: near, context: {cluster: c, namespace: three}}]\n"
                        "users: [{name: u, user: {token: three, as: x}},"
                        " {name: v, user: {token: v}}]\n");
    setenv("KUBECONFIG", "one::missing:two:three", 1);
    const struct kube_config *config = load(&(struct kubeconfig_choice){.context = "near"});
    CHECK_STRING(config->namespace_, "one");
    CHECK_STRING(config->token, "one");
    CHECK(config->as_user == NULL);
    config = load(&(struct kubeconfig_choice){.path = NULL});
    CHECK_STRING(config->origin, "three, context \"far\"");
    CHECK_STRING(config->token, "v");
}

TEST(kubeconfig_named_file_goes_before_the_environment_and_home)
{
    begin();
    setenv("HOME", "home", 1);
    write_config("home/.kube/config", SERVER, "token: home");
    write_config("two", SERVER, "token: two");
    write_config("config", SERVER, "token: named");
    CHECK_STRING(load(&(struct kubeconfig_choice){.path = NULL})->token, "home");
    setenv("KUBECONFIG", "", 1);
    CHECK_STRING(load(&(struct kubeconfig_choice){.path = NULL})->token, "home");
    setenv("KUBECONFIG", "two", 1);
    CHECK_STRING(load(&(struct kubeconfig_choice){.path = NULL})->token, "two");
    CHECK_STRING(load(&named)->token, "named");
    CHECK_STRING(load(&(struct kubeconfig_choice){.path = "config", .as_user = "bob"})->as_user,
                 "bob");
}

TEST(kubeconfig_may_be_json_and_come_through_a_pipe)
{
    begin();
    int ends[2];
    char path[32];
    CHECK(pipe(ends) == 0);
    static const char text[] =
        "{\"current-context\": \"a\","
        "\"contexts\": [{\"name\": \"a\", \"context\": {\"cluster\": \"c\"}}],"
        "\"clusters\": [{\"name\": \"c\", \"cluster\":"
        " {\"server\": \"http://127.0.0.1:8001\"}}]}";
    CHECK(write(ends[1], text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    const struct kube_config *config = load(&(struct kubeconfig_choice){.path = path});
    close(ends[0]);
    CHECK_STRING(config->server, "http://127.0.0.1:8001");
    CHECK(config->token == NULL);
}

/* ---- files that are none ---------------------------------------------------------------- */

TEST(kubeconfig_absent_is_told_with_where_it_was_looked_for)
{
    begin();
    unlink("config");
    CHECK_STRING(failure(&named), "config: cannot be opened: No such file or directory");
    setenv("KUBECONFIG", "nope:nothing", 1);
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = NULL}),
                 "KUBECONFIG names nope:nothing, which does not exist");
}

TEST(kubeconfig_in_place_of_a_file)
{
    begin();
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = "other"}),
                 "other: is no file but a folder");
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = "/dev/zero"}),
                 "/dev/zero: is no file");
    unlink("pipe");
    CHECK(mkfifo("pipe", 0600) == 0); /* nobody writes: it is not waited for */
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = "pipe"}),
                 "pipe: has no current-context: name one with --context (there are none)");
    CHECK(symlink("loop", "loop") == 0);
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = "loop"}),
                 "loop: cannot be opened: Too many levels of symbolic links");
}

TEST(kubeconfig_of_many_megabytes_is_not_read)
{
    begin();
    write_text("large", "a: b\n");
    CHECK(truncate("large", 100L * 1024L * 1024L) == 0);
    CHECK_STRING(failure(&(struct kubeconfig_choice){.path = "large"}),
                 "large: is larger than 4096 KiB");
}

TEST(kubeconfig_limit_is_exact)
{
    begin();
    write_config("config", SERVER, "token: t");
    int fd = open("config", O_WRONLY | O_APPEND);
    struct stat status;
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    for (size_t left = LIMIT_KUBECONFIG_BYTES - (size_t)status.st_size; left > 0; left--)
        CHECK(write(fd, "\n", 1) == 1);
    CHECK_STRING(load(&named)->token, "t");
    CHECK(write(fd, "\n", 1) == 1);
    close(fd);
    CHECK_STRING(failure(&named), "config: is larger than 4096 KiB");
}

/* Root reads everything, so that a child which is nobody looks. */
static void check_unreadable(void)
{
    struct err err;
    const struct kube_config *config;
    const bool nobody = geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
    const bool right = nobody &&
                       kubeconfig_load(&arena, &named, &config, &err) == -ERR_KUBECONFIG &&
                       strstr(err.text, "Permission denied") != NULL;
    _exit(right ? 0 : 1);
}

TEST(kubeconfig_without_the_right_to_read_it)
{
    begin();
    int status = 1;
    write_config("config", SERVER, "token: t");
    CHECK(chmod("config", 0) == 0);
    const pid_t child = fork();
    if (child == 0)
        check_unreadable();
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    unlink("config");
}

/* ---- texts that are wrong ---------------------------------------------------------------- */

#define HEAD    "current-context: a\n"
#define CONTEXT HEAD "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
#define CLUSTER CONTEXT "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"

static const struct {
    const char *text;
    const char *words;
} wrong_files[] = {
    {"", "has no current-context: name one with --context (there are none)"},
    {"a: [", "is not YAML: 2:1: "},
    {"\t", "is not YAML: 1:1: "},
    {"a: 1\na: 2\n", "is not YAML: 2:1: "},
    {"a: &a [*a]\n", "is not YAML: 1:"},
    {"a: !!python/object x\n", "is not YAML: 1:4: "},
    {"\xff\xfe", "is not YAML"},
    {"hello", "is no kubeconfig, but a string"},
    {"[]", "is no kubeconfig, but an array"},
    {"kind: Pod\n", "is no kubeconfig, but has the kind Pod"},
    {"kind: \"Po\\x1bd\"\n", "is no kubeconfig, but has the kind Po?d"},
    {"a: b\n---\nc: d\n", "line 3: has 2 documents: a kubeconfig is one"},
    {"clusters: {}\n", "line 1: clusters is an object, not a list"},
    {"\nusers: [a]\n", "line 2: an item of users without a name"},
    {"users: [{name: u, user: x}]\n", "line 1: user is a string, not an object"},
    {"current-context: 1\n", "line 1: current-context is no string: quote it"},
    {"contexts: [{name: a}, {name: b}]\n",
     "has no current-context: name one with --context (there are: a, b)"},
    {"current-context: c\ncontexts: [{name: a}, {name: b}]\n",
     "has no context \"c\" (there are: a, b)"},
    {HEAD "contexts: [{name: a}]\n", "line 2: context \"a\" names no cluster"},
    {HEAD "contexts: [{name: a, context: {cluster: 7}}]\n",
     "line 2: context \"a\": cluster is a number, not a string: quote it"},
    {CONTEXT, "line 2: context \"a\" names the cluster \"c\", which does not exist"},
    {CLUSTER, "line 2: context \"a\" names the user \"u\", which does not exist"},
};

TEST(kubeconfig_wrong_files_are_told_with_their_line)
{
    for (size_t i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
        begin();
        write_text("config", wrong_files[i].text);
        const char *text = failure(&named);
        if (strncmp(text, "config: ", 8) != 0 ||
            strncmp(text + 8, wrong_files[i].words, strlen(wrong_files[i].words)) != 0)
            TEST_FAIL("%zu: is \"%s\", want \"%s\"", i, text, wrong_files[i].words);
    }
}

static const struct {
    const char *cluster, *user, *words;
} wrong_members[] = {
    {"", "", "line 8: cluster \"c\" has no server"},
    {"server: 7", "", "line 9: cluster \"c\": server is a number, not a string: quote it"},
    {"server: h:6443", "", "line 9: cluster \"c\": its server h:6443 is no address: write"},
    {"server: h", "", "line 9: cluster \"c\": its server h is no address: write https://HOST:PORT"},
    {"server: 'https://'", "", "line 9: cluster \"c\": its server https:// is no address: write"},
    {"server: 'ftp://h'", "", "line 9: cluster \"c\": its server ftp://h is no https:// address"},
    {"server: 'file:///etc/passwd'", "", "line 9: cluster \"c\": its server file:///etc/passwd is"},
    {"server: 'http://h'", "",
     "line 9: cluster \"c\": its server http://h is http:// to another machine, where anyone "
     "reads"},
    {"server: 'http://127.evil.example'", "", "line 9: cluster \"c\": its server http://127.evil"},
    {"server: 'https://u:secret@h'", "",
     "line 9: cluster \"c\": its server (not shown) has a name"},
    {"server: 'https://h?a=b'", "", "line 9: cluster \"c\": its server https://h?a=b has more"},
    {"server: \"https://h/\\r\\nX: y\"", "", "line 9: cluster \"c\": its server https://h/? X: y"},
    {SERVER ", certificate-authority: no", "",
     "line 9: cluster \"c\": certificate-authority is a boolean, not a string: quote it"},
    {SERVER ", certificate-authority: none", "",
     "line 9: cluster \"c\": certificate-authority none cannot be opened: No such file"},
    {SERVER ", certificate-authority: anna.key", "",
     "line 8: cluster \"c\": certificate-authority has no certificate in PEM"},
    {SERVER ", certificate-authority-data: '%'", "",
     "line 9: cluster \"c\": certificate-authority-data is not base64"},
    {SERVER ", certificate-authority-data: 'YWJ'", "",
     "line 9: cluster \"c\": certificate-authority-data is not base64 (cut off?)"},
    {SERVER ", certificate-authority-data: AAAA", "",
     "line 9: cluster \"c\": certificate-authority-data is base64 of something else than PEM"},
    {SERVER ", certificate-authority-data: YWJj", "",
     "line 8: cluster \"c\": certificate-authority has no certificate in PEM"},
    {SERVER ", certificate-authority: ca.crt, insecure-skip-tls-verify: true", "",
     "line 8: cluster \"c\": has insecure-skip-tls-verify beside a certificate-authority"},
    {SERVER ", insecure-skip-tls-verify: 'true'", "",
     "line 9: cluster \"c\": insecure-skip-tls-verify is a string, not a boolean"},
    {SERVER, "client-certificate: anna.crt",
     "line 11: user \"anna\": has a client-certificate without a client-key"},
    {SERVER, "client-key: anna.key",
     "line 11: user \"anna\": has a client-key without a client-certificate"},
    {SERVER, "client-certificate: anna.crt, client-key: old.key",
     "line 11: user \"anna\": the client key is not the certificate's"},
    {SERVER, "client-certificate: anna.key, client-key: anna.key",
     "line 11: user \"anna\": the client certificate is not PEM"},
    {SERVER, "client-certificate: anna.crt, client-key: anna.crt",
     "line 11: user \"anna\": the client key is not PEM, or is encrypted"},
    {SERVER, "client-certificate: old.crt, client-key: old.key",
     "line 11: user \"anna\": the client certificate expired on 2023-11-15T22:13:20Z: get a new"},
    {SERVER, "token: 12345", "line 12: user \"anna\": token is a number, not a string: quote it"},
    {SERVER, "token: \"a\\r\\nX-Remote-User: b\"",
     "line 12: user \"anna\": a control character in its token"},
    {SERVER, "tokenFile: none",
     "line 12: user \"anna\": tokenFile none cannot be opened: No such file or directory"},
    {SERVER, "username: a, password: b", "line 12: user \"anna\": username and password are not"},
    {SERVER, "auth-provider: {name: gcp}",
     "line 12: user \"anna\": auth-provider is not supported"},
    {SERVER, "as-user-extra: {a: [b]}, as: x",
     "line 12: user \"anna\": as-user-extra is not supported"},
    {SERVER, "as-groups: x", "line 12: user \"anna\": as-groups is a string, not a list"},
    {SERVER, "exec: x", "line 12: user \"anna\": exec is no object"},
    {SERVER, "exec: {command: x}", "line 12: user \"anna\": exec: apiVersion is not given, not"},
    {SERVER, "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}",
     "line 12: user \"anna\": exec: apiVersion is client.authentication.k8s.io/v1alpha1, not"},
    {SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1}",
     "line 12: user \"anna\": exec has no command"},
    {SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [{value: a}]}",
     "line 12: user \"anna\": exec: an env without a name"},
    {SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: [1]}",
     "line 12: user \"anna\": args is a number, not a list of strings"},
    {SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: a}",
     "line 12: user \"anna\": exec: interactiveMode is not Never, IfAvailable or Always"},
};

TEST(kubeconfig_wrong_members_are_told_with_their_line)
{
    for (size_t i = 0; i < sizeof wrong_members / sizeof wrong_members[0]; i++) {
        begin();
        write_config("config", wrong_members[i].cluster, wrong_members[i].user);
        const char *text = failure(&named);
        if (strncmp(text, "config: ", 8) != 0 ||
            strncmp(text + 8, wrong_members[i].words, strlen(wrong_members[i].words)) != 0)
            TEST_FAIL("%zu: is \"%s\", want \"%s\"", i, text, wrong_members[i].words);
        CHECK(strstr(text, "secret") == NULL);
    }
}

TEST(kubeconfig_as_groups_need_a_name)
{
    begin();
    write_config("config", SERVER, "as-groups: [a]");
    CHECK_STRING(failure(&named), "config, context \"here\": as-groups without as");
}

TEST(kubeconfig_messages_are_cut_between_characters)
{
    begin();
    struct buf name;
    buf_init(&name, &arena, LIMIT_MIB);
    for (int i = 0; i < 300; i++)
        buf_add_string(&name, "\xc3\xa4");
    const char *text = failure(&(struct kubeconfig_choice){.path = name.data});
    CHECK(strlen(text) < 512 && strstr(text, "...") != NULL);
    const char *many[13] = {"contexts: ["};
    struct buf file;
    buf_init(&file, &arena, LIMIT_MIB);
    buf_add_string(&file, many[0]);
    for (int i = 0; i < 20; i++)
        buf_printf(&file, "{name: \"%.120s%d\"},", name.data, i);
    buf_add_string(&file, "]\n");
    write_text("config", file.data);
    text = failure(&named);
    CHECK_INT(strlen(text) < 512, 1);
    CHECK_STRING(text + strlen(text) - 3, "...");
    CHECK(strchr(text, '?') == NULL);
}

/* ---- in a pod ---------------------------------------------------------------------------- */

static const char *pod_failure(const char *path)
{
    static struct err err;
    const struct kube_config *config;
    if (kubeconfig_in_cluster(&arena, path, &config, &err) >= 0)
        TEST_FAIL("it is loaded");
    CHECK_INT(err.code, ERR_KUBECONFIG);
    return err.text;
}

TEST(kubeconfig_in_cluster_names_the_file_that_is_missing)
{
    begin();
    CHECK_STRING(pod_failure("account"), "in-cluster: this is no pod: KUBERNETES_SERVICE_HOST and "
                                         "KUBERNETES_SERVICE_PORT are not set");
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    CHECK_STRING(pod_failure("account"),
                 "in-cluster: account/token cannot be opened: No such file or directory (is a "
                 "service account's token mounted?)");
    mkdir("account", 0700);
    write_text("account/token", "t");
    write_text("account/ca.crt", "not PEM");
    CHECK_STRING(pod_failure("account"), "in-cluster: account/ca.crt: has no certificate in PEM");
    unlink("account/ca.crt");
    CHECK(symlink("../ca.crt", "account/ca.crt") == 0);
    const struct kube_config *config;
    CHECK(kubeconfig_in_cluster(&arena, "account", &config, NULL) == 0);
    CHECK_STRING(config->server, "https://[fd00::1]:443");
    CHECK_STRING(config->token_file, "account/token");
    CHECK_STRING(config->namespace_, "default");
    write_text("account/namespace", "hydrosim-system\n");
    CHECK(kubeconfig_in_cluster(&arena, "account", &config, NULL) == 0);
    CHECK_STRING(config->namespace_, "hydrosim-system");
    setenv("KUBERNETES_SERVICE_HOST", "a b", 1);
    CHECK_STRING(pod_failure("account"), "in-cluster: KUBERNETES_SERVICE_HOST and _PORT: "
                                         "https://a b:443 is no address: write https://HOST:PORT");
}

TEST_MAIN
