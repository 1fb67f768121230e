# Two services that write down their starts and stops; then the host shuts down in order.
setup
systemctl enable -q gitproc
for name in a b; do
    cat >$name.service <<UNIT
[Unit]
After=$([ $name = a ] || echo a.service)
[Service]
ExecStart=/bin/sleep 100000
ExecStartPost=/bin/sh -c 'echo start $name >>/var/lib/marks'
ExecStop=/bin/sh -c 'echo stop $name >>/var/lib/marks'
[Install]
WantedBy=default.target
UNIT
done
check push push "a and b"
systemctl reboot
sleep 1000 # until the host is down
