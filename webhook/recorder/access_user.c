/* Who: the caller that user info, a token or a certificate names. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "client/say.h"
#include "recorder/access_internal.h"

#include <gnutls/x509.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TOKEN_REVIEWS "/apis/authentication.k8s.io/v1/tokenreviews"

/* A CN or O has at most 64 characters by X.520; some issuers pass that. */
#define NAME_BYTES 1024U

/* ---- user info -------------------------------------------------------------------------- */

static const char *const *read_groups(struct arena *arena, const cJSON *groups)
{
    const char **list = arena_array(arena, json_count(groups) + 1, sizeof *list);
    size_t count = 0;
    for (const cJSON *one = json_is_array(groups) ? groups->child : NULL; one; one = one->next)
        if (json_is_string(one))
            list[count++] = one->valuestring;
    return list;
}

static cJSON *new_groups(struct arena *arena, const char *const *groups)
{
    cJSON *list = json_new_array(arena);
    for (; groups != NULL && *groups != NULL; groups++)
        json_append(list, json_new_string(arena, *groups));
    return list;
}

static const char *write_json(struct arena *arena, const cJSON *node)
{
    struct buf text;
    buf_init(&text, arena, ACCESS_ARENA_BYTES);
    json_write(&text, node);
    return text.data;
}

static bool has_group(const struct caller *caller, const char *group)
{
    for (const char *const *one = caller->groups; *one != NULL; one++)
        if (strcmp(*one, group) == 0)
            return true;
    return false;
}

int access_read_user(struct arena *arena, const cJSON *user, struct caller *ret_caller,
                     struct err *reterr)
{
    struct caller caller = {.user = json_get_string(user, "username"),
                            .uid = json_get_string(user, "uid")};
    const cJSON *extra = json_get(user, "extra");
    if (caller.user == NULL || caller.user[0] == '\0')
        return err_set(reterr, ERR_UNAUTHORIZED, "the credential names nobody");
    caller.groups = read_groups(arena, json_get(user, "groups"));
    caller.groups_json = write_json(arena, new_groups(arena, caller.groups));
    if (json_count(extra) > 0)
        caller.extra_json = write_json(arena, extra);
    if (strcmp(caller.user, "system:anonymous") == 0 ||
        has_group(&caller, "system:unauthenticated"))
        return err_set(reterr, ERR_UNAUTHORIZED,
                       "nobody in particular is not answered: send a token or a certificate");
    *ret_caller = caller;
    return 0;
}

void access_add_user(struct arena *arena, cJSON *object, const char *user_key,
                     const struct caller *caller)
{
    cJSON *extra = NULL;
    json_add(arena, object, user_key, json_new_string(arena, caller->user));
    if (caller->uid != NULL)
        json_add(arena, object, "uid", json_new_string(arena, caller->uid));
    json_add(arena, object, "groups", new_groups(arena, caller->groups));
    if (caller->extra_json != NULL &&
        json_parse(arena, caller->extra_json, strlen(caller->extra_json), &json_limits_review,
                   &extra, NULL) == 0)
        json_add(arena, object, "extra", extra);
}

/* ---- tokens ----------------------------------------------------------------------------- */

/* RFC 6750: b64token. */
static bool is_token(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";
    const size_t length = strspn(text, letters), padding = strspn(text + length, "=");
    return length > 0 && text[length + padding] == '\0' && length + padding <= LIMIT_TOKEN_BYTES;
}

static int read_bearer(const char *authorization, const char **ret_token, struct err *reterr)
{
    static const char scheme[] = "Bearer";
    const size_t length = sizeof scheme - 1;
    if (authorization == NULL || authorization[0] == '\0')
        return err_set(reterr, ERR_UNAUTHORIZED,
                       "no credential: send Authorization: Bearer TOKEN, or a client certificate");
    if (strncasecmp(authorization, scheme, length) != 0 || authorization[length] != ' ')
        return err_set(reterr, ERR_UNAUTHORIZED,
                       "only bearer tokens are understood: Authorization: Bearer TOKEN");
    const char *token = authorization + length + strspn(authorization + length, " ");
    if (!is_token(token))
        return err_set(reterr, ERR_UNAUTHORIZED, "the token is malformed");
    *ret_token = token;
    return 0;
}

