#include "client/file.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_SECONDS 10
#define FIRST_READ   (16UL * 1024UL)

/* The next bytes; waits for a pipe's writer until the deadline. */
static ssize_t read_some(int fd, char *to, size_t most, int64_t until_us)
{
    for (;;) {
        const ssize_t got = read(fd, to, most);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
        const int64_t left_us = until_us - clock_monotonic_us();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (left_us <= 0 || (poll(&wait, 1, (int)(left_us / 1000) + 1) == 0)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

/* Small files in one piece; what was copied away is wiped: it may be a key. */
static int read_all(struct arena *arena, int fd, size_t most, const char **ret_text,
                    size_t *ret_length, struct err *reterr)
{
    const int64_t until_us = clock_monotonic_us() + PIPE_SECONDS * 1000000LL;
    size_t capacity = FIRST_READ < most ? FIRST_READ : most, length = 0;
    char *text = arena_alloc(arena, capacity + 1);
    for (;;) {
        /* One byte more than may be there tells a file that is just full from one too large. */
        char beyond;
        const bool full = length == most;
        const ssize_t got =
            read_some(fd, full ? &beyond : text + length, full ? 1 : capacity - length, until_us);
        if (got < 0)
            return err_set(reterr, ERR_IO, "cannot be read: %s", strerror(errno));
        if (got == 0)
            break;
        if (full)
            return err_set(reterr, ERR_TOO_LARGE, "is larger than %zu KiB", most / 1024);
        length += (size_t)got;
        if (length < capacity || capacity == most)
            continue;
        capacity = capacity * 4 < most ? capacity * 4 : most;
        char *larger = arena_alloc(arena, capacity + 1);
        memcpy(larger, text, length);
        explicit_bzero(text, length);
        text = larger;
    }
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    return 0;
}

struct reading {
    struct arena *arena;
    int fd;
    size_t most;
    const char *text;
    size_t length;
    struct err *err;
    int rc;
};

static void run_reading(void *context)
{
    struct reading *reading = context;
    reading->rc = read_all(reading->arena, reading->fd, reading->most, &reading->text,
                           &reading->length, reading->err);
}

int file_read(struct arena *arena, const char *path, size_t most, const char **ret_text,
              size_t *ret_length, struct err *reterr)
{
    struct stat status;
    /* Not blocking: opening a pipe without a writer would hang. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot be opened: %s", strerror(errno));
    if (fstat(fd, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode))) {
        close(fd);
        return err_set(reterr, ERR_IO, "is no file%s",
                       S_ISDIR(status.st_mode) ? " but a folder" : "");
    }
    struct reading reading = {.arena = arena, .fd = fd, .most = most, .err = reterr};
    const bool finished = arena_try(arena, run_reading, &reading);
    close(fd);
    if (!finished)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (reading.rc == 0) {
        *ret_text = reading.text;
        *ret_length = reading.length;
    }
    return reading.rc;
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

const char *file_beside(struct arena *arena, const char *beside, const char *name)
{
    const char *slash = strrchr(beside, '/');
    if (name[0] == '/' || slash == NULL)
        return name;
    return arena_printf(arena, "%.*s/%s", (int)(slash - beside), beside, name);
}
