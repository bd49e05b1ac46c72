#include "client/credential.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/exec.h"
#include "client/file.h"
#include "client/say.h"

#include <stdlib.h>
#include <string.h>

static void wipe(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void credential_done(struct credential *credential)
{
    wipe(&credential->token);
    wipe(&credential->cert_pem);
    wipe(&credential->key_pem);
    credential->expires = 0;
}

static int take_token(struct credential *credential, const char *text, size_t length,
                      struct err *reterr)
{
    char *copy = strndup(text, length);
    if (copy == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    wipe(&credential->token);
    credential->token = copy;
    return 0;
}

/* Blanks around the token are not part of it: client-go trims them too. */
static int take_file(const struct kube_config *config, struct arena *arena,
                     struct credential *credential, struct err *reterr)
{
    const char *text;
    size_t length;
    struct err why;
    int rc = file_read(arena, config->token_file, LIMIT_TOKEN_BYTES, &text, &length, &why);
    if (rc < 0)
        return say_fail(arena, reterr, rc == -ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_KUBECONFIG,
                        "%s: the token file %s %s", config->origin,
                        say_visible(arena, config->token_file, 160), why.text);
    const char *from = text + strspn(text, " \t\r\n");
    size_t count = strlen(from);
    while (count > 0 && strchr(" \t\r\n", from[count - 1]) != NULL)
        count--;
    rc = take_token(credential, from, count, reterr);
    explicit_bzero((char *)(uintptr_t)text, length);
    if (rc < 0 || (count > 0 && say_fits_header(credential->token)))
        return rc;
    wipe(&credential->token);
    return say_fail(arena, reterr, ERR_KUBECONFIG, "%s: the token file %s %s", config->origin,
                    say_visible(arena, config->token_file, 160),
                    count > 0 ? "holds no token: a control character in it" : "is empty");
}

static bool needs_plugin(const struct credential *credential)
{
    if (credential->token == NULL && credential->cert_pem == NULL)
        return true;
    return credential->expires != 0 && credential->expires <= clock_unix();
}

static int run_plugin(const struct kube_config *config, long seconds, struct arena *arena,
                      struct credential *credential, struct err *reterr)
{
    struct credential fresh = {.token = NULL};
    const int rc = exec_run(config, seconds, arena, &fresh, reterr);
    if (rc < 0)
        return rc;
    credential_done(credential);
    *credential = fresh;
    return 0;
}

bool credential_has_plugin(const struct kube_config *config)
{
    return config->exec != NULL && config->token == NULL && config->client_cert_pem == NULL;
}

int credential_renew(const struct kube_config *config, bool again, long seconds,
                     struct arena *arena, struct credential *credential, struct err *reterr)
{
    if (config->token_file != NULL) {
        const int rc = take_file(config, arena, credential, reterr);
        if (rc == 0 || config->token == NULL)
            return rc;
    }
    if (config->token != NULL)
        return take_token(credential, config->token, strlen(config->token), reterr);
    /* What stands in the kubeconfig goes before the plugin, as with kubectl. */
    if (!credential_has_plugin(config) || !(again || needs_plugin(credential)))
        return 0;
    return run_plugin(config, seconds, arena, credential, reterr);
}
