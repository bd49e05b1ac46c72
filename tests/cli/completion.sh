#!/usr/bin/env bash
# Loads the completion script into a real bash and asks it.
# usage: tests/cli/completion.sh [PROCTOR]
set -u
export LC_ALL=C.UTF-8
proctor=${1:-build/bin/proctor}
passed=0 failed=0

# asks WORDS... -> the completions of the last word, sorted, on one line
asks() {
    COMP_WORDS=(proctor "$@") COMP_CWORD=$# COMPREPLY=()
    _proctor
    printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}
check() { # check WANTED WORDS...
    wanted=$1 && shift
    got=$(asks "$@")
    if [ "$got" = "$wanted" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'proctor %s:\n  completes to  %s\n  want          %s\n' "$*" "$got" "$wanted"
    fi
}

# shellcheck disable=SC1090
source <("$proctor" completion bash)
check "--color --help -h arm audit certs completion coverage deploy diff disarm doctor explain export history lint log replay review schema test version wait " ""
check "certs completion coverage " "c"
check "--color --help -h check issue renew show " certs ""
check "mutate validate " review --phase ""
check "json " review -o js
check "--phase --policies " review --p
if "$proctor" completion fish >/dev/null 2>&1; then
    failed=$((failed + 1))
    echo "completion fish: exit code 0, want 2"
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
