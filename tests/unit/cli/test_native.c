#include "cli/native/native.h"

#include "tests/unit/engine.h"

#include <string.h>

static struct native native_of(struct policy_set *set)
{
    struct native native;
    native_from_set(set, 1795000000, &engine_arena, &native);
    return native;
}

static const char *expression_of(const struct native *native, size_t rule)
{
    if (native->count == 0)
        return "";
    const cJSON *one = json_path(native->objects[0], "spec", "validations", NULL)->child;
    for (; rule > 0 && one != NULL; rule--)
        one = one->next;
    return one != NULL ? json_get_string(one, "expression") : "";
}

/* A rule of Deployments -> where /validate lets it pass. */
TEST(each_way_to_say_a_rule)
{
    static const struct {
        const char *rule, *want;
    } rows[] = {
        {"field: spec.replicas, max: 1, optional: true",
         "[object.?spec.?replicas.orValue(null)].all(v1, v1 == null || v1 <= 1) || "
         "request.operation == \"UPDATE\" && object.?spec.?replicas.orValue(null) == "
         "oldObject.?spec.?replicas.orValue(null)"},
        {"field: spec.replicas, min: 1",
         "[object.?spec.?replicas.orValue(null)].all(v1, v1 != null && v1 >= 1) || "
         "request.operation == \"UPDATE\" && object.?spec.?replicas.orValue(null) == "
         "oldObject.?spec.?replicas.orValue(null)"},
        {"field: spec.minReadySeconds, max: 60, min: 1",
         "[object.?spec.?minReadySeconds.orValue(null)].all(v1, (v1 == null ? 0 : v1) >= 1 && (v1 "
         "== null ? 0 : v1) <= 60) || request.operation == \"UPDATE\" && "
         "object.?spec.?minReadySeconds.orValue(null) == "
         "oldObject.?spec.?minReadySeconds.orValue(null)"},
        {"field: spec.paused, equals: false",
         "[object.?spec.?paused.orValue(null)].all(v1, v1 == null || v1 == false) || "
         "request.operation == \"UPDATE\" && object.?spec.?paused.orValue(null) == "
         "oldObject.?spec.?paused.orValue(null)"},
        {"field: spec.strategy.type, set: RollingUpdate",
         "object.?spec.?strategy.?type.orValue(null) == \"RollingUpdate\" || request.operation == "
         "\"UPDATE\" && object.?spec.?strategy.?type.orValue(null) == "
         "oldObject.?spec.?strategy.?type.orValue(null)"},
        {"field: spec.strategy.rollingUpdate.maxSurge, max: 25%",
         "[object.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null)].all(v1, v1 != null && "
         "(type(v1) == string && v1.matches(\"^[0-9]{1,18}%$\") && int(v1.replace(\"%\", \"\")) <= "
         "25)) || request.operation == \"UPDATE\" && "
         "object.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null) == "
         "oldObject.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null)"},
        {"field: spec.strategy.rollingUpdate.maxSurge, equals: 0",
         "[object.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null)].all(v1, v1 != null && "
         "((type(v1) == int && v1 == 0) || (type(v1) == string && v1.matches(\"^0+%$\")))) || "
         "request.operation == \"UPDATE\" && "
         "object.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null) == "
         "oldObject.?spec.?strategy.?rollingUpdate.?maxSurge.orValue(null)"},
        {"field: metadata.generateName, forbidden: true",
         "object.?metadata.?generateName.orValue(null) == null || request.operation == \"UPDATE\" "
         "&& object.?metadata.?generateName.orValue(null) == "
         "oldObject.?metadata.?generateName.orValue(null)"},
        {"field: metadata.name, pattern: '^a\\s\"'",
         "[object.?metadata.?name.orValue(null)].all(v1, v1 != null && "
         "v1.matches(\"^a[\\\\s\\\\x0b]\\\"\")) || request.operation == \"UPDATE\" && "
         "object.?metadata.?name.orValue(null) == oldObject.?metadata.?name.orValue(null)"},
        {"field: metadata.labels.app, notPattern: '^${name}-'",
         "[object.?metadata.?labels.?app.orValue(null)].all(v1, v1 == null || variables.name != "
         "\"\" && !v1.matches(\"^\" + \"\\\\Q\" + variables.name.replace(\"\\\\E\", "
         "\"\\\\E\\\\\\\\E\\\\Q\") + \"\\\\E\" + \"-\")) || request.operation == \"UPDATE\" && "
         "object.?metadata.?labels.?app.orValue(null) == "
         "oldObject.?metadata.?labels.?app.orValue(null)"},
        {"field: metadata.labels.app, equals: '${user}-${label:x:-y}'",
         "request.userInfo.?username.orValue(\"\") != \"\" && "
         "object.?metadata.?labels.?app.orValue(null) == (request.userInfo.?username.orValue(\"\") "
         "+ \"-\" + (object.?metadata.?labels.?x.orValue(null) != null ? "
         "dyn(object.?metadata.?labels.?x.orValue(null)) : dyn(\"y\")))"},
        {"field: metadata.labels@keys, oneOf: [a, b]",
         "[object.?metadata.?labels.orValue(null)].all(v1, v1 == null || v1.all(v2, v1[v2] == null "
         "|| v2 in [\"a\", \"b\"])) || request.operation == \"UPDATE\" && "
         "object.?metadata.?labels.orValue(null) == oldObject.?metadata.?labels.orValue(null)"},
        {"field: 'metadata.annotations[\"a.io/*\"]', noneOf: [x]",
         "[object.?metadata.?annotations.orValue(null)].all(v1, v1 == null || v1.all(v2, "
         "!(v2.startsWith(\"a.io/\") && v1[v2] != null) || v1[v2] != \"x\")) || request.operation "
         "== \"UPDATE\" && object.?metadata.?annotations.orValue(null) == "
         "oldObject.?metadata.?annotations.orValue(null)"},
        {"field: metadata.annotations.\"a.io/b\", required: true",
         "object.?metadata.?annotations[?\"a.io/b\"].orValue(dyn(null)) != null || "
         "request.operation == \"UPDATE\" && "
         "object.?metadata.?annotations[?\"a.io/b\"].orValue(dyn(null)) == "
         "oldObject.?metadata.?annotations[?\"a.io/b\"].orValue(dyn(null))"},
        {"field: metadata.namespace, equals: a",
         "object.?metadata[?\"namespace\"].orValue(dyn(null)) == \"a\" || request.operation == "
         "\"UPDATE\" && object.?metadata[?\"namespace\"].orValue(dyn(null)) == "
         "oldObject.?metadata[?\"namespace\"].orValue(dyn(null))"},
        {"field: metadata.finalizers, immutable: true",
         "request.operation != \"UPDATE\" || object.?metadata.?finalizers.orValue(null) == "
         "oldObject.?metadata.?finalizers.orValue(null) || request.operation == \"UPDATE\" && "
         "object.?metadata.?finalizers.orValue(null) == "
         "oldObject.?metadata.?finalizers.orValue(null)"},
        {"field: spec.replicas, immutable: once",
         "request.operation != \"UPDATE\" || oldObject.?spec.?replicas.orValue(null) == null || "
         "object.?spec.?replicas.orValue(null) == oldObject.?spec.?replicas.orValue(null) || "
         "request.operation == \"UPDATE\" && object.?spec.?replicas.orValue(null) == "
         "oldObject.?spec.?replicas.orValue(null)"},
        {"field: '$containers.name', immutable: true",
         "request.operation != \"UPDATE\" || "
         "object.?spec.?template.?spec.?containers.orValue([]).map(v1, "
         "v1.?name.orValue(null)).filter(v2, v2 != null) == "
         "oldObject.?spec.?template.?spec.?containers.orValue([]).map(v3, "
         "v3.?name.orValue(null)).filter(v4, v4 != null) && "
         "object.?spec.?template.?spec.?initContainers.orValue([]).map(v5, "
         "v5.?name.orValue(null)).filter(v6, v6 != null) == "
         "oldObject.?spec.?template.?spec.?initContainers.orValue([]).map(v7, "
         "v7.?name.orValue(null)).filter(v8, v8 != null) || variables.sameTemplate"},
        {"field: $pod.containers@count, max: 3",
         "[variables.pod.?containers.orValue(null)].map(v1, v1 == null ? 0 : size(v1))[0] <= 3 || "
         "variables.sameTemplate"},
        {"field: $containers.resources.limits.cpu, default: 500m, max: 500m, outside: clamp",
         "variables.pod.?containers.orValue([]).all(v1, "
         "[v1.?resources.?limits.?cpu.orValue(null)].all(v2, v2 != null && "
         "quantity(v2).compareTo(quantity(\"500m\")) <= 0)) && "
         "variables.pod.?initContainers.orValue([]).all(v3, "
         "[v3.?resources.?limits.?cpu.orValue(null)].all(v4, v4 != null && "
         "quantity(v4).compareTo(quantity(\"500m\")) <= 0)) || variables.sameTemplate"},
        {"field: $containers.resources.requests.cpu, max: '${.resources.limits.cpu}'",
         "variables.pod.?containers.orValue([]).all(v1, "
         "[v1.?resources.?requests.?cpu.orValue(null)].all(v2, v2 != null && "
         "v1.?resources.?limits.?cpu.orValue(null) != null && "
         "quantity(v2).compareTo(quantity(v1.?resources.?limits.?cpu.orValue(null))) <= 0)) && "
         "variables.pod.?initContainers.orValue([]).all(v3, "
         "[v3.?resources.?requests.?cpu.orValue(null)].all(v4, v4 != null && "
         "v3.?resources.?limits.?cpu.orValue(null) != null && "
         "quantity(v4).compareTo(quantity(v3.?resources.?limits.?cpu.orValue(null))) <= 0)) || "
         "variables.sameTemplate"},
        {"field: $appContainers.readinessProbe, required: true",
         "variables.pod.?containers.orValue([]).all(v1, v1.?readinessProbe.orValue(null) != null) "
         "&& variables.pod.?initContainers.orValue([]).all(v2, v2.?restartPolicy.orValue(null) != "
         "\"Always\" || v2.?readinessProbe.orValue(null) != null) || variables.sameTemplate"},
        {"field: '$containers.env[name=A]', set: { value: b }",
         "variables.pod.?containers.orValue([]).all(v1, v1.?env.orValue([]).all(v2, "
         "v2.?name.orValue(null) != \"A\" || v2.?value.orValue(null) == \"b\" && "
         "v2.?name.orValue(null) == \"A\" && v2.all(v3, v3 in [\"value\", \"name\"] || v2[v3] == "
         "null)) && v1.?env.orValue([]).exists(v2, v2.?name.orValue(null) == \"A\")) && "
         "variables.pod.?initContainers.orValue([]).all(v4, v4.?env.orValue([]).all(v5, "
         "v5.?name.orValue(null) != \"A\" || v5.?value.orValue(null) == \"b\" && "
         "v5.?name.orValue(null) == \"A\" && v5.all(v6, v6 in [\"value\", \"name\"] || v5[v6] == "
         "null)) && v4.?env.orValue([]).exists(v5, v5.?name.orValue(null) == \"A\")) || "
         "variables.sameTemplate"},
        {"field: '$containers.env[name=A].value', equals: b, optional: true",
         "variables.pod.?containers.orValue([]).all(v1, v1.?env.orValue([]).all(v2, "
         "v2.?name.orValue(null) != \"A\" || [v2.?value.orValue(null)].all(v3, v3 == null || v3 == "
         "\"b\"))) && variables.pod.?initContainers.orValue([]).all(v4, "
         "v4.?env.orValue([]).all(v5, v5.?name.orValue(null) != \"A\" || "
         "[v5.?value.orValue(null)].all(v6, v6 == null || v6 == \"b\"))) || "
         "variables.sameTemplate"},
        {"field: '$pod.volumes[emptyDir].emptyDir.sizeLimit', max: 1Gi",
         "variables.pod.?volumes.orValue([]).all(v1, v1.?emptyDir.orValue(null) == null || "
         "[v1.?emptyDir.?sizeLimit.orValue(null)].all(v2, v2 != null && "
         "quantity(v2).compareTo(quantity(\"1Gi\")) <= 0)) || variables.sameTemplate"},
        {"field: '$pod.volumes[*]@keys', oneOf: [name, emptyDir]",
         "variables.pod.?volumes.orValue([]).all(v1, v1 == null || v1.all(v2, v1[v2] == null || v2 "
         "in [\"name\", \"emptyDir\"])) || variables.sameTemplate"},
        {"field: $securityContext.privileged, equals: false, optional: true",
         "variables.pod.?containers.orValue([]).all(v1, "
         "[v1.?securityContext.?privileged.orValue(null)].all(v2, v2 == null || v2 == false)) && "
         "variables.pod.?initContainers.orValue([]).all(v3, "
         "[v3.?securityContext.?privileged.orValue(null)].all(v4, v4 == null || v4 == false)) && "
         "variables.pod.?ephemeralContainers.orValue([]).all(v5, "
         "[v5.?securityContext.?privileged.orValue(null)].all(v6, v6 == null || v6 == false)) || "
         "variables.sameTemplate"},
        {"field: $containers.command, contains: [sh]",
         "variables.pod.?containers.orValue([]).all(v1, [v1.?command.orValue(null)].all(v2, v2 != "
         "null && v2.exists(v3, v3 == \"sh\"))) && "
         "variables.pod.?initContainers.orValue([]).all(v4, [v4.?command.orValue(null)].all(v5, v5 "
         "!= null && v5.exists(v6, v6 == \"sh\"))) || variables.sameTemplate"},
        {"field: $containers.args, unique: true",
         "variables.pod.?containers.orValue([]).all(v1, [v1.?args.orValue(null)].all(v2, v2 == "
         "null || v2.all(v3, v2.exists_one(v4, v4 == v3)))) && "
         "variables.pod.?initContainers.orValue([]).all(v5, [v5.?args.orValue(null)].all(v6, v6 == "
         "null || v6.all(v7, v6.exists_one(v8, v8 == v7)))) || variables.sameTemplate"},
        {"field: '$podMetadata.labels[*]', oneOf: '${metadata.labels[*]}'",
         "[variables.template.?metadata.?labels.orValue(null)].all(v1, v1 == null || v1.all(v2, "
         "v1[v2] == null || [object.?metadata.?labels.orValue(null)].all(v3, v3 != null && "
         "v3.exists(v4, v3[v4] != null && v1[v2] == v3[v4])))) || variables.sameTemplate && "
         "object.?metadata.?labels.orValue(null) == oldObject.?metadata.?labels.orValue(null)"},
        {"field: spec.replicas, max: 1, ratchet: never, when: [{field: spec.paused, exists: true}]",
         "object.?spec.?paused.orValue(null) == null || "
         "[object.?spec.?replicas.orValue(null)].all(v1, v1 != null && v1 <= 1)"},
        {"field: '$containers.ports[*].containerPort', min: 1024, when: [{field: .protocol, "
         "noneOf: [UDP]}]",
         "variables.pod.?containers.orValue([]).all(v1, v1.?ports.orValue([]).all(v2, "
         "[v2.?containerPort.orValue(null)].all(v3, [v2.?protocol.orValue(null)].all(v4, !(v4 == "
         "null || v4 != \"UDP\")) || v3 != null && v3 >= 1024))) && "
         "variables.pod.?initContainers.orValue([]).all(v5, v5.?ports.orValue([]).all(v6, "
         "[v6.?containerPort.orValue(null)].all(v7, [v6.?protocol.orValue(null)].all(v8, !(v8 == "
         "null || v8 != \"UDP\")) || v7 != null && v7 >= 1024))) || variables.sameTemplate"},
        {"deny: true, when: [{field: $request.operation, equals: CREATE}, {field: "
         "'$request.userInfo.groups[*]', noneOf: [a, b]}]",
         "!(request.operation == \"CREATE\" && "
         "!dyn(request).?userInfo.?groups.orValue([]).exists(v1, v1 in [\"a\", \"b\"]))"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        struct policy_set *set = engine_load_rules(
            arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rows[i].rule));
        const struct native native = native_of(set);
        CHECK_INT(native.remark_count, 0);
        CHECK_STRING(expression_of(&native, 0), rows[i].want);
        policy_set_unref(set);
    }
}

