#include "cli/test/mutants.h"

#include "base/limits.h"
#include "cli/files.h"
#include "cli/test/mutants_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------ */

struct reading {
    struct mutants *mutants;
    int code;
    struct err *err;
};

static int read_documents(struct mutants *mutants, size_t file, struct err *reterr)
{
    const struct policy_file *source = &mutants->files[file];
    struct yaml_documents parsed;
    struct err err;
    const int r =
        yaml_parse(mutants->arena, source->text, source->length, YAML_POLICY, &parsed, &err);
    if (r < 0)
        return err_set(reterr, ERR_YAML, "%s:%s", source->name, err.text);
    for (size_t i = 0; i < parsed.count; i++) {
        mutants->documents = arena_room(mutants->arena, mutants->documents, mutants->document_count,
                                        &mutants->document_capacity, sizeof *mutants->documents);
        mutants->documents[mutants->document_count++] =
            (struct mutant_document){file, parsed.roots[i]};
    }
    return 0;
}

struct keeping {
    struct reading *reading;
    const char *path;
    const char *text; /* on the heap */
    size_t length;
};

static void keep_file(void *context)
{
    const struct keeping *keeping = context;
    struct mutants *mutants = keeping->reading->mutants;
    mutants->files = arena_room(mutants->arena, mutants->files, mutants->file_count,
                                &mutants->file_capacity, sizeof *mutants->files);
    mutants->files[mutants->file_count++] = (struct policy_file){
        .name = arena_strdup(mutants->arena, keeping->path),
        .text = arena_strndup(mutants->arena, keeping->text, keeping->length),
        .length = keeping->length,
    };
    keeping->reading->code =
        read_documents(mutants, mutants->file_count - 1, keeping->reading->err);
}

static void read_file(void *context, const char *path, bool in_folder)
{
    struct reading *reading = context;
    struct keeping keeping = {.reading = reading, .path = path};
    char *text = NULL;
    (void)in_folder;
    if (reading->code < 0)
        return;
    reading->code = files_read(path, &text, &keeping.length, reading->err);
    if (reading->code < 0)
        return;
    keeping.text = text;
    if (!arena_try(reading->mutants->arena, keep_file, &keeping))
        reading->code = err_set(reading->err, ERR_LIMIT, "%s takes too much memory", path);
    free(text);
}

static void take_problem(void *context, const char *path, const char *text)
{
    struct reading *reading = context;
    if (reading->code == 0)
        reading->code = err_set(reading->err, ERR_IO, "%s: %s", path, text);
}

/* ---- making ------------------------------------------------------------------------------- */

struct mutant *mutants_add(const struct mutant_source *source, enum mutant_kind kind,
                           const cJSON *at, const char *name)
{
    struct mutants *mutants = source->mutants;
    mutants->items = arena_room(mutants->arena, mutants->items, mutants->count, &mutants->capacity,
                                sizeof *mutants->items);
    struct mutant *mutant = &mutants->items[mutants->count++];
    *mutant = (struct mutant){
        .kind = kind,
        .name = name,
        .policy = source->policy,
        .place = {source->file, yaml_value_mark(at)},
    };
    return mutant;
}

void mutants_edit(struct mutant *mutant, const cJSON *target, const cJSON *value)
{
    if (mutant->edit_count < MUTANT_EDITS_MAX)
        mutant->edits[mutant->edit_count++] = (struct mutant_edit){target, value};
}

cJSON *mutants_with(struct arena *arena, const cJSON *mapping, const char *key, const cJSON *value)
{
    cJSON *copy = json_new_object(arena);
    for (const cJSON *child = mapping->child; child != NULL; child = child->next)
        if (strcmp(child->string, key) != 0)
            json_add(arena, copy, child->string, json_dup(arena, child));
    if (value != NULL)
        json_add(arena, copy, key, json_dup(arena, value));
    return copy;
}

const char *mutants_join(struct arena *arena, const cJSON *list, const char *between)
{
    struct buf text;
    if (json_is_string(list))
        return json_string(list);
    buf_init(&text, arena, LIMIT_MIB);
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        const char *word = json_string(item);
        buf_add_strings(&text, text.length > 0 ? between : "", word != NULL ? word : "?", NULL);
    }
    return text.length > 0 ? text.data : "";
}

static bool is_kind(const cJSON *root, const char *kind)
{
    const char *own = json_get_string(root, "kind");
    return own != NULL && strcmp(own, kind) == 0;
}

