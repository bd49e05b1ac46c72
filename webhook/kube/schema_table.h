/* What the generated schema_table.c shares with schema.c and schema_default.c only. */
#ifndef PROCTOR_KUBE_SCHEMA_TABLE_H
#define PROCTOR_KUBE_SCHEMA_TABLE_H

#include "kube/schema.h"

struct schema_resource {
    const char *group;
    const char *resource;
    const char *subresource;
    const struct schema_kind *kind; /* NULL: known, but carries a kind that the table has not */
};

/* Sorted by group, resource, subresource. */
extern const struct schema_resource schema_resources[];
extern const size_t schema_resource_count;

/* The defaults that hang on other members of `object`, one function an object; schema_defaults.json
 * says which and whose work in Kubernetes they repeat.  They find the object without zeros that
 * Go omits, without nulls, and with canonical quantities. */
void schema_fill_container(struct arena *arena, cJSON *container);
void schema_fill_daemon_set(struct arena *arena, cJSON *daemon_set);
void schema_fill_deployment(struct arena *arena, cJSON *deployment);
void schema_fill_job(struct arena *arena, cJSON *job);
void schema_fill_namespace(struct arena *arena, cJSON *namespace);
void schema_fill_network_policy(struct arena *arena, cJSON *network_policy);
void schema_fill_pod(struct arena *arena, cJSON *pod);
void schema_fill_pod_spec(struct arena *arena, cJSON *spec);
void schema_fill_pod_template(struct arena *arena, cJSON *template);
void schema_fill_replication_controller(struct arena *arena, cJSON *controller);
void schema_fill_scaler_v1(struct arena *arena, cJSON *scaler);
void schema_fill_scaler_v2(struct arena *arena, cJSON *scaler);
void schema_fill_secret(struct arena *arena, cJSON *secret);
void schema_fill_service(struct arena *arena, cJSON *service);
void schema_fill_stateful_set(struct arena *arena, cJSON *stateful_set);
void schema_fill_volume(struct arena *arena, cJSON *volume);

#endif
