# shellcheck shell=bash
# What cases about a project's history are written with, besides lib.sh; sourced after it:
#
#     . history.sh PROJECT         sets project, here (its path in the API), dir (a folder)
#
#     version NUMBER [TAG]         its manifest; MARKS: further annotations, with a comma before them
#     says WHAT MEMBER VALUE       a member of the last answer ($E2E_ANSWER)
#     answer MEMBER                that member
#     id NUMBER                    the id of the version of that number
#     row NUMBER MEMBER VALUE      what is recorded of it
#     become NUMBER MEMBER VALUE   the same, at the latest after 30 s
#     back STATUS WHO NUMBER [JSON] [CURL OPTION...]
#                                  WHO asks to go back to it
#     is_done                      whether the operation of the last answer is; for `eventually`
project=$1
here=/api/projects/$project
dir=$E2E_WORK/$E2E_NAME
mkdir -p "$dir"

version() {
    META="annotations: {kubernetes.io/change-cause: 'version $1'${MARKS-}}" \
        CONTAINER="env: [{name: VERSION, value: '$1'}]" \
        IMAGE=registry.hydrosim.edu/$project:${2:-v$1} program Deployment "$project"
}

answer() { member "$1" <<<"$E2E_ANSWER"; }
says() { check "$1" "$(answer "$2")" "$3"; }

# Looked up once: it stays what it is.
id() {
    local numbers ids
    if [ ! -s "$dir/id-$1" ]; then
        api_member teacher "$here/deployments?limit=200" items >"$dir/items"
        read -ra numbers < <(member '[*].number' <"$dir/items")
        read -ra ids < <(member '[*].id' <"$dir/items")
        for at in "${!ids[@]}"; do
            echo "${ids[at]}" >"$dir/id-${numbers[at]}"
        done
    fi
    cat "$dir/id-$1"
}
row() { api_is teacher "/api/deployments/$(id "$1")" "$2" "$3"; }
has_row() { api_has teacher "/api/deployments/$(id "$1")" "$2" "$3"; }
become() { eventually has_row "$@"; }
is_done() { api_has teacher "/api/operations/$(answer operation.id)" state "done"; }
generation() { admin get deployment "$project" -o jsonpath='{.metadata.generation}'; }
image() {
    stored "deployment/$project" '{.spec.template.spec.containers[0].image}' \
        "registry.hydrosim.edu/$project:$1"
}
back() {
    local status=$1 who=$2 number=$3 body=${4:-{\}}
    api_does "$status" "$who" POST "/api/deployments/$(id "$number")/rollback" "$body" "${@:5}"
}
