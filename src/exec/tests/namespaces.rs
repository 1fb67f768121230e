//! What a service does not share with the host, as it finds out itself.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root, sh};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::spec::{ExecStep, NamespaceMode};
use gitproc_unit::ExecRole;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

fn here(kind: &str) -> String {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("proc");
    link.display().to_string()
}

#[test]
fn the_network_is_the_services_own() {
    needs_root!("the_network_is_the_services_own");
    let show = "readlink /proc/self/ns/net; cut -d: -f1 /proc/net/dev | tail -n +3 | xargs; \
                cat /sys/class/net/lo/flags >/dev/null; \
                perl -MSocket -e 'socket(S,AF_INET,SOCK_DGRAM,0); \
                print connect(S,pack_sockaddr_in(9,inet_aton(\"127.0.0.1\"))) ? \"lo up\" : $!'";
    let log = Service::view("PrivateNetwork=yes", show);
    let lines: Vec<&str> = log.lines().collect();
    assert_ne!(lines[0], here("net"));
    assert_eq!(lines[1..], ["lo", "lo up"]);
    assert!(Service::view("", show).starts_with(&here("net")));
}

#[test]
fn all_commands_of_a_service_share_its_namespaces() {
    needs_root!("all_commands_of_a_service_share_its_namespaces");
    let show = "readlink /proc/self/ns/net /proc/self/ns/ipc";
    let mut service = Service::of_unit("PrivateNetwork=yes\nPrivateIPC=yes", show).with(|spec| {
        spec.commands.insert(ExecRole::StartPre, vec![sh(show)]);
    });
    service = service.up();
    for role in [ExecRole::StartPre, ExecRole::Start] {
        assert_eq!(service.run_to_end(role).end, ProcessEnd::Exited(0));
    }
    service.quit();
    let log = service.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..2], lines[2..]);
    assert!(!lines.contains(&here("net").as_str()) && !lines.contains(&here("ipc").as_str()));
}

#[test]
fn ipc_is_the_services_own() {
    needs_root!("ipc_is_the_services_own");
    let show = "readlink /proc/self/ns/ipc; grep -c ' /dev/mqueue ' /proc/self/mountinfo; true";
    let log = Service::view("PrivateIPC=yes", show);
    assert!(!log.starts_with(&here("ipc")), "{log}");
    assert!(Service::view("", show).starts_with(&here("ipc")));
}

#[test]
fn a_namespace_that_another_made_is_entered() {
    needs_root!("a_namespace_that_another_made_is_entered");
    let mut other = Service::of_unit("PrivateNetwork=yes\nPrivateIPC=yes", "exec sleep 1000").up();
    other.run(ExecRole::Start);
    other.execed();
    let pid = other.cgroup.as_ref().expect("made").procs()[0];
    for (line, kind) in [
        (format!("NetworkNamespacePath=/proc/{pid}/ns/net"), "net"),
        (format!("IPCNamespacePath=/proc/{pid}/ns/ipc"), "ipc"),
    ] {
        let theirs = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("it lives");
        let show = format!("readlink /proc/self/ns/{kind}");
        // With a /proc of its own it would not see the path.
        let service = Service::of_unit(&line, &show).with(|spec| {
            spec.namespace = NamespaceMode::None;
        });
        assert_eq!(service.up().output().trim(), theirs.display().to_string());
        assert_ne!(theirs.display().to_string(), here(kind));
    }
    let mut lost = Service::of_unit("NetworkNamespacePath=/nonexistent", "true").up();
    let exit = lost.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(225));
    let failure = exit.failure.expect("it failed");
    assert_eq!(
        (failure.step, &*failure.detail),
        (ExecStep::Network, "open /nonexistent")
    );
    let mut lost = Service::of_unit("IPCNamespacePath=/etc/passwd", "true").up();
    assert_eq!(
        lost.run_to_end(ExecRole::Start).end,
        ProcessEnd::Exited(226)
    );
}

#[test]
fn the_host_name_is_the_services_own() {
    needs_root!("the_host_name_is_the_services_own");
    let before = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("proc");
    let log = Service::view(
        "ProtectHostname=yes",
        "readlink /proc/self/ns/uts; cat /proc/sys/kernel/hostname",
    );
    assert!(!log.starts_with(&here("uts")), "{log}");
    assert!(log.ends_with(&before), "{log}");
}

#[test]
fn users_are_the_services_own() {
    needs_root!("users_are_the_services_own");
    let show = "id -u; stat -c %u /etc/passwd / /proc/self; grep CapEff /proc/self/status; \
                xargs </proc/self/uid_map; unshare -n true 2>/dev/null && echo admin; true";
    let log = Service::view("PrivateUsers=yes", show);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..4], ["0", "0", "0", "0"], "{log}");
    assert_eq!(lines[5], "0 0 1");
    // Its capabilities count inside only: the host's network is not its to change.
    let outside = "chroot / true && echo in; perl -e 'print syscall(SYS)==-1 ? $!+0 : 0'";
    let outside = outside.replace(
        "SYS",
        &format!("{}, my $a=\"x\", 1", nix::libc::SYS_sethostname),
    );
    let log = Service::view("PrivateUsers=yes", &outside);
    assert!(log.trim().ends_with('1'), "{log}");

    let log = Service::view(
        "User=daemon\nPrivateUsers=yes",
        "id -u; id -g; stat -c %u /etc/passwd; cat /proc/self/uid_map | xargs",
    );
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines, ["1", "1", "0", "0 0 1 1 1 1"], "{log}");
}
