#!/usr/bin/env bash
# What make demo plays and README shows: version 1, a broken version 2 while the old one serves, and
# back to version 1.  With ALOUD=1 as it happens; else it is compared with history-story.golden.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001
cd "$E2E_TREE" || exit

# It is called good 3 s after it is complete, and not after a minute.
recorder start --soak-seconds 3 >/dev/null || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}
PROCTOR_SERVER=$(recorder url) PROCTOR_SERVER_CA=$(recorder ca)
export PROCTOR_SERVER PROCTOR_SERVER_CA
proctor() { "$E2E_BIN/proctor" "$@"; }
version() { # version NUMBER MEMBER VALUE
    api_has s2024001 "/api/projects/$name/deployments" "items[number=$1].$2" "$3"
}

# It has crashed as often as it ever will: from here on what is shown stays the same.
calm() { [[ $(kubectl get pods) == *CrashLoopBackOff\ *4\ * ]]; }

as s2024001
tell "A student brings version 1, and waits until it serves."
show kubectl apply -f tests/demo/v1.yaml
show proctor wait $name
eventually version 1 good yes

tell "Version 2 is broken.  The recorder says so at once, and why."
show kubectl apply -f tests/demo/v2.yaml
eventually version 2 status Failed
eventually calm
show proctor wait $name --evidence 3s
show proctor history list $name
tell "The old version serves all the while."
show kubectl get pods
show proctor history show $name

tell "Back to the version before."
show proctor history rollback $name --wait
eventually version 3 good yes
show kubectl get pods
show proctor history list $name
tell "And the manifest of version 1 finds nothing to change."
show kubectl apply -f tests/demo/v1.yaml

python3 -IS "$E2E_TREE/tests/e2e/masked.py" <"$E2E_WORK/transcript" >"$E2E_WORK/masked" &&
    mv "$E2E_WORK/masked" "$E2E_WORK/transcript"
same_as_golden
stored deployment/$name '{.spec.template.spec.containers[0].image}' registry.hydrosim.edu/$name:v1
