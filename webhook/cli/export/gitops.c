#include "cli/export/gitops.h"

#include "base/limits.h"
#include "kube/names.h"
#include "kube/pointer.h"
#include "policy/verb.h"

#include <stdbool.h>
#include <string.h>

#define COMMENT_RUNES 200U
#define POINTER_BYTES 4096U

/* ---- which fields --------------------------------------------------------------------------- */

static bool overrides(const struct rule *rule, const struct action *action)
{
    if (!action->verb->mutates)
        return false;
    return action->verb->clamps ? rule->clamp : strcmp(action->verb->name, "default") != 0;
}

static bool rule_overrides(const struct rule *rule)
{
    bool any = false;
    for (size_t i = 0; i < rule->action_count; i++)
        any |= overrides(rule, &rule->actions[i]);
    return any && rule->mode == POLICY_ENFORCE && rule->field != NULL;
}

/* By the resource itself: what comes by a subresource only (a Scale) is in no Git. */
static bool matches_kind(struct arena *arena, const struct policy_match *match,
                         const struct schema_kind *kind)
{
    if ((match->operations & (OPERATION_CREATE | OPERATION_UPDATE)) == 0)
        return false;
    if (match->resources == NULL)
        return true;
    const char *name = kind->group[0] == '\0'
                           ? kind->resource
                           : arena_printf(arena, "%s.%s", kind->resource, kind->group);
    for (size_t i = 0; match->resources[i] != NULL; i++)
        if (strcmp(match->resources[i], "*") == 0 || strcmp(match->resources[i], name) == 0)
            return true;
    return false;
}

/* Whether the step names one member: ["a.b/c"] of a map is a glob without a pattern. */
static bool is_member(const struct step *step)
{
    return step->kind == STEP_MEMBER || (step->kind == STEP_GLOB && !glob_is_pattern(step->name));
}

static bool is_jq_name(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char any[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return name[0] != '\0' && strchr(first, name[0]) != NULL && name[strspn(name, any)] == '\0';
}

/* The entries of a map whose key fits the glob. */
static void add_jq_glob(struct buf *buf, const char *glob)
{
    struct buf expression;
    buf_init(&expression, buf->arena, LIMIT_INPUT_FILE_BYTES);
    buf_add_char(&expression, '^');
    for (; *glob != '\0'; glob++) {
        if (*glob == '*')
            buf_add_string(&expression, ".*");
        else if (*glob == '?')
            buf_add_char(&expression, '.');
        else if (strchr("\\^$.|+()[]{}", *glob) != NULL)
            buf_add_strings(&expression, "\\", (char[]){*glob, '\0'}, NULL);
        else
            buf_add_char(&expression, *glob);
    }
    buf_add_char(&expression, '$');
    buf_add_string(buf, "[(keys?)[]? | select(test(");
    buf_add_json_string(buf, expression.data);
    buf_add_string(buf, "))]?");
}

/* Behind a name .["b"] is no jq before 1.7: .a["b"]. */
static void add_jq_member(struct buf *buf, const char *name)
{
    const char last = buf->length > 0 ? buf->data[buf->length - 1] : ' ';
    if (is_jq_name(name)) {
        buf_add_strings(buf, ".", name, NULL);
        return;
    }
    buf_add_string(buf, last == ' ' || last == '(' ? ".[" : "[");
    buf_add_json_string(buf, name);
    buf_add_char(buf, ']');
}

static void add_jq_step(struct buf *buf, const struct step *step)
{
    const char *name = step->name;
    if (is_member(step)) {
        add_jq_member(buf, name);
        return;
    }
    switch (step->kind) {
    case STEP_MEMBER:
        return;
    case STEP_EACH:
        buf_add_string(buf, "[]?");
        return;
    case STEP_GLOB:
        buf_add_string(buf, " | .");
        add_jq_glob(buf, name);
        return;
    case STEP_ELEMENT:
    case STEP_HAVING:
        buf_add_string(buf, "[]? | select(");
        add_jq_member(buf, name);
        if (step->kind == STEP_HAVING) {
            buf_add_string(buf, " != null)");
        } else {
            buf_add_string(buf, " == ");
            buf_add_json_string(buf, step->value);
            buf_add_char(buf, ')');
        }
        return;
    }
}

static const char *jq_of(struct arena *arena, const struct path *path)
{
    struct buf buf;
    buf_init(&buf, arena, LIMIT_INPUT_FILE_BYTES);
    for (size_t i = 0; i < path->count; i++) {
        const enum step_kind before = i > 0 ? path->steps[i - 1].kind : STEP_MEMBER;
        if (before == STEP_ELEMENT || before == STEP_HAVING)
            buf_add_string(&buf, " | ");
        add_jq_step(&buf, &path->steps[i]);
    }
    return buf.data;
}

static struct gitops_field *field_of(struct gitops_kind *kind, struct arena *arena,
                                     const struct path *path)
{
    const char *jq = jq_of(arena, path);
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].jq, jq) == 0)
            return &kind->fields[i];
    kind->fields = arena_room(arena, kind->fields, kind->field_count, &kind->field_capacity,
                              sizeof *kind->fields);
    struct gitops_field *field = &kind->fields[kind->field_count++];
    *field = (struct gitops_field){.path = path, .jq = jq};
    return field;
}

