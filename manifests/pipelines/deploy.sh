#!/usr/bin/env bash
# The steps of a pipeline, one script for every CI server: Jenkinsfile, github.yaml and gitlab.yaml
# beside it call nothing else.
#
#     deploy.sh review      what the cluster would say to MANIFESTS, without the cluster
#     deploy.sh build       the image
#     deploy.sh push        to its registry
#     deploy.sh deploy      MANIFESTS, all at once; without MANIFESTS by the recorder
#     deploy.sh wait        until the rollout has ended, one way or the other
#     deploy.sh verify      it proves good: no restart for SOAK, and what VERIFY_* ask for
#     deploy.sh rollback    to the last good version, if it is this pipeline's that is not good
#     deploy.sh all         all of them, with the way back if wait or verify fails
#
# From the environment:
#     PROJECT          the Deployment's name: student-2024001
#     IMAGE            what is built, pushed and deployed: registry.hydrosim.edu/student-2024001:v7
#     NAMESPACE        of the project (hydrosim-students)
#     KUBECONFIG       a file, as kubectl's; PROCTOR_SERVER and PROCTOR_SERVER_CA if the recorder is
#                      to be asked itself
#     MANIFESTS        a folder; the word @IMAGE@ in its *.yaml becomes the image.  They do not
#                      depend on each other.  If it is not given, the recorder makes Deployment,
#                      Service and Ingress, and review has nothing to do
#     POLICIES         the policies, for review (policies); REVIEW_AS, REVIEW_GROUP: who deploys
#     BUILD_COMMAND, PUSH_COMMAND    programs that are given the image, instead of docker
#     REGISTRY_USER, REGISTRY_PASSWORD    for docker, if it is not logged in
#     TIMEOUT          of deploy, wait and rollback, each (10m)
#     SOAK             (60s)
#     VERIFY_URL       has to answer with a status below 400
#     VERIFY_COMMAND   a program that is given project and image, and succeeds
#     CAUSE            why, for the history
#     STATE            a folder by which the steps know of each other (.pipeline); no secrets in it
#
# Exit codes are proctor's: 0 fine, 1 refused, or it failed, 2 wrong use, or somebody could not be
# asked, 3 timed out, 4 something newer came in between.  After 2 and 4 nothing is rolled back:
# nobody knows, or the newer one is not this pipeline's.
set +x # a trace would have the registry's password
set -uo pipefail

NAMESPACE=${NAMESPACE:-hydrosim-students}
STATE=${STATE:-.pipeline}
TIMEOUT=${TIMEOUT:-10m}
login= # docker's own folder for this run

finish() { [ -z "$login" ] || rm -rf "$login"; }
trap finish EXIT

say() { printf '%s: %s\n' "$step" "$*"; }
stop() {
    printf '%s: error: %s\n' "$step" "$*" >&2
    exit 2
}

# What reaches a manifest, a file's name or a command line is what it should be, or nothing begins.
check() {
    [[ ${PROJECT-} =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] || stop "PROJECT is no project's name"
    [[ ${IMAGE-} =~ ^[A-Za-z0-9][A-Za-z0-9._:/@-]*$ ]] || stop "IMAGE is no image's name"
    [[ $NAMESPACE =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] || stop "NAMESPACE is no namespace's name"
    [ -z "${MANIFESTS-}" ] || [ -d "$MANIFESTS" ] || stop "MANIFESTS is no folder: $MANIFESTS"
    mkdir -p "$STATE" || stop "no folder $STATE"
}

# The manifests with the image in them, in STATE/manifests.
render() {
    local file count=0
    rm -rf "$STATE/manifests"
    mkdir -p "$STATE/manifests" || return 2
    for file in "$MANIFESTS"/*.yaml; do
        [ -f "$file" ] || continue
        sed "s|@IMAGE@|$IMAGE|g" "$file" >"$STATE/manifests/${file##*/}" || return 2
        count=$((count + 1))
    done
    [ $count -gt 0 ] || stop "there is no *.yaml in $MANIFESTS"
}

generation() {
    kubectl get deployment "$PROJECT" --namespace "$NAMESPACE" --ignore-not-found \
        --output 'jsonpath={.metadata.generation}'
}

step_review() {
    local who=()
    forget # what an earlier run in the same workspace has left
    if [ -z "${MANIFESTS-}" ]; then
        say "no MANIFESTS: the recorder asks the policies when it deploys"
        return 0
    fi
    [ -z "${REVIEW_AS-}" ] || who+=(--as "$REVIEW_AS")
    [ -z "${REVIEW_GROUP-}" ] || who+=(--as-group "$REVIEW_GROUP")
    render || return
    proctor review --policies "${POLICIES:-policies}" --namespace "$NAMESPACE" "${who[@]}" \
        "$STATE/manifests"
}

step_build() {
    if [ -n "${BUILD_COMMAND-}" ]; then
        "$BUILD_COMMAND" "$IMAGE" || return 1
    else
        docker build --tag "$IMAGE" . || return 1
    fi
}

# The password goes by a pipe: not on a command line, and not into the home of whoever runs this.
step_push() {
    if [ -n "${PUSH_COMMAND-}" ]; then
        "$PUSH_COMMAND" "$IMAGE" || return 1
        return 0
    fi
    if [ -n "${REGISTRY_PASSWORD-}" ]; then
        login=$(mktemp -d) || return 2
        export DOCKER_CONFIG=$login
        printf '%s' "$REGISTRY_PASSWORD" |
            docker login --username "${REGISTRY_USER-}" --password-stdin "${IMAGE%%/*}" >/dev/null ||
            return 1
    fi
    docker push "$IMAGE" || return 1
}

# All at once; each one's output behind its name, when it has ended.
apply() {
    local file pids=() files=() i code=0
    for file in "$STATE"/manifests/*.yaml; do
        kubectl apply --namespace "$NAMESPACE" --filename "$file" >"$file.log" 2>&1 &
        pids+=($!) files+=("$file")
    done
    for i in "${!pids[@]}"; do
        wait "${pids[i]}" || code=1
        sed "s|^|${files[i]##*/}: |" "${files[i]}.log"
        rm -f "${files[i]}.log"
    done
    return $code
}

