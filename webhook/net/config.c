#include "net/config.h"

#include <stdlib.h>

static const struct setting rows[] = {
#define CONFIG_ROW(...) SETTING_ROW(struct config, __VA_ARGS__)
    CONFIG_TABLE(CONFIG_ROW)
#undef CONFIG_ROW
};

static struct settings settings_of(struct config *config)
{
    return (struct settings){.rows = rows, .count = sizeof rows / sizeof rows[0], .values = config};
}

/* What no single row can say. */
static void check_together(struct config *config, struct buf *faults)
{
    settings_check_tls(&config->tls_dir, &config->tls_cert, &config->tls_key, faults);
    if (config->policies.text[0] == '\0')
        settings_fault(faults, "policies",
                       "no policies are named: --policies DIR; `proctor lint DIR` checks them");
    if (config->drain_quiet_seconds.number > config->drain_seconds.number)
        config->drain_quiet_seconds.number = config->drain_seconds.number;
}

static bool derive(struct config *config)
{
    config->policy_paths = settings_split(&config->policies);
    return config->policy_paths != NULL &&
           settings_tls_paths(&config->tls_dir, &config->tls_cert, &config->tls_key,
                              &config->certificate_path, &config->key_path);
}

int config_read(struct config *config, int argc, char **argv, char **environment,
                struct buf *faults, struct err *reterr)
{
    *config = (struct config){.help = false};
    struct settings settings = settings_of(config);
    settings_read(&settings, argc, argv, environment, faults);
    config->help = settings.help;
    config->version = settings.version;
    config->print = settings.print;
    if (config->help || config->version)
        return 0;
    if (settings_are_whole(&settings))
        check_together(config, faults);
    if (faults->length > 0 || faults->failed)
        return err_set(reterr, ERR_USAGE, "the settings are wrong");
    if (!derive(config))
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    return 0;
}

void config_done(struct config *config)
{
    struct settings settings = settings_of(config);
    settings_done(&settings);
    settings_free_list(config->policy_paths);
    free(config->certificate_path);
    free(config->key_path);
    *config = (struct config){.help = false};
}

void config_write_help(struct buf *buf)
{
    const struct settings settings = settings_of(NULL);
    buf_add_string(buf,
                   "proctor-webhook answers admission reviews: a safe Deployment, or every reason "
                   "why not.\n\n"
                   "Usage: proctor-webhook --policies DIR --tls-dir DIR [flags]\n\n");
    settings_write_help(&settings, buf);
    buf_add_string(buf, "SIGHUP reloads policies and certificate, as a change of their files does "
                        "by itself.\nSIGTERM and SIGINT drain, then exit 0; a second one exits at "
                        "once.\nExit codes: 0 drained, 2 cannot start.\n");
}

void config_write(struct config *config, struct buf *buf)
{
    const struct settings settings = settings_of(config);
    settings_write(&settings, buf);
}
