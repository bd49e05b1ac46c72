#include "cli/files.h"
#include "cli/input.h"
#include "cli/jsontext.h"

#include "base/limits.h"
#include "tests/unit/test.h"

#include <sys/stat.h>
#include <unistd.h>

/* What a walk said, as lines: "o FILE:LINE KIND NAME", "r FILE:LINE BYTES", "p FILE:LINE:COL". */
static struct buf said;
static char folder[] = "/tmp/proctor-input-XXXXXX";
static bool made;

static void hear_object(void *context, struct arena *arena, const struct input_item *item)
{
    (void)context;
    (void)arena;
    const char *file = strrchr(item->file, '/');
    const char *name = json_string(json_path(item->object, "metadata", "name", NULL));
    buf_printf(&said, "%c %s:%u ", item->is_review ? 'r' : 'o',
               file != NULL ? file + 1 : item->file, item->line);
    if (item->is_review)
        buf_printf(&said, "%zu\n", item->length);
    else
        buf_printf(&said, "%s %s\n", json_get_string(item->object, "kind"),
                   name != NULL ? name : "-");
}

static void hear_problem(void *context, const struct input_problem *problem)
{
    (void)context;
    const char *file = strrchr(problem->file, '/');
    buf_printf(&said, "p %s:%u:%u %s\n", file != NULL ? file + 1 : problem->file, problem->line,
               problem->column, problem->text);
}

