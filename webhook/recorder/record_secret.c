#include "recorder/record_secret.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define PREFIX         "/record/"
#define FILE_BYTES_MAX (RECORD_SECRETS_MAX * (RECORD_SECRET_BYTES_MAX + 2))
#define LOOK_US        1000000

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

/* One line into a digest. */
static int take_line(struct record_secret *fresh, const char *line, size_t length,
                     struct err *reterr)
{
    if (length == 0)
        return 0;
    if (length < RECORD_SECRET_BYTES_MIN || length > RECORD_SECRET_BYTES_MAX ||
        strspn(line, letters) < length)
        return err_set(reterr, ERR_USAGE,
                       "%.200s: a secret is a line of %d to %d letters, digits, '-', '_', '.' and "
                       "'~'; `openssl rand -hex 32` makes one",
                       fresh->path, RECORD_SECRET_BYTES_MIN, RECORD_SECRET_BYTES_MAX);
    if (fresh->count == RECORD_SECRETS_MAX)
        return err_set(reterr, ERR_USAGE, "%.200s: more than %d secrets", fresh->path,
                       RECORD_SECRETS_MAX);
    if (!digest_sha256(line, length, fresh->digests[fresh->count]))
        return err_set(reterr, ERR_INTERNAL, "SHA-256 cannot be computed");
    fresh->count++;
    return 0;
}

static int read_lines(struct record_secret *fresh, char *text, struct err *reterr)
{
    for (char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\r\n");
        const int r = take_line(fresh, line, length, reterr);
        if (r != 0)
            return r;
        line += length + strspn(line + length, "\r\n");
    }
    if (fresh->count == 0)
        return err_set(reterr, ERR_USAGE,
                       "%.200s is empty: `openssl rand -hex 32 >FILE` makes a secret", fresh->path);
    return 0;
}

/* The file into *fresh, which is the caller's until it is whole. */
static int read_file(struct record_secret *fresh, struct err *reterr)
{
    char text[FILE_BYTES_MAX + 1];
    fresh->count = 0;
    FILE *file = fopen(fresh->path, "rbe");
    if (file == NULL)
        return err_set(reterr, ERR_IO, "%.200s: %s", fresh->path, strerror(errno));
    const size_t length = fread(text, 1, FILE_BYTES_MAX, file);
    const bool whole = feof(file) != 0;
    fclose(file);
    text[length] = '\0';
    int r;
    if (!whole || strlen(text) != length)
        r = err_set(reterr, ERR_USAGE, "%.200s is no file of secrets, one a line", fresh->path);
    else
        r = read_lines(fresh, text, reterr);
    gnutls_memset(text, 0, sizeof text);
    return r;
}

int record_secret_init(struct record_secret *secret, const char *path, struct err *reterr)
{
    *secret = (struct record_secret){.path = path};
    pthread_mutex_init(&secret->lock, NULL);
    secret->looked_us = clock_monotonic_us();
    (void)stat(path, &secret->status);
    const int r = read_file(secret, reterr);
    return r == 0 ? 0 : err_wrap(reterr, "the secret path of changes");
}

void record_secret_done(struct record_secret *secret)
{
    pthread_mutex_destroy(&secret->lock);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Under the lock. */
static void look_again(struct record_secret *secret)
{
    struct stat status = {0};
    struct record_secret fresh = {.path = secret->path};
    struct err err;
    const int64_t now_us = clock_monotonic_us();
    if (now_us - secret->looked_us < LOOK_US)
        return;
    secret->looked_us = now_us;
    (void)stat(secret->path, &status);
    if (is_same(&status, &secret->status))
        return;
    secret->status = status;
    if (read_file(&fresh, &err) != 0) {
        log_event(LOG_ERROR, "the secret path cannot be read again", "error", err.text,
                  "consequence", "the one of before goes on to count", NULL);
        return;
    }
    memcpy(secret->digests, fresh.digests, sizeof secret->digests);
    secret->count = fresh.count;
    log_event(LOG_INFO, "the secret path was read again", NULL);
}

bool record_secret_fits(struct record_secret *secret, const char *path)
{
    char digest[DIGEST_HEX_BYTES];
    const size_t prefix = strlen(PREFIX);
    if (strncmp(path, PREFIX, prefix) != 0 ||
        !digest_sha256(path + prefix, strlen(path + prefix), digest))
        return false;
    bool fits = false;
    pthread_mutex_lock(&secret->lock);
    look_again(secret);
    for (unsigned i = 0; i < secret->count; i++)
        fits |= gnutls_memcmp(digest, secret->digests[i], DIGEST_HEX_BYTES) == 0;
    pthread_mutex_unlock(&secret->lock);
    return fits;
}
