/* The views of an image in CEL: what kube/image.c reads, as regular expressions. */
#include "cli/native/native_cel.h"

#define LABEL     "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
#define HOST      "(" LABEL "(\\\\." LABEL ")*|\\\\[[a-fA-F0-9:]+\\\\])"
#define COMPONENT "[a-z0-9]+((\\\\.|_|__|-+)[a-z0-9]+)*"
#define TAG       ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
#define DIGEST    "@(sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})"

/* A name whose first part has a dot, a port or a capital, or is localhost, begins with a registry.
 */
static const char has_registry[] = "^(localhost|[^/@]*[.:A-Z][^/@]*)/";

static const char *registry(struct cel *cel, const char *name)
{
    return cel_text(
        cel,
        "(%s.matches(\"%s\") && !%s.startsWith(\"index.docker.io/\") ? %s.split(\"/\")[0] : "
        "\"docker.io\")",
        name, has_registry, name, name);
}

/* The path behind the registry, without tag and digest. */
static const char *path(struct cel *cel, const char *name)
{
    const char *whole = cel_text(cel, "%s.find(\"^([^@]*/)?[^/@:]*\")", name);
    return cel_text(cel, "(%s.matches(\"%s\") ? %s.substring(%s.indexOf(\"/\") + 1) : %s)", name,
                    has_registry, whole, name, whole);
}

static const char *in_library(struct cel *cel, const char *name)
{
    return cel_text(cel, "(%s == \"docker.io\" && !%s.contains(\"/\"))", registry(cel, name),
                    path(cel, name));
}

static const char *readable(struct cel *cel, const char *name)
{
    const char *form = cel_text(cel,
                                "type(%s) == string && !%s.matches(\"^[a-f0-9]{64}$\") && "
                                "%s.matches(\"^(" HOST "(:[0-9]+)?/)?" COMPONENT "(/" COMPONENT
                                ")*(" TAG ")?(" DIGEST ")?$\")",
                                name, name, name);
    /* A path has at most 255 characters; what is shorter as a whole needs no counting. */
    const char *brief = cel_text(cel, "size(%s) < 248", name);
    const char *counted =
        cel_text(cel, "size(%s) <= (%s ? 247 : 255)", path(cel, name), in_library(cel, name));
    return cel_text(cel, "%s && (%s || %s)", form, brief, counted);
}

struct cel_value cel_image(struct cel *cel, enum field_view view, const char *name)
{
    struct cel_value part = {.view = view, .absent = "false", .readable = readable(cel, name)};
    const char *has_tag = cel_text(cel, "%s.matches(\"^[^@]*:[^/@]*(@|$)\")", name);
    const char *has_digest = cel_text(cel, "%s.contains(\"@\")", name);
    switch (view) {
    case VIEW_REGISTRY:
        part.text = registry(cel, name);
        break;
    case VIEW_REPOSITORY:
        part.text = cel_text(cel, "((%s ? \"library/\" : \"\") + %s)", in_library(cel, name),
                             path(cel, name));
        break;
    case VIEW_TAG:
        part.text =
            cel_text(cel,
                     "(%s ? %s.split(\"@\")[0].substring(%s.split(\"@\")[0].lastIndexOf(\":\") "
                     "+ 1) : \"latest\")",
                     has_tag, name, name);
        part.absent = cel_text(cel, "(%s && !%s)", has_digest, has_tag);
        break;
    default:
        part.text = cel_text(cel, "%s.split(\"@\")[1]", name);
        part.absent = cel_text(cel, "!%s", has_digest);
        break;
    }
    return part;
}
