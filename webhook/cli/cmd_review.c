/* proctor review: the engine offline. */
#include "admit/judge.h"
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/policies.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whom the policies see unless --as says otherwise: nobody's account, but signed in. */
#define REVIEW_USER  "proctor-review"
#define REVIEW_GROUP "system:authenticated"

#define GROUPS_MAX   64
#define POLICIES_MAX 64
#define JUDGE_BYTES  (512 * LIMIT_MIB)

enum review_output { REVIEW_TEXT, REVIEW_JSON, REVIEW_YAML, REVIEW_REQUEST, REVIEW_ANSWER };

/* One object of --old, kept beyond the file that it came from. */
struct old_object {
    struct old_object *next;
    const cJSON *object;
};

struct review {
    struct cli *cli;
    enum review_output output;
    struct judge_settings settings;
    struct judge_question question;
    const char *groups[GROUPS_MAX + 1];
    struct arena arena;     /* of the object being judged */
    struct arena old_arena; /* of the old objects */
    struct old_object *old_objects;
    size_t old_used;
    size_t counts[4]; /* by enum verdict_outcome */
    size_t printed;
    size_t problems;
    size_t manifests; /* judged as the assumed user */
    const struct input_item *item;
};

/* ---- problems ----------------------------------------------------------------------------- */

static void print_place(struct review *review, const struct input_problem *problem)
{
    FILE *stream = review->cli->err;
    cli_print_visible(stream, problem->file);
    if (problem->line > 0)
        fprintf(stream, ":%u", problem->line);
    if (problem->column > 0)
        fprintf(stream, ":%u", problem->column);
    fputs(review->cli->err_colour ? ": \033[31merror:\033[0m " : ": error: ", stream);
    cli_print_visible(stream, problem->text);
    fputc('\n', stream);
}

static void print_json_item(struct review *review, const cJSON *value)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, value);
    fputs(review->printed++ == 0 ? "[\n" : ",\n", review->cli->out);
    fputs(text.data, review->cli->out);
    buf_done(&text);
}

static void write_problem(void *context, const struct input_problem *problem)
{
    struct review *review = context;
    review->problems++;
    print_place(review, problem);
    if (review->output != REVIEW_JSON)
        return;
    struct arena arena;
    arena_init(&arena, LIMIT_MIB);
    cJSON *object = json_new_object(&arena);
    json_add(&arena, object, "file", json_new_string(&arena, problem->file));
    if (problem->line > 0)
        json_add(&arena, object, "line", json_new_int(&arena, problem->line));
    if (problem->column > 0)
        json_add(&arena, object, "column", json_new_int(&arena, problem->column));
    json_add(&arena, object, "verdict", json_new_string(&arena, "error"));
    json_add(&arena, object, "error", json_new_string(&arena, problem->text));
    print_json_item(review, object);
    arena_done(&arena);
}

static void refuse_item(struct review *review, const char *text)
{
    struct input_problem problem = {review->item->file, review->item->line, 0, text};
    write_problem(review, &problem);
}

/* ---- old objects -------------------------------------------------------------------------- */

static void keep_old(void *context, struct arena *arena, const struct input_item *item)
{
    struct review *review = context;
    (void)arena;
    if (item->is_review) {
        review->item = item;
        refuse_item(review, "--old takes manifests, not AdmissionReviews");
        return;
    }
    struct old_object *old = arena_alloc(&review->old_arena, sizeof *old);
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
    for (struct old_object *old = review->old_objects; old != NULL; old = old->next) {
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

static void print_yaml(struct review *review, const struct judgement *judgement)
{
    if (judgement->outcome == VERDICT_DENIED && judgement->last->message != NULL)
        report_lines(review->cli->err, "", judgement->last->message);
    if (judgement->after == NULL)
        return;
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    yaml_write(&text, judgement->after);
    fputs(review->printed++ == 0 ? "" : "---\n", review->cli->out);
    fputs(text.data, review->cli->out);
    buf_done(&text);
}

static void print_judgement(struct review *review, const struct judgement *judgement)
{
    review->counts[judgement->outcome]++;
    if (review->output == REVIEW_JSON)
        print_json_item(review, report_json(&review->arena, review->item, judgement));
    else if (review->output == REVIEW_YAML)
        print_yaml(review, judgement);
    else
        report_text(review->cli, &review->arena, review->item, judgement);
    if (judgement->second_patch != NULL) {
        struct buf text;
        buf_init(&text, &review->arena, LIMIT_MIB);
        buf_printf(&text,
                   "the policies have no fixed point here: judged again, they change the "
                   "object once more: %.2000s",
                   judgement->second_patch);
        refuse_item(review, text.data);
    }
}

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
        refuse_item(review, err_text(ERR_TOO_LARGE));
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
        refuse_item(review, err.text);
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
    cJSON *made = item->object;
    struct err err = {0};
    int r = 0;
    if (!item->is_review) {
        review->manifests++;
        struct judge_question question = review->question;
        question.object = item->object;
        question.old_object = find_old(review, item->object);
        r = judge_make_review(&review->arena, &question, &made, &err);
    }
    if (r == 0 && (review->output == REVIEW_ANSWER || review->output == REVIEW_REQUEST)) {
        print_bytes(review, made);
        return;
    }
    struct judgement judgement = {0};
    if (r == 0)
        r = judge_review(&review->arena, &review->settings, made, &judgement, &err);
    if (r < 0)
        refuse_item(review, err.text);
    else
        print_judgement(review, &judgement);
}

static void review_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct review *review = context;
    (void)arena;
    review->item = item;
    arena_reset(&review->arena, LIMIT_MIB);
    if (!arena_try(&review->arena, judge_item, review))
        refuse_item(review, "judging it takes too much memory");
}

