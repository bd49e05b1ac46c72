/* JSON Pointer (RFC 6901) and JSON Patch (RFC 6902) on our own trees.
 *
 * The engine only writes patches; applying one serves `proctor review`, the tests and the
 * property "the patch that was sent makes the object that was judged".
 */
#ifndef PROCTOR_KUBE_POINTER_H
#define PROCTOR_KUBE_POINTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/* Appends "/token" with ~ and / escaped. */
void pointer_add_token(struct buf *buf, const char *token);

/* The node at `pointer`; NULL if there is none or the pointer is malformed ("" is the root; a
 * null value is returned as its node). */
cJSON *pointer_get(cJSON *root, const char *pointer);

/* The child of `parent` that the pointer's first token names (also a null), NULL if there is none;
 * *pointer, which is not "", moves past the token. */
cJSON *pointer_step(const cJSON *parent, const char **pointer);

/* Applies a patch (an array of operations) to *root in place: all six operations, with RFC
 * 6902's errors (ERR_JSON; the text names the operation's index).  On an error *root may have
 * been changed by the operations before: work on a copy if that matters. */
NODISCARD int patch_apply(struct arena *arena, cJSON **root, const cJSON *patch,
                          struct err *reterr);

#endif
