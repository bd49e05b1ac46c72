# shellcheck shell=bash
# What the scripts in tests/e2e/attacks/ are written with.  tests/e2e/attacks.sh runs each twice:
# with all rules in force, and with those out that its head names:
#
#     # guards: POLICY/RULE...                  all that have to go until it succeeds; more such
#                                               lines if there are many
#     # refused-first-by: apiserver: TEXT       nothing gets as far as to those rules
#     # refused-first-by: apiserver 1.30: TEXT  ... in that version of Kubernetes
#
# An attack is made by a student whose project is $ME; $THEM is another student's.  kubectl is the
# attacker until `as owner`, `as teacher` or `as admin`, and again after `as attacker`.
#
#     attack COMMAND...                refused by the guards and no other rule, and nothing in the
#                                      room has changed; without them it succeeds, and something has
#     attack_unseen COMMAND...         the same for what leaves no trace in the room
#     attack_deployed NAME=YAML...     attacks with a Deployment that has these members (`program`):
#                                      as a new one, and as a change of the good one that is there
#     attack_connect COMMAND...        the same for what ends at the node: what the webhook answers
#     rewritten OBJECT JSONPATH POLICYS ATTACKERS COMMAND...
#                                      it succeeds; what is stored is the policy's value, without
#                                      the guards it is the attacker's
#     sketch NAME... | SED | finished  a Deployment as `paused` prints it, changed
#     project NAME | running NAME      a Deployment of whom kubectl is: without a pod, with one
#     pod_of NAME | set_of NAME        its pod, its ReplicaSet
#
# Beside that, everything in lib.sh.
#
# With E2E_RULES=native (tests/e2e/cases/native.sh) the webhook is dead, and the policies that it
# exported are in force: what refuses names no rule that could be held against the head.  Where
# nothing fills in what is missing (E2E_NATIVE=validating), a student would have to write it:
# manifests are finished by `proctor review`, but for those that are there to be rewritten.
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/lib.sh"

E2E_NUMBERS=("$E2E_STUDENT" "$((E2E_STUDENT + 1))")
ME=student-${E2E_NUMBERS[0]} THEM=student-${E2E_NUMBERS[1]}
read -ra E2E_GUARDS < <(sed -n 's/^# guards: //p' "$0" | tr '\n' ' ')
E2E_FIRST=$(sed -nE "s/^# refused-first-by: apiserver( $E2E_MINOR)?: //p" "$0")
E2E_MET=

as() {
    local who=$1
    [ "$who" != attacker ] || who=s${E2E_NUMBERS[0]}
    [ "$who" != owner ] || who=s${E2E_NUMBERS[1]}
    export KUBECONFIG=$E2E_WORK/users/$who.kubeconfig
}

# The rules that an answer names: (policy/rule) or (policy/rule+rule+policy/rule).
E2E_PACKS=$(cd "$E2E_TREE/policies" && printf '%s|' */ | tr -d /)
rules_named() {
    grep -v '^Warning:' <<<"$1" | grep -oE "\((${E2E_PACKS%|})/[a-z0-9/+-]+\)" | tr -d '()' |
        tr + '\n' | awk -F/ '{ if (NF > 1) policy = $1; print policy "/" $NF }' | sort -u
}

# ended WHAT CODE OUTPUT CHANGE: whether an attack ended as it must.
ended() {
    local named
    if [ -n "$E2E_FIRST" ]; then
        if [ "$2" -ne 0 ] && [[ $3 == *"$E2E_FIRST"* ]]; then
            pass "refused by the API server: $1"
        else
            fail "the API server does not say: $E2E_FIRST: $1" "$3"
        fi
        check "nothing was stored by $1" "$4" ''
        E2E_MET=${E2E_GUARDS[*]}
    elif [ "$E2E_RULES" = in ]; then
        named=$(rules_named "$3")
        E2E_MET+=" ${named//$'\n'/ }"
        if [ "$2" -ne 0 ] && [ -n "$named" ] &&
            [ -z "$(comm -23 <(echo "$named") <(printf '%s\n' "${E2E_GUARDS[@]}" | sort))" ]; then
            pass "refused: $1"
        else
            fail "not refused by ${E2E_GUARDS[*]}: $1" "$3"
        fi
        check "nothing was stored by $1" "$4" ''
    elif [ "$E2E_RULES" = native ]; then
        ended_natively "$@"
    elif [ "$2" -ne 0 ]; then
        fail "refused without ${E2E_GUARDS[*]}: $1" "$3"
    elif [ -z "$4" ]; then
        fail "it says that it succeeds, and nothing has changed: $1" "$3"
    else
        pass "succeeds without its guard: $1"
    fi
}