static void add_rule(struct gitops_field *field, struct arena *arena, const struct rule *rule)
{
    for (size_t i = 0; i < field->rule_count; i++)
        if (field->rules[i] == rule)
            return;
    const struct rule **more = arena_array(arena, field->rule_count + 1, sizeof *more);
    if (field->rule_count > 0)
        memcpy(more, field->rules, field->rule_count * sizeof *more);
    more[field->rule_count++] = rule;
    field->rules = more;
}

static void add_rule_to_kind(struct gitops_kind *kind, struct arena *arena,
                             const struct schema_kind *schema, const struct rule *rule)
{
    const struct path_list *paths = field_paths(rule->field, field_kind_index(schema));
    for (size_t i = 0; i < paths->count; i++)
        add_rule(field_of(kind, arena, &paths->items[i]), arena, rule);
}

static struct gitops_kind *kind_of(struct gitops *gitops, const struct schema_kind *schema)
{
    for (size_t i = 0; i < gitops->count; i++)
        if (strcmp(gitops->kinds[i].schema->kind, schema->kind) == 0 &&
            strcmp(gitops->kinds[i].schema->group, schema->group) == 0)
            return &gitops->kinds[i];
    gitops->kinds[gitops->count] = (struct gitops_kind){.schema = schema};
    return &gitops->kinds[gitops->count++];
}

static void add_kind(struct gitops *gitops, const struct policy_set *set, struct arena *arena,
                     const struct schema_kind *schema)
{
    struct gitops_kind *kind = kind_of(gitops, schema);
    for (size_t p = 0; p < set->policy_count; p++) {
        const struct policy *policy = &set->policies[p];
        if (!matches_kind(arena, &policy->match, schema))
            continue;
        for (size_t r = 0; r < policy->rule_count; r++)
            if (rule_overrides(&policy->rules[r]))
                add_rule_to_kind(kind, arena, schema, &policy->rules[r]);
    }
    if (kind->field_count == 0)
        gitops->count--;
}

/* A kind that the table lacks: by its resource alone nobody knows what it is called. */
static void add_remarks(struct gitops *gitops, const struct policy_set *set, struct arena *arena)
{
    gitops->remarks = arena_array(arena, set->rule_count + 1, sizeof *gitops->remarks);
    for (size_t p = 0; p < set->policy_count; p++) {
        const struct policy *policy = &set->policies[p];
        for (size_t r = 0; r < policy->rule_count; r++) {
            const struct rule *rule = &policy->rules[r];
            const bool all =
                policy->match.resources == NULL || strcmp(policy->match.resources[0], "*") == 0;
            if (!all && rule_overrides(rule) &&
                field_paths(rule->field, field_kind_index(NULL))->count > 0)
                gitops->remarks[gitops->remark_count++] = arena_printf(
                    arena,
                    "%s also changes a kind that Proctor has no schema of: nothing is said of it",
                    rule->full_id);
        }
    }
}

void gitops_from_set(const struct policy_set *set, struct arena *arena, struct gitops *ret_gitops)
{
    struct gitops gitops = {0};
    gitops.kinds = arena_array(arena, schema_kind_count + 1, sizeof *gitops.kinds);
    for (size_t i = 0; i < schema_kind_count; i++)
        if (schema_kinds[i].resource[0] != '\0')
            add_kind(&gitops, set, arena, &schema_kinds[i]);
    add_remarks(&gitops, set, arena);
    *ret_gitops = gitops;
}

/* ---- what is common to both tools ------------------------------------------------------------ */

static void add_spaces(struct buf *buf, size_t count)
{
    while (count-- > 0)
        buf_add_char(buf, ' ');
}

