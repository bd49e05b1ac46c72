#!/usr/bin/env bash
# A6: a rollout ends, one way or the other, and there is a version to go back to.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
all='{.spec.progressDeadlineSeconds} {.spec.minReadySeconds} {.spec.revisionHistoryLimit}'
as s2024001

SPEC='progressDeadlineSeconds: 2147483647, minReadySeconds: 3600, revisionHistoryLimit: 0' \
    stored_by "$E2E_VERBS" "$all" '600 60 2' program Deployment $name
stored_by "$E2E_VERBS" "$all" '600 5 10' program Deployment $name

before create $name
while IFS='|' read -r given wanted; do
    SPEC=$given would_store "$all" "$wanted" program Deployment $name
done <<'END_OF_TABLE'
progressDeadlineSeconds: 61|600 5 10
progressDeadlineSeconds: 600|600 5 10
progressDeadlineSeconds: 2147483647|600 5 10
minReadySeconds: 1|600 1 10
minReadySeconds: 60|600 60 10
minReadySeconds: 61|600 60 10
revisionHistoryLimit: 1|600 5 2
revisionHistoryLimit: 3|600 5 3
revisionHistoryLimit: 1000|600 5 10
END_OF_TABLE

accepted kubectl apply -f <(program Deployment $name)
accepted kubectl patch deployment $name --type json \
    -p '[{"op":"remove","path":"/spec/progressDeadlineSeconds"}]'
stored deployment/$name "$all" '600 5 10'
accepted kubectl patch deployment $name -p '{"spec":{"revisionHistoryLimit":0}}'
stored deployment/$name "$all" '600 5 2'
