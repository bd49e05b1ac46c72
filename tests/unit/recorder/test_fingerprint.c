/* Which configuration a template names, what its fingerprint hangs on, and what is warned of. */
#include "recorder/fingerprint.h"

#include "base/limits.h"
#include "history/config_ref.h"
#include "tests/unit/test.h"

static struct arena arena;

static const cJSON *object(const char *text)
{
    cJSON *root;
    struct err err;
    if (arena.cap_bytes == 0) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        arena_use(&arena);
    }
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

static const char *names(const char *text)
{
    struct config_ref *refs;
    size_t count;
    struct buf buf;
    config_refs(&arena, object(text), &refs, &count);
    buf_init(&buf, &arena, 4096);
    for (size_t i = 0; i < count; i++)
        buf_add_strings(&buf, refs[i].secret ? "S:" : "C:", refs[i].name, " ", NULL);
    return buf.data;
}

TEST(all_that_a_template_names_once_and_in_order)
{
    CHECK_STRING(
        names("{\"spec\":{\"initContainers\":[{\"env\":[{\"name\":\"A\",\"valueFrom\":{"
              "\"configMapKeyRef\":{\"name\":\"init\",\"key\":\"k\"}}}]}],"
              "\"containers\":[{\"env\":[{\"name\":\"A\",\"value\":\"x\"},{\"name\":\"B\","
              "\"valueFrom\":{\"secretKeyRef\":{\"name\":\"keys\",\"key\":\"k\"}}},{\"name\":\"C\","
              "\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.name\"}}}],"
              "\"envFrom\":[{\"configMapRef\":{\"name\":\"web\"}},{\"secretRef\":{\"name\":"
              "\"more\"}}]},{\"envFrom\":[{\"configMapRef\":{\"name\":\"web\"}}]}],"
              "\"volumes\":[{\"configMap\":{\"name\":\"files\"}},{\"secret\":{\"secretName\":"
              "\"tls\"}},{\"emptyDir\":{}},{\"projected\":{\"sources\":[{\"configMap\":{\"name\":"
              "\"part\"}},{\"secret\":{\"name\":\"keys\"}}]}}],"
              "\"imagePullSecrets\":[{\"name\":\"pull\"}]}}"),
        "C:files C:init C:part C:web S:keys S:more S:tls ");
}

TEST(what_is_no_template_names_nothing)
{
    CHECK_STRING(names("{}"), "");
    CHECK_STRING(names("{\"spec\":{\"containers\":[]}}"), "");
    CHECK_STRING(names("{\"spec\":{\"containers\":[{\"envFrom\":[{\"configMapRef\":{}},"
                       "{\"configMapRef\":{\"name\":\"\"}},{\"configMapRef\":{\"name\":7}},7]}],"
                       "\"volumes\":7}}"),
                 "");
}

TEST(the_hash_is_of_what_is_in_it)
{
    const char *hash = config_ref_hash(&arena, object("{\"metadata\":{\"resourceVersion\":\"1\"},"
                                                      "\"data\":{\"a\":\"1\",\"b\":\"2\"}}"));
    CHECK_INT(strlen(hash), 64);
    CHECK_STRING(config_ref_hash(&arena, object("{\"metadata\":{\"resourceVersion\":\"2\"},"
                                                "\"data\":{\"b\":\"2\",\"a\":\"1\"}}")),
                 hash);
    CHECK(strcmp(config_ref_hash(&arena, object("{\"data\":{\"a\":\"1\",\"b\":\"3\"}}")), hash));
    CHECK(strcmp(config_ref_hash(&arena, object("{\"binaryData\":{\"a\":\"1\",\"b\":\"2\"}}")),
                 hash));
    CHECK_STRING(config_ref_hash(&arena, object("{}")),
                 config_ref_hash(&arena, object("{\"data\":{}}")));
}

TEST(what_is_warned_of)
{
    static const struct store_config_ref then[] = {{"ConfigMap", "same", "1"},
                                                   {"ConfigMap", "other", "1"},
                                                   {"ConfigMap", "gone", "1"},
                                                   {"Secret", "unread", "5"},
                                                   {"ConfigMap", "unknown", NULL}};
    static const struct store_config_ref now[] = {{"ConfigMap", "same", "1"},
                                                  {"ConfigMap", "other", "2"},
                                                  {"ConfigMap", "gone", FINGERPRINT_MISSING},
                                                  {"ConfigMap", "unknown", "3"},
                                                  {"Secret", "other", "1"}};
    (void)object("{}");
    CHECK_STRING(fingerprint_warning(&arena, 3, then, 5, now, 5),
                 "version 3 would run with today's configuration, not with its own: ConfigMap "
                 "other has changed since, ConfigMap gone does not exist any more");
    CHECK(fingerprint_warning(&arena, 3, then, 1, now, 5) == NULL);
    CHECK(fingerprint_warning(&arena, 3, then, 5, now, 0) == NULL);
    CHECK(fingerprint_warning(&arena, 3, then, 0, now, 5) == NULL);
}

TEST(a_long_list_is_cut)
{
    struct store_config_ref then[20], now[20];
    char texts[20][8];
    (void)object("{}");
    for (size_t i = 0; i < 20; i++) {
        snprintf(texts[i], sizeof texts[i], "c%02zu", i);
        then[i] = (struct store_config_ref){"ConfigMap", texts[i], "1"};
        now[i] = (struct store_config_ref){"ConfigMap", texts[i], "2"};
    }
    const char *words = fingerprint_warning(&arena, 1, then, 20, now, 20);
    CHECK(strstr(words, "c07") != NULL && strstr(words, "c08") == NULL);
    CHECK(strstr(words, " and 12 more") != NULL);
}

TEST_MAIN
