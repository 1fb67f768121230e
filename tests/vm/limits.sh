# Limits on the payload, in force from its first instruction; kills for want of memory are noticed.
setup
unit() { # NAME LINE…
    { echo '[Service]'; printf '%s\n' "${@:2}"; printf '[Install]\nWantedBy=default.target\n'; } >"$1.service"
}
late='sleep 4; python3 /usr/local/bin/hog.py 200'
unit hog 'ExecStart=/usr/bin/python3 /usr/local/bin/hog.py 200' MemoryMax=40M
unit child "ExecStart=/bin/sh -c '$late & sleep 100000'" MemoryMax=40M
unit high 'ExecStart=/usr/bin/python3 /usr/local/bin/hog.py 60' MemoryHigh=24M
unit spin "ExecStart=/bin/sh -c 'while :; do :; done'" CPUQuota=20%
unit bomb "ExecStart=/bin/bash -c 'b() { b | b & }; b; sleep 100000'" TasksMax=25
unit memory 'ExecStart=/bin/sleep 100000' MemoryMax=10% TasksMax=50%
unit first Type=oneshot RemainAfterExit=yes MemoryMax=50M TasksMax=7 CPUQuota=150% \
    "ExecStart=/bin/sh -c 'cd /sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup) && echo \$(cat memory.max pids.max cpu.max)'"
unit 'foo@' 'ExecStart=/bin/sleep 100000' MemoryMax=33M
printf '[Unit]\nWants=foo@bar.service foo@a\\x2db.service\n' >>memory.service
check push push limits

wait_for '[ "$(property hog Result)" = oom-kill ]'
wait_for '[ "$(property child Result)" = oom-kill ]' 600
is "limits at the first instruction" "$(gitproc logs first -o cat)" "$((50 << 20)) 7 150000 100000"
is "the shim has none" "$(cat "$(payload first)/../shim/memory.max")" max
for name in bar 'a\x2db'; do
    is "limit of foo@$name" "$(cat "$(payload "foo@$name")/memory.max")" $((33 << 20))
done
total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
is "MemoryMax=10%" "$(($(cat "$(payload memory)/memory.max") / 4096))" $((total * 1024 / 10 / 4096))
is "TasksMax=50%" "$(cat "$(payload memory)/pids.max")" $(($(sort -n /proc/sys/kernel/{pid_max,threads-max} | head -1) / 2))
check "the fork bomb is held" [ "$(property bomb TasksCurrent)" -le 25 ]
check "MemoryHigh slows down" grep -q '^high [1-9]' "$(payload high)/memory.events"
check "and holds" [ "$(property high MemoryCurrent)" -lt $((28 << 20)) ]
used=$(property spin CPUUsageNSec) from=$(date +%s%N)
sleep 5
share=$((($(property spin CPUUsageNSec) - used) * 100 / ($(date +%s%N) - from)))
echo "spin has $share% of a CPU"
check "CPUQuota=20%" [ $share -le 24 ]
gitproc kill -s KILL bomb

git rm -q bomb.service hog.service child.service
unit away "ExecStart=/bin/sh -c 'exec $late'" MemoryMax=40M
unit away2 "ExecStart=/bin/sh -c '$late & sleep 100000'" MemoryMax=40M
sed -i "s/exec sleep 4; python3/sleep 4; exec python3/" away.service
check push push "while the daemon is away"
systemctl stop gitproc
killed() { grep -q '^oom_kill [1-9]' "/sys/fs/cgroup/system.slice/gitproc-services.service/gitproc/$1.service/payload/memory.events"; }
wait_for 'killed away && killed away2' 600
systemctl start gitproc
for name in away away2; do
    wait_for "[ \"\$(property $name ActiveState)\" = failed ]"
    is "$name" "$(property $name Result)" oom-kill
done
verdict
