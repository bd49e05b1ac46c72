#include "kube/image.h"

#include <string.h>

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define PATH_MAX_BYTES 255U
#define TAG_MAX_BYTES  128U

static const struct image_part docker_hub = {"docker.io", sizeof "docker.io" - 1};
static const struct image_part latest = {"latest", sizeof "latest" - 1};
#define LIBRARY_BYTES (sizeof "library/" - 1)

/* How many bytes of the part, from `from` on, are in `set`. */
static size_t run(struct image_part part, size_t from, const char *set)
{
    size_t count = 0;
    while (from + count < part.length && strchr(set, part.text[from + count]) != NULL)
        count++;
    return count;
}

static bool part_is(struct image_part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.text, text, part.length) == 0;
}

static struct image_part part_from(struct image_part part, size_t from)
{
    return (struct image_part){part.text + from, part.length - from};
}

static struct image_part part_until(struct image_part part, size_t length)
{
    return (struct image_part){part.text, length};
}

/* Cuts *part at its first `separator`; false if there is none. */
static bool cut(struct image_part *part, char separator, struct image_part *ret_rest)
{
    const char *at = memchr(part->text, separator, part->length);
    if (at == NULL)
        return false;
    const size_t length = (size_t)(at - part->text);
    *ret_rest = part_from(*part, length + 1);
    part->length = length;
    return true;
}

/* [a-z0-9]+ joined by one of "." "_" "__" or any number of "-". */
static bool is_path_component(struct image_part part)
{
    size_t at = 0;
    while (true) {
        const size_t letters = run(part, at, LOWER DIGITS);
        if (letters == 0)
            return false;
        at += letters;
        if (at == part.length)
            return true;
        const size_t dashes = run(part, at, "-");
        const size_t lines = run(part, at, "_");
        if (dashes > 0)
            at += dashes;
        else if (lines == 1 || lines == 2)
            at += lines;
        else if (part.text[at] == '.')
            at++;
        else
            return false;
    }
}

static bool is_path(struct image_part part)
{
    struct image_part rest;
    while (cut(&part, '/', &rest)) {
        if (!is_path_component(part))
            return false;
        part = rest;
    }
    return is_path_component(part);
}

/* One label of a host name: letters, digits, and dashes inside. */
static bool is_host_label(struct image_part part)
{
    return part.length > 0 && run(part, 0, LOWER UPPER DIGITS "-") == part.length &&
           part.text[0] != '-' && part.text[part.length - 1] != '-';
}

static bool is_host(struct image_part part)
{
    struct image_part rest;
    if (part.length > 2 && part.text[0] == '[')
        return run(part, 1, "abcdefABCDEF:" DIGITS) == part.length - 2 &&
               part.text[part.length - 1] == ']';
    while (cut(&part, '.', &rest)) {
        if (!is_host_label(part))
            return false;
        part = rest;
    }
    return is_host_label(part);
}

static bool is_registry(struct image_part part)
{
    size_t digits = 0;
    while (digits < part.length && strchr(DIGITS, part.text[part.length - 1 - digits]) != NULL)
        digits++;
    if (digits > 0 && digits < part.length && part.text[part.length - 1 - digits] == ':')
        part.length -= digits + 1;
    return is_host(part);
}

static bool is_tag(struct image_part part)
{
    return part.length > 0 && part.length <= TAG_MAX_BYTES &&
           run(part, 0, LOWER UPPER DIGITS "_.-") == part.length && part.text[0] != '.' &&
           part.text[0] != '-';
}

/* The three algorithms that the OCI image specification registers, in lower case. */
static bool is_digest(struct image_part part)
{
    static const struct {
        const char *algorithm;
        size_t digits;
    } rows[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};
    struct image_part hex;
    if (!cut(&part, ':', &hex))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (part_is(part, rows[i].algorithm))
            return hex.length == rows[i].digits && run(hex, 0, "abcdef" DIGITS) == hex.length;
    return false;
}

static bool has_upper(struct image_part part)
{
    for (size_t i = 0; i < part.length; i++)
        if (part.text[i] >= 'A' && part.text[i] <= 'Z')
            return true;
    return false;
}

/* Whether what stands before the first / is a registry and not a namespace of docker.io: it has
 * a dot, a port or a capital, or is localhost. */
static bool looks_like_registry(struct image_part part)
{
    return part_is(part, "localhost") || memchr(part.text, '.', part.length) != NULL ||
           memchr(part.text, ':', part.length) != NULL || has_upper(part);
}

/* Splits "REGISTRY/PATH", with Docker's short forms. */
static bool read_name(struct image_part name, struct image *image)
{
    struct image_part first = name, rest;
    image->registry = docker_hub;
    image->repository = name;
    if (cut(&first, '/', &rest) && looks_like_registry(first)) {
        /* "a_b.c" is no host name, but the whole may still be a path, without any registry: what
         * pulls it asks the host of that name all the same. */
        if (!is_registry(first) && (!is_path(name) || name.length > PATH_MAX_BYTES))
            return false;
        image->registry = part_is(first, "index.docker.io") ? docker_hub : first;
        image->repository = rest;
    }
    image->repository_in_library =
        part_is(image->registry, docker_hub.text) &&
        memchr(image->repository.text, '/', image->repository.length) == NULL;
    const size_t added = image->repository_in_library ? LIBRARY_BYTES : 0;
    return image->repository.length + added <= PATH_MAX_BYTES && is_path(image->repository);
}

/* A bare image id would be taken for a name. */
static bool is_image_id(struct image_part part)
{
    return part.length == 64 && run(part, 0, "abcdef" DIGITS) == 64;
}

bool image_parse(const char *text, struct image *ret_image)
{
    struct image image = {0};
    struct image_part name = {text, strlen(text)};
    if (is_image_id(name))
        return false;
    if (cut(&name, '@', &image.digest) && !is_digest(image.digest))
        return false;
    /* A colon before the last slash belongs to a port. */
    const char *slash = memrchr(name.text, '/', name.length);
    const size_t path_at = slash == NULL ? 0 : (size_t)(slash - name.text) + 1;
    struct image_part last = part_from(name, path_at);
    if (cut(&last, ':', &image.tag)) {
        if (!is_tag(image.tag))
            return false;
        name = part_until(name, path_at + last.length);
    }
    if (!read_name(name, &image))
        return false;
    if (image.tag.text == NULL && image.digest.text == NULL) {
        image.tag = latest;
        image.tag_is_implied = true;
    }
    *ret_image = image;
    return true;
}
