/* Files and folders as a server finds them: a ConfigMap's mount with its links, folders without
 * policies, files that cannot be read or are no text. */
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY(name)                                                                               \
    "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: " name " }\nspec:\n"              \
    "  match: { resources: [deployments.apps] }\n  rules:\n"                                       \
    "    - { id: one, why: W, field: spec.replicas, max: 1 }\n"

static struct arena arena;
static struct diagnostics diagnostics;
static char folder[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void forget_folder(void)
{
    if (folder[0] != '\0')
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

/* An empty folder of this test's own. */
static void start(void)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        atexit(forget_folder);
        installed = true;
    }
    forget_folder();
    strcpy(folder, "/tmp/proctor-load-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
}

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void put_bytes(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(in_folder(name), "wb");
    CHECK(file != NULL);
    CHECK(fwrite(bytes, 1, length, file) == length);
    CHECK(fclose(file) == 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_folder(const char *name)
{
    CHECK(mkdir(in_folder(name), 0755) == 0);
}

/* Loads the path; the caller gives the set back. */
static struct policy_set *load(const char *path, int want, struct err *reterr)
{
    const struct policy_load_options options = {.now = 0};
    const char *const paths[] = {path, NULL};
    struct policy_set *set = NULL;
    diag_init(&diagnostics, &arena);
    CHECK_INT(policy_load(paths, &options, &diagnostics, &set, reterr), want);
    CHECK((set == NULL) == (want != 0));
    return set;
}

/* What the only finding says, after "FOLDER/". */
static const char *told(void)
{
    struct buf buf;
    CHECK_INT(diagnostics.count, 1);
    buf_init(&buf, &arena, LIMIT_MIB);
    diag_write(&diagnostics, &buf);
    const size_t length = strlen(folder) + 1;
    CHECK(strncmp(buf.data, folder, length - 1) == 0);
    return buf.data + length;
}

/* The kubelet writes a new folder and turns ..data to it in one rename. */
static void turn_mount(const char *version, const char *text)
{
    put_folder(version);
    put(arena_printf(&arena, "%s/policy.yaml", version), text);
    CHECK(symlink(version, in_folder("..data_tmp")) == 0);
    CHECK(rename(in_folder("..data_tmp"), in_folder("..data")) == 0);
}

TEST(a_config_map_is_read_once_through_its_links)
{
    struct err err;
    start();
    turn_mount("..2026_11_21_12_00_00.1", POLICY("before"));
    CHECK(symlink("..data/policy.yaml", in_folder("policy.yaml")) == 0);
    struct policy_set *first = load(folder, 0, &err);
    CHECK_INT(first->policy_count, 1);
    CHECK_STRING(first->policies[0].name, "before");
    CHECK_STRING(first->policies[0].place.file, in_folder("policy.yaml"));

    turn_mount("..2026_11_21_12_01_00.2", POLICY("after"));
    struct policy_set *second = load(folder, 0, &err);
    CHECK_INT(second->policy_count, 1);
    CHECK_STRING(second->policies[0].name, "after");
    CHECK(strcmp(first->digest, second->digest) != 0);

    turn_mount("..2026_11_21_12_02_00.3", POLICY("before"));
    struct policy_set *third = load(folder, 0, &err);
    CHECK_STRING(third->digest, first->digest);
    policy_set_unref(first);
    policy_set_unref(second);
    policy_set_unref(third);
}

TEST(a_mount_whose_data_is_gone_is_an_error)
{
    struct err err;
    start();
    CHECK(symlink("..data/policy.yaml", in_folder("policy.yaml")) == 0);
    load(folder, -ERR_POLICY, &err);
    CHECK_STRING(told(), "policy.yaml: error: No such file or directory [unreadable]\n");
}

TEST(every_policy_below_a_folder_and_nothing_else)
{
    struct err err;
    start();
    put_folder("b");
    put_folder("b/cases");
    put_folder("a");
    put("b/policy.yml", POLICY("p"));
    put("b/cases/object.yaml", "kind: Deployment\n");
    put("a/policy.yaml", POLICY("q"));
    put("kustomization.yaml", "resources: [a]\n");
    put(".hidden.yaml", "no: policy\n");
    put("README.md", "# words\n");
    put("suite.yaml", "apiVersion: proctor.dev/v1\nkind: PolicySuite\n");
    put("c.json",
        "{\"apiVersion\": \"proctor.dev/v1\", \"kind\": \"Policy\", \"metadata\": "
        "{\"name\": \"z\"}, \"spec\": {\"match\": {\"resources\": [\"pods\"]}, \"rules\": "
        "[{\"id\": \"one\", \"why\": \"W\", \"deny\": true}]}}");
    struct policy_set *set = load(folder, 0, &err);
    CHECK_INT(set->policy_count, 3);
    CHECK_STRING(set->policies[0].place.file, in_folder("b/policy.yml"));
    CHECK_STRING(set->policies[1].place.file, in_folder("a/policy.yaml"));
    CHECK_STRING(set->policies[2].place.file, in_folder("c.json"));
    policy_set_unref(set);
}

TEST(a_folder_without_policies_is_no_set)
{
    struct err err;
    start();
    load(folder, -ERR_POLICY, &err);
    CHECK_STRING(err.text, arena_printf(&arena, "there is no policy in %s", folder));
    CHECK_INT(diagnostics.count, 0);
    put("README.md", "# words\n");
    put("empty.yaml", "");
    put("comment.yaml", "# nothing\n---\n");
    put("suite.yaml", "apiVersion: proctor.dev/v1\nkind: PolicySuite\n");
    load(folder, -ERR_POLICY, &err);
    CHECK_STRING(err.text, arena_printf(&arena, "there is no policy in %s", folder));
    CHECK_INT(diagnostics.count, 0);
}

TEST(a_link_in_a_circle_is_told)
{
    struct err err;
    start();
    put("policy.yaml", POLICY("a"));
    CHECK(symlink(".", in_folder("again")) == 0);
    load(folder, -ERR_POLICY, &err);
    CHECK(diagnostics.error_count > 0);
    bool deep = false;
    for (size_t i = 0; i < diagnostics.count; i++)
        deep |= strcmp(diagnostics.items[i].code, "too-deep") == 0;
    CHECK(deep);
}

TEST(a_file_that_may_not_be_read_is_told)
{
    struct err err;
    start();
    put("policy.yaml", POLICY("a"));
    CHECK(chmod(in_folder("policy.yaml"), 0) == 0);
    if (access(in_folder("policy.yaml"), R_OK) == 0)
        return; /* root reads everything */
    load(folder, -ERR_POLICY, &err);
    CHECK_STRING(told(), "policy.yaml: error: Permission denied [unreadable]\n");
}

TEST(a_file_that_is_no_text_is_told)
{
    static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0";
    struct err err;
    start();
    put_bytes("policy.yaml", elf, sizeof elf);
    load(folder, -ERR_POLICY, &err);
    CHECK(strncmp(told(), "policy.yaml:1:1: error: ", 24) == 0);
    put_bytes("policy.yaml", POLICY("a") "# \0\n", sizeof(POLICY("a") "# \0\n") - 1);
    load(folder, -ERR_POLICY, &err);
    CHECK(strncmp(told(), "policy.yaml:8:3: error: ", 24) == 0);
    put("policy.yaml", POLICY("\xff\xfe"));
    load(folder, -ERR_POLICY, &err);
    CHECK(strncmp(told(), "policy.yaml:3:19: error: ", 25) == 0);
}

TEST(a_file_has_a_largest_size)
{
    struct err err;
    start();
    const size_t room = LIMIT_POLICY_FILE_BYTES + 1;
    char *text = malloc(room);
    CHECK(text != NULL);
    memset(text, '#', room);
    *stpcpy(text, POLICY("a")) = '#'; /* and no NUL in the middle */
    put_bytes("policy.yaml", text, room - 1);
    policy_set_unref(load(folder, 0, &err));
    put_bytes("policy.yaml", text, room);
    free(text);
    load(folder, -ERR_POLICY, &err);
    CHECK_STRING(told(),
                 "policy.yaml: error: a policy file may have 1 MiB: split it [too-large]\n");
}

/* The text with each newline as CRLF. */
static const char *with_crlf(const char *text)
{
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            buf_add_char(&buf, '\r');
        buf_add_char(&buf, *text);
    }
    return buf.data;
}

TEST(what_editors_of_other_systems_write_is_read)
{
    struct err err;
    start();
    put("bom.yaml", "\xef\xbb\xbf" POLICY("a"));
    put("crlf.yaml", with_crlf(POLICY("b")));
    put("both.yaml", arena_printf(&arena, "\xef\xbb\xbf%s", with_crlf(POLICY("c"))));
    put("tabs.yaml", "#\ttabs between words, and blanks at the end\n" POLICY("d") "   \n\n");
    struct policy_set *set = load(folder, 0, &err);
    CHECK_INT(set->policy_count, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(set->policies[i].rules[0].place.mark.line, i < 3 ? 7 : 8);
    policy_set_unref(set);
}

TEST(a_tab_that_indents_is_told_at_its_place)
{
    struct err err;
    start();
    put("policy.yaml", "apiVersion: proctor.dev/v1\nkind: Policy\nspec:\n\trules: []\n");
    load(folder, -ERR_POLICY, &err);
    CHECK(strncmp(told(), "policy.yaml:4:1: error: ", 24) == 0);
    CHECK(strstr(told(), "tab") != NULL);
}

static struct policy_file file_of(const char *name, const char *text)
{
    return (struct policy_file){name, text, strlen(text)};
}

TEST(files_that_are_not_on_the_disk_are_read_like_those_that_are)
{
    struct err err;
    start();
    const struct policy_file files[] = {
        file_of("z.yaml", POLICY("last")), file_of("notes.txt", "{"), file_of(".hidden.yaml", "{"),
        file_of("kustomization.yaml", "{"), file_of("a.yml", POLICY("first"))};
    const struct policy_load_options options = {.now = 0};
    struct policy_set *set = NULL;
    diag_init(&diagnostics, &arena);
    CHECK_INT(policy_load_folder(files, 5, &options, &diagnostics, &set, &err), 0);
    CHECK_INT(set->policy_count, 2);
    for (size_t i = 0; i < 5; i++)
        put(files[i].name, files[i].text);
    struct policy_set *same = load(folder, 0, &err);
    CHECK_STRING(set->digest, same->digest);
    policy_set_unref(set);
    policy_set_unref(same);

    set = NULL;
    CHECK_INT(policy_load_folder(files, 0, &options, &diagnostics, &set, &err), -(int)ERR_POLICY);
    CHECK_STRING(err.text, "there is no policy in these files");
    const struct policy_load_options little = {.now = 0, .memory_bytes = 4096};
    CHECK_INT(policy_load_folder(files, 5, &little, &diagnostics, &set, &err), -(int)ERR_LIMIT);
    CHECK(set == NULL);
}

TEST_MAIN
