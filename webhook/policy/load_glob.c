/* Globs of match that can fit nothing: what looks like a regular expression, or like no name. */
#include "policy/load_internal.h"

#include <string.h>

#define BLANKS  " \t\r\n"
#define REGULAR "^$()|[]{}\\"

/* What no name of this sort holds.  Users and groups of some directories hold inner blanks. */
static const struct sort {
    const char *key;
    const char *refused;
} sorts[] = {
    {"namespaces", REGULAR BLANKS "+./:_ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {"names", REGULAR BLANKS "+/"},
    {"users", REGULAR "\t\r\n"},
    {"groups", REGULAR "\t\r\n"},
};

static bool is_one_of(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c) != NULL;
}

static void check_glob(struct loader *loader, const cJSON *node, const struct sort *sort,
                       const char *text)
{
    const char *bad = strpbrk(text, sort->refused);
    if (is_one_of(text[0], BLANKS))
        bad = text;
    else if (is_one_of(text[strlen(text) - 1], BLANKS))
        bad = text + strlen(text) - 1;
    if (strpbrk(text, REGULAR) != NULL || (bad != NULL && strstr(text, ".*") != NULL))
        load_fail(loader, node, "bad-glob",
                  "%s takes globs, not regular expressions: in \"%s\" only * (any run) and ? (one "
                  "character) have a meaning, and the whole name must fit",
                  sort->key, text);
    else if (bad != NULL && is_one_of(*bad, BLANKS))
        load_fail(loader, node, "bad-glob", "%s: \"%s\" fits nothing: there is a blank in it",
                  sort->key, text);
    else if (bad != NULL)
        load_fail(loader, node, "bad-glob", "%s: \"%s\" fits nothing: no such name has a \"%c\"",
                  sort->key, text, *bad);
    else if (strstr(text, ".*") != NULL)
        diag_add(
            loader->diagnostics, DIAG_WARNING, load_place(loader, node), "regex-like",
            "%s: in a glob the dot of \"%s\" is a dot; for any run of characters write * alone",
            sort->key, text);
}

void load_check_globs(struct loader *loader, const cJSON *match, const struct policy_match *out)
{
    const policy_strings lists[] = {out->namespaces, out->names, out->users, out->groups};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (size_t at = 0; lists[i] != NULL && lists[i][at] != NULL; at++)
            check_glob(loader, load_string_node(json_get(match, sorts[i].key), at), &sorts[i],
                       lists[i][at]);
}