/* "# policy/rule: set to 1", made so that no name can end the comment. */
static void add_rules(struct buf *buf, size_t indent, const struct gitops_field *field)
{
    for (size_t r = 0; r < field->rule_count; r++) {
        const struct rule *rule = field->rules[r];
        struct buf words;
        buf_init(&words, buf->arena, LIMIT_INPUT_FILE_BYTES);
        buf_add_strings(&words, rule->full_id, ": ", NULL);
        bool more = false;
        for (size_t i = 0; i < rule->action_count; i++) {
            if (!overrides(rule, &rule->actions[i]))
                continue;
            buf_add_string(&words, more ? ", " : "");
            rule->actions[i].verb->explain(rule, &rule->actions[i], &words);
            more = true;
        }
        add_spaces(buf, indent);
        buf_add_string(buf, "# ");
        buf_add_visible(buf, words.data, COMMENT_RUNES);
        buf_add_char(buf, '\n');
    }
}

/* A list's entry; quoted, whatever stands in it. */
static void add_entry(struct buf *buf, size_t indent, const char *text)
{
    add_spaces(buf, indent);
    buf_add_string(buf, "- ");
    bool plain = true;
    for (const char *c = text; *c != '\0'; c++)
        plain &= (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (!plain) {
        buf_add_json_string(buf, text);
    } else {
        buf_add_char(buf, '\'');
        for (; *text != '\0'; text++)
            buf_add_strings(buf, *text == '\'' ? "'" : "", (char[]){*text, '\0'}, NULL);
        buf_add_char(buf, '\'');
    }
    buf_add_char(buf, '\n');
}

static bool is_literal(const struct path *path)
{
    for (size_t i = 0; i < path->count; i++)
        if (!is_member(&path->steps[i]))
            return false;
    return true;
}

/* ---- Argo CD -------------------------------------------------------------------------------- */

static void add_argocd_list(struct buf *buf, const struct gitops_kind *kind, bool literal)
{
    bool any = false;
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct gitops_field *field = &kind->fields[i];
        if (is_literal(field->path) != literal)
            continue;
        if (!any)
            buf_add_string(buf, literal ? "      jsonPointers:\n" : "      jqPathExpressions:\n");
        any = true;
        add_rules(buf, 8, field);
        if (!literal) {
            add_entry(buf, 8, field->jq);
            continue;
        }
        struct buf pointer;
        buf_init(&pointer, buf->arena, POINTER_BYTES);
        for (size_t s = 0; s < field->path->count; s++)
            pointer_add_token(&pointer, field->path->steps[s].name);
        add_entry(buf, 8, pointer.data);
    }
}

void gitops_write_argocd(const struct gitops *gitops, struct buf *buf)
{
    buf_add_string(
        buf,
        "# Proctor's policies for Argo CD, as a patch for any Application.  Made by\n"
        "# `proctor export gitops --tool argocd`; again after a change of the policies.\n"
        "#\n"
        "# 1. The annotation alone is enough from Argo CD 2.10 (stable from 3.1): it asks the\n"
        "#    API server, by a dry run that Proctor answers too, what would become of the "
        "manifest\n"
        "#    in Git, and compares that.  Nothing differs then, and nothing has to be ignored.\n"
        "# 2. ignoreDifferences is for an Argo CD without it.  These fields are not compared at\n"
        "#    all: a change of nothing but them in Git is not seen.  Leave the sync option\n"
        "#    RespectIgnoreDifferences out, or Git's values there are never applied again.\n"
        "# 3. managedFieldsManagers is of no use here: a webhook has no manager's name, so "
        "Proctor\n"
        "#    never stands in managedFields.\n"
        "apiVersion: argoproj.io/v1alpha1\n"
        "kind: Application\n"
        "metadata:\n"
        "  name: student-projects\n"
        "  annotations:\n"
        "    argocd.argoproj.io/compare-options: ServerSideDiff=true,IncludeMutationWebhook=true\n"
        "spec:\n");
    buf_add_string(buf, gitops->count > 0
                            ? "  ignoreDifferences:\n"
                            : "  ignoreDifferences: [] # no rule overrides a field\n");
    for (size_t k = 0; k < gitops->count; k++) {
        const struct gitops_kind *kind = &gitops->kinds[k];
        if (kind->schema->group[0] == '\0')
            buf_add_string(buf, "    - group: \"\"\n");
        else
            buf_add_strings(buf, "    - group: ", kind->schema->group, "\n", NULL);
        buf_add_strings(buf, "      kind: ", kind->schema->kind, "\n", NULL);
        add_argocd_list(buf, kind, true);
        add_argocd_list(buf, kind, false);
    }
}

/* ---- Flux ----------------------------------------------------------------------------------- */

/* Where a key or a merge key decides, the place is not known before the object is. */
static bool has_pointers(const struct path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct step *step = &path->steps[i];
        const bool of_list = i > 0 && path->steps[i - 1].node != NULL &&
                             path->steps[i - 1].node->type == SCHEMA_LIST;
        if (!is_member(step) && !(step_chooses(step) && of_list))
            return false;
    }
    return true;
}