/* An image's parts are long; what is short in them is looked at here. */
TEST(a_view_of_an_image_judges_only_what_it_can_read)
{
    engine_begin();
    struct policy_set *set = engine_load_rules(
        "    - { id: r, why: W, field: '$pod.containers[*].image@digest', required: true }\n");
    const struct native native = native_of(set);
    const char *text = expression_of(&native, 0);
    CHECK(strstr(text, "v2 != null && type(v2) == string && !v2.matches(\"^[a-f0-9]{64}$\")") !=
          NULL);
    CHECK(strstr(text, " && v2.contains(\"@\")") != NULL);
    policy_set_unref(set);
}

/* A rule of Deployments -> why it is left out, as a whole. */
TEST(what_cel_cannot_say_is_named)
{
    static const struct {
        const char *rule, *why;
    } rows[] = {
        {"field: metadata.name, pattern: '^a{1001}$'",
         "the pattern ^a{1001}$ has a repeat of more than 1000, which RE2 reads otherwise"},
        {"field: metadata.name, pattern: '^[^a\\S]$'",
         "the pattern ^[^a\\S]$ has \\S inside of [ ], which RE2 reads otherwise"},
        {"field: '$containers.ports[*].containerPort', unique: true",
         "unique over what several elements have"},
        {"field: '$containers.env[*].name', immutable: true",
         "lists inside of lists are compared as a whole"},
        {"field: spec.strategy.rollingUpdate.maxSurge, max: '${spec.replicas}'",
         "a number or percentage is held against a variable"},
        {"field: spec.replicas, max: '${metadata.labels.most}'",
         "a whole number is held against a variable of another type"},
        {"field: '$pod.containers', equals: [{name: a}]",
         "a whole list with a merge key is compared"},
        {"field: metadata.name, equals: '${$containers.name}'",
         "${$containers.name} may reach several values, or a view of one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        struct policy_set *set = engine_load_rules(
            arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rows[i].rule));
        const struct native native = native_of(set);
        CHECK_INT(native.remark_count, 1);
        CHECK_STRING(native.remark_count > 0 ? native.remarks[0].why : "", rows[i].why);
        CHECK_INT(native.rules_left_out, 1);
        CHECK_INT(native.count, 0);
        policy_set_unref(set);
    }
}

