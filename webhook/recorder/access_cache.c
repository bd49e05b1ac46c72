#include "recorder/access_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A key has its place among so many neighbours. */
#define WAYS 4U

struct entry {
    char key[DIGEST_HEX_BYTES];
    int64_t until_us; /* 0: empty */
    struct access_answer answer;
};

struct table {
    size_t rows; /* of WAYS entries each */
    int64_t keep_us;
    struct entry *entries;
};

struct access_cache {
    pthread_mutex_t lock;
    struct table yes, no;
};

static bool table_init(struct table *table, size_t most, int64_t keep_us)
{
    table->rows = most < WAYS ? 1 : most / WAYS;
    table->keep_us = keep_us;
    table->entries = calloc(table->rows * WAYS, sizeof *table->entries);
    return table->entries != NULL;
}

static void table_done(struct table *table)
{
    for (size_t i = 0; table->entries != NULL && i < table->rows * WAYS; i++)
        access_answer_done(&table->entries[i].answer);
    free(table->entries);
}

struct access_cache *access_cache_new(const struct access_cache_options *options)
{
    struct access_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    if (table_init(&cache->yes, options->yes_most, options->yes_us) &&
        table_init(&cache->no, options->no_most, options->no_us))
        return cache;
    access_cache_free(cache);
    return NULL;
}

void access_cache_free(struct access_cache *cache)
{
    if (cache == NULL)
        return;
    table_done(&cache->yes);
    table_done(&cache->no);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

void access_answer_done(struct access_answer *answer)
{
    free(answer->text);
    *answer = (struct access_answer){.code = 0};
}

static bool answer_copy(const struct access_answer *answer, struct access_answer *ret_copy)
{
    struct access_answer copy = {.code = answer->code};
    if (answer->text != NULL && (copy.text = strdup(answer->text)) == NULL)
        return false;
    *ret_copy = copy;
    return true;
}

/* The row of a key: a digest's first digits are as good as any. */
static struct entry *row_of(const struct table *table, const char *key)
{
    char head[16] = {0};
    memcpy(head, key, sizeof head - 1);
    return &table->entries[strtoull(head, NULL, 16) % table->rows * WAYS];
}

static struct entry *find(const struct table *table, const char *key, int64_t now_us)
{
    struct entry *row = row_of(table, key);
    for (size_t i = 0; i < WAYS; i++)
        if (row[i].until_us > now_us && strcmp(row[i].key, key) == 0)
            return &row[i];
    return NULL;
}

bool access_cache_get(struct access_cache *cache, const char key[DIGEST_HEX_BYTES], int64_t now_us,
                      struct access_answer *ret_answer)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry *entry = find(&cache->yes, key, now_us);
    if (entry == NULL)
        entry = find(&cache->no, key, now_us);
    const bool found = entry != NULL && answer_copy(&entry->answer, ret_answer);
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* The entry of the key itself, else the one that ends first: what has ended goes before all. */
static struct entry *place_for(const struct table *table, const char *key)
{
    struct entry *row = row_of(table, key), *place = row;
    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].until_us != 0 && strcmp(row[i].key, key) == 0)
            return &row[i];
        if (row[i].until_us < place->until_us)
            place = &row[i];
    }
    return place;
}

static void forget(const struct table *table, const char *key)
{
    struct entry *entry = find(table, key, 0);
    if (entry == NULL)
        return;
    access_answer_done(&entry->answer);
    entry->until_us = 0;
}

void access_cache_put(struct access_cache *cache, const char key[DIGEST_HEX_BYTES], int64_t now_us,
                      const struct access_answer *answer)
{
    const bool yes = answer->code == 0;
    const struct table *table = yes ? &cache->yes : &cache->no;
    struct access_answer copy;
    if (answer->text != NULL && strlen(answer->text) > ACCESS_CACHE_TEXT_BYTES)
        return;
    if (!answer_copy(answer, &copy))
        return;
    pthread_mutex_lock(&cache->lock);
    /* A later answer takes back an earlier one. */
    forget(yes ? &cache->no : &cache->yes, key);
    struct entry *entry = place_for(table, key);
    access_answer_done(&entry->answer);
    memcpy(entry->key, key, DIGEST_HEX_BYTES);
    entry->until_us = now_us + table->keep_us;
    entry->answer = copy;
    pthread_mutex_unlock(&cache->lock);
}
