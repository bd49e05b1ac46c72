#!/bin/sh
# Each command's --help teaches: what it does, how it is called, an example, the exit codes, the
# flags.  The commands are those that --help itself lists.  Usage: tests/cli/help.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# commands WORD...: the names below "Commands:" in this help
commands() { "$proctor" "$@" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z-]*\) .*/\1/p'; }

# has NAME PATTERN: a line of the help fits
has() { if grep -qE -- "$2" out; then fine; else wrong "$1: no line like \"$2\""; fi; }

# teaches WORD...: one command's help
teaches() {
    expect "$*" 0 "proctor $*: " "$proctor" "$@" --help
    has "$*: usage" "^Usage: proctor $*( |$)"
    # undo is another word for rollback, with the same help
    has "$*: an example" "^ +.*proctor $(echo "$*" | sed 's/^history undo/history rollback/')( |\)|$)"
    has "$*: exit codes" '^(Exits with|Exit codes)[ :,]'
    has "$*: flags" '^Flags:$'
    has "$*: defaults" '\(default '
    if sed -n '/^Flags:$/,$p' out | grep -qE '^ +(-., )? *--[a-z-]+( [^ ]+)? *$'; then
        wrong "$*: a flag without a word"
    else
        fine
    fi
}

# expect has a $name of its own
for command in $(commands); do
    below=$(commands "$command")
    [ -n "$below" ] || teaches "$command"
    for sub in $below; do teaches "$command" "$sub"; done
done
expect "all commands were looked at" 0 "" test "$(commands | wc -l)" -ge 19
for command in $(commands); do
    case $command in completion | version) continue ;; esac # of the program, not of the policies
    expect "README: $command" 0 "" grep -qE "^[|] .*\`proctor ${command}[ \`]" "$root/README.md"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