refused_natively() { [ "$1" -ne 0 ] && [[ $2 == *"ValidatingAdmissionPolicy '"* ]]; }
ended_natively() {
    if refused_natively "$2" "$3"; then
        pass "refused by the API server's own policies: $1"
        check "nothing was stored by $1" "$4" ''
    elif grep -qFxf <(printf '%s\n' "${E2E_GUARDS[@]}") "$E2E_UNEXPRESSED"; then
        pass "the export says that it could not express a guard: $1"
    else
        fail "not refused by the API server's own policies: $1" "$3"
    fi
}

attack() {
    local out code=0 after
    [ -n "$E2E_BEFORE" ] || E2E_BEFORE=$(room) || fail "the room cannot be read" "$E2E_BEFORE"
    out=$("$@" 2>&1) || code=$?
    after=$(room) || fail "the room cannot be read" "$after"
    ended "$*" "$code" "$out" "$(diff <(echo "$E2E_BEFORE") <(echo "$after"))"
    E2E_BEFORE=$after
}

# What such an attack would change cannot be seen in the room.
changed_unseen() { [ "$E2E_RULES" != out ] || echo unseen; }
attack_unseen() {
    local out code=0
    out=$("$@" 2>&1) || code=$?
    ended "$*" "$code" "$out" "$(changed_unseen)"
}

attack_deployed() {
    [ -n "${E2E_GOOD-}" ] || project "$ME"
    E2E_GOOD=yes
    attack kubectl apply -f <(paused "$ME-new" "$@")
    attack kubectl apply -f <(paused "$ME" "$@")
}
sketch() {
    local name=$1
    shift
    [ $# -eq 0 ] || local "$@" # with none, local prints
    SPEC="${SPEC:+$SPEC, }paused: true" program Deployment "$name"
}
paused() { sketch "$@" | if grep -q '^ *rewritten ' "$0"; then cat; else finished; fi; }
finished() {
    if [ "${E2E_NATIVE-}" = validating ]; then
        "$E2E_BIN/proctor" review -p "$E2E_TREE/policies" -n hydrosim-students \
            --as "s${E2E_NUMBERS[0]}" --as-group students -o yaml - 2>/dev/null
    else
        cat
    fi
}

# Whether the node answers is not the webhook's business: the decision log tells what it said.
attack_connect() {
    local out code=0 before
    before=$(connects | wc -l)
    out=$(timeout 20 "$@" 2>&1) || code=$?
    if [ "$E2E_RULES" = out ]; then
        eventually connected $((before + 1))
        code=$(connects | tail -n +$((before + 1)) | grep -cvF '"allowed":true')
    fi
    ended "$*" "$code" "$out" "$(changed_unseen)"
}
connects() {
    grep -F "\"user\":\"s${E2E_NUMBERS[0]}\"" "$E2E_WORK/logs/decisions" |
        grep -F '"operation":"CONNECT"'
}
connected() { [ "$(connects | wc -l)" -ge "$1" ]; }

rewritten() {
    local object=$1 path=$2 wanted=$3 out
    [ "$E2E_RULES" != out ] || wanted=$4
    shift 4
    E2E_BEFORE=
    if out=$("$@" 2>&1); then
        check "after $*: $object $path" "$(admin get "$object" -o jsonpath="$path" 2>&1)" "$wanted"
    elif [ "${E2E_NATIVE-}" = validating ] && refused_natively 1 "$out"; then
        pass "refused, since nobody rewrites it: $*"
    else
        fail "$*" "$out"
    fi
    E2E_MET=${E2E_GUARDS[*]}
}

# Paused, it makes no ReplicaSet and no pod: nothing moves in the room by itself.
project() { accepted kubectl apply -f <(paused "$1" | finished); }
running() {
    accepted kubectl apply -f <(program Deployment "$1" | finished)
    eventually is "deployment/$1" '{.status.observedGeneration} {.status.readyReplicas}' '1 1'
}
pod_of() { admin get pods -l "app=$1" -o 'jsonpath={.items[0].metadata.name}'; }
set_of() { admin get replicasets -l "app=$1" -o 'jsonpath={.items[0].metadata.name}'; }

# Each guard that the head names has refused something.
finish() {
    local guard
    [ "$E2E_RULES" = in ] || return 0
    for guard in "${E2E_GUARDS[@]}"; do
        [[ " $E2E_MET " == *" $guard "* ]] || fail "$guard is named as a guard, and refused nothing"
    done
}
trap finish EXIT
as attacker
