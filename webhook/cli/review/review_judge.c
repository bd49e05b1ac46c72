#include "cli/review/review.h"

#include "base/limits.h"

#include <string.h>

/* One object of --old, kept beyond the file that it came from. */
struct review_old {
    struct review_old *next;
    const cJSON *object;
};

/* ---- old objects -------------------------------------------------------------------------- */

void review_keep_old(void *context, struct arena *arena, const struct input_item *item)
{
    struct review *review = context;
    (void)arena;
    if (item->is_review) {
        review->item = item;
        review_refuse(review, "--old takes manifests, not AdmissionReviews");
        return;
    }
    struct review_old *old = arena_alloc(&review->old_arena, sizeof *old);
    old->object = json_dup(&review->old_arena, item->object);
    old->next = review->old_objects;
    review->old_objects = old;
}

static const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

static bool same_member(const cJSON *a, const cJSON *b, const char *key, const char *fallback)
{
    return strcmp(text_or(json_get_string(a, key), fallback),
                  text_or(json_get_string(b, key), fallback)) == 0;
}

static const cJSON *find_old(struct review *review, const cJSON *object)
{
    const cJSON *metadata = json_get(object, "metadata");
    for (struct review_old *old = review->old_objects; old != NULL; old = old->next) {
        const cJSON *old_metadata = json_get(old->object, "metadata");
        if (!same_member(object, old->object, "kind", "") ||
            !same_member(metadata, old_metadata, "name", "") ||
            !same_member(metadata, old_metadata, "namespace", review->question.name_space))
            continue;
        review->old_used++;
        return old->object;
    }
    return NULL;
}

/* ---- one object --------------------------------------------------------------------------- */

/* The answer's bytes come from admit_answer alone, as the server's do, in an arena of the
 * server's size. */
static void print_answer(struct review *review, const char *bytes, size_t length)
{
    struct arena arena;
    struct buf answer;
    struct admit_request request;
    struct verdict verdict;
    bool answered = false;
    struct err err = {0};
    enum admit_phase phase =
        review->settings.road == JUDGE_VALIDATE ? ADMIT_VALIDATE : ADMIT_MUTATE;
    if (length > LIMIT_BODY_BYTES) {
        review_refuse(review, err_text(ERR_TOO_LARGE));
        return;
    }
    arena_init(&arena, LIMIT_ARENA_BYTES);
    buf_init(&answer, NULL, LIMIT_BODY_BYTES * 2);
    int r = admit_answer(review->settings.set, phase, bytes, length, review->settings.now, &arena,
                         &answer, &request, &verdict, &answered, &err);
    if (answered) {
        fputs(answer.data, review->cli->out);
        if (r == 0)
            review->counts[verdict.outcome]++;
    }
    if (r < 0)
        review_refuse(review, err.text);
    buf_done(&answer);
    arena_done(&arena);
}

/* What the API server would send (a recorded review as it was written), or the answer to it. */
static void print_bytes(struct review *review, const cJSON *made)
{
    const struct input_item *item = review->item;
    struct buf bytes;
    buf_init(&bytes, &review->arena, LIMIT_INPUT_FILE_BYTES);
    if (!item->is_review)
        json_write(&bytes, made);
    const char *text = item->is_review ? item->bytes : bytes.data;
    if (review->output == REVIEW_REQUEST)
        fprintf(review->cli->out, "%s\n", text);
    else
        print_answer(review, text, item->is_review ? item->length : bytes.length);
}

static void judge_item(void *context)
{
    struct review *review = context;
    const struct input_item *item = review->item;
    const bool bytes = review->output == REVIEW_ANSWER || review->output == REVIEW_REQUEST;
    cJSON *made = item->object;
    struct judge_question question = review->question;
    struct judgement judgement = {0};
    struct err err = {0};
    int r = 0;
    if (!item->is_review) {
        review->manifests++;
        question.object = item->object;
        question.old_object = find_old(review, item->object);
    }
    if (!item->is_review && bytes)
        r = judge_make_review(&review->arena, &question, &made, &err);
    if (r == 0 && bytes) {
        print_bytes(review, made);
        return;
    }
    if (r == 0 && item->is_review)
        r = judge_review(&review->arena, &review->settings, made, &judgement, &err);
    else if (r == 0)
        r = judge_manifest(&review->arena, &review->settings, &question, &judgement, &err);
    if (r < 0)
        review_refuse(review, err.text);
    else
        review_print(review, &judgement);
}

void review_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct review *review = context;
    (void)arena;
    review->item = item;
    arena_reset(&review->arena, LIMIT_MIB);
    if (!arena_try(&review->arena, judge_item, review))
        review_refuse(review, "judging it takes too much memory");
}