static void make_of_policy(struct mutants *mutants, const struct mutant_document *document)
{
    const cJSON *spec = json_get(document->root, "spec");
    const cJSON *rules = json_get(spec, "rules");
    const char *name = json_string(json_path(document->root, "metadata", "name", NULL));
    const struct mutant_source source = {
        .mutants = mutants,
        .file = mutants->files[document->file].name,
        .policy = name != NULL ? name : "?",
        .spec = spec,
        .match = json_get(spec, "match"),
    };
    mutants_of_match(&source);
    for (const cJSON *rule = rules != NULL ? rules->child : NULL; rule != NULL; rule = rule->next)
        mutants_of_rule(&source, rule);
}

static void make_all(void *context)
{
    struct mutants *mutants = context;
    for (size_t i = 0; i < mutants->document_count; i++)
        if (is_kind(mutants->documents[i].root, "Policy"))
            make_of_policy(mutants, &mutants->documents[i]);
}

int mutants_make(struct arena *arena, const char *const *paths, struct mutants *ret_mutants,
                 struct err *reterr)
{
    struct mutants mutants = {.arena = arena};
    struct reading reading = {.mutants = &mutants, .err = reterr};
    const struct files_visitor visitor = {&reading, "cases", read_file, take_problem};
    for (size_t i = 0; paths[i] != NULL && reading.code == 0; i++)
        files_find(paths[i], &visitor);
    if (reading.code < 0)
        return reading.code;
    if (!arena_try(arena, make_all, &mutants))
        return err_set(reterr, ERR_LIMIT, "the policies take too much memory");
    *ret_mutants = mutants;
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* A copy with the edits made; NULL if the node itself is gone. */
static cJSON *copy_with(struct arena *arena, const struct mutant *mutant, const cJSON *node)
{
    for (size_t i = 0; mutant != NULL && i < mutant->edit_count; i++)
        if (mutant->edits[i].target == node)
            return mutant->edits[i].value == NULL ? NULL : json_dup(arena, mutant->edits[i].value);
    const bool object = json_is_object(node);
    if (!object && !json_is_array(node))
        return json_dup(arena, node);
    cJSON *copy = object ? json_new_object(arena) : json_new_array(arena);
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        cJSON *made = copy_with(arena, mutant, child);
        if (made != NULL && object)
            json_add(arena, copy, child->string, made);
        else if (made != NULL)
            json_append(copy, made);
    }
    return copy;
}

struct load_call {
    const struct mutants *mutants;
    const struct mutant *mutant;
    struct arena *scratch;
    struct policy_file *files;
};

/* JSON is YAML; a file without edits is written anew too, so that all is treated alike. */
static void write_files(void *context)
{
    struct load_call *call = context;
    const struct mutants *mutants = call->mutants;
    struct buf *texts = arena_array(call->scratch, mutants->file_count + 1, sizeof *texts);
    call->files = arena_array(call->scratch, mutants->file_count + 1, sizeof *call->files);
    for (size_t i = 0; i < mutants->file_count; i++)
        buf_init(&texts[i], call->scratch, LIMIT_INPUT_FILE_BYTES);
    for (size_t i = 0; i < mutants->document_count; i++) {
        const struct mutant_document *document = &mutants->documents[i];
        if (is_kind(document->root, "PolicySuite"))
            continue; /* the loader would pass it over, and it may be long */
        const cJSON *root = copy_with(call->scratch, call->mutant, document->root);
        if (root == NULL)
            continue;
        buf_add_string(&texts[document->file], "---\n");
        json_write(&texts[document->file], root);
        buf_add_char(&texts[document->file], '\n');
    }
    for (size_t i = 0; i < mutants->file_count; i++)
        call->files[i] = (struct policy_file){
            .name = arena_printf(call->scratch, "%06zu.yaml", i), /* ./x.yaml would be hidden */
            .text = texts[i].length > 0 ? texts[i].data : "",
            .length = texts[i].length,
        };
}

int mutants_load(const struct mutants *mutants, const struct mutant *mutant, int64_t now,
                 struct arena *scratch, struct policy_set **ret_set, struct err *reterr)
{
    struct load_call call = {.mutants = mutants, .mutant = mutant, .scratch = scratch};
    const struct policy_load_options options = {.now = now};
    struct diagnostics diagnostics;
    arena_reset(scratch, LIMIT_MIB);
    if (!arena_try(scratch, write_files, &call))
        return err_set(reterr, ERR_LIMIT, "the policies take too much memory");
    diag_init(&diagnostics, scratch);
    const int r = policy_load_folder(call.files, mutants->file_count, &options, &diagnostics,
                                     ret_set, reterr);
    for (size_t i = 0; r < 0 && i < diagnostics.count; i++)
        if (diagnostics.items[i].severity == DIAG_ERROR)
            return err_set(reterr, ERR_POLICY, "%s [%s]", diagnostics.items[i].message,
                           diagnostics.items[i].code);
    return r;
}
