#include "certs/folder.h"

#include "certs/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1024UL * 1024UL)
#define STAGE          ".proctor-new"
#define VERSION_PREFIX "..proctor_"

const char *const folder_names[FOLDER_FILES] = {"ca.crt", "ca.key", "tls.key", "tls.crt"};

static bool is_key(enum folder_file file)
{
    return file == FOLDER_CA_KEY || file == FOLDER_TLS_KEY;
}

void folder_text_done(struct folder_text *text)
{
    if (text->data != NULL)
        OPENSSL_clear_free(text->data, text->length + 1);
    *text = (struct folder_text){0};
}

void folder_set_done(struct folder_set *set)
{
    for (size_t i = 0; i < FOLDER_FILES; i++)
        folder_text_done(&set->files[i]);
}

int folder_text_copy(struct folder_text *ret_text, const void *data, size_t length,
                     struct err *reterr)
{
    char *copy = OPENSSL_malloc(length + 1);
    if (copy == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    memcpy(copy, data, length);
    copy[length] = '\0';
    *ret_text = (struct folder_text){.data = copy, .length = length};
    return 0;
}

static int refuse(const char *path, const char *verb, struct err *reterr)
{
    return err_set(reterr, ERR_IO, "%s: cannot %s: %s", path, verb, strerror(errno));
}

static int read_whole(int fd, struct folder_text *text)
{
    size_t length = 0;
    while (length < text->length) {
        ssize_t got = read(fd, text->data + length, text->length - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    /* The file may have shrunk since fstat. */
    OPENSSL_cleanse(text->data + length, text->length - length);
    text->data[length] = '\0';
    return 0;
}

int folder_read(int folder_fd, const char *name, const char *path, struct folder_text *ret_text,
                struct err *reterr)
{
    /* O_NONBLOCK: opening a pipe that nobody writes to would wait forever. */
    SCOPED_FD fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return refuse(path, "read", reterr);
    if (!S_ISREG(status.st_mode))
        return err_set(reterr, ERR_IO, "%s: is not an ordinary file", path);
    if (status.st_size == 0)
        return err_set(reterr, ERR_EMPTY, "%s: is empty", path);
    if ((size_t)status.st_size > FILE_BYTES_MAX)
        return err_set(reterr, ERR_TOO_LARGE, "%s: is larger than 1 MiB, so no certificate", path);

    struct folder_text text = {.length = (size_t)status.st_size, .mode = status.st_mode & 07777};
    text.data = OPENSSL_zalloc(text.length + 1);
    if (text.data == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (read_whole(fd, &text) < 0) {
        int r = refuse(path, "read", reterr);
        folder_text_done(&text);
        return r;
    }
    *ret_text = text;
    return 0;
}

/* Empties and removes a folder of ours that holds nothing but the four names. */
static void remove_files(int folder_fd, const char *name)
{
    SCOPED_FD fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    for (size_t i = 0; i < FOLDER_FILES; i++)
        unlinkat(fd, folder_names[i], 0);
    unlinkat(folder_fd, name, AT_REMOVEDIR);
}

/* Undoes an issue that did not finish: see the header. */
static void recover(int folder_fd)
{
    SCOPED_FD stage = openat(folder_fd, STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (stage < 0)
        return;
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        struct stat staged, placed;
        if (fstatat(stage, folder_names[i], &staged, AT_SYMLINK_NOFOLLOW) == 0 &&
            fstatat(folder_fd, folder_names[i], &placed, AT_SYMLINK_NOFOLLOW) == 0 &&
            staged.st_ino == placed.st_ino && staged.st_dev == placed.st_dev)
            unlinkat(folder_fd, folder_names[i], 0);
    }
    remove_files(folder_fd, STAGE);
}

int folder_open(const char *path, bool create, struct folder *ret_folder, struct err *reterr)
{
    struct folder folder = {.fd = -1, .path = path};
    if (create && mkdir(path, 0755) == 0)
        folder.created = true;
    else if (create && errno != EEXIST)
        return refuse(path, "make the folder", reterr);

    folder.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0)
        return refuse(path, "open the folder", reterr);
    if (flock(folder.fd, LOCK_EX | LOCK_NB) < 0) {
        int r = errno == EWOULDBLOCK
                    ? err_set(reterr, ERR_IO, "%s: another `proctor certs` is working here", path)
                    : refuse(path, "lock the folder", reterr);
        close(folder.fd);
        return r;
    }
    struct stat status;
    folder.versioned =
        fstatat(folder.fd, "..data", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
    recover(folder.fd);
    *ret_folder = folder;
    return 0;
}

void folder_close(struct folder *folder)
{
    if (folder->fd < 0)
        return;
    close(folder->fd);
    folder->fd = -1;
    if (folder->created)
        rmdir(folder->path);
}

static int write_file(int folder_fd, enum folder_file file, const struct folder_text *text)
{
    SCOPED_FD fd = openat(folder_fd, folder_names[file],
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < text->length;) {
        ssize_t wrote = write(fd, text->data + done, text->length - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        done += (size_t)wrote;
    }
    mode_t mode = is_key(file) ? (text->mode != 0 ? text->mode & 0640 : 0600) : 0644;
    if (fchmod(fd, mode) < 0)
        return -1;
    return fsync(fd);
}

/* Makes the folder `name`, writes the set's files into it and syncs it. */
static int write_folder(int folder_fd, const char *name, const struct folder_set *set)
{
    if (mkdirat(folder_fd, name, 0700) < 0)
        return -1;
    SCOPED_FD fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        if (set->files[i].data != NULL && write_file(fd, (enum folder_file)i, &set->files[i]) < 0)
            return -1;
    }
    return fsync(fd);
}

static int refuse_existing(const struct folder *folder, struct err *reterr)
{
    char found[64] = "";
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        struct stat status;
        if (fstatat(folder->fd, folder_names[i], &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s", used > 0 ? ", " : "", folder_names[i]);
    }
    if (found[0] == '\0')
        return 0;
    return err_set(reterr, ERR_IO,
                   "%s: holds %s already, and nothing is overwritten: `proctor certs renew %s` "
                   "renews them, or give --out another folder",
                   folder->path, found, folder->path);
}

int folder_create(const struct folder *folder, const struct folder_set *set, struct err *reterr)
{
    int r = refuse_existing(folder, reterr);
    if (r < 0)
        return r;
    if (write_folder(folder->fd, STAGE, set) < 0) {
        r = refuse(folder->path, "write to the folder", reterr);
        remove_files(folder->fd, STAGE);
        return r;
    }
    for (size_t i = 0; i < FOLDER_FILES && r == 0; i++) {
        char staged[64];
        snprintf(staged, sizeof staged, STAGE "/%s", folder_names[i]);
        if (set->files[i].data != NULL &&
            linkat(folder->fd, staged, folder->fd, folder_names[i], 0) < 0)
            r = refuse(folder->path, "put the files into the folder", reterr);
    }
    if (r == 0 && fsync(folder->fd) < 0)
        r = refuse(folder->path, "sync the folder", reterr);
    if (r < 0)
        recover(folder->fd);
    else
        remove_files(folder->fd, STAGE);
    return r;
}

static int replace_flat(const struct folder *folder, const struct folder_set *set,
                        struct err *reterr)
{
    for (size_t i = 0; i < FOLDER_FILES; i++) {
        struct stat status;
        if (set->files[i].data != NULL &&
            fstatat(folder->fd, folder_names[i], &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISREG(status.st_mode))
            return err_set(reterr, ERR_IO,
                           "%s/%s: is a link or no ordinary file, and Proctor made no such: renew "
                           "the folder where the file really is",
                           folder->path, folder_names[i]);
    }
    int r = 0;
    if (write_folder(folder->fd, STAGE, set) < 0)
        r = refuse(folder->path, "write to the folder", reterr);
    for (size_t i = 0; i < FOLDER_FILES && r == 0; i++) {
        char staged[64];
        snprintf(staged, sizeof staged, STAGE "/%s", folder_names[i]);
        if (set->files[i].data != NULL &&
            renameat(folder->fd, staged, folder->fd, folder_names[i]) < 0)
            r = refuse(folder->path, "put the files into the folder", reterr);
    }
    if (r == 0 && fsync(folder->fd) < 0)
        r = refuse(folder->path, "sync the folder", reterr);
    remove_files(folder->fd, STAGE);
    return r;
}

/* Removes our version folders but the two named. */
static void remove_old_versions(int folder_fd, const char *current, const char *previous)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        scope_close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, VERSION_PREFIX, sizeof VERSION_PREFIX - 1) == 0 &&
            strcmp(entry->d_name, current) != 0 && strcmp(entry->d_name, previous) != 0)
            remove_files(folder_fd, entry->d_name);
    }
    closedir(folder);
}

static int replace_versioned(const struct folder *folder, const struct folder_set *set,
                             struct err *reterr)
{
    unsigned char random[8];
    char name[64] = VERSION_PREFIX, previous[256];
    if (RAND_bytes(random, sizeof random) != 1)
        return err_set(reterr, ERR_INTERNAL, "no random numbers from the system");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(name + strlen(name), 3, "%02x", random[i]);
    ssize_t length = readlinkat(folder->fd, "..data", previous, sizeof previous - 1);
    if (length < 0)
        return refuse(folder->path, "read the link ..data", reterr);
    previous[length] = '\0';

    unlinkat(folder->fd, "..data_tmp", 0);
    /* 0755: the folder before was readable to the server, which may be another user. */
    if (write_folder(folder->fd, name, set) < 0 || fchmodat(folder->fd, name, 0755, 0) < 0 ||
        symlinkat(name, folder->fd, "..data_tmp") < 0 ||
        renameat(folder->fd, "..data_tmp", folder->fd, "..data") < 0) {
        int r = refuse(folder->path, "put a new version into the folder", reterr);
        unlinkat(folder->fd, "..data_tmp", 0);
        remove_files(folder->fd, name);
        return r;
    }
    if (fsync(folder->fd) < 0)
        return refuse(folder->path, "sync the folder", reterr);
    remove_old_versions(folder->fd, name, previous);
    return 0;
}

int folder_replace(const struct folder *folder, const struct folder_set *set, struct err *reterr)
{
    return folder->versioned ? replace_versioned(folder, set, reterr)
                             : replace_flat(folder, set, reterr);
}
