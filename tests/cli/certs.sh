#!/bin/sh
# proctor certs against the built program, with openssl as the independent judge.
# Usage: tests/cli/certs.sh [PROCTOR]   (default build/bin/proctor)
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

expect "issue writes files" 0 "wrote ca.crt, ca.key, tls.crt and tls.key" \
    "$proctor" certs issue --service proctor --namespace course --dns localhost \
    --ip=127.0.0.1 --days 90 --out a
expect "openssl verifies the chain, strictly" 0 "OK" \
    openssl verify -x509_strict -purpose sslserver -CAfile a/ca.crt a/tls.crt
expect "openssl finds the service's name" 0 "does match" \
    openssl x509 -in a/tls.crt -noout -checkhost proctor.course.svc
expect "openssl finds the address" 0 "does match" \
    openssl x509 -in a/tls.crt -noout -checkip 127.0.0.1
expect "openssl finds no other name" 0 "does NOT match" \
    openssl x509 -in a/tls.crt -noout -checkhost other.course.svc
expect "the leaf is for servers" 0 "TLS Web Server Authentication" \
    openssl x509 -in a/tls.crt -noout -ext extendedKeyUsage
expect "the CA may sign no CA" 0 "CA:TRUE, pathlen:0" \
    openssl x509 -in a/ca.crt -noout -ext basicConstraints
expect "the key is P-256" 0 "prime256v1" openssl pkey -in a/tls.key -noout -text
openssl pkey -in a/tls.key -pubout -out key.pub
openssl x509 -in a/tls.crt -noout -pubkey -out cert.pub
expect "key and certificate belong together" 0 "" cmp key.pub cert.pub
expect "keys are the owner's alone" 0 "600 600" sh -c 'echo $(stat -c %a a/tls.key a/ca.key)'

cp -a a a.before
expect "a second issue overwrites nothing" 2 "proctor certs renew a" \
    "$proctor" certs issue --dns x --out a
expect "and the folder is as it was" 0 "" diff -r a a.before
expect "a fresh folder is fine" 0 "fine" "$proctor" certs check a --host proctor.course.svc
expect "show has names" 0 "proctor.course.svc.cluster.local, proctor.course, localhost, 127.0.0.1" \
    "$proctor" certs show a
fingerprint=$(openssl x509 -in a/tls.crt -noout -fingerprint -sha256 | cut -d= -f2)
expect "show has openssl's fingerprint" 0 "\"$fingerprint\"" "$proctor" certs show a -o json
expect "not due" 0 "(--force renews anyhow)" "$proctor" certs renew a
expect "and nothing changed" 0 "" diff -r a a.before
expect "due within 90" 0 "renewed: 90 days left" "$proctor" certs renew --within 90 a
expect "the CA is the same" 0 "" cmp a/ca.crt a.before/ca.crt
expect "the key is another" 1 "" cmp a/tls.key a.before/tls.key
expect "the new one verifies" 0 "OK" openssl verify -x509_strict -CAfile a/ca.crt a/tls.crt
expect "the names stayed" 0 "does match" openssl x509 -in a/tls.crt -noout -checkip 127.0.0.1
expect "an ending CA is replaced" 0 "ca.crt now holds the new and the old one" \
    "$proctor" certs renew --within 4000 a
expect "the bundle verifies the new" 0 "OK" openssl verify -CAfile a/ca.crt a/tls.crt
expect "the bundle verifies the old" 0 "OK" openssl verify -CAfile a/ca.crt a.before/tls.crt
expect "no leftovers" 0 "4" sh -c 'ls -A a | wc -l'

cp a.before/ca.key a/tls.key
chmod 644 a/tls.key
expect "check finds the foreign key" 1 "a/tls.key: does not belong to a/tls.crt" \
    "$proctor" certs check a
expect "check finds the mode too" 1 "chmod 600 a/tls.key" "$proctor" certs check a
expect "check as JSON" 1 '"mend":' "$proctor" certs check -o json a
expect "renew mends it" 0 "renewed" "$proctor" certs renew a
expect "and the new key is not for all to read" 0 "640" stat -c %a a/tls.key
expect "and all is well" 0 "fine" "$proctor" certs check a

openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.key -out weak.crt -subj /CN=weak \
    -days 5 2>/dev/null
