# shellcheck shell=bash
# Parts of a test that run beside each other: a line each in the order asked for, behind it the
# whole output of what failed, the sum last.  For tests/run-all and tests/e2e/all.
#
#     logs=FOLDER              where their output is kept, in a file each
#     begin NAME COMMAND...    in the background; with AT_ONCE=N when fewer than N run
#     end NAME                 its line, when it has ended
#     sum                      "N passed, N failed" of all; whether none failed
#
# A part prints "N passed, N failed" last if it counts, and exits non-zero if anything failed; with
# 77, behind a line with SKIPPED, if the machine cannot run it.  It is ended by SIGTERM.
passed=0 failed=0

log_of() { echo "${logs:?}/$(printf '%s' "$1" | tr -c 'a-z0-9.-' '-')"; }

begin() {
    local log
    log=$(log_of "$1")
    shift
    while [ "$(jobs -rp | wc -l)" -ge "${AT_ONCE:-1000}" ]; do
        wait -n
    done
    (
        began=$SECONDS code=0
        "$@" >"$log" 2>&1 </dev/null &
        trap 'kill $!; wait $!; exit' TERM # each cleans up after itself
        wait $! || code=$?
        echo "$code $((SECONDS - began))" >"$log.end"
    ) &
}

# counts_of LOG CODE: "PASSED FAILED".
counts_of() {
    local counts
    counts=$(sed -n 's/^\(.*[^0-9]\)\{0,1\}\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed.*/\2 \3/p' \
        "$1" | tail -n 1)
    if [ "$counts" = "0 0" ]; then # nothing ran: that is no success
        counts="0 1"
    elif [ -z "$counts" ]; then # it does not count itself: it is one check
        counts=$([ "$2" -eq 0 ] && echo "1 0" || echo "0 1")
    elif [ "$2" -ne 0 ] && [ "${counts#* }" -eq 0 ]; then
        counts="${counts% *} 1" # it broke after, or instead of, its last check
    fi
    echo "$counts"
}

end() {
    local log code seconds counts
    log=$(log_of "$1")
    until [ -s "$log.end" ]; do
        sleep 0.2
    done
    read -r code seconds <"$log.end"
    printf '%-32s ' "$1"
    if [ "$code" -eq 77 ]; then
        grep -m1 SKIPPED "$log"
        return
    fi
    counts=$(counts_of "$log" "$code")
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
    printf '%4d passed %3d failed %4d s\n' "${counts% *}" "${counts#* }" "$seconds"
    [ "${counts#* }" -eq 0 ] || {
        sed 's/^/    | /' "$log"
        echo "    | (exit code $code; also in $log)"
    }
}

sum() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
