#include "policy/load_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_DEPTH_MAX 16

static void report(struct loader *loader, const char *path, const char *code, const char *words)
{
    const struct place place = {arena_strdup(loader->diagnostics->arena, path), {0, 0}};
    diag_add(loader->diagnostics, DIAG_ERROR, place, code, "%s", words);
}

void load_add_source(struct loader *loader, const char *name, const char *text, size_t length)
{
    if (loader->source_count == loader->source_capacity) {
        loader->source_capacity = loader->source_capacity * 2 + 16;
        struct source *grown = arena_array(loader->arena, loader->source_capacity, sizeof *grown);
        if (loader->source_count > 0)
            memcpy(grown, loader->sources, loader->source_count * sizeof *grown);
        loader->sources = grown;
    }
    struct source source = {arena_strdup(loader->arena, name),
                            arena_strndup(loader->arena, text, length), length};
    loader->sources[loader->source_count++] = source;
}

static void read_file(struct loader *loader, const char *path, FILE *file)
{
    /* Not from the arena: running out there must not leak the descriptor. */
    char *text = malloc(LIMIT_POLICY_FILE_BYTES + 1);
    if (text == NULL) {
        report(loader, path, "unreadable", "out of memory");
        return;
    }
    const size_t length = fread(text, 1, LIMIT_POLICY_FILE_BYTES + 1, file);
    if (ferror(file))
        report(loader, path, "unreadable", strerror(errno));
    else if (length > LIMIT_POLICY_FILE_BYTES)
        report(loader, path, "too-large", "a policy file may have 1 MiB: split it");
    else
        load_add_source(loader, path, text, length);
    free(text);
}

static void load_file(struct loader *loader, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        report(loader, path, "unreadable", strerror(errno));
        return;
    }
    read_file(loader, path, file);
    fclose(file);
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
        load_file(loader, path);
}

static void load_folder(struct loader *loader, const char *path, unsigned depth)
{
    struct dirent **entries;
    if (depth > FOLDER_DEPTH_MAX) {
        report(loader, path, "too-deep", "folders are nested too deeply (a link in a circle?)");
        return;
    }
    const int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        report(loader, path, "unreadable", strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        load_entry(loader, path, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
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
            load_file(loader, path);
    }
}
