# How long a start takes, beside systemd's own of the same unit: from the command to its end, and to
# the service's first instruction. Emulated, so only the ratios count.
setup
hardened='DynamicUser=yes PrivateNetwork=yes PrivateDevices=yes ProtectHome=yes ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes ProtectClock=yes ProtectHostname=yes ProtectProc=invisible RestrictNamespaces=yes RestrictRealtime=yes RestrictSUIDSGID=yes LockPersonality=yes MemoryDenyWriteExecute=yes SystemCallFilter=@system-service SystemCallArchitectures=native CapabilityBoundingSet= RestrictAddressFamilies=AF_UNIX'
unit() { # FILE LINE…
    { printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\n'; printf '%s\n' "${@:2}"; echo 'ExecStart=/usr/bin/date +%%s%%N'; } >"$1"
}
for dir in . /etc/systemd/system; do
    unit $dir/bare.service
    # shellcheck disable=SC2086
    unit $dir/hardened.service $hardened
done
systemctl daemon-reload
check push push "two services"
rounds=20
median() { sort -n | sed -n "$((rounds / 2))p"; }
measure() { # WHO UNIT
    for _ in $(seq $rounds); do
        before=$(date +%s%N)
        if [ "$1" = systemd ]; then systemctl start "$2"; else gitproc start "$2" >/dev/null; fi
        after=$(date +%s%N)
        if [ "$1" = systemd ]; then
            journalctl --sync
            first=$(journalctl -u "$2" -o cat -t date -n 1 --no-pager)
        else
            first=$(gitproc logs "$2" -o cat -n 1)
        fi
        echo "$(((after - before) / 1000)) $(((first - before) / 1000))"
    done >/tmp/times
    printf '%-9s %-9s command %6s µs, first instruction %6s µs\n' "$1" "$2" \
        "$(cut -d' ' -f1 /tmp/times | median)" "$(cut -d' ' -f2 /tmp/times | median)"
}
for unit in bare hardened; do
    for who in systemd gitproc; do measure $who $unit; done
done
verdict
