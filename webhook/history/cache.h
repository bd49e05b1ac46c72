/* What the API server shows of one namespace now, by project: an informer's cache.
 *
 *     watches (watch.h), four kinds  --cache_take-->  the newest of each object
 *                                                         |
 *     project name  --cache_view-->  struct project_view  +
 *
 * Keyed by uid, so that a name that is deleted and made again is two objects.  A ReplicaSet
 * belongs to the Deployment whose uid its controller reference names, a pod to such a ReplicaSet.
 * Of one thread; no socket, no clock.
 */
#ifndef PROCTOR_HISTORY_CACHE_H
#define PROCTOR_HISTORY_CACHE_H

#include "client/watch.h"
#include "history/view.h"

struct cache;

enum cache_kind { CACHE_DEPLOYMENTS, CACHE_SETS, CACHE_PODS, CACHE_KINDS };

/* ERR_NO_MEMORY. */
NODISCARD int cache_new(struct cache **ret_cache, struct err *reterr);
void cache_free(struct cache *cache); /* NULL is fine */

/* Takes one event of a watch (watch.h), with the objects' copies.  *ret_project: the name of the
 * Deployment that it concerns (until the next call), NULL: of none, or of none that is known; after
 * LIST_ENDS every project may have changed.  An UNREADABLE object stays as it was last seen.
 * ERR_ANSWER: no such object (the cache is as before); ERR_NO_MEMORY. */
NODISCARD int cache_take(struct cache *cache, enum cache_kind kind, enum watch_event event,
                         const cJSON *object, const char **ret_project, struct err *reterr);

/* Whether all lists have ended once, and all watches are connected. */
bool cache_listed(const struct cache *cache);
bool cache_connected(const struct cache *cache);

/* Whose an object is, by its uid: the project (until the next cache_take), and the uid of the
 * ReplicaSet, of a set its own, of a Deployment NULL.  False: of none that is known. */
struct cache_place {
    const char *project, *set_uid;
};
bool cache_find(const struct cache *cache, const char *uid, struct cache_place *ret_place);

/* A project as it is now; its text lives in `arena` or until the next cache_take; sets and pods in
 * no order.  A Deployment that does not exist (any more): deployment NULL, and what is left of its
 * sets and pods.  Costs as much as the project has objects.  ERR_NO_MEMORY. */
NODISCARD int cache_view(struct cache *cache, struct arena *arena, const char *project,
                         struct project_view *ret_view, struct err *reterr);

/* The names of all projects that have a Deployment, a set or a pod; in `arena`.  ERR_NO_MEMORY. */
NODISCARD int cache_projects(struct cache *cache, struct arena *arena,
                             const char *const **ret_names, size_t *ret_count, struct err *reterr);

#endif
