//! Limits and removal on the real kernel, by whatever this host has: v2 or v1 controllers.
#![allow(missing_docs)]
use gitproc_sys::cgroup::{Hierarchy, Limits, UnitCgroup};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Ours by the pid of this test program, and by the test.
struct Unit {
    hierarchy: Hierarchy,
    instance: String,
    group: UnitCgroup,
    unapplied: Vec<String>,
}

const NAME: &str = "foo@a\\x2db.service";

impl Unit {
    /// `None` where it can't be had.
    fn new(test: &str, limits: &Limits) -> Option<Unit> {
        if !nix::unistd::geteuid().is_root() {
            let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!ci, "{test} needs root");
            eprintln!("{test} needs root, not run");
            return None;
        }
        let hierarchy = Hierarchy::detect();
        let instance = format!("gitproc-test-{}-{test}", std::process::id());
        let (group, unapplied) = hierarchy
            .create(&instance, &[], NAME, limits)
            .expect("a cgroup of our own");
        Some(Unit {
            hierarchy,
            instance,
            group,
            unapplied,
        })
    }

    /// Whether the kernel has the limit; said when not.
    fn has(&self, directive: &str) -> bool {
        let lacking = self.unapplied.iter().find(|why| why.starts_with(directive));
        if let Some(why) = lacking {
            eprintln!("not on this host: {why}");
        }
        lacking.is_none()
    }

    /// `cgroup.procs` of each directory of the payload.
    fn procs_files(&self) -> Vec<PathBuf> {
        let v2 = self.hierarchy.tracking().ok().map(|base| {
            base.join(&self.instance)
                .join(NAME)
                .join("payload/cgroup.procs")
        });
        let v1 = self.group.join_files(false).into_iter().map(PathBuf::from);
        v2.into_iter().chain(v1).collect()
    }

    /// Text of the first such file of the payload's directories.
    fn read(&self, file: &str) -> Option<String> {
        let texts = self.procs_files().into_iter();
        texts
            .filter_map(|procs| std::fs::read_to_string(procs.with_file_name(file)).ok())
            .next()
    }

    /// A shell that is in the payload before its first command.
    fn shell(&self, script: &str) -> Child {
        let join = r#"for f; do echo $$ >"$f" || exit 99; done; "#;
        Command::new("/bin/sh")
            .args(["-c", &format!("{join}{script}"), "sh"])
            .args(self.procs_files())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell")
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let removed = self.hierarchy.remove_instance(&self.instance);
        if !std::thread::panicking() {
            removed.expect("nothing is left");
        }
    }
}

#[test]
fn a_memory_hog_is_killed_and_counted() {
    let limits = Limits {
        memory_max: Some(32 << 20),
        ..Limits::default()
    };
    let Some(unit) = Unit::new("hog", &limits).filter(|unit| unit.has("MemoryMax")) else {
        return;
    };
    assert_eq!(unit.group.oom_kills(), Some(0));
    let events = unit.group.memory_events().expect("readable");
    let hog = unit.shell("head -c 200000000 /dev/zero | tail -c 190000000 >/dev/null");
    hog.wait_with_output().expect("ours");
    let usage = unit.group.usage();
    let oom_kills = unit.group.oom_kills();
    assert!(oom_kills.is_some_and(|kills| kills > 0), "{oom_kills:?}");
    assert!(
        usage.memory_peak.is_some_and(|peak| peak <= 33 << 20),
        "{usage:?}"
    );
    if let Some(events) = events {
        assert_eq!(events.oom_kills().ok(), oom_kills);
    }
}

#[test]
fn a_fork_bomb_is_stopped() {
    let limits = Limits {
        tasks_max: Some(12),
        ..Limits::default()
    };
    let Some(unit) = Unit::new("bomb", &limits).filter(|unit| unit.has("TasksMax")) else {
        return;
    };
    let script = "i=0; while [ $i -lt 100 ]; do sleep 1000 2>/dev/null & i=$((i+1)); done";
    let mut bomb = unit.shell(script);
    let status = bomb.wait().expect("ours");
    assert!(!status.success(), "a hundred processes were allowed");
    let tasks = unit.group.usage().tasks_current;
    assert!(
        tasks.is_some_and(|tasks| (8..=12).contains(&tasks)),
        "{tasks:?}"
    );
    unit.group.kill().expect("ours");
}

#[test]
fn a_quota_is_in_force() {
    let limits = Limits {
        cpu_quota_per_sec_us: Some(200_000),
        ..Limits::default()
    };
    let Some(unit) = Unit::new("quota", &limits).filter(|unit| unit.has("CPUQuota")) else {
        return;
    };
    let v1 = || {
        let number = |file| Some(unit.read(file)?.trim().to_owned());
        Some(format!(
            "{} {}",
            number("cpu.cfs_quota_us")?,
            number("cpu.cfs_period_us")?
        ))
    };
    let written = unit.read("cpu.max").or_else(v1).expect("one of them");
    assert_eq!(written.trim(), "20000 100000");
    let mut spinner = unit.shell("timeout 1 sh -c 'while :; do :; done'");
    spinner.wait().expect("ours");
    let used = unit.group.usage().cpu_usage_ns.expect("counted");
    assert!(
        used < 400_000_000,
        "a fifth of a second was allowed, {used} ns used"
    );
}

#[test]
fn a_number_of_tasks_that_the_kernel_does_not_know_is_no_limit() {
    let limits = Limits {
        tasks_max: Some(u64::MAX - 1),
        ..Limits::default()
    };
    let Some(unit) = Unit::new("tasks", &limits).filter(|unit| unit.has("TasksMax: there")) else {
        return;
    };
    assert_eq!(unit.unapplied, Vec::<String>::new());
    assert_eq!(unit.read("pids.max").as_deref().map(str::trim), Some("max"));
}

#[test]
fn cgroups_that_a_service_makes_in_its_own_end_with_it() {
    let Some(unit) = Unit::new("nested", &Limits::default()) else {
        return;
    };
    let script = r#"for f; do d="${f%/*}/a/b"; mkdir -p "$d" && echo $$ >"$d/cgroup.procs" || exit 99; done
                    echo in >&2; exec sleep 1000"#;
    let mut child = unit.shell(script);
    let mut said = [0; 3];
    let stderr = child.stderr.as_mut().expect("piped");
    std::io::Read::read_exact(stderr, &mut said).expect("it is there");
    assert_eq!(unit.group.procs(), [child.id()]);
    unit.group.kill().expect("ours");
    child.wait().expect("ours");
    unit.group.remove().expect("nothing lives");
    for file in unit.procs_files() {
        assert!(!file.exists(), "{}", file.display());
    }
}
