/* Where the fields of a judged object stand in the file that it came from.
 *
 * The engine names fields by JSON Pointers into the object as it judged it: filled in by the API's
 * defaults, changed by the policies.  Defaults only add; what a policy removed from a list is
 * counted back in.  A field that is not written has the place of its nearest ancestor that is.
 *
 * Nothing is kept beforehand: YAML's nodes have their marks (base/yaml.h), and JSON's text is
 * walked along with the tree when somebody asks.
 */
#ifndef PROCTOR_CLI_PLACES_H
#define PROCTOR_CLI_PLACES_H

#include "admit/judge.h"
#include "base/yaml.h"
#include "cli/input.h"

/* Where the field of a violation of judgement->last stands; never {0, 0}. */
struct yaml_mark places_of_violation(struct arena *arena, const struct input_item *item,
                                     const struct judgement *judgement,
                                     const struct violation *violation);

/* Where the field of an edit of judgement->mutation stood; *ret_written: the field itself stands
 * there, not an ancestor. */
struct yaml_mark places_of_edit(struct arena *arena, const struct input_item *item,
                                const struct judgement *judgement, const struct edit *edit,
                                bool *ret_written);

/* Where the pointer's target, or else its nearest ancestor, stands in the item as it was read. */
struct yaml_mark places_find(const struct input_item *item, const char *pointer, bool *ret_written);

#endif
