/* Image references: what is read is printed in full, and read again is the same image. */
#include "tests/fuzz/target.h"

#include "base/buf.h"
#include "base/limits.h"
#include "kube/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static bool same_part(const struct image_part *a, const struct image_part *b)
{
    return (a->text == NULL) == (b->text == NULL) && a->length == b->length &&
           (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

static bool has_only(const struct image_part *part, const char *letters)
{
    for (size_t i = 0; i < part->length; i++)
        if (strchr(letters, part->text[i]) == NULL)
            return false;
    return true;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static void check_parts(const char *text, const struct image *image)
{
    target_holds(image->registry.length > 0 && image->repository.length > 0,
                 "an image has a registry and a name", text);
    /* The underscore is of paths that begin like a host: see kube/image.c. */
    target_holds(has_only(&image->registry, LOWER UPPER DIGITS ".-:[]_"), "a registry is a host",
                 text);
    target_holds(has_only(&image->repository, LOWER DIGITS "._-/"), "a name has small letters only",
                 text);
    target_holds(image->tag.text != NULL || image->digest.text != NULL,
                 "there is a tag or a digest", text);
    target_holds(has_only(&image->tag, LOWER UPPER DIGITS "_.-") && image->tag.length <= 128,
                 "a tag is one", text);
    target_holds(image->digest.text == NULL ||
                     (image->digest.length >= 71 && has_only(&image->digest, "sha:"
                                                                             "bcdef" DIGITS)),
                 "a digest is one", text);
    target_holds(!image->tag_is_implied || image->digest.text == NULL,
                 "latest is not implied beside a digest", text);
}

static void print(const struct image *image, struct buf *buf)
{
    buf_add(buf, image->registry.text, image->registry.length);
    buf_add_string(buf, image->repository_in_library ? "/library/" : "/");
    buf_add(buf, image->repository.text, image->repository.length);
    if (image->tag.text != NULL) {
        buf_add_char(buf, ':');
        buf_add(buf, image->tag.text, image->tag.length);
    }
    if (image->digest.text != NULL) {
        buf_add_char(buf, '@');
        buf_add(buf, image->digest.text, image->digest.length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image, again;
    struct buf full, second;
    if (target_has_nul(data, size))
        return 0;
    char *text = target_text(data, size);
    buf_init(&full, NULL, LIMIT_MIB);
    buf_init(&second, NULL, LIMIT_MIB);
    if (image_parse(text, &image)) {
        check_parts(text, &image);
        print(&image, &full);
        target_holds(image_parse(full.data, &again), "an image in full can be read", full.data);
        print(&again, &second);
        target_holds(strcmp(full.data, second.data) == 0, "an image in full is itself", text);
        target_holds(same_part(&image.registry, &again.registry) &&
                         same_part(&image.tag, &again.tag) &&
                         same_part(&image.digest, &again.digest) && !again.tag_is_implied,
                     "an image in full has the same parts", text);
    }
    buf_done(&full);
    buf_done(&second);
    free(text);
    return 0;
}
