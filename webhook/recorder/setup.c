#include "recorder/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting rows[] = {
#define SETUP_ROW(...) SETTING_ROW(struct setup, __VA_ARGS__)
    SETUP_TABLE(SETUP_ROW)
#undef SETUP_ROW
};

static struct settings settings_of(struct setup *setup)
{
    return (struct settings){.rows = rows, .count = sizeof rows / sizeof rows[0], .values = setup};
}

static bool is_given(const struct setting_value *value)
{
    return value->text[0] != '\0';
}

static void check_notify(const struct setup *setup, struct buf *faults)
{
    if (is_given(&setup->notify_url) && !is_given(&setup->notify_keys))
        settings_fault(faults, "notify-url",
                       "what is posted there is signed: --notify-keys FILE names the keys");
    if (!is_given(&setup->notify_url) &&
        (is_given(&setup->notify_keys) || is_given(&setup->notify_ca)))
        settings_fault(faults, "notify-keys, notify-ca", "they go with notify-url only");
}

/* What no single row can say. */
static void check_together(struct setup *setup, struct buf *faults)
{
    settings_check_tls(&setup->tls_dir, &setup->tls_cert, &setup->tls_key, faults);
    if (!is_given(&setup->policies))
        settings_fault(faults, "policies",
                       "no policies are named: --policies DIR, the webhook's own; whose a project "
                       "is, they say");
    if (!is_given(&setup->namespace_))
        settings_fault(faults, "namespace", "no namespace is named");
    if (!is_given(&setup->database))
        settings_fault(faults, "database", "no database is named: --database FILE or a URL");
    if (is_given(&setup->record_listen) && !is_given(&setup->record_secret))
        settings_fault(faults, "record-secret",
                       "no file with the secret path is named: --record-secret FILE; "
                       "`openssl rand -hex 32 >FILE` makes one (or --record-listen \"\": changes "
                       "are then seen, but not by whom)");
    check_notify(setup, faults);
    if (setup->drain_quiet_seconds.number > setup->drain_seconds.number)
        setup->drain_quiet_seconds.number = setup->drain_seconds.number;
}

static bool derive(struct setup *setup)
{
    setup->policy_paths = settings_split(&setup->policies);
    setup->trusted_accounts = settings_split(&setup->trusted);
    return setup->policy_paths != NULL && setup->trusted_accounts != NULL &&
           settings_tls_paths(&setup->tls_dir, &setup->tls_cert, &setup->tls_key,
                              &setup->certificate_path, &setup->key_path);
}

int setup_read(struct setup *setup, int argc, char **argv, char **environment, struct buf *faults,
               struct err *reterr)
{
    *setup = (struct setup){.help = false};
    struct settings settings = settings_of(setup);
    settings_read(&settings, argc, argv, environment, faults);
    setup->help = settings.help;
    setup->version = settings.version;
    setup->print = settings.print;
    if (setup->help || setup->version)
        return 0;
    if (settings_are_whole(&settings))
        check_together(setup, faults);
    if (faults->length > 0 || faults->failed)
        return err_set(reterr, ERR_USAGE, "the settings are wrong");
    if (!derive(setup))
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    return 0;
}

void setup_done(struct setup *setup)
{
    struct settings settings = settings_of(setup);
    settings_done(&settings);
    settings_free_list(setup->policy_paths);
    settings_free_list(setup->trusted_accounts);
    free(setup->certificate_path);
    free(setup->key_path);
    *setup = (struct setup){.help = false};
}

void setup_write_help(struct buf *buf)
{
    const struct settings settings = settings_of(NULL);
    buf_add_string(buf,
                   "proctor-recorder remembers every version of every Deployment of a namespace, "
                   "and goes back.\n\n"
                   "Usage: proctor-recorder --policies DIR --tls-dir DIR --record-secret FILE "
                   "[flags]\n\n");
    settings_write_help(&settings, buf);
    buf_add_string(buf, "SIGHUP reloads policies and certificate, as a change of their files does "
                        "by itself.\nSIGTERM and SIGINT drain, then exit 0; a second one exits at "
                        "once.\nExit codes: 0 drained, 2 cannot start.\n");
}

/* Where the password begins and ends: between the first ':' of the user's part and the last '@'
 * before the path; or the value of password=. */
static bool find_password(const char *text, size_t *ret_from, size_t *ret_to)
{
    const char *user = strstr(text, "://");
    const char *end = user != NULL ? user + 3 + strcspn(user + 3, "/?") : text;
    const char *colon = user != NULL ? memchr(user + 3, ':', (size_t)(end - user - 3)) : NULL;
    const char *at = user != NULL ? memrchr(user + 3, '@', (size_t)(end - user - 3)) : NULL;
    const char *word = strstr(text, "password=");
    if (colon != NULL && at != NULL && colon < at) {
        *ret_from = (size_t)(colon + 1 - text);
        *ret_to = (size_t)(at - text);
        return true;
    }
    if (user == NULL || word == NULL)
        return false;
    *ret_from = (size_t)(word - text) + strlen("password=");
    *ret_to = *ret_from + strcspn(text + *ret_from, "&");
    return true;
}

char *setup_database_shown(const struct setup *setup)
{
    const char *text = setup->database.text;
    size_t from, to;
    char *shown = NULL;
    if (!find_password(text, &from, &to))
        return strdup(text);
    if (asprintf(&shown, "%.*s...%s", (int)from, text, text + to) < 0)
        return NULL;
    return shown;
}

void setup_write(struct setup *setup, struct buf *buf)
{
    const struct settings settings = settings_of(setup);
    char *const database = setup->database.text;
    char *const shown = setup_database_shown(setup);
    setup->database.text = shown;
    if (shown != NULL)
        settings_write(&settings, buf);
    setup->database.text = database;
    free(shown);
}
