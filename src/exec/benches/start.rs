//! How long a service takes from its order to its program's first instruction, bare and with
//! everything that hardens it, beside the floor: a clone3 into the same namespaces and an exec. In
//! one run, so that the ratios hold on any machine. Needs root.
#![allow(missing_docs, clippy::print_stdout)]
#[path = "../tests/common/mod.rs"]
mod common;

use common::Service;
use gitproc_core::protocol::ToHelper;
use gitproc_sys::spawn::{HelperSpawn, Namespaces};
use gitproc_sys::{file, pidfd};
use gitproc_unit::ExecRole;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const ROUNDS: usize = 100;

const HARDENED: &str = "User=nobody\nNoNewPrivileges=yes\nCapabilityBoundingSet=\nPrivateTmp=yes\n\
    PrivateDevices=yes\nProtectHome=yes\nProtectSystem=strict\nProtectClock=yes\n\
    ProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes\n\
    ProtectKernelModules=yes\nProtectKernelTunables=yes\nProtectProc=invisible\n\
    PrivateUsers=yes\nPrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX\nRestrictNamespaces=yes\n\
    RestrictRealtime=yes\nRestrictSUIDSGID=yes\nLockPersonality=yes\nMemoryDenyWriteExecute=yes\n\
    SystemCallArchitectures=native\nSystemCallFilter=@system-service";

fn main() {
    if !nix::unistd::geteuid().is_root() {
        println!("needs root, not run");
        return;
    }
    let floor = median((0..ROUNDS).map(|_| clone_and_exec()).collect());
    println!("{:<44}{:>10}{:>8}", "", "µs", "×");
    let row = |what: &str, time: Duration| {
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        println!("{what:<44}{:>10.0}{ratio:>8.1}", time.as_secs_f64() * 1e6);
    };
    row("clone3 into new namespaces, exec", floor);
    for (what, lines) in [
        ("a bare service", ""),
        (
            "ProtectSystem=full, PrivateTmp=",
            "ProtectSystem=full\nPrivateTmp=yes",
        ),
        (
            "SystemCallFilter=@system-service",
            "SystemCallFilter=@system-service",
        ),
        ("everything that hardens", HARDENED),
    ] {
        let both: Vec<(Duration, Duration)> = (0..ROUNDS).map(|_| start(lines)).collect();
        row(what, median(both.iter().map(|(whole, _)| *whole).collect()));
        let command = median(both.iter().map(|(_, command)| *command).collect());
        row("    of it, from the helper's order to exec", command);
    }
    println!("\nmemory of a waiting helper (PSS): {} KiB", helper_kib());
}

/// From nothing to the program, and from the order to run it.
fn start(lines: &str) -> (Duration, Duration) {
    let mut service = Service::of_unit(lines, "true");
    let begin = Instant::now();
    service = service.up();
    let ordered = Instant::now();
    service.send(&ToHelper::Run {
        role: ExecRole::Start,
        index: 0,
        environment: Vec::new(),
    });
    service.execed();
    (begin.elapsed(), ordered.elapsed())
}

fn clone_and_exec() -> Duration {
    let exe = file::open_program("/bin/true".as_ref()).expect("everywhere");
    let null = std::fs::File::open("/dev/null").expect("everywhere");
    let begin = Instant::now();
    let spawned = HelperSpawn {
        exe: exe.as_fd(),
        argv: &["true"],
        envp: &[],
        cgroup: None,
        namespaces: Namespaces {
            pid: true,
            mount: true,
            user: false,
        },
        fds: [null.as_fd(); 7],
    }
    .spawn()
    .expect("it is executed");
    let time = begin.elapsed();
    pidfd::wait(spawned.pidfd.as_fd(), 5_000).expect("a pidfd");
    pidfd::reap(spawned.pidfd.as_fd()).expect("our child");
    time
}

fn helper_kib() -> u64 {
    let mut service = Service::of_unit("", "exec sleep 1000").up();
    service.run(ExecRole::Start);
    service.execed();
    let pid = service.helper.as_ref().expect("spawned").pid;
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it lives");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.expect("a number")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
