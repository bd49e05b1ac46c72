#include "policy/match_conditions.h"

#include "base/buf.h"
#include "kube/names.h"

#include <string.h>

#define EVERY_OPERATION (OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE | OPERATION_CONNECT)
#define EXPRESSION_MAX  (256UL * 1024UL)
#define NAME_BYTES_MAX  63U
#define NAME_ROOM       58U /* what follows may be -99 and the like */
#define BREAK_GLASS     "system:masters"

static const struct {
    enum operation bit;
    const char *name, *word;
} operations[] = {{OPERATION_CREATE, "CREATE", "create"},
                  {OPERATION_UPDATE, "UPDATE", "update"},
                  {OPERATION_DELETE, "DELETE", "delete"},
                  {OPERATION_CONNECT, "CONNECT", "connect"}};
#define OPERATION_COUNT (sizeof operations / sizeof *operations)

/* One thing that somebody makes: a row of the answer before rows are put together. */
struct cell {
    const char *resource; /* name.group[/subresource], or "*" */
    bool only_metadata;
    unsigned asked; /* operations that some exclusion names */
    unsigned safe;  /* those of them that no policy judges */
};

struct who {
    const char *user;  /* NULL: the group */
    const char *group; /* NULL: the user */
    const char *known[4];
    bool complete; /* `known` is every group that this user is in */
    struct cell *cells;
    size_t cell_count, cell_capacity;
    const char **guards; /* groups that the condition must say this one is not in */
    size_t guard_count;
};

