#!/usr/bin/env bash
# Who may ask the recorder what: tokens and client certificates of every kind, and the rights of a
# student, a teacher, the portal, an administrator and a stranger.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
mine=student-2024001 other=student-2024002
dir=$E2E_WORK/history-access
pki=$E2E_WORK/pki
mkdir -p "$dir"
trap 'admin -n hydrosim-students delete role,rolebinding -l case=access >/dev/null 2>&1
    admin -n hydrosim-system delete serviceaccount stranger >/dev/null 2>&1' EXIT

recorder start || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}
as s2024001
accepted kubectl apply -f <(program Deployment $mine)
as s2024002
accepted kubectl apply -f <(program Deployment $other)
eventually api_has teacher /api/projects/$mine HTTP 200
eventually api_has teacher /api/projects/$other HTTP 200

# with STATUS PATH CURL-OPTION...: nobody, but for what curl is told
with() { api_does "$1" nobody GET "$2" "${@:3}"; }
bearer() { with "$1" "${3-/api/whoami}" --header "Authorization: Bearer $2"; }
detail() { check "$1" "$(member detail <<<"$E2E_ANSWER")" "$2"; }
user() { check "it is $1" "$(member user <<<"$E2E_ANSWER")" "$1"; }
certificate() { with "$1" "${3-/api/whoami}" --cert "$pki/$2.crt" --key "$pki/$2.key"; }

# ---- tokens

new_token() { admin -n hydrosim-system create token "$@"; }
bearer 200 "$(recorder token s2024001)"
user s2024001
check "a student's group is there" "$(member groups <<<"$E2E_ANSWER" | grep -cw students)" 1
portal=$(new_token portal-backend-sa)
bearer 200 "$portal"
user system:serviceaccount:hydrosim-system:portal-backend-sa

# What goes through the API server's proxy loses its Authorization there.
with 200 /api/whoami --header "Proctor-Authorization: Bearer $portal"
user system:serviceaccount:hydrosim-system:portal-backend-sa

with 401 /api/whoami
detail "no token" "no credential: send Authorization: Bearer TOKEN, or a client certificate"
check "the problem has its reason" "$(member reason <<<"$E2E_ANSWER")" Unauthorized
bearer 401 garbage
detail "an unknown token" "the token is not known to this cluster, or not any more"
with 401 /api/whoami --header 'Authorization: Basic YWRtaW46YWRtaW4='
detail "no bearer token" "only bearer tokens are understood: Authorization: Bearer TOKEN"
with 401 /api/whoami --header "Authorization: Bearer $portal $portal"
detail "two in one" "the token is malformed"

