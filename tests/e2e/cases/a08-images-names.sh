#!/usr/bin/env bash
# A8: images of the course's registry by a tag that does not move, and names by which a project and
# its pods are found.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
registry=registry.hydrosim.edu
digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
as s2024001

IMAGE=nginx refused_by "$E2E_VERBS" student-deployments/image-registry+image-tag \
    program Deployment $name
empty $name
remember
while read -r given rule; do
    denied "student-deployments/$rule" kubectl create -f <(IMAGE=$given program Deployment $name)
done <<END_OF_TABLE
nginx:1.27 image-registry
docker.io/library/nginx:1.27 image-registry
$registry.evil.example/a:v1 image-registry
evil.example/$registry/a:v1 image-registry
$registry:5000/a:v1 image-registry
REGISTRY.hydrosim.edu/a:v1 image-registry
$registry/a image-tag
$registry/a:latest image-tag
$registry/a:latest@$digest image-tag
END_OF_TABLE
untouched
while read -r given; do
    IMAGE=$given would_store '{.spec.template.spec.containers[0].image}' "$given" \
        program Deployment $name
done <<END_OF_TABLE
$registry/$name:v1
$registry/course/deep/down:2024-10-01
$registry/a@$digest
$registry/a:v2@$digest
END_OF_TABLE

# ---- by the command that is made for it, in every container
image="image: '$registry/$name:v1'"
accepted kubectl apply -f <(POD="initContainers: [{name: first, $image}]" \
    MORE="{name: second, $image}" program Deployment $name)
eventually kubectl rollout status deployment/$name --timeout=1s
remember
for container in app first second '*'; do
    denied student-deployments/image-registry kubectl set image deployment/$name "$container"=a:v1
    denied student-deployments/image-tag \
        kubectl set image deployment/$name "$container"=$registry/$name:latest
done
untouched
accepted kubectl set image deployment/$name "*=$registry/$name@$digest"
stored deployment/$name '{.spec.template.spec.containers[*].image}' \
    "$registry/$name@$digest $registry/$name@$digest"
denied student-deployments/image-registry kubectl patch deployment $name --type json \
    -p '[{"op":"replace","path":"/spec/template/spec/containers/1/image","value":"nginx:1"}]'

# ---- names: as the teacher, who is not held to a number of one's own
as teacher
empty $name
remember
while read -r given verdict; do
    if [ "$verdict" = good ]; then
        accepted kubectl create --dry-run=server -f <(program Deployment "$given")
    else
        denied student-deployments/project-name kubectl create -f <(program Deployment "$given")
    fi
done <<'END_OF_TABLE'
student-1 good
prj-77 good
student-2024001-api good
prj-77-web-2 good
my-shop bad
student-a bad
student-1.api bad
prj77 bad
x-student-1 bad
END_OF_TABLE
untouched
denied student-deployments/no-generated-name kubectl create -f <(program Deployment student-1 |
    sed 's/^metadata: {name: student-1,/metadata: {generateName: student-1-,/')

# ---- labels: put in where they are missing, refused where they say something else
unlabelled() { program Deployment $name | sed 's/, labels: {app: [^}]*}//'; }
as s2024001
stored_by 'create apply server-side replace' '{.metadata.labels.app}' $name unlabelled
labelled() { program Deployment $name | sed "/^metadata/s/app: $name/app: $name-b/"; }
refused_by "${E2E_VERBS/edit /}" student-deployments/app-label labelled
podlabel() { program Deployment $name | sed "/^spec/s/app: $name/app: $name-b/g"; }
before create $name
denied student-deployments/pod-label kubectl apply -f <(podlabel)
denied student-deployments/selector kubectl apply -f <(podlabel)
denied student-deployments/plain-selector kubectl apply -f <(program Deployment $name |
    sed 's/selector: {/&matchExpressions: [{key: app, operator: Exists}], /')
accepted kubectl apply -f <(program Deployment $name)
denied student-deployments/app-label kubectl label deployment $name app=$name-b --overwrite
accepted kubectl label deployment $name app-
stored deployment/$name '{.metadata.labels.app}' $name
