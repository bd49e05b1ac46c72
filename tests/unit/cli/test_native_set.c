/* The CEL that changes objects, in the API server's own admission policies.  That the API server
 * takes it, and changes objects by it as the webhook does, is tests/e2e/cases/native.sh's. */
#include "cli/native/native_set.h"

#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

static struct arena arena;

/* The mutations of one policy with these rules, a line each, and "RULE cannot: WHY". */
static const char *made(const char *resources, const char *rules)
{
    static bool installed;
    const struct policy_load_options options = {.now = 1800000000};
    struct diagnostics diagnostics;
    struct policy_set *set = NULL;
    struct native_set changes;
    struct buf text;
    struct err err;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        installed = true;
    }
    arena_reset(&arena, LIMIT_MIB);
    arena_use(&arena);
    diag_init(&diagnostics, &arena);
    buf_init(&text, &arena, LIMIT_MIB);
    buf_add_string(&text, "");
    const char *policy = arena_printf(&arena,
                                      "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                      "metadata: {name: p}\nspec:\n  match: {resources: [%s]}\n"
                                      "  rules:\n%s",
                                      resources, rules);
    if (policy_load_text("p.yaml", policy, strlen(policy), &options, &diagnostics, &set, &err) !=
        0) {
        diag_write(&diagnostics, &text);
        TEST_FAIL("%s: %s", err.text, text.data);
    }
    native_set_from_policy(&set->policies[0], &arena, &changes);
    for (size_t i = 0; i < changes.count; i++)
        buf_add_strings(&text, changes.items[i].expression, "\n", NULL);
    for (size_t i = 0; i < changes.unset_count; i++)
        buf_add_strings(&text, changes.unset[i].rule->id, " cannot: ", changes.unset[i].why, "\n",
                        NULL);
    char *all = strdup(text.data);
    policy_set_unref(set);
    const char *kept = arena_strdup(&arena, all);
    free(all);
    return kept;
}

#define RULE "  - id: a\n    why: W.\n    field: "

TEST(what_is_there_is_replaced_and_what_may_be_absent_is_added_with_its_parents)
{
    CHECK_STRING(made("deployments.apps", RULE "spec.replicas\n    max: 1\n    outside: clamp\n"
                                               "    optional: true\n"),
                 "(object.?spec.?replicas.hasValue() && "
                 "int(object.?spec.?replicas.value()) > int(1) ? "
                 "[JSONPatch{op: \"replace\", path: \"/spec/replicas\", value: 1}] : [])\n");
    CHECK_STRING(
        made("configmaps", RULE "metadata.labels.app\n    default: \"${name}-x\"\n"),
        "(optional.ofNonZeroValue(variables.proctorName).hasValue() && "
        "!object.?metadata.?labels.?app.hasValue() ? "
        "(object.?metadata.?labels.hasValue() ? [] : "
        "[JSONPatch{op: \"add\", path: \"/metadata/labels\", value: {}}]) + "
        "[JSONPatch{op: \"add\", path: \"/metadata/labels/app\", value: "
        "(string(optional.ofNonZeroValue(variables.proctorName).value()) + \"-x\")}] : [])\n");
}

TEST(a_zero_that_the_api_leaves_out_is_a_zero)
{
    CHECK_STRING(made("deployments.apps/scale", RULE "spec.replicas\n    min: 1\n"
                                                     "    outside: clamp\n    optional: true\n"),
                 "(int(object.?spec.?replicas.orValue(0)) < int(1) ? "
                 "(object.?spec.hasValue() ? [] : "
                 "[JSONPatch{op: \"add\", path: \"/spec\", value: {}}]) + "
                 "[JSONPatch{op: \"add\", path: \"/spec/replicas\", value: 1}] : [])\n");
}

TEST(keys_are_escaped_for_the_pointer_and_for_cel)
{
    CHECK_STRING(made("configmaps", RULE "data.\"a~b/c\"\n    remove: true\n"),
                 "(object.?data[?\"a~b/c\"].hasValue() ? "
                 "[JSONPatch{op: \"remove\", path: \"/data/a~0b~1c\"}] : [])\n");
    CHECK_STRING(made("configmaps", RULE "data[\"a.*\"]\n    remove: true\n"),
                 "object.?data.orValue({}).transformList(i1, e1, i1.startsWith(\"a.\"), "
                 "[JSONPatch{op: \"remove\", path: \"/data/\" + jsonpatch.escapeKey(i1) + "
                 "\"\"}]).flatten()\n");
}

