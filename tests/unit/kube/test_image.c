#include "kube/image.h"
#include "tests/unit/test.h"

#define HEX64   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEN     "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* "" where a part is absent; the repository with its "library/" */
static const struct {
    const char *text, *registry, *repository, *tag, *digest;
} good[] = {
    {"nginx", "docker.io", "library/nginx", "latest", ""},
    {"nginx:1.27", "docker.io", "library/nginx", "1.27", ""},
    {"docker.io/nginx", "docker.io", "library/nginx", "latest", ""},
    {"index.docker.io/nginx", "docker.io", "library/nginx", "latest", ""},
    {"docker.io/library/nginx", "docker.io", "library/nginx", "latest", ""},
    {"bitnami/nginx:1", "docker.io", "bitnami/nginx", "1", ""},
    {"localhost/x", "localhost", "x", "latest", ""},
    {"localhost:5000/x", "localhost:5000", "x", "latest", ""},
    {"localhost:5000", "docker.io", "library/localhost", "5000", ""},
    {"host:5000/a/b:t", "host:5000", "a/b", "t", ""},
    {"host/a", "docker.io", "host/a", "latest", ""},
    {"HOST/a", "HOST", "a", "latest", ""},
    {"ghcr.io/a/b/c@sha256:" HEX64, "ghcr.io", "a/b/c", "", "sha256:" HEX64},
    {"ghcr.io/a:t@sha256:" HEX64, "ghcr.io", "a", "t", "sha256:" HEX64},
    {"nginx@sha512:" HEX64 HEX64, "docker.io", "library/nginx", "", "sha512:" HEX64 HEX64},
    {"[::1]:5000/a", "[::1]:5000", "a", "latest", ""},
    {"[2001:db8::1]/a:b", "[2001:db8::1]", "a", "b", ""},
    {"127.0.0.1:80/a", "127.0.0.1:80", "a", "latest", ""},
    {"a.b/c__d/e---f/g.h_i", "a.b", "c__d/e---f/g.h_i", "latest", ""},
    {"x:" HUNDRED TEN TEN "abcdefgh", "docker.io", "library/x", HUNDRED TEN TEN "abcdefgh", ""},
    /* No host's name, but a path: read without a registry, and pulled from that "host". */
    {"a_b.c/nginx", "a_b.c", "nginx", "latest", ""},
    {"a__b.c/d/e:v1", "a__b.c", "d/e", "v1", ""},
    {"x:_.-A", "docker.io", "library/x", "_.-A", ""},
    {"a.b/" HUNDRED HUNDRED TEN TEN TEN TEN TEN "abcde", "a.b",
     HUNDRED HUNDRED TEN TEN TEN TEN TEN "abcde", "latest", ""},
};

static const char *const bad[] = {
    "",
    "[99]/nginx",
    "a_b:80/nginx",
    "a_B.c/nginx",
    "/",
    "/nginx",
    "nginx/",
    "a//b",
    "Nginx",
    "a.b/Nginx",
    "nginx:",
    "nginx@",
    ":tag",
    "@sha256:" HEX64,
    "nginx:a:b",
    "nginx:-a",
    "nginx:.a",
    "nginx:a b",
    " nginx",
    "nginx ",
    "nginx\n",
    "-nginx",
    "nginx-",
    "nginx_",
    "nginx.",
    "a..b",
    "a___b",
    "a._b",
    "a_-b",
    "http://a.b/c",
    "https://a.b/c",
    "a.b:port/c",
    "a.b:/c",
    "-a.b/c",
    "a-.b/c",
    "a..b/c",
    "[::1/a",
    "[]/a",
    "[::g]/a",
    HEX64,
    "nginx@sha256:abc",
    "nginx@sha256:" HEX64 "0",
    "nginx@SHA256:" HEX64,
    "nginx@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
    "nginx@md5:0123456789abcdef0123456789abcdef",
    "nginx@sha256" HEX64,
    "a@b@sha256:" HEX64,
    "x:" HUNDRED TEN TEN "abcdefghi",
    "a.b/" HUNDRED HUNDRED TEN TEN TEN TEN TEN "abcdef",
    "a/" HUNDRED HUNDRED TEN TEN TEN TEN TEN "abcde",
    "n\xc3\xa9",
    "${IMAGE}",
    "nginx:${TAG}",
};

static bool part_is(struct image_part part, const char *want)
{
    if (*want == '\0')
        return part.text == NULL;
    return part.text != NULL && part.length == strlen(want) &&
           memcmp(part.text, want, part.length) == 0;
}

TEST(image_reads_the_table)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct image image;
        const char *repository = good[i].repository;
        if (!image_parse(good[i].text, &image))
            TEST_FAIL("%s was refused", good[i].text);
        if (image.repository_in_library) {
            CHECK(strncmp(repository, "library/", 8) == 0);
            repository += 8;
        }
        if (!part_is(image.registry, good[i].registry) || !part_is(image.repository, repository) ||
            !part_is(image.tag, good[i].tag) || !part_is(image.digest, good[i].digest))
            TEST_FAIL("%s was read as %.*s %.*s", good[i].text, (int)image.registry.length,
                      image.registry.text, (int)image.repository.length, image.repository.text);
    }
}

TEST(image_says_whether_the_tag_is_written)
{
    struct image image;
    CHECK(image_parse("nginx", &image) && image.tag_is_implied);
    CHECK(image_parse("nginx:latest", &image) && !image.tag_is_implied);
    CHECK(image_parse("nginx@sha256:" HEX64, &image) && !image.tag_is_implied);
}

TEST(image_refuses_what_is_none)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct image image = {.tag_is_implied = true};
        if (image_parse(bad[i], &image))
            TEST_FAIL("\"%s\" was read", bad[i]);
        CHECK(image.registry.text == NULL && image.tag_is_implied);
    }
}

TEST_MAIN
