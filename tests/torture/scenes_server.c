/* proctor-webhook's whole life with its own main: settings, policies, certificate, both servers, a
 * SIGTERM that waits from the beginning, and its end. */
#include "tests/torture/scene.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int proctor_webhook_main(int argc, char **argv);

static size_t run_server(size_t bytes)
{
    char certificate[256];
    char *argv[] = {"proctor-webhook", "--listen=127.0.0.1:0",    "--metrics-listen=127.0.0.1:0",
                    "--policies",      "policies/no-side-doors",  "--tls-dir",
                    certificate,       "--drain-quiet-seconds=0", "--drain-seconds=0",
                    "--threads=2",     "--decision-log=",         NULL};
    sigset_t signals;
    (void)bytes;
    snprintf(certificate, sizeof certificate, "%s", scene_folder());
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    kill(getpid(), SIGTERM);
    return (size_t)proctor_webhook_main((int)(sizeof argv / sizeof *argv) - 1, argv);
}

const struct scene scenes_server[] = {
    {"server", SCENE_PROCESS, NULL, run_server, NULL, 0},
    {.name = NULL},
};