TEST(places_move_when_an_element_goes_so_the_list_goes_as_a_whole)
{
    CHECK_STRING(
        made("pods", RULE "$pod.volumes[hostPath]\n    remove: true\n"),
        "((request.operation != \"UPDATE\" || object.?spec.?volumes != oldObject.?spec.?volumes) ? "
        "(object.?spec.?volumes.orValue([]).exists(e1, e1.?hostPath.hasValue()) ? "
        "[JSONPatch{op: \"replace\", path: \"/spec/volumes\", value: "
        "object.?spec.?volumes.orValue([]).filter(e1, !(e1.?hostPath.hasValue()))}] : []) "
        ": [])\n");
}

TEST(a_template_changes_with_the_request_alone_and_kinds_part)
{
    CHECK_STRING(
        made("deployments.apps, pods", RULE "$pod.automountServiceAccountToken\n    set: false\n"),
        "(variables.proctorKind in [\"/v1/Pod\"] ? "
        "((request.operation != \"UPDATE\" || object.?spec.?automountServiceAccountToken != "
        "oldObject.?spec.?automountServiceAccountToken) ? "
        "((!object.?spec.?automountServiceAccountToken.hasValue() || "
        "object.?spec.?automountServiceAccountToken.value() != false) ? "
        "(object.?spec.hasValue() ? [] : [JSONPatch{op: \"add\", path: \"/spec\", value: {}}]) + "
        "[JSONPatch{op: \"add\", path: \"/spec/automountServiceAccountToken\", value: false}] : "
        "[]) : []) : []) + "
        "(variables.proctorKind in [\"apps/v1/Deployment\"] ? "
        "(variables.proctorTemplateChanged ? "
        "((!object.?spec.?template.?spec.?automountServiceAccountToken.hasValue() || "
        "object.?spec.?template.?spec.?automountServiceAccountToken.value() != false) ? "
        "(object.?spec.hasValue() ? [] : [JSONPatch{op: \"add\", path: \"/spec\", value: {}}]) + "
        "(object.?spec.?template.hasValue() ? [] : "
        "[JSONPatch{op: \"add\", path: \"/spec/template\", value: {}}]) + "
        "(object.?spec.?template.?spec.hasValue() ? [] : "
        "[JSONPatch{op: \"add\", path: \"/spec/template/spec\", value: {}}]) + "
        "[JSONPatch{op: \"add\", path: \"/spec/template/spec/automountServiceAccountToken\", "
        "value: false}] : []) : []) : [])\n");
}

TEST(percentages_are_the_same_by_their_number)
{
    const char *text = made("deployments.apps", RULE "spec.strategy.rollingUpdate.maxSurge\n"
                                                     "    set: 0\n");
    CHECK(strstr(text, "!object.?spec.?strategy.?rollingUpdate.?maxSurge.optMap(v, "
                       "(v == 0 || string(v).matches(\"^0+%$\"))).orValue(false)") != NULL);
    text =
        made("deployments.apps", RULE "spec.strategy.rollingUpdate.maxSurge\n    set: \"025%\"\n");
    CHECK(strstr(text, "optMap(v, string(v).matches(\"^0*25%$\")).orValue(false)") != NULL);
}

TEST(what_cannot_be_said_is_named_and_left_out_as_a_whole)
{
    CHECK_STRING(made("pods", RULE "$containers.image@registry\n    set: registry.example.org\n"),
                 "a cannot: it changes a part of an image reference\n");
    CHECK_STRING(made("deployments.apps", RULE "spec.strategy.rollingUpdate.maxSurge\n"
                                               "    default: 1\n    max: 2\n    outside: clamp\n"),
                 "a cannot: it moves durations or percentages to a bound\n");
    CHECK_STRING(made("deployments.apps",
                      RULE "spec.minReadySeconds\n    set: 5\n    when:\n"
                           "      - { field: metadata.name, pattern: \"^a\" }\n"),
                 "a cannot: its condition has a pattern or a bound\n");
    CHECK_STRING(
        made("deployments.apps, widgets.example.org", RULE "metadata.labels.app\n    default: a\n"),
        "a cannot: it also changes kinds whose fields the schema does not know\n");
    CHECK_STRING(made("deployments.apps",
                      RULE "spec.progressDeadlineSeconds\n    min: 5\n    max: 9\n"
                           "    outside: clamp\n    when:\n"
                           "      - { field: spec.progressDeadlineSeconds, noneOf: [3] }\n"),
                 "a cannot: its condition reads what it changes itself\n");
}

TEST(a_rule_that_only_refuses_changes_nothing)
{
    CHECK_STRING(made("deployments.apps", RULE "spec.replicas\n    max: 1\n"), "");
    CHECK_STRING(
        made("deployments.apps", RULE "spec.minReadySeconds\n    set: 5\n    mode: warn\n"), "");
}

TEST_MAIN
