#!/usr/bin/env bash
# Hostile words about who somebody is: a forged or replayed on-behalf-of, a borrowed history id, SQL,
# header and terminal sequences in names and change-causes; and no secret in the recorder's log.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
portal=system:serviceaccount:hydrosim-system:portal-backend-sa
pki=$E2E_WORK/pki

recorder start --trusted $portal --log-level debug || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}
kubectl config view --raw >"$dir/portal.kubeconfig"
portal_token=$(recorder token portal)
KUBECONFIG=$dir/portal.kubeconfig kubectl config set-credentials portal \
    --token "$portal_token" >/dev/null
KUBECONFIG=$dir/portal.kubeconfig kubectl config set-context --current --user portal \
    --namespace hydrosim-students >/dev/null
as_portal() { export KUBECONFIG=$dir/portal.kubeconfig; }

# change NUMBER ON-BEHALF-OF: the next version, with that annotation
change() { MARKS=", proctor.dev/on-behalf-of: \"$2\"" version "$1" | accepted kubectl apply -f -; }
touch_up() { accepted kubectl set env "deployment/$project" VERSION="$1"; }
is_of() { # is_of NUMBER USER BEHALF: who brought it
    become "$1" actor.user "$2"
    row "$1" actor.onBehalfOf "$3"
}

# ---- on whose behalf

as s2024001
change 1 'teacher;nonce-0000-0001'
as_portal
change 2 's2024002;nonce-0000-0002'
change 3 's2024001;nonce-0000-0002'
change 4 's2024001;nonce-0000-0004'
touch_up 5
as s2024001
touch_up 6
as_portal
change 7 's2024001;short'
change 8 's2024001'
change 9 's2024001\e[31m;nonce-0000-0009'
# Who may impersonate says through what, and nobody else does.
curl -sS -o "$dir/patched" --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" \
    -X PATCH -H 'Content-Type: application/merge-patch+json' -H 'Impersonate-User: s2024001' \
    -H 'Impersonate-Group: students' -H 'Impersonate-Extra-proctor.dev%2fvia: help-desk' \
    --data '{"spec":{"template":{"metadata":{"annotations":{"version":"10"}}}}}' \
    "$(admin config view -o jsonpath='{.clusters[0].cluster.server}')/apis/apps/v1/namespaces/\
hydrosim-students/deployments/$project"

is_of 1 s2024001 null # a student is not trusted with it
is_of 2 $portal s2024002
is_of 3 $portal null # the nonce was used
is_of 4 $portal s2024001
is_of 5 $portal null # what stands there from before says nothing of this change
is_of 6 s2024001 null
is_of 7 $portal null
is_of 8 $portal null
is_of 9 $portal null
is_of 10 s2024001 null
row 10 actor.via help-desk
row 9 actor.via null

# By the API it is a header, and whoever sends it means it.
api_does 403 s2024001 POST "$here/restart" '{"dryRun":true}' -H 'Proctor-On-Behalf-Of: teacher'
says "who is not trusted is told so" reason Forbidden
for person in "$(printf 'root\033[31m')" "$(printf 'x%.0s' {1..300})" "$(printf 'a\377b')"; do
    api_does 400 portal POST "$here/restart" '{"dryRun":true}' -H "Proctor-On-Behalf-Of: $person"
done

# ---- the recorder's own word, from somebody else

as s2024001
MARKS=", proctor.dev/history-id: 'rollback-1'" version 11 | accepted kubectl apply -f -
latest() { api_member teacher "$here/deployments?limit=1" "items[0].$1"; }
latest_is() { [ "$(latest "$1")" = "$2" ] || { latest "$1" && return 1; }; }
eventually latest_is changeCause 'version 11'
check "it is a student's change" "$(latest origin) $(latest actor.user) $(latest rollbackOf)" \
    'admission s2024001 null'

# ---- text is text

sql="x'); DROP TABLE revision; --"
accepted kubectl annotate deployment "$project" kubernetes.io/change-cause="$sql" --overwrite
touch_up 12
eventually latest_is changeCause "$sql"
escape=$(printf 'red \033[31m\033]0;title\a and \r\n\r\nHTTP/1.1 200 OK\r\nEvil: yes')
accepted kubectl annotate deployment "$project" kubernetes.io/change-cause="$escape" --overwrite
touch_up 13
eventually latest_is changeCause "$escape"
check "no escape sequence leaves the API as such" \
    "$(recorder get "$here/deployments?limit=200" teacher | grep -c $'\033')" 0