mkdir weak && mv weak.key weak/tls.key && cp weak.crt weak/ca.crt && mv weak.crt weak/tls.crt
expect "a weak foreign key is found" 1 "its key is weak" "$proctor" certs check weak
expect "a few days are found" 1 "ends in" "$proctor" certs check weak
expect "a CA as server is found" 1 "is a CA certificate" "$proctor" certs check weak
cp weak/tls.key weak/ca.key
expect "a stranger's files are not renewed" 2 "Proctor did not issue these" \
    "$proctor" certs renew --force weak

openssl pkey -in a/tls.key -aes256 -passout pass:word -out locked.key
cp -a a locked && cp locked.key locked/ca.key
expect "an encrypted CA key asks nobody" 2 "is encrypted" "$proctor" certs renew --force locked
expect "a cluster's flag with a folder" 2 "goes with --in-cluster" \
    "$proctor" certs renew --rotate-ca a
expect "a folder with a cluster" 2 "takes no folder" "$proctor" certs renew --in-cluster a
expect "a certificate due when it is made" 2 "every run would renew it" \
    "$proctor" certs renew --in-cluster --within 365
expect "one Secret for both" 2 "must not lie in the pods" \
    "$proctor" certs renew --in-cluster --secret x --ca-secret x
expect "no cluster anywhere" 2 "nowhere/config" \
    "$proctor" certs renew --in-cluster --kubeconfig nowhere/config
expect "a key given to show" 2 "holds a private key" "$proctor" certs show a/tls.key
: >empty.crt
expect "an empty file" 2 "is empty" "$proctor" certs show empty.crt
head -c 4096 /dev/urandom >noise.crt
expect "noise" 2 "no certificate in it" "$proctor" certs show noise.crt
expect "a missing folder" 2 "No such file" "$proctor" certs check nowhere
expect "a missing parent" 2 "cannot make the folder" "$proctor" certs issue --dns x --out no/where
expect "a file instead of a folder" 2 "Not a directory" \
    "$proctor" certs issue --dns x --out empty.crt
expect "a full disk" 2 "cannot write the output" sh -c "'$proctor' certs show a >/dev/full"

mkdir trap && ln -s "$work/outside" trap/tls.key
expect "a link is not followed" 2 "holds tls.key" "$proctor" certs issue --dns x --out trap
expect "and nothing is outside" 1 "" test -e outside
mkdir trap2 && mkdir stage && ln -s ../stage trap2/.proctor-new
expect "a planted staging link is refused" 2 "cannot write" \
    "$proctor" certs issue --dns x --out trap2
expect "and nothing is in it" 0 "0" sh -c 'ls -A stage | wc -l'

"$proctor" certs issue --service proctor -n course -o yaml >secret.yaml
expect "Secrets as YAML" 0 "type: kubernetes.io/tls" cat secret.yaml
sed -n '0,/^  tls.crt: /s/^  tls.crt: //p' secret.yaml | base64 -d >s.crt
sed -n 's/^#     caBundle: //p' secret.yaml | base64 -d >s.ca
expect "the Secret verifies against the caBundle" 0 "OK" openssl verify -CAfile s.ca s.crt
expect "Secrets as JSON" 0 '"caBundle": "LS0t' \
    "$proctor" certs issue --service proctor -n course -o json
expect "a bad name" 2 "is not a DNS name" "$proctor" certs issue --dns 'a,IP:6.6.6.6' --out b
expect "makes no folder" 1 "" test -e b
expect "no names" 2 "no name to issue for" "$proctor" certs issue --out b
expect "nowhere to" 2 "--out DIR for files" "$proctor" certs issue --dns x
expect "days out of range" 2 "from 1 to 36500" "$proctor" certs issue --dns x --out b --days 0
expect "a slip in a flag" 2 "did you mean --host" "$proctor" certs check --hots x a
expect "a slip in a command" 2 'did you mean "issue"' "$proctor" certs isue
expect "a slip in a value" 2 "must be one of text|json" "$proctor" certs show -o yaml a
expect "help" 0 "Exit codes: 0 fine, 1 something is wrong" "$proctor" help certs check
"$proctor" certs check a.before >plain
expect "no colour in a pipe" 1 "" grep -q "$(printf '\033')" plain
expect "colour if asked" 0 "$(printf '\033')[32mfine" "$proctor" certs check --color=always a.before

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
