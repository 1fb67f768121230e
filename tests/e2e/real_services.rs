//! Debian's own unit files, unmodified, in a store: redis, nginx, memcached, sshd.
//!
//! `.ci/run` installs the packages with their services not started. Ports are moved by drop-ins, so
//! that nothing of the host is in the way.
use crate::instance::{DEADLINE, Instance, output, pause, signal};
use nix::sys::signal::Signal;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Where Debian keeps the units of packages.
const UNITS: &str = "/lib/systemd/system";

/// Units of Debian's packages that this test runs.
const PACKAGED: [&str; 4] = [
    "redis-server.service",
    "nginx.service",
    "memcached.service",
    "ssh.service",
];

/// On a fresh machine the packages may be missing; where CI is set, they must not be.
fn installed_or_say_so() -> bool {
    let missing: Vec<&str> = PACKAGED
        .into_iter()
        .filter(|name| !std::path::Path::new(UNITS).join(name).exists())
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "CI installs {missing:?} (.ci/run)"
    );
    eprintln!("real services: {missing:?} not installed, not run (.ci/run installs them)");
    false
}

fn debian_unit(name: &str) -> String {
    std::fs::read_to_string(format!("{UNITS}/{name}"))
        .unwrap_or_else(|cause| panic!("{name} is installed (.ci/run does it): {cause}"))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("an address").port()
}

/// Says something to a port and reads until `enough` is in the answer; tries until it works.
#[track_caller]
fn ask(port: u16, question: &str, enough: &str) -> String {
    let begin = Instant::now();
    let mut heard = String::new();
    while begin.elapsed() < DEADLINE {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .expect("a timeout");
            let _ = stream.write_all(question.as_bytes());
            let mut bytes = [0; 4096];
            heard.clear();
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
                if heard.contains(enough) {
                    return heard;
                }
            }
        }
        pause();
    }
    panic!("port {port} never said {enough:?}; last: {heard:?}");
}

struct Ports {
    redis: u16,
    nginx: u16,
    memcached: u16,
    ssh: u16,
}

impl Ports {
    fn free() -> Ports {
        Ports {
            redis: free_port(),
            nginx: free_port(),
            memcached: free_port(),
            ssh: free_port(),
        }
    }

    fn all_answer(&self) {
        ask(self.redis, "PING\r\n", "+PONG");
        let page = ask(
            self.nginx,
            "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
            "</html>",
        );
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        ask(self.memcached, "stats\r\nquit\r\n", "STAT pid");
        let banner = ask(self.ssh, "", "SSH-2.0-OpenSSH");
        assert!(banner.contains("OpenSSH"), "{banner}");
    }
}

/// Files for the store: Debian's units as they are, and drop-ins that move the ports.
fn store_files(ports: &Ports, dir: &std::path::Path) -> Vec<(String, String)> {
    let nginx_conf = dir.join("nginx.conf");
    std::fs::write(
        &nginx_conf,
        format!(
            "user www-data;\npid /run/nginx.pid;\nevents {{}}\nhttp {{ access_log off; \
             error_log stderr; server {{ listen 127.0.0.1:{}; root /var/www/html; \
             index index.nginx-debian.html; }} }}\n",
            ports.nginx
        ),
    )
    .expect("written");
    let conf = nginx_conf.display();
    let daemon = "daemon on; master_process on;";
    let drop_ins = [
        (
            "redis-server.service.d/port.conf",
            format!(
                "[Service]\nExecStart=\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf \
                 --supervised systemd --daemonize no --port {} --bind 127.0.0.1\n",
                ports.redis
            ),
        ),
        (
            "nginx.service.d/port.conf",
            format!(
                "[Service]\nExecStartPre=\nExecStartPre=/usr/sbin/nginx -c {conf} -t -q -g \
                 '{daemon}'\nExecStart=\nExecStart=/usr/sbin/nginx -c {conf} -g '{daemon}'\n"
            ),
        ),
        (
            "memcached.service.d/port.conf",
            format!(
                "[Service]\nExecStart=\nExecStart=/usr/bin/memcached -u memcache -l 127.0.0.1 \
                 -p {}\n",
                ports.memcached
            ),
        ),
        // ssh.service reads /etc/default/ssh after Environment=, which sets an empty SSHD_OPTS.
        (
            "ssh.service.d/port.conf",
            format!(
                "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -p {}\n",
                ports.ssh
            ),
        ),
    ];
    let mut files: Vec<(String, String)> = PACKAGED
        .iter()
        .map(|name| ((*name).to_owned(), debian_unit(name)))
        .collect();
    files.extend(drop_ins.map(|(name, text)| (name.to_owned(), text)));
    files
}

