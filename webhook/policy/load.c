#include "policy/load.h"

#include "base/digest.h"
#include "base/limits.h"
#include "kube/names.h"
#include "policy/analyse.h"
#include "policy/lint.h"
#include "policy/load_internal.h"

#include <stdlib.h>
#include <string.h>

#define API_VERSION "proctor.dev/v1"

/* ---- one document ----------------------------------------------------------------------- */

static void load_policy(struct loader *loader, const cJSON *root, struct policy *policy)
{
    const cJSON *spec = json_get(root, "spec");
    policy->place = load_place(loader, root);
    policy->name = json_get_string(json_get(root, "metadata"), "name");
    if (policy->name == NULL)
        policy->name = "?";
    if (spec == NULL ||
        !load_check_keys(loader, spec, "spec of a Policy", keys_policy, KEY_NO_VERBS))
        return;
    policy->title = load_text(loader, spec, "title", false);
    policy->mode =
        (enum policy_mode)load_choice(loader, spec, "mode", policy_mode_names, POLICY_ENFORCE);
    if (json_get(spec, "match") == NULL)
        load_fail(loader, spec, "missing-key", "match is missing: say what the policy is for");
    else
        load_match(loader, json_get(spec, "match"), false, &policy->match);

    struct declared declared = load_variables(loader, json_get(spec, "variables"), policy);
    if (json_get(spec, "rules") == NULL)
        load_fail(loader, spec, "missing-key", "rules is missing");
    else
        load_rules(loader, json_get(spec, "rules"), policy, &declared);
}

struct document {
    const char *file;
    cJSON *root;
};

struct documents {
    struct document *items;
    size_t count;
    size_t capacity;
};

static void add_document(struct arena *arena, struct documents *documents, struct document one)
{
    documents->items = arena_room(arena, documents->items, documents->count, &documents->capacity,
                                  sizeof *documents->items);
    documents->items[documents->count++] = one;
}

enum document_kind { KIND_POLICY, KIND_EXCEPTION, KIND_OTHER, KIND_WRONG };

