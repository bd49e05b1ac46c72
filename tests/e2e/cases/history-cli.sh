#!/usr/bin/env bash
# `proctor history` with the real recorder: a project's life as its owner sees it, against
# history-cli.golden; and what others may not.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
project=student-2024001
dir=$E2E_WORK/history-cli
mkdir -p "$dir"

recorder start --soak-seconds 2 --evidence-seconds 3 >/dev/null || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}
PROCTOR_SERVER=$(recorder url) PROCTOR_SERVER_CA=$(recorder ca)
export PROCTOR_SERVER PROCTOR_SERVER_CA
as s2024001

# What changes from run to run: ages, times, ids, names of pods and sets, digests; and with them how
# wide columns are, which events share a second, and how often progress is seen.
masked() {
    sed -E -e '/^ .* Normal /d' -e '/^(accepted|written|version [0-9]+:)/d' \
        -e 's/sha256:[0-9a-f]{12,64}/sha256:DIGEST/g' -e 's/\b[0-9a-f]{64}\b/TEMPLATE/g' \
        -e "s/$project-[0-9a-z]{7,10}(-[0-9a-z]{5})?/$project-SET\1/g" -e 's/-SET-[0-9a-z]{5}/-SET-POD/g' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' -e 's/^  [0-9]{2}:[0-9]{2}:[0-9]{2} /  HH:MM:SS /' \
        -e 's/ [0-9]+(m[0-9]+)?s( ago|  |$)/ AGE\2/g' -e 's/ after [0-9]+s/ after AGE/' \
        -e 's/^  [0-9]+s /  AGE /' -e 's/operation [0-9]+/operation N/' \
        -e 's/generation [0-9]+, kubectl.s revision [0-9]+/generation N, kubectl'"'"'s revision N/' \
        -e 's/  +/  /g'
}
proctor() { "$E2E_BIN/proctor" "$@" 2>&1 | masked; }
# code N COMMAND...: its exit code.
code() {
    local wanted=$1 out got=0
    shift
    out=$("$E2E_BIN/proctor" "$@" 2>&1) || got=$?
    check "exit code of proctor $*" "$got" "$wanted"
    [ "$got" -eq "$wanted" ] || echo "$out"
}
is_good() { [[ $("$E2E_BIN/proctor" history list $project --good yes) == *"$1 "* ]]; }
apply() { # apply TAG CAUSE
    META="annotations: {kubernetes.io/change-cause: '$2'}" \
        IMAGE=registry.hydrosim.edu/$project:$1 program Deployment $project >"$dir/app.yaml"
    kubectl apply -f "$dir/app.yaml" >/dev/null 2>&1
}

apply v1 'first version'
code 0 wait -f "$dir/app.yaml" --timeout 30s
eventually is_good 1
apply ImagePullBackOff 'five levels'
code 1 wait -f "$dir/app.yaml" --timeout 30s --evidence 3s
failed() { [[ $("$E2E_BIN/proctor" history list $project --status Failed) == *ImagePull* ]]; }
eventually failed
show proctor history list
show proctor history list $project
show proctor history show $project
show proctor history diff $project 1 2
show proctor history rollback $project --dry-run
show proctor history rollback $project --wait --reason 'the exam begins'
eventually is_good 3
show proctor history list $project
code 1 history rollback $project --to 1
show proctor history rollback $project --to 1
show proctor history mark $project 2 bad --reason 'computes wrong levels'
show proctor history holds $project
show proctor history show $project 9
show proctor history export $project

# The next apply of what was there before finds nothing odd.
apply v1 'first version'
code 0 wait -f "$dir/app.yaml" --timeout 30s

show proctor deploy $project 'not an image' --replicas 5 --env 1A=b

# Others.
as s2024002
code 2 history show $project
show proctor history rollback $project
show proctor history list
as teacher
code 0 history list $project -o json
PROCTOR_SERVER=https://127.0.0.1:1 code 2 history list
recorder stop
code 2 history list
same_as_golden
