#!/usr/bin/env bash
# A4: a readiness probe on every application container.  A5: a pause before stopping, within a grace
# period that is long enough and not for ever.  Together no visitor meets a pod that does not answer.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
image="image: 'registry.hydrosim.edu/$name:v1'"
probe='{.spec.template.spec.containers[0].readinessProbe}'
stop='{.spec.template.spec.containers[0].lifecycle.preStop}'
grace='{.spec.template.spec.terminationGracePeriodSeconds}'
as s2024001

# tcp PORT: the probe that is put in, as it is stored.
tcp() {
    printf '{"failureThreshold":3,"initialDelaySeconds":5,"periodSeconds":5,"successThreshold":1,'
    printf '"tcpSocket":{"port":%s},"timeoutSeconds":1}' "$1"
}
stored_by "$E2E_VERBS" "$probe $stop $grace" "$(tcp 8000) {\"sleep\":{\"seconds\":5}} 30" \
    program Deployment $name

# ---- its own port; the platform's, if it declares none; what stands beside it, too
POD="initContainers: [{name: beside, $image, restartPolicy: Always, ports: [{containerPort: 9000}]}, {name: first, $image}]" \
    MORE="{name: second, $image, ports: [{containerPort: 8080}]}, {name: third, $image}" \
    stored_by 'create apply' \
    '{range .spec.template.spec.initContainers[*]}{.readinessProbe.tcpSocket.port} {.lifecycle.preStop.sleep.seconds};{end}{range .spec.template.spec.containers[*]}{.readinessProbe.tcpSocket.port} {.lifecycle.preStop.sleep.seconds};{end}' \
    '9000 5; ;8000 5;8080 5;8000 5;' program Deployment $name

# ---- a probe and a hook of one's own stay, whatever they are
while IFS='|' read -r path given wanted; do
    CONTAINER=$given stored_by 'create edit server-side' "${path//C/.spec.template.spec.containers[0]}" \
        "$wanted" program Deployment $name
done <<'END_OF_TABLE'
{C.readinessProbe.httpGet.path} {C.readinessProbe.tcpSocket}|readinessProbe: {httpGet: {path: /up, port: 8000}}|/up 
{C.readinessProbe.exec.command} {C.readinessProbe.tcpSocket}|readinessProbe: {exec: {command: [ready]}}|["ready"] 
{C.readinessProbe.grpc.port} {C.readinessProbe.tcpSocket}|readinessProbe: {grpc: {port: 9000}}|9000 
{C.readinessProbe.tcpSocket.port} {C.readinessProbe.periodSeconds}|readinessProbe: {tcpSocket: {port: 9000}, periodSeconds: 2}|9000 2
{C.lifecycle.preStop}|lifecycle: {preStop: {exec: {command: [sleep, "7"]}}}|{"exec":{"command":["sleep","7"]}}
{C.lifecycle.preStop}|lifecycle: {preStop: {sleep: {seconds: 9}}}|{"sleep":{"seconds":9}}
{C.lifecycle.preStop} {C.lifecycle.postStart.exec.command}|lifecycle: {postStart: {exec: {command: [a]}}}|{"sleep":{"seconds":5}} ["a"]
END_OF_TABLE
CONTAINER='lifecycle: {preStop: {sleep: {seconds: 14}}}' \
    refused_by "$E2E_VERBS" student-deployments/pre-stop-length program Deployment $name

# ---- the grace period
before create $name
while read -r given wanted; do
    POD="terminationGracePeriodSeconds: $given" would_store "$grace" "$wanted" \
        program Deployment $name
done <<'END_OF_TABLE'
0 15
5 15
15 15
45 45
60 60
61 60
86400 60
END_OF_TABLE
POD='terminationGracePeriodSeconds: 86400' stored_by "$E2E_VERBS" "$grace" 60 \
    program Deployment $name

# ---- taken away by a patch, they are there again
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl patch deployment $name --type json -p '[
    {"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"},
    {"op":"remove","path":"/spec/template/spec/containers/0/lifecycle"}]'
stored deployment/$name "$probe $stop" "$(tcp 8000) {\"sleep\":{\"seconds\":5}}"