static void add_pointers(struct buf *buf, size_t indent, const struct path *path, size_t elements,
                         const size_t *index)
{
    struct buf pointer;
    size_t at = 0;
    buf_init(&pointer, buf->arena, POINTER_BYTES);
    for (size_t s = 0; s < path->count; s++) {
        if (is_member(&path->steps[s]))
            pointer_add_token(&pointer, path->steps[s].name);
        else
            buf_printf(&pointer, "/%zu", index[at++] % elements);
    }
    add_entry(buf, indent, pointer.data);
}

/* Every way to choose one of the first `elements` at each list: counts, the last fastest. */
static void add_all_pointers(struct buf *buf, size_t indent, const struct path *path,
                             size_t elements)
{
    size_t index[LIMIT_FIELD_STEPS] = {0}, lists = 0;
    for (size_t s = 0; s < path->count; s++)
        lists += !is_member(&path->steps[s]);
    for (;;) {
        add_pointers(buf, indent, path, elements, index);
        size_t at = lists;
        while (at > 0 && ++index[at - 1] == elements)
            index[--at] = 0;
        if (at == 0)
            return;
    }
}

static bool any_pointer(const struct gitops_kind *kind)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (has_pointers(kind->fields[i].path))
            return true;
    return false;
}

static void add_flux_kind(struct buf *buf, size_t indent, const struct gitops_kind *kind,
                          size_t elements)
{
    const char *group = kind->schema->group;
    if (any_pointer(kind)) {
        add_spaces(buf, indent);
        buf_add_strings(buf, "- target: {group: ", group[0] != '\0' ? group : "\"^$\"",
                        ", kind: ", kind->schema->kind, "}\n", NULL);
        add_spaces(buf, indent + 2);
        buf_add_string(buf, "paths:\n");
    }
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct gitops_field *field = &kind->fields[i];
        add_rules(buf, indent + 4, field);
        if (has_pointers(field->path)) {
            add_all_pointers(buf, indent + 4, field->path, elements);
            continue;
        }
        add_spaces(buf, indent + 4);
        buf_add_strings(buf, "# (no JSON Pointer can say it: ", kind->schema->kind, " ", NULL);
        buf_add_visible(buf, field->jq, COMMENT_RUNES);
        buf_add_string(buf, ")\n");
    }
}

static void add_flux_rules(struct buf *buf, size_t indent, const struct gitops *gitops,
                           size_t elements)
{
    bool any = false;
    for (size_t k = 0; k < gitops->count; k++)
        any |= any_pointer(&gitops->kinds[k]);
    add_spaces(buf, indent);
    buf_add_string(buf, any ? "ignore:\n" : "ignore: [] # nothing that a JSON Pointer can name\n");
    for (size_t k = 0; k < gitops->count; k++)
        add_flux_kind(buf, indent + 2, &gitops->kinds[k], elements);
}

void gitops_write_flux(const struct gitops *gitops, size_t elements, struct buf *buf)
{
    buf_add_string(
        buf,
        "# Proctor's policies for Flux, as patches for a Kustomization and a HelmRelease.  Made "
        "by\n"
        "# `proctor export gitops --tool flux`; again after a change of the policies.\n"
        "#\n"
        "# Flux finds drift by a server-side dry run, which Proctor answers too: as long as it\n"
        "# does, nothing differs, and neither patch is needed.  They are for a Flux that is to\n"
        "# stay calm while Proctor is away, or after the policies have changed.\n"
        "#\n"
        "# Leave kustomize.toolkit.fluxcd.io/ssa of a project at Override: Git has the say, "
        "within\n"
        "# the policies' bounds.  Merge keeps what others added; IfNotPresent makes the project\n"
        "# once and leaves every later version to `proctor deploy` or the portal.\n");
    buf_printf(buf,
               "#\n# A JSON Pointer counts: the first %zu of each list are written out "
               "(--elements).\n",
               elements);
    buf_add_string(
        buf,
        "---\n"
        "# From Flux 2.9.  The fields below are left out of every later apply too: what Git says\n"
        "# there reaches the cluster only when the object is made.\n"
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\n"
        "kind: Kustomization\n"
        "metadata:\n"
        "  name: student-projects\n"
        "spec:\n");
    add_flux_rules(buf, 2, gitops, elements);
    buf_add_string(buf, "---\n"
                        "# Drift in these fields is neither told nor mended; an upgrade of the\n"
                        "# chart still applies them.\n"
                        "apiVersion: helm.toolkit.fluxcd.io/v2\n"
                        "kind: HelmRelease\n"
                        "metadata:\n"
                        "  name: student-project\n"
                        "spec:\n"
                        "  driftDetection:\n"
                        "    mode: enabled\n");
    add_flux_rules(buf, 4, gitops, elements);
}
