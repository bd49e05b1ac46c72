/* Policy suites: files of kind PolicySuite, each a list of cases with what they expect.
 *
 *   apiVersion: proctor.dev/v1
 *   kind: PolicySuite
 *   metadata: { name: student-deployments }
 *   spec:
 *     policies: [policy.yaml]             # relative to the suite; the default
 *     now: "2026-11-21T12:00:00Z"         # the clock that exceptions see
 *     defaults: { user: s2024001, groups: [students], namespace: hydrosim-students }
 *     cases:
 *       - name: five replicas become one
 *         object: cases/replicas-5.yaml   # a path, or the object itself; old: the same
 *         expect:
 *           verdict: patched              # allowed | patched | denied | not-judged
 *           changes: [student-deployments/one-replica spec.replicas]
 *
 * A case goes the whole road of judge.h.  Strict like policies: unknown keys are errors.
 */
#ifndef PROCTOR_CLI_SUITE_H
#define PROCTOR_CLI_SUITE_H

#include "admit/judge.h"
#include "policy/diag.h"

struct suite_case {
    const char *name;
    struct yaml_mark mark;
    const cJSON *node;   /* the case's map in the file */
    const cJSON *expect; /* NULL: not written yet */
    const cJSON *review; /* a recorded review; else: */
    struct judge_question question;
    const cJSON *expect_object;
    const char *expect_path; /* where expect_object was read from; NULL: inline */
    int64_t now;
    bool broken; /* diagnostics said why; it is not run */
};

struct suite {
    const char *file;
    const char *name;
    char *text; /* the file, for --update */
    size_t length;
    const char **policies; /* paths, ends with NULL */
    struct suite_case *cases;
    size_t case_count;
};

/* Whether the text is a suite, or means to be one: "kind: PolicySuite" stands in it. */
bool suite_is_one(const char *text);

/* Compiles the suite in `text` (which it keeps; it lives in `arena` like all else).  Objects that
 * cases name are read.  ERR_POLICY if the file as a whole is no suite; what is wrong with single
 * cases is in `diagnostics` too and marks them broken. */
NODISCARD int suite_load(struct arena *arena, const char *file, char *text, size_t length,
                         int64_t now, struct diagnostics *diagnostics, struct suite *ret_suite,
                         struct err *reterr);

/* Judges a case. */
NODISCARD int suite_judge(struct arena *arena, const struct policy_set *set,
                          const struct suite_case *suite_case, struct judgement *ret_judgement,
                          struct err *reterr);

/* Appends the suite's text with the `expect` blocks of some cases replaced or added; fresh[i] is
 * the block of case i, NULL: as it is.  Everything else stays byte by byte.  False, with the
 * case's index, if a case is written in one line ({...}) and so has no block to replace. */
bool suite_rewrite(struct arena *arena, const struct suite *suite, cJSON *const *fresh,
                   struct buf *out, size_t *ret_refused);

#endif
