/* Every cap in Proctor, each with its reason.  The unit tests hold each one at its value and one
 * past it: base/test_limits.c, client/test_limits.c, net/test_check.c.  Together they keep the
 * webhook under 64 MiB whatever is sent. */
#ifndef PROCTOR_BASE_LIMITS_H
#define PROCTOR_BASE_LIMITS_H

#define LIMIT_MIB (1024UL * 1024UL)

/* The API server takes 3 MiB a write; an UPDATE carries object and oldObject, and the envelope
 * with userInfo and options comes on top. */
#define LIMIT_BODY_BYTES (6 * LIMIT_MIB + 256UL * 1024UL)

/* Kubernetes' own types nest below 30; beyond 64 it is an attack on recursion. */
#define LIMIT_JSON_DEPTH 64U

/* A Deployment has some hundreds of nodes; a cJSON node costs 64 bytes, so this is 6.4 MB. */
#define LIMIT_JSON_NODES 100000U

/* One review's tree, patch, messages and answer.  The body itself is counted apart. */
#define LIMIT_ARENA_BYTES (16 * LIMIT_MIB)

/* Bodies and arenas of all connections together: past it, 429 instead of the OOM killer. */
#define LIMIT_IN_FLIGHT_BYTES (24 * LIMIT_MIB)

/* The first arena block that a worker keeps between requests: an ordinary review fits. */
#define LIMIT_ARENA_FIRST_BLOCK (256UL * 1024UL)

/* A patch that long would be a rewritten object; DESIGN says changes are small. */
#define LIMIT_PATCH_OPERATIONS 1000U

/* The API server cuts every warning to 256 runes once all together pass this many. */
#define LIMIT_WARNING_RUNES_TOTAL 4096U
#define LIMIT_WARNING_RUNES       120U

/* kubectl prints one bullet a cause: more than a screen helps nobody. */
#define LIMIT_CAUSES 64U

/* Each violation has its texts; of one rule more than that are not looked for on one object. */
#define LIMIT_RULE_VIOLATIONS 256U

/* The work of one regex match (PCRE2's own units); heap in KiB. */
#define LIMIT_REGEX_MATCH         100000U
#define LIMIT_REGEX_DEPTH         1000U
#define LIMIT_REGEX_HEAP_KIB      1024U
#define LIMIT_REGEX_PATTERN_BYTES 1024U

#define LIMIT_POLICIES 10000U
/* More findings than that in one run help nobody, and the list has its own memory. */
#define LIMIT_DIAGNOSTICS       1000U
#define LIMIT_RULES_PER_POLICY  256U
#define LIMIT_POLICY_FILE_BYTES (1 * LIMIT_MIB)
#define LIMIT_POLICY_SET_BYTES  (512 * LIMIT_MIB)
#define LIMIT_FIELD_STEPS       32U

/* A check of policies that somebody sends is bounded more closely than loading one's own: what it
 * may compute, what its process may take, and of that the set itself.  The shipped policies need
 * a tenth of a second and 10 MiB. */
#define LIMIT_CHECK_CPU_SECONDS 2U
#define LIMIT_CHECK_DATA_BYTES  (48 * LIMIT_MIB)
#define LIMIT_CHECK_SET_BYTES   (24 * LIMIT_MIB)

/* libyaml has no bounds of its own. */
#define LIMIT_YAML_DEPTH       64U
#define LIMIT_YAML_ALIASES     100U
#define LIMIT_YAML_NODES       200000U
#define LIMIT_YAML_DOCUMENTS   10000U
#define LIMIT_INPUT_FILE_BYTES (64 * LIMIT_MIB)

/* Some hundred clusters, each with its certificates. */
#define LIMIT_KUBECONFIG_BYTES (4 * LIMIT_MIB)

/* A service account's token has about 1 KiB; API servers take headers up to 1 MiB in all. */
#define LIMIT_TOKEN_BYTES (64UL * 1024UL)

/* An ExecCredential holds a token, or a certificate and its key. */
#define LIMIT_EXEC_BYTES (1 * LIMIT_MIB)

/* A page of a list: 250 objects of 128 KiB.  A page that is larger is asked for in smaller ones;
 * a single object in etcd has at most 1.5 MiB. */
#define LIMIT_ANSWER_BYTES (32 * LIMIT_MIB)
#define LIMIT_ANSWER_DEPTH 200U
#define LIMIT_ANSWER_NODES 2000000U

#endif