# The same token, as if it had been issued long ago, or its account were another: signed with the
# cluster's own key, and with what is not.
reissue() { # reissue KEY MEMBER=JSON...
    python3 -IS - "$portal" "$@" <<'END'
import base64, json, subprocess, sys
def decode(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def encode(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
token, key, *changes = sys.argv[1:]
head, claims, _ = token.split(".")
claims = json.loads(decode(claims))
claims.update((name, json.loads(value)) for name, value in (c.split("=", 1) for c in changes))
text = head + "." + encode(json.dumps(claims).encode())
der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(),
                     stdout=subprocess.PIPE, check=True).stdout
at, numbers = 2, []
for _ in range(2):  # SEQUENCE of two INTEGERs -> r and s of 32 bytes
    size = der[at + 1]
    numbers.append(der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
    at += 2 + size
print(text + "." + encode(b"".join(numbers)))
END
}
bearer 200 "$(reissue "$pki/tokens.key" 'exp=4000000000')"
bearer 401 "$(reissue "$pki/tokens.key" 'exp=1700003600' 'iat=1700000000' 'nbf=1700000000')"
detail "an old token" "the token has expired: get a new one"
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/forger.key"
bearer 401 "$(reissue "$dir/forger.key" 'sub="system:serviceaccount:kube-system:default"')"
detail "a forged token" "the token is not known to this cluster, or not any more"
signature=${portal##*.}
bearer 401 "${portal%.*}.${signature//[A-Za-z0-9]/A}"
bearer 401 "$(new_token portal-backend-sa --audience https://elsewhere.example)"
detail "another's token" "the token is for another audience"
admin -n hydrosim-system create serviceaccount stranger >/dev/null
gone=$(new_token stranger)
admin -n hydrosim-system delete serviceaccount stranger >/dev/null
bearer 401 "$gone"
admin -n hydrosim-system create serviceaccount stranger >/dev/null
bearer 401 "$gone"

# ---- client certificates

certificate 200 s2024001
user s2024001
check "a certificate's group is there" "$(member groups <<<"$E2E_ANSWER" | grep -cw students)" 1
certificate 200 s2024001 /api/projects/$mine
certificate 403 s2024001 /api/projects/$other
certificate 200 admin /api/projects/$other
certificate 401 apiserver
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /O=system:masters/CN=admin -addext extendedKeyUsage=clientAuth \
    -keyout "$dir/forged.key" -out "$dir/forged.crt" 2>/dev/null
check "a certificate of another CA is nobody's" "$(recorder get /api/whoami nobody \
    --cert "$dir/forged.crt" --key "$dir/forged.key" -w '%{http_code}' -o /dev/null 2>/dev/null |
    grep -cE '^(401|000)$')" 1
with 200 /api/whoami --cert "$pki/s2024001.crt" --key "$pki/s2024001.key" \
    --header "Authorization: Bearer $portal"
user system:serviceaccount:hydrosim-system:portal-backend-sa

# ---- whose is it

of() { api_member "$1" "/api/projects?limit=200" 'items[*].name'; }
check "a student sees the student's own" "$(of s2024001)" $mine
check "and another the other's" "$(of s2024002)" $other
check "a teacher sees all" "$(of teacher)" "$mine $other"
check "so does the portal" "$(of portal)" "$mine $other"
check "and an administrator" "$(of admin)" "$mine $other"
id=$(api_member teacher /api/projects/$mine current.id)
for path in /api/projects/$mine /api/projects/$mine/{deployments,events,holds,stream} \
    "/api/deployments/$id" "/api/deployments/$id"/{events,instances,evidence,template,diff}; do
    api_does 403 s2024002 GET "$path"
    api_does 401 nobody GET "$path"
done
for path in /api/projects/$mine/{restart,pause,resume,undelete} \
    "/api/deployments/$id"/{rollback,cancel}; do
    api_does 403 s2024002 POST "$path" '{"dryRun":true}'
    api_does 401 nobody POST "$path" '{"dryRun":true}'
done
api_does 403 s2024002 POST "/api/deployments/$id/mark" '{"good":"no"}'
api_does 403 s2024002 POST /api/projects/$mine/deploy \
    "{\"image\":\"registry.hydrosim.edu/$mine:v2\"}"
api_does 403 s2024002 DELETE "/api/projects/$mine/holds?template=$(printf '%064d' 0)"
check "nothing of it was done" "$(admin get deployment $mine -o jsonpath='{.metadata.generation}')" 1
api_does 403 s2024002 GET /api/projects/$mine
detail "the refusal says whose it is" "s2024002 may not read the project $mine, which is not theirs: \
A project belongs to the student whose number is in its name. (ownership/own-delete)"
check "an export has the student's own" \
    "$(recorder get '/api/export?format=csv' s2024002 | grep -c $mine)" 0
for who in s2024001 teacher portal admin; do
    api_does 200 "$who" GET /api/projects/$mine
    api_does 200 "$who" POST "/api/deployments/$id/mark" '{"good":"yes","reason":"it is"}'
done

# ---- no rights, few rights, and those that are shipped

stranger=$(new_token stranger)
bearer 200 "$stranger" /api/projects
check "who may nothing sees nothing" "$(member 'items[*].name' <<<"$E2E_ANSWER")" ''
bearer 403 "$stranger" /api/projects/$mine
detail "the missing right is named" "system:serviceaccount:hydrosim-system:stranger may not read \
$mine: the right to get deployments.apps in the namespace hydrosim-students is missing"
bearer 403 "$stranger" /api/projects/no-such-project

give() { # give ROLE USER: to a user who is in no group
    admin -n hydrosim-students create rolebinding "access-$2" --role "$1" --user "$2" >/dev/null 2>&1
    admin -n hydrosim-students label rolebinding "access-$2" case=access >/dev/null 2>&1
    "$E2E_TREE/tests/e2e/cluster" user "$2" >/dev/null
}
kubectl create role access-reader --verb get --resource deployments.apps \
    --resource-name $mine --dry-run=client -o yaml | admin -n hydrosim-students apply -f - >/dev/null 2>&1
admin -n hydrosim-students label role access-reader case=access >/dev/null 2>&1
give access-reader reader
post() { # post STATUS WHO PATH JSON: by certificate
    api_does "$1" nobody POST "$3" "$4" --cert "$pki/$2.crt" --key "$pki/$2.key"
}
certificate 200 reader /api/projects/$mine
certificate 403 reader /api/projects/$other
post 403 reader /api/projects/$mine/restart '{"dryRun":true}'
detail "the verb is named" "reader may not roll back $mine: the right to rollback deployments.apps \
in the namespace hydrosim-students is missing"
post 403 reader /api/projects/$mine/deploy '{"image":"registry.hydrosim.edu/student-2024001:v2"}'

# The Role of the manifests is enough for all that a student does here.
awk -v RS='---\n' '/\nkind: Role\n/ && /name: student-project-manager\n/' \
    "$E2E_TREE/manifests/base/rights.yaml" | admin apply -f - >/dev/null 2>&1
admin -n hydrosim-students label role student-project-manager case=access >/dev/null 2>&1
give student-project-manager shipped
certificate 200 shipped /api/projects/$mine
post 200 shipped "/api/deployments/$id/mark" '{"good":"yes"}'
post 202 shipped /api/projects/$mine/deploy \
    "{\"image\":\"registry.hydrosim.edu/$mine:v2\",\"expose\":false}"
