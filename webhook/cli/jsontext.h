/* Places in a JSON text: where values begin and end, for messages with file:line:column.
 *
 * Nothing here judges the text; base/json.h does.  On text that is no JSON the answers are only
 * bounded, not meaningful.
 */
#ifndef PROCTOR_CLI_JSONTEXT_H
#define PROCTOR_CLI_JSONTEXT_H

#include "base/err.h"

#include <stddef.h>

/* The bytes of the value that begins at text[0], an object: up to its closing bracket, or
 * `length` if it never closes. */
size_t jsontext_value_length(const char *text, size_t length);

/* How many newlines there are in text[0..length). */
unsigned jsontext_lines(const char *text, size_t length);

/* Where the index-th member (its key) of the object, or element of the list, that begins at text[0]
 * begins; NULL: it has not so many. */
const char *jsontext_child(const char *text, size_t index);

/* Where the value of the member begins whose key begins at text[0]. */
const char *jsontext_member_value(const char *text);

/* Lines and columns as base/yaml.h counts them: how many characters stand before `at` in its line,
 * and 1; the text begins at `begin`. */
unsigned jsontext_column(const char *begin, const char *at);

/* A walk over the elements of a list. */
struct jsontext_items {
    const char *next;    /* the next element; NULL: no more */
    const char *counted; /* lines are counted up to here */
    unsigned lines;
};

/* The elements of the list that is the root object's member `key`. */
struct jsontext_items jsontext_items(const char *text, const char *key);

/* How many newlines stand before the next element. */
unsigned jsontext_next_item(struct jsontext_items *items);

/* Turns the "at byte N" of a json_parse error into a leading "LINE:COLUMN: ". */
void jsontext_mark_error(const char *text, struct err *err);

#endif
