#include "policy/load_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_DEPTH_MAX 16
#define TOO_LARGE        "a policy file may have 1 MiB: split it"

static void report(struct loader *loader, const char *path, const char *code, const char *words)
{
    const struct place place = {arena_strdup(loader->diagnostics->arena, path), {0, 0}};
    diag_add(loader->diagnostics, DIAG_ERROR, place, code, "%s", words);
}

/* `text` is the arena's already. */
static void take_source(struct loader *loader, const char *name, const char *text, size_t length)
{
    loader->sources = arena_room(loader->arena, loader->sources, loader->source_count,
                                 &loader->source_capacity, sizeof *loader->sources);
    struct source source = {arena_strdup(loader->arena, name), text, length};
    loader->sources[loader->source_count++] = source;
}

void load_add_source(struct loader *loader, const char *name, const char *text, size_t length)
{
    take_source(loader, name, arena_strndup(loader->arena, text, length), length);
}

/* Reads at most `room` bytes; 0 or an errno.  Touches no arena: running out there would leak. */
static int read_bytes(const char *path, char *bytes, size_t room, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return errno;
    *ret_length = fread(bytes, 1, room, file);
    const int code = ferror(file) ? EIO : 0;
    fclose(file);
    return code;
}

static void load_file(struct loader *loader, const char *path, const struct stat *info)
{
    const size_t size = info->st_size > 0 ? (size_t)info->st_size : 0;
    if (!S_ISREG(info->st_mode)) {
        report(loader, path, "unreadable", "this is no file, but a pipe or a device");
        return;
    }
    if (size > LIMIT_POLICY_FILE_BYTES) {
        report(loader, path, "too-large", TOO_LARGE);
        return;
    }
    size_t length = 0;
    char *text = arena_alloc(loader->arena, size + 1);
    const int code = read_bytes(path, text, size + 1, &length);
    if (code != 0)
        report(loader, path, "unreadable", strerror(code));
    else if (length > size)
        report(loader, path, "unreadable", "the file grew while it was read: try again");
    else
        take_source(loader, path, text, length);
}

static bool has_ending(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL &&
           (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* Hidden names are a mount's own (..data); cases are a suite's objects, not policies. */
static bool is_skipped(const char *name, bool folder)
{
    if (name[0] == '.')
        return true;
    if (folder)
        return strcmp(name, "cases") == 0;
    return !has_ending(name) || strcmp(name, "kustomization.yaml") == 0;
}

static void load_folder(struct loader *loader, const char *path, unsigned depth);

static void load_entry(struct loader *loader, const char *folder, const char *name, unsigned depth)
{
    const char *path = arena_printf(loader->arena, "%s/%s", folder, name);
    struct stat info;
    if (name[0] == '.')
        return;
    if (stat(path, &info) != 0)
        report(loader, path, "unreadable", strerror(errno));
    else if (is_skipped(name, S_ISDIR(info.st_mode)))
        return;
    else if (S_ISDIR(info.st_mode))
        load_folder(loader, path, depth + 1);
    else
        load_file(loader, path, &info);
}

/* A folder's names, one after the other in `bytes`, each with its NUL. */
struct names {
    char *bytes;
    size_t room;
    size_t length;
    size_t count;
};

/* Writes what fits and counts all; 0 or an errno.  Touches no arena, like read_bytes. */
static int read_names(const char *path, struct names *names)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno;
    names->length = names->count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const size_t bytes = strlen(entry->d_name) + 1;
        if (names->bytes != NULL && names->length + bytes > names->room)
            break; /* the folder grows: the rest comes with the next reload */
        if (names->bytes != NULL)
            memcpy(names->bytes + names->length, entry->d_name, bytes);
        names->length += bytes;
        names->count++;
    }
    closedir(folder);
    return 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void load_folder(struct loader *loader, const char *path, unsigned depth)
{
    struct names names = {0};
    if (depth > FOLDER_DEPTH_MAX) {
        report(loader, path, "too-deep", "folders are nested too deeply (a link in a circle?)");
        return;
    }
    int code = read_names(path, &names);
    if (code == 0) {
        names.room = names.length;
        names.bytes = arena_alloc(loader->arena, names.room + 1);
        code = read_names(path, &names);
    }
    if (code != 0) {
        report(loader, path, "unreadable", strerror(code));
        return;
    }
    const char **sorted = arena_array(loader->arena, names.count, sizeof *sorted);
    const char *at = names.bytes;
    for (size_t i = 0; i < names.count; i++, at += strlen(at) + 1)
        sorted[i] = at;
    qsort(sorted, names.count, sizeof *sorted, compare_names);
    for (size_t i = 0; i < names.count; i++)
        load_entry(loader, path, sorted[i], depth);
}

static int compare_files(const void *left, const void *right)
{
    const struct policy_file *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

void load_folder_files(struct loader *loader, const struct policy_file *files, size_t count)
{
    const struct policy_file **sorted = arena_array(loader->arena, count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &files[i];
    qsort(sorted, count, sizeof *sorted, compare_files);
    for (size_t i = 0; i < count; i++) {
        if (is_skipped(sorted[i]->name, false))
            continue;
        if (sorted[i]->length > LIMIT_POLICY_FILE_BYTES)
            report(loader, sorted[i]->name, "too-large", TOO_LARGE);
        else
            load_add_source(loader, sorted[i]->name, sorted[i]->text, sorted[i]->length);
    }
}

/* "policies/" and "policies" are one folder, also in messages. */
static const char *without_slash(struct arena *arena, const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return arena_strndup(arena, path, length);
}

void load_files(struct loader *loader, const char *const *paths)
{
    for (size_t i = 0; paths[i] != NULL; i++) {
        struct stat info;
        const char *path = without_slash(loader->arena, paths[i]);
        if (stat(path, &info) != 0)
            report(loader, path, "unreadable", strerror(errno));
        else if (S_ISDIR(info.st_mode))
            load_folder(loader, path, 0);
        else
            load_file(loader, path, &info);
    }
}
