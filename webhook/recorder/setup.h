/* The settings of proctor-recorder: one row each; what comes of a row, net/settings.h says. */
#ifndef PROCTOR_RECORDER_SETUP_H
#define PROCTOR_RECORDER_SETUP_H

#include "net/settings.h"

/*    member, name, type, value, default, min, max, help */
#define SETUP_TABLE(X)                                                                             \
    X(namespace_, "namespace", SETTING_TEXT, "NAME", "hydrosim-students", 0, 0,                    \
      "whose Deployments are remembered")                                                          \
    X(database, "database", SETTING_TEXT, "FILE-OR-URL", "proctor.db", 0, 0,                       \
      "an SQLite file, or postgres://USER:PASSWORD@HOST/NAME (better in the environment)")         \
    X(listen, "listen", SETTING_TEXT, "HOST:PORT", "0.0.0.0:8443", 0, 0,                           \
      "where the API is served over TLS; port 0: any")                                             \
    X(record_listen, "record-listen", SETTING_TEXT, "HOST:PORT", "0.0.0.0:9443", 0, 0,             \
      "where the API server tells of changes, over TLS; an empty value turns it off")              \
    X(metrics_listen, "metrics-listen", SETTING_TEXT, "HOST:PORT", "0.0.0.0:8080", 0, 0,           \
      "where /metrics, /healthz and /readyz are served in the clear; port 0: any")                 \
    X(policies, "policies", SETTING_PATHS, "PATH", "", 0, 0,                                       \
      "the webhook's policies: they say whose a project is; may be given several times "           \
      "(in the environment: a:b)")                                                                 \
    X(tls_dir, "tls-dir", SETTING_TEXT, "DIR", "", 0, 0,                                           \
      "a folder with tls.crt and tls.key, as a mounted Secret has them")                           \
    X(tls_cert, "tls-cert", SETTING_TEXT, "FILE", "", 0, 0, "the certificate chain, PEM")          \
    X(tls_key, "tls-key", SETTING_TEXT, "FILE", "", 0, 0, "its private key, PEM")                  \
    X(record_secret, "record-secret", SETTING_TEXT, "FILE", "", 0, 0,                              \
      "the secret segment of /record/SECRET, one a line; read again when it changes")              \
    X(record_ms, "record-ms", SETTING_NUMBER, "N", "100", 10, 900,                                 \
      "the API server is answered after so many milliseconds, though a change is not on disk "     \
      "yet; it asks with a timeout of a second")                                                   \
    X(trusted, "trusted", SETTING_NAMES, "ACCOUNT", "", 0, 0,                                      \
      "a service account whose word on whose behalf it acts counts; may be given several times "   \
      "(in the environment: a,b)")                                                                 \
    X(self, "self", SETTING_TEXT, "ACCOUNT",                                                       \
      "system:serviceaccount:hydrosim-system:proctor-recorder", 0, 0,                              \
      "as whom this program writes")                                                               \
    X(client_ca, "client-ca", SETTING_TEXT, "FILE", "", 0, 0,                                      \
      "the cluster's CA: callers of the API may then show a client certificate")                   \
    X(auto_rollback, "auto-rollback", SETTING_SWITCH, "", "false", 0, 0,                           \
      "go back by itself from what failed, where a project does not say otherwise")                \
    X(rollback_managed, "rollback-managed", SETTING_SWITCH, "", "false", 0, 0,                     \
      "by itself also what Argo CD, Flux or Helm manage")                                          \
    X(secrets, "fingerprint-secrets", SETTING_SWITCH, "", "false", 0, 0,                           \
      "note by resourceVersion which Secrets a version ran with (needs the right to get them)")    \
    X(hold_hours, "hold-hours", SETTING_NUMBER, "N", "24", 0, 87600,                               \
      "what it went back from may not return for so long; 0: until somebody lifts it")             \
    X(soak_seconds, "soak-seconds", SETTING_NUMBER, "N", "60", 1, 86400,                           \
      "a version is good when it has run so long without a restart")                               \
    X(evidence_seconds, "evidence-seconds", SETTING_NUMBER, "N", "60", 1, 86400,                   \
      "an image that cannot be pulled, or a crash, has failed after so long")                      \
    X(deadline_factor, "deadline-factor", SETTING_NUMBER, "N", "3", 1, 100,                        \
      "a rollout fails after so many times its progressDeadlineSeconds, whatever happens")         \
    X(persist_seconds, "persist-seconds", SETTING_NUMBER, "N", "90", 1, 86400,                     \
      "a change that is not stored by then was refused elsewhere")                                 \
    X(retain_days, "retain-days", SETTING_NUMBER, "N", "730", 0, 36500,                            \
      "versions that ended earlier are forgotten; 0: none for its age")                            \
    X(retain_revisions, "retain-revisions", SETTING_NUMBER, "N", "50", 1, 100000,                  \
      "but each project keeps its newest N")                                                       \
    X(retain_good, "retain-good", SETTING_NUMBER, "N", "10", 0, 100000, "and its newest N good")   \
    X(size_bytes, "size-bytes", SETTING_NUMBER, "N", "2147483648", 0, INT64_MAX,                   \
      "SQLite: the largest database; the oldest versions go before; 0: the disk's size")           \
    X(backup, "backup", SETTING_TEXT, "DIR", "", 0, 0, "a checked copy goes there each day")       \
    X(backup_keep, "backup-keep", SETTING_NUMBER, "N", "7", 1, 1000, "so many copies are kept")    \
    X(notify_url, "notify-url", SETTING_TEXT, "URL", "", 0, 0, "events are posted there, signed")  \
    X(notify_keys, "notify-keys", SETTING_TEXT, "FILE", "", 0, 0,                                  \
      "what they are signed with, a key a line, the newest first; read again when it changes")     \
    X(notify_ca, "notify-ca", SETTING_TEXT, "FILE", "", 0, 0,                                      \
      "the CA of that server, PEM; default: the system's")                                         \
    X(notify_events, "notify-events", SETTING_SWITCH, "", "false", 0, 0,                           \
      "tell as Kubernetes Events of the Deployment, too")                                          \
    X(host_domain, "host-domain", SETTING_TEXT, "DOMAIN", "project.hydrosim.edu", 0, 0,            \
      "an Ingress that a deploy makes is PROJECT.DOMAIN")                                          \
    X(language, "language", SETTING_TEXT, "LANG", "", 0, 0,                                        \
      "of messages, where a policy has several; default: its first")                               \
    X(kubeconfig, "kubeconfig", SETTING_TEXT, "FILE", "", 0, 0,                                    \
      "how the API server is reached; default: KUBECONFIG, ~/.kube/config, or as a pod")           \
    X(context, "context", SETTING_TEXT, "NAME", "", 0, 0, "of the kubeconfig; default: its own")   \
    X(threads, "threads", SETTING_NUMBER, "N", "0", 0, 64,                                         \
      "workers of each port; 0: one a processor, 2 to 8")                                          \
    X(connections, "connections", SETTING_NUMBER, "N", "1000", 8, 100000,                          \
      "open connections of each port at most, of the API half for streams; more wait")             \
    X(drain_seconds, "drain-seconds", SETTING_NUMBER, "N", "15", 0, 600,                           \
      "after SIGTERM, changes are taken on at most this long")                                     \
    X(drain_quiet_seconds, "drain-quiet-seconds", SETTING_NUMBER, "N", "2", 0, 600,                \
      "and end when none has come for so long")                                                    \
    X(log_level, "log-level", SETTING_TEXT, "debug|info|warn|error", "info", 0, 0,                 \
      "how much goes to stderr")                                                                   \
    X(log_format, "log-format", SETTING_TEXT, "json|text", "json", 0, 0, "how it looks there")

struct setup {
#define SETUP_MEMBER(member, name, type, value, fallback, min, max, help)                          \
    struct setting_value member;
    SETUP_TABLE(SETUP_MEMBER)
#undef SETUP_MEMBER
    char **policy_paths, **trusted_accounts; /* end with NULL */
    char *certificate_path, *key_path;
    bool help, version, print;
};

/* Fills *setup from flags, environment and file.  ERR_USAGE if anything is wrong; each fault is a
 * line in `faults`.  setup_done in any case. */
NODISCARD int setup_read(struct setup *setup, int argc, char **argv, char **environment,
                         struct buf *faults, struct err *reterr);
void setup_done(struct setup *setup);

/* Appends --help's text, and the effective settings as a config file. */
void setup_write_help(struct buf *buf);
void setup_write(struct setup *setup, struct buf *buf);

/* The database as it may be shown: a URL without its password.  On the heap, NULL: no memory. */
char *setup_database_shown(const struct setup *setup);

#endif