/* Where one rule is left out its neighbours stay. */
TEST(the_other_rules_stay)
{
    engine_begin();
    struct policy_set *set = engine_load_rules(
        "    - { id: a, why: W, field: metadata.name, pattern: '^a{1001}$' }\n"
        "    - { id: b, why: W, field: metadata.generateName, forbidden: true, ratchet: never }\n");
    const struct native native = native_of(set);
    CHECK_INT(native.rule_count, 2);
    CHECK_INT(native.rules_left_out, 1);
    CHECK_STRING(native.remarks[0].rule, "a");
    CHECK_INT(native.count, 2);
    CHECK_STRING(expression_of(&native, 0), "object.?metadata.?generateName.orValue(null) == null");
    CHECK_STRING(expression_of(&native, 1), "");
    policy_set_unref(set);
}

static const char *text_at(const cJSON *list, size_t index, const char *key)
{
    const cJSON *one = list != NULL ? list->child : NULL;
    for (; index > 0 && one != NULL; index--)
        one = one->next;
    const char *text = one != NULL ? json_get_string(one, key) : NULL;
    return text != NULL ? text : "";
}

/* Modes become bindings; the match, exclusions and variables what the API server has for them. */
TEST(a_policy_is_two_objects_for_each_mode)
{
    engine_begin();
    struct policy_set *set = engine_load(
        "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n"
        "  title: A test\n"
        "  match:\n    namespaces: [class, 'room-*', 'a?c']\n"
        "    resources: [deployments.apps, deployments.apps/scale, services]\n"
        "    operations: [CREATE, DELETE]\n    groups: [students, 'x-*']\n"
        "    exclude: [{ user: u, resources: [services], operations: [DELETE] }]\n"
        "  variables: [{ name: student, from: '${user}', pattern: '^s([0-9]+)$' }]\n"
        "  rules:\n"
        "    - { id: a, why: W, field: metadata.name, equals: '${student}' }\n"
        "    - { id: b, why: W, mode: audit, deny: true, message: M, fix: 'use ${student}' }\n");
    const struct native native = native_of(set);
    CHECK_INT(native.count, 4);
    const cJSON *spec = json_get(native.objects[0], "spec");
    const cJSON *conditions = json_get(spec, "matchConditions");
    const cJSON *rules = json_path(spec, "matchConstraints", "resourceRules", NULL);
    CHECK_STRING(json_get_string(spec, "failurePolicy"), "Fail");
    CHECK_STRING(json_string(json_path(native.objects[0], "metadata", "name", NULL)), "proctor-p");
    CHECK_STRING(json_string(json_path(native.objects[2], "metadata", "name", NULL)),
                 "proctor-p-audit");
    CHECK_STRING(
        json_string(json_path(native.objects[1], "spec", "validationActions", NULL)->child),
        "Deny");
    CHECK_STRING(
        json_string(json_path(native.objects[3], "spec", "validationActions", NULL)->child),
        "Audit");
    CHECK_INT(json_count(rules), 2);
    CHECK_STRING(json_string(json_get(rules->child, "resources")->child->next),
                 "deployments/scale");
    CHECK_STRING(text_at(conditions, 0, "expression"),
                 "request.?namespace.orValue(\"\") != \"\" && (request.namespace == \"class\" || "
                 "request.namespace.startsWith(\"room-\") || "
                 "request.namespace.matches(\"(?s)^a.c$\"))");
    CHECK_STRING(text_at(conditions, 1, "expression"),
                 "request.userInfo.?groups.orValue([]).exists(v1, v1 == \"students\" || "
                 "v1.startsWith(\"x-\"))");
    CHECK_STRING(text_at(conditions, 2, "expression"),
                 "!(request.userInfo.?username.orValue(\"\") == \"u\" && request.operation == "
                 "\"DELETE\" && (request.resource.group == \"\" && request.resource.resource == "
                 "\"services\" && !has(request.subResource)))");
    CHECK_STRING(
        text_at(json_get(spec, "variables"), 0, "expression"),
        "request.userInfo.?username.orValue(\"\") != \"\" ? "
        "[request.userInfo.?username.orValue(\"\")].map(v1, v1.matches(\"^s([0-9]+)$\") && "
        "size(v1) > 1 ? dyn(v1.substring(1, size(v1) - 0)) : null)[0] : null");
    CHECK_STRING(expression_of(&native, 0),
                 "object == null || variables.own_student != null && "
                 "object.?metadata.?name.orValue(null) == variables.own_student");
    const cJSON *denied = json_path(native.objects[2], "spec", "validations", NULL);
    CHECK_STRING(text_at(denied, 0, "expression"), "false");
    CHECK_STRING(text_at(denied, 0, "messageExpression"),
                 "\"request: Forbidden: \" + \"M. W Fix: use \" + (variables.own_student != null ? "
                 "string(variables.own_student) : \"STUDENT\") + \" (p/b)\"");
    policy_set_unref(set);
}

