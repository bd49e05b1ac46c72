/* Remarks as SARIF 2.1.0 (OASIS), the form in which code scanning takes findings.
 *
 *     struct sarif sarif;
 *     sarif_init(&sarif, rules, rule_count);
 *     sarif_add(&sarif, &remark);
 *     int rc = sarif_write(&sarif, "review", true, &text, &err);
 *     sarif_done(&sarif);
 *
 * One run.  Files are named relative to the working folder (%SRCROOT%), or by file: URIs outside of
 * it.  A result's fingerprint is made of its rule, file and subject, not of its line, so that it is
 * the same one when something is written above it.
 */
#ifndef PROCTOR_CLI_SARIF_H
#define PROCTOR_CLI_SARIF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cli/output/remark.h"

struct sarif_seen;

#define SARIF_BUCKETS 1024U

struct sarif {
    struct arena arena; /* of one result */
    struct arena kept;  /* of the fingerprints */
    const struct remark_rule *rules;
    size_t rule_count;
    struct buf results;       /* with a comma after each but the last */
    struct buf notes;         /* what could not be read or judged: notifications */
    struct sarif_seen **seen; /* fingerprints' hashes, by bucket */
};

/* `rules` is borrowed until sarif_done. */
void sarif_init(struct sarif *sarif, const struct remark_rule *rules, size_t rule_count);
void sarif_done(struct sarif *sarif);

/* A remark without a rule is a notification about the run, not a result. */
void sarif_add(struct sarif *sarif, const struct remark *remark);

/* Appends the whole log to `text`.  `complete`: all that was asked for was looked at.
 * ERR_NO_MEMORY if something did not fit: the text is then not to be used. */
NODISCARD int sarif_write(struct sarif *sarif, const char *command, bool complete, struct buf *text,
                          struct err *reterr);

#endif