# STATE/result is what became of it: an exit code; "open" until it is verified, also if somebody ends
# the pipeline before.  STATE/generation is the Deployment's as it was deployed.
forget() { rm -f "$STATE/generation" "$STATE/result"; }
result() { printf '%s\n' "$1" >"$STATE/result"; }

# Whatever comes of it: if the Deployment is another one now, the steps behind know which.
step_deploy() {
    local before after code=0
    forget
    before=$(generation) || return 2
    if [ -n "${MANIFESTS-}" ]; then
        render || return
    fi
    result 2
    if [ -n "${MANIFESTS-}" ]; then
        apply || code=$?
    else
        # It is the pipeline that goes back, once it has verified; not the recorder, and not both.
        proctor deploy "$PROJECT" "$IMAGE" --no-rollback --wait --timeout "$TIMEOUT" \
            ${CAUSE:+--cause "$CAUSE"} || code=$?
    fi
    after=$(generation) || return 2
    [ "$after" = "$before" ] || printf '%s\n' "$after" >"$STATE/generation"
    [ $code -ne 0 ] && result "$code" || result open
    return "$code"
}

# The rollout of what was deployed, and not of what somebody else has put in its place since.
watch() {
    local code=0 which=()
    [ ! -s "$STATE/generation" ] || which=(--generation "$(cat "$STATE/generation")")
    proctor wait "$PROJECT" --namespace "$NAMESPACE" --timeout "$TIMEOUT" "${which[@]}" "$@" ||
        code=$?
    [ $code -eq 0 ] || result "$code"
    return "$code"
}

step_wait() { watch; }

step_verify() {
    watch --soak --soak-time "${SOAK:-60s}" || return
    if [ -n "${VERIFY_URL-}" ]; then
        curl --fail --silent --show-error --output /dev/null --location --max-time 20 \
            --retry 5 --retry-connrefused -- "$VERIFY_URL" || return 1
    fi
    [ -z "${VERIFY_COMMAND-}" ] || "$VERIFY_COMMAND" "$PROJECT" "$IMAGE" || return 1
    result 0
}

step_rollback() {
    local became=
    [ ! -s "$STATE/result" ] || became=$(cat "$STATE/result")
    case $became in
        0) say "the version is good: it stays" && return 0 ;;
        4) say "something newer is there, which is not this pipeline's: it stays" && return 0 ;;
        2) say "nobody knows what became of it: proctor history list $PROJECT" && return 2 ;;
    esac
    [ -s "$STATE/generation" ] || {
        say "this pipeline has changed nothing: there is nothing to go back from"
        return 0
    }
    proctor history rollback "$PROJECT" --if-generation "$(cat "$STATE/generation")" --wait \
        --timeout "$TIMEOUT" --reason "the pipeline found $IMAGE not good" || return
    forget
}

step_all() {
    local code=0 failed
    for step in review build push deploy wait verify; do
        "step_$step" || code=$?
        [ $code -eq 0 ] || break
    done
    [ $code -ne 0 ] || return 0
    failed=$step
    say "it ended with $code"
    case $failed in
        deploy | wait | verify)
            step=rollback
            step_rollback || say "and the way back ended with $?"
            ;;
    esac
    return $code
}

step=${1-}
case $step in
    review | build | push | deploy | wait | verify | rollback | all) ;;
    *)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
        exit 2
        ;;
esac
check
"step_$step"