check "nor in an export" "$(recorder get '/api/export?format=csv' teacher | grep -c $'\033')" 0
shown=$("$E2E_BIN/proctor" history list "$project" --server "$(recorder url)" --server-ca "$(recorder ca)" \
    --kubeconfig "$dir/portal.kubeconfig" 2>&1)
check "the command shows it" "$(grep -c 'DROP TABLE' <<<"$shown")" 1
check "and no escape sequence" "$(grep -c $'\033' <<<"$shown")" 0

# A user whose name is all of that, known by a certificate.
strange="o'; DROP TABLE event; --\$(id) %s%n"
"$E2E_TREE/tests/e2e/cluster" user odd teachers >/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/odd.key" \
    -subj "/O=teachers/CN=$strange" -out "$dir/odd.csr" 2>/dev/null
openssl x509 -req -days 2 -in "$dir/odd.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" \
    -extfile <(echo extendedKeyUsage=clientAuth) -out "$pki/odd.crt" 2>/dev/null
export KUBECONFIG=$E2E_WORK/users/odd.kubeconfig
accepted kubectl -n hydrosim-students set env "deployment/$project" VERSION=14
eventually latest_is actor.user "$strange"
api_does 200 nobody GET /api/whoami --cert "$pki/odd.crt" --key "$pki/odd.key"
says "the certificate's name is the user's" user "$strange"
api_does 200 teacher GET "$here/deployments" -G --data-urlencode "actor=$strange"
says "a search for it finds it" 'items[*].actor.user' "$strange"
api_does 200 teacher GET "$here/deployments" -G --data-urlencode "actor=' OR '1'='1"
says "a search is no SQL" items '[]'

# ---- names and headers

for name in "$project%0d%0aEvil:%20yes" "$project%27%3B--" '%2e%2e%2fprojects' '%1b%5b31m' \
    "$project%00" 'a%ff' "$(printf 'a%.0s' {1..300})" 'A_b'; do
    answer=$(recorder get "/api/projects/$name" teacher -i)
    case $(head -n 1 <<<"$answer") in
        *' 40'[0-9]*) pass "$name is refused" ;;
        *) fail "$name is answered" "$answer" ;;
    esac
    check "no header and no sequence of it: $name" "$(grep -cE $'^Evil|\033' <<<"$answer")" 0
done
for value in "$(printf 'a\tb')" "$(printf 'x%.0s' {1..5000})" 'ключ' "'; DROP TABLE rollback_op; --"; do
    answer=$(recorder get "$here/restart" teacher -i -X POST -H "Idempotency-Key: $value" \
        -H 'Content-Type: application/json' --data '{"dryRun":true}' 2>&1)
    case $(grep -m 1 '^HTTP' <<<"$answer") in
        *' '[24][0-9][0-9]*) pass "a key of ${value:0:9} is judged" ;;
        *) fail "a key of ${value:0:9}" "$answer" ;;
    esac
done
api_does 200 teacher GET "$here/deployments?limit=200"
check "everything is still there" "$(member 'items[*].number' <<<"$E2E_ANSWER" | wc -w)" \
    "$(latest number)"

# ---- the intent port, and what the log says

record=$(sed -n '/"serving"/s/.*"recordPort":"\([^"]*\)".*/\1/p' "$(recorder log)" | tail -n 1)
for path in /record/wrong-secret-of-somebody /record/ /record "/record/$(printf 'a%.0s' {1..500})"; do
    check "another path is none: ${path:0:30}" "$(curl -s -o /dev/null -w '%{http_code}' \
        --cacert "$(recorder ca)" -X POST -H 'Content-Type: application/json' \
        --data '{}' "https://127.0.0.1:$record$path")" 404
done
api_does 401 nobody GET /api/whoami --header 'Authorization: Bearer a-secret-that-was-wrong'
log=$(recorder log)
for secret in "$(head -n 1 "$E2E_WORK/recorder/secret")" "$portal_token" "${portal_token##*.}" \
    "$(recorder token teacher)" "$(recorder token s2024001)" a-secret-that-was-wrong \
    wrong-secret-of-somebody "$(sed -n 's/.*token: "\([^"]*\)".*/\1/p' \
        "$E2E_WORK/recorder/proctor-recorder.kubeconfig")"; do
    check "the log keeps ${secret:0:6}... to itself" "$(grep -cF -- "$secret" "$log")" 0
done
check "the log has no sequence" "$(grep -c $'\033' "$log")" 0
check "each line of the log is JSON" "$(python3 -IS -c '
import json, sys
print(sum(not isinstance(json.loads(line), dict) for line in sys.stdin))' <"$log" 2>&1 | tail -n 1)" 0
