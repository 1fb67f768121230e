#!/bin/bash
# Checks and steps that the scripts share. A script ends with `verdict`.
failures=0
check() { # WHAT COMMAND…
    local what=$1
    shift
    if "$@"; then echo "ok    $what"; else echo "FAIL  $what: $*"; failures=$((failures + 1)); fi
}
is() { # WHAT FOUND WANTED
    if [ "$2" = "$3" ]; then echo "ok    $1: $2"; else echo "FAIL  $1: '$2', not '$3'"; failures=$((failures + 1)); fi
}
wait_for() { # CONDITION [TENTHS OF A SECOND]
    local tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        if [ $tries -gt "${2:-300}" ]; then check "in time: $1" false; return; fi
        sleep 0.1
    done
}
verdict() {
    [ $failures = 0 ] || { gitproc status; journalctl -u gitproc -u gitproc-services --no-pager | tail -50; }
    exit $failures
}
property() { gitproc show "$1" -p "$2" | cut -d= -f2-; }
payload() { echo "/sys/fs/cgroup$(property "$1" ControlGroup)/payload"; }
answers() { gitproc status >/dev/null 2>&1; }
# An instance under systemd; leaves us in its clone.
setup() {
    systemctl daemon-reload
    check init gitproc init
    check "systemctl start" systemctl start gitproc
    git config --global user.email vm@localhost
    git config --global user.name vm
    cd /etc/gitproc/services || exit 1
}
push() { git add -A && git commit -qm "$1" && git push -q; }
kill_daemon() {
    systemctl kill --signal=KILL --kill-whom=main gitproc
    wait_for '! answers'
    wait_for answers
}