static enum document_kind classify(struct loader *loader, const cJSON *root)
{
    static const char *const kinds[] = {"Policy", "Exception", "PolicySuite", NULL};
    if (!json_is_object(root)) {
        load_fail(loader, root, "wrong-type",
                  "a policy file begins with apiVersion and kind, and this is %s", load_sort(root));
        return KIND_WRONG;
    }
    const char *version = json_get_string(root, "apiVersion");
    const char *kind = json_get_string(root, "kind");
    if (version == NULL || strcmp(version, API_VERSION) != 0) {
        load_fail(loader,
                  json_get(root, "apiVersion") != NULL ? json_get(root, "apiVersion") : root,
                  "bad-api-version", "apiVersion must be " API_VERSION);
        return KIND_WRONG;
    }
    const char *near = kind != NULL ? name_nearest(kind, kinds) : NULL;
    if (kind != NULL && strcmp(kind, "PolicySuite") == 0)
        return KIND_OTHER;
    const bool policy = kind != NULL && strcmp(kind, "Policy") == 0;
    if (!policy && (kind == NULL || strcmp(kind, "Exception") != 0)) {
        load_fail(loader, json_get(root, "kind") != NULL ? json_get(root, "kind") : root,
                  "bad-kind", "kind must be Policy or Exception%s%s%s",
                  near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
        return KIND_WRONG;
    }
    load_check_keys(loader, root, "a document", keys_document, KEY_NO_VERBS);
    if (json_get(root, "metadata") == NULL)
        load_fail(loader, root, "missing-key",
                  "metadata is missing: write metadata: { name: ... }");
    else if (load_check_keys(loader, json_get(root, "metadata"), "metadata", keys_metadata,
                             KEY_NO_VERBS))
        load_string(loader, json_get(root, "metadata"), "name", true);
    if (json_get(root, "spec") == NULL)
        load_fail(loader, root, "missing-key", "spec is missing");
    return policy ? KIND_POLICY : KIND_EXCEPTION;
}

static void read_documents(struct loader *loader, const struct source *source,
                           struct documents *policies, struct documents *exceptions)
{
    struct yaml_documents parsed;
    struct err err;
    loader->file = source->name;
    if (yaml_parse(loader->arena, source->text, source->length, YAML_POLICY, &parsed, &err) != 0) {
        /* The text begins LINE:COLUMN: */
        struct place place = {loader->file, {0, 0}};
        char *rest;
        place.mark.line = (unsigned)strtoul(err.text, &rest, 10);
        place.mark.column = *rest == ':' ? (unsigned)strtoul(rest + 1, &rest, 10) : 0;
        const bool has_mark = place.mark.column > 0 && rest[0] == ':' && rest[1] == ' ';
        diag_add(loader->diagnostics, DIAG_ERROR, place, "bad-yaml", "%s",
                 has_mark ? rest + 2 : err.text);
        return;
    }
    for (size_t i = 0; i < parsed.count; i++) {
        const struct document one = {source->name, parsed.roots[i]};
        const enum document_kind kind = classify(loader, parsed.roots[i]);
        if (kind == KIND_POLICY)
            add_document(loader->arena, policies, one);
        else if (kind == KIND_EXCEPTION)
            add_document(loader->arena, exceptions, one);
    }
}

/* ---- the set ---------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    const struct document *a = left, *b = right;
    const char *x = json_get_string(json_get(a->root, "metadata"), "name");
    const char *y = json_get_string(json_get(b->root, "metadata"), "name");
    return strcmp(x != NULL ? x : "", y != NULL ? y : "");
}

static void load_policies(struct loader *loader, struct documents *documents)
{
    struct policy_set *set = loader->set;
    if (documents->count > LIMIT_POLICIES) {
        const struct place nowhere = {0};
        diag_add(loader->diagnostics, DIAG_ERROR, nowhere, "too-many",
                 "there are %zu policies, %u are the limit", documents->count, LIMIT_POLICIES);
        return;
    }
    if (documents->count > 0)
        qsort(documents->items, documents->count, sizeof *documents->items, by_name);
    set->policies = arena_array(loader->arena, documents->count, sizeof *set->policies);
    for (size_t i = 0; i < documents->count; i++) {
        struct policy *policy = &set->policies[i];
        loader->file = documents->items[i].file;
        policy->order = i;
        load_policy(loader, documents->items[i].root, policy);
        if (i > 0 && strcmp(policy->name, "?") != 0 &&
            strcmp(policy->name, set->policies[i - 1].name) == 0)
            load_fail(loader, documents->items[i].root, "duplicate-name",
                      "another policy has the name %s: %s, line %u", policy->name,
                      set->policies[i - 1].place.file, set->policies[i - 1].place.mark.line);
        for (size_t r = 0; r < policy->rule_count; r++)
            policy->rules[r].order = set->rule_count++;
    }
    set->policy_count = documents->count;
}

static bool has_rule(const struct policy *policy, const char *id)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (strcmp(policy->rules[i].id, id) == 0)
            return true;
    return false;
}

static const char *suggest(struct loader *loader, const char *name, const char *const *candidates)
{
    const char *near = name_nearest(name, candidates);
    return near != NULL ? arena_printf(loader->arena, "; did you mean \"%s\"?", near) : "";
}

static void fail_unknown_rule(struct loader *loader, const cJSON *node, const struct policy *policy,
                              const char *id)
{
    const char **ids = arena_array(loader->arena, policy->rule_count + 1, sizeof *ids);
    for (size_t i = 0; i < policy->rule_count; i++)
        ids[i] = policy->rules[i].id;
    load_fail(loader, node, "unknown-rule", "%s has no rule %s%s", policy->name, id,
              suggest(loader, id, ids));
}

static void fail_unknown_policy(struct loader *loader, const cJSON *node, const char *name)
{
    const struct policy_set *set = loader->set;
    const char **names = arena_array(loader->arena, set->policy_count + 1, sizeof *names);
    for (size_t i = 0; i < set->policy_count; i++)
        names[i] = set->policies[i].name;
    load_fail(loader, node, "unknown-policy", "there is no policy %s%s", name,
              suggest(loader, name, names));
}

static void check_exception(struct loader *loader, const cJSON *root,
                            const struct policy_exception *exception)
{
    const cJSON *spec = json_get(root, "spec");
    const struct policy *policy = NULL;
    if (exception->policy == NULL || exception->rules == NULL)
        return;
    for (size_t i = 0; i < loader->set->policy_count; i++)
        if (strcmp(loader->set->policies[i].name, exception->policy) == 0)
            policy = &loader->set->policies[i];
    if (policy == NULL) {
        fail_unknown_policy(loader, json_get(spec, "policy"), exception->policy);
        return;
    }
    for (size_t i = 0; exception->rules[i] != NULL; i++)
        if (!has_rule(policy, exception->rules[i]))
            fail_unknown_rule(loader, load_string_node(json_get(spec, "rules"), i), policy,
                              exception->rules[i]);
}

static void load_exceptions(struct loader *loader, const struct documents *documents)
{
    struct policy_set *set = loader->set;
    set->exceptions = arena_array(loader->arena, documents->count, sizeof *set->exceptions);
    for (size_t i = 0; i < documents->count; i++) {
        struct policy_exception *exception = &set->exceptions[i];
        loader->file = documents->items[i].file;
        load_exception(loader, documents->items[i].root, exception);
        check_exception(loader, documents->items[i].root, exception);
        if (exception->policy == NULL || exception->rules == NULL || exception->name == NULL)
            continue;
        set->exception_count = i + 1;
    }
}

static void digest_sources(struct loader *loader)
{
    struct buf all;
    buf_init(&all, loader->arena, LIMIT_POLICY_SET_BYTES);
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct source *source = &loader->sources[i];
        const char *slash = strrchr(source->name, '/');
        /* The name alone: the same files mounted elsewhere are the same policies. */
        buf_add_string(&all, slash != NULL ? slash + 1 : source->name);
        buf_printf(&all, "%c%zu%c", '\0', source->length, '\0');
        buf_add(&all, source->text, source->length);
    }
    if (!digest_sha256(all.data, all.length, loader->set->digest))
        loader->set->digest[0] = '\0';
}

