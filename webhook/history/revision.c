#include "history/revision.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    bool ended;
} statuses[] = {
#define REVISION_ROW(constant, name, ended) [constant] = {name, ended},
    REVISION_STATUS_TABLE(REVISION_ROW)
#undef REVISION_ROW
};

const char *revision_status_name(enum revision_status status)
{
    return statuses[status].name;
}

int revision_status_parse(const char *name)
{
    for (size_t i = 0; i < REVISION_STATUSES; i++) {
        if (strcmp(statuses[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

bool revision_ended(enum revision_status status)
{
    return statuses[status].ended;
}
