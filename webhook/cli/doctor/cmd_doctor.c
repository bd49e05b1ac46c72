/* proctor doctor: looks at an installation from outside and says what is wrong, and how to mend
 * it. */
#include "cli/doctor/doctor.h"

static enum cli_colour colour_of(enum doctor_severity severity)
{
    static const enum cli_colour colours[] = {CLI_GREEN, CLI_DIM, CLI_YELLOW, CLI_YELLOW, CLI_RED};
    return colours[severity];
}

static void print_finding(const struct cli *cli, const struct doctor_finding *finding)
{
    fprintf(cli->out, "    %s%s%s: ", cli_paint(cli, colour_of(finding->severity)),
            doctor_severity_name(finding->severity), cli_paint(cli, CLI_PLAIN));
    cli_print_visible(cli->out, finding->object);
    if (finding->field != NULL) {
        fputc(' ', cli->out);
        cli_print_visible(cli->out, finding->field);
    }
    fputs(": ", cli->out);
    cli_print_visible(cli->out, finding->what);
    if (finding->why != NULL) {
        fputs("\n        ", cli->out);
        cli_print_visible(cli->out, finding->why);
    }
    if (finding->mend != NULL) {
        fputs("\n        Fix: ", cli->out);
        cli_print_visible(cli->out, finding->mend);
    }
    fputc('\n', cli->out);
}

static void print_check(const struct cli *cli, const struct doctor_check *check)
{
    fprintf(cli->out, "%s%-7s%s  %-14s  ", cli_paint(cli, colour_of(check->worst)),
            doctor_severity_name(check->worst), cli_paint(cli, CLI_PLAIN), check->name);
    cli_print_visible(cli->out, check->summary);
    fputc('\n', cli->out);
    for (const struct doctor_finding *at = check->findings; at != NULL; at = at->next)
        print_finding(cli, at);
}

static void print_text(const struct cli *cli, const struct doctor *doctor)
{
    const size_t *counts = doctor->counts;
    for (size_t i = 0; i < doctor->check_count; i++)
        print_check(cli, &doctor->checks[i]);
    if (counts[DOCTOR_ERROR] + counts[DOCTOR_WARNING] + counts[DOCTOR_UNSEEN] == 0)
        fprintf(cli->out, "%sAll is well.%s\n", cli_paint(cli, CLI_GREEN),
                cli_paint(cli, CLI_PLAIN));
    else
        fprintf(cli->out, "%zu error%s, %zu warning%s, %zu not seen\n", counts[DOCTOR_ERROR],
                counts[DOCTOR_ERROR] == 1 ? "" : "s", counts[DOCTOR_WARNING],
                counts[DOCTOR_WARNING] == 1 ? "" : "s", counts[DOCTOR_UNSEEN]);
}

static void add_text(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static cJSON *finding_node(struct arena *arena, const struct doctor_finding *finding)
{
    cJSON *node = json_new_object(arena);
    add_text(arena, node, "severity", doctor_severity_name(finding->severity));
    add_text(arena, node, "object", finding->object);
    add_text(arena, node, "field", finding->field);
    add_text(arena, node, "what", finding->what);
    add_text(arena, node, "why", finding->why);
    add_text(arena, node, "mend", finding->mend);
    return node;
}

static cJSON *report_node(struct arena *arena, const struct doctor *doctor)
{
    cJSON *root = json_new_object(arena), *checks = json_new_array(arena);
    for (size_t i = 0; i < doctor->check_count; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        cJSON *node = json_new_object(arena), *findings = json_new_array(arena);
        add_text(arena, node, "name", check->name);
        add_text(arena, node, "result", doctor_severity_name(check->worst));
        add_text(arena, node, "summary", check->summary);
        for (const struct doctor_finding *at = check->findings; at != NULL; at = at->next)
            json_append(findings, finding_node(arena, at));
        json_add(arena, node, "findings", findings);
        json_append(checks, node);
    }
    for (size_t i = DOCTOR_NOTE; i <= DOCTOR_ERROR; i++)
        json_add(arena, root, doctor_severity_name((enum doctor_severity)i),
                 json_new_int(arena, (int64_t)doctor->counts[i]));
    json_add(arena, root, "checks", checks);
    return root;
}

static int exit_code(const struct cli *cli, const struct doctor *doctor)
{
    if (doctor->counts[DOCTOR_ERROR] > 0)
        return CLI_VIOLATIONS;
    if (doctor->counts[DOCTOR_UNSEEN] > 0)
        return CLI_ERROR;
    return cli_flag_bool(cli, "strict") && doctor->counts[DOCTOR_WARNING] > 0 ? CLI_VIOLATIONS
                                                                              : CLI_FINE;
}

static int tell(struct cli *cli, struct cluster *cluster, const cJSON *facts)
{
    struct doctor *doctor = arena_alloc(&cluster->arena, sizeof *doctor);
    doctor_judge(doctor, &cluster->arena, facts);
    if (cluster->json)
        cluster_print_json(cli, cluster, report_node(&cluster->arena, doctor));
    else
        print_text(cli, doctor);
    doctor_done(doctor);
    return exit_code(cli, doctor);
}

static int run_doctor(struct cli *cli)
{
    struct cluster cluster;
    struct err err;
    cJSON *facts = NULL;
    int code;
    const struct doctor_gathering options = {.probe = !cli_flag_bool(cli, "no-probe"),
                                             .student = cli_flag_string(cli, "student")};
    if (cli->argument_count > 0)
        return cli_usage_error(cli, "unexpected argument \"%s\"", cli->arguments[0]);
    if (cluster_open(cli, &cluster, &err) < 0)
        return cli_fail(cli, &err);
    if (doctor_gather(&cluster, &options, &facts, &err) < 0)
        code = cli_fail(cli, &err);
    else if (cli_flag_bool(cli, "facts")) {
        cluster_print_json(cli, &cluster, facts);
        code = CLI_FINE;
    } else
        code = tell(cli, &cluster, facts);
    cluster_close(&cluster);
    return code;
}

static const struct cli_flag doctor_flags[] = {
    CLUSTER_FLAGS,
    {.name = "no-probe", .help = "no dry-run creations in " CLUSTER_STUDENTS},
    {.name = "student",
     .value = "USER",
     .fallback = "s0000000",
     .help = "whom to ask about and to act as in dry runs"},
    {.name = "strict", .help = "warnings count as errors"},
    {.name = "facts", .help = "print what was seen, and judge nothing"},
    {0}};

extern const struct command cmd_doctor;
const struct command cmd_doctor = {
    .name = "doctor",
    .summary = "look at an installation from outside, and say how to mend it",
    .usage = "[--no-probe] [--strict] [flags]",
    .help = "Asks the API server about everything that Proctor needs, each replica about what it\n"
            "serves, and tries two creations as dry runs.  Looks for: missing or changed objects,\n"
            "replicas that are not ready or judge by other policies, broken policies, entries\n"
            "that are disarmed or reach what the cluster lives on, exclusions that no policy\n"
            "has, a certificate that the API server will not believe, renewal that is off, other\n"
            "people's webhooks, and rights of students that undo all this.\n"
            "\n"
            "Each finding says what was found, why it matters, and the command that mends it.\n"
            "Nothing is changed.  What you may not see is said, and the rest is judged.\n"
            "\n"
            "Examples:\n"
            "  proctor doctor\n"
            "  proctor doctor --context school -o json\n"
            "\n"
            "Exit codes: 0 fine, 1 errors found (with --strict: or warnings), 2 no errors, and\n"
            "something could not be seen.\n",
    .flags = doctor_flags,
    .run = run_doctor,
};
