/* From exec to ready: starts a server again and again, asks for /readyz until it says 200.
 *
 *     start ROUNDS ADMIN-PORT COMMAND...
 *
 * Prints a line a round: wall nanoseconds, and the CPU time that the server took until then.
 */
#include "bench/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 200000
#define GIVE_UP  30000000000

static bool is_ready(unsigned port)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char answer[64] = "";
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool ready = fd >= 0 &&
                       connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                       send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                       recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 0 &&
                       strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
    if (fd >= 0)
        close(fd);
    return ready;
}

static pid_t start(char **command)
{
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    execv(command[0], command);
    _exit(127);
}

static int run_once(unsigned port, char **command)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    const int64_t start_ns = now_ns();
    const pid_t pid = start(command);
    bool ready = false;
    while (pid > 0 && !ready && now_ns() - start_ns < GIVE_UP && waitpid(pid, NULL, WNOHANG) == 0) {
        ready = is_ready(port);
        if (!ready)
            nanosleep(&pause, NULL);
    }
    const int64_t wall_ns = now_ns() - start_ns;
    if (!ready) {
        fprintf(stderr, "start: %s was not ready\n", command[0]);
        if (pid > 0)
            kill(pid, SIGKILL);
        return 1;
    }
    struct rusage usage;
    kill(pid, SIGKILL);
    wait4(pid, NULL, 0, &usage);
    printf("%lld %lld\n", (long long)wall_ns,
           1000LL * (1000000LL * (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: start ROUNDS ADMIN-PORT COMMAND...\n", stderr);
        return 2;
    }
    const long rounds = strtol(argv[1], NULL, 10);
    int failures = 0;
    for (long i = 0; i < rounds; i++)
        failures += run_once((unsigned)strtoul(argv[2], NULL, 10), argv + 3);
    return failures > 0;
}
