/* A main for the fuzz targets without libFuzzer: gives every file that is named, and every file
 * of a folder, to the target.  What was once a crash stays tried, under gcc's sanitizers too. */
#include "tests/fuzz/target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static size_t replayed;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    uint8_t *bytes = NULL;
    size_t length = 0, capacity = 0, got;
    do {
        capacity = capacity * 2 + 65536;
        bytes = realloc(bytes, capacity);
        if (bytes == NULL)
            abort();
        got = fread(bytes + length, 1, capacity - length, file);
        length += got;
    } while (length == capacity);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one, if it ends here */
    LLVMFuzzerTestOneInput(bytes, length);
    free(bytes);
    replayed++;
}

static void replay(const char *path)
{
    struct dirent **names;
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        replay_file(path);
        return;
    }
    const int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char inner[4096];
        const int length = snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && length > 0 && (size_t)length < sizeof inner)
            replay(inner);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu passed, 0 failed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