/* Last of all: what a file says is checked as it would act without the ceiling. */
static void apply_mode(struct policy_set *set, enum policy_mode mode)
{
    set->mode = mode;
    for (size_t p = 0; p < set->policy_count; p++) {
        struct policy *policy = &set->policies[p];
        policy->mode = policy->mode > mode ? policy->mode : mode;
        for (size_t r = 0; r < policy->rule_count; r++)
            if (policy->rules[r].mode < mode)
                policy->rules[r].mode = mode;
    }
}

static void compile(struct loader *loader)
{
    struct documents policies = {0}, exceptions = {0};
    for (size_t i = 0; i < loader->source_count; i++)
        read_documents(loader, &loader->sources[i], &policies, &exceptions);
    load_policies(loader, &policies);
    load_exceptions(loader, &exceptions);
    load_bind(loader);
    /* With an error some paths are not there. */
    if (loader->diagnostics->error_count == 0)
        analyse_set(loader->set, loader->diagnostics);
    if (loader->diagnostics->error_count == 0)
        lint_set(loader->set, loader->options->now, loader->diagnostics);
    apply_mode(loader->set, loader->options->mode);
    policy_index_build(loader->set);
    digest_sources(loader);
}

/* ---- the doors -------------------------------------------------------------------------- */

struct load_call {
    struct loader loader;
    const char *const *paths;        /* else: */
    const struct policy_file *files; /* else the one source is `text` */
    size_t file_count;
    struct source text;
};

