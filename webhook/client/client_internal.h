/* What the client's files share: client.c's calls and stream.c's streams are of one client. */
#ifndef PROCTOR_CLIENT_CLIENT_INTERNAL_H
#define PROCTOR_CLIENT_CLIENT_INTERNAL_H

#include "client/client.h"
#include "client/http.h"
#include "client/warnings.h"

struct kube_client {
    const struct kube_config *config;
    struct client_options options;
    struct http *http;
    struct credential credential;
    struct buf body; /* of the last answer, on the heap */
    size_t header_bytes;
    bool too_large;
    struct warnings warnings;
    const cJSON *status;
};

#endif
