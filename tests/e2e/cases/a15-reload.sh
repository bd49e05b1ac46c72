#!/usr/bin/env bash
# A15: policies are reloaded from their files, all or none; a bad file never replaces a good set.
# The folder is laid out as a mounted ConfigMap is: its files are links into ..data, and ..data is
# swapped for another link.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
folder=$CLUSTER_DIR/policies
memory='{..limits.memory}'
as s2024001

# fill NUMBER: the five files, in a folder of their own beside those that serve.
fill() {
    local pack
    mkdir -p "$1"
    for pack in "$E2E_TREE"/policies/*/; do
        cp "$pack/policy.yaml" "$1/$(basename "$pack").yaml"
    done
}
swap() { # swap NUMBER: in one step, as the kubelet does it
    ln -s "..$1" "$folder/..data_tmp"
    mv -T "$folder/..data_tmp" "$folder/..data"
}
serves() { "$E2E_TREE/tests/e2e/webhook" status; }
digest() { serves | sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/'; }
other_than() { [ "$(digest)" != "$1" ]; }
reloaded() { serves | grep -q "\"policyReload\":{\"ok\":$1"; }

# ---- one set of files, laid out so
own_policies
layout=$E2E_WORK/layout
rm -rf "$layout"
fill "$layout/..1"
ln -s ..1 "$layout/..data"
for file in "$layout"/..1/*; do
    ln -s "..data/${file##*/}" "$layout/${file##*/}"
done
accepted serve "$layout"
first=$(digest)
would_store "$memory" 512Mi program Deployment $name

# ---- a stricter one: takes effect by itself, without a signal or a restart
pid=$(<"$CLUSTER_DIR/run/proctor-webhook")
fill "$folder/..2"
sed -i 's/default: 512Mi/default: 256Mi/; s/max: 512Mi/max: 256Mi/' \
    "$folder/..2/student-deployments.yaml"
swap 2
eventually other_than "$first"
second=$(digest)
would_store "$memory" 256Mi program Deployment $name
stored_by 'create server-side' "$memory" 256Mi program Deployment $name
check "the same process" "$(<"$CLUSTER_DIR/run/proctor-webhook")" "$pid"

# ---- one bad file among good changes: none of them counts, what served goes on serving
bad() { # bad NUMBER WHAT: after its files were broken
    swap "$1"
    eventually reloaded false
    check "$2: the same set" "$(digest)" "$second"
    would_store "$memory" 256Mi program Deployment $name-b
    denied student-deployments/image-registry \
        kubectl create -f <(IMAGE=nginx program Deployment $name-b)
    swap 2
    eventually reloaded true
    check "$2: back again" "$(digest)" "$second"
}
began=$(wc -l <"$E2E_WORK/logs/decisions")
number=3
while IFS='|' read -r what file edit; do
    fill "$folder/..$number"
    sed -i 's/max: 512Mi/max: 64Mi/; s/default: 512Mi/default: 64Mi/' \
        "$folder/..$number/student-deployments.yaml"
    sed -i "$edit" "$folder/..$number/$file.yaml"
    bad $number "$what"
    number=$((number + 1))
done <<'END_OF_TABLE'
not YAML|ownership|1i ]
an unknown key|no-side-doors|s/^  mode: enforce/  moode: enforce/
a rule twice|pod-security-floor|s/id: no-host-pid/id: no-host-ipc/
a bad pattern|student-network|s/pattern: .*/pattern: '('/
cut off|student-deployments|/pattern: /{s/student.*//;q}
END_OF_TABLE
fill "$folder/..$number"
: >"$folder/..$number/ownership.yaml"
rm "$folder/..$number"/[!o]*
bad $number 'empty and missing files'
check "the log names file, line and column" "$(grep -c \
    'no-side-doors.yaml:[0-9]*:[0-9]*".*moode' "$E2E_WORK/logs/proctor-webhook" |
    sed 's/^[1-9].*/yes/')" yes

# ---- each request was judged by one whole set
check "only this set decided" "$(tail -n "+$((began + 1))" "$E2E_WORK/logs/decisions" |
    grep -o '"digest":"[0-9a-f]*"' | sort -u)" "\"digest\":\"$second\""

# ---- and back
swap 1
eventually other_than "$second"
check "the first set again" "$(digest)" "$first"
would_store "$memory" 512Mi program Deployment $name-c