struct work {
    const struct policy_set *set;
    struct arena *arena;
    struct who *items;
    size_t count, capacity;
    struct match_conditions *out;
    size_t out_capacity, remark_capacity;
    bool by_user; /* one condition a user: there are too many otherwise */
};

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool has_text(policy_strings texts, const char *text)
{
    for (size_t i = 0; texts[i] != NULL; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

static bool any_glob(policy_strings globs, const char *text)
{
    for (size_t i = 0; globs[i] != NULL; i++)
        if (glob_matches(globs[i], text))
            return true;
    return false;
}

/* ---- who ----------------------------------------------------------------------------------- */

/* A service account's groups follow from its name (apiserver: serviceaccount.MakeGroupNames). */
static void find_groups(struct arena *arena, struct who *who)
{
    static const char prefix[] = "system:serviceaccount:";
    size_t count = 0;
    who->known[count++] = "system:authenticated";
    if (who->group != NULL)
        who->known[count++] = who->group;
    if (who->user == NULL || strncmp(who->user, prefix, sizeof prefix - 1) != 0)
        return;
    const char *name_space = who->user + sizeof prefix - 1;
    const int length = (int)strcspn(name_space, ":");
    who->known[count++] = "system:serviceaccounts";
    who->known[count++] = arena_printf(arena, "system:serviceaccounts:%.*s", length, name_space);
    who->complete = true;
}

static bool is_known_in(const struct who *who, policy_strings globs)
{
    for (size_t i = 0; i < sizeof who->known / sizeof *who->known && who->known[i] != NULL; i++)
        if (any_glob(globs, who->known[i]))
            return true;
    return false;
}

static struct who *find_who(struct work *work, const struct policy_exclude *exclude)
{
    for (size_t i = 0; i < work->count; i++)
        if (same_text(work->items[i].user, exclude->user) &&
            same_text(work->items[i].group, exclude->group))
            return &work->items[i];
    work->items =
        arena_room(work->arena, work->items, work->count, &work->capacity, sizeof *work->items);
    struct who *who = &work->items[work->count++];
    *who = (struct who){.user = exclude->user, .group = exclude->group};
    find_groups(work->arena, who);
    return who;
}

/* ---- what is asked for --------------------------------------------------------------------- */

static void ask(struct arena *arena, struct who *who, const char *resource, bool only_metadata,
                unsigned asked)
{
    struct cell *cell = NULL;
    for (size_t i = 0; i < who->cell_count && cell == NULL; i++)
        if (who->cells[i].only_metadata == only_metadata &&
            strcmp(who->cells[i].resource, resource) == 0)
            cell = &who->cells[i];
    if (cell == NULL) {
        who->cells =
            arena_room(arena, who->cells, who->cell_count, &who->cell_capacity, sizeof *who->cells);
        cell = &who->cells[who->cell_count++];
        *cell = (struct cell){.resource = resource, .only_metadata = only_metadata};
    }
    cell->asked |= asked;
}

static void ask_for(struct work *work, const struct policy *policy,
                    const struct policy_exclude *exclude)
{
    static const char *const all[] = {"*", NULL};
    policy_strings resources = exclude->resources != NULL        ? exclude->resources
                               : policy->match.resources != NULL ? policy->match.resources
                                                                 : all;
    unsigned asked = exclude->operations != 0 ? exclude->operations : EVERY_OPERATION;
    if (exclude->only_metadata)
        asked &= OPERATION_UPDATE;
    struct who *who = find_who(work, exclude);
    for (size_t i = 0; asked != 0 && resources[i] != NULL; i++)
        ask(work->arena, who, resources[i], exclude->only_metadata, asked);
}

/* ---- what nobody judges -------------------------------------------------------------------- */

static bool excludes_one(const struct policy_exclude *exclude, const struct who *who,
                         const char *resource, unsigned operation, bool only_metadata)
{
    const char *const group[] = {exclude->group, NULL};
    const bool meant =
        exclude->user != NULL ? same_text(exclude->user, who->user) : is_known_in(who, group);
    return meant && (exclude->operations == 0 || (exclude->operations & operation) != 0) &&
           (!exclude->only_metadata || only_metadata) &&
           (exclude->resources == NULL || has_text(exclude->resources, "*") ||
            has_text(exclude->resources, resource));
}

static bool excludes(const struct policy_match *match, const struct who *who, const char *resource,
                     unsigned operation, bool only_metadata)
{
    for (size_t i = 0; i < match->exclude_count; i++)
        if (excludes_one(&match->excludes[i], who, resource, operation, only_metadata))
            return true;
    if (strcmp(resource, "*") != 0 || match->resources == NULL || has_text(match->resources, "*"))
        return false;
    /* All that the policy is for, one by one. */
    for (size_t i = 0; match->resources[i] != NULL; i++)
        if (!excludes(match, who, match->resources[i], operation, only_metadata))
            return false;
    return true;
}

static void add_guards(struct arena *arena, struct who *who, policy_strings groups)
{
    for (size_t i = 0; groups[i] != NULL; i++) {
        bool known = false;
        for (size_t g = 0; g < who->guard_count && !known; g++)
            known = strcmp(who->guards[g], groups[i]) == 0;
        if (known)
            continue;
        const char **more = arena_array(arena, who->guard_count + 1, sizeof *more);
        if (who->guard_count > 0)
            memcpy(more, who->guards, who->guard_count * sizeof *more);
        more[who->guard_count++] = groups[i];
        who->guards = more;
    }
}

/* Whether the policy's groups leave this one out, if need be by a guard in the condition. */
static bool is_outside(struct arena *arena, struct who *who, policy_strings groups)
{
    if (is_known_in(who, groups))
        return false;
    if (who->complete)
        return true;
    for (size_t i = 0; groups[i] != NULL; i++)
        if (glob_is_pattern(groups[i]))
            return false;
    add_guards(arena, who, groups);
    return true;
}

/* Namespaces, names and selectors are not looked at: a policy for some may meet any request. */
static bool can_judge(struct arena *arena, const struct policy *policy, struct who *who,
                      const char *resource, unsigned operation, bool only_metadata)
{
    const struct policy_match *match = &policy->match;
    if (match->operations != 0 && (match->operations & operation) == 0)
        return false;
    if (match->resources != NULL && strcmp(resource, "*") != 0 &&
        !has_text(match->resources, "*") && !has_text(match->resources, resource))
        return false;
    if (match->users != NULL && who->user != NULL && !any_glob(match->users, who->user))
        return false;
    if (excludes(match, who, resource, operation, only_metadata))
        return false;
    return match->groups == NULL || !is_outside(arena, who, match->groups);
}

static const struct policy *find_judge(struct work *work, struct who *who, const struct cell *cell,
                                       unsigned operation)
{
    for (size_t i = 0; i < work->set->policy_count; i++)
        if (can_judge(work->arena, &work->set->policies[i], who, cell->resource, operation,
                      cell->only_metadata))
            return &work->set->policies[i];
    return NULL;
}

static void remark(struct work *work, const struct who *who, const struct cell *cell,
                   const char *operation, const struct policy *judge)
{
    struct match_conditions *out = work->out;
    out->remarks = arena_room(work->arena, out->remarks, out->remark_count, &work->remark_capacity,
                              sizeof *out->remarks);
    out->remarks[out->remark_count++] = arena_printf(
        work->arena, "%s%s, %s%s of %s: left to the webhook, since the policy %s may judge it",
        who->user != NULL ? "" : "group ", who->user != NULL ? who->user : who->group,
        cell->only_metadata ? "metadata-only " : "", operation, cell->resource, judge->name);
}

static void judge_cells(struct work *work, struct who *who)
{
    for (size_t i = 0; i < who->cell_count; i++) {
        struct cell *cell = &who->cells[i];
        for (size_t o = 0; o < OPERATION_COUNT; o++) {
            if ((cell->asked & operations[o].bit) == 0)
                continue;
            const struct policy *judge = find_judge(work, who, cell, operations[o].bit);
            if (judge == NULL)
                cell->safe |= operations[o].bit;
            else
                remark(work, who, cell, operations[o].name, judge);
        }
    }
}

/* Takes out what a wider cell says already: all resources, or whatever changes. */
static void drop_covered(struct who *who)
{
    for (size_t i = 0; i < who->cell_count; i++)
        for (size_t w = 0; w < who->cell_count; w++) {
            const struct cell *wide = &who->cells[w];
            struct cell *cell = &who->cells[i];
            const bool all = strcmp(wide->resource, "*") == 0;
            if (w != i && (all || strcmp(wide->resource, cell->resource) == 0) &&
                (!wide->only_metadata || cell->only_metadata))
                cell->safe &= ~wide->safe;
        }
}

/* ---- CEL ----------------------------------------------------------------------------------- */

const char *const match_conditions_only_metadata =
    "object.all(k, k == \"metadata\" || (k in oldObject && object[k] == oldObject[k])) && "
    "oldObject.all(k, k == \"metadata\" || k in object)";

void match_conditions_quote(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_add_strings(buf, "\\", (char[]){*text, '\0'}, NULL);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(buf, "\\u%04x", c);
        else
            buf_add_char(buf, *text);
    }
    buf_add_char(buf, '"');
}

static void add_who(struct buf *buf, const struct who *who)
{
    if (who->user != NULL) {
        buf_add_string(buf, "request.userInfo.username == ");
        match_conditions_quote(buf, who->user);
    } else {
        buf_add_string(buf, "has(request.userInfo.groups) && ");
        match_conditions_quote(buf, who->group);
        buf_add_string(buf, " in request.userInfo.groups");
    }
    if (who->guard_count == 0)
        return;
    /* A member that is absent is an error to CEL, and an error refuses the request. */
    buf_add_strings(buf, " && !(", who->user != NULL ? "has(request.userInfo.groups) && " : "",
                    "request.userInfo.groups.exists(g, g in [", NULL);
    for (size_t i = 0; i < who->guard_count; i++) {
        buf_add_string(buf, i > 0 ? ", " : "");
        match_conditions_quote(buf, who->guards[i]);
    }
    buf_add_string(buf, "]))");
}

void match_conditions_add_operations(struct buf *buf, unsigned mask)
{
    size_t count = 0;
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        count += (mask & operations[i].bit) != 0;
    buf_add_string(buf, count == 1 ? "request.operation == " : "request.operation in [");
    for (size_t i = 0, at = 0; i < OPERATION_COUNT; i++)
        if ((mask & operations[i].bit) != 0)
            buf_add_strings(buf, at++ > 0 ? ", \"" : "\"", operations[i].name, "\"", NULL);
    buf_add_string(buf, count == 1 ? "" : "]");
}

void match_conditions_add_resource(struct buf *buf, struct arena *arena, const char *resource)
{
    const struct schema_resource_name name = schema_resource_split(arena, resource);
    buf_add_string(buf, "request.resource.group == ");
    match_conditions_quote(buf, name.group);
    buf_add_string(buf, " && request.resource.resource == ");
    match_conditions_quote(buf, name.resource);
    /* The API server leaves the member out when there is none. */
    if (strchr(resource, '/') == NULL) {
        buf_add_string(buf, " && !has(request.subResource)");
        return;
    }
    buf_add_string(buf, " && has(request.subResource) && request.subResource == ");
    match_conditions_quote(buf, name.subresource);
}

static bool in_row(const struct cell *cell, const struct cell *row)
{
    return cell->safe == row->safe && cell->only_metadata == row->only_metadata;
}

/* What is made: of the cells from `row` on, those with its operations. */
static void add_what(struct work *work, struct buf *buf, const struct who *who,
                     const struct cell *row)
{
    const struct cell *end = who->cells + who->cell_count;
    const size_t begin = buf->length;
    size_t count = 0, at = 0;
    bool all = false;
    for (const struct cell *cell = row; cell < end; cell++) {
        count += in_row(cell, row);
        all = all || (in_row(cell, row) && strcmp(cell->resource, "*") == 0);
    }
    if (row->safe != EVERY_OPERATION)
        match_conditions_add_operations(buf, row->safe);
    if (!all) {
        buf_add_strings(buf, buf->length > begin ? " && " : "", count > 1 ? "((" : "", NULL);
        for (const struct cell *cell = row; cell < end; cell++) {
            if (!in_row(cell, row))
                continue;
            buf_add_string(buf, at++ > 0 ? ") || (" : "");
            match_conditions_add_resource(buf, work->arena, cell->resource);
        }
        buf_add_string(buf, count > 1 ? "))" : "");
    }
    if (row->only_metadata)
        buf_add_strings(buf, " && ", match_conditions_only_metadata, NULL);
}

/* ---- names --------------------------------------------------------------------------------- */

static void add_word(struct buf *name, const char *word, size_t length)
{
    buf_add_char(name, '-');
    for (size_t i = 0; i < length; i++) {
        const char c = word[i];
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-';
        buf_add_char(name, fine ? c : '-');
    }
}

/* Too many for a name: the first alone. */
static void add_resource_words(struct buf *name, const struct who *who, const struct cell *row)
{
    const struct cell *end = who->cells + who->cell_count;
    const char *last = "";
    for (const struct cell *cell = row; cell < end; cell++) {
        const size_t length = strcspn(cell->resource, "./");
        const char *slash = strchr(cell->resource, '/');
        if (!in_row(cell, row) || strcmp(cell->resource, "*") == 0 ||
            (slash == NULL && strncmp(last, cell->resource, length) == 0 &&
             strchr("./", last[length]) != NULL))
            continue;
        if (*last != '\0' && name->length + strlen(cell->resource) > NAME_ROOM) {
            add_word(name, "more", 4);
            return;
        }
        last = cell->resource;
        add_word(name, cell->resource, length);
        if (slash != NULL)
            add_word(name, slash + 1, strlen(slash + 1));
    }
}

static bool is_taken(const struct match_conditions *conditions, const char *name)
{
    for (size_t i = 0; i < conditions->count; i++)
        if (strcmp(conditions->items[i].name, name) == 0)
            return true;
    return false;
}

/* not-WHO[-operations][-resources][-metadata]; `row` NULL: all that one user makes. */
static const char *make_name(struct work *work, const struct who *who, const struct cell *row)
{
    struct buf name;
    const char *full = who->user != NULL ? who->user : who->group;
    const char *colon = strrchr(full, ':');
    const char *word = colon != NULL && colon[1] != '\0' ? colon + 1 : full;
    buf_init(&name, work->arena, EXPRESSION_MAX);
    buf_add_string(&name, "not");
    add_word(&name, word, strlen(word));
    for (size_t i = 0; row != NULL && i < OPERATION_COUNT; i++)
        if (row->safe != EVERY_OPERATION && (row->safe & operations[i].bit) != 0)
            add_word(&name, operations[i].word, strlen(operations[i].word));
    if (row != NULL)
        add_resource_words(&name, who, row);
    if (row != NULL && row->only_metadata)
        add_word(&name, "metadata", 8);
    size_t length = name.length < NAME_ROOM ? name.length : NAME_ROOM;
    while (length > 3 && strchr("-.", name.data[length - 1]) != NULL)
        length--;
    const char *base = arena_strndup(work->arena, name.data, length), *tried = base;
    for (unsigned number = 2; is_taken(work->out, tried); number++)
        tried = arena_printf(work->arena, "%s-%u", base, number);
    return tried;
}

/* ---- conditions ---------------------------------------------------------------------------- */

static void add_condition(struct work *work, const struct who *who, const struct cell *row,
                          const char *what)
{
    struct match_conditions *out = work->out;
    struct buf text;
    buf_init(&text, work->arena, EXPRESSION_MAX);
    buf_add_string(&text, "!(");
    add_who(&text, who);
    buf_add_strings(&text, *what != '\0' ? " && " : "", what, ")", NULL);
    const char *name = make_name(work, who, row);
    out->items =
        arena_room(work->arena, out->items, out->count, &work->out_capacity, sizeof *out->items);
    out->items[out->count++] = (struct match_condition){name, text.data};
}

static bool is_first_of_row(const struct who *who, const struct cell *cell)
{
    for (const struct cell *before = who->cells; before < cell; before++)
        if (in_row(before, cell))
            return false;
    return cell->safe != 0;
}

static void add_conditions(struct work *work, const struct who *who)
{
    struct buf all;
    size_t rows = 0;
    buf_init(&all, work->arena, EXPRESSION_MAX);
    for (size_t i = 0; i < who->cell_count; i++) {
        struct buf what;
        const struct cell *row = &who->cells[i];
        if (!is_first_of_row(who, row))
            continue;
        buf_init(&what, work->arena, EXPRESSION_MAX);
        add_what(work, &what, who, row);
        if (!work->by_user)
            add_condition(work, who, row, what.data);
        buf_add_strings(&all, rows++ > 0 ? " || " : "", what.data, NULL);
    }
    if (work->by_user && rows > 0)
        add_condition(work, who, NULL, arena_printf(work->arena, "(%s)", all.data));
}

static void write_all(struct work *work)
{
    work->out->count = 0;
    for (size_t i = 0; i < work->count; i++)
        add_conditions(work, &work->items[i]);
}

int match_conditions_from_set(const struct policy_set *set, struct arena *arena,
                              struct match_conditions *ret_conditions, struct err *reterr)
{
    struct match_conditions out = {0};
    struct work work = {.set = set, .arena = arena, .out = &out};
    for (size_t p = 0; p < set->policy_count; p++) {
        const struct policy *policy = &set->policies[p];
        for (size_t i = 0; i < policy->match.exclude_count; i++) {
            const char *group = policy->match.excludes[i].group;
            if (group == NULL || strcmp(group, BREAK_GLASS) != 0)
                ask_for(&work, policy, &policy->match.excludes[i]);
        }
    }
    for (size_t i = 0; i < work.count; i++) {
        judge_cells(&work, &work.items[i]);
        drop_covered(&work.items[i]);
    }
    write_all(&work);
    if (out.count > MATCH_CONDITIONS_MAX) {
        work.by_user = true;
        write_all(&work);
    }
    if (out.count > MATCH_CONDITIONS_MAX)
        return err_set(reterr, ERR_LIMIT,
                       "the policies exclude %zu users and groups: the API server takes no more "
                       "than %u conditions a webhook",
                       out.count, MATCH_CONDITIONS_MAX);
    *ret_conditions = out;
    return 0;
}
