/* proctor replay: recorded reviews judged anew, and what would be another verdict now. */
#include "admit/judge.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/log/decisions.h"
#include "cli/policies.h"
#include "cli/review/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JUDGE_BYTES (512 * LIMIT_MIB)

/* One decision of --log: what is compared. */
struct known {
    const char *uid, *outcome, *rules;
    bool mutate;
    bool seen; /* its review was read */
};

struct replay {
    struct cli *cli;
    bool json;
    struct judge_settings now, before; /* before.set NULL: --log says what was decided */
    struct arena arena;                /* of the review being judged */
    struct arena known_arena;
    struct known *known; /* sorted by uid */
    size_t known_count, known_capacity;
    size_t reviews, changed, problems, printed;
    const struct input_item *item;
};

/* A verdict of then or now, as it is compared and printed. */
struct side {
    const char *verdict; /* "allowed", "patched", "denied", "not judged" */
    const char *why;     /* the refusal's text, or the rules; NULL: none */
    const char *patch;   /* NULL: none, or not known */
};

/* ---- problems ----------------------------------------------------------------------------- */

static void print_problem_json(struct replay *replay, const struct input_problem *problem)
{
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    buf_add_string(&text, replay->printed++ == 0 ? "[\n{\"file\":" : ",\n{\"file\":");
    buf_add_json_string(&text, problem->file);
    if (problem->line > 0)
        buf_printf(&text, ",\"line\":%u", problem->line);
    buf_add_string(&text, ",\"error\":");
    buf_add_json_string(&text, problem->text);
    buf_add_char(&text, '}');
    fputs(text.data, replay->cli->out);
    buf_done(&text);
}

static void write_problem(void *context, const struct input_problem *problem)
{
    struct replay *replay = context;
    replay->problems++;
    input_print_problem(replay->cli, problem);
    if (replay->json)
        print_problem_json(replay, problem);
}

static void refuse_item(struct replay *replay, const char *text)
{
    const struct input_problem problem = {replay->item->file, replay->item->line, 0, text};
    write_problem(replay, &problem);
}

/* ---- what was decided then ---------------------------------------------------------------- */

static int compare_known(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->uid, ((const struct known *)b)->uid);
}

static void keep_decision(void *context, const struct decision *decision)
{
    struct replay *replay = context;
    struct arena *arena = &replay->known_arena;
    if (decision->uid[0] == '\0' || strcmp(decision->phase, "policies") == 0)
        return;
    replay->known = arena_room(arena, replay->known, replay->known_count, &replay->known_capacity,
                               sizeof *replay->known);
    replay->known[replay->known_count++] = (struct known){
        .uid = arena_strdup(arena, decision->uid),
        .outcome = arena_strdup(arena, decision->outcome),
        .rules = arena_strdup(arena, decision->rules),
        .mutate = strcmp(decision->phase, "mutate") == 0,
    };
}

static void broken_line(void *context, const char *file, unsigned long line, const char *text)
{
    const struct input_problem problem = {file, (unsigned)line, 0, text};
    write_problem(context, &problem);
}

static void read_log(void *context)
{
    struct replay *replay = context;
    const struct decisions_visitor visitor = {replay, keep_decision, broken_line};
    for (size_t i = 0; i < cli_flag_count(replay->cli, "log"); i++)
        decisions_read(cli_flag_nth(replay->cli, "log", i), &visitor);
    if (replay->known_count > 0)
        qsort(replay->known, replay->known_count, sizeof *replay->known, compare_known);
}

/* ---- one review --------------------------------------------------------------------------- */

static const char *spoken(const char *outcome)
{
    return strcmp(outcome, "not_judged") == 0 || strcmp(outcome, "not-judged") == 0 ? "not judged"
                                                                                    : outcome;
}

static int judge_side(struct replay *replay, const struct judge_settings *settings,
                      struct judgement *ret_judgement, struct side *ret_side)
{
    struct err err = {0};
    if (judge_review(&replay->arena, settings, replay->item->object, ret_judgement, &err) < 0) {
        refuse_item(replay, err.text);
        return -1;
    }
    *ret_side = (struct side){
        .verdict = spoken(judge_outcome_name(ret_judgement->outcome)),
        .why = ret_judgement->outcome == VERDICT_DENIED ? ret_judgement->last->message : NULL,
        .patch = ret_judgement->mutation.patch,
    };
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static void add_side(struct arena *arena, cJSON *parent, const char *key, const struct side *side)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, object, "verdict", json_new_string(arena, side->verdict));
    if (side->why != NULL)
        json_add(arena, object, "why", json_new_string(arena, side->why));
    if (side->patch != NULL)
        json_add(arena, object, "patch", json_new_string(arena, side->patch));
    json_add(arena, parent, key, object);
}

