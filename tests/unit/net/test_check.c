/* What bounds the check of policies that somebody sends.  The child is this program, called again:
 * the test's main answers the child's argument as the webhook's does. */
#include "base/clock.h"
#include "base/limits.h"
#include "net/check.h"
#include "net/check_internal.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_BYTES    (64UL * 1024UL)
#define FILES_MAX     (LIMIT_CHECK_SET_BYTES / FILE_BYTES)
#define FAR_AWAY_US   (60 * 1000000LL) /* no deadline ends what is tested here */
#define POLICY        "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: {name: p%zu}\nspec:\n"
#define POLICY_ON(on) POLICY "  match: {resources: [" on "]}\n  rules:\n"

static struct arena arena;
static struct err err;

static void begin(void)
{
    arena_install_cjson_hooks();
    arena_done(&arena);
    arena_init(&arena, 512 * LIMIT_MIB);
    err = (struct err){.text = ""};
}

static struct buf new_buf(void)
{
    struct buf buf;
    buf_init(&buf, &arena, 64 * LIMIT_MIB);
    return buf;
}

/* What the child says of these files, NULL if it ended without a word. */
static const char *result_of(const struct policy_file *files, size_t count)
{
    char *text;
    size_t length;
    if (check_run(files, count, clock_monotonic_us() + FAR_AWAY_US, &text, &length, &err) != 0)
        return NULL;
    const char *kept = arena_strndup(&arena, text, length);
    free(text);
    return kept;
}

static const char *result_of_text(const struct buf *text)
{
    const struct policy_file file = {"a.yaml", text->data, text->length};
    return result_of(&file, 1);
}

static bool is_fine(const char *result)
{
    return result != NULL && strstr(result, "{\"fine\":true,") == result;
}

/* ---- computing -------------------------------------------------------------------------- */

/* Rules that are compared with each other, and of each two every value with every value. */
static struct buf compared(unsigned rules, unsigned values)
{
    struct buf text = new_buf();
    buf_printf(&text, POLICY_ON("a.b"), (size_t)0);
    for (unsigned r = 0; r < rules; r++) {
        buf_printf(&text, "    - {id: a%u, why: W, field: a, type: int, set: 1, when: [", r);
        buf_add_string(&text, "{field: b, oneOf: [");
        for (unsigned v = 0; v < values; v++)
            buf_printf(&text, "%s%u", v > 0 ? ", " : "", r * values + v);
        buf_add_string(&text, "]}]}\n");
    }
    return text;
}

TEST(check_cpu_seconds)
{
    begin();
    struct buf text = compared(16, 16);
    CHECK(is_fine(result_of_text(&text)));
    text = compared(256, 256); /* a minute's work, or half of one */
    CHECK(text.length < LIMIT_POLICY_FILE_BYTES);
    CHECK(result_of_text(&text) == NULL);
    CHECK_INT(err.code, ERR_LIMIT);
    CHECK(strstr(err.text, "takes more than 2 s of computing") != NULL);
}

/* ---- memory ----------------------------------------------------------------------------- */

/* The first holds a policy; all are filled up with remarks, which cost memory and hardly time. */
static const struct policy_file *new_files(size_t count)
{
    struct policy_file *files = arena_array(&arena, count, sizeof *files);
    struct buf policy = new_buf();
    buf_printf(&policy, POLICY_ON("deployments.apps"), (size_t)0);
    buf_add_string(&policy, "    - {id: a, why: W, field: spec.replicas, max: 1}\n");
    for (size_t i = 0; i < count; i++) {
        char *text = arena_alloc(&arena, FILE_BYTES + 1);
        memset(text, '#', FILE_BYTES);
        files[i] = (struct policy_file){arena_printf(&arena, "%04zu.yaml", i), text, FILE_BYTES};
        if (i == 0)
            memcpy(text, policy.data, policy.length);
    }
    return files;
}