static void load_all(void *context)
{
    struct load_call *call = context;
    if (call->paths != NULL)
        load_files(&call->loader, call->paths);
    else if (call->files != NULL)
        load_folder_files(&call->loader, call->files, call->file_count);
    else
        load_add_source(&call->loader, call->text.name, call->text.text, call->text.length);
    compile(&call->loader);
    diag_sort(call->loader.diagnostics);
}

struct making {
    struct arena arena;
    struct policy_set *set;
};

static void make_set(void *context)
{
    struct making *making = context;
    making->set = arena_alloc(&making->arena, sizeof *making->set);
}

/* NULL: memory is short. */
static struct policy_set *new_set(const struct policy_load_options *options)
{
    struct making making = {.set = NULL};
    arena_init(&making.arena,
               options->memory_bytes > 0 ? options->memory_bytes : LIMIT_POLICY_SET_BYTES);
    if (!arena_try(&making.arena, make_set, &making)) {
        arena_done(&making.arena);
        return NULL;
    }
    struct policy_set *set = making.set;
    set->arena = making.arena;
    atomic_init(&set->references, 1);
    set->language = options->language;
    return set;
}

struct load_try {
    struct load_call *call;
    bool whole;
};

/* The set has one arena and the findings another: whichever runs out, a server serves on. */
static void try_load(void *context)
{
    struct load_try *try = context;
    try->whole = arena_try(try->call->loader.arena, load_all, try->call);
}

static int judge(const struct load_call *call, struct err *reterr)
{
    const struct diagnostics *diagnostics = call->loader.diagnostics;
    if (diagnostics->error_count > 0)
        return err_set(reterr, ERR_POLICY, "%zu error%s in the policy files",
                       diagnostics->error_count, diagnostics->error_count > 1 ? "s" : "");
    if (call->loader.set->policy_count == 0)
        return err_set(reterr, ERR_POLICY, "there is no policy in %s",
                       call->paths != NULL && call->paths[0] != NULL ? call->paths[0]
                       : call->files != NULL                         ? "these files"
                                                                     : "the text");
    return 0;
}

static int load(struct load_call *call, const struct policy_load_options *options,
                struct diagnostics *diagnostics, struct policy_set **ret_set, struct err *reterr)
{
    struct policy_set *set = new_set(options);
    struct load_try try = {.call = call};
    if (set == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    call->loader = (struct loader){
        .set = set, .arena = &set->arena, .diagnostics = diagnostics, .options = options};
    const size_t memory_bytes = set->arena.cap_bytes;
    int rc;
    if (!arena_try(diagnostics->arena, try_load, &try))
        rc = err_set(reterr, ERR_LIMIT, "what is wrong with the policies takes too much memory");
    else if (!try.whole)
        rc = err_set(reterr, ERR_LIMIT, "the policies take more than %lu MiB of memory",
                     (unsigned long)(memory_bytes / LIMIT_MIB));
    else
        rc = judge(call, reterr);
    if (rc < 0)
        policy_set_unref(set);
    else
        *ret_set = set;
    return rc;
}

int policy_load(const char *const *paths, const struct policy_load_options *options,
                struct diagnostics *diagnostics, struct policy_set **ret_set, struct err *reterr)
{
    struct load_call call = {.paths = paths};
    return load(&call, options, diagnostics, ret_set, reterr);
}

int policy_load_folder(const struct policy_file *files, size_t count,
                       const struct policy_load_options *options, struct diagnostics *diagnostics,
                       struct policy_set **ret_set, struct err *reterr)
{
    static const struct policy_file none[1];
    struct load_call call = {.files = count > 0 ? files : none, .file_count = count};
    return load(&call, options, diagnostics, ret_set, reterr);
}

int policy_load_text(const char *name, const char *text, size_t length,
                     const struct policy_load_options *options, struct diagnostics *diagnostics,
                     struct policy_set **ret_set, struct err *reterr)
{
    struct load_call call = {.text = {name, text, length}};
    return load(&call, options, diagnostics, ret_set, reterr);
}
