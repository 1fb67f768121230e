# The same unit under systemd and under gitproc: what it sees of itself, its exit status, its Result.
# ProtectHome=tmpfs is left out: systemd 252 forgets its options (append_static_mounts() copies path and
# mode only), and leaves it writable; here it is as its manual says. So it is with /run of MountAPIVFS=.
# Commands with + have the limits of whoever started them; of these, that is the manager. A unit that
# ExecCondition= skips is forgotten by systemd with its Result.
setup
cat >/usr/local/bin/view <<'END'
#!/usr/bin/perl
# What a process can see and do, in an order that does not change. One process: emulation is slow.
use POSIX ();
sub slurp { open(my $f, '<', $_[0]) or return ''; local $/; <$f> // '' }
print "ids $< ", join(' ', split ' ', $(), "\n";
my $status = slurp('/proc/self/status');
for (qw(CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp SigIgn SigBlk Umask)) { print "$_ $1\n" if $status =~ /^$_:\s*(\S+)/m }
print "cwd ", POSIX::getcwd() // 'none', " nice ", getpriority(0, 0), " oom ", slurp('/proc/self/oom_score_adj');
for (split /\n/, slurp('/proc/self/limits')) { print "limit $1 $2 $3\n" if /^Max (\w+(?: \w+)*?)\s\s+(\S+)\s+(\S+)/ }
for my $f (qw(/dev/null /dev/vda /dev/kmsg /dev/tty /dev/zero /dev/full)) { my $o = open(my $h, '<', $f); print "open $f ", $o ? 'ok' : $! + 0, "\n" }
for my $p (qw(/ /usr /boot /etc /opt /tmp /var /var/tmp /root /home /run /run/user /dev /dev/shm /sys /sys/fs/cgroup /proc/sys/kernel)) {
    my @s = stat $p or do { print "$p missing\n"; next };
    # Processes of different namespaces have the same number.
    my $f = "$p/.view-" . int(rand(1e9));
    my $w = open(my $h, '>', $f) ? 'w' : '-';
    unlink $f;
    opendir(my $d, $p); my $n = grep { !/^\./ } readdir $d;
    $n = '' if $p =~ m{^/(|run|dev|sys|tmp|var/tmp|sys/fs/cgroup|etc|proc/sys/kernel|root)$};
    printf "%s %s %s %o %d\n", $p, $w, $n, $s[2] & 07777, $s[4];
}
for my $f (qw(/proc/kmsg /proc/kcore /proc/kallsyms /proc/sysrq-trigger /dev/kmsg /dev/vda /dev/null /dev/ptmx /etc/shadow /proc/sys/kernel/hostname)) {
    my @s = stat $f or do { print "$f missing\n"; next };
    printf "%s %o %s%s\n", $f, $s[2] & 07777, (-r _ ? 'r' : '-'), (-w _ ? 'w' : '-');
}
my ($proc) = reverse grep { / \/proc / } split /\n/, slurp('/proc/self/mountinfo');
print "proc $1\n" while $proc =~ /(hidepid=\w+|subset=pid)/g;
print "net ", join(' ', sort map { /^\s*(\w+):/ ? $1 : () } split /\n/, slurp('/proc/net/dev')) || 'none', "\n";
print "uid_map ", join(' ', split ' ', slurp('/proc/self/uid_map')), "\n";
print "uname ", (POSIX::uname())[4], " slack ", slurp("/proc/$$/timerslack_ns") || "none\n";
print "dump ", slurp("/proc/$$/coredump_filter"), "cpus ", $status =~ /^Cpus_allowed_list:\s*(\S+)/m ? $1 : '', "\n";
print "policy ", syscall(145, 0), " io ", syscall(252, 1, 0), "\n";
for (['socket', 41, 17, 3, 0], ['inet6', 41, 10, 2, 0], ['unshare', 272, 0x20000], ['personality', 135, 8], ['clock', 227, 0, 0], ['mmap', 9, 0, 4096, 7, 0x22, -1, 0], ['mount', 165, 0, 0, 0, 0, 0], ['swapon', 167, 0, 0], ['reboot', 169, 0, 0, 0, 0], ['syslog', 103, 10, 0, 0], ['delmod', 176, 0, 0], ['iopl', 172, 0], ['setns', 308, -1, 0], ['clone3', 435, 0, 0]) {
    my ($n, @a) = @$_;
    $! = 0;
    my $r = syscall($a[0], @a[1 .. $#a]);
    print "call $n ", ($r == -1 ? $! + 0 : 'ok'), "\n";
}
for (sort keys %ENV) { print "env $_=$ENV{$_}\n" unless /^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|_|SHLVL|PWD|LANG|NOTIFY_SOCKET|MANAGERPID)$/ }
for my $d (map { split /:/, $ENV{$_} // '' } qw(RUNTIME_DIRECTORY STATE_DIRECTORY CREDENTIALS_DIRECTORY)) {
    my @s = stat $d; opendir(my $h, $d);
    printf "dir %s %o %d\n", $d, $s[2] & 07777, $s[4];
    print "  has $_\n" for sort grep { !/^\./ } readdir $h;
}
END
chmod 755 /usr/local/bin/view
mkdir -p /opt/data /var/lib/data; echo secret >/opt/secret; chmod 600 /opt/secret
printf '#!/nonexistent\n' >/opt/nointerp; chmod 755 /opt/nointerp; : >/var/lib/occupied
printf '# a comment\nA=new\nB="two words"  \nC='"'single \"x\"'"'\nexport D=1\nE=a\\\nb\n' >/opt/envfile
mkdir -p /srv/root/{usr,lib,lib64,bin,etc,proc,sys,dev,run,tmp,var}
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
dyn DynamicUser=yes;StateDirectory=dyn;CacheDirectory=dyn;LogsDirectory=dyn;RuntimeDirectory=dyn
dynstatic DynamicUser=yes;User=daemon;StateDirectory=dynstatic
dyngroups DynamicUser=yes;SupplementaryGroups=adm;ProtectSystem=no;PrivateTmp=no
dynambient DynamicUser=yes;AmbientCapabilities=CAP_NET_BIND_SERVICE;CapabilityBoundingSet=CAP_NET_BIND_SERVICE
dynplus DynamicUser=yes;ExecStart=+/usr/local/bin/view
startonly User=daemon;PermissionsStartOnly=yes;ExecStartPre=/usr/local/bin/view
preuser User=daemon;ProtectSystem=strict;PrivateTmp=yes;ExecStartPre=/usr/local/bin/view;ExecStartPre=+/bin/id;ExecStopPost=/bin/id
plus User=daemon;ExecStart=+/usr/local/bin/view
plusfat User=daemon;PrivateTmp=yes;ProtectSystem=strict;NoNewPrivileges=yes;CapabilityBoundingSet=;LimitNOFILE=50;ExecStart=+/usr/local/bin/view
bang User=daemon;Group=adm;ExecStart=!/usr/local/bin/view
bangbang User=daemon;AmbientCapabilities=CAP_NET_RAW;ExecStart=!!/usr/local/bin/view
colon Environment=A=1;ExecStart=:/bin/echo $A ${A} %% $$
words Environment="A=x  y" "B=" C=c;ExecStart=/bin/echo $A ${A} $$ $B ${B} $C$C ${C}${C} "$A" '${A}' $NOSUCH end
quotes ExecStart=/bin/echo "a b" 'c "d"' e\x20f "\t|" end
dashfalse ExecStart=-/bin/false
false ExecStart=/bin/false
status42 SuccessExitStatus=42;ExecStart=/bin/sh -c 'exit 42'
sigkill ExecStart=/bin/sh -c 'kill -9 $$$$'
sigterm ExecStart=/bin/sh -c 'kill -15 $$$$'
sigquit LimitCORE=0;ExecStart=/bin/sh -c 'kill -3 $$$$'
condition255 ExecCondition=/bin/sh -c 'exit 255'
prefalse ExecStartPre=/bin/false
predash ExecStartPre=-/bin/false
postfalse ExecStartPost=/bin/false
stoppost ExecStopPost=/bin/sh -c 'echo $$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS';ExecStart=/bin/sh -c 'exit 7'
slow TimeoutStartSec=5;ExecStart=/bin/sleep 100
typeexec Type=exec;ExecStart=/nonexistent
simple203 Type=simple;ExecStart=/nonexistent
simplefalse Type=simple;ExecStart=/bin/false
notexec ExecStart=/opt/secret
isdir ExecStart=/opt
nointerp ExecStart=/opt/nointerp
stdintext StandardInput=data;StandardInputText=hello\x41;StandardInputText=world;ExecStart=/bin/cat
stdindata StandardInputData=aGVsbG8K;ExecStart=/bin/cat
nulls StandardInput=null;ExecStart=/bin/sh -c 'wc -c && readlink /proc/self/fd/0'
nostdout StandardOutput=file:/nonexistent/x
nostderr StandardError=file:/nonexistent/x
search ExecSearchPath=/usr/local/bin;ExecStart=view
wdhome User=daemon;WorkingDirectory=~
wdopt WorkingDirectory=-/nonexistent
plusroot RootDirectory=/srv/root;ExecStart=+/bin/pwd
rootonly RootDirectory=/srv/root;RootDirectoryStartOnly=yes;MountAPIVFS=no;BindReadOnlyPaths=/usr /lib /lib64 /bin;ExecStart=/bin/pwd;ExecStartPre=/bin/pwd
chroot RootDirectory=/srv/root;BindReadOnlyPaths=/usr /lib /lib64 /bin /etc;MountAPIVFS=yes
dirall User=daemon;StateDirectory=a/b c;CacheDirectory=cc;LogsDirectory=ll;ConfigurationDirectory=conf;StateDirectoryMode=0750
dirlink StateDirectory=target:alias
dirstrict User=daemon;ProtectSystem=strict;StateDirectory=sd;RuntimeDirectory=sd
nnpcalls User=daemon;SystemCallFilter=@system-service
nnpsuid User=daemon;RestrictSUIDSGID=yes
ambientcut User=daemon;AmbientCapabilities=CAP_SYS_TIME CAP_CHOWN;CapabilityBoundingSet=CAP_CHOWN
capneg CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_NET_ADMIN
caproot User=root;AmbientCapabilities=CAP_CHOWN
keepcaps User=daemon;SecureBits=keep-caps
limitsall LimitNPROC=100;LimitFSIZE=1M;LimitAS=infinity;LimitMEMLOCK=64K;LimitRTPRIO=5;LimitSTACK=4M:8M;LimitCPU=1h;LimitSIGPENDING=77
nice Nice=-5;OOMScoreAdjust=-500
fifo CPUSchedulingPolicy=fifo;CPUSchedulingPriority=10
iobe IOSchedulingClass=best-effort;IOSchedulingPriority=2
mounts PrivateMounts=yes;MountFlags=slave
bindopt BindPaths=-/nonexistent:/mnt
bindnone BindPaths=/nonexistent:/mnt
bindro BindReadOnlyPaths=/opt:/srv:norbind
tmpfsopt TemporaryFileSystem=/opt:size=1M,mode=0700
execpaths NoExecPaths=/;ExecPaths=/usr
rorw ReadOnlyPaths=/;ReadWritePaths=/var/tmp
inaccopt InaccessiblePaths=-/nonexistent -/opt
procpt User=daemon;ProtectProc=ptraceable
procno User=daemon;ProtectProc=noaccess
ipc PrivateIPC=yes
nsallow RestrictNamespaces=net mnt
nsdeny RestrictNamespaces=~user
famnone RestrictAddressFamilies=none
famdeny RestrictAddressFamilies=~AF_PACKET
callclock SystemCallFilter=~@clock;SystemCallErrorNumber=EUCLEAN
callmix SystemCallFilter=@system-service;SystemCallFilter=~@resources;SystemCallErrorNumber=EPERM
calllog SystemCallLog=@mount
devclosed DevicePolicy=closed
devstrict DevicePolicy=strict;DeviceAllow=/dev/null rw;DeviceAllow=/dev/zero r
devgroup DeviceAllow=block-virtblk r
envfile EnvironmentFile=/opt/envfile;Environment=FIRST=1 A=old
envfileopt EnvironmentFile=-/nonexistent
noenvfile EnvironmentFile=/nonexistent
numbers User=2;Group=1;SupplementaryGroups=4 20
groupsonly SupplementaryGroups=audio
keyring KeyringMode=shared
nogroups SupplementaryGroups=nosuchgroup
nodirs StateDirectory=occupied
nodev User=daemon;PrivateDevices=yes;ProtectSystem=full;ProtectHome=read-only
lastwins ProtectSystem=yes;ProtectSystem=no;User=daemon;User=
fat User=daemon;CapabilityBoundingSet=;NoNewPrivileges=yes;PrivateTmp=yes;PrivateDevices=yes;ProtectHome=yes;ProtectSystem=strict;ProtectClock=yes;ProtectControlGroups=yes;ProtectHostname=yes;ProtectKernelLogs=yes;ProtectKernelModules=yes;ProtectKernelTunables=yes;ProtectProc=invisible;PrivateUsers=yes;RestrictAddressFamilies=AF_UNIX;RestrictNamespaces=yes;RestrictRealtime=yes;RestrictSUIDSGID=yes;LockPersonality=yes;MemoryDenyWriteExecute=yes;SystemCallArchitectures=native;SystemCallFilter=@system-service;SystemCallErrorNumber=EPERM
END
}
while read -r name lines; do
    file=v-$name.service
    { echo '[Service]'; echo Type=oneshot; echo RemainAfterExit=yes
      case $lines in *ExecStart=*) ;; *) echo ExecStart=/usr/local/bin/view ;; esac
      echo "$lines" | tr ';' '\n'; } >/run/systemd/system/$file
    { cat /run/systemd/system/$file; printf '[Install]\nWantedBy=default.target\n'; } >$file
    done < <(cases)
mkdir -p /tmp/s /tmp/g
systemctl daemon-reload
while read -r name lines; do
    systemctl start v-$name.service 2>/dev/null
    invocation=$(systemctl show -P InvocationID v-$name.service)
    journalctl --sync
    # What systemd itself says is in other words.
    { journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$invocation | grep -v '^v-.*service: '
      systemctl show -p Result,ExecMainCode,ExecMainStatus v-$name.service; } >/tmp/s/$name
    systemctl stop v-$name.service; systemctl reset-failed v-$name.service 2>/dev/null
done < <(cases)
git add -A; git commit -qm same; git push -q 2>/tmp/push || { cat /tmp/push; check "the push" false; verdict; }
while read -r name lines; do
    wait_for "case \$(property v-$name.service ActiveState) in active|failed) true;; *) false;; esac" 200
    { gitproc logs v-$name.service -o cat | grep -v '^\[gitproc\]'
      gitproc show v-$name.service -p Result,ExecMainCode,ExecMainStatus; } >/tmp/g/$name
done < <(cases)
same=0 all=0
while read -r name lines; do
    all=$((all + 1))
    sort /tmp/s/$name >/tmp/s/$name.sorted; sort /tmp/g/$name >/tmp/g/$name.sorted
    # Numbers of dynamic users.
    sed -i -E 's/\b6[1-5][0-9]{3}\b/UID/g' /tmp/[sg]/$name.sorted
    case $name in
        *plus* | startonly) sed -i '/^limit/d' /tmp/[sg]/$name.sorted ;;
        chroot) sed -i '/^\/run /d' /tmp/[sg]/$name.sorted ;;
    esac
    if diff /tmp/s/$name.sorted /tmp/g/$name.sorted >/tmp/diff; then same=$((same + 1)); else echo "--- $name: $lines"; head -40 /tmp/diff; fi
done < <(cases)
echo "$same of $all units see the same under both"
check "all of them" [ $same = $all ]
verdict