/* The API server's words are chosen from, not passed on: they are about its inside. */
static const char *refusal_words(const char *error)
{
    if (error != NULL && strstr(error, "expired") != NULL)
        return "the token has expired: get a new one";
    if (error != NULL && strstr(error, "audience") != NULL)
        return "the token is for another audience";
    return "the token is not known to this cluster, or not any more";
}

static bool is_for_us(const struct access *access, const cJSON *status)
{
    const cJSON *audiences = json_get(status, "audiences");
    if (access->audiences == NULL)
        return true;
    /* An authenticator that knows nothing of audiences names none: then nobody has checked. */
    for (const cJSON *one = json_is_array(audiences) ? audiences->child : NULL; one;
         one = one->next)
        for (const char *const *ours = access->audiences; *ours != NULL; ours++)
            if (json_is_string(one) && strcmp(one->valuestring, *ours) == 0)
                return true;
    return false;
}

static cJSON *new_token_review(const struct access *access, struct arena *arena, const char *token,
                               cJSON **ret_secret)
{
    cJSON *review = json_new_object(arena), *spec = json_new_object(arena);
    json_add(arena, review, "apiVersion", json_new_string(arena, "authentication.k8s.io/v1"));
    json_add(arena, review, "kind", json_new_string(arena, "TokenReview"));
    json_add(arena, review, "spec", spec);
    *ret_secret = json_new_string(arena, token);
    json_add(arena, spec, "token", *ret_secret);
    if (access->audiences != NULL)
        json_add(arena, spec, "audiences", new_groups(arena, access->audiences));
    return review;
}

struct token_work {
    struct access *access;
    struct arena arena;
    const char *token;
    struct access_answer answer; /* text in the arena */
    int rc;
    struct err err;
};

static void review_token(void *context)
{
    struct token_work *work = context;
    struct arena *arena = &work->arena;
    struct caller ignored;
    const cJSON *status;
    cJSON *secret;
    const cJSON *review = new_token_review(work->access, arena, work->token, &secret);
    work->rc =
        access_ask(work->access, arena, TOKEN_REVIEWS, "who you are", review, &status, &work->err);
    explicit_bzero(secret->valuestring, strlen(secret->valuestring));
    if (work->rc < 0)
        return;
    const char *refusal = NULL;
    struct err why;
    if (!json_is_true(json_get(status, "authenticated")))
        refusal = refusal_words(json_get_string(status, "error"));
    else if (!is_for_us(work->access, status))
        refusal = refusal_words("audience");
    else if (access_read_user(arena, json_get(status, "user"), &ignored, &why) < 0)
        refusal = why.text;
    if (refusal != NULL)
        work->answer = (struct access_answer){ERR_UNAUTHORIZED, arena_strdup(arena, refusal)};
    else
        work->answer.text = arena_strdup(arena, write_json(arena, json_get(status, "user")));
}

/* The API server's word on a token; *ret_answer is the caller's to release. */
static int ask_token(struct access *access, const char *token, struct access_answer *ret_answer,
                     struct err *reterr)
{
    struct token_work work = {.access = access, .token = token};
    arena_init(&work.arena, ACCESS_ARENA_BYTES);
    if (!arena_try(&work.arena, review_token, &work))
        work.rc = err_set(&work.err, ERR_NO_MEMORY, "out of memory");
    if (work.rc == 0) {
        work.answer.text = strdup(work.answer.text);
        if (work.answer.text == NULL)
            work.rc = err_set(&work.err, ERR_NO_MEMORY, "out of memory");
        else
            *ret_answer = work.answer;
    } else if (reterr != NULL) {
        *reterr = work.err;
    }
    arena_done(&work.arena);
    return work.rc;
}

struct read_work {
    struct arena *arena;
    const char *text;
    struct caller *caller;
    struct err *reterr;
    int rc;
};

