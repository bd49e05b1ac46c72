/* The store's one schema, as steps: step N brings a database of version N - 1 to version N.  A step
 * that was released is never changed; what changes is a new step. */
#ifndef PROCTOR_HISTORY_STORE_SCHEMA_H
#define PROCTOR_HISTORY_STORE_SCHEMA_H

#include "history/store_db.h"

#define STORE_SCHEMA_VERSION 4

/* Every table and its columns, in an order in which their rows may be copied. */
struct store_table {
    const char *name;
    const char *select;   /* SELECT of all columns, in the order of the table's key */
    const char *insert;   /* of one row */
    const char *renumber; /* PostgreSQL: the next id is past those that are there; NULL: no ids */
    const char *kinds;    /* a letter for each column: i, t, b as enum store_kind */
};
extern const struct store_table store_tables[];
extern const size_t store_table_count;

/* The version that stands in the database; 0: an empty one.  ERR_STORE: another program's. */
NODISCARD int store_schema_version(struct store_db *db, int64_t *ret_version, struct err *reterr);

/* Brings it to STORE_SCHEMA_VERSION in one transaction, alone among all replicas.  ERR_STORE: it
 * is of a newer version. */
NODISCARD int store_schema_migrate(struct store_db *db, struct err *reterr);

#endif
