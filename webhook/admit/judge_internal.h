/* How judge.c and judge_asked.c share a question. */
#ifndef PROCTOR_ADMIT_JUDGE_INTERNAL_H
#define PROCTOR_ADMIT_JUDGE_INTERNAL_H

#include "admit/judge.h"

/* A question with what it leaves open filled in, as the API server fills it in: by its kind. */
struct judge_asked {
    struct judge_question question; /* the objects where the operation has them */
    const cJSON *object;            /* the object, or the old one if there is no new one */
    const char *group, *version, *kind;
    const char *resource_group, *resource, *subresource;
    const char *name_space;           /* NULL: cluster-scoped */
    const struct schema_kind *schema; /* NULL: unknown */
};

/* ERR_USAGE: the question does not fit together. */
NODISCARD int judge_ask(struct arena *arena, const struct judge_question *question,
                        struct judge_asked *ret_asked, struct err *reterr);

/* As judge_make_review, of a question that was filled in. */
NODISCARD int judge_asked_review(struct arena *arena, const struct judge_asked *asked,
                                 cJSON **ret_review, struct err *reterr);

#endif
