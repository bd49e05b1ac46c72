/* The cluster's policies, loaded as the webhook loads its mount: the same names, the same digest.
 */
#include "base/limits.h"
#include "cli/doctor/doctor.h"
#include "policy/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the API server asks of a ConfigMap's keys, so that none leads out of the folder. */
static bool is_file_name(const char *key)
{
    const size_t length = strlen(key);
    return length > 0 && length < 254 && key[0] != '.' &&
           strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
               length;
}

static bool write_file(int folder, const char *name, const char *text)
{
    const size_t length = strlen(text);
    const int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    size_t done = 0;
    while (done < length) {
        const ssize_t count = write(fd, text + done, length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    return close(fd) == 0 && done == length;
}

static bool write_all(int folder, const cJSON *data)
{
    bool fine = true;
    const cJSON *file;
    cJSON_ArrayForEach(file, data)
    {
        if (is_file_name(file->string) && json_is_string(file))
            fine = write_file(folder, file->string, json_string(file)) && fine;
    }
    return fine;
}

static void remove_all(int folder, const char *path, const cJSON *data)
{
    const cJSON *file;
    cJSON_ArrayForEach(file, data)
    {
        if (is_file_name(file->string))
            unlinkat(folder, file->string, 0);
    }
    close(folder);
    rmdir(path);
}

/* "FILE:LINE:COLUMN: error: ..." without the folder, which is nobody's business. */
static const char *tell(struct arena *arena, const struct diagnostics *diagnostics,
                        const struct err *err)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_MIB);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        const char *slash = item->place.file != NULL ? strrchr(item->place.file, '/') : NULL;
        if (item->severity != DIAG_ERROR)
            continue;
        buf_printf(&text, "%s%s:%u:%u: %s [%s]", text.length > 0 ? "; " : "",
                   slash != NULL ? slash + 1 : "policies", item->place.mark.line,
                   item->place.mark.column, item->message, item->code);
    }
    if (text.length == 0)
        buf_add_string(&text, err->code == ERR_POLICY ? "there is no policy in it" : err->text);
    return text.data;
}

static struct policy_set *load_folder(struct arena *arena, const char *path, int64_t now,
                                      const char **ret_text)
{
    const char *paths[] = {path, NULL};
    const struct policy_load_options options = {.now = now};
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    struct err err = {0};
    diag_init(&diagnostics, arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) == 0)
        return set;
    *ret_text = tell(arena, &diagnostics, &err);
    return NULL;
}

struct policy_set *doctor_load_policies(struct arena *arena, const cJSON *data, int64_t now,
                                        const char **ret_text)
{
    const char *root = getenv("TMPDIR");
    char *path = arena_printf(arena, "%s/proctor-doctor.XXXXXX",
                              root != NULL && root[0] != '\0' ? root : "/tmp");
    struct policy_set *set = NULL;
    if (!json_is_object(data)) /* a list's entries have no names */
        data = NULL;
    const int folder = mkdtemp(path) != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0) {
        *ret_text = arena_printf(arena, "cannot make the folder %s to load it from: %s", path,
                                 strerror(errno));
        return NULL;
    }
    if (write_all(folder, data))
        set = load_folder(arena, path, now, ret_text);
    else
        *ret_text = arena_printf(arena, "cannot write into %s: %s", path, strerror(errno));
    remove_all(folder, path, data);
    return set;
}
