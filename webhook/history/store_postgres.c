/* PostgreSQL by libpq: prepared statements, parameters and answers in binary.
 *
 * Whether a commit took whose answer was lost is asked of the server afterwards
 * (pg_xact_status): each transaction notes its number at its beginning.
 */
#include "base/clock.h"
#include "history/store_db.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types' numbers, fixed in PostgreSQL's catalogue (pg_type.dat). */
enum { POSTGRES_INT8 = 20, POSTGRES_TEXT = 25, POSTGRES_BYTEA = 17 };

/* A server that did not answer is not asked again before that. */
#define POSTGRES_REST_US 500000

struct postgres_db {
    struct store_db db;
    PGconn *handle;
    PGresult *result; /* of the query whose rows are being read */
    char *url;
    int64_t rest_until;
    char transaction[32]; /* its number; "" before a begin */
    const char *statements[STORE_STATEMENTS_MAX];
    size_t statement_count;
};

static struct postgres_db *of(struct store_db *db)
{
    return (struct postgres_db *)(void *)db;
}

static void be_silent(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* The first line of what the server or the library says, without its ending. */
static void first_line(const char *said, char line[200])
{
    while (*said == ' ' || *said == '\n')
        said++;
    snprintf(line, 200, "%.*s", (int)strcspn(said, "\n"), said);
}

/* What a SQLSTATE means for whoever runs the recorder. */
static const char *advice_of(const char *state)
{
    static const struct {
        const char *state, *advice;
    } table[] = {
        {"28", "wrong user or password"},
        {"3D000", "there is no such database: create it"},
        {"42501", "this user lacks a right on the history's tables"},
        {"53100", "the server's disk is full: make room"},
        {"53300", "the server has too many connections"},
        {"53", "the server is short of something"},
        {"25006", "the server takes no writes (a standby, or read-only)"},
        {"58", "the server has trouble with its files"},
        {"XX001", "its data is corrupt: restore a backup"},
        {"XX002", "an index of it is corrupt: REINDEX or restore a backup"},
    };
    for (size_t i = 0; state != NULL && i < sizeof table / sizeof table[0]; i++)
        if (strncmp(state, table[i].state, strlen(table[i].state)) == 0)
            return table[i].advice;
    return NULL;
}

static int failure(struct postgres_db *db, const PGresult *result, struct err *reterr)
{
    char line[200];
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    first_line(primary != NULL ? primary : PQerrorMessage(db->handle), line);
    /* 57P01 to 57P03: the server says that it ends the session, and does so just afterwards. */
    const bool ended = state != NULL && strncmp(state, "57P", 3) == 0;
    if (ended || PQstatus(db->handle) != CONNECTION_OK) {
        db->db.broken = true;
        db->db.leads = false;
        return err_set(reterr, ERR_STORE, "PostgreSQL: the connection is lost: %s", line);
    }
    if (state != NULL && strncmp(state, "40", 2) == 0)
        db->db.again = true;
    if (state != NULL && strncmp(state, "23", 2) == 0)
        return err_set(reterr, ERR_CONFLICT,
                       "the history has that already, or lacks what it names (%s)", line);
    const char *advice = advice_of(state);
    return err_set(reterr, ERR_STORE, "PostgreSQL: %s%s%s", advice == NULL ? "" : advice,
                   advice == NULL ? "" : ": ", line);
}

static void postgres_settle(struct store_db *base)
{
    struct postgres_db *db = of(base);
    for (; db->result != NULL; db->result = PQgetResult(db->handle))
        PQclear(db->result);
}

/* Constant SQL of one or more statements; *ret_text (NULL is fine) is the last one's only value. */
static int plain(struct postgres_db *db, const char *sql, char ret_text[32], struct err *reterr)
{
    PGresult *result = PQexec(db->handle, sql);
    const ExecStatusType status = PQresultStatus(result);
    int r = 0;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        r = failure(db, result, reterr);
    else if (ret_text != NULL)
        snprintf(ret_text, 32, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return r;
}

static int postgres_script(struct store_db *db, const char *sql, struct err *reterr)
{
    return plain(of(db), sql, NULL, reterr);
}

static int prepare(struct postgres_db *db, const char *sql, const struct store_value *values,
                   size_t count, char name[16], struct err *reterr)
{
    size_t index = 0;
    while (index < db->statement_count && db->statements[index] != sql)
        index++;
    snprintf(name, 16, "s%zu", index);
    if (index < db->statement_count)
        return 0;
    if (index == STORE_STATEMENTS_MAX)
        return err_set(reterr, ERR_INTERNAL, "more statements than their cache holds");
    Oid types[STORE_VALUES_MAX];
    for (size_t i = 0; i < count; i++)
        types[i] = values[i].kind == STORE_INT    ? POSTGRES_INT8
                   : values[i].kind == STORE_TEXT ? POSTGRES_TEXT
                                                  : POSTGRES_BYTEA;
    PGresult *result = PQprepare(db->handle, name, sql, (int)count, types);
    const int r = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : failure(db, result, reterr);
    PQclear(result);
    if (r == 0)
        db->statements[db->statement_count++] = sql;
    return r;
}

/* Sends a prepared statement; false: the connection does not take it. */
static bool send_prepared(struct postgres_db *db, const char *name,
                          const struct store_value *values, size_t count)
{
    const char *bytes[STORE_VALUES_MAX];
    int lengths[STORE_VALUES_MAX], formats[STORE_VALUES_MAX];
    uint64_t numbers[STORE_VALUES_MAX];
    for (size_t i = 0; i < count; i++) {
        formats[i] = 1;
        lengths[i] = (int)values[i].length;
        bytes[i] = values[i].bytes == NULL ? "" : values[i].bytes;
        if (values[i].kind == STORE_INT) {
            numbers[i] = htobe64((uint64_t)values[i].number);
            bytes[i] = (const char *)&numbers[i];
            lengths[i] = sizeof numbers[i];
        }
        if (values[i].null)
            bytes[i] = NULL;
    }
    return PQsendQueryPrepared(db->handle, name, (int)count, bytes, lengths, formats, 1) == 1 &&
           (!db->db.stream || PQsetSingleRowMode(db->handle) == 1);
}

/* The answer comes whole, or (`stream`) as one result for each row and an empty one. */
static int read_answer(struct postgres_db *db, store_row_fn *row, void *context,
                       int64_t *ret_changes, struct err *reterr)
{
    int r = 0;
    while ((db->result = PQgetResult(db->handle)) != NULL) {
        const ExecStatusType status = PQresultStatus(db->result);
        const bool good =
            status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
        if (r == 0 && !good)
            r = failure(db, db->result, reterr);
        for (int i = 0; r == 0 && row != NULL && i < PQntuples(db->result); i++)
            row(context, &(struct store_row){&db->db, db->result, i});
        if (r == 0 && ret_changes != NULL)
            *ret_changes = strtoll(PQcmdTuples(db->result), NULL, 10);
        PQclear(db->result);
    }
    return r;
}

static int postgres_query(struct store_db *base, const char *sql, const struct store_value *values,
                          size_t count, store_row_fn *row, void *context, int64_t *ret_changes,
                          struct err *reterr)
{
    struct postgres_db *db = of(base);
    char name[16];
    if (base->broken)
        return err_set(reterr, ERR_STORE, "PostgreSQL: the connection is lost");
    int r = prepare(db, sql, values, count, name, reterr);
    if (r != 0)
        return r;
    postgres_settle(base);
    return send_prepared(db, name, values, count)
               ? read_answer(db, row, context, ret_changes, reterr)
               : failure(db, NULL, reterr);
}

static int postgres_begin(struct store_db *base, struct err *reterr)
{
    struct postgres_db *db = of(base);
    db->transaction[0] = '\0';
    base->again = false;
    base->in_order = false;
    static const char begin[] = "BEGIN; SELECT pg_current_xact_id()::text";
    static const char hurried[] = "BEGIN; SET LOCAL synchronous_commit = off;"
                                  " SELECT pg_current_xact_id()::text";
    return plain(db, base->hurries ? hurried : begin, db->transaction, reterr);
}

static int postgres_commit(struct store_db *base, struct err *reterr)
{
    struct postgres_db *db = of(base);
    PGresult *result = PQexec(db->handle, "COMMIT");
    int r = 0;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        r = failure(db, result, reterr);
    else if (strcmp(PQcmdStatus(result), "COMMIT") != 0) /* it was aborted: "ROLLBACK" */
        r = err_set(reterr, ERR_STORE, "PostgreSQL: the transaction was undone");
    PQclear(result);
    if (r == 0)
        db->transaction[0] = '\0';
    return r;
}

static void postgres_rollback(struct store_db *base)
{
    struct postgres_db *db = of(base);
    postgres_settle(base);
    if (!base->broken && plain(db, "ROLLBACK", NULL, NULL) == 0)
        db->transaction[0] = '\0';
}

static bool postgres_is_null(const struct store_row *row, int column)
{
    return PQgetisnull(row->handle, row->index, column) == 1;
}

static int64_t postgres_integer(const struct store_row *row, int column)
{
    uint64_t wide;
    uint32_t narrow;
    const char *bytes = PQgetvalue(row->handle, row->index, column);
    if (PQgetlength(row->handle, row->index, column) == sizeof narrow) {
        memcpy(&narrow, bytes, sizeof narrow);
        return (int32_t)be32toh(narrow);
    }
    memcpy(&wide, bytes, sizeof wide);
    return (int64_t)be64toh(wide);
}

static const char *postgres_bytes(const struct store_row *row, int column, size_t *ret_length)
{
    *ret_length = (size_t)PQgetlength(row->handle, row->index, column);
    return PQgetvalue(row->handle, row->index, column);
}

static void disconnect(struct postgres_db *db)
{
    postgres_settle(&db->db);
    PQfinish(db->handle);
    db->handle = NULL;
    db->statement_count = 0;
    db->db.leads = false;
}

static void postgres_close(struct store_db *base)
{
    struct postgres_db *db = of(base);
    disconnect(db);
    free(db->url);
    free(db);
}

/* A wrong password has no SQLSTATE in libpq's answer to a connection, only its text. */
static int no_connection(struct postgres_db *db, struct err *reterr)
{
    char line[200];
    const char *said = PQerrorMessage(db->handle);
    const char *fatal = strstr(said, "FATAL:");
    first_line(fatal != NULL ? fatal + strlen("FATAL:") : said, line);
    const char *advice = "no server answers there: ";
    if (strstr(said, "password authentication failed") != NULL ||
        strstr(said, "no password supplied") != NULL || strstr(said, "pg_hba.conf") != NULL)
        advice = "wrong user or password: ";
    else if (strstr(said, "does not exist") != NULL)
        advice = "no such database or user: ";
    else if (fatal != NULL)
        advice = "";
    return err_set(reterr, ERR_STORE, "PostgreSQL: %s%s", advice, line);
}

static int connect_to(struct postgres_db *db, struct err *reterr)
{
    if (clock_monotonic_us() < db->rest_until)
        return err_set(reterr, ERR_STORE,
                       "PostgreSQL: the server is gone, and is asked again soon");
    const char *const keys[] = {
        "dbname",           "client_encoding",           "connect_timeout",
        "keepalives_idle",  "keepalives_count",          "keepalives_interval",
        "tcp_user_timeout", "fallback_application_name", NULL};
    const char *const values[] = {db->url, "UTF8", "3", "10", "3", "5", "10000", "proctor-recorder",
                                  NULL};
    db->handle = PQconnectdbParams(keys, values, 1);
    int r = 0;
    if (db->handle == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    if (PQstatus(db->handle) != CONNECTION_OK)
        r = no_connection(db, reterr);
    PQsetNoticeProcessor(db->handle, be_silent, NULL);
    db->db.broken = false;
    if (r == 0)
        r = plain(db,
                  "SET synchronous_commit = on; SET statement_timeout = '60s';"
                  "SET idle_in_transaction_session_timeout = '60s';"
                  "SET default_transaction_isolation = 'read committed'",
                  NULL, reterr);
    if (r != 0) {
        disconnect(db);
        db->db.broken = true;
        db->rest_until = clock_monotonic_us() + POSTGRES_REST_US;
    }
    return r;
}

/* Only the number of a transaction of our own goes into this text, digits that the server gave;
 * it is a parameter all the same. */
static int outcome(struct postgres_db *db, const char *transaction, bool *ret_committed,
                   struct err *reterr)
{
    const char *const values[] = {transaction};
    PGresult *result = PQexecParams(db->handle, "SELECT pg_xact_status($1::text::xid8)", 1, NULL,
                                    values, NULL, NULL, 0);
    int r = 0;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        r = failure(db, result, reterr);
    else if (strcmp(PQgetvalue(result, 0, 0), "in progress") == 0)
        r = err_set(reterr, ERR_STORE, "PostgreSQL: the lost session has not ended yet");
    else
        *ret_committed = strcmp(PQgetvalue(result, 0, 0), "committed") == 0;
    PQclear(result);
    return r;
}

static int postgres_reopen(struct store_db *base, bool *ret_committed, struct err *reterr)
{
    struct postgres_db *db = of(base);
    *ret_committed = false;
    disconnect(db);
    int r = connect_to(db, reterr);
    if (r != 0 || db->transaction[0] == '\0')
        return r;
    r = outcome(db, db->transaction, ret_committed, reterr);
    if (r == 0)
        db->transaction[0] = '\0';
    return r;
}

static const struct store_driver postgres_driver = {
    .postgres = true,
    .query = postgres_query,
    .script = postgres_script,
    .settle = postgres_settle,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .reopen = postgres_reopen,
    .is_null = postgres_is_null,
    .integer = postgres_integer,
    .bytes = postgres_bytes,
    .close = postgres_close,
};

/* What is wrong with a URL is not repeated: it may hold the password. */
static int check_url(const char *url, struct err *reterr)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    const bool good = options != NULL;
    PQconninfoFree(options);
    PQfreemem(message);
    return good ? 0
                : err_set(reterr, ERR_STORE,
                          "the database's URL cannot be read: "
                          "postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %%XX for what is no "
                          "letter or digit");
}

static int check_server(struct postgres_db *db, struct err *reterr)
{
    char encoding[32];
    int r = plain(db, "SHOW server_encoding", encoding, reterr);
    if (r == 0 && strcmp(encoding, "UTF8") != 0)
        r = err_set(reterr, ERR_STORE,
                    "PostgreSQL: the database's encoding is %s: create it with ENCODING 'UTF8'",
                    encoding);
    if (r == 0 && PQserverVersion(db->handle) < 130000)
        r = err_set(reterr, ERR_STORE, "PostgreSQL: version 13 or later is needed, this is %d",
                    PQserverVersion(db->handle) / 10000);
    return r;
}

int store_postgres_open(const char *url, enum store_access access, struct store_db **ret_db,
                        struct err *reterr)
{
    int r = check_url(url, reterr);
    if (r != 0)
        return r;
    struct postgres_db *db = calloc(1, sizeof *db);
    char *copy = strdup(url);
    if (db == NULL || copy == NULL) {
        free(db);
        free(copy);
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    db->db.driver = &postgres_driver;
    db->url = copy;
    r = connect_to(db, reterr);
    if (r == 0)
        r = check_server(db, reterr);
    if (r == 0 && access == STORE_READER)
        r = plain(db, "SET default_transaction_read_only = on", NULL, reterr);
    if (r != 0) {
        postgres_close(&db->db);
        return r;
    }
    *ret_db = &db->db;
    return 0;
}
