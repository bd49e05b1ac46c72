#include "cli/files.h"

#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ (64UL * 1024UL)

/* Also what ends a circle of symbolic links. */
#define FOLDER_DEPTH_MAX 32U

/* A pipe is opened without waiting, so that one that nobody ever writes to is told and not waited
 * for without end: a named one whose writer is still to come has this long. */
#define WRITER_WAIT_MS 3000
#define WRITER_LOOK_MS 50
#define WRITER_SEEN    (WRITER_WAIT_MS + 1)

/* read(2), which waits for a writer that is there for as long as it takes. */
static ssize_t read_some(int fd, char *bytes, size_t room, bool from_pipe, unsigned *waited_ms)
{
    for (;;) {
        const ssize_t got = read(fd, bytes, room);
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (got < 0 && errno == EAGAIN) {
            poll(&ready, 1, -1);
            *waited_ms = WRITER_SEEN;
        } else if (got == 0 && from_pipe && *waited_ms < WRITER_WAIT_MS) {
            poll(NULL, 0, WRITER_LOOK_MS);
            *waited_ms += WRITER_LOOK_MS;
        } else if (got >= 0 || errno != EINTR) {
            return got;
        }
    }
}

static int read_all(int fd, bool from_pipe, char **text, size_t *length, struct err *reterr)
{
    unsigned waited_ms = 0;
    size_t capacity = FIRST_READ;
    *text = malloc(capacity + 1);
    if (*text == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    for (;;) {
        ssize_t got = read_some(fd, *text + *length, capacity - *length, from_pipe, &waited_ms);
        if (got < 0)
            return err_set(reterr, ERR_IO, "cannot be read: %s", strerror(errno));
        if (got == 0 && from_pipe && *length == 0 && waited_ms == WRITER_WAIT_MS)
            return err_set(reterr, ERR_IO, "this is a pipe, and nobody writes to it");
        if (got == 0)
            break;
        waited_ms = WRITER_SEEN;
        *length += (size_t)got;
        if (*length > LIMIT_INPUT_FILE_BYTES)
            return err_set(reterr, ERR_TOO_LARGE, "larger than %lu MiB",
                           LIMIT_INPUT_FILE_BYTES / LIMIT_MIB);
        if (*length < capacity)
            continue;
        capacity *= 2;
        char *larger = realloc(*text, capacity + 1);
        if (larger == NULL)
            return err_set(reterr, ERR_NO_MEMORY, "out of memory");
        *text = larger;
    }
    (*text)[*length] = '\0';
    return 0;
}

int files_read(const char *path, char **ret_text, size_t *ret_length, struct err *reterr)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat status;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot be opened: %s", strerror(errno));
    char *text = NULL;
    size_t length = 0;
    const bool from_pipe = !standard && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    int r = read_all(fd, from_pipe, &text, &length, reterr);
    if (!standard)
        close(fd);
    if (r < 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}

/* Waits until somebody has opened the pipe to write.  What was read for that is in *byte. */
static int await_writer(int fd, unsigned char *byte, ssize_t *ret_got)
{
    for (unsigned waited_ms = 0; waited_ms < WRITER_WAIT_MS; waited_ms += WRITER_LOOK_MS) {
        *ret_got = read(fd, byte, 1);
        if (*ret_got > 0 || (*ret_got < 0 && errno == EAGAIN))
            return 0;
        poll(NULL, 0, WRITER_LOOK_MS);
    }
    return -ERR_IO;
}

int files_open(const char *path, FILE **ret_stream, struct err *reterr)
{
    struct stat status;
    unsigned char byte = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot be opened: %s", strerror(errno));
    const bool is_pipe = fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    if (is_pipe && await_writer(fd, &byte, &got) < 0) {
        close(fd);
        return err_set(reterr, ERR_IO, "this is a pipe, and nobody writes to it");
    }
    const int flags = fcntl(fd, F_GETFL);
    FILE *stream =
        flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 ? fdopen(fd, "r") : NULL;
    if (stream == NULL) {
        err_set(reterr, ERR_IO, "cannot be opened: %s", strerror(errno));
        close(fd);
        return -ERR_IO;
    }
    if (got > 0)
        ungetc(byte, stream);
    *ret_stream = stream;
    return 0;
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(fd, text, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        text += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

int files_replace(const char *path, const char *text, size_t length, struct err *reterr)
{
    char beside[PATH_MAX];
    struct stat status;
    int used = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    if (used < 0 || (size_t)used >= sizeof beside)
        return err_set(reterr, ERR_IO, "the path is too long");
    mode_t mode = stat(path, &status) == 0 ? status.st_mode & 0777 : 0644;
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot be written: %s", strerror(errno));
    bool fine = write_all(fd, text, length) && fchmod(fd, mode) == 0;
    fine = close(fd) == 0 && fine;
    if (fine && rename(beside, path) == 0)
        return 0;
    err_set(reterr, ERR_IO, "cannot be written: %s", strerror(errno));
    unlink(beside);
    return -ERR_IO;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static bool is_kustomization(const char *name)
{
    return strcmp(name, "kustomization.yaml") == 0 || strcmp(name, "kustomization.yml") == 0;
}

static bool has_objects(const char *name)
{
    return (ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json")) &&
           !is_kustomization(name);
}

static int is_not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale: the same order on every machine. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk_folder(const char *folder, unsigned depth, const struct files_visitor *visitor);

static void walk_entry(const char *folder, const char *name, unsigned depth,
                       const struct files_visitor *visitor)
{
    char path[PATH_MAX];
    struct stat status;
    size_t length = strlen(folder);
    int used = snprintf(path, sizeof path, "%s%s%s", folder,
                        length > 0 && folder[length - 1] == '/' ? "" : "/", name);
    if (used < 0 || (size_t)used >= sizeof path) {
        visitor->problem(visitor->context, folder, "a path in it is too long");
        return;
    }
    if (stat(path, &status) != 0) {
        visitor->problem(visitor->context, path, strerror(errno));
        return;
    }
    if (!S_ISDIR(status.st_mode)) {
        if (has_objects(name) && S_ISREG(status.st_mode))
            visitor->file(visitor->context, path, true);
        else if (has_objects(name))
            visitor->problem(visitor->context, path, "this is no file, but a pipe or a device");
    } else if (visitor->skip_folder == NULL || strcmp(name, visitor->skip_folder) != 0) {
        walk_folder(path, depth + 1, visitor);
    }
}

static void walk_folder(const char *folder, unsigned depth, const struct files_visitor *visitor)
{
    if (depth > FOLDER_DEPTH_MAX) {
        visitor->problem(visitor->context, folder, "the folders are nested too deep");
        return;
    }
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_not_hidden, by_name);
    if (count < 0) {
        visitor->problem(visitor->context, folder, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        walk_entry(folder, entries[i]->d_name, depth, visitor);
        free(entries[i]);
    }
    free(entries);
}

void files_find(const char *path, const struct files_visitor *visitor)
{
    struct stat status;
    if (stat(path, &status) != 0)
        visitor->problem(visitor->context, path, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        walk_folder(path, 0, visitor);
    else
        visitor->file(visitor->context, path, false);
}
