/* The settings of proctor-webhook: one row each; what comes of a row, net/settings.h says. */
#ifndef PROCTOR_NET_CONFIG_H
#define PROCTOR_NET_CONFIG_H

#include "net/settings.h"

/*    member, name, type, value, default, min, max, help */
#define CONFIG_TABLE(X)                                                                            \
    X(listen, "listen", SETTING_TEXT, "HOST:PORT", "0.0.0.0:8443", 0, 0,                           \
      "where /mutate, /validate and /policies are served over TLS; port 0: any")                   \
    X(metrics_listen, "metrics-listen", SETTING_TEXT, "HOST:PORT", "0.0.0.0:8080", 0, 0,           \
      "where /metrics, /healthz and /readyz are served in the clear; port 0: any")                 \
    X(policies, "policies", SETTING_PATHS, "PATH", "", 0, 0,                                       \
      "a policy file or folder; may be given several times (in the environment: a:b)")             \
    X(tls_dir, "tls-dir", SETTING_TEXT, "DIR", "", 0, 0,                                           \
      "a folder with tls.crt and tls.key, as a mounted Secret has them")                           \
    X(tls_cert, "tls-cert", SETTING_TEXT, "FILE", "", 0, 0, "the certificate chain, PEM")          \
    X(tls_key, "tls-key", SETTING_TEXT, "FILE", "", 0, 0, "its private key, PEM")                  \
    X(language, "language", SETTING_TEXT, "LANG", "", 0, 0,                                        \
      "of messages, where a policy has several; default: its first")                               \
    X(mode, "mode", SETTING_TEXT, "enforce|warn|audit", "enforce", 0, 0,                           \
      "no rule acts more strictly: warn refuses and changes nothing, audit is silent")             \
    X(threads, "threads", SETTING_NUMBER, "N", "0", 0, 64, "workers; 0: one a processor, 2 to 8")  \
    X(connections, "connections", SETTING_NUMBER, "N", "1000", 8, 100000,                          \
      "open connections at most; more wait unaccepted")                                            \
    X(request_seconds, "request-seconds", SETTING_NUMBER, "N", "10", 1, 60,                        \
      "a handshake, head and body, and the reading of the answer, may take this long")             \
    X(idle_seconds, "idle-seconds", SETTING_NUMBER, "N", "120", 1, 3600,                           \
      "an idle connection is kept this long; the API server keeps it 90")                          \
    X(drain_seconds, "drain-seconds", SETTING_NUMBER, "N", "20", 0, 600,                           \
      "after SIGTERM, answers go on at most this long")                                            \
    X(drain_quiet_seconds, "drain-quiet-seconds", SETTING_NUMBER, "N", "3", 0, 600,                \
      "and end when nothing has come for so long")                                                 \
    X(body_bytes, "body-bytes", SETTING_NUMBER, "N", "6553600", 1024, 6553600, "the largest body") \
    X(in_flight_bytes, "in-flight-bytes", SETTING_NUMBER, "N", "25165824", 65536, 25165824,        \
      "bodies and work memory of all connections; past it the answer is 429")                      \
    X(decision_log, "decision-log", SETTING_TEXT, "FILE", "-", 0, 0,                               \
      "one JSON line a request; - is stdout, an empty value turns it off")                         \
    X(log_level, "log-level", SETTING_TEXT, "debug|info|warn|error", "info", 0, 0,                 \
      "how much goes to stderr")                                                                   \
    X(log_format, "log-format", SETTING_TEXT, "json|text", "json", 0, 0, "how it looks there")

struct config {
#define CONFIG_MEMBER(member, name, type, value, fallback, min, max, help)                         \
    struct setting_value member;
    CONFIG_TABLE(CONFIG_MEMBER)
#undef CONFIG_MEMBER
    char **policy_paths; /* ends with NULL */
    char *certificate_path;
    char *key_path;
    bool help, version, print;
};

/* Fills *config from the three sources.  ERR_USAGE if anything is wrong; each fault is a line
 * in `faults`.  config_done in any case. */
NODISCARD int config_read(struct config *config, int argc, char **argv, char **environment,
                          struct buf *faults, struct err *reterr);
void config_done(struct config *config);

/* Appends --help's text, and the effective settings as a config file. */
void config_write_help(struct buf *buf);
void config_write(struct config *config, struct buf *buf);

#endif