static const char *place(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void remove_folder(void)
{
    static const char *const names[] = {"f.yaml",  "f.json", "a.yaml",     "b.yml",
                                        ".h.yaml", "c.txt",  "sub/d.json", "kustomization.yaml",
                                        "replaced"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(place(names[i]));
    rmdir(place("sub"));
    rmdir(folder);
}

static void put(const char *name, const char *text, size_t length)
{
    if (!made) {
        arena_install_cjson_hooks();
        CHECK(mkdtemp(folder) != NULL);
        buf_init(&said, NULL, LIMIT_MIB);
        atexit(remove_folder);
        made = true;
    }
    FILE *file = fopen(place(name), "wb");
    CHECK(file != NULL);
    CHECK(fwrite(text, 1, length, file) == length);
    CHECK(fclose(file) == 0);
}

static const char *walk(const char *name)
{
    const struct input_visitor visitor = {NULL, hear_object, hear_problem};
    char path[256];
    snprintf(path, sizeof path, "%s", place(name));
    const char *paths[] = {path};
    buf_clear(&said);
    input_walk(paths, 1, &visitor);
    return said.data;
}

static const char *walk_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
    return walk(name);
}

TEST(yaml_documents_know_their_lines)
{
    CHECK_STRING(walk_text("f.yaml", "# first\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
                                     "---\n---\n# second\napiVersion: v1\nkind: Service\n"),
                 "o f.yaml:2 Pod a\no f.yaml:8 Service -\n");
}

TEST(lists_give_their_items)
{
    CHECK_STRING(walk_text("f.yaml", "apiVersion: v1\nkind: List\nitems:\n"
                                     "- apiVersion: v1\n  kind: Pod\n"
                                     "- apiVersion: v1\n  kind: Service\n"),
                 "o f.yaml:4 Pod -\no f.yaml:6 Service -\n");
    CHECK_STRING(walk_text("f.json", "{\"apiVersion\": \"v1\", \"kind\": \"PodList\",\n"
                                     " \"metadata\": {\"x\": \"}]\\\"\"},\n \"items\": [\n"
                                     "  {\"metadata\": {\"name\": \"a\"}},\n\n"
                                     "  {\"metadata\": {\"name\": \"b\"}}]}\n"),
                 "o f.json:4 Pod a\no f.json:6 Pod b\n");
}

TEST(json_documents_may_follow_each_other)
{
    CHECK_STRING(walk_text("f.json", "{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n\n"
                                     "{\"apiVersion\":\"v1\",\n\"kind\":\"B\"} "
                                     "{\"apiVersion\":\"v1\",\"kind\":\"C\"}\n"),
                 "o f.json:1 A -\no f.json:3 B -\no f.json:4 C -\n");
}

TEST(an_admission_review_keeps_its_bytes)
{
    CHECK_STRING(walk_text("f.json", "{\"apiVersion\":\"admission.k8s.io/v1\", "
                                     "\"kind\":\"AdmissionReview\"}\n"),
                 "r f.json:1 62\n");
    CHECK_STRING(walk_text("f.yaml", "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n"),
                 "r f.yaml:1 61\n");
}

TEST(what_is_no_object_is_a_problem_and_the_rest_is_read)
{
    CHECK_STRING(walk_text("f.yaml", "a: 1\n---\napiVersion: v1\nkind: Pod\n---\n- 1\n"),
                 "p f.yaml:1:0 this is no Kubernetes object: apiVersion is missing\n"
                 "o f.yaml:3 Pod -\n"
                 "p f.yaml:6:0 this is no Kubernetes object, but a JSON array\n");
    CHECK_STRING(walk_text("f.yaml", "# nothing\n"), "p f.yaml:0:0 there is no object in it\n");
}

TEST(broken_text_has_a_place)
{
    CHECK(
        strncmp(walk_text("f.json", "{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n{\n  \"a\": tru }\n"),
                "o f.json:1 A -\np f.json:3:8 ", 28) == 0);
    CHECK(strncmp(walk_text("f.yaml", "apiVersion: v1\nkind: [\n"), "p f.yaml:", 9) == 0);
    CHECK(strncmp(walk_text("f.json", "{\"a\": {\"b\": [1, 2"), "p f.json:1:", 11) == 0);
}

TEST(binary_and_foreign_encodings_are_said)
{
    put("f.yaml", "a: 1\nb\0c\n", 9);
    CHECK_STRING(walk("f.yaml"), "p f.yaml:2:0 this is a binary file: there is a NUL byte in it\n");
    CHECK_STRING(walk_text("f.yaml", "a: 1\nb: \xff\n"),
                 "p f.yaml:2:4 not UTF-8 text: save it as UTF-8\n");
    CHECK(strncmp(walk("missing.yaml"), "p missing.yaml:0:0 ", 19) == 0);
}

TEST(a_file_past_the_limit_is_refused)
{
    put("f.yaml", "", 0);
    CHECK(truncate(place("f.yaml"), (off_t)LIMIT_INPUT_FILE_BYTES + 1) == 0);
    CHECK_STRING(walk("f.yaml"), "p f.yaml:0:0 larger than 64 MiB\n");
    unlink(place("f.yaml"));
}

TEST(folders_are_walked_in_order)
{
    static const char pod[] = "apiVersion: v1\nkind: Pod\n";
    unlink(place("f.yaml"));
    unlink(place("f.json"));
    CHECK(mkdir(place("sub"), 0700) == 0);
    put("b.yml", pod, strlen(pod));
    put("a.yaml", "# only a remark\n", 16);
    put(".h.yaml", pod, strlen(pod));
    put("c.txt", pod, strlen(pod));
    put("kustomization.yaml", pod, strlen(pod));
    put("sub/d.json", "{\"apiVersion\":\"v1\",\"kind\":\"D\"}", 30);
    CHECK_STRING(walk(""), "o b.yml:1 Pod -\no d.json:1 D -\n");
}

TEST(replacing_keeps_the_mode)
{
    struct err err;
    struct stat status;
    put("replaced", "before", 6);
    CHECK(chmod(place("replaced"), 0640) == 0);
    CHECK(files_replace(place("replaced"), "after", 5, &err) == 0);
    CHECK(stat(place("replaced"), &status) == 0);
    CHECK_INT(status.st_mode & 0777, 0640);
    char *text = test_read_file(place("replaced"), NULL);
    CHECK_STRING(text, "after");
    free(text);
    CHECK_INT(files_replace("/nowhere/at/all", "x", 1, &err), -ERR_IO);
}

TEST(places_in_text_that_is_no_json_stay_in_bounds)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "\"",
                                        "\"\\",
                                        "[[[[",
                                        "}}",
                                        "{\"a\"",
                                        "{\"items\":[",
                                        "{\"items\":[1,",
                                        "{,,,:",
                                        "{\"items\":[\"",
                                        "{\"a\":}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t length = strlen(texts[i]);
        CHECK(jsontext_value_length(texts[i], length) <= length);
        struct jsontext_items items = jsontext_items(texts[i], "items");
        for (int j = 0; j < 4; j++)
            CHECK_INT(jsontext_next_item(&items), 0);
    }
}

TEST_MAIN
