# Debian's own unit files, unmodified; they outlive the daemon.
setup
systemctl stop redis-server nginx memcached ssh.socket ssh 2>/dev/null
all=(redis-server nginx memcached ssh)
for name in "${all[@]}"; do cp "/lib/systemd/system/$name.service" .; done
check push push "Debian's own"
serve() {
    is "redis $1" "$(redis-cli ping)" PONG
    check "nginx $1" curl -sf -o /dev/null http://127.0.0.1/
    is "memcached $1" "$(printf 'version\r\nquit\r\n' | nc -w2 127.0.0.1 11211 | cut -c1-7)" VERSION
    is "sshd $1" "$(nc -w2 127.0.0.1 22 </dev/null | head -c7)" SSH-2.0
}
pids() { for name in "${all[@]}"; do property "$name" MainPID; done | xargs; }
serve "after the push"
before=$(pids)
for pid in $before; do
    check "pid $pid has a namespace of its own" [ "$(readlink "/proc/$pid/ns/pid")" != "$(readlink /proc/1/ns/pid)" ]
done
is "redis' user" "$(ps -o user= -p "$(property redis-server MainPID)")" redis
is "memcached's user" "$(ps -o user= -p "$(property memcached MainPID)")" memcache
kill_daemon
is "pids after kill -9 of the daemon" "$(pids)" "$before"
systemctl daemon-reexec
systemctl restart gitproc
is "pids after daemon-reexec and restart" "$(pids)" "$before"
serve "after adoption"
for name in redis-server memcached ssh; do
    old=$(property $name MainPID)
    kill -9 "$old"
    wait_for "[ \$(property $name NRestarts) = 1 ] && [ \$(property $name ActiveState) = active ]"
done
kill -9 "$(property nginx MainPID)"
wait_for '[ "$(property nginx ActiveState)" = failed ]' # it has no Restart=
check "nginx starts again" gitproc start nginx
check "nginx reloads" gitproc reload nginx
serve "after kill -9"
check rollback gitproc rollback HEAD~1
is "nothing runs" "$(ls -d /sys/fs/cgroup/system.slice/gitproc-services.service/gitproc/*/ 2>/dev/null)" ""
verdict
