#include "cli/test/suite_keys.h"

const char *const suite_verdicts[] = {"allowed", "patched", "denied", "not-judged", NULL};

/* clang-format off */

const struct key suite_keys_defaults[] = {
    {.name = "user", .sort = KEY_ANY_TEXT, .help = "who asks"},
    {.name = "groups", .sort = KEY_TEXT_LIST, .help = "the groups of who asks"},
    {.name = "namespace", .sort = KEY_ANY_TEXT, .help = "for objects that name none"},
    {.name = "operation", .sort = KEY_CHOICE, .choices = key_operations,
     .help = "what is asked for; without it CREATE, and UPDATE with old"},
    {0}};

const struct key suite_keys_expect[] = {
    {.name = "verdict", .sort = KEY_CHOICE, .needed = true, .choices = suite_verdicts,
     .help = "what becomes of the request"},
    {.name = "violations", .sort = KEY_TEXT_LIST,
     .help = "all that refuse it, each as \"policy/rule field\"; none if it is not written"},
    {.name = "warned", .sort = KEY_TEXT_LIST, .help = "violations that are only warned of"},
    {.name = "audited", .sort = KEY_TEXT_LIST, .help = "violations that are only logged"},
    {.name = "changes", .sort = KEY_TEXT_LIST,
     .help = "what is corrected, each as \"policy/rule field\""},
    {.name = "warnings", .sort = KEY_TEXT_LIST, .help = "the warnings' whole texts"},
    {.name = "message", .sort = KEY_ANY_TEXT, .help = "a part of the refusal"},
    {.name = "object", .sort = KEY_OBJECT, .help = "a part of the object afterwards, or its file"},
    {0}};

const struct key suite_keys_case[] = {
    {.name = "name", .sort = KEY_TEXT, .needed = true, .help = "what the case shows, as a sentence"},
    {.name = "object", .sort = KEY_OBJECT, .help = "the object, or its file beside the suite"},
    {.name = "old", .sort = KEY_OBJECT, .help = "the object before: makes it an UPDATE"},
    {.name = "operation", .sort = KEY_CHOICE, .choices = key_operations,
     .help = "what is asked for; without it CREATE, and UPDATE with old"},
    {.name = "subresource", .sort = KEY_ANY_TEXT, .help = "as scale, status or exec"},
    {.name = "resource", .sort = KEY_ANY_TEXT,
     .help = "as deployments.apps; without it that of the object's kind"},
    {.name = "options", .sort = KEY_ANY_MAP, .help = "the request's options"},
    {.name = "requestName", .sort = KEY_ANY_TEXT, .help = "the request's name; else the object's"},
    {.name = "review", .sort = KEY_ANY_TEXT,
     .help = "the file of a recorded AdmissionReview, in place of all of these"},
    {.name = "user", .sort = KEY_ANY_TEXT, .help = "who asks"},
    {.name = "groups", .sort = KEY_TEXT_LIST, .help = "the groups of who asks"},
    {.name = "namespace", .sort = KEY_ANY_TEXT, .help = "for an object that names none"},
    {.name = "now", .sort = KEY_ANY_TEXT, .help = "the clock that exceptions see, RFC 3339"},
    {.name = "expect", .sort = KEY_MAPPING, .members = suite_keys_expect,
     .help = "what must come out; `proctor test --update` writes it"},
    {0}};

const struct key suite_keys_spec[] = {
    {.name = "policies", .sort = KEY_TEXT_LIST,
     .help = "files and folders beside the suite; without it policy.yaml"},
    {.name = "now", .sort = KEY_ANY_TEXT, .help = "the clock that exceptions see, RFC 3339"},
    {.name = "defaults", .sort = KEY_MAPPING, .members = suite_keys_defaults,
     .help = "what a case has that does not say so itself"},
    {.name = "cases", .sort = KEY_MAPPINGS, .needed = true, .members = suite_keys_case,
     .help = "each an object and what must become of it"},
    {0}};

/* clang-format on */
