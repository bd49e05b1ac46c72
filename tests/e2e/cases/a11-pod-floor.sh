#!/usr/bin/env bash
# A11: what no pod of a student may ever have.  One member by every verb, each of the others as a
# new Deployment, by apply on the good one, and by the smallest patch.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
as s2024001
POD='hostNetwork: true' CONTAINER='securityContext: {privileged: true}' \
    refused_by "$E2E_VERBS" pod-security-floor/no-host-network program Deployment $name
empty $name
accepted kubectl apply -f <(program Deployment $name)
eventually kubectl rollout status deployment/$name --timeout=1s

remember
# The member of the pod, or of its container, as JSON, which is YAML, too.
while read -r rule where member; do
    case $where in
        pod)
            POD=${member:1:-1} CONTAINER='' program Deployment $name >"$E2E_WORK/object"
            patch="{\"spec\":$member}"
            ;;
        container)
            POD='' CONTAINER=${member:1:-1} program Deployment $name >"$E2E_WORK/object"
            patch="{\"spec\":{\"containers\":[{\"name\":\"app\",${member:1:-1}}]}}"
            ;;
    esac
    denied "pod-security-floor/$rule" kubectl apply -f "$E2E_WORK/object"
    denied "pod-security-floor/$rule" \
        kubectl patch deployment $name -p "{\"spec\":{\"template\":$patch}}"
    sed -i "s/$name/$name-b/g" "$E2E_WORK/object"
    denied "pod-security-floor/$rule" kubectl create -f "$E2E_WORK/object"
done <<'END_OF_TABLE'
no-privileged container {"securityContext": {"privileged": true}}
no-escalation container {"securityContext": {"allowPrivilegeEscalation": true}}
no-added-capabilities container {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
seccomp container {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}
no-selinux-options container {"securityContext": {"seLinuxOptions": {"level": "s0"}}}
no-host-port container {"ports": [{"containerPort": 8000, "hostPort": 80}]}
no-host-network pod {"hostNetwork": true}
no-host-pid pod {"hostPID": true}
no-host-ipc pod {"hostIPC": true}
no-sysctls pod {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}
volume-kinds pod {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}
volume-kinds pod {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}
service-account pod {"serviceAccountName": "portal-backend-sa"}
old-service-account pod {"serviceAccount": "portal-backend-sa"}
no-node-name pod {"nodeName": "node-0"}
no-priority-class pod {"priorityClassName": "system-node-critical"}
no-runtime-class pod {"runtimeClassName": "gvisor"}
END_OF_TABLE
untouched

# ---- the token: taken off by every verb, and not in the pod that runs
stored_by "$E2E_VERBS" '{.spec.template.spec.automountServiceAccountToken}' false \
    program Deployment $name
before create $name
accepted kubectl apply -f <(POD='automountServiceAccountToken: true' program Deployment $name)
stored deployment/$name '{.spec.template.spec.automountServiceAccountToken}' false
eventually is deployment/$name '{.status.replicas}' 1
stored pods '{.items[*].spec.volumes}' ''

# ---- a container that starts with less than it may have is left alone
CONTAINER='securityContext: {runAsNonRoot: true, capabilities: {drop: [ALL]}}' \
    stored_by 'create apply' '{.spec.template.spec.containers[0].securityContext}' \
    '{"capabilities":{"drop":["ALL"]},"runAsNonRoot":true}' program Deployment $name