fn user_of(pid: u32) -> String {
    let mut command = Command::new("ps");
    output(command.args(["-o", "user:32=", "-p", &pid.to_string()]))
        .ok()
        .stdout
        .trim()
        .to_owned()
}

fn pid_namespace(pid: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).expect("it lives")
}

/// Debian's services use fixed paths under /run and /var, so all of them are in one test.
#[test]
fn debians_redis_nginx_memcached_and_sshd_run_from_a_store() {
    if !crate::root_or_say_so("real services") || !installed_or_say_so() {
        return;
    }
    let instance = Instance::start();
    let before = instance
        .git(&["rev-parse", "HEAD"])
        .ok()
        .stdout
        .trim()
        .to_owned();
    let ports = Ports::free();
    let files = store_files(&ports, &instance.root);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let pushed = instance.push(&files).ok();
    // What is not honoured in full is named, with file and line.
    assert!(
        pushed
            .stderr
            .contains("ssh.service:13:10: warning: KillMode=process"),
        "{pushed:?}"
    );
    assert!(!pushed.stderr.contains("ProtectSystem"), "{pushed:?}");
    ports.all_answer();

    let services = ["redis-server", "nginx", "memcached", "ssh"];
    let users = ["redis", "root", "memcache", "root"];
    let own = pid_namespace(std::process::id());
    let mut namespaces = std::collections::BTreeSet::new();
    for (service, user) in services.iter().zip(users) {
        let pid = instance.main_pid(service);
        assert_ne!(
            pid,
            0,
            "{service} has a main process\n{:?}",
            instance.run(&["status", service])
        );
        assert_eq!(user_of(pid), user, "{service}");
        assert_ne!(pid_namespace(pid), own, "{service}");
        namespaces.insert(pid_namespace(pid));
    }
    assert_eq!(
        namespaces.len(),
        services.len(),
        "each in a namespace of its own"
    );

    a_killed_main_process_follows_its_own_policy(&instance);
    ports_answer_after_reload_and_stop(&instance, &ports);

    // Back to the commit before: the earlier set, which is nothing.
    instance.run(&["rollback", &before]).ok();
    for service in services {
        assert_eq!(instance.main_pid(service), 0, "{service}");
        assert_eq!(
            instance.unit_cgroups(&format!("{service}.service")),
            Vec::<PathBuf>::new(),
            "{service}"
        );
    }
    instance.shutdown();
}

/// redis and memcached: always; sshd: on-failure; nginx: no.
fn a_killed_main_process_follows_its_own_policy(instance: &Instance) {
    for service in ["redis-server", "memcached", "ssh"] {
        let pid = instance.main_pid(service);
        signal(pid, Signal::SIGKILL);
        instance.wait_for(&format!("{service} is back"), |instance| {
            let now = instance.main_pid(service);
            now != 0 && now != pid && instance.is_active(service)
        });
    }
    signal(instance.main_pid("nginx"), Signal::SIGKILL);
    instance.wait_for("nginx is failed", |i| {
        i.property("nginx", "ActiveState") == "failed"
    });
    assert_eq!(instance.property("nginx", "Result"), "signal");
    instance.run(&["start", "nginx"]).ok();
}

fn ports_answer_after_reload_and_stop(instance: &Instance, ports: &Ports) {
    ports.all_answer();
    let pid = instance.main_pid("ssh");
    instance.run(&["reload", "ssh"]).ok();
    assert_eq!(instance.main_pid("ssh"), pid, "a reload keeps the process");
    ports.all_answer();
    instance.run(&["stop", "memcached"]).ok();
    assert!(TcpStream::connect(("127.0.0.1", ports.memcached)).is_err());
    assert_eq!(
        instance.unit_cgroups("memcached.service"),
        Vec::<PathBuf>::new()
    );
}