static void read_answer(void *context)
{
    struct read_work *work = context;
    cJSON *user;
    work->rc = json_parse(work->arena, work->text, strlen(work->text), &json_limits_review, &user,
                          work->reterr);
    if (work->rc == 0)
        work->rc = access_read_user(work->arena, user, work->caller, work->reterr);
}

/* Whether the API server has told or not, *answer is released. */
static int use_answer(struct arena *arena, struct access_answer *answer, struct caller *ret_caller,
                      struct err *reterr)
{
    struct read_work work = {arena, answer->text, ret_caller, reterr, 0};
    if (answer->code != 0)
        work.rc = err_set(reterr, (enum err_code)answer->code, "%s", answer->text);
    else if (!arena_try(arena, read_answer, &work))
        work.rc = err_set(reterr, ERR_NO_MEMORY, "out of memory");
    access_answer_done(answer);
    return work.rc;
}

int access_authenticate(struct access *access, struct arena *arena, const char *authorization,
                        struct caller *ret_caller, struct err *reterr)
{
    char key[DIGEST_HEX_BYTES];
    struct access_answer answer = {.code = 0};
    const char *token = "";
    int rc = read_bearer(authorization, &token, reterr);
    if (rc < 0)
        return rc;
    if (!digest_sha256(token, strlen(token), key))
        return err_set(reterr, ERR_INTERNAL, "no SHA-256");
    if (!access_cache_get(access->callers, key, clock_monotonic_us(), &answer)) {
        rc = ask_token(access, token, &answer, reterr);
        if (rc < 0)
            return rc;
        access_cache_put(access->callers, key, clock_monotonic_us(), &answer);
    }
    return use_answer(arena, &answer, ret_caller, reterr);
}

/* ---- certificates ----------------------------------------------------------------------- */

/* The tags of texts that are bytes as they stand: UTF8String, PrintableString, IA5String. */
static bool is_text(unsigned long tag)
{
    return tag == 12 || tag == 19 || tag == 22;
}

/* Text that is shown as it is signed: no NUL that would cut it, no byte that is no character. */
static const char *read_text(struct arena *arena, const gnutls_x509_ava_st *ava)
{
    const char *text = arena_strndup(arena, (const char *)ava->value.data, ava->value.size);
    const size_t length = ava->value.size;
    uint32_t rune;
    if (!is_text(ava->value_tag) || length == 0 || length > NAME_BYTES || strlen(text) != length)
        return NULL;
    for (size_t at = 0; at < length;) {
        const size_t bytes = utf8_span(text + at, length - at, &rune);
        if (bytes == 0)
            return NULL;
        at += bytes;
    }
    return text;
}

/* One attribute of the subject.  libgnutls' own text of a name is escaped (RFC 4514). */
static int take_attribute(struct arena *arena, const gnutls_x509_ava_st *ava, cJSON *user,
                          cJSON *groups, struct err *reterr)
{
    const char *oid = arena_strndup(arena, (const char *)ava->oid.data, ava->oid.size);
    const bool is_user = strcmp(oid, GNUTLS_OID_X520_COMMON_NAME) == 0;
    if (!is_user && strcmp(oid, GNUTLS_OID_X520_ORGANIZATION_NAME) != 0)
        return 0;
    const char *text = read_text(arena, ava);
    if (text == NULL)
        return err_set(reterr, ERR_UNAUTHORIZED,
                       "the client certificate's user (CN) or group (O) is not plain text");
    if (!is_user)
        json_append(groups, json_new_string(arena, text));
    else if (json_get(user, "username") != NULL)
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate names two users (CN)");
    else
        json_add(arena, user, "username", json_new_string(arena, text));
    return 0;
}

