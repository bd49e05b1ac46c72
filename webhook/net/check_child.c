#include "base/clock.h"
#include "base/limits.h"
#include "net/check.h"
#include "net/check_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT_BYTES_MAX (512UL * 1024UL)
#define HEAD_BYTES       64

/* ---- the child ---------------------------------------------------------------------------- */

/* And what the kernel, short of memory, ends first is this and not the server. */
static void bound_all(void)
{
    const struct rlimit cpu = {LIMIT_CHECK_CPU_SECONDS, LIMIT_CHECK_CPU_SECONDS}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
#if !CHECK_HAS_SHADOW /* a sanitizer's is terabytes */
    const struct rlimit data = {LIMIT_CHECK_DATA_BYTES, LIMIT_CHECK_DATA_BYTES};
    setrlimit(RLIMIT_DATA, &data);
#endif
    FILE *score = fopen("/proc/self/oom_score_adj", "w");
    if (score != NULL) {
        fputs("1000", score);
        fclose(score);
    }
}

static size_t read_all(char *bytes, size_t room)
{
    size_t length = 0;
    while (length < room) {
        const ssize_t n = read(STDIN_FILENO, bytes + length, room - length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    return length;
}

/* "NAME-BYTES TEXT-BYTES\n", the name, a NUL, the text; again and again. */
static size_t cut_files(struct arena *arena, char *bytes, size_t length,
                        struct policy_file **ret_files)
{
    struct policy_file *files = NULL;
    size_t count = 0, room = 0;
    for (size_t at = 0; at < length;) {
        char *end;
        const size_t name = strtoul(bytes + at, &end, 10);
        const size_t text = strtoul(end, &end, 10);
        char *start = end + 1;
        at = (size_t)(start - bytes) + name + 1 + text;
        if (at > length)
            break;
        if (count == room) {
            room = room * 2 + 16;
            struct policy_file *more = arena_array(arena, room, sizeof *more);
            if (count > 0)
                memcpy(more, files, count * sizeof *more);
            files = more;
        }
        files[count++] = (struct policy_file){start, start + name + 1, text};
    }
    *ret_files = files;
    return count;
}

static void write_finding(struct buf *out, const struct diagnostic *item, bool first)
{
    buf_printf(out, "%s{\"error\":%s,\"line\":%u,\"column\":%u,\"file\":", first ? "" : ",",
               item->severity == DIAG_ERROR ? "true" : "false", item->place.mark.line,
               item->place.mark.column);
    buf_add_json_string(out, item->place.file != NULL ? item->place.file : "");
    buf_add_string(out, ",\"code\":");
    buf_add_json_string(out, item->code);
    buf_add_string(out, ",\"message\":");
    buf_add_json_string(out, item->message);
    buf_add_char(out, '}');
}

/* As many as are answered; the rest is a number. */
static void write_findings(struct buf *out, const struct diagnostics *diagnostics)
{
    size_t shown[2] = {0, 0}, warnings = 0, written = 0;
    buf_add_string(out, ",\"findings\":[");
    for (size_t i = 0; i < diagnostics->count; i++) {
        const bool is_error = diagnostics->items[i].severity == DIAG_ERROR;
        warnings += !is_error;
        if (shown[is_error]++ < LIMIT_CAUSES)
            write_finding(out, &diagnostics->items[i], written++ == 0);
    }
    buf_printf(out, "],\"errors\":%zu,\"warnings\":%zu}", diagnostics->error_count, warnings);
}

static int load_and_tell(struct arena *arena, const struct policy_file *files, size_t count)
{
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    struct err err = {.text = ""};
    struct buf out;
    diag_init(&diagnostics, arena);
    const struct policy_load_options options = {.now = clock_unix(),
                                                .memory_bytes = LIMIT_CHECK_SET_BYTES};
    const int r = policy_load_folder(files, count, &options, &diagnostics, &set, &err);
    buf_init(&out, NULL, RESULT_BYTES_MAX);
    buf_printf(&out, "{\"fine\":%s,\"digest\":\"%s\",\"problem\":", r == 0 ? "true" : "false",
               r == 0 ? set->digest : "");
    buf_add_json_string(&out, err.text);
    write_findings(&out, &diagnostics);
    policy_set_unref(set);
    const bool written =
        !out.failed && write(STDOUT_FILENO, out.data, out.length) == (ssize_t)out.length;
    buf_done(&out);
    return written ? 0 : 1;
}

int check_child(void)
{
    struct arena arena;
    struct stat info;
    struct policy_file *files;
    bound_all();
    arena_install_cjson_hooks();
    arena_init(&arena, LIMIT_CHECK_SET_BYTES);
    if (fstat(STDIN_FILENO, &info) != 0 || info.st_size < 0)
        return 1;
    char *bytes = arena_alloc(&arena, (size_t)info.st_size + 1);
    const size_t length = read_all(bytes, (size_t)info.st_size);
    const size_t count = cut_files(&arena, bytes, length, &files);
    const int code = load_and_tell(&arena, files, count);
    arena_done(&arena);
    return code;
}

/* ---- its parent --------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* In memory, so that nobody has to write while another reads; -1 if it cannot be had. */
static int write_files(const struct policy_file *files, size_t count)
{
    int fd = memfd_create("policies", MFD_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < count; i++) {
        char head[HEAD_BYTES];
        const size_t name = strlen(files[i].name);
        const int bytes = snprintf(head, sizeof head, "%zu %zu\n", name, files[i].length);
        if (!write_all(fd, head, (size_t)bytes) || !write_all(fd, files[i].name, name + 1) ||
            !write_all(fd, files[i].text, files[i].length)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int spawn(int in, int out, pid_t *ret_pid)
{
    static char program[] = "proctor-webhook", argument[] = CHECK_ARGUMENT;
    char *const arguments[] = {program, argument, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -1;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    /* The library's last words are not a line of the log. */
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (r == 0)
        r = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r == 0 ? 0 : -1;
}

/* Until the child has closed its end; false past the deadline. */
static bool read_result(int fd, int64_t deadline_us, struct buf *result)
{
    char piece[4096];
    for (;;) {
        const int64_t left_us = deadline_us - clock_monotonic_us();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (left_us <= 0)
            return false;
        if (poll(&ready, 1, (int)(left_us / 1000 + 1)) <= 0)
            continue;
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
        if (n > 0)
            buf_add(result, piece, (size_t)n);
    }
}

static int judge_end(bool in_time, int status, const struct buf *result, struct err *reterr)
{
    if (!in_time)
        return err_set(reterr, ERR_DEADLINE, "the policies were not checked in time");
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return err_set(reterr, ERR_LIMIT,
                       "checking these policies takes more than %u s of computing or %lu MiB; "
                       "`proctor lint` has no such bounds",
                       LIMIT_CHECK_CPU_SECONDS, LIMIT_CHECK_DATA_BYTES / LIMIT_MIB);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || result->failed || result->length == 0)
        return err_set(reterr, ERR_LIMIT,
                       "checking these policies takes more than %lu MiB, or could not be done; "
                       "`proctor lint` says more",
                       LIMIT_CHECK_DATA_BYTES / LIMIT_MIB);
    return 0;
}

static int run_child(int in, int64_t deadline_us, struct buf *result, struct err *reterr)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no pipe: %s", strerror(errno));
    const int spawned = spawn(in, ends[1], &pid);
    close(ends[1]);
    if (spawned != 0) {
        close(ends[0]);
        return err_set(reterr, ERR_NO_MEMORY, "no process to check policies in");
    }
    const bool in_time = read_result(ends[0], deadline_us, result);
    close(ends[0]);
    if (!in_time)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return judge_end(in_time, status, result, reterr);
}

int check_run(const struct policy_file *files, size_t count, int64_t deadline_us, char **ret_text,
              size_t *ret_length, struct err *reterr)
{
    struct buf result;
    const int in = write_files(files, count);
    if (in < 0)
        return err_set(reterr, ERR_NO_MEMORY, "no memory to hand the policies over");
    buf_init(&result, NULL, RESULT_BYTES_MAX);
    const int r = run_child(in, deadline_us, &result, reterr);
    close(in);
    if (r == 0) {
        *ret_text = strndup(result.data, result.length);
        *ret_length = result.length;
    }
    buf_done(&result);
    if (r == 0 && *ret_text == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    return r;
}
