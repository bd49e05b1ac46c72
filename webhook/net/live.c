#include "net/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live *current;
static struct live_status statuses[LIVE_PARTS];

static void publish_metrics(const struct policy_set *set)
{
    int64_t next = 0;
    for (size_t i = 0; i < set->exception_count; i++) {
        int64_t at = set->exceptions[i].expires_at;
        if (next == 0 || at < next)
            next = at;
    }
    metric_set(METRIC_POLICIES, (int64_t)set->policy_count);
    metric_set(METRIC_RULES, (int64_t)set->rule_count);
    metric_set(METRIC_EXCEPTIONS, (int64_t)set->exception_count);
    metric_set(METRIC_EXCEPTION_EXPIRY, next);
}

static void find_counters(struct live *live)
{
    const struct policy_set *set = live->set;
    for (size_t p = 0; p < set->policy_count; p++) {
        const struct policy *policy = &set->policies[p];
        for (size_t r = 0; r < policy->rule_count; r++) {
            const struct rule *rule = &policy->rules[r];
            if (rule->order < set->rule_count)
                live->rules[rule->order] = metric_rule_find(rule->full_id);
        }
    }
}

int live_install(struct policy_set *set, int64_t follow_until, struct err *reterr)
{
    struct live *live = calloc(1, sizeof *live);
    if (live != NULL)
        live->rules = calloc(set->rule_count + 1, sizeof(struct metric_rule *));
    if (live == NULL || live->rules == NULL) {
        free(live);
        policy_set_unref(set);
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    }
    live->set = set;
    atomic_init(&live->references, 1);
    find_counters(live);

    pthread_mutex_lock(&lock);
    struct live *before = current;
    if (before != NULL)
        policy_set_follow(set, before->set, follow_until);
    current = live;
    pthread_mutex_unlock(&lock);
    publish_metrics(set);
    live_unref(before);
    return 0;
}

struct live *live_ref(void)
{
    pthread_mutex_lock(&lock);
    struct live *live = current;
    if (live != NULL)
        atomic_fetch_add(&live->references, 1);
    pthread_mutex_unlock(&lock);
    return live;
}

void live_unref(struct live *live)
{
    if (live == NULL || atomic_fetch_sub(&live->references, 1) != 1)
        return;
    /* No request reads its `previous` any more: cut the chain of sets here. */
    policy_set_follow(live->set, NULL, 0);
    policy_set_unref(live->set);
    free(live->rules);
    free(live);
}

void live_done(void)
{
    pthread_mutex_lock(&lock);
    struct live *live = current;
    current = NULL;
    pthread_mutex_unlock(&lock);
    live_unref(live);
}

void live_report(enum live_part part, int64_t at, const char *error)
{
    pthread_mutex_lock(&lock);
    struct live_status *status = &statuses[part];
    status->ok = error == NULL;
    status->at = at;
    snprintf(status->error, sizeof status->error, "%s", error == NULL ? "" : error);
    pthread_mutex_unlock(&lock);
}

struct live_status live_status_get(enum live_part part)
{
    pthread_mutex_lock(&lock);
    struct live_status status = statuses[part];
    pthread_mutex_unlock(&lock);
    return status;
}
