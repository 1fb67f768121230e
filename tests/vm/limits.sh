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
unit asked Type=oneshot RemainAfterExit=yes CPUWeight=200 AllowedCPUs=0 AllowedMemoryNodes=0 \
    MemoryMin=1M MemoryLow=2M MemorySwapMax=0 IOWeight=50 CPUQuota=50% CPUQuotaPeriodSec=10ms OOMPolicy=kill \
    'IOReadBandwidthMax=/ 1M' 'IOWriteBandwidthMax=/ 2M' 'IOReadIOPSMax=/ 300' 'IOWriteIOPSMax=/ 400' \
    ExecStart=/bin/true
unit old Type=oneshot RemainAfterExit=yes CPUShares=512 MemoryLimit=30M BlockIOWeight=250 ExecStart=/bin/true
unit 'foo@' 'ExecStart=/bin/sleep 100000' MemoryMax=33M
printf '[Unit]\nWants=foo@bar.service foo@a\\x2db.service\n' >>memory.service
check push push limits

wait_for '[ "$(property hog Result)" = oom-kill ]'
wait_for '[ "$(property child Result)" = oom-kill ]' 600
is "limits at the first instruction" "$(gitproc logs first -o cat)" "$((50 << 20)) 7 150000 100000"
asks() { cat "$(payload "$1")/$2"; }
is "CPUWeight=200" "$(asks asked cpu.weight)" 200
is "AllowedCPUs=0" "$(asks asked cpuset.cpus)" 0
is "AllowedMemoryNodes=0" "$(asks asked cpuset.mems)" 0
is "MemoryMin=1M" "$(asks asked memory.min)" $((1 << 20))
is "MemoryLow=2M" "$(asks asked memory.low)" $((2 << 20))
is "MemorySwapMax=0" "$(asks asked memory.swap.max)" 0
is "OOMPolicy=kill" "$(asks asked memory.oom.group)" 1
is "CPUQuotaPeriodSec=10ms" "$(asks asked cpu.max)" "5000 10000"
if [ -e "$(payload asked)/io.weight" ]; then is "IOWeight=50" "$(asks asked io.weight)" "default 50"; fi
is "IOReadBandwidthMax= and its siblings" "$(asks asked io.max | cut -d' ' -f2-)" \
    "rbps=1000000 wbps=2000000 riops=300 wiops=400"
is "CPUShares=512" "$(asks old cpu.weight)" 50
is "MemoryLimit=30M" "$(asks old memory.max)" $((30 << 20))
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
killed() { grep -q '^oom_kill [1-9]' "/sys/fs/cgroup/system.slice/gitproc-services.service/gitproc/system.slice/$1.service/payload/memory.events"; }
wait_for 'killed away && killed away2' 600
systemctl start gitproc
for name in away away2; do
    wait_for "[ \"\$(property $name ActiveState)\" = failed ]"
    is "$name" "$(property $name Result)" oom-kill
done
verdict