/* An exception that holds lets pass, and is told; one that ended takes the ratchet away. */
TEST(exceptions)
{
    static const char *const days[] = {"2026-12-31", "2026-11-01"};
    for (size_t i = 0; i < 2; i++) {
        engine_begin();
        struct policy_set *set = engine_load(arena_printf(
            &engine_arena,
            "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n"
            "  title: A test\n  match: { resources: [deployments.apps] }\n"
            "  rules: [{ id: a, why: W, field: spec.replicas, max: 1, optional: true }]\n---\n"
            "apiVersion: proctor.dev/v1\nkind: Exception\nmetadata: { name: e }\nspec:\n"
            "  policy: p\n  rules: [a]\n  match: { namespaces: [class] }\n  reason: R\n"
            "  owner: o\n  ticket: T\n  expires: %s\n",
            days[i]));
        const struct native native = native_of(set);
        const char *text = expression_of(&native, 0);
        const char *match = "request.?namespace.orValue(\"\") != \"\" && request.namespace == "
                            "\"class\"";
        CHECK_INT(native.rules_left_out, 0);
        CHECK_INT(native.remark_count, i == 0 ? 1 : 0);
        CHECK(strstr(text, match) != NULL);
        CHECK((strstr(text, "variables.sameTemplate") != NULL) == (i == 1));
        policy_set_unref(set);
    }
}

TEST_MAIN
