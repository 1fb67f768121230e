# The same unit under systemd and under gitproc: what it sees of itself, its exit status, its Result.
setup
cat >/usr/local/bin/view <<'END'
#!/bin/bash
# What a process can see and do, in an order that does not change.
exec 2>/dev/null
echo "ids $(id -u) $(id -g) $(id -G)"
grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp|SigIgn|SigBlk|Umask):' /proc/self/status
echo "umask $(umask) cwd $PWD nice $(nice) oom $(cat /proc/self/oom_score_adj)"
echo "limits $(ulimit -n) $(ulimit -Hn) $(ulimit -c) $(ulimit -u)"
for p in / /usr /boot /etc /opt /tmp /var /var/tmp /root /home /run /run/user /dev /dev/shm /sys /sys/fs/cgroup /proc/sys/kernel; do
    [ -d $p ] || { echo "$p missing"; continue; }
    f=$p/.view-$$
    if (: >$f); then rm -f $f; w=w; else w=-; fi
    echo "$p $w $(ls -A $p | grep -vc '^\.view') $(stat -c '%a %U' $p)" | case $p in
        /|/run|/dev|/sys|/tmp|/var/tmp|/sys/fs/cgroup|/etc|/proc/sys/kernel|/root) sed 's/ [0-9]* \([0-9]* [a-zA-Z0-9]*\)$/ \1/' ;;
        *) cat ;;
    esac
done
for f in /proc/kmsg /proc/kcore /proc/kallsyms /proc/sysrq-trigger /dev/kmsg /dev/vda /dev/null /dev/ptmx /etc/shadow /proc/sys/kernel/hostname; do
    r=- w=-
    [ -r $f ] && r=r
    [ -w $f ] && w=w
    echo "$f $(stat -c '%F %a' $f) $r$w"
