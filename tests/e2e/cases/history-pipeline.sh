#!/usr/bin/env bash
# manifests/pipelines/deploy.sh on a real control plane: a project's pipeline from review to verify,
# each way in which it can end, and what is rolled back then.  No registry runs here: what builds and
# pushes is given by variables, as a pipeline with another tool would.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
project=student-2024001
dir="$E2E_WORK/a pipe's line" # a workspace's name may be odd
image=registry.hydrosim.edu/$project
mkdir -p "$dir/k8s" "$dir/bin"
recorder start --soak-seconds 1 --evidence-seconds 2 || exit 1
PROCTOR_SERVER=$(recorder url) PROCTOR_SERVER_CA=$(recorder ca) PATH=$E2E_BIN:$PATH
export PROCTOR_SERVER PROCTOR_SERVER_CA
export PROJECT=$project POLICIES=$E2E_TREE/policies REVIEW_AS=s2024001 REVIEW_GROUP=students
export MANIFESTS=$dir/k8s STATE=$dir/state TIMEOUT=40s SOAK=1s
for name in build push; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/done"\n' $name "$dir" >"$dir/bin/$name"
done
cat >"$dir/bin/verify" <<'END'
#!/bin/sh
[ "$*" = "$PROJECT $IMAGE" ] && case $2 in *odd*) exit 7 ;; esac
END
chmod +x "$dir"/bin/*
export BUILD_COMMAND="$dir/bin/build" PUSH_COMMAND="$dir/bin/push" VERIFY_COMMAND="$dir/bin/verify"
SPEC='minReadySeconds: 1' IMAGE=@IMAGE@ program Deployment $project >"$dir/k8s/a deployment.yaml"
service $project >"$dir/k8s/service.yaml"
ingress $project $project.project.hydrosim.edu >"$dir/k8s/ingress.yaml"
as s2024001

# pipeline CODE TAG STEP...: these steps, one by one, as a CI server calls them; the last one's code.
pipeline() {
    local wanted=$1 code=0 step
    export IMAGE=$image:$2
    shift 2
    : >"$dir/out"
    for step; do
        code=0
        "$E2E_TREE/manifests/pipelines/deploy.sh" "$step" >>"$dir/out" 2>&1 || code=$?
    done
    # shellcheck disable=SC2034 # the room has changed: for refused
    E2E_BEFORE=
    if [ "$code" -eq "$wanted" ]; then
        pass "$IMAGE: $* ended with $code"
    else
        fail "$IMAGE: $* ended with $code, not $wanted" "$(cat "$dir/out")"
    fi
}
says() {
    if grep -qF -- "$1" "$dir/out"; then pass "it says: $1"; else fail "it does not say: $1" "$(cat "$dir/out")"; fi
}
runs() { stored "deployment/$project" '{.spec.template.spec.containers[0].image}' "$image:$1"; }
good() { [ "$(kubectl get "deployment/$project" -o 'jsonpath={.status.availableReplicas}')" = 1 ]; }
is_good() { [[ $("$E2E_BIN/proctor" history list $project --good yes) == *"$1 "* ]]; }

# ---- what is not right is not built, and not deployed
pipeline 1 latest all
says 'student-deployments/image-tag'
pipeline 1 latest deploy
says 'a deployment.yaml: '
pipeline 0 latest rollback
says 'changed nothing'
pipeline 2 'v1;id' all
pipeline 2 v1 every
absent "deployment/$project"
check 'nothing was built' "$(cat "$dir/done" 2>/dev/null)" ''
kubectl delete service,ingress $project >/dev/null 2>&1

# ---- all goes well, step by step
pipeline 0 v1 review build push deploy wait verify
check 'built, then pushed' "$(cat "$dir/done")" "build $image:v1
push $image:v1"
runs v1
stored "service/$project" '{.spec.selector.app}' $project
stored "ingress/$project" '{.spec.rules[0].host}' $project.project.hydrosim.edu
pipeline 0 v1 rollback
says 'it stays'
runs v1
eventually is_good 1

# ---- and badly: it is never ready, it restarts, it is not what the pipeline's own test wants
TIMEOUT=8s pipeline 3 v2-unready review build push deploy wait
pipeline 0 v2-unready rollback
runs v1
SOAK=8s pipeline 1 v3-restarts deploy verify
pipeline 0 v3-restarts rollback
runs v1
pipeline 1 v4-odd all
says 'it ended with 1'
runs v1
check 'it serves' "$(good && echo yes)" yes
# Somebody ends the pipeline before it has verified.
pipeline 0 v5 deploy
pipeline 0 v5 rollback
runs v1

# ---- nobody can be asked; somebody else was quicker
KUBECONFIG=$dir/none pipeline 2 v6 deploy
runs v1
pipeline 0 v6-unready deploy
admin set image "deployment/$project" "*=$image:v7" >/dev/null 2>&1
pipeline 4 v6-unready wait
pipeline 0 v6-unready rollback
says 'something newer'
runs v7

# ---- without manifests: by the recorder
unset MANIFESTS
export CAUSE="it's \"v8\"; \$(id)"
pipeline 0 v8 all
runs v8
stored "deployment/$project" "{.metadata.annotations['kubernetes\.io/change-cause']}" "$CAUSE"
eventually is_good "$(api_member s2024001 "/api/projects/$project/deployments" 'items[0].number')"
TIMEOUT=60s pipeline 1 ImagePullBackOff all
says 'ImagePull'
runs v8
pipeline 1 latest all
says 'without a fixed tag'
runs v8
