#!/usr/bin/env bash
# Every script in tests/e2e/attacks/, first with all rules in force: each attack is refused by the
# rules that it names.  Then with those taken out, and no others: each succeeds.  So every rule
# does what it is there for, and the tests would notice if it were gone.
#
# With E2E_NATIVE (tests/e2e/cases/native.sh) each is run once, against the API server's own
# policies.
#
# ATTACKS is the names of some, for example 'bare-pod orphans'; all, if it is empty.
# shellcheck source=/dev/null
. "${0%/*}/lib.sh"
here=${0%/*}
policies=$E2E_TREE/policies
E2E_MINOR=$(kubectl version -o json | sed -n 's/.*"gitVersion": "v\(1\.[0-9]*\).*/\1/p' | tail -n 1)
export E2E_MINOR

guards_of() { sed -n 's/^# guards: //p' "$1" | tr ' ' '\n' | sort | tr '\n' ' '; }
rules_of() { sed -n 's/^ *- id: *\([a-z0-9-]*\)$/\1/p' "$policies/$1/policy.yaml"; }
all_rules() {
    local file
    for file in "$policies"/*/policy.yaml; do
        file=${file%/policy.yaml}
        rules_of "${file##*/}" | sed "s|^|${file##*/}/|"
    done
}

# Every rule is some attack's guard, or stands in no-attack.txt with the reason.
check_heads() {
    local file named
    for file in "$here"/attacks/*.sh; do
        [ -n "$(guards_of "$file")" ] || fail "${file##*/} does not name its guards"
    done
    named=$(sed -n 's/^# guards: //p' "$here"/attacks/*.sh | tr ' ' '\n'
        sed -nE 's/^([a-z-]+\/[a-z0-9-]+) .*/\1/p' "$here/no-attack.txt")
    check "rules that no attack names" "$(comm -23 <(all_rules | sort) <(sort -u <<<"$named"))" ''
    check "names of no rule" "$(comm -13 <(all_rules | sort) <(sort -u <<<"$named"))" ''
    check "rules with an attack in no-attack.txt" "$(sort <<<"$named" | uniq -d |
        grep -Fxf <(sed 's/ .*//' "$here/no-attack.txt"))" ''
}

# people NUMBER: the attacker and the other student.  The administrator's certificate speaks for
# them: to admission it is the same, and it needs no new key for each.
people() {
    local number server
    server=https://127.0.0.1:$(sed -n 's/^kube-apiserver=//p' "$E2E_WORK/ports")
    for number in "$1" $(($1 + 1)); do
        cat >"$E2E_WORK/users/s$number.kubeconfig" <<END
{"apiVersion": "v1", "kind": "Config", "current-context": "e2e",
 "contexts": [{"name": "e2e",
   "context": {"cluster": "e2e", "user": "s$number", "namespace": "hydrosim-students"}}],
 "clusters": [{"name": "e2e",
   "cluster": {"server": "$server", "certificate-authority": "$E2E_WORK/pki/ca.crt"}}],
 "users": [{"name": "s$number", "user": {"as": "s$number", "as-groups": ["students"],
   "client-certificate": "$E2E_WORK/pki/admin.crt", "client-key": "$E2E_WORK/pki/admin.key"}}]}
END
    done
}

# one FILE RULES NUMBER: in a process of its own; what it prints comes as a whole.
one() {
    local out
    people "$3"
    out=$(E2E_RULES=$2 E2E_STUDENT=$3 timeout 120 "$1" 2>&1 </dev/null) || {
        echo fail >>"$E2E_WORK/results"
        out+="  FAILED  $1 ended by itself"
    }
    [ -z "$out" ] || printf '  %s, rules %s:\n%s\n' "$(basename "$1" .sh)" "$2" "$out"
}

# What attacks have left is in the way of none, but lists get long.
sweep() {
    local kind
    wait
    for kind in deployments replicasets statefulsets replicationcontrollers daemonsets cronjobs \
        jobs pods services ingresses secrets persistentvolumeclaims; do
        sed -n "/^url = /!p; /\/$kind\"/p" "$E2E_WORK/kinds"
    done | curl -sS -K - -X DELETE >/dev/null
}

# several RULES FILE...: four at a time.
several() {
    local rules=$1 file
    shift
    for file; do
        number=$((number + 2))
        [ $((number % 50)) -ne 0 ] || sweep
        one "$file" "$rules" "$number" &
        while [ "$(jobs -rp | wc -l)" -ge 4 ]; do
            wait -n
        done
    done
    wait
}

# without FOLDER RULE...: the policies with these rules taken out.
without() {
    local folder=$1 policy
    shift
    for policy in "$policies"/*/; do
        policy=$(basename "$policy")
        mkdir -p "$folder/$policy"
        awk -v policy="$policy" -v gone=" $* " '
            { depth = match($0, /[^ ]/) }
            /^ *- id: / { start = depth; out = index(gone, " " policy "/" $3 " ") }
            !/^ *- id: / && depth && depth <= start { out = 0 }
            !out' "$policies/$policy/policy.yaml" >"$folder/$policy/policy.yaml"
    done
    check "what is taken out for $*" "$(comm -23 <(all_rules | sort) \
        <(policies=$folder all_rules | sort))" "$(printf '%s\n' "$@")"
}

digest() { "$here/webhook" status | sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/'; }

# The numbers of students, two for each attack; seven digits as of other students, and larger.
number=3000000
files=()
for name in ${ATTACKS:-"*"}; do
    # shellcheck disable=SC2206 # the asterisk is meant
    files+=("$here"/attacks/$name.sh)
done
check_heads
if [ -n "${E2E_NATIVE-}" ]; then
    several native "${files[@]}"
    echo "  with the API server's own policies, $E2E_NATIVE: ${#files[@]} attacks, $SECONDS s"
    exit
fi
as admin
whole=$(digest)
declare -A groups
for file in "${files[@]}"; do
    groups[$(guards_of "$file")]+=" $file"
done
for guards in "${!groups[@]}"; do
    read -ra rules <<<"$guards"
    without "$E2E_WORK/without/${guards//[ \/]/+}" "${rules[@]}"
done &
several in "${files[@]}"
echo "  with all rules: ${#files[@]} attacks, $SECONDS s"

# That a rule is a guard is a matter of the policies, not of Kubernetes: one version is enough, if
# time is short.
if [ "${WITHOUT_GUARDS:-yes}" = no ]; then
    wait
    exit
fi
for guards in "${!groups[@]}"; do
    if "$here/webhook" policies "$E2E_WORK/without/${guards//[ \/]/+}"; then
        read -ra files <<<"${groups[$guards]}"
        several out "${files[@]}"
    else
        fail "the policies do not load without $guards"
    fi
done
"$here/webhook" policies "$policies"
check "the rules that are put back" "$(digest)" "$whole"
echo "  without their guards: ${#groups[@]} sets of rules, $SECONDS s"
