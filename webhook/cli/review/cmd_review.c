/* proctor review: the engine offline. */
#include "base/limits.h"
#include "cli/policies.h"
#include "cli/review/review.h"

#include <string.h>
#include <unistd.h>

/* Whom the policies see unless --as says otherwise: nobody's account, but signed in. */
#define REVIEW_USER  "proctor-review"
#define REVIEW_GROUP "system:authenticated"

#define JUDGE_BYTES (512 * LIMIT_MIB)

static enum operation parse_operation(const char *text)
{
    if (text == NULL)
        return 0;
    return strcmp(text, "CREATE") == 0   ? OPERATION_CREATE
           : strcmp(text, "UPDATE") == 0 ? OPERATION_UPDATE
           : strcmp(text, "DELETE") == 0 ? OPERATION_DELETE
                                         : OPERATION_CONNECT;
}

static const char *const outputs[] = {
    [REVIEW_TEXT] = "text",       [REVIEW_JSON] = "json",
    [REVIEW_YAML] = "yaml",       [REVIEW_SARIF] = "sarif",
    [REVIEW_JUNIT] = "junit",     [REVIEW_GITHUB] = "github",
    [REVIEW_REQUEST] = "request", [REVIEW_ANSWER] = "admissionreview"};

/* The frame has seen that it is one of them. */
static enum review_output parse_output(const char *text)
{
    enum review_output output = REVIEW_TEXT;
    while (strcmp(outputs[output], text) != 0)
        output++;
    return output;
}

static void fill_question(struct review *review)
{
    struct cli *cli = review->cli;
    size_t count = cli_flag_count(cli, "as-group");
    for (size_t i = 0; i < count && i < REVIEW_GROUPS_MAX; i++)
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
    const char *phase = cli_flag_string(cli, "phase");
    if (!policies_now(cli, &review->settings.now))
        return CLI_ERROR;
    if (cli_flag_count(cli, "as-group") >= REVIEW_GROUPS_MAX)
        return cli_usage_error(cli, "more than %d groups", REVIEW_GROUPS_MAX - 1);
    if (cli->argument_count == 0 && isatty(STDIN_FILENO) == 1)
        return cli_usage_error(cli, "say what to review: a file, a folder, or - for stdin");
    review->output = parse_output(cli_flag_string(cli, "output"));
    review->fail_on_warning = strcmp(cli_flag_string(cli, "fail-on"), "warn") == 0;
    if (review->fail_on_warning &&
        (review->output == REVIEW_REQUEST || review->output == REVIEW_ANSWER))
        return cli_usage_error(cli, "--fail-on warn looks at the whole road, and -o %s does not",
                               outputs[review->output]);
    review->settings.road = phase == NULL                  ? JUDGE_BOTH
                            : strcmp(phase, "mutate") == 0 ? JUDGE_MUTATE
                                                           : JUDGE_VALIDATE;
    fill_question(review);
    return CLI_FINE;
}

static void walk_all(struct review *review)
{
    static const char *const standard[] = {"-"};
    struct cli *cli = review->cli;
    const char *old = cli_flag_string(cli, "old");
    if (old != NULL) {
        struct input_visitor keeper = {review, review_keep_old, review_problem};
        input_walk(&old, 1, &keeper);
    }
    struct input_visitor visitor = {review, review_object, review_problem};
    if (cli->argument_count == 0)
        input_walk(standard, 1, &visitor);
    else
        input_walk(cli->arguments, cli->argument_count, &visitor);
    if (old != NULL && review->old_used == 0 && review->problems == 0) {
        struct input_problem problem = {.file = old};
        problem.text = "--old: no object was judged that has its kind, namespace and name";
        review_problem(review, &problem);
    }
}

static int run(struct cli *cli)
{
    struct review review = {.cli = cli};
    int r = read_flags(&review);
    if (r != CLI_FINE)
        return r;
    struct policy_set *set =
        policies_of_flag(cli, "policies", cli_flag_string(cli, "language"), review.settings.now);
    if (set == NULL)
        return CLI_ERROR;
    review.settings.set = set;
    arena_init(&review.arena, JUDGE_BYTES);
    arena_init(&review.old_arena, JUDGE_BYTES);
    arena_init(&review.set_arena, LIMIT_POLICY_SET_BYTES);
    review_begin(&review);
    walk_all(&review);
    r = review_end(&review);
    arena_done(&review.arena);
    arena_done(&review.old_arena);
    arena_done(&review.set_arena);
    policy_set_unref(set);
    return r;
}

static const struct cli_flag flags[] = {
    POLICIES_FLAG,
    {.name = "phase",
     .value = "mutate|validate",
     .help = "only this phase; else the whole road: mutate, then validate"},
    CLI_OUTPUT_FLAG("text|json|yaml|sarif|junit|github|request|admissionreview", "text"),
    {.name = "fail-on",
     .value = "warn|violation",
     .fallback = "violation",
     .help = "what makes the exit code 1"},
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
    POLICIES_NOW_FLAG,
    POLICIES_LANGUAGE_FLAG,
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
        "-o sarif            SARIF 2.1.0, for code scanning\n"
        "-o junit            JUnit XML, for CI servers: a suite a file, a test an object\n"
        "-o github           workflow commands, which show in the change that is looked at\n"
        "-o yaml             the objects afterwards, with what Kubernetes and the policies fill "
        "in\n"
        "-o request          the AdmissionReviews that the API server would send\n"
        "-o admissionreview  one line an object: the bytes that the webhook would answer in\n"
        "                    --phase (without it: mutate, which the API server asks first)\n"
        "\n"
        "Each finding has the line and the column of its field, or of the nearest thing around it\n"
        "that is written.  --fail-on warn also fails for what only warns: a rule in warn mode, a\n"
        "violation that was there before or that an exception lets pass, a written value that is\n"
        "changed.\n"
        "\n"
        "Examples:\n"
        "  proctor review deploy.yaml --as s2024001 --as-group students -n hydrosim-students\n"
        "  kubectl get deploy -A -o yaml | proctor review --phase validate\n"
        "  proctor review new.yaml --old old.yaml -o json\n"
        "  proctor review -p policies -p more --fail-on warn -o sarif manifests >review.sarif\n"
        "  proctor review -o admissionreview --phase validate review.json\n"
        "\n"
        "Exits with 0 if nothing is refused, 1 if something is (see --fail-on), 2 if a file or an\n"
        "object could not be judged (the others are, all the same).\n",
    .flags = flags,
    .run = run,
};
