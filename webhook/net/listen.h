#ifndef PROCTOR_NET_LISTEN_H
#define PROCTOR_NET_LISTEN_H

#include "base/err.h"

/* A listening socket for "HOST:PORT" ("[::1]:8443", ":8443" is all addresses). */
NODISCARD int listen_open(const char *address, int *ret_fd, unsigned *ret_port, struct err *reterr);

#endif
