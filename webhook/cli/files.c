#include "cli/files.h"

#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ (64UL * 1024UL)

/* Also what ends a circle of symbolic links. */
#define FOLDER_DEPTH_MAX 32U

static int read_all(int fd, char **text, size_t *length, struct err *reterr)
{
    size_t capacity = FIRST_READ;
    *text = malloc(capacity + 1);
    if (*text == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    for (;;) {
        ssize_t got = read(fd, *text + *length, capacity - *length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(reterr, ERR_IO, "cannot be read: %s", strerror(errno));
        if (got == 0)
            break;
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
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set(reterr, ERR_IO, "cannot be opened: %s", strerror(errno));
    char *text = NULL;
    size_t length = 0;
    int r = read_all(fd, &text, &length, reterr);
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
        if (has_objects(name))
            visitor->file(visitor->context, path, true);
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
