# An ordinary user in a delegated unit has limits, and a restart of the unit is prompt.
useradd -m joe
cat >/etc/systemd/system/joe.service <<'UNIT'
[Service]
Type=notify
User=joe
Delegate=yes
KillMode=mixed
TimeoutStopSec=5min
ExecStart=/usr/local/bin/gitproc --root /home/joe/site daemon --stop-services
UNIT
systemctl daemon-reload
joe() { su joe -c "cd; $1"; }
gitproc() { command gitproc --root /home/joe/site "$@"; }
joe 'gitproc --root site init; git config --global user.email joe@localhost; git config --global user.name joe'
check start systemctl start joe
cat >/home/joe/site/etc/gitproc/services/w.service <<'UNIT'
[Service]
ExecStart=/bin/sh -c "sleep 3; python3 /usr/local/bin/hog.py 100 & sleep 100000"
MemoryMax=32M
[Install]
WantedBy=default.target
UNIT
joe 'cd site/etc/gitproc/services && git add -A && git commit -qm w && git push -q'
is "limit" "$(cat "$(payload w)/memory.max")" $((32 << 20))
wait_for '[ "$(property w Result)" = oom-kill ]' 600
from=$(date +%s)
check restart systemctl restart joe
check "at once" [ $(($(date +%s) - from)) -lt 10 ]
wait_for '[ "$(property w ActiveState)" = active ]'
verdict