/* Whether the loader itself takes so many within the check's bound. */
static bool fits(const struct policy_file *files, size_t count)
{
    const struct policy_load_options options = {.now = clock_unix(),
                                                .memory_bytes = LIMIT_CHECK_SET_BYTES};
    struct diagnostics diagnostics;
    struct policy_set *set;
    diag_init(&diagnostics, &arena);
    const int rc = policy_load_folder(files, count, &options, &diagnostics, &set, &err);
    if (rc == 0)
        policy_set_unref(set);
    else if (rc != -ERR_LIMIT)
        TEST_FAIL("%s", err.text);
    return rc == 0;
}

TEST(check_set_bytes)
{
    begin();
    const struct policy_file *files = new_files(FILES_MAX);
    size_t most = 1, too_many = FILES_MAX;
    CHECK(fits(files, most) && !fits(files, too_many));
    while (too_many - most > 1) {
        const size_t middle = (most + too_many) / 2;
        *(fits(files, middle) ? &most : &too_many) = middle;
    }
    CHECK(is_fine(result_of(files, most)));
    const char *result = result_of(files, too_many);
    CHECK(result != NULL && !is_fine(result));
    CHECK(strstr(result, "\"problem\":\"the policies take more than 24 MiB of memory\"") != NULL);
}

/* Files that are larger than that together do not get as far as the loader. */
TEST(check_set_bytes_of_files)
{
    begin();
    CHECK(result_of(new_files(FILES_MAX), FILES_MAX) == NULL);
    CHECK_INT(err.code, ERR_LIMIT);
    CHECK(strstr(err.text, "takes more than 48 MiB, or could not be done") != NULL);
}

/* A sanitizer's shadow is terabytes, so the child does not bound its data there, and there is
 * nothing to see: `make unit`, without it, runs this. */
#if !CHECK_HAS_SHADOW

#define POLICY_RULES 256U

/* Compiled patterns lie beside the set's own memory. */
static struct buf patterns(size_t policies)
{
    struct buf text = new_buf();
    for (size_t p = 0; p < policies; p++) {
        buf_printf(&text, "---\n" POLICY_ON("a.b"), p);
        for (unsigned r = 0; r < POLICY_RULES; r++)
            buf_printf(&text,
                       "    - {id: a%u, why: W, field: a, type: string, pattern: "
                       "'[a-z]{%u}(a|b|c){900}'}\n",
                       r, r);
    }
    return text;
}

TEST(check_data_bytes)
{
    begin();
    struct buf text = patterns(1);
    CHECK(is_fine(result_of_text(&text)));
    text = patterns(20);
    const struct policy_file file = {"a.yaml", text.data, text.length};
    CHECK(fits(&file, 1)); /* where data has no bound */
    const char *result = result_of_text(&text);
    CHECK(result == NULL ? err.code == ERR_LIMIT
                         : strstr(result, "failed to allocate heap memory") != NULL);
}

#endif

/* ---- the bounds themselves -------------------------------------------------------------- */

static bool is_bound(const struct rlimit *limit, rlim_t want)
{
    return limit->rlim_cur == want && limit->rlim_max == want;
}

/* A process that has been the child, of no files at all. */
static void check_and_tell(void)
{
    struct rlimit limit;
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 || check_child() != 0)
        _exit(3);
    if (getrlimit(RLIMIT_CPU, &limit) != 0 || !is_bound(&limit, LIMIT_CHECK_CPU_SECONDS))
        _exit(4);
#if !CHECK_HAS_SHADOW
    if (getrlimit(RLIMIT_DATA, &limit) != 0 || !is_bound(&limit, LIMIT_CHECK_DATA_BYTES))
        _exit(5);
#endif
    _exit(0);
}

TEST(check_child_bounds_itself)
{
    int status;
    const pid_t pid = fork();
    if (pid == 0)
        check_and_tell();
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], CHECK_ARGUMENT) == 0)
        return check_child();
    return test_run_all(argc, argv);
}