/* ---- the command -------------------------------------------------------------------------- */

static void print_summary(struct review *review)
{
    static const char *const words[] = {[VERDICT_ALLOWED] = "allowed",
                                        [VERDICT_PATCHED] = "patched",
                                        [VERDICT_DENIED] = "denied",
                                        [VERDICT_NOT_JUDGED] = "not judged"};
    struct cli *cli = review->cli;
    size_t total = 0;
    for (size_t i = 0; i < 4; i++)
        total += review->counts[i];
    fprintf(cli->out, "%zu object%s", total, total == 1 ? "" : "s");
    const char *between = ": ";
    for (size_t i = 0; i < 4; i++) {
        if (review->counts[i] == 0)
            continue;
        fprintf(cli->out, "%s%zu %s", between, review->counts[i], words[i]);
        between = ", ";
    }
    fputc('\n', cli->out);
    if (review->manifests > 0 && !cli_flag_bool(cli, "as"))
        fprintf(cli->out, "Manifests were judged as user %s; --as and --as-group say whose.\n",
                review->question.user);
}

static int finish(struct review *review)
{
    struct cli *cli = review->cli;
    if (review->output == REVIEW_JSON)
        fputs(review->printed == 0 ? "[]\n" : "\n]\n", cli->out);
    if (review->output == REVIEW_TEXT)
        print_summary(review);
    if (review->problems > 0) {
        fprintf(cli->err, "%zu problem%s: the result is incomplete\n", review->problems,
                review->problems == 1 ? "" : "s");
        return CLI_ERROR;
    }
    return review->counts[VERDICT_DENIED] > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

static enum operation parse_operation(const char *text)
{
    if (text == NULL)
        return 0;
    return strcmp(text, "CREATE") == 0   ? OPERATION_CREATE
           : strcmp(text, "UPDATE") == 0 ? OPERATION_UPDATE
           : strcmp(text, "DELETE") == 0 ? OPERATION_DELETE
                                         : OPERATION_CONNECT;
}

static enum review_output parse_output(const char *text)
{
    return strcmp(text, "json") == 0      ? REVIEW_JSON
           : strcmp(text, "yaml") == 0    ? REVIEW_YAML
           : strcmp(text, "text") == 0    ? REVIEW_TEXT
           : strcmp(text, "request") == 0 ? REVIEW_REQUEST
                                          : REVIEW_ANSWER;
}

static void fill_question(struct review *review)
{
    struct cli *cli = review->cli;
    size_t count = cli_flag_count(cli, "as-group");
    for (size_t i = 0; i < count && i < GROUPS_MAX; i++)
        review->groups[i] = cli_flag_nth(cli, "as-group", i);
    if (count == 0)
        review->groups[count++] = REVIEW_GROUP;
    review->groups[count] = NULL;
    review->question.groups = review->groups;
    review->question.user = cli_flag_string(cli, "as");
    review->question.name_space = cli_flag_string(cli, "namespace");
    review->question.operation = parse_operation(cli_flag_string(cli, "operation"));
}

static int read_flags(struct review *review)
{
    struct cli *cli = review->cli;
    struct err err;
    const char *now = cli_flag_string(cli, "now");
    const char *phase = cli_flag_string(cli, "phase");
    review->settings.now = time(NULL);
    if (now != NULL && judge_parse_time(now, &review->settings.now, &err) < 0)
        return cli_usage_error(cli, "--now: %s", err.text);
    if (cli_flag_count(cli, "as-group") >= GROUPS_MAX)
        return cli_usage_error(cli, "more than %d groups", GROUPS_MAX - 1);
    if (cli_flag_count(cli, "policies") > POLICIES_MAX)
        return cli_usage_error(cli, "more than %d folders of policies", POLICIES_MAX);
    if (cli->argument_count == 0 && isatty(STDIN_FILENO) == 1)
        return cli_usage_error(cli, "say what to review: a file, a folder, or - for stdin");
    review->output = parse_output(cli_flag_string(cli, "output"));
    review->settings.road = phase == NULL                  ? JUDGE_BOTH
                            : strcmp(phase, "mutate") == 0 ? JUDGE_MUTATE
                                                           : JUDGE_VALIDATE;
    fill_question(review);
    return CLI_FINE;
}

static struct policy_set *load_policies(struct review *review)
{
    const struct cli *cli = review->cli;
    const char *paths[POLICIES_MAX + 1] = {cli_flag_string(cli, "policies")};
    for (size_t i = 0; i < cli_flag_count(cli, "policies"); i++)
        paths[i] = cli_flag_nth(cli, "policies", i);
    return policies_load(cli, paths, cli_flag_string(cli, "language"), review->settings.now);
}

static void walk_all(struct review *review)
{
    static const char *const standard[] = {"-"};
    struct cli *cli = review->cli;
    const char *old = cli_flag_string(cli, "old");
    if (old != NULL) {
        struct input_visitor keeper = {review, keep_old, write_problem};
        input_walk(&old, 1, &keeper);
    }
    struct input_visitor visitor = {review, review_object, write_problem};
    if (cli->argument_count == 0)
        input_walk(standard, 1, &visitor);
    else
        input_walk(cli->arguments, cli->argument_count, &visitor);
    if (old != NULL && review->old_used == 0 && review->problems == 0) {
        struct input_problem problem = {.file = old};
        problem.text = "--old: no object was judged that has its kind, namespace and name";
        write_problem(review, &problem);
    }
}

static int run(struct cli *cli)
{
    struct review review = {.cli = cli};
    int r = read_flags(&review);
    if (r != CLI_FINE)
        return r;
    struct policy_set *set = load_policies(&review);
    if (set == NULL)
        return CLI_ERROR;
    review.settings.set = set;
    arena_init(&review.arena, JUDGE_BYTES);
    arena_init(&review.old_arena, JUDGE_BYTES);
    walk_all(&review);
    r = finish(&review);
    arena_done(&review.arena);
    arena_done(&review.old_arena);
    policy_set_unref(set);
    return r;
}

static const struct cli_flag flags[] = {
    {.name = "policies",
     .letter = 'p',
     .value = "DIR",
     .fallback = "policies",
     .help = "a folder or file of policies",
     .repeatable = true},
    {.name = "phase",
     .value = "mutate|validate",
     .help = "only this phase; else the whole road: mutate, then validate"},
    {.name = "output",
     .letter = 'o',
     .value = "text|json|yaml|request|admissionreview",
     .fallback = "text",
     .help = "how to print"},
    {.name = "namespace",
     .letter = 'n',
     .value = "NAME",
     .fallback = "default",
     .help = "for manifests that name no namespace"},
    {.name = "as",
     .value = "USER",
     .fallback = REVIEW_USER,
     .help = "the user who sends the manifests"},
    {.name = "as-group",
     .value = "GROUP",
     .help = "a group of that user (default " REVIEW_GROUP ")",
     .repeatable = true},
    {.name = "operation",
     .value = "CREATE|UPDATE|DELETE|CONNECT",
     .help = "what is asked for (default CREATE; UPDATE with --old)"},
    {.name = "old", .value = "FILE", .help = "the objects as they were: makes an UPDATE"},
    {.name = "now", .value = "TIME", .help = "the clock that exceptions see, RFC 3339"},
    {.name = "language", .value = "LANG", .help = "of the policies' texts (default the first)"},
    {0}};

const struct command cmd_review = {
    .name = "review",
    .summary = "say what the cluster would say to these objects",
    .usage = "[flags] [FILE|DIR|-]...",
    .help =
        "Judges objects with the webhook's own engine, without a cluster: prints each verdict,\n"
        "why an object is refused, and what the policies would change, as a diff.\n"
        "\n"
        "Read are YAML (many documents), JSON, lists and recorded AdmissionReviews, from files,\n"
        "folders (every .yaml, .yml and .json below them) or stdin, which is the default.\n"
        "A manifest is filled in first as the API server does it.  It is sent by the user\n"
        "\"" REVIEW_USER "\" unless --as says whose it is: rules about students need\n"
        "--as and --as-group.  A recorded AdmissionReview is judged as it is.\n"
        "\n"
        "-o text             one line an object, and what matters of it (the diff leaves out the\n"
        "                    annotation proctor.dev/policy-changes)\n"
        "-o json             an array: verdict, violations, warnings, patch, edits, errors\n"
        "-o yaml             the objects afterwards, with what Kubernetes and the policies fill "
        "in\n"
        "-o request          the AdmissionReviews that the API server would send\n"
        "-o admissionreview  one line an object: the bytes that the webhook would answer in\n"
        "                    --phase (without it: mutate, which the API server asks first)\n"
        "\n"
        "Examples:\n"
        "  proctor review deploy.yaml --as s2024001 --as-group students -n hydrosim-students\n"
        "  kubectl get deploy -A -o yaml | proctor review --phase validate\n"
        "  proctor review new.yaml --old old.yaml -o json\n"
        "  proctor review -o admissionreview --phase validate review.json\n"
        "\n"
        "Exits with 0 if nothing is refused, 1 if something is, 2 if a file or an object could\n"
        "not be judged (the others are, all the same).\n",
    .flags = flags,
    .run = run,
};
