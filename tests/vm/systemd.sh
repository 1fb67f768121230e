# A service and its limits survive whatever happens to the daemon and to systemd.
setup
cat >a.service <<UNIT
[Service]
ExecStart=/bin/sleep 100000
MemoryMax=64M
[Install]
WantedBy=default.target
UNIT
check push push "a service"
pid=$(property a MainPID)
same() {
    is "pid after $1" "$(property a MainPID)" "$pid"
    is "limit after $1" "$(cat "$(payload a)/memory.max")" $((64 << 20))
}
for round in 1 2 3; do
    check "restart $round" systemctl restart gitproc
    same "restart $round"
done
kill_daemon
same "kill -9"
systemctl daemon-reexec
systemctl restart gitproc
same "daemon-reexec and restart"
systemctl stop gitproc
check "it runs on without a daemon" kill -0 "$pid"
systemctl start gitproc
same "stop and start"
is "fields in the journal" "$(journalctl GITPROC_UNIT=a.service --no-pager -o cat | grep -c adopted)" 6

gitproc stop a
systemctl daemon-reload
check "start in an empty cgroup" gitproc start a
kill -9 "$(systemctl show --value --property=MainPID gitproc-services)"
wait_for '! answers'
wait_for '[ "$(property a ActiveState 2>/dev/null)" = active ]'
is "both units after the holder's death" "$(systemctl is-active gitproc gitproc-services | xargs)" "active active"

pid=$(property a MainPID)
systemctl stop gitproc-services
is "both units stopped" "$(systemctl is-active gitproc gitproc-services | xargs)" "inactive inactive"
check "its service ended" [ ! -e "/proc/$pid" ]
check "no cgroup is left" [ ! -e /sys/fs/cgroup/system.slice/gitproc-services.service ]

systemctl start gitproc
wait_for '[ "$(property a ActiveState)" = active ]'
check shutdown gitproc shutdown
wait_for '! systemctl is-active -q gitproc'
is "it stays down" "$(systemctl is-active gitproc)" inactive
check "only the holder is left" [ ! -e /sys/fs/cgroup/system.slice/gitproc-services.service/gitproc ]
verdict
