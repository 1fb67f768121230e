# Lines in the journal of the host: journalctl finds them by unit, level, field and commit.
setup
cat >talks.service <<UNIT
[Service]
ExecStart=/bin/sh -c 'echo "<3>it is bad"; echo plain; exec sleep 1000000'
StandardOutput=journal
SyslogIdentifier=talker
LogExtraFields=SHARD=7
[Install]
WantedBy=default.target
UNIT
cat >quiet.service <<UNIT
[Service]
ExecStart=/bin/sh -c 'echo to itself; exec sleep 1000000'
[Install]
WantedBy=default.target
UNIT
cat >many.service <<UNIT
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/seq 20000
X-ForwardToJournal=yes
UNIT
push services
wait_for '[ "$(gitproc logs talks -o cat | wc -l)" = 2 ]'
journal() { journalctl --sync; journalctl -q --no-pager -o cat "$@"; }
wait_for 'journal -u talks | grep -q plain'
is "by unit" "$(journal -u talks)" "it is bad
plain"
is "by level" "$(journal -u talks -p err)" "it is bad"
is "by name" "$(journal -t talker | tail -1)" plain
is "by its own field" "$(journal SHARD=7 | tail -1)" plain
is "by commit" "$(journal GITPROC_COMMIT="$(git rev-parse HEAD)" | tail -1)" plain
is "by invocation" "$(journal GITPROC_INVOCATION="$(property talks InvocationID)" | tail -1)" plain
is "what does not ask is not there" "$(journal -u quiet)" ""
is "it is in its own log" "$(gitproc logs quiet -o cat)" "to itself"

# More than journald takes at once; it also limits us (10,000 in 30 s, systemd's default).
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nRateLimitBurst=0\n' >/etc/systemd/journald.conf.d/vm.conf
systemctl restart systemd-journald
gitproc start many
wait_for 'gitproc logs many -o cat --stream stdout | tail -1 | grep -qx 20000'
is "its own log has all" "$(gitproc logs many -o cat --stream stdout | wc -l)" 20000
wait_for 'journal -u many | tail -1 | grep -qx 20000' 1200
missed=$(gitproc logs many -o cat --stream gitproc | sed -n 's/ lines did not reach.*//p' | awk '{ n += $1 } END { print n + 0 }')
journalctl --sync
suppressed=$(journalctl -q --no-pager -o cat | sed -n 's/^Suppressed \([0-9]*\) messages.*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
found=$(journal -u many | wc -l)
echo "found $found, missed $missed, suppressed by journald $suppressed"
is "each is there or counted" $((found + missed + suppressed)) 20000

# A new journald takes on where the old one ended.
systemctl restart systemd-journald
gitproc restart talks
wait_for '[ "$(journal -u talks | grep -c plain)" = 2 ]'
verdict