done
grep ' /proc ' /proc/self/mountinfo | tail -n 1 | grep -o 'hidepid=[a-z]*\|subset=pid'
echo "net $(tail -n +3 /proc/net/dev | cut -d: -f1 | sort | xargs)"
echo "uid_map $(xargs </proc/self/uid_map)"
echo "sched $(chrt -p $$ | sed 's/.*: //' | xargs) io $(ionice -p $$) cpus $(taskset -cp $$ | sed 's/.*: //') slack $(cat /proc/$$/timerslack_ns) dump $(cat /proc/$$/coredump_filter) uname $(uname -m)"
perl -e 'for (["socket",41,17,3,0],["unshare",272,0x20000],["personality",135,8],["sched",144,0,1,""],["clock",227,0,""],["keyctl",250,0,-3,0],["mmap",9,0,4096,7,0x22,-1,0],["mount",165],["swapon",167],["reboot",169,0,0,0],["syslog",103,10,0,0],["delmod",176,"",0],["iopl",172,0],["ptrace",101,0,0,0,0],["setdomain",171,"x",1]) { my ($n,@a)=@$_; next if $n eq "keyctl"; $!=0; my $r=syscall($a[0],@a[1..$#a]); print "$n ",($r==-1?$!+0:"ok"),"\n" }'
env | grep -vE '^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|_|SHLVL|PWD|LANG|NOTIFY_SOCKET|MANAGERPID)=' | sort
for d in $RUNTIME_DIRECTORY $STATE_DIRECTORY $CREDENTIALS_DIRECTORY; do echo "$d $(stat -c '%a' $d) $(ls $d | xargs)"; done
END
chmod 755 /usr/local/bin/view
mkdir -p /opt/data /var/lib/data; echo secret >/opt/secret; chmod 600 /opt/secret
cases() { # NAME LINES… (; between lines)
    cat <<'END'
plain
user User=daemon
groups User=daemon;Group=adm;SupplementaryGroups=tty disk
nnp NoNewPrivileges=yes
caps CapabilityBoundingSet=CAP_CHOWN CAP_KILL
ambient User=daemon;AmbientCapabilities=CAP_NET_BIND_SERVICE
secure User=daemon;SecureBits=noroot-locked
umask UMask=0077;WorkingDirectory=/opt
limits LimitNOFILE=100:200;LimitCORE=0;Nice=5;OOMScoreAdjust=300
sched CPUSchedulingPolicy=batch;IOSchedulingClass=idle;TimerSlackNSec=1ms;CoredumpFilter=all;CPUAffinity=0
personality Personality=x86
sigpipe IgnoreSIGPIPE=no
system ProtectSystem=yes
full ProtectSystem=full
strict ProtectSystem=strict
strictrw ProtectSystem=strict;ReadWritePaths=/opt -/nonexistent;ReadOnlyPaths=/opt/data
home ProtectHome=yes
homero ProtectHome=read-only
hometmp ProtectHome=tmpfs
tmp PrivateTmp=yes
devices PrivateDevices=yes
tunables ProtectKernelTunables=yes
modules ProtectKernelModules=yes
logs ProtectKernelLogs=yes
cgroups ProtectControlGroups=yes
clock ProtectClock=yes
hostname ProtectHostname=yes
procinv User=daemon;ProtectProc=invisible
subset ProcSubset=pid
inaccessible InaccessiblePaths=/opt /etc/shadow
noexec NoExecPaths=/opt
tmpfs TemporaryFileSystem=/var:ro;BindReadOnlyPaths=/var/lib/data
bind BindPaths=/opt/data:/home
net PrivateNetwork=yes
users PrivateUsers=yes
usersd User=daemon;PrivateUsers=yes
families RestrictAddressFamilies=AF_UNIX AF_INET
nsno RestrictNamespaces=yes
rt RestrictRealtime=yes
mdwe MemoryDenyWriteExecute=yes
lockp LockPersonality=yes
calls SystemCallFilter=@system-service;SystemCallErrorNumber=EPERM
callsd SystemCallFilter=~@mount @privileged:EACCES;SystemCallErrorNumber=ENOSYS
arch SystemCallArchitectures=native
dirs User=daemon;RuntimeDirectory=vd;StateDirectory=vd;RuntimeDirectoryMode=0700
cred LoadCredential=a:/opt/secret;SetCredential=b:text
env Environment=A=1 "B=x y";UnsetEnvironment=PATH
nouser User=nosuchuser
nogroup Group=nosuchgroup
nodir WorkingDirectory=/nonexistent
noprog ExecStart=/nonexistent
nopath ReadOnlyPaths=/nonexistent
nocred LoadCredential=a:/nonexistent
nonet NetworkNamespacePath=/nonexistent
nostdin StandardInput=file:/nonexistent
kill SystemCallFilter=~getpid
fat User=daemon;CapabilityBoundingSet=;NoNewPrivileges=yes;PrivateTmp=yes;PrivateDevices=yes;ProtectHome=yes;ProtectSystem=strict;ProtectClock=yes;ProtectControlGroups=yes;ProtectHostname=yes;ProtectKernelLogs=yes;ProtectKernelModules=yes;ProtectKernelTunables=yes;ProtectProc=invisible;PrivateUsers=yes;RestrictAddressFamilies=AF_UNIX;RestrictNamespaces=yes;RestrictRealtime=yes;RestrictSUIDSGID=yes;LockPersonality=yes;MemoryDenyWriteExecute=yes;SystemCallArchitectures=native;SystemCallFilter=@system-service;SystemCallErrorNumber=EPERM
END
}
while read -r name lines; do
    file=v-$name.service
    { echo '[Service]'; echo Type=oneshot; echo RemainAfterExit=yes
      case $lines in *ExecStart=*) ;; *) echo ExecStart=/usr/local/bin/view ;; esac
      echo "$lines" | tr ';' '\n'; } >/run/systemd/system/$file
    { cat /run/systemd/system/$file; printf '[Install]\nWantedBy=default.target\n'; } >$file
    sed -i 's/^StandardOutput.*//' $file
done < <(cases)
mkdir -p /tmp/s /tmp/g
systemctl daemon-reload
while read -r name lines; do
    systemctl start v-$name.service 2>/dev/null
    journalctl -q -o cat -u v-$name.service _COMM=view + -u v-$name.service _COMM=bash >/dev/null
    invocation=$(systemctl show -P InvocationID v-$name.service)
    { journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$invocation
      systemctl show -p Result,ExecMainCode,ExecMainStatus v-$name.service; } >/tmp/s/$name
    systemctl stop v-$name.service; systemctl reset-failed v-$name.service 2>/dev/null
done < <(cases)
git add -A; git commit -qm same; git push -q -o force 2>/tmp/push || git push -q 2>>/tmp/push
while read -r name lines; do
    wait_for "case \$(property v-$name.service ActiveState) in active|failed) true;; *) false;; esac" 200
    { gitproc logs v-$name.service -o cat | grep -v '^\[gitproc\]'
      gitproc show v-$name.service -p Result,ExecMainCode,ExecMainStatus; } >/tmp/g/$name
done < <(cases)
same=0 all=0
while read -r name lines; do
    all=$((all + 1))
    sort /tmp/s/$name >/tmp/s/$name.sorted; sort /tmp/g/$name >/tmp/g/$name.sorted
    if diff /tmp/s/$name.sorted /tmp/g/$name.sorted >/tmp/diff; then same=$((same + 1)); else echo "--- $name: $lines"; head -40 /tmp/diff; fi
done < <(cases)
echo "$same of $all units see the same under both"
check "all of them" [ $same = $all ]
verdict