static int read_subject(struct arena *arena, gnutls_x509_crt_t certificate, cJSON *user,
                        struct err *reterr)
{
    gnutls_x509_ava_st ava;
    gnutls_x509_dn_t name;
    cJSON *groups = json_new_array(arena);
    int rc = 0;
    if (gnutls_x509_crt_get_subject(certificate, &name) < 0)
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate has no readable subject");
    for (int set = 0, at = 0; rc == 0;) {
        const int got = gnutls_x509_dn_get_rdn_ava(name, set, at, &ava);
        if (got == GNUTLS_E_ASN1_ELEMENT_NOT_FOUND && at > 0) {
            set++;
            at = 0;
        } else if (got < 0) {
            break;
        } else {
            rc = take_attribute(arena, &ava, user, groups, reterr);
            at++;
        }
    }
    json_append(groups, json_new_string(arena, "system:authenticated"));
    json_add(arena, user, "groups", groups);
    if (rc == 0 && json_get(user, "username") == NULL)
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate names no user (CN)");
    return rc;
}

static int check_use(gnutls_x509_crt_t certificate, struct err *reterr)
{
    const time_t now = (time_t)clock_unix();
    if (now < gnutls_x509_crt_get_activation_time(certificate))
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate is not valid yet");
    if (now > gnutls_x509_crt_get_expiration_time(certificate))
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate has expired");
    /* As the API server does: one that names no purpose is for all. */
    if (gnutls_x509_crt_check_key_purpose(certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0) == 0)
        return err_set(reterr, ERR_UNAUTHORIZED,
                       "the certificate is not for clients (extended key usage clientAuth)");
    return 0;
}

struct certificate_work {
    struct arena *arena;
    gnutls_x509_crt_t certificate;
    struct caller *caller;
    struct err *reterr;
    int rc;
};

static void read_certificate(void *context)
{
    struct certificate_work *work = context;
    cJSON *user = json_new_object(work->arena);
    work->rc = check_use(work->certificate, work->reterr);
    if (work->rc == 0)
        work->rc = read_subject(work->arena, work->certificate, user, work->reterr);
    if (work->rc == 0)
        work->rc = access_read_user(work->arena, user, work->caller, work->reterr);
}

int access_authenticate_certificate(struct arena *arena, const void *der, size_t length,
                                    struct caller *ret_caller, struct err *reterr)
{
    struct certificate_work work = {.arena = arena, .caller = ret_caller, .reterr = reterr};
    const gnutls_datum_t bytes = {(unsigned char *)(uintptr_t)der, (unsigned)length};
    if (length > LIMIT_TOKEN_BYTES)
        return err_set(reterr, ERR_UNAUTHORIZED, "the client certificate is too large");
    if (gnutls_x509_crt_init(&work.certificate) < 0)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    if (gnutls_x509_crt_import(work.certificate, &bytes, GNUTLS_X509_FMT_DER) < 0)
        work.rc = err_set(reterr, ERR_UNAUTHORIZED, "the client certificate cannot be read");
    else if (!arena_try(arena, read_certificate, &work))
        work.rc = err_set(reterr, ERR_NO_MEMORY, "out of memory");
    gnutls_x509_crt_deinit(work.certificate);
    return work.rc;
}

/* ---- on whose behalf -------------------------------------------------------------------- */

#define PERSON_BYTES 256U

static bool is_person(const char *text)
{
    const size_t length = strlen(text);
    uint32_t rune;
    for (size_t at = 0; at < length;) {
        const size_t bytes = utf8_span(text + at, length - at, &rune);
        if (bytes == 0 || !utf8_visible(rune))
            return false;
        at += bytes;
    }
    return length > 0 && length <= PERSON_BYTES;
}

int access_act_for(const struct access *access, struct arena *arena, const char *person,
                   struct caller *caller, struct err *reterr)
{
    const char *const *one = access->trusted;
    while (one != NULL && *one != NULL && strcmp(*one, caller->user) != 0)
        one++;
    if (one == NULL || *one == NULL)
        return say_fail(arena, reterr, ERR_FORBIDDEN,
                        "User \"%s\" is not trusted to say on whose behalf it acts (--trusted).",
                        say_visible(arena, caller->user, ACCESS_SHOWN));
    if (!is_person(person))
        return err_set(reterr, ERR_USAGE,
                       "Proctor-On-Behalf-Of must be the name of a person, at most %u bytes.",
                       PERSON_BYTES);
    caller->on_behalf_of = arena_strdup(arena, person);
    return 0;
}
