/* The webhook's engine: the policies are loaded, reviews answered. */
#include "admit/admit.h"
#include "base/limits.h"
#include "policy/load.h"
#include "tests/torture/scene.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1795262400 /* 2026-11-21T12:00:00Z */

#define PACK "policies/ownership"

#define REVIEW(name) "tests/cases/engine/" name "/review.json"

/* Reviews that the shipped policies allow, change and refuse. */
static const char *const paths[] = {
    REVIEW("set-env-entry"),    REVIEW("ratchet-template-changed"),
    REVIEW("delete-orphan"),    REVIEW("scale"),
    REVIEW("clamp-quantities"), "tests/fuzz/corpus/pipeline/null.json",
};
#define BODIES (sizeof paths / sizeof *paths)

struct outcome {
    int rc;
    bool answered, allowed;
    char *text;
};

static struct {
    char *body[BODIES];
    size_t length[BODIES];
    struct policy_set *set;
    struct outcome wanted[BODIES][2];
    char digest[65];
    size_t rule_count, error_count;
    int load_rc;
    struct policy_set *loaded;
} it;

/* ---- answers ---------------------------------------------------------------------------- */

/* As the webhook does with a body: an arena of its own, the answer in it. */
static size_t ask(const struct policy_set *set, size_t index, enum admit_phase phase, size_t bytes,
                  struct outcome *ret_outcome)
{
    static char kept[1 << 20];
    struct arena arena;
    struct buf answer;
    struct admit_request request = {.uid = NULL};
    struct verdict verdict = {.allowed = false};
    struct err err = {.text = ""};
    bool answered = false;
    arena_init(&arena, bytes != 0 ? bytes : LIMIT_ARENA_BYTES);
    buf_init(&answer, &arena, LIMIT_BODY_BYTES);
    const int rc = admit_answer(set, phase, it.body[index], it.length[index], NOW, &arena, &answer,
                                &request, &verdict, &answered, &err);
    *ret_outcome = (struct outcome){.rc = rc, .answered = answered, .text = NULL};
    ret_outcome->allowed = answered && strstr(answer.data, "\"allowed\":true") != NULL;
    if (answered && answer.length < sizeof kept) {
        memcpy(kept, answer.data, answer.length + 1);
        ret_outcome->text = kept;
    }
    const size_t used = arena.used_bytes;
    arena_done(&arena);
    return used;
}

/* An answer is the one there is without a failure, or none, or a refusal. */
static void judge_outcome(const struct outcome *got, const struct outcome *wanted)
{
    if (got->rc == 0 && !got->answered)
        scene_broken("no error, no answer", "");
    if (got->rc != 0 && got->allowed)
        scene_broken("an error never allows", got->text);
    if (got->allowed && (!wanted->allowed || got->text == NULL || wanted->text == NULL ||
                         strcmp(got->text, wanted->text) != 0))
        scene_broken("nothing is allowed that would not be without a failure", got->text);
}

static void prepare_bodies(void)
{
    arena_install_cjson_hooks();
    for (size_t i = 0; i < BODIES; i++)
        it.body[i] = scene_read(paths[i], &it.length[i]);
}

static struct policy_set *load(const char *path, struct diagnostics *diagnostics, int *ret_rc)
{
    const char *const list[] = {path, NULL};
    const struct policy_load_options options = {.now = NOW};
    struct policy_set *set = NULL;
    struct err err;
    *ret_rc = policy_load(list, &options, diagnostics, &set, &err);
    return *ret_rc == 0 ? set : NULL;
}

static void prepare_set(const char *path)
{
    struct arena arena;
    struct diagnostics diagnostics;
    prepare_bodies();
    arena_init(&arena, 16 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    it.set = load(path, &diagnostics, &it.load_rc);
    if (it.set == NULL)
        scene_broken("the policies load", "");
    arena_done(&arena);
    for (size_t i = 0; i < BODIES; i++) {
        for (int phase = 0; phase < 2; phase++) {
            struct outcome *wanted = &it.wanted[i][phase];
            ask(it.set, i, (enum admit_phase)phase, 0, wanted);
            wanted->text = wanted->text != NULL ? strdup(wanted->text) : NULL;
        }
    }
}

/* All bodies in both phases: each judged at once, as the text is the scene's. */
static size_t run_answers(size_t bytes)
{
    size_t most = 0;
    for (size_t i = 0; i < BODIES; i++) {
        for (int phase = 0; phase < 2; phase++) {
            struct outcome got;
            const size_t used = ask(it.set, i, (enum admit_phase)phase, bytes, &got);
            judge_outcome(&got, &it.wanted[i][phase]);
            most = used > most ? used : most;
        }
    }
    return most;
}

static void judge_nothing(void)
{
}

/* ---- loading ---------------------------------------------------------------------------- */

static void prepare_answers(void)
{
    prepare_set("policies");
}

static void prepare_load(void)
{
    prepare_set(PACK);
    memcpy(it.digest, it.set->digest, sizeof it.digest);
    it.rule_count = it.set->rule_count;
}

static size_t load_once(const char *path)
{
    struct arena arena;
    struct diagnostics diagnostics;
    arena_init(&arena, 16 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    it.loaded = load(path, &diagnostics, &it.load_rc);
    it.error_count = diagnostics.error_count;
    arena_done(&arena);
    return 0;
}

/* One pack: the same code again for each would take an hour. */
static size_t run_load(size_t bytes)
{
    (void)bytes;
    return load_once(PACK);
}

/* Everything that can be wrong with a policy. */
static size_t run_faults(size_t bytes)
{
    (void)bytes;
    return load_once("tests/cases/policy-errors");
}

static void judge_faults(void)
{
    if (it.load_rc == 0)
        scene_broken("a policy with an error never loads", "");
}

/* A set that loads is whole: it refuses what the one before refused. */
static void judge_load(void)
{
    if (it.load_rc == 0 && (it.error_count > 0 || strcmp(it.loaded->digest, it.digest) != 0 ||
                            it.loaded->rule_count != it.rule_count))
        scene_broken("a set that loads is whole", it.loaded->digest);
    for (size_t i = 0; it.loaded != NULL && i < BODIES; i++) {
        struct outcome got;
        ask(it.loaded, i, ADMIT_VALIDATE, 0, &got);
        judge_outcome(&got, &it.wanted[i][ADMIT_VALIDATE]);
    }
    policy_set_unref(it.loaded);
    it.loaded = NULL;
}

const struct scene scenes_engine[] = {
    {"answers", SCENE_HEAP, prepare_answers, run_answers, judge_nothing, 0},
    {"answers-arena", SCENE_ARENA, prepare_answers, run_answers, judge_nothing, 64},
    {"load", SCENE_HEAP, prepare_load, run_load, judge_load, 0},
    {"load-faults", SCENE_HEAP, prepare_load, run_faults, judge_faults, 0},
    {.name = NULL},
};
