# The host's clock jumps: services, watchdogs, waits and logs go by time that passes.
setup
cat >/usr/local/bin/dog <<'PY'
#!/usr/bin/python3
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
while True:
    s.send(b"WATCHDOG=1")
    print("woof", flush=True)
    time.sleep(1)
PY
chmod +x /usr/local/bin/dog
cat >dog.service <<UNIT
[Service]
Type=notify
WatchdogSec=20
ExecStart=/usr/local/bin/dog
[Install]
WantedBy=default.target
UNIT
# Waits an hour for its next start; and one that ends itself after an hour.
cat >waits.service <<UNIT
[Service]
ExecStart=/bin/false
Restart=always
RestartSec=1h
[Install]
WantedBy=default.target
UNIT
cat >ends.service <<UNIT
[Service]
ExecStart=/bin/sleep 100000
RuntimeMaxSec=1h
[Install]
WantedBy=default.target
UNIT
git add -A && git commit -qm "services" && git push -q
wait_for '[ "$(property waits SubState)" = auto-restart ]'
dog=$(property dog MainPID)
ends=$(property ends MainPID)
woofs() { gitproc logs dog -o cat -n 100000 | grep -c woof; }
same() {
    # Whatever is due by a wrong clock would be due at once.
    before=$(woofs)
    wait_for '[ "$(woofs)" -gt $((before + 3)) ]'
    is "the dog after $1" "$(property dog MainPID)" "$dog"
    is "the service that ends in an hour after $1" "$(property ends MainPID)" "$ends"
    is "restarts after $1" "$(property waits SubState) $(property waits NRestarts)" "auto-restart 0"
}
same "nothing"
date -s '+1 day' >/dev/null
same "a jump by a day"
kill_daemon
same "a jump, and a new daemon"
date -s '-2 days' >/dev/null
same "a jump back by two days"
kill_daemon
same "a jump back, and a new daemon"
echo "# a remark" >>ends.service
check "a push after all that" push "a remark"
gitproc restart dog
check "restart works" [ "$(property dog ActiveState)" = active ]
dog=$(property dog MainPID)
lines=$(woofs)
check "no line was lost at the jumps: $lines" [ "$lines" -gt 15 ]

check "state is shown" answers
verdict
