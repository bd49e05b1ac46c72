/* Finding parts of a JSON text without reading it all: where base/json refuses the whole (a NUL in
 * some annotation, a line that was cut), the name of the object is still there to be said.
 *
 * Nothing is judged here: strings are stepped over by their quotes, containers by counting
 * brackets.  What was found is given to json_parse, which judges it.
 */
#ifndef PROCTOR_CLIENT_SKIM_H
#define PROCTOR_CLIENT_SKIM_H

#include "base/arena.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* text[0..length): a value, from its first character on. */
struct skim {
    const char *text;
    size_t length;
};

/* The value of the object's first member of that name; of a text that ends early, what there is
 * of it.  False: no object, or no such member as far as it goes. */
bool skim_member(struct skim object, const char *key, struct skim *ret_value);

/* Whether the text is one object up to its last bracket, and nothing behind it. */
bool skim_is_whole(struct skim object);

/* The next element of a list; *at begins as the list and moves on.  False: the end. */
bool skim_element(struct skim *at, struct skim *ret_element);

/* The value, if json_parse takes it; NULL otherwise. */
cJSON *skim_parse(struct arena *arena, struct skim value);

#endif
