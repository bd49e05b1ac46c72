/* The keys of policy files, as rows: what each mapping may hold, of which sort, and what it means.
 *
 * The loader refuses what has no row; the schema file for editors (cli/export/schema_file.h) and
 * help are made from the rows.  A rule's verbs are rows of their own, in verb.c.  Each table ends
 * with a NULL name.
 */
#ifndef PROCTOR_POLICY_KEYS_H
#define PROCTOR_POLICY_KEYS_H

#include "base/arena.h"

#include <stdbool.h>

enum key_sort {
    KEY_TEXT,      /* not empty */
    KEY_TEXTS,     /* a text, or a list of them with at least one */
    KEY_TEXT_LIST, /* a list of texts */
    KEY_PLAIN,     /* a text without * and ? */
    KEY_ID,        /* small letters, digits and - */
    KEY_NAME,      /* letters, digits, - and _ */
    KEY_DAY,       /* 2026-12-31 */
    KEY_WORDS,     /* a text, or a map from language to text */
    KEY_BOOL,      /* true or false */
    KEY_TRUE,      /* only true */
    KEY_ONCE,      /* true or once */
    KEY_CHOICE,    /* one of `choices` */
    KEY_CHOICES,   /* one of them, or a list */
    KEY_VALUE,     /* anything but null */
    KEY_VALUES,    /* a list with at least one value, or a text */
    KEY_BOUND,     /* a number or a text */
    KEY_LABELS,    /* a map from text to text */
    KEY_ANY_TEXT,  /* a text, also an empty one */
    KEY_ANY_MAP,   /* any mapping */
    KEY_OBJECT,    /* a mapping, or the path of a file */
    KEY_MAPPING,   /* `members` */
    KEY_MAPPINGS   /* a list of such */
};

struct key {
    const char *name;
    enum key_sort sort;
    bool needed; /* of a list: with at least one entry */
    const char *const *choices;
    const struct key *members;
    const char *help; /* one line */
};

/* What the keys of the sorts KEY_CHOICE and KEY_CHOICES may be; each ends with NULL. */
extern const char *const key_operations[];
extern const char *const key_operators[];
extern const char *const key_outside[];
extern const char *const key_ratchets[];
extern const char *const key_types[];
extern const char *const key_modes[];

/* Of a file's documents, and of the mappings in them. */
extern const struct key keys_document[];
extern const struct key keys_metadata[];
extern const struct key keys_policy[];
extern const struct key keys_match[];
extern const struct key keys_selector[];
extern const struct key keys_expression[];
extern const struct key keys_exclude[];
extern const struct key keys_variable[];
extern const struct key keys_exception[];

/* Of a rule and of an entry of `when`: what stands there beside the verbs. */
extern const struct key keys_rule[];
extern const struct key keys_condition[];

/* Which verbs may stand beside a table's rows. */
enum key_verbs { KEY_NO_VERBS, KEY_ALL_VERBS, KEY_WHEN_VERBS };

/* The names of the rows and verbs, ends with NULL. */
const char *const *key_names(struct arena *arena, const struct key *keys, enum key_verbs with);

#endif
