//! The host runs out of something: what can't be started says why, what runs goes on, the daemon
//! answers, and all is well again when the pressure has gone.
use crate::crash::Mounted;
use crate::instance::{Instance, output};
use crate::root_or_say_so;
use std::path::{Path, PathBuf};
use std::process::Command;

const SLEEP: &str = "[Service]\nExecStart=/bin/sleep 1000000\n";
const WANTED: &str =
    "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=default.target\n";

/// One service that runs, and one that is to be started.
fn fill(instance: &Instance) -> u32 {
    let files = [("runs.service", WANTED), ("late.service", SLEEP)];
    instance.push(&files).ok();
    instance.wait_active("runs.service");
    instance.main_pid("runs.service")
}

/// The start fails with these words, and all else is as it was.
#[track_caller]
fn cannot_start(instance: &Instance, runs: u32, words: &str) {
    instance.run(&["start", "late"]).fails(1, words);
    instance.run(&["status", "late"]);
    instance.run(&["list"]).ok();
    assert!(instance.is_active("runs.service"));
    assert_eq!(instance.main_pid("runs.service"), runs);
}

/// And now it works.
#[track_caller]
fn heals(instance: Instance, runs: u32) {
    instance.run(&["start", "late"]).ok();
    instance.wait_active("late.service");
    assert_eq!(instance.main_pid("runs.service"), runs);
    instance.shutdown();
}

#[test]
fn no_descriptor_is_left() {
    if !root_or_say_so("no_descriptor") {
        return;
    }
    let instance = Instance::start();
    let runs = fill(&instance);
    let pid = instance.daemon_pid().to_string();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("ours")
        .count();
    let limit = |soft: usize| {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &pid, &format!("--nofile={soft}:")]);
        assert_eq!(output(&mut prlimit).code, 0);
    };
    // Enough for a client, too little for a helper.
    limit(open + 5);
    cannot_start(&instance, runs, "Too many open files");
    limit(1024);
    heals(instance, runs);
}

#[test]
fn the_runtime_directory_is_full() {
    if !root_or_say_so("the_runtime_directory") {
        return;
    }
    let mut instance = Instance::init();
    let run = instance.root.join("run");
    std::fs::create_dir_all(&run).expect("ours");
    let mount = Mounted::tmpfs(&run, "size=1m");
    instance.start_daemon();
    let runs = fill(&instance);
    let filler = run.join("filler");
    let full = std::fs::write(&filler, vec![0; 2 << 20]);
    assert!(full.is_err(), "it is full");
    cannot_start(&instance, runs, "No space left on device");
    std::fs::remove_file(&filler).expect("ours");
    heals(instance, runs);
    drop(mount);
}

#[test]
fn no_memory_is_left_for_a_helper() {
    let mut instance = Instance::start();
    let runs = fill(&instance);
    instance.terminate_daemon();
    instance.start_daemon_with(&[("GITPROC_FAIL_CLONES", "2")]);
    for _ in 0..2 {
        cannot_start(&instance, runs, "Cannot allocate memory");
        assert_eq!(instance.property("late", "Result"), "resources");
        assert!(instance.unit_cgroups("late.service").is_empty());
    }
    heals(instance, runs);
}

/// A cgroup of the pids controller, v1; removed when dropped.
struct PidsGroup(PathBuf);

impl PidsGroup {
    fn make() -> Option<PidsGroup> {
        let controller = Path::new("/sys/fs/cgroup/pids");
        let dir = controller.join(format!("gitproc-test-{}", std::process::id()));
        controller.is_dir().then(|| {
            std::fs::create_dir(&dir).expect("root may");
            PidsGroup(dir)
        })
    }

    fn set(&self, file: &str, value: &str) {
        std::fs::write(self.0.join(file), value).expect(file);
    }

    fn current(&self) -> u64 {
        let text = std::fs::read_to_string(self.0.join("pids.current")).expect("it counts");
        text.trim().parse().expect("a number")
    }
}

impl Drop for PidsGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn no_pid_is_left() {
    if !root_or_say_so("no_pid_is_left") {
        return;
    }
    let Some(group) = PidsGroup::make() else {
        println!("no pids controller of cgroup v1 here: not tried");
        return;
    };
    let instance = Instance::start();
    let runs = fill(&instance);
    group.set("cgroup.procs", &instance.daemon_pid().to_string());
    group.set("pids.max", &group.current().to_string());
    cannot_start(&instance, runs, "Resource temporarily unavailable");
    group.set("pids.max", "max");
    heals(instance, runs);
}
