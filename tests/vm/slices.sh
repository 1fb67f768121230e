# Slices and delegated groups with the controllers of cgroup v2.
setup
unit() { # NAME LINE…
    { echo '[Service]'; printf '%s\n' "${@:2}"; printf '[Install]\nWantedBy=default.target\n'; } >"$1.service"
}
printf '[Slice]\nMemoryMax=60M\nCPUWeight=50\nTasksMax=90\nIOReadBandwidthMax=/ 1M\n' >team.slice
printf '[Slice]\nMemoryHigh=50M\nAllowedCPUs=0\n' >team-web.slice
hog='/usr/bin/python3 /usr/local/bin/hog.py'
unit one "ExecStart=/bin/sleep 100000" Slice=team-web.slice MemoryMax=20M
unit two "ExecStart=/bin/sleep 100000" Slice=team.slice
# In a slice of its own: where reading is slow, the kernel tries for long to do without a kill.
printf '[Slice]\nMemoryMax=60M\n' >hungry.slice
unit hog "ExecStart=$hog 100" Slice=hungry.slice
unit own Delegate=yes User=nobody "ExecStart=/bin/sh -c 'cd /sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup) && mkdir main kept && echo \$\$\$\$ >main/cgroup.procs && echo +memory +pids >cgroup.subtree_control && echo 8000000 >kept/memory.max && (echo 9 >memory.max) 2>/dev/null || echo divided; exec sleep 100000'" \
    "ExecReload=/bin/sh -c 'cat /proc/self/cgroup'" "ExecStop=/bin/sh -c 'cat /proc/self/cgroup'"
check push push slices
slice=$(dirname "$(property one ControlGroup)")
is "where it lies" "$slice" /system.slice/gitproc-services.service/gitproc/team.slice/team-web.slice
at() { cat "/sys/fs/cgroup$slice/$1"; }
is "MemoryHigh of the slice" "$(at memory.high)" $((50 << 20))
is "AllowedCPUs of the slice" "$(at cpuset.cpus)" 0
is "MemoryMax of the slice around it" "$(at ../memory.max)" $((60 << 20))
is "CPUWeight of the slice around it" "$(at ../cpu.weight)" 50
is "IOReadBandwidthMax of the slice around it" "$(at ../io.max | cut -d' ' -f2)" rbps=1000000
is "MemoryMax of the service" "$(cat "$(payload one)/memory.max")" $((20 << 20))
wait_for '[ "$(property hog Result)" = oom-kill ]'

wait_for 'gitproc logs own -o cat | grep -q divided'
is "the service's own group" "$(cat "$(payload own)/kept/memory.max")" 7999488
check "reload of a divided group" gitproc reload own
gitproc logs own -o cat | tail -1
check "it ran beside" sh -c 'gitproc logs own -o cat | grep -q "system.slice/own.service/payload/.control$"'
check "stop of a divided group" gitproc stop own
check "nothing of it is left" [ ! -e /sys/fs/cgroup/system.slice/gitproc-services.service/gitproc/system.slice/own.service ]

pid=$(property one MainPID)
printf '[Slice]\nCPUWeight=70\n' >team.slice
git rm -qf team-web.slice hungry.slice hog.service
check push push "other limits"
is "no MemoryMax any more" "$(at ../memory.max)" max
is "TasksMax as if nothing had been said" "$(at ../pids.max)" max
is "no IOReadBandwidthMax any more" "$(at ../io.max)" ""
is "CPUWeight is another" "$(at ../cpu.weight)" 70
is "no MemoryHigh any more" "$(at memory.high)" max
is "AllowedCPUs are all" "$(at cpuset.cpus.effective)" "$(at ../cpuset.cpus.effective)"
is "the same process" "$(property one MainPID)" "$pid"
systemctl restart gitproc
is "the same process after a restart" "$(property one MainPID)" "$pid"
git rm -qf one.service two.service
check push push "no services"
check "no slice is left" [ ! -e "/sys/fs/cgroup$slice" ]
verdict
