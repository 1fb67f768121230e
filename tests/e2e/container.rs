//! gitproc as process 1 of a container.
use crate::instance::{Instance, output, signal, wait};
use crate::root_or_say_so;
use nix::sys::signal::Signal;
use std::process::{Child, Command, Stdio};

const SLEEP: &str = "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=default.target\n";

/// `gitproc daemon` as process 1 of a PID namespace.
fn contained(instance: &Instance) -> Child {
    let log = std::fs::File::create(instance.root.join("init.log")).expect("writable");
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
    unshare
        .arg(Instance::binary())
        .arg("--root")
        .arg(&instance.root);
    unshare
        .arg("daemon")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("JOURNAL_STREAM");
    let streams = unshare.stdin(Stdio::null()).stdout(Stdio::null());
    let child = streams.stderr(log).spawn().expect("unshare is there");
    instance.wait_for("the daemon answers", |instance| {
        instance.run(&["status"]).code == 0
    });
    child
}

/// The children of a process, by their host pids.
fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let pids = text.split_ascii_whitespace();
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

fn is_daemon(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.ends_with(b"\0daemon\0")
}

#[test]
fn the_init_of_a_container_reaps_forwards_and_stops_in_order() {
    if !root_or_say_so("the_init_of_a_container") {
        return;
    }
    let instance = Instance::init();
    let mut unshare = contained(&instance);
    let init = children(unshare.id())[0];
    let after = format!("[Unit]\nAfter=db.service\n{SLEEP}");
    let pushed = instance.push(&[("db.service", SLEEP), ("web.service", &after)]);
    pushed.ok();
    instance.wait_active("web.service");
    let pid = instance.main_pid("web.service");

    // An orphan is reaped.
    let target = init.to_string();
    let mut nsenter = Command::new("nsenter");
    nsenter.args([
        "-t",
        &target,
        "-p",
        "sh",
        "-c",
        "(sleep 0.2 & echo started)",
    ]);
    assert_eq!(output(&mut nsenter).stdout, "started\n");
    instance.wait_for("the orphan is reaped", |_| {
        let mut ps = Command::new("ps");
        ps.args(["--ppid", &target, "-o", "args="]);
        !output(&mut ps).stdout.contains("sleep")
    });

    // The daemon is killed: another one takes up what runs.
    let daemon = children(init).into_iter().find(|pid| is_daemon(*pid));
    let daemon = daemon.expect("the daemon is a child of the init");
    signal(daemon, Signal::SIGKILL);
    instance.wait_for("another daemon answers", |instance| {
        let lives = children(init)
            .into_iter()
            .any(|pid| is_daemon(pid) && pid != daemon);
        lives && instance.run(&["status"]).code == 0
    });
    instance.wait_active("web.service");
    assert_eq!(instance.main_pid("web.service"), pid, "web was not touched");

    // As docker stop does it.
    signal(init, Signal::SIGTERM);
    let status = wait(&mut unshare).expect("the container ends");
    assert_eq!(status.code(), Some(0));
    let log = std::fs::read_to_string(instance.root.join("init.log")).expect("readable");
    let stopped = |unit: &str| log.rfind(&format!("{unit}: inactive")).expect(unit);
    assert!(stopped("web.service") < stopped("db.service"), "{log}");
    assert_eq!(instance.processes(), Default::default(), "nothing is left");
}

#[test]
fn a_service_may_end_the_container_without_further_leave() {
    if !root_or_say_so("a_service_may_end_the_container") {
        return;
    }
    let instance = Instance::init();
    let mut unshare = contained(&instance);
    let job = "[Unit]\nSuccessAction=exit\nSuccessActionExitStatus=42\n\
               [Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=default.target\n";
    instance.push(&[("db.service", SLEEP), ("job.service", job)]);
    let status = wait(&mut unshare).expect("the container ends");
    assert_eq!(status.code(), Some(42));
}
