/* The two clocks of a load: its own, and the server's processor. */
#ifndef PROCTOR_BENCH_CLOCK_H
#define PROCTOR_BENCH_CLOCK_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Monotonic. */
static inline int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* What all threads of the server have run, as the scheduler counts it; 0 without a pid. */
static inline int64_t cpu_ns(long pid)
{
    char path[64];
    int64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *folder = pid > 0 ? opendir(path) : NULL;
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char file[400], line[80] = "";
        snprintf(file, sizeof file, "/proc/%ld/task/%s/schedstat", pid, entry->d_name);
        FILE *stream = entry->d_name[0] != '.' ? fopen(file, "r") : NULL;
        if (stream != NULL && fgets(line, sizeof line, stream) != NULL)
            sum += strtoll(line, NULL, 10);
        if (stream != NULL)
            fclose(stream);
    }
    closedir(folder);
    return sum;
}

#endif