static void print_json(struct replay *replay, const struct judgement *judgement,
                       const struct side *before, const struct side *now)
{
    struct arena *arena = &replay->arena;
    cJSON *row = json_new_object(arena);
    json_add(arena, row, "file", json_new_string(arena, replay->item->file));
    json_add(arena, row, "line", json_new_int(arena, replay->item->line));
    json_add(arena, row, "kind", json_new_string(arena, judgement->kind));
    if (judgement->name_space != NULL)
        json_add(arena, row, "namespace", json_new_string(arena, judgement->name_space));
    json_add(arena, row, "name", json_new_string(arena, judgement->name));
    if (judgement->user != NULL)
        json_add(arena, row, "user", json_new_string(arena, judgement->user));
    add_side(arena, row, "before", before);
    add_side(arena, row, "now", now);
    struct buf text;
    buf_init(&text, NULL, LIMIT_INPUT_FILE_BYTES);
    json_write_pretty(&text, row);
    fputs(replay->printed++ == 0 ? "[\n" : ",\n", replay->cli->out);
    fputs(text.data, replay->cli->out);
    buf_done(&text);
}

static void print_text(struct replay *replay, const struct judgement *judgement,
                       const struct side *before, const struct side *now)
{
    const struct cli *cli = replay->cli;
    FILE *out = cli->out;
    cli_print_visible(out, replay->item->file);
    fprintf(out, ":%u ", replay->item->line);
    const char *const words[] = {judgement->kind,
                                 " ",
                                 judgement->name_space != NULL ? judgement->name_space : "",
                                 judgement->name_space != NULL ? "/" : "",
                                 judgement->name,
                                 " by ",
                                 judgement->user != NULL ? judgement->user : "-"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        cli_print_visible(out, words[i]);
    const bool worse = strcmp(now->verdict, "denied") == 0;
    fprintf(out, ": %s%s -> %s%s\n", cli_paint(cli, worse ? CLI_RED : CLI_YELLOW), before->verdict,
            now->verdict, cli_paint(cli, CLI_PLAIN));
    if (before->why != NULL) {
        fputs("  before:\n", out);
        cli_print_lines(out, "    ", before->why);
    }
    if (now->why != NULL) {
        fputs("  now:\n", out);
        cli_print_lines(out, "    ", now->why);
    }
    if (strcmp(before->verdict, now->verdict) == 0 && strcmp(now->verdict, "patched") == 0) {
        fputs("  before:\n", out);
        cli_print_lines(out, "    ", before->patch != NULL ? before->patch : "(not recorded)");
        fputs("  now:\n", out);
        cli_print_lines(out, "    ", now->patch != NULL ? now->patch : "");
    }
}

static void compare(struct replay *replay, const struct judgement *judgement,
                    const struct side *before, const struct side *now)
{
    if (same_text(before->verdict, now->verdict) && same_text(before->why, now->why) &&
        same_text(before->patch, now->patch))
        return;
    replay->changed++;
    if (replay->json)
        print_json(replay, judgement, before, now);
    else
        print_text(replay, judgement, before, now);
}

static void judge_against_set(struct replay *replay)
{
    struct judgement was = {0}, is = {0};
    struct side before, now;
    if (judge_side(replay, &replay->before, &was, &before) == 0 &&
        judge_side(replay, &replay->now, &is, &now) == 0)
        compare(replay, &is, &before, &now);
}

/* The log has the verdict and the rules that acted, of one phase. */
static void judge_against_log(struct replay *replay)
{
    const char *uid = json_string(json_path(replay->item->object, "request", "uid", NULL));
    const struct known key = {.uid = uid != NULL ? uid : ""};
    struct known *known = replay->known_count == 0
                              ? NULL
                              : bsearch(&key, replay->known, replay->known_count,
                                        sizeof *replay->known, compare_known);
    if (known == NULL) {
        refuse_item(replay, "no decision of --log has its uid");
        return;
    }
    struct judgement is = {0};
    struct side now;
    replay->now.road = known->mutate ? JUDGE_MUTATE : JUDGE_VALIDATE;
    if (judge_side(replay, &replay->now, &is, &now) < 0)
        return;
    const struct verdict *verdict = known->mutate ? &is.mutation : &is.validation;
    const struct side before = {.verdict = spoken(known->outcome),
                                .why = known->rules[0] != '\0' ? known->rules : NULL};
    now.verdict = spoken(judge_outcome_name(verdict->outcome));
    now.why = verdict->audit_rules != NULL && verdict->audit_rules[0] != '\0' ? verdict->audit_rules
                                                                              : NULL;
    now.patch = NULL;
    compare(replay, &is, &before, &now);
}

static void judge_item(void *context)
{
    struct replay *replay = context;
    if (replay->before.set != NULL)
        judge_against_set(replay);
    else
        judge_against_log(replay);
}

static void replay_object(void *context, struct arena *arena, const struct input_item *item)
{
    struct replay *replay = context;
    (void)arena;
    replay->item = item;
    if (!item->is_review) {
        refuse_item(replay, "no recorded AdmissionReview (`proctor review -o request` makes one of "
                            "a manifest)");
        return;
    }
    replay->reviews++;
    arena_reset(&replay->arena, LIMIT_MIB);
    if (!arena_try(&replay->arena, judge_item, replay))
        refuse_item(replay, "judging it takes too much memory");
}

/* ---- the command -------------------------------------------------------------------------- */

static int read_flags(struct replay *replay)
{
    struct cli *cli = replay->cli;
    const bool against = cli_flag_bool(cli, "against"), log = cli_flag_bool(cli, "log");
    replay->json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    if (!policies_now(cli, &replay->now.now))
        return CLI_ERROR;
    if (against == log)
        return cli_usage_error(cli, "say what to compare with: either --against POLICIES, or --log "
                                    "FILE");
    if (cli->argument_count == 0 && isatty(STDIN_FILENO) == 1)
        return cli_usage_error(cli, "say what to replay: a file, a folder, or - for stdin");
    replay->before = replay->now;
    return CLI_FINE;
}

static void walk(struct replay *replay)
{
    static const char *const standard[] = {"-"};
    const struct cli *cli = replay->cli;
    const struct input_visitor visitor = {replay, replay_object, write_problem};
    if (replay->before.set == NULL && !arena_try(&replay->known_arena, read_log, replay)) {
        const struct input_problem problem = {.file = cli_flag_string(cli, "log"),
                                              .text = "reading it takes too much memory"};
        write_problem(replay, &problem);
    }
    if (cli->argument_count == 0)
        input_walk(standard, 1, &visitor);
    else
        input_walk(cli->arguments, cli->argument_count, &visitor);
}

static void print_sum(const struct replay *replay)
{
    FILE *out = replay->cli->out;
    fprintf(out, "%zu review%s: %zu changed", replay->reviews, replay->reviews == 1 ? "" : "s",
            replay->changed);
    if (replay->problems > 0)
        fprintf(out, "; incomplete: %zu problem%s", replay->problems,
                replay->problems == 1 ? "" : "s");
    fputc('\n', out);
}

static int finish(struct replay *replay)
{
    const struct cli *cli = replay->cli;
    if (replay->json)
        fputs(replay->printed == 0 ? "[]\n" : "\n]\n", cli->out);
    else
        print_sum(replay);
    if (replay->problems > 0) {
        fprintf(cli->err, "%zu problem%s: the result is incomplete\n", replay->problems,
                replay->problems == 1 ? "" : "s");
        return CLI_ERROR;
    }
    return replay->changed > 0 ? CLI_VIOLATIONS : CLI_FINE;
}

static int run(struct cli *cli)
{
    struct replay replay = {.cli = cli};
    int r = read_flags(&replay);
    if (r != CLI_FINE)
        return r;
    struct policy_set *set = policies_of_flag(cli, "policies", NULL, replay.now.now),
                      *before = NULL;
    if (set != NULL && cli_flag_bool(cli, "against"))
        before = policies_of_flag(cli, "against", NULL, replay.now.now);
    if (set == NULL || (before == NULL && cli_flag_bool(cli, "against"))) {
        policy_set_unref(set);
        return CLI_ERROR;
    }
    replay.now.set = set;
    replay.before.set = before;
    arena_init(&replay.arena, JUDGE_BYTES);
    arena_init(&replay.known_arena, JUDGE_BYTES);
    walk(&replay);
    r = finish(&replay);
    arena_done(&replay.arena);
    arena_done(&replay.known_arena);
    policy_set_unref(set);
    policy_set_unref(before);
    return r;
}

static const struct cli_flag flags[] = {
    {.name = "policies",
     .letter = 'p',
     .value = "DIR",
     .fallback = "policies",
     .help = "the policies of now: a folder or file",
     .repeatable = true},
    {.name = "against",
     .value = "DIR",
     .help = "compare with what these policies say",
     .repeatable = true},
    {.name = "log",
     .value = "FILE",
     .help = "compare with what was decided: a decision log that has the reviews' uids",
     .repeatable = true},
    POLICIES_NOW_FLAG,
    CLI_OUTPUT_FLAG("text|json", "text"),
    {0}};

const struct command cmd_replay = {
    .name = "replay",
    .summary = "judge recorded reviews by other policies: whose verdict changes?",
    .usage = "[flags] --against DIR|--log FILE [FILE|DIR|-]...",
    .help =
        "Judges recorded AdmissionReviews (files, folders, or JSON one behind the other) by\n"
        "--policies, and prints each whose verdict is another than before: refused or not, for\n"
        "other reasons, or changed in another way.  Before is either another policy set\n"
        "(--against), on the whole road of both phases, or what the webhook decided (--log), "
        "which\n"
        "knows the verdict and the rules of the phase that asked.\n"
        "The webhook itself never writes down what is in an object.  `proctor review -o request`\n"
        "makes reviews of manifests or of what a cluster has.\n"
        "\n"
        "Examples:\n"
        "  kubectl get deploy -A -o yaml | proctor review -o request >reviews.json\n"
        "  proctor replay --against policies -p policies-next reviews.json\n"
        "  proctor replay --log decisions.log -p policies recorded/\n"
        "\n"
        "Exits with 0 if nothing changes, 1 if something does, 2 if a review or a line of the log\n"
        "could not be read (the others are compared all the same).\n",
    .flags = flags,
    .run = run,
};
